/* SPDX-License-Identifier: MIT */
#ifndef FA_RUNTIME_H
#define FA_RUNTIME_H

#include <pthread.h>
#include <stdatomic.h>

#include <admit/quota.h>
#include <base/chores.h>
#include <calls.h>
#include <env/pool.h>
#include <model/bucket.h>
#include <model/file_system.h>
#include <model/image_name.h>
#include <model/layers.h>
#include <model/queue.h>
#include <model/registry.h>
#include <model/sealed.h>
#include <model/store/store.h>
#include <model/table.h>
#include <model/vpc.h>
#include <outcome/tell.h>
#include <seat.h>
#include <secrets.h>

/* Events that outlive the program, see durable.c. */
struct fa_durable {
	struct fa_store *store;     /* of messages, too */
	bool lasts;                 /* else events are not in it: they end with the program */
	_Atomic bool scrub;         /* wipe what was replaced off the disk, see recall.c */
	struct fa_store_op claim;
	struct fa_call claimed_call, kick, open_call;
	struct fa_timer due;
	_Atomic bool kicked;
	bool begun;                 /* [loop] there is a function, or there was time for one */
	bool claiming;              /* [loop] */
	_Atomic int open;           /* operations that the store has */
	int64_t next_ms;            /* [loop] when something is due; INT64_MAX: never */
	int64_t stall_ms;           /* [loop] when too many have waited too long; 0: they do not */
	_Atomic size_t bytes;       /* payloads in hand */
	_Atomic int in_hand;
};

/* What came to be without a change and could not be written is tried again, see changes.c. */
struct fa_rewrite {
	struct fa_call call;
	struct fa_timer due;
	struct fa_chore chore;
	_Atomic int64_t pause_ms;   /* [loop] writes it: before the next try */
	_Atomic bool asked;
};

/* Messages on their way, see deliver.c. */
struct fa_deliver {
	struct fa_store_op fetch;
	struct fa_call fetched_call, kick;
	struct fa_timer due;
	_Atomic bool kicked, begun;
	int open;                   /* [loop] deliveries, and the fetch */
	int64_t next_ms;            /* [loop] when something is due; INT64_MAX: never */
};

/*
 * Another way in, with descriptors of its own on the loop. It closes when the runtime
 * does, first in order and then, with `hurry`, at once; it says `ended`, asks for
 * fa_check_closed(), and is freed when nobody can be inside any more.
 */
struct fa_door {
	struct fa_list link;
	bool ended;
	void (*close)(struct fa_door *door, bool hurry);
	void (*free)(struct fa_door *door);
};

/* What there is one of per runtime. Shared by faas.c, functions.c and invoke.c only. */
struct faas {
	struct fa_mem mem;
	_Atomic bool ran_out;   /* of memory, at any time */
	_Atomic bool recalling; /* not all that the last program left is there yet */
	const struct fa_clock *clock;
	struct faas_config config; /* strings owned */
	uv_loop_t own_loop;
	bool owns_loop, joined;    /* joined: somebody waits in faas_destroy() */
	pthread_t thread;

	struct fa_loop loop;
	struct fa_registry registry;
	struct fa_packages packages;
	_Atomic uint32_t readers; /* of ZIPs that were started */
	struct fa_layers layers;
	struct fa_chores chores;    /* code is made by them, see build.c */
	struct fa_call sweep;       /* of what nobody uses any more in there */
	_Atomic bool sweeping;
	struct fa_keys keys;
	struct fa_file_systems file_systems;
	struct fa_vpcs vpcs;
	struct fa_image_names images;
	struct fa_vault vault;
	struct fa_calls calls;
	struct fa_named queues, streams, tables, buckets; /* what was said of them */
	struct fa_resource *resource; /* of them, which the change that is open is about; or NULL */
	pthread_mutex_t pending_lock; /* of what follows; never held for long */
	struct fa_map pending;      /* name -> what could not be made again */
	struct fa_envs envs;
	struct fa_tell tell;
	struct fa_account account;
	struct fa_durable durable;
	struct fa_deliver deliver;
	struct fa_rewrite rewrite;

	struct fa_version *found;   /* [loop] of the last plain name; no reference: see arrive.c */
	uint32_t found_changes;     /* of the registry, when that was found */
	struct fa_list invocations; /* [loop] that wait or run there */
	struct fa_list unused;      /* [loop] small ones, to be used again */
	int unused_count;
	char *scratch;              /* [loop] the answer that a callback is shown */
	size_t scratch_size;
	struct fa_list ending;      /* [loop] runners whose version nobody refers to */
	struct fa_list hungry;      /* [loop] runners that somebody waits for */
	_Atomic uint64_t callers;   /* threads inside a call, see fa_enter() */
	_Atomic int waiting;        /* [loop] writes it: invocations that wait for capacity */
	struct fa_call pump;
	struct fa_timer growth;     /* [loop] a function may have another environment */
	_Atomic bool pumping;
	_Atomic uint64_t serial;    /* of invocation ids */
	uint64_t loop_serial;       /* [loop] of those that are made there */
	_Atomic int64_t unix_offset_ns, offset_age_ns;

	struct fa_counts counts;    /* of threads without a seat */
	struct fa_counts loop_counts; /* [loop] writes them */
	_Atomic uint64_t throttled, dropped;
	_Atomic int queued;         /* asynchronous events that have not ended */

	struct fa_sources *sources;

	struct fa_list doors;       /* [loop] others that have to close before it does */

	bool closing;               /* [loop] */
	bool quiet;                 /* [loop] nobody is inside, nothing of theirs is queued */
	bool finishing;             /* [loop] nothing may be left behind */
	struct fa_call close_call, check_call, quiet_call;
	bool quiet_queued;          /* [loop] */
	_Atomic bool checking;
	struct fa_timer grace;
	int grace_ms;
	void (*on_closed)(void *data);
	void *closed_data;

	struct fa_seat seats[FA_SEATS];
};

/* A runtime on a clock of the test's. */
struct faas *fa_create(const struct faas_config *config, const struct fa_clock *clock,
		       struct faas_error *err);

/*
 * Enter and leave a call: the runtime stays while somebody is inside. Enter is
 * refused (FAAS_ECANCELED) once it is closing. What the caller posted to the
 * loop while inside runs before the runtime ends. `callers` counts those inside
 * in its lower half, those on their last step out in its upper half, and its
 * top bit says that it is closing.
 */
#define FA_LEAVING (UINT64_C(1) << 32)
#define FA_CLOSING (UINT64_C(1) << 63)

static inline bool fa_is_closing(const struct faas *rt)
{
	return atomic_load_explicit(&rt->callers, memory_order_relaxed) & FA_CLOSING;
}

int fa_enter(struct faas *rt, struct faas_error *err);
void fa_leave(struct faas *rt);

/*
 * The same for who leaves on the thread on which he entered. On the loop's nobody is counted: a
 * runtime closes there, and what was posted there before is behind it by then.
 */
static inline int fa_enter_here(struct faas *rt, struct faas_error *err)
{
	return fa_loop_here(&rt->loop) && !fa_is_closing(rt) ? 0 : fa_enter(rt, err);
}

static inline void fa_leave_here(struct faas *rt)
{
	if (!fa_loop_here(&rt->loop))
		fa_leave(rt);
}

/* Inside: enter once more, which is not refused. */
static inline void fa_stay(struct faas *rt)
{
	atomic_fetch_add_explicit(&rt->callers, 1, memory_order_relaxed);
}

int fa_durable_open(struct faas *rt, struct faas_error *err);
/* [loop] No operation is open. */
void fa_durable_close(struct faas *rt);
/* Any thread: there is a function; events may wait for it. */
void fa_durable_begin(struct faas *rt); /* the loop is open, and no function is there yet */
void fa_durable_kick(struct faas *rt);
bool fa_durable_is_idle(const struct faas *rt); /* [loop] */
/* [loop] The runtime ends: do not wait for room on the disk. */
void fa_durable_hurry(struct faas *rt);
void fa_durable_stats(struct faas *rt, struct faas_stats *stats);

void fa_deliver_init(struct faas *rt);
/* Any thread: who subscribed is known, so that what is there may go to them. */
void fa_deliver_begin(struct faas *rt);
/* Any thread: something is on its way. */
void fa_deliver_kick(struct faas *rt);

/* source/: where events come from. FAAS_ENOMEM; it is one of the doors. */
int fa_sources_create(struct faas *rt);
void fa_sources_free(struct faas *rt);
/* What the last program left, but for what this one has no source of; then it begins. */
int fa_sources_recall(struct faas *rt, struct faas_error *err);
void fa_sources_begin(struct faas *rt);
/* Any thread: a name may lead to a function that did not before. */
void fa_sources_functions(struct faas *rt);
/* Any thread: a message came to lie in this queue. For the store: data is the runtime. */
void fa_sources_lying(void *data, struct faas_bytes address);

/* What is sent in the commit that removes a message: each of one block, the body first. */
struct fa_onward {
	int count, room;
	struct fa_message *messages;
};

void fa_onward_free(struct fa_onward *onward);
/* [loop] What follows a message to a topic or a bus. FAAS_ENOMEM, or FAAS_ECANCELED: it ends. */
int fa_sources_fan(struct faas *rt, const struct fa_message *message, struct fa_onward *onward);
/*
 * Whether the policy of the function lets the topic or the bus of this message invoke it.
 * FAAS_EDENIED; FAAS_ENOMEM.
 */
int fa_sources_may_push(struct faas *rt, const struct fa_message *message, const char *function,
			struct faas_error *err);
/* [loop] One that a mapping pushed is through, delivered or given up. */
void fa_sources_pushed(struct faas *rt, const struct fa_message *message);
/*
 * [loop] One that a mapping pushed was not delivered, for `why`. True: no more attempts, and
 * `onward` has its dead letter, if somebody gets one. Else the next is at again_ms (INT64_MAX: it
 * would be in vain).
 */
#define FA_PUSH_AGE_MS (86400 * INT64_C(1000)) /* where the mapping is gone */
bool fa_sources_give_up(struct faas *rt, const struct fa_message *message, int64_t again_ms,
			const struct faas_error *why, struct fa_onward *onward);

/* Any thread: something ended; a closing runtime may be finished now. */
void fa_check_closed(struct faas *rt);

#endif
