/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_CONTEXT_H
#define FA_WORKER_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <env/wire.h>
#include <faas/plugin.h>
#include <worker/run.h>
#include <worker/secret.h>
#include <worker/settings.h>

#define FA_TRACE_NAME "_X_AMZN_TRACE_ID="
#define FA_TRACE_TEXT (sizeof(FA_TRACE_NAME) + 1024)

/*
 * What stands behind the struct faas_context that a handler holds. One per
 * environment, reused by every call. The response grows in the response area
 * itself: in its slot while it is small, at FA_BIG_OFF from then on. If all of it is a
 * large part of the event, it stays where that is.
 */
struct fa_context {
	struct faas_context context; /* first: a handler's pointer is ours */

	/* of the environment */
	const struct fa_settings *settings;
	char **variables;
	const struct fa_request_head *request;
	struct fa_response_head *response;
	int log_fd;
	const struct fa_run *run; /* NULL: no response goes in parts */
	uint32_t rung;            /* epoch of the loop when it was last told of a part */

	/* of the open request; slot NULL: none is (init, shutdown) */
	struct fa_response_slot *slot;
	uint64_t token;
	uint32_t seq, len;
	bool big;
	struct faas_bytes event;
	const unsigned char *given; /* the response is a part of the event, or NULL */
	bool streams;      /* written bytes go to the host at once */
	uint32_t streamed; /* so many did */
	enum fa_status outcome;    /* 0: undecided */
	char *failed_body;         /* of faas_fail_body() in a hook, or NULL; malloc() */
	size_t failed_len;
	uint32_t logged;           /* since the last response, init included */
	int64_t deadline_ns;

	/* response FA_BIG_OFF was last used for, which the host may still be reading */
	uint32_t big_seq;
	bool big_used;

	/* _X_AMZN_TRACE_ID of the open request, behind the last variable */
	char **trace_place;

	struct fa_asker asker; /* `fd` is of the environment */

	/* memory of faas_alloc() */
	struct fa_chunk *chunks;
	size_t allocated, budget;

	/* what few events need, behind what all do */
	struct faas_error failure; /* what faas_fail() said, cut */
	char trace[FA_TRACE_TEXT];
};

/* Fill in all that stays. The members of the environment are set. */
void fa_context_init(struct fa_context *call, uint32_t memory_mb);

/* Around a hook. */
void fa_context_enter(struct fa_context *call, int64_t deadline_ns);
void fa_context_leave(struct fa_context *call);

/* Around a request: take its slot apart; write the head of its response. */
void fa_context_open(struct fa_context *call, const struct fa_request_slot *slot, uint32_t seq,
		     int64_t deadline_ns);
void fa_context_close(struct fa_context *call);

/* Turn the response into {"errorType":...,"errorMessage":...}. */
void fa_context_fail(struct fa_context *call, enum fa_status status, const char *type,
		     const char *message);

/*
 * Go on with the response, with what there is room for now: how much of it that is. -1: there
 * is no room for all of it, and never will be, and the outcome says so.
 */
int64_t fa_context_pour(struct fa_context *call, const void *data, size_t len);

/* The parts begin with the head of an answer of HTTP and eight NULs. False: nobody wants parts. */
bool fa_context_begin_http(struct fa_context *call);

/* Make these bytes the response, as faas_fail_body(); in a hook, keep them. */
void fa_context_fail_body(struct fa_context *call, enum fa_status status, const char *type,
			  struct faas_bytes body);

/* Write the inside of a JSON string, of any length, with faas_write(). */
int fa_context_write_json(struct faas_context *context, const char *text, size_t len);

#endif
