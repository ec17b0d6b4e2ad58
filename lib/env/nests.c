/* SPDX-License-Identifier: MIT */
/*
 * What nests tell: that an environment was born, that one has ended, and that
 * they have ended themselves and everything in them. All of it on the loop, and
 * under the lock of the pool that it is about.
 */
#include <env/pool.h>

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <base/text.h>
#include <env/meter.h>
#include <model/function.h>

/* ---- births and deaths [loop] ---------------------------------------- */

struct fa_env *fa_envs_find(struct fa_envs *envs, uint32_t id)
{
	struct fa_env *env;

	pthread_mutex_lock(&envs->lock);
	env = envs->table_size ? envs->table[id % envs->table_size] : NULL;
	pthread_mutex_unlock(&envs->lock);
	return env && env->id == id ? env : NULL;
}

/* Rings only wake the loop, which scans; who rings without an answer is counted. */
static void on_bell(struct fa_watch *watch, uint32_t events)
{
	struct fa_env *env = fa_container(watch, struct fa_env, bell);

	(void)events;
	env->kind->rung(env);
}

/* Control groups bound the function as a whole; they are widened in powers of two. */
static void widen_limits(struct fa_pool *pool)
{
	struct fa_ctl limits = { .type = FA_LIMITS, .id = pool->nest.id };
	struct fa_supervisor *supervisor = &pool->envs->supervisor;

	if (pool->alive <= pool->limited)
		return;
	while (pool->limited < pool->alive)
		pool->limited = pool->limited ? pool->limited * 2 : 1;
	limits.status = pool->limited;
	if (supervisor->watch.fd >= 0)
		fa_ctl_send(supervisor->watch.fd, &limits, sizeof(limits), NULL, 0);
}

/* The bell and the log were the template's before, if there was one. */
static bool watch(struct fa_env *env)
{
	if (env->bell.fd >= 0)
		return true;
	env->bell.fd = env->kit->bell;
	env->bell.on_ready = on_bell;
	return fa_loop_watch(env->pool->envs->loop, &env->bell) == 0 && fa_logs_watch(env) == 0;
}

/* Initialised ahead of any event, and leased by nobody. */
static bool is_ready(const struct fa_env *env)
{
	return env->state == FA_HEIR ||
	       (env->state == FA_IDLE && (env->provisioned || env->ahead));
}

static void born(struct fa_env *env, bool template, const int fds[2])
{
	bool doomed = env->doomed;

	if (env->pidfd >= 0)
		close(env->pidfd);
	env->pidfd = fds[0];
	env->doomed = false;
	env->template = template;
	if (env->mount_ns < 0)
		env->mount_ns = fds[1];
	else if (fds[1] >= 0)
		close(fds[1]);
	/* metered is what the environment itself uses */
	atomic_store(&env->pid, template ? 0 : fa_meter_pid(fds[0]));
	if (is_ready(env)) /* it answered before it was reported */
		fa_meter_ready(env);
	if (!watch(env) || doomed)
		env->kind->kill(env);
	else if (env->state == FA_IDLE && env->kind->freeze)
		env->kind->freeze(env);
	widen_limits(env->pool);
	fa_envs_want_kits(env->pool->envs);
}

static void no_longer_unborn(struct fa_env *env)
{
	if (!env->unborn)
		return;
	env->unborn = false;
	env->pool->unborn--;
}

/* Under the pool's lock; exit_* are filled in. */
static void gone(struct fa_env *env)
{
	struct fa_envs *envs = env->pool->envs;

	no_longer_unborn(env);
	fa_loop_timer_stop(envs->loop, &env->grace);
	fa_logs_close(env);
	if (env->bell.fd >= 0)
		fa_loop_unwatch(envs->loop, &env->bell);
	env->bell.fd = -1;
	if (env->pidfd >= 0)
		close(env->pidfd);
	env->pidfd = -1;
	atomic_store(&env->pid, 0);
	fa_env_died(env);
}

static void copy_why(char to[64], const struct fa_ctl *ctl)
{
	const char *text = ctl->error ? strerrordesc_np(ctl->error) : NULL;
	struct fa_text out = { .data = to, .size = 64 };

	fa_text_bytes(&out, ctl->text, strnlen(ctl->text, sizeof(ctl->text)));
	fa_text_add(&out, ": ");
	fa_text_add(&out, text ? text : "failed");
}

static void exited(struct fa_env *env, const struct fa_ctl *ctl)
{
	env->exit_status = ctl->status;
	env->exit_rss_kb = ctl->maxrss_kb;
	env->exit_cpu_ns = ctl->cpu_ns;
	env->exit_error = ctl->error;
	env->left_snapshot = ctl->type == FA_EXIT && ctl->template;
	if (ctl->error)
		copy_why(env->exit_step, ctl);
	gone(env);
}

static void on_nest_message(struct fa_nest *nest, const struct fa_ctl *ctl, const int fds[2])
{
	struct fa_pool *pool = fa_container(nest, struct fa_pool, nest);
	struct fa_env *env = fa_envs_find(pool->envs, ctl->id);
	bool crowded, used = false;

	pthread_mutex_lock(&pool->lock);
	crowded = pool->unborn >= FA_UNBORN_MAX;
	if (env && env->pool == pool && env->kit) {
		if (ctl->type == FA_BORN && (env->pidfd < 0 || env->template) && fds[0] >= 0) {
			no_longer_unborn(env);
			born(env, ctl->template, fds);
			used = true;
		} else if (ctl->type == FA_EXIT || ctl->type == FA_STILLBORN) {
			exited(env, ctl);
		}
	}
	crowded &= pool->unborn < FA_UNBORN_MAX;
	pthread_mutex_unlock(&pool->lock);
	for (int i = 0; i < 2 && !used; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	if (crowded)
		pool->envs->on_capacity(pool->envs->data);
}

/* ---- nests ----------------------------------------------------------- */

void fa_pool_watch_nest(struct fa_call *call)
{
	struct fa_pool *pool = fa_container(call, struct fa_pool, watch_nest);

	pthread_mutex_lock(&pool->lock);
	pool->watch_queued = false;
	if (pool->nested)
		fa_nest_watch(&pool->nest, pool->envs->loop);
	pthread_mutex_unlock(&pool->lock);
}

int fa_pool_ensure_nest(struct fa_pool *pool)
{
	struct fa_envs *envs = pool->envs;
	int rc;

	if (pool->nested)
		return 0;
	pthread_mutex_lock(&envs->lock);
	rc = fa_nest_open(&pool->nest, &envs->supervisor, pool->version, ++envs->nests,
			  envs->weak_layers, envs->cpu_cap);
	pthread_mutex_unlock(&envs->lock);
	if (rc < 0)
		return rc;
	pool->nested = true;
	pool->limited = 1;
	pool->prepared = false;
	pool->nest.on_message = on_nest_message;
	if (!pool->watch_queued) {
		pool->watch_queued = true;
		fa_loop_call(envs->loop, &pool->watch_nest);
	}
	return 0;
}

/* What the supervisor says of its end finds nobody any more. */
void fa_pool_close_nest(struct fa_pool *pool)
{
	struct fa_ctl bye = { .type = FA_NEST_CLOSE, .id = pool->nest.id };
	struct fa_envs *envs = pool->envs;

	if (!pool->nested)
		return;
	if (envs->supervisor.watch.fd >= 0)
		fa_ctl_send(envs->supervisor.watch.fd, &bye, sizeof(bye), NULL, 0);
	fa_nest_close(&pool->nest, envs->loop);
	pool->nested = false;
}

static struct fa_env *next_alive(const struct fa_list *list)
{
	const struct fa_list *pos;

	fa_list_for(pos, list) {
		struct fa_env *env = fa_container(pos, struct fa_env, link);

		if (env->kit && env->state != FA_COLD && env->state != FA_CRASHED)
			return env;
	}
	return NULL;
}

/* The end of one may move others: its heir. */
static void bury_list(const struct fa_list *list, const struct fa_ctl *ctl)
{
	struct fa_env *env;

	while ((env = next_alive(list)))
		exited(env, ctl);
}

/* A mount namespace is of use only to the nest that made it: its /tmp is lost. */
static void forget_tmp(struct fa_list *list)
{
	struct fa_list *pos;

	fa_list_for(pos, list) {
		struct fa_env *env = fa_container(pos, struct fa_env, link);

		if (env->mount_ns >= 0)
			close(env->mount_ns);
		env->mount_ns = -1;
	}
}

/*
 * Every process of the nest is dead. What it reported before it died still counts. That there
 * is room now is told of each of its environments.
 */
static void nest_died(struct fa_pool *pool, const struct fa_ctl *ctl)
{
	struct fa_ctl end = *ctl;

	if (pool->nest.watch.fd >= 0 && pool->nest.watch.on_ready)
		pool->nest.watch.on_ready(&pool->nest.watch, 0);
	end.status = SIGKILL;
	pthread_mutex_lock(&pool->lock);
	fa_snap_lost(pool);
	pool->nested = false;
	fa_nest_close(&pool->nest, pool->envs->loop);
	bury_list(&pool->away, &end);
	bury_list(&pool->ready, &end);
	bury_list(&pool->idle, &end);
	while (!fa_list_empty(&pool->shells))
		exited(fa_container(pool->shells.next, struct fa_env, shelf), &end);
	forget_tmp(&pool->cold);
	forget_tmp(&pool->away);
	pthread_mutex_unlock(&pool->lock);
}

/* Whoever opens a nest does it under the pool's lock; only we, the loop, end one. */
static bool has_nest(struct fa_pool *pool, const struct fa_ctl *ctl)
{
	bool has;

	pthread_mutex_lock(&pool->lock);
	has = pool->nested && (!ctl || pool->nest.id == ctl->id);
	pthread_mutex_unlock(&pool->lock);
	return has;
}

void fa_envs_nest_dead(struct fa_envs *envs, const struct fa_ctl *ctl)
{
	struct fa_list *pos, *next;

	fa_list_for_safe(pos, next, &envs->pools) {
		struct fa_pool *pool = fa_container(pos, struct fa_pool, link);

		if (has_nest(pool, ctl))
			nest_died(pool, ctl);
	}
}

void fa_envs_lost(struct fa_envs *envs)
{
	struct fa_ctl ctl = { .status = SIGKILL };
	struct fa_list *pos, *next;

	fa_list_for_safe(pos, next, &envs->pools) {
		struct fa_pool *pool = fa_container(pos, struct fa_pool, link);

		if (has_nest(pool, NULL))
			nest_died(pool, &ctl);
	}
}
