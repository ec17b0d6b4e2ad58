/* SPDX-License-Identifier: MIT */
/* Requests to function URLs, with real connections. */
#include <faas/plugin.h>

#include "support/test.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "support/client.h"
#include "support/flow.h"

#include <faas/http.h>

#define TROUBLE \
	"{\"Message\":\"Forbidden. For troubleshooting Function URL authorization issues, see: " \
	"https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html\"}"

static struct flow flow;
static struct faas_http *http;
static struct client client;
static struct answer answer;
static struct faas_error err;
static char url[256], id[33];

/* What the function was told, and what it says. */
static char told[65536];
static const char *says;
static _Atomic int calls;

static int mirror(struct faas_context *ctx, struct faas_bytes event)
{
	snprintf(told, sizeof(told), "%.*s", (int)event.len, (const char *)event.data);
	calls++;
	if (!strcmp(says, "fail"))
		return faas_fail(ctx, "Test.Refused", "no");
	return faas_puts(ctx, !strcmp(says, "event") ? told : says);
}

static void control(const char *operation, const char *request)
{
	char *reply = NULL;
	const char *at;

	if (faas_control(flow.rt, operation, request, &reply, &err))
		fail_msg("%s: %s", operation, err.message);
	at = strstr(reply, "\"FunctionUrl\":\"");
	if (at)
		snprintf(url, sizeof(url), "%.*s", (int)strcspn(at + 15, "\""), at + 15);
	if (at)
		snprintf(id, sizeof(id), "%.32s", strstr(url, "/url/") + 5);
	faas_free(reply);
}

static int open_with(const struct faas_http_config *config)
{
	says = "{}";
	calls = 0;
	flow_open(&flow, NULL, false);
	flow_function(&flow, &(struct faas_function_config){ .name = "f", .native = mirror });
	http = faas_http_listen(flow.rt, config, &err);
	if (!http)
		fail_msg("%s", err.message);
	client_open(&client, faas_http_port(http));
	return 0;
}

static int open_it(void **state)
{
	(void)state;
	open_with(NULL);
	control("CreateFunctionUrlConfig", "{\"FunctionName\":\"f\",\"AuthType\":\"NONE\"}");
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

/* `head`: further fields, each with its line end; a Host among them, or none is sent. */
static void ask(const char *method, const char *target, const char *head, const char *body,
		int status)
{
	static char text[65536];

	answer_free(&answer);
	snprintf(text, sizeof(text), "%s %s HTTP/1.1\r\n%s%sContent-Length: %zu\r\n\r\n%s", method,
		 target, strstr(head, "Host:") ? "" : "Host: 127.0.0.1\r\n", head, strlen(body),
		 body);
	client_send(&client, text);
	answer = client_receive(&client, !strcmp(method, "HEAD"));
	if (answer.status != status)
		fail_msg("%s %s: %d %s", method, target, answer.status, answer.body);
}

/* The path of the URL that the API gave. */
static const char *target(const char *rest)
{
	static char text[512];

	snprintf(text, sizeof(text), "%s%s", strstr(strstr(url, "://") + 3, "/"), rest);
	return text;
}

static void field_is(const char *name, const char *value)
{
	assert_string_equal(answer_field(&answer, name), value);
}

static void was_told(const char *text)
{
	if (!strstr(told, text))
		fail_msg("%s is not in %s", text, told);
}

/* ---- which one ---------------------------------------------------------- */

TEST(a_function_is_called_by_the_url_that_the_api_gave)
{
	char want[128];

	snprintf(want, sizeof(want), "http://127.0.0.1:%d/url/%s/", faas_http_port(http), id);
	assert_string_equal(url, want);
	says = "{\"statusCode\":201,\"headers\":{\"X-Mine\":\"yes\"},\"cookies\":[\"a=1\"],"
	       "\"body\":\"made\"}";
	ask("PUT", target("some/path?q=1"), "Content-Type: text/plain\r\nCookie: c=2\r\n", "body",
	    201);
	assert_string_equal(answer.body, "made");
	field_is("X-Mine", "yes");
	field_is("Set-Cookie", "a=1");
	field_is("Content-Type", "application/json");
	was_told("\"rawPath\":\"/some/path\",\"rawQueryString\":\"q=1\",\"cookies\":[\"c=2\"]");
	was_told("\"method\":\"PUT\",\"path\":\"/some/path\"");
	was_told("\"sourceIp\":\"127.0.0.1\"");
	was_told("\"accountId\":\"anonymous\"");
	was_told("\"routeKey\":\"$default\",\"stage\":\"$default\"");
	was_told("\"body\":\"body\",\"isBase64Encoded\":false");
	snprintf(want, sizeof(want), "\"domainName\":\"%s.lambda-url.local-1.localhost\"", id);
	was_told(want);
}

TEST(a_function_is_called_by_the_name_of_its_host)
{
	char head[256], want[128];

	snprintf(head, sizeof(head), "Host: %s.lambda-url.us-east-1.on.aws:9001\r\n", id);
	ask("GET", "/2015-03-31/functions?x", head, "", 200);
	was_told("\"rawPath\":\"/2015-03-31/functions\",\"rawQueryString\":\"x\"");
	snprintf(want, sizeof(want),
		 "\"domainName\":\"%s.lambda-url.us-east-1.on.aws\",\"domainPrefix\":\"%s\"", id,
		 id);
	was_told(want);
	ask("GET", "/", "Host: nobody.lambda-url.us-east-1.localhost\r\n", "", 404);
	assert_string_equal(
		answer.body,
		"{\"Type\":\"User\",\"Message\":\"There is no function URL 'nobody'\"}");
	ask("GET", "/", "Host: f.lambda-url.us-east-1.localhost\r\n", "", 404);
}

TEST(a_function_is_called_by_its_own_name_if_it_has_a_url)
{
	ask("GET", "/url/f", "", "", 200);
	was_told("\"rawPath\":\"/\"");
	ask("GET", "/url/f?a=1", "", "", 200);
	was_told("\"rawPath\":\"/\",\"rawQueryString\":\"a=1\"");
	ask("GET", "/url/f%3Alive/", "", "", 404);
	ask("GET", "/url/nobody/", "", "", 404);
	ask("GET", "/url/%00/", "", "", 404);
	ask("GET", "/url/", "", "", 404);
	control("DeleteFunctionUrlConfig", "{\"FunctionName\":\"f\"}");
	ask("GET", "/url/f/", "", "", 404);
	assert_int_equal(calls, 2);
}

TEST(an_alias_has_a_url_of_its_own_that_runs_its_version)
{
	assert_int_equal(faas_version_publish(flow.rt, "f", NULL, NULL, &err), 0);
	assert_int_equal(faas_alias_set(flow.rt, "f", "live", 1, 0, 0, &err), 0);
	control("CreateFunctionUrlConfig", "{\"FunctionName\":\"f:live\",\"AuthType\":\"NONE\"}");
	ask("GET", target(""), "", "", 200);
	flow_await_log(&flow, "Version: 1");
	ask("GET", "/url/f:live/", "", "", 200);
	assert_int_equal(calls, 2);
}

TEST(the_request_id_is_the_one_of_the_log)
{
	char want[128];

	ask("GET", target(""), "", "", 200);
	snprintf(want, sizeof(want), "\"requestId\":\"%s\"",
		 answer_field(&answer, "x-amzn-RequestId"));
	was_told(want);
	snprintf(want, sizeof(want), "START RequestId: %s",
		 answer_field(&answer, "x-amzn-RequestId"));
	flow_await_log(&flow, want);
}

TEST(a_url_ends_with_its_function)
{
	control("DeleteFunction", "{\"FunctionName\":\"f\"}");
	ask("GET", target(""), "", "", 404);
	assert_int_equal(calls, 0);
}

static void begins_with(const char *host, const char *authority)
{
	struct faas_http *other = faas_http_listen(flow.rt, FAAS_HTTP(.host = host), &err);
	char want[64];

	if (!other) {
		print_message("%s cannot be had here: %s\n", host, err.message);
		return;
	}
	control("GetFunctionUrlConfig", "{\"FunctionName\":\"f\"}");
	snprintf(want, sizeof(want), "http://%s:%d/url/", authority, faas_http_port(other));
	assert_memory_equal(url, want, strlen(want));
}

TEST(a_url_begins_with_what_a_client_on_this_machine_can_call)
{
	begins_with("0.0.0.0", "127.0.0.1");
	begins_with("::", "127.0.0.1");
	begins_with("::1", "[::1]");
}

/* ---- where from --------------------------------------------------------- */

static void ask_from(const char *source, int port)
{
	client_close(&client);
	client_open_from(&client, source, port);
	ask("GET", "/url/f/", "", "", 200);
}

TEST(a_function_is_told_the_address_of_who_asks)
{
	struct faas_http *both = faas_http_listen(flow.rt, FAAS_HTTP(.host = "::"), &err);

	ask_from("127.0.0.2", faas_http_port(http));
	was_told("\"sourceIp\":\"127.0.0.2\"");
	if (both) {
		ask_from("127.0.0.3", faas_http_port(both));
		was_told("\"sourceIp\":\"127.0.0.3\"");
	} else {
		print_message("no IPv6 here: %s\n", err.message);
	}
}

static sem_t held, let_go;

/* Holds the loop, too. */
static bool hold(void *data, struct faas_http_page *page, const struct faas_http_message *request)
{
	(void)data;
	(void)request;
	sem_post(&held);
	sem_wait(&let_go);
	faas_http_answer(page, FAAS_HTTP_MESSAGE(.status = 200), false);
	return true;
}

static int open_held(void **state)
{
	(void)state;
	sem_init(&held, 0, 0);
	sem_init(&let_go, 0, 0);
	open_with(FAAS_HTTP(.on_page = hold));
	control("CreateFunctionUrlConfig", "{\"FunctionName\":\"f\",\"AuthType\":\"NONE\"}");
	return 0;
}

TEST(who_is_gone_when_its_request_is_read_did_not_come_from_this_machine)
{
	struct client other;

	client_open_from(&other, "127.0.0.2", faas_http_port(http));
	client_send(&client, "GET /hold HTTP/1.1\r\nHost: localhost\r\n\r\n");
	sem_wait(&held);
	client_send(&other, "GET /url/f/ HTTP/1.1\r\nHost: localhost\r\n\r\n");
	client_reset(&other);
	sem_post(&let_go);
	answer = client_receive(&client, false);
	for (int i = 0; !calls && i < 10000; i++)
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	was_told("\"sourceIp\":\"127.0.0.2\"");
}

/* ---- answers ------------------------------------------------------------ */

TEST(plain_json_is_a_200_and_a_string_goes_without_quotes)
{
	says = "{\"message\":\"hi\"}";
	ask("GET", target(""), "", "", 200);
	assert_string_equal(answer.body, "{\"message\":\"hi\"}");
	says = "\"hello\"";
	ask("GET", target(""), "", "", 200);
	assert_string_equal(answer.body, "hello");
	field_is("Content-Length", "5");
	says = "{\"statusCode\":200,\"body\":\"AAEC\",\"isBase64Encoded\":true,\"headers\":"
	       "{\"content-type\":\"image/png\"}}";
	ask("GET", target(""), "", "", 200);
	assert_int_equal(answer.body_len, 3);
	assert_memory_equal(answer.body, "\0\1\2", 3);
	field_is("Content-Type", "image/png");
}

TEST(what_failed_or_is_no_answer_is_a_bad_gateway)
{
	static const char *const rows[] = { "fail", "no json", "{\"statusCode\":100}" };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		says = rows[i];
		ask("GET", target(""), "", "", 502);
		assert_string_equal(answer.body, "Internal Server Error");
	}
	says = "{\"statusCode\":204,\"body\":\"none\"}";
	ask("GET", target(""), "", "", 204);
	ask("GET", target(""), "", "", 204); /* the connection is in step */
}

TEST(a_head_has_no_body_and_one_that_breaks_off_is_told)
{
	says = "\"hello\"";
	ask("HEAD", target(""), "", "", 200);
	field_is("Content-Length", "5");
	was_told("\"method\":\"HEAD\"");
	ask("GET", target("?a=%"), "", "", 400);
	field_is("x-amzn-ErrorType", "SerializationException");
}

TEST(a_throttled_function_is_429)
{
	assert_int_equal(faas_function_reserve(flow.rt, "f", FAAS_NONE, &err), 0);
	ask("GET", target(""), "", "", 429);
	field_is("x-amzn-ErrorType", "TooManyRequestsException");
	assert_int_equal(calls, 0);
}

TEST(a_body_that_makes_too_large_an_event_is_413)
{
	size_t len = 6000000;
	char *body = malloc(len + 1), head[1024];

	memset(body, 'x', len);
	body[len] = '\0';
	snprintf(head, sizeof(head),
		 "POST %s HTTP/1.1\r\nHost: x.localhost\r\nContent-Length: %zu"
		 "\r\nContent-Type: image/png\r\n\r\n",
		 target(""), len);
	client_send(&client, head);
	client_send(&client, body);
	answer = client_receive(&client, false);
	free(body);
	assert_int_equal(answer.status, 413);
	assert_int_equal(calls, 0);
}

/* ---- answers in parts --------------------------------------------------- */

static void streaming(const char *handler, const char *mode)
{
	char request[128];

	flow_function(&flow, &(struct faas_function_config){ .name = "s", .handler = handler });
	snprintf(request, sizeof(request),
		 "{\"FunctionName\":\"s\",\"AuthType\":\"NONE\",\"InvokeMode\":\"%s\"}", mode);
	control("CreateFunctionUrlConfig", request);
}

TEST(an_answer_in_parts_begins_with_its_head)
{
	streaming("parts.http", "RESPONSE_STREAM");
	ask("GET", target(""), "", "", 201);
	field_is("Transfer-Encoding", "chunked");
	field_is("Content-Type", "text/plain");
	field_is("X-Mine", "yes");
	field_is("Set-Cookie", "a=1");
	assert_memory_equal(answer.body, "body: {\"version\":\"2.0\",", 23);
	ask("GET", target(""), "", "", 201); /* the connection is in step */
}

TEST(a_url_that_does_not_stream_has_the_same_function_answer_whole)
{
	streaming("parts.http", "BUFFERED");
	ask("GET", target(""), "", "", 202);
	assert_string_equal(answer.body, "whole");
	field_is("Content-Length", "5");
}

TEST(parts_without_a_head_are_bytes)
{
	streaming("parts.ends", "RESPONSE_STREAM");
	ask("GET", target(""), "", "", 200);
	field_is("Content-Type", "application/octet-stream");
	assert_string_equal(answer.body, "half");
}

TEST(a_head_that_is_none_is_a_bad_gateway)
{
	streaming("parts.bad_http", "RESPONSE_STREAM");
	ask("GET", target(""), "", "", 502);
	assert_string_equal(answer.body, "Internal Server Error");
	ask("GET", target(""), "", "", 502);
}

TEST(a_head_has_at_most_64_kilobytes)
{
	streaming("parts.long_head", "RESPONSE_STREAM");
	ask("GET", target("65536"), "", "", 201);
	assert_string_equal(answer.body, "body");
	ask("GET", target("65537"), "", "", 502);
	ask("GET", target("300000"), "", "", 502);
	ask("GET", target("100"), "", "", 201);
}

TEST(a_head_that_never_ends_is_a_bad_gateway)
{
	static const char *const sizes[] = { "ACT=no-head 100", "ACT=no-head 65500",
					     "ACT=no-head 900000" };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		const char *const variables[] = { sizes[i], NULL };

		flow_function(&flow, FAAS_FUNCTION(.name = "s", .code = TEST_PROGRAMS,
						   .runtime = "provided", .handler = "h",
						   .environment = variables));
		control("CreateFunctionUrlConfig",
			"{\"FunctionName\":\"s\",\"AuthType\":\"NONE\","
			"\"InvokeMode\":\"RESPONSE_STREAM\"}");
		ask("GET", target(""), "", "", 502);
		assert_string_equal(answer.body, "Internal Server Error");
		assert_int_equal(faas_function_delete(flow.rt, "s", &err), 0);
	}
}

TEST(who_is_in_the_middle_of_an_answer_that_fails_sees_that_it_is_not_whole)
{
	char all[4096] = "", request[256];
	size_t len = 0;
	ssize_t n;

	streaming("parts.fails_at_length", "RESPONSE_STREAM");
	snprintf(request, sizeof(request), "GET /url/s/ HTTP/1.1\r\nHost: localhost\r\n\r\n");
	client_send(&client, request);
	while ((n = recv(client.fd, all + len, sizeof(all) - 1 - len, 0)) > 0)
		len += (size_t)n;
	assert_non_null(strstr(all, "HTTP/1.1 200 OK\r\n"));
	assert_true(strstr(all, "\r\n4\r\nhalf\r\n") ||
		    strstr(all, "\r\n2\r\nha\r\n2\r\nlf\r\n"));
	assert_null(strstr(all, "0\r\n\r\n"));
}

/* ---- CORS --------------------------------------------------------------- */

#define ORIGIN "Origin: https://example.org\r\n"
#define PREFLIGHT \
	ORIGIN "Access-Control-Request-Method: PUT\r\n" \
	       "Access-Control-Request-Headers: x-two\r\n"

static void cors(const char *members)
{
	char request[512];

	snprintf(request, sizeof(request), "{\"FunctionName\":\"f\",\"Cors\":{%s}}", members);
	control("UpdateFunctionUrlConfig", request);
}

TEST(a_preflight_is_answered_without_the_function)
{
	cors("\"AllowOrigins\":[\"https://example.org\"],\"AllowMethods\":[\"GET\",\"PUT\"],"
	     "\"AllowHeaders\":[\"x-one\",\"x-two\"],\"ExposeHeaders\":[\"x-three\"],\"MaxAge\":"
	     "60");
	ask("OPTIONS", target(""), PREFLIGHT, "", 200);
	field_is("Access-Control-Allow-Origin", "https://example.org");
	field_is("Access-Control-Allow-Methods", "GET,PUT");
	field_is("Access-Control-Allow-Headers", "x-one,x-two");
	field_is("Access-Control-Max-Age", "60");
	field_is("Access-Control-Allow-Credentials", "");
	field_is("Access-Control-Expose-Headers", "");
	field_is("Vary", "Origin");
	ask("OPTIONS", target(""),
	    "Origin: https://other.org\r\n"
	    "Access-Control-Request-Method: PUT\r\n",
	    "", 200);
	field_is("Access-Control-Allow-Origin", "");
	assert_int_equal(calls, 0);
	ask("OPTIONS", target(""), "", "", 200); /* no preflight */
	assert_int_equal(calls, 1);
}

TEST(without_cors_the_function_answers_for_itself)
{
	says = "{\"statusCode\":200,\"headers\":{\"Access-Control-Allow-Origin\":\"mine\"}}";
	ask("OPTIONS", target(""), PREFLIGHT, "", 200);
	field_is("Access-Control-Allow-Origin", "mine");
	assert_int_equal(calls, 1);
}

TEST(an_answer_says_which_page_may_read_it_and_not_what_the_function_says)
{
	says = "{\"statusCode\":200,\"headers\":{\"Access-Control-Allow-Origin\":\"mine\"}}";
	cors("\"AllowOrigins\":[\"*\"],\"ExposeHeaders\":[\"x-three\",\"date\"]");
	ask("GET", target(""), ORIGIN, "", 200);
	field_is("Access-Control-Allow-Origin", "*");
	field_is("Access-Control-Expose-Headers", "x-three,date");
	field_is("Vary", "");
	ask("GET", target(""), "", "", 200);
	field_is("Access-Control-Allow-Origin", "");
	says = "fail";
	ask("GET", target(""), ORIGIN, "", 502);
	field_is("Access-Control-Allow-Origin", "*");
}

TEST(with_credentials_a_star_is_what_was_asked_for)
{
	cors("\"AllowOrigins\":[\"*\"],\"AllowMethods\":[\"*\"],\"AllowHeaders\":[\"*\"],"
	     "\"AllowCredentials\":true");
	ask("OPTIONS", target(""), PREFLIGHT, "", 200);
	field_is("Access-Control-Allow-Origin", "https://example.org");
	field_is("Access-Control-Allow-Methods", "PUT");
	field_is("Access-Control-Allow-Headers", "x-two");
	field_is("Access-Control-Allow-Credentials", "true");
}

TEST(pages_of_others_get_at_a_url_but_not_by_another_name_of_the_door)
{
	ask("GET", target(""), ORIGIN, "", 200);
	assert_int_equal(calls, 1);
	ask("GET", target(""), "Host: rebound.example.org\r\n", "", 403);
	client_close(&client);
	client_open(&client, faas_http_port(http));
	ask("GET", "/2015-03-31/functions", ORIGIN, "", 403); /* the guard is there */
	assert_int_equal(calls, 1);
}

/* ---- who may ------------------------------------------------------------ */

static const char *secret_of(void *data, const char *access_key)
{
	(void)data;
	return strcmp(access_key, "AKIDEXAMPLE") ? NULL : "secret";
}

static int open_signed(void **state)
{
	(void)state;
	open_with(FAAS_HTTP(.secret_of = secret_of, .url = "https://functions.example.org"));
	control("CreateFunctionUrlConfig", "{\"FunctionName\":\"f\",\"AuthType\":\"AWS_IAM\"}");
	return 0;
}

TEST(a_url_of_aws_iam_is_for_those_who_sign)
{
	ask("GET", "/url/f/", "", "", 403);
	assert_string_equal(answer.body, TROUBLE);
	field_is("x-amzn-ErrorType", "AccessDeniedException");
	ask("GET", "/url/f/",
	    "X-Amz-Date: 20200101T000000Z\r\n"
	    "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20200101/local-1/lambda/"
	    "aws4_request, SignedHeaders=host;x-amz-date, Signature=00\r\n",
	    "", 403);
	field_is("x-amzn-ErrorType", "InvalidSignatureException");
	ask("OPTIONS", "/url/f/", PREFLIGHT, "", 403); /* no page is to ask this one */
	assert_int_equal(calls, 0);
	cors("\"AllowOrigins\":[\"*\"]");
	ask("OPTIONS", "/url/f/", PREFLIGHT, "", 200); /* browsers do not sign these */
	control("UpdateFunctionUrlConfig", "{\"FunctionName\":\"f\",\"AuthType\":\"NONE\"}");
	ask("GET", "/url/f/", "", "", 200); /* though the door has keys */
	assert_int_equal(calls, 1);
}

TEST(a_url_begins_with_what_the_host_says)
{
	char want[128];

	snprintf(want, sizeof(want), "https://functions.example.org/url/%s/", id);
	assert_string_equal(url, want);
	assert_null(faas_http_listen(flow.rt, FAAS_HTTP(.url = "functions.example.org"), &err));
	assert_string_equal(err.message, "url is 'functions.example.org': must be "
					 "\"scheme://host[:port]\" of at most 62 characters");
}

TEST(without_keys_nobody_can_sign)
{
	control("UpdateFunctionUrlConfig", "{\"FunctionName\":\"f\",\"AuthType\":\"AWS_IAM\"}");
	ask("GET", "/url/f/", "Authorization: AWS4-HMAC-SHA256 x\r\n", "", 403);
	assert_string_equal(answer.body, TROUBLE);
}

/* ---- a server of the host's own ------------------------------------------ */

static struct {
	pthread_mutex_t lock;
	int status;
	char body[64];
} served = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void on_served(void *data, const struct faas_http_message *message)
{
	(void)data;
	pthread_mutex_lock(&served.lock);
	snprintf(served.body, sizeof(served.body), "%.*s", (int)message->body.len,
		 (const char *)message->body.data);
	served.status = message->status;
	pthread_mutex_unlock(&served.lock);
}

static int served_status(void)
{
	int status;

	pthread_mutex_lock(&served.lock);
	status = served.status;
	pthread_mutex_unlock(&served.lock);
	return status;
}

TEST(a_host_with_a_server_of_its_own_serves_them_too)
{
	char host[128];
	const char *const headers[] = { host, NULL };

	says = "\"hello\"";
	snprintf(host, sizeof(host), "Host: %s.lambda-url.us-east-1.on.aws", id);
	assert_int_equal(faas_http_serve(http,
					 FAAS_HTTP_MESSAGE(.method = "GET", .target = "/",
							   .headers = headers),
					 on_served, NULL, &err),
			 0);
	for (int i = 0; !served_status() && i < 10000; i++)
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	assert_int_equal(served_status(), 200);
	assert_string_equal(served.body, "hello");
	was_told("\"sourceIp\":\"127.0.0.1\"");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_it, close_it)
	const struct CMUnitTest tests[] = {
		CASE(a_function_is_called_by_the_url_that_the_api_gave),
		CASE(a_function_is_called_by_the_name_of_its_host),
		CASE(a_function_is_called_by_its_own_name_if_it_has_a_url),
		CASE(an_alias_has_a_url_of_its_own_that_runs_its_version),
		CASE(the_request_id_is_the_one_of_the_log),
		CASE(a_url_ends_with_its_function),
		CASE(a_url_begins_with_what_a_client_on_this_machine_can_call),
		CASE(a_function_is_told_the_address_of_who_asks),
		cmocka_unit_test_setup_teardown(
			who_is_gone_when_its_request_is_read_did_not_come_from_this_machine,
			open_held, close_it),
		CASE(plain_json_is_a_200_and_a_string_goes_without_quotes),
		CASE(what_failed_or_is_no_answer_is_a_bad_gateway),
		CASE(a_head_has_no_body_and_one_that_breaks_off_is_told),
		CASE(a_throttled_function_is_429),
		CASE(a_body_that_makes_too_large_an_event_is_413),
		CASE(an_answer_in_parts_begins_with_its_head),
		CASE(a_url_that_does_not_stream_has_the_same_function_answer_whole),
		CASE(parts_without_a_head_are_bytes),
		CASE(a_head_that_is_none_is_a_bad_gateway),
		CASE(a_head_has_at_most_64_kilobytes),
		CASE(a_head_that_never_ends_is_a_bad_gateway),
		CASE(who_is_in_the_middle_of_an_answer_that_fails_sees_that_it_is_not_whole),
		CASE(a_preflight_is_answered_without_the_function),
		CASE(without_cors_the_function_answers_for_itself),
		CASE(an_answer_says_which_page_may_read_it_and_not_what_the_function_says),
		CASE(with_credentials_a_star_is_what_was_asked_for),
		CASE(pages_of_others_get_at_a_url_but_not_by_another_name_of_the_door),
		cmocka_unit_test_setup_teardown(a_url_of_aws_iam_is_for_those_who_sign, open_signed,
						close_it),
		cmocka_unit_test_setup_teardown(a_url_begins_with_what_the_host_says, open_signed,
						close_it),
		CASE(without_keys_nobody_can_sign),
		CASE(a_host_with_a_server_of_its_own_serves_them_too),
	};

	return cmocka_run_group_tests_name("urls", tests, NULL, NULL);
}
