/* SPDX-License-Identifier: MIT */
#include <support/test.h>

#include <signal.h>
#include <base/json.h>
#include <model/function.h>
#include <outcome/outcome.h>

#define ID "8f5a1f9e-2b1c-4d4e-9a53-0a1b2c3d4e5f"
#define BODY(type, what) \
	"{\"errorType\":\"" type "\",\"errorMessage\":\"RequestId: " ID " Error: " what "\"}"
#define MS INT64_C(1000000)

static struct fa_version version;
static struct fa_job job;
static struct fa_outcome outcome;

static int setup(void **state)
{
	(void)state;
	version = (struct fa_version){ .config = { .timeout_ms = 3000, .memory_mb = 512 } };
	job = (struct fa_job){
		.request_id = ID,
		.start_ns = 1000 * MS,
		.end_ns = 1003 * MS + 1,
		.init_ns = 6 * MS,
		.answer = { "answer", 6 },
	};
	memset(&outcome, 0x5a, sizeof(outcome));
	return 0;
}

static void judge(enum fa_verdict verdict)
{
	job.verdict = verdict;
	fa_outcome_judge(&outcome, &job, &version, NULL);
	assert_int_equal(strnlen(outcome.error_type, sizeof(outcome.error_type)),
			 strlen(outcome.error_type));
}

static void assert_payload(const char *expected)
{
	assert_int_equal(outcome.payload.len, strlen(expected));
	assert_memory_equal(outcome.payload.data, expected, strlen(expected));
}

static void assert_told(int code, const char *type, const char *status, const char *payload)
{
	assert_int_equal(outcome.code, code);
	assert_string_equal(outcome.error_type, type);
	assert_string_equal(outcome.status, status);
	assert_payload(payload);
}

TEST(a_reply_is_handed_on_as_it_is)
{
	judge(FA_REPLIED);
	assert_told(FAAS_OK, "", "success", "answer");
	assert_ptr_equal(outcome.payload.data, job.answer.data);
	assert_string_equal(outcome.body, "");
}

TEST(an_error_of_the_handler_is_handed_on_as_it_is)
{
	strcpy(job.error_type, "ValueError");
	judge(FA_ERRED);
	assert_told(FAAS_EFUNCTION, "ValueError", "error", "answer");
	assert_ptr_equal(outcome.payload.data, job.answer.data);
}

TEST(an_error_of_init_is_the_answer_to_the_event)
{
	strcpy(job.error_type, "Runtime.HandlerNotFound");
	judge(FA_INIT_ERRED);
	assert_told(FAAS_EFUNCTION, "Runtime.HandlerNotFound", "error", "answer");
}

TEST(an_error_without_a_type_is_called_unknown)
{
	judge(FA_ERRED);
	assert_string_equal(outcome.error_type, "Runtime.Unknown");
}

TEST(a_type_that_fills_its_field_is_cut_by_its_end)
{
	memset(job.error_type, 'x', sizeof(job.error_type)); /* no NUL: hostile */
	judge(FA_ERRED);
	assert_int_equal(strlen(outcome.error_type), sizeof(outcome.error_type) - 1);
}

TEST(a_response_that_is_too_large_is_refused_in_aws_words)
{
	judge(FA_OVERSIZE);
	assert_told(FAAS_EFUNCTION, "Function.ResponseSizeTooLarge", "error",
		    "{\"errorMessage\":\"Response payload size exceeded maximum allowed payload "
		    "size (6291556 bytes).\",\"errorType\":\"Function.ResponseSizeTooLarge\"}");
}

TEST(a_timeout_says_after_how_many_seconds)
{
	judge(FA_TIMED_OUT);
	assert_told(FAAS_ETIMEOUT, "Sandbox.Timedout", "timeout",
		    BODY("Sandbox.Timedout", "Task timed out after 3.00 seconds"));
}

TEST(seconds_have_two_digits_behind_the_point_whatever_the_timeout)
{
	static const struct {
		int timeout_ms;
		const char *text;
	} cases[] = {
		{ 1, BODY("Sandbox.Timedout", "Task timed out after 0.00 seconds") },
		{ 50, BODY("Sandbox.Timedout", "Task timed out after 0.05 seconds") },
		{ 1250, BODY("Sandbox.Timedout", "Task timed out after 1.25 seconds") },
		{ 1999, BODY("Sandbox.Timedout", "Task timed out after 2.00 seconds") },
		{ 900000, BODY("Sandbox.Timedout", "Task timed out after 900.00 seconds") },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		version.config.timeout_ms = cases[i].timeout_ms;
		judge(FA_TIMED_OUT);
		assert_payload(cases[i].text);
	}
}

#define EXITED(n) ((n) << 8)

static void assert_exit(int wait_status, const char *body)
{
	job.wait_status = wait_status;
	judge(FA_EXITED);
	assert_told(FAAS_EFUNCTION, "Runtime.ExitError", "error", body);
}

TEST(an_exit_tells_its_status)
{
	assert_exit(EXITED(1), BODY("Runtime.ExitError",
				    "Runtime exited with error: exit status 1"));
	assert_exit(EXITED(127), BODY("Runtime.ExitError",
				      "Runtime exited with error: exit status 127"));
	assert_exit(EXITED(255), BODY("Runtime.ExitError",
				      "Runtime exited with error: exit status 255"));
}

TEST(an_exit_with_status_0_has_no_reason_and_is_no_success)
{
	assert_exit(EXITED(0),
		    BODY("Runtime.ExitError", "Runtime exited without providing a reason"));
}

#define SIGNAL(name) BODY("Runtime.ExitError", "Runtime exited with error: signal: " name)

TEST(a_death_by_signal_is_named_as_go_names_it)
{
	assert_exit(SIGHUP, SIGNAL("hangup"));
	assert_exit(SIGILL, SIGNAL("illegal instruction"));
	assert_exit(SIGTRAP, SIGNAL("trace/breakpoint trap"));
	assert_exit(SIGABRT, SIGNAL("aborted"));
	assert_exit(SIGBUS, SIGNAL("bus error"));
	assert_exit(SIGFPE, SIGNAL("floating point exception"));
	assert_exit(SIGKILL, SIGNAL("killed"));
	assert_exit(SIGUSR2, SIGNAL("user defined signal 2"));
	assert_exit(SIGSEGV, SIGNAL("segmentation fault"));
	assert_exit(SIGPIPE, SIGNAL("broken pipe"));
	assert_exit(SIGALRM, SIGNAL("alarm clock"));
	assert_exit(SIGTERM, SIGNAL("terminated"));
	assert_exit(SIGXCPU, SIGNAL("CPU time limit exceeded"));
	assert_exit(SIGXFSZ, SIGNAL("file size limit exceeded"));
	assert_exit(SIGSYS, SIGNAL("bad system call"));
}

TEST(a_signal_without_a_name_is_told_by_its_number)
{
	assert_exit(32, SIGNAL("signal 32"));
	assert_exit(64, SIGNAL("signal 64"));
}

TEST(every_signal_has_a_text_that_is_json)
{
	for (int number = 1; number <= 64; number++) {
		job.wait_status = number;
		judge(FA_EXITED);
		assert_true(fa_json_valid(outcome.payload.data, outcome.payload.len, NULL));
		assert_null(strstr(outcome.body, "signal: \""));
	}
}

TEST(a_core_dump_changes_nothing)
{
	assert_exit(SIGSEGV | 0x80, SIGNAL("segmentation fault"));
}

TEST(out_of_memory_is_told_as_killed_but_known_as_such)
{
	job.wait_status = SIGKILL;
	judge(FA_STARVED);
	assert_told(FAAS_EFUNCTION, "Runtime.OutOfMemory", "error", SIGNAL("killed"));
}

TEST(a_violation_says_which)
{
	strcpy(job.why, "a response of unknown status");
	judge(FA_VIOLATED);
	assert_told(FAAS_EFUNCTION, "Runtime.ProtocolError", "error",
		    BODY("Runtime.ProtocolError",
			 "Runtime broke the protocol: a response of unknown status"));
}

TEST(a_cancelled_invocation_says_so)
{
	judge(FA_CANCELED);
	assert_told(FAAS_ECANCELED, "Sandbox.Canceled", "error",
		    BODY("Sandbox.Canceled", "The invocation was canceled"));
}

TEST(an_environment_that_could_not_be_made_says_why_and_costs_nothing)
{
	strcpy(job.why, "Resource temporarily unavailable");
	judge(FA_NO_BIRTH);
	assert_told(FAAS_ESYSTEM, "ServiceException", "error",
		    BODY("ServiceException", "The execution environment could not be started: "
					     "Resource temporarily unavailable"));
	assert_int_equal(outcome.billed_ms, 0);
	assert_true(outcome.gb_seconds == 0.0 && outcome.cost == 0.0);
}

TEST(a_reason_full_of_quotes_is_escaped)
{
	strcpy(job.why, "a \"b\"\n");
	judge(FA_VIOLATED);
	assert_payload(BODY("Runtime.ProtocolError",
			    "Runtime broke the protocol: a \\\"b\\\"\\n"));
}

TEST(a_body_is_json_however_long_the_reason_becomes)
{
	memset(job.why, 1, sizeof(job.why)); /* six bytes each, and no NUL */
	judge(FA_VIOLATED);
	assert_true(outcome.payload.len < sizeof(outcome.body));
	assert_int_equal(strlen(outcome.body), outcome.payload.len);
	assert_true(fa_json_valid(outcome.payload.data, outcome.payload.len, NULL));
}

TEST(what_ran_is_billed_whatever_came_of_it)
{
	for (enum fa_verdict verdict = FA_REPLIED; verdict <= FA_CANCELED; verdict++) {
		setup(NULL);
		judge(verdict);
		assert_int_equal(outcome.billed_ms, 10); /* 3.000001 + 6 */
		assert_true(outcome.gb_seconds == 0.5 * 0.01);
		assert_true(outcome.cost == fa_cost(NULL, 0.5 * 0.01));
	}
}

/* AWS's own example: 127.10 ms and 26 ms are 154. */
TEST(a_restore_is_billed_in_whole_milliseconds)
{
	job.end_ns = job.start_ns + 127100000;
	job.init_ns = 25300000;
	judge(FA_REPLIED);
	assert_int_equal(outcome.billed_ms, 153); /* an init is not */
	version.snapshot = true;
	judge(FA_REPLIED);
	assert_int_equal(outcome.billed_ms, 154);
	job.init_ns = 0;
	judge(FA_REPLIED);
	assert_int_equal(outcome.billed_ms, 128);
}

TEST(prices_of_the_runtime_are_used)
{
	const struct faas_prices prices = { .per_request = 1, .per_gb_second = 100 };

	job.verdict = FA_REPLIED;
	fa_outcome_judge(&outcome, &job, &version, &prices);
	assert_true(outcome.cost == 1.5);
}

#define ROW(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(a_reply_is_handed_on_as_it_is),
		ROW(an_error_of_the_handler_is_handed_on_as_it_is),
		ROW(an_error_of_init_is_the_answer_to_the_event),
		ROW(an_error_without_a_type_is_called_unknown),
		ROW(a_type_that_fills_its_field_is_cut_by_its_end),
		ROW(a_response_that_is_too_large_is_refused_in_aws_words),
		ROW(a_timeout_says_after_how_many_seconds),
		ROW(seconds_have_two_digits_behind_the_point_whatever_the_timeout),
		ROW(an_exit_tells_its_status),
		ROW(an_exit_with_status_0_has_no_reason_and_is_no_success),
		ROW(a_death_by_signal_is_named_as_go_names_it),
		ROW(a_signal_without_a_name_is_told_by_its_number),
		ROW(every_signal_has_a_text_that_is_json),
		ROW(a_core_dump_changes_nothing),
		ROW(out_of_memory_is_told_as_killed_but_known_as_such),
		ROW(a_violation_says_which),
		ROW(a_cancelled_invocation_says_so),
		ROW(an_environment_that_could_not_be_made_says_why_and_costs_nothing),
		ROW(a_reason_full_of_quotes_is_escaped),
		ROW(a_body_is_json_however_long_the_reason_becomes),
		ROW(what_ran_is_billed_whatever_came_of_it),
		ROW(a_restore_is_billed_in_whole_milliseconds),
		ROW(prices_of_the_runtime_are_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
