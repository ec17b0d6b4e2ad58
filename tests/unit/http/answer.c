/* SPDX-License-Identifier: MIT */
/* Heads of answers, and messages of an event stream, byte by byte. */
#include "support/test.h"

#include <http/answer.h>
#include <http/eventstream.h>

static uint32_t number(const char *at)
{
	const uint8_t *b = (const uint8_t *)at;

	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

TEST(the_checksum_is_the_one_of_the_standard)
{
	assert_int_equal(fa_crc32(0, "123456789", 9), 0xcbf43926);
	assert_int_equal(fa_crc32(0, "", 0), 0);
	assert_int_equal(fa_crc32(0, "\xff\xff\xff\xff", 4), 0xffffffff);
}

TEST(an_event_has_lengths_headers_payload_and_checksums)
{
	static const char headers[] = "\x0b:event-type\x07\x00\x0cPayloadChunk"
				      "\x0d:content-type\x07\x00\x0atext/plain"
				      "\x0d:message-type\x07\x00\x05"
				      "event";
	char out[256];
	size_t size = fa_eventstream_put(out, "PayloadChunk", "text/plain",
					 (struct faas_bytes){ "hello", 5 });

	assert_int_equal(size, fa_eventstream_size("PayloadChunk", "text/plain", 5));
	assert_int_equal(size, 12 + sizeof(headers) - 1 + 5 + 4);
	assert_int_equal(number(out), size);
	assert_int_equal(number(out + 4), sizeof(headers) - 1);
	assert_int_equal(number(out + 8), fa_crc32(0, out, 8));
	assert_memory_equal(out + 12, headers, sizeof(headers) - 1);
	assert_memory_equal(out + size - 9, "hello", 5);
	assert_int_equal(number(out + size - 4), fa_crc32(0, out, size - 4));
}

TEST(no_value_of_an_answer_can_end_its_line)
{
	const struct fa_http_field field = { "X-A", "b\r\nX-B: c\x7f" };
	const struct fa_answer answer = { .status = 200, .length = 3, .unix_ms = 784111777000 };
	char head[FA_ANSWER_HEAD_MAX];
	size_t len = fa_answer_head(head, &answer, &field, 1);

	head[len] = '\0';
	assert_string_equal(head,
			    "HTTP/1.1 200 OK\r\nX-A: b  X-B: c \r\n"
			    "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 3\r\n\r\n");
}

TEST(fields_beyond_the_largest_head_are_left_out)
{
	static char value[FA_ANSWER_HEAD_MAX];
	const struct fa_http_field fields[] = { { "X-Long", value }, { "X-Short", "s" } };
	const struct fa_answer answer = { .status = 204, .last = true };
	char head[FA_ANSWER_HEAD_MAX];
	size_t len;

	memset(value, 'v', sizeof(value) - 1);
	len = fa_answer_head(head, &answer, fields, 2);
	assert_true(len < 200);
	assert_non_null(memmem(head, len, "X-Short: s\r\n", 12));
	assert_non_null(memmem(head, len, "Connection: close\r\n\r\n", 21));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_checksum_is_the_one_of_the_standard),
		cmocka_unit_test(an_event_has_lengths_headers_payload_and_checksums),
		cmocka_unit_test(no_value_of_an_answer_can_end_its_line),
		cmocka_unit_test(fields_beyond_the_largest_head_are_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
