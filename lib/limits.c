/* SPDX-License-Identifier: MIT */
/*
 * What functions have of the account's concurrency, and how that is changed while
 * they run. In a configuration, as everywhere, 0 stands for the default, which is
 * to reserve nothing, and FAAS_NONE for the number 0, which switches a function off.
 */
#include <functions.h>

#include <conduct.h>

#include <base/error.h>

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

int fa_limits_claim(struct faas *rt, const struct fa_version *v, struct faas_error *err)
{
	int rc = fa_quota_set(fa_quota_of(v), reserved_by(v->config.max_concurrency),
			      v->config.provisioned, err);

	fa_want_pump(rt);
	return rc;
}

int fa_limits_reserve(struct faas *rt, const struct fa_version *latest, int reserved,
		      struct faas_error *err)
{
	struct fa_quota *quota = fa_quota_of(latest);
	int rc = fa_quota_set(quota, reserved, quota->provisioned, err);

	fa_want_pump(rt);
	return rc;
}

void fa_limits_release(struct faas *rt, const struct fa_version *v)
{
	fa_quota_release(fa_quota_of(v));
	fa_want_pump(rt);
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
	rc = fa_limits_reserve(rt, latest, reserved_by(max_concurrency), err);
	fa_function_close(rt, latest);
	return rc;
}
