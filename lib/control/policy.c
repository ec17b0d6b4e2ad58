/* SPDX-License-Identifier: MIT */
/*
 * Operations of IAM on managed policies, those that there are and the account's own. A policy of
 * ours never changes, it has the one version v1: so what was compiled of it stays right for as
 * long as it is attached, and while it is attached it is not deleted.
 */
#include <control/control.h>

#include <stdio.h>
#include <string.h>

#include <base/error.h>
#include <base/text.h>
#include <model/account.h>
#include <model/role.h>

#define ID "ANPA"

static int no_policy(const char *arn, struct faas_error *err)
{
	return fa_error_typed(err, FAAS_ENOTFOUND, "NoSuchEntity", "Policy %s was not found.",
			      arn);
}

/* ---- one policy --------------------------------------------------------- */

static struct fa_document *make(struct faas *rt, const struct fa_document *in, const char *arn)
{
	const char *path = fa_control_text(in, "Path"),
		   *description = fa_control_text(in, "Description");
	struct fa_document *policy = fa_document_object();
	char id[FA_ROLE_ID], time[40];
	struct fa_text text = FA_TEXT(time);
	int rc;

	fa_text_time(&text, rt->clock->unix_ms(rt->clock));
	fa_role_id(id, ID);
	rc = fa_document_put_text(policy, "PolicyName", fa_control_text(in, "PolicyName"));
	rc |= fa_document_put_text(policy, "PolicyId", id);
	rc |= fa_document_put_text(policy, "Arn", arn);
	rc |= fa_document_put_text(policy, "Path", path && *path ? path : "/");
	rc |= fa_document_put_text(policy, "CreateDate", time);
	rc |= fa_document_put_text(policy, "PolicyDocument",
				   fa_control_text(in, "PolicyDocument"));
	if (description)
		rc |= fa_document_put_text(policy, "Description", description);
	if (!rc)
		return policy;
	fa_document_free(policy);
	return NULL;
}

/* One that nobody made. */
static struct fa_document *make_managed(const char *arn)
{
	const char *name, *text = fa_role_managed(arn, &name);
	struct fa_document *policy = text ? fa_document_object() : NULL;
	const char *path = strchr(arn, '/'), *last = strrchr(arn, '/');
	char head[64];

	if (!policy)
		return NULL;
	snprintf(head, sizeof(head), "%.*s", (int)(last + 1 - path), path);
	fa_document_put_text(policy, "PolicyName", name);
	fa_document_put_text(policy, "PolicyId", ID "0000000000000000");
	fa_document_put_text(policy, "Arn", arn);
	fa_document_put_text(policy, "Path", head);
	fa_document_put_text(policy, "CreateDate", "2015-02-06T18:40:58.000Z");
	fa_document_put_text(policy, "PolicyDocument", text);
	return policy;
}

/* A copy; NULL: there is none, or no memory. */
static struct fa_document *policy_of(struct faas *rt, const char *arn)
{
	struct fa_document *own = fa_account_get(&rt->registry, FA_ACCOUNT_POLICIES, arn);

	return own ? own : make_managed(arn);
}

static int64_t count_attached(const struct fa_document *roles, const char *arn)
{
	const struct fa_document *role;
	const char *name = NULL;
	int64_t count = 0;

	while ((name = fa_document_next(roles, name, &role)))
		count += fa_document_get(fa_document_get(role, "Attached"), arn) != NULL;
	return count;
}

/* What IAM tells of a policy. */
static int tell(struct fa_document *out, const struct fa_document *policy,
		const struct fa_document *roles)
{
	static const char *const members[] = { "PolicyName", "PolicyId",   "Arn",
					       "Path",	     "CreateDate", "Description" };
	const struct fa_document *value;
	int rc = 0;

	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++)
		if ((value = fa_document_get(policy, members[i])))
			rc |= fa_document_put(out, members[i], fa_document_copy(value));
	value = fa_document_get(policy, "CreateDate");
	rc |= fa_document_put(out, "UpdateDate", fa_document_copy(value));
	rc |= fa_document_put_text(out, "DefaultVersionId", "v1");
	rc |= fa_document_put_integer(out, "AttachmentCount",
				      count_attached(roles, fa_control_text(policy, "Arn")));
	rc |= fa_document_put_boolean(out, "IsAttachable", true);
	return rc;
}

static int answer(struct faas *rt, struct fa_document *out, const struct fa_document *policy,
		  struct faas_error *err)
{
	struct fa_document *roles = fa_account_all(&rt->registry, FA_ACCOUNT_ROLES),
			   *told = fa_document_object();
	int rc = tell(told, policy, roles);

	fa_document_free(roles);
	return fa_document_put(out, "Policy", told) | rc ? fa_error_nomem(err) : 0;
}

/* ---- operations ------------------------------------------------------------- */

static int check(struct faas *rt, const char *text, struct faas_error *err)
{
	struct fa_policy *policy = fa_policy_parse(&rt->mem, text, FA_IDENTITY_POLICY, err);

	fa_policy_free(policy);
	if (!policy)
		return err->code;
	if (strlen(text) <= FA_POLICY_MAX)
		return 0;
	return fa_error_typed(err, FAAS_EINVAL, "LimitExceeded",
			      "Cannot exceed quota for PolicySize: %d", FA_POLICY_MAX);
}

/* [changing] */
static int add(struct faas *rt, const struct fa_document *in, const char *arn,
	       struct fa_document *out, struct faas_error *err)
{
	struct fa_document *policy = policy_of(rt, arn);
	int rc = policy ? fa_error_typed(err, FAAS_EEXIST, "EntityAlreadyExists",
					 "A policy called %s already exists. Duplicate names are "
					 "not allowed.",
					 fa_control_text(in, "PolicyName")) :
			  0;

	fa_document_free(policy);
	if (rc)
		return rc;
	policy = make(rt, in, arn);
	if (!policy)
		return fa_error_nomem(err);
	rc = answer(rt, out, policy, err);
	if (!rc)
		return fa_account_put(&rt->registry, FA_ACCOUNT_POLICIES, arn, policy, err);
	fa_document_free(policy);
	return rc;
}

static int create(struct faas *rt, const struct fa_document *in, struct fa_document *out,
		  struct faas_error *err)
{
	const char *path = fa_control_text(in, "Path");
	int rc = check(rt, fa_control_text(in, "PolicyDocument"), err);
	char arn[700];

	if (rc)
		return rc;
	snprintf(arn, sizeof(arn), "arn:aws:iam::%s:policy%s%s", rt->config.account,
		 path && *path ? path : "/", fa_control_text(in, "PolicyName"));
	pthread_mutex_lock(&rt->registry.changing);
	rc = add(rt, in, arn, out, err);
	pthread_mutex_unlock(&rt->registry.changing);
	return rc;
}

static int get(struct faas *rt, const struct fa_document *in, struct fa_document *out,
	       struct faas_error *err)
{
	const char *arn = fa_control_text(in, "PolicyArn");
	struct fa_document *policy = policy_of(rt, arn);
	int rc = policy ? answer(rt, out, policy, err) : no_policy(arn, err);

	fa_document_free(policy);
	return rc;
}

static int get_version(struct faas *rt, const struct fa_document *in, struct fa_document *out,
		       struct faas_error *err)
{
	const char *arn = fa_control_text(in, "PolicyArn"),
		   *version = fa_control_text(in, "VersionId");
	struct fa_document *policy = policy_of(rt, arn), *told;
	int rc;

	if (!policy)
		return no_policy(arn, err);
	if (strcmp(version, "v1") != 0) {
		fa_document_free(policy);
		return fa_error_typed(err, FAAS_ENOTFOUND, "NoSuchEntity",
				      "Policy %s version %s does not exist or is not attachable.",
				      arn, version);
	}
	told = fa_document_object();
	rc = fa_document_put(told, "Document",
			     fa_document_copy(fa_document_get(policy, "PolicyDocument")));
	rc |= fa_document_put_text(told, "VersionId", "v1");
	rc |= fa_document_put_boolean(told, "IsDefaultVersion", true);
	rc |= fa_document_put(told, "CreateDate",
			      fa_document_copy(fa_document_get(policy, "CreateDate")));
	fa_document_free(policy);
	return fa_document_put(out, "PolicyVersion", told) | rc ? fa_error_nomem(err) : 0;
}

static int append(struct fa_document *list, const struct fa_document *policy,
		  const struct fa_document *roles)
{
	struct fa_document *told = fa_document_object();
	int rc = tell(told, policy, roles);

	return fa_document_append(list, told) | rc;
}

static int list(struct faas *rt, const struct fa_document *in, struct fa_document *out,
		struct faas_error *err)
{
	const char *scope = fa_control_text(in, "Scope"), *arn = NULL;
	struct fa_document *own = fa_account_all(&rt->registry, FA_ACCOUNT_POLICIES),
			   *roles = fa_account_all(&rt->registry, FA_ACCOUNT_ROLES),
			   *policies = fa_document_array(), *one;
	const struct fa_document *policy;
	int rc = 0;

	while ((!scope || strcmp(scope, "AWS")) && (arn = fa_document_next(own, arn, &policy)))
		rc |= append(policies, policy, roles);
	for (size_t i = 0; (!scope || strcmp(scope, "Local")) && (arn = fa_role_managed_arn(i));
	     i++) {
		one = make_managed(arn);
		rc |= one ? append(policies, one, roles) : FAAS_ENOMEM;
		fa_document_free(one);
	}
	fa_document_free(own);
	fa_document_free(roles);
	return fa_document_put(out, "Policies", policies) | rc ? fa_error_nomem(err) : 0;
}

/* [changing] */
static int drop(struct faas *rt, const char *arn, struct faas_error *err)
{
	struct fa_document *own = fa_account_get(&rt->registry, FA_ACCOUNT_POLICIES, arn),
			   *roles = fa_account_all(&rt->registry, FA_ACCOUNT_ROLES);
	int64_t attached = count_attached(roles, arn);

	fa_document_free(own);
	fa_document_free(roles);
	if (!own)
		return no_policy(arn, err);
	if (attached)
		return fa_error_typed(err, FAAS_EEXIST, "DeleteConflict",
				      "Cannot delete a policy attached to entities.");
	return fa_account_put(&rt->registry, FA_ACCOUNT_POLICIES, arn, NULL, err);
}

static int delete (struct faas *rt, const struct fa_document *in, struct fa_document *out,
		   struct faas_error *err)
{
	int rc;

	(void)out;
	pthread_mutex_lock(&rt->registry.changing);
	rc = drop(rt, fa_control_text(in, "PolicyArn"), err);
	pthread_mutex_unlock(&rt->registry.changing);
	return rc;
}

/* ---- the table ------------------------------------------------------------------ */

static bool is_scope(const char *text)
{
	return !strcmp(text, "All") || !strcmp(text, "AWS") || !strcmp(text, "Local");
}

#define PATTERN "Member must satisfy regular expression pattern: "
#define FIELDS(...) \
	(const struct fa_field[]) \
	{ \
		__VA_ARGS__, FA_NO_FIELD \
	}
#define ARN \
	FA_LENGTH_OF("PolicyArn", true, 20, 2048)

const struct fa_operation fa_policy_operations[] = {
	{ "CreatePolicy",
	  FIELDS(FA_FITTING("PolicyName", true, 1, 128, fa_iam_name_fits, PATTERN "[\\w+=,.@-]+"),
		 FA_LENGTH_OF("PolicyDocument", true, 1, 131072), FA_TEXT_OF("Description", 1000),
		 FA_FITTING("Path", false, 1, 512, fa_iam_path_fits,
			    PATTERN "((/[A-Za-z0-9\\.,\\+@=_-]+)*)/")),
	  create },
	{ "iam:GetPolicy", FIELDS(ARN), get },
	{ "GetPolicyVersion", FIELDS(ARN, FA_LENGTH_OF("VersionId", true, 1, 64)), get_version },
	{ "ListPolicies",
	  FIELDS(FA_FITTING("Scope", false, 1, 8, is_scope,
			    "Member must satisfy enum value set: [All, AWS, Local]")),
	  list },
	{ "DeletePolicy", FIELDS(ARN), delete },
	{ NULL, NULL, NULL },
};
