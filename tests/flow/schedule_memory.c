/* SPDX-License-Identifier: MIT */
/*
 * Out of memory when a schedule is due: the 1st, the 2nd, ... the N-th allocation fails, once or
 * with all after it. When there is memory again its event comes, late, and at least once: as for
 * any asynchronous event, an attempt whose end finds no memory is made again.
 */
#include <faas/plugin.h> /* before cmocka, which makes a macro of fail() */
#include <faas/source.h>

#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <runtime.h>

#include "support/failing_mem.h"

#define EPOCH_MS 1700000000000
#define EPOCH_MINUTE (22 * 60 + 13) /* of its day */
#define DAY 1440
#define LATEST_S 50 /* behind it the schedule is due again, or too late */

static struct {
	struct failing_mem mem;
	struct fa_clock_virtual clock;
	struct faas *rt;
} host;

static _Atomic bool came[DAY]; /* the event of that minute of the day */
static int due;                /* the minute that is due */
static int late_s; /* since it was due last */
static struct faas_error err;

static int note(struct faas_context *ctx, struct faas_bytes event)
{
	const char *time = memmem(event.data, event.len, "\"time\":\"", 8);
	int hour, minute;

	if (time && sscanf(time + 8, "%*d-%*d-%*dT%d:%d", &hour, &minute) == 2)
		came[hour * 60 + minute] = true;
	return faas_puts(ctx, "");
}

static void tick(void)
{
	nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
}

struct advance {
	struct fa_call call;
	int64_t ms;
	_Atomic bool done;
};

static void advance(struct fa_call *call)
{
	struct advance *a = (struct advance *)call;

	host.clock.ns += a->ms * 1000000;
	a->done = true;
}

/* On the loop, where the clock is read. */
static void pass_ms(int64_t ms)
{
	struct advance a = { .call.run = advance, .ms = ms };

	fa_loop_call(&host.rt->loop, &a.call);
	while (!a.done)
		tick();
	fa_loop_wake(&host.rt->loop);
}

static void await_enabled(const char *id)
{
	char request[64], *reply = NULL;
	bool enabled = false;

	snprintf(request, sizeof(request), "{\"UUID\":\"%s\"}", id);
	for (int i = 0; i < 10000 && !enabled; i++) {
		tick();
		assert_int_equal(faas_control(host.rt, "GetEventSourceMapping", request, &reply,
					      &err),
				 0);
		enabled = strstr(reply, "\"State\":\"Enabled\"");
		faas_free(reply);
	}
	assert_true(enabled);
}

static void open_runtime(void)
{
	struct faas_config c = {
		.size = sizeof(c),
		.worker = getenv("FAAS_TEST_WORKER") ? getenv("FAAS_TEST_WORKER") : TEST_WORKER,
		.realloc = failing_realloc,
		.data = &host.mem,
	};
	char id[37];

	late_s = 0;
	due = EPOCH_MINUTE;
	memset(came, 0, sizeof(came));
	failing_mem_init(&host.mem);
	fa_clock_virtual_init(&host.clock, EPOCH_MS);
	host.rt = fa_create(&c, &host.clock.clock, &err);
	assert_non_null(host.rt);
	assert_int_equal(
		faas_function_create(host.rt, FAAS_FUNCTION(.name = "f", .native = note), &err),
		0);
	if (faas_mapping_create(host.rt,
				FAAS_MAPPING(.source = "schedule:rate(1 minute)", .function = "f"),
				id, &err))
		fail_msg("%s", err.message);
	await_enabled(id);
}

/* That its event came, or an allocation failed, in real time, bounded. */
static void await_something(void)
{
	for (int i = 0; !came[due] && !failing_mem_has_failed(&host.mem) && i < 10000; i++)
		tick();
}

/* Its event comes within a minute, whatever failed. Whether anything did. */
static bool run_minute(size_t n, bool and_all_after)
{
	due = (due + 1) % DAY;
	failing_mem_fail_at(&host.mem, n, and_all_after);
	pass_ms(60000 - late_s * 1000);
	await_something();
	failing_mem_recover(&host.mem);
	for (late_s = 0; !came[due] && late_s < LATEST_S; late_s++) {
		pass_ms(1000);
		for (int i = 0; !came[due] && i < 200; i++)
			tick();
	}
	if (!came[due])
		fail_msg("allocation %zu failed, and no event came", n);
	return failing_mem_has_failed(&host.mem);
}

static void sweep(bool and_all_after)
{
	size_t n = 1;

	open_runtime();
	while (run_minute(n, and_all_after))
		assert_true(++n < 200);
	assert_true(n > 1);
	assert_int_equal(faas_destroy(host.rt), 0);
	assert_true(failing_mem_clean(&host.mem));
}

TEST(a_schedule_for_one_thing_of_which_memory_is_out_runs_late)
{
	sweep(false);
}

TEST(a_schedule_that_is_due_without_memory_runs_when_there_is)
{
	sweep(true);
}

static void is_refused(const char *source, const char *zone)
{
	char request[256], *reply = NULL;

	snprintf(request, sizeof(request),
		 "{\"EventSourceArn\":\"schedule:%s\",\"FunctionName\":\"f\","
		 "\"ScheduleExpressionTimezone\":\"%s\"}",
		 source, zone);
	assert_int_equal(faas_control(host.rt, "CreateEventSourceMapping", request, &reply, &err),
			 FAAS_EINVAL);
	assert_null(reply);
}

TEST(a_schedule_that_is_refused_leaves_no_memory_behind)
{
	open_runtime();
	is_refused("cron(nonsense)", "Europe/Berlin");
	is_refused("at(2026-03-29T02:30:00)", "Europe/Berlin"); /* a time that is left out */
	assert_int_equal(faas_destroy(host.rt), 0);
	assert_true(failing_mem_clean(&host.mem));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_schedule_for_one_thing_of_which_memory_is_out_runs_late),
		cmocka_unit_test(a_schedule_that_is_due_without_memory_runs_when_there_is),
		cmocka_unit_test(a_schedule_that_is_refused_leaves_no_memory_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
