/* SPDX-License-Identifier: MIT */
#ifndef FA_HTTP_SIGV4_H
#define FA_HTTP_SIGV4_H

#include <base/mem.h>
#include <http/message.h>

/* Who may sign: the secret of an access key, or NULL. Borrowed until it is asked again. */
struct fa_sigv4_keys {
	const char *(*secret_of)(void *data, const char *access_key);
	void *data;
};

#define FA_ACCESS_KEY_MAX 256

/*
 * Is this request, its body included, signed for the service ("lambda") by a key that is
 * known, within five minutes? 0, or FAAS_EDENIED, FAAS_EINVAL or FAAS_ENOMEM with the
 * exception of AWS. By whom is said in access_key.
 */
int fa_sigv4_verify(const struct fa_sigv4_keys *keys, const struct fa_mem *mem,
		    const struct fa_http_request *request, const char *service, int64_t unix_ms,
		    char access_key[FA_ACCESS_KEY_MAX], struct faas_error *err);

#endif
