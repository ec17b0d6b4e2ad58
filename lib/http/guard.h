/* SPDX-License-Identifier: MIT */
#ifndef FA_HTTP_GUARD_H
#define FA_HTTP_GUARD_H

#include <http/message.h>

/*
 * 0, or FAAS_EDENIED if a web page of somebody else may be behind this request. `local`: it
 * came over the loopback interface. `names`: of this host, separated by blanks, or NULL.
 * Function URLs are for the pages of everybody: what these may read they are told by CORS.
 * And who names one as Host was not led here by a name of his own.
 */
int fa_guard_check(const struct fa_http_request *request, bool local, const char *names,
		   struct faas_error *err);

#endif
