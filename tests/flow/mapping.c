/* SPDX-License-Identifier: MIT */
/* Queues that wake functions: batches, windows, failures, groups, throttles, and the end. */
#include <faas/plugin.h> /* before cmocka, which makes a macro of fail() */
#include <faas/source.h>

#include "support/test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "support/flow.h"
#include "support/stores.h"

#define SECOND 1000

static struct flow flow;
static struct faas_error err;
static char folder[64], id[37];

static _Atomic int calls, records, running, most_running, hold, failures_left, two_of_a_group;
static const char *_Atomic answer;
static char seen[1 << 16], events[1 << 20];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void tick(void)
{
	nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
}

static const char *member_of(const char *at, const char *name, char out[64])
{
	char key[64];

	snprintf(key, sizeof(key), "\"%s\":\"", name);
	at = strstr(at, key);
	if (at)
		snprintf(out, 64, "%.*s", (int)strcspn(at + strlen(key), "\""), at + strlen(key));
	return at ? at + strlen(key) : NULL;
}

static void note(const char *event)
{
	char text[64];
	int n = 0;

	pthread_mutex_lock(&lock);
	for (const char *at = event; (at = member_of(at, "body", text)); n++)
		if (strlen(seen) + strlen(text) + 4 < sizeof(seen))
			strcat(strcat(seen, text), ",");
	strcat(seen, "|");
	if (strlen(event) < sizeof(events))
		strcpy(events, event);
	pthread_mutex_unlock(&lock);
	records += n;
}

static int handler(struct faas_context *ctx, struct faas_bytes event)
{
	char *copy = strndup(event.data, event.len);
	int now = ++running;

	if (now > most_running)
		most_running = now;
	note(copy);
	free(copy);
	calls++;
	while (hold)
		tick();
	running--;
	if (failures_left > 0) {
		failures_left--;
		return faas_fail(ctx, "Test.Failed", "as planned");
	}
	return faas_puts(ctx, answer);
}

static void make_function(void)
{
	flow_function(&flow, &(struct faas_function_config){ .name = "f", .native = handler,
							     .timeout_ms = 20000 });
}

static void open_runtime(void)
{
	calls = records = running = most_running = hold = failures_left = two_of_a_group = 0;
	answer = "null";
	*seen = *events = '\0';
	memset(&err, 0, sizeof(err));
	flow_open(&flow,
		  &(struct faas_config){ .state_dir = *folder ? folder : NULL,
					 .max_concurrency = 2000 },
		  true);
}

static int in_memory(void **state)
{
	(void)state;
	*folder = '\0';
	open_runtime();
	make_function();
	return 0;
}

static int on_disk(void **state)
{
	(void)state;
	stores_folder(folder);
	open_runtime();
	make_function();
	return 0;
}

static int close_it(void **state)
{
	(void)state;
	hold = 0;
	flow_close(&flow);
	if (*folder)
		stores_remove(folder);
	return 0;
}

static void map(const struct faas_mapping_config *config)
{
	struct faas_mapping_config c = *config;

	if (!c.function)
		c.function = "f";
	if (!c.source)
		c.source = "queue:q";
	if (faas_mapping_create(flow.rt, &c, id, &err))
		fail_msg("%s", err.message);
}

static void put(const char *body)
{
	assert_int_equal(faas_send(flow.rt, "queue:q", (struct faas_bytes){ body, strlen(body) },
				   &err), 0);
}

static void put_ordered(const char *group, const char *body)
{
	if (faas_put(flow.rt, "queue:q.fifo",
		     FAAS_MESSAGE(.body = { body, strlen(body) }, .group = group, .dedup = body),
		     NULL, &err))
		fail_msg("%s", err.message);
}

static void await(_Atomic int *value, int n)
{
	for (int i = 0; *value < n && i < 10000; i++)
		tick();
	assert_int_equal(*value, n);
}

static struct faas_queue_stats stats_of(const char *queue)
{
	struct faas_queue_stats stats = { .size = sizeof(stats) };

	assert_int_equal(faas_queue_stats(flow.rt, queue, &stats, &err), 0);
	return stats;
}

/* Wait (real time, bounded) until so many lie there, and so many of them hidden. */
static void await_lying(const char *queue, uint64_t visible, uint64_t hidden)
{
	struct faas_queue_stats s = stats_of(queue);

	for (int i = 0; i < 10000 && (s.visible != visible || s.hidden != hidden); i++) {
		tick();
		s = stats_of(queue);
	}
	assert_int_equal(s.visible, visible);
	assert_int_equal(s.hidden, hidden);
}

static void stays(_Atomic int *value, int n)
{
	for (int i = 0; i < 20; i++)
		tick();
	assert_int_equal(*value, n);
}

static void saw(const char *what)
{
	static char copy[sizeof(seen)];

	pthread_mutex_lock(&lock);
	memcpy(copy, seen, sizeof(seen));
	pthread_mutex_unlock(&lock);
	assert_string_equal(copy, what);
}

static const char *control(const char *operation, const char *format)
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

static void await_state(const char *state)
{
	char text[64];

	for (int i = 0; i < 10000; i++) {
		member_of(control("GetEventSourceMapping", "{\"UUID\":\"%s\"}"), "State", text);
		if (!strcmp(text, state))
			break;
		tick();
	}
	control(NULL, "");
	assert_string_equal(text, state);
}

TEST(a_message_wakes_the_function_and_is_gone_when_that_succeeded)
{
	map(FAAS_MAPPING(.source = "queue:q"));
	put("hello");
	await(&calls, 1);
	await_lying("queue:q", 0, 0);
	saw("hello,|");
}

TEST(what_lay_there_before_is_taken_as_well)
{
	put("early");
	map(FAAS_MAPPING(.source = "arn:aws:sqs:local-1:000000000000:q"));
	await(&calls, 1);
	saw("early,|");
}

TEST(the_event_is_that_of_sqs)
{
	char want[2048];
	long long now = flow.clock.epoch_ms + flow.clock.ns / 1000000;

	map(FAAS_MAPPING(.source = "queue:q"));
	assert_int_equal(
		faas_put(flow.rt, "queue:q",
			 FAAS_MESSAGE(.body = { "a \"b\"\n", 6 },
				      .attributes = "{\"n\":{\"StringValue\":\"6\",\"DataType\":"
						    "\"Number\"},\"b\":{\"DataType\":\"Binary\","
						    "\"BinaryValue\":\"AAEC\"}}"),
			 NULL, &err), 0);
	await(&calls, 1);
	snprintf(want, sizeof(want),
		 "{\"Records\":[{\"messageId\":\"00000000-0000-4000-8000-000000000001\","
		 "\"receiptHandle\":\"00000000-0000-4000-8000-000000000001#1\","
		 "\"body\":\"a \\\"b\\\"\\n\",\"attributes\":{\"ApproximateReceiveCount\":\"1\","
		 "\"SentTimestamp\":\"%lld\",\"SenderId\":\"000000000000\","
		 "\"ApproximateFirstReceiveTimestamp\":\"%lld\"},\"messageAttributes\":{"
		 "\"b\":{\"binaryValue\":\"AAEC\",\"stringListValues\":[],"
		 "\"binaryListValues\":[],\"dataType\":\"Binary\"},"
		 "\"n\":{\"stringValue\":\"6\",\"stringListValues\":[],"
		 "\"binaryListValues\":[],\"dataType\":\"Number\"}},"
		 "\"md5OfMessageAttributes\":\"%s\",\"md5OfBody\":\"%s\","
		 "\"eventSource\":\"aws:sqs\","
		 "\"eventSourceARN\":\"arn:aws:sqs:local-1:000000000000:q\","
		 "\"awsRegion\":\"local-1\"}]}",
		 now, now, "a297ad4a8d635cb7c18876b3e57260cf", "dfed19dcdf3ed7a41f6ca8040368be9f");
	assert_string_equal(events, want);
}

TEST(the_event_of_a_fifo_queue_has_group_dedup_and_sequence)
{
	map(FAAS_MAPPING(.source = "queue:q.fifo"));
	put_ordered("A", "x");
	await(&calls, 1);
	assert_non_null(strstr(events, "\"SequenceNumber\":\"00000000000000000001\","
				       "\"MessageGroupId\":\"A\","
				       "\"MessageDeduplicationId\":\"x\"}"));
}

TEST(a_failed_batch_comes_back_after_the_visibility_timeout)
{
	failures_left = 1;
	put("a");
	put("b");
	map(FAAS_MAPPING(.source = "queue:q"));
	await(&calls, 1);
	await_lying("queue:q", 0, 2);
	flow_advance(&flow, 30 * SECOND - 1);
	stays(&calls, 1);
	flow_advance(&flow, 1);
	await(&calls, 2);
	await_lying("queue:q", 0, 0);
	saw("a,b,|a,b,|");
	assert_non_null(strstr(events, "\"ApproximateReceiveCount\":\"2\""));
}

TEST(what_failed_too_often_is_a_dead_letter)
{
	struct faas_message *m;

	assert_int_equal(faas_resource_create(flow.rt, "queue:q",
					      "{\"RedrivePolicy\":{\"deadLetterTargetArn\":"
					      "\"queue:dead\",\"maxReceiveCount\":2}}",
					      &err), 0);
	failures_left = 2;
	map(FAAS_MAPPING(.source = "queue:q"));
	put("bad");
	await(&calls, 1);
	await_lying("queue:q", 0, 1);
	flow_advance(&flow, 30 * SECOND);
	await(&calls, 2);
	await_lying("queue:q", 0, 1);
	flow_advance(&flow, 30 * SECOND);
	await_lying("queue:dead", 1, 0);
	assert_int_equal(calls, 2);
	assert_int_equal(faas_take(flow.rt, "queue:dead", 0, &m, &err), 0);
	assert_string_equal(m->body.data, "bad");
	faas_free(m);
}

/* Three messages, which come together with a window, and an answer: how many stay. */
static void answer_means(const char *text, int failed)
{
	int before = calls;

	answer = text;
	for (int i = 0; i < 3; i++)
		put("m");
	await_lying("queue:q", 0, 3);
	flow_advance(&flow, SECOND);
	await(&calls, before + 1);
	await_lying("queue:q", 0, (uint64_t)failed);
	if (failed)
		assert_int_equal(faas_resource_delete(flow.rt, "queue:q", &err), 0);
}

TEST(the_function_may_name_what_failed)
{
	map(FAAS_MAPPING(.batch_window_s = 1, .partial_failures = true));
	answer_means("null", 0);
	answer_means("{}", 0);
	answer_means("{\"batchItemFailures\":null}", 0);
	answer_means("{\"batchItemFailures\":[]}", 0);
	answer_means("", 0);
	answer_means("{\"batchItemFailures\":[{\"itemIdentifier\":\"\"}]}", 3);
	answer_means("{\"batchItemFailures\":[{\"itemIdentifier\":null}]}", 3);
	answer_means("{\"batchItemFailures\":[{\"item\":\"x\"}]}", 3);
	answer_means("{\"batchItemFailures\":[{\"itemIdentifier\":\"nobody\"}]}", 3);
	answer_means("{\"batchItemFailures\":{}}", 3);
	answer_means("[]", 3);
	answer_means("not JSON", 3);
	/* these are the 37th to 39th */
	answer_means("{\"batchItemFailures\":[{\"itemIdentifier\":"
		     "\"00000000-0000-4000-8000-000000000026\"}]}", 1);
	answer_means("{\"batchItemFailures\":[{\"itemIdentifier\":"
		     "\"00000000-0000-4000-8000-000000000001\"}]}", 3);
}

TEST(without_being_asked_for_it_the_answer_means_nothing)
{
	map(FAAS_MAPPING(.batch_window_s = 1));
	answer_means("{\"batchItemFailures\":[{\"itemIdentifier\":\"nobody\"}]}", 0);
}

static void put_many(int n)
{
	char body[16];

	for (int i = 0; i < n; i++) {
		snprintf(body, sizeof(body), "%d", i);
		put(body);
	}
}

TEST(a_batch_has_at_most_its_size)
{
	put_many(7);
	map(FAAS_MAPPING(.batch_size = 3, .max_concurrency = 2));
	await(&calls, 3);
	await_lying("queue:q", 0, 0);
	assert_int_equal(records, 7);
}

TEST(a_batch_waits_for_its_window_or_until_it_is_full)
{
	map(FAAS_MAPPING(.batch_size = 20, .batch_window_s = 5));
	put_many(19);
	await_lying("queue:q", 0, 19);
	flow_advance(&flow, 4 * SECOND);
	stays(&calls, 0);
	put("last");
	await(&calls, 1);
	assert_int_equal(records, 20);
	put("alone");
	await_lying("queue:q", 0, 1);
	flow_advance(&flow, 5 * SECOND - 1);
	stays(&calls, 1);
	flow_advance(&flow, 1);
	await(&calls, 2);
}

TEST(a_batch_is_cut_where_the_event_would_be_larger_than_six_megabytes)
{
	size_t len = 1 << 20;
	char *body = malloc(len);

	memset(body, 'x', len);
	for (int i = 0; i < 7; i++)
		assert_int_equal(faas_send(flow.rt, "queue:q", (struct faas_bytes){ body, len },
					   &err), 0);
	free(body);
	map(FAAS_MAPPING(.batch_size = 100, .batch_window_s = 300));
	await(&calls, 1); /* full by its bytes, long before its window */
	assert_int_equal(records, 5);
	flow_advance(&flow, 300 * SECOND);
	await(&calls, 2);
	await_lying("queue:q", 0, 0);
	assert_int_equal(records, 7);
}

TEST(with_a_window_messages_are_hidden_for_as_long_as_it_may_take)
{
	assert_int_equal(faas_resource_create(flow.rt, "queue:q", "{\"VisibilityTimeout\":20}",
					      &err), 0);
	map(FAAS_MAPPING(.batch_size = 20, .batch_window_s = 1));
	failures_left = 1;
	put("m");
	await_lying("queue:q", 0, 1);
	flow_advance(&flow, SECOND);
	await(&calls, 1);
	flow_advance(&flow, 49 * SECOND); /* 1 and 20 and 30, of which one is over */
	stays(&calls, 1);
	flow_advance(&flow, SECOND);
	await_lying("queue:q", 0, 1); /* taken once more */
	flow_advance(&flow, SECOND);
	await(&calls, 2);
}

TEST(it_begins_with_five_batches_and_has_five_more_a_second)
{
	hold = 1;
	put_many(30);
	map(FAAS_MAPPING(.batch_size = 1));
	await(&calls, 5);
	stays(&calls, 5);
	for (int i = 6; i <= 10; i++) {
		flow_advance(&flow, 200);
		await(&calls, i);
	}
	stays(&calls, 10);
	hold = 0;
	await(&calls, 30);
}

TEST(no_more_batches_run_than_are_allowed)
{
	hold = 1;
	put_many(12);
	map(FAAS_MAPPING(.batch_size = 1, .max_concurrency = 3));
	await(&calls, 3);
	flow_advance(&flow, 10 * SECOND);
	stays(&calls, 3);
	await_lying("queue:q", 9, 3); /* the others are not even taken */
	hold = 0;
	await(&calls, 12);
	assert_int_equal(most_running, 3);
}

TEST(a_throttled_batch_is_tried_again_and_its_messages_were_taken_once)
{
	flow_function(&flow, &(struct faas_function_config){ .name = "g", .native = handler,
							     .timeout_ms = 20000,
							     .max_concurrency = 1 });
	hold = 1;
	put_many(2);
	map(FAAS_MAPPING(.function = "g", .batch_size = 1));
	await(&calls, 1);
	for (int i = 0; i < 3; i++) {
		flow_advance(&flow, 4 * SECOND);
		stays(&calls, 1);
	}
	hold = 0;
	for (int i = 0; i < 100 && calls < 2; i++) {
		flow_advance(&flow, 100);
		tick();
	}
	await(&calls, 2);
	await_lying("queue:q", 0, 0);
	assert_non_null(strstr(events, "\"ApproximateReceiveCount\":\"1\""));
}

TEST(a_throttled_batch_gives_up_when_its_messages_would_come_back)
{
	flow_function(&flow, &(struct faas_function_config){ .name = "off", .native = handler,
							     .max_concurrency = FAAS_NONE });
	put("m");
	map(FAAS_MAPPING(.function = "off"));
	await_lying("queue:q", 0, 1);
	for (int i = 0; i < 29; i++)
		flow_advance(&flow, SECOND);
	await_lying("queue:q", 0, 1);
	flow_advance(&flow, SECOND);
	await_lying("queue:q", 0, 1); /* back, and taken again at once */
	assert_int_equal(calls, 0);
}

/* ---- groups --------------------------------------------------------------------- */

TEST(of_a_group_one_batch_runs_at_a_time_and_in_order)
{
	char body[16];

	hold = 1;
	for (int i = 0; i < 30; i++) {
		snprintf(body, sizeof(body), "%d", i);
		put_ordered("A", body);
	}
	map(FAAS_MAPPING(.source = "queue:q.fifo", .batch_size = 4));
	await(&calls, 1);
	stays(&calls, 1);
	hold = 0;
	await(&records, 30);
	assert_int_equal(most_running, 1);
	await_lying("queue:q.fifo", 0, 0);
	saw("0,1,2,3,|4,5,6,7,|8,9,10,11,|12,13,14,15,|16,17,18,19,|20,21,22,23,|24,25,26,27,|"
	    "28,29,|");
}

TEST(a_batch_that_fails_holds_up_its_groups_and_no_others)
{
	put_ordered("A", "a1");
	put_ordered("A", "a2");
	failures_left = 1;
	map(FAAS_MAPPING(.source = "queue:q.fifo"));
	await(&calls, 1);
	await_lying("queue:q.fifo", 0, 2);
	put_ordered("A", "a3");
	put_ordered("B", "b1");
	await(&calls, 2);
	await_lying("queue:q.fifo", 1, 2);
	saw("a1,a2,|b1,|");
	flow_advance(&flow, 30 * SECOND);
	await_lying("queue:q.fifo", 0, 0);
	saw("a1,a2,|b1,|a1,a2,a3,|");
}

/* ---- its life -------------------------------------------------------------------- */

TEST(a_disabled_mapping_takes_nothing_until_it_is_enabled)
{
	map(FAAS_MAPPING(.disabled = true));
	await_state("Disabled");
	put("m");
	stays(&calls, 0);
	control("UpdateEventSourceMapping", "{\"UUID\":\"%s\",\"Enabled\":true}");
	await(&calls, 1);
	await_state("Enabled");
}

TEST(what_was_taken_and_not_seen_is_given_back)
{
	map(FAAS_MAPPING(.batch_size = 20, .batch_window_s = 300));
	put_many(3);
	await_lying("queue:q", 0, 3);
	control("UpdateEventSourceMapping", "{\"UUID\":\"%s\",\"Enabled\":false}");
	await_state("Disabled");
	await_lying("queue:q", 3, 0);
	control("UpdateEventSourceMapping",
		"{\"UUID\":\"%s\",\"Enabled\":true,\"BatchSize\":3}");
	await(&calls, 1);
	assert_non_null(strstr(events, "\"ApproximateReceiveCount\":\"1\""));
}

TEST(a_batch_that_runs_is_finished_before_its_mapping_is_gone)
{
	char text[64];

	hold = 1;
	put("m");
	map(FAAS_MAPPING(.source = "queue:q"));
	await(&calls, 1);
	assert_int_equal(faas_mapping_delete(flow.rt, id, &err), 0);
	await_state("Deleting");
	hold = 0;
	await_lying("queue:q", 0, 0);
	for (int i = 0; i < 10000; i++) {
		snprintf(text, sizeof(text), "{\"UUID\":\"%s\"}", id);
		if (faas_control(flow.rt, "GetEventSourceMapping", text, NULL, &err))
			break;
		tick();
	}
	assert_string_equal(err.message, "The resource you requested does not exist.");
	put("later");
	stays(&calls, 1);
}

TEST(a_runtime_that_closes_gives_back_what_it_had_not_begun)
{
	map(FAAS_MAPPING(.batch_size = 20, .batch_window_s = 300));
	put_many(3);
	await_lying("queue:q", 0, 3);
	flow_close(&flow);
	open_runtime();
	await_state("Enabled");
	flow_advance(&flow, 10 * SECOND);
	await_lying("queue:q", 3, 0); /* nothing is taken for a function that is not there */
	make_function();
	flow_advance(&flow, SECOND);
	await_lying("queue:q", 0, 3);
	flow_advance(&flow, 300 * SECOND);
	await(&calls, 1);
	assert_int_equal(records, 3);
	assert_non_null(strstr(events, "\"ApproximateReceiveCount\":\"1\""));
}

static void counted(const char *metric, int n)
{
	for (int i = 0; i < 1000 && flow_metric(&flow, metric) < n; i++) {
		flow_advance(&flow, 20);
		tick();
	}
	assert_true(flow_metric(&flow, metric) == n);
}

TEST(what_no_filter_lets_through_is_deleted_and_counted)
{
	map(FAAS_MAPPING(.batch_size = 20, .batch_window_s = 1,
			 .filter = "[{\"body\":{\"kind\":[\"good\"]}},{\"body\":[\"plain\"]},"
				   "{\"messageAttributes\":{\"k\":{\"stringValue\":[\"v\"]}}}]"));
	put("{'kind':'good'}");
	put("{\"kind\":\"good\"}");
	put("{\"kind\":\"bad\"}");
	put("plain");
	put("other");
	assert_int_equal(faas_put(flow.rt, "queue:q",
				  FAAS_MESSAGE(.body = { "attributed", 10 },
					       .attributes = "{\"k\":{\"DataType\":\"String\","
							     "\"StringValue\":\"v\"}}"),
				  NULL, &err), 0);
	await_lying("queue:q", 0, 3);
	flow_advance(&flow, SECOND);
	await(&calls, 1);
	await_lying("queue:q", 0, 0);
	saw("{\\,plain,attributed,|");
	counted("FilteredOutEventCount", 3);
}

TEST(it_is_counted_what_was_polled_invoked_failed_and_deleted)
{
	failures_left = 1;
	put_many(4);
	map(FAAS_MAPPING(.source = "queue:q"));
	await(&calls, 1);
	await_lying("queue:q", 0, 4);
	flow_advance(&flow, 30 * SECOND);
	await(&calls, 2);
	await_lying("queue:q", 0, 0);
	counted("DeletedEventCount", 4);
	counted("PolledEventCount", 8);
	counted("InvokedEventCount", 8);
	counted("FailedInvokeEventCount", 4);
}

#define IN_MEMORY(name) { #name, name, in_memory, close_it, NULL }
#define BOTH(name) IN_MEMORY(name), { #name "_on_disk", name, on_disk, close_it, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(a_message_wakes_the_function_and_is_gone_when_that_succeeded),
		BOTH(what_lay_there_before_is_taken_as_well),
		IN_MEMORY(the_event_is_that_of_sqs),
		IN_MEMORY(the_event_of_a_fifo_queue_has_group_dedup_and_sequence),
		BOTH(a_failed_batch_comes_back_after_the_visibility_timeout),
		BOTH(what_failed_too_often_is_a_dead_letter),
		IN_MEMORY(the_function_may_name_what_failed),
		IN_MEMORY(without_being_asked_for_it_the_answer_means_nothing),
		IN_MEMORY(a_batch_has_at_most_its_size),
		IN_MEMORY(a_batch_waits_for_its_window_or_until_it_is_full),
		IN_MEMORY(a_batch_is_cut_where_the_event_would_be_larger_than_six_megabytes),
		IN_MEMORY(with_a_window_messages_are_hidden_for_as_long_as_it_may_take),
		IN_MEMORY(it_begins_with_five_batches_and_has_five_more_a_second),
		IN_MEMORY(no_more_batches_run_than_are_allowed),
		IN_MEMORY(a_throttled_batch_is_tried_again_and_its_messages_were_taken_once),
		IN_MEMORY(a_throttled_batch_gives_up_when_its_messages_would_come_back),
		BOTH(of_a_group_one_batch_runs_at_a_time_and_in_order),
		IN_MEMORY(a_batch_that_fails_holds_up_its_groups_and_no_others),
		IN_MEMORY(a_disabled_mapping_takes_nothing_until_it_is_enabled),
		BOTH(what_was_taken_and_not_seen_is_given_back),
		BOTH(a_batch_that_runs_is_finished_before_its_mapping_is_gone),
		{ "a_runtime_that_closes_gives_back_what_it_had_not_begun",
		  a_runtime_that_closes_gives_back_what_it_had_not_begun, on_disk, close_it, NULL },
		IN_MEMORY(what_no_filter_lets_through_is_deleted_and_counted),
		BOTH(it_is_counted_what_was_polled_invoked_failed_and_deleted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
