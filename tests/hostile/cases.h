/* SPDX-License-Identifier: MIT */
#ifndef HOSTILE_CASES_H
#define HOSTILE_CASES_H

/*
 * A hostile case is a row: what is done, and what must come of it. Running one
 * means: make a function of it, invoke it by both ways beside a neighbour under
 * load, judge the verdict, see that the function recovers, delete it, and check
 * that nothing of the host has changed (G1, G8), nothing is left (G2, G3), the
 * neighbour noticed nothing (G5), the verdict was in time (G6) and the canaries
 * are untouched (G7).
 */
#include <support/harness.h>
#include <support/test.h>

enum verdict {
	ANSWERED = 1 << 0, /* FAAS_OK; `answer` */
	FAILED = 1 << 1,   /* the function's own error; `cause` is its type */
	CRASHED = 1 << 2, /* Runtime.ExitError; `cause`: "signal: aborted", "exit status 3" or "" */
	TIMED_OUT = 1 << 3,
	VIOLATED = 1 << 4, /* Runtime.ProtocolError; `cause` is in its message, if given */
	STARVED = 1 << 5,  /* Runtime.OutOfMemory */
	UNLOADED = 1 << 6, /* some other Runtime.* type: init failed; `cause` is it, if given */
	REFUSED = 1 << 7,  /* the call or the function's creation */
};

enum trait {
	BOMB = 1 << 0,      /* run only where the number of processes is limited */
	POISONED = 1 << 1,  /* its environment may stay, but not as it was */
	HOPELESS = 1 << 2,  /* it never recovers */
	NO_SANITIZER = 1 << 3,
	LINGERS = 1 << 4,   /* its environment may ask for the grace of a shutdown hook */
	STREAMS = 1 << 5,   /* its answer is asked for in parts */
};

struct hostile {
	const char *sentence; /* the name of the test */
	const char *handler;
	const char *event;    /* the bait: where the host can be hurt */
	unsigned verdicts;    /* enum verdict: any of these is right */
	const char *cause;
	const char *answer;
	unsigned traits;
	unsigned needs;       /* enum faas_layer: without any of these it cannot hold */
	int timeout_ms;       /* 300 */
	int memory_mb;
	int tmp_mb;
	bool snapshot;
};

/* A cmocka test of a row in its initial state. */
void run_hostile(void **state);

/*
 * Run rows and other tests as one group beside an innocent neighbour. Returns
 * what main() should.
 */
int run_hostile_group(const char *name, const struct hostile *rows, size_t count,
		      const struct CMUnitTest *others, size_t other_count);

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* For tests that are no rows: the same checks around whatever they do. */
void hostile_begin(void);
void hostile_end(void);
void hostile_end_within(int ms);

/* The verdict as it is, and whether a row allows it; texts are compared too. */
enum verdict verdict_of(const struct outcome *out);
void expect_outcome(const struct hostile *row, const struct outcome *out);
const char *verdict_name(enum verdict verdict);

#endif
