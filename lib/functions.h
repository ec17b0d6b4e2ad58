/* SPDX-License-Identifier: MIT */
#ifndef FA_FUNCTIONS_H
#define FA_FUNCTIONS_H

/* What the doors to functions share: functions.c, versions.c, control.c. */
#include <invoke.h>
#include <code.h>
#include <model/alias.h>

/* A version that can run, with one reference and without a place in the registry. */
struct fa_version *fa_function_make(struct faas *rt, const struct faas_function_config *config,
				    const struct fa_code *code, const struct fa_version *sibling,
				    struct faas_error *err);
/* Takes what the registry handed out, and what hangs on it. Its environments go. */
void fa_function_drop(struct fa_version *version);

/* Find a version (with `latest`: $LATEST only) and enter the runtime, for one call. */
struct fa_version *fa_function_open(struct faas *rt, const char *function, bool latest, int *rc,
				    struct faas_error *err);
void fa_function_close(struct faas *rt, struct fa_version *version);

/* Inside a call. `code`: what the store has of it already, or NULL; see fa_code_take(). */
int fa_function_create(struct faas *rt, const struct faas_function_config *config,
		       const struct fa_code *code, struct faas_error *err);
/* Inside a call. Exchange `old` for a version with the change; `revision` as in fa_alias_change. */
int fa_function_change(struct faas *rt, struct fa_version *old,
		       const struct faas_function_config *change, const struct fa_code *code,
		       const char *revision, struct faas_error *err);
/* Inside a call. Hands out a reference to what the function's $LATEST is published as. */
struct fa_version *fa_function_publish(struct faas *rt, struct fa_version *latest,
				       const char *description, struct faas_error *err);
/* FAAS_EPRECONDITION unless `revision` is NULL or the version's. */
int fa_function_check_revision(const struct fa_version *version, const char *revision,
			       struct faas_error *err);

/* ---- limits.c: what functions have of the account's concurrency -------- */

struct fa_quota *fa_quota_of(const struct fa_version *version);
/* As .max_concurrency of a configuration would say it. */
int fa_limits_member(const struct fa_version *version);
/* What the version's configuration reserves and wants provisioned. FAAS_EINVAL: no room for it. */
int fa_limits_claim(struct faas *rt, const struct fa_version *version, struct faas_error *err);
/* So many, or FA_UNRESERVED. */
int fa_limits_reserve(struct faas *rt, const struct fa_version *latest, int reserved,
		      struct faas_error *err);
/* The function is gone. */
void fa_limits_release(struct faas *rt, const struct fa_version *version);

#endif
