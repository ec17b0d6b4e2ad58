/* SPDX-License-Identifier: MIT */

/*
 * Every event finds the process as init left it: the memory is put back after
 * each one, beside what gives the same without us, a fork per event of a
 * process with as much memory. Both have 16 MB and write to 16 pages of it;
 * the fork has them side by side on huge pages, which is the cheapest it can be.
 */

#include "invoke.h"
#include "ours.h"
#include "raw.h"

#include <string.h>

#define TURNS 20
#define IMAGE_MB 16
#define PAGES 16

struct duel {
	struct pingpong *futex;
	struct bigfork *fork;
	struct faas *rt;
	uint32_t number; /* of the next event: the handler writes elsewhere each time */
	struct samples raw, forked, ours;
};

static void call_ours(struct duel *d, size_t n)
{
	unsigned char event[64] = { 0 };

	for (size_t i = 0; i < n; i++) {
		memcpy(event, &d->number, sizeof(d->number));
		d->number++;
		samples_add(&d->ours, ours_echo(d->rt, "dirty", event, sizeof(event)));
	}
}

static void fork_raw(struct duel *d, size_t n)
{
	for (size_t i = 0; i < n; i++)
		samples_add(&d->forked, bigfork_birth(d->fork));
}

/* Without the option the handler finds the page of the event before: else nothing is proven. */
static void expect_dirt(struct faas *rt)
{
	unsigned char event[64] = { 0 };
	struct faas_result *r;
	int code = FAAS_OK;

	ours_function(rt, &(struct ours_function){ .name = "kept", .handler = "image.dirty",
						   .kind = FAAS_PROCESS });
	for (int i = 0; i < 2; i++) {
		r = ours_call(rt, "kept", event, sizeof(event));
		code = r->code;
		faas_free(r);
	}
	if (code != FAAS_EFUNCTION)
		bench_die("the handler does not see what an event before it wrote");
}

static void duel_open(struct duel *d, size_t n, size_t forks)
{
	d->futex = pingpong_open(PINGPONG_FUTEX, 0);
	d->fork = bigfork_open(IMAGE_MB, true, PAGES);
	d->rt = ours_open(NULL, SILENT);
	d->number = 1;
	expect_dirt(d->rt);
	ours_function(d->rt, &(struct ours_function){ .name = "dirty", .handler = "image.dirty",
						      .kind = FAAS_PROCESS, .pristine = true });
	samples_open(&d->raw, n);
	samples_open(&d->forked, forks);
	samples_open(&d->ours, n);
	call_ours(d, 2000);
}

static void duel_close(struct duel *d)
{
	ours_close(d->rt);
	bigfork_close(d->fork);
	pingpong_close(d->futex);
	samples_close(&d->raw);
	samples_close(&d->forked);
	samples_close(&d->ours);
}

static double per_s(size_t n, uint64_t ns)
{
	return (double)n * 1e9 / (double)ns;
}

static void one_round(struct duel *d)
{
	uint64_t ours_ns = 0, forks_ns = 0;

	samples_clear(&d->raw);
	samples_clear(&d->forked);
	samples_clear(&d->ours);
	for (int turn = 0; turn < TURNS; turn++) {
		uint64_t start = bench_now();

		call_ours(d, d->ours.cap / TURNS);
		ours_ns += bench_now() - start;
		pingpong_run(d->futex, d->raw.cap / TURNS, &d->raw);
		start = bench_now();
		fork_raw(d, d->forked.cap / TURNS);
		forks_ns += bench_now() - start;
	}
	report_value(per_s(d->ours.n, ours_ns), "pristine.ours.per_s");
	report_value(per_s(d->forked.n, forks_ns), "pristine.raw_fork.per_s");
	report_latency("pristine.raw_futex", &d->raw);
	report_latency("pristine.raw_fork", &d->forked);
	report_latency("pristine.ours", &d->ours);
}

void pristine(const struct options *options)
{
	size_t n = bench_scaled(options, 40000) / TURNS * TURNS;
	struct duel d;

	bench_pin(0);
	duel_open(&d, n, n / 20 < TURNS ? TURNS : n / 20 / TURNS * TURNS);
	for (int round = 0; round < options->rounds; round++)
		one_round(&d);
	duel_close(&d);
	bench_pin(-1);
}
