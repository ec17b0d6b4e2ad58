/* SPDX-License-Identifier: MIT */
/* Keys of the host, of which some lie in files. */
#include <support/test.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <model/key.h>
#include <support/failing_mem.h>

#define BYTES "0123456789abcdef0123456789abcdef"

static struct failing_mem mem;
static struct fa_keys keys;
static struct faas_error err;
static char folder[] = "/tmp/faas-key-XXXXXX", path[64];

static int setup(void **state)
{
	(void)state;
	failing_mem_init(&mem);
	memset(&err, 0, sizeof(err));
	memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/key", folder);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fa_keys_finish(&keys);
	assert_true(failing_mem_clean(&mem));
	remove(path);
	assert_int_equal(rmdir(folder), 0);
	return 0;
}

static void write_file(const char *bytes, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, strlen(bytes)), strlen(bytes));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static int give(const void *bytes, const char *file)
{
	const struct faas_key given[] = { { "first", BYTES, NULL }, { "a", bytes, file }, { 0 } };

	return fa_keys_init(&keys, &mem.mem, given, &err);
}

static void refused(const char *why)
{
	char message[400];

	assert_int_equal(give(NULL, path), FAAS_EINVAL);
	snprintf(message, sizeof(message), why, path);
	assert_string_equal(err.message, message);
	assert_null(keys.list);
}

TEST(a_key_is_what_lies_in_its_file)
{
	const struct fa_key *key;

	write_file("fedcba9876543210fedcba9876543210", 0400);
	assert_int_equal(give(NULL, path), 0);
	key = fa_key_find(&keys, "a");
	assert_true(key->enabled);
	assert_memory_equal(key->bytes, "fedcba9876543210fedcba9876543210", FA_KEY_SIZE);
	assert_ptr_equal(fa_key_find(&keys, ""), &keys.list[0]);
	assert_null(fa_key_find(&keys, "b"));
}

TEST(a_key_without_bytes_and_file_is_disabled)
{
	assert_int_equal(give(NULL, NULL), 0);
	assert_false(fa_key_find(&keys, "a")->enabled);
	assert_true(fa_key_find(&keys, "first")->enabled);
}

TEST(a_key_has_bytes_or_a_file)
{
	write_file(BYTES, 0600);
	assert_int_equal(give(BYTES, path), FAAS_EINVAL);
	assert_string_equal(err.message, "keys: 'a' has bytes and a file: it is one of both");
}

#define NO_KEY "keys: '%s' is not a file of 32 bytes, a key (head -c 32 /dev/urandom > FILE; " \
	       "chmod 600 FILE)"

TEST(a_file_of_another_length_is_no_key)
{
	write_file(BYTES "\n", 0600);
	refused(NO_KEY);
	write_file("short", 0600);
	refused(NO_KEY);
	write_file("", 0600);
	refused(NO_KEY);
}

/* Nor is anybody waited for who would write into it. */
TEST(what_is_no_file_is_no_key)
{
	assert_int_equal(mkfifo(path, 0600), 0);
	refused(NO_KEY);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	refused(NO_KEY);
}

/* One that is mistyped must not become a new key. */
TEST(a_file_that_is_not_there_is_not_made)
{
	refused("keys: cannot open '%s': No such file or directory");
	assert_int_equal(access(path, F_OK), -1);
}

TEST(a_file_that_others_may_read_is_refused)
{
	write_file(BYTES, 0640);
	refused("keys: '%s' is a key that others may read or write (640): chmod 600");
	write_file(BYTES, 0602);
	refused("keys: '%s' is a key that others may read or write (602): chmod 600");
}

TEST(a_file_of_another_user_is_refused)
{
	if (geteuid()) {
		print_message("# skipped: only root can give files away\n");
		skip();
	}
	write_file(BYTES, 0600);
	assert_int_equal(chown(path, 12345, 12345), 0);
	refused("keys: '%s' is a key of another user (12345), not of this one or root");
}

TEST(without_memory_nothing_is_left_of_them)
{
	write_file(BYTES, 0600);
	for (size_t n = 1; failing_mem_fail_at(&mem, n, false), give(NULL, path) < 0; n++) {
		assert_int_equal(err.code, FAAS_ENOMEM);
		assert_null(keys.list);
	}
	failing_mem_recover(&mem);
	assert_int_equal(keys.count, 2);
}

#define UNIT(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT(a_key_is_what_lies_in_its_file),
		UNIT(a_key_without_bytes_and_file_is_disabled),
		UNIT(a_key_has_bytes_or_a_file),
		UNIT(a_file_of_another_length_is_no_key),
		UNIT(what_is_no_file_is_no_key),
		UNIT(a_file_that_is_not_there_is_not_made),
		UNIT(a_file_that_others_may_read_is_refused),
		UNIT(a_file_of_another_user_is_refused),
		UNIT(without_memory_nothing_is_left_of_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
