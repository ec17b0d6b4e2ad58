/* SPDX-License-Identifier: MIT */
#include <base/member.h>

#include <string.h>

void fa_member(struct fa_text *text, const char *name)
{
	char last = text->len ? text->data[text->len - 1] : '{';

	fa_text_add(text, last == '{' || last == '[' ? "\"" : ",\"");
	fa_text_add(text, name);
	fa_text_add(text, "\":");
}

void fa_member_text(struct fa_text *text, const char *name, const char *value)
{
	fa_member(text, name);
	fa_text_add(text, "\"");
	fa_text_json(text, value, strlen(value));
	fa_text_add(text, "\"");
}

void fa_member_int(struct fa_text *text, const char *name, int64_t value)
{
	fa_member(text, name);
	fa_text_int(text, value);
}

void fa_member_ms(struct fa_text *text, const char *name, int64_t ns)
{
	fa_member(text, name);
	fa_text_fixed(text, (ns > 0 ? ns + 500 : 0) / 1000, 3);
}

void fa_member_object(struct fa_text *text, const char *name)
{
	fa_member(text, name);
	fa_text_add(text, "{");
}
