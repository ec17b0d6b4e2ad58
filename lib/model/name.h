/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_NAME_H
#define FA_MODEL_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <faas/types.h>

#define FA_NAME_MAX 64
#define FA_QUALIFIER_MAX 128
#define FA_ARN_MAX 256

/*
 * What a caller may write for a function: name, name:qualifier,
 * ACCOUNT:function:name[:qualifier], REGION:ACCOUNT:function:name, or the full ARN
 * (semantics 1.1). The pieces are slices of the text; absent ones have length 0.
 */
struct fa_name {
	struct faas_bytes region, account, function, qualifier;
};

int fa_name_parse(struct fa_name *name, const char *text, struct faas_error *err);
/* The ARN of what it names, with its qualifier if there is one, in this place. */
#define FA_NAME_ARN (FA_ARN_MAX + FA_QUALIFIER_MAX)
void fa_name_arn(char out[FA_NAME_ARN], const struct fa_name *name, const char *region,
		 const char *account);
/* A name for a new function: [a-zA-Z0-9-_]+, 1..64. */
int fa_name_check(const char *name, struct faas_error *err);
/* What any handler is: 1 to 128 characters without blanks. */
int fa_handler_check(const char *handler, struct faas_error *err);
/* "file.method", split at the last dot; both parts non-empty, no slash at the ends. */
int fa_handler_split(const char *handler, size_t *file_len, struct faas_error *err);

#endif
