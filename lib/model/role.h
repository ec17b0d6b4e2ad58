/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_ROLE_H
#define FA_MODEL_ROLE_H

#include <model/policy/policy.h>
#include <model/registry.h>

/*
 * Roles are of the account: who may assume one, and what whoever has it may do. Each is a
 * document: RoleName, RoleId, Arn, Path, CreateDate, AssumeRolePolicyDocument (a text),
 * Policies (name -> text) and Attached (ARN -> name). An account without any role asks
 * nobody for permission.
 */
#define FA_ROLE_NAME_MAX 64
#define FA_ROLE_FACTS 8            /* of a request that a role is asked for */
#define FA_ROLE_POLICIES_MAX 10240 /* bytes of all policies that are put into one role */

/* A copy by name or ARN, or NULL. */
struct fa_document *fa_role_get(struct fa_registry *registry, const char *role);
/* Takes it, new or changed; with NULL the role ends. */
int fa_role_put(struct fa_registry *registry, const char *name, struct fa_document *role,
		struct faas_error *err);
/* Whether there are roles, so that permissions count. */
bool fa_roles_count(struct fa_registry *registry);
/* 0 until there is one; another number after each change of one. Takes no lock. */
uint32_t fa_roles_epoch(const struct fa_registry *registry);
/* Frees what was compiled of them. */
void fa_roles_forget(struct fa_registry *registry);

/* "AROA" or another prefix, and sixteen random letters. */
#define FA_ROLE_ID 24
void fa_role_id(char out[FA_ROLE_ID], const char *prefix);
/*
 * The account's own managed policies are documents, too: PolicyName, PolicyId, Arn, Path,
 * CreateDate, PolicyDocument (a text). They do not change.
 */
#define FA_POLICY_MAX 6144 /* bytes */
bool fa_iam_name_fits(const char *text);
bool fa_iam_path_fits(const char *text); /* "/", "/team/" */

/* A policy that there is without anybody's making it, by its ARN; NULL: none. */
const char *fa_role_managed(const char *arn, const char **name);
const char *fa_role_managed_arn(size_t number); /* NULL: there are no more */

/*
 * Both say 0 or FAAS_EDENIED, or FAAS_ENOMEM: then nobody knows. One whose policies cannot be
 * read may do nothing, for they may deny.
 *
 * Whether this service may assume the role. FAAS_EDENIED of a role that is not there.
 */
int fa_role_trusts(struct fa_registry *registry, const char *role, const char *service);
/*
 * What a session of the role may do. `request` with no principal: it is the session's, and so
 * are aws:PrincipalArn and aws:PrincipalAccount; at most FA_ROLE_FACTS besides. If it may not,
 * `why` says so in the words of AWS.
 */
int fa_role_allows(struct fa_registry *registry, const char *role, const char *session,
		    const struct fa_policy_request *request, char *why, size_t size);
/* The same where the resource has a policy of its own; NULL: it has none. */
int fa_role_allows_on(struct fa_registry *registry, const char *role, const char *session,
		      const struct fa_policy_request *request, const struct fa_policy *resource,
		      char *why, size_t size);

#endif
