/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <worker/alone.h>

#define THREADS 20000 /* of a thousand that are joined, the kernel still counts one */

static void *do_nothing(void *data)
{
	return data;
}

TEST(a_thread_that_was_joined_is_not_left_running)
{
	for (int i = 0; i < THREADS; i++) {
		pthread_t thread;

		assert_int_equal(pthread_create(&thread, NULL, do_nothing, NULL), 0);
		assert_int_equal(pthread_join(thread, NULL), 0);
		assert_false(fa_alone_has_threads());
	}
	assert_null(fa_alone_why_not());
}

static void *wait_at(void *gate)
{
	sem_wait(gate);
	return NULL;
}

TEST(a_thread_that_runs_is_left_running_among_others_that_end)
{
	pthread_t thread, ending;
	sem_t gate;

	sem_init(&gate, 0, 0);
	assert_int_equal(pthread_create(&thread, NULL, wait_at, &gate), 0);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(pthread_create(&ending, NULL, do_nothing, NULL), 0);
		assert_int_equal(pthread_join(ending, NULL), 0);
		assert_true(fa_alone_has_threads());
	}
	assert_string_equal(fa_alone_why_not(), "it has left a thread running");
	sem_post(&gate);
	pthread_join(thread, NULL);
	assert_false(fa_alone_has_threads());
	sem_destroy(&gate);
}

TEST(a_child_is_left_running_until_it_is_waited_for)
{
	pid_t child = fork();

	assert_true(child >= 0);
	if (!child) {
		pause();
		_exit(0);
	}
	assert_true(fa_alone_has_children());
	assert_string_equal(fa_alone_why_not(), "it has left a process running");
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_false(fa_alone_has_children());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_thread_that_was_joined_is_not_left_running),
		cmocka_unit_test(a_thread_that_runs_is_left_running_among_others_that_end),
		cmocka_unit_test(a_child_is_left_running_until_it_is_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
