/* SPDX-License-Identifier: MIT */

/*
 * bench/decide: what it costs to ask whether a role may do something. The role has ten
 * statements, one of which denies under a condition; what is asked for is allowed by the last
 * one, or by none.
 */

#include "bench.h"

#include <string.h>

#include <model/policy/policy.h>

#define BATCH 1000

#define STATEMENT(action, resource) \
	"{\"Effect\":\"Allow\",\"Action\":" action ",\"Resource\":" resource "},"

static const char document[] = "{\"Version\":\"2012-10-17\",\"Statement\":[" STATEMENT(
	"[\"logs:CreateLogGroup\",\"logs:CreateLogStream\",\"logs:PutLogEvents\"]",
	"\"*\"") STATEMENT("\"s3:Get*\"", "\"arn:aws:s3:::bucket/*\"")
	STATEMENT("[\"sqs:SendMessage\",\"sqs:ReceiveMessage\"]", "\"arn:aws:sqs:*:*:orders\"")
		STATEMENT("\"dynamodb:*\"", "\"arn:aws:dynamodb:*:*:table/books\"")
			STATEMENT("\"lambda:InvokeFunction\"",
				  "\"arn:aws:lambda:*:*:function:other-*\"")
				STATEMENT(
					"\"lambda:*\"", "\"arn:aws:lambda:eu-west-1:*:function:"
							"resize\"") "{\"Effect\":\"Deny\","
								    "\"Action\":\"lambda:*\","
								    "\"Resource\":\"*\","
								    "\"Condition\":"
								    "{\"IpAddress\":{\"aws:"
								    "SourceIp\":\"192.0.2.0/"
								    "24\"}}}," STATEMENT(
									    "\"kms:Decrypt\"",
									    "\"arn:aws:kms:*:*:key/"
									    "*\"") "{\"Effect\":"
										   "\"Allow\","
										   "\"Action\":"
										   "\"lambda:"
										   "GetFunction\","
										   "\"Resource\":"
										   "\"arn:aws:"
										   "lambda:*:*:"
										   "function:${aws:"
										   "username}-*\","
										   "\"Condition\":{"
										   "\"StringLike\":"
										   "{\"aws:"
										   "username\":["
										   "\"a*\",\"b*\"]}"
										   "}},"
										   "{\"Effect\":"
										   "\"Allow\","
										   "\"Action\":"
										   "\"lambda:"
										   "Invoke*\","
										   "\"Resource\":"
										   "\"arn:aws:"
										   "lambda:*:*:"
										   "function:"
										   "resize\"}]}";

static const struct fa_principal role = {
	.account = "123456789012",
	.arn = "arn:aws:sts::123456789012:assumed-role/r/s",
	.role = "arn:aws:iam::123456789012:role/r",
};

static void measure(const struct options *options, const char *key, const char *action,
		    enum fa_effect wanted)
{
	static const char *const name[] = { "bob" }, *const address[] = { "10.0.0.1" };
	const struct fa_fact facts[] = { { "aws:SourceIp", address, 1 },
					 { "aws:username", name, 1 } };
	const struct fa_policy_request request = {
		&role, action, "arn:aws:lambda:us-east-1:123456789012:function:resize", facts, 2
	};
	const struct fa_policy *policy =
		fa_policy_parse(&fa_mem_libc, document, FA_IDENTITY_POLICY, NULL);
	const struct fa_policy_rules rules = { .identity = { &policy, 1 } };
	size_t n = bench_scaled(options, 1000) * BATCH;

	if (!policy)
		bench_die("the policy does not compile");
	for (int round = 0; round < options->rounds; round++) {
		uint64_t start = bench_now();

		for (size_t i = 0; i < n; i++)
			if (fa_policy_decide(&rules, &request).effect != wanted)
				bench_die("%s was not decided as it should be", action);
		report_value((double)n * 1e9 / (double)(bench_now() - start), "decide.%s_per_s",
			     key);
	}
	fa_policy_free((struct fa_policy *)policy);
}

static void decide(const struct options *options)
{
	bench_pin(0);
	measure(options, "last", "lambda:InvokeFunction", FA_ALLOW);
	measure(options, "none", "lambda:DeleteFunction", FA_IMPLICIT_DENY);
}

int main(int argc, char **argv)
{
	static const struct group groups[] = { { "decide", decide } };

	return bench_main(argc, argv, groups, 1);
}
