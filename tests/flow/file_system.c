/* SPDX-License-Identifier: MIT */
/* Directories of the host that functions mount. */
#include "support/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "support/control.h"

#define SHARED "arn:aws:elasticfilesystem:local-1:000000000000:access-point/fsap-0123456789abcdef0"
#define SEALED "arn:aws:elasticfilesystem:local-1:000000000000:access-point/fsap-0123456789abcdef1"
#define INNER "arn:aws:elasticfilesystem:local-1:000000000000:access-point/fsap-0123456789abcdef2"
#define GROUP 4242

static char folder[64], shared[192], sealed[192];

static void path_in(char out[192], const char *directory, const char *name)
{
	assert_in_range(snprintf(out, 192, "%s/%s", directory, name), 1, 191);
}

static void write_text(const char *directory, const char *name, const char *text)
{
	char path[192];
	FILE *file;

	path_in(path, directory, name);
	file = fopen(path, "we");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static void assert_text(const char *directory, const char *name, const char *text)
{
	char path[192], read[64] = "";
	FILE *file;

	path_in(path, directory, name);
	file = fopen(path, "re");
	assert_non_null(file);
	assert_true(fgets(read, sizeof(read), file) || !*text);
	fclose(file);
	assert_string_equal(read, text);
}

static int open_with(const char *state_dir, bool both)
{
	const struct faas_file_system list[] = { { SHARED, shared, false },
						 { SEALED, sealed, true },
						 { NULL, NULL, false } };

	flow_open(&flow, FAAS_CONFIG(.file_systems = both ? list : NULL, .state_dir = state_dir),
		  false);
	return 0;
}

/* What a host does that lets its functions share files: a group of theirs. */
static int set_up(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/faas-files-XXXXXX");
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chmod(folder, 0755), 0);
	path_in(shared, folder, "shared");
	path_in(sealed, folder, "sealed");
	assert_int_equal(mkdir(shared, 0755), 0);
	assert_int_equal(mkdir(sealed, 0755), 0);
	if (!geteuid())
		assert_int_equal(chown(shared, 0, GROUP), 0);
	assert_int_equal(chmod(shared, 02770), 0);
	write_text(sealed, "known", "by all");
	write_text(folder, "secret", "nobody's business");
	return open_with(NULL, true);
}

static int tear_down(void **state)
{
	char command[96];

	(void)state;
	flow_close(&flow);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static void make(const char *name, const char *handler, const char *arn)
{
	flow_function(&flow, FAAS_FUNCTION(.name = name, .handler = handler, .file_system = arn,
					   .mount_path = "/mnt/data"));
}

TEST(what_a_function_writes_the_host_and_other_functions_read)
{
	make("add", "files.add", SHARED);
	make("get", "files.get", SHARED);
	flow_expect(&flow, "add", "/mnt/data/note=once", "done");
	assert_text(shared, "note", "once");
	flow_expect(&flow, "get", "/mnt/data/note", "once");
}

TEST(what_one_environment_made_another_may_write)
{
	make("add", "files.add", SHARED);
	make("more", "files.add", SHARED);
	flow_expect(&flow, "add", "/mnt/data/note=once", "done");
	flow_expect(&flow, "more", "/mnt/data/note= and again", "done");
	assert_text(shared, "note", "once and again");
}

TEST(tmp_is_there_beside_it_and_private)
{
	make("add", "files.add", SHARED);
	make("get", "files.get", SHARED);
	flow_expect(&flow, "add", "/tmp/note=mine", "done");
	flow_expect(&flow, "get", "/tmp/note", "ENOENT");
	assert_int_not_equal(access("/tmp/note", F_OK), 0);
}

TEST(a_read_only_one_is_read_and_not_written)
{
	make("add", "files.add", SEALED);
	make("get", "files.get", SEALED);
	flow_expect(&flow, "get", "/mnt/data/known", "by all");
	assert_int_equal(chmod(sealed, 0777), 0);
	flow_expect(&flow, "add", "/mnt/data/note=once", "EROFS");
}

/* The same directory, writable but for its permissions. */
TEST(its_permissions_hold_for_functions_too)
{
	if (geteuid())
		skip();
	make("add", "files.add", SHARED);
	assert_int_equal(chmod(shared, 0755), 0);
	flow_expect(&flow, "add", "/mnt/data/note=once", "EACCES");
	assert_int_equal(chmod(shared, 02770), 0);
	flow_expect(&flow, "add", "/mnt/data/note=once", "done");
}

TEST(a_function_is_not_in_the_group_of_root)
{
	if (geteuid())
		skip();
	assert_int_equal(chown(shared, 0, 0), 0);
	assert_int_equal(chmod(shared, 0770), 0);
	make("add", "files.add", SHARED);
	flow_expect(&flow, "add", "/mnt/data/note=once", "EACCES");
}

TEST(who_names_none_sees_none)
{
	flow_function(&flow, FAAS_FUNCTION(.name = "get", .handler = "files.get"));
	flow_expect(&flow, "get", "/mnt/data/note", "ENOENT");
	flow_expect(&flow, "get", "/mnt/data", "ENOENT");
}

TEST(nothing_outside_of_it_is_reached_through_it)
{
	char link[192];

	path_in(link, shared, "way");
	assert_int_equal(symlink(folder, link), 0);
	make("get", "files.get", SHARED);
	flow_expect(&flow, "get", "/mnt/data/../secret", "ENOENT");
	flow_expect(&flow, "get", "/mnt/data/way/secret", "ENOENT");
	write_text(shared, "note", "inside");
	flow_expect(&flow, "get", "/mnt/data/note", "inside");
}

/* The host gave a directory, and one within it, which functions of the first may replace. */
TEST(no_function_decides_what_another_one_mounts)
{
	char inner[192], event[256];
	const struct faas_file_system list[] = { { SHARED, shared, false },
						 { INNER, inner, false },
						 { NULL, NULL, false } };
	struct faas_result *result;

	path_in(inner, shared, "inner");
	assert_int_equal(mkdir(inner, 0777), 0);
	flow_close(&flow);
	flow_open(&flow, FAAS_CONFIG(.file_systems = list), false);
	make("lead", "files.lead", SHARED);
	make("get", "files.get", INNER);
	snprintf(event, sizeof(event), "/mnt/data/inner=%s", folder);
	flow_expect(&flow, "lead", event, "done");
	assert_int_equal(faas_invoke_wait(flow.rt, FAAS_REQUEST(.function = "get"), &result, &err),
			 FAAS_ESYSTEM);
	assert_string_equal(err.message, "the environment could not be made: file system: Too many "
					 "levels of symbolic links");
}

/* Its own links are the host's, and mean what they meant when it gave them. */
TEST(a_host_may_give_a_link_to_a_directory)
{
	char link[192];
	const struct faas_file_system list[] = { { SHARED, link, false }, { NULL, NULL, false } };

	path_in(link, folder, "link");
	assert_int_equal(symlink(shared, link), 0);
	flow_close(&flow);
	flow_open(&flow, FAAS_CONFIG(.file_systems = list), false);
	write_text(shared, "note", "inside");
	make("get", "files.get", SHARED);
	flow_expect(&flow, "get", "/mnt/data/note", "inside");
}

TEST(a_device_in_it_cannot_be_opened)
{
	char path[192];

	if (geteuid())
		skip();
	path_in(path, shared, "zero");
	if (mknod(path, S_IFCHR | 0666, makedev(1, 5)) < 0)
		skip();
	assert_int_equal(chmod(path, 0666), 0);
	make("get", "files.get", SHARED);
	flow_expect(&flow, "get", "/mnt/data/zero", "EACCES");
}

TEST(its_files_are_not_bounded_by_the_size_of_tmp)
{
	make("grow", "files.grow", SHARED);
	flow_expect(&flow, "grow", "/mnt/data/large", "done");
	flow_function(&flow, FAAS_FUNCTION(.name = "small", .handler = "files.grow"));
	flow_expect(&flow, "small", "/tmp/large", "EFBIG");
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* cannot be put back */
TEST(a_pristine_function_has_one_too)
{
	flow_function(&flow, FAAS_FUNCTION(.name = "add", .handler = "files.add", .pristine = true,
					   .file_system = SHARED, .mount_path = "/mnt/data"));
	flow_expect(&flow, "add", "/mnt/data/note=1", "done");
	flow_expect(&flow, "add", "/mnt/data/note=2", "done");
	assert_text(shared, "note", "12");
}
#endif

TEST(a_directory_that_is_gone_is_said_and_harms_nobody)
{
	struct faas_result *result;

	make("get", "files.get", SHARED);
	make("other", "files.get", SEALED);
	assert_int_equal(rmdir(shared), 0);
	assert_int_equal(faas_invoke_wait(flow.rt, FAAS_REQUEST(.function = "get"), &result, &err),
			 FAAS_ESYSTEM);
	assert_string_equal(err.message, "the environment could not be made: file system: No such "
					 "file or directory");
	flow_expect(&flow, "other", "/mnt/data/known", "by all");
	assert_int_equal(mkdir(shared, 0777), 0);
	assert_int_equal(chmod(shared, 0777), 0);
	flow_expect(&flow, "get", "/mnt/data/note", "ENOENT");
}

/* ---- what may be said ---------------------------------------------------- */

static void refuse(const struct faas_function_config *config, const char *why)
{
	struct faas_function_config c = *config;

	c.name = "f";
	c.code = TEST_PLUGINS;
	assert_int_equal(faas_function_create(flow.rt, &c, &err), FAAS_EINVAL);
	if (!strstr(err.message, why))
		fail_msg("%s lacks: %s", err.message, why);
}

TEST(a_function_names_one_that_there_is_and_a_place_below_mnt)
{
	static const char *const places[] = { "/data",	   "/mnt",   "/mnt/",	"/mnt/a/b",
					      "/mnt/tmp",  "/mnt/.", "/mnt/..", "mnt/data",
					      "/mnt/a b", NULL };

	for (int i = 0; places[i]; i++)
		refuse(FAAS_FUNCTION(.handler = "files.get", .file_system = SHARED,
				     .mount_path = places[i]),
		       "a file system is mounted at /mnt/ and a name");
	refuse(FAAS_FUNCTION(.handler = "files.get", .file_system = SHARED),
	       "a file system is mounted at /mnt/ and a name");
	refuse(FAAS_FUNCTION(.handler = "files.get", .file_system = SHARED "x",
			     .mount_path = "/mnt/data"),
	       "is none of this host's");
	refuse(FAAS_FUNCTION(.handler = "files.get", .file_system = SHARED,
			     .isolation = FAAS_THREAD, .mount_path = "/mnt/data"),
	       "only a FAAS_PROCESS function can have a file system");
	refuse(FAAS_FUNCTION(.handler = "files.get", .file_system = SHARED, .snapshot = true,
			     .mount_path = "/mnt/data"),
	       "cannot have a snapshot");
}

static void refuse_host(const struct faas_file_system *list, const char *why)
{
	struct faas *rt = faas_create(FAAS_CONFIG(.file_systems = list), &err);

	assert_null(rt);
	assert_int_equal(err.code, FAAS_EINVAL);
	if (!strstr(err.message, why))
		fail_msg("%s lacks: %s", err.message, why);
}

TEST(a_host_names_directories_and_each_once)
{
	refuse_host((struct faas_file_system[]){ { "", shared, false }, { NULL, NULL, false } },
		    "an ARN has 1 to 200 bytes, not 0");
	refuse_host((struct faas_file_system[]){ { "a", "tmp", false }, { NULL, NULL, false } },
		    "must be absolute: 'tmp'");
	refuse_host((struct faas_file_system[]){ { "a", NULL, false }, { NULL, NULL, false } },
		    "must be absolute: ''");
	refuse_host((struct faas_file_system[]){ { "a", "/etc/passwd", false },
						 { NULL, NULL, false } },
		    "'/etc/passwd' is no directory");
	refuse_host((struct faas_file_system[]){ { "a", shared, false }, { "a", sealed, false },
						 { NULL, NULL, false } },
		    "'a' is there twice");
}

TEST(a_file_system_is_measured)
{
	struct faas_file_system_info *info;
	struct statvfs now;

	assert_int_equal(faas_file_system_get(flow.rt, SEALED, &info, &err), 0);
	assert_int_equal(statvfs(sealed, &now), 0);
	assert_string_equal(info->path, sealed);
	assert_true(info->read_only);
	assert_int_equal(info->bytes_total, now.f_blocks * now.f_frsize);
	assert_in_range(info->bytes_free, 0, info->bytes_total);
	assert_int_equal(info->files_total, now.f_files);
	faas_free(info);
	assert_int_equal(faas_file_system_get(flow.rt, "x", &info, &err), FAAS_ENOTFOUND);
	assert_int_equal(rmdir(shared), 0);
	assert_int_equal(faas_file_system_get(flow.rt, SHARED, &info, &err), FAAS_ESYSTEM);
	assert_int_equal(faas_file_system_get(flow.rt, NULL, &info, &err), FAAS_EINVAL);
}

/* ---- the API, and a restart ---------------------------------------------- */

TEST(the_api_sets_shows_and_drops_it)
{
	flow_function(&flow, FAAS_FUNCTION(.name = "get", .handler = "files.get"));
	write_text(shared, "note", "inside");
	perform("UpdateFunctionConfiguration",
		"{\"FunctionName\":\"get\",\"FileSystemConfigs\":[{\"Arn\":\"" SHARED
		"\",\"LocalMountPath\":\"/mnt/files\"}]}");
	has("\"FileSystemConfigs\":[{\"Arn\":\"" SHARED "\",\"LocalMountPath\":\"/mnt/files\"}]");
	flow_expect(&flow, "get", "/mnt/files/note", "inside");
	perform("UpdateFunctionConfiguration", "{\"FunctionName\":\"get\",\"Timeout\":9}");
	has("\"FileSystemConfigs\":[{");
	perform("UpdateFunctionConfiguration",
		"{\"FunctionName\":\"get\",\"FileSystemConfigs\":[]}");
	lacks("FileSystemConfigs");
	flow_expect(&flow, "get", "/mnt/files/note", "ENOENT");
}

TEST(the_api_refuses_what_it_cannot_mount)
{
	flow_function(&flow, FAAS_FUNCTION(.name = "get", .handler = "files.get"));
	refused("UpdateFunctionConfiguration",
		"{\"FunctionName\":\"get\",\"FileSystemConfigs\":[{\"Arn\":\"arn:x\","
		"\"LocalMountPath\":\"/mnt/files\"}]}",
		"InvalidParameterValueException", "the file system 'arn:x' is none of this host's");
	refused("UpdateFunctionConfiguration",
		"{\"FunctionName\":\"get\",\"FileSystemConfigs\":[{\"Arn\":\"" SHARED "\"}]}",
		"ValidationException",
		"1 validation error detected: Value null at "
		"'fileSystemConfigs.1.member.localMountPath' failed to satisfy constraint: Member "
		"must not be null");
	refused("UpdateFunctionConfiguration",
		"{\"FunctionName\":\"get\",\"FileSystemConfigs\":[{\"Arn\":\"" SHARED
		"\",\"LocalMountPath\":\"/mnt/a\"},{\"Arn\":\"" SEALED
		"\",\"LocalMountPath\":\"/mnt/b\"}]}",
		"ValidationException",
		"1 validation error detected: Value at 'fileSystemConfigs' failed to satisfy "
		"constraint: Member must have length less than or equal to 1");
	refused("UpdateFunctionConfiguration",
		"{\"FunctionName\":\"get\",\"FileSystemConfigs\":[{\"Path\":\"x\"}]}",
		"InvalidParameterValueException",
		"FileSystemConfigs does nothing with 'Path' here");
}

TEST(another_mount_makes_another_version)
{
	make("get", "files.get", SHARED);
	perform("PublishVersion", "{\"FunctionName\":\"get\"}");
	has("\"Version\":\"1\"");
	perform("UpdateFunctionConfiguration",
		"{\"FunctionName\":\"get\",\"FileSystemConfigs\":[{\"Arn\":\"" SEALED
		"\",\"LocalMountPath\":\"/mnt/data\"}]}");
	perform("PublishVersion", "{\"FunctionName\":\"get\"}");
	has("\"Version\":\"2\"");
	write_text(shared, "note", "shared");
	flow_expect(&flow, "get:1", "/mnt/data/note", "shared");
	flow_expect(&flow, "get:2", "/mnt/data/known", "by all");
}

TEST(after_a_restart_it_is_mounted_again_if_the_host_has_it)
{
	struct faas_result *result;
	char state_dir[192];

	path_in(state_dir, folder, "state");
	write_text(shared, "note", "inside");
	flow_close(&flow);
	open_with(state_dir, true);
	make("get", "files.get", SHARED);
	flow_close(&flow);
	open_with(state_dir, false);
	assert_int_equal(faas_invoke_wait(flow.rt, FAAS_REQUEST(.function = "get"), &result, &err),
			 FAAS_EDENIED);
	assert_string_equal(err.type, "EFSMountFailureException");
	assert_string_equal(err.message, "The function could not mount the file system " SHARED
					 ": this host has none of that name.");
	flow_close(&flow);
	open_with(state_dir, true);
	flow_expect(&flow, "get", "/mnt/data/note", "inside");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(what_a_function_writes_the_host_and_other_functions_read),
		CASE(what_one_environment_made_another_may_write),
		CASE(tmp_is_there_beside_it_and_private),
		CASE(a_read_only_one_is_read_and_not_written),
		CASE(its_permissions_hold_for_functions_too),
		CASE(a_function_is_not_in_the_group_of_root),
		CASE(who_names_none_sees_none),
		CASE(nothing_outside_of_it_is_reached_through_it),
		CASE(no_function_decides_what_another_one_mounts),
		CASE(a_host_may_give_a_link_to_a_directory),
		CASE(a_device_in_it_cannot_be_opened),
		CASE(its_files_are_not_bounded_by_the_size_of_tmp),
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
		CASE(a_pristine_function_has_one_too),
#endif
		CASE(a_directory_that_is_gone_is_said_and_harms_nobody),
		CASE(a_function_names_one_that_there_is_and_a_place_below_mnt),
		CASE(a_host_names_directories_and_each_once),
		CASE(a_file_system_is_measured),
		CASE(the_api_sets_shows_and_drops_it),
		CASE(the_api_refuses_what_it_cannot_mount),
		CASE(another_mount_makes_another_version),
		CASE(after_a_restart_it_is_mounted_again_if_the_host_has_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
