/* SPDX-License-Identifier: MIT */
#ifndef FA_INVOCATION_H
#define FA_INVOCATION_H

/*
 * The invocation, for the files that move it: arrive.c (where it comes from and goes),
 * turn.c (who is next), invocation.c (its states), cancel.c. All of it is the loop's.
 */
#include <conduct.h>

#define FA_INVOCATION_SMALL 1024 /* room of an invocation that is kept for the next */

enum fa_invocation_state { ARRIVING, WAITING, RUNNING, PAUSED };

struct fa_invocation {
	struct fa_call arrive;
	struct fa_list link;       /* in faas.invocations */
	struct fa_list turn;       /* in fa_runner.waiting */
	struct fa_timer timer;     /* patience, the next attempt, or the next part */
	enum fa_invocation_state state;
	uint64_t id;
	struct faas *rt;
	struct fa_runner *runner;  /* with a reference to its version */
	uint32_t changes;          /* of the registry, when that was looked up; 0: not known */
	struct fa_env *env;
	enum faas_mode mode;
	bool log_tail, canceled;
	bool waited;               /* for, by a thread that did what comes before */
	int capacity_wait_ms;
	struct fa_retry retry;
	struct fa_kept *kept;      /* an event that outlives the program */
	void (*on_done)(void *data, const struct faas_result *result);
	bool (*on_part)(void *data, const struct faas_part *part);
	void *data;
	int64_t pace_full_ns;      /* when as much may be streamed at once as in the beginning */
	size_t room;
	struct fa_job job;
	char payload[]; /* of `room` bytes: context strings, then the event */
};

static inline bool fa_invocation_is_event(const struct fa_invocation *inv)
{
	return inv->mode == FAAS_EVENT;
}

/* ---- invocation.c ---------------------------------------------------- */

void fa_invocation_begin(struct fa_invocation *inv);
void fa_invocation_submit(struct fa_invocation *inv, struct fa_env *env);
/* What it was sent to may be something else by now (semantics 1.4); whether it is. */
bool fa_invocation_follow(struct fa_invocation *inv);
/* It could not run now: an event comes again later, the others end with `code`. */
void fa_invocation_throttle(struct fa_invocation *inv, const char *reason, int code);
/* It did not run and is over: throttled, canceled, out of memory. */
void fa_invocation_refuse(struct fa_invocation *inv, int code, const char *reason);
/* The one place that calls back, and does so once; of what does not run, with that code. */
void fa_invocation_answer(struct fa_invocation *inv, const struct faas_result *result);
void fa_invocation_answer_none(struct fa_invocation *inv, int code, const char *reason);
/* `timer` is due: the next attempt, the end of patience, or more may be streamed. */
void fa_invocation_due(struct fa_timer *timer);

/* It begins again after that time; memory being out, it is lost. */
void fa_invocation_pause(struct fa_invocation *inv, int64_t delay_ns);

/* ---- ending.c -------------------------------------------------------- */

struct fa_letters;
struct fa_farewell;

/* What comes of an event after an attempt. */
struct fa_ending {
	enum fa_retry_end end;
	bool given_up;              /* called off, or the runtime ends */
	int64_t delay_ns;           /* of FA_RETRY_AGAIN */
	struct fa_letters *letters; /* to those who hear of it; NULL: nobody */
};

/* None of the function's events may run, not even later. */
bool fa_ending_is_off(const struct fa_invocation *inv);
/* Until the event is too old to begin; 0: it is. */
int64_t fa_ending_left_ms(const struct fa_invocation *inv);
/* To those who hear of an event that is too old and has no function; false: memory is out. */
bool fa_ending_farewell(struct faas *rt, const struct fa_stored *event, struct faas_bytes name,
			const char *qualifier, const struct fa_farewell *farewell,
			struct fa_letters **letters);
/* `outcome` NULL: it could not run. What is borrowed from it is copied. */
void fa_ending_decide(struct fa_ending *ending, struct fa_invocation *inv,
		      const struct fa_outcome *outcome);
/* The invocation is over, or pauses. */
void fa_ending_apply(struct fa_ending *ending, struct fa_invocation *inv);

/* ---- turn.c ---------------------------------------------------------- */

/* Somebody waits for the environment that is first to be through. */
void fa_turn_mind(struct fa_runner *runner);
void fa_turn_wait(struct fa_invocation *inv, bool in_front);
void fa_turn_stop(struct fa_invocation *inv); /* it waits no longer, if it did */
/* Hand it over behind others; false: nobody may take it, or somebody waits. */
bool fa_turn_ahead(struct fa_invocation *inv);
/* Environments that are awake are through with it sooner than another one would begin. */
bool fa_turn_is_soon(const struct fa_runner *runner, const struct fa_invocation *inv);
/* An event of the store may wait at hand. */
bool fa_turn_may_stay(const struct fa_invocation *inv);
/* `env` is through with one: to the next, or back into its pool. */
void fa_turn_pass(struct fa_runner *runner, struct fa_env *env, bool stays);
void fa_turn_give_back(struct fa_runner *runner, struct fa_env *env, bool stays);

/* ---- parts.c --------------------------------------------------------- */

void fa_parts_show(struct fa_invocation *inv, struct faas_bytes bytes, bool http);
/* fa_envs.on_part */
void fa_parts_come(void *data, struct fa_env *env, struct fa_job *job, struct faas_bytes part,
		   bool http);
/* More are wanted, as far as that goes: an enum fa_pause. */
void fa_parts_resume(struct fa_invocation *inv, unsigned why);

/* ---- arrive.c -------------------------------------------------------- */

void fa_invocation_free(struct fa_invocation *inv);

#endif
