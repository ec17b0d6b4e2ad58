/* SPDX-License-Identifier: MIT */
/* Records in both kinds of store: on a disk, and without a folder in memory. */
#include <support/test.h>

#include <support/stores.h>

#define STREAM "stream:s"

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

TEST(the_tail_is_the_last_record_of_all_even_when_they_are_gone)
{
	struct fa_store_op tail = { .verb = FA_STORE_TAIL }, cut = { .verb = FA_STORE_CUT };
	int64_t last;

	perform(&tail);
	assert_int_equal(tail.message.id, 0);
	append(0, 0, "a", 10, 0);
	last = append(7, 0, "b", 10, 0);
	cut.message.address = bytes(STREAM);
	perform(&cut);
	assert_int_equal(cut.count, 2);
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
		BOTH(with_a_document_goes_what_lies_below_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
