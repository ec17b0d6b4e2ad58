/* SPDX-License-Identifier: MIT */
/*
 * Every operation of the API has its path here, whether libfaas has it or not: what
 * faas_control() learns is reachable at once, and a test compares the table with AWS's
 * own model. The clients of two generations differ in a slash at the end.
 */
#include <http/route.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/error.h>

#define VALUE_MAX 2048

static const struct fa_route routes[] = {
	{ "AddLayerVersionPermission", "POST",
	  "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}/policy", 201 },
	{ "AddPermission", "POST", "/2015-03-31/functions/{FunctionName}/policy", 201 },
	{ "CreateAlias", "POST", "/2015-03-31/functions/{FunctionName}/aliases", 201 },
	{ "CreateCodeSigningConfig", "POST", "/2020-04-22/code-signing-configs", 201 },
	{ "CreateEventSourceMapping", "POST", "/2015-03-31/event-source-mappings", 202 },
	{ "CreateFunction", "POST", "/2015-03-31/functions", 201 },
	{ "CreateFunctionUrlConfig", "POST", "/2021-10-31/functions/{FunctionName}/url", 201 },
	{ "DeleteAlias", "DELETE", "/2015-03-31/functions/{FunctionName}/aliases/{Name}", 204 },
	{ "DeleteCodeSigningConfig", "DELETE",
	  "/2020-04-22/code-signing-configs/{CodeSigningConfigArn}", 204 },
	{ "DeleteEventSourceMapping", "DELETE", "/2015-03-31/event-source-mappings/{UUID}", 202 },
	{ "DeleteFunction", "DELETE", "/2015-03-31/functions/{FunctionName}", 204 },
	{ "DeleteFunctionCodeSigningConfig", "DELETE",
	  "/2020-06-30/functions/{FunctionName}/code-signing-config", 204 },
	{ "DeleteFunctionConcurrency", "DELETE", "/2017-10-31/functions/{FunctionName}/concurrency",
	  204 },
	{ "DeleteFunctionEventInvokeConfig", "DELETE",
	  "/2019-09-25/functions/{FunctionName}/event-invoke-config", 204 },
	{ "DeleteFunctionUrlConfig", "DELETE", "/2021-10-31/functions/{FunctionName}/url", 204 },
	{ "DeleteLayerVersion", "DELETE", "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}",
	  204 },
	{ "DeleteProvisionedConcurrencyConfig", "DELETE",
	  "/2019-09-30/functions/{FunctionName}/provisioned-concurrency", 204 },
	{ "GetAccountSettings", "GET", "/2016-08-19/account-settings", 200 },
	{ "GetAlias", "GET", "/2015-03-31/functions/{FunctionName}/aliases/{Name}", 200 },
	{ "GetCodeSigningConfig", "GET", "/2020-04-22/code-signing-configs/{CodeSigningConfigArn}",
	  200 },
	{ "GetEventSourceMapping", "GET", "/2015-03-31/event-source-mappings/{UUID}", 200 },
	{ "GetFunction", "GET", "/2015-03-31/functions/{FunctionName}", 200 },
	{ "GetFunctionCodeSigningConfig", "GET",
	  "/2020-06-30/functions/{FunctionName}/code-signing-config", 200 },
	{ "GetFunctionConcurrency", "GET", "/2019-09-30/functions/{FunctionName}/concurrency",
	  200 },
	{ "GetFunctionConfiguration", "GET", "/2015-03-31/functions/{FunctionName}/configuration",
	  200 },
	{ "GetFunctionEventInvokeConfig", "GET",
	  "/2019-09-25/functions/{FunctionName}/event-invoke-config", 200 },
	{ "GetFunctionRecursionConfig", "GET",
	  "/2024-08-31/functions/{FunctionName}/recursion-config", 200 },
	{ "GetFunctionUrlConfig", "GET", "/2021-10-31/functions/{FunctionName}/url", 200 },
	{ "GetLayerVersion", "GET", "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}",
	  200 },
	{ "GetLayerVersionByArn", "GET", "/2018-10-31/layers?find=LayerVersion", 200 },
	{ "GetLayerVersionPolicy", "GET",
	  "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}/policy", 200 },
	{ "GetPolicy", "GET", "/2015-03-31/functions/{FunctionName}/policy", 200 },
	{ "GetProvisionedConcurrencyConfig", "GET",
	  "/2019-09-30/functions/{FunctionName}/provisioned-concurrency", 200 },
	{ "GetRuntimeManagementConfig", "GET",
	  "/2021-07-20/functions/{FunctionName}/runtime-management-config", 200 },
	{ "Invoke", "POST", "/2015-03-31/functions/{FunctionName}/invocations", 200 },
	{ "InvokeAsync", "POST", "/2014-11-13/functions/{FunctionName}/invoke-async", 202 },
	{ "InvokeWithResponseStream", "POST",
	  "/2021-11-15/functions/{FunctionName}/response-streaming-invocations", 200 },
	{ "ListAliases", "GET", "/2015-03-31/functions/{FunctionName}/aliases", 200 },
	{ "ListCodeSigningConfigs", "GET", "/2020-04-22/code-signing-configs", 200 },
	{ "ListEventSourceMappings", "GET", "/2015-03-31/event-source-mappings", 200 },
	{ "ListFunctionEventInvokeConfigs", "GET",
	  "/2019-09-25/functions/{FunctionName}/event-invoke-config/list", 200 },
	{ "ListFunctionUrlConfigs", "GET", "/2021-10-31/functions/{FunctionName}/urls", 200 },
	{ "ListFunctions", "GET", "/2015-03-31/functions", 200 },
	{ "ListFunctionsByCodeSigningConfig", "GET",
	  "/2020-04-22/code-signing-configs/{CodeSigningConfigArn}/functions", 200 },
	{ "ListLayerVersions", "GET", "/2018-10-31/layers/{LayerName}/versions", 200 },
	{ "ListLayers", "GET", "/2018-10-31/layers", 200 },
	{ "ListProvisionedConcurrencyConfigs", "GET",
	  "/2019-09-30/functions/{FunctionName}/provisioned-concurrency?List=ALL", 200 },
	{ "ListTags", "GET", "/2017-03-31/tags/{Resource}", 200 },
	{ "ListVersionsByFunction", "GET", "/2015-03-31/functions/{FunctionName}/versions", 200 },
	{ "PublishLayerVersion", "POST", "/2018-10-31/layers/{LayerName}/versions", 201 },
	{ "PublishVersion", "POST", "/2015-03-31/functions/{FunctionName}/versions", 201 },
	{ "PutFunctionCodeSigningConfig", "PUT",
	  "/2020-06-30/functions/{FunctionName}/code-signing-config", 200 },
	{ "PutFunctionConcurrency", "PUT", "/2017-10-31/functions/{FunctionName}/concurrency",
	  200 },
	{ "PutFunctionEventInvokeConfig", "PUT",
	  "/2019-09-25/functions/{FunctionName}/event-invoke-config", 200 },
	{ "PutFunctionRecursionConfig", "PUT",
	  "/2024-08-31/functions/{FunctionName}/recursion-config", 200 },
	{ "PutProvisionedConcurrencyConfig", "PUT",
	  "/2019-09-30/functions/{FunctionName}/provisioned-concurrency", 202 },
	{ "PutRuntimeManagementConfig", "PUT",
	  "/2021-07-20/functions/{FunctionName}/runtime-management-config", 200 },
	{ "RemoveLayerVersionPermission", "DELETE",
	  "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}/policy/{StatementId}", 204 },
	{ "RemovePermission", "DELETE", "/2015-03-31/functions/{FunctionName}/policy/{StatementId}",
	  204 },
	{ "TagResource", "POST", "/2017-03-31/tags/{Resource}", 204 },
	{ "UntagResource", "DELETE", "/2017-03-31/tags/{Resource}", 204 },
	{ "UpdateAlias", "PUT", "/2015-03-31/functions/{FunctionName}/aliases/{Name}", 200 },
	{ "UpdateCodeSigningConfig", "PUT",
	  "/2020-04-22/code-signing-configs/{CodeSigningConfigArn}", 200 },
	{ "UpdateEventSourceMapping", "PUT", "/2015-03-31/event-source-mappings/{UUID}", 202 },
	{ "UpdateFunctionCode", "PUT", "/2015-03-31/functions/{FunctionName}/code", 200 },
	{ "UpdateFunctionConfiguration", "PUT",
	  "/2015-03-31/functions/{FunctionName}/configuration", 200 },
	{ "UpdateFunctionEventInvokeConfig", "POST",
	  "/2019-09-25/functions/{FunctionName}/event-invoke-config", 200 },
	{ "UpdateFunctionUrlConfig", "PUT", "/2021-10-31/functions/{FunctionName}/url", 200 },
};

const struct fa_route *fa_routes(size_t *count)
{
	*count = sizeof(routes) / sizeof(*routes);
	return routes;
}

/* ---- find ------------------------------------------------------------ */

static size_t path_length(const char *target)
{
	size_t len = strcspn(target, "?");

	return len > 1 && target[len - 1] == '/' ? len - 1 : len;
}

/* "name=value" is in the query of the target, as it stands. */
static bool asks(const char *target, const char *pair)
{
	const char *at = strchr(target, '?');
	size_t len = strlen(pair);

	while (at) {
		at++;
		if (!strncmp(at, pair, len) && (!at[len] || at[len] == '&'))
			return true;
		at = strchr(at, '&');
	}
	return false;
}

static bool fits(const char *path, const char *target, size_t len)
{
	size_t at = 0, piece;

	while (*path && *path != '?') {
		if (*path != '{') {
			if (at == len || *path++ != target[at++])
				return false;
			continue;
		}
		path = strchr(path, '}') + 1;
		for (piece = 0; at + piece < len && target[at + piece] != '/'; piece++)
			;
		if (!piece)
			return false;
		at += piece;
	}
	return at == len && (!*path || asks(target, path + 1));
}

/* All paths begin with the date of a version, which most rows differ in. */
#define DATE 12 /* "/2015-03-31/" */

const struct fa_route *fa_route_find(const char *method, const char *target)
{
	const struct fa_route *found = NULL;
	size_t len = path_length(target);

	if (len <= DATE)
		return NULL;
	for (size_t i = 0; i < sizeof(routes) / sizeof(*routes); i++)
		if (!memcmp(routes[i].path, target, DATE) && *routes[i].method == *method &&
		    fits(routes[i].path, target, len) && !strcmp(routes[i].method, method) &&
		    (!found || strchr(routes[i].path, '?')))
			found = &routes[i]; /* one that asks for more is meant */
	return found;
}

/* ---- read ------------------------------------------------------------ */

static int digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c | 0x20 : c) : NULL;

	return at ? (int)(at - digits) : -1;
}

static int bad_encoding(struct faas_error *err)
{
	return fa_error_typed(err, FAAS_EINVAL, "SerializationException",
			      "a part of the path or query cannot be decoded");
}

static int decode(char out[VALUE_MAX], const char *text, size_t len, bool query,
		  struct faas_error *err)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char c = query && text[i] == '+' ? ' ' : text[i];

		if (c == '%') {
			if (len - i < 3 || digit(text[i + 1]) < 0 || digit(text[i + 2]) < 0)
				return bad_encoding(err);
			c = (char)(digit(text[i + 1]) << 4 | digit(text[i + 2]));
			i += 2;
		}
		if (!c || n == VALUE_MAX - 1)
			return bad_encoding(err);
		out[n++] = c;
	}
	out[n] = '\0';
	return 0;
}

/* The two members that are numbers are put as such, unless they are none: then it is said later. */
static int put(struct fa_document *in, const char *name, const char *value, struct faas_error *err)
{
	bool number = !strcmp(name, "MaxItems") || !strcmp(name, "VersionNumber");
	size_t len = strlen(value);
	int rc;

	if (number && len && len < 10 && strspn(value, "0123456789") == len)
		rc = fa_document_put_integer(in, name, atol(value));
	else
		rc = fa_document_put_text(in, name, value);
	return rc ? fa_error_nomem(err) : 0;
}

static int read_path(struct fa_document *in, const char *path, const char *target,
		     struct faas_error *err)
{
	char name[64], value[VALUE_MAX];
	const char *end;
	size_t len;
	int rc = 0;

	for (; !rc && *path && *path != '?'; path++, target++) {
		if (*path != '{')
			continue;
		end = strchr(path, '}');
		len = strcspn(target, "/?");
		rc = decode(value, target, len, false, err);
		snprintf(name, sizeof(name), "%.*s", (int)(end - path - 1), path + 1);
		if (!rc)
			rc = put(in, name, value, err);
		path = end;
		target += len - 1;
	}
	return rc;
}

static int read_query(struct fa_document *in, struct fa_document *tag_keys, const char *fixed,
		      const char *query, struct faas_error *err)
{
	char name[VALUE_MAX], value[VALUE_MAX];
	int rc = 0;

	for (; !rc && query; query = strchr(query, '&')) {
		size_t len = strcspn(++query, "&"), name_len = strcspn(query, "=&");

		if (!len || (fixed && len == strlen(fixed) && !strncmp(query, fixed, len)))
			continue;
		rc = decode(name, query, name_len, true, err);
		if (!rc)
			rc = decode(value, query + name_len + (name_len < len),
				    len - name_len - (name_len < len), true, err);
		if (!rc && !strcmp(name, "tagKeys"))
			rc = fa_document_append_text(tag_keys, value) ? fa_error_nomem(err) : 0;
		else if (!rc)
			rc = put(in, name, value, err);
	}
	return rc;
}

int fa_route_read(const struct fa_route *route, const char *target, struct fa_document *in,
		  struct faas_error *err)
{
	struct fa_document *tag_keys = fa_document_array();
	const char *fixed = strchr(route->path, '?');
	int rc = tag_keys ? read_path(in, route->path, target, err) : fa_error_nomem(err);

	if (!rc)
		rc = read_query(in, tag_keys, fixed ? fixed + 1 : NULL, strchr(target, '?'), err);
	if (!rc && !strcmp(route->operation, "UntagResource")) {
		if (!fa_document_put(in, "TagKeys", tag_keys))
			return 0;
		return fa_error_nomem(err);
	}
	fa_document_free(tag_keys);
	return rc;
}
