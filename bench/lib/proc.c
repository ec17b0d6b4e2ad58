/* SPDX-License-Identifier: MIT */

/* One pass over /proc for the parents, then as many over the table as there are generations. */

#include "proc.h"
#include "bench.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct entry {
	pid_t pid, parent;
	int depth;
};

static pid_t parent_of(pid_t pid)
{
	char path[64], text[512], *after;
	FILE *file;
	int parent = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "r");
	if (!file)
		return 0;
	/* The name may hold anything, blanks and parentheses too: start behind the last one. */
	after = fgets(text, sizeof(text), file) ? strrchr(text, ')') : NULL;
	if (after)
		sscanf(after, ") %*c %d", &parent);
	fclose(file);
	return parent;
}

static struct entry *all_processes(size_t *n)
{
	struct entry *entries = NULL;
	size_t cap = 0;
	struct dirent *d;
	DIR *dir = opendir("/proc");

	*n = 0;
	while (dir && (d = readdir(dir))) {
		pid_t pid = (pid_t)atoi(d->d_name);

		if (pid <= 0)
			continue;
		if (*n == cap) {
			cap = cap ? 2 * cap : 256;
			entries = realloc(entries, cap * sizeof(*entries));
			if (!entries)
				bench_die("no memory");
		}
		entries[(*n)++] = (struct entry){ pid, parent_of(pid), pid == getpid() ? 0 : -1 };
	}
	if (dir)
		closedir(dir);
	return entries;
}

/* Marks the children of everything at `depth`; returns how many there are. */
static size_t mark_children(struct entry *entries, size_t n, int depth)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++) {
		if (entries[i].depth != depth)
			continue;
		for (size_t k = 0; k < n; k++) {
			if (entries[k].parent != entries[i].pid || entries[k].depth >= 0)
				continue;
			entries[k].depth = depth + 1;
			found++;
		}
	}
	return found;
}

void family_open(struct family *f)
{
	size_t n;
	struct entry *entries = all_processes(&n);

	for (int depth = 0; mark_children(entries, n, depth); depth++)
		;
	f->n = 0;
	f->pids = calloc(n + 1, sizeof(*f->pids));
	f->depth = calloc(n + 1, sizeof(*f->depth));
	if (!f->pids || !f->depth)
		bench_die("no memory");
	for (size_t i = 0; i < n; i++) {
		if (entries[i].depth <= 0)
			continue;
		f->pids[f->n] = entries[i].pid;
		f->depth[f->n++] = entries[i].depth;
	}
	free(entries);
}

void family_close(struct family *f)
{
	free(f->pids);
	free(f->depth);
	memset(f, 0, sizeof(*f));
}

static long field_of(const char *path, const char *name)
{
	size_t len = strlen(name);
	char line[256];
	long value = -1;
	FILE *file = fopen(path, "r");

	while (file && value < 0 && fgets(line, sizeof(line), file))
		if (strncmp(line, name, len) == 0 && line[len] == ':')
			value = atol(line + len + 1);
	if (file)
		fclose(file);
	return value;
}

long proc_field(pid_t pid, const char *file, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	return field_of(path, name);
}

uint64_t proc_switches(pid_t pid, pid_t except)
{
	char path[320];
	uint64_t sum = 0;
	struct dirent *d;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && (d = readdir(dir))) {
		long waited, pushed;

		if (atoi(d->d_name) <= 0 || atoi(d->d_name) == except)
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%s/status", pid, d->d_name);
		waited = field_of(path, "voluntary_ctxt_switches");
		pushed = field_of(path, "nonvoluntary_ctxt_switches");
		sum += (uint64_t)(waited > 0 ? waited : 0) + (uint64_t)(pushed > 0 ? pushed : 0);
	}
	if (dir)
		closedir(dir);
	return sum;
}
