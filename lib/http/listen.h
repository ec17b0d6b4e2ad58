/* SPDX-License-Identifier: MIT */
#ifndef FA_HTTP_LISTEN_H
#define FA_HTTP_LISTEN_H

#include <faas/http.h>
#include <http/api.h>
#include <http/gateway.h>
#include <http/server.h>

struct faas_http {
	struct fa_door door; /* in the runtime's list */
	struct faas *rt;
	struct fa_server server;
	struct fa_http_door server_door;
	struct fa_api api;
	struct fa_chores chores;
	struct fa_gateway gateway;
	struct fa_tls *tls;
	struct fa_call call, close_call;
	char *path; /* of the socket, to be removed */
	char *names;
	bool (*on_page)(void *data, struct faas_http_page *page,
			const struct faas_http_message *request);
	void *data; /* of on_page */
	int port;
	int stop_fd; /* the listening socket once more, for faas_http_close() on any thread */
	int serving; /* [loop] requests of faas_http_serve() that are not answered */
	bool ended;  /* [loop] the server has no connection any more */
	bool left;   /* [loop] faas_http_close(): nobody uses it any more */
};

/* [loop] Whether the host takes a request that is not of the API. */
bool fa_page_show(struct faas_http *http, struct fa_conn *conn,
		  const struct fa_http_request *request);
/* [loop] A request of faas_http_serve() was answered. */
void fa_http_served(struct faas_http *http);

#endif
