/* SPDX-License-Identifier: MIT */
/* Buses: events go to whose pattern they match, as EventBridge would have it. */
#include <faas/plugin.h> /* before cmocka, which makes a macro of fail() */
#include <faas/source.h>

#include "support/test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "support/flow.h"
#include "support/stores.h"

#define ORDER \
	"{\"Source\":\"shop\",\"DetailType\":\"order\",\"Detail\":{\"id\":7,\"kind\":\"book\"}}"

static struct flow flow;
static struct faas_error err;
static char folder[64], id[37], event[1 << 16];
static _Atomic int calls, deaf;
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
	if (strstr(event, "fail"))
		return faas_fail(ctx, "Test.Failed", "as planned");
	return faas_puts(ctx, "\"done\"");
}

static bool on_message(void *data, const struct faas_message *message)
{
	(void)data;
	(void)message;
	return !deaf || !deaf--;
}

static void make(const struct faas_function_config *config)
{
	struct faas_function_config c = *config;

	c.native = handler;
	flow_function(&flow, &c);
}

static void open_runtime(void)
{
	calls = deaf = 0;
	*event = '\0';
	memset(&err, 0, sizeof(err));
	flow_open(&flow,
		  &(struct faas_config){ .state_dir = *folder ? folder : NULL,
					 .on_message = on_message },
		  true);
	make(&(struct faas_function_config){ .name = "f" });
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

static void rule(const struct faas_mapping_config *config)
{
	struct faas_mapping_config c = *config;

	if (!c.source)
		c.source = "bus:default";
	if (!c.target && !c.function)
		c.function = "f";
	if (faas_mapping_create(flow.rt, &c, id, &err))
		fail_msg("%s", err.message);
}

static int64_t put(const char *entry)
{
	int64_t n = 0;

	if (faas_put(flow.rt, "bus:default", FAAS_MESSAGE(.body = { entry, strlen(entry) }), &n,
		     &err))
		fail_msg("%s", err.message);
	return n;
}

static void await(int n)
{
	flow_await_count(&flow, &calls, n);
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

/* Handed out; from a queue where it is the only one. */
static struct faas_message *take(const char *queue)
{
	struct faas_message *m = NULL;

	await_lying(queue, 1);
	assert_int_equal(faas_take(flow.rt, queue, 0, &m, &err), 0);
	assert_non_null(m);
	return m;
}

static void gets(const char *queue, const char *body)
{
	struct faas_message *m = take(queue);

	assert_int_equal(m->body.len, strlen(body));
	assert_memory_equal(m->body.data, body, m->body.len);
	faas_free(m);
}

TEST(a_function_gets_the_event_of_eventbridge)
{
	char want[512];
	int64_t n;

	rule(FAAS_MAPPING(.function = "f"));
	n = put("{\"Source\":\"shop\",\"DetailType\":\"order\",\"Detail\":\"{\\\"id\\\": 7}\","
		"\"Resources\":[\"arn:x\"],\"Time\":1469731200}");
	await(1);
	snprintf(want, sizeof(want),
		 "{\"version\":\"0\",\"id\":\"00000000-0000-4000-8000-%012llx\",\"detail-type\":"
		 "\"order\",\"source\":\"shop\",\"account\":\"000000000000\",\"time\":"
		 "\"2016-07-28T18:40:00Z\",\"region\":\"local-1\",\"resources\":[\"arn:x\"],"
		 "\"detail\":{\"id\": 7}}",
		 (unsigned long long)n);
	assert_string_equal(event, want);
}

TEST(each_rule_gets_what_its_pattern_matches)
{
	rule(FAAS_MAPPING(.target = "queue:books", .input_path = "$.detail.id",
			  .filter = "[{\"source\":[\"shop\"],\"detail\":{\"kind\":[\"book\"]}}]"));
	rule(FAAS_MAPPING(.target = "queue:large", .input_path = "$.detail.id",
			  .filter = "[{\"detail\":{\"id\":[{\"numeric\":[\">\",100]}]}}]"));
	rule(FAAS_MAPPING(.target = "queue:either", .input_path = "$.detail.id",
			  .filter = "[{\"source\":[\"no\"]},{\"detail-type\":[\"order\"]}]"));
	rule(FAAS_MAPPING(.target = "queue:other", .source = "bus:other"));
	rule(FAAS_MAPPING(.target = "queue:all", .input_path = "$.detail.id"));
	put(ORDER);
	gets("queue:all", "7");
	gets("queue:books", "7");
	gets("queue:either", "7");
	assert_int_equal(lying("queue:large"), 0);
	assert_int_equal(lying("queue:other"), 0);
}

TEST(two_rules_may_have_one_target)
{
	rule(FAAS_MAPPING(.target = "queue:q", .input = "1"));
	rule(FAAS_MAPPING(.target = "queue:q", .input = "2"));
	put(ORDER);
	await_lying("queue:q", 2);
}

TEST(a_target_gets_what_the_rule_makes_of_the_event)
{
	rule(FAAS_MAPPING(.target = "queue:constant", .input = "{\"a\":1}"));
	rule(FAAS_MAPPING(.target = "queue:part", .input_path = "$.detail"));
	rule(FAAS_MAPPING(.target = "queue:text",
			  .input_paths = "{\"id\":\"$.detail.id\",\"kind\":\"$.detail.kind\"}",
			  .input_template = "{\"kind\": <kind>, \"text\": \"a <kind>, <id>\"}"));
	put(ORDER);
	gets("queue:constant", "{\"a\":1}");
	gets("queue:part", "{\"id\":7,\"kind\":\"book\"}");
	gets("queue:text", "{\"kind\": \"book\", \"text\": \"a book, 7\"}");
}

TEST(a_topic_is_a_target)
{
	rule(FAAS_MAPPING(.target = "topic:news", .input_path = "$.detail.kind"));
	assert_int_equal(faas_mapping_create(flow.rt,
					     FAAS_MAPPING(.source = "topic:news", .raw = true,
							  .target = "queue:q"),
					     NULL, &err),
			 0);
	put(ORDER);
	gets("queue:q", "\"book\"");
}

/* ---- as a destination --------------------------------------------------- */

static void result_of(const char *payload, const char *kind)
{
	char want[1024];
	struct faas_message *m;

	assert_int_equal(faas_invoke(flow.rt,
				     FAAS_REQUEST(.function = "g", .mode = FAAS_EVENT,
						  .payload = { payload, strlen(payload) }),
				     NULL, &err),
			 0);
	m = take("queue:results");
	snprintf(want, sizeof(want),
		 "\"detail-type\":\"Lambda Function Invocation Result - %s\",\"source\":\"lambda\","
		 "\"account\":\"000000000000\",",
		 kind);
	assert_non_null(strstr(m->body.data, want));
	snprintf(want, sizeof(want),
		 "\"resources\":[\"arn:aws:events:local-1:000000000000:event-bus/default\","
		 "\"arn:aws:lambda:local-1:000000000000:function:g:$LATEST\"],\"detail\":{"
		 "\"version\":"
		 "\"1.0\",\"timestamp\":");
	assert_non_null(strstr(m->body.data, want));
	snprintf(want, sizeof(want), "\"requestPayload\":%s,", payload);
	assert_non_null(strstr(m->body.data, want));
	faas_free(m);
}

TEST(a_bus_is_a_destination_of_success_and_of_failure)
{
	make(&(struct faas_function_config){ .name = "g",
					     .max_retries = FAAS_NONE,
					     .on_success = "bus:default",
					     .on_failure = "arn:aws:events:local-1:000000000000:"
							   "event-bus/default" });
	rule(FAAS_MAPPING(.target = "queue:results", .filter = "[{\"source\":[\"lambda\"]}]"));
	result_of("\"fine\"", "Success");
	result_of("\"fail\"", "Failure");
}

TEST(what_came_another_way_is_a_message_of_ours)
{
	struct faas_message *m;

	rule(FAAS_MAPPING(.target = "queue:q"));
	assert_int_equal(
		faas_send(flow.rt, "queue:x", (struct faas_bytes){ "no \"JSON\"", 9 }, &err), 0);
	assert_int_equal(faas_move(flow.rt, "queue:x", "bus:default", 1, NULL, &err), 0);
	m = take("queue:q");
	assert_non_null(
		strstr(m->body.data, "\"detail-type\":\"Message\",\"source\":\"libfaas\","));
	assert_non_null(strstr(m->body.data, "\"detail\":{\"message\":\"no \\\"JSON\\\"\"}}"));
	faas_free(m);
	assert_int_equal(faas_send(flow.rt, "queue:x", (struct faas_bytes){ "[1]", 3 }, &err), 0);
	assert_int_equal(faas_move(flow.rt, "queue:x", "bus:default", 1, NULL, &err), 0);
	m = take("queue:q");
	assert_non_null(strstr(m->body.data, "\"detail\":{\"message\":[1]}}"));
	faas_free(m);
}

/* ---- retries ---------------------------------------------------------------- */

static void let_pass(int n, int64_t ms)
{
	for (int i = 0; i < n; i++) {
		for (int j = 0; j < 20; j++)
			tick();
		flow_advance(&flow, ms);
	}
}

TEST(a_target_is_tried_again_as_its_rule_says_and_then_there_is_a_dead_letter)
{
	char want[256];
	struct faas_message *m;

	deaf = 100;
	rule(FAAS_MAPPING(.target = "callback:ops", .max_retries = 2, .dead_letter = "queue:dead",
			  .input_path = "$.detail.id"));
	put(ORDER);
	let_pass(10, 60000);
	assert_int_equal(deaf, 97);
	m = take("queue:dead");
	assert_int_equal(m->body.len, 1);
	assert_memory_equal(m->body.data, "7", 1);
	snprintf(want, sizeof(want),
		 "{\"RULE_ARN\":{\"StringValue\":\"arn:aws:events:local-1:000000000000:rule/%s\","
		 "\"DataType\":\"String\"},\"TARGET_ARN\":{\"StringValue\":\"callback:ops\",",
		 id);
	assert_memory_equal(m->attributes, want, strlen(want));
	assert_non_null(
		strstr(m->attributes, "\"ERROR_CODE\":{\"StringValue\":\"INTERNAL_ERROR\""));
	assert_non_null(strstr(m->attributes,
			       "\"ERROR_MESSAGE\":{\"StringValue\":"
			       "\"the callback did not take it\""));
	assert_non_null(strstr(m->attributes, "\"EXHAUSTED_RETRY_CONDITION\":{\"StringValue\":"
					      "\"MaximumRetryAttempts\""));
	assert_non_null(strstr(m->attributes,
			       "\"RETRY_ATTEMPTS\":{\"StringValue\":\"2\",\"DataType\":"
			       "\"Number\"}}"));
	faas_free(m);
}

TEST(an_event_that_became_too_old_says_so)
{
	struct faas_message *m;

	make(&(struct faas_function_config){ .name = "g" });
	rule(FAAS_MAPPING(.function = "g", .max_age_s = 60, .dead_letter = "queue:dead"));
	assert_int_equal(faas_function_delete(flow.rt, "g", &err), 0);
	put(ORDER);
	let_pass(10, 30000);
	m = take("queue:dead");
	assert_non_null(strstr(m->attributes,
			       "\"TARGET_ARN\":{\"StringValue\":\"arn:aws:lambda:local-1:"
			       "000000000000:function:g\""));
	assert_non_null(
		strstr(m->attributes, "\"ERROR_CODE\":{\"StringValue\":\"RESOURCE_NOT_FOUND\""));
	assert_non_null(strstr(m->attributes, "\"EXHAUSTED_RETRY_CONDITION\":{\"StringValue\":"
					      "\"MaximumEventAgeInSeconds\""));
	faas_free(m);
}

/* How many steps of the clock pass until it is given up; the letter must say why. */
static int tried_until(const char *condition, int64_t step_ms)
{
	struct faas_message *m;
	int steps = 0;

	for (; steps < 10000 && !lying("queue:dead"); steps++) {
		flow_advance(&flow, step_ms);
		flow_advance(&flow, 0); /* it was tried */
		flow_advance(&flow, 0); /* and is there for the next attempt */
	}
	m = take("queue:dead");
	if (!strstr(m->attributes, condition))
		fail_msg("%s has no %s", m->attributes, condition);
	faas_free(m);
	return steps;
}

TEST(a_rule_that_says_nothing_has_185_more_attempts_within_a_day)
{
	deaf = 1000;
	rule(FAAS_MAPPING(.target = "callback:ops", .dead_letter = "queue:dead"));
	put(ORDER);
	tried_until("\"StringValue\":\"MaximumRetryAttempts\"", 300000);
	assert_int_equal(1000 - deaf, 1 + 185);
	put(ORDER);
	assert_true(tried_until("\"StringValue\":\"MaximumEventAgeInSeconds\"", 3600000) >= 24);
	assert_true(1000 - deaf < 2 * (1 + 185));
}

TEST(what_is_too_large_for_a_target_is_a_dead_letter_at_once)
{
	static char large[300000];
	struct faas_message *m;

	snprintf(large, sizeof(large),
		 "{\"Source\":\"s\",\"DetailType\":\"t\",\"Detail\":{\"x\":\"%0*d\"}}", 270000, 0);
	rule(FAAS_MAPPING(.target = "topic:news", .dead_letter = "queue:dead"));
	put(large);
	m = take("queue:dead");
	assert_non_null(
		strstr(m->attributes, "\"ERROR_CODE\":{\"StringValue\":\"INVALID_PARAMETER\""));
	assert_null(strstr(m->attributes, "EXHAUSTED"));
	faas_free(m);
}

TEST(what_a_template_makes_too_large_is_a_dead_letter_too)
{
	static char large[600000];
	struct faas_message *m;

	snprintf(large, sizeof(large),
		 "{\"Source\":\"s\",\"DetailType\":\"t\",\"Detail\":{\"x\":\"%0*d\"}}", 550000, 0);
	rule(FAAS_MAPPING(.target = "queue:q", .dead_letter = "queue:dead",
			  .input_template = "[<aws.events.event.json>,<aws.events.event.json>,"
					    "<aws.events.event.json>,<aws.events.event.json>]"));
	put(large);
	m = take("queue:dead");
	assert_non_null(strstr(m->attributes, "what is made of it is too large for its target"));
	faas_free(m);
	assert_int_equal(lying("queue:q"), 0);
}

/* ---- PutEvents ----------------------------------------------------------------- */

static char *control(const char *operation, const char *request)
{
	char *reply = NULL;

	if (faas_control(flow.rt, operation, request, &reply, &err))
		fail_msg("%s", err.message);
	return reply;
}

TEST(put_events_answers_for_each_entry)
{
	const char *want = "{\"FailedEntryCount\":4,\"Entries\":[{\"EventId\":\"";
	char *reply;

	rule(FAAS_MAPPING(.target = "queue:q"));
	rule(FAAS_MAPPING(.source = "bus:b", .target = "queue:b"));
	reply = control(
		"PutEvents",
		"{\"Entries\":[{\"Source\":\"s\",\"DetailType\":\"t\",\"Detail\":\"{}\"},"
		"{\"DetailType\":\"t\",\"Detail\":\"{}\"},"
		"{\"Source\":\"s\",\"DetailType\":\"t\",\"Detail\":\"{\"},"
		"{\"Source\":\"s\",\"DetailType\":\"t\",\"Detail\":\"{}\",\"EventBusName\":\"b\"},"
		"{\"Source\":\"s\",\"DetailType\":\"t\",\"Detail\":\"{}\",\"EventBusName\":"
		"\"arn:aws:events:local-1:000000000000:event-bus/b\"},"
		"{\"Source\":\"s\",\"DetailType\":\"t\",\"Detail\":\"{}\",\"EventBusName\":"
		"\"arn:aws:sqs:local-1:000000000000:b\"},"
		"{\"Source\":\"s\",\"DetailType\":\"t\",\"Detail\":\"{}\",\"EventBusName\":"
		"\"arn:aws:sqs:local-1:event-bus/:b\"}]}");
	await_lying("queue:b", 2);
	await_lying("queue:q", 1);
	assert_memory_equal(reply, want, strlen(want));
	assert_non_null(strstr(reply,
			       "\"},{\"ErrorCode\":\"InvalidArgument\",\"ErrorMessage\":"
			       "\"Parameter Source is not valid. Reason: Source is a required "
			       "argument.\"},{\"ErrorCode\":\"MalformedDetail\","
			       "\"ErrorMessage\":\"Detail is malformed.\"},{\"EventId\":\""));
	assert_non_null(
		strstr(reply, "Parameter EventBusName is not valid. Reason: it is no bus."));
	faas_free(reply);
}

static void put_refused(const char *request, const char *message)
{
	char *reply = NULL;

	assert_int_equal(faas_control(flow.rt, "PutEvents", request, &reply, &err), FAAS_EINVAL);
	assert_string_equal(err.message, message);
	faas_free(reply);
}

TEST(put_events_has_one_to_ten_entries_of_one_megabyte)
{
	static char request[1200000];
	char *at = request;

	put_refused("{\"Entries\":[]}",
		    "1 validation error detected: Value '[]' at 'entries' failed to satisfy "
		    "constraint: Member must have length greater than or equal to 1");
	put_refused("{}", "1 validation error detected: Value null at 'entries' failed to satisfy "
			  "constraint: Member must not be null");
	at += sprintf(at, "{\"Entries\":[");
	for (int i = 0; i < 10; i++)
		at += sprintf(at, "%s" ORDER, i ? "," : "");
	sprintf(at, "]}");
	faas_free(control("PutEvents", request));
	sprintf(at, "," ORDER "]}");
	put_refused(request,
		    "1 validation error detected: Value '[...]' at 'entries' failed to "
		    "satisfy constraint: Member must have length less than or equal to 10");
	sprintf(request,
		"{\"Entries\":[" ORDER ",{\"Source\":\"s\",\"DetailType\":\"t\",\"Detail\":"
		"{\"x\":\"%0*d\"}}]}",
		1048500, 0);
	put_refused(request, "Total size of the entries in the request is over the limit.");
}

/* ---- durable -------------------------------------------------------------------------- */

TEST(rules_and_events_outlive_the_program)
{
	deaf = 1;
	rule(FAAS_MAPPING(.target = "callback:ops", .input_path = "$.detail.id"));
	rule(FAAS_MAPPING(.target = "queue:q", .input_template = "{\"id\":<id>}",
			  .input_paths = "{\"id\":\"$.detail.id\"}",
			  .filter = "[{\"source\":[\"shop\"]}]"));
	put(ORDER);
	gets("queue:q", "{\"id\":7}");
	flow_close(&flow);
	open_runtime();
	put(ORDER);
	gets("queue:q", "{\"id\":7}");
	put("{\"Source\":\"other\",\"DetailType\":\"t\",\"Detail\":{}}");
	put(ORDER);
	gets("queue:q", "{\"id\":7}");
}

TEST(a_rule_is_shown_and_changed_as_any_mapping)
{
	char request[256], *reply;

	rule(FAAS_MAPPING(.target = "queue:q", .input_path = "$.detail", .dead_letter = "queue:d"));
	snprintf(request, sizeof(request), "{\"UUID\":\"%s\"}", id);
	reply = control("GetEventSourceMapping", request);
	assert_non_null(strstr(reply, "\"EventSourceArn\":\"arn:aws:events:local-1:000000000000:"
				      "event-bus/default\""));
	assert_non_null(strstr(reply, "\"Target\":\"queue:q\""));
	assert_non_null(strstr(reply, "\"InputPath\":\"$.detail\""));
	assert_non_null(strstr(reply, "\"DeadLetterConfig\":{\"Arn\":\"queue:d\"}"));
	assert_null(strstr(reply, "FunctionArn"));
	faas_free(reply);
	snprintf(request, sizeof(request), "{\"UUID\":\"%s\",\"InputPath\":\"$.detail.kind\"}", id);
	faas_free(control("UpdateEventSourceMapping", request));
	put(ORDER);
	gets("queue:q", "\"book\"");
	snprintf(request, sizeof(request), "{\"UUID\":\"%s\",\"Enabled\":false}", id);
	faas_free(control("UpdateEventSourceMapping", request));
	rule(FAAS_MAPPING(.target = "queue:r", .input = "1"));
	put(ORDER);
	gets("queue:r", "1");
	assert_int_equal(lying("queue:q"), 0);
}

TEST(of_what_a_rule_has_one_of_the_latest_counts)
{
	rule(FAAS_MAPPING(.function = "f", .input_path = "$.detail"));
	assert_int_equal(
		faas_mapping_update(flow.rt, id,
				    FAAS_MAPPING(.target = "queue:q", .input_template = "\"<n>\"",
						 .input_paths = "{\"n\":\"$.detail.id\"}"),
				    &err),
		0);
	put(ORDER);
	gets("queue:q", "\"7\"");
	assert_int_equal(calls, 0);
}

TEST(what_is_no_rule_is_refused)
{
	assert_int_equal(faas_mapping_create(flow.rt,
					     FAAS_MAPPING(.source = "bus:a", .target = "bus:b"), id,
					     &err),
			 FAAS_EINVAL);
	assert_string_equal(err.message, "the target of a bus is a function, a queue, a topic, a "
					 "directory or a callback, not bus:b");
	assert_int_equal(
		faas_mapping_create(flow.rt,
				    FAAS_MAPPING(.source = "bus:a", .function = "f", .raw = true),
				    id, &err),
		FAAS_EINVAL);
	assert_string_equal(err.message, "bus:a does nothing with 'RawMessageDelivery'");
	assert_int_equal(faas_mapping_create(flow.rt,
					     FAAS_MAPPING(.source = "bus:a", .function = "f",
							  .input = "1", .input_path = "$"),
					     id, &err),
			 FAAS_EINVAL);
	assert_string_equal(err.message,
			    "only one of Input, InputPath and InputTransformer can be given");
	assert_int_equal(faas_send(flow.rt, "bus:a", (struct faas_bytes){ "{}", 2 }, &err),
			 FAAS_EINVAL);
	assert_string_equal(
		err.message,
		"Parameter Source is not valid. Reason: Source is a required argument.");
}

#define MEMORY(name) cmocka_unit_test_setup_teardown(name, in_memory, close_it)
#define DISK(name) cmocka_unit_test_setup_teardown(name, on_disk, close_it)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MEMORY(a_function_gets_the_event_of_eventbridge),
		DISK(each_rule_gets_what_its_pattern_matches),
		MEMORY(two_rules_may_have_one_target),
		MEMORY(a_target_gets_what_the_rule_makes_of_the_event),
		DISK(a_topic_is_a_target),
		DISK(a_bus_is_a_destination_of_success_and_of_failure),
		MEMORY(what_came_another_way_is_a_message_of_ours),
		MEMORY(a_target_is_tried_again_as_its_rule_says_and_then_there_is_a_dead_letter),
		MEMORY(an_event_that_became_too_old_says_so),
		MEMORY(a_rule_that_says_nothing_has_185_more_attempts_within_a_day),
		MEMORY(what_is_too_large_for_a_target_is_a_dead_letter_at_once),
		MEMORY(what_a_template_makes_too_large_is_a_dead_letter_too),
		MEMORY(put_events_answers_for_each_entry),
		MEMORY(put_events_has_one_to_ten_entries_of_one_megabyte),
		DISK(rules_and_events_outlive_the_program),
		MEMORY(a_rule_is_shown_and_changed_as_any_mapping),
		MEMORY(of_what_a_rule_has_one_of_the_latest_counts),
		MEMORY(what_is_no_rule_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
