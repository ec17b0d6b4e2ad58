/* SPDX-License-Identifier: MIT */
/* The store of unpacked code: what it writes, what it shares, and that it leaves nothing. */
#include <support/test.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <support/failing_mem.h>
#include <support/readers.h>
#include <support/zips.h>
#include <model/package/package.h>
#include <model/package/tree.h>

static struct failing_mem mem;
static struct faas_error err;
static struct zips zip;
static struct fa_packages store;
static char base[64]; /* where all of it happens; and TMPDIR */

static int init_store(struct fa_packages *it, const struct fa_mem *from, const char *state_dir)
{
	int rc = fa_packages_init(it, from, state_dir);

	readers_init(&it->readers);
	return rc;
}

static int setup(void **state)
{
	(void)state;
	failing_mem_init(&mem);
	memset(&err, 0, sizeof(err));
	zips_begin(&zip);
	/* a hundred thousand directories are many for a disk that others use, too */
	strcpy(base, access("/dev/shm", W_OK) ? "/tmp/faas-package-XXXXXX" :
						"/dev/shm/faas-package-XXXXXX");
	assert_non_null(mkdtemp(base));
	assert_int_equal(setenv("TMPDIR", base, 1), 0);
	return init_store(&store, &mem.mem, NULL);
}

static int setup_durable(void **state)
{
	setup(state);
	store.state_dir = base;
	return 0;
}

/* How many names there are below a directory. */
static int count(const char *path)
{
	DIR *stream = opendir(path);
	const struct dirent *entry;
	int n = 0;

	assert_non_null(stream);
	while ((entry = readdir(stream))) {
		char inside[512];

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		snprintf(inside, sizeof(inside), "%s/%s", path, entry->d_name);
		n += 1 + (entry->d_type == DT_DIR ? count(inside) : 0);
	}
	closedir(stream);
	return n;
}

static int teardown(void **state)
{
	(void)state;
	fa_packages_finish(&store);
	assert_true(failing_mem_clean(&mem));
	assert_true(fa_tree_remove(AT_FDCWD, base, NULL));
	return 0;
}

static void one_file(const char *name, const char *content)
{
	zips_begin(&zip);
	zips_file(&zip, name, content);
	zips_end(&zip, NULL);
}

static struct fa_package *add(void)
{
	struct fa_package *p = fa_packages_add(&store, zip.data, zip.len, &err);

	if (!p)
		fail_msg("%s", err.message);
	return p;
}

static void sweep(void)
{
	while (fa_packages_sweep(&store))
		;
}

static char *content_of(const struct fa_package *p, const char *name)
{
	static char text[256];
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", p->directory, name);
	file = fopen(path, "r");
	if (!file)
		return NULL;
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	return text;
}

static unsigned mode_of(const struct fa_package *p, const char *name)
{
	char path[512];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", p->directory, name);
	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode;
}

TEST(a_package_is_written_as_the_zip_has_it)
{
	mode_t umask_before = umask(077);
	struct fa_package *p;
	char path[512], target[32] = "";

	zips_file(&zip, "lib/a.so", "code");
	zips_add(&zip, &(struct zips_entry){ .name = "bin/run", .data = "#!", .mode = 0104755 });
	zips_add(&zip, &(struct zips_entry){ .name = "empty/", .mode = 040700 });
	zips_add(&zip, &(struct zips_entry){ .name = "link", .data = "lib/a.so", .mode = 0120777 });
	zips_end(&zip, NULL);
	p = add();
	umask(umask_before);
	assert_string_equal(content_of(p, "lib/a.so"), "code");
	assert_int_equal(mode_of(p, "lib/a.so"), 0100644);
	assert_int_equal(mode_of(p, "bin/run"), 0100755); /* and not setuid */
	assert_int_equal(mode_of(p, "empty"), 040755);
	assert_int_equal(mode_of(p, "."), 040755);
	snprintf(path, sizeof(path), "%s/link", p->directory);
	assert_int_equal(readlink(path, target, sizeof(target)), 8);
	assert_int_equal(p->zipped, zip.len);
	assert_int_equal(p->unzipped, 4 + 2 + 8);
	assert_int_equal(access(p->zip, R_OK), 0);
	fa_package_unref(p);
}

TEST(the_same_zip_is_there_once_and_goes_with_its_last_user)
{
	struct fa_package *one, *two, *other;
	int with_one;

	one_file("a.so", "code");
	one = add();
	with_one = count(base);
	two = add();
	assert_ptr_equal(one, two);
	assert_int_equal(count(base), with_one);
	one_file("a.so", "other code");
	other = add();
	assert_ptr_not_equal(one, other);
	assert_string_not_equal(one->sha256, other->sha256);
	fa_package_unref(one);
	sweep();
	assert_string_equal(content_of(two, "a.so"), "code");
	fa_package_unref(fa_package_ref(two));
	fa_package_unref(two);
	sweep();
	assert_int_equal(count(base), with_one);
	fa_package_unref(other);
	sweep();
	assert_int_equal(count(base), 2); /* the store's directory and its lock */
	assert_int_equal(store.zipped, 0);
}

TEST(what_is_dropped_can_come_again_before_it_is_swept)
{
	struct fa_package *p;

	one_file("a.so", "code");
	p = add();
	fa_package_unref(p);
	p = add();
	sweep();
	assert_string_equal(content_of(p, "a.so"), "code");
	fa_package_unref(p);
}

static bool answer(void *data)
{
	return *(bool *)data;
}

TEST(what_something_that_lasts_may_name_is_not_removed)
{
	bool may = false;
	int with_one;

	store.may_remove = answer;
	store.data = &may;
	one_file("a.so", "code");
	fa_package_unref(add());
	with_one = count(base);
	sweep();
	assert_int_equal(count(base), with_one);
	assert_true(fa_packages_are_unused(&store));
	may = true;
	sweep();
	assert_int_equal(count(base), 2);
	assert_false(fa_packages_are_unused(&store));
	store.may_remove = NULL;
}

TEST(a_large_package_is_swept_piece_by_piece)
{
	int left, turns = 0;

	for (int i = 0; i < FA_PACKAGE_SWEEP + 100; i++) {
		char name[32];

		snprintf(name, sizeof(name), "d%d/f%d", i % 7, i);
		zips_file(&zip, name, "");
	}
	zips_end(&zip, NULL);
	fa_package_unref(add());
	do {
		left = count(base);
		assert_true(fa_packages_sweep(&store) || turns);
		assert_true(left - count(base) <= FA_PACKAGE_SWEEP);
	} while (turns++ < 1);
	sweep();
	assert_int_equal(count(base), 2);
}

TEST(a_refused_zip_leaves_nothing_behind)
{
	zips_file(&zip, "good", "content");
	zips_add(&zip, &(struct zips_entry){ .name = "bad", .data = "content", .crc_xor = 1 });
	zips_end(&zip, NULL);
	assert_null(fa_packages_add(&store, zip.data, zip.len, &err));
	assert_int_equal(err.code, FAAS_EINVAL);
	sweep();
	assert_int_equal(count(base), 2);
	assert_int_equal(store.packages.count, 0);
}

TEST(what_is_taken_is_a_zip_and_no_tree_until_it_is_made)
{
	struct fa_package *p;
	int with_zip;

	one_file("a.so", "code");
	p = fa_packages_take(&store, zip.data, zip.len, &err);
	assert_non_null(p);
	with_zip = count(base);
	assert_int_equal(access(p->directory, F_OK), -1);
	assert_int_equal(access(p->zip, R_OK), 0);
	assert_int_equal(fa_package_make(p, &err), 0);
	assert_string_equal(content_of(p, "a.so"), "code");
	assert_int_equal(count(base), with_zip + 2);
	assert_int_equal(fa_package_make(p, &err), 0);
	fa_package_unref(p);
}

static bool has_bootstrap(const char *name)
{
	struct fa_package *p, *merged;
	bool has;

	one_file(name, "");
	p = fa_packages_take(&store, zip.data, zip.len, &err);
	assert_non_null(p);
	has = p->bootstrap;
	assert_int_equal(fa_package_make(p, &err), 0);
	merged = fa_packages_merge(&store, &p, 1, &err);
	assert_int_equal(merged->bootstrap, has);
	fa_package_unref(merged);
	fa_package_unref(p);
	sweep();
	return has;
}

TEST(whether_there_is_a_bootstrap_is_known_before_it_is_unpacked)
{
	assert_true(has_bootstrap("bootstrap"));
	assert_false(has_bootstrap("bin/bootstrap"));
	assert_false(has_bootstrap("bootstrap/file"));
	assert_false(has_bootstrap("bootstrap.so"));
}

TEST(what_cannot_be_made_leaves_no_part_of_a_tree)
{
	struct fa_package *p;
	int with_zip;

	zips_file(&zip, "good", "content");
	zips_add(&zip, &(struct zips_entry){ .name = "bad", .data = "content", .crc_xor = 1 });
	zips_end(&zip, NULL);
	p = fa_packages_take(&store, zip.data, zip.len, &err);
	with_zip = count(base);
	for (int i = 0; i < 2; i++)
		assert_int_equal(fa_package_make(p, &err), FAAS_EINVAL);
	assert_int_equal(count(base), with_zip);
	fa_package_unref(p);
	sweep();
	assert_int_equal(count(base), 2);
}

TEST(a_merge_that_is_never_made_lets_its_layers_go)
{
	struct fa_package *layer, *all;

	one_file("text", "layer");
	layer = add();
	all = fa_packages_merge(&store, &layer, 1, &err);
	fa_package_unref(layer);
	fa_package_unref(all);
	sweep();
	assert_int_equal(store.packages.count, 0);
	assert_int_equal(count(base), 2);
}

TEST(L11_a_file_is_never_written_through_a_link)
{
	zips_add(&zip, &(struct zips_entry){ .name = "a", .data = "b", .mode = 0120777 });
	zips_file(&zip, "b/x", "");
	zips_file(&zip, "a/it", "through the link");
	zips_end(&zip, NULL);
	assert_null(fa_packages_add(&store, zip.data, zip.len, &err));
	assert_non_null(strstr(err.message, "('a/it' is in the way of another entry)"));
	zips_begin(&zip);
	zips_file(&zip, "f", "");
	zips_file(&zip, "f/it", "below a file");
	zips_end(&zip, NULL);
	assert_null(fa_packages_add(&store, zip.data, zip.len, &err));
	assert_non_null(strstr(err.message, "('f/it' is in the way of another entry)"));
	zips_begin(&zip);
	zips_file(&zip, "d/x", "");
	zips_file(&zip, "d", "where a directory is");
	zips_end(&zip, NULL);
	assert_null(fa_packages_add(&store, zip.data, zip.len, &err));
	assert_non_null(strstr(err.message, "('d' is in the way of another entry)"));
	sweep();
	assert_int_equal(count(base), 2);
}

/* The control of the test above: it is the kernel's rule that holds, with a link outside. */
TEST(a_link_that_was_slipped_in_is_not_followed_by_the_writer)
{
	struct fa_package *p;
	struct fa_reader *reader;
	char path[128];
	int dir, file;

	one_file("a/it", "content");
	p = add();
	file = open(p->zip, O_RDONLY);
	snprintf(path, sizeof(path), "%s/tree", base);
	assert_int_equal(mkdir(path, 0755), 0);
	dir = open(path, O_RDONLY | O_DIRECTORY);
	assert_int_equal(symlinkat("..", dir, "a"), 0);
	reader = fa_reader_open(&store.readers, &mem.mem, file, false, &err);
	assert_int_equal(fa_tree_unpack(dir, reader, &err), FAAS_EINVAL);
	fa_reader_close(reader);
	assert_int_equal(count(path), 1);
	assert_int_equal(unlinkat(dir, "a", 0), 0);
	reader = fa_reader_open(&store.readers, &mem.mem, file, false, &err);
	assert_int_equal(fa_tree_unpack(dir, reader, &err), 0);
	fa_reader_close(reader);
	close(dir);
	close(file);
	assert_int_equal(count(path), 2);
	fa_package_unref(p);
}

TEST(L13_few_bytes_cannot_ask_for_more_directories_than_allowed)
{
	char name[512];

	/* each entry asks for 64 directories of its own */
	for (int i = 0; zip.len + zip.central_len < 900000; i++) {
		int len = snprintf(name, sizeof(name), "%d", i);

		while (len < 128)
			len += snprintf(name + len, sizeof(name) - (size_t)len, "/d");
		name[len - 2] = '\0';
		zips_file(&zip, name, "");
	}
	zips_end(&zip, NULL);
	assert_null(fa_packages_add(&store, zip.data, zip.len, &err));
	assert_non_null(strstr(err.message, "(it has too many files and directories)"));
	sweep();
	assert_int_equal(count(base), 2);
}

TEST(sizes_and_storage_are_bounded_in_the_words_of_lambda)
{
	struct fa_package *p;
	char *large = calloc(1, FA_ZIP_UPLOAD);

	assert_null(fa_packages_add(&store, large, FA_ZIP_UPLOAD, &err));
	assert_string_equal(err.type, "RequestEntityTooLargeException");
	assert_string_equal(err.message, "Zipped size must be smaller than 52428800 bytes");
	assert_null(fa_packages_add(&store, large, FA_ZIP_UPLOAD - 1, &err));
	assert_string_equal(err.type, "InvalidParameterValueException");
	free(large);
	one_file("a.so", "code");
	store.zipped_max = (int64_t)zip.len;
	p = add();
	one_file("b.so", "more");
	assert_null(fa_packages_add(&store, zip.data, zip.len, &err));
	assert_string_equal(err.type, "CodeStorageExceededException");
	assert_string_equal(err.message, "Code storage limit exceeded.");
	fa_package_unref(p);
	p = add();
	fa_package_unref(p);
}

TEST(a_disk_that_takes_no_more_is_an_error_of_the_system)
{
	struct rlimit before, small = { 1000, 0 };
	void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
	char content[2000];

	memset(content, 'x', sizeof(content));
	zips_add(&zip,
		 &(struct zips_entry){ .name = "a", .data = content, .len = sizeof(content) });
	zips_end(&zip, NULL);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_null(fa_packages_add(&store, zip.data, zip.len, &err));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, handler);
	assert_int_equal(err.code, FAAS_ESYSTEM);
	assert_int_equal(count(base), 2);
}

TEST(a_file_is_read_and_what_is_no_file_is_refused)
{
	char path[128];
	struct fa_package *p;
	FILE *file;

	one_file("a.so", "code");
	snprintf(path, sizeof(path), "%s/a.zip", base);
	file = fopen(path, "w");
	fwrite(zip.data, 1, zip.len, file);
	fclose(file);
	p = fa_packages_take_file(&store, path, &err);
	assert_non_null(p);
	assert_ptr_equal(p, add()); /* which makes it, too */
	fa_package_unref(p);
	fa_package_unref(p);
	unlink(path);
	assert_null(fa_packages_take_file(&store, path, &err));
	assert_int_equal(err.code, FAAS_EINVAL);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_null(fa_packages_take_file(&store, path, &err));
	assert_string_equal(err.message, "the code is not a regular file");
}

TEST(a_check_judges_and_keeps_nothing)
{
	char sha256[FA_DIGEST_TEXT];
	struct fa_package *p;

	one_file("a.so", "code");
	assert_int_equal(fa_packages_check(&store, zip.data, zip.len, sha256, &err), 0);
	assert_int_equal(count(base), 0);
	p = add();
	assert_string_equal(sha256, p->sha256);
	fa_package_unref(p);
	assert_int_equal(fa_packages_check(&store, "PK", 2, sha256, &err), FAAS_EINVAL);
}

TEST(layers_are_merged_later_over_earlier_and_share_their_files)
{
	struct fa_package *layers[3], *all, *again;

	zips_file(&zip, "lib/one", "first");
	zips_file(&zip, "lib/both", "first");
	zips_file(&zip, "was_file", "");
	zips_file(&zip, "was_dir/x", "");
	zips_end(&zip, NULL);
	layers[0] = add();
	zips_begin(&zip);
	zips_file(&zip, "lib/both", "second");
	zips_file(&zip, "was_file/x", "in a directory now");
	zips_file(&zip, "was_dir", "a file now");
	zips_add(&zip, &(struct zips_entry){ .name = "link", .data = "lib/both", .mode = 0120777 });
	zips_end(&zip, NULL);
	layers[1] = add();
	all = fa_packages_merge(&store, layers, 2, &err);
	assert_non_null(all);
	again = fa_packages_merge(&store, layers, 2, &err);
	assert_ptr_equal(all, again);
	fa_package_unref(again);
	fa_package_unref(layers[0]);
	fa_package_unref(layers[1]);
	sweep(); /* it has them until it is made */
	assert_int_equal(store.packages.count, 3);
	assert_int_equal(fa_package_make(all, &err), 0);
	sweep();
	assert_int_equal(store.packages.count, 1);
	assert_string_equal(content_of(all, "lib/one"), "first");
	assert_string_equal(content_of(all, "lib/both"), "second");
	assert_string_equal(content_of(all, "was_file/x"), "in a directory now");
	assert_string_equal(content_of(all, "was_dir"), "a file now");
	assert_string_equal(content_of(all, "link"), "second");
	fa_package_unref(all);
}

TEST(in_a_state_dir_what_is_used_stays_and_the_rest_goes)
{
	struct fa_package *stays, *deleted;
	int with_one;

	one_file("a.so", "stays");
	stays = add();
	with_one = count(base);
	one_file("a.so", "deleted");
	deleted = add();
	fa_package_keep(stays);
	fa_package_unref(deleted);
	fa_package_unref(stays);
	fa_packages_finish(&store);
	assert_int_equal(count(base), with_one);

	/* The next program finds it, and whatever the last one was about to write. */
	init_store(&store, &mem.mem, base);
	one_file("a.so", "stays");
	stays = add();
	assert_string_equal(content_of(stays, "a.so"), "stays");
	assert_int_equal(count(base), with_one);
	fa_package_keep(stays);
	fa_package_unref(stays);
	fa_packages_finish(&store);

	/* One that has no use for it does not keep it. */
	init_store(&store, &mem.mem, base);
	one_file("b.so", "another");
	fa_package_unref(add());
	fa_packages_finish(&store);
	assert_int_equal(count(base), 1);
	init_store(&store, &mem.mem, base);
}

TEST(what_a_killed_program_was_writing_is_not_taken_for_code)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/code", base);
	assert_int_equal(mkdir(path, 0755), 0);
	snprintf(path, sizeof(path), "%s/code/new-0", base);
	assert_int_equal(mkdir(path, 0755), 0);
	snprintf(path, sizeof(path), "%s/code/new-0/task", base);
	assert_int_equal(mkdir(path, 0755), 0);
	snprintf(path, sizeof(path), "%s/code/gone-7", base);
	assert_int_equal(mkdir(path, 0755), 0);
	one_file("a.so", "code");
	fa_package_unref(add());
	sweep();
	assert_int_equal(count(base), 1);
}

/* In a child, which ends without a word. */
static void leave_one_behind(void)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		struct fa_packages its;

		init_store(&its, &fa_mem_libc, NULL);
		_exit(fa_packages_add(&its, zip.data, zip.len, NULL) ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

TEST(a_killed_programs_code_goes_with_the_next_one_and_a_living_ones_stays)
{
	struct fa_package *p;
	struct fa_packages other;
	int with_one;

	one_file("a.so", "code");
	p = add();
	with_one = count(base);
	leave_one_behind();
	assert_int_equal(count(base), 2 * with_one);
	init_store(&other, &mem.mem, NULL);
	fa_package_unref(fa_packages_add(&other, zip.data, zip.len, &err));
	fa_packages_finish(&other);
	assert_int_equal(count(base), with_one);
	assert_string_equal(content_of(p, "a.so"), "code");
	fa_package_unref(p);
}

TEST(memory_that_runs_out_leaves_nothing_behind)
{
	one_file("a.so", "code");
	for (size_t n = 1;; n++) {
		struct fa_package *p;

		mem.fail_at = n;
		mem.failed = mem.calls = 0;
		p = fa_packages_add(&store, zip.data, zip.len, &err);
		mem.fail_at = 0;
		fa_package_unref(p);
		sweep();
		assert_true(count(base) == 2 || (!p && count(base) == 0));
		if (!mem.failed)
			break;
		assert_null(p);
		assert_int_equal(err.code, FAAS_ENOMEM);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define UNIT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define DURABLE(name) cmocka_unit_test_setup_teardown(name, setup_durable, teardown)
		UNIT(a_package_is_written_as_the_zip_has_it),
		UNIT(the_same_zip_is_there_once_and_goes_with_its_last_user),
		UNIT(what_is_dropped_can_come_again_before_it_is_swept),
		UNIT(what_something_that_lasts_may_name_is_not_removed),
		UNIT(a_large_package_is_swept_piece_by_piece),
		UNIT(a_refused_zip_leaves_nothing_behind),
		UNIT(what_is_taken_is_a_zip_and_no_tree_until_it_is_made),
		UNIT(whether_there_is_a_bootstrap_is_known_before_it_is_unpacked),
		UNIT(what_cannot_be_made_leaves_no_part_of_a_tree),
		UNIT(a_merge_that_is_never_made_lets_its_layers_go),
		UNIT(L11_a_file_is_never_written_through_a_link),
		UNIT(a_link_that_was_slipped_in_is_not_followed_by_the_writer),
		UNIT(L13_few_bytes_cannot_ask_for_more_directories_than_allowed),
		UNIT(sizes_and_storage_are_bounded_in_the_words_of_lambda),
		UNIT(a_disk_that_takes_no_more_is_an_error_of_the_system),
		UNIT(a_file_is_read_and_what_is_no_file_is_refused),
		UNIT(a_check_judges_and_keeps_nothing),
		UNIT(layers_are_merged_later_over_earlier_and_share_their_files),
		DURABLE(in_a_state_dir_what_is_used_stays_and_the_rest_goes),
		DURABLE(what_a_killed_program_was_writing_is_not_taken_for_code),
		UNIT(a_killed_programs_code_goes_with_the_next_one_and_a_living_ones_stays),
		UNIT(memory_that_runs_out_leaves_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
