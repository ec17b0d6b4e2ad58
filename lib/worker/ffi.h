/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_FFI_H
#define FA_WORKER_FFI_H

#include <ffi.h>
#include <base/prototype.h>
#include <faas/plugin.h>

/*
 * A C function as a handler. The event gives its arguments: a JSON array by
 * position, an object by name, or, where there is one parameter, its value
 * alone. Numbers and booleans are themselves; integers must be written as such
 * and fit. A string is a JSON string without \u0000. Bytes are a JSON string
 * (its UTF-8) or {"base64": "..."}. An array is an array of that length.
 *
 * The result is a JSON value; null for void, for a NULL string and for a number
 * that JSON cannot say (NaN, infinities). With `out` parameters it is an object:
 * {"result": ..., "<name>": ...}, without "result" if the function is void.
 *
 * Whatever does not fit is Runtime.BadArgument and nothing was called.
 */
struct fa_ffi {
	void (*function)(void);
	struct fa_prototype prototype;
	ffi_cif cif;
	ffi_type *types[FA_PROTOTYPE_PARAMS];
};

/* The prototype is filled in. FAAS_EPLUGIN if libffi cannot do it. */
int fa_ffi_init(struct fa_ffi *ffi, void *function, struct faas_error *err);
/* As a handler's invoke(). Uses only what the context offers. */
int fa_ffi_invoke(const struct fa_ffi *ffi, struct faas_context *context, struct faas_bytes event);

#endif
