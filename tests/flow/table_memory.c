/* SPDX-License-Identifier: MIT */
/*
 * Out of memory while items are written, expire and are told of: the 1st, the 2nd, ... the N-th
 * allocation fails, once or with all after it for a while. A write that was refused was not
 * done; when there is memory again what has expired is gone, each change was told of in order,
 * and nothing leaks.
 */
#include <faas/plugin.h> /* before cmocka, which makes a macro of fail() */
#include <faas/source.h>

#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <runtime.h>

#include "support/failing_mem.h"

#define ITEMS 3

static struct {
	struct failing_mem mem;
	struct fa_clock_virtual clock;
	struct faas *rt;
} host;

static _Atomic int told, removed, out_of_order;
static struct faas_error err;

/* One item after the other, of one key; some perhaps once more. */
static int note(struct faas_context *ctx, struct faas_bytes event)
{
	char *text = strndup(event.data, event.len);
	const char *image = strstr(text, "\"NewImage\":"), *at;
	int n;

	if (strstr(text, "\"principalId\":\"dynamodb.amazonaws.com\"")) {
		removed++;
		out_of_order += told < ITEMS;
	} else if (image && (at = strstr(image, "\"n\":{\"N\":\""))) {
		n = atoi(at + strlen("\"n\":{\"N\":\""));
		out_of_order += n > told;
		told += n == told;
	}
	free(text);
	return faas_puts(ctx, "");
}

static void pass(int times, int64_t ms)
{
	for (int i = 0; i < times; i++) {
		nanosleep(&(struct timespec){ 0, 500000 }, NULL);
		host.clock.ns += ms * 1000000;
		fa_loop_wake(&host.rt->loop);
	}
}

/* Who is not there yet stays away: a source that cannot be opened disables its mapping. */
static void await_enabled(const char *id)
{
	char request[64], *reply = NULL;
	bool enabled = false;

	snprintf(request, sizeof(request), "{\"UUID\":\"%s\"}", id);
	for (int i = 0; i < 10000 && !enabled; i++) {
		pass(1, 0);
		assert_int_equal(faas_control(host.rt, "GetEventSourceMapping", request, &reply,
					      &err), 0);
		enabled = strstr(reply, "\"State\":\"Enabled\"");
		faas_free(reply);
	}
	assert_true(enabled);
}

static void open_runtime(void)
{
	struct faas_config c = {
		.size = sizeof(c),
		.worker = getenv("FAAS_TEST_WORKER") ? getenv("FAAS_TEST_WORKER") : TEST_WORKER,
		.realloc = failing_realloc,
		.data = &host.mem,
	};
	char id[37];

	told = removed = out_of_order = 0;
	failing_mem_init(&host.mem);
	fa_clock_virtual_init(&host.clock, 1700000000000);
	host.rt = fa_create(&c, &host.clock.clock, &err);
	assert_non_null(host.rt);
	assert_int_equal(faas_function_create(host.rt, FAAS_FUNCTION(.name = "f", .native = note),
					      &err), 0);
	if (faas_resource_create(host.rt, "table:t",
				 "{\"KeySchema\":[{\"AttributeName\":\"k\",\"KeyType\":\"HASH\"}],"
				 "\"AttributeDefinitions\":[{\"AttributeName\":\"k\","
				 "\"AttributeType\":\"S\"}],\"StreamSpecification\":{"
				 "\"StreamEnabled\":true,\"StreamViewType\":\"NEW_IMAGE\"},"
				 "\"TimeToLiveSpecification\":{\"Enabled\":true,"
				 "\"AttributeName\":\"until\"}}", &err) ||
	    faas_mapping_create(host.rt,
				FAAS_MAPPING(.source = "table:t", .function = "f", .batch_size = 1),
				id, &err))
		fail_msg("%s", err.message);
	await_enabled(id);
}

/* The first write puts it there, the others change it; each is on the condition of the last. */
static void put(int n)
{
	char item[96], condition[64];

	snprintf(item, sizeof(item),
		 "{\"k\":{\"S\":\"a\"},\"n\":{\"N\":\"%d\"},\"until\":{\"N\":\"1700000060\"}}", n);
	snprintf(condition, sizeof(condition),
		 n ? "{\"n\":{\"N\":[\"%d\"]}}" : "{\"n\":{\"N\":[{\"exists\":false}]}}", n - 1);
	while (faas_item_put(host.rt, "table:t", item, condition, NULL, &err)) {
		if (err.code != FAAS_ENOMEM && err.code != FAAS_ESYSTEM)
			fail_msg("a write that was refused was done: %s", err.message);
		failing_mem_recover(&host.mem); /* it was said, and is not there */
	}
}

/* Whether there was an n-th allocation. */
static bool run(size_t n, bool and_all_after)
{
	open_runtime();
	failing_mem_fail_at(&host.mem, n, and_all_after);
	for (int i = 0; i < ITEMS; i++)
		put(i);
	pass(10, 1);
	host.clock.ns += INT64_C(60000000000);
	pass(10, 1);
	failing_mem_recover(&host.mem);
	for (int i = 0; i < 1000 && !removed; i++)
		pass(4, 2000);
	if (told != ITEMS || !removed || out_of_order)
		fail_msg("allocation %zu failed: %d told of, %d removed, %d out of order", n, told,
			 removed, out_of_order);
	assert_int_equal(faas_destroy(host.rt), 0);
	if (!failing_mem_clean(&host.mem))
		fail_msg("allocation %zu failed: %zu blocks were left", n, host.mem.blocks);
	return failing_mem_has_failed(&host.mem);
}

TEST(each_change_is_told_of_in_order_and_what_expires_goes_when_there_is_memory_again)
{
	size_t n = 1;

	while (run(n, false))
		n++;
	assert_true(n > 10);
	for (size_t i = 1; i < n; i++)
		run(i, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			each_change_is_told_of_in_order_and_what_expires_goes_when_there_is_memory_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
