/* SPDX-License-Identifier: MIT */
/*
 * The page is three files that are built in. Once a second its readers get what has
 * changed as server-sent events, one text for all of them; without readers
 * nothing ticks. Whoever reads too slowly misses a second and nothing else.
 */
#include "server.h"

#include <stdlib.h>
#include <string.h>

#include "files.h"

#define READERS 64
#define ROWS 500 /* versions that are shown */
#define TICK_MS 1000

static struct faas_http_page *readers[READERS];
static int reader_count;
static uint64_t lines_sent;
static uv_timer_t ticker;
static struct faas *runtime;
static bool closed;

/* ---- what goes on ---------------------------------------------------- */

static json_t *text(const char *words)
{
	return text_of(words, strlen(words));
}

static bool add_version(void *data, const struct faas_function_info *info)
{
	struct totals t = count_of(info->name, info->version);
	bool used = info->environments_idle || info->environments_busy ||
		    info->environments_starting || t.invocations > 0 || t.throttles > 0;

	if (used || !strcmp(info->version, "$LATEST"))
		json_array_append_new(
			data,
			json_pack("{ss ss ss so ss so ss so si si si si si si si si"
				  " sf sf sf sf sf sf}",
				  "name", info->name, "version", info->version, "handler",
				  info->handler, "description", text(info->description), "state",
				  info->state, "stateReason", text(info->state_reason), "update",
				  info->update_status, "updateReason", text(info->update_reason),
				  "memory", info->memory_mb, "timeout", info->timeout_ms, "limit",
				  info->max_concurrency, "provisioned", info->provisioned_requested,
				  "warm", info->environments_idle - info->environments_cold, "cold",
				  info->environments_cold, "busy", info->environments_busy,
				  "starting", info->environments_starting, "invocations",
				  t.invocations, "errors", t.errors, "throttles", t.throttles,
				  "mean", t.mean_ms, "longest", t.longest_ms, "peak", t.peak));
	return json_array_size(data) < ROWS;
}

static json_t *state(void)
{
	struct faas_stats s = { .size = sizeof(s) };
	json_t *functions = json_array();

	faas_version_list(runtime, add_version, functions);
	faas_stats(runtime, &s);
	return json_pack("{so sI sI sI sI si si sf}", "functions", functions, "invocations",
			 (json_int_t)s.invocations, "errors", (json_int_t)s.errors, "throttles",
			 (json_int_t)s.throttles, "coldStarts", (json_int_t)s.cold_starts, "queued",
			 s.queued, "events", s.events_queued + s.events_in_flight, "cost", s.cost);
}

/* "event: NAME" with its data, behind what is there. */
static void put_event(FILE *out, const char *name, json_t *data)
{
	fprintf(out, "event: %s\ndata: ", name);
	json_dumpf(data, out, JSON_COMPACT);
	fputs("\n\n", out);
	json_decref(data);
}

/* To be freed. Lines after that of this number. */
static struct faas_bytes news(uint64_t *number)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	put_event(out, "state", state());
	put_event(out, "lines", log_since(number));
	fclose(out);
	return (struct faas_bytes){ text, len };
}

/* ---- readers --------------------------------------------------------- */

static void on_tick(uv_timer_t *timer)
{
	struct faas_bytes text = news(&lines_sent);
	int kept = 0;

	for (int i = 0; i < reader_count; i++) {
		if (faas_http_write(readers[i], text) == FAAS_ECANCELED)
			faas_http_end(readers[i]);
		else
			readers[kept++] = readers[i];
	}
	free((void *)text.data);
	reader_count = kept;
	if (!kept)
		uv_timer_stop(timer);
}

static void add_reader(struct faas_http_page *page)
{
	static const char *const headers[] = { "Content-Type: text/event-stream",
					       "Cache-Control: no-store", NULL };
	struct faas_bytes text;
	uint64_t from = 0;

	if (closed || reader_count == READERS) {
		faas_http_answer(page, FAAS_HTTP_MESSAGE(.status = 503), false);
		return;
	}
	if (reader_count)
		on_tick(&ticker); /* so that all have the same lines */
	text = news(&from);
	lines_sent = from;
	readers[reader_count++] = page;
	faas_http_answer(page, FAAS_HTTP_MESSAGE(.status = 200, .headers = headers, .body = text),
			 true);
	free((void *)text.data);
	uv_timer_start(&ticker, on_tick, TICK_MS, TICK_MS);
}

/* ---- files ----------------------------------------------------------- */

static void answer(struct faas_http_page *page, const char *type, struct faas_bytes body)
{
	char content_type[80];
	const char *const headers[] = {
		content_type,
		"Cache-Control: no-store",
		"Content-Security-Policy: default-src 'self'; img-src data:; "
		"frame-ancestors 'none'",
		"X-Content-Type-Options: nosniff",
		NULL,
	};

	snprintf(content_type, sizeof(content_type), "Content-Type: %s", type);
	faas_http_answer(page, FAAS_HTTP_MESSAGE(.status = 200, .headers = headers, .body = body),
			 false);
}

static void answer_metrics(struct faas_http_page *page)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	count_print(out, runtime);
	fclose(out);
	answer(page, "text/plain; version=0.0.4; charset=utf-8", (struct faas_bytes){ text, len });
	free(text);
}

static const struct file {
	const char *path, *type;
	const void *data;
	size_t len;
} files[] = {
	{ "/", "text/html; charset=utf-8", page_html, sizeof(page_html) },
	{ "/page.css", "text/css; charset=utf-8", page_css, sizeof(page_css) },
	{ "/page.js", "text/javascript; charset=utf-8", page_js, sizeof(page_js) },
};

static const struct file *find_file(const char *path)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		if (!strcmp(files[i].path, path))
			return &files[i];
	return NULL;
}

static void ask_who(struct faas_http_page *page)
{
	static const char *const headers[] = { "WWW-Authenticate: Basic realm=\"lambda-server\"",
					       NULL };

	faas_http_answer(page, FAAS_HTTP_MESSAGE(.status = 401, .headers = headers), false);
}

/* What is no page is the API's to refuse, whoever asks. */
bool page_show(void *data, struct faas_http_page *page, const struct faas_http_message *request)
{
	bool get = !strcmp(request->method, "GET");
	bool shown = get || !strcmp(request->method, "HEAD");
	bool events = get && !strcmp(request->target, "/events");
	bool metrics = shown && !strcmp(request->target, "/metrics");
	const struct file *file = shown ? find_file(request->target) : NULL;

	(void)data;
	if (!events && !metrics && !file && !queues_know(request))
		return false;
	if (!keys_allow(request))
		ask_who(page);
	else if (events)
		add_reader(page);
	else if (metrics)
		answer_metrics(page);
	else if (file)
		answer(page, file->type, (struct faas_bytes){ file->data, file->len });
	else
		queues_show(runtime, page, request);
	return true;
}

/* ---- life ------------------------------------------------------------ */

void page_open(uv_loop_t *loop, struct faas *rt)
{
	runtime = rt;
	uv_timer_init(loop, &ticker);
}

void page_close(void)
{
	closed = true;
	for (int i = 0; i < reader_count; i++)
		faas_http_end(readers[i]);
	reader_count = 0;
	uv_close((uv_handle_t *)&ticker, NULL);
}
