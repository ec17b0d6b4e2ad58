/* SPDX-License-Identifier: MIT */
/*
 * Documents are kept as they were given and compiled when they are asked: that is when a
 * function is created, or once per function and change of a role, never per call.
 */
#include <model/role.h>

#include <stdio.h>
#include <string.h>

#include <base/error.h>
#include <base/text.h>
#include <model/account.h>

static const struct {
	const char *arn, *name, *text;
} managed[] = {
	{ "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
	  "AWSLambdaBasicExecutionRole",
	  "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
	  "[\"logs:CreateLogGroup\",\"logs:CreateLogStream\",\"logs:PutLogEvents\"],"
	  "\"Resource\":\"*\"}]}" },
	{ "arn:aws:iam::aws:policy/AdministratorAccess", "AdministratorAccess",
	  "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\","
	  "\"Resource\":\"*\"}]}" },
};

const char *fa_role_managed(const char *arn, const char **name)
{
	for (size_t i = 0; i < sizeof(managed) / sizeof(*managed); i++)
		if (!strcmp(managed[i].arn, arn)) {
			*name = managed[i].name;
			return managed[i].text;
		}
	return NULL;
}

/* ---- kept -------------------------------------------------------------- */

struct fa_document *fa_role_get(struct fa_registry *registry, const char *role)
{
	const char *slash = strrchr(role, '/');
	struct fa_document *found =
		fa_account_get(registry, FA_ACCOUNT_ROLES, slash ? slash + 1 : role);
	const char *arn = fa_document_text(fa_document_get(found, "Arn"));

	if (!found || !slash || (arn && !strcmp(arn, role)))
		return found;
	fa_document_free(found);
	return NULL;
}

int fa_role_put(struct fa_registry *registry, const char *name, struct fa_document *role,
		struct faas_error *err)
{
	return fa_account_put(registry, FA_ACCOUNT_ROLES, name, role, err);
}

uint32_t fa_roles_epoch(const struct fa_registry *registry)
{
	return atomic_load(&registry->parts[FA_ACCOUNT_ROLES].epoch);
}

bool fa_roles_count(struct fa_registry *registry)
{
	return fa_account_has_any(registry, FA_ACCOUNT_ROLES);
}

/* ---- asked ------------------------------------------------------------- */

static const char *text_in(const struct fa_document *role, const char *name)
{
	const char *text = fa_document_text(fa_document_get(role, name));

	return text ? text : "";
}

int fa_role_trusts(struct fa_registry *registry, const char *name, const char *service)
{
	const struct fa_principal who = { .service = service };
	struct fa_document *role = fa_role_get(registry, name);
	const struct fa_policy *trust;
	struct fa_policy_request request = { &who, "sts:AssumeRole", name, NULL, 0 };
	struct faas_error why = { 0 };
	bool trusts;

	if (!role)
		return FAAS_EDENIED;
	trust = fa_policy_parse(registry->functions.mem, text_in(role, "AssumeRolePolicyDocument"),
				FA_TRUST_POLICY, &why);
	trusts = trust && fa_policy_decide(&(struct fa_policy_rules){ .resource = { &trust, 1 },
								      .resource_alone = true },
					   &request)
					  .effect == FA_ALLOW;
	fa_policy_free((struct fa_policy *)trust);
	fa_document_free(role);
	if (why.code == FAAS_ENOMEM)
		return FAAS_ENOMEM;
	return trusts ? 0 : FAAS_EDENIED;
}

struct compiled {
	const struct fa_mem *mem;
	const struct fa_policy **policies;
	size_t count;
	struct faas_error why; /* one of them could not be read */
};

static void add(struct compiled *c, const char *text)
{
	if (text && !c->why.code)
		c->policies[c->count] =
			fa_policy_parse(c->mem, text, FA_IDENTITY_POLICY, &c->why);
	c->count += text && !c->why.code;
}

static void compile(struct compiled *c, const struct fa_document *role)
{
	const struct fa_document *policies = fa_document_get(role, "Policies"),
				 *attached = fa_document_get(role, "Attached"), *value;
	const char *name = NULL, *ignored;
	size_t most = fa_document_count(policies) + fa_document_count(attached);

	c->policies = fa_alloc(c->mem, (most + 1) * sizeof(*c->policies));
	if (!c->policies)
		fa_error_nomem(&c->why);
	while ((name = fa_document_next(policies, name, &value)))
		add(c, fa_document_text(value));
	while ((name = fa_document_next(attached, name, &value)))
		add(c, fa_role_managed(name, &ignored));
}

static void explain(char *why, size_t size, struct fa_policy_decision decision,
		    const struct fa_policy_request *request)
{
	struct fa_text text = { .data = why, .size = size };
	char reason[160];

	fa_policy_explain(reason, sizeof(reason), decision, request);
	fa_text_add(&text, "User: ");
	fa_text_add(&text, request->principal->arn);
	fa_text_add(&text, " is not authorized to perform: ");
	fa_text_add(&text, request->action);
	fa_text_add(&text, " on resource: ");
	fa_text_add(&text, request->resource);
	fa_text_add(&text, " ");
	fa_text_add(&text, reason);
}

static void release(struct compiled *c)
{
	while (c->count)
		fa_policy_free((struct fa_policy *)c->policies[--c->count]);
	fa_free(c->policies);
}

int fa_role_allows(struct fa_registry *registry, const char *name, const char *session,
		   const struct fa_policy_request *request, char *why, size_t size)
{
	return fa_role_allows_on(registry, name, session, request, NULL, why, size);
}

int fa_role_allows_on(struct fa_registry *registry, const char *name, const char *session,
		      const struct fa_policy_request *request, const struct fa_policy *resource,
		      char *why, size_t size)
{
	struct fa_document *role = fa_role_get(registry, name);
	const char *role_arn = fa_document_text(fa_document_get(role, "Arn"));
	struct compiled c = { .mem = registry->functions.mem };
	const char *slash = strrchr(name, '/');
	struct fa_policy_request own = *request;
	struct fa_policy_decision decision;
	struct fa_principal who = { .account = registry->account,
				    .role = role_arn ? role_arn : name };
	char arn[512];

	snprintf(arn, sizeof(arn), "arn:aws:sts::%s:assumed-role/%s/%s", registry->account,
		 slash ? slash + 1 : name, session);
	who.arn = arn;
	own.principal = &who;
	compile(&c, role);
	decision = (struct fa_policy_decision){ FA_IMPLICIT_DENY, FA_BY_IDENTITY };
	if (!c.why.code)
		decision = fa_policy_decide(
			&(struct fa_policy_rules){ .identity = { c.policies, c.count },
						   .resource = { &resource, !!resource } },
			&own);
	release(&c);
	fa_document_free(role);
	if (decision.effect == FA_ALLOW)
		return 0;
	explain(why, size, decision, &own);
	return c.why.code == FAAS_ENOMEM ? FAAS_ENOMEM : FAAS_EDENIED;
}
