/* SPDX-License-Identifier: MIT */
#ifndef FA_HTTP_EVENT_H
#define FA_HTTP_EVENT_H

#include <base/document.h>
#include <http/message.h>

/* A request as the event of a function (semantics 8.9). */
struct fa_event_frame {
	const char *path;       /* as the function sees it, not decoded; up to '?' or the end */
	const char *context_path; /* with the stage, which `path` of 1.0 is without */
	const char *resource;   /* of 1.0: "/items/{id}" */
	const char *route_key;  /* "GET /items/{id}", "$default" */
	const char *stage;
	const char *account, *api_id, *domain;
	const char *source_ip;
	const char *request_id;
	int64_t unix_ms;
	const struct fa_document *path_parameters; /* NULL: none */
	const struct fa_document *authorizer;      /* NULL: nobody was asked who he is */
};

/* JSON, fa_alloc()ed; NULL with FAAS_EINVAL, if it cannot be said in JSON, or FAAS_ENOMEM. */
char *fa_event_v2(const struct fa_mem *mem, const struct fa_http_request *request,
		  const struct fa_event_frame *frame, struct faas_error *err);
char *fa_event_v1(const struct fa_mem *mem, const struct fa_http_request *request,
		  const struct fa_event_frame *frame, struct faas_error *err);

/* What is no UTF-8 is read as ISO 8859-1. 0 or FAAS_ENOMEM. */
int fa_event_put(const struct fa_mem *mem, struct fa_document *out, const char *name,
		 const char *text);

/* Percent-decode `len` bytes in place; returns what is left. SIZE_MAX: it cannot be decoded. */
size_t fa_event_decode(char *text, size_t len, bool query);

#endif
