/* SPDX-License-Identifier: MIT */
/*
 * Recursive descent without the recursion: a declaration that libffi can call
 * from JSON has no nesting. The first complaint wins and ends the parse; every
 * complaint gives the place, because a prototype is often a pasted line.
 */
#include <base/prototype.h>

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <base/error.h>

enum token_kind {
	END,
	WORD,
	NUMBER,
	ELLIPSIS,
	MARK, /* one character of punctuation */
};

struct parser {
	const char *text, *at; /* `at`: behind the token */
	const char *token;
	size_t len;
	enum token_kind kind;
	struct faas_error *err;
	bool failed;
};

__attribute__((format(printf, 2, 3))) static bool refuse(struct parser *p, const char *format, ...)
{
	char why[160];
	va_list args;

	if (p->failed)
		return false;
	p->failed = true;
	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	fa_error(p->err, FAAS_EINVAL, "prototype, character %d: %s", (int)(p->token - p->text) + 1,
		 why);
	return false;
}

/* ---- tokens ----------------------------------------------------------- */

static bool word_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool word_char(char c)
{
	return word_start(c) || digit(c);
}

static bool space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static void next(struct parser *p)
{
	const char *at = p->at;

	while (space(*at))
		at++;
	p->token = at;
	if (!*at) {
		p->kind = END;
	} else if (word_char(*at)) {
		p->kind = digit(*at) ? NUMBER : WORD;
		while (word_char(*at))
			at++;
	} else if (strncmp(at, "...", 3) == 0) {
		p->kind = ELLIPSIS;
		at += 3;
	} else {
		p->kind = MARK;
		at++;
	}
	p->at = at;
	p->len = (size_t)(at - p->token);
}

static bool is(const struct parser *p, const char *token)
{
	return p->len == strlen(token) && memcmp(p->token, token, p->len) == 0;
}

static bool accept(struct parser *p, const char *token)
{
	if (!is(p, token))
		return false;
	next(p);
	return true;
}

static bool expect(struct parser *p, const char *token)
{
	if (accept(p, token))
		return true;
	if (p->kind == END)
		return refuse(p, "'%s' is missing at the end", token);
	return refuse(p, "'%s' expected, not '%.*s'", token, (int)(p->len > 40 ? 40 : p->len),
		      p->token);
}

/* ---- types ------------------------------------------------------------ */

#define SIGNED(type) (sizeof(type) == 4 ? FA_C_I32 : FA_C_I64)
#define UNSIGNED(type) (sizeof(type) == 4 ? FA_C_U32 : FA_C_U64)

static const struct {
	const char *name;
	enum fa_c_type type;
} named_types[] = {
	{ "void", FA_C_VOID },
	{ "bool", FA_C_BOOL },
	{ "_Bool", FA_C_BOOL },
	{ "float", FA_C_FLOAT },
	{ "double", FA_C_DOUBLE },
	{ "int8_t", FA_C_I8 },
	{ "uint8_t", FA_C_U8 },
	{ "int16_t", FA_C_I16 },
	{ "uint16_t", FA_C_U16 },
	{ "int32_t", FA_C_I32 },
	{ "uint32_t", FA_C_U32 },
	{ "int64_t", FA_C_I64 },
	{ "uint64_t", FA_C_U64 },
	{ "size_t", UNSIGNED(size_t) },
	{ "ssize_t", SIGNED(size_t) },
	{ "ptrdiff_t", SIGNED(ptrdiff_t) },
	{ "intptr_t", SIGNED(intptr_t) },
	{ "uintptr_t", UNSIGNED(uintptr_t) },
	{ "intmax_t", FA_C_I64 },
	{ "uintmax_t", FA_C_U64 },
	{ "time_t", SIGNED(long) },
	{ "off_t", SIGNED(long) },
	/* zlib's own names, so that the prototypes of its header work as they are */
	{ "Byte", FA_C_U8 },
	{ "Bytef", FA_C_U8 },
	{ "uInt", FA_C_U32 },
	{ "uLong", UNSIGNED(long) },
};

static bool named_type(const struct parser *p, enum fa_c_type *type)
{
	for (size_t i = 0; i < sizeof(named_types) / sizeof(*named_types); i++) {
		if (is(p, named_types[i].name)) {
			*type = named_types[i].type;
			return true;
		}
	}
	return false;
}

/* How often each word of C's integer types was said. */
struct words {
	int is_signed, is_unsigned, is_char, is_short, is_int, is_long;
};

static int *word_counter(const struct parser *p, struct words *words)
{
	return is(p, "signed")     ? &words->is_signed
	       : is(p, "unsigned") ? &words->is_unsigned
	       : is(p, "char")     ? &words->is_char
	       : is(p, "short")    ? &words->is_short
	       : is(p, "int")      ? &words->is_int
	       : is(p, "long")     ? &words->is_long
				   : NULL;
}

static bool words_make_sense(const struct words *w)
{
	return w->is_signed + w->is_unsigned <= 1 && w->is_char + w->is_short <= 1 &&
	       w->is_int <= 1 && w->is_long <= 2 && !(w->is_char && (w->is_int || w->is_long)) &&
	       !(w->is_short && w->is_long);
}

static enum fa_c_type integer_of(const struct words *w)
{
	bool plus = w->is_unsigned;

	if (w->is_char)
		return plus || (!w->is_signed && CHAR_MIN == 0) ? FA_C_U8 : FA_C_I8;
	if (w->is_short)
		return plus ? FA_C_U16 : FA_C_I16;
	if (w->is_long == 2 || (w->is_long && sizeof(long) == 8))
		return plus ? FA_C_U64 : FA_C_I64;
	return plus ? FA_C_U32 : FA_C_I32;
}

static void skip_qualifiers(struct parser *p, bool *is_const)
{
	for (;;) {
		if (accept(p, "const"))
			*is_const = true;
		else if (!accept(p, "volatile") && !accept(p, "restrict") &&
			 !accept(p, "__restrict"))
			return;
	}
}

static bool integer_type(struct parser *p, enum fa_c_type *type, bool *is_const)
{
	struct words words = { 0 };
	const char *start = p->token;
	int *counter;

	while ((counter = word_counter(p, &words)) != NULL) {
		++*counter;
		next(p);
		skip_qualifiers(p, is_const);
	}
	if (p->token == start)
		return false;
	if (!words_make_sense(&words))
		return refuse(p, "these words make no integer type before here");
	if (is(p, "double") || is(p, "float"))
		return refuse(p, "only plain float and double can be passed");
	*type = integer_of(&words);
	return true;
}

struct type {
	enum fa_c_type base;
	bool is_const, pointer, plain_char;
};

static bool unknown_type(struct parser *p)
{
	if (is(p, "struct") || is(p, "union") || is(p, "enum"))
		return refuse(p, "struct, union and enum types cannot be passed");
	if (p->kind == ELLIPSIS)
		return refuse(p, "variable arguments (...) cannot be passed");
	if (p->kind != WORD)
		return refuse(p, "a type is missing");
	return refuse(p, "unknown type '%.*s'", (int)(p->len > 60 ? 60 : p->len), p->token);
}

static bool parse_type(struct parser *p, struct type *type)
{
	*type = (struct type){ .base = FA_C_VOID };
	skip_qualifiers(p, &type->is_const);
	type->plain_char = is(p, "char");
	if (named_type(p, &type->base))
		next(p);
	else if (!integer_type(p, &type->base, &type->is_const))
		return unknown_type(p);
	skip_qualifiers(p, &type->is_const);
	if (accept(p, "*")) {
		bool ignored;

		type->pointer = true;
		skip_qualifiers(p, &ignored);
		if (is(p, "*"))
			return refuse(p, "a pointer to a pointer cannot be passed");
	}
	return true;
}

/* ---- parameters ------------------------------------------------------- */

static bool parse_name(struct parser *p, char name[FA_PROTOTYPE_NAME])
{
	if (p->kind != WORD)
		return refuse(p, "a name is missing");
	if (p->len >= FA_PROTOTYPE_NAME)
		return refuse(p, "this name is longer than %d characters", FA_PROTOTYPE_NAME - 1);
	memcpy(name, p->token, p->len);
	name[p->len] = '\0';
	next(p);
	return true;
}

static bool parse_count(struct parser *p, uint32_t *count)
{
	uint32_t sum = 0;

	if (p->kind != NUMBER)
		return refuse(p, "an array needs its number of elements");
	for (size_t i = 0; i < p->len; i++) {
		if (!digit(p->token[i]))
			return refuse(p, "'%.*s' is not a decimal number",
				      (int)(p->len > 40 ? 40 : p->len), p->token);
		sum = sum * 10 + (uint32_t)(p->token[i] - '0');
		if (sum > FA_PROTOTYPE_ARRAY)
			return refuse(p, "an array has at most %d elements", FA_PROTOTYPE_ARRAY);
	}
	if (!sum)
		return refuse(p, "an array has at least one element");
	*count = sum;
	next(p);
	return expect(p, "]");
}

static bool is_number(enum fa_c_type type)
{
	return type >= FA_C_BOOL && type <= FA_C_DOUBLE;
}

static bool is_integer(enum fa_c_type type)
{
	return type >= FA_C_I8 && type <= FA_C_U64;
}

/* What a parameter with `out` before it may be. */
static bool judge_out(struct parser *p, struct fa_param *param, const struct type *type)
{
	if (type->is_const)
		return refuse(p, "'%s' cannot be both out and const", param->name);
	if (type->plain_char && (type->pointer || param->count)) {
		if (!param->count)
			return refuse(p, "give '%s' its room: out char %s[256]", param->name,
				      param->name);
		param->type = FA_C_STRING;
		return true;
	}
	if (!is_number(type->base))
		return refuse(p, "'%s': out needs a number type", param->name);
	if (!type->pointer && !param->count)
		return refuse(p, "'%s': out needs a pointer or an array", param->name);
	return true;
}

static bool judge_pointer(struct parser *p, struct fa_param *param, const struct type *type)
{
	if (!type->is_const)
		return refuse(p,
			      "'%s' is a pointer: say const if the function reads it, out if it "
			      "fills it in",
			      param->name);
	if (type->plain_char)
		param->type = FA_C_STRING;
	else if (type->base == FA_C_VOID || type->base == FA_C_U8)
		param->type = FA_C_BYTES;
	else
		return refuse(p, "'%s': write an array with its size, such as const double %s[3]",
			      param->name, param->name);
	return true;
}

static bool judge_in(struct parser *p, struct fa_param *param, const struct type *type)
{
	if (type->pointer)
		return judge_pointer(p, param, type);
	if (!is_number(type->base))
		return refuse(p, "'%s' cannot be void", param->name);
	if (type->plain_char && param->count)
		return refuse(p, "'%s' is an array of char: a string is const char *%s",
			      param->name, param->name);
	return true;
}

/* The integer behind a pointer to bytes is its length. */
static bool judge_length(struct parser *p, const struct fa_param *bytes, struct fa_param *param,
			 const struct type *type)
{
	if (type->pointer || param->count || param->role == FA_PARAM_OUT || !is_integer(type->base))
		return refuse(p, "after '%s' comes its length, an integer", bytes->name);
	param->role = FA_PARAM_LENGTH;
	return true;
}

static bool parse_suffix(struct parser *p, struct fa_param *param, const struct type *type)
{
	if (!accept(p, "["))
		return true;
	if (type->pointer)
		return refuse(p, "an array of pointers cannot be passed");
	if (!parse_count(p, &param->count))
		return false;
	return !is(p, "[") || refuse(p, "an array has one dimension");
}

static bool same_name(const struct fa_prototype *prototype, const char *name)
{
	for (uint32_t i = 0; i < prototype->count; i++)
		if (strcmp(prototype->params[i].name, name) == 0)
			return true;
	return false;
}

static bool parse_declarator(struct parser *p, struct fa_prototype *prototype,
			     struct fa_param *param, const struct type *type)
{
	if (is(p, "("))
		return refuse(p, "function pointers cannot be passed");
	if (p->kind != WORD)
		snprintf(param->name, sizeof(param->name), "arg%u", prototype->count + 1);
	else if (!parse_name(p, param->name))
		return false;
	if (same_name(prototype, param->name))
		return refuse(p, "two parameters are named '%s'", param->name);
	return parse_suffix(p, param, type);
}

static bool parse_param(struct parser *p, struct fa_prototype *prototype)
{
	struct fa_param *param = &prototype->params[prototype->count];
	const struct fa_param *before = prototype->count ? param - 1 : NULL;
	struct type type;

	if (prototype->count == FA_PROTOTYPE_PARAMS)
		return refuse(p, "a function has at most %d parameters", FA_PROTOTYPE_PARAMS);
	*param = (struct fa_param){ .role = accept(p, "out") ? FA_PARAM_OUT : FA_PARAM_IN };
	if (!parse_type(p, &type))
		return false;
	param->type = type.base;
	if (!parse_declarator(p, prototype, param, &type))
		return false;
	prototype->count++;
	if (before && before->type == FA_C_BYTES)
		return judge_length(p, before, param, &type);
	if (param->role == FA_PARAM_OUT)
		return judge_out(p, param, &type);
	prototype->arguments++;
	return judge_in(p, param, &type);
}

static bool parse_params(struct parser *p, struct fa_prototype *prototype)
{
	struct parser ahead = *p;

	if (accept(p, ")"))
		return true;
	next(&ahead);
	if (is(p, "void") && is(&ahead, ")")) {
		next(p);
		return accept(p, ")");
	}
	do {
		if (!parse_param(p, prototype))
			return false;
	} while (accept(p, ","));
	if (prototype->params[prototype->count - 1].type == FA_C_BYTES)
		return refuse(p, "after '%s' comes its length, an integer",
			      prototype->params[prototype->count - 1].name);
	return expect(p, ")");
}

static bool parse_result(struct parser *p, struct fa_prototype *prototype)
{
	struct type type;

	accept(p, "extern");
	prototype->free_result = accept(p, "free");
	if (!parse_type(p, &type))
		return false;
	prototype->result = type.base;
	if (!type.pointer)
		return !prototype->free_result || refuse(p, "free is for a result of type char *");
	if (!type.plain_char)
		return refuse(p, "the only pointer that can be a result is char *");
	prototype->result = FA_C_STRING;
	return true;
}

/* Headers decorate their declarations; a call does not depend on it. */
static bool skip_attribute(struct parser *p)
{
	int open = 0;

	do {
		open += is(p, "(") - is(p, ")");
		if (p->kind == END)
			return refuse(p, "__attribute__ has no end");
		next(p);
	} while (open);
	return true;
}

static bool parse_end(struct parser *p)
{
	while (accept(p, "__attribute__"))
		if (!skip_attribute(p))
			return false;
	accept(p, ";");
	return p->kind == END || refuse(p, "the declaration should end before '%.*s'",
					(int)(p->len > 40 ? 40 : p->len), p->token);
}

static bool parse_all(struct parser *p, struct fa_prototype *prototype)
{
	next(p);
	return parse_result(p, prototype) && parse_name(p, prototype->name) && expect(p, "(") &&
	       parse_params(p, prototype) && parse_end(p);
}

int fa_prototype_parse(struct fa_prototype *prototype, const char *text, struct faas_error *err)
{
	struct parser parser = { .text = text, .at = text, .token = text, .err = err };
	struct fa_prototype parsed = { .count = 0 };

	if (strlen(text) > FA_PROTOTYPE_MAX)
		return fa_error(err, FAAS_EINVAL, "a prototype has at most %d characters",
				FA_PROTOTYPE_MAX);
	if (!parse_all(&parser, &parsed))
		return FAAS_EINVAL;
	*prototype = parsed;
	return 0;
}

size_t fa_c_size(enum fa_c_type type)
{
	static const unsigned char sizes[] = {
		[FA_C_BOOL] = 1,
		[FA_C_I8] = 1,
		[FA_C_U8] = 1,
		[FA_C_I16] = 2,
		[FA_C_U16] = 2,
		[FA_C_I32] = 4,
		[FA_C_U32] = 4,
		[FA_C_I64] = 8,
		[FA_C_U64] = 8,
		[FA_C_FLOAT] = 4,
		[FA_C_DOUBLE] = 8,
		[FA_C_STRING] = sizeof(char *),
		[FA_C_BYTES] = sizeof(void *),
	};

	return sizes[type];
}

bool fa_c_signed(enum fa_c_type type)
{
	return type == FA_C_I8 || type == FA_C_I16 || type == FA_C_I32 || type == FA_C_I64;
}
