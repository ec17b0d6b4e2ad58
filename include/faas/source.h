/* SPDX-License-Identifier: MIT */
#ifndef FAAS_SOURCE_H
#define FAAS_SOURCE_H

/*
 * Where events come from. A source is an address, "scheme:rest", as destinations are:
 *   queue:NAME  queue:NAME.fifo   a queue of this runtime, see faas_put()
 *   topic:NAME                    each message goes to all mappings, see below
 *   bus:NAME                      each event goes to all mappings whose filter it matches
 *   schedule:rate(5 minutes)      rate(N minutes|hours|days), at once and then every so often;
 *   schedule:cron(0 9 ? * 2-6 *)  cron of EventBridge; at(yyyy-mm-ddThh:mm:ss), once
 *   dir:/srv/inbox                a directory, as a bucket of S3 is one: see below
 *   stream:NAME                   a stream of records in shards, see faas_resource_create()
 *   table:NAME                    what changes in a table of items, see faas_item_put()
 *   SCHEME:...                    what your program added, see struct faas_source_impl
 * A mapping joins a source to a function: it takes messages, makes batches of them, invokes
 * the function on each batch, and settles the messages by what came of it. That is Lambda's
 * event source mapping; faas_control() has its operations ("CreateEventSourceMapping", ...),
 * which accept these addresses and the ARNs of AWS for them (arn:aws:sqs:...:NAME,
 * arn:aws:kinesis:...:stream/NAME, arn:aws:dynamodb:...:table/NAME/stream/...).
 *
 * Once there are roles, the function's has to allow what Lambda's poller does: of a queue
 * sqs:ReceiveMessage, DeleteMessage and GetQueueAttributes; of a stream kinesis:GetRecords,
 * GetShardIterator, DescribeStream, DescribeStreamSummary, ListShards; of a table the first three
 * of dynamodb. Directories, schedules, topics and buses need a permission of the function's policy
 * for s3, events or scheduler, sns and events.amazonaws.com; aws:SourceArn is arn:aws:s3:::PATH,
 * arn:aws:events:...:rule/UUID, the topic's or ...:rule/BUS/UUID. While it is missing nothing is
 * taken; what a schedule, a topic or a bus has for the function is a dead letter of the mapping.
 *
 * A directory tells of files that are whole: written and closed ("ObjectCreated:Put"), moved
 * there ("ObjectCreated:Copy"), gone ("ObjectRemoved:Delete"), each an asynchronous event in
 * the words of S3, whose bucket has the directory's path for a name. A file below is known by
 * its key, "2026/a.jpg", at most 1024 bytes, in events encoded as in forms. Changes are found
 * by comparison with what was told last: of several in a row the last one is told, with a
 * state_dir also what changed while the program was not there. Symbolic links, whatever else
 * is no regular file, and mounts below are not there. Every mapping of a directory takes an
 * instance of inotify, of which a user has 128 unless told otherwise, and waits for one; and
 * a watch for each folder: where those run out, it looks once a minute.
 *
 * What is due by a schedule is an asynchronous event, one at a time, that is told to nobody
 * but the function and its destinations, or a message to `target`. What does not reach it, a
 * function that is not there, is tried again as an event of a bus is, and may become the same
 * dead letter.
 */

#include <faas/told.h>
#include <faas/types.h>

/*
 * A topic keeps nothing: what faas_put() sends to it goes to every mapping that there is, to
 * each in a message of its own, by one commit where there is a state_dir; without a mapping it
 * is gone. A function gets an asynchronous event of SNS with one record, a queue or a callback
 * the same as SNS's notification, a text of JSON, unless it is `raw`. Nothing is signed. Who
 * subscribed is a mapping, whose filter is SNS's filter policy: it looks at an object of the
 * attributes (a Number is a number, a String.Array an array, Binary is left out) or into the
 * message. What does not reach its target, a function that is not there or a callback that does
 * not take it, is tried again, ever later up to five minutes; then it is dropped, or sent to
 * `dead_letter` with the attributes RequestID, ErrorCode and ErrorMessage.
 *
 * A bus is the same for events of EventBridge: a mapping is a rule with one target, its filter
 * the event patterns, any of which may match. What faas_put() takes for it is an entry of
 * PutEvents, {"Source":...,"DetailType":...,"Detail":{...}} and perhaps "Resources", "Time" and
 * "TraceHeader", of at most 1048576 bytes; Detail may be a text that is such an object, as in
 * the API, whose PutEvents faas_control() has. Every target gets the event, or what `input`,
 * `input_path` or `input_template` make of it: paths are of the form $.detail.items[0].id, [*]
 * is all elements; in a template <NAME> is what the path of that name finds, as JSON, in quotes
 * as a text; <aws.events.event>, <aws.events.event.json>, <aws.events.rule-arn>,
 * <aws.events.rule-name> and <aws.events.event.ingestion-time> need no path. A destination of a
 * function, on_success or on_failure, makes an event of the source "lambda". Dead letters have
 * the attributes RULE_ARN, TARGET_ARN, ERROR_CODE, ERROR_MESSAGE, EXHAUSTED_RETRY_CONDITION and
 * RETRY_ATTEMPTS.
 */

/*
 * What is sent to a directory, as a destination or a target, is a file, with the keys of Lambda in
 * a bucket: aws/lambda/async/FUNCTION/2026/11/27/2026-11-27T18.40.00-REQUESTID says how an event
 * of that function ended, aws/lambda/MAPPING/SHARD/2026/11/27/... has the records of a stream
 * that were given up, 2026/11/27/2026-11-27T18.40.00-ID is any other. It is there whole or not at
 * all. What cannot be written, because the disk is full or the directory away, is tried again
 * for as long as it takes, of a topic or bus for as long as its mapping says. Symbolic links in
 * the directory are not followed. It is no address for dead letters: a file has no attributes.
 */

FAAS_BEGIN_DECLS

struct faas;
struct faas_source;

/* ---- messages with more than a body ----------------------------------- */

#define FAAS_MESSAGE(...) \
	(&(const struct faas_message){ .size = sizeof(struct faas_message), __VA_ARGS__ })

/*
 * Send a message, as faas_send() does, or append a record to a stream: then `message` has a
 * body, and a group, the partition key, of 1 to 256 characters, which says in which shard it
 * lies; records of one key stay in order; `id` ascends with them. FAAS_ENOTFOUND: there is no
 * such stream. Of a message for others counts: body; attributes (NULL: none), at
 * most ten, as SQS has them: {"name":{"DataType":"String","StringValue":"x"}}; delay_s (0 to
 * 900, 0: the queue's), not in a FIFO queue or a topic; for a topic subject (NULL: none), 1 to
 * 100 printable characters of ASCII, and body and attributes have at most 262144 bytes, the body
 * UTF-8; and in a FIFO queue group, which is required, and dedup: a
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
 * A stream has to be made before it is used. Of Kinesis it has
 *   ShardCount              1; 1..1000. FAAS_EEXIST: it is there with another number
 *   RetentionPeriodHours    then records are dropped: 24; 24..8760
 * A table, too, in the words of DynamoDB. FAAS_EEXIST: it is there with another key or another
 * time to live.
 *   KeySchema, AttributeDefinitions
 *                           required: one attribute HASH and perhaps one RANGE, of S, N or B
 *   StreamSpecification     {"StreamEnabled":true,"StreamViewType":"NEW_AND_OLD_IMAGES"}, or
 *                           KEYS_ONLY, NEW_IMAGE, OLD_IMAGE: what is told of a change from
 *                           now on. Without it nothing is, and there can be no mapping
 *   TimeToLiveSpecification {"Enabled":true,"AttributeName":NAME}: the attribute, a number,
 *                           that says in seconds of Unix time when an item is deleted
 * A directory, "dir:/PATH", for handlers to put files into: no other of your directories is one to
 * faas_publish(). At most 255 bytes, without "//", "." and "..". It has no options, and need not be
 * there before a file is put.
 * It outlives the program where there is a state_dir. Any thread; waits for the disk.
 */
FAAS_EXPORT int faas_resource_create(struct faas *rt, const char *address, const char *options,
				     struct faas_error *err);

/*
 * Forget that, and drop all messages in the queue, hidden ones too, all records of the stream,
 * or all items of the table and what was told of them. A directory keeps its files.
 * FAAS_ENOTFOUND: nothing was said of it and it is empty. Any thread; waits for the disk.
 */
FAAS_EXPORT int faas_resource_delete(struct faas *rt, const char *address,
				     struct faas_error *err);

/* ---- items of tables --------------------------------------------------- */

/*
 * An item is an object of attributes as DynamoDB has them, {"Id":{"N":"101"},"Who":{"S":"x"}}, of
 * the types S, N, B, BOOL, NULL, M, L, SS, NS and BS, of at most 409600 bytes; it is kept as it
 * was written. Some of its attributes are its key. Every change of the table is a record of
 * DynamoDB Streams in the same commit: "INSERT", "MODIFY" or "REMOVE". Mappings of the table
 * get them as they do those of a stream with four shards that keeps them for 24 hours; what
 * happened to items of one partition key stays in order. Items whose time to live is over are
 * deleted soon, by "dynamodb.amazonaws.com"; a time five years ago or more says never.
 *
 * `condition` (NULL: none) is an event pattern, as filters of mappings are, that the item which
 * is there must match, {} if none is: {"Id":{"N":[{"exists":false}]}}, {"Version":{"N":["7"]}}.
 * Else FAAS_EPRECONDITION, and nothing was done. `old` (NULL: don't care) receives the item that
 * was there, NULL if none was; faas_free(). FAAS_ENOTFOUND: there is no such table.
 * Any thread; with a state_dir it waits for the disk.
 */

/* Put the item in the place of the one with the same key. The same once more is no change. */
FAAS_EXPORT int faas_item_put(struct faas *rt, const char *table, const char *item,
			      const char *condition, char **old, struct faas_error *err);
/* Delete the item with that key, {"Id":{"N":"101"}}, if it is there. */
FAAS_EXPORT int faas_item_delete(struct faas *rt, const char *table, const char *key,
				 const char *condition, char **old, struct faas_error *err);
/* `item` receives a copy, NULL if none is there; faas_free(). */
FAAS_EXPORT int faas_item_get(struct faas *rt, const char *table, const char *key, char **item,
			      struct faas_error *err);

/* ---- mappings ---------------------------------------------------------- */

struct faas_mapping_config {
	size_t size;
	const char *source;      /* an address */
	const char *function;    /* any name of it; with a qualifier: that version or alias */
	int batch_size;          /* 10, of streams and tables 100; a FIFO queue at most 10, others
				    10000 */
	int batch_window_s;      /* how long a batch may wait to be full: 0; 0..300 */
	int max_concurrency;     /* batches at a time: 2..1000; 0: up to 1250 */
	bool partial_failures;   /* the function answers {"batchItemFailures":[...]} */
	bool disabled;
	const char *filter;      /* NULL: all; a JSON array of at most ten event patterns, of which
				    one must match the record, or its body if that is JSON */
	const char *input;       /* of a schedule or bus: the event, JSON; NULL: EventBridge's */
	const char *time_zone;   /* of a schedule: "Europe/Berlin", of the system's; NULL: UTC */
	int flexible_min;        /* of a schedule: up to so many minutes later: 0; 0..1440 */

	/* Of a topic, a bus or a schedule: */
	const char *target;      /* instead of a function: a queue, a callback, a directory; but
				    of a topic: a topic */
	int max_retries;         /* further attempts to reach it: of a topic any, of others 185;
				    0..185, FAAS_NONE for none. Of a stream or a table how often
				    a batch that failed is tried again: 0, for ever; up to 10000 */
	int max_age_s;           /* how old a message may be then: of a topic 23 days, else one;
				    60..86400. Of a stream how old a record: as old as it
				    keeps any; 60..604800 */
	const char *dead_letter; /* an address for those that did not reach it; NULL: none */
	bool raw;                /* of a topic: a target gets the message itself */
	bool filter_body;        /* of a topic: `filter` looks into the message, and not at its
				    attributes */
	const char *input_path;  /* of a bus: what the target gets of an event, "$.detail" */
	const char *input_paths; /* of a bus: {"NAME":PATH,...} for input_template */
	const char *input_template; /* of a bus: what the target gets, with <NAME> filled in */

	/* Of a directory: */
	const char *prefix, *suffix; /* of the keys that count; NULL: all */
	bool removals;           /* told as well when files go */
	bool existing;           /* what is there already is told, too */

	/* Of a schedule with a rate or cron, "2026-11-27T12:00:00Z" or with another offset: */
	const char *start_date;  /* it is due from then on, and a rate counts from it; NULL: now */
	const char *end_date;    /* it is not due after that; NULL: never */

	/* Of a stream or a table: */
	const char *start;       /* "TRIM_HORIZON", the oldest record; "LATEST", what comes from
				    now on; "AT_TIMESTAMP", not of a table. NULL: TRIM_HORIZON */
	int64_t start_s;         /* of AT_TIMESTAMP: Unix time */
	int parallel_per_shard;  /* batches at a time of a shard, those of one partition key in
				    order: 1; 1..10 */
	bool bisect;             /* a batch that failed is tried in halves, which is no retry */
	int tumbling_s;          /* windows of that length: 0, none; 1..900 */
	const char *on_failure;  /* an address that is told which records were given up; a
				    directory gets them, too, as "payload" */

	bool delete_after;       /* of a schedule: when it is not due any more, and its last event
				    has reached its target or was given up, it is deleted */
};

#define FAAS_MAPPING(...) \
	(&(const struct faas_mapping_config){ \
		.size = sizeof(struct faas_mapping_config), __VA_ARGS__ })

/*
 * Make a mapping, whose metrics are counted; `id` receives its UUID. Kept where there is a
 * state_dir. FAAS_ENOTFOUND: no such function. FAAS_EEXIST: there is one of this source and
 * function. Any thread.
 */
FAAS_EXPORT int faas_mapping_create(struct faas *rt, const struct faas_mapping_config *config,
				    char id[37], struct faas_error *err);
/*
 * Change a mapping: what is said in `config` holds from the next batch on, what is 0 or NULL
 * stays as it is, but `disabled`, which always counts. The source stays. FAAS_ENOTFOUND: there is
 * no such mapping. Any thread.
 */
FAAS_EXPORT int faas_mapping_update(struct faas *rt, const char *id,
				    const struct faas_mapping_config *config,
				    struct faas_error *err);
/* Batches that run go on to their end; then it is gone. Any thread. */
FAAS_EXPORT int faas_mapping_delete(struct faas *rt, const char *id, struct faas_error *err);

/* ---- a source of your own ---------------------------------------------- */

/* What became of one message: processed, or not. */
struct faas_settled {
	int64_t id;
	bool done; /* processed, or filtered out */
	bool seen; /* a function has, or may have, begun with it */
};

/*
 * All of it is called on the loop. Flow is by credit: want() allows n more messages, each of
 * which goes in through faas_source_deliver(), now or later. Every message that was delivered
 * comes back through settle() exactly once: done, filtered out or processed; or not done, and
 * then it may be delivered again. After close() nothing is called any more; what was not
 * settled by then was not processed.
 */
struct faas_source_impl {
	size_t size;
	const char *scheme; /* "redis"; [a-z][a-z0-9]*, at most 15; copied */
	/*
	 * A mapping begins. 0 and *state, or a code and a reason: with FAAS_ENOMEM it is
	 * tried again a second later, with any other the mapping is Disabled.
	 */
	int (*open)(struct faas_source *source, const char *address, void **state,
		    struct faas_error *err);
	void (*want)(void *state, int n);
	void (*settle)(void *state, const struct faas_settled *settled, int count);
	void (*close)(void *state);
};

/* Any thread, before the first mapping that needs it. FAAS_EEXIST: the scheme is taken. */
FAAS_EXPORT int faas_source_register(struct faas *rt, const struct faas_source_impl *impl,
				     struct faas_error *err);

/*
 * [loop] Hand in a message; all of it is copied. What counts: id, which is yours, body, and
 * if they are there attributes, group (of one group, one batch runs at a time, in order),
 * sent_ms and tries. FAAS_EINVAL: more than was wanted. FAAS_ENOMEM.
 */
FAAS_EXPORT int faas_source_deliver(struct faas_source *source,
				    const struct faas_message *message);

FAAS_END_DECLS

#endif
