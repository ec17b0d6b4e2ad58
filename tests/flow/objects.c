/* SPDX-License-Identifier: MIT */
/* Directories of which the host says so: handlers put files there, as into a bucket. */
#include "asked.h"

#include <faas/source.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/stores.h"

#define NO_KEY \
	INVALID("a file needs a key of at most 1024 bytes of UTF-8, whose names, with '/' " \
		"between them, are neither '.' nor '..'")
#define NO_BUCKET ERROR("-2", "NoSuchBucket", "The specified bucket does not exist")

static char files[64]; /* a directory of which the host says that functions may put files there */

static int open_as(bool virtual_time)
{
	char address[80];

	control_open_with(NULL, virtual_time);
	make_all(NULL);
	stores_folder(files);
	snprintf(address, sizeof(address), "dir:%s", files);
	assert_int_equal(faas_resource_create(flow.rt, address, NULL, &err), 0);
	return 0;
}

static int open_with_files(void **state)
{
	(void)state;
	return open_as(true);
}

static int open_in_real_time(void **state)
{
	(void)state;
	return open_as(false);
}

static int close_with_files(void **state)
{
	char command[100];

	snprintf(command, sizeof(command), "rm -r %s", files);
	assert_int_equal(system(command), 0);
	return control_close(state);
}

/* Into that directory, or with what is behind its path. */
static void put_file(int kind, const char *behind, const char *key, const char *body,
		     const char *answer)
{
	char event[3000];

	snprintf(event, sizeof(event), "dir:%s%s %s %s", files, behind, key, body);
	expect(kind, "publish", event, answer);
}

static size_t read_file(const char *key, char *out, size_t size)
{
	char path[200];
	size_t len;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", files, key);
	file = fopen(path, "r");
	assert_non_null(file);
	len = fread(out, 1, size, file);
	fclose(file);
	return len;
}

static void holds(const char *key, const char *body)
{
	char text[100];
	size_t len = read_file(key, text, sizeof(text));

	assert_int_equal(len, strlen(body));
	assert_memory_equal(text, body, len);
}

/* Files below, hidden ones too. */
static int count_files(void)
{
	char command[100];
	FILE *list;
	int n = -1;

	snprintf(command, sizeof(command), "find %s ! -type d | wc -l", files);
	list = popen(command, "r");
	assert_int_equal(fscanf(list, "%d", &n), 1);
	pclose(list);
	return n;
}

TEST(what_is_published_to_a_directory_is_a_file_under_its_key)
{
	for (int i = 0; i < 2; i++) {
		put_file(i, "", "a.txt", "a body", "0 ");
		holds("a.txt", "a body");
		put_file(i, "", "2026/11/a.txt", "deep", "0 ");
		holds("2026/11/a.txt", "deep");
		put_file(i, "", "a.txt", i ? "" : "another", "0 "); /* in its place */
		holds("a.txt", i ? "" : "another");
		assert_int_equal(count_files(), 2);
	}
}

TEST(a_file_may_be_as_large_as_an_event)
{
	static char event[1500000], back[1500000];
	int len;

	for (int i = 0; i < 2; i++) {
		memset(event, 'x', sizeof(event) - 1);
		len = snprintf(event, 100, "dir:%s %s.bin", files, kinds[i]);
		event[len] = ' ';
		expect(i, "publish", event, "0 ");
		assert_int_equal(read_file(i ? "t.bin" : "p.bin", back, sizeof(back)),
				 sizeof(event) - 1 - (size_t)len - 1);
	}
}

TEST(no_directory_is_there_of_which_the_host_did_not_say_so)
{
	for (int i = 0; i < 2; i++) {
		expect(i, "publish", "dir:/tmp x body", NO_BUCKET);
		put_file(i, "/a", "x", "body", NO_BUCKET);
		put_file(i, "-a", "x", "body", NO_BUCKET);
	}
	assert_int_equal(count_files(), 0);
}

TEST(no_key_and_no_path_leads_out_of_a_directory)
{
	static const char *const keys[] = { "-", "/", "/x", "x/", "a//b", ".", "..", "../x",
					    "a/../../x", "./x", "a/.", "\x01", "\xff" };
	static const char *const paths[] = { "/../x", "/.", "//a", "/a/./b", "/.." };
	char text[300], key[1101];

	memset(key, 'k', sizeof(key) - 1);
	key[1025] = '\0';
	for (int i = 0; i < 2; i++) {
		for (size_t row = 0; row < sizeof(keys) / sizeof(*keys); row++)
			put_file(i, "", keys[row], "body", NO_KEY);
		key[256] = i ? 'k' : '\0'; /* a name that is too long */
		put_file(i, "", key, "body", i ? INVALID("expected a name of 1 to 512 printable "
							 "characters and a group of at most 1024 "
							 "bytes") : NO_KEY);
		for (size_t row = 0; row < sizeof(paths) / sizeof(*paths); row++) {
			snprintf(text, sizeof(text),
				 INVALID("'dir:%s%s' is not where a function can send: expected "
					 "queue:, topic:, bus:, stream:, table:, dir:/PATH or "
					 "function:NAME"),
				 files, paths[row]);
			put_file(i, paths[row], "x", "body", text);
		}
	}
	assert_int_equal(count_files(), 0);
}

static void cannot_write(int kind, const char *key, const char *why)
{
	char text[300];

	snprintf(text, sizeof(text),
		 ERROR("-13", "ServiceException", "cannot write %s/%s: %s"), files, key, why);
	put_file(kind, "", key, "body", text);
}

TEST(what_cannot_be_written_is_told_and_leaves_nothing)
{
	struct rlimit old, little = { 2, 2 };
	char path[100], link[100];

	snprintf(path, sizeof(path), "%s/folder", files);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(link, sizeof(link), "%s/link", files);
	assert_int_equal(symlink("folder", link), 0);
	put_file(0, "", "file", "body", "0 ");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	little.rlim_max = old.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	for (int i = 0; i < 2; i++) {
		cannot_write(i, "folder", "Is a directory");
		cannot_write(i, "file/x", "Not a directory");
		cannot_write(i, "link/x", "Not a directory");
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
		cannot_write(i, "x", "File too large");
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
		assert_int_equal(count_files(), 2); /* the file and the link */
	}
	assert_int_equal(unlink(link), 0);
	snprintf(link, sizeof(link), "%s/file", files);
	assert_int_equal(unlink(link), 0);
	assert_int_equal(rmdir(path) | rmdir(files), 0);
	for (int i = 0; i < 2; i++)
		cannot_write(i, "x", "No such file or directory");
	assert_int_equal(mkdir(files, 0700), 0);
	put_file(0, "", "x", "body", "0 ");
}

TEST(a_link_in_the_place_of_a_file_is_replaced_and_not_followed)
{
	char link[100];

	snprintf(link, sizeof(link), "%s/x", files);
	for (int i = 0; i < 2; i++) {
		unlink(link);
		assert_int_equal(symlink("elsewhere", link), 0);
		put_file(i, "", "x", "body", "0 ");
		holds("x", "body");
		assert_int_equal(count_files(), 1);
	}
}

static _Atomic int written;

/* What a writer of "a" or "b" leaves there is all of one of them. */
static void *write_often(void *data)
{
	const char *name = data;
	static char bodies[2][60000];
	char *event = bodies[*name == 't'];

	memset(event, *name == 't' ? 'b' : 'a', *name == 't' ? sizeof(bodies[1]) - 1 : 30000);
	event[snprintf(event, 100, "dir:%s same", files)] = ' ';
	for (int i = 0; i < 40; i++) {
		struct faas_result *result;

		if (faas_invoke_wait(flow.rt,
				     FAAS_REQUEST(.function = name,
						  .payload = { event, strlen(event) }),
				     &result, NULL))
			continue;
		written += flow_says(result, "0 ");
		faas_free(result);
	}
	return NULL;
}

TEST(of_those_who_write_one_key_together_each_writes_all_of_it)
{
	static char seen[60000];
	pthread_t threads[2];
	size_t len;

	put_file(0, "", "same", "a", "0 ");
	written = 0;
	pthread_create(&threads[0], NULL, write_often, "p-publish");
	pthread_create(&threads[1], NULL, write_often, "t-publish");
	for (int i = 0; i < 2000; i++) {
		len = read_file("same", seen, sizeof(seen));
		assert_true(len == 1 || (*seen == 'a' && len > 29900 && len < 30001) ||
			    (*seen == 'b' && len > 59900));
		assert_true(len == 1 || !memcmp(seen, seen + 1, len - 1));
	}
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	assert_int_equal(written, 80);
	assert_int_equal(count_files(), 1);
}

TEST(a_mapping_of_that_directory_hears_of_the_file)
{
	char source[80];

	make("log", "echo.log", NULL, NULL);
	snprintf(source, sizeof(source), "dir:%s", files);
	assert_int_equal(faas_mapping_create(flow.rt,
					     FAAS_MAPPING(.source = source, .function = "log"),
					     NULL, &err),
			 0);
	put_file(0, "", "a/b.txt", "body", "0 ");
	flow_await_log(&flow, "\"key\":\"a/b.txt\",\"size\":4");
}

TEST(a_directory_is_one_until_the_host_says_no_more)
{
	char address[80];

	put_file(0, "", "x", "body", "0 ");
	snprintf(address, sizeof(address), "dir:%s", files);
	assert_int_equal(faas_resource_delete(flow.rt, address, &err), 0);
	put_file(0, "", "y", "body", NO_BUCKET);
	holds("x", "body");
	assert_int_equal(faas_resource_delete(flow.rt, address, &err), FAAS_ENOTFOUND);
	assert_int_equal(faas_resource_create(flow.rt, "dir:/a/../b", NULL, &err), FAAS_EINVAL);
}

TEST(it_is_one_for_the_next_program_too)
{
	assert_int_equal(faas_resource_create(flow.rt, "dir:/nowhere/at/all", NULL, &err), 0);
	control_restart();
	make("p-publish", "call.publish", NULL, NULL);
	expect(0, "publish", "dir:/nowhere/at/all x body",
	       ERROR("-13", "ServiceException",
		     "cannot write /nowhere/at/all/x: No such file or directory"));
}

TEST(a_role_allows_files_by_their_keys)
{
	char arn[200], policy[600];

	perform("CreateRole", TRUST);
	for (int i = 0; i < 2; i++) {
		char request[100];

		snprintf(request, sizeof(request),
			 "{\"FunctionName\":\"%s-publish\",\"Role\":\"" ROLE "\"}", kinds[i]);
		perform("UpdateFunctionConfiguration", request);
	}
	snprintf(policy, sizeof(policy), ALLOW("s3:PutObject", "arn:aws:s3:::%s/out/*"), files);
	perform("PutRolePolicy", policy);
	for (int i = 0; i < 2; i++) {
		static const char *const others[] = { "outside", "out", "in/out/x", "out2/x" };

		put_file(i, "", "out/x", "body", "0 ");
		put_file(i, "", "out/deep/x", "body", "0 ");
		put_file(i, "", "out/../x", "body", NO_KEY);
		for (int row = 0; row < 4; row++) {
			char event[200];

			snprintf(event, sizeof(event), "dir:%s %s body", files, others[row]);
			snprintf(arn, sizeof(arn), "arn:aws:s3:::%s/%s", files, others[row]);
			is_denied(i, "publish", event, "s3:PutObject", arn);
		}
		is_denied(i, "publish", "dir:/etc x body", "s3:PutObject", "arn:aws:s3:::/etc/x");
	}
	snprintf(policy, sizeof(policy), ALLOW("s3:*", "*%s"), "");
	perform("PutRolePolicy", policy);
	for (int i = 0; i < 2; i++) {
		put_file(i, "", "outside", "body", "0 ");
		expect(i, "publish", "dir:/etc x body", NO_BUCKET);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define FILES(name) cmocka_unit_test_setup_teardown(name, open_with_files, close_with_files)
		FILES(what_is_published_to_a_directory_is_a_file_under_its_key),
		FILES(a_file_may_be_as_large_as_an_event),
		FILES(no_directory_is_there_of_which_the_host_did_not_say_so),
		FILES(no_key_and_no_path_leads_out_of_a_directory),
		FILES(what_cannot_be_written_is_told_and_leaves_nothing),
		FILES(a_link_in_the_place_of_a_file_is_replaced_and_not_followed),
		FILES(of_those_who_write_one_key_together_each_writes_all_of_it),
		cmocka_unit_test_setup_teardown(a_mapping_of_that_directory_hears_of_the_file,
						open_in_real_time, close_with_files),
		FILES(a_directory_is_one_until_the_host_says_no_more),
		cmocka_unit_test_setup_teardown(it_is_one_for_the_next_program_too,
						control_open_lasting, control_close_lasting),
		FILES(a_role_allows_files_by_their_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
