/* SPDX-License-Identifier: MIT */
/*
 * Many threads at once on one runtime: calling, changing, canceling, closing.
 * What is asserted is little; it is the sanitizers that look on.
 */
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <faas/plugin.h>
#include <support/flow.h>
#include <support/test.h>

#define THREADS 4
#define ROUNDS 60

struct crowd {
	struct faas *rt;
	_Atomic uint64_t id;       /* of the last invocation anybody made */
	_Atomic int accepted, done; /* invocations with a callback */
	_Atomic int refused;
	sem_t closed;
};

static struct crowd crowd;

static void on_done(void *data, const struct faas_result *result)
{
	(void)result;
	atomic_fetch_add((_Atomic int *)data, 1);
}

static int native_echo(struct faas_context *ctx, struct faas_bytes event)
{
	faas_log(ctx, FAAS_INFO, "native");
	return faas_write(ctx, event.data, event.len);
}

static int add_function(const char *name, const char *handler, int timeout_ms)
{
	struct faas_function_config c = {
		.size = sizeof(c), .name = name, .timeout_ms = timeout_ms
	};

	if (handler) {
		c.code = TEST_PLUGINS;
		c.handler = handler;
	} else {
		c.native = native_echo;
	}
	return faas_function_create(crowd.rt, &c, NULL);
}

static int call(const char *function, const char *event, bool log_tail, int wait_ms)
{
	struct faas_result *result = NULL;
	int rc = faas_invoke_wait(crowd.rt,
				  FAAS_REQUEST(.function = function, .log_tail = log_tail,
					       .capacity_wait_ms = wait_ms,
					       .payload = { event, strlen(event) }),
				  &result, NULL);

	faas_free(result);
	return rc;
}

static int call_back(const char *function, const char *event, enum faas_mode mode)
{
	uint64_t id = 0;
	int rc = faas_invoke(crowd.rt,
			     FAAS_REQUEST(.function = function, .mode = mode,
					  .payload = { event, strlen(event) },
					  .capacity_wait_ms = 20000, .on_done = on_done,
					  .data = &crowd.done),
			     &id, NULL);

	if (rc)
		return rc;
	crowd.accepted++;
	crowd.id = id;
	return 0;
}

static bool show(void *data, const struct faas_function_info *info)
{
	*(int *)data += info->environments_busy;
	return true;
}

static int look_around(void)
{
	struct faas_stats stats = { .size = sizeof(stats) };
	struct faas_isolation *report = NULL;
	int busy = 0;

	faas_isolation_report(crowd.rt, &report, NULL);
	faas_free(report);
	faas_function_list(crowd.rt, show, &busy);
	return faas_stats(crowd.rt, &stats);
}

static int come_and_go(void)
{
	int rc = add_function("brief", "echo.echo", 20000);

	if (rc == FAAS_ECANCELED)
		return rc;
	call("brief", "1", false, 0);
	return faas_function_delete(crowd.rt, "brief", NULL);
}

static int one_of_all(unsigned *seed)
{
	static const char *const names[] = { "echo", "life", "native", "hasty" };
	const char *name = names[(unsigned)rand_r(seed) % 4];

	switch ((unsigned)rand_r(seed) % 13) {
	case 0:
		return faas_recycle(crowd.rt, name, NULL);
	case 1:
		return faas_function_update(
			crowd.rt, FAAS_FUNCTION(.name = name, .memory_mb = 256), NULL);
	case 2:
		faas_cancel(crowd.rt, crowd.id);
		return 0;
	case 3:
		return look_around();
	case 4:
		return call("life", rand_r(seed) & 1 ? "exit 0" : "kill", false, 0);
	case 5:
		return come_and_go();
	case 6:
		return call_back("life", "sleep 2", FAAS_SYNC);
	case 7:
		return call_back(name, "count", FAAS_EVENT);
	case 8:
		return call("hasty", rand_r(seed) & 1 ? "sleep 30" : "sleep 60", false,
			    1000);
	case 9:
		return call_back(name, "count", FAAS_SYNC);
	default:
		return call(name, "count", rand_r(seed) & 1, rand_r(seed) & 1000);
	}
}

static void *work(void *data)
{
	unsigned seed = (unsigned)(uintptr_t)data;

	for (int i = 0; i < ROUNDS; i++)
		one_of_all(&seed);
	return NULL;
}

/* Until it is refused: then the runtime is closing, but there still. */
static void *work_until_closed(void *data)
{
	unsigned seed = (unsigned)(uintptr_t)data;

	while (one_of_all(&seed) != FAAS_ECANCELED)
		;
	crowd.refused++;
	return NULL;
}

static void start(pthread_t *threads, void *(*run)(void *data))
{
	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, run, (void *)(i + 1)), 0);
}

static void join(const pthread_t *threads)
{
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

static void open_functions(void)
{
	assert_int_equal(add_function("echo", "echo.echo", 20000), 0);
	assert_int_equal(add_function("life", "life.act", 20000), 0);
	assert_int_equal(add_function("native", NULL, 20000), 0);
	assert_int_equal(add_function("hasty", "life.act", 40), 0);
}

TEST(many_threads_do_everything_at_once)
{
	pthread_t threads[THREADS];
	struct flow flow;

	crowd = (struct crowd){ 0 };
	flow_open(&flow, FAAS_CONFIG(.max_concurrency = 6, .idle_ms = 50), false);
	crowd.rt = flow.rt;
	open_functions();
	start(threads, work);
	join(threads);
	assert_int_equal(call("echo", "1", false, 20000), 0);
	flow_close(&flow);
	assert_true(crowd.accepted > 0);
	assert_int_equal(crowd.done, crowd.accepted);
}

static void on_closed(void *data)
{
	sem_post(data);
}

static void close_in_the_middle(int wait_ms, int grace_ms)
{
	struct timespec wait = { 0, wait_ms * 1000000 };
	pthread_t threads[THREADS];

	crowd = (struct crowd){ 0 };
	sem_init(&crowd.closed, 0, 0);
	crowd.rt = faas_create(FAAS_CONFIG(.worker = TEST_WORKER), NULL);
	assert_non_null(crowd.rt);
	open_functions();
	/* as long as this one runs, the runtime is there to refuse the others */
	assert_int_equal(call_back("life", "sleep 1500", FAAS_SYNC), 0);
	start(threads, work_until_closed);
	nanosleep(&wait, NULL);
	faas_close(crowd.rt, grace_ms, on_closed, &crowd.closed);
	join(threads);
	sem_wait(&crowd.closed);
	sem_destroy(&crowd.closed);
	assert_int_equal(crowd.refused, THREADS);
	assert_int_equal(crowd.done, crowd.accepted);
}

TEST(closing_with_grace_while_all_call)
{
	for (int i = 0; i < 3; i++)
		close_in_the_middle(i * 30, 60000);
}

static void *wait_long(void *data)
{
	int rc = call("life", "sleep 60000", false, 0);

	assert_true(!rc || rc == FAAS_ECANCELED);
	return data;
}

/* The last one out may free what the others still touch; run it often. */
TEST(closing_without_grace_while_all_wait)
{
	for (int i = 0; i < 10; i++) {
		pthread_t threads[THREADS];
		struct flow flow;

		flow_open(&flow, NULL, false);
		crowd.rt = flow.rt;
		open_functions();
		start(threads, wait_long);
		flow_await_idle(&flow, 0, THREADS);
		flow_close(&flow);
		join(threads);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_threads_do_everything_at_once),
		cmocka_unit_test(closing_with_grace_while_all_call),
		cmocka_unit_test(closing_without_grace_while_all_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
