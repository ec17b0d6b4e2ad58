/* SPDX-License-Identifier: MIT */
#ifndef FA_SOURCE_SOURCE_H
#define FA_SOURCE_SOURCE_H

/*
 * Sources and mappings of one runtime. Control operations come on any thread and leave
 * what they want under the lock; the loop does it. All that moves messages is the loop's.
 */
#include <faas/source.h>
#include <invoke.h>

#define FA_FAN_BUCKETS 256

struct fa_mapping;
struct fa_mapping_config;
struct fa_fan_kind;
struct fa_expiry;
struct fa_text;

struct fa_shard_kind;

/* What there is to know of one scheme; a host's has only the first member. */
struct fa_source_kind {
	struct faas_source_impl impl;
	const char *name;      /* in events: "aws:sqs" */
	const char *service;   /* in texts: "SQS" */
	const char *data_key;  /* what filters look into instead of that member, if it is JSON */
	const char *filtered;  /* the member of a record that filters look at; NULL: all of it */
	int batch_size, batch_most;
	bool (*ordered)(const char *address); /* then a batch has at most ten, and no window */
	bool lingers;          /* after close() it is there until it says fa_source_closed() */
	bool pushes;           /* each message is an asynchronous event of its own */
	/* The configuration of one that is open did. FAAS_ENOMEM: it goes on as it was. Or NULL. */
	int (*change)(void *state);
	/* What is wrong with a configuration; NULL: nothing can be. */
	int (*check)(const struct fa_mem *mem, const struct fa_mapping_config *config,
		     struct faas_error *err);
	/* What is wrong with it where it is made or changed: the world may differ later. */
	int (*fits)(struct fa_sources *all, const struct fa_mapping_config *config,
		    struct faas_error *err);
	/* A message as a record of an event; NULL: as SQS has it. */
	int (*record)(struct fa_text *out, const struct fa_mapping *mapping,
		      const struct fa_message *message);
	/* The whole event of one message; NULL: records, see fa_record_write(). */
	int (*write)(struct fa_text *out, const struct fa_mapping *mapping,
		     const struct fa_message *message);
	const struct fa_shard_kind *shards; /* NULL: its messages are taken, and settled */
	const char *const *members; /* of a configuration that are its own; up to NULL */
	const struct fa_fan_kind *fan; /* it is pushed to a target: see fan.h; NULL: it is polled */
	struct fa_list link;   /* in fa_sources.kinds */
	char scheme[16];       /* of a host's */
};

extern const struct fa_source_kind fa_queue_source;
extern const struct fa_source_kind fa_stream_source;
extern const struct fa_source_kind fa_table_source;
extern const struct fa_source_kind fa_schedule_source;
extern const struct fa_source_kind fa_topic_source;
extern const struct fa_source_kind fa_bus_source;
extern const struct fa_source_kind fa_directory_source;

/* One source that is open for a mapping. */
struct faas_source {
	struct fa_mapping *mapping;
	const struct fa_source_kind *kind;
	void *state;
	int wanted;            /* messages that may still be delivered */
	struct fa_list fan;    /* in fa_sources.fans, of those that are not polled */
};

struct fa_sources {
	struct fa_door door;
	struct faas *rt;
	pthread_mutex_t lock;
	struct fa_map mappings; /* [lock] of struct fa_mapping, by UUID */
	struct fa_mapping_draft {
		struct fa_mapping *mapping; /* NULL: the change that is open is about none */
		struct fa_mapping_config *config; /* that it gets; NULL: it goes */
		int state;      /* enum fa_mapping_state */
		bool fresh;     /* nobody knows it yet */
		bool regardless; /* it becomes that whether it can be written or not */
	} draft;
	struct fa_list kinds;   /* [lock] those of the host */
	struct fa_map spots;   /* [lock] of struct fa_spot, by address: see listen.c */
	_Atomic int listeners;
	struct fa_list alive;   /* [loop] of struct fa_mapping */
	struct fa_list orphans; /* [loop] of them */
	_Atomic int orphan_count;
	struct fa_call functions; /* one of theirs may be there now */
	_Atomic bool functions_came; /* that call is queued */
	struct fa_expiry *expiry; /* of the items of tables */
	int open;               /* [loop] sources that are not closed */
	bool closing;           /* [loop] */
	char *room;             /* [loop] the event that is written */
	struct fa_list fans[FA_FAN_BUCKETS]; /* [loop] of struct faas_source */
};

/* NULL: there is none of that scheme. */
const struct fa_source_kind *fa_source_find(struct fa_sources *all, const char *address);

/* [loop] Take in messages that were wanted, with all that is in `fetched`. */
void fa_source_arrive(struct faas_source *source, struct fa_list *fetched);
/* [loop] A source is closed, and nothing of it is left. */
void fa_source_closed(struct fa_sources *all);

void fa_mappings_init(struct fa_sources *all);
void fa_mappings_stop(struct fa_sources *all);      /* [loop] */

/* ---- who is told that something came to lie at an address: see listen.c -------- */

/* It stays until the end: others may listen, and operations refer to its address. */
struct fa_spot {
	struct fa_list listeners;
	char address[FA_ADDRESS_MAX];
};

struct fa_listener {
	struct fa_list link;   /* [lock] in fa_spot.listeners */
	struct fa_spot *spot;
	_Atomic bool called;
	struct fa_call kick;   /* run on the loop: fa_listener_heard() first */
};

/* [loop] listener->kick.run is there. FAAS_ENOMEM. */
int fa_listen(struct fa_sources *all, struct fa_listener *listener, const char *address);
/* [loop] No new kick comes; one may be under way. */
void fa_listen_no_more(struct fa_sources *all, struct fa_listener *listener);
void fa_listener_heard(struct fa_listener *listener);
bool fa_listener_is_called(struct fa_listener *listener);
void fa_spots_free(struct fa_sources *all);

/* ---- records and their ids ----------------------------------------------------- */

#define FA_RECORD_ID 64 /* of any source, with its NUL */


/*
 * Write a message as a record of SQS, behind what is in `out`. `arn` is that of the
 * source. FAAS_ENOMEM; what does not fit is cut (see struct fa_text).
 */
int fa_record_write(struct fa_text *out, const struct fa_source_kind *kind, const char *arn,
		    const struct faas_config *config, const struct fa_message *m);
/* [loop] Room for the longest event, empty; .data NULL: memory is out. */
struct fa_text fa_event_room(struct fa_sources *all);
/* `before` as it is, and `text` as the inside of a string. */
void fa_record_put(struct fa_text *out, const char *before, struct faas_bytes text);
/* The messageId of a message, and back; 0: it is none. */
void fa_record_id(char out[37], int64_t id);
int64_t fa_record_read_id(const char *text);

#endif
