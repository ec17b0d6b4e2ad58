/* SPDX-License-Identifier: MIT */
#ifndef TEST_POLICY_ASK_H
#define TEST_POLICY_ASK_H

#include <support/test.h>

#include <model/policy/policy.h>

#define ACCOUNT "123456789012"
#define FUNCTION "arn:aws:lambda:us-east-1:" ACCOUNT ":function:f"
#define USER "arn:aws:iam::" ACCOUNT ":user/bob"
#define ROLE "arn:aws:iam::" ACCOUNT ":role/r"
#define SESSION "arn:aws:sts::" ACCOUNT ":assumed-role/r/s"

static const struct fa_principal bob = { .account = ACCOUNT, .arn = USER };
static const struct fa_principal session = { .account = ACCOUNT, .arn = SESSION, .role = ROLE };

/* JSON with ' for ", but for those that a policy variable has. */
static inline struct fa_policy *policy_of(enum fa_policy_kind kind, const char *text)
{
	struct faas_error err = { 0 };
	struct fa_policy *policy;
	char json[4096];
	size_t len = strlen(text);

	assert_true(len < sizeof(json));
	for (size_t i = 0; i <= len; i++)
		json[i] = text[i] == '\'' ? '"' : text[i] == '`' ? '\'' : text[i];
	policy = fa_policy_parse(&fa_mem_libc, json, kind, &err);
	if (!policy)
		print_error("%s: %s\n", json, err.message);
	assert_non_null(policy);
	return policy;
}

/* What an identity policy of this text says to a request. */
static inline enum fa_effect says(const char *text, const struct fa_policy_request *request)
{
	const struct fa_policy *policy = policy_of(FA_IDENTITY_POLICY, text);
	const struct fa_policy_rules rules = { .identity = { &policy, 1 } };
	struct fa_policy_decision decision = fa_policy_decide(&rules, request);

	fa_policy_free((struct fa_policy *)policy);
	return decision.effect;
}

#endif
