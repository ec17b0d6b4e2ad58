/* SPDX-License-Identifier: MIT */
#ifndef FA_SOURCE_RIGHTS_H
#define FA_SOURCE_RIGHTS_H

#include <source/mapping.h>

/*
 * What a mapping needs once there are roles: of the function's role that it may take from the
 * source, and tell its destination of what it gives up, or of the function's own policy that the
 * source may invoke it (semantics 10). All say 0,
 * FAAS_EINVAL or FAAS_EDENIED with what is missing, or FAAS_ENOMEM. Any thread.
 */

/* When it is made or changed, in the words of Lambda and S3. */
int fa_rights_check(struct fa_sources *all, const struct fa_mapping_config *config,
		    struct fa_version *version, struct faas_error *err);
/* [loop] Before anything is taken. */
bool fa_rights_now(const struct fa_mapping *mapping, struct fa_version *version);

#endif
