/* SPDX-License-Identifier: MIT */
/*
 * A program that appends to a stream and works on its records is killed again and again. At
 * the end every record that was accepted was processed, and of no key one was processed first
 * before those that were appended ahead of it. FAAS_KILLS says how often.
 */
#include <faas/plugin.h> /* before cmocka, which makes a macro of fail() */
#include <faas/source.h>

#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "support/flow.h"
#include "support/kills.h"

static struct flow flow;

static int work(struct faas_context *ctx, struct faas_bytes event)
{
	const char *at = event.data, *end = at + event.len;
	int key, n;

	if (kills_fails())
		return faas_fail(ctx, "Test.Failed", "now and then");
	while ((at = memmem(at, (size_t)(end - at), "\"data\":\"", 8))) {
		at += 8;
		key = *at - 'A';
		n = atoi(at + 4); /* see append() */
		kills_see(key, n);
	}
	return faas_puts(ctx, "");
}

/*
 * What is appended is chosen so that its base64 can be read: six bits at a time, the first
 * is the key ('A' + key), and the digits of the number follow from the fifth character on.
 */
static bool append(int key, int n)
{
	uint8_t body[6] = { (uint8_t)(key << 2), 0, 0 };
	uint32_t bits = 0;
	char text[5], name[8];

	snprintf(text, sizeof(text), "%04d", n);
	snprintf(name, sizeof(name), "k%d", key);
	for (int i = 0; i < 4; i++) /* '0' is 52 in base64 */
		bits = bits << 6 | (uint32_t)(text[i] - '0' + 52);
	for (int i = 0; i < 3; i++)
		body[3 + i] = (uint8_t)(bits >> (16 - 8 * i));
	return !faas_put(flow.rt, "stream:s", FAAS_MESSAGE(.body = { body, 6 }, .group = name),
			 NULL, NULL);
}

static void open_runtime(void)
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
}

TEST(each_record_is_processed_and_keys_stay_in_order_in_spite_of_kills)
{
	kills_write(&(struct kills_writers){ open_runtime, append, .keys = 16, .each = 300,
					     .by = 300 });
	flow_close(&flow);
	kills_check("records");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			each_record_is_processed_and_keys_stay_in_order_in_spite_of_kills,
			kills_begin_keys, kills_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
