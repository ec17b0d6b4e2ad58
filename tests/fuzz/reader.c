/* SPDX-License-Identifier: MIT */
/* The host's side of reading a ZIP, with whatever the process says that reads it. */
#include "fuzz.h"

#include <string.h>
#include <unistd.h>

#include <base/mem.h>
#include <base/unpacked.h>
#include <model/package/reader.h>

const char fuzz_promise[] = "a_reader_that_says_anything_gives_plain_entries_inside_or_is_refused";

const char *const fuzz_corpus[] = {
	"J\5F\1a\5D\4abcdD\1eE",
	"J\1F\3a/b\0E",
	"J\0L\5a\1..\1xE",
	"J\7R\15no",
	"J\1O\2aE",
	NULL,
};

struct said {
	const uint8_t *data;
	size_t size;
};

static uint8_t take(struct said *s)
{
	return s->size ? s->size--, *s->data++ : 0;
}

/* A letter and a byte are a head; most of them fit to each other. */
static size_t say(uint8_t *out, struct said *s)
{
	struct fa_unpacked head = { .kind = 0 };
	uint8_t what = take(s), n = take(s);

	head.kind = what == 'J' ? FA_UNPACKED_JUDGED : what == 'F' ? FA_ARCHIVE_FILE :
		    what == 'O' ? FA_ARCHIVE_DIRECTORY : what == 'L' ? FA_ARCHIVE_LINK :
		    what == 'D' ? FA_UNPACKED_DATA : what == 'R' ? FA_UNPACKED_REFUSED :
		    what == 'E' ? FA_UNPACKED_END : what;
	head.len = what == 'J' || what == 'E' ? 0 : n;
	head.size = what == 'J' ? 100u * n : what == 'F' ? n % 8 : what == 'R' ? n : 0;
	if (head.len > s->size)
		head.len = (uint32_t)s->size;
	memcpy(out, &head, sizeof(head));
	for (uint32_t i = 0; i < head.len; i++) {
		uint8_t byte = take(s);

		out[sizeof(head) + i] = byte == 1 ? 0 : byte;
	}
	return sizeof(head) + head.len;
}

static int start(void *data, int zip, int out, enum fa_unpack_what what, struct faas_error *err)
{
	uint8_t bytes[32768];
	size_t len = 0;

	(void)zip;
	(void)what;
	(void)err;
	for (struct said *s = data; s->size && len < sizeof(bytes) / 2;)
		len += say(bytes + len, s);
	PROPERTY(write(out, bytes, len) == (ssize_t)len);
	return 1;
}

static bool stop(void *data, int id)
{
	(void)data;
	PROPERTY(id == 1);
	return true;
}

static void check(const struct fa_archive_entry *entry)
{
	const char *name = entry->name;

	PROPERTY(name[0] != '/' && !strchr(name, '\\') && strlen(name) <= FA_ARCHIVE_NAME);
	PROPERTY(strcmp(name, "..") != 0 && strncmp(name, "../", 3) != 0 && !strstr(name, "/../"));
	PROPERTY(*name || entry->kind == FA_ARCHIVE_DIRECTORY);
	PROPERTY(entry->kind != FA_ARCHIVE_LINK || (*entry->target && *entry->target != '/'));
}

static int read_all(struct fa_reader *reader, struct faas_error *err)
{
	int64_t left = fa_reader_judgement(reader)->unpacked;
	struct fa_archive_entry entry;
	char piece[5];
	ssize_t n = 0;
	int rc;

	while ((rc = fa_reader_next(reader, &entry, err)) > 0) {
		int64_t size = entry.size;

		check(&entry);
		while ((n = fa_reader_read(reader, piece, sizeof(piece), err)) > 0)
			size -= n;
		PROPERTY(n < 0 || !size);
		left -= entry.size;
		PROPERTY(left >= 0);
		if (n < 0)
			return (int)n;
	}
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct said said = { data, size };
	struct fa_readers readers = {
		.start = start, .stop = stop, .data = &said, .silence_ms = 1000, .patience_ms = 1000
	};
	struct faas_error err = { 0 };
	struct fa_reader *reader = fa_reader_open(&readers, &fa_mem_libc, -1, false, &err);
	int rc = reader ? read_all(reader, &err) : err.code;

	PROPERTY(!rc || err.message[0]);
	fa_reader_close(reader);
	return 0;
}
