/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_PROGRAM_EXTENSIONS_H
#define FA_WORKER_PROGRAM_EXTENSIONS_H

#include <sys/types.h>
#include <worker/program/runtime_api.h>
#include <worker/settings.h>

/*
 * Lambda's Extensions API, version 2020-01-01, without a socket. External ones are programs in
 * extensions/ of the layers, started before the runtime; internal ones are part of it. Each
 * says what it wants to hear of, and asks for one event after the other.
 */

#define FA_EXTENSIONS_MAX 10
#define FA_EXTENSION_NAME 128

struct fa_connection;

struct fa_extension {
	char name[FA_EXTENSION_NAME]; /* of an external one: of its file */
	char id[37];
	pid_t pid; /* 0: internal */
	enum {
		FA_EXTENSION_STARTED,
		FA_EXTENSION_REGISTERED,
		FA_EXTENSION_READY,   /* waits for an event */
		FA_EXTENSION_RUNNING, /* has one */
	} state;
	bool invoke, shutdown; /* what it wants to hear of */
	struct fa_connection *waiter;
};

struct fa_extensions {
	const struct fa_settings *settings;
	struct fa_extension at[FA_EXTENSIONS_MAX];
	int count;
	bool closed;                /* the runtime is ready: nobody registers any more */
	char error[FA_RUNTIME_TYPE]; /* of one that gave up: Extension.InitError or .ExitError */
};

/* Is it a request of this API at all? */
bool fa_extensions_meant(const struct fa_http_request *request);

/*
 * A request; `from` is kept while it waits. FA_RUNTIME_WAIT: answer it with an event.
 * FA_RUNTIME_RESULT: one gave up, see `error`, and the environment has to end.
 */
enum fa_runtime_step fa_extensions_take(struct fa_extensions *extensions,
					const struct fa_http_request *request,
					struct fa_connection *from,
					struct fa_runtime_answer *answer);

/* For the other APIs of extensions. Who asks; NULL: the answer is there, and refuses it. */
struct fa_extension *fa_extensions_caller(struct fa_extensions *extensions,
					  const struct fa_http_request *request,
					  struct fa_runtime_answer *answer);
/* The answer is `text`; or it is the error in Lambda's form. */
void fa_extensions_say(struct fa_runtime_answer *answer, int status);
void fa_extensions_refuse(struct fa_runtime_answer *answer, int status, const char *type,
			  const char *message);

/* All that were started have registered: the runtime may start. */
bool fa_extensions_registered(const struct fa_extensions *extensions);
/* All that registered wait for an event. */
bool fa_extensions_ready(const struct fa_extensions *extensions);
void fa_extensions_gone(struct fa_extensions *extensions, const struct fa_connection *from);

/*
 * An event for this one: true, and the answer to its waiter. `shutdown`: the end, by that
 * deadline. False: it does not want it, or does not wait.
 */
bool fa_extension_event(struct fa_extension *extension, const struct faas_context *context,
			bool shutdown, int64_t deadline_ms, struct fa_runtime_answer *answer);

#endif
