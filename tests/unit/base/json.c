/* SPDX-License-Identifier: MIT */
#include <support/test.h>

#include <base/json.h>

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static bool valid(const char *text)
{
	return fa_json_valid(text, strlen(text), NULL);
}

static size_t fault(const char *text)
{
	size_t at = 12345;

	assert_false(fa_json_valid(text, strlen(text), &at));
	return at;
}

static struct fa_json json(const char *text)
{
	struct fa_json value = { NULL, 0 };

	assert_true(fa_json_read(text, strlen(text), &value));
	return value;
}

static void assert_slice(struct fa_json value, const char *text)
{
	assert_int_equal(value.len, strlen(text));
	assert_memory_equal(value.text, text, value.len);
}

/* clang-format off: one word a line would be pages */
static const char *const good[] = {
	"null", "true", "false", "0", "-0", "12", "-1.5", "1e5", "1E+5", "0.1e-9", "\"\"", "[]",
	"{}", " [ ] ", "\t{\n}\r", "[1,2, 3]", "{\"a\":1,\"a\":2}", "[[],{}]",
	"\"\\u0000\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\ud800\"", "\"\x7f\"", "\"\xc3\xa4\"",
	"\"\xe2\x82\xac\"", "\"\xf0\x9f\x98\x80\"", "\"\xf4\x8f\xbf\xbf\"", "\"\xed\x9f\xbf\"",
	"{\"\":{\"\":[{}]}}", "1e99999", "123456789012345678901234567890",
};

static const char *const bad[] = {
	"", " ", "nul", "nulll", "True", "NaN", "Infinity", "-", "+1", "01", "-01", "1.", ".5",
	"1e", "1e+", "0x1", "1 2", "[", "]", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "[}", "{]",
	"{", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{a:1}", "{1:1}",
	"{\"a\" 1}", "{\"a\"::1}", "{,}", "'a'", "\"", "\"a", "\"\\", "\"\\x\"", "\"\\u12\"",
	"\"\\u12g4\"", "\"\n\"", "\"\x1f\"", "\"\x80\"", "\"\xc0\x80\"", "\"\xc1\xbf\"",
	"\"\xe0\x9f\xbf\"", "\"\xed\xa0\x80\"", "\"\xf0\x8f\xbf\xbf\"", "\"\xf4\x90\x80\x80\"",
	"\"\xf5\x80\x80\x80\"", "\"\xff\"", "\"\xe2\x82\"", "\"\xe2\x82", "\xef\xbb\xbf[]",
	"[1]x", "[1]]", "/**/1", "1//", "\"\\U0041\"", "[\"\\", "{\"a\":tru}", "\v1",
};
/* clang-format on */

TEST(what_the_standard_calls_json_is_accepted)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		if (!valid(good[i]))
			fail_msg("refused: %s", good[i]);
}

TEST(whatever_else_is_refused)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (valid(bad[i]))
			fail_msg("accepted: %s", bad[i]);
}

TEST(a_nul_byte_is_not_json)
{
	assert_false(fa_json_valid("1\0", 2, NULL));
	assert_false(fa_json_valid("\"\0\"", 3, NULL));
	assert_false(fa_json_valid("\"\\\0\"", 4, NULL));
	assert_false(fa_json_valid(NULL, 0, NULL));
}

TEST(the_fault_is_where_the_text_stops_being_json)
{
	assert_int_equal(fault("[1, x]"), 4);
	assert_int_equal(fault("{\"a\":1,}"), 7);
	assert_int_equal(fault("[1] 2"), 4);
	assert_int_equal(fault("[1"), 2);
}

TEST(nesting_is_accepted_up_to_the_limit_and_not_beyond)
{
	char text[2 * FA_JSON_DEPTH + 4];
	size_t n = FA_JSON_DEPTH;

	memset(text, '[', n);
	memset(text + n, ']', n);
	assert_true(fa_json_valid(text, 2 * n, NULL));
	n++;
	memset(text, '[', n);
	memset(text + n, ']', n);
	assert_false(fa_json_valid(text, 2 * n, NULL));
	assert_false(fa_json_valid(text, n, NULL));
}

TEST(no_prefix_of_a_document_reads_past_its_end)
{
	static const char text[] = "{\"k\\u00e4\":[-1.5e+7,true,null,\"\xf0\x9f\x98\x80\"]}";

	for (size_t n = 0; n < sizeof(text) - 1; n++) {
		char *copy = malloc(n + 1); /* exactly as long, so that a sanitizer sees more */

		copy = realloc(copy, n ? n : 1);
		memcpy(copy, text, n);
		assert_false(fa_json_valid(copy, n, NULL));
		free(copy);
	}
}

TEST(a_value_is_cut_out_of_its_white_space)
{
	assert_slice(json(" \n[1, 2]\t "), "[1, 2]");
	assert_int_equal(fa_json_kind(json(" 12 ")), FA_JSON_NUMBER);
	assert_int_equal(fa_json_kind(json("null")), FA_JSON_NULL);
	assert_int_equal(fa_json_kind((struct fa_json){ NULL, 0 }), FA_JSON_NONE);
}

TEST(elements_come_in_order_as_slices_of_the_text)
{
	static const char *const want[] = { "1", "\"a,]\\\"\"", "[2,[3]]", "{\"b\":[4]}", "true" };
	struct fa_json array = json("[ 1 , \"a,]\\\"\",[2,[3]] ,{\"b\":[4]},true]"), value, key;
	struct fa_json_iter iter;

	fa_json_begin(&iter, array);
	for (size_t i = 0; i < 5; i++) {
		assert_true(fa_json_next(&iter, &key, &value));
		assert_slice(value, want[i]);
		assert_int_equal(fa_json_kind(key), FA_JSON_NONE);
	}
	assert_false(fa_json_next(&iter, NULL, &value));
	assert_int_equal(fa_json_count(array), 5);
}

TEST(members_come_with_their_keys)
{
	struct fa_json object = json("{\"a\":1 , \"b{\" : {\"c\":2} }"), key, value;
	struct fa_json_iter iter;

	fa_json_begin(&iter, object);
	assert_true(fa_json_next(&iter, &key, &value));
	assert_slice(key, "\"a\"");
	assert_slice(value, "1");
	assert_true(fa_json_next(&iter, &key, &value));
	assert_slice(key, "\"b{\"");
	assert_slice(value, "{\"c\":2}");
	assert_false(fa_json_next(&iter, &key, &value));
}

TEST(empty_containers_and_scalars_have_no_elements)
{
	assert_int_equal(fa_json_count(json("[ ]")), 0);
	assert_int_equal(fa_json_count(json("{ }")), 0);
	assert_int_equal(fa_json_count(json("12")), 0);
	assert_int_equal(fa_json_count(json("\"[1]\"")), 0);
}

TEST(a_member_is_found_by_its_name_and_the_last_one_counts)
{
	struct fa_json object = json("{\"a\":1,\"\\u0062\":2,\"a\":3,\"c\":{\"d\":4}}");

	assert_slice(fa_json_get(object, "a"), "3");
	assert_slice(fa_json_get(object, "b"), "2");
	assert_slice(fa_json_get(fa_json_get(object, "c"), "d"), "4");
	assert_int_equal(fa_json_kind(fa_json_get(object, "d")), FA_JSON_NONE);
	assert_int_equal(fa_json_kind(fa_json_get(json("[1]"), "a")), FA_JSON_NONE);
}

TEST(strings_are_decoded)
{
	char out[64];

	assert_int_equal(fa_json_string(json("\"a\\n\\\"\\/\\u0041\""), out, sizeof(out)), 5);
	assert_string_equal(out, "a\n\"/A");
	assert_int_equal(fa_json_string(json("\"\\ud83d\\ude00\\u20ac\\u00e4\""), out, 64), 9);
	assert_string_equal(out, "\xf0\x9f\x98\x80\xe2\x82\xac\xc3\xa4");
	assert_int_equal(fa_json_string(json("\"x\\u0000y\""), out, sizeof(out)), 3);
	assert_memory_equal(out, "x\0y", 4);
	assert_int_equal(fa_json_string(json("12"), out, sizeof(out)), 0);
}

TEST(a_lone_surrogate_becomes_the_replacement_character)
{
	char out[64];

	fa_json_string(json("\"\\ud800\""), out, sizeof(out));
	assert_string_equal(out, "\xef\xbf\xbd");
	fa_json_string(json("\"\\udc00x\""), out, sizeof(out));
	assert_string_equal(out, "\xef\xbf\xbdx");
	fa_json_string(json("\"\\ud800\\u0041\""), out, sizeof(out));
	assert_string_equal(out, "\xef\xbf\xbd""A");
}

TEST(a_string_that_does_not_fit_is_cut_and_its_length_told)
{
	char out[4] = "zzz";

	assert_int_equal(fa_json_string(json("\"abcdef\""), out, sizeof(out)), 6);
	assert_string_equal(out, "abc");
	assert_int_equal(fa_json_string(json("\"abcdef\""), NULL, 0), 6);
}

TEST(the_length_of_the_slice_is_always_room_enough)
{
	static const char *const texts[] = { "\"\"", "\"a\"", "\"\\u20ac\"", "\"\\ud800\\ud800\"" };

	for (size_t i = 0; i < 4; i++) {
		struct fa_json string = json(texts[i]);
		char out[32];

		assert_true(fa_json_string(string, out, string.len) < string.len);
	}
}

TEST(comparing_decodes_too)
{
	assert_true(fa_json_equals(json("\"\\u0061b\""), "ab"));
	assert_false(fa_json_equals(json("\"ab\""), "a"));
	assert_false(fa_json_equals(json("\"ab\""), "abc"));
	assert_false(fa_json_equals(json("\"a\\u0000\""), "a"));
	assert_false(fa_json_equals(json("12"), "12"));
}

TEST(integers_are_exact_to_their_limits)
{
	int64_t i = 0;
	uint64_t u = 0;

	assert_true(fa_json_int(json("9223372036854775807"), &i));
	assert_true(i == INT64_MAX);
	assert_true(fa_json_int(json("-9223372036854775808"), &i));
	assert_true(i == INT64_MIN);
	assert_true(fa_json_uint(json("18446744073709551615"), &u));
	assert_true(u == UINT64_MAX);
	assert_true(fa_json_int(json("-0"), &i) && i == 0);
	assert_true(fa_json_uint(json("-0"), &u) && u == 0);
}

TEST(what_is_no_integer_or_does_not_fit_leaves_the_output_alone)
{
	static const char *const bad[] = { "9223372036854775808", "-9223372036854775809", "3.0",
					   "1e3", "\"1\"", "true", "null", "[1]",
					   "99999999999999999999999999" };
	int64_t i = 7;
	uint64_t u = 7;

	for (size_t k = 0; k < sizeof(bad) / sizeof(*bad); k++)
		assert_false(fa_json_int(json(bad[k]), &i));
	assert_false(fa_json_uint(json("18446744073709551616"), &u));
	assert_false(fa_json_uint(json("-1"), &u));
	assert_true(i == 7 && u == 7);
}

static double real(const char *text)
{
	double value = 0;

	assert_true(fa_json_double(json(text), &value));
	return value;
}

TEST(doubles_are_the_nearest_ones)
{
	static const char *const texts[] = {
		"0",
		"0.1",
		"-0.1",
		"1e22",
		"1e23",
		"123456789012345678",
		"5e-324",
		"4.9e-324",
		"2e-324",
		"2.2250738585072011e-308",
		"1.7976931348623157e308",
		"9007199254740993",
		"0.000001",
		"1e-400",
		"123e-5",
		"9007199254740992.999999",
		"1E5",
		"100000000000000000000000",
		"8.98846567431158e307",
		"0.30000000000000004",
		"6.02214076e23",
		"1.0e+2",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_true(real(texts[i]) == strtod(texts[i], NULL));
	assert_true(signbit(real("-0")));
	assert_true(signbit(real("-0.0")));
}

TEST(a_number_of_a_million_digits_is_read_too)
{
	size_t n = 1000000;
	char *text = malloc(n + 1);

	memset(text, '0', n);
	memcpy(text, "0.", 2);
	text[n - 1] = '7';
	text[n] = '\0';
	assert_true(real(text) == 0.0);
	memcpy(text, "1.5", 3);
	assert_true(real(text) == 1.5);
	/* half way between two doubles but for its last digit, which must count */
	memcpy(text, "9007199254740993.", 17);
	assert_true(real(text) == 9007199254740994.0);
	text[n - 1] = '0';
	assert_true(real(text) == 9007199254740992.0);
	free(text);
}

TEST(a_number_beyond_every_double_is_refused)
{
	double value = 7;

	assert_false(fa_json_double(json("1e309"), &value));
	assert_false(fa_json_double(json("-1e99999999999999999999"), &value));
	assert_false(fa_json_double(json("\"1\""), &value));
	assert_true(value == 7);
	assert_true(real("1e-99999999999999999999") == 0);
	assert_true(real("0e99999999999999999999") == 0);
}

static const char *print(double value, bool single)
{
	static char out[FA_JSON_DOUBLE];
	size_t len = fa_json_print(out, value, single);

	assert_int_equal(len, strlen(out));
	return out;
}

TEST(numbers_are_printed_as_briefly_as_they_can_be_read_back)
{
	assert_string_equal(print(0.1, false), "0.1");
	assert_string_equal(print(1.0 / 3, false), "0.3333333333333333");
	assert_string_equal(print(0.1 + 0.2, false), "0.30000000000000004");
	assert_string_equal(print(3, false), "3");
	assert_string_equal(print(-1e300, false), "-1e+300");
	assert_string_equal(print(0.1f, true), "0.1");
	assert_string_equal(print(DBL_MAX, false), "1.7976931348623157e+308");
	assert_string_equal(print(16777217.0f, true), "16777216");
}

TEST(what_json_cannot_say_is_null)
{
	assert_string_equal(print(NAN, false), "null");
	assert_string_equal(print(INFINITY, false), "null");
	assert_string_equal(print(-INFINITY, true), "null");
}

TEST(every_printed_number_is_json)
{
	static const double values[] = { 0, -0.0, 1e100, 5e-324, 1.5, -123456.789, DBL_MIN };

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		assert_true(real(print(values[i], false)) == values[i]);
}

/* Is there a locale with a decimal comma here? Then the host may have chosen it. */
TEST(the_locale_of_the_host_does_not_matter)
{
	static const char *const commas[] = { "de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE" };
	bool found = false;

	for (size_t i = 0; i < 4 && !found; i++)
		found = setlocale(LC_NUMERIC, commas[i]) != NULL;
	assert_true(real("1.2345678901234567890") == 0x1.3c0ca428c59fbp+0);
	assert_string_equal(print(0.5, false), "0.5");
	setlocale(LC_NUMERIC, "C");
	if (!found)
		print_message("# no locale with a comma on this machine\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_standard_calls_json_is_accepted),
		cmocka_unit_test(whatever_else_is_refused),
		cmocka_unit_test(a_nul_byte_is_not_json),
		cmocka_unit_test(the_fault_is_where_the_text_stops_being_json),
		cmocka_unit_test(nesting_is_accepted_up_to_the_limit_and_not_beyond),
		cmocka_unit_test(no_prefix_of_a_document_reads_past_its_end),
		cmocka_unit_test(a_value_is_cut_out_of_its_white_space),
		cmocka_unit_test(elements_come_in_order_as_slices_of_the_text),
		cmocka_unit_test(members_come_with_their_keys),
		cmocka_unit_test(empty_containers_and_scalars_have_no_elements),
		cmocka_unit_test(a_member_is_found_by_its_name_and_the_last_one_counts),
		cmocka_unit_test(strings_are_decoded),
		cmocka_unit_test(a_lone_surrogate_becomes_the_replacement_character),
		cmocka_unit_test(a_string_that_does_not_fit_is_cut_and_its_length_told),
		cmocka_unit_test(the_length_of_the_slice_is_always_room_enough),
		cmocka_unit_test(comparing_decodes_too),
		cmocka_unit_test(integers_are_exact_to_their_limits),
		cmocka_unit_test(what_is_no_integer_or_does_not_fit_leaves_the_output_alone),
		cmocka_unit_test(doubles_are_the_nearest_ones),
		cmocka_unit_test(a_number_of_a_million_digits_is_read_too),
		cmocka_unit_test(a_number_beyond_every_double_is_refused),
		cmocka_unit_test(numbers_are_printed_as_briefly_as_they_can_be_read_back),
		cmocka_unit_test(what_json_cannot_say_is_null),
		cmocka_unit_test(every_printed_number_is_json),
		cmocka_unit_test(the_locale_of_the_host_does_not_matter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
