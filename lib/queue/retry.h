/* SPDX-License-Identifier: MIT */
#ifndef FA_QUEUE_RETRY_H
#define FA_QUEUE_RETRY_H

#include <stdbool.h>
#include <stdint.h>

/*
 * When an asynchronous event comes again (semantics 7.2-7.4). Pure: the state
 * of one event in, a delay out.
 */
struct fa_retry {
	int64_t accepted_ns;   /* the event's age counts from here */
	int attempts;          /* that ran the function */
	int throttles;         /* in a row */
};

enum fa_retry_end {
	FA_RETRY_AGAIN = 0,
	FA_RETRY_EXHAUSTED,
	FA_RETRY_EXPIRED,
	FA_RETRY_OFF, /* none of the function's events may run (semantics 7.5) */
	FA_RETRY_SUCCEEDED, /* nothing of this is needed: the caller's word */
};

/* The function failed. AGAIN: after *delay_ns. */
enum fa_retry_end fa_retry_after_error(struct fa_retry *retry, int max_retries, int max_age_s,
				       int64_t now_ns, int64_t *delay_ns);
/* It could not run (429, 5xx): does not use up an attempt. */
enum fa_retry_end fa_retry_after_throttle(struct fa_retry *retry, int max_age_s, int64_t now_ns,
					  int64_t *delay_ns);

#endif
