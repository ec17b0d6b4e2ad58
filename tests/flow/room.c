/* SPDX-License-Identifier: MIT */
/*
 * Functions that share memory for one environment: who waits for it, gets it when it
 * comes back, whatever gave it back; and nobody waits who did not ask to.
 */
#include <faas/plugin.h> /* before cmocka, which makes a macro of fail() */

#include "support/test.h"

#include <semaphore.h>
#include <time.h>

#include <runtime.h>

#include "support/flow.h"

static struct flow flow;
static sem_t go;             /* lets one handler return */
static _Atomic int began;    /* handlers */
static _Atomic int answered; /* callbacks: throttles, and all others */
static _Atomic int throttled;

static int handler(struct faas_context *ctx, struct faas_bytes event)
{
	(void)event;
	began++;
	sem_wait(&go);
	return faas_puts(ctx, "done");
}

static void add(const char *name)
{
	flow_function(&flow, &(struct faas_function_config){ .name = name,
							     .native = handler,
							     .timeout_ms = 60000,
							     .max_age_s = 60 });
}

static int open_it(void **state)
{
	(void)state;
	began = answered = throttled = 0;
	sem_init(&go, 0, 0);
	flow_open(&flow, FAAS_CONFIG(.max_memory_mb = 128), true);
	add("f");
	add("g");
	return 0;
}

static void let_go(int n)
{
	while (n--)
		sem_post(&go);
}

static int close_it(void **state)
{
	(void)state;
	let_go(100); /* a thread cannot be killed: it must come back by itself */
	flow_close(&flow);
	sem_destroy(&go);
	return 0;
}

static void on_done(void *data, const struct faas_result *result)
{
	(void)data;
	if (result->code == FAAS_ETHROTTLED)
		throttled++;
	else
		answered++;
}

static void start(const char *function, enum faas_mode mode, int wait_ms)
{
	assert_int_equal(faas_invoke(flow.rt,
				     FAAS_REQUEST(.function = function, .mode = mode,
						  .capacity_wait_ms = wait_ms, .on_done = on_done),
				     NULL, NULL),
			 0);
}

static void await(_Atomic int *counter, int n)
{
	for (int ms = 0; *counter < n && ms < 10000; ms++)
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	assert_int_equal(*counter, n);
}

static void f_has_the_memory(void)
{
	start("f", FAAS_SYNC, 0);
	await(&began, 1);
	start("g", FAAS_SYNC, 60000);
}

TEST(the_memory_of_an_environment_that_had_to_go_is_for_who_waits)
{
	f_has_the_memory();
	assert_int_equal(faas_recycle(flow.rt, "f", NULL), 0);
	let_go(1);
	await(&began, 2);
}

TEST(the_memory_of_an_environment_that_was_late_is_for_who_waits)
{
	f_has_the_memory();
	flow_advance(&flow, 59000); /* one of g may wait a little longer than f may run */
	start("g", FAAS_SYNC, 60000);
	flow_advance(&flow, 1500);
	await(&answered, 1);
	await(&throttled, 1);
	let_go(1);
	await(&began, 2);
}

TEST(who_does_not_wait_is_throttled_behind_those_who_wait_for_memory)
{
	f_has_the_memory();
	start("g", FAAS_SYNC, 0);
	await(&throttled, 1);
	let_go(1);
	await(&began, 2);
}

TEST(an_event_behind_those_who_wait_for_memory_waits_until_it_is_too_old)
{
	f_has_the_memory();
	start("g", FAAS_EVENT, 0);
	await(&answered, 1); /* that is, accepted */
	for (int s = 0; s < 61; s++)
		flow_advance(&flow, 1000);
	for (int ms = 0; flow_metric(&flow, "AsyncEventsDropped") < 1 && ms < 10000; ms++)
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	assert_true(flow_metric(&flow, "AsyncEventsDropped") == 1);
	assert_int_equal(began, 1);
}

static pthread_mutex_t *lock_of(const char *function)
{
	struct fa_envs *envs = &flow.rt->envs;
	pthread_mutex_t *lock = NULL;
	struct fa_list *pos;

	pthread_mutex_lock(&envs->lock);
	fa_list_for(pos, &envs->pools) {
		struct fa_pool *pool = fa_container(pos, struct fa_pool, link);

		if (!strcmp(pool->version->config.name, function))
			lock = &pool->lock;
	}
	pthread_mutex_unlock(&envs->lock);
	assert_non_null(lock);
	return lock;
}

/* Many look after an environment, each for a moment; that says nothing of its memory. */
TEST(memory_of_an_idle_environment_is_found_while_somebody_looks_after_it)
{
	pthread_mutex_t *lock;

	let_go(2);
	flow_call_async(&flow, "f", "1");
	flow_await_idle(&flow, 1, 0);
	lock = lock_of("f");
	pthread_mutex_lock(lock);
	start("g", FAAS_SYNC, 0);
	for (int ms = 0; !fa_gate_in_use(&flow.rt->account.unreserved) && ms < 10000; ms++)
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	nanosleep(&(struct timespec){ 0, 20000000 }, NULL); /* by now it has looked */
	pthread_mutex_unlock(lock);
	await(&answered, 1);
	assert_int_equal(began, 2);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_it, close_it)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_memory_of_an_environment_that_had_to_go_is_for_who_waits),
		CASE(the_memory_of_an_environment_that_was_late_is_for_who_waits),
		CASE(who_does_not_wait_is_throttled_behind_those_who_wait_for_memory),
		CASE(an_event_behind_those_who_wait_for_memory_waits_until_it_is_too_old),
		CASE(memory_of_an_idle_environment_is_found_while_somebody_looks_after_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
