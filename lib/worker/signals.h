/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_SIGNALS_H
#define FA_WORKER_SIGNALS_H

#include <stdatomic.h>
#include <stdint.h>

/* What a signal does, as the kernel has it; libc's struct differs. */
struct fa_disposition {
	void *handler;
	unsigned long flags;
	void *restorer;
	uint64_t mask;
};

/*
 * Give process 1 of a pid namespace the signals that the kernel withholds from
 * it. The system call filter turns kill(), tkill() and tgkill() at process 1
 * into SIGSYS; its handler does what the signal would have done to any other
 * process. A signal that would have killed is left in *last_words, and the exit
 * status is 128 + its number.
 *
 * Harmless in a process that is not number 1: whatever traps there is refused.
 */
void fa_signals_init(_Atomic uint32_t *last_words);

#endif
