/* SPDX-License-Identifier: MIT */
/* Functions that are container images, from layouts that tests/support/images.c wrote. */
#include <support/test.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <model/package/tree.h>
#include <support/flow.h>
#include <support/images.h>

#define STATIC TEST_PROGRAMS "/bootstrap-static"
#define CMD "{\"Cmd\":[\"/bootstrap\"]}"

static struct flow flow;
static struct faas_error err;
static struct images_tar tar;
static char base[64], layout[96], uri[160];

static int open_it(void **state)
{
	(void)state;
	memset(&err, 0, sizeof(err));
	strcpy(base, "/tmp/faas-images-XXXXXX");
	assert_non_null(mkdtemp(base));
	assert_int_equal(chmod(base, 0755), 0);
	snprintf(layout, sizeof(layout), "%s/image", base);
	flow_open(&flow, NULL, false);
	images_begin(&tar);
	return 0;
}

static int close_it(void **state)
{
	(void)state;
	images_free(&tar);
	flow_close(&flow);
	assert_true(fa_tree_remove(-1, base, NULL));
	return 0;
}

/* An image of one layer: what was begun, and the program. */
static void write_image(const char *config)
{
	images_program(&tar, "bootstrap", STATIC);
	images_write(layout, &tar, config);
}

static void create(const struct faas_function_config *config)
{
	if (faas_function_create(flow.rt, config, &err))
		fail_msg("%s", err.message);
}

#define CREATE(...) create(FAAS_FUNCTION(.name = "f", .image = layout, __VA_ARGS__))

static void expect(const char *event, const char *answer)
{
	flow_expect(&flow, "f", event, answer);
}

static int count(const char *folder)
{
	DIR *stream = opendir(folder);
	const struct dirent *entry;
	int n = 0;

	assert_non_null(stream);
	while ((entry = readdir(stream)))
		n += entry->d_name[0] != '.';
	closedir(stream);
	return n;
}

static void refuse(const struct faas_function_config *config, const char *message)
{
	assert_int_equal(faas_function_create(flow.rt, config, &err), FAAS_EINVAL);
	assert_string_equal(err.message, message);
}

/* ---- an image runs ------------------------------------------------------- */

TEST(a_layout_on_the_disk_runs)
{
	write_image(CMD);
	CREATE(.description = "by its path");
	expect("count", "1");
	expect("count", "2");
}

TEST(a_layout_is_named_by_a_file_uri)
{
	write_image(CMD);
	snprintf(uri, sizeof(uri), "file://%s", layout);
	create(FAAS_FUNCTION(.name = "f", .image = uri));
	expect("echo hello", "hello");
}

TEST(the_image_is_the_root_directory_with_tmp_dev_and_proc)
{
	images_file(&tar, "etc/motd", "of the image");
	images_file(&tar, "tmp/file", "hidden");
	write_image(CMD);
	CREATE(.tmp_mb = 512);
	expect("list /", "bootstrap dev etc mnt proc tmp");
	expect("read /etc/motd", "of the image");
	expect("read /etc/passwd", "No such file or directory");
	expect("list /tmp", "");
	expect("list /dev", "fd full null random stderr stdin stdout urandom zero");
	expect("put kept", "put");
	expect("get", "kept");
	expect("write /dev/null", "written");
	expect("cwd", "/");
}

/* What it says of that itself, a file, a link or nothing, counts for nothing. */
TEST(with_a_network_an_image_asks_for_names_whom_the_host_asks)
{
	static const struct images_entry own[] = {
		{ .name = "other" },
		{ .name = "etc/resolv.conf", .data = "nameserver 192.0.2.1\n" },
		{ .name = "etc/resolv.conf", .type = '2', .target = "/run/resolv.conf" },
	};
	char host[4096] = "";
	FILE *file = fopen("/etc/resolv.conf", "re");

	if (!file || !fread(host, 1, sizeof(host) - 1, file)) {
		print_message("the host has no resolv.conf\n");
		skip();
	}
	fclose(file);
	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++) {
		images_begin(&tar);
		images_add(&tar, &own[i]);
		write_image(CMD);
		CREATE(.network = true);
		expect("read /etc/resolv.conf", host);
		assert_int_equal(faas_function_delete(flow.rt, "f", &err), 0);
	}
	images_begin(&tar);
	images_add(&tar, &own[1]);
	write_image(CMD);
	CREATE(.description = "without one it keeps its own");
	expect("read /etc/resolv.conf", own[1].data);
}

TEST(an_image_whose_etc_is_a_link_goes_without)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/victim", base);
	assert_int_equal(mkdir(path, 0755), 0);
	images_add(&tar, &(struct images_entry){ .name = "etc", .type = '2', .target = path });
	write_image(CMD);
	CREATE(.network = true);
	expect("count", "1");
	assert_int_equal(count(path), 0);
}

TEST(extensions_of_an_image_are_started_and_hear_of_its_events)
{
	images_program(&tar, "opt/extensions/one", TEST_PROGRAMS "/extension-static");
	write_image(CMD);
	CREATE(.timeout_ms = 60000);
	expect("count", "1");
	flow_await_log(&flow, "one has no handler f");
	flow_await_log(&flow, "one hears {\"eventType\":\"INVOKE\"");
}

TEST(an_image_with_a_snapshot_is_restored_with_its_first_event)
{
	static const char *const variables[] = { "INIT=restore", NULL };

	write_image(CMD);
	CREATE(.timeout_ms = 60000, .snapshot = true, .environment = variables);
	expect("count", "1");
	expect("count", "2");
	flow_await_log(&flow, "restored 200");
	expect("env AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start");
}

TEST(the_image_cannot_be_written_to)
{
	images_add(&tar, &(struct images_entry){ .name = "open", .type = '5', .mode = 0777 });
	write_image(CMD);
	CREATE(.tmp_mb = 512);
	for (int i = 0; i < 3; i++) {
		static const char *const paths[] = { "write /bootstrap", "write /open/x",
						     "write /x" };
		const struct faas_result *result = flow_call(&flow, "f", paths[i]);

		if (!flow_says(result, "Permission denied") &&
		    !flow_says(result, "Read-only file system"))
			fail_msg("%s: %.*s", paths[i], (int)result->payload.len,
				 (const char *)result->payload.data);
	}
}

/* ---- how its command is started ------------------------------------------ */

#define LIST(...) \
	(const char *const[]) \
	{ \
		__VA_ARGS__, NULL \
	}

TEST(entry_point_and_command_are_one_command_line)
{
	write_image("{\"Entrypoint\":[\"/bootstrap\",\"a b\"],\"Cmd\":[\"\",\"c\"]}");
	CREATE(.tmp_mb = 512);
	expect("arguments", "/bootstrap,a b,,c,");
	expect("env _HANDLER", "(none)");
}

TEST(a_function_replaces_what_the_image_says)
{
	write_image("{\"Entrypoint\":[\"/no\"],\"Cmd\":[\"own\"],\"WorkingDir\":\"/no\"}");
	CREATE(.entry_point = LIST("/bootstrap"), .working_directory = "/dev");
	expect("arguments", "/bootstrap,own,");
	expect("cwd", "/dev");
	assert_int_equal(faas_function_update(flow.rt,
					      FAAS_FUNCTION(.name = "f", .command = LIST("x", "y")),
					      &err),
			 0);
	expect("arguments", "/bootstrap,x,y,");
	assert_int_equal(
		faas_function_update(
			flow.rt,
			FAAS_FUNCTION(.name = "f", .command = (const char *const[]){ NULL }), &err),
		0);
	expect("arguments", "/bootstrap,own,");
}

TEST(the_command_begins_in_the_working_directory_and_is_found_by_path)
{
	images_file(&tar, "srv/app/data", "x");
	images_program(&tar, "srv/bin/program", STATIC);
	images_write(layout, &tar,
		     "{\"Cmd\":[\"program\"],\"Env\":[\"PATH=/bin:/srv/bin\"],"
		     "\"WorkingDir\":\"/srv/app\"}");
	CREATE(.tmp_mb = 512);
	expect("cwd", "/srv/app");
	expect("read data", "x");
	expect("arguments", "program,");
}

TEST(variables_are_the_images_then_the_functions_then_lambdas)
{
	write_image(
		"{\"Cmd\":[\"/bootstrap\"],\"Env\":[\"ONE=image\",\"TWO=image\",\"PATH=/image\","
		"\"AWS_REGION=image\",\"AWS_LAMBDA_RUNTIME_API=image\"]}");
	CREATE(.environment = LIST("TWO=function"));
	expect("env ONE", "image");
	expect("env TWO", "function");
	expect("env PATH", "/image");
	expect("env AWS_REGION", "local-1");
	expect("env LD_LIBRARY_PATH", "(none)");
	expect("env LAMBDA_TASK_ROOT", "/var/task");
}

static void cannot_start(const char *type, const char *message)
{
	const struct faas_result *result = flow_call(&flow, "f", "{}");
	char expected[400];

	snprintf(expected, sizeof(expected),
		 "{\"errorType\":\"%s\",\"errorMessage\":\"RequestId: %s Error: %s\"}", type,
		 result->request_id, message);
	if (!flow_says(result, expected))
		fail_msg("%.*s", (int)result->payload.len, (const char *)result->payload.data);
}

TEST(a_command_that_cannot_be_started_says_why)
{
	write_image("{\"Cmd\":[\"/no/such\"]}");
	CREATE(.tmp_mb = 512);
	cannot_start("Runtime.InvalidEntrypoint", "fork/exec /no/such: No such file or directory");
	assert_int_equal(faas_function_update(flow.rt,
					      FAAS_FUNCTION(.name = "f", .command = LIST("nobody")),
					      &err),
			 0);
	cannot_start("Runtime.InvalidEntrypoint",
		     "exec: \\\"nobody\\\": executable file not found in $PATH");
	assert_int_equal(
		faas_function_update(
			flow.rt, FAAS_FUNCTION(.name = "f", .working_directory = "/nowhere"), &err),
		0);
	cannot_start("Runtime.InvalidWorkingDir", "chdir /nowhere: No such file or directory");
}

/* ---- what is in it ---------------------------------------------------------- */

TEST(links_lead_nowhere_but_into_the_image)
{
	images_file(&tar, "data/motd", "of the image");
	images_add(&tar, &(struct images_entry){
				 .name = "absolute", .type = '2', .target = "/data/motd" });
	images_add(&tar, &(struct images_entry){
				 .name = "above", .type = '2', .target = "../../../../data/motd" });
	images_add(&tar,
		   &(struct images_entry){ .name = "host", .type = '2', .target = "/usr/bin/env" });
	write_image(CMD);
	CREATE(.tmp_mb = 512);
	expect("read /absolute", "of the image");
	expect("read /above", "of the image");
	expect("read /host", "No such file or directory");
}

TEST(environments_of_an_image_have_a_tmp_each)
{
	write_image(CMD);
	CREATE(.provisioned = 2);
	for (int ms = 0; ms < 10000; ms++) {
		struct faas_function_info *info;
		int available;

		assert_int_equal(faas_function_get(flow.rt, "f", &info, &err), 0);
		available = info->provisioned_available;
		faas_free(info);
		if (available == 2)
			break;
		usleep(1000);
	}
	expect("put mine", "put");
	expect("get", "mine");
	assert_string_equal(flow_call(&flow, "f", "raise 9")->error_type, "Runtime.ExitError");
}

/* ---- what is refused ------------------------------------------------------------ */

TEST(what_is_no_image_is_refused_and_no_function)
{
	refuse(FAAS_FUNCTION(.name = "f", .image = "/no/such:1"),
	       "Source image /no/such:1 does not exist. Provide a valid source image.");
	refuse(FAAS_FUNCTION(.name = "f", .image = "relative/path"),
	       "Source image relative/path does not exist. Provide a valid source image.");
	refuse(FAAS_FUNCTION(.name = "f", .image = base),
	       "The source image is not valid. (index.json: No such file or directory)");
	write_image("{}");
	refuse(FAAS_FUNCTION(.name = "f", .image = layout),
	       "The source image is not valid. (it has no command, and none was given)");
	create(FAAS_FUNCTION(.name = "f", .image = layout, .command = LIST("/bootstrap")));
	expect("count", "1");
}

TEST(what_is_not_for_images_is_refused)
{
	static const char both[] = "Please don't provide Handler or Runtime or Layer when the "
				   "intended function PackageType is IMAGE.";

	write_image(CMD);
	refuse(FAAS_FUNCTION(.name = "f", .image = layout, .handler = "a.b"), both);
	refuse(FAAS_FUNCTION(.name = "f", .image = layout, .code = layout, .handler = "a.b"), both);
	refuse(FAAS_FUNCTION(.name = "f", .image = layout, .runtime = "provided.al2023"), both);
	refuse(FAAS_FUNCTION(.name = "f", .code = TEST_PLUGINS, .handler = "echo.echo",
			     .command = LIST("x")),
	       "entry_point, command and working_directory are for an image");
}

TEST(a_function_stays_of_its_type)
{
	write_image(CMD);
	CREATE(.tmp_mb = 512);
	flow_function(&flow, FAAS_FUNCTION(.name = "zip", .handler = "echo.echo"));
	assert_int_equal(faas_function_update(flow.rt,
					      FAAS_FUNCTION(.name = "f", .code = TEST_PLUGINS,
							    .handler = "echo.echo"),
					      &err),
			 FAAS_EINVAL);
	assert_string_equal(err.message, "Please provide ImageUri when updating a function with "
					 "packageType Image.");
	assert_int_equal(
		faas_function_update(flow.rt, FAAS_FUNCTION(.name = "zip", .image = layout), &err),
		FAAS_EINVAL);
	assert_string_equal(err.message, "Please don't provide ImageUri when updating a function "
					 "with packageType Zip.");
	expect("count", "1");
}

/* ---- what outlives the program ---------------------------------------------------- */

TEST(an_image_is_there_again_without_its_layout)
{
	char folder[96];

	snprintf(folder, sizeof(folder), "%s/state", base);
	flow_close(&flow);
	flow_open(&flow, FAAS_CONFIG(.state_dir = folder), false);
	write_image("{\"Entrypoint\":[\"/bootstrap\"],\"Env\":[\"A=b\"]}");
	CREATE(.command = LIST("more"));
	flow_close(&flow);
	assert_true(fa_tree_remove(-1, layout, NULL));
	flow_open(&flow, FAAS_CONFIG(.state_dir = folder), false);
	expect("arguments", "/bootstrap,more,");
	expect("env A", "b");
}

TEST(an_image_that_nobody_uses_any_more_is_removed)
{
	char folder[96], code[128];

	snprintf(folder, sizeof(folder), "%s/state", base);
	snprintf(code, sizeof(code), "%s/code", folder);
	flow_close(&flow);
	flow_open(&flow, FAAS_CONFIG(.state_dir = folder), false);
	write_image(CMD);
	CREATE(.tmp_mb = 512);
	assert_int_equal(count(code), 1);
	assert_int_equal(faas_function_delete(flow.rt, "f", &err), 0);
	for (int ms = 0; count(code) && ms < 10000; ms++)
		usleep(1000);
	assert_int_equal(count(code), 0);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, open_it, close_it)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		ROW(a_layout_on_the_disk_runs),
		ROW(a_layout_is_named_by_a_file_uri),
		ROW(the_image_is_the_root_directory_with_tmp_dev_and_proc),
		ROW(with_a_network_an_image_asks_for_names_whom_the_host_asks),
		ROW(an_image_whose_etc_is_a_link_goes_without),
		ROW(extensions_of_an_image_are_started_and_hear_of_its_events),
		ROW(an_image_with_a_snapshot_is_restored_with_its_first_event),
		ROW(the_image_cannot_be_written_to),
		ROW(entry_point_and_command_are_one_command_line),
		ROW(a_function_replaces_what_the_image_says),
		ROW(the_command_begins_in_the_working_directory_and_is_found_by_path),
		ROW(variables_are_the_images_then_the_functions_then_lambdas),
		ROW(a_command_that_cannot_be_started_says_why),
		ROW(links_lead_nowhere_but_into_the_image),
		ROW(environments_of_an_image_have_a_tmp_each),
		ROW(what_is_no_image_is_refused_and_no_function),
		ROW(what_is_not_for_images_is_refused),
		ROW(a_function_stays_of_its_type),
		ROW(an_image_is_there_again_without_its_layout),
		ROW(an_image_that_nobody_uses_any_more_is_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
