/* SPDX-License-Identifier: MIT */
/* The loop is real but turned by hand, and its clock stands still. */
#include <support/test.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <support/failing_mem.h>
#include <model/function.h>
#include <outcome/tell.h>

#define MS INT64_C(1000000)
#define ID "8f5a1f9e-2b1c-4d4e-9a53-0a1b2c3d4e5f"
#define STREAM "2026/11/21/[$LATEST]0123456789abcdef0123456789abcdef"
#define HEARD_MAX 4096
#define POINTS 6 /* of each invocation */

struct heard {
	struct faas_log log;
	char stream[80], request_id[48], text[FA_REPORT_MAX];
};

static struct failing_mem mem;
static struct fa_clock_virtual still;
static uv_loop_t uv;
static struct fa_loop loop;
static struct fa_tell tell;
static struct fa_version version, other;
static struct heard heard[HEARD_MAX];
static struct faas_metric points[HEARD_MAX];
static int lines, metrics;
static void (*in_callback)(void);

static void on_log(void *data, const struct faas_log *log)
{
	struct heard *to = &heard[lines % HEARD_MAX];

	assert_ptr_equal(data, &lines);
	assert_int_equal(log->size, sizeof(*log));
	to->log = *log;
	snprintf(to->stream, sizeof(to->stream), "%s", log->stream);
	snprintf(to->request_id, sizeof(to->request_id), "%s",
		 log->request_id ? log->request_id : "NULL");
	snprintf(to->text, sizeof(to->text), "%.*s", (int)log->text.len,
		 (const char *)log->text.data);
	lines++;
	if (in_callback)
		in_callback();
}

static void on_metric(void *data, const struct faas_metric *metric)
{
	assert_ptr_equal(data, &lines);
	points[metrics++ % HEARD_MAX] = *metric;
}

static void open_with(const struct faas_config *config)
{
	struct faas_error err;

	fa_clock_virtual_init(&still, 0);
	assert_int_equal(uv_loop_init(&uv), 0);
	assert_int_equal(fa_loop_init(&loop, &uv, &fa_mem_libc, &still.clock, &err), 0);
	fa_tell_init(&tell, &loop, &mem.mem, config);
	assert_int_equal(tell.period_ns, 0); /* or nothing would be told while time stands */
	tell.period_ns = 10 * MS;
}

static int setup(void **state)
{
	const struct faas_config config = {
		.on_log = on_log, .on_metric = on_metric, .data = &lines
	};

	(void)state;
	lines = metrics = 0;
	in_callback = NULL;
	failing_mem_init(&mem);
	version = (struct fa_version){ .refs = 1, .config.name = "f", .qualifier = "$LATEST" };
	other = (struct fa_version){ .refs = 1, .config.name = "g", .qualifier = "7" };
	open_with(&config);
	return 0;
}

static void closed(void *data)
{
	*(bool *)data = true;
}

static int teardown(void **state)
{
	bool is_closed = false;

	(void)state;
	fa_tell_finish(&tell);
	fa_loop_close(&loop, closed, &is_closed);
	uv_run(&uv, UV_RUN_DEFAULT);
	assert_true(is_closed);
	assert_int_equal(uv_loop_close(&uv), 0);
	assert_int_equal(version.refs, 1);
	assert_int_equal(other.refs, 1);
	assert_true(failing_mem_clean(&mem));
	return 0;
}

static void turn(void)
{
	uv_run(&uv, UV_RUN_NOWAIT);
}

static void pass(int64_t ms)
{
	still.ns += ms * MS;
	turn();
}

static void say(struct fa_version *of, const char *stream, const char *text)
{
	fa_tell_line(&tell, of, stream, ID, FAAS_WARN, text, strlen(text), 1234);
}

static struct fa_record record_of(enum fa_record_kind kind)
{
	return (struct fa_record){
		.kind = (uint8_t)kind,
		.memory_mb = 128,
		.unix_ms = 1700000000000,
		.duration_ns = 3010000,
		.billed_ms = 4,
		.peak_kb = 36 * 1024,
		.concurrency = 3,
		.request_id = ID,
	};
}

static void write_record(struct fa_version *of, const char *stream, const struct fa_record *record)
{
	enum fa_record_kind kind = record->kind;
	struct fa_telling telling = fa_tell_record_begin(&tell, of, stream, kind,
							 record->error_type, record->trace);
	const char *trace = telling.record ? telling.record->trace : NULL;

	if (telling.record) {
		memcpy(telling.record, record, fa_record_size(kind, strlen(record->error_type)));
		telling.record->trace = trace;
	}
	fa_tell_record_end(&tell, &telling);
}

static void tell_record(enum fa_record_kind kind)
{
	const struct fa_record record = record_of(kind);

	write_record(&version, STREAM, &record);
}

static void on_another_thread(void *(*run)(void *), void *arg)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, run, arg), 0);
	pthread_join(thread, NULL);
}

static void *say_it(void *text)
{
	say(&version, STREAM, text);
	return NULL;
}

static void assert_texts(const char *const *texts, int count)
{
	assert_int_equal(lines, count);
	for (int i = 0; i < count; i++)
		assert_string_equal(heard[i].text, texts[i]);
}

#define ASSERT_TEXTS(...) \
	assert_texts((const char *const[]){ __VA_ARGS__ }, \
		     (int)(sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *)))

TEST(nothing_is_told_inside_the_call_that_causes_it)
{
	say(&version, STREAM, "hello");
	assert_int_equal(lines, 0);
	turn();
	ASSERT_TEXTS("hello");
}

TEST(a_line_keeps_all_that_was_said_about_it)
{
	say(&other, STREAM, "hello");
	turn();
	assert_int_equal(heard[0].log.level, FAAS_WARN);
	assert_int_equal(heard[0].log.time_ms, 1234);
	assert_string_equal(heard[0].log.function, "g");
	assert_string_equal(heard[0].log.version, "7");
	assert_string_equal(heard[0].stream, STREAM);
	assert_string_equal(heard[0].request_id, ID);
}

TEST(plain_output_is_information)
{
	fa_tell_line(&tell, &version, STREAM, ID, -1, "x", 1, 0);
	turn();
	assert_int_equal(heard[0].log.level, FAAS_INFO);
}

TEST(a_line_outside_an_invocation_has_no_request_id)
{
	fa_tell_line(&tell, &version, STREAM, NULL, -1, "a", 1, 0);
	fa_tell_line(&tell, &version, STREAM, "", -1, "b", 1, 0);
	turn();
	assert_string_equal(heard[0].request_id, "NULL");
	assert_string_equal(heard[1].request_id, "NULL");
}

TEST(a_line_may_hold_any_bytes_and_none)
{
	fa_tell_line(&tell, &version, STREAM, ID, -1, "a\0b", 3, 0);
	fa_tell_line(&tell, &version, STREAM, ID, -1, NULL, 0, 0);
	turn();
	assert_int_equal(heard[0].log.text.len, 3);
	assert_int_equal(heard[1].log.text.len, 0);
}

TEST(an_invocation_is_told_in_three_lines)
{
	tell_record(FA_RECORD_START);
	say(&version, STREAM, "working");
	tell_record(FA_RECORD_END);
	turn();
	ASSERT_TEXTS("START RequestId: " ID " Version: $LATEST", "working",
		     "END RequestId: " ID,
		     "REPORT RequestId: " ID "\tDuration: 3.01 ms\tBilled Duration: 4 ms\t"
		     "Memory Size: 128 MB\tMax Memory Used: 36 MB\t");
	for (int i = 0; i < 4; i++) {
		assert_string_equal(heard[i].request_id, ID);
		assert_string_equal(heard[i].stream, STREAM);
		assert_string_equal(heard[i].log.function, "f");
		if (i == 1)
			continue;
		assert_int_equal(heard[i].log.level, FAAS_INFO);
		assert_int_equal(heard[i].log.time_ms, 1700000000000);
	}
}

TEST(one_record_may_tell_of_start_and_end)
{
	struct fa_record record = record_of(FA_RECORD_END);

	record.start_ms = record.unix_ms - 3;
	write_record(&version, STREAM, &record);
	turn();
	assert_int_equal(lines, 3);
	assert_string_equal(heard[0].text, "START RequestId: " ID " Version: $LATEST");
	assert_int_equal(heard[0].log.time_ms, record.start_ms);
	assert_string_equal(heard[0].request_id, ID);
	assert_string_equal(heard[1].text, "END RequestId: " ID);
	assert_int_equal(heard[1].log.time_ms, record.unix_ms);
	assert_true(points[0].value == 1);
}

static int asked;

/* Refuses one of the two. */
static bool judge(void *data, struct fa_version *of, char *why, size_t size)
{
	asked++;
	snprintf(why, size, "not allowed");
	return of != data;
}

TEST(whether_lines_are_told_is_asked_once_for_what_lies_together)
{
	tell.may_log = judge;
	tell.judge = &other;
	say(&version, STREAM, "one");
	say(&version, STREAM, "two");
	say(&other, STREAM, "three");
	say(&other, STREAM, "four");
	turn();
	ASSERT_TEXTS("one", "two", "not allowed");
	assert_int_equal(asked, 2);
}

TEST(the_type_of_an_error_travels_with_its_record)
{
	struct fa_record record = record_of(FA_RECORD_END);

	record.failed = 1;
	strcpy(record.error_type, "Runtime.ExitError");
	write_record(&version, STREAM, &record);
	turn();
	assert_non_null(strstr(heard[1].text, "\tStatus: error\tError Type: Runtime.ExitError"));
}

TEST(a_trace_travels_with_its_record)
{
	char trace[] = "Root=1;Parent=2";
	struct fa_record record = record_of(FA_RECORD_END);

	version.logging.json = true;
	record.start_ms = record.unix_ms;
	record.failed = 1;
	strcpy(record.error_type, "Runtime.ExitError");
	record.trace = trace;
	write_record(&version, STREAM, &record);
	memset(trace, 'x', sizeof(trace) - 1);
	turn();
	version.logging.json = false;
	assert_int_equal(lines, 3);
	for (int i = 0; i < 2; i++)
		assert_non_null(strstr(heard[i].text, "\"tracing\":{\"type\":\"X-Amzn-Trace-Id\","
						      "\"value\":\"Root=1;Parent=2\"}}}"));
	assert_non_null(strstr(heard[1].text, "\"errorType\":\"Runtime.ExitError\""));
}

TEST(a_failed_init_is_one_line)
{
	struct fa_record record = record_of(FA_RECORD_INIT);

	record.init_ns = 10000 * MS;
	record.init_timed_out = 1;
	write_record(&version, STREAM, &record);
	turn();
	ASSERT_TEXTS("INIT_REPORT Init Duration: 10000.00 ms\tPhase: init\tStatus: timeout");
	assert_int_equal(metrics, 0);
}

TEST(a_throttle_is_a_metric_and_no_line)
{
	const struct fa_record record = record_of(FA_RECORD_THROTTLE);

	write_record(&version, NULL, &record);
	turn();
	assert_int_equal(lines, 0);
	assert_int_equal(metrics, 1);
	assert_string_equal(points[0].name, "Throttles");
}

TEST(metrics_are_summed_over_what_is_told_together)
{
	for (int i = 0; i < 100; i++)
		tell_record(FA_RECORD_END);
	fa_tell_metric(&tell, &version, "AsyncEventsReceived", "Count", 5, 99);
	turn();
	assert_int_equal(metrics, POINTS + 1);
	assert_string_equal(points[0].name, "Invocations");
	assert_string_equal(points[0].function, "f");
	assert_true(points[0].value == 100 && points[0].count == 100);
	assert_string_equal(points[POINTS].name, "AsyncEventsReceived");
	assert_true(points[POINTS].value == 5 && points[POINTS].count == 1);
	assert_int_equal(points[POINTS].time_ms, 99);
}

TEST(without_listeners_nothing_is_kept)
{
	tell.on_log = NULL;
	tell.on_metric = NULL;
	assert_false(fa_tell_listening(&tell));
	tell_record(FA_RECORD_START);
	tell_record(FA_RECORD_END);
	tell_record(FA_RECORD_THROTTLE);
	say(&version, STREAM, "x");
	fa_tell_metric(&tell, &version, "N", "Count", 1, 0);
	assert_int_equal(mem.calls, 0);
}

TEST(a_listener_for_metrics_alone_gets_them)
{
	tell.on_log = NULL;
	tell_record(FA_RECORD_START);
	tell_record(FA_RECORD_INIT);
	say(&version, STREAM, "x");
	assert_int_equal(mem.calls, 0);
	tell_record(FA_RECORD_END);
	turn();
	assert_int_equal(metrics, POINTS);
	assert_int_equal(lines, 0);
}

TEST(a_listener_for_lines_alone_gets_them)
{
	tell.on_metric = NULL;
	tell_record(FA_RECORD_THROTTLE);
	fa_tell_metric(&tell, &version, "N", "Count", 1, 0);
	assert_int_equal(mem.calls, 0);
	tell_record(FA_RECORD_END);
	turn();
	assert_int_equal(lines, 2);
	assert_int_equal(metrics, 0);
}

TEST(streams_and_functions_may_alternate)
{
	char text[16], stream[40];

	for (int i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "%d", i);
		snprintf(stream, sizeof(stream), "stream-%d", i / 3 % 7);
		say(i / 2 % 2 ? &version : &other, stream, text);
	}
	turn();
	assert_int_equal(lines, 1000);
	for (int i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "%d", i);
		snprintf(stream, sizeof(stream), "stream-%d", i / 3 % 7);
		assert_string_equal(heard[i].text, text);
		assert_string_equal(heard[i].stream, stream);
		assert_string_equal(heard[i].log.function, i / 2 % 2 ? "f" : "g");
	}
}

TEST(the_loop_and_another_thread_keep_the_order_in_which_they_took_turns)
{
	say(&version, STREAM, "1");
	on_another_thread(say_it, "2");
	say(&version, STREAM, "3");
	say(&version, STREAM, "4");
	on_another_thread(say_it, "5");
	on_another_thread(say_it, "6");
	say(&version, STREAM, "7");
	turn();
	ASSERT_TEXTS("1", "2", "3", "4", "5", "6", "7");
}

TEST(lines_of_the_loop_share_memory)
{
	for (int i = 0; i < 20; i++)
		say(&version, STREAM, "x");
	assert_int_equal(mem.calls, 1);
}

TEST(a_line_larger_than_a_chunk_is_whole)
{
	static char text[100000];

	memset(text, 'x', sizeof(text));
	say(&version, STREAM, "before");
	fa_tell_line(&tell, &version, STREAM, ID, -1, text, sizeof(text), 0);
	say(&version, STREAM, "after");
	turn();
	assert_int_equal(lines, 3);
	assert_int_equal(heard[1].log.text.len, sizeof(text));
	assert_string_equal(heard[2].text, "after");
}

TEST(a_line_of_a_mebibyte_is_whole_and_a_longer_one_is_cut)
{
	const size_t most = 1024 * 1024;
	char *text = malloc(most + 1);

	memset(text, 'x', most + 1);
	fa_tell_line(&tell, &version, STREAM, ID, -1, text, most, 0);
	fa_tell_line(&tell, &version, STREAM, ID, -1, text, most + 1, 0);
	free(text);
	turn();
	assert_int_equal(heard[0].log.text.len, most);
	assert_int_equal(heard[1].log.text.len, most);
}

/* ---- when ------------------------------------------------------------ */

TEST(after_a_silence_it_is_told_at_once_and_then_by_the_hundredth_of_a_second)
{
	say(&version, STREAM, "1");
	turn();
	assert_int_equal(lines, 1);
	say(&version, STREAM, "2");
	on_another_thread(say_it, "3");
	pass(9);
	assert_int_equal(lines, 1);
	pass(1);
	ASSERT_TEXTS("1", "2", "3");
}

TEST(silence_costs_one_more_look_and_no_timer)
{
	say(&version, STREAM, "1");
	turn();
	assert_int_equal(loop.timers.count, 1);
	pass(10);
	assert_int_equal(loop.timers.count, 0);
	on_another_thread(say_it, "2");
	turn();
	ASSERT_TEXTS("1", "2");
}

TEST(a_large_amount_does_not_wait)
{
	static char text[3000];

	say(&version, STREAM, "1");
	turn();
	for (int i = 0; i < 7; i++)
		fa_tell_line(&tell, &version, STREAM, ID, -1, text, sizeof(text), 0);
	turn();
	assert_int_equal(lines, 1);
	for (int i = 0; i < 2; i++)
		fa_tell_line(&tell, &version, STREAM, ID, -1, text, sizeof(text), 0);
	turn();
	assert_int_equal(lines, 10);
}

static void say_more(void)
{
	in_callback = NULL;
	say(&version, STREAM, "more");
	assert_int_equal(lines, 1);
}

TEST(a_callback_may_cause_lines_itself)
{
	in_callback = say_more;
	say(&version, STREAM, "1");
	turn();
	assert_int_equal(lines, 1);
	pass(10);
	ASSERT_TEXTS("1", "more");
}

TEST(what_is_left_is_told_at_the_end)
{
	say(&version, STREAM, "1");
	turn();
	say(&version, STREAM, "2");
	in_callback = NULL;
	fa_tell_finish(&tell);
	ASSERT_TEXTS("1", "2");
	assert_int_equal(loop.timers.count, 0);
}

/* ---- memory ---------------------------------------------------------- */

TEST(a_line_without_memory_is_counted_as_lost)
{
	mem.fail_at = 1;
	say(&version, STREAM, "lost");
	assert_int_equal(tell.lost, 1);
	say(&version, STREAM, "kept");
	turn();
	ASSERT_TEXTS("kept");
}

static void *record_it(void *arg)
{
	(void)arg;
	tell_record(FA_RECORD_END);
	fa_tell_metric(&tell, &version, "N", "Count", 1, 0);
	return NULL;
}

TEST(another_thread_without_memory_loses_its_records_and_no_reference)
{
	mem.fail_at = 1;
	mem.and_all_after = true;
	on_another_thread(record_it, NULL);
	assert_int_equal(tell.lost, 2);
	turn();
	assert_int_equal(lines + metrics, 0);
	assert_int_equal(version.refs, 1);
}

TEST(without_memory_for_a_timer_everything_is_told_at_once)
{
	static struct fa_timer others[64];
	struct failing_mem none;
	int i = 0;

	failing_mem_init(&none);
	none.fail_at = 1;
	none.and_all_after = true;
	loop.timers.mem = &none.mem;
	while (fa_loop_timer(&loop, &others[i], INT64_MAX) == 0)
		assert_in_range(++i, 0, 63);
	say(&version, STREAM, "1");
	turn();
	say(&version, STREAM, "2");
	turn();
	ASSERT_TEXTS("1", "2");
}

/* ---- references ------------------------------------------------------ */

static void note_unused(struct fa_version *unused)
{
	*(bool *)unused->owner = true;
}

TEST(a_version_lives_until_it_is_told)
{
	bool gone = false;
	struct fa_version last = {
		.refs = 1, .config.name = "last", .qualifier = "$LATEST",
		.on_unused = note_unused, .owner = &gone,
	};
	const struct fa_record record = record_of(FA_RECORD_END);

	write_record(&last, STREAM, &record);
	fa_version_unref(&last);
	assert_false(gone);
	turn();
	assert_true(gone);
	assert_int_equal(lines, 2);
	assert_int_equal(metrics, POINTS);
}

/* ---- many threads ---------------------------------------------------- */

#define PRODUCERS 4
#define EACH 3000

static int next_of[PRODUCERS + 1];

static void on_numbered(void *data, const struct faas_log *log)
{
	int producer = log->stream[0] - '0';
	int number = 0;

	(void)data;
	memcpy(&number, log->text.data, sizeof(number));
	if (number != next_of[producer]++)
		fail_msg("producer %d: %d out of order", producer, number);
	lines++;
}

static void say_number(int producer, int number)
{
	const char stream[2] = { (char)('0' + producer), 0 };

	fa_tell_line(&tell, &version, stream, ID, -1, (const char *)&number, sizeof(number), 0);
}

static void *produce(void *arg)
{
	for (int i = 0; i < EACH; i++)
		say_number((int)(intptr_t)arg, i);
	return NULL;
}

TEST(many_threads_lose_nothing_and_each_keeps_its_order)
{
	pthread_t threads[PRODUCERS];

	tell.on_log = on_numbered;
	memset(next_of, 0, sizeof(next_of));
	for (intptr_t i = 0; i < PRODUCERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, produce, (void *)i), 0);
	for (int i = 0; lines < (PRODUCERS + 1) * EACH; i++) {
		if (i < EACH)
			say_number(PRODUCERS, i);
		pass(1); /* no more than this may be needed for the rest to arrive */
	}
	for (int i = 0; i < PRODUCERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(tell.lost, 0);
}

#define ROW(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(nothing_is_told_inside_the_call_that_causes_it),
		ROW(a_line_keeps_all_that_was_said_about_it),
		ROW(plain_output_is_information),
		ROW(a_line_outside_an_invocation_has_no_request_id),
		ROW(a_line_may_hold_any_bytes_and_none),
		ROW(an_invocation_is_told_in_three_lines),
		ROW(one_record_may_tell_of_start_and_end),
		ROW(whether_lines_are_told_is_asked_once_for_what_lies_together),
		ROW(the_type_of_an_error_travels_with_its_record),
		ROW(a_trace_travels_with_its_record),
		ROW(a_failed_init_is_one_line),
		ROW(a_throttle_is_a_metric_and_no_line),
		ROW(metrics_are_summed_over_what_is_told_together),
		ROW(without_listeners_nothing_is_kept),
		ROW(a_listener_for_metrics_alone_gets_them),
		ROW(a_listener_for_lines_alone_gets_them),
		ROW(streams_and_functions_may_alternate),
		ROW(the_loop_and_another_thread_keep_the_order_in_which_they_took_turns),
		ROW(lines_of_the_loop_share_memory),
		ROW(a_line_larger_than_a_chunk_is_whole),
		ROW(a_line_of_a_mebibyte_is_whole_and_a_longer_one_is_cut),
		ROW(after_a_silence_it_is_told_at_once_and_then_by_the_hundredth_of_a_second),
		ROW(silence_costs_one_more_look_and_no_timer),
		ROW(a_large_amount_does_not_wait),
		ROW(a_callback_may_cause_lines_itself),
		ROW(what_is_left_is_told_at_the_end),
		ROW(a_line_without_memory_is_counted_as_lost),
		ROW(another_thread_without_memory_loses_its_records_and_no_reference),
		ROW(without_memory_for_a_timer_everything_is_told_at_once),
		ROW(a_version_lives_until_it_is_told),
		ROW(many_threads_lose_nothing_and_each_keeps_its_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
