/* SPDX-License-Identifier: MIT */
/* Topics: what is published goes to all who subscribed, as SNS would have it. */
#include <faas/plugin.h> /* before cmocka, which makes a macro of fail() */
#include <faas/source.h>

#include "support/test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "support/flow.h"
#include "support/stores.h"

#define INVALID "InvalidParameterValueException"
#define HOUR 3600000

static struct flow flow;
static struct faas_error err;
static char folder[64], id[37], event[1 << 20], heard[4096], heard_from[256];
static _Atomic int calls, heard_count, deaf;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void tick(void)
{
	nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
}

static int handler(struct faas_context *ctx, struct faas_bytes bytes)
{
	pthread_mutex_lock(&lock);
	snprintf(event, sizeof(event), "%.*s", (int)bytes.len, (const char *)bytes.data);
	pthread_mutex_unlock(&lock);
	calls++;
	return faas_puts(ctx, "");
}

static bool on_message(void *data, const struct faas_message *message)
{
	(void)data;
	if (deaf > 0) {
		deaf--;
		return false;
	}
	snprintf(heard, sizeof(heard), "%.*s", (int)message->body.len,
		 (const char *)message->body.data);
	snprintf(heard_from, sizeof(heard_from), "%s", message->source);
	heard_count++;
	return true;
}

static void make(const char *name)
{
	flow_function(&flow, &(struct faas_function_config){ .name = name, .native = handler });
}

static void open_runtime(void)
{
	calls = heard_count = deaf = 0;
	*event = *heard = '\0';
	memset(&err, 0, sizeof(err));
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
	make("f");
	return 0;
}

static int on_disk(void **state)
{
	(void)state;
	stores_folder(folder);
	open_runtime();
	make("f");
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

static void subscribe(const struct faas_mapping_config *config)
{
	struct faas_mapping_config c = *config;

	if (!c.source)
		c.source = "topic:news";
	if (!c.target && !c.function)
		c.function = "f";
	if (faas_mapping_create(flow.rt, &c, id, &err))
		fail_msg("%s", err.message);
}

static int64_t publish_as(const struct faas_message *message)
{
	int64_t n = 0;

	if (faas_put(flow.rt, "topic:news", message, &n, &err))
		fail_msg("%s", err.message);
	return n;
}

static int64_t publish(const char *text)
{
	return publish_as(FAAS_MESSAGE(.body = { text, strlen(text) }));
}

static void await(_Atomic int *count, int n)
{
	flow_await_count(&flow, count, n);
}

/* What was accepted is where it belongs. */
static void await_delivered(void)
{
	struct faas_stats s = { .size = sizeof(s) };

	for (int i = 0; i < 10000; i++) {
		faas_stats(flow.rt, &s);
		if (s.messages_sent && !s.messages_waiting && !s.queued)
			return;
		tick();
	}
	fail_msg("%llu messages wait", (unsigned long long)s.messages_waiting);
}

static uint64_t lying(const char *queue)
{
	struct faas_queue_stats s = { .size = sizeof(s) };

	assert_int_equal(faas_queue_stats(flow.rt, queue, &s, &err), 0);
	return s.visible;
}

static void await_lying(const char *queue, uint64_t n)
{
	for (int i = 0; lying(queue) < n && i < 10000; i++)
		tick();
	assert_int_equal(lying(queue), n);
}

/* All members at once, so that a member too many is seen as well. */
static void is_event(const char *message_id, const char *subject, const char *text,
		     const char *attributes)
{
	char want[2048];
	const char *at = strstr(event, "\"Timestamp\":\"");

	assert_non_null(at);
	snprintf(want, sizeof(want),
		 "{\"Records\":[{\"EventSource\":\"aws:sns\",\"EventVersion\":\"1.0\","
		 "\"EventSubscriptionArn\":\"arn:aws:sns:local-1:000000000000:news:%s\","
		 "\"Sns\":{\"Type\":\"Notification\",\"MessageId\":\"%s\",\"TopicArn\":"
		 "\"arn:aws:sns:local-1:000000000000:news\",\"Subject\":%s,\"Message\":\"%s\","
		 "\"Timestamp\":\"%.24s\",\"SignatureVersion\":\"1\",\"Signature\":\"\","
		 "\"SigningCertUrl\":\"\",\"UnsubscribeUrl\":\"\",\"MessageAttributes\":{%s}}}]}",
		 id, message_id, subject, text, at + 13, attributes);
	assert_string_equal(event, want);
}

TEST(a_function_gets_the_event_of_sns)
{
	char message_id[37];
	int64_t n;

	subscribe(FAAS_MAPPING(.function = "f"));
	n = publish_as(FAAS_MESSAGE(.body = { "a \"b\"\n", 6 }, .subject = "Hear!",
				    .attributes = "{\"k\":{\"DataType\":\"String\","
						  "\"StringValue\":\"v\"},\"n\":{\"DataType\":"
						  "\"Binary\",\"BinaryValue\":\"AAE=\"}}"));
	snprintf(message_id, sizeof(message_id), "00000000-0000-4000-8000-%012llx",
		 (unsigned long long)n);
	await(&calls, 1);
	is_event(message_id, "\"Hear!\"", "a \\\"b\\\"\\n",
		 "\"k\":{\"Type\":\"String\",\"Value\":\"v\"},"
		 "\"n\":{\"Type\":\"Binary\",\"Value\":\"AAE=\"}");
	n = publish("plain");
	snprintf(message_id, sizeof(message_id), "00000000-0000-4000-8000-%012llx",
		 (unsigned long long)n);
	await(&calls, 2);
	is_event(message_id, "null", "plain", "");
}

TEST(everybody_who_subscribed_gets_it_and_nobody_else)
{
	make("g");
	subscribe(FAAS_MAPPING(.function = "f"));
	subscribe(FAAS_MAPPING(.function = "g"));
	subscribe(FAAS_MAPPING(.target = "queue:q"));
	subscribe(FAAS_MAPPING(.target = "callback:ops"));
	subscribe(FAAS_MAPPING(.source = "topic:other", .target = "queue:other"));
	for (int i = 0; i < 3; i++)
		publish("x");
	await(&calls, 6);
	await(&heard_count, 3);
	await_lying("queue:q", 3);
	assert_int_equal(lying("queue:other"), 0);
}

/* More than have a bucket of their own. */
TEST(of_many_topics_each_reaches_its_own_subscribers)
{
	char topic[16], queue[16];

	for (int i = 0; i < 100; i++) {
		snprintf(topic, sizeof(topic), "topic:t%d", i);
		snprintf(queue, sizeof(queue), "queue:q%d", i);
		subscribe(FAAS_MAPPING(.source = topic, .target = queue));
	}
	for (int i = 0; i < 100; i++) {
		snprintf(topic, sizeof(topic), "topic:t%d", i);
		assert_int_equal(faas_send(flow.rt, topic, (struct faas_bytes){ "x", 1 }, &err),
				 0);
	}
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 100; i++) {
			snprintf(queue, sizeof(queue), "queue:q%d", i);
			await_lying(queue, 1);
		}
}

TEST(without_a_subscription_it_is_gone_and_was_accepted)
{
	publish("x");
	await_delivered();
	subscribe(FAAS_MAPPING(.function = "f"));
	publish("y");
	await(&calls, 1);
	assert_non_null(strstr(event, "\"Message\":\"y\""));
}

static void take_from_q(char *body, size_t size, char *attributes)
{
	struct faas_message *m;

	await_lying("queue:q", 1);
	assert_int_equal(faas_take(flow.rt, "queue:q", 0, &m, &err), 0);
	snprintf(body, size, "%.*s", (int)m->body.len, (const char *)m->body.data);
	snprintf(attributes, 256, "%s", m->attributes);
	faas_free(m);
}

#define KIND "{\"kind\":{\"DataType\":\"String\",\"StringValue\":\"a\"}}"

TEST(a_queue_gets_the_notification_of_sns)
{
	char body[2048], want[2048], attributes[256];
	const char *at;

	subscribe(FAAS_MAPPING(.target = "queue:q"));
	publish_as(FAAS_MESSAGE(.body = { "hi", 2 }, .subject = "S", .attributes = KIND));
	take_from_q(body, sizeof(body), attributes);
	at = strstr(body, "\"MessageId\":\"");
	assert_non_null(at);
	assert_non_null(strstr(body, "\"Timestamp\":\""));
	snprintf(want, sizeof(want),
		 "{\"Type\":\"Notification\",\"MessageId\":\"%.36s\",\"TopicArn\":"
		 "\"arn:aws:sns:local-1:000000000000:news\",\"Subject\":\"S\",\"Message\":\"hi\","
		 "\"Timestamp\":\"%.24s\",\"SignatureVersion\":\"1\",\"Signature\":\"\","
		 "\"SigningCertURL\":\"\",\"UnsubscribeURL\":\"\",\"MessageAttributes\":{\"kind\":"
		 "{\"Type\":\"String\",\"Value\":\"a\"}}}",
		 at + 13, strstr(body, "\"Timestamp\":\"") + 13);
	assert_string_equal(body, want);
	assert_string_equal(attributes, "{}");
}

TEST(raw_it_gets_the_message_and_its_attributes_as_they_are)
{
	char body[64], attributes[256];

	subscribe(FAAS_MAPPING(.target = "queue:q", .raw = true));
	publish_as(FAAS_MESSAGE(.body = { "hi", 2 }, .subject = "S", .attributes = KIND));
	take_from_q(body, sizeof(body), attributes);
	assert_string_equal(body, "hi");
	assert_string_equal(attributes, KIND);
}

TEST(to_a_function_it_is_an_asynchronous_event)
{
	assert_int_equal(faas_function_update(flow.rt,
					      FAAS_FUNCTION(.name = "f", .on_success = "queue:q"),
					      &err),
			 0);
	subscribe(FAAS_MAPPING(.function = "f"));
	publish("x");
	await(&calls, 1);
	await_lying("queue:q", 1); /* it was an asynchronous event */
}

/* ---- filters ------------------------------------------------------------ */

#define TEXT_OF(name, value) "\"" name "\":{\"DataType\":\"String\",\"StringValue\":\"" value "\"}"
#define NUMBER_OF(name, value) \
	"\"" name "\":{\"DataType\":\"Number\",\"StringValue\":\"" value "\"}"
#define ARRAY_OF(name, value) \
	"\"" name "\":{\"DataType\":\"String.Array\",\"StringValue\":\"" value "\"}"

/* Whether a message with these attributes gets through this filter policy. */
static void passes(const char *policy, const char *attributes, const char *body, bool of_body,
		   bool through)
{
	char filter[512];
	double before = flow_metric(&flow, "FilteredOutEventCount");

	snprintf(filter, sizeof(filter), "[%s]", policy);
	subscribe(FAAS_MAPPING(.function = "f", .filter = filter, .filter_body = of_body));
	subscribe(FAAS_MAPPING(.target = "queue:q")); /* which gets everything, and later */
	calls = 0;
	publish_as(FAAS_MESSAGE(.body = { body, strlen(body) }, .attributes = attributes));
	await_lying("queue:q", 1);
	if (through)
		await(&calls, 1);
	for (int i = 0;
	     !through && i < 1000 && flow_metric(&flow, "FilteredOutEventCount") == before; i++)
		tick();
	assert_int_equal(calls, through);
	close_it(NULL);
	in_memory(NULL);
}

TEST(a_filter_looks_at_the_attributes)
{
	passes("{\"kind\":[\"a\",\"b\"]}", "{" TEXT_OF("kind", "b") "}", "x", false, true);
	passes("{\"kind\":[\"a\",\"b\"]}", "{" TEXT_OF("kind", "c") "}", "x", false, false);
	passes("{\"kind\":[\"a\"]}", NULL, "x", false, false);
	passes("{\"kind\":[{\"exists\":false}]}", NULL, "x", false, true);
	passes("{\"kind\":[{\"exists\":true}]}", "{" TEXT_OF("kind", "") "}", "x", false, true);
	passes("{\"kind\":[{\"prefix\":\"ab\"}]}", "{" TEXT_OF("kind", "abc") "}", "x", false,
	       true);
	passes("{\"kind\":[{\"suffix\":\"bc\"}]}", "{" TEXT_OF("kind", "abc") "}", "x", false,
	       true);
	passes("{\"kind\":[{\"equals-ignore-case\":\"ABC\"}]}", "{" TEXT_OF("kind", "abc") "}", "x",
	       false, true);
	passes("{\"kind\":[{\"anything-but\":[\"a\"]}]}", "{" TEXT_OF("kind", "a") "}", "x", false,
	       false);
	passes("{\"kind\":[{\"anything-but\":{\"prefix\":\"a\"}}]}", "{" TEXT_OF("kind", "ba") "}",
	       "x", false, true);
	passes("{\"ip\":[{\"cidr\":\"10.0.0.0/24\"}]}", "{" TEXT_OF("ip", "10.0.0.9") "}", "x",
	       false, true);
}

TEST(a_filter_does_not_see_what_is_binary)
{
	passes("{\"b\":[{\"exists\":true}]}", "{" TEXT_OF("b", "eA==") "}", "x", false, true);
	passes("{\"b\":[{\"exists\":true}]}",
	       "{\"b\":{\"DataType\":\"Binary\",\"BinaryValue\":\"eA==\"}}", "x", false, false);
}

TEST(a_number_is_a_number_and_an_array_an_array)
{
	passes("{\"n\":[{\"numeric\":[\">\",1,\"<=\",10]}]}", "{" NUMBER_OF("n", "10") "}", "x",
	       false, true);
	passes("{\"n\":[{\"numeric\":[\">\",1,\"<=\",10]}]}", "{" NUMBER_OF("n", "10.5") "}", "x",
	       false, false);
	passes("{\"n\":[{\"numeric\":[\"=\",10]}]}", "{" TEXT_OF("n", "10") "}", "x", false, false);
	passes("{\"a\":[\"y\"]}", "{" ARRAY_OF("a", "[\\\"x\\\",\\\"y\\\"]") "}", "x", false, true);
	passes("{\"a\":[\"z\"]}", "{" ARRAY_OF("a", "[\\\"x\\\",\\\"y\\\"]") "}", "x", false,
	       false);
}

TEST(fields_must_all_match_and_one_of_their_values)
{
	passes("{\"a\":[\"1\"],\"b\":[\"2\"]}", "{" TEXT_OF("a", "1") "," TEXT_OF("b", "2") "}",
	       "x", false, true);
	passes("{\"a\":[\"1\"],\"b\":[\"2\"]}", "{" TEXT_OF("a", "1") "," TEXT_OF("b", "3") "}",
	       "x", false, false);
	passes("{\"$or\":[{\"a\":[\"1\"]},{\"b\":[\"2\"]}]}", "{" TEXT_OF("b", "2") "}", "x", false,
	       true);
}

TEST(a_filter_of_the_body_looks_into_it)
{
	passes("{\"store\":{\"city\":[\"Ulm\"]}}", NULL, "{\"store\":{\"city\":\"Ulm\"}}", true,
	       true);
	passes("{\"store\":{\"city\":[\"Ulm\"]}}", NULL, "{\"store\":{\"city\":\"Rom\"}}", true,
	       false);
	passes("{\"store\":{\"city\":[\"Ulm\"]}}", "{" TEXT_OF("store", "Ulm") "}", "no JSON", true,
	       false);
}

/* ---- where a target cannot be reached --------------------------------------- */

TEST(a_callback_hears_of_it_again_until_it_takes_it)
{
	deaf = 2;
	subscribe(FAAS_MAPPING(.target = "callback:ops", .raw = true));
	publish("x");
	for (int i = 0; i < 5; i++) {
		for (int j = 0; j < 20; j++)
			tick();
		flow_advance(&flow, 10000);
	}
	await(&heard_count, 1);
	assert_string_equal(heard, "x");
	assert_int_equal(strncmp(heard_from, "arn:aws:sns:local-1:000000000000:news:", 38), 0);
	assert_string_equal(heard_from + 38, id);
}

static void goes_dead(const char *want_attributes)
{
	struct faas_message *m = NULL;

	for (int i = 0; !m && i < 200; i++) {
		for (int j = 0; j < 20; j++)
			tick();
		assert_int_equal(faas_take(flow.rt, "queue:dead", 0, &m, &err), 0);
		flow_advance(&flow, HOUR);
	}
	assert_non_null(m);
	assert_non_null(strstr(m->attributes, want_attributes));
	faas_free(m);
}

TEST(what_cannot_be_delivered_is_a_dead_letter)
{
	deaf = 1000;
	subscribe(FAAS_MAPPING(.target = "callback:ops", .max_retries = FAAS_NONE,
			       .dead_letter = "queue:dead"));
	publish("x");
	goes_dead("\"ErrorMessage\":{\"StringValue\":\"the callback did not take it\","
		  "\"DataType\":\"String\"}");
	assert_int_equal(deaf, 999);
	await_delivered();
}

TEST(what_is_too_old_for_another_attempt_is_dropped)
{
	struct faas_stats s = { .size = sizeof(s) };

	deaf = 1000000;
	subscribe(FAAS_MAPPING(.target = "callback:ops", .max_age_s = 3600));
	publish("x");
	for (int i = 0; i < 30; i++) {
		for (int j = 0; j < 20; j++)
			tick();
		flow_advance(&flow, 300000);
	}
	faas_stats(flow.rt, &s);
	assert_int_equal(s.messages_dropped, 1);
	assert_in_range(1000000 - deaf, 10, 30);
}

/* Nobody is left who says for how long, or where it goes then. */
TEST(what_nobody_subscribes_to_any_more_is_tried_for_a_day)
{
	struct faas_stats s = { .size = sizeof(s) };

	deaf = 1000000;
	subscribe(FAAS_MAPPING(.target = "callback:ops", .dead_letter = "queue:dead"));
	publish("x");
	for (int i = 0; deaf == 1000000 && i < 10000; i++)
		tick();
	assert_int_equal(faas_mapping_delete(flow.rt, id, &err), 0);
	for (int hours = 0; hours < 30; hours++) {
		for (int j = 0; j < 20; j++)
			tick();
		flow_advance(&flow, HOUR);
		faas_stats(flow.rt, &s);
		if (hours == 20)
			assert_int_equal(s.messages_dropped, 0);
	}
	assert_int_equal(s.messages_dropped, 1);
	assert_int_equal(lying("queue:dead"), 0);
}

TEST(a_dead_letter_of_a_function_goes_back_to_it)
{
	int moved;

	make("g");
	subscribe(FAAS_MAPPING(.function = "g", .max_age_s = 60, .dead_letter = "queue:dead"));
	assert_int_equal(faas_function_delete(flow.rt, "g", &err), 0);
	publish("x");
	for (int i = 0; i < 20 && !lying("queue:dead"); i++) {
		for (int j = 0; j < 20; j++)
			tick();
		flow_advance(&flow, 30000);
	}
	assert_int_equal(lying("queue:dead"), 1);
	make("g");
	assert_int_equal(faas_move(flow.rt, "queue:dead", NULL, 10, &moved, &err), 0);
	assert_int_equal(moved, 1);
	await(&calls, 1);
	assert_non_null(strstr(event, "\"Message\":\"x\""));
}

/* ---- as a destination ---------------------------------------------------------- */

TEST(a_topic_is_a_destination)
{
	flow_function(&flow, &(struct faas_function_config){
				     .name = "g", .native = handler, .on_success = "topic:news" });
	subscribe(FAAS_MAPPING(.target = "queue:q", .raw = true));
	assert_int_equal(
		faas_invoke(flow.rt, FAAS_REQUEST(.function = "g", .mode = FAAS_EVENT), NULL, &err),
		0);
	await_lying("queue:q", 1);
}

TEST(what_is_larger_than_sns_takes_is_refused_at_the_door_and_dropped_behind_it)
{
	struct faas_stats s = { .size = sizeof(s) };
	static char large[262145];

	memset(large, 'x', sizeof(large));
	subscribe(FAAS_MAPPING(.target = "queue:q", .raw = true));
	publish_as(FAAS_MESSAGE(.body = { large, 262144 }));
	await_lying("queue:q", 1);
	assert_int_equal(faas_put(flow.rt, "topic:news", FAAS_MESSAGE(.body = { large, 262145 }),
				  NULL, &err),
			 FAAS_ETOOLARGE);
	assert_string_equal(err.message, "Invalid parameter: Message too long");
	assert_int_equal(
		faas_send(flow.rt, "queue:big", (struct faas_bytes){ large, 262145 }, &err), 0);
	assert_int_equal(faas_move(flow.rt, "queue:big", "topic:news", 1, NULL, &err), 0);
	for (int i = 0; i < 10000 && !s.messages_dropped; i++) {
		tick();
		faas_stats(flow.rt, &s);
	}
	assert_int_equal(s.messages_dropped, 1);
	assert_int_equal(lying("queue:q"), 1);
}

/* ---- durable -------------------------------------------------------------------- */

TEST(subscriptions_and_what_was_published_outlive_the_program)
{
	deaf = 1000;
	subscribe(FAAS_MAPPING(.target = "callback:ops", .raw = true));
	subscribe(FAAS_MAPPING(.target = "queue:q", .raw = true));
	publish("before");
	await_lying("queue:q", 1);
	flow_close(&flow);
	open_runtime();
	publish("after");
	await_lying("queue:q", 2);
	flow_advance(&flow, HOUR);
	await(&heard_count, 2);
}

TEST(who_left_gets_nothing_any_more)
{
	subscribe(FAAS_MAPPING(.target = "queue:q"));
	assert_int_equal(faas_mapping_delete(flow.rt, id, &err), 0);
	subscribe(FAAS_MAPPING(.target = "queue:r"));
	publish("x");
	await_lying("queue:r", 1);
	assert_int_equal(lying("queue:q"), 0);
}

TEST(it_is_counted_what_came_and_what_a_filter_kept_out)
{
	subscribe(FAAS_MAPPING(.function = "f", .filter = "[{\"kind\":[\"a\"]}]"));
	publish_as(FAAS_MESSAGE(.body = { "1", 1 }, .attributes = KIND));
	publish("2");
	await(&calls, 1);
	await_delivered();
	for (int i = 0; i < 1000 && flow_metric(&flow, "FilteredOutEventCount") < 1; i++)
		tick();
	assert_true(flow_metric(&flow, "PolledEventCount") == 2);
	assert_true(flow_metric(&flow, "FilteredOutEventCount") == 1);
	assert_true(flow_metric(&flow, "InvokedEventCount") == 1);
}

/* ---- what is refused --------------------------------------------------------------- */

static void refused(const struct faas_mapping_config *config, const char *message)
{
	struct faas_mapping_config c = *config;

	if (!c.source)
		c.source = "topic:news";
	assert_int_equal(faas_mapping_create(flow.rt, &c, id, &err), FAAS_EINVAL);
	assert_string_equal(err.message, message);
}

TEST(what_is_no_subscription_is_refused)
{
	refused(FAAS_MAPPING(.function = "f", .target = "queue:q"),
		"a mapping has a function or a target, not both");
	refused(FAAS_MAPPING(.target = "queue"),
		"'queue' is no address: expected queue:NAME, topic:NAME, bus:NAME, "
		"dir:/PATH, function:NAME[:QUALIFIER] or callback:NAME");
	refused(FAAS_MAPPING(.target = "queue:q.fifo"),
		"'queue:q.fifo' is a FIFO queue, and what is sent there has no group: expected a "
		"queue that is none");
	refused(FAAS_MAPPING(.target = "topic:other"),
		"the target of a topic is a function, a queue, a directory or a callback, not "
		"topic:other");
	refused(FAAS_MAPPING(.function = "f", .raw = true),
		"Invalid parameter: RawMessageDelivery: is for queues and callbacks");
	refused(FAAS_MAPPING(.function = "f", .max_retries = 186),
		"RetryPolicy: MaximumRetryAttempts must be from 0 to 185");
	refused(FAAS_MAPPING(.function = "f", .max_age_s = 59),
		"RetryPolicy: MaximumEventAgeInSeconds must be from 60 to 86400");
	refused(FAAS_MAPPING(.function = "f", .dead_letter = "queue:d.fifo"),
		"'queue:d.fifo' is a FIFO queue, and what is sent there has no group: expected a "
		"queue that is none");
	refused(FAAS_MAPPING(.function = "f", .filter = "[{\"a\":1}]"),
		"Invalid filter pattern definition.");
	refused(FAAS_MAPPING(.source = "queue:x", .target = "queue:y"),
		"queue:x does nothing with 'Target'");
	refused(FAAS_MAPPING(.source = "topic:a b", .function = "f"), "Unrecognized event source.");
}

static void not_published(const struct faas_message *message, const char *text)
{
	assert_int_equal(faas_put(flow.rt, "topic:news", message, NULL, &err), FAAS_EINVAL);
	assert_string_equal(err.message, text);
}

TEST(what_sns_would_not_publish_is_refused)
{
	char subject[102];

	memset(subject, 's', 101);
	subject[101] = '\0';
	not_published(FAAS_MESSAGE(.body = { "", 0 }), "Invalid parameter: Empty message");
	not_published(FAAS_MESSAGE(.body = { "\xff", 1 }),
		      "Invalid parameter: Message: must be UTF-8");
	not_published(FAAS_MESSAGE(.body = { "x", 1 }, .subject = subject),
		      "Invalid parameter: Subject: must be 1 to 100 printable characters of ASCII");
	subject[100] = '\0';
	publish_as(FAAS_MESSAGE(.body = { "x", 1 }, .subject = subject));
	not_published(FAAS_MESSAGE(.body = { "x", 1 }, .subject = "a\nb"),
		      "Invalid parameter: Subject: must be 1 to 100 printable characters of ASCII");
	not_published(FAAS_MESSAGE(.body = { "x", 1 }, .delay_s = 1),
		      "Invalid parameter: a message for a topic has no delay");
}

TEST(a_second_subscription_of_the_same_target_is_a_conflict)
{
	subscribe(FAAS_MAPPING(.target = "queue:q"));
	assert_int_equal(faas_mapping_create(flow.rt,
					     FAAS_MAPPING(.source = "arn:aws:sns:local-1:"
								    "000000000000:news",
							  .target = "queue:q"),
					     NULL, &err),
			 FAAS_EEXIST);
}

#define MEMORY(name) cmocka_unit_test_setup_teardown(name, in_memory, close_it)
#define DISK(name) cmocka_unit_test_setup_teardown(name, on_disk, close_it)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MEMORY(a_function_gets_the_event_of_sns),
		DISK(everybody_who_subscribed_gets_it_and_nobody_else),
		MEMORY(of_many_topics_each_reaches_its_own_subscribers),
		MEMORY(without_a_subscription_it_is_gone_and_was_accepted),
		MEMORY(a_queue_gets_the_notification_of_sns),
		MEMORY(raw_it_gets_the_message_and_its_attributes_as_they_are),
		MEMORY(to_a_function_it_is_an_asynchronous_event),
		MEMORY(a_filter_looks_at_the_attributes),
		MEMORY(a_filter_does_not_see_what_is_binary),
		MEMORY(a_number_is_a_number_and_an_array_an_array),
		MEMORY(fields_must_all_match_and_one_of_their_values),
		MEMORY(a_filter_of_the_body_looks_into_it),
		MEMORY(a_callback_hears_of_it_again_until_it_takes_it),
		DISK(what_cannot_be_delivered_is_a_dead_letter),
		MEMORY(what_is_too_old_for_another_attempt_is_dropped),
		MEMORY(what_nobody_subscribes_to_any_more_is_tried_for_a_day),
		MEMORY(a_dead_letter_of_a_function_goes_back_to_it),
		DISK(a_topic_is_a_destination),
		MEMORY(what_is_larger_than_sns_takes_is_refused_at_the_door_and_dropped_behind_it),
		DISK(subscriptions_and_what_was_published_outlive_the_program),
		MEMORY(who_left_gets_nothing_any_more),
		MEMORY(it_is_counted_what_came_and_what_a_filter_kept_out),
		MEMORY(what_is_no_subscription_is_refused),
		MEMORY(what_sns_would_not_publish_is_refused),
		MEMORY(a_second_subscription_of_the_same_target_is_a_conflict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
