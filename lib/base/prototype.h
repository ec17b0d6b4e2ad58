/* SPDX-License-Identifier: MIT */
#ifndef FA_BASE_PROTOTYPE_H
#define FA_BASE_PROTOTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <faas/types.h>

/*
 * A C function declaration as data. The host parses it to refuse what cannot be
 * called before anything is stored; the worker parses it again to call.
 *
 *	result name(parameters)
 *
 * Numbers by value: bool, char, (un)signed char/short/int/long/long long,
 * int8_t..uint64_t, size_t and its kin, float, double. Then
 *	const char *s                 a string
 *	const void *p, size_t n       bytes; also const unsigned char * and uint8_t *
 *	double v[3], const int a[4]   an array of exactly so many numbers
 *	out double *x, out int v[4]   filled in by the function: part of the result
 *	out char s[256]               a string filled in by the function
 * As a result also void, char * (borrowed) and free char * (released with
 * free() once copied). `out` and `free` are the only two words that are not C.
 */

#define FA_PROTOTYPE_MAX 4096   /* bytes of text */
#define FA_PROTOTYPE_PARAMS 16
#define FA_PROTOTYPE_NAME 64    /* with its NUL */
#define FA_PROTOTYPE_ARRAY 65536 /* elements */

enum fa_c_type {
	FA_C_VOID,
	FA_C_BOOL,
	FA_C_I8,
	FA_C_U8,
	FA_C_I16,
	FA_C_U16,
	FA_C_I32,
	FA_C_U32,
	FA_C_I64,
	FA_C_U64,
	FA_C_FLOAT,
	FA_C_DOUBLE,
	FA_C_STRING, /* const char *, or out char[] */
	FA_C_BYTES,  /* the pointer; the next parameter is FA_PARAM_LENGTH */
};

enum fa_param_role {
	FA_PARAM_IN,
	FA_PARAM_OUT,    /* no argument; in the result by its name */
	FA_PARAM_LENGTH, /* no argument; the length of the FA_C_BYTES before it */
};

struct fa_param {
	char name[FA_PROTOTYPE_NAME]; /* "arg1" and so on where the text gives none */
	enum fa_c_type type;          /* of one element */
	enum fa_param_role role;
	uint32_t count;               /* elements of an array; 0: not an array */
};

struct fa_prototype {
	char name[FA_PROTOTYPE_NAME];
	enum fa_c_type result;
	bool free_result;
	uint32_t count; /* C parameters */
	uint32_t arguments; /* those that an event must give */
	struct fa_param params[FA_PROTOTYPE_PARAMS];
};

/* FAAS_EINVAL, with what was found where, and what would be right. */
int fa_prototype_parse(struct fa_prototype *prototype, const char *text, struct faas_error *err);

/*
 * Copy the declaration of `name` out of the text of a header, comments and
 * preprocessor lines left out. Its length; 0: none there, or longer than `size`.
 */
size_t fa_prototype_find(const char *header, size_t len, const char *name, char *out,
			 size_t size);

size_t fa_c_size(enum fa_c_type type);
bool fa_c_signed(enum fa_c_type type); /* integers only */

#endif
