/* SPDX-License-Identifier: MIT */
/*
 * Out of memory while a mapping reads a stream: the 1st, the 2nd, ... the N-th allocation fails
 * after it was made, once or for a while. When there is memory again no record was passed over,
 * none was given up untold, a window has counted each once, and nothing leaks. The same while a
 * mapping of a queue tries a batch again that was throttled: each message was processed.
 */
#include <faas/plugin.h> /* before cmocka, which makes a macro of fail() */
#include <faas/source.h>

#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <runtime.h>

#include "support/failing_mem.h"

static struct {
	struct failing_mem mem;
	struct fa_clock_virtual clock;
	struct faas *rt;
} host;

#define PATIENCE 20000 /* times that it is looked whether it is done */

static _Atomic int counted; /* by the window when it ended; 0: it has not */
static struct faas_error err;

static int fail_always(struct faas_context *ctx, struct faas_bytes event)
{
	(void)event;
	return faas_fail(ctx, "Test.Failed", "as planned");
}

/* Its state is how many records it was given. */
static int count(struct faas_context *ctx, struct faas_bytes event)
{
	char *text = strndup(event.data, event.len), answer[64];
	const char *before = strstr(text, "\"state\":{\"n\":");
	int n = before ? atoi(before + 13) : 0;

	if (strstr(text, "\"isFinalInvokeForWindow\":true"))
		counted = n;
	n += strstr(text, "\"kinesis\":{") != NULL;
	free(text);
	snprintf(answer, sizeof(answer), "{\"state\":{\"n\":%d}}", n);
	return faas_puts(ctx, answer);
}

/* Who is not there yet stays away: a source that cannot be opened disables its mapping. */
static void await_enabled(const char *id)
{
	char request[64], *reply = NULL;
	bool enabled = false;

	snprintf(request, sizeof(request), "{\"UUID\":\"%s\"}", id);
	for (int i = 0; i < 10000 && !enabled; i++) {
		nanosleep(&(struct timespec){ 0, 500000 }, NULL);
		assert_int_equal(faas_control(host.rt, "GetEventSourceMapping", request, &reply,
					      &err), 0);
		enabled = strstr(reply, "\"State\":\"Enabled\"");
		faas_free(reply);
	}
	assert_true(enabled);
}

static void open_runtime(int (*handler)(struct faas_context *, struct faas_bytes),
			 const struct faas_mapping_config *mapping)
{
	struct faas_config c = {
		.size = sizeof(c),
		.worker = getenv("FAAS_TEST_WORKER") ? getenv("FAAS_TEST_WORKER") : TEST_WORKER,
		.realloc = failing_realloc,
		.data = &host.mem,
	};

	char id[37];

	counted = 0;
	failing_mem_init(&host.mem);
	fa_clock_virtual_init(&host.clock, 1700000000000);
	host.rt = fa_create(&c, &host.clock.clock, &err);
	assert_non_null(host.rt);
	assert_int_equal(
		faas_function_create(host.rt,
				     FAAS_FUNCTION(.name = "f", .native = handler,
						   .timeout_ms = 30000, .max_concurrency = 1),
				     &err),
		0);
	assert_int_equal(faas_resource_create(host.rt, "stream:s", NULL, &err), 0);
	if (faas_mapping_create(host.rt, mapping, id, &err))
		fail_msg("%s", err.message);
	await_enabled(id);
}

static void open_stream(int tumbling_s)
{
	open_runtime(tumbling_s ? count : fail_always,
		     FAAS_MAPPING(.source = "stream:s", .function = "f", .batch_size = 1,
				  .max_retries = tumbling_s ? 0 : FAAS_NONE,
				  .tumbling_s = tumbling_s, .on_failure = "queue:dead"));
}

/* Nobody is timed out by it: not while a handler runs. */
static void pass(int times, int64_t ms)
{
	struct faas_stats stats = { .size = sizeof(stats) };

	for (int i = 0; i < times; i++) {
		nanosleep(&(struct timespec){ 0, 500000 }, NULL);
		assert_int_equal(faas_stats(host.rt, &stats), 0);
		if (!stats.environments_busy)
			host.clock.ns += ms * 1000000;
		fa_loop_wake(&host.rt->loop);
	}
}

static void put(const char *body)
{
	while (faas_put(host.rt, "stream:s",
			FAAS_MESSAGE(.body = { body, strlen(body) }, .group = "k"), NULL, &err))
		failing_mem_recover(&host.mem); /* it was said, and is not there */
}

static struct faas_queue_stats stats_of(const char *queue)
{
	struct faas_queue_stats s = { .size = sizeof(s) };

	assert_int_equal(faas_queue_stats(host.rt, queue, &s, &err), 0);
	return s;
}

static int letters(void)
{
	return (int)stats_of("queue:dead").visible;
}

static bool is_done(int tumbling_s)
{
	return tumbling_s ? counted : letters() >= 2;
}

/* Whether there was an n-th allocation. If not, all was done without. */
static bool close_runtime(size_t n)
{
	assert_int_equal(faas_destroy(host.rt), 0);
	if (!failing_mem_clean(&host.mem))
		fail_msg("allocation %zu failed: %zu blocks were left", n, host.mem.blocks);
	return failing_mem_has_failed(&host.mem);
}

static bool run(int tumbling_s, size_t n, bool and_all_after)
{
	open_stream(tumbling_s);
	failing_mem_fail_at(&host.mem, n, and_all_after);
	put("a");
	put("b");
	for (int i = 0; i < PATIENCE && !is_done(tumbling_s); i++) {
		if (failing_mem_has_failed(&host.mem))
			break;
		pass(1, 1000);
	}
	pass(and_all_after ? 20 : 0, 1); /* and for a while */
	failing_mem_recover(&host.mem);
	for (int i = 0; i < PATIENCE && !is_done(tumbling_s); i++)
		pass(4, 2000);
	if (tumbling_s ? counted != 2 : letters() != 2)
		fail_msg("allocation %zu failed: %d counted, %d letters", n, counted, letters());
	return close_runtime(n);
}

static void sweep(int tumbling_s)
{
	size_t n = 1;

	while (run(tumbling_s, n, false))
		n++;
	assert_true(n > 10);
	for (size_t i = 1; i < n; i++)
		run(tumbling_s, i, true);
}

/* ---- a queue --------------------------------------------------------------------------- */

static _Atomic int hold, began, processed[2];

/* The first one stays until it may go: the second one finds no place. */
static int wait_for_it(struct faas_context *ctx, struct faas_bytes event)
{
	const char *body = memmem(event.data, event.len, "\"body\":\"", 8);

	began++;
	while (hold)
		nanosleep(&(struct timespec){ 0, 500000 }, NULL);
	processed[body[8] - '0']++;
	return faas_puts(ctx, "");
}

static void await_hidden(uint64_t n)
{
	for (int i = 0; i < PATIENCE && stats_of("queue:q").hidden != n; i++)
		nanosleep(&(struct timespec){ 0, 500000 }, NULL);
	assert_int_equal(stats_of("queue:q").hidden, n);
}

static void open_throttled(void)
{
	hold = 1;
	began = processed[0] = processed[1] = 0;
	open_runtime(wait_for_it, FAAS_MAPPING(.source = "queue:q", .function = "f",
					       .batch_size = 1));
	assert_int_equal(faas_send(host.rt, "queue:q", (struct faas_bytes){ "0", 1 }, &err), 0);
	for (int i = 0; i < PATIENCE && !began; i++)
		nanosleep(&(struct timespec){ 0, 500000 }, NULL);
	assert_int_equal(began, 1);
	assert_int_equal(faas_send(host.rt, "queue:q", (struct faas_bytes){ "1", 1 }, &err), 0);
	await_hidden(2);
}

static bool is_empty(void)
{
	struct faas_queue_stats s = stats_of("queue:q");

	return !s.visible && !s.hidden;
}

static bool try_again_without(size_t n, bool and_all_after)
{
	open_throttled();
	failing_mem_fail_at(&host.mem, n, and_all_after);
	hold = 0;
	for (int i = 0; i < PATIENCE && !(processed[1] && is_empty()); i++) {
		if (failing_mem_has_failed(&host.mem))
			break;
		pass(1, 1000);
	}
	pass(and_all_after ? 20 : 0, 1);
	failing_mem_recover(&host.mem);
	for (int i = 0; i < PATIENCE && !is_empty(); i++)
		pass(4, 2000);
	if (!processed[0] || !processed[1])
		fail_msg("allocation %zu failed: processed %d and %d times", n, processed[0],
			 processed[1]);
	assert_true(is_empty());
	return close_runtime(n);
}

TEST(a_throttled_batch_is_tried_again_when_there_is_memory_again)
{
	size_t n = 1;

	while (try_again_without(n, false))
		n++;
	assert_true(n > 10);
	for (size_t i = 1; i < n; i++)
		try_again_without(i, true);
}

TEST(what_is_given_up_is_told_of_when_there_is_memory_again)
{
	sweep(0);
}

TEST(a_window_counts_each_record_once_when_there_is_memory_again)
{
	sweep(30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_given_up_is_told_of_when_there_is_memory_again),
		cmocka_unit_test(a_window_counts_each_record_once_when_there_is_memory_again),
		cmocka_unit_test(a_throttled_batch_is_tried_again_when_there_is_memory_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
