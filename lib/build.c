/* SPDX-License-Identifier: MIT */
/*
 * A build holds the runtime open as a caller does. One that finds it closing leaves all as
 * it is: the state_dir knows of it, and whoever opens that next makes it first (recall.c).
 */
#include <build.h>

#include <base/error.h>
#include <remember.h>

struct fa_build {
	struct fa_chore chore;
	struct faas *rt;
	struct fa_version *old;     /* NULL: it is a new function */
	struct fa_version *version; /* what it is to be; a reference each */
	struct fa_version *number;  /* that it is published under, or NULL */
	bool ready;                 /* nothing of it takes any time: it is done */
};

static struct fa_build *new_build(struct faas *rt, struct faas_error *err)
{
	struct fa_build *build = fa_alloc(&rt->mem, sizeof(*build));

	if (build)
		build->rt = rt;
	else
		fa_error_nomem(err);
	return build;
}

void fa_build_drop(struct fa_build *build)
{
	if (!build)
		return;
	fa_version_unref(build->old);
	fa_version_unref(build->number);
	fa_version_unref(build->version);
	fa_free(build);
}

/* ---- a new function ---------------------------------------------------- */

static struct fa_version *make_pending(struct faas *rt, const struct faas_function_config *c,
				       const struct fa_code *given, struct faas_error *err)
{
	struct fa_version *v = NULL;
	struct fa_code code;

	if (!fa_code_take(rt, c, given, NULL, &code, err))
		v = fa_function_make_anew(rt, c, &code, FA_STATE_PENDING, err);
	fa_code_drop(&code);
	return v;
}

struct fa_build *fa_build_create(struct faas *rt, const struct faas_function_config *c,
				 const struct fa_code *given, bool publish,
				 struct faas_error *err)
{
	struct fa_build *build = new_build(rt, err);

	if (!build)
		return NULL;
	build->version = make_pending(rt, c, given, err);
	if (build->version && publish)
		build->number = fa_function_publish_pending(rt, build->version, err);
	if (build->version && (!publish || build->number))
		return build;
	fa_build_drop(build);
	return NULL;
}

/* A number with a snapshot is pending until that is made, too. */
static void judge(struct fa_build *build, const struct fa_trouble *trouble)
{
	if (build->number && (trouble || !build->number->snapshot))
		fa_registry_judge(&build->rt->registry, build->number, trouble);
	fa_registry_judge(&build->rt->registry, build->version, trouble);
}

static void settle(struct fa_build *build)
{
	fa_version_settle(build->version);
	if (build->number)
		fa_version_settle(build->number);
	if (build->number)
		fa_snapshot_begin(build->number);
}

/*
 * That it failed is told when it is written, else the next program might make it after all.
 * That it did not is what the next program comes to as well.
 */
static void finish_creation(struct fa_build *build)
{
	struct fa_version *v = build->version;
	struct fa_trouble trouble;
	struct faas_error err;

	if (fa_code_make(&v->code, &err)) {
		fa_trouble_of(&trouble, v->config.image, &err);
		judge(build, &trouble);
		return;
	}
	judge(build, NULL);
	settle(build);
	fa_function_begin(build->rt, v);
}

/* ---- a change ---------------------------------------------------------- */

/* It becomes that at once, or it is written that it is to. */
static int begin_change(struct fa_build *build, struct fa_version *old,
			const struct faas_function_config *change, struct faas_error *err)
{
	struct fa_version *next = build->version;
	int rc;

	build->ready = fa_code_is_made(&next->code) &&
		       !(old->config.provisioned && next->config.provisioned);
	if (build->ready)
		return fa_function_end_change(build->rt, old, next, change, NULL, err);
	rc = fa_function_expect(build->rt, old, next, change, err);
	if (rc)
		return rc;
	fa_version_ref(old);
	build->old = old;
	fa_version_ref(next); /* for the registry, later */
	return 0;
}

struct fa_build *fa_build_change(struct faas *rt, struct fa_version *old,
				 const struct faas_function_config *change,
				 const struct fa_code *given, const char *revision,
				 struct faas_error *err)
{
	int reserved = fa_quota_reserved(fa_quota_of(old));
	struct fa_build *build = new_build(rt, err);
	struct fa_version *next = NULL;

	if (build)
		next = fa_function_begin_change(rt, old, change, given, revision, false, err);
	if (!next) {
		fa_build_drop(build);
		return NULL;
	}
	build->version = next;
	if (!begin_change(build, old, change, err))
		return build;
	build->version = NULL;
	fa_build_drop(build);
	fa_function_give_up(rt, old, next, reserved);
	return NULL;
}

/* The next program makes it of this. */
static void leave(struct fa_build *build)
{
	if (!build->old)
		return;
	fa_package_keep(build->version->code.package);
	fa_package_keep(build->version->code.opt);
	fa_function_drop(build->version);
}

/* As with a creation. */
static void finish_change(struct fa_build *build)
{
	struct faas_error err;
	struct fa_trouble trouble;

	if (!fa_code_make(&build->version->code, &err)) {
		fa_function_swap(build->rt, build->old, build->version, &err);
		return;
	}
	fa_trouble_of(&trouble, build->version->config.image, &err);
	fa_registry_judge_update(&build->rt->registry, build->old, &trouble);
	fa_function_drop(build->version);
}

/* ---- on a thread ------------------------------------------------------- */

static void run(struct fa_chore *chore)
{
	struct fa_build *build = fa_container(chore, struct fa_build, chore);
	struct faas *rt = build->rt;

	if (fa_is_closing(rt)) {
		leave(build);
		return;
	}
	if (build->old)
		finish_change(build);
	else
		finish_creation(build);
	fa_remember(rt, NULL); /* what cannot be written now is written with the next change */
}

static void done(struct fa_chore *chore)
{
	struct fa_build *build = fa_container(chore, struct fa_build, chore);
	struct faas *rt = build->rt;

	fa_build_drop(build);
	fa_leave(rt);
}

const struct fa_version *fa_build_version(const struct fa_build *build)
{
	return build->number ? build->number : build->version;
}

void fa_build_start(struct fa_build *build)
{
	if (build->ready) {
		fa_build_drop(build);
		return;
	}
	fa_stay(build->rt);
	build->chore.run = run;
	build->chore.done = done;
	fa_chores_add(&build->rt->chores, &build->chore);
}
