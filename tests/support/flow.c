/* SPDX-License-Identifier: MIT */
#include "flow.h"

#include <stdlib.h>
#include <time.h>

#include "test.h"

#include <runtime.h>

#define PATIENCE_MS 60000 /* what is waited for takes milliseconds, on a machine of our own */

static void pause_a_little(void)
{
	struct timespec ms = { 0, 1000000 };

	nanosleep(&ms, NULL);
}

static void on_log(void *data, const struct faas_log *log)
{
	struct flow *flow = data;
	size_t end;

	pthread_mutex_lock(&flow->lock);
	end = flow->log_len + log->text.len + 4;
	if (end > flow->log_size) {
		flow->log_size = 2 * end;
		flow->log = realloc(flow->log, flow->log_size);
	}
	flow->log[flow->log_len++] = (char)('0' + log->level);
	flow->log[flow->log_len++] = ' ';
	memcpy(flow->log + flow->log_len, log->text.data, log->text.len);
	flow->log_len += log->text.len;
	flow->log[flow->log_len++] = '\n';
	flow->log[flow->log_len] = '\0';
	pthread_mutex_unlock(&flow->lock);
}

static void on_metric(void *data, const struct faas_metric *metric)
{
	struct flow *flow = data;
	int i;

	pthread_mutex_lock(&flow->lock);
	for (i = 0; i < 31 && flow->metric_names[i]; i++)
		if (!strcmp(flow->metric_names[i], metric->name))
			break;
	if (!flow->metric_names[i])
		flow->metric_names[i] = strdup(metric->name);
	flow->metrics[i] += metric->value;
	pthread_mutex_unlock(&flow->lock);
}

static void open_on(struct flow *flow, const struct faas_config *config, int64_t unix_ms,
		    bool virtual_time)
{
	struct faas_config c = config ? *config : (struct faas_config){ 0 };
	struct faas_error err = { 0 };

	memset(flow, 0, sizeof(*flow));
	pthread_mutex_init(&flow->lock, NULL);
	fa_clock_virtual_init(&flow->clock, unix_ms);
	flow->clock.ns = fa_now(&fa_clock_real);
	flow->clock.epoch_ms -= flow->clock.ns / 1000000;
	c.size = sizeof(c);
	if (!c.worker)
		c.worker = getenv("FAAS_TEST_WORKER") ? getenv("FAAS_TEST_WORKER") : TEST_WORKER;
	if (!c.runtimes)
		c.runtimes = TEST_RUNTIMES;
	c.on_log = on_log;
	c.on_metric = on_metric;
	if (!c.data)
		c.data = flow;
	flow->rt = fa_create(&c, virtual_time ? &flow->clock.clock : &fa_clock_real, &err);
	if (!flow->rt)
		fail_msg("%s", err.message);
}

void flow_open(struct flow *flow, const struct faas_config *config, bool virtual_time)
{
	open_on(flow, config, 1700000000000 + fa_now(&fa_clock_real) / 1000000, virtual_time);
}

void flow_open_at(struct flow *flow, const struct faas_config *config, int64_t unix_ms)
{
	open_on(flow, config, unix_ms, true);
}

#ifdef __SANITIZE_THREAD__
/* libarchive asks libc for its time zone, whose lock is out of the sanitizer's sight. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
	return "race:tzset_internal\n";
}
#endif

void flow_close(struct flow *flow)
{
	assert_int_equal(faas_destroy(flow->rt), 0);
	flow_forget(flow);
}

void flow_forget(struct flow *flow)
{
	for (int i = 0; i < flow->result_count; i++)
		faas_free(flow->results[i]);
	for (int i = 0; i < 32; i++)
		free((char *)flow->metric_names[i]);
	free(flow->log);
	pthread_mutex_destroy(&flow->lock);
}

struct advance {
	struct fa_call call;
	struct flow *flow;
	int64_t ms;
	_Atomic bool done;
};

static void advance(struct fa_call *call)
{
	struct advance *a = (struct advance *)call;

	a->flow->clock.ns += a->ms * 1000000;
	a->done = true;
}

/* On the loop, so that nobody there sees time jump in the middle of a turn. */
void flow_advance(struct flow *flow, int64_t ms)
{
	struct advance a = { .call.run = advance, .flow = flow, .ms = ms };

	fa_loop_call(&flow->rt->loop, &a.call);
	while (!a.done)
		pause_a_little();
	fa_loop_wake(&flow->rt->loop);
}

void flow_pass(struct flow *flow, int64_t ms)
{
	struct faas_stats stats = { .size = sizeof(stats) };

	assert_int_equal(faas_stats(flow->rt, &stats), 0);
	if (!stats.environments_busy)
		flow_advance(flow, ms);
	pause_a_little();
}

void flow_function(struct flow *flow, const struct faas_function_config *config)
{
	struct faas_function_config c = *config;
	struct faas_error err = { 0 };

	c.size = sizeof(c);
	if (!c.code && !c.native)
		c.code = TEST_PLUGINS;
	if (faas_function_create(flow->rt, &c, &err))
		fail_msg("%s", err.message);
}

static const struct faas_result *keep(struct flow *flow, struct faas_result *result)
{
	assert_true(flow->result_count < 256);
	flow->results[flow->result_count++] = result;
	return result;
}

const struct faas_result *flow_call(struct flow *flow, const char *function, const char *event)
{
	struct faas_result *result = NULL;
	struct faas_error err = { 0 };

	if (faas_invoke_wait(
		    flow->rt,
		    FAAS_REQUEST(.function = function, .payload = { event, strlen(event) }),
		    &result, &err))
		fail_msg("%s", err.message);
	return keep(flow, result);
}

struct async {
	struct faas_result *result;
	_Atomic bool done;
};

static struct faas_result *copy_result(const struct faas_result *r)
{
	struct faas_error err = { 0 };
	size_t id = strlen(r->request_id) + 1, type = strlen(r->error_type) + 1;
	size_t version = strlen(r->version) + 1;
	const struct fa_mem *mem = &fa_mem_libc;
	struct faas_result *copy =
		fa_alloc(mem, sizeof(*copy) + id + type + version + r->payload.len + 1);
	char *at = (char *)(copy + 1);

	(void)err;
	*copy = *r;
	copy->request_id = memcpy(at, r->request_id, id);
	copy->error_type = memcpy(at + id, r->error_type, type);
	copy->version = memcpy(at + id + type, r->version, version);
	copy->payload.data = memcpy(at + id + type + version, r->payload.data, r->payload.len);
	copy->reason = "";
	return copy;
}

static void on_done(void *data, const struct faas_result *result)
{
	struct async *async = data;

	async->result = copy_result(result);
	async->done = true;
}

const struct faas_result *flow_call_async(struct flow *flow, const char *function,
					  const char *event)
{
	struct async async = { 0 };
	struct faas_error err = { 0 };

	if (faas_invoke(flow->rt,
			FAAS_REQUEST(.function = function, .payload = { event, strlen(event) },
				     .on_done = on_done, .data = &async),
			NULL, &err))
		fail_msg("%s", err.message);
	for (int ms = 0; !async.done && ms < PATIENCE_MS; ms++)
		pause_a_little();
	assert_true(async.done);
	return keep(flow, async.result);
}

bool flow_says(const struct faas_result *result, const char *text)
{
	return result->payload.len == strlen(text) &&
	       !memcmp(result->payload.data, text, result->payload.len);
}

void flow_expect(struct flow *flow, const char *function, const char *event, const char *answer)
{
	const struct faas_result *result = flow_call(flow, function, event);

	if (result->code || !flow_says(result, answer))
		fail_msg("%s: %.*s, not %s", event, (int)result->payload.len,
			 (const char *)result->payload.data, answer);
}

int flow_log_count(struct flow *flow, const char *text)
{
	int n = 0;

	pthread_mutex_lock(&flow->lock);
	for (const char *at = flow->log; at && (at = strstr(at, text)); at += strlen(text))
		n++;
	pthread_mutex_unlock(&flow->lock);
	return n;
}

void flow_await_logs(struct flow *flow, const char *text, int n)
{
	for (int ms = 0; ms < PATIENCE_MS; ms++) {
		if (flow_log_count(flow, text) >= n)
			return;
		pause_a_little();
	}
	fail_msg("the log did not say '%s' %d times; it says:\n%s", text, n,
		 flow->log ? flow->log : "");
}

void flow_await_log(struct flow *flow, const char *text)
{
	flow_await_logs(flow, text, 1);
}

double flow_metric(struct flow *flow, const char *name)
{
	double value = 0;

	pthread_mutex_lock(&flow->lock);
	for (int i = 0; i < 32 && flow->metric_names[i]; i++)
		if (!strcmp(flow->metric_names[i], name))
			value = flow->metrics[i];
	pthread_mutex_unlock(&flow->lock);
	return value;
}

void flow_await_idle(struct flow *flow, int idle, int busy)
{
	struct faas_stats stats = { .size = sizeof(stats) };

	for (int ms = 0; ms < PATIENCE_MS; ms++) {
		assert_int_equal(faas_stats(flow->rt, &stats), 0);
		if (stats.environments_idle == idle && stats.environments_busy == busy)
			return;
		pause_a_little();
	}
	fail_msg("%d environments idle, %d busy; expected %d and %d", stats.environments_idle,
		 stats.environments_busy, idle, busy);
}

static bool is_at_work(struct flow *flow)
{
	struct faas_stats stats = { .size = sizeof(stats) };

	assert_int_equal(faas_stats(flow->rt, &stats), 0);
	return stats.environments_busy || stats.queued || stats.events_in_flight;
}

void flow_await_count(struct flow *flow, const _Atomic int *count, int n)
{
	for (int ms = 0; (*count < n || is_at_work(flow)) && ms < PATIENCE_MS; ms++)
		pause_a_little();
	assert_int_equal(*count, n);
}
