/* SPDX-License-Identifier: MIT */
/* Entries of documents in both kinds of store: on a disk, and without a folder in memory. */
#include <support/test.h>

#include <stdio.h>
#include <support/stores.h>

static char folder[64];
static struct fa_store *store;

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

static void perform(struct fa_store_op *op, const char *document)
{
	op->message.address = bytes(document);
	assert_int_equal(fa_store_perform(store, op), FA_STORE_DONE);
}

static void document(const char *name, enum fa_store_verb verb)
{
	struct fa_store_op op = { .verb = verb };

	op.message.body = bytes("{}");
	perform(&op, name);
}

static void note(const char *name, const char *key, const char *value)
{
	struct fa_store_entry entry = { .key = bytes(key), .len = (int)strlen(value) };
	struct fa_store_op op = { .verb = FA_STORE_NOTE, .entries = &entry, .entry_count = 1 };

	memcpy(entry.value, value, strlen(value));
	perform(&op, name);
}

static void is_known(const char *name, const char *key, const char *value)
{
	struct fa_store_entry entry = { .key = bytes(key), .len = 7 };
	struct fa_store_op op = { .verb = FA_STORE_KNOWN, .entries = &entry, .entry_count = 1 };

	perform(&op, name);
	assert_int_equal(entry.len, strlen(value));
	assert_memory_equal(entry.value, value, strlen(value));
}

static int list(const char *name, const char *after, int max, char keys[64])
{
	struct fa_store_entry entry = { .key = bytes(after) };
	struct fa_store_op op = { .verb = FA_STORE_LIST, .entries = &entry, .max = max };
	struct fa_fetched *found[8];
	int n;

	perform(&op, name);
	n = stores_reap(&op, found);
	*keys = '\0';
	for (int i = 0; i < n; i++) {
		strcat(strcat(keys, found[i]->message.address.data), " ");
		fa_free(found[i]);
	}
	return n;
}

TEST(an_entry_is_noted_replaced_and_dropped)
{
	document("d", FA_STORE_KEEP);
	is_known("d", "k", "");
	note("d", "k", "one");
	note("d", "k", "two");
	is_known("d", "k", "two");
	is_known("d", "K", "");
	note("d", "k", "");
	is_known("d", "k", "");
}

TEST(entries_are_listed_in_the_order_of_their_bytes)
{
	char keys[64];

	document("d", FA_STORE_KEEP);
	note("d", "b", "1");
	note("d", "a/\xff", "1");
	note("d", "a", "1");
	assert_int_equal(list("d", "", 8, keys), 3);
	assert_string_equal(keys, "a a/\xff b ");
	assert_int_equal(list("d", "a", 1, keys), 1);
	assert_string_equal(keys, "a/\xff ");
	assert_int_equal(list("d", "b", 8, keys), 0);
}

TEST(entries_go_with_their_document_and_none_is_noted_without_one)
{
	char keys[64];

	document("d", FA_STORE_KEEP);
	document("e", FA_STORE_KEEP);
	note("d", "k", "1");
	note("e", "k", "1");
	document("d", FA_STORE_FORGET);
	note("d", "late", "1");
	document("d", FA_STORE_KEEP);
	assert_int_equal(list("d", "", 8, keys), 0);
	is_known("e", "k", "1");
}

TEST(entries_stay_when_their_document_is_replaced)
{
	document("d", FA_STORE_KEEP);
	note("d", "k", "1");
	document("d", FA_STORE_KEEP);
	is_known("d", "k", "1");
}

TEST(entries_outlive_the_program)
{
	document("d", FA_STORE_KEEP);
	note("d", "k", "1");
	fa_store_close(store);
	store = stores_open(folder, NULL);
	is_known("d", "k", "1");
}

int main(void)
{
#define DISK(name) cmocka_unit_test_setup_teardown(name, on_disk, teardown)
#define BOTH(name) \
	DISK(name), { #name ", in memory", name, in_memory, teardown, NULL }
	const struct CMUnitTest tests[] = {
		BOTH(an_entry_is_noted_replaced_and_dropped),
		BOTH(entries_are_listed_in_the_order_of_their_bytes),
		BOTH(entries_go_with_their_document_and_none_is_noted_without_one),
		BOTH(entries_stay_when_their_document_is_replaced),
		DISK(entries_outlive_the_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
