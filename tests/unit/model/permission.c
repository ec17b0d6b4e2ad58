/* SPDX-License-Identifier: MIT */
/* A policy that cannot be changed for want of memory is what it was. */
#include <support/test.h>

#include <stdio.h>

#include <model/account.h>
#include <model/permission.h>
#include <support/failing_mem.h>

#define ARN "arn:aws:lambda:local-1:000000000000:layer:base:1"

static struct failing_mem mem;
static struct fa_registry registry;

static int change(const char *add, const char *remove)
{
	struct fa_permission_change change = { .remove = remove };
	struct faas_error err = { 0 };
	char text[256];

	if (add) {
		snprintf(text, sizeof(text),
			 "{\"Sid\":\"%s\",\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":"
			 "\"lambda:GetLayerVersion\",\"Resource\":\"" ARN "\"}",
			 add);
		change.statement = fa_document_parse(text, NULL);
	}
	return fa_permission_change_layer(&registry, ARN, &change, &err);
}

static char *policy(void)
{
	struct fa_document *all = fa_account_get(&registry, FA_ACCOUNT_LAYER_POLICIES, ARN);
	char *text = fa_document_print(all, &fa_mem_libc);

	fa_document_free(all);
	assert_non_null(text);
	return text;
}

static void sweep(const char *add, const char *remove)
{
	bool failed = true;
	int rc;
	char *before, *after;

	for (size_t n = 1; failed; n++) {
		memset(&registry, 0, sizeof(registry));
		failing_mem_init(&mem);
		assert_int_equal(fa_registry_init(&registry, &mem.mem, "local-1", "0"), 0);
		assert_int_equal(change("one", NULL), 0);
		assert_int_equal(change("two", NULL), 0);
		before = policy();
		mem.fail_at = mem.calls + n;
		rc = change(add, remove);
		failed = mem.failed;
		assert_int_equal(rc, failed ? FAAS_ENOMEM : 0);
		after = policy();
		assert_int_equal(!strcmp(before, after), failed);
		assert_true(failed || n > 1);
		fa_free(before);
		fa_free(after);
		fa_registry_finish(&registry);
		assert_true(failing_mem_clean(&mem));
	}
}

TEST(a_statement_is_added_or_the_policy_stays)
{
	sweep("three", NULL);
}

TEST(a_statement_is_removed_or_the_policy_stays)
{
	sweep(NULL, "one");
}

/* ---- compiled -------------------------------------------------------------- */

static int native(struct faas_context *ctx, struct faas_bytes event)
{
	(void)ctx;
	(void)event;
	return 0;
}

static void permit(const char *sid, const char *service)
{
	struct fa_permission_change change = { NULL };
	struct faas_error err = { 0 };
	char text[256];

	snprintf(text, sizeof(text),
		 "{\"Sid\":\"%s\",\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"%s\"},"
		 "\"Action\":\"lambda:InvokeFunction\",\"Resource\":\"*\"}",
		 sid, service);
	change.statement = fa_document_parse(text, NULL);
	assert_int_equal(fa_permission_change(&registry, "f", "", &change, &err), 0);
}

static int admits(const char *service)
{
	struct faas_error err = { 0 };

	return fa_permission_admits(&registry, "f", service, "arn:aws:s3:::b", &err);
}

static void open_function(void)
{
	struct faas_error err = { 0 };
	struct fa_version *version;

	memset(&registry, 0, sizeof(registry));
	failing_mem_init(&mem);
	assert_int_equal(fa_registry_init(&registry, &mem.mem, "local-1", "0"), 0);
	version = fa_version_create(&mem.mem, FAAS_FUNCTION(.name = "f", .native = native),
				    "local-1", "0", &err);
	assert_int_equal(fa_registry_add(&registry, version, &err), 0);
}

static void close_function(void)
{
	struct fa_version *version;

	while ((version = fa_registry_take_any(&registry)))
		fa_version_unref(version);
	fa_registry_finish(&registry);
	assert_true(failing_mem_clean(&mem));
}

TEST(who_asks_again_allocates_nothing_until_the_policy_changes)
{
	size_t calls;

	open_function();
	calls = mem.calls;
	assert_int_equal(admits("a.amazonaws.com"), FAAS_EDENIED); /* there is none to compile */
	assert_int_equal(mem.calls, calls);
	permit("one", "a.amazonaws.com");
	calls = mem.calls;
	assert_int_equal(admits("a.amazonaws.com"), 0);
	assert_true(mem.calls > calls);
	calls = mem.calls;
	assert_int_equal(admits("a.amazonaws.com"), 0);
	assert_int_equal(admits("b.amazonaws.com"), FAAS_EDENIED);
	assert_int_equal(mem.calls, calls);
	permit("two", "b.amazonaws.com");
	assert_int_equal(admits("b.amazonaws.com"), 0);
	close_function();
}

TEST(one_that_somebody_still_asks_outlives_a_change)
{
	struct faas_error err;
	struct fa_policy *policy;

	open_function();
	permit("one", "a.amazonaws.com");
	policy = fa_permission_policy(&registry, "f", &err);
	permit("two", "b.amazonaws.com");
	assert_int_equal(admits("b.amazonaws.com"), 0); /* the other is not kept any more */
	assert_ptr_not_equal(policy, NULL);
	fa_policy_free(policy);
	close_function();
}

TEST(without_memory_nobody_knows_and_the_next_one_asks_again)
{
	bool failed = true;
	int rc;

	for (size_t n = 1; failed; n++) {
		open_function();
		permit("one", "a.amazonaws.com");
		mem.fail_at = mem.calls + n;
		rc = admits("a.amazonaws.com");
		failed = mem.failed;
		assert_int_equal(rc, failed ? FAAS_ENOMEM : 0);
		mem.fail_at = 0;
		assert_int_equal(admits("a.amazonaws.com"), 0);
		assert_true(failed || n > 1);
		close_function();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_statement_is_added_or_the_policy_stays),
		cmocka_unit_test(a_statement_is_removed_or_the_policy_stays),
		cmocka_unit_test(who_asks_again_allocates_nothing_until_the_policy_changes),
		cmocka_unit_test(one_that_somebody_still_asks_outlives_a_change),
		cmocka_unit_test(without_memory_nobody_knows_and_the_next_one_asks_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
