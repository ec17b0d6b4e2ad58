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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_statement_is_added_or_the_policy_stays),
		cmocka_unit_test(a_statement_is_removed_or_the_policy_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
