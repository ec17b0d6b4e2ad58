/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_STREAM_H
#define FA_WORKER_STREAM_H

#include <worker/context.h>

/* The worker's end of a response in parts, see env/wire.h. */

/* As much of it as there is room for now, and how much that is; nothing is waited for. */
size_t fa_stream_try(struct fa_context *call, const void *data, size_t len);
bool fa_stream_has_room(const struct fa_context *call);
/* Into the ring, waiting for room as long as it takes; false: past the limit of all. */
bool fa_stream_put(struct fa_context *call, const void *data, size_t len);
/* Until the host has taken all of it. */
void fa_stream_drain(struct fa_context *call);

#endif
