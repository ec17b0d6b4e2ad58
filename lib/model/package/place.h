/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_PACKAGE_PLACE_H
#define FA_MODEL_PACKAGE_PLACE_H

#include <model/package/package.h>

/* Where packages lie on the disk. For package.c, under the store's lock. */

/* Make the store's directory, if there is none yet. */
int fa_place_open(struct fa_packages *store, struct faas_error *err);
/* What is in it goes: all of it, or what nobody claimed. */
void fa_place_close(struct fa_packages *store);

#endif
