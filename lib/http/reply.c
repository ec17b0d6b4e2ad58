/* SPDX-License-Identifier: MIT */
/*
 * A function says what it likes. What would break the framing of HTTP, or the order of
 * answers on a connection, is not passed on: informational statuses, names that are no
 * names, bodies where there can be none, and the fields that are the connection's.
 */
#include <http/reply.h>

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <base/digest.h>
#include <base/json.h>

#define HEAD_MAX 10240 /* bytes of all fields, as API Gateway has it */
#define NUMBER_ROOM 32

struct reader {
	struct fa_reply *reply;
	char *at;    /* in reply->memory */
	size_t head; /* bytes of fields so far */
	bool has_type;
};

/* ---- fields ---------------------------------------------------------- */

static bool is_connections(const char *name)
{
	static const char *const rows[] = { "Connection", "Content-Length", "Date",
					    "Keep-Alive", "Trailer",        "Transfer-Encoding",
					    "Upgrade" };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (!strcasecmp(rows[i], name))
			return true;
	return false;
}

static bool is_name(const char *name)
{
	static const char marks[] = "!#$%&'*+-.^_`|~0123456789"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

	return *name && strspn(name, marks) == strlen(name);
}

static bool is_value(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (((unsigned char)text[i] < ' ' && text[i] != '\t') || text[i] == 0x7f)
			return false;
	return true;
}

/* The text of a string, else the literal of what is no object, array or null. */
static bool take_text(struct reader *r, struct fa_json value, char **text, size_t *len)
{
	enum fa_json_kind kind = fa_json_kind(value);

	if (kind != FA_JSON_STRING && kind != FA_JSON_NUMBER && kind != FA_JSON_TRUE &&
	    kind != FA_JSON_FALSE)
		return false;
	*text = r->at;
	if (kind == FA_JSON_STRING) {
		*len = fa_json_string(value, r->at, value.len);
	} else {
		memcpy(r->at, value.text, value.len);
		*len = value.len;
	}
	r->at += *len;
	*r->at++ = '\0';
	return true;
}

static bool add_field(struct reader *r, const char *name, struct fa_json value)
{
	struct fa_reply *reply = r->reply;
	char *text;
	size_t len;

	if (!is_name(name) || !take_text(r, value, &text, &len) || !is_value(text, len))
		return false;
	if (is_connections(name))
		return true;
	r->head += strlen(name) + len + 4;
	if (reply->field_count == FA_REPLY_FIELDS_MAX || r->head > HEAD_MAX)
		return false;
	r->has_type |= !strcasecmp(name, "Content-Type");
	reply->fields[reply->field_count++] = (struct fa_http_field){ name, text };
	return true;
}

/* One value or, of multiValueHeaders, a list of them. */
static bool add_fields(struct reader *r, struct fa_json name, struct fa_json value)
{
	struct fa_json_iter iter;
	struct fa_json item;
	char *text;
	size_t len;

	if (!take_text(r, name, &text, &len) || len != strlen(text))
		return false;
	if (fa_json_kind(value) != FA_JSON_ARRAY)
		return add_field(r, text, value);
	fa_json_begin(&iter, value);
	while (fa_json_next(&iter, NULL, &item))
		if (!add_field(r, text, item))
			return false;
	return true;
}

/* A name that is in multiValueHeaders, too, is there with all its values. */
static bool is_among(struct fa_json multi, struct fa_json name)
{
	struct fa_json_iter iter;
	struct fa_json key, value;

	if (fa_json_kind(multi) != FA_JSON_OBJECT)
		return false;
	fa_json_begin(&iter, multi);
	while (fa_json_next(&iter, &key, &value))
		if (key.len == name.len && !strncasecmp(key.text, name.text, key.len))
			return true;
	return false;
}

static bool read_headers(struct reader *r, struct fa_json headers, struct fa_json multi)
{
	struct fa_json_iter iter;
	struct fa_json name, value;

	if (fa_json_kind(headers) <= FA_JSON_NULL)
		return true;
	if (fa_json_kind(headers) != FA_JSON_OBJECT)
		return false;
	fa_json_begin(&iter, headers);
	while (fa_json_next(&iter, &name, &value))
		if (!is_among(multi, name) && fa_json_kind(value) != FA_JSON_NULL &&
		    !add_fields(r, name, value))
			return false;
	return true;
}

static bool read_cookies(struct reader *r, struct fa_json cookies)
{
	struct fa_json_iter iter;
	struct fa_json cookie;

	if (fa_json_kind(cookies) <= FA_JSON_NULL)
		return true;
	if (fa_json_kind(cookies) != FA_JSON_ARRAY)
		return false;
	fa_json_begin(&iter, cookies);
	while (fa_json_next(&iter, NULL, &cookie))
		if (!add_field(r, "Set-Cookie", cookie))
			return false;
	return true;
}

/* ---- status and body --------------------------------------------------- */

static bool read_status(struct fa_reply *reply, struct fa_json status)
{
	char text[NUMBER_ROOM];
	int64_t number;

	if (fa_json_kind(status) == FA_JSON_STRING) {
		size_t len = fa_json_string(status, text, sizeof(text));

		if (len != 3 || strspn(text, "0123456789") != 3)
			return false;
		status = (struct fa_json){ text, len };
	}
	if (!fa_json_int(status, &number) || number < 200 || number > 599)
		return false;
	reply->status = (int)number;
	return true;
}

static bool has_body(int status)
{
	return status != 204 && status != 205 && status != 304;
}

/* What cannot be decoded was not what the function said it to be. */
static bool read_body(struct reader *r, struct fa_json body, struct fa_json encoded)
{
	struct fa_reply *reply = r->reply;
	char *text;
	size_t len;

	if (fa_json_kind(body) <= FA_JSON_NULL || !has_body(reply->status))
		return true;
	if (!take_text(r, body, &text, &len))
		return false;
	if (fa_json_kind(encoded) == FA_JSON_TRUE && len) {
		size_t bytes = fa_base64_read(text, text, len);

		if (!bytes)
			return false;
		len = bytes;
	}
	reply->body = (struct faas_bytes){ text, len };
	return true;
}

/* ---- all of it --------------------------------------------------------- */

static bool read_head(struct reader *r, struct fa_json answer)
{
	struct fa_json multi = fa_json_get(answer, "multiValueHeaders");

	return read_status(r->reply, fa_json_get(answer, "statusCode")) &&
	       read_headers(r, fa_json_get(answer, "headers"), multi) &&
	       read_headers(r, multi, (struct fa_json){ 0 }) &&
	       read_cookies(r, fa_json_get(answer, "cookies"));
}

static bool read_answer(struct reader *r, struct fa_json answer)
{
	return read_head(r, answer) &&
	       read_body(r, fa_json_get(answer, "body"), fa_json_get(answer, "isBase64Encoded"));
}

/* A string goes without its quotes. */
static bool read_plain(struct reader *r, struct fa_json answer)
{
	r->reply->status = 200;
	r->reply->body = (struct faas_bytes){ answer.text, answer.len };
	if (fa_json_kind(answer) == FA_JSON_STRING)
		return read_body(r, answer, (struct fa_json){ 0 });
	return true;
}

static void add_type(struct reader *r, const char *type)
{
	if (!r->has_type && has_body(r->reply->status))
		r->reply->fields[r->reply->field_count++] =
			(struct fa_http_field){ "Content-Type", type };
}

static int begin(struct reader *r, struct fa_reply *reply, const struct fa_mem *mem,
		 struct faas_bytes payload, struct fa_json *answer)
{
	if (!fa_json_read(payload.data, payload.len, answer))
		return FAAS_EINVAL;
	reply->field_count = 0;
	reply->body = (struct faas_bytes){ "", 0 };
	/* a text and its NUL are shorter than its JSON, with quotes or the comma behind it */
	reply->memory = fa_alloc_dirty(mem, payload.len + NUMBER_ROOM);
	*r = (struct reader){ .reply = reply, .at = reply->memory };
	return reply->memory ? 0 : FAAS_ENOMEM;
}

static int end(struct fa_reply *reply, bool good)
{
	if (good)
		return 0;
	fa_reply_finish(reply);
	return FAAS_EINVAL;
}

int fa_reply_read(struct fa_reply *reply, const struct fa_mem *mem, struct faas_bytes payload,
		  enum fa_reply_rule rule)
{
	struct fa_json answer;
	struct reader r;
	int rc = begin(&r, reply, mem, payload, &answer);
	bool good;

	if (rc)
		return rc;
	if (fa_json_kind(answer) == FA_JSON_OBJECT &&
	    fa_json_kind(fa_json_get(answer, "statusCode")) != FA_JSON_NONE)
		good = read_answer(&r, answer);
	else
		good = rule == FA_REPLY_V2 && read_plain(&r, answer);
	if (good)
		add_type(&r, "application/json");
	return end(reply, good);
}

int fa_reply_read_head(struct fa_reply *reply, const struct fa_mem *mem, struct faas_bytes head)
{
	struct fa_json answer;
	struct reader r;
	int rc = begin(&r, reply, mem, head, &answer);
	bool good;

	if (rc)
		return rc;
	reply->status = 200;
	good = fa_json_kind(answer) == FA_JSON_OBJECT &&
	       (fa_json_kind(fa_json_get(answer, "statusCode")) == FA_JSON_NONE ||
		read_status(reply, fa_json_get(answer, "statusCode"))) &&
	       read_headers(&r, fa_json_get(answer, "headers"), (struct fa_json){ 0 }) &&
	       read_cookies(&r, fa_json_get(answer, "cookies"));
	if (good)
		add_type(&r, "application/octet-stream");
	return end(reply, good);
}

void fa_reply_finish(struct fa_reply *reply)
{
	fa_free(reply->memory);
	reply->memory = NULL;
}
