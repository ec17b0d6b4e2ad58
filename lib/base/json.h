/* SPDX-License-Identifier: MIT */
#ifndef FA_BASE_JSON_H
#define FA_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Payload bytes are JSON to us, but never ours to change: they are validated
 * (RFC 8259 and nothing more), sliced, and passed on as they came. Nothing here
 * allocates, recurses or looks at the locale.
 */

#define FA_JSON_DEPTH 512 /* arrays and objects inside each other */

enum fa_json_kind {
	FA_JSON_NONE, /* not a value: what a failed look-up returns */
	FA_JSON_NULL,
	FA_JSON_FALSE,
	FA_JSON_TRUE,
	FA_JSON_NUMBER,
	FA_JSON_STRING,
	FA_JSON_ARRAY,
	FA_JSON_OBJECT,
};

/*
 * One value: a slice of a text that fa_json_read() found valid, without the
 * white space around it. Borrowed from that text.
 */
struct fa_json {
	const char *text;
	size_t len;
};

/* Is this one JSON value? `fault` (may be NULL): offset of the first byte that cannot be. */
bool fa_json_valid(const void *data, size_t len, size_t *fault);
/* The same, and *value becomes the whole. Untouched on failure. */
bool fa_json_read(const void *data, size_t len, struct fa_json *value);
enum fa_json_kind fa_json_kind(struct fa_json value);

/* Elements of an array or members of an object, in their order. */
struct fa_json_iter {
	const char *at, *end;
	bool object;
};

void fa_json_begin(struct fa_json_iter *iter, struct fa_json container);
/* False at the end. `key` (may be NULL) is a string, or FA_JSON_NONE in an array. */
bool fa_json_next(struct fa_json_iter *iter, struct fa_json *key, struct fa_json *value);
/* Elements or members, counted by walking over them. */
size_t fa_json_count(struct fa_json container);
/* The member of an object, the last of several; FA_JSON_NONE if there is none. */
struct fa_json fa_json_get(struct fa_json object, const char *key);

/*
 * Decode a string: UTF-8, surrogate pairs joined, lone surrogates as U+FFFD.
 * Returns the full length; `out` is filled as far as it reaches and ends in a
 * NUL. `string.len` bytes of room always suffice. The text may contain NULs.
 */
size_t fa_json_string(struct fa_json string, char *out, size_t size);
bool fa_json_equals(struct fa_json string, const char *text);

/* Exact, without a detour over double; 3.0 and 1e3 are not integers. False: out is untouched. */
bool fa_json_int(struct fa_json number, int64_t *out);
bool fa_json_uint(struct fa_json number, uint64_t *out);
/* Correctly rounded. False: not a number, or larger than any double. */
bool fa_json_double(struct fa_json number, double *out);

/*
 * The shortest text that reads back as the same double (or, with `single`, the
 * same float); "null" for what JSON cannot say. Returns its length.
 */
#define FA_JSON_DOUBLE 32
size_t fa_json_print(char out[FA_JSON_DOUBLE], double value, bool single);

#endif
