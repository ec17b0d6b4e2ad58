/* SPDX-License-Identifier: MIT */
/*
 * Whether a version can run, and how a change of $LATEST stands. One change at a time:
 * it begins, and then the next version takes the place of the last, or does not.
 */
#include <model/registry.h>

#include <stdio.h>
#include <string.h>

#include <base/error.h>
#include <model/change.h>

/* ---- a version --------------------------------------------------------- */

const char *fa_state_name(enum fa_state state)
{
	static const char *const names[] = { [FA_STATE_ACTIVE] = "Active",
					     [FA_STATE_PENDING] = "Pending",
					     [FA_STATE_FAILED] = "Failed",
					     [FA_STATE_INACTIVE] = "Inactive",
					     [FA_STATE_RESTORING] = "Pending" };

	return names[state];
}

int fa_version_check_active(const struct fa_version *v, struct faas_error *err)
{
	enum fa_state state = (enum fa_state)atomic_load(&v->state);

	if (state == FA_STATE_ACTIVE)
		return 0;
	return fa_error(err, FAAS_EEXIST,
			"The operation cannot be performed at this time. The function is currently "
			"in the following state: %s",
			fa_state_name(state));
}

void fa_version_begin(struct fa_version *v, enum fa_state state)
{
	atomic_store(&v->verdict, state);
	atomic_store(&v->state, state);
}

void fa_version_judge(struct fa_version *v, const struct fa_trouble *trouble)
{
	if (trouble)
		v->trouble = *trouble;
	atomic_store(&v->verdict, trouble ? FA_STATE_FAILED : FA_STATE_ACTIVE);
}

void fa_version_settle(struct fa_version *v)
{
	atomic_store(&v->state, atomic_load(&v->verdict));
}

static bool has_verdict(const struct fa_version *v)
{
	return v && atomic_load(&v->state) == FA_STATE_PENDING &&
	       atomic_load(&v->verdict) != FA_STATE_PENDING;
}

bool fa_registry_has_verdict(const struct fa_function *function)
{
	const struct fa_version *v;
	uint32_t pos = 0;
	bool has = function->judged.code[0] || has_verdict(function->latest);

	while (!has && (v = fa_map_next(&function->versions, &pos)))
		has = has_verdict(v);
	return has;
}

void fa_registry_settle_verdicts(struct fa_function *function)
{
	struct fa_version *v;
	uint32_t pos = 0;

	if (function->judged.code[0]) {
		function->trouble = function->judged;
		fa_registry_end_update(function);
	}
	if (has_verdict(function->latest))
		fa_version_settle(function->latest);
	while ((v = fa_map_next(&function->versions, &pos)))
		if (has_verdict(v))
			fa_version_settle(v);
}

bool fa_version_is_inactive(const struct fa_version *v)
{
	int state = atomic_load(&v->state);

	return state == FA_STATE_INACTIVE || state == FA_STATE_RESTORING;
}

bool fa_version_takes_events(const struct fa_version *v)
{
	return fa_version_is_inactive(v) || atomic_load(&v->state) == FA_STATE_ACTIVE;
}

bool fa_version_rest(struct fa_version *v)
{
	int active = FA_STATE_ACTIVE;

	return atomic_compare_exchange_strong(&v->state, &active, FA_STATE_INACTIVE);
}

bool fa_version_rouse(struct fa_version *v)
{
	int inactive = FA_STATE_INACTIVE;

	return atomic_compare_exchange_strong(&v->state, &inactive, FA_STATE_RESTORING);
}

void fa_registry_restored(struct fa_registry *registry, struct fa_version *v,
			  const struct fa_trouble *trouble)
{
	pthread_rwlock_wrlock(&registry->lock);
	v->trouble = trouble ? *trouble : (struct fa_trouble){ .code = "" };
	atomic_store(&v->state, trouble ? FA_STATE_INACTIVE : FA_STATE_ACTIVE);
	pthread_rwlock_unlock(&registry->lock);
}

/* Codes of the API's model; the words of Idle were seen, those of Restoring are ours. */
enum fa_state fa_registry_state(struct fa_registry *registry, const struct fa_version *v,
				struct fa_trouble *why)
{
	static const struct fa_trouble words[] = {
		[FA_STATE_PENDING] = { "Creating", "The function is being created." },
		[FA_STATE_INACTIVE] = { "Idle", "The function is currently idle." },
		[FA_STATE_RESTORING] = { "Restoring", "The function is being restored." }
	};
	enum fa_state state;

	pthread_rwlock_rdlock(&registry->lock);
	state = (enum fa_state)atomic_load(&v->state);
	*why = words[state];
	if (state == FA_STATE_FAILED || (state == FA_STATE_INACTIVE && v->trouble.code[0]))
		*why = v->trouble;
	pthread_rwlock_unlock(&registry->lock);
	return state;
}

void fa_trouble_of(struct fa_trouble *trouble, bool image, const struct faas_error *err)
{
	bool code = err->code == FAAS_EINVAL || err->code == FAAS_ETOOLARGE;

	strcpy(trouble->code, !code   ? "InternalError"
			      : image ? "InvalidImage"
				      : "InvalidZipFileException");
	snprintf(trouble->reason, sizeof(trouble->reason), "%s", err->message);
}

/* ---- a change of $LATEST ------------------------------------------------ */

const char *fa_update_name(enum fa_update update)
{
	static const char *const names[] = { [FA_UPDATED] = "Successful",
					     [FA_UPDATING] = "InProgress",
					     [FA_UPDATE_FAILED] = "Failed" };

	return names[update];
}

static struct fa_function *function_of(const struct fa_registry *registry,
				       const struct fa_version *version)
{
	return fa_registry_function(registry, version->config.name, strlen(version->config.name));
}

int fa_registry_in_progress(const struct fa_version *version, struct faas_error *err)
{
	return fa_error(err, FAAS_EEXIST,
			"The operation cannot be performed at this time. An update is in "
			"progress for resource: %s",
			version->arn);
}

bool fa_registry_is_settled(const struct fa_function *function, const struct fa_version *latest)
{
	return function && function->latest == latest && !function->updating &&
	       atomic_load(&latest->state) != FA_STATE_PENDING;
}

int fa_registry_begin(struct fa_registry *registry, const struct fa_version *latest,
		      struct faas_error *err)
{
	struct fa_function *function;
	bool begun;

	fa_registry_lock(registry);
	function = function_of(registry, latest);
	begun = fa_registry_is_settled(function, latest);
	if (begun)
		function->updating = true;
	fa_registry_unlock(registry);
	return begun ? 0 : fa_registry_in_progress(latest, err);
}

void fa_registry_end_update(struct fa_function *function)
{
	function->updating = false;
	function->judged.code[0] = '\0';
	fa_version_unref(function->next);
	function->next = NULL;
}

void fa_registry_abandon(struct fa_registry *registry, const struct fa_version *latest)
{
	struct fa_function *function;

	fa_registry_lock(registry);
	function = function_of(registry, latest);
	if (function && function->latest == latest)
		fa_registry_end_update(function);
	fa_registry_unlock(registry);
}

/* To change how the update of `latest` stands. *function is NULL if it is not that any more. */
static int open_update(struct fa_registry *registry, const struct fa_version *latest,
		       struct fa_function **function)
{
	fa_registry_lock(registry);
	*function = function_of(registry, latest);
	if (*function && (*function)->latest != latest)
		*function = NULL;
	return *function ? fa_change_open(registry, function) : 0;
}

int fa_registry_fail(struct fa_registry *registry, const struct fa_version *latest,
		     const struct fa_trouble *trouble)
{
	struct fa_function *function;
	int rc = open_update(registry, latest, &function);

	if (function && !rc) {
		fa_registry_end_update(function);
		function->trouble = *trouble;
	}
	fa_registry_unlock(registry);
	return rc;
}

int fa_registry_expect(struct fa_registry *registry, const struct fa_version *latest,
		       struct fa_version *next)
{
	struct fa_function *function;
	int rc = open_update(registry, latest, &function);

	if (function && !rc) {
		fa_version_ref(next);
		function->next = next;
	}
	fa_registry_unlock(registry);
	return rc;
}

enum fa_update fa_registry_update(struct fa_registry *registry, const struct fa_version *version,
				  struct fa_trouble *trouble)
{
	const struct fa_function *function;
	enum fa_update update = FA_UPDATED;

	pthread_rwlock_rdlock(&registry->lock);
	function = version->number ? NULL : function_of(registry, version);
	if (function && function->updating) {
		update = FA_UPDATING;
	} else if (function && function->trouble.code[0]) {
		update = FA_UPDATE_FAILED;
		*trouble = function->trouble;
	}
	pthread_rwlock_unlock(&registry->lock);
	return update;
}

int fa_registry_swap(struct fa_registry *registry, struct fa_version *old,
		     struct fa_version *next, struct faas_error *err)
{
	struct fa_function *function;
	int rc = open_update(registry, old, &function);

	if (function && !rc) {
		function->latest = next;
		fa_registry_end_update(function);
		function->trouble.code[0] = '\0';
	}
	fa_registry_unlock(registry);
	if (!function)
		return fa_registry_in_progress(old, err);
	return rc ? fa_error_nomem(err) : 0;
}
