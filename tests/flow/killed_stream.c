/* SPDX-License-Identifier: MIT */
/*
 * A program that appends to a stream and works on its records is killed again and again, and
 * so are its workers. At the end every record that was accepted was processed, and of no key one
 * was processed first before those that were appended ahead of it, nor two at once. FAAS_KILLS
 * and FAAS_RECORDS say how often and how many.
 */
#include <faas/source.h>

#include "support/test.h"

#include <stdio.h>

#include "support/flow.h"
#include "support/kills.h"
#include "support/workers.h"

static struct flow flow;

/*
 * What is appended is chosen so that its base64 can be read: six bits at a time, the first
 * is the key ('A' + key), and the digits of the number follow from the fifth character on.
 */
static bool append(struct flow *f, int key, int n)
{
	uint8_t body[6] = { (uint8_t)(key << 2), 0, 0 };
	uint32_t bits = 0;
	char text[16], name[8];

	snprintf(text, sizeof(text), "%04d", n);
	snprintf(name, sizeof(name), "k%d", key);
	for (int i = 0; i < 4; i++) /* '0' is 52 in base64 */
		bits = bits << 6 | (uint32_t)(text[i] - '0' + 52);
	for (int i = 0; i < 3; i++)
		body[3 + i] = (uint8_t)(bits >> (16 - 8 * i));
	return !faas_put(f->rt, "stream:s", FAAS_MESSAGE(.body = { body, 6 }, .group = name),
			 NULL, NULL);
}

static void open_stream(struct flow *f)
{
	struct faas_error err;
	char id[37];
	int rc;

	workers_function(f, "stream");
	assert_int_equal(faas_resource_create(f->rt, "stream:s", "{\"ShardCount\":2}", NULL), 0);
	rc = faas_mapping_create(f->rt,
				 FAAS_MAPPING(.source = "stream:s", .function = "stream",
					      .batch_size = 10, .parallel_per_shard = 2),
				 id, &err);
	if (rc && rc != FAAS_EEXIST) /* then it is that of the last program */
		fail_msg("%s", err.message);
}

TEST(each_record_is_processed_and_keys_stay_in_order_in_spite_of_kills)
{
	workers_write_keys(&flow, &(struct workers_keys){ open_stream, append, .keys = 16,
							  .each = 300 });
	workers_close(&flow);
	workers_check_keys("records");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			each_record_is_processed_and_keys_stay_in_order_in_spite_of_kills,
			workers_begin_keys, kills_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
