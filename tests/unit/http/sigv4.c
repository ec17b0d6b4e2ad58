/* SPDX-License-Identifier: MIT */
/* Signatures; the good ones were made by botocore, for the fourth second after 4:05 that day. */
#include "support/test.h"

#include <stdio.h>

#include "support/failing_mem.h"

#include <http/sigv4.h>

#define NOW_MS 1795752306000
#define SCOPE "AKIDEXAMPLE/20261127/us-east-1/lambda/aws4_request"
#define INVOKED "32df48c885ae77dc8cedfa032ffe07be508a3e96e96ebcdb9073d1e1fd5f1e1d"
#define UNTAGGED "7dcf5891613d88576968105f1f5efe1f19f54b6cbe3641761b38c5917e2f8041"
#define SIGNED_BY(signature) \
	"AWS4-HMAC-SHA256 Credential=" SCOPE ", SignedHeaders=host;x-amz-date;x-amz-log-type, " \
	"Signature=" signature

static struct fa_http_field fields[4];
static struct fa_http_request request;
static struct faas_error err;
static char access_key[FA_ACCESS_KEY_MAX];

static const char *secret_of(void *data, const char *access_key)
{
	(void)data;
	return strcmp(access_key, "AKIDEXAMPLE") ? NULL
						 : "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
}

static const struct fa_sigv4_keys keys = { .secret_of = secret_of };

static int prepare(void **state)
{
	(void)state;
	fields[0] = (struct fa_http_field){ "Host", "127.0.0.1:9001" };
	fields[1] = (struct fa_http_field){ "X-Amz-Date", "20261127T040506Z" };
	fields[2] = (struct fa_http_field){ "X-Amz-Log-Type", "Tail" };
	fields[3] = (struct fa_http_field){ "Authorization", SIGNED_BY(INVOKED) };
	request = (struct fa_http_request){
		.method = "POST",
		.target = "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3A"
			  "function%3Af/invocations?Qualifier=%24LATEST",
		.fields = fields,
		.field_count = 4,
		.body = { "{\"a\":1}", 7 },
	};
	return 0;
}

static int verify_at(int64_t unix_ms)
{
	return fa_sigv4_verify(&keys, &fa_mem_libc, &request, "lambda", unix_ms, access_key, &err);
}

static void refused(const char *type)
{
	assert_true(verify_at(NOW_MS) < 0);
	assert_string_equal(err.type, type);
}

TEST(a_good_signature_is_accepted_whatever_is_not_signed)
{
	assert_int_equal(verify_at(NOW_MS), 0);
	fields[2].value = "  Tail ";
	assert_int_equal(verify_at(NOW_MS), 0);
}

TEST(a_query_is_signed_in_its_order)
{
	request = (struct fa_http_request){ .method = "DELETE",
					    .target = "/2017-03-31/tags/a?tagKeys=b&tagKeys=a",
					    .fields = fields,
					    .field_count = 4,
					    .body = { "", 0 } };
	fields[2].name = "Unsigned";
	fields[3].value = "AWS4-HMAC-SHA256 Credential=" SCOPE
			  ",SignedHeaders=host;x-amz-date,Signature=" UNTAGGED;
	assert_int_equal(verify_at(NOW_MS), 0);
	request.target = "/2017-03-31/tags/a?tagKeys=a&tagKeys=b";
	assert_int_equal(verify_at(NOW_MS), 0);
	request.target = "/2017-03-31/tags/a?tagKeys=a&tagKeys=c";
	refused("InvalidSignatureException");
}

TEST(whatever_is_changed_no_longer_fits)
{
	request.body.len = 6;
	refused("InvalidSignatureException");
	prepare(NULL);
	request.method = "PUT";
	refused("InvalidSignatureException");
	prepare(NULL);
	request.target = "/2015-03-31/functions/g/invocations?Qualifier=%24LATEST";
	refused("InvalidSignatureException");
	prepare(NULL);
	fields[2].value = "None";
	refused("InvalidSignatureException");
	prepare(NULL);
	fields[0].value = "127.0.0.1:9002";
	refused("InvalidSignatureException");
	prepare(NULL);
	fields[3].value = SIGNED_BY(UNTAGGED);
	refused("InvalidSignatureException");
	fields[3].value = SIGNED_BY("32df48c8");
	refused("InvalidSignatureException");
	fields[3].value = SIGNED_BY("");
	assert_true(verify_at(NOW_MS) < 0);
	prepare(NULL);
	fields[2].name = "X-Amz-Log";
	refused("InvalidSignatureException");
	assert_int_equal(err.code, FAAS_EDENIED);
}

TEST(a_claimed_hash_of_the_body_is_not_believed)
{
	struct fa_http_field more[5];

	memcpy(more, fields, sizeof(fields));
	more[4] = (struct fa_http_field){ "X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD" };
	request.fields = more;
	request.field_count = 5;
	assert_int_equal(verify_at(NOW_MS), 0);
	request.body = (struct faas_bytes){ "{\"a\":2}", 7 };
	refused("InvalidSignatureException");
}

TEST(a_signature_holds_for_five_minutes_either_way)
{
	assert_int_equal(verify_at(NOW_MS + 300000), 0);
	assert_int_equal(verify_at(NOW_MS - 300000), 0);
	assert_int_equal(verify_at(NOW_MS + 301000), FAAS_EDENIED);
	assert_string_equal(err.message, "Signature expired");
	assert_int_equal(verify_at(NOW_MS - 301000), FAAS_EDENIED);
	assert_string_equal(err.message, "Signature not yet current");
	fields[1].value = "20261128T040506Z";
	refused("InvalidSignatureException");
	fields[1].value = "yesterday";
	refused("IncompleteSignatureException");
}

TEST(who_does_not_sign_or_not_whole_or_is_not_known_is_told_so)
{
	static const char *const incomplete[] = {
		"Basic dTpw",
		"AWS4-HMAC-SHA256 ",
		"AWS4-HMAC-SHA256 Credential=" SCOPE ", SignedHeaders=host;x-amz-date",
		"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261127, SignedHeaders=host, Signature=a",
		"AWS4-HMAC-SHA256 Credential=" SCOPE "/more, SignedHeaders=host, Signature=a",
	};

	for (size_t i = 0; i < sizeof(incomplete) / sizeof(*incomplete); i++) {
		fields[3].value = incomplete[i];
		refused("IncompleteSignatureException");
	}
	fields[3].value = "AWS4-HMAC-SHA256 Credential=SOMEBODY/20261127/r/lambda/aws4_request, "
			  "SignedHeaders=host;x-amz-date, Signature=" INVOKED;
	refused("UnrecognizedClientException");
	fields[3].value = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261127/r/s3/aws4_request, "
			  "SignedHeaders=host;x-amz-date, Signature=" INVOKED;
	refused("InvalidSignatureException");
	fields[3].value = "AWS4-HMAC-SHA256 Credential=" SCOPE
			  ", SignedHeaders=x-amz-date, Signature=" INVOKED;
	refused("InvalidSignatureException");
	request.field_count = 3;
	refused("MissingAuthenticationTokenException");
}

TEST(without_memory_nobody_is_let_in)
{
	struct failing_mem fm;

	failing_mem_init(&fm);
	fm.fail_at = 1;
	assert_int_equal(fa_sigv4_verify(&keys, &fm.mem, &request, "lambda", NOW_MS, access_key,
					 &err),
			 FAAS_ENOMEM);
	assert_true(failing_mem_clean(&fm));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define PREPARED(name) cmocka_unit_test_setup(name, prepare)
		PREPARED(a_good_signature_is_accepted_whatever_is_not_signed),
		PREPARED(a_query_is_signed_in_its_order),
		PREPARED(whatever_is_changed_no_longer_fits),
		PREPARED(a_claimed_hash_of_the_body_is_not_believed),
		PREPARED(a_signature_holds_for_five_minutes_either_way),
		PREPARED(who_does_not_sign_or_not_whole_or_is_not_known_is_told_so),
		PREPARED(without_memory_nobody_is_let_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
