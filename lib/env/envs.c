/* SPDX-License-Identifier: MIT */
/*
 * All environments of a runtime: the kits made ahead, the supervisor coming back
 * after a loss, and the end of everything.
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

/* ---- kits ------------------------------------------------------------ */

static bool wants_kits(struct fa_envs *envs, int want)
{
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
	int want = atomic_load(&envs->bursts) ? BURST_KITS : KITS;
	bool quiet = now_ns >= envs->born_ns + REFILL_NS, more = wants_kits(envs, want);

	for (int i = 0; i < KITS_PER_TURN && quiet && more; i++)
		more = add_kit(envs) && wants_kits(envs, want);
	if (quiet && !more)
		fa_shells_make(envs);
	if (more || fa_shells_wanted(envs))
		fa_loop_timer_sure(envs->loop, timer, now_ns + REFILL_NS);
}

/* Another CPU can make the next one while the nest is at this birth. */
static void on_hurry(struct fa_call *call)
{
	struct fa_envs *envs = fa_container(call, struct fa_envs, hurry);

	atomic_store(&envs->hurried, false);
	if (wants_kits(envs, 1))
		add_kit(envs);
}

static void hurry(struct fa_envs *envs)
{
	if (envs->multiprocessor && !fa_loop_here(envs->loop) &&
	    !atomic_exchange(&envs->hurried, true))
		fa_loop_call(envs->loop, &envs->hurry);
}

struct fa_kit *fa_envs_take_kit(struct fa_envs *envs)
{
	struct fa_kit *kit;
	bool last;

	pthread_mutex_lock(&envs->lock);
	kit = envs->kits;
	if (kit) {
		envs->kits = kit->next;
		envs->kit_count--;
	}
	last = !envs->kits;
	pthread_mutex_unlock(&envs->lock);
	if (last)
		hurry(envs);
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
	envs->sweep.on_due = fa_sweep_due;
	envs->ahead.on_due = fa_ahead_due;
	envs->provide.on_due = fa_provision_retry;
	envs->inactive.on_due = fa_inactive_due;
	envs->start_sweep.run = fa_sweep_start;
	envs->start_ahead.run = fa_ahead_start;
	envs->fill_kits.on_due = fill_kits;
	envs->hurry.run = on_hurry;
	fa_shells_init(envs);
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
	fa_loop_timer_stop(envs->loop, &envs->ahead);
	fa_loop_timer_stop(envs->loop, &envs->provide);
	fa_loop_timer_stop(envs->loop, &envs->inactive);
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

		if (env->state == FA_BUSY || env->state == FA_CRASHED)
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
	fa_loop_timer_stop(envs->loop, &envs->ahead);
	fa_loop_timer_stop(envs->loop, &envs->provide);
	fa_loop_timer_stop(envs->loop, &envs->inactive);
	fa_supervisor_close(&envs->supervisor);
	while (envs->kits) {
		struct fa_kit *kit = envs->kits;

		envs->kits = kit->next;
		fa_kit_destroy(kit);
	}
	fa_free(envs->table);
	pthread_mutex_destroy(&envs->lock);
}
