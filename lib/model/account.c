/* SPDX-License-Identifier: MIT */
#include <model/account.h>

#include <string.h>

#include <base/error.h>

static const char *const names[] = {
	[FA_ACCOUNT_SIGNING] = ":code-signing",
	[FA_ACCOUNT_LAYER_POLICIES] = ":layer-policies",
	[FA_ACCOUNT_ROLES] = ":roles",
	[FA_ACCOUNT_POLICIES] = ":policies",
};

int fa_account_set(struct fa_account_part *part, const char *key, struct fa_document *value)
{
	int rc = 0;

	if (!part->all)
		part->all = fa_document_object();
	if (value)
		rc = fa_document_put(part->all, key, value);
	else
		fa_document_drop(part->all, key);
	atomic_store(&part->changed, true);
	part->epoch++;
	return rc;
}

int fa_account_put(struct fa_registry *registry, enum fa_account_kind kind, const char *key,
		   struct fa_document *value, struct faas_error *err)
{
	int rc;

	pthread_rwlock_wrlock(&registry->lock);
	rc = fa_account_set(&registry->parts[kind], key, value);
	pthread_rwlock_unlock(&registry->lock);
	return rc ? fa_error_nomem(err) : 0;
}

struct fa_document *fa_account_get(struct fa_registry *registry, enum fa_account_kind kind,
				   const char *key)
{
	struct fa_document *copy;

	pthread_rwlock_rdlock(&registry->lock);
	copy = fa_document_copy(fa_document_get(registry->parts[kind].all, key));
	pthread_rwlock_unlock(&registry->lock);
	return copy;
}

struct fa_document *fa_account_all(struct fa_registry *registry, enum fa_account_kind kind)
{
	const struct fa_document *all;
	struct fa_document *copy;

	pthread_rwlock_rdlock(&registry->lock);
	all = registry->parts[kind].all;
	copy = all ? fa_document_copy(all) : fa_document_object();
	pthread_rwlock_unlock(&registry->lock);
	return copy;
}

bool fa_account_has_any(struct fa_registry *registry, enum fa_account_kind kind)
{
	bool any;

	pthread_rwlock_rdlock(&registry->lock);
	any = fa_document_count(registry->parts[kind].all);
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
