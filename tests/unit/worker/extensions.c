/* SPDX-License-Identifier: MIT */
#include <worker/program/extensions.h>

#include <stdio.h>

#include <support/test.h>

#define REGISTER "/2020-01-01/extension/register"
#define NEXT "/2020-01-01/extension/event/next"
#define BOTH "{\"events\":[\"INVOKE\",\"SHUTDOWN\"]}"

static const struct fa_settings settings = { .function = "f", .version = "7", .method = "a.b",
					     .account = "123" };
static const struct faas_context context = { .request_id = "r", .invoked_arn = "arn:f",
					     .trace_id = "Root=1" };

static struct fa_extensions all;
static struct fa_runtime_answer answer;
static char identity[40];
static int connection;

#define FROM ((struct fa_connection *)&connection)

static int start(void **state)
{
	(void)state;
	memset(&all, 0, sizeof(all));
	all.settings = &settings;
	return 0;
}

/* One that was started as a program. */
static void launch(const char *name)
{
	strcpy(all.at[all.count].name, name);
	all.at[all.count++].pid = 5;
}

static enum fa_runtime_step ask(const char *method, const char *target, const char *name,
				const char *value, const char *body)
{
	struct fa_http_field fields[] = {
		{ name, value },
		{ "Lambda-Extension-Function-Error-Type", "Mine" },
	};
	struct fa_http_request request = { .method = method,
					   .target = target,
					   .fields = fields,
					   .field_count = 2,
					   .body = { body, strlen(body) } };

	return fa_extensions_take(&all, &request, FROM, &answer);
}

static void enroll(const char *name, const char *body, int status)
{
	assert_int_equal(ask("POST", REGISTER, "Lambda-Extension-Name", name, body),
			 FA_RUNTIME_REPLY);
	assert_int_equal(answer.status, status);
	if (status == 200)
		snprintf(identity, sizeof(identity), "%s", answer.fields[1].value);
}

static void refused(const char *type)
{
	char expected[96];

	snprintf(expected, sizeof(expected), "\"errorType\":\"%s\"}\n", type);
	assert_int_equal(answer.status, 403);
	if (!strstr(answer.text, expected))
		fail_msg("%s", answer.text);
}

static enum fa_runtime_step next(void)
{
	return ask("GET", NEXT, "Lambda-Extension-Identifier", identity, "");
}

TEST(who_registers_gets_an_identifier_and_is_told_of_the_function)
{
	launch("one");
	assert_false(fa_extensions_registered(&all));
	enroll("one", BOTH, 200);
	assert_int_equal(strlen(identity), 36);
	assert_string_equal(answer.text, "{\"functionName\":\"f\",\"functionVersion\":\"7\","
					 "\"handler\":\"a.b\"}");
	assert_true(fa_extensions_registered(&all));
	assert_false(fa_extensions_ready(&all));
	assert_int_equal(next(), FA_RUNTIME_WAIT);
	assert_true(fa_extensions_ready(&all));
}

TEST(what_cannot_be_registered_is_refused_with_its_type)
{
	launch("one");
	enroll("", BOTH, 403);
	refused("Extension.InvalidExtensionName");
	enroll("one", "no JSON", 403);
	refused("InvalidRequestFormat");
	enroll("one", "{\"events\":[\"DANCE\"]}", 403);
	refused("Extension.InvalidEventType");
	enroll("internal", BOTH, 403); /* an internal one does not hear of the end */
	refused("Extension.InvalidEventType");
	enroll("one", BOTH, 200);
	enroll("one", BOTH, 403);
	refused("Extension.InvalidExtensionState");
	all.closed = true;
	enroll("other", "{}", 403);
	refused("Extension.RegistrationClosed");
}

TEST(there_may_be_ten)
{
	char name[8];

	for (int i = 0; i < FA_EXTENSIONS_MAX; i++) {
		snprintf(name, sizeof(name), "e%d", i);
		enroll(name, "{\"events\":[\"INVOKE\"]}", 200);
	}
	enroll("one more", "{}", 403);
	refused("Extension.TooManyExtensions");
}

TEST(who_is_nobody_hears_nothing)
{
	enroll("one", "{\"events\":[]}", 200);
	ask("GET", NEXT, "Other", "x", "");
	refused("Extension.MissingExtensionIdentifier");
	ask("GET", NEXT, "Lambda-Extension-Identifier", "short", "");
	refused("Extension.InvalidExtensionIdentifier");
	ask("GET", NEXT, "Lambda-Extension-Identifier", "00000000-0000-4000-8000-000000000000", "");
	refused("Extension.UnknownExtensionIdentifier");
}

TEST(an_event_is_told_to_who_wants_it_and_waits)
{
	enroll("one", "{\"events\":[\"INVOKE\"]}", 200);
	assert_false(fa_extension_event(&all.at[0], &context, false, 9, &answer));
	next();
	assert_false(fa_extension_event(&all.at[0], &context, true, 9, &answer));
	assert_true(fa_extension_event(&all.at[0], &context, false, 9, &answer));
	assert_string_equal(answer.text,
			    "{\"eventType\":\"INVOKE\",\"deadlineMs\":9,\"requestId\":\"r\","
			    "\"invokedFunctionArn\":\"arn:f\",\"tracing\":{\"type\":"
			    "\"X-Amzn-Trace-Id\",\"value\":\"Root=1\"}}");
	assert_false(fa_extensions_ready(&all));
	next();
	assert_true(fa_extensions_ready(&all));
	fa_extensions_gone(&all, FROM);
	assert_false(fa_extension_event(&all.at[0], &context, false, 9, &answer));
}

TEST(who_gives_up_says_so_and_needs_a_type)
{
	enroll("one", "{\"events\":[]}", 200);
	assert_int_equal(ask("POST", "/2020-01-01/extension/exit/error",
			     "Lambda-Extension-Identifier", identity, ""),
			 FA_RUNTIME_RESULT);
	assert_int_equal(answer.status, 202);
	assert_string_equal(all.error, "Extension.ExitError");
	assert_int_equal(ask("POST", "/2020-01-01/extension/init/error",
			     "Lambda-Extension-Identifier", identity, ""),
			 FA_RUNTIME_RESULT);
	assert_string_equal(all.error, "Extension.InitError");
	ask("PUT", REGISTER, "Lambda-Extension-Name", "x", "");
	assert_int_equal(answer.status, 404);
}

#define ROW(test) cmocka_unit_test_setup(test, start)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		ROW(who_registers_gets_an_identifier_and_is_told_of_the_function),
		ROW(what_cannot_be_registered_is_refused_with_its_type),
		ROW(there_may_be_ten),
		ROW(who_is_nobody_hears_nothing),
		ROW(an_event_is_told_to_who_wants_it_and_waits),
		ROW(who_gives_up_says_so_and_needs_a_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
