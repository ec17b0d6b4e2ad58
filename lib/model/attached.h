/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_ATTACHED_H
#define FA_MODEL_ATTACHED_H

#include <model/registry.h>

/*
 * What is of a function as a whole and changes nothing in how its versions are made
 * or run. `function` is any form of its name. FAAS_EINVAL, FAAS_ENOTFOUND, FAAS_EDENIED.
 */

/* Whether a chain of invocations may come back to it without end (RecursiveLoop). */
int fa_recursion_set(struct fa_registry *registry, const char *function, bool allowed,
		     struct faas_error *err);
int fa_recursion_get(struct fa_registry *registry, const char *function, bool *allowed,
		     struct faas_error *err);
bool fa_recursion_is_allowed(struct fa_registry *registry, const struct fa_version *version);

#endif
