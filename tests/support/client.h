/* SPDX-License-Identifier: MIT */
#ifndef TEST_CLIENT_H
#define TEST_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A client of HTTP that sends what it is told, well-formed or not. Every wait
 * is bounded and fails the test when it is over.
 */
struct client {
	int fd;
	char *data; /* what was received and not taken; NUL behind it */
	size_t len;
	char *block; /* in which it lies */
	size_t size;
};

/* One answer, whole. */
struct answer {
	int status;
	char *head; /* status line and fields */
	char *body; /* chunks joined; NUL behind it */
	size_t body_len;
	char *trailers;
};

void client_open(struct client *client, int port);
/* From this address of 127.0.0.0/8. */
void client_open_from(struct client *client, const char *source, int port);
void client_open_path(struct client *client, const char *path);
/* The file of a socket that nobody listens on any more. */
void client_leave_socket(const char *path);
void client_close(struct client *client);
void client_send(struct client *client, const char *text);
void client_send_bytes(struct client *client, const void *data, size_t len);
void client_end(struct client *client); /* half-close */
void client_reset(struct client *client);
/* The next answer; `bare`: to a HEAD. Free it with answer_free(). */
struct answer client_receive(struct client *client, bool bare);
/* Whether the server has closed the connection, and sent nothing before. */
bool client_is_closed(struct client *client);

/* Send, receive; the same connection. */
struct answer client_ask(struct client *client, const char *text);
/* The value of a field of the head, in a static buffer; "" if there is none. */
const char *answer_field(const struct answer *answer, const char *name);
void answer_free(struct answer *answer);

#endif
