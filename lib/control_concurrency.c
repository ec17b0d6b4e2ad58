/* SPDX-License-Identifier: MIT */
/* Operations on what functions reserve and have provisioned of the account's concurrency. */
#include <control.h>

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

/* ---- the table ------------------------------------------------------- */

#define END { NULL, 0, false, 0, 0, NULL, NULL }
#define FIELDS(...) (const struct fa_field[]){ FA_FUNCTION_FIELD, __VA_ARGS__ }

const struct fa_operation fa_concurrency_operations[] = {
	{ "PutFunctionConcurrency",
	  FIELDS({ "ReservedConcurrentExecutions", FA_INTEGER_FIELD, true, 0, INT32_MAX, NULL,
		   NULL },
		 END),
	  put },
	{ "GetFunctionConcurrency", FIELDS(END), get },
	{ "DeleteFunctionConcurrency", FIELDS(END), delete },
	{ NULL, NULL, NULL },
};
