/* SPDX-License-Identifier: MIT */
/* What a table is like, in the words in which DynamoDB is told. */
#include <model/table.h>

#include <stdio.h>
#include <string.h>

#include <base/document.h>
#include <base/error.h>

#define SCHEME "table:"
#define ARN "arn:aws:dynamodb:"

static const char *const views[] = {
	[FA_VIEW_KEYS] = "KEYS_ONLY",
	[FA_VIEW_NEW] = "NEW_IMAGE",
	[FA_VIEW_OLD] = "OLD_IMAGE",
	[FA_VIEW_BOTH] = "NEW_AND_OLD_IMAGES",
};

const char *fa_table_view_name(enum fa_table_view view)
{
	return views[view];
}

/* ---- names ------------------------------------------------------------- */

static bool fits(const char *name)
{
	size_t len = strlen(name);

	return len >= 1 && len <= FA_TABLE_NAME_MAX &&
	       strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			    "0123456789-_.") == len;
}

/* Behind the name in an ARN may be "/stream/" and a label, which says nothing here. */
bool fa_table_name(char out[FA_TABLE_NAME_MAX + 1], const char *text)
{
	const char *name = NULL;
	size_t len;

	if (!strncmp(text, SCHEME, strlen(SCHEME)))
		name = text + strlen(SCHEME);
	else if (!strncmp(text, ARN, strlen(ARN)) && (name = strstr(text, ":table/")))
		name += strlen(":table/");
	if (!name)
		return false;
	len = *text == 'a' ? strcspn(name, "/") : strlen(name);
	if (len > FA_TABLE_NAME_MAX || (name[len] && strncmp(name + len, "/stream/", 8) != 0))
		return false;
	snprintf(out, FA_TABLE_NAME_MAX + 1, "%.*s", (int)len, name);
	return fits(out);
}

/* ---- JSON -------------------------------------------------------------- */

static const char *text_of(const struct fa_document *in, const char *name)
{
	const char *text = fa_document_text(fa_document_get(in, name));

	return text ? text : "";
}

static char type_of(const struct fa_document *definitions, const char *name)
{
	const struct fa_document *one;

	for (size_t i = 0; (one = fa_document_item(definitions, i)); i++) {
		const char *type = text_of(one, "AttributeType");

		if (!strcmp(text_of(one, "AttributeName"), name) && strlen(type) == 1 &&
		    strchr("SNB", *type))
			return *type;
	}
	return '\0';
}

static int read_keys(struct fa_table *t, const struct fa_document *in, struct faas_error *err)
{
	static const char *const kinds[] = { "HASH", "RANGE" };
	const struct fa_document *schema = fa_document_get(in, "KeySchema"), *one;
	const struct fa_document *definitions = fa_document_get(in, "AttributeDefinitions");

	while ((one = fa_document_item(schema, (size_t)t->key_count))) {
		struct fa_table_key *key = &t->keys[t->key_count];
		const char *name = text_of(one, "AttributeName");

		if (t->key_count == 2 || strcmp(text_of(one, "KeyType"), kinds[t->key_count]) != 0)
			return fa_error(err, FAAS_EINVAL,
					"KeySchema has one attribute with the KeyType HASH, and "
					"then perhaps one with RANGE");
		key->type = type_of(definitions, name);
		if (!*name || strlen(name) > FA_TABLE_NAME_MAX || !key->type)
			return fa_error(err, FAAS_EINVAL,
					"the key '%.80s' needs an AttributeName of 1 to %d bytes, "
					"and in AttributeDefinitions the AttributeType S, N or B",
					name, FA_TABLE_NAME_MAX);
		snprintf(key->name, sizeof(key->name), "%s", name);
		t->key_count++;
	}
	if (!t->key_count)
		return fa_error(err, FAAS_EINVAL,
				"a table needs KeySchema and AttributeDefinitions, which say what "
				"the key of its items is");
	if (t->key_count == 2 && !strcmp(t->keys[0].name, t->keys[1].name))
		return fa_error(err, FAAS_EINVAL, "both keys are '%.80s'", t->keys[0].name);
	return 0;
}

static int read_stream(struct fa_table *t, const struct fa_document *in, struct faas_error *err)
{
	const char *name = text_of(in, "StreamViewType");
	bool enabled = false;

	fa_document_boolean(fa_document_get(in, "StreamEnabled"), &enabled);
	if (!enabled && !*name)
		return 0;
	for (t->view = FA_VIEW_BOTH; enabled && t->view; t->view--)
		if (!strcmp(views[t->view], name))
			return 0;
	return fa_error(err, FAAS_EINVAL,
			"StreamSpecification is {\"StreamEnabled\":true,\"StreamViewType\":...} "
			"with KEYS_ONLY, NEW_IMAGE, OLD_IMAGE or NEW_AND_OLD_IMAGES, or "
			"{\"StreamEnabled\":false}");
}

static int read_time_to_live(struct fa_table *t, const struct fa_document *in,
			     struct faas_error *err)
{
	const char *name = text_of(in, "AttributeName");
	bool enabled = false;

	fa_document_boolean(fa_document_get(in, "Enabled"), &enabled);
	if (!in || !enabled)
		return 0;
	if (!*name || strlen(name) > FA_TABLE_NAME_MAX)
		return fa_error(err, FAAS_EINVAL,
				"TimeToLiveSpecification needs an AttributeName of 1 to %d bytes",
				FA_TABLE_NAME_MAX);
	snprintf(t->expires, sizeof(t->expires), "%s", name);
	return 0;
}

static int check_members(const struct fa_document *in, struct faas_error *err)
{
	static const char *const known[] = { "KeySchema", "AttributeDefinitions",
					     "StreamSpecification", "TimeToLiveSpecification",
					     "LatestStreamLabel" };
	const struct fa_document *value;
	const char *name = NULL;

	while ((name = fa_document_next(in, name, &value))) {
		bool found = false;

		for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
			found |= !strcmp(known[i], name);
		if (!found)
			return fa_error(err, FAAS_EINVAL,
					"'%.80s' is nothing that a table has here: expected "
					"KeySchema, AttributeDefinitions, StreamSpecification or "
					"TimeToLiveSpecification", name);
	}
	return 0;
}

int fa_table_read(struct fa_table *table, const char *name, const char *options,
		  struct faas_error *err)
{
	struct fa_table t = { .view = FA_VIEW_NONE };
	struct fa_document *in = fa_document_parse(options ? options : "{}", err);
	int rc;

	if (!in)
		return FAAS_EINVAL;
	snprintf(t.name, sizeof(t.name), "%s", name);
	snprintf(t.label, sizeof(t.label), "%s", text_of(in, "LatestStreamLabel"));
	rc = check_members(in, err);
	if (!rc)
		rc = read_keys(&t, in, err);
	if (!rc)
		rc = read_stream(&t, fa_document_get(in, "StreamSpecification"), err);
	if (!rc)
		rc = read_time_to_live(&t, fa_document_get(in, "TimeToLiveSpecification"), err);
	if (!rc)
		*table = t;
	fa_document_free(in);
	return rc;
}

static int put_key(struct fa_document *out, const struct fa_table_key *key, bool first)
{
	struct fa_document *part = fa_document_object(), *definition = fa_document_object();
	const char type[] = { key->type, '\0' };
	int rc = fa_document_put_text(part, "AttributeName", key->name);

	rc |= fa_document_put_text(part, "KeyType", first ? "HASH" : "RANGE");
	rc |= fa_document_append_to(out, "KeySchema", part);
	rc |= fa_document_put_text(definition, "AttributeName", key->name);
	rc |= fa_document_put_text(definition, "AttributeType", type);
	return fa_document_append_to(out, "AttributeDefinitions", definition) | rc;
}

static int put_stream(struct fa_document *out, const struct fa_table *t)
{
	struct fa_document *stream = fa_document_object();
	int rc = fa_document_put_boolean(stream, "StreamEnabled", t->view != FA_VIEW_NONE);

	if (t->view != FA_VIEW_NONE)
		rc |= fa_document_put_text(stream, "StreamViewType", views[t->view]);
	rc |= fa_document_put_text(out, "LatestStreamLabel", t->label);
	return fa_document_put(out, "StreamSpecification", stream) | rc;
}

static int put_time_to_live(struct fa_document *out, const struct fa_table *t)
{
	struct fa_document *how = fa_document_object();
	int rc = fa_document_put_boolean(how, "Enabled", *t->expires);

	if (*t->expires)
		rc |= fa_document_put_text(how, "AttributeName", t->expires);
	return fa_document_put(out, "TimeToLiveSpecification", how) | rc;
}

char *fa_table_print(const struct fa_table *t, const struct fa_mem *mem)
{
	struct fa_document *out = fa_document_object();
	char *text;
	int rc = 0;

	for (int i = 0; i < t->key_count; i++)
		rc |= put_key(out, &t->keys[i], !i);
	rc |= put_stream(out, t);
	rc |= put_time_to_live(out, t);
	text = rc ? NULL : fa_document_print(out, mem);
	fa_document_free(out);
	return text;
}
