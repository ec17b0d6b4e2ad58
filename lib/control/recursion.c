/* SPDX-License-Identifier: MIT */
/* Whether a function may be invoked in a loop. */
#include <control/control.h>

#include <string.h>

#include <base/error.h>
#include <model/attached.h>

static int answer(struct fa_document *out, bool allowed, struct faas_error *err)
{
	return fa_document_put_text(out, "RecursiveLoop", allowed ? "Allow" : "Terminate") ?
		       fa_error_nomem(err) :
		       0;
}

static int put(struct faas *rt, const struct fa_document *in, struct fa_document *out,
	       struct faas_error *err)
{
	bool allowed = !strcmp(fa_control_text(in, "RecursiveLoop"), "Allow");
	int rc = fa_recursion_set(&rt->registry, fa_control_text(in, "FunctionName"), allowed, err);

	return rc ? rc : answer(out, allowed, err);
}

static int get(struct faas *rt, const struct fa_document *in, struct fa_document *out,
	       struct faas_error *err)
{
	bool allowed;
	int rc = fa_recursion_get(&rt->registry, fa_control_text(in, "FunctionName"), &allowed,
				  err);

	return rc ? rc : answer(out, allowed, err);
}

#define FIELDS(...) (const struct fa_field[]){ FA_FUNCTION_FIELD, __VA_ARGS__ }

const struct fa_operation fa_recursion_operations[] = {
	{ "PutFunctionRecursionConfig",
	  FIELDS(FA_WORD_OF("RecursiveLoop", true, "[Allow, Terminate]"), FA_NO_FIELD),
	  put },
	{ "GetFunctionRecursionConfig", FIELDS(FA_NO_FIELD), get },
	{ NULL, NULL, NULL },
};
