/* SPDX-License-Identifier: MIT */
/* Between events nothing of a program runs: its processes and its extensions stand still. */
#include "upload.h"

#include <unistd.h>

#include "support/processes.h"

static void create(void)
{
	flow_function(&flow,
		      FAAS_FUNCTION(.name = "p", .code = TEST_PROGRAMS, .runtime = "provided",
				    .handler = "h", .timeout_ms = 20000, .max_concurrency = 1));
}

static void says(const char *event, const char *expected)
{
	flow_expect(&flow, "p", event, expected);
}

static void wait_a_ms(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

/* Of the environment's processes, its first one aside, so many live and stand still. */
static bool stand_still(int count)
{
	struct process environment, others[16];
	int n = 0, still = 0;

	if (processes_of_environments(getpid(), &environment, 1) == 1)
		n = processes_below(environment.pid, others, 16);
	for (int i = 0; i < n; i++) {
		still += others[i].state == 'T';
		if (others[i].state != 'T' && others[i].state != 'Z')
			return false;
	}
	return still == count;
}

static void await_rest(int count)
{
	for (int ms = 0; ms < 3000; ms++) {
		if (stand_still(count))
			return;
		wait_a_ms();
	}
	fail_msg("the %d do not come to rest", count);
}

TEST(a_program_stands_still_until_its_next_event)
{
	create();
	for (int i = 1; i < 4; i++) {
		char count[8];

		snprintf(count, sizeof(count), "%d", i);
		says("count", count);
		await_rest(1);
	}
}

/* The control: it can be seen that one does not. */
TEST(while_it_has_an_event_it_does_not)
{
	uint64_t id;

	create();
	says("count", "1");
	await_rest(1);
	assert_int_equal(
		faas_invoke(flow.rt,
			    FAAS_REQUEST(.function = "p", .payload = { "sleep 15000", 11 }), &id,
			    &err),
		0);
	for (int i = 0; stand_still(1) && i < 5000; i++)
		wait_a_ms();
	for (int i = 0; i < 20; i++) {
		assert_false(stand_still(1));
		wait_a_ms();
	}
	faas_cancel(flow.rt, id);
}

TEST(so_do_its_children_and_whoever_left_its_session)
{
	create();
	says("daemon x", "left");
	says("tick", "ticks");
	await_rest(3);
	says("count", "1");
	await_rest(3);
}

TEST(their_timers_wait_with_them)
{
	const struct faas_result *result;

	create();
	says("tick", "ticks");
	await_rest(2);
	for (int i = 0; i < 300; i++)
		wait_a_ms();
	result = flow_call(&flow, "p", "longest");
	assert_true(atoi(result->payload.data) >= 300);
}

TEST(what_it_does_behind_its_answer_is_done_before)
{
	create();
	says("work 100", "said");
	flow_await_log(&flow, "and done\n");
	await_rest(1);
}

TEST(one_that_stands_still_ends_in_no_time)
{
	create();
	says("count", "1");
	await_rest(1);
	assert_int_equal(faas_recycle(flow.rt, "p", &err), 0);
	says("count", "1");
}

TEST(extensions_stand_still_as_well_and_hear_of_the_end)
{
	zips_begin(&zip);
	zips_copy_program(&zip, "extensions/one", TEST_PROGRAMS "/extension");
	REQUEST("{\"LayerName\":\"l\",\"Content\":{\"ZipFile\":\"%s\"}}", encoded());
	perform("PublishLayerVersion");
	zips_begin(&zip);
	zips_copy_program(&zip, "bootstrap", TEST_PROGRAMS "/bootstrap");
	CREATE(",\"Layers\":[\"arn:aws:lambda:local-1:000000000000:layer:l:1\"]", encoded());
	deploy("CreateFunction", "f");
	answers("f", "count", "1");
	await_rest(2);
	answers("f", "count", "2");
	await_rest(2);
	assert_int_equal(faas_recycle(flow.rt, "f", &err), 0);
	flow_await_log(&flow, "one hears {\"eventType\":\"SHUTDOWN");
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, open_real, close_it)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		ROW(a_program_stands_still_until_its_next_event),
		ROW(while_it_has_an_event_it_does_not),
		ROW(so_do_its_children_and_whoever_left_its_session),
		ROW(their_timers_wait_with_them),
		ROW(what_it_does_behind_its_answer_is_done_before),
		ROW(one_that_stands_still_ends_in_no_time),
		ROW(extensions_stand_still_as_well_and_hear_of_the_end),
	};

	return cmocka_run_group_tests_name("program_rest", tests, NULL, NULL);
}
