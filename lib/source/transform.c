/* SPDX-License-Identifier: MIT */
/*
 * Paths and templates are short and read each time. A value is written as JSON into the spare
 * room first: whether it stands in quotes decides what is copied of it.
 */
#include <source/transform.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/error.h>
#include <control/control.h>

#define VARIABLES_MOST 100
#define TEMPLATE_MOST 8192
#define NAME_MOST 64
#define NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:/"

static const char *const predefined[] = { "aws.events.rule-arn", "aws.events.rule-name",
					  "aws.events.event", "aws.events.event.json",
					  "aws.events.event.ingestion-time" };

enum { RULE_ARN, RULE_NAME, EVENT, EVENT_JSON, INGESTION_TIME, PREDEFINED };

/* ---- paths ---------------------------------------------------------------- */

/* One step of a path: a name, an element, or all of them. */
struct step {
	char name[NAME_MOST + 1]; /* "": an element */
	long index;               /* -1: all */
};

/* The rest of the path behind the step; NULL: it is none. */
static const char *read_step(const char *path, struct step *step)
{
	size_t len;
	char *end;

	*step->name = '\0';
	step->index = -1;
	if (*path == '.') {
		len = strspn(++path, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				     "0123456789-_:/@$");
		if (!len || len > NAME_MOST)
			return NULL;
		memcpy(step->name, path, len);
		step->name[len] = '\0';
		return path + len;
	}
	if (!strncmp(path, "[*]", 3))
		return path + 3;
	if (*path != '[' || path[1] < '0' || path[1] > '9')
		return NULL;
	step->index = strtol(path + 1, &end, 10);
	return *end == ']' ? end + 1 : NULL;
}

static bool is_path(const char *path)
{
	struct step step;

	if (!path || *path != '$')
		return false;
	for (path++; path && *path;)
		path = read_step(path, &step);
	return path;
}

static struct fa_json element(struct fa_json array, long index)
{
	struct fa_json_iter iter;
	struct fa_json value = { NULL, 0 };

	if (fa_json_kind(array) != FA_JSON_ARRAY)
		return value;
	fa_json_begin(&iter, array);
	while (index-- >= 0)
		if (!fa_json_next(&iter, NULL, &value))
			return (struct fa_json){ NULL, 0 };
	return value;
}

static bool put_value(struct fa_text *out, struct fa_json value, const char *path);

/* All elements that have one, as an array. */
static bool put_all(struct fa_text *out, struct fa_json array, const char *path)
{
	struct fa_json_iter iter;
	struct fa_json value;
	bool first = true;

	if (fa_json_kind(array) != FA_JSON_ARRAY)
		return false;
	fa_text_add(out, "[");
	fa_json_begin(&iter, array);
	while (fa_json_next(&iter, NULL, &value)) {
		size_t before = out->len;

		if (!first)
			fa_text_add(out, ",");
		if (put_value(out, value, path))
			first = false;
		else
			out->len = before;
	}
	fa_text_add(out, "]");
	return true;
}

/* False: there is nothing at the end of the path. */
static bool put_value(struct fa_text *out, struct fa_json value, const char *path)
{
	struct step step;

	while (*path) {
		path = read_step(path, &step);
		if (*step.name)
			value = fa_json_kind(value) == FA_JSON_OBJECT
					? fa_json_get(value, step.name)
					: (struct fa_json){ NULL, 0 };
		else if (step.index < 0)
			return put_all(out, value, path);
		else
			value = element(value, step.index);
		if (fa_json_kind(value) == FA_JSON_NONE)
			return false;
	}
	fa_text_bytes(out, value.text, value.len);
	return true;
}

/* ---- variables ---------------------------------------------------------------- */

static int find_predefined(const char *name)
{
	int i = 0;

	while (i < PREDEFINED && strcmp(predefined[i], name) != 0)
		i++;
	return i;
}

static void put_text(struct fa_text *out, const char *text)
{
	fa_text_add(out, "\"");
	fa_text_json(out, text, strlen(text));
	fa_text_add(out, "\"");
}

static void put_time(struct fa_text *out, int64_t unix_ms)
{
	fa_text_add(out, "\"");
	fa_text_time(out, unix_ms);
	fa_text_add(out, "\"");
}

static void put_without_detail(struct fa_text *out, struct fa_json event)
{
	struct fa_json_iter iter;
	struct fa_json key, value;
	int n = 0;

	fa_text_add(out, "{");
	fa_json_begin(&iter, event);
	while (fa_json_next(&iter, &key, &value)) {
		if (fa_json_equals(key, "detail"))
			continue;
		fa_text_add(out, n++ ? "," : "");
		fa_text_bytes(out, key.text, key.len);
		fa_text_add(out, ":");
		fa_text_bytes(out, value.text, value.len);
	}
	fa_text_add(out, "}");
}

static bool put_variable(struct fa_text *out, const struct fa_document *paths, const char *name,
			 const struct fa_transform *t)
{
	const char *path;

	switch (find_predefined(name)) {
	case RULE_ARN:
		put_text(out, t->rule_arn);
		return true;
	case RULE_NAME:
		put_text(out, t->rule_name);
		return true;
	case EVENT:
		put_without_detail(out, t->event);
		return true;
	case EVENT_JSON:
		fa_text_bytes(out, t->event.text, t->event.len);
		return true;
	case INGESTION_TIME:
		put_time(out, t->came_ms);
		return true;
	default:
		path = fa_control_text(paths, name);
		return path && put_value(out, t->event, path + 1);
	}
}

/* ---- templates ------------------------------------------------------------------- */

/* "<NAME>" at its beginning: what is behind it, and the name. NULL: it is none. */
static const char *read_variable(const char *text, char name[NAME_MOST + 1])
{
	size_t len = *text == '<' ? strspn(text + 1, NAME_CHARACTERS) : 0;

	if (!len || len > NAME_MOST || text[len + 1] != '>')
		return NULL;
	memcpy(name, text + 1, len);
	name[len] = '\0';
	return text + len + 2;
}

static void put_found(struct fa_text *out, const struct fa_text *value, bool quoted)
{
	if (!quoted)
		fa_text_bytes(out, value->data, value->len);
	else if (*value->data == '"')
		fa_text_bytes(out, value->data + 1, value->len - 2);
	else
		fa_text_json(out, value->data, value->len);
}

static void substitute(struct fa_text *out, struct fa_text *spare, const struct fa_document *paths,
		       const char *name, const struct fa_transform *t, bool quoted)
{
	spare->len = 0;
	if (put_variable(spare, paths, name, t))
		put_found(out, spare, quoted);
	else if (!quoted)
		fa_text_add(out, "null");
	out->cut |= spare->cut;
}

static const char *copy_text(struct fa_text *out, const char *at)
{
	size_t len = 1 + strcspn(at + 1, "<");

	fa_text_json(out, at, len);
	return at + len;
}

static const char *copy_json(struct fa_text *out, const char *at, bool *quoted)
{
	size_t len = *at == '\\' && at[1] ? 2 : 1;

	if (*at == '"')
		*quoted = !*quoted;
	fa_text_bytes(out, at, len);
	return at + len;
}

/* As a text all of it is inside of one. */
static void fill_in(struct fa_text *out, struct fa_text *spare, const struct fa_document *paths,
		    const char *template, const struct fa_transform *t, bool as_text)
{
	char name[NAME_MOST + 1];
	bool quoted = as_text;

	for (const char *at = template, *behind; *at;) {
		behind = read_variable(at, name);
		if (behind)
			substitute(out, spare, paths, name, t, quoted);
		else
			behind = as_text ? copy_text(out, at) : copy_json(out, at, &quoted);
		at = behind;
	}
}

static void write_template(struct fa_text *out, struct fa_text *spare,
			   const struct fa_document *how, const struct fa_transform *t)
{
	const struct fa_document *paths = fa_document_get(how, "InputPathsMap");
	const char *template = fa_control_text(how, "InputTemplate");
	size_t begin = out->len;

	fill_in(out, spare, paths, template, t, false);
	if (out->cut || fa_json_valid(out->data + begin, out->len - begin, NULL))
		return;
	out->len = begin;
	fa_text_add(out, "\"");
	fill_in(out, spare, paths, template, t, true);
	fa_text_add(out, "\"");
}

void fa_transform_write(struct fa_text *out, struct fa_text *spare,
			const struct fa_document *config, const struct fa_transform *t)
{
	const char *input = fa_control_text(config, "Input");
	const char *path = fa_control_text(config, "InputPath");
	const struct fa_document *how = fa_document_get(config, "InputTransformer");

	if (input)
		fa_text_add(out, input);
	else if (how)
		write_template(out, spare, how, t);
	else if (!path)
		fa_text_bytes(out, t->event.text, t->event.len);
	else if (!put_value(out, t->event, path + 1))
		fa_text_add(out, "null");
}

/* ---- what is refused ----------------------------------------------------------------- */

static int check_paths(const struct fa_document *paths, struct faas_error *err)
{
	const struct fa_document *value;
	const char *name = NULL;

	if (paths && !fa_document_is_object(paths))
		return fa_error(err, FAAS_EINVAL, "InputPathsMap must be an object of paths");
	if (fa_document_count(paths) > VARIABLES_MOST)
		return fa_error(err, FAAS_EINVAL, "InputPathsMap has at most %d paths",
				VARIABLES_MOST);
	while (paths && (name = fa_document_next(paths, name, &value))) {
		size_t len = strlen(name);

		if (!len || len > NAME_MOST || strspn(name, NAME_CHARACTERS) != len ||
		    !strncmp(name, "aws", 3) || !strncmp(name, "AWS", 3))
			return fa_error(
				err, FAAS_EINVAL,
				"'%.80s' in InputPathsMap is no name of a variable: expected "
				"up to %d letters, digits and -_.:/, not beginning with aws",
				name, NAME_MOST);
		if (!is_path(fa_document_text(value)))
			return fa_error(
				err, FAAS_EINVAL,
				"InputPathsMap: '%.80s' is no path: expected $.name, [n] and "
				"[*]",
				fa_document_text(value) ? fa_document_text(value) : "");
	}
	return 0;
}

static int check_template(const struct fa_document *how, struct faas_error *err)
{
	const struct fa_document *paths = fa_document_get(how, "InputPathsMap");
	const char *template = fa_control_text(how, "InputTemplate");
	char name[NAME_MOST + 1];
	int rc = check_paths(paths, err);

	if (rc)
		return rc;
	if (!template || !*template || strlen(template) > TEMPLATE_MOST)
		return fa_error(err, FAAS_EINVAL,
				"InputTransformer must have an InputTemplate of 1 to %d characters",
				TEMPLATE_MOST);
	for (const char *at = template; *at; at++)
		if (read_variable(at, name) && find_predefined(name) == PREDEFINED &&
		    !fa_document_get(paths, name))
			return fa_error(err, FAAS_EINVAL,
					"<%.64s> in InputTemplate has no path in InputPathsMap",
					name);
	return 0;
}

int fa_transform_check(const struct fa_document *config, struct faas_error *err)
{
	const char *input = fa_control_text(config, "Input");
	const struct fa_document *path = fa_document_get(config, "InputPath");
	const struct fa_document *how = fa_document_get(config, "InputTransformer");

	if ((input != NULL) + (path != NULL) + (how != NULL) > 1)
		return fa_error(err, FAAS_EINVAL,
				"only one of Input, InputPath and InputTransformer can be given");
	if (input && !fa_json_valid(input, strlen(input), NULL))
		return fa_error(err, FAAS_EINVAL, "Input must be JSON");
	if (path && !is_path(fa_document_text(path)))
		return fa_error(err, FAAS_EINVAL,
				"InputPath: '%.80s' is no path: expected $.name, [n] and [*]",
				fa_document_text(path) ? fa_document_text(path) : "");
	return how ? check_template(how, err) : 0;
}
