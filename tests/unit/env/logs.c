/* SPDX-License-Identifier: MIT */
/* What an environment prints, read from a real pipe: whose line it is, and what is counted. */
#include <support/test.h>

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <env/env.h>
#include <env/pool.h>
#include <model/function.h>

static struct fa_loop loop;
static struct fa_envs envs;
static struct fa_version version;
static struct fa_pool pool = { .version = &version };
static struct fa_env env;
static int pipe_fds[2];
static char told[4096], dropped[256];

static void on_line(void *data, struct fa_env *of, const char *request_id, int level,
		    const char *text, size_t len)
{
	size_t used = strlen(told);

	(void)data;
	(void)level;
	assert_ptr_equal(of, &env);
	snprintf(told + used, sizeof(told) - used, "%s:%.*s ", request_id, (int)len, text);
}

static void on_dropped(void *data, struct fa_env *of, const char *request_id, uint64_t bytes)
{
	size_t used = strlen(dropped);

	(void)data;
	assert_ptr_equal(of, &env);
	snprintf(dropped + used, sizeof(dropped) - used, "%s:%d ", request_id, (int)bytes);
}

static int setup(void **state)
{
	(void)state;
	memset(&env, 0, sizeof(env));
	loop = (struct fa_loop){ .epoll = -1 };
	envs = (struct fa_envs){ .mem = &fa_mem_libc,
				 .clock = &fa_clock_real,
				 .loop = &loop,
				 .listening = true,
				 .on_line = on_line,
				 .on_dropped = on_dropped };
	pool.envs = &envs;
	env.pool = &pool;
	told[0] = dropped[0] = '\0';
	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(fa_logs_init(&env.logs), 0);
	fa_logs_open(&env, pipe_fds[0]);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fa_logs_close(&env);
	fa_logs_finish(&env.logs);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	return 0;
}

static void begin(const char *name)
{
	char request_id[40] = "";

	snprintf(request_id, sizeof(request_id), "%s", name);
	fa_logs_begin(&env, request_id, false);
}

static void print(const char *text)
{
	assert_int_equal(write(pipe_fds[1], text, strlen(text)), strlen(text));
}

/* As the loop does it when the pipe says so. */
static void read_now(void)
{
	env.logs.watch.on_ready(&env.logs.watch, 0);
}

TEST(a_line_belongs_to_the_invocation_or_to_the_last_one)
{
	begin("a");
	print("1\n");
	fa_logs_end(&env, true);
	print("2\n");
	read_now();
	begin("b");
	print("3\n");
	fa_logs_end(&env, true);
	assert_string_equal(told, "a:1 a:2 b:3 ");
}

TEST(an_end_that_does_not_drain_reads_nothing)
{
	begin("a");
	print("1\n");
	fa_logs_end(&env, false);
	assert_string_equal(told, "");
}

TEST(what_is_beyond_the_budget_is_counted_at_the_end)
{
	begin("a");
	env.logs.delivered = FA_LOG_BUDGET;
	print("1234567\n");
	fa_logs_end(&env, true);
	assert_string_equal(told, "");
	assert_string_equal(dropped, "a:8 ");
}

TEST(what_is_dropped_after_an_end_is_counted_at_the_next_begin)
{
	begin("a");
	env.logs.delivered = FA_LOG_BUDGET;
	fa_logs_end(&env, true);
	print("123\n");
	read_now();
	assert_string_equal(dropped, "");
	begin("b");
	assert_string_equal(dropped, "a:4 ");
	fa_logs_end(&env, true);
	assert_string_equal(dropped, "a:4 ");
}

/* Either way: with the lock, as others do, and without, as the loop does. */
TEST(the_loop_does_the_same_without_a_lock)
{
	fa_loop_adopt(&loop, pthread_self());
	pthread_mutex_lock(&env.logs.lock); /* who wants it waits for ever */
	begin("a");
	print("1\n");
	fa_logs_end(&env, true);
	pthread_mutex_unlock(&env.logs.lock);
	assert_string_equal(told, "a:1 ");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_line_belongs_to_the_invocation_or_to_the_last_one),
		T(an_end_that_does_not_drain_reads_nothing),
		T(what_is_beyond_the_budget_is_counted_at_the_end),
		T(what_is_dropped_after_an_end_is_counted_at_the_next_begin),
		T(the_loop_does_the_same_without_a_lock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
