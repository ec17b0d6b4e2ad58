/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_PACKAGE_ZIP_FILE_H
#define FA_MODEL_PACKAGE_ZIP_FILE_H

#include <stddef.h>
#include <base/mem.h>
#include <faas/types.h>

/* FAAS_ETOOLARGE, in the words of Lambda, if it is not smaller than `most`. */
int fa_zip_check_size(size_t len, size_t most, struct faas_error *err);
/* All of a file that may be a ZIP, to be fa_free()d; NULL: FAAS_EINVAL, ETOOLARGE, ENOMEM. */
char *fa_zip_file_read(const struct fa_mem *mem, const char *path, size_t *len,
		       struct faas_error *err);

#endif
