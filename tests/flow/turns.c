/* SPDX-License-Identifier: MIT */
/*
 * Whose turn it is, where two environments are there and one of them was given up because the
 * other one seemed to be through soon. Both stand still (SIGSTOP) until it is said which one
 * goes on, as an answer that comes in between would change what waits for what.
 */
#include "support/test.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <conduct.h>
#include <runtime.h>

#include "support/flow.h"
#include "support/processes.h"

#define PATIENCE_MS 10000
#define LARGE 4000 /* not to be handed over behind another one, as it needs the one large place */
#define QUICK_NS 1000
#define TRIES 20

static struct flow flow;
static struct process both[2];

struct asked {
	_Atomic int code; /* 1: not told yet */
};

static void on_done(void *data, const struct faas_result *result)
{
	((struct asked *)data)->code = result->code;
}

/* Of life.act. With `wait_ms` it may be handed over ahead if it is not large. */
static void ask(const char *what, size_t len, int wait_ms, struct asked *asked)
{
	char event[LARGE];

	memset(event, ' ', sizeof(event));
	memcpy(event, what, strlen(what));
	asked->code = 1;
	assert_int_equal(faas_invoke(flow.rt,
				     FAAS_REQUEST(.function = "f", .payload = { event, len },
						  .capacity_wait_ms = wait_ms, .on_done = on_done,
						  .data = asked),
				     NULL, NULL),
			 0);
}

static void ask_both(const char *what, struct asked asked[2])
{
	for (int i = 0; i < 2; i++)
		ask(what, strlen(what), 0, &asked[i]);
	flow_await_idle(&flow, 0, 2);
}

static bool await_told(const struct asked *asked)
{
	for (int ms = 0; asked->code == 1 && ms < PATIENCE_MS; ms++)
		usleep(1000);
	return asked->code == FAAS_OK;
}

static void send_both(int sig)
{
	for (int i = 0; i < 2; i++)
		assert_int_equal(kill(both[i].pid, sig), 0);
}

static bool begin(void)
{
	struct asked asked[2];

	flow_open(&flow, NULL, true);
	flow_function(&flow, FAAS_FUNCTION(.name = "f", .handler = "life.act", .max_concurrency = 2,
					   .timeout_ms = 900000));
	ask_both("sleep 100", asked);
	assert_true(await_told(&asked[0]) && await_told(&asked[1]));
	flow_await_idle(&flow, 2, 0);
	assert_int_equal(processes_of_environments(getpid(), both, 2), 2);
	if (!kill(both[0].pid, 0))
		return true;
	print_message("# skipped: only root may stop another user's process\n");
	flow_close(&flow);
	return false;
}

/* It is, but beside others it does not seem so. */
static void say_that_it_is_quick(void)
{
	struct fa_version *v = fa_registry_find(&flow.rt->registry, "f", NULL);

	assert_non_null(v);
	atomic_store(&((struct fa_runner *)v->runner)->pool->service_ns, QUICK_NS);
	fa_version_unref(v);
}

/* Who has gone on is through, and its environment was given back. */
static bool is_given_back(const struct asked *asked)
{
	struct faas_stats stats = { .size = sizeof(stats) };

	for (int ms = 0; asked[0].code == 1 && asked[1].code == 1 && ms < PATIENCE_MS; ms++)
		usleep(1000);
	assert_int_equal(faas_stats(flow.rt, &stats), 0);
	return stats.environments_idle == 1;
}

/* False: the quick one was not, for others beside us, and so no environment was given up. */
static bool play(void)
{
	static struct asked longer; /* which is told of the end of the runtime */
	struct asked quick[2], left;
	bool given;

	send_both(SIGSTOP);
	ask_both("count", quick);
	ask("sleep 600000", LARGE, 900000, &longer);
	ask("count", LARGE, 900000, &left);
	say_that_it_is_quick();
	assert_int_equal(kill(both[0].pid, SIGCONT), 0);
	given = is_given_back(quick);
	assert_int_equal(kill(both[1].pid, SIGCONT), 0);
	assert_true(await_told(&quick[0]) && await_told(&quick[1]));
	for (int ms = 0; left.code == 1 && ms < PATIENCE_MS; ms++)
		flow_advance(&flow, 1); /* the long one may not have begun yet */
	assert_int_equal(left.code, FAAS_OK);
	assert_int_equal(longer.code, 1);
	return given;
}

TEST(who_is_left_behind_a_job_that_takes_long_has_the_environment_that_was_given_up)
{
	bool given = false;

	for (int i = 0; i < TRIES && !given; i++) {
		if (!begin())
			skip();
		given = play();
		flow_close(&flow);
	}
	assert_true(given);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			who_is_left_behind_a_job_that_takes_long_has_the_environment_that_was_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
