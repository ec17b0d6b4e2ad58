/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_PUBLISH_H
#define FA_MODEL_PUBLISH_H

#include <base/mem.h>
#include <faas/told.h>
#include <model/trace.h>

/* What topics and buses take, told in the words of SNS and EventBridge (semantics 8.6, 8.8). */

#define FA_TOPIC_MOST 262144 /* bytes of a message and its attributes */
#define FA_SUBJECT_MOST 100  /* characters */

/* FAAS_EINVAL, FAAS_ETOOLARGE. The attributes are those of faas_put(). */
int fa_topic_check(const struct faas_message *message, struct faas_error *err);

/*
 * An entry of PutEvents as it lies in the store: an object with "detail-type", "source",
 * "time", "resources" and "detail" of the event; the bus adds the rest when it hands it out.
 */
struct fa_entry {
	char *text; /* fa_free() it */
	size_t len;
	char trace[FA_TRACE_MAX + 1]; /* TraceHeader, or "" */
};

/*
 * Read {"Source","DetailType","Detail"[,"Resources","Time","TraceHeader"]}; Detail is an object
 * of JSON, or the text of one. err->type is the ErrorCode of PutEvents. FAAS_EINVAL, FAAS_ENOMEM.
 */
int fa_entry_read(struct fa_entry *entry, const struct fa_mem *mem, struct faas_bytes text,
		  int64_t now_ms, struct faas_error *err);

#endif
