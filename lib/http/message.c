/* SPDX-License-Identifier: MIT */
/* What a request says, and what a status is called. */
#include <http/message.h>

#include <stdio.h>
#include <string.h>
#include <strings.h>

void fa_http_source(const struct fa_http_caller *caller, char out[FA_SOURCE_MAX])
{
	strcpy(out, "127.0.0.1");
	if (caller->source)
		caller->source(caller, out);
}

const char *fa_http_get(const struct fa_http_request *request, const char *name)
{
	for (int i = 0; i < request->field_count; i++)
		if (!strcasecmp(request->fields[i].name, name))
			return request->fields[i].value;
	return NULL;
}

static size_t text_size(const struct fa_http_field *fields, int count)
{
	size_t size = 0;

	for (int i = 0; i < count; i++)
		size += strlen(fields[i].name) + strlen(fields[i].value) + 3;
	return size;
}

const char **fa_http_join(const struct fa_mem *mem, const struct fa_http_field *fields, int count)
{
	size_t size = text_size(fields, count), pointers = sizeof(char *) * (size_t)(count + 1);
	const char **headers = fa_alloc(mem, pointers + size);
	char *at = (char *)headers + pointers;

	for (int i = 0; headers && i < count; i++) {
		headers[i] = at;
		at += sprintf(at, "%s: %s", fields[i].name, fields[i].value) + 1;
	}
	return headers;
}

static const char *put(char **at, const char *data, size_t len)
{
	char *to = *at;

	memcpy(to, data, len);
	to[len] = '\0';
	*at += len + 1;
	return to;
}

struct fa_http_field *fa_http_split(const struct fa_mem *mem, const char *const *headers,
				    int *count)
{
	struct fa_http_field *fields;
	size_t size = 0;
	char *at;
	int n = 0;

	for (; headers && headers[n]; n++)
		size += strlen(headers[n]) + 2;
	fields = fa_alloc_dirty(mem, sizeof(*fields) * (size_t)n + size + 1);
	if (!fields)
		return NULL;
	at = (char *)(fields + n);
	for (int i = 0; i < n; i++) {
		size_t len = strcspn(headers[i], ":");
		const char *value = headers[i] + len + (headers[i][len] == ':');

		value += strspn(value, " \t");
		fields[i].name = put(&at, headers[i], len);
		fields[i].value = put(&at, value, strlen(value));
	}
	*count = n;
	return fields;
}

const char *fa_http_reason(int status)
{
	static const struct {
		int status;
		const char *reason;
	} rows[] = {
		{ 200, "OK" },
		{ 201, "Created" },
		{ 202, "Accepted" },
		{ 204, "No Content" },
		{ 206, "Partial Content" },
		{ 301, "Moved Permanently" },
		{ 302, "Found" },
		{ 303, "See Other" },
		{ 304, "Not Modified" },
		{ 307, "Temporary Redirect" },
		{ 308, "Permanent Redirect" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 402, "Payment Required" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 406, "Not Acceptable" },
		{ 408, "Request Timeout" },
		{ 409, "Conflict" },
		{ 410, "Gone" },
		{ 412, "Precondition Failed" },
		{ 413, "Content Too Large" },
		{ 414, "URI Too Long" },
		{ 415, "Unsupported Media Type" },
		{ 417, "Expectation Failed" },
		{ 422, "Unprocessable Content" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 502, "Bad Gateway" },
		{ 503, "Service Unavailable" },
		{ 505, "HTTP Version Not Supported" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].status == status)
			return rows[i].reason;
	return "Unknown";
}
