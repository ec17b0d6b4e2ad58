/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_FINGERPRINT_H
#define FA_MODEL_FINGERPRINT_H

#include <model/function.h>

#define FA_CODE_MAX 262144000 /* bytes of code, unpacked (semantics 1.2) */

/*
 * CodeSha256: of the ZIP, or else of the handler's file as it is now. Empty for a native handler,
 * and if there is no such file or it is longer than FA_CODE_MAX. 0 or FAAS_ENOMEM.
 */
int fa_fingerprint_code(const struct fa_version *version, char out[FA_DIGEST_HEX]);
/* Of all members of the configuration that make a publication worth a number. */
int fa_fingerprint_config(const struct fa_version *version, char out[FA_DIGEST_TEXT]);

#endif
