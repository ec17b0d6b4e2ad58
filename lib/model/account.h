/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_ACCOUNT_H
#define FA_MODEL_ACCOUNT_H

#include <model/registry.h>

/* What is of the account: plain data, a document by its key, all of a kind in one object. */

/* Takes `value`, a new one or in place of what there is; NULL: none any more. FAAS_ENOMEM. */
int fa_account_put(struct fa_registry *registry, enum fa_account_kind kind, const char *key,
		   struct fa_document *value, struct faas_error *err);
/* The same under the lock, for who looked first at what there is. */
int fa_account_set(struct fa_registry *registry, enum fa_account_kind kind, const char *key,
		   struct fa_document *value);
/* A copy; NULL: there is none, or no memory. */
struct fa_document *fa_account_get(struct fa_registry *registry, enum fa_account_kind kind,
				   const char *key);
/* A copy of all, an empty object if there are none. NULL: out of memory. */
struct fa_document *fa_account_all(struct fa_registry *registry, enum fa_account_kind kind);

bool fa_account_has_any(struct fa_registry *registry, enum fa_account_kind kind);

/* The name under which a kind is remembered; no function has a colon in its name. */
const char *fa_account_name(enum fa_account_kind kind);
/* What was remembered under this name becomes what it was. True if it is of no kind, too. */
bool fa_account_restore(struct fa_registry *registry, const char *name, const char *text,
			struct faas_error *err);

#endif
