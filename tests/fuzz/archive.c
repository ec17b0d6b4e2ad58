/* SPDX-License-Identifier: MIT */
/*
 * An input is a list of edits of a sound ZIP: where, how, and with what. Bytes
 * drawn freely would hardly ever get past the first signature.
 */
#include "fuzz.h"

#include <base/archive.h>
#include <base/mem.h>
#include <support/zips.h>

const char fuzz_promise[] = "a_zip_of_any_bytes_is_plain_entries_inside_or_refused";

const char *const fuzz_corpus[] = {
	"aa0b",
	"\1\1rs\2\1rt",
	"zz\177~zy\1\1zx\2\3",
	"the quick brown fox jumps over the lazy dog, and so on",
	"AA1xBB1xCC1xDD1xEE1x",
	"\3\1c\377\3\1c\377",
	NULL,
};

static struct zips sound;
static uint8_t bytes[4096];

static void prepare(void)
{
	if (sound.len)
		return;
	zips_begin(&sound);
	zips_file(&sound, "a.so", "code");
	zips_add(&sound, &(struct zips_entry){ .name = "bin/", .mode = 040755 });
	zips_add(&sound, &(struct zips_entry){ .name = "bin/run", .data = "#!", .mode = 0100755 });
	zips_add(&sound,
		 &(struct zips_entry){ .name = "bin/up", .data = "../a.so", .mode = 0120777 });
	zips_end(&sound, NULL);
	PROPERTY(sound.len < sizeof(bytes));
}

static size_t edit(const uint8_t *data, size_t size)
{
	size_t len = sound.len;

	memcpy(bytes, sound.data, len);
	for (int edits = 0; edits < 3 && size >= 4 && len; edits++, data += 4, size -= 4) {
		size_t at = (data[0] | (size_t)data[1] << 8) % len;

		if (data[2] % 8 == 0)
			len = at; /* cut */
		else if (data[2] % 8 < 4)
			bytes[at] ^= (uint8_t)(1 << data[3] % 8);
		else
			bytes[at] = data[3];
	}
	return len;
}

static void check_name(const char *name)
{
	PROPERTY(name[0] != '/' && !strchr(name, '\\') && strlen(name) <= FA_ARCHIVE_NAME);
	PROPERTY(strcmp(name, "..") != 0 && strncmp(name, "../", 3) != 0 && !strstr(name, "/../"));
	PROPERTY(strlen(name) < 3 || strcmp(name + strlen(name) - 3, "/..") != 0);
}

static int read_content(struct fa_archive *archive, uint32_t size, struct faas_error *err)
{
	char piece[7];
	uint64_t total = 0;
	ssize_t n;

	while ((n = fa_archive_read(archive, piece, sizeof(piece), err)) > 0)
		total += (size_t)n;
	PROPERTY(n < 0 || total == size);
	return (int)n;
}

static int read_entries(struct fa_archive *archive, struct faas_error *err)
{
	struct fa_archive_entry entry;
	int rc, count = 0;

	while ((rc = fa_archive_next(archive, &entry, err)) > 0) {
		PROPERTY(++count <= FA_ARCHIVE_ENTRIES);
		check_name(entry.name);
		PROPERTY(entry.kind != FA_ARCHIVE_LINK || (*entry.target && *entry.target != '/'));
		rc = entry.kind == FA_ARCHIVE_FILE ? read_content(archive, entry.size, err) : 0;
		if (rc < 0)
			return rc;
	}
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct faas_error err = { 0 };
	struct fa_archive *archive;
	uint8_t *exact;
	size_t len;
	int rc;

	prepare();
	len = edit(data, size);
	exact = malloc(len + !len);
	PROPERTY(exact);
	memcpy(exact, bytes, len);
	archive = fa_archive_open(&fa_mem_libc, exact, len, &err);
	PROPERTY(!archive || fa_archive_unpacked(archive) < FA_ARCHIVE_UNPACKED);
	rc = archive ? read_entries(archive, &err) : err.code;
	PROPERTY(!rc || (rc == FAAS_EINVAL && err.message[0]));
	fa_archive_close(archive);
	free(exact);
	return 0;
}
