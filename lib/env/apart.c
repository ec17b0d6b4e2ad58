/* SPDX-License-Identifier: MIT */
/*
 * Where a process is killed nobody else runs for as long as its end takes: hundreds
 * of microseconds. Who sleeps leaves its CPU to the handler it waits for, and so most
 * often both are on one; after the kill the caller could not go on. So shortly before
 * its deadline, when the caller is awake again, a late handler is sent to another CPU.
 * Earlier would be worse: who wakes on a CPU takes it from the handler at once, but not
 * from somebody else whom it was left to.
 *
 * Its heir sleeps there, most often: it was made while the late one had the caller's CPU. Who is
 * woken goes back to the CPU that it fell asleep on, or comes to who wakes it, by the load of
 * both, and the dying one is little load. So the heir is woken once before, on the caller's CPU, to
 * fall asleep there. At the first call it is a wake-up among two that share a CPU.
 */
#include <env/apart.h>

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <env/env.h>
#include <env/futex.h>
#include <env/kit.h>
#include <env/pool.h>

/* Its number is not another's yet: not even its end was seen. */
static bool is_there(const struct fa_env *env)
{
	return env->pidfd >= 0 && !syscall(SYS_pidfd_send_signal, env->pidfd, 0, NULL, 0);
}

/* Its process, where we are, and where it may be; 0 if one of these cannot be told. */
static int find(const struct fa_env *env, int *cpu, cpu_set_t *all)
{
	int pid = atomic_load_explicit(&env->pid, memory_order_relaxed);

	*cpu = sched_getcpu();
	if (pid <= 0 || *cpu < 0 || *cpu >= CPU_SETSIZE || !is_there(env) ||
	    sched_getaffinity(pid, sizeof(*all), all))
		return 0;
	return pid;
}

/* While we are on its CPU it is not running, so nobody has to stop it first. */
static void send_away(const struct fa_env *env)
{
	cpu_set_t all, others;
	int cpu, pid = find(env, &cpu, &all);

	if (!pid)
		return;
	others = all;
	CPU_CLR(cpu, &others);
	if (CPU_COUNT(&others) && !sched_setaffinity(pid, sizeof(others), &others))
		sched_setaffinity(pid, sizeof(all), &all);
}

/* Asleep it stays where it was, whatever it may use; woken for nothing it sleeps again. */
static void call_here(const struct fa_env *env)
{
	cpu_set_t all, here;
	int cpu, pid = find(env, &cpu, &all);

	if (!pid || !CPU_ISSET(cpu, &all))
		return;
	CPU_ZERO(&here);
	CPU_SET(cpu, &here);
	if (sched_setaffinity(pid, sizeof(here), &here))
		return;
	fa_futex_wake(&env->kit->response->sleeping);
	sched_setaffinity(pid, sizeof(all), &all);
}

void fa_env_part(struct fa_env *env)
{
	const struct fa_env *heir;

	pthread_mutex_lock(&env->pool->lock);
	send_away(env);
	heir = env->heir;
	if (heir && heir->state == FA_HEIR)
		call_here(heir);
	pthread_mutex_unlock(&env->pool->lock);
}
