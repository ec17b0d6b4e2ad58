/* SPDX-License-Identifier: MIT */
/*
 * Aliases live in their function's entry, under the registry's lock. They point
 * at versions without holding references: what an alias leads to cannot be
 * deleted, and both go with the function.
 */
#include <model/alias.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/error.h>
#include <base/text.h>
#include <model/event_config.h>
#include <model/permission.h>
#include <model/provisioned.h>
#include <model/url.h>

/* ---- words ----------------------------------------------------------- */

static void write_arn(char *out, size_t size, const struct fa_registry *registry,
		      const struct fa_function *function, const char *alias)
{
	snprintf(out, size, "arn:aws:lambda:%s:%s:function:%s:%s", registry->region,
		 registry->account, function->name, alias);
}

static int not_found(const struct fa_registry *registry, const struct fa_function *function,
		     const char *alias, struct faas_error *err)
{
	char arn[FA_ARN_MAX + FA_QUALIFIER_MAX];

	write_arn(arn, sizeof(arn), registry, function, alias);
	return fa_error(err, FAAS_ENOTFOUND, "Cannot find alias arn: %s", arn);
}

static int check_name(const char *name, struct faas_error *err)
{
	size_t len = name ? strlen(name) : 0;
	bool good = len >= 1 && len <= FA_QUALIFIER_MAX && strspn(name, "0123456789") < len;

	if (good && strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				 "0123456789-_") == len)
		return 0;
	return fa_error(err, FAAS_EINVAL,
			"'%.80s' is not the name of an alias: 1 to 128 letters, digits, '-' and "
			"'_', and not only digits",
			name ? name : "");
}

/* ---- the function's entry -------------------------------------------- */

static struct fa_alias *find(const struct fa_function *function, const char *name)
{
	return fa_map_get(&function->aliases, name, strlen(name));
}

static int find_version(const struct fa_registry *registry, const struct fa_function *function,
			int number, struct fa_version **version, struct faas_error *err)
{
	char text[12];
	int len = snprintf(text, sizeof(text), "%d", number);

	*version = fa_map_get(&function->versions, text, (size_t)len);
	if (*version)
		return 0;
	return fa_error(err, FAAS_ENOTFOUND,
			"Function not found: arn:aws:lambda:%s:%s:function:%s:%s",
			registry->region, registry->account, function->name, text);
}

static void look(struct fa_alias_view *view, const struct fa_registry *registry,
		 const struct fa_function *function, const struct fa_alias *alias)
{
	if (!view)
		return;
	view->alias = *alias;
	view->version = alias->version ? alias->version->number : 0;
	view->second = alias->second ? alias->second->number : 0;
	write_arn(view->arn, sizeof(view->arn), registry, function, alias->name);
}

/* ---- set ------------------------------------------------------------- */

static bool is_same(const char *one, const char *other)
{
	return !strcmp(one ? one : "", other ? other : "");
}

/* The texts are ours, for Lambda's have not been seen. */
static int check_pair(const struct fa_alias *alias, struct faas_error *err)
{
	const struct faas_function_config *one, *other;
	bool same_role;

	if (!alias->second)
		return 0;
	one = &alias->version->config;
	other = &alias->second->config;
	same_role = is_same(one->role, other->role);
	if (same_role && is_same(one->dead_letter, other->dead_letter))
		return 0;
	return fa_error(err, FAAS_EINVAL, "Function versions %d and %d must have the same %s",
			alias->version->number, alias->second->number,
			same_role ? "dead-letter queue, or none" : "execution role");
}

static int check_route(const struct fa_alias *alias, struct faas_error *err)
{
	if (!alias->second)
		return 0;
	if (!alias->version)
		return fa_error(err, FAAS_EINVAL,
				"$LATEST is not supported for an alias pointing to more than 1 "
				"version");
	if (alias->second == alias->version)
		return fa_error(err, FAAS_EINVAL,
				"Invalid function version %d. Function version %d is already "
				"included in routing configuration.",
				alias->version->number, alias->version->number);
	if (!(alias->weight >= 0 && alias->weight <= 1))
		return fa_error(err, FAAS_EINVAL,
				"the weight of the second version must be between 0 and 1");
	return 0;
}

/* All of the change, or an error and nothing that anybody sees. */
static int apply(struct fa_alias *alias, const struct fa_registry *registry,
		 const struct fa_function *function, const struct fa_alias_change *change,
		 struct faas_error *err)
{
	uint8_t random[16];
	int rc = 0;

	if (change->version == 0)
		alias->version = NULL;
	else if (change->version != FA_KEEP)
		rc = find_version(registry, function, change->version, &alias->version, err);
	if (!rc && change->second == 0)
		alias->second = NULL;
	else if (!rc && change->second != FA_KEEP)
		rc = find_version(registry, function, change->second, &alias->second, err);
	if (rc)
		return rc;
	if (change->second != FA_KEEP)
		alias->weight = alias->second ? change->weight : 0;
	if (change->description)
		snprintf(alias->description, sizeof(alias->description), "%s",
			 change->description);
	fa_random_bytes(random, sizeof(random));
	fa_uuid(alias->revision, random);
	if (change->becomes)
		snprintf(alias->revision, sizeof(alias->revision), "%s", change->becomes);
	rc = check_route(alias, err);
	if (!rc && !change->becomes) /* what was there before this was asked for stays */
		rc = check_pair(alias, err);
	return rc;
}

static int create(struct fa_registry *registry, struct fa_function *function,
		  const struct fa_alias_change *change, struct fa_alias_view *view,
		  struct faas_error *err)
{
	struct fa_alias *alias;
	int rc;

	if (!change->may_create)
		return not_found(registry, function, change->name, err);
	alias = fa_alloc(registry->functions.mem, sizeof(*alias));
	if (!alias)
		return fa_error_nomem(err);
	strcpy(alias->name, change->name);
	rc = apply(alias, registry, function, change, err);
	if (!rc && fa_map_add(&function->aliases, alias->name, alias) < 0)
		rc = fa_error_nomem(err);
	if (rc)
		fa_free(alias);
	else
		look(view, registry, function, alias);
	return rc;
}

static int update(struct fa_registry *registry, struct fa_function *function,
		  struct fa_alias *alias, const struct fa_alias_change *change,
		  struct fa_alias_view *view, struct faas_error *err)
{
	struct fa_alias next = *alias;
	int rc;

	if (!change->may_update) {
		char arn[FA_ARN_MAX + FA_QUALIFIER_MAX];

		write_arn(arn, sizeof(arn), registry, function, alias->name);
		return fa_error(err, FAAS_EEXIST, "Alias already exists: %s", arn);
	}
	if (change->revision && strcmp(change->revision, alias->revision))
		return fa_error(err, FAAS_EPRECONDITION,
				"The Revision Id provided does not match the latest Revision Id. "
				"Call the GetFunction/GetAlias API to retrieve the latest Revision "
				"Id");
	rc = apply(&next, registry, function, change, err);
	if (!rc)
		rc = fa_provisioned_check(function, &next, err);
	if (rc)
		return rc;
	*alias = next;
	look(view, registry, function, alias);
	return 0;
}

int fa_alias_set(struct fa_registry *registry, const struct fa_alias_change *change,
		 struct fa_alias_view *view, struct faas_error *err)
{
	struct fa_function *function;
	struct fa_alias *alias;
	int rc = check_name(change->name, err);

	if (!rc && change->description && fa_text_length(change->description) > FA_DESCRIPTION_MAX)
		rc = fa_error(err, FAAS_EINVAL, "description is longer than %d characters",
			      FA_DESCRIPTION_MAX);
	if (rc)
		return rc;
	function = fa_registry_open(registry, change->function, true, &rc, err);
	if (!function)
		return rc;
	alias = find(function, change->name);
	rc = alias ? update(registry, function, alias, change, view, err) :
		     create(registry, function, change, view, err);
	fa_registry_close(registry);
	return rc;
}

/* ---- get, list, delete ----------------------------------------------- */

int fa_alias_get(struct fa_registry *registry, const char *text, const char *name,
		 struct fa_alias_view *view, struct faas_error *err)
{
	struct fa_function *function;
	struct fa_alias *alias;
	int rc = check_name(name, err);

	if (rc)
		return rc;
	function = fa_registry_open(registry, text, false, &rc, err);
	if (!function)
		return rc;
	alias = find(function, name);
	if (alias)
		look(view, registry, function, alias);
	else
		rc = not_found(registry, function, name, err);
	fa_registry_close(registry);
	return rc;
}

int fa_alias_delete(struct fa_registry *registry, const char *text, const char *name,
		    struct faas_error *err)
{
	struct fa_function *function;
	int rc = check_name(name, err);

	if (rc)
		return rc;
	function = fa_registry_open(registry, text, true, &rc, err);
	if (!function)
		return rc;
	if (!find(function, name)) {
		rc = not_found(registry, function, name, err);
	} else {
		fa_event_config_drop(function, name);
		fa_provisioned_forget(function, name);
		fa_permission_drop(function, name);
		fa_url_drop(registry, function, name);
		fa_free(fa_map_remove(&function->aliases, name));
	}
	fa_registry_close(registry);
	return rc;
}

static int by_name(const void *a, const void *b)
{
	const struct fa_alias_view *one = a, *other = b;

	return strcmp(one->alias.name, other->alias.name);
}

int fa_alias_list(struct fa_registry *registry, const char *text, int version,
		  struct fa_alias_view **views, size_t *count, struct faas_error *err)
{
	struct fa_function *function;
	const struct fa_alias *alias;
	uint32_t pos = 0;
	int rc;

	function = fa_registry_open(registry, text, false, &rc, err);
	if (!function)
		return rc;
	*count = 0;
	*views = fa_alloc(registry->functions.mem,
			  (function->aliases.count + 1) * sizeof(**views));
	while (*views && (alias = fa_map_next(&function->aliases, &pos))) {
		struct fa_alias_view *view = &(*views)[*count];

		look(view, registry, function, alias);
		if (version == FA_KEEP || view->version == version ||
		    (alias->second && view->second == version))
			++*count;
	}
	fa_registry_close(registry);
	if (!*views)
		return fa_error_nomem(err);
	qsort(*views, *count, sizeof(**views), by_name);
	return 0;
}

bool fa_aliases_hold(const struct fa_map *aliases, const struct fa_version *version)
{
	const struct fa_alias *alias;
	uint32_t pos = 0;

	while ((alias = fa_map_next(aliases, &pos)))
		if (alias->version == version || alias->second == version)
			return true;
	return false;
}

void fa_aliases_free(struct fa_map *aliases)
{
	struct fa_alias *alias;
	uint32_t pos = 0;

	while ((alias = fa_map_next(aliases, &pos)))
		fa_free(alias);
	fa_map_finish(aliases);
}
