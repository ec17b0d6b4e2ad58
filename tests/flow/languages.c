/* SPDX-License-Identifier: MIT */
/* Functions in Python and JavaScript, by the same tests: each is a suite of its own. */
#include "support/test.h"

#include "support/flow.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct language {
	const char *name, *code, *handler, *runtime;
	const char *type;            /* that the platform is told of its errors */
	const char *error, *refused; /* names of its errors, as JSON */
} languages[] = {
	{ "python", TEST_LANGUAGES "/python", "handlers.lambda_handler", NULL, "ValueError",
	  "\"ValueError\"", "\"OSError\"" },
	{ "nodejs", TEST_LANGUAGES "/nodejs", "handlers.handler", NULL, "Runtime.Unknown",
	  "\"RangeError\"", "\"EROFS\"" },
};

static struct language *language = languages;
static struct flow flow;

static int open_it(void **state)
{
	(void)state;
	flow_open(&flow, NULL, false);
	flow_function(&flow, FAAS_FUNCTION(.name = "f", .code = language->code,
					   .handler = language->handler,
					   .runtime = language->runtime, .timeout_ms = 10000,
					   .memory_mb = 256, .max_concurrency = 1));
	return 0;
}

static int close_it(void **state)
{
	(void)state;
	flow_close(&flow);
	return 0;
}

static const struct faas_result *does(const char *event)
{
	const struct faas_result *result = flow_call(&flow, "f", event);

	if (result->code != FAAS_OK)
		fail_msg("%s: %.*s", event, (int)result->payload.len,
			 (const char *)result->payload.data);
	return result;
}

static void says(const char *event, const char *expected)
{
	flow_expect(&flow, "f", event, expected);
}

static const struct faas_result *fails(const char *event, const char *type, const char *part)
{
	const struct faas_result *result = flow_call(&flow, "f", event);
	char *payload = calloc(1, result->payload.len + 1);

	memcpy(payload, result->payload.data, result->payload.len);
	if (result->code == FAAS_OK || strcmp(result->error_type, type) || !strstr(payload, part))
		fail_msg("%s: %d %s %s, not %s %s", event, result->code, result->error_type,
			 payload, type, part);
	free(payload);
	return result;
}

TEST(what_a_handler_returns_is_the_answer_and_it_stays_warm)
{
	const struct faas_result *first = does("{\"do\":\"echo\",\"value\":[1,null]}");

	assert_true(first->init_ms > 0);
	assert_int_equal(*(const char *)first->payload.data, '[');
	says("{\"do\":\"count\"}", "2");
	says("{\"do\":\"count\"}", "3");
}

TEST(it_is_the_language_that_was_asked_for)
{
	char expected[32];

	snprintf(expected, sizeof(expected), "\"%s\"", language->runtime);
	says("{\"do\":\"version\"}", expected);
	snprintf(expected, sizeof(expected), "\"AWS_Lambda_%s\"", language->runtime);
	says("{\"do\":\"variable\",\"name\":\"AWS_EXECUTION_ENV\"}", expected);
	snprintf(expected, sizeof(expected), "\"%s\"", language->handler);
	says("{\"do\":\"variable\",\"name\":\"_HANDLER\"}", expected);
	says("{\"do\":\"variable\",\"name\":\"LAMBDA_TASK_ROOT\"}", "\"/var/task\"");
}

/* What blanks a language puts between the members of its JSON is its own affair. */
static void without_blanks(const struct faas_result *result, char *text, size_t size)
{
	size_t len = 0;

	for (size_t i = 0; i < result->payload.len && len + 1 < size; i++)
		if (((const char *)result->payload.data)[i] != ' ')
			text[len++] = ((const char *)result->payload.data)[i];
	text[len] = '\0';
}

TEST(the_context_is_of_the_function_and_of_the_request)
{
	const struct faas_result *result = does("{\"do\":\"context\"}");
	char text[400], expected[400];

	without_blanks(result, text, sizeof(text));
	snprintf(expected, sizeof(expected),
		 "[\"f\",\"%s\",\"arn:aws:lambda:local-1:000000000000:function:f\",\"256\","
		 "true,true]",
		 result->request_id);
	assert_string_equal(text, expected);
}

TEST(what_it_prints_is_in_the_log)
{
	does("{\"do\":\"print\",\"text\":\"printed here\"}");
	flow_await_log(&flow, "printed here");
}

/* A runtime that makes objects of what is logged makes them once. */
TEST(in_logs_of_json_each_record_is_one_object_of_its_level)
{
	flow_function(&flow, FAAS_FUNCTION(.name = "json", .code = language->code,
					   .handler = language->handler,
					   .runtime = language->runtime, .timeout_ms = 10000,
					   .log_format = "JSON"));
	flow_call(&flow, "json", "{\"do\":\"print\",\"text\":\"printed here\"}");
	flow_await_log(&flow, "\"message\":\"printed here\"}");
	assert_int_equal(
		faas_function_update(flow.rt,
				     FAAS_FUNCTION(.name = "json", .app_log_level = "ERROR"), NULL),
		0);
	flow_call(&flow, "json", "{\"do\":\"print\",\"text\":\"beneath\"}");
	flow_call(&flow, "json", "{\"do\":\"fail\"}");
	flow_await_log(&flow, "as wanted\"");
	assert_int_equal(flow_log_count(&flow, "beneath"), 0);
	assert_int_equal(flow_log_count(&flow, "\"message\":\"{"), 0);
}

TEST(an_error_of_the_handler_is_told_and_logged_and_keeps_it_warm)
{
	const struct faas_result *result =
		fails("{\"do\":\"fail\"}", language->type, language->error);

	assert_int_equal(result->code, FAAS_EFUNCTION);
	flow_await_log(&flow, "as wanted");
	says("{\"do\":\"count\"}", "2");
}

#define EXIT(what) "Error: Runtime exited " what "\"}"

TEST(each_way_to_end_has_the_words_of_lambda_and_keeps_tmp)
{
	does("{\"do\":\"keep\",\"text\":\"kept\"}");
	fails("{\"do\":\"exit\",\"status\":0}", "Runtime.ExitError",
	      EXIT("without providing a reason"));
	fails("{\"do\":\"exit\",\"status\":7}", "Runtime.ExitError",
	      EXIT("with error: exit status 7"));
	fails("{\"do\":\"kill\",\"signal\":9}", "Runtime.ExitError",
	      EXIT("with error: signal: killed"));
	says("{\"do\":\"kept\"}", "\"kept\"");
	says("{\"do\":\"count\"}", "2");
}

TEST(a_timeout_ends_it_and_keeps_tmp)
{
	does("{\"do\":\"keep\",\"text\":\"kept\"}");
	assert_int_equal(faas_function_update(
				 flow.rt, FAAS_FUNCTION(.name = "f", .timeout_ms = 1000), NULL),
			 0);
	does("{\"do\":\"keep\",\"text\":\"kept\"}");
	fails("{\"do\":\"spin\"}", "Sandbox.Timedout", "Task timed out after 1.00 seconds");
	says("{\"do\":\"kept\"}", "\"kept\"");
	says("{\"do\":\"count\"}", "2");
}

TEST(what_eats_its_memory_is_ended_and_told_so)
{
	fails("{\"do\":\"eat\"}", "Runtime.OutOfMemory", "signal: killed");
	says("{\"do\":\"count\"}", "1");
}

TEST(six_megabytes_go_both_ways_and_more_is_an_error)
{
	enum { SIZE = 6291456 };
	char *event = malloc(SIZE + 1);
	static const char begin[] = "{\"do\":\"echo\",\"value\":\"", end[] = "\"}";
	size_t inside = SIZE - strlen(begin) - strlen(end);

	memset(event, 'y', SIZE);
	memcpy(event, begin, strlen(begin));
	memcpy(event + SIZE - strlen(end), end, sizeof(end));
	assert_int_equal(does(event)->payload.len, inside + 2);
	free(event);
	fails("{\"do\":\"big\",\"size\":6291557}", "Function.ResponseSizeTooLarge",
	      "Response payload size exceeded maximum allowed payload size (6291556 bytes).");
	says("{\"do\":\"count\"}", "3");
}

/* The control is what is expected to be there. */
TEST(it_sees_what_an_interpreter_needs_and_nothing_else)
{
	char text[400];

	without_blanks(does("{\"do\":\"places\",\"paths\":[\"/usr/bin\",\"/lib\","
			    "\"/etc/ld.so.cache\",\"/var/task\",\"/var/runtime/bootstrap\","
			    "\"/tmp\",\"/dev/urandom\",\"/root\",\"/home\",\"/boot\",\"/srv\","
			    "\"/run\",\"/sys/kernel\",\"/var/lib\",\"/var/log\"]}"),
		       text, sizeof(text));
	assert_string_equal(text, "[\"/usr/bin\",\"/lib\",\"/etc/ld.so.cache\",\"/var/task\","
				  "\"/var/runtime/bootstrap\",\"/tmp\",\"/dev/urandom\"]");
	says("{\"do\":\"write\",\"path\":\"/var/task/new\"}", language->refused);
	says("{\"do\":\"write\",\"path\":\"/var/runtime/new\"}", language->refused);
	says("{\"do\":\"write\",\"path\":\"/tmp/new\"}", "\"written\"");
}

TEST(a_handler_that_is_not_there_fails_the_init)
{
	flow_function(&flow, FAAS_FUNCTION(.name = "gone", .code = language->code,
					   .handler = "gone.handler",
					   .runtime = language->runtime));
	for (int i = 0; i < 2; i++) {
		const struct faas_result *result = flow_call(&flow, "gone", "{}");

		assert_int_equal(result->code, FAAS_EFUNCTION);
		assert_string_equal(result->error_type, "Runtime.ImportModuleError");
	}
}

static void on_done(void *data, const struct faas_result *result)
{
	_Atomic int *good = data;

	if (flow_says(result, "7"))
		atomic_fetch_add(good, 1);
}

TEST(fifty_at_once_are_all_served)
{
	static const char event[] = "{\"do\":\"echo\",\"value\":7}";
	_Atomic int good = 0;

	flow_function(&flow, FAAS_FUNCTION(.name = "many", .code = language->code,
					   .handler = language->handler,
					   .runtime = language->runtime, .timeout_ms = 60000));
	for (int i = 0; i < 50; i++)
		assert_int_equal(faas_invoke(flow.rt,
					     FAAS_REQUEST(.function = "many",
							  .payload = { event, sizeof(event) - 1 },
							  .on_done = on_done, .data = &good),
					     NULL, NULL),
				 0);
	for (int i = 0; i < 6000 && atomic_load(&good) < 50; i++)
		usleep(10000);
	assert_int_equal(atomic_load(&good), 50);
}

/* Where the host stood when the runtime began, wherever it goes. */
TEST(runtimes_may_be_named_by_a_relative_path)
{
	struct flow other;

	assert_int_equal(chdir(TEST_RUNTIMES), 0);
	flow_open(&other, &(struct faas_config){ .runtimes = "." }, false);
	assert_int_equal(chdir("/"), 0);
	flow_function(&other, FAAS_FUNCTION(.name = "f", .code = language->code,
					    .handler = language->handler,
					    .runtime = language->runtime, .timeout_ms = 10000));
	flow_expect(&other, "f", "{\"do\":\"count\"}", "1");
	flow_close(&other);
}

/* Of the two only Python has hooks for it. */
TEST(snap_start_is_for_runtimes_that_have_hooks_for_it)
{
	struct faas_error err;
	int rc = faas_function_update(flow.rt,
				      FAAS_FUNCTION(.name = "f", .snap_start = "PublishedVersions"),
				      &err);
	char expected[80];

	if (language == languages) {
		assert_int_equal(rc, 0);
		return;
	}
	snprintf(expected, sizeof(expected), "%s is not supported for SnapStart enabled functions",
		 language->runtime);
	assert_int_equal(rc, FAAS_EINVAL);
	assert_string_equal(err.message, expected);
	says("{\"do\":\"count\"}", "1");
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, open_it, close_it)

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		ROW(what_a_handler_returns_is_the_answer_and_it_stays_warm),
		ROW(it_is_the_language_that_was_asked_for),
		ROW(the_context_is_of_the_function_and_of_the_request),
		ROW(what_it_prints_is_in_the_log),
		ROW(in_logs_of_json_each_record_is_one_object_of_its_level),
		ROW(an_error_of_the_handler_is_told_and_logged_and_keeps_it_warm),
		ROW(each_way_to_end_has_the_words_of_lambda_and_keeps_tmp),
		ROW(a_timeout_ends_it_and_keeps_tmp),
		ROW(what_eats_its_memory_is_ended_and_told_so),
		ROW(six_megabytes_go_both_ways_and_more_is_an_error),
		ROW(it_sees_what_an_interpreter_needs_and_nothing_else),
		ROW(a_handler_that_is_not_there_fails_the_init),
		ROW(fifty_at_once_are_all_served),
		ROW(runtimes_may_be_named_by_a_relative_path),
		ROW(snap_start_is_for_runtimes_that_have_hooks_for_it),
	};

	if (argc != 3) {
		fprintf(stderr, "usage: %s python|nodejs RUNTIME\n", argv[0]);
		return 2;
	}
	language = &languages[strcmp(argv[1], "python") != 0];
	language->runtime = argv[2];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
