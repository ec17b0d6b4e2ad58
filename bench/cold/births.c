/* SPDX-License-Identifier: MIT */

/* Raw births that no environment of ours is compared with one to one: forks of a heap, spawns. */

#include "cold.h"
#include "raw.h"

#define HEAP_MB 64
#define PAGES 64

static void forks(const struct options *options, const char *key, bool huge)
{
	struct bigfork *b = bigfork_open(HEAP_MB, huge, PAGES);
	struct samples s;

	samples_open(&s, bench_scaled(options, 40));
	for (int round = 0; round < options->rounds; round++) {
		samples_clear(&s);
		while (s.n < s.cap) {
			samples_add(&s, bigfork_birth(b));
			bench_sleep_us(2000);
		}
		report_latency(key, &s);
	}
	samples_close(&s);
	bigfork_close(b);
}

void raw_births(const struct options *options)
{
	struct samples s;

	forks(options, "fork64.small_pages", false);
	forks(options, "fork64.huge_pages", true);
	samples_open(&s, bench_scaled(options, 50));
	for (int round = 0; round < options->rounds; round++) {
		samples_clear(&s);
		while (s.n < s.cap)
			samples_add(&s, spawn_true());
		report_latency("spawn_true", &s);
	}
	samples_close(&s);
}
