/* SPDX-License-Identifier: MIT */
/*
 * total length, length of the headers, checksum of these two; headers; payload;
 * checksum of all before it. Numbers are big-endian; each header is a length and a
 * name, 7 for "a string", two bytes of length and a value.
 */
#include <http/eventstream.h>

#include <string.h>

#define PRELUDE 12
#define CHECKSUM 4
#define STRING 7

/* Four bits at a time: what is streamed is small, and a table of 256 would be cold. */
uint32_t fa_crc32(uint32_t crc, const void *data, size_t len)
{
	static const uint32_t of_nibble[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
		0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
		0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};
	const uint8_t *bytes = data;

	crc = ~crc;
	for (size_t i = 0; i < len; i++) {
		crc = crc >> 4 ^ of_nibble[(crc ^ bytes[i]) & 15];
		crc = crc >> 4 ^ of_nibble[(crc ^ bytes[i] >> 4) & 15];
	}
	return ~crc;
}

static size_t header_size(const char *name, const char *value)
{
	return 1 + strlen(name) + 1 + 2 + strlen(value);
}

static size_t headers_size(const char *event_type, const char *content_type)
{
	return header_size(":event-type", event_type) + header_size(":content-type", content_type) +
	       header_size(":message-type", "event");
}

size_t fa_eventstream_size(const char *event_type, const char *content_type, size_t payload_len)
{
	return PRELUDE + headers_size(event_type, content_type) + payload_len + CHECKSUM;
}

static char *put_number(char *out, uint32_t value, int bytes)
{
	while (bytes--)
		*out++ = (char)(value >> 8 * bytes);
	return out;
}

static char *put_header(char *out, const char *name, const char *value)
{
	out = put_number(out, (uint32_t)strlen(name), 1);
	out = mempcpy(out, name, strlen(name));
	out = put_number(out, STRING, 1);
	out = put_number(out, (uint32_t)strlen(value), 2);
	return mempcpy(out, value, strlen(value));
}

size_t fa_eventstream_put(char *out, const char *event_type, const char *content_type,
			  struct faas_bytes payload)
{
	size_t size = fa_eventstream_size(event_type, content_type, payload.len);
	char *at = put_number(out, (uint32_t)size, 4);

	at = put_number(at, (uint32_t)headers_size(event_type, content_type), 4);
	at = put_number(at, fa_crc32(0, out, 8), 4);
	at = put_header(at, ":event-type", event_type);
	at = put_header(at, ":content-type", content_type);
	at = put_header(at, ":message-type", "event");
	if (payload.len)
		at = mempcpy(at, payload.data, payload.len);
	put_number(at, fa_crc32(0, out, size - CHECKSUM), 4);
	return size;
}
