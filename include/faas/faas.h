/* SPDX-License-Identifier: MIT */
#ifndef FAAS_FAAS_H
#define FAAS_FAAS_H

/*
 * libfaas runs functions on events inside your program.
 *
 * Threads. Every function here may be called from any thread, except where its
 * comment says [loop]: then only on the thread that runs the event loop, which
 * is also where every callback runs. Callbacks never run inside the call that
 * caused them. No lock is held while a callback runs, so it may call anything
 * here, including faas_close().
 *
 * Memory. Arguments are copied before a call returns. What a callback is shown
 * is valid until it returns. What a function hands out through a `struct x **`
 * belongs to the caller; faas_free() releases all of it.
 *
 * Options. Options structs start with their own size; fill them in with the
 * macro of the same name in capitals. Unnamed members get their defaults. A
 * larger struct of a newer libfaas is accepted if what this one does not know
 * is zero, and refused with FAAS_EINVAL if it is not.
 *
 * Errors. Functions return 0 or a negative enum faas_code, or NULL where they
 * return an object. `err` receives the reason and may be NULL.
 *
 * Process. libfaas installs no signal handlers, changes no signal masks but
 * those of its own threads (and, while it writes there, that of one of yours that
 * waits for the state_dir), reaps only its own child (by pidfd), never forks
 * your program (it spawns faas-worker), opens every descriptor with CLOEXEC
 * and never calls setlocale(), chdir(), umask() or exit(). Nothing of it
 * survives your program, not even after `kill -9`.
 */

#include <faas/function.h>
#include <faas/given.h>
#include <faas/told.h>
#include <faas/types.h>

FAAS_BEGIN_DECLS

#define FAAS_VERSION_MAJOR 0
#define FAAS_VERSION_MINOR 1
#define FAAS_VERSION_PATCH 0

struct uv_loop_s;
struct faas;
struct faas_context;

/* ---- the runtime ---------------------------------------------------- */

/*
 * The layers of isolation, one bit each. Thread environments have none.
 * faas_isolation_report() tells which could be applied on this machine.
 */
enum faas_layer {
	FAAS_LAYER_PROCESS = 1 << 0,       /* an address space of its own; always there */
	FAAS_LAYER_USER_NS = 1 << 1,       /* no rights outside, root or not */
	FAAS_LAYER_PID_NS = 1 << 2,        /* sees and signals only itself; dies whole */
	FAAS_LAYER_MOUNT_NS = 1 << 3,      /* read-only view of code and system, private /tmp */
	FAAS_LAYER_IPC_NS = 1 << 4,
	FAAS_LAYER_UTS_NS = 1 << 5,
	FAAS_LAYER_NO_NEW_PRIVS = 1 << 6,
	FAAS_LAYER_CAPABILITIES = 1 << 7,  /* none left, none to be regained */
	FAAS_LAYER_SECCOMP = 1 << 8,
	FAAS_LAYER_LANDLOCK = 1 << 9,      /* files, and signals and sockets out of the sandbox */
	FAAS_LAYER_RLIMITS = 1 << 10,
	FAAS_LAYER_OWN_UID = 1 << 11,      /* each environment its own user (root only) */
	FAAS_LAYER_NO_NETWORK = 1 << 12,   /* no sockets but AF_UNIX pairs; not with a network */
	FAAS_LAYER_CGROUP_MEMORY = 1 << 13,
	FAAS_LAYER_CGROUP_PIDS = 1 << 14,
	FAAS_LAYER_CGROUP_CPU = 1 << 15,   /* CPU share in proportion to memory */
};
#define FAAS_LAYERS_ALL 0xffffu

struct faas_config {
	size_t size;
	struct uv_loop_s *loop; /* NULL: libfaas runs a loop on a thread of its own */
	const char *worker;     /* path of faas-worker, beside faas-unpack; NULL: as installed */
	const char *region;     /* "local-1" */
	const char *account;    /* "000000000000" */
	int max_concurrency;    /* 1000, over all functions */
	int64_t max_memory_mb;  /* half the machine; idle environments go first */
	int idle_ms;            /* after that an idle environment goes; 0: as `keep` has it */
	unsigned min_isolation; /* enum faas_layer; without all of them nothing starts */
	bool cpu_cap;           /* limit each function to memory_mb / 1769 of a core, hard */
	const struct faas_prices *prices;

	/* Called on the loop. Lines of one environment come in order. */
	void (*on_log)(void *data, const struct faas_log *log);
	void (*on_metric)(void *data, const struct faas_metric *metric);
	void *data;

	/* realloc with the old size; new_size 0 frees. Any thread. NULL: the C library's. */
	void *(*realloc)(void *data, void *ptr, size_t old_size, size_t new_size);

	enum faas_keep keep;
	/*
	 * A directory of this runtime's own, made if need be: asynchronous events (see
	 * FAAS_EVENT), messages and functions (see faas_function_create()) outlive your
	 * program there. A change waits for the disk; if that fails nothing has changed
	 * (FAAS_ESYSTEM, FAAS_EUNKNOWN). After FAAS_EUNKNOWN a program that begins before the
	 * disk took anything again may find that it has; this is tried, too, when a runtime
	 * closes. One runtime at a time may use it (FAAS_EEXIST). NULL: all of it is kept in
	 * memory.
	 */
	const char *state_dir;
	int min_unreserved; /* that cannot be reserved: 100, or a tenth of all; FAAS_NONE: none */

	/*
	 * Called on the loop for each message that was sent to "callback:NAME". True: it is
	 * done. False, or no on_message: it comes again after a second, then after two, and
	 * so on up to five minutes, for six hours. At least once: with a state_dir it may
	 * come again after the program was ended in the middle of it.
	 */
	bool (*on_message)(void *data, const struct faas_message *message);

	/*
	 * With keys, variables of functions are encrypted at rest (AES-256-GCM): readable only
	 * while an environment is made of them, or you ask for them. Up to one without an
	 * arn; the first is that of functions that name none.
	 */
	const struct faas_key *keys;

	int max_new_per_10s;    /* environments for one function's events: 1000; FAAS_NONE: any */
	int max_requests_per_s; /* synchronous, per unit of concurrency: any; Lambda has 10 */

	void (*on_secret)(void *data, const struct faas_ask *ask); /* [loop] NULL: none are given */
	const char *runtimes; /* of languages, a directory; NULL: "runtimes" beside the worker */
	const struct faas_file_system *file_systems; /* up to one without an arn; NULL: none */
	int max_stream_kb_per_s; /* of an answer in parts behind 6 MB: any; Lambda has 2048 */
	const struct faas_subnet *subnets; /* up to one without an id; NULL: none */
	const struct faas_security_group *security_groups; /* the same */
	const struct faas_image *images; /* up to one without a name; NULL: none */
	int max_image_mb;                /* of an image, unpacked: 10240 */
	/*
	 * An environment that is older ends behind its event, as Lambda ends them every few hours
	 * whether they are used or not (semantics 2.9): what leaks in a function leaks no longer
	 * than that. 4 hours (how many Lambda has is unverified); FAAS_NONE: as old as it likes.
	 */
	int max_age_ms;
	/*
	 * A published version that has a snapshot (.snapshot, .snap_start) becomes "Inactive" when
	 * it was not invoked for so long, and nothing is provisioned of it: its snapshot and its
	 * processes end, their memory is free. A synchronous event fails then with
	 * SnapStartNotReadyException (FAAS_EEXIST) and has the snapshot made again, the version
	 * being "Pending" meanwhile; an asynchronous one has it made, too, and waits without an
	 * attempt. It is "Active" afterwards, or, if its init failed, "Inactive" as before, and
	 * state_reason says why. No other function becomes Inactive, for nothing of an idle one
	 * is given up that an event would have to wait for. The next program on a state_dir
	 * begins with all of them active. 14 days (Lambda: "Lambda SnapStart and function
	 * states", of Java); FAAS_NONE: never.
	 */
	int inactive_after_ms;
};

#define FAAS_CONFIG(...) \
	(&(const struct faas_config){ .size = sizeof(struct faas_config), __VA_ARGS__ })

/*
 * Start a runtime. Returns NULL on failure.
 * With a loop of yours this is [loop], and nothing happens until you run it.
 */
FAAS_EXPORT struct faas *faas_create(const struct faas_config *config,
				     struct faas_error *err);

/*
 * Stop: refuse new work, give running invocations `grace_ms`, then end the
 * rest with FAAS_ECANCELED. `done` runs last of all callbacks, on the loop;
 * after it the runtime no longer exists and your loop holds no handle of it.
 * Calling it again is harmless: only the first `done` runs.
 */
FAAS_EXPORT void faas_close(struct faas *rt, int grace_ms,
			    void (*done)(void *data), void *data);

/*
 * faas_close() without grace, and wait. For programs without a loop of their own.
 * FAAS_EDEADLK on the loop's thread and with a loop of yours, where waiting
 * would be for ever. NULL is allowed.
 */
FAAS_EXPORT int faas_destroy(struct faas *rt);

/* The loop that callbacks run on; [loop] for everything you do with it. */
FAAS_EXPORT struct uv_loop_s *faas_loop(struct faas *rt);
FAAS_EXPORT void faas_free(void *ptr);
FAAS_EXPORT const char *faas_version(void);
FAAS_EXPORT const char *faas_strerror(int code);
FAAS_EXPORT const char *faas_error_name(int code); /* "TooManyRequestsException" */

/*
 * What isolates functions from this program and from each other, and what is
 * missing, with the reason and what is lost by it; one line per layer in
 * `text`. The caller releases it with faas_free().
 */
struct faas_isolation {
	size_t size;
	unsigned applied; /* enum faas_layer */
	unsigned missing; /* asked for, but this machine or user cannot */
	const char *text;
};

FAAS_EXPORT int faas_isolation_report(struct faas *rt, struct faas_isolation **report,
				      struct faas_error *err);

/* A file system as it is now; what quotas the kernel has of it show. faas_free() it. */
FAAS_EXPORT int faas_file_system_get(struct faas *rt, const char *arn,
				     struct faas_file_system_info **info, struct faas_error *err);

/* ---- invoking ------------------------------------------------------- */

enum faas_mode {
	FAAS_SYNC = 0, /* wait for the result */
	FAAS_EVENT,    /* queue it: retries after one and two minutes */
	FAAS_DRY_RUN,  /* check permission and parameters only */
};

struct faas_request {
	size_t size;
	const char *function; /* name, name:version, name:alias or ARN */
	struct faas_bytes payload; /* at most 6291456 bytes; FAAS_EVENT: 1048576 */
	enum faas_mode mode;
	bool log_tail;
	int capacity_wait_ms; /* for a free environment, before the throttle; 0: don't wait */
	/*
	 * X-Amzn-Trace-Id, at most 1024 bytes; a handler sees it with one more visit to its
	 * function in the field Lineage. One that the chain has been to 16 times is not
	 * invoked again (RecursiveInvocationException): see PutFunctionRecursionConfig.
	 */
	const char *trace_id;
	const char *client_context; /* at most 3583 bytes */
	const char *tenant_id;

	void (*on_done)(void *data, const struct faas_result *result);
	void *data;

	const char *request_id; /* a UUID of yours, that handler and log see; NULL: a new one */

	/*
	 * Take the answer in parts, as the handler writes them, for faas_invoke() and FAAS_SYNC:
	 * called on the loop, any number of times before on_done, whose payload is empty
	 * then, or the error that came behind the last part. An answer has at most 209715200
	 * bytes. Return false, and there are no more until faas_resume(); 1 MB further on the
	 * handler waits, on its own time. What runs in a thread is handed over as one part
	 * when it is done, as is what cannot be had in parts.
	 */
	bool (*on_part)(void *data, const struct faas_part *part);
};

#define FAAS_REQUEST(...) \
	(&(const struct faas_request){ .size = sizeof(struct faas_request), __VA_ARGS__ })

/*
 * Run a function on an event. If this returns 0, `on_done` (NULL: don't care)
 * is called exactly once, later, whatever happens: result, throttle, timeout,
 * crash or close. With FAAS_EVENT it is called when the event is queued; with a
 * state_dir that means: it is on the disk. Then its code is FAAS_OK: accepted, and
 * the event runs at least once, whatever becomes of this program; FAAS_EUNKNOWN: the
 * disk failed so late that the event may run after a restart, or not; anything else:
 * it was not accepted. What waits begins again when its function is created. An
 * event that is accepted there is not called off any more.
 * `id` (NULL: don't care) names the invocation for faas_cancel().
 */
FAAS_EXPORT int faas_invoke(struct faas *rt, const struct faas_request *request,
			    uint64_t *id, struct faas_error *err);

/*
 * Run a function on an event and wait; release the result with faas_free().
 * Returns 0 if the function ran, whatever came of it (see result->code), else
 * the reason why it did not. This is the shortest way: the work is done on the
 * calling thread. FAAS_EDEADLK on the loop's thread, where waiting would stop
 * everything else. With FAAS_EVENT and a state_dir it may be this thread that writes
 * and syncs the event, while others' wait for it: it handles no signal and is not canceled
 * meanwhile, and needs no more of its stack than for any other event (16 KB are enough).
 */
FAAS_EXPORT int faas_invoke_wait(struct faas *rt, const struct faas_request *request,
				 struct faas_result **result, struct faas_error *err);

/*
 * End an invocation early. Its on_done still runs, most likely with
 * FAAS_ECANCELED. An id that is over or never was is ignored.
 */
FAAS_EXPORT void faas_cancel(struct faas *rt, uint64_t id);

/*
 * Go on with the parts of an answer, after on_part returned false; 0 or FAAS_ENOMEM. It may
 * be called before that has returned. An id that is over or never was is ignored.
 */
FAAS_EXPORT int faas_resume(struct faas *rt, uint64_t id);

/* ---- messages ------------------------------------------------------- */

/*
 * An address is where a message goes:
 *   queue:NAME                  a queue of this runtime, made by the first message to it;
 *                               it keeps them until they are taken. Also as the ARN of SQS.
 *                               NAME.fifo is one of SQS's FIFO queues: see source.h.
 *   topic:NAME                  all who subscribed, see source.h. Also as the ARN of SNS.
 *   bus:NAME                    all whose pattern it fits. Also as the ARN of EventBridge.
 *   function:NAME[:QUALIFIER]   an asynchronous invocation. Also as the ARN of Lambda.
 *   callback:NAME, dir:/PATH    faas_config.on_message; a file there, see source.h
 * NAME of all but a function: [a-zA-Z0-9-_]+, 1..80.
 *
 * Where an event of a function ended, a message goes to
 *   on_success    if it succeeded: a record of event and response
 *   on_failure    if it failed for good: a record of event and error
 *   dead_letter   if it failed for good: the event as it was, with the attributes
 *                 RequestID, ErrorCode and ErrorMessage
 * None of these is a FIFO queue, whose messages need a group. The records are Lambda's:
 *   {"version":"1.0","timestamp":"2026-11-24T23:11:08.568Z","requestContext":{"requestId":
 *   "...","functionArn":"...:f:$LATEST","condition":"RetriesExhausted",
 *   "approximateInvokeCount":3},"requestPayload":...,"responseContext":{"statusCode":200,
 *   "executedVersion":"$LATEST","functionError":"Unhandled"},"responsePayload":...}
 * Conditions: Success, RetriesExhausted, EventAgeExceeded, ZeroReservedConcurrency. No response
 * if it did not run. What is no JSON is a string; what is no text is base64, and
 * requestPayloadIsBase64Encoded or responsePayloadIsBase64Encoded is true.
 *
 * With a state_dir the message is on the disk by the same commit that ends the event: an
 * event ends once, and is told once. To functions and callbacks it is delivered at least
 * once; a failed attempt is told by the metric DestinationDeliveryFailures or DeadLetterErrors.
 * After six hours, or at once if it is too large for a function, it is dropped.
 *
 * These may be called from any thread; with a state_dir they wait for the disk, and may
 * write to it as faas_invoke_wait() does.
 * FAAS_EUNKNOWN: it failed so late that it may have been done, or not.
 */

/* Send a message of at most 1048576 bytes. It is accepted when this returns. */
FAAS_EXPORT int faas_send(struct faas *rt, const char *address, struct faas_bytes body,
			  struct faas_error *err);

/*
 * Take the oldest message of a queue, handed out; NULL if there is none. With hide_ms 0 it
 * is gone; else (up to 12 hours) it is hidden so long, and then back unless faas_drop() was
 * called: so it is not lost if your program ends meanwhile.
 */
FAAS_EXPORT int faas_take(struct faas *rt, const char *queue, int hide_ms,
			  struct faas_message **message, struct faas_error *err);

/* Remove a message that was taken or seen. FAAS_ENOTFOUND: it is not there any more. */
FAAS_EXPORT int faas_drop(struct faas *rt, int64_t id, struct faas_error *err);

/* Show the messages of a queue on this thread, hidden ones too, until `each` returns false. */
FAAS_EXPORT int faas_peek(struct faas *rt, const char *queue,
			  bool (*each)(void *data, const struct faas_message *message), void *data,
			  struct faas_error *err);

/*
 * Send up to `max` messages of a queue on, oldest first, to another address. `to` NULL: dead
 * letters go back to the functions whose events they are; others stay. `moved` may be NULL.
 */
FAAS_EXPORT int faas_move(struct faas *rt, const char *queue, const char *to, int max, int *moved,
			  struct faas_error *err);

struct faas_queue_stats {
	size_t size;
	uint64_t visible, hidden;
	int64_t oldest_ms; /* Unix time when the oldest was sent; 0: there is none */
};

/* Set stats->size first, as for faas_stats(). */
FAAS_EXPORT int faas_queue_stats(struct faas *rt, const char *queue,
				 struct faas_queue_stats *stats, struct faas_error *err);

/*
 * Answer a struct faas_ask: a text of at most 65536 bytes, copied; `value.data` NULL:
 * there is none for this function, or no such version. The answer is kept until it expires,
 * `ttl_ms` from now (0: at once, at most a day), for this function as it is configured now, never
 * written to a log or to a disk, and wiped from memory afterwards. An id that is over is ignored.
 */
FAAS_EXPORT int faas_secret_give(struct faas *rt, uint64_t id, struct faas_bytes value,
				 int ttl_ms, struct faas_error *err);
/*
 * A secret was rotated: all that is kept of it, in any version, for any function, expires. Who
 * asks after this returned is answered by the host. A name that nobody asked for is fine.
 */
FAAS_EXPORT int faas_secret_expire(struct faas *rt, const char *name, struct faas_error *err);

/* ---- everything else, as data --------------------------------------- */

/*
 * Perform an operation of the Lambda API (2015-03-31) by its name, with the JSON
 * that the API has for it: all members of the request in one object. The reply
 * is handed out (NULL: don't care), "{}" where the API answers nothing. On failure
 * err->type is the API's exception, UnknownOperationException if libfaas has no
 * such operation. It has:
 *   CreateFunction UpdateFunctionCode
 *   PublishLayerVersion GetLayerVersion GetLayerVersionByArn DeleteLayerVersion
 *   ListLayers ListLayerVersions
 *   GetFunction GetFunctionConfiguration UpdateFunctionConfiguration
 *   DeleteFunction ListFunctions PublishVersion ListVersionsByFunction
 *   CreateAlias GetAlias UpdateAlias DeleteAlias ListAliases GetAccountSettings
 *   PutFunctionConcurrency GetFunctionConcurrency DeleteFunctionConcurrency
 *   PutProvisionedConcurrencyConfig GetProvisionedConcurrencyConfig
 *   ListProvisionedConcurrencyConfigs DeleteProvisionedConcurrencyConfig
 *   TagResource UntagResource ListTags
 *   PutFunctionRecursionConfig GetFunctionRecursionConfig
 *   PutRuntimeManagementConfig GetRuntimeManagementConfig
 *   CreateCodeSigningConfig UpdateCodeSigningConfig GetCodeSigningConfig
 *   ListCodeSigningConfigs DeleteCodeSigningConfig ListFunctionsByCodeSigningConfig
 *   PutFunctionCodeSigningConfig GetFunctionCodeSigningConfig
 *   DeleteFunctionCodeSigningConfig
 *   PutFunctionEventInvokeConfig UpdateFunctionEventInvokeConfig
 *   GetFunctionEventInvokeConfig DeleteFunctionEventInvokeConfig
 *   ListFunctionEventInvokeConfigs CreateEventSourceMapping GetEventSourceMapping
 *   UpdateEventSourceMapping DeleteEventSourceMapping ListEventSourceMappings
 *   CreateFunctionUrlConfig UpdateFunctionUrlConfig GetFunctionUrlConfig
 *   ListFunctionUrlConfigs DeleteFunctionUrlConfig
 *   AddPermission RemovePermission GetPolicy AddLayerVersionPermission
 *   RemoveLayerVersionPermission GetLayerVersionPolicy
 * and of IAM, for the roles of functions and of who signs:
 *   CreateRole GetRole ListRoles DeleteRole UpdateAssumeRolePolicy
 *   PutRolePolicy GetRolePolicy ListRolePolicies DeleteRolePolicy
 *   AttachRolePolicy DetachRolePolicy ListAttachedRolePolicies
 *   CreatePolicy iam:GetPolicy GetPolicyVersion ListPolicies DeletePolicy
 * EventBridge's PutEvents is in source.h.
 * A member that would change nothing here is refused, not ignored. Code comes as
 * ZipFile, in base64; it is a plugin, and its Runtime is provided.al2023, .al2 or
 * provided; or, with PackageType Image, as ImageUri. What takes its time of it is done
 * afterwards, on a thread of the library's.
 */
FAAS_EXPORT int faas_control(struct faas *rt, const char *operation, const char *request,
			     char **response, struct faas_error *err);

FAAS_EXPORT int faas_stats(struct faas *rt, struct faas_stats *stats);

FAAS_END_DECLS

#endif
