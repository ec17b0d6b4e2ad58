/* SPDX-License-Identifier: MIT */
/* A request with a signature of whatever text: nothing but the good one is let in. */
#include "fuzz.h"

#include <http/sigv4.h>

#define GOOD \
	"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261127/us-east-1/lambda/aws4_request," \
	"SignedHeaders=host;x-amz-date,Signature=" \
	"7dcf5891613d88576968105f1f5efe1f19f54b6cbe3641761b38c5917e2f8041"
#define SIGNATURE "7dcf5891613d88576968105f1f5efe1f19f54b6cbe3641761b38c5917e2f8041"

const char fuzz_promise[] = "no_text_but_the_right_signature_lets_anybody_in";

const char *const fuzz_corpus[] = {
	GOOD,
	"AWS4-HMAC-SHA256 Signature=00, SignedHeaders=;;host;, "
	"Credential=A/20261127/r/lambda/aws4_request",
	"Basic dTpw",
	NULL,
};

static const char *secret_of(void *data, const char *access_key)
{
	(void)data;
	return strcmp(access_key, "AKIDEXAMPLE") ? NULL
						 : "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
}

static int verify(const char *authorization)
{
	const struct fa_http_field fields[] = { { "Host", "127.0.0.1:9001" },
						{ "X-Amz-Date", "20261127T040506Z" },
						{ "Authorization", authorization } };
	const struct fa_http_request request = { .method = "DELETE",
						 .target = "/2017-03-31/tags/a?tagKeys=b&tagKeys=a",
						 .fields = fields,
						 .field_count = 3,
						 .body = { "", 0 } };
	const struct fa_sigv4_keys keys = { .secret_of = secret_of };
	char access_key[FA_ACCESS_KEY_MAX];
	struct faas_error err = { 0 };
	int rc = fa_sigv4_verify(&keys, &fa_mem_libc, &request, "lambda", 1795752306000,
				 access_key, &err);

	PROPERTY(!rc || (err.code == rc && *err.type && *err.message));
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	PROPERTY(text);
	memcpy(text, data, size);
	text[size] = '\0';
	if (!verify(text))
		PROPERTY(strstr(text, SIGNATURE) && strstr(text, "host;x-amz-date"));
	PROPERTY(!verify(GOOD));
	free(text);
	return 0;
}
