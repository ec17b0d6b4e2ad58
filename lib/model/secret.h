/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_SECRET_H
#define FA_MODEL_SECRET_H

#include <stdbool.h>
#include <stdint.h>
#include <base/list.h>
#include <base/map.h>
#include <faas/types.h>

/*
 * Secrets that were given lately, for as long as they may be kept. What goes is wiped.
 * Not thread-safe: it is the loop's.
 */
#define FA_SECRET_NAME_MAX 512
#define FA_SECRET_MAX 65536       /* bytes of a value */
#define FA_SECRETS_MAX 256        /* kept; the one that was used longest ago goes first */
#define FA_SECRET_VERSION_MAX 256 /* of a label or an id, as in Secrets Manager */
#define FA_SECRET_CURRENT "AWSCURRENT"
#define FA_SECRET_KEY_MAX (FA_SECRET_NAME_MAX + FA_SECRET_VERSION_MAX + 64)

struct fa_secrets {
	const struct fa_mem *mem;
	struct fa_map map;        /* key -> struct fa_secret */
	struct fa_list by_use;    /* longest ago first */
};

void fa_secrets_init(struct fa_secrets *secrets, const struct fa_mem *mem);
void fa_secrets_finish(struct fa_secrets *secrets);
/* Keep a copy until then, in place of an older one. Out of memory: it is not kept. */
void fa_secrets_keep(struct fa_secrets *secrets, const char *key, struct faas_bytes value,
		     int64_t until_ns);
/* False: there is none any more. What is shown is borrowed until the next call. */
bool fa_secrets_find(struct fa_secrets *secrets, const char *key, int64_t now_ns,
		     struct faas_bytes *value);
/* Wipe what is over; returns when the next one is, INT64_MAX: there is none. */
int64_t fa_secrets_sweep(struct fa_secrets *secrets, int64_t now_ns);

/* Wipe all versions of what has this name. */
void fa_secrets_expire(struct fa_secrets *secrets, const char *name);

/* What one is kept by: whose it is (without a space), its name and version. */
void fa_secret_key(char out[FA_SECRET_KEY_MAX], const char *owner, const char *name,
		   const char *version);
bool fa_secret_key_is_of(const char *key, const char *name);
/* 1 to FA_SECRET_NAME_MAX letters, digits and signs of ASCII. */
bool fa_secret_name_fits(const char *name, size_t len);
bool fa_secret_version_fits(const char *version); /* the same, to FA_SECRET_VERSION_MAX */

#endif
