/* SPDX-License-Identifier: MIT */
#ifndef FA_SOURCE_MAPPING_H
#define FA_SOURCE_MAPPING_H

#include <source/config.h>

#define FA_MAPPING_DOCUMENT ":mapping:" /* and its UUID: where it is kept */

/* In the words of the API. */
enum fa_mapping_state {
	FA_MAPPING_CREATING,
	FA_MAPPING_ENABLED,
	FA_MAPPING_DISABLING,
	FA_MAPPING_DISABLED,
	FA_MAPPING_UPDATING,
	FA_MAPPING_DELETING,
};

/*
 * The lock of fa_sources holds what control operations see; the loop alone changes `state`
 * but to DELETING and UPDATING, `config` is written by the loop under the lock.
 */
/* What comes of one that has done what it was for. */
enum fa_mapping_end { FA_END_NONE = 0, FA_END_COMPLETES, FA_END_RETIRES };

struct fa_mapping {
	struct fa_sources *all;
	char uuid[37];
	enum fa_mapping_state state;       /* [lock] */
	struct fa_mapping_config *config;  /* [lock], read by the loop without it */
	struct fa_mapping_config *next;    /* [lock] what is to be done from now on */
	int64_t adopted;                   /* [lock] so many configurations were before this one */
	bool called;                       /* [lock] `call` is queued */
	struct fa_call call;
	const char *_Atomic last_result;   /* of sources with shards, in the words of the API */

	/* [loop] */
	bool alive;                        /* the source is open, or is to be closed */
	struct fa_list living;             /* in fa_sources.alive, until it is to be closed */
	bool stopping;                     /* nothing begins any more */
	bool pumping, again;               /* see fa_mapping_pump() */
	struct fa_list orphan;             /* in fa_sources.orphans: its function is not there,
					    or may not be invoked by it */
	struct faas_source source;
	struct fa_list buffer;             /* of struct fa_fetched, that no batch has yet */
	int buffered;
	size_t buffered_bytes;
	bool flush;                        /* the window is over for all that is buffered */
	struct fa_timer window, growth;
	struct fa_timer retry;             /* to open or to change it, if memory was out */
	struct fa_list batches;            /* of struct fa_batch: they run, or wait to */
	int running;
	int limit;                         /* of `running`, for now */
	struct fa_map groups;              /* of struct fa_group, those that a batch has */
	struct {
		struct fa_chore chore;     /* its own while it is under way; see over.c */
		enum fa_mapping_end doing, next; /* next: was asked for meanwhile */
		bool forgets;              /* meanwhile it was deleted */
		int64_t adopted;           /* what that was when it began */
		char arn[FA_ADDRESS_ARN + 40]; /* what its messages are told to be of; or "" */
	} over;
};

/* [loop] It has done what it was for: it is disabled, and so written down, a little later. */
void fa_mapping_complete(struct fa_mapping *mapping);
/*
 * [loop] Delete it, a little later, if it is complete and was told to go then, unless what it has
 * sent is still on its way: how long that is tried, and its dead letter, are the mapping's.
 */
void fa_mapping_retire(struct fa_mapping *mapping);
/* On a thread: one of the two, as `over` says; for over.c. */
void fa_mapping_conclude(struct fa_mapping *mapping);
/* [loop] Whether over.c has it in hand, and gives it to fa_mapping_forget() behind that. */
bool fa_mapping_is_held(struct fa_mapping *mapping);
/* [loop] It was deleted, and closed. */
void fa_mapping_forget(struct fa_mapping *mapping);
/* Under the lock: the loop has something to do for it. */
void fa_mapping_call(struct fa_mapping *mapping);
/* Nobody knows of it yet, or nobody does any more. */
struct fa_mapping *fa_mapping_create(struct fa_sources *all, struct fa_mapping_config *config);
void fa_mapping_free(struct fa_mapping *mapping);

/* ---- [loop] between mapping.c and batch.c ------------------------------- */

struct fa_batch;

/* Whether there is a function that may be invoked; if not, the mapping waits for it. */
bool fa_mapping_may_take(struct fa_mapping *mapping);
/* Begin what can begin, and want what can be taken. */
void fa_mapping_pump(struct fa_mapping *mapping);
/* A batch is over. */
void fa_mapping_ended(struct fa_mapping *mapping);
/* It was throttled: fewer at a time from now on. */
void fa_mapping_slow_down(struct fa_mapping *mapping);

/* Make a batch of what is buffered and run it; false: there is nothing that may run. */
bool fa_batch_begin(struct fa_mapping *mapping);
/* Those that wait to be tried again are over. */
void fa_batches_give_up(struct fa_mapping *mapping);
/* Settle those that no filter lets through: they are done, and gone from the list. */
void fa_batch_filter(struct fa_mapping *mapping, struct fa_list *fetched);
/* Settle what no function has seen, and free it. */
void fa_batch_unseen(struct fa_mapping *mapping, struct fa_list *items);

/* Start a timer that does not run yet. */
void fa_mapping_arm(struct fa_mapping *mapping, struct fa_timer *timer, int64_t ms);
/* A metric of its function; or only if it is to be counted, and is not 0. */
void fa_mapping_tell(struct fa_mapping *mapping, const char *name, const char *unit,
		     double value);
void fa_mapping_metric(struct fa_mapping *mapping, const char *name, int count);

#endif
