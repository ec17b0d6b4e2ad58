/* SPDX-License-Identifier: MIT */
/* Telemetry: what subscribed extensions hear of platform, function and extensions. */
#include "upload.h"

#include <unistd.h>

#include "support/invariants.h"
#include "support/processes.h"

#define LAYER "arn:aws:lambda:local-1:000000000000:layer:l:1"

/* A function with these extensions; `types`: what subscribers want. */
static void create(const char *subscriber, const char *other, const char *types)
{
	static char encoded_zip[1 << 20];
	char path[64], more[512];

	zips_begin(&zip);
	snprintf(path, sizeof(path), "extensions/%s", subscriber);
	zips_copy_program(&zip, path, TEST_PROGRAMS "/subscriber");
	if (other) {
		snprintf(path, sizeof(path), "extensions/%s", other);
		zips_copy_program(&zip, path, TEST_PROGRAMS "/extension");
	}
	REQUEST("{\"LayerName\":\"l\",\"Content\":{\"ZipFile\":\"%s\"}}", encoded());
	perform("PublishLayerVersion");
	zips_begin(&zip);
	zips_copy_program(&zip, "bootstrap", TEST_PROGRAMS "/bootstrap");
	snprintf(encoded_zip, sizeof(encoded_zip), "%s", encoded());
	snprintf(more, sizeof(more),
		 "{\"FunctionName\":\"f\",\"Role\":\"" ROLE "\",\"Runtime\":\"provided.al2023\","
		 "\"Handler\":\"h\",\"Layers\":[\"" LAYER "\"],\"Timeout\":60,"
		 "\"MemorySize\":%d,\"Environment\":{\"Variables\":{\"TYPES\":\"%s\"}},",
		 SANITIZED ? 1024 : 128, types); /* process 1 is among those that are counted */
	REQUEST("%s\"Code\":{\"ZipFile\":\"%s\"}}", more, encoded_zip);
	deploy("CreateFunction", "f");
}

/* What the subscriber has heard once that is in it. */
static const char *heard(const char *text)
{
	char event[256];
	const struct faas_result *result;
	static char whole[1 << 20];

	snprintf(event, sizeof(event), "heard %s", text);
	result = flow_call(&flow, "f", event);
	snprintf(whole, sizeof(whole), "%.*s", (int)result->payload.len,
		 (const char *)result->payload.data);
	if (!strstr(whole, text))
		fail_msg("no %s in %s", text, whole);
	return whole;
}

/* The next of them, behind `at`. */
static const char *follows(const char *at, const char *text)
{
	const char *found = strstr(at, text);

	if (!found)
		fail_msg("no %s follows in %s", text, at);
	return found;
}

#define PLATFORM "\\\"platform\\\""
#define FUNCTION "\\\"function\\\""
#define EXTENSION "\\\"extension\\\""

/* The runtime is started when all extensions are registered, so who subscribes may be later. */
TEST(a_subscriber_hears_of_init_from_its_beginning)
{
	const char *all, *at;

	create("hears", NULL, PLATFORM);
	answers("f", "count", "1");
	flow_await_log(&flow, "hears is told 200 \"OK\"");
	all = heard("platform.initReport");
	at = follows(all, "\"type\":\"platform.initStart\",\"record\":{\"initializationType\":"
			  "\"on-demand\",\"phase\":\"init\",\"functionName\":\"f\","
			  "\"functionVersion\":\"$LATEST\"}}");
	follows(at, "\"type\":\"platform.telemetrySubscription\",\"record\":{\"name\":\"hears\","
		    "\"state\":\"Subscribed\",\"types\":[\"platform\"]}}");
	at = follows(at, "\"type\":\"platform.initRuntimeDone\",\"record\":{\"initializationType\":"
			 "\"on-demand\",\"phase\":\"init\",\"status\":\"success\"}}");
	at = follows(at, "\"type\":\"platform.extension\",\"record\":{\"name\":\"hears\",\"state\":"
			 "\"Ready\",\"events\":[\"INVOKE\",\"SHUTDOWN\"]}}");
	follows(at, "\"type\":\"platform.initReport\",\"record\":{\"initializationType\":"
		    "\"on-demand\",\"phase\":\"init\",\"metrics\":{\"durationMs\":");
}

TEST(it_hears_of_each_event_and_how_it_ended)
{
	char expected[256];
	const char *at;

	create("hears", NULL, PLATFORM);
	snprintf(expected, sizeof(expected), "\"requestId\":\"%s\"",
		 flow_call(&flow, "f", "echo 12345")->request_id);
	at = heard("platform.report");
	at = follows(at, "\"type\":\"platform.start\",\"record\":{");
	at = follows(at, expected);
	at = follows(at, "\"type\":\"platform.runtimeDone\",\"record\":{");
	at = follows(at, expected);
	at = follows(at, "\"status\":\"success\",\"metrics\":{\"durationMs\":");
	at = follows(at, "\"producedBytes\":5},\"spans\":[{\"name\":\"responseLatency\"");
	at = follows(at, "\"type\":\"platform.report\",\"record\":{");
	at = follows(at, "\"billedDurationMs\":");
	at = follows(at, "\"maxMemoryUsedMB\":");
	follows(at, "\"initDurationMs\":");
}

TEST(the_logs_api_has_a_start_an_end_and_a_report)
{
	char expected[256];
	const char *at;

	create("logs", NULL, PLATFORM "," FUNCTION);
	snprintf(expected, sizeof(expected), "{\"requestId\":\"%s\"",
		 flow_call(&flow, "f", "print mine")->request_id);
	flow_await_log(&flow, "logs is told 200 \"OK\"");
	at = heard("platform.report");
	assert_null(strstr(at, "platform.init"));
	at = follows(at, "\"type\":\"platform.start\",\"record\":");
	at = follows(at, expected);
	at = follows(at, "\"type\":\"function\",\"record\":\"mine\"}");
	at = follows(at, "\"type\":\"platform.runtimeDone\",\"record\":");
	at = follows(at, expected);
	at = follows(at, "\"type\":\"platform.end\",\"record\":");
	at = follows(at, expected);
	at = follows(at, "\"type\":\"platform.report\",\"record\":");
	at = follows(at, expected);
	follows(at, "\"billedDurationMs\":");
}

TEST(a_restore_is_heard_of_before_its_event)
{
	const char *const variables[] = { "TYPES=\"platform\"", "INIT=restore", NULL };
	const char *at;

	create("hears", NULL, PLATFORM);
	assert_int_equal(faas_function_update(flow.rt,
					      FAAS_FUNCTION(.name = "f", .snapshot = true,
							    .environment = variables),
					      NULL),
			 0);
	answers("f", "count", "1");
	answers("f", "count", "2");
	at = heard("platform.report");
	at = follows(at, "\"initializationType\":\"snap-start\"");
	at = follows(at, "\"type\":\"platform.restoreStart\",\"record\":{\"functionName\":\"f\","
			 "\"functionVersion\":\"$LATEST\"}}");
	follows(at, "\"type\":\"platform.start\"");
	at = follows(at, "\"type\":\"platform.restoreRuntimeDone\",\"record\":"
			 "{\"status\":\"success\"}}");
	at = follows(at, "\"type\":\"platform.restoreReport\",\"record\":"
			 "{\"status\":\"success\",\"metrics\":{\"durationMs\":");
	follows(at, "\"type\":\"platform.runtimeDone\"");
	assert_null(strstr(at, "platform.restoreStart"));
}

TEST(an_error_of_the_function_is_an_end_with_its_type)
{
	create("hears", NULL, PLATFORM);
	flow_call(&flow, "f", "fail Function.Mine {}");
	heard("\"status\":\"error\",\"errorType\":\"Function.Mine\",\"metrics\"");
}

TEST(what_the_function_prints_is_heard_line_by_line_and_logged_as_ever)
{
	create("hears", NULL, FUNCTION);
	answers("f", "print a \"line\"", "printed");
	flow_await_log(&flow, "a \"line\"");
	assert_null(strstr(heard("\"type\":\"function\",\"record\":\"a \\\"line\\\"\"}"),
			   "\"type\":\"platform"));
	answers("f", "record 20", "recorded");
	heard("\"record\":\"first line\\nsecond line\\n\"}");
}

TEST(what_extensions_print_is_heard_by_who_wants_it)
{
	create("hears", "one", EXTENSION);
	answers("f", "print mine", "printed");
	assert_null(strstr(heard("\"type\":\"extension\",\"record\":\"one hears {"), "mine"));
	flow_await_log(&flow, "one hears {\"eventType\":\"INVOKE\"");
}

TEST(over_tcp_each_event_is_a_line)
{
	create("lines", NULL, PLATFORM "," FUNCTION);
	answers("f", "print this", "printed");
	heard("\"type\":\"function\",\"record\":\"this\"}\n");
}

TEST(what_is_left_is_heard_before_the_end)
{
	create("hears", NULL, PLATFORM);
	answers("f", "count", "1");
	assert_int_equal(faas_recycle(flow.rt, "f", &err), 0);
	flow_await_log(&flow, "hears has heard a report");
}

TEST(after_init_nobody_subscribes)
{
	create("late", NULL, PLATFORM);
	answers("f", "count", "1");
	flow_await_log(&flow, "late is told 403 {\"errorMessage\":\"Telemetry API subscription is "
			      "closed already\",\"errorType\":\"Telemetry.SubscriptionClosed\"}");
}

/* ---- hostile subscribers --------------------------------------------------- */

/* Of process 1 of the only environment. */
static long of_process_1(const char *name)
{
	struct process environment;
	char path[64], line[256];
	long value = -1;
	FILE *file;

	assert_int_equal(processes_of_environments(getpid(), &environment, 1), 1);
	snprintf(path, sizeof(path), "/proc/%d/status", environment.pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, name, strlen(name)))
			value = atol(line + strlen(name));
	assert_non_null(file);
	fclose(file);
	return value;
}

/* Two and a half megabytes of events more, and process 1 has not grown by one. */
static void chatters_on(void)
{
	long before_kb = 0;

	for (int i = 0; i < 9; i++) {
		answers("f", "chatter 2500", "said");
		if (i == 2)
			before_kb = of_process_1("VmRSS:");
	}
	if (!SANITIZED)
		assert_in_range(of_process_1("VmRSS:"), 1, before_kb + 1024);
}

TEST(one_that_never_reads_holds_nobody_up)
{
	create("deaf", NULL, PLATFORM "," FUNCTION);
	chatters_on();
}

TEST(one_that_is_not_there_holds_nobody_up)
{
	create("absent", NULL, PLATFORM "," FUNCTION);
	chatters_on();
}

TEST(one_that_answers_without_end_is_heard_out_no_longer_than_it_takes)
{
	create("rude", NULL, PLATFORM "," FUNCTION);
	chatters_on();
}

/* While it floods it serves nobody, so a batch may be sent to it once more: the same one. */
TEST(of_a_flood_of_subscriptions_one_counts)
{
	static const char subscribed[] = "\"type\":\"platform.telemetrySubscription\",\"record\":{"
					 "\"name\":\"floods\",\"state\":\"Subscribed\"";
	const size_t time = strlen("\"2026-11-27T15:30:01.468Z\",");
	const char *first, *next;

	create("floods", NULL, PLATFORM);
	answers("f", "count", "1");
	first = follows(heard("platform.report"), subscribed);
	for (next = first; next; next = strstr(next + 1, subscribed))
		assert_memory_equal(next - time, first - time, time);
}

TEST(one_that_dies_ends_its_environment)
{
	const struct faas_result *result;

	create("dies", NULL, PLATFORM);
	result = flow_call(&flow, "f", "sleep 20000");
	assert_string_equal(result->error_type, "Extension.Crash");
}

/* Who stopped all others goes on to nothing but poll(). */
static bool all_are_at_rest(void)
{
	struct process environment, others[16];
	int n;

	assert_int_equal(processes_of_environments(getpid(), &environment, 1), 1);
	n = processes_below(environment.pid, others, 16);
	for (int i = 0; i < n; i++)
		if (others[i].state != 'T')
			return false;
	assert_int_equal(processes_of_environments(getpid(), &environment, 1), 1);
	return n > 0 && environment.state == 'S';
}

/* Whatever it still has to say, between events process 1 has no reason to wake up. */
TEST(with_a_subscriber_that_never_reads_process_1_sleeps_between_events)
{
	long before;

	create("deaf", NULL, PLATFORM "," FUNCTION);
	answers("f", "count", "1");
	for (int ms = 0; !all_are_at_rest() && ms < 20000; ms++)
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	assert_true(all_are_at_rest());
	before = of_process_1("voluntary_ctxt_switches:");
	nanosleep(&(struct timespec){ .tv_nsec = 500000000 }, NULL);
	assert_int_equal(of_process_1("voluntary_ctxt_switches:"), before);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, open_real, close_it)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		ROW(a_subscriber_hears_of_init_from_its_beginning),
		ROW(it_hears_of_each_event_and_how_it_ended),
		ROW(the_logs_api_has_a_start_an_end_and_a_report),
		ROW(a_restore_is_heard_of_before_its_event),
		ROW(an_error_of_the_function_is_an_end_with_its_type),
		ROW(what_the_function_prints_is_heard_line_by_line_and_logged_as_ever),
		ROW(what_extensions_print_is_heard_by_who_wants_it),
		ROW(over_tcp_each_event_is_a_line),
		ROW(what_is_left_is_heard_before_the_end),
		ROW(after_init_nobody_subscribes),
		ROW(one_that_never_reads_holds_nobody_up),
		ROW(one_that_is_not_there_holds_nobody_up),
		ROW(one_that_answers_without_end_is_heard_out_no_longer_than_it_takes),
		ROW(of_a_flood_of_subscriptions_one_counts),
		ROW(one_that_dies_ends_its_environment),
		ROW(with_a_subscriber_that_never_reads_process_1_sleeps_between_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
