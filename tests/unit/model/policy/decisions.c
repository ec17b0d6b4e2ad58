/* SPDX-License-Identifier: MIT */
/* Who may do what to what, when several policies bear on it; semantics 10. */
#include "ask.h"

#include <stdio.h>

#define IDENTITY(statement) \
	policy_of(FA_IDENTITY_POLICY, "{'Version':'2012-10-17','Statement':" statement "}")
#define RESOURCE(statement) \
	policy_of(FA_RESOURCE_POLICY, "{'Version':'2012-10-17','Statement':" statement "}")
#define ALLOW_ALL IDENTITY("{'Effect':'Allow','Action':'*','Resource':'*'}")
#define ALLOW_S3 IDENTITY("{'Effect':'Allow','Action':'s3:*','Resource':'*'}")
#define DENY_ALL IDENTITY("{'Effect':'Deny','Action':'*','Resource':'*'}")
#define OPEN_TO(principal) \
	RESOURCE("{'Effect':'Allow','Action':'lambda:InvokeFunction','Resource':'*','Principal'" \
		 ":" principal "}")

/* Policies at each place, taken; NULL: none there. */
struct places {
	struct fa_policy *identity, *boundary, *session, *control, *resource;
	const char *owner;
	bool resource_alone;
};

static struct fa_policy_set set_of(struct fa_policy *const *policy)
{
	return *policy ? (struct fa_policy_set){ (const struct fa_policy *const *)policy, 1 }
		       : (struct fa_policy_set){ NULL, 0 };
}

static struct fa_policy_decision decide(const struct fa_principal *who, struct places p)
{
	const struct fa_policy_request request = { who, "lambda:InvokeFunction", FUNCTION, NULL,
						   0 };
	const struct fa_policy_rules rules = { set_of(&p.identity), set_of(&p.boundary),
					       set_of(&p.session),  set_of(&p.control),
					       set_of(&p.resource), p.owner,
					       p.resource_alone };
	struct fa_policy_decision decision = fa_policy_decide(&rules, &request);

	fa_policy_free(p.identity);
	fa_policy_free(p.boundary);
	fa_policy_free(p.session);
	fa_policy_free(p.control);
	fa_policy_free(p.resource);
	return decision;
}

#define DECIDE(who, ...) decide(&(who), (struct places){ __VA_ARGS__ })

static void assert_denied(struct fa_policy_decision decision, enum fa_effect effect,
			  enum fa_policy_place place)
{
	assert_int_equal(decision.effect, effect);
	assert_int_equal(decision.place, place);
}

#define ASSERT_ALLOWED(who, ...) assert_int_equal(DECIDE(who, __VA_ARGS__).effect, FA_ALLOW)
#define ASSERT_IMPLICIT(place, who, ...) \
	assert_denied(DECIDE(who, __VA_ARGS__), FA_IMPLICIT_DENY, place)
#define ASSERT_EXPLICIT(place, who, ...) \
	assert_denied(DECIDE(who, __VA_ARGS__), FA_EXPLICIT_DENY, place)

/* ---- one policy -------------------------------------------------------- */

static enum fa_effect of(const char *statement, const char *action, const char *resource)
{
	const struct fa_policy_request request = { &bob, action, resource, NULL, 0 };
	char text[1024];

	snprintf(text, sizeof(text), "{'Version':'2012-10-17','Statement':%s}", statement);
	return says(text, &request);
}

TEST(what_nobody_allows_is_denied)
{
	ASSERT_IMPLICIT(FA_BY_IDENTITY, bob, .owner = NULL);
	ASSERT_IMPLICIT(FA_BY_IDENTITY, bob, .identity = ALLOW_S3);
	ASSERT_ALLOWED(bob, .identity = ALLOW_ALL);
}

TEST(an_action_has_wildcards_and_no_case)
{
	static const char *const yes[] = { "LAMBDA:invokefunction", "lambda:*", "lambda:Inv?ke*",
					   "*", "*:InvokeFunction" };
	static const char *const no[] = { "lambda:Invoke", "lambda:InvokeFunction?", "s3:*" };
	char text[256];

	for (size_t i = 0; i < 5 + 3; i++) {
		snprintf(text, sizeof(text), "{'Effect':'Allow','Action':'%s','Resource':'*'}",
			 i < 5 ? yes[i] : no[i - 5]);
		assert_int_equal(of(text, "lambda:InvokeFunction", FUNCTION),
				 i < 5 ? FA_ALLOW : FA_IMPLICIT_DENY);
	}
}

TEST(a_resource_has_case_and_its_wildcards_stay_in_their_segment)
{
	static const struct {
		const char *pattern, *resource;
		bool covers;
	} rows[] = {
		{ "*", FUNCTION, true },
		{ "*", "*", true },
		{ FUNCTION, FUNCTION, true },
		{ FUNCTION, FUNCTION ":live", false },
		{ FUNCTION ":*", FUNCTION ":live", true },
		{ "arn:aws:lambda:*:*:function:*", FUNCTION, true },
		{ "arn:aws:lambda:us-east-?:*:function:*", FUNCTION, true },
		{ "arn:aws:lambda:us-east-1:" ACCOUNT ":function*live", FUNCTION ":live", true },
		{ "arn:aws:lambda:us-east-1:" ACCOUNT ":function:F", FUNCTION, false },
		{ "arn:aws:lambda:us*:function:f", FUNCTION, false },
		{ "arn:aws:lambda:*", FUNCTION, true },
		{ "arn:aws:lambda", FUNCTION, true },
		{ "arn:aws:s3:::b/*", "arn:aws:s3:::b/x/y", true },
		{ "arn:aws:s3:::b/*", "arn:aws:s3:::bc", false },
		{ "arn:aws:lambda:*:*:*", "*", false },
	};
	char text[256];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(text, sizeof(text), "{'Effect':'Allow','Action':'*','Resource':['%s']}",
			 rows[i].pattern);
		assert_int_equal(of(text, "lambda:x", rows[i].resource) == FA_ALLOW,
				 rows[i].covers);
	}
}

TEST(not_action_and_not_resource_mean_everything_else)
{
	static const char action[] =
		"{'Effect':'Allow','NotAction':['iam:*','s3:Put*'],'Resource':'*'}";
	static const char resource[] =
		"{'Effect':'Allow','Action':'*','NotResource':['arn:aws:lambda:*:*:function:g']}";

	assert_int_equal(of(action, "lambda:InvokeFunction", FUNCTION), FA_ALLOW);
	assert_int_equal(of(action, "IAM:CreateRole", FUNCTION), FA_IMPLICIT_DENY);
	assert_int_equal(of(resource, "lambda:x", FUNCTION), FA_ALLOW);
	assert_int_equal(of(resource, "lambda:x", "arn:aws:lambda:r:1:function:g"),
			 FA_IMPLICIT_DENY);
}

TEST(a_variable_in_a_resource_stays_in_its_segment_and_needs_a_value)
{
	static const char statement[] =
		"{'Version':'2012-10-17','Statement':{'Effect':'Allow',"
		"'Action':'*','Resource':'arn:aws:lambda:${aws:region}:*:*'}}";
	const char *region = "us-east-1", *two = "us-east-1:" ACCOUNT;
	struct fa_fact fact = { "aws:region", &region, 1 };
	struct fa_policy_request request = { &bob, "lambda:x", FUNCTION, &fact, 1 };

	assert_int_equal(says(statement, &request), FA_ALLOW);
	fact.values = &two;
	assert_int_equal(says(statement, &request), FA_IMPLICIT_DENY);
	request.fact_count = 0;
	assert_int_equal(says(statement, &request), FA_IMPLICIT_DENY);
}

TEST(not_resource_with_a_variable_without_a_value_applies_to_nothing)
{
	assert_int_equal(of("{'Effect':'Allow','Action':'*','NotResource':'arn:aws:s3:::${a:b}'}",
			    "lambda:x", FUNCTION),
			 FA_IMPLICIT_DENY);
}

TEST(a_statement_that_denies_wins_wherever_it_stands)
{
	assert_int_equal(of("[{'Effect':'Deny','Action':'lambda:*','Resource':'*'},"
			    "{'Effect':'Allow','Action':'*','Resource':'*'}]",
			    "lambda:x", FUNCTION),
			 FA_EXPLICIT_DENY);
	assert_int_equal(of("[{'Effect':'Allow','Action':'*','Resource':'*'},"
			    "{'Effect':'Deny','Action':'lambda:*','Resource':'*'}]",
			    "lambda:x", FUNCTION),
			 FA_EXPLICIT_DENY);
}

TEST(an_explicit_deny_at_any_place_beats_every_allow)
{
	ASSERT_EXPLICIT(FA_BY_IDENTITY, bob, .identity = DENY_ALL, .resource = OPEN_TO("'*'"));
	ASSERT_EXPLICIT(FA_BY_BOUNDARY, bob, .identity = ALLOW_ALL, .boundary = DENY_ALL);
	ASSERT_EXPLICIT(FA_BY_SESSION, session, .identity = ALLOW_ALL, .session = DENY_ALL);
	ASSERT_EXPLICIT(FA_BY_CONTROL, bob, .identity = ALLOW_ALL, .control = DENY_ALL);
	ASSERT_EXPLICIT(FA_BY_RESOURCE, bob, .identity = ALLOW_ALL,
			.resource = RESOURCE("{'Effect':'Deny','Action':'*','Resource':'*',"
					     "'Principal':{'AWS':'" ACCOUNT "'}}"));
}

/* ---- identity and resource --------------------------------------------- */

TEST(within_an_account_the_policy_of_the_resource_may_suffice)
{
	ASSERT_ALLOWED(bob, .resource = OPEN_TO("'*'"));
	ASSERT_ALLOWED(bob, .resource = OPEN_TO("{'AWS':'*'}"));
	ASSERT_ALLOWED(bob, .resource = OPEN_TO("{'AWS':'" USER "'}"));
	ASSERT_ALLOWED(session, .resource = OPEN_TO("{'AWS':'" ROLE "'}"));
	ASSERT_ALLOWED(session, .resource = OPEN_TO("{'AWS':'" SESSION "'}"));
	ASSERT_IMPLICIT(FA_BY_IDENTITY, bob, .resource = OPEN_TO("{'AWS':'" ROLE "'}"));
}

TEST(an_account_that_is_named_leaves_it_to_its_own_policies)
{
	ASSERT_IMPLICIT(FA_BY_IDENTITY, bob, .resource = OPEN_TO("{'AWS':'" ACCOUNT "'}"));
	ASSERT_IMPLICIT(FA_BY_IDENTITY, bob,
			.resource = OPEN_TO("{'AWS':'arn:aws:iam::" ACCOUNT ":root'}"));
	ASSERT_ALLOWED(bob, .identity = ALLOW_ALL,
		       .resource = OPEN_TO("{'AWS':['arn:aws:iam::" ACCOUNT ":root']}"));
}

TEST(across_accounts_both_must_allow)
{
	ASSERT_IMPLICIT(FA_BY_RESOURCE, bob, .identity = ALLOW_ALL, .owner = "999999999999");
	ASSERT_IMPLICIT(FA_BY_IDENTITY, bob, .resource = OPEN_TO("{'AWS':'" USER "'}"),
			.owner = "999999999999");
	ASSERT_ALLOWED(bob, .identity = ALLOW_ALL, .resource = OPEN_TO("{'AWS':'" ACCOUNT "'}"),
		       .owner = "999999999999");
	ASSERT_ALLOWED(bob, .identity = ALLOW_ALL,
		       .resource = OPEN_TO("{'AWS':'arn:aws:iam::" ACCOUNT ":root'}"),
		       .owner = "999999999999");
	ASSERT_IMPLICIT(FA_BY_BOUNDARY, bob, .identity = ALLOW_ALL, .boundary = ALLOW_S3,
			.resource = OPEN_TO("{'AWS':'" USER "'}"), .owner = "999999999999");
}

TEST(not_principal_means_everybody_else)
{
	ASSERT_EXPLICIT(FA_BY_RESOURCE, session, .identity = ALLOW_ALL,
			.resource = RESOURCE("{'Effect':'Deny','Action':'*','Resource':'*',"
					     "'NotPrincipal':{'AWS':'" USER "'}}"));
	ASSERT_ALLOWED(bob, .identity = ALLOW_ALL,
		       .resource = RESOURCE("{'Effect':'Deny','Action':'*','Resource':'*',"
					    "'NotPrincipal':{'AWS':'" USER "'}}"));
}

TEST(not_principal_excepts_nobody_who_has_a_boundary)
{
	ASSERT_EXPLICIT(FA_BY_RESOURCE, bob, .identity = ALLOW_ALL, .boundary = ALLOW_ALL,
			.resource = RESOURCE("{'Effect':'Deny','Action':'*','Resource':'*',"
					     "'NotPrincipal':{'AWS':'" USER "'}}"));
}

/* ---- limits ------------------------------------------------------------ */

TEST(boundaries_sessions_and_controls_must_allow_too)
{
	ASSERT_IMPLICIT(FA_BY_BOUNDARY, bob, .identity = ALLOW_ALL, .boundary = ALLOW_S3);
	ASSERT_IMPLICIT(FA_BY_SESSION, session, .identity = ALLOW_ALL, .session = ALLOW_S3);
	ASSERT_IMPLICIT(FA_BY_CONTROL, bob, .identity = ALLOW_ALL, .control = ALLOW_S3);
	ASSERT_ALLOWED(session, .identity = ALLOW_ALL, .boundary = ALLOW_ALL, .session = ALLOW_ALL,
		       .control = ALLOW_ALL);
	ASSERT_IMPLICIT(FA_BY_IDENTITY, bob, .boundary = ALLOW_ALL);
}

TEST(a_resource_that_names_a_user_or_session_passes_by_boundary_and_session_policies)
{
	ASSERT_ALLOWED(bob, .boundary = ALLOW_S3, .resource = OPEN_TO("{'AWS':'" USER "'}"));
	ASSERT_ALLOWED(session, .boundary = ALLOW_S3, .session = ALLOW_S3,
		       .resource = OPEN_TO("{'AWS':'" SESSION "'}"));
	ASSERT_IMPLICIT(FA_BY_CONTROL, bob, .control = ALLOW_S3,
			.resource = OPEN_TO("{'AWS':'" USER "'}"));
}

TEST(a_resource_that_names_the_role_does_not)
{
	ASSERT_IMPLICIT(FA_BY_BOUNDARY, session, .boundary = ALLOW_S3,
			.resource = OPEN_TO("{'AWS':'" ROLE "'}"));
	ASSERT_IMPLICIT(FA_BY_SESSION, session, .session = ALLOW_S3,
			.resource = OPEN_TO("{'AWS':'" ROLE "'}"));
}

/* ---- services, trust --------------------------------------------------- */

TEST(a_service_has_no_policies_and_is_let_in_by_name)
{
	const struct fa_principal s3 = { .service = "s3.amazonaws.com" };

	ASSERT_ALLOWED(s3, .resource = OPEN_TO("{'Service':'s3.amazonaws.com'}"));
	ASSERT_ALLOWED(s3, .resource = OPEN_TO("'*'"));
	ASSERT_IMPLICIT(FA_BY_RESOURCE, s3,
			.resource = OPEN_TO("{'Service':['sns.amazonaws.com']}"));
	ASSERT_IMPLICIT(FA_BY_RESOURCE, s3, .identity = ALLOW_ALL);
	ASSERT_IMPLICIT(FA_BY_RESOURCE, bob, .owner = "999999999999",
			.resource = OPEN_TO("{'Service':'s3.amazonaws.com'}"));
}

TEST(nobody_in_particular_is_only_meant_by_a_star)
{
	const struct fa_principal nobody = { NULL };

	ASSERT_ALLOWED(nobody, .resource = OPEN_TO("'*'"));
	ASSERT_IMPLICIT(FA_BY_RESOURCE, nobody, .resource = OPEN_TO("{'AWS':'" ACCOUNT "'}"));
}

static enum fa_effect assumes(const struct fa_principal *who, const char *principal)
{
	const struct fa_policy_request request = { who, "sts:AssumeRole", ROLE, NULL, 0 };
	struct fa_policy_rules rules = { .resource_alone = true };
	const struct fa_policy *trust, *all = ALLOW_ALL;
	struct fa_policy_decision decision;
	char text[512];

	snprintf(text, sizeof(text),
		 "{'Version':'2012-10-17','Statement':[{'Effect':'Allow','Principal':%s,"
		 "'Action':'sts:AssumeRole'}]}",
		 principal);
	trust = policy_of(FA_TRUST_POLICY, text);
	rules.resource = (struct fa_policy_set){ &trust, 1 };
	rules.identity = (struct fa_policy_set){ &all, 1 };
	decision = fa_policy_decide(&rules, &request);
	fa_policy_free((struct fa_policy *)trust);
	fa_policy_free((struct fa_policy *)all);
	return decision.effect;
}

TEST(a_role_is_assumed_by_whom_it_trusts_and_by_nobody_else)
{
	const struct fa_principal lambda = { .service = "lambda.amazonaws.com" };

	assert_int_equal(assumes(&lambda, "{'Service':'lambda.amazonaws.com'}"), FA_ALLOW);
	assert_int_equal(assumes(&lambda, "{'Service':'ec2.amazonaws.com'}"), FA_IMPLICIT_DENY);
	assert_int_equal(assumes(&bob, "{'AWS':'" USER "'}"), FA_ALLOW);
	assert_int_equal(assumes(&bob, "{'Service':'lambda.amazonaws.com'}"), FA_IMPLICIT_DENY);
}

TEST(a_denial_is_explained_in_the_words_of_aws)
{
	const struct fa_policy_request request = { &bob, "lambda:InvokeFunction", FUNCTION, NULL,
						   0 };
	char text[200];

	fa_policy_explain(text, sizeof(text), DECIDE(bob, .owner = NULL), &request);
	assert_string_equal(text, "because no identity-based policy allows the "
				  "lambda:InvokeFunction action");
	fa_policy_explain(text, sizeof(text),
			  DECIDE(bob, .identity = ALLOW_ALL, .boundary = DENY_ALL), &request);
	assert_string_equal(text, "with an explicit deny in a permissions boundary");
	fa_policy_explain(text, sizeof(text), DECIDE(bob, .identity = DENY_ALL), &request);
	assert_string_equal(text, "with an explicit deny in an identity-based policy");
	fa_policy_explain(text, sizeof(text), DECIDE(bob, .identity = ALLOW_ALL), &request);
	assert_string_equal(text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_nobody_allows_is_denied),
		cmocka_unit_test(an_action_has_wildcards_and_no_case),
		cmocka_unit_test(a_resource_has_case_and_its_wildcards_stay_in_their_segment),
		cmocka_unit_test(not_action_and_not_resource_mean_everything_else),
		cmocka_unit_test(a_variable_in_a_resource_stays_in_its_segment_and_needs_a_value),
		cmocka_unit_test(not_resource_with_a_variable_without_a_value_applies_to_nothing),
		cmocka_unit_test(a_statement_that_denies_wins_wherever_it_stands),
		cmocka_unit_test(an_explicit_deny_at_any_place_beats_every_allow),
		cmocka_unit_test(within_an_account_the_policy_of_the_resource_may_suffice),
		cmocka_unit_test(an_account_that_is_named_leaves_it_to_its_own_policies),
		cmocka_unit_test(across_accounts_both_must_allow),
		cmocka_unit_test(not_principal_means_everybody_else),
		cmocka_unit_test(not_principal_excepts_nobody_who_has_a_boundary),
		cmocka_unit_test(boundaries_sessions_and_controls_must_allow_too),
		cmocka_unit_test(
			a_resource_that_names_a_user_or_session_passes_by_boundary_and_session_policies),
		cmocka_unit_test(a_resource_that_names_the_role_does_not),
		cmocka_unit_test(a_service_has_no_policies_and_is_let_in_by_name),
		cmocka_unit_test(nobody_in_particular_is_only_meant_by_a_star),
		cmocka_unit_test(a_role_is_assumed_by_whom_it_trusts_and_by_nobody_else),
		cmocka_unit_test(a_denial_is_explained_in_the_words_of_aws),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
