/* SPDX-License-Identifier: MIT */
/*
 * A version with a snapshot is pending until that is made, and then active, or has failed.
 * One that was active before this program began stays that: its snapshot is made again, and
 * an event that comes earlier waits for it. One that has failed where that cannot be written
 * is pending still, until something can be.
 *
 * One that nobody has used for long has no snapshot any more (env/inactive.c). The first who
 * comes then is refused, or waits if it is an event, and has the snapshot made again.
 */
#include <conduct.h>

#include <admit/quota.h>

#include <base/error.h>
#include <remember.h>

struct writing {
	struct fa_chore chore;
	struct faas *rt;
	struct fa_version *version;
};

static struct fa_pool *pool_of(const struct fa_version *v)
{
	return ((struct fa_runner *)v->runner)->pool;
}

void fa_snapshot_begin(struct fa_version *v)
{
	if (v->snapshot && v->number && atomic_load(&v->state) != FA_STATE_FAILED)
		fa_snap_want(pool_of(v));
}

/* ---- what becomes of it [loop] ------------------------------------------- */

/* That it failed is told when it is written, else the next program might make it after all. */
static void write_down(struct fa_chore *chore)
{
	fa_remember(fa_container(chore, struct writing, chore)->rt, NULL);
}

static void written(struct fa_chore *chore)
{
	struct writing *writing = fa_container(chore, struct writing, chore);
	struct fa_version *v = writing->version;
	struct faas *rt = writing->rt;

	fa_free(writing);
	fa_snap_told(pool_of(v));
	fa_version_unref(v);
	fa_leave(rt);
}

/* The loop does not wait for the disk. */
static bool write_later(struct faas *rt, struct fa_version *v)
{
	struct writing *writing = fa_alloc(&rt->mem, sizeof(*writing));

	if (!writing || fa_enter(rt, NULL)) {
		fa_free(writing);
		fa_remember_later(rt);
		return false;
	}
	fa_version_ref(v);
	writing->rt = rt;
	writing->version = v;
	writing->chore.run = write_down;
	writing->chore.done = written;
	fa_chores_add(&rt->chores, &writing->chore);
	return true;
}

/* Whether it is told of later. */
static bool judge(struct faas *rt, struct fa_version *v, const struct fa_trouble *why)
{
	fa_registry_judge(&rt->registry, v, why);
	if (!why)
		fa_version_settle(v); /* the next program comes to that as well */
	return write_later(rt, v);
}

static void on_snapshot(void *data, struct fa_pool *pool, const struct fa_trouble *why)
{
	struct fa_version *v = pool->version;
	struct faas *rt = data;
	int state = atomic_load(&v->state);
	bool later = false;

	if (state == FA_STATE_RESTORING)
		fa_registry_restored(&rt->registry, v, why);
	if (state == FA_STATE_PENDING)
		later = judge(rt, v, why);
	if (!why && state != FA_STATE_ACTIVE)
		fa_function_begin(rt, v);
	if (!later)
		fa_snap_told(pool);
}

/* ---- nobody has used it for long ------------------------------------------- */

static void on_inactive(void *data, struct fa_pool *pool)
{
	(void)data;
	fa_version_rest(pool->version);
}

void fa_snapshot_rouse(struct fa_version *v)
{
	if (fa_version_rouse(v))
		fa_snap_want(pool_of(v));
}

/* Who may not run at all rouses nobody. */
int fa_not_active(struct fa_version *v, enum faas_mode mode, struct faas_error *err)
{
	if (!fa_version_is_inactive(v))
		return fa_version_check_active(v, err);
	if (mode == FAAS_EVENT || !fa_quota_reserved(fa_quota_of(v)))
		return 0;
	if (mode == FAAS_SYNC)
		fa_snapshot_rouse(v);
	return fa_error_typed(err, FAAS_EEXIST, "SnapStartNotReadyException",
			      "Lambda is initializing your function. It will be ready to invoke "
			      "once your function state becomes ACTIVE.");
}

bool fa_may_begin(struct fa_version *v)
{
	bool inactive = fa_version_is_inactive(v);

	if (inactive)
		fa_snapshot_rouse(v);
	return !inactive;
}

void fa_snapshots_init(struct faas *rt)
{
	rt->envs.on_snapshot = on_snapshot;
	rt->envs.on_inactive = on_inactive;
}

/* ---- any other thread ------------------------------------------------------ */

static void take_back(struct faas *rt, struct fa_version *v)
{
	struct faas_error why = { 0 };
	struct fa_version *removed;

	if (fa_change_prepare(rt, NULL))
		return; /* it stays, as one that failed */
	removed = fa_registry_unpublish(&rt->registry, v, &why);
	if (removed) {
		fa_version_unref(removed);
		fa_limits_rearrange(rt, v->config.name);
	}
	fa_change_close(rt, why.code, &why);
}

/* Judged and still pending: that could not be written, and may be by now. */
static int try_to_write(struct faas *rt, struct fa_version *v, struct faas_error *err)
{
	int rc;

	if (atomic_load(&v->verdict) == FA_STATE_PENDING)
		return fa_error(err, FAAS_ECANCELED, "it was deleted before there was a snapshot");
	rc = fa_remember(rt, err);
	if (!rc)
		fa_version_settle(v); /* also one that is in no registry any more */
	return rc;
}

int fa_snapshot_wait(struct faas *rt, struct fa_version *v, struct faas_error *err)
{
	bool pending = atomic_load(&v->state) == FA_STATE_PENDING;
	int rc;

	if (pending && fa_loop_here(&rt->loop))
		return 0;
	if (pending)
		fa_snap_wait(pool_of(v));
	rc = atomic_load(&v->state) == FA_STATE_PENDING ? try_to_write(rt, v, err) : 0;
	if (rc || atomic_load(&v->state) != FA_STATE_FAILED)
		return rc;
	if (pending)
		take_back(rt, v);
	return fa_error_typed(err, FAAS_EFUNCTION, v->trouble.code, "%s", v->trouble.reason);
}
