/* SPDX-License-Identifier: MIT */
/* Items of tables: which are some, how large they are, and what they are known by. */
#include <support/test.h>

#include <stdio.h>
#include <stdlib.h>

#include <model/item.h>

static struct faas_error err;
static struct fa_item item, other;

static void table(struct fa_table *t, const char *type)
{
	char options[256];

	snprintf(options, sizeof(options),
		 "{\"KeySchema\":[{\"AttributeName\":\"k\",\"KeyType\":\"HASH\"}],"
		 "\"AttributeDefinitions\":[{\"AttributeName\":\"k\",\"AttributeType\":\"%s\"}],"
		 "\"TimeToLiveSpecification\":{\"Enabled\":true,\"AttributeName\":\"until\"}}",
		 type);
	assert_int_equal(fa_table_read(t, "t", options, &err), 0);
}

/* An item with this value besides its key. */
static int read_value(const char *value)
{
	struct fa_table t;
	char text[4096];

	table(&t, "S");
	snprintf(text, sizeof(text), "{\"k\":{\"S\":\"1\"},\"v\":%s}", value);
	return fa_item_read(&item, &t, text, &err);
}

TEST(a_value_has_one_of_ten_types_and_the_size_that_dynamodb_counts)
{
	static const struct {
		const char *value;
		int size;
	} values[] = {
		{ "{\"S\":\"\"}", 0 },
		{ "{\"S\":\"\\u00e4b\"}", 3 },
		{ "{\"N\":\"0\"}", 1 },
		{ "{\"N\":\"-0012.50\"}", 4 },
		{ "{\"N\":\"101\"}", 3 },
		{ "{\"N\":\"12345678901234567890123456789012345678\"}", 20 },
		{ "{\"B\":\"\"}", 0 },
		{ "{\"B\":\"AAE=\"}", 2 },
		{ "{\"BOOL\":false}", 1 },
		{ "{\"NULL\":true}", 1 },
		{ "{\"SS\":[\"a\",\"bc\"]}", 3 },
		{ "{\"NS\":[\"1\",\"200\"]}", 4 },
		{ "{\"BS\":[\"AA==\"]}", 1 },
		{ "{\"L\":[]}", 3 },
		{ "{\"L\":[{\"S\":\"ab\"},{\"BOOL\":true}]}", 3 + 1 + 2 + 1 + 1 },
		{ "{\"M\":{\"abc\":{\"N\":\"1\"}}}", 3 + 1 + 3 + 2 },
	};

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		if (read_value(values[i].value))
			fail_msg("%s: %s", values[i].value, err.message);
		if ((int)item.size != 3 + values[i].size) /* "k", "1", "v" */
			fail_msg("%s: %zu", values[i].value, item.size);
	}
}

TEST(what_is_no_value_is_refused)
{
	static const char *const values[] = {
		"\"a\"", "{}", "{\"S\":\"a\",\"N\":\"1\"}", "{\"X\":\"a\"}", "{\"S\":1}",
		"{\"N\":1}", "{\"N\":\"\"}", "{\"N\":\"a\"}", "{\"N\":\"1e\"}", "{\"N\":\"1e 2\"}",
		"{\"N\":\".\"}", "{\"N\":\"1 \"}", "{\"N\":\"1.2.3\"}", "{\"N\":\"1e126\"}",
		"{\"N\":\"1e-131\"}", "{\"N\":\"1e99999999999999999999\"}",
		"{\"N\":\"123456789012345678901234567890123456789\"}", "{\"B\":\"A\"}",
		"{\"B\":\"====\"}", "{\"B\":\"A===\"}", "{\"B\":\"AA!=\"}", "{\"BOOL\":\"true\"}",
		"{\"NULL\":false}", "{\"SS\":[]}", "{\"SS\":[1]}", "{\"NS\":[\"a\"]}",
		"{\"BS\":[\"A\"]}", "{\"L\":{}}", "{\"L\":[1]}", "{\"M\":[]}", "{\"M\":{\"a\":1}}",
	};

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		memset(&err, 0, sizeof(err));
		if (read_value(values[i]) != FAAS_EINVAL)
			fail_msg("%s was taken", values[i]);
		assert_string_equal(err.type, "ValidationException");
		assert_true(strstr(err.message,
				   "The attribute \"v\" is no value of DynamoDB: ") == err.message);
	}
}

static int nested(int levels)
{
	char value[1024] = "";

	for (int i = 0; i < levels; i++)
		strcat(value, "{\"L\":[");
	strcat(value, "{\"S\":\"\"}");
	for (int i = 0; i < levels; i++)
		strcat(value, "]}");
	return read_value(value);
}

TEST(lists_lie_in_each_other_up_to_32_levels)
{
	assert_int_equal(nested(32), 0);
	assert_int_equal(nested(33), FAAS_EINVAL);
}

TEST(an_item_has_at_most_409600_bytes)
{
	const char *head = "{\"k\":{\"S\":\"1\"},\"v\":{\"S\":\"", *tail = "\"}}";
	size_t len = FA_ITEM_MAX - 3;
	char *text = calloc(1, strlen(head) + len + 1 + strlen(tail) + 1);
	struct fa_table t;

	table(&t, "S");
	memcpy(text, head, strlen(head));
	memset(text + strlen(head), 'x', len);
	strcpy(text + strlen(head) + len, tail);
	assert_int_equal(fa_item_read(&item, &t, text, &err), 0);
	assert_int_equal(item.size, FA_ITEM_MAX);
	text[strlen(head) + len] = 'x';
	strcpy(text + strlen(head) + len + 1, tail);
	assert_int_equal(fa_item_read(&item, &t, text, &err), FAAS_ETOOLARGE);
	assert_string_equal(err.message,
			    "Item size has exceeded the maximum allowed size of 409600 bytes");
	free(text);
}

static bool are_one(const char *type, const char *a, const char *b)
{
	char texts[2][64];
	struct fa_table t;

	table(&t, type);
	snprintf(texts[0], sizeof(texts[0]), "{\"k\":{\"%s\":\"%s\"}}", type, a);
	snprintf(texts[1], sizeof(texts[1]), "{\"k\":{\"%s\":\"%s\"}}", type, b);
	assert_int_equal(fa_item_read_key(&item, &t, texts[0], &err), 0);
	assert_int_equal(fa_item_read_key(&other, &t, texts[1], &err), 0);
	return item.key.hash_len == other.key.hash_len &&
	       !memcmp(item.key.hash, other.key.hash, item.key.hash_len);
}

TEST(numbers_are_one_key_if_they_are_equal_and_texts_if_they_are_the_same)
{
	assert_true(are_one("N", "1", "1.0"));
	assert_true(are_one("N", "100", "1e2"));
	assert_true(are_one("N", "-0.050", "-5E-2"));
	assert_true(are_one("N", "0", "-0.00e7"));
	assert_true(are_one("N", "+7", "007"));
	assert_false(are_one("N", "1", "10"));
	assert_false(are_one("N", "1", "-1"));
	assert_false(are_one("N", "0.1", "0.01"));
	assert_false(are_one("N", "12", "1.2"));
	assert_false(are_one("S", "1", "1.0"));
	assert_true(are_one("S", "\\u0061", "a"));
	assert_false(are_one("S", "a\\u0000", "a"));
}

/* A key of so many bytes. */
static int key_of(int len)
{
	static char text[FA_ITEM_HASH_MAX + 32];
	struct fa_table t;

	table(&t, "S");
	snprintf(text, sizeof(text), "{\"k\":{\"S\":\"%0*d\"}}", len, 0);
	return fa_item_read_key(&item, &t, len ? text : "{\"k\":{\"S\":\"\"}}", &err);
}

TEST(a_key_has_from_1_to_2048_bytes)
{
	assert_int_equal(key_of(0), FAAS_EINVAL);
	assert_string_equal(err.message, "One or more parameter values were invalid: the value of "
					 "the key k must have from 1 to 2048 bytes");
	assert_int_equal(key_of(1), 0);
	assert_int_equal(key_of(FA_ITEM_HASH_MAX), 0);
	assert_int_equal(key_of(FA_ITEM_HASH_MAX + 1), FAAS_EINVAL);
}

static int64_t expires(const char *value)
{
	char text[128];
	struct fa_table t;

	table(&t, "S");
	snprintf(text, sizeof(text), "{\"k\":{\"S\":\"1\"},\"until\":%s}", value);
	assert_int_equal(fa_item_read(&item, &t, text, &err), 0);
	return item.expires_s;
}

TEST(only_a_number_of_seconds_says_when_an_item_expires)
{
	assert_int_equal(expires("{\"N\":\"1800000000\"}"), 1800000000);
	assert_int_equal(expires("{\"N\":\"99999999999\"}"), INT64_C(99999999999));
	assert_int_equal(expires("{\"N\":\"100000000000\"}"), 0);
	assert_int_equal(expires("{\"S\":\"1800000000\"}"), 0);
	assert_int_equal(expires("{\"L\":[]}"), 0);
}

/* ---- tables ------------------------------------------------------------------ */

static void refused(const char *options, const char *message)
{
	struct fa_table t;

	assert_int_equal(fa_table_read(&t, "t", options, &err), FAAS_EINVAL);
	assert_string_equal(err.message, message);
}

#define PART(name, kind) "{\"AttributeName\":\"" name "\",\"KeyType\":\"" kind "\"}"
#define IS(name, type) "{\"AttributeName\":\"" name "\",\"AttributeType\":\"" type "\"}"
#define GOOD "\"KeySchema\":[" PART("a", "HASH") "],\"AttributeDefinitions\":[" IS("a", "S") "]"

TEST(what_is_no_table_is_refused)
{
	const char *schema = "KeySchema has one attribute with the KeyType HASH, and then perhaps "
			     "one with RANGE";

	refused(NULL, "a table needs KeySchema and AttributeDefinitions, which say what the key of "
		      "its items is");
	refused("{\"KeySchema\":[" PART("a", "RANGE") "]}", schema);
	refused("{\"KeySchema\":[" PART("a", "HASH") "],\"AttributeDefinitions\":["
		IS("a", "BOOL") "]}",
		"the key 'a' needs an AttributeName of 1 to 255 bytes, and in AttributeDefinitions "
		"the AttributeType S, N or B");
	refused("{\"KeySchema\":[" PART("a", "HASH") "," PART("a", "RANGE") "],"
		"\"AttributeDefinitions\":[" IS("a", "S") "]}", "both keys are 'a'");
	refused("{\"KeySchema\":[" PART("a", "HASH") "," PART("b", "RANGE") "," PART("c", "RANGE")
		"],\"AttributeDefinitions\":[" IS("a", "S") "," IS("b", "N") "]}", schema);
	refused("{" GOOD ",\"StreamSpecification\":{\"StreamEnabled\":true}}",
		"StreamSpecification is {\"StreamEnabled\":true,\"StreamViewType\":...} with "
		"KEYS_ONLY, NEW_IMAGE, OLD_IMAGE or NEW_AND_OLD_IMAGES, or "
		"{\"StreamEnabled\":false}");
	refused("{" GOOD ",\"TimeToLiveSpecification\":{\"Enabled\":true}}",
		"TimeToLiveSpecification needs an AttributeName of 1 to 255 bytes");
	refused("{" GOOD ",\"BillingMode\":\"x\"}",
		"'BillingMode' is nothing that a table has here: expected KeySchema, "
		"AttributeDefinitions, StreamSpecification or TimeToLiveSpecification");
}

TEST(what_a_table_is_like_is_read_as_it_was_printed)
{
	static struct fa_table t, again;
	char *text;

	assert_int_equal(fa_table_read(&t, "t", "{" GOOD ",\"StreamSpecification\":{"
				       "\"StreamEnabled\":true,\"StreamViewType\":\"OLD_IMAGE\"},"
				       "\"TimeToLiveSpecification\":{\"Enabled\":true,"
				       "\"AttributeName\":\"until\"},\"LatestStreamLabel\":\"l\"}",
				       &err), 0);
	text = fa_table_print(&t, &fa_mem_libc);
	assert_int_equal(fa_table_read(&again, "t", text, &err), 0);
	assert_memory_equal(&t, &again, sizeof(t));
	assert_int_equal(again.view, FA_VIEW_OLD);
	assert_string_equal(again.label, "l");
	fa_free(text);
}

static const char *name_of(const char *address)
{
	static char name[FA_TABLE_NAME_MAX + 1];

	return fa_table_name(name, address) ? name : "";
}

TEST(a_table_has_an_address_an_arn_and_that_of_its_stream)
{
	assert_string_equal(name_of("table:a.b-c_1"), "a.b-c_1");
	assert_string_equal(name_of("arn:aws:dynamodb:eu-west-1:1:table/t"), "t");
	assert_string_equal(name_of("arn:aws:dynamodb:eu-west-1:1:table/t/stream/2026"), "t");
	assert_string_equal(name_of("arn:aws:dynamodb:eu-west-1:1:table/t/index/i"), "");
	assert_string_equal(name_of("arn:aws:kinesis:eu-west-1:1:table/t"), "");
	assert_string_equal(name_of("table:a/b"), "");
	assert_string_equal(name_of("table:"), "");
	assert_string_equal(name_of("stream:t"), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_has_one_of_ten_types_and_the_size_that_dynamodb_counts),
		cmocka_unit_test(what_is_no_value_is_refused),
		cmocka_unit_test(lists_lie_in_each_other_up_to_32_levels),
		cmocka_unit_test(an_item_has_at_most_409600_bytes),
		cmocka_unit_test(
			numbers_are_one_key_if_they_are_equal_and_texts_if_they_are_the_same),
		cmocka_unit_test(a_key_has_from_1_to_2048_bytes),
		cmocka_unit_test(only_a_number_of_seconds_says_when_an_item_expires),
		cmocka_unit_test(what_is_no_table_is_refused),
		cmocka_unit_test(what_a_table_is_like_is_read_as_it_was_printed),
		cmocka_unit_test(a_table_has_an_address_an_arn_and_that_of_its_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
