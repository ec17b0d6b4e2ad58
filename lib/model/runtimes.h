/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_RUNTIMES_H
#define FA_MODEL_RUNTIMES_H

#include <stdbool.h>
#include <faas/types.h>

/* A name of Lambda's enum, whether or not it can be run here. */
bool fa_runtime_known(const char *name);
/*
 * FAAS_EINVAL unless what has this runtime can be run: NULL, and the names that bring
 * their own executable code: a program, a plugin or a C function.
 */
int fa_runtime_check(const char *name, struct faas_error *err);

#endif
