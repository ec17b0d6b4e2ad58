/* SPDX-License-Identifier: MIT */
#ifndef FA_FUNCTIONS_H
#define FA_FUNCTIONS_H

/* What the doors to functions share: functions.c, versions.c, control.c. */
#include <invoke.h>
#include <code.h>
#include <model/alias.h>
#include <model/provisioned.h>

/* A version that can run, with one reference and without a place in the registry. */
struct fa_version *fa_function_make(struct faas *rt, const struct faas_function_config *config,
				    const struct fa_code *code, const struct fa_version *sibling,
				    struct faas_error *err);
/* Give it a place; takes the reference. `config`: of events and tags (event_config.h). */
int fa_function_add(struct faas *rt, struct fa_version *version,
		    const struct faas_function_config *config, struct faas_error *err);
/* Takes what the registry handed out, and what hangs on it. Its environments go. */
void fa_function_drop(struct fa_version *version);

/* Find a version (with `latest`: $LATEST only) and enter the runtime, for one call. */
struct fa_version *fa_function_open(struct faas *rt, const char *function, bool latest, int *rc,
				    struct faas_error *err);
void fa_function_close(struct faas *rt, struct fa_version *version);

/*
 * Inside a call. `code`: what the store has of it already, or NULL; see fa_code_take(). Returns
 * when the function can run; build.h is for who does not wait.
 */
int fa_function_create(struct faas *rt, const struct faas_function_config *config,
		       const struct fa_code *code, struct faas_error *err);
/* Inside a call. Exchange `old` for a version with the change; `revision` as in fa_alias_change. */
int fa_function_change(struct faas *rt, struct fa_version *old,
		       const struct faas_function_config *change, const struct fa_code *code,
		       const char *revision, struct fa_version **published,
		       struct faas_error *err);
/*
 * Its parts. First what `old` is to become, its code made only if `now`; NULL: see err. From
 * then on no other change of it begins. Then it becomes that and, unless `published` is NULL, is
 * published, with a reference; or that is put off and only written down. Whose change comes to
 * nothing gives it up, with `next` or NULL, which it takes, and the reservation that there was.
 */
struct fa_version *fa_function_begin_change(struct faas *rt, struct fa_version *old,
					    const struct faas_function_config *change,
					    const struct fa_code *code, const char *revision,
					    bool now, struct faas_error *err);
int fa_function_end_change(struct faas *rt, struct fa_version *old, struct fa_version *next,
			   const struct faas_function_config *change,
			   struct fa_version **published, struct faas_error *err);
int fa_function_expect(struct faas *rt, struct fa_version *old, struct fa_version *next,
		       const struct faas_function_config *change, struct faas_error *err);
void fa_function_give_up(struct faas *rt, struct fa_version *old, struct fa_version *next,
			 int reserved);
/* What was put off happens. Takes `next`. Waits for what is provisioned of it. */
int fa_function_swap(struct faas *rt, struct fa_version *old, struct fa_version *next,
		     struct faas_error *err);
/*
 * In a change. A function that nobody knew, with code that was taken. Hands out a reference
 * to its $LATEST; one that is pending cannot run yet.
 */
struct fa_version *fa_function_make_anew(struct faas *rt,
					 const struct faas_function_config *config,
					 const struct fa_code *code, enum fa_state state,
					 struct faas_error *err);
/* It can run now: what is provisioned of it, and events that waited. */
void fa_function_begin(struct faas *rt, struct fa_version *version);
/* In a change. Hands out a reference to what the function's $LATEST is published as. */
struct fa_version *fa_function_publish(struct faas *rt, struct fa_version *latest,
				       const char *description, struct faas_error *err);
/* The change is there. */
void fa_function_published(struct fa_version *version);
/* The same of one that is pending, before anybody makes it: the number shares its fate. */
struct fa_version *fa_function_publish_pending(struct faas *rt, struct fa_version *latest,
					       struct faas_error *err);

/* ---- snapshots.c -------------------------------------------------------- */

void fa_snapshots_init(struct faas *rt);
/* Any thread: if it is a number with a snapshot, that is made ahead of its events. */
void fa_snapshot_begin(struct fa_version *version);
/* Any thread: if it is inactive, it is to be active again. */
void fa_snapshot_rouse(struct fa_version *version);
/*
 * Inside a call, on the loop without an effect: until the version is not pending any more.
 * FAAS_EFUNCTION: its init failed, and if that was just now, there is no such version.
 */
int fa_snapshot_wait(struct faas *rt, struct fa_version *version, struct faas_error *err);

/* FAAS_EINVAL: so many could never be there at a time. */
int fa_function_check_room(const struct faas *rt, int provisioned, int memory_mb,
			   struct faas_error *err);
/* In a change. As fa_alias_set() and fa_alias_delete(); what is provisioned follows. */
int fa_function_set_alias(struct faas *rt, const struct fa_alias_change *change,
			  struct fa_alias_view *view, struct faas_error *err);
int fa_function_delete_alias(struct faas *rt, const char *function, const char *alias,
			     struct faas_error *err);
/* FAAS_EPRECONDITION unless `revision` is NULL or the version's. */
int fa_function_check_revision(const struct fa_version *version, const char *revision,
			       struct faas_error *err);

/* ---- limits.c: what functions have of the account's concurrency -------- */

struct fa_quota *fa_quota_of(const struct fa_version *version);
/* As .max_concurrency of a configuration would say it. */
int fa_limits_member(const struct fa_version *version);
/* What the version's configuration reserves and wants provisioned. FAAS_EINVAL: no room for it. */
int fa_limits_claim(struct faas *rt, const struct fa_version *version, struct faas_error *err);
/* What was claimed for a change of it that did not come about is given back. */
void fa_limits_restore(struct faas *rt, const struct fa_version *latest, int reserved);
/* So many, or FA_UNRESERVED. */
int fa_limits_reserve(struct faas *rt, const struct fa_version *latest, int reserved,
		      struct faas_error *err);
/* The function is gone. */
void fa_limits_release(struct faas *rt, const struct fa_version *version);
/* So many for the version or alias that this names, 0: none. The runtime is entered. */
int fa_limits_provision(struct faas *rt, const char *target, int n, struct faas_error *err);
/*
 * Under registry.changing: an alias of the function leads elsewhere, or a version is gone. In a
 * change this is done when it ends.
 */
void fa_limits_rearrange(struct faas *rt, const char *function);
/* A change ended. `reserved`: what it was before, or FA_UNTOUCHED: as it is. */
void fa_limits_settle(struct faas *rt, const char *function, int reserved);
/* How what was asked for stands. */
int fa_limits_report(struct faas *rt, const char *function, const struct fa_provisioned *of,
		     struct fa_provision_report *report, struct faas_error *err);

#endif
