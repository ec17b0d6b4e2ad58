/* SPDX-License-Identifier: MIT */

/*
 * Cold starts beside a bare clone, taking turns. Every answer of the handler
 * begins with the number of events its environment had before: only a zero
 * counts as cold, and how many were not is reported.
 */

#include "cold.h"
#include "ours.h"
#include "raw.h"
#include "word.h"

#include <stdio.h>
#include <string.h>

#define BURST 32

/* Long enough for the dead to be buried and what is kept ready to be ready again. */
#define PAUSE_US 3000

static uint32_t earlier_events(const struct faas_result *r)
{
	uint32_t n = 1;

	if (r->code != FAAS_OK || r->payload.len < sizeof(n))
		bench_die("a cold start ended with %s %s: %.*s", faas_strerror(r->code),
			  r->error_type, (int)r->payload.len, (const char *)r->payload.data);
	memcpy(&n, r->payload.data, sizeof(n));
	return n;
}

static void create_fresh(struct faas *rt, const char *name, bool snapshot)
{
	ours_function(rt, &(struct ours_function){ .name = name, .handler = "plugin.fresh",
						   .kind = FAAS_PROCESS, .snapshot = snapshot });
}

static void renew(struct faas *rt, const char *name)
{
	struct faas_error err;

	if (faas_recycle(rt, name, &err) < 0)
		bench_die("%s: %s", name, err.message);
}

void recycle(struct faas *rt, const char *name)
{
	renew(rt, name);
	bench_sleep_us(PAUSE_US);
}

bool one_cold(struct faas *rt, const char *name, struct samples *s)
{
	static const char event[64] = "an event of 64 bytes";
	uint64_t start = bench_now(), took;
	struct faas_result *r = ours_call(rt, name, event, sizeof(event));
	bool cold;

	took = bench_now() - start;
	cold = earlier_events(r) == 0;
	faas_free(r);
	if (cold)
		samples_add(s, took);
	return cold;
}

struct contest {
	struct nursery *nursery;
	struct zygote *loaded, *blank;
	struct faas *rt;
	struct samples raw, dlopened, ours;
};

static void contest_open(struct contest *c, size_t n)
{
	c->nursery = nursery_open(ours_nursery(), ours_plugin());
	c->loaded = zygote_open(c->nursery, ZYGOTE_LOADED);
	c->blank = zygote_open(c->nursery, ZYGOTE_BLANK);
	samples_open(&c->raw, n);
	samples_open(&c->dlopened, n);
	samples_open(&c->ours, n);
	c->rt = ours_open(NULL, SILENT);
}

static void contest_clear(struct contest *c)
{
	samples_clear(&c->raw);
	samples_clear(&c->dlopened);
	samples_clear(&c->ours);
}

static void contest_report(struct contest *c, const char *name)
{
	char key[64];

	snprintf(key, sizeof(key), "%s.raw_clone", name);
	report_latency(key, &c->raw);
	snprintf(key, sizeof(key), "%s.raw_clone_dlopen", name);
	report_latency(key, &c->dlopened);
	snprintf(key, sizeof(key), "%s.ours", name);
	report_latency(key, &c->ours);
}

static void contest_close(struct contest *c)
{
	ours_close(c->rt);
	zygote_close(c->loaded);
	zygote_close(c->blank);
	nursery_close(c->nursery);
	samples_close(&c->raw);
	samples_close(&c->dlopened);
	samples_close(&c->ours);
}

static void starts(const struct options *options, const char *name, bool snapshot)
{
	size_t n = bench_scaled(options, 60);
	struct contest c;
	uint64_t warm = 0;

	contest_open(&c, n);
	create_fresh(c.rt, "fresh", snapshot);
	for (int i = 0; i < 5; i++, recycle(c.rt, "fresh"))
		one_cold(c.rt, "fresh", &c.ours);
	for (int round = 0; round < options->rounds; round++) {
		contest_clear(&c);
		for (size_t i = 0; i < n; i++) {
			samples_add(&c.raw, zygote_birth(c.loaded));
			bench_sleep_us(PAUSE_US / 10);
			samples_add(&c.dlopened, zygote_birth(c.blank));
			bench_sleep_us(PAUSE_US / 10);
			warm += !one_cold(c.rt, "fresh", &c.ours);
			recycle(c.rt, "fresh");
		}
		contest_report(&c, name);
	}
	report_value((double)warm, "%s.not_cold", name);
	contest_close(&c);
}

void start_one_cpu(const struct options *options)
{
	bench_pin(0);
	starts(options, "cold1", false);
	bench_pin(-1);
}

void start_two_cpus(const struct options *options)
{
	if (bench_cpus() < 2)
		report_note("cold2", "needs two CPUs");
	else
		starts(options, "cold2", false);
}

void snapshot_one_cpu(const struct options *options)
{
	bench_pin(0);
	starts(options, "snapshot1", true);
	bench_pin(-1);
}

void snapshot_two_cpus(const struct options *options)
{
	if (bench_cpus() < 2)
		report_note("snapshot", "needs two CPUs");
	else
		starts(options, "snapshot", true);
}

/* ---- back to back ------------------------------------------------------- */

static double per_start_ns(uint64_t start, size_t n)
{
	return (double)(bench_now() - start) / (double)n;
}

/*
 * Without a pause nothing can be made ahead, and on one CPU whatever a start costs, its
 * end and what follows it included, is within the time of all of them.
 */
static uint64_t steady_round(struct contest *c, const char *name)
{
	uint64_t warm = 0, start = bench_now();
	size_t n = c->raw.cap;

	contest_clear(c);
	for (size_t i = 0; i < n; i++)
		samples_add(&c->raw, zygote_birth(c->loaded));
	report_value(per_start_ns(start, n), "%s.raw_clone.mean_ns", name);
	bench_sleep_us(2 * PAUSE_US);
	for (size_t i = 0; i < n / 2; i++, renew(c->rt, "fresh")) /* what is in stock */
		one_cold(c->rt, "fresh", &c->ours);
	samples_clear(&c->ours);
	start = bench_now();
	for (size_t i = 0; i < n; i++, renew(c->rt, "fresh"))
		warm += !one_cold(c->rt, "fresh", &c->ours);
	report_value(per_start_ns(start, n), "%s.ours.mean_ns", name);
	bench_sleep_us(2 * PAUSE_US);
	return warm;
}

static void steady(const struct options *options, const char *name, bool snapshot)
{
	struct contest c;
	uint64_t warm = 0;
	char key[64];

	contest_open(&c, bench_scaled(options, 60));
	create_fresh(c.rt, "fresh", snapshot);
	one_cold(c.rt, "fresh", &c.ours);
	for (int round = 0; round < options->rounds; round++) {
		warm += steady_round(&c, name);
		snprintf(key, sizeof(key), "%s.raw_clone", name);
		report_latency(key, &c.raw);
		snprintf(key, sizeof(key), "%s.ours", name);
		report_latency(key, &c.ours);
	}
	report_value((double)warm, "%s.not_cold", name);
	contest_close(&c);
}

void steady_one_cpu(const struct options *options)
{
	bench_pin(0);
	steady(options, "steady1", false);
	steady(options, "steady1_snapshot", true);
	bench_pin(-1);
}

void steady_two_cpus(const struct options *options)
{
	if (bench_cpus() < 2) {
		report_note("steady2", "needs two CPUs");
		return;
	}
	steady(options, "steady2", false);
	steady(options, "steady2_snapshot", true);
}

/* ---- many at once -------------------------------------------------------- */

struct wave {
	word done;
	uint32_t warm;
};

static void arrived(void *data, const struct faas_result *result)
{
	struct wave *w = data;

	w->warm += earlier_events(result) != 0;
	if (atomic_fetch_add(&w->done, 1) + 1 == BURST)
		word_wake(&w->done);
}

static uint64_t wave_of_ours(struct faas *rt, uint32_t *warm)
{
	static const char event[64] = "an event of 64 bytes";
	struct wave w = { 0 };
	struct faas_request request = { .size = sizeof(request), .function = "fresh",
					.payload = { event, sizeof(event) },
					.on_done = arrived, .data = &w };
	uint64_t start = bench_now();
	struct faas_error err;
	uint32_t done;

	for (int i = 0; i < BURST; i++)
		if (faas_invoke(rt, &request, NULL, &err) < 0)
			bench_die("burst: %s", err.message);
	while ((done = atomic_load(&w.done)) < BURST)
		if (word_leave_within(&w.done, done, 10) < 0)
			bench_die("burst: %u of %d answered", done, BURST);
	*warm += w.warm;
	return bench_now() - start;
}

void burst(const struct options *options)
{
	size_t n = bench_scaled(options, 20);
	struct contest c;
	uint32_t warm = 0;

	contest_open(&c, n);
	create_fresh(c.rt, "fresh", false);
	one_cold(c.rt, "fresh", &c.ours);
	recycle(c.rt, "fresh");
	for (int round = 0; round < options->rounds; round++) {
		contest_clear(&c);
		for (size_t i = 0; i < n; i++) {
			samples_add(&c.raw, zygote_burst(c.loaded, BURST));
			bench_sleep_us(PAUSE_US);
			samples_add(&c.dlopened, zygote_burst(c.blank, BURST));
			bench_sleep_us(PAUSE_US);
			samples_add(&c.ours, wave_of_ours(c.rt, &warm));
			recycle(c.rt, "fresh");
			bench_sleep_us(5 * PAUSE_US);
		}
		contest_report(&c, "burst");
	}
	report_value((double)warm, "burst.not_cold");
	contest_close(&c);
}

/* ---- the very first ------------------------------------------------------ */

static void first_of_ours(struct faas *rt, int i, struct samples *s)
{
	struct faas_error err;
	char name[32];

	snprintf(name, sizeof(name), "first-%d", i);
	create_fresh(rt, name, false);
	one_cold(rt, name, s);
	if (faas_function_delete(rt, name, &err) < 0)
		bench_die("%s: %s", name, err.message);
	bench_sleep_us(2 * PAUSE_US);
}

void first_ever(const struct options *options)
{
	size_t n = bench_scaled(options, 30);
	struct contest c;

	contest_open(&c, n);
	for (int round = 0; round < options->rounds; round++) {
		contest_clear(&c);
		for (size_t i = 0; i < n; i++) {
			samples_add(&c.raw, nursery_first(c.nursery));
			first_of_ours(c.rt, round * (int)n + (int)i, &c.ours);
		}
		report_latency("first.raw_zygote", &c.raw);
		report_latency("first.ours", &c.ours);
	}
	contest_close(&c);
}
