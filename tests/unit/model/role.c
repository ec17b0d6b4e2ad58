/* SPDX-License-Identifier: MIT */
/*
 * Who runs out of memory while he is asked for a permission does not give one; what was said
 * once is said again until a role changes.
 */
#include <support/test.h>

#include <model/role.h>
#include <support/failing_mem.h>

#define ARN "arn:aws:iam::000000000000:role/r"
#define POLICY(effect) \
	"{\"Statement\":{\"Effect\":\"" effect "\",\"Action\":\"*\",\"Resource\":\"*\"}}"
#define TRUST \
	"{\"Statement\":{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"a.amazonaws.com\"}," \
	"\"Action\":\"sts:AssumeRole\"}}"

static struct failing_mem mem;
static struct fa_registry registry;
static struct faas_error err;
static char why[512];

static void put(const char *trust, const char *one, const char *other)
{
	struct fa_document *role = fa_document_object(), *policies = fa_document_object();

	fa_document_put_text(role, "Arn", ARN);
	fa_document_put_text(role, "AssumeRolePolicyDocument", trust);
	fa_document_put_text(policies, "one", one);
	fa_document_put_text(policies, "other", other);
	fa_document_put(role, "Policies", policies);
	assert_int_equal(fa_role_put(&registry, "r", role, &err), 0);
}

static void open_with(const char *trust, const char *one, const char *other)
{
	memset(&registry, 0, sizeof(registry));
	failing_mem_init(&mem);
	assert_int_equal(fa_registry_init(&registry, &mem.mem, "local-1", "000000000000"), 0);
	put(trust, one, other);
}

static void close_it(void)
{
	fa_registry_finish(&registry);
	assert_true(failing_mem_clean(&mem));
}

static int allows(void)
{
	const struct fa_policy_request request = { NULL, "logs:PutLogEvents", "*", NULL, 0 };

	return fa_role_allows(&registry, ARN, "s", &request, why, sizeof(why));
}

static int trusts(void)
{
	return fa_role_trusts(&registry, ARN, "a.amazonaws.com");
}

/* Each allocation of `ask` fails once; with all of them there the answer is `answer`. */
static void sweep(const char *one, const char *other, int (*ask)(void), int answer)
{
	for (size_t n = 1;; n++) {
		bool failed;
		int said;

		open_with(TRUST, one, other);
		mem.fail_at = mem.calls + n;
		said = ask();
		failed = mem.failed;
		assert_int_equal(said, failed ? FAAS_ENOMEM : answer);
		close_it();
		if (!failed) {
			assert_true(n > 1);
			return;
		}
	}
}

TEST(a_policy_that_denies_is_not_overlooked_for_want_of_memory)
{
	sweep(POLICY("Deny"), POLICY("Allow"), allows, FAAS_EDENIED);
	sweep(POLICY("Allow"), POLICY("Deny"), allows, FAAS_EDENIED);
	sweep(POLICY("Allow"), POLICY("Allow"), allows, 0);
}

TEST(a_role_that_cannot_be_judged_for_want_of_memory_is_not_one_that_trusts_nobody)
{
	sweep(POLICY("Allow"), POLICY("Allow"), trusts, 0);
}

TEST(a_role_with_a_policy_that_cannot_be_read_may_do_nothing)
{
	open_with("no policy", POLICY("Allow"), "no policy");
	assert_int_equal(allows(), FAAS_EDENIED);
	assert_non_null(strstr(why, "is not authorized to perform: logs:PutLogEvents"));
	assert_int_equal(trusts(), FAAS_EDENIED);
	close_it();
}

TEST(who_asks_a_role_again_allocates_nothing)
{
	size_t calls;

	open_with(TRUST, POLICY("Allow"), POLICY("Allow"));
	assert_int_equal(allows(), 0);
	calls = mem.calls;
	assert_int_equal(allows(), 0);
	assert_int_equal(mem.calls, calls);
	close_it();
}

TEST(what_a_role_may_do_changes_with_it)
{
	open_with(TRUST, POLICY("Allow"), POLICY("Allow"));
	assert_int_equal(allows(), 0);
	put(TRUST, POLICY("Allow"), POLICY("Deny"));
	assert_int_equal(allows(), FAAS_EDENIED);
	put(TRUST, POLICY("Allow"), POLICY("Allow"));
	assert_int_equal(allows(), 0);
	assert_int_equal(fa_role_put(&registry, "r", NULL, &err), 0);
	assert_int_equal(allows(), FAAS_EDENIED);
	close_it();
}

TEST(a_role_is_meant_by_its_name_or_by_its_whole_arn)
{
	const struct fa_policy_request request = { NULL, "logs:PutLogEvents", "*", NULL, 0 };
	const struct {
		const char *role;
		int answer;
	} rows[] = { { "r", 0 },
		     { ARN, 0 },
		     { "arn:aws:iam::000000000000:role/other/r", FAAS_EDENIED },
		     { "arn:aws:iam::111111111111:role/r", FAAS_EDENIED },
		     { "s", FAAS_EDENIED } };

	open_with(TRUST, POLICY("Allow"), POLICY("Allow"));
	for (int i = 0; i < 10; i++)
		assert_int_equal(fa_role_allows(&registry, rows[i % 5].role, "s", &request, why,
						sizeof(why)),
				 rows[i % 5].answer);
	close_it();
}

#define IF(key, value) \
	"{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{" \
	"\"StringEquals\":{\"" key "\":\"" value "\"}}}}"

TEST(conditions_see_the_arn_of_the_role_by_whatever_name_it_is_asked)
{
	const char *const here = "here";
	const struct fa_fact fact = { "aws:SourceVpc", &here, 1 };
	const struct fa_policy_request request = { NULL, "logs:PutLogEvents", "*", &fact, 1 };
	static const char *const rows[] = { IF("aws:PrincipalArn", ARN),
					    IF("aws:PrincipalAccount", "000000000000"),
					    IF("aws:SourceVpc", "here") };

	open_with(TRUST, POLICY("Allow"), POLICY("Allow"));
	for (int i = 0; i < 3; i++) {
		put(TRUST, rows[i], rows[i]);
		assert_int_equal(allows(), i < 2 ? 0 : FAAS_EDENIED);
		assert_int_equal(fa_role_allows(&registry, "r", "s", &request, why, sizeof(why)),
				 0);
	}
	close_it();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_policy_that_denies_is_not_overlooked_for_want_of_memory),
		cmocka_unit_test(
			a_role_that_cannot_be_judged_for_want_of_memory_is_not_one_that_trusts_nobody),
		cmocka_unit_test(a_role_with_a_policy_that_cannot_be_read_may_do_nothing),
		cmocka_unit_test(who_asks_a_role_again_allocates_nothing),
		cmocka_unit_test(what_a_role_may_do_changes_with_it),
		cmocka_unit_test(conditions_see_the_arn_of_the_role_by_whatever_name_it_is_asked),
		cmocka_unit_test(a_role_is_meant_by_its_name_or_by_its_whole_arn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
