/* SPDX-License-Identifier: MIT */
#include <support/test.h>

#include <stdio.h>
#include <model/name.h>

static struct fa_name name;
static struct faas_error err;

static void assert_part(struct faas_bytes part, const char *expected)
{
	assert_int_equal(part.len, strlen(expected));
	if (part.len)
		assert_memory_equal(part.data, expected, part.len);
}

static void assert_parsed(const char *text, const char *region, const char *account,
			  const char *function, const char *qualifier)
{
	if (fa_name_parse(&name, text, &err) != 0)
		fail_msg("%s", err.message);
	assert_part(name.region, region);
	assert_part(name.account, account);
	assert_part(name.function, function);
	assert_part(name.qualifier, qualifier);
}

static void assert_refused(const char *text)
{
	char message[256];

	snprintf(message, sizeof(message),
		 "'%.80s' is not a function: write name, name:qualifier, account:function:name or "
		 "arn:aws:lambda:region:account:function:name",
		 text);
	memset(&err, 0, sizeof(err));
	if (fa_name_parse(&name, text, &err) != FAAS_EINVAL)
		fail_msg("'%s' was accepted", text);
	assert_int_equal(err.code, FAAS_EINVAL);
	assert_string_equal(err.type, "InvalidParameterValueException");
	assert_string_equal(err.message, message);
}

TEST(a_bare_name_is_a_function)
{
	assert_parsed("hello", "", "", "hello", "");
	assert_parsed("A-z_09", "", "", "A-z_09", "");
	assert_parsed("function", "", "", "function", "");
	assert_null(name.qualifier.data);
	assert_null(name.region.data);
}

TEST(a_name_may_carry_a_qualifier)
{
	assert_parsed("hello:$LATEST", "", "", "hello", "$LATEST");
	assert_parsed("hello:7", "", "", "hello", "7");
	assert_parsed("hello:live", "", "", "hello", "live");
}

TEST(a_partial_arn_names_the_account)
{
	assert_parsed("000000000000:function:hello", "", "000000000000", "hello", "");
	assert_parsed("000000000000:function:hello:live", "", "000000000000", "hello", "live");
}

TEST(a_region_may_stand_before_the_account)
{
	assert_parsed("local-1:000000000000:function:hello", "local-1", "000000000000", "hello",
		      "");
	assert_parsed("local-1:000000000000:function:hello:$LATEST", "local-1", "000000000000",
		      "hello", "$LATEST");
}

TEST(a_full_arn_names_everything)
{
	assert_parsed("arn:aws:lambda:local-1:000000000000:function:hello", "local-1",
		      "000000000000", "hello", "");
	assert_parsed("arn:aws:lambda:local-1:000000000000:function:hello:12", "local-1",
		      "000000000000", "hello", "12");
}

TEST(no_name_at_all_is_asked_for)
{
	assert_int_equal(fa_name_parse(&name, NULL, &err), FAAS_EINVAL);
	assert_string_equal(err.message, "a function name is required");
	assert_int_equal(fa_name_parse(&name, "", &err), FAAS_EINVAL);
	assert_string_equal(err.message, "a function name is required");
}

TEST(other_forms_are_refused_with_those_that_are_accepted)
{
	static const char *const wrong[] = {
		":", "hello:", ":hello", "hello::7", "hello:7:8", "hel lo", "hel.lo",
		"h\xc3\xa9llo",
		"hello:$latest", "hello:$LATEST2", "hello:li.ve", "000000000000:function:",
		"000000000000:layer:hello", "arn:aws:lambda:local-1:000000000000:function:",
		"arn:aws:lambda:local-1:000000000000:function:hello:7:8",
		"arn:aws:lambda:local-1:000000000000:layer:hello",
		"arn:aws:sqs:local-1:000000000000:function:hello",
		"arn:aws:lambda:local-1:000000000000", "a:b:c:d:e:f:g:h:i:j", "../hello", "hello\n",
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_refused(wrong[i]);
}

static const char *repeat(char c, size_t n)
{
	static char text[400];

	memset(text, c, n);
	text[n] = '\0';
	return text;
}

TEST(a_name_has_at_most_64_characters)
{
	assert_int_equal(fa_name_parse(&name, repeat('x', 64), &err), 0);
	assert_int_equal(name.function.len, 64);
	assert_refused(repeat('x', 65));
}

TEST(a_qualifier_has_at_most_128_characters)
{
	char text[200] = "f:";

	strcat(text, repeat('q', 128));
	assert_int_equal(fa_name_parse(&name, text, &err), 0);
	assert_int_equal(name.qualifier.len, 128);
	strcat(text, "q");
	assert_refused(text);
}

TEST(a_text_without_end_is_refused_early)
{
	assert_refused(repeat('x', 399));
	assert_refused(repeat(':', 399));
}

TEST(a_caller_who_wants_no_reason_gets_none)
{
	assert_int_equal(fa_name_parse(&name, "a b", NULL), FAAS_EINVAL);
	assert_int_equal(fa_name_check("a b", NULL), FAAS_EINVAL);
}

TEST(a_new_function_needs_a_plain_name)
{
	assert_int_equal(fa_name_check("x", &err), 0);
	assert_int_equal(fa_name_check(repeat('x', 64), &err), 0);
	assert_int_equal(fa_name_check("hello:7", &err), FAAS_EINVAL);
	assert_string_equal(err.message, "'hello:7' is not a function name: 1 to 64 letters, "
					 "digits, '-' and '_'");
	assert_int_equal(fa_name_check(repeat('x', 65), &err), FAAS_EINVAL);
	assert_int_equal(fa_name_check("", &err), FAAS_EINVAL);
	assert_string_equal(err.message, "a function needs a name");
	assert_int_equal(fa_name_check(NULL, &err), FAAS_EINVAL);
}

/* ---- handlers -------------------------------------------------------- */

static void assert_split(const char *handler, const char *file)
{
	size_t len = 0;

	if (fa_handler_split(handler, &len, &err) != 0)
		fail_msg("%s", err.message);
	assert_int_equal(len, strlen(file));
	assert_memory_equal(handler, file, len);
}

TEST(a_handler_is_split_at_its_last_dot)
{
	assert_split("image.resize", "image");
	assert_split("libm.so.6.pow", "libm.so.6");
	assert_split("sub/image.resize", "sub/image");
	assert_split("a.b", "a");
}

static void assert_bad_handler(const char *handler)
{
	char message[256];
	size_t len = 77;

	snprintf(message, sizeof(message),
		 "Bad handler '%.100s': expected \"file.method\" of at most 128 characters, the "
		 "file relative to the code",
		 handler);
	if (fa_handler_split(handler, &len, &err) != FAAS_EINVAL)
		fail_msg("'%s' was accepted", handler);
	assert_string_equal(err.message, message);
	assert_int_equal(len, 77);
}

TEST(a_malformed_handler_is_refused)
{
	static const char *const wrong[] = {
		"image", ".", ".resize", "image.", "image.sub/resize", "/etc/image.resize",
		"../image.resize", "image..resize", "sub/../image.resize", "ima ge.resize",
		"image.resize\n", "sub/.resize",
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_bad_handler(wrong[i]);
}

TEST(a_handler_has_at_most_128_characters)
{
	char text[140] = "f.";
	size_t len;

	strcat(text, repeat('m', 126));
	assert_int_equal(fa_handler_split(text, &len, &err), 0);
	assert_int_equal(len, 1);
	strcat(text, "m");
	assert_bad_handler(text);
}

TEST(code_without_a_handler_asks_for_one)
{
	size_t len;

	assert_int_equal(fa_handler_split(NULL, &len, &err), FAAS_EINVAL);
	assert_string_equal(err.message,
			    "a function with code needs a handler: \"file.method\"");
	assert_int_equal(fa_handler_split("", &len, &err), FAAS_EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bare_name_is_a_function),
		cmocka_unit_test(a_name_may_carry_a_qualifier),
		cmocka_unit_test(a_partial_arn_names_the_account),
		cmocka_unit_test(a_region_may_stand_before_the_account),
		cmocka_unit_test(a_full_arn_names_everything),
		cmocka_unit_test(no_name_at_all_is_asked_for),
		cmocka_unit_test(other_forms_are_refused_with_those_that_are_accepted),
		cmocka_unit_test(a_name_has_at_most_64_characters),
		cmocka_unit_test(a_qualifier_has_at_most_128_characters),
		cmocka_unit_test(a_text_without_end_is_refused_early),
		cmocka_unit_test(a_caller_who_wants_no_reason_gets_none),
		cmocka_unit_test(a_new_function_needs_a_plain_name),
		cmocka_unit_test(a_handler_is_split_at_its_last_dot),
		cmocka_unit_test(a_malformed_handler_is_refused),
		cmocka_unit_test(a_handler_has_at_most_128_characters),
		cmocka_unit_test(code_without_a_handler_asks_for_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
