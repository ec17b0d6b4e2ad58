/* SPDX-License-Identifier: MIT */
#include <model/policy/request.h>

#include <string.h>

static unsigned char fold(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

bool fa_folds_to(const char *a, const char *b, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (fold(a[i]) != fold(b[i]))
			return false;
	return true;
}

const struct fa_fact *fa_fact_find(const struct fa_policy_request *request, const char *key,
				   size_t len)
{
	for (size_t i = 0; i < request->fact_count; i++) {
		const struct fa_fact *fact = &request->facts[i];

		if (strlen(fact->key) == len && fa_folds_to(fact->key, key, len))
			return fact->count ? fact : NULL;
	}
	return NULL;
}
