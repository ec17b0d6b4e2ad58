/* SPDX-License-Identifier: MIT */
/* Paths of the API. */
#include "support/test.h"

#include <stdio.h>

#include <control/control.h>
#include <http/route.h>

static struct faas_error err;

/* "Operation {members}", or why not. */
static char *find(const char *method, const char *target)
{
	static char text[4096];
	const struct fa_route *route = fa_route_find(method, target);
	struct fa_document *in = fa_document_object();
	char *members;

	if (!route) {
		strcpy(text, "none");
	} else if (fa_route_read(route, target, in, &err)) {
		snprintf(text, sizeof(text), "%s", err.type);
	} else {
		members = fa_document_print(in, &fa_mem_libc);
		snprintf(text, sizeof(text), "%s %s", route->operation, members);
		fa_free(members);
	}
	fa_document_free(in);
	return text;
}

TEST(an_operation_is_found_by_method_and_path)
{
	assert_string_equal(find("GET", "/2015-03-31/functions/f"),
			    "GetFunction {\"FunctionName\":\"f\"}");
	assert_string_equal(find("DELETE", "/2015-03-31/functions/f/aliases/live"),
			    "DeleteAlias {\"FunctionName\":\"f\",\"Name\":\"live\"}");
	assert_string_equal(find("PUT", "/2017-10-31/functions/f/concurrency"),
			    "PutFunctionConcurrency {\"FunctionName\":\"f\"}");
	assert_string_equal(find("PATCH", "/2015-03-31/functions/f"), "none");
	assert_string_equal(find("GET", "/2015-03-31/functions/f/nothing"), "none");
	assert_string_equal(find("GET", "/2015-03-31/functions//configuration"), "none");
	assert_string_equal(find("GET", "/"), "none");
	assert_string_equal(find("GET", "*"), "none");
	assert_string_equal(find("GET", ""), "none");
}

TEST(a_slash_at_the_end_makes_no_difference)
{
	assert_string_equal(find("GET", "/2015-03-31/functions"), "ListFunctions {}");
	assert_string_equal(find("GET", "/2015-03-31/functions/"), "ListFunctions {}");
	assert_string_equal(find("GET", "/2015-03-31/functions/?MaxItems=2"),
			    "ListFunctions {\"MaxItems\":2}");
	assert_string_equal(find("POST", "/2014-11-13/functions/f/invoke-async/"),
			    "InvokeAsync {\"FunctionName\":\"f\"}");
	assert_string_equal(find("GET", "/2015-03-31/functions//"), "none");
}

TEST(names_may_be_arns_and_are_decoded)
{
	assert_string_equal(find("GET",
				 "/2015-03-31/functions/arn%3Aaws%3alambda%3Ar%3A0%3Afunction"
				 "%3Af%3Aprod/configuration"),
			    "GetFunctionConfiguration {\"FunctionName\":"
			    "\"arn:aws:lambda:r:0:function:f:prod\"}");
	assert_string_equal(find("GET", "/2017-03-31/tags/arn:aws:lambda:r:0:function:f"),
			    "ListTags {\"Resource\":\"arn:aws:lambda:r:0:function:f\"}");
}

TEST(the_query_is_read_and_numbers_are_numbers)
{
	assert_string_equal(find("POST", "/2015-03-31/functions/f/invocations?Qualifier=%24LATEST"),
			    "Invoke {\"FunctionName\":\"f\",\"Qualifier\":\"$LATEST\"}");
	assert_string_equal(find("GET", "/2015-03-31/functions?Marker=a+b%2B&MaxItems=10&&"),
			    "ListFunctions {\"Marker\":\"a b+\",\"MaxItems\":10}");
	assert_string_equal(find("GET", "/2015-03-31/functions?MaxItems=ten"),
			    "ListFunctions {\"MaxItems\":\"ten\"}");
	assert_string_equal(find("GET", "/2018-10-31/layers/l/versions/7"),
			    "GetLayerVersion {\"LayerName\":\"l\",\"VersionNumber\":7}");
	assert_string_equal(find("DELETE", "/2017-03-31/tags/a?tagKeys=x&tagKeys=y"),
			    "UntagResource {\"Resource\":\"a\",\"TagKeys\":[\"x\",\"y\"]}");
}

TEST(what_the_query_says_may_mean_another_operation)
{
	assert_string_equal(find("GET", "/2018-10-31/layers?find=LayerVersion&Arn=a"),
			    "GetLayerVersionByArn {\"Arn\":\"a\"}");
	assert_string_equal(find("GET", "/2018-10-31/layers"), "ListLayers {}");
	assert_string_equal(find("GET", "/2019-09-30/functions/f/provisioned-concurrency?List=ALL"),
			    "ListProvisionedConcurrencyConfigs {\"FunctionName\":\"f\"}");
	assert_string_equal(
		find("GET", "/2019-09-30/functions/f/provisioned-concurrency?Qualifier=1"),
		"GetProvisionedConcurrencyConfig {\"FunctionName\":\"f\",\"Qualifier\":\"1\"}");
}

TEST(what_cannot_be_decoded_is_refused)
{
	static char longest[3000];

	assert_string_equal(find("GET", "/2015-03-31/functions/%"), "SerializationException");
	assert_string_equal(find("GET", "/2015-03-31/functions/%4"), "SerializationException");
	assert_string_equal(find("GET", "/2015-03-31/functions/%4g"), "SerializationException");
	assert_string_equal(find("GET", "/2015-03-31/functions/a%00b"), "SerializationException");
	assert_string_equal(find("GET", "/2015-03-31/functions?Marker=%zz"),
			    "SerializationException");
	strcpy(longest, "/2015-03-31/functions/");
	memset(longest + strlen(longest), 'x', 2048);
	assert_string_equal(find("GET", longest), "SerializationException");
}

static bool is_in(const struct fa_operation *table, const struct fa_operation *operation)
{
	while (table->name && table != operation)
		table++;
	return table->name;
}

/* IAM and EventBridge have no paths: all their requests go to one. */
static bool is_of_others(const struct fa_operation *operation)
{
	return is_in(fa_role_operations, operation) ||
	       is_in(fa_policy_operations, operation) || is_in(fa_bus_operations, operation);
}

TEST(every_operation_of_lambda_has_a_path)
{
	const struct fa_operation *operation;
	const struct fa_route *routes;
	size_t at = 0, most, count, i;
	int missing = 0;

	routes = fa_routes(&count);
	while ((operation = fa_control_next(&at, &most))) {
		for (i = 0; i < count && strcmp(routes[i].operation, operation->name) != 0; i++)
			;
		if (i == count && !is_of_others(operation)) {
			print_message("%s has no path\n", operation->name);
			missing++;
		}
	}
	assert_true(at > 13);
	assert_int_equal(missing, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_operation_is_found_by_method_and_path),
		cmocka_unit_test(a_slash_at_the_end_makes_no_difference),
		cmocka_unit_test(names_may_be_arns_and_are_decoded),
		cmocka_unit_test(the_query_is_read_and_numbers_are_numbers),
		cmocka_unit_test(what_the_query_says_may_mean_another_operation),
		cmocka_unit_test(what_cannot_be_decoded_is_refused),
		cmocka_unit_test(every_operation_of_lambda_has_a_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
