/* SPDX-License-Identifier: MIT */
#ifndef TEST_ZIPS_H
#define TEST_ZIPS_H

/*
 * ZIPs made byte by byte, the honest ones and those that no library would write.
 * Entries are stored, not compressed; zips_deflated() makes one that is.
 */
#include <stddef.h>
#include <stdint.h>

struct zips_entry {
	const char *name;
	size_t name_len;        /* 0: of the text */
	const char *data;       /* NULL: none */
	size_t len;             /* 0: of the text */
	unsigned mode;          /* 0: 0100644 */
	const char *local_name; /* NULL: the same */
	unsigned flags, method;
	unsigned made_by;                                                  /* 0: Unix */
	uint32_t crc_xor;                                                  /* of both headers */
	uint32_t local_size, central_size, central_packed, central_offset; /* 0: as it is */
};

struct zips {
	uint8_t data[1 << 20], central[1 << 20];
	size_t len, central_len;
	unsigned count;
};

void zips_begin(struct zips *zip);
void zips_add(struct zips *zip, const struct zips_entry *entry);
#define zips_file(zip, entry_name, text) \
	zips_add(zip, &(struct zips_entry){ .name = (entry_name), .data = (text) })
/* The directory and the end record; `comment` NULL: none. zip->data is complete then. */
void zips_end(struct zips *zip, const char *comment);
/* A file of another program as an entry; fails the test if it cannot be read. */
void zips_copy(struct zips *zip, const char *name, const char *path);
void zips_copy_program(struct zips *zip, const char *name, const char *path);

/* One file of `len` zeros, compressed. malloc(). */
void *zips_deflated(const char *name, size_t zeros, size_t *len);

#endif
