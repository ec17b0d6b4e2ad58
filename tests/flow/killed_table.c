/* SPDX-License-Identifier: MIT */
/*
 * A program that writes to a table and works on what changed is killed again and again. At the
 * end every write that was accepted is told of, in order per key, and each key has the item
 * that was put there last: an item and its record are both there or neither. FAAS_KILLS says
 * how often.
 */
#include <faas/plugin.h> /* before cmocka, which makes a macro of fail() */
#include <faas/source.h>

#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "support/flow.h"
#include "support/kills.h"

#define KEYS 8
#define EACH 100

static struct flow flow;

/* Each item has the number of the one that it replaces: the first one none. */
static int work(struct faas_context *ctx, struct faas_bytes event)
{
	char *text = strndup(event.data, event.len);
	int key, n;

	if (kills_fails()) {
		free(text);
		return faas_fail(ctx, "Test.Failed", "now and then");
	}
	for (const char *at = text; (at = strstr(at, "\"NewImage\":")); at++)
		if (sscanf(at,
			   "\"NewImage\":{\"Id\":{\"N\":\"%d\"},"
			   "\"Count\":{\"N\":\"%d\"}}", &key, &n) == 2)
			kills_see(key, n);
	free(text);
	return faas_puts(ctx, "");
}

/* What was put twice, for nobody heard that it was there, is no change the second time. */
static bool put(int key, int n)
{
	char item[64];

	snprintf(item, sizeof(item), "{\"Id\":{\"N\":\"%d\"},\"Count\":{\"N\":\"%d\"}}", key, n);
	return !faas_item_put(flow.rt, "table:t", item, NULL, NULL, NULL);
}

static void open_runtime(void)
{
	struct faas_error err;
	char id[37];
	int rc;

	flow_open(&flow, &(struct faas_config){ .state_dir = kills_folder }, false);
	flow_function(&flow, &(struct faas_function_config){ .name = "work", .native = work,
							     .timeout_ms = 1000 });
	rc = faas_resource_create(
		flow.rt, "table:t",
		"{\"KeySchema\":[{\"AttributeName\":\"Id\",\"KeyType\":\"HASH\"}],"
		"\"AttributeDefinitions\":[{\"AttributeName\":\"Id\",\"AttributeType\":\"N\"}],"
		"\"StreamSpecification\":{"
		"\"StreamEnabled\":true,\"StreamViewType\":\"NEW_IMAGE\"}}",
		&err);
	if (!rc)
		rc = faas_mapping_create(flow.rt,
					 FAAS_MAPPING(.source = "table:t", .function = "work",
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
		 key, EACH - 1);
	assert_int_equal(faas_item_get(flow.rt, "table:t", text, &item, NULL), 0);
	assert_non_null(item);
	assert_string_equal(item, want);
	faas_free(item);
}

TEST(each_change_is_told_of_and_keys_stay_in_order_in_spite_of_kills)
{
	kills_write(&(struct kills_writers){ open_runtime, put, .keys = KEYS, .each = EACH,
					     .by = 60 });
	for (int i = 0; i < KEYS; i++)
		assert_last(i);
	flow_close(&flow);
	kills_check("changes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			each_change_is_told_of_and_keys_stay_in_order_in_spite_of_kills,
			kills_begin_keys, kills_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
