/* SPDX-License-Identifier: MIT */
#ifndef FA_HTTP_DOWNLOAD_H
#define FA_HTTP_DOWNLOAD_H

#include <http/api.h>

/* The ZIP of a function or a layer, where GetFunction and GetLayerVersion say that it is. */
bool fa_download_is_meant(const struct fa_http_request *request);
/* Answers exactly once, in here or later, in pieces where the caller takes pieces. [loop] */
void fa_download_serve(struct fa_api *api, struct fa_http_caller *caller,
		       const struct fa_http_request *request);

#endif
