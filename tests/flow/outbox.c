/* SPDX-License-Identifier: MIT */
/* Directories as destinations and targets: whole files, each under the key of its message. */
#include <faas/plugin.h> /* before cmocka, which makes a macro of fail() */
#include <faas/source.h>

#include "support/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/consumer.h"
#include "support/stores.h"

#define PATIENCE_MS 60000

static char out[64], to[80]; /* the directory, and its address */
static char names[8192];     /* of its files, each behind a blank, sorted */

static int open_it(bool lasts)
{
	stores_folder(out);
	snprintf(to, sizeof(to), "dir:%s", out);
	*consumer_folder = '\0';
	if (lasts)
		stores_folder(consumer_folder);
	consumer_open(consumer_folder);
	return 0;
}

static int in_memory(void **state)
{
	(void)state;
	return open_it(false);
}

static int on_disk(void **state)
{
	(void)state;
	return open_it(true);
}

static int close_it(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s", out);
	assert_int_equal(system(command), 0);
	return stream_close(state);
}

/* ---- what is there ------------------------------------------------------- */

/* How many files there are below it, hidden ones too. */
static int list_files(void)
{
	char command[128], line[512];
	FILE *list;
	int n = 0;

	snprintf(command, sizeof(command), "cd %s && find . -type f | LC_ALL=C sort", out);
	*names = '\0';
	list = popen(command, "r");
	while (fgets(line, sizeof(line), list)) {
		line[strcspn(line, "\n")] = '\0';
		assert_true(strlen(names) + strlen(line) < sizeof(names));
		strcat(strcat(names, " "), line + 2);
		n++;
	}
	pclose(list);
	return n;
}

static struct faas_stats stats(void)
{
	struct faas_stats s = { .size = sizeof(s) };

	assert_int_equal(faas_stats(flow.rt, &s), 0);
	return s;
}

static void await_delivered(int n)
{
	for (int i = 0; i < PATIENCE_MS && stats().messages_delivered < (uint64_t)n; i++)
		consumer_tick();
	assert_int_equal(stats().messages_delivered, n);
}

static void await_files(int n)
{
	await_delivered(n);
	assert_int_equal(list_files(), n);
}

static void await_failures(int n)
{
	for (int i = 0; i < PATIENCE_MS && flow_metric(&flow, "DestinationDeliveryFailures") < n;
	     i++)
		consumer_tick();
	assert_true(flow_metric(&flow, "DestinationDeliveryFailures") == n);
}

/* What the file of that name holds; borrowed until the next one. */
static const char *content(const char *name)
{
	static char text[1 << 16];
	char path[512];
	size_t len;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%.400s", out, name);
	file = fopen(path, "r");
	assert_non_null(file);
	len = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[len] = '\0';
	return text;
}

/* The only file's name is `before`, today's folders, this second, and an id of 36 characters. */
static void is_named(const char *before)
{
	time_t now = (time_t)((flow.clock.epoch_ms + flow.clock.ns / 1000000) / 1000);
	char want[256], part[64];

	strftime(part, sizeof(part), "%Y/%m/%d/%Y-%m-%dT%H.%M.%S-", gmtime(&now));
	snprintf(want, sizeof(want), " %s%s", before, part);
	if (strncmp(names, want, strlen(want)) != 0)
		fail_msg("%s does not begin with %s", names, want);
	assert_int_equal(strlen(names), strlen(want) + 36);
}

static void function(const char *on_success, const char *on_failure)
{
	flow_function(&flow, &(struct faas_function_config){ .name = "f",
							     .native = consumer_handler,
							     .max_retries = FAAS_NONE,
							     .on_success = on_success,
							     .on_failure = on_failure });
}

static void send_event(const char *payload)
{
	_Atomic int accepted = 0;

	assert_int_equal(faas_invoke(flow.rt,
				     FAAS_REQUEST(.function = "f", .mode = FAAS_EVENT,
						  .payload = { payload, strlen(payload) },
						  .on_done = consumer_accepted, .data = &accepted),
				     NULL, &err),
			 0);
	consumer_await(&accepted, 1);
}

/* ---- records of events ------------------------------------------------------ */

TEST(how_an_event_failed_is_a_file_under_the_key_of_lambda)
{
	const char *text;
	char id[40];

	function(NULL, to);
	failures_left = 1;
	send_event("{\"n\":1}");
	await_files(1);
	is_named("aws/lambda/async/f/");
	text = content(names + 1);
	assert_non_null(strstr(text, "{\"version\":\"1.0\",\"timestamp\":\""));
	assert_non_null(strstr(text, "\"condition\":\"RetriesExhausted\""));
	assert_non_null(strstr(text, "\"requestPayload\":{\"n\":1}"));
	assert_non_null(strstr(text, "\"errorMessage\":\"as planned\"}}"));
	snprintf(id, sizeof(id), "%s", names + strlen(names) - 36);
	assert_non_null(strstr(text, id)); /* the request's */
}

TEST(how_an_event_succeeded_is_a_file_too)
{
	function(to, NULL);
	send_event("{\"n\":1}");
	await_files(1);
	is_named("aws/lambda/async/f/");
	assert_non_null(strstr(content(names + 1), "\"condition\":\"Success\""));
}

TEST(each_event_has_a_file_of_its_own)
{
	function(to, NULL);
	for (int i = 0; i < 20; i++)
		send_event("1");
	await_files(20);
}

TEST(a_directory_is_set_and_shown_by_control)
{
	char request[256];
	const char *reply;

	function(NULL, NULL);
	snprintf(request, sizeof(request),
		 "{\"FunctionName\":\"f\",\"MaximumRetryAttempts\":0,"
		 "\"DestinationConfig\":{\"OnFailure\":{\"Destination\":"
		 "\"%s\"}}}", to);
	reply = consumer_control("PutFunctionEventInvokeConfig", request);
	assert_non_null(strstr(reply, to));
	consumer_control(NULL, "");
	failures_left = 1;
	send_event("1");
	await_files(1);
}

/* ---- what cannot be written ------------------------------------------------- */

TEST(a_directory_that_is_away_gets_its_files_when_it_is_there)
{
	function(NULL, to);
	assert_int_equal(rmdir(out), 0);
	failures_left = 1;
	send_event("1");
	await_failures(1);
	assert_int_equal(mkdir(out, 0700), 0);
	assert_int_equal(list_files(), 0);
	flow_advance(&flow, 1000);
	await_files(1);
}

TEST(however_long_that_takes)
{
	assert_int_equal(rmdir(out), 0);
	assert_int_equal(faas_send(flow.rt, to, (struct faas_bytes){ "m", 1 }, &err), 0);
	for (int i = 0; i < 400; i++) { /* every five minutes, for more than a day */
		flow_advance(&flow, 300000);
		consumer_tick();
	}
	assert_int_equal(stats().messages_dropped, 0);
	assert_int_equal(stats().messages_waiting, 1);
	assert_int_equal(mkdir(out, 0700), 0);
	for (int i = 0; i < PATIENCE_MS && stats().messages_waiting; i++) {
		flow_advance(&flow, 300000);
		consumer_tick();
	}
	await_files(1);
}

TEST(what_could_not_be_written_outlives_the_program)
{
	function(NULL, to);
	assert_int_equal(rmdir(out), 0);
	failures_left = 1;
	send_event("1");
	await_failures(1);
	flow_close(&flow);
	assert_int_equal(mkdir(out, 0700), 0);
	consumer_open(consumer_folder);
	flow_advance(&flow, 1000);
	await_files(1);
}

/* As on a full disk: a part of it is written, then no more. */
TEST(of_a_file_that_does_not_fit_nothing_is_left)
{
	struct rlimit old, little = { 100, 100 };
	char body[5000];

	memset(body, 'x', sizeof(body));
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	little.rlim_max = old.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
	assert_int_equal(faas_send(flow.rt, to, (struct faas_bytes){ body, sizeof(body) }, &err),
			 0);
	for (int i = 0; i < 10; i++) { /* attempts */
		flow_advance(&flow, 300000);
		consumer_tick();
	}
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(stats().messages_delivered, 0);
	for (int i = 0; i < PATIENCE_MS && stats().messages_waiting; i++) {
		flow_advance(&flow, 300000);
		consumer_tick();
	}
	await_files(1);
	assert_int_equal(strlen(content(names + 1)), sizeof(body));
}

/* A function that may write there does not make the host write elsewhere. */
TEST(no_symbolic_link_below_it_is_followed)
{
	char elsewhere[64], link[128];

	stores_folder(elsewhere);
	snprintf(link, sizeof(link), "%s/aws", out);
	assert_int_equal(symlink(elsewhere, link), 0);
	function(NULL, to);
	failures_left = 1;
	send_event("1");
	await_failures(1);
	assert_int_equal(rmdir(elsewhere), 0); /* it is empty */
	assert_int_equal(unlink(link), 0);
	flow_advance(&flow, 1000);
	await_files(1);
}

/* ---- other messages ----------------------------------------------------------- */

TEST(a_message_is_a_file_under_the_date)
{
	assert_int_equal(faas_send(flow.rt, to, (struct faas_bytes){ "hello", 5 }, &err), 0);
	await_files(1);
	is_named("");
	assert_string_equal(content(names + 1), "hello");
	assert_int_equal(faas_send(flow.rt, to, (struct faas_bytes){ "hello", 5 }, &err), 0);
	await_files(2); /* the same once more is another message */
}

TEST(events_of_a_bus_are_files)
{
	static const char entry[] = "{\"Source\":\"s\",\"DetailType\":\"t\",\"Detail\":{\"n\":1}}";

	if (faas_mapping_create(flow.rt,
				FAAS_MAPPING(.source = "bus:b", .target = to,
					     .input_path = "$.detail"), NULL, &err))
		fail_msg("%s", err.message);
	assert_int_equal(faas_send(flow.rt, "bus:b",
				   (struct faas_bytes){ entry, strlen(entry) }, &err), 0);
	await_delivered(2); /* to the many, and of them to it */
	assert_int_equal(list_files(), 1);
	is_named("");
	assert_string_equal(content(names + 1), "{\"n\":1}");
}

TEST(notifications_of_a_topic_are_files)
{
	if (faas_mapping_create(flow.rt, FAAS_MAPPING(.source = "topic:t", .target = to), NULL,
				&err))
		fail_msg("%s", err.message);
	assert_int_equal(faas_send(flow.rt, "topic:t", (struct faas_bytes){ "m", 1 }, &err), 0);
	await_delivered(2); /* to the many, and of them to it */
	assert_int_equal(list_files(), 1);
	is_named("");
	assert_non_null(strstr(content(names + 1), "\"Message\":\"m\""));
}

TEST(records_that_were_given_up_are_a_file_with_all_of_them)
{
	const char *text;
	char before[128];

	consumer_make_function();
	stream_make(NULL);
	failures_left = 1;
	stream_put("k", "a");
	stream_put("k", "b");
	stream_map(FAAS_MAPPING(.batch_size = 2, .max_retries = FAAS_NONE, .on_failure = to));
	await_files(1);
	snprintf(before, sizeof(before), "aws/lambda/%s/shardId-000000000000/", id);
	is_named(before);
	text = content(names + 1);
	assert_non_null(strstr(text, "\"condition\":\"RetryAttemptsExhausted\""));
	assert_non_null(strstr(text, "\"batchSize\":2,"));
	assert_non_null(strstr(text, ",\"payload\":\"{\\\"Records\\\":[{\\\"kinesis\\\":{"));
	assert_non_null(strstr(text, "\\\"data\\\":\\\"YQ==\\\""));
	assert_non_null(strstr(text, "\\\"data\\\":\\\"Yg==\\\""));
	assert_string_equal(text + strlen(text) - 5, "}]}\"}");
}

/* ---- what is refused -------------------------------------------------------------- */

#define EXPECTED \
	"' is a directory, whose files have no attributes as dead letters and messages do: " \
	"expected queue:NAME, topic:NAME, bus:NAME, function:NAME[:QUALIFIER] or callback:NAME"

TEST(what_has_attributes_does_not_go_to_a_directory)
{
	char want[512], options[256];

	snprintf(want, sizeof(want), "'%s" EXPECTED, to);
	assert_int_equal(faas_function_create(flow.rt,
					      FAAS_FUNCTION(.name = "f",
							    .native = consumer_handler,
							    .dead_letter = to), &err),
			 FAAS_EINVAL);
	assert_string_equal(err.message, want);
	assert_int_equal(faas_mapping_create(flow.rt,
					     FAAS_MAPPING(.source = "topic:t",
							  .target = "queue:q",
							  .dead_letter = to), NULL, &err),
			 FAAS_EINVAL);
	assert_string_equal(err.message, want);
	snprintf(options, sizeof(options),
		 "{\"RedrivePolicy\":{\"deadLetterTargetArn\":\"%s\",\"maxReceiveCount\":2}}", to);
	assert_int_equal(faas_resource_create(flow.rt, "queue:q", options, &err), FAAS_EINVAL);
	assert_string_equal(err.message, want);
	assert_int_equal(faas_move(flow.rt, "queue:q", to, 1, NULL, &err), FAAS_EINVAL);
	assert_string_equal(err.message, want);
	assert_int_equal(faas_put(flow.rt, to,
				  FAAS_MESSAGE(.body = { "m", 1 },
					       .attributes = "{\"a\":{\"DataType\":\"String\","
							     "\"StringValue\":\"x\"}}"),
				  NULL, &err),
			 FAAS_EINVAL);
	snprintf(want, sizeof(want), "a file has no attributes: %s gets a body alone", to);
	assert_string_equal(err.message, want);
	assert_int_equal(list_files(), 0);
}

#define IN_MEMORY(name) { #name, name, in_memory, close_it, NULL }
#define ON_DISK(name) { #name "_on_disk", name, on_disk, close_it, NULL }
#define BOTH(name) IN_MEMORY(name), ON_DISK(name)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(how_an_event_failed_is_a_file_under_the_key_of_lambda),
		BOTH(how_an_event_succeeded_is_a_file_too),
		BOTH(each_event_has_a_file_of_its_own),
		IN_MEMORY(a_directory_is_set_and_shown_by_control),
		BOTH(a_directory_that_is_away_gets_its_files_when_it_is_there),
		IN_MEMORY(however_long_that_takes),
		ON_DISK(what_could_not_be_written_outlives_the_program),
		IN_MEMORY(of_a_file_that_does_not_fit_nothing_is_left),
		IN_MEMORY(no_symbolic_link_below_it_is_followed),
		BOTH(a_message_is_a_file_under_the_date),
		IN_MEMORY(events_of_a_bus_are_files),
		IN_MEMORY(notifications_of_a_topic_are_files),
		BOTH(records_that_were_given_up_are_a_file_with_all_of_them),
		IN_MEMORY(what_has_attributes_does_not_go_to_a_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
