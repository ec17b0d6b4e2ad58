/* SPDX-License-Identifier: MIT */
/* Routes are few and looked at one after the other; what fits is copied under the lock. */
#include <http/gateway.h>

#include <stdio.h>
#include <string.h>

#include <base/error.h>
#include <base/text.h>
#include <http/proxy.h>

#define ROUTES_MAX 300
#define KEY_MAX 256
#define PARTS_MAX 64
#define STAGE_MAX 128
#define FUNCTION_MAX 512
#define DEFAULT "$default"
#define ANY "ANY"

struct route {
	struct fa_list link;
	char key[KEY_MAX + 1]; /* "GET /items/{id}", "$default" */
	char method[24];
	const char *pattern;      /* in `key`; NULL: of "$default" */
	char rank[PARTS_MAX + 2]; /* greater is more exact */
	char stage[STAGE_MAX + 1];
	char function[FUNCTION_MAX + 1];
	enum fa_reply_rule rule;
};

/* ---- patterns ---------------------------------------------------------- */

/* "{name}" or "{name+}"; the name's length, 0: it is neither. */
static size_t parameter(const char *part, size_t len, bool *rest)
{
	*rest = len > 3 && part[len - 2] == '+';
	if (len < 3 || part[0] != '{' || part[len - 1] != '}')
		return 0;
	return len - 2 - *rest;
}

static bool is_parameter_name(const char *name, size_t len)
{
	return strspn(name,
		      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-:$") >= len;
}

/* What comes first counts most; of the characters, '3' is written out and '1' is the rest. */
static bool rank_pattern(const char *pattern, char rank[PARTS_MAX + 2])
{
	int n = 0;

	while (*pattern == '/' && n < PARTS_MAX) {
		size_t len = strcspn(++pattern, "/"), name_len;
		bool rest;

		name_len = parameter(pattern, len, &rest);
		if (name_len ? !is_parameter_name(pattern + 1, name_len) || (rest && pattern[len])
			     : memchr(pattern, '{', len) || memchr(pattern, '}', len))
			return false;
		rank[n++] = !name_len ? '3' : rest ? '1' : '2';
		pattern += len;
	}
	rank[n] = '\0';
	return n && !*pattern;
}

static int put_parameter(const struct fa_mem *mem, struct fa_document *parameters, const char *name,
			 size_t name_len, const char *value, size_t len)
{
	char *key = fa_memdup(mem, name, name_len), *text = fa_memdup(mem, value, len);
	int rc = key && text ? 0 : FAAS_ENOMEM;
	size_t left = rc ? 0 : fa_event_decode(text, len, false);

	if (left == SIZE_MAX)
		rc = FAAS_EINVAL;
	if (!rc) {
		text[left] = '\0';
		rc = fa_event_put(mem, parameters, key, text);
	}
	fa_free(key);
	fa_free(text);
	return rc;
}

/* `path` ends at '?'. `parameters` NULL: nobody wants them. *rc tells if they could not be put. */
static bool fits(const struct fa_mem *mem, const char *pattern, const char *path,
		 struct fa_document *parameters, int *rc)
{
	while (*pattern == '/' && *path == '/') {
		size_t len = strcspn(++pattern, "/"), name_len;
		size_t value_len = strcspn(++path, "/?");
		bool rest;

		name_len = parameter(pattern, len, &rest);
		if (rest)
			value_len = strcspn(path, "?");
		if (name_len ? !value_len : value_len != len || memcmp(path, pattern, len))
			return false;
		if (name_len && parameters)
			*rc |= put_parameter(mem, parameters, pattern + 1, name_len, path,
					     value_len);
		pattern += len;
		path += value_len;
	}
	return !*pattern && (!*path || *path == '?');
}

/* ---- routes ------------------------------------------------------------ */

static int bad_route(const char *text, struct faas_error *err)
{
	return fa_error(err, FAAS_EINVAL,
			"'%.80s' is no route: expected \"METHOD /path/{parameter}/{rest+}\", with "
			"ANY for any method, or \"" DEFAULT "\"",
			text);
}

static int parse(struct route *route, const char *text, struct faas_error *err)
{
	size_t len = strcspn(text, " ");

	if (strlen(text) > KEY_MAX)
		return bad_route(text, err);
	strcpy(route->key, text);
	strcpy(route->method, ANY);
	if (!strcmp(text, DEFAULT))
		return 0;
	if (!len || len >= sizeof(route->method) || text[len] != ' ' ||
	    strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") < len || strpbrk(text + len + 1, " ?#") ||
	    !rank_pattern(text + len + 1, route->rank))
		return bad_route(text, err);
	memcpy(route->method, text, len);
	route->method[len] = '\0';
	route->pattern = route->key + len + 1;
	/* all parts being the same, a method is more exact than none */
	strcat(route->rank, strcmp(route->method, ANY) ? "1" : "0");
	return 0;
}

static bool is_name(const char *stage)
{
	return *stage && strlen(stage) <= STAGE_MAX &&
	       strspn(stage, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			     "0123456789-_") == strlen(stage);
}

static int fill(struct route *route, const struct faas_http_route *r, struct faas_error *err)
{
	const char *stage = r->stage ? r->stage : DEFAULT;
	struct fa_name name;
	int rc = parse(route, r->route, err);

	if (!rc && strcmp(stage, DEFAULT) != 0 && !is_name(stage))
		rc = fa_error(err, FAAS_EINVAL,
			      "'%.80s' is no stage: 1 to %d letters, digits, '-' and '_', or "
			      "\"" DEFAULT "\"",
			      stage, STAGE_MAX);
	if (!rc && r->payload && r->payload != 1 && r->payload != 2)
		rc = fa_error(err, FAAS_EINVAL, "payload is %d: must be 1 or 2", r->payload);
	if (!rc && r->function)
		rc = fa_name_parse(&name, r->function, err);
	if (rc)
		return rc;
	snprintf(route->stage, sizeof(route->stage), "%s", stage);
	snprintf(route->function, sizeof(route->function), "%s", r->function ? r->function : "");
	route->rule = r->payload == 1 ? FA_REPLY_V1 : FA_REPLY_V2;
	return 0;
}

static struct route *find_same(struct fa_gateway *gateway, const struct route *as)
{
	for (struct fa_list *pos = gateway->routes.next; pos != &gateway->routes; pos = pos->next) {
		struct route *route = fa_container(pos, struct route, link);

		if (!strcmp(route->key, as->key) && !strcmp(route->stage, as->stage))
			return route;
	}
	return NULL;
}

/* Puts `route` in the place of its like, takes it or frees it. */
static int exchange(struct fa_gateway *gateway, struct route *route, struct faas_error *err)
{
	struct route *old = find_same(gateway, route);
	bool removes = !*route->function;

	if (removes && !old)
		return fa_error(err, FAAS_ENOTFOUND, "there is no route '%.80s'", route->key);
	if (!old && gateway->count == ROUTES_MAX)
		return fa_error(err, FAAS_ETOOLARGE, "there are %d routes already", ROUTES_MAX);
	if (old) {
		fa_list_remove(&old->link);
		fa_free(old);
		gateway->count--;
	}
	if (removes)
		return 0;
	fa_list_append(&gateway->routes, &route->link);
	gateway->count++;
	return 0;
}

int fa_gateway_set(struct fa_gateway *gateway, const struct faas_http_route *r,
		   struct faas_error *err)
{
	struct route *route = fa_alloc(gateway->mem, sizeof(*route));
	bool removes = !r->function;
	int rc = route ? fill(route, r, err) : fa_error_nomem(err);

	if (!rc) {
		pthread_mutex_lock(&gateway->lock);
		rc = exchange(gateway, route, err);
		pthread_mutex_unlock(&gateway->lock);
	}
	if (rc || removes)
		fa_free(route);
	return rc;
}

void fa_gateway_init(struct fa_gateway *gateway, const struct fa_mem *mem)
{
	uint8_t bits[5];
	struct fa_text text = FA_TEXT(gateway->id);

	gateway->mem = mem;
	pthread_mutex_init(&gateway->lock, NULL);
	fa_list_init(&gateway->routes);
	fa_random_bytes(bits, sizeof(bits));
	fa_text_hex(&text, bits, sizeof(bits));
}

void fa_gateway_finish(struct fa_gateway *gateway)
{
	struct fa_list *pos;

	while ((pos = fa_list_pop(&gateway->routes)))
		fa_free(fa_container(pos, struct route, link));
	pthread_mutex_destroy(&gateway->lock);
}

/* ---- which one is meant ------------------------------------------------ */

/* Behind the stage, which is the first part of the path unless it is "$default"; or NULL. */
static const char *path_in_stage(const struct route *route, const char *target)
{
	size_t len = strlen(route->stage);

	if (!strcmp(route->stage, DEFAULT))
		return target;
	if (*target != '/' || strncmp(target + 1, route->stage, len) != 0)
		return NULL;
	target += 1 + len;
	return *target == '/' ? target : !*target || *target == '?' ? "/" : NULL;
}

static bool is_for(const struct fa_mem *mem, const struct route *route,
		   const struct fa_http_request *request)
{
	const char *path = path_in_stage(route, request->target);

	return path && (!strcmp(route->method, ANY) || !strcmp(route->method, request->method)) &&
	       (!route->pattern || fits(mem, route->pattern, path, NULL, NULL));
}

/* Under the lock. A stage of its own is more exact than none. */
static const struct route *find(const struct fa_gateway *gateway,
				const struct fa_http_request *request)
{
	const struct route *best = NULL;

	for (struct fa_list *pos = gateway->routes.next; pos != &gateway->routes; pos = pos->next) {
		const struct route *route = fa_container(pos, struct route, link);
		bool staged = strcmp(route->stage, DEFAULT), best_staged;

		if (!is_for(gateway->mem, route, request))
			continue;
		best_staged = best && strcmp(best->stage, DEFAULT);
		if (!best || staged > best_staged ||
		    (staged == best_staged && strcmp(route->rank, best->rank) > 0))
			best = route;
	}
	return best;
}

bool fa_gateway_has(struct fa_gateway *gateway, const struct fa_http_request *request)
{
	bool has;

	pthread_mutex_lock(&gateway->lock);
	has = find(gateway, request);
	pthread_mutex_unlock(&gateway->lock);
	return has;
}

/* ---- one request ------------------------------------------------------- */

static void serve(const struct fa_gateway *gateway, struct fa_api *api,
		  struct fa_http_caller *caller, const struct fa_http_request *request,
		  const struct route *route, const struct fa_document *parameters)
{
	static const char *const failed[] = { [FA_REPLY_V1] =
						      "{\"message\":\"Internal server error\"}",
					      [FA_REPLY_V2] =
						      "{\"message\":\"Internal Server Error\"}" };
	const char *host = fa_http_get(request, "Host"),
		   *path = path_in_stage(route, request->target);
	char domain[256];
	struct fa_proxy proxy = {
		.function = route->function,
		.rule = route->rule,
		.failed_status = route->rule == FA_REPLY_V1 ? 502 : 500,
		.failed_body = failed[route->rule],
		.frame = { .path = route->rule == FA_REPLY_V1 ? path : request->target,
			   .context_path = request->target,
			   .resource = route->pattern ? route->pattern : "/{proxy+}",
			   .route_key = route->key,
			   .stage = route->stage,
			   .account = api->rt->config.account,
			   .api_id = gateway->id,
			   .domain = domain,
			   .path_parameters = fa_document_count(parameters) ? parameters : NULL },
	};

	snprintf(domain, sizeof(domain), "%.*s", host ? (int)strcspn(host, ":") : 9,
		 host ? host : "localhost");
	fa_proxy_serve(api, caller, request, &proxy);
}

bool fa_gateway_serve(struct fa_gateway *gateway, struct fa_api *api, struct fa_http_caller *caller,
		      const struct fa_http_request *request)
{
	struct fa_document *parameters = fa_document_object();
	const struct route *found;
	struct faas_error err;
	struct route route;
	int rc = parameters ? 0 : FAAS_ENOMEM;

	pthread_mutex_lock(&gateway->lock);
	found = find(gateway, request);
	if (found)
		route = *found;
	pthread_mutex_unlock(&gateway->lock);
	if (found && !rc && route.pattern) {
		route.pattern = route.key + strcspn(route.key, " ") + 1;
		fits(gateway->mem, route.pattern, path_in_stage(&route, request->target),
		     parameters, &rc);
	}
	if (found && !rc) {
		serve(gateway, api, caller, request, &route, parameters);
	} else if (found) {
		if (rc == FAAS_EINVAL)
			fa_error_typed(&err, rc, "SerializationException",
				       "a part of the path cannot be decoded");
		else
			fa_error_nomem(&err);
		fa_api_refuse(&api->rt->mem, caller, &err, NULL, NULL);
	}
	fa_document_free(parameters);
	return found;
}
