/* SPDX-License-Identifier: MIT */
/* What is to be told lies in memory that is used again while there is more to come. */
#include <support/test.h>

#include <model/function.h>
#include <outcome/tell.h>
#include <support/failing_mem.h>

#define STREAM "2023/11/14/[$LATEST]abc"

static char text[3000];
static struct failing_mem mem;
static struct fa_clock_virtual still;
static uv_loop_t uv;
static struct fa_loop loop;
static struct fa_tell tell;
static struct fa_version version = { .refs = 1, .config.name = "f", .qualifier = "$LATEST" };
static int lines;

static void on_log(void *data, const struct faas_log *log)
{
	(void)data;
	(void)log;
	lines++;
}

static int setup(void **state)
{
	struct faas_error err;

	(void)state;
	lines = 0;
	memset(text, 'x', sizeof(text));
	failing_mem_init(&mem);
	fa_clock_virtual_init(&still, 0);
	assert_int_equal(uv_loop_init(&uv), 0);
	assert_int_equal(fa_loop_init(&loop, &uv, &fa_mem_libc, &still.clock, &err), 0);
	fa_tell_init(&tell, &loop, &mem.mem, FAAS_CONFIG(.on_log = on_log));
	tell.period_ns = 10000000; /* as with a clock that goes */
	return 0;
}

static void closed(void *data)
{
	(void)data;
}

static int teardown(void **state)
{
	(void)state;
	fa_tell_finish(&tell);
	fa_loop_close(&loop, closed, NULL);
	uv_run(&uv, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&uv), 0);
	assert_int_equal(version.refs, 1);
	assert_true(failing_mem_clean(&mem));
	return 0;
}

static void turn(void)
{
	uv_run(&uv, UV_RUN_NOWAIT);
}

static void say(size_t len)
{
	fa_tell_line(&tell, &version, STREAM, NULL, FAAS_INFO, text, len, 0);
}

/* While it is busy: what a turn adds to a large amount is a part of it. */
TEST(telling_without_a_pause_allocates_nothing)
{
	size_t calls = 0;

	say(1);
	turn();
	for (int round = 0; round < 5; round++) {
		if (round == 2)
			calls = mem.calls;
		for (int i = 0; i < 12; i++)
			say(sizeof(text));
		turn();
	}
	assert_int_equal(lines, 1 + 5 * 12);
	assert_true(calls > 0);
	assert_int_equal(mem.calls, calls);
}

static void assert_begins_empty(enum fa_record_kind kind)
{
	struct fa_telling telling =
		fa_tell_record_begin(&tell, &version, STREAM, kind, NULL, NULL);
	struct fa_record record = { .kind = (uint8_t)kind };

	assert_non_null(telling.record);
	assert_memory_equal(telling.record, &record, fa_record_size(kind, 0));
	fa_tell_record_end(&tell, &telling);
}

TEST(a_record_begins_empty_where_something_was)
{
	say(sizeof(text));
	turn();
	assert_int_equal(tell.spares, 1);
	assert_begins_empty(FA_RECORD_START);
	assert_begins_empty(FA_RECORD_END);
	assert_begins_empty(FA_RECORD_INIT);
	assert_int_equal(tell.spares, 0);
}

#define ROW(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(telling_without_a_pause_allocates_nothing),
		ROW(a_record_begins_empty_where_something_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
