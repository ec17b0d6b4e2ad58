/* SPDX-License-Identifier: MIT */
/* Streams that wake functions: order, batches, failures, and what is given up. */
#include "support/consumer.h"

#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>


#define SECOND 1000
#define HOUR (3600 * SECOND)

/* ---- records and batches --------------------------------------------------- */

TEST(the_event_is_that_of_kinesis)
{
	char want[2048], time[32];
	long long now = flow.clock.epoch_ms + flow.clock.ns / 1000000;

	stream_map(FAAS_MAPPING(.batch_size = 1));
	stream_put("key \"1\"", "Hello");
	consumer_await(&calls, 1);
	snprintf(time, sizeof(time), "%lld.%03lld", now / 1000, now % 1000);
	snprintf(want, sizeof(want),
		 "{\"Records\":[{\"kinesis\":{\"kinesisSchemaVersion\":\"1.0\","
		 "\"partitionKey\":\"key \\\"1\\\"\",\"sequenceNumber\":"
		 "\"49590338271490256608550000000000000000000000000000000001\","
		 "\"data\":\"SGVsbG8=\",\"approximateArrivalTimestamp\":%s},"
		 "\"eventSource\":\"aws:kinesis\",\"eventVersion\":\"1.0\","
		 "\"eventID\":\"shardId-000000000000:"
		 "49590338271490256608550000000000000000000000000000000001\","
		 "\"eventName\":\"aws:kinesis:record\","
		 "\"invokeIdentityArn\":\"arn:aws:iam::000000000000:root\","
		 "\"awsRegion\":\"local-1\",\"eventSourceARN\":"
		 "\"arn:aws:kinesis:local-1:000000000000:stream/s\"}]}",
		 time);
	assert_true(consumer_event_has(want));
	assert_int_equal(strlen(events), strlen(want));
}

TEST(records_are_read_in_order_and_each_once)
{
	stream_put_all("abcde");
	stream_map(FAAS_MAPPING(.batch_size = 2));
	consumer_await(&calls, 3);
	consumer_saw("a,b,|c,d,|e,|");
	stream_put_all("f");
	consumer_await(&calls, 4);
	consumer_saw("a,b,|c,d,|e,|f,|");
}

TEST(of_a_shard_one_batch_runs_at_a_time)
{
	hold = 1;
	stream_put_all("abc");
	stream_map(FAAS_MAPPING(.batch_size = 1));
	consumer_await(&calls, 1);
	consumer_stays(&calls, 1);
	hold = 0;
	consumer_await(&calls, 3);
	assert_int_equal(most_running, 1);
}

TEST(each_shard_has_a_batch_of_its_own)
{
	stream_make("{\"RetentionPeriodHours\":48}"); /* the same again */
	assert_int_equal(faas_resource_create(flow.rt, "stream:two", "{\"ShardCount\":2}", &err),
			 0);
	hold = 1;
	for (int i = 0; i < 16; i++) {
		char key[8];

		snprintf(key, sizeof(key), "key-%d", i);
		assert_int_equal(faas_put(flow.rt, "stream:two",
					  FAAS_MESSAGE(.body = { key, strlen(key) }, .group = key),
					  NULL, &err), 0);
	}
	consumer_map(FAAS_MAPPING(.source = "arn:aws:kinesis:local-1:000000000000:stream/two"));
	consumer_await(&calls, 2);
	hold = 0;
	assert_int_equal(records, 16);
	assert_int_equal(most_running, 2);
	assert_true(consumer_event_has("\"eventID\":\"shardId-000000000000:") !=
		    consumer_event_has("\"eventID\":\"shardId-000000000001:"));
}

TEST(a_shard_is_divided_by_partition_keys_which_stay_in_order)
{
	int next[10] = { 0 };

	hold = 1;
	for (int i = 0; i < 40; i++) {
		char key[8], body[8];

		snprintf(key, sizeof(key), "%d", i % 10);
		snprintf(body, sizeof(body), "%d%d", i % 10, i / 10);
		stream_put(key, body);
	}
	stream_map(FAAS_MAPPING(.parallel_per_shard = 4, .batch_size = 1));
	consumer_await(&calls, 4);
	consumer_stays(&calls, 4);
	hold = 0;
	consumer_await(&calls, 40);
	assert_int_equal(most_running, 4);
	for (const char *at = consumer_seen(); *at; at += strlen("12,|"))
		assert_int_equal(next[at[0] - '0']++, at[1] - '0');
	for (int i = 0; i < 10; i++)
		assert_int_equal(next[i], 4); /* none was lost */
}

TEST(a_batch_waits_for_its_window_or_until_it_is_full)
{
	stream_map(FAAS_MAPPING(.batch_size = 3, .batch_window_s = 5));
	stream_put_all("ab");
	consumer_stays(&calls, 0);
	stream_put_all("c");
	consumer_await(&calls, 1);
	stream_put_all("d");
	consumer_stays(&calls, 1);
	flow_advance(&flow, 5 * SECOND - 1);
	consumer_stays(&calls, 1);
	flow_advance(&flow, 1);
	consumer_await(&calls, 2);
	consumer_saw("a,b,c,|d,|");
}

TEST(a_batch_is_cut_where_the_event_would_be_larger_than_six_megabytes)
{
	size_t len = 1 << 20;
	char *body = malloc(len);

	memset(body, 'x', len);
	stream_put_all("a");
	for (int i = 0; i < 7; i++)
		assert_int_equal(faas_put(flow.rt, "stream:s",
					  FAAS_MESSAGE(.body = { body, len }, .group = "k"), NULL,
					  &err), 0);
	free(body);
	stream_map(FAAS_MAPPING(.batch_size = 1000));
	consumer_await(&calls, 2); /* four of them are more than 5.5 MB as base64 */
	assert_int_equal(records, 8);
}

/* ---- where it begins -------------------------------------------------------- */

TEST(latest_begins_behind_what_is_there)
{
	stream_put_all("ab");
	stream_map(FAAS_MAPPING(.start = "LATEST"));
	stream_put_all("c");
	consumer_await(&calls, 1);
	consumer_saw("c,|");
}

TEST(at_timestamp_begins_at_that_time)
{
	stream_put_all("a");
	flow_advance(&flow, 60 * SECOND);
	stream_put_all("b");
	stream_map(FAAS_MAPPING(.start = "AT_TIMESTAMP",
			 .start_s = (flow.clock.epoch_ms + flow.clock.ns / 1000000) / 1000 - 30));
	consumer_await(&calls, 1);
	consumer_saw("b,|");
}

TEST(records_are_dropped_after_their_retention)
{
	stream_put_all("a");
	flow_advance(&flow, 24 * HOUR);
	stream_put_all("b");
	flow_advance(&flow, 1);
	stream_map(FAAS_MAPPING(.start = "TRIM_HORIZON"));
	consumer_await(&calls, 1);
	consumer_saw("b,|");
}

/* ---- failures ------------------------------------------------------------------ */

TEST(a_batch_that_fails_is_tried_again_and_blocks_its_shard)
{
	failures_left = 2;
	stream_put_all("ab");
	stream_map(FAAS_MAPPING(.batch_size = 2));
	consumer_await(&calls, 1);
	stream_put_all("c");
	consumer_stays(&calls, 1);
	consumer_await_calls(4);
	consumer_saw("a,b,|a,b,|a,b,|c,|");
}

TEST(without_a_limit_it_is_tried_until_it_succeeds)
{
	failures_left = 12;
	stream_put_all("a");
	stream_map(FAAS_MAPPING(.batch_size = 2));
	for (int i = 0; i < 1000 && calls < 13; i++) {
		flow_advance(&flow, 10 * SECOND);
		consumer_tick();
	}
	consumer_await(&calls, 13);
}

TEST(before_each_attempt_it_waits_twice_as_long)
{
	failures_left = 4;
	stream_put_all("a");
	stream_map(FAAS_MAPPING(.batch_size = 2));
	for (int n = 1; n <= 4; n++) {
		consumer_await(&calls, n);
		consumer_stays(&calls, n);
		flow_advance(&flow, (SECOND << (n - 1)) - 1);
		consumer_stays(&calls, n);
		flow_advance(&flow, 1);
	}
	consumer_await(&calls, 5);
}

TEST(throttles_use_up_no_attempt)
{
	struct faas_message *m;

	failures_left = 1;
	assert_int_equal(faas_function_reserve(flow.rt, "f", FAAS_NONE, &err), 0);
	stream_put_all("a");
	stream_map(FAAS_MAPPING(.max_retries = FAAS_NONE, .on_failure = "queue:dead"));
	for (int i = 0; i < 10; i++) {
		flow_advance(&flow, 60 * SECOND);
		consumer_stays(&calls, 0);
	}
	assert_int_equal(faas_function_reserve(flow.rt, "f", 5, &err), 0);
	for (int i = 0; i < 100 && !calls; i++) {
		flow_advance(&flow, 10 * SECOND);
		consumer_tick();
	}
	consumer_await(&calls, 1);
	consumer_saw("a,|");
	m = consumer_await_letter("queue:dead");
	assert_non_null(strstr(m->body.data, "\"approximateInvokeCount\":1}"));
	faas_free(m);
}

TEST(what_failed_too_often_is_given_up_and_told_of)
{
	struct faas_message *m;
	char want[2048], time[40];

	poison = "b";
	stream_put_all("ab");
	stream_map(FAAS_MAPPING(.batch_size = 2, .max_retries = 1, .on_failure = "queue:dead"));
	consumer_await_calls(2);
	m = consumer_await_letter("queue:dead");
	snprintf(time, sizeof(time), "%.24s",
		 strstr(m->body.data, "approximateArrivalOfFirstRecord") + 34);
	snprintf(want, sizeof(want),
		 ",\"functionArn\":\"arn:aws:lambda:local-1:000000000000:function:f\","
		 "\"condition\":\"RetryAttemptsExhausted\",\"approximateInvokeCount\":2},"
		 "\"responseContext\":{\"statusCode\":200,\"executedVersion\":\"$LATEST\","
		 "\"functionError\":\"Unhandled\"},\"version\":\"1.0\",\"timestamp\":\"");
	assert_non_null(strstr(m->body.data, want));
	snprintf(want, sizeof(want),
		 ",\"KinesisBatchInfo\":{\"shardId\":\"shardId-000000000000\","
		 "\"startSequenceNumber\":"
		 "\"49590338271490256608550000000000000000000000000000000001\","
		 "\"endSequenceNumber\":"
		 "\"49590338271490256608550000000000000000000000000000000002\","
		 "\"approximateArrivalOfFirstRecord\":\"%s\","
		 "\"approximateArrivalOfLastRecord\":\"%s\",\"batchSize\":2,\"streamArn\":"
		 "\"arn:aws:kinesis:local-1:000000000000:stream/s\"}}",
		 time, time);
	assert_non_null(strstr(m->body.data, want));
	assert_memory_equal(m->body.data, "{\"requestContext\":{\"requestId\":\"", 32);
	faas_free(m);
	stream_put_all("c");
	consumer_await(&calls, 3);
	consumer_saw("a,b,|a,b,|c,|");
}

static void is_halved(bool partial_failures)
{
	struct faas_message *m;

	poison = "f";
	stream_put_all("abcdefgh");
	stream_map(FAAS_MAPPING(.batch_size = 8, .max_retries = FAAS_NONE, .bisect = true,
			 .partial_failures = partial_failures, .on_failure = "queue:dead"));
	consumer_await_calls(7);
	consumer_saw("a,b,c,d,e,f,g,h,|a,b,c,d,|e,f,g,h,|e,f,|e,|f,|g,h,|");
	m = consumer_await_letter("queue:dead");
	assert_non_null(strstr(m->body.data, "\"approximateInvokeCount\":4}"));
	assert_non_null(strstr(m->body.data, "\"batchSize\":1,"));
	faas_free(m);
}

TEST(a_batch_that_fails_is_halved_and_only_what_is_bad_is_given_up)
{
	is_halved(false);
}

TEST(it_is_halved_though_the_function_might_have_named_what_failed)
{
	is_halved(true);
}

static void await_last_result(const char *text)
{
	const char *reply = "";
	char want[64];

	snprintf(want, sizeof(want), "\"LastProcessingResult\":\"%s\"", text);
	for (int i = 0; i < 60000 && !strstr(reply, want); i++) {
		reply = consumer_control("GetEventSourceMapping", "{\"UUID\":\"%s\"}");
		consumer_tick();
	}
	if (!strstr(reply, want))
		fail_msg("%s has no %s", reply, want);
	consumer_control(NULL, "");
}

TEST(the_last_result_is_shown)
{
	failures_left = 1;
	stream_map(FAAS_MAPPING(.batch_size = 1));
	await_last_result("No records processed");
	stream_put_all("a");
	await_last_result("PROBLEM: Function call failed");
	consumer_await_calls(2);
	await_last_result("OK");
}

TEST(a_record_that_is_too_old_is_given_up)
{
	struct faas_message *m;

	failures_left = 100;
	stream_put_all("a");
	stream_map(FAAS_MAPPING(.max_age_s = 60, .on_failure = "queue:dead"));
	consumer_await(&calls, 1);
	flow_advance(&flow, 61 * SECOND);
	m = consumer_await_letter("queue:dead");
	assert_non_null(strstr(m->body.data, "\"condition\":\"RecordAgeExceeded\","
					     "\"approximateInvokeCount\":1},\"version\":"));
	faas_free(m);
	assert_int_equal(calls, 1);
}

TEST(what_a_stream_would_drop_is_told_of_if_it_was_read)
{
	failures_left = 1000;
	stream_put_all("a");
	stream_map(FAAS_MAPPING(.on_failure = "queue:dead"));
	consumer_await(&calls, 1);
	flow_advance(&flow, 24 * HOUR + SECOND);
	faas_free(consumer_await_letter("queue:dead"));
	assert_int_equal(calls, 1);
}

/* ---- what the function says ------------------------------------------------------ */

static char named[256];

/* The first time it names the third record, then it is content. */
static const char *name_the_third(const char *event)
{
	const char *at = event;

	if (calls)
		return "{\"batchItemFailures\":[]}";
	for (int i = 0; i < 3; i++)
		at = strstr(at, "\"sequenceNumber\":\"") + 18;
	snprintf(named, sizeof(named),
		 "{\"batchItemFailures\":[{\"itemIdentifier\":\"%.56s\"}]}", at);
	return named;
}

TEST(it_goes_on_from_the_lowest_record_that_was_named)
{
	answer_to = name_the_third;
	stream_put_all("abcd");
	stream_map(FAAS_MAPPING(.batch_size = 4, .partial_failures = true));
	consumer_await_calls(2);
	consumer_saw("a,b,c,d,|c,d,|");
}

/* The fourth and the second, in this order. */
static const char *name_two(const char *event)
{
	const char *of[4], *at = event;

	if (calls)
		return "null";
	for (int i = 0; i < 4; i++)
		of[i] = at = strstr(at, "\"sequenceNumber\":\"") + 18;
	snprintf(named, sizeof(named),
		 "{\"batchItemFailures\":[{\"itemIdentifier\":\"%.56s\"},"
		 "{\"itemIdentifier\":\"%.56s\"}]}",
		 of[3], of[1]);
	return named;
}

TEST(of_several_that_were_named_the_lowest_counts)
{
	answer_to = name_two;
	stream_put_all("abcd");
	stream_map(FAAS_MAPPING(.batch_size = 4, .partial_failures = true));
	consumer_await_calls(2);
	consumer_saw("a,b,c,d,|b,c,d,|");
}

TEST(with_halving_the_rest_follows_at_once_and_is_no_retry)
{
	answer_to = name_the_third;
	stream_put_all("abcd");
	stream_map(FAAS_MAPPING(.batch_size = 4, .partial_failures = true, .bisect = true,
			 .max_retries = FAAS_NONE));
	consumer_await(&calls, 2);
	consumer_saw("a,b,c,d,|c,d,|");
}

static const char *name_all(const char *event)
{
	snprintf(named, sizeof(named),
		 "{\"batchItemFailures\":[{\"itemIdentifier\":\"%.56s\"}]}",
		 strstr(event, "\"sequenceNumber\":\"") + 18);
	return named;
}

TEST(what_the_function_only_named_has_no_function_error)
{
	struct faas_message *m;

	answer_to = name_all;
	stream_put_all("a");
	stream_map(FAAS_MAPPING(.partial_failures = true, .max_retries = FAAS_NONE,
			 .on_failure = "queue:dead"));
	m = consumer_await_letter("queue:dead");
	assert_non_null(strstr(m->body.data, "\"functionError\":null}"));
	faas_free(m);
}

static void answer_means(const char *text, bool good)
{
	int before = calls;

	answer = text;
	stream_put_all("a");
	consumer_await(&calls, before + 1);
	answer = "null";
	if (good)
		flow_advance(&flow, SECOND);
	else
		consumer_await_calls(before + 2);
	consumer_stays(&calls, before + (good ? 1 : 2));
}

TEST(what_cannot_be_understood_means_that_all_failed)
{
	stream_map(FAAS_MAPPING(.partial_failures = true));
	answer_means("null", true);
	answer_means("[]", true);
	answer_means("\"\"", true);
	answer_means("{\"batchItemFailures\":null}", true);
	answer_means("{\"batchItemFailures\":[{\"itemIdentifier\":\"\"}]}", false);
	answer_means("{\"batchItemFailures\":[{\"itemIdentifier\":\"4959\"}]}", false);
	answer_means("\"x\"", false);
	answer_means("[1]", false);
}

/* ---- filters and metrics ----------------------------------------------------------- */

TEST(what_no_filter_lets_through_is_passed_over)
{
	stream_put("k", "{\"n\":1}");
	stream_put("k", "{\"n\":2}");
	stream_put("other", "no JSON");
	stream_map(FAAS_MAPPING(.filter = "[{\"data\":{\"n\":[2]}},"
					  "{\"partitionKey\":[\"other\"]}]"));
	consumer_await(&calls, 1);
	consumer_saw("{\"n\":2},no JSON,|");
	consumer_counted("FilteredOutEventCount", 1);
	consumer_counted("PolledEventCount", 3);
}

TEST(the_age_of_the_last_record_is_told)
{
	stream_put_all("a");
	flow_advance(&flow, 7 * SECOND);
	stream_map(FAAS_MAPPING(.batch_size = 1));
	consumer_await(&calls, 1);
	consumer_counted("IteratorAge", 7000);
}

#define IN_MEMORY(name) { #name, name, stream_in_memory, stream_close, NULL }
#define ON_DISK(name) { #name "_on_disk", name, stream_on_disk, stream_close, NULL }
#define BOTH(name) IN_MEMORY(name), ON_DISK(name)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_MEMORY(the_event_is_that_of_kinesis),
		BOTH(records_are_read_in_order_and_each_once),
		IN_MEMORY(of_a_shard_one_batch_runs_at_a_time),
		IN_MEMORY(each_shard_has_a_batch_of_its_own),
		BOTH(a_shard_is_divided_by_partition_keys_which_stay_in_order),
		IN_MEMORY(a_batch_waits_for_its_window_or_until_it_is_full),
		IN_MEMORY(a_batch_is_cut_where_the_event_would_be_larger_than_six_megabytes),
		BOTH(latest_begins_behind_what_is_there),
		IN_MEMORY(at_timestamp_begins_at_that_time),
		IN_MEMORY(records_are_dropped_after_their_retention),
		BOTH(a_batch_that_fails_is_tried_again_and_blocks_its_shard),
		IN_MEMORY(without_a_limit_it_is_tried_until_it_succeeds),
		IN_MEMORY(before_each_attempt_it_waits_twice_as_long),
		IN_MEMORY(throttles_use_up_no_attempt),
		BOTH(what_failed_too_often_is_given_up_and_told_of),
		IN_MEMORY(a_batch_that_fails_is_halved_and_only_what_is_bad_is_given_up),
		IN_MEMORY(it_is_halved_though_the_function_might_have_named_what_failed),
		IN_MEMORY(the_last_result_is_shown),
		IN_MEMORY(a_record_that_is_too_old_is_given_up),
		IN_MEMORY(what_a_stream_would_drop_is_told_of_if_it_was_read),
		IN_MEMORY(it_goes_on_from_the_lowest_record_that_was_named),
		IN_MEMORY(of_several_that_were_named_the_lowest_counts),
		IN_MEMORY(with_halving_the_rest_follows_at_once_and_is_no_retry),
		IN_MEMORY(what_the_function_only_named_has_no_function_error),
		IN_MEMORY(what_cannot_be_understood_means_that_all_failed),
		IN_MEMORY(what_no_filter_lets_through_is_passed_over),
		IN_MEMORY(the_age_of_the_last_record_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
