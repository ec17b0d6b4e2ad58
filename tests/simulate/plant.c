/* SPDX-License-Identifier: MIT */
/*
 * Where the library's parts call each other (--wrap), a test may put a fault between
 * them, to show that it would be found. Also what the library tells of its events.
 */
#include "machine.h"

#include <string.h>

#include <admit/admit.h>
#include <invocation.h>
#include <outcome/tell.h>

const char *const plant_names[PLANTS] = {
	[NO_PLANT] = "",
	[LOST_WAKE_UP] = "lost-wake-up",
	[TOO_MANY] = "too-many",
	[LOST_PROMISE] = "lost-promise",
	[LOST_PLACE] = "lost-place",
	[LOST_LETTER] = "lost-letter",
	[LOST_EVENT] = "lost-event",
	[COMES_BACK] = "comes-back",
	[ENDLESS_RETRIES] = "endless-retries",
	[WRONG_ORDER] = "wrong-order",
	[WRONG_SUM] = "wrong-sum",
	[TOLD_TWICE] = "told-twice",
	[KEPT_SHELL] = "kept-shell",
	[KEPT_SEAT] = "kept-seat",
	[BEGINS_TWICE] = "begins-twice",
};

static bool planted(enum plant plant, unsigned thousandths)
{
	return world.plant == plant && chance(thousandths);
}

#define WRAP(type, name, ...) \
	type __real_##name(__VA_ARGS__); \
	type __wrap_##name(__VA_ARGS__); \
	type __wrap_##name(__VA_ARGS__)

WRAP(void, fa_loop_call, struct fa_loop *loop, struct fa_call *call)
{
	if (world.rt && call == &world.rt->pump && planted(LOST_WAKE_UP, 50))
		atomic_store(&world.rt->pumping, false);
	else
		__real_fa_loop_call(loop, call);
}

WRAP(enum fa_lease, fa_admit_enter, struct fa_quota *quota, struct fa_gate *provisioned,
	const char **reason)
{
	enum fa_lease lease = __real_fa_admit_enter(quota, provisioned, reason);

	if (lease != FA_LEASE_NONE || !planted(TOO_MANY, 100))
		return lease;
	atomic_fetch_add(&quota->on_demand.in_use, 1);
	return FA_LEASE_RESERVED;
}

WRAP(void, fa_admit_leave, struct fa_quota *quota, struct fa_gate *provisioned, enum fa_lease lease)
{
	if (!planted(LOST_PLACE, 20))
		__real_fa_admit_leave(quota, provisioned, lease);
}

WRAP(enum fa_retry_end, fa_retry_after_error, struct fa_retry *retry, int max_retries,
	int max_age_s, int64_t now_ns, int64_t *delay_ns)
{
	int more = planted(ENDLESS_RETRIES, 500);

	return __real_fa_retry_after_error(retry, max_retries + more, max_age_s, now_ns, delay_ns);
}

WRAP(void, fa_deliver_letters, struct faas *rt, struct fa_version *v, struct fa_letters *letters)
{
	if (!planted(LOST_LETTER, 50))
		__real_fa_deliver_letters(rt, v, letters);
	else
		fa_free(letters);
}

WRAP(void, fa_store_submit, struct fa_store *store, struct fa_store_op *op)
{
	if (op->verb == FA_STORE_COMPLETE && planted(COMES_BACK, 50))
		op->verb = FA_STORE_RESCHEDULE;
	if (op->verb == FA_STORE_ACCEPT && planted(LOST_EVENT, 50)) {
		op->outcome = FA_STORE_DONE;
		op->on_done(op);
	} else {
		__real_fa_store_submit(store, op);
	}
}

WRAP(void, fa_pool_promise, struct fa_env *env)
{
	if (!planted(LOST_PROMISE, 200))
		__real_fa_pool_promise(env);
}

WRAP(void, fa_turn_wait, struct fa_invocation *inv, bool in_front)
{
	__real_fa_turn_wait(inv, in_front || planted(WRONG_ORDER, 100));
}

WRAP(void, fa_pool_drop, struct fa_env *env)
{
	if (env->memory_mb && planted(WRONG_SUM, 50))
		env->memory_mb--;
	__real_fa_pool_drop(env);
}

WRAP(void, fa_invocation_refuse, struct fa_invocation *inv, int code, const char *reason)
{
	struct faas_result result = { .size = sizeof(result), .code = code, .request_id = "",
				      .version = "", .error_type = "", .reason = reason };

	if (inv->on_done && planted(TOLD_TWICE, 100))
		inv->on_done(inv->data, &result);
	__real_fa_invocation_refuse(inv, code, reason);
}

WRAP(void, fa_shells_retire, struct fa_pool *pool)
{
	if (planted(KEPT_SHELL, 300))
		return;
	__real_fa_shells_retire(pool);
	world.evicting = false;
}

/* Where an idle environment has to go for its memory, the shells of its pool go with it. */
WRAP(void, fa_policy_evicted, struct fa_policy *policy, double worth)
{
	world.evicting = true;
	__real_fa_policy_evicted(policy, worth);
}

WRAP(bool, fa_seats_clear, struct faas *rt, const struct fa_pool *pool)
{
	return !planted(KEPT_SEAT, 300) && __real_fa_seats_clear(rt, pool);
}

WRAP(void, fa_tell_metric, struct fa_tell *tell, struct fa_version *v, const char *name,
	const char *unit, double value, int64_t time_ms)
{
	if (!strcmp(name, "AsyncEventsDropped"))
		world.dropped += (int)value;
	__real_fa_tell_metric(tell, v, name, unit, value, time_ms);
}

/* Machines take the place of processes, and so nobody makes any. */
WRAP(struct fa_pool *, fa_pool_create, struct fa_envs *envs, struct fa_version *version)
{
	struct fa_pool *pool = __real_fa_pool_create(envs, version);

	if (pool)
		pool->kind = machine_kind_of(version->config.name);
	return pool;
}

/* Nests are machines, too. */
WRAP(void, fa_nest_close, struct fa_nest *nest, struct fa_loop *loop)
{
	(void)loop;
	nest_closed(fa_container(nest, struct fa_pool, nest));
}

/* Nobody needs its files and its memory. */
WRAP(struct fa_kit *, fa_kit_create, const struct fa_mem *mem)
{
	(void)mem;
	return NULL;
}

WRAP(int, fa_supervisor_open, struct fa_supervisor *supervisor, struct faas_error *err)
{
	(void)supervisor;
	(void)err;
	return 0;
}

WRAP(int, fa_supervisor_watch, struct fa_supervisor *supervisor)
{
	(void)supervisor;
	return 0;
}
