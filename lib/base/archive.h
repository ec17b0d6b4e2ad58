/* SPDX-License-Identifier: MIT */
#ifndef FA_BASE_ARCHIVE_H
#define FA_BASE_ARCHIVE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <base/mem.h>
#include <faas/types.h>

/*
 * A ZIP in memory, read entry by entry. Nobody is trusted who made it: what
 * comes out is a list of plain relative names, each once, of files, directories
 * and links that stay inside, with exactly as many bytes as were announced, or a
 * refusal. libarchive is behind it, and nobody else knows that.
 */
struct fa_archive;

#define FA_ARCHIVE_UNPACKED 262144000u /* bytes; it must be smaller (semantics 1.2) */
#define FA_ARCHIVE_ENTRIES 65534       /* more would need ZIP64 */
#define FA_ARCHIVE_NAME 1024           /* bytes of a name, and of where a link leads */
#define FA_ARCHIVE_PART 255            /* bytes between two slashes */
#define FA_ARCHIVE_DEPTH 64            /* directories in each other */

enum fa_archive_kind {
	FA_ARCHIVE_FILE = 1,
	FA_ARCHIVE_DIRECTORY,
	FA_ARCHIVE_LINK,
};

struct fa_archive_entry {
	enum fa_archive_kind kind;
	const char *name;   /* "a/b"; of the package's own directory "" */
	const char *target; /* of a link: relative, and inside */
	bool executable;
	uint32_t size; /* of a file */
};

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
