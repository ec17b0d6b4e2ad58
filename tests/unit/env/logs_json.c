/* SPDX-License-Identifier: MIT */
#include <support/test.h>

#include <base/json.h>
#include <env/logs_json.h>

#define ID "8f5a1f9e-2b1c-4d4e-9a53-0a1b2c3d4e5f"
#define TIME "2023-11-14T22:13:20.007Z"

static int level;
static bool made;
static char room[FA_LOG_JSON_MAX(64)];

static const char *line(const char *request_id, int given, const char *text)
{
	const struct fa_json_line l = { 1700000000007, request_id, &level, made };
	static char out[sizeof(room) + 1];
	size_t len = strlen(text);
	const char *data;

	level = given;
	data = fa_logs_json(&l, text, &len, room);
	assert_true(fa_json_valid(data, len, NULL));
	memcpy(out, data, len);
	out[len] = '\0';
	return out;
}

TEST(a_line_is_wrapped_with_its_time_level_and_request)
{
	assert_string_equal(line(ID, FAAS_WARN, "a \"b\""),
			    "{\"timestamp\":\"" TIME "\",\"level\":\"WARN\",\"requestId\":\"" ID
			    "\",\"message\":\"a \\\"b\\\"\"}");
	assert_int_equal(level, FAAS_WARN);
}

TEST(outside_an_invocation_there_is_no_request)
{
	assert_string_equal(line("", FAAS_DEBUG, "x"),
			    "{\"timestamp\":\"" TIME "\",\"level\":\"DEBUG\",\"message\":\"x\"}");
}

TEST(plain_output_counts_as_info)
{
	line(ID, -1, "x");
	assert_int_equal(level, FAAS_INFO);
}

TEST(an_object_is_delivered_as_it_is_with_its_own_level)
{
	assert_string_equal(line(ID, -1, "{\"level\":\"ERROR\",\"x\":1}"),
			    "{\"level\":\"ERROR\",\"x\":1}");
	assert_int_equal(level, FAAS_ERROR);
	line(ID, -1, "{\"level\":\"LOUD\"}");
	assert_int_equal(level, FAAS_INFO);
	line(ID, -1, "{\"level\":\"a level that is too long\"}");
	assert_int_equal(level, FAAS_INFO);
	line(ID, -1, "{\"level\":7}");
	assert_int_equal(level, FAAS_INFO);
	line(ID, -1, "{}");
	assert_int_equal(level, FAAS_INFO);
	line(ID, -1, "{\"log_level\":\"ERROR\"}");
	assert_int_equal(level, FAAS_ERROR);
	line(ID, -1, "{\"log_level\":\"ERROR\",\"level\":\"WARN\"}");
	assert_int_equal(level, FAAS_WARN);
}

TEST(what_only_looks_like_an_object_is_wrapped)
{
	static const char *const texts[] = { "{", "{\"level\":\"ERROR\"} and more", "[]", "" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		assert_memory_equal(line(ID, -1, texts[i]), "{\"timestamp\"", 12);
		assert_int_equal(level, FAAS_INFO);
	}
}

TEST(a_line_through_faas_log_keeps_its_level_whatever_it_says)
{
	assert_memory_equal(line(ID, FAAS_DEBUG, "{\"level\":\"ERROR\"}"), "{\"timestamp\"", 12);
	assert_int_equal(level, FAAS_DEBUG);
}

TEST(what_a_runtime_made_as_json_is_delivered_as_it_is_and_has_the_level_of_its_record)
{
	made = true;
	assert_string_equal(line(ID, FAAS_WARN, "{\"level\":\"ERROR\"}"), "{\"level\":\"ERROR\"}");
	assert_int_equal(level, FAAS_WARN);
	assert_memory_equal(line(ID, FAAS_WARN, "no object"), "{\"timestamp\"", 12);
	assert_int_equal(level, FAAS_WARN);
	made = false;
}

TEST(any_bytes_of_the_greatest_length_have_room)
{
	char text[65];

	memset(text, 0x1b, 64);
	text[64] = '\0';
	assert_non_null(strstr(line(ID, -1, text), "\\u001b\"}"));
	memset(text, 0xff, 64);
	line(ID, -1, text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_wrapped_with_its_time_level_and_request),
		cmocka_unit_test(outside_an_invocation_there_is_no_request),
		cmocka_unit_test(plain_output_counts_as_info),
		cmocka_unit_test(an_object_is_delivered_as_it_is_with_its_own_level),
		cmocka_unit_test(what_only_looks_like_an_object_is_wrapped),
		cmocka_unit_test(a_line_through_faas_log_keeps_its_level_whatever_it_says),
		cmocka_unit_test(
			what_a_runtime_made_as_json_is_delivered_as_it_is_and_has_the_level_of_its_record),
		cmocka_unit_test(any_bytes_of_the_greatest_length_have_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
