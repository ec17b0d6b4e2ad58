/* SPDX-License-Identifier: MIT */
#include <model/attached.h>

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
