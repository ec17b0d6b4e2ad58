/* SPDX-License-Identifier: MIT */
/* Tags: of a function, by its ARN. */
#include "support/test.h"

#include <stdio.h>

#include "support/control.h"

#define ARN "arn:aws:lambda:local-1:000000000000:function:f"
#define ARN_G "arn:aws:lambda:local-1:000000000000:function:g"
#define INVALID "InvalidParameterValueException"
#define TAG(tags) "{\"Resource\":\"" ARN "\",\"Tags\":" tags "}"
#define THIS "{\"Resource\":\"" ARN "\"}"

TEST(tags_are_put_on_replaced_taken_off_and_listed)
{
	assert_string_equal(perform("ListTags", THIS), "{\"Tags\":{}}");
	perform("TagResource", TAG("{\"team\":\"blue\",\"stage\":\"test\"}"));
	perform("TagResource", TAG("{\"stage\":\"\",\"cost\":\"7\"}"));
	assert_string_equal(perform("ListTags", THIS),
			    "{\"Tags\":{\"team\":\"blue\",\"stage\":\"\",\"cost\":\"7\"}}");
	perform("UntagResource", "{\"Resource\":\"" ARN "\",\"TagKeys\":[\"stage\",\"nothing\"]}");
	assert_string_equal(perform("ListTags", THIS),
			    "{\"Tags\":{\"team\":\"blue\",\"cost\":\"7\"}}");
}

TEST(a_function_is_shown_with_its_tags_if_it_has_any)
{
	perform("GetFunction", "{\"FunctionName\":\"f\"}");
	lacks("\"Tags\"");
	perform("TagResource", TAG("{\"team\":\"blue\"}"));
	perform("GetFunction", "{\"FunctionName\":\"f\"}");
	has("\"Tags\":{\"team\":\"blue\"}");
}

TEST(tags_do_not_touch_the_configuration_and_are_of_no_version)
{
	char before[64], after[64];

	perform("GetFunctionConfiguration", "{\"FunctionName\":\"f\"}");
	member(before, "RevisionId");
	perform("TagResource", TAG("{\"team\":\"blue\"}"));
	perform("GetFunctionConfiguration", "{\"FunctionName\":\"f\"}");
	member(after, "RevisionId");
	assert_string_equal(before, after);
	refused("ListTags", "{\"Resource\":\"" ARN ":1\"}", INVALID,
		"Tags on function aliases and versions are not supported. Please specify "
		"a function ARN.");
}

TEST(tags_survive_an_update_and_go_with_their_function)
{
	perform("TagResource", TAG("{\"team\":\"blue\"}"));
	perform("PublishVersion", "{\"FunctionName\":\"f\"}");
	perform("UpdateFunctionConfiguration", "{\"FunctionName\":\"f\",\"Timeout\":9}");
	assert_string_equal(perform("ListTags", THIS), "{\"Tags\":{\"team\":\"blue\"}}");
	perform("DeleteFunction", "{\"FunctionName\":\"f\"}");
	flow_function(&flow,
		      &(struct faas_function_config){ .name = "f", .handler = "echo.context" });
	assert_string_equal(perform("ListTags", THIS), "{\"Tags\":{}}");
}

static void add_tags(int from, int to)
{
	char request[4096],
		*at = request + sprintf(request, "{\"Resource\":\"" ARN "\",\"Tags\":{");

	for (int i = from; i < to; i++)
		at += sprintf(at, "%s\"k%d\":\"v\"", i > from ? "," : "", i);
	strcpy(at, "}}");
	perform("TagResource", request);
}

TEST(a_function_has_fifty_tags_and_not_one_more)
{
	add_tags(0, 49);
	add_tags(48, 50); /* one of them is there already */
	refused("TagResource", TAG("{\"k50\":\"v\"}"), INVALID,
		"Number of tags exceeds resource tag limit.");
	perform("TagResource", TAG("{\"k49\":\"w\"}"));
	perform("ListTags", THIS);
	has("\"k49\":\"w\"}");
	lacks("k50");
}

static int add_long(size_t key, size_t value)
{
	char name[300], text[300], request[1024];

	memset(name, 'k', key);
	name[key] = '\0';
	memset(text, 'v', value);
	text[value] = '\0';
	snprintf(request, sizeof(request), TAG("{\"%s\":\"%s\"}"), name, text);
	return faas_control(flow.rt, "TagResource", request, NULL, &err);
}

TEST(keys_and_values_have_their_lengths)
{
	assert_int_equal(add_long(128, 256), 0);
	assert_int_equal(add_long(129, 1), FAAS_EINVAL);
	assert_int_equal(add_long(1, 257), FAAS_EINVAL);
	assert_int_equal(add_long(0, 1), FAAS_EINVAL);
}

TEST(what_is_no_tag_is_refused)
{
	refused("TagResource", TAG("{\"AWS:x\":\"v\"}"), INVALID,
		"aws: prefixed tag key names are not allowed for external use.");
	refused("TagResource", TAG("{\"x\":7}"), "SerializationException",
		"the value of tag 'x' must be a string");
	refused("TagResource", TAG("{}"), INVALID,
		"An error occurred and the request cannot be processed.");
	refused("UntagResource", "{\"Resource\":\"" ARN "\",\"TagKeys\":[7]}",
		"SerializationException", "each of TagKeys must be a string");
	refused("UntagResource", "{\"Resource\":\"" ARN "\",\"TagKeys\":\"x\"}",
		"SerializationException", "TagKeys must be a list");
	refused("UntagResource", THIS, "ValidationException",
		"1 validation error detected: Value null at 'tagKeys' failed to satisfy "
		"constraint: Member must not be null");
	assert_string_equal(perform("ListTags", THIS), "{\"Tags\":{}}");
}

TEST(what_is_tagged_is_named_by_its_arn_and_is_there)
{
	assert_int_equal(faas_control(flow.rt, "ListTags", "{\"Resource\":\"f\"}", NULL, &err),
			 FAAS_EINVAL);
	assert_string_equal(err.type, "ValidationException");
	refused("ListTags", "{\"Resource\":\"" ARN "g\"}", "ResourceNotFoundException",
		"Function not found: " ARN "g:$LATEST");
}

/* ---- by the typed door ------------------------------------------------- */

#define TAGS(...) (const struct faas_tag[]){ __VA_ARGS__ }
#define END { NULL, NULL }

static int update_tags(const struct faas_tag *tags)
{
	return faas_function_update(flow.rt, FAAS_FUNCTION(.name = "f", .tags = tags), &err);
}

static void tags_are(const char *function, const char *tags)
{
	char request[128], expected[256];

	snprintf(request, sizeof(request),
		 "{\"Resource\":\"arn:aws:lambda:local-1:000000000000:function:%s\"}", function);
	snprintf(expected, sizeof(expected), "{\"Tags\":%s}", tags);
	assert_string_equal(perform("ListTags", request), expected);
}

TEST(a_function_is_created_with_its_tags)
{
	flow_function(&flow, &(struct faas_function_config){
				     .name = "g", .handler = "echo.context",
				     .tags = TAGS({ "team", "blue" }, { "stage", NULL },
						  { "team", "red" }, END) });
	tags_are("g", "{\"team\":\"red\",\"stage\":\"\"}");
}

TEST(an_update_replaces_all_tags_or_leaves_them)
{
	perform("TagResource", TAG("{\"old\":\"1\",\"both\":\"1\"}"));
	assert_int_equal(faas_function_update(flow.rt, FAAS_FUNCTION(.name = "f", .timeout_ms = 9),
					      &err),
			 0);
	tags_are("f", "{\"old\":\"1\",\"both\":\"1\"}");
	assert_int_equal(update_tags(TAGS({ "both", "2" }, { "new", "2" }, END)), 0);
	tags_are("f", "{\"both\":\"2\",\"new\":\"2\"}");
	perform("TagResource", TAG("{\"later\":\"3\"}"));
	assert_int_equal(update_tags(TAGS(END)), 0);
	tags_are("f", "{}");
}

/* A function of these is not made, and an update of them changes nothing. */
static void bad(const struct faas_tag *tags, const char *message)
{
	const struct faas_function_config config = { .size = sizeof(config), .name = "g",
						     .handler = "echo.context", .tags = tags,
						     .code = "." };

	assert_int_equal(faas_function_create(flow.rt, &config, &err), FAAS_EINVAL);
	assert_string_equal(err.message, message);
	assert_int_equal(update_tags(tags), FAAS_EINVAL);
	assert_string_equal(err.message, message);
	tags_are("f", "{\"team\":\"blue\"}");
	refused("GetFunction", "{\"FunctionName\":\"g\"}", "ResourceNotFoundException",
		"Function not found: " ARN_G ":$LATEST");
}

TEST(tags_that_tagresource_would_refuse_are_refused)
{
	struct faas_tag many[52] = { 0 };
	char keys[51][8], text[258], message[128];

	memset(text, 't', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	perform("TagResource", TAG("{\"team\":\"blue\"}"));
	bad(TAGS({ "aws:x", "v" }, END),
	    "aws: prefixed tag key names are not allowed for external use.");
	bad(TAGS({ "", "v" }, END), "a tag's key has 1 to 128 bytes: ''");
	snprintf(message, sizeof(message), "a tag's key has 1 to 128 bytes: '%.60s'", text);
	bad(TAGS({ text, "v" }, END), message);
	bad(TAGS({ "k", text }, END), "the value of tag 'k' is longer than 256 bytes");
	bad(TAGS({ "k", "\xff" }, END), "tag 'k' is not UTF-8");
	for (int i = 0; i < 51; i++) {
		snprintf(keys[i], sizeof(keys[i]), "k%d", i);
		many[i] = (struct faas_tag){ keys[i], "v" };
	}
	bad(many, "Number of tags exceeds resource tag limit.");
	many[50].key = NULL;
	assert_int_equal(update_tags(many), 0);
}

TEST(tags_outlive_the_program_unless_the_next_one_says_others)
{
	flow_function(&flow, &(struct faas_function_config){
				     .name = "g", .handler = "echo.context",
				     .tags = TAGS({ "team", "blue" }, END) });
	control_restart();
	flow_function(&flow, &(struct faas_function_config){ .name = "g",
							     .handler = "echo.context" });
	tags_are("g", "{\"team\":\"blue\"}");
	control_restart();
	flow_function(&flow, &(struct faas_function_config){
				     .name = "g", .handler = "echo.context",
				     .tags = TAGS({ "stage", "test" }, END) });
	control_restart();
	tags_are("g", "{\"stage\":\"test\"}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define VIRTUAL(name) cmocka_unit_test_setup_teardown(name, control_open, control_close)
		VIRTUAL(tags_are_put_on_replaced_taken_off_and_listed),
		VIRTUAL(a_function_is_shown_with_its_tags_if_it_has_any),
		VIRTUAL(tags_do_not_touch_the_configuration_and_are_of_no_version),
		VIRTUAL(tags_survive_an_update_and_go_with_their_function),
		VIRTUAL(a_function_has_fifty_tags_and_not_one_more),
		VIRTUAL(keys_and_values_have_their_lengths),
		VIRTUAL(what_is_no_tag_is_refused),
		VIRTUAL(what_is_tagged_is_named_by_its_arn_and_is_there),
		VIRTUAL(a_function_is_created_with_its_tags),
		VIRTUAL(an_update_replaces_all_tags_or_leaves_them),
		VIRTUAL(tags_that_tagresource_would_refuse_are_refused),
		cmocka_unit_test_setup_teardown(
			tags_outlive_the_program_unless_the_next_one_says_others,
			control_open_lasting, control_close_lasting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
