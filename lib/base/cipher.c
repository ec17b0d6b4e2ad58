/* SPDX-License-Identifier: MIT */
/*
 * The cipher is libcrypto's. A nonce of random bits is good for billions of seals with one
 * key; what is sealed here is a configuration, a few times a day.
 */
#include <base/cipher.h>

#include <limits.h>
#include <string.h>

#include <openssl/evp.h>
#include <base/text.h>
#include <faas/types.h>

#define NONCE 12
#define TAG 16

static bool seal(EVP_CIPHER_CTX *state, unsigned char *out, const unsigned char *key,
		 const char *bound, const void *plain, int len)
{
	int n;

	fa_random_bytes(out, NONCE);
	return EVP_EncryptInit_ex(state, EVP_aes_256_gcm(), NULL, key, out) &&
	       EVP_EncryptUpdate(state, NULL, &n, (const unsigned char *)bound,
				 (int)strlen(bound)) &&
	       EVP_EncryptUpdate(state, out + NONCE, &n, plain, len) &&
	       EVP_EncryptFinal_ex(state, out + NONCE + n, &n) &&
	       EVP_CIPHER_CTX_ctrl(state, EVP_CTRL_GCM_GET_TAG, TAG, out + NONCE + len);
}

int fa_seal(void *out, const unsigned char key[FA_KEY_SIZE], const char *bound, const void *plain,
	    size_t len)
{
	EVP_CIPHER_CTX *state = EVP_CIPHER_CTX_new();
	bool done = state && len <= INT_MAX && seal(state, out, key, bound, plain, (int)len);

	EVP_CIPHER_CTX_free(state);
	return done ? 0 : FAAS_ENOMEM;
}

static bool unseal(EVP_CIPHER_CTX *state, unsigned char *out, const unsigned char *key,
		   const char *bound, const unsigned char *sealed, int len)
{
	unsigned char tag[TAG];
	int n;

	memcpy(tag, sealed + NONCE + len, TAG);
	return EVP_DecryptInit_ex(state, EVP_aes_256_gcm(), NULL, key, sealed) &&
	       EVP_DecryptUpdate(state, NULL, &n, (const unsigned char *)bound,
				 (int)strlen(bound)) &&
	       EVP_DecryptUpdate(state, out, &n, sealed + NONCE, len) &&
	       EVP_CIPHER_CTX_ctrl(state, EVP_CTRL_GCM_SET_TAG, TAG, tag) &&
	       EVP_DecryptFinal_ex(state, out + n, &n) > 0;
}

int fa_unseal(void *out, const unsigned char key[FA_KEY_SIZE], const char *bound,
	      const void *sealed, size_t len)
{
	EVP_CIPHER_CTX *state;
	bool done;

	if (len < FA_SEAL_MORE || len > INT_MAX)
		return FAAS_EDENIED;
	state = EVP_CIPHER_CTX_new();
	if (!state)
		return FAAS_ENOMEM;
	done = unseal(state, out, key, bound, sealed, (int)(len - FA_SEAL_MORE));
	EVP_CIPHER_CTX_free(state);
	if (!done) /* what was not proved must not be looked at */
		explicit_bzero(out, len - FA_SEAL_MORE);
	return done ? 0 : FAAS_EDENIED;
}
