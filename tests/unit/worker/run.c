/* SPDX-License-Identifier: MIT */
#include "peer.h"

#include <support/test.h>

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct peer peer;

static void start(const char *file, const char *method)
{
	peer_start(&peer, &(const struct peer_setup){ .file = file, .method = method });
}

static int stop(void **state)
{
	(void)state;
	if (peer.request)
		peer_finish(&peer);
	peer.request = NULL;
	return 0;
}

static void assert_answer(const struct fa_response_slot *slot, uint32_t status, const char *text)
{
	const char *payload = peer_payload(&peer, slot);

	if (slot->status != status || slot->len != strlen(text) ||
	    memcmp(payload, text, slot->len) != 0)
		fail_msg("status %u: %.*s", slot->status, (int)slot->len, payload);
}

static void assert_error(const struct fa_response_slot *slot, uint32_t status, const char *type,
			 const char *json)
{
	assert_answer(slot, status, json);
	assert_string_equal(slot->error_type, type);
}

/* ---- requests one by one ---------------------------------------------- */

TEST(the_event_reaches_the_handler_and_its_answer_comes_back)
{
	start("echo", "echo");
	assert_answer(peer_ask(&peer, "{\"a\":1}"), FA_DONE, "{\"a\":1}");
	assert_answer(peer_ask(&peer, "again"), FA_DONE, "again");
	assert_answer(peer_ask(&peer, ""), FA_DONE, "");
}

TEST(the_environment_keeps_its_memory_between_requests)
{
	start("echo", "counter");
	assert_answer(peer_ask(&peer, ""), FA_DONE, "0");
	assert_answer(peer_ask(&peer, ""), FA_DONE, "1");
	assert_answer(peer_ask(&peer, ""), FA_DONE, "2");
}

TEST(many_requests_in_a_row_are_answered_in_order)
{
	char text[16];

	start("echo", "echo");
	for (int i = 0; i < 2000; i++) {
		snprintf(text, sizeof(text), "%d", i);
		assert_answer(peer_ask(&peer, text), FA_DONE, text);
	}
	assert_true(atomic_load(&peer.response->service_ns) > 0);
}

TEST(the_context_tells_what_the_request_says)
{
	static const char meta[] = "arn:invoked\0Root=1-2\0{\"client\":1}\0tenant";
	uint32_t seq;

	start("echo", "context");
	seq = peer_post_meta(&peer, "event", meta, sizeof(meta));
	assert_answer(peer_await(&peer, seq), FA_DONE,
		      "8476a536-e9f4-11e8-9739-2dfe598c3fcd name $LATEST arn:invoked Root=1-2 "
		      "{\"client\":1} tenant /tmp 128 1700000003000 1");
}

TEST(what_a_request_does_not_say_is_null)
{
	start("echo", "context");
	assert_answer(peer_ask(&peer, ""), FA_DONE,
		      "8476a536-e9f4-11e8-9739-2dfe598c3fcd name $LATEST "
		      "arn:aws:lambda:local-1:000000000000:function:name null null null /tmp 128 "
		      "1700000003000 1");
}

TEST(the_environment_variables_are_the_functions_own_and_lambdas)
{
	setenv("OF_THE_HOST", "secret", 1);
	peer_start(&peer, &(const struct peer_setup){ .file = "echo", .method = "env",
						      .variable = "MINE=a=b" });
	assert_answer(peer_ask(&peer, "MINE"), FA_DONE, "a=b|a=b");
	assert_answer(peer_ask(&peer, "_HANDLER"), FA_DONE, "echo.env|echo.env");
	assert_answer(peer_ask(&peer, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"), FA_DONE, "128|128");
	assert_answer(peer_ask(&peer, "TZ"), FA_DONE, ":UTC|:UTC");
	assert_answer(peer_ask(&peer, "OF_THE_HOST"), FA_DONE, "(none)|(none)");
}

/* ---- errors ----------------------------------------------------------- */

TEST(an_error_of_the_handler_replaces_what_it_wrote_and_keeps_it_warm)
{
	start("echo", "fail");
	for (int i = 0; i < 2; i++)
		assert_error(peer_ask(&peer, "tea"), FA_FAILED, "Echo.Refused",
			     "{\"errorType\":\"Echo.Refused\",\"errorMessage\":"
			     "\"no \\\"tea\\\"\\n\"}");
}

TEST(an_error_may_have_a_body_of_its_own)
{
	start("echo", "fail_body");
	assert_error(peer_ask(&peer, "{\"a\":1}"), FA_FAILED, "Echo.Body", "{\"a\":1}");
	assert_error(peer_ask(&peer, "[]"), FA_FAILED, "Echo.Body", "[]");
}

TEST(a_failure_stays_one_when_the_handler_returns_0)
{
	start("echo", "fail_quietly");
	assert_error(peer_ask(&peer, "x"), FA_FAILED, "Echo.Refused",
		     "{\"errorType\":\"Echo.Refused\",\"errorMessage\":\"no \\\"x\\\"\\n\"}");
}

TEST(a_return_value_alone_is_an_error_that_names_it)
{
	start("echo", "returns");
	assert_error(peer_ask(&peer, "-7"), FA_FAILED, "Runtime.HandlerError",
		     "{\"errorType\":\"Runtime.HandlerError\",\"errorMessage\":"
		     "\"handler 'returns' returned -7 without faas_fail()\"}");
	assert_answer(peer_ask(&peer, "0"), FA_DONE, "never seen");
}

/* ---- sizes ------------------------------------------------------------ */

static void ask_for(size_t size, uint32_t off_big)
{
	const struct fa_response_slot *slot;
	char text[16];

	snprintf(text, sizeof(text), "%zu", size);
	slot = peer_ask(&peer, text);
	assert_int_equal(slot->status, FA_DONE);
	assert_int_equal(slot->len, size);
	assert_int_equal(slot->off == FA_BIG_OFF, off_big);
	assert_int_equal(peer_payload(&peer, slot)[size - 1], '"');
}

TEST(an_answer_lies_in_its_slot_up_to_the_limit_and_elsewhere_beyond)
{
	start("echo", "big");
	ask_for(FA_INLINE, 0);
	ask_for(FA_INLINE + 1, 1);
	ask_for(FA_RESPONSE_MAX, 1);
	ask_for(10, 0);
}

TEST(an_answer_beyond_the_limit_is_told_and_survived)
{
	char text[16];

	start("echo", "big");
	snprintf(text, sizeof(text), "%u", FA_RESPONSE_MAX + 1);
	assert_answer(peer_ask(&peer, text), FA_TOO_LARGE, "");
	ask_for(100, 0);
}

TEST(an_answer_may_grow_byte_by_byte)
{
	static char event[FA_INLINE * 3];

	memset(event, 'e', sizeof(event) - 1);
	start("echo", "drip");
	assert_answer(peer_ask(&peer, event), FA_DONE, event);
	event[FA_INLINE] = '\0';
	assert_answer(peer_ask(&peer, event), FA_DONE, event);
}

TEST(the_largest_event_arrives_whole)
{
	char *event = malloc(FA_REQUEST_MAX);
	const struct fa_response_slot *slot;

	for (size_t i = 0; i < FA_REQUEST_MAX; i++)
		event[i] = (char)(i * 31 >> 3);
	start("echo", "echo");
	slot = peer_await(&peer, peer_post(&peer, event, FA_REQUEST_MAX, 0));
	assert_int_equal(slot->status, FA_DONE);
	assert_int_equal(slot->len, FA_REQUEST_MAX);
	assert_memory_equal(peer_payload(&peer, slot), event, FA_REQUEST_MAX);
	free(event);
}

static const char *event_of(size_t len)
{
	static char event[FA_INLINE * 3];

	memset(event, 0, sizeof(event));
	for (size_t i = 0; i < len; i++)
		event[i] = (char)('a' + i % 23);
	return event;
}

TEST(a_part_of_the_event_is_the_answer_without_a_copy)
{
	const char *event = event_of(FA_INLINE * 2 + 2);
	const struct fa_response_slot *slot;

	start("echo", "half");
	slot = peer_ask(&peer, event);
	assert_int_equal(slot->off, FA_GIVEN_OFF + FA_INLINE + 1);
	assert_answer(slot, FA_DONE, event + FA_INLINE + 1);
	slot = peer_ask(&peer, event_of(10));
	assert_int_equal(slot->off, FA_GIVEN_OFF + 5);
	assert_answer(slot, FA_DONE, event_of(10) + 5);
}

TEST(a_part_of_the_event_with_more_behind_it_is_copied)
{
	size_t len = FA_INLINE + 100;
	char want[FA_INLINE * 6];

	start("echo", "more");
	snprintf(want, sizeof(want), "%s%s", event_of(len), event_of(len) + len / 2);
	assert_answer(peer_ask(&peer, event_of(len)), FA_DONE, want);
	assert_int_equal(peer_await(&peer, 1)->off, FA_BIG_OFF);
	assert_answer(peer_ask(&peer, "event"), FA_DONE, "eventent");
	assert_true(peer_await(&peer, 2)->off < FA_BIG_OFF);
}

TEST(the_body_of_an_error_may_be_a_part_of_the_event)
{
	start("echo", "fail_body");
	assert_error(peer_ask(&peer, event_of(5000)), FA_FAILED, "Echo.Body", event_of(5000));
	assert_int_equal(peer_await(&peer, 1)->off, FA_GIVEN_OFF);
	assert_error(peer_ask(&peer, "[]"), FA_FAILED, "Echo.Body", "[]");
}

TEST(faas_alloc_gives_up_to_the_memory_of_the_function_and_takes_it_back)
{
	start("echo", "alloc");
	for (int i = 0; i < 3; i++)
		assert_answer(peer_ask(&peer, "1000"), FA_DONE, "1000");
	/* 128 MB in kilobytes are 131072; a little is lost at the ends of chunks */
	assert_in_range(atoi(peer_payload(&peer, peer_ask(&peer, "200000"))), 110000, 131072);
	assert_answer(peer_ask(&peer, "7"), FA_DONE, "7");
}

/* ---- ahead ------------------------------------------------------------ */

static void post_ahead(const char *file, const char *method, const char *event)
{
	peer_start(&peer, &(const struct peer_setup){ .file = file, .method = method,
						      .depth = FA_DEPTH });
	for (int i = 0; i < FA_DEPTH; i++)
		peer_post(&peer, event, strlen(event), FA_REQ_ASYNC);
}

TEST(sixteen_events_handed_over_ahead_are_served_one_after_the_other)
{
	char want[8];

	post_ahead("echo", "counter", "");
	for (uint32_t i = 0; i < FA_DEPTH; i++) {
		snprintf(want, sizeof(want), "%u", i);
		assert_answer(peer_await(&peer, i + 1), FA_DONE, want);
	}
}

TEST(what_is_taken_back_before_it_begins_is_not_served)
{
	peer_start(&peer, &(const struct peer_setup){ .file = "init", .method = "init_slow",
						      .depth = FA_DEPTH });
	for (int i = 0; i < 3; i++) /* all of them wait for init */
		peer_post(&peer, "", 0, FA_REQ_ASYNC);
	peer.want = 1;
	atomic_store(&peer.request->seq, 1);
	peer_await(&peer, 1);
	assert_int_equal(atomic_load(&peer.response->begun), 1);
	assert_int_equal(atomic_load(&peer.response->seq), 1);
	peer_await(&peer, peer_post(&peer, "", 0, FA_REQ_ASYNC));
	assert_int_equal(atomic_load(&peer.response->begun), 2);
	assert_int_equal(atomic_load(&peer.response->seq), 2);
}

/* Numbers wrap: one that was begun long ago must not be taken for one ahead. */
TEST(what_has_begun_is_said_where_nothing_can_be_taken_back_too)
{
	start("echo", "counter");
	for (uint32_t i = 1; i <= 3; i++) {
		peer_ask(&peer, "");
		assert_int_equal(atomic_load(&peer.response->begun), i);
	}
}

TEST(a_second_large_answer_waits_until_the_host_has_copied_the_first)
{
	post_ahead("echo", "big", "5000");
	for (uint32_t seq = 1; seq <= FA_DEPTH; seq++) {
		const struct fa_response_slot *slot = peer_await(&peer, seq);

		assert_int_equal(slot->len, 5000);
		assert_int_equal(slot->off, FA_BIG_OFF);
		assert_int_equal(atomic_load(&peer.response->seq), seq);
		peer_consumed(&peer, seq);
	}
}

TEST(an_awake_loop_is_not_rung)
{
	peer_start(&peer, &(const struct peer_setup){ .file = "echo", .method = "echo" });
	peer_await(&peer, peer_post(&peer, "x", 1, FA_REQ_ASYNC));
	assert_int_equal(peer_rings(&peer), 0);
}

TEST(a_sleeping_loop_is_rung_once_per_sleep)
{
	peer_start(&peer, &(const struct peer_setup){ .file = "echo", .method = "echo" });
	atomic_store(&peer.page->epoch, 1);
	peer_await(&peer, peer_post(&peer, "x", 1, FA_REQ_ASYNC));
	peer_await(&peer, peer_post(&peer, "x", 1, FA_REQ_ASYNC));
	/* the ring follows the answer, so a third one makes sure that it was rung */
	peer_await(&peer, peer_post(&peer, "x", 1, 0));
	assert_int_equal(peer_rings(&peer), 1);
	atomic_store(&peer.page->epoch, 3);
	peer_await(&peer, peer_post(&peer, "x", 1, FA_REQ_ASYNC));
	peer_await(&peer, peer_post(&peer, "x", 1, 0));
	assert_int_equal(peer_rings(&peer), 1);
}

TEST(a_synchronous_answer_does_not_ring)
{
	start("echo", "echo");
	atomic_store(&peer.page->epoch, 1);
	peer_ask(&peer, "x");
	peer_ask(&peer, "x");
	assert_int_equal(peer_rings(&peer), 0);
}

/* ---- init ------------------------------------------------------------- */

TEST(init_runs_before_the_first_event_and_hands_over_its_state)
{
	start("init", "good");
	assert_answer(peer_ask(&peer, ""), FA_DONE, "\"initialised\"");
	assert_true(atomic_load(&peer.response->init_start_ns) > 0);
	assert_true(atomic_load(&peer.response->init_done_ns) >=
		    atomic_load(&peer.response->init_start_ns));
	assert_int_equal(atomic_load(&peer.response->has_shutdown), 0);
}

TEST(a_slow_init_is_stamped_when_it_is_over)
{
	start("init", "init_slow");
	peer_ask(&peer, "");
	assert_true(atomic_load(&peer.response->init_done_ns) -
			    atomic_load(&peer.response->init_start_ns) >=
		    250000000);
}

TEST(a_start_request_is_answered_after_init)
{
	start("init", "good");
	assert_answer(peer_await(&peer, peer_post(&peer, "", 0, FA_REQ_START)), FA_STARTED, "");
	assert_answer(peer_ask(&peer, ""), FA_DONE, "\"initialised\"");
}

static long remaining_after_slow_init(uint32_t flags)
{
	start("init", "slow_remaining");
	return atol(peer_payload(&peer, peer_await(&peer, peer_post(&peer, "", 0, flags))));
}

TEST(the_time_of_init_is_the_events_own_unless_the_request_frees_it)
{
	assert_in_range(remaining_after_slow_init(0), 1, 2750);
	stop(NULL);
	assert_in_range(remaining_after_slow_init(FA_REQ_INIT_FREE), 2751, 3000);
}

TEST(the_time_of_an_event_handed_over_ahead_begins_when_its_turn_comes)
{
	peer_start(&peer, &(const struct peer_setup){ .file = "init", .method = "slow_remaining",
						      .depth = FA_DEPTH });
	peer_post(&peer, "", 0, FA_REQ_ASYNC); /* waits for init, and the second with it */
	peer_post(&peer, "", 0, FA_REQ_ASYNC);
	assert_in_range(atol(peer_payload(&peer, peer_await(&peer, 2))), 2751, 3000);
}

static void assert_init_fails(const char *file, const char *method, const char *prototype,
			      const char *type, const char *json)
{
	int status;

	peer_start(&peer, &(const struct peer_setup){ .file = file, .method = method,
						      .prototype = prototype });
	assert_error(peer_ask(&peer, "{}"), FA_INIT_FAILED, type, json);
	status = peer_exit(&peer);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
	assert_true(atomic_load(&peer.response->init_done_ns) > 0);
	stop(NULL);
}

TEST(a_failed_init_answers_the_first_request_and_exits)
{
	assert_init_fails("init", "init_fail", NULL, "Init.Refused",
			  "{\"errorType\":\"Init.Refused\",\"errorMessage\":"
			  "\"no \\\"licence\\\"\"}");
	assert_init_fails("init", "init_fail_body", NULL, "Init.Body", "{\"any\":\"thing\"}");
	assert_init_fails("init", "init_seven", NULL, "Runtime.InitError",
			  "{\"errorType\":\"Runtime.InitError\",\"errorMessage\":"
			  "\"init() of handler 'init_seven' returned 7\"}");
}

TEST(what_cannot_be_loaded_is_a_failed_init)
{
	assert_init_fails("missing", "handler", NULL, "Runtime.ImportModuleError",
			  "{\"errorType\":\"Runtime.ImportModuleError\",\"errorMessage\":"
			  "\"Unable to import module 'missing': cannot open 'missing.so' or "
			  "'missing': No such file or directory\"}");
	assert_init_fails("cfuncs", "add", "int add(", "Runtime.InvalidPrototype",
			  "{\"errorType\":\"Runtime.InvalidPrototype\",\"errorMessage\":"
			  "\"prototype, character 9: a type is missing\"}");
}

TEST(an_init_that_crashes_just_ends)
{
	start("init", "init_exit");
	assert_int_equal(WEXITSTATUS(peer_exit(&peer)), 3);
	assert_true(atomic_load(&peer.response->init_done_ns) == 0);
}

TEST(there_is_no_response_to_write_to_during_init)
{
	start("init", "init_write");
	assert_answer(peer_ask(&peer, ""), FA_DONE, "null");
}

/* ---- the end ---------------------------------------------------------- */

TEST(shutdown_runs_the_hook_and_exits_0)
{
	start("init", "polite");
	peer_ask(&peer, "");
	assert_int_equal(atomic_load(&peer.response->has_shutdown), 1);
	peer_post(&peer, "", 0, FA_REQ_SHUTDOWN);
	assert_int_equal(peer_exit(&peer), 0);
	assert_string_equal(peer_log(&peer, false), "\x1e""2goodbye\n");
}

TEST(shutdown_without_a_hook_exits_0_too)
{
	start("echo", "echo");
	peer_post(&peer, "", 0, FA_REQ_SHUTDOWN);
	assert_int_equal(peer_exit(&peer), 0);
}

TEST(a_handler_that_exits_takes_the_environment_with_it)
{
	start("echo", "exit");
	peer_post(&peer, "0", 1, 0);
	assert_int_equal(peer_exit(&peer), 0);
	assert_int_equal(atomic_load(&peer.response->seq), 0);
	stop(NULL);
	start("echo", "exit");
	peer_post(&peer, "9", 1, 0);
	assert_int_equal(WEXITSTATUS(peer_exit(&peer)), 9);
}

TEST(a_signal_ends_it_as_it_would_any_process)
{
	int status;

	start("echo", "abort");
	peer_post(&peer, "", 0, 0);
	status = peer_exit(&peer);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

/* ---- logs ------------------------------------------------------------- */

TEST(a_log_line_is_framed_and_its_newlines_replaced)
{
	const struct fa_response_slot *slot;

	start("echo", "log");
	slot = peer_ask(&peer, "two\nlines");
	assert_string_equal(peer_log(&peer, true), "\x1e""3two\rlines\n");
	assert_int_equal(slot->logged, 12);
}

TEST(a_log_line_is_cut_at_its_limit)
{
	static char event[5000];

	memset(event, 'l', sizeof(event) - 1);
	start("echo", "log");
	assert_int_equal(peer_ask(&peer, event)->logged, 1023 + 3);
	assert_int_equal(strlen(peer_log(&peer, true)), 1023 + 3);
}

TEST(standard_output_and_error_are_the_log_and_flushed_after_the_handler)
{
	const struct fa_response_slot *slot;

	start("echo", "print");
	slot = peer_ask(&peer, "x");
	assert_true(slot->logged > 0);
	assert_string_equal(peer_log(&peer, true), "out: x\nerr: x");
}

TEST(a_handler_that_says_nothing_is_known_to)
{
	start("echo", "echo");
	assert_int_equal(peer_ask(&peer, "x")->logged, 0);
	assert_int_equal(peer_ask(&peer, "x")->logged, 0);
	assert_string_equal(peer_log(&peer, false), "");
}

TEST(what_was_printed_in_init_counts_to_the_first_answer)
{
	start("init", "init_write");
	assert_true(peer_ask(&peer, "")->logged > 0);
	assert_int_equal(peer_ask(&peer, "")->logged, 0);
	assert_string_equal(peer_log(&peer, true), "in init\n");
}

/* ---- C functions ------------------------------------------------------ */

TEST(a_c_function_is_called_by_its_prototype)
{
	peer_start(&peer, &(const struct peer_setup){
				  .file = "cfuncs", .method = "split",
				  .prototype = "double split(double x, out double *whole)" });
	assert_answer(peer_ask(&peer, "[1.5]"), FA_DONE, "{\"result\":0.5,\"whole\":1}");
	assert_error(peer_ask(&peer, "[]"), FA_FAILED, "Runtime.BadArgument",
		     "{\"errorType\":\"Runtime.BadArgument\",\"errorMessage\":"
		     "\"split takes 1 argument, not 0\"}");
	assert_answer(peer_ask(&peer, "[2.25]"), FA_DONE, "{\"result\":0.25,\"whole\":2}");
}

TEST(a_c_function_is_called_by_the_header_beside_it)
{
	start("cfuncs", "add");
	assert_answer(peer_ask(&peer, "[40, 2]"), FA_DONE, "42");
}

/* ---- memory ----------------------------------------------------------- */

static long dirty_kb(pid_t pid)
{
	char path[64], line[256];
	long sum = 0, kb;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "Private_Dirty: %ld", &kb) == 1)
			sum += kb;
	if (file)
		fclose(file);
	return sum;
}

/* A sanitizer's own memory is no fault of ours. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED
#endif

/*
 * The areas are shared and counted elsewhere; what is forked from us is not dirty yet, but for
 * the pages that we write to meanwhile. So the least of a few counts.
 */
TEST(an_idle_environment_owns_little_memory)
{
	long least = LONG_MAX;

	sync(); /* pages of a file that was built just now are dirty until they are written */
	for (int i = 0; i < 5; i++) {
		long kb;

		start("echo", "echo");
		peer_ask(&peer, "x");
		kb = dirty_kb(peer.pid);
		least = kb < least ? kb : least;
		stop(NULL);
	}
	print_message("# %ld KB private and dirty\n", least);
#ifndef SANITIZED
	assert_in_range(least, 1, 128);
#endif
}

#define RUN(test) cmocka_unit_test_teardown(test, stop)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		RUN(the_event_reaches_the_handler_and_its_answer_comes_back),
		RUN(the_environment_keeps_its_memory_between_requests),
		RUN(many_requests_in_a_row_are_answered_in_order),
		RUN(the_context_tells_what_the_request_says),
		RUN(what_a_request_does_not_say_is_null),
		RUN(the_environment_variables_are_the_functions_own_and_lambdas),
		RUN(an_error_of_the_handler_replaces_what_it_wrote_and_keeps_it_warm),
		RUN(an_error_may_have_a_body_of_its_own),
		RUN(a_failure_stays_one_when_the_handler_returns_0),
		RUN(a_return_value_alone_is_an_error_that_names_it),
		RUN(an_answer_lies_in_its_slot_up_to_the_limit_and_elsewhere_beyond),
		RUN(an_answer_beyond_the_limit_is_told_and_survived),
		RUN(an_answer_may_grow_byte_by_byte),
		RUN(the_largest_event_arrives_whole),
		RUN(a_part_of_the_event_is_the_answer_without_a_copy),
		RUN(a_part_of_the_event_with_more_behind_it_is_copied),
		RUN(the_body_of_an_error_may_be_a_part_of_the_event),
		RUN(faas_alloc_gives_up_to_the_memory_of_the_function_and_takes_it_back),
		RUN(sixteen_events_handed_over_ahead_are_served_one_after_the_other),
		RUN(a_second_large_answer_waits_until_the_host_has_copied_the_first),
		RUN(what_is_taken_back_before_it_begins_is_not_served),
		RUN(what_has_begun_is_said_where_nothing_can_be_taken_back_too),
		RUN(an_awake_loop_is_not_rung),
		RUN(a_sleeping_loop_is_rung_once_per_sleep),
		RUN(a_synchronous_answer_does_not_ring),
		RUN(init_runs_before_the_first_event_and_hands_over_its_state),
		RUN(a_slow_init_is_stamped_when_it_is_over),
		RUN(a_start_request_is_answered_after_init),
		RUN(the_time_of_init_is_the_events_own_unless_the_request_frees_it),
		RUN(the_time_of_an_event_handed_over_ahead_begins_when_its_turn_comes),
		RUN(a_failed_init_answers_the_first_request_and_exits),
		RUN(what_cannot_be_loaded_is_a_failed_init),
		RUN(an_init_that_crashes_just_ends),
		RUN(there_is_no_response_to_write_to_during_init),
		RUN(shutdown_runs_the_hook_and_exits_0),
		RUN(shutdown_without_a_hook_exits_0_too),
		RUN(a_handler_that_exits_takes_the_environment_with_it),
		RUN(a_signal_ends_it_as_it_would_any_process),
		RUN(a_log_line_is_framed_and_its_newlines_replaced),
		RUN(a_log_line_is_cut_at_its_limit),
		RUN(standard_output_and_error_are_the_log_and_flushed_after_the_handler),
		RUN(a_handler_that_says_nothing_is_known_to),
		RUN(what_was_printed_in_init_counts_to_the_first_answer),
		RUN(a_c_function_is_called_by_its_prototype),
		RUN(a_c_function_is_called_by_the_header_beside_it),
		RUN(an_idle_environment_owns_little_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
