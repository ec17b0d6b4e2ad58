/* SPDX-License-Identifier: MIT */
/*
 * A ZIP, or a layer of an image, that takes over who reads it. tests/hostile/unpack/ does then
 * what it orders; faas-worker, in a folder with that one beside it, knows no difference.
 */
#include <support/test.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <model/package/tree.h>
#include <runtime.h>
#include <support/flow.h>
#include <support/images.h>
#include <support/invariants.h>
#include <support/processes.h>
#include <support/zips.h>

#define BROKEN "Could not unzip uploaded file. Please check your file, then try to upload again. "

#define LAYER "The source image is not valid: a layer of it cannot be unpacked. "

static struct flow flow;
static struct faas_error err;
static struct zips zip;
static char base[64], worker[128], path[128], victim[128];
static struct manners manners;
static struct holdings holdings;

static void copy(const char *from, const char *to)
{
	struct stat st;
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT, 0755);

	assert_true(in >= 0 && out >= 0);
	assert_int_equal(fstat(in, &st), 0);
	assert_int_equal(fchmod(out, 0755), 0);
	while (sendfile(out, in, NULL, 1 << 30) > 0)
		;
	close(in);
	close(out);
}

/* A ZIP with a sound plugin, and an order. */
static void write_zip(const char *order)
{
	char text[256];
	FILE *file;

	zips_begin(&zip);
	zips_copy(&zip, "package.so", TEST_PLUGINS "/package.so");
	snprintf(text, sizeof(text), "order:%s.%s;", order, victim);
	zips_file(&zip, "data/text", text);
	zips_end(&zip, NULL);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(zip.data, 1, zip.len, file), zip.len);
	assert_int_equal(fclose(file), 0);
}

static int create(const char *order)
{
	memset(&err, 0, sizeof(err));
	write_zip(order);
	return faas_function_create(
		flow.rt, FAAS_FUNCTION(.name = "f", .code = path, .handler = "package.content"),
		&err);
}

/* The same as a layer of an image. */
static int create_image(const char *order)
{
	char layout[128], text[256];
	struct images_tar tar;

	memset(&err, 0, sizeof(err));
	snprintf(layout, sizeof(layout), "%s/image", base);
	snprintf(text, sizeof(text), "order:%s.%s;", order, victim);
	images_begin(&tar);
	images_file(&tar, "text", text);
	images_write(layout, &tar, "{\"Cmd\":[\"/nothing\"]}");
	return faas_function_create(flow.rt, FAAS_FUNCTION(.name = "f", .image = layout), &err);
}

static int open_it(void **state)
{
	char program[128];

	(void)state;
	memset(&err, 0, sizeof(err));
	strcpy(base, "/tmp/faas-unpack-XXXXXX");
	assert_non_null(mkdtemp(base));
	assert_int_equal(chmod(base, 0755), 0);
	assert_int_equal(setenv("TMPDIR", base, 1), 0);
	snprintf(worker, sizeof(worker), "%s/faas-worker", base);
	snprintf(program, sizeof(program), "%s/faas-unpack", base);
	snprintf(path, sizeof(path), "%s/code.zip", base);
	snprintf(victim, sizeof(victim), "%s/victim", base);
	copy(TEST_WORKER, worker);
	copy(TEST_BUILD "/tests/hostile/unpack/faas-unpack", program);
	flow_open(&flow, FAAS_CONFIG(.worker = worker), false);
	/* the store has its directory open from its first package on */
	assert_int_equal(create("nothing"), 0);
	assert_int_equal(faas_function_delete(flow.rt, "f", &err), 0);
	return 0;
}

static int close_it(void **state)
{
	(void)state;
	flow_close(&flow);
	assert_true(fa_tree_remove(AT_FDCWD, base, NULL));
	return 0;
}

static int unpackers(void)
{
	struct process below[64];
	int n = processes_below(getpid(), below, 64), found = 0;

	for (int i = 0; i < n; i++)
		found += !strcmp(below[i].name, "faas-unpack");
	return found;
}

static void note(void)
{
	manners_note(&manners);
	holdings_settle(&holdings);
}

/* The host is as it was, nobody is left, and a ZIP that orders nothing is taken. */
static void host_is_well(void)
{
	struct report report = { .len = 0 };

	for (int i = 0; unpackers() && i < 500; i++)
		usleep(10000);
	assert_int_equal(unpackers(), 0);
	if (!manners_kept(&manners, &report) || !holdings_returned(&holdings, 5000, -1, &report))
		fail_msg("%s", report.text);
	assert_int_equal(access(victim, F_OK), -1);
	if (create("nothing"))
		fail_msg("%s", err.message);
	assert_int_equal(flow_call(&flow, "f", "{}")->code, 0);
	assert_int_equal(faas_function_delete(flow.rt, "f", &err), 0);
}

static void is_refused(const char *order, const char *why)
{
	note();
	assert_int_equal(create(order), FAAS_EINVAL);
	if (strcmp(err.message, why) != 0)
		fail_msg("%s: %s", order, err.message);
	host_is_well();
}

TEST(a_zip_that_kills_its_reader_is_refused)
{
	is_refused("crash", BROKEN "(reading it ended in the middle)");
	is_refused("judge-crash", BROKEN "(reading it ended in the middle)");
}

TEST(a_reader_that_ends_well_without_a_last_word_has_read_nothing)
{
	is_refused("leave", BROKEN "(reading it ended in the middle)");
	is_refused("judge-leave", BROKEN "(reading it ended in the middle)");
}

TEST(a_reader_that_hangs_is_ended)
{
	flow.rt->packages.readers.silence_ms = 500;
	is_refused("spin", BROKEN "(reading it takes too long)");
	is_refused("stop", BROKEN "(reading it takes too long)");
	is_refused("judge-spin", BROKEN "(reading it takes too long)");
}

TEST(a_reader_that_says_more_than_there_is_is_ended)
{
	is_refused("flood", BROKEN "(what was read of it makes no sense)");
	is_refused("pour", BROKEN "(what was read of it makes no sense)");
	is_refused("entries", BROKEN "(what was read of it makes no sense)");
	is_refused("grow", BROKEN "(what was read of it makes no sense)");
	is_refused("lie", BROKEN "(it is not what it was judged to be)");
}

TEST(a_reader_can_only_say_what_is_wrong_with_its_zip)
{
	is_refused("throttle", BROKEN "(what was read of it makes no sense)");
	is_refused("judge-throttle", BROKEN "(what was read of it makes no sense)");
	is_refused("draw", "a?b?[2J?");
}

TEST(a_reader_that_takes_all_memory_ends)
{
	if (SANITIZED) {
		print_message("# a sanitizer's memory has no limit\n");
		skip();
	}
	is_refused("eat", BROKEN "(reading it ended in the middle)");
}

TEST(a_reader_cannot_have_the_host_write_outside)
{
	is_refused("climb", BROKEN "('../../../escaped' leads out of the package)");
	note();
	assert_int_equal(create("absolute"), FAAS_EINVAL);
	host_is_well();
	is_refused("lead", BROKEN "('l' is a link that leads out of the package)");
	is_refused("through", BROKEN "('d/l/x' is in the way of another entry)");
}

static void image_is_refused(const char *order, const char *why)
{
	note();
	assert_int_equal(create_image(order), FAAS_EINVAL);
	if (strcmp(err.message, why) != 0)
		fail_msg("%s: %s", order, err.message);
	host_is_well();
}

TEST(a_reader_of_a_layer_is_as_little_trusted)
{
	image_is_refused("crash", LAYER "(reading it ended in the middle)");
	image_is_refused("leave", LAYER "(reading it ended in the middle)");
	image_is_refused("flood", LAYER "(what was read of it makes no sense)");
	image_is_refused("pour", LAYER "(what was read of it makes no sense)");
	image_is_refused("throttle", LAYER "(what was read of it makes no sense)");
	image_is_refused("reach", ".");
	flow.rt->packages.readers.silence_ms = 500;
	image_is_refused("stop", LAYER "(reading it takes too long)");
}

TEST(a_reader_of_a_layer_cannot_have_the_host_write_outside)
{
	image_is_refused("climb", LAYER "('../../../escaped' leads out of the package)");
	image_is_refused("through", LAYER "('d/l/x' is in the way of another entry)");
	image_is_refused("lead", LAYER "('l' is in the way of another entry)");
	image_is_refused("hard", LAYER "('h' leads out of the package)");
	image_is_refused("hard-through", LAYER "('h' is in the way of another entry)");
	image_is_refused("white", "The source image is not valid. (a layer of it has a whiteout of "
				  "nothing)");
}

TEST(a_reader_of_a_layer_fills_no_disk)
{
	flow.rt->packages.image_nodes = 1000;
	image_is_refused("entries", LAYER "(the image is too large)");
}

/* The control: one that orders nothing is an image. */
TEST(a_layer_without_an_order_is_unpacked)
{
	if (create_image("nothing"))
		fail_msg("%s", err.message);
	assert_int_equal(faas_function_delete(flow.rt, "f", &err), 0);
}

TEST(a_reader_reaches_nothing)
{
	is_refused("reach", ".");
	is_refused("judge-reach", ".");
}

/* The control: who is not confined reaches all of it. */
TEST(a_reader_that_is_not_confined_reaches_what_the_other_one_does_not)
{
	note();
	assert_int_equal(create("free-reach"), FAAS_EINVAL);
	assert_string_equal(err.message, " read write unlink socket signal fork pipe code.");
	host_is_well();
}

/* While one hangs, what was there answers, and others are made. */
static void *create_hanging(void *data)
{
	struct faas_error *own = data;

	faas_function_create(flow.rt,
			     FAAS_FUNCTION(.name = "h", .code = path, .handler = "package.content"),
			     own);
	return NULL;
}

static void await_unpackers(int wanted)
{
	int there = unpackers();

	for (int i = 0; there != wanted && i < 500; i++) {
		usleep(10000);
		there = unpackers();
	}
	assert_int_equal(there, wanted);
}

TEST(while_a_reader_hangs_others_are_served)
{
	static struct faas_error own; /* the thread outlives a test that fails */
	char elsewhere[160];
	pthread_t thread;

	await_unpackers(0); /* the last one may not be buried yet */
	flow.rt->packages.readers.silence_ms = 60000;
	write_zip("judge-spin");
	snprintf(elsewhere, sizeof(elsewhere), "%s/other.zip", base);
	assert_int_equal(pthread_create(&thread, NULL, create_hanging, &own), 0);
	await_unpackers(1);
	assert_int_equal(rename(path, elsewhere), 0);
	if (create("nothing"))
		fail_msg("%s", err.message);
	assert_int_equal(flow_call(&flow, "f", "{}")->code, 0);
	await_unpackers(1);
	for (int i = 0; i < 64; i++) {
		struct process below[64];
		int n = processes_below(getpid(), below, 64);

		for (int k = 0; k < n; k++)
			if (!strcmp(below[k].name, "faas-unpack"))
				kill(below[k].pid, SIGKILL);
	}
	pthread_join(thread, NULL);
	assert_string_equal(own.message, BROKEN "(reading it ended in the middle)");
}

TEST(a_reader_whose_worker_is_killed_says_nothing_of_its_zip)
{
	static struct faas_error own;
	struct faas *rt = flow.rt;
	pthread_t thread;

	await_unpackers(0);
	rt->packages.readers.silence_ms = 60000;
	write_zip("judge-spin");
	assert_int_equal(pthread_create(&thread, NULL, create_hanging, &own), 0);
	await_unpackers(1);
	assert_int_equal(kill(rt->envs.supervisor.pid, SIGKILL), 0);
	pthread_join(thread, NULL);
	assert_int_equal(own.code, FAAS_ESYSTEM);
	assert_string_equal(own.message, "cannot unpack the code: the worker has died");
	await_unpackers(0);
}

TEST(where_the_program_is_missing_the_error_says_so)
{
	char program[160];

	snprintf(program, sizeof(program), "%s/faas-unpack", base);
	assert_int_equal(unlink(program), 0);
	assert_int_equal(create("nobody was asked to judge"), FAAS_ESYSTEM);
	assert_string_equal(err.message, "cannot start faas-unpack: No such file or directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define IT(name) cmocka_unit_test_setup_teardown(name, open_it, close_it)
		IT(a_zip_that_kills_its_reader_is_refused),
		IT(a_reader_that_ends_well_without_a_last_word_has_read_nothing),
		IT(a_reader_that_hangs_is_ended),
		IT(a_reader_that_says_more_than_there_is_is_ended),
		IT(a_reader_can_only_say_what_is_wrong_with_its_zip),
		IT(a_reader_that_takes_all_memory_ends),
		IT(a_reader_cannot_have_the_host_write_outside),
		IT(a_reader_of_a_layer_is_as_little_trusted),
		IT(a_reader_of_a_layer_cannot_have_the_host_write_outside),
		IT(a_reader_of_a_layer_fills_no_disk),
		IT(a_layer_without_an_order_is_unpacked),
		IT(a_reader_reaches_nothing),
		IT(a_reader_that_is_not_confined_reaches_what_the_other_one_does_not),
		IT(while_a_reader_hangs_others_are_served),
		IT(a_reader_whose_worker_is_killed_says_nothing_of_its_zip),
		IT(where_the_program_is_missing_the_error_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
