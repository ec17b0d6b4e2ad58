/* SPDX-License-Identifier: MIT */
#ifndef FA_HTTP_GUARD_H
#define FA_HTTP_GUARD_H

#include <http/message.h>

/*
 * 0, or FAAS_EDENIED if a web page of somebody else may be behind this request. `local`: it
 * came over the loopback interface. `names`: of this host, separated by blanks, or NULL.
 * Who names a function URL as Host was not led here by a name of his own. `open`: it is for
 * something that is there for the pages of everybody.
 */
int fa_guard_check(const struct fa_http_request *request, bool local, bool open,
		   const char *names, struct faas_error *err);

#endif
