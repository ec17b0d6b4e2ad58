/* SPDX-License-Identifier: MIT */
/* Queues that wake functions: batches, windows, failures, groups, throttles, and the end. */
#include "support/consumer.h"

#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "support/stores.h"

#define SECOND 1000
#define TRACE "Root=1-5759e988-bd862e3fe1be46a994272793"

static void put_ordered(const char *group, const char *body)
{
	if (faas_put(flow.rt, "queue:q.fifo",
		     FAAS_MESSAGE(.body = { body, strlen(body) }, .group = group, .dedup = body),
		     NULL, &err))
		fail_msg("%s", err.message);
}

TEST(a_message_wakes_the_function_and_is_gone_when_that_succeeded)
{
	queue_map(FAAS_MAPPING(.source = "queue:q"));
	queue_put("hello");
	consumer_await(&calls, 1);
	queue_await("queue:q", 0, 0);
	consumer_saw("hello,|");
}

TEST(what_lay_there_before_is_taken_as_well)
{
	queue_put("early");
	queue_map(FAAS_MAPPING(.source = "arn:aws:sqs:local-1:000000000000:q"));
	consumer_await(&calls, 1);
	consumer_saw("early,|");
}

TEST(the_event_is_that_of_sqs)
{
	char want[2048];
	long long now = flow.clock.epoch_ms + flow.clock.ns / 1000000;

	queue_map(FAAS_MAPPING(.source = "queue:q"));
	assert_int_equal(
		faas_put(flow.rt, "queue:q",
			 FAAS_MESSAGE(.body = { "a \"b\"\n", 6 },
				      .attributes = "{\"n\":{\"StringValue\":\"6\",\"DataType\":"
						    "\"Number\"},\"b\":{\"DataType\":\"Binary\","
						    "\"BinaryValue\":\"AAEC\"}}"),
			 NULL, &err), 0);
	consumer_await(&calls, 1);
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
	queue_map(FAAS_MAPPING(.source = "queue:q.fifo"));
	put_ordered("A", "x");
	consumer_await(&calls, 1);
	assert_non_null(strstr(events, "\"SequenceNumber\":\"00000000000000000001\","
				       "\"MessageGroupId\":\"A\","
				       "\"MessageDeduplicationId\":\"x\"}"));
}

TEST(a_failed_batch_comes_back_after_the_visibility_timeout)
{
	failures_left = 1;
	queue_put("a");
	queue_put("b");
	queue_map(FAAS_MAPPING(.source = "queue:q"));
	consumer_await(&calls, 1);
	queue_await("queue:q", 0, 2);
	flow_advance(&flow, 30 * SECOND - 1);
	consumer_stays(&calls, 1);
	flow_advance(&flow, 1);
	consumer_await(&calls, 2);
	queue_await("queue:q", 0, 0);
	consumer_saw("a,b,|a,b,|");
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
	queue_map(FAAS_MAPPING(.source = "queue:q"));
	queue_put("bad");
	consumer_await(&calls, 1);
	queue_await("queue:q", 0, 1);
	flow_advance(&flow, 30 * SECOND);
	consumer_await(&calls, 2);
	queue_await("queue:q", 0, 1);
	flow_advance(&flow, 30 * SECOND);
	queue_await("queue:dead", 1, 0);
	assert_int_equal(calls, 2);
	assert_int_equal(faas_take(flow.rt, "queue:dead", 0, &m, &err), 0);
	assert_string_equal(m->body.data, "bad");
	faas_free(m);
}

TEST(the_event_of_a_dead_letter_names_the_queue_that_it_comes_from)
{
	assert_int_equal(faas_resource_create(flow.rt, "queue:q",
					      "{\"RedrivePolicy\":{\"deadLetterTargetArn\":"
					      "\"queue:dead\",\"maxReceiveCount\":1}}",
					      &err), 0);
	failures_left = 1;
	queue_map(FAAS_MAPPING(.source = "queue:q"));
	queue_put("bad");
	consumer_await(&calls, 1);
	assert_false(consumer_event_has("DeadLetterQueueSourceArn"));
	queue_await("queue:q", 0, 1);
	flow_advance(&flow, 30 * SECOND);
	queue_await("queue:dead", 1, 0);
	queue_map(FAAS_MAPPING(.source = "queue:dead"));
	consumer_await(&calls, 2);
	assert_true(consumer_event_has("\"DeadLetterQueueSourceArn\":"
				       "\"arn:aws:sqs:local-1:000000000000:q\"}"));
}

TEST(the_event_has_the_trace_of_what_sent_its_message)
{
	consumer_make("g", 0);
	assert_int_equal(faas_function_update(flow.rt,
					      FAAS_FUNCTION(.name = "g", .on_success = "queue:q"),
					      &err), 0);
	queue_map(FAAS_MAPPING(.source = "queue:q"));
	assert_int_equal(faas_invoke(flow.rt,
				     FAAS_REQUEST(.function = "g", .mode = FAAS_EVENT,
						  .trace_id = TRACE),
				     NULL, &err), 0);
	consumer_await(&calls, 2);
	assert_true(consumer_event_has("\"AWSTraceHeader\":\"" TRACE));
}

/* Three messages, which come together with a window, and an answer: how many stay. */
static void answer_means(const char *text, int failed)
{
	int before = calls;

	answer = text;
	for (int i = 0; i < 3; i++)
		queue_put("m");
	queue_await("queue:q", 0, 3);
	flow_advance(&flow, SECOND);
	consumer_await(&calls, before + 1);
	queue_await("queue:q", 0, (uint64_t)failed);
	if (failed)
		assert_int_equal(faas_resource_delete(flow.rt, "queue:q", &err), 0);
}

TEST(the_function_may_name_what_failed)
{
	queue_map(FAAS_MAPPING(.batch_window_s = 1, .partial_failures = true));
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
	queue_map(FAAS_MAPPING(.batch_window_s = 1));
	answer_means("{\"batchItemFailures\":[{\"itemIdentifier\":\"nobody\"}]}", 0);
}

TEST(a_batch_has_at_most_its_size)
{
	queue_put_many(7);
	queue_map(FAAS_MAPPING(.batch_size = 3, .max_concurrency = 2));
	consumer_await(&calls, 3);
	queue_await("queue:q", 0, 0);
	assert_int_equal(records, 7);
}

TEST(a_batch_waits_for_its_window_or_until_it_is_full)
{
	queue_map(FAAS_MAPPING(.batch_size = 20, .batch_window_s = 5));
	queue_put_many(19);
	queue_await("queue:q", 0, 19);
	flow_advance(&flow, 4 * SECOND);
	consumer_stays(&calls, 0);
	queue_put("last");
	consumer_await(&calls, 1);
	assert_int_equal(records, 20);
	queue_put("alone");
	queue_await("queue:q", 0, 1);
	flow_advance(&flow, 5 * SECOND - 1);
	consumer_stays(&calls, 1);
	flow_advance(&flow, 1);
	consumer_await(&calls, 2);
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
	queue_map(FAAS_MAPPING(.batch_size = 100, .batch_window_s = 300));
	consumer_await(&calls, 1); /* full by its bytes, long before its window */
	assert_int_equal(records, 5);
	flow_advance(&flow, 300 * SECOND);
	consumer_await(&calls, 2);
	queue_await("queue:q", 0, 0);
	assert_int_equal(records, 7);
}

/* So many messages in one event, `bytes` in all their bodies together: how many events it took. */
static int events_of(unsigned n, size_t bytes)
{
	int calls_before = calls, records_before = records;
	char *body = malloc(bytes);

	memset(body, 'x', bytes);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(faas_send(flow.rt, "queue:q",
					   (struct faas_bytes){ body, (bytes + i) / n }, &err), 0);
	free(body);
	queue_await("queue:q", 0, n);
	flow_advance(&flow, SECOND);
	consumer_await(&records, records_before + (int)n);
	queue_await("queue:q", 0, 0);
	return calls - calls_before;
}

TEST(an_event_of_exactly_six_megabytes_is_one_batch_and_one_byte_more_is_two)
{
	size_t one, two, most;

	queue_map(FAAS_MAPPING(.batch_size = 20, .batch_window_s = 1));
	assert_int_equal(events_of(1, 1), 1);
	one = strlen(events);
	assert_int_equal(events_of(2, 2), 1);
	two = strlen(events);
	most = 6291456 - (one - 1) - 5 * (two - one - 1);
	assert_int_equal(events_of(6, most), 1);
	assert_int_equal(events_of(6, most + 1), 2);
}

TEST(with_a_window_messages_are_hidden_for_as_long_as_it_may_take)
{
	assert_int_equal(faas_resource_create(flow.rt, "queue:q", "{\"VisibilityTimeout\":20}",
					      &err), 0);
	queue_map(FAAS_MAPPING(.batch_size = 20, .batch_window_s = 1));
	failures_left = 1;
	queue_put("m");
	queue_await("queue:q", 0, 1);
	flow_advance(&flow, SECOND);
	consumer_await(&calls, 1);
	flow_advance(&flow, 49 * SECOND); /* 1 and 20 and 30, of which one is over */
	consumer_stays(&calls, 1);
	flow_advance(&flow, SECOND);
	queue_await("queue:q", 0, 1); /* taken once more */
	flow_advance(&flow, SECOND);
	consumer_await(&calls, 2);
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
	queue_map(FAAS_MAPPING(.source = "queue:q.fifo", .batch_size = 4));
	consumer_await(&calls, 1);
	consumer_stays(&calls, 1);
	hold = 0;
	consumer_await(&records, 30);
	assert_int_equal(most_running, 1);
	queue_await("queue:q.fifo", 0, 0);
	consumer_saw("0,1,2,3,|4,5,6,7,|8,9,10,11,|12,13,14,15,|16,17,18,19,|20,21,22,23,|"
		     "24,25,26,27,|28,29,|");
}

TEST(a_batch_that_fails_holds_up_its_groups_and_no_others)
{
	put_ordered("A", "a1");
	put_ordered("A", "a2");
	failures_left = 1;
	queue_map(FAAS_MAPPING(.source = "queue:q.fifo"));
	consumer_await(&calls, 1);
	queue_await("queue:q.fifo", 0, 2);
	put_ordered("A", "a3");
	put_ordered("B", "b1");
	consumer_await(&calls, 2);
	queue_await("queue:q.fifo", 1, 2);
	consumer_saw("a1,a2,|b1,|");
	flow_advance(&flow, 30 * SECOND);
	queue_await("queue:q.fifo", 0, 0);
	consumer_saw("a1,a2,|b1,|a1,a2,a3,|");
}

TEST(of_a_group_no_more_is_taken_than_its_batch_holds)
{
	char body[16];

	hold = 1;
	for (int i = 0; i < 10; i++) {
		snprintf(body, sizeof(body), "%d", i);
		put_ordered("A", body);
	}
	queue_map(FAAS_MAPPING(.source = "queue:q.fifo", .batch_size = 2));
	consumer_await(&calls, 1);
	consumer_stays(&calls, 1);
	queue_await("queue:q.fifo", 8, 2);
}

/* ---- its life -------------------------------------------------------------------- */

TEST(a_disabled_mapping_takes_nothing_until_it_is_enabled)
{
	queue_map(FAAS_MAPPING(.disabled = true));
	consumer_await_state("Disabled");
	queue_put("m");
	consumer_stays(&calls, 0);
	consumer_control("UpdateEventSourceMapping", "{\"UUID\":\"%s\",\"Enabled\":true}");
	consumer_await(&calls, 1);
	consumer_await_state("Enabled");
}

TEST(what_was_taken_and_not_seen_is_given_back)
{
	queue_map(FAAS_MAPPING(.batch_size = 20, .batch_window_s = 300));
	queue_put_many(3);
	queue_await("queue:q", 0, 3);
	consumer_control("UpdateEventSourceMapping", "{\"UUID\":\"%s\",\"Enabled\":false}");
	consumer_await_state("Disabled");
	queue_await("queue:q", 3, 0);
	consumer_control("UpdateEventSourceMapping",
		"{\"UUID\":\"%s\",\"Enabled\":true,\"BatchSize\":3}");
	consumer_await(&calls, 1);
	assert_non_null(strstr(events, "\"ApproximateReceiveCount\":\"1\""));
}

TEST(what_one_mapping_gives_back_another_one_of_its_queue_takes)
{
	char first[sizeof(id)];

	queue_map(FAAS_MAPPING(.batch_size = 20, .batch_window_s = 300));
	memcpy(first, id, sizeof(first));
	queue_put_many(3);
	queue_await("queue:q", 0, 3);
	consumer_make("g", 0);
	queue_map(FAAS_MAPPING(.function = "g"));
	consumer_await_state("Enabled"); /* and has looked, and found nothing that it may take */
	assert_int_equal(faas_mapping_delete(flow.rt, first, &err), 0);
	consumer_await(&records, 3); /* not a moment of its clock later */
	queue_await("queue:q", 0, 0);
	assert_non_null(strstr(events, "\"ApproximateReceiveCount\":\"1\""));
}

TEST(a_batch_that_runs_is_finished_before_its_mapping_is_gone)
{
	char text[64];

	hold = 1;
	queue_put("m");
	queue_map(FAAS_MAPPING(.source = "queue:q"));
	consumer_await(&calls, 1);
	assert_int_equal(faas_mapping_delete(flow.rt, id, &err), 0);
	consumer_await_state("Deleting");
	hold = 0;
	queue_await("queue:q", 0, 0);
	for (int i = 0; i < 10000; i++) {
		snprintf(text, sizeof(text), "{\"UUID\":\"%s\"}", id);
		if (faas_control(flow.rt, "GetEventSourceMapping", text, NULL, &err))
			break;
		consumer_tick();
	}
	assert_string_equal(err.message, "The resource you requested does not exist.");
	queue_put("later");
	consumer_stays(&calls, 1);
}

TEST(while_its_last_batch_runs_a_mapping_that_stops_takes_nothing)
{
	hold = 1;
	queue_put("m");
	queue_map(FAAS_MAPPING(.batch_size = 1));
	consumer_await(&calls, 1);
	consumer_control("UpdateEventSourceMapping", "{\"UUID\":\"%s\",\"Enabled\":false}");
	queue_put("later");
	for (int i = 0; i < 200; i++) {
		assert_int_equal(queue_stats("queue:q").hidden, 1);
		consumer_tick();
	}
	hold = 0;
	consumer_await_state("Disabled");
	queue_await("queue:q", 1, 0);
}

TEST(a_runtime_that_closes_gives_back_what_it_had_not_begun)
{
	queue_map(FAAS_MAPPING(.batch_size = 20, .batch_window_s = 300));
	queue_put_many(3);
	queue_await("queue:q", 0, 3);
	flow_close(&flow);
	consumer_open(consumer_folder);
	consumer_await_state("Enabled");
	flow_advance(&flow, 10 * SECOND);
	queue_await("queue:q", 3, 0); /* nothing is taken for a function that is not there */
	consumer_make_function();
	flow_advance(&flow, SECOND);
	queue_await("queue:q", 0, 3);
	flow_advance(&flow, 300 * SECOND);
	consumer_await(&calls, 1);
	assert_int_equal(records, 3);
	assert_non_null(strstr(events, "\"ApproximateReceiveCount\":\"1\""));
}

TEST(what_no_filter_lets_through_is_deleted_and_counted)
{
	queue_map(FAAS_MAPPING(.batch_size = 20, .batch_window_s = 1,
			 .filter = "[{\"body\":{\"kind\":[\"good\"]}},{\"body\":[\"plain\"]},"
				   "{\"messageAttributes\":{\"k\":{\"stringValue\":[\"v\"]}}}]"));
	queue_put("{'kind':'good'}");
	queue_put("{\"kind\":\"good\"}");
	queue_put("{\"kind\":\"bad\"}");
	queue_put("plain");
	queue_put("other");
	assert_int_equal(faas_put(flow.rt, "queue:q",
				  FAAS_MESSAGE(.body = { "attributed", 10 },
					       .attributes = "{\"k\":{\"DataType\":\"String\","
							     "\"StringValue\":\"v\"}}"),
				  NULL, &err), 0);
	queue_await("queue:q", 0, 3);
	flow_advance(&flow, SECOND);
	consumer_await(&calls, 1);
	queue_await("queue:q", 0, 0);
	consumer_saw("{\\,plain,attributed,|");
	consumer_counted("FilteredOutEventCount", 3);
}

TEST(it_is_counted_what_was_polled_invoked_failed_and_deleted)
{
	failures_left = 1;
	queue_put_many(4);
	queue_map(FAAS_MAPPING(.source = "queue:q"));
	consumer_await(&calls, 1);
	queue_await("queue:q", 0, 4);
	flow_advance(&flow, 30 * SECOND);
	consumer_await(&calls, 2);
	queue_await("queue:q", 0, 0);
	consumer_counted("DeletedEventCount", 4);
	consumer_counted("PolledEventCount", 8);
	consumer_counted("InvokedEventCount", 8);
	consumer_counted("FailedInvokeEventCount", 4);
}

#define IN_MEMORY(name) { #name, name, queue_in_memory, stream_close, NULL }
#define BOTH(name) \
	IN_MEMORY(name), { #name "_on_disk", name, queue_on_disk, stream_close, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(a_message_wakes_the_function_and_is_gone_when_that_succeeded),
		BOTH(what_lay_there_before_is_taken_as_well),
		IN_MEMORY(the_event_is_that_of_sqs),
		IN_MEMORY(the_event_of_a_fifo_queue_has_group_dedup_and_sequence),
		BOTH(a_failed_batch_comes_back_after_the_visibility_timeout),
		BOTH(what_failed_too_often_is_a_dead_letter),
		BOTH(the_event_of_a_dead_letter_names_the_queue_that_it_comes_from),
		IN_MEMORY(the_event_has_the_trace_of_what_sent_its_message),
		IN_MEMORY(the_function_may_name_what_failed),
		IN_MEMORY(without_being_asked_for_it_the_answer_means_nothing),
		IN_MEMORY(a_batch_has_at_most_its_size),
		IN_MEMORY(a_batch_waits_for_its_window_or_until_it_is_full),
		IN_MEMORY(a_batch_is_cut_where_the_event_would_be_larger_than_six_megabytes),
		IN_MEMORY(an_event_of_exactly_six_megabytes_is_one_batch_and_one_byte_more_is_two),
		IN_MEMORY(with_a_window_messages_are_hidden_for_as_long_as_it_may_take),
		BOTH(of_a_group_one_batch_runs_at_a_time_and_in_order),
		BOTH(of_a_group_no_more_is_taken_than_its_batch_holds),
		IN_MEMORY(a_batch_that_fails_holds_up_its_groups_and_no_others),
		IN_MEMORY(a_disabled_mapping_takes_nothing_until_it_is_enabled),
		BOTH(what_was_taken_and_not_seen_is_given_back),
		BOTH(what_one_mapping_gives_back_another_one_of_its_queue_takes),
		BOTH(a_batch_that_runs_is_finished_before_its_mapping_is_gone),
		BOTH(while_its_last_batch_runs_a_mapping_that_stops_takes_nothing),
		{ "a_runtime_that_closes_gives_back_what_it_had_not_begun",
		  a_runtime_that_closes_gives_back_what_it_had_not_begun, queue_on_disk,
		  stream_close, NULL },
		IN_MEMORY(what_no_filter_lets_through_is_deleted_and_counted),
		BOTH(it_is_counted_what_was_polled_invoked_failed_and_deleted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
