/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_SEALED_H
#define FA_MODEL_SEALED_H

#include <model/function.h>
#include <model/key.h>

/*
 * Variables encrypted at rest: where the host gave keys, a version holds its
 * variables sealed, and they are readable only while somebody makes an environment
 * of them, or shows them.
 */

/*
 * Seal what is in config.environment, and wipe it there. `keys` live as long as the version.
 * Without keys nothing is sealed. FAAS_EINVAL: it names a key that is none, or disabled.
 */
int fa_version_seal(struct fa_version *version, const struct fa_keys *keys,
		    struct faas_error *err);
/*
 * Take variables that were sealed earlier, in version->sealed of the same function, instead
 * of its own: copied. If they cannot be opened, the version stays, as `unreadable`. What
 * another of its key's entries opens is sealed anew, and the version `resealed`.
 */
int fa_version_adopt(struct fa_version *version, const struct fa_keys *keys, const void *sealed,
		     size_t len, struct faas_error *err);
/* The KMS exception of a version that is unreadable; returns its code. */
int fa_version_unreadable(const struct fa_version *version, struct faas_error *err);

/* "NAME=value" each, NULL at the end, for as long as they are held; NULL: none. */
struct fa_variables {
	const char *const *list;
	void *owned;
};

int fa_variables_open(struct fa_variables *variables, const struct fa_version *version,
		      struct faas_error *err);
void fa_variables_close(struct fa_variables *variables); /* wipes them; twice is fine */

#endif
