/* SPDX-License-Identifier: MIT */
#ifndef FAAS_TOLD_H
#define FAAS_TOLD_H

/*
 * What a host program is told: what its callbacks are shown, valid until they return, and
 * the counts of faas_stats(). faas.h has the calls. Members are only ever appended: `size`
 * tells how many there are.
 */

#include <faas/types.h>

FAAS_BEGIN_DECLS

/* One log line: of a function, or of the platform (START, END, REPORT, INIT_REPORT). */
struct faas_log {
	size_t size;
	enum faas_level level;
	int64_t time_ms; /* Unix time */
	const char *function;
	const char *version;
	const char *request_id; /* NULL outside an invocation */
	const char *stream;     /* one per environment: "2026/11/21/[$LATEST]<32 hex>" */
	struct faas_bytes text; /* without the newline at its end */
};

/*
 * One data point, named as in CloudWatch's AWS/Lambda namespace. Concurrency is sampled
 * when an event ends: ConcurrentExecutions of its function, UnreservedConcurrentExecutions
 * (outside of what is provisioned) and ClaimedAccountConcurrency of all; see `maximum`.
 */
struct faas_metric {
	size_t size;
	const char *name; /* "Invocations", "Errors", "Throttles", "Duration", ... */
	const char *unit; /* "Count", "Milliseconds", "None" */
	const char *function;
	const char *version;
	double value;   /* the sum of `count` samples */
	uint64_t count; /* how many samples this point stands for, at least 1 */
	double minimum;
	double maximum;
	int64_t time_ms;
};

/*
 * A message: what is told of an asynchronous event that ended, or what faas_send() sent.
 * See "messages" in faas.h.
 */
struct faas_message {
	size_t size;
	int64_t id;             /* of this runtime's store; given once */
	const char *address;    /* where it was sent: "queue:dead", "callback:ops" */
	const char *source;     /* ARN that the event was sent to, with its qualifier, or "" */
	const char *attributes; /* an object of JSON, as SQS has MessageAttributes */
	struct faas_bytes body;
	int64_t sent_ms;        /* Unix time */
	int tries;              /* deliveries that failed before, or how often it was taken */
	const char *group;      /* of a FIFO queue: messages of one group stay in order; else "" */
	const char *dedup;      /* of a FIFO queue, see faas_put(); else "" */
	int delay_s;            /* for faas_put() only */
	int64_t first_ms;       /* Unix time when it was taken first; 0: not yet */
	const char *came_from;  /* the queue where it was taken too often, or "" */
};

/*
 * A handler asks for a secret, faas_secret(). The answer is faas_secret_give(), within
 * the callback or later, from any thread; after half a minute it is "none".
 */
struct faas_ask {
	size_t size;
	uint64_t id;
	const char *name; /* 1 to 512 printable characters of ASCII, chosen by the function */
	const char *function;
	const char *version;
};

struct faas_stats {
	size_t size;
	uint64_t invocations, errors, throttles;
	uint64_t cold_starts; /* provisioned environments start ahead and do not count */
	uint64_t log_bytes_dropped;
	int environments_idle, environments_busy, queued;
	int64_t billed_ms;
	double gb_seconds, cost;

	/* Of a state_dir, since it was made. accepted is always the sum of the others. */
	uint64_t events_accepted, events_succeeded;
	uint64_t events_dead;    /* failed at all attempts */
	uint64_t events_expired; /* too old for another */
	int events_queued, events_in_flight;

	/* With a state_dir since it was made. sent is always the sum of the others. */
	uint64_t messages_sent, messages_delivered; /* delivered, taken or dropped by the host */
	uint64_t messages_dropped;                  /* given up after six hours */
	uint64_t messages_waiting;                  /* in queues and on their way */
};

FAAS_END_DECLS

#endif
