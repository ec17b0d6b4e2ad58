/* SPDX-License-Identifier: MIT */

/*
 * Messages that lie in a queue, in batches of 100 through a mapping: received, invoked on, and
 * deleted; until none is left. In memory, and with each step synced to the disk.
 */

#include "invoke.h"
#include "ours.h"

#include <faas/source.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SENDERS 64
#define MESSAGES 200000
#define BATCH 100

static char folder[512];
static _Atomic long batches;
static long each; /* messages that one sender sends */

static int swallow(struct faas_context *ctx, struct faas_bytes event)
{
	(void)ctx;
	if (event.len < 64)
		bench_die("an event of %zu bytes", event.len);
	batches++;
	return 0;
}

static void *send_some(void *data)
{
	static const char body[64] = "0123456789abcdef0123456789abcdef"
				     "0123456789abcdef0123456789abcde";
	struct faas_error err;

	for (long i = 0; i < each; i++)
		if (faas_send(data, "queue:bench", (struct faas_bytes){ body, sizeof(body) - 1 },
			      &err))
			bench_die("faas_send: %s", err.message);
	return NULL;
}

static void fill_queue(struct faas *rt)
{
	pthread_t threads[SENDERS];

	for (int i = 0; i < SENDERS; i++)
		if (pthread_create(&threads[i], NULL, send_some, rt))
			bench_die("pthread_create");
	for (int i = 0; i < SENDERS; i++)
		pthread_join(threads[i], NULL);
}

static uint64_t waiting(struct faas *rt)
{
	struct faas_stats stats = { .size = sizeof(stats) };

	faas_stats(rt, &stats);
	return stats.messages_waiting;
}

/* Messages per second, from the moment the mapping is made until the queue is empty. */
static double drain(struct faas *rt)
{
	uint64_t start = bench_now(), n = waiting(rt);
	struct faas_error err;
	char id[37];

	batches = 0;
	if (n != (uint64_t)each * SENDERS)
		bench_die("%ld messages were sent, %ld lie there", each * SENDERS, (long)n);
	if (faas_mapping_create(rt, FAAS_MAPPING(.source = "queue:bench", .function = "swallow",
						 .batch_size = BATCH, .batch_window_s = 1),
				id, &err))
		bench_die("faas_mapping_create: %s", err.message);
	while (waiting(rt))
		bench_sleep_us(200);
	start = bench_now() - start;
	if (batches < (long)n / BATCH)
		bench_die("%ld batches for %ld messages", (long)batches, (long)n);
	if (faas_mapping_delete(rt, id, &err))
		bench_die("faas_mapping_delete: %s", err.message);
	return (double)n * 1e9 / (double)start;
}

static void measure(const struct options *options, struct faas *rt, const char *key)
{
	each = (long)bench_scaled(options, MESSAGES) / SENDERS;
	ours_function(rt, &(struct ours_function){ .name = "swallow", .native = swallow,
						   .kind = FAAS_THREAD, .timeout_ms = 10000 });
	for (int round = 0; round < options->rounds; round++) {
		fill_queue(rt);
		report_value(drain(rt), "%s", key);
		bench_sleep_us(100000); /* the mapping is gone */
	}
	ours_close(rt);
}

void queue_in_memory(const struct options *options)
{
	measure(options, ours_open(NULL, SILENT), "queue.memory_per_s");
}

void queue_on_disk(const struct options *options)
{
	static const char *const names[] = { "lock", "ballast", "queue.db", "queue.db-wal" };
	char path[600];

	snprintf(folder, sizeof(folder), "%s/queue-XXXXXX", ours_plugins());
	if (!mkdtemp(folder))
		bench_die("mkdtemp %s", folder);
	measure(options, ours_open_in(folder), "queue.durable_per_s");
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
	rmdir(folder);
}
