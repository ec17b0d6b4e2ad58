/* SPDX-License-Identifier: MIT */
/* The API for a host that has an HTTP server of its own: a copy of its request goes to the loop. */
#include <http/guard.h>
#include <http/listen.h>

#include <string.h>

#include <base/error.h>
#include <base/options.h>

#define FIELDS_MAX 200

struct served {
	struct fa_http_caller caller;
	struct fa_call call;
	struct faas_http *http;
	struct fa_http_request request;
	void (*done)(void *data, const struct faas_http_message *answer);
	void *data;
	struct fa_http_field *fields;
};

static void answer(struct fa_http_caller *caller, int status, const struct fa_http_field *fields,
		   int field_count, struct faas_bytes body)
{
	struct served *served = fa_container(caller, struct served, caller);
	struct faas_http *http = served->http;
	const char **headers = fa_http_join(&http->rt->mem, fields, field_count);
	static const char *const none[] = { NULL };

	served->done(served->data,
		     FAAS_HTTP_MESSAGE(.status = headers ? status : 500,
				       .headers = headers ? headers : none, .body = body));
	fa_free(headers);
	fa_free(served->fields);
	fa_free(served);
	fa_http_served(http);
}

static void serve(struct fa_call *call)
{
	struct served *served = fa_container(call, struct served, call);
	struct faas_http *http = served->http;
	struct fa_api_way way = fa_api_find(&http->api, &served->request);
	struct faas_error err = { 0 };

	http->serving++;
	http->door.ended = false;
	if (fa_guard_check(&served->request, false, fa_api_is_open(way), NULL, &err))
		fa_api_refuse(&http->rt->mem, &served->caller, &err, NULL, NULL);
	else if (served->request.body.len > fa_api_body_max(way))
		fa_api_refuse_status(&http->rt->mem, &served->caller, 413);
	else
		fa_api_serve(&http->api, &served->caller, &served->request, way);
}

static char *copy(char **at, const void *data, size_t len)
{
	char *to = *at;

	if (len)
		memcpy(to, data, len);
	to[len] = '\0';
	*at += len + 1;
	return to;
}

static struct served *copy_request(const struct fa_mem *mem, const struct faas_http_message *m)
{
	size_t size = strlen(m->method) + strlen(m->target) + m->body.len + 3;
	struct served *served = fa_alloc_dirty(mem, sizeof(*served) + size);
	char *at = (char *)(served + 1);

	if (!served)
		return NULL;
	memset(served, 0, sizeof(*served));
	served->fields = fa_http_split(mem, m->headers, &served->request.field_count);
	if (!served->fields || served->request.field_count > FIELDS_MAX) {
		fa_free(served->fields);
		fa_free(served);
		return NULL;
	}
	served->request.method = copy(&at, m->method, strlen(m->method));
	served->request.target = copy(&at, m->target, strlen(m->target));
	served->request.fields = served->request.trailers = served->fields;
	served->request.body.len = m->body.len;
	served->request.body.data = copy(&at, m->body.data, m->body.len);
	return served;
}

int faas_http_serve(struct faas_http *http, const struct faas_http_message *request,
		    void (*done)(void *data, const struct faas_http_message *answer), void *data,
		    struct faas_error *err)
{
	struct faas_http_message m;
	struct served *served;
	int rc;

	if (!http || !done)
		return fa_error(err, FAAS_EINVAL, "a door and a callback are required");
	rc = fa_options_copy(&m, sizeof(m), request, "FAAS_HTTP_MESSAGE", err);
	if (!rc && (!m.method || !m.target || (m.body.len && !m.body.data)))
		rc = fa_error(err, FAAS_EINVAL, "a request has a method, a target and its body");
	if (!rc)
		rc = fa_enter(http->rt, err);
	if (rc)
		return rc;
	served = copy_request(&http->rt->mem, &m);
	if (served) {
		served->caller.answer = answer;
		served->call.run = serve;
		served->http = http;
		served->done = done;
		served->data = data;
		fa_loop_call(&http->rt->loop, &served->call);
	}
	fa_leave(http->rt);
	return served ? 0 : fa_error_nomem(err);
}
