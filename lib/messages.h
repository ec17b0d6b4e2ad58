/* SPDX-License-Identifier: MIT */
#ifndef FA_MESSAGES_H
#define FA_MESSAGES_H

#include <runtime.h>

/* What a host is shown of a message; it borrows all of it. */
void fa_message_show(struct faas_message *shown, const struct fa_message *message);

/* How a queue is taken from by what was said of it; `to` is filled in and lives as long as `op`. */
void fa_message_take(struct fa_store_op *op, const struct fa_queue *queue, int64_t now_ms,
		     struct fa_message *to);

/* An operation of the store, now, waited for. FAAS_ESYSTEM, FAAS_EUNKNOWN. */
int fa_messages_perform(struct faas *rt, struct fa_store_op *op, struct faas_error *err);

/* faas_put(), with the header (NULL or "": none) of what it is done for. */
int fa_put(struct faas *rt, const char *address, const struct faas_message *message,
	   const char *trace, int64_t *id, struct faas_error *err);
/* faas_put() of a stream. [inside] */
int fa_stream_put(struct faas *rt, const char *name, const struct faas_message *from, int64_t *id,
		  struct faas_error *err);

/* What was said of queues, streams, tables and directories; it is read before the loop turns. */
void fa_resources_init(struct faas *rt);
void fa_resources_finish(struct faas *rt);
int fa_resources_recall(struct faas *rt, struct faas_error *err);
/*
 * Show every document whose name begins with `prefix`, until one returns an error; none where
 * nothing lasts.
 */
int fa_documents_read(struct faas *rt, const char *prefix,
		      int (*each)(struct faas *rt, const struct fa_message *document,
				  struct faas_error *err),
		      struct faas_error *err);

#endif
