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

static bool is_mode(const char *text)
{
	return !strcmp(text, "Allow") || !strcmp(text, "Terminate");
}

#define END { NULL, 0, false, 0, 0, NULL, NULL }
#define FIELDS(...) (const struct fa_field[]){ FA_FUNCTION_FIELD, __VA_ARGS__ }

const struct fa_operation fa_recursion_operations[] = {
	{ "PutFunctionRecursionConfig",
	  FIELDS({ "RecursiveLoop", FA_TEXT_FIELD, true, 0, 0, is_mode,
		   "Member must satisfy enum value set: [Allow, Terminate]" },
		 END),
	  put },
	{ "GetFunctionRecursionConfig", FIELDS(END), get },
	{ NULL, NULL, NULL },
};
