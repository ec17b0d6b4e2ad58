/* SPDX-License-Identifier: MIT */
/*
 * One map under one lock. A writer never changes a version that a reader may
 * hold: it puts another in its place, and the old one lives as long as somebody
 * runs on it.
 */
#include <model/registry.h>

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include <base/error.h>
#include <base/text.h>
#include <model/alias.h>
#include <model/change.h>
#include <model/event_config.h>
#include <model/permission.h>
#include <model/provisioned.h>
#include <model/role.h>
#include <model/url.h>

int fa_registry_init(struct fa_registry *registry, const struct fa_mem *mem,
		     const char *region, const char *account)
{
	pthread_mutexattr_t again;
	uint64_t seed;

	fa_map_init(&registry->functions, mem);
	fa_map_init(&registry->urls, mem);
	fa_map_init(&registry->rights, mem);
	registry->region = region;
	registry->account = account;
	fa_random_bytes(&seed, sizeof(seed));
	atomic_init(&registry->draws, seed);
	pthread_mutexattr_init(&again);
	pthread_mutexattr_settype(&again, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&registry->changing, &again);
	pthread_mutexattr_destroy(&again);
	return pthread_rwlock_init(&registry->lock, NULL) ? FAAS_ESYSTEM : 0;
}

void fa_registry_free_function(struct fa_function *function)
{
	fa_map_finish(&function->versions);
	fa_aliases_free(&function->aliases);
	fa_event_configs_free(&function->event_configs);
	fa_provisioned_free(function);
	fa_urls_free(&function->urls);
	fa_document_free(function->tags);
	fa_document_free(function->attached);
	fa_permission_forget(function);
	fa_free(function->dead_letter);
	fa_free(function->role);
	fa_free((char *)function->name);
	fa_free(function);
}

void fa_registry_finish(struct fa_registry *registry)
{
	struct fa_function *function;
	uint32_t pos = 0;

	while ((function = fa_map_next(&registry->functions, &pos)))
		fa_registry_free_function(function);
	fa_map_finish(&registry->functions);
	fa_map_finish(&registry->urls);
	fa_roles_forget(registry);
	for (int kind = 0; kind < FA_ACCOUNT_KINDS; kind++)
		fa_document_free(registry->parts[kind].all);
	pthread_rwlock_destroy(&registry->lock);
	pthread_mutex_destroy(&registry->changing);
}

/* ---- find ------------------------------------------------------------ */

static bool same(struct faas_bytes part, const char *text)
{
	return !part.data || (part.len == strlen(text) && !memcmp(part.data, text, part.len));
}

int fa_registry_check_place(const struct fa_registry *registry, const struct fa_name *name,
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

int fa_registry_no_function(const struct fa_registry *registry, const struct fa_name *name,
			    struct faas_error *err)
{
	struct faas_bytes qualifier = name->qualifier;

	if (!qualifier.data)
		qualifier = (struct faas_bytes){ "$LATEST", 7 };
	return fa_error(err, FAAS_ENOTFOUND,
			"Function not found: arn:aws:lambda:%s:%s:function:%.*s:%.*s",
			registry->region, registry->account, (int)name->function.len,
			(const char *)name->function.data, (int)qualifier.len,
			(const char *)qualifier.data);
}

struct fa_function *fa_registry_function(const struct fa_registry *registry, const char *name,
					 size_t len)
{
	struct fa_function *function = fa_change_find(registry, name, len);

	if (!function)
		function = fa_map_get(&registry->functions, name, len);
	return function && function->latest ? function : NULL;
}

static struct fa_function *function_of(const struct fa_registry *registry,
				       const struct fa_version *version)
{
	return fa_registry_function(registry, version->config.name, strlen(version->config.name));
}

void fa_registry_note(struct fa_registry *registry, struct fa_function *function)
{
	function->unwritten = true;
	atomic_fetch_add(&registry->changes, 1);
	atomic_store(&registry->unwritten, true);
}

void fa_registry_lock(struct fa_registry *registry)
{
	pthread_mutex_lock(&registry->changing);
	pthread_rwlock_wrlock(&registry->lock);
	registry->writing = true;
}

void fa_registry_unlock(struct fa_registry *registry)
{
	registry->writing = false;
	pthread_rwlock_unlock(&registry->lock);
	pthread_mutex_unlock(&registry->changing);
}

struct fa_function *fa_registry_open(struct fa_registry *registry, const char *text, bool write,
				     int *rc, struct faas_error *err)
{
	struct fa_function *function;
	struct fa_name name;

	*rc = fa_name_parse(&name, text, err);
	if (!*rc)
		*rc = fa_registry_check_place(registry, &name, err);
	if (*rc)
		return NULL;
	if (write)
		fa_registry_lock(registry);
	else
		pthread_rwlock_rdlock(&registry->lock);
	function = fa_registry_function(registry, name.function.data, name.function.len);
	if (!function)
		*rc = fa_registry_no_function(registry, &name, err);
	else if (write && fa_change_open(registry, &function) < 0)
		*rc = fa_error_nomem(err);
	if (!*rc)
		return function;
	fa_registry_close(registry);
	return NULL;
}

void fa_registry_close(struct fa_registry *registry)
{
	if (registry->writing)
		fa_registry_unlock(registry);
	else
		pthread_rwlock_unlock(&registry->lock);
}

/* Most callers write a name and nothing else: that one is there needs no parsing. */
static struct fa_version *find_plain(struct fa_registry *registry, const char *text)
{
	const struct fa_function *function;
	struct fa_version *version = NULL;

	if (!text)
		return NULL;
	pthread_rwlock_rdlock(&registry->lock);
	function = fa_map_get(&registry->functions, text, strlen(text));
	if (function)
		version = function->latest;
	if (version)
		fa_version_ref(version);
	pthread_rwlock_unlock(&registry->lock);
	return version;
}

/* SplitMix64: a counter, well stirred, so that any thread may draw without a lock. */
static double draw(struct fa_registry *registry)
{
	uint64_t x = atomic_fetch_add_explicit(&registry->draws, 0x9e3779b97f4a7c15,
					       memory_order_relaxed);

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return (double)((x ^ x >> 31) >> 11) * 0x1p-53;
}

static struct fa_version *follow(struct fa_registry *registry, const struct fa_function *function,
				 const struct fa_alias *alias)
{
	struct fa_version *version = alias->version;

	if (alias->second && draw(registry) < alias->weight)
		version = alias->second;
	return version ? version : function->latest;
}

static struct fa_version *qualified(struct fa_registry *registry, const struct fa_name *name)
{
	const struct faas_bytes *qualifier = &name->qualifier;
	const struct fa_function *function = fa_registry_function(registry, name->function.data,
								  name->function.len);
	struct fa_version *version;
	struct fa_alias *alias;

	if (!function || same(*qualifier, "$LATEST"))
		return function ? function->latest : NULL;
	version = fa_map_get(&function->versions, qualifier->data, qualifier->len);
	if (version)
		return version;
	alias = fa_map_get(&function->aliases, qualifier->data, qualifier->len);
	return alias ? follow(registry, function, alias) : NULL;
}

static struct fa_version *find_named(struct fa_registry *registry, const struct fa_name *name,
				     struct faas_error *err)
{
	struct fa_version *version;

	if (fa_registry_check_place(registry, name, err) < 0)
		return NULL;
	pthread_rwlock_rdlock(&registry->lock);
	version = qualified(registry, name);
	if (version)
		fa_version_ref(version);
	pthread_rwlock_unlock(&registry->lock);
	if (!version)
		fa_registry_no_function(registry, name, err);
	return version;
}

struct fa_version *fa_registry_find(struct fa_registry *registry, const char *text,
				    struct faas_error *err)
{
	struct fa_version *version = find_plain(registry, text);
	struct fa_name name;

	if (version)
		return version;
	if (fa_name_parse(&name, text, err) < 0)
		return NULL;
	return find_named(registry, &name, err);
}

struct fa_version *fa_registry_latest(struct fa_registry *registry, const char *text,
				      struct faas_error *err)
{
	struct fa_name name;

	if (fa_name_parse(&name, text, err) < 0)
		return NULL;
	if (!same(name.qualifier, "$LATEST")) {
		fa_error(err, FAAS_EINVAL,
			 "This operation is permitted on Lambda functions only. Aliases and "
			 "versions do not support this operation. Please specify either a function "
			 "name or an unqualified function ARN.");
		return NULL;
	}
	return find_named(registry, &name, err);
}

struct fa_version *fa_registry_last(struct fa_registry *registry, const struct fa_version *latest)
{
	const struct fa_function *function;
	struct fa_version *last = NULL, *version;
	uint32_t pos = 0;

	pthread_rwlock_rdlock(&registry->lock);
	function = function_of(registry, latest);
	while (function && (version = fa_map_next(&function->versions, &pos)))
		if (!last || version->number > last->number)
			last = version;
	if (last)
		fa_version_ref(last);
	pthread_rwlock_unlock(&registry->lock);
	return last;
}

int fa_registry_next_number(struct fa_registry *registry, const struct fa_version *latest)
{
	const struct fa_function *function;
	int number;

	pthread_rwlock_rdlock(&registry->lock);
	function = function_of(registry, latest);
	number = function ? function->last_number + 1 : 1;
	pthread_rwlock_unlock(&registry->lock);
	return number;
}

/* ---- change ---------------------------------------------------------- */

struct fa_function *fa_registry_new_function(const struct fa_registry *registry, const char *name)
{
	const struct fa_mem *mem = registry->functions.mem;
	struct fa_function *function = fa_alloc(mem, sizeof(*function));

	if (!function)
		return NULL;
	function->reserved = FA_UNTOUCHED;
	fa_map_init(&function->versions, mem);
	fa_map_init(&function->aliases, mem);
	fa_map_init(&function->event_configs, mem);
	fa_map_init(&function->provisioned, mem);
	fa_map_init(&function->urls, mem);
	fa_map_init(&function->policies, mem);
	function->name = fa_strdup(mem, name);
	if (function->name)
		return function;
	fa_registry_free_function(function);
	return NULL;
}

static int new_function(struct fa_registry *registry, const char *name,
			struct fa_function **function)
{
	*function = fa_registry_new_function(registry, name);
	if (!*function)
		return FAAS_ENOMEM;
	if (!fa_change_add(registry, *function))
		return 0;
	fa_registry_free_function(*function);
	return FAAS_ENOMEM;
}

/* What stands under this name for this thread; a deleted one, too. */
static struct fa_function *entry(const struct fa_registry *registry, const char *name)
{
	struct fa_function *function = fa_change_find(registry, name, strlen(name));

	return function ? function : fa_map_get(&registry->functions, name, strlen(name));
}

int fa_registry_add(struct fa_registry *registry, struct fa_version *version,
		    struct faas_error *err)
{
	const char *name = version->config.name;
	struct fa_function *function;
	int rc = 0;

	fa_registry_lock(registry);
	function = entry(registry, name);
	if (!function)
		rc = new_function(registry, name, &function);
	else
		rc = function->latest ? FAAS_EEXIST : fa_change_open(registry, &function);
	if (!rc) {
		fa_event_config_farewell_over(function);
		function->latest = version;
	}
	fa_registry_unlock(registry);
	if (rc == FAAS_EEXIST)
		return fa_error(err, rc, "Function already exist: %s", name);
	return rc ? fa_error_nomem(err) : 0;
}

int fa_registry_publish(struct fa_registry *registry, const struct fa_version *latest,
			struct fa_version *version, struct faas_error *err)
{
	struct fa_function *function;
	int rc = FAAS_EEXIST;
	bool current, pending;

	fa_registry_lock(registry);
	function = function_of(registry, latest);
	current = function && function->latest == latest;
	pending = atomic_load(&latest->state) == FA_STATE_PENDING &&
		  atomic_load(&version->state) == FA_STATE_PENDING; /* they share a fate */
	if (current && (pending || fa_registry_is_settled(function, latest)))
		rc = fa_change_open(registry, &function);
	if (!rc)
		rc = fa_map_add(&function->versions, version->qualifier, version);
	if (!rc && version->number > function->last_number)
		function->last_number = version->number;
	fa_registry_unlock(registry);
	if (rc == FAAS_EEXIST)
		return fa_registry_in_progress(latest, err);
	return rc ? fa_error_nomem(err) : 0;
}

/* ---- what stands for one that is gone ----------------------------------- */

/* What of a deleted one is not for the next of its name to forget. */
static bool is_remembered(const struct fa_function *function)
{
	return function->last_number || fa_event_config_says_farewell(function);
}

void fa_registry_forget(struct fa_registry *registry, const char *name)
{
	struct fa_function *function;

	pthread_rwlock_wrlock(&registry->lock);
	function = fa_map_get(&registry->functions, name, strlen(name));
	if (function && !function->latest && !is_remembered(function)) {
		fa_map_remove(&registry->functions, name);
		fa_registry_free_function(function);
	}
	pthread_rwlock_unlock(&registry->lock);
}

struct fa_version *fa_registry_recalled(struct fa_registry *registry, const char *name)
{
	const struct fa_function *function;
	struct fa_version *version = NULL;

	pthread_rwlock_rdlock(&registry->lock);
	function = fa_registry_function(registry, name, strlen(name));
	if (function && function->recalled)
		version = function->latest;
	if (version)
		fa_version_ref(version);
	pthread_rwlock_unlock(&registry->lock);
	return version;
}

int fa_registry_mark(struct fa_registry *registry, const char *name, bool recalled,
		     const int *last_number)
{
	struct fa_function *function;
	int rc = 0;

	fa_registry_lock(registry);
	function = entry(registry, name);
	if (function)
		rc = fa_change_open(registry, &function);
	if (function && !rc) {
		function->recalled = recalled;
		if (last_number && *last_number > function->last_number)
			function->last_number = *last_number;
	}
	fa_registry_unlock(registry);
	return rc;
}

/* Take one that was published out of its function, or $LATEST if there is none. */
static struct fa_version *take_one(struct fa_function *function)
{
	uint32_t pos = 0;
	struct fa_version *version = fa_map_next(&function->versions, &pos);

	if (version)
		return fa_map_remove(&function->versions, version->qualifier);
	version = function->latest;
	function->latest = NULL;
	return version;
}

static struct fa_version *remove_function(struct fa_registry *registry,
					  struct fa_function *function)
{
	struct fa_version *version, *removed = NULL;

	fa_aliases_free(&function->aliases);
	fa_event_config_farewell(function);
	fa_provisioned_free(function);
	fa_urls_drop(registry, function);
	fa_registry_end_update(function);
	function->trouble.code[0] = '\0';
	function->may_recur = false;
	fa_document_free(function->tags);
	fa_document_free(function->attached);
	function->tags = function->attached = NULL;
	fa_permission_forget(function);
	while ((version = take_one(function))) {
		version->also = removed;
		removed = version;
	}
	if (fa_change_find(registry, function->name, strlen(function->name))) {
		function->recalled = false;
	} else if (!is_remembered(function) && !registry->remembers) {
		fa_map_remove(&registry->functions, function->name);
		fa_registry_free_function(function);
	} else {
		function->recalled = false;
		fa_registry_note(registry, function);
	}
	return removed;
}

struct fa_version *fa_registry_remove(struct fa_registry *registry, struct fa_version *version)
{
	struct fa_version *removed = NULL;
	struct fa_function *function;

	fa_registry_lock(registry);
	function = function_of(registry, version);
	if (function && function->latest == version && !fa_change_open(registry, &function))
		removed = remove_function(registry, function);
	fa_registry_unlock(registry);
	return removed;
}

struct fa_version *fa_registry_unpublish(struct fa_registry *registry, struct fa_version *version,
					 struct faas_error *err)
{
	struct fa_version *removed = NULL;
	struct fa_function *function;
	bool there, held;
	int rc = 0;

	fa_registry_lock(registry);
	function = function_of(registry, version);
	there = function && fa_map_get(&function->versions, version->qualifier,
				       strlen(version->qualifier)) == version;
	held = there && fa_aliases_hold(&function->aliases, version);
	if (there && !held)
		rc = fa_change_open(registry, &function);
	if (there && !held && !rc) {
		removed = fa_map_remove(&function->versions, version->qualifier);
		fa_event_config_drop(function, version->qualifier);
		fa_provisioned_forget(function, version->qualifier);
		fa_permission_drop(function, version->qualifier);
	}
	fa_registry_unlock(registry);
	if (held)
		fa_error(err, FAAS_EEXIST, "an alias leads to version %s: %s:%s",
			 version->qualifier, version->arn, version->qualifier);
	else if (!there)
		fa_error(err, FAAS_ENOTFOUND, "Function not found: %s:%s", version->arn,
			 version->qualifier);
	else if (rc)
		fa_error_nomem(err);
	return removed;
}

struct fa_version *fa_registry_from(struct fa_registry *registry, const char *name, int *number)
{
	struct fa_version *v = NULL;
	struct fa_function *function;
	char text[16];

	pthread_rwlock_rdlock(&registry->lock);
	function = entry(registry, name);
	if (function && !*number)
		v = function->latest;
	while (function && !v && *number <= function->last_number) {
		int len = snprintf(text, sizeof(text), "%d", *number);

		v = fa_map_get(&function->versions, text, (size_t)len);
		*number += !v;
	}
	if (v)
		fa_version_ref(v);
	pthread_rwlock_unlock(&registry->lock);
	return v;
}

void fa_registry_end(struct fa_registry *registry)
{
	pthread_rwlock_wrlock(&registry->lock);
	registry->ending = true;
	pthread_rwlock_unlock(&registry->lock);
}

struct fa_version *fa_registry_take_any(struct fa_registry *registry)
{
	struct fa_version *version = NULL;
	struct fa_function *function;
	uint32_t pos = 0;

	fa_registry_end(registry);
	pthread_rwlock_wrlock(&registry->lock);
	while (!version && (function = fa_map_next(&registry->functions, &pos))) {
		fa_aliases_free(&function->aliases);
		if (function->next) { /* the next program makes it of this, or says why not */
			fa_package_keep(function->next->code.package);
			fa_package_keep(function->next->code.opt);
		}
		fa_registry_end_update(function);
		version = take_one(function);
	}
	pthread_rwlock_unlock(&registry->lock);
	return version;
}

/* ---- list ------------------------------------------------------------ */

static int by_name_and_number(const void *a, const void *b)
{
	const struct fa_version *one = *(struct fa_version *const *)a;
	const struct fa_version *other = *(struct fa_version *const *)b;
	int order = strcmp(one->config.name, other->config.name);

	return order ? order : (one->number > other->number) - (one->number < other->number);
}

static size_t count_versions(const struct fa_registry *registry)
{
	const struct fa_function *function;
	uint32_t pos = 0;
	size_t n = 0;

	while ((function = fa_map_next(&registry->functions, &pos)))
		n += (function->latest != NULL) + function->versions.count;
	return n;
}

static void collect(const struct fa_function *function, struct fa_version **all, size_t *n)
{
	struct fa_version *version = function->latest;
	uint32_t pos = 0;

	for (; version; version = fa_map_next(&function->versions, &pos)) {
		fa_version_ref(version);
		all[(*n)++] = version;
	}
}

struct fa_version **fa_registry_all(struct fa_registry *registry, const struct fa_mem *mem)
{
	const struct fa_function *function;
	struct fa_version **all;
	uint32_t pos = 0;
	size_t n = 0;

	pthread_rwlock_rdlock(&registry->lock);
	all = fa_alloc(mem, (count_versions(registry) + 1) * sizeof(*all));
	while (all && (function = fa_map_next(&registry->functions, &pos)))
		collect(function, all, &n);
	pthread_rwlock_unlock(&registry->lock);
	if (all)
		qsort(all, n, sizeof(*all), by_name_and_number);
	return all;
}
