/* SPDX-License-Identifier: MIT */
/* Roles: whom they trust, and what functions that have one may do; semantics 10. */
#include "support/test.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "support/control.h"

#define ROLE "arn:aws:iam::000000000000:role/r"
#define TRUST(who) \
	"{\\\"Version\\\":\\\"2012-10-17\\\",\\\"Statement\\\":[{\\\"Effect\\\":\\\"Allow\\\"," \
	"\\\"Principal\\\":{\\\"Service\\\":\\\"" who ".amazonaws.com\\\"},\\\"Action\\\":" \
	"\\\"sts:AssumeRole\\\"}]}"
#define CREATE(name, who) \
	"{\"RoleName\":\"" name "\",\"AssumeRolePolicyDocument\":\"" TRUST(who) "\"}"
#define ALLOW(actions) \
	"{\\\"Version\\\":\\\"2012-10-17\\\",\\\"Statement\\\":[{\\\"Effect\\\":\\\"Allow\\\"," \
	"\\\"Action\\\":[" actions "],\\\"Resource\\\":\\\"*\\\"}]}"
#define PUT(actions) \
	"{\"RoleName\":\"r\",\"PolicyName\":\"p\",\"PolicyDocument\":\"" ALLOW(actions) "\"}"
#define SMALL STATEMENT("Allow")
#define DENY STATEMENT("Deny")
#define STATEMENT(effect) \
	"{\\\"Statement\\\":{\\\"Effect\\\":\\\"" effect "\\\",\\\"Action\\\":\\\"*\\\"," \
	"\\\"Resource\\\":\\\"*\\\"}}"
#define GROUP "\\\"logs:CreateLogGroup\\\""
#define STREAM "\\\"logs:CreateLogStream\\\""
#define EVENTS "\\\"logs:PutLogEvents\\\""
#define R "{\"RoleName\":\"r\"}"
#define BASIC "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
#define ATTACH "{\"RoleName\":\"r\",\"PolicyArn\":\"" BASIC "\"}"
#define CANNOT "The role defined for the function cannot be assumed by Lambda."
#define REFUSED "is not authorized to perform: "

static int make(const char *name, const char *role)
{
	return faas_function_create(flow.rt,
				    FAAS_FUNCTION(.name = name, .code = TEST_PLUGINS,
						  .handler = "echo.log", .role = role),
				    &err);
}

/* ---- trust ------------------------------------------------------------- */

TEST(a_function_gets_a_role_that_lambda_may_assume_and_no_other)
{
	perform("CreateRole", CREATE("r", "lambda"));
	perform("CreateRole", CREATE("other", "ec2"));
	assert_int_equal(make("a", ROLE), 0);
	assert_int_equal(make("b", "arn:aws:iam::000000000000:role/other"), FAAS_EINVAL);
	assert_string_equal(err.message, CANNOT);
	assert_int_equal(make("b", "arn:aws:iam::000000000000:role/none"), FAAS_EINVAL);
	assert_string_equal(err.message, CANNOT);
	assert_int_equal(make("b", "arn:aws:iam::000000000000:role/path/r"), FAAS_EINVAL);
	refused("GetFunction", "{\"FunctionName\":\"b\"}", "ResourceNotFoundException",
		"Function not found: arn:aws:lambda:local-1:000000000000:function:b:$LATEST");
	refused("UpdateFunctionConfiguration",
		"{\"FunctionName\":\"f\",\"Role\":\"arn:aws:iam::000000000000:role/other\"}",
		"InvalidParameterValueException", CANNOT);
	perform("UpdateFunctionConfiguration", "{\"FunctionName\":\"f\",\"Role\":\"" ROLE "\"}");
}

TEST(a_host_without_roles_gives_whatever_it_likes)
{
	struct faas_isolation *report;

	assert_int_equal(make("a", "arn:aws:iam::000000000000:role/none"), 0);
	flow_call(&flow, "a", "words");
	flow_await_log(&flow, "words");
	assert_int_equal(faas_isolation_report(flow.rt, &report, NULL), 0);
	assert_non_null(strstr(report->text, "policies: none, for there are no roles"));
	faas_free(report);
	perform("CreateRole", CREATE("r", "lambda"));
	assert_int_equal(faas_isolation_report(flow.rt, &report, NULL), 0);
	assert_non_null(strstr(report->text, "policies: applied"));
	faas_free(report);
}

/* ---- logs -------------------------------------------------------------- */

/* Calls `a` with these words; all that is told of it was told when this returns. */
static void call(const char *words)
{
	static int calls;
	char last[24];

	snprintf(last, sizeof(last), "last %d", ++calls);
	flow_call(&flow, "a", words);
	flow_call(&flow, "free", last);
	flow_await_log(&flow, last);
}

static void without(const char *actions, const char *missing)
{
	char request[1024], wanted[256];

	snprintf(request, sizeof(request),
		 "{\"RoleName\":\"r\",\"PolicyName\":\"p\",\"PolicyDocument\":\"" ALLOW("%s") "\"}",
		 actions);
	perform("PutRolePolicy", request);
	call("silence");
	snprintf(wanted, sizeof(wanted),
		 "3 User: arn:aws:sts::000000000000:assumed-role/r/a " REFUSED "%s on resource: "
		 "arn:aws:logs:local-1:000000000000:log-group:/aws/lambda/a",
		 missing);
	flow_await_log(&flow, wanted);
	assert_int_equal(flow_log_count(&flow, "silence"), 0);
}

TEST(the_three_actions_of_the_documentation_are_enough_and_one_less_is_not)
{
	perform("CreateRole", CREATE("r", "lambda"));
	perform("PutRolePolicy", PUT(GROUP "," STREAM "," EVENTS));
	assert_int_equal(make("a", ROLE), 0);
	assert_int_equal(make("free", NULL), 0);
	call("words");
	flow_await_log(&flow, "words");
	assert_int_equal(flow_log_count(&flow, REFUSED), 0);
	without(STREAM "," EVENTS, "logs:CreateLogGroup");
	without(GROUP "," EVENTS, "logs:CreateLogStream");
	without(GROUP "," STREAM, "logs:PutLogEvents");
	assert_int_equal(flow_log_count(&flow, REFUSED), 3); /* each is told once */
	perform("AttachRolePolicy", ATTACH);
	call("again");
	flow_await_log(&flow, "again");
}

TEST(a_tail_and_metrics_are_there_whatever_is_recorded)
{
	struct faas_result *result;

	perform("CreateRole", CREATE("r", "lambda"));
	assert_int_equal(make("a", ROLE), 0);
	assert_int_equal(faas_invoke_wait(flow.rt,
					  FAAS_REQUEST(.function = "a", .payload = { "words", 5 },
						       .log_tail = true),
					  &result, &err),
			 0);
	flow_await_log(&flow, REFUSED "logs:CreateLogGroup");
	assert_non_null(memmem(result->log_tail.data, result->log_tail.len, "words", 5));
	faas_free(result);
	assert_int_equal(flow_log_count(&flow, "words"), 0);
	for (int i = 0; flow_metric(&flow, "Invocations") < 1; i++) { /* real time, bounded */
		assert_true(i < 10000);
		usleep(1000);
	}
}

TEST(a_policy_that_denies_counts_however_many_there_are)
{
	char request[1024];

	perform("CreateRole", CREATE("r", "lambda"));
	for (int i = 0; i < 40; i++) {
		snprintf(request, sizeof(request),
			 "{\"RoleName\":\"r\",\"PolicyName\":\"p%d\",\"PolicyDocument\":\"" SMALL
			 "\"}",
			 i);
		perform("PutRolePolicy", request);
	}
	assert_int_equal(make("a", ROLE), 0);
	assert_int_equal(make("free", NULL), 0);
	call("words");
	flow_await_log(&flow, "words");
	perform("PutRolePolicy", "{\"RoleName\":\"r\",\"PolicyName\":\"q\",\"PolicyDocument\":\""
				 DENY "\"}");
	call("silence");
	flow_await_log(&flow, "with an explicit deny in an identity-based policy");
	assert_int_equal(flow_log_count(&flow, "silence"), 0);
}

TEST(logs_are_as_refused_after_a_restart_as_before)
{
	perform("CreateRole", CREATE("r", "lambda"));
	assert_int_equal(make("a", ROLE), 0);
	flow_close(&flow);
	flow_open(&flow, &(struct faas_config){ .state_dir = control_folder }, false);
	assert_int_equal(make("a", ROLE), 0);
	assert_int_equal(make("free", NULL), 0);
	call("silence");
	flow_await_log(&flow, REFUSED "logs:CreateLogGroup");
	assert_int_equal(flow_log_count(&flow, "silence"), 0);
}

/* ---- the operations ---------------------------------------------------- */

TEST(a_role_is_created_told_listed_and_deleted)
{
	perform("CreateRole", CREATE("r", "lambda"));
	has("\"Role\":{\"Path\":\"/\",\"RoleName\":\"r\",\"RoleId\":\"AROA");
	has("\"Arn\":\"" ROLE "\"");
	perform("GetRole", R);
	has("\"AssumeRolePolicyDocument\":\"{\\\"Version\\\"");
	perform("ListRoles", "{}");
	has("\"Roles\":[{\"Path\":\"/\",\"RoleName\":\"r\"");
	refused("CreateRole", CREATE("r", "lambda"), "EntityAlreadyExists",
		"Role with name r already exists.");
	perform("DeleteRole", R);
	refused("GetRole", R, "NoSuchEntity", "The role with name r cannot be found.");
	refused("DeleteRole", R, "NoSuchEntity", "The role with name r cannot be found.");
}

TEST(a_role_ends_after_its_policies)
{
	perform("CreateRole", CREATE("r", "lambda"));
	perform("PutRolePolicy", PUT(EVENTS));
	perform("AttachRolePolicy", ATTACH);
	assert_string_equal(perform("ListRolePolicies", R), "{\"PolicyNames\":[\"p\"]}");
	assert_string_equal(perform("ListAttachedRolePolicies", R),
			    "{\"AttachedPolicies\":[{\"PolicyName\":\"AWSLambdaBasicExecutionRole\""
			    ",\"PolicyArn\":\"" BASIC "\"}]}");
	refused("DeleteRole", R, "DeleteConflict",
		"Cannot delete entity, must detach all policies first.");
	perform("DetachRolePolicy", ATTACH);
	refused("DetachRolePolicy", ATTACH, "NoSuchEntity", "Policy " BASIC " was not found.");
	refused("DeleteRole", R, "DeleteConflict",
		"Cannot delete entity, must delete policies first.");
	perform("DeleteRolePolicy", "{\"RoleName\":\"r\",\"PolicyName\":\"p\"}");
	refused("DeleteRolePolicy", "{\"RoleName\":\"r\",\"PolicyName\":\"p\"}", "NoSuchEntity",
		"The role policy with name p cannot be found.");
	perform("DeleteRole", R);
}

TEST(what_is_no_policy_is_refused)
{
	perform("CreateRole", CREATE("r", "lambda"));
	refused("CreateRole", "{\"RoleName\":\"s\",\"AssumeRolePolicyDocument\":\"{}\"}",
		"MalformedPolicyDocument",
		"Syntax errors in policy. Statement must be an object or a list of them");
	refused("PutRolePolicy",
		"{\"RoleName\":\"r\",\"PolicyName\":\"p\",\"PolicyDocument\":\"" TRUST(
			"lambda") "\"}",
		"MalformedPolicyDocument", "Policy document should not specify a principal.");
	refused("UpdateAssumeRolePolicy",
		"{\"RoleName\":\"r\",\"PolicyDocument\":\"" ALLOW(EVENTS) "\"}",
		"MalformedPolicyDocument", "Missing required field Principal");
	refused("AttachRolePolicy",
		"{\"RoleName\":\"r\",\"PolicyArn\":\"arn:aws:iam::aws:policy/Nobody\"}",
		"NoSuchEntity",
		"Policy arn:aws:iam::aws:policy/Nobody does not exist or is not attachable.");
	assert_string_equal(perform("ListRolePolicies", R), "{\"PolicyNames\":[]}");
}

TEST(all_policies_of_a_role_have_ten_kilobytes)
{
	static char request[12000], action[5021];

	memset(action, 'x', sizeof(action) - 1);
	perform("CreateRole", CREATE("r", "lambda"));
	for (int i = 0; i < 3; i++) {
		snprintf(request, sizeof(request),
			 "{\"RoleName\":\"r\",\"PolicyName\":\"p%d\",\"PolicyDocument\":\"" ALLOW(
				 "\\\"s3:%s\\\"") "\"}",
			 i % 2, action);
		perform("PutRolePolicy", request);
	}
	refused("PutRolePolicy",
		"{\"RoleName\":\"r\",\"PolicyName\":\"q\",\"PolicyDocument\":\"" SMALL "\"}",
		"LimitExceeded", "Maximum policy size of 10240 bytes exceeded for role r");
	assert_string_equal(perform("ListRolePolicies", R), "{\"PolicyNames\":[\"p0\",\"p1\"]}");
}

TEST(a_changed_trust_counts_for_the_next_function)
{
	perform("CreateRole", CREATE("r", "ec2"));
	assert_int_equal(make("a", ROLE), FAAS_EINVAL);
	perform("UpdateAssumeRolePolicy",
		"{\"RoleName\":\"r\",\"PolicyDocument\":\"" TRUST("lambda") "\"}");
	assert_int_equal(make("a", ROLE), 0);
}

TEST(roles_outlive_the_program)
{
	char before[2048];

	perform("CreateRole", CREATE("r", "lambda"));
	perform("PutRolePolicy", PUT(GROUP));
	assert_int_equal(make("a", ROLE), 0);
	snprintf(before, sizeof(before), "%s", perform("GetRole", R));
	control_restart();
	assert_string_equal(perform("GetRole", R), before);
	assert_string_equal(perform("ListRolePolicies", R), "{\"PolicyNames\":[\"p\"]}");
	assert_int_equal(make("a", "arn:aws:iam::000000000000:role/none"), FAAS_EINVAL);
	assert_string_equal(err.message, CANNOT);
	assert_int_equal(make("a", ROLE), 0);
}

/* ---- many at once ------------------------------------------------------ */

#define THREADS 8
#define EACH 20

static pthread_barrier_t together;

static void *put_policies(void *data)
{
	char request[1024];

	pthread_barrier_wait(&together);
	for (int i = 0; i < EACH; i++) {
		snprintf(request, sizeof(request),
			 "{\"RoleName\":\"r\",\"PolicyName\":\"p%d.%d\",\"PolicyDocument\":\""
			 SMALL "\"}",
			 (int)(intptr_t)data, i);
		if (faas_control(flow.rt, "PutRolePolicy", request, NULL, NULL))
			return "a policy was refused";
	}
	return NULL;
}

TEST(policies_that_are_put_at_once_are_all_there)
{
	pthread_t threads[THREADS];
	void *wrong;

	pthread_barrier_init(&together, NULL, THREADS);
	perform("CreateRole", CREATE("r", "lambda"));
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, put_policies, (void *)(intptr_t)i), 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &wrong);
		assert_null(wrong);
	}
	pthread_barrier_destroy(&together);
	perform("ListRolePolicies", R);
	for (int i = 0; i < THREADS * EACH; i++) {
		char name[16];

		snprintf(name, sizeof(name), "\"p%d.%d\"", i / EACH, i % EACH);
		has(name);
	}
}

/* In real time: what is told is waited for. */
static int open_real(void **state)
{
	(void)state;
	return control_open_with(NULL, false);
}

#define WITH_F(test) cmocka_unit_test_setup_teardown(test, open_real, control_close)
#define LASTING(test) \
	cmocka_unit_test_setup_teardown(test, control_open_lasting, control_close_lasting)

/* ---- policies of our own ------------------------------------------------- */

#define OWN "arn:aws:iam::000000000000:policy/team/logs"
#define CREATE_OWN \
	"{\"PolicyName\":\"logs\",\"Path\":\"/team/\",\"PolicyDocument\":\"" \
	ALLOW(GROUP "," STREAM "," EVENTS) "\"}"
#define OWN_ARN "{\"PolicyArn\":\"" OWN "\"}"
#define ATTACH_OWN "{\"RoleName\":\"r\",\"PolicyArn\":\"" OWN "\"}"

TEST(a_policy_of_our_own_allows_what_it_says_while_it_is_attached)
{
	perform("CreateRole", CREATE("r", "lambda"));
	perform("CreatePolicy", CREATE_OWN);
	has("\"Arn\":\"" OWN "\"");
	has("\"AttachmentCount\":0");
	assert_int_equal(make("a", ROLE), 0);
	flow_call(&flow, "a", "alpha");
	flow_await_log(&flow, REFUSED);
	perform("AttachRolePolicy", ATTACH_OWN);
	flow_call(&flow, "a", "beta");
	flow_await_log(&flow, "beta");
	perform("ListAttachedRolePolicies", R);
	has("{\"PolicyName\":\"logs\",\"PolicyArn\":\"" OWN "\"}");
	perform("iam:GetPolicy", OWN_ARN);
	has("\"AttachmentCount\":1");
	refused("DeletePolicy", OWN_ARN, "DeleteConflict",
		"Cannot delete a policy attached to entities.");
	perform("DetachRolePolicy", ATTACH_OWN);
	perform("DeletePolicy", OWN_ARN);
	refused("AttachRolePolicy", ATTACH_OWN, "NoSuchEntity",
		"Policy " OWN " does not exist or is not attachable.");
}

TEST(a_policy_is_told_whole_whoever_made_it)
{
	perform("CreatePolicy", CREATE_OWN);
	refused("CreatePolicy", CREATE_OWN, "EntityAlreadyExists",
		"A policy called logs already exists. Duplicate names are not allowed.");
	perform("GetPolicyVersion", "{\"PolicyArn\":\"" OWN "\",\"VersionId\":\"v1\"}");
	has("logs:CreateLogGroup");
	has("\"IsDefaultVersion\":true");
	refused("GetPolicyVersion", "{\"PolicyArn\":\"" OWN "\",\"VersionId\":\"v2\"}",
		"NoSuchEntity", "Policy " OWN " version v2 does not exist or is not attachable.");
	perform("GetPolicyVersion", "{\"PolicyArn\":\"" BASIC "\",\"VersionId\":\"v1\"}");
	has("logs:PutLogEvents");
	perform("ListPolicies", "{\"Scope\":\"Local\"}");
	has(OWN);
	lacks(BASIC);
	perform("ListPolicies", "{\"Scope\":\"AWS\"}");
	has(BASIC);
	lacks(OWN);
	perform("ListPolicies", "{}");
	has(BASIC);
	has(OWN);
	refused("iam:GetPolicy", "{\"PolicyArn\":\"arn:aws:iam::aws:policy/none\"}",
		"NoSuchEntity", "Policy arn:aws:iam::aws:policy/none was not found.");
	refused("DeletePolicy", "{\"PolicyArn\":\"" BASIC "\"}", "NoSuchEntity",
		"Policy " BASIC " was not found.");
	assert_int_equal(faas_control(flow.rt, "CreatePolicy",
				      "{\"PolicyName\":\"n\",\"PolicyDocument\":\"{}\"}", NULL,
				      &err),
			 FAAS_EINVAL);
	assert_string_equal(err.type, "MalformedPolicyDocument");
}

TEST(a_policy_of_our_own_is_there_after_a_restart_and_still_attached)
{
	perform("CreateRole", CREATE("r", "lambda"));
	perform("CreatePolicy", CREATE_OWN);
	perform("AttachRolePolicy", ATTACH_OWN);
	control_restart();
	perform("iam:GetPolicy", OWN_ARN);
	has("\"AttachmentCount\":1");
	assert_int_equal(make("a", ROLE), 0);
	flow_call(&flow, "a", "words");
	flow_await_log(&flow, "words");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_F(a_function_gets_a_role_that_lambda_may_assume_and_no_other),
		WITH_F(a_host_without_roles_gives_whatever_it_likes),
		WITH_F(the_three_actions_of_the_documentation_are_enough_and_one_less_is_not),
		WITH_F(a_tail_and_metrics_are_there_whatever_is_recorded),
		WITH_F(a_policy_that_denies_counts_however_many_there_are),
		LASTING(logs_are_as_refused_after_a_restart_as_before),
		WITH_F(a_role_is_created_told_listed_and_deleted),
		WITH_F(a_role_ends_after_its_policies),
		WITH_F(what_is_no_policy_is_refused),
		WITH_F(all_policies_of_a_role_have_ten_kilobytes),
		WITH_F(a_changed_trust_counts_for_the_next_function),
		WITH_F(policies_that_are_put_at_once_are_all_there),
		LASTING(roles_outlive_the_program),
		WITH_F(a_policy_of_our_own_allows_what_it_says_while_it_is_attached),
		WITH_F(a_policy_is_told_whole_whoever_made_it),
		LASTING(a_policy_of_our_own_is_there_after_a_restart_and_still_attached),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
