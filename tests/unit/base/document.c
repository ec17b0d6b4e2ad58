/* SPDX-License-Identifier: MIT */
#include <support/test.h>

#include <support/failing_mem.h>
#include <base/document.h>

static struct faas_error err;

static struct fa_document *parse(const char *text)
{
	struct fa_document *document = fa_document_parse(text, &err);

	if (!document)
		fail_msg("%s", err.message);
	return document;
}

static void assert_printed(const struct fa_document *document, const char *expected)
{
	char *text = fa_document_print(document, &fa_mem_libc);

	assert_string_equal(text, expected);
	fa_free(text);
}

TEST(an_object_is_read_by_the_names_of_its_members)
{
	struct fa_document *d = parse("{\"t\":\"x\",\"i\":7,\"n\":0.5,\"o\":{\"k\":1},\"z\":null}");
	double number = 0;
	int64_t integer = 0;

	assert_string_equal(fa_document_text(fa_document_get(d, "t")), "x");
	assert_true(fa_document_integer(fa_document_get(d, "i"), &integer) && integer == 7);
	assert_true(fa_document_number(fa_document_get(d, "n"), &number) && number == 0.5);
	assert_true(fa_document_number(fa_document_get(d, "i"), &number) && number == 7);
	assert_true(fa_document_is_object(fa_document_get(d, "o")));
	assert_null(fa_document_get(d, "z"));
	fa_document_free(d);
}

TEST(what_is_absent_or_of_another_kind_is_not_read)
{
	struct fa_document *d = parse("{\"t\":\"x\",\"n\":1.0,\"l\":[]}");
	int64_t integer = 3;

	assert_null(fa_document_text(fa_document_get(d, "n")));
	assert_null(fa_document_text(fa_document_get(fa_document_get(d, "absent"), "t")));
	assert_false(fa_document_integer(fa_document_get(d, "n"), &integer));
	assert_false(fa_document_integer(NULL, &integer));
	assert_false(fa_document_is_object(fa_document_get(d, "l")));
	assert_int_equal(integer, 3);
	fa_document_free(d);
}

TEST(members_are_walked_in_their_order)
{
	struct fa_document *d = parse("{\"b\":1,\"a\":2}");
	const struct fa_document *value;
	const char *name = fa_document_next(d, NULL, &value);

	assert_string_equal(name, "b");
	name = fa_document_next(d, name, &value);
	assert_string_equal(name, "a");
	assert_null(fa_document_next(d, name, &value));
	assert_int_equal(fa_document_count(d), 2);
	assert_null(fa_document_next(NULL, NULL, &value));
	fa_document_free(d);
}

TEST(what_cannot_be_meant_is_refused)
{
	static const char *const bad[] = {
		"", "7", "[]", "{", "{} {}", "{\"a\":1,\"a\":1}", "{\"a\":\"\\u0000\"}",
		"{\"a\":\"\xff\"}", "{\"a\":1e999}", "{\"a\":99999999999999999999}",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_null(fa_document_parse(bad[i], &err));
		assert_int_equal(err.code, FAAS_EINVAL);
		assert_string_equal(err.type, "InvalidRequestContentException");
	}
}

TEST(a_document_is_printed_as_it_was_put_together)
{
	struct fa_document *d = fa_document_object(), *list = fa_document_array();

	assert_int_equal(fa_document_put_text(d, "t", "a \"b\""), 0);
	assert_int_equal(fa_document_put_number(d, "w", 0.1), 0);
	assert_int_equal(fa_document_append_text(list, "x"), 0);
	assert_int_equal(fa_document_put(d, "l", list), 0);
	assert_int_equal(fa_document_put_integer(d, "i", -1), 0);
	assert_printed(d, "{\"t\":\"a \\\"b\\\"\",\"w\":0.1,\"l\":[\"x\"],\"i\":-1}");
	fa_document_free(d);
}

TEST(bytes_that_are_no_text_become_question_marks)
{
	struct fa_document *d = fa_document_object();

	assert_int_equal(fa_document_put_text(d, "t", "a\xff"), 0);
	assert_printed(d, "{\"t\":\"a?\"}");
	fa_document_free(d);
}

TEST(what_was_not_made_cannot_be_put)
{
	struct fa_document *d = fa_document_object();

	assert_int_equal(fa_document_put(d, "x", NULL), FAAS_ENOMEM);
	assert_int_equal(fa_document_put(NULL, "x", fa_document_object()), FAAS_ENOMEM);
	assert_int_equal(fa_document_append(NULL, fa_document_object()), FAAS_ENOMEM);
	assert_printed(d, "{}");
	fa_document_free(d);
	fa_document_free(NULL);
}

TEST(the_items_of_an_array_are_read_by_their_place)
{
	struct fa_document *d = parse("{\"a\":[\"x\",7],\"yes\":true}");
	const struct fa_document *array = fa_document_get(d, "a");
	bool flag = false;

	assert_true(fa_document_is_array(array));
	assert_string_equal(fa_document_text(fa_document_item(array, 0)), "x");
	assert_null(fa_document_text(fa_document_item(array, 1)));
	assert_null(fa_document_item(array, 2));
	assert_null(fa_document_item(d, 0));
	assert_true(fa_document_boolean(fa_document_get(d, "yes"), &flag));
	assert_true(flag);
	assert_false(fa_document_boolean(array, &flag));
	assert_false(fa_document_is_array(NULL));
	fa_document_free(d);
}

TEST(a_copy_shares_nothing_and_what_is_dropped_is_gone)
{
	struct fa_document *d = parse("{\"a\":{\"b\":1},\"c\":2}");
	struct fa_document *copy = fa_document_copy(d);

	fa_document_drop(d, "c");
	fa_document_drop(d, "nothing");
	assert_printed(d, "{\"a\":{\"b\":1}}");
	fa_document_free(d);
	assert_printed(copy, "{\"a\":{\"b\":1},\"c\":2}");
	fa_document_free(copy);
	assert_null(fa_document_copy(NULL));
}

TEST(without_memory_nothing_is_printed)
{
	struct fa_document *d = parse("{\"a\":1}");
	struct failing_mem mem;

	failing_mem_init(&mem);
	mem.fail_at = 1;
	assert_null(fa_document_print(d, &mem.mem));
	assert_true(failing_mem_clean(&mem));
	fa_document_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_object_is_read_by_the_names_of_its_members),
		cmocka_unit_test(what_is_absent_or_of_another_kind_is_not_read),
		cmocka_unit_test(members_are_walked_in_their_order),
		cmocka_unit_test(what_cannot_be_meant_is_refused),
		cmocka_unit_test(a_document_is_printed_as_it_was_put_together),
		cmocka_unit_test(bytes_that_are_no_text_become_question_marks),
		cmocka_unit_test(what_was_not_made_cannot_be_put),
		cmocka_unit_test(the_items_of_an_array_are_read_by_their_place),
		cmocka_unit_test(a_copy_shares_nothing_and_what_is_dropped_is_gone),
		cmocka_unit_test(without_memory_nothing_is_printed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
