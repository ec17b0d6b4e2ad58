/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include <admit/rate.h>

#define SECOND 1000000000LL
#define START (1700000000 * SECOND)

static int take_all(struct fa_rate *rate, int size, int64_t now_ns)
{
	int n = 0;

	while (n < 10000 && fa_rate_take(rate, size, SECOND, now_ns))
		n++;
	return n;
}

TEST(a_full_bucket_gives_its_size_at_once_and_not_one_more)
{
	static const int sizes[] = { 1, 2, 3, 7, 1000, 9999 };

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		assert_int_equal(take_all(&(struct fa_rate){ 0 }, sizes[i], START), sizes[i]);
}

TEST(it_fills_evenly)
{
	struct fa_rate rate = { 0 };

	assert_int_equal(take_all(&rate, 10, START), 10);
	assert_int_equal(take_all(&rate, 10, START + SECOND / 10 - 1), 0);
	assert_int_equal(take_all(&rate, 10, START + SECOND / 10), 1);
	assert_int_equal(take_all(&rate, 10, START + SECOND / 2), 4);
}

TEST(what_is_not_used_does_not_add_up)
{
	struct fa_rate rate = { 0 };

	assert_int_equal(take_all(&rate, 10, START), 10);
	assert_int_equal(take_all(&rate, 10, START + 3600 * SECOND), 10);
}

TEST(it_tells_when_there_is_one_to_take)
{
	struct fa_rate rate = { 0 };
	int64_t next_ns;

	assert_int_equal(take_all(&rate, 4, START), 4);
	next_ns = fa_rate_next_ns(&rate, 4, SECOND);
	assert_int_equal(next_ns, START + SECOND / 4);
	assert_false(fa_rate_take(&rate, 4, SECOND, next_ns - 1));
	assert_true(fa_rate_take(&rate, 4, SECOND, next_ns));
}

TEST(an_empty_bucket_has_none)
{
	assert_int_equal(take_all(&(struct fa_rate){ 0 }, 0, START), 0);
	assert_int_equal(take_all(&(struct fa_rate){ 0 }, -1, START), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_bucket_gives_its_size_at_once_and_not_one_more),
		cmocka_unit_test(it_fills_evenly),
		cmocka_unit_test(what_is_not_used_does_not_add_up),
		cmocka_unit_test(it_tells_when_there_is_one_to_take),
		cmocka_unit_test(an_empty_bucket_has_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
