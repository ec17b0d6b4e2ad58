/* SPDX-License-Identifier: MIT */
#ifndef FA_CODE_H
#define FA_CODE_H

#include <invoke.h>

/*
 * What a configuration's code is in the store of packages: what was `given`, or the
 * .zip that it names, or, if it names none, what `old` has (NULL: nothing); and the same
 * of its layers. Fills in
 * references, to be let go of with fa_code_drop(). FAAS_EINVAL, FAAS_ETOOLARGE,
 * FAAS_ENOMEM, FAAS_ESYSTEM.
 */
int fa_code_take(struct faas *rt, const struct faas_function_config *config,
		 const struct fa_code *given, const struct fa_version *old, struct fa_code *code,
		 struct faas_error *err);
/* All of it is where it is run from when this returns 0; as fa_package_make(). */
int fa_code_make(const struct fa_code *code, struct faas_error *err);
bool fa_code_is_made(const struct fa_code *code);
void fa_code_drop(struct fa_code *code);

/* Wire the store to the loop, which removes what nobody uses any more. */
void fa_code_init(struct faas *rt);
/* What is changed is written: what waited for that may be removed. */
void fa_code_sweep(struct faas *rt);

#endif
