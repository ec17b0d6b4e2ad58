/* SPDX-License-Identifier: MIT */
/* What an event is said to have computed, of a process whose clock stands still. */
#include "support/test.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <env/env.h>
#include <env/meter.h>
#include <env/pool.h>
#include <model/function.h>

#define TOOK_NS 5000
#define LOOKS 32 /* events of which one is looked at */

static struct fa_envs envs = { .clock = &fa_clock_real };
static struct fa_version version;
static struct fa_pool pool = { .envs = &envs, .version = &version };
static struct fa_env env;

/* As the kernel has it who runs on another CPU, until the next tick. */
static int stop_a_child(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	if (!pid) {
		raise(SIGSTOP);
		_exit(0);
	}
	return pid < 0 || waitpid(pid, &status, WUNTRACED) != pid ||
	       (atomic_store(&env.pid, pid), 0);
}

static int end_the_child(void **state)
{
	(void)state;
	kill(atomic_load(&env.pid), SIGKILL);
	return waitpid(atomic_load(&env.pid), NULL, 0) < 0;
}

static int64_t event(void)
{
	struct fa_job job = { .start_ns = fa_now(&fa_clock_real) };

	job.end_ns = job.start_ns + TOOK_NS;
	fa_meter(&env, &job);
	env.served++;
	return job.cpu_ns;
}

/*
 * That it computed nothing is known then, and no reason to look again: only the event behind the
 * first look, which has init in it, is given all its time.
 */
TEST(an_average_of_nothing_is_one)
{
	int64_t given_ns = 0;

	env.pool = &pool;
	env.birth_ns = fa_now(&fa_clock_real);
	assert_true(event() > 0);
	assert_int_equal(event(), TOOK_NS);
	for (int i = 0; i < 2 * LOOKS; i++)
		given_ns += event();
	assert_int_equal(given_ns, 0);
	assert_true(env.cpu_guesses > 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_average_of_nothing_is_one, stop_a_child,
						end_the_child),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
