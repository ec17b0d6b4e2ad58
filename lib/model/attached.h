/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_ATTACHED_H
#define FA_MODEL_ATTACHED_H

#include <model/registry.h>

/*
 * What is of a function as a whole and changes nothing in how its versions are made
 * or run. `function` is any form of its name. FAAS_EINVAL, FAAS_ENOTFOUND, FAAS_EDENIED,
 * FAAS_ENOMEM.
 */

/* Whether a chain of invocations may come back to it without end (RecursiveLoop). */
int fa_recursion_set(struct fa_registry *registry, const char *function, bool allowed,
		     struct faas_error *err);
int fa_recursion_get(struct fa_registry *registry, const char *function, bool *allowed,
		     struct faas_error *err);
bool fa_recursion_is_allowed(struct fa_registry *registry, const struct fa_version *version);

/*
 * One member of function->attached, as the document that the API has for it: takes
 * `value`, NULL: none any more. fa_attached_get() copies; without one, NULL and 0.
 */
int fa_attached_set(struct fa_registry *registry, const char *function, const char *name,
		    struct fa_document *value, struct faas_error *err);
int fa_attached_get(struct fa_registry *registry, const char *function, const char *name,
		    struct fa_document **value, struct faas_error *err);
/* All of them at once, copied. */
int fa_attached_restore(struct fa_registry *registry, const char *function,
			const struct fa_document *attached, struct faas_error *err);

/* ---- code signing: configurations of the account, by their ARN ---------- */

#define FA_SIGNING "CodeSigningConfigArn" /* the member of a function that uses one */

/* Takes `config`. A new one, or in place of what there is. */
int fa_signing_put(struct fa_registry *registry, const char *arn, struct fa_document *config,
		   struct faas_error *err);
/* A copy of one; NULL with FAAS_ENOTFOUND. */
struct fa_document *fa_signing_get(struct fa_registry *registry, const char *arn,
				   struct faas_error *err);
/* A copy of all, ARN -> configuration. NULL: out of memory. */
struct fa_document *fa_signing_all(struct fa_registry *registry);
/* FAAS_EEXIST while a function uses it. */
int fa_signing_delete(struct fa_registry *registry, const char *arn, struct faas_error *err);
/* The ARNs of the functions that use it, as an array. NULL: out of memory. */
struct fa_document *fa_signing_users(struct fa_registry *registry, const char *arn);
/* Whether code that nobody signed is kept from this function, or by this configuration. */
bool fa_signing_enforced(struct fa_registry *registry, const char *function);
bool fa_signing_enforces(const struct fa_document *config);

#endif
