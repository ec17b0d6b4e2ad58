/* SPDX-License-Identifier: MIT */
/* A snapshot that fails while the disk does, so that it cannot be written that it has. */
#include "snap_start.h"

#include <pthread.h>

#include <runtime.h>

#include "support/fault_vfs.h"

/* A disk that fails from the publication on. */
static int open_failing(void **state)
{
	fault_vfs_install(&(struct fault_plan){ .fault = FAULT_NONE });
	return open_lasting(state);
}

static int close_failing(void **state)
{
	fault_vfs_plan(&(struct fault_plan){ .fault = FAULT_NONE });
	return close_it(state);
}

static void fail_unwritten(void)
{
	flow_function(&flow, FAAS_FUNCTION(.name = "g", .code = code, .handler = "snapshot.held"));
	create("snapshot.held_bad");
	publish();
	fault_vfs_plan(&(struct fault_plan){ .fault = FAULT_FULL, .at = 1 });
	go();
	flow_await_log(&flow, "INIT_REPORT Init Duration: ");
	for (int ms = 0; !atomic_load(&flow.rt->rewrite.asked); ms++, nap())
		assert_true(ms < 10000);
}

/* Else the next program, which makes it again, could come to something else. */
TEST(a_failure_that_cannot_be_written_is_not_told)
{
	fail_unwritten();
	for (int i = 0; i < 50; i++, nap()) {
		get();
		has(PENDING);
	}
	cannot_be_invoked(IN_STATE("Pending"));
	flow_close(&flow);
	fault_vfs_plan(&(struct fault_plan){ .fault = FAULT_NONE });
	flow_open(&flow, &(struct faas_config){ .state_dir = folder }, false);
	await_state("Failed", 0);
}

TEST(who_waits_for_a_failure_that_cannot_be_written_is_told_of_the_disk)
{
	_Atomic int code = 1;
	pthread_t thread;

	create("snapshot.held_bad");
	publish();
	pthread_create(&thread, NULL, publish_typed, (void *)&code);
	fault_vfs_plan(&(struct fault_plan){ .fault = FAULT_FULL, .at = 1 });
	go();
	pthread_join(thread, NULL);
	assert_true(code == FAAS_ESYSTEM || code == FAAS_EUNKNOWN);
	get();
	has(PENDING);
}

TEST(what_could_not_be_written_is_told_when_it_is_published_again)
{
	fail_unwritten();
	fault_vfs_plan(&(struct fault_plan){ .fault = FAULT_NONE });
	publish();
	await_state("Failed", 0);
	has("\"StateReasonCode\":\"FunctionError.RuntimeInitError\"");
}

TEST(what_could_not_be_written_is_told_with_what_is_written_next_whatever_that_is)
{
	fail_unwritten();
	fault_vfs_plan(&(struct fault_plan){ .fault = FAULT_NONE });
	perform("PutFunctionConcurrency",
		"{\"FunctionName\":\"g\",\"ReservedConcurrentExecutions\":1}");
	get();
	has("\"State\":\"Failed\"");
}

TEST(what_could_not_be_written_is_tried_again)
{
	fail_unwritten();
	fault_vfs_plan(&(struct fault_plan){ .fault = FAULT_NONE });
	await_state("Failed", 0); /* nobody asks for anything to be written */
}

#define FAILING(f) cmocka_unit_test_setup_teardown(f, open_failing, close_failing)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FAILING(a_failure_that_cannot_be_written_is_not_told),
		FAILING(who_waits_for_a_failure_that_cannot_be_written_is_told_of_the_disk),
		FAILING(
			what_could_not_be_written_is_told_with_what_is_written_next_whatever_that_is),
		FAILING(what_could_not_be_written_is_tried_again),
		FAILING(what_could_not_be_written_is_told_when_it_is_published_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
