/* SPDX-License-Identifier: MIT */
/*
 * A program that writes to a table and works on what changed is killed again and again, and so
 * are its workers. At the end every write that was accepted is told of, in order per key, and
 * each key has the item that was put there last: an item and its record are both there or
 * neither. FAAS_KILLS and FAAS_RECORDS say how often and how many.
 */
#include <faas/source.h>

#include "support/test.h"

#include <stdio.h>

#include "support/flow.h"
#include "support/kills.h"
#include "support/workers.h"

#define KEYS 8
#define EACH 100

static struct flow flow;

/* What was put twice, for nobody heard that it was there, is no change the second time. */
static bool put(struct flow *f, int key, int n)
{
	char item[64];

	snprintf(item, sizeof(item), "{\"Id\":{\"N\":\"%d\"},\"Count\":{\"N\":\"%d\"}}", key, n);
	return !faas_item_put(f->rt, "table:t", item, NULL, NULL, NULL);
}

static void open_table(struct flow *f)
{
	struct faas_error err;
	char id[37];
	int rc;

	workers_function(f, "table");
	rc = faas_resource_create(
		f->rt, "table:t",
		"{\"KeySchema\":[{\"AttributeName\":\"Id\",\"KeyType\":\"HASH\"}],"
		"\"AttributeDefinitions\":[{\"AttributeName\":\"Id\",\"AttributeType\":\"N\"}],"
		"\"StreamSpecification\":{"
		"\"StreamEnabled\":true,\"StreamViewType\":\"NEW_IMAGE\"}}",
		&err);
	if (!rc)
		rc = faas_mapping_create(f->rt,
					 FAAS_MAPPING(.source = "table:t", .function = "table",
						      .batch_size = 10),
					 id, &err);
	if (rc && rc != FAAS_EEXIST) /* then the mapping is that of the last program */
		fail_msg("%s", err.message);
}

static void assert_last(int key)
{
	char text[64], want[64], *item = NULL;

	snprintf(text, sizeof(text), "{\"Id\":{\"N\":\"%d\"}}", key);
	snprintf(want, sizeof(want), "{\"Id\":{\"N\":\"%d\"},\"Count\":{\"N\":\"%d\"}}",
		 key, kills_setting("FAAS_RECORDS", KEYS * EACH) / KEYS - 1);
	assert_int_equal(faas_item_get(flow.rt, "table:t", text, &item, NULL), 0);
	assert_non_null(item);
	assert_string_equal(item, want);
	faas_free(item);
}

TEST(each_change_is_told_of_and_keys_stay_in_order_in_spite_of_kills)
{
	workers_write_keys(&flow, &(struct workers_keys){ open_table, put, .keys = KEYS,
							  .each = EACH });
	for (int i = 0; i < KEYS; i++)
		assert_last(i);
	workers_close(&flow);
	workers_check_keys("changes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			each_change_is_told_of_and_keys_stay_in_order_in_spite_of_kills,
			workers_begin_keys, kills_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
