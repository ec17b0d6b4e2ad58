/* SPDX-License-Identifier: MIT */
/* Tags: of a function, by its ARN. */
#include "support/test.h"

#include <stdio.h>

#include "support/control.h"

#define ARN "arn:aws:lambda:local-1:000000000000:function:f"
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
