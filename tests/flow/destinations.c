/* SPDX-License-Identifier: MIT */
/* Who hears how an asynchronous event ended: with a state_dir, and without one. */
#include <faas/plugin.h> /* before cmocka, which makes a macro of fail() */

#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "support/flow.h"
#include "support/stores.h"

#define ARN "arn:aws:lambda:local-1:000000000000:function:"

static struct flow flow;
static char folder[64];
static _Atomic int calls, heard_calls, failures_left, messages, refusals_left;
static char heard[4096], message[4096], message_to[64];

static void tick(void)
{
	nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
}

static int handler(struct faas_context *ctx, struct faas_bytes event)
{
	calls++;
	if (failures_left > 0) {
		failures_left--;
		return faas_fail(ctx, "Test.Failed", "as planned");
	}
	return faas_write(ctx, event.data, event.len);
}

static int hear(struct faas_context *ctx, struct faas_bytes event)
{
	snprintf(heard, sizeof(heard), "%.*s", (int)event.len, (const char *)event.data);
	heard_calls++;
	return faas_puts(ctx, "");
}

static bool on_message(void *data, const struct faas_message *m)
{
	(void)data;
	snprintf(message, sizeof(message), "%.*s", (int)m->body.len, (const char *)m->body.data);
	snprintf(message_to, sizeof(message_to), "%s", m->address);
	messages++;
	if (refusals_left <= 0)
		return true;
	refusals_left--;
	return false;
}

static void open_runtime(void)
{
	calls = heard_calls = failures_left = messages = refusals_left = 0;
	flow_open(&flow,
		  &(struct faas_config){ .state_dir = *folder ? folder : NULL,
					 .on_message = on_message },
		  true);
}

static int in_memory(void **state)
{
	(void)state;
	*folder = '\0';
	open_runtime();
	return 0;
}

static int on_disk(void **state)
{
	(void)state;
	stores_folder(folder);
	open_runtime();
	return 0;
}

static int close_it(void **state)
{
	(void)state;
	flow_close(&flow);
	if (*folder)
		stores_remove(folder);
	return 0;
}

static void function(struct faas_function_config config)
{
	if (!config.native)
		config.native = handler;
	if (!config.name)
		config.name = "f";
	flow_function(&flow, &config);
}

static void on_accepted(void *data, const struct faas_result *result)
{
	assert_int_equal(result->code, FAAS_OK);
	*(_Atomic int *)data += 1;
}

static void await(_Atomic int *value, int n)
{
	for (int i = 0; *value < n && i < 10000; i++)
		tick();
	assert_int_equal(*value, n);
}

static void send_event(const char *name, const char *payload)
{
	_Atomic int accepted = 0;

	assert_int_equal(faas_invoke(flow.rt,
				     FAAS_REQUEST(.function = name, .mode = FAAS_EVENT,
						  .payload = { payload, strlen(payload) },
						  .on_done = on_accepted, .data = &accepted),
				     NULL, NULL),
			 0);
	await(&accepted, 1);
}

static struct faas_stats stats(void)
{
	struct faas_stats s = { .size = sizeof(s) };

	assert_int_equal(faas_stats(flow.rt, &s), 0);
	assert_int_equal(s.messages_sent,
			 s.messages_delivered + s.messages_dropped + s.messages_waiting);
	return s;
}

static uint64_t in_queue(const char *queue)
{
	struct faas_queue_stats s = { .size = sizeof(s) };

	assert_int_equal(faas_queue_stats(flow.rt, queue, &s, NULL), 0);
	return s.visible;
}

/* The next message of a queue, waited for. */
static struct faas_message *next_of(const char *queue)
{
	struct faas_message *m = NULL;

	for (int i = 0; !m && i < 10000; i++) {
		assert_int_equal(faas_take(flow.rt, queue, 0, &m, NULL), 0);
		if (!m)
			tick();
	}
	assert_non_null(m);
	return m;
}

static void await_metric(const char *name, double value)
{
	for (int i = 0; flow_metric(&flow, name) < value && i < 10000; i++)
		tick();
	assert_true(flow_metric(&flow, name) == value);
}

/* The request id and the time of a record are its own: both end up as "?". */
static void assert_record(const char *record, const char *expected)
{
	char masked[4096];
	const char *id = strstr(record, "\"requestId\":\"");
	const char *time = strstr(record, "\"timestamp\":\"");

	assert_non_null(id);
	assert_non_null(time);
	assert_true(time < id);
	assert_int_equal(strcspn(time + 13, "\""), strlen("2026-11-24T23:11:08.568Z"));
	assert_int_equal(strcspn(id + 13, "\""), 36);
	snprintf(masked, sizeof(masked), "%.*s?%.*s?%s", (int)(time + 13 - record), record,
		 (int)(id + 13 - (time + 13 + 24)), time + 13 + 24, id + 13 + 36);
	assert_string_equal(masked, expected);
}

#define RECORD(qualifier, condition, count) \
	"{\"version\":\"1.0\",\"timestamp\":\"?\",\"requestContext\":{\"requestId\":\"?\"," \
	"\"functionArn\":\"" ARN "f:" qualifier "\",\"condition\":\"" condition \
	"\",\"approximateInvokeCount\":" count "}"
#define ANSWER(version, error) \
	",\"responseContext\":{\"statusCode\":200,\"executedVersion\":\"" version "\"" error "}"
#define FAILURE ",\"functionError\":\"Unhandled\""
#define PLANNED "{\"errorType\":\"Test.Failed\",\"errorMessage\":\"as planned\"}"

static void assert_next(const char *queue, const char *expected)
{
	struct faas_message *m = next_of(queue);

	assert_record(m->body.data, expected);
	faas_free(m);
}

static void assert_next_has(const char *queue, const char *text)
{
	struct faas_message *m = next_of(queue);

	if (!strstr(m->body.data, text))
		fail_msg("%s has no %s", (const char *)m->body.data, text);
	faas_free(m);
}

TEST(a_success_is_told_to_its_destination_with_event_and_response)
{
	struct faas_message *m;

	function((struct faas_function_config){ .on_success = "queue:done",
						.on_failure = "queue:dead" });
	send_event("f", "{\"n\":1}");
	m = next_of("queue:done");
	assert_record(m->body.data,
		      RECORD("$LATEST", "Success", "1") ",\"requestPayload\":{\"n\":1}"
			      ANSWER("$LATEST", "") ",\"responsePayload\":{\"n\":1}}");
	assert_string_equal(m->source, ARN "f:$LATEST");
	assert_string_equal(m->address, "queue:done");
	faas_free(m);
	assert_int_equal(in_queue("queue:dead"), 0);
	assert_int_equal(stats().messages_delivered, 1);
}

TEST(an_event_that_failed_for_good_is_told_to_its_destination_and_is_a_dead_letter)
{
	struct faas_message *m;

	function((struct faas_function_config){ .max_retries = FAAS_NONE,
						.on_success = "queue:done",
						.on_failure = "queue:failed",
						.dead_letter = "queue:dead" });
	failures_left = 9;
	send_event("f", "{\"n\": 1}");
	m = next_of("queue:failed");
	assert_record(m->body.data,
		      RECORD("$LATEST", "RetriesExhausted", "1") ",\"requestPayload\":{\"n\": 1}"
			      ANSWER("$LATEST", FAILURE) ",\"responsePayload\":" PLANNED "}");
	assert_string_equal(m->attributes, "{}");
	faas_free(m);
	m = next_of("queue:dead");
	assert_string_equal(m->body.data, "{\"n\": 1}");
	assert_memory_equal(m->attributes, "{\"RequestID\":{\"StringValue\":\"", 29);
	assert_string_equal(strstr(m->attributes, ",\"ErrorCode\""),
			    ",\"ErrorCode\":{\"StringValue\":\"200\",\"DataType\":\"Number\"},"
			    "\"ErrorMessage\":{\"StringValue\":\"as planned\","
			    "\"DataType\":\"String\"}}");
	faas_free(m);
	assert_int_equal(in_queue("queue:done"), 0);
	await_metric("AsyncEventsDropped", 1);
}

/* The n-th call has ended, and what comes of it is decided. */
static void await_attempt(int n)
{
	await(&calls, n);
	flow_await_idle(&flow, 1, 0);
	for (int i = 0; *folder && stats().events_in_flight && i < 10000; i++)
		tick();
}

TEST(the_record_counts_the_attempts)
{
	function((struct faas_function_config){ .on_failure = "queue:failed" });
	failures_left = 9;
	send_event("f", "1");
	await_attempt(1);
	assert_int_equal(in_queue("queue:failed"), 0);
	flow_advance(&flow, 60000);
	await_attempt(2);
	flow_advance(&flow, 120000);
	assert_next("queue:failed",
		    RECORD("$LATEST", "RetriesExhausted", "3") ",\"requestPayload\":1"
			    ANSWER("$LATEST", FAILURE) ",\"responsePayload\":" PLANNED "}");
}

TEST(an_event_that_became_too_old_is_told_as_such)
{
	function((struct faas_function_config){ .max_age_s = 60, .on_failure = "queue:failed" });
	failures_left = 9;
	send_event("f", "1");
	await_attempt(1);
	flow_advance(&flow, 60000);
	await_attempt(2);
	assert_next("queue:failed",
		    RECORD("$LATEST", "EventAgeExceeded", "2") ",\"requestPayload\":1"
			    ANSWER("$LATEST", FAILURE) ",\"responsePayload\":" PLANNED "}");
}

TEST(an_event_of_a_function_that_is_off_is_told_without_an_attempt)
{
	struct faas_message *m;

	function((struct faas_function_config){ .max_concurrency = FAAS_NONE,
						.on_failure = "queue:failed",
						.dead_letter = "queue:dead" });
	send_event("f", "1");
	assert_next("queue:failed", RECORD("$LATEST", "ZeroReservedConcurrency", "0")
					    ",\"requestPayload\":1}");
	m = next_of("queue:dead");
	assert_non_null(strstr(m->attributes, "\"ErrorCode\":{\"StringValue\":\"429\""));
	assert_non_null(strstr(m->attributes, "zero reserved concurrent executions"));
	faas_free(m);
	assert_int_equal(calls, 0);
}

TEST(bytes_that_are_no_json_are_strings_in_a_record)
{
	function((struct faas_function_config){ .on_success = "queue:done" });
	send_event("f", "say \"hi\"");
	assert_next_has("queue:done", "\"requestPayload\":\"say \\\"hi\\\"\",");
	send_event("f", "say \"hi\"");
	assert_next_has("queue:done", "\"responsePayload\":\"say \\\"hi\\\"\"}");
	send_event("f", "\xff\xfe");
	assert_next_has("queue:done", "\"requestPayload\":\"//4=\","
					     "\"requestPayloadIsBase64Encoded\":true,");
	send_event("f", "");
	assert_next_has("queue:done", "\"requestPayload\":null,");
}

TEST(an_event_goes_by_the_configuration_of_the_qualifier_it_was_sent_to)
{
	struct faas_message *m;

	function((struct faas_function_config){ .on_success = "queue:latest" });
	assert_int_equal(faas_version_publish(flow.rt, "f", NULL, NULL, NULL), 0);
	assert_int_equal(faas_alias_set(flow.rt, "f", "live", 1, 0, 0, NULL), 0);
	assert_int_equal(faas_control(flow.rt, "PutFunctionEventInvokeConfig",
				      "{\"FunctionName\":\"f:live\",\"DestinationConfig\":"
				      "{\"OnSuccess\":{\"Destination\":\"queue:live\"}}}",
				      NULL, NULL),
			 0);
	send_event("f:1", "1"); /* has none */
	send_event("f:live", "2");
	m = next_of("queue:live");
	assert_record(m->body.data, RECORD("live", "Success", "1") ",\"requestPayload\":2" ANSWER(
					    "1", "") ",\"responsePayload\":2}");
	assert_string_equal(m->source, ARN "f:live");
	faas_free(m);
	send_event("f", "3");
	assert_next("queue:latest", RECORD("$LATEST", "Success", "1") ",\"requestPayload\":3"
					    ANSWER("$LATEST", "") ",\"responsePayload\":3}");
	await(&calls, 3);
	assert_int_equal(stats().messages_sent, 2);
}

TEST(a_function_hears_of_another_ones_events)
{
	function((struct faas_function_config){ .on_success = "function:g" });
	function((struct faas_function_config){ .name = "g", .native = hear });
	send_event("f", "1");
	await(&heard_calls, 1);
	assert_record(heard, RECORD("$LATEST", "Success", "1") ",\"requestPayload\":1"
				     ANSWER("$LATEST", "") ",\"responsePayload\":1}");
	for (int i = 0; stats().messages_waiting && i < 10000; i++)
		tick();
	assert_int_equal(stats().messages_delivered, 1);
}

/* g hears of f, f of g, and so on. */
TEST(functions_that_tell_each_other_without_end_are_stopped)
{
	function((struct faas_function_config){ .native = hear, .on_success = "function:g" });
	function((struct faas_function_config){ .name = "g",
						.native = hear,
						.on_success = "function:f" });
	send_event("f", "1");
	await_metric("RecursiveInvocationsDropped", 1);
	assert_in_range(heard_calls, 16, 40); /* of the two together */
	for (int i = 0; stats().messages_waiting && i < 10000; i++)
		tick();
	assert_int_equal(stats().messages_dropped, 1);
}

TEST(a_delivery_that_fails_is_told_and_tried_again_until_the_function_is_there)
{
	function((struct faas_function_config){ .on_success = "function:g" });
	send_event("f", "1");
	await_metric("DestinationDeliveryFailures", 1);
	function((struct faas_function_config){ .name = "g", .native = hear });
	flow_advance(&flow, 999);
	assert_int_equal(heard_calls, 0);
	flow_advance(&flow, 1);
	await(&heard_calls, 1);
}

TEST(a_callback_hears_of_it_again_until_it_says_that_it_is_done)
{
	function((struct faas_function_config){ .max_retries = FAAS_NONE,
						.dead_letter = "callback:ops" });
	failures_left = 1;
	refusals_left = 2;
	send_event("f", "\"the event\"");
	await(&messages, 1);
	assert_string_equal(message, "\"the event\"");
	assert_string_equal(message_to, "callback:ops");
	await_metric("DeadLetterErrors", 1);
	flow_advance(&flow, 1000);
	await(&messages, 2);
	await_metric("DeadLetterErrors", 2);
	flow_advance(&flow, 1999);
	assert_int_equal(messages, 2);
	flow_advance(&flow, 1);
	await(&messages, 3);
	for (int i = 0; stats().messages_waiting && i < 10000; i++)
		tick();
	assert_int_equal(stats().messages_delivered, 1);
}

TEST(after_six_hours_of_failed_deliveries_a_message_is_dropped)
{
	refusals_left = 1000;
	assert_int_equal(faas_send(flow.rt, "callback:ops", (struct faas_bytes){ "m", 1 }, NULL),
			 0);
	await(&messages, 1);
	for (int i = 0; stats().messages_waiting && i < 200; i++) {
		flow_advance(&flow, 300000);
		for (int n = 0; n < 20; n++)
			tick();
	}
	assert_int_equal(stats().messages_dropped, 1);
	assert_true(messages > 60);
}

TEST(dead_letters_are_sent_back_to_their_function)
{
	int moved = 0;

	function((struct faas_function_config){ .max_retries = FAAS_NONE,
						.dead_letter = "queue:dead" });
	failures_left = 2;
	send_event("f", "1");
	send_event("f", "2");
	for (int i = 0; in_queue("queue:dead") < 2 && i < 10000; i++)
		tick();
	assert_int_equal(faas_move(flow.rt, "queue:dead", NULL, 10, &moved, NULL), 0);
	assert_int_equal(moved, 2);
	await(&calls, 4);
	assert_int_equal(in_queue("queue:dead"), 0);
}

TEST(each_attempt_tells_the_age_of_its_event)
{
	function((struct faas_function_config){ 0 });
	failures_left = 1;
	send_event("f", "1");
	await_attempt(1);
	await_metric("AsyncEventAge", 0);
	flow_advance(&flow, 60000);
	await_metric("AsyncEventAge", 60000);
}

/* ---- a queue --------------------------------------------------------- */

static bool count_one(void *data, const struct faas_message *m)
{
	assert_string_equal(m->address, "queue:q");
	return ++*(int *)data < 100;
}

TEST(a_message_is_seen_counted_taken_and_dropped)
{
	struct faas_queue_stats s = { .size = sizeof(s) };
	struct faas_message *m;
	int seen = 0;

	for (int i = 0; i < 70; i++)
		assert_int_equal(faas_send(flow.rt, "queue:q", (struct faas_bytes){ "m", 1 }, NULL),
				 0);
	assert_int_equal(faas_peek(flow.rt, "queue:q", count_one, &seen, NULL), 0);
	assert_int_equal(seen, 70);
	assert_int_equal(faas_take(flow.rt, "queue:q", 5000, &m, NULL), 0);
	assert_int_equal(faas_queue_stats(flow.rt, "queue:q", &s, NULL), 0);
	assert_int_equal(s.visible, 69);
	assert_int_equal(s.hidden, 1);
	assert_true(s.oldest_ms == m->sent_ms);
	flow_advance(&flow, 5000);
	assert_int_equal(in_queue("queue:q"), 70);
	assert_int_equal(faas_drop(flow.rt, m->id, NULL), 0);
	assert_int_equal(faas_drop(flow.rt, m->id, NULL), FAAS_ENOTFOUND);
	assert_int_equal(in_queue("queue:q"), 69);
	faas_free(m);
}

TEST(what_cannot_be_sent_or_taken_is_refused)
{
	static char large[1048577];
	struct faas_message *m;
	struct faas_error err;

	assert_int_equal(faas_send(flow.rt, "nowhere", (struct faas_bytes){ "m", 1 }, &err),
			 FAAS_EINVAL);
	assert_int_equal(faas_send(flow.rt, "queue:q", (struct faas_bytes){ large, sizeof(large) },
				   &err),
			 FAAS_ETOOLARGE);
	assert_int_equal(faas_send(flow.rt, "queue:q",
				   (struct faas_bytes){ large, sizeof(large) - 1 }, &err),
			 0);
	assert_int_equal(faas_take(flow.rt, "function:f", 0, &m, &err), FAAS_EINVAL);
	assert_string_equal(err.message, "'function:f' is no queue");
	assert_int_equal(faas_take(flow.rt, "queue:q", -1, &m, &err), FAAS_EINVAL);
	assert_int_equal(faas_take(flow.rt, "queue:empty", 0, &m, &err), 0);
	assert_null(m);
}

/* ---- after a restart ------------------------------------------------- */

TEST(messages_outlive_the_program)
{
	struct faas_message *m;

	function((struct faas_function_config){ .max_retries = FAAS_NONE,
						.on_failure = "callback:ops",
						.dead_letter = "queue:dead" });
	failures_left = 1;
	refusals_left = 1;
	send_event("f", "1");
	await(&messages, 1);
	flow_close(&flow);
	open_runtime();
	assert_int_equal(stats().messages_waiting, 2);
	m = next_of("queue:dead");
	assert_string_equal(m->body.data, "1");
	faas_free(m);
	flow_advance(&flow, 2000);
	await(&messages, 1);
}

int main(void)
{
#define DISK(name) cmocka_unit_test_setup_teardown(name, on_disk, close_it)
#define BOTH(name) DISK(name), { #name ", in memory", name, in_memory, close_it, NULL }
	const struct CMUnitTest tests[] = {
		BOTH(a_success_is_told_to_its_destination_with_event_and_response),
		BOTH(an_event_that_failed_for_good_is_told_to_its_destination_and_is_a_dead_letter),
		BOTH(the_record_counts_the_attempts),
		BOTH(an_event_that_became_too_old_is_told_as_such),
		BOTH(an_event_of_a_function_that_is_off_is_told_without_an_attempt),
		BOTH(bytes_that_are_no_json_are_strings_in_a_record),
		BOTH(an_event_goes_by_the_configuration_of_the_qualifier_it_was_sent_to),
		BOTH(a_function_hears_of_another_ones_events),
		BOTH(functions_that_tell_each_other_without_end_are_stopped),
		BOTH(a_delivery_that_fails_is_told_and_tried_again_until_the_function_is_there),
		BOTH(a_callback_hears_of_it_again_until_it_says_that_it_is_done),
		BOTH(after_six_hours_of_failed_deliveries_a_message_is_dropped),
		BOTH(dead_letters_are_sent_back_to_their_function),
		BOTH(each_attempt_tells_the_age_of_its_event),
		BOTH(a_message_is_seen_counted_taken_and_dropped),
		BOTH(what_cannot_be_sent_or_taken_is_refused),
		DISK(messages_outlive_the_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
