/* SPDX-License-Identifier: MIT */
#ifndef FA_ENV_FUTEX_H
#define FA_ENV_FUTEX_H

#include <stdatomic.h>
#include <stdint.h>

/* Wake one waiter. Never more: a hostile one may have thousands (3 ms for 8192). */
void fa_futex_wake(const _Atomic uint32_t *word);

/*
 * Wait until `shared` (in memory of a hostile process) or `cancel` (private)
 * no longer has the value given, or until the deadline (CLOCK_MONOTONIC,
 * INT64_MAX: none). The peer can make it return early or requeue it, but can
 * neither name the private word nor stop the clock. 0, -EAGAIN, -EINTR or
 * -ETIMEDOUT; anything but -ETIMEDOUT says nothing about the words.
 */
int fa_futex_wait(const _Atomic uint32_t *shared, uint32_t shared_value,
		  const _Atomic uint32_t *cancel, uint32_t cancel_value, int64_t deadline_ns);

#endif
