/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_PACKAGE_IMAGE_ARCHIVE_H
#define FA_MODEL_PACKAGE_IMAGE_ARCHIVE_H

#include <base/mem.h>
#include <faas/types.h>

/*
 * `dir` has what was in the archive of an image. If that is no OCI layout already, but what
 * `docker save` writes, it becomes one. 0, FAAS_EINVAL and why, FAAS_ENOMEM, FAAS_ESYSTEM.
 */
int fa_image_archive_arrange(int dir, const struct fa_mem *mem, struct faas_error *err);

#endif
