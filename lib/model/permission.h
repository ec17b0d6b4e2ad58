/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_PERMISSION_H
#define FA_MODEL_PERMISSION_H

#include <model/policy/policy.h>
#include <model/registry.h>

#define FA_PERMISSIONS_MAX 20480 /* bytes of a policy, as it is told */

/*
 * Resource policies (semantics 10): who else may call a function, one of its versions or
 * aliases, or use a version of a layer. Kept as {"RevisionId": ..., "Statement": [...]}; a
 * policy without a statement is no policy. Its RevisionId is its own and changes with each
 * change; where there is none yet, the one asked for is not looked at (unverified).
 */

/* One change of a policy: a statement comes, or the one of this id goes. */
struct fa_permission_change {
	struct fa_document *statement; /* taken; or NULL */
	const char *remove;            /* its Sid */
	const char *revision;          /* that the policy must still have; NULL: any */
	const char *read_by;           /* the operation that tells it, "GetPolicy" */
};

/* FAAS_EEXIST, FAAS_ENOTFOUND, FAAS_EPRECONDITION, FAAS_ETOOLARGE, FAAS_EINVAL, FAAS_ENOMEM. */
int fa_permission_change(struct fa_registry *registry, const char *function, const char *qualifier,
			 struct fa_permission_change *change, struct faas_error *err);
int fa_permission_change_layer(struct fa_registry *registry, const char *arn,
			       struct fa_permission_change *change, struct faas_error *err);

/* A copy; NULL: there is none (FAAS_ENOTFOUND), or no memory. "" is no qualifier. */
struct fa_document *fa_permission_get(struct fa_registry *registry, const char *function,
				      const char *qualifier, struct faas_error *err);
struct fa_document *fa_permission_get_layer(struct fa_registry *registry, const char *arn,
					    struct faas_error *err);
/*
 * What the function says of who may call it by this name, "name" or "name:qualifier", compiled;
 * NULL: nothing, or err->code is FAAS_ENOMEM. fa_policy_free() it. Compiled once for each change:
 * who asks again allocates nothing.
 */
struct fa_policy *fa_permission_policy(struct fa_registry *registry, const char *function,
				       struct faas_error *err);
/* Whether it lets this service invoke it for what has this ARN. FAAS_EDENIED, FAAS_ENOMEM. */
int fa_permission_admits(struct fa_registry *registry, const char *function, const char *service,
			 const char *source_arn, struct faas_error *err);
/* The whole document, as it is told and as model/policy reads it. NULL: out of memory. */
struct fa_document *fa_permission_document(const struct fa_document *policy);

/* A version or alias is gone, and its policy with it. Under the lock. */
void fa_permission_drop(struct fa_function *function, const char *qualifier);
/* What was compiled goes. Under the lock. */
void fa_permission_forget(struct fa_function *function);

#endif
