/* SPDX-License-Identifier: MIT */

/*
 * Clock, pinning, percentiles and the report. Latencies are kept whole and
 * sorted once: a benchmark has memory to spare, and a p99 out of coarse
 * buckets would not survive being divided by another.
 */

#include "bench.h"

#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Distributions: eight buckets per power of two, about 9 % wide. */
#define BUCKETS_PER_OCTAVE 8
#define OCTAVES 40

void bench_die(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	va_start(args, format);
	fputs("bench: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

void bench_sleep_us(unsigned us)
{
	struct timespec ts = { us / 1000000, (long)(us % 1000000) * 1000 };

	while (nanosleep(&ts, &ts) < 0 && errno == EINTR)
		;
}

static cpu_set_t *allowed_at_start(void)
{
	static cpu_set_t set;
	static bool known;

	if (!known && sched_getaffinity(0, sizeof(set), &set) < 0)
		bench_die("sched_getaffinity: %s", strerror(errno));
	known = true;
	return &set;
}

static int nth_allowed(int n)
{
	const cpu_set_t *set = allowed_at_start();

	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, set) && n-- == 0)
			return cpu;
	bench_die("this needs one CPU more than the process may use");
}

void bench_pin(int cpu)
{
	cpu_set_t one;

	if (cpu < 0) {
		sched_setaffinity(0, sizeof(cpu_set_t), allowed_at_start());
		return;
	}
	cpu = nth_allowed(cpu);
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	if (sched_setaffinity(0, sizeof(one), &one) < 0)
		bench_die("sched_setaffinity to CPU %d: %s", cpu, strerror(errno));
}

int bench_cpus(void)
{
	return CPU_COUNT(allowed_at_start());
}

void samples_open(struct samples *s, size_t cap)
{
	s->n = 0;
	s->cap = cap;
	s->ns = malloc(cap * sizeof(*s->ns));
	if (!s->ns)
		bench_die("no memory for %zu samples", cap);
	/* The first touch of a page must not be part of a latency. */
	memset(s->ns, 0, cap * sizeof(*s->ns));
}

void samples_close(struct samples *s)
{
	free(s->ns);
	memset(s, 0, sizeof(*s));
}

void samples_clear(struct samples *s)
{
	s->n = 0;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

uint64_t samples_at(struct samples *s, double fraction)
{
	size_t i = (size_t)((double)s->n * fraction);

	if (!s->n)
		return 0;
	qsort(s->ns, s->n, sizeof(*s->ns), compare);
	return s->ns[i < s->n ? i : s->n - 1];
}

static unsigned bucket_of(uint64_t ns)
{
	unsigned octave = ns ? 63u - (unsigned)__builtin_clzll(ns) : 0;
	uint64_t base = 1ull << octave;
	unsigned part = (unsigned)((ns - base) * BUCKETS_PER_OCTAVE / base);

	if (!ns)
		return 0;
	return octave < OCTAVES ? octave * BUCKETS_PER_OCTAVE + part
				: OCTAVES * BUCKETS_PER_OCTAVE - 1;
}

static uint64_t bucket_start(unsigned bucket)
{
	uint64_t base = 1ull << (bucket / BUCKETS_PER_OCTAVE);

	return base + base * (bucket % BUCKETS_PER_OCTAVE) / BUCKETS_PER_OCTAVE;
}

static void report_distribution(const char *key, const struct samples *s)
{
	size_t count[OCTAVES * BUCKETS_PER_OCTAVE] = { 0 };

	for (size_t i = 0; i < s->n; i++)
		count[bucket_of(s->ns[i])]++;
	for (unsigned b = 0; b < OCTAVES * BUCKETS_PER_OCTAVE; b++)
		if (count[b])
			printf("h\t%s\t%llu\t%zu\n", key, (unsigned long long)bucket_start(b),
			       count[b]);
}

void report_latency(const char *key, struct samples *s)
{
	if (!s->n) {
		report_note(key, "no sample");
		return;
	}
	report_value((double)samples_at(s, 0.5), "%s.p50_ns", key);
	report_value((double)samples_at(s, 0.99), "%s.p99_ns", key);
	report_value((double)samples_at(s, 1.0), "%s.max_ns", key);
	report_distribution(key, s);
}

void report_value(double value, const char *key, ...)
{
	va_list args;

	fputs("v\t", stdout);
	va_start(args, key);
	vprintf(key, args);
	va_end(args);
	printf("\t%.6g\n", value);
	fflush(stdout);
}

void report_note(const char *key, const char *text, ...)
{
	va_list args;

	printf("n\t%s\t", key);
	va_start(args, text);
	vprintf(text, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

size_t bench_scaled(const struct options *options, size_t n)
{
	size_t scaled = (size_t)((double)n * options->scale);

	return scaled < 20 ? 20 : scaled;
}

static const struct group *find_group(const struct group *groups, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(groups[i].name, name) == 0)
			return &groups[i];
	fprintf(stderr, "bench: there is no group \"%s\"; there are:", name);
	for (size_t i = 0; i < n; i++)
		fprintf(stderr, " %s", groups[i].name);
	fputc('\n', stderr);
	exit(2);
}

static double number_after(char **argv, int i)
{
	char *end = NULL;
	double value = argv[i + 1] ? strtod(argv[i + 1], &end) : 0;

	if (!end || *end || value <= 0)
		bench_die("%s wants a number above zero", argv[i]);
	return value;
}

int bench_main(int argc, char **argv, const struct group *groups, size_t n)
{
	struct options options = { .rounds = 7, .scale = 1 };
	int i = 1;

	for (; i < argc && strncmp(argv[i], "--", 2) == 0; i += 2) {
		if (strcmp(argv[i], "--rounds") == 0)
			options.rounds = (int)number_after(argv, i);
		else if (strcmp(argv[i], "--scale") == 0)
			options.scale = number_after(argv, i);
		else
			bench_die("%s is not --rounds or --scale", argv[i]);
	}
	allowed_at_start();
	for (size_t g = 0; i >= argc && g < n; g++)
		groups[g].run(&options);
	for (; i < argc; i++)
		find_group(groups, n, argv[i])->run(&options);
	return 0;
}
