/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_POLICY_REQUEST_H
#define FA_MODEL_POLICY_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

/* Who asks. All NULL: nobody in particular; only "*" means him. */
struct fa_principal {
	const char *account;   /* of a role or user */
	const char *arn;       /* of a user, or of the session of a role */
	const char *role;      /* ARN of the role that the session is of */
	const char *service;   /* "s3.amazonaws.com"; then nothing of the above */
	const char *federated; /* an identity provider, by ARN or name */
};

/* One value of the request's context. Key names are compared without case. */
struct fa_fact {
	const char *key;
	const char *const *values;
	size_t count; /* 0: as if the key were not there; above 1: only for set operators */
};

struct fa_policy_request {
	const struct fa_principal *principal;
	const char *action;   /* "lambda:InvokeFunction" */
	const char *resource; /* an ARN, or "*" for what is of no resource */
	const struct fa_fact *facts;
	size_t fact_count;
};

/* NULL: it is not there, or has no value. */
const struct fa_fact *fa_fact_find(const struct fa_policy_request *request, const char *key,
				   size_t len);
/* Whether they are the same but for the case of ASCII letters, whatever the locale. */
bool fa_folds_to(const char *a, const char *b, size_t len);

#endif
