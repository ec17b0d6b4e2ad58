/* SPDX-License-Identifier: MIT */
#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "test.h"

#define PATIENCE_MS 20000

static void create(struct client *client, int domain)
{
	memset(client, 0, sizeof(*client));
	client->fd = socket(domain, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(client->fd >= 0);
}

static void start(struct client *client, const void *address, socklen_t len)
{
	if (connect(client->fd, address, len) < 0)
		fail_msg("connect: %s", strerror(errno));
}

void client_open_from(struct client *client, const char *source, int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET };

	create(client, AF_INET);
	if (source) {
		assert_int_equal(inet_pton(AF_INET, source, &address.sin_addr), 1);
		assert_int_equal(bind(client->fd, (struct sockaddr *)&address, sizeof(address)), 0);
	}
	address.sin_port = htons((uint16_t)port);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	start(client, &address, sizeof(address));
}

void client_open(struct client *client, int port)
{
	client_open_from(client, NULL, port);
}


void client_open_path(struct client *client, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	create(client, AF_UNIX);
	start(client, &address, sizeof(address));
}

void client_leave_socket(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
}

void client_close(struct client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
	free(client->block);
	client->block = client->data = NULL;
	client->len = client->size = 0;
}

void client_send_bytes(struct client *client, const void *data, size_t len)
{
	while (len) {
		ssize_t n = send(client->fd, data, len, MSG_NOSIGNAL);

		if (n < 0)
			return; /* the server has closed; its answer says why */
		data = (const char *)data + n;
		len -= (size_t)n;
	}
}

void client_send(struct client *client, const char *text)
{
	client_send_bytes(client, text, strlen(text));
}

void client_reset(struct client *client)
{
	struct linger now = { .l_onoff = 1 };

	setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	client_close(client);
}

void client_end(struct client *client)
{
	shutdown(client->fd, SHUT_WR);
}

/* What was taken is in front: it is moved over when there is need, and never piece by piece. */
static void make_room(struct client *client)
{
	size_t taken = (size_t)(client->data - client->block);

	if (client->size - taken - client->len >= 65537)
		return;
	if (client->block)
		memmove(client->block, client->data, client->len);
	if (client->size - client->len < client->size / 2 + 65537) {
		client->size = 2 * client->size + 131072;
		client->block = realloc(client->block, client->size);
		assert_non_null(client->block);
	}
	client->data = client->block;
}

/* False at the end of the connection. */
static bool receive_more(struct client *client)
{
	struct pollfd poll_fd = { .fd = client->fd, .events = POLLIN };
	ssize_t n;

	make_room(client);
	if (poll(&poll_fd, 1, PATIENCE_MS) != 1)
		fail_msg("nothing came; before that: %.*s", (int)client->len, client->data);
	n = recv(client->fd, client->data + client->len,
		 (size_t)(client->block + client->size - client->data) - client->len - 1, 0);
	if (n <= 0)
		return false;
	client->len += (size_t)n;
	client->data[client->len] = '\0';
	return true;
}

bool client_is_closed(struct client *client)
{
	return !client->len && !receive_more(client);
}

static void await_bytes(struct client *client, size_t len)
{
	while (client->len < len)
		if (!receive_more(client))
			fail_msg("the connection ended early: %.*s", (int)client->len,
				 client->data ? client->data : "");
}

/* Where the text begins in what is received; it is waited for. */
static size_t await_text(struct client *client, const char *text)
{
	char *at;

	while (!client->data || !(at = memmem(client->data, client->len, text, strlen(text))))
		await_bytes(client, client->len + 1);
	return (size_t)(at - client->data);
}

static char *take(struct client *client, size_t len)
{
	char *taken = malloc(len + 1);

	await_bytes(client, len);
	memcpy(taken, client->data, len);
	taken[len] = '\0';
	client->data += len;
	client->len -= len;
	return taken;
}

static void take_chunks(struct client *client, struct answer *answer)
{
	size_t room = 0;

	for (;;) {
		char *line = take(client, await_text(client, "\r\n") + 2), *chunk;
		size_t len = strtoul(line, NULL, 16);

		free(line);
		if (!len)
			break;
		chunk = take(client, len + 2);
		if (answer->body_len + len >= room) {
			room = 2 * (answer->body_len + len) + 1;
			answer->body = realloc(answer->body, room);
		}
		memcpy(answer->body + answer->body_len, chunk, len);
		answer->body_len += len;
		answer->body[answer->body_len] = '\0';
		free(chunk);
	}
	if (!strncmp(client->data, "\r\n", 2) ||
	    (await_bytes(client, 2), !strncmp(client->data, "\r\n", 2)))
		answer->trailers = take(client, 2);
	else
		answer->trailers = take(client, await_text(client, "\r\n\r\n") + 4);
}

struct answer client_receive(struct client *client, bool bare)
{
	struct answer answer = { 0 };
	const char *length;

	answer.head = take(client, await_text(client, "\r\n\r\n") + 4);
	assert_int_equal(sscanf(answer.head, "HTTP/1.1 %d ", &answer.status), 1);
	length = answer_field(&answer, "Content-Length");
	if (!bare && *length) {
		answer.body_len = strtoul(length, NULL, 10);
		answer.body = take(client, answer.body_len);
	} else if (!bare && !strcmp(answer_field(&answer, "Transfer-Encoding"), "chunked")) {
		take_chunks(client, &answer);
	} else if (!bare && answer.status == 200) {
		while (receive_more(client))
			;
		answer.body_len = client->len;
		answer.body = take(client, client->len);
	}
	if (!answer.body)
		answer.body = calloc(1, 1);
	return answer;
}

struct answer client_ask(struct client *client, const char *text)
{
	client_send(client, text);
	return client_receive(client, false);
}

const char *answer_field(const struct answer *answer, const char *name)
{
	static char value[16384];
	const char *at = answer->head;
	size_t len = strlen(name);

	while ((at = strstr(at, "\r\n")) != NULL) {
		at += 2;
		if (!strncasecmp(at, name, len) && !strncmp(at + len, ": ", 2)) {
			snprintf(value, sizeof(value), "%.*s", (int)strcspn(at + len + 2, "\r"),
				 at + len + 2);
			return value;
		}
	}
	return "";
}

void answer_free(struct answer *answer)
{
	free(answer->head);
	free(answer->body);
	free(answer->trailers);
	memset(answer, 0, sizeof(*answer));
}
