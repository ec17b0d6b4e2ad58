/* SPDX-License-Identifier: MIT */
/*
 * A connection takes one step after the other until a step has to wait: read a piece
 * and parse it, hand the request over, send what there is of the answer, look for the
 * next request. What an event brings is only that steps can be taken again. Nothing
 * is read while a request waits or an answer is unsent, so a client that sends ahead
 * fills the kernel's buffer and no memory of ours.
 */
#include <http/connection.h>

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include <base/text.h>
#include <http/answer.h>
#include <http/server.h>

#define STEPS_PER_TURN 8
#define NEVER (INT64_MAX / 2)
#define LINGER_NS 5000000000LL
#define BYTES_PER_MS 1 /* the least that is asked of a client */
#define OUT_FIRST 4096

static void go_on(struct fa_conn *conn);

static int64_t now_of(const struct fa_conn *conn)
{
	return fa_now(conn->server->loop->clock);
}

/* ---- states ---------------------------------------------------------- */

static bool is_reading(const struct fa_conn *conn)
{
	return conn->state <= FA_CONN_BODY;
}

/* The door has been given a request that it has not answered. */
static bool is_owed(const struct fa_conn *conn)
{
	return conn->state == FA_CONN_WAITING || conn->state == FA_CONN_STREAMING;
}

static struct fa_list *list_of(struct fa_conn *conn, enum fa_conn_state state)
{
	struct fa_server *server = conn->server;

	switch (state) {
	case FA_CONN_IDLE:
		return &server->idle;
	case FA_CONN_HEAD:
		return &server->heading;
	case FA_CONN_WAITING:
		return &server->working;
	default:
		return &server->moving;
	}
}

static int64_t patience_ns(const struct fa_conn *conn)
{
	const struct fa_http_limits *limits = &conn->server->limits;
	int64_t ms = (int64_t)limits->patience_ms + (int64_t)(conn->moved / 1024 * 1000);

	return (conn->state == FA_CONN_HEAD   ? limits->head_ms
		: conn->state == FA_CONN_IDLE ? limits->idle_ms
					      : ms) *
	       1000000;
}

static int64_t deadline_of(const struct fa_conn *conn)
{
	if (conn->state == FA_CONN_WAITING ||
	    (conn->state == FA_CONN_STREAMING && !fa_conn_pending(conn)))
		return NEVER;
	if (conn->state == FA_CONN_LINGERING)
		return conn->since_ns + LINGER_NS;
	return conn->since_ns + patience_ns(conn);
}

/* It is armed for as long as the connection lives: moving it needs no memory. */
static void set_deadline(struct fa_conn *conn)
{
	fa_loop_timer(conn->server->loop, &conn->deadline, deadline_of(conn));
}

static void enter(struct fa_conn *conn, enum fa_conn_state state)
{
	conn->state = state;
	conn->since_ns = conn->progress_ns = now_of(conn);
	conn->moved = 0;
	fa_list_remove(&conn->link);
	fa_list_append(list_of(conn, state), &conn->link);
	set_deadline(conn);
}

static void progress(struct fa_conn *conn, size_t bytes)
{
	if (!bytes)
		return;
	conn->moved += bytes;
	conn->progress_ns = now_of(conn);
	if (list_of(conn, conn->state) != &conn->server->moving)
		return;
	fa_list_remove(&conn->link);
	fa_list_append(&conn->server->moving, &conn->link);
}

/* ---- memory ---------------------------------------------------------- */

static void account(struct fa_conn *conn)
{
	size_t held = fa_http_parser_held(&conn->parser) + conn->rest_len + conn->out_size;

	conn->server->held += held - conn->held;
	conn->held = held;
	if (conn->server->held > conn->server->limits.held)
		fa_server_make_room(conn->server, conn);
}

static void drop_rest(struct fa_conn *conn)
{
	fa_free(conn->rest);
	conn->rest = NULL;
	conn->rest_at = conn->rest_len = 0;
}

static void drop_out(struct fa_conn *conn)
{
	fa_free(conn->out);
	conn->out = NULL;
	conn->out_at = conn->out_len = conn->out_size = 0;
}

/* ---- life and death -------------------------------------------------- */

static void bury(struct fa_conn *conn)
{
	struct fa_server *server = conn->server;

	fa_http_parser_next(&conn->parser);
	server->held -= conn->held;
	fa_free(conn);
	fa_server_left(server);
}

static void tell_gone(struct fa_conn *conn)
{
	void (*on_gone)(void *data, struct fa_conn *conn) = conn->on_gone;

	conn->on_gone = NULL;
	if (on_gone)
		on_gone(conn->gone_data, conn);
}

void fa_conn_close(struct fa_conn *conn)
{
	bool owed = is_owed(conn);

	if (conn->state >= FA_CONN_GONE)
		return;
	conn->state = owed ? FA_CONN_GONE : FA_CONN_DEAD;
	fa_loop_unwatch(conn->server->loop, &conn->watch);
	fa_loop_timer_stop(conn->server->loop, &conn->deadline);
	fa_wire_finish(&conn->wire);
	fa_list_remove(&conn->link);
	if (!conn->turning) /* else the door may be looking at the request */
		fa_http_parser_next(&conn->parser);
	drop_rest(conn);
	drop_out(conn);
	account(conn);
	if (owed)
		tell_gone(conn);
	else if (!conn->turning)
		bury(conn);
}

static void on_deadline(struct fa_timer *timer);
static void on_ready(struct fa_watch *watch, uint32_t events);

int fa_conn_create(struct fa_server *server, int fd, const union fa_peer *peer)
{
	struct fa_conn *conn = fa_alloc(server->mem, sizeof(*conn));
	int rc;

	if (!conn || fa_wire_init(&conn->wire, fd, server->tls) < 0) {
		if (!conn)
			fa_wire_finish(&(struct fa_wire){ .fd = fd });
		fa_free(conn);
		return FAAS_ENOMEM;
	}
	conn->caller = fa_conn_caller;
	conn->server = server;
	conn->peer = *peer;
	conn->watch = (struct fa_watch){ .fd = fd, .both = true, .on_ready = on_ready };
	conn->deadline.on_due = on_deadline;
	fa_list_init(&conn->link);
	fa_http_parser_init(&conn->parser, server->mem);
	server->count++;
	rc = fa_loop_timer(server->loop, &conn->deadline, NEVER);
	if (!rc)
		rc = fa_loop_watch(server->loop, &conn->watch);
	if (rc) {
		fa_conn_close(conn);
		return FAAS_ENOMEM;
	}
	enter(conn, FA_CONN_HEAD); /* who connects is to say something */
	return 0;
}

/* ---- sending --------------------------------------------------------- */

size_t fa_conn_pending(const struct fa_conn *conn)
{
	return conn->out_len - conn->out_at;
}

static bool keep_for_later(struct fa_conn *conn, const char *data, size_t len)
{
	size_t pending = fa_conn_pending(conn), size = pending + len;
	char *bigger;

	if (conn->out_len + len > conn->out_size) {
		if (conn->out_size && size < 2 * conn->out_size)
			size = 2 * conn->out_size;
		bigger = fa_alloc_dirty(conn->server->mem, size < OUT_FIRST ? OUT_FIRST : size);
		if (!bigger)
			return false;
		if (pending)
			memcpy(bigger, conn->out + conn->out_at, pending);
		fa_free(conn->out);
		conn->out = bigger;
		conn->out_size = size < OUT_FIRST ? OUT_FIRST : size;
		conn->out_at = 0;
		conn->out_len = pending;
	}
	memcpy(conn->out + conn->out_len, data, len);
	conn->out_len += len;
	return true;
}

/* Straight into the socket as far as it goes; the rest waits. */
static void push(struct fa_conn *conn, const void *data, size_t len, bool more)
{
	ssize_t n = 0;

	if (conn->state >= FA_CONN_GONE || !len)
		return;
	if (!fa_conn_pending(conn))
		n = fa_wire_write(&conn->wire, data, len, more);
	if (n >= 0)
		progress(conn, (size_t)n);
	if (n < 0 ||
	    ((size_t)n < len && !keep_for_later(conn, (const char *)data + n, len - (size_t)n)))
		fa_conn_close(conn);
	else if ((size_t)n < len)
		account(conn);
}

/* False: the connection is over. */
static bool flush(struct fa_conn *conn)
{
	ssize_t n = 1;

	while (n > 0 && fa_conn_pending(conn)) {
		n = fa_wire_write(&conn->wire, conn->out + conn->out_at, fa_conn_pending(conn),
				  false);
		if (n > 0) {
			conn->out_at += (size_t)n;
			progress(conn, (size_t)n);
		}
	}
	if (n < 0) {
		fa_conn_close(conn);
		return false;
	}
	if (!fa_conn_pending(conn) && conn->out) {
		drop_out(conn);
		account(conn);
	}
	return true;
}

/* ---- reading --------------------------------------------------------- */

/* Nothing that follows can be understood, or is wanted. */
static void fail(struct fa_conn *conn, int status)
{
	const struct fa_http_door *door = conn->server->door;

	conn->last = true;
	conn->head_only = false;
	enter(conn, FA_CONN_WAITING);
	if (door->on_broken)
		door->on_broken(door->data, conn, status);
	else
		fa_conn_answer(conn, status, NULL, 0, (struct faas_bytes){ "", 0 });
}

/* What the answer will have to know of the request, when that is forgotten. */
static void note_request(struct fa_conn *conn)
{
	conn->http10 = conn->parser.http10;
	conn->head_only = !strcmp(conn->parser.request.method, "HEAD");
}

static void take_head(struct fa_conn *conn)
{
	static const char go[] = "HTTP/1.1 100 Continue\r\n\r\n";
	const struct fa_http_door *door = conn->server->door;
	struct fa_http_parser *parser = &conn->parser;
	uint64_t declared = fa_http_declared(parser);

	note_request(conn);
	conn->last = true; /* if it is answered from here: its body would come next */
	enter(conn, FA_CONN_WAITING);
	parser->body_max = door->on_head ? door->on_head(door->data, conn, &parser->request) : 0;
	if (conn->state != FA_CONN_WAITING)
		return;
	enter(conn, FA_CONN_BODY);
	if (declared > parser->body_max)
		fail(conn, 413);
	else if (parser->expects && (declared || parser->chunked))
		push(conn, go, sizeof(go) - 1, false);
}

static void take_request(struct fa_conn *conn)
{
	const struct fa_http_door *door = conn->server->door;

	conn->last = !conn->parser.keep_alive || conn->server->closing;
	enter(conn, FA_CONN_WAITING);
	door->on_request(door->data, conn, &conn->parser.request);
	fa_http_parser_next(&conn->parser);
}

/* How far a piece was understood: up to its end, or to that of a request. */
static size_t digest(struct fa_conn *conn, const char *data, size_t len)
{
	enum fa_http_step step;
	size_t at = 0, used;

	if (conn->state == FA_CONN_IDLE)
		enter(conn, FA_CONN_HEAD);
	do {
		step = fa_http_parse(&conn->parser, data + at, len - at, &used);
		at += used;
		progress(conn, used);
		if (step == FA_HTTP_HEAD)
			take_head(conn);
		else if (step == FA_HTTP_WHOLE)
			take_request(conn);
		else if (step == FA_HTTP_BROKEN)
			fail(conn, conn->parser.status);
	} while (is_reading(conn) && (at < len || step == FA_HTTP_HEAD));
	return at;
}

static bool keep_rest(struct fa_conn *conn, const char *data, size_t len)
{
	if (!len || conn->last || conn->state >= FA_CONN_GONE)
		return true;
	conn->rest = fa_memdup(conn->server->mem, data, len);
	conn->rest_len = conn->rest ? len : 0;
	return conn->rest != NULL;
}

static bool take_rest(struct fa_conn *conn)
{
	conn->rest_at += digest(conn, conn->rest + conn->rest_at, conn->rest_len - conn->rest_at);
	if (conn->rest && (conn->rest_at == conn->rest_len || conn->last))
		drop_rest(conn);
	account(conn);
	return true;
}

/* Returns whether there is another step to take. */
static bool take_more(struct fa_conn *conn)
{
	char *slab = conn->server->slab;
	ssize_t n;
	size_t used;

	if (conn->rest)
		return take_rest(conn);
	if (!conn->readable)
		return false;
	n = fa_wire_read(&conn->wire, slab, FA_HTTP_SLAB);
	if (n == -EAGAIN) {
		conn->readable = false;
		return false;
	}
	if (n > 0) {
		used = digest(conn, slab, (size_t)n);
		if (keep_rest(conn, slab + used, (size_t)n - used)) {
			account(conn);
			return true;
		}
	}
	fa_conn_close(conn);
	return false;
}

/* ---- steps ----------------------------------------------------------- */

/* The client must be able to read the answer: a close with unread input would take it back. */
static bool discard(struct fa_conn *conn)
{
	ssize_t n = fa_wire_read(&conn->wire, conn->server->slab, FA_HTTP_SLAB);

	if (n == -EAGAIN)
		return false;
	if (n <= 0)
		fa_conn_close(conn);
	return n > 0;
}

static bool send_rest(struct fa_conn *conn)
{
	if (!flush(conn))
		return false;
	if (conn->server->hurried)
		fa_conn_close(conn);
	if (conn->server->hurried || fa_conn_pending(conn))
		return false;
	if (conn->last || conn->server->closing) {
		drop_rest(conn);
		fa_wire_shutdown(&conn->wire);
		enter(conn, FA_CONN_LINGERING);
	} else {
		enter(conn, conn->rest ? FA_CONN_HEAD : FA_CONN_IDLE);
	}
	return true;
}

static bool stream(struct fa_conn *conn)
{
	bool pending = fa_conn_pending(conn);

	if (flush(conn) && pending && !fa_conn_pending(conn)) {
		set_deadline(conn);
		if (conn->on_drained)
			conn->on_drained(conn->drained_data, conn);
	}
	return conn->state != FA_CONN_STREAMING;
}

static bool step(struct fa_conn *conn)
{
	if (is_owed(conn) && conn->ended && conn->on_gone) {
		tell_gone(conn);
		return true;
	}
	switch (conn->state) {
	case FA_CONN_IDLE:
	case FA_CONN_HEAD:
	case FA_CONN_BODY:
		return take_more(conn);
	case FA_CONN_STREAMING:
		return stream(conn);
	case FA_CONN_SENDING:
		return send_rest(conn);
	case FA_CONN_LINGERING:
		return discard(conn);
	default:
		return false;
	}
}

static void go_on(struct fa_conn *conn)
{
	int steps = 0;

	if (conn->turning)
		return;
	conn->turning = true;
	while (steps < STEPS_PER_TURN && step(conn))
		steps++;
	conn->turning = false;
	if (conn->state == FA_CONN_DEAD)
		bury(conn);
	else if (steps == STEPS_PER_TURN)
		fa_loop_rearm(conn->server->loop, &conn->watch);
}

static void on_ready(struct fa_watch *watch, uint32_t events)
{
	struct fa_conn *conn = fa_container(watch, struct fa_conn, watch);

	conn->readable = true;
	conn->ended |= (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
	if (is_owed(conn) && events & (EPOLLERR | EPOLLHUP))
		fa_conn_close(conn);
	else
		go_on(conn);
}

static void on_deadline(struct fa_timer *timer)
{
	struct fa_conn *conn = fa_container(timer, struct fa_conn, deadline);
	bool partial = conn->state == FA_CONN_BODY || (conn->state == FA_CONN_HEAD && conn->moved);

	if (deadline_of(conn) > now_of(conn)) {
		set_deadline(conn);
		return;
	}
	if (!partial) {
		fa_conn_close(conn);
		return;
	}
	set_deadline(conn);
	conn->turning = true;
	fail(conn, 408);
	conn->turning = false;
	go_on(conn);
}

/* ---- answers --------------------------------------------------------- */

/* Whoever answers may do so in the middle of a step, or from outside of all. */
static bool begin_answer(struct fa_conn *conn, enum fa_conn_state next, bool *nested)
{
	*nested = conn->turning;
	conn->turning = true;
	if (next == FA_CONN_SENDING) {
		conn->on_gone = NULL;
		conn->on_drained = NULL;
	}
	if (conn->state == FA_CONN_GONE) {
		if (next == FA_CONN_SENDING)
			conn->state = FA_CONN_DEAD;
		return false;
	}
	conn->last |= conn->server->closing;
	if (conn->state != next)
		enter(conn, next);
	return true;
}

static void end_answer(struct fa_conn *conn, bool nested)
{
	conn->turning = nested;
	go_on(conn);
}

static struct fa_answer describe(const struct fa_conn *conn, int status)
{
	return (struct fa_answer){
		.status = status,
		.unix_ms = conn->server->loop->clock->unix_ms(conn->server->loop->clock),
		.last = conn->last,
		.http10 = conn->http10,
		.length = FA_ANSWER_CHUNKED,
	};
}

void fa_conn_answer(struct fa_conn *conn, int status, const struct fa_http_field *fields,
		    int field_count, struct faas_bytes body)
{
	struct fa_answer answer;
	char head[FA_ANSWER_HEAD_MAX];
	bool nested, bare;
	size_t len;

	if (!begin_answer(conn, FA_CONN_SENDING, &nested)) {
		end_answer(conn, nested);
		return;
	}
	answer = describe(conn, status);
	answer.length = (int64_t)body.len;
	bare = conn->head_only || status == 204;
	len = fa_answer_head(head, &answer, fields, field_count);
	if (!bare && body.len && body.len <= sizeof(head) - len) {
		memcpy(head + len, body.data, body.len); /* one packet instead of two */
		push(conn, head, len + body.len, false);
	} else {
		push(conn, head, len, !bare && body.len);
		if (!bare)
			push(conn, body.data, body.len, false);
	}
	end_answer(conn, nested);
}

void fa_conn_begin(struct fa_conn *conn, int status, const struct fa_http_field *fields,
		   int field_count)
{
	struct fa_answer answer;
	char head[FA_ANSWER_HEAD_MAX];
	bool nested;

	if (begin_answer(conn, FA_CONN_STREAMING, &nested)) {
		conn->head_only |= status == 204 || status == 304; /* they have no body */
		conn->chunked = !conn->http10;
		conn->last |= conn->http10;
		answer = describe(conn, status);
		push(conn, head, fa_answer_head(head, &answer, fields, field_count), false);
	}
	end_answer(conn, nested);
}

void fa_conn_write(struct fa_conn *conn, struct faas_bytes piece)
{
	char size[20];
	bool nested, idle = !fa_conn_pending(conn);

	if (begin_answer(conn, FA_CONN_STREAMING, &nested) && piece.len && !conn->head_only) {
		if (conn->chunked)
			push(conn, size, fa_answer_chunk(size, piece.len), true);
		push(conn, piece.data, piece.len, conn->chunked);
		if (conn->chunked)
			push(conn, "\r\n", 2, false);
		if (idle && fa_conn_pending(conn))
			enter(conn, FA_CONN_STREAMING); /* the reader's time begins */
	}
	end_answer(conn, nested);
}

void fa_conn_end(struct fa_conn *conn, const struct fa_http_field *trailers, int trailer_count)
{
	char text[FA_ANSWER_HEAD_MAX];
	bool nested;

	if (begin_answer(conn, FA_CONN_SENDING, &nested) && conn->chunked && !conn->head_only)
		push(conn, text, fa_answer_last_chunk(text, trailers, trailer_count), false);
	end_answer(conn, nested);
}

void fa_conn_on_drained(struct fa_conn *conn, void (*on_drained)(void *data, struct fa_conn *conn),
			void *data)
{
	conn->on_drained = on_drained;
	conn->drained_data = data;
}

void fa_conn_on_gone(struct fa_conn *conn, void (*on_gone)(void *data, struct fa_conn *conn),
		     void *data)
{
	conn->on_gone = on_gone;
	conn->gone_data = data;
	if (conn->ended && is_owed(conn))
		fa_loop_rearm(conn->server->loop, &conn->watch); /* told from there */
}
