/* SPDX-License-Identifier: MIT */
/*
 * A condition that an operation's words alone cannot answer, whose mapping or URL it is about, is
 * answered by what is there: who may not touch those of one function may not do it by a UUID.
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

/* FAAS_ENOMEM: nobody knows; one that is not there has none. */
static int find_mapping(struct fa_facts *facts, struct faas *rt, const char *uuid)
{
	struct fa_document *in = fa_document_object(), *mapping = NULL;
	struct faas_error err = { 0 };
	char *reply = NULL;
	int rc = fa_document_put_text(in, "UUID", uuid);

	if (!rc)
		rc = fa_control(rt, "GetEventSourceMapping", in, &reply, &err);
	if (!rc) {
		mapping = fa_document_parse(reply, &err);
		rc = err.code;
	}
	if (mapping)
		snprintf(facts->arn, sizeof(facts->arn), "%s",
			 fa_control_text(mapping, "FunctionArn"));
	faas_free(reply);
	fa_document_free(mapping);
	fa_document_free(in);
	return rc == FAAS_ENOMEM ? rc : 0;
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
	return strstr(operation, "EventSourceMapping") ? add_mapping(facts, rt, in) : 0;
}
