/* SPDX-License-Identifier: MIT */
/*
 * Tags live in their function's entry, under the registry's lock, as the object
 * that the API has for them. Who adds some builds the next object beside the old one.
 */
#include <model/tags.h>

#include <string.h>
#include <strings.h>

#include <base/error.h>
#include <base/text.h>

static int check_key(const char *key, struct faas_error *err)
{
	size_t len = strlen(key);

	if (!len || len > FA_TAG_KEY_MAX)
		return fa_error(err, FAAS_EINVAL, "a tag's key has 1 to %d bytes: '%.60s'",
				FA_TAG_KEY_MAX, key);
	if (!strncasecmp(key, "aws:", 4))
		return fa_error(err, FAAS_EINVAL,
				"aws: prefixed tag key names are not allowed for external use.");
	return 0;
}

static int check_count(const struct fa_document *tags, struct faas_error *err)
{
	if (fa_document_count(tags) <= FA_TAGS_MAX)
		return 0;
	return fa_error(err, FAAS_EINVAL, "Number of tags exceeds resource tag limit.");
}

static int check_tag(const char *key, const char *value, struct faas_error *err)
{
	int rc = check_key(key, err);

	if (!rc && !value)
		rc = fa_error_typed(err, FAAS_EINVAL, "SerializationException",
				    "the value of tag '%.60s' must be a string", key);
	if (!rc && strlen(value) > FA_TAG_VALUE_MAX)
		rc = fa_error(err, FAAS_EINVAL, "the value of tag '%.60s' is longer than %d bytes",
			      key, FA_TAG_VALUE_MAX);
	return rc;
}

int fa_tags_check(const struct fa_document *tags, struct faas_error *err)
{
	const struct fa_document *value;
	const char *key = NULL;
	int rc = check_count(tags, err);

	while (!rc && (key = fa_document_next(tags, key, &value)))
		rc = check_tag(key, fa_document_text(value), err);
	return rc;
}

/* A document's texts are UTF-8 whoever wrote it; a host's may be anything. */
static int put_tag(struct fa_document *into, const struct faas_tag *tag, struct faas_error *err)
{
	const char *value = tag->value ? tag->value : "";
	int rc = check_tag(tag->key, value, err);

	if (!rc && (!fa_text_is_utf8(tag->key, strlen(tag->key)) ||
		    !fa_text_is_utf8(value, strlen(value))))
		rc = fa_error(err, FAAS_EINVAL, "tag '%.60s' is not UTF-8", tag->key);
	if (!rc && fa_document_put_text(into, tag->key, value))
		rc = fa_error_nomem(err);
	return rc;
}

int fa_tags_read(struct fa_document **out, const struct faas_tag *tags, struct faas_error *err)
{
	struct fa_document *all = tags ? fa_document_object() : NULL;
	int rc = tags && !all ? fa_error_nomem(err) : 0;

	for (; !rc && tags && tags->key; tags++) {
		rc = put_tag(all, tags, err);
		if (!rc)
			rc = check_count(all, err);
	}
	if (!rc && out)
		*out = all;
	else
		fa_document_free(all);
	return rc;
}

/* A qualified name finds its function, too: it must not pass for it. */
static struct fa_function *open(struct fa_registry *registry, const char *text, bool write, int *rc,
				struct faas_error *err)
{
	struct fa_name name;

	*rc = fa_name_parse(&name, text, err);
	if (!*rc && name.qualifier.data)
		*rc = fa_error(err, FAAS_EINVAL,
			       "Tags on function aliases and versions are not supported. Please "
			       "specify a function ARN.");
	return *rc ? NULL : fa_registry_open(registry, text, write, rc, err);
}

static struct fa_document *copy_of(const struct fa_function *function)
{
	return function->tags ? fa_document_copy(function->tags) : fa_document_object();
}

static int merge(struct fa_document *into, const struct fa_document *tags)
{
	const struct fa_document *value;
	const char *key = NULL;
	int rc = into ? 0 : FAAS_ENOMEM;

	while (!rc && (key = fa_document_next(tags, key, &value)))
		rc = fa_document_put_text(into, key, fa_document_text(value));
	return rc;
}

int fa_tags_add(struct fa_registry *registry, const char *text, const struct fa_document *tags,
		struct faas_error *err)
{
	struct fa_function *function;
	struct fa_document *next;
	int rc = fa_tags_check(tags, err);

	if (rc)
		return rc;
	function = open(registry, text, true, &rc, err);
	if (!function)
		return rc;
	next = copy_of(function);
	rc = merge(next, tags) ? fa_error_nomem(err) : check_count(next, err);
	if (!rc) {
		fa_document_free(function->tags);
		function->tags = next;
	}
	fa_registry_close(registry);
	if (rc)
		fa_document_free(next);
	return rc;
}

void fa_tags_replace(struct fa_registry *registry, const char *name, struct fa_document *tags)
{
	int rc;
	struct fa_function *function = fa_registry_open(registry, name, true, &rc, NULL);

	if (!function) {
		fa_document_free(tags);
		return;
	}
	fa_document_free(function->tags);
	function->tags = tags;
	fa_registry_close(registry);
}

int fa_tags_remove(struct fa_registry *registry, const char *text, const struct fa_document *keys,
		   struct faas_error *err)
{
	const struct fa_document *key;
	struct fa_function *function;
	int rc;

	for (size_t i = 0; (key = fa_document_item(keys, i)); i++)
		if (!fa_document_text(key))
			return fa_error_typed(err, FAAS_EINVAL, "SerializationException",
					      "each of TagKeys must be a string");
	function = open(registry, text, true, &rc, err);
	if (!function)
		return rc;
	for (size_t i = 0; function->tags && (key = fa_document_item(keys, i)); i++)
		fa_document_drop(function->tags, fa_document_text(key));
	fa_registry_close(registry);
	return 0;
}

struct fa_document *fa_tags_get(struct fa_registry *registry, const char *text,
				struct faas_error *err)
{
	struct fa_document *tags;
	struct fa_function *function;
	int rc;

	function = open(registry, text, false, &rc, err);
	if (!function)
		return NULL;
	tags = copy_of(function);
	fa_registry_close(registry);
	if (!tags)
		fa_error_nomem(err);
	return tags;
}
