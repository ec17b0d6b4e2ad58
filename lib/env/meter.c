/* SPDX-License-Identifier: MIT */
/*
 * Nothing here is the worker's word. CPU time is the kernel's clock of that
 * process (a system call); the memory peak is VmHWM of /proc (3 us), so it is read for
 * the first job, for every long one, and else now and then.
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

#include <env/env.h>
#include <env/pool.h>
#include <model/function.h>

#define LONG_NS 1000000
#define SHORT_NS 100000
#define GUESSES 31
#define SAMPLE_MASK 255
#define SAMPLE_NS 10000000

/* linux/pidfd.h, since 6.13 */
struct pidfd_info {
	uint64_t mask, cgroup_id;
	uint32_t pid, tgid, ppid, ids[8];
	int32_t exit_code;
};
#define PIDFD_GET_INFO _IOWR(0xFF, 11, struct pidfd_info)

static clockid_t clock_of(int pid)
{
	return (clockid_t)(~(unsigned)pid << 3 | 2u);
}

static size_t read_file(const char *path, char *buffer, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buffer, size - 1);

	if (fd >= 0)
		close(fd);
	buffer[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

static int64_t number_after(const char *text, const char *word)
{
	const char *at = strstr(text, word);

	return at ? strtoll(at + strlen(word), NULL, 10) : 0;
}

static void sample_memory(struct fa_env *env, int pid)
{
	char path[40], text[2048];
	int64_t peak;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	if (!read_file(path, text, sizeof(text)))
		return;
	peak = number_after(text, "VmHWM:");
	if (peak > env->peak_kb)
		env->peak_kb = peak;
}

/* CPU time since the last look. */
static int64_t look_at_clock(struct fa_env *env, int pid)
{
	struct timespec cpu;
	int64_t now, used;

	if (clock_gettime(clock_of(pid), &cpu))
		return 0;
	now = (int64_t)cpu.tv_sec * 1000000000 + cpu.tv_nsec;
	used = now - env->cpu_seen_ns;
	env->cpu_seen_ns = now;
	return used;
}

/*
 * Short jobs are given the average of the last ones, and one in 32 of them what
 * is left of the truth: no CPU time is lost, and the look costs next to nothing.
 */
static int64_t cpu_time(struct fa_env *env, const struct fa_job *job, int pid)
{
	int64_t used;

	if (job->end_ns - job->start_ns < SHORT_NS && env->cpu_seen_ns &&
	    env->cpu_guesses < GUESSES) {
		env->cpu_guesses++;
		env->cpu_guessed_ns += env->cpu_average_ns;
		return env->cpu_average_ns;
	}
	used = look_at_clock(env, pid);
	env->cpu_average_ns = used / (env->cpu_guesses + 1);
	used -= env->cpu_guessed_ns;
	env->cpu_guesses = 0;
	env->cpu_guessed_ns = 0;
	return used > 0 ? used : 0;
}

/* A peak stays where it is until somebody looks: nothing is lost by looking late. */
static bool is_time_to_sample(const struct fa_env *env, const struct fa_job *job)
{
	return !env->peak_kb || job->end_ns - job->start_ns > LONG_NS ||
	       (!(env->served & SAMPLE_MASK) && job->end_ns - env->sampled_ns > SAMPLE_NS);
}

void fa_meter(struct fa_env *env, struct fa_job *job)
{
	int pid = atomic_load_explicit(&env->pid, memory_order_relaxed);

	job->peak_kb = env->peak_kb;
	if (!pid)
		return;
	job->cpu_ns = cpu_time(env, job, pid);
	if (is_time_to_sample(env, job)) {
		sample_memory(env, pid);
		env->sampled_ns = job->end_ns;
	}
	job->peak_kb = env->peak_kb;
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
	if (!read_file(path, text, sizeof(text)))
		return 0;
	return (int)number_after(text, "\nPid:");
}
