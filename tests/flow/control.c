/* SPDX-License-Identifier: MIT */
/* The operations of the Lambda API by name, as far as they are there. */
#include "support/test.h"

#include <stdio.h>

#include "support/control.h"

#define ARN "arn:aws:lambda:local-1:000000000000:function:f"
#define INVALID "InvalidParameterValueException"

TEST(a_function_is_told_with_all_that_is_known_of_it)
{
	perform("GetFunctionConfiguration", "{\"FunctionName\":\"f\"}");
	has("\"FunctionName\":\"f\",\"FunctionArn\":\"" ARN "\",\"Version\":\"$LATEST\"");
	has("\"Handler\":\"echo.context\"");
	has("\"Timeout\":3,\"MemorySize\":128,\"EphemeralStorage\":{\"Size\":512}");
	has("\"State\":\"Active\",\"LastUpdateStatus\":\"Successful\"");
	perform("GetFunction", "{\"FunctionName\":\"" ARN "\",\"Qualifier\":\"$LATEST\"}");
	has("{\"Configuration\":{\"FunctionName\":\"f\",\"FunctionArn\":\"" ARN ":$LATEST\"");
	has("\"Code\":{\"Location\":");
}

TEST(an_operation_that_is_not_there_is_unknown)
{
	refused("ListClouds", "{}", "UnknownOperationException",
		"there is no operation 'ListClouds'");
	assert_true(faas_control(flow.rt, NULL, "{}", NULL, &err) < 0);
}

TEST(what_is_no_object_of_json_is_not_looked_at_further)
{
	static const char *const bad[] = { "", "[]", "{", "{\"FunctionName\":\"f\"} x",
					   "{\"a\":1,\"a\":2}" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(faas_control(flow.rt, "GetFunction", bad[i], NULL, &err),
				 FAAS_EINVAL);
		assert_string_equal(err.type, "InvalidRequestContentException");
		assert_memory_equal(err.message, "Could not parse request body into json: ", 40);
	}
}

TEST(what_a_member_must_be_is_told_in_the_words_of_lambda)
{
	refused("GetFunction", NULL, "ValidationException",
		"1 validation error detected: Value null at 'functionName' failed to satisfy "
		"constraint: Member must not be null");
	refused("UpdateFunctionConfiguration", "{\"FunctionName\":\"f\",\"MemorySize\":127}",
		"ValidationException",
		"1 validation error detected: Value '127' at 'memorySize' failed to satisfy "
		"constraint: Member must have value greater than or equal to 128");
	refused("UpdateFunctionConfiguration", "{\"FunctionName\":\"f\",\"Timeout\":901}",
		"ValidationException",
		"1 validation error detected: Value '901' at 'timeout' failed to satisfy "
		"constraint: Member must have value less than or equal to 900");
	refused("GetAlias", "{\"FunctionName\":\"f\",\"Name\":\"7\"}", "ValidationException",
		"1 validation error detected: Value '7' at 'name' failed to satisfy constraint: "
		"Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)");
	refused("ListFunctions", "{\"FunctionVersion\":\"SOME\"}", "ValidationException",
		"1 validation error detected: Value 'SOME' at 'functionVersion' failed to satisfy "
		"constraint: Member must satisfy enum value set: [ALL]");
	refused("GetFunction", "{\"FunctionName\":7}", "SerializationException",
		"FunctionName must be a string");
}

TEST(all_that_is_wrong_is_told_at_once)
{
	assert_int_equal(faas_control(flow.rt, "CreateAlias", "{}", NULL, &err), FAAS_EINVAL);
	assert_memory_equal(err.message, "3 validation errors detected: Value null at "
					 "'functionName'", 58);
}

TEST(what_is_wrong_further_inside_is_told_with_its_way_and_beside_all_else)
{
	refused("UpdateFunctionConfiguration",
		"{\"FunctionName\":\"f\",\"Timeout\":0,\"EphemeralStorage\":{\"Size\":1},"
		"\"TracingConfig\":{\"Mode\":\"\"}}",
		"ValidationException",
		"3 validation errors detected: Value '0' at 'timeout' failed to satisfy "
		"constraint: Member must have value greater than or equal to 1; Value '1' at "
		"'ephemeralStorage.size' failed to satisfy constraint: Member must have value "
		"greater than or equal to 512; V");
	refused("UpdateFunctionConfiguration",
		"{\"FunctionName\":\"f\",\"EphemeralStorage\":{\"Size\":\"512\"}}",
		"SerializationException", "Size of EphemeralStorage must be a whole number");
	refused("UpdateFunctionConfiguration",
		"{\"FunctionName\":\"f\",\"FileSystemConfigs\":[7]}", "SerializationException",
		"each of FileSystemConfigs must be an object");
	refused("CreateAlias",
		"{\"FunctionName\":\"f\",\"Name\":\"a\",\"FunctionVersion\":\"1\","
		"\"RoutingConfig\":{\"AdditionalVersionWeights\":{\"2\":\"0.5\"}}}",
		"SerializationException", "the value of '2' must be a number");
}

TEST(of_a_long_value_the_beginning_is_shown_and_of_variables_nothing)
{
	char request[700], message[300], value[520] = "";

	for (int i = 0; i < 257; i++)
		strcat(value, "\xc3\xa9");
	snprintf(request, sizeof(request), "{\"FunctionName\":\"f\",\"Description\":\"%s\"}",
		 value);
	snprintf(message, sizeof(message),
		 "1 validation error detected: Value '%.60s...' at 'description' failed to satisfy "
		 "constraint: Member must have length less than or equal to 256",
		 value);
	refused("UpdateFunctionConfiguration", request, "ValidationException", message);
	refused("UpdateFunctionConfiguration",
		"{\"FunctionName\":\"f\",\"Environment\":{\"Variables\":{\"1X\":\"secret\"}}}",
		"ValidationException",
		"1 validation error detected: Value at 'environment.variables' failed to satisfy "
		"constraint: Map keys must satisfy constraint: [Member must satisfy regular "
		"expression pattern: [a-zA-Z]([a-zA-Z0-9_])+, Member must not be null]");
}

TEST(no_function_is_a_replica_of_one_elsewhere)
{
	assert_string_equal(perform("ListFunctions",
				    "{\"FunctionVersion\":\"ALL\",\"MasterRegion\":\"us-east-1\"}"),
			    "{\"Functions\":[]}");
	refused("ListFunctions", "{\"MasterRegion\":\"ALL\"}", INVALID,
		"MasterRegion goes with FunctionVersion ALL");
}

TEST(a_member_that_would_do_nothing_is_refused)
{
	static const char *const members[] = { "DurableConfig", "CapacityProviderConfig" };
	char request[128], message[128];

	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
		snprintf(request, sizeof(request), "{\"FunctionName\":\"f\",\"%s\":{}}",
			 members[i]);
		snprintf(message, sizeof(message),
			 "UpdateFunctionConfiguration does nothing with '%s' here", members[i]);
		refused("UpdateFunctionConfiguration", request, INVALID, message);
	}
	refused("CreateFunction",
		"{\"FunctionName\":\"g\",\"Role\":\"arn:aws:iam::000000000000:role/r\","
		"\"Code\":{},\"TenancyConfig\":{}}",
		INVALID, "CreateFunction does nothing with 'TenancyConfig' here");
}

TEST(an_update_changes_what_it_names_and_nothing_else)
{
	perform("UpdateFunctionConfiguration",
		"{\"FunctionName\":\"f\",\"Timeout\":7,\"MemorySize\":256,"
		"\"Environment\":{\"Variables\":{\"NAME\":\"v=1\",\"LONG_NAME\":\"\"}},"
		"\"EphemeralStorage\":{\"Size\":600},\"Description\":\"words\"}");
	has("\"Timeout\":7,\"MemorySize\":256,\"EphemeralStorage\":{\"Size\":600}");
	has("\"Environment\":{\"Variables\":{\"NAME\":\"v=1\",\"LONG_NAME\":\"\"}}");
	perform("UpdateFunctionConfiguration",
		"{\"FunctionName\":\"f\",\"Environment\":{\"Variables\":{}}}");
	has("\"Description\":\"words\",\"Timeout\":7");
	assert_null(strstr(reply, "Environment"));
	perform("GetFunctionConfiguration", "{\"FunctionName\":\"f\"}");
	has("\"MemorySize\":256");
}

TEST(an_update_of_an_old_revision_is_a_failed_precondition)
{
	char revision[64], request[256];

	perform("GetFunctionConfiguration", "{\"FunctionName\":\"f\"}");
	member(revision, "RevisionId");
	snprintf(request, sizeof(request), "{\"FunctionName\":\"f\",\"RevisionId\":\"%s\"}",
		 revision);
	perform("UpdateFunctionConfiguration", request);
	refused("UpdateFunctionConfiguration", request, "PreconditionFailedException",
		"The Revision Id provided does not match the latest Revision Id. Call the "
		"GetFunction/GetAlias API to retrieve the latest Revision Id");
	assert_int_equal(err.code, FAAS_EPRECONDITION);
	assert_int_equal(faas_control(flow.rt, "PublishVersion", request, NULL, &err),
			 FAAS_EPRECONDITION);
}

TEST(a_version_is_published_once_and_only_of_the_code_that_is_meant)
{
	char code[64], message[256];

	perform("PublishVersion", "{\"FunctionName\":\"f\",\"Description\":\"first\"}");
	has("\"FunctionArn\":\"" ARN ":1\",\"Version\":\"1\"");
	has("\"Description\":\"first\"");
	member(code, "CodeSha256");
	perform("PublishVersion", "{\"FunctionName\":\"f\"}");
	has("\"Version\":\"1\"");
	snprintf(message, sizeof(message),
		 "CodeSHA256 (x) is different from current CodeSHA256 in $LATEST (%s). Please try "
		 "again with the CodeSHA256 in $LATEST.",
		 code);
	refused("PublishVersion", "{\"FunctionName\":\"f\",\"CodeSha256\":\"x\"}", INVALID,
		message);
}

TEST(a_qualifier_in_the_name_and_one_beside_it_must_agree)
{
	perform("PublishVersion", "{\"FunctionName\":\"f\"}");
	perform("GetFunctionConfiguration", "{\"FunctionName\":\"f:1\",\"Qualifier\":\"1\"}");
	has("\"FunctionArn\":\"" ARN ":1\",\"Version\":\"1\"");
	refused("GetFunctionConfiguration", "{\"FunctionName\":\"f:1\",\"Qualifier\":\"2\"}",
		INVALID,
		"The derived qualifier from the function name does not match the specified "
		"qualifier.");
	refused("GetFunction", "{\"FunctionName\":\"f\",\"Qualifier\":\"2\"}",
		"ResourceNotFoundException", "Function not found: " ARN ":2");
}

TEST(an_alias_is_made_shown_changed_and_deleted)
{
	perform("PublishVersion", "{\"FunctionName\":\"f\"}");
	perform("UpdateFunctionConfiguration", "{\"FunctionName\":\"f\",\"MemorySize\":256}");
	perform("PublishVersion", "{\"FunctionName\":\"f\"}");
	perform("CreateAlias", "{\"FunctionName\":\"f\",\"Name\":\"prod\","
			       "\"FunctionVersion\":\"1\",\"RoutingConfig\":"
			       "{\"AdditionalVersionWeights\":{\"2\":0.1}}}");
	has("{\"AliasArn\":\"" ARN ":prod\",\"Name\":\"prod\",\"FunctionVersion\":\"1\"");
	has("\"RoutingConfig\":{\"AdditionalVersionWeights\":{\"2\":0.1}}");
	perform("UpdateAlias", "{\"FunctionName\":\"f\",\"Name\":\"prod\",\"Description\":\"d\"}");
	has("\"Description\":\"d\",\"RoutingConfig\"");
	perform("UpdateAlias", "{\"FunctionName\":\"f\",\"Name\":\"prod\","
			       "\"FunctionVersion\":\"2\",\"RoutingConfig\":{}}");
	perform("GetAlias", "{\"FunctionName\":\"f\",\"Name\":\"prod\"}");
	has("\"FunctionVersion\":\"2\"");
	assert_null(strstr(reply, "RoutingConfig"));
	perform("GetFunctionConfiguration", "{\"FunctionName\":\"f\",\"Qualifier\":\"prod\"}");
	has("\"FunctionArn\":\"" ARN ":prod\",\"Version\":\"2\"");
	assert_string_equal(perform("DeleteAlias", "{\"FunctionName\":\"f\",\"Name\":\"prod\"}"),
			    "{}");
	refused("GetAlias", "{\"FunctionName\":\"f\",\"Name\":\"prod\"}",
		"ResourceNotFoundException", "Cannot find alias arn: " ARN ":prod");
}

TEST(an_alias_has_at_most_one_second_version)
{
	refused("CreateAlias",
		"{\"FunctionName\":\"f\",\"Name\":\"prod\",\"FunctionVersion\":\"1\","
		"\"RoutingConfig\":{\"AdditionalVersionWeights\":{\"2\":0.1,\"3\":0.1}}}",
		INVALID, "Number of items in AdditionalVersionWeights cannot be greater than 1");
}

TEST(the_versions_of_an_alias_have_the_same_role)
{
	static const char route[] =
		"{\"FunctionName\":\"f\",\"Name\":\"prod\",\"FunctionVersion\":\"1\","
		"\"RoutingConfig\":{\"AdditionalVersionWeights\":{\"2\":0.1}}}";

	perform("PublishVersion", "{\"FunctionName\":\"f\"}");
	perform("UpdateFunctionConfiguration",
		"{\"FunctionName\":\"f\",\"Role\":\"arn:aws:iam::000000000000:role/other\"}");
	perform("PublishVersion", "{\"FunctionName\":\"f\"}");
	refused("CreateAlias", route, INVALID,
		"Function versions 1 and 2 must have the same execution role");
}

TEST(the_versions_of_an_alias_have_the_same_dead_letter_queue)
{
	static const char *const targets[] = { "queue:a", "queue:b", "" };
	char request[128];

	for (int i = 0; i < 3; i++) {
		snprintf(request, sizeof(request),
			 "{\"FunctionName\":\"f\",\"DeadLetterConfig\":{\"TargetArn\":\"%s\"}}",
			 targets[i]);
		perform("UpdateFunctionConfiguration", request);
		perform("PublishVersion", "{\"FunctionName\":\"f\"}");
	}
	perform("UpdateFunctionConfiguration",
		"{\"FunctionName\":\"f\",\"Timeout\":5,"
		"\"DeadLetterConfig\":{\"TargetArn\":\"queue:a\"}}");
	perform("PublishVersion", "{\"FunctionName\":\"f\"}");
	perform("CreateAlias", "{\"FunctionName\":\"f\",\"Name\":\"prod\",\"FunctionVersion\":"
			       "\"1\",\"RoutingConfig\":"
			       "{\"AdditionalVersionWeights\":{\"4\":0.1}}}");
	for (int second = 2; second <= 3; second++) {
		char message[128];

		snprintf(request, sizeof(request),
			 "{\"FunctionName\":\"f\",\"Name\":\"prod\",\"RoutingConfig\":"
			 "{\"AdditionalVersionWeights\":{\"%d\":0.1}}}",
			 second);
		snprintf(message, sizeof(message),
			 "Function versions 1 and %d must have the same dead-letter queue, or none",
			 second);
		refused("UpdateAlias", request, INVALID, message);
	}
	perform("GetAlias", "{\"FunctionName\":\"f\",\"Name\":\"prod\"}");
	has("\"AdditionalVersionWeights\":{\"4\":0.1}");
}

TEST(lists_come_in_pages)
{
	flow_function(&flow, &(struct faas_function_config){ .name = "g",
							     .handler = "echo.context" });
	perform("PublishVersion", "{\"FunctionName\":\"f\"}");
	perform("ListFunctions", "{\"MaxItems\":1}");
	has("{\"NextMarker\":\"1\",\"Functions\":[{\"FunctionName\":\"f\"");
	assert_null(strstr(reply, "\"FunctionName\":\"g\""));
	perform("ListFunctions", "{\"MaxItems\":1,\"Marker\":\"1\"}");
	has("{\"Functions\":[{\"FunctionName\":\"g\"");
	assert_string_equal(perform("ListFunctions", "{\"Marker\":\"9\"}"), "{\"Functions\":[]}");
	perform("ListFunctions", "{\"FunctionVersion\":\"ALL\"}");
	has("\"FunctionArn\":\"" ARN ":1\"");
	refused("ListFunctions", "{\"Marker\":\"x\"}", INVALID, "'x' is not a marker");
	perform("ListVersionsByFunction", "{\"FunctionName\":\"f\"}");
	has("{\"Versions\":[{\"FunctionName\":\"f\",\"FunctionArn\":\"" ARN ":$LATEST\"");
	has("\"FunctionArn\":\"" ARN ":1\"");
	assert_null(strstr(reply, "\"FunctionName\":\"g\""));
}

TEST(aliases_are_listed_of_one_version_if_that_is_asked)
{
	perform("PublishVersion", "{\"FunctionName\":\"f\"}");
	perform("CreateAlias",
		"{\"FunctionName\":\"f\",\"Name\":\"a\",\"FunctionVersion\":\"$LATEST\"}");
	perform("CreateAlias", "{\"FunctionName\":\"f\",\"Name\":\"b\",\"FunctionVersion\":\"1\"}");
	perform("ListAliases", "{\"FunctionName\":\"f\",\"FunctionVersion\":\"1\"}");
	has("{\"Aliases\":[{\"AliasArn\":\"" ARN ":b\"");
	assert_null(strstr(reply, "\"Name\":\"a\""));
}

TEST(what_was_deleted_is_not_found)
{
	perform("PublishVersion", "{\"FunctionName\":\"f\"}");
	perform("DeleteFunction", "{\"FunctionName\":\"f\",\"Qualifier\":\"1\"}");
	refused("GetFunction", "{\"FunctionName\":\"f:1\"}", "ResourceNotFoundException",
		"Function not found: " ARN ":1");
	perform("DeleteFunction", "{\"FunctionName\":\"f\"}");
	refused("GetFunction", "{\"FunctionName\":\"f\"}", "ResourceNotFoundException",
		"Function not found: " ARN ":$LATEST");
}

TEST(the_account_tells_its_limit_and_its_functions)
{
	perform("PublishVersion", "{\"FunctionName\":\"f\"}");
	assert_string_equal(perform("GetAccountSettings", NULL),
			    "{\"AccountLimit\":{\"ConcurrentExecutions\":1000,"
			    "\"UnreservedConcurrentExecutions\":1000,"
			    "\"CodeSizeUnzipped\":262144000,\"CodeSizeZipped\":52428800,"
			    "\"TotalCodeSize\":80530636800},"
			    "\"AccountUsage\":{\"FunctionCount\":1,\"TotalCodeSize\":0}}");
}

/* A request with so many characters behind `before`. */
static const char *describe_with(const char *more, const char *before, int characters)
{
	static const char *const forms[] = { "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
					     "a" };
	static char text[2048];
	size_t len = (size_t)sprintf(
		text, "{\"FunctionName\":\"f\"%s,\"Description\":\"%s", more, before);

	for (int i = 0; i < characters; i++)
		len += (size_t)sprintf(text + len, "%s", forms[i % 4]);
	strcpy(text + len, "\"}");
	return text;
}

TEST(a_length_is_one_of_characters_and_not_of_bytes)
{
	perform("UpdateFunctionConfiguration", describe_with("", "", 256));
	has("\"Description\":\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
	has("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80" "a\",\"Timeout\"");
	assert_int_equal(faas_control(flow.rt, "UpdateFunctionConfiguration",
				      describe_with("", "b", 256), NULL, &err),
			 FAAS_EINVAL);
	assert_non_null(strstr(err.message, "Member must have length less than or equal to 256"));
}

TEST(an_alias_has_a_description_of_so_many_characters)
{
	struct faas_error e = { 0 };

	if (faas_alias_set(flow.rt, "f", "live", 0, 0, 0, &e))
		fail_msg("%s", e.message);
	perform("UpdateAlias", describe_with(",\"Name\":\"live\"", "", 256));
	has("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80" "a\",\"RevisionId\"");
}

TEST(neither_a_reply_nor_an_error_need_be_wanted)
{
	assert_int_equal(faas_control(flow.rt, "GetFunction", "{\"FunctionName\":\"f\"}", NULL,
				      NULL),
			 0);
	assert_int_equal(faas_control(flow.rt, "GetFunction", "{\"FunctionName\":\"g\"}", NULL,
				      NULL),
			 FAAS_ENOTFOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define VIRTUAL(name) cmocka_unit_test_setup_teardown(name, control_open, control_close)
		VIRTUAL(a_function_is_told_with_all_that_is_known_of_it),
		VIRTUAL(an_operation_that_is_not_there_is_unknown),
		VIRTUAL(what_is_no_object_of_json_is_not_looked_at_further),
		VIRTUAL(what_a_member_must_be_is_told_in_the_words_of_lambda),
		VIRTUAL(all_that_is_wrong_is_told_at_once),
		VIRTUAL(what_is_wrong_further_inside_is_told_with_its_way_and_beside_all_else),
		VIRTUAL(of_a_long_value_the_beginning_is_shown_and_of_variables_nothing),
		VIRTUAL(no_function_is_a_replica_of_one_elsewhere),
		VIRTUAL(a_member_that_would_do_nothing_is_refused),
		VIRTUAL(an_update_changes_what_it_names_and_nothing_else),
		VIRTUAL(an_update_of_an_old_revision_is_a_failed_precondition),
		VIRTUAL(a_version_is_published_once_and_only_of_the_code_that_is_meant),
		VIRTUAL(a_qualifier_in_the_name_and_one_beside_it_must_agree),
		VIRTUAL(an_alias_is_made_shown_changed_and_deleted),
		VIRTUAL(an_alias_has_at_most_one_second_version),
		VIRTUAL(the_versions_of_an_alias_have_the_same_role),
		VIRTUAL(the_versions_of_an_alias_have_the_same_dead_letter_queue),
		VIRTUAL(lists_come_in_pages),
		VIRTUAL(aliases_are_listed_of_one_version_if_that_is_asked),
		VIRTUAL(what_was_deleted_is_not_found),
		VIRTUAL(the_account_tells_its_limit_and_its_functions),
		VIRTUAL(a_length_is_one_of_characters_and_not_of_bytes),
		VIRTUAL(an_alias_has_a_description_of_so_many_characters),
		VIRTUAL(neither_a_reply_nor_an_error_need_be_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
