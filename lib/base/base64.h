/* SPDX-License-Identifier: MIT */
#ifndef FA_BASE_BASE64_H
#define FA_BASE_BASE64_H

#include <stddef.h>
#include <base/mem.h>
#include <faas/types.h>

/*
 * The bytes that a text of base64 stands for, fa_alloc()ed. NULL with FAAS_EINVAL,
 * where `what` names the text, or FAAS_ENOMEM.
 */
void *fa_base64_decode(const struct fa_mem *mem, const char *text, const char *what, size_t *len,
		       struct faas_error *err);

#endif
