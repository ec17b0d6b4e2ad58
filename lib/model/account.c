/* SPDX-License-Identifier: MIT */
#include <model/account.h>

#include <string.h>

#include <base/error.h>
#include <model/change.h>

static const char *const names[] = {
	[FA_ACCOUNT_SIGNING] = ":code-signing",
	[FA_ACCOUNT_LAYER_POLICIES] = ":layer-policies",
	[FA_ACCOUNT_ROLES] = ":roles",
	[FA_ACCOUNT_POLICIES] = ":policies",
};

int fa_account_set(struct fa_registry *registry, enum fa_account_kind kind, const char *key,
		   struct fa_document *value)
{
	struct fa_document **all = fa_change_open_part(registry, kind);

	if (!all) {
		fa_document_free(value);
		return FAAS_ENOMEM;
	}
	if (value)
		return fa_document_put(*all, key, value);
	fa_document_drop(*all, key);
	return 0;
}

int fa_account_put(struct fa_registry *registry, enum fa_account_kind kind, const char *key,
		   struct fa_document *value, struct faas_error *err)
{
	int rc;

	fa_registry_lock(registry);
	rc = fa_account_set(registry, kind, key, value);
	fa_registry_unlock(registry);
	return rc ? fa_error_nomem(err) : 0;
}

struct fa_document *fa_account_get(struct fa_registry *registry, enum fa_account_kind kind,
				   const char *key)
{
	struct fa_document *copy;

	pthread_rwlock_rdlock(&registry->lock);
	copy = fa_document_copy(fa_document_get(fa_change_read_part(registry, kind), key));
	pthread_rwlock_unlock(&registry->lock);
	return copy;
}

struct fa_document *fa_account_all(struct fa_registry *registry, enum fa_account_kind kind)
{
	const struct fa_document *all;
	struct fa_document *copy;

	pthread_rwlock_rdlock(&registry->lock);
	all = fa_change_read_part(registry, kind);
	copy = all ? fa_document_copy(all) : fa_document_object();
	pthread_rwlock_unlock(&registry->lock);
	return copy;
}

bool fa_account_has_any(struct fa_registry *registry, enum fa_account_kind kind)
{
	bool any;

	pthread_rwlock_rdlock(&registry->lock);
	any = fa_document_count(fa_change_read_part(registry, kind));
	pthread_rwlock_unlock(&registry->lock);
	return any;
}

const char *fa_account_name(enum fa_account_kind kind)
{
	return names[kind];
}

bool fa_account_restore(struct fa_registry *registry, const char *name, const char *text,
			struct faas_error *err)
{
	for (int kind = 0; kind < FA_ACCOUNT_KINDS; kind++) {
		if (strcmp(names[kind], name) != 0)
			continue;
		registry->parts[kind].all = fa_document_parse(text, err);
		registry->parts[kind].epoch++;
		return registry->parts[kind].all;
	}
	return true;
}
