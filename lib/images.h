/* SPDX-License-Identifier: MIT */
#ifndef FA_IMAGES_H
#define FA_IMAGES_H

#include <invoke.h>

/*
 * A reference to the image that a URI names: a path or "file://" and a path, both absolute,
 * with ":tag" or "@sha256:..." behind it. `paths`: who asks may name files of this machine.
 * FAAS_EINVAL: in the words of Lambda.
 */
struct fa_package *fa_images_take(struct faas *rt, const char *uri, bool paths,
				  struct faas_error *err);

#endif
