/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_PROVISIONED_H
#define FA_MODEL_PROVISIONED_H

#include <model/registry.h>

struct fa_alias;

/* So many environments are to be ready for a version, or for what an alias leads to. */
struct fa_provisioned {
	char qualifier[FA_QUALIFIER_MAX + 1];
	int requested;
	int64_t modified_ms; /* Unix time */
};

/* `target` is a function's name with a qualifier behind it, in any form. */

/*
 * 0: no longer. `before` gets what it was, and may be NULL. FAAS_EINVAL for $LATEST, which
 * is not published, FAAS_EEXIST if the version is provisioned by another name already,
 * FAAS_ENOTFOUND, FAAS_ENOMEM.
 */
int fa_provisioned_set(struct fa_registry *registry, const char *target, int requested,
		       int64_t modified_ms, struct fa_provisioned *before,
		       struct faas_error *err);
/* A copy. FAAS_ENOTFOUND, too, if nothing was asked for. */
int fa_provisioned_get(struct fa_registry *registry, const char *target,
		       struct fa_provisioned *out, struct faas_error *err);
/* Copies of all of a function, by qualifier, in a fa_alloc()ed array. */
int fa_provisioned_list(struct fa_registry *registry, const char *function,
			struct fa_provisioned **all, size_t *count, struct faas_error *err);
/* How many of those (NULL: of all of its function) are for this version. */
int fa_provisioned_part(struct fa_registry *registry, const struct fa_provisioned *of,
			const struct fa_version *version);
/* Of all versions of this one's function. */
int fa_provisioned_sum(struct fa_registry *registry, const struct fa_version *version);

/* ---- for the registry and model/alias.c, under the lock ---------------- */

/* Whether what is asked for by this alias could be provided where it leads. */
int fa_provisioned_check(const struct fa_function *function, const struct fa_alias *alias,
			 struct faas_error *err);
/* The version or the alias is gone. */
void fa_provisioned_forget(struct fa_function *function, const char *qualifier);
void fa_provisioned_free(struct fa_function *function);

#endif
