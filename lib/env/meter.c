/* SPDX-License-Identifier: MIT */
/*
 * Nothing here is the worker's word. CPU time is the kernel's clock of that
 * process (a system call); the memory peak is VmHWM of /proc, which is dear, above
 * all of a process that is new there. So it is read for every long job, init
 * included, and else for one in 256; until then a process counts as large as the
 * last one of its function was after a short first event.
 */
#include <env/meter.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <base/proc.h>
#include <env/census.h>
#include <env/env.h>
#include <env/pool.h>
#include <model/function.h>

#define LOAD(member) atomic_load_explicit(&(member), memory_order_relaxed)
#define STORE(member, value) atomic_store_explicit(&(member), value, memory_order_relaxed)
#define LONG_NS 1000000
#define SHORT_NS 100000
#define GUESSES 31
#define SAMPLE_MASK 255

/* linux/pidfd.h, since 6.13 */
struct pidfd_info {
	uint64_t mask, cgroup_id;
	uint32_t pid, tgid, ppid, ids[8];
	int32_t exit_code;
};
#define PIDFD_GET_INFO _IOWR(0xFF, 11, struct pidfd_info)

clockid_t fa_meter_clock(int pid)
{
	return (clockid_t)(~(unsigned)pid << 3 | 2u);
}

/* The first job has init in it. */
static int64_t since_ns(const struct fa_env *env, const struct fa_job *job)
{
	return env->served ? job->start_ns : env->birth_ns;
}

static bool is_long(const struct fa_env *env, const struct fa_job *job)
{
	return job->end_ns - since_ns(env, job) > LONG_NS;
}

static bool worth_a_sample(const struct fa_env *env, const struct fa_job *job)
{
	if (env->sampled_ns && job->end_ns - env->sampled_ns < LONG_NS)
		return false;
	return !env->peak_kb || (env->served & SAMPLE_MASK) == SAMPLE_MASK || is_long(env, job);
}

int64_t fa_meter_peak_kb(int pid)
{
	char path[40], text[2048];

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	return fa_proc_read(path, text, sizeof(text)) ? fa_proc_number(text, "VmHWM:") : 0;
}

static bool is_program(const struct fa_env *env)
{
	return env->pool->version->program;
}

/* It may be that of many processes, and only the peak of each is known later. */
static int64_t look_at_memory(const struct fa_env *env, int pid)
{
	struct fa_census census;

	if (!fa_version_is_spacious(env->pool->version))
		return fa_meter_peak_kb(pid);
	fa_census(&census, pid);
	return fa_usage_kb(&census.usage);
}

static void sample_memory(struct fa_env *env, int pid)
{
	int64_t peak = look_at_memory(env, pid);

	if (!peak)
		return;
	if (peak > env->peak_kb || !env->sampled_ns)
		env->peak_kb = peak;
	env->sampled_ns = fa_now(env->pool->envs->clock);
}

/* Of a process whose first event, with init before it, was short. */
static void learn_newborn(struct fa_env *env, const struct fa_job *job)
{
	if (!env->served && env->sampled_ns && !is_long(env, job))
		STORE(env->pool->newborn_kb, env->peak_kb);
}

/* 0: it is gone. */
static int64_t cpu_of(const struct fa_env *env, int pid)
{
	struct fa_census census;
	struct timespec cpu;

	if (is_program(env)) {
		fa_census(&census, pid);
		return census.cpu_ns;
	}
	if (clock_gettime(fa_meter_clock(pid), &cpu))
		return 0;
	return (int64_t)cpu.tv_sec * 1000000000 + cpu.tv_nsec;
}

/* CPU time since the last look. */
static int64_t look_at_clock(struct fa_env *env, int pid)
{
	int64_t now = cpu_of(env, pid), used;

	if (!now)
		return 0;
	used = now - env->cpu_seen_ns;
	env->cpu_seen_ns = now;
	return used;
}

/* The same, less what earlier jobs were given by guess: no CPU time is lost. */
static int64_t unclaimed(struct fa_env *env, int pid)
{
	int64_t used = look_at_clock(env, pid) - env->cpu_guessed_ns;

	env->cpu_guesses = 0;
	env->cpu_guessed_ns = 0;
	return used > 0 ? used : 0;
}

/*
 * Short jobs are given the average of the last ones, and one in 32 of them what
 * is left of the truth: no CPU time is lost, and the look costs next to nothing.
 * What was seen first has init in it and is no average: the next short job is given all
 * of its time, the most it can be, and the one after it the truth. The average may well be none
 * at all: the kernel counts who runs on another CPU by ticks.
 */
static int64_t cpu_time(struct fa_env *env, const struct fa_job *job, int pid)
{
	int64_t seen_ns = env->cpu_seen_ns, took_ns = job->end_ns - job->start_ns, used;
	uint32_t jobs = env->cpu_guesses + 1, most = env->cpu_averaged ? GUESSES : 1;

	if (took_ns < SHORT_NS && seen_ns && env->cpu_guesses < most) {
		used = env->cpu_averaged ? env->cpu_average_ns : took_ns;
		env->cpu_guesses++;
		env->cpu_guessed_ns += used;
		return used;
	}
	used = unclaimed(env, pid);
	env->cpu_averaged = seen_ns;
	env->cpu_average_ns = seen_ns ? (env->cpu_seen_ns - seen_ns) / jobs : 0;
	return used;
}

/*
 * The newborn runs before its birth is told of, so an answer may be here first;
 * and the kernel counts a running process at its next switch or tick. Until then its
 * CPU time is taken for the time since it was asked for, which is the most it can be.
 */
static void estimate_cpu(struct fa_env *env, struct fa_job *job)
{
	job->cpu_ns = job->end_ns - since_ns(env, job);
	env->cpu_guessed_ns += job->cpu_ns;
}

static void meter_unreported(struct fa_env *env, struct fa_job *job)
{
	estimate_cpu(env, job);
	job->peak_kb = env->peak_kb ? env->peak_kb : env->pool->envs->floor_kb;
}

void fa_meter(struct fa_env *env, struct fa_job *job)
{
	int pid = atomic_load_explicit(&env->pid, memory_order_relaxed);

	if (!env->peak_kb)
		env->peak_kb = LOAD(env->pool->newborn_kb);
	if (!pid) {
		meter_unreported(env, job);
		return;
	}
	job->cpu_ns = cpu_time(env, job, pid);
	if (!env->cpu_seen_ns)
		estimate_cpu(env, job);
	if (worth_a_sample(env, job)) {
		sample_memory(env, pid);
		learn_newborn(env, job);
	}
	job->peak_kb = env->peak_kb;
}

void fa_meter_ready(struct fa_env *env)
{
	int pid = atomic_load_explicit(&env->pid, memory_order_relaxed);

	if (!pid)
		return;
	unclaimed(env, pid);
	if (!env->sampled_ns)
		sample_memory(env, pid);
}

void fa_meter_ahead(struct fa_env *env)
{
	int pid = atomic_load_explicit(&env->pid, memory_order_relaxed);

	if (pid)
		sample_memory(env, pid);
}

bool fa_meter_over(struct fa_env *env)
{
	int pid = atomic_load_explicit(&env->pid, memory_order_relaxed);

	if (pid)
		sample_memory(env, pid);
	return env->peak_kb > (int64_t)env->pool->version->config.memory_mb * 1024;
}

/*
 * Beyond the limit malloc() fails, and what cannot do without it then crashes;
 * or the kernel kills it. Either way its peak was close to the limit.
 */
bool fa_meter_starved(const struct fa_env *env, int wait_status)
{
	int64_t limit_kb = (int64_t)env->pool->version->config.memory_mb * 1024;
	int sig = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0;

	return (sig == SIGSEGV || sig == SIGABRT || sig == SIGKILL || sig == SIGBUS) &&
	       env->exit_rss_kb >= limit_kb / 10 * 9;
}

int fa_meter_pid(int pidfd)
{
	struct pidfd_info info = { .mask = 1 };
	char path[40], text[512];

	if (!ioctl(pidfd, PIDFD_GET_INFO, &info) && info.pid)
		return (int)info.pid;
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	if (!fa_proc_read(path, text, sizeof(text)))
		return 0;
	return (int)fa_proc_number(text, "\nPid:");
}
