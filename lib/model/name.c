/* SPDX-License-Identifier: MIT */
/*
 * Names are cut at their colons from the right kind of end: the number of
 * fields and the literal words "arn", "lambda" and "function" tell which of the
 * accepted forms it is.
 */
#include <model/name.h>

#include <stdio.h>
#include <string.h>

#include <base/error.h>

#define FIELDS 8

static bool name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_';
}

static bool is(struct faas_bytes field, const char *word)
{
	return field.len == strlen(word) && memcmp(field.data, word, field.len) == 0;
}

static bool good_name(struct faas_bytes field, size_t max)
{
	const char *text = field.data;

	for (size_t i = 0; i < field.len; i++)
		if (!name_char(text[i]))
			return false;
	return field.len >= 1 && field.len <= max;
}

static bool good_qualifier(struct faas_bytes field)
{
	return is(field, "$LATEST") || good_name(field, FA_QUALIFIER_MAX);
}

static int split(const char *text, struct faas_bytes *fields)
{
	int n = 0;

	for (;; text++) {
		size_t len = strcspn(text, ":");

		if (n == FIELDS)
			return -1;
		fields[n++] = (struct faas_bytes){ text, len };
		text += len;
		if (!*text)
			return n;
	}
}

static bool arrange(struct fa_name *name, const struct faas_bytes *f, int n)
{
	int at = 0; /* of the function's name */

	if (n >= 7 && is(f[0], "arn") && is(f[2], "lambda") && is(f[5], "function"))
		name->region = f[3], name->account = f[4], at = 6;
	else if (n >= 4 && is(f[2], "function"))
		name->region = f[0], name->account = f[1], at = 3;
	else if (n >= 3 && is(f[1], "function"))
		name->account = f[0], at = 2;
	name->function = f[at];
	if (n > at + 2)
		return false;
	if (n == at + 2)
		name->qualifier = f[at + 1];
	return true;
}

int fa_name_parse(struct fa_name *name, const char *text, struct faas_error *err)
{
	struct faas_bytes fields[FIELDS];
	int n;

	memset(name, 0, sizeof(*name));
	if (!text || !*text)
		return fa_error(err, FAAS_EINVAL, "a function name is required");
	n = strlen(text) < FA_ARN_MAX ? split(text, fields) : -1;
	if (n < 0 || !arrange(name, fields, n) || !good_name(name->function, FA_NAME_MAX) ||
	    (name->qualifier.data && !good_qualifier(name->qualifier)))
		return fa_error(err, FAAS_EINVAL,
				"'%.80s' is not a function: write name, name:qualifier, "
				"account:function:name or "
				"arn:aws:lambda:region:account:function:name",
				text);
	return 0;
}

int fa_name_check(const char *name, struct faas_error *err)
{
	if (!name || !*name)
		return fa_error(err, FAAS_EINVAL, "a function needs a name");
	if (!good_name((struct faas_bytes){ name, strlen(name) }, FA_NAME_MAX))
		return fa_error(err, FAAS_EINVAL,
				"'%.80s' is not a function name: 1 to 64 letters, digits, '-' and "
				"'_'",
				name);
	return 0;
}

void fa_name_arn(char out[FA_NAME_ARN], const struct fa_name *name, const char *region,
		 const char *account)
{
	const char *qualifier = name->qualifier.len ? name->qualifier.data : "";

	snprintf(out, FA_NAME_ARN, "arn:aws:lambda:%s:%s:function:%.*s%s%.*s", region, account,
		 (int)name->function.len, (const char *)name->function.data,
		 *qualifier ? ":" : "", (int)name->qualifier.len, qualifier);
}

int fa_handler_check(const char *handler, struct faas_error *err)
{
	if (handler && *handler && strlen(handler) <= 128 && !strpbrk(handler, " \t\r\n"))
		return 0;
	return fa_error(err, FAAS_EINVAL,
			"Bad handler '%.130s': expected 1 to 128 characters without blanks",
			handler ? handler : "");
}

int fa_handler_split(const char *handler, size_t *file_len, struct faas_error *err)
{
	const char *dot;

	if (!handler || !*handler)
		return fa_error(err, FAAS_EINVAL,
				"a function with code needs a handler: \"file.method\"");
	dot = strrchr(handler, '.');
	if (strlen(handler) > 128 || strpbrk(handler, " \t\r\n") || !dot || dot == handler ||
	    !dot[1] || *handler == '/' || dot[-1] == '/' || strchr(dot, '/') ||
	    strstr(handler, ".."))
		return fa_error(err, FAAS_EINVAL,
				"Bad handler '%.100s': expected \"file.method\" of at most 128 "
				"characters, the file relative to the code",
				handler);
	*file_len = (size_t)(dot - handler);
	return 0;
}
