/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_CLONE_H
#define FA_WORKER_CLONE_H

#include <sys/types.h>

/*
 * fork() with namespaces: 0 in the child, its pid in the parent, or -errno.
 * `pidfd` (NULL: none) is close-on-exec. The caller has one thread.
 */
pid_t fa_clone(unsigned long namespaces, int *pidfd);

/* [child] Its memory is another's, from the same nest: put our own id in. */
void fa_clone_settle(void);

/* Once, in a process whose clones go on to use libc. */
void fa_clone_init(void);

#endif
