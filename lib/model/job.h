/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_JOB_H
#define FA_MODEL_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <faas/types.h>

/* A job is one event's stay in an environment: what to run, and what came of it. */

enum fa_verdict {
	FA_OPEN = 0,   /* not decided yet */
	FA_REPLIED,    /* answer: the response */
	FA_ERRED,      /* answer: the handler's own error; stays warm */
	FA_INIT_ERRED, /* answer: the error of init */
	FA_OVERSIZE,   /* the response was too large; stays warm */
	FA_TIMED_OUT,
	FA_INIT_TIMED_OUT,
	FA_EXITED,     /* see wait_status */
	FA_STARVED,    /* out of memory */
	FA_VIOLATED,   /* broke the protocol */
	FA_CANCELED,
	FA_NO_BIRTH,   /* the environment could not be made; see why */
	FA_UNSTARTED,  /* handed over, but never begun: run it elsewhere */
	FA_RESTORE_TIMED_OUT, /* what begins with a snapshot has its limit, too */
};

enum fa_pause {
	FA_PAUSE_READER = 1, /* wants no more */
	FA_PAUSE_PACE = 2,   /* has had as much as there may be by now */
};

struct fa_job {
	/* what to run; the strings live as long as the job */
	struct faas_bytes payload;
	const char *meta; /* strings behind the payload, see env/wire.h */
	uint32_t meta_len;
	int64_t timeout_ns;
	int64_t unix_offset_ns; /* Unix time minus CLOCK_MONOTONIC */
	bool late;        /* an init is part of the invocation */
	bool streams;     /* the answer is wanted in parts, as far as the environment can */

	/* what came of it */
	enum fa_verdict verdict;
	bool init_failed; /* it never got as far as the handler */
	bool again;       /* and that took none of its time: run it once more, with `late` */
	int wait_status;
	int birth_error;  /* errno of FA_NO_BIRTH, where it is known */
	bool cold;        /* met a process that was not initialised */
	bool begun;       /* [loop] it is its turn */
	bool told;        /* its START was told of */
	bool retold;      /* and that in an environment before this one */
	bool halfway;     /* half of its time is over: a spare was asked for */
	bool quiet;       /* claims to have written nothing to its log */
	unsigned paused;  /* [loop] why no more parts are taken for now, each enum fa_pause */
	int64_t streamed; /* [loop] bytes of the parts so far */
	int64_t start_ns; /* handed over, or init done; CLOCK_MONOTONIC */
	int64_t end_ns;
	int64_t init_ns;  /* 0: warm, or part of the duration */
	int64_t cpu_ns;
	int64_t peak_kb;
	struct faas_bytes answer; /* in the environment, hostile: copy once, before fa_env_done() */

	/* texts: empty to begin with; behind the first NUL is nothing to rely on */
	char request_id[40]; /* all of it is copied to where others read: no rubbish in it */
	char error_type[64];
	char why[96];
};

/* Zeroing the long texts would take longer than all that is done with an ordinary job's. */
static inline void fa_job_init(struct fa_job *job)
{
	memset(job, 0, offsetof(struct fa_job, error_type));
	job->error_type[0] = job->why[0] = '\0';
}

/* Whether the process that ended a job like this may serve the next one. */
static inline bool fa_verdict_lasts(enum fa_verdict verdict)
{
	return verdict == FA_REPLIED || verdict == FA_ERRED || verdict == FA_OVERSIZE;
}

/* Whether what failed was a restore: init had its own turn, in the template. */
static inline bool fa_verdict_is_restore(const struct fa_job *job)
{
	return job->verdict == FA_RESTORE_TIMED_OUT ||
	       (job->verdict == FA_INIT_ERRED &&
		!strcmp(job->error_type, "Runtime.AfterRestoreError"));
}

#endif
