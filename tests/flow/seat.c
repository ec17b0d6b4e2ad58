/* SPDX-License-Identifier: MIT */
/* What a caller's thread keeps between two calls: that it is quick, and that nobody misses it. */
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

#include <faas/plugin.h>
#include <support/failing_mem.h>
#include <support/flow.h>
#include <support/test.h>
#include <support/thread_host.h>

#include <runtime.h>

/* Nobody listens: then leases are kept. */
static void open_silent(void)
{
	host_open(FAAS_CONFIG(.worker = TEST_WORKER));
}

static int open_host(void **state)
{
	(void)state;
	open_silent();
	return 0;
}

/* Leases that are kept for nobody just now. */
static int kept_in(struct faas *rt)
{
	int kept = 0;

	for (int i = 0; i < FA_SEATS; i++)
		kept += atomic_load(&rt->seats[i].pool) != NULL;
	return kept;
}

/* The loop looks at who is idle some time after the clock says so. */
static void await_given_back(struct faas *rt)
{
	for (int i = 0; i < FA_SEATS; i++)
		while (atomic_load(&rt->seats[i].pool) ||
		       atomic_load(&rt->seats[i].state) != FA_SEAT_FREE)
			sched_yield();
}

static int kept(void)
{
	return kept_in(host_runtime());
}

static int close_host(void **state)
{
	(void)state;
	host_close();
	return 0;
}

static int one(struct faas_context *ctx, struct faas_bytes event)
{
	(void)event;
	return faas_puts(ctx, "one");
}

static int two(struct faas_context *ctx, struct faas_bytes event)
{
	(void)event;
	return faas_puts(ctx, "two");
}

static void says(const char *function, const char *text)
{
	struct answer answer;

	host_call(WAITING, function, "1", &answer);
	assert_int_equal(answer.refused, 0);
	assert_string_equal(answer.payload, text);
}

/* ---- on a thread of its own ------------------------------------------- */

struct caller {
	pthread_t thread;
	const char *function;
	struct answer answer;
	int times;
};

static void *call(void *data)
{
	struct caller *caller = data;

	for (int i = 0; i < caller->times; i++)
		host_call(WAITING, caller->function, "1", &caller->answer);
	return NULL;
}

static void begin(struct caller *caller, const char *function, int times)
{
	*caller = (struct caller){ .function = function, .times = times };
	assert_int_equal(pthread_create(&caller->thread, NULL, call, caller), 0);
}

static void end(struct caller *caller)
{
	assert_int_equal(pthread_join(caller->thread, NULL), 0);
	assert_int_equal(caller->answer.refused, 0);
	assert_int_equal(caller->answer.code, FAAS_OK);
}

/* ---- nothing is withheld ---------------------------------------------- */

TEST(a_place_that_is_kept_is_there_for_everybody)
{
	struct caller other;
	struct answer answer;

	host_close();
	host_open(FAAS_CONFIG(.worker = TEST_WORKER, .max_concurrency = 1));
	host_function(FAAS_FUNCTION(.name = "one", .native = one));
	host_function(FAAS_FUNCTION(.name = "two", .native = two));
	for (int i = 0; i < 3; i++) {
		says("one", "one");
		assert_int_equal(kept(), 1);
		host_call(BY_CALLBACK, "one", "1", &answer);
		assert_string_equal(answer.payload, "one");
		begin(&other, "two", 2);
		end(&other);
		host_call(BY_CALLBACK, "two", "1", &answer);
		assert_string_equal(answer.payload, "two");
	}
	host_close();
	open_silent();
}

TEST(memory_that_is_kept_is_there_for_everybody)
{
	struct caller other;
	struct answer answer;

	host_close();
	host_open(FAAS_CONFIG(.worker = TEST_WORKER, .max_memory_mb = 128));
	host_function(FAAS_FUNCTION(.name = "one", .native = one, .memory_mb = 128));
	host_function(FAAS_FUNCTION(.name = "two", .native = two, .memory_mb = 128));
	host_call(BY_CALLBACK, "one", "1", &answer); /* by now the loop knows both */
	for (int i = 0; i < 3; i++) {
		says("one", "one");
		assert_int_equal(kept(), 1);
		begin(&other, "two", 1);
		end(&other);
	}
	host_close();
	open_silent();
}

TEST(what_is_kept_counts_as_idle)
{
	struct faas_stats stats = { .size = sizeof(stats) };

	host_function(FAAS_FUNCTION(.name = "idle", .native = one));
	says("idle", "one");
	assert_int_equal(kept(), 1);
	assert_int_equal(faas_stats(host_runtime(), &stats), 0);
	assert_int_equal(stats.environments_idle, 1);
	assert_int_equal(stats.environments_busy, 0);
	says("idle", "one");
	assert_int_equal(faas_stats(host_runtime(), &stats), 0);
	assert_int_equal(stats.cold_starts, 1);
}

TEST(the_call_after_an_update_runs_the_new_version)
{
	struct answer answer;

	host_function(FAAS_FUNCTION(.name = "changes", .native = one));
	says("changes", "one");
	assert_int_equal(faas_function_update(host_runtime(),
					      FAAS_FUNCTION(.name = "changes", .native = two,
							    .isolation = FAAS_THREAD),
					      NULL), 0);
	says("changes", "two");
	says("changes", "two");
	assert_int_equal(faas_function_delete(host_runtime(), "changes", NULL), 0);
	host_call(WAITING, "changes", "1", &answer);
	assert_int_equal(answer.refused, FAAS_ENOTFOUND);
}

static int publish(const char *function)
{
	int number = 0;

	assert_int_equal(faas_version_publish(host_runtime(), function, NULL, &number, NULL), 0);
	return number;
}

static void lead(const char *function, int version)
{
	assert_int_equal(faas_alias_set(host_runtime(), function, "live", version, 0, 0, NULL), 0);
}

static void change(const char *function, faas_handler_fn native)
{
	assert_int_equal(faas_function_update(host_runtime(),
					      FAAS_FUNCTION(.name = function, .native = native,
							    .isolation = FAAS_THREAD),
					      NULL), 0);
}

TEST(a_name_alone_is_never_served_by_what_a_number_left)
{
	host_function(FAAS_FUNCTION(.name = "numbered", .native = one));
	publish("numbered");
	change("numbered", two);
	for (int i = 0; i < 3; i++) {
		says("numbered:1", "one");
		assert_int_equal(kept(), 0);
		says("numbered", "two");
		assert_int_equal(kept(), 1);
		says("numbered:1", "one");
		says("numbered:$LATEST", "two");
	}
}

TEST(an_alias_leads_where_it_leads_now)
{
	host_function(FAAS_FUNCTION(.name = "aliased", .native = one));
	lead("aliased", publish("aliased"));
	says("aliased", "one");
	says("aliased:live", "one");
	change("aliased", two);
	says("aliased", "two");
	says("aliased:live", "one");
	lead("aliased", publish("aliased"));
	says("aliased:live", "two");
	says("aliased", "two");
}

TEST(a_limit_that_is_lowered_counts_for_what_is_kept)
{
	struct answer answer;

	host_function(FAAS_FUNCTION(.name = "stopped", .native = one));
	says("stopped", "one");
	assert_int_equal(kept(), 1);
	assert_int_equal(faas_function_reserve(host_runtime(), "stopped", FAAS_NONE, NULL), 0);
	host_call(WAITING, "stopped", "1", &answer);
	assert_int_equal(answer.refused, FAAS_ETHROTTLED);
}

#define TURNS 20000

/* Two threads that never call one at the same time. */
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static _Atomic int throttled;

static void *take_turns(void *data)
{
	struct answer answer;

	for (int i = 0; i < TURNS; i++) {
		pthread_mutex_lock(&turn);
		host_call(WAITING, "turns", "1", &answer);
		pthread_mutex_unlock(&turn);
		throttled += answer.refused == FAAS_ETHROTTLED;
		host_call(WAITING, data, "1", &answer);
	}
	return NULL;
}

TEST(what_is_just_given_back_throttles_nobody)
{
	pthread_t threads[2];

	throttled = 0;
	host_function(FAAS_FUNCTION(.name = "turns", .native = one, .max_concurrency = 1));
	host_function(FAAS_FUNCTION(.name = "first", .native = one));
	host_function(FAAS_FUNCTION(.name = "second", .native = one));
	assert_int_equal(pthread_create(&threads[0], NULL, take_turns, "first"), 0);
	assert_int_equal(pthread_create(&threads[1], NULL, take_turns, "second"), 0);
	assert_int_equal(pthread_join(threads[0], NULL), 0);
	assert_int_equal(pthread_join(threads[1], NULL), 0);
	assert_int_equal(throttled, 0);
}

static _Atomic int held; /* a seat with what it keeps: 1, until somebody wants it */

/* Called for another function, this thread is about to give back what it keeps. */
static void *give_back_when_wanted(void *data)
{
	struct faas *rt = host_runtime();
	struct fa_seat *seat;

	(void)data;
	says("single", "one");
	seat = fa_seat_take(rt);
	held = 1;
	while (atomic_load(&seat->state) != FA_SEAT_WANTED && held)
		;
	fa_seat_clear(seat);
	fa_seat_leave(rt, seat);
	return NULL;
}

/* The holder may not get to run in time; but it does not always miss it. */
TEST(what_is_about_to_be_given_back_is_waited_for)
{
	struct answer answer = { .refused = FAAS_ETHROTTLED };
	pthread_t thread;

	host_function(FAAS_FUNCTION(.name = "single", .native = one, .max_concurrency = 1));
	for (int i = 0; answer.refused && i < 100; i++) {
		held = 0;
		assert_int_equal(pthread_create(&thread, NULL, give_back_when_wanted, NULL), 0);
		while (!held)
			sched_yield();
		host_call(WAITING, "single", "1", &answer);
		held = 0;
		assert_int_equal(pthread_join(thread, NULL), 0);
	}
	assert_int_equal(answer.refused, 0);
}

static int cold_starts(void)
{
	struct faas_stats stats = { .size = sizeof(stats) };

	assert_int_equal(faas_stats(host_runtime(), &stats), 0);
	return (int)stats.cold_starts;
}

TEST(what_is_kept_ends_with_a_recycle)
{
	int before = cold_starts();

	host_function(FAAS_FUNCTION(.name = "recycled", .native = one));
	says("recycled", "one");
	says("recycled", "one");
	assert_int_equal(kept(), 1);
	assert_int_equal(faas_recycle(host_runtime(), "recycled", NULL), 0);
	assert_int_equal(kept(), 0);
	says("recycled", "one");
	assert_int_equal(cold_starts() - before, 2);
}

TEST(what_is_kept_ends_when_it_was_idle_for_too_long)
{
	struct flow flow;

	flow_open(&flow, FAAS_CONFIG(.idle_ms = 60000), true);
	flow.rt->tell.on_log = NULL; /* nor does this one listen */
	flow.rt->tell.on_metric = NULL;
	flow_function(&flow, FAAS_FUNCTION(.name = "idle", .handler = "init.polite",
					   .isolation = FAAS_THREAD));
	for (int i = 0; i < 3; i++) {
		flow_call(&flow, "idle", "1");
		assert_int_equal(kept_in(flow.rt), 1);
		flow_advance(&flow, 59000);
		if (i) /* a minute after the first, and then once more */
			await_given_back(flow.rt);
	}
	flow_advance(&flow, 1000);
	flow_await_idle(&flow, 0, 0);
	flow_close(&flow);
}

/* Half of the time after the first: what looks for that one gives back what is kept. */
TEST(who_is_idle_goes_in_time_though_what_was_kept_comes_back)
{
	struct flow flow;

	flow_open(&flow, FAAS_CONFIG(.idle_ms = 60000), true);
	flow.rt->tell.on_log = NULL;
	flow.rt->tell.on_metric = NULL;
	flow_function(&flow, FAAS_FUNCTION(.name = "first", .handler = "init.polite",
					   .isolation = FAAS_THREAD));
	flow_function(&flow, FAAS_FUNCTION(.name = "kept", .handler = "init.polite",
					   .isolation = FAAS_THREAD));
	flow_call_async(&flow, "first", "1");
	flow_await_idle(&flow, 1, 0);
	flow_advance(&flow, 30000);
	flow_call(&flow, "kept", "1");
	assert_int_equal(kept_in(flow.rt), 1);
	flow_advance(&flow, 30000);
	await_given_back(flow.rt);
	flow_await_idle(&flow, 1, 0);
	flow_advance(&flow, 30000);
	flow_await_idle(&flow, 0, 0);
	flow_close(&flow);
}

TEST(nothing_is_kept_from_a_listener_who_is_told_how_many_run)
{
	host_close();
	host_open(NULL);
	host_function(FAAS_FUNCTION(.name = "heard", .native = one));
	says("heard", "one");
	assert_int_equal(kept(), 0);
	host_close();
	open_silent();
}

/* ---- many and nested -------------------------------------------------- */

static int call_itself(struct faas_context *ctx, struct faas_bytes event)
{
	struct answer answer;
	char deeper[8];
	int depth = event.len ? *(const char *)event.data - '0' : 0;

	if (!depth)
		return faas_puts(ctx, "deep");
	snprintf(deeper, sizeof(deeper), "%d", depth - 1);
	host_call(WAITING, "itself", deeper, &answer);
	return faas_puts(ctx, answer.payload);
}

TEST(a_handler_may_call_its_own_function)
{
	struct answer answer;

	host_function(FAAS_FUNCTION(.name = "itself", .native = call_itself));
	for (int i = 0; i < 3; i++) {
		host_call(WAITING, "itself", "4", &answer);
		assert_string_equal(answer.payload, "deep");
	}
}

#define CALLERS 40 /* more than there are seats */
#define TIMES 200

TEST(every_call_of_many_threads_is_counted_once)
{
	struct caller callers[CALLERS];
	struct faas_stats before = { .size = sizeof(before) }, after = { .size = sizeof(after) };

	host_function(FAAS_FUNCTION(.name = "many", .native = one));
	assert_int_equal(faas_stats(host_runtime(), &before), 0);
	for (int i = 0; i < CALLERS; i++)
		begin(&callers[i], "many", TIMES);
	for (int i = 0; i < 20; i++) { /* all is taken from them again and again */
		assert_int_equal(faas_stats(host_runtime(), &after), 0);
		assert_int_equal(faas_recycle(host_runtime(), "many", NULL), 0);
	}
	for (int i = 0; i < CALLERS; i++)
		end(&callers[i]);
	assert_int_equal(faas_stats(host_runtime(), &after), 0);
	assert_int_equal(after.invocations - before.invocations, CALLERS * TIMES);
	assert_int_equal(after.errors - before.errors, 0);
	assert_int_equal(after.environments_busy, 0);
}

static int pass_gate(struct faas_context *ctx, struct faas_bytes event)
{
	(void)event;
	gate_pass();
	return faas_puts(ctx, "passed");
}

static void *destroy(void *data)
{
	faas_destroy(data);
	return NULL;
}

TEST(closing_waits_for_who_sits_in_a_handler)
{
	struct faas_error err;
	struct caller caller;
	pthread_t closer;

	host_function(FAAS_FUNCTION(.name = "sits", .native = pass_gate));
	gate_close();
	begin(&caller, "sits", 1);
	gate_await(1);
	assert_int_equal(pthread_create(&closer, NULL, destroy, host_runtime()), 0);
	/* the handler is inside, so the runtime is there to refuse everybody else */
	while (faas_invoke_wait(host_runtime(), FAAS_REQUEST(.function = "none"),
				&(struct faas_result *){ NULL }, &err) != FAAS_ECANCELED)
		;
	gate_open();
	end(&caller);
	assert_string_equal(caller.answer.payload, "passed");
	assert_int_equal(pthread_join(closer, NULL), 0);
	open_silent();
}

/* ---- what it costs ---------------------------------------------------- */

static struct failing_mem counted;

static size_t allocations(void)
{
	size_t calls;

	pthread_mutex_lock(&counted.lock);
	calls = counted.calls;
	pthread_mutex_unlock(&counted.lock);
	return calls;
}

static int open_counting(void **state)
{
	(void)state;
	host_close();
	failing_mem_init(&counted);
	host_open(FAAS_CONFIG(.worker = TEST_WORKER, .realloc = failing_realloc, .data = &counted));
	host_function(FAAS_FUNCTION(.name = "one", .native = one));
	return 0;
}

static int close_counting(void **state)
{
	host_close();
	assert_true(failing_mem_clean(&counted));
	return open_host(state);
}

TEST(an_inline_call_allocates_its_result_and_nothing_else)
{
	size_t before;

	says("one", "one");
	host_settle(); /* the first call has the loop make room for a timer */
	before = allocations();
	for (int i = 0; i < 100; i++)
		says("one", "one");
	host_settle();
	assert_int_equal(allocations() - before, 100);
}

/* Each event is followed by the next from its own callback. */
struct chain {
	struct answer answer; /* of the last */
	int left;
};

static void follow(void *data, const struct faas_result *result);

static void next(struct chain *chain)
{
	assert_int_equal(faas_invoke(host_runtime(),
				     FAAS_REQUEST(.function = "one", .on_done = follow,
						  .data = chain), NULL, NULL), 0);
}

static void follow(void *data, const struct faas_result *result)
{
	struct chain *chain = data;
	bool last;

	pthread_mutex_lock(&chain->answer.lock);
	chain->answer.code |= result->code;
	last = !--chain->left;
	if (last)
		pthread_cond_signal(&chain->answer.changed);
	pthread_mutex_unlock(&chain->answer.lock);
	if (!last) /* else it is gone */
		next(chain);
}

static void run_chain(int events)
{
	struct chain chain = { .left = events };

	pthread_mutex_init(&chain.answer.lock, NULL);
	pthread_cond_init(&chain.answer.changed, NULL);
	next(&chain);
	pthread_mutex_lock(&chain.answer.lock);
	while (chain.left)
		pthread_cond_wait(&chain.answer.changed, &chain.answer.lock);
	pthread_mutex_unlock(&chain.answer.lock);
	assert_int_equal(chain.answer.code, FAAS_OK);
}

TEST(an_event_that_a_callback_makes_allocates_nothing)
{
	size_t before;

	run_chain(200); /* every slot has its buffers */
	host_settle();
	before = allocations();
	run_chain(100);
	host_settle();
	assert_int_equal(allocations() - before, 1); /* the first came from outside */
}

#define COUNTING(name) cmocka_unit_test_setup_teardown(name, open_counting, close_counting)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_kept_counts_as_idle),
		cmocka_unit_test(a_place_that_is_kept_is_there_for_everybody),
		cmocka_unit_test(memory_that_is_kept_is_there_for_everybody),
		cmocka_unit_test(the_call_after_an_update_runs_the_new_version),
		cmocka_unit_test(a_name_alone_is_never_served_by_what_a_number_left),
		cmocka_unit_test(an_alias_leads_where_it_leads_now),
		cmocka_unit_test(a_limit_that_is_lowered_counts_for_what_is_kept),
		cmocka_unit_test(what_is_just_given_back_throttles_nobody),
		cmocka_unit_test(what_is_about_to_be_given_back_is_waited_for),
		cmocka_unit_test(what_is_kept_ends_with_a_recycle),
		cmocka_unit_test(what_is_kept_ends_when_it_was_idle_for_too_long),
		cmocka_unit_test(who_is_idle_goes_in_time_though_what_was_kept_comes_back),
		cmocka_unit_test(nothing_is_kept_from_a_listener_who_is_told_how_many_run),
		cmocka_unit_test(a_handler_may_call_its_own_function),
		cmocka_unit_test(every_call_of_many_threads_is_counted_once),
		cmocka_unit_test(closing_waits_for_who_sits_in_a_handler),
		COUNTING(an_inline_call_allocates_its_result_and_nothing_else),
		COUNTING(an_event_that_a_callback_makes_allocates_nothing),
	};

	return cmocka_run_group_tests(tests, open_host, close_host);
}
