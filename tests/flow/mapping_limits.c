/* SPDX-License-Identifier: MIT */
/* How many batches of a queue run at a time, and what becomes of those that are throttled. */
#include "support/consumer.h"

#include "support/test.h"

#define SECOND 1000

TEST(it_begins_with_five_batches_and_has_five_more_a_second)
{
	hold = 1;
	queue_put_many(30);
	queue_map(FAAS_MAPPING(.batch_size = 1));
	consumer_await(&calls, 5);
	consumer_stays(&calls, 5);
	for (int i = 6; i <= 10; i++) {
		flow_advance(&flow, 200);
		consumer_await(&calls, i);
	}
	consumer_stays(&calls, 10);
	hold = 0;
	consumer_await(&calls, 30);
}

TEST(no_more_batches_run_than_are_allowed)
{
	hold = 1;
	queue_put_many(12);
	queue_map(FAAS_MAPPING(.batch_size = 1, .max_concurrency = 3));
	consumer_await(&calls, 3);
	flow_advance(&flow, 10 * SECOND);
	consumer_stays(&calls, 3);
	queue_await("queue:q", 9, 3); /* the others are not even taken */
	hold = 0;
	consumer_await(&calls, 12);
	assert_int_equal(most_running, 3);
}

/* A mapping of one message a batch, with so many pollers. */
static void map_pollers(const char *function)
{
	queue_map(FAAS_MAPPING(.function = function, .batch_size = 1, .disabled = true));
	consumer_await_state("Disabled");
	consumer_control("UpdateEventSourceMapping",
			 "{\"UUID\":\"%s\",\"Enabled\":true,\"ProvisionedPollerConfig\":{"
			 "\"MinimumPollers\":2,\"MaximumPollers\":3}}");
}

TEST(provisioned_pollers_are_there_at_once_and_more_come_up_to_their_maximum)
{
	hold = 1;
	queue_put_many(40);
	map_pollers("f");
	consumer_await(&calls, 20);
	consumer_stays(&calls, 20);
	for (int i = 21; i <= 30; i++) {
		flow_advance(&flow, 60);
		consumer_await(&calls, i);
	}
	flow_advance(&flow, 60 * SECOND / 100);
	consumer_stays(&calls, 30);
	hold = 0;
	consumer_await(&calls, 40);
	assert_int_equal(most_running, 30);
}

TEST(provisioned_pollers_stay_whatever_is_throttled)
{
	consumer_make("off", FAAS_NONE);
	queue_put_many(40);
	map_pollers("off");
	queue_await("queue:q", 20, 20);
	consumer_stays(&calls, 0);
	queue_await("queue:q", 20, 20);
}

TEST(a_throttled_batch_is_tried_again_and_its_messages_were_taken_once)
{
	consumer_make("g", 1);
	hold = 1;
	queue_put_many(2);
	queue_map(FAAS_MAPPING(.function = "g", .batch_size = 1));
	consumer_await(&calls, 1);
	for (int i = 0; i < 3; i++) {
		flow_advance(&flow, 4 * SECOND);
		consumer_stays(&calls, 1);
	}
	hold = 0;
	for (int i = 0; i < 100 && calls < 2; i++) {
		flow_advance(&flow, 100);
		consumer_tick();
	}
	consumer_await(&calls, 2);
	queue_await("queue:q", 0, 0);
	assert_non_null(strstr(events, "\"ApproximateReceiveCount\":\"1\""));
}

TEST(a_throttled_batch_gives_up_when_its_messages_would_come_back)
{
	consumer_make("off", FAAS_NONE);
	queue_put("m");
	queue_map(FAAS_MAPPING(.function = "off"));
	queue_await("queue:q", 0, 1);
	for (int i = 0; i < 29; i++)
		flow_advance(&flow, SECOND);
	queue_await("queue:q", 0, 1);
	flow_advance(&flow, SECOND);
	queue_await("queue:q", 0, 1); /* back, and taken again at once */
	assert_int_equal(calls, 0);
	assert_int_equal(faas_function_reserve(flow.rt, "off", 5, &err), 0);
	for (int i = 0; i < 100; i++) {
		flow_advance(&flow, 100);
		consumer_tick();
	}
	consumer_await(&calls, 1); /* by who has it now alone */
}

TEST(a_throttled_batch_that_waits_ends_when_its_mapping_does)
{
	consumer_make("off", FAAS_NONE);
	queue_put("m");
	queue_map(FAAS_MAPPING(.function = "off"));
	queue_await("queue:q", 0, 1);
	consumer_control("UpdateEventSourceMapping", "{\"UUID\":\"%s\",\"Enabled\":false}");
	consumer_await_state("Disabled"); /* not a moment of its clock later */
	queue_await("queue:q", 0, 1);
	flow_advance(&flow, 30 * SECOND);
	queue_await("queue:q", 1, 0);
	assert_int_equal(calls, 0);
}

TEST(throttled_it_begins_two_batches_and_grows_from_there)
{
	consumer_make("off", FAAS_NONE);
	queue_put_many(20);
	queue_map(FAAS_MAPPING(.function = "off", .batch_size = 1));
	queue_await("queue:q", 15, 5);
	for (int i = 0; i < 3; i++) {
		flow_advance(&flow, 200); /* to three, four, five */
		consumer_stays(&calls, 0);
	}
	queue_await("queue:q", 15, 5);
}

#define IN_MEMORY(name) { #name, name, queue_in_memory, stream_close, NULL }
#define BOTH(name) \
	IN_MEMORY(name), { #name "_on_disk", name, queue_on_disk, stream_close, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_MEMORY(it_begins_with_five_batches_and_has_five_more_a_second),
		IN_MEMORY(no_more_batches_run_than_are_allowed),
		IN_MEMORY(provisioned_pollers_are_there_at_once_and_more_come_up_to_their_maximum),
		IN_MEMORY(provisioned_pollers_stay_whatever_is_throttled),
		IN_MEMORY(a_throttled_batch_is_tried_again_and_its_messages_were_taken_once),
		IN_MEMORY(a_throttled_batch_gives_up_when_its_messages_would_come_back),
		BOTH(a_throttled_batch_that_waits_ends_when_its_mapping_does),
		IN_MEMORY(throttled_it_begins_two_batches_and_grows_from_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
