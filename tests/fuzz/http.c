/* SPDX-License-Identifier: MIT */
/*
 * A stream of requests, read twice: in one piece, and cut anywhere. Both must
 * find the same requests and the same end, and never hold more than the limits.
 */
#include "fuzz.h"

#include <base/mem.h>
#include <http/parser.h>

#define BODY_MAX 4096

const char fuzz_promise[] = "requests_are_the_same_however_their_bytes_are_cut";

const char *const fuzz_corpus[] = {
	"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n",
	"POST /i HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET /a HTTP/1.1\r\nHost: "
	"x\r\n\r\n",
	"POST /i HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
	"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: t\r\n\r\n",
	"PUT http://h/a?b=c HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: "
	"1\r\n\r\na",
	"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\nHEAD /b HTTP/1.0\r\n\r\n",
	"GET /a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nA: b\r\n "
	"c\r\nE:\r\n\r\n",
	"POST /i HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: "
	"chunked\r\n\r\n0\r\n\r\n",
	"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	"CONNECT h:1 HTTP/1.1\r\nHost: x\r\n\r\n",
	NULL,
};

/* A sum over all that a reader was told. */
struct reading {
	uint64_t sum;
	int whole, status;
};

static void add(struct reading *r, const void *data, size_t len)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < len; i++)
		r->sum = (r->sum ^ bytes[i]) * 0x100000001b3;
	r->sum = (r->sum ^ 0x100) * 0x100000001b3;
}

static void add_request(struct reading *r, const struct fa_http_request *request)
{
	add(r, request->method, strlen(request->method));
	add(r, request->target, strlen(request->target));
	for (int i = 0; i < request->field_count + request->trailer_count; i++) {
		PROPERTY(*request->fields[i].name);
		PROPERTY(!strpbrk(request->fields[i].value, "\r\n"));
		add(r, request->fields[i].name, strlen(request->fields[i].name));
		add(r, request->fields[i].value, strlen(request->fields[i].value));
	}
	PROPERTY(request->body.len <= BODY_MAX);
	add(r, request->body.data, request->body.len);
	r->whole++;
}

static struct reading read_all(const uint8_t *data, size_t size, size_t piece)
{
	struct fa_http_parser parser;
	struct reading r = { 0 };
	enum fa_http_step step = FA_HTTP_MORE;
	size_t at = 0, used;

	fa_http_parser_init(&parser, &fa_mem_libc);
	while (step != FA_HTTP_BROKEN && (at < size || step == FA_HTTP_HEAD)) {
		size_t len = size - at < piece ? size - at : piece;
		char *exact = malloc(len + !len);

		PROPERTY(exact);
		memcpy(exact, data + at, len);
		step = fa_http_parse(&parser, exact, len, &used);
		free(exact);
		PROPERTY(used <= len);
		at += used;
		if (step == FA_HTTP_HEAD)
			parser.body_max = BODY_MAX;
		if (step == FA_HTTP_WHOLE) {
			add_request(&r, &parser.request);
			fa_http_parser_next(&parser);
		}
		PROPERTY(fa_http_parser_held(&parser) <=
			 FA_HTTP_HEAD_MAX + BODY_MAX + FA_HTTP_FIELDS_MAX * 32);
	}
	r.status = step == FA_HTTP_BROKEN ? parser.status : 0;
	PROPERTY(step != FA_HTTP_BROKEN || (r.status >= 400 && r.status < 600));
	fa_http_parser_next(&parser);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reading whole = read_all(data, size, SIZE_MAX);
	struct reading cut = read_all(data, size, 1 + size % 7);

	PROPERTY(whole.sum == cut.sum && whole.whole == cut.whole && whole.status == cut.status);
	return 0;
}
