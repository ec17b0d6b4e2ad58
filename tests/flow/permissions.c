/* SPDX-License-Identifier: MIT */
/* Resource policies of functions and of layers; semantics 10. */
#include "support/test.h"

#include <pthread.h>
#include <stdio.h>

#include "support/control.h"

#define ARN "arn:aws:lambda:local-1:000000000000:function:f"
#define INVALID "InvalidParameterValueException"
#define NOT_FOUND "ResourceNotFoundException"
#define THIS "{\"FunctionName\":\"f\"}"
#define ADD(more) \
	"{\"FunctionName\":\"f\",\"StatementId\":\"s\",\"Action\":\"lambda:InvokeFunction\"," more \
	"}"
#define S3 ADD("\"Principal\":\"s3.amazonaws.com\"")
#define PRECONDITION \
	"The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API " \
	"to retrieve the latest Revision Id"

/* The reply is {"Statement":"..."} with these members, as JSON in JSON. */
static void wrote(const char *principal, const char *condition)
{
	char wanted[1024];

	snprintf(wanted, sizeof(wanted),
		 "{\"Statement\":\"{\\\"Sid\\\":\\\"s\\\",\\\"Effect\\\":\\\"Allow\\\","
		 "\\\"Principal\\\":%s,\\\"Action\\\":\\\"lambda:InvokeFunction\\\","
		 "\\\"Resource\\\":\\\"" ARN "\\\"%s}\"}",
		 principal, condition);
	assert_string_equal(reply, wanted);
}

static void writes(const char *request, const char *principal, const char *condition)
{
	perform("AddPermission", request);
	wrote(principal, condition);
	perform("RemovePermission", "{\"FunctionName\":\"f\",\"StatementId\":\"s\"}");
}

TEST(a_statement_is_written_as_lambda_writes_it)
{
	writes(S3, "{\\\"Service\\\":\\\"s3.amazonaws.com\\\"}", "");
	writes(ADD("\"Principal\":\"*\""), "\\\"*\\\"", "");
	writes(ADD("\"Principal\":\"123456789012\""),
	       "{\\\"AWS\\\":\\\"arn:aws:iam::123456789012:root\\\"}", "");
	writes(ADD("\"Principal\":\"arn:aws:iam::123456789012:role/r\""),
	       "{\\\"AWS\\\":\\\"arn:aws:iam::123456789012:role/r\\\"}", "");
	writes(ADD("\"Principal\":\"s3.amazonaws.com\",\"SourceArn\":\"arn:aws:s3:::b\","
		   "\"SourceAccount\":\"123456789012\""),
	       "{\\\"Service\\\":\\\"s3.amazonaws.com\\\"}",
	       ",\\\"Condition\\\":{\\\"StringEquals\\\":{\\\"AWS:SourceAccount\\\":"
	       "\\\"123456789012\\\"},\\\"ArnLike\\\":{\\\"AWS:SourceArn\\\":"
	       "\\\"arn:aws:s3:::b\\\"}}");
	writes(ADD("\"Principal\":\"alexa-appkit.amazon.com\",\"EventSourceToken\":\"t\""),
	       "{\\\"Service\\\":\\\"alexa-appkit.amazon.com\\\"}",
	       ",\\\"Condition\\\":{\\\"StringEquals\\\":{\\\"lambda:EventSourceToken\\\":"
	       "\\\"t\\\"}}");
	writes(ADD("\"Principal\":\"*\",\"PrincipalOrgID\":\"o-0123456789\","
		   "\"InvokedViaFunctionUrl\":true"),
	       "\\\"*\\\"",
	       ",\\\"Condition\\\":{\\\"StringEquals\\\":{\\\"aws:PrincipalOrgID\\\":"
	       "\\\"o-0123456789\\\"},\\\"Bool\\\":{\\\"lambda:InvokedViaFunctionUrl\\\":"
	       "\\\"true\\\"}}");
}

TEST(a_function_url_is_opened_by_a_condition_on_its_kind)
{
	perform("AddPermission",
		"{\"FunctionName\":\"f\",\"StatementId\":\"u\",\"Principal\":\"*\",\"Action\":"
		"\"lambda:InvokeFunctionUrl\",\"FunctionUrlAuthType\":\"NONE\"}");
	has("\\\"Condition\\\":{\\\"StringEquals\\\":{\\\"lambda:FunctionUrlAuthType\\\":"
	    "\\\"NONE\\\"}}");
	refused("AddPermission", ADD("\"Principal\":\"*\",\"FunctionUrlAuthType\":\"NONE\""),
		INVALID,
		"FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action");
}

TEST(a_policy_is_told_whole_and_goes_with_its_last_statement)
{
	refused("GetPolicy", THIS, NOT_FOUND, "The resource you requested does not exist.");
	perform("AddPermission", S3);
	perform("GetPolicy", THIS);
	has("\"Policy\":\"{\\\"Version\\\":\\\"2012-10-17\\\",\\\"Id\\\":\\\"default\\\","
	    "\\\"Statement\\\":[{\\\"Sid\\\":\\\"s\\\"");
	perform("RemovePermission", "{\"FunctionName\":\"f\",\"StatementId\":\"s\"}");
	refused("GetPolicy", THIS, NOT_FOUND, "The resource you requested does not exist.");
}

TEST(a_statement_id_is_used_once_and_must_be_there_to_be_removed)
{
	static const char other[] = "{\"FunctionName\":\"f\",\"StatementId\":\"t\"}";

	refused("RemovePermission", other, NOT_FOUND,
		"No policy is associated with the given resource.");
	perform("AddPermission", S3);
	refused("AddPermission", S3, "ResourceConflictException",
		"The statement id (s) provided already exists. Please provide a new statement id, "
		"or remove the existing statement.");
	refused("RemovePermission", other, NOT_FOUND,
		"Statement t is not found in resource policy.");
}

TEST(each_version_and_alias_has_a_policy_of_its_own_and_latest_has_none)
{
	static const char live[] = "{\"FunctionName\":\"f\",\"Qualifier\":\"live\"}";

	perform("PublishVersion", THIS);
	perform("CreateAlias",
		"{\"FunctionName\":\"f\",\"Name\":\"live\",\"FunctionVersion\":\"1\"}");
	perform("AddPermission", ADD("\"Principal\":\"*\",\"Qualifier\":\"live\""));
	has("\\\"Resource\\\":\\\"" ARN ":live\\\"");
	perform("AddPermission", ADD("\"Principal\":\"*\",\"Qualifier\":\"1\""));
	has("\\\"Resource\\\":\\\"" ARN ":1\\\"");
	refused("GetPolicy", THIS, NOT_FOUND, "The resource you requested does not exist.");
	refused("AddPermission", ADD("\"Principal\":\"*\",\"Qualifier\":\"$LATEST\""), INVALID,
		"We currently do not support adding policies for $LATEST.");
	refused("AddPermission", ADD("\"Principal\":\"*\",\"Qualifier\":\"dev\""), NOT_FOUND,
		"Cannot find alias arn: " ARN ":dev");
	refused("AddPermission", ADD("\"Principal\":\"*\",\"Qualifier\":\"7\""), NOT_FOUND,
		"Function not found: " ARN ":7");
	perform("DeleteAlias", "{\"FunctionName\":\"f\",\"Name\":\"live\"}");
	perform("CreateAlias",
		"{\"FunctionName\":\"f\",\"Name\":\"live\",\"FunctionVersion\":\"1\"}");
	refused("GetPolicy", live, NOT_FOUND, "The resource you requested does not exist.");
}

TEST(a_change_may_ask_for_the_policy_as_it_was_read)
{
	char revision[64], request[512];

	perform("AddPermission", S3);
	perform("GetPolicy", THIS);
	member(revision, "RevisionId");
	refused("RemovePermission",
		"{\"FunctionName\":\"f\",\"StatementId\":\"s\",\"RevisionId\":\"x\"}",
		"PreconditionFailedException", PRECONDITION);
	snprintf(request, sizeof(request),
		 "{\"FunctionName\":\"f\",\"StatementId\":\"s\",\"RevisionId\":\"%s\"}", revision);
	perform("RemovePermission", request);
}

static int add_numbered(int number)
{
	char request[512];

	snprintf(request, sizeof(request),
		 "{\"FunctionName\":\"f\",\"StatementId\":\"%090d\",\"Principal\":\"*\","
		 "\"Action\":\"lambda:InvokeFunction\"}",
		 number);
	return faas_control(flow.rt, "AddPermission", request, NULL, &err);
}

TEST(a_policy_has_twenty_kilobytes)
{
	int n = 0, size = 0;

	while (!add_numbered(n))
		assert_true(++n < 200);
	assert_string_equal(err.type, "PolicyLengthExceededException");
	assert_int_equal(sscanf(err.message, "The final policy size (%d)", &size), 1);
	assert_in_range(size, 20481, 20480 + 300); /* by one statement */
	assert_non_null(strstr(err.message, ") is bigger than the limit (20480)."));
	perform("GetPolicy", THIS);
	assert_true(n > 70); /* and all that were added before are there */
}

TEST(what_is_no_permission_is_refused)
{
	static const char principal[] =
		"The provided principal was invalid. Please check the principal and try again.";

	refused("AddPermission", ADD("\"Principal\":\"bob\""), INVALID, principal);
	refused("AddPermission", ADD("\"Principal\":\"arn:aws:iam::1:role/*\""), INVALID,
		principal);
	refused("GetPolicy", THIS, NOT_FOUND, "The resource you requested does not exist.");
	refused("AddPermission",
		"{\"FunctionName\":\"f\",\"StatementId\":\"s\",\"Action\":\"s3:Get\","
		"\"Principal\":\"*\"}",
		"ValidationException",
		"1 validation error detected: Value 's3:Get' at 'action' failed to satisfy "
		"constraint: Member must satisfy regular expression pattern: "
		"(lambda:[*]|lambda:[a-zA-Z]+|[*])");
	refused("AddPermission", ADD("\"Principal\":\"*\",\"SourceAccount\":\"1\""),
		"ValidationException",
		"1 validation error detected: Value '1' at 'sourceAccount' failed to satisfy "
		"constraint: Member must satisfy regular expression pattern: \\d{12}");
	refused("AddPermission",
		"{\"FunctionName\":\"g\",\"StatementId\":\"s\",\"Action\":\"*\",\"Principal\":\"*"
		"\"}",
		NOT_FOUND,
		"Function not found: arn:aws:lambda:local-1:000000000000:function:g:$LATEST");
}

TEST(policies_outlive_the_program)
{
	char before[1024];

	perform("AddPermission", S3);
	snprintf(before, sizeof(before), "%s", perform("GetPolicy", THIS));
	control_restart();
	assert_string_equal(perform("GetPolicy", THIS), before);
}

/* ---- layers ------------------------------------------------------------ */

/* A file "a". */
static const char zip[] =
	"UEsDBBQAAAAAAAAAIQCDFtyMAQAAAAEAAAABAAAAYXhQSwECFAMUAAAAAAAAACEAgxbcjAEAAAABAAAA"
	"AQAAAAAAAAAAAAAAgAEAAAAAYVBLBQYAAAAAAQABAC8AAAAgAAAAAAA=";

#define VERSION "{\"LayerName\":\"base\",\"VersionNumber\":1"

static void publish_layer(void)
{
	char request[512];

	snprintf(request, sizeof(request),
		 "{\"LayerName\":\"base\",\"Content\":{\"ZipFile\":\"%s\"}}", zip);
	perform("PublishLayerVersion", request);
}

TEST(a_version_of_a_layer_may_be_used_by_whom_its_policy_names)
{
	publish_layer();
	refused("GetLayerVersionPolicy", VERSION "}", NOT_FOUND,
		"No policy is associated with the given resource.");
	perform("AddLayerVersionPermission",
		VERSION ",\"StatementId\":\"all\",\"Action\":\"lambda:GetLayerVersion\","
			"\"Principal\":\"*\",\"OrganizationId\":\"o-0123456789\"}");
	has("{\\\"Sid\\\":\\\"all\\\",\\\"Effect\\\":\\\"Allow\\\",\\\"Principal\\\":\\\"*\\\","
	    "\\\"Action\\\":\\\"lambda:GetLayerVersion\\\",\\\"Resource\\\":"
	    "\\\"arn:aws:lambda:local-1:000000000000:layer:base:1\\\",\\\"Condition\\\":"
	    "{\\\"StringEquals\\\":{\\\"aws:PrincipalOrgID\\\":\\\"o-0123456789\\\"}}}");
	has("\"RevisionId\":\"");
	perform("GetLayerVersionPolicy", VERSION "}");
	has("\\\"Id\\\":\\\"default\\\"");
	refused("RemoveLayerVersionPermission", VERSION ",\"StatementId\":\"x\"}", NOT_FOUND,
		"Statement x is not found in resource policy.");
	perform("RemoveLayerVersionPermission", VERSION ",\"StatementId\":\"all\"}");
	refused("GetLayerVersionPolicy", VERSION "}", NOT_FOUND,
		"No policy is associated with the given resource.");
}

#define THREADS 4
#define EACH 20

static void *add_statements(void *data)
{
	char request[512];

	for (int i = 0; i < EACH; i++) {
		snprintf(request, sizeof(request),
			 VERSION ",\"StatementId\":\"s%d-%d\",\"Action\":"
				 "\"lambda:GetLayerVersion\",\"Principal\":\"*\"}",
			 (int)(intptr_t)data, i);
		if (faas_control(flow.rt, "AddLayerVersionPermission", request, NULL, NULL))
			return "a statement was refused";
	}
	return NULL;
}

TEST(statements_that_are_added_at_once_are_all_there)
{
	pthread_t threads[THREADS];
	void *wrong;

	publish_layer();
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, add_statements, (void *)(intptr_t)i), 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &wrong);
		assert_null(wrong);
	}
	perform("GetLayerVersionPolicy", VERSION "}");
	for (int i = 0; i < THREADS * EACH; i++) {
		char sid[32];

		snprintf(sid, sizeof(sid), "\\\"s%d-%d\\\"", i / EACH, i % EACH);
		has(sid);
	}
}

TEST(a_layers_policy_goes_with_its_version)
{
	publish_layer();
	perform("AddLayerVersionPermission",
		VERSION ",\"StatementId\":\"a\",\"Action\":\"lambda:GetLayerVersion\","
			"\"Principal\":\"123456789012\"}");
	perform("DeleteLayerVersion", VERSION "}");
	refused("GetLayerVersionPolicy", VERSION "}", NOT_FOUND,
		"The resource you requested does not exist.");
	refused("AddLayerVersionPermission",
		VERSION ",\"StatementId\":\"a\",\"Action\":\"lambda:GetLayerVersion\","
			"\"Principal\":\"123456789012\",\"OrganizationId\":\"o-0123456789\"}",
		NOT_FOUND, "The resource you requested does not exist.");
}

#define WITH_F(test) cmocka_unit_test_setup_teardown(test, control_open, control_close)
#define LASTING(test) \
	cmocka_unit_test_setup_teardown(test, control_open_lasting, control_close_lasting)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_F(a_statement_is_written_as_lambda_writes_it),
		WITH_F(a_function_url_is_opened_by_a_condition_on_its_kind),
		WITH_F(a_policy_is_told_whole_and_goes_with_its_last_statement),
		WITH_F(a_statement_id_is_used_once_and_must_be_there_to_be_removed),
		WITH_F(each_version_and_alias_has_a_policy_of_its_own_and_latest_has_none),
		WITH_F(a_change_may_ask_for_the_policy_as_it_was_read),
		WITH_F(a_policy_has_twenty_kilobytes),
		WITH_F(what_is_no_permission_is_refused),
		LASTING(policies_outlive_the_program),
		WITH_F(a_version_of_a_layer_may_be_used_by_whom_its_policy_names),
		WITH_F(statements_that_are_added_at_once_are_all_there),
		WITH_F(a_layers_policy_goes_with_its_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
