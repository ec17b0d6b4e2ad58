/* SPDX-License-Identifier: MIT */
#include <support/test.h>

#include <base/text.h>

static char buf[128];
static struct fa_text text;

static int setup(void **state)
{
	(void)state;
	memset(buf, 'Z', sizeof(buf));
	text = (struct fa_text)FA_TEXT(buf);
	return 0;
}

static const char *json(const char *bytes, size_t len)
{
	setup(NULL);
	fa_text_json(&text, bytes, len);
	return buf;
}

#define JSON(literal) json(literal, sizeof(literal) - 1)

TEST(pieces_are_joined)
{
	fa_text_add(&text, "REPORT ");
	fa_text_bytes(&text, "RequestIdXXX", 9);
	fa_text_add(&text, ": ");
	assert_string_equal(buf, "REPORT RequestId: ");
	assert_int_equal(text.len, 18);
	assert_false(text.cut);
}

TEST(numbers_of_every_size_are_written_in_full)
{
	static const struct {
		int64_t value;
		const char *digits;
	} cases[] = {
		{ 0, "0" }, { 7, "7" }, { -1, "-1" }, { 1000, "1000" },
		{ INT64_MAX, "9223372036854775807" }, { INT64_MIN, "-9223372036854775808" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		setup(NULL);
		fa_text_int(&text, cases[i].value);
		assert_string_equal(buf, cases[i].digits);
	}
}

TEST(fixed_point_numbers_keep_their_zeros)
{
	static const struct {
		int64_t value;
		int decimals;
		const char *digits;
	} cases[] = {
		{ 300, 2, "3.00" }, { 5, 2, "0.05" }, { 0, 2, "0.00" }, { -5, 2, "-0.05" },
		{ 12345, 0, "12345" }, { 1, 9, "0.000000001" }, { -123456, 3, "-123.456" },
		{ INT64_MIN, 9, "-9223372036.854775808" }, { INT64_MAX, 1, "922337203685477580.7" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		setup(NULL);
		fa_text_fixed(&text, cases[i].value, cases[i].decimals);
		assert_string_equal(buf, cases[i].digits);
	}
}

TEST(bytes_are_shown_as_lower_case_hexadecimals)
{
	fa_text_hex(&text, "\x00\x0f\xa9\xff", 4);
	assert_string_equal(buf, "000fa9ff");
}

TEST(no_bytes_are_shown_as_the_empty_string)
{
	fa_text_hex(&text, NULL, 0);
	assert_string_equal(buf, "");
	setup(NULL);
	fa_text_bytes(&text, NULL, 0);
	assert_string_equal(buf, "");
	assert_string_equal(json(NULL, 0), "");
}

TEST(text_that_fits_to_the_last_byte_is_whole)
{
	char small[4];
	struct fa_text t = FA_TEXT(small);

	fa_text_add(&t, "abc");
	assert_string_equal(small, "abc");
	assert_false(t.cut);
}

TEST(text_that_does_not_fit_is_cut_and_says_so)
{
	char small[4];
	struct fa_text t = FA_TEXT(small);

	fa_text_add(&t, "abcd");
	assert_string_equal(small, "abc");
	assert_true(t.cut);
	assert_int_equal(t.len, 3);
}

TEST(nothing_follows_what_was_cut)
{
	char small[8];
	struct fa_text t = FA_TEXT(small);

	fa_text_json(&t, "ab\x01", 3); /* six bytes where five are free */
	assert_true(t.cut);
	fa_text_add(&t, "c");
	assert_string_equal(small, "ab");
}

TEST(a_buffer_of_no_size_is_never_touched)
{
	struct fa_text t = { .data = NULL, .size = 0 };

	fa_text_add(&t, "");
	assert_false(t.cut);
	fa_text_add(&t, "x");
	fa_text_int(&t, 5);
	fa_text_json(&t, "x", 1);
	assert_true(t.cut);
	assert_int_equal(t.len, 0);
}

TEST(json_leaves_plain_text_alone)
{
	assert_string_equal(JSON("plain text 'with' / and \x7f"), "plain text 'with' / and \x7f");
}

TEST(json_escapes_quotes_backslashes_and_control_characters)
{
	assert_string_equal(JSON("\"\\\b\f\n\r\t"), "\\\"\\\\\\b\\f\\n\\r\\t");
	assert_string_equal(JSON("a\x01\x1f"), "a\\u0001\\u001f");
	assert_string_equal(JSON("a\0b"), "a\\u0000b");
}

TEST(json_keeps_valid_characters_of_every_length)
{
	static const char *const valid[] = {
		"\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
		"\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "x\xe2\x82\xacy",
	};

	for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++)
		assert_string_equal(json(valid[i], strlen(valid[i])), valid[i]);
}

#define FFFD "\xef\xbf\xbd"

TEST(json_replaces_each_broken_piece_by_one_replacement_character)
{
	assert_string_equal(JSON("\x80"), FFFD);
	assert_string_equal(JSON("a\xff" "b"), "a" FFFD "b");
	assert_string_equal(JSON("\xe2\x82"), FFFD);             /* ends too early */
	assert_string_equal(JSON("\xe2\x82x"), FFFD "x");        /* goes on too early */
	assert_string_equal(JSON("\xf0\x9f\x90\xe2\x82\xac"), FFFD "\xe2\x82\xac");
	assert_string_equal(JSON("\xc0\xaf"), FFFD FFFD);        /* overlong */
	assert_string_equal(JSON("\xe0\x80\xaf"), FFFD FFFD FFFD);
	assert_string_equal(JSON("\xf0\x80\x80\x80"), FFFD FFFD FFFD FFFD);
	assert_string_equal(JSON("\xed\xa0\x80"), FFFD FFFD FFFD); /* surrogate */
	assert_string_equal(JSON("\xf4\x90\x80\x80"), FFFD FFFD FFFD FFFD); /* too high */
	assert_string_equal(JSON("\xf5\x80"), FFFD FFFD);
}

TEST(json_is_cut_between_characters_only)
{
	static const char source[] = "\xe2\x82\xac\x01\"\xff";

	for (size_t size = 1; size < 16; size++) {
		char small[16];
		struct fa_text t = { .data = small, .size = size };

		fa_text_json(&t, source, sizeof(source) - 1);
		size_t room = size - 1;
		size_t want = room < 3 ? 0 : room < 9 ? 3 : room < 11 ? 9 : room < 14 ? 11 : 14;

		assert_int_equal(t.len, want);
		assert_int_equal(strlen(small), want);
		assert_int_equal(t.cut, want < 14);
	}
}

TEST(a_uuid_is_random_but_for_version_and_variant)
{
	static const uint8_t zeros[16];
	uint8_t ones[16];
	char out[37];

	memset(ones, 0xff, sizeof(ones));
	fa_uuid(out, zeros);
	assert_string_equal(out, "00000000-0000-4000-8000-000000000000");
	fa_uuid(out, ones);
	assert_string_equal(out, "ffffffff-ffff-4fff-bfff-ffffffffffff");
}

TEST(a_uuid_shows_its_bytes_in_order)
{
	uint8_t bytes[16];
	char out[37];

	for (int i = 0; i < 16; i++)
		bytes[i] = (uint8_t)(i * 17);
	fa_uuid(out, bytes);
	assert_string_equal(out, "00112233-4455-4677-8899-aabbccddeeff");
}

TEST(text_is_utf8_to_its_last_character_or_not_at_all)
{
	assert_true(fa_text_is_utf8("", 0));
	assert_true(fa_text_is_utf8("a\0b\xc3\xa4\xf0\x9f\x98\x80", 9));
	assert_false(fa_text_is_utf8("a\xff" "b", 3));
	assert_false(fa_text_is_utf8("a\xc3", 2));
	assert_false(fa_text_is_utf8("\xed\xa0\x80", 3)); /* a surrogate */
}

TEST(a_time_is_written_in_utc_to_the_millisecond)
{
	static const struct {
		int64_t unix_ms;
		const char *text;
	} rows[] = {
		{ 0, "1970-01-01T00:00:00.000Z" },
		{ 1700000000007, "2023-11-14T22:13:20.007Z" },
		{ 951782400000, "2000-02-29T00:00:00.000Z" },
		{ -1, "1969-12-31T23:59:59.999Z" },
		{ 253402300799999, "9999-12-31T23:59:59.999Z" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		setup(NULL);
		fa_text_time(&text, rows[i].unix_ms);
		assert_string_equal(buf, rows[i].text);
	}
}

TEST(a_time_to_the_second_leaves_out_what_is_behind_it)
{
	fa_text_second(&text, 1700000000999);
	assert_string_equal(buf, "2023-11-14T22:13:20Z");
	setup(NULL);
	fa_text_second(&text, -1);
	assert_string_equal(buf, "1969-12-31T23:59:59Z");
}

TEST(a_time_to_the_second_that_does_not_fit_takes_nothing_back)
{
	char small[8];
	struct fa_text t = FA_TEXT(small);

	fa_text_add(&t, "at ");
	fa_text_second(&t, 0);
	assert_string_equal(small, "at 1970");
	assert_true(t.cut);
}

TEST(a_time_is_read_with_its_offset_and_without_its_fraction)
{
	static const char *const bad[] = { "", "noon", "2016-07-28", "2016-07-28T18:40:00",
					   "2016-07-28T18:40:00+2", "2016-07-28T18:40:00Zulu" };
	int64_t t = 7;

	assert_true(fa_text_read_time("2016-07-28T18:40:00Z", &t));
	assert_int_equal(t, 1469731200);
	assert_true(fa_text_read_time("2016-07-28T20:40:00.999+02:00", &t));
	assert_int_equal(t, 1469731200);
	assert_true(fa_text_read_time("2016-07-28T13:10:00-05:30", &t));
	assert_int_equal(t, 1469731200);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(fa_text_read_time(bad[i], &t));
	assert_int_equal(t, 1469731200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(pieces_are_joined, setup),
		cmocka_unit_test_setup(numbers_of_every_size_are_written_in_full, setup),
		cmocka_unit_test_setup(fixed_point_numbers_keep_their_zeros, setup),
		cmocka_unit_test_setup(bytes_are_shown_as_lower_case_hexadecimals, setup),
		cmocka_unit_test_setup(no_bytes_are_shown_as_the_empty_string, setup),
		cmocka_unit_test(text_is_utf8_to_its_last_character_or_not_at_all),
		cmocka_unit_test(a_time_is_written_in_utc_to_the_millisecond),
		cmocka_unit_test_setup(a_time_to_the_second_leaves_out_what_is_behind_it, setup),
		cmocka_unit_test(a_time_to_the_second_that_does_not_fit_takes_nothing_back),
		cmocka_unit_test(a_time_is_read_with_its_offset_and_without_its_fraction),
		cmocka_unit_test(text_that_fits_to_the_last_byte_is_whole),
		cmocka_unit_test(text_that_does_not_fit_is_cut_and_says_so),
		cmocka_unit_test(nothing_follows_what_was_cut),
		cmocka_unit_test(a_buffer_of_no_size_is_never_touched),
		cmocka_unit_test(json_leaves_plain_text_alone),
		cmocka_unit_test(json_escapes_quotes_backslashes_and_control_characters),
		cmocka_unit_test(json_keeps_valid_characters_of_every_length),
		cmocka_unit_test(json_replaces_each_broken_piece_by_one_replacement_character),
		cmocka_unit_test(json_is_cut_between_characters_only),
		cmocka_unit_test(a_uuid_is_random_but_for_version_and_variant),
		cmocka_unit_test(a_uuid_shows_its_bytes_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
