/* SPDX-License-Identifier: MIT */

/* uv_queue_work: what a libuv program has already, without isolation or limits. */

#include "raw.h"

#include <stdlib.h>
#include <string.h>

#include <uv.h>

struct pool {
	uv_loop_t loop;
	struct samples *samples; /* or NULL: only count */
	uint64_t left, done, end;
};

struct job {
	uv_work_t work;
	struct pool *pool;
	uint64_t submitted;
};

static void nothing(uv_work_t *work)
{
	(void)work;
}

static void finished(uv_work_t *work, int status);

static void submit(struct job *job)
{
	job->submitted = bench_now();
	if (uv_queue_work(&job->pool->loop, &job->work, nothing, finished) < 0)
		bench_die("uv_queue_work failed");
}

static void finished(uv_work_t *work, int status)
{
	struct job *job = (struct job *)work;
	struct pool *pool = job->pool;
	uint64_t now = bench_now();

	(void)status;
	pool->done++;
	if (pool->samples)
		samples_add(pool->samples, now - job->submitted);
	if (pool->samples ? --pool->left > 0 : now < pool->end)
		submit(job);
}

static void drive(struct pool *pool, int window)
{
	struct job *jobs = calloc((size_t)window, sizeof(*jobs));

	if (!jobs)
		bench_die("no memory");
	uv_loop_init(&pool->loop);
	for (int i = 0; i < window; i++) {
		jobs[i].pool = pool;
		submit(&jobs[i]);
	}
	uv_run(&pool->loop, UV_RUN_DEFAULT);
	uv_loop_close(&pool->loop);
	free(jobs);
}

void uv_pool_latency(size_t n, struct samples *s)
{
	struct pool pool = { .samples = s, .left = n };

	drive(&pool, 1);
}

double uv_pool_throughput(int window, double seconds)
{
	uint64_t start = bench_now();
	struct pool pool = { .end = start + (uint64_t)(seconds * 1e9) };

	drive(&pool, window);
	return (double)pool.done / ((double)(bench_now() - start) / 1e9);
}
