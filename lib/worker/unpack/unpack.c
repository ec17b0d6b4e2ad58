/* SPDX-License-Identifier: MIT */
/*
 * From libarchive into the pipe. Whoever wrote the ZIP may own this process by now; so
 * what is said here is judged again where it is heard (model/package/reader.c).
 */
#include <worker/unpack/unpack.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <base/archive.h>
#include <base/tarball.h>
#include <base/unpacked.h>

#define BOOTSTRAP "bootstrap"

struct teller {
	int out;
	bool gone; /* nobody listens */
};

static void put(struct teller *t, const void *data, size_t len)
{
	const char *at = data;

	while (len && !t->gone) {
		ssize_t n = write(t->out, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		t->gone = n < 0;
		at += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
}

static void say(struct teller *t, const struct fa_unpacked *head, const void *data)
{
	put(t, head, sizeof(*head));
	put(t, data, head->len);
}

void fa_unpack_refuse(int out, int code, const char *text)
{
	struct teller t = { .out = out };

	say(&t,
	    &(struct fa_unpacked){ .kind = FA_UNPACKED_REFUSED,
				   .len = (uint32_t)strnlen(text, FA_UNPACKED_TEXT),
				   .size = (uint32_t)-code },
	    text);
}

static void say_entry(struct teller *t, const struct fa_archive_entry *entry)
{
	size_t len = strlen(entry->name);
	bool link = entry->kind == FA_ARCHIVE_LINK || entry->kind == FA_ARCHIVE_HARD_LINK;
	struct fa_unpacked head = {
		.kind = (uint32_t)entry->kind,
		.len = (uint32_t)(len + (link ? 1 + strlen(entry->target) : 0)),
		.size = entry->kind == FA_ARCHIVE_FILE ? entry->size : 0,
		.flag = entry->executable,
	};

	put(t, &head, sizeof(head));
	put(t, entry->name, len + link);
	if (link)
		put(t, entry->target, strlen(entry->target));
}

/* Where entries come from. */
struct source {
	void *archive;
	int (*next)(void *archive, struct fa_archive_entry *entry, struct faas_error *err);
	ssize_t (*read)(void *archive, void *to, size_t len, struct faas_error *err);
};

static int say_content(struct teller *t, const struct source *s, struct faas_error *err)
{
	static struct {
		struct fa_unpacked head;
		char data[FA_UNPACKED_PIECE];
	} piece = { .head.kind = FA_UNPACKED_DATA };
	ssize_t n;

	while (!t->gone &&
	       (n = s->read(s->archive, piece.data, sizeof(piece.data), err)) != 0) {
		if (n < 0)
			return (int)n;
		piece.head.len = (uint32_t)n;
		put(t, &piece, sizeof(piece.head) + (size_t)n);
	}
	return 0;
}

static int say_entries(struct teller *t, const struct source *s, struct faas_error *err)
{
	struct fa_archive_entry entry;
	int rc;

	while (!t->gone && (rc = s->next(s->archive, &entry, err)) != 0) {
		if (rc < 0)
			return rc;
		say_entry(t, &entry);
		rc = entry.kind == FA_ARCHIVE_FILE ? say_content(t, s, err) : 0;
		if (rc < 0)
			return rc;
	}
	return 0;
}

static bool say_end(struct teller *t, int rc, const struct faas_error *err)
{
	if (rc < 0)
		fa_unpack_refuse(t->out, err->code, err->message);
	else
		say(t, &(struct fa_unpacked){ .kind = FA_UNPACKED_END }, NULL);
	return !t->gone;
}

static int next_of_zip(void *archive, struct fa_archive_entry *entry, struct faas_error *err)
{
	return fa_archive_next(archive, entry, err);
}

static ssize_t read_zip(void *archive, void *to, size_t len, struct faas_error *err)
{
	return fa_archive_read(archive, to, len, err);
}

bool fa_unpack(int out, const void *zip, size_t len, bool judge)
{
	struct teller t = { .out = out };
	struct faas_error err = { 0 };
	struct fa_archive *archive = fa_archive_open(&fa_mem_libc, zip, len, &err);
	const struct source source = { archive, next_of_zip, read_zip };
	int rc = archive ? 0 : err.code;

	if (archive) {
		say(&t,
		    &(struct fa_unpacked){ .kind = FA_UNPACKED_JUDGED,
					   .size = (uint32_t)fa_archive_unpacked(archive),
					   .flag = fa_archive_has(archive, BOOTSTRAP) },
		    NULL);
		rc = judge ? 0 : say_entries(&t, &source, &err);
	}
	fa_archive_close(archive);
	return say_end(&t, rc, &err);
}

static int next_of_tar(void *tar, struct fa_archive_entry *entry, struct faas_error *err)
{
	return fa_tarball_next(tar, entry, err);
}

static ssize_t read_tar(void *tar, void *to, size_t len, struct faas_error *err)
{
	return fa_tarball_read(tar, to, len, err);
}

bool fa_unpack_tar(int out, int in)
{
	struct teller t = { .out = out };
	struct faas_error err = { 0 };
	struct fa_tarball *tar = fa_tarball_open(&fa_mem_libc, in, &err);
	const struct source source = { tar, next_of_tar, read_tar };
	int rc = tar ? 0 : err.code;

	if (tar) {
		say(&t, &(struct fa_unpacked){ .kind = FA_UNPACKED_JUDGED }, NULL);
		rc = say_entries(&t, &source, &err);
	}
	fa_tarball_close(tar);
	return say_end(&t, rc, &err);
}
