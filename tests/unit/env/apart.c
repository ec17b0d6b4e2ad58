/* SPDX-License-Identifier: MIT */
/* Where a process runs that is sent away, and where it may run afterwards. */
#include <support/test.h>

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <env/apart.h>
#include <env/env.h>
#include <env/pool.h>

#define ROUNDS 20
#define MOST 15 /* others may move processes, too */

static struct fa_pool pool = { .lock = PTHREAD_MUTEX_INITIALIZER };
static struct fa_env env = { .pool = &pool };
static cpu_set_t all, here;
static int cpu;

static void only(cpu_set_t *set, int one)
{
	CPU_ZERO(set);
	CPU_SET(one, set);
}

/* From here on all of this is on one CPU. */
static int begin(void **state)
{
	(void)state;
	sched_getaffinity(0, sizeof(all), &all);
	cpu = sched_getcpu();
	only(&here, cpu);
	return sched_setaffinity(0, sizeof(here), &here);
}

static bool alone(void)
{
	if (CPU_COUNT(&all) > 1)
		return false;
	fprintf(stderr, "skipped: there is one CPU\n");
	return true;
}

static pid_t spinner(void)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* The 39th word of its line. */
static int cpu_of(pid_t pid)
{
	char path[40], line[1024] = "", *word = line;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	assert_non_null(file);
	assert_non_null(fgets(line, sizeof(line), file));
	fclose(file);
	for (int i = 1; i < 39 && word; i++)
		word = strchr(word + 1, ' ');
	assert_non_null(word);
	return atoi(word + 1);
}

/* It is where we are, and need not stay. */
static bool bring_here(pid_t pid)
{
	assert_int_equal(sched_setaffinity(pid, sizeof(here), &here), 0);
	assert_int_equal(sched_setaffinity(pid, sizeof(all), &all), 0);
	return cpu_of(pid) == cpu;
}

static void assert_may_use(pid_t pid, const cpu_set_t *set)
{
	cpu_set_t now;

	assert_int_equal(sched_getaffinity(pid, sizeof(now), &now), 0);
	assert_true(CPU_EQUAL(&now, set));
}

TEST(who_is_on_this_cpu_goes_to_another_and_is_bound_to_none)
{
	int was_here = 0, went = 0;

	if (alone())
		return;
	env.pid = spinner();
	env.pidfd = (int)syscall(SYS_pidfd_open, env.pid, 0);
	for (int i = 0; i < ROUNDS; i++) {
		was_here += bring_here(env.pid);
		fa_env_send_away(&env);
		went += cpu_of(env.pid) != cpu;
		assert_may_use(env.pid, &all);
	}
	end(env.pid);
	close(env.pidfd);
	assert_true(was_here >= MOST);
	assert_true(went >= MOST);
}

TEST(who_may_use_no_other_cpu_stays)
{
	env.pid = spinner();
	env.pidfd = (int)syscall(SYS_pidfd_open, env.pid, 0);
	assert_int_equal(sched_setaffinity(env.pid, sizeof(here), &here), 0);
	fa_env_send_away(&env);
	assert_may_use(env.pid, &here);
	assert_int_equal(cpu_of(env.pid), cpu);
	end(env.pid);
	close(env.pidfd);
}

TEST(the_number_of_one_that_has_ended_is_not_used)
{
	pid_t ended = spinner();
	int stayed = 0;

	if (alone())
		return;
	env.pidfd = (int)syscall(SYS_pidfd_open, ended, 0);
	end(ended);
	env.pid = spinner(); /* as if it had the same number now */
	for (int i = 0; i < ROUNDS; i++) {
		bring_here(env.pid);
		fa_env_send_away(&env);
		stayed += cpu_of(env.pid) == cpu;
	}
	end(env.pid);
	close(env.pidfd);
	assert_true(stayed >= MOST);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_on_this_cpu_goes_to_another_and_is_bound_to_none),
		cmocka_unit_test(who_may_use_no_other_cpu_stays),
		cmocka_unit_test(the_number_of_one_that_has_ended_is_not_used),
	};

	return cmocka_run_group_tests_name("env/apart", tests, begin, NULL);
}
