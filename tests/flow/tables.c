/* SPDX-License-Identifier: MIT */
/* Tables of items, and what functions are told of their changes. */
#include "support/consumer.h"

#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>

#include <base/digest.h>
#include <base/text.h>

#include "support/stores.h"

#define SECOND 1000
#define HOUR (3600 * SECOND)
#define KEY_IS(type) \
	"\"KeySchema\":[{\"AttributeName\":\"Id\",\"KeyType\":\"HASH\"}]," \
	"\"AttributeDefinitions\":[{\"AttributeName\":\"Id\",\"AttributeType\":\"" type "\"}]"
#define TELLS(view) \
	",\"StreamSpecification\":{\"StreamEnabled\":true,\"StreamViewType\":\"" view "\"}"
#define EXPIRES ",\"TimeToLiveSpecification\":{\"Enabled\":true,\"AttributeName\":\"Until\"}"
#define BOTH_IMAGES "{" KEY_IS("N") TELLS("NEW_AND_OLD_IMAGES") EXPIRES "}"
#define NEW_IMAGE "{" KEY_IS("N") TELLS("NEW_IMAGE") "}"
#define KEY "{\"Id\":{\"N\":\"101\"}}"

static void make(const char *address, const char *options)
{
	if (faas_resource_create(flow.rt, address, options, &err))
		fail_msg("%s", err.message);
}

static int open_it(const char *folder)
{
	consumer_open(folder);
	consumer_make_function();
	return 0;
}

static int in_memory(void **state)
{
	(void)state;
	*consumer_folder = '\0';
	return open_it(NULL);
}

static int on_disk(void **state)
{
	(void)state;
	stores_folder(consumer_folder);
	return open_it(consumer_folder);
}

/* With the attribute "V", which has the text. */
static const char *item(int number, const char *text)
{
	static char out[128];

	snprintf(out, sizeof(out), "{\"Id\":{\"N\":\"%d\"},\"V\":{\"S\":\"%s\"}}", number, text);
	return out;
}

static void put(const char *text)
{
	if (faas_item_put(flow.rt, "table:t", text, NULL, NULL, &err))
		fail_msg("%s", err.message);
}

static void delete(const char *key)
{
	if (faas_item_delete(flow.rt, "table:t", key, NULL, NULL, &err))
		fail_msg("%s", err.message);
}

/* "" where none is. */
static const char *get(const char *key)
{
	static char out[1024];
	char *text = NULL;

	if (faas_item_get(flow.rt, "table:t", key, &text, &err))
		fail_msg("%s", err.message);
	snprintf(out, sizeof(out), "%s", text ? text : "");
	faas_free(text);
	return out;
}

static void map(const struct faas_mapping_config *config)
{
	struct faas_mapping_config c = *config;

	c.source = "table:t";
	consumer_map(&c);
}

/* ---- what is told ------------------------------------------------------------ */

#define MESSAGE(text) "{\"Message\":{\"S\":\"" text "\"},\"Id\":{\"N\":\"101\"}}"
#define STREAM_ARN "arn:aws:dynamodb:local-1:000000000000:table/t/stream/"

/* One record of DynamoDB Streams as its documentation shows them, with its sizes. */
static void add_record(struct fa_text *out, int n, const char *name, const char *images, int size)
{
	int64_t now_ms = flow.clock.epoch_ms + flow.clock.ns / 1000000;
	struct fa_text label = { .data = (char[32]){ "" }, .size = 24 };
	char text[1024], sequence[32];
	uint8_t sum[FA_MD5];

	snprintf(sequence, sizeof(sequence), "442158450%019d", n);
	fa_md5(sum, sequence, strlen(sequence));
	fa_text_time(&label, now_ms);
	fa_text_add(out, n == 1 ? "{\"eventID\":\"" : ",{\"eventID\":\"");
	fa_text_hex(out, sum, sizeof(sum));
	snprintf(text, sizeof(text),
		 "\",\"eventName\":\"%s\",\"eventVersion\":\"1.1\","
		 "\"eventSource\":\"aws:dynamodb\",\"awsRegion\":\"local-1\",\"dynamodb\":{"
		 "\"ApproximateCreationDateTime\":%lld,\"Keys\":{\"Id\":{\"N\":\"101\"}},%s,"
		 "\"SizeBytes\":%d,\"StreamViewType\":\"NEW_AND_OLD_IMAGES\","
		 "\"SequenceNumber\":\"%s\"},\"eventSourceARN\":\"" STREAM_ARN "%s\"}",
		 name, (long long)now_ms / 1000, images, size, sequence, label.data);
	fa_text_add(out, text);
}

TEST(the_event_is_that_of_dynamodb_streams)
{
	static char want[4096];
	struct fa_text text = FA_TEXT(want);

	make("table:t", BOTH_IMAGES);
	put(MESSAGE("New item!"));
	put(MESSAGE("This item has changed"));
	delete(KEY);
	map(FAAS_MAPPING(.batch_size = 3));
	consumer_await(&calls, 1);
	fa_text_add(&text, "{\"Records\":[");
	add_record(&text, 1, "INSERT", "\"NewImage\":" MESSAGE("New item!"), 26);
	add_record(&text, 2, "MODIFY",
		   "\"NewImage\":" MESSAGE("This item has changed")
		   ",\"OldImage\":" MESSAGE("New item!"), 59);
	add_record(&text, 3, "REMOVE", "\"OldImage\":" MESSAGE("This item has changed"), 38);
	fa_text_add(&text, "]}");
	assert_string_equal(events, want);
}

TEST(of_a_change_is_told_what_the_stream_is_to_show)
{
	static const struct {
		const char *options;
		bool new, old;
	} views[] = {
		{ "{" KEY_IS("N") TELLS("KEYS_ONLY") "}", false, false },
		{ "{" KEY_IS("N") TELLS("NEW_IMAGE") "}", true, false },
		{ "{" KEY_IS("N") TELLS("OLD_IMAGE") "}", false, true },
		{ "{" KEY_IS("N") TELLS("NEW_AND_OLD_IMAGES") "}", true, true },
	};

	make("table:t", views[0].options);
	map(FAAS_MAPPING(.batch_size = 1));
	put(item(101, "0"));
	consumer_await(&calls, 1);
	for (int i = 0; i < 4; i++) {
		make("table:t", views[i].options); /* it holds from the next change on */
		put(item(101, (char[]){ (char)('1' + i), '\0' }));
		consumer_await(&calls, i + 2);
		assert_true(consumer_event_has("\"Keys\":{\"Id\":{\"N\":\"101\"}}"));
		assert_int_equal(consumer_event_has("NewImage"), views[i].new);
		assert_int_equal(consumer_event_has("OldImage"), views[i].old);
	}
}

TEST(of_a_table_without_a_stream_there_is_no_mapping)
{
	struct faas_mapping_config c = { .size = sizeof(c), .source = "table:t", .function = "f" };

	make("table:t", "{" KEY_IS("N") "}");
	put(item(1, "a"));
	assert_int_equal(faas_mapping_create(flow.rt, &c, id, &err), FAAS_EINVAL);
	assert_memory_equal(err.message, "Stream not found: " STREAM_ARN,
			    strlen("Stream not found: " STREAM_ARN));
	c.source = "table:no";
	assert_int_equal(faas_mapping_create(flow.rt, &c, id, &err), FAAS_EINVAL);
}

TEST(what_stays_as_it_is_is_no_change)
{
	make("table:t", NEW_IMAGE);
	delete(KEY);
	put(item(101, "a"));
	put(item(101, "a"));
	put(item(101, "b"));
	map(FAAS_MAPPING(.batch_size = 1));
	consumer_await(&calls, 2);
	consumer_stays(&calls, 2);
	consumer_saw("a,|b,|");
}

TEST(a_filter_looks_at_the_whole_record)
{
	make("table:t", NEW_IMAGE);
	map(FAAS_MAPPING(.batch_size = 1,
			 .filter = "[{\"eventName\":[\"MODIFY\"],\"dynamodb\":{\"NewImage\":"
				   "{\"V\":{\"S\":[{\"prefix\":\"b\"}]}}}}]"));
	put(item(1, "b1"));
	put(item(1, "a2"));
	put(item(1, "b3"));
	put(item(2, "b4"));
	consumer_await(&calls, 1);
	consumer_stays(&calls, 1);
	consumer_saw("b3,|");
}

TEST(what_happens_to_a_key_stays_in_order_and_shards_run_at_a_time)
{
	char text[4] = "";
	int next[10] = { 0 };

	make("table:t", NEW_IMAGE);
	for (int n = 0; n < 10; n++)
		for (int key = 0; key < 10; key++) {
			snprintf(text, sizeof(text), "%d%d", key, n);
			put(item(key, text));
		}
	hold = 1;
	map(FAAS_MAPPING(.batch_size = 1));
	consumer_await(&running, 4);
	hold = 0;
	consumer_await(&calls, 100);
	assert_int_equal(most_running, 4);
	for (const char *at = consumer_seen(); *at; at += 4) /* "12,|" */
		assert_int_equal(next[at[0] - '0']++, at[1] - '0');
}

TEST(what_was_given_up_is_told_of_as_dynamodb_has_it)
{
	struct faas_message *m;

	make("table:t", NEW_IMAGE);
	poison = "bad";
	map(FAAS_MAPPING(.batch_size = 4, .bisect = true, .max_retries = FAAS_NONE,
			 .on_failure = "queue:dead"));
	put(item(1, "a"));
	put(item(1, "bad"));
	put(item(1, "b"));
	m = consumer_await_letter("queue:dead");
	assert_non_null(strstr(m->body.data, "\"condition\":\"RetryAttemptsExhausted\""));
	assert_non_null(strstr(m->body.data, "\"DDBStreamBatchInfo\":{\"shardId\":\"shardId-"));
	assert_non_null(strstr(m->body.data, "\"startSequenceNumber\":"
					     "\"4421584500000000000000000002\""));
	assert_non_null(strstr(m->body.data, "Z\",\"batchSize\":1,\"streamArn\":\"" STREAM_ARN));
	assert_null(strstr(strstr(m->body.data, "DDBStreamBatchInfo"), ".000Z"));
	faas_free(m);
	for (int i = 0; i < 1000 && !strstr(consumer_seen(), "b,|"); i++)
		consumer_tick();
	assert_non_null(strstr(consumer_seen(), "b,|"));
}

static const char *name_first(const char *event)
{
	static char out[128];
	const char *at = strstr(event, "\"SequenceNumber\":\"");

	snprintf(out, sizeof(out), "{\"batchItemFailures\":[{\"itemIdentifier\":\"%.28s\"}]}",
		 at + strlen("\"SequenceNumber\":\""));
	return calls ? "null" : out;
}

TEST(it_goes_on_from_the_sequence_number_that_the_function_names)
{
	make("table:t", NEW_IMAGE);
	answer_to = name_first;
	put(item(1, "a"));
	put(item(1, "b"));
	map(FAAS_MAPPING(.batch_size = 2, .partial_failures = true));
	consumer_await_calls(2);
	consumer_saw("a,b,|a,b,|");
}

/* ---- conditions --------------------------------------------------------------- */

TEST(a_condition_is_judged_by_what_is_there)
{
	const char *absent = "{\"Id\":{\"N\":[{\"exists\":false}]}}";
	const char *is_a = "{\"V\":{\"S\":[\"a\"]}}";

	make("table:t", NEW_IMAGE);
	assert_int_equal(faas_item_put(flow.rt, "table:t", item(101, "x"), is_a, NULL, &err),
			 FAAS_EPRECONDITION);
	assert_string_equal(err.type, "ConditionalCheckFailedException");
	assert_string_equal(err.message, "The conditional request failed");
	assert_int_equal(faas_item_put(flow.rt, "table:t", item(101, "a"), absent, NULL, &err), 0);
	assert_int_equal(faas_item_put(flow.rt, "table:t", item(101, "b"), absent, NULL, &err),
			 FAAS_EPRECONDITION);
	assert_string_equal(get(KEY), item(101, "a"));
	assert_int_equal(faas_item_put(flow.rt, "table:t", item(101, "b"), is_a, NULL, &err), 0);
	assert_int_equal(faas_item_delete(flow.rt, "table:t", KEY, is_a, NULL, &err),
			 FAAS_EPRECONDITION);
	assert_string_equal(get(KEY), item(101, "b"));
	map(FAAS_MAPPING(.batch_size = 9));
	consumer_await(&calls, 1);
	consumer_saw("a,b,|");
	assert_int_equal(faas_item_put(flow.rt, "table:t", item(1, "a"), "{\"V\":1}", NULL, &err),
			 FAAS_EINVAL);
}

#define WRITERS 4
#define TIMES 25

/* Adds one, as long as somebody else was not faster. */
static void *count_up(void *data)
{
	char next[64], condition[64], *old = NULL;
	int n, done = 0;

	(void)data;
	while (done < TIMES) {
		if (faas_item_get(flow.rt, "table:t", KEY, &old, NULL) || !old)
			return NULL;
		n = atoi(strstr(old, "\"S\":\"") + 5);
		faas_free(old);
		old = NULL;
		snprintf(next, sizeof(next), "{\"Id\":{\"N\":\"101\"},\"V\":{\"S\":\"%d\"}}",
			 n + 1);
		snprintf(condition, sizeof(condition), "{\"V\":{\"S\":[\"%d\"]}}", n);
		done += !faas_item_put(flow.rt, "table:t", next, condition, NULL, NULL);
	}
	return NULL;
}

TEST(of_several_who_count_on_what_they_saw_each_counts_once)
{
	pthread_t writers[WRITERS];
	char want[8];

	make("table:t", NEW_IMAGE);
	put(item(101, "0"));
	for (int i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_create(&writers[i], NULL, count_up, NULL), 0);
	for (int i = 0; i < WRITERS; i++)
		pthread_join(writers[i], NULL);
	snprintf(want, sizeof(want), "%d", WRITERS * TIMES);
	assert_string_equal(get(KEY), item(101, want));
	map(FAAS_MAPPING(.batch_size = 1));
	consumer_await(&calls, WRITERS * TIMES + 1);
	consumer_stays(&calls, WRITERS * TIMES + 1); /* who was overtaken told of nothing */
}

TEST(who_writes_is_given_what_was_there)
{
	char *old = (char *)"untouched";

	make("table:t", NEW_IMAGE);
	assert_int_equal(faas_item_put(flow.rt, "table:t", item(101, "a"), NULL, &old, &err), 0);
	assert_null(old);
	assert_int_equal(faas_item_put(flow.rt, "table:t", item(101, "b"), NULL, &old, &err), 0);
	assert_string_equal(old, item(101, "a"));
	faas_free(old);
	assert_int_equal(faas_item_delete(flow.rt, "table:t", KEY, NULL, &old, &err), 0);
	assert_string_equal(old, item(101, "b"));
	faas_free(old);
	assert_int_equal(faas_item_delete(flow.rt, "table:t", KEY, NULL, &old, &err), 0);
	assert_null(old);
}

/* ---- keys ----------------------------------------------------------------------- */

TEST(a_number_is_one_key_however_it_is_written)
{
	make("table:t", NEW_IMAGE);
	put("{\"Id\":{\"N\":\"1.010e2\"},\"V\":{\"S\":\"a\"}}");
	assert_string_equal(get(KEY), "{\"Id\":{\"N\":\"1.010e2\"},\"V\":{\"S\":\"a\"}}");
	put(item(101, "b"));
	assert_string_equal(get("{\"Id\":{\"N\":\"0101.0\"}}"), item(101, "b"));
	delete("{\"Id\":{\"N\":\"+1010E-1\"}}");
	assert_string_equal(get(KEY), "");
}

TEST(with_a_sort_key_items_are_told_apart_and_stay_in_one_order)
{
	make("table:t", "{\"KeySchema\":[{\"AttributeName\":\"Who\",\"KeyType\":\"HASH\"},"
			"{\"AttributeName\":\"At\",\"KeyType\":\"RANGE\"}],"
			"\"AttributeDefinitions\":["
			"{\"AttributeName\":\"At\",\"AttributeType\":\"N\"},"
			"{\"AttributeName\":\"Who\",\"AttributeType\":\"B\"}]"
			TELLS("NEW_IMAGE") "}");
	put("{\"Who\":{\"B\":\"AA==\"},\"At\":{\"N\":\"1\"},\"V\":{\"S\":\"a\"}}");
	put("{\"Who\":{\"B\":\"AA==\"},\"At\":{\"N\":\"2\"},\"V\":{\"S\":\"b\"}}");
	put("{\"Who\":{\"B\":\"AA==\"},\"At\":{\"N\":\"1\"},\"V\":{\"S\":\"c\"}}");
	assert_string_equal(get("{\"At\":{\"N\":\"2\"},\"Who\":{\"B\":\"AA==\"}}"),
			    "{\"Who\":{\"B\":\"AA==\"},\"At\":{\"N\":\"2\"},\"V\":{\"S\":\"b\"}}");
	map(FAAS_MAPPING(.batch_size = 3));
	consumer_await(&calls, 1);
	consumer_saw("a,b,c,|");
	assert_true(consumer_event_has("\"Keys\":{\"Who\":{\"B\":\"AA==\"},\"At\":{\"N\":\"2\"}}"));
}

static void refuses(int rc, int code, const char *type, const char *message)
{
	assert_int_equal(rc, code);
	assert_string_equal(err.type, type);
	assert_string_equal(err.message, message);
}

#define PUT(text) faas_item_put(flow.rt, "table:t", text, NULL, NULL, &err)
#define INVALID "One or more parameter values were invalid: "

TEST(what_has_not_the_key_of_the_table_is_refused)
{
	make("table:t", NEW_IMAGE);
	refuses(PUT("{\"V\":{\"S\":\"a\"}}"), FAAS_EINVAL, "ValidationException",
		INVALID "Missing the key Id in the item");
	refuses(PUT("{\"Id\":{\"S\":\"1\"}}"), FAAS_EINVAL, "ValidationException",
		INVALID "Type mismatch for key Id expected: N");
	refuses(faas_item_delete(flow.rt, "table:t", item(1, "a"), NULL, NULL, &err), FAAS_EINVAL,
		"ValidationException", "The provided key element does not match the schema");
	refuses(PUT("[]"), FAAS_EINVAL, "ValidationException",
		"an item is a JSON object of attributes");
	refuses(faas_item_put(flow.rt, "table:no", KEY, NULL, NULL, &err), FAAS_ENOTFOUND,
		"ResourceNotFoundException", "Requested resource not found: there is no table:no");
	refuses(faas_item_put(flow.rt, "queue:t", KEY, NULL, NULL, &err), FAAS_EINVAL,
		"InvalidParameterValueException", "'queue:t' is no table: expected table:NAME");
	assert_int_equal(faas_item_get(flow.rt, "table:t", KEY, NULL, &err), FAAS_EINVAL);
	assert_int_equal(faas_item_put(NULL, "table:t", KEY, NULL, NULL, &err), FAAS_EINVAL);
}

/* ---- time to live --------------------------------------------------------------- */

static void put_until(int number, const char *text, int64_t in_s)
{
	int64_t now_s = (flow.clock.epoch_ms + flow.clock.ns / 1000000) / 1000;
	char whole[160];

	snprintf(whole, sizeof(whole),
		 "{\"Id\":{\"N\":\"%d\"},\"V\":{\"S\":\"%s\"},\"Until\":{\"N\":\"%lld\"}}", number,
		 text, (long long)(now_s + in_s));
	put(whole);
}

static void await_gone(const char *key)
{
	for (int i = 0; i < 10000 && *get(key); i++)
		consumer_tick();
	assert_string_equal(get(key), "");
}

TEST(an_item_whose_time_is_over_is_deleted_by_dynamodb)
{
	make("table:t", BOTH_IMAGES);
	put_until(101, "a", 60);
	map(FAAS_MAPPING(.batch_size = 1));
	consumer_await(&calls, 1);
	flow_advance(&flow, 58 * SECOND);
	consumer_stays(&calls, 1);
	assert_true(*get(KEY));
	flow_advance(&flow, 2 * SECOND);
	await_gone(KEY);
	consumer_await(&calls, 2);
	consumer_saw("a,|a,|");
	assert_true(consumer_event_has("\"eventName\":\"REMOVE\""));
	assert_true(consumer_event_has(",\"userIdentity\":{\"type\":\"Service\","
				       "\"principalId\":\"dynamodb.amazonaws.com\"}}]}"));
}

TEST(who_deletes_an_item_himself_is_not_dynamodb)
{
	make("table:t", BOTH_IMAGES);
	put_until(101, "a", 60);
	delete(KEY);
	map(FAAS_MAPPING(.batch_size = 2));
	consumer_await(&calls, 1);
	assert_true(consumer_event_has("\"eventName\":\"REMOVE\""));
	assert_false(consumer_event_has("userIdentity"));
}

TEST(what_was_written_meanwhile_lives_as_long_as_it_says)
{
	make("table:t", BOTH_IMAGES);
	put_until(101, "a", 60);
	put_until(101, "b", 120);
	put_until(1, "c", 60);
	put_until(1, "d", -6 * 365 * 86400); /* so long ago that it means never */
	put_until(2, "e", 30);
	flow_advance(&flow, 60 * SECOND);
	await_gone("{\"Id\":{\"N\":\"2\"}}");
	assert_true(*get(KEY));
	flow_advance(&flow, 60 * SECOND);
	await_gone(KEY);
	assert_true(*get("{\"Id\":{\"N\":\"1\"}}"));
}

TEST(many_items_that_expire_at_once_all_go)
{
	make("table:t", BOTH_IMAGES);
	for (int i = 0; i < 200; i++)
		put_until(i, "a", 60);
	map(FAAS_MAPPING(.batch_size = 1, .filter = "[{\"eventName\":[\"REMOVE\"]}]"));
	consumer_await_state("Enabled");
	flow_advance(&flow, 60 * SECOND);
	consumer_await(&calls, 200);
}

TEST(without_a_stream_items_expire_untold)
{
	make("table:t", "{" KEY_IS("N") EXPIRES "}");
	put_until(101, "a", 60);
	flow_advance(&flow, 60 * SECOND);
	await_gone(KEY);
}

/* ---- after a restart -------------------------------------------------------------- */

TEST(items_and_what_was_told_of_them_outlive_the_program)
{
	char arn[128];

	make("table:t", BOTH_IMAGES);
	put(item(1, "a"));
	map(FAAS_MAPPING(.batch_size = 1));
	consumer_await(&calls, 1);
	snprintf(arn, sizeof(arn), "%.*s",
		 (int)strcspn(strstr(events, STREAM_ARN), "\""), strstr(events, STREAM_ARN));
	put_until(101, "b", 60);
	consumer_await(&calls, 2);
	flow_advance(&flow, SECOND);
	stream_reopen();
	make("table:t", BOTH_IMAGES); /* as the last program did */
	assert_string_equal(get("{\"Id\":{\"N\":\"1\"}}"), item(1, "a"));
	put(item(1, "c"));
	consumer_make_function();
	for (int i = 0; i < 10000 && !strstr(consumer_seen(), "c,a,|"); i++) /* new and old */
		consumer_tick();
	assert_non_null(strstr(consumer_seen(), "c,a,|"));
	assert_true(consumer_event_has(arn));
	flow_advance(&flow, HOUR);
	await_gone(KEY);
}

TEST(a_table_that_is_deleted_is_gone_with_its_items)
{
	make("table:t", BOTH_IMAGES);
	put(item(1, "a"));
	assert_int_equal(faas_resource_delete(flow.rt, "table:t", &err), 0);
	assert_int_equal(PUT(item(1, "a")), FAAS_ENOTFOUND);
	assert_int_equal(faas_resource_delete(flow.rt, "table:t", &err), FAAS_ENOTFOUND);
	make("table:t", "{" KEY_IS("S") "}");
	assert_string_equal(get("{\"Id\":{\"S\":\"1\"}}"), "");
}

TEST(a_table_keeps_its_key_and_its_time_to_live)
{
	make("table:t", BOTH_IMAGES);
	make("arn:aws:dynamodb:local-1:000000000000:table/t", BOTH_IMAGES);
	assert_int_equal(faas_resource_create(flow.rt, "table:t", "{" KEY_IS("S") EXPIRES "}",
					      &err), FAAS_EEXIST);
	assert_string_equal(err.message,
			    "table:t is there, and its keys and time to live stay as they are");
	assert_int_equal(faas_resource_create(flow.rt, "table:t", "{" KEY_IS("N") "}", &err),
			 FAAS_EEXIST);
}

TEST(a_mapping_knows_a_table_by_its_arn_and_cannot_begin_at_a_time)
{
	char request[512], *reply = NULL;

	make("table:t", NEW_IMAGE);
	put(item(1, "a"));
	consumer_map(FAAS_MAPPING(.source = STREAM_ARN "2026-11-27T10:04:05.678"));
	consumer_await(&calls, 1);
	snprintf(request, sizeof(request),
		 "{\"EventSourceArn\":\"" STREAM_ARN "x\",\"FunctionName\":\"f\","
		 "\"StartingPosition\":\"AT_TIMESTAMP\",\"StartingPositionTimestamp\":1}");
	assert_int_equal(faas_control(flow.rt, "CreateEventSourceMapping", request, &reply, &err),
			 FAAS_EINVAL);
	assert_memory_equal(err.message, "Unsupported starting position for arn type: ", 44);
}

#define HERE(name) cmocka_unit_test_setup_teardown(name, in_memory, stream_close)
#define BOTH(name) HERE(name), { #name "_on_disk", name, on_disk, stream_close, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(the_event_is_that_of_dynamodb_streams),
		HERE(of_a_change_is_told_what_the_stream_is_to_show),
		HERE(of_a_table_without_a_stream_there_is_no_mapping),
		HERE(what_stays_as_it_is_is_no_change),
		HERE(a_filter_looks_at_the_whole_record),
		HERE(what_happens_to_a_key_stays_in_order_and_shards_run_at_a_time),
		HERE(what_was_given_up_is_told_of_as_dynamodb_has_it),
		HERE(it_goes_on_from_the_sequence_number_that_the_function_names),
		HERE(a_condition_is_judged_by_what_is_there),
		BOTH(of_several_who_count_on_what_they_saw_each_counts_once),
		HERE(who_writes_is_given_what_was_there),
		HERE(a_number_is_one_key_however_it_is_written),
		HERE(with_a_sort_key_items_are_told_apart_and_stay_in_one_order),
		HERE(what_has_not_the_key_of_the_table_is_refused),
		BOTH(an_item_whose_time_is_over_is_deleted_by_dynamodb),
		HERE(who_deletes_an_item_himself_is_not_dynamodb),
		HERE(what_was_written_meanwhile_lives_as_long_as_it_says),
		BOTH(many_items_that_expire_at_once_all_go),
		HERE(without_a_stream_items_expire_untold),
		cmocka_unit_test_setup_teardown(items_and_what_was_told_of_them_outlive_the_program,
						on_disk, stream_close),
		BOTH(a_table_that_is_deleted_is_gone_with_its_items),
		HERE(a_table_keeps_its_key_and_its_time_to_live),
		HERE(a_mapping_knows_a_table_by_its_arn_and_cannot_begin_at_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
