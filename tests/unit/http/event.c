/* SPDX-License-Identifier: MIT */
/* Requests as events, member by member. */
#include "support/test.h"

#include <stdio.h>
#include <string.h>

#include "support/failing_mem.h"

#include <http/event.h>

static struct fa_http_field fields[8];
static struct fa_http_request request;
static struct fa_event_frame frame;
static struct faas_error err;
static char *event;

static int prepare(void **state)
{
	(void)state;
	memset(fields, 0, sizeof(fields));
	request = (struct fa_http_request){ .method = "POST",
					    .target = "/my/path?a=1&a=2&b=x%20y+z",
					    .fields = fields };
	frame = (struct fa_event_frame){ .path = request.target,
					 .context_path = request.target,
					 .resource = "/{all}",
					 .route_key = "$default",
					 .stage = "$default",
					 .account = "123456789012",
					 .api_id = "abc",
					 .domain = "abc.lambda-url.us-west-2.on.aws",
					 .source_ip = "192.0.2.1",
					 .request_id = "5e34a614-0123-4567-89ab-cdef01234567",
					 .unix_ms = 1584043438390 };
	event = NULL;
	return 0;
}

static int finish(void **state)
{
	(void)state;
	fa_free(event);
	return 0;
}

static void field(const char *name, const char *value)
{
	fields[request.field_count++] = (struct fa_http_field){ name, value };
}

static void body(const char *type, const char *data, size_t len)
{
	if (type)
		field("Content-Type", type);
	request.body = (struct faas_bytes){ data, len };
}

static void make(char *(*version)(const struct fa_mem *, const struct fa_http_request *,
				  const struct fa_event_frame *, struct faas_error *))
{
	fa_free(event);
	event = version(&fa_mem_libc, &request, &frame, &err);
	if (!event)
		fail_msg("%s", err.message);
}

static void has(const char *text)
{
	if (!strstr(event, text))
		fail_msg("%s is not in %s", text, event);
}

static void lacks(const char *text)
{
	if (strstr(event, text))
		fail_msg("%s is in %s", text, event);
}

TEST(an_event_of_payload_2_0_has_every_member_that_is_documented)
{
	field("Header1", "value1");
	field("header2", "value1");
	field("HEADER2", "value2");
	field("Cookie", "cookie1=a; cookie2=b");
	field("User-Agent", "agent");
	body("text/plain", "Hello from client!", 18);
	make(fa_event_v2);
	assert_string_equal(
		event,
		"{\"version\":\"2.0\",\"routeKey\":\"$default\",\"rawPath\":\"/my/path\","
		"\"rawQueryString\":\"a=1&a=2&b=x%20y+z\","
		"\"cookies\":[\"cookie1=a\",\"cookie2=b\"],"
		"\"headers\":{\"header1\":\"value1\",\"header2\":\"value1,value2\","
		"\"user-agent\":\"agent\",\"content-type\":\"text/plain\"},"
		"\"queryStringParameters\":{\"a\":\"1,2\",\"b\":\"x y z\"},"
		"\"requestContext\":{\"accountId\":\"123456789012\",\"apiId\":\"abc\","
		"\"domainName\":\"abc.lambda-url.us-west-2.on.aws\",\"domainPrefix\":\"abc\","
		"\"http\":{\"method\":\"POST\",\"path\":\"/my/path\",\"protocol\":\"HTTP/1.1\","
		"\"sourceIp\":\"192.0.2.1\",\"userAgent\":\"agent\"},"
		"\"requestId\":\"5e34a614-0123-4567-89ab-cdef01234567\","
		"\"routeKey\":\"$default\",\"stage\":\"$default\","
		"\"time\":\"12/Mar/2020:20:03:58 +0000\",\"timeEpoch\":1584043438390},"
		"\"body\":\"Hello from client!\",\"isBase64Encoded\":false}");
}

TEST(an_event_of_payload_1_0_has_every_member_that_is_documented)
{
	struct fa_document *parameters = fa_document_object();

	fa_document_put_text(parameters, "all", "my");
	frame.path_parameters = parameters;
	frame.route_key = "POST /{all}";
	field("Header1", "value1");
	field("Header1", "value2");
	make(fa_event_v1);
	fa_document_free(parameters);
	assert_string_equal(
		event,
		"{\"version\":\"1.0\",\"resource\":\"/{all}\",\"path\":\"/my/path\","
		"\"httpMethod\":\"POST\",\"headers\":{\"Header1\":\"value2\"},"
		"\"multiValueHeaders\":{\"Header1\":[\"value1\",\"value2\"]},"
		"\"queryStringParameters\":{\"a\":\"2\",\"b\":\"x y z\"},"
		"\"multiValueQueryStringParameters\":{\"a\":[\"1\",\"2\"],\"b\":[\"x y z\"]},"
		"\"requestContext\":{\"accountId\":\"123456789012\",\"apiId\":\"abc\","
		"\"authorizer\":null,\"domainName\":\"abc.lambda-url.us-west-2.on.aws\","
		"\"domainPrefix\":\"abc\","
		"\"extendedRequestId\":\"5e34a614-0123-4567-89ab-cdef01234567\","
		"\"httpMethod\":\"POST\",\"identity\":{\"accessKey\":null,\"accountId\":null,"
		"\"apiKey\":null,\"apiKeyId\":null,\"caller\":null,\"clientCert\":null,"
		"\"cognitoAuthenticationProvider\":null,\"cognitoAuthenticationType\":null,"
		"\"cognitoIdentityId\":null,\"cognitoIdentityPoolId\":null,"
		"\"principalOrgId\":null,\"user\":null,\"userArn\":null,"
		"\"sourceIp\":\"192.0.2.1\",\"userAgent\":\"\"},\"path\":\"/my/path\","
		"\"protocol\":\"HTTP/1.1\","
		"\"requestId\":\"5e34a614-0123-4567-89ab-cdef01234567\","
		"\"requestTime\":\"12/Mar/2020:20:03:58 +0000\","
		"\"requestTimeEpoch\":1584043438390,\"resourceId\":\"POST /{all}\","
		"\"resourcePath\":\"/{all}\",\"stage\":\"$default\"},"
		"\"pathParameters\":{\"all\":\"my\"},\"stageVariables\":null,\"body\":null,"
		"\"isBase64Encoded\":false}");
}

TEST(what_is_absent_is_left_out_of_2_0_and_null_in_1_0)
{
	request.target = frame.path = frame.context_path = "/";
	make(fa_event_v2);
	lacks("cookies");
	lacks("queryStringParameters");
	lacks("\"body\"");
	lacks("pathParameters");
	has("\"rawQueryString\":\"\"");
	make(fa_event_v1);
	has("\"queryStringParameters\":null,\"multiValueQueryStringParameters\":null");
	has("\"pathParameters\":null,\"stageVariables\":null,\"body\":null");
}

TEST(a_path_begins_with_a_slash_and_is_not_decoded)
{
	request.target = "/url/f?x";
	frame.path = frame.context_path = request.target + 6;
	make(fa_event_v2);
	has("\"rawPath\":\"/\"");
	request.target = frame.path = frame.context_path = "/a%20b/%2F";
	make(fa_event_v2);
	has("\"rawPath\":\"/a%20b/%2F\"");
}

TEST(text_is_a_body_as_it_is_and_all_else_is_base64)
{
	static const struct {
		const char *type, *data;
		size_t len;
		const char *shown;
	} rows[] = {
		{ "application/json; charset=utf-8", "{\"a\":1}", 7,
		  "\"body\":\"{\\\"a\\\":1}\",\"isBase64Encoded\":false" },
		{ "application/problem+json", "1", 1, "\"body\":\"1\",\"isBase64Encoded\":false" },
		{ "image/svg+xml", "<", 1, "\"body\":\"<\",\"isBase64Encoded\":false" },
		{ NULL, "plain", 5, "\"body\":\"plain\",\"isBase64Encoded\":false" },
		{ "application/x-www-form-urlencoded", "a=1", 3,
		  "\"body\":\"YT0x\",\"isBase64Encoded\":true" },
		{ "multipart/form-data; boundary=x", "--x", 3,
		  "\"body\":\"LS14\",\"isBase64Encoded\":true" },
		{ "image/png", "\x89PNG", 4, "\"body\":\"iVBORw==\",\"isBase64Encoded\":true" },
		{ "text/plain", "\xff", 1, "\"body\":\"/w==\",\"isBase64Encoded\":true" },
		{ "text/plain", "a\0b", 3, "\"body\":\"YQBi\",\"isBase64Encoded\":true" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		request.field_count = 0;
		body(rows[i].type, rows[i].data, rows[i].len);
		make(fa_event_v2);
		has(rows[i].shown);
	}
	field("Content-Encoding", "gzip");
	make(fa_event_v2);
	has("\"isBase64Encoded\":true");
}

TEST(a_query_is_decoded_and_what_cannot_be_is_told)
{
	static const char *const bad[] = { "/?a=%", "/?a=%1", "/?%zz=1", "/?a=%00" };

	request.target = frame.path = frame.context_path = "/?&a&=b&%41=%c3%a9&c=d=e&";
	make(fa_event_v2);
	has("\"queryStringParameters\":{\"a\":\"\",\"\":\"b\",\"A\":\"\xc3\xa9\",\"c\":\"d=e\"}");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		request.target = frame.path = frame.context_path = bad[i];
		assert_null(fa_event_v2(&fa_mem_libc, &request, &frame, &err));
		assert_string_equal(err.message, "a part of the query cannot be decoded");
		assert_null(fa_event_v1(&fa_mem_libc, &request, &frame, &err));
	}
}

TEST(a_query_has_a_thousand_parameters_and_no_more)
{
	static char target[4096] = "/?";

	for (int i = 0; i < 1000; i++)
		strcat(target, "a&");
	request.target = frame.path = frame.context_path = target;
	make(fa_event_v1);
	strcat(target, "a");
	assert_null(fa_event_v1(&fa_mem_libc, &request, &frame, &err));
	assert_string_equal(err.message, "a query has at most 1000 parameters");
}

TEST(bytes_that_are_no_text_are_read_as_latin_1)
{
	field("X-Name", "caf\xe9");
	request.target = frame.path = frame.context_path = "/?n=%e9&%e9=1";
	make(fa_event_v2);
	has("\"x-name\":\"caf\xc3\xa9\"");
	has("\"queryStringParameters\":{\"n\":\"\xc3\xa9\",\"\xc3\xa9\":\"1\"}");
}

TEST(without_memory_there_is_no_event_and_no_leak)
{
	struct failing_mem fm;
	char *made;

	field("Cookie", "a=1; b=2");
	field("A", "1");
	field("a", "2");
	body("image/png", "png", 3);
	for (size_t n = 1;; n++) {
		failing_mem_init(&fm);
		fm.fail_at = n;
		err.code = 0;
		made = fa_event_v2(&fm.mem, &request, &frame, &err);
		assert_int_equal(err.code, made ? 0 : FAAS_ENOMEM);
		fa_free(made);
		assert_true(failing_mem_clean(&fm));
		if (!fm.failed)
			break;
	}
	assert_true(fm.calls > 10);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, prepare, finish)
	const struct CMUnitTest tests[] = {
		CASE(an_event_of_payload_2_0_has_every_member_that_is_documented),
		CASE(an_event_of_payload_1_0_has_every_member_that_is_documented),
		CASE(what_is_absent_is_left_out_of_2_0_and_null_in_1_0),
		CASE(a_path_begins_with_a_slash_and_is_not_decoded),
		CASE(text_is_a_body_as_it_is_and_all_else_is_base64),
		CASE(a_query_is_decoded_and_what_cannot_be_is_told),
		CASE(a_query_has_a_thousand_parameters_and_no_more),
		CASE(bytes_that_are_no_text_are_read_as_latin_1),
		CASE(without_memory_there_is_no_event_and_no_leak),
	};

	return cmocka_run_group_tests_name("http/event", tests, NULL, NULL);
}
