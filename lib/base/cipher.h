/* SPDX-License-Identifier: MIT */
#ifndef FA_BASE_CIPHER_H
#define FA_BASE_CIPHER_H

#include <stddef.h>

/*
 * Bytes that nobody reads or changes without the key: AES-256-GCM. `bound` is not
 * hidden but must be the same when it is opened, so that what was sealed for one thing
 * does not open as another.
 */
#define FA_KEY_SIZE 32
#define FA_SEAL_MORE 28 /* a nonce before, a tag behind */

/* `out` has room for len + FA_SEAL_MORE. 0 or FAAS_ENOMEM. */
int fa_seal(void *out, const unsigned char key[FA_KEY_SIZE], const char *bound,
	    const void *plain, size_t len);
/* `out` has room for len - FA_SEAL_MORE. FAAS_EDENIED: another key, or not what was sealed. */
int fa_unseal(void *out, const unsigned char key[FA_KEY_SIZE], const char *bound,
	      const void *sealed, size_t len);

#endif
