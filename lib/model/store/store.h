/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_STORE_H
#define FA_MODEL_STORE_H

#include <base/list.h>
#include <base/mem.h>
#include <faas/types.h>

/*
 * The durable queue of asynchronous events. Every change is an operation that is
 * submitted from any thread and answered, on the store's own thread, once it is on
 * the disk. What is submitted together is committed together.
 *
 * An event is in the queue, due at some time, or in hand: claimed by this program,
 * or accepted with `in_hand`. In hand it is out of the way of claims, until it is
 * completed or rescheduled. Opening the store puts all that were in hand back into
 * the queue. Times are Unix time, given by the caller.
 */
struct fa_store;

struct fa_stored {
	int64_t id; /* of the store, from 1 */
	int64_t accepted_ms, due_ms;
	int attempts, throttles;
	char request_id[40];
	struct faas_bytes function, meta, payload;
};

/* What a claim hands out, one block of memory: fa_free() it. */
struct fa_claimed {
	struct fa_list link;
	struct fa_stored event;
	char bytes[];
};

enum fa_store_verb {
	FA_STORE_ACCEPT,     /* event, but its id, which is filled in; in_hand */
	FA_STORE_CLAIM,      /* now_ms, max -> claimed (oldest first), next_ms */
	FA_STORE_RESCHEDULE, /* event's id, due_ms, attempts, throttles */
	FA_STORE_COMPLETE,   /* event's id; end */
};

/* The three terminal states; an event reaches one of them, once. */
enum fa_store_end { FA_STORE_SUCCEEDED, FA_STORE_DEAD, FA_STORE_EXPIRED, FA_STORE_ENDS };

enum fa_store_outcome {
	FA_STORE_DONE = 0, /* and on the disk */
	FA_STORE_REFUSED,  /* nothing was written */
	FA_STORE_UNKNOWN,  /* it failed at the last step: may be there after a restart, or not */
};

struct fa_store_op {
	struct fa_list link;
	enum fa_store_verb verb;
	struct fa_stored event;    /* its bytes live until on_done */
	bool in_hand;
	enum fa_store_end end;
	int64_t now_ms;
	int max;
	struct fa_list claimed;    /* of struct fa_claimed */
	int64_t next_ms;           /* when the first that was not claimed is due; INT64_MAX */
	enum fa_store_outcome outcome;
	void (*on_done)(struct fa_store_op *op); /* the store has let go of `op` */
};

struct fa_store_config {
	const char *folder; /* made, with mode 0700, if it is not there */
	const struct fa_mem *mem;
	int64_t ballast;    /* bytes kept free for completions; 0: 4 MB */
	int log_pages;      /* of write-ahead log before it is brought home; 0: 16 MB of them */
	bool weak;          /* tests: answer before the disk has it */
};

/* FAAS_EEXIST: another runtime has it open. */
struct fa_store *fa_store_open(const struct fa_store_config *config, struct faas_error *err);
/* Answers all that was submitted. NULL is fine. */
void fa_store_close(struct fa_store *store);

void fa_store_submit(struct fa_store *store, struct fa_store_op *op);
/* From now on nothing waits for the disk to have room again: what fails, fails. */
void fa_store_hurry(struct fa_store *store);

/* accepted == the sum of ended + waiting, at any moment; `waiting` includes those in hand. */
struct fa_store_counts {
	int64_t accepted, ended[FA_STORE_ENDS], waiting;
};

void fa_store_count(struct fa_store *store, struct fa_store_counts *counts);

#endif
