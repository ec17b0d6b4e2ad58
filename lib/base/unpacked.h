/* SPDX-License-Identifier: MIT */
#ifndef FA_BASE_UNPACKED_H
#define FA_BASE_UNPACKED_H

#include <base/archive_entry.h>

/* What is asked of faas-unpack: its first argument. */
enum fa_unpack_what {
	FA_UNPACK_ALL = 0, /* of a ZIP */
	FA_UNPACK_JUDGE,   /* of a ZIP: only what it is */
	FA_UNPACK_TAR,     /* of one, compressed or not, from where it stands */
};

#define FA_UNPACK_WORDS { "all", "judge", "tar" }

/*
 * What faas-unpack says of a ZIP or a tar, through a pipe to its host: first what was judged,
 * then each entry, the content of a file behind it in pieces; at last that this was all. At
 * any time it may refuse instead. Without one of these two at the end nothing counts.
 */
struct fa_unpacked {
	uint32_t kind; /* enum fa_archive_kind or fa_unpacked_kind */
	uint32_t len;  /* bytes that follow */
	uint32_t size; /* of a file; JUDGED: of a ZIP; REFUSED: a faas_code without its sign */
	uint32_t flag; /* a file is executable; JUDGED: there is a bootstrap */
};

/* An entry is followed by its name, and a link of either kind by a NUL and where it leads. */
enum fa_unpacked_kind {
	FA_UNPACKED_DATA = FA_ARCHIVE_HARD_LINK + 1,
	FA_UNPACKED_JUDGED,
	FA_UNPACKED_REFUSED, /* a text follows */
	FA_UNPACKED_END,
};

#define FA_UNPACKED_PIECE 61440u /* of a file, at most; with its head in one pipe of 64 KB */
#define FA_UNPACKED_TEXT 255u

#endif
