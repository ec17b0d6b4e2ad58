/* SPDX-License-Identifier: MIT */

/*
 * A handler that spins for ever, in a warm environment: how long after its
 * deadline the caller has the verdict (which is given after the kill), and how
 * long the next request then takes. The deadline is taken from before the
 * call, so the overshoot includes the whole way in and out. Beside the next
 * request stands the least it can be: a process that spins is killed, and another
 * one, asleep, answers through a futex. And beside the verdict, how late after its
 * deadline a caller has sent the kill who sleeps until shortly before and is awake then.
 */

#include "cold.h"
#include "ours.h"
#include "raw.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIMIT_MS 40
#define AWAKE_US 200 /* before a deadline by bare hands */

static uint64_t overshoot(struct faas *rt)
{
	uint64_t start = bench_now(), took;
	struct faas_result *r = ours_call(rt, "stall", "s", 1);

	took = bench_now() - start;
	if (r->code != FAAS_ETIMEOUT)
		bench_die("a handler that never returns ended with %s", faas_strerror(r->code));
	faas_free(r);
	if (took < LIMIT_MS * 1000000ull)
		bench_die("a handler was stopped before its deadline");
	return took - LIMIT_MS * 1000000ull;
}

/*
 * One event that is over at once. On a machine that is busy elsewhere even
 * this can be too late; the caller waited all the same, so it counts.
 */
static uint64_t harmless(struct faas *rt, uint32_t *late)
{
	uint64_t start = bench_now(), took;
	struct faas_result *r = ours_call(rt, "stall", "next", 4);

	took = bench_now() - start;
	if (r->code != FAAS_OK && r->code != FAAS_ETIMEOUT)
		bench_die("a harmless event ended with %s %s", faas_strerror(r->code),
			  r->error_type);
	*late += r->code == FAAS_ETIMEOUT;
	faas_free(r);
	return took;
}

static pid_t spawn_spinner(int cpu)
{
	pid_t pid = fork();

	if (pid < 0)
		bench_die("fork: %s", strerror(errno));
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	bench_pin(cpu);
	for (;;)
		bench_relax();
}

/* How late the kill was sent. */
static uint64_t raw_verdict(pid_t spinner)
{
	uint64_t deadline = bench_now() + LIMIT_MS * 1000000ull;

	bench_sleep_us(LIMIT_MS * 1000 - AWAKE_US);
	while (bench_now() < deadline)
		bench_relax();
	kill(spinner, SIGKILL);
	return bench_now() - deadline;
}

/* `apart`: who answers is where the caller is, and the spinner dies elsewhere. */
static void bare_hands(size_t n, bool apart, const char *late_key, const char *next_key)
{
	struct samples late, next;
	struct pingpong *other;

	bench_pin(apart ? 0 : -1);
	other = pingpong_open(PINGPONG_FUTEX, apart ? 0 : -1);
	samples_open(&late, n);
	samples_open(&next, n);
	while (late.n < n) {
		pid_t spinner = spawn_spinner(apart ? 1 : -1);

		samples_add(&late, raw_verdict(spinner));
		pingpong_run(other, 1, &next);
		waitpid(spinner, NULL, 0);
	}
	report_latency(late_key, &late);
	report_latency(next_key, &next);
	samples_close(&late);
	samples_close(&next);
	pingpong_close(other);
	bench_pin(-1);
}

void timeouts(const struct options *options)
{
	size_t n = bench_scaled(options, 50) * (size_t)options->rounds;
	struct samples killed, next;
	uint32_t late = 0;
	struct faas *rt;

	bare_hands(n, false, "timeout.raw_late", "timeout.raw_next");
	if (bench_cpus() > 1)
		bare_hands(n, true, "timeout.raw_late_apart", "timeout.raw_next_apart");
	rt = ours_open(NULL, SILENT);
	ours_function(rt, &(struct ours_function){ .name = "stall", .handler = "plugin.stall",
						   .kind = FAAS_PROCESS, .timeout_ms = LIMIT_MS });
	samples_open(&killed, n);
	samples_open(&next, n);
	for (size_t i = 0; i < n; i++) {
		harmless(rt, &late);
		bench_sleep_us(5000);
		samples_add(&killed, overshoot(rt));
		samples_add(&next, harmless(rt, &late));
	}
	report_value(late, "timeout.late");
	report_latency("timeout.overshoot", &killed);
	report_latency("timeout.next", &next);
	samples_close(&killed);
	samples_close(&next);
	ours_close(rt);
}
