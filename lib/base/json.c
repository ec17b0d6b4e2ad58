/* SPDX-License-Identifier: MIT */
/*
 * The validator is a state machine over one cursor; what is open is one bit per
 * level, so depth costs neither stack nor heap. Slicing runs on text that the
 * validator has passed and therefore looks for landmarks only.
 */

#include <base/json.h>

#include <string.h>

/* ---- validation ------------------------------------------------------- */

struct cursor {
	const unsigned char *at, *end;
};

static int peek(const struct cursor *c)
{
	return c->at < c->end ? *c->at : -1;
}

static bool accept(struct cursor *c, int byte)
{
	if (peek(c) != byte)
		return false;
	c->at++;
	return true;
}

static bool is_space(int byte)
{
	return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

static bool is_digit(int byte)
{
	return byte >= '0' && byte <= '9';
}

static bool is_hex(int byte)
{
	return is_digit(byte) || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'f');
}

static void skip_space(struct cursor *c)
{
	while (is_space(peek(c)))
		c->at++;
}

static bool skip_word(struct cursor *c, const char *word)
{
	for (; *word; word++)
		if (!accept(c, *word))
			return false;
	return true;
}

static bool skip_escape(struct cursor *c)
{
	int byte = peek(c);

	if (byte < 0 || !strchr("\"\\/bfnrtu", byte) || !byte)
		return false;
	c->at++;
	for (int i = 0; byte == 'u' && i < 4; i++, c->at++)
		if (!is_hex(peek(c)))
			return false;
	return true;
}

/* One character beyond ASCII: no overlong form, no surrogate, none above U+10FFFF. */
static bool skip_utf8(struct cursor *c)
{
	const unsigned char *p = c->at;
	int more = p[0] < 0xe0 ? 1 : p[0] < 0xf0 ? 2 : 3;

	if (p[0] < 0xc2 || p[0] > 0xf4 || c->end - p <= more)
		return false;
	for (int i = 1; i <= more; i++)
		if ((p[i] & 0xc0) != 0x80)
			return false;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return false;
	c->at += more + 1;
	return true;
}

static bool skip_string(struct cursor *c)
{
	if (!accept(c, '"'))
		return false;
	for (;;) {
		while (c->at < c->end && *c->at >= 0x20 && *c->at < 0x80 && *c->at != '"' &&
		       *c->at != '\\')
			c->at++;
		if (accept(c, '"'))
			return true;
		if (accept(c, '\\')) {
			if (!skip_escape(c))
				return false;
		} else if (peek(c) < 0x80 || !skip_utf8(c)) {
			return false;
		}
	}
}

static bool skip_digits(struct cursor *c)
{
	if (!is_digit(peek(c)))
		return false;
	while (is_digit(peek(c)))
		c->at++;
	return true;
}

static bool skip_number(struct cursor *c)
{
	accept(c, '-');
	if (!accept(c, '0') && !skip_digits(c))
		return false;
	if (accept(c, '.') && !skip_digits(c))
		return false;
	if (accept(c, 'e') || accept(c, 'E')) {
		if (!accept(c, '+'))
			accept(c, '-');
		return skip_digits(c);
	}
	return true;
}

static bool skip_scalar(struct cursor *c)
{
	switch (peek(c)) {
	case '"':
		return skip_string(c);
	case 't':
		return skip_word(c, "true");
	case 'f':
		return skip_word(c, "false");
	case 'n':
		return skip_word(c, "null");
	default:
		return skip_number(c);
	}
}

/* What is open: a bit per level, set for objects. */
struct levels {
	uint64_t object[FA_JSON_DEPTH / 64];
	uint32_t depth;
};

static bool enter(struct levels *levels, bool object)
{
	uint64_t bit = (uint64_t)1 << (levels->depth % 64);
	uint64_t *word = &levels->object[levels->depth / 64];

	if (levels->depth == FA_JSON_DEPTH)
		return false;
	*word = object ? *word | bit : *word & ~bit;
	levels->depth++;
	return true;
}

static bool in_object(const struct levels *levels)
{
	uint32_t level = levels->depth - 1;

	return levels->object[level / 64] >> (level % 64) & 1;
}

enum expect {
	VALUE,
	FIRST_VALUE, /* or the end of the array */
	KEY,
	FIRST_KEY, /* or the end of the object */
	AFTER_VALUE,
	WRONG,
};

static enum expect expect_value(struct cursor *c, struct levels *levels)
{
	int byte = peek(c);

	if (byte != '{' && byte != '[')
		return skip_scalar(c) ? AFTER_VALUE : WRONG;
	if (!enter(levels, byte == '{'))
		return WRONG;
	c->at++;
	return byte == '{' ? FIRST_KEY : FIRST_VALUE;
}

static enum expect expect_key(struct cursor *c)
{
	if (!skip_string(c))
		return WRONG;
	skip_space(c);
	return accept(c, ':') ? VALUE : WRONG;
}

static enum expect leave(struct levels *levels)
{
	levels->depth--;
	return AFTER_VALUE;
}

static enum expect expect_more(struct cursor *c, struct levels *levels)
{
	bool object = in_object(levels);

	if (accept(c, ','))
		return object ? KEY : VALUE;
	return accept(c, object ? '}' : ']') ? leave(levels) : WRONG;
}

static bool skip_document(struct cursor *c)
{
	struct levels levels;
	enum expect expect = VALUE;

	levels.depth = 0;
	for (;;) {
		skip_space(c);
		switch (expect) {
		case FIRST_VALUE:
			expect = accept(c, ']') ? leave(&levels) : expect_value(c, &levels);
			break;
		case VALUE:
			expect = expect_value(c, &levels);
			break;
		case FIRST_KEY:
			expect = accept(c, '}') ? leave(&levels) : expect_key(c);
			break;
		case KEY:
			expect = expect_key(c);
			break;
		case AFTER_VALUE:
			if (!levels.depth)
				return c->at == c->end;
			expect = expect_more(c, &levels);
			break;
		case WRONG:
			return false;
		}
	}
}

bool fa_json_valid(const void *data, size_t len, size_t *fault)
{
	const unsigned char *start = data ? data : (const void *)"";
	struct cursor c = { start, start + len };
	bool valid = skip_document(&c);

	if (!valid && fault)
		*fault = (size_t)(c.at - start);
	return valid;
}

/* ---- slices ----------------------------------------------------------- */

bool fa_json_read(const void *data, size_t len, struct fa_json *value)
{
	const char *text = data;

	if (!fa_json_valid(data, len, NULL))
		return false;
	while (is_space(*text)) {
		text++;
		len--;
	}
	while (is_space(text[len - 1]))
		len--;
	*value = (struct fa_json){ text, len };
	return true;
}

enum fa_json_kind fa_json_kind(struct fa_json value)
{
	if (!value.len)
		return FA_JSON_NONE;
	switch (value.text[0]) {
	case 'n':
		return FA_JSON_NULL;
	case 'f':
		return FA_JSON_FALSE;
	case 't':
		return FA_JSON_TRUE;
	case '"':
		return FA_JSON_STRING;
	case '[':
		return FA_JSON_ARRAY;
	case '{':
		return FA_JSON_OBJECT;
	default:
		return FA_JSON_NUMBER;
	}
}

static const char *string_end(const char *at)
{
	for (at++; *at != '"'; at++)
		if (*at == '\\')
			at++;
	return at + 1;
}

static const char *container_end(const char *at)
{
	size_t depth = 0;

	for (;;) {
		switch (*at) {
		case '"':
			at = string_end(at);
			continue;
		case '[':
		case '{':
			depth++;
			break;
		case ']':
		case '}':
			if (!--depth)
				return at + 1;
			break;
		}
		at++;
	}
}

static const char *value_end(const char *at, const char *end)
{
	if (*at == '"')
		return string_end(at);
	if (*at == '[' || *at == '{')
		return container_end(at);
	while (at < end && !is_space(*at) && *at != ',')
		at++;
	return at;
}

static const char *past_space(const char *at, const char *end)
{
	while (at < end && is_space(*at))
		at++;
	return at;
}

void fa_json_begin(struct fa_json_iter *iter, struct fa_json container)
{
	enum fa_json_kind kind = fa_json_kind(container);

	*iter = (struct fa_json_iter){ .object = kind == FA_JSON_OBJECT };
	if (kind == FA_JSON_ARRAY || kind == FA_JSON_OBJECT) {
		iter->at = container.text + 1;
		iter->end = container.text + container.len - 1;
	}
}

static struct fa_json take_value(struct fa_json_iter *iter)
{
	const char *at = iter->at;

	iter->at = value_end(at, iter->end);
	return (struct fa_json){ at, (size_t)(iter->at - at) };
}

static void skip_mark(struct fa_json_iter *iter, char mark)
{
	iter->at = past_space(iter->at, iter->end);
	if (iter->at < iter->end && *iter->at == mark)
		iter->at = past_space(iter->at + 1, iter->end);
}

bool fa_json_next(struct fa_json_iter *iter, struct fa_json *key, struct fa_json *value)
{
	struct fa_json name = { NULL, 0 };

	if (iter->at == iter->end)
		return false;
	iter->at = past_space(iter->at, iter->end);
	if (iter->at == iter->end)
		return false;
	if (iter->object) {
		name = take_value(iter);
		skip_mark(iter, ':');
	}
	*value = take_value(iter);
	skip_mark(iter, ',');
	if (key)
		*key = name;
	return true;
}

size_t fa_json_count(struct fa_json container)
{
	struct fa_json_iter iter;
	struct fa_json value;
	size_t count = 0;

	fa_json_begin(&iter, container);
	while (fa_json_next(&iter, NULL, &value))
		count++;
	return count;
}

struct fa_json fa_json_get(struct fa_json object, const char *key)
{
	struct fa_json found = { NULL, 0 }, name, value;
	struct fa_json_iter iter;

	fa_json_begin(&iter, object);
	while (iter.object && fa_json_next(&iter, &name, &value))
		if (fa_json_equals(name, key))
			found = value;
	return found;
}
