/* SPDX-License-Identifier: MIT */
#ifndef FA_BASE_ARCHIVE_H
#define FA_BASE_ARCHIVE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <base/archive_entry.h>
#include <base/mem.h>

/*
 * A ZIP in memory, read entry by entry. Nobody is trusted who made it: what
 * comes out is a list of plain relative names, each once, of files, directories
 * and links that stay inside, with exactly as many bytes as were announced, or a
 * refusal. libarchive is behind it, and nobody else knows that. Only faas-unpack has it:
 * a host reads no ZIP itself.
 */
struct fa_archive;

/*
 * Judges the whole directory of entries. `data` is borrowed until it is closed.
 * NULL with FAAS_EINVAL in the words of Lambda, or FAAS_ENOMEM.
 */
struct fa_archive *fa_archive_open(const struct fa_mem *mem, const void *data, size_t len,
				   struct faas_error *err);
void fa_archive_close(struct fa_archive *archive); /* NULL is fine */

/* Bytes of all files, unpacked. */
uint64_t fa_archive_unpacked(const struct fa_archive *archive);
/* Whether there is a file or link of that name, by the directory of entries. */
bool fa_archive_has(const struct fa_archive *archive, const char *name);

/* 1: there is another entry, borrowed until the next call; 0: there is none; else an error. */
int fa_archive_next(struct fa_archive *archive, struct fa_archive_entry *entry,
		    struct faas_error *err);
/* Bytes of the entry's file; 0 at its end, which came where it was announced; else an error. */
ssize_t fa_archive_read(struct fa_archive *archive, void *to, size_t len, struct faas_error *err);

#endif
