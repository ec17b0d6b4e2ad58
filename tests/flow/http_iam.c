/* SPDX-License-Identifier: MIT */
/* IAM and STS over HTTP: forms that are no requests of theirs, and what is said of them. */
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "support/client.h"
#include "support/flow.h"

#include <faas/http.h>

#define FORM "Content-Type: application/x-www-form-urlencoded\r\n"
#define IAM "Version=2010-05-08&Action="
#define TRUST \
	"%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow" \
	"%22%2C%22Principal%22%3A%7B%22Service%22%3A%22lambda.amazonaws.com%22%7D%2C%22Action" \
	"%22%3A%22sts%3AAssumeRole%22%7D%5D%7D"
#define CREATE IAM "CreateRole&RoleName=worker&AssumeRolePolicyDocument=" TRUST

static struct flow flow;
static struct client client;
static struct answer answer;
static int port;

static int open_it(void **state)
{
	struct faas_error err = { 0 };
	struct faas_http *http;

	(void)state;
	flow_open(&flow, NULL, false);
	http = faas_http_listen(flow.rt, NULL, &err);
	if (!http)
		fail_msg("%s", err.message);
	port = faas_http_port(http);
	client_open(&client, port);
	return 0;
}

static int close_it(void **state)
{
	(void)state;
	answer_free(&answer);
	client_close(&client);
	flow_close(&flow);
	return 0;
}

static void post_as(const char *target, const char *type, const char *body)
{
	static char text[65536];

	snprintf(text, sizeof(text),
		 "POST %s HTTP/1.1\r\nHost: localhost\r\n%sContent-Length: %zu\r\n\r\n%s", target,
		 type, strlen(body), body);
	answer_free(&answer);
	answer = client_ask(&client, text);
}

static void post(const char *body)
{
	post_as("/", FORM, body);
}

static void has(const char *text)
{
	if (!strstr(answer.body, text))
		fail_msg("%s lacks %s", answer.body, text);
}

static void refused(const char *body, int status, const char *code, const char *message)
{
	char want[512];

	post(body);
	assert_int_equal(answer.status, status);
	assert_string_equal(answer_field(&answer, "Content-Type"), "text/xml");
	snprintf(want, sizeof(want),
		 "<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message>"
		 "</Error><RequestId>",
		 code, message);
	has(want);
}

TEST(a_role_is_made_and_told_in_xml)
{
	post(CREATE "&Description=a+%3Cb%3E+%26+c");
	assert_int_equal(answer.status, 200);
	has("<CreateRoleResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">"
	    "<CreateRoleResult><Role><Path>/</Path><RoleName>worker</RoleName><RoleId>AROA");
	has("<Arn>arn:aws:iam::000000000000:role/worker</Arn>");
	has("<AssumeRolePolicyDocument>" TRUST "</AssumeRolePolicyDocument>");
	has("<Description>a &lt;b&gt; &amp; c</Description></Role></CreateRoleResult>"
	    "<ResponseMetadata><RequestId>");
	has("</RequestId></ResponseMetadata></CreateRoleResponse>");
	post(IAM "ListRoles");
	has("<ListRolesResult><Roles><member><Path>/</Path><RoleName>worker</RoleName>");
	has("</member></Roles><IsTruncated>false</IsTruncated></ListRolesResult>");
	post(IAM "DeleteRole&RoleName=worker");
	has("<DeleteRoleResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">"
	    "<ResponseMetadata>");
}

TEST(what_was_put_into_a_role_is_told_again)
{
	post(CREATE);
	post(IAM "PutRolePolicy&RoleName=worker&PolicyName=p&PolicyDocument="
		 "%7B%22Statement%22%3A%5B%5D%7D");
	assert_int_equal(answer.status, 400);
	post(IAM "PutRolePolicy&RoleName=worker&PolicyName=p&PolicyDocument="
		 "%7B%22Statement%22%3A%7B%22Effect%22%3A%22Deny%22%2C%22Action%22%3A%22%2A%22"
		 "%2C%22Resource%22%3A%22%2A%22%7D%7D");
	assert_int_equal(answer.status, 200);
	post(IAM "GetRolePolicy&RoleName=worker&PolicyName=p");
	has("<GetRolePolicyResult><RoleName>worker</RoleName><PolicyName>p</PolicyName>"
	    "<PolicyDocument>%7B%22Statement%22%3A%7B%22Effect%22%3A%22Deny%22");
	refused(IAM "GetRolePolicy&RoleName=worker&PolicyName=q", 404, "NoSuchEntity",
		"The role policy with name q cannot be found.");
}

TEST(errors_have_iams_codes_and_statuses)
{
	refused(IAM "GetRole&RoleName=none", 404, "NoSuchEntity",
		"The role with name none cannot be found.");
	post(CREATE);
	refused(CREATE, 409, "EntityAlreadyExists", "Role with name worker already exists.");
	refused(IAM "GetRole", 400, "ValidationError",
		"1 validation error detected: Value null at 'roleName' failed to satisfy "
		"constraint: Member must not be null");
	post(IAM "AttachRolePolicy&RoleName=worker&PolicyArn=arn%3Aaws%3Aiam%3A%3Aaws%3Apolicy%2F"
		 "AdministratorAccess");
	refused(IAM "DeleteRole&RoleName=worker", 409, "DeleteConflict",
		"Cannot delete entity, must detach all policies first.");
	post(IAM "CreateRole&RoleName=x&AssumeRolePolicyDocument=nonsense");
	assert_int_equal(answer.status, 400);
	has("<Code>MalformedPolicyDocument</Code>");
	post(IAM "CreateRole&RoleName=x&MaxSessionDuration=3600&AssumeRolePolicyDocument=" TRUST);
	assert_int_equal(answer.status, 400);
	has("MaxSessionDuration");
}

TEST(what_is_no_action_is_said_to_be_none)
{
	refused(IAM "CreateUser&UserName=a", 400, "InvalidAction",
		"Could not find operation CreateUser for version 2010-05-08");
	refused(IAM "CreateFunction&FunctionName=a", 400, "InvalidAction",
		"Could not find operation CreateFunction for version 2010-05-08");
	refused("Action=GetCallerIdentity", 400, "InvalidAction",
		"Could not find operation GetCallerIdentity for version NO_VERSION_SPECIFIED");
	refused("Action=GetRole&Version=2011-06-15", 400, "InvalidAction",
		"Could not find operation GetRole for version 2011-06-15");
	refused("", 400, "InvalidAction",
		"Could not find operation  for version NO_VERSION_SPECIFIED");
}

TEST(a_form_that_is_none_is_refused)
{
	static const char *const bodies[] = { "a=%",	 "a=%zz",	"a=%00",  "=b",
					      "a=1&a=2", "a=%ff%fe", "%c3=1", NULL };
	char many[65 * 6 + 1] = "";

	for (int i = 0; bodies[i]; i++) {
		post(bodies[i]);
		assert_int_equal(answer.status, 400);
		has("<Code>MalformedQueryString</Code>");
	}
	for (int i = 0; i < 65; i++)
		sprintf(many + strlen(many), "a%02d=1&", i);
	post(many);
	has("<Code>MalformedQueryString</Code>");
}

TEST(only_forms_that_are_posted_to_the_root_are_meant)
{
	post_as("/other", FORM, CREATE);
	assert_int_equal(answer.status, 404);
	post_as("/", "Content-Type: text/plain\r\n", CREATE);
	assert_int_equal(answer.status, 404);
	post_as("/?x", "content-type: Application/X-WWW-form-urlencoded; charset=utf-8\r\n",
		IAM "ListRoles");
	assert_int_equal(answer.status, 200);
}

TEST(a_web_page_cannot_post_one)
{
	post_as("/", FORM "Origin: http://example.org\r\n", CREATE);
	assert_int_equal(answer.status, 403);
	client_close(&client);
	client_open(&client, port);
	post(IAM "ListRoles");
	has("<Roles></Roles>");
}

TEST(who_signs_nothing_is_the_root_of_the_account)
{
	post("Action=GetCallerIdentity&Version=2011-06-15");
	has("<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"
	    "<GetCallerIdentityResult><UserId>000000000000</UserId><Account>000000000000</Account>"
	    "<Arn>arn:aws:iam::000000000000:root</Arn></GetCallerIdentityResult>");
}

TEST(a_policy_of_our_own_is_told_as_iam_tells_it)
{
#define STAR \
	"%7B%22Statement%22%3A%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22%2A%22%2C" \
	"%22Resource%22%3A%22%2A%22%7D%7D"
#define OWN "PolicyArn=arn%3Aaws%3Aiam%3A%3A000000000000%3Apolicy%2Fall"
	post(IAM "CreatePolicy&PolicyName=all&PolicyDocument=" STAR);
	has("<CreatePolicyResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">"
	    "<CreatePolicyResult><Policy><PolicyName>all</PolicyName><PolicyId>ANPA");
	has("<Arn>arn:aws:iam::000000000000:policy/all</Arn><Path>/</Path>");
	post(CREATE);
	post(IAM "AttachRolePolicy&RoleName=worker&" OWN);
	assert_int_equal(answer.status, 200);
	post(IAM "GetPolicy&" OWN);
	has("<GetPolicyResponse xmlns=");
	has("<AttachmentCount>1</AttachmentCount><IsAttachable>true</IsAttachable></Policy>"
	    "</GetPolicyResult>");
	post(IAM "GetPolicyVersion&VersionId=v1&" OWN);
	has("<PolicyVersion><Document>" STAR "</Document><VersionId>v1</VersionId>");
	post(IAM "ListPolicies&Scope=Local");
	has("<Policies><member><PolicyName>all</PolicyName>");
	refused(IAM "DeletePolicy&" OWN, 409, "DeleteConflict",
		"Cannot delete a policy attached to entities.");
	refused(IAM "iam%3AGetPolicy&" OWN, 400, "InvalidAction",
		"Could not find operation iam:GetPolicy for version 2010-05-08");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_it, close_it)
	const struct CMUnitTest tests[] = {
		CASE(a_role_is_made_and_told_in_xml),
		CASE(what_was_put_into_a_role_is_told_again),
		CASE(errors_have_iams_codes_and_statuses),
		CASE(what_is_no_action_is_said_to_be_none),
		CASE(a_form_that_is_none_is_refused),
		CASE(only_forms_that_are_posted_to_the_root_are_meant),
		CASE(a_web_page_cannot_post_one),
		CASE(who_signs_nothing_is_the_root_of_the_account),
		CASE(a_policy_of_our_own_is_told_as_iam_tells_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
