/* SPDX-License-Identifier: MIT */
#include <worker/program/telemetry.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <support/test.h>

static struct fa_telemetry telemetry;
static struct fa_extensions extensions;
static struct fa_runtime_answer answer;

static int start(void **state)
{
	struct sockaddr_in api = { .sin_family = AF_INET,
				   .sin_addr = { htonl(INADDR_LOOPBACK) },
				   .sin_port = htons(9001) };

	(void)state;
	memset(&extensions, 0, sizeof(extensions));
	extensions.count = 2;
	strcpy(extensions.at[0].name, "one");
	strcpy(extensions.at[0].id, "11111111-1111-4111-8111-111111111111");
	strcpy(extensions.at[1].name, "two");
	strcpy(extensions.at[1].id, "22222222-2222-4222-8222-222222222222");
	fa_telemetry_init(&telemetry, &api, "JSON");
	return 0;
}

static int stop(void **state)
{
	(void)state;
	for (int i = 0; i < telemetry.count; i++) {
		free(telemetry.at[i]->filling.data);
		free(telemetry.at[i]->sending.data);
		free(telemetry.at[i]);
	}
	fa_telemetry_close(&telemetry);
	return 0;
}

static void put(const char *target, const char *id, const char *body)
{
	struct fa_http_field field = { "Lambda-Extension-Identifier", id };
	struct fa_http_request request = { .method = "PUT",
					   .target = target,
					   .fields = &field,
					   .field_count = 1,
					   .body = { body, strlen(body) } };

	assert_true(fa_telemetry_meant(&request));
	fa_telemetry_take(&telemetry, &extensions, &request, &answer);
}

static void subscribe(int extension, const char *body, int status, const char *said)
{
	put("/2022-07-01/telemetry", extensions.at[extension].id, body);
	if (answer.status != status || !strstr(answer.text, said))
		fail_msg("%s: %d %s", body, answer.status, answer.text);
}

static void subscribe_to_logs(int extension, const char *body, int status, const char *said)
{
	put("/2020-08-15/logs", extensions.at[extension].id, body);
	if (answer.status != status || !strstr(answer.text, said))
		fail_msg("%s: %d %s", body, answer.status, answer.text);
}

static void is_wrong(const char *body, const char *message)
{
	char said[256];

	snprintf(said, sizeof(said),
		 "{\"errorMessage\":\"%s\",\"errorType\":\"ValidationError\"}\n", message);
	subscribe(0, body, 400, said);
	assert_int_equal(telemetry.count, 0);
}

#define TO(port)                                                   \
	"\"destination\":{\"protocol\":\"HTTP\",\"URI\":\"http://sandbox.localdomain" port "\"}"
#define VERSION "\"schemaVersion\":\"2022-12-13\""
#define TYPES "\"types\":[\"platform\"]"

TEST(a_subscription_has_defaults_and_its_own_numbers)
{
	const struct fa_subscription *s;

	subscribe(0, "{" VERSION "," TYPES "," TO(":8080") "}", 200, "\"OK\"");
	s = &telemetry.at[0]->subscription;
	assert_int_equal(s->max_items, 1000);
	assert_int_equal(s->max_bytes, 262144);
	assert_int_equal(s->timeout_ms, 1000);
	assert_string_equal(s->path, "/");
	assert_int_equal(ntohs(telemetry.at[0]->address.sin_port), 8080);
	subscribe(1,
		  "{" VERSION ",\"types\":[\"function\",\"extension\"],\"buffering\":{"
		  "\"maxItems\":10000,\"maxBytes\":1048576,\"timeoutMs\":25},\"destination\":{"
		  "\"protocol\":\"TCP\",\"port\":65535}}",
		  200, "\"OK\"");
	s = &telemetry.at[1]->subscription;
	assert_true(s->tcp);
	assert_int_equal(s->types, FA_TELEMETRY_FUNCTION | FA_TELEMETRY_EXTENSION);
	assert_int_equal(s->max_items, 10000);
	assert_int_equal(s->max_bytes, 1048576);
	assert_int_equal(s->timeout_ms, 25);
}

TEST(all_that_is_wrong_is_told)
{
	is_wrong("no JSON", "the body should be an object of JSON");
	is_wrong("{" VERSION ",\"types\":[]," TO("/x") "}",
		 "URI port is not provided; types should not be empty");
	is_wrong("{" TYPES "," TO(":1") "}",
		 "schemaVersion should be 2022-07-01, 2022-12-13 or 2025-01-29");
	is_wrong("{" VERSION "," TYPES "}", "destination is not provided");
	is_wrong("{" VERSION "," TYPES ",\"destination\":{\"protocol\":\"UDP\"}}",
		 "protocol should be HTTP or TCP");
	is_wrong("{" VERSION "," TYPES ",\"destination\":{\"protocol\":\"HTTP\",\"URI\":7}}",
		 "URI is not provided");
	is_wrong("{" VERSION ",\"types\":[\"platform\",\"cats\"]," TO(":1") "}",
		 "types should be platform, function or extension, each once");
	is_wrong("{" VERSION "," TYPES "," TO(":9001") "}",
		 "the port is that of the Runtime API");
}

TEST(a_destination_is_in_this_sandbox)
{
	static const struct {
		const char *uri, *message;
	} cases[] = {
		{ "https://sandbox:1", "Only 'http' scheme is supported" },
		{ "http://example.com:80/", "Only 'sandbox.localdomain' hostname is supported" },
		{ "http://sandbox.localdomain", "URI port is not provided" },
		{ "http://sandbox:65536/", "URI is not valid" },
		{ "http://sandbox:0/", "URI is not valid" },
		{ "http://sandbox:80x", "URI is not valid" },
		{ "http://sandbox:80/a b", "URI is not valid" },
		{ "http://sandbox:80/\\r\\nX: y", "URI is not valid" },
	};
	char body[256];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		snprintf(body, sizeof(body),
			 "{" VERSION "," TYPES ",\"destination\":{\"protocol\":\"HTTP\","
			 "\"URI\":\"%s\"}}",
			 cases[i].uri);
		is_wrong(body, cases[i].message);
	}
}

TEST(each_number_has_its_limits)
{
	static const struct {
		const char *name;
		int64_t least, most;
	} cases[] = {
		{ "maxItems", 1000, 10000 },
		{ "maxBytes", 262144, 1048576 },
		{ "timeoutMs", 25, 30000 },
	};
	char body[256], message[128];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		snprintf(message, sizeof(message), "%s should be between %lld and %lld",
			 cases[i].name, (long long)cases[i].least, (long long)cases[i].most);
		for (int side = 0; side < 2; side++) {
			snprintf(body, sizeof(body),
				 "{" VERSION "," TYPES "," TO(":1") ",\"buffering\":{\"%s\":%lld}}",
				 cases[i].name,
				 (long long)(side ? cases[i].most + 1 : cases[i].least - 1));
			is_wrong(body, message);
		}
	}
}

TEST(the_same_again_is_no_second_one_and_another_one_is_refused)
{
	subscribe(0, "{" VERSION "," TYPES "," TO(":80") "}", 200, "\"OK\"");
	subscribe(0, "{" VERSION "," TYPES "," TO(":80") "}", 200, "\"AlreadySubscribed\"");
	subscribe(0, "{" VERSION "," TYPES "," TO(":81") "}", 400,
		  "The extension has another subscription already");
	assert_int_equal(telemetry.count, 1);
}

TEST(who_is_nobody_or_late_is_refused)
{
	put("/2022-07-01/telemetry/", "33333333-1111-4111-8111-111111111111", "{}");
	assert_int_equal(answer.status, 403);
	assert_non_null(strstr(answer.text, "Extension.UnknownExtensionIdentifier"));
	fa_telemetry_close(&telemetry);
	subscribe(0, "{" VERSION "," TYPES "," TO(":80") "}", 403, "Telemetry.SubscriptionClosed");
	subscribe_to_logs(0, "{" TYPES "," TO(":80") "}", 403, "Logs.SubscriptionClosed");
}

static bool has(int extension, const char *text)
{
	const struct fa_batch *batch = &telemetry.at[extension]->filling;

	return memmem(batch->data, batch->len, text, strlen(text));
}

static void holds(int extension, const char *text)
{
	const struct fa_batch *batch = &telemetry.at[extension]->filling;

	if (!has(extension, text))
		fail_msg("no %s in %.*s", text, (int)batch->len, batch->data);
}

/* Of the Logs API the first hears what all versions have, the other one the second's. */
TEST(logs_are_fewer_events_with_names_of_their_own)
{
	fa_telemetry_event(&telemetry, "platform.initStart", "{}");
	subscribe_to_logs(0, "{" TYPES "," TO(":80") "}", 200, "\"OK\"");
	subscribe_to_logs(1, "{\"schemaVersion\":\"2021-03-18\"," TYPES "," TO(":81") "}", 200,
			  "\"OK\"");
	assert_int_equal(telemetry.at[0]->subscription.max_items, 10000);
	fa_telemetry_event(&telemetry, "platform.start", "{}");
	fa_telemetry_event(&telemetry, "platform.runtimeDone", "{}");
	fa_telemetry_ended(&telemetry, "{}");
	fa_telemetry_event(&telemetry, "platform.report", "{}");
	for (int i = 0; i < 2; i++) {
		holds(i, "\"type\":\"platform.logsSubscription\",\"record\":{\"name\":\"one\","
			 "\"state\":\"Subscribed\",\"types\":[\"platform\"]}}");
		holds(i, "\"type\":\"platform.start\",\"record\":{}}");
		holds(i, "\"type\":\"platform.end\",\"record\":{}}");
		holds(i, "\"type\":\"platform.report\",\"record\":{}}");
		assert_false(has(i, "platform.initStart"));
		assert_false(has(i, "platform.telemetrySubscription"));
		assert_int_equal(has(i, "platform.runtimeDone"), i);
	}
}

TEST(an_end_is_an_event_of_logs_alone)
{
	subscribe(0, "{" VERSION "," TYPES "," TO(":80") "}", 200, "\"OK\"");
	fa_telemetry_ended(&telemetry, "{}");
	fa_telemetry_event(&telemetry, "platform.report", "{}");
	assert_false(has(0, "platform.end"));
	assert_true(has(0, "platform.report"));
	assert_false(has(0, "platform.logsSubscription"));
}

TEST(a_subscription_is_of_one_api_or_of_the_other)
{
	subscribe(0, "{" VERSION ",\"types\":[\"function\"]," TO(":80") "}", 200, "\"OK\"");
	subscribe_to_logs(0, "{\"types\":[\"function\"]," TO(":80") "}", 400,
			  "Logs.ValidationError");
	subscribe_to_logs(1, "{" VERSION "," TYPES "," TO(":80") "}", 400,
			  "schemaVersion should be 2020-08-15 or 2021-03-18");
	subscribe_to_logs(1, "{" TYPES "," TO(":80") "}", 200, "\"OK\"");
	subscribe_to_logs(1, "{" TYPES "," TO(":80") "}", 200, "\"OK\"");
	assert_int_equal(telemetry.count, 2);
}

TEST(what_was_before_is_heard_by_who_wants_it)
{
	fa_telemetry_event(&telemetry, "platform.initStart", "{}");
	fa_telemetry_line(&telemetry, FA_TELEMETRY_FUNCTION, "a\tline", 6);
	subscribe(0, "{" VERSION ",\"types\":[\"function\"]," TO(":80") "}", 200, "OK");
	assert_int_equal(telemetry.at[0]->filling.items, 1);
	holds(0, "\"type\":\"function\",\"record\":\"a\\tline\"}");
	fa_telemetry_line(&telemetry, FA_TELEMETRY_EXTENSION, "x", 1);
	assert_int_equal(telemetry.at[0]->filling.items, 1);
}

TEST(what_is_kept_for_those_who_may_come_is_bounded)
{
	static char line[FA_TAP_LINE];

	memset(line, 'x', sizeof(line));
	for (int i = 0; i < 100; i++)
		fa_telemetry_line(&telemetry, FA_TELEMETRY_FUNCTION, line, sizeof(line));
	assert_true(telemetry.kept > 0 && telemetry.kept <= FA_TELEMETRY_HISTORY);
}

TEST(a_line_that_is_an_object_is_one_where_logs_are_json)
{
	subscribe(0, "{" VERSION ",\"types\":[\"function\"]," TO(":80") "}", 200, "OK");
	fa_telemetry_line(&telemetry, FA_TELEMETRY_FUNCTION, "{\"a\":1}", 7);
	holds(0, "\"record\":{\"a\":1}}");
	fa_telemetry_line(&telemetry, FA_TELEMETRY_FUNCTION, "{\"a\":", 5);
	holds(0, "\"record\":\"{\\\"a\\\":\"}");
	fa_telemetry_line(&telemetry, FA_TELEMETRY_FUNCTION, "\x01\xff", 2);
	holds(0, "\"record\":\"\\u0001");
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		ROW(a_subscription_has_defaults_and_its_own_numbers),
		ROW(all_that_is_wrong_is_told),
		ROW(a_destination_is_in_this_sandbox),
		ROW(each_number_has_its_limits),
		ROW(the_same_again_is_no_second_one_and_another_one_is_refused),
		ROW(who_is_nobody_or_late_is_refused),
		ROW(logs_are_fewer_events_with_names_of_their_own),
		ROW(an_end_is_an_event_of_logs_alone),
		ROW(a_subscription_is_of_one_api_or_of_the_other),
		ROW(what_was_before_is_heard_by_who_wants_it),
		ROW(what_is_kept_for_those_who_may_come_is_bounded),
		ROW(a_line_that_is_an_object_is_one_where_logs_are_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
