/* SPDX-License-Identifier: MIT */
/*
 * A program that appends to a stream and works on its records is killed again and again. At
 * the end every record that was accepted was processed, and of no key one was processed first
 * before those that were appended ahead of it. FAAS_KILLS says how often.
 */
#include <faas/plugin.h> /* before cmocka, which makes a macro of fail() */
#include <faas/source.h>

#include "support/test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/flow.h"
#include "support/kills.h"

#define KEYS 16
#define EACH 300

/* Of all programs that are killed. */
struct seen {
	_Atomic int batches, accepted, twice, out_of_order;
	struct key {
		_Atomic int next; /* what is appended next, once more where a program was killed */
		_Atomic int done; /* processed in order up to here */
	} keys[KEYS];
};

static struct flow flow;
static struct seen *seen;

static int work(struct faas_context *ctx, struct faas_bytes event)
{
	const char *at = event.data, *end = at + event.len;
	int key, n;

	if (++seen->batches % 50 == 0)
		return faas_fail(ctx, "Test.Failed", "now and then");
	while ((at = memmem(at, (size_t)(end - at), "\"data\":\"", 8))) {
		at += 8;
		key = *at - 'A';
		n = atoi(at + 4); /* see append() */
		if (n < seen->keys[key].done)
			seen->twice++;
		else if (n > seen->keys[key].done)
			seen->out_of_order++;
		else
			seen->keys[key].done++;
	}
	return faas_puts(ctx, "");
}

/*
 * What is appended is chosen so that its base64 can be read: six bits at a time, the first
 * is the key ('A' + key), and the digits of the number follow from the fifth character on.
 */
static void *append(void *data)
{
	struct key *k = data;
	int key = (int)(k - seen->keys);

	for (; k->next < EACH; k->next++) {
		uint8_t body[6] = { (uint8_t)(key << 2), 0, 0 };
		uint32_t bits = 0;
		char text[5], name[8];

		snprintf(text, sizeof(text), "%04d", k->next);
		snprintf(name, sizeof(name), "k%d", key);
		for (int i = 0; i < 4; i++) /* '0' is 52 in base64 */
			bits = bits << 6 | (uint32_t)(text[i] - '0' + 52);
		for (int i = 0; i < 3; i++)
			body[3 + i] = (uint8_t)(bits >> (16 - 8 * i));
		if (faas_put(flow.rt, "stream:s", FAAS_MESSAGE(.body = { body, 6 }, .group = name),
			     NULL, NULL))
			return NULL;
		seen->accepted++;
	}
	return NULL;
}

static void open_and_append(pthread_t threads[KEYS])
{
	struct faas_error err;
	char id[37];
	int rc;

	flow_open(&flow, &(struct faas_config){ .state_dir = kills_folder }, false);
	flow_function(&flow, &(struct faas_function_config){ .name = "work", .native = work,
							     .timeout_ms = 1000 });
	assert_int_equal(faas_resource_create(flow.rt, "stream:s", "{\"ShardCount\":2}", NULL), 0);
	rc = faas_mapping_create(flow.rt,
				 FAAS_MAPPING(.source = "stream:s", .function = "work",
					      .batch_size = 10, .parallel_per_shard = 2),
				 id, &err);
	if (rc && rc != FAAS_EEXIST) /* then it is that of the last program */
		fail_msg("%s", err.message);
	for (int i = 0; i < KEYS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, append, &seen->keys[i]), 0);
}

static void be_killed(void)
{
	pthread_t threads[KEYS];

	open_and_append(threads);
}

static int processed(void)
{
	int n = 0;

	for (int i = 0; i < KEYS; i++)
		n += seen->keys[i].done;
	return n;
}

TEST(each_record_is_processed_and_keys_stay_in_order_in_spite_of_kills)
{
	int kills = kills_setting("FAAS_KILLS", 4);
	pthread_t threads[KEYS];

	for (int i = 0; i < kills; i++)
		kills_one(be_killed, &seen->accepted, 300, (unsigned)(i + 1) * 37 % 50);
	open_and_append(threads);
	for (int i = 0; i < KEYS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; processed() < KEYS * EACH && i < 60000; i++)
		kills_tick();
	flow_close(&flow);
	assert_int_equal(processed(), KEYS * EACH);
	assert_int_equal(seen->out_of_order, 0);
	print_message("# %d programs killed, %d records, %d processed more than once\n", kills,
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
			each_record_is_processed_and_keys_stay_in_order_in_spite_of_kills, open_it,
			kills_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
