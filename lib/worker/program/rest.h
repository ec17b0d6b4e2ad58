/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_PROGRAM_REST_H
#define FA_WORKER_PROGRAM_REST_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Between events nothing of a function runs (semantics 3.1.6): when the runtime and all
 * extensions have waited for the next one a little while, all processes but this one stand
 * still until there is one. Only process 1 of a namespace of pids can tell them all.
 */
struct fa_rest {
	int64_t since_ns; /* all of them wait; 0: they do not */
	bool still;
	int holds; /* since then */
};

/* All wait by now, or do not. */
void fa_rest_note(struct fa_rest *rest, bool all_wait, int64_t now_ns);
/* Until fa_rest_begin() is due, ns; -1: it is not going to be. */
int64_t fa_rest_left_ns(const struct fa_rest *rest, int64_t now_ns);
void fa_rest_begin(struct fa_rest *rest);
/* It is due, but they are being told something: a little later. False: it was put off enough. */
bool fa_rest_hold(struct fa_rest *rest);
/* There is something to do. */
void fa_rest_end(struct fa_rest *rest);

#endif
