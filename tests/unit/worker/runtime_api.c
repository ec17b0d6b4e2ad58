/* SPDX-License-Identifier: MIT */
#include <worker/program/runtime_api.h>

#include <support/test.h>

#define ID "8476a536-e9f4-11e8-9739-2dfe598c3fcd"
#define NEXT "/2018-06-01/runtime/invocation/next"
#define RESPONSE "/2018-06-01/runtime/invocation/" ID "/response"
#define ERROR "/2018-06-01/runtime/invocation/" ID "/error"
#define MODE "Lambda-Runtime-Function-Response-Mode"
#define INIT_ERROR "/2018-06-01/runtime/init/error"

static const struct faas_context context = {
	.request_id = ID,
	.invoked_arn = "arn",
	.trace_id = "Root=1",
	.deadline_ms = 1234567890123,
};

static struct fa_runtime_api api;
static struct fa_runtime_answer answer;

static struct faas_bytes bytes(const char *text)
{
	return (struct faas_bytes){ text, strlen(text) };
}

static enum fa_runtime_step ask(const char *method, const char *target, const char *name,
				const char *value, struct faas_bytes body)
{
	struct fa_http_field field = { name, value };
	struct fa_http_request request = { .method = method,
					   .target = target,
					   .fields = &field,
					   .field_count = name ? 1 : 0,
					   .body = body };

	return fa_runtime_take(&api, &request, &answer);
}

static enum fa_runtime_step get(const char *target)
{
	return ask("GET", target, NULL, NULL, bytes(""));
}

static enum fa_runtime_step post(const char *target, const char *body)
{
	return ask("POST", target, NULL, NULL, bytes(body));
}

static const char *field(const char *name)
{
	struct fa_http_request shown = { .fields = answer.fields,
					 .field_count = answer.field_count };

	return fa_http_get(&shown, name);
}

static void assert_refused(int status, const char *body)
{
	assert_int_equal(answer.status, status);
	assert_int_equal(answer.body.len, strlen(body));
	assert_memory_equal(answer.body.data, body, strlen(body));
}

static void start_event(void)
{
	fa_runtime_init(&api);
	assert_false(fa_runtime_offer(&api, &context, bytes("{\"a\":1}")));
	assert_int_equal(get(NEXT), FA_RUNTIME_REPLY);
}

TEST(an_event_that_came_first_is_the_answer_to_next)
{
	start_event();
	assert_int_equal(answer.status, 200);
	assert_memory_equal(answer.body.data, "{\"a\":1}", answer.body.len);
	assert_string_equal(field("Content-Type"), "application/json");
	assert_string_equal(field("Lambda-Runtime-Aws-Request-Id"), ID);
	assert_string_equal(field("Lambda-Runtime-Deadline-Ms"), "1234567890123");
	assert_string_equal(field("Lambda-Runtime-Invoked-Function-Arn"), "arn");
	assert_string_equal(field("Lambda-Runtime-Trace-Id"), "Root=1");
	assert_null(field("Lambda-Runtime-Client-Context"));
}

TEST(a_runtime_that_asks_first_waits_for_its_event)
{
	fa_runtime_init(&api);
	assert_int_equal(get(NEXT), FA_RUNTIME_WAIT);
	assert_true(fa_runtime_offer(&api, &context, bytes("1")));
	fa_runtime_event(&api, &answer);
	assert_string_equal(field("Lambda-Runtime-Aws-Request-Id"), ID);
	assert_int_equal(api.state, FA_RUNTIME_RUNNING);
}

TEST(next_once_more_is_the_same_event)
{
	start_event();
	assert_int_equal(get(NEXT), FA_RUNTIME_REPLY);
	assert_string_equal(field("Lambda-Runtime-Aws-Request-Id"), ID);
}

TEST(a_response_is_the_result_and_then_comes_the_next_event)
{
	start_event();
	assert_int_equal(post(RESPONSE, "\"fine\""), FA_RUNTIME_RESULT);
	assert_refused(202, "{\"status\":\"OK\"}\n");
	assert_false(api.result.failed);
	assert_memory_equal(api.result.body.data, "\"fine\"", api.result.body.len);
	assert_int_equal(get(NEXT), FA_RUNTIME_WAIT);
}

TEST(a_second_response_has_a_wrong_id)
{
	start_event();
	assert_int_equal(post(RESPONSE, "1"), FA_RUNTIME_RESULT);
	assert_int_equal(post(RESPONSE, "2"), FA_RUNTIME_REPLY);
	assert_refused(400, "{\"errorMessage\":\"Invalid request ID\","
			    "\"errorType\":\"InvalidRequestID\"}\n");
}

TEST(another_events_id_is_refused_and_the_event_goes_on)
{
	start_event();
	post("/2018-06-01/runtime/invocation/" ID "0/response", "1");
	assert_int_equal(answer.status, 400);
	post("/2018-06-01/runtime/invocation/8476/error", "1");
	assert_int_equal(answer.status, 400);
	assert_int_equal(post(RESPONSE, "1"), FA_RUNTIME_RESULT);
}

TEST(who_has_not_asked_for_an_event_cannot_answer_it)
{
	fa_runtime_init(&api);
	fa_runtime_offer(&api, &context, bytes("1"));
	assert_int_equal(post(RESPONSE, "1"), FA_RUNTIME_REPLY);
	assert_refused(403, "{\"errorMessage\":\"State transition from Started to ResponseSent "
			    "failed for runtime. Error: State transition is not allowed\","
			    "\"errorType\":\"InvalidStateTransition\"}\n");
	assert_int_equal(post(ERROR, "1"), FA_RUNTIME_REPLY);
	assert_int_equal(answer.status, 403);
}

TEST(a_response_may_be_as_large_as_lambdas_and_no_larger)
{
	static char large[FA_RUNTIME_BODY_MAX + 1];

	start_event();
	assert_int_equal(
		ask("POST", RESPONSE, NULL, NULL, (struct faas_bytes){ large, sizeof(large) }),
		FA_RUNTIME_RESULT);
	assert_refused(413, "{\"errorMessage\":\"Exceeded maximum allowed payload size "
			    "(6291556 bytes).\",\"errorType\":\"RequestEntityTooLarge\"}\n");
	assert_true(api.result.too_large);
	start_event();
	assert_int_equal(
		ask("POST", RESPONSE, NULL, NULL, (struct faas_bytes){ large, sizeof(large) - 1 }),
		FA_RUNTIME_RESULT);
	assert_false(api.result.too_large);
}

TEST(a_response_mode_that_is_none_is_refused_and_the_event_has_failed)
{
	start_event();
	assert_int_equal(ask("POST", RESPONSE, MODE, "singing", bytes("1")), FA_RUNTIME_RESULT);
	assert_refused(400, "{\"errorMessage\":\"Invalid function response mode\","
			    "\"errorType\":\"InvalidFunctionResponseMode\"}\n");
	assert_string_equal(api.result.type, "Runtime.InvalidResponseModeHeader");
	assert_string_equal(api.result.message, "Invalid function response mode");
	assert_int_equal(get(NEXT), FA_RUNTIME_WAIT);
}

/* ---- a response that is passed on ---------------------------------------- */

static bool begin(const char *target, const char *mode, const char *type, bool parts)
{
	struct fa_http_field fields[] = { { "Content-Type", type ? type : "a/b" }, { MODE, mode } };
	struct fa_http_request request = {
		.method = "POST", .target = target, .fields = fields, .field_count = mode ? 2 : 1
	};

	return fa_runtime_begin(&api, &request, parts);
}

static void end(const char *type, const char *body)
{
	struct fa_http_field trailers[] = { { "Lambda-Runtime-Function-Error-Type", type },
					    { "Lambda-Runtime-Function-Error-Body", body } };
	struct fa_http_request request = { .method = "POST",
					   .target = RESPONSE,
					   .trailers = trailers,
					   .trailer_count = !type  ? 0
							    : body ? 2
								   : 1 };

	fa_runtime_end(&api, &request, &answer);
}

TEST(a_response_is_passed_on_in_its_mode_or_to_who_wants_parts)
{
	start_event();
	assert_false(begin(RESPONSE, NULL, NULL, false));
	assert_false(begin(RESPONSE, "singing", NULL, true));
	assert_false(begin(ERROR, "streaming", NULL, true));
	assert_false(
		begin("/2018-06-01/runtime/invocation/other/response", "streaming", NULL, true));
	assert_true(begin(RESPONSE, NULL, NULL, true));
	assert_false(api.streaming || api.http);
	start_event();
	assert_true(begin(RESPONSE, "Streaming", NULL, false));
	assert_true(api.streaming && !api.http);
	start_event();
	assert_true(begin(RESPONSE, "streaming",
			  "application/vnd.awslambda.http-integration-response", true));
	assert_true(api.http);
	fa_runtime_init(&api);
	assert_false(begin(RESPONSE, "streaming", NULL, true));
}

TEST(meanwhile_nothing_else_is_said_of_the_event)
{
	start_event();
	assert_true(begin(RESPONSE, "streaming", NULL, true));
	assert_false(begin(RESPONSE, "streaming", NULL, true));
	assert_int_equal(post(RESPONSE, "1"), FA_RUNTIME_REPLY);
	assert_int_equal(answer.status, 403);
	assert_int_equal(post(ERROR, "1"), FA_RUNTIME_REPLY);
	assert_int_equal(answer.status, 403);
	assert_int_equal(get(NEXT), FA_RUNTIME_REPLY);
	assert_refused(403, "{\"errorMessage\":\"State transition from InvocationResponse to Ready "
			    "failed for runtime. Error: State transition is not allowed\","
			    "\"errorType\":\"InvalidStateTransition\"}\n");
}

TEST(it_ends_well_or_with_what_its_trailers_say)
{
	static const struct {
		const char *type, *body, *result, *text;
	} rows[] = {
		{ NULL, NULL, "", "" },
		{ "Function.Mine", "e30=", "Function.Mine", "{}" },
		{ "Function.Mine", "eyJhIjoxfQ==", "Function.Mine", "{\"a\":1}" },
		{ "TypeError", NULL, "Runtime.Unknown", "" },
		{ "Function.Mine", "no!", "Function.Mine", "" },
		{ "Function.Mine", "", "Function.Mine", "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		start_event();
		assert_true(begin(RESPONSE, "streaming", NULL, true));
		end(rows[i].type, rows[i].body);
		assert_refused(202, "{\"status\":\"OK\"}\n");
		assert_int_equal(api.result.failed, rows[i].type != NULL);
		assert_string_equal(api.result.type, rows[i].result);
		assert_int_equal(api.result.body.len, strlen(rows[i].text));
		if (*rows[i].text)
			assert_memory_equal(api.result.body.data, rows[i].text,
					    strlen(rows[i].text));
		assert_int_equal(get(NEXT), FA_RUNTIME_WAIT);
	}
}

TEST(one_that_is_cut_or_too_long_is_over)
{
	start_event();
	begin(RESPONSE, "streaming", NULL, true);
	fa_runtime_cut(&api);
	assert_string_equal(api.result.type, "Runtime.TruncatedResponse");
	assert_int_equal(get(NEXT), FA_RUNTIME_WAIT);
	start_event();
	begin(RESPONSE, "streaming", NULL, true);
	fa_runtime_overflow(&api, &answer);
	assert_int_equal(answer.status, 413);
	assert_true(api.result.too_large);
	assert_int_equal(get(NEXT), FA_RUNTIME_WAIT);
}

static void assert_error_type(const char *sent, const char *taken)
{
	start_event();
	assert_int_equal(ask("POST", ERROR, sent ? "lambda-runtime-function-error-type" : NULL,
			     sent, bytes("{}")),
			 FA_RUNTIME_RESULT);
	assert_true(api.result.failed);
	assert_string_equal(api.result.type, taken);
	assert_memory_equal(api.result.body.data, "{}", 2);
}

TEST(a_streamed_response_is_a_response)
{
	start_event();
	assert_int_equal(ask("POST", RESPONSE, MODE, "streaming", bytes("1")), FA_RUNTIME_RESULT);
}

TEST(an_error_has_the_type_that_lambda_would_give_it)
{
	assert_error_type("Runtime.ImportModuleError", "Runtime.ImportModuleError");
	assert_error_type("Function.Mine", "Function.Mine");
	assert_error_type("Function.mine", "Function.Unknown");
	assert_error_type("Function.Mine!", "Function.Unknown");
	assert_error_type("Runtime.X", "Runtime.Unknown");
	assert_error_type("Runtime.", "Runtime.Unknown");
	assert_error_type("ValueError", "Runtime.Unknown");
	assert_error_type(NULL, "Runtime.Unknown");
	assert_error_type("Function.Aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
			  "Function.Unknown");
}

TEST(an_init_that_failed_ends_it)
{
	fa_runtime_init(&api);
	assert_int_equal(ask("POST", INIT_ERROR, "Lambda-Runtime-Function-Error-Type",
			     "Runtime.HandlerNotFound", bytes("{}")),
			 FA_RUNTIME_RESULT);
	assert_string_equal(api.result.type, "Runtime.HandlerNotFound");
	assert_int_equal(get(NEXT), FA_RUNTIME_REPLY);
	assert_int_equal(answer.status, 403);
}

TEST(init_cannot_fail_once_an_event_was_asked_for)
{
	fa_runtime_init(&api);
	get(NEXT);
	assert_int_equal(post(INIT_ERROR, "{}"), FA_RUNTIME_REPLY);
	assert_int_equal(answer.status, 403);
	assert_int_equal(api.state, FA_RUNTIME_READY);
}

TEST(ping_and_what_is_not_there)
{
	fa_runtime_init(&api);
	get("/2018-06-01/ping");
	assert_refused(200, "pong");
	get("/2018-06-01/runtime/invocation/");
	assert_int_equal(answer.status, 404);
	get("/");
	assert_int_equal(answer.status, 404);
	post(NEXT, "");
	assert_int_equal(answer.status, 405);
}

#define RESTORE_NEXT "/2018-06-01/runtime/restore/next"
#define RESTORE_ERROR "/2018-06-01/runtime/restore/error"

static void await_restore(void)
{
	fa_runtime_init(&api);
	api.snap_start = true;
	assert_int_equal(get(RESTORE_NEXT), FA_RUNTIME_WAIT);
	assert_int_equal(api.state, FA_RUNTIME_RESTORABLE);
}

TEST(a_restorable_runtime_is_restored_and_then_has_its_event)
{
	await_restore();
	assert_false(fa_runtime_offer(&api, &context, bytes("1")));
	fa_runtime_restore(&api, &answer);
	assert_refused(200, "");
	assert_int_equal(get(NEXT), FA_RUNTIME_REPLY);
	assert_string_equal(field("Lambda-Runtime-Aws-Request-Id"), ID);
	get(RESTORE_NEXT);
	assert_refused(403,
		       "{\"errorMessage\":\"State transition from Running to RestoreReady failed "
		       "for runtime. Error: State transition is not allowed\",\"errorType\":"
		       "\"InvalidStateTransition\"}\n");
}

TEST(who_asks_again_to_be_restored_is_when_the_event_is_there)
{
	await_restore();
	assert_int_equal(get(RESTORE_NEXT), FA_RUNTIME_WAIT);
	fa_runtime_offer(&api, &context, bytes("1"));
	assert_int_equal(get(RESTORE_NEXT), FA_RUNTIME_REPLY);
	assert_int_equal(api.state, FA_RUNTIME_RESTORING);
}

TEST(before_it_is_restored_it_has_no_event_and_no_error_of_restoring)
{
	await_restore();
	fa_runtime_offer(&api, &context, bytes("1"));
	get(NEXT);
	assert_int_equal(answer.status, 403);
	post(RESTORE_ERROR, "{}");
	assert_int_equal(answer.status, 403);
	assert_int_equal(api.state, FA_RUNTIME_RESTORABLE);
}

TEST(an_error_of_restoring_is_the_result)
{
	await_restore();
	fa_runtime_offer(&api, &context, bytes("1"));
	fa_runtime_restore(&api, &answer);
	assert_int_equal(post(RESTORE_ERROR, "{}"), FA_RUNTIME_RESULT);
	assert_refused(202, "{\"status\":\"OK\"}\n");
	assert_int_equal(api.state, FA_RUNTIME_RESTORE_FAILED);
	assert_true(api.result.failed);
	get(NEXT);
	assert_int_equal(answer.status, 403);
}

TEST(without_snap_start_nobody_is_restored)
{
	fa_runtime_init(&api);
	get(RESTORE_NEXT);
	assert_int_equal(answer.status, 404);
	post(RESTORE_ERROR, "{}");
	assert_int_equal(answer.status, 404);
	assert_int_equal(api.state, FA_RUNTIME_STARTED);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_that_came_first_is_the_answer_to_next),
		cmocka_unit_test(a_runtime_that_asks_first_waits_for_its_event),
		cmocka_unit_test(next_once_more_is_the_same_event),
		cmocka_unit_test(a_response_is_the_result_and_then_comes_the_next_event),
		cmocka_unit_test(a_second_response_has_a_wrong_id),
		cmocka_unit_test(another_events_id_is_refused_and_the_event_goes_on),
		cmocka_unit_test(who_has_not_asked_for_an_event_cannot_answer_it),
		cmocka_unit_test(a_response_may_be_as_large_as_lambdas_and_no_larger),
		cmocka_unit_test(a_response_mode_that_is_none_is_refused_and_the_event_has_failed),
		cmocka_unit_test(a_response_is_passed_on_in_its_mode_or_to_who_wants_parts),
		cmocka_unit_test(meanwhile_nothing_else_is_said_of_the_event),
		cmocka_unit_test(it_ends_well_or_with_what_its_trailers_say),
		cmocka_unit_test(one_that_is_cut_or_too_long_is_over),
		cmocka_unit_test(a_streamed_response_is_a_response),
		cmocka_unit_test(an_error_has_the_type_that_lambda_would_give_it),
		cmocka_unit_test(an_init_that_failed_ends_it),
		cmocka_unit_test(init_cannot_fail_once_an_event_was_asked_for),
		cmocka_unit_test(ping_and_what_is_not_there),
		cmocka_unit_test(a_restorable_runtime_is_restored_and_then_has_its_event),
		cmocka_unit_test(who_asks_again_to_be_restored_is_when_the_event_is_there),
		cmocka_unit_test(before_it_is_restored_it_has_no_event_and_no_error_of_restoring),
		cmocka_unit_test(an_error_of_restoring_is_the_result),
		cmocka_unit_test(without_snap_start_nobody_is_restored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
