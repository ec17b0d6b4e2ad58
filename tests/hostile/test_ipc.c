/* SPDX-License-Identifier: MIT */
/* A peer that speaks the protocol by hand, and lies (H25, H38, H39, H48, H51, I01 to I22). */
#include <stdio.h>
#include <time.h>

#include "cases.h"

#define NEVER_A_REPAIR (VIOLATED | TIMED_OUT)
#define TOO_LONG "a stream that is longer than its place"

static const struct hostile rows[] = {
	{ "an_honest_answer_by_hand_is_believed", "ipc.answer_by_hand", .verdicts = ANSWERED,
	  .answer = "\"by hand\"", .traits = POISONED },

	/* one false word each */
	{ "a_token_with_its_lowest_bit_changed_is_a_violation", "ipc.answer_with_a_wrong_token",
	  "{\"xor\":1}", .verdicts = VIOLATED },
	{ "a_token_with_its_upper_half_changed_is_a_violation", "ipc.answer_with_a_wrong_token",
	  "{\"xor\":4294967296}", .verdicts = VIOLATED },
	{ "a_length_beyond_the_slot_is_a_violation", "ipc.answer_from_elsewhere", "{\"len\":1921}",
	  .verdicts = VIOLATED },
	{ "a_length_beyond_the_limit_is_a_violation", "ipc.answer_from_elsewhere",
	  "{\"len\":6291557,\"off\":32768}", .verdicts = VIOLATED },
	{ "a_length_of_the_area_and_one_is_a_violation", "ipc.answer_from_elsewhere",
	  "{\"len\":6328321,\"off\":32768}", .verdicts = VIOLATED },
	{ "a_length_of_2_to_the_31_is_a_violation", "ipc.answer_from_elsewhere",
	  "{\"len\":2147483648,\"off\":32768}", .verdicts = VIOLATED },
	{ "a_length_of_2_to_the_32_less_1_is_a_violation", "ipc.answer_from_elsewhere",
	  "{\"len\":4294967295}", .verdicts = VIOLATED },
	{ "a_length_that_wraps_with_its_place_is_a_violation", "ipc.answer_from_elsewhere",
	  "{\"len\":8192,\"off\":4294963200}", .verdicts = VIOLATED },
	{ "a_place_behind_the_area_is_a_violation", "ipc.answer_from_elsewhere",
	  "{\"off\":6328320}", .verdicts = VIOLATED },
	{ "a_place_of_2_to_the_32_less_1_is_a_violation", "ipc.answer_from_elsewhere",
	  "{\"off\":4294967295}", .verdicts = VIOLATED },
	{ "a_place_in_the_head_is_a_violation", "ipc.answer_from_elsewhere", "{\"off\":0}",
	  .verdicts = VIOLATED | ANSWERED, .traits = POISONED },
	{ "a_part_of_the_event_by_hand_is_believed", "ipc.answer_from_elsewhere",
	  "{\"len\":3,\"off\":2147483650}", .verdicts = ANSWERED, .answer = "len",
	  .traits = POISONED },
	{ "a_part_of_the_event_with_a_byte_behind_it_is_a_violation", "ipc.answer_from_elsewhere",
	  "{\"len\":27,\"off\":2147483649}", .verdicts = VIOLATED },
	{ "a_part_that_begins_behind_the_event_is_a_violation", "ipc.answer_from_elsewhere",
	  "{\"len\":0,\"off\":2147483674}", .verdicts = VIOLATED },
	{ "status_0_is_a_violation", "ipc.answer_with_a_status", "{\"status\":0}",
	  .verdicts = VIOLATED },
	{ "status_6_is_a_violation", "ipc.answer_with_a_status", "{\"status\":6}",
	  .verdicts = VIOLATED },
	{ "status_of_2_to_the_32_less_1_is_a_violation", "ipc.answer_with_a_status",
	  "{\"status\":4294967295}", .verdicts = VIOLATED },
	{ "started_is_no_answer_to_an_event", "ipc.answer_with_a_status", "{\"status\":5}",
	  .verdicts = VIOLATED },
	{ "init_failed_long_after_init_ends_the_environment", "ipc.answer_with_a_status",
	  "{\"status\":3}", .verdicts = VIOLATED | FAILED | UNLOADED, .traits = POISONED },
	{ "an_error_type_without_end_is_cut", "ipc.fail_with_an_endless_type",
	  .verdicts = FAILED | VIOLATED, .traits = POISONED },
	{ "a_sequence_number_one_too_far_is_a_violation", "ipc.jump_ahead", "{\"by\":1}",
	  .verdicts = VIOLATED },
	{ "a_sequence_number_1000_too_far_is_a_violation", "ipc.jump_ahead", "{\"by\":1000}",
	  .verdicts = VIOLATED },
	{ "a_sequence_number_half_way_round_is_a_violation", "ipc.jump_ahead",
	  "{\"by\":2147483648}", .verdicts = VIOLATED },
	{ "a_sequence_number_that_goes_back_is_no_answer", "ipc.jump_ahead",
	  "{\"by\":4294967294}", .verdicts = NEVER_A_REPAIR },
	{ "of_two_answers_one_counts", "ipc.answer_twice", .verdicts = ANSWERED | VIOLATED,
	  .traits = POISONED },
	{ "an_answer_before_its_request_harms_nobody", "ipc.answer_before_the_request",
	  .verdicts = ANSWERED | VIOLATED, .answer = "\"done\"", .traits = POISONED },

	/* the areas */
	{ "noise_all_over_the_response_is_a_violation_or_nothing",
	  "areas.scribble_over_the_response", .verdicts = NEVER_A_REPAIR | CRASHED },
	{ "noise_in_the_slot_under_a_right_token_is_a_violation", "areas.scribble_over_the_slot",
	  .verdicts = VIOLATED },
	{ "an_answer_rewritten_while_it_is_read_stays_within_bounds",
	  "areas.rewrite_the_answer_while_it_is_read", .verdicts = ANSWERED | VIOLATED,
	  .traits = POISONED },
	{ "the_request_cannot_be_written", "areas.write_to_the_request", .verdicts = CRASHED,
	  .cause = "signal: segmentation fault" },
	{ "the_request_cannot_be_made_writable", "areas.make_the_request_writable",
	  .verdicts = ANSWERED, .answer = "\"denied\"" },
	{ "areas_punched_and_truncated_do_not_fault_the_host", "areas.take_the_areas_away",
	  .verdicts = NEVER_A_REPAIR | CRASHED },
	{ "areas_unmapped_by_the_function_time_out", "areas.unmap_the_areas_and_hang",
	  .verdicts = TIMED_OUT },
	{ "areas_unmapped_under_the_worker_are_its_own_crash", "areas.unmap_the_areas_and_return",
	  .verdicts = CRASHED, .cause = "signal: segmentation fault" },

	/* parts */
	{ "a_full_ring_of_parts_is_no_violation", "stream.claim", "{\"bytes\":1048576}",
	  .verdicts = TIMED_OUT, .traits = STREAMS },
	{ "a_byte_more_than_the_ring_has_room_for_is_a_violation", "stream.claim",
	  "{\"bytes\":1048577}", .verdicts = VIOLATED, .cause = TOO_LONG, .traits = STREAMS },
	{ "parts_half_way_round_are_a_violation", "stream.claim", "{\"bytes\":2147483648}",
	  .verdicts = VIOLATED, .cause = TOO_LONG, .traits = STREAMS },
	{ "parts_that_are_taken_back_are_a_violation", "stream.claim", "{\"bytes\":4294967295}",
	  .verdicts = VIOLATED, .cause = TOO_LONG, .traits = STREAMS },
	{ "parts_that_nobody_wants_are_not_looked_at", "stream.claim", "{\"bytes\":4294967295}",
	  .verdicts = TIMED_OUT },
	{ "parts_without_end_are_a_violation_at_the_limit_of_all", "stream.pour",
	  "{\"bytes\":209715201}", .verdicts = VIOLATED,
	  .cause = "a stream beyond the limit of all",
	  .traits = STREAMS, .timeout_ms = 30000 },

	/* bell and futex */
	{ "a_flood_of_rings_ends_the_environment", "areas.ring_for_ever",
	  .verdicts = NEVER_A_REPAIR | CRASHED },
	{ "a_flood_of_questions_whose_answers_nobody_reads_ends_the_environment",
	  "areas.ask_for_ever", .verdicts = NEVER_A_REPAIR | CRASHED },
	{ "a_flood_of_calls_whose_answers_nobody_reads_ends_the_environment",
	  "areas.call_for_ever", .verdicts = NEVER_A_REPAIR | CRASHED },
	{ "calls_without_end_end_the_environment", "areas.call_and_listen_for_ever",
	  .verdicts = VIOLATED | CRASHED, .timeout_ms = 60000 },
	{ "calls_with_false_words_harm_nobody", "areas.call_with_false_words",
	  .verdicts = ANSWERED | VIOLATED | CRASHED, .traits = POISONED },
	{ "rings_of_odd_sizes_harm_nobody", "areas.ring_with_odd_messages",
	  .verdicts = ANSWERED | VIOLATED | CRASHED, .traits = POISONED },
	{ "a_storm_of_wakes_and_false_numbers_is_a_violation", "areas.wake_for_ever",
	  .verdicts = NEVER_A_REPAIR },
	{ "a_storm_of_empty_wakes_ends_the_environment", "areas.wake_without_a_change",
	  .verdicts = NEVER_A_REPAIR },
	{ "a_host_moved_to_another_futex_keeps_its_deadline", "areas.requeue_the_host",
	  .verdicts = NEVER_A_REPAIR },
	{ "a_bell_shut_down_harms_nobody", "areas.shut_the_bell_down",
	  .verdicts = ANSWERED | NEVER_A_REPAIR, .traits = POISONED },
	{ "half_of_a_bell_shut_down_times_out", "areas.shut_half_of_the_bell_and_hang",
	  .verdicts = NEVER_A_REPAIR },
	{ "a_closed_bell_harms_nobody", "areas.close_the_bell",
	  .verdicts = ANSWERED | NEVER_A_REPAIR, .traits = POISONED },
	{ "descriptors_sent_to_the_host_never_arrive", "areas.send_descriptors_to_the_host",
	  .verdicts = ANSWERED | VIOLATED | CRASHED, .traits = POISONED },
	{ "forged_credentials_mean_nothing", "areas.send_forged_credentials",
	  .verdicts = ANSWERED | VIOLATED | CRASHED, .traits = POISONED },
	{ "lies_in_every_hint_change_nothing", "areas.lie_in_every_hint", .verdicts = ANSWERED,
	  .answer = "\"done\"", .traits = POISONED | LINGERS },
	{ "last_words_of_no_signal_are_not_believed", "areas.lie_about_its_death",
	  .verdicts = CRASHED, .cause = "exit status 4" },
};

/* A function in one environment, so that the second event meets what the first left. */
static void make_victim(const char *handler)
{
	harness_function(FAAS_FUNCTION(.name = "victim", .handler = handler, .timeout_ms = 300,
				       .max_concurrency = 1));
}

TEST(a_replayed_answer_is_a_violation)
{
	for (enum way way = DIRECTLY; way < WAYS; way++) {
		struct outcome out;

		hostile_begin();
		make_victim("ipc.replay_the_previous_answer");
		harness_invoke(way, "victim", "{}", &out);
		assert_string_equal(out.payload, "\"first\"");
		harness_invoke(way, "victim", "{}", &out);
		assert_int_equal(verdict_of(&out), VIOLATED);
		harness_delete("victim");
		hostile_end();
	}
}

/*
 * Both its threads write to one slot while the host copies it. Every word but the payload is
 * loaded once and is one's or the other's; of the payload each byte is, or one that neither
 * has written yet.
 */
static void assert_written_by_two(const struct outcome *out, const char *one, const char *other)
{
	size_t len = out->payload_len, one_len = strlen(one), other_len = strlen(other);

	assert_int_equal(verdict_of(out), ANSWERED);
	if (len != one_len && len != other_len)
		fail_msg("%s is as long as neither %s nor %s", out->payload, one, other);
	for (size_t i = 0; i < len; i++) {
		char c = out->payload[i];

		if (c && (i >= one_len || c != one[i]) && (i >= other_len || c != other[i]))
			fail_msg("%s is not of %s and %s", out->payload, one, other);
	}
}

/* The forgery lies ready when the event comes; it carries no token anybody gave out. */
TEST(an_answer_lying_in_wait_is_never_delivered)
{
	for (int i = 0; i < 2 * WAYS; i++) {
		const char *good = "\"fine\"";
		struct outcome out;

		hostile_begin();
		make_victim("ipc.answer_before_the_request");
		harness_invoke(i % WAYS, "victim", "{}", &out);
		if (verdict_of(&out) == VIOLATED) { /* on a busy machine it may forge too early */
			good = "\"done\"";
		} else { /* or while its own good answer is copied */
			assert_int_equal(out.payload_len, strlen("\"done\""));
			assert_written_by_two(&out, "\"done\"", "\"forged\"");
		}
		nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL); /* time to forge */
		harness_invoke(i / WAYS, "victim", "{}", &out);
		if (verdict_of(&out) != VIOLATED && strcmp(out.payload, good) != 0)
			fail_msg("%s: %s", verdict_name(verdict_of(&out)), out.payload);
		harness_delete("victim");
		hostile_end();
	}
}

/* Its own next event it may answer as it likes, but only that one. */
static void answer_from_a_thread(enum way way, const char *event, struct outcome *out)
{
	struct outcome after;

	hostile_begin();
	make_victim("ipc.answer_the_next_from_a_thread");
	harness_invoke(way, "victim", "{}", out);
	assert_string_equal(out->payload, "\"done\"");
	harness_invoke(way, "victim", event, out);
	assert_int_equal(faas_recycle(harness_runtime(), "victim", NULL), FAAS_OK);
	harness_invoke(way, "victim", "\"behave\"", &after);
	assert_string_equal(after.payload, "\"fine\"");
	harness_delete("victim");
	hostile_end();
}

TEST(a_thread_that_answers_for_the_worker_is_believed_to_the_letter)
{
	for (enum way way = DIRECTLY; way < WAYS; way++) {
		struct outcome out;

		answer_from_a_thread(way, "{}", &out);
		assert_int_equal(verdict_of(&out), ANSWERED);
		assert_int_equal(out.payload_len, 8);
		assert_string_equal(out.payload, "\"thread\"");
	}
}

TEST(a_thread_that_answers_beside_the_worker_fools_only_its_function)
{
	for (enum way way = DIRECTLY; way < WAYS; way++) {
		struct outcome out;

		answer_from_a_thread(way, "\"behave\"", &out);
		assert_written_by_two(&out, "\"thread\"", "\"fine\"");
	}
}

#define TOKENS 64

/* From two environments of two functions, by both ways. */
TEST(no_token_is_given_out_twice)
{
	static char tokens[TOKENS][40];

	hostile_begin();
	make_victim("ipc.tell_the_token");
	harness_function(FAAS_FUNCTION(.name = "other", .handler = "ipc.tell_the_token"));
	for (int i = 0; i < TOKENS; i++) {
		struct outcome out;

		harness_invoke(i % WAYS, i & 2 ? "victim" : "other", "{}", &out);
		assert_int_equal(out.code, FAAS_OK);
		snprintf(tokens[i], sizeof(tokens[i]), "%.39s", out.payload);
		assert_string_not_equal(tokens[i], "\"0000000000000000\"");
		for (int j = 0; j < i; j++)
			assert_string_not_equal(tokens[i], tokens[j]);
	}
	harness_delete("victim");
	harness_delete("other");
	hostile_end();
}

int main(void)
{
	const struct CMUnitTest others[] = {
		cmocka_unit_test(a_replayed_answer_is_a_violation),
		cmocka_unit_test(an_answer_lying_in_wait_is_never_delivered),
		cmocka_unit_test(a_thread_that_answers_for_the_worker_is_believed_to_the_letter),
		cmocka_unit_test(a_thread_that_answers_beside_the_worker_fools_only_its_function),
		cmocka_unit_test(no_token_is_given_out_twice),
	};

	return run_hostile_group("ipc", rows, COUNT(rows), others, COUNT(others));
}
