/* SPDX-License-Identifier: MIT */
/*
 * Operations other than invocations are faas_control() under another name: the path says
 * which, and its members come from path, query and body. Those that only look are
 * done on the loop; those that change something may unpack code, wait for a disk or
 * for environments, and are done on a thread.
 */
#include <http/api.h>

#include <string.h>

#include <base/error.h>
#include <control/control.h>
#include <http/download.h>
#include <http/gateway.h>
#include <http/query.h>
#include <http/signer.h>
#include <http/target.h>
#include <http/url.h>

#define INVOKE_MAX 6291456
#define UNKNOWN_MAX 65536 /* to be answered politely */

struct fa_api_way fa_api_find(const struct fa_api *api, const struct fa_http_request *request)
{
	struct fa_url_target url;
	struct fa_api_way way = { FA_WAY_NONE, NULL };

	if (fa_url_is_meant(request, &url))
		way.to = FA_WAY_URL;
	else if ((way.route = fa_route_find(request->method, request->target)))
		way.to = FA_WAY_OPERATION;
	else if (fa_download_is_meant(request))
		way.to = FA_WAY_DOWNLOAD;
	else if (fa_gateway_has(api->gateway, request))
		way.to = FA_WAY_GATEWAY;
	else if (fa_query_is_meant(request))
		way.to = FA_WAY_QUERY;
	else if (fa_target_is_meant(request))
		way.to = FA_WAY_TARGET;
	return way;
}

bool fa_api_is_open(struct fa_api_way way)
{
	return way.to == FA_WAY_URL || way.to == FA_WAY_GATEWAY;
}

size_t fa_api_body_max(struct fa_api_way way)
{
	size_t most;

	if (fa_api_is_open(way) || (way.route && fa_api_is_invoke(way.route)))
		return INVOKE_MAX;
	if (way.to == FA_WAY_QUERY)
		return FA_QUERY_MAX;
	if (way.to == FA_WAY_TARGET)
		return FA_TARGET_BODY_MAX;
	most = way.route ? fa_control_most(way.route->operation) : 0;
	return most ? most - 1 : UNKNOWN_MAX;
}

/* ---- an operation ---------------------------------------------------- */

struct operation {
	struct fa_chore chore;
	struct fa_api *api;
	struct fa_http_caller *caller;
	const struct fa_route *route;
	char *body;             /* not looked at yet */
	struct fa_document *in; /* members of path and query */
	struct fa_signer signer;
	char *reply;
	int rc;
	struct faas_error err;
};

/* What is in the path counts, whatever the body says of it. */
static int merge(struct fa_document *in, const struct fa_document *path)
{
	const struct fa_document *value;
	const char *name = NULL;
	int rc = 0;

	while ((name = fa_document_next(path, name, &value)))
		rc |= fa_document_put(in, name, fa_document_copy(value));
	return rc;
}

static void perform(struct fa_chore *chore)
{
	struct operation *o = fa_container(chore, struct operation, chore);
	struct fa_document *in = o->in;

	if (o->body) {
		in = fa_document_parse(o->body, &o->err);
		o->rc = !in ? o->err.code : merge(in, o->in) ? fa_error_nomem(&o->err) : 0;
		fa_free(o->body);
		o->body = NULL;
	}
	if (!o->rc)
		o->rc = fa_signer_may(o->api->rt, &o->signer, o->route, in, &o->err);
	if (!o->rc)
		o->rc = fa_control(o->api->rt, o->route->operation, in, &o->reply, &o->err);
	if (in != o->in)
		fa_document_free(in);
}

static void answer(struct fa_chore *chore)
{
	struct operation *o = fa_container(chore, struct operation, chore);
	const struct fa_mem *mem = &o->api->rt->mem;
	char id[FA_API_ID_MAX];
	const struct fa_http_field fields[] = {
		{ "x-amzn-RequestId", id },
		{ "Content-Type", "application/json" },
	};
	bool empty = o->route->status == 204;

	fa_api_new_id(id);
	if (o->rc)
		fa_api_refuse(mem, o->caller, &o->err, NULL, id);
	else
		o->caller->answer(o->caller, o->route->status, fields, empty ? 1 : 2,
				  (struct faas_bytes){ o->reply, empty ? 0 : strlen(o->reply) });
	fa_free(o->reply);
	fa_document_free(o->in);
	fa_free(o);
}

void fa_api_no_memory(struct fa_api *api, struct fa_http_caller *caller)
{
	struct faas_error err;

	fa_error_nomem(&err);
	fa_api_refuse(&api->rt->mem, caller, &err, NULL, NULL);
}

/* Takes `in`. */
static void operate(struct fa_api *api, struct fa_http_caller *caller, const struct fa_route *route,
		    const struct fa_http_request *request, struct fa_document *in,
		    const struct fa_signer *signer)
{
	struct operation *o = fa_alloc(&api->rt->mem, sizeof(*o));
	bool looks = !strcmp(request->method, "GET");

	if (o && request->body.len && !looks)
		o->body = fa_memdup(&api->rt->mem, request->body.data, request->body.len);
	if (!o || (request->body.len && !looks && !o->body)) {
		fa_free(o);
		fa_document_free(in);
		fa_api_no_memory(api, caller);
		return;
	}
	o->chore.run = perform;
	o->chore.done = answer;
	o->api = api;
	o->caller = caller;
	o->route = route;
	o->in = in;
	o->signer = *signer;
	if (!looks) {
		fa_chores_add(api->chores, &o->chore);
		return;
	}
	perform(&o->chore);
	answer(&o->chore);
}

/* ---- the door -------------------------------------------------------- */

static void refuse_unknown(struct fa_api *api, struct fa_http_caller *caller,
			   const struct fa_http_request *request)
{
	struct faas_error err;

	fa_error_typed(&err, FAAS_ENOTFOUND, "UnknownOperationException",
		       "%s %.150s is no operation of this API", request->method, request->target);
	fa_api_refuse(&api->rt->mem, caller, &err, NULL, NULL);
}

static void serve_operation(struct fa_api *api, struct fa_http_caller *caller,
			    const struct fa_http_request *request, const struct fa_route *route)
{
	struct faas_error err = { 0 };
	struct fa_document *in;
	struct fa_signer signer;

	if (fa_signer_read(&signer, api, caller, request, "lambda", &err)) {
		fa_api_refuse(&api->rt->mem, caller, &err, NULL, NULL);
		return;
	}
	in = fa_document_object();
	if (!in) {
		fa_api_no_memory(api, caller);
	} else if (fa_route_read(route, request->target, in, &err)) {
		fa_document_free(in);
		fa_api_refuse(&api->rt->mem, caller, &err, NULL, NULL);
	} else if (fa_api_is_invoke(route)) {
		if (fa_signer_may(api->rt, &signer, route, in, &err))
			fa_api_refuse(&api->rt->mem, caller, &err, NULL, NULL);
		else
			fa_api_invoke(api, caller, route, request, in);
		fa_document_free(in);
	} else {
		operate(api, caller, route, request, in, &signer);
	}
}

void fa_api_serve(struct fa_api *api, struct fa_http_caller *caller,
		  const struct fa_http_request *request, struct fa_api_way way)
{
	struct fa_url_target url;

	if (way.to == FA_WAY_OPERATION)
		serve_operation(api, caller, request, way.route);
	else if (way.to == FA_WAY_URL && fa_url_is_meant(request, &url))
		fa_url_serve(api, caller, request, &url);
	else if (way.to == FA_WAY_QUERY)
		fa_query_serve(api, caller, request);
	else if (way.to == FA_WAY_TARGET)
		fa_target_serve(api, caller, request);
	else if (way.to == FA_WAY_DOWNLOAD)
		fa_download_serve(api, caller, request);
	else if (way.to != FA_WAY_GATEWAY ||
		 !fa_gateway_serve(api->gateway, api, caller, request)) /* it may be gone by now */
		refuse_unknown(api, caller, request);
}
