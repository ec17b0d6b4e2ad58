/* SPDX-License-Identifier: MIT */
/*
 * A policy is changed as a copy, which then takes the place of what there was: in the attached
 * data of its function, by qualifier, or among the account's, by the ARN of a layer's version.
 */
#include <model/permission.h>

#include <stdio.h>
#include <string.h>

#include <base/error.h>
#include <base/text.h>
#include <model/account.h>
#include <model/attached.h>
#include <model/change.h>
#include <model/policy/policy.h>

#define ATTACHED "Policies" /* qualifier -> policy */
#define NO_POLICY "No policy is associated with the given resource."

/* ---- one policy -------------------------------------------------------- */

static const char *sid_of(const struct fa_document *statement)
{
	const char *sid = fa_document_text(fa_document_get(statement, "Sid"));

	return sid ? sid : "";
}

struct fa_document *fa_permission_document(const struct fa_document *policy)
{
	struct fa_document *out = fa_document_object();
	int rc = out ? 0 : FAAS_ENOMEM;

	if (!rc) {
		rc |= fa_document_put_text(out, "Version", "2012-10-17");
		rc |= fa_document_put_text(out, "Id", "default");
		rc |= fa_document_put(out, "Statement",
				      fa_document_copy(fa_document_get(policy, "Statement")));
	}
	if (!rc)
		return out;
	fa_document_free(out);
	return NULL;
}

static const char *revision_of(const struct fa_document *policy)
{
	const char *revision = fa_document_text(fa_document_get(policy, "RevisionId"));

	return revision ? revision : "";
}

static int check_revision(const struct fa_document *policy,
			  const struct fa_permission_change *change, struct faas_error *err)
{
	const char *now = revision_of(policy);

	if (!change->revision || !*now || !strcmp(now, change->revision))
		return 0;
	return fa_error(err, FAAS_EPRECONDITION,
			"The Revision Id provided does not match the latest Revision Id. Call the "
			"%s API to retrieve the latest Revision Id",
			change->read_by);
}

/* Whether what came out is a policy, and short enough. */
static int check_whole(const struct fa_document *policy, const struct fa_mem *mem,
		       struct faas_error *err)
{
	struct fa_document *whole = fa_permission_document(policy);
	char *text = whole ? fa_document_print(whole, mem) : NULL;
	size_t len = text ? strlen(text) : 0;
	struct fa_policy *compiled =
		whole ? fa_policy_compile(mem, whole, FA_RESOURCE_POLICY, err) : NULL;
	int rc = 0;

	if (!text)
		rc = fa_error_nomem(err);
	else if (!compiled)
		rc = err->code == FAAS_EINVAL
			     ? fa_error(err, FAAS_EINVAL,
					"The provided principal was invalid. Please check the "
					"principal and try again.")
			     : err->code;
	else if (len > FA_PERMISSIONS_MAX)
		rc = fa_error_typed(err, FAAS_EINVAL, "PolicyLengthExceededException",
				    "The final policy size (%zu) is bigger than the limit (%d).",
				    len, FA_PERMISSIONS_MAX);
	fa_policy_free(compiled);
	fa_free(text);
	fa_document_free(whole);
	return rc;
}

static int put_revision(struct fa_document *policy)
{
	uint8_t random[16];
	char revision[37];

	fa_random_bytes(random, sizeof(random));
	fa_uuid(revision, random);
	return fa_document_put_text(policy, "RevisionId", revision);
}

/* All statements but the one that is to go; *found if it was there. NULL: out of memory. */
static struct fa_document *others(const struct fa_document *policy, const char *sid, bool *found)
{
	const struct fa_document *list = fa_document_get(policy, "Statement"), *item;
	struct fa_document *kept = fa_document_array();
	int rc = kept ? 0 : FAAS_ENOMEM;

	*found = false;
	for (size_t i = 0; !rc && (item = fa_document_item(list, i)); i++) {
		if (sid && !strcmp(sid_of(item), sid))
			*found = true;
		else
			rc = fa_document_append(kept, fa_document_copy(item));
	}
	if (!rc)
		return kept;
	fa_document_free(kept);
	return NULL;
}

static int conflict(const char *sid, struct faas_error *err)
{
	return fa_error(err, FAAS_EEXIST,
			"The statement id (%s) provided already exists. Please provide a new "
			"statement id, or remove the existing statement.",
			sid);
}

/* The policy that comes of it; NULL with 0: none is left. Takes change->statement. */
static int apply(const struct fa_document *policy, struct fa_permission_change *change,
		 const struct fa_mem *mem, struct fa_document **next, struct faas_error *err)
{
	struct fa_document *add = change->statement, *list, *made;
	const char *sid = add ? sid_of(add) : change->remove;
	bool found;
	int rc = check_revision(policy, change, err);

	list = rc ? NULL : others(policy, sid, &found);
	if (!rc && !list)
		rc = fa_error_nomem(err);
	if (!rc && add && found)
		rc = conflict(sid, err);
	if (!rc && !add && !found)
		rc = fa_error(err, FAAS_ENOTFOUND, "Statement %s is not found in resource policy.",
			      sid);
	if (rc) {
		fa_document_free(list);
		fa_document_free(add);
		return rc;
	}
	if (add && fa_document_append(list, add))
		rc = fa_error_nomem(err);
	made = fa_document_object();
	if (put_revision(made) | fa_document_put(made, "Statement", list))
		rc = fa_error_nomem(err);
	if (!rc && fa_document_item(fa_document_get(made, "Statement"), 0)) {
		rc = check_whole(made, mem, err);
		*next = made;
	} else {
		fa_document_free(made);
	}
	if (rc && *next) {
		fa_document_free(*next);
		*next = NULL;
	}
	return rc;
}

/* ---- compiled ---------------------------------------------------------- */

/* What is kept of a policy as it was with this RevisionId. */
struct compiled {
	struct fa_policy *policy;
	char revision[37];
	char qualifier[];
};

static void free_compiled(struct fa_map *policies, struct compiled *compiled)
{
	fa_map_remove(policies, compiled->qualifier);
	fa_policy_free(compiled->policy);
	fa_free(compiled);
}

void fa_permission_forget(struct fa_function *function)
{
	struct compiled *compiled;
	uint32_t pos = 0;

	while ((compiled = fa_map_next(&function->policies, &pos))) {
		fa_policy_free(compiled->policy);
		fa_free(compiled);
	}
	fa_map_finish(&function->policies);
}

static struct compiled *find_compiled(const struct fa_function *function, const char *qualifier)
{
	return fa_map_get(&function->policies, qualifier, strlen(qualifier));
}

/* ---- of functions ------------------------------------------------------ */

static const struct fa_document *policy_of(const struct fa_function *function,
					   const char *qualifier)
{
	return fa_document_get(fa_document_get(function->attached, ATTACHED), qualifier);
}

/* Takes `policy`; NULL: there is none any more. */
static int store(struct fa_function *function, const char *qualifier, struct fa_document *policy)
{
	struct fa_document *all =
		(struct fa_document *)fa_document_get(function->attached, ATTACHED);

	if (!policy) { /* which takes no memory */
		fa_document_drop(all, qualifier);
		return 0;
	}
	if (!function->attached)
		function->attached = fa_document_object();
	if (!all) {
		all = fa_document_object();
		if (fa_document_put(function->attached, ATTACHED, all)) {
			fa_document_free(policy);
			return FAAS_ENOMEM;
		}
	}
	return fa_document_put(all, qualifier, policy);
}

void fa_permission_drop(struct fa_function *function, const char *qualifier)
{
	struct compiled *compiled = find_compiled(function, qualifier);

	if (policy_of(function, qualifier))
		store(function, qualifier, NULL);
	if (compiled)
		free_compiled(&function->policies, compiled);
}

/* Whether there is such a version or alias. */
static int check_qualifier(const struct fa_registry *registry, const struct fa_function *function,
			   const char *qualifier, struct faas_error *err)
{
	size_t len = strlen(qualifier);
	bool version = strspn(qualifier, "0123456789") == len;

	if (!len || fa_map_get(version ? &function->versions : &function->aliases, qualifier, len))
		return 0;
	return fa_error(err, FAAS_ENOTFOUND, "%s: arn:aws:lambda:%s:%s:function:%s:%s",
			version ? "Function not found" : "Cannot find alias arn", registry->region,
			registry->account, function->name, qualifier);
}

int fa_permission_change(struct fa_registry *registry, const char *name, const char *qualifier,
			 struct fa_permission_change *change, struct faas_error *err)
{
	struct fa_document *next = NULL;
	struct fa_function *function;
	int rc;

	function = fa_registry_open(registry, name, true, &rc, err);
	if (function)
		rc = check_qualifier(registry, function, qualifier, err);
	if (!rc && !change->statement && !policy_of(function, qualifier))
		rc = fa_error(err, FAAS_ENOTFOUND, NO_POLICY);
	if (rc)
		fa_document_free(change->statement);
	else
		rc = apply(policy_of(function, qualifier), change, registry->functions.mem, &next,
			   err);
	if (!rc && store(function, qualifier, next))
		rc = fa_error_nomem(err);
	if (function)
		fa_registry_close(registry);
	return rc;
}

struct fa_document *fa_permission_get(struct fa_registry *registry, const char *name,
				      const char *qualifier, struct faas_error *err)
{
	const struct fa_function *function;
	struct fa_document *copy = NULL;
	bool there;
	int rc;

	function = fa_registry_open(registry, name, false, &rc, err);
	if (!function)
		return NULL;
	rc = check_qualifier(registry, function, qualifier, err);
	there = !rc && policy_of(function, qualifier);
	if (there)
		copy = fa_document_copy(policy_of(function, qualifier));
	fa_registry_close(registry);
	if (!rc && !there)
		fa_error(err, FAAS_ENOTFOUND, "The resource you requested does not exist.");
	else if (!rc && !copy)
		fa_error_nomem(err);
	return copy;
}

/* ---- of layers --------------------------------------------------------- */

int fa_permission_change_layer(struct fa_registry *registry, const char *arn,
			       struct fa_permission_change *change, struct faas_error *err)
{
	const struct fa_document *old;
	struct fa_document *next = NULL;
	int rc;

	fa_registry_lock(registry);
	old = fa_document_get(fa_change_read_part(registry, FA_ACCOUNT_LAYER_POLICIES), arn);
	if (!change->statement && !old)
		rc = fa_error(err, FAAS_ENOTFOUND, NO_POLICY);
	else
		rc = apply(old, change, registry->functions.mem, &next, err);
	if (!rc && fa_account_set(registry, FA_ACCOUNT_LAYER_POLICIES, arn, next))
		rc = fa_error_nomem(err);
	fa_registry_unlock(registry);
	return rc;
}

struct fa_document *fa_permission_get_layer(struct fa_registry *registry, const char *arn,
					    struct faas_error *err)
{
	struct fa_document *copy = fa_account_get(registry, FA_ACCOUNT_LAYER_POLICIES, arn);

	if (!copy)
		fa_error(err, FAAS_ENOTFOUND, NO_POLICY);
	return copy;
}

/* ---- asked --------------------------------------------------------------- */

/* Under the lock. Whether it is known, and that may be that there is none. */
static bool is_known(const struct fa_function *function, const char *qualifier,
		     struct fa_policy **policy)
{
	const struct fa_document *document = policy_of(function, qualifier);
	const struct compiled *compiled = find_compiled(function, qualifier);

	if (document && (!compiled || strcmp(compiled->revision, revision_of(document)) != 0))
		return false;
	*policy = document ? fa_policy_ref(compiled->policy) : NULL;
	return true;
}

static struct fa_policy *compile(const struct fa_mem *mem, const struct fa_document *policy,
				 struct faas_error *err)
{
	struct fa_document *whole = fa_permission_document(policy);
	struct fa_policy *compiled = NULL;

	if (whole)
		compiled = fa_policy_compile(mem, whole, FA_RESOURCE_POLICY, err);
	else
		fa_error_nomem(err);
	fa_document_free(whole);
	return compiled;
}

/* Under the lock, to write. */
static struct fa_policy *keep_compiled(const struct fa_mem *mem, struct fa_function *function,
				       const char *qualifier, struct faas_error *err)
{
	const struct fa_document *document = policy_of(function, qualifier);
	struct compiled *old = find_compiled(function, qualifier), *compiled;

	if (old)
		free_compiled(&function->policies, old);
	compiled = fa_alloc(mem, sizeof(*compiled) + strlen(qualifier) + 1);
	if (!compiled) {
		fa_error_nomem(err);
		return NULL;
	}
	strcpy(compiled->qualifier, qualifier);
	snprintf(compiled->revision, sizeof(compiled->revision), "%s", revision_of(document));
	compiled->policy = compile(mem, document, err);
	if (compiled->policy && !fa_map_add(&function->policies, compiled->qualifier, compiled))
		return fa_policy_ref(compiled->policy);
	if (compiled->policy)
		fa_error_nomem(err);
	fa_policy_free(compiled->policy);
	fa_free(compiled);
	return NULL;
}

struct fa_policy *fa_permission_policy(struct fa_registry *registry, const char *text,
				       struct faas_error *err)
{
	char qualifier[FA_QUALIFIER_MAX + 1];
	struct fa_policy *policy = NULL;
	struct fa_function *function;
	struct fa_name name;
	bool known;

	err->code = 0;
	if (fa_name_parse(&name, text, NULL) || name.qualifier.len > FA_QUALIFIER_MAX ||
	    fa_registry_check_place(registry, &name, NULL))
		return NULL;
	snprintf(qualifier, sizeof(qualifier), "%.*s", (int)name.qualifier.len,
		 name.qualifier.len ? (const char *)name.qualifier.data : "");
	pthread_rwlock_rdlock(&registry->lock);
	function = fa_registry_function(registry, name.function.data, name.function.len);
	known = !function || is_known(function, qualifier, &policy);
	pthread_rwlock_unlock(&registry->lock);
	if (known)
		return policy;
	pthread_rwlock_wrlock(&registry->lock);
	function = fa_registry_function(registry, name.function.data, name.function.len);
	if (function && !is_known(function, qualifier, &policy))
		policy = keep_compiled(registry->functions.mem, function, qualifier, err);
	pthread_rwlock_unlock(&registry->lock);
	return policy;
}

int fa_permission_admits(struct fa_registry *registry, const char *function, const char *service,
			 const char *source_arn, struct faas_error *err)
{
	const struct fa_policy *policy = fa_permission_policy(registry, function, err);
	const char *const account = registry->account;
	const struct fa_fact facts[] = { { "aws:SourceArn", &source_arn, 1 },
					 { "aws:SourceAccount", &account, 1 } };
	const struct fa_principal who = { .service = service };
	char arn[FA_NAME_ARN] = "";
	const struct fa_policy_request request = { &who, "lambda:InvokeFunction", arn, facts, 2 };
	const struct fa_policy_rules rules = { .resource = { &policy, !!policy },
					       .resource_alone = true };
	struct fa_policy_decision decision;
	struct fa_name name;

	if (err->code == FAAS_ENOMEM)
		return FAAS_ENOMEM;
	if (!fa_name_parse(&name, function, NULL))
		fa_name_arn(arn, &name, registry->region, registry->account);
	decision = fa_policy_decide(&rules, &request);
	fa_policy_free((struct fa_policy *)policy);
	if (decision.effect == FA_ALLOW)
		return 0;
	return fa_error(err, FAAS_EDENIED,
			"User: %s is not authorized to perform: lambda:InvokeFunction on resource: "
			"%.120s because no resource-based policy allows the action",
			service, arn);
}
