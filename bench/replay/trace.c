/* SPDX-License-Identifier: MIT */
/*
 * Three CSV files become arrivals. The trace counts per minute and does not time cold
 * starts: arrivals are uniform within their minute, and a function's cold start takes
 * what its slowest run took more than the average, from 10 ms to 10 s.
 */
#include "trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_NS (24 * 60 * MINUTE_NS) /* the virtual clock: no time is 0 */

static void die(const char *what, const char *name)
{
	fprintf(stderr, "%s: %s\n", name, what);
	exit(1);
}

static void *grow(void *old, long n, size_t size)
{
	void *room = realloc(old, (size_t)(n > 0 ? n : 1) * size);

	if (!room)
		die("out of memory", "replay");
	return room;
}

/* ---- lines ----------------------------------------------------------- */

struct row {
	FILE *file;
	char *line, *rest;
	size_t size;
};

static void open_csv(struct row *row, const char *dir, const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	memset(row, 0, sizeof(*row));
	row->file = fopen(path, "re");
	if (!row->file || getline(&row->line, &row->size, row->file) < 0)
		die("cannot be read", path);
}

static int next_row(struct row *row)
{
	if (getline(&row->line, &row->size, row->file) < 0) {
		fclose(row->file);
		free(row->line);
		return 0;
	}
	row->line[strcspn(row->line, "\r\n")] = '\0';
	row->rest = row->line;
	return 1;
}

static const char *field(struct row *row)
{
	const char *text = strsep(&row->rest, ",");

	return text ? text : "";
}

static void skip(struct row *row, int fields)
{
	while (fields--)
		field(row);
}

static void make_key(char key[160], const char *owner, const char *function)
{
	snprintf(key, 160, "%.78s/%.78s", owner, function);
}

static struct traced *find(struct trace *trace, const char *key)
{
	for (int i = 0; i < trace->count; i++)
		if (!strcmp(trace->functions[i].key, key))
			return &trace->functions[i];
	return NULL;
}

/* ---- the three files ------------------------------------------------- */

static void read_minutes(struct trace *trace, struct traced *function, struct row *row)
{
	int n = 0;

	while (row->rest) {
		function->per_minute = grow(function->per_minute, n + 1, sizeof(int));
		function->per_minute[n] = atoi(field(row));
		if (function->per_minute[n] < 0)
			die("counts less than none", "invocations.csv");
		n++;
	}
	if (trace->count && n != trace->minutes)
		die("the rows are of different length", "invocations.csv");
	trace->minutes = n;
}

static void read_invocations(struct trace *trace, const char *dir)
{
	struct row row;

	open_csv(&row, dir, "invocations.csv");
	while (next_row(&row)) {
		const char *owner = field(&row);
		struct traced *function;

		trace->functions = grow(trace->functions, trace->count + 1, sizeof(*function));
		function = &trace->functions[trace->count];
		memset(function, 0, sizeof(*function));
		skip(&row, 1);
		make_key(function->key, owner, field(&row));
		skip(&row, 1);
		read_minutes(trace, function, &row);
		trace->count++;
	}
}

static double clamp(double x, double least, double most)
{
	return x < least ? least : x > most ? most : x;
}

static void read_durations(struct trace *trace, const char *dir)
{
	struct row row;
	char key[160];

	open_csv(&row, dir, "durations.csv");
	while (next_row(&row)) {
		const char *owner = field(&row);
		struct traced *function;
		double average, most;

		skip(&row, 1);
		make_key(key, owner, field(&row));
		average = atof(field(&row));
		skip(&row, 2);
		most = atof(field(&row));
		function = find(trace, key);
		if (!function)
			continue;
		function->run_ns = (int64_t)(clamp(average, 0, 1e9) * 1e6);
		function->cold_ns = (int64_t)(clamp(most - average, 10, 10000) * 1e6);
	}
}

static void read_memory(struct trace *trace, const char *dir)
{
	struct row row;
	char key[160];

	open_csv(&row, dir, "memory.csv");
	while (next_row(&row)) {
		const char *name = field(&row), *owner = field(&row);
		struct traced *function;

		make_key(key, owner, name);
		skip(&row, 2);
		function = find(trace, key);
		if (function)
			function->memory_mb = (int)(clamp(atof(field(&row)), 0, 1e6) + 1);
	}
}

void trace_load(struct trace *trace, const char *dir)
{
	memset(trace, 0, sizeof(*trace));
	read_invocations(trace, dir);
	read_durations(trace, dir);
	read_memory(trace, dir);
	for (int i = 0; i < trace->count; i++)
		if (!trace->functions[i].cold_ns || !trace->functions[i].memory_mb)
			die("has no duration or no memory", trace->functions[i].key);
}

/* ---- arrivals -------------------------------------------------------- */

static int by_time(const void *a, const void *b)
{
	const struct arrival *x = a, *y = b;

	if (x->at_ns != y->at_ns)
		return x->at_ns < y->at_ns ? -1 : 1;
	return x->function - y->function;
}

/* xorshift64* */
static double uniform(uint64_t *seed)
{
	*seed ^= *seed >> 12;
	*seed ^= *seed << 25;
	*seed ^= *seed >> 27;
	return (double)(*seed * 0x2545f4914f6cdd1dULL >> 11) * 0x1p-53;
}

static long count_events(const struct trace *trace, int from, int to)
{
	long n = 0;

	for (int i = 0; i < trace->count; i++)
		for (int m = from; m < to; m++)
			n += trace->functions[i].per_minute[m];
	return n;
}

void trace_unfold(struct trace *trace, int from, int to, uint64_t seed)
{
	long n = 0;

	trace->events = count_events(trace, from, to);
	trace->arrivals = grow(trace->arrivals, trace->events, sizeof(*trace->arrivals));
	for (int i = 0; i < trace->count; i++)
		for (int m = from; m < to; m++)
			for (int k = 0; k < trace->functions[i].per_minute[m]; k++) {
				double at = (m - from + uniform(&seed)) * (double)MINUTE_NS;

				trace->arrivals[n].at_ns = FIRST_NS + (int64_t)at;
				trace->arrivals[n++].function = i;
			}
	qsort(trace->arrivals, (size_t)n, sizeof(*trace->arrivals), by_time);
}
