/* SPDX-License-Identifier: MIT */
/*
 * Pools: which environment serves next. The warm path is one short lock and a
 * pop from a stack. Everything slower (new environments, the budget of memory,
 * the end of idle ones) is on the other side of that lock.
 *
 * Order of locks: a pool's, then fa_envs.lock; two pools' are never held
 * together except by pthread_mutex_trylock().
 */
#include <env/pool.h>

#include <errno.h>
#include <float.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <base/error.h>
#include <base/text.h>
#include <env/meter.h>
#include <model/function.h>

/* ---- lists, for env.c ------------------------------------------------ */

/* What the policy can learn of the lease, or the start, that ends here. */
static void teach(struct fa_env *env)
{
	struct fa_habit *habit = &env->pool->habit;

	if (env->cold_ns)
		fa_policy_cold(habit, env->cold_ns);
	if (env->turn.rank)
		fa_policy_end(habit, &env->turn, env->began_ns,
			      env->ended_ns ? env->ended_ns : fa_now(env->pool->envs->clock));
	env->began_ns = env->cold_ns = 0;
}

static void leave_list(struct fa_env *env)
{
	struct fa_pool *pool = env->pool;

	teach(env);
	if (!fa_list_empty(&env->shelf))
		fa_shell_left(env);
	else if (pool->shell_due)
		fa_shell_want(pool);
	fa_list_remove(&env->link);
	if (env->idle_since_ns >= 0)
		pool->idle_count--;
	if (env->idle_since_ns == FA_KEPT)
		pool->ready_count--;
	env->idle_since_ns = -1;
	env->promised = false;
}

/* Who was started ahead waits for an event since the last one. */
static int64_t idle_since(const struct fa_env *env)
{
	int64_t last_ns = env->pool->habit.since_ns[0];

	if (env->ahead && last_ns)
		return last_ns;
	return env->ended_ns ? env->ended_ns : fa_now(env->pool->envs->clock);
}

static void rest(struct fa_env *env, struct fa_list *list)
{
	leave_list(env);
	fa_list_push(list, &env->link);
	env->idle_since_ns = idle_since(env);
	env->ended_ns = 0;
	env->pool->idle_count++;
	fa_sweep_want(env->pool->envs);
}

static void keep(struct fa_env *env)
{
	struct fa_pool *pool = env->pool;

	leave_list(env);
	fa_list_push(&pool->ready, &env->link);
	env->idle_since_ns = FA_KEPT;
	env->ended_ns = 0;
	pool->idle_count++;
	pool->ready_count++;
}

void fa_pool_park(struct fa_env *env)
{
	if (env->provisioned)
		keep(env);
	else
		rest(env, &env->pool->idle);
}

/* It may be used again, or its memory by others, and nobody gives it back who would say so. */
void fa_pool_cool(struct fa_env *env)
{
	struct fa_envs *envs = env->pool->envs;

	if (env->provisioned)
		fa_provision_lost(env);
	rest(env, &env->pool->cold);
	envs->on_capacity(envs->data);
}

void fa_pool_use(struct fa_env *env)
{
	struct fa_pool *pool = env->pool;

	leave_list(env);
	fa_list_push(&pool->away, &env->link);
	if (env->state != FA_BUSY)
		return;
	env->ahead = false;
	pool->ahead_ns = INT64_MAX;
	fa_policy_begin(&pool->habit, &env->turn);
}

/* Some of them may have died since, or be about to. */
static struct fa_env *first_promised(const struct fa_pool *pool)
{
	const struct fa_list *pos = pool->away.prev;

	for (; pos != &pool->away; pos = pos->prev) {
		struct fa_env *env = fa_container(pos, struct fa_env, link);

		if (!env->promised)
			break;
		if (env->state == FA_STARTING && env->generation == pool->generation)
			return env;
	}
	return NULL;
}

/* Somebody may have waited for it. */
static void uncharge(struct fa_env *env)
{
	struct fa_envs *envs = env->pool->envs;

	if (!env->memory_mb)
		return;
	fa_envs_discharge(envs, env->memory_mb);
	env->memory_mb = 0;
	envs->on_capacity(envs->data);
}

static void free_env(struct fa_call *call)
{
	struct fa_env *env = fa_container(call, struct fa_env, free_call);
	struct fa_version *version = env->pool->version;
	struct fa_envs *envs = env->pool->envs;

	fa_loop_timer_stop(envs->loop, &env->grace);
	fa_loop_timer_stop(envs->loop, &env->logs.later);
	env->kind->finish(env);
	fa_logs_finish(&env->logs);
	pthread_mutex_lock(&env->pool->lock);
	env->pool->slots[env->slot / 8] &= (uint8_t)~(1u << env->slot % 8);
	env->pool->alive--;
	pthread_mutex_unlock(&env->pool->lock);
	pthread_mutex_lock(&envs->lock);
	envs->table[env->id % envs->table_size] = NULL;
	pthread_mutex_unlock(&envs->lock);
	fa_free(env);
	fa_version_unref(version);
	envs->on_gone(envs->data);
}

void fa_pool_drop(struct fa_env *env)
{
	if (env->pool->late == env)
		env->pool->late = NULL;
	if (env->heir_of)
		env->heir_of->heir = NULL;
	if (env->heir)
		env->heir->heir_of = NULL;
	fa_provision_want(env->pool);
	leave_list(env);
	uncharge(env);
	fa_loop_call(env->pool->envs->loop, &env->free_call);
}

/* ---- making environments --------------------------------------------- */

static int grow_table(struct fa_envs *envs)
{
	uint32_t size = envs->table_size ? envs->table_size * 2 : 256;
	struct fa_env **table = fa_alloc(envs->mem, size * sizeof(struct fa_env *));

	if (!table)
		return -ENOMEM;
	for (uint32_t i = 0; i < envs->table_size; i++)
		if (envs->table[i])
			table[envs->table[i]->id % size] = envs->table[i];
	fa_free(envs->table);
	envs->table = table;
	envs->table_size = size;
	return 0;
}

/* An id whose place in the table is free; ids are not soon used again. */
static int enter_table(struct fa_envs *envs, struct fa_env *env)
{
	for (uint32_t tries = 0;; tries++) {
		uint32_t id = ++envs->serial;

		if (tries >= envs->table_size) {
			if (grow_table(envs) < 0)
				return -ENOMEM;
			tries = 0;
		}
		if (!id || envs->table[id % envs->table_size])
			continue;
		env->id = id;
		envs->table[id % envs->table_size] = env;
		return 0;
	}
}

static int take_slot(struct fa_pool *pool)
{
	for (int i = 0; i < FA_POOL_MAX / 8; i++) {
		if (pool->slots[i] == 0xff)
			continue;
		for (int bit = 0; bit < 8; bit++) {
			if (pool->slots[i] & 1 << bit)
				continue;
			pool->slots[i] |= (uint8_t)(1 << bit);
			return i * 8 + bit;
		}
	}
	return -1;
}

/* "2026/11/21/[$LATEST]<32 hex>" */
static void name_stream(struct fa_env *env)
{
	struct fa_text text = FA_TEXT(env->stream);
	time_t now = (time_t)(env->pool->envs->clock->unix_ms(env->pool->envs->clock) / 1000);
	uint64_t bits[2] = { fa_env_random(env), fa_env_random(env) };
	char day[16];
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(day, sizeof(day), "%Y/%m/%d/[", &tm);
	fa_text_add(&text, day);
	fa_text_add(&text, env->pool->version->qualifier);
	fa_text_add(&text, "]");
	fa_text_hex(&text, bits, sizeof(bits));
}

static void on_grace_over(struct fa_timer *timer)
{
	struct fa_env *env = fa_container(timer, struct fa_env, grace);

	pthread_mutex_lock(&env->pool->lock);
	if (env->state == FA_DYING)
		env->kind->kill(env);
	pthread_mutex_unlock(&env->pool->lock);
}

static void start_grace(struct fa_call *call)
{
	struct fa_env *env = fa_container(call, struct fa_env, grace_call);
	struct fa_envs *envs = env->pool->envs;

	if (fa_loop_timer(envs->loop, &env->grace,
			  fa_now(envs->clock) + (int64_t)FA_SHUTDOWN_GRACE_MS * 1000000) < 0)
		on_grace_over(&env->grace);
}

static struct fa_env *make_env(struct fa_pool *pool)
{
	struct fa_env *env = fa_alloc(pool->envs->mem, sizeof(*env));

	if (!env)
		return NULL;
	fa_list_init(&env->link);
	fa_list_init(&env->scan);
	fa_list_init(&env->lease);
	fa_list_init(&env->unrung);
	fa_list_init(&env->shelf);
	env->pool = pool;
	env->kind = pool->kind;
	env->idle_since_ns = -1;
	env->pidfd = env->mount_ns = env->bell.fd = -1;
	env->free_call.run = free_env;
	env->grace_call.run = start_grace;
	env->grace.on_due = on_grace_over;
	if (getrandom(env->random, sizeof(env->random), 0) != sizeof(env->random) ||
	    fa_logs_init(&env->logs)) {
		fa_free(env);
		return NULL;
	}
	name_stream(env);
	return env;
}

struct fa_env *fa_pool_add_env(struct fa_pool *pool, int *why)
{
	struct fa_envs *envs = pool->envs;
	struct fa_env *env = NULL;
	int slot = take_slot(pool), rc;

	*why = FAAS_ETHROTTLED;
	if (slot < 0)
		return NULL;
	*why = FAAS_ENOMEM;
	env = make_env(pool);
	if (!env)
		goto fail;
	env->slot = (uint32_t)slot;
	env->generation = pool->retired ? 0 : pool->generation;
	pthread_mutex_lock(&envs->lock);
	rc = enter_table(envs, env);
	pthread_mutex_unlock(&envs->lock);
	if (rc < 0) {
		fa_logs_finish(&env->logs);
		fa_free(env);
		goto fail;
	}
	fa_version_ref(pool->version);
	pool->alive++;
	return env;

fail:
	pool->slots[slot / 8] &= (uint8_t)~(1 << slot % 8);
	return NULL;
}

/* ---- the budget of memory -------------------------------------------- */

/* The one that has been idle longest. */
static struct fa_env *deepest(struct fa_pool *pool)
{
	struct fa_list *list = fa_list_empty(&pool->cold) ? &pool->idle : &pool->cold;

	return fa_list_empty(list) ? NULL : fa_container(list->prev, struct fa_env, link);
}

/* Of a pool's deepest. Without a process there is no cold start to be saved. */
static double worth(struct fa_pool *pool, const struct fa_env *env, int64_t now_ns)
{
	const struct fa_policy *policy = &pool->envs->policy;

	if (env->state == FA_COLD && policy->keep == FAAS_KEEP_GREEDY)
		return 0;
	return fa_policy_worth(policy, &pool->habit, pool->idle_count, env->idle_since_ns, now_ns);
}

/*
 * Under envs->lock. The pool whose deepest is worth least, locked; NULL: none has any. One that
 * somebody else has locked just now is passed over, for here the order of locks is the wrong one:
 * `missed`.
 */
static struct fa_pool *lock_poorest(struct fa_envs *envs, double *least, bool *missed)
{
	int64_t now_ns = fa_now(envs->clock);
	struct fa_pool *best = NULL;
	struct fa_list *pos;

	*least = DBL_MAX;
	*missed = false;
	fa_list_for(pos, &envs->pools) {
		struct fa_pool *pool = fa_container(pos, struct fa_pool, link);
		struct fa_env *env;
		double value;

		if (pthread_mutex_trylock(&pool->lock)) {
			*missed = true;
			continue;
		}
		env = deepest(pool);
		value = env && env->memory_mb ? worth(pool, env, now_ns) : DBL_MAX;
		if (value < *least) {
			if (best)
				pthread_mutex_unlock(&best->lock);
			best = pool;
			*least = value;
		} else {
			pthread_mutex_unlock(&pool->lock);
		}
	}
	return best;
}

/* Whoever has locked a pool may want envs->lock, and holds neither for long. */
static void let_others_pass(struct fa_envs *envs)
{
	pthread_mutex_unlock(&envs->lock);
	sched_yield();
	pthread_mutex_lock(&envs->lock);
}

/* Under envs->lock. Ends the environment that is needed least; false: none is idle. */
static bool evict_one(struct fa_envs *envs)
{
	double least;
	bool missed;
	struct fa_pool *pool = lock_poorest(envs, &least, &missed);
	struct fa_env *env;

	if (!pool && missed)
		let_others_pass(envs);
	if (!pool)
		return missed;
	env = deepest(pool);
	envs->memory_mb -= env->memory_mb;
	env->memory_mb = 0;
	fa_policy_evicted(&envs->policy, least, fa_now(envs->clock));
	pthread_mutex_unlock(&envs->lock);
	fa_env_event(env, FA_ENV_RETIRE);
	fa_shells_retire(pool);
	if (!pool->idle_count && !pool->habit.busy)
		fa_ahead_plan(pool);
	pthread_mutex_unlock(&pool->lock);
	pthread_mutex_lock(&envs->lock);
	return true;
}

static bool try_charge(struct fa_envs *envs, int memory_mb)
{
	bool fits;

	pthread_mutex_lock(&envs->lock);
	while (!(fits = envs->memory_mb + memory_mb <= envs->max_memory_mb) && evict_one(envs))
		;
	if (fits)
		envs->memory_mb += memory_mb;
	pthread_mutex_unlock(&envs->lock);
	return fits;
}

/* What is leased and not used is not idle, and not found: it has to be asked for. */
bool fa_envs_charge(struct fa_envs *envs, int memory_mb)
{
	return try_charge(envs, memory_mb) ||
	       (envs->on_crowded(envs->data) && try_charge(envs, memory_mb));
}

void fa_envs_discharge(struct fa_envs *envs, int memory_mb)
{
	pthread_mutex_lock(&envs->lock);
	envs->memory_mb -= memory_mb;
	pthread_mutex_unlock(&envs->lock);
}

struct fa_env *fa_pool_add_charged(struct fa_pool *pool, int *why)
{
	struct fa_env *env = fa_pool_add_env(pool, why);

	if (env)
		env->memory_mb = pool->version->config.memory_mb;
	return env;
}

/* ---- leasing --------------------------------------------------------- */

static struct fa_env *pop(struct fa_list *list)
{
	struct fa_env *env;

	if (fa_list_empty(list))
		return NULL;
	env = fa_container(list->next, struct fa_env, link);
	fa_env_event(env, FA_ENV_LEASE);
	return env;
}

struct fa_env *fa_pool_add(struct fa_pool *pool, enum fa_purpose purpose, int *why)
{
	int memory_mb = pool->version->config.memory_mb;
	struct fa_env *env = NULL;

	*why = FAAS_ETHROTTLED;
	if (!fa_envs_charge(pool->envs, memory_mb))
		return NULL;
	pthread_mutex_lock(&pool->lock);
	if (purpose == FA_FOR_EVENT || purpose == FA_FOR_LATER)
		env = fa_shell_take(pool);
	if (!env && !pool->envs->closing)
		env = fa_pool_add_charged(pool, why);
	if (env) {
		env->provisioned = purpose == FA_FOR_KEEPS;
		env->ahead = purpose == FA_FOR_LATER;
		env->only_template = purpose == FA_FOR_SNAPSHOT;
		fa_env_event(env, purpose == FA_FOR_EVENT ? FA_ENV_LEASE : FA_ENV_WARM);
	}
	pthread_mutex_unlock(&pool->lock);
	if (!env)
		fa_envs_discharge(pool->envs, memory_mb);
	return env;
}

struct fa_env *fa_pool_take(struct fa_pool *pool, bool behind, int *why)
{
	struct fa_env *env, *promised;
	bool crowded;

	pthread_mutex_lock(&pool->lock);
	env = pop(&pool->ready);
	if (!env)
		env = pop(&pool->idle);
	promised = env ? NULL : first_promised(pool);
	if (promised && behind) {
		env = promised;
		fa_env_event(env, FA_ENV_LEASE);
	}
	crowded = pool->unborn >= FA_UNBORN_MAX;
	if (!env && !promised && !crowded)
		env = pop(&pool->cold);
	pthread_mutex_unlock(&pool->lock);
	*why = promised || crowded ? 0 : FAAS_ENOTFOUND;
	return env;
}

struct fa_env *fa_pool_take_warm(struct fa_pool *pool)
{
	struct fa_env *env;

	pthread_mutex_lock(&pool->lock);
	env = pop(&pool->ready);
	if (!env)
		env = pop(&pool->idle);
	pthread_mutex_unlock(&pool->lock);
	return env;
}

bool fa_pool_is_current(struct fa_env *env)
{
	struct fa_pool *pool = env->pool;
	bool current;

	pthread_mutex_lock(&pool->lock);
	current = env->generation == pool->generation;
	pthread_mutex_unlock(&pool->lock);
	fa_sweep_want(pool->envs);
	return current;
}

/* ---- a pool's life --------------------------------------------------- */

/* The list changes on the loop only, so the loop reads it without the lock. */
static void enter_pools(struct fa_call *call)
{
	struct fa_pool *pool = fa_container(call, struct fa_pool, enter);

	pthread_mutex_lock(&pool->envs->lock);
	fa_list_append(&pool->envs->pools, &pool->link);
	pthread_mutex_unlock(&pool->envs->lock);
}

struct fa_pool *fa_pool_create(struct fa_envs *envs, struct fa_version *version)
{
	struct fa_pool *pool = fa_alloc(envs->mem, sizeof(*pool));

	if (!pool)
		return NULL;
	pthread_mutex_init(&pool->lock, NULL);
	pool->envs = envs;
	pool->version = version;
	pool->kind = version->config.isolation == FAAS_THREAD ? &fa_env_thread : &fa_env_process;
	pool->generation = 1;
	pool->nest.watch.fd = -1;
	pool->watch_nest.run = fa_pool_watch_nest;
	fa_heir_init(pool);
	pool->ahead_ns = INT64_MAX;
	pool->habit.memory_mb = version->config.memory_mb;
	fa_provision_init(pool);
	fa_snap_init(pool);
	fa_list_init(&pool->ready);
	fa_list_init(&pool->idle);
	fa_list_init(&pool->cold);
	fa_list_init(&pool->away);
	pool->enter.run = enter_pools;
	fa_list_init(&pool->link);
	fa_list_init(&pool->shells);
	fa_list_init(&pool->shell_link);
	fa_loop_call(envs->loop, &pool->enter);
	return pool;
}

void fa_pool_destroy(struct fa_pool *pool)
{
	struct fa_envs *envs;

	if (!pool)
		return;
	envs = pool->envs;
	fa_pool_close_nest(pool);
	pthread_mutex_lock(&envs->lock);
	fa_list_remove(&pool->link);
	fa_list_remove(&pool->shell_link);
	pthread_mutex_unlock(&envs->lock);
	fa_provision_finish(pool);
	pthread_mutex_destroy(&pool->lock);
	fa_free(pool->plugin);
	fa_free(pool);
}

static void renew(struct fa_pool *pool, bool retired)
{
	struct fa_list *lists[] = { &pool->ready, &pool->idle, &pool->cold, &pool->away };

	pthread_mutex_lock(&pool->lock);
	pool->retired |= retired;
	if (!++pool->generation)
		pool->generation = 1;
	for (unsigned i = 0; i < 4; i++) {
		struct fa_list *pos, *next;

		fa_list_for_safe(pos, next, lists[i])
			fa_env_event(fa_container(pos, struct fa_env, link), FA_ENV_RETIRE);
	}
	if (retired)
		fa_shells_retire(pool);
	fa_provision_want(pool);
	pthread_mutex_unlock(&pool->lock);
}

void fa_pool_recycle(struct fa_pool *pool)
{
	renew(pool, false);
}

void fa_pool_retire(struct fa_pool *pool)
{
	renew(pool, true);
}
