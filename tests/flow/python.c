/* SPDX-License-Identifier: MIT */
/* Python in the worker: what starts once, what starts in each environment, and how it ends. */
#include "upload.h"

#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "support/processes.h"

#define PYTHON(...) \
	FAAS_FUNCTION(.name = "f", .code = TEST_LANGUAGES "/python", .runtime = TEST_PYTHON, \
		      .timeout_ms = 10000, __VA_ARGS__)

#define LAYER "arn:aws:lambda:local-1:000000000000:layer:l:1"
#define ROW(test) cmocka_unit_test_setup_teardown(test, open_real, close_it)

static void says(const char *event, const char *expected)
{
	answers("f", event, expected);
}

/* In two environments that begin with the same interpreter. */
static void draws_anew(const struct faas_function_config *config)
{
	char texts[2][32];

	flow_function(&flow, config);
	for (int i = 0; i < 2; i++) {
		const struct faas_result *result = flow_call(&flow, "f", "{}");

		assert_true(result->init_ms > 0);
		assert_int_equal(result->payload.len, 18);
		memcpy(texts[i], result->payload.data, 18);
		assert_int_equal(faas_recycle(flow.rt, "f", NULL), 0);
	}
	assert_int_not_equal(memcmp(texts[0], texts[1], 18), 0);
}

TEST(a_module_is_imported_in_each_environment)
{
	draws_anew(PYTHON(.handler = "once.drawn"));
}

TEST(what_is_random_is_so_in_each_environment)
{
	draws_anew(PYTHON(.handler = "once.random_bits"));
}

/* Its module, and random with it, is in the snapshot that both begin with. */
TEST(what_is_random_is_so_behind_a_snapshot_too)
{
	draws_anew(PYTHON(.handler = "once.random_bits", .snapshot = true));
}

TEST(the_start_of_the_interpreter_is_no_part_of_what_a_function_sees)
{
	flow_function(&flow, PYTHON(.handler = "once.kinds"));
	says("{}", "\"on-demand\"");
}

TEST(a_snapshot_of_a_function_holds_what_its_module_did_and_its_hooks_are_run)
{
	flow_function(&flow, PYTHON(.handler = "once.kinds", .snapshot = true));
	says("{}", "\"snap-start before after\"");
}

TEST(a_function_that_is_put_back_forgets)
{
	flow_function(&flow, PYTHON(.handler = "handlers.lambda_handler", .pristine = true));
	for (int i = 0; i < 3; i++)
		says("{\"do\":\"count\"}", "1");
}

TEST(sys_exit_ends_it_with_that_status)
{
	const struct faas_result *result;

	flow_function(&flow, PYTHON(.handler = "handlers.lambda_handler"));
	result = flow_call(&flow, "f", "{\"do\":\"leave\",\"status\":3}");
	assert_string_equal(result->error_type, "Runtime.ExitError");
	says("{\"do\":\"count\"}", "1");
}

TEST(many_threads_have_room_in_little_memory)
{
	flow_function(&flow, PYTHON(.handler = "handlers.lambda_handler", .memory_mb = 128));
	says("{\"do\":\"thread_count\",\"count\":64}", "64");
}

TEST(a_wrapper_gets_an_interpreter_of_its_own_to_execute)
{
	static const char *const variables[] = { "AWS_LAMBDA_EXEC_WRAPPER=/usr/bin/env", NULL };
	const struct faas_result *result;

	flow_function(&flow, PYTHON(.handler = "handlers.lambda_handler",
				    .environment = variables));
	says("{\"do\":\"variable\",\"name\":\"AWS_LAMBDA_RUNTIME_API\"}", "\"127.0.0.1:9001\"");
	result = flow_call(&flow, "f", "{\"do\":\"fail\"}");
	assert_string_equal(result->error_type, "Runtime.Unknown");
}

TEST(an_extension_is_started_before_an_interpreter_of_its_own)
{
	zips_begin(&zip);
	zips_copy_program(&zip, "extensions/one", TEST_PROGRAMS "/extension");
	REQUEST("{\"LayerName\":\"l\",\"Content\":{\"ZipFile\":\"%s\"}}", encoded());
	perform("PublishLayerVersion");
	zips_begin(&zip);
	zips_copy(&zip, "handlers.py", TEST_LANGUAGES "/python/handlers.py");
	REQUEST("{\"FunctionName\":\"f\",\"Role\":\"" ROLE "\",\"Runtime\":\"" TEST_PYTHON
		"\",\"Handler\":\"handlers.lambda_handler\",\"Layers\":[\"" LAYER
		"\"],\"Timeout\":10,\"Code\":{\"ZipFile\":\"%s\"}}",
		encoded());
	deploy("CreateFunction", "f");
	says("{\"do\":\"variable\",\"name\":\"AWS_LAMBDA_RUNTIME_API\"}", "\"127.0.0.1:9001\"");
	flow_await_log(&flow, "one hears {\"eventType\":\"INVOKE\"");
}

TEST(hooks_of_one_that_is_a_process_are_run_around_its_restore)
{
	static const char *const variables[] = { "AWS_LAMBDA_EXEC_WRAPPER=/usr/bin/env", NULL };

	flow_function(&flow, PYTHON(.handler = "once.kinds", .environment = variables,
				    .snapshot = true));
	says("{}", "\"snap-start before after\"");
}

/* ---- rehearsals -------------------------------------------------------- */

/* A module that itself need not be compiled, in a directory of its own. */
TEST(what_a_first_import_makes_is_made_before_it)
{
	char folder[] = "/tmp/faas-XXXXXX", command[512];

	assert_non_null(mkdtemp(folder));
	assert_int_equal(chmod(folder, 0755), 0);
	snprintf(command, sizeof(command),
		 "/usr/bin/" TEST_PYTHON " -S -c \"import py_compile; "
		 "py_compile.compile('" TEST_LANGUAGES "/python/compiled.py', '%s/compiled.pyc')\"",
		 folder);
	assert_int_equal(system(command), 0);
	flow_function(&flow, FAAS_FUNCTION(.name = "f", .code = folder, .runtime = TEST_PYTHON,
					   .handler = "compiled.compiler_is_there",
					   .timeout_ms = 10000));
	says("{}", "true");
	snprintf(command, sizeof(command), "%s/compiled.pyc", folder);
	unlink(command);
	rmdir(folder);
}

/* ---- shells ------------------------------------------------------------ */

static struct process list[8];

/* None of them computes, and that is all there are. */
static bool rest(int wanted)
{
	int n = processes_of_environments(getpid(), list, 8);

	for (int i = 0; i < n; i++)
		if (list[i].state != 'S')
			return false;
	return n == wanted;
}

static void await_rest(int wanted)
{
	for (int ms = 0; !rest(wanted); ms++) {
		assert_true(ms < 10000);
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
}

/* The one that was started for `event`: none had been before. */
static struct process first_without_shell(const char *event)
{
	flow_call(&flow, "f", event);
	await_rest(1);
	return list[0];
}

static struct process shell(const char *event)
{
	assert_int_equal(faas_recycle(flow.rt, "f", NULL), 0);
	await_rest(0);
	flow_call(&flow, "f", event);
	await_rest(2);
	assert_int_equal(faas_recycle(flow.rt, "f", NULL), 0);
	await_rest(1);
	return list[0];
}

static struct process now(pid_t pid)
{
	await_rest(2);
	return list[list[0].pid != pid];
}

/* What the template and then the shell rehearsed. */
TEST(what_was_rehearsed_is_not_to_be_seen)
{
	flow_function(&flow, PYTHON(.handler = "traces.found"));
	says("{}", "[\"on-demand\"]");
	shell("{}");
	says("{}", "[\"on-demand\"]");
}

static int64_t imported_ns(void)
{
	const struct faas_result *result = flow_call(&flow, "f", "{}");
	char text[32] = "";

	assert_int_equal(result->code, FAAS_OK);
	assert_true(result->payload.len < sizeof(text));
	memcpy(text, result->payload.data, result->payload.len);
	return strtoll(text, NULL, 10);
}

static int64_t clock_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_REALTIME, &time);
	return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

TEST(a_shell_is_an_interpreter_that_has_started_and_nothing_of_the_function)
{
	struct process before;
	int64_t asked_ns;

	flow_function(&flow, PYTHON(.handler = "traces.imported_ns"));
	first_without_shell("{}");
	before = shell("{}");
	if (processes_map(before.pid, "snapshot") < 0) {
		print_message("# skipped: only root may look\n");
		skip();
	}
	assert_int_equal(processes_map(before.pid, "snapshot"), 1);
	asked_ns = clock_ns();
	assert_true(imported_ns() >= asked_ns);
	assert_int_equal(now(before.pid).pid, before.pid);
	asked_ns = clock_ns();
	assert_true(imported_ns() < asked_ns); /* the positive control: it was there already */
}

/* With its own modules in it, it is the function's memory and waits for the event. */
TEST(a_shell_of_one_with_a_snapshot_has_nothing_of_it)
{
	struct process before;

	flow_function(&flow, PYTHON(.handler = "once.kinds", .snapshot = true));
	first_without_shell("{}");
	before = shell("{}");
	assert_true(processes_map(before.pid, "snapshot") < 1);
	says("{}", "\"snap-start before after\"");
	assert_int_equal(now(before.pid).pid, before.pid);
}

TEST(in_a_shell_the_pages_that_a_start_writes_to_are_there)
{
	struct process alone, before;

	flow_function(&flow, PYTHON(.handler = "traces.found"));
	alone = first_without_shell("{}");
	before = shell("{}");
	says("{}", "[\"on-demand\"]");
	print_message("# %ld faults alone, %ld before and %ld behind the event\n", alone.faults,
		      before.faults, now(before.pid).faults - before.faults);
	assert_true(now(before.pid).faults - before.faults < alone.faults / 4);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		ROW(a_module_is_imported_in_each_environment),
		ROW(what_is_random_is_so_in_each_environment),
		ROW(what_is_random_is_so_behind_a_snapshot_too),
		ROW(the_start_of_the_interpreter_is_no_part_of_what_a_function_sees),
		ROW(a_snapshot_of_a_function_holds_what_its_module_did_and_its_hooks_are_run),
		ROW(a_function_that_is_put_back_forgets),
		ROW(sys_exit_ends_it_with_that_status),
		ROW(many_threads_have_room_in_little_memory),
		ROW(a_wrapper_gets_an_interpreter_of_its_own_to_execute),
		ROW(an_extension_is_started_before_an_interpreter_of_its_own),
		ROW(hooks_of_one_that_is_a_process_are_run_around_its_restore),
		ROW(what_a_first_import_makes_is_made_before_it),
		ROW(what_was_rehearsed_is_not_to_be_seen),
		ROW(a_shell_is_an_interpreter_that_has_started_and_nothing_of_the_function),
		ROW(a_shell_of_one_with_a_snapshot_has_nothing_of_it),
		ROW(in_a_shell_the_pages_that_a_start_writes_to_are_there),
	};

	if (access("/usr/bin/" TEST_PYTHON, X_OK) < 0) {
		printf("1..0 # SKIP there is no /usr/bin/" TEST_PYTHON "\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
