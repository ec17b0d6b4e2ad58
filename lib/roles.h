/* SPDX-License-Identifier: MIT */
#ifndef FA_ROLES_H
#define FA_ROLES_H

#include <runtime.h>

/* FAAS_EINVAL if there are roles and this one (NULL: none) does not trust Lambda. */
int fa_role_check(struct faas *rt, const char *role, struct faas_error *err);
/* [loop] For fa_tell: whether the function's logs are recorded. `why` is filled in once. */
bool fa_role_may_log(void *rt, struct fa_version *version, char *why, size_t size);

#endif
