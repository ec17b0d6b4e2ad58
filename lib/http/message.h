/* SPDX-License-Identifier: MIT */
#ifndef FA_HTTP_MESSAGE_H
#define FA_HTTP_MESSAGE_H

#include <stdbool.h>
#include <base/mem.h>
#include <faas/types.h>

/* A header field, or a trailer. Neither contains a NUL, CR or LF. */
struct fa_http_field {
	const char *name, *value;
};

/* A request, as it came: nothing of the target is decoded. */
struct fa_http_request {
	const char *method; /* "GET" */
	const char *target; /* "/path?query", or "*" */
	const struct fa_http_field *fields, *trailers;
	int field_count, trailer_count;
	struct faas_bytes body;
};

#define FA_SOURCE_MAX 46

/* Who waits for an answer: a connection, or a host that has a server of its own. */
struct fa_http_caller {
	/* Once, with all of it; what is shown is copied. */
	void (*answer)(struct fa_http_caller *caller, int status,
		       const struct fa_http_field *fields, int field_count, struct faas_bytes body);
	/* The address it comes from, if it is known; else `out` stays as it is. NULL: never. */
	void (*source)(const struct fa_http_caller *caller, char out[FA_SOURCE_MAX]);

	/*
	 * Instead of answer(), in pieces; NULL: it is to be whole. After write() said false, or
	 * at any other time, resume() tells that the client can take more, or never will.
	 * end() with `whole` false lets the client see that something is missing.
	 */
	void (*begin)(struct fa_http_caller *caller, int status, const struct fa_http_field *fields,
		      int field_count);
	bool (*write)(struct fa_http_caller *caller, struct faas_bytes piece);
	void (*end)(struct fa_http_caller *caller, bool whole);
	void (*resume)(void *data); /* the door's, before begin() */
	void *resume_data;
};

/* An address of IP, always: of this machine for what came by no network. */
void fa_http_source(const struct fa_http_caller *caller, char out[FA_SOURCE_MAX]);

/* The value of the first field of that name, in whatever case; NULL if there is none. */
const char *fa_http_get(const struct fa_http_request *request, const char *name);

/* "Name: value" each, up to a NULL, in one block: fa_free(). NULL: out of memory. */
const char **fa_http_join(const struct fa_mem *mem, const struct fa_http_field *fields, int count);
/* The reverse; `headers` may be NULL. */
struct fa_http_field *fa_http_split(const struct fa_mem *mem, const char *const *headers,
				    int *count);

/* Into words: 404 is "Not Found". */
const char *fa_http_reason(int status);

#endif
