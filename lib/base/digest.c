/* SPDX-License-Identifier: MIT */
/*
 * SHA-256 is libcrypto's. It allocates its state itself, with malloc(): the one
 * allocation of the host side that the host's own realloc does not see.
 */
#include <base/digest.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>
#include <base/text.h>
#include <faas/types.h>

void fa_digest_begin(struct fa_digest *digest)
{
	digest->state = EVP_MD_CTX_new();
	digest->failed = !digest->state || !EVP_DigestInit_ex(digest->state, EVP_sha256(), NULL);
}

void fa_digest_add(struct fa_digest *digest, const void *data, size_t len)
{
	if (!digest->failed && len)
		digest->failed = !EVP_DigestUpdate(digest->state, data, len);
}

static bool end(struct fa_digest *digest, unsigned char bytes[EVP_MAX_MD_SIZE])
{
	if (!digest->failed)
		digest->failed = !EVP_DigestFinal_ex(digest->state, bytes, NULL);
	EVP_MD_CTX_free(digest->state);
	return !digest->failed;
}

int fa_digest_end(struct fa_digest *digest, char out[FA_DIGEST_TEXT])
{
	unsigned char bytes[EVP_MAX_MD_SIZE];

	out[0] = '\0';
	if (!end(digest, bytes))
		return FAAS_ENOMEM;
	EVP_EncodeBlock((unsigned char *)out, bytes, FA_SHA256);
	return 0;
}

int fa_digest_end_hex(struct fa_digest *digest, char out[FA_DIGEST_HEX])
{
	unsigned char bytes[EVP_MAX_MD_SIZE];

	out[0] = '\0';
	if (!end(digest, bytes))
		return FAAS_ENOMEM;
	for (int i = 0; i < FA_SHA256; i++)
		sprintf(out + 2 * i, "%02x", bytes[i]);
	return 0;
}

#define PIECE (3 << 20) /* libcrypto counts in int */

size_t fa_base64(char *out, const void *data, size_t len)
{
	const unsigned char *from = data;
	size_t total = 0;

	*out = '\0';
	for (size_t at = 0; at < len; at += PIECE) {
		size_t n = len - at < PIECE ? len - at : PIECE;

		total += (size_t)EVP_EncodeBlock((unsigned char *)out + total, from + at, (int)n);
	}
	return total;
}

size_t fa_base64_read(void *out, const char *text, size_t len)
{
	int n = len % 4 || len > INT_MAX
			? -1
			: EVP_DecodeBlock(out, (const unsigned char *)text, (int)len);

	if (n <= 0)
		return 0;
	while (len && text[len - 1] == '=') {
		len--;
		n--;
	}
	return (size_t)n;
}

void fa_sha256(uint8_t out[FA_SHA256], const void *data, size_t len)
{
	if (!EVP_Digest(data, len, out, NULL, EVP_sha256(), NULL))
		fa_random_bytes(out, FA_SHA256);
}

void fa_md5(uint8_t out[FA_MD5], const void *data, size_t len)
{
	unsigned int n = FA_MD5;

	if (!EVP_Digest(data, len, out, &n, EVP_md5(), NULL))
		fa_random_bytes(out, FA_MD5);
}

bool fa_hex_is_same(const char hex[FA_DIGEST_HEX], const char *text)
{
	uint8_t difference = 0;

	if (strlen(text) != FA_DIGEST_HEX - 1)
		return false;
	for (size_t i = 0; i < FA_DIGEST_HEX - 1; i++)
		difference |= (uint8_t)(hex[i] ^ text[i]);
	return !difference;
}

void fa_hmac(uint8_t out[FA_SHA256], const void *key, size_t key_len, const void *data, size_t len)
{
	uint8_t code[FA_SHA256];
	size_t size = 0;

	if (!EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key, key_len, data, len, code,
		       sizeof(code), &size))
		fa_random_bytes(code, sizeof(code));
	memcpy(out, code, sizeof(code));
}
