/* SPDX-License-Identifier: MIT */
/*
 * "*" says nothing to a browser that sends credentials: then it is told what it asked for.
 */
#include <http/cors.h>

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <base/text.h>

#define ROOM 256 /* for what is not in the configuration */

static const char *item(const struct fa_document *list, size_t i)
{
	return fa_document_text(fa_document_item(list, i));
}

static bool is_in(const struct fa_document *list, const char *text)
{
	for (size_t i = 0; item(list, i); i++)
		if (!strcasecmp(item(list, i), text))
			return true;
	return false;
}

struct writer {
	struct fa_cors *cors;
	struct fa_text text;
	bool credentials;
};

static void begin(struct writer *w, const char *name)
{
	w->text.len += w->text.len > 0; /* the NUL of the one before */
	w->cors->fields[w->cors->count++] =
		(struct fa_http_field){ name, w->text.data + w->text.len };
}

static void put(struct writer *w, const char *name, const char *value)
{
	begin(w, name);
	fa_text_add(&w->text, value);
}

static void put_list(struct writer *w, const char *name, const struct fa_document *list,
		     const char *asked)
{
	if (!item(list, 0))
		return;
	if (w->credentials && asked && is_in(list, "*")) {
		put(w, name, asked);
		return;
	}
	begin(w, name);
	for (size_t i = 0; item(list, i); i++) {
		fa_text_add(&w->text, i ? "," : "");
		fa_text_add(&w->text, item(list, i));
	}
}

static void put_preflight(struct writer *w, const struct fa_document *cors,
			  const struct fa_http_request *request)
{
	int64_t max_age;

	put_list(w, "Access-Control-Allow-Methods", fa_document_get(cors, "AllowMethods"),
		 fa_http_get(request, "Access-Control-Request-Method"));
	put_list(w, "Access-Control-Allow-Headers", fa_document_get(cors, "AllowHeaders"),
		 fa_http_get(request, "Access-Control-Request-Headers"));
	if (fa_document_integer(fa_document_get(cors, "MaxAge"), &max_age)) {
		begin(w, "Access-Control-Max-Age");
		fa_text_int(&w->text, max_age);
	}
}

static void fill(struct writer *w, const struct fa_document *cors,
		 const struct fa_http_request *request, const char *origin)
{
	bool any = is_in(fa_document_get(cors, "AllowOrigins"), "*") && !w->credentials;

	put(w, "Access-Control-Allow-Origin", any ? "*" : origin);
	if (!any)
		put(w, "Vary", "Origin");
	if (w->credentials)
		put(w, "Access-Control-Allow-Credentials", "true");
	if (fa_cors_is_preflight(request))
		put_preflight(w, cors, request);
	else
		put_list(w, "Access-Control-Expose-Headers", fa_document_get(cors, "ExposeHeaders"),
			 NULL);
}

bool fa_cors_is_preflight(const struct fa_http_request *request)
{
	return !strcmp(request->method, "OPTIONS") && fa_http_get(request, "Origin") &&
	       fa_http_get(request, "Access-Control-Request-Method");
}

/* More than all that can be said. */
static size_t room_for(const struct fa_mem *mem, const struct fa_document *cors,
		       const struct fa_http_request *request)
{
	static const char *const asked[] = { "Origin", "Access-Control-Request-Method",
					     "Access-Control-Request-Headers" };
	char *all = fa_document_print(cors, mem);
	size_t size = all ? strlen(all) + ROOM : 0;

	fa_free(all);
	for (size_t i = 0; size && i < sizeof(asked) / sizeof(*asked); i++)
		if (fa_http_get(request, asked[i]))
			size += strlen(fa_http_get(request, asked[i])) + 1;
	return size;
}

struct fa_cors *fa_cors_create(const struct fa_mem *mem, const struct fa_document *cors,
			       const struct fa_http_request *request)
{
	const struct fa_document *origins = fa_document_get(cors, "AllowOrigins");
	const char *origin = fa_http_get(request, "Origin");
	size_t size = cors ? room_for(mem, cors, request) : 1;
	struct writer w = { .cors = size ? fa_alloc(mem, sizeof(*w.cors) + size) : NULL };

	if (!w.cors || !cors || !origin || !(is_in(origins, "*") || is_in(origins, origin)))
		return w.cors;
	w.text = (struct fa_text){ .data = w.cors->memory, .size = size };
	fa_document_boolean(fa_document_get(cors, "AllowCredentials"), &w.credentials);
	fill(&w, cors, request, origin);
	return w.cors;
}

bool fa_cors_owns(const char *name)
{
	return !strncasecmp(name, "Access-Control-", 15);
}
