/* SPDX-License-Identifier: MIT */
/* What is exported without HTTP: it says so. */
#include <faas/http.h>

#include <base/error.h>

static int refuse(struct faas_error *err)
{
	return fa_error(err, FAAS_ESYSTEM, "libfaas was built without HTTP");
}

struct faas_http *faas_http_listen(struct faas *rt, const struct faas_http_config *config,
				   struct faas_error *err)
{
	(void)rt;
	(void)config;
	refuse(err);
	return NULL;
}

int faas_http_port(const struct faas_http *http)
{
	(void)http;
	return 0;
}

int faas_http_route(struct faas_http *http, const struct faas_http_route *route,
		    struct faas_error *err)
{
	(void)http;
	(void)route;
	return refuse(err);
}

void faas_http_close(struct faas_http *http)
{
	(void)http;
}

void faas_http_answer(struct faas_http_page *page, const struct faas_http_message *answer,
		      bool more)
{
	(void)page;
	(void)answer;
	(void)more;
}

int faas_http_write(struct faas_http_page *page, struct faas_bytes piece)
{
	(void)page;
	(void)piece;
	return refuse(NULL);
}

void faas_http_end(struct faas_http_page *page)
{
	(void)page;
}

int faas_http_serve(struct faas_http *http, const struct faas_http_message *request,
		    void (*done)(void *data, const struct faas_http_message *answer), void *data,
		    struct faas_error *err)
{
	(void)http;
	(void)request;
	(void)done;
	(void)data;
	return refuse(err);
}

int faas_http_serve_parts(struct faas_http *http, const struct faas_http_message *request,
			  const struct faas_http_reader *reader, struct faas_error *err)
{
	(void)http;
	(void)request;
	(void)reader;
	return refuse(err);
}

void faas_http_resume(struct faas_http_served *served)
{
	(void)served;
}
