/* SPDX-License-Identifier: MIT */
/* The HTTP server and clients that are slow, or too many: others are served, memory is bounded. */
#include "support/test.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/http_door.h"

static struct client client;

static void ask(const char *text, int status, const char *body)
{
	door_expect(client_ask(&client, text), status, body);
}

/* ---- who is slow ----------------------------------------------------- */

TEST(a_head_has_to_be_complete_in_ten_seconds_however_it_trickles)
{
	client_open(&client, door_port);
	for (int i = 0; i < 9; i++) {
		client_send_bytes(&client, "GET /ping" + i, 1);
		door_await_count(1);
		flow_advance(&door_flow, 1000);
	}
	door_await_count(1);
	flow_advance(&door_flow, 1001);
	door_expect(client_receive(&client, false), 408, "");
	client_close(&client);
	door_await_count(0);
}

TEST(who_connects_and_says_nothing_is_let_go)
{
	client_open(&client, door_port);
	door_await_count(1);
	flow_advance(&door_flow, 9000);
	door_await_count(1);
	flow_advance(&door_flow, 1001);
	assert_true(client_is_closed(&client));
	client_close(&client);
}

TEST(an_idle_connection_is_kept_for_a_minute)
{
	client_open(&client, door_port);
	ask(GET("/ping"), 200, "pong");
	flow_advance(&door_flow, 59000);
	ask(GET("/ping"), 200, "pong");
	flow_advance(&door_flow, 60001);
	assert_true(client_is_closed(&client));
	client_close(&client);
}

TEST(a_body_that_does_not_come_is_not_waited_for)
{
	client_open(&client, door_port);
	client_send(&client, POST("/echo") "Content-Length: 100000\r\n\r\n");
	door_await_moving();
	flow_advance(&door_flow, 29000);
	client_send(&client, "a little");
	flow_advance(&door_flow, 1100);
	door_expect(client_receive(&client, false), 408, "");
	client_close(&client);
}

#define SENT 8192 /* eight seconds more than the thirty */
#define DECLARED "12288"

/* The server has all of it. */
static void send_two_thirds(void)
{
	static const char bytes[SENT];

	client_open(&client, door_port);
	client_send(&client, POST("/ping") "Content-Length: " DECLARED "\r\n\r\n");
	client_send_bytes(&client, bytes, sizeof(bytes));
	for (int i = 0; door_look().taken < SENT && i < 20000; i++)
		usleep(1000);
	assert_int_equal(door_look().taken, SENT);
}

TEST(each_kilobyte_of_a_body_is_a_second_more_that_it_may_take)
{
	static const char rest[4096];

	send_two_thirds();
	flow_advance(&door_flow, 37999);
	client_send_bytes(&client, rest, sizeof(rest));
	door_expect(client_receive(&client, false), 200, "pong");
	client_close(&client);
}

TEST(a_body_that_stops_half_way_is_waited_for_no_longer_than_that)
{
	send_two_thirds();
	flow_advance(&door_flow, 38001);
	door_expect(client_receive(&client, false), 408, "");
	client_close(&client);
}

TEST(who_has_the_last_answer_and_stays_is_let_go_after_five_seconds)
{
	client_open(&client, door_port);
	ask("GET /ping HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", 200, "pong");
	flow_advance(&door_flow, 4999);
	door_await_count(1);
	flow_advance(&door_flow, 2);
	door_await_count(0);
	client_close(&client);
}

TEST(a_request_may_wait_for_its_answer_as_long_as_it_takes)
{
	struct client other;

	client_open(&client, door_port);
	client_send(&client, GET("/next"));
	door_await_requests(1);
	flow_advance(&door_flow, 3600000);
	client_open(&other, door_port);
	door_expect(client_ask(&other, GET("/wake")), 200, "");
	door_expect(client_receive(&client, false), 200, "woken");
	client_close(&other);
	client_close(&client);
}

TEST(a_reader_that_does_not_read_is_let_go_and_its_memory_with_it)
{
	client_open(&client, door_port);
	client_send(&client, GET("/big"));
	door_await_requests(1);
	assert_true(door_look().held > MIB);
	flow_advance(&door_flow, 3600000);
	door_await_count(0);
	assert_int_equal(door_look().held, 0);
	client_close(&client);
}

TEST(a_long_answer_is_made_as_fast_as_it_is_read)
{
	struct answer answer;

	client_open(&client, door_port);
	client_send(&client, GET("/flood"));
	door_await_requests(1);
	assert_true(door_look().pieces < 8);
	assert_true(door_look().held < 3 * MIB);
	answer = client_receive(&client, false);
	assert_int_equal(answer.body_len, 64 * MIB);
	answer_free(&answer);
	client_close(&client);
}

TEST(who_knows_no_connections_is_told_to_pause_and_to_go_on)
{
	struct answer answer;

	client_open(&client, door_port);
	client_send(&client, GET("/pour"));
	for (int i = 0; !door_pauses && i < 20000; i++)
		door_look(); /* on the loop, and back */
	assert_int_equal(door_pauses, 1);
	assert_true(door_look().held < 3 * MIB);
	answer = client_receive(&client, false);
	assert_int_equal(answer.body_len, 64 * MIB);
	answer_free(&answer);
	client_close(&client);
}

/* ---- too many -------------------------------------------------------- */

static int open_small(void **state)
{
	struct fa_http_limits limits = fa_http_limits_default;

	(void)state;
	limits.connections = 4;
	limits.held = 8 * MIB;
	door_open(&limits);
	return 0;
}

TEST(the_connection_that_is_idle_longest_makes_place_for_a_new_one)
{
	struct client idle[4];

	for (int i = 0; i < 4; i++) {
		client_open(&idle[i], door_port);
		door_expect(client_ask(&idle[i], GET("/ping")), 200, "pong");
	}
	door_ask_alone(GET("/ping"), 200);
	assert_true(client_is_closed(&idle[0]));
	door_expect(client_ask(&idle[1], GET("/ping")), 200, "pong");
	for (int i = 0; i < 4; i++)
		client_close(&idle[i]);
}

TEST(slow_heads_drive_out_each_other_and_nobody_else)
{
	struct client slow[20];

	for (int i = 0; i < 20; i++) {
		client_open(&slow[i], door_port);
		client_send(&slow[i], "GET / HT");
		if (i % 5 == 4)
			door_ask_alone(GET("/ping"), 200);
	}
	assert_true(door_look().count <= 4);
	for (int i = 0; i < 20; i++)
		client_close(&slow[i]);
}

TEST(no_waiting_request_is_sent_away_for_a_new_one)
{
	struct client waiting[4];

	for (int i = 0; i < 4; i++) {
		client_open(&waiting[i], door_port);
		client_send(&waiting[i], GET("/next"));
		door_await_requests(i + 1);
	}
	client_open(&client, door_port);
	door_expect(client_receive(&client, false), 503, "");
	client_close(&client);
	for (int i = 0; i < 4; i++)
		client_close(&waiting[i]);
	door_await_gone(4);
}

TEST(of_those_who_hold_too_much_the_one_that_has_not_moved_goes)
{
	struct client slow[3];
	struct answer answer;

	for (int i = 0; i < 3; i++) {
		client_open(&slow[i], door_port);
		client_send(&slow[i], GET("/big"));
		door_await_requests(i + 1);
	}
	assert_true(door_look().held <= 8 * MIB);
	assert_true(door_look().evicted >= 1);
	answer = client_receive(&slow[2], false);
	assert_int_equal(answer.body_len, 6 * MIB);
	answer_free(&answer);
	for (int i = 0; i < 3; i++)
		client_close(&slow[i]);
}

TEST(nothing_is_read_ahead_of_an_answer)
{
	static char many[16 * MIB];

	client_open(&client, door_port);
	client_send(&client, GET("/next"));
	door_await_requests(1);
	setsockopt(client.fd, SOL_SOCKET, SO_SNDTIMEO, &(struct timeval){ .tv_usec = 200000 },
		   sizeof(struct timeval));
	client_send_bytes(&client, many, sizeof(many));
	assert_true(door_look().held < 256 * 1024);
	client_close(&client);
}

/* ---- a crowd --------------------------------------------------------- */

#define SLOW_HEADS 2000
#define NEVER_READERS (1000 / TEST_FEWER)

static struct client crowd[SLOW_HEADS];

static void allow_descriptors(void)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_max < SLOW_HEADS + 1200)
		skip();
}

static void close_crowd(int count)
{
	for (int i = 0; i < count; i++)
		client_close(&crowd[i]);
}

/* Of this program; a sanitizer's malloc() says nothing. */
static size_t allocated(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

TEST(two_thousand_slow_heads_keep_nobody_out)
{
	size_t before = allocated();

	allow_descriptors();
	for (int i = 0; i < SLOW_HEADS; i++) {
		client_open(&crowd[i], door_port);
		client_send(&crowd[i], "GET /pi");
		if (i % 100 == 99)
			door_ask_alone(GET("/ping"), 200);
	}
	assert_true(door_look().count <= fa_http_limits_default.connections);
	assert_true(door_look().held < 4 * MIB);
	assert_true(allocated() < before + 16 * MIB);
	close_crowd(SLOW_HEADS);
}

static int open_wide(void **state)
{
	struct fa_http_limits limits = fa_http_limits_default;

	(void)state;
	limits.connections = SLOW_HEADS + 1;
	limits.held = (size_t)4 << 30;
	door_open(&limits);
	return 0;
}

/* So it is the limit that bounds them, and not the test that has too few. */
TEST(a_server_without_the_limit_keeps_all_of_them)
{
	allow_descriptors();
	for (int i = 0; i < SLOW_HEADS; i++) {
		client_open(&crowd[i], door_port);
		client_send(&crowd[i], "GET /pi");
	}
	door_await_count(SLOW_HEADS);
	close_crowd(SLOW_HEADS);
}

#define READERS_BEYOND 50 /* of 6 MiB each: more than the limit */

TEST(readers_that_never_read_take_more_without_the_limit)
{
	for (int i = 0; i < READERS_BEYOND; i++) {
		client_open(&crowd[i], door_port);
		client_send(&crowd[i], GET("/big"));
		door_await_requests(i + 1);
	}
	assert_true(door_look().held > fa_http_limits_default.held);
	assert_int_equal(door_look().evicted, 0);
	close_crowd(READERS_BEYOND);
}

TEST(a_thousand_readers_that_never_read_take_no_more_than_the_limit)
{
	size_t before = allocated();

	allow_descriptors();
	for (int i = 0; i < NEVER_READERS; i++) {
		client_open(&crowd[i], door_port);
		client_send(&crowd[i], GET("/big"));
		door_await_requests(i + 1);
		assert_true(door_look().held <= fa_http_limits_default.held);
	}
	assert_true(door_look().evicted > 0);
	assert_true(allocated() < before + fa_http_limits_default.held + 32 * MIB);
	door_ask_alone(GET("/ping"), 200);
	close_crowd(NEVER_READERS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define OPEN(name) cmocka_unit_test_setup_teardown(name, door_setup, door_teardown)
#define WIDE(name) cmocka_unit_test_setup_teardown(name, open_wide, door_teardown)
#define SMALL(name) cmocka_unit_test_setup_teardown(name, open_small, door_teardown)
		OPEN(a_head_has_to_be_complete_in_ten_seconds_however_it_trickles),
		OPEN(who_connects_and_says_nothing_is_let_go),
		OPEN(an_idle_connection_is_kept_for_a_minute),
		OPEN(a_body_that_does_not_come_is_not_waited_for),
		OPEN(each_kilobyte_of_a_body_is_a_second_more_that_it_may_take),
		OPEN(a_body_that_stops_half_way_is_waited_for_no_longer_than_that),
		OPEN(who_has_the_last_answer_and_stays_is_let_go_after_five_seconds),
		OPEN(a_request_may_wait_for_its_answer_as_long_as_it_takes),
		OPEN(a_reader_that_does_not_read_is_let_go_and_its_memory_with_it),
		OPEN(a_long_answer_is_made_as_fast_as_it_is_read),
		OPEN(who_knows_no_connections_is_told_to_pause_and_to_go_on),
		SMALL(the_connection_that_is_idle_longest_makes_place_for_a_new_one),
		SMALL(slow_heads_drive_out_each_other_and_nobody_else),
		SMALL(no_waiting_request_is_sent_away_for_a_new_one),
		SMALL(of_those_who_hold_too_much_the_one_that_has_not_moved_goes),
		OPEN(nothing_is_read_ahead_of_an_answer),
		OPEN(two_thousand_slow_heads_keep_nobody_out),
		WIDE(a_server_without_the_limit_keeps_all_of_them),
		WIDE(readers_that_never_read_take_more_without_the_limit),
		OPEN(a_thousand_readers_that_never_read_take_no_more_than_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
