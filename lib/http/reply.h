/* SPDX-License-Identifier: MIT */
#ifndef FA_HTTP_REPLY_H
#define FA_HTTP_REPLY_H

#include <base/mem.h>
#include <http/message.h>

/* What a function said, as the answer of HTTP that it means (semantics 8.9). */

#define FA_REPLY_FIELDS_MAX 200

struct fa_reply {
	int status;
	struct faas_bytes body;
	int field_count;
	struct fa_http_field fields[FA_REPLY_FIELDS_MAX + 1]; /* the last is ours */
	char *memory; /* of all strings, and of the body unless it is the payload itself */
};

enum fa_reply_rule {
	FA_REPLY_V1, /* must be an object with statusCode */
	FA_REPLY_V2, /* anything else is the body of a 200 */
};

/*
 * `payload` has to live as long as the reply. FAAS_EINVAL: no answer of HTTP can be made of
 * it; FAAS_ENOMEM. There is nothing to finish then.
 */
int fa_reply_read(struct fa_reply *reply, const struct fa_mem *mem, struct faas_bytes payload,
		  enum fa_reply_rule rule);
/* The same of the head of a stream, {"statusCode", "headers", "cookies"}; it has no body. */
int fa_reply_read_head(struct fa_reply *reply, const struct fa_mem *mem, struct faas_bytes head);
void fa_reply_finish(struct fa_reply *reply);

#endif
