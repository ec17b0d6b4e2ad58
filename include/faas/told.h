/* SPDX-License-Identifier: MIT */
#ifndef FAAS_TOLD_H
#define FAAS_TOLD_H

/*
 * What a host program is told: what its callbacks are shown, valid until they return, and
 * the counts of faas_stats(). faas.h has the calls. Members are only ever appended: `size`
 * tells how many there are.
 */

#include <faas/given.h>
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

/* One of faas_config.file_systems, measured by statvfs(3): bytes and files, for who is not root. */
struct faas_file_system_info {
	size_t size;
	const char *arn, *path;
	bool read_only;
	uint64_t bytes_total, bytes_free;
	uint64_t files_total, files_free; /* 0 of 0: the kernel does not count them there */
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
	const char *subject;    /* for faas_put() to a topic only */
};

/* How an invocation ended. Strings and bytes are never NULL, only empty. */
struct faas_result {
	size_t size;
	int code;               /* FAAS_OK, or why there is no normal result */
	const char *request_id; /* UUID; the one the handler sees */
	const char *version;    /* that ran */
	const char *error_type; /* "Sandbox.Timedout", "Runtime.OutOfMemory", "" */
	const char *reason;     /* of a throttle: "ConcurrentInvocationLimitExceeded" */
	struct faas_bytes payload;  /* the answer, or the error as JSON */
	struct faas_bytes log_tail; /* the last 4 KB, if asked for */
	double duration_ms;     /* in the handler, without init */
	double init_ms;         /* 0 when the environment was warm */
	int64_t billed_ms;      /* duration and init, rounded up; what ran: at least 1 */
	double gb_seconds;      /* memory_mb / 1024 x billed */
	double cost;            /* by the runtime's prices */
	double cpu_ms;          /* that the environment consumed, init and what was made ahead of
				   it included, but not an init ahead of any event; below 0.1 ms
				   an average of the last few, or all its time; of a
				   short first event it may be the time since the environment
				   was asked for */
	int memory_mb;          /* configured */
	int memory_used_mb;     /* the most that was seen of the environment so far: the peak of
				   its process, as the kernel keeps it, or, where it may have
				   several (programs, languages), what they had together when an
				   event ended. Looked at after an init ahead of any event, events
				   above 1 ms, the first, and one in 256; of a first event below
				   1 ms, or whose end is here before its birth was told, it is that
				   of another environment */
};

/* A part of an answer, in order; see faas_request.on_part. */
struct faas_part {
	size_t size;
	struct faas_bytes bytes;
	bool http; /* of one that began with faas_http_head(): a JSON head, eight NULs, the body */
	const char *request_id;
	const char *version; /* that runs */
};

/*
 * A handler asks for a secret, faas_secret() or faas_secret_version(). The answer is
 * faas_secret_give(), within the callback or later, from any thread; after half a minute it is
 * "none".
 */
struct faas_ask {
	size_t size;
	uint64_t id;
	const char *name; /* 1 to 512 printable characters of ASCII, chosen by the function */
	const char *function;
	const char *version; /* of the function */
	/* Which of the secret, chosen by the function: "AWSCURRENT" unless it says another. */
	const char *secret_version;
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

/* What faas_function_get() and the lists tell of a function. */
struct faas_function_info {
	size_t size;
	const char *name, *version, *arn, *code, *handler, *description;
	enum faas_isolation_kind isolation;
	int memory_mb, timeout_ms, tmp_mb;
	int environments_idle, environments_busy;
	int provisioned_requested, provisioned_available; /* initialised, idle or busy */
	const char *provisioned_status; /* "READY", "IN_PROGRESS", "FAILED"; "": none requested */
	const char *provisioned_reason; /* of FAILED: the last attempt's */
	const char *code_sha256; /* of the .zip, or else of the handler's file when this was
				    made; base64, or "" */
	const char *revision;    /* another with every change */
	int max_concurrency;     /* of the function as a whole, now */
	int environments_cold;     /* of the idle ones: without a process, with their /tmp */
	int environments_starting; /* being initialised ahead of any event */
	/*
	 * "Active"; "Pending": CreateFunction is not through with it, or its snapshot is being
	 * made again, and it cannot be invoked yet; "Inactive", see faas_config.inactive_after_ms;
	 * or "Failed"; state_reason says why ("": active). update_status is "Successful";
	 * "InProgress": the old one serves; or "Failed": it stays, and update_reason says why.
	 */
	const char *state, *state_reason, *update_status, *update_reason;
};

FAAS_END_DECLS

#endif
