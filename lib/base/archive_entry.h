/* SPDX-License-Identifier: MIT */
#ifndef FA_BASE_ARCHIVE_ENTRY_H
#define FA_BASE_ARCHIVE_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <faas/types.h>

/*
 * What may be in a package, or in a layer of an image. Whoever reads one judges by it, and
 * whoever hears from them what was in it judges once more.
 */
#define FA_ARCHIVE_UNPACKED 262144000u /* bytes; it must be smaller (semantics 1.2) */
#define FA_ARCHIVE_ENTRIES 65534       /* more would need ZIP64 */
#define FA_ARCHIVE_NAME 1024           /* bytes of a name, and of where a link leads */
#define FA_ARCHIVE_PART 255            /* bytes between two slashes */
#define FA_ARCHIVE_DEPTH 64            /* directories in each other */

enum fa_archive_kind {
	FA_ARCHIVE_FILE = 1,
	FA_ARCHIVE_DIRECTORY,
	FA_ARCHIVE_LINK,
	FA_ARCHIVE_HARD_LINK, /* in a layer of an image only, and to what came before in it */
};

struct fa_archive_entry {
	enum fa_archive_kind kind;
	const char *name;   /* "a/b"; of the package's own directory "" */
	const char *target; /* of a link: relative, and inside; of a layer's, wherever it leads in
			       the image; of a hard link: the other name */
	bool executable;
	uint32_t size; /* of a file */
};

/* What is wrong with the bytes of a name, or NULL. */
const char *fa_archive_judge_name(const char *name, size_t len);
/* The same of one in a layer, where systemd has backslashes. */
const char *fa_tarball_judge_name(const char *name, size_t len);
/* What is wrong with the parts of a name that is not empty and has no '/' behind it, or NULL. */
const char *fa_archive_judge_parts(const char *name);
/* Does a link of that name lead to somewhere in the package? */
bool fa_archive_stays_inside(const char *name, const char *target);

/* The refusal in the words of Lambda, and in brackets what is wrong, with which entry (or NULL). */
int fa_zip_refuse(struct faas_error *err, const char *name, const char *why);
/* The same of an image's layer. */
int fa_tarball_refuse(struct faas_error *err, const char *name, const char *why);

#endif
