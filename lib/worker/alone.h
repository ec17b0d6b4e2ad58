/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_ALONE_H
#define FA_WORKER_ALONE_H

#include <stdbool.h>

/*
 * What stands in the way of taking a process's state down and putting it up
 * again: whatever else runs in it or below it.
 */
bool fa_alone_has_threads(void);
bool fa_alone_has_children(void);

/* NULL, or what init() has left running, in words. */
const char *fa_alone_why_not(void);

#endif
