/* SPDX-License-Identifier: MIT */
/* A request of whatever bytes as events of both formats: JSON that tells its body again. */
#include "fuzz.h"

#include <base/base64.h>
#include <base/json.h>
#include <http/event.h>
#include <http/parser.h>

const char fuzz_promise[] = "an_event_is_json_and_its_body_is_that_of_the_request";

const char *const fuzz_corpus[] = {
	"GET /a%20b?c=d&c=e&f HTTP/1.1\r\nHost: x\r\nCookie: a=1; b=2\r\nAccept: a\r\nAccept: "
	"b\r\n\r\n",
	"POST /%C3%A9?%E9=%zz HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: "
	"3\r\n\r\n\xff\x80"
	"a",
	"POST /x HTTP/1.1\r\nHost: h\r\nContent-Type: application/json; "
	"charset=utf-8\r\nContent-Length: 8\r\n\r\n{\"a\":\"b\"}",
	"PUT / HTTP/1.1\r\nHost: x\r\nUser-Agent: \xe9\r\nTransfer-Encoding: "
	"chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
	"POST /x HTTP/1.1\r\nHost: h\r\nContent-Type: image/png\r\nContent-Length: 4\r\n\r\nabcd",
	NULL,
};

typedef char *event_of(const struct fa_mem *mem, const struct fa_http_request *request,
		       const struct fa_event_frame *frame, struct faas_error *err);

static const struct fa_event_frame frame = {
	.context_path = "/dev/a",
	.resource = "/{proxy+}",
	.route_key = "$default",
	.stage = "dev",
	.account = "000000000000",
	.api_id = "0123456789",
	.domain = "x",
	.source_ip = "::1",
	.request_id = "id",
	.unix_ms = 1795752306000,
};

static void check_body(struct fa_json event, struct faas_bytes body)
{
	struct fa_json told = fa_json_get(event, "body");
	bool coded = fa_json_kind(fa_json_get(event, "isBase64Encoded")) == FA_JSON_TRUE;
	char *text = malloc(told.len + 1), *bytes = text;
	size_t len;

	PROPERTY(text);
	PROPERTY(fa_json_kind(told) == FA_JSON_STRING || !body.len);
	if (fa_json_kind(told) == FA_JSON_STRING) {
		len = fa_json_string(told, text, told.len + 1);
		if (coded)
			bytes = fa_base64_decode(&fa_mem_libc, text, "body", &len, NULL);
		PROPERTY(bytes && len == body.len && !memcmp(bytes, body.data, len));
		if (coded)
			fa_free(bytes);
	}
	free(text);
}

static void check(event_of *make, const struct fa_http_request *request)
{
	struct fa_event_frame its = frame;
	struct faas_error err = { 0 };
	struct fa_json event;
	char *text;

	its.path = request->target;
	text = make(&fa_mem_libc, request, &its, &err);
	PROPERTY(text || (err.code == FAAS_EINVAL && *err.type && *err.message));
	if (!text)
		return;
	PROPERTY(fa_json_read(text, strlen(text), &event));
	PROPERTY(fa_json_kind(event) == FA_JSON_OBJECT);
	check_body(event, request->body);
	fa_free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fa_http_parser parser;
	enum fa_http_step step = FA_HTTP_MORE;
	size_t at = 0, used;

	fa_http_parser_init(&parser, &fa_mem_libc);
	do {
		step = fa_http_parse(&parser, (const char *)data + at, size - at, &used);
		at += used;
		if (step == FA_HTTP_HEAD)
			parser.body_max = 4096;
	} while (step == FA_HTTP_HEAD);
	if (step == FA_HTTP_WHOLE) {
		check(fa_event_v1, &parser.request);
		check(fa_event_v2, &parser.request);
	}
	fa_http_parser_next(&parser);
	return 0;
}
