/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_RUN_H
#define FA_WORKER_RUN_H

#include <stdbool.h>
#include <stdint.h>
#include <env/wire.h>
#include <worker/settings.h>

/*
 * What an environment is born with. Everything is borrowed and outlives the
 * process; the descriptors are taken.
 */
struct fa_run {
	int request_fd, response_fd;      /* the two areas */
	int bell_fd;                      /* to ring for an asynchronous answer; -1: none */
	int log_fd;                       /* becomes standard output and error */
	const struct fa_loop_page *page;  /* NULL: the bell is rung for every answer */
	const char *strings;              /* those of struct fa_nest_setup */
	uint32_t strings_len, memory_mb, timeout_ms;
	uint32_t flags;                   /* enum fa_nest_flags */
	uint32_t provisioned;             /* this one is initialised ahead of any event */
	uint32_t waits;                   /* this one begins when its first request is there */
	char stream[sizeof(((struct fa_spawn *)0)->stream)]; /* of its logs */
	bool own_network;                 /* nobody else is in it */
	int snapshot_fd;                  /* to write a snapshot to, and end; 0: serve events */

	/* made of them by fa_run_prepare() */
	struct fa_settings settings;
	char **variables;
	bool many_cpus;
};

/* Exit statuses of an environment whose function never got to run. */
#define FA_RUN_INIT_FAILED 1 /* and the first request was answered with the reason */
#define FA_RUN_BROKEN 125    /* the areas cannot be used */

/* A template that is done. */
#define FA_RUN_TEMPLATE 124

/* One that answered, and cannot be reset for the next event. */
#define FA_RUN_SPENT 123

/*
 * Once, in the process whose clones go on with fa_run(): whatever is the same in
 * all of them. A page that is written here need not be copied for each. False:
 * errno says whether memory or the strings are to blame.
 */
bool fa_run_prepare(struct fa_run *run);

/*
 * The life of an environment: load the function, init(), then one request
 * after the other until told to shut down. Called once, in a process of its
 * own with one thread, as the last step of its birth; the current directory is
 * that of the function's code.
 */
_Noreturn void fa_run(const struct fa_run *run);

/* The same for one that is to begin with what a template was when its init() was done. */
_Noreturn void fa_run_restored(const struct fa_run *run, int snapshot_fd);

#endif
