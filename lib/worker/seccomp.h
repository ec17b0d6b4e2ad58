/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_SECCOMP_H
#define FA_WORKER_SECCOMP_H

/*
 * The filter of system calls: compiled while libfaas is built, installed by the
 * nest as it is, inherited by its environments at no cost.
 */
enum fa_filter {
	FA_FILTER_UNIX = 1 << 0,    /* socket(AF_UNIX): safe where Landlock bounds connect() */
	FA_FILTER_MEMFD = 1 << 1,   /* memfd_create(): safe where a cgroup counts memory */
	FA_FILTER_NETWORK = 1 << 2, /* the Internet, too; implies UNIX */
	/* Sockets in a network of the environment's own; and no traps: see signals.c */
	FA_FILTER_PROGRAM = 1 << 3,
	FA_FILTERS_COMBINED = 1 << 4,
	/* Not combined: threads but no processes. For environments without a pid namespace. */
	FA_FILTER_NO_FORK = FA_FILTERS_COMBINED,
	/* Memory, and what is open already: all else is refused. For faas-unpack. */
	FA_FILTER_COMPUTE,
	FA_FILTERS,
};

int fa_seccomp_available(void);        /* 0 or -errno */
int fa_seccomp_install(unsigned filter); /* needs no-new-privileges; 0 or -errno */

#endif
