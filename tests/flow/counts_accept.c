/* SPDX-License-Identifier: MIT */
/* What it costs until an event is on the disk and its caller knows it, in system calls. */
#include "support/test.h"

#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support/stores.h"
#include "support/tracer.h"

#include <faas/faas.h>

#define ACCEPTED 30 /* so few wait at hand, and nothing else is written */

static struct trace trace;
static struct faas *rt;
static sem_t may_end, heard_of;

static int wait_to_end(struct faas_context *ctx, struct faas_bytes event)
{
	(void)ctx;
	(void)event;
	while (sem_wait(&may_end))
		;
	return 0;
}

static void wait_for_acceptance(void)
{
	struct faas_result *result = NULL;
	struct faas_error err = { .message = "" };

	tracer_must(!faas_invoke_wait(rt, FAAS_REQUEST(.function = "busy", .mode = FAAS_EVENT,
						       .payload = { "event", 5 }),
				      &result, &err),
		    err.message);
	tracer_must(result->code == FAAS_OK, result->error_type);
	faas_free(result);
}

static void on_acceptance(void *data, const struct faas_result *result)
{
	(void)data;
	tracer_must(result->code == FAAS_OK, result->error_type);
	sem_post(&heard_of);
}

static void hear_of_acceptance(void)
{
	struct faas_error err = { .message = "" };

	tracer_must(!faas_invoke(rt, FAAS_REQUEST(.function = "busy", .mode = FAAS_EVENT,
						  .payload = { "event", 5 },
						  .on_done = on_acceptance),
				 NULL, &err),
		    err.message);
	while (sem_wait(&heard_of))
		;
}

static void open_runtime(const char *folder)
{
	struct faas_config c = { .size = sizeof(c), .state_dir = folder };
	struct faas_error err = { .message = "" };

	c.worker = getenv("FAAS_TEST_WORKER") ? getenv("FAAS_TEST_WORKER") : TEST_WORKER;
	rt = faas_create(&c, &err);
	tracer_must(rt, err.message);
	tracer_must(!faas_function_create(rt,
					  FAAS_FUNCTION(.name = "busy", .native = wait_to_end,
							.isolation = FAAS_THREAD,
							.timeout_ms = 600000,
							.max_concurrency = 1),
					  &err),
		    err.message);
}

/* The first one runs until all of it is over. */
static void trace_acceptances(void (*accept_one)(void))
{
	char folder[64];

	tracer_stay_here();
	stores_folder(folder);
	sem_init(&may_end, 0, 0);
	sem_init(&heard_of, 0, 0);
	open_runtime(folder);
	accept_one();
	tracer_settle();
	tracer_begin();
	for (int i = 0; i < ACCEPTED; i++)
		accept_one();
	tracer_end();
	for (int i = 0; i <= ACCEPTED; i++)
		sem_post(&may_end);
	faas_destroy(rt);
	stores_remove(folder);
}

static void wait_for_acceptances(void)
{
	trace_acceptances(wait_for_acceptance);
}

static void hear_of_acceptances(void)
{
	trace_acceptances(hear_of_acceptance);
}

static void run(void (*scenario)(void))
{
	if (!tracer_possible())
		skip();
	tracer_run(scenario, &trace);
	assert_int_equal(trace.exit_status, 0);
}

/*
 * It writes and syncs itself, nobody else does, and it tells the loop; it waits for nobody. A
 * page of events and one of their order, each with a header of its own; now and then a page
 * is full.
 */
TEST(an_event_that_is_waited_for_is_accepted_without_a_wake_up)
{
	uint32_t *here = trace.calls[TRACEE_CALLER], *host = trace.calls[TRACEE_HOST];

	run(wait_for_acceptances);
	assert_int_equal(trace.waits[TRACEE_CALLER] + trace.wakes[TRACEE_CALLER], 0);
	assert_int_equal(here[SYS_fdatasync], ACCEPTED);
	assert_in_range(here[SYS_pwrite64], 4 * ACCEPTED, 5 * ACCEPTED);
	assert_in_range(here[SYS_write], 1, ACCEPTED);
	assert_int_equal(host[SYS_fdatasync] + host[SYS_pwrite64], 0);
	assert_int_equal(trace.waits[TRACEE_HOST] + trace.wakes[TRACEE_HOST], 0);
}

/* The positive control. Now and then somebody comes so late that nobody has to wake him. */
TEST(an_event_that_is_heard_of_is_accepted_by_three_threads)
{
	uint32_t *here = trace.calls[TRACEE_CALLER], *host = trace.calls[TRACEE_HOST];

	run(hear_of_acceptances);
	assert_int_equal(here[SYS_fdatasync] + here[SYS_pwrite64], 0);
	assert_int_equal(host[SYS_fdatasync], ACCEPTED);
	assert_true(trace.waits[TRACEE_CALLER] > ACCEPTED / 2);
	assert_true(trace.wakes[TRACEE_CALLER] > ACCEPTED / 2);
	assert_true(trace.wakes[TRACEE_HOST] > ACCEPTED / 2);
	assert_true(host[SYS_write] > ACCEPTED / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_that_is_waited_for_is_accepted_without_a_wake_up),
		cmocka_unit_test(an_event_that_is_heard_of_is_accepted_by_three_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
