/* SPDX-License-Identifier: MIT */
/* Logs in JSON: of processes and of threads, as they are told and as a tail. */
#include <faas/plugin.h>

#include "support/test.h"

#include <stdio.h>
#include <unistd.h>

#include "support/control.h"

static int from_thread(struct faas_context *ctx, struct faas_bytes event)
{
	faas_log(ctx, FAAS_DEBUG, "too small");
	faas_log(ctx, (enum faas_level)77, "%.*s", (int)event.len, (const char *)event.data);
	return faas_puts(ctx, faas_getenv(ctx, "AWS_LAMBDA_LOG_LEVEL"));
}

static void make(const char *name, const char *handler, const char *level, const char *system)
{
	flow_function(&flow, &(struct faas_function_config){ .name = name,
							     .handler = handler,
							     .log_format = "JSON",
							     .app_log_level = level,
							     .system_log_level = system });
}

static int count(const char *text)
{
	return flow_log_count(&flow, text);
}

/* Real time, bounded. */
static void await(const char *text, int times)
{
	for (int i = 0; count(text) < times; i++) {
		if (i == 10000)
			fail_msg("'%s' was not told %d times:\n%s", text, times, flow.log);
		usleep(1000);
	}
}

TEST(the_platform_and_the_function_speak_json)
{
	const struct faas_result *result;
	char line[512];

	make("log", "echo.log", NULL, NULL);
	result = flow_call(&flow, "log", "a \"word\"");
	flow_await_log(&flow, "platform.report");
	snprintf(line, sizeof(line),
		 "Z\",\"level\":\"WARN\",\"requestId\":\"%s\",\"message\":\"a \\\"word\\\"\"}\n",
		 result->request_id);
	assert_int_equal(count(line), 1);
	assert_int_equal(count("3 {\"timestamp\":\"20"), 1);
	snprintf(line, sizeof(line),
		 "Z\",\"type\":\"platform.start\",\"record\":{\"requestId\":\"%s\","
		 "\"version\":\"$LATEST\"}}\n",
		 result->request_id);
	assert_int_equal(count(line), 1);
	assert_int_equal(count("\"type\":\"platform.report\""), 1);
	assert_int_equal(count("START RequestId"), 0);
	assert_int_equal(count("REPORT RequestId"), 0);
}

/* In real time, for an init that took none is not told. */
static int open_real(void **state)
{
	(void)state;
	return control_open_with(NULL, false);
}

TEST(a_cold_start_is_told_event_by_event_if_that_is_wanted)
{
	make("log", "echo.log", NULL, "DEBUG");
	flow_call(&flow, "log", "x");
	flow_call(&flow, "log", "y");
	await("platform.runtimeDone", 2);
	assert_int_equal(count("platform.initStart"), 1);
	assert_int_equal(count("platform.initRuntimeDone"), 1);
	assert_int_equal(count("platform.initReport"), 1);
	assert_int_equal(count("platform.runtimeDone"), 2);
	assert_int_equal(count("\"producedBytes\":4}"), 2);
}

TEST(what_is_below_its_level_is_not_delivered)
{
	make("log", "echo.log", "ERROR", "WARN");
	make("print", "echo.print", "WARN", "WARN");
	make("loud", "echo.print", "INFO", NULL);
	flow_call(&flow, "log", "whispered"); /* as a warning */
	flow_call(&flow, "print", "printed");
	flow_call(&flow, "loud", "heard");
	flow_await_log(&flow, "platform.report");
	assert_int_equal(count("whispered"), 0);
	assert_int_equal(count("printed"), 0);
	assert_int_equal(count("\"message\":\"out: heard\""), 1);
	assert_int_equal(count("platform.start"), 1);
}

TEST(a_line_that_is_an_object_is_not_wrapped)
{
	make("raw", "echo.raw_line", NULL, NULL);
	flow_call(&flow, "raw", "{\"level\":\"ERROR\",\"mine\":true}");
	flow_call(&flow, "raw", "{\"level\":\"DEBUG\",\"mine\":false}");
	flow_call(&flow, "raw", "{\"level\":");
	flow_await_log(&flow, "{\\\"level\\\":");
	assert_int_equal(count("4 {\"level\":\"ERROR\",\"mine\":true}\n"), 1);
	assert_int_equal(count("\"mine\":false"), 0);
	assert_int_equal(count("\"level\":\"INFO\""), 1);
}

TEST(a_thread_has_the_same_lines_and_a_level_that_is_none_counts_as_info)
{
	const struct faas_result *result;

	flow_function(&flow, &(struct faas_function_config){
				     .name = "t", .native = from_thread, .log_format = "JSON" });
	result = flow_call(&flow, "t", "hello");
	assert_true(flow_says(result, "INFO"));
	flow_await_log(&flow, "platform.report");
	assert_int_equal(count("2 {\"timestamp\""), 1);
	assert_int_equal(count("\"message\":\"hello\"}"), 1);
	assert_int_equal(count("too small"), 0);
}

TEST(the_log_tail_is_json_too)
{
	struct faas_result *result;
	const char *tail;

	make("log", "echo.log", NULL, NULL);
	assert_int_equal(faas_invoke_wait(flow.rt,
					  FAAS_REQUEST(.function = "log", .payload = { "x", 1 },
						       .log_tail = true),
					  &result, &err),
			 0);
	tail = result->log_tail.data;
	assert_memory_equal(tail, "{\"time\":", 8);
	assert_non_null(strstr(tail, "platform.start"));
	assert_non_null(strstr(tail, "\"level\":\"WARN\""));
	assert_non_null(strstr(tail, "platform.report"));
	assert_null(strstr(tail, "REPORT"));
	faas_free(result);
}

#define ROOT "Root=1-5759e988-bd862e3fe1be46a994272793"

static void call_traced(const char *function, const char *trace, char seen[128], bool tail)
{
	struct faas_result *result;
	const char *at;

	if (faas_invoke_wait(flow.rt,
			     FAAS_REQUEST(.function = function, .log_tail = tail, .trace_id = trace,
					  .payload = { "_X_AMZN_TRACE_ID", 16 }),
			     &result, &err))
		fail_msg("%s: %s", err.type, err.message);
	at = memchr(result->payload.data, '|', result->payload.len);
	snprintf(seen, 128, "%.*s", at ? (int)(at - (const char *)result->payload.data) : 0,
		 (const char *)result->payload.data);
	if (tail)
		assert_non_null(strstr(result->log_tail.data, seen));
	faas_free(result);
}

/* With a tail its start is told by a record of its own, else by that of its end. */
TEST(a_trace_is_told_at_both_ends_as_the_function_saw_it)
{
	char line[512], seen[128];

	flow_function(&flow, &(struct faas_function_config){ .name = "t", .handler = "echo.env",
							     .log_format = "JSON",
							     .system_log_level = "DEBUG",
							     .tracing = "Active" });
	for (int tail = 0; tail < 2; tail++) {
		call_traced("t", ROOT, seen, tail);
		assert_non_null(strstr(seen, "Parent="));
		snprintf(line, sizeof(line),
			 "\"tracing\":{\"spanId\":\"%.16s\",\"type\":\"X-Amzn-Trace-Id\","
			 "\"value\":\"%s\"}}}\n",
			 strstr(seen, "Parent=") + 7, seen);
		await(line, 2);
		assert_int_equal(count("\"version\":\"$LATEST\",\"tracing\":{"), 1 + tail);
		assert_int_equal(count("\"producedBytes\":"), 1 + tail);
	}
}

TEST(who_does_not_trace_tells_of_the_header_it_was_given_and_of_no_other)
{
	char line[512], seen[128];

	make("env", "echo.env", NULL, NULL);
	call_traced("env", ROOT, seen, false);
	snprintf(line, sizeof(line),
		 "\"tracing\":{\"type\":\"X-Amzn-Trace-Id\",\"value\":\"%s\"}}}\n", seen);
	await(line, 1);
	call_traced("env", NULL, seen, false);
	await("platform.report", 2);
	assert_int_equal(count("tracing"), 1);
}

TEST(the_group_the_format_and_the_level_are_variables_of_the_function)
{
	flow_function(&flow, &(struct faas_function_config){ .name = "env",
							     .handler = "echo.env",
							     .log_format = "JSON",
							     .app_log_level = "DEBUG",
							     .log_group = "/shop/all" });
	assert_true(flow_says(flow_call(&flow, "env", "AWS_LAMBDA_LOG_GROUP_NAME"),
			      "/shop/all|/shop/all"));
	assert_true(flow_says(flow_call(&flow, "env", "AWS_LAMBDA_LOG_FORMAT"), "JSON|JSON"));
	assert_true(flow_says(flow_call(&flow, "env", "AWS_LAMBDA_LOG_LEVEL"), "DEBUG|DEBUG"));
}

TEST(the_logging_configuration_is_changed_and_shown_by_control)
{
	perform("GetFunctionConfiguration", "{\"FunctionName\":\"f\"}");
	has("\"LoggingConfig\":{\"LogFormat\":\"Text\",\"LogGroup\":\"/aws/lambda/f\"}");
	perform("UpdateFunctionConfiguration",
		"{\"FunctionName\":\"f\",\"LoggingConfig\":{\"LogFormat\":\"JSON\","
		"\"ApplicationLogLevel\":\"ERROR\",\"SystemLogLevel\":\"DEBUG\"}}");
	has("\"LoggingConfig\":{\"LogFormat\":\"JSON\",\"ApplicationLogLevel\":\"ERROR\","
	    "\"SystemLogLevel\":\"DEBUG\",\"LogGroup\":\"/aws/lambda/f\"}");
	perform("UpdateFunctionConfiguration",
		"{\"FunctionName\":\"f\",\"LoggingConfig\":{\"LogGroup\":\"mine\"}}");
	has("\"ApplicationLogLevel\":\"ERROR\",\"SystemLogLevel\":\"DEBUG\",\"LogGroup\":"
	    "\"mine\"}");
	perform("UpdateFunctionConfiguration",
		"{\"FunctionName\":\"f\",\"LoggingConfig\":{\"LogFormat\":\"Text\"}}");
	has("\"LoggingConfig\":{\"LogFormat\":\"Text\",\"LogGroup\":\"mine\"}");
}

TEST(what_is_no_logging_configuration_is_refused)
{
#define UPDATE(config) "{\"FunctionName\":\"f\",\"LoggingConfig\":" config "}"
	refused("UpdateFunctionConfiguration", UPDATE("{\"LogFormat\":\"Tex\"}"),
		"ValidationException",
		"1 validation error detected: Value 'Tex' at 'loggingConfig.logFormat' failed to "
		"satisfy constraint: Member must satisfy enum value set: [JSON, Text]");
	refused("UpdateFunctionConfiguration", UPDATE("{\"LogFormat\":\"\"}"),
		"ValidationException",
		"1 validation error detected: Value '' at 'loggingConfig.logFormat' failed to "
		"satisfy constraint: Member must satisfy enum value set: [JSON, Text]");
	refused("UpdateFunctionConfiguration", UPDATE("{\"SystemLogLevel\":\"INFO\"}"),
		"InvalidParameterValueException", "log levels are for the log format JSON only");
	refused("UpdateFunctionConfiguration", UPDATE("{\"Colour\":\"red\"}"),
		"InvalidParameterValueException", "LoggingConfig does nothing with 'Colour' here");
	refused("UpdateFunctionConfiguration", UPDATE("{\"LogGroup\":7}"), "SerializationException",
		"LogGroup of LoggingConfig must be a string");
	refused("UpdateFunctionConfiguration", UPDATE("\"JSON\""), "SerializationException",
		"LoggingConfig must be an object");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define VIRTUAL(name) cmocka_unit_test_setup_teardown(name, control_open, control_close)
		VIRTUAL(the_platform_and_the_function_speak_json),
		cmocka_unit_test_setup_teardown(
			a_cold_start_is_told_event_by_event_if_that_is_wanted, open_real,
			control_close),
		VIRTUAL(what_is_below_its_level_is_not_delivered),
		VIRTUAL(a_line_that_is_an_object_is_not_wrapped),
		VIRTUAL(a_thread_has_the_same_lines_and_a_level_that_is_none_counts_as_info),
		VIRTUAL(the_log_tail_is_json_too),
		cmocka_unit_test_setup_teardown(
			a_trace_is_told_at_both_ends_as_the_function_saw_it, open_real,
			control_close),
		cmocka_unit_test_setup_teardown(
			who_does_not_trace_tells_of_the_header_it_was_given_and_of_no_other,
			open_real, control_close),
		VIRTUAL(the_group_the_format_and_the_level_are_variables_of_the_function),
		VIRTUAL(the_logging_configuration_is_changed_and_shown_by_control),
		VIRTUAL(what_is_no_logging_configuration_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
