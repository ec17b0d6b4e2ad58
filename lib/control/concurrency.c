/* SPDX-License-Identifier: MIT */
/* Operations on what functions reserve and have provisioned of the account's concurrency. */
#include <control/config.h>

#include <stdio.h>

#include <base/error.h>


static struct fa_version *latest_of(struct faas *rt, const struct fa_document *in,
				    struct faas_error *err)
{
	return fa_registry_latest(&rt->registry, fa_control_text(in, "FunctionName"), err);
}

/* Nothing, of a function that reserves nothing. */
static int put_reserved(struct fa_document *out, const struct fa_version *latest,
			struct faas_error *err)
{
	int reserved = fa_quota_reserved(fa_quota_of(latest));

	if (reserved == FA_UNRESERVED ||
	    !fa_document_put_integer(out, "ReservedConcurrentExecutions", reserved))
		return 0;
	return fa_error_nomem(err);
}

static int reserve(struct faas *rt, const struct fa_document *in, int reserved,
		   struct fa_document *out, struct faas_error *err)
{
	struct fa_version *latest = latest_of(rt, in, err);
	int rc;

	if (!latest)
		return err->code;
	rc = fa_limits_reserve(rt, latest, reserved, err);
	if (!rc)
		rc = put_reserved(out, latest, err);
	fa_version_unref(latest);
	return rc;
}

static int put(struct faas *rt, const struct fa_document *in, struct fa_document *out,
	       struct faas_error *err)
{
	int reserved = fa_control_number(in, "ReservedConcurrentExecutions", 0);

	return reserve(rt, in, reserved, out, err);
}

static int delete(struct faas *rt, const struct fa_document *in, struct fa_document *out,
		  struct faas_error *err)
{
	return reserve(rt, in, FA_UNRESERVED, out, err);
}

static int get(struct faas *rt, const struct fa_document *in, struct fa_document *out,
	       struct faas_error *err)
{
	struct fa_version *latest = latest_of(rt, in, err);
	int rc = latest ? put_reserved(out, latest, err) : err->code;

	fa_version_unref(latest);
	return rc;
}

/* ---- what is provisioned ----------------------------------------------- */

static int put_status(struct fa_document *out, struct faas *rt, const char *function,
		      const struct fa_provisioned *p, struct faas_error *err)
{
	struct fa_provision_report report;
	int rc = fa_limits_report(rt, function, p, &report, err);

	if (rc)
		return rc;
	rc = fa_document_put_integer(out, "RequestedProvisionedConcurrentExecutions",
				     p->requested);
	rc |= fa_document_put_integer(out, "AvailableProvisionedConcurrentExecutions",
				      report.available);
	rc |= fa_document_put_integer(out, "AllocatedProvisionedConcurrentExecutions",
				      report.available);
	rc |= fa_document_put_text(out, "Status", report.status);
	if (*report.why)
		rc |= fa_document_put_text(out, "StatusReason", report.why);
	rc |= fa_control_put_time(out, "LastModified", p->modified_ms);
	return rc ? fa_error_nomem(err) : 0;
}

/* What the request names, and how it stands. */
static int show(struct faas *rt, const char *target, struct fa_document *out,
		struct faas_error *err)
{
	struct fa_version *v = fa_registry_find(&rt->registry, target, err);
	struct fa_provisioned p;
	int rc;

	if (!v)
		return err->code;
	rc = fa_provisioned_get(&rt->registry, target, &p, err);
	if (!rc)
		rc = put_status(out, rt, v->config.name, &p, err);
	fa_version_unref(v);
	return rc;
}

static int get_provisioned(struct faas *rt, const struct fa_document *in, struct fa_document *out,
			   struct faas_error *err)
{
	char target[FA_TARGET_MAX];
	int rc = fa_control_target(target, in, err);

	return rc ? rc : show(rt, target, out, err);
}

static int put_provisioned(struct faas *rt, const struct fa_document *in, struct fa_document *out,
			   struct faas_error *err)
{
	int n = fa_control_number(in, "ProvisionedConcurrentExecutions", 0);
	char target[FA_TARGET_MAX];
	int rc = fa_control_target(target, in, err);

	if (!rc)
		rc = fa_limits_provision(rt, target, n, err);
	return rc ? rc : show(rt, target, out, err);
}

static int delete_provisioned(struct faas *rt, const struct fa_document *in,
			      struct fa_document *out, struct faas_error *err)
{
	char target[FA_TARGET_MAX];
	struct fa_provisioned p;
	int rc = fa_control_target(target, in, err);

	(void)out;
	if (!rc)
		rc = fa_provisioned_get(&rt->registry, target, &p, err);
	return rc ? rc : fa_limits_provision(rt, target, 0, err);
}

struct listed {
	struct faas *rt;
	const struct fa_version *latest;
	struct fa_provisioned *provisioned;
};

static int put_nth(const void *data, size_t nth, struct fa_document *item, struct faas_error *err)
{
	const struct listed *all = data;
	const struct fa_provisioned *p = &all->provisioned[nth];
	char arn[FA_TARGET_MAX];
	int rc;

	snprintf(arn, sizeof(arn), "%s:%s", all->latest->arn, p->qualifier);
	rc = fa_document_put_text(item, "FunctionArn", arn);
	return rc ? rc : put_status(item, all->rt, all->latest->config.name, p, err);
}

static int list_provisioned(struct faas *rt, const struct fa_document *in,
			    struct fa_document *out, struct faas_error *err)
{
	struct fa_version *latest = latest_of(rt, in, err);
	struct listed all = { rt, latest, NULL };
	size_t count;
	int rc;

	if (!latest)
		return err->code;
	rc = fa_provisioned_list(&rt->registry, latest->config.name, &all.provisioned, &count, err);
	if (!rc)
		rc = fa_control_list(in, out, "ProvisionedConcurrencyConfigs", count, put_nth,
				     &all, err);
	fa_free(all.provisioned);
	fa_version_unref(latest);
	return rc;
}

/* ---- the table ------------------------------------------------------- */

#define QUALIFIER FA_QUALIFIER_FIELD(true)
#define FIELDS(...) (const struct fa_field[]){ FA_FUNCTION_FIELD, __VA_ARGS__ }

const struct fa_operation fa_concurrency_operations[] = {
	{ "PutFunctionConcurrency",
	  FIELDS(FA_INTEGER_OF("ReservedConcurrentExecutions", true, 0, INT32_MAX),
		 FA_NO_FIELD),
	  put },
	{ "GetFunctionConcurrency", FIELDS(FA_NO_FIELD), get },
	{ "DeleteFunctionConcurrency", FIELDS(FA_NO_FIELD), delete },
	{ "PutProvisionedConcurrencyConfig",
	  FIELDS(QUALIFIER,
		 FA_INTEGER_OF("ProvisionedConcurrentExecutions", true, 1, INT32_MAX),
		 FA_NO_FIELD),
	  put_provisioned },
	{ "GetProvisionedConcurrencyConfig", FIELDS(QUALIFIER, FA_NO_FIELD), get_provisioned },
	{ "DeleteProvisionedConcurrencyConfig", FIELDS(QUALIFIER, FA_NO_FIELD),
	  delete_provisioned },
	{ "ListProvisionedConcurrencyConfigs", FIELDS(FA_PAGE_FIELDS(FA_PAGE_MOST), FA_NO_FIELD),
	  list_provisioned },
	{ NULL, NULL, NULL },
};
