/* SPDX-License-Identifier: MIT */
/*
 * Who may come in. Clients of the API sign with a key. A browser, Prometheus and curl cannot do
 * that for a page, so pages ask for a name and a password (Basic): an access key and its
 * secret, of who may do all, for pages show what all functions log.
 */
#include "server.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PAIR_MAX 768
#define BASIC "Basic "

static struct key {
	char *access_key, *secret, *role; /* NULL: may do all */
} *keys;
static size_t key_count;

static const struct key *find_key(const char *access_key)
{
	for (size_t i = 0; i < key_count; i++)
		if (!strcmp(keys[i].access_key, access_key))
			return &keys[i];
	return NULL;
}

static const char *secret_of(void *data, const char *access_key)
{
	const struct key *key = find_key(access_key);

	(void)data;
	return key ? key->secret : NULL;
}

static const char *role_of(void *data, const char *access_key)
{
	const struct key *key = find_key(access_key);

	(void)data;
	return key ? key->role : NULL;
}

static void read_key(const char *line, const char *file)
{
	struct key key = { NULL, NULL, NULL };
	char more;
	int words = sscanf(line, " %m[^ \t\r\n] %m[^ \t\r\n] %m[^ \t\r\n] %c", &key.access_key,
			   &key.secret, &key.role, &more);

	if (words <= 0 || *key.access_key == '#')
		return;
	if (words == 1 || words == 4 || find_key(key.access_key))
		options_refuse(
			"a line is an access key, once, its secret and perhaps a role; not so in",
			file);
	if (strlen(key.access_key) + strlen(key.secret) + 1 > PAIR_MAX)
		options_refuse("a key and its secret are at most 767 bytes; not so in", file);
	keys = realloc(keys, (key_count + 1) * sizeof(*keys));
	keys[key_count++] = key;
}

void keys_read(const char *path, struct faas_http_config *door)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;

	if (!file)
		options_refuse("cannot read the keys in", path);
	while (getline(&line, &size, file) > 0)
		read_key(line, path);
	if (ferror(file))
		options_refuse("cannot read the keys in", path);
	free(line);
	fclose(file);
	if (!key_count)
		options_refuse("there is no key in", path);
	door->secret_of = secret_of;
	door->role_of = role_of;
}

/* ---- pages ----------------------------------------------------------- */

/* "Basic ..." as it is in a header. Valid until the next call. */
static const char *basic(const struct key *key)
{
	static char text[sizeof(BASIC) + PAIR_MAX * 4 / 3 + 4] = BASIC;
	char pair[PAIR_MAX + 1];
	int len = snprintf(pair, sizeof(pair), "%s:%s", key->access_key, key->secret);

	EVP_EncodeBlock((unsigned char *)text + strlen(BASIC), (const unsigned char *)pair, len);
	return text;
}

const char *keys_credentials(void)
{
	for (size_t i = 0; i < key_count; i++)
		if (!keys[i].role)
			return basic(&keys[i]);
	return NULL;
}

static bool is_credentials(const char *said)
{
	bool found = false;

	for (size_t i = 0; i < key_count; i++) {
		const char *wanted = keys[i].role ? NULL : basic(&keys[i]);

		if (wanted && strlen(wanted) == strlen(said))
			found |= !CRYPTO_memcmp(wanted, said, strlen(said));
	}
	return found;
}

bool keys_allow(const struct faas_http_message *request)
{
	static const char name[] = "authorization: ";

	for (const char *const *at = request->headers; at && *at; at++)
		if (!strncasecmp(*at, name, strlen(name)) && is_credentials(*at + strlen(name)))
			return true;
	return !key_count;
}
