/* SPDX-License-Identifier: MIT */
#include <support/test.h>

#include <stdio.h>
#include <model/function.h>
#include <outcome/tally.h>

#define MANY 200
#define POINTS 6 /* of each invocation */

static struct fa_version versions[MANY];
static char version_names[MANY][16];
static struct fa_tally tally;
static struct faas_metric told[POINTS * MANY];
static int count;

static void on_metric(void *data, const struct faas_metric *metric)
{
	assert_ptr_equal(data, &count);
	assert_int_equal(metric->size, sizeof(*metric));
	assert_in_range(count, 0, POINTS * MANY - 1);
	told[count++] = *metric;
}

static int setup(void **state)
{
	(void)state;
	for (int i = 0; i < MANY; i++) {
		snprintf(version_names[i], sizeof(version_names[i]), "f%d", i);
		versions[i] = (struct fa_version){
			.refs = 1, .config.name = version_names[i], .qualifier = "$LATEST"
		};
	}
	count = 0;
	fa_tally_init(&tally, on_metric, &count);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fa_tally_tell(&tally);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(versions[i].refs, 1);
	return 0;
}

static void end(int version, int64_t duration_ns, bool failed, int concurrency, int64_t unix_ms)
{
	const struct fa_record record = {
		.kind = FA_RECORD_END,
		.duration_ns = duration_ns,
		.failed = failed,
		.concurrency = concurrency,
		.unreserved = concurrency + 1,
		.claimed = concurrency + 2,
		.unix_ms = unix_ms,
	};

	fa_tally_record(&tally, &versions[version], &record);
}

static const struct faas_metric *find(const char *function, const char *name)
{
	const struct faas_metric *found = NULL;

	for (int i = 0; i < count; i++) {
		if (strcmp(told[i].function, function) || strcmp(told[i].name, name))
			continue;
		assert_null(found); /* one point for each */
		found = &told[i];
	}
	return found;
}

static void assert_metric(const char *function, const char *name, const char *unit, double value,
			  uint64_t samples, double minimum, double maximum)
{
	const struct faas_metric *metric = find(function, name);

	if (!metric)
		fail_msg("no %s of %s", name, function);
	assert_string_equal(metric->unit, unit);
	assert_string_equal(metric->version, "$LATEST");
	assert_true(metric->value == value);
	assert_int_equal(metric->count, samples);
	assert_true(metric->minimum == minimum);
	assert_true(metric->maximum == maximum);
}

TEST(nothing_counted_is_nothing_told)
{
	fa_tally_tell(&tally);
	assert_int_equal(count, 0);
}

TEST(an_invocation_is_six_points)
{
	end(0, 3500000, false, 7, 1000);
	fa_tally_tell(&tally);
	assert_int_equal(count, POINTS);
	assert_metric("f0", "Invocations", "Count", 1, 1, 1, 1);
	assert_metric("f0", "Errors", "Count", 0, 1, 0, 0);
	assert_metric("f0", "Duration", "Milliseconds", 3.5, 1, 3.5, 3.5);
	assert_metric("f0", "ConcurrentExecutions", "Count", 7, 1, 7, 7);
	assert_metric("f0", "UnreservedConcurrentExecutions", "Count", 8, 1, 8, 8);
	assert_metric("f0", "ClaimedAccountConcurrency", "Count", 9, 1, 9, 9);
	assert_int_equal(told[0].time_ms, 1000);
}

TEST(invocations_of_one_function_are_summed)
{
	end(0, 1000000, false, 2, 1000);
	end(0, 4000000, true, 9, 1001);
	end(0, 2000000, false, 1, 1002);
	fa_tally_tell(&tally);
	assert_int_equal(count, POINTS);
	assert_metric("f0", "Invocations", "Count", 3, 3, 1, 1);
	assert_metric("f0", "Errors", "Count", 1, 3, 0, 1);
	assert_metric("f0", "Duration", "Milliseconds", 7, 3, 1, 4);
	assert_metric("f0", "ConcurrentExecutions", "Count", 12, 3, 1, 9);
	assert_int_equal(find("f0", "Errors")->time_ms, 1000);
}

TEST(a_timeout_is_an_error)
{
	const struct fa_record record = { .kind = FA_RECORD_END, .timed_out = 1 };

	fa_tally_record(&tally, &versions[0], &record);
	fa_tally_tell(&tally);
	assert_metric("f0", "Errors", "Count", 1, 1, 1, 1);
}

TEST(a_function_with_provisioned_environments_has_points_of_its_own)
{
	struct fa_record record = { .kind = FA_RECORD_END, .place = FA_PLACE_PROVISIONED,
				    .provisioned = 4, .provisioned_in_use = 1 };

	fa_tally_record(&tally, &versions[0], &record);
	record.place = FA_PLACE_SPILLOVER;
	record.provisioned_in_use = 4;
	fa_tally_record(&tally, &versions[0], &record);
	fa_tally_tell(&tally);
	assert_metric("f0", "Invocations", "Count", 2, 2, 1, 1);
	assert_metric("f0", "ProvisionedConcurrencyInvocations", "Count", 1, 1, 1, 1);
	assert_metric("f0", "ProvisionedConcurrencySpilloverInvocations", "Count", 1, 1, 1, 1);
	assert_metric("f0", "ProvisionedConcurrentExecutions", "Count", 5, 2, 1, 4);
	assert_metric("f0", "ProvisionedConcurrencyUtilization", "None", 1.25, 2, 0.25, 1);
}
TEST(a_throttle_is_neither_invocation_nor_error)
{
	const struct fa_record record = { .kind = FA_RECORD_THROTTLE };

	fa_tally_record(&tally, &versions[0], &record);
	fa_tally_record(&tally, &versions[0], &record);
	fa_tally_tell(&tally);
	assert_int_equal(count, 1);
	assert_metric("f0", "Throttles", "Count", 2, 2, 1, 1);
}

TEST(a_start_and_a_failed_init_count_nothing)
{
	const struct fa_record start = { .kind = FA_RECORD_START };
	const struct fa_record init = { .kind = FA_RECORD_INIT };

	fa_tally_record(&tally, &versions[0], &start);
	fa_tally_record(&tally, &versions[0], &init);
	fa_tally_tell(&tally);
	assert_int_equal(count, 0);
}

TEST(functions_are_kept_apart)
{
	end(0, 1000000, false, 1, 0);
	end(1, 5000000, true, 1, 0);
	end(0, 1000000, false, 1, 0);
	fa_tally_tell(&tally);
	assert_metric("f0", "Invocations", "Count", 2, 2, 1, 1);
	assert_metric("f1", "Invocations", "Count", 1, 1, 1, 1);
	assert_metric("f1", "Errors", "Count", 1, 1, 1, 1);
}

TEST(other_points_are_summed_by_name)
{
	char name[] = "AsyncEventAge"; /* equal, but not the same */

	fa_tally_add(&tally, &versions[0], "AsyncEventsReceived", "Count", 1, 5);
	fa_tally_add(&tally, &versions[0], "AsyncEventAge", "Milliseconds", 20, 6);
	fa_tally_add(&tally, &versions[0], name, "Milliseconds", 10, 7);
	fa_tally_tell(&tally);
	assert_int_equal(count, 2);
	assert_metric("f0", "AsyncEventsReceived", "Count", 1, 1, 1, 1);
	assert_metric("f0", "AsyncEventAge", "Milliseconds", 30, 2, 10, 20);
}

TEST(a_point_may_be_negative)
{
	fa_tally_add(&tally, &versions[0], "Drift", "Milliseconds", -3, 0);
	fa_tally_add(&tally, &versions[0], "Drift", "Milliseconds", -1, 0);
	fa_tally_tell(&tally);
	assert_metric("f0", "Drift", "Milliseconds", -4, 2, -3, -1);
}

TEST(after_telling_it_starts_from_nothing)
{
	end(0, 1000000, false, 1, 0);
	fa_tally_tell(&tally);
	count = 0;
	fa_tally_tell(&tally);
	assert_int_equal(count, 0);
	end(0, 2000000, false, 1, 0);
	fa_tally_tell(&tally);
	assert_metric("f0", "Duration", "Milliseconds", 2, 1, 2, 2);
}

static double sum_of(const char *name)
{
	double sum = 0;

	for (int i = 0; i < count; i++)
		if (!strcmp(told[i].name, name))
			sum += told[i].value;
	return sum;
}

TEST(more_functions_than_rows_lose_nothing)
{
	for (int i = 0; i < MANY; i++)
		end(i, 1000000, i % 2, 1, 0);
	fa_tally_tell(&tally);
	assert_int_equal(count, POINTS * MANY);
	assert_true(sum_of("Invocations") == MANY);
	assert_true(sum_of("Errors") == MANY / 2);
	for (int i = 0; i < MANY; i++)
		assert_metric(version_names[i], "Invocations", "Count", 1, 1, 1, 1);
}

TEST(more_names_than_points_lose_nothing)
{
	static char names[3 * FA_TALLY_POINTS][16];

	for (int i = 0; i < 3 * FA_TALLY_POINTS; i++) {
		snprintf(names[i], sizeof(names[i]), "N%d", i);
		fa_tally_add(&tally, &versions[0], names[i], "Count", 1, 0);
		end(0, 1000000, false, 1, 0);
	}
	fa_tally_tell(&tally);
	assert_true(sum_of("Invocations") == 3 * FA_TALLY_POINTS);
	for (int i = 0; i < 3 * FA_TALLY_POINTS; i++)
		assert_metric("f0", names[i], "Count", 1, 1, 1, 1);
}

#define ROW(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(nothing_counted_is_nothing_told),
		ROW(an_invocation_is_six_points),
		ROW(invocations_of_one_function_are_summed),
		ROW(a_timeout_is_an_error),
		ROW(a_function_with_provisioned_environments_has_points_of_its_own),
		ROW(a_throttle_is_neither_invocation_nor_error),
		ROW(a_start_and_a_failed_init_count_nothing),
		ROW(functions_are_kept_apart),
		ROW(other_points_are_summed_by_name),
		ROW(a_point_may_be_negative),
		ROW(after_telling_it_starts_from_nothing),
		ROW(more_functions_than_rows_lose_nothing),
		ROW(more_names_than_points_lose_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
