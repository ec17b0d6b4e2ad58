/* SPDX-License-Identifier: MIT */
/*
 * futex_waitv on two words where the kernel has it (5.16). Without it, or where
 * a filter forbids it, slices of 10 ms on the shared word alone: a requeue
 * attack then delays a cancel by one slice and no more.
 */
#include <env/futex.h>

#include <errno.h>
#include <linux/futex.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif
#define SIZE_U32 2
#define SLICE_NS 10000000

struct waiter {
	uint64_t value, address;
	uint32_t flags, reserved;
};

void fa_futex_wake(const _Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static struct timespec timespec_of(int64_t ns)
{
	return (struct timespec){ .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };
}

static int wait_in_slices(const _Atomic uint32_t *shared, uint32_t value, int64_t deadline_ns)
{
	struct timespec now, until;
	int64_t slice;

	clock_gettime(CLOCK_MONOTONIC, &now);
	slice = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec + SLICE_NS;
	until = timespec_of(slice < deadline_ns ? slice : deadline_ns);
	if (!syscall(SYS_futex, shared, FUTEX_WAIT_BITSET, value, &until, NULL,
		     FUTEX_BITSET_MATCH_ANY))
		return 0;
	/* the end of a slice is nothing to count against the peer */
	return errno == ETIMEDOUT && slice < deadline_ns ? -ETIMEDOUT : -errno;
}

int fa_futex_wait(const _Atomic uint32_t *shared, uint32_t shared_value,
		  const _Atomic uint32_t *cancel, uint32_t cancel_value, int64_t deadline_ns)
{
	struct waiter words[2] = {
		{ shared_value, (uintptr_t)shared, SIZE_U32, 0 },
		{ cancel_value, (uintptr_t)cancel, SIZE_U32 | FUTEX_PRIVATE_FLAG, 0 },
	};
	struct timespec until = timespec_of(deadline_ns == INT64_MAX ? 0 : deadline_ns);

	if (syscall(SYS_futex_waitv, words, 2, 0, deadline_ns == INT64_MAX ? NULL : &until,
		    CLOCK_MONOTONIC) >= 0)
		return 0;
	if (errno == ENOSYS || errno == EPERM)
		return wait_in_slices(shared, shared_value, deadline_ns);
	return -errno;
}
