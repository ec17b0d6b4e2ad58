/* SPDX-License-Identifier: MIT */
#ifndef FA_IMAGES_H
#define FA_IMAGES_H

#include <invoke.h>

/*
 * A reference to the image that a URI names: one of faas_config.images; or, if who asks may name
 * `paths` of this machine, a path or "file://" and a path, with ":tag" or "@sha256:..." behind
 * it. FAAS_EINVAL: in the words of Lambda.
 */
struct fa_package *fa_images_take(struct faas *rt, const char *uri, bool paths,
				  struct faas_error *err);

#endif
