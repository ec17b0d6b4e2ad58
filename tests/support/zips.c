/* SPDX-License-Identifier: MIT */
#include "zips.h"

#include <stdio.h>
#include <stdlib.h>

#include "test.h"

#include <archive.h>
#include <archive_entry.h>

static uint32_t crc32_of(const uint8_t *data, size_t len)
{
	uint32_t crc = ~0u;

	while (len--) {
		crc ^= *data++;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

struct cursor {
	uint8_t *data;
	size_t *len;
};

static void put(struct cursor at, uint64_t value, int bytes)
{
	while (bytes--) {
		at.data[(*at.len)++] = (uint8_t)value;
		value >>= 8;
	}
}

static void put_bytes(struct cursor at, const void *data, size_t len)
{
	if (len)
		memcpy(at.data + *at.len, data, len);
	*at.len += len;
}

static uint32_t or (uint32_t value, uint32_t otherwise)
{
	return value ? value : otherwise;
}

void zips_begin(struct zips *zip)
{
	zip->len = zip->central_len = 0;
	zip->count = 0;
}

void zips_add(struct zips *zip, const struct zips_entry *e)
{
	struct cursor data = { zip->data, &zip->len },
		      central = { zip->central, &zip->central_len };
	size_t name_len = e->name_len ? e->name_len : strlen(e->name);
	size_t len = e->len || !e->data ? e->len : strlen(e->data);
	uint32_t offset = (uint32_t)zip->len, crc;
	unsigned mode = e->mode ? e->mode : 0100644;

	assert_true(len + 2 * name_len + 1000 < sizeof(zip->data) - zip->len - zip->central_len);
	crc = crc32_of((const uint8_t *)e->data, len) ^ e->crc_xor;
	put(data, 0x04034b50, 4);
	put(data, 20, 2);
	put(data, e->flags, 2);
	put(data, e->method, 2);
	put(data, 0, 4);
	put(data, crc, 4);
	put(data, len, 4);
	put(data, or (e->local_size, (uint32_t)len), 4);
	put(data, name_len, 2);
	put(data, 0, 2);
	put_bytes(data, e->local_name ? e->local_name : e->name, name_len);
	put_bytes(data, e->data, len);

	put(central, 0x02014b50, 4);
	put(central, 20, 1);
	put(central, or (e->made_by, 3), 1);
	put(central, 20, 2);
	put(central, e->flags, 2);
	put(central, e->method, 2);
	put(central, 0, 4);
	put(central, crc, 4);
	put(central, or (e->central_packed, (uint32_t)len), 4);
	put(central, or (e->central_size, (uint32_t)len), 4);
	put(central, name_len, 2);
	put(central, 0, 8);
	put(central, (uint64_t)mode << 16, 4);
	put(central, or (e->central_offset, offset), 4);
	put_bytes(central, e->name, name_len);
	zip->count++;
}

void zips_end(struct zips *zip, const char *comment)
{
	struct cursor data = { zip->data, &zip->len };
	size_t offset = zip->len;

	put_bytes(data, zip->central, zip->central_len);
	put(data, 0x06054b50, 4);
	put(data, 0, 4);
	put(data, zip->count, 2);
	put(data, zip->count, 2);
	put(data, zip->central_len, 4);
	put(data, offset, 4);
	put(data, comment ? strlen(comment) : 0, 2);
	put_bytes(data, comment, comment ? strlen(comment) : 0);
}

static void copy(struct zips *zip, const char *name, const char *path, unsigned mode)
{
	static char content[1 << 19];
	FILE *file = fopen(path, "r");
	size_t len;

	assert_non_null(file);
	len = fread(content, 1, sizeof(content), file);
	assert_true(feof(file));
	fclose(file);
	zips_add(zip, &(struct zips_entry){
			      .name = name, .data = content, .len = len, .mode = mode });
}

void zips_copy(struct zips *zip, const char *name, const char *path)
{
	copy(zip, name, path, 0);
}

void zips_copy_program(struct zips *zip, const char *name, const char *path)
{
	copy(zip, name, path, 0100755);
}

void *zips_deflated(const char *name, size_t zeros, size_t *len)
{
	static const char nothing[65536];
	size_t room = zeros / 500 + 4096;
	void *data = malloc(room);
	struct archive *writer = archive_write_new();
	struct archive_entry *entry = archive_entry_new();

	assert_int_equal(archive_write_set_format_zip(writer), ARCHIVE_OK);
	archive_write_set_bytes_in_last_block(writer, 1);
	assert_int_equal(archive_write_open_memory(writer, data, room, len), ARCHIVE_OK);
	archive_entry_set_pathname(entry, name);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0644);
	archive_entry_set_size(entry, (int64_t)zeros);
	assert_int_equal(archive_write_header(writer, entry), ARCHIVE_OK);
	while (zeros) {
		size_t piece = zeros < sizeof(nothing) ? zeros : sizeof(nothing);

		assert_int_equal(archive_write_data(writer, nothing, piece), piece);
		zeros -= piece;
	}
	assert_int_equal(archive_write_close(writer), ARCHIVE_OK);
	archive_write_free(writer);
	archive_entry_free(entry);
	return data;
}
