/* SPDX-License-Identifier: MIT */
/* Routes of the host's, as API Gateway has them. */
#include <faas/plugin.h>

#include "support/test.h"

#include <stdio.h>
#include <string.h>

#include "support/client.h"
#include "support/flow.h"

#include <faas/http.h>

static struct flow flow;
static struct faas_http *http;
static struct answer answer;
static struct faas_error err;

/* What the functions were told, who was called, and what they say. */
static char told[65536];
static const char *called, *says;

static int note(struct faas_context *ctx, struct faas_bytes event)
{
	snprintf(told, sizeof(told), "%.*s", (int)event.len, (const char *)event.data);
	called = ctx->function_name[0] == 'f' ? "f" : "g";
	if (!strcmp(says, "fail"))
		return faas_fail(ctx, "Test.Refused", "no");
	return faas_puts(ctx, says);
}

static int open_it(void **state)
{
	(void)state;
	says = "\"hi\"";
	called = "";
	flow_open(&flow, NULL, false);
	flow_function(&flow, &(struct faas_function_config){ .name = "f", .native = note });
	flow_function(&flow, &(struct faas_function_config){ .name = "g", .native = note });
	http = faas_http_listen(flow.rt, NULL, &err);
	if (!http)
		fail_msg("%s", err.message);
	return 0;
}

static int close_it(void **state)
{
	(void)state;
	answer_free(&answer);
	flow_close(&flow);
	return 0;
}

static void route(const char *text, const char *function)
{
	if (faas_http_route(http, FAAS_HTTP_ROUTE(.route = text, .function = function), &err))
		fail_msg("%s", err.message);
}

static void get(const char *method, const char *target, int status)
{
	struct client client;
	char text[1024];

	answer_free(&answer);
	called = "";
	snprintf(text, sizeof(text),
		 "%s %s HTTP/1.1\r\nHost: api.localhost:1\r\n"
		 "Origin: https://example.org\r\n\r\n",
		 method, target);
	client_open(&client, faas_http_port(http));
	answer = client_ask(&client, text);
	client_close(&client);
	if (answer.status != status)
		fail_msg("%s %s: %d %s", method, target, answer.status, answer.body);
}

static void was_told(const char *text)
{
	if (!strstr(told, text))
		fail_msg("%s is not in %s", text, told);
}

TEST(a_request_that_fits_a_route_is_an_event_of_payload_2_0)
{
	route("GET /items/{id}/{rest+}", "f");
	get("GET", "/items/a%20b/c/d?q=1", 200);
	assert_string_equal(answer.body, "hi");
	was_told("{\"version\":\"2.0\",\"routeKey\":\"GET /items/{id}/{rest+}\","
		 "\"rawPath\":\"/items/a%20b/c/d\",\"rawQueryString\":\"q=1\"");
	was_told("\"pathParameters\":{\"id\":\"a b\",\"rest\":\"c/d\"}");
	was_told("\"accountId\":\"000000000000\"");
	was_told("\"domainName\":\"api.localhost\",\"domainPrefix\":\"api\"");
	was_told("\"stage\":\"$default\"");
}

TEST(a_part_of_a_path_that_is_no_utf_8_is_latin_1_as_in_a_query)
{
	route("GET /items/{id}", "f");
	get("GET", "/items/caf%e9?q=caf%e9", 200);
	was_told("\"pathParameters\":{\"id\":\"caf\xc3\xa9\"}");
	was_told("\"queryStringParameters\":{\"q\":\"caf\xc3\xa9\"}");
}

TEST(a_stage_is_the_first_part_of_the_path)
{
	assert_int_equal(
		faas_http_route(http,
				FAAS_HTTP_ROUTE(.route = "GET /items/{id}", .function = "f",
						.stage = "dev", .payload = 1),
				&err),
		0);
	says = "{\"statusCode\":200,\"body\":\"made\"}";
	get("GET", "/dev/items/7?a=1&a=2", 200);
	assert_string_equal(answer.body, "made");
	was_told("{\"version\":\"1.0\",\"resource\":\"/items/{id}\",\"path\":\"/items/7\"");
	was_told("\"path\":\"/dev/items/7\"");
	was_told("\"stage\":\"dev\"");
	was_told("\"multiValueQueryStringParameters\":{\"a\":[\"1\",\"2\"]}");
	was_told("\"pathParameters\":{\"id\":\"7\"}");
	get("GET", "/items/7", 403);
	get("GET", "/devil/items/7", 403);
}

TEST(the_most_exact_route_is_meant)
{
	static const char *const in_order[] = { "$default",   "ANY /{all+}", "ANY /a/{rest+}",
						"ANY /a/{b}", "GET /a/{b}",  "ANY /a/b",
						"GET /a/b" };

	for (size_t i = 0; i < sizeof(in_order) / sizeof(*in_order); i++) {
		char want[128];

		route(in_order[i], i % 2 ? "f" : "g");
		get("GET", "/a/b", 200);
		snprintf(want, sizeof(want), "\"routeKey\":\"%s\"", in_order[i]);
		was_told(want);
		assert_string_equal(called, i % 2 ? "f" : "g");
	}
	get("POST", "/a/b", 200);
	was_told("\"routeKey\":\"ANY /a/b\"");
	get("POST", "/a/c", 200);
	was_told("\"routeKey\":\"ANY /a/{b}\"");
	get("POST", "/a/c/d", 200);
	was_told("\"routeKey\":\"ANY /a/{rest+}\"");
	get("POST", "/", 200);
	was_told("\"routeKey\":\"$default\"");
}

TEST(a_stage_of_its_own_is_more_exact_than_any_path)
{
	route("GET /dev/a", "g");
	get("GET", "/dev/a", 200);
	assert_string_equal(called, "g");
	assert_int_equal(
		faas_http_route(http,
				FAAS_HTTP_ROUTE(.route = "ANY /{all+}", .function = "f",
						.stage = "dev"),
				&err),
		0);
	get("GET", "/dev/a", 200);
	assert_string_equal(called, "f");
}

TEST(what_fits_no_route_is_not_found)
{
	static const char *const rows[] = { "/items",     "/items/", "/items/7/",
					    "/items/7/x", "/",       "/ITEMS/7" };

	route("GET /items/{id}", "f");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		get("GET", rows[i], 403); /* of a page of somebody else: there is nothing for it */
	get("POST", "/items/7", 403);
	get("GET", "/items/7", 200);
	get("GET", "/items/%zz", 400);
	assert_string_equal(called, "");
}

TEST(operations_and_urls_go_before_routes)
{
	route("$default", "f");
	get("GET", "/url/nobody/", 404);
	get("GET", "/2015-03-31/functions", 403);
	assert_string_equal(called, "");
	get("GET", "/2015-03-31/nothing", 200);
	assert_string_equal(called, "f");
}

TEST(a_failure_is_told_as_each_kind_of_api_tells_it)
{
	says = "fail";
	route("GET /two", "f");
	assert_int_equal(
		faas_http_route(http,
				FAAS_HTTP_ROUTE(.route = "GET /one", .function = "f", .payload = 1),
				&err),
		0);
	get("GET", "/two", 500);
	assert_string_equal(answer.body, "{\"message\":\"Internal Server Error\"}");
	get("GET", "/one", 502);
	assert_string_equal(answer.body, "{\"message\":\"Internal server error\"}");
	says = "\"no status\"";
	get("GET", "/one", 502);
	get("GET", "/two", 200);
}

TEST(a_route_is_exchanged_and_removed)
{
	route("GET /", "f");
	route("GET /", "g");
	get("GET", "/", 200);
	assert_string_equal(called, "g");
	route("GET /", NULL);
	get("GET", "/", 403);
	assert_int_equal(faas_http_route(http, FAAS_HTTP_ROUTE(.route = "GET /"), &err),
			 FAAS_ENOTFOUND);
	assert_string_equal(err.message, "there is no route 'GET /'");
}

TEST(what_is_no_route_is_refused_and_says_what_is_one)
{
	static const char *const bad[] = { "",          "GET",         "GET items",  "get /",
					   "GET  /",    "GET /a b",    "GET /{",     "GET /{}",
					   "GET /a{b}", "GET /{a+}/b", "GET /{a b}", "/items" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (faas_http_route(http, FAAS_HTTP_ROUTE(.route = bad[i], .function = "f"),
				    &err) != FAAS_EINVAL)
			fail_msg("'%s' is accepted", bad[i]);
		assert_non_null(
			strstr(err.message, "expected \"METHOD /path/{parameter}/{rest+}\""));
	}
	assert_int_equal(
		faas_http_route(http,
				FAAS_HTTP_ROUTE(.route = "GET /", .function = "f", .stage = "a/b"),
				&err),
		FAAS_EINVAL);
	assert_int_equal(
		faas_http_route(http,
				FAAS_HTTP_ROUTE(.route = "GET /", .function = "f", .payload = 3),
				&err),
		FAAS_EINVAL);
	assert_int_equal(
		faas_http_route(http, FAAS_HTTP_ROUTE(.route = "GET /", .function = "a b"), &err),
		FAAS_EINVAL);
}

TEST(there_are_three_hundred_routes_and_no_more)
{
	char text[64];

	for (int i = 0; i < 300; i++) {
		snprintf(text, sizeof(text), "GET /%d", i);
		route(text, "f");
	}
	route("GET /7", "g");
	assert_int_equal(
		faas_http_route(http, FAAS_HTTP_ROUTE(.route = "GET /x", .function = "f"), &err),
		FAAS_ETOOLARGE);
	get("GET", "/7", 200);
	assert_string_equal(called, "g");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_it, close_it)
	const struct CMUnitTest tests[] = {
		CASE(a_request_that_fits_a_route_is_an_event_of_payload_2_0),
		CASE(a_part_of_a_path_that_is_no_utf_8_is_latin_1_as_in_a_query),
		CASE(a_stage_is_the_first_part_of_the_path),
		CASE(the_most_exact_route_is_meant),
		CASE(a_stage_of_its_own_is_more_exact_than_any_path),
		CASE(what_fits_no_route_is_not_found),
		CASE(operations_and_urls_go_before_routes),
		CASE(a_failure_is_told_as_each_kind_of_api_tells_it),
		CASE(a_route_is_exchanged_and_removed),
		CASE(what_is_no_route_is_refused_and_says_what_is_one),
		CASE(there_are_three_hundred_routes_and_no_more),
	};

	return cmocka_run_group_tests_name("routes", tests, NULL, NULL);
}
