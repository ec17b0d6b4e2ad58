/* SPDX-License-Identifier: MIT */
#ifndef FA_HTTP_GATEWAY_H
#define FA_HTTP_GATEWAY_H

#include <faas/http.h>
#include <http/api.h>

/*
 * Routes of the host's: methods and paths that lead to functions, as API Gateway has
 * them. Of those that fit the most exact one is meant, as <faas/http.h> says.
 */
struct fa_gateway {
	const struct fa_mem *mem;
	pthread_mutex_t lock;
	struct fa_list routes;
	int count;
	char id[11]; /* of this API, as events have it */
};

void fa_gateway_init(struct fa_gateway *gateway, const struct fa_mem *mem);
void fa_gateway_finish(struct fa_gateway *gateway);
/* Any thread: faas_http_route(). */
int fa_gateway_set(struct fa_gateway *gateway, const struct faas_http_route *route,
		   struct faas_error *err);
bool fa_gateway_has(struct fa_gateway *gateway, const struct fa_http_request *request);
/* Answers exactly once, in here or later. False: there is no route, nothing was done. [loop] */
bool fa_gateway_serve(struct fa_gateway *gateway, struct fa_api *api,
		      struct fa_http_caller *caller, const struct fa_http_request *request);

#endif
