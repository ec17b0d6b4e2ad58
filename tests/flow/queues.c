/* SPDX-License-Identifier: MIT */
/* Queues as SQS has them: in memory, and with a state_dir. */
#include <faas/plugin.h>
#include <faas/source.h>

#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "support/flow.h"
#include "support/stores.h"

#define INVALID "InvalidParameterValueException"
#define MINUTE 60000
#define LOOK_AHEAD 20000

static struct flow flow;
static struct faas_error err;
static char folder[64];

static void open_runtime(void)
{
	memset(&err, 0, sizeof(err));
	flow_open(&flow, &(struct faas_config){ .state_dir = *folder ? folder : NULL }, true);
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

static void make(const char *address, const char *options)
{
	if (faas_resource_create(flow.rt, address, options, &err))
		fail_msg("%s", err.message);
}

static int64_t put(const char *address, struct faas_message m, const char *body)
{
	int64_t id = 0;

	m.size = sizeof(m);
	m.body = (struct faas_bytes){ body, strlen(body) };
	if (faas_put(flow.rt, address, &m, &id, &err))
		fail_msg("%s", err.message);
	return id;
}

static void put_ordered(const char *group, const char *body)
{
	put("queue:q.fifo", (struct faas_message){ .group = group, .dedup = body }, body);
}

static struct faas_message *take(const char *address, int hide_ms)
{
	struct faas_message *m = NULL;

	if (faas_take(flow.rt, address, hide_ms, &m, &err))
		fail_msg("%s", err.message);
	return m;
}

/* What is taken next, or "" if there is nothing. Its id. */
static int64_t taken(const char *address, int hide_ms, const char *body)
{
	struct faas_message *m = take(address, hide_ms);
	int64_t id = m ? m->id : 0;

	assert_string_equal(m ? m->body.data : "", body);
	faas_free(m);
	return id;
}

static uint64_t lying(const char *address)
{
	struct faas_queue_stats stats = { .size = sizeof(stats) };

	assert_int_equal(faas_queue_stats(flow.rt, address, &stats, &err), 0);
	return stats.visible + stats.hidden;
}

static void refused(int rc, const char *type, const char *message)
{
	assert_true(rc < 0);
	assert_string_equal(err.type, type);
	assert_string_equal(err.message, message);
}

/* ---- standard queues -------------------------------------------------- */

TEST(a_delayed_message_is_seen_when_its_delay_is_over)
{
	put("queue:q", (struct faas_message){ .delay_s = 10 }, "later");
	put("queue:q", (struct faas_message){ 0 }, "now");
	taken("queue:q", 0, "now");
	flow_advance(&flow, 9999);
	taken("queue:q", 0, "");
	flow_advance(&flow, 1);
	taken("queue:q", 0, "later");
}

TEST(a_queue_has_a_delay_for_who_says_none)
{
	make("queue:q", "{\"DelaySeconds\":\"5\"}");
	put("queue:q", (struct faas_message){ 0 }, "a");
	put("queue:q", (struct faas_message){ .delay_s = 1 }, "b");
	flow_advance(&flow, 1000);
	taken("queue:q", 0, "b");
	taken("queue:q", 0, "");
	flow_advance(&flow, 4000);
	taken("queue:q", 0, "a");
}

TEST(what_was_taken_too_often_goes_to_the_dead_letter_queue)
{
	struct faas_message *m;

	make("queue:q", "{\"RedrivePolicy\":{\"deadLetterTargetArn\":\"queue:dead\","
			"\"maxReceiveCount\":2}}");
	put("queue:q", (struct faas_message){ .attributes =
			"{\"k\":{\"DataType\":\"String\",\"StringValue\":\"v\"}}" }, "bad");
	for (int i = 0; i < 2; i++) {
		taken("queue:q", 1000, "bad");
		flow_advance(&flow, 1000);
	}
	put("queue:q", (struct faas_message){ 0 }, "good");
	taken("queue:q", 0, "good");
	taken("queue:q", 0, "");
	m = take("queue:dead", 1000);
	assert_string_equal(m->body.data, "bad");
	assert_string_equal(m->came_from, "queue:q");
	assert_string_equal(m->attributes,
			    "{\"k\":{\"DataType\":\"String\",\"StringValue\":\"v\"}}");
	assert_int_equal(m->tries, 1);
	faas_free(m);
}

TEST(what_is_older_than_the_retention_period_is_dropped)
{
	struct faas_stats stats = { .size = sizeof(stats) };

	make("queue:q", "{\"MessageRetentionPeriod\":60}");
	put("queue:q", (struct faas_message){ 0 }, "old");
	put("queue:other", (struct faas_message){ 0 }, "kept");
	flow_advance(&flow, 30000);
	put("queue:q", (struct faas_message){ 0 }, "young");
	flow_advance(&flow, 30001);
	taken("queue:q", 0, "young");
	taken("queue:other", 0, "kept");
	faas_stats(flow.rt, &stats);
	assert_int_equal(stats.messages_dropped, 1);
	assert_int_equal(stats.messages_delivered, 2);
}

TEST(it_is_known_when_a_message_was_taken_first_and_how_often)
{
	struct faas_message *m;
	int64_t first;

	put("queue:q", (struct faas_message){ 0 }, "m");
	m = take("queue:q", 1000);
	first = m->first_ms;
	assert_true(first >= m->sent_ms);
	assert_int_equal(m->tries, 1);
	faas_free(m);
	flow_advance(&flow, 5000);
	m = take("queue:q", 1000);
	assert_int_equal(m->first_ms, first);
	assert_int_equal(m->tries, 2);
	faas_free(m);
}

/* ---- FIFO queues ------------------------------------------------------- */

TEST(a_group_of_which_one_is_hidden_waits_and_others_do_not)
{
	int64_t a;

	put_ordered("A", "a1");
	put_ordered("A", "a2");
	put_ordered("B", "b1");
	a = taken("queue:q.fifo", 1000, "a1");
	taken("queue:q.fifo", 1000, "b1");
	taken("queue:q.fifo", 1000, "");
	assert_int_equal(faas_drop(flow.rt, a, &err), 0);
	taken("queue:q.fifo", 1000, "a2");
}

TEST(a_message_that_comes_back_is_the_first_of_its_group_again)
{
	put_ordered("A", "a1");
	put_ordered("A", "a2");
	taken("queue:q.fifo", 1000, "a1");
	flow_advance(&flow, 1000);
	taken("queue:q.fifo", 0, "a1");
	taken("queue:q.fifo", 0, "a2");
}

TEST(a_delayed_message_of_a_group_holds_up_only_those_behind_it)
{
	make("queue:q.fifo", "{\"DelaySeconds\":10}");
	put_ordered("A", "a1");
	flow_advance(&flow, 5000);
	put_ordered("A", "a2");
	flow_advance(&flow, 5000);
	taken("queue:q.fifo", 0, "a1");
	taken("queue:q.fifo", 0, "");
	flow_advance(&flow, 5000);
	taken("queue:q.fifo", 0, "a2");
}

TEST(what_is_sent_without_delay_does_not_overtake_a_delayed_message_of_its_group)
{
	make("queue:q.fifo", "{\"DelaySeconds\":10}");
	put_ordered("A", "a1");
	make("queue:q.fifo", "{}");
	put_ordered("A", "a2");
	put_ordered("B", "b1");
	taken("queue:q.fifo", 0, "b1");
	taken("queue:q.fifo", 0, "");
	flow_advance(&flow, 10000);
	taken("queue:q.fifo", 0, "a1");
	taken("queue:q.fifo", 0, "a2");
}

TEST(behind_twenty_thousand_messages_a_group_is_not_found)
{
	char body[16];
	int64_t first;

	put_ordered("A", "1");
	first = taken("queue:q.fifo", 60000, "1");
	for (int i = 2; i < LOOK_AHEAD; i++) {
		snprintf(body, sizeof(body), "%d", i);
		put_ordered("A", body);
	}
	put_ordered("B", "the last that is looked at");
	put_ordered("C", "the first that is not");
	taken("queue:q.fifo", 60000, "the last that is looked at");
	taken("queue:q.fifo", 60000, "");
	assert_int_equal(faas_drop(flow.rt, first, &err), 0);
	taken("queue:q.fifo", 60000, "2");
	taken("queue:q.fifo", 60000, "the first that is not");
}

TEST(for_five_minutes_a_second_message_of_the_same_dedup_is_not_added)
{
	struct faas_message m = { .group = "A", .dedup = "one" };
	int64_t first = put("queue:q.fifo", m, "x");

	assert_int_equal(put("queue:q.fifo", m, "y"), first);
	taken("queue:q.fifo", 0, "x");
	flow_advance(&flow, 5 * MINUTE - 1);
	put("queue:q.fifo", m, "y"); /* also after the first is gone */
	taken("queue:q.fifo", 0, "");
	flow_advance(&flow, 1);
	assert_true(put("queue:q.fifo", m, "z") > first);
	put("queue:other.fifo", m, "w"); /* queues do not know of each other */
	taken("queue:q.fifo", 0, "z");
	taken("queue:other.fifo", 0, "w");
}

TEST(a_queue_may_tell_a_second_message_by_its_content)
{
	make("queue:q.fifo", "{\"FifoQueue\":\"true\",\"ContentBasedDeduplication\":true}");
	put("queue:q.fifo", (struct faas_message){ .group = "A" }, "x");
	put("queue:q.fifo", (struct faas_message){ .group = "A" }, "x");
	put("queue:q.fifo", (struct faas_message){ .group = "A" }, "y");
	taken("queue:q.fifo", 0, "x");
	taken("queue:q.fifo", 0, "y");
	taken("queue:q.fifo", 0, "");
}

TEST(a_fifo_queue_wants_a_group_and_no_delay)
{
	struct faas_bytes body = { "x", 1 };

	refused(faas_send(flow.rt, "queue:q.fifo", body, &err), "MissingParameter",
		"The request must contain the parameter MessageGroupId, of at most 128 "
		"characters.");
	refused(faas_put(flow.rt, "queue:q.fifo", FAAS_MESSAGE(.body = body, .group = "A"), NULL,
			 &err),
		INVALID,
		"The queue should either have ContentBasedDeduplication enabled or "
		"MessageDeduplicationId provided explicitly");
	refused(faas_put(flow.rt, "queue:q.fifo",
			 FAAS_MESSAGE(.body = body, .group = "A", .dedup = "d", .delay_s = 1), NULL,
			 &err),
		INVALID, "a message for a FIFO queue has no delay of its own");
	assert_int_equal(lying("queue:q.fifo"), 0);
}

/* ---- what is refused --------------------------------------------------- */

TEST(what_a_message_cannot_have_is_refused)
{
	static const char attributes[] =
		"attributes must be an object of at most 10 objects with DataType, and StringValue "
		"or BinaryValue";
	struct faas_bytes body = { "x", 1 };

	refused(faas_put(flow.rt, "queue:q", FAAS_MESSAGE(.body = body, .delay_s = 901), NULL,
			 &err),
		INVALID, "delay_s is 901: must be from 0 to 900");
	refused(faas_put(flow.rt, "queue:q", FAAS_MESSAGE(.body = body, .attributes = "[]"), NULL,
			 &err),
		INVALID, attributes);
	refused(faas_put(flow.rt, "queue:q",
			 FAAS_MESSAGE(.body = body, .attributes = "{\"a\":\"b\"}"), NULL, &err),
		INVALID, attributes);
	refused(faas_put(flow.rt, "queue:q.", FAAS_MESSAGE(.body = body), NULL, &err), INVALID,
		"'queue:q.' is no address: expected queue:NAME, topic:NAME, bus:NAME, "
		"dir:/PATH, function:NAME[:QUALIFIER] or callback:NAME");
}

static void options_refused(const char *address, const char *options, const char *message)
{
	refused(faas_resource_create(flow.rt, address, options, &err), INVALID, message);
}

TEST(what_a_queue_cannot_be_like_is_refused)
{
	options_refused("queue:q", "{\"VisibilityTimeout\":43201}",
			"VisibilityTimeout must be a number from 0 to 43200");
	options_refused("queue:q", "{\"DelaySeconds\":\"1x\"}",
			"DelaySeconds must be a number from 0 to 900");
	options_refused("queue:q", "{\"MessageRetentionPeriod\":59}",
			"MessageRetentionPeriod must be a number from 60 to 1209600");
	options_refused("queue:q", "{\"Nonsense\":1}",
			"'Nonsense' is no attribute that a queue has here");
	options_refused("queue:q", "{\"FifoQueue\":\"true\"}",
			"the name of a FIFO queue ends in .fifo, and no other does");
	options_refused("queue:q", "{\"ContentBasedDeduplication\":\"true\"}",
			"ContentBasedDeduplication is of FIFO queues only");
	options_refused("queue:q",
			"{\"RedrivePolicy\":\"{\\\"deadLetterTargetArn\\\":\\\"queue:q\\\","
			"\\\"maxReceiveCount\\\":\\\"1\\\"}\"}",
			"a queue cannot be its own dead-letter queue");
	options_refused("queue:q",
			"{\"RedrivePolicy\":{\"deadLetterTargetArn\":\"queue:d.fifo\","
			"\"maxReceiveCount\":1}}",
			"the dead-letter queue of a FIFO queue must be a FIFO queue, too, and of "
			"another none");
	options_refused("queue:q", "{\"RedrivePolicy\":{\"maxReceiveCount\":1}}",
			"RedrivePolicy must have deadLetterTargetArn, an address, and "
			"maxReceiveCount from 1 to 1000");
	options_refused("function:f", NULL, "'function:f' is no address: expected "
			"queue:NAME, stream:NAME, table:NAME or dir:/PATH");
}

TEST(a_deleted_queue_loses_its_messages_and_what_was_said_of_it)
{
	make("queue:q", "{\"DelaySeconds\":5}");
	put("queue:q", (struct faas_message){ 0 }, "gone");
	put("queue:other", (struct faas_message){ 0 }, "kept");
	assert_int_equal(faas_resource_delete(flow.rt, "queue:q", &err), 0);
	assert_int_equal(lying("queue:q"), 0);
	put("queue:q", (struct faas_message){ 0 }, "new");
	taken("queue:q", 0, "new");
	taken("queue:other", 0, "kept");
	refused(faas_resource_delete(flow.rt, "queue:q", &err), "ResourceNotFoundException",
		"there is no queue:q");
}

/* ---- over a restart ------------------------------------------------------ */

TEST(all_of_it_outlives_the_program)
{
	char longest[] = "queue:1234567890123456789012345678901234567890"
			 "1234567890123456789012345678901234567890";

	make("queue:q", "{\"DelaySeconds\":5,\"RedrivePolicy\":{\"deadLetterTargetArn\":"
			"\"queue:dead\",\"maxReceiveCount\":1}}");
	make(longest, "{}");
	put_ordered("A", "a1");
	put_ordered("A", "a2");
	taken("queue:q.fifo", 600000, "a1");
	flow_close(&flow);
	open_runtime();
	taken("queue:q.fifo", 0, ""); /* the group is still held up */
	put_ordered("A", "a2");
	assert_int_equal(lying("queue:q.fifo"), 2);
	put("queue:q", (struct faas_message){ 0 }, "m");
	taken("queue:q", 0, "");
	flow_advance(&flow, 5000);
	taken("queue:q", 1, "m");
	flow_advance(&flow, 1);
	taken("queue:q", 1, "");
	taken("queue:dead", 0, "m");
}

static _Atomic int records;

static int count_records(struct faas_context *ctx, struct faas_bytes event)
{
	char *text = strndup(event.data, event.len);

	for (const char *at = text; (at = strstr(at, "\"messageId\"")); at++)
		records++;
	free(text);
	return faas_puts(ctx, "null");
}

static void await_records(int n)
{
	for (int i = 0; i < 10000 && records < n; i++)
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	assert_int_equal(records, n);
}

/* Time stands still, so nothing but the end of that one can wake the mapping. */
TEST(when_the_host_drops_one_a_mapping_takes_those_behind_it_in_its_group)
{
	char id[37];
	struct faas_message *first;

	records = 0;
	flow_function(&flow, FAAS_FUNCTION(.name = "f", .native = count_records,
					   .timeout_ms = 20000));
	put_ordered("A", "a1");
	put_ordered("A", "a2");
	first = take("queue:q.fifo", 30000);
	if (faas_mapping_create(flow.rt, FAAS_MAPPING(.source = "queue:q.fifo", .function = "f"),
				id, &err))
		fail_msg("%s", err.message);
	put_ordered("B", "b1");
	await_records(1);
	assert_int_equal(faas_drop(flow.rt, first->id, &err), 0);
	await_records(2);
	faas_free(first);
}

#define BOTH(name) \
	{ #name "_in_memory", name, in_memory, close_it, NULL }, \
	{ #name "_on_disk", name, on_disk, close_it, NULL }
#define IN_MEMORY(name) { #name, name, in_memory, close_it, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(a_delayed_message_is_seen_when_its_delay_is_over),
		IN_MEMORY(a_queue_has_a_delay_for_who_says_none),
		BOTH(what_was_taken_too_often_goes_to_the_dead_letter_queue),
		BOTH(what_is_older_than_the_retention_period_is_dropped),
		IN_MEMORY(it_is_known_when_a_message_was_taken_first_and_how_often),
		BOTH(a_group_of_which_one_is_hidden_waits_and_others_do_not),
		IN_MEMORY(a_message_that_comes_back_is_the_first_of_its_group_again),
		IN_MEMORY(a_delayed_message_of_a_group_holds_up_only_those_behind_it),
		IN_MEMORY(
			what_is_sent_without_delay_does_not_overtake_a_delayed_message_of_its_group),
		IN_MEMORY(behind_twenty_thousand_messages_a_group_is_not_found),
		BOTH(for_five_minutes_a_second_message_of_the_same_dedup_is_not_added),
		IN_MEMORY(a_queue_may_tell_a_second_message_by_its_content),
		IN_MEMORY(a_fifo_queue_wants_a_group_and_no_delay),
		IN_MEMORY(what_a_message_cannot_have_is_refused),
		IN_MEMORY(what_a_queue_cannot_be_like_is_refused),
		BOTH(when_the_host_drops_one_a_mapping_takes_those_behind_it_in_its_group),
		BOTH(a_deleted_queue_loses_its_messages_and_what_was_said_of_it),
		{ "all_of_it_outlives_the_program", all_of_it_outlives_the_program, on_disk,
		  close_it, NULL },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
