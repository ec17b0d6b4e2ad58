/* SPDX-License-Identifier: MIT */
#ifndef FAAS_SOURCE_H
#define FAAS_SOURCE_H

/*
 * Where events come from. A source is an address, "scheme:rest", as destinations are:
 *   queue:NAME  queue:NAME.fifo   a queue of this runtime, see faas_put()
 */

#include <faas/told.h>
#include <faas/types.h>

FAAS_BEGIN_DECLS

struct faas;

/* ---- messages with more than a body ----------------------------------- */

#define FAAS_MESSAGE(...) \
	(&(const struct faas_message){ .size = sizeof(struct faas_message), __VA_ARGS__ })

/*
 * Send a message, as faas_send() does. Of `message` counts: body; attributes (NULL: none), at
 * most ten, as SQS has them: {"name":{"DataType":"String","StringValue":"x"}}; delay_s (0 to
 * 900, 0: the queue's), not in a FIFO queue; and there group, which is required, and dedup: a
 * second message with the same one within five minutes is accepted and not added. dedup NULL:
 * the SHA-256 of the body, if the queue has ContentBasedDeduplication, else refused.
 * `id` (NULL: don't care) is what faas_drop() takes; of a second one that of the first. Any
 * thread; with a state_dir it waits for the disk.
 */
FAAS_EXPORT int faas_put(struct faas *rt, const char *address, const struct faas_message *message,
			 int64_t *id, struct faas_error *err);

/*
 * Say what a queue is like, before there is one or after. `options` is a JSON object with
 * attributes of SQS, numbers or texts, NULL or what is not in it: the default.
 *   VisibilityTimeout       seconds that a mapping's messages are hidden: 30; 0..43200
 *   DelaySeconds            seconds until a message is seen: 0; 0..900
 *   MessageRetentionPeriod  seconds until it is dropped: never; 60..1209600
 *   RedrivePolicy           {"deadLetterTargetArn":ADDRESS,"maxReceiveCount":1..1000}: what
 *                           was taken so often goes there the next time
 *   FifoQueue, ContentBasedDeduplication
 * It outlives the program where there is a state_dir. Any thread; waits for the disk.
 */
FAAS_EXPORT int faas_resource_create(struct faas *rt, const char *address, const char *options,
				     struct faas_error *err);

/*
 * Forget that, and drop all messages in the queue, hidden ones too. FAAS_ENOTFOUND: nothing
 * was said of it and it is empty. Any thread; waits for the disk.
 */
FAAS_EXPORT int faas_resource_delete(struct faas *rt, const char *address,
				     struct faas_error *err);

FAAS_END_DECLS

#endif
