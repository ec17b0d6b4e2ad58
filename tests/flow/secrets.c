/* SPDX-License-Identifier: MIT */
/* Secrets: asked for by a handler while it runs, given by the host, kept and forgotten. */
#include <faas/plugin.h>

#include "support/test.h"

#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <runtime.h>

#include "support/control.h"
#include "support/processes.h"
#include "support/stores.h"

static _Atomic int asked; /* times that the host was, on the loop */
static _Atomic int ttl_ms;
static _Atomic bool later; /* it answers when the test says so */
static uint64_t last_id;
static char last_function[64], last_version[300];
static _Atomic int rotated; /* how often */
static struct faas *rt;

static void give(uint64_t id, const char *value)
{
	assert_int_equal(faas_secret_give(rt, id,
					  (struct faas_bytes){ value, value ? strlen(value) : 0 },
					  ttl_ms, &err),
			 0);
}

static void on_secret(void *data, const struct faas_ask *ask)
{
	char value[64];

	(void)data;
	__atomic_store_n(&last_id, ask->id, __ATOMIC_SEQ_CST);
	snprintf(last_function, sizeof(last_function), "%s:%s", ask->function, ask->version);
	snprintf(last_version, sizeof(last_version), "%s", ask->secret_version);
	asked++;
	if (later || !strcmp(ask->name, "gate"))
		return;
	snprintf(value, sizeof(value), "<%.40s>", ask->name);
	give(ask->id, strcmp(ask->name, "none") ? value : NULL);
}

/* A provider with versions: "3" is current after three rotations, "2" previous, "1" still known. */
static void on_secret_version(void *data, const struct faas_ask *ask)
{
	bool current = !strcmp(ask->secret_version, "AWSCURRENT"),
	     previous = !strcmp(ask->secret_version, "AWSPREVIOUS");
	int number = current ? rotated : previous ? rotated - 1 : atoi(ask->secret_version);
	char value[64];

	(void)data;
	asked++;
	__atomic_store_n(&last_id, ask->id, __ATOMIC_SEQ_CST);
	if (later)
		return;
	snprintf(value, sizeof(value), "<%.40s %d>", ask->name, number);
	give(ask->id, number >= 1 && number <= rotated ? value : NULL);
}

static int ask_host(struct faas_context *ctx, struct faas_bytes event)
{
	char name[64];
	const char *value;

	snprintf(name, sizeof(name), "%.*s", (int)event.len, (const char *)event.data);
	value = faas_secret(ctx, name);
	return faas_puts(ctx, value ? value : "nothing");
}

static int open_with(const struct faas_config *config)
{
	asked = ttl_ms = 0;
	rotated = 3;
	later = false;
	control_open_with(config, true);
	rt = flow.rt;
	flow_function(&flow, &(struct faas_function_config){ .name = "process",
							     .handler = "echo.secret" });
	flow_function(&flow,
		      &(struct faas_function_config){ .name = "thread", .native = ask_host });
	flow_function(&flow, &(struct faas_function_config){ .name = "process_v",
							     .handler = "echo.secret_version",
							     .timeout_ms = 900000 });
	flow_function(&flow, &(struct faas_function_config){ .name = "thread_v",
							     .handler = "echo.secret_version",
							     .isolation = FAAS_THREAD });
	return 0;
}

static int open_it(void **state)
{
	(void)state;
	return open_with(FAAS_CONFIG(.on_secret = on_secret));
}

static int open_versions(void **state)
{
	(void)state;
	return open_with(FAAS_CONFIG(.on_secret = on_secret_version));
}

static const char *const versioned[] = { "process_v", "thread_v" };
static const char *const kinds[] = { "process", "thread" };

TEST(a_handler_is_given_the_secret_that_it_asks_for)
{
	for (int i = 0; i < 2; i++) {
		assert_true(flow_says(flow_call(&flow, kinds[i], "prod/db"), "<prod/db>"));
		assert_true(flow_says(flow_call_async(&flow, kinds[i], "prod/db"), "<prod/db>"));
		assert_int_equal(asked, 2 * (i + 1));
		assert_memory_equal(last_function, kinds[i], strlen(kinds[i]));
	}
}

TEST(one_that_the_host_does_not_give_is_none)
{
	for (int i = 0; i < 2; i++)
		assert_true(flow_says(flow_call(&flow, kinds[i], "none"), "nothing"));
}

TEST(a_name_that_is_none_is_not_asked_for)
{
	for (int i = 0; i < 2; i++) {
		assert_true(flow_says(flow_call(&flow, kinds[i], "a b"), "nothing"));
		assert_true(flow_says(flow_call(&flow, kinds[i], ""), "nothing"));
	}
	assert_int_equal(asked, 0);
}

TEST(what_may_be_kept_is_not_asked_for_again_until_its_time_is_over)
{
	ttl_ms = 1000;
	for (int i = 0; i < 2; i++) {
		asked = 0;
		flow_call(&flow, kinds[i], "a");
		assert_true(flow_says(flow_call(&flow, kinds[i], "a"), "<a>"));
		assert_int_equal(asked, 1);
		flow_call(&flow, kinds[i], "b");
		assert_int_equal(asked, 2);
		flow_advance(&flow, 1000);
		flow_call(&flow, kinds[i], "a");
		assert_int_equal(asked, 3);
	}
}

TEST(what_is_kept_is_of_one_function_as_it_is_configured)
{
	ttl_ms = 1000;
	flow_call(&flow, "process", "a");
	flow_call(&flow, "thread", "a");
	assert_int_equal(asked, 2);
	perform("UpdateFunctionConfiguration", "{\"FunctionName\":\"process\",\"Timeout\":5}");
	flow_call(&flow, "process", "a");
	assert_int_equal(asked, 3);
}

TEST(who_names_no_version_asks_for_the_current_one)
{
	for (int i = 0; i < 2; i++) {
		flow_call(&flow, kinds[i], "db");
		assert_string_equal(last_version, "AWSCURRENT");
	}
}

TEST(a_secret_is_given_in_the_version_that_is_asked_for)
{
	for (int i = 0; i < 2; i++) {
		assert_true(flow_says(flow_call(&flow, versioned[i], "db AWSCURRENT"), "<db 3>"));
		assert_true(flow_says(flow_call(&flow, versioned[i], "db AWSPREVIOUS"), "<db 2>"));
		assert_true(flow_says(flow_call(&flow, versioned[i], "db 1"), "<db 1>"));
		assert_true(flow_says(flow_call(&flow, versioned[i], "db 4"), "nothing"));
	}
	assert_int_equal(asked, 8);
}

TEST(each_version_is_kept_by_itself_until_it_expires)
{
	ttl_ms = 1000;
	for (int i = 0; i < 2; i++) {
		asked = 0;
		for (int again = 0; again < 2; again++) {
			assert_true(flow_says(flow_call(&flow, versioned[i], "db AWSCURRENT"),
					      "<db 3>"));
			assert_true(flow_says(flow_call(&flow, versioned[i], "db AWSPREVIOUS"),
					      "<db 2>"));
		}
		assert_int_equal(asked, 2);
		flow_advance(&flow, 1000);
		flow_call(&flow, versioned[i], "db AWSPREVIOUS");
		assert_int_equal(asked, 3);
	}
}

TEST(after_a_rotation_nobody_is_given_what_was_current_before)
{
	ttl_ms = 86400000;
	for (int i = 0; i < 2; i++) {
		char current[24], previous[24];

		flow_call(&flow, versioned[i], "db AWSCURRENT");
		flow_call(&flow, versioned[i], "db AWSPREVIOUS");
		flow_call(&flow, versioned[i], "other AWSCURRENT");
		rotated++;
		assert_int_equal(faas_secret_expire(rt, "db", &err), 0);
		asked = 0;
		snprintf(current, sizeof(current), "<db %d>", rotated);
		snprintf(previous, sizeof(previous), "<db %d>", rotated - 1);
		assert_true(flow_says(flow_call(&flow, versioned[i], "db AWSCURRENT"), current));
		assert_true(flow_says(flow_call(&flow, versioned[i], "db AWSPREVIOUS"), previous));
		assert_int_equal(asked, 2);
		flow_call(&flow, versioned[i], "other AWSCURRENT"); /* was not rotated */
		assert_int_equal(asked, 2);
	}
}

/* Nobody would answer it: a handler that waited for that would do so for a quarter of an hour. */
TEST(a_version_that_is_no_label_is_not_asked_for)
{
	char event[300] = "db ";

	memset(event + 3, 'v', 257);
	for (int i = 0; i < 2; i++) {
		assert_true(flow_says(flow_call(&flow, versioned[i], "db"), "nothing"));
		assert_true(flow_says(flow_call(&flow, versioned[i], event), "nothing"));
	}
	assert_int_equal(asked, 0);
	event[3 + 256] = '\0';
	flow_call(&flow, versioned[0], event);
	assert_int_equal(asked, 1);
}

TEST(only_a_name_of_a_secret_expires)
{
	assert_int_equal(faas_secret_expire(NULL, "a", &err), FAAS_EINVAL);
	assert_int_equal(faas_secret_expire(rt, NULL, &err), FAAS_EINVAL);
	assert_int_equal(faas_secret_expire(rt, "a b", &err), FAAS_EINVAL);
	assert_string_equal(err.message, "a secret has a name of 1 to 512 printable characters");
	assert_int_equal(faas_secret_expire(rt, "nobody's", &err), 0);
}

/* Wait, in real time and not for ever, until the host was asked so often. */
static void await_asked(int times)
{
	for (int i = 0; asked < times; i++) {
		assert_true(i < 10000);
		usleep(1000);
	}
}

struct seen {
	_Atomic int count;
	char payload[64];
};

static void on_done(void *data, const struct faas_result *result)
{
	struct seen *seen = data;

	snprintf(seen->payload, sizeof(seen->payload), "%d %.*s", result->code,
		 (int)result->payload.len, (const char *)result->payload.data);
	seen->count++;
}

static void start_with(const char *function, const char *name, struct seen *seen)
{
	assert_int_equal(faas_invoke(flow.rt,
				     FAAS_REQUEST(.function = function,
						  .payload = { name, strlen(name) },
						  .on_done = on_done, .data = seen),
				     NULL, &err),
			 0);
}

static void start(const char *function, struct seen *seen)
{
	start_with(function, "a", seen);
}

static void await(struct seen *seen, int times)
{
	for (int i = 0; seen->count < times; i++) {
		assert_true(i < 10000);
		usleep(1000);
	}
}

struct look {
	struct fa_call call;
	int waiting;
	_Atomic bool done;
};

static void look(struct fa_call *call)
{
	struct look *l = (struct look *)call;

	l->waiting = rt->vault.waiting;
	l->done = true;
}

/* Wait until so many handlers wait for an answer. */
static void await_waiting(int count)
{
	for (int i = 0, seen = -1; seen != count; i++) {
		struct look l = { .call.run = look };

		fa_loop_call(&rt->loop, &l.call);
		while (!l.done)
			usleep(100);
		seen = l.waiting;
		assert_true(i < 10000);
		usleep(1000);
	}
}

TEST(an_answer_may_come_later_and_serves_all_that_wait_for_it)
{
	later = true;
	for (int i = 0; i < 2; i++) {
		struct seen seen = { 0 };

		asked = 0;
		start(kinds[i], &seen);
		start(kinds[i], &seen);
		await_waiting(2);
		give(last_id, "late");
		await(&seen, 2);
		assert_string_equal(seen.payload, "0 late");
		assert_int_equal(asked, 1);
	}
}

TEST(an_answer_to_who_asked_before_a_rotation_is_only_for_him)
{
	struct seen before = { 0 }, after = { 0 };
	uint64_t first;

	later = true;
	ttl_ms = 1000;
	start("process", &before);
	await_waiting(1);
	first = last_id;
	assert_int_equal(faas_secret_expire(rt, "a", &err), 0);
	start("process", &after);
	await_waiting(2);
	assert_int_equal(asked, 2);
	give(first, "old");
	await(&before, 1);
	give(last_id, "new");
	await(&after, 1);
	assert_string_equal(before.payload, "0 old");
	assert_string_equal(after.payload, "0 new");
	assert_true(flow_says(flow_call(&flow, "process", "a"), "new")); /* that one is kept */
	assert_int_equal(asked, 2);
}

TEST(a_question_that_nobody_answers_ends_after_half_a_minute)
{
	struct seen seen = { 0 };

	later = true;
	perform("UpdateFunctionConfiguration", "{\"FunctionName\":\"process\",\"Timeout\":900}");
	start("process", &seen);
	await_asked(1);
	flow_advance(&flow, 29999);
	assert_int_equal(seen.count, 0);
	flow_advance(&flow, 1);
	await(&seen, 1);
	assert_string_equal(seen.payload, "0 nothing");
	give(last_id, "too late"); /* and harms nobody */
	await_waiting(0);
}

TEST(an_answer_for_one_who_is_gone_is_for_nobody)
{
	struct seen seen = { 0 };

	/* it is longer in real time, too, by which its process gives up */
	perform("UpdateFunctionConfiguration", "{\"FunctionName\":\"process\",\"Timeout\":29}");
	flow_call(&flow, "process", "b"); /* nor is its time that of an init, which is real, too */
	asked = 0;
	later = true;
	start("process", &seen);
	await_asked(1);
	assert_int_equal(faas_recycle(flow.rt, "process", &err), 0);
	assert_int_equal(faas_function_delete(flow.rt, "process", &err), 0);
	flow_advance(&flow, 29100); /* its time is over: it is killed */
	await(&seen, 1);
	assert_memory_equal(seen.payload, "-8 ", 3);
	give(last_id, "late");
}

/* Both ask for the first time, and in the same environment. */
TEST(an_answer_for_a_process_that_is_gone_is_not_for_the_next_one)
{
	struct seen gone = { 0 }, next = { 0 };
	struct process process;
	uint64_t first;

	later = true;
	start_with("process", "a", &gone);
	await_asked(1);
	first = last_id;
	assert_int_equal(processes_of_environments(getpid(), &process, 1), 1);
	if (kill(process.pid, SIGKILL) < 0) {
		print_message("# skipped: only root may kill another user's process\n");
		skip();
	}
	await(&gone, 1);
	flow_advance(&flow, 1); /* which of two births it was is told by their times */
	start_with("process", "b", &next);
	await_asked(2);
	give(first, "a's");
	give(last_id, "b's");
	await(&next, 1);
	assert_string_equal(next.payload, "0 b's");
}

TEST(closing_does_not_wait_for_answers)
{
	static struct seen seen;

	later = true;
	for (int i = 0; i < 2; i++)
		start(kinds[i], &seen);
	await_asked(2);
	/* control_close() returns */
}

TEST(without_a_host_that_gives_there_are_none)
{
	for (int i = 0; i < 2; i++)
		assert_true(flow_says(flow_call(&flow, kinds[i], "a"), "nothing"));
}

TEST(a_handler_asks_for_thirty_two_and_not_for_one_more)
{
	flow_function(&flow, &(struct faas_function_config){ .name = "many",
							     .handler = "echo.many_secrets" });
	for (int i = 0; i < 4; i++) /* each event has as many again */
		assert_true(flow_says(flow_call(&flow, "many", "33"), "32"));
	assert_int_equal(asked, 4 * 32);
}

TEST(what_is_no_secret_is_refused)
{
	static char large[65538];

	memset(large, 'x', sizeof(large));
	assert_int_equal(faas_secret_give(rt, 1, (struct faas_bytes){ large, 65537 }, 0, &err),
			 FAAS_EINVAL);
	assert_int_equal(faas_secret_give(rt, 1, (struct faas_bytes){ "a\0b", 3 }, 0, &err),
			 FAAS_EINVAL);
	assert_string_equal(err.message, "a secret is a text of at most 65536 bytes");
	assert_int_equal(faas_secret_give(rt, 1, (struct faas_bytes){ "a", 1 }, -1, &err),
			 FAAS_EINVAL);
	assert_int_equal(faas_secret_give(rt, 1, (struct faas_bytes){ "a", 1 }, 86400001, &err),
			 FAAS_EINVAL);
	assert_int_equal(faas_secret_give(NULL, 1, (struct faas_bytes){ "a", 1 }, 0, &err),
			 FAAS_EINVAL);
	assert_int_equal(faas_secret_give(rt, 77, (struct faas_bytes){ large, 65536 }, 0, &err), 0);
}

TEST(no_secret_is_in_any_log)
{
	for (int i = 0; i < 2; i++)
		flow_call(&flow, kinds[i], "hush");
	flow_await_log(&flow, "REPORT");
	assert_int_equal(flow_log_count(&flow, "hush"), 0);
}

/* ---- where it could be found ------------------------------------------------- */

#define HUSH "<hush>"
#define VARIABLE "mn7 never to be seen"

/*
 * Neither what a handler was given nor a variable that is encrypted at rest: as patterns, so that
 * who searches is not found.
 */
static bool is_in(const char *files, const char *first)
{
	char command[256];
	int status;

	snprintf(command, sizeof(command),
		 "grep -qra -e '<[%c]ush>' -e '[m]n7 never to be seen' %s 2>/dev/null", *first,
		 files);
	status = system(command);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) <= 2);
	return WEXITSTATUS(status) == 0;
}

/*
 * A process that has the like in its environment is found, or that none is proves nothing. Not the
 * same: this test may run twice at a time.
 */
static void control_the_search(void)
{
	char *const argv[] = { "sleep", "60", NULL }, *const with[] = { "A=<lush>", NULL };
	char path[64];
	pid_t pid;

	assert_int_equal(posix_spawnp(&pid, "sleep", NULL, NULL, argv, with), 0);
	snprintf(path, sizeof(path), "/proc/%d/environ", pid);
	for (int i = 0; !is_in(path, "l"); i++) {
		assert_true(i < 1000);
		usleep(1000);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static int open_with_all(void **state)
{
	static const struct faas_key keys[] = {
		{ "arn:aws:kms:local-1:000000000000:key/a", "0123456789abcdef0123456789abcdef",
		  NULL },
		{ 0 }
	};
	static const char *const variables[] = { "HUSH=" VARIABLE, NULL };

	(void)state;
	stores_folder(control_folder);
	open_with(FAAS_CONFIG(.on_secret = on_secret, .state_dir = control_folder, .keys = keys));
	flow_function(&flow, &(struct faas_function_config){
				     .name = "hold",
				     .handler = "echo.hold_secret",
				     .environment = variables,
				     .kms_key_arn = "arn:aws:kms:local-1:000000000000:key/a" });
	return 0;
}

TEST(a_secret_that_is_held_is_in_no_environment_no_file_and_no_core_dump)
{
	struct seen seen = { 0 };

	control_the_search();
	start("hold", &seen);
	flow_await_log(&flow, "dumpable: 0, core: 0");
	await_asked(2);
	assert_false(is_in("/proc/[0-9]*/environ /proc/[0-9]*/cmdline", "h"));
	assert_false(is_in(control_folder, "h"));
	give(last_id, "go on");
	await(&seen, 1);
	assert_non_null(strstr(seen.payload, "Runtime.ExitError"));
	assert_false(is_in(control_folder, "h"));
	assert_int_equal(flow_log_count(&flow, HUSH), 0);
	assert_int_equal(flow_log_count(&flow, VARIABLE), 0);
}

static int open_without(void **state)
{
	(void)state;
	return open_with(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define ROW(name) cmocka_unit_test_setup_teardown(name, open_it, control_close)
		ROW(a_handler_is_given_the_secret_that_it_asks_for),
		ROW(one_that_the_host_does_not_give_is_none),
		ROW(a_name_that_is_none_is_not_asked_for),
		ROW(what_may_be_kept_is_not_asked_for_again_until_its_time_is_over),
		ROW(what_is_kept_is_of_one_function_as_it_is_configured),
		ROW(who_names_no_version_asks_for_the_current_one),
#define VERSIONS(name) cmocka_unit_test_setup_teardown(name, open_versions, control_close)
		VERSIONS(a_secret_is_given_in_the_version_that_is_asked_for),
		VERSIONS(each_version_is_kept_by_itself_until_it_expires),
		VERSIONS(after_a_rotation_nobody_is_given_what_was_current_before),
		VERSIONS(a_version_that_is_no_label_is_not_asked_for),
		ROW(only_a_name_of_a_secret_expires),
		ROW(an_answer_to_who_asked_before_a_rotation_is_only_for_him),
		ROW(an_answer_may_come_later_and_serves_all_that_wait_for_it),
		ROW(a_question_that_nobody_answers_ends_after_half_a_minute),
		ROW(an_answer_for_one_who_is_gone_is_for_nobody),
		ROW(an_answer_for_a_process_that_is_gone_is_not_for_the_next_one),
		ROW(closing_does_not_wait_for_answers),
		cmocka_unit_test_setup_teardown(without_a_host_that_gives_there_are_none,
						open_without, control_close),
		ROW(a_handler_asks_for_thirty_two_and_not_for_one_more),
		ROW(what_is_no_secret_is_refused),
		ROW(no_secret_is_in_any_log),
		cmocka_unit_test_setup_teardown(
			a_secret_that_is_held_is_in_no_environment_no_file_and_no_core_dump,
			open_with_all, control_close_lasting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
