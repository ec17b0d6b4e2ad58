/* SPDX-License-Identifier: MIT */
#ifndef TEST_FAULT_VFS_H
#define TEST_FAULT_VFS_H

/*
 * A disk for SQLite that fails as planned. It becomes the process's default VFS.
 * What is written is seen at once, as in a page cache; what is synced is remembered,
 * and a loss of power leaves that and any part of the rest, in any order, with torn
 * sectors. Nothing is really synced: it is fast. Any thread may use it.
 */
#include <stdbool.h>
#include <stdint.h>

enum fault {
	FAULT_NONE,
	FAULT_KILL,  /* SIGKILL before the operation */
	FAULT_POWER, /* the power fails before it */
	FAULT_EIO,   /* it fails */
	FAULT_FULL,  /* a write is cut short: no space left */
	FAULT_SYNC,  /* a sync fails, and what it should have written is never written */
	FAULTS,
};

struct fault_plan {
	enum fault fault;
	long at;   /* the operation: write, sync, truncation or deletion, from 1 */
	bool once; /* EIO and FULL: only this one, not all from it on */
	uint32_t seed;
};

/* A new disk; no file of the one before may be open. */
void fault_vfs_install(const struct fault_plan *plan);
/* The same disk, another plan, counted from now. */
void fault_vfs_plan(const struct fault_plan *plan);
/* Writes fail for want of space while this file is there; NULL: no longer. */
void fault_vfs_fill(const char *while_there);
/* Writes and syncs wait. */
void fault_vfs_stand_still(bool still);
long fault_vfs_ops(void);
long fault_vfs_syncs(void);
/* Lose what is not synced, and end this process. */
_Noreturn void fault_vfs_power_off(void);

#endif
