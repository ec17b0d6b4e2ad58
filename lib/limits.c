/* SPDX-License-Identifier: MIT */
/*
 * What functions have of the account's concurrency, and how that is changed while
 * they run. In a configuration, as everywhere, 0 stands for the default, which is
 * to reserve nothing, and FAAS_NONE for the number 0, which switches a function off.
 */
#include <remember.h>

#include <conduct.h>

#include <string.h>

#include <base/error.h>
#include <model/change.h>

static int reserved_by(int member)
{
	if (!member)
		return FA_UNRESERVED;
	return member == FAAS_NONE ? 0 : member;
}

struct fa_quota *fa_quota_of(const struct fa_version *v)
{
	return ((struct fa_runner *)v->runner)->quota;
}

int fa_limits_member(const struct fa_version *v)
{
	int reserved = fa_quota_reserved(fa_quota_of(v));

	if (reserved == FA_UNRESERVED)
		return 0;
	return reserved ? reserved : FAAS_NONE;
}

static struct fa_runner *runner_of(const struct fa_version *v)
{
	return v->runner;
}

/* ---- claims ----------------------------------------------------------- */

static int claim(struct faas *rt, const struct fa_version *latest, int reserved,
		 struct faas_error *err)
{
	int provisioned = latest->config.provisioned +
			  fa_provisioned_sum(&rt->registry, latest);
	int rc = fa_quota_set(fa_quota_of(latest), reserved, provisioned, err);

	fa_want_pump(rt);
	return rc;
}

int fa_limits_claim(struct faas *rt, const struct fa_version *latest, struct faas_error *err)
{
	int rc;

	pthread_mutex_lock(&rt->registry.changing);
	rc = claim(rt, latest, reserved_by(latest->config.max_concurrency), err);
	pthread_mutex_unlock(&rt->registry.changing);
	return rc;
}

void fa_limits_restore(struct faas *rt, const struct fa_version *latest, int reserved)
{
	pthread_mutex_lock(&rt->registry.changing);
	claim(rt, latest, reserved, NULL);
	pthread_mutex_unlock(&rt->registry.changing);
}

/* The change gives back what is claimed if it comes to nothing. */
static int note(struct faas *rt, const char *name, int reserved, struct faas_error *err)
{
	struct fa_function *function;
	int rc;

	function = fa_registry_open(&rt->registry, name, true, &rc, err);
	if (!function)
		return rc;
	function->moved = true;
	if (function->reserved == FA_UNTOUCHED)
		function->reserved = reserved;
	fa_registry_close(&rt->registry);
	return 0;
}

int fa_limits_reserve(struct faas *rt, const struct fa_version *latest, int reserved,
		      struct faas_error *err)
{
	int rc;

	pthread_mutex_lock(&rt->registry.changing);
	rc = note(rt, latest->config.name, fa_quota_reserved(fa_quota_of(latest)), err);
	if (!rc)
		rc = claim(rt, latest, reserved, err);
	pthread_mutex_unlock(&rt->registry.changing);
	return rc;
}

void fa_limits_release(struct faas *rt, const struct fa_version *v)
{
	pthread_mutex_lock(&rt->registry.changing);
	fa_quota_release(fa_quota_of(v));
	pthread_mutex_unlock(&rt->registry.changing);
	fa_want_pump(rt);
}

/* ---- provisioned ------------------------------------------------------- */

static void give_version(struct faas *rt, struct fa_version *v)
{
	struct fa_runner *runner = runner_of(v);
	int n = v->config.provisioned + fa_provisioned_part(&rt->registry, NULL, v);

	runner->provisioned.limit = n;
	fa_provision_set(runner->pool, n);
	if (n)
		fa_snapshot_rouse(v);
}

/* Give each version of this one's function what is its part now. It needs no memory. */
static void distribute(struct faas *rt, const struct fa_version *latest)
{
	const char *name = latest->config.name;
	struct fa_version *v;

	for (int number = 0; (v = fa_registry_from(&rt->registry, name, &number)); number++) {
		give_version(rt, v);
		fa_version_unref(v);
	}
	fa_want_pump(rt);
}

void fa_limits_settle(struct faas *rt, const char *function, int reserved)
{
	struct fa_version *latest = fa_registry_latest(&rt->registry, function, NULL);

	if (!latest)
		return; /* it went, with all of them */
	if (reserved == FA_UNTOUCHED)
		reserved = fa_quota_reserved(fa_quota_of(latest));
	claim(rt, latest, reserved, NULL);
	distribute(rt, latest);
	fa_version_unref(latest);
}

void fa_limits_rearrange(struct faas *rt, const char *function)
{
	struct fa_function *draft;

	if (!fa_change_is_open(&rt->registry)) {
		fa_limits_settle(rt, function, FA_UNTOUCHED);
		return;
	}
	draft = fa_registry_open(&rt->registry, function, true, &(int){ 0 }, NULL);
	if (!draft)
		return; /* it is to go, with all of them */
	draft->moved = true;
	fa_registry_close(&rt->registry);
}

/* All of it or nothing. */
static int provision(struct faas *rt, const char *target, const struct fa_version *latest, int n,
		     struct faas_error *err)
{
	int reserved = fa_quota_reserved(fa_quota_of(latest));
	struct fa_provisioned before;
	int rc = fa_provisioned_set(&rt->registry, target, n, rt->clock->unix_ms(rt->clock),
				    &before, err);

	if (rc)
		return rc;
	rc = claim(rt, latest, reserved, err);
	if (!rc)
		fa_limits_rearrange(rt, latest->config.name);
	else
		fa_provisioned_set(&rt->registry, target, before.requested, before.modified_ms,
				   NULL, NULL);
	return rc;
}

int fa_limits_provision(struct faas *rt, const char *target, int n, struct faas_error *err)
{
	struct fa_version *v = fa_registry_find(&rt->registry, target, err), *latest;
	int rc;

	if (!v)
		return err->code;
	rc = fa_function_check_room(rt, n, v->config.memory_mb, err);
	latest = fa_registry_latest(&rt->registry, v->config.name, rc ? NULL : err);
	if (!rc && !latest)
		rc = err->code;
	if (!rc) {
		pthread_mutex_lock(&rt->registry.changing);
		rc = provision(rt, target, latest, n, err);
		pthread_mutex_unlock(&rt->registry.changing);
	}
	fa_version_unref(latest);
	fa_version_unref(v);
	return rc;
}

/* The worst of its versions is how it stands. */
static void add_report(struct fa_provision_report *sum, const struct fa_provision_report *one,
		       int part)
{
	static const char *const worst[] = { "FAILED", "IN_PROGRESS", "READY" };

	sum->available += one->available < part ? one->available : part;
	for (int i = 0; i < 3; i++) {
		if (!strcmp(sum->status, worst[i]))
			return;
		if (strcmp(one->status, worst[i]))
			continue;
		sum->status = one->status;
		memcpy(sum->why, one->why, sizeof(sum->why));
		return;
	}
}

int fa_limits_report(struct faas *rt, const char *function, const struct fa_provisioned *of,
		     struct fa_provision_report *sum, struct faas_error *err)
{
	struct fa_version **all = fa_registry_all(&rt->registry, &rt->mem);

	*sum = (struct fa_provision_report){ .requested = of->requested, .status = "READY" };
	if (!all)
		return fa_error_nomem(err);
	for (size_t i = 0; all[i]; i++) {
		bool mine = !strcmp(all[i]->config.name, function);
		int part = mine ? fa_provisioned_part(&rt->registry, of, all[i]) : 0;
		struct fa_provision_report one;

		if (part) {
			fa_provision_report(runner_of(all[i])->pool, &one);
			if (runner_of(all[i])->provisioned.limit < part) /* it is not told yet */
				one.status = "IN_PROGRESS";
			add_report(sum, &one, part);
		}
		fa_version_unref(all[i]);
	}
	fa_free(all);
	return 0;
}

/* ---- the typed doors ---------------------------------------------------- */

int faas_version_provision(struct faas *rt, const char *function, int environments,
			   struct faas_error *err)
{
	struct faas_error own = { 0 };
	int rc;

	if (!rt)
		return fa_error(err, FAAS_EINVAL, "a runtime is required");
	if (environments < FAAS_NONE)
		return fa_error(err, FAAS_EINVAL, "environments is %d: cannot be negative",
				environments);
	rc = fa_enter(rt, err);
	if (rc)
		return rc;
	err = err ? err : &own;
	rc = fa_change_prepare(rt, err);
	if (!rc) {
		rc = fa_limits_provision(rt, function, environments > 0 ? environments : 0, err);
		rc = fa_change_close(rt, rc, err);
	}
	fa_leave(rt);
	return rc;
}

int faas_function_reserve(struct faas *rt, const char *function, int max_concurrency,
			  struct faas_error *err)
{
	struct fa_version *latest;
	int rc;

	if (max_concurrency < FAAS_NONE)
		return fa_error(err, FAAS_EINVAL, "max_concurrency is %d: cannot be negative",
				max_concurrency);
	latest = fa_function_open(rt, function, true, &rc, err);
	if (!latest)
		return rc;
	rc = fa_change_prepare(rt, err);
	if (!rc) {
		rc = fa_limits_reserve(rt, latest, reserved_by(max_concurrency), err);
		rc = fa_change_close(rt, rc, err);
	}
	fa_function_close(rt, latest);
	return rc;
}
