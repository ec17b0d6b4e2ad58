/* SPDX-License-Identifier: MIT */
/*
 * jansson behind words of our own: nobody else includes its header, and the day
 * it goes nobody else will notice. It allocates with malloc(): its hook for
 * another allocator is one per process, and that is the host's.
 */
#include <base/document.h>

#include <string.h>

#include <jansson.h>
#include <base/error.h>

static json_t *json(const struct fa_document *document)
{
	return (json_t *)document;
}

static struct fa_document *ours(json_t *json)
{
	return (struct fa_document *)json;
}

struct fa_document *fa_document_parse(const char *text, struct faas_error *err)
{
	json_error_t why = { .text = "" };
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &why);

	if (json_is_object(root))
		return ours(root);
	fa_error_typed(err, FAAS_EINVAL, "InvalidRequestContentException",
		       "Could not parse request body into json: %s",
		       root ? "it is not an object" : why.text);
	json_decref(root);
	return NULL;
}

struct fa_document *fa_document_object(void)
{
	return ours(json_object());
}

struct fa_document *fa_document_array(void)
{
	return ours(json_array());
}

void fa_document_free(struct fa_document *document)
{
	json_decref(json(document));
}

/* ---- read ------------------------------------------------------------ */

const struct fa_document *fa_document_get(const struct fa_document *object, const char *name)
{
	json_t *value = json_object_get(json(object), name);

	return json_is_null(value) ? NULL : ours(value);
}

const char *fa_document_text(const struct fa_document *document)
{
	return json_string_value(json(document));
}

bool fa_document_integer(const struct fa_document *document, int64_t *value)
{
	if (!json_is_integer(json(document)))
		return false;
	*value = json_integer_value(json(document));
	return true;
}

bool fa_document_number(const struct fa_document *document, double *value)
{
	if (!json_is_number(json(document)))
		return false;
	*value = json_number_value(json(document));
	return true;
}

bool fa_document_is_object(const struct fa_document *document)
{
	return json_is_object(json(document));
}

size_t fa_document_count(const struct fa_document *object)
{
	return json_object_size(json(object));
}

const char *fa_document_next(const struct fa_document *object, const char *name,
			     const struct fa_document **value)
{
	void *at = name ? json_object_iter_next(json(object), json_object_key_to_iter(name)) :
			  json_object_iter(json(object));

	if (!at)
		return NULL;
	*value = ours(json_object_iter_value(at));
	return json_object_iter_key(at);
}

bool fa_document_is_array(const struct fa_document *document)
{
	return json_is_array(json(document));
}

bool fa_document_boolean(const struct fa_document *document, bool *value)
{
	if (!json_is_boolean(json(document)))
		return false;
	*value = json_is_true(json(document));
	return true;
}

const struct fa_document *fa_document_item(const struct fa_document *array, size_t index)
{
	return ours(json_array_get(json(array), index));
}

struct fa_document *fa_document_copy(const struct fa_document *document)
{
	return ours(json_deep_copy(json(document)));
}

/* ---- write ----------------------------------------------------------- */

int fa_document_put(struct fa_document *object, const char *name, struct fa_document *value)
{
	return json_object_set_new(json(object), name, json(value)) < 0 ? FAAS_ENOMEM : 0;
}

/* A host may have named things in bytes that are no UTF-8. */
static json_t *new_text(const char *text)
{
	json_t *value = json_string(text);
	char plain[1024];
	size_t len;

	if (value)
		return value;
	for (len = 0; text[len] && len < sizeof(plain) - 1; len++)
		plain[len] = text[len] & 0x80 ? '?' : text[len];
	plain[len] = '\0';
	return json_string(plain);
}

struct fa_document *fa_document_new_text(const char *text)
{
	return ours(new_text(text));
}

int fa_document_put_text(struct fa_document *object, const char *name, const char *text)
{
	return fa_document_put(object, name, ours(new_text(text)));
}

int fa_document_put_integer(struct fa_document *object, const char *name, int64_t value)
{
	return fa_document_put(object, name, ours(json_integer(value)));
}

int fa_document_put_boolean(struct fa_document *object, const char *name, bool value)
{
	return fa_document_put(object, name, ours(json_boolean(value)));
}

int fa_document_put_number(struct fa_document *object, const char *name, double value)
{
	return fa_document_put(object, name, ours(json_real(value)));
}

int fa_document_put_null(struct fa_document *object, const char *name)
{
	return fa_document_put(object, name, ours(json_null()));
}

void fa_document_drop(struct fa_document *object, const char *name)
{
	json_object_del(json(object), name);
}

int fa_document_append(struct fa_document *array, struct fa_document *value)
{
	return json_array_append_new(json(array), json(value)) < 0 ? FAAS_ENOMEM : 0;
}

int fa_document_append_to(struct fa_document *object, const char *name, struct fa_document *value)
{
	json_t *array = json_object_get(json(object), name);

	if (array)
		return fa_document_append(ours(array), value);
	array = json_array();
	return fa_document_append(ours(array), value) | fa_document_put(object, name, ours(array));
}

int fa_document_append_integer(struct fa_document *array, int64_t value)
{
	return fa_document_append(array, ours(json_integer(value)));
}

int fa_document_append_text(struct fa_document *array, const char *text)
{
	return fa_document_append(array, ours(new_text(text)));
}

char *fa_document_print(const struct fa_document *document, const struct fa_mem *mem)
{
	const size_t flags = JSON_COMPACT | JSON_REAL_PRECISION(15);
	size_t len = json_dumpb(json(document), NULL, 0, flags);
	char *text = len ? fa_alloc_dirty(mem, len + 1) : NULL;

	if (!text)
		return NULL;
	json_dumpb(json(document), text, len, flags);
	text[len] = '\0';
	return text;
}
