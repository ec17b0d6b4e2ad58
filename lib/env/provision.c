/* SPDX-License-Identifier: MIT */
/*
 * Whatever happens to a provisioned environment leads to the same question:
 * provide() counts those that there are and starts what is missing. It runs on
 * the loop only, so no two of it count the same one.
 *
 * A start that fails is not tried again at once: the pause doubles with every
 * failure, and meanwhile one at a time has to show that it can be done. One that
 * ends without having served an event has failed, too.
 */
#include <env/provision.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <env/env.h>
#include <env/pool.h>
#include <model/function.h>

#define AT_ONCE 16           /* in their init */
#define PAUSE_NS 100000000LL /* after the first failure */
#define PAUSE_MAX_NS 60000000000LL
#define SHORTAGE_NS 1000000000LL /* memory comes back when others end */

struct census {
	int available, starting, ending, colds;
	struct fa_env *cold; /* one without a process, if there is any */
};

static int target(const struct fa_pool *pool)
{
	return fa_provision_target(&pool->provision);
}

static bool counts(const struct fa_env *env)
{
	return env->provisioned && env->generation == env->pool->generation;
}

static void count_list(struct census *census, const struct fa_list *list)
{
	const struct fa_list *pos;

	fa_list_for(pos, list)
	{
		struct fa_env *env = fa_container(pos, struct fa_env, link);

		if (!counts(env))
			continue;
		if (env->state == FA_IDLE || env->state == FA_BUSY)
			census->available++;
		else if (env->state == FA_STARTING)
			census->starting++;
		else if (env->state == FA_COLD && ++census->colds)
			census->cold = env;
		else
			census->ending++; /* and cold soon */
	}
}

/* Under the pool's lock. */
static struct census take_census(struct fa_pool *pool)
{
	struct census census = { 0 };

	count_list(&census, &pool->ready);
	count_list(&census, &pool->cold);
	count_list(&census, &pool->away);
	pool->provision.available = census.available;
	if (census.available >= target(pool))
		pool->provision.why[0] = '\0';
	return census;
}

/* ---- failures -------------------------------------------------------- */

static int64_t pause_after(int failures)
{
	int64_t pause = PAUSE_NS;

	while (failures-- > 1 && pause < PAUSE_MAX_NS)
		pause *= 2;
	return pause < PAUSE_MAX_NS ? pause : PAUSE_MAX_NS;
}

static void set_why(struct fa_pool *pool, const char *kind, const char *why)
{
	snprintf(pool->provision.why, sizeof(pool->provision.why), "%s%.90s", kind, why);
}

/* Under the pool's lock. Those that were started together fail together, and count once. */
static void failed(struct fa_pool *pool)
{
	struct fa_provision *p = &pool->provision;
	int64_t now = fa_now(pool->envs->clock);

	if (now < p->retry_ns)
		return;
	if (now - p->failed_ns > 2 * PAUSE_MAX_NS)
		p->failures = 0;
	p->failed_ns = now;
	p->retry_ns = now + pause_after(++p->failures);
}

/* Under the pool's lock. Of those begun before a failure, it says nothing of the next. */
static void succeeded(struct fa_pool *pool)
{
	if (fa_now(pool->envs->clock) >= pool->provision.retry_ns)
		pool->provision.why[0] = '\0';
}

void fa_provision_arm(struct fa_envs *envs, int64_t at_ns)
{
	if (!envs->provide.index || at_ns < envs->provide.at_ns)
		fa_loop_timer_sure(envs->loop, &envs->provide, at_ns);
}

static void no_room(struct fa_pool *pool, int why)
{
	int64_t retry_ns = fa_now(pool->envs->clock) + SHORTAGE_NS;

	pthread_mutex_lock(&pool->lock);
	set_why(pool, "",
		why == FAAS_ENOMEM ? "out of memory"
				   : "no room beside the others within max_memory_mb");
	pool->provision.retry_ns = retry_ns;
	pthread_mutex_unlock(&pool->lock);
	fa_provision_arm(pool->envs, retry_ns);
}

/* In the words of Lambda's errors where the function is to blame. */
const char *fa_start_error(const struct fa_job *job)
{
	switch (job->verdict) {
	case FA_INIT_ERRED:
		return job->error_type;
	case FA_EXITED:
		return "Runtime.ExitError";
	case FA_STARVED:
		return "Runtime.OutOfMemory";
	case FA_INIT_TIMED_OUT:
	case FA_TIMED_OUT:
		return "Sandbox.Timedout";
	default:
		return NULL;
	}
}

static void explain(struct fa_pool *pool, const struct fa_job *job)
{
	const char *error = fa_start_error(job);

	if (error)
		set_why(pool, "FUNCTION_ERROR_INIT_FAILURE: ", error);
	else
		set_why(pool, "the environment could not be made: ", job->why);
}

/* ---- starting [loop] ------------------------------------------------- */

/* Under the pool's lock. */
static bool may_start(struct fa_pool *pool, const struct census *census)
{
	const struct fa_provision *p = &pool->provision;

	if (pool->retired || pool->envs->closing ||
	    census->available + census->starting + census->ending >= target(pool) ||
	    census->starting >= (p->why[0] ? 1 : AT_ONCE))
		return false;
	if (fa_now(pool->envs->clock) >= p->retry_ns)
		return true;
	fa_provision_arm(pool->envs, p->retry_ns);
	return false;
}

static struct fa_env *next_to_start(struct fa_pool *pool)
{
	struct census census;
	struct fa_env *env;
	bool may;
	int why;

	pthread_mutex_lock(&pool->lock);
	census = take_census(pool);
	may = may_start(pool, &census);
	env = may ? census.cold : NULL;
	if (env) {
		env->inited_before = false; /* this init is ahead of any event, too */
		fa_env_event(env, FA_ENV_WARM);
	}
	pthread_mutex_unlock(&pool->lock);
	if (env || !may)
		return env;
	env = fa_pool_add(pool, FA_FOR_KEEPS, &why);
	if (!env)
		no_room(pool, why);
	return env;
}

int64_t fa_provision_init_ns(const struct fa_pool *pool)
{
	int64_t timeout = (int64_t)pool->version->config.timeout_ms * 1000000;

	return timeout > FA_PROVISIONED_INIT_NS ? timeout : FA_PROVISIONED_INIT_NS;
}

static void provide(struct fa_pool *pool)
{
	struct fa_env *env;

	while ((env = next_to_start(pool)))
		fa_env_start(env, fa_provision_init_ns(pool));
	pthread_cond_broadcast(&pool->provision.counted);
}

static void on_call(struct fa_call *call)
{
	struct fa_pool *pool = fa_container(call, struct fa_pool, provision.call);

	pthread_mutex_lock(&pool->lock);
	pool->provision.queued = false;
	pthread_mutex_unlock(&pool->lock);
	provide(pool);
}

void fa_provision_retry(struct fa_timer *timer)
{
	struct fa_envs *envs = fa_container(timer, struct fa_envs, provide);
	struct fa_list *pos, *next;

	fa_list_for_safe(pos, next, &envs->pools)
	{
		struct fa_pool *pool = fa_container(pos, struct fa_pool, link);

		if (target(pool))
			provide(pool);
		fa_snap_make(pool);
	}
}

void fa_provision_started(struct fa_env *env, const struct fa_job *job)
{
	struct fa_pool *pool = env->pool;
	bool wanted;

	pthread_mutex_lock(&pool->lock);
	wanted = counts(env); /* an heir may just come to be provisioned, on another thread */
	if (wanted && job->verdict == FA_REPLIED) {
		succeeded(pool);
	} else if (wanted) {
		env->generation = 0; /* the next one is new in every respect */
		explain(pool, job);
		failed(pool);
	}
	if (env->provisioned)
		fa_provision_want(pool);
	pthread_mutex_unlock(&pool->lock);
	if (wanted)
		pool->envs->on_started(pool->envs->data, env, job);
}

/* ---- any thread ------------------------------------------------------ */

void fa_provision_init(struct fa_pool *pool)
{
	pool->provision.call.run = on_call;
	pool->provision.target = pool->version->config.provisioned;
	pthread_cond_init(&pool->provision.counted, NULL);
}

void fa_provision_finish(struct fa_pool *pool)
{
	pthread_cond_destroy(&pool->provision.counted);
}

void fa_provision_want(struct fa_pool *pool)
{
	if (pool->retired)
		pthread_cond_broadcast(&pool->provision.counted);
	if (!target(pool) || pool->retired || pool->provision.queued)
		return;
	pool->provision.queued = true;
	fa_loop_call(pool->envs->loop, &pool->provision.call);
}

void fa_provision_begin(struct fa_pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	fa_provision_want(pool);
	pthread_mutex_unlock(&pool->lock);
}

/* What is lost with it: nothing yet, its init, its warmth, an event that it has to finish. */
static int loss(const struct fa_env *env)
{
	switch (env->state) {
	case FA_COLD:
		return 0;
	case FA_STARTING:
		return 1;
	case FA_IDLE:
		return 2;
	default:
		return 3;
	}
}

/* Of those that lose this much, as many as are too many. Returns how many remain to be ended. */
static int end_some(struct fa_list *list, int of_loss, int surplus)
{
	struct fa_list *pos, *next;

	fa_list_for_safe(pos, next, list)
	{
		struct fa_env *env = fa_container(pos, struct fa_env, link);

		if (surplus > 0 && counts(env) && loss(env) == of_loss) {
			fa_env_event(env, FA_ENV_RETIRE);
			surplus--;
		}
	}
	return surplus;
}

static void end_surplus(struct fa_pool *pool)
{
	struct fa_list *lists[] = { &pool->cold, &pool->away, &pool->ready };
	struct census census = take_census(pool);
	int surplus = census.available + census.starting + census.ending + census.colds -
		      target(pool);

	for (int of_loss = 0; surplus > 0 && of_loss <= 3; of_loss++)
		for (unsigned i = 0; i < 3; i++)
			surplus = end_some(lists[i], of_loss, surplus);
}

void fa_provision_set(struct fa_pool *pool, int n)
{
	struct fa_provision *p = &pool->provision;

	pthread_mutex_lock(&pool->lock);
	if (target(pool) != n && !pool->retired) {
		p->target = n;
		p->retry_ns = 0;
		p->failures = 0;
		p->why[0] = '\0';
		end_surplus(pool);
		fa_provision_want(pool);
		pthread_cond_broadcast(&p->counted);
	}
	pthread_mutex_unlock(&pool->lock);
}

void fa_provision_wait(struct fa_pool *pool)
{
	struct fa_provision *p = &pool->provision;

	pthread_mutex_lock(&pool->lock);
	while (take_census(pool).available < target(pool) && !p->why[0] && !pool->retired &&
	       !pool->envs->closing)
		pthread_cond_wait(&p->counted, &pool->lock);
	pthread_mutex_unlock(&pool->lock);
}

/* The start counts as served. Who served an event and ends then did what it should. */
void fa_provision_lost(struct fa_env *env)
{
	struct fa_pool *pool = env->pool;

	if (env->idle_since_ns >= 0 && env->served < 2 && counts(env)) {
		set_why(pool, "", "it ended before its first event");
		failed(pool);
	}
	fa_provision_want(pool);
}

void fa_provision_report(struct fa_pool *pool, struct fa_provision_report *report)
{
	memset(report, 0, sizeof(*report));
	pthread_mutex_lock(&pool->lock);
	report->requested = target(pool);
	report->available = take_census(pool).available;
	memcpy(report->why, pool->provision.why, sizeof(report->why));
	pthread_mutex_unlock(&pool->lock);
	if (!report->requested)
		report->status = "";
	else if (report->available >= report->requested)
		report->status = "READY";
	else
		report->status = report->why[0] ? "FAILED" : "IN_PROGRESS";
	if (report->status[0] != 'F')
		report->why[0] = '\0';
}

int fa_provision_in_use(struct fa_pool *pool)
{
	int busy;

	pthread_mutex_lock(&pool->lock);
	busy = pool->provision.available - pool->ready_count;
	pthread_mutex_unlock(&pool->lock);
	return busy < 0 ? 0 : busy > target(pool) ? target(pool) : busy;
}
