/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_POLICY_PATTERN_H
#define FA_MODEL_POLICY_PATTERN_H

#include <base/arena.h>
#include <faas/types.h>
#include <model/policy/request.h>

/*
 * Texts with wildcards and policy variables. A wildcard stands for any characters, '*', or for
 * one, '?'; what a variable brings in is taken as it is.
 */
#define FA_PATTERN_VARIABLES 8 /* in one pattern */

enum fa_pattern_form {
	FA_PATTERN_WILD = 1,     /* '*' and '?' are wildcards */
	FA_PATTERN_VARIABLE = 2, /* "${key}" and "${key, 'default'}" are variables */
	FA_PATTERN_FOLD = 4,     /* ASCII letters without case */
};

struct fa_pattern {
	const struct fa_piece *pieces;
	size_t count, variables;
	bool fold;
};

/* An ARN, whose wildcards stay in their segment. What is behind the fifth colon is one segment. */
struct fa_arn_pattern {
	struct fa_pattern part[6];
	size_t count; /* of parts that were given; 0: "*", which is anything at all */
	bool varies;  /* one of them has a variable */
};

enum fa_match {
	FA_MATCH_NO,
	FA_MATCH_YES,
	FA_MATCH_VOID, /* a variable has no value: the statement does not apply */
};

/* 0, FAAS_ENOMEM, or FAAS_EINVAL for a variable that is not well formed. */
int fa_pattern_compile(struct fa_pattern *pattern, struct fa_arena *arena, const char *text,
		       size_t len, unsigned form);
int fa_arn_pattern_compile(struct fa_arn_pattern *pattern, struct fa_arena *arena, const char *text,
			   unsigned form);

/* `request` is for the variables. */
enum fa_match fa_pattern_match(const struct fa_pattern *pattern, const char *text, size_t len,
			       const struct fa_policy_request *request);
/* Parts that were not given are anything. */
enum fa_match fa_arn_pattern_match(const struct fa_arn_pattern *pattern, const char *text,
				   const struct fa_policy_request *request);

#endif
