/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_SNAPSHOT_H
#define FA_WORKER_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <sys/resource.h>

#include <worker/signals.h>

/*
 * A process as it was after init(), in a file: written by the template, put up
 * in environments of the same nest. Order of calls:
 *   begin -> init(), before_snapshot() -> take          in the template
 *   restore -> after_restore()                          in each environment
 */

struct fa_snapshot;

/* [template] Before any foreign code, with one thread. NULL: there is no /proc. */
struct fa_snapshot *fa_snapshot_begin(void);

/*
 * [template] Fill the empty file `file`, for processes that have the descriptors
 * that were open at `begin` and no others. NULL, or what cannot be kept, in words. The process
 * should do nothing afterwards but exit.
 */
const char *fa_snapshot_take(struct fa_snapshot *snapshot, int file);

/* Whether take() got to its end; once nobody can write to it any more. */
bool fa_snapshot_is_whole(int file);

/*
 * [environment] Become what the template was; its stack and its shared mappings
 * are not part of that. Takes `file`, and believes nothing that is in it more than
 * the process may do anyway. False: it is no snapshot, and the process must end.
 */
bool fa_snapshot_restore(int file);

/* ---- the file: head, notes, signals, then pages ------------------------ */

#define FA_SNAPSHOT_MAGIC 0x50414e53u
#define FA_SNAPSHOT_LIMITS 16  /* RLIM_NLIMITS */
#define FA_SNAPSHOT_NOTES 1024
#define FA_SNAPSHOT_SIGNALS 64
#define FA_SNAPSHOT_PATH 256

struct fa_snapshot_note {
	uint64_t start, len;
	uint64_t offset;     /* in the file; 0: zeros */
	uint64_t protection;
};

struct fa_snapshot_signal {
	uint64_t number;
	struct fa_disposition disposition;
};

struct fa_snapshot_head {
	uint32_t magic, notes, signals;
	uint32_t limits;     /* one bit for each that init() changed */
	uint64_t brk, blocked;
	uint64_t umask;
	stack_t stack;       /* of signal handlers */
	struct rlimit limit[FA_SNAPSHOT_LIMITS];
	char directory[FA_SNAPSHOT_PATH]; /* "": that of the code */
};

#define FA_SNAPSHOT_PAGES \
	((sizeof(struct fa_snapshot_head) + \
	  FA_SNAPSHOT_NOTES * sizeof(struct fa_snapshot_note) + \
	  FA_SNAPSHOT_SIGNALS * sizeof(struct fa_snapshot_signal) + 4095) & ~(size_t)4095)

#endif
