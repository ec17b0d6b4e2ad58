/* SPDX-License-Identifier: MIT */
#include <worker/program/courier.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <support/test.h>

#define MS INT64_C(1000000)
#define SECOND (1000 * MS)
#define START (5 * SECOND)

static struct fa_courier *courier;
static int listener;
static struct sockaddr_in address;
static int64_t ns;
static char heard[1 << 20];

/* A subscriber on the loopback interface, whose hands are ours. */
static int start(void **state)
{
	socklen_t len = sizeof(address);

	(void)state;
	ns = START;
	address = (struct sockaddr_in){ .sin_family = AF_INET,
					.sin_addr = { htonl(INADDR_LOOPBACK) } };
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(listener, 16) < 0)
		return -1;
	return getsockname(listener, (struct sockaddr *)&address, &len);
}

static int stop(void **state)
{
	(void)state;
	close(listener);
	close(courier->fd);
	free(courier->filling.data);
	free(courier->sending.data);
	free(courier);
	return 0;
}

static void subscribe(bool tcp, uint32_t max_items)
{
	struct fa_subscription wish = { .types = FA_TELEMETRY_PLATFORM,
					.max_items = max_items,
					.max_bytes = 4096,
					.timeout_ms = 100,
					.tcp = tcp,
					.port = ntohs(address.sin_port),
					.method = "POST",
					.path = "/p" };

	courier = fa_courier_create("x", &wish, &address);
	assert_non_null(courier);
}

static void add(const char *event)
{
	fa_courier_add(courier, event, strlen(event), (struct fa_instant){ ns, 0 });
}

/* Let that time go by; what the subscriber said is seen. */
static bool pass(int64_t time_ns)
{
	struct pollfd fd = fa_courier_poll(courier);

	ns += time_ns;
	if (fd.fd >= 0 && poll(&fd, 1, 0) > 0)
		fa_courier_serve(courier, fd.revents, ns);
	return fa_courier_look(courier, false, ns);
}

static int take(void)
{
	int fd = accept(listener, NULL, NULL);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = recv(fd, heard, sizeof(heard) - 1, MSG_DONTWAIT);
	heard[n > 0 ? n : 0] = '\0';
	return fd;
}

static void answer(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

TEST(a_batch_is_sent_when_its_time_is_over_and_not_before)
{
	int fd;

	subscribe(false, 1000);
	assert_int_equal(fa_courier_left_ns(courier, ns), -1);
	add("{\"a\":1}");
	add("{\"b\":2}");
	assert_int_equal(fa_courier_left_ns(courier, ns), 100 * MS);
	assert_false(pass(99 * MS));
	assert_true(pass(1 * MS));
	fd = take();
	assert_true(fd >= 0);
	assert_non_null(strstr(heard, "POST /p HTTP/1.1\r\n"));
	assert_non_null(strstr(heard, "\r\nContent-Length: 17\r\n"));
	assert_non_null(strstr(heard, "\r\n\r\n[{\"a\":1},{\"b\":2}]"));
	answer(fd, OK);
	assert_false(pass(0));
	assert_int_equal(fa_courier_left_ns(courier, ns), -1);
	close(fd);
}

TEST(a_full_batch_is_sent_at_once)
{
	int fd;

	subscribe(false, 2);
	add("1");
	add("2");
	assert_true(pass(0));
	fd = take();
	assert_non_null(strstr(heard, "[1,2]"));
	close(fd);
}

TEST(what_is_refused_is_sent_again)
{
	int fd;

	subscribe(false, 1);
	add("7");
	pass(0);
	fd = take();
	answer(fd, "HTTP/1.1 500 No\r\n\r\n");
	pass(0);
	close(fd);
	assert_int_equal(fa_courier_left_ns(courier, ns), 100 * MS);
	pass(100 * MS);
	fd = take();
	assert_non_null(strstr(heard, "[7]"));
	answer(fd, OK);
	assert_false(pass(0));
	close(fd);
}

/* Two batches are held; the third finds no room, and is told of once there is. */
TEST(what_two_batches_cannot_hold_is_dropped_and_told)
{
	int fd = -1;

	subscribe(false, 2);
	for (int i = 0; i < 7; i++)
		add("12345");
	assert_int_equal(courier->dropped_items, 3);
	assert_int_equal(courier->dropped_bytes, 15);
	pass(0);
	fd = take();
	answer(fd, OK);
	pass(0); /* the second one goes */
	close(fd);
	add("6");
	fd = take();
	assert_non_null(strstr(heard, "[12345,12345]"));
	answer(fd, OK);
	pass(0);
	close(fd);
	pass(100 * MS);
	fd = take();
	assert_non_null(strstr(heard, "\"type\":\"platform.logsDropped\""));
	assert_non_null(strstr(heard, "\"droppedRecords\":3,\"droppedBytes\":15}},6]"));
	close(fd);
}

TEST(one_that_never_answers_costs_a_few_attempts_and_its_batch)
{
	int attempts = 0, fd;

	subscribe(false, 1);
	add("7");
	pass(0);
	for (int i = 0; courier->dropped_items == 0 && i < 100; i++) {
		fd = take();
		attempts += fd >= 0;
		pass(SECOND);
		close(fd);
	}
	assert_int_equal(attempts, 5);
	assert_int_equal(courier->dropped_items, 1);
	assert_int_equal(fa_courier_left_ns(courier, ns), -1);
}

TEST(nobody_there_is_an_attempt_too)
{
	subscribe(false, 1);
	close(listener);
	listener = -1;
	add("7");
	for (int i = 0; courier->dropped_items == 0 && i < 100; i++)
		pass(100 * MS);
	assert_int_equal(courier->dropped_items, 1);
	assert_int_equal(courier->fd, -1);
}

TEST(an_answer_without_end_is_none)
{
	static char junk[4096];
	int fd;

	subscribe(false, 1);
	add("7");
	pass(0);
	fd = take();
	memset(junk, 'x', sizeof(junk));
	send(fd, junk, sizeof(junk), MSG_NOSIGNAL);
	pass(0);
	assert_int_equal(courier->state, FA_COURIER_PAUSING);
	close(fd);
}

/* Behind the answer it may write on, and is cut after a while. */
TEST(what_follows_an_answer_is_read_and_forgotten_within_bounds)
{
	static char junk[8192];
	int fd;

	subscribe(false, 1);
	add("7");
	pass(0);
	fd = take();
	answer(fd, OK);
	assert_false(pass(0));
	for (int i = 0; courier->fd >= 0 && i < 1000; i++) {
		send(fd, junk, sizeof(junk), MSG_NOSIGNAL | MSG_DONTWAIT);
		pass(0);
	}
	assert_int_equal(courier->fd, -1);
	close(fd);
}

TEST(over_tcp_one_connection_has_a_line_for_each_event)
{
	ssize_t n;
	int fd;

	subscribe(true, 2);
	add("1");
	add("2");
	assert_false(pass(0));
	fd = take();
	assert_string_equal(heard, "1\n2\n");
	add("3");
	pass(100 * MS);
	assert_int_equal(take(), -1);
	n = recv(fd, heard, sizeof(heard), MSG_DONTWAIT);
	assert_int_equal(n, 2);
	assert_memory_equal(heard, "3\n", 2);
	close(fd);
}

TEST(who_stood_still_has_all_the_time_again)
{
	int fd;

	subscribe(false, 1);
	add("7");
	pass(0);
	ns += 60 * SECOND;
	fa_courier_woken(courier, ns);
	assert_true(pass(SECOND));
	assert_int_equal(courier->state, FA_COURIER_WAITING);
	fd = take();
	answer(fd, OK);
	assert_false(pass(0));
	close(fd);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		ROW(a_batch_is_sent_when_its_time_is_over_and_not_before),
		ROW(a_full_batch_is_sent_at_once),
		ROW(what_is_refused_is_sent_again),
		ROW(what_two_batches_cannot_hold_is_dropped_and_told),
		ROW(one_that_never_answers_costs_a_few_attempts_and_its_batch),
		ROW(nobody_there_is_an_attempt_too),
		ROW(an_answer_without_end_is_none),
		ROW(what_follows_an_answer_is_read_and_forgotten_within_bounds),
		ROW(over_tcp_one_connection_has_a_line_for_each_event),
		ROW(who_stood_still_has_all_the_time_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
