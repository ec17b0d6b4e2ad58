/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_KIND_H
#define FA_MODEL_KIND_H

#include <model/function.h>

/*
 * Fills in runtime_directory, embedded and program of a version whose configuration and code
 * are there, and refuses what such a function cannot be.
 */
int fa_kind_find(struct fa_version *version, struct faas_error *err);

#endif
