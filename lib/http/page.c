/* SPDX-License-Identifier: MIT */
/*
 * Pages of the host's beside the API. What it calls a page is a connection whose request
 * it has: that stays where it is until it is answered, even if the client is gone.
 */
#include <http/listen.h>

#include <string.h>
#include <strings.h>

#define PENDING_MAX 65536

static struct fa_conn *conn_of(struct faas_http_page *page)
{
	return (struct fa_conn *)page;
}

bool fa_page_show(struct faas_http *http, struct fa_conn *conn,
		  const struct fa_http_request *request)
{
	const char **headers = fa_http_join(&http->rt->mem, request->fields, request->field_count);
	bool taken = headers &&
		     http->on_page(http->data, (struct faas_http_page *)conn,
				   FAAS_HTTP_MESSAGE(.method = request->method,
						     .target = request->target, .headers = headers,
						     .body = request->body));
	fa_free(headers);
	return taken;
}

/* These say how the answer is sent, and that is decided here. */
static bool is_ours(const char *name)
{
	static const char *const ours[] = { "Connection", "Content-Length", "Date",
					    "Transfer-Encoding" };

	for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
		if (!strcasecmp(ours[i], name))
			return true;
	return !*name;
}

static int without_ours(struct fa_http_field *fields, int count)
{
	int kept = 0;

	for (int i = 0; i < count; i++)
		if (!is_ours(fields[i].name))
			fields[kept++] = fields[i];
	return kept;
}

void faas_http_answer(struct faas_http_page *page, const struct faas_http_message *answer,
		      bool more)
{
	struct fa_conn *conn = conn_of(page);
	int count = 0;
	struct fa_http_field *fields = fa_http_split(conn->server->mem, answer->headers, &count);
	int status = fields ? answer->status : 500;

	count = without_ours(fields, count);
	if (more) {
		fa_conn_begin(conn, status, fields, count);
		fa_conn_write(conn, answer->body);
	} else {
		fa_conn_answer(conn, status, fields, count, answer->body);
	}
	fa_free(fields);
}

int faas_http_write(struct faas_http_page *page, struct faas_bytes piece)
{
	struct fa_conn *conn = conn_of(page);

	if (conn->state == FA_CONN_GONE || conn->server->closing)
		return FAAS_ECANCELED;
	if (fa_conn_pending(conn) > PENDING_MAX)
		return FAAS_ETHROTTLED;
	fa_conn_write(conn, piece);
	return 0;
}

void faas_http_end(struct faas_http_page *page)
{
	fa_conn_end(conn_of(page), NULL, 0);
}
