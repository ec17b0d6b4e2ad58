/* SPDX-License-Identifier: MIT */
/* The Lambda API for a host that has a server of its own. */
#include "support/test.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "support/flow.h"

#include <faas/http.h>
#include <runtime.h>

#define MIB (1 << 20)
#define FUNCTIONS "/2015-03-31/functions"
#define STREAM(name) "/2021-11-15/functions/" name "/response-streaming-invocations"

static struct flow flow;
static struct faas_http *door;
static struct faas_error err;

/* What came, under the lock: the callbacks run on the loop. */
static struct {
	pthread_mutex_t lock;
	struct faas_http_served *served;
	int answers, status, pieces, ends, more, whole, broken_order;
	size_t bytes, stop_at;
	char type[80], first[16];
} seen = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void wait_a_ms(void)
{
	nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
}

static void function(const char *name, const char *handler)
{
	flow_function(&flow, &(struct faas_function_config){
				     .name = name, .handler = handler, .timeout_ms = 30000 });
}

static int open_it(void **state)
{
	(void)state;
	memset((char *)&seen + sizeof(seen.lock), 0, sizeof(seen) - sizeof(seen.lock));
	seen.stop_at = SIZE_MAX;
	flow_open(&flow, NULL, false);
	function("f", "echo.echo");
	function("parts", "parts.megabytes");
	door = faas_http_listen(flow.rt, FAAS_HTTP(.port = FAAS_NONE), &err);
	if (!door)
		fail_msg("%s", err.message);
	return 0;
}

static int close_it(void **state)
{
	(void)state;
	faas_http_close(door);
	flow_close(&flow);
	return 0;
}

/* ---- whole ------------------------------------------------------------ */

static char said[512];
static _Atomic int done_count;

static void on_done(void *data, const struct faas_http_message *m)
{
	size_t len = (size_t)snprintf(said, sizeof(said), "%s%d %.*s", (const char *)data,
				      m->status, (int)m->body.len, (const char *)m->body.data);

	for (int i = 0; m->headers[i] && len < sizeof(said); i++)
		if (strncmp(m->headers[i], "x-amzn-RequestId: ", 18) != 0)
			len += (size_t)snprintf(said + len, sizeof(said) - len, "\n%s",
						m->headers[i]);
	done_count++;
}

TEST(a_host_with_a_server_of_its_own_hands_its_requests_over)
{
	static const char *const headers[] = { "X-Amz-Invocation-Type:RequestResponse", "Host: any",
					       NULL };

	done_count = 0;
	assert_int_equal(faas_http_serve(door,
					 FAAS_HTTP_MESSAGE(.method = "POST",
							   .target = FUNCTIONS "/f/invocations",
							   .headers = headers, .body = { "7", 1 }),
					 on_done, "here: ", &err),
			 0);
	for (int i = 0; done_count < 1 && i < 20000; i++)
		wait_a_ms();
	assert_string_equal(said, "here: 200 7\nContent-Type: application/json\n"
				    "X-Amz-Executed-Version: $LATEST");
	assert_int_equal(faas_http_serve(door, FAAS_HTTP_MESSAGE(.method = "GET", .target = "/"),
					 on_done, "", &err),
			 0);
	for (int i = 0; done_count < 2 && i < 20000; i++)
		wait_a_ms();
	assert_memory_equal(said, "404 ", 4);
	assert_int_equal(
		faas_http_serve(door, FAAS_HTTP_MESSAGE(.method = "GET"), on_done, "", &err),
		FAAS_EINVAL);
}

/* ---- in parts --------------------------------------------------------- */

static void on_answer(void *data, struct faas_http_served *from,
		      const struct faas_http_message *m, bool more)
{
	(void)data;
	pthread_mutex_lock(&seen.lock);
	seen.answers++;
	seen.served = from;
	seen.status = m->status;
	seen.more = more;
	snprintf(seen.first, sizeof(seen.first), "%.*s", (int)m->body.len,
		 (const char *)m->body.data);
	for (int i = 0; m->headers[i]; i++)
		if (!strncmp(m->headers[i], "Content-Type: ", 14))
			snprintf(seen.type, sizeof(seen.type), "%s", m->headers[i] + 14);
	pthread_mutex_unlock(&seen.lock);
}

static bool on_piece(void *data, struct faas_bytes piece)
{
	bool more;

	(void)data;
	pthread_mutex_lock(&seen.lock);
	seen.broken_order += !seen.answers || seen.ends;
	seen.pieces++;
	if (seen.bytes + piece.len < sizeof(seen.first))
		snprintf(seen.first + seen.bytes, sizeof(seen.first) - seen.bytes, "%.*s",
			 (int)piece.len, (const char *)piece.data);
	seen.bytes += piece.len;
	more = seen.bytes < seen.stop_at;
	if (!more)
		seen.stop_at = SIZE_MAX;
	pthread_mutex_unlock(&seen.lock);
	return more;
}

static void on_end(void *data, bool whole)
{
	(void)data;
	pthread_mutex_lock(&seen.lock);
	seen.ends++;
	seen.whole = whole;
	pthread_mutex_unlock(&seen.lock);
}

static size_t look(const void *member, size_t size)
{
	size_t value = 0;

	pthread_mutex_lock(&seen.lock);
	memcpy(&value, member, size);
	pthread_mutex_unlock(&seen.lock);
	return value;
}
#define LOOK(member) look(&seen.member, sizeof(seen.member))

static const struct faas_http_reader reader = { .size = sizeof(reader),
						.on_answer = on_answer,
						.on_piece = on_piece,
						.on_end = on_end };

static void ask(const char *target, const char *body)
{
	const struct faas_http_message request = { .size = sizeof(request),
						   .method = "POST",
						   .target = target,
						   .body = { body, strlen(body) } };

	if (faas_http_serve_parts(door, &request, &reader, &err))
		fail_msg("%s", err.message);
}

static void await_end(void)
{
	for (int i = 0; !LOOK(ends) && i < 20000; i++)
		wait_a_ms();
	assert_int_equal(LOOK(ends), 1);
	assert_int_equal(seen.answers, 1);
	assert_int_equal(seen.broken_order, 0);
}

TEST(an_answer_that_is_streamed_comes_in_parts)
{
	ask(STREAM("parts"), "9");
	await_end();
	assert_int_equal(seen.status, 200);
	assert_string_equal(seen.type, "application/vnd.amazon.eventstream");
	assert_int_equal(seen.more, 1);
	assert_int_equal(seen.whole, 1);
	assert_true(seen.pieces > 9);
	assert_in_range(seen.bytes, 9 * MIB, 10 * MIB);
}

struct more {
	struct fa_call call;
	_Atomic bool done;
};

static void want_more(struct fa_call *call)
{
	faas_http_resume(seen.served);
	fa_container(call, struct more, call)->done = true;
}

TEST(it_waits_for_who_wants_no_more)
{
	struct more more = { .call.run = want_more };
	size_t pieces;

	seen.stop_at = MIB;
	ask(STREAM("parts"), "9");
	for (int i = 0; LOOK(bytes) < MIB && i < 20000; i++)
		wait_a_ms();
	pieces = LOOK(pieces);
	for (int i = 0; i < 50; i++)
		wait_a_ms();
	assert_int_equal(LOOK(pieces), pieces);
	assert_int_equal(LOOK(ends), 0);
	fa_loop_call(&flow.rt->loop, &more.call);
	await_end();
	assert_true(more.done);
	assert_in_range(seen.bytes, 9 * MIB, 10 * MIB);
}

TEST(one_that_fails_in_the_middle_is_not_whole)
{
	char *reply = NULL;

	function("half", "parts.fails_at_length");
	assert_int_equal(faas_control(flow.rt, "CreateFunctionUrlConfig",
				      "{\"FunctionName\":\"half\",\"AuthType\":\"NONE\","
				      "\"InvokeMode\":\"RESPONSE_STREAM\"}",
				      &reply, &err),
			 0);
	faas_free(reply);
	ask("/url/half/", "100");
	await_end();
	assert_int_equal(seen.status, 200);
	assert_string_equal(seen.first, "half");
	assert_int_equal(seen.whole, 0);
}

TEST(what_is_not_streamed_comes_whole_and_has_no_end)
{
	static const char *const targets[] = { FUNCTIONS "/f/invocations",
					       "/2015-03-31/nowhere" };
	static const int statuses[] = { 200, 404 };

	for (int i = 0; i < 2; i++) {
		ask(targets[i], "7");
		for (int j = 0; (int)LOOK(answers) == i && j < 20000; j++)
			wait_a_ms();
		assert_int_equal(LOOK(answers), i + 1);
		assert_int_equal(seen.status, statuses[i]);
		assert_int_equal(seen.more, 0);
	}
	assert_int_equal(LOOK(pieces) + LOOK(ends), 0);
}

TEST(an_end_of_the_runtime_ends_the_answer_that_nobody_reads)
{
	seen.stop_at = 1;
	ask(STREAM("parts"), "9");
	for (int i = 0; !LOOK(pieces) && i < 20000; i++)
		wait_a_ms();
	close_it(NULL);
	assert_int_equal(LOOK(ends), 1);
	flow_open(&flow, NULL, false);
	door = NULL;
}

TEST(a_reader_has_all_its_callbacks)
{
	static const struct faas_http_message request = { .size = sizeof(request),
							  .method = "GET",
							  .target = "/" };

	assert_int_equal(faas_http_serve_parts(door, &request,
					       FAAS_HTTP_READER(.on_answer = on_answer), &err),
			 FAAS_EINVAL);
	assert_int_equal(faas_http_serve_parts(NULL, &request, &reader, &err), FAAS_EINVAL);
	assert_int_equal(faas_http_serve_parts(door, FAAS_HTTP_MESSAGE(.method = "GET"), &reader,
					       NULL),
			 FAAS_EINVAL);
	faas_http_resume(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_it, close_it)
		CASE(a_host_with_a_server_of_its_own_hands_its_requests_over),
		CASE(an_answer_that_is_streamed_comes_in_parts),
		CASE(it_waits_for_who_wants_no_more),
		CASE(one_that_fails_in_the_middle_is_not_whole),
		CASE(what_is_not_streamed_comes_whole_and_has_no_end),
		CASE(an_end_of_the_runtime_ends_the_answer_that_nobody_reads),
		CASE(a_reader_has_all_its_callbacks),
	};

	return cmocka_run_group_tests_name("http_serve", tests, NULL, NULL);
}
