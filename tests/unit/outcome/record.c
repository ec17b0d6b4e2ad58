/* SPDX-License-Identifier: MIT */
#include <support/test.h>

#include <stdio.h>

#include <outcome/record.h>

#define ID "8f5a1f9e-2b1c-4d4e-9a53-0a1b2c3d4e5f"
#define MS INT64_C(1000000)

static struct fa_record record;
static struct fa_lines lines;
static char out[FA_REPORT_MAX];

static int setup(void **state)
{
	(void)state;
	record = (struct fa_record){
		.kind = FA_RECORD_END,
		.memory_mb = 128,
		.duration_ns = 3010000,
		.billed_ms = 4,
		.peak_kb = 36 * 1024,
		.request_id = ID,
	};
	memset(out, 'Z', sizeof(out));
	memset(&lines, 'Z', sizeof(lines));
	fa_lines_init(&lines);
	fa_lines_version(&lines, "$LATEST");
	return 0;
}

static void assert_line(size_t len, const char *expected)
{
	assert_string_equal(out, expected);
	assert_int_equal(len, strlen(expected));
}

static void assert_text(struct faas_bytes text, const char *expected)
{
	assert_string_equal(text.data, expected);
	assert_int_equal(text.len, strlen(expected));
}

static struct faas_bytes start_line(void)
{
	fa_lines_record(&lines, &record);
	return fa_lines_start(&lines);
}

static struct faas_bytes end_line(void)
{
	fa_lines_record(&lines, &record);
	return fa_lines_end(&lines);
}

static struct faas_bytes report_line(void)
{
	fa_lines_record(&lines, &record);
	return fa_lines_report(&lines, &record);
}

static void assert_report(const char *expected)
{
	assert_text(report_line(), expected);
}

/* What it has to say lies in `out`. */
static void report(void)
{
	struct faas_bytes text = report_line();

	assert_in_range(text.len, 1, FA_REPORT_MAX - 1);
	memcpy(out, text.data, text.len + 1);
}

TEST(start_names_the_version)
{
	assert_text(start_line(), "START RequestId: " ID " Version: $LATEST");
}

TEST(end_is_short)
{
	assert_text(end_line(), "END RequestId: " ID);
}

static void name(const char *id)
{
	memset(record.request_id, 0, sizeof(record.request_id));
	memcpy(record.request_id, id, strlen(id));
}

static void assert_lines_name(const char *id, const char *version)
{
	char expected[FA_REPORT_MAX];

	name(id);
	snprintf(expected, sizeof(expected), "START RequestId: %s Version: %s", id, version);
	assert_text(start_line(), expected);
	snprintf(expected, sizeof(expected), "END RequestId: %s", id);
	assert_text(end_line(), expected);
	snprintf(expected, sizeof(expected),
		 "REPORT RequestId: %s\tDuration: 3.01 ms\tBilled Duration: 4 ms\t"
		 "Memory Size: 128 MB\tMax Memory Used: 36 MB\t",
		 id);
	assert_report(expected);
}

TEST(nothing_is_left_of_the_line_before)
{
	assert_lines_name(ID, "$LATEST");
	assert_lines_name("a-much-longer-name-of-40-characters-here", "$LATEST");
	assert_lines_name("short", "$LATEST");
	assert_lines_name("", "$LATEST");
	assert_lines_name("00000000-2b1c-4d4e-9a53-0a1b2c3d4e5f", "$LATEST");
	fa_lines_version(&lines, "7");
	assert_lines_name(ID, "7");
	fa_lines_version(&lines, "71");
	assert_lines_name(ID, "71");
	fa_lines_version(&lines, "7");
	assert_lines_name(ID, "7");
}

TEST(a_report_tells_its_own_memory_and_end)
{
	record.init_ns = 84 * MS;
	record.failed = record.timed_out = 1;
	record.memory_mb = 10240;
	record.peak_kb = 9999 * 1024;
	report();
	assert_non_null(strstr(out, "Memory Size: 10240 MB\tMax Memory Used: 9999 MB\tInit"));
	record.init_ns = record.failed = record.timed_out = 0;
	record.memory_mb = 128;
	report();
	assert_non_null(strstr(out, "Memory Size: 128 MB\tMax Memory Used: 9999 MB\t"));
	record.peak_kb = 36 * 1024;
	assert_lines_name(ID, "$LATEST");
}

TEST(an_ordinary_report_ends_with_a_tab)
{
	assert_report("REPORT RequestId: " ID "\tDuration: 3.01 ms\tBilled Duration: 4 ms\t"
		      "Memory Size: 128 MB\tMax Memory Used: 36 MB\t");
}

TEST(a_report_of_a_cold_start_tells_init_behind_memory)
{
	record.init_ns = 110100000;
	record.billed_ms = 114;
	assert_report("REPORT RequestId: " ID "\tDuration: 3.01 ms\tBilled Duration: 114 ms\t"
		      "Memory Size: 128 MB\tMax Memory Used: 36 MB\tInit Duration: 110.10 ms\t");
}

TEST(a_report_of_a_timeout_ends_with_its_status)
{
	record.init_ns = 84 * MS;
	record.duration_ns = 3016780000;
	record.billed_ms = 3101;
	record.peak_kb = 31 * 1024;
	record.timed_out = record.failed = 1;
	assert_report("REPORT RequestId: " ID "\tDuration: 3016.78 ms\t"
		      "Billed Duration: 3101 ms\tMemory Size: 128 MB\tMax Memory Used: 31 MB\t"
		      "Init Duration: 84.00 ms\tStatus: timeout");
}

TEST(a_report_of_an_error_names_its_type)
{
	record.failed = 1;
	strcpy(record.error_type, "Runtime.ExitError");
	assert_report("REPORT RequestId: " ID "\tDuration: 3.01 ms\tBilled Duration: 4 ms\t"
		      "Memory Size: 128 MB\tMax Memory Used: 36 MB\t"
		      "Status: error\tError Type: Runtime.ExitError");
}

static const char *type_in_report(const char *type)
{
	setup(NULL);
	record.failed = 1;
	memset(record.error_type, 0, sizeof(record.error_type));
	memcpy(record.error_type, type, strnlen(type, sizeof(record.error_type)));
	report();
	return strstr(out, "Error Type: ") + strlen("Error Type: ");
}

TEST(types_of_the_platform_s_two_families_stay_as_they_are)
{
	assert_string_equal(type_in_report("Runtime.BadArgument"), "Runtime.BadArgument");
	assert_string_equal(type_in_report("Runtime.OutOfMemory"), "Runtime.OutOfMemory");
	assert_string_equal(type_in_report("Function.ResponseSizeTooLarge"),
			    "Function.ResponseSizeTooLarge");
	assert_string_equal(type_in_report("Extension.Crash"), "Extension.Crash");
}

TEST(other_types_are_unknown_in_their_family)
{
	assert_string_equal(type_in_report(""), "Runtime.Unknown");
	assert_string_equal(type_in_report("ValueError"), "Runtime.Unknown");
	assert_string_equal(type_in_report("Runtime"), "Runtime.Unknown");
	assert_string_equal(type_in_report("Runtime."), "Runtime.Unknown");
	assert_string_equal(type_in_report("Runtime.x"), "Runtime.Unknown");
	assert_string_equal(type_in_report("Runtime.X"), "Runtime.Unknown");
	assert_string_equal(type_in_report("Function.my_own"), "Function.Unknown");
	assert_string_equal(type_in_report("Extension.my_own"), "Runtime.Unknown");
	assert_string_equal(type_in_report("F"), "Runtime.Unknown");
}

TEST(no_type_can_forge_another_line)
{
	assert_string_equal(type_in_report("Runtime.Xyz\nREPORT RequestId: x"), "Runtime.Unknown");
	assert_string_equal(type_in_report("Function.Xyz\tStatus: ok"), "Function.Unknown");
}

static const char *duration(int64_t ns)
{
	char *end;

	record.duration_ns = ns;
	report();
	end = strstr(out, "\tBilled");
	*end = '\0';
	return strstr(out, "Duration: ") + strlen("Duration: ");
}

TEST(times_are_rounded_to_the_nearest_hundredth)
{
	assert_string_equal(duration(0), "0.00 ms");
	assert_string_equal(duration(4999), "0.00 ms");
	assert_string_equal(duration(5000), "0.01 ms");
	assert_string_equal(duration(994999), "0.99 ms");
	assert_string_equal(duration(995000), "1.00 ms");
	assert_string_equal(duration(900000 * MS), "900000.00 ms");
	assert_string_equal(duration(-1), "0.00 ms");
}

TEST(a_begun_megabyte_counts_as_used)
{
	record.peak_kb = 36 * 1024 + 1;
	report();
	assert_non_null(strstr(out, "Max Memory Used: 37 MB"));
	record.peak_kb = 0;
	report();
	assert_non_null(strstr(out, "Max Memory Used: 0 MB"));
}

TEST(a_failed_init_is_reported_with_its_phase)
{
	record.init_ns = 1236040000;
	record.failed = 1;
	strcpy(record.error_type, "Runtime.ExitError");
	assert_line(fa_render_init_report(out, &record),
		    "INIT_REPORT Init Duration: 1236.04 ms\tPhase: init\tStatus: error\t"
		    "Error Type: Runtime.ExitError");
}

TEST(an_init_inside_the_invocation_says_so)
{
	record.init_ns = 3006560000;
	record.suppressed = record.failed = record.init_timed_out = 1;
	assert_line(fa_render_init_report(out, &record),
		    "INIT_REPORT Init Duration: 3006.56 ms\tPhase: invoke\tStatus: timeout");
}

TEST(an_init_ahead_of_any_event_is_reported_as_an_invocation_is)
{
	record.init_ns = 84 * MS;
	assert_line(fa_render_init_report(out, &record),
		    "INIT_REPORT Init Duration: 84.00 ms\tPhase: init\t");
}

TEST(a_report_of_a_restore_tells_what_of_it_is_billed)
{
	record.restored = 1;
	record.duration_ns = 127100000;
	record.init_ns = 25300000;
	record.billed_ms = 154;
	record.peak_kb = 88 * 1024;
	assert_report("REPORT RequestId: " ID "\tDuration: 127.10 ms\tBilled Duration: 154 ms\t"
		      "Memory Size: 128 MB\tMax Memory Used: 88 MB\tRestore Duration: 25.30 ms\t"
		      "Billed Restore Duration: 26 ms\t");
}

TEST(a_failed_restore_is_reported_as_one)
{
	record.restored = 1;
	record.init_ns = 1236040000;
	record.failed = 1;
	strcpy(record.error_type, "Runtime.ExitError");
	assert_line(fa_render_init_report(out, &record),
		    "RESTORE_REPORT Restore Duration: 1236.04 ms\tStatus: error\t"
		    "Error Type: Runtime.ExitError");
}

TEST(an_init_that_took_too_long_is_reported_as_timeout)
{
	record.init_ns = 10000 * MS;
	record.init_timed_out = 1;
	assert_line(fa_render_init_report(out, &record),
		    "INIT_REPORT Init Duration: 10000.00 ms\tPhase: init\tStatus: timeout");
}

TEST(the_longest_of_everything_fits)
{
	char version[300];

	memset(&record, 'x', sizeof(record)); /* no NUL anywhere */
	memcpy(record.error_type, "Function.", 9);
	record.error_type[sizeof(record.error_type) - 1] = '\0';
	record.error_type[9] = 'X';
	record.timed_out = 0;
	record.duration_ns = record.init_ns = record.billed_ms = record.peak_kb = INT64_MAX - 9999;
	memset(version, 'v', sizeof(version));
	version[sizeof(version) - 1] = '\0';
	report();
	assert_non_null(strstr(out, "Function.Xxx"));
	assert_true(fa_render_init_report(out, &record) < FA_REPORT_MAX);
	fa_lines_version(&lines, version);
	assert_int_equal(end_line().len, strlen("END RequestId: ") + 40);
	assert_int_equal(start_line().len,
			 strlen("START RequestId:  Version: ") + 40 + FA_LINE_VERSION_MAX);
}

#define ROW(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(start_names_the_version),
		ROW(end_is_short),
		ROW(nothing_is_left_of_the_line_before),
		ROW(a_report_tells_its_own_memory_and_end),
		ROW(an_ordinary_report_ends_with_a_tab),
		ROW(a_report_of_a_cold_start_tells_init_behind_memory),
		ROW(a_report_of_a_timeout_ends_with_its_status),
		ROW(a_report_of_an_error_names_its_type),
		ROW(types_of_the_platform_s_two_families_stay_as_they_are),
		ROW(other_types_are_unknown_in_their_family),
		ROW(no_type_can_forge_another_line),
		ROW(times_are_rounded_to_the_nearest_hundredth),
		ROW(a_begun_megabyte_counts_as_used),
		ROW(a_failed_init_is_reported_with_its_phase),
		ROW(an_init_inside_the_invocation_says_so),
		ROW(an_init_ahead_of_any_event_is_reported_as_an_invocation_is),
		ROW(a_report_of_a_restore_tells_what_of_it_is_billed),
		ROW(a_failed_restore_is_reported_as_one),
		ROW(an_init_that_took_too_long_is_reported_as_timeout),
		ROW(the_longest_of_everything_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
