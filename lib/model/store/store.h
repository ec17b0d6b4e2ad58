/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_STORE_H
#define FA_MODEL_STORE_H

#include <base/list.h>
#include <base/mem.h>
#include <faas/types.h>

/*
 * The queue of asynchronous events, and messages: what is told of events that ended,
 * and what was sent to a queue. Every change is an operation that is submitted from any
 * thread and answered, on the store's own thread or that of who leads it, once it is on the
 * disk. One writes at a time. What is submitted together is committed together. Without a folder
 * there is no thread and nothing lasts: the answer comes on the thread that submits, inside the
 * call.
 *
 * An event is in the queue, due at some time, or in hand: claimed by this program,
 * or accepted with `in_hand`. In hand it is out of the way of claims, until it is
 * completed or rescheduled. Opening the store puts all that were in hand back into
 * the queue. Times are Unix time, given by the caller.
 *
 * A message lies in a queue until it is taken, or it is outgoing: somebody fetches it,
 * delivers it and removes it. Until then it stays, so it may be delivered twice. In a queue
 * whose messages have groups, a group of which one is hidden waits for it.
 *
 * A record lies in a shard of a stream until it is too old. Reading takes nothing away: who
 * reads knows how far he is. An item has a key in a table: who writes it says which revision
 * he has seen, and the record that tells of it is appended in the same commit.
 */
struct fa_store;

struct fa_stored {
	int64_t id; /* of the store, from 1; no other's as long as that is open */
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

enum fa_message_kind {
	FA_MESSAGE_PLAIN,
	FA_MESSAGE_RECORD,      /* for a destination: what became of an event */
	FA_MESSAGE_DEAD_LETTER, /* an event that failed, as it was */
	FA_MESSAGE_PUSHED,      /* by a mapping to its target; the source is the mapping's ARN */
};

struct fa_message {
	int64_t id;              /* of the store, from 1 */
	int64_t sent_ms, due_ms; /* seen by nobody before it is due */
	int tries;               /* deliveries that failed, or how often it was taken */
	enum fa_message_kind kind;
	bool outgoing;
	struct faas_bytes address;    /* in its shortest form, see model/address.h */
	struct faas_bytes source;     /* ARN of the function whose event ended, with qualifier */
	struct faas_bytes attributes; /* JSON */
	struct faas_bytes trace;      /* header of what it tells of, for what it invokes */
	struct faas_bytes group;      /* of a FIFO queue: those of one group stay in order */
	struct faas_bytes dedup;      /* a second one with it, within five minutes, is not kept */
	struct faas_bytes came_from;  /* address of the queue where it was taken too often */
	int64_t first_ms;             /* when it was taken first; 0: not yet */
	struct faas_bytes body;
	/* Of a record; `group` is its partition key. Of an item group and dedup are its key. */
	int shard;
	uint32_t hash;                /* of the partition key, which says in whose lane it is */
};

/* What a fetch hands out, one block of memory with NULs behind its texts: fa_free() it. */
struct fa_fetched {
	struct fa_list link;
	struct fa_message message;
	bool marked; /* the reader's own */
	char bytes[];
};

enum fa_store_verb {
	/* events */
	FA_STORE_ACCEPT,     /* event, whose id is filled in, of no meaning if it fails; in_hand */
	FA_STORE_CLAIM,      /* now_ms, max -> claimed (oldest first), next_ms */
	FA_STORE_RESCHEDULE, /* event's id, due_ms, attempts, throttles */
	FA_STORE_COMPLETE,   /* event's id; end; the messages are sent if it was not over */
	/* messages */
	FA_STORE_SEND,       /* messages */
	FA_STORE_FETCH,      /* now_ms, max -> fetched: outgoing ones; next_ms */
	FA_STORE_DELAY,      /* message's id, due_ms: tried once more, and it failed */
	FA_STORE_REMOVE,     /* message's id, gone; count: whether it was there, and then the
				messages are sent */
	FA_STORE_TAKE,       /* message's address, take, now_ms, hide_ms, max -> fetched, next_ms */
	FA_STORE_SETTLE,     /* ids, gone: those are removed; count: how many were there */
	FA_STORE_RETURN,     /* ids, now_ms: taken, but nobody saw them; they are back */
	FA_STORE_PEEK,       /* message's address and id, max -> fetched: those behind that id */
	FA_STORE_MOVE,       /* message's address, to, now_ms, max -> count */
	FA_STORE_SUM,        /* message's address, now_ms -> sum */
	FA_STORE_ON_WAY,     /* message's source; count: whether what it pushed is outgoing yet */
	/* records */
	FA_STORE_APPEND,     /* messages; of their shards what was sent before take.since_ms goes */
	FA_STORE_READ,       /* message's address, shard, id; lane, lanes, take.since_ms, max ->
				fetched: those behind that id; the id that it is read up to */
	FA_STORE_TAIL,       /* -> message's id: that of the last record that was appended */
	/* items */
	FA_STORE_ITEM,       /* message's address, group, dedup -> fetched: it, if it is there */
	FA_STORE_WRITE,      /* message: its id is the revision that it replaces, or 0; no body: it
				goes; due_ms: when it expires, INT64_MAX: never. count: whether that
				revision was there, or none. Then the messages are appended, as by
				APPEND, and the id is the new revision */
	FA_STORE_OVERDUE,    /* now_ms, max -> fetched: those of all tables that have expired;
				next_ms: when the first one of the others does */
	/* documents: what else has to outlive the program, by name */
	FA_STORE_KEEP,       /* message's address: the name; its body, which replaces another; the
				messages are sent */
	FA_STORE_FORGET,     /* message's address: the name; those behind it and a ":" go, too */
	FA_STORE_CHANGE,     /* documents: all of them are kept, or forgotten with what they hold,
				or none is */
	FA_STORE_RECALL,     /* message's address: a name -> fetched: up to max behind it */
	/* entries of a document: many small values, which go with it */
	FA_STORE_KNOWN,      /* message's address: its name; entries, whose values are filled in */
	FA_STORE_NOTE,       /* the same; their values replace others, without one an entry goes */
	FA_STORE_LIST,       /* the same; entries[0]'s key -> fetched: up to max behind it */
	FA_STORE_SCRUB,      /* what was replaced or removed is in no file any more when this is
				answered, or, if there is no room now, after a later operation */
	FA_STORE_VERBS
};

/* The three terminal states; an event reaches one of them, once. */
enum fa_store_end { FA_STORE_SUCCEEDED, FA_STORE_DEAD, FA_STORE_EXPIRED, FA_STORE_ENDS };

/* Where a message goes in the end; it goes there once. */
enum fa_store_gone { FA_STORE_DELIVERED, FA_STORE_DROPPED, FA_STORE_GONES };

enum fa_store_outcome {
	FA_STORE_DONE = 0, /* and on the disk */
	FA_STORE_REFUSED,  /* nothing was written */
	FA_STORE_UNKNOWN,  /* it failed at the last step: it may be there after a restart, unless
			      the store could write before, which it tries to, also to close */
};

#define FA_ENTRY_VALUE 48

/* One entry of a document; of a document that is not there, none is. */
struct fa_store_entry {
	struct faas_bytes key;
	int len; /* of its value; 0: it is not there */
	uint8_t value[FA_ENTRY_VALUE];
};

/* What goes together with a document. */
enum fa_store_held { FA_STORE_NOTHING = 0, FA_STORE_MESSAGES, FA_STORE_RECORDS };

/* A document of a change. Without a body it goes. */
struct fa_store_document {
	struct faas_bytes name, body;
	enum fa_store_held holds;  /* and with it what lies at this address: the messages are */
	struct faas_bytes address; /* dropped, of a stream or a table all records and items go */
	int64_t *count;            /* how many those were; NULL: nobody asks */
};

/* What lies in one queue. */
struct fa_store_sum {
	int64_t visible, hidden;
	int64_t oldest_ms; /* when the oldest was sent; INT64_MAX: there is none */
};

/* How a queue is taken from. */
struct fa_store_take {
	bool fifo;            /* its messages have groups */
	int most;             /* one that was taken so often goes to op->to instead; 0: none does */
	int64_t since_ms;     /* what was sent before is too old, and dropped */
};

struct fa_store_op {
	struct fa_list link;
	enum fa_store_verb verb;
	struct fa_stored event;    /* its bytes live until on_done */
	bool in_hand;
	enum fa_store_end end;
	struct fa_message *messages; /* to send, `message_count`; live until on_done */
	int message_count;
	struct fa_message message; /* whose id or address is meant */
	const struct fa_message *to; /* address, outgoing; NULL: dead letters to their source */
	enum fa_store_gone gone;
	bool insists;              /* what it writes down has happened: tried twice, and it may use
				      the room that is kept for completions */
	struct fa_store_take take;
	const int64_t *ids;        /* `id_count`; live until on_done */
	int id_count;
	struct fa_store_entry *entries;  /* `entry_count`; live until on_done */
	int entry_count;
	const struct fa_store_document *documents; /* `document_count`; live until on_done */
	int document_count;
	int64_t now_ms, hide_ms;   /* hide_ms 0: what is taken is gone */
	int max;
	int lane, lanes;           /* of each shard: those whose hash % lanes == lane */
	struct fa_list claimed;    /* of struct fa_claimed, or of fa_fetched */
	int64_t next_ms;           /* when the first that was not claimed is due; INT64_MAX */
	int64_t count;
	struct fa_store_sum sum;
	enum fa_store_outcome outcome;
	void (*on_done)(struct fa_store_op *op); /* the store has let go of `op` */
	void *waiter;              /* fa_store_perform()'s */
};

struct fa_store_config {
	const char *folder; /* made, with mode 0700, if it is not there; NULL: none */
	const struct fa_mem *mem;
	int64_t ballast;    /* bytes kept free for completions; 0: 4 MB */
	int log_pages;      /* of write-ahead log before it is brought home; 0: 16 MB of them */
	bool weak;          /* tests: answer before the disk has it */
	/*
	 * A message came to lie in this queue, was given back to it, or went and others of its
	 * group were behind it; on the thread that answers, before it does.
	 */
	void (*on_lying)(void *data, struct faas_bytes address);
	void *data;
};

/* FAAS_EEXIST: another runtime has it open. */
struct fa_store *fa_store_open(const struct fa_store_config *config, struct faas_error *err);
/* Answers all that was submitted. NULL is fine. */
void fa_store_close(struct fa_store *store);

void fa_store_submit(struct fa_store *store, struct fa_store_op *op);
/*
 * The same for who is going to wait: while nobody else writes, the calling thread does, and
 * on_done comes inside the call. There is one writer at a time all the same: who comes
 * meanwhile is the store's thread's, which alone commits groups. No signal is handled and no
 * cancellation acted upon until it has written; it takes 8 KB of stack.
 */
void fa_store_lead(struct fa_store *store, struct fa_store_op *op);
/* Lead it and wait for the answer, which is returned; on_done is the store's own. */
enum fa_store_outcome fa_store_perform(struct fa_store *store, struct fa_store_op *op);
/* From now on nothing waits for the disk to have room again: what fails, fails. */
void fa_store_hurry(struct fa_store *store);
/*
 * Whether what is submitted now could be written, as far as is known. Tries it only if the last
 * write failed.
 */
bool fa_store_is_well(struct fa_store *store);

/*
 * accepted == the sum of ended + waiting, at any moment; `waiting` includes those in hand.
 * sent == the sum of gone + lying.
 */
struct fa_store_counts {
	int64_t accepted, ended[FA_STORE_ENDS], waiting;
	int64_t sent, gone[FA_STORE_GONES], lying;
};

void fa_store_count(struct fa_store *store, struct fa_store_counts *counts);

#endif
