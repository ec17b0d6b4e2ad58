/* SPDX-License-Identifier: MIT */
#include <support/test.h>

#include <semaphore.h>
#include <signal.h>
#include <unistd.h>

#include <base/chores.h>

#define MANY (FA_CHORE_THREADS + 3)

static uv_loop_t uv;
static struct fa_loop loop;
static struct fa_chores chores;
static struct fa_clock_virtual fake;
static sem_t entered, go_on;
static int done;
static pthread_t threads[MANY];
static sigset_t masks[MANY];

struct one {
	struct fa_chore chore; /* first */
	int number;
};

static struct one all[MANY];

static void run(struct fa_chore *chore)
{
	int number = ((struct one *)chore)->number;

	threads[number] = pthread_self();
	pthread_sigmask(SIG_SETMASK, NULL, &masks[number]);
	sem_post(&entered);
	while (sem_wait(&go_on))
		;
}

static void on_done(struct fa_chore *chore)
{
	(void)chore;
	done++;
}

static int setup(void **state)
{
	sigset_t none;

	(void)state;
	sigemptyset(&none);
	pthread_sigmask(SIG_SETMASK, &none, NULL);
	done = 0;
	memset(&chores, 0, sizeof(chores));
	sem_init(&entered, 0, 0);
	sem_init(&go_on, 0, 0);
	fa_clock_virtual_init(&fake, 0);
	assert_int_equal(uv_loop_init(&uv), 0);
	assert_int_equal(fa_loop_init(&loop, &uv, &fa_mem_libc, &fake.clock, NULL), 0);
	fa_chores_init(&chores, &loop);
	for (int i = 0; i < MANY; i++)
		all[i] = (struct one){ { .run = run, .done = on_done }, i };
	return 0;
}

static void on_closed(void *data)
{
	(void)data;
}

static int teardown(void **state)
{
	(void)state;
	fa_chores_finish(&chores);
	fa_loop_close(&loop, on_closed, NULL);
	uv_run(&uv, UV_RUN_DEFAULT);
	return uv_loop_close(&uv);
}

static void add(int number)
{
	fa_chores_add(&chores, &all[number].chore);
}

static void await_entered(int count)
{
	while (count--)
		while (sem_wait(&entered))
			;
}

static void await_done(int count)
{
	while (done < count && !usleep(100))
		uv_run(&uv, UV_RUN_NOWAIT);
}

static void await_idle(int count)
{
	int idle;

	do {
		pthread_mutex_lock(&chores.lock);
		idle = chores.idle;
		pthread_mutex_unlock(&chores.lock);
	} while (idle < count && !usleep(100));
}

TEST(one_after_the_other_needs_one_thread)
{
	for (int i = 0; i < 3; i++) {
		sem_post(&go_on);
		add(i);
		await_done(i + 1);
		await_idle(1);
	}
	assert_int_equal(chores.count, 1);
	assert_true(pthread_equal(threads[0], threads[2]));
	assert_false(pthread_equal(threads[0], pthread_self()));
}

/* Each of them waits for the others, so threads that were fewer would never come to an end. */
TEST(as_many_run_at_once_as_there_may_be_threads_and_the_rest_in_order)
{
	for (int i = 0; i < MANY; i++)
		add(i);
	await_entered(FA_CHORE_THREADS);
	assert_int_equal(chores.count, FA_CHORE_THREADS);
	assert_int_not_equal(sem_trywait(&entered), 0);
	for (int i = FA_CHORE_THREADS; i < MANY; i++) {
		sem_post(&go_on);
		await_done(i - FA_CHORE_THREADS + 1);
		await_entered(1);
	}
	for (int i = 0; i < FA_CHORE_THREADS; i++)
		sem_post(&go_on);
	await_done(MANY);
	assert_int_equal(chores.count, FA_CHORE_THREADS);
}

TEST(a_thread_that_is_busy_counts_for_none)
{
	add(0);
	await_entered(1);
	add(1);
	await_entered(1);
	sem_post(&go_on);
	sem_post(&go_on);
	await_done(2);
}

/* One idle thread, two chores at once: the second one must not wait behind the first. */
TEST(a_thread_that_is_about_to_have_work_counts_for_none)
{
	sem_post(&go_on);
	add(0);
	await_done(1);
	await_idle(1);
	await_entered(1);
	add(1);
	add(2);
	await_entered(2);
	sem_post(&go_on);
	sem_post(&go_on);
	await_done(3);
	assert_int_equal(chores.count, 2);
}

TEST(threads_take_no_signals_and_the_callers_are_as_they_were)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGCHLD, SIGUSR1, SIGPROF };
	sigset_t after;

	sem_post(&go_on);
	add(0);
	await_done(1);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		assert_true(sigismember(&masks[0], signals[i]));
		assert_false(sigismember(&after, signals[i]));
	}
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	static const struct CMUnitTest tests[] = {
		CASE(one_after_the_other_needs_one_thread),
		CASE(as_many_run_at_once_as_there_may_be_threads_and_the_rest_in_order),
		CASE(a_thread_that_is_busy_counts_for_none),
		CASE(a_thread_that_is_about_to_have_work_counts_for_none),
		CASE(threads_take_no_signals_and_the_callers_are_as_they_were),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
