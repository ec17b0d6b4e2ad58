/* SPDX-License-Identifier: MIT */
/*
 * What is to be provisioned is kept by qualifier in its function's entry, under the
 * registry's lock. What that means for a version follows from where aliases lead at
 * the moment: one with two versions has its number divided as it divides events.
 */
#include <model/provisioned.h>

#include <stdlib.h>
#include <string.h>

#include <base/error.h>
#include <model/alias.h>

static int not_published(struct faas_error *err)
{
	return fa_error(err, FAAS_EINVAL,
			"Provisioned Concurrency Configs cannot be applied to unpublished function "
			"versions.");
}

static struct fa_provisioned *find(const struct fa_function *function, const char *qualifier)
{
	return fa_map_get(&function->provisioned, qualifier, strlen(qualifier));
}

static const struct fa_alias *alias_of(const struct fa_function *function, const char *qualifier)
{
	return fa_map_get(&function->aliases, qualifier, strlen(qualifier));
}

static bool leads_to(const struct fa_alias *alias, const struct fa_version *version)
{
	return alias && version && (alias->version == version || alias->second == version);
}

/* ---- who has it already ---------------------------------------------- */

/* By an alias, but not by the one of this name. */
static bool by_alias(const struct fa_function *function, const struct fa_version *version,
		     const char *but)
{
	const struct fa_provisioned *other;
	uint32_t pos = 0;

	while ((other = fa_map_next(&function->provisioned, &pos)))
		if (strcmp(other->qualifier, but) &&
		    leads_to(alias_of(function, other->qualifier), version))
			return true;
	return false;
}

static int check_alias(const struct fa_function *function, const struct fa_alias *alias,
		       struct faas_error *err)
{
	const struct fa_version *versions[] = { alias->version, alias->second };

	if (!alias->version)
		return not_published(err);
	for (int i = 0; i < 2 && versions[i]; i++)
		if (find(function, versions[i]->qualifier) ||
		    by_alias(function, versions[i], alias->name))
			return fa_error(err, FAAS_EEXIST,
					"Alias can't be used for Provisioned Concurrency "
					"configuration on an already Provisioned version");
	return 0;
}

int fa_provisioned_check(const struct fa_function *function, const struct fa_alias *alias,
			 struct faas_error *err)
{
	return find(function, alias->name) ? check_alias(function, alias, err) : 0;
}

static int check_version(const struct fa_function *function, const struct fa_version *version,
			 struct faas_error *err)
{
	if (!by_alias(function, version, ""))
		return 0;
	return fa_error(err, FAAS_EEXIST, "Version is pointed by a Provisioned Concurrency alias");
}

/* ---- set and get ------------------------------------------------------ */

static int none(const struct fa_registry *registry, const struct fa_name *name,
		struct faas_error *err)
{
	fa_registry_no_function(registry, name, err);
	return FAAS_ENOTFOUND;
}

static int check(const struct fa_registry *registry, const struct fa_function *function,
		 const struct fa_name *name, struct faas_error *err)
{
	const char *qualifier = name->qualifier.data;
	const struct fa_version *version;
	const struct fa_alias *alias;

	if (!qualifier || !strcmp(qualifier, "$LATEST"))
		return not_published(err);
	version = fa_map_get(&function->versions, qualifier, strlen(qualifier));
	if (version)
		return check_version(function, version, err);
	alias = alias_of(function, qualifier);
	return alias ? check_alias(function, alias, err) : none(registry, name, err);
}

static int enter(struct fa_registry *registry, struct fa_function *function,
		 const char *qualifier, struct fa_provisioned **out)
{
	struct fa_provisioned *p = find(function, qualifier);

	*out = p;
	if (p)
		return 0;
	p = fa_alloc(registry->functions.mem, sizeof(*p));
	if (!p)
		return FAAS_ENOMEM;
	memcpy(p->qualifier, qualifier, strlen(qualifier) + 1);
	if (fa_map_add(&function->provisioned, p->qualifier, p) < 0) {
		fa_free(p);
		return FAAS_ENOMEM;
	}
	*out = p;
	return 0;
}

static int set(struct fa_registry *registry, struct fa_function *function,
	       const struct fa_name *name, int requested, int64_t modified_ms,
	       struct fa_provisioned *before, struct faas_error *err)
{
	struct fa_provisioned *p;
	int rc = check(registry, function, name, err);

	if (rc)
		return rc;
	p = find(function, name->qualifier.data);
	if (before)
		*before = p ? *p : (struct fa_provisioned){ .requested = 0 };
	if (!requested) {
		fa_provisioned_forget(function, name->qualifier.data);
		return 0;
	}
	if (enter(registry, function, name->qualifier.data, &p) < 0)
		return fa_error_nomem(err);
	p->requested = requested;
	p->modified_ms = modified_ms;
	return 0;
}

int fa_provisioned_set(struct fa_registry *registry, const char *target, int requested,
		       int64_t modified_ms, struct fa_provisioned *before,
		       struct faas_error *err)
{
	struct fa_function *function;
	struct fa_name name;
	int rc;

	function = fa_registry_open(registry, target, true, &rc, err);
	if (!function)
		return rc;
	fa_name_parse(&name, target, NULL);
	rc = set(registry, function, &name, requested, modified_ms, before, err);
	fa_registry_close(registry);
	return rc;
}

int fa_provisioned_get(struct fa_registry *registry, const char *target,
		       struct fa_provisioned *out, struct faas_error *err)
{
	const struct fa_provisioned *p = NULL;
	const struct fa_function *function;
	struct fa_name name;
	int rc;

	function = fa_registry_open(registry, target, false, &rc, err);
	if (!function)
		return rc;
	fa_name_parse(&name, target, NULL);
	if (name.qualifier.data)
		p = find(function, name.qualifier.data);
	if (p)
		*out = *p;
	else
		rc = fa_error_typed(err, FAAS_ENOTFOUND,
				    "ProvisionedConcurrencyConfigNotFoundException",
				    "No Provisioned Concurrency Config found for this function");
	fa_registry_close(registry);
	return rc;
}

static int by_qualifier(const void *a, const void *b)
{
	const struct fa_provisioned *one = a, *other = b;

	return strcmp(one->qualifier, other->qualifier);
}

int fa_provisioned_list(struct fa_registry *registry, const char *text,
			struct fa_provisioned **all, size_t *count, struct faas_error *err)
{
	const struct fa_function *function;
	const struct fa_provisioned *p;
	uint32_t pos = 0;
	int rc;

	function = fa_registry_open(registry, text, false, &rc, err);
	if (!function)
		return rc;
	*count = 0;
	*all = fa_alloc(registry->functions.mem,
			(function->provisioned.count + 1) * sizeof(**all));
	while (*all && (p = fa_map_next(&function->provisioned, &pos)))
		(*all)[(*count)++] = *p;
	fa_registry_close(registry);
	if (!*all)
		return fa_error_nomem(err);
	qsort(*all, *count, sizeof(**all), by_qualifier);
	return 0;
}

/* ---- what it means for a version --------------------------------------- */

static int part(const struct fa_function *function, const struct fa_provisioned *p,
		const struct fa_version *version)
{
	const struct fa_alias *alias = alias_of(function, p->qualifier);
	int second;

	if (!alias)
		return strcmp(p->qualifier, version->qualifier) ? 0 : p->requested;
	second = alias->second ? (int)(p->requested * alias->weight + 0.5) : 0;
	if (alias->second == version)
		return second;
	return alias->version == version ? p->requested - second : 0;
}

/* `whole`: not this version's part, but all of it. */
static int add_up(struct fa_registry *registry, const struct fa_provisioned *of,
		  const struct fa_version *version, bool whole)
{
	const struct fa_function *function =
		fa_registry_open(registry, version->config.name, false, &(int){ 0 }, NULL);
	const struct fa_provisioned *p;
	uint32_t pos = 0;
	int n = 0;

	if (!function)
		return 0;
	while ((p = fa_map_next(&function->provisioned, &pos)))
		if (!of || !strcmp(of->qualifier, p->qualifier))
			n += whole ? p->requested : part(function, p, version);
	fa_registry_close(registry);
	return n;
}

int fa_provisioned_part(struct fa_registry *registry, const struct fa_provisioned *of,
			const struct fa_version *version)
{
	return add_up(registry, of, version, false);
}

int fa_provisioned_sum(struct fa_registry *registry, const struct fa_version *version)
{
	return add_up(registry, NULL, version, true);
}

/* ---- the end ---------------------------------------------------------- */

void fa_provisioned_forget(struct fa_function *function, const char *qualifier)
{
	fa_free(fa_map_remove(&function->provisioned, qualifier));
}

void fa_provisioned_free(struct fa_function *function)
{
	struct fa_provisioned *p;
	uint32_t pos = 0;

	while ((p = fa_map_next(&function->provisioned, &pos)))
		fa_free(p);
	fa_map_finish(&function->provisioned);
}
