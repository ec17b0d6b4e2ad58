/* SPDX-License-Identifier: MIT */
#ifndef FA_HTTP_ROUTE_H
#define FA_HTTP_ROUTE_H

#include <base/document.h>

/* Paths of the Lambda API: which operation is meant, and what of it the target says. */
struct fa_route {
	const char *operation;
	const char *method;
	const char *path; /* "/2015-03-31/functions/{FunctionName}", without a slash at its end */
	int status;       /* of success */
};

const struct fa_route *fa_routes(size_t *count);
/* With or without a slash at the end; NULL: no operation is there. */
const struct fa_route *fa_route_find(const char *method, const char *target);
/* Put the members that are in path and query, decoded, into `in`. */
int fa_route_read(const struct fa_route *route, const char *target, struct fa_document *in,
		  struct faas_error *err);

#endif
