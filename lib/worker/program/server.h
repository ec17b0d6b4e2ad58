/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_PROGRAM_SERVER_H
#define FA_WORKER_PROGRAM_SERVER_H

#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <http/parser.h>

/*
 * HTTP for the one client that is in the same sandbox. No thread and no timer: whoever
 * waits for more than the server polls its descriptors, too. Whatever the client does, it
 * can only make itself wait.
 */

#define FA_SERVER_CONNECTIONS 64 /* one more, and the one that is needed least is closed */
#define FA_SERVER_FDS (1 + FA_SERVER_CONNECTIONS)
#define FA_SERVER_HELD (24u << 20) /* what all requests may take together */

struct fa_connection;

struct fa_server {
	int listener;
	int count;
	struct fa_connection *at[FA_SERVER_CONNECTIONS];
	uint64_t serial;

	/*
	 * The head of one. True: its body is wanted as it comes, in any number of on_piece(),
	 * which says how much of it was taken. If that was not all, fa_server_resume() goes on,
	 * and until then the client waits, or whoever keeps what it left behind when it died.
	 */
	bool (*on_head)(void *data, struct fa_connection *from,
			const struct fa_http_request *request);
	size_t (*on_piece)(void *data, struct fa_connection *from, struct faas_bytes piece);
	/*
	 * A whole request; shown until it is answered. Its answer may come later. A body of
	 * more than FA_RUNTIME_BODY_MAX bytes has that length plus one, and no data.
	 */
	void (*on_request)(void *data, struct fa_connection *from,
			   const struct fa_http_request *request);
	/* A connection is gone that waits for its answer, or has sent a piece. */
	void (*on_gone)(void *data, struct fa_connection *from);
	void *data;
};

/* Listens there; the port may be 0. Returns 0 or -errno, and the address that it has. */
int fa_server_open(struct fa_server *server, struct sockaddr_in *address);

/* For poll(): what it waits for, FA_SERVER_FDS at most; then what came of it. */
int fa_server_fill(struct fa_server *server, struct pollfd fds[FA_SERVER_FDS]);
void fa_server_serve(struct fa_server *server, const struct pollfd *fds, int count);
/* All that has arrived by now: who sent it may be dead. */
void fa_server_drain(struct fa_server *server);

/* The body is borrowed until it is sent, or until fa_server_forget(). */
void fa_server_answer(struct fa_connection *connection, int status,
		      const struct fa_http_field *fields, int field_count, struct faas_bytes body);
void fa_server_resume(struct fa_connection *connection);
/* Close the connections that have yet to send what lies there. */
void fa_server_forget(struct fa_server *server, struct faas_bytes body);

#endif
