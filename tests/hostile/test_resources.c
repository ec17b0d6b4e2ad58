/* SPDX-License-Identifier: MIT */
/*
 * A function that eats memory, processes or quotas (H14 to H21, H33, H46, H52,
 * I21). Bombs are run only inside a pids limit.
 */
#include <stdlib.h>

#include "cases.h"

#define MEMORY (FAAS_LAYER_CGROUP_MEMORY | FAAS_LAYER_RLIMITS)
#define PROCESSES (FAAS_LAYER_CGROUP_PIDS | FAAS_LAYER_RLIMITS)

static const struct hostile rows[] = {
	/* memory */
	{ "a_malloc_bomb_is_stopped_by_the_memory_limit", "memory.malloc_bomb",
	  .verdicts = STARVED | CRASHED, .needs = MEMORY, .timeout_ms = 5000,
	  .traits = NO_SANITIZER },
	{ "a_memfd_bomb_is_stopped_by_the_memory_limit", "memory.memfd_bomb",
	  .verdicts = STARVED | CRASHED, .needs = MEMORY, .timeout_ms = 10000,
	  .traits = NO_SANITIZER },
	{ "address_space_without_memory_behind_it_is_refused_or_harmless",
	  "memory.reserve_until_refused", .verdicts = ANSWERED | FAILED | CRASHED | STARVED,
	  .timeout_ms = 5000, .traits = POISONED },
	{ "a_file_bomb_ends_at_the_size_of_tmp", "memory.fill_tmp", "{\"tmp_mb\":512}",
	  .verdicts = ANSWERED | STARVED | CRASHED, .answer = "\"denied\"",
	  .needs = FAAS_LAYER_MOUNT_NS | FAAS_LAYER_CGROUP_MEMORY, .timeout_ms = 15000,
	  .traits = POISONED },
	{ "all_of_tmp_is_there_besides_the_memory", "memory.measure_tmp",
	  .verdicts = ANSWERED, .answer = "\"512 MB, then it is full\"",
	  .needs = FAAS_LAYER_MOUNT_NS, .timeout_ms = 15000, .memory_mb = 128, .tmp_mb = 512 },
	{ "a_handler_that_notices_the_end_of_memory_may_say_so",
	  "memory.use_up_memory_then_say_so", .verdicts = FAILED | STARVED | CRASHED,
	  .timeout_ms = 5000, .traits = POISONED },
	{ "memory_cannot_be_locked", "memory.lock_memory", .verdicts = ANSWERED,
	  .answer = "\"denied\"", .needs = FAAS_LAYER_RLIMITS },

	/* processes */
	{ "a_fork_bomb_ends_with_its_environment", "process.fork_bomb",
	  .verdicts = TIMED_OUT | CRASHED | STARVED, .needs = PROCESSES, .traits = BOMB },
	{ "a_fork_bomb_of_daemons_ends_with_its_environment", "process.fork_bomb_of_daemons",
	  .verdicts = TIMED_OUT | CRASHED | STARVED, .needs = PROCESSES, .traits = BOMB },
	{ "a_thread_bomb_ends_with_its_environment", "process.thread_bomb",
	  .verdicts = TIMED_OUT | CRASHED | STARVED, .needs = PROCESSES, .traits = BOMB },
	{ "a_vfork_child_that_never_execs_ends_at_the_deadline", "process.vfork_and_never_exec",
	  .verdicts = TIMED_OUT },
	{ "a_daemon_left_behind_ends_with_its_environment", "process.leave_a_daemon_and_answer",
	  .verdicts = ANSWERED, .answer = "\"done\"" },
	{ "daemons_do_not_outlive_an_exit", "process.leave_a_daemon_and_exit",
	  .verdicts = CRASHED, .cause = "" },
	{ "a_child_that_holds_all_descriptors_does_not_delay_the_verdict",
	  "process.leave_a_child_holding_all_descriptors", .verdicts = CRASHED,
	  .cause = "exit status 9" },
	{ "a_child_cannot_answer_for_its_dead_parent", "process.exit_and_let_a_child_answer",
	  .verdicts = CRASHED, .cause = "exit status 5" },
	{ "two_processes_that_both_answer_confuse_only_themselves",
	  "process.answer_from_two_processes", .verdicts = ANSWERED | VIOLATED | CRASHED,
	  .traits = POISONED },
	{ "a_shell_in_an_endless_loop_ends_at_the_deadline", "process.become_a_shell_that_spins",
	  .verdicts = TIMED_OUT },
	{ "a_program_that_succeeds_is_not_an_answer", "process.become_a_program_that_succeeds",
	  .verdicts = CRASHED, .cause = "" },
	{ "spinning_orphans_do_not_outlive_their_parent", "process.orphan_children_that_spin",
	  .verdicts = CRASHED, .cause = "exit status 1" },
};

/*
 * What the kernel counts per user the host shares with an unprivileged function
 * (and with nobody as root). Whatever the function takes, the host must go on.
 */
static const struct {
	const char *handler;
	long long most; /* of the machine's quota, well below what the host needs */
} quotas[] = {
	{ "syscalls.take_epoll_watches", 500000 },
	{ "syscalls.take_inotify_instances", 100 },
	{ "syscalls.take_pending_signals", 5000 },
	{ "syscalls.take_pipe_pages", 1024 },
	{ "syscalls.take_descriptors_in_flight", 20000 },
};

static void take_quota_beside_the_host(const char *handler, long long most)
{
	struct outcome out;
	long long taken;

	harness_function(FAAS_FUNCTION(.name = "victim", .handler = handler, .timeout_ms = 3000));
	harness_invoke(DIRECTLY, "victim", "{}", &out);
	assert_string_equal(out.type, "");
	taken = strtoll(out.payload, NULL, 10);
	print_message("# %s: %lld\n", handler, taken);
	if (taken > most)
		fail_msg("%s took %lld, more than %lld", handler, taken, most);

	/* It still holds all that; the host makes and runs something new beside it. */
	harness_function(FAAS_FUNCTION(.name = "other", .handler = "crash.segfault"));
	for (int i = 0; i < 4; i++) {
		harness_invoke(i % WAYS, "other", "\"behave\"", &out);
		assert_string_equal(out.payload, "\"fine\"");
	}
	harness_delete("other");
	harness_delete("victim");
}

TEST(quotas_of_the_user_are_out_of_a_functions_reach)
{
	if (!(harness_layers() & FAAS_LAYER_RLIMITS))
		skip();
	hostile_begin();
	for (size_t i = 0; i < COUNT(quotas); i++)
		take_quota_beside_the_host(quotas[i].handler, quotas[i].most);
	hostile_end();
}

TEST(descriptors_and_processes_of_a_function_are_counted)
{
	struct outcome out;

	if (!(harness_layers() & FAAS_LAYER_RLIMITS))
		skip();
	hostile_begin();
	harness_function(FAAS_FUNCTION(.name = "victim", .handler = "descriptors.open_some"));
	harness_invoke(DIRECTLY, "victim", "{\"count\":1000000}", &out);
	assert_int_equal(out.code, FAAS_OK);
	print_message("# descriptors: %s\n", out.payload);
	assert_true(strtoll(out.payload, NULL, 10) < 2000);
	harness_delete("victim");
	hostile_end();
}

int main(void)
{
	const struct CMUnitTest others[] = {
		cmocka_unit_test(quotas_of_the_user_are_out_of_a_functions_reach),
		cmocka_unit_test(descriptors_and_processes_of_a_function_are_counted),
	};

	return run_hostile_group("resources", rows, COUNT(rows), others, COUNT(others));
}
