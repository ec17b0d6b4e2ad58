/* SPDX-License-Identifier: MIT */
#ifndef FA_HTTP_SERVER_H
#define FA_HTTP_SERVER_H

#include <base/list.h>
#include <base/loop.h>
#include <http/connection.h>

/*
 * An HTTP/1.1 server on the loop: it accepts, and decides who goes when there
 * are too many connections or they hold too much memory. What a request means
 * is its owner's matter.
 */
#define FA_HTTP_SLAB 65536

struct fa_http_limits {
	int connections;
	size_t held; /* bytes of requests and answers under way, all together */
	int head_ms; /* from the first byte of a request, or from accepting, to its last field */
	int idle_ms; /* between two requests */
	int patience_ms; /* for a body or a reader without a byte; then 1 KB/s are asked for */
};

extern const struct fa_http_limits fa_http_limits_default;

struct fa_server {
	struct fa_loop *loop;
	const struct fa_mem *mem;
	const struct fa_http_door *door;
	struct fa_http_limits limits;
	struct fa_tls *tls; /* NULL: plain */
	struct fa_watch listener;
	struct fa_timer retry; /* there were no descriptors */

	/* Oldest first, and that is who goes first: */
	struct fa_list idle;    /* between two requests */
	struct fa_list heading; /* their head is not complete */
	struct fa_list moving;  /* bodies come, answers go; by their last byte */
	struct fa_list working; /* waiting for their answer; never sent away */
	int count;              /* connections, and those gone whose request is not answered */
	size_t held;
	uint64_t accepted, refused, evicted;

	bool closing, hurried;
	struct fa_call closed_call;
	void (*on_closed)(struct fa_server *server); /* the last connection is gone */
	char slab[FA_HTTP_SLAB];
};

/* `fd` listens already, and is taken; -1: none does. Any thread; [loop] from here on. 0 or a code.
 */
int fa_server_open(struct fa_server *server, struct fa_loop *loop, const struct fa_http_door *door,
		   const struct fa_http_limits *limits, int fd, struct faas_error *err);
/*
 * Accept no more; close what is idle. on_closed runs, on the loop and never inside
 * this call, when the requests under way have been answered.
 */
void fa_server_close(struct fa_server *server, void (*on_closed)(struct fa_server *server));
/* After that: do not wait for readers and bodies any more, only for the door's answers. */
void fa_server_hurry(struct fa_server *server);

/* Of connections: one is freed; memory was taken or given back. */
void fa_server_left(struct fa_server *server);
/* Send others away until the limit is kept; `conn` itself is spared. */
void fa_server_make_room(struct fa_server *server, const struct fa_conn *conn);

#endif
