/* SPDX-License-Identifier: MIT */
#include <support/test.h>

#include <stdio.h>

#include <model/secret.h>
#include <support/failing_mem.h>

static struct failing_mem mem;
static struct fa_secrets secrets;

static int setup(void **state)
{
	(void)state;
	failing_mem_init(&mem);
	fa_secrets_init(&secrets, &mem.mem);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fa_secrets_finish(&secrets);
	assert_true(failing_mem_clean(&mem));
	return 0;
}

static void keep(const char *key, const char *value, int64_t until_ns)
{
	fa_secrets_keep(&secrets, key, (struct faas_bytes){ value, strlen(value) }, until_ns);
}

static void found(const char *key, int64_t now_ns, const char *text)
{
	struct faas_bytes value;

	assert_true(fa_secrets_find(&secrets, key, now_ns, &value));
	assert_int_equal(value.len, strlen(text));
	assert_memory_equal(value.data, text, value.len);
}

static void missing(const char *key, int64_t now_ns)
{
	struct faas_bytes value;

	assert_false(fa_secrets_find(&secrets, key, now_ns, &value));
}

TEST(a_secret_is_found_until_its_time_is_over)
{
	keep("a", "one", 10);
	found("a", 9, "one");
	missing("b", 9);
	missing("a", 10);
	missing("a", 9); /* and is gone for good */
}

TEST(a_new_value_takes_the_place_of_the_old_one)
{
	keep("a", "one", 10);
	keep("a", "", 20);
	found("a", 15, "");
	assert_int_equal(secrets.map.count, 1);
}

TEST(a_sweep_wipes_what_is_over_and_says_when_the_next_is)
{
	keep("a", "one", 10);
	keep("b", "two", 30);
	keep("c", "three", 20);
	assert_int_equal(fa_secrets_sweep(&secrets, 10), 20);
	assert_int_equal(secrets.map.count, 2);
	assert_int_equal(fa_secrets_sweep(&secrets, 30), INT64_MAX);
	assert_int_equal(secrets.map.count, 0);
}

TEST(of_too_many_the_one_used_longest_ago_goes)
{
	char key[16];

	for (int i = 0; i < FA_SECRETS_MAX; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		keep(key, "v", 10);
	}
	found("k0", 0, "v");
	keep("more", "v", 10);
	found("k0", 0, "v");
	missing("k1", 0);
	found("more", 0, "v");
	assert_int_equal(secrets.map.count, FA_SECRETS_MAX);
}

/* What a block held when it was given back. */
static char last[16384]; /* two pages of 4 KB, for what is hidden */
static size_t last_size;

static void *watch(void *data, void *ptr, size_t old_size, size_t new_size)
{
	if (!new_size && old_size <= sizeof(last)) {
		memcpy(last, ptr, old_size);
		last_size = old_size;
	}
	return failing_realloc(data, ptr, old_size, new_size);
}

TEST(what_goes_is_wiped)
{
	mem.mem.realloc = watch;
	keep("a", "a value to remember", 10);
	missing("a", 10);
	assert_true(last_size > 20);
	assert_null(memmem(last, last_size, "remember", 8));
	mem.mem.realloc = failing_realloc;
}

TEST(what_finds_no_memory_is_not_kept)
{
	for (int n = 1; n <= 2; n++) {
		mem.fail_at = (size_t)n;
		keep("a", "one", 10);
		mem.fail_at = 0;
		missing("a", 0);
	}
	keep("a", "one", 10);
	found("a", 0, "one");
}

TEST(names_are_printable_and_have_a_length)
{
	char name[FA_SECRET_NAME_MAX + 1];

	assert_true(fa_secret_name_fits("prod/db:password", 16));
	assert_false(fa_secret_name_fits("", 0));
	assert_false(fa_secret_name_fits("a b", 3));
	assert_false(fa_secret_name_fits("a\n", 2));
	assert_false(fa_secret_name_fits("a\0b", 3));
	assert_false(fa_secret_name_fits("\xc3\xa4", 2));
	memset(name, 'n', sizeof(name));
	assert_true(fa_secret_name_fits(name, FA_SECRET_NAME_MAX));
	assert_false(fa_secret_name_fits(name, FA_SECRET_NAME_MAX + 1));
}

static const char *key_of(const char *owner, const char *name, const char *version)
{
	static char key[FA_SECRET_KEY_MAX];

	fa_secret_key(key, owner, name, version);
	return key;
}

TEST(what_expires_is_gone_in_all_versions_for_all_owners_and_nothing_else_is)
{
	keep(key_of("f", "db", "AWSCURRENT"), "new", 10);
	keep(key_of("g", "db", "AWSPREVIOUS"), "old", 10);
	keep(key_of("f", "db2", "AWSCURRENT"), "longer", 10);
	keep(key_of("f", "d", "db"), "shorter", 10);
	keep(key_of("db", "x", "db"), "beside", 10);
	fa_secrets_expire(&secrets, "db");
	missing(key_of("f", "db", "AWSCURRENT"), 1);
	missing(key_of("g", "db", "AWSPREVIOUS"), 1);
	found(key_of("f", "db2", "AWSCURRENT"), 1, "longer");
	found(key_of("f", "d", "db"), 1, "shorter");
	found(key_of("db", "x", "db"), 1, "beside");
}

TEST(a_key_has_room_for_the_longest_name_and_version)
{
	char owner[37], name[FA_SECRET_NAME_MAX + 1], version[FA_SECRET_VERSION_MAX + 2];
	size_t len;

	memset(owner, 'o', sizeof(owner) - 1);
	memset(name, 'n', sizeof(name) - 1);
	memset(version, 'v', sizeof(version) - 1);
	owner[36] = name[FA_SECRET_NAME_MAX] = version[FA_SECRET_VERSION_MAX + 1] = '\0';
	assert_false(fa_secret_version_fits(version));
	assert_false(fa_secret_version_fits(""));
	version[FA_SECRET_VERSION_MAX] = '\0';
	assert_true(fa_secret_version_fits(version));
	len = strlen(key_of(owner, name, version));
	assert_int_equal(len, 36 + 1 + FA_SECRET_NAME_MAX + 1 + FA_SECRET_VERSION_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define ROW(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		ROW(a_secret_is_found_until_its_time_is_over),
		ROW(a_new_value_takes_the_place_of_the_old_one),
		ROW(what_expires_is_gone_in_all_versions_for_all_owners_and_nothing_else_is),
		ROW(a_key_has_room_for_the_longest_name_and_version),
		ROW(a_sweep_wipes_what_is_over_and_says_when_the_next_is),
		ROW(of_too_many_the_one_used_longest_ago_goes),
		ROW(what_goes_is_wiped),
		ROW(what_finds_no_memory_is_not_kept),
		ROW(names_are_printable_and_have_a_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
