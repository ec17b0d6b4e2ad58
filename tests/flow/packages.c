/* SPDX-License-Identifier: MIT */
/* Code that comes as a ZIP, from the file to the environment, and to its end on the disk. */
#include "support/test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/flow.h"
#include "support/zips.h"

static struct flow flow;
static struct faas_error err;
static struct zips zip;
static char base[64], path[128]; /* TMPDIR, and a ZIP in it */

static int open_base(void **state)
{
	(void)state;
	memset(&err, 0, sizeof(err));
	strcpy(base, "/tmp/faas-packages-XXXXXX");
	assert_non_null(mkdtemp(base));
	assert_int_equal(chmod(base, 0755), 0);
	assert_int_equal(setenv("TMPDIR", base, 1), 0);
	snprintf(path, sizeof(path), "%s/code.zip", base);
	return 0;
}

static int open_real(void **state)
{
	open_base(state);
	flow_open(&flow, NULL, false);
	return 0;
}

static int remove_base(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(base); /* which it would not be if anything were left */
}

static int close_it(void **state)
{
	flow_close(&flow);
	return remove_base(state);
}

/* A ZIP with the plugin, and one more file, at `path`. */
static void write_zip(const char *text)
{
	FILE *file;

	zips_begin(&zip);
	zips_copy(&zip, "package.so", TEST_PLUGINS "/package.so");
	zips_file(&zip, "data/text", text);
	zips_end(&zip, NULL);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(zip.data, 1, zip.len, file), zip.len);
	assert_int_equal(fclose(file), 0);
}

static void create(const char *text)
{
	write_zip(text);
	flow_function(&flow, &(struct faas_function_config){
				     .name = "f", .code = path, .handler = "package.content" });
}

static void update(const struct faas_function_config *config)
{
	struct faas_function_config c = *config;

	c.size = sizeof(c);
	c.name = "f";
	if (faas_function_update(flow.rt, &c, &err))
		fail_msg("%s", err.message);
}

static void says(const char *function, const char *event, const char *expected)
{
	const struct faas_result *result = flow_call(&flow, function, event);

	if (result->code || !flow_says(result, expected))
		fail_msg("'%.*s' is not '%s'", (int)result->payload.len,
			 (const char *)result->payload.data, expected);
}

/* Whether functions see files of their own here, or the host's. */
static bool has_view(void)
{
	struct faas_isolation *report;
	bool view;

	assert_int_equal(faas_isolation_report(flow.rt, &report, &err), 0);
	view = report->applied & FAAS_LAYER_MOUNT_NS;
	faas_free(report);
	return view;
}

/* How many packages there are on the disk. */
static int packages(void)
{
	char folder[512] = "";
	const struct dirent *entry;
	DIR *stream = opendir(base);
	int n = 0;

	while ((entry = readdir(stream)))
		if (!strncmp(entry->d_name, "libfaas-code-", 13))
			snprintf(folder, sizeof(folder), "%s/%s", base, entry->d_name);
	closedir(stream);
	if (!*folder)
		return 0;
	stream = opendir(folder);
	while ((entry = readdir(stream)))
		n += entry->d_name[0] != '.' && strcmp(entry->d_name, "lock");
	closedir(stream);
	return n;
}

static void await_packages(int n)
{
	for (int i = 0; packages() != n && i < 10000; i++)
		usleep(1000);
	assert_int_equal(packages(), n);
}

TEST(a_zip_is_unpacked_and_its_plugin_runs_among_its_files)
{
	create("one");
	says("f", "data/text", "one");
	update(&(struct faas_function_config){ .handler = "package.variable" });
	if (has_view())
		says("f", "LAMBDA_TASK_ROOT", "/var/task");
}

TEST(what_becomes_of_the_file_later_makes_no_difference)
{
	create("one");
	write_zip("other");
	says("f", "data/text", "one");
	update(&(struct faas_function_config){ .memory_mb = 256 });
	says("f", "data/text", "one");
	unlink(path);
	update(&(struct faas_function_config){ .memory_mb = 128 });
	says("f", "data/text", "one");
	assert_int_equal(packages(), 1);
}

TEST(a_function_cannot_write_to_its_code)
{
	create("one");
	update(&(struct faas_function_config){ .handler = "package.make" });
	says("f", "data/new", has_view() ? "EROFS" : "EACCES");
	if (has_view())
		says("f", "/tmp/new", "made");
}

TEST(an_update_brings_new_code_and_the_old_goes_when_nobody_runs_it)
{
	create("one");
	says("f", "data/text", "one");
	write_zip("two");
	update(&(struct faas_function_config){ .code = path });
	says("f", "data/text", "two");
	await_packages(1);
	update(&(struct faas_function_config){ .code = TEST_PLUGINS });
	says("f", "data/text", "ENOENT");
	await_packages(0);
}

TEST(a_published_version_keeps_its_code)
{
	int version;

	create("one");
	assert_int_equal(faas_version_publish(flow.rt, "f", NULL, &version, &err), 0);
	assert_int_equal(packages(), 1);
	write_zip("two");
	update(&(struct faas_function_config){ .code = path });
	assert_int_equal(packages(), 2);
	says("f:1", "data/text", "one");
	says("f", "data/text", "two");
	assert_int_equal(faas_version_publish(flow.rt, "f", NULL, &version, &err), 0);
	assert_int_equal(version, 2);
	update(&(struct faas_function_config){ .code = path });
	assert_int_equal(faas_version_publish(flow.rt, "f", NULL, &version, &err), 0);
	assert_int_equal(version, 2); /* the same code, wherever it came from */
	assert_int_equal(faas_function_delete(flow.rt, "f:1", &err), 0);
	await_packages(1);
	assert_int_equal(faas_function_delete(flow.rt, "f", &err), 0);
	await_packages(0);
}

TEST(functions_with_the_same_code_share_it)
{
	create("one");
	flow_function(&flow, &(struct faas_function_config){
				     .name = "g", .code = path, .handler = "package.content" });
	assert_int_equal(packages(), 1);
	assert_int_equal(faas_function_delete(flow.rt, "f", &err), 0);
	says("g", "data/text", "one");
	assert_int_equal(packages(), 1);
}

TEST(a_bad_zip_changes_nothing)
{
	FILE *file;

	create("one");
	file = fopen(path, "w");
	assert_int_equal(faas_function_update(flow.rt, FAAS_FUNCTION(.name = "f", .code = path),
					      &err),
			 FAAS_EINVAL);
	assert_string_equal(err.message, "Uploaded file must be a non-empty zip");
	fputs("PK", file);
	fclose(file);
	assert_int_equal(faas_function_update(flow.rt, FAAS_FUNCTION(.name = "f", .code = path),
					      &err),
			 FAAS_EINVAL);
	assert_string_equal(err.message, "Could not unzip uploaded file. Please check your file, "
					 "then try to upload again. (it is no ZIP, or cut)");
	assert_int_equal(faas_function_create(flow.rt,
					      FAAS_FUNCTION(.name = "g", .code = path,
							    .handler = "package.content"),
					      &err),
			 FAAS_EINVAL);
	says("f", "data/text", "one");
	write_zip("two");
	update(&(struct faas_function_config){ .code = path }); /* no update is under way */
	says("f", "data/text", "two");
}

TEST(a_thread_runs_code_from_a_zip_too)
{
	write_zip("one");
	flow_function(&flow, &(struct faas_function_config){ .name = "f",
							     .code = path,
							     .isolation = FAAS_THREAD,
							     .handler = "package.variable" });
	assert_non_null(memmem(flow_call(&flow, "f", "LAMBDA_TASK_ROOT")->payload.data, 20, base,
			       20));
}

TEST(code_in_a_state_dir_stays_for_the_next_program)
{
	char folder[128], command[256];

	snprintf(folder, sizeof(folder), "%s/state", base);
	flow_open(&flow, &(struct faas_config){ .state_dir = folder }, false);
	create("one");
	says("f", "data/text", "one");
	flow_close(&flow);
	snprintf(command, sizeof(command), "test $(ls %s/code | wc -l) = 1", folder);
	assert_int_equal(system(command), 0);
	assert_int_equal(unlink(path), 0);
	flow_open(&flow, &(struct faas_config){ .state_dir = folder }, false);
	says("f", "data/text", "one"); /* the function is back, with it */
	create("one");
	says("f", "data/text", "one");
	write_zip("two");
	update(&(struct faas_function_config){ .code = path });
	says("f", "data/text", "two");
	flow_close(&flow);
	assert_int_equal(system(command), 0);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define FLOW(name) cmocka_unit_test_setup_teardown(name, open_real, close_it)
		FLOW(a_zip_is_unpacked_and_its_plugin_runs_among_its_files),
		FLOW(what_becomes_of_the_file_later_makes_no_difference),
		FLOW(a_function_cannot_write_to_its_code),
		FLOW(an_update_brings_new_code_and_the_old_goes_when_nobody_runs_it),
		FLOW(a_published_version_keeps_its_code),
		FLOW(functions_with_the_same_code_share_it),
		FLOW(a_bad_zip_changes_nothing),
		FLOW(a_thread_runs_code_from_a_zip_too),
		cmocka_unit_test_setup_teardown(code_in_a_state_dir_stays_for_the_next_program,
						open_base, remove_base),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
