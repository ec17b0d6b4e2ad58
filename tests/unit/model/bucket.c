/* SPDX-License-Identifier: MIT */
#include <support/test.h>

#include <base/mem.h>
#include <model/bucket.h>

static struct faas_error err;

TEST(a_key_is_names_with_a_slash_between_each_two)
{
	static const char *const good[] = { "a",   "a/b.png", "2026/11/28/x", "...", "..a", ".a",
					    "a..", ".../a",   "a b",	      "*",   "a:b",
					    "\xc3\xa4/\xe2\x82\xac" };
	static const char *const bad[] = { "",	   "/",	   "/a",     "a/",    "a//b",  ".",
					   "..",   "./a",  "../a",   "a/..",  "a/.",   "a/../b",
					   "a\nb", "a\tb", "a/./b",  "a\x7f", "\x01",  "\xff",
					   "a/\xc3" };

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		if (!fa_bucket_key_fits(good[i]))
			fail_msg("%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (fa_bucket_key_fits(bad[i]))
			fail_msg("%s", bad[i]);
}

/* Names of 200 bytes, so that only the whole is too long. */
static void fill(char *key, size_t len)
{
	memset(key, 'x', len);
	for (size_t i = 200; i + 1 < len; i += 201)
		key[i] = '/';
	key[len] = '\0';
}

TEST(a_key_has_a_longest_length_and_so_has_each_name)
{
	char key[FA_BUCKET_KEY_MAX + 2];

	fill(key, FA_BUCKET_KEY_MAX);
	assert_true(fa_bucket_key_fits(key));
	fill(key, FA_BUCKET_KEY_MAX + 1);
	assert_false(fa_bucket_key_fits(key));
	memset(key, 'x', 256);
	key[255] = '\0';
	assert_true(fa_bucket_key_fits(key));
	key[255] = 'x';
	key[256] = '\0';
	assert_false(fa_bucket_key_fits(key));
}

TEST(a_directory_is_a_path_that_no_other_text_means)
{
	static const char *const bad[] = { "/", "", "a", "a/b", "/a/", "//a", "/a//b", "/a/../b",
					   "/a/.", "/..", "/a\nb" };
	char path[FA_BUCKET_PATH_MAX + 2] = "/";

	assert_int_equal(fa_bucket_check("/srv/out", &err), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (fa_bucket_check(bad[i], &err) != FAAS_EINVAL)
			fail_msg("%s", bad[i]);
	assert_string_equal(err.message, "'/a\nb' is no plain path of at most 255 bytes: without "
					 "'//', '.' and '..'");
	fill(path + 1, FA_BUCKET_PATH_MAX - 1);
	assert_int_equal(fa_bucket_check(path, &err), 0);
	fill(path + 1, FA_BUCKET_PATH_MAX);
	assert_int_equal(fa_bucket_check(path, &err), FAAS_EINVAL);
}

TEST(it_has_no_options)
{
	struct fa_bucket bucket;
	char *print;

	assert_int_equal(fa_bucket_read(&bucket, "/srv/out", NULL, &err), 0);
	assert_string_equal(bucket.path, "/srv/out");
	print = fa_bucket_print(&bucket, &fa_mem_libc);
	assert_int_equal(fa_bucket_read(&bucket, "/srv/2", print, &err), 0);
	assert_string_equal(bucket.path, "/srv/2");
	fa_free(print);
	assert_int_equal(fa_bucket_read(&bucket, "/srv/3", "{\"Versioning\":true}", &err),
			 FAAS_EINVAL);
	assert_string_equal(err.message, "'Versioning' is nothing that a directory has here");
	assert_int_equal(fa_bucket_read(&bucket, "/srv/3", "[]", &err), FAAS_EINVAL);
	assert_string_equal(bucket.path, "/srv/2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_is_names_with_a_slash_between_each_two),
		cmocka_unit_test(a_key_has_a_longest_length_and_so_has_each_name),
		cmocka_unit_test(a_directory_is_a_path_that_no_other_text_means),
		cmocka_unit_test(it_has_no_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
