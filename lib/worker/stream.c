/* SPDX-License-Identifier: MIT */
/*
 * How much was put and taken is read where it is written, and nothing of it kept: a
 * reset or a snapshot of our memory cannot get it wrong.
 */
#include <worker/stream.h>

#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <worker/areas.h>

static uint32_t waiting(const struct fa_context *call)
{
	return atomic_load_explicit(&call->response->streamed, memory_order_relaxed) -
	       atomic_load(&call->request->stream_taken);
}

static void await(struct fa_context *call, uint32_t most)
{
	_Atomic uint32_t *sleeping = &call->response->sleeping;

	if (waiting(call) <= most)
		return;
	fa_areas_ring(call->run, &call->rung);
	for (;;) {
		atomic_store(sleeping, 4);
		if (waiting(call) <= most)
			break;
		syscall(SYS_futex, sleeping, FUTEX_WAIT, 4, NULL, NULL, 0);
	}
	atomic_store_explicit(sleeping, 0, memory_order_relaxed);
}

static size_t put_some(struct fa_context *call, const void *data, size_t len)
{
	uint32_t put = atomic_load_explicit(&call->response->streamed, memory_order_relaxed);
	uint32_t at = put & (FA_STREAM_RING - 1), room = FA_STREAM_RING - waiting(call);

	if (len > room)
		len = room;
	if (len > FA_STREAM_RING - at)
		len = FA_STREAM_RING - at;
	memcpy((char *)call->response + FA_BIG_OFF + at, data, len);
	atomic_store(&call->response->streamed, put + (uint32_t)len);
	return len;
}

bool fa_stream_has_room(const struct fa_context *call)
{
	return waiting(call) < FA_STREAM_RING;
}

size_t fa_stream_try(struct fa_context *call, const void *data, size_t len)
{
	const char *at = data;
	size_t put = 0;

	while (put < len && fa_stream_has_room(call))
		put += put_some(call, at + put, len - put);
	call->streamed += (uint32_t)put;
	fa_areas_ring(call->run, &call->rung);
	return put;
}

bool fa_stream_put(struct fa_context *call, const void *data, size_t len)
{
	const char *at = data;

	if (len > FA_STREAM_MAX - call->streamed)
		return false;
	while (len) {
		size_t n;

		await(call, FA_STREAM_RING - 1);
		n = fa_stream_try(call, at, len);
		at += n;
		len -= n;
	}
	return true;
}

void fa_stream_drain(struct fa_context *call)
{
	await(call, 0);
}
