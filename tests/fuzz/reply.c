/* SPDX-License-Identifier: MIT */
/* What a function says, of whatever bytes: an answer that cannot break HTTP, or none. */
#include "fuzz.h"

#include <ctype.h>
#include <http/reply.h>

const char fuzz_promise[] = "no_answer_of_a_function_breaks_the_framing_of_http";

const char *const fuzz_corpus[] = {
	"{\"statusCode\":200,\"headers\":{\"Content-Type\":\"text/html\",\"X\":1},"
	"\"body\":\"b\"}",
	"{\"statusCode\":\"404\",\"multiValueHeaders\":{\"Set-Cookie\":[\"a=1\",\"b=2\"],\"X\":"
	"[true]},\"body\":\"YWJj\",\"isBase64Encoded\":true}",
	"{\"statusCode\":204,\"cookies\":[\"a=1\",\"b=2\"],\"body\":\"\\u00e9\\ud800\\n\"}",
	"{\"headers\":{\"Content-Length\":\"7\",\"Transfer-Encoding\":\"chunked\","
	"\"A\\r\\nB\":\"c\"}}",
	"\"text\"",
	"[1,2,3]",
	"{\"statusCode\":99}",
	"no JSON",
	NULL,
};

static bool is_the_connections(const char *name)
{
	return !strcasecmp(name, "Content-Length") || !strcasecmp(name, "Transfer-Encoding") ||
	       !strcasecmp(name, "Connection") || !strcasecmp(name, "Upgrade");
}

/* With the definitions of the standard, not ours. */
static void check_field(const struct fa_http_field *field)
{
	PROPERTY(*field->name && !is_the_connections(field->name));
	for (const char *c = field->name; *c; c++)
		PROPERTY(isalnum((unsigned char)*c) || strchr("!#$%&'*+-.^_`|~", *c));
	for (const char *c = field->value; *c; c++)
		PROPERTY(*c == '\t' || ((unsigned char)*c >= ' ' && *c != 0x7f));
}

static void check(struct fa_reply *reply, int rc)
{
	PROPERTY(!rc || rc == FAAS_EINVAL);
	if (rc)
		return;
	PROPERTY(reply->status >= 200 && reply->status <= 999);
	PROPERTY(reply->field_count >= 0 && reply->field_count <= FA_REPLY_FIELDS_MAX + 1);
	for (int i = 0; i < reply->field_count; i++)
		check_field(&reply->fields[i]);
	PROPERTY((reply->status != 204 && reply->status != 304) || !reply->body.len);
	for (size_t i = 0; i < reply->body.len; i++) /* all of it is there */
		(void)((const volatile char *)reply->body.data)[i];
	fa_reply_finish(reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct faas_bytes payload = { data, size };
	struct fa_reply reply;

	check(&reply, fa_reply_read(&reply, &fa_mem_libc, payload, FA_REPLY_V1));
	check(&reply, fa_reply_read(&reply, &fa_mem_libc, payload, FA_REPLY_V2));
	check(&reply, fa_reply_read_head(&reply, &fa_mem_libc, payload));
	return 0;
}
