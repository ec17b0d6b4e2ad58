/* SPDX-License-Identifier: MIT */
#ifndef FAAS_FUNCTION_H
#define FAAS_FUNCTION_H

/*
 * Functions, their versions and aliases, and what of them is reserved and provisioned. faas.h
 * includes it, and says what holds for all of this.
 */

#include <faas/given.h>
#include <faas/told.h>
#include <faas/types.h>

FAAS_BEGIN_DECLS

struct faas;
struct faas_context;

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

FAAS_END_DECLS

#endif
