/* SPDX-License-Identifier: MIT */

/*
 * Does the warm call get slower when there is more of everything? One runtime
 * of each size lives at the same time and they take turns, on one CPU.
 */

#include "invoke.h"
#include "ours.h"

#include <stdio.h>

#define SIZES 3
#define TURNS 10

struct household {
	struct faas *rt;
	int size;
	struct samples samples;
};

static void add_functions(struct faas *rt, int n)
{
	char name[32];

	for (int i = 1; i < n; i++) {
		snprintf(name, sizeof(name), "other-%d", i);
		ours_function(rt, &(struct ours_function){ .name = name,
							   .handler = "plugin.echo",
							   .kind = FAAS_PROCESS });
	}
}

static void add_environments(struct faas *rt, int n)
{
	ours_function(rt, &(struct ours_function){ .name = "nap", .handler = "plugin.nap",
						   .kind = FAAS_PROCESS });
	if (n > 1)
		ours_populate(rt, "nap", n - 1);
}

static void measure(const struct options *options, struct household *houses, const char *what)
{
	char key[64];

	for (int round = 0; round < options->rounds; round++) {
		for (int h = 0; h < SIZES; h++)
			samples_clear(&houses[h].samples);
		for (int turn = 0; turn < TURNS; turn++)
			for (int h = 0; h < SIZES; h++)
				ours_fill(houses[h].rt, "echo", houses[h].samples.cap / TURNS,
					  &houses[h].samples);
		for (int h = 0; h < SIZES; h++) {
			snprintf(key, sizeof(key), "growth.%s.%d", what, houses[h].size);
			report_latency(key, &houses[h].samples);
		}
	}
}

static void grow(const struct options *options, const char *what, const int *sizes,
		 void (*add)(struct faas *rt, int n))
{
	struct household houses[SIZES];

	bench_pin(0);
	for (int h = 0; h < SIZES; h++) {
		houses[h].size = sizes[h];
		houses[h].rt = ours_open(NULL, SILENT);
		samples_open(&houses[h].samples, bench_scaled(options, 10000));
		ours_function(houses[h].rt, &(struct ours_function){ .name = "echo",
								     .handler = "plugin.echo",
								     .kind = FAAS_PROCESS });
		add(houses[h].rt, sizes[h]);
		ours_fill(houses[h].rt, "echo", 500, &houses[h].samples);
	}
	measure(options, houses, what);
	for (int h = 0; h < SIZES; h++) {
		ours_close(houses[h].rt);
		samples_close(&houses[h].samples);
	}
	bench_pin(-1);
}

void growth_functions(const struct options *options)
{
	static const int sizes[SIZES] = { 1, 100, 10000 };

	grow(options, "functions", sizes, add_functions);
}

void growth_environments(const struct options *options)
{
	static const int sizes[SIZES] = { 1, 64, 1000 };

	grow(options, "environments", sizes, add_environments);
}
