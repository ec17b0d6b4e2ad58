/* SPDX-License-Identifier: MIT */

/*
 * The uWSGI peer: a C function that its symcall plugin calls in the worker.
 * The four functions are declared here because the program's own header wants
 * the development files of a dozen libraries; the request stays opaque.
 */

#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

struct wsgi_request;

int uwsgi_parse_vars(struct wsgi_request *request);
char *uwsgi_request_body_read(struct wsgi_request *request, ssize_t hint, ssize_t *len);
int uwsgi_response_prepare_headers(struct wsgi_request *request, char *status, uint16_t len);
int uwsgi_response_add_content_length(struct wsgi_request *request, uint64_t len);
int uwsgi_response_write_body_do(struct wsgi_request *request, char *body, size_t len);

int bench_echo(struct wsgi_request *request);

int bench_echo(struct wsgi_request *request)
{
	ssize_t len = 0;
	char *body;

	if (uwsgi_parse_vars(request))
		return -1;
	body = uwsgi_request_body_read(request, 0, &len);
	uwsgi_response_prepare_headers(request, (char *)"200 OK", 6);
	uwsgi_response_add_content_length(request, (uint64_t)len);
	if (body && len > 0)
		uwsgi_response_write_body_do(request, body, (size_t)len);
	return -2; /* UWSGI_OK */
}
