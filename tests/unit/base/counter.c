/* SPDX-License-Identifier: MIT */
#include <support/test.h>

#include <pthread.h>
#include <time.h>
#include <base/counter.h>

#define RUN_NS 150000000 /* many anchors, and a few measurements of the rate */
#define APART_NS 2000

static int64_t kernel_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* However long a reading is interrupted, the time it tells was one in between. */
static void *compare(void *data)
{
	int64_t end = kernel_ns() + RUN_NS, before, told, after, last = 0;
	uint64_t *wrong = data;

	do {
		before = kernel_ns();
		told = fa_counter_now_ns();
		after = kernel_ns();
		*wrong += told < before - APART_NS || told > after + APART_NS || told < last;
		last = told;
	} while (after < end);
	return NULL;
}

TEST(until_it_is_enabled_it_is_the_kernel_s)
{
	int64_t before = kernel_ns(), told = fa_counter_now_ns();

	assert_in_range(told, before, kernel_ns());
	assert_false(fa_counter_is_running());
}

TEST(it_keeps_to_the_kernel_s_clock_and_never_goes_back)
{
	uint64_t wrong = 0;

	fa_counter_enable();
	compare(&wrong);
	assert_int_equal(wrong, 0);
	if (!fa_counter_is_running())
		skip(); /* then it was the kernel's own */
}

TEST(several_threads_may_read_it)
{
	pthread_t threads[4];
	uint64_t wrong[4] = { 0 };

	fa_counter_enable();
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, compare, &wrong[i]), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(wrong[i], 0);
	}
}

TEST(after_a_silence_it_is_right_at_once)
{
	static const struct timespec silence = { .tv_nsec = 20000000 };
	uint64_t wrong = 0;

	fa_counter_enable();
	for (int i = 0; i < 5; i++) {
		int64_t before, told;

		nanosleep(&silence, NULL);
		before = kernel_ns();
		told = fa_counter_now_ns();
		wrong += told < before - APART_NS || told > kernel_ns() + APART_NS;
	}
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(until_it_is_enabled_it_is_the_kernel_s),
		cmocka_unit_test(it_keeps_to_the_kernel_s_clock_and_never_goes_back),
		cmocka_unit_test(several_threads_may_read_it),
		cmocka_unit_test(after_a_silence_it_is_right_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
