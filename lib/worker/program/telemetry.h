/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_PROGRAM_TELEMETRY_H
#define FA_WORKER_PROGRAM_TELEMETRY_H

#include <worker/program/courier.h>
#include <worker/program/extensions.h>
#include <worker/program/tap.h>

/*
 * Lambda's Telemetry API, version 2022-07-01, and the Logs API that it superseded, version
 * 2020-08-15, which has fewer events: extensions subscribe during init to what the
 * platform does and to what function and extensions log. Each event is written once, put into
 * a batch of each subscription that wants it, and taken to it by its courier. What came before
 * somebody subscribed is kept until init is over, within bounds, and only if there may be
 * somebody.
 */

#define FA_TELEMETRY_HISTORY 65536 /* bytes */

struct fa_telemetry {
	struct sockaddr_in address; /* of subscribers, but for the port */
	const char *log_format;
	struct fa_courier *at[FA_EXTENSIONS_MAX];
	int count;
	bool open; /* it is init, and events are kept for who may come */
	struct fa_history {
		struct fa_history *next;
		enum fa_telemetry_type type;
		size_t len;
		char text[];
	} * first, **last;
	size_t kept;
};

struct fa_instant fa_telemetry_now(void);

/* `api`: where the Runtime API is. */
void fa_telemetry_init(struct fa_telemetry *telemetry, const struct sockaddr_in *api,
		       const char *log_format);
/* Init is over: nobody subscribes any more. */
void fa_telemetry_close(struct fa_telemetry *telemetry);

/* Is it a request of one of these APIs? */
bool fa_telemetry_meant(const struct fa_http_request *request);
/* A subscription; each is answered at once. */
void fa_telemetry_take(struct fa_telemetry *telemetry, struct fa_extensions *extensions,
		       const struct fa_http_request *request, struct fa_runtime_answer *answer);

/* Would anybody be told of it, now or later? */
bool fa_telemetry_wanted(const struct fa_telemetry *telemetry, unsigned types);
/* An event of the platform, with its record as JSON. */
void fa_telemetry_event(struct fa_telemetry *telemetry, const char *type, const char *record);
/* One that only the Logs API has: the request is over. */
void fa_telemetry_ended(struct fa_telemetry *telemetry, const char *record);
/* A line of a log, of either kind: text, or with that log format an object of JSON. */
void fa_telemetry_line(struct fa_telemetry *telemetry, enum fa_telemetry_type type,
		       const char *line, size_t len);

/* All couriers: as those of courier.h. */
int fa_telemetry_fill(const struct fa_telemetry *telemetry, struct pollfd fds[FA_EXTENSIONS_MAX]);
void fa_telemetry_serve(struct fa_telemetry *telemetry, const struct pollfd *fds, int count);
/* With `flush` what is there is sent before its time. False: nothing is under way. */
bool fa_telemetry_look(struct fa_telemetry *telemetry, bool flush, int64_t now_ns);
int64_t fa_telemetry_left_ns(const struct fa_telemetry *telemetry, int64_t now_ns);
/* The subscribers stood still meanwhile. */
void fa_telemetry_woken(struct fa_telemetry *telemetry, int64_t now_ns);

#endif
