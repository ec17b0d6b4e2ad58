/* SPDX-License-Identifier: MIT */
/* The durable queue on a disk that does as it is told. */
#include <support/test.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>
#include <support/failing_mem.h>
#include <support/fault_vfs.h>
#include <support/stores.h>

static char folder[64];
static struct fa_store *store;
static struct faas_error err;
static struct fa_claimed *claimed[64];

static int setup(void **state)
{
	(void)state;
	memset(&err, 0, sizeof(err));
	store = stores_begin(folder, &err);
	return store ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	stores_end(store, folder);
	return 0;
}

static void restart(void)
{
	fa_store_close(store);
	store = stores_open(folder, &err);
	assert_non_null(store);
}

static int64_t must_accept(const char *payload, int64_t due_ms, bool in_hand)
{
	struct fa_stored event = stores_event(payload, strlen(payload), due_ms);

	assert_int_equal(stores_accept(store, &event, in_hand), FA_STORE_DONE);
	assert_true(event.id > 0);
	return event.id;
}

static int claim(int64_t now_ms, int max)
{
	return stores_claim(store, now_ms, max, claimed, NULL);
}

static void assert_claimed(int at, const char *payload)
{
	struct faas_bytes bytes = claimed[at]->event.payload;

	assert_int_equal(bytes.len, strlen(payload));
	assert_memory_equal(bytes.data, payload, bytes.len);
	fa_free(claimed[at]);
}

TEST(what_is_due_is_claimed_once_and_oldest_first)
{
	must_accept("later", 20, false);
	must_accept("sooner", 10, false);
	must_accept("not yet", 31, false);
	assert_int_equal(claim(30, 64), 2);
	assert_claimed(0, "sooner");
	assert_claimed(1, "later");
	assert_int_equal(claim(30, 64), 0);
}

TEST(a_claim_takes_no_more_than_it_may_and_tells_when_the_next_is_due)
{
	int64_t next;

	assert_int_equal(stores_claim(store, 99, 1, claimed, &next), 0);
	assert_true(next == INT64_MAX);
	must_accept("a", 10, false);
	must_accept("b", 20, false);
	assert_int_equal(stores_claim(store, 99, 1, claimed, &next), 1);
	assert_claimed(0, "a");
	assert_int_equal(next, 20);
}

TEST(an_event_comes_back_as_it_was_accepted)
{
	static const char bytes[] = "\0\xff not \"JSON\"\0";
	struct fa_stored event = stores_event(bytes, sizeof(bytes), 10);

	event.accepted_ms = 7;
	strcpy(event.request_id, "12345678-1234-4234-8234-123456789012");
	event.function = (struct faas_bytes){ "name:$LATEST", 12 };
	event.meta = (struct faas_bytes){ "\0\0m", 3 };
	assert_int_equal(stores_accept(store, &event, false), FA_STORE_DONE);
	assert_int_equal(claim(10, 64), 1);
	assert_int_equal(claimed[0]->event.accepted_ms, 7);
	assert_string_equal(claimed[0]->event.request_id, event.request_id);
	assert_string_equal(claimed[0]->event.function.data, "name:$LATEST");
	assert_int_equal(claimed[0]->event.meta.len, 3);
	assert_memory_equal(claimed[0]->event.meta.data, "\0\0m", 3);
	assert_int_equal(claimed[0]->event.payload.len, sizeof(bytes));
	assert_memory_equal(claimed[0]->event.payload.data, bytes, sizeof(bytes));
	fa_free(claimed[0]);
}

TEST(an_empty_event_is_an_event)
{
	must_accept("", 1, false);
	assert_int_equal(claim(1, 64), 1);
	assert_claimed(0, "");
}

TEST(an_event_in_hand_is_claimed_only_after_it_was_rescheduled)
{
	int64_t id = must_accept("e", 0, true);

	assert_int_equal(claim(99, 64), 0);
	assert_int_equal(stores_reschedule(store, id, 50, 1), FA_STORE_DONE);
	assert_int_equal(claim(49, 64), 0);
	assert_int_equal(claim(50, 64), 1);
	assert_int_equal(claimed[0]->event.attempts, 1);
	assert_claimed(0, "e");
}

TEST(what_was_in_hand_is_in_the_queue_again_after_a_restart)
{
	must_accept("claimed", 1, false);
	must_accept("in hand", 1, true);
	assert_int_equal(claim(1, 64), 1);
	assert_claimed(0, "claimed");
	restart();
	assert_int_equal(claim(1, 64), 2);
	assert_claimed(0, "claimed");
	assert_claimed(1, "in hand");
}

TEST(what_has_ended_does_not_come_back)
{
	int64_t id = must_accept("e", 1, true);

	assert_int_equal(stores_complete(store, id, FA_STORE_SUCCEEDED), FA_STORE_DONE);
	restart();
	assert_int_equal(claim(99, 64), 0);
}

static void assert_counts(int64_t accepted, int64_t succeeded, int64_t dead, int64_t expired)
{
	struct fa_store_counts c;
	int64_t ended = succeeded + dead + expired;

	fa_store_count(store, &c);
	assert_int_equal(c.accepted, accepted);
	assert_int_equal(c.ended[FA_STORE_SUCCEEDED], succeeded);
	assert_int_equal(c.ended[FA_STORE_DEAD], dead);
	assert_int_equal(c.ended[FA_STORE_EXPIRED], expired);
	assert_int_equal(c.waiting, accepted - ended);
}

TEST(all_that_was_accepted_is_accounted_for_also_after_a_restart)
{
	int64_t id[5];

	for (int i = 0; i < 5; i++)
		id[i] = must_accept("e", 1, i & 1);
	stores_complete(store, id[0], FA_STORE_SUCCEEDED);
	stores_complete(store, id[1], FA_STORE_DEAD);
	stores_complete(store, id[2], FA_STORE_EXPIRED);
	assert_counts(5, 1, 1, 1);
	restart();
	assert_counts(5, 1, 1, 1);
	fa_store_close(store);
	store = NULL;
	assert_int_equal(stores_rows(folder, "event"), 2);
}

TEST(who_ends_twice_is_counted_once)
{
	int64_t id = must_accept("e", 1, true);

	stores_complete(store, id, FA_STORE_SUCCEEDED);
	assert_int_equal(stores_complete(store, id, FA_STORE_DEAD), FA_STORE_DONE);
	assert_counts(1, 1, 0, 0);
}

TEST(who_has_the_id_of_an_event_that_is_over_ends_no_other)
{
	int64_t id = must_accept("over", 1, true);

	stores_complete(store, id, FA_STORE_SUCCEEDED);
	assert_int_not_equal(must_accept("new", 1, true), id);
	assert_int_equal(stores_complete(store, id, FA_STORE_SUCCEEDED), FA_STORE_DONE);
	assert_counts(2, 1, 0, 0);
}

TEST(what_waits_is_not_in_the_way_of_what_is_accepted_by_the_next_program)
{
	must_accept("over", 1, true);
	must_accept("waits", 1, false);
	restart();
	must_accept("new", 1, false);
	assert_counts(3, 0, 0, 0);
}

TEST(a_second_store_in_the_same_folder_is_refused)
{
	char message[128];

	assert_null(stores_open(folder, &err));
	assert_int_equal(err.code, FAAS_EEXIST);
	snprintf(message, sizeof(message), "another runtime uses the state_dir %s", folder);
	assert_string_equal(err.message, message);
}

TEST(a_folder_of_a_newer_libfaas_is_refused)
{
	char path[128];
	sqlite3 *db;

	fa_store_close(store);
	snprintf(path, sizeof(path), "%s/queue.db", folder);
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, "unix"), 0);
	assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL), 0);
	sqlite3_close(db);
	store = stores_open(folder, &err);
	assert_null(store);
	assert_string_equal(err.message, "state_dir is of a newer libfaas");
}

TEST(a_file_that_is_no_queue_is_refused)
{
	char path[128];
	FILE *stream;

	fa_store_close(store);
	snprintf(path, sizeof(path), "%s/queue.db", folder);
	stream = fopen(path, "w");
	for (int i = 0; i < 4096; i++)
		fputc('x', stream);
	fclose(stream);
	store = stores_open(folder, &err);
	assert_null(store);
	assert_int_equal(err.code, FAAS_ESYSTEM);
}

TEST(a_folder_that_cannot_be_made_is_refused)
{
	assert_null(stores_open("/proc/nothing/here", &err));
	assert_int_equal(err.code, FAAS_ESYSTEM);
}

TEST(what_is_submitted_together_is_synced_together)
{
	static struct stores_many many;
	long before = fault_vfs_syncs();

	for (many.count = 0; many.count < 64; many.count++)
		many.ops[many.count] = (struct fa_store_op){ .verb = FA_STORE_ACCEPT,
							     .event = stores_event("e", 1, 1) };
	stores_submit_all(store, &many);
	for (int i = 0; i < 64; i++)
		assert_int_equal(many.ops[i].outcome, FA_STORE_DONE);
	assert_in_range(fault_vfs_syncs() - before, 1, 63);
	assert_counts(64, 0, 0, 0);
}

TEST(each_accepted_event_was_synced_before_it_is_said_to_be_accepted)
{
	long before = fault_vfs_syncs();

	for (int i = 0; i < 5; i++)
		must_accept("e", 1, false);
	assert_true(fault_vfs_syncs() - before >= 5);
}

TEST(on_a_full_disk_what_was_accepted_still_ends)
{
	char ballast[128];
	struct fa_stored event = stores_event("new", 3, 1);
	int64_t id = must_accept("e", 1, true);

	snprintf(ballast, sizeof(ballast), "%s/ballast", folder);
	fault_vfs_fill(ballast);
	assert_int_not_equal(stores_accept(store, &event, false), FA_STORE_DONE);
	assert_int_equal(stores_complete(store, id, FA_STORE_SUCCEEDED), FA_STORE_DONE);
	assert_int_not_equal(stores_accept(store, &event, false), FA_STORE_DONE);
	assert_counts(1, 1, 0, 0);
	fault_vfs_fill(NULL);
	must_accept("there is room again", 1, false);
	assert_counts(2, 1, 0, 0);
}

/* The control of the above: this disk does refuse, and without a ballast for good. */
TEST(without_room_for_it_an_end_waits_until_there_is_some)
{
	int64_t id = must_accept("e", 1, true);
	struct stores_many many = { .count = 1 };

	many.ops[0] = (struct fa_store_op){ .verb = FA_STORE_COMPLETE, .event = { .id = id } };
	fault_vfs_fill("/"); /* always there */
	fa_store_hurry(store); /* do not wait */
	stores_submit_all(store, &many);
	assert_int_equal(many.ops[0].outcome, FA_STORE_UNKNOWN);
	fault_vfs_fill(NULL);
	restart();
	assert_counts(1, 0, 0, 0);
}

TEST(after_a_failed_sync_what_is_accepted_next_is_there_and_what_failed_is_not)
{
	struct fa_stored event = stores_event("unsure", 6, 1);
	int64_t id = must_accept("before", 1, false);

	fault_vfs_plan(&(struct fault_plan){ .fault = FAULT_SYNC, .at = 1 });
	assert_int_equal(stores_accept(store, &event, false), FA_STORE_UNKNOWN);
	assert_int_equal(stores_complete(store, id, FA_STORE_DEAD), FA_STORE_DONE);
	must_accept("after", 1, false);
	restart();
	assert_counts(2, 0, 1, 0);
	assert_int_equal(claim(1, 64), 1);
	assert_claimed(0, "after");
}

/* Its pages are written, and only their sync fails: the last of its operations on the disk. */
static void accept_unsure(struct fa_stored *event)
{
	long ops;

	must_accept("before.", 1, false); /* with the first one the log begins */
	ops = fault_vfs_ops();
	must_accept("as long", 1, false);
	fault_vfs_plan(&(struct fault_plan){ .fault = FAULT_EIO, .at = fault_vfs_ops() - ops });
	assert_int_equal(stores_accept(store, event, false), FA_STORE_UNKNOWN);
}

static void await_sync(long syncs)
{
	for (int i = 0; i < 10000 && fault_vfs_syncs() == syncs; i++)
		usleep(1000);
}

/* All that was written then is on the disk, synced or not. */
static void lose_power(bool at_once)
{
	struct fa_stored event = stores_event("unsure ", 7, 1);

	store = stores_open(folder, &err);
	accept_unsure(&event);
	if (at_once)
		fault_vfs_power_off();
	fault_vfs_plan(&(struct fault_plan){ .fault = FAULT_NONE });
	await_sync(fault_vfs_syncs());
	fault_vfs_power_off();
}

static void after_power_loss(bool at_once)
{
	int status;
	pid_t pid;

	fa_store_close(store);
	store = NULL;
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		lose_power(at_once);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	store = stores_open(folder, &err);
	assert_non_null(store);
}

TEST(what_a_failed_sync_left_is_overwritten_though_nothing_else_is_written)
{
	after_power_loss(false);
	assert_counts(2, 0, 0, 0);
}

/* The control of the above: it is found, if nothing overwrites it. */
TEST(what_a_failed_sync_left_may_be_found_if_the_power_fails_at_once)
{
	after_power_loss(true);
	assert_counts(3, 0, 0, 0);
}

/* By another process: to close a file of a database here would open its lock. */
static bool is_on_disk(const char *text)
{
	char command[256];

	snprintf(command, sizeof(command), "grep -rqaF -e '%s' %s", text, folder);
	return system(command) == 0;
}

static void scrub(void)
{
	struct fa_store_op op = { .verb = FA_STORE_SCRUB };

	assert_int_equal(fa_store_perform(store, &op), FA_STORE_DONE);
}

static void accept_and_end(const char *payload)
{
	assert_int_equal(stores_complete(store, must_accept(payload, 1, true), FA_STORE_SUCCEEDED),
			 FA_STORE_DONE);
}

TEST(after_a_scrub_what_has_ended_is_in_no_file_and_the_rest_is_there)
{
	must_accept("it waits", 1, false);
	accept_and_end("it has ended");
	assert_true(is_on_disk("it has ended"));
	scrub();
	assert_false(is_on_disk("it has ended"));
	assert_int_equal(claim(1, 64), 1);
	assert_claimed(0, "it waits");
	restart();
	assert_counts(2, 1, 0, 0);
}

TEST(a_scrub_that_finds_no_room_is_made_up_for_when_there_is_some)
{
	accept_and_end("it has ended");
	fault_vfs_fill("/"); /* always there */
	scrub();
	assert_true(is_on_disk("it has ended"));
	fault_vfs_fill(NULL);
	must_accept("another", 1, false);
	assert_false(is_on_disk("it has ended"));
	restart();
	assert_counts(2, 1, 0, 0);
}

TEST(without_memory_a_store_is_not_opened_and_nothing_leaks)
{
	struct failing_mem mem;
	struct fa_store_config config = { .folder = folder,
					  .mem = &mem.mem,
					  .ballast = 4096 };

	fa_store_close(store);
	store = NULL;
	for (size_t n = 1; !store; n++) {
		assert_true(n < 100);
		failing_mem_init(&mem);
		mem.fail_at = n;
		store = fa_store_open(&config, &err);
		if (!store) {
			assert_int_equal(err.code, FAAS_ENOMEM);
			assert_true(failing_mem_clean(&mem));
		}
	}
	fa_store_close(store);
	store = NULL;
	assert_true(failing_mem_clean(&mem));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(what_is_due_is_claimed_once_and_oldest_first),
		CASE(a_claim_takes_no_more_than_it_may_and_tells_when_the_next_is_due),
		CASE(an_event_comes_back_as_it_was_accepted),
		CASE(an_empty_event_is_an_event),
		CASE(an_event_in_hand_is_claimed_only_after_it_was_rescheduled),
		CASE(what_was_in_hand_is_in_the_queue_again_after_a_restart),
		CASE(what_has_ended_does_not_come_back),
		CASE(all_that_was_accepted_is_accounted_for_also_after_a_restart),
		CASE(who_ends_twice_is_counted_once),
		CASE(who_has_the_id_of_an_event_that_is_over_ends_no_other),
		CASE(what_waits_is_not_in_the_way_of_what_is_accepted_by_the_next_program),
		CASE(a_second_store_in_the_same_folder_is_refused),
		CASE(a_folder_of_a_newer_libfaas_is_refused),
		CASE(a_file_that_is_no_queue_is_refused),
		CASE(a_folder_that_cannot_be_made_is_refused),
		CASE(what_is_submitted_together_is_synced_together),
		CASE(each_accepted_event_was_synced_before_it_is_said_to_be_accepted),
		CASE(on_a_full_disk_what_was_accepted_still_ends),
		CASE(without_room_for_it_an_end_waits_until_there_is_some),
		CASE(after_a_failed_sync_what_is_accepted_next_is_there_and_what_failed_is_not),
		CASE(what_a_failed_sync_left_is_overwritten_though_nothing_else_is_written),
		CASE(what_a_failed_sync_left_may_be_found_if_the_power_fails_at_once),
		CASE(after_a_scrub_what_has_ended_is_in_no_file_and_the_rest_is_there),
		CASE(a_scrub_that_finds_no_room_is_made_up_for_when_there_is_some),
		CASE(without_memory_a_store_is_not_opened_and_nothing_leaks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
