/* SPDX-License-Identifier: MIT */
/* Variables that are encrypted at rest, and functions whose key is gone. */
#include <faas/plugin.h>

#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <base/digest.h>
#include <runtime.h>

#include "support/control.h"
#include "support/stores.h"

#define A "arn:aws:kms:local-1:000000000000:key/a"
#define B "arn:aws:kms:local-1:000000000000:key/b"
#define OFF "arn:aws:kms:local-1:000000000000:key/off"
#define DENIED \
	"Lambda couldn't decrypt the environment variables because KMS access was denied. Check " \
	"the Lambda function's KMS permissions."

static const char *const variables[] = { "NAME=a fine value", NULL };

static int open_with_keys(void **state)
{
	static const struct faas_key keys[] = { { A, "0123456789abcdef0123456789abcdef", NULL },
						{ B, "fedcba9876543210fedcba9876543210", NULL },
						{ OFF, NULL, NULL },
						{ 0 } };

	(void)state;
	return control_open_with(FAAS_CONFIG(.keys = keys), true);
}

static _Atomic int said;

static int say_name(struct faas_context *ctx, struct faas_bytes event)
{
	(void)event;
	said++;
	return faas_puts(ctx, faas_getenv(ctx, "NAME"));
}

static void make(const char *name, faas_handler_fn native, const char *key)
{
	flow_function(&flow, &(struct faas_function_config){ .name = name,
							     .native = native,
							     .handler = native ? NULL : "echo.env",
							     .environment = variables,
							     .kms_key_arn = key });
}

static struct fa_version *version(const char *name)
{
	struct fa_version *v = fa_registry_find(&flow.rt->registry, name, &err);

	assert_non_null(v);
	return v;
}

static void assert_sealed(const char *name)
{
	struct fa_version *v = version(name);

	assert_null(v->config.environment);
	assert_non_null(v->sealed);
	assert_null(memmem(v->sealed, v->sealed_len, "fine", 4));
	fa_version_unref(v);
}

TEST(a_function_sees_its_variables_and_its_version_holds_them_sealed)
{
	make("env", NULL, B);
	assert_sealed("env");
	assert_true(flow_says(flow_call(&flow, "env", "NAME"), "a fine value|a fine value"));
	assert_sealed("env");
}

TEST(a_thread_sees_them_too)
{
	make("t", say_name, NULL);
	assert_sealed("t");
	assert_true(flow_says(flow_call(&flow, "t", ""), "a fine value"));
}

TEST(they_stay_sealed_through_updates_and_publications)
{
	make("env", NULL, A);
	perform("UpdateFunctionConfiguration",
		"{\"FunctionName\":\"env\",\"KMSKeyArn\":\"" B "\"}");
	has("\"KMSKeyArn\":\"" B "\"");
	has("\"Environment\":{\"Variables\":{\"NAME\":\"a fine value\"}}");
	assert_sealed("env");
	assert_int_equal(faas_function_update(
				 flow.rt, FAAS_FUNCTION(.name = "env", .timeout_ms = 5000), &err),
			 0);
	assert_sealed("env");
	perform("PublishVersion", "{\"FunctionName\":\"env\"}");
	assert_sealed("env:1");
	assert_true(flow_says(flow_call(&flow, "env:1", "NAME"), "a fine value|a fine value"));
	perform("UpdateFunctionConfiguration", "{\"FunctionName\":\"env\",\"KMSKeyArn\":\"\"}");
	lacks("KMSKeyArn");
	assert_true(flow_says(flow_call(&flow, "env", "NAME"), "a fine value|a fine value"));
}

TEST(a_key_that_is_none_or_disabled_is_refused)
{
	refused("UpdateFunctionConfiguration", "{\"FunctionName\":\"f\",\"KMSKeyArn\":\"" A "x\"}",
		"InvalidParameterValueException",
		"Lambda was unable to configure access to your environment variables because the "
		"KMS key is invalid for CreateGrant. Please check your KMS key settings. KMS "
		"Exception: NotFoundException");
	assert_int_equal(faas_function_create(
				 flow.rt,
				 FAAS_FUNCTION(.name = "x", .native = say_name, .kms_key_arn = OFF),
				 &err),
			 FAAS_EINVAL);
	assert_int_equal(faas_control(flow.rt, "UpdateFunctionConfiguration",
				      "{\"FunctionName\":\"f\",\"KMSKeyArn\":\"mine\"}", NULL,
				      &err),
			 FAAS_EINVAL);
	assert_string_equal(err.type, "ValidationException");
}

/* As after a restart with another key: what was sealed before does not open any more. */
static void lose_the_key(const char *name)
{
	struct fa_version *v = version(name);
	char sealed[64] = "sealed with a key that nobody has";

	assert_int_equal(fa_version_adopt(v, &flow.rt->keys, sealed, sizeof(sealed), &err), 0);
	fa_version_unref(v);
}

TEST(a_function_whose_variables_cannot_be_read_is_not_run_by_any_door)
{
	struct faas_result *result;

	make("env", NULL, A);
	lose_the_key("env");
	assert_int_equal(faas_invoke_wait(flow.rt, FAAS_REQUEST(.function = "env"), &result, &err),
			 FAAS_EDENIED);
	assert_string_equal(err.type, "KMSAccessDeniedException");
	assert_string_equal(err.message, DENIED);
	assert_int_equal(faas_invoke(flow.rt, FAAS_REQUEST(.function = "env", .mode = FAAS_EVENT),
				     NULL, &err),
			 FAAS_EDENIED);
	assert_string_equal(err.type, "KMSAccessDeniedException");
}

TEST(it_is_shown_with_the_reason_and_mended_by_new_variables)
{
	make("env", NULL, A);
	lose_the_key("env");
	perform("GetFunctionConfiguration", "{\"FunctionName\":\"env\"}");
	has("\"Environment\":{\"Error\":{\"ErrorCode\":\"KMSAccessDeniedException\",\"Message\":"
	    "\"" DENIED "\"}}");
	refused("UpdateFunctionConfiguration", "{\"FunctionName\":\"env\",\"Timeout\":9}",
		"KMSAccessDeniedException", DENIED);
	refused("PublishVersion", "{\"FunctionName\":\"env\"}", "KMSAccessDeniedException", DENIED);
	perform("UpdateFunctionConfiguration",
		"{\"FunctionName\":\"env\",\"Environment\":{\"Variables\":{\"NAME\":\"new\"}}}");
	assert_true(flow_says(flow_call(&flow, "env", "NAME"), "new|new"));
}

TEST(an_environment_is_not_made_of_what_cannot_be_read)
{
	struct faas_result *result;

	make("env", NULL, A);
	make("t", say_name, A);
	/* found out when it is too late to refuse the call */
	flow.rt->keys.list[0].bytes[0] ^= 1;
	assert_int_equal(faas_invoke_wait(flow.rt, FAAS_REQUEST(.function = "env"), &result, &err),
			 FAAS_ESYSTEM);
	assert_string_equal(err.message, "the environment could not be made: Key "
					 "was rejected by service");
	assert_int_equal(faas_invoke_wait(flow.rt, FAAS_REQUEST(.function = "t"), &result, &err),
			 FAAS_ESYSTEM);
	flow.rt->keys.list[0].bytes[0] ^= 1;
	assert_true(flow_says(flow_call(&flow, "t", ""), "a fine value"));
}

static struct faas_stats stats(void)
{
	struct faas_stats stats = { .size = sizeof(stats) };

	assert_int_equal(faas_stats(flow.rt, &stats), 0);
	return stats;
}

/* It has one attempt, and that is left when at last there can be an environment. */
TEST(an_event_whose_environment_cannot_be_made_waits_and_uses_up_no_attempt)
{
	flow_function(&flow, &(struct faas_function_config){ .name = "t",
							     .native = say_name,
							     .environment = variables,
							     .kms_key_arn = A,
							     .max_retries = FAAS_NONE });
	said = 0;
	flow.rt->keys.list[0].bytes[0] ^= 1;
	assert_int_equal(faas_invoke(flow.rt, FAAS_REQUEST(.function = "t", .mode = FAAS_EVENT),
				     NULL, &err),
			 0);
	for (int i = 0; stats().errors < 3 && i < 10000; i++)
		flow_pass(&flow, 1000);
	assert_true(stats().errors >= 3);
	flow_await_idle(&flow, 1, 0);
	assert_int_equal(said, 0);
	assert_true(flow_metric(&flow, "AsyncEventsDropped") == 0);
	flow.rt->keys.list[0].bytes[0] ^= 1;
	for (int i = 0; stats().queued && i < 10000; i++)
		flow_pass(&flow, 1000);
	assert_int_equal(said, 1);
	assert_true(flow_metric(&flow, "AsyncEventsDropped") == 0);
}

/* ---- another key --------------------------------------------------------- */

#define OLD "0123456789abcdef0123456789abcdef"
#define NEW "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF"
#define PLAIN "a fine value"
#define KEYS_OF(...) (const struct faas_key[]){ __VA_ARGS__, { 0 } }

static void run_with(const struct faas_key *keys)
{
	flow_open(&flow, &(struct faas_config){ .state_dir = control_folder, .keys = keys }, true);
}

static void restart_with(const struct faas_key *keys)
{
	flow_close(&flow);
	run_with(keys);
}

/* By another process: to close a file of a database here would open its lock. */
static bool is_on_disk(const char *text)
{
	char command[2048];
	int status;

	snprintf(command, sizeof(command), "grep -rqaF -e '%s' %s", text, control_folder);
	status = system(command);
	assert_true(status == 0 || (WIFEXITED(status) && WEXITSTATUS(status) == 1));
	return status == 0;
}

/* As it is written in a document. */
static void cipher_text(const char *name, char out[512])
{
	struct fa_version *v = version(name);

	assert_in_range(v->sealed_len, 1, 300);
	fa_base64(out, v->sealed, v->sealed_len);
	fa_version_unref(v);
}

static void says_value(const char *function)
{
	assert_true(flow_says(flow_call(&flow, function, "NAME"), PLAIN "|" PLAIN));
}

/* Two functions and a version, changed more than once: what they were lies about. */
static void make_some(void)
{
	make("env", NULL, A);
	make("free", NULL, NULL);
	perform("PublishVersion", "{\"FunctionName\":\"env\"}");
	for (int i = 4; i < 8; i++) {
		assert_int_equal(faas_function_update(flow.rt,
						      FAAS_FUNCTION(.name = "env",
								    .timeout_ms = i * 1000),
						      &err),
				 0);
		assert_int_equal(faas_function_update(flow.rt,
						      FAAS_FUNCTION(.name = "free",
								    .timeout_ms = i * 1000),
						      &err),
				 0);
	}
}

static const char *const all[] = { "env", "env:1", "free" };

TEST(a_new_key_encrypts_anew_what_the_old_one_did_and_nothing_of_that_is_left)
{
	char old[3][512], revision[64], after[64];

	stores_folder(control_folder);
	run_with(KEYS_OF({ A, OLD, NULL }));
	make_some();
	perform("GetFunctionConfiguration", "{\"FunctionName\":\"env\"}");
	member(revision, "RevisionId");
	for (int i = 0; i < 3; i++) {
		cipher_text(all[i], old[i]);
		assert_true(is_on_disk(old[i]));
	}
	restart_with(KEYS_OF({ A, NEW, NULL }, { A, OLD, NULL }));
	for (int i = 0; i < 3; i++) {
		says_value(all[i]);
		assert_false(is_on_disk(old[i]));
		cipher_text(all[i], old[i]);
		assert_true(is_on_disk(old[i]));
	}
	assert_false(is_on_disk(PLAIN));
	perform("GetFunctionConfiguration", "{\"FunctionName\":\"env\"}");
	member(after, "RevisionId");
	assert_string_equal(revision, after);
	restart_with(KEYS_OF({ A, NEW, NULL }));
	for (int i = 0; i < 3; i++) {
		says_value(all[i]);
		assert_true(is_on_disk(old[i])); /* once was enough */
	}
	restart_with(KEYS_OF({ A, OLD, NULL }));
	assert_int_equal(faas_invoke_wait(flow.rt, FAAS_REQUEST(.function = "env"),
					  &(struct faas_result *){ NULL }, &err),
			 FAAS_EDENIED);
}

TEST(plain_text_of_a_time_without_keys_is_encrypted_and_none_is_left)
{
	stores_folder(control_folder);
	run_with(NULL);
	make("free", NULL, NULL);
	perform("PublishVersion", "{\"FunctionName\":\"free\"}");
	assert_true(is_on_disk(PLAIN));
	restart_with(KEYS_OF({ A, NEW, NULL }));
	assert_false(is_on_disk(PLAIN));
	says_value("free");
	says_value("free:1");
}

TEST(who_is_not_there_is_encrypted_anew_when_it_is_created)
{
	char old[512];

	stores_folder(control_folder);
	run_with(KEYS_OF({ A, OLD, NULL }));
	make("t", say_name, A);
	perform("PublishVersion", "{\"FunctionName\":\"t\"}");
	cipher_text("t:1", old);
	restart_with(KEYS_OF({ A, NEW, NULL }, { A, OLD, NULL }));
	assert_true(is_on_disk(old));
	make("t", say_name, A);
	assert_false(is_on_disk(old));
	assert_true(flow_says(flow_call(&flow, "t:1", ""), PLAIN));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define KEYS(name) cmocka_unit_test_setup_teardown(name, open_with_keys, control_close)
		KEYS(a_function_sees_its_variables_and_its_version_holds_them_sealed),
		KEYS(a_thread_sees_them_too),
		KEYS(they_stay_sealed_through_updates_and_publications),
		KEYS(a_key_that_is_none_or_disabled_is_refused),
		KEYS(a_function_whose_variables_cannot_be_read_is_not_run_by_any_door),
		KEYS(it_is_shown_with_the_reason_and_mended_by_new_variables),
		KEYS(an_environment_is_not_made_of_what_cannot_be_read),
		KEYS(an_event_whose_environment_cannot_be_made_waits_and_uses_up_no_attempt),
#define REKEYED(name) cmocka_unit_test_teardown(name, control_close_lasting)
		REKEYED(a_new_key_encrypts_anew_what_the_old_one_did_and_nothing_of_that_is_left),
		REKEYED(plain_text_of_a_time_without_keys_is_encrypted_and_none_is_left),
		REKEYED(who_is_not_there_is_encrypted_anew_when_it_is_created),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
