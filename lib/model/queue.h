/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_QUEUE_H
#define FA_MODEL_QUEUE_H

#include <model/address.h>
#include <model/named.h>

#define FA_QUEUE_HIDDEN_S 30 /* after a message was taken, where nothing else is said */

/*
 * What was said of queues. One of which nothing was said is there as well, with defaults. A
 * name that ends in ".fifo" is that of a FIFO queue.
 */
struct fa_queue {
	char name[FA_ADDRESS_NAME_MAX + 1];
	int visibility_s;              /* 30; 0..43200 */
	int delay_s;                   /* 0..900 */
	int retention_s;               /* 60..1209600; 0: for ever */
	int max_receives;              /* 1..1000, then to dead_letter; 0: there is none */
	char dead_letter[FA_ADDRESS_MAX];
	bool content_dedup;            /* the body is the dedup id of who gives none */
};

bool fa_queue_is_fifo(const char *name);
/* FAAS_EINVAL: it is one, which needs a group, and what we send there by ourselves has none. */
int fa_queue_refuse_fifo(const struct fa_address *address, struct faas_error *err);
/* Read the attributes that SQS has for a queue, as JSON; NULL: none. Untouched on failure. */
int fa_queue_read(struct fa_queue *queue, const char *name, const char *attributes,
		  struct faas_error *err);
/* The other way, fa_free(); NULL: out of memory. */
char *fa_queue_print(const struct fa_queue *queue, const struct fa_mem *mem);

/* What was said of it, in a struct fa_named of them, or the defaults. */
void fa_queue_get(struct fa_named *queues, const char *name, struct fa_queue *queue);

#endif
