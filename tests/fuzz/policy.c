/* SPDX-License-Identifier: MIT */
/* A policy document, a line break, and a context: "key=value;key=value;...". */
#include "fuzz.h"

#include <model/policy/policy.h>

#define FACTS 8

const char fuzz_promise[] = "no_document_and_no_context_is_decided_but_by_the_rules";

#define STATEMENT "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Sid\":\"a\",\"Effect\":\"Allow\","

const char *const fuzz_corpus[] = {
	STATEMENT "\"Action\":[\"lambda:*\",\"s3:Get?bject\"],\"Resource\":\"*\"}]}\n",
	STATEMENT
	"\"NotAction\":\"iam:*\",\"NotResource\":\"arn:aws:s3:::${aws:x, 'y'}*\",\"Condition\""
	":{\"StringLikeIfExists\":{\"aws:x\":[\"a*${aws:y}?\",\"${*}\"]},"
	"\"ForAnyValue:NumericLessThan\":{\"aws:n\":\"5\"}}}]}\naws:x=ab;aws:y=b;aws:n=4",
	STATEMENT
	"\"Action\":\"*\",\"Resource\":\"arn:aws:lambda:*:*:function:*\",\"Condition\":{"
	"\"DateGreaterThan\":{\"aws:t\":\"2026-01-02T03:04:05.6+07:08\"},"
	"\"IpAddress\":{\"aws:i\":[\"10.0.0.0/8\",\"::/3\"]},\"Null\":{\"aws:z\":\"true\"},"
	"\"ArnLike\":{\"aws:a\":\"arn:aws:s3:::b*\"},\"Bool\":{\"aws:b\":true}}}]}\n"
	"aws:t=1795760000;aws:i=10.1.1.1;aws:a=arn:aws:s3:::bb;aws:b=true",
	"{\"Statement\":{\"Effect\":\"Deny\",\"Principal\":{\"AWS\":[\"123456789012\",\"*\"],"
	"\"Service\":\"s3.amazonaws.com\"},\"Action\":\"*\",\"Resource\":\"*\"}}\n",
	"{\"Statement\":{\"Effect\":\"Allow\",\"NotPrincipal\":\"*\",\"Action\":\"sts:AssumeRole\"}"
	"}\n",
	NULL,
};

static size_t read_facts(struct fa_fact *facts, const char **values, char *text)
{
	size_t count = 0;

	for (char *at = text; at && *at && count < FACTS;) {
		char *end = strchr(at, ';'), *equals = strchr(at, '=');

		if (end)
			*end++ = '\0';
		if (equals && (!end || equals < end)) {
			*equals = '\0';
			values[count] = equals + 1;
			facts[count] = (struct fa_fact){ at, &values[count], 1 };
			count++;
		}
		at = end;
	}
	return count;
}

static const struct fa_policy *deny_all(void)
{
	static struct fa_policy *policy;

	if (!policy)
		policy = fa_policy_parse(&fa_mem_libc,
					 "{\"Statement\":{\"Effect\":\"Deny\",\"Action\":\"*\","
					 "\"Resource\":\"*\"}}",
					 FA_IDENTITY_POLICY, NULL);
	PROPERTY(policy);
	return policy;
}

static void check_decision(const struct fa_policy *policy, enum fa_policy_kind kind,
			   const char *text, const struct fa_policy_request *request)
{
	const struct fa_policy *both[] = { policy, deny_all() };
	struct fa_policy_rules rules = { .resource_alone = kind == FA_TRUST_POLICY };
	struct fa_policy_set *set = kind == FA_IDENTITY_POLICY ? &rules.identity : &rules.resource;
	struct fa_policy_decision once, again;
	char why[64];

	*set = (struct fa_policy_set){ both, 1 };
	once = fa_policy_decide(&rules, request);
	again = fa_policy_decide(&rules, request);
	PROPERTY(once.effect == again.effect && once.place == again.place);
	PROPERTY(once.effect != FA_ALLOW || strstr(text, "Allow") || strchr(text, '\\'));
	fa_policy_explain(why, sizeof(why), once, request);
	PROPERTY(!*why == (once.effect == FA_ALLOW) && strlen(why) < sizeof(why));
	set->count = 2;
	PROPERTY(fa_policy_decide(&rules, request).effect == FA_EXPLICIT_DENY);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct fa_principal user = { .account = "123456789012",
						  .arn = "arn:aws:iam::123456789012:user/bob" };
	struct fa_policy_request request = { &user, "lambda:InvokeFunction",
					     "arn:aws:lambda:r:1:function:f", NULL, 0 };
	const char *values[FACTS];
	struct fa_fact facts[FACTS];
	char *text = malloc(size + 1), *line;

	PROPERTY(text);
	memcpy(text, data, size);
	text[size] = '\0';
	line = strchr(text, '\n');
	if (line)
		*line++ = '\0';
	request.facts = facts;
	request.fact_count = read_facts(facts, values, line);
	for (enum fa_policy_kind kind = FA_IDENTITY_POLICY; kind <= FA_TRUST_POLICY; kind++) {
		struct faas_error err = { 0 };
		struct fa_policy *policy = fa_policy_parse(&fa_mem_libc, text, kind, &err);

		PROPERTY(policy || (err.code == FAAS_EINVAL && *err.message &&
				    !strcmp(err.type, "MalformedPolicyDocument")));
		if (policy)
			check_decision(policy, kind, text, &request);
		fa_policy_free(policy);
	}
	free(text);
	return 0;
}
