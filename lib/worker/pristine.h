/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_PRISTINE_H
#define FA_WORKER_PRISTINE_H

#include <stdint.h>
#include <worker/context.h>

/*
 * Each event meets the process as init left it. Order of calls:
 *   freeze -> (begin -> the event, its answer posted -> reset)*
 *
 * freeze and reset are called from the run loop's own frame, and everything of
 * the event runs at least FA_PRISTINE_GAP bytes of stack below it: what lies in
 * between belongs to the reset.
 */
#define FA_PRISTINE_GAP 32768

struct fa_pristine;

/*
 * Take the image, after init. NULL with *err filled in (Runtime.NotPristine) if
 * init left what cannot be put back. `call` is put back with the rest.
 */
struct fa_pristine *fa_pristine_freeze(struct fa_context *call, struct faas_error *err);

/* Clear what the host has read by now: the answer before this event. */
void fa_pristine_begin(struct fa_pristine *pristine);

/*
 * Undo the event. Where that is impossible the process exits; the host, which
 * has been told that a reset is on (`resetting` of the response head), gives
 * the next event a new one.
 */
void fa_pristine_reset(struct fa_pristine *pristine);

#endif
