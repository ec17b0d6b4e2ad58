/* SPDX-License-Identifier: MIT */
#ifndef BENCH_WORD_H
#define BENCH_WORD_H

/* A word shared by two processes, and the two system calls on it. */

#include <linux/futex.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

typedef _Atomic uint32_t word;

static inline void word_wait(word *w, uint32_t old)
{
	syscall(SYS_futex, w, FUTEX_WAIT, old, NULL, NULL, 0);
}

static inline void word_wake(word *w)
{
	syscall(SYS_futex, w, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* Sleep until the word is something else. */
static inline void word_leave(word *w, uint32_t old)
{
	while (atomic_load_explicit(w, memory_order_acquire) == old)
		word_wait(w, old);
}

/* The same with a limit of seconds; 0, or -1 when it took too long. */
static inline int word_leave_within(word *w, uint32_t old, int seconds)
{
	struct timespec limit = { seconds, 0 };

	while (atomic_load_explicit(w, memory_order_acquire) == old)
		if (syscall(SYS_futex, w, FUTEX_WAIT, old, &limit, NULL, 0) < 0 &&
		    atomic_load(w) == old)
			return -1;
	return 0;
}

static inline void word_post(word *w, uint32_t value)
{
	atomic_store(w, value);
	word_wake(w);
}

void *shared_pages(size_t bytes); /* zeroed, present, inherited by a fork */

#endif
