/* SPDX-License-Identifier: MIT */
/* CreateFunction and UpdateFunctionCode: code that comes in a request. */
#include "upload.h"

#include <time.h>

#include <runtime.h>

#define ARN "arn:aws:lambda:local-1:000000000000:function:"

static void create(const char *text)
{
	CREATE("", code(text));
	deploy("CreateFunction", "f");
}

static void says(const char *function, const char *expected)
{
	answers(function, "text", expected);
}

TEST(a_function_is_created_with_its_code_and_runs)
{
	char size[32];

	CREATE(",\"Timeout\":5,\"MemorySize\":256,\"Description\":\"d\",\"PackageType\":\"Zip\","
	       "\"Environment\":{\"Variables\":{\"NAME\":\"v\"}},"
	       "\"Tags\":{\"key\":\"value\"}",
	       code("one"));
	deploy("CreateFunction", "f");
	has("\"FunctionName\":\"f\",\"FunctionArn\":\"" ARN "f\",\"Version\":\"$LATEST\"");
	has("\"Runtime\":\"provided.al2023\",\"Role\":\"" ROLE
	    "\",\"Handler\":\"package.content\"");
	has("\"Timeout\":5,\"MemorySize\":256");
	has("\"State\":\"Pending\"");
	snprintf(size, sizeof(size), "\"CodeSize\":%zu", zip.len);
	has(size);
	says("f", "one");
	REQUEST("{\"FunctionName\":\"f\"}");
	perform("GetFunction");
	has("\"Tags\":{\"key\":\"value\"}");
	has("\"Code\":{\"RepositoryType\":\"S3\",\"Location\":\"");
	has("/code.zip\"}");
}

static void has_used(size_t bytes)
{
	char text[64];

	snprintf(text, sizeof(text), "\"TotalCodeSize\":%zu}}", bytes);
	REQUEST("{}");
	perform("GetAccountSettings");
	has(text);
}

/* Who ran it is gone a little later. */
static void await_unused(void)
{
	int64_t most;

	for (int i = 0; fa_packages_used(&flow.rt->packages, &most) && i < 10000; i++)
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	has_used(0);
}

TEST(the_account_tells_how_large_all_code_is_that_is_kept)
{
	size_t one, two;

	create("one");
	one = zip.len;
	has_used(one);
	REQUEST("{\"FunctionName\":\"f\"}");
	perform("PublishVersion");
	has_used(one);
	REQUEST("{\"FunctionName\":\"f\",\"ZipFile\":\"%s\"}", code("another one"));
	two = zip.len;
	deploy("UpdateFunctionCode", "f");
	says("f", "another one");
	has_used(one + two);
	REQUEST("{\"FunctionName\":\"f\"}");
	perform("DeleteFunction");
	await_unused();
}

TEST(a_new_functions_name_may_be_an_arn_of_here)
{
	CREATE("", code("one"));
	REQUEST("{\"FunctionName\":\"" ARN "g\",\"Role\":\"" ROLE "\",\"Runtime\":\"provided\","
		"\"Handler\":\"package.content\",\"Code\":{\"ZipFile\":\"%s\"}}",
		base64);
	deploy("CreateFunction", "g");
	says("g", "one");
	REQUEST("{\"FunctionName\":\"g:1\",\"Role\":\"" ROLE "\",\"Runtime\":\"provided\","
		"\"Handler\":\"package.content\",\"Code\":{\"ZipFile\":\"%s\"}}",
		base64);
	refused("CreateFunction", INVALID, "a new function's name has no qualifier");
}

#define SIGNED "arn:aws:lambda:local-1:000000000000:code-signing-config:csc-"

/* `out` is the ARN of a new one. */
static void make_signing(const char *policy, char out[128])
{
	const char *at;

	REQUEST("{\"AllowedPublishers\":{\"SigningProfileVersionArns\":[\"arn:aws:signer:::p\"]},"
		"\"CodeSigningPolicies\":{\"UntrustedArtifactOnDeployment\":\"%s\"}}",
		policy);
	perform("CreateCodeSigningConfig");
	at = strstr(reply, "\"CodeSigningConfigArn\":\"") + 24;
	snprintf(out, 128, "%.*s", (int)strcspn(at, "\""), at);
}

static void create_signed(const char *arn)
{
	REQUEST("{\"FunctionName\":\"f\",\"Role\":\"" ROLE "\",\"Runtime\":\"provided\","
		"\"Handler\":\"package.content\",\"Code\":{\"ZipFile\":\"%s\"},"
		"\"CodeSigningConfigArn\":\"%s\"}",
		code("one"), arn);
}

TEST(a_function_may_be_created_with_a_code_signing_configuration_that_lets_it)
{
	char warn[128], enforce[128];

	make_signing("Warn", warn);
	make_signing("Enforce", enforce);
	create_signed(enforce);
	assert_true(faas_control(flow.rt, "CreateFunction", request, NULL, &err) < 0);
	assert_string_equal(err.type, "CodeVerificationFailedException");
	create_signed(SIGNED "0");
	refused("CreateFunction", "CodeSigningConfigNotFoundException",
		"The code signing configuration cannot be found. Check that the provided "
		"configuration is not deleted: " SIGNED "0.");
	create_signed(warn);
	deploy("CreateFunction", "f");
	REQUEST("{\"FunctionName\":\"f\"}");
	perform("GetFunctionCodeSigningConfig");
	has(warn);
}

TEST(a_name_that_is_taken_is_refused_before_its_code_is_looked_at)
{
	create("one");
	CREATE("", "AAAA");
	refused("CreateFunction", "ResourceConflictException", "Function already exist: f");
}

TEST(with_publish_the_first_version_is_made_at_once)
{
	CREATE(",\"Publish\":true", code("one"));
	deploy("CreateFunction", "f");
	has("\"FunctionArn\":\"" ARN "f:1\",\"Version\":\"1\"");
	says("f:1", "one");
	REQUEST("{\"FunctionName\":\"f\",\"ZipFile\":\"%s\",\"Publish\":true}", code("two"));
	deploy("UpdateFunctionCode", "f");
	has("\"Version\":\"2\"");
	says("f:1", "one");
	says("f:2", "two");
	says("f", "two");
}

TEST(new_code_serves_new_events_and_a_dry_run_changes_nothing)
{
	create("one");
	says("f", "one");
	REQUEST("{\"FunctionName\":\"f\",\"ZipFile\":\"%s\",\"DryRun\":true}", code("two"));
	deploy("UpdateFunctionCode", "f");
	says("f", "one");
	REQUEST("{\"FunctionName\":\"f\",\"ZipFile\":\"AAAA\",\"DryRun\":true}");
	refused("UpdateFunctionCode", INVALID,
		"Could not unzip uploaded file. Please check your file, then try to upload again. "
		"(it is no ZIP, or cut)");
	REQUEST("{\"FunctionName\":\"f\",\"ZipFile\":\"%s\"}", code("two"));
	deploy("UpdateFunctionCode", "f");
	has("\"Version\":\"$LATEST\"");
	says("f", "two");
}

TEST(an_update_of_an_old_revision_is_a_failed_precondition)
{
	create("one");
	REQUEST("{\"FunctionName\":\"f\",\"RevisionId\":\"old\",\"ZipFile\":\"%s\"}", code("two"));
	refused("UpdateFunctionCode", "PreconditionFailedException",
		"The Revision Id provided does not match the latest Revision Id. Call the "
		"GetFunction/GetAlias API to retrieve the latest Revision Id");
	says("f", "one");
}

TEST(a_change_of_the_configuration_keeps_the_code)
{
	create("one");
	REQUEST("{\"FunctionName\":\"f\",\"MemorySize\":512,\"Role\":\"" ROLE "2\"}");
	deploy("UpdateFunctionConfiguration", "f");
	has("\"MemorySize\":512");
	has("\"Role\":\"" ROLE "2\"");
	has("\"CodeSize\":");
	says("f", "one");
	REQUEST("{\"FunctionName\":\"f\",\"Runtime\":\"dotnet8\"}");
	refused("UpdateFunctionConfiguration", INVALID,
		"Runtime dotnet8 cannot be run here: only python3.N and nodejsN.x can, and with "
		"provided.al2023 what brings its own program");
}

TEST(what_is_wrong_with_the_code_is_told_in_the_words_of_lambda)
{
	CREATE("", "");
	refused("CreateFunction", INVALID, "Please provide a source for function code.");
	CREATE("", "no base64");
	refused("CreateFunction", "SerializationException", "ZipFile must be base64");
	CREATE("", "bm8gWklQ");
	refused("CreateFunction", INVALID,
		"Could not unzip uploaded file. Please check your file, then try to upload again. "
		"(it is no ZIP, or cut)");
	zips_begin(&zip);
	CREATE("", encoded());
	refused("CreateFunction", INVALID, "Uploaded file must be a non-empty zip");
	zips_begin(&zip);
	zips_file(&zip, "../escape", "");
	CREATE("", encoded());
	refused("CreateFunction", INVALID,
		"Could not unzip uploaded file. Please check your file, then try to upload again. "
		"('../escape' leads out of the package)");
	REQUEST("{\"FunctionName\":\"f\"}");
	assert_int_equal(faas_control(flow.rt, "GetFunction", request, NULL, &err),
			 FAAS_ENOTFOUND);
}

TEST(what_only_aws_has_is_refused_by_its_name)
{
	static const char *const codes[][2] = {
		{ "\"S3Bucket\":\"bucket\",\"S3Key\":\"k\"",
		  "S3Bucket leads nowhere here: a ZIP is taken as ZipFile" },
		{ "\"ImageUri\":\"i\"",
		  "Please don't provide ImageUri when creating a function with packageType Zip." },
		{ "\"ZipFile\":\"\",\"SourceKMSKeyArn\":\"k\"",
		  "Code does nothing with 'SourceKMSKeyArn' here" },
	};

	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
		REQUEST("{\"FunctionName\":\"f\",\"Role\":\"" ROLE "\",\"Runtime\":\"provided\","
			"\"Handler\":\"a.b\",\"Code\":{%s}}",
			codes[i][0]);
		refused("CreateFunction", INVALID, codes[i][1]);
	}
	CREATE(",\"PackageType\":\"Image\"", "AAAA");
	refused("CreateFunction", INVALID,
		"Please provide ImageUri when creating a function with packageType Image.");
	CREATE(",\"Architectures\":[\"riscv\"]", "AAAA");
	assert_int_equal(faas_control(flow.rt, "CreateFunction", request, NULL, &err), FAAS_EINVAL);
	REQUEST("{\"FunctionName\":\"f\",\"Role\":\"" ROLE "\",\"Runtime\":\"java21\","
		"\"Handler\":\"a.b\",\"Code\":{\"ZipFile\":\"%s\"}}",
		code("one"));
	refused("CreateFunction", INVALID,
		"Runtime java21 cannot be run here: only python3.N and nodejsN.x can, and with "
		"provided.al2023 what brings its own program");
}

TEST(what_the_api_requires_is_asked_for)
{
	REQUEST("{\"FunctionName\":\"f\",\"Code\":{},\"Role\":\"me\"}");
	refused("CreateFunction", "ValidationException",
		"1 validation error detected: Value 'me' at 'role' failed to satisfy constraint: "
		"Member must satisfy regular expression pattern: "
		"arn:(aws[a-zA-Z-]*)?:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+");
	REQUEST("{\"FunctionName\":\"f\",\"Code\":{},\"Role\":\"" ROLE "\"}");
	refused("CreateFunction", INVALID,
		"Runtime and Handler are mandatory parameters for functions created with "
		"deployment packages.");
	REQUEST("{\"FunctionName\":\"none\",\"ZipFile\":\"AAAA\"}");
	refused("UpdateFunctionCode", "ResourceNotFoundException",
		"Function not found: " ARN "none:$LATEST");
}

TEST(a_request_is_bounded_by_what_its_operation_carries)
{
	const size_t most = 70167211;
	char *large = malloc(most + 1);

	memset(large, ' ', most);
	large[most] = '\0';
	assert_int_equal(faas_control(flow.rt, "CreateFunction", large, NULL, &err),
			 FAAS_ETOOLARGE);
	assert_string_equal(err.type, "RequestEntityTooLargeException");
	assert_string_equal(err.message, "Request must be smaller than 70167211 bytes for the "
					 "CreateFunction operation");
	large[most - 1] = '\0';
	assert_int_equal(faas_control(flow.rt, "CreateFunction", large, NULL, &err), FAAS_EINVAL);
	large[6 << 20] = '\0';
	assert_int_equal(faas_control(flow.rt, "GetFunction", large, NULL, &err), FAAS_ETOOLARGE);
	large[(6 << 20) - 1] = '\0';
	assert_int_equal(faas_control(flow.rt, "GetFunction", large, NULL, &err), FAAS_EINVAL);
	free(large);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define FLOW(name) cmocka_unit_test_setup_teardown(name, open_real, close_it)
		FLOW(a_function_is_created_with_its_code_and_runs),
		FLOW(the_account_tells_how_large_all_code_is_that_is_kept),
		FLOW(a_new_functions_name_may_be_an_arn_of_here),
		FLOW(a_function_may_be_created_with_a_code_signing_configuration_that_lets_it),
		FLOW(a_name_that_is_taken_is_refused_before_its_code_is_looked_at),
		FLOW(with_publish_the_first_version_is_made_at_once),
		FLOW(new_code_serves_new_events_and_a_dry_run_changes_nothing),
		FLOW(an_update_of_an_old_revision_is_a_failed_precondition),
		FLOW(a_change_of_the_configuration_keeps_the_code),
		FLOW(what_is_wrong_with_the_code_is_told_in_the_words_of_lambda),
		FLOW(what_only_aws_has_is_refused_by_its_name),
		FLOW(what_the_api_requires_is_asked_for),
		FLOW(a_request_is_bounded_by_what_its_operation_carries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
