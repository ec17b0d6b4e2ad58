/* SPDX-License-Identifier: MIT */
/*
 * A batch is acknowledged by the beginning of an answer with status 2xx, over TCP by having
 * been sent. It is tried a few times, then dropped. A new connection for each batch of HTTP:
 * a subscriber that was killed, or one that closes whenever it likes, needs no other rule.
 */
#include <worker/program/courier.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <base/member.h>

#define ATTEMPTS 5
#define PATIENCE_NS INT64_C(2000000000) /* with a subscriber that does not go on */
#define PAUSE_NS INT64_C(100000000)     /* times the attempts so far */
#define JUNK 65536
#define ROOM 256 /* for the brackets, and for telling what was dropped */

/* ---- batches -------------------------------------------------------------- */

static void append(struct fa_batch *batch, const char *data, size_t len)
{
	memcpy(batch->data + batch->len, data, len);
	batch->len += len;
}

/* False: there is no memory for it. */
static bool reserve(struct fa_batch *batch, size_t len)
{
	size_t size = batch->size ? batch->size : 4096;
	char *data;

	while (size < batch->len + len)
		size *= 2;
	if (size == batch->size)
		return true;
	data = realloc(batch->data, size);
	if (!data)
		return false;
	batch->data = data;
	batch->size = size;
	return true;
}

static bool is_full(const struct fa_courier *c, size_t more)
{
	const struct fa_batch *batch = &c->filling;

	return batch->items >= c->subscription.max_items ||
	       (batch->items && batch->len + more > c->subscription.max_bytes);
}

/* One array, or over TCP one line each. */
static bool put(struct fa_courier *c, const char *event, size_t len)
{
	struct fa_batch *batch = &c->filling;

	if (!reserve(batch, len + ROOM))
		return false;
	if (!c->subscription.tcp)
		append(batch, batch->items ? "," : "[", 1);
	append(batch, event, len);
	if (c->subscription.tcp)
		append(batch, "\n", 1);
	batch->items++;
	return true;
}

static void drop(struct fa_courier *c, uint32_t items, size_t bytes)
{
	c->dropped_items += items;
	c->dropped_bytes += bytes;
}

/* With the next batch that there is room in. */
static void tell_dropped(struct fa_courier *c, int64_t unix_ms)
{
	char event[ROOM * 2];
	struct fa_text text = FA_TEXT(event);

	if (!c->dropped_items || !(c->subscription.types & FA_TELEMETRY_PLATFORM))
		return;
	fa_text_add(&text, "{\"time\":\"");
	fa_text_time(&text, unix_ms);
	fa_text_add(&text, "\",\"type\":\"platform.logsDropped\",\"record\":{\"reason\":\"Consumer "
			   "seems to have fallen behind as it has not acknowledged receipt of "
			   "logs.\"");
	fa_member_int(&text, "droppedRecords", (int64_t)c->dropped_items);
	fa_member_int(&text, "droppedBytes", (int64_t)c->dropped_bytes);
	fa_text_add(&text, "}}");
	if (put(c, text.data, text.len))
		c->dropped_items = c->dropped_bytes = 0;
}

void fa_courier_add(struct fa_courier *c, const char *event, size_t len, struct fa_instant now)
{
	if (is_full(c, len))
		fa_courier_look(c, false, now.ns);
	if (is_full(c, len)) {
		drop(c, 1, len);
		return;
	}
	if (!c->filling.items) {
		c->filling_due_ns = now.ns + c->subscription.timeout_ms * INT64_C(1000000);
		tell_dropped(c, now.unix_ms);
	}
	if (!put(c, event, len))
		drop(c, 1, len);
}

/* ---- one delivery --------------------------------------------------------- */

static void write_head(struct fa_courier *c)
{
	struct fa_text head = FA_TEXT(c->head);

	fa_text_add(&head, c->subscription.method);
	fa_text_add(&head, " ");
	fa_text_add(&head, c->subscription.path);
	fa_text_add(&head, " HTTP/1.1\r\nHost: sandbox.localdomain:");
	fa_text_int(&head, c->subscription.port);
	fa_text_add(&head, "\r\nContent-Type: application/json\r\nConnection: close\r\n"
			   "Content-Length: ");
	fa_text_int(&head, (int64_t)c->sending.len);
	fa_text_add(&head, "\r\n\r\n");
	c->head_len = c->subscription.tcp ? 0 : head.len;
}

static void hang_up(struct fa_courier *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

static void delivered(struct fa_courier *c)
{
	c->sending.len = c->sending.items = 0;
	c->attempts = 0;
	c->state = c->subscription.tcp ? FA_COURIER_IDLE : FA_COURIER_READING;
}

static void fail(struct fa_courier *c, int64_t now_ns)
{
	hang_up(c);
	c->attempts++;
	c->state = FA_COURIER_PAUSING;
	c->due_ns = now_ns + c->attempts * PAUSE_NS;
	if (c->attempts < ATTEMPTS)
		return;
	drop(c, c->sending.items, c->sending.len);
	delivered(c);
	c->state = FA_COURIER_IDLE;
}

static void send_more(struct fa_courier *c, int64_t now_ns)
{
	while (c->sent < c->head_len + c->sending.len) {
		bool head = c->sent < c->head_len;
		size_t at = head ? c->sent : c->sent - c->head_len;
		const char *from = head ? c->head + at : c->sending.data + at;
		size_t len = head ? c->head_len - at : c->sending.len - at;
		ssize_t n = send(c->fd, from, len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOTCONN))
			return;
		if (n < 0) {
			fail(c, now_ns);
			return;
		}
		c->sent += (size_t)n;
		c->due_ns = now_ns + PATIENCE_NS;
	}
	c->state = FA_COURIER_WAITING;
	if (c->subscription.tcp)
		delivered(c);
}

static void try_to_send(struct fa_courier *c, int64_t now_ns)
{
	bool open = c->fd >= 0;

	if (!open)
		c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0 ||
	    (!open && connect(c->fd, (struct sockaddr *)&c->address, sizeof(c->address)) < 0 &&
	     errno != EINPROGRESS)) {
		fail(c, now_ns);
		return;
	}
	write_head(c);
	c->state = FA_COURIER_SENDING;
	c->sent = c->answer_len = 0;
	c->due_ns = now_ns + PATIENCE_NS;
	send_more(c, now_ns);
}

/* A connection that an answer came over is used for no other batch. */
static void begin(struct fa_courier *c, int64_t now_ns)
{
	struct fa_batch empty = c->sending;

	if (c->state == FA_COURIER_READING)
		hang_up(c);
	c->sending = c->filling;
	c->filling = empty;
	if (!c->subscription.tcp)
		append(&c->sending, "]", 1);
	try_to_send(c, now_ns);
}

/* ---- answers -------------------------------------------------------------- */

static bool is_success(const struct fa_courier *c)
{
	return c->answer_len > 12 && !memcmp(c->answer, "HTTP/1.", 7) && c->answer[9] == '2';
}

static void read_answer(struct fa_courier *c, int64_t now_ns)
{
	size_t room = sizeof(c->answer) - c->answer_len;
	ssize_t n = recv(c->fd, c->answer + c->answer_len, room, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	c->answer_len += n > 0 ? (size_t)n : 0;
	if (memmem(c->answer, c->answer_len, "\r\n\r\n", 4) && is_success(c))
		delivered(c);
	else if (n <= 0 || c->answer_len == sizeof(c->answer) ||
		 memmem(c->answer, c->answer_len, "\r\n\r\n", 4))
		fail(c, now_ns);
}

/* Nobody wants it; but who is still writing would be startled by a connection that is gone. */
static void read_rest(struct fa_courier *c)
{
	ssize_t n = recv(c->fd, c->answer, sizeof(c->answer), MSG_DONTWAIT);

	c->answer_len += n > 0 ? (size_t)n : 0;
	if (n > 0 && c->answer_len < JUNK)
		return;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	hang_up(c);
	c->state = FA_COURIER_IDLE;
}

void fa_courier_serve(struct fa_courier *c, short events, int64_t now_ns)
{
	if (!events)
		return;
	if (c->state == FA_COURIER_SENDING)
		send_more(c, now_ns);
	else if (c->state == FA_COURIER_WAITING)
		read_answer(c, now_ns);
	else if (c->state == FA_COURIER_READING)
		read_rest(c);
	else if (c->state == FA_COURIER_IDLE)
		hang_up(c); /* over TCP nothing is said to us but that it is over */
}

/* ---- turns ---------------------------------------------------------------- */

static bool is_free(const struct fa_courier *c)
{
	return c->state == FA_COURIER_IDLE || c->state == FA_COURIER_READING;
}

bool fa_courier_look(struct fa_courier *c, bool flush, int64_t now_ns)
{
	bool due = c->filling.items && (flush || is_full(c, ROOM) || now_ns >= c->filling_due_ns);

	if (c->state == FA_COURIER_PAUSING && now_ns >= c->due_ns)
		try_to_send(c, now_ns);
	else if ((c->state == FA_COURIER_SENDING || c->state == FA_COURIER_WAITING) &&
		 now_ns >= c->due_ns)
		fail(c, now_ns);
	else if (is_free(c) && due)
		begin(c, now_ns);
	return !is_free(c);
}

int64_t fa_courier_left_ns(const struct fa_courier *c, int64_t now_ns)
{
	int64_t due_ns = is_free(c) ? c->filling_due_ns : c->due_ns;

	if (is_free(c) && !c->filling.items)
		return -1;
	return due_ns > now_ns ? due_ns - now_ns : 0;
}

struct pollfd fa_courier_poll(const struct fa_courier *c)
{
	return (struct pollfd){ .fd = c->fd,
				.events = c->state == FA_COURIER_SENDING ? POLLOUT : POLLIN };
}

void fa_courier_woken(struct fa_courier *c, int64_t now_ns)
{
	if (c->state == FA_COURIER_SENDING || c->state == FA_COURIER_WAITING)
		c->due_ns = now_ns + PATIENCE_NS;
}

struct fa_courier *fa_courier_create(const char *name, const struct fa_subscription *subscription,
				     const struct sockaddr_in *address)
{
	struct fa_courier *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	snprintf(c->name, sizeof(c->name), "%s", name);
	c->subscription = *subscription;
	c->address = *address;
	c->address.sin_port = htons(subscription->port);
	c->fd = -1;
	return c;
}
