/* SPDX-License-Identifier: MIT */

/*
 * Environments that begin with 64 MB that init() filled, beside forks of a
 * process that has as much; each touches the same 64 pages of it.
 */

#include "cold.h"
#include "ours.h"
#include "raw.h"

#define HEAP_MB 64
#define MEMORY_MB 256
#define PAGES 64
#define PAUSE_US 2000

struct contest {
	struct bigfork *small, *huge;
	struct faas *rt;
	struct samples on_small, on_huge, ours;
};

static void open_contest(struct contest *c, size_t n)
{
	c->small = bigfork_open(HEAP_MB, false, PAGES);
	c->huge = bigfork_open(HEAP_MB, true, PAGES);
	samples_open(&c->on_small, n);
	samples_open(&c->on_huge, n);
	samples_open(&c->ours, n);
	c->rt = ours_open(NULL, SILENT);
	ours_function(c->rt, &(struct ours_function){ .name = "heap", .handler = "plugin.heap",
						      .kind = FAAS_PROCESS,
						      .memory_mb = MEMORY_MB, .snapshot = true });
}

static void close_contest(struct contest *c)
{
	ours_close(c->rt);
	bigfork_close(c->small);
	bigfork_close(c->huge);
	samples_close(&c->on_small);
	samples_close(&c->on_huge);
	samples_close(&c->ours);
}

static uint64_t one_round(struct contest *c)
{
	uint64_t warm = 0;

	samples_clear(&c->on_small);
	samples_clear(&c->on_huge);
	samples_clear(&c->ours);
	while (c->on_small.n < c->on_small.cap) {
		samples_add(&c->on_small, bigfork_birth(c->small));
		bench_sleep_us(PAUSE_US);
		samples_add(&c->on_huge, bigfork_birth(c->huge));
		bench_sleep_us(PAUSE_US);
		warm += !one_cold(c->rt, "heap", &c->ours);
		recycle(c->rt, "heap");
	}
	report_latency("snapshot64.raw_small_pages", &c->on_small);
	report_latency("snapshot64.raw_huge_pages", &c->on_huge);
	report_latency("snapshot64.ours", &c->ours);
	return warm;
}

void snapshot_of_heap(const struct options *options)
{
	struct contest c;
	uint64_t warm = 0;

	open_contest(&c, bench_scaled(options, 40));
	for (int i = 0; i < 5; i++, recycle(c.rt, "heap"))
		one_cold(c.rt, "heap", &c.ours);
	for (int round = 0; round < options->rounds; round++)
		warm += one_round(&c);
	report_value((double)warm, "snapshot64.not_cold");
	close_contest(&c);
}
