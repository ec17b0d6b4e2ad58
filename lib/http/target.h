/* SPDX-License-Identifier: MIT */
#ifndef FA_HTTP_TARGET_H
#define FA_HTTP_TARGET_H

#include <http/api.h>

/* The APIs of DynamoDB and EventBridge, as far as tables and buses need them. All [loop]. */

#define FA_TARGET_BODY_MAX 6291456

bool fa_target_is_meant(const struct fa_http_request *request);
/* Answers exactly once, in here or later, on the loop. */
void fa_target_serve(struct fa_api *api, struct fa_http_caller *caller,
		     const struct fa_http_request *request);

#endif
