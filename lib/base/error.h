/* SPDX-License-Identifier: MIT */
#ifndef FA_BASE_ERROR_H
#define FA_BASE_ERROR_H

#include <faas/types.h>

/*
 * Fill in *err (NULL is fine) and return `code`. The type is the Lambda
 * exception of the code unless fa_error_typed() names another.
 */
__attribute__((format(printf, 3, 4)))
int fa_error(struct faas_error *err, int code, const char *format, ...);
__attribute__((format(printf, 4, 5)))
int fa_error_typed(struct faas_error *err, int code, const char *type, const char *format, ...);
/* "what: <text of errno>"; FAAS_ENOMEM for ENOMEM, else FAAS_ESYSTEM. */
int fa_error_errno(struct faas_error *err, int number, const char *what);
int fa_error_nomem(struct faas_error *err);

#endif
