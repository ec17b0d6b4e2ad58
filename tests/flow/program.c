/* SPDX-License-Identifier: MIT */
/* Functions that are programs: an executable `bootstrap` that speaks the Runtime API. */
#include "support/test.h"

#include "support/flow.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define PROGRAM(...) \
	FAAS_FUNCTION(.name = "p", .code = TEST_PROGRAMS, .runtime = "provided.al2023", \
		      .handler = "any:string", __VA_ARGS__)

#define ROW(test) cmocka_unit_test_setup_teardown(test, open_it, close_it)

static struct flow flow;

static int open_it(void **state)
{
	(void)state;
	flow_open(&flow, NULL, false);
	flow_function(&flow, PROGRAM(.timeout_ms = 10000));
	return 0;
}

static int close_it(void **state)
{
	(void)state;
	flow_close(&flow);
	return 0;
}

static void says(const char *event, const char *expected)
{
	flow_expect(&flow, "p", event, expected);
}

TEST(an_event_reaches_the_program_and_its_answer_comes_back)
{
	const struct faas_result *first = flow_call(&flow, "p", "echo {\"a\":1}");
	const struct faas_result *second = flow_call(&flow, "p", "count");

	assert_true(flow_says(first, "{\"a\":1}"));
	assert_int_equal(first->code, FAAS_OK);
	assert_true(first->init_ms > 0);
	assert_true(flow_says(second, "1"));
	assert_true(second->init_ms == 0);
	says("count", "2");
}

TEST(it_is_served_through_the_loop_as_well)
{
	assert_true(flow_says(flow_call_async(&flow, "p", "count"), "1"));
	assert_true(flow_says(flow_call_async(&flow, "p", "count"), "2"));
	says("count", "3");
}

TEST(it_sees_the_headers_of_the_runtime_api)
{
	const struct faas_result *id = flow_call(&flow, "p",
						 "header Lambda-Runtime-Aws-Request-Id");
	const struct faas_result *deadline = flow_call(&flow, "p",
						       "header Lambda-Runtime-Deadline-Ms");
	int64_t ms = atoll(deadline->payload.data) - (int64_t)time(NULL) * 1000;

	assert_true(flow_says(id, id->request_id));
	assert_true(ms > 5000 && ms <= 11000);
	says("header Lambda-Runtime-Invoked-Function-Arn",
	     "arn:aws:lambda:local-1:000000000000:function:p");
	says("header Content-Type", "application/json");
	says("header Lambda-Runtime-Client-Context", "");
}

/* Where environments have a user of their own; else they share what one user may have. */
TEST(it_may_have_as_many_descriptors_as_in_lambda)
{
	const struct faas_result *limits = flow_call(&flow, "p", "read /proc/self/limits");
	struct faas_isolation *report;
	char expected[128];
	bool own;

	assert_int_equal(faas_isolation_report(flow.rt, &report, NULL), 0);
	own = report->applied & FAAS_LAYER_OWN_UID;
	faas_free(report);
	snprintf(expected, sizeof(expected), "Max open files            %-20d %-20d files",
		 own ? 1024 : 64, own ? 1024 : 64);
	if (!memmem(limits->payload.data, limits->payload.len, expected, strlen(expected)))
		fail_msg("%.*s", (int)limits->payload.len, (const char *)limits->payload.data);
}

static int invoke(struct faas *rt, const char *event, struct faas_result **result)
{
	return faas_invoke_wait(rt,
				FAAS_REQUEST(.function = "p", .payload = { event, strlen(event) }),
				result, NULL);
}

TEST(its_client_context_and_trace_are_headers)
{
	static const char context[] = "header Lambda-Runtime-Client-Context";
	static const char trace[] = "header Lambda-Runtime-Trace-Id";
	struct faas_result *result = NULL;

	assert_int_equal(faas_invoke_wait(flow.rt,
					  FAAS_REQUEST(.function = "p",
						       .client_context = "{\"custom\":\n{}}",
						       .payload = { context, strlen(context) }),
					  &result, NULL),
			 0);
	assert_true(flow_says(result, "{\"custom\": {}}"));
	faas_free(result);
	assert_int_equal(faas_invoke_wait(flow.rt,
					  FAAS_REQUEST(.function = "p",
						       .trace_id = "Root=1-2-3;Sampled=0",
						       .payload = { trace, strlen(trace) }),
					  &result, NULL),
			 0);
	assert_true(result->payload.len > 20 &&
		    !memcmp(result->payload.data, "Root=1-2-3;Sampled=0", 20));
	faas_free(result);
}

TEST(it_has_lambdas_variables_and_its_code_is_the_current_directory)
{
	says("env _HANDLER", "any:string");
	says("env LAMBDA_TASK_ROOT", "/var/task");
	says("env LAMBDA_RUNTIME_DIR", "/var/runtime");
	says("env AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001");
	says("env AWS_LAMBDA_FUNCTION_NAME", "p");
	says("env AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand");
	says("env AWS_EXECUTION_ENV", "(none)");
	says("env AWS_LAMBDA_LOG_FORMAT", "(none)");
	says("cwd x", "/var/task");
}

static char stream[80];

static void on_log(void *data, const struct faas_log *log)
{
	(void)data;
	if (log->text.len == 12 && !memcmp(log->text.data, "printed here", 12))
		snprintf(stream, sizeof(stream), "%s", log->stream);
}

TEST(what_it_prints_is_logged_in_the_stream_that_it_is_told)
{
	struct faas *rt = faas_create(FAAS_CONFIG(.worker = TEST_WORKER, .on_log = on_log), NULL);
	struct faas_result *result = NULL;

	assert_int_equal(faas_function_create(rt, PROGRAM(), NULL), 0);
	assert_int_equal(invoke(rt, "print printed here", &result), 0);
	faas_free(result);
	assert_int_equal(invoke(rt, "env AWS_LAMBDA_LOG_STREAM_NAME", &result), 0);
	assert_int_equal(faas_destroy(rt), 0); /* and all of the log was told */
	assert_true(*stream && flow_says(result, stream));
	faas_free(result);
}

TEST(a_record_of_many_lines_is_one_line_of_the_log)
{
	says("record 0", "recorded");
	says("record 20", "recorded");
	flow_await_log(&flow, "2 first line\rsecond line\n");
	flow_await_log(&flow, "4 first line\rsecond line\n");
	assert_int_equal(flow_log_count(&flow, "first line\rsecond line\n"), 2);
}

/* ---- errors ------------------------------------------------------------- */

static void fails(const char *event, int code, const char *type, const char *pattern)
{
	const struct faas_result *result = flow_call(&flow, "p", event);
	const char *hash = strchr(pattern, '#');
	char expected[512];

	snprintf(expected, sizeof(expected), "%.*s%s%s",
		 hash ? (int)(hash - pattern) : (int)strlen(pattern), pattern,
		 hash ? result->request_id : "", hash ? hash + 1 : "");
	if (result->code != code || strcmp(result->error_type, type) ||
	    !flow_says(result, expected))
		fail_msg("%s: %d %s %.*s, not %s", event, result->code, result->error_type,
			 (int)result->payload.len, (const char *)result->payload.data, expected);
}

TEST(an_error_is_told_in_the_programs_own_words_and_keeps_it_warm)
{
	says("count", "1");
	fails("fail Function.Mine {\"any\":\"thing\"}", FAAS_EFUNCTION, "Function.Mine",
	      "{\"any\":\"thing\"}");
	fails("fail mine {}", FAAS_EFUNCTION, "Runtime.Unknown", "{}");
	says("count", "2");
}

#define EXIT(what) \
	"{\"errorType\":\"Runtime.ExitError\",\"errorMessage\":\"RequestId: # Error: " what "\"}"

TEST(each_way_to_end_has_the_words_of_lambda_and_keeps_tmp)
{
	says("put kept", "put");
	fails("exit 0", FAAS_EFUNCTION, "Runtime.ExitError",
	      EXIT("Runtime exited without providing a reason"));
	fails("exit 5", FAAS_EFUNCTION, "Runtime.ExitError",
	      EXIT("Runtime exited with error: exit status 5"));
	fails("raise 9", FAAS_EFUNCTION, "Runtime.ExitError",
	      EXIT("Runtime exited with error: signal: killed"));
	fails("raise 11", FAAS_EFUNCTION, "Runtime.ExitError",
	      EXIT("Runtime exited with error: signal: segmentation fault"));
	says("get x", "kept");
}

TEST(a_program_that_ends_after_its_answer_has_answered)
{
	for (int i = 0; i < 10; i++)
		says("last word", "word");
	says("count", "1");
}

TEST(a_timeout_ends_all_of_it_and_keeps_tmp)
{
	assert_int_equal(faas_function_update(
				 flow.rt, FAAS_FUNCTION(.name = "p", .timeout_ms = 300), NULL),
			 0);
	says("put kept", "put");
	says("count", "1");
	fails("sleep 5000", FAAS_ETIMEOUT, "Sandbox.Timedout",
	      "{\"errorType\":\"Sandbox.Timedout\",\"errorMessage\":\"RequestId: # Error: Task "
	      "timed out after 0.30 seconds\"}");
	says("count", "1");
	says("get x", "kept");
}

TEST(an_answer_may_be_as_large_as_lambdas_and_not_one_byte_larger)
{
	const struct faas_result *result = flow_call(&flow, "p", "large 6291556");

	assert_int_equal(result->code, FAAS_OK);
	assert_int_equal(result->payload.len, 6291556);
	flow_await_log(&flow, "status 202");
	fails("large 6291557", FAAS_EFUNCTION, "Function.ResponseSizeTooLarge",
	      "{\"errorMessage\":\"Response payload size exceeded maximum allowed payload size "
	      "(6291556 bytes).\",\"errorType\":\"Function.ResponseSizeTooLarge\"}");
	flow_await_log(&flow, "status 413");
	says("count", "1");
}

TEST(a_program_that_eats_more_than_its_memory_is_out_of_memory)
{
	fails("eat 300", FAAS_EFUNCTION, "Runtime.OutOfMemory",
	      EXIT("Runtime exited with error: signal: killed"));
	says("eat 60", "eaten");
}

TEST(the_memory_of_all_its_processes_counts)
{
	const struct faas_result *result = flow_call(&flow, "p", "fork 2 40 0");

	assert_true(flow_says(result, "forked"));
	assert_true(result->memory_used_mb >= 80 && result->memory_used_mb < 128);
	fails("fork 2 40 5000", FAAS_EFUNCTION, "Runtime.OutOfMemory",
	      EXIT("Runtime exited with error: signal: killed"));
}

TEST(the_cpu_time_of_all_its_processes_counts)
{
	const struct faas_result *first = flow_call(&flow, "p", "count");
	const struct faas_result *second = flow_call(&flow, "p", "burn 60");

	assert_true(flow_says(second, "burnt"));
	assert_true(first->cpu_ms + second->cpu_ms >= 60); /* the first may be an estimate */
}

/* ---- init --------------------------------------------------------------- */

static void init_with(const char *what)
{
	char variable[64];
	const char *const environment[] = { variable, NULL };

	snprintf(variable, sizeof(variable), "INIT=%s", what);
	assert_int_equal(
		faas_function_update(flow.rt,
				     FAAS_FUNCTION(.name = "p", .environment = environment), NULL),
		0);
}

TEST(a_failed_init_is_the_answer_of_the_first_invocation)
{
	init_with("fail Runtime.Mine");
	fails("count", FAAS_EFUNCTION, "Runtime.Mine", "{\"errorMessage\":\"no\"}");
}

/* Its /tmp stays, so the second one knows that it is. */
TEST(a_failed_init_is_repeated_inside_the_first_invocation)
{
	static const char *const ways[] = { "once fail Runtime.Mine", "once exit 7" };

	for (int i = 0; i < 4; i++) {
		const struct faas_result *result;

		init_with(ways[i / 2]);
		result = i % 2 ? flow_call_async(&flow, "p", "count") :
				 flow_call(&flow, "p", "count");
		assert_true(flow_says(result, "1"));
		assert_true(result->init_ms == 0);
	}
	flow_await_logs(&flow, "REPORT RequestId", 4);
	assert_int_equal(flow_log_count(&flow, "\tPhase: init\tStatus: error\t"), 4);
	assert_int_equal(flow_log_count(&flow, "\tPhase: invoke\t"), 0);
}

TEST(an_error_of_init_that_is_too_large_is_told_without_its_words)
{
	init_with("large 7000000");
	fails("count", FAAS_EFUNCTION, "Runtime.Unknown", "");
}

TEST(a_program_that_ends_in_its_init_has_ended)
{
	init_with("exit 7");
	fails("count", FAAS_EFUNCTION, "Runtime.ExitError",
	      EXIT("Runtime exited with error: exit status 7"));
	init_with("exit 0");
	fails("count", FAAS_EFUNCTION, "Runtime.ExitError",
	      EXIT("Runtime exited without providing a reason"));
}

TEST(init_costs_the_event_no_time)
{
	const struct faas_result *result;

	assert_int_equal(faas_function_update(
				 flow.rt, FAAS_FUNCTION(.name = "p", .timeout_ms = 400), NULL),
			 0);
	init_with("sleep 600");
	result = flow_call(&flow, "p", "count");
	assert_int_equal(result->code, FAAS_OK);
	assert_true(result->init_ms >= 600);
	assert_true(result->duration_ms < 400);
}

TEST(a_provisioned_program_is_ready_and_told_so)
{
	struct faas_function_info *info = NULL;

	flow_function(&flow, FAAS_FUNCTION(.name = "q", .code = TEST_PROGRAMS,
					   .runtime = "provided", .handler = "h",
					   .provisioned = 1));
	for (int i = 0; i < 500; i++) {
		assert_int_equal(faas_function_get(flow.rt, "q", &info, NULL), 0);
		i = info->provisioned_available == 1 ? 500 : i;
		faas_free(info);
		usleep(10000);
	}
	assert_true(flow_says(flow_call(&flow, "q", "env AWS_LAMBDA_INITIALIZATION_TYPE"),
			      "provisioned-concurrency"));
	assert_true(flow_says(flow_call(&flow, "q", "count"), "1"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		ROW(an_event_reaches_the_program_and_its_answer_comes_back),
		ROW(it_is_served_through_the_loop_as_well),
		ROW(it_sees_the_headers_of_the_runtime_api),
		ROW(its_client_context_and_trace_are_headers),
		ROW(it_may_have_as_many_descriptors_as_in_lambda),
		ROW(it_has_lambdas_variables_and_its_code_is_the_current_directory),
		ROW(what_it_prints_is_logged_in_the_stream_that_it_is_told),
		ROW(a_record_of_many_lines_is_one_line_of_the_log),
		ROW(an_error_is_told_in_the_programs_own_words_and_keeps_it_warm),
		ROW(each_way_to_end_has_the_words_of_lambda_and_keeps_tmp),
		ROW(a_program_that_ends_after_its_answer_has_answered),
		ROW(a_timeout_ends_all_of_it_and_keeps_tmp),
		ROW(an_answer_may_be_as_large_as_lambdas_and_not_one_byte_larger),
		ROW(a_program_that_eats_more_than_its_memory_is_out_of_memory),
		ROW(the_memory_of_all_its_processes_counts),
		ROW(the_cpu_time_of_all_its_processes_counts),
		ROW(a_failed_init_is_the_answer_of_the_first_invocation),
		ROW(a_failed_init_is_repeated_inside_the_first_invocation),
		ROW(an_error_of_init_that_is_too_large_is_told_without_its_words),
		ROW(a_program_that_ends_in_its_init_has_ended),
		ROW(init_costs_the_event_no_time),
		ROW(a_provisioned_program_is_ready_and_told_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
