/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_PROGRAM_PLATFORM_H
#define FA_WORKER_PROGRAM_PLATFORM_H

#include <worker/program/telemetry.h>
#include <worker/run.h>

/*
 * What the platform does, told as events of telemetry. It remembers of init and of one event
 * what is said when they are over. The host has accounts of its own, and believes none of this.
 */
struct fa_platform {
	struct fa_telemetry *telemetry;
	const struct fa_run *run;
	bool initialized;               /* initRuntimeDone was told */
	int64_t init_start_ns, init_ns; /* the latter: until it was reported with an event */
	int64_t restore_start_ns;       /* 0: nothing is restored now */
	enum {
		FA_PLATFORM_QUIET,
		FA_PLATFORM_RUNNING,  /* there is an event */
		FA_PLATFORM_ANSWERED, /* and the runtime has not asked for the next one */
		FA_PLATFORM_DONE,     /* it has; not all extensions have */
	} state;
	char request_id[40], error_type[FA_RUNTIME_TYPE]; /* the latter "": none */
	struct fa_instant begun;
	int64_t responded_ns, answered_ns; /* the response began; and ended */
	uint64_t produced;
	int64_t used_kb; /* the most so far, as seen when events ended */
};

void fa_platform_init(struct fa_platform *platform, struct fa_telemetry *telemetry,
		      const struct fa_run *run);
/* The runtime asks for its first event, or its init failed with that type. */
void fa_platform_runtime_done(struct fa_platform *platform, const char *error_type);
/* All of init is over. */
void fa_platform_init_done(struct fa_platform *platform, const struct fa_extensions *extensions,
			   int64_t now_ns);

/* SnapStart: the runtime is told that it was restored; and asks for its event. */
void fa_platform_restores(struct fa_platform *platform, int64_t now_ns);
void fa_platform_restored(struct fa_platform *platform, int64_t now_ns);

void fa_platform_begin(struct fa_platform *platform, const struct faas_context *context,
		       struct fa_instant now);
void fa_platform_responds(struct fa_platform *platform, int64_t now_ns);
void fa_platform_answered(struct fa_platform *platform, const char *error_type, uint64_t produced,
			  int64_t now_ns);
/* The runtime waits for the next event; and so do all extensions. */
void fa_platform_runtime_waits(struct fa_platform *platform, int64_t now_ns);
void fa_platform_all_wait(struct fa_platform *platform, int64_t now_ns);

#endif
