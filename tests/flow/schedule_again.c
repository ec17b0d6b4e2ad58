/* SPDX-License-Identifier: MIT */
/*
 * Out of memory when the loop opens a schedule, or changes one that is open: behind the answer,
 * so that nobody can be told. It is under way until there is memory, and then as it was asked
 * for. Memory is out from the 1st, 2nd, ... N-th allocation of the loop on.
 */
#include <faas/plugin.h> /* before cmocka, which makes a macro of fail() */
#include <faas/source.h>

#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <source/mapping.h>

#include "support/failing_mem.h"
#include "support/standstill.h"

#define EPOCH_MS 1700000000000 /* 22:13:20 */

static struct {
	struct failing_mem mem;
	struct fa_clock_virtual clock;
	struct faas *rt;
} host;

static _Atomic int events;
static struct faas_error err;

static int count(struct faas_context *ctx, struct faas_bytes event)
{
	(void)event;
	events++;
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
	struct advance *a = fa_container(call, struct advance, call);

	host.clock.ns += a->ms * 1000000;
	a->done = true;
}

/* On the loop, where the clock is read, and behind all that it was asked for. */
static void pass_ms(int64_t ms)
{
	struct advance a = { .call.run = advance, .ms = ms };

	fa_loop_call(&host.rt->loop, &a.call);
	while (!a.done)
		tick();
	fa_loop_wake(&host.rt->loop);
}

/* The n-th allocation and all after it; 0: none. */
static void fail_from(size_t n)
{
	pthread_mutex_lock(&host.mem.lock);
	host.mem.calls = 0;
	host.mem.and_all_after = true;
	host.mem.fail_at = n;
	pthread_mutex_unlock(&host.mem.lock);
}

static void open_runtime(void)
{
	struct faas_config c = {
		.size = sizeof(c),
		.worker = getenv("FAAS_TEST_WORKER") ? getenv("FAAS_TEST_WORKER") : TEST_WORKER,
		.realloc = failing_realloc,
		.data = &host.mem,
	};

	events = 0;
	failing_mem_init(&host.mem);
	fa_clock_virtual_init(&host.clock, EPOCH_MS);
	host.rt = fa_create(&c, &host.clock.clock, &err);
	assert_non_null(host.rt);
	assert_int_equal(
		faas_function_create(host.rt, FAAS_FUNCTION(.name = "f", .native = count), &err),
		0);
}

static void close_runtime(void)
{
	assert_int_equal(faas_destroy(host.rt), 0);
	assert_true(failing_mem_clean(&host.mem));
}

static enum fa_mapping_state state_of(const char *id)
{
	const struct fa_mapping *m;
	enum fa_mapping_state state;

	pass_ms(0);
	pthread_mutex_lock(&host.rt->sources->lock);
	m = fa_map_get(&host.rt->sources->mappings, id, strlen(id));
	state = m->state;
	pthread_mutex_unlock(&host.rt->sources->lock);
	return state;
}

static bool is_under_way(const char *id)
{
	enum fa_mapping_state state = state_of(id);

	return state == FA_MAPPING_CREATING || state == FA_MAPPING_UPDATING;
}

/* Enabled; true: only a second after there was memory again. */
static bool is_enabled_late(const char *id)
{
	bool late = is_under_way(id);

	fail_from(0);
	if (late) {
		pass_ms(500);
		assert_true(is_under_way(id));
		pass_ms(500);
	}
	for (int i = 0; is_under_way(id) && i < 10000; i++)
		tick();
	assert_int_equal(state_of(id), FA_MAPPING_ENABLED);
	return late;
}

static void must(const char *operation, const char *request, char **answer)
{
	if (faas_control(host.rt, operation, request, answer, &err))
		fail_msg("%s", err.message);
}

/* At 22:14 in that zone. */
static void create(const char *zone, char id[37])
{
	char request[256], *answer = NULL, *at;

	snprintf(request, sizeof(request),
		 "{\"FunctionName\":\"f\",\"EventSourceArn\":\"schedule:cron(14 22 * * ? *)\","
		 "\"ScheduleExpressionTimezone\":\"%s\"}",
		 zone);
	must("CreateEventSourceMapping", request, &answer);
	at = strstr(answer, "\"UUID\":\"");
	assert_non_null(at);
	sprintf(id, "%.36s", at + strlen("\"UUID\":\""));
	faas_free(answer);
}

static void control(const char *operation, const char *id, const char *more)
{
	char request[256], *answer = NULL;

	snprintf(request, sizeof(request), "{\"UUID\":\"%s\"%s}", id, more);
	must(operation, request, &answer);
	faas_free(answer);
}

/* A minute later it is 22:14. */
static void is_due(void)
{
	pass_ms(60000);
	for (int i = 0; !events && i < 10000; i++)
		tick();
	assert_int_equal(events, 1);
}

/* ---- the tests ----------------------------------------------------------- */

/* For each allocation that beginning takes: memory is out behind the answer. */
TEST(a_schedule_that_finds_no_memory_begins_when_there_is_some)
{
	bool late = true;
	size_t n = 0;

	while (late) {
		char id[37];

		open_runtime();
		loop_stand_still(host.rt);
		create("Europe/London", id);
		fail_from(++n);
		loop_go_on();
		late = is_enabled_late(id);
		is_due();
		close_runtime();
	}
	assert_true(n > 1);
}

TEST(a_change_that_finds_no_memory_holds_when_there_is_some)
{
	bool late = true;
	size_t n = 0;

	while (late) {
		char id[37];

		open_runtime();
		create("Asia/Kathmandu", id);
		assert_false(is_enabled_late(id));
		loop_stand_still(host.rt);
		control("UpdateEventSourceMapping", id, ",\"ScheduleExpressionTimezone\":\"UTC\"");
		fail_from(++n);
		loop_go_on();
		late = is_enabled_late(id);
		is_due();
		close_runtime();
	}
	assert_true(n > 1);
}

TEST(one_that_waits_for_memory_can_be_deleted)
{
	char id[37];

	open_runtime();
	loop_stand_still(host.rt);
	create("UTC", id);
	fail_from(1);
	loop_go_on();
	assert_true(is_under_way(id));
	fail_from(0);
	control("DeleteEventSourceMapping", id, "");
	pass_ms(2000);
	assert_int_equal(host.rt->sources->mappings.count, 0);
	close_runtime();
}

TEST(a_runtime_is_closed_while_one_waits_for_memory)
{
	char id[37];

	open_runtime();
	loop_stand_still(host.rt);
	create("UTC", id);
	fail_from(1);
	loop_go_on();
	assert_true(is_under_way(id));
	fail_from(0);
	close_runtime();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_schedule_that_finds_no_memory_begins_when_there_is_some),
		cmocka_unit_test(a_change_that_finds_no_memory_holds_when_there_is_some),
		cmocka_unit_test(one_that_waits_for_memory_can_be_deleted),
		cmocka_unit_test(a_runtime_is_closed_while_one_waits_for_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
