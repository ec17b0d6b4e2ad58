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
 * those of its own threads, reaps only its own child (by pidfd), never forks
 * your program (it spawns faas-worker), opens every descriptor with CLOEXEC
 * and never calls setlocale(), chdir(), umask() or exit(). Nothing of it
 * survives your program, not even after `kill -9`.
 */

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
	 * (FAAS_ESYSTEM), or the next program may find that it has (FAAS_EUNKNOWN). Of
	 * layers it holds for this program. One runtime at a time may use it
	 * (FAAS_EEXIST). NULL: all of it is kept in memory.
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

/* ---- functions ------------------------------------------------------ */

typedef int (*faas_handler_fn)(struct faas_context *ctx, struct faas_bytes event);

/*
 * What a function is. `code` is a directory, one .so, or a .zip; `handler` is
 * Lambda's "file.method", split at the last dot. Directories and .so are run from
 * where they lie. A .zip is read and judged now, by Lambda's limits, and unpacked
 * into the state_dir, or else below $TMPDIR; what became of the file later makes no
 * difference, not even to later changes of other members. Give one of:
 *   .code = "plugins/", .handler = "image.resize"
 *           method `resize` of the plugin image.so;
 *   .code = "/usr/lib/x86_64-linux-gnu", .handler = "libm.so.6.pow",
 *   .prototype = "double pow(double x, double y)"
 *           any C function of any .so (without .prototype: the one declared in
 *           <file>.h beside the .so);
 *   .code = "service/", .runtime = "provided.al2023", .handler = "any word"
 *           a program: the executable `bootstrap` of the code, or of its layers, which
 *           asks for events over Lambda's Runtime API (always FAAS_PROCESS);
 *   .code = "site.zip", .runtime = "python3.11", .handler = "module.function"
 *           Python (python3.N) or JavaScript (nodejsN.x), run by the system's interpreter
 *           (of which version /usr/bin/node is, only its start tells: with another one
 *           than N each init fails with Runtime.InvalidRuntime, which names both);
 *           of Python, the library's version is run in the worker: with .snapshot, .pristine;
 *   .native = fn
 *           a handler linked into the host (always FAAS_THREAD).
 *
 * FAAS_THREAD has the same semantics, minus what a thread cannot have: it is
 * not sandboxed, its crash is yours, and it cannot be killed. Past its timeout
 * a callback is told so and another thread takes the next event; faas_invoke_wait()
 * runs the handler on your own thread and reports the timeout once it returns.
 * A plugin's memory is counted, and limited, by what its own calls of malloc()
 * and friends take. Its .so stays loaded: changed code needs another file name.
 * There is no private /tmp (context->tmpdir is NULL), and faas_close() is done
 * only when all handlers have returned. An init() that fails is called once more, as
 * elsewhere, but finds what the first call left in the plugin's static variables.
 *
 * .pristine, for FAAS_PROCESS: each event finds the process as init() left it.
 * Once an event is answered, all memory it wrote is put back, and what it mapped
 * and opened is closed. What else it leaves behind (files in /tmp, threads,
 * child processes) ends the process, and a later event gets a new one with an
 * empty /tmp. Signal handlers, limits and the current directory are put back
 * within some forty events. Not put back: what a file that init() opened or
 * made contains, and where it is read next. init() may leave no threads,
 * children or writable shared memory, else it fails with Runtime.NotPristine.
 * It costs the next event about 1 us, and 0.1 us per page (4 KB) written; past 64
 * pages as much as writing to new memory. No event is handed over ahead. It keeps
 * events of a correct function apart; hostile code, which runs while it is
 * reset, could evade it. Needs Linux 6.7.
 *
 * .provisioned environments are initialised ahead of any event, beginning when the function is
 * created, and kept: idle_ms does not end them, one that ends is started again, an event gets
 * one of them if it can, else any other. Their init belongs to no invocation and may take 130
 * seconds. One that fails is tried again after a pause that doubles from 0.1 s to a minute;
 * faas_function_get() tells why. They count as the others do against max_memory_mb, take their
 * number out of what the function reserves, or else out of what all share, and are refused where
 * they could not fit.
 *
 * .max_concurrency is reserved: so many of the function's events, of all its versions
 * together, run at a time and no more, whatever other functions do; these share what
 * is left of the runtime's max_concurrency.
 *
 * .snapshot, for FAAS_PROCESS: init() and before_snapshot() run once, in a template that never
 * sees an event; every environment begins with a copy of the memory they left and runs
 * after_restore() before its first event. That time is its init, called Restore Duration in
 * REPORT. The template of $LATEST is made for the first event: what is never called costs
 * nothing. That event and those that come meanwhile wait; if the template fails, the event hears
 * why, and the next one makes another. All of it has ten seconds: an init() that takes longer is
 * tried once more within the function's timeout, an after_restore() ends as
 * SnapStartTimeoutException. That of a number is made when it is published.
 * Copied besides memory: signal handlers, limits, umask, current directory; what was mapped from
 * files becomes memory. Not copied: timers, and memory marked with MADV_WIPEONFORK, which is
 * zero. The same in all environments, since init() did it: addresses, the stack protector's
 * secret, and whatever was drawn from a random generator. What must be different (seeds, ids,
 * keys) is for after_restore() to draw, getrandom(2) is good in it; request ids come from the
 * host and differ. What init() leaves that cannot be copied fails with Runtime.NoSnapshot and
 * the reason: threads, children, writable shared memory, open files and sockets, files in /tmp;
 * before_snapshot() is the place to end and close them. Errors of the hooks are
 * Runtime.BeforeSnapshotError and Runtime.AfterRestoreError. The copy takes as much memory as an
 * environment, once, and at most tmp_mb. Needs Linux 6.7 and /proc in the sandbox.
 *
 * A program is started in the sandbox of a FAAS_PROCESS function with Lambda's variables
 * and may be anything that others can execute: a script, a static binary, an interpreter.
 * Its init lasts until it asks for its first event; one that fails, by POST /runtime/init/error
 * or its end, is repeated inside that event, as init() is (plugin.h). What it writes and starts
 * is its environment's: the end of `bootstrap` is that of the environment, with the status as
 * Lambda tells it. Its Runtime API listens in a network of its own that has nothing else;
 * with .network, at an address of the host's loopback interface that is drawn at random.
 * What lies in extensions/ of its layers is started before it, as Lambda's extensions are;
 * with .network, one that subscribes to telemetry listens at the host of
 * AWS_LAMBDA_RUNTIME_API, else at sandbox.localdomain.
 * Programs need a namespace of pids. Not for them: .pristine, .prototype; .snapshot with
 * nodejsN.x. With .snapshot nothing of a program is copied, each process has an init of its own;
 * but after it GET /runtime/restore/next, of which AWS_LAMBDA_INITIALIZATION_TYPE=snap-start
 * tells, is answered with the first event. What it does before it asks for that is part of the
 * event and has ten seconds. More ends the event with SnapStartTimeoutException, POST
 * /runtime/restore/error with what the program calls it, as an error of init would; the next
 * begins with another process.
 */
struct faas_function_config {
	size_t size;
	const char *name;                /* [a-zA-Z0-9-_]+, 1..64 */
	const char *code;
	const char *handler;
	const char *prototype;
	faas_handler_fn native;
	enum faas_isolation_kind isolation;
	int memory_mb;                   /* 128; 128..10240 */
	int timeout_ms;                  /* 3000; 1..900000 */
	int tmp_mb;                      /* 512; 512..10240 */
	int max_concurrency;             /* reserved; 0: shares with others; FAAS_NONE: it is off */
	bool network;                    /* may open sockets, on the host's network */
	bool pristine;                   /* each event finds what init() left; see above */
	const char *const *environment;  /* "NAME=value", NULL-terminated, 4 KB in all */
	const char *description;

	/*
	 * asynchronous invocations. These, on_success and on_failure are for events that are
	 * sent to the function itself; those sent to a number or an alias go by what
	 * PutFunctionEventInvokeConfig says of that one. dead_letter is of the version.
	 */
	int max_retries; /* 2; 0..2, FAAS_NONE for none */
	int max_age_s;   /* 21600; 60..21600 */

	int provisioned; /* environments that are always ready; FAAS_NONE for none again */
	bool snapshot; /* environments begin with the memory that init() left; see above */

	/*
	 * With "JSON" each line of a log is one object: the platform's are its events
	 * ("platform.report"), the function's are wrapped with timestamp, level, requestId
	 * and message, unless they are objects already. What is below its level is not
	 * delivered; plain output counts as INFO. A change to "Text" drops the levels.
	 */
	const char *log_format;       /* "Text"; or "JSON" */
	const char *app_log_level;    /* "INFO"; TRACE, DEBUG, INFO, WARN, ERROR, FATAL */
	const char *system_log_level; /* "INFO"; DEBUG, INFO, WARN */
	const char *log_group;        /* "/aws/lambda/<name>"; [a-zA-Z0-9_./#-], 1..512 */

	/*
	 * "PassThrough": a handler sees its request's trace header, if there is one. "Active":
	 * it always sees one, with its own segment as Parent; unless the request says so, one
	 * per second is sampled, and a twentieth of the others: "XRAY TraceId: ..." is logged.
	 */
	const char *tracing;

	/*
	 * Who hears how asynchronous invocations ended: addresses, see "messages"; "": nobody.
	 * If there are roles, this function's has to let it send there (FAAS_EINVAL); what it
	 * may not send when an event ends is dropped, told by a metric and a line of its log.
	 */
	const char *on_success, *on_failure; /* a record of the event and the answer */
	const char *dead_letter;             /* the event itself, if it failed for good */

	/*
	 * "provided.al2023" (or .al2, or "provided"): a program, if the code or a layer has a
	 * `bootstrap`; else, as with NULL, a plugin or a C function.
	 */
	const char *runtime;
	const char *role;    /* an ARN; if there are roles, of one that trusts Lambda */

	const char *kms_key_arn; /* of faas_config.keys; "": the first one, if there is any */
	/*
	 * ARNs of at most five versions of layers, NULL-terminated; an empty list for none
	 * again. They are published with faas_control("PublishLayerVersion"), and lie
	 * merged at /opt, read-only, what comes later over what came before. Libraries in
	 * lib/ of a layer or of the code that a plugin needs are found by their SONAMEs.
	 */
	const char *const *layers;

	/*
	 * One of faas_config.file_systems by its ARN, seen at mount_path ("/mnt/" and a name).
	 * "" in a change: none again. Needs FAAS_LAYER_MOUNT_NS; not with FAAS_THREAD, .snapshot.
	 */
	const char *file_system, *mount_path;

	/* Of the function, not of its versions. Given, they are all that it has. */
	const struct faas_tag *tags;

	/* Lambda's SnapStart: "PublishedVersions": .snapshot of numbers, not of $LATEST; "None" */
	const char *snap_start;

	/*
	 * Ids out of faas_config.subnets and .security_groups, with commas between them: at most
	 * 16 of one VPC, and 5. Each environment has an address in one of the subnets and may
	 * reach what one of the groups lets it. Both or none; "" in a change: none again. Not
	 * with .network, FAAS_THREAD. No address free: SubnetIPAddressLimitReachedException.
	 */
	const char *subnets, *security_groups;

	/*
	 * A container image instead of .code and .handler: an OCI layout, the tar of one, or
	 * what `docker save` writes, "/srv/image" or "file:///srv/image", with ":tag" or
	 * "@sha256:..." behind it if there are several in it; or a name of faas_config.images.
	 * It is kept by the digest of its manifest, unpacked, and becomes the root directory of
	 * a program: read-only, with /tmp, /dev and /proc as any function has them. All in it
	 * can be read by all; owners, other modes and times are not taken over, nor is USER.
	 * The image's own command can be replaced by these; an empty list or "": not any more.
	 * Needs FAAS_LAYER_MOUNT_NS. Not with .runtime and .layers.
	 */
	const char *image;
	const char *const *entry_point, *const *command; /* NULL-terminated */
	const char *working_directory; /* at most 1000 bytes */
};

#define FAAS_FUNCTION(...) \
	(&(const struct faas_function_config){ \
		.size = sizeof(struct faas_function_config), __VA_ARGS__ })

/*
 * Returns when the function can be invoked: its code was unpacked on this thread. (The
 * operations CreateFunction and UpdateFunctionCode of faas_control() return before, as
 * Lambda's do, and a thread of the library's unpacks; see faas_function_info.)
 * FAAS_EEXIST: there is a function of that name. With a state_dir the functions of the last
 * program, their versions and aliases are there again when faas_create() returns, and their
 * events go on. Each may be created once more: what is given is its configuration from now
 * on, and if that is the same nothing changes. One with a native handler, or whose code does
 * not lie where it lay, is not there until then; its events wait for it.
 */
FAAS_EXPORT int faas_function_create(struct faas *rt,
				     const struct faas_function_config *config,
				     struct faas_error *err);

/*
 * Change $LATEST. Members left at their default stay as they are. Running
 * invocations finish on what they started with; later ones get new environments.
 * With provisioned environments, before and after, this returns when the new ones
 * are ready or one of them has failed, and events go on to the old ones until it
 * does. On the loop's thread nothing is waited for: until the new ones are ready,
 * events get others. Meanwhile another update, or a publication, is FAAS_EEXIST.
 */
FAAS_EXPORT int faas_function_update(struct faas *rt,
				     const struct faas_function_config *config,
				     struct faas_error *err);

/*
 * `function` is a name or an ARN: the function goes with all its versions and
 * aliases. With a number behind it, "name:3", only that version goes, unless an
 * alias leads to it. Running invocations finish.
 */
FAAS_EXPORT int faas_function_delete(struct faas *rt, const char *function,
				     struct faas_error *err);

FAAS_EXPORT int faas_function_get(struct faas *rt, const char *function,
				  struct faas_function_info **info,
				  struct faas_error *err);

/* $LATEST of each. Calls `each` on this thread before it returns, until that returns false. */
FAAS_EXPORT int faas_function_list(struct faas *rt,
				   bool (*each)(void *data, const struct faas_function_info *info),
				   void *data);
/* The same for all versions: $LATEST of a function, then its numbers. */
FAAS_EXPORT int faas_version_list(struct faas *rt,
				  bool (*each)(void *data, const struct faas_function_info *info),
				  void *data);

/*
 * Freeze $LATEST under the next number, for "name:3". If neither configuration
 * nor code changed since the last publication, that one's number comes again.
 * Numbers are never given twice, not even after the function was deleted. A
 * version has environments of its own, none of them provisioned (but see
 * faas_version_provision()). All versions
 * count together towards max_concurrency, whatever it is at the moment. What is
 * frozen is the configuration, and code that is a .zip; a directory or a .so is run
 * from where it lies, so give each version's code a path of its own.
 * With .snapshot or .snap_start it is "Pending" until its snapshot is made; init may take as
 * long as a provisioned one's. That is waited for, but not on the loop. If it fails there is no
 * such version: FAAS_EFUNCTION, with the StateReasonCode of the "Failed" one that faas_control()
 * leaves (semantics 3.3; which code is for what is unverified). Both pointers may be NULL.
 */
FAAS_EXPORT int faas_version_publish(struct faas *rt, const char *function,
				     const char *description, int *version,
				     struct faas_error *err);

/*
 * Make "name:alias" stand for a version (0: $LATEST), and for a second one (0:
 * none) in `weight` of all events, 0 to 1, drawn for each event anew.
 */
FAAS_EXPORT int faas_alias_set(struct faas *rt, const char *function, const char *alias,
			       int version, int second_version, double weight,
			       struct faas_error *err);

FAAS_EXPORT int faas_alias_delete(struct faas *rt, const char *function, const char *alias,
				  struct faas_error *err);

/*
 * Change max_concurrency of a function, for all its versions and at once; what runs
 * goes on. 0: it reserves nothing and shares with the others; FAAS_NONE: none of its
 * events runs, and asynchronous ones end at once, see on_failure. FAAS_EINVAL if less
 * than min_unreserved would be left, or than what is provisioned for it.
 */
FAAS_EXPORT int faas_function_reserve(struct faas *rt, const char *function, int max_concurrency,
				      struct faas_error *err);

/*
 * Keep so many environments ready for a published version, "name:3", or for what an
 * alias leads to, "name:live": they move with it, and are divided as its events are.
 * As .provisioned, which is of $LATEST alone; 0 or FAAS_NONE: none again. Returns at
 * once; faas_function_get() tells how it stands. FAAS_EEXIST if the version has some by
 * another name. They go with the version or the alias.
 */
FAAS_EXPORT int faas_version_provision(struct faas *rt, const char *function, int environments,
				       struct faas_error *err);

/* Drop idle environments now and busy ones when they finish. */
FAAS_EXPORT int faas_recycle(struct faas *rt, const char *function, struct faas_error *err);

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
 * everything else.
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
 * These may be called from any thread; with a state_dir they wait for the disk.
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
