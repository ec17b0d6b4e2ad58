/* SPDX-License-Identifier: MIT */
/* The log is longer than what is in it, so that a commit does not make it grow. */
#include <support/test.h>

#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <support/fault_vfs.h>
#include <support/stores.h>

#define KB INT64_C(1024)
#define MANY 600

static char folder[64];
static struct fa_store *store;

static int setup(void **state)
{
	(void)state;
	store = stores_begin(folder, NULL);
	return store ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	stores_end(store, folder);
	return 0;
}

static int64_t log_bytes(void)
{
	struct stat st = { 0 };
	char path[128];

	snprintf(path, sizeof(path), "%s/queue.db-wal", folder);
	return stat(path, &st) ? 0 : (int64_t)st.st_size;
}

static void await_log(int64_t bytes)
{
	for (int i = 0; i < 30000 && log_bytes() < bytes; i++)
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	assert_true(log_bytes() >= bytes);
}

/* How long it is when nobody makes it longer any more. */
static int64_t resting_log(void)
{
	int64_t bytes = log_bytes();

	for (int i = 0; i < 20; i++) {
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
		if (log_bytes() != bytes)
			i = 0;
		bytes = log_bytes();
	}
	return bytes;
}

static void accept_all(int n, size_t len)
{
	static char bytes[64 << 10];

	for (int i = 0; i < n; i++) {
		struct fa_stored event = stores_event(bytes, len, 1);

		assert_int_equal(stores_accept(store, &event, true), FA_STORE_DONE);
	}
}

static void restart(void)
{
	fa_store_close(store);
	store = stores_open(folder, NULL);
	assert_non_null(store);
}

static int64_t accepted(void)
{
	struct fa_store_counts counts;

	fa_store_count(store, &counts);
	return counts.accepted;
}

TEST(what_is_accepted_after_the_first_does_not_make_the_log_longer)
{
	int64_t bytes;

	accept_all(1, 1);
	await_log(1024 * KB);
	bytes = resting_log();
	accept_all(40, 1);
	assert_int_equal(resting_log(), bytes);
	assert_true(bytes < 1536 * KB);
}

TEST(a_log_to_which_nobody_writes_is_left_as_it_is)
{
	struct fa_claimed *none[1];
	int64_t bytes;

	bytes = log_bytes(); /* the tables */
	assert_int_equal(stores_claim(store, 99, 1, none, NULL), 0);
	assert_int_equal(resting_log(), bytes);
	assert_true(bytes > 0);
	assert_true(bytes < 256 * KB);
}

TEST(it_stays_longer_than_what_is_in_it_however_much_is_written)
{
	for (int i = 1; i <= 6; i++) {
		accept_all(8, 48 << 10); /* 400 KB and more */
		await_log(i * 400 * KB + 512 * KB);
	}
}

TEST(it_gets_no_longer_than_it_may_before_it_is_brought_home)
{
	int64_t most = 32 + 64 * 4120;

	fa_store_close(store);
	store = stores_open_as(folder, 64, false);
	accept_all(1, 1);
	await_log(most);
	accept_all(300, 1); /* home and from the beginning again, a few times */
	assert_true(resting_log() < most + 64 * KB);
}

TEST(a_log_that_was_cut_is_lengthened_again)
{
	accept_all(1, 1);
	await_log(1024 * KB);
	assert_int_equal(fa_store_perform(store,
					  &(struct fa_store_op){ .verb = FA_STORE_SCRUB }),
			 FA_STORE_DONE);
	assert_int_equal(log_bytes(), 0);
	accept_all(1, 1);
	await_log(1024 * KB);
}

TEST(it_costs_an_event_no_operation_of_the_database_and_no_sync)
{
	long ops;

	accept_all(1, 1);
	await_log(1024 * KB);
	fault_vfs_plan(&(struct fault_plan){ .fault = FAULT_NONE });
	accept_all(1, 1);
	ops = fault_vfs_ops();
	assert_int_equal(fault_vfs_syncs(), 1);
	accept_all(19, 1);
	assert_int_equal(fault_vfs_syncs(), 20);
	assert_in_range(fault_vfs_ops(), ops, 20 * (ops + 2));
}

/* ---- whoever ends in the middle of it ------------------------------------- */

static void in_child(void (*work)(void), bool killed, uint32_t seed)
{
	const struct fault_plan plan = { .fault = FAULT_NONE, .seed = seed };
	int status;
	pid_t pid;

	fa_store_close(store);
	store = NULL;
	fault_vfs_install(&plan);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		store = stores_open(folder, NULL);
		work();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(killed ? WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL :
			     WIFEXITED(status) && !WEXITSTATUS(status));
	fault_vfs_install(&plan);
	store = stores_open(folder, NULL);
	assert_non_null(store);
}

static void accept_and_die(void)
{
	accept_all(1, 1);
	await_log(1024 * KB);
	accept_all(MANY - 1, 6000); /* while it is lengthened more than once */
	kill(getpid(), SIGKILL);
}

TEST(the_next_program_finds_all_that_was_accepted_in_front_of_it)
{
	in_child(accept_and_die, true, 1);
	assert_int_equal(accepted(), MANY);
	accept_all(1, 1);
	restart();
	assert_int_equal(accepted(), MANY + 1);
}

static void lengthen_and_lose_power(void)
{
	accept_all(3, 1);
	await_log(1024 * KB);
	accept_all(3, 1);
	fault_vfs_power_off();
}

TEST(a_loss_of_power_may_leave_it_long_or_not)
{
	int left = 0;

	for (uint32_t seed = 1; seed <= 8; seed++) {
		in_child(lengthen_and_lose_power, true, seed);
		left += log_bytes() >= 1024 * KB;
		assert_int_equal(accepted(), 6 * seed);
	}
	assert_in_range(left, 1, 7); /* both were seen */
}

static void write_zeros(const char *name, int64_t bytes)
{
	static const char zeros[4096];
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	for (int64_t at = 0; at < bytes; at += (int64_t)sizeof(zeros))
		assert_int_equal(fwrite(zeros, sizeof(zeros), 1, file), 1);
	fclose(file);
}

TEST(a_log_of_nothing_but_zeros_is_empty)
{
	accept_all(2, 1);
	fa_store_close(store); /* all is home */
	write_zeros("queue.db-wal", 1024 * KB);
	store = stores_open(folder, NULL);
	assert_non_null(store);
	assert_int_equal(accepted(), 2);
	accept_all(1, 1);
	restart();
	assert_int_equal(accepted(), 3);
}

/* ---- no room ---------------------------------------------------------------- */

static void limit_files(rlim_t bytes)
{
	setrlimit(RLIMIT_FSIZE, &(struct rlimit){ bytes, RLIM_INFINITY });
}

static void accept_without_room(void)
{
	limit_files(512 << 10);
	accept_all(1, 1);
	await_log(512 * KB);
	accept_all(20, 1);
	limit_files(RLIM_INFINITY);
	if (resting_log() != 512 * KB)
		_exit(1);
	accept_all(20, 48 << 10);
	await_log(1536 * KB);
}

TEST(without_room_events_are_accepted_as_ever_and_it_is_tried_again_later)
{
	in_child(accept_without_room, false, 1);
	assert_int_equal(accepted(), 41);
}

int main(void)
{
#define HERE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		HERE(what_is_accepted_after_the_first_does_not_make_the_log_longer),
		HERE(a_log_to_which_nobody_writes_is_left_as_it_is),
		HERE(it_stays_longer_than_what_is_in_it_however_much_is_written),
		HERE(it_gets_no_longer_than_it_may_before_it_is_brought_home),
		HERE(a_log_that_was_cut_is_lengthened_again),
		HERE(it_costs_an_event_no_operation_of_the_database_and_no_sync),
		HERE(the_next_program_finds_all_that_was_accepted_in_front_of_it),
		HERE(a_loss_of_power_may_leave_it_long_or_not),
		HERE(a_log_of_nothing_but_zeros_is_empty),
		HERE(without_room_events_are_accepted_as_ever_and_it_is_tried_again_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
