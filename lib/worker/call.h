/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_CALL_H
#define FA_WORKER_CALL_H

#include <faas/plugin.h>

/* Members of struct faas_api. */
int fa_call_invoke(struct faas_context *context, const char *function, struct faas_bytes event,
		   struct faas_bytes *answer);
int fa_call_publish(struct faas_context *context, const char *address, const char *group,
		    struct faas_bytes body, struct faas_bytes *answer);

#endif
