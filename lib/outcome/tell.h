/* SPDX-License-Identifier: MIT */
#ifndef FA_OUTCOME_TELL_H
#define FA_OUTCOME_TELL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/loop.h>
#include <base/mem.h>
#include <faas/faas.h>
#include <outcome/record.h>

struct fa_chunk;
struct fa_version;

/*
 * Everything that is told to the host's on_log and on_metric: a queue from any
 * thread to the loop, in the order of each environment. Without a listener all
 * of it is a no-op that costs one load.
 *
 * The first thing after a silence is told at once, what follows by the
 * hundredth of a second or by 32 KB of records: telling must not wake
 * the loop for each invocation. Metric points are summed per function and name
 * of what is told together.
 */
struct fa_tell {
	const struct fa_mem *mem;
	struct fa_loop *loop;
	void (*on_log)(void *data, const struct faas_log *log);
	void (*on_metric)(void *data, const struct faas_metric *metric);
	void *data;
	/*
	 * [loop] Whether the logs of a version are told; `why` not, once, is told instead. Asked
	 * for what lies together, not for each line.
	 */
	bool (*may_log)(void *judge, struct fa_version *version, char *why, size_t size);
	void *judge;
	int64_t period_ns;           /* how long things wait to be told together */
	struct fa_post queue;        /* of chunks, see tell.c */
	_Atomic size_t pending;      /* bytes in them, about */
	_Atomic int state;           /* who will look at the queue next */
	struct fa_call flush;        /* queued while there is something to tell at once */
	struct fa_timer later;       /* [loop] armed while more may come */
	_Atomic uint64_t lost;       /* records, lines and points that found no memory */

	/* [loop] the chunk that the loop itself is writing to, and whose entries it holds */
	struct fa_chunk *open;
	struct fa_version *open_version;
	const char *open_stream;
	struct fa_chunk *spare;      /* [loop] empty ones for the next round */
	int spares;
};

void fa_tell_init(struct fa_tell *tell, struct fa_loop *loop, const struct fa_mem *mem,
		  const struct faas_config *config);
/* [loop] Tell what is left, last of all: nothing may be told after. */
void fa_tell_finish(struct fa_tell *tell);

static inline bool fa_tell_listening(const struct fa_tell *tell)
{
	return tell->on_log || tell->on_metric;
}

/* A record that is being written. */
struct fa_telling {
	struct fa_chunk *chunk;   /* to be queued; NULL: it is in the queue already */
	struct fa_record *record; /* NULL: nobody wants it, or there is no memory for it */
};

/*
 * Any thread. Where to write a record of this kind: all of it is zero but its kind,
 * error_type and trace (NULL: none), which are copied. Nothing else may be told by this
 * thread until fa_tell_record_end(). The version is referenced until it is told; `stream` (NULL:
 * none) is copied. Records render their lines later, on the loop.
 */
struct fa_telling fa_tell_record_begin(struct fa_tell *tell, struct fa_version *version,
				       const char *stream, enum fa_record_kind kind,
				       const char *error_type, const char *trace);
void fa_tell_record_end(struct fa_tell *tell, const struct fa_telling *telling);
/*
 * A line of a function. level: enum faas_level, or -1 for plain output
 * (FAAS_INFO); request_id NULL or "": outside an invocation.
 */
void fa_tell_line(struct fa_tell *tell, struct fa_version *version, const char *stream,
		  const char *request_id, int level, const char *text, size_t len,
		  int64_t unix_ms);
/* A metric point outside records, e.g. "AsyncEventsReceived"; the name is a literal. */
void fa_tell_metric(struct fa_tell *tell, struct fa_version *version, const char *name,
		    const char *unit, double value, int64_t unix_ms);

#endif
