/* SPDX-License-Identifier: MIT */
#ifndef FA_BASE_COUNTER_H
#define FA_BASE_COUNTER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * CLOCK_MONOTONIC, read from the processor's counter in half the time. Every
 * millisecond, and after any longer silence, the kernel's clock is read again, so
 * it follows whatever the kernel does to it, and differs from it by less than a
 * microsecond. A thread never sees it go back.
 */

/*
 * Any thread, any number of times: use the counter if the kernel itself does, which
 * watches that all CPUs agree. Without this it is the kernel's clock.
 */
void fa_counter_enable(void);
int64_t fa_counter_now_ns(void);
/* Whether the last reading of the kernel's clock is good for the next ones. */
bool fa_counter_is_running(void);

#endif
