/* SPDX-License-Identifier: MIT */
/*
 * libcrypto's decoder takes '=' for a zero wherever it stands, and does not say
 * how many there were at the end: both is seen to here.
 */
#include <base/base64.h>

#include <limits.h>
#include <string.h>

#include <base/error.h>
#include <openssl/evp.h>

void *fa_base64_decode(const struct fa_mem *mem, const char *text, const char *what, size_t *len,
		       struct faas_error *err)
{
	size_t size = strlen(text), digits = strcspn(text, "=");
	unsigned char *data = fa_alloc_dirty(mem, size / 4 * 3 + 1);
	int n = -1;

	if (!data) {
		fa_error_nomem(err);
		return NULL;
	}
	if (size % 4 == 0 && size < INT_MAX && size - digits <= 2 &&
	    strspn(text + digits, "=") == size - digits && !strpbrk(text, " \t\r\n"))
		n = EVP_DecodeBlock(data, (const unsigned char *)text, (int)size);
	if (n >= 0) {
		*len = (size_t)n - (size - digits);
		return data;
	}
	fa_free(data);
	fa_error_typed(err, FAAS_EINVAL, "SerializationException", "%s must be base64", what);
	return NULL;
}
