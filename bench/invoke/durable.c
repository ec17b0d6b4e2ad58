/* SPDX-License-Identifier: MIT */

/*
 * What it costs that accepted means synced: many events at a time, one at a time
 * beside the raw write and sync of a page on the same disk, and how soon a program
 * delivers the first of the many events that the last one left.
 */

#include "invoke.h"
#include "ours.h"

#include <fcntl.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE 4096
#define RAW_PAGES 256
#define AHEAD 16384 /* submitted and not answered */
#define LEFT 1000000
#define ALLOWANCE_NS 50000 /* in the target, for all that is no disk */

static char folder[512];
static _Atomic long accepted, delivered;
static sem_t answered;

static int take_a_while(struct faas_context *ctx, struct faas_bytes event)
{
	(void)ctx;
	(void)event;
	delivered++;
	bench_sleep_us(1000);
	return 0;
}

static struct faas *open_in_folder(void)
{
	struct faas *rt = ours_open_in(folder);

	ours_function(rt, &(struct ours_function){ .name = "slow", .native = take_a_while,
						   .kind = FAAS_THREAD, .max_concurrency = 1 });
	return rt;
}

static void make_folder(void)
{
	snprintf(folder, sizeof(folder), "%s/durable-XXXXXX", ours_plugins());
	if (!mkdtemp(folder))
		bench_die("mkdtemp %s", folder);
}

static void remove_folder(void)
{
	static const char *const names[] = { "lock", "ballast", "queue.db", "queue.db-wal", "raw" };
	char path[600];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
	rmdir(folder);
}

static void on_accepted(void *data, const struct faas_result *result)
{
	if (result->code)
		bench_die("an event was not accepted: %s", faas_strerror(result->code));
	accepted++;
	if (data)
		sem_post(data);
}

static const char payload[64];

static void submit(struct faas *rt, sem_t *done)
{
	struct faas_error err;

	if (faas_invoke(rt, FAAS_REQUEST(.function = "slow", .mode = FAAS_EVENT,
					 .payload = { payload, sizeof(payload) },
					 .on_done = on_accepted, .data = done),
			NULL, &err))
		bench_die("faas_invoke: %s", err.message);
}

/* Events accepted per second. */
static double accept_many(struct faas *rt, long n)
{
	uint64_t start = bench_now();

	accepted = 0;
	for (long i = 0; i < n; i++) {
		while (i - accepted >= AHEAD)
			bench_sleep_us(100);
		submit(rt, NULL);
	}
	while (accepted < n)
		bench_sleep_us(100);
	return (double)n * 1e9 / (double)(bench_now() - start);
}

static void accept_singly(struct faas *rt, struct samples *s)
{
	struct faas_result *result;
	struct faas_error err;

	while (s->n < s->cap) {
		uint64_t start = bench_now();

		if (faas_invoke_wait(rt, FAAS_REQUEST(.function = "slow", .mode = FAAS_EVENT,
						      .payload = { payload, sizeof(payload) }),
				     &result, &err))
			bench_die("faas_invoke_wait: %s", err.message);
		samples_add(s, bench_now() - start);
		if (result->code)
			bench_die("an event was not accepted: %s", faas_strerror(result->code));
		faas_free(result);
	}
}

static void accept_singly_heard(struct faas *rt, struct samples *s)
{
	while (s->n < s->cap) {
		uint64_t start = bench_now();

		submit(rt, &answered);
		sem_wait(&answered);
		samples_add(s, bench_now() - start);
	}
}

static int open_raw(void)
{
	static const char page[PAGE];
	char path[600];
	int fd;

	snprintf(path, sizeof(path), "%s/raw", folder);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	for (int i = 0; i < RAW_PAGES; i++)
		if (pwrite(fd, page, PAGE, (off_t)i * PAGE) != PAGE)
			bench_die("cannot write %s", path);
	fsync(fd);
	return fd;
}

static void raw_singly(int fd, struct samples *s)
{
	static const char page[PAGE];

	while (s->n < s->cap) {
		uint64_t start = bench_now();

		if (pwrite(fd, page, PAGE, (off_t)(s->n % RAW_PAGES) * PAGE) != PAGE ||
		    fdatasync(fd))
			bench_die("pwrite and fdatasync failed");
		samples_add(s, bench_now() - start);
	}
}

void durable_accept(const struct options *options)
{
	struct samples ours, raw;
	struct faas *rt;
	int fd;

	make_folder();
	sem_init(&answered, 0, 0);
	samples_open(&ours, bench_scaled(options, 2000));
	samples_open(&raw, bench_scaled(options, 2000));
	rt = open_in_folder();
	fd = open_raw();
	for (int round = 0; round < options->rounds; round++) {
		samples_clear(&ours);
		samples_clear(&raw);
		raw_singly(fd, &raw);
		accept_singly(rt, &ours);
		report_latency("durable.raw", &raw);
		report_latency("durable.one", &ours);
		samples_clear(&ours);
		accept_singly_heard(rt, &ours);
		report_latency("durable.one_heard", &ours);
		report_value(ALLOWANCE_NS, "durable.allowance_ns");
		report_value(accept_many(rt, (long)bench_scaled(options, 100000)),
			     "durable.many_per_s");
	}
	close(fd);
	ours_close(rt);
	samples_close(&ours);
	samples_close(&raw);
	sem_destroy(&answered);
	remove_folder();
}

void durable_restart(const struct options *options)
{
	struct faas *rt;

	make_folder();
	rt = open_in_folder();
	accept_many(rt, (long)bench_scaled(options, LEFT));
	ours_close(rt);
	for (int round = 0; round < options->rounds; round++) {
		uint64_t start = bench_now();

		delivered = 0;
		rt = open_in_folder();
		while (!delivered)
			sched_yield();
		report_value((double)(bench_now() - start), "durable.restart_ns");
		ours_close(rt);
	}
	remove_folder();
}
