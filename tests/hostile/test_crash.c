/* SPDX-License-Identifier: MIT */
/* A function that crashes, exits or never comes back (H01 to H13, H47, H49). */
#include <stdio.h>

#include "cases.h"

static const struct hostile rows[] = {
	/* crashes */
	{ "a_segmentation_fault_is_an_exit_error_by_name", "crash.segfault", .verdicts = CRASHED,
	  .cause = "signal: segmentation fault" },
	{ "an_abort_is_an_exit_error_by_name", "crash.call_abort", .verdicts = CRASHED,
	  .cause = "signal: aborted" },
	{ "an_illegal_instruction_is_an_exit_error_by_name", "crash.illegal_instruction",
	  .verdicts = CRASHED, .cause = "signal: illegal instruction" },
	{ "a_division_by_zero_is_an_exit_error_by_name", "crash.divide_by_zero",
	  .verdicts = CRASHED, .cause = "signal: floating point exception" },
	{ "a_bus_error_is_an_exit_error_by_name", "crash.bus_error", .verdicts = CRASHED,
	  .cause = "signal: bus error" },
	{ "a_stack_overflow_is_a_segmentation_fault", "crash.overflow_stack", .verdicts = CRASHED,
	  .cause = "signal: segmentation fault", .timeout_ms = 2000 },
	{ "a_stack_overflow_in_a_thread_is_a_segmentation_fault",
	  "crash.overflow_stack_of_a_thread", .verdicts = CRASHED,
	  .cause = "signal: segmentation fault", .timeout_ms = 2000 },
	{ "a_corrupt_heap_ends_the_function_only", "crash.corrupt_heap", .verdicts = CRASHED },
	{ "a_corrupt_heap_behind_a_good_answer_harms_nobody", "crash.corrupt_heap_then_succeed",
	  .verdicts = ANSWERED | CRASHED, .traits = POISONED },
	{ "a_longjmp_out_of_the_frame_ends_the_function_only", "crash.jump_out_of_the_frame",
	  .verdicts = CRASHED | TIMED_OUT },
	{ "an_uncaught_exception_is_an_abort", "crash.throw_an_exception", .verdicts = CRASHED,
	  .cause = "signal: aborted", .timeout_ms = 2000 },
	{ "a_fault_within_a_signal_handler_ends_the_function",
	  "crash.handle_segv_and_fault_again", .verdicts = CRASHED,
	  .cause = "signal: segmentation fault" },
	{ "a_fault_that_is_caught_for_ever_ends_at_the_deadline",
	  "crash.handle_segv_and_return_for_ever", .verdicts = TIMED_OUT },

	/* exits */
	{ "exit_0_is_not_an_answer", "exit.exit_with_0", .verdicts = CRASHED, .cause = "" },
	{ "underscore_exit_0_is_not_an_answer", "exit.underscore_exit_with_0",
	  .verdicts = CRASHED, .cause = "" },
	{ "exit_3_is_told_by_its_status", "exit.exit_with_3", .verdicts = CRASHED,
	  .cause = "exit status 3" },
	{ "exit_255_is_told_by_its_status", "exit.exit_with_255", .verdicts = CRASHED,
	  .cause = "exit status 255" },
	{ "an_answer_written_but_not_returned_is_no_answer", "exit.answer_then_exit_with_0",
	  .verdicts = CRASHED, .cause = "" },
	{ "an_exit_in_a_thread_ends_the_invocation", "exit.exit_in_a_thread",
	  .verdicts = CRASHED, .cause = "exit status 7" },
	{ "a_handler_whose_thread_ends_alone_times_out", "exit.end_only_the_thread",
	  .verdicts = TIMED_OUT | CRASHED },
	{ "an_exit_handler_that_hangs_times_out", "exit.hang_at_exit", .verdicts = TIMED_OUT },

	/* loops */
	{ "an_endless_loop_ends_at_the_deadline", "loop.spin", .verdicts = TIMED_OUT },
	{ "ignoring_every_signal_does_not_help_a_loop", "loop.spin_ignoring_signals",
	  .verdicts = TIMED_OUT },
	{ "a_handler_that_stops_itself_ends_by_the_deadline", "loop.stop_itself",
	  .verdicts = TIMED_OUT | CRASHED },
	{ "a_sleep_for_ever_ends_at_the_deadline", "loop.sleep_for_ever", .verdicts = TIMED_OUT },
	{ "a_deadlock_ends_at_the_deadline", "loop.lock_twice", .verdicts = TIMED_OUT },
	{ "an_answer_after_the_deadline_is_a_timeout", "loop.answer_late", "{\"ms\":310}",
	  .verdicts = TIMED_OUT },
	{ "a_handler_that_kills_itself_is_reported_or_ends_by_the_deadline", "loop.kill_itself",
	  .verdicts = CRASHED | TIMED_OUT, .cause = "signal: killed" },
	{ "a_timeout_of_1_ms_is_kept", "loop.spin", .verdicts = TIMED_OUT, .timeout_ms = 1,
	  .traits = HOPELESS },
};

/* H49: whichever side of the deadline the answer falls on, it is one of two verdicts. */
TEST(an_answer_around_the_deadline_is_either_in_time_or_not)
{
	unsigned in_time = 0, too_late = 0;

	hostile_begin();
	harness_function(FAAS_FUNCTION(.name = "victim", .timeout_ms = 20,
				       .handler = "loop.answer_at_the_deadline"));
	for (int i = 0; i < 200; i++) {
		char event[32];
		struct outcome out;

		snprintf(event, sizeof(event), "{\"us\":%d}", (i * 37) % 5000 - 1500);
		harness_invoke(i % WAYS, "victim", event, &out);
		if (verdict_of(&out) == ANSWERED)
			in_time++;
		else if (verdict_of(&out) == TIMED_OUT)
			too_late++;
		else
			fail_msg("%s: %s", verdict_name(verdict_of(&out)), out.payload);
	}
	print_message("# %u in time, %u too late\n", in_time, too_late);
	harness_delete("victim");
	hostile_end();
	assert_true(too_late > 0);
}

/* The late answer belongs to a dead environment: nobody else may get it. */
TEST(a_late_answer_never_reaches_a_later_event)
{
	unsigned too_late = 0;

	hostile_begin();
	harness_function(FAAS_FUNCTION(.name = "victim", .timeout_ms = 50,
				       .handler = "loop.answer_late"));
	for (int i = 0; i < 20; i++) {
		struct outcome out;

		/* On a busy machine the host may look later, and find an answer. */
		harness_invoke(i % WAYS, "victim", "{\"ms\":53}", &out);
		too_late += verdict_of(&out) == TIMED_OUT;
		assert_true(verdict_of(&out) & (TIMED_OUT | ANSWERED));
		harness_invoke((i + 1) % WAYS, "victim", "\"behave\"", &out);
		assert_string_equal(out.payload, "\"fine\"");
	}
	assert_true(too_late > 0);
	harness_delete("victim");
	hostile_end();
}

/* A function's own error is no crash: the environment stays. */
TEST(two_crashing_functions_do_not_disturb_each_other)
{
	hostile_begin();
	harness_function(FAAS_FUNCTION(.name = "victim", .handler = "crash.segfault"));
	harness_function(FAAS_FUNCTION(.name = "other", .handler = "exit.exit_with_3"));
	for (int i = 0; i < 20; i++) {
		struct outcome out;

		harness_invoke(i % WAYS, i & 2 ? "victim" : "other", "{}", &out);
		assert_string_equal(out.type, "Runtime.ExitError");
		harness_invoke(i % WAYS, i & 2 ? "other" : "victim", "\"behave\"", &out);
		assert_string_equal(out.payload, "\"fine\"");
	}
	harness_delete("victim");
	harness_delete("other");
	hostile_end();
}

int main(void)
{
	const struct CMUnitTest others[] = {
		cmocka_unit_test(an_answer_around_the_deadline_is_either_in_time_or_not),
		cmocka_unit_test(a_late_answer_never_reaches_a_later_event),
		cmocka_unit_test(two_crashing_functions_do_not_disturb_each_other),
	};

	return run_hostile_group("crash", rows, COUNT(rows), others, COUNT(others));
}
