/* SPDX-License-Identifier: MIT */
#ifndef TEST_TRACER_H
#define TEST_TRACER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Exactly which system calls a piece of code makes, and what it started makes
 * meanwhile, as the kernel shows them to a debugger. Needs no rights but to trace
 * one's own children.
 */
enum tracee {
	TRACEE_CALLER, /* the thread that called tracer_begin() */
	TRACEE_HOST,   /* the other threads of its process */
	TRACEE_BELOW,  /* all processes that it started */
	TRACEES,
};

#define TRACER_NUMBERS 1024

struct trace {
	uint32_t calls[TRACEES][TRACER_NUMBERS]; /* by number, between begin and end */
	uint32_t total[TRACEES];
	uint32_t wakes[TRACEES], waits[TRACEES]; /* SYS_futex, by what it was for */
	int exit_status;                         /* of the scenario */
};

/* False: this machine does not let us trace our children. */
bool tracer_possible(void);

/* Runs it in a child, which exits with 0 when it returns. */
void tracer_run(void (*scenario)(void), struct trace *trace);
/* The same within a test: it must do so, and where it is not possible the test is skipped. */
void tracer_test(void (*scenario)(void), struct trace *trace);

/* Within the scenario, where a failed assertion would go unnoticed: say what, and exit with 1. */
void tracer_must(bool fine, const char *what);
/* On two CPUs the scheduler could spare somebody a wait: this thread, and whom it starts. */
void tracer_stay_here(void);
/* Within the scenario: returns when nobody else has done anything for a while. */
void tracer_settle(void);
/*
 * Within the scenario, from here on: a thread of the host other than this one, which
 * wakes somebody, goes on only when all is silent, as if the woken had another CPU.
 */
void tracer_let_the_woken_go_first(void);
/* Within the scenario: what happens in between is counted. */
void tracer_begin(void);
void tracer_end(void);

/* All but these numbers (the list ends with -1) together. */
uint32_t tracer_others(const struct trace *trace, enum tracee who, const int *numbers);
/* By number; for messages. */
const char *tracer_text(const struct trace *trace, enum tracee who);

#endif
