/* SPDX-License-Identifier: MIT */
/* What a role has to be allowed for a request: which action, on what, and which facts count. */
#include "support/test.h"

#include <stdio.h>

#include <faas/source.h>

#include "support/flow.h"

#include <http/signer.h>

#define FUNCTIONS "/2015-03-31/functions"
#define MAPPINGS "/2015-03-31/event-source-mappings"
#define LAYERS "/2018-10-31/layers"
#define ARN "arn:aws:lambda:local-1:000000000000:"
#define SIGNING ARN "code-signing-config:csc-1"

#define TRUST \
	"{\\\"Statement\\\":{\\\"Effect\\\":\\\"Allow\\\",\\\"Principal\\\":{\\\"Service\\\":" \
	"\\\"lambda.amazonaws.com\\\"},\\\"Action\\\":\\\"sts:AssumeRole\\\"}}"

static struct flow flow;
static struct faas_error err;

static void control(const char *operation, const char *request)
{
	if (faas_control(flow.rt, operation, request, NULL, &err))
		fail_msg("%s: %s", operation, err.message);
}

/* The role may do what these statements say. */
static void may(const char *statements)
{
	char text[2048], quoted[1024];
	size_t len = 0;

	for (; *statements; statements++) {
		if (*statements == '"')
			quoted[len++] = '\\';
		quoted[len++] = *statements;
	}
	snprintf(text, sizeof(text),
		 "{\"RoleName\":\"r\",\"PolicyName\":\"p\",\"PolicyDocument\":"
		 "\"{\\\"Statement\\\":[%.*s]}\"}",
		 (int)len, quoted);
	control("PutRolePolicy", text);
}

static int open_it(void **state)
{
	static const struct faas_subnet subnets[] = {
		{ .id = "subnet-a", .cidr = "10.0.1.0/24", .bridge = "b", .vpc = "vpc-0" },
		{ .id = "subnet-other", .cidr = "10.0.2.0/24", .bridge = "c", .vpc = "vpc-1" },
		{ NULL }
	};

	(void)state;
	flow_open(&flow, &(struct faas_config){ .subnets = subnets }, false);
	flow_function(&flow, &(struct faas_function_config){ .name = "f", .handler = "echo.echo" });
	control("CreateRole",
		"{\"RoleName\":\"r\",\"AssumeRolePolicyDocument\":\"" TRUST "\"}");
	return 0;
}

static int close_it(void **state)
{
	(void)state;
	flow_close(&flow);
	return 0;
}

/* Whether somebody of that role ("": root) may do what is asked. */
static int ask_as(const char *role, const char *method, const char *target, const char *body)
{
	const struct fa_route *route = fa_route_find(method, target);
	struct fa_document *in = fa_document_parse(body, &err);
	struct fa_signer signer = { .key = "K", .source = "127.0.0.1" };
	int rc;

	snprintf(signer.role, sizeof(signer.role), "%s", role);
	assert_non_null(route);
	assert_int_equal(fa_route_read(route, target, in, &err), 0);
	rc = fa_signer_may(flow.rt, &signer, route, in, &err);
	fa_document_free(in);
	return rc;
}

static int ask(const char *method, const char *target, const char *body)
{
	return ask_as("r", method, target, body);
}

TEST(each_request_asks_for_its_action_on_what_it_names)
{
	static const struct {
		const char *method, *target, *body, *action, *resource;
	} rows[] = {
		{ "POST", FUNCTIONS "/f/invocations", "{}", "InvokeFunction", ARN "function:f" },
		{ "POST", FUNCTIONS "/f:live/invocations", "{}", "InvokeFunction",
		  ARN "function:f:live" },
		{ "POST", FUNCTIONS "/f/invocations?Qualifier=live", "{}", "InvokeFunction",
		  ARN "function:f:live" },
		{ "POST", "/2021-11-15/functions/f/response-streaming-invocations", "{}",
		  "InvokeFunction", ARN "function:f" },
		{ "POST", FUNCTIONS, "{\"FunctionName\":\"new\"}", "CreateFunction",
		  ARN "function:new" },
		{ "DELETE", FUNCTIONS "/f", "{}", "DeleteFunction", ARN "function:f" },
		{ "GET", FUNCTIONS, "{}", "ListFunctions", "*" },
		{ "POST", MAPPINGS, "{\"FunctionName\":\"f\"}", "CreateEventSourceMapping", "*" },
		{ "GET", MAPPINGS "?FunctionName=f", "{}", "ListEventSourceMappings", "*" },
		{ "PUT", MAPPINGS "/u", "{\"FunctionName\":\"f\"}", "UpdateEventSourceMapping",
		  ARN "event-source-mapping:u" },
		{ "POST", LAYERS "/l/versions", "{}", "PublishLayerVersion", ARN "layer:l" },
		{ "GET", LAYERS "/l/versions/2", "{}", "GetLayerVersion", ARN "layer:l:2" },
		{ "GET", LAYERS "?find=LayerVersion&Arn=" ARN "layer:l:3", "{}", "GetLayerVersion",
		  ARN "layer:l:3" },
		{ "GET", "/2017-03-31/tags/" ARN "function:f", "{}", "ListTags",
		  ARN "function:f" },
		{ "GET", "/2020-04-22/code-signing-configs/" SIGNING, "{}", "GetCodeSigningConfig",
		  SIGNING },
		{ "PUT", "/2020-06-30/functions/f/code-signing-config",
		  "{\"CodeSigningConfigArn\":\"" SIGNING "\"}", "PutFunctionCodeSigningConfig",
		  ARN "function:f" },
	};
	char want[512];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(ask(rows[i].method, rows[i].target, rows[i].body), FAAS_EDENIED);
		snprintf(want, sizeof(want), "perform: lambda:%s on resource: %s because",
			 rows[i].action, rows[i].resource);
		if (!strstr(err.message, want))
			fail_msg("'%s' lacks '%s'", err.message, want);
		assert_int_equal(ask_as("", rows[i].method, rows[i].target, rows[i].body), 0);
	}
}

TEST(a_mapping_may_be_made_for_the_functions_that_a_condition_names)
{
	may("{\"Effect\":\"Allow\",\"Action\":\"lambda:*\",\"Resource\":\"*\",\"Condition\":"
	    "{\"ArnEquals\":{\"lambda:FunctionArn\":\"" ARN "function:f\"}}}");
	assert_int_equal(ask("POST", MAPPINGS, "{\"FunctionName\":\"f\"}"), 0);
	assert_int_equal(ask("POST", MAPPINGS, "{\"FunctionName\":\"g\"}"), FAAS_EDENIED);
	assert_int_equal(ask("DELETE", FUNCTIONS "/f", "{}"), FAAS_EDENIED);
}

/* Allowed on this condition alone. */
static void may_if(const char *operator, const char *key, const char *value)
{
	char text[600];

	snprintf(text, sizeof(text),
		 "{\"Effect\":\"Allow\",\"Action\":\"lambda:*\",\"Resource\":\"*\","
		 "\"Condition\":{\"%s\":{\"lambda:%s\":\"%s\"}}}",
		 operator, key, value);
	may(text);
}

TEST(what_a_request_says_is_there_for_conditions)
{
#define URL "/2021-10-31/functions/f/url"
#define ANY "ForAnyValue:StringEquals"
#define CONFIGURATION FUNCTIONS "/f/configuration"
#define VPC(subnets, groups) \
	"{\"VpcConfig\":{\"SubnetIds\":[" subnets "],\"SecurityGroupIds\":[" groups "]}}"
	static const struct {
		const char *method, *target, *operator, *key, *value, *allowed, *denied;
	} rows[] = {
		{ "PUT", CONFIGURATION, ANY, "SubnetIds", "subnet-b",
		  VPC("\"subnet-a\",\"subnet-b\"", ""), VPC("\"subnet-a\"", "") },
		{ "PUT", CONFIGURATION, ANY, "SecurityGroupIds", "sg-2",
		  VPC("", "\"sg-1\",\"sg-2\""), VPC("", "\"sg-1\"") },
		{ "PUT", CONFIGURATION, "StringEquals", "VpcIds", "vpc-0",
		  VPC("\"subnet-a\"", ""), VPC("\"subnet-other\"", "") },
		{ "PUT", CONFIGURATION, "Null", "VpcIds", "true", "{}",
		  VPC("\"subnet-a\"", "") },
		{ "PUT", CONFIGURATION, ANY, "Layer", ARN "layer:two:1",
		  "{\"Layers\":[\"" ARN "layer:one:1\",\"" ARN "layer:two:1\"]}",
		  "{\"Layers\":[\"" ARN "layer:one:1\"]}" },
		{ "POST", FUNCTIONS, ANY, "Layer", ARN "layer:two:1",
		  "{\"FunctionName\":\"g\",\"Layers\":[\"" ARN "layer:two:1\"]}",
		  "{\"FunctionName\":\"g\",\"Layers\":[]}" },
		{ "POST", FUNCTIONS, "StringEquals", "CodeSigningConfigArn", SIGNING,
		  "{\"FunctionName\":\"g\",\"CodeSigningConfigArn\":\"" SIGNING "\"}",
		  "{\"FunctionName\":\"g\"}" },
		{ "PUT", "/2020-06-30/functions/f/code-signing-config", "StringEquals",
		  "CodeSigningConfigArn", SIGNING, "{\"CodeSigningConfigArn\":\"" SIGNING "\"}",
		  "{\"CodeSigningConfigArn\":\"" SIGNING "2\"}" },
		{ "POST", FUNCTIONS "/f/policy", "StringEquals", "Principal", "s3.amazonaws.com",
		  "{\"Principal\":\"s3.amazonaws.com\"}", "{\"Principal\":\"*\"}" },
		{ "POST", FUNCTIONS "/f/policy", "StringEquals", "FunctionUrlAuthType", "AWS_IAM",
		  "{\"FunctionUrlAuthType\":\"AWS_IAM\"}", "{\"FunctionUrlAuthType\":\"NONE\"}" },
		{ "POST", URL, "StringEquals", "FunctionUrlAuthType", "AWS_IAM",
		  "{\"AuthType\":\"AWS_IAM\"}", "{\"AuthType\":\"NONE\"}" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		may_if(rows[i].operator, rows[i].key, rows[i].value);
		assert_int_equal(ask(rows[i].method, rows[i].target, rows[i].allowed), 0);
		assert_int_equal(ask(rows[i].method, rows[i].target, rows[i].denied),
				 FAAS_EDENIED);
		if (strcmp(rows[i].operator, "Null") != 0) /* and of others there is no such key */
			assert_int_equal(ask("DELETE", FUNCTIONS "/f", "{}"), FAAS_EDENIED);
	}
}

TEST(what_a_request_does_not_say_of_a_url_or_a_mapping_is_taken_from_what_is_there)
{
	char target[160], uuid[64] = "";

	control("CreateFunctionUrlConfig", "{\"FunctionName\":\"f\",\"AuthType\":\"NONE\"}");
	may_if("StringEquals", "FunctionUrlAuthType", "AWS_IAM");
	assert_int_equal(ask("DELETE", URL, "{}"), FAAS_EDENIED);
	assert_int_equal(ask("PUT", URL, "{\"InvokeMode\":\"BUFFERED\"}"), FAAS_EDENIED);
	may_if("StringEquals", "FunctionUrlAuthType", "NONE");
	assert_int_equal(ask("DELETE", URL, "{}"), 0);

	assert_int_equal(faas_mapping_create(flow.rt,
					     FAAS_MAPPING(.source = "queue:q", .function = "f"),
					     uuid, &err),
			 0);
	snprintf(target, sizeof(target), MAPPINGS "/%s", uuid);
	may_if("ArnEquals", "FunctionArn", ARN "function:g");
	assert_int_equal(ask("DELETE", target, "{}"), FAAS_EDENIED);
	assert_int_equal(ask("GET", target, "{}"), FAAS_EDENIED);
	may_if("ArnEquals", "FunctionArn", ARN "function:f");
	assert_int_equal(ask("DELETE", target, "{}"), 0);
	assert_int_equal(ask("GET", MAPPINGS "/none", "{}"), FAAS_EDENIED);
}

TEST(a_statement_is_removed_by_who_may_add_one_like_it)
{
	static const struct {
		const char *principal, *other;
	} rows[] = { { "s3.amazonaws.com", "sns.amazonaws.com" },
		     { "123456789012", "123456789013" },
		     { "arn:aws:iam::123456789012:user/u", "123456789012" },
		     { "*", "s3.amazonaws.com" } };
	char request[300];

#define STATEMENT FUNCTIONS "/f/policy/s"
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(request, sizeof(request),
			 "{\"FunctionName\":\"f\",\"StatementId\":\"s\",\"Action\":"
			 "\"lambda:InvokeFunctionUrl\",\"FunctionUrlAuthType\":\"%s\","
			 "\"Principal\":\"%s\"}",
			 i ? "AWS_IAM" : "NONE", rows[i].principal);
		control("AddPermission", request);
		may_if("StringEquals", "Principal", rows[i].other);
		assert_int_equal(ask("DELETE", STATEMENT, "{}"), FAAS_EDENIED);
		may_if("StringEquals", "Principal", rows[i].principal);
		assert_int_equal(ask("DELETE", STATEMENT, "{}"), 0);
		may_if("StringEquals", "FunctionUrlAuthType", "AWS_IAM");
		assert_int_equal(ask("DELETE", STATEMENT, "{}"), i ? 0 : FAAS_EDENIED);
		assert_int_equal(ask("DELETE", STATEMENT "2", "{}"), FAAS_EDENIED);
		control("RemovePermission", "{\"FunctionName\":\"f\",\"StatementId\":\"s\"}");
		may_if("StringEquals", "Principal", rows[i].principal);
		assert_int_equal(ask("DELETE", STATEMENT, "{}"), FAAS_EDENIED); /* there is none */
	}
}

TEST(of_a_version_the_statement_is_its_own)
{
	control("PublishVersion", "{\"FunctionName\":\"f\"}");
	control("AddPermission",
		"{\"FunctionName\":\"f\",\"Qualifier\":\"1\",\"StatementId\":\"s\",\"Action\":"
		"\"lambda:InvokeFunction\",\"Principal\":\"sns.amazonaws.com\"}");
	may_if("StringEquals", "Principal", "sns.amazonaws.com");
	assert_int_equal(ask("DELETE", STATEMENT, "{}"), FAAS_EDENIED);
	assert_int_equal(ask("DELETE", STATEMENT "?Qualifier=1", "{}"), 0);
}

#define PASSED_TO(service) \
	"{\"Effect\":\"Allow\",\"Action\":\"lambda:*\",\"Resource\":\"*\"}," \
	"{\"Effect\":\"Allow\",\"Action\":\"iam:PassRole\",\"Resource\":\"*\",\"Condition\":" \
	"{\"StringEquals\":{\"iam:PassedToService\":\"" service ".amazonaws.com\"}}}"

TEST(a_role_is_passed_to_lambda_and_to_nobody_else)
{
	static const char body[] = "{\"Role\":\"arn:aws:iam::000000000000:role/r\"}";

	may(PASSED_TO("lambda"));
	assert_int_equal(ask("PUT", FUNCTIONS "/f/configuration", body), 0);
	may(PASSED_TO("ec2"));
	assert_int_equal(ask("PUT", FUNCTIONS "/f/configuration", body), FAAS_EDENIED);
	assert_non_null(strstr(err.message, "iam:PassRole on resource: arn:aws:iam::"));
	assert_int_equal(ask("PUT", FUNCTIONS "/f/configuration", "{}"), 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_it, close_it)
	const struct CMUnitTest tests[] = {
		CASE(each_request_asks_for_its_action_on_what_it_names),
		CASE(a_mapping_may_be_made_for_the_functions_that_a_condition_names),
		CASE(what_a_request_says_is_there_for_conditions),
		CASE(a_statement_is_removed_by_who_may_add_one_like_it),
		CASE(of_a_version_the_statement_is_its_own),
		CASE(what_a_request_does_not_say_of_a_url_or_a_mapping_is_taken_from_what_is_there),
		CASE(a_role_is_passed_to_lambda_and_to_nobody_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
