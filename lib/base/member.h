/* SPDX-License-Identifier: MIT */
#ifndef FA_BASE_MEMBER_H
#define FA_BASE_MEMBER_H

#include <base/text.h>

/*
 * Members of a JSON object, one after the other, into a text. The comma before a
 * name is there unless an object or an array was just opened; names are put as they are.
 */
void fa_member(struct fa_text *text, const char *name);
void fa_member_text(struct fa_text *text, const char *name, const char *value);
void fa_member_int(struct fa_text *text, const char *name, int64_t value);
/* Milliseconds to the microsecond, as Lambda's own events have them; below 0 is 0. */
void fa_member_ms(struct fa_text *text, const char *name, int64_t ns);
/* An object; "}" ends it. */
void fa_member_object(struct fa_text *text, const char *name);

#endif
