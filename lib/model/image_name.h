/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_IMAGE_NAME_H
#define FA_MODEL_IMAGE_NAME_H

#include <faas/faas.h>
#include <base/mem.h>

/* A registry's name of an image, and where the host has that. */
struct fa_image_name {
	char *name, *path;
};

/* The host's, copied; they stay as they are while the runtime lives. */
struct fa_image_names {
	struct fa_image_name *list;
	size_t count;
};

/* FAAS_EINVAL: one of them makes no sense. */
int fa_image_names_init(struct fa_image_names *all, const struct fa_mem *mem,
			const struct faas_image *from, struct faas_error *err);
void fa_image_names_finish(struct fa_image_names *all);
/*
 * Where the image is that a URI names: by the whole of it, or by what is before ":tag" or
 * "@sha256:...", which then is *reference; else that is NULL. NULL: there is none.
 */
const char *fa_image_name_find(const struct fa_image_names *all, const char *uri,
			       const char **reference);

#endif
