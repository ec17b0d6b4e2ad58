/* SPDX-License-Identifier: MIT */
#ifndef FA_ENV_THREAD_H
#define FA_ENV_THREAD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/loop.h>
#include <env/redirect.h>
#include <env/wire.h>
#include <faas/plugin.h>
#include <model/job.h>
#include <model/sealed.h>

struct fa_env;
struct fa_envs;
struct fa_version;
struct fa_thread_answer;
struct fa_thread_chunk;

/*
 * The inside of the kind thread: thread.c hands jobs over and decides when it
 * ends, thread_serve.c is the thread, thread_run.c runs one event on it or on a
 * caller's, thread_context.c is what a handler can call.
 *
 * Nothing that the handler is shown belongs to the job: a job may get its
 * verdict, and be gone, while the handler still works on it. Only where the
 * caller itself runs the handler is nothing copied.
 */

#define FA_LINE_SIZE 64 /* of the cache */
#define FA_LINE _Alignas(FA_LINE_SIZE)

/* Of FA_THREAD_SMALL bytes or less: in the slot itself, and none of the heap's. */
struct fa_thread_buffer {
	unsigned char *data;
	size_t len, size;
};

#define FA_THREAD_SMALL 128

/*
 * One event in the environment, and what came of it. What is written by both sides in turn crosses
 * between their CPUs, line by line: so all that an event usually needs are two lines there
 * and one back, and those of its bytes, which begin with a line if they are few.
 */
struct fa_thread_slot {
	FA_LINE struct faas_bytes event;
	const char *meta;            /* NULL: none; see env/wire.h */
	const char *request_id;
	int64_t posted_ns, timeout_ns;
	int64_t unix_offset_ns;
	unsigned flags;              /* enum fa_request_flags */
	bool refused;                /* it could not be copied: report that */
	char own_id[40];
	struct fa_thread_buffer input; /* payload and meta, if copied */

	/* back */
	FA_LINE int64_t start_ns;
	int64_t end_ns, init_ns, cpu_ns;
	struct fa_thread_buffer answer;
	uint32_t peak_kb;
	enum fa_verdict verdict : 8;
	bool cold;                   /* init ran in it */

	/* seldom */
	FA_LINE struct fa_thread_buffer lines; /* logged before the loop told of its begin */
	uint32_t seq;                /* 0: the caller runs it */
	char error_type[64];         /* empty where all is well */
	char why[96];                /* likewise */
	FA_LINE unsigned char small_input[FA_THREAD_SMALL], small_answer[FA_THREAD_SMALL];
};

_Static_assert(offsetof(struct fa_thread_slot, start_ns) == 2 * FA_LINE_SIZE, "two there");
_Static_assert(offsetof(struct fa_thread_slot, lines) == 3 * FA_LINE_SIZE, "one back");

/* What all environments of one pool share; freed with it. */
struct fa_thread_pool {
	pthread_mutex_t lock;              /* of loading */
	const struct faas_handler *handler; /* NULL: not loaded yet */
	_Atomic int spinning;              /* threads that wait awake */
};

/* One environment. Who writes what for each event is told apart by whole lines of the cache. */
struct fa_thread {
	struct faas_context context;       /* first: a handler's pointer is ours */

	/* of who runs it just now */
	const struct faas_handler *handler; /* NULL: not initialised */
	struct faas_handler native;
	struct fa_account account;
	struct fa_thread_chunk *chunks;
	struct fa_thread_slot *slot;       /* of the running call */
	bool in_hook;                      /* of which there is no response */
	int64_t deadline_ns;
	int64_t finished_ns;               /* when the last call ended */
	int64_t took_ns;                   /* what it took */
	int64_t gap_ns;                    /* average time from an end to the next post */
	int64_t rested_ns;                 /* when it ended its last event */
	uint32_t rung;                     /* epoch of the loop when it was last woken */
	bool woke;                         /* the loop slept at the last answer */

	/* nobody's: as they were made */
	FA_LINE void *memory;              /* that this is in */
	struct fa_env *env;
	struct fa_envs *envs;
	const struct fa_version *version;
	struct fa_thread_pool *shared;
	char region[32], memory_size[12];
	struct fa_variables variables;

	/* questions: under lines_lock but for what only the handler's thread touches */
	uint32_t asked;                    /* number of its last question */
	_Atomic uint32_t answered;         /* futex: that one has its answer */
	struct fa_thread_answer *given;    /* the answer */
	struct fa_thread_answer *secrets;  /* of the running call */
	int questions, calls;
	struct fa_thread_slot inline_slot; /* on a caller's own thread */

	/* the loop's: its thread, if it ever needed one */
	FA_LINE pthread_t id;
	bool has_thread;
	int error;                         /* why it has none */
	bool ending;
	struct fa_call gone;
	pthread_mutex_t lines_lock;        /* before the lock of the logs */
	_Atomic uint32_t begun;            /* the loop told of the begin of this event */

	/*
	 * The hand-over: sequence numbers count from 1 and wrap, and are read
	 * modulo 2^31 in `turn`, which is the last one begun, times two, plus one
	 * when nothing more may begin.
	 */
	FA_LINE _Atomic uint32_t posted;
	_Atomic uint32_t loop_cpu;         /* where the loop was then */
	_Atomic uint32_t bell;             /* futex */
	FA_LINE _Atomic uint32_t finished;
	FA_LINE _Atomic uint32_t turn;
	_Atomic int64_t cpu_from_ns;       /* its clock when the event began */
	FA_LINE _Atomic uint32_t parked;   /* from here on what changes seldom */
	_Atomic int64_t wake_ns;           /* average of what waking it up takes */
	_Atomic int64_t init_done_ns;      /* 0: not yet */
	_Atomic bool farewell;             /* run the shutdown hook before the end */
	struct fa_thread_slot slots[FA_DEPTH];
};

#define FA_THREAD_STOP 1u

/* Nobody waits for what it does any more. */
static inline bool fa_thread_stopped(struct fa_thread *thread)
{
	return atomic_load_explicit(&thread->turn, memory_order_relaxed) & FA_THREAD_STOP;
}

#define FA_THREAD_GAP_MAX_NS 128000 /* a longer gap tells no more than this one */
#define FA_THREAD_SPIN_NS 8000     /* about one wake-up across CPUs, until it is known better */

const char *fa_thread_secret(struct faas_context *context, const char *name);
const char *fa_thread_secret_version(struct faas_context *context, const char *name,
				     const char *version);
void fa_thread_forget_secrets(struct fa_thread *thread);
/* [loop] */
void fa_thread_give(struct fa_env *env, uint32_t serial, const struct faas_bytes *value);
void fa_thread_reply(struct fa_env *env, uint32_t serial, int code, struct faas_bytes words);
int fa_thread_call(struct faas_context *context, const char *function, struct faas_bytes event,
		   struct faas_bytes *answer);
int fa_thread_publish(struct faas_context *context, const char *address, const char *group,
		      struct faas_bytes body, struct faas_bytes *answer);

/* Give it a thread of its own, or an `error`. */
void fa_thread_start(struct fa_thread *thread);
/* What it waits for has changed. Once per sleep of it, however many events there are. */
void fa_thread_ring(struct fa_thread *thread);
/* [loop] It may take what it is told of at once. */
bool fa_thread_is_awake(const struct fa_thread *thread);

/* Init if there was none yet, then the event. Ends with a verdict in the slot. */
void fa_thread_run(struct fa_thread *thread, struct fa_thread_slot *slot);
bool fa_thread_has_shutdown(const struct fa_thread *thread);
void fa_thread_shutdown(struct fa_thread *thread);

/* Make room for `size` bytes in all. False: out of memory. */
bool fa_thread_reserve(struct fa_thread *thread, struct fa_thread_buffer *buffer, size_t size);
/* It has this instead, as many bytes as are small (or NULL), and nothing in it. */
void fa_thread_release(struct fa_thread_buffer *buffer, unsigned char *small);

/* Around every call into the handler. Without a slot: a hook without an event. */
void fa_thread_enter(struct fa_thread *thread, struct fa_thread_slot *slot, bool in_hook,
		     int64_t deadline_ns);
void fa_thread_leave(struct fa_thread *thread);
/* Turn the answer into {"errorType":...,"errorMessage":...}. */
void fa_thread_fail(struct fa_thread *thread, enum fa_verdict verdict, const char *type,
		    const char *message);
/* [loop] The begin of this event has been told: its lines may follow. */
void fa_thread_begun(struct fa_thread *thread, uint32_t seq);
int fa_thread_context_init(struct fa_thread *thread); /* 0 or -errno */
void fa_thread_context_finish(struct fa_thread *thread);

#endif
