/* SPDX-License-Identifier: MIT */
/* The trace header on its way to a handler, and chains that go round in a circle. */
#include <faas/plugin.h>

#include "support/test.h"

#include <regex.h>
#include <stdio.h>

#include "support/control.h"

#define VARIABLE "_X_AMZN_TRACE_ID"
#define ROOT "Root=1-5759e988-bd862e3fe1be46a994272793"
#define LOOP \
	"Lambda has detected your function being invoked in a recursive loop with other Amazon " \
	"Web Services resources and stopped your function's invocation."

static const char *call_traced(const char *function, const char *trace_id)
{
	static char payload[3000];
	struct faas_result *result;

	if (faas_invoke_wait(flow.rt,
			     FAAS_REQUEST(.function = function,
					  .payload = { VARIABLE, strlen(VARIABLE) },
					  .trace_id = trace_id),
			     &result, &err))
		fail_msg("%s: %s", err.type, err.message);
	snprintf(payload, sizeof(payload), "%.*s", (int)result->payload.len,
		 (const char *)result->payload.data);
	faas_free(result);
	return payload;
}

static void matches(const char *text, const char *pattern)
{
	regex_t regex;

	assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
	if (regexec(&regex, text, 0, NULL, 0))
		fail_msg("'%s' does not match '%s'", text, pattern);
	regfree(&regex);
}

static void make(const char *name, const char *handler, const char *tracing)
{
	flow_function(&flow, &(struct faas_function_config){
				     .name = name, .handler = handler, .tracing = tracing });
}

TEST(a_header_reaches_the_handler_as_a_variable_with_its_own_visit_counted)
{
	make("env", "echo.env", NULL);
	assert_string_equal(call_traced("env", NULL), "(none)|(none)");
	matches(call_traced("env", ROOT ";Sampled=0"),
		"^" ROOT ";Sampled=0;Lineage=[0-9a-f]{8}:1\\|" ROOT ";Sampled=0;Lineage=.*:1$");
	/* and is gone with its event */
	assert_string_equal(call_traced("env", NULL), "(none)|(none)");
}

static int say_trace(struct faas_context *ctx, struct faas_bytes event)
{
	const char *variable = faas_getenv(ctx, VARIABLE);

	(void)event;
	return faas_puts(ctx, variable ? variable : "none");
}

TEST(a_thread_is_shown_the_same)
{
	flow_function(&flow, &(struct faas_function_config){ .name = "t", .native = say_trace });
	assert_string_equal(call_traced("t", NULL), "none");
	matches(call_traced("t", ROOT), "^" ROOT ";Lineage=[0-9a-f]{8}:1$");
}

TEST(a_function_that_traces_begins_a_trace_of_its_own)
{
	flow_function(&flow, &(struct faas_function_config){
				     .name = "t", .native = say_trace, .tracing = "Active" });
	matches(call_traced("t", NULL), "^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};"
					"Sampled=1;Lineage=[0-9a-f]{8}:1$");
	matches(call_traced("t", ROOT ";Parent=0000000000000000;Sampled=0"),
		"^" ROOT ";Parent=[0-9a-f]*[1-9a-f][0-9a-f]*;Sampled=0;Lineage=[0-9a-f]{8}:1$");
	assert_int_equal(flow_log_count(&flow, "XRAY TraceId: " ROOT), 0);
}

TEST(one_trace_per_second_is_sampled_and_a_twentieth_of_the_others)
{
	int sampled = 0;

	flow_function(&flow, &(struct faas_function_config){
				     .name = "t", .native = say_trace, .tracing = "Active" });
	assert_non_null(strstr(call_traced("t", NULL), "Sampled=1"));
	for (int i = 0; i < 1000; i++)
		sampled += strstr(call_traced("t", NULL), "Sampled=1") != NULL;
	assert_in_range(sampled, 5, 150); /* 50, with all the luck there is */
	flow_advance(&flow, 1000);
	assert_non_null(strstr(call_traced("t", NULL), "Sampled=1"));
}

TEST(what_is_sampled_is_told_behind_the_report)
{
	make("t", "echo.env", "Active");
	call_traced("t", ROOT ";Sampled=1");
	flow_await_log(&flow, "XRAY TraceId: 1-5759e988-bd862e3fe1be46a994272793\tSegmentId: ");
	flow_await_log(&flow, "\tSampled: true\t\n");
	assert_true(strstr(flow.log, "REPORT") < strstr(flow.log, "XRAY"));
	call_traced("t", ROOT ";Sampled=0");
	call_traced("t", ROOT ";Sampled=1");
	for (int i = 0; flow_log_count(&flow, "XRAY") < 2 && i < 1000; i++)
		flow_advance(&flow, 1);
	assert_int_equal(flow_log_count(&flow, "XRAY"), 2);
}

TEST(what_is_sampled_is_told_in_the_tail_too)
{
	struct faas_result *result;

	make("t", "echo.echo", "Active");
	assert_int_equal(faas_invoke_wait(flow.rt,
					  FAAS_REQUEST(.function = "t", .log_tail = true,
						       .trace_id = ROOT ";Sampled=1"),
					  &result, &err),
			 0);
	assert_non_null(strstr(result->log_tail.data, "\nXRAY TraceId: 1-5759e988-"));
	faas_free(result);
}

/* A handler that invokes itself, and hands its trace on. */
static int visits;

static int invoke_myself(struct faas_context *ctx, struct faas_bytes event)
{
	struct faas_result *result = NULL;
	struct faas_error why;

	(void)event;
	visits++;
	if (visits < 20 &&
	    faas_invoke_wait(flow.rt,
			     FAAS_REQUEST(.function = ctx->function_name,
					  .trace_id = ctx->trace_id ? ctx->trace_id : "Root=1"),
			     &result, &why))
		return faas_fail(ctx, why.type, why.message);
	if (result)
		faas_write(ctx, result->payload.data, result->payload.len);
	faas_free(result);
	return 0;
}

static void make_loop(void)
{
	visits = 0;
	flow_function(&flow, &(struct faas_function_config){ .name = "loop",
							     .native = invoke_myself,
							     .timeout_ms = 60000 });
}

TEST(a_chain_that_came_sixteen_times_is_stopped)
{
	make_loop();
	assert_non_null(strstr(call_traced("loop", "Root=1"), "RecursiveInvocationException"));
	assert_int_equal(visits, 16);
	for (int i = 0; flow_metric(&flow, "RecursiveInvocationsDropped") < 1 && i < 1000; i++)
		flow_advance(&flow, 1);
	assert_true(flow_metric(&flow, "RecursiveInvocationsDropped") == 1);
}

TEST(it_may_go_on_if_that_is_allowed)
{
	make_loop();
	assert_string_equal(perform("GetFunctionRecursionConfig", "{\"FunctionName\":\"loop\"}"),
			    "{\"RecursiveLoop\":\"Terminate\"}");
	assert_string_equal(perform("PutFunctionRecursionConfig",
				    "{\"FunctionName\":\"loop\",\"RecursiveLoop\":\"Allow\"}"),
			    "{\"RecursiveLoop\":\"Allow\"}");
	perform("GetFunctionRecursionConfig", "{\"FunctionName\":\"loop\"}");
	has("Allow");
	assert_string_equal(call_traced("loop", "Root=1"), "");
	assert_int_equal(visits, 20);
	refused("PutFunctionRecursionConfig",
		"{\"FunctionName\":\"loop\",\"RecursiveLoop\":\"No\"}", "ValidationException",
		"1 validation error detected: Value 'No' at 'recursiveLoop' failed to satisfy "
		"constraint: Member must satisfy enum value set: [Allow, Terminate]");
	refused("GetFunctionRecursionConfig", "{\"FunctionName\":\"g\"}",
		"ResourceNotFoundException",
		"Function not found: arn:aws:lambda:local-1:000000000000:function:g:$LATEST");
	refused("PutFunctionRecursionConfig",
		"{\"FunctionName\":\"g\",\"RecursiveLoop\":\"Allow\"}", "ResourceNotFoundException",
		"Function not found: arn:aws:lambda:local-1:000000000000:function:g:$LATEST");
}

/* The header of the chain as the function saw it at its visit so many. */
static void after(int times, char header[64])
{
	char seen[64];

	strcpy(header, "Root=1");
	while (times--) {
		snprintf(seen, sizeof(seen), "%s", call_traced("t", header));
		strcpy(header, seen);
	}
}

TEST(the_sixteenth_visit_is_made_and_the_next_one_is_not_by_any_door)
{
	char header[64];

	flow_function(&flow, &(struct faas_function_config){ .name = "t", .native = say_trace });
	after(16, header);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(faas_invoke(flow.rt,
					     FAAS_REQUEST(.function = "t", .trace_id = header,
							  .mode = i ? FAAS_EVENT : FAAS_SYNC),
					     NULL, &err),
				 FAAS_EINVAL);
		assert_string_equal(err.type, "RecursiveInvocationException");
		assert_string_equal(err.message, LOOP);
	}
	assert_int_equal(
		faas_invoke(flow.rt, FAAS_REQUEST(.function = "f", .trace_id = header), NULL, &err),
		0);
}

TEST(the_tracing_configuration_is_changed_and_shown_by_control)
{
	perform("UpdateFunctionConfiguration",
		"{\"FunctionName\":\"f\",\"TracingConfig\":{\"Mode\":\"Active\"}}");
	has("\"TracingConfig\":{\"Mode\":\"Active\"}");
	perform("UpdateFunctionConfiguration", "{\"FunctionName\":\"f\",\"Timeout\":4}");
	has("\"TracingConfig\":{\"Mode\":\"Active\"}");
	refused("UpdateFunctionConfiguration",
		"{\"FunctionName\":\"f\",\"TracingConfig\":{\"Mode\":\"On\"}}",
		"ValidationException",
		"1 validation error detected: Value 'On' at 'tracingConfig.mode' failed to satisfy "
		"constraint: Member must satisfy enum value set: [Active, PassThrough]");
	assert_int_equal(faas_function_create(
				 flow.rt,
				 FAAS_FUNCTION(.name = "x", .native = say_trace, .tracing = "On"),
				 &err),
			 FAAS_EINVAL);
	assert_string_equal(err.message, "tracing is 'On': must be Active or PassThrough");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define VIRTUAL(name) cmocka_unit_test_setup_teardown(name, control_open, control_close)
		VIRTUAL(a_header_reaches_the_handler_as_a_variable_with_its_own_visit_counted),
		VIRTUAL(a_thread_is_shown_the_same),
		VIRTUAL(a_function_that_traces_begins_a_trace_of_its_own),
		VIRTUAL(one_trace_per_second_is_sampled_and_a_twentieth_of_the_others),
		VIRTUAL(what_is_sampled_is_told_behind_the_report),
		VIRTUAL(what_is_sampled_is_told_in_the_tail_too),
		VIRTUAL(a_chain_that_came_sixteen_times_is_stopped),
		VIRTUAL(it_may_go_on_if_that_is_allowed),
		VIRTUAL(the_sixteenth_visit_is_made_and_the_next_one_is_not_by_any_door),
		VIRTUAL(the_tracing_configuration_is_changed_and_shown_by_control),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
