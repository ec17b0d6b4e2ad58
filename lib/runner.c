/* SPDX-License-Identifier: MIT */
/*
 * What runs the events of one version: a place under its limits, an
 * environment out of its pool, and the end of both when nobody refers to the
 * version any more. Also the wiring of stages to the conductor.
 */
#include <conduct.h>

#include <string.h>

#include <admit/admit.h>
#include <base/error.h>
#include <functions.h>

static size_t put_string(char *to, const char *text)
{
	size_t len = text ? strlen(text) : 0;

	if (len)
		memcpy(to, text, len);
	to[len] = '\0';
	return len + 1;
}

size_t fa_meta_size(const struct faas_request *r, const struct fa_version *version, bool plain)
{
	if (!r->trace_id && !r->client_context && !r->tenant_id && !version->traced &&
	    (plain || !strchr(r->function, ':')))
		return 0;
	return fa_trace_room(version, r->trace_id) +
	       (r->client_context ? strlen(r->client_context) : 0) +
	       (r->tenant_id ? strlen(r->tenant_id) : 0) + FA_ARN_MAX + FA_QUALIFIER_MAX + 8;
}

/* What the caller wrote behind the name. */
static struct faas_bytes qualifier_of(const char *function)
{
	struct fa_name name = { .qualifier = { NULL, 0 } };

	fa_name_parse(&name, function, NULL);
	return name.qualifier;
}

/* The ARN as the caller qualified it, and what else the context carries. */
uint32_t fa_meta_put(char *to, const struct faas_request *r, const struct fa_version *version)
{
	struct faas_bytes qualifier = qualifier_of(r->function);
	char *at = to;

	if (!qualifier.len && !r->trace_id && !r->client_context && !r->tenant_id &&
	    !version->traced)
		return 0;
	at += put_string(at, version->arn);
	if (qualifier.len) {
		at[-1] = ':';
		memcpy(at, qualifier.data, qualifier.len); /* the end of its text */
		at += qualifier.len;
		*at++ = '\0';
	}
	at += fa_trace_begin(version, r->trace_id, at) + 1;
	at += put_string(at, r->client_context);
	at += put_string(at, r->tenant_id);
	return (uint32_t)(at - to);
}

/* ---- capacity -------------------------------------------------------- */

void fa_want_pump(struct faas *rt)
{
	if (atomic_load(&rt->waiting) && !atomic_exchange(&rt->pumping, true))
		fa_loop_call(&rt->loop, &rt->pump);
}

static void on_growth(struct fa_timer *timer)
{
	fa_want_pump(fa_container(timer, struct faas, growth));
}

/* One more of its environments, if they do not become too many too fast. */
static struct fa_env *grow(struct fa_runner *runner, const char **reason, int *why)
{
	struct faas *rt = runner->rt;
	int64_t next_ns;

	*reason = fa_admit_reason(runner->quota);
	*why = FAAS_ETHROTTLED;
	if (fa_admit_growth(runner->quota, fa_now(rt->clock), &next_ns)) {
		*reason = "ConcurrentInvocationLimitExceeded";
		return fa_pool_add(runner->pool, FA_FOR_EVENT, why);
	}
	/* who waits on the loop waits for that, too */
	if (fa_loop_here(&rt->loop) && (!rt->growth.index || next_ns < rt->growth.at_ns))
		fa_loop_timer_sure(&rt->loop, &rt->growth, next_ns);
	return NULL;
}

bool fa_runner_may_begin(struct fa_runner *runner, const char **reason)
{
	return !runner->rt->account.requests_per_s ||
	       fa_admit_request(runner->quota, &runner->provisioned, fa_now(runner->rt->clock),
				reason);
}

/* A warm one costs nothing, not even one out of a seat. */
static struct fa_env *take(struct fa_runner *runner, bool behind, int *why)
{
	struct fa_env *env = fa_pool_take_warm(runner->pool);

	if (env)
		return env;
	fa_seats_clear(runner->rt, runner->pool);
	return fa_pool_take(runner->pool, behind, why);
}

/* A place and an environment; NULL with the reason of the throttle or a code. */
struct fa_env *fa_runner_lease(struct fa_runner *runner, bool behind, const char **reason,
			       int *why)
{
	enum fa_lease lease = fa_admit_enter(runner->quota, &runner->provisioned, reason);
	struct fa_env *env;

	*why = FAAS_ETHROTTLED;
	if (lease == FA_LEASE_NONE) { /* or somebody else has just cleared them */
		fa_seats_clear(runner->rt, NULL);
		lease = fa_admit_enter(runner->quota, &runner->provisioned, reason);
	}
	if (lease == FA_LEASE_NONE)
		return NULL;
	env = take(runner, behind, why);
	if (!env && *why == FAAS_ENOTFOUND)
		env = grow(runner, reason, why);
	if (env)
		env->leased = lease;
	else
		fa_admit_leave(runner->quota, &runner->provisioned, lease);
	return env;
}

void fa_runner_release(struct fa_runner *runner, struct fa_env *env, bool stays)
{
	struct faas *rt = runner->rt;
	enum fa_lease lease = (enum fa_lease)env->leased; /* it may be another's at once */

	fa_env_done(env, stays);
	fa_admit_leave(runner->quota, &runner->provisioned, lease);
	fa_want_pump(rt);
	if (fa_is_closing(rt))
		fa_check_closed(rt);
}

bool fa_runner_is_over(const struct fa_runner *runner, const struct fa_env *env)
{
	return fa_admit_is_over(runner->quota, &runner->provisioned, (enum fa_lease)env->leased);
}

static void pump(struct fa_call *call)
{
	struct faas *rt = fa_container(call, struct faas, pump);
	struct fa_list *pos, *next;

	atomic_store(&rt->pumping, false);
	fa_list_for_safe(pos, next, &rt->hungry)
		fa_invocations_pump(fa_container(pos, struct fa_runner, hungry));
}

/* ---- runners --------------------------------------------------------- */

void fa_runner_renew(struct fa_runner *runner, bool last)
{
	if (last)
		fa_pool_retire(runner->pool);
	else
		fa_pool_recycle(runner->pool);
	fa_seats_clear(runner->rt, runner->pool);
	fa_want_pump(runner->rt); /* who stands in its line follows */
}

static void end_runner(struct fa_call *call)
{
	struct fa_runner *runner = fa_container(call, struct fa_runner, end);

	fa_pool_retire(runner->pool);
	fa_list_append(&runner->rt->ending, &runner->link);
	fa_runners_reap(runner->rt);
}

static void on_unused(struct fa_version *version)
{
	struct fa_runner *runner = version->runner;

	fa_loop_call(&runner->rt->loop, &runner->end);
}

void fa_runners_reap(struct faas *rt)
{
	struct fa_list *pos, *next;

	fa_list_for_safe(pos, next, &rt->ending) {
		struct fa_runner *runner = fa_container(pos, struct fa_runner, link);

		if (runner->pool->alive)
			continue;
		fa_list_remove(pos);
		fa_timer_line_finish(&runner->patience);
		if (rt->found == runner->version)
			rt->found = NULL;
		fa_pool_destroy(runner->pool);
		fa_version_free(runner->version);
		fa_quota_unref(runner->quota);
		fa_free(runner);
		fa_want_pump(rt); /* a function that was refused gives back here what it claimed */
	}
	if (fa_is_closing(rt))
		fa_check_closed(rt);
}

static struct fa_quota *quota_for(struct faas *rt, const struct fa_version *sibling)
{
	struct fa_quota *quota;

	if (!sibling)
		return fa_quota_create(&rt->mem, &rt->account);
	quota = ((struct fa_runner *)sibling->runner)->quota;
	fa_quota_ref(quota);
	return quota;
}

int fa_runner_create(struct faas *rt, struct fa_version *version,
		     const struct fa_version *sibling, struct faas_error *err)
{
	struct fa_runner *runner = fa_alloc(&rt->mem, sizeof(*runner));

	if (!runner)
		return fa_error_nomem(err);
	runner->rt = rt;
	runner->version = version;
	runner->end.run = end_runner;
	fa_list_init(&runner->waiting);
	fa_timer_line_init(&runner->patience, &rt->loop.timers);
	fa_list_init(&runner->leased);
	fa_list_init(&runner->hungry);
	fa_list_init(&runner->link);
	runner->provisioned.limit = version->config.provisioned;
	runner->quota = quota_for(rt, sibling);
	if (!runner->quota)
		goto fail;
	version->runner = runner; /* the loop may meet the pool before we return */
	runner->pool = fa_pool_create(&rt->envs, version);
	if (!runner->pool)
		goto fail;
	version->on_unused = on_unused;
	return 0;

fail:
	fa_quota_unref(runner->quota);
	fa_free(runner);
	return fa_error_nomem(err);
}

/* ---- wiring ---------------------------------------------------------- */

static void on_capacity(void *data)
{
	fa_want_pump(data);
}

static void on_gone(void *data)
{
	fa_runners_reap(data);
}

static void on_sweep(void *data)
{
	fa_seats_clear(data, NULL);
}

static bool on_crowded(void *data)
{
	return fa_seats_clear(data, NULL);
}

static bool on_scan(void *data)
{
	return fa_envs_scan(data);
}

/*
 * An answer may come within microseconds, and a CPU is free to wait for it: not
 * so when several environments want the one that the loop would spin on.
 */
static int64_t patience(void *data)
{
	struct fa_envs *envs = data;
	struct fa_list *first = envs->scanned.next;
	struct fa_env *env = fa_container(first, struct fa_env, scan);

	if (first == &envs->scanned || first->next != &envs->scanned)
		return 0;
	return env->kind->patience(env);
}

void fa_invoke_init(struct faas *rt)
{
	rt->pump.run = pump;
	rt->growth.on_due = on_growth;
	fa_told_init(rt);
	fa_snapshots_init(rt);
	fa_invocations_init(rt);
	rt->envs.on_capacity = on_capacity;
	rt->envs.on_gone = on_gone;
	rt->envs.on_sweep = on_sweep;
	rt->envs.on_crowded = on_crowded;
	rt->envs.data = rt;
	rt->loop.on_scan = on_scan;
	rt->loop.patience = patience;
	rt->loop.data = &rt->envs;
}
