/* SPDX-License-Identifier: MIT */
/*
 * What API Gateway and function URLs make of a request. Nothing of it is trusted to be
 * text: what is no UTF-8 is read as ISO 8859-1, which is what a field of HTTP was once; a
 * body that cannot be text, or is not called that, is base64.
 */
#include <http/event.h>

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <base/digest.h>
#include <base/error.h>
#include <base/text.h>

#define PARAMETERS_MAX 1000 /* of a query: all are looked at for each */

/* ---- text ------------------------------------------------------------ */

static bool is_text(const char *data, size_t len)
{
	bool valid = true;

	for (size_t at = 0, n = 1; valid && at < len; at += n) {
		n = 1;
		if ((unsigned char)data[at] >= 0x80)
			n = fa_text_character(data + at, len - at, &valid);
		else
			valid = data[at] != '\0';
	}
	return valid;
}

/* The same text as UTF-8, fa_alloc()ed. */
static char *as_utf8(const struct fa_mem *mem, const char *text)
{
	size_t len = strlen(text), n = 0;
	bool good = is_text(text, len);
	char *wide = good ? fa_memdup(mem, text, len) : fa_alloc(mem, 2 * len + 1);

	for (size_t i = 0; wide && !good && i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c >= 0x80)
			wide[n++] = (char)(0xc0 | c >> 6);
		wide[n++] = (char)(c < 0x80 ? c : 0x80 | (c & 0x3f));
	}
	return wide;
}

typedef int put_pair(const struct fa_mem *mem, struct fa_document *out, const char *name,
		     const char *text);

int fa_event_put(const struct fa_mem *mem, struct fa_document *out, const char *name,
		 const char *text)
{
	char *value = as_utf8(mem, text);
	int rc = value ? fa_document_put_text(out, name, value) : FAAS_ENOMEM;

	fa_free(value);
	return rc;
}

static int append(const struct fa_mem *mem, struct fa_document *out, const char *name,
		  const char *text)
{
	char *value = as_utf8(mem, text);
	int rc =
		value ? fa_document_append_to(out, name, fa_document_new_text(value)) : FAAS_ENOMEM;

	fa_free(value);
	return rc;
}

/* Behind what is there already, with a comma. */
static int put_joined(const struct fa_mem *mem, struct fa_document *out, const char *name,
		      const char *text)
{
	const char *first = fa_document_text(fa_document_get(out, name));
	size_t size = first ? strlen(first) + strlen(text) + 2 : 0;
	char *joined;
	int rc;

	if (!first)
		return fa_event_put(mem, out, name, text);
	joined = fa_alloc(mem, size);
	if (!joined)
		return FAAS_ENOMEM;
	snprintf(joined, size, "%s,%s", first, text);
	rc = fa_event_put(mem, out, name, joined);
	fa_free(joined);
	return rc;
}

static int put_nulls(struct fa_document *out, const char *const *names)
{
	int rc = 0;

	for (; *names; names++)
		rc |= fa_document_put_null(out, *names);
	return rc;
}

static int digit(char c)
{
	return c >= '0' && c <= '9'                     ? c - '0'
	       : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
							: -1;
}

size_t fa_event_decode(char *text, size_t len, bool query)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++, n++) {
		text[n] = query && text[i] == '+' ? ' ' : text[i];
		if (text[i] != '%')
			continue;
		if (len - i < 3 || digit(text[i + 1]) < 0 || digit(text[i + 2]) < 0)
			return SIZE_MAX;
		text[n] = (char)(digit(text[i + 1]) << 4 | digit(text[i + 2]));
		if (!text[n])
			return SIZE_MAX;
		i += 2;
	}
	return n;
}

/* ---- what both versions have ------------------------------------------ */

static const char *query_of(const struct fa_http_request *request)
{
	const char *query = strchr(request->target, '?');

	return query ? query + 1 : "";
}

static int put_decoded(const struct fa_mem *mem, put_pair *each, struct fa_document *out,
		       char *name, size_t name_len, char *value, size_t value_len)
{
	char *key;
	int rc;

	name_len = fa_event_decode(name, name_len, true);
	value_len = fa_event_decode(value, value_len, true);
	if (name_len == SIZE_MAX || value_len == SIZE_MAX)
		return FAAS_EINVAL;
	value[value_len] = '\0';
	name[name_len] = '\0';
	key = as_utf8(mem, name);
	rc = key ? each(mem, out, key, value) : FAAS_ENOMEM;
	fa_free(key);
	return rc;
}

/* `text` is written over. */
static int read_query(const struct fa_mem *mem, char *text, put_pair *each, struct fa_document *out)
{
	int rc = 0, count = 0;

	while (!rc && *text) {
		size_t len = strcspn(text, "&"), name_len = strcspn(text, "=&");
		size_t value_at = name_len + (name_len < len);
		char *name = text;

		text += len + (text[len] == '&');
		if (len && ++count > PARAMETERS_MAX)
			rc = FAAS_ETOOLARGE;
		else if (len)
			rc = put_decoded(mem, each, out, name, name_len, name + value_at,
					 len - value_at);
	}
	return rc;
}

static int put_query(const struct fa_mem *mem, const struct fa_http_request *request,
		     struct fa_document *out, const char *name, put_pair *each, bool or_null)
{
	char *copy = fa_strdup(mem, query_of(request));
	struct fa_document *pairs = fa_document_object();
	int rc = copy && pairs ? read_query(mem, copy, each, pairs) : FAAS_ENOMEM;

	fa_free(copy);
	if (!rc && fa_document_count(pairs))
		return fa_document_put(out, name, pairs);
	fa_document_free(pairs);
	return !rc && or_null ? fa_document_put_null(out, name) : rc;
}

/* What is sent as text, if it is text: all else is base64. */
static bool is_text_type(const char *type)
{
	static const char *const rows[] = { "text/", "application/json", "application/xml",
					    "application/javascript", "application/yaml" };
	size_t len = strcspn(type, "; \t");

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (!strncasecmp(type, rows[i], strlen(rows[i])))
			return true;
	return (len > 5 && !strncasecmp(type + len - 5, "+json", 5)) ||
	       (len > 4 && !strncasecmp(type + len - 4, "+xml", 4));
}

static int put_body(const struct fa_mem *mem, const struct fa_http_request *request,
		    struct fa_document *out, bool or_null)
{
	const char *type = fa_http_get(request, "Content-Type");
	const char *encoding = fa_http_get(request, "Content-Encoding");
	size_t len = request->body.len;
	bool plain = (!type || is_text_type(type)) && !encoding && is_text(request->body.data, len);
	char *text;
	int rc;

	if (!len) {
		rc = or_null ? fa_document_put_null(out, "body") : 0;
		return fa_document_put_boolean(out, "isBase64Encoded", false) | rc;
	}
	text = plain ? fa_memdup(mem, request->body.data, len)
		     : fa_alloc_dirty(mem, (len + 2) / 3 * 4 + 1);
	if (!text)
		return FAAS_ENOMEM;
	if (!plain)
		fa_base64(text, request->body.data, len);
	rc = fa_document_put_text(out, "body", text);
	fa_free(text);
	return fa_document_put_boolean(out, "isBase64Encoded", !plain) | rc;
}

/* "12/Mar/2020:19:03:58 +0000", in nobody's locale. */
static int put_time(struct fa_document *out, const char *name, int64_t unix_ms)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t seconds = unix_ms / 1000;
	struct tm tm = { 0 };
	char text[64];

	gmtime_r(&seconds, &tm);
	snprintf(text, sizeof(text), "%02d/%.3s/%d:%02d:%02d:%02d +0000", tm.tm_mday,
		 months + 3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
	return fa_document_put_text(out, name, text);
}

static int put_domain(const struct fa_mem *mem, struct fa_document *out, const char *domain)
{
	char prefix[256];
	int rc = fa_event_put(mem, out, "domainName", domain);

	snprintf(prefix, sizeof(prefix), "%.*s", (int)strcspn(domain, "."), domain);
	return fa_event_put(mem, out, "domainPrefix", prefix) | rc;
}

static int put_path(const struct fa_mem *mem, struct fa_document *out, const char *name,
		    const char *path)
{
	size_t len = strcspn(path, "?");
	char *copy = fa_memdup(mem, path, len);
	int rc = copy ? fa_event_put(mem, out, name, len ? copy : "/") : FAAS_ENOMEM;

	fa_free(copy);
	return rc;
}

static char *print(const struct fa_mem *mem, struct fa_document *event, int rc,
		   struct faas_error *err)
{
	char *text = rc ? NULL : fa_document_print(event, mem);

	fa_document_free(event);
	if (rc == FAAS_EINVAL)
		fa_error_typed(err, rc, "SerializationException",
			       "a part of the query cannot be decoded");
	else if (rc == FAAS_ETOOLARGE)
		fa_error_typed(err, FAAS_EINVAL, "SerializationException",
			       "a query has at most %d parameters", PARAMETERS_MAX);
	else if (!text)
		fa_error_nomem(err);
	return text;
}

static const char *agent(const struct fa_http_request *request)
{
	const char *name = fa_http_get(request, "User-Agent");

	return name ? name : "";
}

/* ---- 2.0 ------------------------------------------------------------- */

/* All of them in one list; what is between them is ';' and blanks. */
static int put_cookies(const struct fa_mem *mem, const struct fa_http_request *request,
		       struct fa_document *out)
{
	int rc = 0;

	for (int i = 0; i < request->field_count; i++) {
		const char *at = request->fields[i].value;

		if (strcasecmp(request->fields[i].name, "Cookie") != 0)
			continue;
		while (*(at += strspn(at, "; \t"))) {
			size_t len = strcspn(at, ";");
			char *one = fa_memdup(mem, at, len);

			rc |= one ? append(mem, out, "cookies", one) : FAAS_ENOMEM;
			fa_free(one);
			at += len;
		}
	}
	return rc;
}

static int put_headers_v2(const struct fa_mem *mem, const struct fa_http_request *request,
			  struct fa_document *out)
{
	struct fa_document *headers = fa_document_object();
	int rc = 0;

	for (int i = 0; i < request->field_count; i++) {
		char name[256];
		size_t len = 0;

		for (; request->fields[i].name[len] && len < sizeof(name) - 1; len++)
			name[len] = (char)tolower((unsigned char)request->fields[i].name[len]);
		name[len] = '\0';
		if (strcmp(name, "cookie") != 0)
			rc |= put_joined(mem, headers, name, request->fields[i].value);
	}
	return fa_document_put(out, "headers", headers) | rc;
}

static struct fa_document *context_v2(const struct fa_mem *mem,
				      const struct fa_http_request *request,
				      const struct fa_event_frame *frame)
{
	struct fa_document *out = fa_document_object(), *http = fa_document_object();
	int rc = fa_document_put_text(out, "accountId", frame->account);

	rc |= fa_document_put_text(out, "apiId", frame->api_id);
	if (frame->authorizer)
		rc |= fa_document_put(out, "authorizer", fa_document_copy(frame->authorizer));
	rc |= put_domain(mem, out, frame->domain);
	rc |= fa_document_put_text(http, "method", request->method);
	rc |= put_path(mem, http, "path", frame->context_path);
	rc |= fa_document_put_text(http, "protocol", "HTTP/1.1");
	rc |= fa_document_put_text(http, "sourceIp", frame->source_ip);
	rc |= fa_event_put(mem, http, "userAgent", agent(request));
	rc |= fa_document_put(out, "http", http);
	rc |= fa_document_put_text(out, "requestId", frame->request_id);
	rc |= fa_document_put_text(out, "routeKey", frame->route_key);
	rc |= fa_document_put_text(out, "stage", frame->stage);
	rc |= put_time(out, "time", frame->unix_ms);
	rc |= fa_document_put_integer(out, "timeEpoch", frame->unix_ms);
	if (!rc)
		return out;
	fa_document_free(out);
	return NULL;
}

char *fa_event_v2(const struct fa_mem *mem, const struct fa_http_request *request,
		  const struct fa_event_frame *frame, struct faas_error *err)
{
	struct fa_document *out = fa_document_object();
	int rc = fa_document_put_text(out, "version", "2.0"), bad;

	rc |= fa_document_put_text(out, "routeKey", frame->route_key);
	rc |= put_path(mem, out, "rawPath", frame->path);
	rc |= fa_event_put(mem, out, "rawQueryString", query_of(request));
	rc |= put_cookies(mem, request, out);
	rc |= put_headers_v2(mem, request, out);
	bad = put_query(mem, request, out, "queryStringParameters", put_joined, false);
	rc |= fa_document_put(out, "requestContext", context_v2(mem, request, frame));
	rc |= put_body(mem, request, out, false);
	if (frame->path_parameters)
		rc |= fa_document_put(out, "pathParameters",
				      fa_document_copy(frame->path_parameters));
	return print(mem, out, rc ? FAAS_ENOMEM : bad, err);
}

/* ---- 1.0 ------------------------------------------------------------- */

static int put_headers_v1(const struct fa_mem *mem, const struct fa_http_request *request,
			  struct fa_document *out)
{
	struct fa_document *last = fa_document_object(), *all = fa_document_object();
	int rc = 0;

	for (int i = 0; i < request->field_count; i++) {
		rc |= fa_event_put(mem, last, request->fields[i].name, request->fields[i].value);
		rc |= append(mem, all, request->fields[i].name, request->fields[i].value);
	}
	rc |= fa_document_put(out, "headers", last);
	return fa_document_put(out, "multiValueHeaders", all) | rc;
}

static struct fa_document *identity_v1(const struct fa_mem *mem,
				       const struct fa_http_request *request,
				       const struct fa_event_frame *frame)
{
	static const char *const unknown[] = { "accessKey",
					       "accountId",
					       "apiKey",
					       "apiKeyId",
					       "caller",
					       "clientCert",
					       "cognitoAuthenticationProvider",
					       "cognitoAuthenticationType",
					       "cognitoIdentityId",
					       "cognitoIdentityPoolId",
					       "principalOrgId",
					       "user",
					       "userArn",
					       NULL };
	struct fa_document *out = fa_document_object();
	int rc = put_nulls(out, unknown);

	rc |= fa_document_put_text(out, "sourceIp", frame->source_ip);
	rc |= fa_event_put(mem, out, "userAgent", agent(request));
	if (!rc)
		return out;
	fa_document_free(out);
	return NULL;
}

static struct fa_document *context_v1(const struct fa_mem *mem,
				      const struct fa_http_request *request,
				      const struct fa_event_frame *frame)
{
	struct fa_document *out = fa_document_object();
	int rc = fa_document_put_text(out, "accountId", frame->account);

	rc |= fa_document_put_text(out, "apiId", frame->api_id);
	rc |= fa_document_put_null(out, "authorizer");
	rc |= put_domain(mem, out, frame->domain);
	rc |= fa_document_put_text(out, "extendedRequestId", frame->request_id);
	rc |= fa_document_put_text(out, "httpMethod", request->method);
	rc |= fa_document_put(out, "identity", identity_v1(mem, request, frame));
	rc |= put_path(mem, out, "path", frame->context_path);
	rc |= fa_document_put_text(out, "protocol", "HTTP/1.1");
	rc |= fa_document_put_text(out, "requestId", frame->request_id);
	rc |= put_time(out, "requestTime", frame->unix_ms);
	rc |= fa_document_put_integer(out, "requestTimeEpoch", frame->unix_ms);
	rc |= fa_document_put_text(out, "resourceId", frame->route_key);
	rc |= fa_document_put_text(out, "resourcePath", frame->resource);
	rc |= fa_document_put_text(out, "stage", frame->stage);
	if (!rc)
		return out;
	fa_document_free(out);
	return NULL;
}

char *fa_event_v1(const struct fa_mem *mem, const struct fa_http_request *request,
		  const struct fa_event_frame *frame, struct faas_error *err)
{
	struct fa_document *out = fa_document_object();
	int rc = fa_document_put_text(out, "version", "1.0"), bad;

	rc |= fa_document_put_text(out, "resource", frame->resource);
	rc |= put_path(mem, out, "path", frame->path);
	rc |= fa_document_put_text(out, "httpMethod", request->method);
	rc |= put_headers_v1(mem, request, out);
	bad = put_query(mem, request, out, "queryStringParameters", fa_event_put, true);
	if (!bad)
		bad = put_query(mem, request, out, "multiValueQueryStringParameters", append, true);
	rc |= fa_document_put(out, "requestContext", context_v1(mem, request, frame));
	rc |= frame->path_parameters ? fa_document_put(out, "pathParameters",
						       fa_document_copy(frame->path_parameters))
				     : fa_document_put_null(out, "pathParameters");
	rc |= fa_document_put_null(out, "stageVariables");
	rc |= put_body(mem, request, out, true);
	return print(mem, out, rc ? FAAS_ENOMEM : bad, err);
}
