/* SPDX-License-Identifier: MIT */
/* The Lambda API over HTTP: headers, statuses and bodies. */
#include "support/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "support/client.h"
#include "support/flow.h"

#include <base/json.h>
#include <faas/http.h>

#define HOST "Host: localhost\r\n"
#define FUNCTIONS "/2015-03-31/functions"
#define ARN "arn:aws:lambda:local-1:000000000000:function:f"

static struct flow flow;
static struct faas_http *http;
static struct client client;
static struct answer answer;
static struct faas_error err;

static int open_it(void **state)
{
	(void)state;
	flow_open(&flow, NULL, false);
	flow_function(&flow, &(struct faas_function_config){ .name = "f", .handler = "echo.echo" });
	http = faas_http_listen(flow.rt, NULL, &err);
	if (!http)
		fail_msg("%s", err.message);
	client_open(&client, faas_http_port(http));
	return 0;
}

static int close_it(void **state)
{
	(void)state;
	answer_free(&answer);
	client_close(&client);
	flow_close(&flow);
	return 0;
}

/* `head`: further fields, each with its line end. */
static void send_it(const char *method, const char *target, const char *head, const char *body)
{
	static char text[65536];

	snprintf(text, sizeof(text), "%s %s HTTP/1.1\r\n" HOST "%sContent-Length: %zu\r\n\r\n%s",
		 method, target, head, strlen(body), body);
	client_send(&client, text);
}

static void ask(const char *method, const char *target, const char *head, const char *body,
		int status)
{
	answer_free(&answer);
	send_it(method, target, head, body);
	answer = client_receive(&client, false);
	if (answer.status != status)
		fail_msg("%s %s: %d %s", method, target, answer.status, answer.body);
	assert_int_equal(strlen(answer_field(&answer, "x-amzn-RequestId")), 36);
}

static void invoke(const char *function, const char *head, const char *body, int status)
{
	char target[256];

	snprintf(target, sizeof(target), FUNCTIONS "/%s/invocations", function);
	ask("POST", target, head, body, status);
}

static void field_is(const char *name, const char *value)
{
	assert_string_equal(answer_field(&answer, name), value);
}

static void refused(const char *type, const char *body)
{
	field_is("x-amzn-ErrorType", type);
	field_is("Content-Type", "application/json");
	assert_string_equal(answer.body, body);
}

static void function(const char *name, const char *handler)
{
	flow_function(&flow, &(struct faas_function_config){ .name = name, .handler = handler });
}

/* ---- invocations ----------------------------------------------------- */

TEST(an_invocation_is_answered_with_what_the_function_said)
{
	invoke("f", "", "{\"a\":1}", 200);
	assert_string_equal(answer.body, "{\"a\":1}");
	field_is("X-Amz-Executed-Version", "$LATEST");
	field_is("X-Amz-Function-Error", "");
	field_is("X-Amz-Log-Result", "");
	field_is("Content-Type", "application/json");
	invoke(ARN, "", "1", 200);
	invoke("arn%3Aaws%3Alambda%3Alocal-1%3A000000000000%3Afunction%3Af%3A%24LATEST/", "", "2",
	       404);
	invoke("000000000000%3Afunction%3Af", "", "3", 200);
	assert_string_equal(answer.body, "3");
}

TEST(the_request_id_is_the_one_that_the_handler_sees)
{
	function("c", "echo.context");
	invoke("c",
	       "X-Amzn-Trace-Id: Root=1-5e34a614-0123456789abcdef01234567\r\n"
	       "X-Amz-Tenant-Id: blue\r\nX-Amz-Client-Context: eyJjIjoxfQ==\r\n",
	       "{}", 200);
	assert_non_null(strstr(answer.body, answer_field(&answer, "x-amzn-RequestId")));
	assert_non_null(strstr(answer.body, "Root=1-5e34a614-0123456789abcdef01234567"));
	assert_non_null(strstr(answer.body, "blue"));
	assert_non_null(strstr(answer.body, "{\"c\":1}"));
}

TEST(a_qualifier_chooses_the_version_that_runs)
{
	assert_int_equal(faas_version_publish(flow.rt, "f", NULL, NULL, &err), 0);
	assert_int_equal(faas_alias_set(flow.rt, "f", "live", 1, 0, 0, &err), 0);
	ask("POST", FUNCTIONS "/f/invocations?Qualifier=live", "", "1", 200);
	field_is("X-Amz-Executed-Version", "1");
	invoke("f:1", "", "1", 200);
	field_is("X-Amz-Executed-Version", "1");
	ask("POST", FUNCTIONS "/f:1/invocations?Qualifier=2", "", "1", 400);
	refused("InvalidParameterValueException", "{\"Type\":\"User\",\"message\":\"The derived "
						  "qualifier from the function name does "
						  "not match the specified qualifier.\"}");
}

TEST(nothing_at_all_reaches_the_function_as_an_empty_object)
{
	invoke("f", "", "", 200);
	assert_string_equal(answer.body, "{}");
}

TEST(what_is_no_json_is_refused)
{
	invoke("f", "", "{\"a\":}", 400);
	refused("InvalidRequestContentException",
		"{\"Type\":\"User\",\"message\":\"Could not parse request body into json: Could "
		"not "
		"parse payload into json: what is at byte 5 cannot be there\"}");
	invoke("f", "X-Amz-Client-Context: nonsense!\r\n", "{}", 400);
	field_is("x-amzn-ErrorType", "InvalidRequestContentException");
	invoke("f", "X-Amz-Client-Context: bm9uZQ==\r\n", "{}", 400);
}

TEST(a_failed_function_is_a_success_of_the_api)
{
	function("fails", "echo.fail");
	invoke("fails", "", "1", 200);
	field_is("X-Amz-Function-Error", "Unhandled");
	field_is("X-Amz-Executed-Version", "$LATEST");
	assert_non_null(strstr(answer.body, "\"errorType\":\"Echo.Refused\""));
}

TEST(the_tail_of_the_log_comes_if_it_is_asked_for)
{
	invoke("f", "X-Amz-Log-Type: Tail\r\n", "1", 200);
	assert_memory_equal(answer_field(&answer, "X-Amz-Log-Result"), "U1RBUlQgUmVxdWVzdElkOi",
			    22);
	invoke("f", "X-Amz-Log-Type: None\r\n", "1", 200);
	field_is("X-Amz-Log-Result", "");
}

TEST(an_event_is_accepted_and_runs_later)
{
	function("logs", "echo.log");
	invoke("logs", "X-Amz-Invocation-Type: Event\r\n", "\"written\"", 202);
	assert_string_equal(answer.body, "");
	field_is("X-Amz-Executed-Version", "");
	flow_await_log(&flow, "written");
	ask("POST", "/2014-11-13/functions/logs/invoke-async/", "", "\"older\"", 202);
	flow_await_log(&flow, "older");
}

TEST(a_dry_run_runs_nothing)
{
	function("logs", "echo.log");
	answer_free(&answer);
	send_it("POST", FUNCTIONS "/logs/invocations", "X-Amz-Invocation-Type: DryRun\r\n", "1");
	answer = client_receive(&client, false);
	assert_int_equal(answer.status, 204);
	assert_string_equal(answer.body, "");
	invoke("nobody", "X-Amz-Invocation-Type: DryRun\r\n", "1", 404);
}

TEST(what_headers_may_say_is_told_in_the_words_of_lambda)
{
	invoke("f", "X-Amz-Invocation-Type: Later\r\n", "1", 400);
	refused("ValidationException", "{\"message\":\"1 validation error detected: Value 'Later' "
				       "at 'invocationType' failed "
				       "to satisfy constraint: Member must satisfy enum value set: "
				       "[Event, RequestResponse, "
				       "DryRun]\"}");
	invoke("f", "X-Amz-Log-Type: Head\r\n", "1", 400);
	field_is("x-amzn-ErrorType", "ValidationException");
	invoke("f%21", "", "1", 400);
	field_is("x-amzn-ErrorType", "ValidationException");
}

TEST(a_function_that_is_not_there_is_not_found)
{
	invoke("nobody", "", "1", 404);
	refused("ResourceNotFoundException",
		"{\"Type\":\"User\",\"Message\":\"Function not found: "
		"arn:aws:lambda:local-1:000000000000:function:nobody:$LATEST\"}");
}

TEST(who_is_throttled_is_told_why_and_when_to_come_again)
{
	flow_function(&flow, &(struct faas_function_config){ .name = "off",
							     .handler = "echo.echo",
							     .max_concurrency = FAAS_NONE });
	invoke("off", "", "1", 429);
	refused("TooManyRequestsException",
		"{\"Reason\":\"ReservedFunctionConcurrentInvocationLimitExceeded\","
		"\"Type\":\"User\",\"message\":\"Rate Exceeded.\"}");
	answer.body[0] = '\0';
	field_is("Retry-After", "1");
}

static void send_sized(const char *head, size_t len, int status)
{
	char *body = malloc(len + 1), text[512];

	memset(body, '1', len);
	snprintf(text, sizeof(text),
		 "POST " FUNCTIONS "/f/invocations HTTP/1.1\r\n" HOST
		 "%sContent-Length: %zu\r\n\r\n",
		 head, len);
	client_close(&client);
	client_open(&client, faas_http_port(http));
	client_send(&client, text);
	client_send_bytes(&client, body, len);
	answer_free(&answer);
	answer = client_receive(&client, false);
	assert_int_equal(answer.status, status);
	if (status == 200)
		assert_int_equal(answer.body_len, len);
	else
		field_is("x-amzn-ErrorType", "RequestEntityTooLargeException");
	free(body);
}

TEST(a_payload_has_a_longest_length)
{
	send_sized("", 6291456, 200);
	send_sized("", 6291457, 413);
	send_sized("X-Amz-Invocation-Type: Event\r\n", 1048577, 413);
}

TEST(a_streamed_answer_is_events)
{
	function("fails", "echo.fail");
	ask("POST", "/2021-11-15/functions/f/response-streaming-invocations", "", "{\"a\":1}", 200);
	field_is("Content-Type", "application/vnd.amazon.eventstream");
	field_is("X-Amz-Executed-Version", "$LATEST");
	assert_non_null(memmem(answer.body, answer.body_len, "PayloadChunk", 12));
	assert_non_null(memmem(answer.body, answer.body_len, "event{\"a\":1}", 12));
	assert_non_null(memmem(answer.body, answer.body_len, "InvokeComplete", 14));
	ask("POST", "/2021-11-15/functions/fails/response-streaming-invocations",
	    "X-Amz-Log-Type: Tail\r\n", "1", 200);
	assert_non_null(memmem(answer.body, answer.body_len, "event{\"half\":", 13));
	assert_non_null(memmem(answer.body, answer.body_len, "\"ErrorCode\":\"Echo.Refused\"", 26));
	assert_non_null(memmem(answer.body, answer.body_len, "\"LogResult\":\"U1RB", 17));
}

/* More than an answer that is whole may have, and the last event behind it. */
TEST(a_streamed_answer_may_be_larger_than_any_other)
{
	flow_function(&flow, &(struct faas_function_config){
				     .name = "parts", .handler = "parts.megabytes",
				     .timeout_ms = 60000 }); /* sanitizers are slow */
	ask("POST", "/2021-11-15/functions/parts/response-streaming-invocations", "", "12", 200);
	assert_true(answer.body_len > 12 << 20);
	assert_non_null(memmem(answer.body, answer.body_len, "InvokeComplete", 14));
	ask("POST", "/2021-11-15/functions/parts/response-streaming-invocations", "", "0", 200);
	assert_null(memmem(answer.body, answer.body_len, "PayloadChunk", 12));
}

/* A long answer to `reader`, who reads nothing, until its function cannot have gone on. */
static void begin_unread(struct client *reader, const char *request)
{
	struct faas_http *small = faas_http_listen(flow.rt, FAAS_HTTP(.max_buffer_mb = 1), &err);
	int little = 65536, much = 1 << 22; /* that the kernel takes */

	assert_non_null(small);
	flow_function(&flow, &(struct faas_function_config){
				     .name = "parts", .handler = "parts.megabytes",
				     .timeout_ms = 600000 });
	client_open(reader, faas_http_port(small));
	setsockopt(reader->fd, SOL_SOCKET, SO_RCVBUF, &little, sizeof(little));
	assert_int_equal(faas_control(flow.rt, "CreateFunctionUrlConfig",
				      "{\"FunctionName\":\"parts\",\"AuthType\":\"NONE\","
				      "\"InvokeMode\":\"RESPONSE_STREAM\"}",
				      NULL, &err),
			 0);
	client_send(reader, request);
	client_close(&client);
	client_open(&client, faas_http_port(small));
	flow_await_idle(&flow, 0, 1);
	for (int i = 0; i < 500; i++) /* as many turns of the loop, and what they would pour */
		ask("GET", FUNCTIONS, "", "", 200);
	setsockopt(reader->fd, SOL_SOCKET, SO_RCVBUF, &much, sizeof(much));
}

#define INVOKE_PARTS \
	"POST /2021-11-15/functions/parts/response-streaming-invocations HTTP/1.1\r\n" HOST \
	"Content-Length: 2\r\n\r\n24"

TEST(an_answer_of_a_url_waits_for_its_reader_in_the_function)
{
	struct client reader;

	begin_unread(&reader, "GET /url/parts/24 HTTP/1.1\r\n" HOST "\r\n");
	answer_free(&answer);
	answer = client_receive(&reader, false);
	client_close(&reader);
	assert_int_equal(answer.body_len, 24 << 20);
}

TEST(an_answer_waits_for_its_reader_in_the_function)
{
	struct client reader;

	begin_unread(&reader, INVOKE_PARTS); /* beyond 1 MB it would have been given up */
	answer_free(&answer);
	answer = client_receive(&reader, false);
	client_close(&reader);
	assert_true(answer.body_len > 24 << 20);
	assert_non_null(memmem(answer.body, answer.body_len, "InvokeComplete", 14));
}

TEST(a_function_ends_whose_reader_left)
{
	struct client reader;

	begin_unread(&reader, INVOKE_PARTS);
	client_reset(&reader);
	flow_await_idle(&flow, 1, 0);
}

/* ---- operations ------------------------------------------------------ */

TEST(an_operation_takes_its_members_from_path_query_and_body)
{
	ask("PUT", FUNCTIONS "/f/configuration", "", "{\"MemorySize\":256,\"FunctionName\":\"g\"}",
	    200);
	assert_non_null(strstr(answer.body, "\"FunctionName\":\"f\""));
	assert_non_null(strstr(answer.body, "\"MemorySize\":256"));
	ask("POST", FUNCTIONS "/f/versions", "", "{\"Description\":\"one\"}", 201);
	ask("GET", FUNCTIONS "/f?Qualifier=1", "", "", 200);
	assert_non_null(strstr(answer.body, "\"Description\":\"one\""));
	ask("GET", FUNCTIONS "/?FunctionVersion=ALL&MaxItems=1", "", "", 200);
	assert_non_null(strstr(answer.body, "{\"NextMarker\":\"1\""));
	ask("DELETE", FUNCTIONS "/f?Qualifier=1", "", "", 204);
	assert_string_equal(answer.body, "");
	ask("GET", FUNCTIONS "/f?Qualifier=1", "", "", 404);
}

TEST(what_is_wrong_with_a_request_is_an_exception)
{
	ask("PUT", FUNCTIONS "/f/configuration", "", "{", 400);
	field_is("x-amzn-ErrorType", "InvalidRequestContentException");
	ask("PUT", FUNCTIONS "/f/configuration", "", "{\"MemorySize\":1}", 400);
	refused("ValidationException",
		"{\"message\":\"1 validation error detected: Value '1' at 'memorySize' failed to "
		"satisfy constraint: Member must have value greater than or equal to 128\"}");
	ask("GET", FUNCTIONS "?MaxItems=x", "", "", 400);
	refused("SerializationException", "{\"Message\":\"MaxItems must be a whole number\"}");
	ask("PUT", FUNCTIONS "/f/configuration", "", "{\"RevisionId\":\"old\"}", 412);
	field_is("x-amzn-ErrorType", "PreconditionFailedException");
}

TEST(what_is_no_operation_is_unknown)
{
	ask("GET", "/", "", "", 404);
	refused("UnknownOperationException", "{\"message\":\"GET / is no operation of this API\"}");
}

TEST(what_is_no_request_is_an_exception_too)
{
	client_send(&client, "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
			     "Transfer-Encoding: chunked\r\n\r\n");
	answer = client_receive(&client, false);
	assert_int_equal(answer.status, 400);
	refused("BadRequestException", "{\"message\":\"Bad Request\"}");
}

TEST(many_changes_at_once_are_all_made)
{
	static struct client clients[16];
	char text[256];

	for (int i = 0; i < 16; i++) {
		client_open(&clients[i], faas_http_port(http));
		snprintf(text, sizeof(text),
			 "POST " FUNCTIONS "/f/aliases HTTP/1.1\r\n" HOST
			 "Content-Length: 41\r\n\r\n"
			 "{\"Name\":\"a%c\",\"FunctionVersion\":\"$LATEST\"}",
			 'a' + i);
		client_send(&clients[i], text);
	}
	for (int i = 0; i < 16; i++) {
		struct answer made = client_receive(&clients[i], false);

		assert_int_equal(made.status, 201);
		answer_free(&made);
		client_close(&clients[i]);
	}
}

/* ---- life ------------------------------------------------------------ */

static void wait_a_ms(void)
{
	nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
}

static void await_busy(int busy)
{
	struct faas_stats stats = { .size = sizeof(stats) };

	for (int i = 0; i < 20000; i++) {
		assert_int_equal(faas_stats(flow.rt, &stats), 0);
		if (stats.environments_busy == busy)
			return;
		wait_a_ms();
	}
	fail_msg("never %d busy", busy);
}

TEST(a_client_that_leaves_does_not_end_what_it_began)
{
	struct faas_stats stats = { .size = sizeof(stats) };

	function("slow", "echo.sleep_ms");
	send_it("POST", FUNCTIONS "/slow/invocations", "", "300");
	await_busy(1);
	client_close(&client);
	await_busy(0);
	assert_int_equal(faas_stats(flow.rt, &stats), 0);
	assert_int_equal(stats.invocations, 1);
	assert_int_equal(stats.errors, 0);
	client_open(&client, faas_http_port(http));
	invoke("f", "", "1", 200);
}

TEST(a_runtime_that_closes_calls_off_what_waits_and_says_so)
{
	function("slow", "echo.sleep_ms");
	send_it("POST", FUNCTIONS "/slow/invocations", "", "60000");
	await_busy(1);
	flow_close(&flow);
	answer = client_receive(&client, false);
	assert_int_equal(answer.status, 500);
	field_is("x-amzn-ErrorType", "ServiceException");
	assert_true(client_is_closed(&client));
	flow_open(&flow, NULL, false);
}

static _Atomic bool closed;

static void on_closed(void *data)
{
	(void)data;
	closed = true;
}

TEST(with_grace_what_runs_is_answered_and_nobody_new_is_let_in)
{
	struct client other;

	function("slow", "echo.sleep_ms");
	client_open(&other, faas_http_port(http));
	send_it("POST", FUNCTIONS "/slow/invocations", "", "300");
	await_busy(1);
	closed = false;
	faas_close(flow.rt, 10000, on_closed, NULL);
	assert_true(client_is_closed(&other));
	answer = client_receive(&client, false);
	assert_int_equal(answer.status, 200);
	assert_string_equal(answer.body, "300");
	field_is("Connection", "close");
	while (!closed)
		wait_a_ms();
	flow_forget(&flow);
	client_close(&other);
	flow_open(&flow, NULL, false);
}

TEST(a_port_is_free_when_its_door_is_closed)
{
	struct faas_http *again;
	int port = faas_http_port(http);
	char expected[80];

	invoke("f", "", "1", 200);
	again = faas_http_listen(flow.rt, FAAS_HTTP(.port = port), &err);
	assert_null(again);
	assert_int_equal(err.code, FAAS_ESYSTEM);
	snprintf(expected, sizeof(expected),
		 "cannot listen on 127.0.0.1, port %d: Address already in use", port);
	assert_string_equal(err.message, expected);
	faas_http_close(http);
	http = faas_http_listen(flow.rt, FAAS_HTTP(.port = port), &err);
	assert_non_null(http);
	client_close(&client);
	client_open(&client, port);
	invoke("f", "", "2", 200);
}

TEST(a_runtime_may_have_many_doors_and_they_may_close_in_any_order)
{
	struct faas_http *doors[4];

	for (int i = 0; i < 4; i++) {
		doors[i] = faas_http_listen(flow.rt, FAAS_HTTP(.host = i & 1 ? "::1" : NULL), &err);
		if (!doors[i] && i & 1)
			doors[i] = faas_http_listen(flow.rt, NULL, &err); /* no IPv6 here */
		assert_non_null(doors[i]);
	}
	faas_http_close(doors[2]);
	faas_http_close(doors[0]);
	faas_http_close(NULL);
	invoke("f", "", "1", 200);
}

static void refuse_config(const struct faas_http_config *config, const char *message)
{
	assert_null(faas_http_listen(flow.rt, config, &err));
	assert_int_equal(err.code, FAAS_EINVAL);
	assert_string_equal(err.message, message);
}

TEST(a_wrong_option_is_refused)
{
	refuse_config(FAAS_HTTP(.port = 65536), "port is 65536: must be between 0 and 65535");
	refuse_config(FAAS_HTTP(.max_connections = -1),
		      "max_connections and max_buffer_mb cannot be negative");
	assert_null(faas_http_listen(flow.rt, FAAS_HTTP(.host = "no address"), &err));
	assert_int_equal(err.code, FAAS_EINVAL);
	assert_null(faas_http_listen(NULL, NULL, &err));
	assert_int_equal(faas_http_port(NULL), 0);
}

TEST(a_socket_in_the_file_system_is_a_door_and_goes_with_it)
{
	char folder[] = "/tmp/faas-http-XXXXXX", path[64], longest[200];
	struct faas_http *door;
	struct stat info;

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/api", folder);
	door = faas_http_listen(flow.rt, FAAS_HTTP(.path = path), &err);
	assert_non_null(door);
	assert_int_equal(faas_http_port(door), 0);
	assert_null(faas_http_listen(flow.rt, FAAS_HTTP(.path = path), &err)); /* in use */
	client_close(&client);
	client_open_path(&client, path);
	invoke("f", "", "1", 200);
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	refuse_config(FAAS_HTTP(.path = longest),
		      "the path of a socket has at most 107 characters");
	flow_close(&flow);
	assert_int_equal(stat(path, &info), -1);
	assert_int_equal(rmdir(folder), 0);
	flow_open(&flow, NULL, false);
}

TEST(a_socket_that_a_dead_program_left_is_replaced_and_a_file_is_not)
{
	char folder[] = "/tmp/faas-http-XXXXXX", path[64], file[64];
	struct client left;

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/api", folder);
	snprintf(file, sizeof(file), "%s/file", folder);
	client_leave_socket(path);
	assert_non_null(faas_http_listen(flow.rt, FAAS_HTTP(.path = path), &err));
	client_open_path(&left, path);
	client_close(&left);
	assert_int_equal(close(open(file, O_CREAT | O_CLOEXEC | O_WRONLY, 0600)), 0);
	assert_null(faas_http_listen(flow.rt, FAAS_HTTP(.path = file), &err));
	assert_int_equal(unlink(file), 0);
	flow_close(&flow);
	assert_int_equal(rmdir(folder), 0);
	flow_open(&flow, NULL, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define OPEN(name) cmocka_unit_test_setup_teardown(name, open_it, close_it)
		OPEN(an_invocation_is_answered_with_what_the_function_said),
		OPEN(the_request_id_is_the_one_that_the_handler_sees),
		OPEN(a_qualifier_chooses_the_version_that_runs),
		OPEN(nothing_at_all_reaches_the_function_as_an_empty_object),
		OPEN(what_is_no_json_is_refused),
		OPEN(a_failed_function_is_a_success_of_the_api),
		OPEN(the_tail_of_the_log_comes_if_it_is_asked_for),
		OPEN(an_event_is_accepted_and_runs_later),
		OPEN(a_dry_run_runs_nothing),
		OPEN(what_headers_may_say_is_told_in_the_words_of_lambda),
		OPEN(a_function_that_is_not_there_is_not_found),
		OPEN(who_is_throttled_is_told_why_and_when_to_come_again),
		OPEN(a_payload_has_a_longest_length),
		OPEN(a_streamed_answer_is_events),
		OPEN(a_streamed_answer_may_be_larger_than_any_other),
		OPEN(an_answer_of_a_url_waits_for_its_reader_in_the_function),
		OPEN(an_answer_waits_for_its_reader_in_the_function),
		OPEN(a_function_ends_whose_reader_left),
		OPEN(an_operation_takes_its_members_from_path_query_and_body),
		OPEN(what_is_wrong_with_a_request_is_an_exception),
		OPEN(what_is_no_operation_is_unknown),
		OPEN(what_is_no_request_is_an_exception_too),
		OPEN(many_changes_at_once_are_all_made),
		OPEN(a_client_that_leaves_does_not_end_what_it_began),
		OPEN(a_runtime_that_closes_calls_off_what_waits_and_says_so),
		OPEN(with_grace_what_runs_is_answered_and_nobody_new_is_let_in),
		OPEN(a_port_is_free_when_its_door_is_closed),
		OPEN(a_runtime_may_have_many_doors_and_they_may_close_in_any_order),
		OPEN(a_wrong_option_is_refused),
		OPEN(a_socket_in_the_file_system_is_a_door_and_goes_with_it),
		OPEN(a_socket_that_a_dead_program_left_is_replaced_and_a_file_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
