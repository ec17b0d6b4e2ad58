/* SPDX-License-Identifier: MIT */
/* ZIPs as attackers make them (faults L10 to L19), and some as everybody does. */
#include <support/test.h>

#include <stdio.h>
#include <stdlib.h>
#include <support/failing_mem.h>
#include <support/zips.h>
#include <base/archive.h>

#define REFUSED "Could not unzip uploaded file. Please check your file, then try to upload again. ("

static struct failing_mem mem;
static struct faas_error err;
static struct zips zip;

static int setup(void **state)
{
	(void)state;
	failing_mem_init(&mem);
	memset(&err, 0, sizeof(err));
	zips_begin(&zip);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_true(failing_mem_clean(&mem));
	return 0;
}

/* Read all of it: 0, or the refusal. *names: "kind name [target or content];" of each. */
static int read_all(const void *data, size_t len, char *names, size_t room)
{
	struct fa_archive *archive = fa_archive_open(&mem.mem, data, len, &err);
	struct fa_archive_entry entry;
	char content[256];
	int rc;

	if (!archive)
		return err.code;
	*names = '\0';
	while ((rc = fa_archive_next(archive, &entry, &err)) > 0) {
		size_t at = strlen(names);
		ssize_t n = 0, got = 0;

		if (entry.kind == FA_ARCHIVE_FILE)
			while ((n = fa_archive_read(archive, content, sizeof(content) - 1, &err)) >
			       0)
				got = n;
		if (n < 0) {
			rc = (int)n;
			break;
		}
		content[got] = '\0';
		snprintf(names + at, room - at, "%c%s %s %s;", "?fdl"[entry.kind],
			 entry.executable ? "x" : "", entry.name,
			 entry.kind == FA_ARCHIVE_LINK   ? entry.target
			 : entry.kind == FA_ARCHIVE_FILE ? content
							 : "");
	}
	fa_archive_close(archive);
	return rc;
}

static void holds(const char *expected)
{
	char names[2048];

	zips_end(&zip, NULL);
	if (read_all(zip.data, zip.len, names, sizeof(names)))
		fail_msg("%s", err.message);
	assert_string_equal(names, expected);
}

static void refused_as(const void *data, size_t len, const char *why)
{
	char expected[640], names[2048];

	assert_int_equal(read_all(data, len, names, sizeof(names)), FAAS_EINVAL);
	snprintf(expected, sizeof(expected), REFUSED "%s)", why);
	assert_string_equal(err.message, expected);
	assert_string_equal(err.type, "InvalidParameterValueException");
}

static void refused(const char *why)
{
	zips_end(&zip, NULL);
	refused_as(zip.data, zip.len, why);
	zips_begin(&zip);
}

static void refused_entry(const struct zips_entry *entry, const char *why)
{
	zips_file(&zip, "before", "innocent");
	zips_add(&zip, entry);
	zips_file(&zip, "behind", "innocent");
	refused(why);
}

#define ENTRY(...) (&(struct zips_entry){ .name = "it", __VA_ARGS__ })

TEST(files_directories_and_links_come_out_as_they_went_in)
{
	zips_file(&zip, "a.so", "code");
	zips_add(&zip, &(struct zips_entry){ .name = "bin/", .mode = 040755 });
	zips_add(&zip, &(struct zips_entry){ .name = "bin/run", .data = "#!", .mode = 0100755 });
	zips_add(&zip, &(struct zips_entry){ .name = "bin/b", .data = "../a.so", .mode = 0120777 });
	zips_file(&zip, "./dot", "");
	holds("f a.so code;d bin ;fx bin/run #!;l bin/b ../a.so;f dot ;");
}

TEST(a_zip_that_was_made_elsewhere_has_no_modes)
{
	zips_add(&zip, ENTRY(.data = "x", .made_by = 11 /* NTFS */, .mode = 0120777));
	zips_add(&zip, &(struct zips_entry){ .name = "d/", .made_by = 11 });
	holds("f it x;d d ;");
}

TEST(names_in_other_scripts_are_kept_whatever_the_locale)
{
	zips_file(&zip, "\xc3\xbc.txt", "plain");
	zips_add(&zip, &(struct zips_entry){
			       .name = "\xe2\x82\xac", .data = "flagged", .flags = 1 << 11 });
	holds("f \xc3\xbc.txt plain;f \xe2\x82\xac flagged;");
}

TEST(what_is_compressed_is_unpacked)
{
	size_t len;
	char *data = zips_deflated("zeros", 100, &len), names[256];

	assert_int_equal(read_all(data, len, names, sizeof(names)), 0);
	assert_string_equal(names, "f zeros ;");
	free(data);
}

TEST(an_empty_zip_is_refused_in_the_words_of_lambda)
{
	char names[8];

	zips_end(&zip, NULL);
	assert_int_equal(read_all(zip.data, zip.len, names, sizeof(names)), FAAS_EINVAL);
	assert_string_equal(err.message, "Uploaded file must be a non-empty zip");
}

TEST(what_is_no_zip_is_refused)
{
	refused_as("", 0, "it is no ZIP, or cut");
	refused_as("PK", 2, "it is no ZIP, or cut");
	refused_as("\x7f"
		   "ELF and twenty more bytes",
		   25, "it is no ZIP, or cut");
}

TEST(L10_a_name_that_leads_out_is_refused)
{
	static const char *const names[] = { "../it", "a/../../it", "..", "a/..",
					     "../../../etc/passwd" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char why[128];

		snprintf(why, sizeof(why), "'%s' leads out of the package", names[i]);
		refused_entry(&(struct zips_entry){ .name = names[i] }, why);
	}
	refused_entry(&(struct zips_entry){ .name = "/etc/passwd" },
		      "'/etc/passwd' has an absolute name");
	refused_entry(&(struct zips_entry){ .name = "..\\it" },
		      "'..\\it' has a backslash or a control character in its name");
	refused_entry(&(struct zips_entry){ .name = "a\0b", .name_len = 3 },
		      "'a' has a backslash or a control character in its name");
	refused_entry(&(struct zips_entry){ .name = "a//b" },
		      "'a//b' has an empty part in its name");
	refused_entry(&(struct zips_entry){ .name = "a/./b" },
		      "'a/./b' has an empty part in its name");
}

TEST(L10_names_of_any_length_and_depth_are_bounded)
{
	static char name[65536];
	char longest[300], why[512];

	memset(name, 'n', sizeof(name));
	snprintf(why, sizeof(why), "'%.80s' has a name longer than 1024 bytes", name);
	refused_entry(&(struct zips_entry){ .name = name, .name_len = 65535 }, why);
	snprintf(why, sizeof(why), "'%.80s' has a part in its name that is longer than 255 bytes",
		 name);
	refused_entry(&(struct zips_entry){ .name = name, .name_len = 256 }, why);
	for (size_t i = 0; i < 130; i++)
		name[i] = i % 2 ? '/' : 'd';
	snprintf(why, sizeof(why), "'%.80s' is in more than 64 directories", name);
	refused_entry(&(struct zips_entry){ .name = name, .name_len = 131 }, why);
	memset(longest, 'n', 255);
	zips_add(&zip, &(struct zips_entry){ .name = longest, .name_len = 255 });
	zips_add(&zip, &(struct zips_entry){ .name = name, .name_len = 129 });
	zips_end(&zip, NULL);
	assert_int_equal(read_all(zip.data, zip.len, name, sizeof(name)), 0);
}

TEST(L11_a_link_that_leads_out_is_refused)
{
	static const char *const targets[] = { "/etc/passwd", "../x",   "..",    "a/../../x",
					       "a/..",        "./../x", "x/../y" };

	for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++)
		refused_entry(ENTRY(.data = targets[i], .mode = 0120777),
			      "'it' is a link that leads out of the package");
	refused_entry(&(struct zips_entry){ .name = "a/it", .data = "../..", .mode = 0120777 },
		      "'a/it' is a link that leads out of the package");
	refused_entry(ENTRY(.mode = 0120777), "'it' is a link that leads out of the package");
	zips_add(&zip,
		 &(struct zips_entry){ .name = "a/b/up", .data = "../../x", .mode = 0120777 });
	zips_add(&zip, &(struct zips_entry){ .name = "a/up", .data = "..", .mode = 0120777 });
	holds("l a/b/up ../../x;l a/up ..;");
}

TEST(L12_a_name_that_is_there_twice_is_refused)
{
	zips_file(&zip, "it", "one");
	zips_file(&zip, "it", "other");
	refused("'it' is there twice");
	zips_file(&zip, "it", "one");
	zips_add(&zip, &(struct zips_entry){ .name = "it/", .mode = 040755 });
	refused("'it' is there twice");
	zips_file(&zip, "it", "one");
	zips_file(&zip, "./it", "other");
	refused("'it' is there twice");
	zips_file(&zip, "it", "one");
	zips_file(&zip, "IT", "other");
	holds("f it one;f IT other;");
}

TEST(L13_a_bomb_is_refused_before_it_is_unpacked)
{
	size_t len;
	char *data = zips_deflated("zeros", 262144000, &len), names[8];

	assert_true(len < 1000000);
	assert_int_equal(read_all(data, len, names, sizeof(names)), FAAS_EINVAL);
	assert_string_equal(err.message, "Unzipped size must be smaller than 262144000 bytes");
	assert_string_equal(err.type, "InvalidParameterValueException");
	free(data);
}

TEST(L13_a_bomb_that_says_it_is_small_is_cut_off)
{
	static const uint8_t signatures[2][4] = { "PK\1\2", "PK\3\4" };
	size_t len;
	uint8_t *data = (uint8_t *)zips_deflated("zeros", 1000000, &len);

	for (size_t i = 0; i + 30 < len; i++)
		for (int k = 0; k < 2; k++)
			if (!memcmp(data + i, signatures[k], 4) && (k == 0 || i == 0)) {
				uint8_t *size = data + i + (k ? 22 : 24);

				if (size[0] | size[1] | size[2]) /* else it follows the data */
					memcpy(size, "\x0a\0\0", 4);
			}
	refused_as(data, len, "'zeros' is not as long as it says");
	free(data);
}

TEST(L13_entries_that_share_bytes_are_refused)
{
	/* the second row leads into the first entry: a local header is its content */
	zips_add(&zip,
		 &(struct zips_entry){
			 .name = "outer",
			 .data = "PK\3\4\24\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\5\0\0\0inner",
			 .len = 35 });
	zips_add(&zip, &(struct zips_entry){ .name = "inner", .central_offset = 35 });
	refused("'inner' overlaps another entry");
}

TEST(L13_a_million_entries_would_need_a_zip64)
{
	zips_file(&zip, "it", "x");
	zips_end(&zip, NULL);
	memset(zip.data + zip.len - 14, 0xff, 4); /* both counts */
	refused_as(zip.data, zip.len, "it has too many entries");
	zips_begin(&zip);
	zips_file(&zip, "it", "x");
	zips_end(&zip, NULL);
	zip.data[zip.len - 14] = zip.data[zip.len - 12] = 2;
	refused_as(zip.data, zip.len, "its directory is cut");
	zip.data[zip.len - 14] = zip.data[zip.len - 12] = 0;
	assert_null(fa_archive_open(&mem.mem, zip.data, zip.len, &err));
}

TEST(L14_headers_that_contradict_each_other_are_refused)
{
	refused_entry(ENTRY(.data = "x", .local_name = "IT"), "'it' has two names");
	refused_entry(ENTRY(.data = "x", .local_size = 2), "'it' is described in two ways");
	refused_entry(ENTRY(.data = "x", .central_size = 2),
		      "'it' is not compressed, but its two sizes differ");
	refused_entry(ENTRY(.data = "x", .central_offset = 1),
		      "'it' is not where the directory says");
	refused_entry(ENTRY(.data = "x", .central_offset = 0x7fffffff),
		      "'it' is not where the directory says");
	refused_entry(ENTRY(.data = "x", .central_size = 5000, .central_packed = 5000),
		      "'it' does not end before the directory");
}

TEST(L14_an_end_record_in_the_comment_deceives_nobody)
{
	zips_file(&zip, "it", "x");
	zips_end(&zip, "PK\5\6 and then some text that is no record at all");
	refused_as(zip.data, zip.len, "it is no ZIP, or cut");
	zips_begin(&zip);
	zips_file(&zip, "it", "x");
	zips_end(&zip, "an innocent comment");
	assert_int_equal(read_all(zip.data, zip.len, (char[64]){ 0 }, 64), 0);
}

TEST(L15_sizes_that_need_zip64_are_refused)
{
	refused_entry(ENTRY(.data = "x", .central_size = ~0u, .central_packed = ~0u),
		      "'it' needs ZIP64, which no package of Lambda's size does");
	refused_entry(ENTRY(.data = "x", .central_offset = ~0u),
		      "'it' needs ZIP64, which no package of Lambda's size does");
}

TEST(L16_what_is_encrypted_or_compressed_in_an_unknown_way_is_refused)
{
	refused_entry(ENTRY(.data = "x", .flags = 1), "'it' is encrypted");
	refused_entry(ENTRY(.data = "x", .flags = 1 << 6), "'it' is encrypted");
	refused_entry(ENTRY(.data = "x", .flags = 1 << 13), "'it' is encrypted");
	refused_entry(ENTRY(.data = "x", .method = 12),
		      "'it' is compressed in a way that is not known");
	refused_entry(ENTRY(.data = "x", .method = 99),
		      "'it' is compressed in a way that is not known");
	refused_entry(ENTRY(.data = "not deflated", .method = 8), "'it' is damaged");
}

TEST(L17_a_wrong_checksum_is_an_error)
{
	refused_entry(ENTRY(.data = "x", .crc_xor = 1), "'it' is damaged");
}

TEST(L18_a_zip_cut_at_any_byte_is_refused)
{
	char names[64];

	zips_file(&zip, "it", "a content");
	zips_file(&zip, "more", "of it");
	zips_end(&zip, NULL);
	for (size_t len = 0; len < zip.len; len++) {
		uint8_t *cut = malloc(len + 1); /* so that a read behind its end is seen */

		memcpy(cut, zip.data, len);
		cut = realloc(cut, len ? len : 1);
		assert_int_equal(read_all(cut, len, names, sizeof(names)), FAAS_EINVAL);
		free(cut);
	}
	assert_int_equal(read_all(zip.data, zip.len, names, sizeof(names)), 0);
}

TEST(L19_devices_pipes_and_sockets_are_refused_and_other_modes_are_not_taken_over)
{
	static const unsigned kinds[] = { 0020666, 0060666, 0010666, 0140666 };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		refused_entry(ENTRY(.mode = kinds[i]),
			      "'it' is neither a file nor a directory nor a link");
	zips_add(&zip, ENTRY(.data = "x", .mode = 0106777));
	holds("fx it x;");
}

TEST(a_directory_is_nothing_else_and_has_no_content)
{
	refused_entry(&(struct zips_entry){ .name = "d/", .mode = 0100644 },
		      "'d' is a directory and something else");
	refused_entry(&(struct zips_entry){ .name = "d/", .data = "x", .mode = 040755 },
		      "'d' is a directory with a content");
}

TEST(memory_that_runs_out_is_an_error_and_not_a_refusal)
{
	zips_file(&zip, "it", "x");
	zips_file(&zip, "more", "y");
	zips_end(&zip, NULL);
	for (size_t n = 1;; n++) {
		struct fa_archive *archive;

		mem.fail_at = n;
		mem.failed = mem.calls = 0;
		archive = fa_archive_open(&mem.mem, zip.data, zip.len, &err);
		fa_archive_close(archive);
		if (!mem.failed)
			break;
		assert_null(archive);
		assert_int_equal(err.code, FAAS_ENOMEM);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define UNIT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		UNIT(files_directories_and_links_come_out_as_they_went_in),
		UNIT(a_zip_that_was_made_elsewhere_has_no_modes),
		UNIT(names_in_other_scripts_are_kept_whatever_the_locale),
		UNIT(what_is_compressed_is_unpacked),
		UNIT(an_empty_zip_is_refused_in_the_words_of_lambda),
		UNIT(what_is_no_zip_is_refused),
		UNIT(L10_a_name_that_leads_out_is_refused),
		UNIT(L10_names_of_any_length_and_depth_are_bounded),
		UNIT(L11_a_link_that_leads_out_is_refused),
		UNIT(L12_a_name_that_is_there_twice_is_refused),
		UNIT(L13_a_bomb_is_refused_before_it_is_unpacked),
		UNIT(L13_a_bomb_that_says_it_is_small_is_cut_off),
		UNIT(L13_entries_that_share_bytes_are_refused),
		UNIT(L13_a_million_entries_would_need_a_zip64),
		UNIT(L14_headers_that_contradict_each_other_are_refused),
		UNIT(L14_an_end_record_in_the_comment_deceives_nobody),
		UNIT(L15_sizes_that_need_zip64_are_refused),
		UNIT(L16_what_is_encrypted_or_compressed_in_an_unknown_way_is_refused),
		UNIT(L17_a_wrong_checksum_is_an_error),
		UNIT(L18_a_zip_cut_at_any_byte_is_refused),
		UNIT(L19_devices_pipes_and_sockets_are_refused_and_other_modes_are_not_taken_over),
		UNIT(a_directory_is_nothing_else_and_has_no_content),
		UNIT(memory_that_runs_out_is_an_error_and_not_a_refusal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
