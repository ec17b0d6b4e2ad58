/* SPDX-License-Identifier: MIT */
/* Plain data lives in its function's entry, under the registry's lock. */
#include <model/attached.h>

#include <string.h>

#include <base/error.h>
#include <model/account.h>
#include <model/change.h>

int fa_recursion_set(struct fa_registry *registry, const char *text, bool allowed,
		     struct faas_error *err)
{
	struct fa_function *function;
	int rc;

	function = fa_registry_open(registry, text, true, &rc, err);
	if (!function)
		return rc;
	function->may_recur = allowed;
	fa_registry_close(registry);
	return 0;
}

int fa_recursion_get(struct fa_registry *registry, const char *text, bool *allowed,
		     struct faas_error *err)
{
	const struct fa_function *function;
	int rc;

	function = fa_registry_open(registry, text, false, &rc, err);
	if (!function)
		return rc;
	*allowed = function->may_recur;
	fa_registry_close(registry);
	return 0;
}

bool fa_recursion_is_allowed(struct fa_registry *registry, const struct fa_version *version)
{
	bool allowed = false;

	fa_recursion_get(registry, version->config.name, &allowed, NULL);
	return allowed;
}

/* ---- documents ------------------------------------------------------- */

static int put(struct fa_document **object, const char *name, struct fa_document *value)
{
	if (!value) {
		fa_document_drop(*object, name);
		return 0;
	}
	if (!*object)
		*object = fa_document_object();
	return fa_document_put(*object, name, value);
}

int fa_attached_set(struct fa_registry *registry, const char *text, const char *name,
		    struct fa_document *value, struct faas_error *err)
{
	struct fa_function *function;
	int rc;

	function = fa_registry_open(registry, text, true, &rc, err);
	if (!function) {
		fa_document_free(value);
		return rc;
	}
	rc = put(&function->attached, name, value);
	fa_registry_close(registry);
	return rc ? fa_error_nomem(err) : 0;
}

int fa_attached_get(struct fa_registry *registry, const char *text, const char *name,
		    struct fa_document **value, struct faas_error *err)
{
	const struct fa_document *found;
	const struct fa_function *function;
	int rc;

	*value = NULL;
	function = fa_registry_open(registry, text, false, &rc, err);
	if (!function)
		return rc;
	found = fa_document_get(function->attached, name);
	*value = fa_document_copy(found);
	fa_registry_close(registry);
	return found && !*value ? fa_error_nomem(err) : 0;
}

int fa_attached_restore(struct fa_registry *registry, const char *text,
			const struct fa_document *attached, struct faas_error *err)
{
	struct fa_document *copy = fa_document_copy(attached);
	struct fa_function *function;
	int rc;

	if (!copy)
		return fa_error_nomem(err);
	function = fa_registry_open(registry, text, true, &rc, err);
	if (!function) {
		fa_document_free(copy);
		return rc;
	}
	fa_document_free(function->attached);
	function->attached = copy;
	fa_registry_close(registry);
	return 0;
}

/* ---- code signing ------------------------------------------------------ */

static bool uses(const struct fa_function *function, const char *arn)
{
	const char *own = fa_document_text(fa_document_get(function->attached, FA_SIGNING));

	return function->latest && own && !strcmp(own, arn);
}

int fa_signing_put(struct fa_registry *registry, const char *arn, struct fa_document *config,
		   struct faas_error *err)
{
	return config ? fa_account_put(registry, FA_ACCOUNT_SIGNING, arn, config, err)
		      : fa_error_nomem(err);
}

static int no_config(const char *arn, struct faas_error *err)
{
	return fa_error(err, FAAS_ENOTFOUND,
			"The Lambda code signing configuration %s can not be found.", arn);
}

struct fa_document *fa_signing_get(struct fa_registry *registry, const char *arn,
				   struct faas_error *err)
{
	struct fa_document *copy = fa_account_get(registry, FA_ACCOUNT_SIGNING, arn);

	if (!copy)
		no_config(arn, err);
	return copy;
}

struct fa_document *fa_signing_all(struct fa_registry *registry)
{
	return fa_account_all(registry, FA_ACCOUNT_SIGNING);
}

int fa_signing_delete(struct fa_registry *registry, const char *arn, struct faas_error *err)
{
	const struct fa_function *function;
	bool there, used = false;
	uint32_t pos = 0;
	int rc = 0;

	fa_registry_lock(registry);
	there = fa_document_get(fa_change_read_part(registry, FA_ACCOUNT_SIGNING), arn);
	while ((function = fa_map_next(&registry->functions, &pos)))
		used |= uses(function, arn);
	if (there && !used)
		rc = fa_account_set(registry, FA_ACCOUNT_SIGNING, arn, NULL);
	fa_registry_unlock(registry);
	if (!there)
		return no_config(arn, err);
	if (used)
		return fa_error(err, FAAS_EEXIST,
				"The code signing configuration is used by a function: %s", arn);
	return rc ? fa_error_nomem(err) : 0;
}

struct fa_document *fa_signing_users(struct fa_registry *registry, const char *arn)
{
	struct fa_document *list = fa_document_array();
	const struct fa_function *function;
	uint32_t pos = 0;
	int rc = 0;

	pthread_rwlock_rdlock(&registry->lock);
	while ((function = fa_map_next(&registry->functions, &pos)))
		if (uses(function, arn))
			rc |= fa_document_append_text(list, function->latest->arn);
	pthread_rwlock_unlock(&registry->lock);
	if (!rc)
		return list;
	fa_document_free(list);
	return NULL;
}

/* One that cannot be found is none that would let code pass. */
bool fa_signing_enforces(const struct fa_document *config)
{
	const struct fa_document *policies = fa_document_get(config, "CodeSigningPolicies");
	const char *policy =
		fa_document_text(fa_document_get(policies, "UntrustedArtifactOnDeployment"));

	return !policy || strcmp(policy, "Warn");
}

bool fa_signing_enforced(struct fa_registry *registry, const char *text)
{
	const struct fa_document *config = NULL;
	const struct fa_function *function;
	const char *arn = NULL;
	int rc;

	function = fa_registry_open(registry, text, false, &rc, NULL);
	if (!function)
		return false;
	arn = fa_document_text(fa_document_get(function->attached, FA_SIGNING));
	if (arn)
		config = fa_document_get(registry->parts[FA_ACCOUNT_SIGNING].all, arn);
	rc = arn && fa_signing_enforces(config);
	fa_registry_close(registry);
	return rc;
}
