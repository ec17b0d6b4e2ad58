/* SPDX-License-Identifier: MIT */
#ifndef FA_HTTP_EVENTSTREAM_H
#define FA_HTTP_EVENTSTREAM_H

#include <stddef.h>
#include <stdint.h>
#include <faas/types.h>

/* application/vnd.amazon.eventstream: messages with a name, two lengths and two checksums. */

/* Bytes of an event of that type and payload. */
size_t fa_eventstream_size(const char *event_type, const char *content_type, size_t payload_len);
/* Write it; returns its size. */
size_t fa_eventstream_put(char *out, const char *event_type, const char *content_type,
			  struct faas_bytes payload);
/* CRC-32 as of ISO 3309, which PNG and gzip have, too. Start with 0. */
uint32_t fa_crc32(uint32_t crc, const void *data, size_t len);

#endif
