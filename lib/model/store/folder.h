/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_STORE_FOLDER_H
#define FA_MODEL_STORE_FOLDER_H

#include <stdbool.h>
#include <stdint.h>
#include <faas/types.h>

/* The directory of a store: who owns it, and the room that is kept free in it. */
struct fa_folder {
	int dir, lock;
	int64_t ballast;
	bool light; /* the ballast was dropped */
};

int fa_folder_open(struct fa_folder *folder, const char *path, int64_t ballast,
		   struct faas_error *err);
void fa_folder_close(struct fa_folder *folder);

/* The disk is full: give completions room. */
void fa_folder_drop_ballast(struct fa_folder *folder);
/* Whether the ballast is there, again if need be. */
bool fa_folder_is_heavy(struct fa_folder *folder);

/*
 * Append a piece of zeros to the database's log unless that is `goal` bytes long. Any thread, also
 * while another one writes to the log. How long it is then; -1: it cannot be made longer.
 */
int64_t fa_folder_lengthen_log(const struct fa_folder *folder, int64_t goal);

#endif
