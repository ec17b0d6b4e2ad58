/* SPDX-License-Identifier: MIT */
/*
 * The forms of a name once more, as one regular expression: the parser and it
 * must agree, but where a function called "function" makes a text ambiguous.
 */
#include "fuzz.h"

#include <regex.h>

#include <base/json.h>
#include <base/mem.h>
#include <model/registry.h>

#define REGION "local-1"
#define ACCOUNT "000000000000"

const char fuzz_promise[] = "a_name_or_handler_of_any_text_is_split_by_its_grammar_or_refused";

const char *const fuzz_corpus[] = {
	"hello",
	"hello:$LATEST",
	"hello:1",
	"000000000000:function:hello",
	"000000000000:function:hello:$LATEST",
	"local-1:000000000000:function:hello",
	"arn:aws:lambda:local-1:000000000000:function:hello",
	"arn:aws:lambda:local-1:000000000000:function:hello:$LATEST",
	"arn:aws:lambda:us-east-1:123456789012:function:other_name-2:prod",
	"index.handler",
	"dir/libthing.so.method",
	"function:function:function:function",
	"0123456789012345678901234567890123456789012345678901234567890123",
	"\xc3\xbc\xe2\x82\xac:\xf0\x9f\x90\x8e",
	NULL,
};

static const char grammar[] = "^(arn:[^:]*:lambda:[^:]*:[^:]*:function:|([^:]*:)?[^:]*:function:)?"
			      "[A-Za-z0-9_-]{1,64}(:(\\$LATEST|[A-Za-z0-9_-]{1,128}))?$";

static struct fa_registry registry;
static regex_t pattern;

static int native(struct faas_context *ctx, struct faas_bytes event)
{
	(void)ctx;
	(void)event;
	return 0;
}

static void prepare(void)
{
	struct fa_version *version;

	if (registry.region)
		return;
	PROPERTY(!regcomp(&pattern, grammar, REG_EXTENDED | REG_NOSUB));
	PROPERTY(!fa_registry_init(&registry, &fa_mem_libc, REGION, ACCOUNT));
	version = fa_version_create(&fa_mem_libc, FAAS_FUNCTION(.name = "hello", .native = native),
				    REGION, ACCOUNT, NULL);
	PROPERTY(version && !fa_registry_add(&registry, version, NULL));
}

static bool fits_grammar(const char *text)
{
	return strlen(text) < FA_ARN_MAX && !regexec(&pattern, text, 0, NULL, 0);
}

/* A message is UTF-8 if it may stand in a string of JSON, which its quotes may not. */
static bool is_utf8(const char *message)
{
	char json[sizeof(((struct faas_error *)0)->message) + 2] = "\"";
	size_t len = 1;

	for (; *message; message++)
		json[len++] =
			strchr("\"\\", *message) || (unsigned char)*message < ' ' ? ' ' : *message;
	json[len++] = '"';
	return fa_json_valid(json, len, NULL);
}

static bool explained(const struct faas_error *err)
{
	return err->type[0] && err->message[0] && memchr(err->type, 0, sizeof(err->type)) &&
	       memchr(err->message, 0, sizeof(err->message)) && is_utf8(err->message);
}

/* A slice ends where the next one begins, a colon between them; the last ends the text. */
static const char *before(struct faas_bytes slice, const char *text, const char *end)
{
	const char *data = slice.data;

	if (!data)
		return end;
	PROPERTY(data >= text && data + slice.len <= end && !memchr(data, ':', slice.len));
	if (end != text + strlen(text))
		PROPERTY(data + slice.len < end && *(end - 1) == ':');
	return data;
}

static void check_slices(const struct fa_name *name, const char *text)
{
	const char *end = before(name->qualifier, text, text + strlen(text));

	if (name->qualifier.data)
		PROPERTY((const char *)name->function.data + name->function.len + 1 == end);
	end = before(name->function, text, end);
	if (name->account.data)
		PROPERTY(!strncmp(end - strlen(":function:"), ":function:", 10));
	end = before(name->account, text, end);
	PROPERTY(!name->region.data || name->account.data);
	end = before(name->region, text, end);
	PROPERTY(end == text || !strncmp(text, "arn:", 4));
}

static bool is(struct faas_bytes slice, const char *word, bool may_be_absent)
{
	if (!slice.data)
		return may_be_absent;
	return slice.len == strlen(word) && !memcmp(slice.data, word, slice.len);
}

static void check_find(const char *text, const struct fa_name *name, bool parsed)
{
	struct faas_error err = { 0 };
	struct fa_version *version = fa_registry_find(&registry, text, &err);
	bool named = parsed && is(name->function, "hello", false) &&
		     is(name->qualifier, "$LATEST", true) && is(name->account, ACCOUNT, true) &&
		     is(name->region, REGION, true);

	PROPERTY(named == (version != NULL));
	if (version)
		PROPERTY(version->refs == 2);
	else
		PROPERTY(explained(&err) &&
			 (parsed ? err.code == FAAS_ENOTFOUND || err.code == FAAS_EDENIED
				 : err.code == FAAS_EINVAL));
	fa_version_unref(version);
}

static void check_name(const char *text)
{
	struct faas_error err = { 0 };
	struct fa_name name;
	bool parsed = fa_name_parse(&name, text, &err) == 0;

	if (parsed)
		PROPERTY(fits_grammar(text));
	else
		PROPERTY(err.code == FAAS_EINVAL && explained(&err) &&
			 (!fits_grammar(text) || strstr(text, ":function:function")));
	if (parsed)
		check_slices(&name, text);
	if (!fa_name_check(text, NULL))
		PROPERTY(parsed && name.function.data == text && name.function.len == strlen(text));
	check_find(text, &name, parsed);
}

static void check_handler(const char *text)
{
	struct faas_error err = { 0 };
	size_t len = SIZE_MAX;

	if (fa_handler_split(text, &len, &err) < 0) {
		PROPERTY(err.code == FAAS_EINVAL && explained(&err) && len == SIZE_MAX);
		return;
	}
	PROPERTY(len && len + 1 < strlen(text) && strlen(text) <= 128);
	PROPERTY(text[len] == '.' && !strpbrk(text + len + 1, "./"));
	PROPERTY(text[0] != '/' && text[len - 1] != '/' && !strstr(text, ".."));
	PROPERTY(!strpbrk(text, " \t\r\n"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	prepare();
	PROPERTY(text);
	memcpy(text, data, size);
	text[size] = '\0';
	check_name(text);
	check_handler(text);
	free(text);
	return 0;
}
