/* SPDX-License-Identifier: MIT */
/*
 * Out of memory is an answer. Each scenario runs again and again; the 1st, the
 * 2nd, ... the N-th allocation fails, once or from there on. Whatever the host
 * asked for either works or says FAAS_ENOMEM, the host lives, and nothing leaks.
 */
#include "support/test.h"

#include <stdlib.h>
#include <time.h>

#include "support/failing_mem.h"

#include <faas/faas.h>

struct scenario {
	struct failing_mem mem;
	struct faas *rt;
	_Atomic int done;
	_Atomic int code;
};

static int config_calls;

static void on_log(void *data, const struct faas_log *log)
{
	(void)data;
	(void)log;
	config_calls++;
}

static const struct faas_config *config_of(struct scenario *s, struct faas_config *c)
{
	*c = (struct faas_config){
		.size = sizeof(*c),
		.worker = getenv("FAAS_TEST_WORKER") ? getenv("FAAS_TEST_WORKER") : TEST_WORKER,
		.on_log = on_log,
		.realloc = failing_realloc,
		.data = &s->mem,
	};
	return c;
}

/* True: go on. False: out of memory, as it was told; anything else fails the test. */
static bool fine(int rc, const struct faas_error *err)
{
	if (rc == FAAS_ENOMEM)
		return false;
	if (rc)
		fail_msg("%d: %s", rc, err->message);
	return true;
}

static bool open_runtime(struct scenario *s)
{
	struct faas_config c;
	struct faas_error err = { 0 };

	s->rt = faas_create(config_of(s, &c), &err);
	return fine(s->rt ? 0 : err.code, &err);
}

static bool add_provisioned(struct scenario *s, int provisioned)
{
	struct faas_error err = { 0 };

	return fine(
		faas_function_create(
			s->rt,
			FAAS_FUNCTION(.name = "life", .code = TEST_PLUGINS, .handler = "life.act",
				      .provisioned = provisioned,
				      .environment = (const char *const[]){ "KEY=value", NULL }),
			&err),
		&err);
}

static bool add_function(struct scenario *s)
{
	return add_provisioned(s, 0);
}

static bool call(struct scenario *s, const char *event, bool tail)
{
	struct faas_result *result = NULL;
	struct faas_error err = { 0 };
	int rc = faas_invoke_wait(s->rt,
				  FAAS_REQUEST(.function = "life", .log_tail = tail,
					       .payload = { event, strlen(event) }),
				  &result, &err);

	faas_free(result);
	return fine(rc, &err);
}

static void on_done(void *data, const struct faas_result *result)
{
	struct scenario *s = data;

	s->code = result->code;
	s->done = 1;
}

static bool call_async(struct scenario *s, const char *event, int wait_ms)
{
	struct faas_error err = { 0 };
	struct timespec ms = { 0, 1000000 };

	s->done = 0;
	if (!fine(faas_invoke(s->rt,
			      FAAS_REQUEST(.function = "life", .payload = { event, strlen(event) },
					   .capacity_wait_ms = wait_ms, .on_done = on_done,
					   .data = s),
			      NULL, &err),
		  &err))
		return false;
	for (int i = 0; !s->done && i < 10000; i++)
		nanosleep(&ms, NULL);
	assert_int_equal(s->done, 1);
	assert_true(s->code == FAAS_OK || s->code == FAAS_ENOMEM || s->code == FAAS_EFUNCTION);
	return true;
}

/* ---- the scenarios --------------------------------------------------- */

static void nothing_but_a_runtime(struct scenario *s)
{
	(void)s;
}

static void a_call_that_waits(struct scenario *s)
{
	if (add_function(s) && call(s, "count", false))
		call(s, "count", false);
}

static void a_call_with_its_log(struct scenario *s)
{
	if (add_function(s))
		call(s, "say 3", true);
}

static void a_call_with_a_callback(struct scenario *s)
{
	if (add_function(s) && call_async(s, "count", 0))
		call_async(s, "count", 1000);
}

static void a_crash_and_the_next_one(struct scenario *s)
{
	if (add_function(s) && call(s, "segv", false))
		call(s, "count", false);
}

static void an_update_and_a_delete(struct scenario *s)
{
	struct faas_error err = { 0 };

	if (!add_function(s))
		return;
	if (fine(faas_function_update(s->rt, FAAS_FUNCTION(.name = "life", .memory_mb = 256), &err),
		 &err))
		call(s, "count", false);
	fine(faas_function_delete(s->rt, "life", &err), &err);
}

static void what_can_be_asked(struct scenario *s)
{
	struct faas_isolation *report = NULL;
	struct faas_function_info *info = NULL;
	struct faas_error err = { 0 };

	fine(faas_isolation_report(s->rt, &report, &err), &err);
	faas_free(report);
	if (!add_function(s))
		return;
	fine(faas_function_get(s->rt, "life", &info, &err), &err);
	faas_free(info);
}

/* Ready, or known not to be. */
static bool await_status(struct scenario *s)
{
	struct faas_function_info *info = NULL;
	struct faas_error err = { 0 };
	bool so = false;

	for (int i = 0; i < 10000 && !so; i++) {
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
		if (!fine(faas_function_get(s->rt, "life", &info, &err), &err))
			return false;
		so = strcmp(info->provisioned_status, "IN_PROGRESS") != 0;
		faas_free(info);
	}
	assert_true(so);
	return true;
}

static void two_that_are_provisioned(struct scenario *s)
{
	struct faas_error err = { 0 };

	if (!add_provisioned(s, 2) || !await_status(s) || !call(s, "segv", false) ||
	    !await_status(s))
		return;
	fine(faas_function_update(s->rt, FAAS_FUNCTION(.name = "life", .memory_mb = 256), &err),
	     &err);
}

static void run(void (*scenario)(struct scenario *), bool and_all_after)
{
	bool failed = true;

	for (size_t n = 1; failed; n++) {
		struct scenario s = { 0 };

		failing_mem_init(&s.mem);
		s.mem.fail_at = n;
		s.mem.and_all_after = and_all_after;
		if (open_runtime(&s))
			scenario(&s);
		assert_int_equal(faas_destroy(s.rt), 0);
		failed = s.mem.failed > 0;
		if (!failing_mem_clean(&s.mem))
			fail_msg("allocation %zu failed: %zu blocks were left", n, s.mem.blocks);
		assert_true(n < 500);
	}
}

#define SWEEP(scenario) \
	TEST(scenario##_survives_each_failed_allocation) \
	{ \
		run(scenario, false); \
	} \
	TEST(scenario##_survives_when_all_fail_from_there_on) \
	{ \
		run(scenario, true); \
	}

SWEEP(nothing_but_a_runtime)
SWEEP(a_call_that_waits)
SWEEP(a_call_with_its_log)
SWEEP(a_call_with_a_callback)
SWEEP(a_crash_and_the_next_one)
SWEEP(an_update_and_a_delete)
SWEEP(what_can_be_asked)
SWEEP(two_that_are_provisioned)

/* What a control operation says; memory is there for it. */
static bool says(struct scenario *s, const char *operation, const char *text)
{
	struct faas_error err = { 0 };
	char *reply = NULL;
	bool there;

	s->mem.fail_at = 0;
	faas_control(s->rt, operation, "{\"FunctionName\":\"f\"}", &reply, &err);
	there = strstr(reply ? reply : err.type, text);
	faas_free(reply);
	return there;
}

/* Limits are claimed before the new version is whole: they are given back with it. */
TEST(a_change_without_memory_leaves_limits_and_rules_as_they_were)
{
	struct scenario s = { 0 };
	struct faas_error err = { 0 };
	size_t failures = 0;
	int rc;

	failing_mem_init(&s.mem);
	assert_true(open_runtime(&s));
	assert_int_equal(faas_function_create(s.rt,
					      FAAS_FUNCTION(.name = "f", .code = TEST_PLUGINS,
							    .handler = "life.echo",
							    .max_concurrency = 10),
					      &err),
			 0);
	for (size_t n = 1;; n++) {
		s.mem.calls = s.mem.failed = 0;
		s.mem.fail_at = n;
		rc = faas_function_update(
			s.rt, FAAS_FUNCTION(.name = "f", .max_concurrency = 20, .max_retries = 1),
			&err);
		s.mem.fail_at = 0;
		if (!s.mem.failed)
			break;
		if (!rc) /* what failed was not needed */
			continue;
		failures++;
		assert_int_equal(rc, FAAS_ENOMEM);
		if (!says(&s, "GetFunctionConcurrency", "10"))
			fail_msg("allocation %zu failed, and the limit is another", n);
		assert_true(says(&s, "GetFunctionEventInvokeConfig", "ResourceNotFound"));
	}
	assert_int_equal(rc, 0);
	assert_true(failures > 2);
	assert_true(says(&s, "GetFunctionConcurrency", "20"));
	assert_int_equal(faas_destroy(s.rt), 0);
	assert_true(failing_mem_clean(&s.mem));
}

int main(void)
{
#define BOTH(scenario) \
	cmocka_unit_test(scenario##_survives_each_failed_allocation), \
		cmocka_unit_test(scenario##_survives_when_all_fail_from_there_on)
	const struct CMUnitTest tests[] = {
		BOTH(nothing_but_a_runtime),	BOTH(a_call_that_waits),
		BOTH(a_call_with_its_log),	BOTH(a_call_with_a_callback),
		BOTH(a_crash_and_the_next_one), BOTH(an_update_and_a_delete),
		BOTH(what_can_be_asked),	BOTH(two_that_are_provisioned),
		cmocka_unit_test(a_change_without_memory_leaves_limits_and_rules_as_they_were),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
