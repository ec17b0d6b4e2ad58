/* SPDX-License-Identifier: MIT */
/* When an asynchronous event comes again, to the nanosecond. */
#include "support/test.h"

#include <queue/retry.h>

#define SECOND 1000000000LL
#define HOURS_6 21600

TEST(a_throttle_waits_one_second_doubling_to_five_minutes)
{
	static const int want_s[] = { 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300 };
	struct fa_retry retry = { 0 };
	int64_t delay = 0;

	for (size_t i = 0; i < sizeof(want_s) / sizeof(*want_s); i++) {
		assert_int_equal(fa_retry_after_throttle(&retry, HOURS_6, 0, &delay),
				 FA_RETRY_AGAIN);
		assert_int_equal(delay, want_s[i] * SECOND);
	}
	assert_int_equal(retry.attempts, 0);
}

TEST(after_an_attempt_throttles_begin_with_a_second_again)
{
	struct fa_retry retry = { .throttles = 7 };
	int64_t delay = 0;

	assert_int_equal(fa_retry_after_error(&retry, 2, HOURS_6, 0, &delay), FA_RETRY_AGAIN);
	assert_int_equal(delay, 60 * SECOND);
	assert_int_equal(fa_retry_after_throttle(&retry, HOURS_6, 0, &delay), FA_RETRY_AGAIN);
	assert_int_equal(delay, SECOND);
	assert_int_equal(fa_retry_after_error(&retry, 2, HOURS_6, 0, &delay), FA_RETRY_AGAIN);
	assert_int_equal(delay, 120 * SECOND);
	assert_int_equal(fa_retry_after_error(&retry, 2, HOURS_6, 0, &delay), FA_RETRY_EXHAUSTED);
}

/* An attempt takes time: of a minute's age, the one after a minute is too late. */
TEST(an_event_that_would_be_too_old_at_its_next_turn_has_none)
{
	struct fa_retry retry = { .accepted_ns = 5 };
	int64_t delay = 0;

	assert_int_equal(fa_retry_after_error(&retry, 2, 60, 5, &delay), FA_RETRY_AGAIN);
	retry.attempts = 0;
	assert_int_equal(fa_retry_after_error(&retry, 2, 60, 6, &delay), FA_RETRY_EXPIRED);
	retry.throttles = 0;
	assert_int_equal(fa_retry_after_throttle(&retry, 60, 5 + 59 * SECOND, &delay),
			 FA_RETRY_AGAIN);
	retry.throttles = 0;
	assert_int_equal(fa_retry_after_throttle(&retry, 60, 6 + 59 * SECOND, &delay),
			 FA_RETRY_EXPIRED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_throttle_waits_one_second_doubling_to_five_minutes),
		cmocka_unit_test(after_an_attempt_throttles_begin_with_a_second_again),
		cmocka_unit_test(an_event_that_would_be_too_old_at_its_next_turn_has_none),
	};

	return cmocka_run_group_tests_name("queue/retry", tests, NULL, NULL);
}
