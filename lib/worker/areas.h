/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_AREAS_H
#define FA_WORKER_AREAS_H

#include <stdbool.h>
#include <stdint.h>
#include <env/wire.h>
#include <worker/run.h>

/* The worker's end of the two areas: what is posted, what is begun, what is answered. */
struct fa_areas {
	const struct fa_request_head *request;
	struct fa_response_head *response;
};

/* Where they were, or anywhere. The process ends if they cannot be mapped. */
void fa_areas_map(struct fa_areas *areas, const struct fa_run *run);
void fa_areas_close(const struct fa_run *run);

const struct fa_request_slot *fa_areas_slot(const struct fa_areas *areas, uint32_t seq);

/* Requests handed over ahead may be taken back until they begin; false: this one was. */
bool fa_areas_claim(const struct fa_areas *areas, uint32_t seq);

/*
 * When a request's time is over. One that was handed over ahead begins when the one before
 * it ends (`finished_ns`), and so does one behind an init that costs no time (`done` 0).
 */
int64_t fa_areas_deadline(const struct fa_request_slot *slot, uint32_t timeout_ms, uint32_t done,
			  int64_t finished_ns);

/* An answer is there: wake who waits for it. Whether the host slept. */
bool fa_areas_wake_host(const struct fa_areas *areas);
/* The same for the host's loop, once per sleep of it; `rung`: its epoch at the last ring. */
bool fa_areas_ring(const struct fa_run *run, uint32_t *rung);

#endif
