/* SPDX-License-Identifier: MIT */
#ifndef FA_SOURCE_EVENT_H
#define FA_SOURCE_EVENT_H

#include <base/text.h>
#include <source/mapping.h>

/* [loop] Lists are of struct fa_fetched. */
static inline struct fa_fetched *fa_item(struct fa_list *pos)
{
	return fa_container(pos, struct fa_fetched, link);
}

void fa_items_free(struct fa_list *items);

#define FA_EVENT_MAX 6291456 /* bytes */

/*
 * In the one room that there is for it: it is invoked, or done with, before the next one. What
 * comes behind the records is `foot`, NULL: "]}"; there is room for it.
 */
struct fa_text fa_event_begin(struct fa_mapping *mapping, const char *foot); /* .data NULL: none */
/* False: it does not fit any more, and nothing of it is there. */
bool fa_event_add(struct fa_mapping *mapping, struct fa_text *event,
		  const struct fa_message *message, bool first);
void fa_event_finish(struct fa_mapping *mapping, struct fa_text *event, const char *foot);
/* The trace header of the first that has one, or NULL. */
const char *fa_event_trace(const struct fa_list *items);

/* Whether a filter lets it through; what could not be looked at for want of memory passes. */
bool fa_event_passes(struct fa_mapping *mapping, const struct fa_message *message);

/*
 * Mark those of the first `count` items that the function names in batchItemFailures, and
 * count them; -1: it says nothing that could be understood, so all have failed.
 */
int fa_event_failures(struct fa_mapping *mapping, struct fa_list *items, int count,
		      struct faas_bytes answer);

/* ---- what came of an invocation -------------------------------------------- */

enum fa_attempt {
	FA_ATTEMPT_ANSWERED,
	FA_ATTEMPT_FAILED,      /* and it counts as one */
	FA_ATTEMPT_ENDING,      /* it was broken off, for the runtime ends */
	FA_ATTEMPT_THROTTLED,   /* not now, but later it may */
};

enum fa_attempt fa_attempt_of(int code);
/* How long before the next attempt after `times` in vain: a second, two, ... a minute. */
int64_t fa_attempt_pause_ms(int times);

#endif
