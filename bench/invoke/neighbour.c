/* SPDX-License-Identifier: MIT */

/*
 * The same warm call while another function misbehaves without a pause: one
 * floods the log, one spins for 20 ms at a time, one dies of every event.
 * Nobody is pinned; the worst of all calls is reported, too.
 */

#include "invoke.h"
#include "ours.h"
#include "word.h"

#include <stdio.h>

struct neighbour {
	struct faas *rt;
	const char *name;
	word state; /* 0 lives, 1 is asked to leave, 2 has left */
};

static const char *const kinds[] = { "none", "flood", "burn", "die" };

#define KINDS (sizeof(kinds) / sizeof(*kinds))

static void again(void *data, const struct faas_result *result);

static void submit(struct neighbour *n)
{
	struct faas_request request = { .size = sizeof(request), .function = n->name,
					.payload = { "x", 1 }, .capacity_wait_ms = 10000,
					.on_done = again, .data = n };
	struct faas_error err;

	if (faas_invoke(n->rt, &request, NULL, &err) < 0)
		bench_die("%s: %s", n->name, err.message);
}

static void again(void *data, const struct faas_result *result)
{
	struct neighbour *n = data;

	(void)result;
	if (atomic_load(&n->state))
		word_post(&n->state, 2);
	else
		submit(n);
}

static void measure(struct faas *rt, const char *kind, struct samples *s)
{
	struct neighbour n = { .rt = rt, .name = kind };
	bool alone = kind == kinds[0];
	char key[64];

	samples_clear(s);
	if (!alone)
		submit(&n);
	bench_sleep_us(20000);
	ours_fill(rt, "echo", s->cap, s);
	snprintf(key, sizeof(key), "neighbour.%s", kind);
	report_latency(key, s);
	if (alone)
		return;
	word_post(&n.state, 1);
	if (word_leave_within(&n.state, 1, 30) < 0)
		bench_die("the neighbour %s does not end", kind);
}

void neighbours(const struct options *options)
{
	struct faas *rt = ours_open(NULL, LISTENING);
	struct samples s;

	ours_function(rt, &(struct ours_function){ .name = "echo", .handler = "plugin.echo",
						   .kind = FAAS_PROCESS });
	for (size_t i = 1; i < KINDS; i++) {
		char handler[32];

		snprintf(handler, sizeof(handler), "plugin.%s", kinds[i]);
		ours_function(rt, &(struct ours_function){ .name = kinds[i], .handler = handler,
							   .kind = FAAS_PROCESS,
							   .max_concurrency = 1 });
	}
	samples_open(&s, bench_scaled(options, 20000));
	ours_fill(rt, "echo", s.cap / 10, &s);
	for (int round = 0; round < options->rounds; round++)
		for (size_t i = 0; i < KINDS; i++)
			measure(rt, kinds[i], &s);
	samples_close(&s);
	ours_close(rt);
}
