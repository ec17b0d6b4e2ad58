/* SPDX-License-Identifier: MIT */
/* A function that misuses descriptors and standard output (H22 to H29, I15 to I17). */
#include "cases.h"

#define MB (1024 * 1024)

static const struct hostile rows[] = {
	/* descriptors */
	{ "descriptors_used_up_are_the_functions_own_trouble", "descriptors.exhaust",
	  .verdicts = ANSWERED | CRASHED, .traits = POISONED },
	{ "closing_every_descriptor_and_hanging_ends_at_the_deadline",
	  "descriptors.close_all_and_hang", .verdicts = TIMED_OUT | VIOLATED },
	{ "closing_every_descriptor_and_exiting_is_an_exit", "descriptors.close_all_and_exit",
	  .verdicts = CRASHED, .cause = "" },
	{ "closing_every_descriptor_and_answering_harms_nobody",
	  "descriptors.close_all_and_answer",
	  .verdicts = ANSWERED | TIMED_OUT | VIOLATED | CRASHED, .traits = POISONED },
	{ "dev_null_in_place_of_every_descriptor_harms_nobody",
	  "descriptors.replace_all_by_dev_null",
	  .verdicts = ANSWERED | TIMED_OUT | VIOLATED | CRASHED, .traits = POISONED },
	{ "a_full_pipe_in_place_of_every_descriptor_harms_nobody",
	  "descriptors.replace_all_by_a_full_pipe",
	  .verdicts = ANSWERED | TIMED_OUT | VIOLATED | CRASHED, .traits = POISONED },
	{ "changed_flags_of_shared_descriptors_do_not_block_the_host",
	  "descriptors.change_all_flags", .verdicts = ANSWERED | TIMED_OUT | VIOLATED | CRASHED,
	  .traits = POISONED },
	{ "sockets_shut_down_from_inside_do_not_make_the_host_spin",
	  "descriptors.shut_all_sockets_down", .verdicts = ANSWERED | TIMED_OUT | VIOLATED,
	  .traits = POISONED },
	{ "reading_everything_dry_harms_nobody", "descriptors.read_all_dry",
	  .verdicts = ANSWERED | TIMED_OUT | VIOLATED, .traits = POISONED },
	{ "extreme_socket_buffers_harm_nobody", "descriptors.set_extreme_buffer_sizes",
	  .verdicts = ANSWERED | TIMED_OUT | VIOLATED, .traits = POISONED },
	{ "a_function_holds_no_descriptor_that_speaks_for_its_keepers",
	  "descriptors.list_what_it_holds", .verdicts = ANSWERED, .answer = "\"denied\"" },

	/* output */
	{ "an_endless_flood_of_output_ends_at_the_deadline", "output.flood_stdout",
	  .verdicts = TIMED_OUT },
	{ "64_mb_of_lines_do_not_stop_an_answer", "output.write_lines", "{\"mb\":64}",
	  .verdicts = ANSWERED, .answer = "\"done\"", .timeout_ms = 20000 },
	{ "one_line_of_100_mb_does_not_stop_an_answer", "output.write_one_long_line",
	  "{\"mb\":100}", .verdicts = ANSWERED, .answer = "\"done\"", .timeout_ms = 20000 },
	{ "binary_output_is_only_output", "output.write_binary", .verdicts = ANSWERED,
	  .answer = "\"done\"", .timeout_ms = 3000 },
	{ "forged_log_frames_are_only_output", "output.forge_log_frames", .verdicts = ANSWERED,
	  .answer = "\"done\"", .timeout_ms = 3000 },
	{ "a_flood_by_faas_log_does_not_stop_an_answer", "output.flood_faas_log",
	  .verdicts = ANSWERED, .answer = "\"done\"", .timeout_ms = 10000 },
	{ "writing_to_a_closed_standard_output_is_harmless", "output.close_stdout_and_write",
	  .verdicts = ANSWERED, .answer = "\"done\"", .traits = POISONED },
	{ "a_shrunken_log_pipe_is_harmless", "output.shrink_the_pipe", .verdicts = ANSWERED,
	  .answer = "\"done\"", .timeout_ms = 3000, .traits = POISONED },
	{ "a_log_pipe_reopened_for_reading_is_harmless", "output.reopen_the_pipe_for_reading",
	  .verdicts = ANSWERED, .answer = "\"done\"", .timeout_ms = 3000, .traits = POISONED },
	{ "output_that_goes_on_after_the_answer_is_harmless",
	  "output.write_on_after_the_answer", .verdicts = ANSWERED, .answer = "\"done\"",
	  .traits = POISONED },
};

TEST(output_is_cut_at_a_budget_and_the_rest_is_counted)
{
	const uint64_t seen = harness_log_bytes(), dropped = harness_log_dropped();
	struct outcome out;

	hostile_begin();
	harness_function(FAAS_FUNCTION(.name = "victim", .handler = "output.write_lines",
				       .timeout_ms = 20000));
	harness_invoke(DIRECTLY, "victim", "{\"mb\":16}", &out);
	assert_string_equal(out.payload, "\"done\"");
	harness_delete("victim");
	hostile_end();
	print_message("# of 16 MB %lu bytes came through, %lu were dropped\n",
		      (unsigned long)(harness_log_bytes() - seen),
		      (unsigned long)(harness_log_dropped() - dropped));
	assert_true(harness_log_bytes() - seen <= 3 * MB);
	assert_true(harness_log_dropped() - dropped >= 12 * MB);
}

/* The loop serves others while it reads: the neighbour's worst call stays bounded. */
TEST(a_flood_of_output_does_not_hold_the_loop)
{
	uint64_t calls, errors;
	double worst_ms;
	struct outcome out;

	hostile_begin();
	harness_function(FAAS_FUNCTION(.name = "victim", .handler = "output.flood_stdout",
				       .timeout_ms = 1000));
	harness_invoke(BY_LOOP, "victim", "{}", &out);
	harness_load_end(&calls, &errors, &worst_ms);
	print_message("# neighbour: %lu calls, worst %.1f ms\n", (unsigned long)calls, worst_ms);
	assert_string_equal(out.type, "Sandbox.Timedout");
	assert_true(calls > 20);
	assert_int_equal(errors, 0);
	assert_true(worst_ms < 500);
	harness_load_begin();
	harness_delete("victim");
	hostile_end();
}

int main(void)
{
	const struct CMUnitTest others[] = {
		cmocka_unit_test(output_is_cut_at_a_budget_and_the_rest_is_counted),
		cmocka_unit_test(a_flood_of_output_does_not_hold_the_loop),
	};

	return run_hostile_group("output", rows, COUNT(rows), others, COUNT(others));
}
