/* SPDX-License-Identifier: MIT */
/*
 * No byte of an event survives in a pristine function: a handler hides a secret
 * in one place after the other, and the next event looks for it everywhere. The
 * same plugin without the option finds it each time, else the search proves nothing.
 */
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "support/flow.h"

#include <faas/faas.h>
#include <invoke.h>
#include <testing.h>

/* What is hidden, and what of it is asked for: in capitals, or the question would be found. */
#define SECRET "kwzqjxvkwzqjxv"
#define ASKED "WZQJXVK"

static struct flow flow;

static const struct {
	const char *name;
	bool ends_process;
} places[] = {
	{ .name = "event" },	{ .name = "static" },	 { .name = "heap" },
	{ .name = "freed" },	{ .name = "alloc" },	 { .name = "stack" },
	{ .name = "mmap" },	{ .name = "shared" },	 { .name = "many" },
	{ .name = "remapped" }, { .name = "relocated" }, { .name = "environ" },
	{ .name = "stdio" },	{ .name = "tls" },	 { .name = "file" },
	{ .name = "pipe" },	{ .name = "joined" },	 { .name = "area" },
	{ .name = "answer" },	{ .name = "fail" },	 { .name = "long" },
	{ .name = "call" },
	{ "tmp", true },	{ "thread", true },	 { "child", true },
};
#define PLACES (sizeof(places) / sizeof(*places))

typedef const struct faas_result *call(struct flow *flow, const char *function, const char *event);

static void open_flow(const char *handler, bool pristine)
{
	flow_open(&flow, NULL, false);
	flow_function(&flow, FAAS_FUNCTION(.name = "f", .handler = handler, .pristine = pristine,
					   .max_concurrency = 1));
	flow_function(&flow, FAAS_FUNCTION(.name = "back", .handler = "echo.echo"));
}

static const char *text_of(const struct faas_result *result)
{
	static char text[400];

	snprintf(text, sizeof(text), "%.*s", (int)result->payload.len,
		 (const char *)result->payload.data);
	return text;
}

static uint64_t cold_starts(void)
{
	struct faas_stats stats = { .size = sizeof(stats) };

	faas_stats(flow.rt, &stats);
	return stats.cold_starts;
}

static void hide(call *call, const char *place)
{
	char event[64];

	snprintf(event, sizeof(event), "%s " SECRET, place);
	call(&flow, "f", event);
}

static void seek_everywhere(call *call)
{
	for (size_t i = 0; i < PLACES; i++) {
		const struct faas_result *result;

		hide(call, places[i].name);
		result = call(&flow, "f", ASKED);
		if (!flow_says(result, "nothing"))
			fail_msg("'%s': %s %s", places[i].name, result->error_type,
				 text_of(result));
	}
}

TEST(no_byte_of_an_event_survives)
{
	open_flow("pristine.both", true);
	seek_everywhere(flow_call);
	flow_close(&flow);
}

TEST(no_byte_of_an_event_survives_when_the_loop_runs_it)
{
	open_flow("pristine.both", true);
	seek_everywhere(flow_call_async);
	flow_close(&flow);
}

/* Files in memory are refused there, and the copy of the memory is one in /tmp. */
TEST(no_byte_of_an_event_survives_without_memory_groups)
{
	flow_open(&flow, NULL, false);
	fa_testing_weaken(flow.rt, FAAS_LAYER_CGROUP_MEMORY, 0);
	flow_function(&flow, FAAS_FUNCTION(.name = "f", .handler = "pristine.both",
					   .pristine = true, .max_concurrency = 1));
	seek_everywhere(flow_call);
	flow_close(&flow);
}

/* Every place once more in one process, most of them met again and again. */
TEST(memory_is_put_back_without_a_new_process)
{
	uint64_t first;

	open_flow("pristine.both", true);
	hide(flow_call, "call");
	first = cold_starts(); /* of both functions */
	for (size_t round = 0; round < 3; round++) {
		for (size_t i = 0; i < PLACES; i++) {
			if (places[i].ends_process)
				continue;
			hide(flow_call, places[i].name);
			flow_call(&flow, "f", ASKED);
			if (cold_starts() != first)
				fail_msg("'%s' ended the process", places[i].name);
		}
	}
	flow_close(&flow);
}

TEST(what_cannot_be_undone_ends_the_process_but_loses_no_event)
{
	uint64_t cold = 1;

	open_flow("pristine.both", true);
	for (size_t i = 0; i < PLACES; i++) {
		const struct faas_result *result;

		if (!places[i].ends_process)
			continue;
		hide(flow_call, places[i].name);
		result = flow_call(&flow, "f", ASKED);
		if (!flow_says(result, "nothing"))
			fail_msg("'%s': %s %s", places[i].name, result->error_type,
				 text_of(result));
		assert_int_equal(cold_starts(), ++cold);
	}
	flow_close(&flow);
}

struct crowd {
	_Atomic int done, wrong;
};

static void on_found(void *data, const struct faas_result *result)
{
	struct crowd *crowd = data;

	if (result->code || (!flow_says(result, "nothing") && !flow_says(result, "hidden")))
		crowd->wrong++;
	crowd->done++;
}

/* The loop hands over the next event while the process finds that it has to end. */
TEST(no_event_is_lost_when_many_wait_for_a_process_that_ends)
{
	static const char *const events[] = { "tmp " SECRET, "static " SECRET, ASKED };
	struct crowd crowd = { 0 };
	struct faas_error err = { 0 };

	open_flow("pristine.both", true);
	for (int i = 0; i < 60; i++) {
		const char *event = events[i % 3];

		if (faas_invoke(flow.rt,
				FAAS_REQUEST(.function = "f", .payload = { event, strlen(event) },
					     .capacity_wait_ms = 60000, .on_done = on_found,
					     .data = &crowd),
				NULL, &err))
			fail_msg("%s", err.message);
	}
	for (int ms = 0; crowd.done < 60 && ms < 60000; ms++)
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	assert_int_equal(crowd.done, 60);
	assert_int_equal(crowd.wrong, 0);
	flow_close(&flow);
}

TEST(an_idle_process_that_ends_itself_is_no_error)
{
	open_flow("pristine.both", true);
	hide(flow_call, "tmp");
	for (int i = 0; i < 2000; i++) { /* until the host has seen its end */
		struct faas_stats stats = { .size = sizeof(stats) };

		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
		faas_stats(flow.rt, &stats);
		if (i > 50 && stats.environments_busy == 0)
			break;
	}
	assert_true(flow_says(flow_call(&flow, "f", ASKED), "nothing"));
	assert_true(flow_metric(&flow, "Errors") == 0);
	assert_int_equal(flow_log_count(&flow, "error"), 0);
	flow_close(&flow);
}

TEST(the_next_event_does_find_it_without_the_option)
{
	for (size_t i = 0; i < PLACES; i++) {
		const struct faas_result *result;

		open_flow("pristine.both", false);
		hide(flow_call, places[i].name);
		result = flow_call(&flow, "f", ASKED);
		if (strncmp(text_of(result), "found", 5) != 0)
			fail_msg("'%s': %s %s", places[i].name, result->error_type,
				 text_of(result));
		flow_close(&flow);
	}
}

/* A death in the middle of an event is that event's, whatever the status says. */
/* Else the pauses between them would soon be a minute. */
TEST(a_provisioned_one_that_ends_after_its_event_has_not_failed)
{
	struct fa_version *version;
	struct fa_pool *pool;

	flow_open(&flow, NULL, false);
	flow_function(&flow, FAAS_FUNCTION(.name = "f", .handler = "pristine.both",
					   .pristine = true, .provisioned = 1));
	for (int i = 0; i < 5; i++) {
		hide(flow_call, "tmp");
		assert_string_equal(text_of(flow_call(&flow, "f", ASKED)), "nothing");
	}
	version = fa_registry_find(&flow.rt->registry, "f", NULL);
	pool = ((struct fa_runner *)version->runner)->pool;
	pthread_mutex_lock(&pool->lock);
	assert_int_equal(pool->provision.failures, 0);
	pthread_mutex_unlock(&pool->lock);
	fa_version_unref(version);
	flow_close(&flow);
}

TEST(a_crash_is_still_told_and_not_tried_again)
{
	open_flow("life.act", true);
	assert_true(flow_says(flow_call(&flow, "f", "count"), "1"));
	assert_true(flow_says(flow_call(&flow, "f", "count"), "1"));
	assert_int_equal(flow_call(&flow, "f", "exit 123")->code, FAAS_EFUNCTION);
	assert_int_equal(cold_starts(), 1);
	assert_true(flow_says(flow_call(&flow, "f", "count"), "1"));
	assert_int_equal(flow_call(&flow, "f", "segv")->code, FAAS_EFUNCTION);
	assert_int_equal(cold_starts(), 2);
	assert_true(flow_says(flow_call(&flow, "f", "count"), "1"));
	flow_close(&flow);
}

TEST(files_in_tmp_do_not_outlive_their_event)
{
	open_flow("life.act", true);
	assert_true(flow_says(flow_call(&flow, "f", "put text"), "ok"));
	assert_true(flow_says(flow_call(&flow, "f", "get"), "none"));
	flow_close(&flow);
	open_flow("life.act", false);
	assert_true(flow_says(flow_call(&flow, "f", "put text"), "ok"));
	assert_true(flow_says(flow_call(&flow, "f", "get"), "text"));
	flow_close(&flow);
}

TEST(pages_that_are_written_each_time_are_reset_each_time)
{
	open_flow("pristine.dirty", true);
	for (int i = 0; i < 200; i++)
		assert_true(flow_says(flow_call(&flow, "f", "back"), "back"));
	flow_close(&flow);
}

TEST(pages_are_still_dirty_without_the_option)
{
	open_flow("pristine.dirty", false);
	flow_call(&flow, "f", "back");
	assert_string_equal(flow_call(&flow, "f", "back")->error_type, "Pristine.Dirty");
	flow_close(&flow);
}

/* Larger and smaller events by turns: nothing of the larger one lies behind the smaller. */
TEST(nothing_of_a_large_event_lies_behind_a_small_one)
{
	size_t len = 300000;
	char *event = malloc(len + 1);

	for (size_t i = 0; i < len; i++)
		event[i] = SECRET[i % strlen(SECRET)];
	memcpy(event, "event ", 6);
	event[len] = '\0';
	open_flow("pristine.both", true);
	flow_call(&flow, "f", event);
	assert_true(flow_says(flow_call(&flow, "f", ASKED), "nothing"));
	event[800] = '\0';
	flow_call(&flow, "f", event);
	assert_true(flow_says(flow_call(&flow, "f", ASKED), "nothing"));
	flow_close(&flow);
	free(event);
}

static void refused_init(const char *handler, const char *why)
{
	const struct faas_result *result;

	open_flow(handler, true);
	result = flow_call(&flow, "f", "x");
	assert_string_equal(result->error_type, "Runtime.NotPristine");
	if (!strstr(text_of(result), why))
		fail_msg("%s", text_of(result));
	flow_close(&flow);
	open_flow(handler, false);
	assert_true(flow_says(flow_call(&flow, "f", "x"), "x"));
	flow_close(&flow);
}

TEST(an_init_that_leaves_a_thread_is_refused)
{
	refused_init("pristine.init_thread", "thread");
}

TEST(an_init_that_leaves_a_child_is_refused)
{
	refused_init("pristine.init_child", "process");
}

TEST(an_init_that_leaves_writable_shared_memory_is_refused)
{
	refused_init("pristine.init_shared", "shared memory");
}

static int native(struct faas_context *ctx, struct faas_bytes event)
{
	(void)ctx;
	(void)event;
	return 0;
}

TEST(a_thread_function_cannot_be_pristine)
{
	struct faas_error err = { 0 };

	flow_open(&flow, NULL, false);
	assert_int_equal(faas_function_create(flow.rt,
					      FAAS_FUNCTION(.name = "f", .native = native,
							    .pristine = true),
					      &err),
			 FAAS_EINVAL);
	assert_non_null(strstr(err.message, "FAAS_PROCESS"));
	flow_close(&flow);
}

TEST(an_update_turns_it_on)
{
	struct faas_error err = { 0 };

	open_flow("pristine.dirty", false);
	flow_call(&flow, "f", "back");
	assert_int_equal(faas_function_update(flow.rt, FAAS_FUNCTION(.name = "f", .pristine = true),
					      &err),
			 0);
	for (int i = 0; i < 3; i++)
		assert_true(flow_says(flow_call(&flow, "f", "back"), "back"));
	flow_close(&flow);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_byte_of_an_event_survives),
		cmocka_unit_test(no_byte_of_an_event_survives_when_the_loop_runs_it),
		cmocka_unit_test(no_byte_of_an_event_survives_without_memory_groups),
		cmocka_unit_test(memory_is_put_back_without_a_new_process),
		cmocka_unit_test(what_cannot_be_undone_ends_the_process_but_loses_no_event),
		cmocka_unit_test(no_event_is_lost_when_many_wait_for_a_process_that_ends),
		cmocka_unit_test(an_idle_process_that_ends_itself_is_no_error),
		cmocka_unit_test(the_next_event_does_find_it_without_the_option),
		cmocka_unit_test(a_provisioned_one_that_ends_after_its_event_has_not_failed),
		cmocka_unit_test(a_crash_is_still_told_and_not_tried_again),
		cmocka_unit_test(files_in_tmp_do_not_outlive_their_event),
		cmocka_unit_test(pages_that_are_written_each_time_are_reset_each_time),
		cmocka_unit_test(pages_are_still_dirty_without_the_option),
		cmocka_unit_test(nothing_of_a_large_event_lies_behind_a_small_one),
		cmocka_unit_test(an_init_that_leaves_a_thread_is_refused),
		cmocka_unit_test(an_init_that_leaves_a_child_is_refused),
		cmocka_unit_test(an_init_that_leaves_writable_shared_memory_is_refused),
		cmocka_unit_test(a_thread_function_cannot_be_pristine),
		cmocka_unit_test(an_update_turns_it_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
