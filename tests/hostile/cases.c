/* SPDX-License-Identifier: MIT */
/* See cases.h. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <support/invariants.h>
#include <support/processes.h>

#include "bait.h"
#include "cases.h"

static struct {
	struct manners manners;
	struct holdings empty, holdings; /* before there was a runtime; with one */
	unsigned late, verdicts;
	double latest_ms;
} the;

/* ---- verdicts -------------------------------------------------------- */

static const struct {
	enum verdict verdict;
	const char *name;
} names[] = {
	{ ANSWERED, "answered" }, { FAILED, "failed" }, { CRASHED, "crashed" },
	{ TIMED_OUT, "timed out" }, { VIOLATED, "violated the protocol" },
	{ STARVED, "out of memory" }, { UNLOADED, "not loaded" }, { REFUSED, "refused" },
};

const char *verdict_name(enum verdict verdict)
{
	for (size_t i = 0; i < COUNT(names); i++)
		if (names[i].verdict == verdict)
			return names[i].name;
	return "nothing known";
}

enum verdict verdict_of(const struct outcome *out)
{
	if (out->refused)
		return REFUSED;
	if (out->code == FAAS_OK)
		return ANSWERED;
	if (out->code == FAAS_ETIMEOUT)
		return strcmp(out->type, "Sandbox.Timedout") == 0 ? TIMED_OUT : REFUSED;
	if (out->code != FAAS_EFUNCTION)
		return REFUSED;
	if (strcmp(out->type, "Runtime.ExitError") == 0)
		return CRASHED;
	if (strcmp(out->type, "Runtime.ProtocolError") == 0)
		return VIOLATED;
	if (strcmp(out->type, "Runtime.OutOfMemory") == 0)
		return STARVED;
	return strncmp(out->type, "Runtime.", 8) == 0 ? UNLOADED : FAILED;
}

static void expect_exit_text(const char *cause, const struct outcome *out)
{
	char text[400];

	snprintf(text, sizeof(text),
		 *cause ? "{\"errorType\":\"Runtime.ExitError\",\"errorMessage\":"
			  "\"RequestId: %s Error: Runtime exited with error: %s\"}"
			: "{\"errorType\":\"Runtime.ExitError\",\"errorMessage\":"
			  "\"RequestId: %s Error: Runtime exited without providing a reason\"}",
		 out->id, cause);
	assert_string_equal(out->payload, text);
}

static void expect_timeout_text(int timeout_ms, const struct outcome *out)
{
	char text[400];

	snprintf(text, sizeof(text),
		 "{\"errorType\":\"Sandbox.Timedout\",\"errorMessage\":"
		 "\"RequestId: %s Error: Task timed out after %d.%02d seconds\"}",
		 out->id, timeout_ms / 1000, timeout_ms % 1000 / 10);
	assert_string_equal(out->payload, text);
}

static int timeout_of(const struct hostile *row)
{
	return row->timeout_ms ? row->timeout_ms : 300;
}

void expect_outcome(const struct hostile *row, const struct outcome *out)
{
	const enum verdict verdict = verdict_of(out);

	if (!(verdict & row->verdicts))
		fail_msg("%s: code %d, type %s, refused %d (%s), after %.1f ms: %s",
			 verdict_name(verdict), out->code, out->type, out->refused, out->error,
			 out->wall_ms, out->payload);
	if (verdict == ANSWERED && row->answer)
		assert_string_equal(out->payload, row->answer);
	if (verdict == CRASHED && row->cause)
		expect_exit_text(row->cause, out);
	if (verdict == VIOLATED && row->cause && !strstr(out->payload, row->cause))
		fail_msg("violated not by %s: %s", row->cause, out->payload);
	if (verdict == STARVED)
		expect_exit_text("signal: killed", out);
	if ((verdict == FAILED || verdict == UNLOADED) && row->cause)
		assert_string_equal(out->type, row->cause);
	if (verdict == TIMED_OUT)
		expect_timeout_text(timeout_of(row), out);
}

/* ---- invariants around a case ---------------------------------------- */

void hostile_begin(void)
{
	manners_note(&the.manners);
	harness_load_begin();
}

static void check_neighbour(struct report *report)
{
	uint64_t calls, errors;
	double worst_ms;

	harness_load_end(&calls, &errors, &worst_ms);
	if (calls == 0 || errors != 0)
		report_line(report, "the neighbour had %lu errors in %lu calls, worst %.1f ms",
			    (unsigned long)errors, (unsigned long)calls, worst_ms);
}

void hostile_end(void)
{
	hostile_end_within(harness_slack_ms());
}

void hostile_end_within(int ms)
{
	struct report report = { .len = 0 };

	check_neighbour(&report);
	manners_kept(&the.manners, &report);
	holdings_returned(&the.holdings, ms, 1024, &report);
	bait_check(&report);
	if (report.len)
		fail_msg("what must hold did not:\n%s", report.text);
}

static void note_time(const struct hostile *row, const struct outcome *out)
{
	const double late_ms = out->wall_ms - timeout_of(row);

	the.verdicts++;
	the.late += late_ms > 50;
	if (late_ms > the.latest_ms)
		the.latest_ms = late_ms;
	/* Init has a limit of its own, before the function's. */
	if (!(row->traits & HOPELESS) && late_ms > harness_slack_ms())
		fail_msg("the verdict came %.0f ms after the deadline", late_ms);
}

/* ---- a row ----------------------------------------------------------- */

static const char *reason_to_skip(const struct hostile *row)
{
	if (row->traits & BOMB && !processes_are_limited() &&
	    (getuid() == 0 || !(harness_layers() & FAAS_LAYER_RLIMITS)))
		return "no pids limit around the tests";
	if (row->traits & NO_SANITIZER && SANITIZED)
		return "the sanitizer takes what this limits";
	if (row->needs && !(row->needs & harness_layers()))
		return "none of the layers that would prevent it can be applied here";
	return NULL;
}

/* While hundreds of processes are still dying, who comes next may be late himself; not for long. */
static void expect_recovery(const struct hostile *row)
{
	int tries = row->traits & BOMB ? 3 : 1;
	struct outcome out;

	if (row->traits & HOPELESS)
		return;
	if (row->traits & POISONED)
		assert_int_equal(faas_recycle(harness_runtime(), "victim", NULL), FAAS_OK);
	do
		harness_invoke(DIRECTLY, "victim", "\"behave\"", &out);
	while (out.code == FAAS_ETIMEOUT && --tries);
	if (out.refused || out.code != FAAS_OK || strcmp(out.payload, "\"fine\"") != 0)
		fail_msg("the function did not recover: refused %d (%s), code %d, %s", out.refused,
			 out.error, out.code, out.payload);
}

static void run_by(enum way way, const struct hostile *row)
{
	struct outcome out;
	struct faas_error err = { 0 };
	int code = harness_try_function(
		FAAS_FUNCTION(.name = "victim", .handler = row->handler,
			      .timeout_ms = timeout_of(row), .memory_mb = row->memory_mb,
			      .tmp_mb = row->tmp_mb, .snapshot = row->snapshot,
			      .max_concurrency = 1),
		&err);

	if (code != FAAS_OK) {
		if (!(row->verdicts & REFUSED))
			fail_msg("faas_function_create: %s", err.message);
		return;
	}
	harness_invoke(way, "victim", row->event ? row->event : bait_event(), &out);
	expect_outcome(row, &out);
	note_time(row, &out);
	expect_recovery(row);
	harness_delete("victim");
}

void run_hostile(void **state)
{
	const struct hostile *row = *state;
	const char *reason = reason_to_skip(row);

	if (reason) {
		print_message("# %s: %s\n", row->sentence, reason);
		skip();
	}
	hostile_begin();
	for (enum way way = DIRECTLY; way < WAYS && !(row->traits & STREAMS); way++)
		run_by(way, row);
	if (row->traits & STREAMS)
		run_by(IN_PARTS, row);
	/* Two seconds are granted to a shutdown hook. */
	hostile_end_within(harness_slack_ms() + (row->traits & LINGERS ? 2500 : 0));
}

/* A failed row may leave its function and the neighbour's load behind. */
static int clean_up(void **state)
{
	uint64_t calls, errors;
	double worst_ms;

	(void)state;
	harness_load_end(&calls, &errors, &worst_ms);
	faas_function_delete(harness_runtime(), "victim", NULL);
	faas_function_delete(harness_runtime(), "other", NULL);
	return 0;
}

/* ---- the group ------------------------------------------------------- */

/* Once through every path, so that what is kept for later is there before we count. */
static void warm_up(void)
{
	const char *handlers[] = { "crash.segfault", "loop.spin", "output.write_lines" };
	struct outcome out;
	uint64_t calls, errors;
	double worst_ms;

	harness_load_begin();
	for (size_t i = 0; i < COUNT(handlers); i++)
		for (enum way way = DIRECTLY; way < WAYS; way++) {
			harness_function(FAAS_FUNCTION(.name = "victim", .handler = handlers[i],
						       .timeout_ms = 100));
			harness_invoke(way, "victim", "{\"mb\":2}", &out);
			harness_invoke(way, "victim", "\"behave\"", &out);
			harness_delete("victim");
		}
	harness_load_end(&calls, &errors, &worst_ms);
}

static int open_group(void **state)
{
	(void)state;
	count_signals();
	bait_place(TEST_HOSTILE, harness_worker());
	/* What libuv and the C library keep for the next one is not ours to count. */
	harness_open(TEST_HOSTILE, "innocent.echo");
	harness_close();
	holdings_settle(&the.empty);
	harness_open(TEST_HOSTILE, "innocent.echo");
	warm_up();
	holdings_settle(&the.holdings);
	return 0;
}

/* G4, as far as there is no queue: what was counted is what was seen. */
TEST(statistics_add_up)
{
	struct faas_stats stats = { .size = sizeof(stats) };
	uint64_t invocations, errors;

	harness_totals(&invocations, &errors);
	assert_int_equal(faas_stats(harness_runtime(), &stats), FAAS_OK);
	assert_int_equal(stats.invocations, invocations);
	assert_int_equal(stats.errors, errors);
	assert_int_equal(stats.queued, 0);
	assert_int_equal(stats.environments_busy, 0);
}

TEST(a_closed_runtime_leaves_nothing)
{
	struct report report = { .len = 0 };

	print_message("# %u verdicts, %u of them more than 50 ms late, the latest %.1f ms\n",
		      the.verdicts, the.late, the.latest_ms);
	harness_close();
	if (!holdings_returned(&the.empty, harness_slack_ms(), -1, &report))
		fail_msg("%s", report.text);
}

static int close_group(void **state)
{
	(void)state;
	if (harness_runtime())
		harness_close();
	bait_remove();
	return 0;
}

static const struct CMUnitTest last[] = {
	cmocka_unit_test(statistics_add_up),
	cmocka_unit_test(a_closed_runtime_leaves_nothing),
};

int run_hostile_group(const char *name, const struct hostile *rows, size_t count,
		      const struct CMUnitTest *others, size_t other_count)
{
	struct CMUnitTest *tests = calloc(count + other_count + COUNT(last), sizeof(*tests));
	const char *only = getenv("HOSTILE_ONLY");
	size_t n = 0;
	int failed;

	if (!tests)
		return 1;
	for (size_t i = 0; i < count; i++)
		tests[n++] = (struct CMUnitTest){ .name = rows[i].sentence,
						  .test_func = run_hostile,
						  .teardown_func = clean_up,
						  .initial_state = (void *)(uintptr_t)&rows[i] };
	for (size_t i = 0; i < other_count; i++, n++) {
		tests[n] = others[i];
		tests[n].teardown_func = clean_up;
	}
	for (size_t i = 0; i < COUNT(last); i++)
		tests[n++] = last[i];
	if (only)
		cmocka_set_test_filter(only);
	failed = _cmocka_run_group_tests(name, tests, n, open_group, close_group);
	free(tests);
	return failed != 0;
}
