/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_TAGS_H
#define FA_MODEL_TAGS_H

#include <model/registry.h>

#define FA_TAGS_MAX 50
#define FA_TAG_KEY_MAX 128
#define FA_TAG_VALUE_MAX 256

/*
 * Tags are of a function and of none of its versions (semantics 1.2): texts by
 * key. `function` is any form of its name but a qualified one. FAAS_EINVAL,
 * FAAS_ENOTFOUND, FAAS_EDENIED, FAAS_ENOMEM.
 */

/* Whether they may be a function's; `tags` may be NULL: none. */
int fa_tags_check(const struct fa_document *tags, struct faas_error *err);
/* The same of those that a host gives; with `out`, as such an object. NULL: none. */
int fa_tags_read(struct fa_document **out, const struct faas_tag *tags, struct faas_error *err);
/* They are all that the function has, if it is there. Takes them. */
void fa_tags_replace(struct fa_registry *registry, const char *name, struct fa_document *tags);
/* Each of `tags` replaces one of the same key. All of them, or an error and none. */
int fa_tags_add(struct fa_registry *registry, const char *function,
		const struct fa_document *tags, struct faas_error *err);
/* `keys` is an array of texts; one that is not there is no error. */
int fa_tags_remove(struct fa_registry *registry, const char *function,
		   const struct fa_document *keys, struct faas_error *err);
/* A copy, an empty object if there are none. NULL: see err->code. */
struct fa_document *fa_tags_get(struct fa_registry *registry, const char *function,
				struct faas_error *err);

#endif
