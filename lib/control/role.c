/* SPDX-License-Identifier: MIT */
/* Operations of IAM on roles, with the members and the words that IAM has. */
#include <control/control.h>

#include <stdio.h>
#include <string.h>

#include <base/error.h>
#include <base/text.h>
#include <model/account.h>
#include <model/role.h>

/* ---- one role ---------------------------------------------------------- */

static int no_role(const char *name, struct faas_error *err)
{
	return fa_error_typed(err, FAAS_ENOTFOUND, "NoSuchEntity",
			      "The role with name %s cannot be found.", name);
}

/* A copy, which the caller frees or puts back. */
static struct fa_document *role_of(struct faas *rt, const struct fa_document *in,
				   struct faas_error *err)
{
	const char *name = fa_control_text(in, "RoleName");
	struct fa_document *role = fa_role_get(&rt->registry, name);

	if (!role)
		no_role(name, err);
	return role;
}

/* Who changes a role reads it, and puts it back changed, before the next one reads it. */
static struct fa_document *open_role(struct faas *rt, const struct fa_document *in,
				     struct faas_error *err)
{
	struct fa_document *role;

	pthread_mutex_lock(&rt->registry.changing);
	role = role_of(rt, in, err);
	if (!role)
		pthread_mutex_unlock(&rt->registry.changing);
	return role;
}

/* Takes `role`, and puts it back unless `rc` says that it is not what it was to become. */
static int close_role(struct faas *rt, const struct fa_document *in, struct fa_document *role,
		      int rc, struct faas_error *err)
{
	if (rc)
		fa_document_free(role);
	else
		rc = fa_role_put(&rt->registry, fa_control_text(in, "RoleName"), role, err);
	pthread_mutex_unlock(&rt->registry.changing);
	return rc;
}

static int check_policy(struct faas *rt, const char *text, enum fa_policy_kind kind,
			struct faas_error *err)
{
	struct fa_policy *policy = fa_policy_parse(&rt->mem, text, kind, err);

	if (!policy)
		return err->code;
	fa_policy_free(policy);
	return 0;
}

/* What IAM tells of a role. */
static int tell(struct fa_document *out, const struct fa_document *role)
{
	static const char *const members[] = { "Path",       "RoleName",
					       "RoleId",     "Arn",
					       "CreateDate", "AssumeRolePolicyDocument",
					       "Description" };
	int rc = 0;

	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++)
		if (fa_document_get(role, members[i]))
			rc |= fa_document_put(out, members[i],
					      fa_document_copy(fa_document_get(role, members[i])));
	return rc;
}

static int answer(struct fa_document *out, const struct fa_document *role, struct faas_error *err)
{
	struct fa_document *told = fa_document_object();
	int rc = tell(told, role);

	return fa_document_put(out, "Role", told) | rc ? fa_error_nomem(err) : 0;
}

static struct fa_document *make(struct faas *rt, const struct fa_document *in)
{
	const char *name = fa_control_text(in, "RoleName"), *path = fa_control_text(in, "Path"),
		   *description = fa_control_text(in, "Description");
	struct fa_document *role = fa_document_object();
	char arn[700], id[FA_ROLE_ID], time[40];
	struct fa_text text = FA_TEXT(time);
	int rc;

	path = path && *path ? path : "/";
	snprintf(arn, sizeof(arn), "arn:aws:iam::%s:role%s%s", rt->config.account, path, name);
	fa_text_time(&text, rt->clock->unix_ms(rt->clock));
	fa_role_id(id, "AROA");
	rc = fa_document_put_text(role, "Path", path);
	rc |= fa_document_put_text(role, "RoleName", name);
	rc |= fa_document_put_text(role, "RoleId", id);
	rc |= fa_document_put_text(role, "Arn", arn);
	rc |= fa_document_put_text(role, "CreateDate", time);
	rc |= fa_document_put_text(role, "AssumeRolePolicyDocument",
				   fa_control_text(in, "AssumeRolePolicyDocument"));
	if (description)
		rc |= fa_document_put_text(role, "Description", description);
	rc |= fa_document_put(role, "Policies", fa_document_object());
	rc |= fa_document_put(role, "Attached", fa_document_object());
	if (!rc)
		return role;
	fa_document_free(role);
	return NULL;
}

static int create(struct faas *rt, const struct fa_document *in, struct fa_document *out,
		  struct faas_error *err)
{
	const char *name = fa_control_text(in, "RoleName");
	struct fa_document *there, *role;
	int rc;

	pthread_mutex_lock(&rt->registry.changing);
	there = fa_role_get(&rt->registry, name);
	fa_document_free(there);
	rc = there ? fa_error_typed(err, FAAS_EEXIST, "EntityAlreadyExists",
				    "Role with name %s already exists.", name)
		   : check_policy(rt, fa_control_text(in, "AssumeRolePolicyDocument"),
				  FA_TRUST_POLICY, err);
	role = rc ? NULL : make(rt, in);
	if (!rc)
		rc = role ? answer(out, role, err) : fa_error_nomem(err);
	return close_role(rt, in, role, rc, err);
}

static int get(struct faas *rt, const struct fa_document *in, struct fa_document *out,
	       struct faas_error *err)
{
	struct fa_document *role = role_of(rt, in, err);
	int rc = role ? answer(out, role, err) : err->code;

	fa_document_free(role);
	return rc;
}

static int update_trust(struct faas *rt, const struct fa_document *in, struct fa_document *out,
			struct faas_error *err)
{
	const char *text = fa_control_text(in, "PolicyDocument");
	int rc = check_policy(rt, text, FA_TRUST_POLICY, err);
	struct fa_document *role = rc ? NULL : open_role(rt, in, err);

	(void)out;
	if (!role)
		return err->code;
	if (fa_document_put_text(role, "AssumeRolePolicyDocument", text))
		rc = fa_error_nomem(err);
	return close_role(rt, in, role, rc, err);
}

static int delete (struct faas *rt, const struct fa_document *in, struct fa_document *out,
		   struct faas_error *err)
{
	struct fa_document *role = open_role(rt, in, err);
	const char *first = NULL;
	int rc = 0;

	(void)out;
	if (!role)
		return err->code;
	if (fa_document_count(fa_document_get(role, "Attached")))
		first = "Cannot delete entity, must detach all policies first.";
	else if (fa_document_count(fa_document_get(role, "Policies")))
		first = "Cannot delete entity, must delete policies first.";
	fa_document_free(role);
	if (first)
		rc = fa_error_typed(err, FAAS_EEXIST, "DeleteConflict", "%s", first);
	return close_role(rt, in, NULL, rc, err);
}

static int list(struct faas *rt, const struct fa_document *in, struct fa_document *out,
		struct faas_error *err)
{
	struct fa_document *all = fa_account_all(&rt->registry, FA_ACCOUNT_ROLES),
			   *roles = fa_document_array();
	const struct fa_document *role;
	const char *name = NULL;
	int rc = 0;

	(void)in;
	while ((name = fa_document_next(all, name, &role))) {
		struct fa_document *told = fa_document_object();

		rc |= tell(told, role);
		rc |= fa_document_append(roles, told);
	}
	fa_document_free(all);
	return fa_document_put(out, "Roles", roles) | rc ? fa_error_nomem(err) : 0;
}

/* ---- its policies ------------------------------------------------------ */

/* All texts of a group together have a limit; the names of attached ones never come near it. */
static int check_size(const struct fa_document *group, const struct fa_document *in,
		      struct faas_error *err)
{
	const struct fa_document *text;
	const char *name = NULL;
	size_t size = 0;

	while ((name = fa_document_next(group, name, &text)))
		size += strlen(fa_document_text(text));
	if (size <= FA_ROLE_POLICIES_MAX)
		return 0;
	return fa_error_typed(err, FAAS_EINVAL, "LimitExceeded",
			      "Maximum policy size of %d bytes exceeded for role %s",
			      FA_ROLE_POLICIES_MAX, fa_control_text(in, "RoleName"));
}

/* One of those that there are, or of ours, which stays while roles are changed. */
static bool is_attachable(struct faas *rt, const char *arn)
{
	struct fa_document *own = fa_account_get(&rt->registry, FA_ACCOUNT_POLICIES, arn);
	const char *name;
	bool is = own || fa_role_managed(arn, &name);

	fa_document_free(own);
	return is;
}

/*
 * One member of "Policies" or "Attached" is set, or, with NULL, is no more. `missing`: what is
 * said if it is not there, or if there is nothing to attach.
 */
static int change(struct faas *rt, const struct fa_document *in, const char *group, const char *key,
		  const char *value, const char *missing, struct faas_error *err)
{
	struct fa_document *role = open_role(rt, in, err), *changed;
	int rc = 0;

	if (!role)
		return err->code;
	changed = fa_document_copy(fa_document_get(role, group));
	if (value ? missing && !is_attachable(rt, key) : !fa_document_get(changed, key))
		rc = fa_error_typed(err, FAAS_ENOTFOUND, "NoSuchEntity", missing, key);
	else if (!value)
		fa_document_drop(changed, key);
	else if (fa_document_put_text(changed, key, value))
		rc = fa_error_nomem(err);
	else
		rc = check_size(changed, in, err);
	if (fa_document_put(role, group, changed))
		rc = fa_error_nomem(err);
	return close_role(rt, in, role, rc, err);
}

static int put_policy(struct faas *rt, const struct fa_document *in, struct fa_document *out,
		      struct faas_error *err)
{
	const char *text = fa_control_text(in, "PolicyDocument"),
		   *name = fa_control_text(in, "PolicyName");
	int rc = check_policy(rt, text, FA_IDENTITY_POLICY, err);

	(void)out;
	return rc ? rc : change(rt, in, "Policies", name, text, NULL, err);
}

static int delete_policy(struct faas *rt, const struct fa_document *in, struct fa_document *out,
			 struct faas_error *err)
{
	(void)out;
	return change(rt, in, "Policies", fa_control_text(in, "PolicyName"), NULL,
		      "The role policy with name %s cannot be found.", err);
}

static int get_policy(struct faas *rt, const struct fa_document *in, struct fa_document *out,
		      struct faas_error *err)
{
	const char *name = fa_control_text(in, "PolicyName");
	struct fa_document *role = role_of(rt, in, err), *text;
	int rc;

	if (!role)
		return err->code;
	text = fa_document_copy(fa_document_get(fa_document_get(role, "Policies"), name));
	fa_document_free(role);
	if (!text)
		return fa_error_typed(err, FAAS_ENOTFOUND, "NoSuchEntity",
				      "The role policy with name %s cannot be found.", name);
	rc = fa_document_put_text(out, "RoleName", fa_control_text(in, "RoleName"));
	rc |= fa_document_put_text(out, "PolicyName", name);
	rc |= fa_document_put(out, "PolicyDocument", text);
	return rc ? fa_error_nomem(err) : 0;
}

static int attach(struct faas *rt, const struct fa_document *in, struct fa_document *out,
		  struct faas_error *err)
{
	const char *arn = fa_control_text(in, "PolicyArn"), *slash = strrchr(arn, '/');

	(void)out;
	return change(rt, in, "Attached", arn, slash ? slash + 1 : arn,
		      "Policy %s does not exist or is not attachable.", err);
}

static int detach(struct faas *rt, const struct fa_document *in, struct fa_document *out,
		  struct faas_error *err)
{
	(void)out;
	return change(rt, in, "Attached", fa_control_text(in, "PolicyArn"), NULL,
		      "Policy %s was not found.", err);
}

/* The names in a group. */
static int list_names(struct faas *rt, const struct fa_document *in, struct fa_document *out,
		      struct faas_error *err)
{
	struct fa_document *role = role_of(rt, in, err), *names;
	const struct fa_document *value;
	const char *name = NULL;
	int rc = 0;

	if (!role)
		return err->code;
	names = fa_document_array();
	while ((name = fa_document_next(fa_document_get(role, "Policies"), name, &value)))
		rc |= fa_document_append_text(names, name);
	fa_document_free(role);
	return fa_document_put(out, "PolicyNames", names) | rc ? fa_error_nomem(err) : 0;
}

static int list_attached(struct faas *rt, const struct fa_document *in, struct fa_document *out,
			 struct faas_error *err)
{
	struct fa_document *role = role_of(rt, in, err), *rows, *row;
	const struct fa_document *name;
	const char *arn = NULL;
	int rc = 0;

	if (!role)
		return err->code;
	rows = fa_document_array();
	while ((arn = fa_document_next(fa_document_get(role, "Attached"), arn, &name))) {
		row = fa_document_object();
		rc |= fa_document_put(row, "PolicyName", fa_document_copy(name));
		rc |= fa_document_put_text(row, "PolicyArn", arn);
		rc |= fa_document_append(rows, row);
	}
	fa_document_free(role);
	return fa_document_put(out, "AttachedPolicies", rows) | rc ? fa_error_nomem(err) : 0;
}

/* ---- the table --------------------------------------------------------- */

#define PATTERN "Member must satisfy regular expression pattern: "
#define FIELDS(...) \
	(const struct fa_field[]) \
	{ \
		__VA_ARGS__, FA_NO_FIELD \
	}
#define ROLE \
	FA_FITTING("RoleName", true, 1, FA_ROLE_NAME_MAX, fa_iam_name_fits, \
		   PATTERN "[\\w+=,.@-]+")
#define POLICY \
	FA_FITTING("PolicyName", true, 1, 128, fa_iam_name_fits, PATTERN "[\\w+=,.@-]+")
#define ARN \
	FA_LENGTH_OF("PolicyArn", true, 20, 2048)
#define DOCUMENT(name) \
	FA_LENGTH_OF(name, true, 1, 131072)

const struct fa_operation fa_role_operations[] = {
	{ "CreateRole",
	  FIELDS(ROLE, DOCUMENT("AssumeRolePolicyDocument"), FA_TEXT_OF("Description", 1000),
		 FA_FITTING("Path", false, 1, 512, fa_iam_path_fits,
			    PATTERN "(\\u002F)|(\\u002F[\\u0021-\\u007E]+\\u002F)")),
	  create },
	{ "GetRole", FIELDS(ROLE), get },
	{ "DeleteRole", FIELDS(ROLE), delete },
	{ "ListRoles", FIELDS(FA_NO_FIELD), list },
	{ "UpdateAssumeRolePolicy", FIELDS(ROLE, DOCUMENT("PolicyDocument")), update_trust },
	{ "PutRolePolicy", FIELDS(ROLE, POLICY, DOCUMENT("PolicyDocument")), put_policy },
	{ "GetRolePolicy", FIELDS(ROLE, POLICY), get_policy },
	{ "DeleteRolePolicy", FIELDS(ROLE, POLICY), delete_policy },
	{ "ListRolePolicies", FIELDS(ROLE), list_names },
	{ "AttachRolePolicy", FIELDS(ROLE, ARN), attach },
	{ "DetachRolePolicy", FIELDS(ROLE, ARN), detach },
	{ "ListAttachedRolePolicies", FIELDS(ROLE), list_attached },
	{ NULL, NULL, NULL },
};
