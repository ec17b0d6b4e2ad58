/* SPDX-License-Identifier: MIT */
#ifndef FA_SOURCE_SHARDS_H
#define FA_SOURCE_SHARDS_H

/*
 * Sources whose records lie in shards, in order, until they are too old. Nobody takes them:
 * a mapping knows how far it is. Each shard is read in lanes, one unless
 * ParallelizationFactor says more; a partition key is always in the same one. Of a lane one
 * batch runs at a time, and the next begins behind it.
 *
 *   shards.c  the source: lanes that are opened, checkpoints, and their end
 *   lane.c    reading, batches, and what comes of them
 *   window.c  tumbling windows
 *   told.c    what is told of records that are given up
 *   stream.c  the kind "stream", as Kinesis has it
 *
 * All of it is the loop's.
 */
#include <model/stream.h>
#include <source/event.h>

#define FA_PARTS_MAX 40 /* of a batch that was halved until it is single records, and more */

/* What the kinds differ in. */
struct fa_shard_kind {
	const char *info;       /* of what is told: "KinesisBatchInfo" */
	bool millis;            /* times in it have milliseconds */
	bool by_time;           /* AT_TIMESTAMP is a position in it */
	void (*write_arn)(char *out, size_t size, struct faas *rt, const char *address);
	/* How many shards it has, and for how long records lie there; false: it is not there. */
	bool (*find)(struct faas *rt, const char *address, struct fa_stream *like);
	const char *id_head;    /* of a sequence number; behind it comes the record's, */
	int id_digits;          /* with so many */
};

/* As of a mapping's configuration, see shard_config.c. */
struct fa_shard_config {
	int lanes;              /* per shard */
	int retries;            /* -1: for ever */
	int64_t age_ms;         /* older records are given up; 0: never */
	bool bisect;
	int64_t tumble_ms;      /* 0: no windows */
	int64_t after_id;       /* where it begins, */
	int64_t since_ms;       /* and since when */
	bool tells;
	struct fa_address to;   /* who is told of what was given up, with `tells` */
};

/* So many records at the front of the buffer are tried together. */
struct fa_part {
	int count;
	int retries;            /* attempts that count */
	int invokes;            /* how often the function has had these records */
};

enum fa_lane_state {
	FA_LANE_READY,
	FA_LANE_RUNNING,        /* a batch of it does */
	FA_LANE_PAUSING,        /* until `again` */
};

/* See window.c. */
struct fa_window {
	int64_t start_ms;       /* 0: none is open */
	int64_t ended_ms;       /* nothing before belongs to another one */
	char *state;            /* JSON; NULL: {} */
	bool last;              /* the invocation that runs is its last */
	bool early;             /* its state is too large: it ends now */
};

struct fa_lane {
	struct fa_shard *shard;
	int number;
	enum fa_lane_state state;
	int64_t read;                  /* its records up to here are read, or passed over */
	struct fa_list buffer;         /* of struct fa_fetched: all that are not done with */
	int buffered;
	size_t bytes;
	bool maybe;                    /* there may be more behind `read` */
	bool reading;
	bool flush;                    /* the batch window is over for what is buffered */
	struct fa_part parts[FA_PARTS_MAX]; /* of the batch; the last is tried */
	int depth;
	int throttles, failures;       /* in a row */
	struct fa_window window;
	struct fa_timer flushes, again, closes;
	struct fa_store_op op;
	struct fa_call got;
	/* of the attempt that came last */
	char request_id[37], version[24];
	bool ran, failed;              /* failed: the function, not only records that it named */
};

struct fa_shard {
	struct fa_shards *of;
	int number;
	bool dirty, writing;           /* the checkpoint */
	bool sending;                  /* and letters with it */
	struct fa_list letters;        /* of struct fa_told, that go with it */
	struct fa_timer again;
	struct fa_lane *lanes;
};

struct fa_shards {
	struct fa_listener listener;
	struct fa_mapping *mapping;    /* not when it is closed */
	struct fa_sources *all;
	const struct fa_shard_kind *kind;
	char uuid[37], name[64];       /* name: of its documents */
	struct fa_stream like;
	int per_shard;                 /* lanes */
	bool ready, closed;            /* ready: the checkpoints are read */
	int open;                      /* operations that the store has */
	struct fa_store_op recall;
	struct fa_call recalled;
	struct fa_timer again;         /* the checkpoints could not be read */
	struct fa_shard shards[];
};

/* What is told of records, on its way to the store. */
struct fa_told {
	struct fa_list link;
	struct fa_message message;
	char bytes[];
};

/* ---- shards.c ------------------------------------------------------------- */

/* The sequence number of a record, and back; 0: it is none. */
void fa_sequence_write(const struct fa_shard_kind *kind, char out[FA_RECORD_ID], int64_t id);
int64_t fa_sequence_read(const struct fa_shard_kind *kind, const char *text);

int fa_shards_open(struct faas_source *source, const char *address, void **state,
		   struct faas_error *err);
void fa_shards_pump(void *state);
void fa_shards_close(void *state);

static inline struct faas *fa_lane_runtime(const struct fa_lane *lane)
{
	return lane->shard->of->all->rt;
}

static inline const struct fa_shard_config *fa_lane_config(const struct fa_lane *lane)
{
	return lane->shard->of->mapping->config->sharded;
}

int64_t fa_lane_unix_ms(const struct fa_lane *lane);
/* A checkpoint is to be written, soon. */
void fa_shard_changed(struct fa_shard *shard);
/* All that can be freed of what is closed is. */
void fa_shards_closed(struct fa_shards *shards);
/* What a mapping wrote down of how far it is goes. */
void fa_shards_forget(struct fa_sources *all, const char *uuid);

/* ---- lane.c ---------------------------------------------------------------- */

void fa_lane_init(struct fa_lane *lane, struct fa_shard *shard, int number);
void fa_lane_finish(struct fa_lane *lane);
/* Begin what can begin. */
void fa_lane_pump(struct fa_lane *lane);
/* So many from the front are done with. */
void fa_lane_drop(struct fa_lane *lane, int count);
/*
 * The event of the first `count` records, as many as fit, in the room of the loop. False: there
 * is no memory for it.
 */
bool fa_lane_write(const struct fa_lane *lane, int count, struct fa_text *event);
/* All of its records up to here are done with. */
int64_t fa_lane_position(const struct fa_lane *lane);

/* ---- window.c --------------------------------------------------------------- */

/* How many of the first `count` belong to the window that is open, or opens with the first. */
int fa_window_take(struct fa_lane *lane, int count);
/* It is over, and all of its records are done with. */
bool fa_window_is_over(const struct fa_lane *lane);
/* Unix time when what is buffered need not wait any more; INT64_MAX: no window is open. */
int64_t fa_window_end(const struct fa_lane *lane);
/* What comes behind the records: fa_free(); NULL: out of memory. */
char *fa_window_foot(const struct fa_lane *lane);
/* Take the state of an answer; false: there is none. */
bool fa_window_answered(struct fa_lane *lane, struct faas_bytes answer);
/* Its last invocation is over, for good or bad. */
void fa_window_close(struct fa_lane *lane);

/* ---- told.c ------------------------------------------------------------------ */

/* Write what is told of the first `count` records. NULL: out of memory. */
struct fa_told *fa_told_create(const struct fa_lane *lane, int count, const char *condition,
			       int invokes);

/* ---- shard_config.c ------------------------------------------------------------ */

extern const char *const fa_shard_members[]; /* of a configuration that are theirs, up to NULL */
/* NULL: it is wrong, or memory is out. */
struct fa_shard_config *fa_shard_config_read(struct fa_sources *all,
					     const struct fa_mapping_config *config,
					     struct faas_error *err);
/* Whether it is there. */
int fa_shards_fit(struct fa_sources *all, const struct fa_mapping_config *config,
		  struct faas_error *err);

#endif
