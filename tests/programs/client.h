/* SPDX-License-Identifier: MIT */
#ifndef TEST_PROGRAMS_CLIENT_H
#define TEST_PROGRAMS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

/* The Runtime API from the other side, by bare hands: what it is told to send, it sends. */

/* What was read last: head and body, each with a NUL behind it. */
struct reply {
	int status;
	char head[65536];
	char *body;
	size_t len;
};

/* A connection to AWS_LAMBDA_RUNTIME_API, or -1. */
int client_connect(void);
void client_send(int fd, const void *data, size_t len);
/* False: the other side closed before it was whole. */
bool client_read(int fd, struct reply *reply);
/* One request; `fields` with their line ends, or "". Of the Runtime API, or at any path. */
bool client_ask(int fd, const char *method, const char *path, const char *fields, const void *body,
		size_t len, struct reply *reply);
bool client_ask_at(int fd, const char *method, const char *path, const char *fields,
		   const void *body, size_t len, struct reply *reply);
/* A request whose body follows in chunks, and then the trailers, "" or with their line ends. */
void client_begin(int fd, const char *path, const char *fields);
void client_chunk(int fd, const void *data, size_t len);
void client_end(int fd, const char *trailers);
/* The value of a field of the head; "" if there is none. */
const char *client_field(const struct reply *reply, const char *name);

#endif
