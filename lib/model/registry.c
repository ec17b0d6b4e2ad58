/* SPDX-License-Identifier: MIT */
/*
 * One map under one lock. A writer never changes a version that a reader may
 * hold: it puts another in its place, and the old one lives as long as somebody
 * runs on it.
 */
#include <model/registry.h>

#include <string.h>

#include <base/error.h>

int fa_registry_init(struct fa_registry *registry, const struct fa_mem *mem,
		     const char *region, const char *account)
{
	fa_map_init(&registry->latest, mem);
	registry->region = region;
	registry->account = account;
	return pthread_rwlock_init(&registry->lock, NULL) ? FAAS_ESYSTEM : 0;
}

void fa_registry_finish(struct fa_registry *registry)
{
	fa_map_finish(&registry->latest);
	pthread_rwlock_destroy(&registry->lock);
}

static bool same(struct faas_bytes part, const char *text)
{
	return !part.data || (part.len == strlen(text) && !memcmp(part.data, text, part.len));
}

static int check_place(const struct fa_registry *registry, const struct fa_name *name,
		       struct faas_error *err)
{
	if (!same(name->region, registry->region))
		return fa_error(err, FAAS_ENOTFOUND,
				"Functions from '%.*s' are not reachable in this region ('%s')",
				(int)name->region.len, (const char *)name->region.data,
				registry->region);
	if (!same(name->account, registry->account))
		return fa_error(err, FAAS_EDENIED, "account %.*s is not account %s",
				(int)name->account.len, (const char *)name->account.data,
				registry->account);
	return 0;
}

/* Most callers write a name and nothing else: that one is there needs no parsing. */
static struct fa_version *find_plain(struct fa_registry *registry, const char *text)
{
	struct fa_version *version;

	if (!text)
		return NULL;
	pthread_rwlock_rdlock(&registry->lock);
	version = fa_map_get(&registry->latest, text, strlen(text));
	if (version)
		fa_version_ref(version);
	pthread_rwlock_unlock(&registry->lock);
	return version;
}

struct fa_version *fa_registry_find(struct fa_registry *registry, const char *text,
				    struct faas_error *err)
{
	struct fa_version *version = find_plain(registry, text);
	struct fa_name name;

	if (version)
		return version;
	if (fa_name_parse(&name, text, err) < 0 || check_place(registry, &name, err) < 0)
		return NULL;
	pthread_rwlock_rdlock(&registry->lock);
	if (same(name.qualifier, "$LATEST"))
		version = fa_map_get(&registry->latest, name.function.data, name.function.len);
	if (version)
		fa_version_ref(version);
	pthread_rwlock_unlock(&registry->lock);
	if (!version)
		fa_error(err, FAAS_ENOTFOUND,
			 "Function not found: arn:aws:lambda:%s:%s:function:%.*s:%.*s",
			 registry->region, registry->account, (int)name.function.len,
			 (const char *)name.function.data,
			 name.qualifier.data ? (int)name.qualifier.len : 7,
			 name.qualifier.data ? (const char *)name.qualifier.data : "$LATEST");
	return version;
}

int fa_registry_add(struct fa_registry *registry, struct fa_version *version,
		    struct faas_error *err)
{
	int rc;

	pthread_rwlock_wrlock(&registry->lock);
	rc = fa_map_add(&registry->latest, version->config.name, version);
	pthread_rwlock_unlock(&registry->lock);
	if (rc == FAAS_EEXIST)
		return fa_error(err, rc, "Function already exist: %s", version->config.name);
	return rc ? fa_error_nomem(err) : 0;
}

int fa_registry_swap(struct fa_registry *registry, struct fa_version *old,
		     struct fa_version *next, struct faas_error *err)
{
	const char *name = next->config.name;
	bool current;

	pthread_rwlock_wrlock(&registry->lock);
	current = fa_map_get(&registry->latest, name, strlen(name)) == old;
	if (current)
		fa_map_replace(&registry->latest, name, next);
	pthread_rwlock_unlock(&registry->lock);
	if (!current)
		return fa_error(err, FAAS_EEXIST,
				"The operation cannot be performed at this time. An update is in "
				"progress for resource: %s",
				old->arn);
	return 0;
}

struct fa_version *fa_registry_remove(struct fa_registry *registry, struct fa_version *version)
{
	const char *name = version->config.name;
	struct fa_version *removed = NULL;

	pthread_rwlock_wrlock(&registry->lock);
	if (fa_map_get(&registry->latest, name, strlen(name)) == version)
		removed = fa_map_remove(&registry->latest, name);
	pthread_rwlock_unlock(&registry->lock);
	return removed;
}

struct fa_version *fa_registry_take_any(struct fa_registry *registry)
{
	struct fa_version *version;
	uint32_t pos = 0;

	pthread_rwlock_wrlock(&registry->lock);
	version = fa_map_next(&registry->latest, &pos);
	if (version)
		fa_map_remove(&registry->latest, version->config.name);
	pthread_rwlock_unlock(&registry->lock);
	return version;
}

struct fa_version **fa_registry_all(struct fa_registry *registry, const struct fa_mem *mem)
{
	struct fa_version **all, *version;
	uint32_t pos = 0;
	size_t n = 0;

	pthread_rwlock_rdlock(&registry->lock);
	all = fa_alloc(mem, (registry->latest.count + 1) * sizeof(*all));
	while (all && (version = fa_map_next(&registry->latest, &pos))) {
		fa_version_ref(version);
		all[n++] = version;
	}
	pthread_rwlock_unlock(&registry->lock);
	return all;
}
