/* SPDX-License-Identifier: MIT */
/*
 * A ZIP says everything twice: in the directory at its end, and before each
 * entry's bytes. Readers believe one or the other, and whoever checks what one
 * believes while the other unpacks has checked nothing. So both are read, both
 * must say the same, no byte may belong to two entries, and the end of the
 * directory must be the end of the file, whatever its comment looks like.
 */
#include <base/zip_index.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <base/error.h>

#define LOCAL 0x04034b50u
#define CENTRAL 0x02014b50u
#define END 0x06054b50u
#define LOCATOR_64 0x07064b50u

#define LOCAL_SIZE 30
#define CENTRAL_SIZE 46
#define END_SIZE 22
#define LOCATOR_SIZE 20

#define ENCRYPTED (1 << 0 | 1 << 6 | 1 << 13) /* the content, strongly, the directory */
#define SIZES_LATER (1 << 3)                  /* they follow the data */
#define STORED 0
#define DEFLATED 8
#define MADE_BY_UNIX 3
#define MADE_BY_MACOS 19

static uint16_t u16(const uint8_t *at)
{
	return (uint16_t)(at[0] | at[1] << 8);
}

static uint32_t u32(const uint8_t *at)
{
	return (uint32_t)u16(at) | (uint32_t)u16(at + 2) << 16;
}

/* ---- names ------------------------------------------------------------- */

/* The item's name without what says nothing: "./" before it, one '/' behind it. */
static int take_name(struct fa_zip_item *item, const struct fa_mem *mem, const uint8_t *name,
		     size_t len, struct faas_error *err)
{
	const char *why = fa_archive_judge_name((const char *)name, len);

	item->name = fa_memdup(mem, name, len);
	if (!item->name)
		return fa_error_nomem(err);
	if (why)
		return fa_zip_refuse(err, item->name, why);
	while (len >= 2 && !memcmp(item->name, "./", 2))
		memmove(item->name, item->name + 2, (len -= 2) + 1);
	if (!len || item->name[len - 1] == '/')
		item->kind = FA_ARCHIVE_DIRECTORY;
	if (len && item->name[len - 1] == '/')
		item->name[len - 1] = '\0';
	why = *item->name ? fa_archive_judge_parts(item->name) : NULL;
	return why ? fa_zip_refuse(err, item->name, why) : 0;
}

/* ---- one entry --------------------------------------------------------- */

static const char *take_mode(struct fa_zip_item *item, unsigned made_by, uint32_t attributes)
{
	uint32_t mode = made_by == MADE_BY_UNIX || made_by == MADE_BY_MACOS ? attributes >> 16 : 0;
	bool slash = item->kind == FA_ARCHIVE_DIRECTORY;

	if (!(mode & S_IFMT))
		item->kind = slash ? FA_ARCHIVE_DIRECTORY : FA_ARCHIVE_FILE;
	else if (S_ISDIR(mode))
		item->kind = FA_ARCHIVE_DIRECTORY;
	else if (S_ISREG(mode))
		item->kind = FA_ARCHIVE_FILE;
	else if (S_ISLNK(mode))
		item->kind = FA_ARCHIVE_LINK;
	else
		return "is neither a file nor a directory nor a link";
	item->executable = item->kind == FA_ARCHIVE_FILE && mode & 0111;
	return slash && item->kind != FA_ARCHIVE_DIRECTORY ? "is a directory and something else"
							   : NULL;
}

static const char *judge_item(const struct fa_zip_item *item)
{
	if (item->encrypted)
		return "is encrypted";
	if (item->method != STORED && item->method != DEFLATED)
		return "is compressed in a way that is not known";
	if (item->packed == UINT32_MAX || item->size == UINT32_MAX || item->offset == UINT32_MAX)
		return "needs ZIP64, which no package of Lambda's size does";
	if (item->method == STORED && item->packed != item->size)
		return "is not compressed, but its two sizes differ";
	if (item->kind == FA_ARCHIVE_DIRECTORY && item->size)
		return "is a directory with a content";
	if (item->kind == FA_ARCHIVE_LINK && item->size > FA_ARCHIVE_NAME)
		return "is a link that leads too far";
	return NULL;
}

/* Sizes that follow the data are zero here, or all ones where ZIP64 was thought of. */
static bool agrees(uint32_t local, uint32_t central, unsigned flags)
{
	return local == central || local == UINT32_MAX || (flags & SIZES_LATER && !local);
}

/* The header before the entry's bytes must say what the directory says. */
static const char *judge_local(struct fa_zip_item *item, const uint8_t *data, size_t directory,
			       const uint8_t *name, size_t len)
{
	const uint8_t *at = data + item->offset;
	size_t begin;

	if (item->offset > directory || directory - item->offset < LOCAL_SIZE || u32(at) != LOCAL)
		return "is not where the directory says";
	begin = (size_t)item->offset + LOCAL_SIZE + u16(at + 26) + u16(at + 28);
	if (begin > directory || directory - begin < item->packed)
		return "does not end before the directory";
	item->end = (uint32_t)(begin + item->packed);
	if (u16(at + 6) & ENCRYPTED)
		return "is encrypted";
	if (u16(at + 26) != len || memcmp(at + LOCAL_SIZE, name, len) != 0)
		return "has two names";
	if (u16(at + 8) != item->method || !agrees(u32(at + 18), item->packed, u16(at + 6)) ||
	    !agrees(u32(at + 22), item->size, u16(at + 6)) ||
	    (u32(at + 14) != item->crc && !(u16(at + 6) & SIZES_LATER && !u32(at + 14))))
		return "is described in two ways";
	return NULL;
}

/* Returns how long the row of the directory is, or an error. */
static int read_item(struct fa_zip_item *item, const struct fa_mem *mem, const uint8_t *data,
		     size_t directory, const uint8_t *at, size_t room, struct faas_error *err)
{
	size_t len, all;
	const char *why;
	int rc;

	if (room < CENTRAL_SIZE || u32(at) != CENTRAL)
		return fa_zip_refuse(err, NULL, "its directory is cut");
	len = u16(at + 28);
	all = CENTRAL_SIZE + len + u16(at + 30) + u16(at + 32);
	if (all > room)
		return fa_zip_refuse(err, NULL, "its directory is cut");
	item->encrypted = u16(at + 8) & ENCRYPTED;
	item->method = u16(at + 10);
	item->crc = u32(at + 16);
	item->packed = u32(at + 20);
	item->size = u32(at + 24);
	item->offset = u32(at + 42);
	rc = take_name(item, mem, at + CENTRAL_SIZE, len, err);
	if (rc)
		return rc;
	why = take_mode(item, at[5], u32(at + 38));
	if (!why)
		why = judge_item(item);
	if (!why)
		why = judge_local(item, data, directory, at + CENTRAL_SIZE, len);
	return why ? fa_zip_refuse(err, item->name, why) : (int)all;
}

/* ---- all of them ------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct fa_zip_item *)a)->name, ((const struct fa_zip_item *)b)->name);
}

static int by_offset(const void *a, const void *b)
{
	uint32_t one = ((const struct fa_zip_item *)a)->offset;
	uint32_t other = ((const struct fa_zip_item *)b)->offset;

	return (one > other) - (one < other);
}

static int judge_together(struct fa_zip_index *index, struct faas_error *err)
{
	struct fa_zip_item *items = index->items;

	qsort(items, index->count, sizeof(*items), by_name);
	for (uint32_t i = 1; i < index->count; i++)
		if (!strcmp(items[i - 1].name, items[i].name))
			return fa_zip_refuse(err, items[i].name, "is there twice");
	qsort(items, index->count, sizeof(*items), by_offset);
	for (uint32_t i = 1; i < index->count; i++)
		if (items[i].offset < items[i - 1].end)
			return fa_zip_refuse(err, items[i].name, "overlaps another entry");
	if (index->unpacked >= FA_ARCHIVE_UNPACKED)
		return fa_error(err, FAAS_EINVAL, "Unzipped size must be smaller than %u bytes",
				FA_ARCHIVE_UNPACKED);
	return 0;
}

/* The last record that looks like the end; a second look-alike in its comment is refused. */
static const uint8_t *find_end(const uint8_t *data, size_t len)
{
	size_t most = len < END_SIZE + UINT16_MAX ? len : END_SIZE + UINT16_MAX;

	for (size_t back = END_SIZE; back <= most; back++)
		if (u32(data + len - back) == END)
			return u16(data + len - back + 20) == back - END_SIZE ? data + len - back
									      : NULL;
	return NULL;
}

static const char *judge_end(const uint8_t *data, const uint8_t *end)
{
	size_t place;

	if (!end)
		return "it is no ZIP, or cut";
	place = (size_t)(end - data);
	if (place >= LOCATOR_SIZE && u32(end - LOCATOR_SIZE) == LOCATOR_64)
		return "it is a ZIP64, which no package of Lambda's size needs to be";
	if (u16(end + 4) || u16(end + 6) || u16(end + 8) != u16(end + 10))
		return "it is one of several volumes";
	if (u16(end + 10) > FA_ARCHIVE_ENTRIES)
		return "it has too many entries";
	if (u32(end + 16) > place || place - u32(end + 16) != u32(end + 12))
		return "its directory is not where it should be";
	return NULL;
}

static int read_items(struct fa_zip_index *index, const struct fa_mem *mem, const uint8_t *data,
		      const uint8_t *end, struct faas_error *err)
{
	size_t directory = u32(end + 16);
	const uint8_t *at = data + directory;

	for (uint32_t total = u16(end + 10); index->count < total; index->count++) {
		struct fa_zip_item *item = &index->items[index->count];
		int len = read_item(item, mem, data, directory, at, (size_t)(end - at), err);

		if (len < 0) {
			index->count++; /* its name may be there */
			return len;
		}
		index->unpacked += item->size;
		at += len;
	}
	return at == end ? 0 : fa_zip_refuse(err, NULL, "it has more entries than it says");
}

int fa_zip_index_read(struct fa_zip_index *index, const struct fa_mem *mem, const void *data,
		      size_t len, struct faas_error *err)
{
	const uint8_t *end = find_end(data, len);
	const char *why = judge_end(data, end);
	int rc;

	*index = (struct fa_zip_index){ .count = 0 };
	if (why)
		return fa_zip_refuse(err, NULL, why);
	if (!u16(end + 10))
		return fa_error(err, FAAS_EINVAL, "Uploaded file must be a non-empty zip");
	index->items = fa_alloc(mem, u16(end + 10) * sizeof(*index->items));
	if (!index->items)
		return fa_error_nomem(err);
	rc = read_items(index, mem, data, end, err);
	if (!rc)
		rc = judge_together(index, err);
	if (rc)
		fa_zip_index_free(index);
	return rc;
}

void fa_zip_index_free(struct fa_zip_index *index)
{
	for (uint32_t i = 0; i < index->count; i++)
		fa_free(index->items[i].name);
	fa_free(index->items);
	*index = (struct fa_zip_index){ .count = 0 };
}
