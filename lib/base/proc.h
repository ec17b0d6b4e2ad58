/* SPDX-License-Identifier: MIT */
#ifndef FA_BASE_PROC_H
#define FA_BASE_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A file of /proc as text, 0 if it cannot be read; the number behind a word in it, or 0. */
size_t fa_proc_read(const char *path, char *buffer, size_t size);
int64_t fa_proc_number(const char *text, const char *word);

/* The memory of some processes. */
struct fa_usage {
	int processes;
	int64_t own_kb;   /* of each alone */
	int64_t files_kb; /* pages of files and shared memory, of the one that has most of them */
	int64_t peak_kb;  /* the most that one of them has had by itself */
};

/* One more. False: it is gone. */
bool fa_usage_add(struct fa_usage *usage, int pid);
/*
 * What they have together now, or what one of them has had if that is more: all of it was in
 * use at once. Pages that several share, as of an interpreter, count once.
 */
int64_t fa_usage_kb(const struct fa_usage *usage);

#endif
