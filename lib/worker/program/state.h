/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_PROGRAM_STATE_H
#define FA_WORKER_PROGRAM_STATE_H

#include <worker/areas.h>
#include <worker/context.h>
#include <worker/program/extensions.h>
#include <worker/program/frames.h>
#include <worker/program/platform.h>
#include <worker/program/program.h>
#include <worker/program/rest.h>
#include <worker/program/runtime_api.h>
#include <worker/program/server.h>
#include <worker/program/tap.h>
#include <worker/program/telemetry.h>

/* All that process 1 knows; of this folder alone. One thread, one of these. */
struct fa_program {
	const struct fa_run *run;
	struct fa_areas areas;
	struct fa_context call;
	struct fa_runtime_api api;
	struct fa_server server;
	struct fa_frames frames;
	struct fa_extensions extensions;
	struct fa_telemetry telemetry;
	struct fa_platform platform;
	struct fa_tap output, extensions_output; /* open where there are extensions */
	struct fa_rest rest;
	struct fa_connection *waiter; /* asked for the next event */
	struct fa_connection *stream; /* sends the answer part by part */
	size_t streamed;
	bool stalled;   /* until there is room for more of it */
	int64_t restore_ns; /* not 0: until then it has to ask for the event that is there */
	int64_t cut_ns; /* not 0: until then whoever cut it short may be found dead */
	bool dead;      /* the runtime, with `status`, and not all it sent is taken */
	int status;
	int signals;
	pid_t runtime;
	enum {
		FA_PROGRAM_STARTING,
		FA_PROGRAM_SERVING,
		FA_PROGRAM_BROKEN, /* init failed */
		FA_PROGRAM_ENDING,
	} phase;
	char *error; /* of init, in the program's own words; or call.failure */
	size_t error_len;
	bool open; /* a request has begun and is not answered */
	uint32_t seq, flags;
	uint32_t done, rung;
	int64_t begun_ns, finished_ns, end_ns; /* ENDING: until then */
	bool told;                             /* of the end, the extensions */
};

int64_t fa_program_now_ns(void);

/* host.c: the event's end, with the outcome in `call`; or in the words of ours, or its result. */
void fa_program_answer(struct fa_program *p);
void fa_program_fail_event(struct fa_program *p, const char *type, const char *message);
void fa_program_finish(struct fa_program *p);
_Noreturn void fa_program_report_broken(struct fa_program *p);
/* As the host expects it of a process 1, which cannot die of a signal of its own. */
_Noreturn void fa_program_end(struct fa_program *p, int status);

/* parts.c: the server's callbacks, and what ends an answer in parts or goes on with it. */
bool fa_program_on_head(void *data, struct fa_connection *from,
			const struct fa_http_request *request);
size_t fa_program_on_piece(void *data, struct fa_connection *from, struct faas_bytes piece);
void fa_program_finish_parts(struct fa_program *p, struct fa_connection *from,
			     const struct fa_http_request *request);
void fa_program_lose_parts(struct fa_program *p);
void fa_program_cut_parts(struct fa_program *p);
void fa_program_go_on_with_parts(struct fa_program *p);

/* requests.c: the server's callbacks, and how init goes on and ends. */
void fa_program_on_request(void *data, struct fa_connection *from,
			   const struct fa_http_request *request);
void fa_program_on_gone(void *data, struct fa_connection *from);
void fa_program_init_is_over(struct fa_program *p, int phase);
void fa_program_look_at_init(struct fa_program *p);
/* The runtime was restored for the event that has begun; and has to be ready before its time. */
void fa_program_restore(struct fa_program *p);
void fa_program_look_at_restore(struct fa_program *p);
/* No environment goes on without one of its extensions. */
void fa_program_fail(struct fa_program *p, const char *type, const char *message);

/* program.c: all that was logged by now. */
void fa_program_read_logs(struct fa_program *p);

/* children.c: what extensions hear of, the end of all, and those that ended by themselves. */
void fa_program_tell_extensions(struct fa_program *p, bool shutdown, int64_t deadline_ms);
void fa_program_begin_end(struct fa_program *p);
int fa_program_go_on_ending(struct fa_program *p); /* ms until its next step */
void fa_program_bury(struct fa_program *p);

#endif
