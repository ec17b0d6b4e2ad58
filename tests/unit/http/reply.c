/* SPDX-License-Identifier: MIT */
/* What functions say, as answers of HTTP. */
#include "support/test.h"

#include <stdio.h>
#include <string.h>

#include "support/failing_mem.h"

#include <http/reply.h>

static struct fa_reply reply;

static void says(const char *payload, enum fa_reply_rule rule, int status, const char *body)
{
	struct faas_bytes bytes = { payload, strlen(payload) };

	if (fa_reply_read(&reply, &fa_mem_libc, bytes, rule))
		fail_msg("%s is refused", payload);
	assert_int_equal(reply.status, status);
	assert_int_equal(reply.body.len, strlen(body));
	assert_memory_equal(reply.body.data, body, strlen(body));
}

static void refused(const char *payload, enum fa_reply_rule rule)
{
	struct faas_bytes bytes = { payload, strlen(payload) };

	if (fa_reply_read(&reply, &fa_mem_libc, bytes, rule) != FAAS_EINVAL)
		fail_msg("%s is accepted", payload);
}

static const char *field(const char *name, int skip)
{
	for (int i = 0; i < reply.field_count; i++)
		if (!strcmp(reply.fields[i].name, name) && !skip--)
			return reply.fields[i].value;
	return "(none)";
}

TEST(json_without_a_status_is_the_body_of_a_200)
{
	static const char *const rows[] = { "{\"message\":1}", "[1,2]", "7", "null", "true" };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		says(rows[i], FA_REPLY_V2, 200, rows[i]);
		assert_string_equal(field("Content-Type", 0), "application/json");
		fa_reply_finish(&reply);
		refused(rows[i], FA_REPLY_V1);
	}
	refused("nonsense", FA_REPLY_V2);
	refused("", FA_REPLY_V2);
}

TEST(a_string_goes_without_its_quotes)
{
	says("\"hello\"", FA_REPLY_V2, 200, "hello");
	fa_reply_finish(&reply);
	says("\"a\\n\\u00e9\"", FA_REPLY_V2, 200, "a\n\xc3\xa9");
	fa_reply_finish(&reply);
	refused("\"hello\"", FA_REPLY_V1);
}

TEST(an_object_with_a_status_says_all_of_the_answer)
{
	says("{\"statusCode\":201,\"headers\":{\"Content-Type\":\"text/plain\",\"X-One\":\"1\","
	     "\"X-Number\":5,\"X-Flag\":true},\"cookies\":[\"a=1; Secure\",\"b=2\"],"
	     "\"body\":\"b\\\"dy\",\"isBase64Encoded\":false}",
	     FA_REPLY_V2, 201, "b\"dy");
	assert_string_equal(field("Content-Type", 0), "text/plain");
	assert_string_equal(field("Content-Type", 1), "(none)");
	assert_string_equal(field("X-One", 0), "1");
	assert_string_equal(field("X-Number", 0), "5");
	assert_string_equal(field("X-Flag", 0), "true");
	assert_string_equal(field("Set-Cookie", 0), "a=1; Secure");
	assert_string_equal(field("Set-Cookie", 1), "b=2");
	fa_reply_finish(&reply);
	says("{\"statusCode\":\"404\"}", FA_REPLY_V1, 404, "");
	assert_string_equal(field("Content-Type", 0), "application/json");
	fa_reply_finish(&reply);
}

TEST(base64_is_decoded_if_it_is_said_to_be_that)
{
	says("{\"statusCode\":200,\"body\":\"aGk=\",\"isBase64Encoded\":true}", FA_REPLY_V2, 200,
	     "hi");
	fa_reply_finish(&reply);
	says("{\"statusCode\":200,\"body\":\"aGk=\"}", FA_REPLY_V2, 200, "aGk=");
	fa_reply_finish(&reply);
	says("{\"statusCode\":200,\"body\":\"\",\"isBase64Encoded\":true}", FA_REPLY_V2, 200, "");
	fa_reply_finish(&reply);
	refused("{\"statusCode\":200,\"body\":\"a\",\"isBase64Encoded\":true}", FA_REPLY_V2);
	refused("{\"statusCode\":200,\"body\":\"a!==\",\"isBase64Encoded\":true}", FA_REPLY_V2);
}

TEST(headers_with_many_values_are_merged_with_the_others)
{
	says("{\"statusCode\":200,\"headers\":{\"X-A\":\"1\",\"X-B\":\"single\"},"
	     "\"multiValueHeaders\":{\"x-b\":[\"2\",\"3\"]},\"body\":\"\"}",
	     FA_REPLY_V1, 200, "");
	assert_string_equal(field("X-A", 0), "1");
	assert_string_equal(field("X-B", 0), "(none)");
	assert_string_equal(field("x-b", 0), "2");
	assert_string_equal(field("x-b", 1), "3");
	fa_reply_finish(&reply);
}

TEST(what_would_break_the_framing_of_http_is_not_passed_on)
{
	static const char *const rows[] = {
		"{\"statusCode\":100}",
		"{\"statusCode\":199}",
		"{\"statusCode\":600}",
		"{\"statusCode\":null}",
		"{\"statusCode\":\"20\"}",
		"{\"statusCode\":200.5}",
		"{\"statusCode\":200,\"headers\":{\"a b\":\"1\"}}",
		"{\"statusCode\":200,\"headers\":{\"\":\"1\"}}",
		"{\"statusCode\":200,\"headers\":{\"a:\":\"1\"}}",
		"{\"statusCode\":200,\"headers\":{\"a\\u0000b\":\"1\"}}",
		"{\"statusCode\":200,\"headers\":{\"a\":\"1\\r\\nSet-Cookie: b\"}}",
		"{\"statusCode\":200,\"headers\":{\"a\":\"1\\u0000\"}}",
		"{\"statusCode\":200,\"headers\":{\"a\":{}}}",
		"{\"statusCode\":200,\"headers\":[]}",
		"{\"statusCode\":200,\"cookies\":\"a\"}",
		"{\"statusCode\":200,\"cookies\":[\"a\\nb\"]}",
		"{\"statusCode\":200,\"body\":{}}",
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		refused(rows[i], FA_REPLY_V2);
	says("{\"statusCode\":200,\"headers\":{\"Content-Length\":\"99\",\"transfer-encoding\":"
	     "\"chunked\",\"Connection\":\"close\",\"Date\":\"x\"},\"body\":\"b\"}",
	     FA_REPLY_V2, 200, "b");
	assert_int_equal(reply.field_count, 1);
	fa_reply_finish(&reply);
	says("{\"statusCode\":304,\"body\":\"b\"}", FA_REPLY_V2, 304, "");
	assert_int_equal(reply.field_count, 0);
	fa_reply_finish(&reply);
}

TEST(fields_have_room_up_to_a_limit)
{
	static char payload[32768];
	size_t len = (size_t)sprintf(payload, "{\"statusCode\":200,\"cookies\":[\"");

	memset(payload + len, 'a', 10240 - 14);
	strcpy(payload + len + 10240 - 14, "\"]}");
	says(payload, FA_REPLY_V2, 200, "");
	fa_reply_finish(&reply);
	strcpy(payload + len + 10240 - 14, "a\"]}");
	refused(payload, FA_REPLY_V2);
	len = (size_t)sprintf(payload, "{\"statusCode\":200,\"cookies\":[\"a\"");
	for (int i = 1; i < FA_REPLY_FIELDS_MAX; i++)
		len += (size_t)sprintf(payload + len, ",\"a\"");
	strcpy(payload + len, "]}");
	says(payload, FA_REPLY_V2, 200, "");
	assert_int_equal(reply.field_count, FA_REPLY_FIELDS_MAX + 1);
	fa_reply_finish(&reply);
	strcpy(payload + len, ",\"a\"]}");
	refused(payload, FA_REPLY_V2);
}

TEST(the_head_of_a_stream_need_not_say_its_status)
{
	assert_int_equal(fa_reply_read_head(&reply, &fa_mem_libc, (struct faas_bytes){ "{}", 2 }),
			 0);
	assert_int_equal(reply.status, 200);
	assert_string_equal(field("Content-Type", 0), "application/octet-stream");
	fa_reply_finish(&reply);
	assert_int_equal(fa_reply_read_head(&reply, &fa_mem_libc, (struct faas_bytes){ "[1]", 3 }),
			 FAAS_EINVAL);
}

TEST(without_memory_there_is_no_answer)
{
	struct failing_mem fm;

	failing_mem_init(&fm);
	fm.fail_at = 1;
	assert_int_equal(fa_reply_read(&reply, &fm.mem, (struct faas_bytes){ "1", 1 }, FA_REPLY_V2),
			 FAAS_ENOMEM);
	assert_true(failing_mem_clean(&fm));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_without_a_status_is_the_body_of_a_200),
		cmocka_unit_test(a_string_goes_without_its_quotes),
		cmocka_unit_test(an_object_with_a_status_says_all_of_the_answer),
		cmocka_unit_test(base64_is_decoded_if_it_is_said_to_be_that),
		cmocka_unit_test(headers_with_many_values_are_merged_with_the_others),
		cmocka_unit_test(what_would_break_the_framing_of_http_is_not_passed_on),
		cmocka_unit_test(fields_have_room_up_to_a_limit),
		cmocka_unit_test(the_head_of_a_stream_need_not_say_its_status),
		cmocka_unit_test(without_memory_there_is_no_answer),
	};

	return cmocka_run_group_tests_name("http/reply", tests, NULL, NULL);
}
