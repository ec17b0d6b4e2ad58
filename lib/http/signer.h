/* SPDX-License-Identifier: MIT */
#ifndef FA_HTTP_SIGNER_H
#define FA_HTTP_SIGNER_H

#include <http/api.h>

#define FA_ROLE_TEXT_MAX 700

/* Who asks, where requests are signed; else whoever it is may do all. */
struct fa_signer {
	char key[FA_ACCESS_KEY_MAX];
	char role[FA_ROLE_TEXT_MAX]; /* name or ARN; "": the account's root, who may do all */
	char source[FA_SOURCE_MAX];  /* address */
};

#define FA_SIGNER_ARN_MAX (FA_ROLE_TEXT_MAX + FA_ACCESS_KEY_MAX + 64)

/* [loop] Whether the request is signed for this service. FAAS_EDENIED, FAAS_EINVAL, FAAS_ENOMEM. */
int fa_signer_read(struct fa_signer *signer, const struct fa_api *api,
		   const struct fa_http_caller *caller, const struct fa_http_request *request,
		   const char *service, struct faas_error *err);
/* "arn:aws:sts::ACCOUNT:assumed-role/ROLE/KEY", or that of the account's root. */
void fa_signer_arn(char out[FA_SIGNER_ARN_MAX], const struct faas *rt,
		   const struct fa_signer *signer);

/*
 * These ask the role's policies, and those of the function; any thread. 0 or FAAS_EDENIED
 * with an AccessDeniedException that says what was missing, or FAAS_ENOMEM.
 */

/* An operation of the Lambda API; `in`: all its members that are known. */
int fa_signer_may(struct faas *rt, const struct fa_signer *signer, const struct fa_route *route,
		  const struct fa_document *in, struct faas_error *err);
/* A request for the URL of a function ("name" or "name:qualifier"), whose AuthType is AWS_IAM. */
int fa_signer_may_call(struct faas *rt, const struct fa_signer *signer, const char *function,
		       struct faas_error *err);
/* Whatever the action is called, on what has this ARN. */
int fa_signer_may_use(struct faas *rt, const struct fa_signer *signer, const char *action,
		      const char *arn, struct faas_error *err);
/* An operation of IAM on a role or a policy. */
int fa_signer_may_change(struct faas *rt, const struct fa_signer *signer, const char *operation,
			 const struct fa_document *in, struct faas_error *err);

#endif
