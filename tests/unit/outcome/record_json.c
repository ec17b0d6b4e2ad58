/* SPDX-License-Identifier: MIT */
#include <support/test.h>

#include <base/json.h>
#include <model/function.h>
#include <outcome/record_json.h>

#define ID "8f5a1f9e-2b1c-4d4e-9a53-0a1b2c3d4e5f"
#define TIME(ms) "{\"time\":\"2023-11-14T22:13:20." ms "Z\",\"type\":\"platform."
#define PHASE "{\"initializationType\":\"on-demand\",\"phase\":\"init\""

static struct fa_record record;
static struct fa_version version;
static char lines[8][FA_JSON_RECORD_MAX];
static enum faas_level levels[8];
static int count;

static int setup(void **state)
{
	(void)state;
	record = (struct fa_record){
		.kind = FA_RECORD_END,
		.memory_mb = 128,
		.unix_ms = 1700000000500,
		.duration_ns = 3010400,
		.billed_ms = 4,
		.peak_kb = 36 * 1024,
		.produced = 12,
		.request_id = ID,
	};
	version = (struct fa_version){ .qualifier = "$LATEST",
				       .config.name = "f",
				       .logging = { true, FAAS_INFO, FAAS_DEBUG } };
	return 0;
}

static void keep(void *data, enum faas_level level, const struct fa_record *r, const char *text,
		 size_t len)
{
	assert_null(data);
	assert_ptr_equal(r, &record);
	assert_true(count < 8);
	assert_true(fa_json_valid(text, len, NULL));
	memcpy(lines[count], text, len);
	lines[count][len] = '\0';
	levels[count++] = level;
}

static int render(void)
{
	count = 0;
	fa_render_json(&record, &version, keep, NULL);
	return count;
}

static void line_is(int i, enum faas_level level, const char *text)
{
	assert_true(i < count);
	assert_string_equal(lines[i], text);
	assert_int_equal(levels[i], level);
}

TEST(an_invocation_begins_with_platform_start)
{
	record.kind = FA_RECORD_START;
	assert_int_equal(render(), 1);
	line_is(0, FAAS_INFO,
		TIME("500") "start\",\"record\":{\"requestId\":\"" ID
			    "\",\"version\":\"$LATEST\"}}");
}

#define HEADER "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
#define TRACING "\"type\":\"X-Amzn-Trace-Id\",\"value\":\"" HEADER "\"}}}"

TEST(a_trace_is_told_at_both_ends_and_the_span_is_of_who_traces)
{
	record.trace = HEADER;
	render();
	assert_non_null(strstr(lines[0], "\"producedBytes\":12},\"tracing\":{" TRACING));
	assert_null(strstr(lines[1], "tracing"));
	record.kind = FA_RECORD_START;
	version.traced = true;
	render();
	line_is(0, FAAS_INFO,
		TIME("500") "start\",\"record\":{\"requestId\":\"" ID
			    "\",\"version\":\"$LATEST\",\"tracing\":{\"spanId\":"
			    "\"53995c3f42cd8ad8\"," TRACING);
}

TEST(a_cold_start_begins_with_its_init)
{
	record.kind = FA_RECORD_START;
	record.cold = true;
	assert_int_equal(render(), 2);
	line_is(0, FAAS_DEBUG,
		TIME("500") "initStart\",\"record\":" PHASE ",\"functionName\":\"f\","
			    "\"functionVersion\":\"$LATEST\"}}");
}

TEST(an_invocation_ends_with_what_it_took)
{
	assert_int_equal(render(), 2);
	line_is(0, FAAS_DEBUG,
		TIME("500") "runtimeDone\",\"record\":{\"requestId\":\"" ID
			    "\",\"status\":\"success\",\"metrics\":{\"durationMs\":3.010,"
			    "\"producedBytes\":12}}}");
	line_is(1, FAAS_INFO,
		TIME("500") "report\",\"record\":{\"requestId\":\"" ID
			    "\",\"metrics\":{\"durationMs\":3.010,\"billedDurationMs\":4,"
			    "\"memorySizeMB\":128,\"maxMemoryUsedMB\":36},"
			    "\"status\":\"success\"}}");
}

TEST(the_end_of_a_cold_start_tells_of_its_init_first)
{
	record.init_ns = 84000000;
	record.duration_ns = 3900000;
	assert_int_equal(render(), 4);
	line_is(0, FAAS_DEBUG,
		TIME("497") "initRuntimeDone\",\"record\":" PHASE ",\"status\":\"success\"}}");
	line_is(1, FAAS_DEBUG,
		TIME("497") "initReport\",\"record\":" PHASE ",\"status\":\"success\",\"metrics\":{"
			    "\"durationMs\":84.000}}}");
	assert_non_null(strstr(lines[3], "\"maxMemoryUsedMB\":36,\"initDurationMs\":84.000}"));
}

TEST(a_failure_is_a_warning_and_has_its_type)
{
	record.failed = true;
	strcpy(record.error_type, "Runtime.ExitError");
	render();
	assert_int_equal(levels[0], FAAS_WARN);
	assert_int_equal(levels[1], FAAS_WARN);
	assert_non_null(
		strstr(lines[0], "\"status\":\"error\",\"errorType\":\"Runtime.ExitError\""));
	assert_non_null(
		strstr(lines[1], "\"status\":\"error\",\"errorType\":\"Runtime.ExitError\"}}"));
	strcpy(record.error_type, "\"evil\"");
	render();
	assert_non_null(strstr(lines[1], "\"errorType\":\"Runtime.Unknown\"}}"));
}

TEST(a_timeout_is_called_one)
{
	record.failed = record.timed_out = true;
	render();
	assert_non_null(strstr(lines[1], "},\"status\":\"timeout\"}}"));
}

TEST(a_failed_init_is_told_at_once)
{
	record.kind = FA_RECORD_INIT;
	record.failed = record.init_timed_out = true;
	record.init_ns = 10000000000;
	assert_int_equal(render(), 2);
	line_is(0, FAAS_WARN,
		TIME("500") "initRuntimeDone\",\"record\":" PHASE ",\"status\":\"timeout\"}}");
	line_is(1, FAAS_WARN,
		TIME("500") "initReport\",\"record\":" PHASE ",\"status\":\"timeout\",\"metrics\":{"
			    "\"durationMs\":10000.000}}}");
}

TEST(an_init_inside_the_invocation_is_of_that_phase)
{
	record.kind = FA_RECORD_INIT;
	record.failed = record.suppressed = true;
	assert_int_equal(render(), 2);
	assert_non_null(strstr(lines[0], "\"phase\":\"invoke\",\"status\":\"error\""));
	assert_non_null(strstr(lines[1], "\"phase\":\"invoke\",\"status\":\"error\""));
}

TEST(an_init_ahead_of_any_event_is_of_a_provisioned_environment)
{
	record.kind = FA_RECORD_INIT;
	record.ahead = true;
	record.init_ns = 300000000;
	assert_int_equal(render(), 3);
	line_is(0, FAAS_DEBUG,
		TIME("200") "initStart\",\"record\":{\"initializationType\":"
			    "\"provisioned-concurrency\",\"phase\":\"init\",\"functionName\":\"f\","
			    "\"functionVersion\":\"$LATEST\"}}");
	assert_int_equal(levels[2], FAAS_INFO);
}

TEST(a_restore_is_not_called_init)
{
	record.restored = true;
	record.init_ns = 562430000;
	assert_int_equal(render(), 4);
	assert_non_null(strstr(lines[0], "\"type\":\"platform.restoreRuntimeDone\",\"record\":{"
					 "\"status\":\"success\"}"));
	assert_non_null(strstr(lines[1], "platform.restoreReport"));
	assert_int_equal(levels[1], FAAS_INFO);
	assert_non_null(strstr(lines[3], "\"restoreDurationMs\":562.430,"
					 "\"billedRestoreDurationMs\":563}"));
	record.kind = FA_RECORD_START;
	record.cold = true;
	render();
	assert_non_null(strstr(lines[0], "\"type\":\"platform.restoreStart\",\"record\":{"
					 "\"functionName\":\"f\""));
}

TEST(what_is_below_the_level_is_not_told)
{
	version.logging.system = FAAS_INFO;
	record.init_ns = 1;
	assert_int_equal(render(), 1);
	assert_non_null(strstr(lines[0], "platform.report"));
	version.logging.system = FAAS_WARN;
	assert_int_equal(render(), 0);
	record.failed = true;
	assert_int_equal(render(), 2);
	record.kind = FA_RECORD_START;
	assert_int_equal(render(), 0);
}

TEST(a_throttle_is_no_event_of_the_log)
{
	record.kind = FA_RECORD_THROTTLE;
	assert_int_equal(render(), 0);
}

TEST(the_longest_line_has_room)
{
	char name[129], trace[FA_TRACE_MAX + 1];

	memset(trace, '\x01', FA_TRACE_MAX);
	trace[FA_TRACE_MAX] = '\0';
	record.trace = trace;
	version.traced = true;
	memset(name, 'n', sizeof(name) - 1);
	name[128] = '\0';
	version.qualifier = name;
	version.config.name = name;
	record.unix_ms = 253402300799999; /* the last of the year 9999 */
	record.duration_ns = record.init_ns = record.billed_ms = record.peak_kb = INT64_MAX / 2;
	record.memory_mb = INT32_MAX;
	record.produced = UINT32_MAX;
	record.failed = true;
	memset(record.error_type, 'e', 63);
	memcpy(record.error_type, "Runtime.E", 9);
	render(); /* each is whole JSON, or keep() would say so */
	record.kind = FA_RECORD_START;
	record.cold = true;
	render();
}

TEST(dropped_lines_are_an_event_too)
{
	char text[FA_JSON_RECORD_MAX];
	size_t len = fa_render_json_dropped(text, record.unix_ms, 4096);

	assert_int_equal(len, strlen(text));
	assert_true(fa_json_valid(text, len, NULL));
	assert_non_null(strstr(text, "\"type\":\"platform.logsDropped\""));
	assert_non_null(strstr(text, "\"droppedBytes\":4096}}"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define ROW(name) cmocka_unit_test_setup(name, setup)
		ROW(an_invocation_begins_with_platform_start),
		ROW(a_trace_is_told_at_both_ends_and_the_span_is_of_who_traces),
		ROW(a_cold_start_begins_with_its_init),
		ROW(an_invocation_ends_with_what_it_took),
		ROW(the_end_of_a_cold_start_tells_of_its_init_first),
		ROW(a_failure_is_a_warning_and_has_its_type),
		ROW(a_timeout_is_called_one),
		ROW(a_failed_init_is_told_at_once),
		ROW(an_init_inside_the_invocation_is_of_that_phase),
		ROW(an_init_ahead_of_any_event_is_of_a_provisioned_environment),
		ROW(a_restore_is_not_called_init),
		ROW(what_is_below_the_level_is_not_told),
		ROW(a_throttle_is_no_event_of_the_log),
		ROW(the_longest_line_has_room),
		ROW(dropped_lines_are_an_event_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
