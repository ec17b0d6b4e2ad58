/* SPDX-License-Identifier: MIT */
/* The API for a host that has an HTTP server of its own: a copy of its request goes to the loop. */
#include <http/guard.h>
#include <http/listen.h>

#include <string.h>

#include <base/error.h>
#include <base/options.h>

#define FIELDS_MAX 200

struct faas_http_served {
	struct fa_http_caller caller;
	struct fa_call call;
	struct faas_http *http;
	struct fa_http_request request;
	void (*done)(void *data, const struct faas_http_message *answer); /* NULL: a reader */
	void *data; /* of done */
	struct faas_http_reader reader;
	struct fa_http_field *fields;
};

static void end(struct faas_http_served *served)
{
	struct faas_http *http = served->http;

	fa_free(served->fields);
	fa_free(served);
	fa_http_served(http);
}

static void show(struct faas_http_served *served, int status, const struct fa_http_field *fields,
		 int field_count, struct faas_bytes body, bool more)
{
	const char **headers = fa_http_join(&served->http->rt->mem, fields, field_count);
	static const char *const none[] = { NULL };
	const struct faas_http_message message = { .size = sizeof(message),
						   .status = headers ? status : 500,
						   .headers = headers ? headers : none,
						   .body = body };

	if (served->done)
		served->done(served->data, &message);
	else
		served->reader.on_answer(served->reader.data, served, &message, more);
	fa_free(headers);
}

static void answer(struct fa_http_caller *caller, int status, const struct fa_http_field *fields,
		   int field_count, struct faas_bytes body)
{
	struct faas_http_served *served = fa_container(caller, struct faas_http_served, caller);

	show(served, status, fields, field_count, body, false);
	end(served);
}

/* ---- in parts -------------------------------------------------------- */

static void begin_parts(struct fa_http_caller *caller, int status,
			const struct fa_http_field *fields, int field_count)
{
	show(fa_container(caller, struct faas_http_served, caller), status, fields, field_count,
	     (struct faas_bytes){ "", 0 }, true);
}

static bool write_part(struct fa_http_caller *caller, struct faas_bytes piece)
{
	struct faas_http_served *served = fa_container(caller, struct faas_http_served, caller);

	return served->reader.on_piece(served->reader.data, piece);
}

static void end_parts(struct fa_http_caller *caller, bool whole)
{
	struct faas_http_served *served = fa_container(caller, struct faas_http_served, caller);

	served->reader.on_end(served->reader.data, whole);
	end(served);
}

void faas_http_resume(struct faas_http_served *served)
{
	if (served && served->caller.resume)
		served->caller.resume(served->caller.resume_data);
}

/* ---- a request ------------------------------------------------------- */

static void serve(struct fa_call *call)
{
	struct faas_http_served *served = fa_container(call, struct faas_http_served, call);
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

static struct faas_http_served *copy_request(const struct fa_mem *mem,
					     const struct faas_http_message *m)
{
	size_t size = strlen(m->method) + strlen(m->target) + m->body.len + 3;
	struct faas_http_served *served = fa_alloc_dirty(mem, sizeof(*served) + size);
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

/* A copy of it, for the loop; NULL with `err`. */
static struct faas_http_served *take(struct faas_http *http,
				     const struct faas_http_message *request,
				     struct faas_error *err)
{
	struct faas_http_served *served;
	struct faas_http_message m;
	int rc = fa_options_copy(&m, sizeof(m), request, "FAAS_HTTP_MESSAGE", err);

	if (!rc && (!m.method || !m.target || (m.body.len && !m.body.data)))
		rc = fa_error(err, FAAS_EINVAL, "a request has a method, a target and its body");
	if (rc)
		return NULL;
	served = copy_request(&http->rt->mem, &m);
	if (!served) {
		fa_error_nomem(err);
		return NULL;
	}
	served->caller.answer = answer;
	served->call.run = serve;
	served->http = http;
	return served;
}

static int hand_over(struct faas_http_served *served, struct faas_error *err)
{
	struct faas *rt = served->http->rt;
	int rc = fa_enter(rt, err);

	if (rc) {
		fa_free(served->fields);
		fa_free(served);
		return rc;
	}
	fa_loop_call(&rt->loop, &served->call);
	fa_leave(rt);
	return 0;
}

int faas_http_serve(struct faas_http *http, const struct faas_http_message *request,
		    void (*done)(void *data, const struct faas_http_message *answer), void *data,
		    struct faas_error *err)
{
	struct faas_http_served *served;
	struct faas_error ours;

	if (!http || !done)
		return fa_error(err, FAAS_EINVAL, "a door and a callback are required");
	err = err ? err : &ours;
	served = take(http, request, err);
	if (!served)
		return err->code;
	served->done = done;
	served->data = data;
	return hand_over(served, err);
}

int faas_http_serve_parts(struct faas_http *http, const struct faas_http_message *request,
			  const struct faas_http_reader *reader, struct faas_error *err)
{
	struct faas_http_served *served;
	struct faas_http_reader r;
	struct faas_error ours;
	int rc = fa_options_copy(&r, sizeof(r), reader, "FAAS_HTTP_READER", err);

	if (!rc && (!http || !r.on_answer || !r.on_piece || !r.on_end))
		rc = fa_error(err, FAAS_EINVAL, "a door and all three callbacks are required");
	if (rc)
		return rc;
	err = err ? err : &ours;
	served = take(http, request, err);
	if (!served)
		return err->code;
	served->reader = r;
	served->caller.begin = begin_parts;
	served->caller.write = write_part;
	served->caller.end = end_parts;
	return hand_over(served, err);
}
