/* SPDX-License-Identifier: MIT */
#ifndef FA_BASE_DIGEST_H
#define FA_BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FA_DIGEST_TEXT 45 /* base64 of 32 bytes, and a NUL */

#define FA_DIGEST_HEX 65  /* the same in small hexadecimal digits, as images have it */

/* SHA-256 of what is added, as Lambda writes it: base64. A failure shows at the end. */
struct fa_digest {
	void *state;
	bool failed;
};

void fa_digest_begin(struct fa_digest *digest);
void fa_digest_add(struct fa_digest *digest, const void *data, size_t len);
/* 0 or FAAS_ENOMEM; `out` is empty then. Call one of them once, always. */
int fa_digest_end(struct fa_digest *digest, char out[FA_DIGEST_TEXT]);
int fa_digest_end_hex(struct fa_digest *digest, char out[FA_DIGEST_HEX]);

/* Base64 of any bytes, (len + 2) / 3 * 4 characters and a NUL. Returns the characters. */
size_t fa_base64(char *out, const void *data, size_t len);
/* The other way, of what fa_base64() wrote: len / 4 * 3 bytes of room. 0: it is none. */
size_t fa_base64_read(void *out, const char *text, size_t len);

#define FA_SHA256 32
#define FA_MD5 16

/*
 * SHA-256 of some bytes, and HMAC with it; `out` may be the key. Should libcrypto fail,
 * nobody can tell the result.
 */
void fa_sha256(uint8_t out[FA_SHA256], const void *data, size_t len);
void fa_md5(uint8_t out[FA_MD5], const void *data, size_t len); /* no secret: SQS has it */
void fa_hmac(uint8_t out[FA_SHA256], const void *key, size_t key_len, const void *data,
	     size_t len);
/* Whether `text` is just this; it takes as long for a wrong one as for a right one. */
bool fa_hex_is_same(const char hex[FA_DIGEST_HEX], const char *text);

#endif
