/* SPDX-License-Identifier: MIT */
/* Where a late process and its heir run, before that is killed, and where they may run. */
#include <support/test.h>

#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <env/apart.h>
#include <env/env.h>
#include <env/futex.h>
#include <env/kit.h>
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

/* In the place of libc's: of what is only for a moment. */
static int bound_here;

int sched_setaffinity(pid_t pid, size_t size, const cpu_set_t *set)
{
	bound_here += pid && CPU_EQUAL(set, &here);
	return (int)syscall(SYS_sched_setaffinity, pid, size, set);
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

/* A word of its line; the second, its name, has no blank. */
static const char *word_of(pid_t pid, int number, char line[1024])
{
	char path[40], *word = line;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	assert_non_null(file);
	assert_non_null(fgets(line, 1024, file));
	fclose(file);
	for (int i = 1; i < number && word; i++)
		word = strchr(word + 1, ' ');
	assert_non_null(word);
	return word + 1;
}

static int cpu_of(pid_t pid)
{
	char line[1024];

	return atoi(word_of(pid, 39, line));
}

static char state_of(pid_t pid)
{
	char line[1024];

	return *word_of(pid, 3, line);
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
		fa_env_part(&env);
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
	fa_env_part(&env);
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
		fa_env_part(&env);
		stayed += cpu_of(env.pid) == cpu;
	}
	end(env.pid);
	close(env.pidfd);
	assert_true(stayed >= MOST);
}

/* ---- the heir --------------------------------------------------------- */

/* What it shares with a process that sleeps as a worker does. */
static struct sleeper {
	struct fa_response_head area;
	_Atomic uint32_t rounds; /* that it was about to sleep */
} *sleeper;
static struct fa_kit kit;
static struct fa_env heir = { .pool = &pool, .kit = &kit };

static pid_t begin_sleeper(void)
{
	pid_t pid;

	sleeper = mmap(NULL, sizeof(*sleeper), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	assert_ptr_not_equal(sleeper, MAP_FAILED);
	kit.response = &sleeper->area;
	atomic_store(&sleeper->area.sleeping, 1);
	pid = fork();
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		atomic_fetch_add(&sleeper->rounds, 1);
		syscall(SYS_futex, &sleeper->area.sleeping, FUTEX_WAIT, 1, NULL, NULL, 0);
	}
}

static void pause_a_moment(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
}

static void await_sleep(pid_t pid, uint32_t rounds)
{
	while (atomic_load(&sleeper->rounds) < rounds || state_of(pid) != 'S')
		pause_a_moment();
}

static void begin_heir(enum fa_env_state state)
{
	heir.pid = begin_sleeper();
	heir.pidfd = (int)syscall(SYS_pidfd_open, heir.pid, 0);
	heir.state = state;
	env.pid = 0; /* only about the heir */
	env.heir = &heir;
	await_sleep(heir.pid, 1);
}

static void end_heir(void)
{
	end(heir.pid);
	close(heir.pidfd);
	munmap(sleeper, sizeof(*sleeper));
	env.heir = NULL;
}

/* It sleeps on another CPU than ours, and need not stay. */
static bool lay_elsewhere(pid_t pid)
{
	uint32_t rounds = atomic_load(&sleeper->rounds);
	cpu_set_t others = all;

	CPU_CLR(cpu, &others);
	assert_int_equal(sched_setaffinity(pid, sizeof(others), &others), 0);
	fa_futex_wake(&sleeper->area.sleeping);
	await_sleep(pid, rounds + 1);
	assert_int_equal(sched_setaffinity(pid, sizeof(all), &all), 0);
	return cpu_of(pid) != cpu;
}

TEST(a_ready_heir_comes_to_sleep_on_this_cpu_and_is_bound_to_none)
{
	int was_elsewhere = 0, came = 0;

	if (alone())
		return;
	begin_heir(FA_HEIR);
	bound_here = 0;
	for (int i = 0; i < ROUNDS; i++) {
		uint32_t rounds;

		was_elsewhere += lay_elsewhere(heir.pid);
		rounds = atomic_load(&sleeper->rounds);
		fa_env_part(&env);
		await_sleep(heir.pid, rounds + 1);
		came += cpu_of(heir.pid) == cpu;
		assert_may_use(heir.pid, &all);
	}
	end_heir();
	assert_int_equal(bound_here, ROUNDS); /* a busy machine might have moved it anyway */
	assert_true(was_elsewhere >= MOST);
	assert_true(came >= MOST);
}

TEST(an_heir_in_its_init_is_left_alone)
{
	uint32_t rounds;

	if (alone())
		return;
	begin_heir(FA_STARTING);
	lay_elsewhere(heir.pid);
	rounds = atomic_load(&sleeper->rounds);
	for (int i = 0; i < ROUNDS; i++) {
		fa_env_part(&env);
		pause_a_moment();
	}
	assert_int_equal(atomic_load(&sleeper->rounds), rounds);
	assert_may_use(heir.pid, &all);
	end_heir();
}

TEST(an_heir_that_may_not_use_this_cpu_sleeps_on)
{
	cpu_set_t others = all;
	uint32_t rounds;

	if (alone())
		return;
	begin_heir(FA_HEIR);
	CPU_CLR(cpu, &others);
	lay_elsewhere(heir.pid);
	assert_int_equal(sched_setaffinity(heir.pid, sizeof(others), &others), 0);
	rounds = atomic_load(&sleeper->rounds);
	for (int i = 0; i < ROUNDS; i++) {
		fa_env_part(&env);
		pause_a_moment();
	}
	assert_int_equal(atomic_load(&sleeper->rounds), rounds);
	assert_may_use(heir.pid, &others);
	end_heir();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_on_this_cpu_goes_to_another_and_is_bound_to_none),
		cmocka_unit_test(who_may_use_no_other_cpu_stays),
		cmocka_unit_test(the_number_of_one_that_has_ended_is_not_used),
		cmocka_unit_test(a_ready_heir_comes_to_sleep_on_this_cpu_and_is_bound_to_none),
		cmocka_unit_test(an_heir_in_its_init_is_left_alone),
		cmocka_unit_test(an_heir_that_may_not_use_this_cpu_sleeps_on),
	};

	return cmocka_run_group_tests_name("env/apart", tests, begin, NULL);
}
