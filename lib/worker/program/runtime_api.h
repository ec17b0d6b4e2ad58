/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_PROGRAM_RUNTIME_API_H
#define FA_WORKER_PROGRAM_RUNTIME_API_H

#include <stdbool.h>
#include <stddef.h>
#include <faas/plugin.h>
#include <http/message.h>

/*
 * Lambda's Runtime API, version 2018-06-01, without a socket: requests and events go in,
 * answers and results come out. One per environment, one thread. No state belongs to a
 * connection: runtimes send each request over whichever they like.
 */

enum fa_runtime_state {
	FA_RUNTIME_STARTED,     /* the runtime has not yet asked for an event */
	FA_RUNTIME_READY,       /* it waits for one */
	FA_RUNTIME_RUNNING,     /* it has one */
	FA_RUNTIME_ANSWERING,   /* and says part by part what came of it */
	FA_RUNTIME_SENT,        /* it has said what came of it */
	FA_RUNTIME_INIT_FAILED, /* it never will */
	FA_RUNTIME_RESTORABLE,  /* its init is over, and it waits to be told that it was restored */
	FA_RUNTIME_RESTORING,   /* it was, and has not yet asked for an event */
	FA_RUNTIME_RESTORE_FAILED,
};

/* What is to be done about a request. */
enum fa_runtime_step {
	FA_RUNTIME_REPLY,  /* send the answer */
	FA_RUNTIME_WAIT,   /* answer it with fa_runtime_event(), once there is one; or
			    * fa_runtime_restore(), if it is restorable */
	FA_RUNTIME_RESULT, /* send the answer; `result` has the event's end, or that of init */
};

#define FA_RUNTIME_FIELDS 8
#define FA_RUNTIME_TEXT 2048 /* of an event for an extension, trace and ARN included */
#define FA_RUNTIME_TYPE 64

struct fa_runtime_answer {
	int status;
	struct fa_http_field fields[FA_RUNTIME_FIELDS]; /* values: of the event, or static */
	int field_count;
	struct faas_bytes body; /* of the event, static, or in `text` */
	char text[FA_RUNTIME_TEXT], deadline[24];
};

struct fa_runtime_result {
	bool failed, too_large;     /* the latter: there is no body */
	char type[FA_RUNTIME_TYPE]; /* of a failure, as Lambda names it for itself */
	const char *message;        /* of a failure that is not in its own words; else NULL */
	struct faas_bytes body;     /* copy it before the request is forgotten */
};

struct fa_runtime_api {
	bool snap_start;                    /* there is restore/next */
	enum fa_runtime_state state;
	bool offered;                       /* there is an event, begun or not */
	const struct faas_context *context; /* of it; borrowed, as is `event` */
	struct faas_bytes event;
	struct fa_runtime_result result;
	bool streaming, http; /* ANSWERING: in the mode of that name; a head of HTTP comes first */
};

/* The largest body that a request may have. */
#define FA_RUNTIME_BODY_MAX 6291556

void fa_runtime_init(struct fa_runtime_api *api);

/*
 * An event, at the latest to be fetched by the next GET .../next. Both stay valid until
 * its result. True: the runtime is ready, so the requests that wait are to be answered
 * now, each with fa_runtime_event(). False: it has not asked yet, or still has the last one.
 */
bool fa_runtime_offer(struct fa_runtime_api *api, const struct faas_context *context,
		      struct faas_bytes event);

/* The answer to a restorable one that waits. It has the event afterwards, when it asks. */
void fa_runtime_restore(struct fa_runtime_api *api, struct fa_runtime_answer *answer);

/* The answer to a request that waited. */
void fa_runtime_event(struct fa_runtime_api *api, struct fa_runtime_answer *answer);

/*
 * The head of a request. True: it answers the event, and its body is to be passed on as it
 * comes, because it is in the mode for that or, with `parts`, whoever asked is glad of each. Then
 * the end follows: fa_runtime_end() with all of the request but its body, or, if
 * there is too much of that, fa_runtime_overflow(), or fa_runtime_cut() if no more comes.
 */
bool fa_runtime_begin(struct fa_runtime_api *api, const struct fa_http_request *request,
		      bool parts);
/* The result has only what the trailers say of an error: the body is theirs. */
void fa_runtime_end(struct fa_runtime_api *api, const struct fa_http_request *request,
		    struct fa_runtime_answer *answer);
void fa_runtime_overflow(struct fa_runtime_api *api, struct fa_runtime_answer *answer);
void fa_runtime_cut(struct fa_runtime_api *api);

/* A whole request, from the function's own code: any of it may be hostile. */
enum fa_runtime_step fa_runtime_take(struct fa_runtime_api *api,
				     const struct fa_http_request *request,
				     struct fa_runtime_answer *answer);

#endif
