/* SPDX-License-Identifier: MIT */
/*
 * Who downloads a ZIP shows no key: it is a URL that was given to somebody who may have it, as
 * the presigned ones of S3 are. It says of which package it is and until when it is good, and a
 * key of this program alone has signed both.
 */
#include <model/package/location.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/error.h>
#include <base/text.h>
#include <model/package/draft.h>

#define EXPIRES "?Expires="
#define SIGNATURE "&Signature="

static void sign(const struct fa_packages *store, const char *id, int64_t until_s,
		 char hex[FA_DIGEST_HEX])
{
	char said[sizeof(((struct fa_package *)0)->id) + 24];
	struct fa_text text = { .data = hex, .size = FA_DIGEST_HEX };
	uint8_t code[FA_SHA256];
	int len = snprintf(said, sizeof(said), "%s %lld", id, (long long)until_s);

	fa_hmac(code, store->key, sizeof(store->key), said, (size_t)len);
	fa_text_hex(&text, code, sizeof(code));
}

void fa_packages_place(struct fa_packages *store, const struct fa_clock *clock, const char *base)
{
	pthread_mutex_lock(&store->lock);
	if (!*store->base)
		fa_random_bytes(store->key, sizeof(store->key));
	store->clock = clock;
	snprintf(store->base, sizeof(store->base), "%s", base);
	pthread_mutex_unlock(&store->lock);
}

void fa_package_locate(const struct fa_package *package, char out[FA_LOCATION_MAX])
{
	struct fa_packages *store = package->store;
	char signature[FA_DIGEST_HEX];
	int64_t until_s;

	pthread_mutex_lock(&store->lock);
	if (*store->base) {
		until_s = (store->clock->unix_ms(store->clock) + FA_LOCATION_VALID_MS) / 1000;
		sign(store, package->id, until_s, signature);
		snprintf(out, FA_LOCATION_MAX,
			 "%s" FA_LOCATION_PATH "%s" EXPIRES "%lld" SIGNATURE "%s", store->base,
			 package->id, (long long)until_s, signature);
	} else {
		snprintf(out, FA_LOCATION_MAX, "%s", package->zip);
	}
	pthread_mutex_unlock(&store->lock);
}

/* What is signed, in the words of S3. Under the lock. */
static int check(const struct fa_packages *store, const char *id, const char *rest,
		 struct faas_error *err)
{
	char expected[FA_DIGEST_HEX], *end = NULL;
	int64_t until_s = 0;

	if (!strncmp(rest, EXPIRES, strlen(EXPIRES)))
		until_s = strtoll(rest + strlen(EXPIRES), &end, 10);
	if (!end || !*store->base || strncmp(end, SIGNATURE, strlen(SIGNATURE)) != 0)
		return fa_error(err, FAAS_EDENIED, "Access Denied");
	sign(store, id, until_s, expected);
	if (!fa_hex_is_same(expected, end + strlen(SIGNATURE)))
		return fa_error(err, FAAS_EDENIED, "Access Denied");
	if (store->clock->unix_ms(store->clock) / 1000 >= until_s)
		return fa_error(err, FAAS_EDENIED, "Request has expired");
	return 0;
}

struct fa_package *fa_packages_locate(struct fa_packages *store, const char *text,
				      struct faas_error *err)
{
	char id[sizeof(((struct fa_package *)0)->id)];
	size_t len = strcspn(text, "?");
	struct fa_package *p = NULL;

	snprintf(id, sizeof(id), "%.*s", (int)(len < sizeof(id) ? len : 0), text);
	pthread_mutex_lock(&store->lock);
	if (!check(store, id, text + len, err)) {
		p = fa_packages_find(store, id);
		if (!p)
			fa_error(err, FAAS_ENOTFOUND, "The code is not there any more.");
	}
	pthread_mutex_unlock(&store->lock);
	return p;
}
