/* SPDX-License-Identifier: MIT */
#ifndef TEST_KILLS_H
#define TEST_KILLS_H

/*
 * Programs that are killed again and again: each of them is a fork, and what all of them saw
 * lies in memory that they share.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

extern char kills_folder[64]; /* what lasts, for all of them */

/* A new folder, and that memory, which is all zero; NULL: there is none. */
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

/* ---- keys that stay in order ---- */

#define KILLS_KEYS 16

/* Of all programs that are killed. */
struct kills_seen {
	_Atomic int batches, accepted, twice, out_of_order;
	struct kills_key {
		_Atomic int next; /* what is written next, once more where a program was killed */
		_Atomic int done; /* processed in order up to here */
	} keys[KILLS_KEYS];
};

struct kills_writers {
	void (*open)(void);            /* the runtime, with who processes what is written */
	bool (*write)(int key, int n); /* false: it is closing */
	int keys, each;                /* a thread for each key writes so many */
	int by;                        /* accepted by each program before it is killed */
};

/* The n-th of that key is processed. */
void kills_see(int key, int n);
bool kills_fails(void); /* every 50th batch does */
/*
 * Have programs write and killed, as often as FAAS_KILLS says, else four times; then the last one
 * here goes on until all was processed, and is left open. Fails the test if that takes a minute.
 */
void kills_write(const struct kills_writers *writers);
/* All was processed, and in order per key. Call it when the runtime is closed. */
void kills_check(const char *what);
int kills_begin_keys(void **state); /* a setup */

#endif
