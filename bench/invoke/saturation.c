/* SPDX-License-Identifier: MIT */

/*
 * As many events as possible: new ones are submitted inside on_done, so that
 * a fixed number is always in flight. "ExD" means at most E environments and
 * E times D events outstanding.
 */

#include "invoke.h"
#include "ours.h"
#include "raw.h"

#include <stdio.h>

#define RING_WINDOW 64
#define RING_SPIN 2000
#define RUN_S 0.5

struct shape {
	int environments;
	int depth;
};

static const struct shape shapes[] = { { 1, 1 }, { 4, 16 }, { 8, 8 }, { 64, 1 } };

#define SHAPES (sizeof(shapes) / sizeof(*shapes))

static void name_of(const struct shape *shape, char *name, size_t size)
{
	snprintf(name, size, "echo-%dx%d", shape->environments, shape->depth);
}

static void create(struct faas *rt, const struct shape *shape)
{
	char name[32];

	name_of(shape, name, sizeof(name));
	ours_function(rt, &(struct ours_function){ .name = name, .handler = "plugin.echo",
						   .kind = FAAS_PROCESS,
						   .max_concurrency = shape->environments });
	ours_saturate(rt, name, shape->environments * shape->depth, 0.1, NULL);
}

static double seconds(const struct options *options)
{
	double s = RUN_S * options->scale;

	return s < 0.05 ? 0.05 : s;
}

static double run(struct faas *rt, const struct shape *shape, double s, struct samples *latency)
{
	char name[32];

	name_of(shape, name, sizeof(name));
	return ours_saturate(rt, name, shape->environments * shape->depth, s, latency);
}

void saturation(const struct options *options)
{
	bool two = bench_cpus() >= 2;
	struct ring *ring = ring_open(two ? 1 : 0, two ? RING_SPIN : 0);
	struct faas *rt = ours_open(NULL, SILENT);
	char name[32];

	for (size_t i = 0; i < SHAPES; i++)
		create(rt, &shapes[i]);
	for (int round = 0; round < options->rounds; round++) {
		bench_pin(0);
		report_value(ring_run(ring, RING_WINDOW, seconds(options)),
			     "saturation.raw_ring.per_s");
		bench_pin(-1);
		for (size_t i = 0; i < SHAPES; i++)
			report_value(run(rt, &shapes[i], seconds(options), NULL),
				     "saturation.%dx%d.per_s", shapes[i].environments,
				     shapes[i].depth);
	}
	for (size_t i = 0; i < SHAPES; i++) {
		name_of(&shapes[i], name, sizeof(name));
		report_value(ours_environments(rt, name), "saturation.%dx%d.environments",
			     shapes[i].environments, shapes[i].depth);
	}
	ours_close(rt);
	ring_close(ring);
}

/* What it costs that somebody wants every record and every metric. */
void listening(const struct options *options)
{
	static const struct shape shape = { 4, 16 };
	struct faas *silent = ours_open(NULL, SILENT);
	struct faas *heard = ours_open(NULL, LISTENING);

	create(silent, &shape);
	create(heard, &shape);
	for (int round = 0; round < options->rounds; round++) {
		report_value(run(silent, &shape, seconds(options), NULL),
			     "listening.off.per_s");
		report_value(run(heard, &shape, seconds(options), NULL), "listening.on.per_s");
	}
	ours_close(silent);
	ours_close(heard);
}

static void point(const struct options *options, struct faas *rt, const struct shape *shape,
		  const char *curve, int x)
{
	struct samples latency;
	char key[64];

	samples_open(&latency, 1 << 20);
	create(rt, shape);
	for (int round = 0; round < options->rounds; round++) {
		report_value(run(rt, shape, seconds(options), NULL), "curve.%s.%d.per_s", curve, x);
		samples_clear(&latency);
		run(rt, shape, seconds(options) / 4, &latency);
		snprintf(key, sizeof(key), "curve.%s.%d", curve, x);
		report_latency(key, &latency);
	}
	samples_close(&latency);
}

/* For the plots: throughput against outstanding, and against environments. */
void curves(const struct options *options)
{
	for (int n = 1; n <= 512; n *= 2) {
		struct faas *rt = ours_open(NULL, SILENT);
		struct shape shape = { n < 4 ? n : 4, n < 4 ? 1 : n / 4 };

		point(options, rt, &shape, "outstanding", n);
		ours_close(rt);
	}
	for (int n = 1; n <= 64; n *= 2) {
		struct faas *rt = ours_open(NULL, SILENT);
		struct shape shape = { n, 64 / n };

		point(options, rt, &shape, "environments", n);
		ours_close(rt);
	}
}
