/* SPDX-License-Identifier: MIT */
#ifndef FA_BASE_DOCUMENT_H
#define FA_BASE_DOCUMENT_H

#include <stdbool.h>
#include <stdint.h>
#include <base/mem.h>
#include <faas/types.h>

/*
 * JSON as a tree, for control documents: small, and read by us. Payloads are
 * never parsed, see base/json.h. Readers take NULL for what is absent.
 */
struct fa_document;

/* An object, or NULL with FAAS_EINVAL. No NUL in strings, no name twice; as long as it likes. */
struct fa_document *fa_document_parse(const char *text, struct faas_error *err);
struct fa_document *fa_document_object(void); /* NULL: out of memory */
struct fa_document *fa_document_array(void);
struct fa_document *fa_document_new_text(const char *text);
void fa_document_free(struct fa_document *document);

/* What is read is borrowed. NULL: not there, null, or not of that kind. */
const struct fa_document *fa_document_get(const struct fa_document *object, const char *name);
const char *fa_document_text(const struct fa_document *document);
bool fa_document_integer(const struct fa_document *document, int64_t *value);
bool fa_document_number(const struct fa_document *document, double *value);
bool fa_document_is_object(const struct fa_document *document);
size_t fa_document_count(const struct fa_document *object);
/* The members of an object: start with NULL; NULL at the end. */
const char *fa_document_next(const struct fa_document *object, const char *name,
			     const struct fa_document **value);
bool fa_document_is_array(const struct fa_document *document);
bool fa_document_boolean(const struct fa_document *document, bool *value);
/* The items of an array, from 0; NULL at the end. */
const struct fa_document *fa_document_item(const struct fa_document *array, size_t index);
/* All of it once more, nothing shared. NULL: out of memory, or nothing to copy. */
struct fa_document *fa_document_copy(const struct fa_document *document);

/* 0 or FAAS_ENOMEM, so that a row of them can be or-ed together. They take `value` always. */
int fa_document_put(struct fa_document *object, const char *name, struct fa_document *value);
int fa_document_put_text(struct fa_document *object, const char *name, const char *text);
int fa_document_put_integer(struct fa_document *object, const char *name, int64_t value);
int fa_document_put_boolean(struct fa_document *object, const char *name, bool value);
int fa_document_put_number(struct fa_document *object, const char *name, double value);
int fa_document_put_null(struct fa_document *object, const char *name);
void fa_document_drop(struct fa_document *object, const char *name);
int fa_document_append(struct fa_document *array, struct fa_document *value);
/* To the array that is a member of that name, or becomes it. */
int fa_document_append_to(struct fa_document *object, const char *name, struct fa_document *value);
int fa_document_append_integer(struct fa_document *array, int64_t value);
int fa_document_append_text(struct fa_document *array, const char *text);

/* Compact, members in the order they were put; fa_free(). NULL: out of memory. */
char *fa_document_print(const struct fa_document *document, const struct fa_mem *mem);

#endif
