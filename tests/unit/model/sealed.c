/* SPDX-License-Identifier: MIT */
#include <support/test.h>

#include <stdio.h>

#include <model/sealed.h>
#include <support/failing_mem.h>

#define A "arn:aws:kms:local-1:000000000000:key/a"
#define B "arn:aws:kms:local-1:000000000000:key/b"
#define OFF "arn:aws:kms:local-1:000000000000:key/off"

static const struct faas_key given[] = { { A, "0123456789abcdef0123456789abcdef", NULL },
					 { B, "fedcba9876543210fedcba9876543210", NULL },
					 { OFF, NULL, NULL },
					 { 0 } };
static const char *const variables[] = { "NAME=value", "EMPTY=", "OTHER=a=b", NULL };
static struct failing_mem mem;
static struct fa_keys keys;
static struct faas_error err;

static int native(struct faas_context *ctx, struct faas_bytes event)
{
	(void)ctx;
	(void)event;
	return 0;
}

static int setup(void **state)
{
	(void)state;
	failing_mem_init(&mem);
	memset(&err, 0, sizeof(err));
	assert_int_equal(fa_keys_init(&keys, &mem.mem, given, &err), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fa_keys_finish(&keys);
	assert_true(failing_mem_clean(&mem));
	return 0;
}

static struct fa_version *make(const char *key, const char *const *environment)
{
	struct fa_version *v =
		fa_version_create(&mem.mem,
				  FAAS_FUNCTION(.name = "f", .native = native,
						.environment = environment, .kms_key_arn = key),
				  "local-1", "000000000000", &err);

	assert_non_null(v);
	return v;
}

static struct fa_version *make_sealed(const char *key)
{
	struct fa_version *v = make(key, variables);

	assert_int_equal(fa_version_seal(v, &keys, &err), 0);
	return v;
}

static void assert_readable(const struct fa_version *v)
{
	struct fa_variables opened;

	assert_int_equal(fa_variables_open(&opened, v, &err), 0);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(opened.list[i], variables[i]);
	assert_null(opened.list[3]);
	fa_variables_close(&opened);
	fa_variables_close(&opened);
	assert_null(opened.list);
}

TEST(sealed_variables_are_nowhere_else_and_can_be_opened)
{
	struct fa_version *v = make_sealed(B);

	assert_null(v->config.environment);
	assert_int_equal(v->environment_count, 3);
	assert_null(memmem(v->sealed, v->sealed_len, "value", 5));
	assert_readable(v);
	fa_version_unref(v);
}

TEST(the_first_key_is_of_who_names_none)
{
	struct fa_version *v = make_sealed(NULL), *named = make_sealed(A);

	assert_readable(v);
	/* it is that key: sealed by the one, opened by the other */
	assert_int_equal(fa_version_adopt(named, &keys, v->sealed, v->sealed_len, &err), 0);
	assert_readable(named);
	fa_version_unref(v);
	fa_version_unref(named);
}

TEST(without_keys_or_variables_nothing_is_sealed)
{
	struct fa_keys none = { NULL, 0 };
	struct fa_version *v = make(NULL, variables), *bare = make(A, NULL);

	assert_int_equal(fa_version_seal(v, &none, &err), 0);
	assert_null(v->sealed);
	assert_readable(v);
	assert_int_equal(fa_version_seal(bare, &keys, &err), 0);
	assert_null(bare->sealed);
	fa_version_unref(v);
	fa_version_unref(bare);
}

TEST(a_key_that_is_none_or_disabled_cannot_be_named)
{
	static const char *const bad[][2] = { { A "x", "NotFoundException" },
					      { OFF, "DisabledException" } };
	char message[256];

	for (int i = 0; i < 2; i++) {
		struct fa_version *v = make(bad[i][0], NULL);

		assert_int_equal(fa_version_seal(v, &keys, &err), FAAS_EINVAL);
		snprintf(message, sizeof(message),
			 "Lambda was unable to configure access to your environment variables "
			 "because the KMS key is invalid for CreateGrant. Please check your KMS "
			 "key settings. KMS Exception: %s",
			 bad[i][1]);
		assert_string_equal(err.message, message);
		fa_version_unref(v);
	}
}

TEST(a_publication_is_sealed_again_for_itself)
{
	struct fa_version *v = make_sealed(B);
	struct fa_version *one = fa_version_freeze(v, 1, NULL, "local-1", "000000000000", &err);

	assert_non_null(one);
	assert_null(one->config.environment);
	assert_readable(one);
	assert_memory_not_equal(one->sealed, v->sealed, v->sealed_len);
	assert_string_equal(one->config_sha256, v->config_sha256);
	fa_version_unref(v);
	fa_version_unref(one);
}

/* Variables sealed with A come back to a version that names `key`. */
static struct fa_version *come_back(const char *key, const struct fa_keys *with)
{
	struct fa_version *v = make_sealed(A), *back = make(key, NULL);

	assert_int_equal(fa_version_adopt(back, with, v->sealed, v->sealed_len, &err), 0);
	fa_version_unref(v);
	return back;
}

TEST(what_comes_back_with_its_key_is_as_it_was)
{
	struct fa_version *v = make_sealed(A), *back = come_back(A, &keys);

	assert_int_equal(back->unreadable, FA_KMS_FINE);
	assert_int_equal(back->environment_count, 3);
	assert_readable(back);
	assert_string_equal(back->config_sha256, v->config_sha256);
	fa_version_unref(v);
	fa_version_unref(back);
}

static void assert_unreadable(struct fa_version *v, int code, const char *type, const char *why)
{
	struct fa_variables opened;
	char message[256];

	snprintf(message, sizeof(message),
		 "Lambda couldn't decrypt the environment variables because %s", why);
	assert_int_equal(fa_variables_open(&opened, v, &err), code);
	assert_string_equal(err.type, type);
	assert_string_equal(err.message, message);
	assert_int_equal(fa_version_unreadable(v, &err), code);
	fa_variables_close(&opened);
	assert_null(fa_version_freeze(v, 1, NULL, "local-1", "000000000000", &err));
	fa_version_unref(v);
}

TEST(what_comes_back_without_its_key_is_unreadable_and_says_why)
{
	struct fa_keys none = { NULL, 0 };
	struct fa_version *cut = make(A, NULL);

	assert_unreadable(come_back(A, &none), FAAS_ENOTFOUND, "KMSNotFoundException",
			  "the KMS key was not found. Check the function's KMS key settings.");
	assert_unreadable(come_back(B, &keys), FAAS_EDENIED, "KMSAccessDeniedException",
			  "KMS access was denied. Check the Lambda function's KMS permissions.");
	assert_unreadable(come_back(OFF, &keys), FAAS_EDENIED, "KMSDisabledException",
			  "the KMS key used is disabled. Check the Lambda function's KMS key "
			  "settings.");
	assert_int_equal(fa_version_adopt(cut, &keys, "short", 5, &err), 0);
	assert_unreadable(cut, FAAS_EDENIED, "KMSInvalidStateException",
			  "the state of the KMS key used is not valid for Decrypt. Check the "
			  "function's KMS key settings.");
}

TEST(running_out_of_memory_is_an_error_at_every_step)
{
	bool done = false;

	for (int n = 1; !done; n++) {
		struct fa_version *v = make(A, variables);
		struct fa_variables opened = { NULL, NULL };
		struct fa_keys more;

		mem.fail_at = (size_t)n;
		done = !fa_version_seal(v, &keys, &err) && !fa_variables_open(&opened, v, &err) &&
		       !fa_version_adopt(v, &keys, opened.list[0], 5, &err) &&
		       !fa_keys_init(&more, &mem.mem, given, &err);
		if (!done)
			assert_int_equal(err.code, FAAS_ENOMEM);
		else
			fa_keys_finish(&more);
		mem.fail_at = 0;
		fa_variables_close(&opened);
		fa_version_unref(v);
		assert_true(n < 50);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define ROW(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		ROW(sealed_variables_are_nowhere_else_and_can_be_opened),
		ROW(the_first_key_is_of_who_names_none),
		ROW(without_keys_or_variables_nothing_is_sealed),
		ROW(a_key_that_is_none_or_disabled_cannot_be_named),
		ROW(a_publication_is_sealed_again_for_itself),
		ROW(what_comes_back_with_its_key_is_as_it_was),
		ROW(what_comes_back_without_its_key_is_unreadable_and_says_why),
		ROW(running_out_of_memory_is_an_error_at_every_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
