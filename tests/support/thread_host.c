/* SPDX-License-Identifier: MIT */
/* See thread_host.h. */
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <support/test.h>
#include <support/thread_host.h>

#include <runtime.h>

#define LINES 4096

static struct {
	struct faas *rt;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct line lines[LINES];
	int line_count;
	bool gate_closed;
	int at_gate;
} the = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static void copy(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from ? from : "(NULL)");
}

/* Whatever is waited for takes milliseconds; a minute is for ever. */
static void wait_on(pthread_cond_t *changed, pthread_mutex_t *lock, const char *what)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 60;
	if (!pthread_cond_timedwait(changed, lock, &until))
		return;
	fprintf(stderr, "# waited a minute for %s\n", what);
	abort();
}

/* ---- the runtime ------------------------------------------------------ */

static void on_log(void *data, const struct faas_log *log)
{
	struct line *line;

	(void)data;
	pthread_mutex_lock(&the.lock);
	if (the.line_count < LINES) {
		line = &the.lines[the.line_count++];
		line->level = log->level;
		snprintf(line->text, sizeof(line->text), "%.*s", (int)log->text.len,
			 (const char *)log->text.data);
		copy(line->function, sizeof(line->function), log->function);
		copy(line->request_id, sizeof(line->request_id), log->request_id);
		copy(line->stream, sizeof(line->stream), log->stream);
		line->outside = !log->request_id;
	}
	pthread_cond_broadcast(&the.changed);
	pthread_mutex_unlock(&the.lock);
}

struct faas *host_open(const struct faas_config *config)
{
	const struct faas_config *listening =
		FAAS_CONFIG(.worker = TEST_WORKER, .on_log = on_log);
	struct faas_error err = { 0 };

	the.line_count = 0;
	the.rt = faas_create(config ? config : listening, &err);
	if (!the.rt)
		fail_msg("faas_create: %s", err.message);
	return the.rt;
}

void host_close(void)
{
	assert_int_equal(faas_destroy(the.rt), FAAS_OK);
	the.rt = NULL;
}

struct faas *host_runtime(void)
{
	return the.rt;
}

struct settle {
	struct fa_call call;
	sem_t done;
};

static void settle(struct fa_call *call)
{
	sem_post(&fa_container(call, struct settle, call)->done);
}

/* Twice, for what it was told may tell it something. */
void host_settle(void)
{
	for (int i = 0; i < 2; i++) {
		struct settle s = { .call.run = settle };

		sem_init(&s.done, 0, 0);
		fa_loop_call(&the.rt->loop, &s.call);
		sem_wait(&s.done);
		sem_destroy(&s.done);
	}
}

void host_function(const struct faas_function_config *config)
{
	struct faas_function_config full = *config;
	struct faas_error err = { 0 };

	full.isolation = FAAS_THREAD;
	if (!full.native && !full.code)
		full.code = TEST_PLUGINS;
	if (faas_function_create(the.rt, &full, &err) != FAAS_OK)
		fail_msg("faas_function_create(%s): %s", config->name, err.message);
}

/* ---- invoking --------------------------------------------------------- */

static void take(struct answer *answer, const struct faas_result *result)
{
	size_t len = result->payload.len;

	answer->code = result->code;
	copy(answer->type, sizeof(answer->type), result->error_type);
	copy(answer->id, sizeof(answer->id), result->request_id);
	answer->payload_len = len;
	if (len >= sizeof(answer->payload))
		len = sizeof(answer->payload) - 1;
	memcpy(answer->payload, result->payload.data, len);
	answer->payload[len] = '\0';
	snprintf(answer->tail, sizeof(answer->tail), "%.*s", (int)result->log_tail.len,
		 (const char *)result->log_tail.data);
	answer->duration_ms = result->duration_ms;
	answer->init_ms = result->init_ms;
	answer->cpu_ms = result->cpu_ms;
	answer->memory_used_mb = result->memory_used_mb;
	answer->thread = pthread_self();
}

static void on_done(void *data, const struct faas_result *result)
{
	struct answer *answer = data;

	pthread_mutex_lock(&answer->lock);
	answer->count++;
	take(answer, result);
	pthread_cond_broadcast(&answer->changed);
	pthread_mutex_unlock(&answer->lock);
}

static void reset(struct answer *answer)
{
	memset(answer, 0, sizeof(*answer));
	pthread_mutex_init(&answer->lock, NULL);
	pthread_cond_init(&answer->changed, NULL);
}

uint64_t host_start(const struct faas_request *request, struct answer *answer)
{
	struct faas_request full = *request;
	struct faas_error err = { 0 };
	uint64_t id = 0;

	reset(answer);
	full.on_done = on_done;
	full.data = answer;
	if (faas_invoke(the.rt, &full, &id, &err) != FAAS_OK)
		fail_msg("faas_invoke(%s): %s", request->function, err.message);
	return id;
}

void host_await(struct answer *answer)
{
	pthread_mutex_lock(&answer->lock);
	while (!answer->count)
		wait_on(&answer->changed, &answer->lock, "on_done");
	pthread_mutex_unlock(&answer->lock);
}

bool host_is_answered(struct answer *answer)
{
	bool answered;

	pthread_mutex_lock(&answer->lock);
	answered = answer->count > 0;
	pthread_mutex_unlock(&answer->lock);
	return answered;
}

static void call_waiting(const struct faas_request *request, struct answer *answer)
{
	struct faas_result *result = NULL;
	struct faas_error err = { 0 };

	reset(answer);
	answer->refused = faas_invoke_wait(the.rt, request, &result, &err);
	copy(answer->error, sizeof(answer->error), err.message);
	if (answer->refused)
		return;
	take(answer, result);
	faas_free(result);
}

void host_call(enum way way, const char *function, const char *event, struct answer *answer)
{
	const struct faas_request *request = FAAS_REQUEST(
		.function = function, .payload = { event, strlen(event) }, .log_tail = true);

	if (way == WAITING) {
		call_waiting(request, answer);
		return;
	}
	host_start(request, answer);
	host_await(answer);
}

/* ---- lines ------------------------------------------------------------ */

static struct line *find_line(const char *text)
{
	for (int i = 0; i < the.line_count; i++)
		if (strstr(the.lines[i].text, text))
			return &the.lines[i];
	return NULL;
}

void host_await_line(const char *text, struct line *line)
{
	struct line *found;

	pthread_mutex_lock(&the.lock);
	while (!(found = find_line(text)))
		wait_on(&the.changed, &the.lock, text);
	*line = *found;
	pthread_mutex_unlock(&the.lock);
}

bool host_has_line(const char *text)
{
	bool found;

	pthread_mutex_lock(&the.lock);
	found = find_line(text);
	pthread_mutex_unlock(&the.lock);
	return found;
}

/* ---- the gate --------------------------------------------------------- */

void gate_close(void)
{
	pthread_mutex_lock(&the.lock);
	the.gate_closed = true;
	the.at_gate = 0;
	pthread_mutex_unlock(&the.lock);
}

void gate_open(void)
{
	pthread_mutex_lock(&the.lock);
	the.gate_closed = false;
	pthread_cond_broadcast(&the.changed);
	pthread_mutex_unlock(&the.lock);
}

void gate_pass(void)
{
	pthread_mutex_lock(&the.lock);
	the.at_gate++;
	pthread_cond_broadcast(&the.changed);
	while (the.gate_closed)
		wait_on(&the.changed, &the.lock, "the gate");
	pthread_mutex_unlock(&the.lock);
}

void gate_await(int count)
{
	pthread_mutex_lock(&the.lock);
	while (the.at_gate < count)
		wait_on(&the.changed, &the.lock, "handlers at the gate");
	pthread_mutex_unlock(&the.lock);
}
