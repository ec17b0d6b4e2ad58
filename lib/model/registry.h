/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_REGISTRY_H
#define FA_MODEL_REGISTRY_H

#include <pthread.h>
#include <base/map.h>
#include <model/function.h>

/* Names to versions. Readers take a reference under a read lock; writers swap. */
struct fa_registry {
	pthread_rwlock_t lock;
	struct fa_map latest; /* name -> struct fa_version, one reference each */
	const char *region, *account;
};

int fa_registry_init(struct fa_registry *registry, const struct fa_mem *mem,
		     const char *region, const char *account);
void fa_registry_finish(struct fa_registry *registry);

/* Find what `text` names and take a reference. NULL with FAAS_EINVAL, ENOTFOUND or EDENIED. */
struct fa_version *fa_registry_find(struct fa_registry *registry, const char *text,
				    struct faas_error *err);
/* Takes the reference on success. FAAS_EEXIST, FAAS_ENOMEM. */
int fa_registry_add(struct fa_registry *registry, struct fa_version *version,
		    struct faas_error *err);
/* Exchange `old` for `next` of the same name; takes `next`, hands out the reference of `old`. */
int fa_registry_swap(struct fa_registry *registry, struct fa_version *old,
		     struct fa_version *next, struct faas_error *err);
/* Hands out the registry's reference, or NULL. */
struct fa_version *fa_registry_remove(struct fa_registry *registry, struct fa_version *version);
/* Any one version, removed, until there is none: to take the registry down. */
struct fa_version *fa_registry_take_any(struct fa_registry *registry);
/* References to all, in a fa_alloc()ed NULL-terminated array. */
struct fa_version **fa_registry_all(struct fa_registry *registry, const struct fa_mem *mem);

#endif
