/* SPDX-License-Identifier: MIT */
#ifndef FA_HTTP_ANSWER_H
#define FA_HTTP_ANSWER_H

#include <stddef.h>
#include <stdint.h>
#include <http/message.h>

/* Answers as text. */

#define FA_ANSWER_HEAD_MAX 16384 /* of all fields; what is beyond is left out */
#define FA_ANSWER_CHUNKED (-1)

struct fa_answer {
	int status;
	int64_t length; /* or FA_ANSWER_CHUNKED, which to HTTP/1.0 is the connection's end */
	int64_t unix_ms;
	bool last;   /* the connection closes */
	bool http10; /* who asks is of that age */
};

/* Status line, the fields, and Date, Content-Length or Transfer-Encoding, Connection. */
size_t fa_answer_head(char out[FA_ANSWER_HEAD_MAX], const struct fa_answer *answer,
		      const struct fa_http_field *fields, int count);
size_t fa_answer_chunk(char out[20], size_t len);
size_t fa_answer_last_chunk(char out[FA_ANSWER_HEAD_MAX], const struct fa_http_field *trailers,
			    int count);

#endif
