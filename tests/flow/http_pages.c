/* SPDX-License-Identifier: MIT */
/* Pages of the host's, beside the API. */
#include "support/test.h"

#include <stdio.h>
#include <time.h>
#include <uv.h>

#include "support/client.h"
#include "support/flow.h"

#include <faas/http.h>

#define GET(target) "GET " target " HTTP/1.1\r\nHost: localhost\r\n\r\n"
#define MIB (1 << 20)

static struct flow flow;
static struct faas_http *http;
static struct client client;
static struct answer answer;
static struct faas_http_page *waiting; /* [loop] */
static _Atomic int seen, throttled, ended;
static uv_timer_t ticker; /* [loop] */
static char piece[MIB];

static void say(struct faas_http_page *page, const char *text)
{
	static const char *const headers[] = { "Content-Type: text/plain",
					       "X-Mine:  1",
					       "Content-Length: 99",
					       "date: never",
					       "",
					       NULL };

	faas_http_answer(page,
			 FAAS_HTTP_MESSAGE(.status = 200, .headers = headers,
					   .body = { text, strlen(text) }),
			 false);
}

static void on_tick(uv_timer_t *timer)
{
	struct faas_http_page *page = timer->data;

	if (!faas_http_write(page, (struct faas_bytes){ "tick ", 5 }))
		return;
	faas_http_end(page);
	uv_close((uv_handle_t *)timer, NULL);
	ended++;
}

static void tick(struct faas_http_page *page)
{
	faas_http_answer(page, FAAS_HTTP_MESSAGE(.status = 200, .body = { "tick ", 5 }), true);
	uv_timer_init(faas_loop(flow.rt), &ticker);
	ticker.data = page;
	uv_timer_start(&ticker, on_tick, 1, 1);
}

/* As fast as it can, until it is told to wait. */
static void flood(struct faas_http_page *page)
{
	faas_http_answer(page, FAAS_HTTP_MESSAGE(.status = 200), true);
	while (!faas_http_write(page, (struct faas_bytes){ piece, sizeof(piece) }))
		seen++;
	throttled = faas_http_write(page, (struct faas_bytes){ "x", 1 });
	faas_http_end(page);
}

static void echo(struct faas_http_page *page, const struct faas_http_message *request)
{
	char text[512];

	snprintf(text, sizeof(text), "%s %s %s %.*s", request->method, request->target,
		 request->headers[0], (int)request->body.len, (const char *)request->body.data);
	say(page, text);
}

static bool on_page(void *data, struct faas_http_page *page,
		    const struct faas_http_message *request)
{
	const char *path = request->target;

	assert_ptr_equal(data, &flow);
	seen++;
	if (!strncmp(path, "/echo", 5)) {
		echo(page, request);
	} else if (!strcmp(path, "/later")) {
		waiting = page;
	} else if (!strcmp(path, "/now")) {
		say(waiting, "woken");
		say(page, "waker");
	} else if (!strcmp(path, "/pieces")) {
		faas_http_answer(page, FAAS_HTTP_MESSAGE(.status = 200, .body = { "one", 3 }),
				 true);
		assert_int_equal(faas_http_write(page, (struct faas_bytes){ " two", 4 }), 0);
		faas_http_end(page);
	} else if (!strcmp(path, "/none")) {
		faas_http_answer(page, FAAS_HTTP_MESSAGE(.status = 204, .body = { "one", 3 }),
				 true);
		assert_int_equal(faas_http_write(page, (struct faas_bytes){ " two", 4 }), 0);
		faas_http_end(page);
	} else if (!strcmp(path, "/flood")) {
		flood(page);
	} else if (!strcmp(path, "/ticks")) {
		tick(page);
	} else {
		return false;
	}
	return true;
}

static int open_it(void **state)
{
	(void)state;
	seen = throttled = ended = 0;
	flow_open(&flow, NULL, false);
	http = faas_http_listen(flow.rt, FAAS_HTTP(.on_page = on_page, .data = &flow), NULL);
	assert_non_null(http);
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

static void await(_Atomic int *what, int value)
{
	for (int i = 0; i < 20000 && *what < value; i++)
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	assert_true(*what >= value);
}

static void expect(struct answer other, int status, const char *body)
{
	answer_free(&answer);
	answer = other;
	assert_int_equal(answer.status, status);
	assert_string_equal(answer.body, body);
}

TEST(a_page_sees_its_request_and_its_answer_is_sent)
{
	expect(client_ask(&client, "POST /echo?a=%20 HTTP/1.1\r\nHost: localhost\r\n"
				   "Content-Length: 4\r\n\r\nbody"),
	       200, "POST /echo?a=%20 Host: localhost body");
	assert_string_equal(answer_field(&answer, "Content-Type"), "text/plain");
	assert_string_equal(answer_field(&answer, "X-Mine"), "1");
}

TEST(what_says_how_an_answer_is_sent_is_not_the_hosts)
{
	char length[8];

	expect(client_ask(&client, GET("/echo")), 200, "GET /echo Host: localhost ");
	snprintf(length, sizeof(length), "%zu", answer.body_len);
	assert_string_equal(answer_field(&answer, "Content-Length"), length);
	assert_null(strstr(answer.head, "never"));
	assert_null(strstr(answer.head, "99"));
}

TEST(what_no_page_takes_is_no_operation)
{
	answer = client_ask(&client, GET("/nowhere"));
	assert_int_equal(answer.status, 404);
	assert_non_null(strstr(answer.body, "GET /nowhere is no operation of this API"));
	assert_int_equal(seen, 1);
}

TEST(an_operation_of_the_api_is_never_a_page)
{
	expect(client_ask(&client, GET("/2015-03-31/functions/")), 200, "{\"Functions\":[]}");
	assert_int_equal(seen, 0);
}

TEST(a_page_may_be_answered_later)
{
	struct client other;

	client_open(&other, faas_http_port(http));
	client_send(&client, GET("/later"));
	await(&seen, 1);
	expect(client_ask(&other, GET("/now")), 200, "waker");
	expect(client_receive(&client, false), 200, "woken");
	client_close(&other);
}

TEST(a_page_may_be_answered_in_pieces)
{
	expect(client_ask(&client, GET("/pieces")), 200, "one two");
	assert_string_equal(answer_field(&answer, "Transfer-Encoding"), "chunked");
	expect(client_ask(&client, GET("/echo")), 200, "GET /echo Host: localhost ");
}

TEST(what_has_no_body_has_no_pieces)
{
	expect(client_ask(&client, GET("/none")), 204, "");
	expect(client_ask(&client, GET("/echo")), 200, "GET /echo Host: localhost ");
}

TEST(who_does_not_read_is_not_written_for)
{
	client_send(&client, GET("/flood"));
	await(&seen, 2);
	answer = client_receive(&client, false);
	assert_int_equal(throttled, FAAS_ETHROTTLED);
	assert_in_range(seen, 2, 33); /* what the kernel takes, and one piece of ours */
	assert_int_equal(answer.body_len, (size_t)(seen - 1) * MIB);
}

TEST(a_reader_that_leaves_is_noticed)
{
	client_send(&client, GET("/ticks"));
	await(&seen, 1);
	client_close(&client);
	await(&ended, 1);
}

TEST(a_runtime_that_closes_tells_who_still_writes)
{
	client_send(&client, GET("/ticks"));
	await(&seen, 1);
	flow_close(&flow); /* returns when all is answered */
	assert_int_equal(ended, 1);
	open_it(NULL);
}

TEST(a_page_is_not_for_pages_of_others)
{
	answer = client_ask(&client, "GET /echo HTTP/1.1\r\nHost: localhost\r\n"
				     "Origin: http://evil.example\r\n\r\n");
	assert_int_equal(answer.status, 403);
	assert_int_equal(seen, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define OPEN(name) cmocka_unit_test_setup_teardown(name, open_it, close_it)
		OPEN(a_page_sees_its_request_and_its_answer_is_sent),
		OPEN(what_says_how_an_answer_is_sent_is_not_the_hosts),
		OPEN(what_no_page_takes_is_no_operation),
		OPEN(an_operation_of_the_api_is_never_a_page),
		OPEN(a_page_may_be_answered_later),
		OPEN(a_page_may_be_answered_in_pieces),
		OPEN(what_has_no_body_has_no_pieces),
		OPEN(who_does_not_read_is_not_written_for),
		OPEN(a_reader_that_leaves_is_noticed),
		OPEN(a_runtime_that_closes_tells_who_still_writes),
		OPEN(a_page_is_not_for_pages_of_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
