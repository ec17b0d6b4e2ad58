/* SPDX-License-Identifier: MIT */
/* What a handler that takes long costs its caller, in system calls. Time passes here. */
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support/tracer.h"

#include <faas/faas.h>

static struct trace trace;

static void run(void (*scenario)(void))
{
	tracer_test(scenario, &trace);
}

static void call_once(const struct faas_function_config *function, const char *event)
{
	struct faas_config c = { .size = sizeof(c) };
	struct faas_result *result = NULL;
	struct faas_error err = { .message = "" };
	struct faas *rt;

	c.worker = getenv("FAAS_TEST_WORKER") ? getenv("FAAS_TEST_WORKER") : TEST_WORKER;
	rt = faas_create(&c, &err);
	tracer_must(rt, err.message);
	tracer_must(!faas_function_create(rt, function, &err), err.message);
	tracer_begin();
	tracer_must(!faas_invoke_wait(rt,
				      FAAS_REQUEST(.function = "f",
						   .payload = { event, strlen(event) }),
				      &result, &err),
		    err.message);
	tracer_end();
	faas_free(result);
	faas_destroy(rt);
}

#define NAP \
	FAAS_FUNCTION(.name = "f", .code = TEST_PLUGINS, .handler = "init.nap_which_quickly", \
		      .timeout_ms = 400)
#define PROGRAM \
	FAAS_FUNCTION(.name = "f", .code = TEST_PROGRAMS, .handler = "any", \
		      .runtime = "provided.al2023", .timeout_ms = 400)

static void be_late(void)
{
	call_once(NAP, "30000");
}

static void be_in_time(void)
{
	call_once(NAP, "300"); /* past half of it, when it gets an heir */
}

static void program_is_late(void)
{
	call_once(PROGRAM, "sleep 30000");
}

/* Of who is moved it is asked where it may run: the late one, and its heir if that is ready. */
static uint32_t expect_moves(void)
{
	uint32_t moves = trace.calls[TRACEE_CALLER][SYS_sched_getaffinity];

	assert_in_range(moves, 1, 2);
	return moves;
}

/* Before it is moved its number is looked at; and it is killed. */
TEST(a_late_handler_is_sent_away_once_and_killed_once)
{
	uint32_t moves;

	run(be_late);
	moves = expect_moves();
	assert_int_equal(trace.calls[TRACEE_CALLER][SYS_pidfd_send_signal], moves + 1);
	assert_int_equal(trace.calls[TRACEE_HOST][SYS_pidfd_send_signal], 0);
}

TEST(a_handler_that_is_in_time_is_not_sent_away)
{
	run(be_in_time);
	assert_int_equal(trace.calls[TRACEE_CALLER][SYS_sched_getaffinity], 0);
}

/* Its memory is looked at all the time, which is no reason. */
TEST(a_late_program_is_sent_away_once)
{
	run(program_is_late);
	expect_moves();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_late_handler_is_sent_away_once_and_killed_once),
		cmocka_unit_test(a_handler_that_is_in_time_is_not_sent_away),
		cmocka_unit_test(a_late_program_is_sent_away_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
