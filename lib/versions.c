/* SPDX-License-Identifier: MIT */
/*
 * Publishing and aliases. Publications take turns: a number is in the names of
 * a version's logs and environments before the registry can give it away.
 */
#include <remember.h>

#include <string.h>

#include <base/error.h>
#include <model/fingerprint.h>

/* The last version if nothing changed since, else NULL. The code counts as it lies there now. */
static struct fa_version *unchanged(struct faas *rt, const struct fa_version *latest)
{
	struct fa_version *last = fa_registry_last(&rt->registry, latest);
	char code[FA_DIGEST_HEX];

	if (!last)
		return NULL;
	if (!fa_fingerprint_code(latest, code) && !strcmp(code, last->code_sha256) &&
	    !strcmp(latest->config_sha256, last->config_sha256))
		return last;
	fa_version_unref(last);
	return NULL;
}

static struct fa_version *freeze(struct faas *rt, struct fa_version *latest,
				 const char *description, struct faas_error *err)
{
	int number = fa_registry_next_number(&rt->registry, latest);
	struct fa_version *v = fa_version_freeze(latest, number, description, rt->config.region,
						 rt->config.account, err);

	if (!v)
		return NULL;
	v->modified_ms = rt->clock->unix_ms(rt->clock);
	fa_version_begin(v, v->snapshot ? FA_STATE_PENDING
					: (enum fa_state)atomic_load(&latest->state));
	if (fa_runner_create(rt, v, latest, err) < 0) {
		fa_version_free(v);
		return NULL;
	}
	fa_version_ref(v); /* the registry's */
	if (!fa_registry_publish(&rt->registry, latest, v, err))
		return v;
	fa_function_drop(v);
	fa_version_unref(v);
	return NULL;
}

static struct fa_version *publish(struct faas *rt, struct fa_version *latest,
				  const char *description, struct faas_error *err)
{
	struct fa_version *v;

	pthread_mutex_lock(&rt->registry.changing);
	v = unchanged(rt, latest);
	if (!v)
		v = freeze(rt, latest, description, err);
	pthread_mutex_unlock(&rt->registry.changing);
	return v;
}

struct fa_version *fa_function_publish(struct faas *rt, struct fa_version *latest,
				       const char *description, struct faas_error *err)
{
	switch (atomic_load(&latest->state)) {
	case FA_STATE_PENDING:
		fa_registry_in_progress(latest, err);
		return NULL;
	case FA_STATE_FAILED:
		fa_version_check_active(latest, err);
		return NULL;
	default:
		return publish(rt, latest, description, err);
	}
}

/* One that was there already has its snapshot, or gets it. */
void fa_function_published(struct fa_version *v)
{
	if (atomic_load(&v->state) == FA_STATE_PENDING)
		fa_snapshot_begin(v);
}

struct fa_version *fa_function_publish_pending(struct faas *rt, struct fa_version *latest,
					       struct faas_error *err)
{
	return publish(rt, latest, NULL, err);
}

/* The number is given away before it is waited for, and whatever comes of that. */
static int finish_publication(struct faas *rt, struct fa_version *v, struct faas_error *err)
{
	if (fa_version_takes_events(v))
		return 0;
	fa_function_published(v);
	return fa_snapshot_wait(rt, v, err);
}

int faas_version_publish(struct faas *rt, const char *function, const char *description,
			 int *version, struct faas_error *err)
{
	struct faas_error own = { 0 };
	struct fa_version *latest, *published = NULL;
	int rc;

	latest = fa_function_open(rt, function, true, &rc, err);
	if (!latest)
		return rc;
	err = err ? err : &own;
	rc = fa_change_prepare(rt, err);
	if (!rc) {
		published = fa_function_publish(rt, latest, description, err);
		rc = fa_change_close(rt, published ? 0 : err->code, err);
	}
	if (!rc)
		rc = finish_publication(rt, published, err);
	if (!rc && version)
		*version = published->number;
	fa_version_unref(published);
	fa_function_close(rt, latest);
	return rc;
}

int fa_function_set_alias(struct faas *rt, const struct fa_alias_change *change,
			  struct fa_alias_view *view, struct faas_error *err)
{
	int rc;

	pthread_mutex_lock(&rt->registry.changing);
	rc = fa_alias_set(&rt->registry, change, view, err);
	if (!rc)
		fa_limits_rearrange(rt, change->function);
	pthread_mutex_unlock(&rt->registry.changing);
	return rc;
}

int fa_function_delete_alias(struct faas *rt, const char *function, const char *alias,
			     struct faas_error *err)
{
	int rc;

	pthread_mutex_lock(&rt->registry.changing);
	rc = fa_alias_delete(&rt->registry, function, alias, err);
	if (!rc)
		fa_limits_rearrange(rt, function);
	pthread_mutex_unlock(&rt->registry.changing);
	return rc;
}

int faas_alias_set(struct faas *rt, const char *function, const char *alias, int version,
		   int second_version, double weight, struct faas_error *err)
{
	struct fa_alias_change change = { .function = function,
					  .name = alias,
					  .version = version,
					  .second = second_version,
					  .weight = weight,
					  .may_create = true,
					  .may_update = true };
	int rc;

	if (!rt)
		return fa_error(err, FAAS_EINVAL, "a runtime is required");
	if (version < 0 || second_version < 0)
		return fa_error(err, FAAS_EINVAL, "the numbers of versions begin with 1");
	rc = fa_enter(rt, err);
	if (rc)
		return rc;
	rc = fa_change_prepare(rt, err);
	if (!rc) {
		rc = fa_function_set_alias(rt, &change, NULL, err);
		rc = fa_change_close(rt, rc, err);
	}
	fa_leave(rt);
	return rc;
}

int faas_alias_delete(struct faas *rt, const char *function, const char *alias,
		      struct faas_error *err)
{
	int rc;

	if (!rt)
		return fa_error(err, FAAS_EINVAL, "a runtime is required");
	rc = fa_enter(rt, err);
	if (rc)
		return rc;
	rc = fa_change_prepare(rt, err);
	if (!rc) {
		rc = fa_function_delete_alias(rt, function, alias, err);
		rc = fa_change_close(rt, rc, err);
	}
	fa_leave(rt);
	return rc;
}
