/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_KEY_H
#define FA_MODEL_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <base/cipher.h>
#include <base/mem.h>
#include <faas/faas.h>

struct fa_key {
	char *arn;
	bool enabled;
	unsigned char bytes[FA_KEY_SIZE];
};

/*
 * The host's, copied; wiped when they go. The first one is of who names none. Of those of one
 * ARN (of all, where none is named) the first encrypts, and all are tried on what was encrypted.
 */
struct fa_keys {
	struct fa_key *list;
	size_t count;
};

/* FAAS_EINVAL: one of their files is not fit to be a key's, or cannot be read. */
int fa_keys_init(struct fa_keys *keys, const struct fa_mem *mem, const struct faas_key *from,
		 struct faas_error *err);
void fa_keys_finish(struct fa_keys *keys);
const struct fa_key *fa_key_find(const struct fa_keys *keys, const char *arn); /* ""; NULL */

#endif
