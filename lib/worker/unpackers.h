/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_UNPACKERS_H
#define FA_WORKER_UNPACKERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <base/list.h>
#include <base/unpacked.h>

/* The supervisor's processes that read ZIPs and layers (worker/unpack/), by the host's ids. */
struct fa_unpackers {
	struct fa_list all;
	uint32_t uid; /* that they take; 0: they cannot take another */
	char program[4096];
};

void fa_unpackers_init(struct fa_unpackers *unpackers, uint32_t uid);
/* One that cannot be started is told of in `out`. Both descriptors stay the caller's. */
void fa_unpackers_start(struct fa_unpackers *unpackers, uint32_t id, int zip, int out,
			enum fa_unpack_what what);
void fa_unpackers_kill(struct fa_unpackers *unpackers, uint32_t id); /* if it lives */
void fa_unpackers_bury(struct fa_unpackers *unpackers, pid_t pid);   /* if it is one of them */
void fa_unpackers_end(struct fa_unpackers *unpackers);

#endif
