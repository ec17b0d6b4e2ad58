/* SPDX-License-Identifier: MIT */
#include <support/test.h>

#include <errno.h>
#include <base/error.h>
#include <faas/faas.h>

TEST(every_code_that_lambda_knows_has_the_name_of_its_exception)
{
	static const struct {
		int code;
		const char *name;
	} known[] = {
		{ FAAS_EINVAL, "InvalidParameterValueException" },
		{ FAAS_ENOTFOUND, "ResourceNotFoundException" },
		{ FAAS_EEXIST, "ResourceConflictException" },
		{ FAAS_EDENIED, "AccessDeniedException" },
		{ FAAS_ETHROTTLED, "TooManyRequestsException" },
		{ FAAS_ETOOLARGE, "RequestTooLargeException" },
		{ FAAS_ETIMEOUT, "Sandbox.Timedout" },
		{ FAAS_ENOMEM, "ServiceException" },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		assert_string_equal(faas_error_name(known[i].code), known[i].name);
}

TEST(every_code_has_a_name_that_fits_and_a_text_of_its_own)
{
	for (int code = FAAS_EUNKNOWN; code <= FAAS_OK; code++) {
		assert_in_range(strlen(faas_error_name(code)), 1, 59);
		for (int other = FAAS_EUNKNOWN; other < code; other++)
			assert_string_not_equal(faas_strerror(code), faas_strerror(other));
	}
}

TEST(a_code_that_does_not_exist_is_named_all_the_same)
{
	static const int strange[] = { 1, FAAS_EUNKNOWN - 1, INT32_MAX, INT32_MIN };

	for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++) {
		assert_string_equal(faas_error_name(strange[i]), "ServiceException");
		assert_string_equal(faas_strerror(strange[i]), "unknown result code");
	}
}

TEST(an_error_carries_code_exception_and_sentence)
{
	struct faas_error err;

	assert_int_equal(fa_error(&err, FAAS_EINVAL, "memory_mb is %d", 127), FAAS_EINVAL);
	assert_int_equal(err.code, FAAS_EINVAL);
	assert_string_equal(err.type, "InvalidParameterValueException");
	assert_string_equal(err.message, "memory_mb is 127");
}

TEST(an_error_may_carry_another_type)
{
	struct faas_error err;

	int code = fa_error_typed(&err, FAAS_EPLUGIN, "Runtime.HandlerNotFound", "no %s", "x");

	assert_int_equal(code, FAAS_EPLUGIN);
	assert_string_equal(err.type, "Runtime.HandlerNotFound");
	assert_string_equal(err.message, "no x");
}

TEST(nobody_has_to_listen)
{
	assert_int_equal(fa_error(NULL, FAAS_EEXIST, "x"), FAAS_EEXIST);
	assert_int_equal(fa_error_typed(NULL, FAAS_EPLUGIN, "T", "x"), FAAS_EPLUGIN);
	assert_int_equal(fa_error_errno(NULL, EACCES, "x"), FAAS_ESYSTEM);
	assert_int_equal(fa_error_nomem(NULL), FAAS_ENOMEM);
}

TEST(a_message_may_quote_the_error_it_replaces)
{
	struct faas_error err;

	fa_error(&err, FAAS_EINVAL, "inner");
	fa_error(&err, FAAS_EPLUGIN, "outer: %s", err.message);
	assert_string_equal(err.message, "outer: inner");
}

TEST(a_message_fits_to_the_last_byte)
{
	struct faas_error err;
	char text[257];

	memset(text, 'x', sizeof(text));
	text[255] = '\0';
	fa_error(&err, FAAS_EINVAL, "%s", text);
	assert_string_equal(err.message, text);
	text[255] = 'y';
	text[256] = '\0';
	fa_error(&err, FAAS_EINVAL, "%s", text);
	assert_int_equal(strlen(err.message), 255);
	assert_null(strchr(err.message, 'y'));
}

/* A message that ends in `c` after `before` bytes and is too long by something. */
static size_t length_cut(size_t before, const char *c)
{
	struct faas_error err;
	char text[300];

	memset(text, 'x', sizeof(text));
	text[before] = '\0';
	fa_error(&err, FAAS_EINVAL, "%s%s%s", text, c, "yyyyyyyy");
	return strlen(err.message);
}

TEST(a_character_is_never_cut_in_two)
{
	static const char euro[] = "\xe2\x82\xac", u_umlaut[] = "\xc3\xbc";
	static const char horse[] = "\xf0\x9f\x90\x8e";

	assert_int_equal(length_cut(254, euro), 254);
	assert_int_equal(length_cut(253, euro), 253);
	assert_int_equal(length_cut(252, euro), 255);
	assert_int_equal(length_cut(254, u_umlaut), 254);
	assert_int_equal(length_cut(253, u_umlaut), 255);
	for (size_t before = 252; before < 255; before++)
		assert_int_equal(length_cut(before, horse), before);
	assert_int_equal(length_cut(251, horse), 255);
}

TEST(what_is_no_character_becomes_a_question_mark_per_byte)
{
	struct faas_error err;
	char text[300];

	memset(text, 0x80, sizeof(text));
	text[299] = '\0';
	fa_error(&err, FAAS_EINVAL, "%s", text);
	assert_int_equal(strlen(err.message), 255);
	assert_int_equal(strspn(err.message, "?"), 255);
	fa_error(&err, FAAS_EINVAL, "'%.2s' and '%s' are \xc3\xbc", "\xe2\x82\xac", "\xff\xed\xa0");
	assert_string_equal(err.message, "'?\?' and '?\?\?' are \xc3\xbc");
}

TEST(a_type_that_is_too_long_is_cut)
{
	struct faas_error err;
	char type[100];

	memset(type, 'T', sizeof(type));
	type[99] = '\0';
	fa_error_typed(&err, FAAS_EPLUGIN, type, "x");
	assert_int_equal(strlen(err.type), sizeof(err.type) - 1);
}

TEST(an_errno_is_told_in_words)
{
	struct faas_error err;

	assert_int_equal(fa_error_errno(&err, ENOENT, "open /x"), FAAS_ESYSTEM);
	assert_string_equal(err.message, "open /x: No such file or directory");
	assert_string_equal(err.type, "ServiceException");
}

TEST(an_errno_without_words_is_told_by_number)
{
	struct faas_error err;

	assert_int_equal(fa_error_errno(&err, 9999, "open"), FAAS_ESYSTEM);
	assert_string_equal(err.message, "open: error 9999");
}

TEST(an_errno_of_no_memory_is_its_own_code)
{
	struct faas_error err;

	assert_int_equal(fa_error_errno(&err, ENOMEM, "mmap"), FAAS_ENOMEM);
	assert_int_equal(err.code, FAAS_ENOMEM);
}

TEST(out_of_memory_needs_no_words)
{
	struct faas_error err;

	assert_int_equal(fa_error_nomem(&err), FAAS_ENOMEM);
	assert_int_equal(err.code, FAAS_ENOMEM);
	assert_string_equal(err.message, "out of memory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_that_lambda_knows_has_the_name_of_its_exception),
		cmocka_unit_test(every_code_has_a_name_that_fits_and_a_text_of_its_own),
		cmocka_unit_test(a_code_that_does_not_exist_is_named_all_the_same),
		cmocka_unit_test(an_error_carries_code_exception_and_sentence),
		cmocka_unit_test(an_error_may_carry_another_type),
		cmocka_unit_test(nobody_has_to_listen),
		cmocka_unit_test(a_message_may_quote_the_error_it_replaces),
		cmocka_unit_test(a_message_fits_to_the_last_byte),
		cmocka_unit_test(a_character_is_never_cut_in_two),
		cmocka_unit_test(what_is_no_character_becomes_a_question_mark_per_byte),
		cmocka_unit_test(a_type_that_is_too_long_is_cut),
		cmocka_unit_test(an_errno_is_told_in_words),
		cmocka_unit_test(an_errno_without_words_is_told_by_number),
		cmocka_unit_test(an_errno_of_no_memory_is_its_own_code),
		cmocka_unit_test(out_of_memory_needs_no_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
