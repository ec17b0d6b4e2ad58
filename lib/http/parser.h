/* SPDX-License-Identifier: MIT */
#ifndef FA_HTTP_PARSER_H
#define FA_HTTP_PARSER_H

#include <stdint.h>
#include <http/llhttp.h>

#include <base/mem.h>
#include <http/message.h>

/*
 * Bytes into requests. It waits for nothing and knows no socket: it is given
 * what was read and says how far that goes.
 */

#define FA_HTTP_TARGET_MAX 8192
#define FA_HTTP_HEAD_MAX 65536 /* target, fields and trailers together */
#define FA_HTTP_FIELDS_MAX 200 /* trailers count, too */

enum fa_http_step {
	FA_HTTP_MORE,   /* all of it was read, and the request goes on */
	FA_HTTP_HEAD,   /* the fields are there; set body_max, or give up */
	FA_HTTP_WHOLE,  /* the request is there; what was not read belongs to the next */
	FA_HTTP_BROKEN, /* `status` is the answer; nothing more can be read */
};

struct fa_http_parser {
	llhttp_t machine;
	const struct fa_mem *mem;
	struct fa_http_request request;
	bool keep_alive; /* of a whole request: another may follow */
	bool expects;    /* the client waits for "100 Continue" before it sends the body */
	bool http10, chunked;
	int status;      /* of a broken one */
	size_t body_max; /* one byte more is 413 */

	char *head; /* target, then names and values, each with a NUL behind it */
	size_t head_len, head_size, target_len;
	int count, head_count; /* fields so far; of them before the body */
	struct fa_http_field *fields;
	char *body;
	size_t body_len, body_size;
	bool whole;
};

void fa_http_parser_init(struct fa_http_parser *parser, const struct fa_mem *mem);
/* `request` is valid until the next call. */
enum fa_http_step fa_http_parse(struct fa_http_parser *parser, const char *data, size_t len,
				size_t *used);
/* The length that the head declares; 0: none, or chunked. */
uint64_t fa_http_declared(const struct fa_http_parser *parser);
/*
 * What has come of the body since it was taken last, for who wants no whole: valid until more
 * is parsed. `request.body` has what came after that. body_max counts from here again.
 */
struct faas_bytes fa_http_parser_take_body(struct fa_http_parser *parser);
/* Free the body, which may be large; the rest of the request stays. */
void fa_http_parser_drop_body(struct fa_http_parser *parser);
/* Forget the request and be ready for the next one; holds no memory then. */
void fa_http_parser_next(struct fa_http_parser *parser);
/* What its buffers take. */
size_t fa_http_parser_held(const struct fa_http_parser *parser);

#endif
