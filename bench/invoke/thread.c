/* SPDX-License-Identifier: MIT */

/*
 * Inside the host: the thread kind beside uv_queue_work, both submitted to
 * and answered on the same kind of loop, and the handler linked into the host,
 * called on the caller's own thread. Beside their throughput stands the least it can
 * be: a ring between two threads.
 */

#include "invoke.h"
#include "ours.h"
#include "raw.h"

#include <stdlib.h>

#include <uv.h>

#include <faas/plugin.h>

#define WINDOW 512
#define BATCH 100 /* a clock reading costs a quarter of what is measured here */

static void thread_round(const struct options *options, struct faas *rt, struct samples *s)
{
	double seconds = 0.3 * options->scale;

	samples_clear(s);
	uv_pool_latency(s->cap, s);
	report_latency("thread.uv_queue_work", s);
	samples_clear(s);
	ours_saturate_here(rt, "echo", 1, seconds, s);
	report_latency("thread.ours", s);
	report_value(uv_pool_throughput(WINDOW, seconds), "thread.uv_queue_work.per_s");
	report_value(ours_saturate_here(rt, "echo", WINDOW, seconds, NULL), "thread.ours.per_s");
	report_value(thread_ring_throughput(WINDOW, seconds), "thread.raw_ring.per_s");
}

void threads(const struct options *options)
{
	struct samples s;
	struct faas *rt;
	uv_loop_t loop;

	/* As many as there are CPUs to run them, for both. */
	setenv("UV_THREADPOOL_SIZE", "2", 0);
	uv_loop_init(&loop);
	rt = ours_open(&loop, SILENT);
	ours_function(rt, &(struct ours_function){ .name = "echo", .handler = "plugin.echo",
						   .kind = FAAS_THREAD, .max_concurrency = 2 });
	samples_open(&s, bench_scaled(options, 20000));
	ours_saturate_here(rt, "echo", 2, 0.05, NULL);
	for (int round = 0; round < options->rounds; round++)
		thread_round(options, rt, &s);
	samples_close(&s);
	ours_close(rt);
	uv_loop_close(&loop);
}

static int answer(struct faas_context *ctx, struct faas_bytes event)
{
	return faas_write(ctx, event.data, event.len);
}

static uint64_t batch(struct faas *rt, const struct faas_request *request)
{
	struct faas_result *result;
	uint64_t start = bench_now();

	for (int i = 0; i < BATCH; i++) {
		if (faas_invoke_wait(rt, request, &result, NULL) < 0)
			bench_die("an inline call failed");
		faas_free(result);
	}
	return (bench_now() - start) / BATCH;
}

void inline_calls(const struct options *options)
{
	static const char event[64] = "an event of 64 bytes";
	struct faas_request request = { .size = sizeof(request), .function = "native",
					.payload = { event, sizeof(event) } };
	struct faas *rt = ours_open(NULL, SILENT);
	struct samples s;

	ours_function(rt, &(struct ours_function){ .name = "native", .native = answer,
						   .kind = FAAS_THREAD });
	ours_echo(rt, "native", event, sizeof(event));
	samples_open(&s, bench_scaled(options, 5000));
	for (int round = 0; round < options->rounds; round++) {
		samples_clear(&s);
		while (s.n < s.cap)
			samples_add(&s, batch(rt, &request));
		report_latency("inline.ours", &s);
	}
	samples_close(&s);
	ours_close(rt);
}
