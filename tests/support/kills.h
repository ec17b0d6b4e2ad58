/* SPDX-License-Identifier: MIT */
#ifndef TEST_KILLS_H
#define TEST_KILLS_H

/*
 * Programs that are killed again and again: each of them is a fork, and what all of them saw
 * lies in memory that they share.
 */
#include <stdatomic.h>
#include <stddef.h>

extern char kills_folder[64]; /* what lasts, for all of them */
extern char kills_memory[64]; /* a folder with that memory: a file, for functions in processes */

/* New folders, and that memory, which is all zero; NULL: there is none. */
void *kills_begin(size_t shared);
int kills_end(void **state); /* a teardown */

/* A number from the environment. */
int kills_setting(const char *name, int otherwise);
void kills_tick(void); /* a millisecond */

/*
 * Run a program, and kill it when `count` has grown by `by`, or after ten seconds, and some
 * milliseconds more. Fails the test if it ended before that.
 */
void kills_one(void (*program)(void), const _Atomic int *count, int by, unsigned ms);

#endif
