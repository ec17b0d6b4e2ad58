/* SPDX-License-Identifier: MIT */
/*
 * An alias with provisioned concurrency leads to another version while memory is out from the
 * 1st, 2nd, ... N-th allocation on. Once it leads there, what is provisioned has followed.
 */
#include <faas/plugin.h> /* before cmocka, which makes a macro of fail() */

#include "support/test.h"

#include <stdlib.h>

#include <faas/faas.h>

#include "support/failing_mem.h"

static struct failing_mem mem;
static struct faas *rt;
static struct faas_error err;

static int reply(struct faas_context *ctx, struct faas_bytes event)
{
	(void)event;
	return faas_puts(ctx, "1");
}

static void fail_from(size_t n)
{
	pthread_mutex_lock(&mem.lock);
	mem.calls = mem.failed = 0;
	mem.and_all_after = true;
	mem.fail_at = n;
	pthread_mutex_unlock(&mem.lock);
}

static void must(int rc)
{
	if (rc)
		fail_msg("%s", err.message);
}

/* Two versions; the alias leads to the first, of which one is provisioned. */
static void open_runtime(void)
{
	struct faas_config c = {
		.size = sizeof(c),
		.worker = getenv("FAAS_TEST_WORKER") ? getenv("FAAS_TEST_WORKER") : TEST_WORKER,
		.realloc = failing_realloc,
		.data = &mem,
	};

	failing_mem_init(&mem);
	rt = faas_create(&c, &err);
	assert_non_null(rt);
	must(faas_function_create(rt, FAAS_FUNCTION(.name = "f", .native = reply), &err));
	must(faas_version_publish(rt, "f", "one", NULL, &err));
	must(faas_function_update(rt, FAAS_FUNCTION(.name = "f", .memory_mb = 256), &err));
	must(faas_version_publish(rt, "f", "two", NULL, &err));
	must(faas_alias_set(rt, "f", "live", 1, 0, 0, &err));
	must(faas_version_provision(rt, "f:live", 1, &err));
}

struct wanted {
	int of[3]; /* provisioned, by number */
};

static bool look(void *data, const struct faas_function_info *info)
{
	int number = atoi(info->version);

	if (number < 3)
		((struct wanted *)data)->of[number] = info->provisioned_requested;
	return true;
}

static struct wanted wanted(void)
{
	struct wanted w = { { 0 } };

	faas_version_list(rt, look, &w);
	return w;
}

TEST(what_is_provisioned_follows_its_alias_without_memory_too)
{
	int rc = FAAS_ENOMEM;

	open_runtime();
	assert_int_equal(wanted().of[1], 1);
	for (size_t n = 1; rc; n++) {
		struct wanted w;

		assert_true(n < 100);
		fail_from(n);
		rc = faas_alias_set(rt, "f", "live", 2, 0, 0, &err);
		fail_from(0);
		w = wanted();
		assert_int_equal(w.of[1], rc ? 1 : 0);
		assert_int_equal(w.of[2], rc ? 0 : 1);
	}
	must(faas_destroy(rt));
	assert_true(failing_mem_clean(&mem));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_provisioned_follows_its_alias_without_memory_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
