/* SPDX-License-Identifier: MIT */

/* The library as a host program uses it, with everything checked. */

#include "ours.h"
#include "word.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <uv.h>

/* Where the build left things; the environment may say otherwise. */
static const char *setting(const char *name, const char *fallback)
{
	const char *value = getenv(name);

	return value && *value ? value : fallback;
}

const char *ours_plugins(void)
{
	return setting("BENCH_PLUGINS", BENCH_PLUGINS);
}

const char *ours_nursery(void)
{
	return setting("BENCH_NURSERY", BENCH_NURSERY);
}

const char *ours_plugin(void)
{
	static char path[4096];

	snprintf(path, sizeof(path), "%s/plugin.so", ours_plugins());
	return path;
}

static void hear_log(void *data, const struct faas_log *log)
{
	*(uint64_t *)data += log->text.len;
}

static void hear_metric(void *data, const struct faas_metric *metric)
{
	*(uint64_t *)data += metric->count;
}

/* An environment takes a few descriptors of its host, and some groups keep thousands. */
static void allow_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static struct faas *open_runtime(const struct faas_config *what)
{
	static uint64_t heard;
	struct faas_config config = *what;
	struct faas_error err;
	struct faas *rt;

	allow_descriptors();
	config.worker = setting("FAAS_WORKER", BENCH_WORKER);
	config.max_concurrency = 10000;
	config.max_new_per_10s = FAAS_NONE;
	config.max_memory_mb = 1 << 24;
	config.idle_ms = 3600000;
	config.data = &heard;
	rt = faas_create(&config, &err);
	if (!rt)
		bench_die("faas_create: %s", err.message);
	return rt;
}

struct faas *ours_open(struct uv_loop_s *loop, enum listening listening)
{
	return open_runtime(FAAS_CONFIG(.loop = loop, .on_log = listening ? hear_log : NULL,
					.on_metric = listening ? hear_metric : NULL));
}

struct faas *ours_open_in(const char *state_dir)
{
	return open_runtime(FAAS_CONFIG(.state_dir = state_dir));
}

struct faas *ours_open_with(ours_realloc_fn realloc)
{
	return open_runtime(FAAS_CONFIG(.realloc = realloc));
}

static void closed(void *data)
{
	*(bool *)data = true;
}

void ours_close(struct faas *rt)
{
	uv_loop_t *loop = faas_loop(rt);
	bool gone = false;

	if (faas_destroy(rt) != FAAS_EDEADLK)
		return;
	faas_close(rt, 0, closed, &gone);
	while (!gone)
		uv_run(loop, UV_RUN_ONCE);
}

void ours_function(struct faas *rt, const struct ours_function *f)
{
	struct faas_error err;
	int code = faas_function_create(
		rt,
		FAAS_FUNCTION(.name = f->name, .code = f->native ? NULL : ours_plugins(),
			      .handler = f->native ? NULL : f->handler, .native = f->native,
			      .isolation = f->kind, .max_concurrency = f->max_concurrency,
			      .pristine = f->pristine, .provisioned = f->provisioned,
			      .timeout_ms = f->timeout_ms ? f->timeout_ms : 60000,
			      .memory_mb = f->memory_mb, .snapshot = f->snapshot),
		&err);

	if (code < 0)
		bench_die("function %s: %s", f->name, err.message);
}

static struct faas_request request_for(const char *name, const void *data, size_t len)
{
	return (struct faas_request){ .size = sizeof(struct faas_request),
				      .function = name,
				      .payload = { data, len },
				      .capacity_wait_ms = 60000 };
}

struct faas_result *ours_call(struct faas *rt, const char *name, const void *data, size_t len)
{
	struct faas_request request = request_for(name, data, len);
	struct faas_result *result = NULL;
	struct faas_error err;

	if (faas_invoke_wait(rt, &request, &result, &err) < 0)
		bench_die("%s: %s", name, err.message);
	return result;
}

uint64_t ours_echo(struct faas *rt, const char *name, const void *data, size_t len)
{
	uint64_t start = bench_now(), took;
	struct faas_result *r = ours_call(rt, name, data, len);

	took = bench_now() - start;
	if (r->code != FAAS_OK)
		bench_die("%s: %s: %.*s", name, r->error_type, (int)r->payload.len,
			  (const char *)r->payload.data);
	if (r->payload.len != len || memcmp(r->payload.data, data, len) != 0)
		bench_die("%s answered something else than it was sent", name);
	faas_free(r);
	return took;
}

void ours_fill(struct faas *rt, const char *name, size_t n, struct samples *s)
{
	char event[64];

	memset(event, 'x', sizeof(event));
	for (size_t i = 0; i < n; i++)
		samples_add(s, ours_echo(rt, name, event, sizeof(event)));
}

/* ---- the closed loop ---------------------------------------------------- */

struct closed_loop {
	struct faas *rt;
	const char *name;
	struct samples *latency;
	uint64_t end;
	uint64_t done_in_time;   /* written on the loop only */
	int in_flight;
	uv_loop_t *here; /* the caller's, or NULL */
	word finished;
};

struct flight {
	struct closed_loop *loop;
	uint64_t started;
	char event[64];
};

static void landed(void *data, const struct faas_result *result);

static void take_off(struct flight *f)
{
	struct faas_request request = request_for(f->loop->name, f->event, sizeof(f->event));
	struct faas_error err;

	request.on_done = landed;
	request.data = f;
	f->started = bench_now();
	if (faas_invoke(f->loop->rt, &request, NULL, &err) < 0)
		bench_die("%s: %s", f->loop->name, err.message);
}

static void landed(void *data, const struct faas_result *result)
{
	struct flight *f = data;
	struct closed_loop *l = f->loop;
	uint64_t now = bench_now();

	if (result->code != FAAS_OK)
		bench_die("%s: %s %s: %.*s", l->name, faas_strerror(result->code),
			  result->error_type, (int)result->payload.len,
			  (const char *)result->payload.data);
	if (result->payload.len != sizeof(f->event))
		bench_die("%s answered %zu bytes", l->name, result->payload.len);
	if (l->latency)
		samples_add(l->latency, now - f->started);
	if (now < l->end) {
		l->done_in_time++;
		take_off(f);
	} else if (--l->in_flight == 0) {
		if (l->here)
			uv_stop(l->here);
		else
			word_post(&l->finished, 1); /* the last touch: whoever waits owns it */
	}
}

static struct flight *take_all_off(struct closed_loop *l, double seconds)
{
	struct flight *flights = calloc((size_t)l->in_flight, sizeof(*flights));
	int n = l->in_flight;

	if (!flights)
		bench_die("no memory");
	l->end = bench_now() + (uint64_t)(seconds * 1e9);
	for (int i = 0; i < n; i++) {
		flights[i].loop = l;
		memset(flights[i].event, 'x', sizeof(flights[i].event));
		take_off(&flights[i]);
	}
	return flights;
}

double ours_saturate(struct faas *rt, const char *name, int outstanding, double seconds,
		     struct samples *latency)
{
	struct closed_loop l = { .rt = rt, .name = name, .latency = latency,
				 .in_flight = outstanding };
	struct flight *flights = take_all_off(&l, seconds);

	if (word_leave_within(&l.finished, 0, (int)seconds + 90) < 0)
		bench_die("%s: %d events are still out", name, l.in_flight);
	free(flights);
	return (double)l.done_in_time / seconds;
}

double ours_saturate_here(struct faas *rt, const char *name, int outstanding, double seconds,
			  struct samples *latency)
{
	struct closed_loop l = { .rt = rt, .name = name, .latency = latency,
				 .in_flight = outstanding, .here = faas_loop(rt) };
	struct flight *flights = take_all_off(&l, seconds);

	uv_run(l.here, UV_RUN_DEFAULT);
	free(flights);
	return (double)l.done_in_time / seconds;
}

/* ---- many environments -------------------------------------------------- */

struct crowd {
	word out;
	word finished;
};

static void woke(void *data, const struct faas_result *result)
{
	struct crowd *crowd = data;

	if (result->code != FAAS_OK)
		bench_die("a nap ended with %s %s: %.*s", faas_strerror(result->code),
			  result->error_type, (int)result->payload.len,
			  (const char *)result->payload.data);
	if (atomic_fetch_sub(&crowd->out, 1) == 1)
		word_post(&crowd->finished, 1);
}

static void nap_all(struct faas *rt, const char *name, int n, uint32_t ms)
{
	struct crowd crowd = { .out = (uint32_t)n };
	struct faas_request request = request_for(name, &ms, sizeof(ms));
	struct faas_error err;

	request.on_done = woke;
	request.data = &crowd;
	for (int i = 0; i < n; i++)
		if (faas_invoke(rt, &request, NULL, &err) < 0)
			bench_die("%s: %s", name, err.message);
	if (word_leave_within(&crowd.finished, 0, 120) < 0)
		bench_die("%s: %u naps did not end within 120 s", name, atomic_load(&crowd.out));
}

/* They sleep longer and longer until the first still sleeps when the last is born. */
void ours_populate(struct faas *rt, const char *name, int environments)
{
	uint32_t ms = 20 + (uint32_t)environments;

	for (; ours_environments(rt, name) < environments; ms *= 2) {
		if (ms > 30000)
			bench_die("%s has %d environments, not %d", name,
				  ours_environments(rt, name), environments);
		nap_all(rt, name, environments, ms);
	}
}

int ours_environments(struct faas *rt, const char *name)
{
	struct faas_function_info *info;
	struct faas_error err;
	int n;

	if (faas_function_get(rt, name, &info, &err) < 0)
		bench_die("%s: %s", name, err.message);
	n = info->environments_idle + info->environments_busy;
	faas_free(info);
	return n;
}
