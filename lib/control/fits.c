/* SPDX-License-Identifier: MIT */
/* What the API's patterns ask of texts, as plain functions. */
#include <control/control.h>

#include <string.h>

#define DIGITS "0123456789"
#define WORD "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" DIGITS "-_"

static bool is_of(const char *text, const char *letters)
{
	return !text[strspn(text, letters)];
}

bool fa_fits_function(const char *text)
{
	struct fa_name name;

	return !fa_name_parse(&name, text, NULL);
}

bool fa_fits_number(const char *text)
{
	return *text && is_of(text, DIGITS);
}

bool fa_fits_version(const char *text)
{
	return !strcmp(text, "$LATEST") || is_of(text, DIGITS);
}

bool fa_fits_alias(const char *text)
{
	return !is_of(text, DIGITS) && is_of(text, WORD);
}

bool fa_fits_qualifier(const char *text)
{
	return is_of(text, WORD "$");
}

/* The rest of an ARN behind so many of its colons; NULL: it has none or not as many. */
static const char *arn_part(const char *text, int colons)
{
	if (strncmp(text, "arn:", 4) != 0)
		return NULL;
	while (text && colons--) {
		text = strchr(text, ':');
		text += text != NULL;
	}
	return text;
}

bool fa_fits_arn(const char *text)
{
	return arn_part(text, 5) != NULL;
}

bool fa_fits_address(const char *text)
{
	return !*text || strchr(text, ':');
}

/* "NAME", and ":NUMBER" if one is asked for, of an ARN of layers. */
static bool is_layer_arn(const char *text, bool numbered)
{
	const char *kind = arn_part(text, 5), *name = kind ? kind + strlen("layer:") : NULL;
	size_t len;

	if (!kind || strncmp(kind, "layer:", strlen("layer:")) != 0)
		return false;
	len = strspn(name, WORD);
	return len && (numbered ? name[len] == ':' && fa_fits_number(name + len + 1) : !name[len]);
}

bool fa_fits_layer(const char *text)
{
	return (*text && is_of(text, WORD)) || is_layer_arn(text, false);
}

bool fa_fits_layer_version(const char *text)
{
	return is_layer_arn(text, true);
}

bool fa_fits_bucket(const char *text)
{
	size_t len = strlen(text);

	return is_of(text, WORD ".") && (!len || text[len - 1] != '.');
}

bool fa_fits_words(const char *text)
{
	return *text && !strpbrk(text, " \t\r\n\v\f");
}
