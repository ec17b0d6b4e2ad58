/* SPDX-License-Identifier: MIT */
/* Which documents are policies, and what is said of those that are none. */
#include "ask.h"

#include <stdio.h>

#include <support/failing_mem.h>

static void to_json(char *out, const char *text)
{
	for (; *text; text++)
		*out++ = *text == '\'' ? '"' : *text;
	*out = '\0';
}

static void assert_malformed(enum fa_policy_kind kind, const char *text, const char *message)
{
	struct faas_error err = { 0 };
	char json[2048];

	to_json(json, text);
	assert_null(fa_policy_parse(&fa_mem_libc, json, kind, &err));
	assert_int_equal(err.code, FAAS_EINVAL);
	assert_string_equal(err.type, "MalformedPolicyDocument");
	assert_string_equal(err.message, message);
}

static void accept(enum fa_policy_kind kind, const char *text)
{
	fa_policy_free(policy_of(kind, text));
}

#define STATEMENT(inside) "{'Version':'2012-10-17','Statement':[{" inside "}]}"
#define SYNTAX "Syntax errors in policy. "
#define ALL "'Effect':'Allow','Action':'*','Resource':'*'"

TEST(a_policy_has_one_statement_or_several_and_both_versions_are_read)
{
	accept(FA_IDENTITY_POLICY, STATEMENT(ALL));
	accept(FA_IDENTITY_POLICY, "{'Statement':{" ALL "}}");
	accept(FA_IDENTITY_POLICY, "{'Version':'2008-10-17','Id':'x','Statement':{" ALL "}}");
	accept(FA_RESOURCE_POLICY, STATEMENT("'Sid':'a-b_c','Principal':'*'," ALL));
	accept(FA_TRUST_POLICY, STATEMENT("'Effect':'Allow','Action':['sts:AssumeRole'],'Principal'"
					  ":{'Service':'lambda.amazonaws.com'}"));
}

TEST(what_is_no_document_of_this_language_is_told_with_what_is_wrong)
{
	assert_malformed(FA_IDENTITY_POLICY, "[]",
			 SYNTAX "Could not parse request body into json: it is not an object");
	assert_malformed(FA_IDENTITY_POLICY, "{'Version':'2020-01-01','Statement':{" ALL "}}",
			 SYNTAX "Version must be 2012-10-17 or 2008-10-17");
	assert_malformed(FA_IDENTITY_POLICY, "{'Version':'2012-10-17'}",
			 SYNTAX "Statement must be an object or a list of them");
	assert_malformed(FA_IDENTITY_POLICY, "{'Statement':{" ALL "},'Foo':1}",
			 SYNTAX "'Foo' is no element of a policy there");
	assert_malformed(FA_IDENTITY_POLICY, "{'Id':1,'Statement':{" ALL "}}",
			 SYNTAX "Id must be a string");
	assert_malformed(FA_IDENTITY_POLICY, "{'Statement':[1]}",
			 SYNTAX "Statement 1: it must be an object");
	assert_malformed(FA_IDENTITY_POLICY, "{'Statement':[{" ALL "},{" ALL ",'Resources':'*'}]}",
			 SYNTAX "Statement 2: 'Resources' is no element of a policy there");
	assert_malformed(FA_IDENTITY_POLICY,
			 STATEMENT("'Effect':'allow','Action':'*','Resource':'*'"),
			 SYNTAX "Statement 1: Effect must be Allow or Deny");
	assert_malformed(FA_IDENTITY_POLICY, STATEMENT("'Sid':1," ALL),
			 SYNTAX "Statement 1: Sid must be a string");
	assert_malformed(FA_IDENTITY_POLICY,
			 STATEMENT("'Effect':'Allow','Action':['*',1],'Resource':'*'"),
			 SYNTAX "Statement 1: Action must be a string or a list of strings");
	assert_malformed(FA_IDENTITY_POLICY, STATEMENT("'NotAction':'*'," ALL),
			 SYNTAX "Statement 1: Action and NotAction exclude each other");
	assert_malformed(FA_IDENTITY_POLICY, STATEMENT("'NotResource':'*'," ALL),
			 SYNTAX "Statement 1: Resource and NotResource exclude each other");
}

TEST(actions_and_resources_are_needed_and_have_a_form)
{
	assert_malformed(FA_IDENTITY_POLICY, STATEMENT("'Effect':'Allow','Resource':'*'"),
			 "Policy statement must contain actions.");
	assert_malformed(FA_IDENTITY_POLICY,
			 STATEMENT("'Effect':'Allow','Action':[],'Resource':'*'"),
			 "Policy statement must contain actions.");
	assert_malformed(FA_IDENTITY_POLICY, STATEMENT("'Effect':'Allow','Action':'*'"),
			 "Policy statement must contain resources.");
	assert_malformed(FA_IDENTITY_POLICY,
			 STATEMENT("'Effect':'Allow','Action':'Invoke','Resource':'*'"),
			 "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, "
			 "etc.");
	assert_malformed(FA_IDENTITY_POLICY,
			 STATEMENT("'Effect':'Allow','Action':'a:b:c','Resource':'*'"),
			 "Actions/Condition can contain only one colon.");
	assert_malformed(FA_IDENTITY_POLICY,
			 STATEMENT("'Effect':'Allow','Action':'l*:b','Resource':'*'"),
			 "Vendor l* is not valid");
	assert_malformed(FA_IDENTITY_POLICY,
			 STATEMENT("'Effect':'Allow','Action':'*','Resource':'bucket'"),
			 "Resource bucket must be in ARN format or \"*\".");
	assert_malformed(FA_IDENTITY_POLICY,
			 STATEMENT("'Effect':'Allow','Action':'*','Resource':'arn:aws:*:::x'"),
			 "Resource vendor must be fully qualified and cannot contain regexes.");
	assert_malformed(FA_IDENTITY_POLICY,
			 STATEMENT("'Effect':'Allow','Action':'*','Resource':'arn:x:s3:::x'"),
			 "Partition \"x\" is not valid for a resource.");
	assert_malformed(FA_IDENTITY_POLICY,
			 STATEMENT("'Effect':'Allow','Action':'*','Resource':'arn:aws:s3:::${a'"),
			 SYNTAX "Statement 1: a policy variable in 'arn:aws:s3:::${a' is not well "
				"formed");
}

TEST(principals_are_for_policies_of_resources_and_roles)
{
	assert_malformed(FA_IDENTITY_POLICY, STATEMENT("'Principal':'*'," ALL),
			 "Policy document should not specify a principal.");
	assert_malformed(FA_RESOURCE_POLICY, STATEMENT(ALL), "Missing required field Principal");
	assert_malformed(FA_RESOURCE_POLICY, STATEMENT("'Principal':{}," ALL),
			 "Missing required field Principal");
	assert_malformed(FA_RESOURCE_POLICY, STATEMENT("'Principal':'*','NotPrincipal':'*'," ALL),
			 SYNTAX "Statement 1: Principal and NotPrincipal exclude each other");
	assert_malformed(FA_RESOURCE_POLICY,
			 STATEMENT("'Principal':{'AWS':'arn:aws:iam::1:user/*'}," ALL),
			 "Invalid principal in policy: \"AWS\":\"arn:aws:iam::1:user/*\"");
	assert_malformed(FA_RESOURCE_POLICY, STATEMENT("'Principal':{'AWS':'bob'}," ALL),
			 "Invalid principal in policy: \"AWS\":\"bob\"");
	assert_malformed(FA_RESOURCE_POLICY, STATEMENT("'Principal':{'Service':['*']}," ALL),
			 "Invalid principal in policy: \"Service\":\"*\"");
	assert_malformed(FA_RESOURCE_POLICY, STATEMENT("'Principal':{'Foo':'x'}," ALL),
			 "Invalid principal in policy: \"Foo\":\"\"");
	assert_malformed(FA_TRUST_POLICY, STATEMENT("'Principal':'*'," ALL),
			 "AssumeRole policy may only specify STS AssumeRole actions.");
	assert_malformed(FA_TRUST_POLICY,
			 STATEMENT("'Principal':'*','Effect':'Allow','Action':'sts:AssumeRole',"
				   "'Resource':'*'"),
			 "Has prohibited field Resource");
}

TEST(statement_ids_are_plain_and_unique)
{
	assert_malformed(FA_IDENTITY_POLICY, STATEMENT("'Sid':'a-b'," ALL),
			 "Statement IDs (SID) must be alpha-numeric. Check that your input "
			 "satisfies the regular expression [0-9A-Za-z]*");
	assert_malformed(FA_IDENTITY_POLICY,
			 "{'Statement':[{'Sid':'a'," ALL "},{" ALL "},{'Sid':'a'," ALL "}]}",
			 "Statement IDs (SID) in a single policy must be unique.");
	accept(FA_IDENTITY_POLICY, "{'Statement':[{'Sid':''," ALL "},{'Sid':''," ALL "}]}");
}

static void assert_condition(const char *condition, const char *message)
{
	char text[512], wanted[256];

	snprintf(text, sizeof(text),
		 "{'Version':'2012-10-17','Statement':{" ALL ",'Condition':%s}}", condition);
	snprintf(wanted, sizeof(wanted), SYNTAX "Statement 1: %s", message);
	assert_malformed(FA_IDENTITY_POLICY, text, wanted);
}

TEST(conditions_have_known_operators_and_values_of_their_kind)
{
	assert_condition("1", "Condition must be an object");
	assert_condition("{'StringIs':{'a:b':'c'}}", "'StringIs' is no condition operator");
	assert_condition("{'NullIfExists':{'a:b':'true'}}",
			 "'NullIfExists' is no condition operator");
	assert_condition("{'ForAnyValue:Null':{'a:b':'true'}}",
			 "'ForAnyValue:Null' is no condition operator");
	assert_condition("{'IfExists':{}}", "'IfExists' is no condition operator");
	assert_condition("{'StringEquals':'x'}", "StringEquals must be an object");
	assert_condition("{'StringEquals':{'':'x'}}", "a condition key is empty");
	assert_condition("{'StringEquals':{'a:b':[{}]}}",
			 "'that' cannot be a value of StringEquals");
	assert_condition("{'NumericEquals':{'a:b':'x'}}", "'x' cannot be a value of NumericEquals");
	assert_condition("{'DateEquals':{'a:b':'2026-13-01'}}",
			 "'2026-13-01' cannot be a value of DateEquals");
	assert_condition("{'Bool':{'a:b':'yes'}}", "'yes' cannot be a value of Bool");
	assert_condition("{'Null':{'a:b':'maybe'}}", "'maybe' cannot be a value of Null");
	assert_condition("{'IpAddress':{'a:b':'10.0.0.0/33'}}",
			 "'10.0.0.0/33' cannot be a value of IpAddress");
	assert_condition("{'StringLike':{'a:b':'${}'}}", "'${}' cannot be a value of StringLike");
	assert_condition("{'StringLike':{'a:b':'${x, y}'}}",
			 "'${x, y}' cannot be a value of StringLike");
}

TEST(eight_variables_in_a_text_are_accepted_and_nine_are_not)
{
	accept(FA_IDENTITY_POLICY,
	       STATEMENT(ALL
			 ",'Condition':{'StringLike':{'a:b':'${a}${a}${a}${a}${a}${a}${a}${a}'}}"));
	assert_condition("{'StringLike':{'a:b':'${a}${a}${a}${a}${a}${a}${a}${a}${a}'}}",
			 "'${a}${a}${a}${a}${a}${a}${a}${a}${a}' cannot be a value of StringLike");
}

TEST(without_memory_there_is_no_policy_and_nothing_is_lost)
{
	static const char text[] =
		"{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\","
		"\"Action\":\"*\",\"Resource\":\"arn:aws:s3:::${a:b}/*\","
		"\"Principal\":{\"AWS\":[\"123456789012\"]},"
		"\"Condition\":{\"IpAddress\":{\"a:b\":\"::1\"}}}}";
	struct fa_policy *policy = NULL;
	struct failing_mem mem;
	struct faas_error err;
	size_t n = 1;

	for (; !policy; n++) {
		failing_mem_init(&mem);
		mem.fail_at = n;
		policy = fa_policy_parse(&mem.mem, text, FA_RESOURCE_POLICY, &err);
		assert_true(policy || err.code == FAAS_ENOMEM);
		fa_policy_free(policy);
		assert_true(failing_mem_clean(&mem));
	}
	assert_true(n > 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_policy_has_one_statement_or_several_and_both_versions_are_read),
		cmocka_unit_test(what_is_no_document_of_this_language_is_told_with_what_is_wrong),
		cmocka_unit_test(actions_and_resources_are_needed_and_have_a_form),
		cmocka_unit_test(principals_are_for_policies_of_resources_and_roles),
		cmocka_unit_test(statement_ids_are_plain_and_unique),
		cmocka_unit_test(conditions_have_known_operators_and_values_of_their_kind),
		cmocka_unit_test(eight_variables_in_a_text_are_accepted_and_nine_are_not),
		cmocka_unit_test(without_memory_there_is_no_policy_and_nothing_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
