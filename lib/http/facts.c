/* SPDX-License-Identifier: MIT */
/*
 * A condition that an operation's words alone cannot answer, whose mapping or URL it is about, or
 * whom a statement let in, is answered by what is there: who may not touch those of one function
 * may not do it by a UUID.
 */
#include <http/facts.h>

#include <stdio.h>
#include <string.h>

#include <model/url.h>

void fa_facts_add(struct fa_facts *facts, const char *key, const char *value)
{
	if (!value)
		return;
	facts->values[facts->count] = value;
	facts->list[facts->count] = (struct fa_fact){ key, &facts->values[facts->count], 1 };
	facts->count++;
}

static void add_list(struct fa_facts *facts, const char *key, const struct fa_document *items,
		     const char **values, size_t most)
{
	const struct fa_document *item;
	size_t count = 0;

	for (size_t i = 0; count < most && (item = fa_document_item(items, i)); i++)
		if (fa_document_text(item))
			values[count++] = fa_document_text(item);
	facts->list[facts->count++] = (struct fa_fact){ key, values, count };
}

#define ADD_LIST(facts, key, items, values) \
	add_list(facts, key, items, values, sizeof(values) / sizeof(*(values)))

static void add_configuration(struct fa_facts *facts, const struct faas *rt,
			      const struct fa_document *in)
{
	const struct fa_document *vpc = fa_document_get(in, "VpcConfig");
	const struct fa_subnet *subnet = NULL;

	ADD_LIST(facts, "lambda:Layer", fa_document_get(in, "Layers"), facts->layers);
	ADD_LIST(facts, "lambda:SubnetIds", fa_document_get(vpc, "SubnetIds"), facts->subnets);
	ADD_LIST(facts, "lambda:SecurityGroupIds", fa_document_get(vpc, "SecurityGroupIds"),
		 facts->groups);
	if (*facts->subnets)
		subnet = fa_subnet_find(&rt->vpcs, (struct faas_bytes){ *facts->subnets,
									strlen(*facts->subnets) });
	fa_facts_add(facts, "lambda:VpcIds", subnet ? subnet->vpc : NULL);
}

/* ---- what is there --------------------------------------------------------- */

/*
 * What the operation tells of it, takes `in`; NULL with 0: it is not there, and has no facts.
 * FAAS_ENOMEM: nobody knows.
 */
static struct fa_document *look(struct faas *rt, const char *operation, struct fa_document *in,
				int *rc)
{
	struct fa_document *told = NULL;
	struct faas_error err = { 0 };
	char *reply = NULL;

	if (!*rc)
		*rc = fa_control(rt, operation, in, &reply, &err);
	if (!*rc) {
		told = fa_document_parse(reply, &err);
		*rc = err.code;
	}
	faas_free(reply);
	fa_document_free(in);
	*rc = *rc == FAAS_ENOMEM ? *rc : 0;
	return told;
}

static int find_mapping(struct fa_facts *facts, struct faas *rt, const char *uuid)
{
	struct fa_document *in = fa_document_object();
	int rc = fa_document_put_text(in, "UUID", uuid);
	struct fa_document *mapping = look(rt, "GetEventSourceMapping", in, &rc);

	if (mapping)
		snprintf(facts->arn, sizeof(facts->arn), "%s",
			 fa_control_text(mapping, "FunctionArn"));
	fa_document_free(mapping);
	return rc;
}

static int add_mapping(struct fa_facts *facts, struct faas *rt, const struct fa_document *in)
{
	const char *function = fa_control_text(in, "FunctionName"),
		   *uuid = fa_control_text(in, "UUID");
	struct fa_name name;
	int rc = 0;

	if (function && !fa_name_parse(&name, function, NULL))
		fa_name_arn(facts->arn, &name, rt->config.region, rt->config.account);
	else if (!function && uuid)
		rc = find_mapping(facts, rt, uuid);
	fa_facts_add(facts, "lambda:FunctionArn", *facts->arn ? facts->arn : NULL);
	return rc;
}

static const char *type_of_url(struct faas *rt, const struct fa_document *in)
{
	const char *function = fa_control_text(in, "FunctionName"),
		   *qualifier = fa_control_text(in, "Qualifier");
	struct fa_url *url = function ? fa_url_get(&rt->registry, function,
						   qualifier ? qualifier : "", NULL) :
					NULL;
	const char *type = !url ? NULL : url->iam ? "AWS_IAM" : "NONE";

	fa_url_unref(url);
	return type;
}

/* ---- a statement that is to go ------------------------------------------------ */

static const struct fa_document *statement_of(const struct fa_document *policy, const char *sid)
{
	const struct fa_document *all = fa_document_get(policy, "Statement"), *item;

	for (size_t i = 0; (item = fa_document_item(all, i)); i++)
		if (!strcmp(fa_control_text(item, "Sid"), sid))
			return item;
	return NULL;
}

/* As it was said when it was made: of an account its number alone. */
static void add_principal(struct fa_facts *facts, const struct fa_document *statement)
{
	const struct fa_document *who = fa_document_get(statement, "Principal");
	const char *service = fa_control_text(who, "Service"), *arn = fa_control_text(who, "AWS");
	char account[16];
	int len = 0;

	if (arn && sscanf(arn, "arn:aws:iam::%15[0-9]:root%n", account, &len) == 1 && len &&
	    !arn[len])
		arn = account;
	snprintf(facts->principal, sizeof(facts->principal), "%s",
		 service ? service : arn ? arn : "*");
	fa_facts_add(facts, "lambda:Principal", facts->principal);
}

static int add_removed(struct fa_facts *facts, struct faas *rt, const struct fa_document *in)
{
	const struct fa_document *qualifier = fa_document_get(in, "Qualifier"), *statement;
	const char *sid = fa_control_text(in, "StatementId"), *type;
	struct fa_document *which = fa_document_object(), *told, *policy = NULL;
	int rc = fa_document_put(which, "FunctionName",
				 fa_document_copy(fa_document_get(in, "FunctionName")));

	if (qualifier)
		rc |= fa_document_put(which, "Qualifier", fa_document_copy(qualifier));
	told = look(rt, "GetPolicy", which, &rc);
	if (told)
		policy = fa_document_parse(fa_control_text(told, "Policy"), NULL);
	statement = sid ? statement_of(policy, sid) : NULL;
	if (statement) {
		add_principal(facts, statement);
		type = fa_control_text(fa_document_get(fa_document_get(statement, "Condition"),
						       "StringEquals"),
				       "lambda:FunctionUrlAuthType");
		snprintf(facts->url_type, sizeof(facts->url_type), "%s", type ? type : "");
		fa_facts_add(facts, "lambda:FunctionUrlAuthType", type ? facts->url_type : NULL);
	}
	rc = told && !policy ? FAAS_ENOMEM : rc;
	fa_document_free(policy);
	fa_document_free(told);
	return rc;
}

/* ---- all of them ------------------------------------------------------------- */

int fa_facts_read(struct fa_facts *facts, struct faas *rt, const struct fa_route *route,
		  const struct fa_document *in)
{
	const char *operation = route->operation, *type = fa_control_text(in, "AuthType");

	if (!strcmp(operation, "CreateFunction") ||
	    !strcmp(operation, "UpdateFunctionConfiguration"))
		add_configuration(facts, rt, in);
	if (!strcmp(operation, "CreateFunction") ||
	    !strcmp(operation, "PutFunctionCodeSigningConfig"))
		fa_facts_add(facts, "lambda:CodeSigningConfigArn",
			     fa_control_text(in, "CodeSigningConfigArn"));
	if (strstr(operation, "FunctionUrlConfig"))
		fa_facts_add(facts, "lambda:FunctionUrlAuthType",
			     type ? type : type_of_url(rt, in));
	if (!strcmp(operation, "AddPermission")) {
		fa_facts_add(facts, "lambda:Principal", fa_control_text(in, "Principal"));
		fa_facts_add(facts, "lambda:FunctionUrlAuthType",
			     fa_control_text(in, "FunctionUrlAuthType"));
	}
	if (!strcmp(operation, "RemovePermission"))
		return add_removed(facts, rt, in);
	return strstr(operation, "EventSourceMapping") ? add_mapping(facts, rt, in) : 0;
}
