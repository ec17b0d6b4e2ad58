/* SPDX-License-Identifier: MIT */
#ifndef TEST_FLOW_PROVISIONED_H
#define TEST_FLOW_PROVISIONED_H

/* Short words for the tests of provisioned environments: of one runtime, and its function f. */
#include "support/test.h"

#include <time.h>

#include "support/flow.h"

#include <invoke.h>

#define WARM "\"initialised\""
#define TYPE "AWS_LAMBDA_INITIALIZATION_TYPE"

static struct flow flow;

static inline int open_real(void **state)
{
	(void)state;
	flow_open(&flow, NULL, false);
	return 0;
}

static inline int open_virtual(void **state)
{
	(void)state;
	flow_open(&flow, &(struct faas_config){ .idle_ms = 60000, .max_memory_mb = 512 }, true);
	return 0;
}

static inline int open_small(void **state)
{
	(void)state;
	flow_open(&flow, &(struct faas_config){ .max_memory_mb = 256, .max_concurrency = 4 }, true);
	return 0;
}

static inline int close_it(void **state)
{
	(void)state;
	flow_close(&flow);
	return 0;
}

static inline void function(const char *name, const char *handler, int provisioned)
{
	flow_function(&flow, &(struct faas_function_config){ .name = name,
							     .handler = handler,
							     .provisioned = provisioned });
}

static inline void update(const struct faas_function_config *config)
{
	struct faas_error err = { 0 };

	if (faas_function_update(flow.rt, config, &err))
		fail_msg("%s", err.message);
}

static inline void pause_a_little(void)
{
	nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
}

static inline bool is(const char *status, int available)
{
	struct faas_function_info *info = NULL;
	bool so;

	assert_int_equal(faas_function_get(flow.rt, "f", &info, NULL), 0);
	so = !strcmp(info->provisioned_status, status) && info->provisioned_available == available;
	faas_free(info);
	return so;
}

static inline void await(const char *status, int available)
{
	struct faas_function_info *info = NULL;

	for (int ms = 0; ms < 10000; ms++) {
		if (is(status, available))
			return;
		pause_a_little();
	}
	assert_int_equal(faas_function_get(flow.rt, "f", &info, NULL), 0);
	fail_msg("%s, %d of %d: %s; expected %s, %d", info->provisioned_status,
		 info->provisioned_available, info->provisioned_requested, info->provisioned_reason,
		 status, available);
}

static inline void expect_reason(const char *reason)
{
	struct faas_function_info *info = NULL;

	assert_int_equal(faas_function_get(flow.rt, "f", &info, NULL), 0);
	assert_string_equal(info->provisioned_reason, reason);
	faas_free(info);
}

static inline uint64_t cold_starts(void)
{
	struct faas_stats stats = { .size = sizeof(stats) };

	assert_int_equal(faas_stats(flow.rt, &stats), 0);
	return stats.cold_starts;
}

/* Of the function f, which outlives its use. */
static inline struct fa_pool *pool_of_f(void)
{
	struct fa_version *version = fa_registry_find(&flow.rt->registry, "f", NULL);
	struct fa_pool *pool = ((struct fa_runner *)version->runner)->pool;

	fa_version_unref(version);
	return pool;
}

static inline int alive(void)
{
	struct fa_pool *pool = pool_of_f();
	int n;

	pthread_mutex_lock(&pool->lock);
	n = pool->alive;
	pthread_mutex_unlock(&pool->lock);
	return n;
}

static inline void await_alive(int n)
{
	for (int ms = 0; ms < 10000 && alive() != n; ms++)
		pause_a_little();
	assert_int_equal(alive(), n);
}

/* Of all environments. */
static inline void await_memory(int64_t mb)
{
	struct fa_envs *envs = &flow.rt->envs;
	int64_t now = -1;

	for (int ms = 0; ms < 10000 && now != mb; ms++) {
		pthread_mutex_lock(&envs->lock);
		now = envs->memory_mb;
		pthread_mutex_unlock(&envs->lock);
		pause_a_little();
	}
	assert_int_equal(now, mb);
}

#define REAL(name) cmocka_unit_test_setup_teardown(name, open_real, close_it)
#define VIRTUAL(name) cmocka_unit_test_setup_teardown(name, open_virtual, close_it)
#define SMALL(name) cmocka_unit_test_setup_teardown(name, open_small, close_it)

#endif
