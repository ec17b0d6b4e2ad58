/* SPDX-License-Identifier: MIT */
/*
 * An input is a list of edits of a sound layer: where, how, and with what. Half of them get sums
 * that are right again, for else hardly any would get past the first header.
 */
#include "fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

#include <base/mem.h>
#include <base/tarball.h>
#include <support/images.h>

#define RECORD 512

const char fuzz_promise[] = "a_layer_of_any_bytes_is_plain_entries_with_their_bytes_or_refused";

const char *const fuzz_corpus[] = {
	"", /* as it is: sound */
	"Saa0b",
	"S\1\1rs\2\1rt",
	"zz\177~zy\1\1zx\2\3",
	"S\234\0041\234\0042\234\0045\234\0046", /* what kind of entry it is */
	"S\174\0047\177\0049\200\0048",           /* and how large */
	"Sthe quick brown fox jumps over the lazy dog, and so on",
	NULL,
};

static struct images_tar sound;
static uint8_t bytes[1 << 14];

static void add(const char *name, char type, const char *target, const char *data)
{
	images_add(&sound, &(struct images_entry){ .name = name, .type = type, .target = target,
						   .data = data, .mode = 0755 });
}

static void prepare(void)
{
	if (sound.len)
		return;
	images_begin(&sound);
	add("bin/", '5', NULL, NULL);
	add("bin/run", '0', NULL, "#!/bin/sh\n");
	add("bin/up", '2', "../../etc/passwd", NULL);
	add("bin/same", '1', "bin/run", NULL);
	add("etc/.wh.gone", '0', NULL, NULL);
	add("etc/.wh..wh..opq", '0', NULL, NULL);
	add("PaxHeaders/long", 'x', NULL, "20 path=a/long/name\n27 SCHILY.xattr.user.a=b c\n");
	add("long", '0', NULL, "content");
	add("././@LongLink", 'L', NULL, "another/long/name");
	add("another", '0', NULL, "content");
	images_end(&sound);
	PROPERTY(sound.len < sizeof(bytes));
}

/* Of whatever still says that it is a header. */
static void mend_sums(size_t len)
{
	for (size_t at = 0; at + RECORD <= len; at += RECORD) {
		uint8_t *head = bytes + at;
		unsigned sum = 0;

		if (memcmp(head + 257, "ustar", 5) != 0)
			continue;
		memset(head + 148, ' ', 8);
		for (int i = 0; i < RECORD; i++)
			sum += head[i];
		snprintf((char *)head + 148, 8, "%06o", sum & 0777777);
	}
}

/* A place in a record is drawn, and the record: most of one is zero. */
static size_t edit(const uint8_t *data, size_t size)
{
	size_t len = sound.len;
	bool mend = size && *data % 2;

	memcpy(bytes, sound.data, len);
	for (data++, size -= !!size; size >= 4 && len >= RECORD; data += 4, size -= 4) {
		size_t at = (data[1] % (len / RECORD)) * RECORD + data[0] +
			    (data[2] & 1) * (RECORD / 2);

		if (data[2] % 32 == 2)
			len = at; /* cut */
		else if (data[2] % 32 < 12)
			bytes[at] ^= (uint8_t)(1 << data[3] % 8);
		else
			bytes[at] = data[3];
	}
	if (mend)
		mend_sums(len);
	return len;
}

static void check(const struct fa_archive_entry *entry)
{
	const char *name = entry->name;
	size_t len = strlen(name);

	PROPERTY(name[0] != '/' && len <= FA_ARCHIVE_NAME);
	PROPERTY(strcmp(name, "..") != 0 && strncmp(name, "../", 3) != 0 && !strstr(name, "/../"));
	PROPERTY(len < 3 || strcmp(name + len - 3, "/..") != 0);
	PROPERTY(entry->kind >= FA_ARCHIVE_FILE && entry->kind <= FA_ARCHIVE_HARD_LINK);
	if (entry->kind == FA_ARCHIVE_LINK || entry->kind == FA_ARCHIVE_HARD_LINK)
		PROPERTY(*entry->target && strlen(entry->target) <= FA_ARCHIVE_NAME);
}

static int read_all(struct fa_tarball *tar, struct faas_error *err)
{
	struct fa_archive_entry entry;
	int rc, count = 0;

	while ((rc = fa_tarball_next(tar, &entry, err)) > 0) {
		char piece[64];
		uint64_t total = 0, size = entry.size;
		ssize_t n = 0;

		PROPERTY(++count < 1000); /* each takes a record */
		check(&entry);
		while (entry.kind == FA_ARCHIVE_FILE &&
		       (n = fa_tarball_read(tar, piece, sizeof(piece), err)) > 0)
			total += (size_t)n;
		PROPERTY(entry.kind != FA_ARCHIVE_FILE || n < 0 || total == size);
		if (n < 0)
			return (int)n;
	}
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct faas_error err = { 0 };
	struct fa_tarball *tar;
	int fd = memfd_create("layer", MFD_CLOEXEC), rc;
	size_t len;

	prepare();
	len = edit(data, size);
	PROPERTY(fd >= 0 && write(fd, bytes, len) == (ssize_t)len && !lseek(fd, 0, SEEK_SET));
	tar = fa_tarball_open(&fa_mem_libc, fd, &err);
	rc = tar ? read_all(tar, &err) : err.code;
	PROPERTY(!rc || (rc == FAAS_EINVAL && err.message[0]));
	PROPERTY(size || !rc); /* what nobody edited is sound */
	fa_tarball_close(tar);
	close(fd);
	return 0;
}
