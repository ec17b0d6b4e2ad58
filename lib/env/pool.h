/* SPDX-License-Identifier: MIT */
#ifndef FA_ENV_POOL_H
#define FA_ENV_POOL_H

#include <env/env.h>
#include <env/provision.h>
#include <env/snap.h>

#define FA_POOL_MAX 8192    /* environments of one function version */
#define FA_UNBORN_MAX 64    /* asked of a nest and not yet reported; more wait */

/*
 * The environments of one version, under one short lock. The idle ones form a
 * stack: the warmest caches are used first and the surplus at the bottom grows
 * old; those that are provisioned do not, and are used before them. The lock is
 * never held across a callback or a wait.
 */
struct fa_pool {
	pthread_mutex_t lock;
	struct fa_list link;       /* in fa_envs.pools */
	struct fa_envs *envs;
	struct fa_version *version; /* borrowed: the version owns the pool */
	const struct fa_env_kind *kind;
	struct fa_list ready;      /* idle and provisioned */
	struct fa_list idle, cold, away; /* away: starting, busy, crashed, dying */
	int ready_count, idle_count, alive; /* idle_count: of ready, idle and cold */
	uint32_t generation;
	struct fa_nest nest;
	bool prepared;             /* a burst was seen: the nest keeps more ready */
	bool nested;               /* the nest was asked for and is not known to be dead */
	int unborn;
	int limited;               /* environments that the control groups leave room for */
	uint8_t slots[FA_POOL_MAX / 8];
	bool retired;              /* the version is no longer current */
	struct fa_call watch_nest, enter;
	bool watch_queued;
	_Atomic int64_t newborn_kb;  /* peak of a process after its first event, as last seen */
	_Atomic uint32_t service_ns; /* average time in the handler, as claimed */
	void *plugin;              /* of the kind thread */
	struct fa_call make_spare;
	bool sparing;              /* an heir is being made */
	struct fa_env *heir;       /* [loop] this one, and it is in its init */
	struct fa_env *late;       /* for this one */
	struct fa_provision provision;
	struct fa_snap snap;
	struct fa_list shells;     /* by fa_env.shelf, the latest at the end */
	int shell_count;
	int64_t shell_born_ns; /* the last of them */
	struct fa_list shell_link; /* in one of fa_envs.shells, under its lock */
	uint32_t births;           /* that somebody waited for */
	bool shell_due;            /* some are to be made as soon as this lease is over */
	struct fa_habit habit;     /* what the policy knows of the function */
	int64_t ahead_ns;          /* one is to be started then, ahead; INT64_MAX: none */
};

/* What an event of the function takes, about, in the word of its worker; 0: not known. */
static inline int64_t fa_pool_service_ns(const struct fa_pool *pool)
{
	return atomic_load_explicit(&pool->service_ns, memory_order_relaxed);
}

/* Whether this job is the start of an environment that nobody asked for yet. */
static inline bool fa_env_is_start(const struct fa_env *env, const struct fa_job *job)
{
	return job == &env->start_job;
}

/* What the init that goes before this job may take. */
static inline int64_t fa_env_init_limit(const struct fa_env *env, const struct fa_job *job)
{
	return fa_env_is_start(env, job) ? job->timeout_ns : env->pool->envs->init_limit_ns;
}

int fa_envs_init(struct fa_envs *envs, struct fa_loop *loop, const struct fa_mem *mem,
		 const struct fa_clock *clock);
void fa_envs_finish(struct fa_envs *envs);
/* [loop] End everything; on_gone tells of each. */
void fa_envs_close(struct fa_envs *envs);
/* [loop] Whoever waits for an environment gets FA_CANCELED. */
void fa_envs_call_off(struct fa_envs *envs);

struct fa_pool *fa_pool_create(struct fa_envs *envs, struct fa_version *version);
void fa_pool_destroy(struct fa_pool *pool); /* [loop] without environments */
/* Idle ones go now, busy ones when they finish; new ones are made. */
void fa_pool_recycle(struct fa_pool *pool);
/* The same, and no new ones will be asked for. */
void fa_pool_retire(struct fa_pool *pool);

/*
 * Lease an environment that is there: a provisioned one, a warm one, one that is promised to the
 * next event and in its init, a cold one. NULL when enough are being born, or when one is
 * promised that is not to be had here (0: later; on_capacity tells), or when there is none
 * (FAAS_ENOTFOUND): fa_pool_add() makes another. `behind`: on the loop, what is posted may wait
 * behind an init.
 */
struct fa_env *fa_pool_take(struct fa_pool *pool, bool behind, int *why);
/* Lease a warm one, or NULL. */
struct fa_env *fa_pool_take_warm(struct fa_pool *pool);
/*
 * Whether a leased environment is not older than its pool: it may then be kept
 * leased without a job. When it was idle for too long, on_sweep asks for it.
 */
bool fa_pool_is_current(struct fa_env *env);

/*
 * When to look again at a job that has run since `begin_ns`; 0: its time is up. Half of a timeout
 * that is long enough is a time to look, too: the environment may have to be killed, and has its
 * heir initialised unless another one is idle anyway. Any thread; returns at once.
 */
int64_t fa_pool_next_look(struct fa_env *env, struct fa_job *job, int64_t begin_ns,
			  int64_t now_ns);

/* [loop] The pool's state of births, as the nest tells of it. */
void fa_envs_nest_dead(struct fa_envs *envs, const struct fa_ctl *ctl);
void fa_envs_lost(struct fa_envs *envs);

/* What it is made for: an event, to be provisioned, an event that is expected, a snapshot. */
enum fa_purpose { FA_FOR_EVENT, FA_FOR_KEEPS, FA_FOR_LATER, FA_FOR_SNAPSHOT };

/* A new one. NULL when there is no room (FAAS_ETHROTTLED) or no memory (FAAS_ENOMEM). */
struct fa_env *fa_pool_add(struct fa_pool *pool, enum fa_purpose purpose, int *why);

/* Under the pool's lock, not charged for: one without a process. NULL with the reason as above. */
struct fa_env *fa_pool_add_env(struct fa_pool *pool, int *why);

/* The budget of memory: whether there is room for so much more, others being ended for it. */
bool fa_envs_charge(struct fa_envs *envs, int memory_mb);
void fa_envs_discharge(struct fa_envs *envs, int memory_mb);
/* Under the pool's lock: a new one, whose memory was charged. */
struct fa_env *fa_pool_add_charged(struct fa_pool *pool, int *why);

/*
 * heir.c. Under the pool's lock: it is FA_STARTING, and the next event may have it; it is killed
 * without an heir, and gets one that has no process yet, or none, memory being out.
 */
void fa_pool_promise(struct fa_env *env);
void fa_pool_succeed(struct fa_env *env);
void fa_heir_init(struct fa_pool *pool);

/*
 * shell.c. Under the pool's lock: it was asked for, for an event; a lease is over; take a
 * shell, if there is one; it is one no longer; end all; end those that rested too long, and
 * when the next one will have, or INT64_MAX.
 */
void fa_shell_noted(struct fa_env *env);
void fa_shell_want(struct fa_pool *pool);
struct fa_env *fa_shell_take(struct fa_pool *pool);
void fa_shell_left(struct fa_env *env);
void fa_shells_retire(struct fa_pool *pool);
int64_t fa_shells_sweep(struct fa_pool *pool, int64_t now_ns);
void fa_shells_init(struct fa_envs *envs);
bool fa_shells_wanted(struct fa_envs *envs);
void fa_shells_make(struct fa_envs *envs); /* [loop] some of those that are wanted */

/* keep.c, [loop]: some were idle for too long; some are due to be started. */
int64_t fa_keep_until(struct fa_pool *pool, int idle, int64_t since_ns);
void fa_sweep_due(struct fa_timer *timer);
void fa_sweep_start(struct fa_call *call);
void fa_sweep_want(struct fa_envs *envs); /* any thread: something may be idle for too long */
void fa_ahead_due(struct fa_timer *timer);
/* Under the pool's lock: its last environment had to go. */
void fa_ahead_plan(struct fa_pool *pool);
void fa_ahead_start(struct fa_call *call); /* [loop] */

/* inactive.c, [loop]: some snapshots were not used for too long; one is there from now on. */
void fa_inactive_due(struct fa_timer *timer);
void fa_inactive_expect(struct fa_envs *envs, int64_t from_ns);

/* For the kinds: this job is done, as far as the policy goes. */
static inline void fa_env_note(struct fa_env *env, const struct fa_job *job)
{
	env->ended_ns = job->end_ns;
	if (!env->began_ns)
		env->began_ns = job->start_ns;
	if (job->init_ns)
		env->cold_ns = job->init_ns;
}

/* For env.c: move between the lists; free. */
void fa_pool_park(struct fa_env *env);
void fa_pool_cool(struct fa_env *env);
void fa_pool_use(struct fa_env *env);
void fa_pool_drop(struct fa_env *env);
void fa_pool_watch_nest(struct fa_call *call); /* [loop] */
int fa_pool_ensure_nest(struct fa_pool *pool); /* under its lock; 0 or -errno */
void fa_pool_close_nest(struct fa_pool *pool); /* [loop] under its lock, without environments */
struct fa_kit *fa_envs_take_kit(struct fa_envs *envs);
void fa_envs_want_kits(struct fa_envs *envs); /* [loop] one was used: soon make others */

#endif
