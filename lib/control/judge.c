/* SPDX-License-Identifier: MIT */
/*
 * A request is judged whole, by the table, before anything is done: all that is
 * wrong with it is told at once, in the words of Lambda. A member that its
 * operation would not act on is refused: silence would be a promise.
 *
 * What is in an object is judged as the request itself is, under a longer path. Items
 * of a list and entries of a map are told of with all of their list or map, unless they
 * are objects. Of a long value the beginning is shown, for the message is short.
 */
#include <control/control.h>

#include <stdio.h>
#include <string.h>

#include <base/error.h>
#include <base/text.h>

#define SHOWN 64 /* bytes of a value */

struct judgement {
	struct fa_text text; /* what was said so far */
	struct fa_text path; /* of the member that is judged */
	int count;
	struct faas_error *err;
};

/* ---- the path ---------------------------------------------------------- */

/* Returns what leave() needs. */
static size_t enter(struct judgement *j, const char *name)
{
	char initial[2] = { (char)(*name | 0x20), '\0' };
	size_t mark = j->path.len;

	if (mark)
		fa_text_add(&j->path, ".");
	fa_text_add(&j->path, initial);
	fa_text_add(&j->path, name + 1);
	return mark;
}

static size_t enter_item(struct judgement *j, size_t index)
{
	size_t mark = j->path.len;

	fa_text_add(&j->path, ".");
	fa_text_int(&j->path, (int64_t)index + 1);
	fa_text_add(&j->path, ".member");
	return mark;
}

static void leave(struct judgement *j, size_t mark)
{
	j->path.len = mark;
	j->path.data[mark] = '\0';
	j->path.cut = false;
}

/* ---- showing a value --------------------------------------------------- */

static void show_plain(struct fa_text *out, const struct fa_document *value)
{
	const char *text = fa_document_text(value);
	char number[32] = "...";
	double amount;
	int64_t whole;

	if (!text && fa_document_integer(value, &whole))
		snprintf(number, sizeof(number), "%lld", (long long)whole);
	else if (!text && fa_document_number(value, &amount))
		snprintf(number, sizeof(number), "%g", amount);
	fa_text_add(out, text ? text : number);
}

static void show_map(struct fa_text *out, const struct fa_document *map)
{
	const struct fa_document *value;
	const char *key = NULL;

	fa_text_add(out, "{");
	while (!out->cut && (key = fa_document_next(map, key, &value))) {
		fa_text_add(out, out->len > 1 ? ", " : "");
		fa_text_add(out, key);
		fa_text_add(out, "=");
		show_plain(out, value);
	}
	fa_text_add(out, "}");
}

static void show_list(struct fa_text *out, const struct fa_document *list)
{
	const struct fa_document *item;

	fa_text_add(out, "[");
	for (size_t i = 0; !out->cut && (item = fa_document_item(list, i)); i++) {
		fa_text_add(out, i ? ", " : "");
		show_plain(out, item);
	}
	fa_text_add(out, "]");
}

static void show(struct fa_text *out, const struct fa_document *value)
{
	char bytes[SHOWN + 1];
	struct fa_text text = FA_TEXT(bytes);
	size_t len = SHOWN - 3;

	if (fa_document_is_object(value))
		show_map(&text, value);
	else if (fa_document_is_array(value))
		show_list(&text, value);
	else
		show_plain(&text, value);
	if (text.cut) {
		while (len && (bytes[len] & 0xc0) == 0x80) /* no half characters */
			len--;
		strcpy(bytes + len, "...");
	}
	fa_text_add(out, bytes);
}

static bool is_shown(enum fa_field_kind kind, const struct fa_document *value)
{
	return kind != FA_SECRETS_FIELD && !fa_document_is_object(fa_document_item(value, 0));
}

/* "Value 'x' at 'functionName' failed to satisfy constraint: ", and what follows. */
static struct fa_text *complain(struct judgement *j, enum fa_field_kind kind,
				const struct fa_document *value)
{
	fa_text_add(&j->text, j->count++ ? "; Value" : "Value");
	if (!value) {
		fa_text_add(&j->text, " null");
	} else if (is_shown(kind, value)) {
		fa_text_add(&j->text, " '");
		show(&j->text, value);
		fa_text_add(&j->text, "'");
	}
	fa_text_add(&j->text, " at '");
	fa_text_add(&j->text, j->path.data);
	fa_text_add(&j->text, "' failed to satisfy constraint: ");
	return &j->text;
}

/* ---- constraints ------------------------------------------------------- */

static void add_bound(struct fa_text *out, const char *what, bool most, int bound)
{
	fa_text_add(out, "Member must have ");
	fa_text_add(out, what);
	fa_text_add(out, most ? " less than or equal to " : " greater than or equal to ");
	fa_text_int(out, bound);
}

/* Whether the size is out of bounds, and then which. */
static bool breaks_bound(const struct fa_field *f, const char *what, double size, bool has_most,
			 struct fa_text *out)
{
	if (size >= f->min && (!has_most || size <= f->max))
		return false;
	add_bound(out, what, size >= f->min, size < f->min ? f->min : f->max);
	return true;
}

/* One of those in the brackets. */
static bool is_word(const char *constraint, const char *text)
{
	const char *at = strchr(constraint, '[');
	size_t len = strlen(text);

	while (len && at && (at = strstr(at + 1, text)))
		if ((at[-1] == '[' || at[-1] == ' ') && (at[len] == ',' || at[len] == ']'))
			return true;
	return false;
}

static bool breaks_text(const struct fa_field *f, const char *text, struct fa_text *out)
{
	if (breaks_bound(f, "length", (double)fa_text_length(text), f->max, out))
		return true;
	if (f->fits ? f->fits(text) : !f->constraint || is_word(f->constraint, text))
		return false;
	fa_text_add(out, f->constraint);
	return true;
}

enum answer { FINE, BROKEN, WRONG_KIND };

/* Of a value that is neither an object nor a list nor a map: what it breaks. */
static enum answer judge_plain(const struct fa_field *f, const struct fa_document *value,
			       struct fa_text *out)
{
	const char *text = fa_document_text(value);
	int64_t whole;
	double number;
	bool flag;

	switch (f->kind) {
	case FA_TEXT_FIELD:
		return !text ? WRONG_KIND : breaks_text(f, text, out) ? BROKEN : FINE;
	case FA_INTEGER_FIELD:
		if (!fa_document_integer(value, &whole))
			return WRONG_KIND;
		return breaks_bound(f, "value", (double)whole, true, out) ? BROKEN : FINE;
	case FA_NUMBER_FIELD:
		if (!fa_document_number(value, &number))
			return WRONG_KIND;
		return breaks_bound(f, "value", number, true, out) ? BROKEN : FINE;
	default:
		return fa_document_boolean(value, &flag) ? FINE : WRONG_KIND;
	}
}

/* All that is asked of each item. */
static void add_all(struct fa_text *out, const struct fa_field *f)
{
	size_t begin = out->len;
	const char *what = f->kind == FA_TEXT_FIELD ? "length" : "value";

	if (f->max || f->kind != FA_TEXT_FIELD)
		add_bound(out, what, true, f->max);
	if (f->min || f->kind != FA_TEXT_FIELD) {
		fa_text_add(out, out->len > begin ? ", " : "");
		add_bound(out, what, false, f->min);
	}
	if (f->constraint) {
		fa_text_add(out, out->len > begin ? ", " : "");
		fa_text_add(out, f->constraint);
	}
}

static void complain_inside(struct judgement *j, enum fa_field_kind kind,
			    const struct fa_document *whole, const char *what,
			    const struct fa_field *f)
{
	struct fa_text *text = complain(j, kind, whole);

	fa_text_add(text, what);
	fa_text_add(text, " must satisfy constraint: [");
	add_all(text, f);
	fa_text_add(text, ", Member must not be null]");
}

/* ---- kinds ------------------------------------------------------------- */

static const char *kind_name(enum fa_field_kind kind)
{
	static const char *const kinds[] = { [FA_TEXT_FIELD] = "a string",
					     [FA_INTEGER_FIELD] = "a whole number",
					     [FA_NUMBER_FIELD] = "a number",
					     [FA_OBJECT_FIELD] = "an object",
					     [FA_LIST_FIELD] = "a list",
					     [FA_BOOLEAN_FIELD] = "true or false",
					     [FA_MAP_FIELD] = "an object",
					     [FA_SECRETS_FIELD] = "an object" };

	return kinds[kind];
}

static int wrong_kind(struct judgement *j, const char *owner, const struct fa_field *f)
{
	if (!owner)
		return fa_error_typed(j->err, FAAS_EINVAL, "SerializationException",
				      "%s must be %s", f->name, kind_name(f->kind));
	return fa_error_typed(j->err, FAAS_EINVAL, "SerializationException", "%s of %s must be %s",
			      f->name, owner, kind_name(f->kind));
}

static bool is_of_kind(const struct fa_field *f, const struct fa_document *value)
{
	if (f->kind == FA_LIST_FIELD)
		return fa_document_is_array(value);
	return fa_document_is_object(value);
}

/* ---- what has others inside --------------------------------------------- */

static int judge_members(struct judgement *j, const char *name, const char *owner,
			 const struct fa_field *fields, const struct fa_document *in);

static int judge_item(struct judgement *j, const struct fa_field *f,
		      const struct fa_document *list, size_t i, bool *told)
{
	const struct fa_document *item = fa_document_item(list, i);
	char bytes[8];
	struct fa_text none = FA_TEXT(bytes);
	size_t mark;
	int rc;

	if (f->inner->kind == FA_OBJECT_FIELD && fa_document_is_object(item)) {
		mark = enter_item(j, i);
		rc = judge_members(j, f->name, f->name, f->inner->inner, item);
		leave(j, mark);
		return rc;
	}
	switch (f->inner->kind == FA_OBJECT_FIELD ? WRONG_KIND :
						    judge_plain(f->inner, item, &none)) {
	case FINE:
		return 0;
	case BROKEN:
		if (!*told)
			complain_inside(j, f->kind, list, "Member", f->inner);
		*told = true;
		return 0;
	default:
		return fa_error_typed(j->err, FAAS_EINVAL, "SerializationException",
				      "each of %s must be %s", f->name, kind_name(f->inner->kind));
	}
}

static int judge_list(struct judgement *j, const struct fa_field *f,
		      const struct fa_document *list)
{
	char bytes[64];
	struct fa_text bound = FA_TEXT(bytes);
	bool told = false;
	size_t count = 0;
	int rc = 0;

	while (fa_document_item(list, count))
		count++;
	if (breaks_bound(f, "length", (double)count, f->max, &bound))
		fa_text_add(complain(j, f->kind, list), bytes);
	for (size_t i = 0; !rc && f->inner && i < count; i++)
		rc = judge_item(j, f, list, i, &told);
	return rc;
}

/* Its first row is of the keys, its second one of the values. */
static int judge_map(struct judgement *j, const struct fa_field *f, const struct fa_document *map)
{
	const struct fa_document *value;
	bool keys = false, values = false;
	const char *key = NULL;
	char bytes[8];
	struct fa_text none = FA_TEXT(bytes);

	while ((key = fa_document_next(map, key, &value))) {
		keys |= breaks_text(&f->inner[0], key, &none);
		switch (judge_plain(&f->inner[1], value, &none)) {
		case FINE:
			break;
		case BROKEN:
			values = true;
			break;
		default:
			return fa_error_typed(j->err, FAAS_EINVAL, "SerializationException",
					      "the value of '%.80s' must be %s", key,
					      kind_name(f->inner[1].kind));
		}
	}
	if (keys)
		complain_inside(j, f->kind, map, "Map keys", &f->inner[0]);
	if (values)
		complain_inside(j, f->kind, map, "Map value", &f->inner[1]);
	return 0;
}

static int judge_inside(struct judgement *j, const struct fa_field *f,
			const struct fa_document *value)
{
	switch (f->kind) {
	case FA_LIST_FIELD:
		return judge_list(j, f, value);
	case FA_OBJECT_FIELD:
		return f->inner ? judge_members(j, f->name, f->name, f->inner, value) : 0;
	default:
		return judge_map(j, f, value);
	}
}

static int judge_one(struct judgement *j, const char *owner, const struct fa_field *f,
		     const struct fa_document *value)
{
	char bytes[1024] = "";
	struct fa_text what = FA_TEXT(bytes);

	if (!value && f->required)
		fa_text_add(complain(j, f->kind, NULL), "Member must not be null");
	if (!value)
		return 0;
	if (fa_field_has_inside(f))
		return is_of_kind(f, value) ? judge_inside(j, f, value) : wrong_kind(j, owner, f);
	switch (judge_plain(f, value, &what)) {
	case FINE:
		return 0;
	case BROKEN:
		fa_text_add(complain(j, f->kind, value), bytes);
		return 0;
	default:
		return wrong_kind(j, owner, f);
	}
}

static int check_known(struct judgement *j, const char *name, const struct fa_field *fields,
		       const struct fa_document *in)
{
	const struct fa_document *value;
	const char *member = NULL;

	while ((member = fa_document_next(in, member, &value))) {
		const struct fa_field *f = fields;

		while (f->name && strcmp(f->name, member))
			f++;
		if (!f->name)
			return fa_error(j->err, FAAS_EINVAL, "%s does nothing with '%.80s' here",
					name, member);
	}
	return 0;
}

/* `owner`: whose members they are; NULL: the request's. */
static int judge_members(struct judgement *j, const char *name, const char *owner,
			 const struct fa_field *fields, const struct fa_document *in)
{
	int rc = check_known(j, name, fields, in);

	for (const struct fa_field *f = fields; !rc && f->name; f++) {
		size_t mark = enter(j, f->name);

		rc = judge_one(j, owner, f, fa_document_get(in, f->name));
		leave(j, mark);
	}
	return rc;
}

int fa_control_judge(const struct fa_operation *operation, const struct fa_document *in,
		     struct faas_error *err)
{
	char bytes[2048] = "", path[256] = "";
	struct judgement j = { .text = FA_TEXT(bytes), .path = FA_TEXT(path), .err = err };
	int rc = judge_members(&j, operation->name, NULL, operation->fields, in);

	if (rc || !j.count)
		return rc;
	return fa_error_typed(err, FAAS_EINVAL, "ValidationException",
			      "%d validation error%s detected: %s", j.count,
			      j.count > 1 ? "s" : "", bytes);
}
