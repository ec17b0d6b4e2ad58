/* SPDX-License-Identifier: MIT */
/*
 * pthread_join() returns while the kernel is still taking the thread apart, and for
 * that long it counts. Such a one is waited for: it runs no more code of the function.
 * Nothing here allocates, because a thread that was left behind may hold malloc()'s lock.
 */
#include <worker/alone.h>

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TASKS "/proc/self/task"
#define LEAVING 0x4   /* PF_EXITING, of proc(5)'s "flags" */
#define FLAGS_BEHIND 6 /* fields between the name and the flags */
#define LOOKS 1000    /* a millisecond apart */

struct entry { /* of getdents64(2) */
	uint64_t ino;
	int64_t off;
	unsigned short len;
	unsigned char type;
	char name[];
};

/* The kernel refuses to separate us from our threads if there are any. */
static bool counts_threads(void)
{
	return syscall(SYS_unshare, CLONE_THREAD) < 0;
}

/* One that is gone by now is leaving, too. */
static bool is_leaving(const char *tid)
{
	char path[sizeof(TASKS) + 32], stat[512], *at;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), TASKS "/%.20s/stat", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return true;
	n = read(fd, stat, sizeof(stat) - 1);
	close(fd);
	if (n <= 0)
		return true;
	stat[n] = '\0';
	at = strrchr(stat, ')');
	for (int i = 0; at && i <= FLAGS_BEHIND; i++)
		at = strchr(at + 1, ' ');
	return at && strtoul(at, NULL, 10) & LEAVING;
}

static bool all_leave(const char *names, ssize_t size)
{
	for (ssize_t at = 0; at < size;) {
		const struct entry *entry = (const void *)(names + at);

		if (entry->name[0] != '.' && atoi(entry->name) != getpid() &&
		    !is_leaving(entry->name))
			return false;
		at += entry->len;
	}
	return true;
}

static bool others_leave(void)
{
	_Alignas(struct entry) char names[1024];
	int fd = open(TASKS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ssize_t n = -1;
	bool leave = true;

	while (fd >= 0 && leave && (n = syscall(SYS_getdents64, fd, names, sizeof(names))) > 0)
		leave = all_leave(names, n);
	if (fd >= 0)
		close(fd);
	return leave && !n;
}

bool fa_alone_has_threads(void)
{
	for (int i = 0; i < LOOKS; i++) {
		if (!counts_threads())
			return false;
		if (!others_leave())
			return true;
		if (i)
			nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
		else
			sched_yield();
	}
	return true;
}

bool fa_alone_has_children(void)
{
	siginfo_t info;

	return syscall(SYS_waitid, P_ALL, 0, &info, WNOHANG | WEXITED | WNOWAIT | __WALL, NULL) ==
	       0;
}

const char *fa_alone_why_not(void)
{
	if (fa_alone_has_threads())
		return "it has left a thread running";
	if (fa_alone_has_children())
		return "it has left a process running";
	return NULL;
}
