/* SPDX-License-Identifier: MIT */
/*
 * Layers of container images: what is written of them, and that the hostile ones (L10 to L19,
 * and what only layers can do) leave nothing behind, inside or outside.
 */
#include "layout.h"

/* ---- sound images ------------------------------------------------------------ */

TEST(an_image_is_written_as_its_layers_have_it)
{
	struct fa_package *p;

	directory("./bin/");
	images_add(&tar,
		   &(struct images_entry){ .name = "./bin/run", .data = "#!", .mode = 04755 });
	file("/etc/motd", "hello");
	file("usr/lib/a\\x2db.service", "systemd");
	entry('2', "sh", "/bin/run");
	entry('2', "up", "../../..");
	entry('1', "hard", "bin/run");
	p = make();
	assert_int_equal(look(p, "bin/run").st_mode, 0100755); /* and not setuid */
	assert_int_equal(look(p, "etc/motd").st_mode, 0100644);
	assert_string_equal(content(p, "etc/motd"), "hello");
	assert_string_equal(content(p, "usr/lib/a\\x2db.service"), "systemd");
	assert_true(S_ISLNK(look(p, "sh").st_mode) && S_ISLNK(look(p, "up").st_mode));
	assert_int_equal(look(p, "hard").st_ino, look(p, "bin/run").st_ino);
	assert_true(S_ISDIR(look(p, "dev").st_mode) && S_ISDIR(look(p, "proc").st_mode));
	assert_true(S_ISLNK(look(p, "tmp").st_mode));
	assert_true(kept() > 10); /* the control of all that leave nothing */
	drop(p);
	assert_int_equal(kept(), 0);
}

TEST(the_same_image_is_there_once_by_the_digest_of_its_manifest)
{
	struct fa_package *one, *two;

	file("run", "x");
	one = make();
	assert_string_equal(one->sha256, manifest.digest + strlen("sha256:"));
	two = take();
	assert_ptr_equal(one, two);
	fa_package_unref(two);
	drop(one);
}

TEST(a_later_layer_lies_over_the_earlier)
{
	struct fa_package *p;

	file("a", "old");
	file("d/kept", "kept");
	file("d/file", "old");
	file("was-file", "x");
	directory("was-directory");
	file("was-directory/x", "x");
	end_layer();
	file("a", "new");
	file("d/file", "new");
	directory("was-file");
	file("was-directory", "now a file");
	p = make();
	assert_string_equal(content(p, "a"), "new");
	assert_string_equal(content(p, "d/kept"), "kept");
	assert_string_equal(content(p, "d/file"), "new");
	assert_true(S_ISDIR(look(p, "was-file").st_mode));
	assert_string_equal(content(p, "was-directory"), "now a file");
	drop(p);
}

TEST(a_whiteout_takes_away_what_is_below)
{
	struct fa_package *p;

	file("gone", "x");
	file("d/gone/deep", "x");
	file("d/stays", "stays");
	end_layer();
	file(".wh.gone", "");
	file("d/.wh.gone", "");
	file(".wh.never-was", "");
	p = make();
	assert_int_equal(look(p, "gone").st_mode, 0);
	assert_int_equal(look(p, "d/gone").st_mode, 0);
	assert_string_equal(content(p, "d/stays"), "stays");
	assert_int_equal(look(p, ".wh.gone").st_mode, 0);
	drop(p);
}

TEST(a_whiteout_is_not_of_its_own_layer_wherever_it_stands)
{
	struct fa_package *p;

	file("a", "old");
	file("d/below", "x");
	end_layer();
	file("a", "new");
	file(".wh.a", "");
	file("d/own", "own");
	file("d/.wh..wh..opq", "");
	p = make();
	assert_string_equal(content(p, "a"), "new");
	assert_string_equal(content(p, "d/own"), "own");
	assert_int_equal(look(p, "d/below").st_mode, 0);
	drop(p);
}

TEST(names_that_are_kept_by_the_first_of_such_file_systems_mean_nothing)
{
	struct fa_package *p;

	file("wh.plnk", "stays");
	end_layer();
	file(".wh..wh.plnk/x", "");
	file(".wh..wh.aufs", "");
	p = make();
	assert_string_equal(content(p, "wh.plnk"), "stays");
	assert_int_equal(look(p, ".wh..wh.plnk").st_mode, 0);
	drop(p);
}

TEST(a_layer_may_be_compressed)
{
	struct fa_package *p;

	file("gzip", "packed");
	images_gzip(layout, &layers[layer_count++], &tar);
	file("zstd", "packed");
	images_zstd(layout, &layers[layer_count++], &tar);
	p = make();
	assert_string_equal(content(p, "gzip"), "packed");
	assert_string_equal(content(p, "zstd"), "packed");
	drop(p);
}

/* ---- L10 to L19 ---------------------------------------------------------------- */

TEST(a_name_that_leads_out_is_refused)
{
	file("../escaped", "x");
	refused(UNPACK "('../escaped' leads out of the package)");
	file("a/../../../escaped", "x");
	refused(UNPACK "('a/../../../escaped' leads out of the package)");
	file("..", "x");
	refused(UNPACK "('..' leads out of the package)");
	file("a/./b", "x");
	refused(UNPACK "('a/./b' has an empty part in its name)");
	file("a\nb", "x");
	refused(UNPACK);
}

/* As GNU tar writes them. */
static void long_name(size_t len)
{
	char *name = malloc(len + 1);

	memset(name, 'n', len);
	name[len] = '\0';
	images_add(&tar,
		   &(struct images_entry){
			   .name = "././@LongLink", .type = 'L', .data = name, .len = len + 1 });
	file("short", "x");
	free(name);
}

TEST(a_name_that_is_too_long_is_refused)
{
	long_name(256);
	refused(UNPACK);
	long_name(65536);
	refused(UNPACK);
}

TEST(a_file_through_a_link_is_refused)
{
	entry('2', "d", victim);
	file("d/file", "overwritten");
	refused(UNPACK "('d/file' is in the way of another entry)");
	entry('2', "d", "..");
	file("d/escaped", "x");
	refused(UNPACK "('d/escaped' is in the way of another entry)");
	entry('2', "f", "/etc/passwd");
	file("f", "overwritten");
	refused(UNPACK "('f' is in the way of another entry)");
}

TEST(a_link_of_an_earlier_layer_is_not_followed_either)
{
	struct fa_package *p;

	entry('2', "d", victim);
	entry('2', "root", "/");
	end_layer();
	file("d/file", "overwritten");
	file("d/.wh..wh..opq", "");
	file("root/.wh.etc", "");
	p = make();
	assert_string_equal(content(p, "d/file"), "overwritten"); /* in the image's own d */
	assert_true(S_ISDIR(look(p, "d").st_mode));
	victim_is_well();
	drop(p);
}

TEST(a_name_that_comes_twice_is_refused)
{
	file("a", "x");
	file("a", "y");
	refused(UNPACK "('a' is in the way of another entry)");
	file("a", "x");
	file("a/b", "y");
	refused(UNPACK "('a/b' is in the way of another entry)");
}

TEST(names_that_differ_in_case_are_two)
{
	struct fa_package *p;

	file("a", "small");
	file("A", "capital");
	p = make();
	assert_string_equal(content(p, "a"), "small");
	assert_string_equal(content(p, "A"), "capital");
	drop(p);
}

TEST(a_bomb_is_refused_before_it_is_written)
{
	static char zeros[1 << 20];

	store.image_max = 4 << 20;
	for (int i = 0; i < 5; i++) {
		char name[16];

		snprintf(name, sizeof(name), "zeros-%d", i);
		images_add(&tar, &(struct images_entry){
					 .name = name, .data = zeros, .len = sizeof(zeros) });
	}
	images_gzip(layout, &layers[layer_count++], &tar);
	assert_true(layers[0].size < 20000);
	refused(UNPACK "(the image is too large)");
}

TEST(layers_share_one_limit)
{
	static char zeros[1 << 20];
	struct fa_package *p;

	store.image_max = 2 << 20;
	for (int i = 0; i < 3; i++) {
		images_add(&tar, &(struct images_entry){
					 .name = "zeros", .data = zeros, .len = sizeof(zeros) });
		end_layer();
	}
	refused(UNPACK "(the image is too large)");
	for (int i = 0; i < 2; i++) {
		images_add(&tar, &(struct images_entry){
					 .name = "zeros", .data = zeros, .len = sizeof(zeros) });
		end_layer();
	}
	p = make();
	drop(p);
}

TEST(too_many_files_are_refused)
{
	char name[32];

	store.image_nodes = 50;
	for (int i = 0; i < 51; i++) {
		snprintf(name, sizeof(name), "file-%d", i);
		file(name, "");
	}
	refused(UNPACK "(the image is too large)");
	for (int i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "%d/a/b/c/d/e/f", i);
		directory(name);
	}
	refused(UNPACK "(it has too many files and directories)");
}

TEST(directories_in_each_other_have_an_end)
{
	for (size_t deep = 64; deep <= 65; deep++) {
		char text[256] = "d";
		size_t len;

		for (size_t i = 0; i < deep; i++)
			strcat(text, "/d");
		len = strlen(text) + 1;
		images_add(&tar, &(struct images_entry){ .name = "././@LongLink",
							 .type = 'L',
							 .data = text,
							 .len = len });
		file("short", "x");
		if (deep == 64)
			drop(make());
		else
			refused(UNPACK);
		layer_count = 0;
	}
}

TEST(sizes_that_cannot_be_are_refused)
{
	images_add(&tar, &(struct images_entry){ .name = "a", .size = 077777777777 });
	refused(UNPACK "('a' is larger than 4 GB)");
	images_add(&tar, &(struct images_entry){ .name = "a", .data = "x", .size = 100000 });
	refused(UNPACK);
}

TEST(what_is_no_tar_is_refused)
{
	static const char zip[] = "PK\003\004 and so on and so on and so on and so on";
	static char noise[2048];

	images_blob(layout, &layers[layer_count], zip, sizeof(zip));
	layers[layer_count++].type = IMAGES_TAR;
	refused(UNPACK);
	memset(noise, 0xa5, sizeof(noise));
	images_blob(layout, &layers[layer_count], noise, sizeof(noise));
	layers[layer_count++].type = IMAGES_TAR;
	refused(UNPACK);
	images_blob(layout, &layers[layer_count], "", 0);
	layers[layer_count++].type = IMAGES_TAR;
	refused(UNPACK);
}

TEST(a_damaged_tar_is_refused)
{
	file("a", "x");
	file("b", "y");
	tar.data[1024] ^= 1; /* the second header's checksum is wrong */
	refused(UNPACK "(it is damaged, or ends in the middle)");
}

TEST(a_layer_that_ends_in_the_middle_is_refused)
{
	enum { LEN = 700 };
	char text[LEN];

	memset(text, 't', sizeof(text));
	images_add(&tar, &(struct images_entry){ .name = "a", .data = text, .len = sizeof(text) });
	for (size_t len = 1; len < 512 + LEN; len += len < 512 ? 73 : 101) {
		images_blob(layout, &layers[0], tar.data, len);
		layers[0].type = IMAGES_TAR;
		layer_count = 1;
		images_manifest(layout, &manifest, layers, 1, CMD);
		images_index(layout, &manifest, "");
		refused_as_it_is(UNPACK);
	}
}

/* As umoci 0.4 writes it. */
TEST(a_layer_may_end_with_its_last_file)
{
	struct fa_package *p;

	file("a", "first");
	file("b", "last");
	images_blob(layout, &layers[layer_count], tar.data, 3 * 512 + strlen("last"));
	layers[layer_count++].type = IMAGES_TAR;
	images_free(&tar);
	p = make();
	assert_string_equal(content(p, "b"), "last");
	drop(p);
}

TEST(what_is_no_file_directory_or_link_is_refused)
{
	entry('3', "dev/sda", NULL);
	refused(UNPACK "('dev/sda' is no file, directory or link)");
	entry('4', "dev/sda", NULL);
	refused(UNPACK "('dev/sda' is no file, directory or link)");
	entry('6', "fifo", NULL);
	refused(UNPACK "('fifo' is no file, directory or link)");
}

/* ---- what only images can do ----------------------------------------------------- */

TEST(a_whiteout_of_what_is_above_is_refused)
{
	static const char *const names[] = { ".wh.", ".wh..", ".wh...", "d/.wh...", "d/.wh.." };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		file("d/x", "x");
		end_layer();
		file(names[i], "");
		refused(INVALID "(a layer of it has a whiteout of nothing)");
	}
}

TEST(a_hard_link_leads_nowhere_but_to_its_own_layer)
{
	entry('1', "x", "../../victim/file");
	refused(UNPACK "('x' leads out of the package)");
	entry('1', "x", "/etc/passwd"); /* the image's, which is not there */
	refused(UNPACK "('x' is a link to what cannot be linked to)");
	entry('2', "d", victim);
	entry('1', "x", "d/file");
	refused(UNPACK "('x' is in the way of another entry)");
	directory("d");
	entry('1', "x", "d");
	refused(UNPACK "('x' is a link to what cannot be linked to)");
	file("below", "x");
	end_layer();
	entry('1', "x", "below");
	refused(UNPACK "('x' is a link to what cannot be linked to)");
}

TEST(a_mount_point_that_is_something_else_is_refused)
{
	entry('2', "proc", victim);
	refused(INVALID "(its /proc is no directory)");
	file("dev", "x");
	refused(INVALID "(its /dev is no directory)");
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		ROW(an_image_is_written_as_its_layers_have_it),
		ROW(the_same_image_is_there_once_by_the_digest_of_its_manifest),
		ROW(a_later_layer_lies_over_the_earlier),
		ROW(a_whiteout_takes_away_what_is_below),
		ROW(a_whiteout_is_not_of_its_own_layer_wherever_it_stands),
		ROW(names_that_are_kept_by_the_first_of_such_file_systems_mean_nothing),
		ROW(a_layer_may_be_compressed),
		ROW(a_name_that_leads_out_is_refused),
		ROW(a_name_that_is_too_long_is_refused),
		ROW(a_file_through_a_link_is_refused),
		ROW(a_link_of_an_earlier_layer_is_not_followed_either),
		ROW(a_name_that_comes_twice_is_refused),
		ROW(names_that_differ_in_case_are_two),
		ROW(a_bomb_is_refused_before_it_is_written),
		ROW(layers_share_one_limit),
		ROW(too_many_files_are_refused),
		ROW(directories_in_each_other_have_an_end),
		ROW(sizes_that_cannot_be_are_refused),
		ROW(what_is_no_tar_is_refused),
		ROW(a_damaged_tar_is_refused),
		ROW(a_layer_that_ends_in_the_middle_is_refused),
		ROW(a_layer_may_end_with_its_last_file),
		ROW(what_is_no_file_directory_or_link_is_refused),
		ROW(a_whiteout_of_what_is_above_is_refused),
		ROW(a_hard_link_leads_nowhere_but_to_its_own_layer),
		ROW(a_mount_point_that_is_something_else_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
