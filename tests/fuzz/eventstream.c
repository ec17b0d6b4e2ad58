/* SPDX-License-Identifier: MIT */
/* "type\ncontent type\npayload" of whatever bytes, read back by a decoder that shares no line with
 * the encoder. */
#include "fuzz.h"

#include <http/eventstream.h>

const char fuzz_promise[] = "an_event_is_read_back_as_it_was_written_and_a_flipped_bit_is_seen";

const char *const fuzz_corpus[] = {
	"PayloadChunk\napplication/octet-stream\n{\"a\":1}",
	"InvokeComplete\napplication/json\n{}",
	"PayloadChunk\napplication/octet-stream\n",
	"\n\n",
	NULL,
};

static uint32_t number(const uint8_t *at, int bytes)
{
	uint32_t value = 0;

	while (bytes--)
		value = value * 256 + *at++;
	return value;
}

/* Bit by bit, as the standard has it. */
static uint32_t checksum(const uint8_t *data, size_t len)
{
	uint32_t crc = 0xffffffff;

	for (size_t i = 0; i < len; i++) {
		crc ^= data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
	}
	return ~crc;
}

/* Whether the header that comes next is this one; moves behind it. */
static bool is_header(const uint8_t **at, const char *name, const char *value)
{
	size_t name_len = strlen(name), len = strlen(value);
	const uint8_t *p = *at;

	*at += 1 + name_len + 3 + len;
	return p[0] == name_len && !memcmp(p + 1, name, name_len) && p[1 + name_len] == 7 &&
	       number(p + 2 + name_len, 2) == len && !memcmp(p + 4 + name_len, value, len);
}

static bool is_message(const uint8_t *data, size_t size)
{
	return size >= 16 && number(data, 4) == size && number(data + 4, 4) <= size - 16 &&
	       number(data + 8, 4) == checksum(data, 8) &&
	       number(data + size - 4, 4) == checksum(data, size - 4);
}

static void check(const char *type, const char *content_type, struct faas_bytes payload)
{
	size_t size = fa_eventstream_size(type, content_type, payload.len);
	uint8_t *out = malloc(size);
	const uint8_t *at = out + 12;

	PROPERTY(out);
	PROPERTY(fa_eventstream_put((char *)out, type, content_type, payload) == size);
	PROPERTY(is_message(out, size));
	PROPERTY(is_header(&at, ":event-type", type));
	PROPERTY(is_header(&at, ":content-type", content_type));
	PROPERTY(is_header(&at, ":message-type", "event"));
	PROPERTY(at == out + 12 + number(out + 4, 4));
	PROPERTY(at + payload.len + 4 == out + size);
	PROPERTY(!payload.len || !memcmp(at, payload.data, payload.len));
	out[size * 2 / 3] ^= 1;
	PROPERTY(!is_message(out, size));
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *type = malloc(size + 3), *content_type, *payload;

	PROPERTY(type);
	memcpy(type, data, size);
	memset(type + size, 0, 3);
	content_type = type + strcspn(type, "\n");
	*content_type++ = '\0';
	payload = content_type + strcspn(content_type, "\n");
	*payload++ = '\0';
	check(type, content_type,
	      (struct faas_bytes){ payload,
				   payload < type + size ? (size_t)(type + size - payload) : 0 });
	free(type);
	return 0;
}
