/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include <base/json.h>

const char fuzz_promise[] = "json_of_any_bytes_is_judged_without_harm";

const char *const fuzz_corpus[] = {
	"{\"a\":[1,2.5e-3,true,false,null],\"b\":{\"c\":\"x\\u00e9\\ud83d\\ude00\\n\"}}",
	"[[[[[[[[]]]]]]]]",
	"\"\\ud800\"",
	"-0.0e+10",
	"18446744073709551616",
	" { } ",
	"\xef\xbb\xbf[]",
	"[\"\xe2\x82\xac\xf0\x9f\x90\x8e\"]",
	NULL,
};

static bool inside(struct fa_json outer, struct fa_json inner)
{
	return inner.text >= outer.text && inner.text + inner.len <= outer.text + outer.len;
}

static void scalars(struct fa_json value)
{
	enum fa_json_kind kind = fa_json_kind(value);
	char *out = malloc(value.len + 1), print[FA_JSON_DOUBLE];
	uint64_t u;
	int64_t i;
	double d;

	PROPERTY(out);
	if (kind == FA_JSON_STRING)
		PROPERTY(fa_json_string(value, out, value.len + 1) <= value.len);
	PROPERTY(!fa_json_int(value, &i) || kind == FA_JSON_NUMBER);
	PROPERTY(!fa_json_uint(value, &u) || kind == FA_JSON_NUMBER);
	if (fa_json_double(value, &d)) {
		size_t len = fa_json_print(print, d, false);

		PROPERTY(kind == FA_JSON_NUMBER);
		PROPERTY(len < FA_JSON_DOUBLE && fa_json_valid(print, len, NULL));
	}
	free(out);
}

/* Every part of a valid text is valid, lies in it and is counted. */
static void walk(struct fa_json value, int depth)
{
	struct fa_json_iter iter;
	struct fa_json key, child;
	size_t count = 0;

	PROPERTY(fa_json_valid(value.text, value.len, NULL));
	scalars(value);
	if (fa_json_kind(value) < FA_JSON_ARRAY || depth > 20)
		return;
	fa_json_begin(&iter, value);
	for (; fa_json_next(&iter, &key, &child); count++) {
		PROPERTY(inside(value, child));
		walk(child, depth + 1);
		if (fa_json_kind(value) == FA_JSON_OBJECT)
			scalars(key);
	}
	PROPERTY(count == fa_json_count(value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fa_json value = { 0 };
	size_t fault = SIZE_MAX;
	bool valid = fa_json_valid(data, size, &fault);

	PROPERTY(valid || fault <= size);
	PROPERTY(fa_json_read(data, size, &value) == valid);
	if (valid)
		walk(value, 0);
	return 0;
}
