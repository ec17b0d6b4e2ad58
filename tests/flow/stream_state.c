/* SPDX-License-Identifier: MIT */
/* What a mapping of a stream knows: how far it is, and the state of its window. */
#include "support/consumer.h"

#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <model/stream.h>

#include "support/fault_vfs.h"
#include "support/stores.h"

#define SECOND 1000

/* ---- tumbling windows ---------------------------------------------------------------- */

/* It adds up how many records it was given, as text in the state. */
static const char *add_up(const char *event)
{
	static char state[64];
	const char *before = strstr(event, "\"state\":{\"n\":");
	int n = before ? atoi(before + 13) : 0;

	for (const char *at = event; (at = strstr(at, "\"kinesis\":{")); at++)
		n++;
	snprintf(state, sizeof(state), "{\"state\":{\"n\":%d}}", n);
	return state;
}

static void to_window_start(int64_t length_ms)
{
	int64_t now = flow.clock.epoch_ms + flow.clock.ns / 1000000;

	flow_advance(&flow, length_ms - now % length_ms);
}

/* The window of that length that has just begun. */
static const char *window_that_begins(int length_s)
{
	static char text[96];
	time_t start = (time_t)((flow.clock.epoch_ms + flow.clock.ns / 1000000) / SECOND);
	time_t end = start + length_s;
	char from[32], to[32];

	strftime(from, sizeof(from), "%Y-%m-%dT%H:%M:%SZ", gmtime(&start));
	strftime(to, sizeof(to), "%Y-%m-%dT%H:%M:%SZ", gmtime(&end));
	snprintf(text, sizeof(text), "\"window\":{\"start\":\"%s\",\"end\":\"%s\"}", from,
		 to);
	return text;
}

TEST(a_window_hands_its_state_on_and_ends_once_more_without_records)
{
	const char *window;

	answer_to = add_up;
	to_window_start(10 * SECOND);
	window = window_that_begins(10);
	stream_map(FAAS_MAPPING(.tumbling_s = 10, .batch_size = 2));
	stream_put_all("abc");
	consumer_await(&records, 3);
	assert_true(consumer_event_has("\"shardId\":\"shardId-000000000000\",\"eventSourceARN\":"
				       "\"arn:aws:kinesis:local-1:000000000000:stream/s\","
				       "\"isFinalInvokeForWindow\":false,"
				       "\"isWindowTerminatedEarly\":false}"));
	assert_true(consumer_event_has(window));
	flow_advance(&flow, 9 * SECOND);
	stream_put_all("d");
	consumer_await(&records, 4);
	for (int i = 0; i < 10000 && !consumer_event_has("Window\":true"); i++)
		flow_pass(&flow, SECOND);
	assert_true(consumer_event_has("{\"Records\":[],\"window\":{\"start\":\""));
	assert_true(consumer_event_has(window));
	assert_true(consumer_event_has("\"state\":{\"n\":4},"));
	assert_true(consumer_event_has("\"isFinalInvokeForWindow\":true,"));
	stream_put_all("e");
	consumer_await(&records, 5);
	assert_true(consumer_event_has("\"state\":{},"));
}

TEST(records_of_the_next_window_end_the_one_before)
{
	answer_to = add_up;
	to_window_start(10 * SECOND);
	stream_put_all("ab");
	flow_advance(&flow, 10 * SECOND);
	stream_put_all("c");
	stream_map(FAAS_MAPPING(.tumbling_s = 10));
	consumer_await(&records, 3);
	consumer_saw("a,b,||c,|");
}

TEST(what_comes_when_its_window_is_over_belongs_to_the_next)
{
	char end[64];

	answer_to = add_up;
	to_window_start(10 * SECOND);
	stream_map(FAAS_MAPPING(.tumbling_s = 10));
	stream_put_all("a");
	consumer_await(&records, 1);
	flow_advance(&flow, 10 * SECOND);
	consumer_await(&calls, 2);
	snprintf(end, sizeof(end), "\"start\":\"%.20s\"", strstr(events, "\"end\":\"") + 7);
	flow.clock.epoch_ms -= 5 * SECOND; /* as a clock is set */
	stream_put_all("b");
	consumer_await(&records, 2);
	assert_true(consumer_event_has(end));
	assert_true(consumer_event_has("\"state\":{},"));
}

TEST(an_answer_without_state_is_a_failure)
{
	answer = "{\"batchItemFailures\":[]}";
	stream_put_all("a");
	stream_map(FAAS_MAPPING(.tumbling_s = 900, .max_retries = FAAS_NONE,
				.on_failure = "queue:dead"));
	faas_free(consumer_await_letter("queue:dead"));
	assert_int_equal(calls, 1);
}

static _Atomic bool ended_early;
static _Atomic int state_size;

static const char *much(const char *event)
{
	static char text[(1 << 20) + 64];
	int len = snprintf(text, sizeof(text), "{\"state\":\"");

	if (strstr(event, "Window\":true")) {
		ended_early = strstr(event, "\"isWindowTerminatedEarly\":true}");
		return "{}";
	}
	memset(text + len, 'x', (size_t)state_size - 2);
	strcpy(text + len + state_size - 2, "\"}");
	return text;
}

TEST(a_state_of_exactly_a_megabyte_does_not_end_its_window)
{
	answer_to = much;
	ended_early = false;
	state_size = 1 << 20;
	to_window_start(900 * SECOND);
	stream_put_all("ab");
	stream_map(FAAS_MAPPING(.tumbling_s = 900, .batch_size = 1));
	consumer_await(&calls, 2);
	consumer_saw("a,|b,|");
	consumer_stays(&calls, 2);
	for (int i = 0; i < 10000 && calls < 3; i++)
		flow_pass(&flow, 100 * SECOND);
	consumer_await(&calls, 3);
	assert_false(ended_early);
}

TEST(a_state_of_a_byte_more_than_a_megabyte_ends_its_window_early)
{
	answer_to = much;
	ended_early = false;
	state_size = (1 << 20) + 1;
	stream_put_all("a");
	stream_map(FAAS_MAPPING(.tumbling_s = 900, .batch_size = 1));
	consumer_await(&calls, 2);
	assert_true(ended_early);
	stream_put_all("b");
	consumer_await(&calls, 4);
	consumer_saw("a,||b,||");
	consumer_stays(&calls, 4);
}

TEST(the_state_of_a_window_outlives_the_program)
{
	answer_to = add_up;
	to_window_start(900 * SECOND);
	stream_map(FAAS_MAPPING(.tumbling_s = 900));
	stream_put_all("a");
	consumer_await(&records, 1);
	stream_reopen();
	answer_to = add_up;
	consumer_make_function();
	stream_put_all("b");
	consumer_await(&records, 1);
	assert_true(consumer_event_has("\"state\":{\"n\":1},"));
}

/* ---- checkpoints --------------------------------------------------------------------- */

TEST(after_a_restart_it_goes_on_where_it_was)
{
	stream_put_all("ab");
	stream_map(FAAS_MAPPING(.batch_size = 2));
	consumer_await(&calls, 1);
	stream_reopen();
	consumer_make_function();
	stream_put_all("c");
	consumer_await(&calls, 1);
	consumer_saw("c,|");
}

TEST(what_was_passed_over_is_behind_the_checkpoint_too)
{
	stream_put_all("ab");
	stream_map(FAAS_MAPPING(.filter = "[{\"partitionKey\":[\"z\"]}]"));
	consumer_counted("FilteredOutEventCount", 2);
	stream_reopen();
	consumer_make_function();
	consumer_control("UpdateEventSourceMapping",
			 "{\"UUID\":\"%s\",\"FilterCriteria\":{\"Filters\":[]}}");
	stream_put_all("c");
	consumer_await(&calls, 1);
	consumer_saw("c,|");
}

TEST(latest_is_the_end_when_the_mapping_was_made_in_spite_of_a_restart)
{
	stream_put_all("a");
	stream_map(FAAS_MAPPING(.start = "LATEST", .disabled = true));
	stream_put_all("b");
	stream_reopen();
	consumer_make_function();
	consumer_control("UpdateEventSourceMapping", "{\"UUID\":\"%s\",\"Enabled\":true}");
	consumer_await(&calls, 1);
	consumer_saw("b,|");
}

TEST(a_mapping_that_is_disabled_and_enabled_goes_on_where_it_was)
{
	stream_put_all("a");
	stream_map(FAAS_MAPPING(.batch_size = 1));
	consumer_await(&calls, 1);
	consumer_control("UpdateEventSourceMapping", "{\"UUID\":\"%s\",\"Enabled\":false}");
	consumer_await_state("Disabled");
	stream_put_all("b");
	consumer_stays(&calls, 1);
	consumer_control("UpdateEventSourceMapping", "{\"UUID\":\"%s\",\"Enabled\":true}");
	consumer_await(&calls, 2);
	consumer_saw("a,|b,|");
}

TEST(another_number_of_lanes_goes_on_where_the_last_of_them_was)
{
	for (int i = 0; i < 10; i++) {
		char key[8];

		snprintf(key, sizeof(key), "%d", i);
		stream_put(key, key);
	}
	stream_map(FAAS_MAPPING(.parallel_per_shard = 3, .batch_size = 1));
	consumer_await(&records, 10);
	consumer_control("UpdateEventSourceMapping",
			 "{\"UUID\":\"%s\",\"ParallelizationFactor\":1,\"BatchSize\":100}");
	consumer_await_state("Enabled");
	stream_put("x", "x");
	for (int i = 0; i < 1000 && !strstr(consumer_seen(), "x,"); i++)
		consumer_tick();
	assert_non_null(strstr(consumer_seen(), "x,|"));
	assert_true(records <= 20); /* at least once: never fewer than all, never a third time */
}

/* A key of the first or the second of two lanes. */
static const char *key_of(unsigned lane)
{
	static char key[16];
	uint32_t hash = !lane;

	for (int i = 0; hash % 2 != lane; i++) {
		snprintf(key, sizeof(key), "%d", i);
		fa_stream_shard(1, key, strlen(key), &hash);
	}
	return key;
}

static void change_lanes(unsigned behind)
{
	poison = "x";
	stream_put(key_of(behind), "x");
	stream_put(key_of(!behind), "y");
	stream_map(FAAS_MAPPING(.parallel_per_shard = 2, .batch_size = 1));
	consumer_await(&calls, 2);
	consumer_stays(&calls, 2);
	poison = NULL;
	consumer_control("UpdateEventSourceMapping",
			 "{\"UUID\":\"%s\",\"ParallelizationFactor\":1}");
	consumer_await(&calls, 4);
	assert_string_equal(consumer_seen() + strlen("x,|y,|"), "x,|y,|"); /* first in any order */
}

TEST(of_another_number_of_lanes_none_is_passed_over_when_the_first_is_behind)
{
	change_lanes(0);
}

TEST(of_another_number_of_lanes_none_is_passed_over_when_the_second_is_behind)
{
	change_lanes(1);
}

static int on_failing_disk(void **state)
{
	fault_vfs_install(&(struct fault_plan){ .fault = FAULT_NONE });
	return stream_on_disk(state);
}

TEST(a_checkpoint_and_its_letter_that_cannot_be_written_are_written_later)
{
	poison = "a";
	hold = 1;
	stream_put_all("a");
	stream_map(FAAS_MAPPING(.max_retries = FAAS_NONE, .on_failure = "queue:dead"));
	consumer_await(&calls, 1);
	fault_vfs_plan(&(struct fault_plan){ .fault = FAULT_EIO, .at = 1 });
	hold = 0;
	for (int i = 0; i < 10000 && !fault_vfs_ops(); i++)
		consumer_tick();
	assert_true(fault_vfs_ops() > 0);
	consumer_stays(&calls, 1);
	fault_vfs_plan(&(struct fault_plan){ .fault = FAULT_NONE });
	faas_free(consumer_await_letter("queue:dead"));
	stream_reopen();
	consumer_make_function();
	stream_put_all("b");
	consumer_await(&calls, 1);
	consumer_saw("b,|");
}

TEST(with_its_mapping_a_checkpoint_goes)
{
	int64_t before;

	stream_map(FAAS_MAPPING(.batch_size = 1));
	stream_put_all("a");
	consumer_await(&calls, 1);
	assert_int_equal(faas_mapping_delete(flow.rt, id, &err), 0);
	for (int i = 0; i < 10000; i++) {
		char text[64];

		snprintf(text, sizeof(text), "{\"UUID\":\"%s\"}", id);
		if (faas_control(flow.rt, "GetEventSourceMapping", text, NULL, &err))
			break;
		consumer_tick();
	}
	consumer_close();
	before = stores_rows(consumer_folder, "document");
	consumer_open(consumer_folder);
	assert_int_equal(before, 2); /* the function and the stream */
}

#define IN_MEMORY(name) { #name, name, stream_in_memory, stream_close, NULL }
#define ON_DISK(name) { #name "_on_disk", name, stream_on_disk, stream_close, NULL }
#define BOTH(name) IN_MEMORY(name), ON_DISK(name)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_MEMORY(a_window_hands_its_state_on_and_ends_once_more_without_records),
		IN_MEMORY(records_of_the_next_window_end_the_one_before),
		IN_MEMORY(what_comes_when_its_window_is_over_belongs_to_the_next),
		IN_MEMORY(an_answer_without_state_is_a_failure),
		IN_MEMORY(a_state_of_exactly_a_megabyte_does_not_end_its_window),
		IN_MEMORY(a_state_of_a_byte_more_than_a_megabyte_ends_its_window_early),
		ON_DISK(the_state_of_a_window_outlives_the_program),
		ON_DISK(after_a_restart_it_goes_on_where_it_was),
		ON_DISK(what_was_passed_over_is_behind_the_checkpoint_too),
		ON_DISK(latest_is_the_end_when_the_mapping_was_made_in_spite_of_a_restart),
		BOTH(a_mapping_that_is_disabled_and_enabled_goes_on_where_it_was),
		BOTH(another_number_of_lanes_goes_on_where_the_last_of_them_was),
		IN_MEMORY(of_another_number_of_lanes_none_is_passed_over_when_the_first_is_behind),
		IN_MEMORY(of_another_number_of_lanes_none_is_passed_over_when_the_second_is_behind),
		ON_DISK(with_its_mapping_a_checkpoint_goes),
		{ "a_checkpoint_and_its_letter_that_cannot_be_written_are_written_later",
		  a_checkpoint_and_its_letter_that_cannot_be_written_are_written_later,
		  on_failing_disk, stream_close, NULL },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
