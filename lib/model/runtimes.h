/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_RUNTIMES_H
#define FA_MODEL_RUNTIMES_H

#include <limits.h>
#include <stdbool.h>
#include <faas/types.h>

/* In the words of Lambda, which has an order of its own; more are known. */
#define FA_RUNTIME_CONSTRAINT \
	"Member must satisfy enum value set: [nodejs24.x, nodejs22.x, nodejs20.x, " \
	"provided.al2023, provided.al2, python3.14, python3.13, python3.12, python3.11, " \
	"python3.10, java25, java21, dotnet10, dotnet8, ruby3.4]"

/* A name of Lambda's enum, whether or not it can be run here. */
bool fa_runtime_known(const char *name);
/* SnapStart means something to what runs its functions: our own, or what they bring. */
bool fa_runtime_restores(const char *name);
/*
 * The directory of what runs functions of this runtime, one of those in `runtimes` (NULL:
 * there are none); "" for NULL and for the names that bring their own executable code, which
 * here is a program, a plugin or a C function. FAAS_EINVAL: it cannot be run here, and why.
 */
int fa_runtime_find(const char *name, const char *runtimes, char directory[PATH_MAX],
		    struct faas_error *err);

#endif
