/* SPDX-License-Identifier: MIT */

/*
 * bench/sources: what those cost that have nothing to do. A hundred schedules are due at the
 * same minute, again and again, with nobody and with a hundred thousand others armed beside
 * them; messages go through one queue, with nobody and with ten thousand other mappings beside
 * it; and nothing happens for a second while all of them are there. And what one shard of a
 * stream gives, and the changes of one key of a table, in batches of a hundred. Time is virtual,
 * so that a minute is a step; what is measured is real.
 */

#include "bench.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <faas/source.h>
#include <runtime.h>

#define DUE 100       /* schedules of a tick */
#define ARMED 100000  /* and others */
#define MAPPINGS 10000
#define MESSAGES 2000
#define TARGETS 100   /* who subscribed to a topic */
#define WRITERS 64    /* at once, where each waits for the disk */

struct host {
	struct fa_clock_virtual clock;
	struct faas *rt;
};

static _Atomic int calls;

static int count(struct faas_context *ctx, struct faas_bytes event)
{
	(void)ctx;
	(void)event;
	atomic_fetch_add(&calls, 1);
	return 0;
}

static void open_host_in(struct host *host, const char *state_dir)
{
	struct faas_error err;

	fa_clock_virtual_init(&host->clock, 1800000000000 / 60000 * 60000);
	host->rt = fa_create(FAAS_CONFIG(.worker = BENCH_WORKER, .max_concurrency = 2000,
					.max_memory_mb = 1 << 20, .state_dir = state_dir),
			     &host->clock.clock, &err);
	if (!host->rt)
		bench_die("%s", err.message);
	if (faas_function_create(host->rt, FAAS_FUNCTION(.name = "f", .native = count), &err))
		bench_die("%s", err.message);
	atomic_store(&calls, 0);
}

static void open_host(struct host *host)
{
	open_host_in(host, NULL);
}

static void close_host(struct host *host)
{
	if (faas_destroy(host->rt))
		bench_die("the runtime does not end");
}

static void map(struct host *host, const char *source, const char *target)
{
	struct faas_error err;

	if (faas_mapping_create(host->rt,
				FAAS_MAPPING(.source = source, .target = target,
					     .function = target ? NULL : "f"), NULL, &err))
		bench_die("%s: %s", source, err.message);
}

static void await(int n)
{
	uint64_t until = bench_now() + 60000000000u;

	while (atomic_load(&calls) < n) {
		if (bench_now() > until)
			bench_die("%d of %d calls came", atomic_load(&calls), n);
		sched_yield();
	}
}

/* Until the loop has done all that it was asked for. */
static void settle(struct host *host, int calls_so_far)
{
	struct faas_stats s = { .size = sizeof(s) };

	await(calls_so_far);
	do {
		bench_sleep_us(1000);
		faas_stats(host->rt, &s);
	} while (s.queued || s.messages_waiting);
}

/* ---- schedules ----------------------------------------------------------- */

static void step(struct host *host, int64_t ms)
{
	host->clock.ns += ms * 1000000;
	fa_loop_wake(&host->rt->loop);
}

static void arm(struct host *host, int armed)
{
	for (int i = 0; i < DUE; i++)
		map(host, "schedule:rate(1 minute)", NULL);
	for (int i = 0; i < armed; i++)
		map(host, "schedule:cron(0 0 1 1 ? 2199)", NULL);
	settle(host, DUE);
}

static void tick(const struct options *options, int armed)
{
	int ticks = (int)bench_scaled(options, 200), seen = DUE;
	struct host host;

	open_host(&host);
	arm(&host, armed);
	for (int round = 0; round < options->rounds; round++) {
		uint64_t start = bench_now();

		for (int i = 0; i < ticks; i++) {
			step(&host, 60000);
			seen += DUE;
			await(seen);
		}
		report_value((double)(bench_now() - start) / ticks / DUE, "sources.armed%d.due_ns",
			     armed);
	}
	close_host(&host);
}

static void schedules(const struct options *options)
{
	tick(options, 0);
	tick(options, ARMED);
}

/* ---- mappings --------------------------------------------------------------- */

static void map_many(struct host *host, int others)
{
	char queue[32];

	map(host, "queue:busy", NULL);
	for (int i = 0; i < others; i++) {
		snprintf(queue, sizeof(queue), "queue:q%d", i);
		map(host, queue, NULL);
	}
}

static void through(const struct options *options, int others)
{
	int n = (int)bench_scaled(options, MESSAGES), sent = 0;
	struct host host;

	open_host(&host);
	map_many(&host, others);
	settle(&host, 0);
	for (int round = 0; round < options->rounds; round++) {
		uint64_t start = bench_now();

		for (int i = 0; i < n; i++) {
			if (faas_send(host.rt, "queue:busy", (struct faas_bytes){ "x", 1 }, NULL))
				bench_die("a message was refused");
			await(++sent);
		}
		report_value((double)(bench_now() - start) / n, "sources.beside%d.message_ns",
			     others);
	}
	close_host(&host);
}

static void mappings(const struct options *options)
{
	through(options, 0);
	through(options, MAPPINGS);
}

/* ---- nothing --------------------------------------------------------------------- */

static long switches(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_nvcsw;
}

static void idle(const struct options *options)
{
	struct host host;

	open_host(&host);
	map_many(&host, MAPPINGS);
	arm(&host, ARMED);
	bench_sleep_us(200000);
	for (int round = 0; round < options->rounds; round++) {
		long before = switches();

		bench_sleep_us(1000000);
		report_value((double)(switches() - before - 1), "sources.idle.wakeups");
	}
	close_host(&host);
}

/* ---- to many ------------------------------------------------------------------------ */

static void topics(const struct options *options)
{
	int n = (int)bench_scaled(options, 200);
	char queue[32];
	struct host host;

	open_host(&host);
	for (int i = 0; i < TARGETS; i++) {
		snprintf(queue, sizeof(queue), "queue:q%d", i);
		map(&host, "topic:t", queue);
	}
	for (int round = 0; round < options->rounds; round++) {
		struct faas_queue_stats s = { .size = sizeof(s) };
		uint64_t start = bench_now();

		for (int i = 0; i < n; i++)
			if (faas_send(host.rt, "topic:t", (struct faas_bytes){ "x", 1 }, NULL))
				bench_die("a message was refused");
		while (s.visible < (uint64_t)n * (uint64_t)(round + 1))
			if (faas_queue_stats(host.rt, "queue:q99", &s, NULL))
				bench_die("the queue cannot be looked into");
		report_value((double)n * TARGETS * 1e9 / (double)(bench_now() - start),
			     "sources.topic.deliveries_per_s");
	}
	close_host(&host);
}

/* ---- records ------------------------------------------------------------------------ */

/* Calls are those of records here, however many batches they come in. */
static int count_records(struct faas_context *ctx, struct faas_bytes event)
{
	static const char mark[] = "\"eventID\":";
	const char *at = event.data, *end = at + event.len;

	(void)ctx;
	while ((at = memmem(at, (size_t)(end - at), mark, sizeof(mark) - 1))) {
		at += sizeof(mark) - 1;
		atomic_fetch_add(&calls, 1);
	}
	return 0;
}

/* Who appends and puts: one in memory, and many where each waits for the disk. */
struct writer {
	struct faas *rt;
	int number, count;
	void (*write)(struct faas *rt, int writer, int i);
};

static void append(struct faas *rt, int writer, int i)
{
	(void)writer;
	(void)i;
	if (faas_put(rt, "stream:s", FAAS_MESSAGE(.body = { "0123456789", 10 }, .group = "k"), NULL,
		     NULL))
		bench_die("a record was refused");
}

static void put_item(struct faas *rt, int writer, int i)
{
	char item[64];

	snprintf(item, sizeof(item), "{\"k\":{\"S\":\"k%d\"},\"n\":{\"N\":\"%d\"}}", writer, i);
	if (faas_item_put(rt, "table:t", item, NULL, NULL, NULL))
		bench_die("an item was refused");
}

static void *write_some(void *data)
{
	struct writer *w = data;

	for (int i = 0; i < w->count; i++)
		w->write(w->rt, w->number, i);
	return NULL;
}

static void write_all(struct faas *rt, int n, int writers,
		      void (*write)(struct faas *rt, int writer, int i))
{
	struct writer w[WRITERS];
	pthread_t threads[WRITERS];

	for (int i = 0; i < writers; i++) {
		w[i] = (struct writer){ rt, i, n / writers, write };
		if (pthread_create(&threads[i], NULL, write_some, &w[i]))
			bench_die("pthread_create");
	}
	for (int i = 0; i < writers; i++)
		pthread_join(threads[i], NULL);
}

struct records {
	const char *name, *source, *like;
	void (*write)(struct faas *rt, int writer, int i);
};

static const struct records kinds[] = {
	{ "stream", "stream:s", NULL, append },
	{ "table", "table:t",
	  "{\"KeySchema\":[{\"AttributeName\":\"k\",\"KeyType\":\"HASH\"}],"
	  "\"AttributeDefinitions\":[{\"AttributeName\":\"k\",\"AttributeType\":\"S\"}],"
	  "\"StreamSpecification\":{\"StreamEnabled\":true,"
	  "\"StreamViewType\":\"NEW_AND_OLD_IMAGES\"}}", put_item },
};

/* All of them lie there before the mapping is made. */
static void read_all(const struct records *kind, const char *folder, int n)
{
	const char *lasts = folder ? "_durable" : "";
	int writers = folder ? WRITERS : 1;
	struct faas_error err;
	struct host host;
	uint64_t start;

	open_host_in(&host, folder);
	if (faas_resource_create(host.rt, kind->source, kind->like, &err) ||
	    faas_function_create(host.rt, FAAS_FUNCTION(.name = "g", .native = count_records),
				 &err))
		bench_die("%s", err.message);
	n = n / writers * writers;
	start = bench_now();
	write_all(host.rt, n, writers, kind->write);
	report_value((double)(bench_now() - start) / n, "sources.%s%s.put_ns", kind->name, lasts);
	start = bench_now();
	if (faas_mapping_create(host.rt, FAAS_MAPPING(.source = kind->source, .function = "g"),
				NULL, &err))
		bench_die("%s", err.message);
	await(n);
	report_value((double)n * 1e9 / (double)(bench_now() - start), "sources.%s%s.records_per_s",
		     kind->name, lasts);
	close_host(&host);
}

static void records(const struct options *options)
{
	for (int round = 0; round < options->rounds; round++)
		for (int i = 0; i < 2; i++)
			read_all(&kinds[i], NULL, (int)bench_scaled(options, 20000));
}

/* On the disk that the worker lies on: what is temporary may be in memory. */
static void records_durable(const struct options *options)
{
	static const char *const files[] = { "lock", "ballast", "queue.db", "queue.db-wal" };
	char folder[512], path[600];

	for (int round = 0; round < options->rounds; round++)
		for (int i = 0; i < 2; i++) {
			snprintf(folder, sizeof(folder), "%s-records-XXXXXX", BENCH_WORKER);
			if (!mkdtemp(folder))
				bench_die("mkdtemp %s", folder);
			read_all(&kinds[i], folder, (int)bench_scaled(options, 20000));
			for (size_t f = 0; f < sizeof(files) / sizeof(*files); f++) {
				snprintf(path, sizeof(path), "%s/%s", folder, files[f]);
				unlink(path);
			}
			rmdir(folder);
		}
}

int main(int argc, char **argv)
{
	static const struct group groups[] = {
		{ "schedules", schedules },
		{ "mappings", mappings },
		{ "idle", idle },
		{ "topics", topics },
		{ "records", records },
		{ "records-durable", records_durable },
	};

	return bench_main(argc, argv, groups, sizeof(groups) / sizeof(*groups));
}
