/* SPDX-License-Identifier: MIT */
#ifndef FA_HTTP_PROXY_H
#define FA_HTTP_PROXY_H

#include <http/api.h>
#include <http/event.h>
#include <http/reply.h>

/* A function that answers requests of HTTP: by its URL, or by a route. */
struct fa_proxy {
	const char *function;           /* what is invoked */
	enum fa_reply_rule rule;        /* the version of its events, and of its answers */
	const struct fa_document *cors; /* NULL: the function says itself who may read it */
	bool streams;                   /* answers go in parts, if the caller takes them */
	int failed_status;              /* what is said of it if it failed */
	const char *failed_body;
	struct fa_event_frame frame;    /* but for source_ip, request_id and unix_ms */
};

/* Answers exactly once, in here or later. All of `proxy` is copied. [loop] */
void fa_proxy_serve(struct fa_api *api, struct fa_http_caller *caller,
		    const struct fa_http_request *request, const struct fa_proxy *proxy);

#endif
