/* SPDX-License-Identifier: MIT */
#ifndef FA_HTTP_URL_H
#define FA_HTTP_URL_H

#include <http/api.h>

/*
 * Function URLs. One is reached by its name, <id>.lambda-url.<region>.<whatever>, or below
 * "/url/", by its id or by its function: /url/<id>/..., /url/<function>[:<alias>]/...
 */
struct fa_url_target {
	const char *name; /* an id, or a function; as it stands in the request */
	size_t len;
	const char *path; /* as the function sees it, up to '?' or the end; may be empty */
	bool by_host;
};

/* Whether this request is for one, be there such a URL or not. */
bool fa_url_is_meant(const struct fa_http_request *request, struct fa_url_target *target);
/* Answers exactly once, in here or later. [loop] */
void fa_url_serve(struct fa_api *api, struct fa_http_caller *caller,
		  const struct fa_http_request *request, const struct fa_url_target *target);

#endif
