/* SPDX-License-Identifier: MIT */
/*
 * Documents are kept as they were given. What a role may do is compiled when it is asked for
 * first, and again after a change of any role: who asks a second time allocates nothing.
 */
#include <model/role.h>

#include <stdio.h>
#include <string.h>

#include <base/error.h>
#include <base/text.h>
#include <model/account.h>

#define LOGS "\"logs:CreateLogGroup\",\"logs:CreateLogStream\",\"logs:PutLogEvents\""

static const struct {
	const char *arn, *name, *text;
} managed[] = {
	{ "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
	  "AWSLambdaBasicExecutionRole",
	  "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
	  "[" LOGS "],\"Resource\":\"*\"}]}" },
	{ "arn:aws:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole",
	  "AWSLambdaSQSQueueExecutionRole",
	  "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
	  "[\"sqs:ReceiveMessage\",\"sqs:DeleteMessage\",\"sqs:GetQueueAttributes\"," LOGS "],"
	  "\"Resource\":\"*\"}]}" },
	{ "arn:aws:iam::aws:policy/service-role/AWSLambdaKinesisExecutionRole",
	  "AWSLambdaKinesisExecutionRole",
	  "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
	  "[\"kinesis:DescribeStream\",\"kinesis:DescribeStreamSummary\",\"kinesis:GetRecords\","
	  "\"kinesis:GetShardIterator\",\"kinesis:ListShards\",\"kinesis:ListStreams\","
	  "\"kinesis:SubscribeToShard\"," LOGS "],\"Resource\":\"*\"}]}" },
	{ "arn:aws:iam::aws:policy/service-role/AWSLambdaDynamoDBExecutionRole",
	  "AWSLambdaDynamoDBExecutionRole",
	  "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
	  "[\"dynamodb:DescribeStream\",\"dynamodb:GetRecords\",\"dynamodb:GetShardIterator\","
	  "\"dynamodb:ListStreams\"," LOGS "],\"Resource\":\"*\"}]}" },
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

const char *fa_role_managed_arn(size_t number)
{
	return number < sizeof(managed) / sizeof(*managed) ? managed[number].arn : NULL;
}

void fa_role_id(char out[FA_ROLE_ID], const char *prefix)
{
	struct fa_text text = { .data = out, .size = FA_ROLE_ID };
	uint8_t random[8];

	fa_random_bytes(random, sizeof(random));
	fa_text_add(&text, prefix);
	fa_text_hex(&text, random, sizeof(random));
	for (char *at = out; *at; at++)
		*at = *at >= 'a' && *at <= 'f' ? (char)(*at - 'a' + 'A') : *at;
}

bool fa_iam_name_fits(const char *text)
{
	return !text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789_+=,.@-")];
}

bool fa_iam_path_fits(const char *text)
{
	size_t len = strlen(text);

	return *text == '/' && text[len - 1] == '/' && !strchr(text, ':');
}

/* ---- kept -------------------------------------------------------------- */

static const char *last_part(const char *role)
{
	const char *slash = strrchr(role, '/');

	return slash ? slash + 1 : role;
}

/* Under the lock. An ARN has to be the role's. */
static const struct fa_document *find(const struct fa_registry *registry, const char *role)
{
	const char *name = last_part(role);
	const struct fa_document *found =
		fa_document_get(registry->parts[FA_ACCOUNT_ROLES].all, name);
	const char *arn = fa_document_text(fa_document_get(found, "Arn"));

	return name == role || (arn && !strcmp(arn, role)) ? found : NULL;
}

struct fa_document *fa_role_get(struct fa_registry *registry, const char *role)
{
	struct fa_document *copy;

	pthread_rwlock_rdlock(&registry->lock);
	copy = fa_document_copy(find(registry, role));
	pthread_rwlock_unlock(&registry->lock);
	return copy;
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

/* ---- what one may do, compiled ------------------------------------------- */

struct fa_rights {
	char *name;
	bool unreadable; /* one of the policies, which may deny */
	size_t count;
	const struct fa_policy *policies[];
};

static void free_rights(struct fa_rights *rights)
{
	while (rights->count)
		fa_policy_free((struct fa_policy *)rights->policies[--rights->count]);
	fa_free(rights->name);
	fa_free(rights);
}

void fa_roles_forget(struct fa_registry *registry)
{
	struct fa_rights *rights;
	uint32_t pos = 0;

	while ((rights = fa_map_next(&registry->rights, &pos)))
		free_rights(rights);
	fa_map_finish(&registry->rights);
}

static int add(struct fa_rights *rights, const struct fa_mem *mem, const char *text)
{
	struct faas_error why = { 0 };

	if (!text)
		return 0;
	rights->policies[rights->count] = fa_policy_parse(mem, text, FA_IDENTITY_POLICY, &why);
	if (!why.code)
		rights->count++;
	else
		rights->unreadable = true;
	return why.code == FAAS_ENOMEM ? FAAS_ENOMEM : 0;
}

/* Under the lock. */
static const char *attached_text(const struct fa_registry *registry, const char *arn)
{
	const struct fa_document *own =
		fa_document_get(registry->parts[FA_ACCOUNT_POLICIES].all, arn);
	const char *name;

	return own ? text_in(own, "PolicyDocument") : fa_role_managed(arn, &name);
}

/* Under the lock. NULL: out of memory. */
static struct fa_rights *compile(const struct fa_registry *registry, const char *role_name,
				 const struct fa_document *role)
{
	const struct fa_mem *mem = registry->functions.mem;
	const struct fa_document *policies = fa_document_get(role, "Policies"),
				 *attached = fa_document_get(role, "Attached"), *value;
	const char *name = NULL;
	size_t most = fa_document_count(policies) + fa_document_count(attached);
	struct fa_rights *rights =
		fa_alloc(mem, sizeof(*rights) + most * sizeof(*rights->policies));
	int rc;

	if (!rights)
		return NULL;
	rights->name = fa_strdup(mem, role_name);
	rc = rights->name ? 0 : FAAS_ENOMEM;
	while (!rc && (name = fa_document_next(policies, name, &value)))
		rc = add(rights, mem, fa_document_text(value));
	name = NULL;
	while (!rc && (name = fa_document_next(attached, name, &value)))
		rc = add(rights, mem, attached_text(registry, name));
	if (!rc)
		return rights;
	free_rights(rights);
	return NULL;
}

/* Under the lock. NULL: they are to be compiled. */
static const struct fa_rights *kept(const struct fa_registry *registry, const char *role)
{
	static const struct fa_rights none;
	const char *name = last_part(role);

	if (!find(registry, role))
		return &none;
	if (registry->rights_epoch != fa_roles_epoch(registry))
		return NULL;
	return fa_map_get(&registry->rights, name, strlen(name));
}

/* Under the lock, to write. NULL: out of memory. */
static const struct fa_rights *renew(struct fa_registry *registry, const char *role)
{
	const struct fa_rights *there = kept(registry, role);
	struct fa_rights *rights;

	if (there)
		return there;
	if (registry->rights_epoch != fa_roles_epoch(registry)) {
		fa_roles_forget(registry);
		registry->rights_epoch = fa_roles_epoch(registry);
	}
	rights = compile(registry, last_part(role), find(registry, role));
	if (!rights || !fa_map_add(&registry->rights, rights->name, rights))
		return rights;
	free_rights(rights);
	return NULL;
}

/* The lock is held afterwards, whatever comes of it. NULL: out of memory. */
static const struct fa_rights *open_rights(struct fa_registry *registry, const char *role)
{
	const struct fa_rights *rights;

	pthread_rwlock_rdlock(&registry->lock);
	rights = kept(registry, role);
	if (rights)
		return rights;
	pthread_rwlock_unlock(&registry->lock);
	pthread_rwlock_wrlock(&registry->lock);
	return renew(registry, role);
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

int fa_role_allows(struct fa_registry *registry, const char *name, const char *session,
		   const struct fa_policy_request *request, char *why, size_t size)
{
	return fa_role_allows_on(registry, name, session, request, NULL, why, size);
}

int fa_role_allows_on(struct fa_registry *registry, const char *name, const char *session,
		      const struct fa_policy_request *request, const struct fa_policy *resource,
		      char *why, size_t size)
{
	const struct fa_rights *rights = open_rights(registry, name);
	const char *role_arn = fa_document_text(fa_document_get(find(registry, name), "Arn"));
	struct fa_policy_decision decision = { FA_IMPLICIT_DENY, FA_BY_IDENTITY };
	struct fa_policy_request own = *request;
	struct fa_principal who = { .account = registry->account,
				    .role = role_arn ? role_arn : name };
	struct fa_fact facts[FA_ROLE_FACTS + 2] = { { "aws:PrincipalArn", &who.role, 1 },
						    { "aws:PrincipalAccount", &who.account, 1 } };
	char arn[512];

	snprintf(arn, sizeof(arn), "arn:aws:sts::%s:assumed-role/%s/%s", registry->account,
		 last_part(name), session);
	who.arn = arn;
	own.principal = &who;
	if (own.fact_count)
		memcpy(facts + 2, own.facts, own.fact_count * sizeof(*facts));
	own.facts = facts;
	own.fact_count += 2;
	if (rights && !rights->unreadable)
		decision = fa_policy_decide(
			&(struct fa_policy_rules){ .identity = { rights->policies, rights->count },
						   .resource = { &resource, !!resource } },
			&own);
	pthread_rwlock_unlock(&registry->lock);
	if (decision.effect == FA_ALLOW)
		return 0;
	explain(why, size, decision, &own);
	return rights ? FAAS_EDENIED : FAAS_ENOMEM;
}
