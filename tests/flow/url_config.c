/* SPDX-License-Identifier: MIT */
/* Function URLs as operations of the Lambda API. */
#include "support/test.h"

#include <stdio.h>

#include "support/control.h"

#define ARN "arn:aws:lambda:local-1:000000000000:function:f"
#define INVALID "InvalidParameterValueException"
#define NOT_FOUND "ResourceNotFoundException"
#define NO_URL "The resource you requested does not exist."

TEST(a_url_is_created_shown_and_deleted)
{
	char made[64], shown[64];

	perform("CreateFunctionUrlConfig", "{\"FunctionName\":\"f\",\"AuthType\":\"NONE\"}");
	has("\"FunctionArn\":\"" ARN "\",\"AuthType\":\"NONE\",\"CreationTime\":\"20");
	has("\"InvokeMode\":\"BUFFERED\"");
	has(".lambda-url.local-1.localhost/\"");
	lacks("Cors");
	member(made, "FunctionUrl");
	perform("GetFunctionUrlConfig", "{\"FunctionName\":\"f\"}");
	member(shown, "FunctionUrl");
	assert_string_equal(made, shown);
	assert_string_equal(perform("DeleteFunctionUrlConfig", "{\"FunctionName\":\"f\"}"), "{}");
	refused("GetFunctionUrlConfig", "{\"FunctionName\":\"f\"}", NOT_FOUND, NO_URL);
	refused("DeleteFunctionUrlConfig", "{\"FunctionName\":\"f\"}", NOT_FOUND, NO_URL);
}

TEST(a_second_url_of_the_same_function_is_a_conflict)
{
	perform("CreateFunctionUrlConfig", "{\"FunctionName\":\"f\",\"AuthType\":\"NONE\"}");
	refused("CreateFunctionUrlConfig", "{\"FunctionName\":\"f\",\"AuthType\":\"AWS_IAM\"}",
		"ResourceConflictException",
		"Failed to create function url config for [functionArn = " ARN "]. Error message:  "
		"FunctionUrlConfig exists for this Lambda function");
}

TEST(an_update_changes_what_it_names_and_nothing_else)
{
	char made[64], shown[64];

	refused("UpdateFunctionUrlConfig", "{\"FunctionName\":\"f\",\"AuthType\":\"NONE\"}",
		NOT_FOUND, NO_URL);
	perform("CreateFunctionUrlConfig",
		"{\"FunctionName\":\"f\",\"AuthType\":\"AWS_IAM\",\"Cors\":{\"AllowCredentials\":"
		"true,"
		"\"AllowHeaders\":[\"x-one\"],\"AllowMethods\":[\"GET\",\"POST\"],"
		"\"AllowOrigins\":[\"https://example.org\"],\"ExposeHeaders\":[\"date\"],"
		"\"MaxAge\":60}}");
	member(made, "FunctionUrl");
	perform("UpdateFunctionUrlConfig",
		"{\"FunctionName\":\"f\",\"InvokeMode\":\"RESPONSE_STREAM\"}");
	has("\"AuthType\":\"AWS_IAM\"");
	has("\"Cors\":{\"AllowCredentials\":true,\"AllowHeaders\":[\"x-one\"],\"AllowMethods\":"
	    "[\"GET\",\"POST\"],\"AllowOrigins\":[\"https://example.org\"],\"ExposeHeaders\":"
	    "[\"date\"],\"MaxAge\":60}");
	has("\"InvokeMode\":\"RESPONSE_STREAM\"");
	member(shown, "FunctionUrl");
	assert_string_equal(made, shown);
	perform("UpdateFunctionUrlConfig", "{\"FunctionName\":\"f\",\"Cors\":{},"
					   "\"AuthType\":\"NONE\"}");
	has("\"AuthType\":\"NONE\",\"Cors\":{},");
	has("\"InvokeMode\":\"RESPONSE_STREAM\"");
}

TEST(an_update_says_when_it_was_and_when_the_url_was_made)
{
	char made[64], created[64], modified[64];

	perform("CreateFunctionUrlConfig", "{\"FunctionName\":\"f\",\"AuthType\":\"NONE\"}");
	lacks("LastModifiedTime");
	member(made, "CreationTime");
	flow_advance(&flow, 1000);
	perform("UpdateFunctionUrlConfig", "{\"FunctionName\":\"f\",\"AuthType\":\"AWS_IAM\"}");
	member(created, "CreationTime");
	member(modified, "LastModifiedTime");
	assert_string_equal(created, made);
	assert_true(strcmp(modified, made) > 0);
}

TEST(what_cannot_be_is_refused_and_leaves_nothing)
{
	refused("CreateFunctionUrlConfig", "{\"FunctionName\":\"f\",\"AuthType\":\"ALL\"}",
		"ValidationException",
		"1 validation error detected: Value 'ALL' at 'authType' failed to satisfy "
		"constraint: Member must satisfy enum value set: [AWS_IAM, NONE]");
	refused("CreateFunctionUrlConfig",
		"{\"FunctionName\":\"f\",\"AuthType\":\"NONE\",\"Cors\":{\"MaxAge\":86401}}",
		"ValidationException",
		"1 validation error detected: Value '86401' at 'cors.maxAge' failed to satisfy "
		"constraint: Member must have value less than or equal to 86400");
	refused("CreateFunctionUrlConfig",
		"{\"FunctionName\":\"f\",\"AuthType\":\"NONE\",\"Cors\":{\"AllowMethods\":"
		"[\"GET\",\"PUT\",\"HEAD\",\"POST\",\"PATCH\",\"DELETE\",\"GET\"]}}",
		"ValidationException",
		"1 validation error detected: Value '[GET, PUT, HEAD, POST, PATCH, DELETE, GET]' "
		"at 'cors.allowMethods' failed to satisfy constraint: Member must have length less "
		"than or equal to 6");
	refused("CreateFunctionUrlConfig",
		"{\"FunctionName\":\"f\",\"AuthType\":\"NONE\",\"Cors\":{\"AllowOrigins\":[\"\"]}}",
		"ValidationException",
		"1 validation error detected: Value '[]' at 'cors.allowOrigins' failed to satisfy "
		"constraint: Member must satisfy constraint: [Member must have length less than or "
		"equal to 253, Member must have length greater than or equal to 1, Member must not "
		"be null]");
	refused("CreateFunctionUrlConfig",
		"{\"FunctionName\":\"f\",\"AuthType\":\"NONE\",\"Cors\":{\"AllowCredentials\":1}}",
		"SerializationException", "AllowCredentials of Cors must be true or false");
	refused("CreateFunctionUrlConfig",
		"{\"FunctionName\":\"f\",\"AuthType\":\"NONE\",\"Cors\":{\"Allow\":1}}", INVALID,
		"Cors does nothing with 'Allow' here");
	refused("GetFunctionUrlConfig", "{\"FunctionName\":\"f\"}", NOT_FOUND, NO_URL);
}

TEST(functions_and_aliases_have_urls_and_versions_have_none)
{
	perform("PublishVersion", "{\"FunctionName\":\"f\"}");
	refused("CreateFunctionUrlConfig",
		"{\"FunctionName\":\"f\",\"Qualifier\":\"1\",\"AuthType\":\"NONE\"}",
		"ValidationException",
		"1 validation error detected: Value '1' at 'qualifier' failed to satisfy "
		"constraint: Member must satisfy regular expression pattern: "
		"((?!^\\d+$)^[0-9a-zA-Z-_]+$)");
	refused("CreateFunctionUrlConfig",
		"{\"FunctionName\":\"f\",\"Qualifier\":\"live\",\"AuthType\":\"NONE\"}", NOT_FOUND,
		"Function does not exist");
	refused("CreateFunctionUrlConfig", "{\"FunctionName\":\"none\",\"AuthType\":\"NONE\"}",
		NOT_FOUND,
		"Function not found: arn:aws:lambda:local-1:000000000000:function:none:$LATEST");
}

TEST(the_url_of_an_alias_goes_with_it_and_is_not_that_of_the_next_one)
{
	char first[64], second[64];

	perform("CreateAlias", "{\"FunctionName\":\"f\",\"Name\":\"live\",\"FunctionVersion\":"
			       "\"$LATEST\"}");
	perform("CreateFunctionUrlConfig", "{\"FunctionName\":\"f\",\"AuthType\":\"NONE\"}");
	perform("CreateFunctionUrlConfig", "{\"FunctionName\":\"f:live\",\"AuthType\":\"NONE\"}");
	has("\"FunctionArn\":\"" ARN ":live\"");
	member(first, "FunctionUrl");
	perform("ListFunctionUrlConfigs", "{\"FunctionName\":\"f\",\"MaxItems\":1}");
	has("{\"NextMarker\":\"1\",\"FunctionUrlConfigs\":[{");
	lacks(ARN ":live");
	perform("ListFunctionUrlConfigs", "{\"FunctionName\":\"f\",\"Marker\":\"1\"}");
	has(ARN ":live");
	perform("DeleteAlias", "{\"FunctionName\":\"f\",\"Name\":\"live\"}");
	perform("CreateAlias", "{\"FunctionName\":\"f\",\"Name\":\"live\",\"FunctionVersion\":"
			       "\"$LATEST\"}");
	refused("GetFunctionUrlConfig", "{\"FunctionName\":\"f\",\"Qualifier\":\"live\"}",
		NOT_FOUND, NO_URL);
	perform("CreateFunctionUrlConfig", "{\"FunctionName\":\"f:live\",\"AuthType\":\"NONE\"}");
	member(second, "FunctionUrl");
	assert_string_not_equal(first, second);
	perform("DeleteFunction", "{\"FunctionName\":\"f\"}");
	refused("ListFunctionUrlConfigs", "{\"FunctionName\":\"f\"}", NOT_FOUND,
		"Function not found: " ARN ":$LATEST");
}

TEST(urls_outlive_the_program)
{
	static char before[2048];

	perform("CreateAlias", "{\"FunctionName\":\"f\",\"Name\":\"live\",\"FunctionVersion\":"
			       "\"$LATEST\"}");
	perform("CreateFunctionUrlConfig",
		"{\"FunctionName\":\"f:live\",\"AuthType\":\"AWS_IAM\",\"InvokeMode\":"
		"\"RESPONSE_STREAM\",\"Cors\":{\"AllowOrigins\":[\"*\"]}}");
	perform("CreateFunctionUrlConfig", "{\"FunctionName\":\"f\",\"AuthType\":\"NONE\"}");
	snprintf(before, sizeof(before), "%s",
		 perform("ListFunctionUrlConfigs", "{\"FunctionName\":\"f\"}"));
	control_restart();
	assert_string_equal(perform("ListFunctionUrlConfigs", "{\"FunctionName\":\"f\"}"), before);
	perform("DeleteFunctionUrlConfig", "{\"FunctionName\":\"f:live\"}");
	control_restart();
	perform("ListFunctionUrlConfigs", "{\"FunctionName\":\"f\"}");
	lacks("RESPONSE_STREAM");
	has("BUFFERED");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, control_open, control_close)
	const struct CMUnitTest tests[] = {
		CASE(a_url_is_created_shown_and_deleted),
		CASE(a_second_url_of_the_same_function_is_a_conflict),
		CASE(an_update_changes_what_it_names_and_nothing_else),
		CASE(an_update_says_when_it_was_and_when_the_url_was_made),
		CASE(what_cannot_be_is_refused_and_leaves_nothing),
		CASE(functions_and_aliases_have_urls_and_versions_have_none),
		CASE(the_url_of_an_alias_goes_with_it_and_is_not_that_of_the_next_one),
		cmocka_unit_test_setup_teardown(urls_outlive_the_program, control_open_lasting,
						control_close_lasting),
	};

	return cmocka_run_group_tests_name("url_config", tests, NULL, NULL);
}
