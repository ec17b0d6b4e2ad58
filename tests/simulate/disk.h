/* SPDX-License-Identifier: MIT */
#ifndef SIMULATE_DISK_H
#define SIMULATE_DISK_H

/* A new and empty state_dir; until disk_end(), which accepts that there is none. */
const char *disk_begin(void);
void disk_end(void);

#endif
