/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include <limits.h>
#include <pthread.h>

#include <support/failing_mem.h>
#include <admit/admit.h>

static struct fa_account account;
static struct fa_quota *f, *g;
static struct fa_gate provisioned;
static struct faas_error err;
static const char *reason;

static int open_it(void **state)
{
	(void)state;
	memset(&account, 0, sizeof(account));
	memset(&provisioned, 0, sizeof(provisioned));
	fa_account_init(&account, 1000, 100);
	f = fa_quota_create(&fa_mem_libc, &account);
	g = fa_quota_create(&fa_mem_libc, &account);
	assert_non_null(f);
	assert_non_null(g);
	return 0;
}

static int close_it(void **state)
{
	(void)state;
	fa_quota_unref(f);
	fa_quota_unref(g);
	fa_account_finish(&account);
	return 0;
}

static void set(struct fa_quota *quota, int reserved, int of_it)
{
	if (fa_quota_set(quota, reserved, of_it, &err))
		fail_msg("%s", err.message);
}

static void refused(struct fa_quota *quota, int reserved, int of_it, const char *text)
{
	int before = account.unreserved.limit;

	assert_int_equal(fa_quota_set(quota, reserved, of_it, &err), FAAS_EINVAL);
	assert_string_equal(err.message, text);
	assert_string_equal(err.type, "InvalidParameterValueException");
	assert_int_equal(account.unreserved.limit, before);
}

static enum fa_lease enter(struct fa_quota *quota)
{
	reason = NULL;
	return fa_admit_enter(quota, &provisioned, &reason);
}

TEST(all_but_a_hundred_can_be_reserved)
{
	set(f, 900, 0);
	assert_int_equal(fa_account_unreserved(&account), 100);
	refused(f, 901, 0,
		"Specified ReservedConcurrentExecutions for function decreases account's "
		"UnreservedConcurrentExecution below its minimum value of [100].");
	refused(g, 1, 0,
		"Specified ReservedConcurrentExecutions for function decreases account's "
		"UnreservedConcurrentExecution below its minimum value of [100].");
	set(f, 899, 0);
	set(g, 1, 0);
	set(g, 0, 0); /* to be off takes nothing */
	assert_int_equal(fa_account_unreserved(&account), 101);
}

TEST(what_is_provisioned_without_a_reservation_is_claimed_of_the_account)
{
	refused(f, FA_UNRESERVED, 1001,
		"Specified ConcurrentExecutions for function is greater than account's unreserved "
		"concurrency [1000].");
	refused(f, FA_UNRESERVED, 901,
		"Specified ConcurrentExecutions for function decreases account's "
		"UnreservedConcurrentExecution below its minimum value of [100].");
	set(f, FA_UNRESERVED, 900);
	assert_int_equal(fa_account_unreserved(&account), 100);
	set(f, FA_UNRESERVED, 0);
	assert_int_equal(fa_account_unreserved(&account), 1000);
}

TEST(what_is_provisioned_is_taken_out_of_what_is_reserved)
{
	set(f, 5, 0);
	set(f, 5, 5);
	assert_int_equal(fa_account_unreserved(&account), 995);
	refused(f, 5, 6,
		"Requested Provisioned Concurrency should not be greater than the "
		"reservedConcurrentExecution for function");
	refused(f, 4, 5,
		" ReservedConcurrentExecutions  4 should not be lower than function's total "
		"provisioned concurrency [5].");
	assert_int_equal(enter(f), FA_LEASE_NONE);
	assert_string_equal(reason, "ReservedFunctionConcurrentInvocationLimitExceeded");
	set(f, FA_UNRESERVED, 5); /* now it is of the account */
	assert_int_equal(fa_account_unreserved(&account), 995);
	assert_int_equal(enter(f), FA_LEASE_SHARED);
	fa_admit_leave(f, &provisioned, FA_LEASE_SHARED);
}

TEST(a_claim_may_become_smaller_where_the_account_is_overdrawn)
{
	set(f, 900, 0);
	account.kept = 500;
	set(f, 800, 0);
	assert_int_equal(fa_quota_set(f, 801, 0, &err), FAAS_EINVAL);
}

TEST(the_last_reference_gives_back_what_was_claimed)
{
	struct fa_quota *other = fa_quota_create(&fa_mem_libc, &account);

	set(other, 7, 0);
	fa_quota_ref(other);
	fa_quota_unref(other);
	assert_int_equal(fa_account_unreserved(&account), 993);
	fa_quota_unref(other);
	assert_int_equal(fa_account_unreserved(&account), 1000);
	fa_quota_unref(NULL);
}

TEST(without_memory_there_is_no_quota)
{
	struct failing_mem mem;

	failing_mem_init(&mem);
	mem.fail_at = 1;
	assert_null(fa_quota_create(&mem.mem, &account));
	assert_true(failing_mem_clean(&mem));
}

TEST(places_are_taken_in_lambdas_order)
{
	set(f, 2, 1);
	provisioned.limit = 1;
	assert_int_equal(enter(f), FA_LEASE_PROVISIONED);
	assert_int_equal(enter(f), FA_LEASE_RESERVED);
	assert_int_equal(enter(f), FA_LEASE_NONE);
	assert_int_equal(fa_quota_in_use(f), 2);
	assert_int_equal(account.unreserved.in_use, 0);
	fa_admit_leave(f, &provisioned, FA_LEASE_PROVISIONED);
	assert_int_equal(enter(f), FA_LEASE_PROVISIONED);
	fa_admit_leave(f, &provisioned, FA_LEASE_RESERVED);
	fa_admit_leave(f, &provisioned, FA_LEASE_PROVISIONED);
	assert_int_equal(fa_quota_in_use(f), 0);
	assert_int_equal(provisioned.in_use, 0);
}

TEST(who_leaves_does_so_where_it_entered_whatever_changed_meanwhile)
{
	assert_int_equal(enter(f), FA_LEASE_SHARED);
	set(f, 3, 0);
	assert_int_equal(enter(f), FA_LEASE_RESERVED);
	assert_int_equal(account.unreserved.in_use, 1);
	fa_admit_leave(f, &provisioned, FA_LEASE_SHARED);
	set(f, FA_UNRESERVED, 0);
	fa_admit_leave(f, &provisioned, FA_LEASE_RESERVED);
	assert_int_equal(account.unreserved.in_use, 0);
	assert_int_equal(fa_quota_in_use(f), 0);
}

TEST(a_full_account_throttles_those_that_share_and_no_others)
{
	set(g, 900, 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(enter(f), FA_LEASE_SHARED);
	assert_int_equal(enter(f), FA_LEASE_NONE);
	assert_string_equal(reason, "ConcurrentInvocationLimitExceeded");
	assert_int_equal(fa_quota_in_use(f), 100);
	assert_int_equal(enter(g), FA_LEASE_RESERVED);
}

TEST(a_lowered_limit_is_over_until_enough_have_left)
{
	set(f, 2, 0);
	assert_int_equal(enter(f), FA_LEASE_RESERVED);
	assert_int_equal(enter(f), FA_LEASE_RESERVED);
	assert_false(fa_admit_is_over(f, &provisioned, FA_LEASE_RESERVED));
	set(f, 1, 0);
	assert_true(fa_admit_is_over(f, &provisioned, FA_LEASE_RESERVED));
	fa_admit_leave(f, &provisioned, FA_LEASE_RESERVED);
	assert_false(fa_admit_is_over(f, &provisioned, FA_LEASE_RESERVED));
}

TEST(a_share_is_over_when_others_reserve_what_it_has)
{
	assert_int_equal(enter(f), FA_LEASE_SHARED);
	assert_false(fa_admit_is_over(f, &provisioned, FA_LEASE_SHARED));
	account.kept = 0;
	set(g, 1000, 0);
	assert_true(fa_admit_is_over(f, &provisioned, FA_LEASE_SHARED));
	provisioned.limit = 0;
	provisioned.in_use = 1;
	assert_true(fa_admit_is_over(f, &provisioned, FA_LEASE_PROVISIONED));
}

struct crowd {
	struct fa_gate gate;
	_Atomic bool over;
};

static void *go_in_and_out(void *data)
{
	struct crowd *crowd = data;

	while (!crowd->over)
		if (fa_gate_enter(&crowd->gate))
			fa_gate_leave(&crowd->gate);
	return NULL;
}

/* Else another would be refused for it, though there is a place. */
TEST(who_is_refused_is_not_counted_for_a_moment)
{
	struct crowd crowd = { .gate.limit = 1 };
	pthread_t threads[3];
	int most = 0;

	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, go_in_and_out, &crowd), 0);
	for (int i = 0; i < 2000000; i++) {
		int in_use = fa_gate_in_use(&crowd.gate);

		if (in_use > most)
			most = in_use;
	}
	crowd.over = true;
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(fa_gate_in_use(&crowd.gate), 0);
	assert_true(most <= 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_it, close_it)
		CASE(all_but_a_hundred_can_be_reserved),
		CASE(what_is_provisioned_without_a_reservation_is_claimed_of_the_account),
		CASE(what_is_provisioned_is_taken_out_of_what_is_reserved),
		CASE(a_claim_may_become_smaller_where_the_account_is_overdrawn),
		CASE(the_last_reference_gives_back_what_was_claimed),
		CASE(without_memory_there_is_no_quota),
		CASE(places_are_taken_in_lambdas_order),
		CASE(who_leaves_does_so_where_it_entered_whatever_changed_meanwhile),
		CASE(a_full_account_throttles_those_that_share_and_no_others),
		CASE(a_lowered_limit_is_over_until_enough_have_left),
		cmocka_unit_test(who_is_refused_is_not_counted_for_a_moment),
		CASE(a_share_is_over_when_others_reserve_what_it_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
