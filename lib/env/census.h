/* SPDX-License-Identifier: MIT */
#ifndef FA_ENV_CENSUS_H
#define FA_ENV_CENSUS_H

#include <stdint.h>
#include <base/proc.h>

#define FA_CENSUS_MAX 1024 /* processes that are looked at */

/* What a process and all that descends from it use now. */
struct fa_census {
	struct fa_usage usage;
	int64_t cpu_ns; /* of those that live; those that ended are forgotten */
};

/*
 * Counted from outside, so no process in there has a say in it. Not in it: memory that no
 * process has mapped (files in /tmp, memfds), and shared pages are in it once per process.
 */
void fa_census(struct fa_census *census, int pid);

#endif
