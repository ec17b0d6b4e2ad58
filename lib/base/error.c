/* SPDX-License-Identifier: MIT */
/*
 * The table of result codes, and how a struct faas_error is filled in. Nothing
 * here allocates: reporting that memory is gone must not need any.
 */
#include <base/error.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <base/text.h>
#include <faas/faas.h>

static const struct {
	const char *name, *text;
} codes[] = {
	[-FAAS_OK] = { "OK", "success" },
	[-FAAS_EINVAL] = { "InvalidParameterValueException", "a parameter is wrong" },
	[-FAAS_ENOTFOUND] = { "ResourceNotFoundException", "there is no such thing" },
	[-FAAS_EEXIST] = { "ResourceConflictException", "it exists already or is in use" },
	[-FAAS_EDENIED] = { "AccessDeniedException", "not allowed" },
	[-FAAS_ETHROTTLED] = { "TooManyRequestsException", "too much at once; try again later" },
	[-FAAS_ETOOLARGE] = { "RequestTooLargeException", "the request is too large" },
	[-FAAS_EFUNCTION] = { "Unhandled", "the function ran and failed" },
	[-FAAS_ETIMEOUT] = { "Sandbox.Timedout", "the function ran past its timeout" },
	[-FAAS_ECANCELED] = { "Sandbox.Canceled", "canceled before it was over" },
	[-FAAS_EPLUGIN] = { "Runtime.InvalidEntrypoint", "the function's code cannot be used" },
	[-FAAS_EDEADLK] = { "ServiceException", "the call would wait for itself" },
	[-FAAS_ENOMEM] = { "ServiceException", "out of memory" },
	[-FAAS_ESYSTEM] = { "ServiceException", "the operating system refused" },
	[-FAAS_EPRECONDITION] = { "PreconditionFailedException", "it changed meanwhile" },
	[-FAAS_EUNKNOWN] = { "ServiceException", "it may have been done, or not" },
};

#define CODES ((int)(sizeof(codes) / sizeof(codes[0])))

static bool known(int code)
{
	return code <= 0 && code > -CODES;
}

const char *faas_error_name(int code)
{
	return known(code) ? codes[-code].name : "ServiceException";
}

const char *faas_strerror(int code)
{
	return known(code) ? codes[-code].text : "unknown result code";
}

/* Messages are promised to be UTF-8: drop a character that the end cut in two. */
static void trim(char *message, size_t len)
{
	size_t start = len;
	unsigned char lead;
	size_t need;

	while (start && ((unsigned char)message[start - 1] & 0xc0) == 0x80)
		start--;
	if (!start)
		return;
	lead = (unsigned char)message[--start];
	need = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
	if (len - start < need)
		message[start] = '\0';
}

/* What a message quotes may be any bytes, or cut by its format: '?' for what is broken. */
static void mend(char *message)
{
	size_t len = strlen(message), n;
	bool valid;

	for (; len; message += n, len -= n) {
		n = 1;
		if (!(*message & 0x80))
			continue;
		n = fa_text_character(message, len, &valid);
		if (!valid)
			memset(message, '?', n);
	}
}

__attribute__((format(printf, 4, 0)))
static int fill(struct faas_error *err, int code, const char *type, const char *format,
		va_list args)
{
	struct faas_error made = { .code = code };
	int len;

	if (!err)
		return code;
	/* On the side first: the arguments may lie inside *err. */
	len = vsnprintf(made.message, sizeof(made.message), format, args);
	if (len >= (int)sizeof(made.message))
		trim(made.message, sizeof(made.message) - 1);
	mend(made.message);
	snprintf(made.type, sizeof(made.type), "%s", type);
	*err = made;
	return code;
}

int fa_error_typed(struct faas_error *err, int code, const char *type, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fill(err, code, type, format, args);
	va_end(args);
	return code;
}

int fa_error(struct faas_error *err, int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fill(err, code, faas_error_name(code), format, args);
	va_end(args);
	return code;
}

int fa_error_errno(struct faas_error *err, int number, const char *what)
{
	/* Not strerror(): it depends on the locale and is not thread-safe. */
	const char *text = strerrordesc_np(number);
	int code = number == ENOMEM ? FAAS_ENOMEM : FAAS_ESYSTEM;

	if (!text)
		return fa_error(err, code, "%s: error %d", what, number);
	return fa_error(err, code, "%s: %s", what, text);
}

int fa_error_nomem(struct faas_error *err)
{
	return fa_error(err, FAAS_ENOMEM, "out of memory");
}
