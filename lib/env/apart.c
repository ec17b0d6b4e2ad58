/* SPDX-License-Identifier: MIT */
/*
 * Where a process is killed nobody else runs for as long as its end takes: hundreds
 * of microseconds. Who sleeps leaves its CPU to the handler it waits for, and so most
 * often both are on one; after the kill the caller could not go on. So shortly before
 * its deadline, when the caller is awake again, a late handler is sent to another CPU.
 * Earlier would be worse: who wakes on a CPU takes it from the handler at once, but not
 * from somebody else whom it was left to.
 */
#include <env/apart.h>

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <env/env.h>
#include <env/pool.h>

/* Its number is not another's yet: not even its end was seen. */
static bool is_there(const struct fa_env *env)
{
	return env->pidfd >= 0 && !syscall(SYS_pidfd_send_signal, env->pidfd, 0, NULL, 0);
}

/* While we are on its CPU it is not running, so nobody has to stop it first. */
static void nudge(const struct fa_env *env)
{
	int pid = atomic_load_explicit(&env->pid, memory_order_relaxed), cpu = sched_getcpu();
	cpu_set_t all, others;

	if (pid <= 0 || cpu < 0 || cpu >= CPU_SETSIZE || !is_there(env) ||
	    sched_getaffinity(pid, sizeof(all), &all))
		return;
	others = all;
	CPU_CLR(cpu, &others);
	if (CPU_COUNT(&others) && !sched_setaffinity(pid, sizeof(others), &others))
		sched_setaffinity(pid, sizeof(all), &all);
}

void fa_env_send_away(struct fa_env *env)
{
	pthread_mutex_lock(&env->pool->lock);
	nudge(env);
	pthread_mutex_unlock(&env->pool->lock);
}
