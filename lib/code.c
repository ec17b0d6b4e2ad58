/* SPDX-License-Identifier: MIT */
/*
 * From a configuration to code in the store, on the caller's thread: unpacking takes
 * as long as it takes. Removing is done by the loop, a bounded piece each turn.
 */
#include <code.h>

#include <string.h>

#include <base/error.h>

static bool is_zip(const char *code)
{
	size_t len = strlen(code);

	return len > 4 && (!strcmp(code + len - 4, ".zip") || !strcmp(code + len - 4, ".ZIP"));
}

static int take_package(struct faas *rt, const struct faas_function_config *c,
			const struct fa_code *given, const struct fa_version *old,
			struct fa_code *code, struct faas_error *err)
{
	if (given && given->package)
		code->package = fa_package_ref(given->package);
	else if (!c->code)
		code->package = old && !c->native ? fa_package_ref(old->code.package) : NULL;
	else if (is_zip(c->code))
		code->package = fa_packages_add_file(&rt->packages, c->code, err);
	else
		return 0;
	return !code->package && c->code ? err->code : 0;
}

int fa_code_take(struct faas *rt, const struct faas_function_config *c,
		 const struct fa_code *given, const struct fa_version *old, struct fa_code *code,
		 struct faas_error *err)
{
	*code = (struct fa_code){ .package = NULL };
	return take_package(rt, c, given, old, code, err);
}

void fa_code_drop(struct fa_code *code)
{
	fa_package_unref(code->package);
	code->package = NULL;
}

/* ---- removing ---------------------------------------------------------- */

/* What a runtime that ends has not removed by then, it removes at once. */
static void on_unused(void *data)
{
	struct faas *rt = data;

	if (!fa_is_closing(rt) && !atomic_exchange(&rt->sweeping, true))
		fa_loop_call(&rt->loop, &rt->sweep);
}

static void sweep(struct fa_call *call)
{
	struct faas *rt = fa_container(call, struct faas, sweep);

	atomic_store(&rt->sweeping, false);
	if (!rt->finishing && fa_packages_sweep(&rt->packages))
		on_unused(rt);
}

void fa_code_init(struct faas *rt)
{
	rt->sweep.run = sweep;
	rt->packages.on_unused = on_unused;
	rt->packages.data = rt;
}
