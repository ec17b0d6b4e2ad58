/* SPDX-License-Identifier: MIT */
/* Calls: what a handler asks of others while it runs, and what its role lets it ask. */
#include "asked.h"

#include <faas/source.h>
#include <unistd.h>

#define NONE \
	ERROR("-2", "ResourceNotFoundException", \
	      "Function not found: " ARN("lambda", "function:none:$LATEST"))
#define CIRCLE \
	ERROR("-1", "RecursiveInvocationException", \
	      "Lambda has detected your function being invoked in a recursive loop with other " \
	      "Amazon Web Services resources and stopped your function's invocation.")

/* ---- another function ------------------------------------------------------ */

TEST(a_handler_is_answered_by_the_function_that_it_calls)
{
	make_all(NULL);
	perform("PublishVersion", "{\"FunctionName\":\"echo\"}");
	for (int i = 0; i < 2; i++) {
		expect(i, "invoke", "echo {\"a\":1}", "0 {\"a\":1}");
		expect(i, "invoke", "echo:1 2", "0 2");
		expect(i, "invoke", ARN("lambda", "function:echo") " 3", "0 3");
		expect(i, "invoke", "echo ", "0 ");
		expect(i, "invoke", "p-invoke echo 4", "0 0 4");
		expect(i, "invoke", "t-invoke echo 4", "0 0 4");
	}
}

TEST(the_error_of_that_function_is_told_and_is_none_of_the_callers)
{
	make_all(NULL);
	make("fail", "echo.fail", NULL, NULL);
	for (int i = 0; i < 2; i++) {
		const struct faas_result *result = ask(i, "invoke", "fail 1");

		assert_int_equal(result->code, 0);
		assert_memory_equal(result->payload.data, "-7 {\"errorType\":", 16);
	}
}

TEST(what_cannot_be_called_is_told_why)
{
	char event[700] = "";

	make_all(NULL);
	memset(event, 'x', 520);
	for (int i = 0; i < 2; i++) {
		expect(i, "invoke", "none 1", NONE);
		expect(i, "invoke", "a:b:c 1", INVALID("'a:b:c' is no name of a function"));
		expect(i, "invoke", event,
		       INVALID("expected a name of 1 to 512 printable characters and a group of "
			       "at most 1024 bytes"));
		expect(i, "publish", "callback:c - x",
		       INVALID("'callback:c' is not where a function can send: expected queue:, "
			       "topic:, bus:, stream:, table:, dir:/PATH or function:NAME"));
		expect(i, "publish", "stream:none key x",
		       ERROR("-2", "ResourceNotFoundException",
			     "Stream none under account 000000000000 not found."));
		expect(i, "publish", "stream:none \xff x", INVALID("a group is a text of UTF-8"));
	}
}

TEST(a_call_that_finds_no_place_is_throttled_at_once)
{
	make_all(NULL);
	perform("PutFunctionConcurrency",
		"{\"FunctionName\":\"echo\",\"ReservedConcurrentExecutions\":0}");
	for (int i = 0; i < 2; i++)
		expect(i, "invoke", "echo 1",
		       ERROR("-5", "TooManyRequestsException",
			     "Rate Exceeded. (ReservedFunctionConcurrentInvocationLimitExceeded)"));
}

TEST(events_and_answers_may_be_as_large_as_anybodys)
{
	make("p-large", "call.large", NULL, NULL);
	make("t-large", NULL, large, NULL);
	for (int i = 0; i < 2; i++) {
		expect(i, "large", "100 echo", "0 same");
		expect(i, "large", "300000 echo", "0 same");
		expect(i, "large", "6291456 echo", "0 same");
		expect(i, "large", "6291457 echo",
		       ERROR("-6", "RequestEntityTooLargeException",
			     "Request must be smaller than 6291456 bytes"));
	}
}

TEST(an_event_has_a_thousand_and_twenty_four_calls_and_not_one_more)
{
	make("p-many", "call.many", NULL, NULL);
	make("t-many", NULL, many, NULL);
	for (int i = 0; i < 4; i++) /* each event has as many again */
		expect(i % 2, "many", "1025 echo", "1024");
}

/* ---- circles ------------------------------------------------------------------ */

TEST(a_handler_that_calls_itself_is_stopped_after_sixteen_visits)
{
	make("p-circle", "call.circle", NULL, NULL);
	make("t-circle", NULL, circle, NULL);
	for (int i = 0; i < 2; i++) {
		char name[16];

		snprintf(name, sizeof(name), "%s-circle", kinds[i]);
		expect(i, "circle", name, CIRCLE);
	}
	assert_int_equal(flow_metric(&flow, "RecursiveInvocationsDropped"), 2);
}

/* ---- whatever else there is ----------------------------------------------------- */

static void take(const char *queue, const char *group, const char *body)
{
	struct faas_message *message;

	assert_int_equal(faas_take(flow.rt, queue, 1000, &message, &err), 0);
	assert_non_null(message);
	assert_memory_equal(message->body.data, body, strlen(body));
	assert_int_equal(message->body.len, strlen(body));
	assert_string_equal(message->group, group);
	assert_int_equal(faas_drop(flow.rt, message->id, &err), 0);
	faas_free(message);
}

TEST(what_is_published_to_a_queue_lies_there_before_the_handler_goes_on)
{
	make_all(NULL);
	for (int i = 0; i < 2; i++) {
		expect(i, "publish", "queue:q - a body", "0 ");
		take("queue:q", "", "a body");
		expect(i, "publish", ARN("sqs", "q") " - again", "0 ");
		take("queue:q", "", "again");
		assert_int_equal(faas_resource_create(flow.rt, "queue:q.fifo",
						      "{\"ContentBasedDeduplication\":true}", &err),
				 0);
		expect(i, "publish", i ? "queue:q.fifo g 1" : "queue:q.fifo g 2", "0 ");
		take("queue:q.fifo", "g", i ? "1" : "2");
	}
}

TEST(what_is_published_to_a_topic_or_a_bus_goes_to_who_is_there)
{
	make_all(NULL);
	assert_int_equal(faas_resource_create(flow.rt, "queue:of-topic", NULL, &err), 0);
	assert_int_equal(faas_mapping_create(flow.rt,
				  FAAS_MAPPING(.source = "topic:t", .target = "queue:of-topic",
					       .raw = true),
				  NULL, &err),
			 0);
	assert_int_equal(faas_mapping_create(flow.rt,
				  FAAS_MAPPING(.source = "bus:default", .target = "queue:of-bus",
					       .filter = "[{\"source\":[\"me\"]}]",
					       .input_path = "$.detail"),
				  NULL, &err),
			 0);
	for (int i = 0; i < 2; i++) {
		struct faas_queue_stats stats = { .size = sizeof(stats) };

		expect(i, "publish", "topic:t - words", "0 ");
		expect(i, "publish",
		       "bus:default - {\"Source\":\"me\",\"DetailType\":\"d\","
		       "\"Detail\":{\"a\":1}}",
		       "0 ");
		while (stats.visible < 1) {
			usleep(1000);
			faas_queue_stats(flow.rt, "queue:of-topic", &stats, &err);
		}
		take("queue:of-topic", "", "words");
		for (stats.visible = 0; stats.visible < 1; usleep(1000))
			faas_queue_stats(flow.rt, "queue:of-bus", &stats, &err);
		take("queue:of-bus", "", "{\"a\":1}");
	}
}

TEST(an_item_that_is_published_is_in_its_table)
{
	char *item;

	make_all(NULL);
	assert_int_equal(faas_resource_create(
				 flow.rt, "table:t",
				 "{\"KeySchema\":[{\"AttributeName\":\"Id\",\"KeyType\":\"HASH\"}],"
				 "\"AttributeDefinitions\":[{\"AttributeName\":\"Id\","
				 "\"AttributeType\":\"N\"}]}",
				 &err),
			 0);
	expect(0, "publish", "table:t - {\"Id\":{\"N\":\"1\"}}", "0 ");
	expect(1, "publish", "table:t - {\"Id\":{\"N\":\"2\"}}", "0 ");
	for (int i = 1; i <= 2; i++) {
		char key[40];

		snprintf(key, sizeof(key), "{\"Id\":{\"N\":\"%d\"}}", i);
		assert_int_equal(faas_item_get(flow.rt, "table:t", key, &item, &err), 0);
		assert_string_equal(item, key);
		faas_free(item);
	}
}

TEST(an_event_that_is_published_to_a_function_runs_by_itself)
{
	make_all(NULL);
	make("log", "echo.log", NULL, NULL);
	for (int i = 0; i < 2; i++) {
		char event[40], words[20];

		snprintf(words, sizeof(words), "words-%d", i);
		snprintf(event, sizeof(event), "function:log - %s", words);
		expect(i, "publish", event, "0 ");
		flow_await_log(&flow, words);
	}
}

/* ---- roles ------------------------------------------------------------------------ */

TEST(a_role_allows_what_it_allows_and_no_more)
{
	static const struct {
		const char *what, *event, *action, *resource, *allow;
	} rows[] = {
#define ROW(what, event, action, arn) { what, event, action, arn, ALLOW(action, arn) }
		ROW("invoke", "echo 1", "lambda:InvokeFunction", ARN("lambda", "function:echo")),
		ROW("publish", "function:echo - 1", "lambda:InvokeFunction",
		    ARN("lambda", "function:echo")),
		ROW("publish", "queue:q - 1", "sqs:SendMessage", ARN("sqs", "q")),
		ROW("publish", "topic:t - 1", "sns:Publish", ARN("sns", "t")),
		ROW("publish", "bus:b - {\"Source\":\"s\",\"DetailType\":\"d\",\"Detail\":{}}",
		    "events:PutEvents", ARN("events", "event-bus/b")),
		ROW("publish", "stream:s key 1", "kinesis:PutRecord", ARN("kinesis", "stream/s")),
		ROW("publish", "table:t - {\"Id\":{\"S\":\"1\"}}", "dynamodb:PutItem",
		    ARN("dynamodb", "table/t")),
#undef ROW
	};

	perform("CreateRole", TRUST);
	assert_int_equal(faas_resource_create(flow.rt, "stream:s", NULL, &err), 0);
	assert_int_equal(faas_resource_create(
				 flow.rt, "table:t",
				 "{\"KeySchema\":[{\"AttributeName\":\"Id\",\"KeyType\":\"HASH\"}],"
				 "\"AttributeDefinitions\":[{\"AttributeName\":\"Id\","
				 "\"AttributeType\":\"S\"}]}",
				 &err),
			 0);
	make_all(ROLE);
	for (size_t row = 0; row < sizeof(rows) / sizeof(*rows); row++) {
		for (int i = 0; i < 2; i++)
			is_denied(i, rows[row].what, rows[row].event, rows[row].action,
				  rows[row].resource);
		perform("PutRolePolicy", rows[row].allow);
		for (int i = 0; i < 2; i++) {
			const struct faas_result *result =
				ask(i, rows[row].what, rows[row].event);

			assert_memory_equal(result->payload.data, "0 ", 2);
		}
		perform("DeleteRolePolicy", "{\"RoleName\":\"r\",\"PolicyName\":\"p\"}");
	}
}

#define STATEMENT(effect, arn) \
	"{\"RoleName\":\"r\",\"PolicyName\":\"p\",\"PolicyDocument\":\"{\\\"Version\\\":" \
	"\\\"2012-10-17\\\",\\\"Statement\\\":[{\\\"Effect\\\":\\\"" effect "\\\"," \
	"\\\"Action\\\":\\\"lambda:InvokeFunction\\\",\\\"Resource\\\":\\\"" arn \
	"\\\"}]}\"}"

TEST(what_the_callee_allows_a_role_is_allowed_unless_the_role_denies_it)
{
	perform("CreateRole", TRUST);
	make_all(ROLE);
	perform("AddPermission", "{\"FunctionName\":\"echo\",\"StatementId\":\"s\",\"Action\":"
				 "\"lambda:InvokeFunction\",\"Principal\":\"" ROLE "\"}");
	for (int i = 0; i < 2; i++) {
		expect(i, "invoke", "echo 1", "0 1");
		is_denied(i, "invoke", "echo:$LATEST 1", "lambda:InvokeFunction",
			  ARN("lambda", "function:echo:$LATEST"));
	}
	perform("PutRolePolicy", STATEMENT("Deny", "*"));
	for (int i = 0; i < 2; i++) {
		static const char why[] = "with an explicit deny in an identity-based policy";
		const struct faas_bytes said = ask(i, "invoke", "echo 1")->payload;

		assert_non_null(memmem(said.data, said.len, why, strlen(why)));
	}
	perform("DeleteRolePolicy", "{\"RoleName\":\"r\",\"PolicyName\":\"p\"}");
	perform("RemovePermission", "{\"FunctionName\":\"echo\",\"StatementId\":\"s\"}");
	for (int i = 0; i < 2; i++)
		is_denied(i, "invoke", "echo 1", "lambda:InvokeFunction",
			  ARN("lambda", "function:echo"));
}

TEST(a_function_without_a_role_may_do_what_its_host_may)
{
	perform("CreateRole", TRUST);
	make_all(NULL);
	for (int i = 0; i < 2; i++)
		expect(i, "invoke", "echo 1", "0 1");
}

/* ---- ends --------------------------------------------------------------------------- */

static int wait_for_gate(struct faas_context *ctx, struct faas_bytes event)
{
	const char *gate = faas_secret(ctx, "gate");

	(void)event;
	faas_log(ctx, FAAS_INFO, "the gate is %s", gate ? gate : "shut");
	return faas_puts(ctx, "null");
}

static _Atomic int asked;
static _Atomic uint64_t last_id;

static void on_secret(void *data, const struct faas_ask *question)
{
	(void)data;
	last_id = question->id;
	asked++;
}

static int open_with_gate(void **state)
{
	(void)state;
	asked = 0;
	control_open_with(FAAS_CONFIG(.on_secret = on_secret), true);
	make("wait", NULL, wait_for_gate, NULL);
	make_all(NULL);
	return 0;
}

static _Atomic int ended;
static char outcome[80];

static void on_done(void *data, const struct faas_result *result)
{
	(void)data;
	snprintf(outcome, sizeof(outcome), "%d %.*s", result->code, (int)result->payload.len,
		 (const char *)result->payload.data);
	ended++;
}

static void start(int kind)
{
	char name[20];

	snprintf(name, sizeof(name), "%s-invoke", kinds[kind]);
	assert_int_equal(faas_invoke(flow.rt,
				     FAAS_REQUEST(.function = name, .payload = { "wait 1", 6 },
						  .on_done = on_done),
				     NULL, &err),
			 0);
}

static void await(const _Atomic int *count, int n)
{
	for (int i = 0; *count < n; i++) {
		assert_true(i < 20000);
		usleep(1000);
	}
}

/* Its process gives up by real time, and the runtime by the test's. */
TEST(a_caller_that_is_gone_leaves_the_other_at_its_work)
{
	for (int i = 0; i < 2; i++) {
		char request[80], gate[20], line[40];

		snprintf(request, sizeof(request),
			 "{\"FunctionName\":\"%s-invoke\",\"Timeout\":29}", kinds[i]);
		perform("UpdateFunctionConfiguration", request);
		expect(i, "invoke", "none ", NONE); /* its time is not that of an init */
		asked = ended = 0;
		start(i);
		await(&asked, 1);
		flow_advance(&flow, 29100);
		await(&ended, 1);
		assert_memory_equal(outcome, "-8 ", 3);
		snprintf(gate, sizeof(gate), "open for %s", kinds[i]);
		faas_secret_give(flow.rt, last_id, (struct faas_bytes){ gate, strlen(gate) }, 0,
				 &err);
		snprintf(line, sizeof(line), "the gate is %s", gate);
		flow_await_log(&flow, line);
		expect(i, "invoke", "none ", NONE); /* not the answer to the call before */
	}
}

TEST(closing_does_not_wait_for_calls)
{
	ended = 0;
	start(0);
	start(1);
	await(&asked, 1); /* both ask the same */
	/* control_close() returns */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define ROW(name) cmocka_unit_test_setup_teardown(name, calls_open, control_close)
		ROW(a_handler_is_answered_by_the_function_that_it_calls),
		ROW(the_error_of_that_function_is_told_and_is_none_of_the_callers),
		ROW(what_cannot_be_called_is_told_why),
		ROW(a_call_that_finds_no_place_is_throttled_at_once),
		ROW(events_and_answers_may_be_as_large_as_anybodys),
		ROW(an_event_has_a_thousand_and_twenty_four_calls_and_not_one_more),
		ROW(a_handler_that_calls_itself_is_stopped_after_sixteen_visits),
		ROW(what_is_published_to_a_queue_lies_there_before_the_handler_goes_on),
		ROW(what_is_published_to_a_topic_or_a_bus_goes_to_who_is_there),
		ROW(an_item_that_is_published_is_in_its_table),
		ROW(an_event_that_is_published_to_a_function_runs_by_itself),
		ROW(a_role_allows_what_it_allows_and_no_more),
		ROW(what_the_callee_allows_a_role_is_allowed_unless_the_role_denies_it),
		ROW(a_function_without_a_role_may_do_what_its_host_may),
#define GATE(name) cmocka_unit_test_setup_teardown(name, open_with_gate, control_close)
		GATE(a_caller_that_is_gone_leaves_the_other_at_its_work),
		GATE(closing_does_not_wait_for_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
