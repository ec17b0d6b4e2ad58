/* SPDX-License-Identifier: MIT */
#ifndef FA_ENV_ENV_H
#define FA_ENV_ENV_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <base/list.h>
#include <base/loop.h>
#include <env/kit.h>
#include <env/logs.h>
#include <env/policy.h>
#include <env/supervisor.h>
#include <faas/faas.h>
#include <model/job.h>

struct fa_version;
struct fa_trouble;
struct fa_pool;
struct fa_env;

/* ---- environments ---------------------------------------------------- */

enum fa_env_state {
	FA_COLD = 0, /* no process; its /tmp and log stream are kept */
	FA_STARTING, /* being initialised ahead of any event */
	FA_IDLE,
	FA_BUSY,
	FA_CRASHED,  /* its process is gone, its holder has yet to see it */
	FA_DYING,    /* killed; its end is not reported yet */
	FA_HEIR,     /* initialised, and takes over when another one is reset */
	FA_SHELL,    /* born ahead, and nothing of the function is in it yet; see shell.c */
	FA_ENV_STATES,
};

enum fa_env_event {
	FA_ENV_LEASE,  /* somebody takes it for a job */
	FA_ENV_WARM,   /* it shall be initialised ahead of any event */
	FA_ENV_READY,  /* initialised ahead */
	FA_ENV_DONE,   /* the holder is finished; the process may serve again */
	FA_ENV_BREAK,  /* the holder is finished; the process must go */
	FA_ENV_EXIT,   /* its process has ended */
	FA_ENV_RETIRE, /* idle for too long, or its function changed */
	FA_ENV_AHEAD,  /* it shall be born, and wait */
	FA_ENV_EVENTS,
};

/*
 * One kind of environment. `call` and `wait` run on the thread that holds the
 * lease, everything else under the pool's lock.
 */
struct fa_env_kind {
	const char *name;
	bool steady; /* it does not end by itself between two jobs */
	/* Make the process; what is posted before it is ready waits. 0 or -errno. */
	int (*birth)(struct fa_env *env);
	/* Make a process that waits for birth(). 0 or -errno. NULL: that would save nothing. */
	int (*prepare)(struct fa_env *env);
	/* Hand a job over. flags: enum fa_request_flags; with FA_REQ_ASYNC ring() follows. */
	void (*post)(struct fa_env *env, struct fa_job *job, unsigned flags);
	/* [loop] What was posted may begin, and its time does: one wake-up for all of it. */
	void (*ring)(struct fa_env *env, int64_t now_ns);
	/*
	 * [loop] Take back what was posted behind the oldest job. False: it may have
	 * begun. NULL: never.
	 */
	bool (*recall)(struct fa_env *env);
	/* Block until the posted job has a verdict. */
	void (*wait)(struct fa_env *env, struct fa_job *job);
	/* [loop] Whether poll() has anything to say; cheap. */
	bool (*has_news)(struct fa_env *env);
	/* [loop] Verdict of the oldest posted job, if there is one by now. */
	bool (*poll)(struct fa_env *env, struct fa_job *job, int64_t now_ns);
	/* [loop] How long to wait awake for its answer, ns; 0: that would take its CPU. */
	int64_t (*patience)(struct fa_env *env);
	/* [loop] When to look at the job again for its deadline; a verdict if that is over. */
	int64_t (*check)(struct fa_env *env, struct fa_job *job, int64_t now_ns);
	/*
	 * [loop] Before the oldest job is ended from outside: begin nothing after
	 * it, or it would run twice. False: it has its verdict by now.
	 */
	bool (*stop)(struct fa_env *env);
	/* [loop] Its bell rang: nothing is believed of it but that it rang. */
	void (*rung)(struct fa_env *env);
	/* [loop] The secret that was asked for by this number; NULL: there is none. */
	void (*give)(struct fa_env *env, uint32_t serial, const struct faas_bytes *value);
	/* [loop] What came of the call of this number: 0 or a faas_code, and its words. */
	void (*reply)(struct fa_env *env, uint32_t serial, int code, struct faas_bytes words);
	/* The answer of this job, the last one done, has been copied. */
	void (*taken)(struct fa_env *env, const struct fa_job *job);
	/* It is idle: stand still until something is posted. NULL: it cannot be made to. */
	void (*freeze)(struct fa_env *env);
	/* Begin the end: politely if it wants to be told, else at once. */
	void (*retire)(struct fa_env *env);
	void (*kill)(struct fa_env *env);
	/* Its process is gone: release what belonged to it. */
	void (*bury)(struct fa_env *env);
	/* The environment itself goes. */
	void (*finish)(struct fa_env *env);
};

extern const struct fa_env_kind fa_env_process;
extern const struct fa_env_kind fa_env_thread;

enum fa_fate { FA_ALIVE = 0, FA_DEAD, FA_CALLED_OFF };

struct fa_env {
	struct fa_list link;      /* in a list of its pool, by state */
	struct fa_list scan;      /* [loop] in fa_envs.scanned while it runs jobs of the loop */
	struct fa_list lease;     /* [loop] for who holds it */
	int leased;               /* for who holds it */
	struct fa_list unrung;    /* [loop] in fa_envs.unrung: posted to, not yet told so */
	struct fa_list shelf;     /* in fa_pool.shells while it is one */
	bool minded;              /* [loop] others wait for its jobs, see fa_env_mind() */
	struct fa_pool *pool;
	const struct fa_env_kind *kind;
	enum fa_env_state state;
	uint32_t id, slot;        /* slot: in its pool; where environments have users, its user */
	bool provisioned;         /* kept, and started again when it ends; see provision.h */
	uint32_t generation;      /* of the pool when it was made; another one: it is old */
	int memory_mb;            /* charged to the runtime's budget; 0: no longer */
	int64_t idle_since_ns;    /* -1: it is not; FA_KEPT: and never too long */
	struct fa_turn turn;      /* for the policy: its lease */
	bool ahead;               /* started ahead of an event that the policy expects */
	bool promised;            /* in its init, and the next event without another one's */
	uint64_t random[4];
	char stream[80];
	struct fa_logs logs;
	struct fa_call free_call, grace_call;
	struct fa_timer grace;

	/* the current process */
	struct fa_kit *kit;       /* NULL: there is none */
	int pidfd, mount_ns;      /* -1: unknown yet; the mount namespace outlives processes */
	_Atomic int pid;          /* as the host sees it; 0: unknown yet */
	struct fa_watch bell;
	bool unborn;              /* asked for, not reported yet */
	bool shell;               /* the process waits for the function */
	bool template;            /* the process is the template; its own follows */
	bool only_template;       /* and none follows, see snap.h */
	bool left_snapshot;       /* it ended as a template should, in the word of its nest */
	bool doomed;              /* it was sent its signal, or is as soon as it is reported */
	bool inited_before;       /* init was tried: the next one is part of the invocation */
	bool suppressed;          /* this process's init is */
	bool fresh;               /* this process has not answered yet */
	bool frozen;              /* it was stopped, see freeze.h */
	uint32_t want, rung, done; /* sequence numbers posted, told of, and answered */
	uint32_t seen;            /* [loop] what was answered when that was last looked at */
	uint32_t stream_taken;    /* bytes of streamed responses */
	size_t large;             /* bytes of a pristine function's last request at FA_BIG_OFF */
	uint64_t tokens[FA_DEPTH];
	struct fa_job *jobs[FA_DEPTH];
	struct fa_job start_job;  /* [loop] to be initialised ahead of any event */
	_Atomic uint32_t junk;    /* returns without an answer since the last answer */
	_Atomic uint32_t calls;   /* that its handler made of others since then */
	_Atomic uint32_t calling; /* one of them is open */
	uint32_t calling_seq;     /* [loop] during this request */
	_Atomic uint32_t replied; /* bytes of the longest reply since they were last wiped */
	int64_t birth_ns, init_done_ns, check_ns;
	int64_t ended_ns;         /* of its last job; 0: ask the clock */
	int64_t began_ns;         /* of the first job of this lease; 0: not known */
	int64_t cold_ns;          /* the init of this lease took so long; 0: there was none */
	int64_t cpu_seen_ns, peak_kb;
	int64_t sampled_ns;       /* when peak_kb was last read; 0: it is not of this process */
	uint32_t cpu_guesses;     /* short jobs since the last look at the clock */
	int64_t cpu_guessed_ns;   /* what they were given */
	int64_t cpu_average_ns;   /* of a job, at the last look */
	bool cpu_averaged;        /* there was one that tells */
	uint64_t served;
	_Atomic uint32_t cancel;  /* private futex: bumped when `fate` changes */
	_Atomic uint32_t fate;    /* enum fa_fate */
	int exit_status, exit_error;
	int64_t exit_rss_kb, exit_cpu_ns;
	char exit_step[64];

	void *thread;             /* of the kind thread */
	struct fa_env *heir;      /* made because this one is late; shares its /tmp and name */
	struct fa_env *heir_of;
};

#define FA_KEPT INT64_MAX

/* What a handler wants of others. What it says of that is hostile: `body` may change any time. */
struct fa_called {
	uint32_t serial;
	bool publishes;          /* else it invokes, and waits for the answer */
	const char *name;        /* 1 to FA_QUESTION_NAME printable characters */
	const char *group;       /* "": none */
	struct faas_bytes body;
	const char *trace;       /* header of the event that it is done for, or ""; ours */
};

/* ---- all environments of a runtime ----------------------------------- */

struct fa_shells {
	struct fa_list wanted, made; /* pools, by fa_pool.shell_link; made: the latest first, and
				      * some that have none left */
	int count;                   /* of all functions */
	struct fa_call call;
	_Atomic bool called;
};

struct fa_envs {
	const struct fa_mem *mem;
	const struct fa_clock *clock;
	struct fa_loop *loop;
	struct fa_supervisor supervisor;
	pthread_mutex_t lock;      /* of what follows, and a pool's lock is taken before it */
	struct fa_env **table;     /* by the low bits of the id */
	uint32_t table_size, serial, nests;
	struct fa_kit *kits;
	int kit_count;
	_Atomic bool bursts;       /* one was seen: more are kept ready */
	int64_t memory_mb;         /* configured memory of what is alive */
	int64_t max_memory_mb;
	struct fa_list pools;
	struct fa_list scanned;    /* [loop] */
	int64_t turn_ns;           /* [loop] the time of this turn; 0: nobody asked yet */
	struct fa_list unrung;     /* [loop] */
	struct fa_timer deadline;  /* [loop] */
	struct fa_policy policy;
	struct fa_timer sweep;     /* [loop] ends what was idle for too long */
	struct fa_timer ahead;     /* [loop] starts what the policy expects to be needed */
	struct fa_shells shells;
	struct fa_timer provide;   /* [loop] starts again what failed to start */
	struct fa_timer inactive;  /* [loop] gives up snapshots that nobody uses */
	_Atomic bool sweeping;
	struct fa_timer fill_kits; /* [loop] */
	struct fa_call hurry;      /* the last kit was taken */
	_Atomic bool hurried;      /* hurry is queued */
	int64_t born_ns;           /* [loop] when the last one was reported born */
	struct fa_call start_sweep, start_ahead;
	_Atomic bool planning;     /* start_ahead is queued */
	int64_t init_limit_ns;
	_Atomic bool closing;      /* nothing is born any more */
	bool multiprocessor, cpu_cap;
	int64_t inactive_ns;       /* a snapshot that nobody uses is kept so long; 0: for ever */
	int64_t max_age_ns;        /* of a process that has just answered; 0: any */
	int64_t floor_kb;          /* what the supervisor, a process of the same program, needs */
	unsigned weak_layers, weak_checks; /* positive controls of the tests */
	_Atomic uint64_t cold_starts;

	/* upwards; set by the conductor */
	void (*on_begin)(void *data, struct fa_env *env, struct fa_job *job);   /* [loop] */
	void (*on_verdict)(void *data, struct fa_env *env, struct fa_job *job); /* [loop] */
	/*
	 * [loop] A part of a job's answer; `http`: of one that begins with a head of HTTP. The job
	 * may be paused in here, and nothing else done to it.
	 */
	void (*on_part)(void *data, struct fa_env *env, struct fa_job *job, struct faas_bytes part,
			bool http);
	/* [loop] A provisioned one, or a snapshot, was initialised, or could not be. */
	void (*on_started)(void *data, struct fa_env *env, const struct fa_job *job);
	/*
	 * [loop] The snapshot that was wanted is there, or there will be none: this is why.
	 * fa_snap_told() follows, now or later, when all that comes of it has happened.
	 */
	void (*on_snapshot)(void *data, struct fa_pool *pool, const struct fa_trouble *why);
	/* [loop] Under its lock: its version becomes inactive, and nothing is kept of it. */
	void (*on_inactive)(void *data, struct fa_pool *pool);
	/* [loop] A handler asks for a secret: kind->give() follows, now or later, or never. */
	void (*on_ask)(void *data, struct fa_env *env, uint32_t serial, const char *name,
		       const char *version);
	/* [loop] It calls somebody: kind->reply() follows, now or later, or never. */
	void (*on_call)(void *data, struct fa_env *env, const struct fa_called *called);
	void (*on_capacity)(void *data); /* any thread, a pool's lock may be held */
	void (*on_line)(void *data, struct fa_env *env, const char *request_id, int level,
			const char *text, size_t len); /* any thread, under the logs' lock */
	void (*on_dropped)(void *data, struct fa_env *env, const char *request_id, uint64_t bytes);
	void (*on_gone)(void *data);     /* [loop] an environment is freed */
	void (*on_sweep)(void *data);    /* [loop] idle ones that are kept leased, too */
	/* Any thread, no lock is held: memory is short. Whether leases were given back. */
	bool (*on_crowded)(void *data);
	void *data;
	bool listening;                  /* somebody wants lines */
};

/*
 * Init gets so long on its own (semantics 3.1.3); after that it is repeated as
 * part of the invocation.
 */
#define FA_INIT_LIMIT_NS 10000000000LL
#define FA_SHUTDOWN_GRACE_MS 2000 /* for the shutdown hook */

/* Change the state; the one place that does. Under the pool's lock. */
void fa_env_event(struct fa_env *env, enum fa_env_event event);

/* Give the job its request id, unless it has one. */
void fa_env_name(struct fa_env *env, struct fa_job *job);
/* Give a leased environment back: `stays` false: its process must go. Any thread. */
void fa_env_done(struct fa_env *env, bool stays);
/* Whether the next job meets a process that has to be initialised first, outside of it. */
bool fa_env_is_cold(const struct fa_env *env);
/* Its init takes none of the oldest job's time, as far as it is not over yet. */
bool fa_env_has_init(const struct fa_env *env);
/* The job ended before its process was initialised. */
void fa_env_fail_init(const struct fa_env *env, struct fa_job *job);
/* That process has to be gone first, or whoever comes next would not find its /tmp. */
bool fa_env_lingers(struct fa_env *env, const struct fa_job *job);
/* Run one job from begin to verdict on this thread. */
void fa_env_call(struct fa_env *env, struct fa_job *job);
/* [loop] Hand a job over; its verdict arrives through on_verdict. */
void fa_env_submit(struct fa_env *env, struct fa_job *job);
/* [loop] Initialise an environment that is FA_STARTING; it is parked when it is ready. */
void fa_env_start(struct fa_env *env, int64_t limit_ns);
/* Kill the process of a leased environment now; giving it back comes later. */
void fa_env_condemn(struct fa_env *env);
/* [loop] It is in its init, and nobody stands behind that. */
bool fa_env_is_starting(const struct fa_env *env);
/* [loop] Jobs in flight. */
static inline uint32_t fa_env_open_jobs(const struct fa_env *env)
{
	return env->want - env->done;
}
/* [loop] Initialised, alive, and not at one job for longer than others should wait behind. */
bool fa_env_is_prompt(const struct fa_env *env);
/* [loop] One that is prompt: may this job be handed over before those before it are done? */
bool fa_env_has_room(const struct fa_env *env, const struct fa_job *job, int64_t most_ns);
void fa_env_begin_to_mind(struct fa_env *env);
/* [loop] Others wait for it: should one of its jobs take long, they are told (on_capacity). */
static inline void fa_env_mind(struct fa_env *env)
{
	if (!env->minded)
		fa_env_begin_to_mind(env);
}
/* [loop] End this job if it is the one that runs; else take it back, if it has not begun. */
void fa_env_cancel(struct fa_env *env, const struct fa_job *job);
/* [loop] End the oldest job of the environment with this verdict, and the process with it. */
void fa_env_abort(struct fa_env *env, enum fa_verdict verdict);
void fa_env_call_off(struct fa_env *env); /* whoever waits for it gets FA_CANCELED */
void fa_env_died(struct fa_env *env);     /* under the pool's lock: exit_* are filled in */
uint64_t fa_env_random(struct fa_env *env);

/* [loop] NULL: there is none of this number any more. */
struct fa_env *fa_envs_find(struct fa_envs *envs, uint32_t id);
/* For the loop: the time, looked at once per turn; look for answers; the timer of deadlines. */
int64_t fa_envs_now(struct fa_envs *envs);
bool fa_envs_scan(struct fa_envs *envs);
void fa_envs_deadline(struct fa_timer *timer);

#endif
