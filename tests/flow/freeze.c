/* SPDX-License-Identifier: MIT */
/* Between events nothing of a function runs: its threads and children stand still. */
#include "support/test.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <conduct.h>
#include <runtime.h>

#include "support/flow.h"
#include "support/processes.h"

static struct flow flow;

static void pause_a_little(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

static int open_it(void **state)
{
	(void)state;
	flow_open(&flow, NULL, true);
	return 0;
}

static int close_it(void **state)
{
	(void)state;
	flow_close(&flow);
	return 0;
}

static void function(const char *handler, int provisioned)
{
	flow_function(&flow, &(struct faas_function_config){ .name = "f", .handler = handler,
							     .timeout_ms = 20000,
							     .max_concurrency = 1,
							     .provisioned = provisioned });
}

static void call(const char *what)
{
	const struct faas_result *result = flow_call(&flow, "f", what);

	if (result->code || !flow_says(result, "ok"))
		fail_msg("%s: %s", what, (const char *)result->payload.data);
}

/* The environment's processes, the first of them its own; how many. */
static int family(struct process out[8])
{
	struct process environments[4];

	if (processes_of_environments(getpid(), environments, 4) != 1)
		return 0;
	out[0] = environments[0];
	return 1 + processes_below(out[0].pid, out + 1, 7);
}

static bool all_are(int count, char state)
{
	struct process p[8];
	int n = family(p);
	bool all = n == count;

	for (int i = 0; i < n; i++)
		all &= p[i].state == state;
	return all;
}

static void await(int count, char state)
{
	for (int ms = 0; ms < 10000; ms++) {
		if (all_are(count, state))
			return;
		pause_a_little();
	}
	fail_msg("the %d do not come to be '%c'", count, state);
}

TEST(between_events_the_threads_of_a_function_stand_still_and_then_go_on)
{
	function("company.act", 0);
	call("thread");
	for (int i = 0; i < 3; i++) {
		await(1, 'T');
		call("count");
	}
}

TEST(so_do_the_children_that_it_left)
{
	function("company.act", 0);
	call("fork");
	for (int i = 0; i < 3; i++) {
		await(2, 'T');
		call("count");
	}
}

/* The control of the tests above, and the price for everybody else: none. */
TEST(a_function_that_is_alone_is_never_stopped)
{
	struct fa_version *v;
	struct fa_pool *pool;
	bool frozen = false;

	function("company.act", 0);
	v = fa_registry_find(&flow.rt->registry, "f", NULL);
	pool = ((struct fa_runner *)v->runner)->pool;
	for (int i = 0; i < 10; i++) {
		struct fa_list *pos;

		call("nothing");
		pthread_mutex_lock(&pool->lock);
		assert_false(fa_list_empty(&pool->idle));
		fa_list_for(pos, &pool->idle)
			frozen |= fa_container(pos, struct fa_env, link)->frozen;
		pthread_mutex_unlock(&pool->lock);
	}
	fa_version_unref(v);
	assert_false(frozen);
	await(1, 'S');
}

static void count_done(void *data, const struct faas_result *result)
{
	assert_int_equal(result->code, 0);
	atomic_fetch_add((_Atomic int *)data, 1);
}

TEST(events_of_the_loop_find_it_going_on)
{
	_Atomic int done = 0;

	function("company.act", 0);
	call("thread");
	await(1, 'T');
	for (int i = 0; i < 20; i++)
		assert_int_equal(faas_invoke(flow.rt,
					     FAAS_REQUEST(.function = "f",
							  .payload = { "count", 5 },
							  .capacity_wait_ms = 10000,
							  .on_done = count_done,
							  .data = (void *)&done),
					     NULL, NULL),
				 0);
	while (done < 20)
		pause_a_little();
}

TEST(a_provisioned_environment_stands_still_before_its_first_event)
{
	function("company.early", 1);
	await(1, 'T');
	call("count");
	await(1, 'T');
}

TEST(one_that_stands_still_can_say_goodbye)
{
	function("company.act", 0);
	call("thread");
	await(1, 'T');
	assert_int_equal(faas_function_delete(flow.rt, "f", NULL), 0);
	flow_await_log(&flow, "went on");
}

static void await_cold(void)
{
	struct faas_function_info *info;
	bool cold = false;

	for (int ms = 0; !cold && ms < 10000; ms++) {
		assert_int_equal(faas_function_get(flow.rt, "f", &info, NULL), 0);
		cold = info->environments_cold == 1;
		faas_free(info);
		pause_a_little();
	}
	assert_true(cold);
}

TEST(one_that_is_killed_as_it_stands_still_is_missed)
{
	struct process p[8];

	function("company.act", 0);
	call("thread");
	await(1, 'T');
	assert_int_equal(family(p), 1);
	assert_int_equal(kill(p[0].pid, SIGKILL), 0);
	await_cold();
	call("thread");
	call("count");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define FLOW(name) cmocka_unit_test_setup_teardown(name, open_it, close_it)
		FLOW(between_events_the_threads_of_a_function_stand_still_and_then_go_on),
		FLOW(so_do_the_children_that_it_left),
		FLOW(a_function_that_is_alone_is_never_stopped),
		FLOW(events_of_the_loop_find_it_going_on),
		FLOW(a_provisioned_environment_stands_still_before_its_first_event),
		FLOW(one_that_stands_still_can_say_goodbye),
		FLOW(one_that_is_killed_as_it_stands_still_is_missed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
