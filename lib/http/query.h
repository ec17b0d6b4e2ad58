/* SPDX-License-Identifier: MIT */
#ifndef FA_HTTP_QUERY_H
#define FA_HTTP_QUERY_H

#include <http/api.h>

/* The APIs of IAM and STS, as far as functions need them. All [loop]. */

#define FA_QUERY_MAX 524288 /* bytes of a body: a document of 128 KB, encoded */

bool fa_query_is_meant(const struct fa_http_request *request);
/* Answers exactly once, in here or later, on the loop. */
void fa_query_serve(struct fa_api *api, struct fa_http_caller *caller,
		    const struct fa_http_request *request);

#endif
