/* SPDX-License-Identifier: MIT */
/* See harness.h. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"
#include "invariants.h"
#include "test.h"

static struct {
	struct faas *rt;
	const char *directory;
	unsigned layers;
	bool has_neighbour;
	_Atomic uint64_t log_bytes, invocations, errors;

	/* the neighbour's thread */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool wanted, running, ending;
	uint64_t calls, failures;
	double worst_ms;
} the = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

double harness_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1000.0 + (double)now.tv_nsec / 1e6;
}

int harness_slack_ms(void)
{
	return SANITIZED ? 4000 : 1500;
}

/* ---- invoking -------------------------------------------------------- */

static void copy_text(char *out, size_t size, const char *text)
{
	snprintf(out, size, "%s", text ? text : "(NULL)");
}

static void take(struct outcome *out, const struct faas_result *result)
{
	const size_t most = sizeof(out->payload) - 1;
	const size_t len = result->payload.len < most ? result->payload.len : most;

	out->code = result->code;
	copy_text(out->id, sizeof(out->id), result->request_id);
	copy_text(out->type, sizeof(out->type), result->error_type);
	copy_text(out->reason, sizeof(out->reason), result->reason);
	if (len)
		memcpy(out->payload, result->payload.data, len);
	out->payload[len] = '\0';
	out->payload_len = result->payload.len;
	out->duration_ms = result->duration_ms;
	out->init_ms = result->init_ms;
	out->billed_ms = result->billed_ms;
	out->memory_used_mb = result->memory_used_mb;
	atomic_fetch_add(&the.invocations, 1);
	atomic_fetch_add(&the.errors, result->code != FAAS_OK);
}

struct arrival {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int count;
	struct outcome *out;
};

static void arrive(void *data, const struct faas_result *result)
{
	struct arrival *arrival = data;

	pthread_mutex_lock(&arrival->lock);
	if (arrival->count++ == 0)
		take(arrival->out, result);
	pthread_cond_broadcast(&arrival->changed);
	pthread_mutex_unlock(&arrival->lock);
}

static bool take_part(void *data, const struct faas_part *part)
{
	struct arrival *arrival = data;

	arrival->out->parts_len += part->bytes.len;
	return true;
}

/* Whatever happens the callback must come; a minute is more than any timeout here. */
static void wait_for(struct arrival *arrival)
{
	struct timespec until;
	int error = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 60;
	pthread_mutex_lock(&arrival->lock);
	while (arrival->count == 0 && error == 0)
		error = pthread_cond_timedwait(&arrival->changed, &arrival->lock, &until);
	pthread_mutex_unlock(&arrival->lock);
	if (error) {
		/* The callback may still come and would find our stack gone. */
		fprintf(stderr, "# on_done was not called within a minute\n");
		abort();
	}
}

static void invoke_by_loop(enum way way, const struct faas_request *request, struct outcome *out)
{
	struct arrival arrival = { .lock = PTHREAD_MUTEX_INITIALIZER,
				   .changed = PTHREAD_COND_INITIALIZER, .out = out };
	struct faas_request with_callback = *request;
	struct faas_error err = { 0 };

	with_callback.on_done = arrive;
	with_callback.on_part = way == IN_PARTS ? take_part : NULL;
	with_callback.data = &arrival;
	out->refused = faas_invoke(the.rt, &with_callback, NULL, &err);
	if (out->refused == 0)
		wait_for(&arrival);
	else
		copy_text(out->error, sizeof(out->error), err.message);
}

static void invoke_directly(const struct faas_request *request, struct outcome *out)
{
	struct faas_result *result = NULL;
	struct faas_error err = { 0 };

	out->refused = faas_invoke_wait(the.rt, request, &result, &err);
	if (out->refused == 0) {
		take(out, result);
		faas_free(result);
	} else {
		copy_text(out->error, sizeof(out->error), err.message);
	}
}

void harness_request(enum way way, const struct faas_request *request, struct outcome *out)
{
	const double start = harness_ms();

	memset(out, 0, sizeof(*out));
	if (way == DIRECTLY)
		invoke_directly(request, out);
	else
		invoke_by_loop(way, request, out);
	out->wall_ms = harness_ms() - start;
}

void harness_invoke(enum way way, const char *function, const char *event, struct outcome *out)
{
	harness_request(
		way, FAAS_REQUEST(.function = function, .payload = { event, strlen(event) }), out);
}

/* ---- the neighbour --------------------------------------------------- */

static void call_neighbour(enum way way)
{
	const char event[] = "{\"who\":\"neighbour\"}";
	struct outcome out;

	harness_invoke(way, "neighbour", event, &out);
	pthread_mutex_lock(&the.lock);
	the.calls++;
	pthread_cond_broadcast(&the.changed);
	if (out.refused || out.code != FAAS_OK || strcmp(out.payload, event) != 0) {
		if (the.failures++ == 0)
			fprintf(stderr, "# neighbour: refused %d, code %d, %s %s\n", out.refused,
				out.code, out.payload, out.error);
	}
	if (out.wall_ms > the.worst_ms)
		the.worst_ms = out.wall_ms;
	pthread_mutex_unlock(&the.lock);
}

static void *neighbour(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&the.lock);
	for (unsigned n = 0; !the.ending; n++) {
		if (!the.wanted) {
			the.running = false;
			pthread_cond_broadcast(&the.changed);
			pthread_cond_wait(&the.changed, &the.lock);
			continue;
		}
		the.running = true;
		pthread_mutex_unlock(&the.lock);
		call_neighbour(n % WAYS);
		nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
		pthread_mutex_lock(&the.lock);
	}
	pthread_mutex_unlock(&the.lock);
	return NULL;
}

void harness_load_begin(void)
{
	pthread_mutex_lock(&the.lock);
	the.calls = the.failures = 0;
	the.worst_ms = 0;
	the.wanted = the.running = true;
	pthread_cond_broadcast(&the.changed);
	pthread_mutex_unlock(&the.lock);
}

void harness_load_end(uint64_t *calls, uint64_t *errors, double *worst_ms)
{
	pthread_mutex_lock(&the.lock);
	while (the.wanted && the.has_neighbour && the.calls < 2)
		pthread_cond_wait(&the.changed, &the.lock);
	the.wanted = false;
	pthread_cond_broadcast(&the.changed);
	while (the.running)
		pthread_cond_wait(&the.changed, &the.lock);
	*calls = the.calls;
	*errors = the.failures;
	*worst_ms = the.worst_ms;
	pthread_mutex_unlock(&the.lock);
}

static void start_neighbour(const char *handler)
{
	harness_function(FAAS_FUNCTION(.name = "neighbour", .handler = handler));
	assert_int_equal(pthread_create(&the.thread, NULL, neighbour, NULL), 0);
	the.has_neighbour = true;
}

static void stop_neighbour(void)
{
	if (!the.has_neighbour)
		return;
	pthread_mutex_lock(&the.lock);
	the.ending = true;
	pthread_cond_broadcast(&the.changed);
	pthread_mutex_unlock(&the.lock);
	pthread_join(the.thread, NULL);
	the.has_neighbour = the.ending = false;
}

/* ---- the runtime ----------------------------------------------------- */

static void on_log(void *data, const struct faas_log *log)
{
	(void)data;
	if (getenv("HOSTILE_LOG"))
		fprintf(stderr, "# %s: %.*s\n", log->function, (int)log->text.len,
			(const char *)log->text.data);
	if (log->request_id && strncmp(log->function, "neighbour", 9) != 0)
		atomic_fetch_add(&the.log_bytes, log->text.len);
}

const char *harness_worker(void)
{
	const char *path = getenv("FAAS_TEST_WORKER");

	return path && *path ? path : TEST_WORKER;
}

struct faas *harness_open(const char *directory, const char *neighbour_handler)
{
	struct faas_isolation *report = NULL;
	struct faas_error err = { 0 };

	the.directory = directory;
	the.rt = faas_create(FAAS_CONFIG(.worker = harness_worker(), .on_log = on_log), &err);
	if (!the.rt)
		fail_msg("faas_create: %s", err.message);
	if (faas_isolation_report(the.rt, &report, &err) < 0)
		fail_msg("faas_isolation_report: %s", err.message);
	the.layers = report->applied;
	faas_free(report);
	if (neighbour_handler)
		start_neighbour(neighbour_handler);
	return the.rt;
}

void harness_close(void)
{
	stop_neighbour();
	assert_int_equal(faas_destroy(the.rt), FAAS_OK);
	the.rt = NULL;
}

struct faas *harness_runtime(void)
{
	return the.rt;
}

const char *harness_directory(void)
{
	return the.directory;
}

unsigned harness_layers(void)
{
	return the.layers;
}

int harness_try_function(const struct faas_function_config *config, struct faas_error *err)
{
	struct faas_function_config full = *config;

	if (!full.code)
		full.code = the.directory;
	return faas_function_create(the.rt, &full, err);
}

void harness_function(const struct faas_function_config *config)
{
	struct faas_error err = { 0 };

	if (harness_try_function(config, &err) != FAAS_OK)
		fail_msg("faas_function_create(%s): %s", config->name, err.message);
}

void harness_delete(const char *function)
{
	struct faas_error err = { 0 };

	if (faas_function_delete(the.rt, function, &err) != FAAS_OK)
		fail_msg("faas_function_delete(%s): %s", function, err.message);
}

/* ---- books ----------------------------------------------------------- */

uint64_t harness_log_bytes(void)
{
	return atomic_load(&the.log_bytes);
}

uint64_t harness_log_dropped(void)
{
	struct faas_stats stats = { .size = sizeof(stats) };

	assert_int_equal(faas_stats(the.rt, &stats), FAAS_OK);
	return stats.log_bytes_dropped;
}

void harness_totals(uint64_t *invocations, uint64_t *errors)
{
	*invocations = atomic_load(&the.invocations);
	*errors = atomic_load(&the.errors);
}

void harness_count(uint64_t invocations, uint64_t errors)
{
	atomic_fetch_add(&the.invocations, invocations);
	atomic_fetch_add(&the.errors, errors);
}
