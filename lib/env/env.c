/* SPDX-License-Identifier: MIT */
/*
 * The environment's state machine. An environment outlives its processes: its
 * private /tmp and its log stream stay when a timeout or a crash resets it, and
 * the next lease brings a new process to life in it. Every pair of state and
 * event is decided in the table; nothing else changes a state.
 *
 * The rest is what all kinds share: a job from lease to verdict, on the
 * caller's thread (call) or on the loop (submit, scan, abort).
 */
#include <env/env.h>

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <base/text.h>
#include <env/pool.h>
#include <model/function.h>

#define LATE_NS 500000 /* a job that others should not wait behind; far above waking another */

static struct fa_job *oldest(const struct fa_env *env)
{
	return env->jobs[(env->done + 1) & (FA_DEPTH - 1)];
}

/* ---- the table ------------------------------------------------------- */

typedef void action(struct fa_env *env);

static bool old(const struct fa_env *env)
{
	return env->generation != env->pool->generation;
}

static void ignore(struct fa_env *env)
{
	(void)env;
}

static void impossible(struct fa_env *env)
{
	/* A caller broke the rules of env.h; ending the process is always safe. */
	env->generation = 0;
	env->kind->kill(env);
}

static void use(struct fa_env *env)
{
	env->state = FA_BUSY;
	fa_pool_use(env);
}

static void start(struct fa_env *env)
{
	env->state = FA_STARTING;
	fa_pool_use(env);
	if (env->ahead)
		fa_pool_promise(env);
}

/* Its init may not be over, or not begun: whoever comes next has to go through it. */
static void take_over(struct fa_env *heir)
{
	if (heir->state == FA_HEIR)
		fa_env_event(heir, FA_ENV_READY);
	else if (heir->state == FA_STARTING)
		fa_pool_promise(heir);
	else if (heir->state == FA_COLD)
		fa_pool_cool(heir);
}

/* The heir takes over name, user and /tmp; the old one will not come back. */
static void hand_down(struct fa_env *env)
{
	struct fa_env *heir = env->heir;
	uint32_t slot = env->slot;

	if (!heir)
		return;
	env->heir = heir->heir_of = NULL;
	env->generation = 0;
	env->slot = heir->slot;
	heir->slot = slot;
	heir->provisioned = env->provisioned;
	take_over(heir);
}

static void disinherit(struct fa_env *env)
{
	struct fa_env *heir = env->heir;

	if (!heir)
		return;
	env->heir = heir->heir_of = NULL;
	fa_env_event(heir, FA_ENV_RETIRE);
}

static void kill_it(struct fa_env *env)
{
	if (!env->heir && !old(env))
		fa_pool_succeed(env);
	hand_down(env);
	env->state = FA_DYING;
	env->kind->kill(env);
}

static void retire(struct fa_env *env)
{
	env->generation = 0;
	env->state = FA_DYING;
	fa_pool_use(env);
	env->kind->retire(env);
}

static void shell(struct fa_env *env)
{
	env->state = FA_SHELL;
}

static void drop(struct fa_env *env)
{
	env->kind->bury(env);
	fa_pool_drop(env);
}

static void cool(struct fa_env *env)
{
	env->kind->bury(env);
	if (old(env)) {
		fa_pool_drop(env);
		return;
	}
	env->state = FA_COLD;
	fa_pool_cool(env);
}

/* What an event left there, memory above all, is not there for ever. */
static bool has_aged(const struct fa_env *env)
{
	int64_t most_ns = env->pool->envs->max_age_ns;

	return most_ns && env->ended_ns - env->birth_ns > most_ns;
}

static void park(struct fa_env *env)
{
	disinherit(env);
	if (old(env) || has_aged(env)) {
		retire(env);
		return;
	}
	env->state = FA_IDLE;
	if (env->kind->freeze)
		env->kind->freeze(env);
	fa_pool_park(env);
}

/* Whoever stood behind its start has gone: it is for the next one. */
static void done(struct fa_env *env)
{
	if (!fa_env_is_starting(env)) {
		park(env);
		return;
	}
	env->state = FA_STARTING;
	fa_pool_use(env);
	fa_pool_promise(env);
}

static void ready(struct fa_env *env)
{
	if (env->heir_of)
		env->state = FA_HEIR;
	else
		park(env);
}

static void crashed(struct fa_env *env)
{
	hand_down(env);
	env->state = FA_CRASHED;
}

static void grow_old(struct fa_env *env)
{
	env->generation = 0;
}

/* Another one would fail likewise; but what an earlier process left in /tmp stays. */
static void stop_start(struct fa_env *env)
{
	if (!env->promised || env->ahead)
		env->generation = 0;
	kill_it(env);
}

/* The loop still waits for it, and for nothing but its process may it change state. */
static void abandon_start(struct fa_env *env)
{
	env->generation = 0;
	env->kind->kill(env);
}

#define NEVER impossible

static action *const decide[FA_ENV_STATES][FA_ENV_EVENTS] = {
	/*               LEASE  WARM   READY   DONE    BREAK       EXIT     RETIRE         AHEAD */
	[FA_COLD] =     { use,   start, NEVER,  NEVER,  NEVER,      ignore,  drop,          shell },
	[FA_STARTING] = { use,   NEVER, ready,  NEVER,  stop_start, crashed, abandon_start, NEVER },
	[FA_IDLE] =     { use,   NEVER, NEVER,  NEVER,  NEVER,      cool,    retire,        NEVER },
	[FA_BUSY] =     { NEVER, NEVER, NEVER,  done,   kill_it,    crashed, grow_old,      NEVER },
	[FA_CRASHED] =  { NEVER, NEVER, ignore, cool,   cool,       ignore,  grow_old,      NEVER },
	[FA_DYING] =    { NEVER, NEVER, ignore, ignore, ignore,     cool,    grow_old,      NEVER },
	[FA_HEIR] =     { NEVER, NEVER, park,   NEVER,  NEVER,      drop,    retire,        NEVER },
	[FA_SHELL] =    { use,   start, NEVER,  NEVER,  NEVER,      drop,    retire,        NEVER },
};

void fa_env_event(struct fa_env *env, enum fa_env_event event)
{
	decide[env->state][event](env);
}

/* ---- what all kinds share -------------------------------------------- */

static inline uint64_t rotl(uint64_t x, int k)
{
	return (x << k) | (x >> (64 - k));
}

/* xoshiro256**, seeded by the kernel per environment: tokens and request ids. */
uint64_t fa_env_random(struct fa_env *env)
{
	uint64_t *s = env->random, result = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return result;
}

void fa_env_name(struct fa_env *env, struct fa_job *job)
{
	uint64_t bits[2];

	if (job->request_id[0])
		return;
	bits[0] = fa_env_random(env);
	bits[1] = fa_env_random(env);
	fa_uuid(job->request_id, (const uint8_t *)bits);
}

/* Returns whether there is a process to post to; else the job has its verdict. */
static bool ensure_process(struct fa_env *env, struct fa_job *job)
{
	struct fa_pool *pool = env->pool;
	int rc = 0;

	if ((env->kit || env->thread) && !env->shell)
		return true;
	pthread_mutex_lock(&pool->lock);
	env->inited_before |= job->late;
	/* a closing runtime has called off what it saw; what is born now it would miss */
	rc = atomic_load(&pool->envs->closing) ? -ECANCELED : env->kind->birth(env);
	if (rc < 0)
		fa_env_event(env, FA_ENV_EXIT);
	pthread_mutex_unlock(&pool->lock);
	if (!rc)
		return true;
	job->verdict = rc == -ECANCELED ? FA_CANCELED : FA_NO_BIRTH;
	job->birth_error = -rc;
	job->start_ns = job->end_ns = fa_now(pool->envs->clock);
	strncpy(job->why, strerrordesc_np(-rc) ? strerrordesc_np(-rc) : "unknown error",
		sizeof(job->why) - 1);
	return false;
}

bool fa_env_is_cold(const struct fa_env *env)
{
	if (!env->kit && !env->thread)
		return !env->inited_before;
	return env->fresh && !env->suppressed;
}

bool fa_env_has_init(const struct fa_env *env)
{
	return env->fresh && !env->suppressed && !env->done;
}

/* Once more, inside the invocation; a snapshot has no second chance (semantics 3.1.3). */
void fa_env_fail_init(const struct fa_env *env, struct fa_job *job)
{
	job->init_failed = true;
	job->again = fa_env_has_init(env) && !env->pool->version->snapshot;
}

/* Nobody can be its heir as long as it has not been reported born. */
bool fa_env_lingers(struct fa_env *env, const struct fa_job *job)
{
	bool lingers;

	if (!job->init_failed)
		return false;
	pthread_mutex_lock(&env->pool->lock);
	lingers = env->unborn && atomic_load(&env->fate) == FA_ALIVE;
	if (lingers)
		env->kind->kill(env);
	pthread_mutex_unlock(&env->pool->lock);
	return lingers;
}

void fa_env_call(struct fa_env *env, struct fa_job *job)
{
	fa_env_name(env, job);
	if (!ensure_process(env, job))
		return;
	env->kind->post(env, job, 0);
	env->kind->wait(env, job);
}

bool fa_env_is_starting(const struct fa_env *env)
{
	return fa_env_open_jobs(env) == 1 && oldest(env) == &env->start_job;
}

/* One look at the clock per turn of the loop; what callbacks take in it makes no difference. */
int64_t fa_envs_now(struct fa_envs *envs)
{
	if (!envs->turn_ns)
		envs->turn_ns = fa_now(envs->clock);
	return envs->turn_ns;
}

static void watch_deadline(struct fa_env *env, int64_t check_ns)
{
	struct fa_envs *envs = env->pool->envs;

	env->check_ns = check_ns;
	if (!envs->deadline.index || check_ns < envs->deadline.at_ns)
		fa_loop_timer_sure(envs->loop, &envs->deadline, check_ns);
}

/* What was handed over ahead begins, and its time begins, when the one before it ends. */
static void begin(struct fa_env *env, struct fa_job *job, int64_t now_ns)
{
	struct fa_envs *envs = env->pool->envs;
	int64_t check_ns;

	job->begun = true;
	if (!job->start_ns) /* answered before it was told of: that is a lie, but has a time */
		job->start_ns = now_ns;
	if (job->start_ns < env->ended_ns)
		job->start_ns = env->ended_ns;
	if (!fa_env_is_start(env, job))
		envs->on_begin(envs->data, env, job);
	check_ns = env->kind->check(env, job, now_ns);
	if (env->minded && check_ns > now_ns + LATE_NS)
		check_ns = now_ns + LATE_NS;
	watch_deadline(env, check_ns);
}

static void submit(struct fa_env *env, struct fa_job *job, unsigned flags)
{
	struct fa_envs *envs = env->pool->envs;

	fa_env_name(env, job);
	job->begun = false;
	if (fa_list_empty(&env->scan)) {
		fa_list_append(&envs->scanned, &env->scan);
		env->minded = false;
	}
	if (!ensure_process(env, job)) {
		/* reported from the scan, as everything is */
		env->jobs[++env->want & (FA_DEPTH - 1)] = job;
		fa_loop_wake(envs->loop);
		return;
	}
	if (!fa_env_open_jobs(env))
		env->seen = env->done;
	env->kind->post(env, job, FA_REQ_ASYNC | flags);
	if (fa_list_empty(&env->unrung))
		fa_list_append(&envs->unrung, &env->unrung);
	if (fa_env_open_jobs(env) > 1)
		fa_env_mind(env);
}

void fa_env_submit(struct fa_env *env, struct fa_job *job)
{
	submit(env, job, 0);
}

void fa_env_start(struct fa_env *env, int64_t limit_ns)
{
	memset(&env->start_job, 0, sizeof(env->start_job));
	env->start_job.timeout_ns = limit_ns;
	submit(env, &env->start_job, FA_REQ_START);
}

/*
 * A start has no caller: what becomes of it is decided here, unless somebody has leased the
 * environment meanwhile and stands behind it.
 */
static void verdict(struct fa_env *env, struct fa_job *job)
{
	struct fa_pool *pool = env->pool;
	struct fa_envs *envs = pool->envs;

	if (!fa_env_is_start(env, job)) {
		envs->on_verdict(envs->data, env, job);
		return;
	}
	fa_provision_started(env, job);
	fa_snap_started(env, job);
	pthread_mutex_lock(&pool->lock);
	if (pool->heir == env) {
		pool->heir = NULL;
		pool->sparing = false;
	}
	if (!fa_list_empty(&env->lease))
		; /* whoever holds it says when it may serve again */
	else if (env->state == FA_STARTING && job->verdict == FA_REPLIED)
		fa_env_event(env, FA_ENV_READY);
	else
		fa_env_event(env, FA_ENV_BREAK);
	pthread_mutex_unlock(&pool->lock);
	envs->on_capacity(envs->data);
}

void fa_env_condemn(struct fa_env *env)
{
	pthread_mutex_lock(&env->pool->lock);
	env->kind->kill(env);
	pthread_mutex_unlock(&env->pool->lock);
}

/*
 * The process is gone or condemned: the oldest job ends with its verdict, the
 * others never began. The environment leaves the scan before anybody is told,
 * because being told may mean to use it again.
 */
static void end_all(struct fa_env *env, int64_t now_ns)
{
	struct fa_job *ended[FA_DEPTH];
	uint32_t n = 0;

	while (env->done != env->want) {
		struct fa_job *job = oldest(env);

		job->end_ns = now_ns;
		if (!job->start_ns) /* it was never told of */
			job->start_ns = now_ns;
		if (job->verdict == FA_OPEN)
			job->verdict = FA_UNSTARTED;
		env->done++;
		ended[n++] = job;
	}
	fa_list_remove(&env->scan);
	fa_list_remove(&env->unrung);
	if (n && env->state == FA_BUSY)
		fa_env_condemn(env);
	if (n)
		verdict(env, ended[0]);
	while (n > 1) /* each goes to the front of those that wait */
		verdict(env, ended[--n]);
}

/*
 * Of what was handed over in this very turn the answer may be there already: whoever woke a
 * worker on its own CPU stood still meanwhile, and the time of the turn is from before that.
 */
static int64_t look_again(struct fa_env *env, const struct fa_job *job, int64_t now_ns)
{
	if (job->start_ns < now_ns || env->ended_ns == now_ns)
		return now_ns;
	env->pool->envs->turn_ns = 0;
	return fa_envs_now(env->pool->envs);
}

static bool scan_one(struct fa_env *env)
{
	bool any = false;

	while (fa_env_open_jobs(env)) {
		struct fa_job *job = oldest(env);
		int64_t now_ns;

		if (job->begun && job->verdict == FA_OPEN && !env->kind->has_news(env))
			break;
		now_ns = fa_envs_now(env->pool->envs);

		if (!job->begun && job->verdict == FA_OPEN) {
			begin(env, job, now_ns);
			now_ns = look_again(env, job, now_ns);
		}
		if (job->verdict == FA_OPEN && !env->kind->poll(env, job, now_ns))
			break;
		if (fa_env_lingers(env, job))
			break;
		any = true;
		if (!fa_verdict_lasts(job->verdict)) {
			end_all(env, now_ns);
			return true;
		}
		env->done++;
		fa_env_note(env, job);
		/* told, its holder may give it back, and then only the scan is ours to look at */
		if (!fa_env_open_jobs(env)) {
			fa_list_remove(&env->scan);
			fa_list_remove(&env->unrung); /* it answered what it was not told of */
		}
		verdict(env, job);
		if (fa_list_empty(&env->scan))
			return true;
	}
	return any;
}

/*
 * Answers come many at a time, and each makes its caller hand over the next:
 * telling the worker once per turn instead of once per event is what depth is for.
 */
static void ring_all(struct fa_envs *envs)
{
	struct fa_list *pos;

	while ((pos = fa_list_pop(&envs->unrung))) {
		struct fa_env *env = fa_container(pos, struct fa_env, unrung);

		env->kind->ring(env, fa_envs_now(envs));
	}
}

/* Told what came, the conductor may use and end any of them: so they move one by one. */
bool fa_envs_scan(struct fa_envs *envs)
{
	struct fa_list todo, *pos;
	bool any = false;

	envs->turn_ns = 0;
	ring_all(envs);
	if (fa_list_empty(&envs->scanned))
		return false;
	fa_list_push(&envs->scanned, &todo);
	fa_list_remove(&envs->scanned);
	while ((pos = fa_list_pop(&todo))) {
		fa_list_append(&envs->scanned, pos);
		any |= scan_one(fa_container(pos, struct fa_env, scan));
	}
	envs->turn_ns = 0; /* who wakes the loop later is in another turn */
	return any || !fa_list_empty(&envs->unrung);
}

void fa_env_abort(struct fa_env *env, enum fa_verdict verdict)
{
	struct fa_job *job = oldest(env);

	if (!fa_env_open_jobs(env))
		return;
	if (!env->kind->stop(env)) {
		fa_loop_wake(env->pool->envs->loop); /* to scan */
		return;
	}
	job->verdict = verdict;
	end_all(env, fa_now(env->pool->envs->clock));
}

static bool is_late(const struct fa_env *env, int64_t now_ns)
{
	const struct fa_job *job = oldest(env);

	return fa_env_open_jobs(env) && job->begun && !fa_env_is_start(env, job) &&
	       now_ns - job->start_ns >= LATE_NS;
}

bool fa_env_is_prompt(const struct fa_env *env)
{
	return !env->fresh && !is_late(env, fa_envs_now(env->pool->envs)) &&
	       atomic_load_explicit(&env->fate, memory_order_relaxed) == FA_ALIVE;
}

/* Each job that it begins from here on may be the one that takes long: see begin(). */
void fa_env_begin_to_mind(struct fa_env *env)
{
	int64_t at_ns = fa_envs_now(env->pool->envs) + LATE_NS;

	env->minded = true;
	if (at_ns < env->check_ns)
		watch_deadline(env, at_ns);
}

/* What was handed over behind a job that takes long may find another environment. */
static void free_the_others(struct fa_env *env)
{
	struct fa_envs *envs = env->pool->envs;
	uint32_t want = env->want;

	if (fa_env_open_jobs(env) > 1 && env->kind->recall && env->kind->recall(env))
		for (; want != env->want; want--) { /* each goes to the front of those that wait */
			struct fa_job *job = env->jobs[want & (FA_DEPTH - 1)];

			job->verdict = FA_UNSTARTED;
			verdict(env, job);
		}
	envs->on_capacity(envs->data);
}

void fa_envs_deadline(struct fa_timer *timer)
{
	struct fa_envs *envs = fa_container(timer, struct fa_envs, deadline);
	int64_t now_ns = fa_now(envs->clock), first = INT64_MAX;
	struct fa_list *pos;

	fa_envs_scan(envs); /* an answer that is there counts, deadline or not */
	fa_list_for(pos, &envs->scanned) {
		struct fa_env *env = fa_container(pos, struct fa_env, scan);

		if (env->check_ns <= now_ns) {
			if (is_late(env, now_ns))
				free_the_others(env);
			env->check_ns = oldest(env)->init_failed ?
						INT64_MAX : /* its verdict is there, it lingers */
						env->kind->check(env, oldest(env), now_ns);
		}
		if (env->check_ns < first)
			first = env->check_ns;
	}
	fa_envs_scan(envs); /* tells what check() decided */
	if (first != INT64_MAX && (!timer->index || first < timer->at_ns))
		fa_loop_timer_sure(envs->loop, timer, first);
}

void fa_env_done(struct fa_env *env, bool stays)
{
	struct fa_pool *pool = env->pool;

	pthread_mutex_lock(&pool->lock);
	fa_env_event(env, stays ? FA_ENV_DONE : FA_ENV_BREAK);
	pthread_mutex_unlock(&pool->lock);
}

/* The later ones come over the earlier: also what a dead one has left may not be wanted. */
static void change_fate(struct fa_env *env, enum fa_fate fate)
{
	uint32_t was = FA_ALIVE;

	while (!atomic_compare_exchange_weak(&env->fate, &was, fate))
		if (was >= fate)
			return;
	atomic_fetch_add(&env->cancel, 1);
	syscall(SYS_futex, &env->cancel, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

void fa_env_call_off(struct fa_env *env)
{
	change_fate(env, FA_CALLED_OFF);
}

/* What stands behind another one is taken back, if it has not begun. */
void fa_env_cancel(struct fa_env *env, const struct fa_job *job)
{
	if (fa_env_open_jobs(env) && oldest(env) == job)
		fa_env_abort(env, FA_CANCELED);
	else
		free_the_others(env);
}

/* Threads have room of their own for each job, an area has it for small ones. */
static bool may_queue(const struct fa_env *env, const struct fa_job *job)
{
	if (env->thread)
		return true;
	return env->kit && env->kit->request->depth > 1 &&
	       job->payload.len + job->meta_len <= FA_INLINE;
}

bool fa_env_has_room(const struct fa_env *env, const struct fa_job *job, int64_t most_ns)
{
	uint32_t open = fa_env_open_jobs(env);

	return open < FA_DEPTH && may_queue(env, job) &&
	       (int64_t)open * fa_pool_service_ns(env->pool) < most_ns;
}

void fa_env_died(struct fa_env *env)
{
	change_fate(env, FA_DEAD);
	fa_env_event(env, FA_ENV_EXIT);
}
