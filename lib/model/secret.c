/* SPDX-License-Identifier: MIT */
#include <model/secret.h>

#include <stdio.h>
#include <string.h>

#include <base/hidden.h>

struct fa_secret {
	struct fa_list use;
	int64_t until_ns;
	struct faas_bytes value;
	char key[FA_SECRET_KEY_MAX];
	char bytes[];
};

bool fa_secret_name_fits(const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (name[i] <= ' ' || name[i] > '~')
			return false;
	return len >= 1 && len <= FA_SECRET_NAME_MAX;
}

bool fa_secret_version_fits(const char *version)
{
	size_t len = strlen(version);

	return len <= FA_SECRET_VERSION_MAX && fa_secret_name_fits(version, len);
}

void fa_secret_key(char out[FA_SECRET_KEY_MAX], const char *owner, const char *name,
		   const char *version)
{
	snprintf(out, FA_SECRET_KEY_MAX, "%s %s %s", owner, name, version);
}

void fa_secrets_init(struct fa_secrets *secrets, const struct fa_mem *mem)
{
	secrets->mem = mem;
	fa_map_init(&secrets->map, mem);
	fa_list_init(&secrets->by_use);
}

static void forget(struct fa_secrets *secrets, struct fa_secret *secret)
{
	fa_map_remove(&secrets->map, secret->key);
	fa_list_remove(&secret->use);
	fa_hidden_free(secret);
}

void fa_secrets_finish(struct fa_secrets *secrets)
{
	while (!fa_list_empty(&secrets->by_use))
		forget(secrets, fa_container(secrets->by_use.next, struct fa_secret, use));
	fa_map_finish(&secrets->map);
}

static struct fa_secret *find(const struct fa_secrets *secrets, const char *key)
{
	return fa_map_get(&secrets->map, key, strlen(key));
}

void fa_secrets_keep(struct fa_secrets *secrets, const char *key, struct faas_bytes value,
		     int64_t until_ns)
{
	struct fa_secret *secret = find(secrets, key);
	size_t size = sizeof(*secret) + value.len;

	if (secret)
		forget(secrets, secret);
	if (secrets->map.count >= FA_SECRETS_MAX)
		forget(secrets, fa_container(secrets->by_use.next, struct fa_secret, use));
	secret = strlen(key) < FA_SECRET_KEY_MAX ? fa_hidden_alloc(secrets->mem, size) : NULL;
	if (!secret)
		return;
	secret->until_ns = until_ns;
	strcpy(secret->key, key);
	if (value.len)
		memcpy(secret->bytes, value.data, value.len);
	secret->value = (struct faas_bytes){ secret->bytes, value.len };
	fa_list_append(&secrets->by_use, &secret->use);
	if (fa_map_add(&secrets->map, secret->key, secret) < 0)
		forget(secrets, secret);
}

bool fa_secrets_find(struct fa_secrets *secrets, const char *key, int64_t now_ns,
		     struct faas_bytes *value)
{
	struct fa_secret *secret = find(secrets, key);

	if (!secret)
		return false;
	if (secret->until_ns <= now_ns) {
		forget(secrets, secret);
		return false;
	}
	fa_list_remove(&secret->use);
	fa_list_append(&secrets->by_use, &secret->use);
	*value = secret->value;
	return true;
}

bool fa_secret_key_is_of(const char *key, const char *name)
{
	const char *at = strchr(key, ' ') + 1;
	size_t len = strlen(name);

	return !strncmp(at, name, len) && at[len] == ' ';
}

void fa_secrets_expire(struct fa_secrets *secrets, const char *name)
{
	struct fa_list *pos, *after;

	fa_list_for_safe(pos, after, &secrets->by_use) {
		struct fa_secret *secret = fa_container(pos, struct fa_secret, use);

		if (fa_secret_key_is_of(secret->key, name))
			forget(secrets, secret);
	}
}

int64_t fa_secrets_sweep(struct fa_secrets *secrets, int64_t now_ns)
{
	int64_t next = INT64_MAX;
	struct fa_list *pos, *after;

	fa_list_for_safe(pos, after, &secrets->by_use) {
		struct fa_secret *secret = fa_container(pos, struct fa_secret, use);

		if (secret->until_ns <= now_ns)
			forget(secrets, secret);
		else if (secret->until_ns < next)
			next = secret->until_ns;
	}
	return next;
}
