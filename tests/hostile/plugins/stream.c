/* SPDX-License-Identifier: MIT */
/* A peer that lies about how much of its answer in parts there is. */
#include <sched.h>

#include "raw.h"

static void put(struct raw *raw, uint32_t total)
{
	atomic_store(&raw->response->streamed, total);
	raw_ring(raw);
}

/* "bytes" of parts, whether or not there is room, and then nothing. */
RAW(claim)
{
	put(raw, atomic_load(&raw->request->stream_taken) + (uint32_t)number_in(event, "bytes"));
	wait_for_ever();
}

/* "bytes" of parts, as fast as there is room and whatever the limit is; then the answer. */
RAW(pour)
{
	uint32_t begin = atomic_load(&raw->request->stream_taken);
	uint32_t end = begin + (uint32_t)number_in(event, "bytes"), at = begin, before;

	while (at != end) {
		uint32_t room = FA_STREAM_RING - (at - atomic_load(&raw->request->stream_taken));

		if (!room) {
			sched_yield();
			continue;
		}
		before = at;
		at += room < end - at ? room : end - at;
		atomic_store(&raw->response->streamed, at);
		/* a ring for each part would be the flood of another test */
		if (atomic_load(&raw->request->stream_taken) == before)
			raw_ring(raw);
	}
	raw_prepare(raw, "");
	raw_publish(raw, raw->seq);
	wait_for_ever();
}

FAAS_PLUGIN("stream", "1", FAAS_HANDLER(claim), FAAS_HANDLER(pour));
