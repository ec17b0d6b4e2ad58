/* SPDX-License-Identifier: MIT */
#ifndef FA_BASE_ZIP_INDEX_H
#define FA_BASE_ZIP_INDEX_H

#include <stdbool.h>
#include <stdint.h>
#include <base/archive_entry.h>
#include <base/mem.h>

/* What the central directory says of one entry, and where its bytes lie. */
struct fa_zip_item {
	enum fa_archive_kind kind;
	bool executable, encrypted;
	uint16_t method;
	uint32_t crc, packed, size;
	uint32_t offset, end; /* of the local header, and behind its data */
	char *name;           /* without "./" before and '/' behind it */
};

struct fa_zip_index {
	struct fa_zip_item *items; /* by offset */
	uint32_t count;
	uint64_t unpacked; /* the sum of their sizes */
};

/*
 * Judge a ZIP by its directory alone: what is hostile, contradicts itself or is
 * larger than a package may be is refused (FAAS_EINVAL) before a byte of it is
 * unpacked. FAAS_ENOMEM.
 */
int fa_zip_index_read(struct fa_zip_index *index, const struct fa_mem *mem, const void *data,
		      size_t len, struct faas_error *err);
void fa_zip_index_free(struct fa_zip_index *index);

#endif
