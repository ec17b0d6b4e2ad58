/* SPDX-License-Identifier: MIT */
/* Functions that are container images, from layouts that tests/support/images.c wrote. */
#include <support/test.h>

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

#define ROW(test) cmocka_unit_test_setup_teardown(test, open_it, close_it)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		ROW(a_layout_on_the_disk_runs),
		ROW(a_layout_is_named_by_a_file_uri),
		ROW(the_image_is_the_root_directory_with_tmp_dev_and_proc),
		ROW(the_image_cannot_be_written_to),
	};

	(void)refuse;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
