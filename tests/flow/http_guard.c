/* SPDX-License-Identifier: MIT */
/* An unsigned door is not for the web pages that a browser on this machine shows. */
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "support/client.h"
#include "support/flow.h"

#include <faas/http.h>

#define INVOKE "/2015-03-31/functions/f/invocations"

static struct flow flow;
static struct faas_http *http;
static struct faas_error err;

static int open_it(void **state)
{
	(void)state;
	flow_open(&flow, NULL, false);
	flow_function(&flow, &(struct faas_function_config){ .name = "f", .handler = "echo.echo" });
	http = faas_http_listen(flow.rt, FAAS_HTTP(.names = "lambda.test"), &err);
	assert_non_null(http);
	return 0;
}

static int close_it(void **state)
{
	(void)state;
	flow_close(&flow);
	return 0;
}

/* As a browser sends it for a page: a plain POST, for which it asks nobody before. */
static struct answer post(const char *host, const char *origin)
{
	struct client client;
	struct answer answer;
	char text[1024];

	snprintf(text, sizeof(text),
		 "POST " INVOKE " HTTP/1.1\r\nHost: %s\r\n%s%s%sContent-Type: text/plain\r\n"
		 "Content-Length: 1\r\n\r\n7",
		 host, origin ? "Origin: " : "", origin ? origin : "", origin ? "\r\n" : "");
	client_open(&client, faas_http_port(http));
	answer = client_ask(&client, text);
	client_close(&client);
	return answer;
}

static void is_let_in(const char *host, const char *origin)
{
	struct answer answer = post(host, origin);

	assert_int_equal(answer.status, 200);
	assert_string_equal(answer.body, "7");
	answer_free(&answer);
}

static void is_refused(const char *host, const char *origin, const char *why)
{
	struct answer answer = post(host, origin);

	assert_int_equal(answer.status, 403);
	assert_string_equal(answer_field(&answer, "x-amzn-ErrorType"), "AccessDeniedException");
	assert_string_equal(answer_field(&answer, "Connection"), "close");
	if (!strstr(answer.body, why))
		fail_msg("%s", answer.body);
	answer_free(&answer);
}

static uint64_t invocations(void)
{
	struct faas_stats stats = { .size = sizeof(stats) };

	assert_int_equal(faas_stats(flow.rt, &stats), 0);
	return stats.invocations;
}

TEST(a_page_of_somebody_else_runs_nothing)
{
	is_refused("127.0.0.1:9001", "https://evil.example", "'https://evil.example' may not");
	is_refused("127.0.0.1:9001", "http://localhost:3000", "may not use this door");
	is_refused("127.0.0.1:9001", "null", "may not use this door");
	assert_int_equal(invocations(), 0);
	is_let_in("127.0.0.1:9001", "http://127.0.0.1:9001");
	is_let_in("127.0.0.1:9001", NULL);
	assert_int_equal(invocations(), 2);
}

TEST(a_name_that_was_made_to_lead_here_runs_nothing)
{
	is_refused("evil.example:9001", "http://evil.example:9001", "is no name of this door");
	is_refused("evil.example:9001", NULL, "'evil.example:9001' is no name of this door");
	assert_int_equal(invocations(), 0);
	is_let_in("localhost:9001", NULL);
	is_let_in("f.localhost", "http://f.localhost");
	is_let_in("lambda.test", "http://lambda.test");
	is_let_in("[::1]:9001", NULL);
}

TEST(a_socket_in_the_file_system_has_no_name)
{
	char folder[] = "/tmp/faas-http-XXXXXX", path[64];
	struct client client;
	struct answer answer;

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/api", folder);
	assert_non_null(faas_http_listen(flow.rt, FAAS_HTTP(.path = path), &err));
	client_open_path(&client, path);
	answer = client_ask(&client, "GET /2015-03-31/functions HTTP/1.1\r\nHost: any\r\n\r\n");
	assert_int_equal(answer.status, 200);
	answer_free(&answer);
	client_close(&client);
	flow_close(&flow);
	assert_int_equal(rmdir(folder), 0);
	open_it(NULL);
}

static _Atomic int status;

static void on_done(void *data, const struct faas_http_message *answer)
{
	(void)data;
	status = answer->status;
}

static int serve(const char *origin)
{
	const char *const headers[] = { "Host: www.example", origin, NULL };

	status = 0;
	assert_int_equal(faas_http_serve(http,
					 FAAS_HTTP_MESSAGE(.method = "POST", .target = INVOKE,
							   .headers = headers, .body = { "7", 1 }),
					 on_done, NULL, &err),
			 0);
	while (!status)
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	return status;
}

TEST(pages_are_told_from_others_behind_a_server_of_the_hosts_own)
{
	assert_int_equal(serve("Origin: https://evil.example"), 403);
	assert_int_equal(invocations(), 0);
	assert_int_equal(serve("Origin: https://www.example"), 200);
	assert_int_equal(serve(NULL), 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define OPEN(name) cmocka_unit_test_setup_teardown(name, open_it, close_it)
		OPEN(a_page_of_somebody_else_runs_nothing),
		OPEN(a_name_that_was_made_to_lead_here_runs_nothing),
		OPEN(a_socket_in_the_file_system_has_no_name),
		OPEN(pages_are_told_from_others_behind_a_server_of_the_hosts_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
