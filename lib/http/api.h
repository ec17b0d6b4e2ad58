/* SPDX-License-Identifier: MIT */
#ifndef FA_HTTP_API_H
#define FA_HTTP_API_H

#include <faas/faas.h>
#include <base/chores.h>
#include <http/message.h>
#include <http/route.h>
#include <http/sigv4.h>
#include <invoke.h>

/* The Lambda API: a request in, an answer out. All [loop]. */
struct fa_api {
	struct faas *rt;
	struct fa_sigv4_keys keys; /* without secret_of nothing need be signed */
	const char *(*role_of)(void *data, const char *access_key); /* keys.data; or NULL */
	struct fa_gateway *gateway; /* routes of the host's */
	struct fa_chores *chores;  /* threads for operations that may take their time */
};

/* Whose a request is: found once, asked often. */
struct fa_api_way {
	enum {
		FA_WAY_NONE,
		FA_WAY_OPERATION,
		FA_WAY_URL,
		FA_WAY_GATEWAY, /* a route of the host's */
		FA_WAY_QUERY,   /* IAM and STS */
		FA_WAY_TARGET,  /* DynamoDB and EventBridge */
		FA_WAY_DOWNLOAD,
	} to;
	const struct fa_route *route; /* of an operation */
};

struct fa_api_way fa_api_find(const struct fa_api *api, const struct fa_http_request *request);
/*
 * Function URLs and routes are for the pages of everybody: what these may read they are told
 * by CORS.
 */
bool fa_api_is_open(struct fa_api_way way);
/* The longest body that is of use there. */
size_t fa_api_body_max(struct fa_api_way way);
/* Answers exactly once, in here or later, on the loop. */
void fa_api_serve(struct fa_api *api, struct fa_http_caller *caller,
		  const struct fa_http_request *request, struct fa_api_way way);

/* Invoke, InvokeWithResponseStream, InvokeAsync; `in` has what is in path and query. */
void fa_api_invoke(struct fa_api *api, struct fa_http_caller *caller, const struct fa_route *route,
		   const struct fa_http_request *request, struct fa_document *in);
bool fa_api_is_invoke(const struct fa_route *route);

/* An exception, by its type and code. `reason` is of a throttle, or NULL. */
void fa_api_refuse(const struct fa_mem *mem, struct fa_http_caller *caller,
		   const struct faas_error *err, const char *reason, const char *request_id);
void fa_api_no_memory(struct fa_api *api, struct fa_http_caller *caller);
/* What was no request, or too much of one: a status of HTTP in the form of an exception. */
void fa_api_refuse_status(const struct fa_mem *mem, struct fa_http_caller *caller, int status);

/*
 * Whether what came of an invocation is neither the function's answer nor its error; then
 * `err` says it in the words of the API.
 */
bool fa_api_did_not_run(const struct faas_result *result, struct faas_error *err);

#define FA_API_ID_MAX 37
void fa_api_new_id(char out[FA_API_ID_MAX]);

#endif
