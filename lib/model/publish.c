/* SPDX-License-Identifier: MIT */
/*
 * Judged before anything is stored: what was accepted is handed out as it is. An entry is
 * written anew, member by member, so that nothing has to be understood twice; the texts in it
 * are copied as they were escaped.
 */
#include <model/publish.h>

#include <string.h>

#include <base/error.h>
#include <base/json.h>
#include <base/text.h>

#define FRAME_MAX 128 /* of an entry beside its members */

/* ---- topics ------------------------------------------------------------ */

static bool is_subject(const char *text)
{
	size_t len = 0;

	for (; text[len]; len++)
		if (text[len] < 0x20 || text[len] > 0x7e)
			return false;
	return len >= 1 && len <= FA_SUBJECT_MOST;
}

static int invalid(struct faas_error *err, const char *what)
{
	return fa_error_typed(err, FAAS_EINVAL, "InvalidParameter", "Invalid parameter: %s", what);
}

int fa_topic_check(const struct faas_message *m, struct faas_error *err)
{
	size_t attributes = m->attributes ? strlen(m->attributes) : 0;

	if (!m->body.len)
		return invalid(err, "Empty message");
	if (m->body.len + attributes > FA_TOPIC_MOST)
		return fa_error_typed(err, FAAS_ETOOLARGE, "InvalidParameter",
				      "Invalid parameter: Message too long");
	if (!fa_text_is_utf8(m->body.data, m->body.len))
		return invalid(err, "Message: must be UTF-8");
	if (m->subject && !is_subject(m->subject))
		return invalid(err, "Subject: must be 1 to 100 printable characters of ASCII");
	if (m->delay_s)
		return invalid(err, "a message for a topic has no delay");
	return 0;
}

/* ---- entries ------------------------------------------------------------- */

static int refuse(struct faas_error *err, const char *code, const char *text)
{
	return fa_error_typed(err, FAAS_EINVAL, code, "%s", text);
}

static int missing(struct faas_error *err, const char *name)
{
	return fa_error_typed(err, FAAS_EINVAL, "InvalidArgument",
			      "Parameter %s is not valid. Reason: %s is a required argument.",
			      name, name);
}

static bool is_word(struct fa_json value)
{
	return fa_json_kind(value) == FA_JSON_STRING && value.len > 2;
}

static bool are_words(struct fa_json list)
{
	struct fa_json_iter iter;
	struct fa_json item;

	if (fa_json_kind(list) <= FA_JSON_NULL)
		return true;
	if (fa_json_kind(list) != FA_JSON_ARRAY)
		return false;
	fa_json_begin(&iter, list);
	while (fa_json_next(&iter, NULL, &item))
		if (!is_word(item))
			return false;
	return true;
}

/* A number of seconds, as the SDKs send it, or a text; `otherwise` where there is none. */
static bool read_time(struct fa_json value, int64_t otherwise, int64_t *unix_s)
{
	char text[40];
	double seconds;

	*unix_s = otherwise;
	switch (fa_json_kind(value)) {
	case FA_JSON_NONE:
	case FA_JSON_NULL:
		return true;
	case FA_JSON_NUMBER:
		if (!fa_json_double(value, &seconds) || seconds < 0 || seconds > 253402300799.0)
			return false;
		*unix_s = (int64_t)seconds;
		return true;
	case FA_JSON_STRING:
		return fa_json_string(value, text, sizeof(text)) < sizeof(text) &&
		       fa_text_read_time(text, unix_s);
	default:
		return false;
	}
}

/* Its text becomes what stands in it. */
static bool read_detail(struct fa_json value, char *room, struct fa_json *detail)
{
	*detail = value;
	if (fa_json_kind(value) == FA_JSON_STRING &&
	    !fa_json_read(room, fa_json_string(value, room, value.len), detail))
		return false;
	return fa_json_kind(*detail) == FA_JSON_OBJECT;
}

static void put(struct fa_text *out, const char *before, struct fa_json value)
{
	fa_text_add(out, before);
	fa_text_bytes(out, value.text, value.len);
}

static bool is_of_aws(struct fa_json source)
{
	return source.len > 5 && !memcmp(source.text, "\"aws.", 5);
}

static int judge(struct fa_json all, int64_t *time_s, int64_t now_ms, struct faas_error *err)
{
	if (!is_word(fa_json_get(all, "Source")))
		return missing(err, "Source");
	if (is_of_aws(fa_json_get(all, "Source")))
		return refuse(err, "NotAuthorizedForSource", "Not authorized for the source.");
	if (!is_word(fa_json_get(all, "DetailType")))
		return missing(err, "DetailType");
	if (fa_json_kind(fa_json_get(all, "Detail")) <= FA_JSON_NULL)
		return missing(err, "Detail");
	if (!are_words(fa_json_get(all, "Resources")))
		return refuse(err, "InvalidArgument", "Parameter Resources is not valid. Reason: "
						      "it must be a list of texts.");
	if (!read_time(fa_json_get(all, "Time"), now_ms / 1000, time_s))
		return refuse(err, "InvalidArgument",
			      "Parameter Time is not valid. Reason: it must be seconds since "
			      "1970, or as in RFC 3339.");
	return 0;
}

/* `room` is behind what is written: the detail lies there meanwhile if it was a text. */
static int write(struct fa_text *out, char *room, struct fa_json all, int64_t time_s,
		 struct faas_error *err)
{
	struct fa_json detail, resources = fa_json_get(all, "Resources");

	if (!read_detail(fa_json_get(all, "Detail"), room, &detail))
		return refuse(err, "MalformedDetail", "Detail is malformed.");
	put(out, "{\"detail-type\":", fa_json_get(all, "DetailType"));
	put(out, ",\"source\":", fa_json_get(all, "Source"));
	fa_text_add(out, ",\"time\":\"");
	fa_text_second(out, time_s * 1000);
	fa_text_add(out, "\",\"resources\":");
	if (fa_json_kind(resources) == FA_JSON_ARRAY)
		put(out, "", resources);
	else
		fa_text_add(out, "[]");
	put(out, ",\"detail\":", detail);
	fa_text_add(out, "}");
	return 0;
}

int fa_entry_read(struct fa_entry *entry, const struct fa_mem *mem, struct faas_bytes text,
		  int64_t now_ms, struct faas_error *err)
{
	struct fa_text out = { .size = text.len + FRAME_MAX };
	struct fa_json all, trace;
	int64_t time_s = 0;
	int rc;

	if (!fa_json_read(text.data, text.len, &all) || fa_json_kind(all) != FA_JSON_OBJECT)
		return refuse(err, "InvalidArgument",
			      "an entry must be an object with Source, DetailType and Detail");
	rc = judge(all, &time_s, now_ms, err);
	if (rc)
		return rc;
	out.data = fa_alloc_dirty(mem, out.size + text.len);
	if (!out.data)
		return fa_error_nomem(err);
	rc = write(&out, out.data + out.size, all, time_s, err);
	if (rc) {
		fa_free(out.data);
		return rc;
	}
	entry->text = out.data;
	entry->len = out.len;
	*entry->trace = '\0';
	trace = fa_json_get(all, "TraceHeader");
	if (fa_json_kind(trace) == FA_JSON_STRING && trace.len < sizeof(entry->trace))
		fa_json_string(trace, entry->trace, sizeof(entry->trace));
	return 0;
}
