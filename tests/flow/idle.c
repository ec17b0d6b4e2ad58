/* SPDX-License-Identifier: MIT */
/*
 * What has nothing to do costs nothing: a mapping whose source is empty, one whose function is
 * not there, a schedule before its time. Whatever could wake the loop is a timer of it or a
 * call to it, so both are looked at, on a clock that stands still.
 */
#include <faas/plugin.h> /* before cmocka, which makes a macro of fail() */
#include <faas/source.h>

#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <runtime.h>

#include "support/flow.h"
#include "support/stores.h"

#define MANY 1000

static struct flow flow;
static struct faas_error err;
static char folder[64];
static _Atomic int calls;

static void tick(void)
{
	nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
}

static int handler(struct faas_context *ctx, struct faas_bytes event)
{
	(void)event;
	calls++;
	return faas_puts(ctx, "");
}

static void make(const char *name)
{
	flow_function(&flow, &(struct faas_function_config){ .name = name, .native = handler });
}

static void open_runtime(void)
{
	calls = 0;
	memset(&err, 0, sizeof(err));
	flow_open(&flow, &(struct faas_config){ .state_dir = folder }, true);
	flow_advance(&flow, 60000); /* a program's time to make functions ends once */
}

static int open_it(void **state)
{
	(void)state;
	stores_folder(folder);
	open_runtime();
	make("f");
	return 0;
}

static int close_it(void **state)
{
	(void)state;
	flow_close(&flow);
	stores_remove(folder);
	return 0;
}

static void map(const char *source, const char *function)
{
	if (faas_mapping_create(flow.rt,
				FAAS_MAPPING(.source = source, .function = function), NULL, &err))
		fail_msg("%s", err.message);
}

static void put(const char *queue)
{
	assert_int_equal(faas_send(flow.rt, queue, (struct faas_bytes){ "x", 1 }, &err), 0);
}

static void await(int n)
{
	flow_await_count(&flow, &calls, n);
}

/* ---- what is armed, as the loop sees it ------------------------------- */

static struct look {
	struct fa_call call;
	int64_t next_ns;
	uint32_t count;
	_Atomic bool done;
} look;

static void on_look(struct fa_call *call)
{
	(void)call;
	look.next_ns = fa_timers_next(&flow.rt->loop.timers);
	look.count = flow.rt->loop.timers.count;
	look.done = true;
}

/* What was asked for before runs before. */
static void look_at_timers(void)
{
	look.done = false;
	look.call.run = on_look;
	fa_loop_call(&flow.rt->loop, &look.call);
	for (int i = 0; !look.done && i < 10000; i++)
		tick();
	assert_true(look.done);
}

/* Operations of the store that were begun come to their end. */
static uint32_t armed(void)
{
	for (int i = 0; i < 50; i++)
		tick();
	look_at_timers();
	return look.count;
}

TEST(mappings_of_empty_queues_never_wake)
{
	uint32_t before = armed();
	char queue[32];

	for (int i = 0; i < MANY; i++) {
		snprintf(queue, sizeof(queue), "queue:q%d", i);
		map(queue, "f");
	}
	assert_int_equal(armed(), before);
	put("queue:q7"); /* and yet each of them is awake */
	await(1);
}

TEST(a_mapping_whose_function_was_deleted_waits_for_one_without_waking)
{
	uint32_t before = armed();

	make("g");
	map("queue:q", "g");
	assert_int_equal(faas_function_delete(flow.rt, "g", &err), 0);
	flow_close(&flow);
	open_runtime();
	assert_int_equal(armed(), before);
	put("queue:q");
	assert_int_equal(armed(), before);
	make("f"); /* which is another one */
	assert_int_equal(armed(), before);
	assert_int_equal(calls, 0);
	make("g");
	await(1);
}

TEST(a_mapping_of_an_alias_begins_when_there_is_one)
{
	assert_int_equal(faas_version_publish(flow.rt, "f", NULL, NULL, &err), 0);
	assert_int_equal(faas_alias_set(flow.rt, "f", "live", 1, 0, 0, &err), 0);
	map("queue:q", "f:live");
	assert_int_equal(faas_alias_delete(flow.rt, "f", "live", &err), 0);
	flow_close(&flow);
	open_runtime();
	make("f");
	put("queue:q");
	for (int i = 0; i < 50; i++)
		tick();
	assert_int_equal(calls, 0);
	assert_int_equal(faas_alias_set(flow.rt, "f", "live", 1, 0, 0, &err), 0);
	await(1);
}

TEST(a_schedule_is_one_timer_for_the_time_when_it_is_due)
{
	uint32_t before = armed();

	for (int i = 0; i < MANY; i++)
		map("schedule:cron(0 0 1 1 ? 2199)", "f");
	assert_int_equal(armed(), before + MANY);
	flow_advance(&flow, 365 * INT64_C(86400000));
	assert_int_equal(armed(), before + MANY);
	assert_int_equal(calls, 0);
}

#define IN(name) cmocka_unit_test_setup_teardown(name, open_it, close_it)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN(mappings_of_empty_queues_never_wake),
		IN(a_mapping_whose_function_was_deleted_waits_for_one_without_waking),
		IN(a_mapping_of_an_alias_begins_when_there_is_one),
		IN(a_schedule_is_one_timer_for_the_time_when_it_is_due),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
