/* SPDX-License-Identifier: MIT */
#include <support/test.h>

#include <outcome/outcome.h>

#define MS INT64_C(1000000)

static void assert_near(double value, double expected)
{
	double off = value > expected ? value - expected : expected - value;

	if (off > expected * 1e-12)
		fail_msg("%.15g is not %.15g", value, expected);
}

TEST(duration_and_init_are_rounded_up_after_adding)
{
	assert_int_equal(fa_billed_ms(133610000, 80000000), 214); /* AWS's own example */
	assert_int_equal(fa_billed_ms(3016780000, 84000000), 3101); /* past the timeout of 3 s */
	assert_int_equal(fa_billed_ms(MS / 2, MS / 2), 1);
	assert_int_equal(fa_billed_ms(MS / 2, MS / 2 + 1), 2);
}

TEST(whole_milliseconds_are_not_rounded)
{
	assert_int_equal(fa_billed_ms(MS, 0), 1);
	assert_int_equal(fa_billed_ms(900000 * MS, 10000 * MS), 910000);
}

TEST(a_nanosecond_is_billed_as_a_millisecond)
{
	assert_int_equal(fa_billed_ms(1, 0), 1);
	assert_int_equal(fa_billed_ms(MS + 1, 0), 2);
}

TEST(what_ran_within_one_look_at_the_clock_is_billed_a_millisecond)
{
	assert_int_equal(fa_billed_ms(0, 0), 1);
}

TEST(time_that_ran_backwards_is_not_taken_off)
{
	assert_int_equal(fa_billed_ms(-5 * MS, 0), 1);
	assert_int_equal(fa_billed_ms(-5 * MS, 2 * MS), 2);
}

TEST(gb_seconds_are_memory_times_billed_time)
{
	assert_near(fa_gb_seconds(1024, 1000), 1.0);
	assert_near(fa_gb_seconds(128, 1), 0.000125);
	assert_near(fa_gb_seconds(10240, 900000), 9000.0);
	assert_true(fa_gb_seconds(128, 0) == 0.0);
}

TEST(without_prices_it_costs_what_aws_asks)
{
	const struct faas_prices zero = { 0 };

	assert_near(fa_cost(NULL, 0.0), 0.0000002);
	assert_near(fa_cost(NULL, 1.0), 0.0000168667);
	assert_near(fa_cost(&zero, 1.0), 0.0000168667);
}

TEST(each_price_may_be_set_alone)
{
	const struct faas_prices request = { .per_request = 1.0 };
	const struct faas_prices second = { .per_gb_second = 0.5 };

	assert_near(fa_cost(&request, 2.0), 1.0000333334);
	assert_near(fa_cost(&second, 2.0), 1.0000002);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(duration_and_init_are_rounded_up_after_adding),
		cmocka_unit_test(whole_milliseconds_are_not_rounded),
		cmocka_unit_test(a_nanosecond_is_billed_as_a_millisecond),
		cmocka_unit_test(what_ran_within_one_look_at_the_clock_is_billed_a_millisecond),
		cmocka_unit_test(time_that_ran_backwards_is_not_taken_off),
		cmocka_unit_test(gb_seconds_are_memory_times_billed_time),
		cmocka_unit_test(without_prices_it_costs_what_aws_asks),
		cmocka_unit_test(each_price_may_be_set_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
