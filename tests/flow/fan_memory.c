/* SPDX-License-Identifier: MIT */
/*
 * Out of memory while messages go to many: the 1st, the 2nd, ... the N-th allocation fails
 * after all have subscribed, once or for a while. What was accepted reaches every one of them
 * when there is memory again, and nothing leaks.
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

static _Atomic int ran, called;
static bool refuses; /* the callback, and its messages are to be dead letters */
static struct faas_error err;

static void tick(void)
{
	nanosleep(&(struct timespec){ 0, 500000 }, NULL);
}

static int work(struct faas_context *ctx, struct faas_bytes event)
{
	(void)event;
	ran++;
	return faas_puts(ctx, "");
}

static bool on_message(void *data, const struct faas_message *m)
{
	(void)data;
	(void)m;
	called++;
	return !refuses;
}

static void map(const struct faas_mapping_config *config)
{
	if (faas_mapping_create(host.rt, config, NULL, &err))
		fail_msg("%s", err.message);
}

static void open_runtime(const char *source)
{
	struct faas_config c = {
		.size = sizeof(c),
		.worker = getenv("FAAS_TEST_WORKER") ? getenv("FAAS_TEST_WORKER") : TEST_WORKER,
		.on_message = on_message,
		.realloc = failing_realloc,
		.data = &host.mem,
	};

	ran = called = 0;
	failing_mem_init(&host.mem);
	fa_clock_virtual_init(&host.clock, 1700000000000);
	host.rt = fa_create(&c, &host.clock.clock, &err);
	assert_non_null(host.rt);
	assert_int_equal(
		faas_function_create(host.rt, FAAS_FUNCTION(.name = "f", .native = work), &err), 0);
	if (refuses) {
		map(FAAS_MAPPING(.source = source, .target = "callback:c",
				 .max_retries = FAAS_NONE, .dead_letter = "queue:q"));
		return;
	}
	map(FAAS_MAPPING(.source = source, .function = "f"));
	map(FAAS_MAPPING(.source = source, .target = "queue:q"));
	map(FAAS_MAPPING(.source = source, .target = "callback:c"));
}

static void advance(int64_t ms)
{
	host.clock.ns += ms * 1000000;
	fa_loop_wake(&host.rt->loop);
}

static uint64_t lying(void)
{
	struct faas_queue_stats s = { .size = sizeof(s) };

	assert_int_equal(faas_queue_stats(host.rt, "queue:q", &s, &err), 0);
	return s.visible;
}

static bool have_all(void)
{
	return lying() == 1 && (refuses || (ran == 1 && called == 1));
}

static void await_all(size_t n)
{
	for (int i = 0; i < 4000 && !have_all(); i++) {
		tick();
		if (i % 20 == 19)
			advance(10000);
	}
	if (!have_all())
		fail_msg("allocation %zu failed: queue %d, function %d, callback %d", n,
			 (int)lying(), ran, called);
}

static bool publish(const char *source, const char *body)
{
	return !faas_send(host.rt, source, (struct faas_bytes){ body, strlen(body) }, &err);
}

/* Whether there was an n-th allocation. */
static bool run(const char *source, const char *body, size_t n, bool and_all_after)
{
	bool accepted;

	open_runtime(source);
	failing_mem_fail_at(&host.mem, n, and_all_after);
	accepted = publish(source, body);
	for (int i = 0; !have_all() && !failing_mem_has_failed(&host.mem) && i < 10000; i++)
		tick();
	for (int i = 0; i < 20; i++)
		tick(); /* more may be asked for */
	failing_mem_recover(&host.mem);
	if (!accepted)
		assert_true(publish(source, body)); /* it was said, and is not there */
	await_all(n);
	assert_int_equal(faas_destroy(host.rt), 0);
	if (!failing_mem_clean(&host.mem))
		fail_msg("allocation %zu failed: %zu blocks were left", n, host.mem.blocks);
	return failing_mem_has_failed(&host.mem);
}

static void sweep(const char *source, const char *body)
{
	size_t n = 1;

	while (run(source, body, n, false))
		n++;
	assert_true(n > 3);
	for (size_t i = 1; i < n; i++)
		run(source, body, i, true);
}

TEST(a_message_to_a_topic_reaches_all_when_there_is_memory_again)
{
	sweep("topic:t", "x");
}

TEST(an_event_on_a_bus_reaches_all_when_there_is_memory_again)
{
	sweep("bus:b", "{\"Source\":\"s\",\"DetailType\":\"t\",\"Detail\":{}}");
}

TEST(a_dead_letter_is_written_when_there_is_memory_again)
{
	refuses = true;
	sweep("topic:t", "x");
	refuses = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_to_a_topic_reaches_all_when_there_is_memory_again),
		cmocka_unit_test(an_event_on_a_bus_reaches_all_when_there_is_memory_again),
		cmocka_unit_test(a_dead_letter_is_written_when_there_is_memory_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
