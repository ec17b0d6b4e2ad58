/* SPDX-License-Identifier: MIT */
#include "http_door.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "test.h"

#include <runtime.h>

struct flow door_flow;
int door_port;
_Atomic int door_gone, door_requests, door_pauses;

static struct fa_server *server;
static struct fa_conn *waiter;
static _Atomic bool closed;

/* ---- the door ---------------------------------------------------------- */

static void say(struct fa_conn *conn, int status, const char *text)
{
	fa_conn_answer(conn, status, &(struct fa_http_field){ "X-Door", "open" }, 1,
		       (struct faas_bytes){ text, strlen(text) });
}

static void on_gone(void *data, struct fa_conn *conn)
{
	(void)data;
	door_gone++;
	if (waiter == conn)
		waiter = NULL;
	say(conn, 200, "too late");
}

static void stream(struct fa_conn *conn)
{
	fa_conn_begin(conn, 200, NULL, 0);
	fa_conn_write(conn, (struct faas_bytes){ "one ", 4 });
	fa_conn_write(conn, (struct faas_bytes){ "", 0 });
	fa_conn_write(conn, (struct faas_bytes){ "two", 3 });
	fa_conn_end(conn, &(struct fa_http_field){ "X-End", "good" }, 1);
}

/* 64 MiB, of which no more than two pieces are ever in memory. */
static int pieces;

static void flood(void *data, struct fa_conn *conn)
{
	static char piece[MIB];

	(void)data;
	memset(piece, 'x', sizeof(piece));
	while (pieces < 64 && !fa_conn_pending(conn)) {
		pieces++;
		fa_conn_write(conn, (struct faas_bytes){ piece, sizeof(piece) });
	}
	if (pieces == 64 && !fa_conn_pending(conn)) {
		pieces++;
		fa_conn_end(conn, NULL, 0);
	}
}

static void pour(void *data)
{
	struct fa_http_caller *caller = data;
	static char piece[MIB];

	while (pieces < 64) {
		pieces++;
		if (caller->write(caller, (struct faas_bytes){ piece, sizeof(piece) }))
			continue;
		door_pauses++;
		return;
	}
	if (pieces++ == 64)
		caller->end(caller, true);
}

static void begin_to_pour(struct fa_http_caller *caller)
{
	pieces = 0;
	caller->resume = pour;
	caller->resume_data = caller;
	caller->begin(caller, 200, NULL, 0);
	pour(caller);
}

static void big(struct fa_conn *conn)
{
	static char body[6 * MIB];

	if (!*body)
		memset(body, 'y', sizeof(body));
	fa_conn_answer(conn, 200, NULL, 0, (struct faas_bytes){ body, sizeof(body) });
}

static void wait_for_wake(struct fa_conn *conn)
{
	waiter = conn;
	fa_conn_on_gone(conn, on_gone, NULL);
}

static void on_request(void *data, struct fa_conn *conn, const struct fa_http_request *r)
{
	(void)data;
	door_requests++;
	if (!strcmp(r->target, "/ping"))
		say(conn, 200, "pong");
	else if (!strcmp(r->target, "/echo"))
		fa_conn_answer(conn, 200, NULL, 0, r->body);
	else if (!strcmp(r->target, "/none"))
		say(conn, 204, "");
	else if (!strcmp(r->target, "/stream"))
		stream(conn);
	else if (!strcmp(r->target, "/big"))
		big(conn);
	else if (!strcmp(r->target, "/next"))
		wait_for_wake(conn);
	else if (!strcmp(r->target, "/flood")) {
		pieces = 0;
		fa_conn_begin(conn, 200, NULL, 0);
		fa_conn_on_drained(conn, flood, NULL);
		flood(NULL, conn);
	} else if (!strcmp(r->target, "/pour")) {
		begin_to_pour(&conn->caller);
	} else if (!strcmp(r->target, "/wake")) {
		struct fa_conn *woken = waiter;

		waiter = NULL;
		if (woken)
			say(woken, 200, "woken");
		say(conn, woken ? 200 : 404, "");
	} else
		say(conn, 404, "");
}

static size_t on_head(void *data, struct fa_conn *conn, const struct fa_http_request *r)
{
	(void)data;
	if (!strcmp(r->target, "/forbidden"))
		say(conn, 403, "no");
	return BODY_MAX;
}

static const struct fa_http_door door = { .on_head = on_head, .on_request = on_request };

/* ---- on the loop ----------------------------------------------------- */

struct errand {
	struct fa_call call;
	void (*run)(void);
	_Atomic bool done;
};

static void run_errand(struct fa_call *call)
{
	struct errand *errand = (struct errand *)call;

	errand->run();
	errand->done = true;
}

static void wait_a_ms(void)
{
	nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
}

static void on_loop(void (*run)(void))
{
	struct errand errand = { .call.run = run_errand, .run = run };

	fa_loop_call(&door_flow.rt->loop, &errand.call);
	while (!errand.done)
		wait_a_ms();
}

static struct fa_http_limits limits;

static int listen_somewhere(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(fd, 512), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	door_port = ntohs(address.sin_port);
	return fd;
}

static void open_here(void)
{
	struct faas_error err;

	server = calloc(1, sizeof(*server));
	if (fa_server_open(server, &door_flow.rt->loop, &door, &limits, listen_somewhere(), &err))
		fail_msg("%s", err.message);
}

static void on_closed(struct fa_server *s)
{
	(void)s;
	closed = true;
}

static void close_here(void)
{
	fa_server_close(server, on_closed);
	if (waiter)
		say(waiter, 503, "");
	waiter = NULL;
	fa_server_hurry(server);
}

static struct door_state state;

static size_t moved(void)
{
	return fa_list_empty(&server->moving) ?
		       0 :
		       fa_container(server->moving.prev, struct fa_conn, link)->moved;
}

static void look(void)
{
	state = (struct door_state){ .count = server->count,
				     .moving = !fa_list_empty(&server->moving),
				     .taken = moved(),
				     .held = server->held,
				     .evicted = server->evicted,
				     .pieces = pieces };
}

/* ---- for tests ------------------------------------------------------- */

void door_open(const struct fa_http_limits *with)
{
	door_gone = door_requests = door_pauses = 0;
	closed = false;
	waiter = NULL;
	limits = *with;
	flow_open(&door_flow, NULL, true);
	on_loop(open_here);
}

void door_close(void)
{
	on_loop(close_here);
	for (int i = 0; !closed && i < 20000; i++)
		wait_a_ms();
	assert_true(closed);
	assert_int_equal(server->held, 0);
	assert_int_equal(server->count, 0);
	free(server);
	flow_close(&door_flow);
}

int door_setup(void **state)
{
	(void)state;
	door_open(&fa_http_limits_default);
	return 0;
}

int door_teardown(void **state)
{
	(void)state;
	door_close();
	return 0;
}

struct door_state door_look(void)
{
	on_loop(look);
	return state;
}

void door_await_count(int count)
{
	for (int i = 0; i < 20000; i++) {
		if (door_look().count == count)
			return;
		wait_a_ms();
	}
	fail_msg("%d connections, not %d", state.count, count);
}

void door_await_moving(void)
{
	for (int i = 0; !door_look().moving && i < 20000; i++)
		wait_a_ms();
	assert_true(state.moving);
}

static void await_number(const _Atomic int *number, int count)
{
	for (int i = 0; *number < count && i < 20000; i++)
		wait_a_ms();
	assert_true(*number >= count);
}

void door_await_requests(int count)
{
	await_number(&door_requests, count);
}

void door_await_gone(int count)
{
	await_number(&door_gone, count);
}

void door_expect(struct answer answer, int status, const char *body)
{
	assert_int_equal(answer.status, status);
	assert_string_equal(answer.body, body);
	answer_free(&answer);
}

void door_ask_alone(const char *text, int status)
{
	struct client client;
	struct answer answer;

	client_open(&client, door_port);
	answer = client_ask(&client, text);
	assert_int_equal(answer.status, status);
	answer_free(&answer);
	client_close(&client);
}
