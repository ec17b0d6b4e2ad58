/* SPDX-License-Identifier: MIT */
/*
 * libarchive unpacks what zip_index.c has judged, in the same order, and has to
 * see the same: a name, a kind or a size that differs is the end of it. Its
 * seekable reader only: the streaming one loses modes and links, and takes a cut
 * archive for a whole one. It allocates with malloc().
 */
#include <base/archive.h>

#include <string.h>

#include <archive.h>
#include <archive_entry.h>
#include <base/error.h>
#include <base/zip_index.h>

struct fa_archive {
	const struct fa_mem *mem;
	struct fa_zip_index index;
	struct archive *reader;
	uint32_t next;
	uint32_t produced; /* bytes of the current entry */
	char target[FA_ARCHIVE_NAME + 1];
};

struct fa_archive *fa_archive_open(const struct fa_mem *mem, const void *data, size_t len,
				   struct faas_error *err)
{
	struct fa_archive *a = fa_alloc(mem, sizeof(*a));

	if (!a) {
		fa_error_nomem(err);
		return NULL;
	}
	a->mem = mem;
	if (fa_zip_index_read(&a->index, mem, data, len, err) < 0)
		goto fail;
	a->reader = archive_read_new();
	if (!a->reader) {
		fa_error_nomem(err);
		goto fail;
	}
	if (archive_read_support_format_zip_seekable(a->reader) == ARCHIVE_OK &&
	    archive_read_open_memory(a->reader, data, len) == ARCHIVE_OK)
		return a;
	fa_zip_refuse(err, NULL, "it cannot be opened");
fail:
	fa_archive_close(a);
	return NULL;
}

void fa_archive_close(struct fa_archive *a)
{
	if (!a)
		return;
	archive_read_free(a->reader);
	fa_zip_index_free(&a->index);
	fa_free(a);
}

uint64_t fa_archive_unpacked(const struct fa_archive *a)
{
	return a->index.unpacked;
}

bool fa_archive_has(const struct fa_archive *a, const char *name)
{
	for (uint32_t i = 0; i < a->index.count; i++)
		if (a->index.items[i].kind != FA_ARCHIVE_DIRECTORY &&
		    !strcmp(a->index.items[i].name, name))
			return true;
	return false;
}

/* ---- entries ----------------------------------------------------------- */

static int take_target(struct fa_archive *a, const char *name, const char *target,
		       struct faas_error *err)
{
	if (!target || strlen(target) > FA_ARCHIVE_NAME)
		return fa_zip_refuse(err, name, "is a link that cannot be read");
	if (!fa_archive_stays_inside(name, target))
		return fa_zip_refuse(err, name, "is a link that leads out of the package");
	strcpy(a->target, target);
	return 0;
}

static bool is_ascii(const char *text)
{
	while (*text && !(*text & 0x80))
		text++;
	return !*text;
}

/* A name beyond ASCII comes out of libarchive as the locale has it, if at all. */
static bool same_name(const char *name, const char *seen)
{
	size_t len = strlen(name);

	if (!is_ascii(name))
		return true;
	if (!seen)
		return false;
	while (!strncmp(seen, "./", 2))
		seen += 2;
	return !strncmp(seen, name, len) && (!seen[len] || !strcmp(seen + len, "/"));
}

static bool same_entry(const struct fa_zip_item *item, struct archive_entry *seen)
{
	static const __LA_MODE_T kinds[] = { [FA_ARCHIVE_FILE] = AE_IFREG,
					     [FA_ARCHIVE_DIRECTORY] = AE_IFDIR,
					     [FA_ARCHIVE_LINK] = AE_IFLNK };

	return archive_entry_filetype(seen) == kinds[item->kind] &&
	       same_name(item->name, archive_entry_pathname(seen)) &&
	       (item->kind != FA_ARCHIVE_FILE || archive_entry_size(seen) == (int64_t)item->size);
}

int fa_archive_next(struct fa_archive *a, struct fa_archive_entry *entry, struct faas_error *err)
{
	const struct fa_zip_item *item = a->index.items + a->next;
	struct archive_entry *seen;
	int rc = archive_read_next_header(a->reader, &seen);

	if (a->next == a->index.count)
		return rc == ARCHIVE_EOF ? 0 : fa_zip_refuse(err, NULL, "it has no end");
	if (rc != ARCHIVE_OK && (rc != ARCHIVE_WARN || is_ascii(item->name)))
		return fa_zip_refuse(err, item->name, "cannot be read");
	if (!same_entry(item, seen))
		return fa_zip_refuse(err, item->name, "is described in two ways");
	a->next++;
	a->produced = 0;
	*entry = (struct fa_archive_entry){ .kind = item->kind,
					    .name = item->name,
					    .executable = item->executable,
					    .size = item->size };
	if (item->kind != FA_ARCHIVE_LINK)
		return 1;
	entry->target = a->target;
	rc = take_target(a, item->name, archive_entry_symlink(seen), err);
	return rc ? rc : 1;
}

ssize_t fa_archive_read(struct fa_archive *a, void *to, size_t len, struct faas_error *err)
{
	const struct fa_zip_item *item = a->index.items + a->next - 1;
	la_ssize_t n = archive_read_data(a->reader, to, len);

	/* A wrong checksum is but a warning to libarchive; to us it is an error like all. */
	if (n < 0)
		return fa_zip_refuse(err, item->name, "is damaged");
	if ((size_t)n > item->size - a->produced || (!n && a->produced < item->size))
		return fa_zip_refuse(err, item->name, "is not as long as it says");
	a->produced += (uint32_t)n;
	return n;
}
