/* SPDX-License-Identifier: MIT */
/*
 * All environments of a runtime: the sweep that ends idle ones, the kits made
 * ahead, the supervisor coming back after a loss, and the end of everything.
 * With nothing running there is one timer at most, due when the next idle
 * environment is too old; after that, none.
 */
#include <env/pool.h>

#include <errno.h>
#include <string.h>

#include <base/error.h>
#include <model/function.h>

#define KITS 8      /* made ahead */
#define BURST_KITS 32
#define KITS_PER_TURN 8
#define REFILL_NS 1000000 /* after a birth: the newborn first */

/* ---- idle environments end ------------------------------------------- */

/* Retires what has rested too long; returns when the next one will have, or INT64_MAX. */
static int64_t sweep_list(struct fa_list *list, int64_t before_ns)
{
	while (!fa_list_empty(list)) {
		struct fa_env *env = fa_container(list->prev, struct fa_env, link);

		if (env->idle_since_ns > before_ns)
			return env->idle_since_ns;
		fa_env_event(env, FA_ENV_RETIRE);
	}
	return INT64_MAX;
}

static int64_t sweep_pool(struct fa_pool *pool, int64_t before_ns)
{
	int64_t idle, cold;

	pthread_mutex_lock(&pool->lock);
	idle = sweep_list(&pool->idle, before_ns);
	cold = sweep_list(&pool->cold, before_ns);
	pthread_mutex_unlock(&pool->lock);
	return idle < cold ? idle : cold;
}

static void sweep(struct fa_timer *timer)
{
	struct fa_envs *envs = fa_container(timer, struct fa_envs, sweep);
	int64_t now = fa_now(envs->clock), first = INT64_MAX;
	struct fa_list *pos;

	atomic_store(&envs->sweeping, false); /* who parks from here on asks again */
	fa_list_for(pos, &envs->pools) {
		int64_t next = sweep_pool(fa_container(pos, struct fa_pool, link),
					  now - envs->idle_ns);

		if (next < first)
			first = next;
	}
	if (first != INT64_MAX && !atomic_exchange(&envs->sweeping, true))
		fa_loop_timer_sure(envs->loop, timer, first + envs->idle_ns);
}

static void start_sweep(struct fa_call *call)
{
	struct fa_envs *envs = fa_container(call, struct fa_envs, start_sweep);

	if (!envs->sweep.index)
		fa_loop_timer_sure(envs->loop, &envs->sweep, fa_now(envs->clock) + envs->idle_ns);
}

/* ---- kits ------------------------------------------------------------ */

static bool wants_kits(struct fa_envs *envs)
{
	int want = atomic_load(&envs->bursts) ? BURST_KITS : KITS;
	bool wants;

	pthread_mutex_lock(&envs->lock);
	wants = envs->kit_count < want && !envs->closing;
	pthread_mutex_unlock(&envs->lock);
	return wants;
}

static bool add_kit(struct fa_envs *envs)
{
	struct fa_kit *kit = fa_kit_create(envs->mem);

	if (!kit)
		return false;
	pthread_mutex_lock(&envs->lock);
	kit->next = envs->kits;
	envs->kits = kit;
	envs->kit_count++;
	pthread_mutex_unlock(&envs->lock);
	return true;
}

/* A few per turn of the loop, and none while others are being born. */
static void fill_kits(struct fa_timer *timer)
{
	struct fa_envs *envs = fa_container(timer, struct fa_envs, fill_kits);
	int64_t now_ns = fa_now(envs->clock);
	bool quiet = now_ns >= envs->born_ns + REFILL_NS, more = wants_kits(envs);

	for (int i = 0; i < KITS_PER_TURN && quiet && more; i++)
		more = add_kit(envs) && wants_kits(envs);
	if (more)
		fa_loop_timer_sure(envs->loop, timer, now_ns + REFILL_NS);
}

struct fa_kit *fa_envs_take_kit(struct fa_envs *envs)
{
	struct fa_kit *kit;

	pthread_mutex_lock(&envs->lock);
	kit = envs->kits;
	if (kit) {
		envs->kits = kit->next;
		envs->kit_count--;
	}
	pthread_mutex_unlock(&envs->lock);
	return kit ? kit : fa_kit_create(envs->mem);
}

void fa_envs_want_kits(struct fa_envs *envs)
{
	envs->born_ns = fa_now(envs->clock);
	if (!envs->fill_kits.index && !envs->closing)
		fa_loop_timer_sure(envs->loop, &envs->fill_kits, envs->born_ns + REFILL_NS);
}

/* ---- the supervisor -------------------------------------------------- */

static void on_nest_dead(void *data, const struct fa_ctl *ctl)
{
	fa_envs_nest_dead(data, ctl);
}

/* Killed from outside: its nests died with it. A new one is started at once. */
static void on_lost(void *data)
{
	struct fa_envs *envs = data;

	/* under the lock: others ask it for nests */
	pthread_mutex_lock(&envs->lock);
	fa_supervisor_close(&envs->supervisor);
	pthread_mutex_unlock(&envs->lock);
	fa_envs_lost(envs);
	if (envs->closing)
		return;
	pthread_mutex_lock(&envs->lock);
	if (!fa_supervisor_open(&envs->supervisor, NULL))
		fa_supervisor_watch(&envs->supervisor);
	pthread_mutex_unlock(&envs->lock);
}

/* ---- life ------------------------------------------------------------ */

int fa_envs_init(struct fa_envs *envs, struct fa_loop *loop, const struct fa_mem *mem,
		 const struct fa_clock *clock)
{
	envs->mem = mem;
	envs->clock = clock;
	envs->loop = loop;
	envs->init_limit_ns = FA_INIT_LIMIT_NS;
	envs->multiprocessor = loop->multiprocessor;
	envs->supervisor.loop = loop;
	envs->supervisor.watch.fd = -1;
	envs->supervisor.pidfd = -1;
	envs->supervisor.on_nest_dead = on_nest_dead;
	envs->supervisor.on_lost = on_lost;
	envs->supervisor.data = envs;
	envs->deadline.on_due = fa_envs_deadline;
	envs->sweep.on_due = sweep;
	envs->provide.on_due = fa_provision_retry;
	envs->start_sweep.run = start_sweep;
	envs->fill_kits.on_due = fill_kits;
	fa_list_init(&envs->pools);
	fa_list_init(&envs->scanned);
	fa_list_init(&envs->unrung);
	return pthread_mutex_init(&envs->lock, NULL) ? -ENOMEM : 0;
}

void fa_envs_close(struct fa_envs *envs)
{
	struct fa_list *pos;

	envs->closing = true;
	fa_loop_timer_stop(envs->loop, &envs->sweep);
	fa_loop_timer_stop(envs->loop, &envs->provide);
	fa_loop_timer_stop(envs->loop, &envs->fill_kits);
	fa_list_for(pos, &envs->pools)
		fa_pool_retire(fa_container(pos, struct fa_pool, link));
}

static void call_off_pool(struct fa_pool *pool)
{
	struct fa_list *pos;

	pthread_mutex_lock(&pool->lock);
	fa_list_for(pos, &pool->away) {
		struct fa_env *env = fa_container(pos, struct fa_env, link);

		if (env->state == FA_BUSY)
			fa_env_call_off(env);
	}
	pthread_mutex_unlock(&pool->lock);
}

void fa_envs_call_off(struct fa_envs *envs)
{
	struct fa_list *pos;

	fa_list_for(pos, &envs->pools)
		call_off_pool(fa_container(pos, struct fa_pool, link));
}

void fa_envs_finish(struct fa_envs *envs)
{
	fa_loop_timer_stop(envs->loop, &envs->deadline);
	fa_loop_timer_stop(envs->loop, &envs->sweep);
	fa_loop_timer_stop(envs->loop, &envs->provide);
	fa_supervisor_close(&envs->supervisor);
	while (envs->kits) {
		struct fa_kit *kit = envs->kits;

		envs->kits = kit->next;
		fa_kit_destroy(kit);
	}
	fa_free(envs->table);
	pthread_mutex_destroy(&envs->lock);
}
