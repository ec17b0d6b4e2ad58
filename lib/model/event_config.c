/* SPDX-License-Identifier: MIT */
/*
 * They live in their function's entry, under the registry's lock, by qualifier, and go with
 * the version or the alias they are for. Most functions have none, and an event whose
 * function has none costs a look at an empty map.
 */
#include <model/event_config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/error.h>
#include <base/text.h>
#include <model/change.h>
#include <model/function.h>
#include <model/queue.h>

static const char *or_latest(const char *qualifier)
{
	return qualifier && *qualifier ? qualifier : "$LATEST";
}

static struct fa_event_config *find(const struct fa_function *function, const char *qualifier)
{
	return fa_map_get(&function->event_configs, qualifier, strlen(qualifier));
}

static bool has_qualifier(const struct fa_function *function, const char *qualifier)
{
	size_t len = strlen(qualifier);

	return !strcmp(qualifier, "$LATEST") ||
	       fa_map_get(&function->versions, qualifier, len) ||
	       fa_map_get(&function->aliases, qualifier, len);
}

static int has_none(const struct fa_registry *registry, const struct fa_function *function,
		    const char *qualifier, struct faas_error *err)
{
	return fa_error(err, FAAS_ENOTFOUND,
			"The function arn:aws:lambda:%s:%s:function:%s:%s doesn't have an "
			"EventInvokeConfig",
			registry->region, registry->account, function->name, qualifier);
}

/* ---- set ------------------------------------------------------------- */

int fa_event_config_check(const char *function, const char *text, struct faas_error *err)
{
	struct fa_address address;
	struct fa_name name;
	int rc;

	if (!text || !*text)
		return 0;
	rc = fa_address_parse(&address, text, err);
	if (!rc)
		rc = fa_queue_refuse_fifo(&address, err);
	if (rc || address.kind != FA_TO_FUNCTION)
		return rc;
	fa_name_parse(&name, address.name, NULL);
	if (name.function.len == strlen(function) &&
	    !memcmp(name.function.data, function, name.function.len))
		return fa_error(err, FAAS_EINVAL,
				"You can't specify the function as a destination for itself.");
	return 0;
}

static void apply(struct fa_event_config *config, const struct fa_event_change *change)
{
	if (change->max_retries != FA_UNSAID)
		config->max_retries = change->max_retries;
	if (change->max_age_s != FA_UNSAID)
		config->max_age_s = change->max_age_s;
	if (change->on_success)
		snprintf(config->on_success, sizeof(config->on_success), "%s", change->on_success);
	if (change->on_failure)
		snprintf(config->on_failure, sizeof(config->on_failure), "%s", change->on_failure);
	config->modified_ms = change->now_ms;
}

static int put(struct fa_function *function, const char *qualifier,
	       const struct fa_event_change *change, struct fa_event_config *view)
{
	struct fa_event_config *config = find(function, qualifier), next = { .qualifier = "" };
	int rc = 0;

	next.max_retries = next.max_age_s = FA_UNSAID;
	if (config && !change->whole)
		next = *config;
	snprintf(next.qualifier, sizeof(next.qualifier), "%s", qualifier);
	apply(&next, change);
	if (!config) {
		config = fa_alloc(function->event_configs.mem, sizeof(*config));
		if (!config)
			return FAAS_ENOMEM;
		*config = next;
		rc = fa_map_add(&function->event_configs, config->qualifier, config);
		if (rc)
			fa_free(config);
	} else {
		*config = next;
	}
	if (!rc && view)
		*view = next;
	return rc;
}

static int set(struct fa_registry *registry, struct fa_function *function, const char *qualifier,
	       const struct fa_event_change *change, struct fa_event_config *view,
	       struct faas_error *err)
{
	int rc;

	if (!has_qualifier(function, qualifier))
		return fa_error(err, FAAS_ENOTFOUND, "The function doesn't exist.");
	if (!change->whole && !find(function, qualifier))
		return has_none(registry, function, qualifier, err);
	rc = fa_event_config_check(function->name, change->on_success, err);
	if (!rc)
		rc = fa_event_config_check(function->name, change->on_failure, err);
	if (!rc && put(function, qualifier, change, view))
		rc = fa_error_nomem(err);
	return rc;
}

int fa_event_config_set(struct fa_registry *registry, const struct fa_event_change *change,
			struct fa_event_config *view, struct faas_error *err)
{
	struct fa_function *function;
	int rc;

	function = fa_registry_open(registry, change->function, true, &rc, err);
	if (!function)
		return rc;
	rc = set(registry, function, or_latest(change->qualifier), change, view, err);
	fa_registry_close(registry);
	return rc;
}

int fa_event_config_say(struct fa_registry *registry, const char *name,
			const struct faas_function_config *config, int64_t now_ms,
			struct faas_error *err)
{
	struct fa_event_change change = { .max_retries = FA_UNSAID,
					  .max_age_s = FA_UNSAID,
					  .on_success = config->on_success,
					  .on_failure = config->on_failure,
					  .now_ms = now_ms };
	struct fa_function *function;
	int rc = 0;

	if (config->max_retries)
		change.max_retries = config->max_retries == FAAS_NONE ? 0 : config->max_retries;
	if (config->max_age_s)
		change.max_age_s = config->max_age_s;
	if (!config->max_retries && !config->max_age_s && !config->on_success &&
	    !config->on_failure)
		return 0;
	fa_registry_lock(registry);
	function = fa_registry_function(registry, name, strlen(name));
	if (function)
		rc = fa_change_open(registry, &function);
	if (function && !rc)
		rc = put(function, "$LATEST", &change, NULL);
	fa_registry_unlock(registry);
	return rc ? fa_error_nomem(err) : 0;
}

/* ---- get, list, delete ----------------------------------------------- */

int fa_event_config_get(struct fa_registry *registry, const char *text, const char *qualifier,
			struct fa_event_config *view, struct faas_error *err)
{
	const struct fa_event_config *config;
	struct fa_function *function;
	int rc;

	function = fa_registry_open(registry, text, false, &rc, err);
	if (!function)
		return rc;
	config = find(function, or_latest(qualifier));
	if (config)
		*view = *config;
	else
		rc = has_none(registry, function, or_latest(qualifier), err);
	fa_registry_close(registry);
	return rc;
}

int fa_event_config_delete(struct fa_registry *registry, const char *text, const char *qualifier,
			   struct faas_error *err)
{
	struct fa_function *function;
	int rc;

	function = fa_registry_open(registry, text, true, &rc, err);
	if (!function)
		return rc;
	if (find(function, or_latest(qualifier)))
		fa_event_config_drop(function, or_latest(qualifier));
	else
		rc = has_none(registry, function, or_latest(qualifier), err);
	fa_registry_close(registry);
	return rc;
}

static int by_qualifier(const void *a, const void *b)
{
	const struct fa_event_config *one = a, *other = b;

	return strcmp(one->qualifier, other->qualifier);
}

int fa_event_config_list(struct fa_registry *registry, const char *text,
			 struct fa_event_config **views, size_t *count, struct faas_error *err)
{
	const struct fa_event_config *config;
	struct fa_function *function;
	uint32_t pos = 0;
	int rc;

	function = fa_registry_open(registry, text, false, &rc, err);
	if (!function)
		return rc;
	*count = 0;
	*views = fa_alloc(registry->functions.mem,
			  (function->event_configs.count + 1) * sizeof(**views));
	while (*views && (config = fa_map_next(&function->event_configs, &pos)))
		(*views)[(*count)++] = *config;
	fa_registry_close(registry);
	if (!*views)
		return fa_error_nomem(err);
	qsort(*views, *count, sizeof(**views), by_qualifier);
	return 0;
}

/* Under the lock; nothing is said where there is nothing. */
static void copy(const struct fa_function *function, const char *qualifier,
		 struct fa_event_config *out)
{
	const struct fa_event_config *config = NULL;

	if (function && function->event_configs.count)
		config = find(function, or_latest(qualifier));
	if (config) {
		*out = *config;
		return;
	}
	*out->on_success = *out->on_failure = '\0';
	out->max_retries = out->max_age_s = FA_UNSAID;
}

static void complete(struct fa_event_config *config)
{
	if (config->max_retries == FA_UNSAID)
		config->max_retries = FA_MAX_RETRIES;
	if (config->max_age_s == FA_UNSAID)
		config->max_age_s = FA_MAX_AGE_S;
}

void fa_event_config_find(struct fa_registry *registry, const struct fa_version *version,
			  const char *qualifier, struct fa_event_config *out)
{
	const struct fa_function *function;
	bool deleted;

	pthread_rwlock_rdlock(&registry->lock);
	function = fa_map_get(&registry->functions, version->config.name,
			      strlen(version->config.name));
	copy(function, qualifier, out);
	deleted = !function || !function->latest;
	pthread_rwlock_unlock(&registry->lock);
	if (deleted) { /* its last events are as it was made */
		out->max_retries = version->config.max_retries;
		out->max_age_s = version->config.max_age_s;
	}
	complete(out);
}

/* ---- what outlives its function --------------------------------------- */

bool fa_event_config_says_farewell(const struct fa_function *function)
{
	return function->dead_letter || function->event_configs.count;
}

static bool has_destination(const struct fa_map *configs)
{
	const struct fa_event_config *c;
	uint32_t pos = 0;

	while ((c = fa_map_next(configs, &pos)))
		if (*c->on_success || *c->on_failure)
			return true;
	return false;
}

/* Memory being out, the events that are left end untold. */
void fa_event_config_farewell(struct fa_function *function)
{
	const struct fa_mem *mem = function->event_configs.mem;
	const struct faas_function_config *last = function->latest ? &function->latest->config :
								     NULL;

	if (!has_destination(&function->event_configs))
		fa_event_configs_free(&function->event_configs);
	if (!last)
		return;
	if (last->dead_letter && *last->dead_letter)
		function->dead_letter = fa_strdup(mem, last->dead_letter);
	if (last->role && fa_event_config_says_farewell(function))
		function->role = fa_strdup(mem, last->role);
	if (last->role && !function->role)
		fa_event_config_farewell_over(function);
}

void fa_event_config_farewell_over(struct fa_function *function)
{
	fa_event_configs_free(&function->event_configs);
	fa_free(function->dead_letter);
	fa_free(function->role);
	function->dead_letter = function->role = NULL;
}

bool fa_event_config_left(struct fa_registry *registry, struct faas_bytes name,
			  const char *qualifier, struct fa_farewell *out)
{
	const struct fa_function *function;
	bool left;

	pthread_rwlock_rdlock(&registry->lock);
	function = fa_map_get(&registry->functions, name.data, name.len);
	left = function && !function->latest && fa_event_config_says_farewell(function);
	if (left) {
		copy(function, qualifier, &out->config);
		snprintf(out->dead_letter, sizeof(out->dead_letter), "%s",
			 function->dead_letter ? function->dead_letter : "");
		snprintf(out->role, sizeof(out->role), "%s", function->role ? function->role : "");
	}
	pthread_rwlock_unlock(&registry->lock);
	if (left)
		complete(&out->config);
	return left;
}

/* ---- for the function's entry ---------------------------------------- */

void fa_event_config_drop(struct fa_function *function, const char *qualifier)
{
	if (function->event_configs.count)
		fa_free(fa_map_remove(&function->event_configs, qualifier));
}

void fa_event_configs_free(struct fa_map *configs)
{
	struct fa_event_config *config;
	uint32_t pos = 0;

	while ((config = fa_map_next(configs, &pos)))
		fa_free(config);
	fa_map_finish(configs);
}
