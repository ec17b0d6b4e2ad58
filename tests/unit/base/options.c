/* SPDX-License-Identifier: MIT */
#include <support/test.h>

#include <base/options.h>

/* The same options as three releases know them. */
struct old {
	size_t size;
	int width;
};

struct now {
	size_t size;
	int width, height;
	const char *name;
};

struct newer {
	size_t size;
	int width, height;
	const char *name;
	long depth;
};

static int copy(struct now *ours, const void *theirs, struct faas_error *err)
{
	return fa_options_copy(ours, sizeof(*ours), theirs, "FAAS_THING", err);
}

static struct now garbage(void)
{
	struct now now;

	memset(&now, 0xaa, sizeof(now));
	return now;
}

TEST(options_of_our_size_are_copied_whole)
{
	struct now ours = garbage();
	struct now theirs = { .size = sizeof(theirs), .width = 1, .height = 2, .name = "n" };

	assert_int_equal(copy(&ours, &theirs, NULL), 0);
	assert_memory_equal(&ours, &theirs, sizeof(ours));
}

TEST(options_of_an_older_caller_get_defaults_for_the_rest)
{
	struct now ours = garbage();
	struct old theirs = { .size = offsetof(struct old, width) + sizeof(int), .width = 7 };

	assert_int_equal(copy(&ours, &theirs, NULL), 0);
	assert_int_equal(ours.width, 7);
	assert_int_equal(ours.height, 0);
	assert_null(ours.name);
}

TEST(the_copy_always_bears_our_own_size)
{
	struct now ours = garbage();
	struct newer theirs = { .size = sizeof(theirs) };

	assert_int_equal(copy(&ours, &theirs, NULL), 0);
	assert_int_equal(ours.size, sizeof(ours));
}

TEST(options_of_a_newer_caller_are_fine_while_the_unknown_is_zero)
{
	struct now ours = garbage();
	struct newer theirs = { .size = sizeof(theirs), .width = 3, .name = "n" };

	assert_int_equal(copy(&ours, &theirs, NULL), 0);
	assert_int_equal(ours.width, 3);
	assert_string_equal(ours.name, "n");
}

TEST(an_unknown_member_that_is_set_is_refused_and_named_by_its_place)
{
	struct now ours = garbage(), before = ours;
	struct newer theirs = { .size = sizeof(theirs), .depth = 1 };
	struct faas_error err = { 0 };

	assert_int_equal(copy(&ours, &theirs, &err), FAAS_EINVAL);
	assert_int_equal(err.code, FAAS_EINVAL);
	assert_non_null(strstr(err.message, "FAAS_THING()"));
	assert_non_null(strstr(err.message, "byte 24"));
	assert_memory_equal(&ours, &before, sizeof(ours));
}

TEST(the_last_byte_of_the_unknown_counts_too)
{
	struct now ours = garbage();
	struct newer theirs = { .size = sizeof(theirs) };

	((unsigned char *)&theirs)[sizeof(theirs) - 1] = 1;
	assert_int_equal(copy(&ours, &theirs, NULL), FAAS_EINVAL);
}

TEST(no_options_at_all_are_refused_with_the_macro_to_use)
{
	struct now ours = garbage();
	struct faas_error err = { 0 };

	assert_int_equal(copy(&ours, NULL, &err), FAAS_EINVAL);
	assert_non_null(strstr(err.message, "FAAS_THING()"));
}

TEST(a_size_that_was_never_set_is_refused)
{
	static const size_t never[] = { 0, 1, sizeof(size_t) - 1, 4097, SIZE_MAX };

	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
		struct now ours = garbage(), theirs = { .size = never[i] };
		struct faas_error err = { 0 };

		assert_int_equal(copy(&ours, &theirs, &err), FAAS_EINVAL);
		assert_non_null(strstr(err.message, "FAAS_THING()"));
	}
}

TEST(the_smallest_and_the_largest_size_are_accepted)
{
	static unsigned char page[4096];
	struct now ours = garbage();
	size_t size = sizeof(size);

	memcpy(page, &size, sizeof(size));
	assert_int_equal(copy(&ours, page, NULL), 0);
	assert_int_equal(ours.width, 0);
	size = sizeof(page);
	memcpy(page, &size, sizeof(size));
	assert_int_equal(copy(&ours, page, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_of_our_size_are_copied_whole),
		cmocka_unit_test(options_of_an_older_caller_get_defaults_for_the_rest),
		cmocka_unit_test(the_copy_always_bears_our_own_size),
		cmocka_unit_test(options_of_a_newer_caller_are_fine_while_the_unknown_is_zero),
		cmocka_unit_test(an_unknown_member_that_is_set_is_refused_and_named_by_its_place),
		cmocka_unit_test(the_last_byte_of_the_unknown_counts_too),
		cmocka_unit_test(no_options_at_all_are_refused_with_the_macro_to_use),
		cmocka_unit_test(a_size_that_was_never_set_is_refused),
		cmocka_unit_test(the_smallest_and_the_largest_size_are_accepted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
