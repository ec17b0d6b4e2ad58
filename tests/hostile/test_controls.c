/* SPDX-License-Identifier: MIT */
/*
 * Positive controls: every defence once switched off. Then the attack that is
 * denied elsewhere must get through, or the verdict must be another; a control
 * that fails says that the test of its defence proves nothing.
 *
 * Only what is harmless undefended is tried: nothing here forks without end.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <testing.h>
#include <support/invariants.h>
#include <support/processes.h>

#include "attacks.h"
#include "bait.h"
#include "cases.h"

/* What is left where nothing protects: for tests whose defence is several layers. */
#define MEMORY (FAAS_LAYER_CGROUP_MEMORY | FAAS_LAYER_RLIMITS | FAAS_LAYER_SECCOMP)
#define PROCESSES (FAAS_LAYER_CGROUP_PIDS | FAAS_LAYER_RLIMITS)

static struct {
	struct manners manners;
	struct rlimit queue;
} the;

static void weaken(unsigned layers, unsigned checks)
{
	fa_testing_weaken(harness_runtime(), layers, checks);
}

static void call(enum way way, const char *handler, const char *event, int timeout_ms,
		 struct outcome *out)
{
	harness_function(FAAS_FUNCTION(.name = "victim", .handler = handler,
				       .timeout_ms = timeout_ms, .max_concurrency = 1));
	harness_invoke(way, "victim", event ? event : bait_event(), out);
	harness_delete("victim");
}

/* ---- attacks without the layers that deny them ----------------------- */

/* For an ordinary user every other namespace needs one of users: they go together. */
static unsigned without(const struct attack *attack)
{
	unsigned layers = attack->layers | attack->also;

	if (layers & FAAS_LAYER_USER_NS)
		layers |= FAAS_LAYER_PID_NS | FAAS_LAYER_MOUNT_NS | FAAS_LAYER_IPC_NS |
			  FAAS_LAYER_UTS_NS;
	return layers;
}

static void get_through(void **state)
{
	const struct attack *attack = *state;
	struct outcome out;

	if (!(harness_layers() & attack->layers) ||
	    (attack->control_as && attack->control_as != (getuid() ? ORDINARY : ROOT))) {
		print_message("# %s: not to be left undefended as this user\n", attack->allowed);
		skip();
	}
	weaken(without(attack), 0);
	call(DIRECTLY, attack->handler, NULL, 1000, &out);
	if (verdict_of(&out) != ANSWERED || strcmp(out.payload, "\"allowed\"") != 0)
		fail_msg("undefended, and yet %s: %s %s", verdict_name(verdict_of(&out)), out.type,
			 out.payload);
	weaken(0, 0);
	call(DIRECTLY, attack->handler, NULL, 1000, &out);
	if (verdict_of(&out) == ANSWERED)
		assert_string_equal(out.payload, "\"denied\"");
}

/* ---- resources ------------------------------------------------------- */

TEST(without_rlimits_a_function_opens_more_descriptors)
{
	struct outcome with, without;

	if (!(harness_layers() & FAAS_LAYER_RLIMITS))
		skip();
	call(DIRECTLY, "descriptors.open_some", "{\"count\":3000}", 1000, &with);
	weaken(FAAS_LAYER_RLIMITS, 0);
	call(DIRECTLY, "descriptors.open_some", "{\"count\":3000}", 1000, &without);
	print_message("# %s with, %s without\n", with.payload, without.payload);
	assert_true(strtol(without.payload, NULL, 10) > strtol(with.payload, NULL, 10));
}

/* A hundred and some sleepers are no bomb, and end with their environment. */
TEST(without_limits_a_function_makes_more_processes)
{
	struct outcome with, without;

	if (!(harness_layers() & PROCESSES))
		skip();
	call(DIRECTLY, "process.fork_some", "{\"count\":200}", 3000, &with);
	weaken(PROCESSES, 0);
	call(DIRECTLY, "process.fork_some", "{\"count\":200}", 3000, &without);
	print_message("# %s with, %s without\n", with.payload, without.payload);
	assert_true(strtol(with.payload, NULL, 10) < 200);
	assert_string_equal(without.payload, "200");
}

TEST(without_limits_a_function_takes_more_memory)
{
	struct outcome out;

	if (!(harness_layers() & MEMORY & ~FAAS_LAYER_SECCOMP))
		skip();
	call(DIRECTLY, "memory.take_memory", "{\"mb\":1024}", 10000, &out);
	if (verdict_of(&out) == ANSWERED)
		assert_string_equal(out.payload, "\"denied\"");
	weaken(MEMORY, 0);
	call(DIRECTLY, "memory.take_memory", "{\"mb\":1024}", 10000, &out);
	assert_string_equal(out.payload, "\"allowed\"");
}

TEST(without_seccomp_forbidden_calls_reach_the_kernel)
{
	struct outcome out;

	if (!(harness_layers() & FAAS_LAYER_SECCOMP))
		skip();
	weaken(FAAS_LAYER_SECCOMP | FAAS_LAYER_NO_NETWORK, 0);
	call(DIRECTLY, "syscalls.make_forbidden_calls", NULL, 1000, &out);
	print_message("# %s\n", out.payload);
	assert_true(out.payload_len > 10);
}

/* The invariant itself: without the namespace somebody is left, and is found. */
TEST(without_a_pid_namespace_a_daemon_is_left_and_noticed)
{
	struct process left[8];
	struct outcome out;
	int n;

	if (!(harness_layers() & FAAS_LAYER_PID_NS))
		skip();
	weaken(FAAS_LAYER_PID_NS | FAAS_LAYER_SECCOMP, 0);
	call(DIRECTLY, "process.leave_a_daemon_and_exit", NULL, 1000, &out);
	nanosleep(&(struct timespec){ .tv_nsec = 300000000 }, NULL);
	n = processes_named("left-behind", left, 8);
	for (int i = 0; i < n; i++)
		kill(left[i].pid, SIGKILL);
	assert_true(n > 0);
}

/* ---- checks of the host ---------------------------------------------- */

TEST(without_the_token_a_forged_answer_is_believed)
{
	for (enum way way = DIRECTLY; way < WAYS; way++) {
		struct outcome out;

		weaken(0, FA_CHECK_TOKEN);
		call(way, "ipc.answer_with_a_wrong_token", "{\"xor\":1}", 300, &out);
		assert_string_equal(out.payload, "\"forged\"");
	}
}

TEST(without_the_length_an_answer_runs_out_of_its_slot)
{
	for (enum way way = DIRECTLY; way < WAYS; way++) {
		struct outcome out;

		weaken(0, FA_CHECK_LENGTH);
		call(way, "ipc.answer_from_elsewhere", "{\"len\":1921}", 300, &out);
		assert_int_not_equal(verdict_of(&out), VIOLATED);
	}
}

TEST(without_the_length_more_than_the_event_is_given_back)
{
	for (enum way way = DIRECTLY; way < WAYS; way++) {
		struct outcome out;

		weaken(0, FA_CHECK_LENGTH);
		call(way, "ipc.answer_from_elsewhere", "{\"len\":27,\"off\":2147483649}", 300,
		     &out);
		assert_int_not_equal(verdict_of(&out), VIOLATED);
	}
}

TEST(without_the_length_parts_are_taken_that_were_never_put)
{
	struct outcome out;

	weaken(0, FA_CHECK_LENGTH);
	call(IN_PARTS, "stream.claim", "{\"bytes\":1048577}", 1000, &out);
	assert_int_equal(verdict_of(&out), TIMED_OUT);
	assert_int_equal(out.parts_len, 1048577);
}

TEST(without_the_length_parts_have_no_limit)
{
	struct outcome out;

	call(IN_PARTS, "stream.pour", "{\"bytes\":209715200}", 30000, &out);
	assert_int_equal(verdict_of(&out), ANSWERED);
	assert_int_equal(out.parts_len, 209715200);
	weaken(0, FA_CHECK_LENGTH);
	call(IN_PARTS, "stream.pour", "{\"bytes\":209715201}", 30000, &out);
	assert_int_equal(verdict_of(&out), ANSWERED);
	assert_int_equal(out.parts_len, 209715201);
}

TEST(without_counting_junk_a_storm_of_wakes_lasts_until_the_deadline)
{
	struct outcome out;

	call(DIRECTLY, "areas.wake_without_a_change", NULL, 300, &out);
	assert_int_equal(verdict_of(&out), VIOLATED);
	weaken(0, FA_CHECK_JUNK);
	call(DIRECTLY, "areas.wake_without_a_change", NULL, 300, &out);
	assert_int_equal(verdict_of(&out), TIMED_OUT);
}

TEST(without_counting_junk_a_flood_of_rings_lasts_until_the_deadline)
{
	struct outcome out;

	call(BY_LOOP, "areas.ring_for_ever", NULL, 300, &out);
	assert_true(verdict_of(&out) & (VIOLATED | CRASHED));
	weaken(0, FA_CHECK_JUNK);
	call(BY_LOOP, "areas.ring_for_ever", NULL, 300, &out);
	assert_int_equal(verdict_of(&out), TIMED_OUT);
}

TEST(without_counting_calls_they_last_until_the_deadline)
{
	struct outcome out;

	call(BY_LOOP, "areas.call_and_listen_for_ever", NULL, 60000, &out);
	assert_int_equal(verdict_of(&out), VIOLATED);
	assert_non_null(strstr(out.payload, "a flood of calls"));
	weaken(0, FA_CHECK_JUNK);
	call(BY_LOOP, "areas.call_and_listen_for_ever", NULL, 300, &out);
	assert_int_equal(verdict_of(&out), TIMED_OUT);
}

TEST(without_the_log_budget_all_output_comes_through)
{
	const uint64_t seen = harness_log_bytes();
	struct outcome out;

	weaken(0, FA_CHECK_LOG_BOUND);
	call(DIRECTLY, "output.write_lines", "{\"mb\":8}", 20000, &out);
	assert_string_equal(out.payload, "\"done\"");
	for (int i = 0; i < 100 && harness_log_bytes() - seen < 7u << 20; i++)
		nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
	print_message("# of 8 MB %lu bytes came through\n",
		      (unsigned long)(harness_log_bytes() - seen));
	assert_true(harness_log_bytes() - seen > 7u << 20);
}

TEST(without_the_deadline_a_late_answer_counts)
{
	for (enum way way = DIRECTLY; way < WAYS; way++) {
		struct outcome out;

		weaken(0, FA_CHECK_DEADLINE);
		call(way, "loop.answer_late", "{\"ms\":400}", 100, &out);
		assert_string_equal(out.payload, "\"late\"");
	}
}

TEST(without_the_sequence_check_a_jump_is_no_violation)
{
	struct outcome out;

	weaken(0, FA_CHECK_REPLY_SEQ);
	call(BY_LOOP, "ipc.jump_ahead", "{\"by\":1000}", 300, &out);
	assert_int_equal(verdict_of(&out), ANSWERED);
}

/* ---- the checks of the harness itself -------------------------------- */

TEST(a_leak_of_a_descriptor_or_a_signal_is_noticed)
{
	struct report report = { .len = 0 };
	struct manners manners;
	struct holdings holdings;
	int fd;

	manners_note(&manners);
	holdings_settle(&holdings);
	raise(SIGUSR1);
	assert_false(manners_kept(&manners, &report));
	fd = dup(2);
	assert_false(holdings_returned(&holdings, 20, -1, &report));
	close(fd);
	assert_non_null(strstr(report.text, "signals"));
	assert_non_null(strstr(report.text, "descriptors"));
}

/* ---- the group ------------------------------------------------------- */

/* The worker inherits our limit: make it one that a layer has something to cut from. */
static void raise_limit(void)
{
	struct rlimit files;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

static int begin(void **state)
{
	(void)state;
	raise_limit();
	count_signals();
	bait_place(TEST_HOSTILE, harness_worker());
	harness_open(TEST_HOSTILE, NULL);
	return 0;
}

static int end(void **state)
{
	(void)state;
	harness_close();
	bait_remove();
	return 0;
}

static int note(void **state)
{
	(void)state;
	manners_note(&the.manners);
	getrlimit(RLIMIT_MSGQUEUE, &the.queue);
	return 0;
}

/* Undo what an attack was allowed to do. */
static int restore(void **state)
{
	struct report report = { .len = 0 };

	(void)state;
	weaken(0, 0);
	faas_function_delete(harness_runtime(), "victim", NULL);
	setrlimit(RLIMIT_MSGQUEUE, &the.queue);
	manners_kept(&the.manners, &report);
	if (report.len)
		print_message("# noticed: %s", report.text);
	return 0;
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(without_rlimits_a_function_opens_more_descriptors),
	cmocka_unit_test(without_limits_a_function_makes_more_processes),
	cmocka_unit_test(without_limits_a_function_takes_more_memory),
	cmocka_unit_test(without_seccomp_forbidden_calls_reach_the_kernel),
	cmocka_unit_test(without_a_pid_namespace_a_daemon_is_left_and_noticed),
	cmocka_unit_test(without_the_token_a_forged_answer_is_believed),
	cmocka_unit_test(without_the_length_an_answer_runs_out_of_its_slot),
	cmocka_unit_test(without_the_length_more_than_the_event_is_given_back),
	cmocka_unit_test(without_the_length_parts_are_taken_that_were_never_put),
	cmocka_unit_test(without_the_length_parts_have_no_limit),
	cmocka_unit_test(without_counting_junk_a_storm_of_wakes_lasts_until_the_deadline),
	cmocka_unit_test(without_counting_junk_a_flood_of_rings_lasts_until_the_deadline),
	cmocka_unit_test(without_counting_calls_they_last_until_the_deadline),
	cmocka_unit_test(without_the_log_budget_all_output_comes_through),
	cmocka_unit_test(without_the_deadline_a_late_answer_counts),
	cmocka_unit_test(without_the_sequence_check_a_jump_is_no_violation),
	cmocka_unit_test(a_leak_of_a_descriptor_or_a_signal_is_noticed),
};

int main(void)
{
	struct CMUnitTest all[COUNT(tests) + ATTACKS];
	const char *only = getenv("HOSTILE_ONLY");
	size_t n = 0;

	for (size_t i = 0; i < ATTACKS; i++)
		if (attacks[i].allowed)
			all[n++] = (struct CMUnitTest){ .name = attacks[i].allowed,
				.test_func = get_through,
				.initial_state = (void *)(uintptr_t)&attacks[i] };
	for (size_t i = 0; i < COUNT(tests); i++)
		all[n++] = tests[i];
	for (size_t i = 0; i < n; i++) {
		all[i].setup_func = note;
		all[i].teardown_func = restore;
	}
	if (only)
		cmocka_set_test_filter(only);
	return _cmocka_run_group_tests("controls", all, n, begin, end) != 0;
}
