/* SPDX-License-Identifier: MIT */
/* Functions inside this program: what they are given, and how they end. */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <faas/plugin.h>
#include <support/stores.h>
#include <support/test.h>
#include <support/thread_host.h>

static int open_host(void **state)
{
	(void)state;
	host_open(NULL);
	return 0;
}

static int close_host(void **state)
{
	(void)state;
	host_close();
	return 0;
}

/* ---- plugins ---------------------------------------------------------- */

TEST(a_plugin_answers_by_both_ways)
{
	struct answer answer;

	host_function(FAAS_FUNCTION(.name = "echo", .handler = "echo.echo"));
	for (enum way way = 0; way < WAYS; way++) {
		host_call(way, "echo", "{\"a\":1}", &answer);
		assert_int_equal(answer.refused, 0);
		assert_int_equal(answer.code, FAAS_OK);
		assert_string_equal(answer.payload, "{\"a\":1}");
	}
}

TEST(init_runs_once_and_its_state_stays)
{
	struct answer answer;

	for (enum way way = 0; way < WAYS; way++) {
		const char *name = way ? "good_b" : "good_a";

		host_function(FAAS_FUNCTION(.name = name, .handler = "init.init_slow"));
		host_call(way, name, "1", &answer);
		assert_string_equal(answer.payload, "\"initialised\"");
		assert_true(answer.init_ms >= 250);
		assert_true(answer.duration_ms < 250);
		host_call(way, name, "1", &answer);
		assert_string_equal(answer.payload, "\"initialised\"");
		assert_true(answer.init_ms == 0);
	}
}

TEST(a_failing_init_is_the_answer)
{
	struct answer answer;

	host_function(FAAS_FUNCTION(.name = "init_fail", .handler = "init.init_fail"));
	host_function(FAAS_FUNCTION(.name = "init_seven", .handler = "init.init_seven"));
	for (enum way way = 0; way < WAYS; way++) {
		host_call(way, "init_fail", "1", &answer);
		assert_int_equal(answer.code, FAAS_EFUNCTION);
		assert_string_equal(answer.type, "Init.Refused");
		assert_string_equal(answer.payload, "{\"errorType\":\"Init.Refused\","
						    "\"errorMessage\":\"no \\\"licence\\\"\"}");
		host_call(way, "init_seven", "1", &answer);
		assert_string_equal(answer.type, "Runtime.InitError");
		assert_non_null(strstr(answer.payload, "returned 7"));
	}
}

/* By what it left in the plugin's static variables it knows that it is the second one. */
TEST(a_failed_init_is_repeated_inside_the_first_invocation)
{
	struct answer answer;

	for (enum way way = 0; way < WAYS; way++) {
		const char *name = way ? "other_b" : "other_a";

		host_function(FAAS_FUNCTION(.name = name, .handler = "init.init_every_other"));
		host_call(way, name, "1", &answer);
		assert_string_equal(answer.payload, "\"initialised\"");
		assert_true(answer.init_ms == 0);
	}
}

TEST(init_has_no_response_to_write_to)
{
	struct answer answer;

	host_function(FAAS_FUNCTION(.name = "init_write", .handler = "init.init_write"));
	host_call(WAITING, "init_write", "1", &answer);
	assert_int_equal(answer.code, FAAS_OK);
	assert_string_equal(answer.payload, "null");
}

TEST(a_file_that_cannot_be_loaded_is_named)
{
	static const struct {
		const char *name, *handler, *type, *part;
	} cases[] = {
		{ "no_file", "nothing.echo", "Runtime.ImportModuleError", "nothing" },
		{ "no_elf", "cfuncs.h.echo", "Runtime.ImportModuleError", "ELF" },
		{ "no_method", "echo.nothing", "Runtime.HandlerNotFound", "nothing" },
		{ "no_plugin", "cfuncs.add", "Runtime.HandlerNotFound", "faas_plugin" },
	};
	struct answer answer;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		host_function(FAAS_FUNCTION(.name = cases[i].name, .handler = cases[i].handler));
		for (enum way way = 0; way < WAYS; way++) {
			host_call(way, cases[i].name, "1", &answer);
			assert_int_equal(answer.code, FAAS_EFUNCTION);
			assert_string_equal(answer.type, cases[i].type);
			assert_non_null(strstr(answer.payload, cases[i].part));
		}
	}
}

/* In place of what was there before. */
static void copy_plugin(const char *plugin, const char *folder, const char *name)
{
	char command[512];

	snprintf(command, sizeof(command), "cp %s/%s.so %s/next && mv %s/next %s/%s.so",
		 TEST_PLUGINS, plugin, folder, folder, folder, name);
	assert_int_equal(system(command), 0);
}

TEST(code_that_changed_is_seen_under_another_file_name_only)
{
	char folder[64], file[80];
	struct answer answer;

	stores_folder(folder);
	copy_plugin("echo", folder, "same");
	host_function(FAAS_FUNCTION(.name = "same", .code = folder, .handler = "same.echo"));
	host_call(WAITING, "same", "1", &answer);
	assert_string_equal(answer.payload, "1");
	copy_plugin("parts", folder, "same"); /* it has no such handler */
	copy_plugin("parts", folder, "other");
	assert_int_equal(faas_function_update(host_runtime(),
					      FAAS_FUNCTION(.name = "same", .timeout_ms = 5000),
					      NULL),
			 0);
	host_call(WAITING, "same", "2", &answer);
	assert_string_equal(answer.payload, "2");
	host_function(FAAS_FUNCTION(.name = "other", .code = folder, .handler = "other.echo"));
	host_call(WAITING, "other", "3", &answer);
	assert_int_not_equal(answer.code, FAAS_OK);
	for (int i = 0; i < 2; i++) {
		snprintf(file, sizeof(file), "%s/%s.so", folder, i ? "same" : "other");
		assert_int_equal(unlink(file), 0);
	}
	stores_remove(folder);
}

TEST(an_error_of_the_handler_s_own_keeps_it_warm)
{
	struct answer answer;

	host_function(FAAS_FUNCTION(.name = "fail", .handler = "echo.fail"));
	for (enum way way = 0; way < WAYS; way++) {
		for (int i = 0; i < 2; i++) {
			host_call(way, "fail", "x", &answer);
			assert_int_equal(answer.code, FAAS_EFUNCTION);
			assert_string_equal(answer.type, "Echo.Refused");
			assert_string_equal(answer.payload,
					    "{\"errorType\":\"Echo.Refused\","
					    "\"errorMessage\":\"no \\\"x\\\"\\n\"}");
			if (i || way)
				assert_true(answer.init_ms == 0);
		}
	}
}

TEST(what_a_handler_returns_without_a_word_is_an_error_too)
{
	struct answer answer;

	host_function(FAAS_FUNCTION(.name = "returns", .handler = "echo.returns"));
	host_call(WAITING, "returns", "42", &answer);
	assert_int_equal(answer.code, FAAS_EFUNCTION);
	assert_string_equal(answer.type, "Runtime.HandlerError");
	assert_non_null(strstr(answer.payload, "returned 42 without faas_fail()"));
	host_function(FAAS_FUNCTION(.name = "fail_quietly", .handler = "echo.fail_quietly"));
	host_call(BY_CALLBACK, "fail_quietly", "42", &answer);
	assert_string_equal(answer.type, "Echo.Refused");
}

TEST(an_error_may_have_a_body_of_its_own)
{
	struct answer answer;

	host_function(FAAS_FUNCTION(.name = "fail_body", .handler = "echo.fail_body"));
	host_call(BY_CALLBACK, "fail_body", "[7]", &answer);
	assert_int_equal(answer.code, FAAS_EFUNCTION);
	assert_string_equal(answer.type, "Echo.Body");
	assert_string_equal(answer.payload, "[7]");
}

TEST(a_response_may_have_6291556_bytes_and_no_more)
{
	struct answer answer;

	host_function(FAAS_FUNCTION(.name = "big", .handler = "echo.big"));
	for (enum way way = 0; way < WAYS; way++) {
		host_call(way, "big", "6291556", &answer);
		assert_int_equal(answer.code, FAAS_OK);
		assert_int_equal(answer.payload_len, 6291556);
		host_call(way, "big", "6291557", &answer);
		assert_int_equal(answer.code, FAAS_EFUNCTION);
		assert_string_equal(answer.type, "Function.ResponseSizeTooLarge");
		host_call(way, "big", "10", &answer);
		assert_string_equal(answer.payload, "\"xxxxxxxx\"");
	}
}

/* Small ones lie elsewhere than large ones, and what was too large to keep is small again. */
TEST(an_event_of_any_length_comes_back_whole)
{
	static const size_t lengths[] = { 1, 127, 128, 129, 1000, 128, 2, 70000, 129, 128, 3 };
	static char event[70001];
	struct answer answer;

	host_function(FAAS_FUNCTION(.name = "length", .handler = "echo.echo",
				    .max_concurrency = 1));
	for (enum way way = 0; way < WAYS; way++)
		for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths) * 32; i++) {
			size_t len = lengths[i / 32];

			for (size_t at = 0; at < len; at++)
				event[at] = (char)('a' + (at + i) % 23);
			event[len] = '\0';
			host_call(way, "length", event, &answer);
			assert_int_equal(answer.payload_len, len);
			assert_memory_equal(answer.payload, event, len < 1023 ? len : 1023);
		}
}

TEST(variables_are_the_function_s_and_lambda_s)
{
	const char *const variables[] = { "COLOUR=blue", "EMPTY=", NULL };
	struct answer answer;

	host_function(FAAS_FUNCTION(.name = "env", .handler = "echo.env",
				    .environment = variables, .memory_mb = 256));
	host_call(WAITING, "env", "COLOUR", &answer);
	assert_string_equal(answer.payload, "blue|(none)");
	host_call(WAITING, "env", "EMPTY", &answer);
	assert_string_equal(answer.payload, "|(none)");
	host_call(WAITING, "env", "COLOU", &answer);
	assert_string_equal(answer.payload, "(none)|(none)");
	host_call(WAITING, "env", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", &answer);
	assert_string_equal(answer.payload, "256|(none)");
	host_call(WAITING, "env", "AWS_REGION", &answer);
	assert_string_equal(answer.payload, "local-1|(none)");
	host_call(WAITING, "env", "_HANDLER", &answer);
	assert_string_equal(answer.payload, "echo.env|(none)");
}

/* ---- lines ------------------------------------------------------------ */

TEST(a_log_line_carries_level_id_and_stream)
{
	struct answer answer;
	struct line line;

	host_function(FAAS_FUNCTION(.name = "log", .handler = "echo.log"));
	for (enum way way = 0; way < WAYS; way++) {
		const char *event = way ? "\"by callback\"" : "\"waiting\"";

		host_call(way, "log", event, &answer);
		if (!strstr(answer.tail, event))
			fail_msg("no %s in the tail: %s", event, answer.tail);
		host_await_line(event, &line);
		assert_int_equal(line.level, FAAS_WARN);
		assert_string_equal(line.function, "log");
		assert_string_equal(line.request_id, answer.id);
		assert_non_null(strstr(line.stream, "[$LATEST]"));
	}
}

TEST(the_shutdown_hook_says_goodbye)
{
	struct answer answer;
	struct line line;

	host_function(FAAS_FUNCTION(.name = "polite", .handler = "init.polite"));
	host_call(WAITING, "polite", "1", &answer);
	assert_false(host_has_line("goodbye"));
	assert_int_equal(faas_recycle(host_runtime(), "polite", NULL), FAAS_OK);
	host_await_line("goodbye", &line);
	assert_string_equal(line.function, "polite");
}

/* ---- handlers of this program ----------------------------------------- */

static _Atomic(uintptr_t) ran_on;
static _Atomic int term_is_blocked, fault_is_blocked;
static char thread_name[16];

static int look_around(struct faas_context *ctx, struct faas_bytes event)
{
	sigset_t blocked;

	(void)event;
	pthread_sigmask(SIG_BLOCK, NULL, &blocked);
	atomic_store(&term_is_blocked, sigismember(&blocked, SIGTERM));
	atomic_store(&fault_is_blocked, sigismember(&blocked, SIGSEGV));
	pthread_getname_np(pthread_self(), thread_name, sizeof(thread_name));
	atomic_store(&ran_on, (uintptr_t)pthread_self());
	return faas_puts(ctx, "null");
}

TEST(who_waits_runs_the_handler_on_its_own_thread)
{
	struct answer answer;

	host_function(FAAS_FUNCTION(.name = "look", .native = look_around));
	host_call(WAITING, "look", "1", &answer);
	assert_int_equal(answer.code, FAAS_OK);
	assert_true((uintptr_t)pthread_self() == atomic_load(&ran_on));
}

TEST(a_callback_s_handler_runs_on_a_thread_that_takes_no_signals)
{
	struct answer answer;

	host_function(FAAS_FUNCTION(.name = "look_async", .native = look_around));
	host_call(BY_CALLBACK, "look_async", "1", &answer);
	assert_int_equal(answer.code, FAAS_OK);
	assert_true((uintptr_t)pthread_self() != atomic_load(&ran_on));
	assert_true((uintptr_t)answer.thread != atomic_load(&ran_on));
	assert_string_equal(thread_name, "faas-thread");
	assert_int_equal(atomic_load(&term_is_blocked), 1);
	assert_int_equal(atomic_load(&fault_is_blocked), 0);
}

static int describe(struct faas_context *ctx, struct faas_bytes event)
{
	char text[512];
	struct timespec now;
	long long left;

	(void)event;
	clock_gettime(CLOCK_REALTIME, &now);
	left = ctx->deadline_ms - (now.tv_sec * 1000LL + now.tv_nsec / 1000000);
	snprintf(text, sizeof(text), "%s %s %s %s %s %s %d %d %d", ctx->function_name,
		 ctx->function_version, ctx->invoked_arn, ctx->trace_id ? ctx->trace_id : "-",
		 ctx->client_context ? ctx->client_context : "-",
		 ctx->tenant_id ? ctx->tenant_id : "-", ctx->memory_mb,
		 left > 1000 && left <= 7000,
		 faas_remaining_ms(ctx) > 1000 && faas_remaining_ms(ctx) <= 7000);
	if (ctx->tmpdir || !ctx->request_id)
		return faas_fail(ctx, "Describe.Odd", "tmpdir or request_id");
	return faas_puts(ctx, text);
}

TEST(a_native_handler_is_shown_its_context)
{
	struct answer answer;

	host_function(FAAS_FUNCTION(.name = "describe", .native = describe, .memory_mb = 192,
				    .timeout_ms = 7000));
	for (enum way way = 0; way < WAYS; way++) {
		host_call(way, "describe", "1", &answer);
		assert_string_equal(answer.payload,
				    "describe $LATEST "
				    "arn:aws:lambda:local-1:000000000000:function:describe"
				    " - - - 192 1 1");
	}
	host_start(FAAS_REQUEST(.function = "describe:$LATEST", .trace_id = "Root=1",
				.client_context = "{}", .tenant_id = "t"), &answer);
	host_await(&answer);
	assert_string_equal(answer.payload,
			    "describe $LATEST "
			    "arn:aws:lambda:local-1:000000000000:function:describe:$LATEST"
			    " Root=1;Lineage=e61bf6a2:1 {} t 192 1 1");
}

static int nest(struct faas_context *ctx, struct faas_bytes event)
{
	struct answer answer;
	char text[64];

	snprintf(text, sizeof(text), "%.*s", (int)event.len, (const char *)event.data);
	host_call(WAITING, "inner", text, &answer);
	return faas_puts(ctx, answer.payload);
}

TEST(a_handler_may_invoke_another_function)
{
	struct answer answer;

	host_function(FAAS_FUNCTION(.name = "inner", .handler = "echo.echo"));
	host_function(FAAS_FUNCTION(.name = "outer", .native = nest));
	for (enum way way = 0; way < WAYS; way++) {
		host_call(way, "outer", "[3]", &answer);
		assert_string_equal(answer.payload, "[3]");
	}
}

/* ---- many ------------------------------------------------------------- */

#define MANY 500

static _Atomic int inside, overlaps, runs;

static int one_at_a_time(struct faas_context *ctx, struct faas_bytes event)
{
	if (atomic_fetch_add(&inside, 1))
		atomic_fetch_add(&overlaps, 1);
	atomic_fetch_add(&runs, 1);
	faas_write(ctx, event.data, event.len);
	atomic_fetch_sub(&inside, 1);
	return 0;
}

/* Without a listener, so that they may be handed over ahead. */
TEST(events_handed_over_ahead_run_once_and_one_at_a_time)
{
	static struct answer answers[MANY];
	char text[16];

	host_close();
	host_open(FAAS_CONFIG(.worker = TEST_WORKER));
	host_function(FAAS_FUNCTION(.name = "one", .native = one_at_a_time,
				    .max_concurrency = 1));
	for (int i = 0; i < MANY; i++) {
		snprintf(text, sizeof(text), "%d", i);
		host_start(FAAS_REQUEST(.function = "one", .payload = { text, strlen(text) },
					.capacity_wait_ms = 60000), &answers[i]);
	}
	for (int i = 0; i < MANY; i++) {
		host_await(&answers[i]);
		assert_int_equal(answers[i].code, FAAS_OK);
		assert_int_equal(answers[i].count, 1);
		assert_int_equal(atoi(answers[i].payload), i);
	}
	assert_int_equal(atomic_load(&overlaps), 0);
	assert_int_equal(atomic_load(&runs), MANY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plugin_answers_by_both_ways),
		cmocka_unit_test(init_runs_once_and_its_state_stays),
		cmocka_unit_test(a_failing_init_is_the_answer),
		cmocka_unit_test(a_failed_init_is_repeated_inside_the_first_invocation),
		cmocka_unit_test(init_has_no_response_to_write_to),
		cmocka_unit_test(a_file_that_cannot_be_loaded_is_named),
		cmocka_unit_test(code_that_changed_is_seen_under_another_file_name_only),
		cmocka_unit_test(an_error_of_the_handler_s_own_keeps_it_warm),
		cmocka_unit_test(what_a_handler_returns_without_a_word_is_an_error_too),
		cmocka_unit_test(an_error_may_have_a_body_of_its_own),
		cmocka_unit_test(a_response_may_have_6291556_bytes_and_no_more),
		cmocka_unit_test(an_event_of_any_length_comes_back_whole),
		cmocka_unit_test(variables_are_the_function_s_and_lambda_s),
		cmocka_unit_test(a_log_line_carries_level_id_and_stream),
		cmocka_unit_test(the_shutdown_hook_says_goodbye),
		cmocka_unit_test(who_waits_runs_the_handler_on_its_own_thread),
		cmocka_unit_test(a_callback_s_handler_runs_on_a_thread_that_takes_no_signals),
		cmocka_unit_test(a_native_handler_is_shown_its_context),
		cmocka_unit_test(a_handler_may_invoke_another_function),
		cmocka_unit_test(events_handed_over_ahead_run_once_and_one_at_a_time),
	};

	return cmocka_run_group_tests(tests, open_host, close_host);
}
