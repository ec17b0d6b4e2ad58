/* SPDX-License-Identifier: MIT */

/*
 * The warm call beside the raw round trip it is made of. Both are measured in
 * turns of a few hundred calls, so that a noisy second hits both.
 */

#include "invoke.h"
#include "ours.h"
#include "raw.h"

#include <stdio.h>

#define TURNS 20

static struct faas *open_echo(enum listening listening)
{
	struct faas *rt = ours_open(NULL, listening);
	struct samples warm_up;

	ours_function(rt, &(struct ours_function){ .name = "echo", .handler = "plugin.echo",
						   .kind = FAAS_PROCESS });
	samples_open(&warm_up, 2000);
	ours_fill(rt, "echo", warm_up.cap, &warm_up);
	samples_close(&warm_up);
	return rt;
}

static void one_cpu(const struct options *options, enum listening listening, const char *key)
{
	size_t n = bench_scaled(options, 40000) / TURNS * TURNS;
	struct samples raw, apart, ours;
	struct pingpong *futex, *far;
	struct faas *rt;
	char name[64];

	bench_pin(0);
	futex = pingpong_open(PINGPONG_FUTEX, 0);
	far = pingpong_open(PINGPONG_APART, 0);
	rt = open_echo(listening);
	samples_open(&raw, n);
	samples_open(&apart, n);
	samples_open(&ours, n);
	for (int round = 0; round < options->rounds; round++) {
		samples_clear(&raw);
		samples_clear(&apart);
		samples_clear(&ours);
		for (int turn = 0; turn < TURNS; turn++) {
			pingpong_run(futex, n / TURNS, &raw);
			pingpong_run(far, n / TURNS, &apart);
			ours_fill(rt, "echo", n / TURNS, &ours);
		}
		snprintf(name, sizeof(name), "%s.raw_futex", key);
		report_latency(name, &raw);
		snprintf(name, sizeof(name), "%s.raw_futex_apart", key);
		report_latency(name, &apart);
		snprintf(name, sizeof(name), "%s.ours", key);
		report_latency(name, &ours);
	}
	ours_close(rt);
	pingpong_close(futex);
	pingpong_close(far);
	samples_close(&raw);
	samples_close(&apart);
	samples_close(&ours);
	bench_pin(-1);
}

void warm_one_cpu(const struct options *options)
{
	one_cpu(options, SILENT, "warm1");
}

void warm_one_cpu_listening(const struct options *options)
{
	one_cpu(options, LISTENING, "warm1_listening");
}

/* The spinning answerer burns a CPU: it lives only while it is measured. */
static void spin_turn(size_t n, struct samples *s)
{
	struct pingpong *spin = pingpong_open(PINGPONG_SPIN, 1);

	bench_pin(0);
	pingpong_run(spin, n, s);
	bench_pin(-1);
	pingpong_close(spin);
}

static void blocking_turn(struct pingpong *futex, size_t n, struct samples *s)
{
	bench_pin(0);
	pingpong_run(futex, n, s);
	bench_pin(-1);
}

void warm_two_cpus(const struct options *options)
{
	size_t n = bench_scaled(options, 20000) / TURNS * TURNS;
	struct samples raw, spin, ours;
	struct pingpong *futex;
	struct faas *rt;

	if (bench_cpus() < 2) {
		report_note("warm2", "needs two CPUs");
		return;
	}
	futex = pingpong_open(PINGPONG_FUTEX, 1);
	rt = open_echo(SILENT);
	samples_open(&raw, n);
	samples_open(&spin, n);
	samples_open(&ours, n);
	for (int round = 0; round < options->rounds; round++) {
		samples_clear(&raw);
		samples_clear(&spin);
		samples_clear(&ours);
		spin_turn(n, &spin);
		for (int turn = 0; turn < TURNS; turn++) {
			blocking_turn(futex, n / TURNS, &raw);
			ours_fill(rt, "echo", n / TURNS, &ours);
		}
		report_latency("warm2.raw_futex", &raw);
		report_latency("warm2.raw_spin", &spin);
		report_latency("warm2.ours", &ours);
	}
	ours_close(rt);
	pingpong_close(futex);
	samples_close(&raw);
	samples_close(&spin);
	samples_close(&ours);
}

static void pipe_rounds(const struct options *options, enum pingpong_kind kind, const char *name,
			int cpu)
{
	size_t n = bench_scaled(options, 20000);
	struct pingpong *p;
	struct samples s;
	char key[64];

	bench_pin(0);
	p = pingpong_open(kind, cpu);
	samples_open(&s, n);
	snprintf(key, sizeof(key), "raw%d.%s", cpu + 1, name);
	for (int round = 0; round < options->rounds; round++) {
		samples_clear(&s);
		pingpong_run(p, n, &s);
		report_latency(key, &s);
	}
	samples_close(&s);
	pingpong_close(p);
	bench_pin(-1);
}

void raw_pipes(const struct options *options)
{
	for (int cpu = 0; cpu < (bench_cpus() < 2 ? 1 : 2); cpu++) {
		pipe_rounds(options, PINGPONG_FUTEX, "futex", cpu);
		pipe_rounds(options, PINGPONG_PIPE, "pipe", cpu);
		pipe_rounds(options, PINGPONG_SOCKETPAIR, "socketpair", cpu);
	}
}

/* Nothing but warm calls on one CPU, to be looked at with strace and perf. */
void one_call(const struct options *options)
{
	struct samples s;
	struct faas *rt;

	bench_pin(0);
	rt = open_echo(SILENT);
	samples_open(&s, bench_scaled(options, 100000));
	report_note("calls", "begin");
	ours_fill(rt, "echo", s.cap, &s);
	report_note("calls", "end");
	report_latency("calls.ours", &s);
	samples_close(&s);
	ours_close(rt);
	bench_pin(-1);
}
