/* SPDX-License-Identifier: MIT */
/*
 * Thousands of hostile environments in a row, a random mix of what kills
 * quickly: no descriptor, no thread, no process and no memory is left of them.
 * HOSTILE_SOAK says how many.
 */
#include <stdio.h>
#include <stdlib.h>

#include <support/invariants.h>

#include "cases.h"

static const struct {
	const char *name, *handler, *event;
	unsigned verdicts;
} mix[] = {
	{ "m0", "crash.segfault", "{}", CRASHED },
	{ "m1", "crash.call_abort", "{}", CRASHED },
	{ "m2", "exit.exit_with_0", "{}", CRASHED },
	{ "m3", "exit.exit_with_3", "{}", CRASHED },
	{ "m4", "exit.exit_in_a_thread", "{}", CRASHED },
	{ "m5", "ipc.answer_with_a_wrong_token", "{\"xor\":1}", VIOLATED },
	{ "m6", "ipc.answer_from_elsewhere", "{\"len\":4294967295}", VIOLATED },
	{ "m7", "descriptors.close_all_and_exit", "{}", CRASHED },
	{ "m8", "process.leave_a_daemon_and_exit", "{}", CRASHED },
	{ "m9", "areas.unmap_the_areas_and_return", "{}", CRASHED },
	{ "m10", "areas.lie_about_its_death", "{}", CRASHED },
	{ "m11", "init.crash", "{}", CRASHED },
};

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

static void kill_some(int count, uint32_t *state)
{
	for (int i = 0; i < count; i++) {
		const size_t which = next_random(state) % COUNT(mix);
		struct outcome out;

		harness_invoke(next_random(state) % WAYS, mix[which].name, mix[which].event, &out);
		if (!(verdict_of(&out) & mix[which].verdicts))
			fail_msg("environment %d, %s: %s, code %d %s, refused %d %s, %s", i,
				 mix[which].handler, verdict_name(verdict_of(&out)), out.code,
				 out.type, out.refused, out.error, out.payload);
	}
}

static void make_functions(void)
{
	for (size_t i = 0; i < COUNT(mix); i++)
		harness_function(FAAS_FUNCTION(.name = mix[i].name, .handler = mix[i].handler,
					       .timeout_ms = 2000, .max_concurrency = 2));
}

static void delete_functions(void)
{
	for (size_t i = 0; i < COUNT(mix); i++)
		harness_delete(mix[i].name);
}

static int how_many(void)
{
	const char *text = getenv("HOSTILE_SOAK");

	if (text && *text)
		return (int)strtol(text, NULL, 10);
	return SANITIZED ? 1000 : 10000;
}

TEST(ten_thousand_hostile_environments_leave_nothing)
{
	const int count = how_many();
	struct report report = { .len = 0 };
	struct manners manners;
	struct holdings before, after;
	uint32_t seed = 42;
	double start;

	manners_note(&manners);
	/* Long enough for every cache to be as large as it gets. */
	make_functions();
	kill_some(count / 20 + 100, &seed);
	delete_functions();
	holdings_settle(&before);
	start = harness_ms();
	make_functions();
	kill_some(count, &seed);
	delete_functions();
	print_message("# %d environments in %.1f s\n", count, (harness_ms() - start) / 1000);
	if (!holdings_returned(&before, harness_slack_ms(), 1024, &report))
		fail_msg("after %d environments:\n%s", count, report.text);
	holdings_note(&after);
	print_message("# descriptors %+d, threads %+d, processes %+d, RSS %+ld KB\n",
		      after.descriptors - before.descriptors, after.threads - before.threads,
		      after.processes - before.processes, after.rss_kb - before.rss_kb);
	if (!manners_kept(&manners, &report))
		fail_msg("%s", report.text);
}

static int begin(void **state)
{
	(void)state;
	count_signals();
	harness_open(TEST_HOSTILE, NULL);
	return 0;
}

static int end(void **state)
{
	(void)state;
	harness_close();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ten_thousand_hostile_environments_leave_nothing),
	};

	return cmocka_run_group_tests_name("soak", tests, begin, end) != 0;
}
