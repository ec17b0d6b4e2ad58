/* SPDX-License-Identifier: MIT */
/* Records and items in both kinds of store: on a disk, and without a folder in memory. */
#include <support/test.h>

#include <support/stores.h>

#define STREAM "stream:s"
#define TABLE "table:t"

static char folder[64];
static struct fa_store *store;
static struct fa_fetched *got[64];

static int on_disk(void **state)
{
	(void)state;
	stores_folder(folder);
	store = stores_open(folder, NULL);
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

static struct faas_bytes bytes(const char *text)
{
	return (struct faas_bytes){ text, strlen(text) };
}

static int perform(struct fa_store_op *op)
{
	assert_int_equal(fa_store_perform(store, op), FA_STORE_DONE);
	return stores_reap(op, got);
}

static int64_t append(int shard, uint32_t hash, const char *body, int64_t sent_ms,
		      int64_t since_ms)
{
	struct fa_message m = { .address = bytes(STREAM), .shard = shard, .hash = hash,
				.group = bytes("key"), .body = bytes(body), .sent_ms = sent_ms };
	struct fa_store_op op = { .verb = FA_STORE_APPEND, .messages = &m, .message_count = 1,
				  .take.since_ms = since_ms };

	perform(&op);
	return m.id;
}

static int read_lane(int shard, int lane, int lanes, int64_t *at, int64_t since_ms, int max)
{
	struct fa_store_op op = { .verb = FA_STORE_READ, .lane = lane, .lanes = lanes, .max = max,
				  .take.since_ms = since_ms };
	int n;

	op.message.address = bytes(STREAM);
	op.message.shard = shard;
	op.message.id = *at;
	n = perform(&op);
	assert_int_equal(op.count, n);
	*at = op.message.id;
	return n;
}

static void assert_bodies(int n, const char *bodies)
{
	for (int i = 0; i < n; i++) {
		assert_int_equal(got[i]->message.body.len, 1);
		assert_memory_equal(got[i]->message.body.data, bodies + i, 1);
		fa_free(got[i]);
	}
}

TEST(records_of_a_shard_are_read_in_order_and_stay)
{
	int64_t at = 0;

	append(0, 0, "a", 10, 0);
	append(1, 0, "x", 10, 0);
	append(0, 0, "b", 10, 0);
	append(0, 0, "c", 10, 0);
	assert_int_equal(read_lane(0, 0, 1, &at, 0, 2), 2);
	assert_bodies(2, "ab");
	assert_int_equal(read_lane(0, 0, 1, &at, 0, 2), 1);
	assert_bodies(1, "c");
	assert_int_equal(read_lane(0, 0, 1, &at, 0, 2), 0);
	at = 0;
	assert_int_equal(read_lane(0, 0, 1, &at, 0, 9), 3);
	assert_bodies(3, "abc");
	assert_int_equal(read_lane(2, 0, 1, &at, 0, 9), 0);
}

TEST(a_lane_has_the_records_of_its_hashes_and_passes_over_the_others)
{
	int64_t at = 0, last;

	append(0, 4, "a", 10, 0);
	append(0, 5, "b", 10, 0);
	append(0, 6, "c", 10, 0);
	last = append(0, 9, "d", 10, 0);
	assert_int_equal(read_lane(0, 0, 2, &at, 0, 9), 2);
	assert_bodies(2, "ac");
	assert_true(at < last);
	assert_int_equal(read_lane(0, 0, 2, &at, 0, 9), 0);
	assert_int_equal(at, last);
}

TEST(records_that_are_too_old_are_not_read_and_make_room_when_others_come)
{
	int64_t at = 0;

	append(0, 0, "a", 10, 0);
	append(0, 0, "b", 20, 0);
	assert_int_equal(read_lane(0, 0, 1, &at, 15, 9), 1);
	assert_bodies(1, "b");
	append(0, 0, "c", 30, 20);
	if (!*folder)
		return;
	fa_store_close(store);
	assert_int_equal(stores_rows(folder, "record"), 2);
	store = stores_open(folder, NULL);
	assert_non_null(store);
}

/* The document goes, with all that lies at the address. Returns how much that was. */
static int64_t cut(const char *address)
{
	int64_t count = -1;
	struct fa_store_document document = { .name = bytes("d"),
					      .holds = FA_STORE_RECORDS,
					      .address = bytes(address),
					      .count = &count };
	struct fa_store_op op = { .verb = FA_STORE_CHANGE,
				  .documents = &document,
				  .document_count = 1 };

	perform(&op);
	return count;
}

TEST(the_tail_is_the_last_record_of_all_even_when_they_are_gone)
{
	struct fa_store_op tail = { .verb = FA_STORE_TAIL };
	int64_t last;

	perform(&tail);
	assert_int_equal(tail.message.id, 0);
	append(0, 0, "a", 10, 0);
	last = append(7, 0, "b", 10, 0);
	assert_int_equal(cut(STREAM), 2);
	perform(&tail);
	assert_int_equal(tail.message.id, last);
	assert_true(append(0, 0, "c", 10, 0) > last);
}

TEST(with_a_document_goes_what_lies_below_its_name)
{
	static const char *const names[] = { "n", "n:1", "n:2", "n2", "o" };
	struct fa_store_op op = { .verb = FA_STORE_KEEP, .message.body = { "x", 1 } };

	for (int i = 0; i < 5; i++) {
		op.message.address = bytes(names[i]);
		perform(&op);
	}
	op.verb = FA_STORE_FORGET;
	op.message.address = bytes("n");
	perform(&op);
	op = (struct fa_store_op){ .verb = FA_STORE_RECALL, .max = 9 };
	op.message.address = bytes("");
	assert_int_equal(perform(&op), 2);
	assert_string_equal(got[0]->message.address.data, "n2");
	assert_string_equal(got[1]->message.address.data, "o");
	assert_bodies(2, "xx");
}

/* ---- items ---------------------------------------------------------------- */

/* The new revision; 0: `revision` is not what was there. */
static int64_t write_item(const char *range, const char *body, int64_t revision, int64_t due_ms)
{
	struct fa_message record = { .address = bytes(TABLE), .group = bytes("h"),
				     .body = bytes(*body ? body : "-") };
	struct fa_store_op op = { .verb = FA_STORE_WRITE, .messages = &record, .message_count = 1 };

	op.message = (struct fa_message){ .address = bytes(TABLE), .group = bytes("h"),
					  .dedup = bytes(range), .body = bytes(body),
					  .due_ms = due_ms, .id = revision };
	perform(&op);
	return op.count ? op.message.id : 0;
}

static int find_item(const char *range)
{
	struct fa_store_op op = { .verb = FA_STORE_ITEM };

	op.message.address = bytes(TABLE);
	op.message.group = bytes("h");
	op.message.dedup = bytes(range);
	return perform(&op);
}

TEST(an_item_is_written_by_who_saw_its_revision)
{
	int64_t first = write_item("r", "1", 0, INT64_MAX), second;

	assert_true(first > 0);
	assert_int_equal(write_item("r", "2", 0, INT64_MAX), 0);
	second = write_item("r", "2", first, INT64_MAX);
	assert_true(second > first);
	assert_int_equal(write_item("r", "3", first, INT64_MAX), 0);
	assert_int_equal(find_item("r"), 1);
	assert_int_equal(got[0]->message.id, second);
	assert_bodies(1, "2");
	assert_true(write_item("r", "", second, INT64_MAX) > 0);
	assert_int_equal(find_item("r"), 0);
	assert_int_equal(find_item("q"), 0);
}

TEST(only_a_write_that_was_done_is_told_of)
{
	struct fa_store_op op = { .verb = FA_STORE_READ, .lanes = 1, .max = 9 };

	write_item("r", "1", 0, INT64_MAX);
	write_item("r", "2", 0, INT64_MAX);
	op.message.address = bytes(TABLE);
	assert_int_equal(perform(&op), 1);
	assert_bodies(1, "1");
}

TEST(items_expire_in_their_order_and_those_without_a_time_never)
{
	struct fa_store_op op = { .verb = FA_STORE_OVERDUE, .now_ms = 20, .max = 9 };

	write_item("a", "a", 0, 20);
	write_item("b", "b", 0, 10);
	write_item("c", "c", 0, 30);
	write_item("d", "d", 0, INT64_MAX);
	assert_int_equal(perform(&op), 2);
	assert_bodies(2, "ba");
	assert_int_equal(op.next_ms, 30);
	op.now_ms = 30;
	assert_int_equal(perform(&op), 3);
	assert_bodies(3, "bac");
	assert_int_equal(op.next_ms, INT64_MAX);
}

TEST(with_a_table_go_its_items_and_what_was_told_of_them)
{
	struct fa_store_op op;

	write_item("r", "1", 0, 10);
	assert_int_equal(cut(TABLE), 2);
	assert_int_equal(find_item("r"), 0);
	op = (struct fa_store_op){ .verb = FA_STORE_OVERDUE, .now_ms = 20, .max = 9 };
	assert_int_equal(perform(&op), 0);
}

#define BOTH(name) \
	{ #name, name, on_disk, teardown, NULL }, \
		{ #name "_in_memory", name, in_memory, teardown, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(records_of_a_shard_are_read_in_order_and_stay),
		BOTH(a_lane_has_the_records_of_its_hashes_and_passes_over_the_others),
		BOTH(records_that_are_too_old_are_not_read_and_make_room_when_others_come),
		BOTH(the_tail_is_the_last_record_of_all_even_when_they_are_gone),
		BOTH(an_item_is_written_by_who_saw_its_revision),
		BOTH(only_a_write_that_was_done_is_told_of),
		BOTH(items_expire_in_their_order_and_those_without_a_time_never),
		BOTH(with_a_table_go_its_items_and_what_was_told_of_them),
		BOTH(with_a_document_goes_what_lies_below_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
