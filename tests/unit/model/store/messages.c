/* SPDX-License-Identifier: MIT */
/* Messages in both kinds of store: on a disk, and without a folder in memory. */
#include <support/test.h>

#include <stdio.h>
#include <sqlite3.h>
#include <support/fault_vfs.h>
#include <support/stores.h>

#define QUEUE "queue:q"
#define TO "callback:c"

static char folder[64];
static struct fa_store *store;
static struct fa_fetched *fetched[64];

static int on_disk(void **state)
{
	(void)state;
	store = stores_begin(folder, NULL);
	return store ? 0 : -1;
}

static int in_memory(void **state)
{
	(void)state;
	*folder = '\0';
	store = stores_open(NULL, NULL);
	return store ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	fa_store_close(store);
	if (*folder)
		stores_remove(folder);
	return 0;
}

static void restart(void)
{
	fa_store_close(store);
	store = stores_open(folder, NULL);
	assert_non_null(store);
}

static int64_t send(const char *address, const char *body, int64_t due_ms)
{
	struct fa_message m = stores_message(address, body, due_ms);
	struct fa_store_op op = { .verb = FA_STORE_SEND, .messages = &m, .message_count = 1 };

	assert_int_equal(fa_store_perform(store, &op), FA_STORE_DONE);
	assert_true(m.id > 0);
	return m.id;
}

/* How many it fetched; they are in `fetched`. */
static int perform(struct fa_store_op *op, const char *address)
{
	if (address)
		op->message.address = (struct faas_bytes){ address, strlen(address) };
	assert_int_equal(fa_store_perform(store, op), FA_STORE_DONE);
	return stores_reap(op, fetched);
}

static int take(int64_t now_ms, int64_t hide_ms)
{
	return perform(&(struct fa_store_op){ .verb = FA_STORE_TAKE,
					      .now_ms = now_ms,
					      .hide_ms = hide_ms },
		       QUEUE);
}

static int fetch(int64_t now_ms, int64_t *next_ms)
{
	struct fa_store_op op = { .verb = FA_STORE_FETCH, .now_ms = now_ms, .max = 8 };
	int n = perform(&op, NULL);

	*next_ms = op.next_ms;
	return n;
}

static bool remove_it(int64_t id, enum fa_store_gone gone)
{
	struct fa_store_op op = { .verb = FA_STORE_REMOVE, .message.id = id, .gone = gone };

	perform(&op, NULL);
	return op.count;
}

static void assert_body(int at, const char *body)
{
	assert_string_equal(fetched[at]->message.body.data, body);
	fa_free(fetched[at]);
}

static struct fa_store_counts counts(void)
{
	struct fa_store_counts c;

	fa_store_count(store, &c);
	assert_int_equal(c.sent, c.gone[FA_STORE_DELIVERED] + c.gone[FA_STORE_DROPPED] + c.lying);
	return c;
}

TEST(a_queue_gives_its_messages_once_and_oldest_first)
{
	send(QUEUE, "second", 20);
	send(QUEUE, "first", 10);
	send(QUEUE, "not yet", 31);
	send("queue:other", "of another queue", 1);
	assert_int_equal(take(30, 0), 1);
	assert_body(0, "first");
	assert_int_equal(take(30, 0), 1);
	assert_body(0, "second");
	assert_int_equal(take(30, 0), 0);
	assert_int_equal(counts().gone[FA_STORE_DELIVERED], 2);
	assert_int_equal(counts().lying, 2);
}

TEST(what_was_taken_for_a_time_is_back_after_it_unless_it_was_removed)
{
	int64_t id = send(QUEUE, "m", 10);

	assert_int_equal(take(10, 100), 1);
	assert_int_equal(fetched[0]->message.tries, 1);
	assert_body(0, "m");
	assert_int_equal(take(109, 100), 0);
	assert_int_equal(take(110, 100), 1);
	assert_int_equal(fetched[0]->message.tries, 2);
	assert_body(0, "m");
	assert_true(remove_it(id, FA_STORE_DELIVERED));
	assert_false(remove_it(id, FA_STORE_DELIVERED));
	assert_int_equal(take(999, 0), 0);
	assert_int_equal(counts().gone[FA_STORE_DELIVERED], 1);
}

TEST(what_came_back_by_itself_is_not_given_back_once_more)
{
	int64_t id = send(QUEUE, "m", 10);
	struct fa_store_op back = { .verb = FA_STORE_RETURN, .ids = &id, .id_count = 1,
				    .now_ms = 110 };

	assert_int_equal(take(10, 100), 1);
	assert_body(0, "m");
	assert_int_equal(perform(&back, NULL), 0);
	assert_int_equal(take(110, 100), 1);
	assert_int_equal(fetched[0]->message.tries, 2);
	assert_body(0, "m");
}

TEST(a_message_is_as_it_was_sent)
{
	struct fa_message m = stores_message(QUEUE, "", 10), *got;
	struct fa_store_op op = { .verb = FA_STORE_SEND, .messages = &m, .message_count = 1 };

	m.kind = FA_MESSAGE_DEAD_LETTER;
	m.body = (struct faas_bytes){ "a\0b", 3 };
	m.attributes = (struct faas_bytes){ "{\"a\":1}", 7 };
	m.trace = (struct faas_bytes){ "Root=1", 6 };
	assert_int_equal(fa_store_perform(store, &op), FA_STORE_DONE);
	assert_int_equal(take(10, 0), 1);
	got = &fetched[0]->message;
	assert_int_equal(got->kind, FA_MESSAGE_DEAD_LETTER);
	assert_int_equal(got->sent_ms, 10);
	assert_int_equal(got->body.len, 3);
	assert_memory_equal(got->body.data, "a\0b", 4);
	assert_string_equal(got->address.data, QUEUE);
	assert_string_equal(got->source.data, "arn:f");
	assert_string_equal(got->attributes.data, "{\"a\":1}");
	assert_string_equal(got->trace.data, "Root=1");
	fa_free(fetched[0]);
}

TEST(outgoing_ones_are_fetched_until_they_are_removed_and_are_in_no_queue)
{
	int64_t next, id = send(TO, "m", 10);

	assert_int_equal(fetch(9, &next), 0);
	assert_int_equal(next, 10);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(fetch(10, &next), 1);
		assert_body(0, "m");
	}
	assert_int_equal(perform(&(struct fa_store_op){ .verb = FA_STORE_TAKE, .now_ms = 10 }, TO),
			 0);
	assert_true(remove_it(id, FA_STORE_DROPPED));
	assert_int_equal(fetch(99, &next), 0);
	assert_true(next == INT64_MAX);
	assert_int_equal(counts().gone[FA_STORE_DROPPED], 1);
}

TEST(a_delivery_that_failed_is_put_off_and_counted)
{
	struct fa_store_op op = { .verb = FA_STORE_DELAY };
	int64_t next;

	op.message.id = send(TO, "m", 10);
	op.message.due_ms = 50;
	perform(&op, NULL);
	assert_int_equal(fetch(49, &next), 0);
	assert_int_equal(next, 50);
	assert_int_equal(fetch(50, &next), 1);
	assert_int_equal(fetched[0]->message.tries, 1);
	assert_body(0, "m");
}

TEST(a_look_takes_nothing)
{
	struct fa_store_op op = { .verb = FA_STORE_PEEK, .max = 2 };

	for (int i = 0; i < 3; i++)
		send(QUEUE, (const char *[]){ "a", "b", "c" }[i], 10);
	assert_int_equal(perform(&op, QUEUE), 2);
	op.message.id = fetched[1]->message.id;
	assert_body(0, "a");
	assert_body(1, "b");
	assert_int_equal(perform(&op, QUEUE), 1);
	assert_body(0, "c");
	assert_int_equal(counts().lying, 3);
}

TEST(a_queue_is_summed_up)
{
	struct fa_store_op op = { .verb = FA_STORE_SUM, .now_ms = 20 };

	perform(&op, QUEUE);
	assert_int_equal(op.sum.visible + op.sum.hidden, 0);
	assert_true(op.sum.oldest_ms == INT64_MAX);
	send(QUEUE, "a", 10);
	send(QUEUE, "b", 20);
	send(QUEUE, "c", 21);
	perform(&op, QUEUE);
	assert_int_equal(op.sum.visible, 2);
	assert_int_equal(op.sum.hidden, 1);
	assert_int_equal(op.sum.oldest_ms, 10);
}

static int64_t is_on_its_way(const char *source)
{
	struct fa_store_op op = { .verb = FA_STORE_ON_WAY,
				  .message.source = { source, strlen(source) } };

	assert_int_equal(fa_store_perform(store, &op), FA_STORE_DONE);
	return op.count;
}

TEST(it_is_known_whether_anything_that_was_pushed_is_on_its_way)
{
	struct fa_message m[3] = { stores_message(TO, "a", 10), stores_message(QUEUE, "b", 10),
				   stores_message(TO, "c", 10) };
	struct fa_store_op op = { .verb = FA_STORE_SEND, .messages = m, .message_count = 3 };

	m[0].source = (struct faas_bytes){ "one", 3 };
	m[1].source = (struct faas_bytes){ "two", 3 };
	m[2].source = (struct faas_bytes){ "three", 5 };
	m[0].kind = m[1].kind = FA_MESSAGE_PUSHED; /* and the last one is a letter */
	assert_int_equal(fa_store_perform(store, &op), FA_STORE_DONE);
	assert_int_equal(is_on_its_way("one"), 1);
	assert_int_equal(is_on_its_way("two"), 0); /* a queue has it */
	assert_int_equal(is_on_its_way("three"), 0);
	op = (struct fa_store_op){ .verb = FA_STORE_REMOVE, .message.id = m[0].id };
	assert_int_equal(fa_store_perform(store, &op), FA_STORE_DONE);
	assert_int_equal(is_on_its_way("one"), 0);
}

TEST(messages_move_from_a_queue_to_where_they_shall_go)
{
	struct fa_message to = stores_message(TO, "", 0);
	struct fa_store_op op = { .verb = FA_STORE_MOVE, .to = &to, .now_ms = 20, .max = 2 };
	int64_t next;

	for (int i = 0; i < 3; i++)
		send(QUEUE, "m", 10);
	perform(&op, QUEUE);
	assert_int_equal(op.count, 2);
	assert_int_equal(fetch(20, &next), 2);
	assert_string_equal(fetched[0]->message.address.data, TO);
	assert_body(0, "m");
	assert_body(1, "m");
	assert_int_equal(counts().lying, 3);
}

TEST(dead_letters_go_back_to_their_function_and_others_stay)
{
	struct fa_message m = stores_message(QUEUE, "dead", 10);
	struct fa_store_op sending = { .verb = FA_STORE_SEND, .messages = &m, .message_count = 1 };
	struct fa_store_op op = { .verb = FA_STORE_MOVE, .now_ms = 20, .max = 9 };
	int64_t next;

	m.kind = FA_MESSAGE_DEAD_LETTER;
	assert_int_equal(fa_store_perform(store, &sending), FA_STORE_DONE);
	send(QUEUE, "plain", 10);
	perform(&op, QUEUE);
	assert_int_equal(op.count, 1);
	assert_int_equal(fetch(20, &next), 1);
	assert_string_equal(fetched[0]->message.address.data, "function:arn:f");
	assert_body(0, "dead");
}

TEST(a_message_goes_with_the_end_of_its_event_and_only_with_the_first)
{
	struct fa_stored event = stores_event("e", 1, 1);
	struct fa_message m = stores_message(QUEUE, "m", 10);

	assert_int_equal(stores_accept(store, &event, true), FA_STORE_DONE);
	for (int i = 0; i < 2; i++)
		assert_int_equal(stores_complete_with(store, event.id, FA_STORE_DEAD, &m),
				 FA_STORE_DONE);
	assert_int_equal(counts().sent, 1);
	assert_int_equal(counts().ended[FA_STORE_DEAD], 1);
}

TEST(what_follows_a_message_is_sent_when_it_goes_and_only_with_the_first)
{
	struct fa_message next[] = { stores_message(QUEUE, "a", 10), stores_message(TO, "b", 10) };
	struct fa_store_op op = { .verb = FA_STORE_REMOVE, .messages = next, .message_count = 2 };
	int64_t due;

	op.message.id = send(TO, "m", 10);
	for (int i = 0; i < 2; i++)
		perform(&op, NULL);
	assert_int_equal(op.count, 0);
	assert_int_equal(counts().sent, 3);
	assert_int_equal(counts().gone[FA_STORE_DELIVERED], 1);
	assert_int_equal(fetch(10, &due), 1);
	assert_body(0, "b");
}

TEST(messages_outlive_the_program)
{
	int64_t next;

	send(QUEUE, "in the queue", 10);
	send(TO, "on its way", 10);
	assert_int_equal(fetch(10, &next), 1); /* it was in somebody's hands */
	fa_free(fetched[0]);
	restart();
	assert_int_equal(counts().lying, 2);
	assert_int_equal(take(10, 0), 1);
	assert_body(0, "in the queue");
	assert_int_equal(fetch(10, &next), 1);
	assert_body(0, "on its way");
}

TEST(a_document_is_kept_by_its_name_replaced_and_forgotten)
{
	struct fa_store_op op = { .verb = FA_STORE_KEEP };
	struct fa_store_op recall = { .verb = FA_STORE_RECALL, .max = 8 };

	op.message.body = (struct faas_bytes){ "one", 3 };
	perform(&op, "f");
	perform(&op, "g");
	op.message.body = (struct faas_bytes){ "two", 3 };
	perform(&op, "f");
	if (*folder)
		restart();
	assert_int_equal(perform(&recall, ""), 2);
	assert_string_equal(fetched[0]->message.address.data, "f");
	assert_body(0, "two");
	assert_body(1, "one");
	op.verb = FA_STORE_FORGET;
	perform(&op, "f");
	assert_int_equal(perform(&recall, "f"), 1);
	assert_body(0, "one");
	assert_int_equal(perform(&recall, "g"), 0);
}

TEST(what_was_sent_and_what_has_gone_is_known_to_the_next_program)
{
	int64_t id = send(QUEUE, "dropped", 2);

	send(QUEUE, "delivered", 1);
	send(QUEUE, "lies", 3);
	assert_int_equal(take(1, 0), 1);
	assert_body(0, "delivered");
	assert_true(remove_it(id, FA_STORE_DROPPED));
	fa_store_close(store);
	store = stores_open(folder, NULL);
	assert_non_null(store);
	assert_int_equal(counts().gone[FA_STORE_DELIVERED], 1);
	assert_int_equal(counts().gone[FA_STORE_DROPPED], 1);
	assert_int_equal(counts().lying, 1);
	assert_int_equal(counts().sent, 3);
}

/* As it was before there were messages. */
TEST(a_queue_of_the_first_schema_is_taken_over_with_its_events)
{
	struct fa_stored event = stores_event("e", 1, 1);
	struct fa_claimed *claimed[2];
	char path[128];
	sqlite3 *db;

	assert_int_equal(stores_accept(store, &event, false), FA_STORE_DONE);
	fa_store_close(store);
	snprintf(path, sizeof(path), "%s/queue.db", folder);
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, "unix"), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "DROP TABLE message; DROP TABLE document;"
					  " DROP TABLE dedup; DROP TABLE entry;"
					  " DROP TABLE record; DROP TABLE item;"
					  " DROP TABLE tally;"
					  " CREATE TABLE tally(accepted INTEGER NOT NULL,"
					  " succeeded INTEGER NOT NULL, dead INTEGER NOT NULL,"
					  " expired INTEGER NOT NULL);"
					  " INSERT INTO tally VALUES(9, 5, 2, 1);"
					  " PRAGMA user_version = 1",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	store = stores_open(folder, NULL);
	assert_non_null(store);
	send(QUEUE, "m", 1);
	assert_int_equal(stores_claim(store, 9, 2, claimed, NULL), 1);
	assert_memory_equal(claimed[0]->event.payload.data, "e", 2);
	fa_free(claimed[0]);
	assert_int_equal(counts().accepted, 9);
	assert_int_equal(counts().ended[FA_STORE_DEAD], 2);
	assert_int_equal(counts().sent, 1);
}

int main(void)
{
#define DISK(name) cmocka_unit_test_setup_teardown(name, on_disk, teardown)
#define BOTH(name) \
	DISK(name), { #name ", in memory", name, in_memory, teardown, NULL }
	const struct CMUnitTest tests[] = {
		BOTH(a_queue_gives_its_messages_once_and_oldest_first),
		BOTH(what_was_taken_for_a_time_is_back_after_it_unless_it_was_removed),
		BOTH(what_came_back_by_itself_is_not_given_back_once_more),
		BOTH(a_message_is_as_it_was_sent),
		BOTH(outgoing_ones_are_fetched_until_they_are_removed_and_are_in_no_queue),
		BOTH(a_delivery_that_failed_is_put_off_and_counted),
		BOTH(a_look_takes_nothing),
		BOTH(a_queue_is_summed_up),
		BOTH(it_is_known_whether_anything_that_was_pushed_is_on_its_way),
		BOTH(messages_move_from_a_queue_to_where_they_shall_go),
		BOTH(dead_letters_go_back_to_their_function_and_others_stay),
		BOTH(a_message_goes_with_the_end_of_its_event_and_only_with_the_first),
		BOTH(what_follows_a_message_is_sent_when_it_goes_and_only_with_the_first),
		BOTH(a_document_is_kept_by_its_name_replaced_and_forgotten),
		DISK(messages_outlive_the_program),
		DISK(what_was_sent_and_what_has_gone_is_known_to_the_next_program),
		DISK(a_queue_of_the_first_schema_is_taken_over_with_its_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
