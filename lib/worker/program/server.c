/* SPDX-License-Identifier: MIT */
/*
 * A connection reads one request, shows it, and reads on when its answer is sent. A body
 * that is too large is answered at once; what still comes of it is read and forgotten, for
 * a client that is sending would not hear the answer if the connection were closed. Of a
 * body that is passed on no more is read than was taken: the client's own socket fills up then.
 */
#include <worker/program/server.h>

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <http/answer.h>
#include <worker/program/runtime_api.h>

#define BACKLOG 1024
#define ACCEPTS_PER_TURN 256
#define PIECE 65536
#define READS_PER_TURN 16

enum state {
	READING,  /* a request, or the beginning of one */
	STALLED,  /* a piece of its body was not taken */
	WAITING,  /* it is shown, and not answered yet */
	SENDING,  /* the answer */
	DROPPING, /* reads what nobody wants any more */
	CLOSED,   /* to be freed at the end of the turn */
};

struct fa_connection {
	int fd;
	enum state state;
	struct fa_server *server;
	bool known;      /* it has made a request */
	uint64_t serial; /* of the last one */
	bool last;       /* no request follows */
	bool streams;    /* its body is passed on */
	bool whole;      /* all of that has come */
	struct faas_bytes rest; /* and was not taken */
	struct fa_http_parser parser;
	char *early; /* read beyond the request that is being answered */
	size_t early_len;
	char head[FA_ANSWER_HEAD_MAX];
	size_t head_len;
	struct faas_bytes body;
	size_t sent; /* of both */
};

/* ---- life -------------------------------------------------------------- */

static void close_connection(struct fa_connection *c)
{
	bool waited = c->state == WAITING || c->streams;

	if (c->state == CLOSED)
		return;
	c->state = CLOSED;
	c->streams = false;
	close(c->fd);
	c->fd = -1;
	fa_http_parser_next(&c->parser);
	free(c->early);
	c->early = NULL;
	if (waited)
		c->server->on_gone(c->server->data, c);
}

static void sweep(struct fa_server *server)
{
	int kept = 0;

	for (int i = 0; i < server->count; i++) {
		if (server->at[i]->state == CLOSED)
			free(server->at[i]);
		else
			server->at[kept++] = server->at[i];
	}
	server->count = kept;
}

/* Who never made a request goes first, who waits for an event or answers one last. */
static uint64_t worth(const struct fa_connection *c)
{
	return (uint64_t)(c->state == WAITING || c->streams) << 63 | (uint64_t)c->known << 62 |
	       c->serial;
}

static struct fa_connection *least_needed(const struct fa_server *server)
{
	struct fa_connection *found = server->at[0];

	for (int i = 1; i < server->count; i++)
		if (worth(server->at[i]) < worth(found))
			found = server->at[i];
	return found;
}

static void add_connection(struct fa_server *server, int fd)
{
	struct fa_connection *c = calloc(1, sizeof(*c));

	if (!c) {
		close(fd);
		return;
	}
	if (server->count == FA_SERVER_CONNECTIONS) {
		close_connection(least_needed(server));
		sweep(server);
	}
	c->fd = fd;
	c->server = server;
	c->serial = ++server->serial;
	fa_http_parser_init(&c->parser, &fa_mem_libc);
	server->at[server->count++] = c;
}

static void accept_some(struct fa_server *server)
{
	for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
		int fd = accept4(server->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0)
			return;
		add_connection(server, fd);
	}
}

/* ---- answers ----------------------------------------------------------- */

static void sent_all(struct fa_connection *c)
{
	c->state = READING;
	if (c->last && shutdown(c->fd, SHUT_WR) < 0)
		close_connection(c);
	else if (c->last)
		c->state = DROPPING;
}

static void send_more(struct fa_connection *c)
{
	while (c->sent < c->head_len + c->body.len) {
		bool head = c->sent < c->head_len;
		size_t at = head ? c->sent : c->sent - c->head_len;
		const char *from = head ? c->head + at : (const char *)c->body.data + at;
		size_t len = head ? c->head_len - at : c->body.len - at;
		int more = head && c->body.len ? MSG_MORE : 0;
		ssize_t n = send(c->fd, from, len, MSG_NOSIGNAL | MSG_DONTWAIT | more);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			close_connection(c);
		if (n < 0)
			return;
		c->sent += (size_t)n;
	}
	sent_all(c);
}

void fa_server_answer(struct fa_connection *c, int status, const struct fa_http_field *fields,
		      int field_count, struct faas_bytes body)
{
	struct fa_answer answer = { .status = status,
				    .length = (int64_t)body.len,
				    .unix_ms = (int64_t)time(NULL) * 1000,
				    .http10 = c->parser.http10 };

	c->last |= c->streams && !c->whole; /* what still comes is no request */
	c->streams = false;
	answer.last = c->last;
	c->head_len = fa_answer_head(c->head, &answer, fields, field_count);
	c->body = body;
	c->sent = 0;
	c->state = SENDING;
	fa_http_parser_next(&c->parser);
	send_more(c);
}

void fa_server_forget(struct fa_server *server, struct faas_bytes body)
{
	for (int i = 0; i < server->count; i++) {
		struct fa_connection *c = server->at[i];

		if (c->state == SENDING && c->body.data == body.data)
			close_connection(c);
	}
}

/* ---- requests ---------------------------------------------------------- */

static size_t held(const struct fa_server *server)
{
	size_t total = 0;

	for (int i = 0; i < server->count; i++)
		total += fa_http_parser_held(&server->at[i]->parser);
	return total;
}

static void show(struct fa_connection *c)
{
	c->state = WAITING;
	c->known = true;
	c->serial = ++c->server->serial;
	c->server->on_request(c->server->data, c, &c->parser.request);
}

static void refuse(struct fa_connection *c)
{
	bool too_large = c->parser.status == 413, streams = c->streams;

	c->streams = false;
	if (streams)
		c->server->on_gone(c->server->data, c);
	c->last = true;
	if (too_large) {
		c->parser.request.body.len = FA_RUNTIME_BODY_MAX + 1;
		show(c);
	} else {
		fa_server_answer(c, c->parser.status, NULL, 0, (struct faas_bytes){ "", 0 });
	}
}

static void judge_head(struct fa_connection *c)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

	c->streams = c->server->on_head(c->server->data, c, &c->parser.request);
	c->parser.body_max = c->streams ? PIECE : FA_RUNTIME_BODY_MAX;
	if (!c->streams && fa_http_declared(&c->parser) > FA_RUNTIME_BODY_MAX) {
		c->parser.status = 413;
		refuse(c);
	} else if (c->parser.expects) {
		send(c->fd, go_on, sizeof(go_on) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	}
}

/* True: all of it was taken, and the request goes on. */
static bool pass_on(struct fa_connection *c, struct faas_bytes piece)
{
	size_t taken = 0;

	c->state = READING;
	if (piece.len)
		taken = c->server->on_piece(c->server->data, c, piece);
	if (c->state != READING)
		return false; /* it was refused */
	c->rest = (struct faas_bytes){ (const char *)piece.data + taken, piece.len - taken };
	if (c->rest.len)
		c->state = STALLED;
	return !c->rest.len;
}

static void take_step(struct fa_connection *c, enum fa_http_step step)
{
	c->whole = step == FA_HTTP_WHOLE;
	if (c->whole)
		c->last = !c->parser.keep_alive;
	if (c->streams && !pass_on(c, fa_http_parser_take_body(&c->parser)) &&
	    !(step == FA_HTTP_BROKEN && c->state == STALLED))
		return;
	if (step == FA_HTTP_HEAD)
		judge_head(c);
	else if (step == FA_HTTP_BROKEN)
		refuse(c);
	else if (c->whole)
		show(c);
}

/* How far they were understood: to their end, or to that of a request. */
static size_t digest(struct fa_connection *c, const char *data, size_t len)
{
	enum fa_http_step step;
	size_t at = 0, used;

	do {
		step = fa_http_parse(&c->parser, data + at, len - at, &used);
		at += used;
		take_step(c, step);
	} while (c->state == READING && (at < len || step == FA_HTTP_HEAD));
	return at;
}

/* Bytes that were read; those behind a request's end are kept until it is answered. */
static void take(struct fa_connection *c, const char *data, size_t len)
{
	size_t used = digest(c, data, len);

	if (used == len || c->last || c->state == CLOSED)
		return;
	c->early_len = len - used;
	c->early = malloc(c->early_len);
	if (c->early)
		memcpy(c->early, data + used, c->early_len);
	else
		close_connection(c);
}

/* What came with an earlier request. */
static void take_early(struct fa_connection *c)
{
	while (c->early && c->state == READING) {
		char *early = c->early;

		c->early = NULL;
		take(c, early, c->early_len);
		free(early);
	}
}

/* A client that sends head and body apart would wait for our word on the first. */
static void hurry(const struct fa_connection *c)
{
	int on = 1;

	setsockopt(c->fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
}

static void read_on(struct fa_connection *c)
{
	static char piece[PIECE];

	take_early(c);
	for (int i = 0; i < READS_PER_TURN && (c->state == READING || c->state == DROPPING); i++) {
		ssize_t n = recv(c->fd, piece, sizeof(piece), MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0)
			close_connection(c);
		else if (c->state == READING)
			take(c, piece, (size_t)n);
		if (n > 0 && c->state == READING)
			hurry(c);
		if (c->state == READING && held(c->server) > FA_SERVER_HELD)
			close_connection(c);
	}
}

void fa_server_resume(struct fa_connection *c)
{
	if (c->state != STALLED || !pass_on(c, c->rest))
		return;
	if (c->whole)
		show(c);
	read_on(c);
}

/* ---- turns ------------------------------------------------------------- */

int fa_server_open(struct fa_server *server, struct sockaddr_in *address)
{
	socklen_t len = sizeof(*address);
	int rc = 0;

	server->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (server->listener < 0)
		return -errno;
	if (bind(server->listener, (struct sockaddr *)address, len) < 0 ||
	    listen(server->listener, BACKLOG) < 0 ||
	    getsockname(server->listener, (struct sockaddr *)address, &len) < 0) {
		rc = -errno;
		close(server->listener);
	}
	return rc;
}

/* Who is stalled may end, and what it sent is still taken. */
static int fd_of(const struct fa_connection *c)
{
	return c->state == STALLED ? -1 : c->fd;
}

/* Who waits may end meanwhile; and a request behind it is not looked at yet. */
static short events_of(const struct fa_connection *c)
{
	return c->state == SENDING ? POLLOUT : c->state == WAITING ? 0 : POLLIN;
}

int fa_server_fill(struct fa_server *server, struct pollfd fds[FA_SERVER_FDS])
{
	fds[0] = (struct pollfd){ .fd = server->listener, .events = POLLIN };
	for (int i = 0; i < server->count; i++)
		fds[1 + i] = (struct pollfd){ .fd = fd_of(server->at[i]),
					      .events = events_of(server->at[i]) };
	return 1 + server->count;
}

static void serve(struct fa_connection *c, short events)
{
	if (events & POLLERR || (events & POLLHUP && c->state == WAITING)) {
		close_connection(c);
		return;
	}
	if (c->state == SENDING)
		send_more(c);
	read_on(c);
}

void fa_server_serve(struct fa_server *server, const struct pollfd *fds, int count)
{
	struct fa_connection *ready[FA_SERVER_CONNECTIONS];

	memcpy(ready, server->at, sizeof(ready));
	for (int i = 1; i < count; i++)
		if (fds[i].revents && ready[i - 1]->state != CLOSED)
			serve(ready[i - 1], fds[i].revents);
	sweep(server);
	if (fds[0].revents)
		accept_some(server);
}

void fa_server_drain(struct fa_server *server)
{
	struct pollfd fds[FA_SERVER_FDS];
	int count;

	for (int turn = 0; turn < READS_PER_TURN; turn++) {
		count = fa_server_fill(server, fds);
		if (poll(fds, (nfds_t)count, 0) <= 0)
			return;
		fa_server_serve(server, fds, count);
	}
}
