/* SPDX-License-Identifier: MIT */
#ifndef FA_HTTP_CORS_H
#define FA_HTTP_CORS_H

#include <base/document.h>
#include <http/message.h>

/* What a browser is told of who may read an answer; by the Cors of a function URL. */
struct fa_cors {
	int count;
	struct fa_http_field fields[7];
	char memory[];
};

/* The browser asks, before it sends the request itself. */
bool fa_cors_is_preflight(const struct fa_http_request *request);
/* fa_free(); NULL: out of memory. Without fields, if the request's Origin may not read it. */
struct fa_cors *fa_cors_create(const struct fa_mem *mem, const struct fa_document *cors,
			       const struct fa_http_request *request);
/* A field that is the configuration's to set, not the function's. */
bool fa_cors_owns(const char *name);

#endif
