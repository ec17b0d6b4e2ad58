/* SPDX-License-Identifier: MIT */
/*
 * Lines of a function as JSON. What is an object already is delivered as it
 * is, for whoever wrote it has chosen its members; everything else is wrapped.
 */
#include <env/logs_json.h>

#include <base/json.h>
#include <base/level.h>
#include <base/text.h>
#include <faas/types.h>

static bool is_object(const char *text, size_t len, struct fa_json *value)
{
	return len && *text == '{' && fa_json_read(text, len, value) &&
	       fa_json_kind(*value) == FA_JSON_OBJECT;
}

/*
 * Its own level if it has one that is one, else that of plain output. AWS's runtime for
 * Python has another name for that of what a function failed with.
 */
static enum faas_level level_of(struct fa_json object)
{
	struct fa_json own = fa_json_get(object, "level");
	enum faas_level level = FAAS_INFO;
	char name[8];

	if (fa_json_kind(own) == FA_JSON_NONE)
		own = fa_json_get(object, "log_level");
	if (fa_json_kind(own) == FA_JSON_STRING && fa_json_string(own, name, sizeof(name)) < 8)
		fa_level_read(&level, name);
	return level;
}

static size_t wrap(const struct fa_json_line *line, const char *text, size_t len, char *room)
{
	struct fa_text out = { .data = room, .size = FA_LOG_JSON_MAX(len) };

	fa_text_add(&out, "{\"timestamp\":\"");
	fa_text_time(&out, line->unix_ms);
	fa_text_add(&out, "\",\"level\":\"");
	fa_text_add(&out, fa_level_name((enum faas_level) * line->level));
	if (*line->request_id) {
		fa_text_add(&out, "\",\"requestId\":\"");
		fa_text_add(&out, line->request_id);
	}
	fa_text_add(&out, "\",\"message\":\"");
	fa_text_json(&out, text, len);
	fa_text_add(&out, "\"}");
	return out.len;
}

const char *fa_logs_json(const struct fa_json_line *line, const char *text, size_t *len, char *room)
{
	struct fa_json object;

	if ((*line->level < 0 || line->made) && is_object(text, *len, &object)) {
		if (*line->level < 0)
			*line->level = level_of(object);
		return text;
	}
	if (*line->level < 0)
		*line->level = FAAS_INFO;
	*len = wrap(line, text, *len, room);
	return room;
}
