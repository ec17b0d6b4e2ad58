/* SPDX-License-Identifier: MIT */
#include <support/test.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <model/fingerprint.h>

/* base64 of SHA-256, from the standard's own examples: of "abc" and of nothing. */
#define OF_ABC "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="
#define OF_NOTHING "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

static char folder[64], file[80];

static void write_code(const char *text)
{
	FILE *stream = fopen(file, "w");

	assert_non_null(stream);
	fputs(text, stream);
	fclose(stream);
}

static int setup(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/faas-print-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(file, sizeof(file), "%s/image.so", folder);
	write_code("abc");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(file);
	return rmdir(folder);
}

static struct fa_version *make(const struct faas_function_config *change)
{
	struct faas_function_config config = { .size = sizeof(config), .name = "f",
					       .code = folder, .handler = "image.resize" };
	struct faas_error err = { 0 };
	struct fa_version *version;

	fa_version_merge(&config, &config, change);
	version = fa_version_create_of(&fa_mem_libc, &config, &(struct fa_code){ NULL }, "local-1",
				       "000000000000", &err);
	if (!version)
		fail_msg("%s", err.message);
	return version;
}

static void assert_code(const char *expected)
{
	struct fa_version *version = make(FAAS_FUNCTION());

	assert_string_equal(version->code_sha256, expected);
	fa_version_unref(version);
}

TEST(the_code_is_known_by_the_sha_256_of_its_file)
{
	assert_code(OF_ABC);
	write_code("");
	assert_code(OF_NOTHING);
}

TEST(a_file_that_is_named_whole_is_the_code_too)
{
	struct fa_version *version = make(FAAS_FUNCTION(.handler = "image.so.resize"));

	assert_string_equal(version->code_sha256, OF_ABC);
	fa_version_unref(version);
}

TEST(a_file_that_is_not_there_has_no_fingerprint)
{
	unlink(file);
	assert_code("");
}

TEST(a_pipe_in_the_place_of_code_is_not_waited_for)
{
	unlink(file);
	assert_int_equal(mkfifo(file, 0600), 0);
	assert_code("");
}

TEST(code_that_is_too_long_is_not_read)
{
	assert_int_equal(truncate(file, (off_t)FA_CODE_MAX + 1), 0);
	assert_code("");
}

TEST(each_member_that_is_frozen_makes_another_configuration)
{
	static const char *const variables[] = { "NAME=value", NULL };
	static const char *const layers[] = {
		"arn:aws:lambda:local-1:000000000000:layer:l:1", NULL
	};
	const struct faas_function_config *const changes[] = {
		FAAS_FUNCTION(.memory_mb = 256),
		FAAS_FUNCTION(.timeout_ms = 1),
		FAAS_FUNCTION(.tmp_mb = 513),
		FAAS_FUNCTION(.network = true),
		FAAS_FUNCTION(.pristine = true),
		FAAS_FUNCTION(.snapshot = true),
		FAAS_FUNCTION(.isolation = FAAS_THREAD),
		FAAS_FUNCTION(.handler = "image.shrink"),
		FAAS_FUNCTION(.prototype = "int resize(int n)"),
		FAAS_FUNCTION(.description = "words"),
		FAAS_FUNCTION(.environment = variables),
		FAAS_FUNCTION(.log_format = "JSON"),
		FAAS_FUNCTION(.log_group = "/mine"),
		FAAS_FUNCTION(.tracing = "Active"),
		FAAS_FUNCTION(.kms_key_arn = "arn:mine"),
		FAAS_FUNCTION(.code = file),
		FAAS_FUNCTION(.runtime = "provided.al2"),
		FAAS_FUNCTION(.role = "arn:aws:iam::000000000000:role/r"),
		FAAS_FUNCTION(.dead_letter = "queue:dead"),
		FAAS_FUNCTION(.snap_start = "PublishedVersions"),
		FAAS_FUNCTION(.layers = layers),
	};
	struct fa_version *plain = make(FAAS_FUNCTION());

	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		struct fa_version *version = make(changes[i]);

		assert_string_not_equal(version->config_sha256, plain->config_sha256);
		fa_version_unref(version);
	}
	fa_version_unref(plain);
}

TEST(limits_and_retries_are_the_functions_and_not_frozen)
{
	struct fa_version *plain = make(FAAS_FUNCTION());
	struct fa_version *version = make(FAAS_FUNCTION(.max_concurrency = 5, .max_retries = 1,
							.max_age_s = 60, .provisioned = 1));

	assert_string_equal(version->config_sha256, plain->config_sha256);
	fa_version_unref(version);
	fa_version_unref(plain);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define UNIT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		UNIT(the_code_is_known_by_the_sha_256_of_its_file),
		UNIT(a_file_that_is_named_whole_is_the_code_too),
		UNIT(a_file_that_is_not_there_has_no_fingerprint),
		UNIT(a_pipe_in_the_place_of_code_is_not_waited_for),
		UNIT(code_that_is_too_long_is_not_read),
		UNIT(each_member_that_is_frozen_makes_another_configuration),
		UNIT(limits_and_retries_are_the_functions_and_not_frozen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
