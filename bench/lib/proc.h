/* SPDX-License-Identifier: MIT */
#ifndef BENCH_PROC_H
#define BENCH_PROC_H

/* The processes below this one, as /proc tells of them. */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct family {
	pid_t *pids;  /* descendants; this process is not among them */
	int *depth;   /* 1: a child of this process */
	size_t n;
};

void family_open(struct family *f);
void family_close(struct family *f);

/* A "Name:   123 kB" line of /proc/<pid>/<file>; -1 if there is none. */
long proc_field(pid_t pid, const char *file, const char *name);

/* Context switches of all threads of a process but `except` (0: of all). */
uint64_t proc_switches(pid_t pid, pid_t except);

#endif
