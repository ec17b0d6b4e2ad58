/* SPDX-License-Identifier: MIT */
/* Who is alive, by /proc. */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "processes.h"

#define MOST 8192

static bool read_process(const char *pid, struct process *out)
{
	char path[64], text[512], *open_paren, *close_paren;
	size_t len;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%.16s/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	len = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[len] = '\0';
	open_paren = strchr(text, '(');
	close_paren = strrchr(text, ')');
	if (!open_paren || !close_paren)
		return false;
	*close_paren = '\0';
	snprintf(out->name, sizeof(out->name), "%s", open_paren + 1);
	out->pid = (pid_t)strtol(text, NULL, 10);
	return sscanf(close_paren + 1, " %c %d %*d %*d %*d %*d %*u %ld", &out->state, &out->parent,
		      &out->faults) == 3;
}

static int read_all(struct process *out)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	int n = 0;

	while (dir && n < MOST && (entry = readdir(dir)))
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			n += read_process(entry->d_name, &out[n]);
	if (dir)
		closedir(dir);
	return n;
}

int processes_below(pid_t root, struct process *out, int most)
{
	static _Thread_local struct process all[MOST];
	const int n = read_all(all);
	int found = 0;

	/* Level by level: `out` is its own queue. */
	for (int next = -1; next < found; next++)
		for (int i = 0; i < n && found < most; i++)
			if (all[i].parent == (next < 0 ? root : out[next].pid))
				out[found++] = all[i];
	return found;
}

static pid_t parent_of(const struct process *list, int count, pid_t pid)
{
	for (int i = 0; i < count; i++)
		if (list[i].pid == pid)
			return list[i].parent;
	return 0;
}

int processes_of_environments(pid_t root, struct process *out, int most)
{
	static _Thread_local struct process below[MOST];
	const int n = processes_below(root, below, MOST);
	int found = 0;

	for (int i = 0; i < n && found < most; i++) {
		pid_t supervisor = parent_of(below, n, below[i].parent);

		if (supervisor && parent_of(below, n, supervisor) == root)
			out[found++] = below[i];
	}
	return found;
}

int processes_named(const char *name, struct process *out, int most)
{
	static _Thread_local struct process all[MOST];
	const int n = read_all(all);
	int found = 0;

	for (int i = 0; i < n && found < most; i++)
		if (strcmp(all[i].name, name) == 0 && all[i].state != 'Z')
			out[found++] = all[i];
	return found;
}

int processes_map(pid_t pid, const char *name)
{
	char path[64], line[512];
	int found = -1;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	maps = fopen(path, "re");
	while (maps && found != 1 && fgets(line, sizeof(line), maps))
		found = strstr(line, name) != NULL;
	if (maps)
		fclose(maps);
	return found;
}

/* The number may be another's by now, unless it is looked at while it is held. */
bool processes_kill(const struct process *process)
{
	int fd = (int)syscall(SYS_pidfd_open, process->pid, 0);
	struct process now;
	char pid[16];
	bool same;

	snprintf(pid, sizeof(pid), "%d", process->pid);
	same = fd >= 0 && read_process(pid, &now) && now.parent == process->parent &&
	       now.state != 'Z' && !syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
	if (fd >= 0)
		close(fd);
	return same;
}

/* "8:pids:/some/where" of version 1, "0::/some/where" of version 2. */
static bool limit_of(const char *line)
{
	char path[512], text[32] = "";
	const char *where = strchr(line, '/');
	FILE *file;
	bool limited;

	if (!where || (!strstr(line, ":pids:") && strncmp(line, "0::", 3) != 0))
		return false;
	snprintf(path, sizeof(path), "/sys/fs/cgroup%s%.*s/pids.max",
		 strncmp(line, "0::", 3) == 0 ? "" : "/pids", (int)strcspn(where, "\n"), where);
	file = fopen(path, "re");
	if (!file)
		return false;
	limited = fgets(text, sizeof(text), file) && strtol(text, NULL, 10) > 0;
	fclose(file);
	return limited;
}

bool processes_are_limited(void)
{
	FILE *file = fopen("/proc/self/cgroup", "re");
	char line[512];
	bool limited = false;

	while (file && !limited && fgets(line, sizeof(line), file))
		limited = limit_of(line);
	if (file)
		fclose(file);
	return limited;
}
