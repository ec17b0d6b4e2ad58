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

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/flow.h"
#include "support/kills.h"

#define KEYS 8
#define EACH 100

/* Of all programs that are killed. */
struct seen {
	_Atomic int batches, accepted, twice, out_of_order;
	struct key {
		_Atomic int next; /* what is put next, once more where a program was killed */
		_Atomic int done; /* told of in order up to here */
	} keys[KEYS];
};

static struct flow flow;
static struct seen *seen;

/* Each item has the number of the one that it replaces: the first one none. */
static void see(int key, int n)
{
	if (n < seen->keys[key].done)
		seen->twice++;
	else if (n > seen->keys[key].done)
		seen->out_of_order++;
	else
		seen->keys[key].done++;
}

static int work(struct faas_context *ctx, struct faas_bytes event)
{
	char *text = strndup(event.data, event.len);
	int key, n;

	if (++seen->batches % 50 == 0) {
		free(text);
		return faas_fail(ctx, "Test.Failed", "now and then");
	}
	for (const char *at = text; (at = strstr(at, "\"NewImage\":")); at++)
		if (sscanf(at,
			   "\"NewImage\":{\"Id\":{\"N\":\"%d\"},"
			   "\"Count\":{\"N\":\"%d\"}}", &key, &n) == 2)
			see(key, n);
	free(text);
	return faas_puts(ctx, "");
}

/* What was put twice, for nobody heard that it was there, is no change the second time. */
static void *put(void *data)
{
	struct key *k = data;
	char item[64];

	for (; k->next < EACH; k->next++) {
		snprintf(item, sizeof(item), "{\"Id\":{\"N\":\"%d\"},\"Count\":{\"N\":\"%d\"}}",
			 (int)(k - seen->keys), k->next);
		if (faas_item_put(flow.rt, "table:t", item, NULL, NULL, NULL))
			return NULL;
		seen->accepted++;
	}
	return NULL;
}

static void open_and_put(pthread_t threads[KEYS])
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
	for (int i = 0; i < KEYS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, put, &seen->keys[i]), 0);
}

static void be_killed(void)
{
	pthread_t threads[KEYS];

	open_and_put(threads);
}

static int processed(void)
{
	int n = 0;

	for (int i = 0; i < KEYS; i++)
		n += seen->keys[i].done;
	return n;
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
	int kills = kills_setting("FAAS_KILLS", 4);
	pthread_t threads[KEYS];

	for (int i = 0; i < kills; i++)
		kills_one(be_killed, &seen->accepted, 60, (unsigned)(i + 1) * 37 % 50);
	open_and_put(threads);
	for (int i = 0; i < KEYS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; processed() < KEYS * EACH && i < 60000; i++)
		kills_tick();
	for (int i = 0; i < KEYS; i++)
		assert_last(i);
	flow_close(&flow);
	assert_int_equal(processed(), KEYS * EACH);
	assert_int_equal(seen->out_of_order, 0);
	print_message("# %d programs killed, %d changes, %d processed more than once\n", kills,
		      KEYS * EACH, seen->twice);
}

static int open_it(void **state)
{
	(void)state;
	seen = kills_begin(sizeof(*seen));
	return seen ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			each_change_is_told_of_and_keys_stay_in_order_in_spite_of_kills, open_it,
			kills_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
