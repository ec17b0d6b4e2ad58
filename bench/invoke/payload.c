/* SPDX-License-Identifier: MIT */

/*
 * What a larger payload adds to the 64-byte call, beside the two copies that
 * safety requires: in, where the function cannot change it any more, and out. Of a
 * function that gives back what it was given, and of one that writes its own answer.
 * On one CPU: there the bytes stay in one cache. What 1 KB adds is a hundredth of a call, and
 * by so much a machine is slower in one moment than in the next: so both take turns.
 */

#include "invoke.h"
#include "ours.h"
#include "raw.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct size {
	const char *name;
	size_t bytes;
	size_t calls;
} sizes[] = {
	{ "1kb", 1024, 4000 },
	{ "64kb", 65536, 1000 },
	{ "1mb", 1048576, 100 },
	{ "6mb", 6291456, 30 },
};

#define SMALL 64
#define TURN 20

/* `whose`: allocator. */
static void measure_ours(struct faas *rt, const struct size *size, size_t n, const void *payload,
			 const char *whose)
{
	struct samples small, large;
	char key[64];

	samples_open(&small, n + TURN);
	samples_open(&large, n);
	for (size_t i = 0; i < n; i++) {
		for (int k = 0; i % TURN == 0 && k < TURN; k++)
			samples_add(&small, ours_echo(rt, "echo", payload, SMALL));
		samples_add(&large, ours_echo(rt, "echo", payload, size->bytes));
	}
	snprintf(key, sizeof(key), "payload.%s.%s_beside", size->name, whose);
	report_latency(key, &small);
	snprintf(key, sizeof(key), "payload.%s.%s", size->name, whose);
	report_latency(key, &large);
	samples_close(&small);
	samples_close(&large);
}

static void measure(const struct options *options, struct faas *rt, const struct size *size,
		    const void *payload)
{
	size_t n = bench_scaled(options, size->calls);
	struct samples raw, ours;
	char key[64];

	samples_open(&raw, n);
	samples_open(&ours, n);
	two_copies(size->bytes, n, &raw);
	snprintf(key, sizeof(key), "payload.%s.raw_copies", size->name);
	report_latency(key, &raw);
	measure_ours(rt, size, n, payload, "ours");
	for (size_t i = 0; i < n; i++)
		samples_add(&ours, ours_echo(rt, "copy", payload, size->bytes));
	samples_clear(&raw);
	echo_copies(size->bytes, n, &raw);
	snprintf(key, sizeof(key), "payload.%s.raw_echo", size->name);
	report_latency(key, &raw);
	snprintf(key, sizeof(key), "payload.%s.copy", size->name);
	report_latency(key, &ours);
	samples_close(&raw);
	samples_close(&ours);
}

/* ---- with an allocator that has blocks of 2 KB at hand, too ------------- */

#define BLOCK 2048

/*
 * The lists from which malloc() serves in a few nanoseconds end at 1032 bytes, and a result
 * with 1 KB in it is larger. Whoever lets it go may be another thread: it keeps it then.
 */
static void *realloc_blocks(void *data, void *ptr, size_t old_size, size_t new_size)
{
	static __thread void *at_hand[64];
	static __thread size_t count;
	bool fits = new_size <= BLOCK, fitted = old_size <= BLOCK;
	void *to = NULL;

	(void)data;
	if (new_size)
		to = fits && count ? at_hand[--count] : malloc(fits ? BLOCK : new_size);
	if (!ptr || (new_size && !to))
		return to;
	if (to)
		memcpy(to, ptr, old_size < new_size ? old_size : new_size);
	if (fitted && count < sizeof(at_hand) / sizeof(*at_hand))
		at_hand[count++] = ptr;
	else
		free(ptr);
	return to;
}

static void with_blocks_at_hand(const struct options *options, const void *payload)
{
	struct faas *rt = ours_open_with(realloc_blocks);
	const struct size *size = &sizes[0];

	ours_function(rt, &(struct ours_function){ .name = "echo", .handler = "plugin.echo",
						   .kind = FAAS_PROCESS });
	for (int i = 0; i < 20; i++)
		ours_echo(rt, "echo", payload, i < 10 ? SMALL : size->bytes);
	for (int round = 0; round < options->rounds; round++)
		measure_ours(rt, size, bench_scaled(options, size->calls), payload, "at_hand");
	ours_close(rt);
}

void payloads(const struct options *options)
{
	size_t most = sizes[sizeof(sizes) / sizeof(*sizes) - 1].bytes;
	char *payload = malloc(most);
	struct faas *rt;

	if (!payload)
		bench_die("no memory");
	for (size_t i = 0; i < most; i++)
		payload[i] = (char)('a' + i % 23);
	bench_pin(0);
	rt = ours_open(NULL, SILENT);
	ours_function(rt, &(struct ours_function){ .name = "echo", .handler = "plugin.echo",
						   .kind = FAAS_PROCESS });
	ours_function(rt, &(struct ours_function){ .name = "copy", .handler = "plugin.copy",
						   .kind = FAAS_PROCESS });
	for (int i = 0; i < 20; i++) {
		ours_echo(rt, "echo", payload, i < 10 ? SMALL : most);
		ours_echo(rt, "copy", payload, i < 10 ? SMALL : most);
	}
	for (int round = 0; round < options->rounds; round++)
		for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
			measure(options, rt, &sizes[i], payload);
	ours_close(rt);
	with_blocks_at_hand(options, payload);
	free(payload);
	bench_pin(-1);
}
