/* SPDX-License-Identifier: MIT */
/*
 * Items are judged and measured, and never rewritten: they are stored as they came. Sizes are
 * DynamoDB's: the names, texts and bytes of an item, half a byte per digit of a number.
 */
#include <model/item.h>

#include <stdlib.h>
#include <string.h>

#include <base/digest.h>
#include <base/error.h>

#define DEPTH_MAX 32
#define DIGITS_MAX 38
#define NUMBER_MAX 128 /* characters */

/* ---- numbers ------------------------------------------------------------ */

/* digits[0].digits[1]... * 10^exponent; none: 0. */
struct number {
	bool negative;
	int count, exponent;
	char digits[NUMBER_MAX];
};

static bool read_digits(struct number *n, const char **at)
{
	const char *begin = *at;
	bool point = false;

	n->exponent = -1;
	for (; (**at >= '0' && **at <= '9') || (**at == '.' && !point); ++*at) {
		if (**at == '.') {
			point = true;
			continue;
		}
		n->exponent += point ? 0 : n->count || **at != '0';
		if (point && !n->count && **at == '0')
			n->exponent--;
		if (n->count || **at != '0')
			n->digits[n->count++] = **at;
	}
	return *at > begin + point;
}

static bool read_number(struct number *n, const char *text)
{
	const char *at = text + (*text == '-' || *text == '+');
	char *end = NULL;
	long power = 0;

	*n = (struct number){ .negative = *text == '-' };
	if (!read_digits(n, &at))
		return false;
	if (*at == 'e' || *at == 'E') {
		if (!at[1] || !strchr("+-0123456789", at[1]))
			return false;
		power = strtol(at + 1, &end, 10);
		if (power < -1000 || power > 1000)
			return false;
		at = end;
	}
	while (n->count && n->digits[n->count - 1] == '0')
		n->count--;
	n->exponent += (int)power;
	return !*at && n->count <= DIGITS_MAX &&
	       (!n->count || (n->exponent >= -130 && n->exponent <= 125));
}

/* False: it is none, as DynamoDB has them. */
static bool number_of(struct number *n, struct fa_json value)
{
	char text[NUMBER_MAX];

	return fa_json_kind(value) == FA_JSON_STRING &&
	       fa_json_string(value, text, sizeof(text)) < sizeof(text) && read_number(n, text);
}

/* ---- values --------------------------------------------------------------- */

/* A value judged: its bytes are added to *size. */
typedef bool judge(struct fa_json value, int depth, size_t *size);

static bool judge_value(struct fa_json value, int depth, size_t *size);

static bool judge_text(struct fa_json value, int depth, size_t *size)
{
	(void)depth;
	if (fa_json_kind(value) != FA_JSON_STRING)
		return false;
	*size += fa_json_string(value, NULL, 0);
	return true;
}

static bool judge_number(struct fa_json value, int depth, size_t *size)
{
	struct number n;

	(void)depth;
	if (!number_of(&n, value))
		return false;
	*size += (size_t)(n.count + 1) / 2 + 1 + n.negative;
	return true;
}

static bool judge_bytes(struct fa_json value, int depth, size_t *size)
{
	const char *text = value.text + 1;
	size_t len = value.len - 2, pad = 0;

	(void)depth;
	if (fa_json_kind(value) != FA_JSON_STRING || len % 4)
		return false;
	while (pad < 2 && pad < len && text[len - 1 - pad] == '=')
		pad++;
	for (size_t i = 0; i < len - pad; i++)
		if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
			    text[i]))
			return false;
	*size += len / 4 * 3 - pad;
	return true;
}

static bool judge_boolean(struct fa_json value, int depth, size_t *size)
{
	(void)depth;
	*size += 1;
	return fa_json_kind(value) == FA_JSON_TRUE || fa_json_kind(value) == FA_JSON_FALSE;
}

static bool judge_null(struct fa_json value, int depth, size_t *size)
{
	(void)depth;
	*size += 1;
	return fa_json_kind(value) == FA_JSON_TRUE;
}

/* Of a set each, of which there must be one. */
static bool judge_set(struct fa_json value, judge *each, size_t *size)
{
	struct fa_json_iter iter;
	struct fa_json item;
	bool good = fa_json_kind(value) == FA_JSON_ARRAY && fa_json_count(value);

	if (good)
		fa_json_begin(&iter, value);
	while (good && fa_json_next(&iter, NULL, &item))
		good = each(item, 0, size);
	return good;
}

static bool judge_texts(struct fa_json value, int depth, size_t *size)
{
	(void)depth;
	return judge_set(value, judge_text, size);
}

static bool judge_numbers(struct fa_json value, int depth, size_t *size)
{
	(void)depth;
	return judge_set(value, judge_number, size);
}

static bool judge_blobs(struct fa_json value, int depth, size_t *size)
{
	(void)depth;
	return judge_set(value, judge_bytes, size);
}

static bool judge_all(struct fa_json value, enum fa_json_kind kind, int depth, size_t *size)
{
	struct fa_json_iter iter;
	struct fa_json name, item;
	bool good = fa_json_kind(value) == kind && depth < DEPTH_MAX;

	if (good)
		fa_json_begin(&iter, value);
	while (good && fa_json_next(&iter, &name, &item)) {
		if (kind == FA_JSON_OBJECT)
			*size += fa_json_string(name, NULL, 0);
		*size += 1;
		good = judge_value(item, depth + 1, size);
	}
	return good;
}

static bool judge_list(struct fa_json value, int depth, size_t *size)
{
	*size += 3;
	return judge_all(value, FA_JSON_ARRAY, depth, size);
}

static bool judge_map(struct fa_json value, int depth, size_t *size)
{
	*size += 3;
	return judge_all(value, FA_JSON_OBJECT, depth, size);
}

static bool judge_value(struct fa_json value, int depth, size_t *size)
{
	static const struct {
		const char *name;
		judge *judge;
	} types[] = {
		{ "S", judge_text },	 { "N", judge_number },	  { "B", judge_bytes },
		{ "BOOL", judge_boolean }, { "NULL", judge_null }, { "M", judge_map },
		{ "L", judge_list },	 { "SS", judge_texts },	  { "NS", judge_numbers },
		{ "BS", judge_blobs },
	};
	struct fa_json_iter iter;
	struct fa_json type, inner;

	if (fa_json_kind(value) != FA_JSON_OBJECT || fa_json_count(value) != 1)
		return false;
	fa_json_begin(&iter, value);
	fa_json_next(&iter, &type, &inner);
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (fa_json_equals(type, types[i].name))
			return types[i].judge(inner, depth, size);
	return false;
}

/* ---- keys ------------------------------------------------------------------- */

static struct fa_json value_of(struct fa_json item, const struct fa_table_key *key)
{
	const char type[] = { key->type, '\0' };

	return fa_json_get(fa_json_get(item, key->name), type);
}

/* The length, which is more than `most` where it does not fit. */
static size_t write_key(char *out, size_t most, struct fa_json value, char type)
{
	struct fa_text text = { .data = out, .size = most + 1 };
	struct number n;

	if (type != 'N')
		return fa_json_string(value, out, most + 1);
	number_of(&n, value);
	fa_text_add(&text, n.negative && n.count ? "-" : "");
	fa_text_bytes(&text, n.digits, (size_t)n.count);
	fa_text_add(&text, "e");
	fa_text_int(&text, n.count ? n.exponent : 0);
	return text.len;
}

static int read_part(char *out, size_t most, size_t *len, struct fa_json item,
		     const struct fa_table_key *key, struct faas_error *err)
{
	struct fa_json value = value_of(item, key);

	if (fa_json_kind(fa_json_get(item, key->name)) == FA_JSON_NONE)
		return fa_error_typed(err, FAAS_EINVAL, "ValidationException",
				      "One or more parameter values were invalid: Missing the key "
				      "%s in the item", key->name);
	if (fa_json_kind(value) != FA_JSON_STRING)
		return fa_error_typed(err, FAAS_EINVAL, "ValidationException",
				      "One or more parameter values were invalid: Type mismatch "
				      "for key %s expected: %c", key->name, key->type);
	*len = write_key(out, most, value, key->type);
	if (*len && *len <= most)
		return 0;
	return fa_error_typed(err, FAAS_EINVAL, "ValidationException",
			      "One or more parameter values were invalid: the value of the key %s "
			      "must have from 1 to %zu bytes", key->name, most);
}

static int read_keys(struct fa_item *item, const struct fa_table *t, struct faas_error *err)
{
	struct fa_item_key *key = &item->key;
	int rc = read_part(key->hash, FA_ITEM_HASH_MAX, &key->hash_len, item->json, &t->keys[0],
			   err);

	if (!rc && t->key_count == 2)
		rc = read_part(key->range, FA_ITEM_RANGE_MAX, &key->range_len, item->json,
			       &t->keys[1], err);
	return rc;
}

/* ---- items -------------------------------------------------------------------- */

static int measure(struct fa_json json, size_t *size, struct faas_error *err)
{
	struct fa_json_iter iter;
	struct fa_json name, value;

	fa_json_begin(&iter, json);
	while (fa_json_next(&iter, &name, &value)) {
		*size += fa_json_string(name, NULL, 0);
		if (!judge_value(value, 0, size))
			return fa_error_typed(err, FAAS_EINVAL, "ValidationException",
					      "The attribute %.*s is no value of DynamoDB: "
					      "expected an object with one of S, N, B, BOOL, NULL, "
					      "M, L, SS, NS and BS, at most %d levels deep",
					      (int)(name.len < 80 ? name.len : 80), name.text,
					      DEPTH_MAX);
	}
	return 0;
}

int fa_item_read(struct fa_item *item, const struct fa_table *t, const char *text,
		 struct faas_error *err)
{
	char seconds[12];
	struct fa_json value;
	int rc;

	*item = (struct fa_item){ .size = 0 };
	if (!text || !fa_json_read(text, strlen(text), &item->json) ||
	    fa_json_kind(item->json) != FA_JSON_OBJECT)
		return fa_error_typed(err, FAAS_EINVAL, "ValidationException",
				      "an item is a JSON object of attributes");
	rc = measure(item->json, &item->size, err);
	if (!rc)
		rc = read_keys(item, t, err);
	if (!rc && item->size > FA_ITEM_MAX)
		rc = fa_error_typed(err, FAAS_ETOOLARGE, "ValidationException",
				    "Item size has exceeded the maximum allowed size of %d bytes",
				    FA_ITEM_MAX);
	value = *t->expires ? fa_json_get(fa_json_get(item->json, t->expires), "N") :
			      (struct fa_json){ NULL, 0 };
	if (!rc && value.text && fa_json_string(value, seconds, sizeof(seconds)) < sizeof(seconds))
		item->expires_s = strtoll(seconds, NULL, 10);
	return rc;
}

int fa_item_read_key(struct fa_item *item, const struct fa_table *t, const char *text,
		     struct faas_error *err)
{
	int rc = fa_item_read(item, t, text, err);

	if (!rc && fa_json_count(item->json) != (size_t)t->key_count)
		rc = fa_error_typed(err, FAAS_EINVAL, "ValidationException",
				    "The provided key element does not match the schema");
	return rc;
}

/* ---- changes -------------------------------------------------------------------- */

static size_t size_of(struct fa_json json)
{
	size_t size = 0;

	if (json.text)
		measure(json, &size, NULL);
	return size;
}

static void put_json(struct fa_text *out, const char *before, struct fa_json json)
{
	fa_text_add(out, before);
	fa_text_bytes(out, json.text, json.len);
}

/* The key of an item as an item; its bytes are added to *size. */
static void put_keys(struct fa_text *out, const struct fa_table *t, struct fa_json item,
		     size_t *size)
{
	fa_text_add(out, "\"Keys\":{");
	for (int i = 0; i < t->key_count; i++) {
		const struct fa_table_key *key = &t->keys[i];

		fa_text_add(out, i ? ",\"" : "\"");
		fa_text_json(out, key->name, strlen(key->name));
		put_json(out, "\":", fa_json_get(item, key->name));
		*size += strlen(key->name);
		judge_value(fa_json_get(item, key->name), 0, size);
	}
	fa_text_add(out, "}");
}

static void put_image(struct fa_text *out, const char *before, struct fa_json item, size_t *size)
{
	if (!item.text)
		return;
	put_json(out, before, item);
	*size += size_of(item);
}

struct faas_bytes fa_change_write(const struct fa_change *c, const struct fa_mem *mem)
{
	enum fa_table_view view = c->table->view;
	struct fa_json some = c->to.text ? c->to : c->from;
	struct fa_text out = { .size = 512 + some.len + c->from.len + c->to.len };
	const char *letter = c->expired ? "T" : !c->to.text ? "R" : c->from.text ? "M" : "I";
	size_t size = 0;

	/* names of keys may be escaped in the item, and are again here */
	out.size += 2 * 6 * FA_TABLE_NAME_MAX;
	out.data = fa_alloc_dirty(mem, out.size);
	if (!out.data)
		return (struct faas_bytes){ NULL, 0 };
	fa_text_add(&out, letter);
	put_keys(&out, c->table, some, &size);
	if (view == FA_VIEW_NEW || view == FA_VIEW_BOTH)
		put_image(&out, ",\"NewImage\":", c->to, &size);
	if (view == FA_VIEW_OLD || view == FA_VIEW_BOTH)
		put_image(&out, ",\"OldImage\":", c->from, &size);
	fa_text_add(&out, ",\"SizeBytes\":");
	fa_text_int(&out, (int64_t)size);
	fa_text_add(&out, ",\"StreamViewType\":\"");
	fa_text_add(&out, fa_table_view_name(view));
	fa_text_add(&out, "\"");
	return (struct faas_bytes){ out.data, out.len };
}
