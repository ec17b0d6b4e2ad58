/* SPDX-License-Identifier: MIT */
#include <worker/program/telemetry.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <base/json.h>
#include <base/member.h>

static const struct api {
	const char *path, *again;
	const char *invalid, *closed, *schemas; /* what is wrong */
	const char *versions[4];                /* of the schema; the first is the default */
	uint32_t max_items;                     /* the default */
} apis[] = {
	{ "/2022-07-01/telemetry",
	  "\"AlreadySubscribed\"",
	  "ValidationError",
	  "Telemetry.SubscriptionClosed",
	  "schemaVersion should be 2022-07-01, 2022-12-13 or 2025-01-29",
	  { "2022-07-01", "2022-12-13", "2025-01-29" },
	  1000 },
	{ "/2020-08-15/logs",
	  "\"OK\"",
	  "Logs.ValidationError",
	  "Logs.SubscriptionClosed",
	  "schemaVersion should be 2020-08-15 or 2021-03-18",
	  { "2020-08-15", "2021-03-18" },
	  10000 },
};
#define TELEMETRY (&apis[0])
#define LOGS (&apis[1])

/* The events of the platform that the Logs API has, too, and what it calls them. */
static const struct {
	const char *type, *name;
	enum fa_telemetry_type wanted;
} logs[] = {
	{ "platform.start", "platform.start", FA_TELEMETRY_LOGS },
	{ "platform.runtimeDone", "platform.runtimeDone", FA_TELEMETRY_LOGS_DONE },
	{ "platform.report", "platform.report", FA_TELEMETRY_LOGS },
	{ "platform.extension", "platform.extension", FA_TELEMETRY_LOGS },
	{ "platform.telemetrySubscription", "platform.logsSubscription", FA_TELEMETRY_LOGS },
};

static const struct kind {
	const char *name;
	enum fa_telemetry_type type;
} kinds[] = {
	{ "platform", FA_TELEMETRY_PLATFORM },
	{ "function", FA_TELEMETRY_FUNCTION },
	{ "extension", FA_TELEMETRY_EXTENSION },
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

struct fa_instant fa_telemetry_now(void)
{
	struct timespec mono, real;

	clock_gettime(CLOCK_MONOTONIC, &mono);
	clock_gettime(CLOCK_REALTIME, &real);
	return (struct fa_instant){ mono.tv_sec * INT64_C(1000000000) + mono.tv_nsec,
				    real.tv_sec * INT64_C(1000) + real.tv_nsec / 1000000 };
}

/* ---- what is wrong with a subscription ------------------------------------ */

/* All of it is told at once, as Lambda does. */
struct faults {
	char data[1024];
	struct fa_text text;
};

static void fault(struct faults *faults, const char *what)
{
	if (faults->text.len)
		fa_text_add(&faults->text, "; ");
	fa_text_add(&faults->text, what);
}

static void fault_range(struct faults *faults, const char *name, uint64_t least, uint64_t most)
{
	char what[96];

	snprintf(what, sizeof(what), "%s should be between %llu and %llu", name,
		 (unsigned long long)least, (unsigned long long)most);
	fault(faults, what);
}

static bool read_string(struct fa_json value, char *out, size_t size)
{
	size_t len;

	*out = '\0';
	if (fa_json_kind(value) != FA_JSON_STRING)
		return false;
	len = fa_json_string(value, out, size);
	return len < size && strlen(out) == len;
}

/* The number of the version; 0 with one that there is not. Only the Logs API has a default. */
static int read_version(struct fa_json whole, const struct api *api, struct faults *faults)
{
	struct fa_json given = fa_json_get(whole, "schemaVersion");

	if (api == LOGS && fa_json_kind(given) == FA_JSON_NONE)
		return 0;
	for (int i = 0; api->versions[i]; i++)
		if (fa_json_kind(given) == FA_JSON_STRING &&
		    fa_json_equals(given, api->versions[i]))
			return i;
	fault(faults, api->schemas);
	return 0;
}

static void read_types(struct fa_json whole, struct fa_subscription *s, struct faults *faults)
{
	struct fa_json list = fa_json_get(whole, "types"), type;
	bool known = true;
	struct fa_json_iter iter;

	if (fa_json_kind(list) != FA_JSON_ARRAY || !fa_json_count(list)) {
		fault(faults, "types should not be empty");
		return;
	}
	fa_json_begin(&iter, list);
	while (fa_json_next(&iter, NULL, &type)) {
		unsigned before = s->types;

		for (size_t i = 0; i < COUNT(kinds); i++)
			if (fa_json_kind(type) == FA_JSON_STRING &&
			    fa_json_equals(type, kinds[i].name))
				s->types |= kinds[i].type;
		known &= s->types != before;
	}
	if (!known)
		fault(faults, "types should be platform, function or extension, each once");
}

static void read_number(struct fa_json buffering, const char *name, uint64_t least, uint64_t most,
			uint32_t *out, struct faults *faults)
{
	struct fa_json given = fa_json_kind(buffering) == FA_JSON_OBJECT
				       ? fa_json_get(buffering, name)
				       : (struct fa_json){ NULL, 0 };
	uint64_t value;

	if (fa_json_kind(given) == FA_JSON_NONE)
		return;
	if (fa_json_kind(given) == FA_JSON_NUMBER && fa_json_uint(given, &value) &&
	    value >= least && value <= most)
		*out = (uint32_t)value;
	else
		fault_range(faults, name, least, most);
}

static void read_buffering(struct fa_json whole, const struct api *api, struct fa_subscription *s,
			   struct faults *faults)
{
	struct fa_json buffering = fa_json_get(whole, "buffering");

	s->max_items = api->max_items;
	s->max_bytes = 262144;
	s->timeout_ms = 1000;
	if (fa_json_kind(buffering) != FA_JSON_NONE && fa_json_kind(buffering) != FA_JSON_OBJECT)
		fault(faults, "buffering should be an object");
	read_number(buffering, "maxItems", 1000, 10000, &s->max_items, faults);
	read_number(buffering, "maxBytes", 262144, 1048576, &s->max_bytes, faults);
	read_number(buffering, "timeoutMs", 25, 30000, &s->timeout_ms, faults);
}

/* What follows the host. It becomes a line of a request: no blanks, no controls. */
static bool read_path(const char *from, struct fa_subscription *s)
{
	for (const char *c = from; *c; c++)
		if (*c <= ' ' || *c > '~' || *c == '#')
			return false;
	if (*from && *from != '/' && *from != '?')
		return false;
	return snprintf(s->path, sizeof(s->path), "%s%s", *from == '/' ? "" : "/", from) <
	       (int)sizeof(s->path);
}

/* http://sandbox.localdomain:PORT/PATH */
static void read_uri(struct fa_json destination, struct fa_subscription *s, struct faults *faults)
{
	static const char scheme[] = "http://";
	char uri[sizeof(s->path) + 64], *host = uri + strlen(scheme), *end;
	unsigned long port;
	size_t len;

	if (!read_string(fa_json_get(destination, "URI"), uri, sizeof(uri))) {
		fault(faults, "URI is not provided");
		return;
	}
	if (strncasecmp(uri, scheme, strlen(scheme)) != 0) {
		fault(faults, "Only 'http' scheme is supported");
		return;
	}
	len = strcspn(host, ":/?#");
	if (!(len == 7 && !strncasecmp(host, "sandbox", len)) &&
	    !(len == 19 && !strncasecmp(host, "sandbox.localdomain", len)))
		fault(faults, "Only 'sandbox.localdomain' hostname is supported");
	if (host[len] != ':' || host[len + 1] < '0' || host[len + 1] > '9') {
		fault(faults, "URI port is not provided");
		return;
	}
	port = strtoul(host + len + 1, &end, 10);
	if (!port || port > UINT16_MAX || !read_path(end, s))
		fault(faults, "URI is not valid");
	s->port = (uint16_t)port;
}

static void read_method(struct fa_json destination, struct fa_subscription *s,
			struct faults *faults)
{
	struct fa_json given = fa_json_get(destination, "method");

	strcpy(s->method, "POST");
	if (fa_json_kind(given) == FA_JSON_NONE || fa_json_equals(given, "POST"))
		return;
	if (!fa_json_equals(given, "PUT"))
		fault(faults, "method should be POST or PUT");
	strcpy(s->method, "PUT");
}

static void read_destination(struct fa_json whole, struct fa_subscription *s, struct faults *faults)
{
	struct fa_json destination = fa_json_get(whole, "destination");
	uint32_t port = 0;
	char protocol[8];

	if (fa_json_kind(destination) != FA_JSON_OBJECT) {
		fault(faults, "destination is not provided");
		return;
	}
	read_string(fa_json_get(destination, "protocol"), protocol, sizeof(protocol));
	if (!strcmp(protocol, "HTTP")) {
		read_uri(destination, s, faults);
		read_method(destination, s, faults);
	} else if (!strcmp(protocol, "TCP")) {
		s->tcp = true;
		read_number(destination, "port", 1, UINT16_MAX, &port, faults);
		s->port = (uint16_t)port;
		if (fa_json_kind(fa_json_get(destination, "port")) == FA_JSON_NONE)
			fault(faults, "port is not provided");
	} else {
		fault(faults, "protocol should be HTTP or TCP");
	}
}

static void read_subscription(struct faas_bytes body, const struct api *api,
			      struct fa_subscription *s, struct faults *faults)
{
	struct fa_json whole;
	int version;

	memset(s, 0, sizeof(*s));
	s->logs = api == LOGS;
	if (!fa_json_read(body.data, body.len, &whole) || fa_json_kind(whole) != FA_JSON_OBJECT) {
		fault(faults, "the body should be an object of JSON");
		return;
	}
	read_destination(whole, s, faults);
	read_types(whole, s, faults);
	version = read_version(whole, api, faults);
	read_buffering(whole, api, s, faults);
	if (s->logs && s->types & FA_TELEMETRY_PLATFORM) {
		s->types ^= FA_TELEMETRY_PLATFORM | FA_TELEMETRY_LOGS;
		s->types |= version ? FA_TELEMETRY_LOGS_DONE : 0;
	}
}

/* ---- subscriptions -------------------------------------------------------- */

static struct fa_courier *find(const struct fa_telemetry *t, const char *name)
{
	for (int i = 0; i < t->count; i++)
		if (!strcmp(t->at[i]->name, name))
			return t->at[i];
	return NULL;
}

static void tell_subscribed(struct fa_telemetry *t, const char *name, const char *state,
			    unsigned types)
{
	char record[FA_EXTENSION_NAME * 6 + 128];
	struct fa_text text = FA_TEXT(record);

	if (types & FA_TELEMETRY_LOGS)
		types |= FA_TELEMETRY_PLATFORM;
	fa_text_add(&text, "{");
	fa_member_text(&text, "name", name);
	fa_member_text(&text, "state", state);
	fa_member(&text, "types");
	fa_text_add(&text, "[");
	for (size_t i = 0, listed = 0; i < COUNT(kinds); i++) {
		if (!(types & kinds[i].type))
			continue;
		fa_text_add(&text, listed++ ? ",\"" : "\"");
		fa_text_add(&text, kinds[i].name);
		fa_text_add(&text, "\"");
	}
	fa_text_add(&text, "]}");
	fa_telemetry_event(t, "platform.telemetrySubscription", record);
}

static void say(struct fa_runtime_answer *answer, const char *text)
{
	snprintf(answer->text, sizeof(answer->text), "%s", text);
	fa_extensions_say(answer, 200);
}

static void subscribe(struct fa_telemetry *t, const char *name, const struct fa_subscription *s,
		      struct fa_runtime_answer *answer)
{
	struct fa_courier *courier = fa_courier_create(name, s, &t->address);

	if (!courier) {
		fa_extensions_refuse(answer, 500, "InternalServerError", "Internal Server Error");
		return;
	}
	t->at[t->count++] = courier;
	for (struct fa_history *h = t->first; h; h = h->next)
		if (s->types & h->type)
			fa_courier_add(courier, h->text, h->len, fa_telemetry_now());
	tell_subscribed(t, name, "Subscribed", s->types);
	say(answer, "\"OK\"");
}

/* Twice the same is one; something else would be a second one, and each has one. */
static void subscribe_again(struct fa_telemetry *t, const struct fa_courier *courier,
			    const struct fa_subscription *s, struct fa_runtime_answer *answer)
{
	if (memcmp(&courier->subscription, s, sizeof(*s)) != 0) {
		fa_extensions_refuse(answer, 400, apis[s->logs].invalid,
				     "The extension has another subscription already");
		return;
	}
	tell_subscribed(t, courier->name, "Already subscribed", s->types);
	say(answer, apis[s->logs].again);
}

/* Its path is that of the API, with or without a slash at its end. */
static bool is_of(const struct fa_http_request *request, const struct api *api)
{
	size_t len = strlen(api->path);

	return !strncmp(request->target, api->path, len) &&
	       (!request->target[len] || !strcmp(request->target + len, "/"));
}

bool fa_telemetry_meant(const struct fa_http_request *request)
{
	return is_of(request, TELEMETRY) || is_of(request, LOGS);
}

void fa_telemetry_take(struct fa_telemetry *t, struct fa_extensions *x,
		       const struct fa_http_request *request, struct fa_runtime_answer *answer)
{
	const struct api *api = is_of(request, LOGS) ? LOGS : TELEMETRY;
	struct faults faults = { .text = FA_TEXT(faults.data) };
	const struct fa_extension *extension;
	const struct fa_courier *courier;
	struct fa_subscription s;

	memset(answer, 0, sizeof(*answer));
	if (strcmp(request->method, "PUT") != 0) {
		answer->status = 405;
		return;
	}
	extension = fa_extensions_caller(x, request, answer);
	if (!extension)
		return;
	if (!t->open) {
		fa_extensions_refuse(answer, 403, api->closed,
				     api == LOGS ? "Logs API subscription is closed already" :
						   "Telemetry API subscription is closed already");
		return;
	}
	read_subscription(request->body, api, &s, &faults);
	if (s.port == ntohs(t->address.sin_port))
		fault(&faults, "the port is that of the Runtime API");
	courier = find(t, extension->name);
	if (faults.text.len)
		fa_extensions_refuse(answer, 400, api->invalid, faults.data);
	else if (courier)
		subscribe_again(t, courier, &s, answer);
	else
		subscribe(t, extension->name, &s, answer);
}

/* ---- events --------------------------------------------------------------- */

bool fa_telemetry_wanted(const struct fa_telemetry *t, unsigned types)
{
	for (int i = 0; i < t->count; i++)
		if (t->at[i]->subscription.types & types)
			return true;
	return t->open;
}

static void remember(struct fa_telemetry *t, enum fa_telemetry_type type,
		     const struct fa_text *text)
{
	struct fa_history *h =
		t->kept + text->len > FA_TELEMETRY_HISTORY ? NULL : malloc(sizeof(*h) + text->len);

	if (!h)
		return;
	*h = (struct fa_history){ .type = type, .len = text->len };
	memcpy(h->text, text->data, text->len);
	*t->last = h;
	t->last = &h->next;
	t->kept += text->len;
}

static void begin(struct fa_text *text, struct fa_instant at, const char *type)
{
	fa_text_add(text, "{\"time\":\"");
	fa_text_time(text, at.unix_ms);
	fa_text_add(text, "\"");
	fa_member_text(text, "type", type);
	fa_member(text, "record");
}

static void end(struct fa_telemetry *t, enum fa_telemetry_type type, struct fa_text *text,
		struct fa_instant at)
{
	fa_text_add(text, "}");
	if (text->cut)
		return;
	for (int i = 0; i < t->count; i++)
		if (t->at[i]->subscription.types & type)
			fa_courier_add(t->at[i], text->data, text->len, at);
	if (t->open)
		remember(t, type, text);
}

static void tell(struct fa_telemetry *t, enum fa_telemetry_type wanted, const char *type,
		 const char *record)
{
	char event[4096];
	struct fa_text text = FA_TEXT(event);
	struct fa_instant at = fa_telemetry_now();

	if (!fa_telemetry_wanted(t, wanted))
		return;
	begin(&text, at, type);
	fa_text_add(&text, record);
	end(t, wanted, &text, at);
}

void fa_telemetry_event(struct fa_telemetry *t, const char *type, const char *record)
{
	tell(t, FA_TELEMETRY_PLATFORM, type, record);
	for (size_t i = 0; i < COUNT(logs); i++)
		if (!strcmp(type, logs[i].type))
			tell(t, logs[i].wanted, logs[i].name, record);
}

void fa_telemetry_ended(struct fa_telemetry *t, const char *record)
{
	tell(t, FA_TELEMETRY_LOGS, "platform.end", record);
}

/* Static: each byte may become six. */
void fa_telemetry_line(struct fa_telemetry *t, enum fa_telemetry_type type, const char *line,
		       size_t len)
{
	static char event[FA_TAP_LINE * 6 + 128];
	struct fa_text text = FA_TEXT(event);
	bool json = !strcmp(t->log_format, "JSON") && len && *line == '{';
	struct fa_instant at;

	if (!len || !fa_telemetry_wanted(t, type))
		return;
	at = fa_telemetry_now();
	begin(&text, at, type == FA_TELEMETRY_FUNCTION ? "function" : "extension");
	if (json && fa_json_valid(line, len, NULL)) {
		fa_text_bytes(&text, line, len);
	} else {
		fa_text_add(&text, "\"");
		fa_text_json(&text, line, len);
		fa_text_add(&text, "\"");
	}
	end(t, type, &text, at);
}

/* ---- life ----------------------------------------------------------------- */

void fa_telemetry_init(struct fa_telemetry *t, const struct sockaddr_in *api,
		       const char *log_format)
{
	memset(t, 0, sizeof(*t));
	t->address = *api;
	t->log_format = log_format;
	t->open = true;
	t->last = &t->first;
}

void fa_telemetry_close(struct fa_telemetry *t)
{
	t->open = false;
	while (t->first) {
		struct fa_history *h = t->first;

		t->first = h->next;
		free(h);
	}
}

int fa_telemetry_fill(const struct fa_telemetry *t, struct pollfd fds[FA_EXTENSIONS_MAX])
{
	for (int i = 0; i < t->count; i++)
		fds[i] = fa_courier_poll(t->at[i]);
	return t->count;
}

void fa_telemetry_serve(struct fa_telemetry *t, const struct pollfd *fds, int count)
{
	for (int i = 0; i < count; i++)
		fa_courier_serve(t->at[i], fds[i].revents, fa_telemetry_now().ns);
}

bool fa_telemetry_look(struct fa_telemetry *t, bool flush, int64_t now_ns)
{
	bool busy = false;

	for (int i = 0; i < t->count; i++)
		busy |= fa_courier_look(t->at[i], flush, now_ns);
	return busy;
}

int64_t fa_telemetry_left_ns(const struct fa_telemetry *t, int64_t now_ns)
{
	int64_t least = -1;

	for (int i = 0; i < t->count; i++) {
		int64_t left = fa_courier_left_ns(t->at[i], now_ns);

		if (left >= 0 && (least < 0 || left < least))
			least = left;
	}
	return least;
}

void fa_telemetry_woken(struct fa_telemetry *t, int64_t now_ns)
{
	for (int i = 0; i < t->count; i++)
		fa_courier_woken(t->at[i], now_ns);
}
