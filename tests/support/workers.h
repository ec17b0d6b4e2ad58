/* SPDX-License-Identifier: MIT */
#ifndef TEST_WORKERS_H
#define TEST_WORKERS_H

/*
 * Programs that are killed (kills.h), whose functions are those of the plugin "killed": they are
 * in processes, and these are killed, too. kills_begin() has made the memory that all of them
 * see, which begins with a struct killed_workers.
 */
#include <plugins/killed.h>

#include "flow.h"

/*
 * A runtime that lasts, and a thread that kills environments of it: as often as a batch stands in
 * its middle, one of them or all.
 */
void workers_open(struct flow *flow, struct killed_workers *workers);
void workers_function(struct flow *flow, const char *name); /* of the plugin, with that handler */
void workers_close(struct flow *flow);

/*
 * Have a program run and killed `times` times, and wait each time until all of its processes are
 * gone. Each of them, and one that may follow, has an equal part of what is left of `all` when it
 * begins; *count says how much was done.
 */
void workers_kill_programs(void (*program)(void), int times, const _Atomic int *count, int all);

/*
 * All is quiet. Fails the test unless batches were cut short by kills, nothing was out of order,
 * and never two batches had the same group. Says how many.
 */
void workers_check(const struct killed_workers *workers, int programs, const char *what, int count);

/* ---- keys that stay in order ---- */

struct workers_keys {
	void (*open)(struct flow *flow); /* what they write to, and the mapping */
	bool (*write)(struct flow *flow, int key, int n); /* false: it is closing */
	int keys, each;                  /* a thread for each key writes so many */
};

int workers_begin_keys(void **state); /* a setup; kills_end() is its teardown */
/*
 * Have programs write and killed, as often as FAAS_KILLS says, else four times, FAAS_RECORDS in
 * all; then one that is left open goes on until all was processed. Fails the test if that takes
 * too long.
 */
void workers_write_keys(struct flow *flow, const struct workers_keys *keys);
/* All was processed, and in order per key. Call it when the runtime is closed. */
void workers_check_keys(const char *what);

#endif
