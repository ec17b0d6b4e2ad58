/* SPDX-License-Identifier: MIT */
#ifndef FAAS_TYPES_H
#define FAAS_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The few words that host programs and function plugins share.
 * Layouts in this header are frozen for the life of the major version.
 */

/* A borrowed run of bytes. Never owned, never NUL-terminated by promise. */
struct faas_bytes {
	const void *data;
	size_t len;
};

/*
 * Result codes: 0 is success, everything below zero is a failure.
 * Each code maps to exactly one Lambda exception; see faas_error_name().
 */
enum faas_code {
	FAAS_OK = 0,
	FAAS_EINVAL = -1,      /* a parameter is wrong: InvalidParameterValueException */
	FAAS_ENOTFOUND = -2,   /* ResourceNotFoundException */
	FAAS_EEXIST = -3,      /* ResourceConflictException */
	FAAS_EDENIED = -4,     /* AccessDeniedException */
	FAAS_ETHROTTLED = -5,  /* TooManyRequestsException; try again later */
	FAAS_ETOOLARGE = -6,   /* RequestTooLargeException */
	FAAS_EFUNCTION = -7,   /* the function ran and failed; see error_type */
	FAAS_ETIMEOUT = -8,    /* the function ran past its timeout */
	FAAS_ECANCELED = -9,   /* faas_cancel() or faas_close() got there first */
	FAAS_EPLUGIN = -10,    /* the .so cannot be used; the message says why */
	FAAS_EDEADLK = -11,    /* this call would wait for itself */
	FAAS_ENOMEM = -12,
	FAAS_ESYSTEM = -13,    /* the operating system refused; the message says what */
	FAAS_EPRECONDITION = -14, /* it changed meanwhile: PreconditionFailedException */
	FAAS_EUNKNOWN = -15,   /* it may have been done, or not: the disk failed at the last step */
};

/*
 * Why a call failed. The caller owns the memory, usually on its stack, and may
 * always pass NULL instead. Written only on failure; nothing to release.
 */
struct faas_error {
	int code;          /* enum faas_code */
	char type[60];     /* "ResourceNotFoundException" */
	char message[256]; /* one sentence for a human, UTF-8, truncated if need be */
};

enum faas_level {
	FAAS_TRACE,
	FAAS_DEBUG,
	FAAS_INFO,
	FAAS_WARN,
	FAAS_ERROR,
	FAAS_FATAL,
};

/*
 * In every options struct 0 (or NULL) means "the default".
 * Where zero is itself a legal setting, write FAAS_NONE for it.
 */
#define FAAS_NONE (-1)

#define FAAS_EXPORT __attribute__((visibility("default")))

#ifdef __cplusplus
#define FAAS_BEGIN_DECLS extern "C" {
#define FAAS_END_DECLS }
#else
#define FAAS_BEGIN_DECLS
#define FAAS_END_DECLS
#endif

#endif
