/* SPDX-License-Identifier: MIT */
/*
 * Which filter it is, libarchive sees for itself: what a manifest says of it may be a lie.
 * It gets no filter that would start another program, and no format but tar. It allocates
 * with malloc().
 */
#include <base/tarball.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>
#include <base/error.h>

#define PIECE 65536

struct fa_tarball {
	struct archive *reader;
	int fd;
	bool over; /* nothing is behind the current entry */
	uint32_t size, produced; /* bytes of the current entry */
	char name[FA_ARCHIVE_NAME + 1], target[FA_ARCHIVE_NAME + 1];
	char piece[PIECE];
};

static la_ssize_t give(struct archive *reader, void *data, const void **piece)
{
	struct fa_tarball *tar = data;
	ssize_t n;

	do
		n = read(tar->fd, tar->piece, sizeof(tar->piece));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		archive_set_error(reader, errno, "cannot be read");
	*piece = tar->piece;
	return n;
}

/* ARCHIVE_WARN: only by starting a program. Then such a layer is no tar to us. */
static bool support(struct archive *reader)
{
	return archive_read_support_format_tar(reader) == ARCHIVE_OK &&
	       archive_read_support_filter_gzip(reader) == ARCHIVE_OK &&
	       archive_read_support_filter_zstd(reader) == ARCHIVE_OK;
}

struct fa_tarball *fa_tarball_open(const struct fa_mem *mem, int fd, struct faas_error *err)
{
	struct fa_tarball *tar = fa_alloc(mem, sizeof(*tar));

	if (tar) {
		tar->fd = fd;
		tar->reader = archive_read_new();
	}
	if (!tar || !tar->reader) {
		fa_error_nomem(err);
		goto fail;
	}
	if (support(tar->reader) &&
	    archive_read_open(tar->reader, tar, NULL, give, NULL) == ARCHIVE_OK)
		return tar;
	fa_tarball_refuse(err, NULL, "it is no tar, nor one in gzip or zstd");
fail:
	fa_tarball_close(tar);
	return NULL;
}

void fa_tarball_close(struct fa_tarball *tar)
{
	if (!tar)
		return;
	archive_read_free(tar->reader);
	fa_free(tar);
}

/* ---- entries ----------------------------------------------------------- */

/* A name as tar writes it, "./a/b/" or "/a/b", as a plain one. What is wrong with it, or NULL. */
static const char *take_name(char to[FA_ARCHIVE_NAME + 1], const char *from)
{
	const char *why;
	size_t len;

	if (!from)
		return "has a name that cannot be read";
	while (*from == '/' || !strncmp(from, "./", 2))
		from++;
	if (!strcmp(from, "."))
		from++;
	len = strlen(from);
	while (len && from[len - 1] == '/')
		len--;
	to[0] = '\0';
	if (!len)
		return NULL;
	why = fa_tarball_judge_name(from, len);
	if (why)
		return why;
	memcpy(to, from, len);
	to[len] = '\0';
	return fa_archive_judge_parts(to);
}

static const char *take_kind(struct archive_entry *seen, struct fa_archive_entry *entry)
{
	if (archive_entry_hardlink(seen)) {
		entry->kind = FA_ARCHIVE_HARD_LINK;
		return NULL;
	}
	switch (archive_entry_filetype(seen)) {
	case AE_IFREG:
		entry->kind = FA_ARCHIVE_FILE;
		return NULL;
	case AE_IFDIR:
		entry->kind = FA_ARCHIVE_DIRECTORY;
		return NULL;
	case AE_IFLNK:
		entry->kind = FA_ARCHIVE_LINK;
		return NULL;
	default:
		return "is no file, directory or link";
	}
}

static const char *take_target(struct fa_tarball *tar, struct archive_entry *seen,
			       struct fa_archive_entry *entry)
{
	const char *target = archive_entry_symlink(seen), *why;

	entry->target = tar->target;
	if (entry->kind == FA_ARCHIVE_HARD_LINK) {
		why = take_name(tar->target, archive_entry_hardlink(seen));
		return why || *tar->target ? why : "is a link to the image itself";
	}
	if (!target || !*target || strlen(target) > FA_ARCHIVE_NAME)
		return "is a link that cannot be read";
	strcpy(tar->target, target);
	return NULL;
}

static const char *take(struct fa_tarball *tar, struct archive_entry *seen,
			struct fa_archive_entry *entry)
{
	int64_t size = archive_entry_size(seen);
	const char *why = take_name(tar->name, archive_entry_pathname(seen));

	*entry = (struct fa_archive_entry){ .name = tar->name };
	if (!why)
		why = take_kind(seen, entry);
	if (!why && !*tar->name && entry->kind != FA_ARCHIVE_DIRECTORY)
		why = "has no name";
	if (why || entry->kind == FA_ARCHIVE_DIRECTORY)
		return why;
	if (entry->kind != FA_ARCHIVE_FILE)
		return take_target(tar, seen, entry);
	if (size < 0 || size > UINT32_MAX)
		return "is larger than 4 GB";
	entry->size = (uint32_t)size;
	entry->executable = archive_entry_perm(seen) & 0111;
	return NULL;
}

int fa_tarball_next(struct fa_tarball *tar, struct fa_archive_entry *entry, struct faas_error *err)
{
	struct archive_entry *seen;
	int rc = tar->over ? ARCHIVE_EOF : archive_read_next_header(tar->reader, &seen);
	const char *why;

	if (rc == ARCHIVE_EOF)
		return 0;
	if (rc != ARCHIVE_OK)
		return fa_tarball_refuse(err, NULL, "it is damaged, or ends in the middle");
	why = take(tar, seen, entry);
	if (why)
		return fa_tarball_refuse(err, archive_entry_pathname(seen), why);
	tar->size = entry->size;
	tar->produced = 0;
	return 1;
}

ssize_t fa_tarball_read(struct fa_tarball *tar, void *to, size_t len, struct faas_error *err)
{
	uint32_t left = tar->size - tar->produced;
	la_ssize_t n = left ? archive_read_data(tar->reader, to, len < left ? len : left) : 0;

	if (n < 0)
		return fa_tarball_refuse(err, tar->name, "is damaged");
	if (left && !n)
		return fa_tarball_refuse(err, tar->name, "is not as long as it says");
	tar->produced += (uint32_t)n;
	/* There are tools that leave out what else belongs behind the last file (umoci 0.4). */
	if (left && (uint32_t)n == left && archive_read_data_skip(tar->reader) != ARCHIVE_OK)
		tar->over = true;
	return n;
}
