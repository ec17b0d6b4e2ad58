/* SPDX-License-Identifier: MIT */
#include <faas/plugin.h> /* before cmocka, which makes a macro of fail() */
#include "consumer.h"

#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <base/digest.h>

#include "stores.h"

#define PATIENCE_MS 60000

char id[37], events[1 << 20], consumer_folder[64];
_Atomic int calls, records, running, most_running, hold, failures_left;
const char *_Atomic answer, *_Atomic poison;
const char *(*_Atomic answer_to)(const char *event);

static char seen[1 << 16];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void consumer_tick(void)
{
	nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
}

/* The next text of that name behind `at`; NULL: there is none. */
static const char *find_member(const char *at, const char *name, char *out, size_t size)
{
	char key[64];
	size_t len;

	snprintf(key, sizeof(key), "\"%s\":\"", name);
	at = strstr(at, key);
	if (!at)
		return NULL;
	at += strlen(key);
	len = strcspn(at, "\"");
	snprintf(out, size, "%.*s", (int)(len < size ? len : size - 1), at);
	return at;
}

/* Where the data of a record are: of a table its texts, of which a test has one each. */
static const char *data_member(const char *event)
{
	if (strstr(event, "\"eventSource\":\"aws:sqs\""))
		return "body";
	return strstr(event, "\"eventSource\":\"aws:dynamodb\"") ? "S" : "data";
}

/* What a record holds: of a stream it is base64. */
static size_t read_data(char data[512], const char *text, bool plain)
{
	if (plain)
		return (size_t)snprintf(data, 512, "%s", text);
	return fa_base64_read(data, text, strlen(text));
}

static bool note(const char *event)
{
	const char *bad = poison, *name = data_member(event);
	char text[512], data[512];
	bool plain = strcmp(name, "data") != 0;
	bool poisoned = false;
	int n = 0;

	pthread_mutex_lock(&lock);
	for (const char *at = event; (at = find_member(at, name, text, sizeof(text))); n++) {
		data[read_data(data, text, plain)] = '\0';
		poisoned |= bad && !strcmp(bad, data);
		if (strlen(seen) + strlen(data) + 4 < sizeof(seen))
			strcat(strcat(seen, data), ",");
	}
	strcat(seen, "|");
	if (strlen(event) < sizeof(events))
		strcpy(events, event);
	pthread_mutex_unlock(&lock);
	records += n;
	return poisoned;
}

bool consumer_event_has(const char *text)
{
	bool has;

	pthread_mutex_lock(&lock);
	has = strstr(events, text);
	pthread_mutex_unlock(&lock);
	return has;
}

int consumer_handler(struct faas_context *ctx, struct faas_bytes event)
{
	char *copy = strndup(event.data, event.len);
	int now = ++running;
	bool poisoned;
	const char *text = answer;

	if (now > most_running)
		most_running = now;
	poisoned = note(copy);
	if (answer_to)
		text = answer_to(copy);
	free(copy);
	calls++;
	while (hold)
		consumer_tick();
	running--;
	if (poisoned || failures_left > 0) {
		failures_left -= !poisoned;
		return faas_fail(ctx, "Test.Failed", "as planned");
	}
	return faas_puts(ctx, text);
}

void consumer_accepted(void *data, const struct faas_result *result)
{
	assert_int_equal(result->code, FAAS_OK);
	*(_Atomic int *)data += 1;
}

void consumer_make(const char *name, int concurrency)
{
	flow_function(&flow, &(struct faas_function_config){ .name = name,
							     .native = consumer_handler,
							     .timeout_ms = 20000,
							     .max_concurrency = concurrency });
}

void consumer_make_function(void)
{
	consumer_make("f", 0);
}

void consumer_open(const char *folder)
{
	calls = records = running = most_running = hold = failures_left = 0;
	answer = "null";
	poison = NULL;
	answer_to = NULL;
	*seen = *events = '\0';
	memset(&err, 0, sizeof(err));
	flow_open(&flow,
		  &(struct faas_config){ .state_dir = folder && *folder ? folder : NULL,
					 .max_concurrency = 2000 },
		  true);
}

void consumer_close(void)
{
	hold = 0;
	flow_close(&flow);
}

void consumer_map(const struct faas_mapping_config *config)
{
	struct faas_mapping_config c = *config;

	if (!c.function)
		c.function = "f";
	if (faas_mapping_create(flow.rt, &c, id, &err))
		fail_msg("%s", err.message);
}

const char *consumer_control(const char *operation, const char *format)
{
	static char *reply;
	char request[512];

	snprintf(request, sizeof(request), format, id);
	faas_free(reply);
	reply = NULL;
	if (operation && faas_control(flow.rt, operation, request, &reply, &err))
		fail_msg("%s", err.message);
	return reply;
}

void consumer_await_state(const char *state)
{
	char text[64] = "";

	for (int i = 0; i < PATIENCE_MS && strcmp(text, state) != 0; i++) {
		find_member(consumer_control("GetEventSourceMapping",
					     "{\"UUID\":\"%s\"}"), "State",
		       text, sizeof(text));
		consumer_tick();
	}
	consumer_control(NULL, "");
	assert_string_equal(text, state);
}

void consumer_await(_Atomic int *value, int n)
{
	if (!hold) {
		flow_await_count(&flow, value, n);
		return;
	}
	for (int i = 0; *value < n && i < PATIENCE_MS; i++)
		consumer_tick();
	assert_int_equal(*value, n);
}

void consumer_stays(_Atomic int *value, int n)
{
	for (int i = 0; i < 20; i++)
		consumer_tick();
	assert_int_equal(*value, n);
}

const char *consumer_seen(void)
{
	static char copy[sizeof(seen)];

	pthread_mutex_lock(&lock);
	memcpy(copy, seen, sizeof(seen));
	pthread_mutex_unlock(&lock);
	return copy;
}

void consumer_saw(const char *what)
{
	assert_string_equal(consumer_seen(), what);
}

void consumer_counted(const char *metric, int n)
{
	for (int i = 0; i < PATIENCE_MS && flow_metric(&flow, metric) < n; i++) {
		flow_pass(&flow, 20);
	}
	assert_true(flow_metric(&flow, metric) == n);
}

const char *consumer_sequence(int n)
{
	static char text[64];
	const char *at = events;

	pthread_mutex_lock(&lock);
	for (int i = 0; at && i <= n; i++)
		at = find_member(at, "sequenceNumber", text, sizeof(text));
	pthread_mutex_unlock(&lock);
	assert_non_null(at);
	return text;
}

/* ---- a stream ----------------------------------------------------------------- */

void stream_make(const char *options)
{
	if (faas_resource_create(flow.rt, "stream:s", options, &err))
		fail_msg("%s", err.message);
}

void stream_reopen(void)
{
	consumer_close();
	consumer_open(consumer_folder);
}

int stream_in_memory(void **state)
{
	(void)state;
	*consumer_folder = '\0';
	consumer_open(NULL);
	consumer_make_function();
	stream_make(NULL);
	return 0;
}

int stream_on_disk(void **state)
{
	(void)state;
	stores_folder(consumer_folder);
	consumer_open(consumer_folder);
	consumer_make_function();
	stream_make(NULL);
	return 0;
}

int stream_close(void **state)
{
	(void)state;
	consumer_close();
	if (*consumer_folder)
		stores_remove(consumer_folder);
	return 0;
}

void stream_put(const char *key, const char *body)
{
	if (faas_put(flow.rt, "stream:s",
		     FAAS_MESSAGE(.body = { body, strlen(body) }, .group = key), NULL, &err))
		fail_msg("%s", err.message);
}

void stream_put_all(const char *bodies)
{
	char one[2] = "";

	for (; *bodies; bodies++) {
		*one = *bodies;
		stream_put("k", one);
	}
}

void stream_map(const struct faas_mapping_config *config)
{
	struct faas_mapping_config c = *config;

	c.source = "stream:s";
	consumer_map(&c);
}

/* Until so many calls, letting pauses go by. */
void consumer_await_calls(int n)
{
	for (int i = 0; i < PATIENCE_MS && calls < n; i++) {
		flow_pass(&flow, 100);
	}
	consumer_await(&calls, n);
}

struct faas_message *consumer_await_letter(const char *queue)
{
	struct faas_message *m = NULL;

	for (int i = 0; i < PATIENCE_MS && !m; i++) {
		assert_int_equal(faas_take(flow.rt, queue, 0, &m, &err), 0);
		flow_pass(&flow, 100);
	}
	assert_non_null(m);
	return m;
}

/* ---- a queue ------------------------------------------------------------------ */

int queue_in_memory(void **state)
{
	(void)state;
	*consumer_folder = '\0';
	consumer_open(NULL);
	consumer_make_function();
	return 0;
}

int queue_on_disk(void **state)
{
	(void)state;
	stores_folder(consumer_folder);
	consumer_open(consumer_folder);
	consumer_make_function();
	return 0;
}

void queue_map(const struct faas_mapping_config *config)
{
	struct faas_mapping_config c = *config;

	if (!c.source)
		c.source = "queue:q";
	consumer_map(&c);
}

void queue_put(const char *body)
{
	assert_int_equal(faas_send(flow.rt, "queue:q", (struct faas_bytes){ body, strlen(body) },
				   &err), 0);
}

void queue_put_many(int n)
{
	char body[16];

	for (int i = 0; i < n; i++) {
		snprintf(body, sizeof(body), "%d", i);
		queue_put(body);
	}
}

struct faas_queue_stats queue_stats(const char *queue)
{
	struct faas_queue_stats stats = { .size = sizeof(stats) };

	assert_int_equal(faas_queue_stats(flow.rt, queue, &stats, &err), 0);
	return stats;
}

void queue_await(const char *queue, uint64_t visible, uint64_t hidden)
{
	struct faas_queue_stats s = queue_stats(queue);

	for (int i = 0; i < 10000 && (s.visible != visible || s.hidden != hidden); i++) {
		consumer_tick();
		s = queue_stats(queue);
	}
	assert_int_equal(s.visible, visible);
	assert_int_equal(s.hidden, hidden);
	flow_advance(&flow, 0); /* it is done taking */
	flow_advance(&flow, 0); /* and behind what came of that */
}
