/* SPDX-License-Identifier: MIT */
/*
 * A signature says who asks: a key is somebody's who has a role. What that one may do is for
 * the policies of the role to say, and for the function's own. The resource of an operation
 * is what its path names; that of those without any, all ("*").
 */
#include <http/signer.h>

#include <stdio.h>
#include <string.h>

#include <base/error.h>
#include <base/text.h>
#include <control/control.h>
#include <http/facts.h>
#include <model/permission.h>
#include <model/role.h>

#define RESOURCE_MAX 2048

/* ---- who ----------------------------------------------------------------- */

int fa_signer_read(struct fa_signer *signer, const struct fa_api *api,
		   const struct fa_http_caller *caller, const struct fa_http_request *request,
		   const char *service, struct faas_error *err)
{
	const char *role;
	int rc;

	*signer = (struct fa_signer){ .key = "" };
	if (!api->keys.secret_of)
		return 0;
	rc = fa_sigv4_verify(&api->keys, &api->rt->mem, request, service,
			     api->rt->clock->unix_ms(api->rt->clock), signer->key, err);
	if (rc || !api->role_of)
		return rc;
	role = api->role_of(api->keys.data, signer->key);
	if (role && strlen(role) >= sizeof(signer->role))
		return fa_error(err, FAAS_EDENIED, "the role of this key has too long a name");
	strcpy(signer->role, role ? role : "");
	fa_http_source(caller, signer->source);
	return 0;
}

void fa_signer_arn(char out[FA_SIGNER_ARN_MAX], const struct faas *rt,
		   const struct fa_signer *signer)
{
	const char *slash = strrchr(signer->role, '/');

	if (*signer->role)
		snprintf(out, FA_SIGNER_ARN_MAX, "arn:aws:sts::%s:assumed-role/%s/%s",
			 rt->config.account, slash ? slash + 1 : signer->role, signer->key);
	else
		snprintf(out, FA_SIGNER_ARN_MAX, "arn:aws:iam::%s:root", rt->config.account);
}

/* ---- on what --------------------------------------------------------------- */

/* A function by any name, with its qualifier; false: that is no name. */
static bool function_arn(char out[RESOURCE_MAX], const struct faas *rt, const char *text,
			 const char *qualifier)
{
	struct fa_name name;

	if (!text || fa_name_parse(&name, text, NULL))
		return false;
	if (name.qualifier.len)
		qualifier = NULL;
	snprintf(out, RESOURCE_MAX, "arn:aws:lambda:%s:%s:function:%.*s%s%.*s%s",
		 rt->config.region, rt->config.account, (int)name.function.len,
		 (const char *)name.function.data,
		 name.qualifier.len || (qualifier && *qualifier) ? ":" : "",
		 (int)name.qualifier.len,
		 name.qualifier.len ? (const char *)name.qualifier.data : "",
		 qualifier ? qualifier : "");
	return true;
}

static void layer_arn(char out[RESOURCE_MAX], const struct faas *rt, const char *name,
		      const char *version)
{
	if (!strncmp(name, "arn:", 4))
		snprintf(out, RESOURCE_MAX, "%s%s%s", name, version ? ":" : "",
			 version ? version : "");
	else
		snprintf(out, RESOURCE_MAX, "arn:aws:lambda:%s:%s:layer:%s%s%s", rt->config.region,
			 rt->config.account, name, version ? ":" : "", version ? version : "");
}

/* A version is a text in the path, and a number in what was read of it. */
static const char *version_of(char out[24], const struct fa_document *in)
{
	const struct fa_document *value = fa_document_get(in, "VersionNumber");
	int64_t number;

	if (!fa_document_integer(value, &number))
		return fa_document_text(value);
	snprintf(out, 24, "%lld", (long long)number);
	return out;
}

static void resource_of(char out[RESOURCE_MAX], const struct faas *rt,
			const struct fa_route *route, const struct fa_document *in)
{
	const char *function = fa_control_text(in, "FunctionName"),
		   *layer = fa_control_text(in, "LayerName"), *id = fa_control_text(in, "UUID"),
		   *other = fa_control_text(in, "Resource");
	char version[24];

	strcpy(out, "*");
	if (!other && strstr(route->path, "{CodeSigningConfigArn}"))
		other = fa_control_text(in, "CodeSigningConfigArn");
	if (!strcmp(route->operation, "GetLayerVersionByArn"))
		other = fa_control_text(in, "Arn");
	if (layer)
		layer_arn(out, rt, layer, version_of(version, in));
	else if (id)
		snprintf(out, RESOURCE_MAX, "arn:aws:lambda:%s:%s:event-source-mapping:%s",
			 rt->config.region, rt->config.account, id);
	else if (other)
		snprintf(out, RESOURCE_MAX, "%s", other);
	else if (strstr(route->path, "{FunctionName}") ||
		 !strcmp(route->operation, "CreateFunction"))
		function_arn(out, rt, function, fa_control_text(in, "Qualifier"));
}

/* ---- may he ---------------------------------------------------------------- */

/* The account's root may do all. */
static int decide(struct faas *rt, const struct fa_signer *signer, const char *action,
		  const char *resource, struct fa_facts *facts, struct faas_error *err)
{
	char time[40], why[512];
	struct fa_text now = FA_TEXT(time);
	struct fa_policy_request request = { NULL, action, resource, facts->list, 0 };
	const struct fa_policy *own;
	int rc;

	err->code = 0;
	own = fa_permission_policy(&rt->registry, resource, err);
	if (err->code)
		return err->code;
	fa_text_time(&now, rt->clock->unix_ms(rt->clock));
	fa_facts_add(facts, "aws:CurrentTime", time);
	fa_facts_add(facts, "aws:SourceIp", signer->source);
	request.fact_count = facts->count;
	rc = fa_role_allows_on(&rt->registry, signer->role, signer->key, &request, own, why,
			       sizeof(why));
	fa_policy_free((struct fa_policy *)own);
	if (rc == FAAS_ENOMEM)
		return fa_error_nomem(err);
	return rc ? fa_error(err, FAAS_EDENIED, "%s", why) : 0;
}

/* What an operation is called where it is allowed. */
static const char *action_of(const char *operation)
{
	static const struct {
		const char *operation, *action;
	} others[] = { { "Invoke", "InvokeFunction" },
		       { "InvokeWithResponseStream", "InvokeFunction" },
		       { "GetLayerVersionByArn", "GetLayerVersion" } };

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (!strcmp(others[i].operation, operation))
			return others[i].action;
	return operation;
}

/* Who gives a role to a function has to be allowed to. */
static int may_pass(struct faas *rt, const struct fa_signer *signer, const char *role,
		    struct faas_error *err)
{
	struct fa_facts facts = { .count = 0 };

	fa_facts_add(&facts, "iam:PassedToService", "lambda.amazonaws.com");
	return decide(rt, signer, "iam:PassRole", role, &facts, err);
}

int fa_signer_may(struct faas *rt, const struct fa_signer *signer, const struct fa_route *route,
		  const struct fa_document *in, struct faas_error *err)
{
	char action[80], resource[RESOURCE_MAX];
	const char *role = fa_control_text(in, "Role");
	struct fa_facts facts = { .count = 0 };
	int rc;

	if (!*signer->role)
		return 0;
	snprintf(action, sizeof(action), "lambda:%s", action_of(route->operation));
	resource_of(resource, rt, route, in);
	if (fa_facts_read(&facts, rt, route, in))
		return fa_error_nomem(err);
	rc = decide(rt, signer, action, resource, &facts, err);
	return rc || !role ? rc : may_pass(rt, signer, role, err);
}

int fa_signer_may_call(struct faas *rt, const struct fa_signer *signer, const char *function,
		       struct faas_error *err)
{
	struct fa_facts facts = { .count = 0 };
	char resource[RESOURCE_MAX];

	if (!*signer->role || !function_arn(resource, rt, function, NULL))
		return 0;
	fa_facts_add(&facts, "lambda:FunctionUrlAuthType", "AWS_IAM");
	return decide(rt, signer, "lambda:InvokeFunctionUrl", resource, &facts, err);
}

int fa_signer_may_use(struct faas *rt, const struct fa_signer *signer, const char *action,
		      const char *arn, struct faas_error *err)
{
	struct fa_facts facts = { .count = 0 };

	return *signer->role ? decide(rt, signer, action, arn, &facts, err) : 0;
}

int fa_signer_may_change(struct faas *rt, const struct fa_signer *signer, const char *operation,
			 const struct fa_document *in, struct faas_error *err)
{
	const char *name = fa_control_text(in, "RoleName"), *path = fa_control_text(in, "Path"),
		   *policy = fa_control_text(in, "PolicyArn");
	struct fa_facts facts = { .count = 0 };
	char action[80], resource[RESOURCE_MAX];
	struct fa_document *role;

	if (!*signer->role)
		return 0;
	snprintf(action, sizeof(action), "iam:%s", operation);
	role = name ? fa_role_get(&rt->registry, name) : NULL;
	if (role)
		snprintf(resource, sizeof(resource), "%s",
			 fa_document_text(fa_document_get(role, "Arn")));
	else if (!name && policy)
		snprintf(resource, sizeof(resource), "%s", policy);
	else if (!strcmp(operation, "CreatePolicy"))
		snprintf(resource, sizeof(resource), "arn:aws:iam::%s:policy%s%s",
			 rt->config.account, path && *path ? path : "/",
			 fa_control_text(in, "PolicyName"));
	else
		snprintf(resource, sizeof(resource), "arn:aws:iam::%s:role%s%s",
			 rt->config.account, path ? path : "/", name ? name : "");
	fa_document_free(role);
	return decide(rt, signer, action, resource, &facts, err);
}
