/* SPDX-License-Identifier: MIT */
#ifndef TEST_PROCESSES_H
#define TEST_PROCESSES_H

#include <stdbool.h>
#include <sys/types.h>

struct process {
	pid_t pid, parent;
	char state;  /* as in /proc/PID/stat */
	long faults; /* of pages, that needed no disk */
	char name[32];
};

/* Everything below `root`, children before grandchildren; zombies count. How many. */
int processes_below(pid_t root, struct process *out, int most);
/* The environments of the runtimes of `root`: children of nests, which are a supervisor's. */
int processes_of_environments(pid_t root, struct process *out, int most);
/* Everything on the machine of this name. */
int processes_named(const char *name, struct process *out, int most);
/* Whether it has mapped a file of such a name: 1, 0, or -1 if we may not look. */
int processes_map(pid_t pid, const char *name);
/* Kill it if it is still the child of that parent. */
bool processes_kill(const struct process *process);
/* The number of processes is limited from outside (a pids cgroup). */
bool processes_are_limited(void);

#endif
