/* SPDX-License-Identifier: MIT */
/*
 * A new key under faults. The first program that is given one encrypts anew, in the state_dir,
 * what the old one did. It is killed at its 1st, 2nd, ... N-th operation on the disk, the power
 * fails there, a write or a sync fails, once or for ever. Then nothing that was encrypted is
 * lost: with both keys all of it can be read, with either alone all that it encrypted, and in
 * the end the new one is enough.
 *
 * FAAS_FAULT_ALL=1: each fault at each operation.
 */
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <runtime.h>
#include <testing.h>

#include "support/fault_vfs.h"
#include "support/stores.h"

#define KEY "arn:aws:kms:local-1:000000000000:key/a"
#define OLD { KEY, "0123456789abcdef0123456789abcdef", NULL }
#define NEW { KEY, "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF", NULL }
#define KEYS_OF(...) ((const struct faas_key[]){ __VA_ARGS__, { 0 } })
#define VALUE "\"NAME\":\"a fine value\""
#define DENIED "\"ErrorCode\":\"KMSAccessDeniedException\""

static const struct fault_plan healthy = { .fault = FAULT_NONE };
static const char *const all[] = { "one", "one:1", "two", "three" };
#define ALL ((int)(sizeof(all) / sizeof(*all)))

static char base[64], copy[64];
static struct fa_clock_virtual clock_;

static struct faas *open_with(const char *folder, const struct faas_key *keys,
			      struct faas_error *err)
{
	struct faas_config c = {
		.size = sizeof(c),
		.worker = getenv("FAAS_TEST_WORKER") ? getenv("FAAS_TEST_WORKER") : TEST_WORKER,
		.state_dir = folder,
		.keys = keys,
	};

	fa_clock_virtual_init(&clock_, 1700000000000);
	return fa_create(&c, &clock_.clock, err);
}

static struct faas *must_open(const char *folder, const struct faas_key *keys)
{
	struct faas_error err = { 0 };
	struct faas *rt;

	fault_vfs_install(&healthy);
	rt = open_with(folder, keys, &err);
	if (!rt)
		fail_msg("%s", err.message);
	return rt;
}

/* How many can be read; the others have to say why they cannot. */
static int readable(struct faas *rt)
{
	char request[64];
	char *answer;
	int n = 0;

	for (int i = 0; i < ALL; i++) {
		struct faas_error err = { 0 };

		snprintf(request, sizeof(request), "{\"FunctionName\":\"%s\"}", all[i]);
		if (faas_control(rt, "GetFunctionConfiguration", request, &answer, &err))
			fail_msg("%s: %s", all[i], err.message);
		if (strstr(answer, VALUE))
			n++;
		else
			assert_non_null(strstr(answer, DENIED));
		faas_free(answer);
	}
	return n;
}

static int readable_with(const char *folder, const struct faas_key *keys)
{
	struct faas *rt = must_open(folder, keys);
	int n = readable(rt);

	assert_int_equal(faas_destroy(rt), 0);
	return n;
}

static void run(const char *command)
{
	assert_int_equal(system(command), 0);
}

static void renew_copy(void)
{
	char command[256];

	snprintf(command, sizeof(command), "rm -rf %s && cp -a %s %s", copy, base, copy);
	run(command);
}

static int make_base(void **state)
{
	static const char *const variables[] = { "NAME=a fine value", NULL };
	struct faas *rt;

	(void)state;
	stores_folder(base);
	stores_folder(copy);
	rt = must_open(base, KEYS_OF(OLD));
	for (int i = 0; i < ALL; i++) {
		const char *name = all[i];
		int rc;

		if (strchr(name, ':'))
			rc = faas_version_publish(rt, "one", NULL, NULL, NULL);
		else
			rc = faas_function_create(rt,
						  FAAS_FUNCTION(.name = name, .code = TEST_PLUGINS,
								.handler = "echo.env",
								.environment = variables),
						  NULL);
		assert_int_equal(rc, 0);
	}
	return faas_destroy(rt);
}

static int remove_base(void **state)
{
	(void)state;
	stores_remove(base);
	stores_remove(copy);
	return 0;
}

/* ---- what the other tests look at tells the difference ------------------- */

TEST(what_a_key_did_not_encrypt_it_does_not_read)
{
	renew_copy();
	assert_int_equal(readable_with(copy, KEYS_OF(NEW)), 0);
	assert_int_equal(readable_with(copy, KEYS_OF(OLD)), ALL);
	assert_int_equal(readable_with(copy, KEYS_OF(NEW, OLD)), ALL);
	assert_int_equal(readable_with(copy, KEYS_OF(NEW)), ALL);
	assert_int_equal(readable_with(copy, KEYS_OF(OLD)), 0);
}

/* ---- faults ---------------------------------------------------------------- */

static int untouched, halfway, through; /* how far they were when they ended */

/* With a healthy disk, after whatever happened. */
static void expect_nothing_lost(const struct fault_plan *plan)
{
	int old = readable_with(copy, KEYS_OF(OLD)), new = readable_with(copy, KEYS_OF(NEW));

	if (old + new != ALL)
		fail_msg("fault %d at %ld: the old key reads %d, the new one %d", plan->fault,
			 plan->at, old, new);
	if (readable_with(copy, KEYS_OF(NEW, OLD)) != ALL)
		fail_msg("fault %d at %ld: both keys do not read all", plan->fault, plan->at);
	if (readable_with(copy, KEYS_OF(NEW)) != ALL)
		fail_msg("fault %d at %ld: the new key does not read all", plan->fault, plan->at);
	untouched += old == ALL;
	through += new == ALL;
	halfway += old && new;
}

/* Who is opened in spite of it reads all; who is not says why. */
static void meet_failure(const struct fault_plan *plan)
{
	struct faas_error err = { 0 };
	struct faas *rt;

	fault_vfs_install(plan);
	rt = open_with(copy, KEYS_OF(NEW, OLD), &err);
	if (!rt && !*err.message)
		fail_msg("fault %d at %ld: refused without a word", plan->fault, plan->at);
	if (rt && readable(rt) != ALL)
		fail_msg("fault %d at %ld: not all can be read", plan->fault, plan->at);
	if (rt)
		assert_int_equal(faas_destroy(rt), 0);
}

static void be_ended(const struct fault_plan *plan)
{
	struct faas_error err = { 0 };

	fault_vfs_install(plan);
	open_with(copy, KEYS_OF(NEW, OLD), &err);
	fault_vfs_power_off();
}

static void meet_end(const struct fault_plan *plan)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		be_ended(plan);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static long operations(void)
{
	struct faas_error err = { 0 };
	struct faas *rt;
	long n;

	renew_copy();
	fault_vfs_install(&healthy);
	rt = open_with(copy, KEYS_OF(NEW, OLD), &err);
	assert_non_null(rt);
	n = fault_vfs_ops();
	assert_int_equal(faas_destroy(rt), 0);
	assert_true(n > 0);
	return n;
}

static void meet_all(const struct fault_plan *plans, int count,
		     void (*meet)(const struct fault_plan *))
{
	long ops = operations(), met = 0;

	untouched = halfway = through = 0;
	for (long at = 1; at <= ops; at++)
		for (int i = 0; i < count; i++) {
			struct fault_plan plan = plans[i];

			if (!getenv("FAAS_FAULT_ALL") && at % count != i)
				continue;
			plan.at = at;
			plan.seed = (uint32_t)(at * count + i);
			renew_copy();
			meet(&plan);
			expect_nothing_lost(&plan);
			met++;
		}
	print_message("# %ld faults were met: %d before anything was encrypted anew, %d in the "
		      "middle, %d behind it\n",
		      met, untouched, halfway, through);
	assert_true(untouched && through); /* else they met something else */
}

TEST(nothing_encrypted_is_lost_when_the_disk_fails_under_a_new_key)
{
	static const struct fault_plan plans[] = {
		{ .fault = FAULT_EIO, .once = true },
		{ .fault = FAULT_EIO },
		{ .fault = FAULT_FULL, .once = true },
		{ .fault = FAULT_FULL },
		{ .fault = FAULT_SYNC },
	};

	meet_all(plans, 5, meet_failure);
}

TEST(nothing_encrypted_is_lost_when_the_program_ends_under_a_new_key)
{
	static const struct fault_plan plans[] = {
		{ .fault = FAULT_KILL },
		{ .fault = FAULT_POWER },
		{ .fault = FAULT_EIO },
	};

	meet_all(plans, 3, meet_end);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_key_did_not_encrypt_it_does_not_read),
		cmocka_unit_test(nothing_encrypted_is_lost_when_the_disk_fails_under_a_new_key),
		cmocka_unit_test(nothing_encrypted_is_lost_when_the_program_ends_under_a_new_key),
	};

	return cmocka_run_group_tests(tests, make_base, remove_base);
}
