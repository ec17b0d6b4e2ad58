/* SPDX-License-Identifier: MIT */
#ifndef BENCH_H
#define BENCH_H

/*
 * What every benchmark program needs: a clock, a place for latencies, pinning
 * and a report. A report is lines on standard output, tab-separated, one per
 * value, so that a shell script can interleave programs and a table can be
 * made of all of them:
 *
 *   v <key> <value>           one number; the unit ends the key: _ns _per_s _kb _x
 *   h <key> <ns> <count>      one bucket of a latency distribution
 *   n <key> <text>            something a reader must know
 *
 * A program that measures in rounds prints a key once per round. The n-th
 * value of one key belongs to the n-th of another: ratios are taken per round
 * and then their median.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

static inline uint64_t bench_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static inline void bench_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#else
	__asm__ volatile("" ::: "memory");
#endif
}

/* End the program with one sentence. Nothing here is worth recovering from. */
__attribute__((noreturn, format(printf, 1, 2))) void bench_die(const char *format, ...);

void bench_sleep_us(unsigned us);

/* The calling thread and whatever it starts from now on; -1: every CPU allowed at the start. */
void bench_pin(int cpu);
int bench_cpus(void); /* how many were allowed at the start */

/* Latencies in nanoseconds, kept whole. */
struct samples {
	uint64_t *ns;
	size_t n;
	size_t cap;
};

void samples_open(struct samples *s, size_t cap);
void samples_close(struct samples *s);
void samples_clear(struct samples *s);

static inline void samples_add(struct samples *s, uint64_t ns)
{
	if (s->n < s->cap)
		s->ns[s->n++] = ns;
}

/* Sorts. `fraction` 0.5 is the median; 0 if there are none. */
uint64_t samples_at(struct samples *s, double fraction);

/* Prints <key>.p50_ns, <key>.p99_ns, <key>.max_ns and the distribution. */
void report_latency(const char *key, struct samples *s);
__attribute__((format(printf, 2, 3))) void report_value(double value, const char *key, ...);
__attribute__((format(printf, 2, 3))) void report_note(const char *key, const char *text, ...);

/*
 * The command line of all programs: [--rounds N] [--scale F] [group ...].
 * Every group asked for runs (all of them if none is named); sample counts
 * are multiplied by the scale.
 */
struct options {
	int rounds;
	double scale;
};

struct group {
	const char *name;
	void (*run)(const struct options *options);
};

int bench_main(int argc, char **argv, const struct group *groups, size_t n);

/* `n` samples, scaled, never fewer than 20. */
size_t bench_scaled(const struct options *options, size_t n);

#endif
