/* SPDX-License-Identifier: MIT */
#ifndef FA_BASE_TEXT_H
#define FA_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <faas/types.h>

/*
 * Print into a buffer of fixed size without a format string and without the
 * locale. Text that does not fit is cut and remembered as such; the buffer is
 * always NUL-terminated.
 */
struct fa_text {
	char *data;
	size_t len, size;
	bool cut;
};

#define FA_TEXT(array) { .data = (array), .size = sizeof(array) }

void fa_text_bytes(struct fa_text *text, const void *data, size_t len);
void fa_text_add(struct fa_text *text, const char *string);
void fa_text_int(struct fa_text *text, int64_t value);
/* `value` / 10^decimals with that many digits behind the point, decimals 0..9. */
void fa_text_fixed(struct fa_text *text, int64_t value, int decimals);
/* Unix time in UTC: "2026-11-21T10:04:05.678Z"; years 1900 to 9999. */
void fa_text_time(struct fa_text *text, int64_t unix_ms);
/* The same to the second: "2026-11-21T10:04:05Z". */
void fa_text_second(struct fa_text *text, int64_t unix_ms);
/* The other way, in seconds, of any offset (RFC 3339); parts of a second count for nothing. */
bool fa_text_read_time(const char *text, int64_t *unix_s);
void fa_text_hex(struct fa_text *text, const void *data, size_t len);
/* The inside of a JSON string: escapes, and replaces invalid UTF-8 by U+FFFD. */
void fa_text_json(struct fa_text *text, const void *data, size_t len);
/* The bytes of one character above ASCII, or of the longest broken beginning of one. */
size_t fa_text_character(const void *data, size_t len, bool *valid);
size_t fa_text_length(const char *text); /* characters of UTF-8 */
bool fa_text_is_utf8(const void *data, size_t len);

/* Borrowed, without its NUL. */
static inline struct faas_bytes fa_bytes_of(const char *text)
{
	return (struct faas_bytes){ text, strlen(text) };
}

/* From the kernel. */
void fa_random_bytes(void *out, size_t len);
/* Random (version 4) UUID from 16 random bytes: 36 characters and a NUL. */
void fa_uuid(char out[37], const uint8_t random[16]);

#endif
