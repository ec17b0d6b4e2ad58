/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_CHANGE_H
#define FA_MODEL_CHANGE_H

/*
 * A change of functions and of what is of the account. It is prepared as a draft of each
 * function and each part that it touches, which only the thread that changes them sees; the
 * drafts are written; then they take the place of what there was, which cannot fail, or are
 * thrown away. One change at a time.
 *
 * Between begin and end everything in model/ that changes a function or a part of the account
 * changes its draft. Outside of a change, as when the last program's functions are made again,
 * it changes the thing itself.
 */
#include <model/registry.h>

/* The thread waits for its turn, and no other changes anything until the end. Not in a change. */
void fa_change_begin(struct fa_registry *registry);
/* Whether this thread is in one. */
bool fa_change_is_open(struct fa_registry *registry);
/* All drafts are gone by now. */
void fa_change_end(struct fa_registry *registry);

/* A draft that is there still, or NULL. */
struct fa_function *fa_change_draft(struct fa_registry *registry);
/* Whether adopting it will not fail. FAAS_ENOMEM. */
int fa_change_ready(struct fa_registry *registry, const struct fa_function *draft);
/*
 * It is written: it takes the place of what it was made from, or it does not. Versions that
 * nothing leads to any more then hang on the one that is returned, one reference each.
 */
struct fa_version *fa_change_adopt(struct fa_registry *registry, struct fa_function *draft);
struct fa_version *fa_change_discard(struct fa_registry *registry, struct fa_function *draft);

/* The same for a part of the account: what it is to be, or NULL. */
const struct fa_document *fa_change_part(struct fa_registry *registry, enum fa_account_kind kind);
void fa_change_adopt_part(struct fa_registry *registry, enum fa_account_kind kind);
void fa_change_discard_part(struct fa_registry *registry, enum fa_account_kind kind);

/* ---- for model/registry.c and model/account.c, under the lock ---------- */

/* The draft of this thread's change that has this name, or NULL. */
struct fa_function *fa_change_find(const struct fa_registry *registry, const char *name,
				   size_t len);
/* A new entry: a draft, or in the registry outside of a change. Takes it with 0. FAAS_ENOMEM. */
int fa_change_add(struct fa_registry *registry, struct fa_function *function);
/* What is to be changed of `function`: its draft, or itself outside of a change. FAAS_ENOMEM. */
int fa_change_open(struct fa_registry *registry, struct fa_function **function);
/* A part as this thread is to see it. */
const struct fa_document *fa_change_read_part(const struct fa_registry *registry,
					      enum fa_account_kind kind);
/* Where a part's documents are to be changed. NULL: no memory. */
struct fa_document **fa_change_open_part(struct fa_registry *registry,
					 enum fa_account_kind kind);

#endif
