/* SPDX-License-Identifier: MIT */
/*
 * One record stands for several events: what began with a cold start begins with
 * platform.initStart, and what ends tells of its init first. Each event has its
 * own level, and is not put together if nobody will be shown it.
 */
#include <outcome/record_json.h>

#include <string.h>

#include <base/member.h>
#include <model/function.h>

struct page {
	const struct fa_record *record;
	const struct fa_version *version;
	fa_json_line_fn line;
	void *data;
	struct fa_text text;
};

static void close_object(struct fa_text *text)
{
	fa_text_add(text, "}");
}

/* False: it is below the function's level. */
static bool begin(struct page *page, enum faas_level level, const char *type, int64_t unix_ms)
{
	struct fa_text *text = &page->text;

	if (level < page->version->logging.system)
		return false;
	text->len = 0;
	text->cut = false;
	fa_text_add(text, "{\"time\":\"");
	fa_text_time(text, unix_ms);
	fa_text_add(text, "\"");
	fa_member_text(text, "type", type);
	fa_member_object(text, "record");
	return true;
}

static void end(struct page *page, enum faas_level level)
{
	close_object(&page->text);
	close_object(&page->text);
	page->line(page->data, level, page->record, page->text.data, page->text.len);
}

/* Lambda's words: a timeout, an end that was no answer (error), else what it should be. */
static const char *status_of(const struct fa_record *record, bool timed_out)
{
	if (timed_out)
		return "timeout";
	return record->failed ? "error" : "success";
}

static void put_status(struct fa_text *text, const struct fa_record *record, bool timed_out)
{
	fa_member_text(text, "status", status_of(record, timed_out));
	if (record->failed && !timed_out)
		fa_member_text(text, "errorType", fa_record_error_type(record));
}

/* ---- init ------------------------------------------------------------ */

static void put_phase(struct page *page)
{
	const struct fa_record *record = page->record;

	fa_member_text(&page->text, "initializationType",
		       page->version->snapshot ? "snap-start" :
		       record->ahead	       ? "provisioned-concurrency" : "on-demand");
	fa_member_text(&page->text, "phase", record->suppressed ? "invoke" : "init");
}

static void init_start(struct page *page, int64_t unix_ms)
{
	const struct fa_record *record = page->record;

	if (!begin(page, FAAS_DEBUG,
		   record->restored ? "platform.restoreStart" : "platform.initStart", unix_ms))
		return;
	if (!record->restored)
		put_phase(page);
	fa_member_text(&page->text, "functionName", page->version->config.name);
	fa_member_text(&page->text, "functionVersion", page->version->qualifier);
	end(page, FAAS_DEBUG);
}

/* What init came to; `metrics`: with what it took. */
static void init_end(struct page *page, const char *type, enum faas_level level, bool failed,
		     bool metrics, int64_t unix_ms)
{
	const struct fa_record *record = page->record;

	if (!begin(page, level, type, unix_ms))
		return;
	if (!record->restored)
		put_phase(page);
	if (failed)
		put_status(&page->text, record, record->init_timed_out);
	else
		fa_member_text(&page->text, "status", "success");
	if (metrics) {
		fa_member_object(&page->text, "metrics");
		fa_member_ms(&page->text, "durationMs", record->init_ns);
		close_object(&page->text);
	}
	end(page, level);
}

static void init_ends(struct page *page, bool failed, int64_t unix_ms)
{
	const struct fa_record *record = page->record;
	enum faas_level done = failed ? FAAS_WARN : FAAS_DEBUG, reported = done;

	if (!failed && (record->restored || record->ahead))
		reported = FAAS_INFO;
	init_end(page,
		 record->restored ? "platform.restoreRuntimeDone" : "platform.initRuntimeDone",
		 done, failed, false, unix_ms);
	init_end(page, record->restored ? "platform.restoreReport" : "platform.initReport",
		 reported, failed, true, unix_ms);
}

/* ---- the invocation --------------------------------------------------- */

/* The span is the function's own segment: one that does not trace has none. */
static void put_trace(struct page *page)
{
	const char *header = page->record->trace;
	char span[17];

	if (!header)
		return;
	fa_member_object(&page->text, "tracing");
	if (page->version->traced) {
		fa_trace_field(span, sizeof(span), header, "Parent");
		fa_member_text(&page->text, "spanId", span);
	}
	fa_member_text(&page->text, "type", "X-Amzn-Trace-Id");
	fa_member_text(&page->text, "value", header);
	close_object(&page->text);
}

static void start(struct page *page)
{
	if (!begin(page, FAAS_INFO, "platform.start", page->record->unix_ms))
		return;
	fa_member_text(&page->text, "requestId", page->record->request_id);
	fa_member_text(&page->text, "version", page->version->qualifier);
	put_trace(page);
	end(page, FAAS_INFO);
}

static void runtime_done(struct page *page)
{
	const struct fa_record *record = page->record;
	enum faas_level level = record->failed ? FAAS_WARN : FAAS_DEBUG;

	if (!begin(page, level, "platform.runtimeDone", record->unix_ms))
		return;
	fa_member_text(&page->text, "requestId", record->request_id);
	put_status(&page->text, record, record->timed_out);
	fa_member_object(&page->text, "metrics");
	fa_member_ms(&page->text, "durationMs", record->duration_ns);
	fa_member_int(&page->text, "producedBytes", record->produced);
	close_object(&page->text);
	put_trace(page);
	end(page, level);
}

static void put_metrics(struct fa_text *text, const struct fa_record *record)
{
	fa_member_object(text, "metrics");
	fa_member_ms(text, "durationMs", record->duration_ns);
	fa_member_int(text, "billedDurationMs", record->billed_ms);
	fa_member_int(text, "memorySizeMB", record->memory_mb);
	fa_member_int(text, "maxMemoryUsedMB", (record->peak_kb + 1023) / 1024);
	if (record->init_ns > 0)
		fa_member_ms(text, record->restored ? "restoreDurationMs" : "initDurationMs",
		       record->init_ns);
	if (record->init_ns > 0 && record->restored)
		fa_member_int(text, "billedRestoreDurationMs",
			       (record->init_ns + 999999) / 1000000);
	close_object(text);
}

static void report(struct page *page)
{
	const struct fa_record *record = page->record;
	enum faas_level level = record->failed ? FAAS_WARN : FAAS_INFO;

	if (!begin(page, level, "platform.report", record->unix_ms))
		return;
	fa_member_text(&page->text, "requestId", record->request_id);
	put_metrics(&page->text, record);
	put_status(&page->text, record, record->timed_out);
	end(page, level);
}

/* ---- records ---------------------------------------------------------- */

/* Its init ended before the handler began. */
static int64_t init_end_ms(const struct fa_record *record)
{
	return record->unix_ms - (record->duration_ns > 0 ? record->duration_ns / 1000000 : 0);
}

static void tell_end(struct page *page)
{
	if (page->record->init_ns > 0)
		init_ends(page, false, init_end_ms(page->record));
	runtime_done(page);
	report(page);
}

static void tell_init(struct page *page)
{
	const struct fa_record *record = page->record;
	bool failed = record->failed || record->init_timed_out;

	if (record->ahead)
		init_start(page, record->unix_ms - record->init_ns / 1000000);
	init_ends(page, failed, record->unix_ms);
}

void fa_render_json(const struct fa_record *record, const struct fa_version *version,
		    fa_json_line_fn line, void *data)
{
	char bytes[FA_JSON_RECORD_MAX];
	struct page page = { record, version, line, data, FA_TEXT(bytes) };

	switch (record->kind) {
	case FA_RECORD_START:
		if (record->cold)
			init_start(&page, record->unix_ms);
		start(&page);
		break;
	case FA_RECORD_END:
		tell_end(&page);
		break;
	case FA_RECORD_INIT:
		tell_init(&page);
		break;
	default:
		break;
	}
}

size_t fa_render_json_dropped(char out[FA_JSON_RECORD_MAX], int64_t unix_ms, uint64_t bytes)
{
	struct fa_text text = { .data = out, .size = FA_JSON_RECORD_MAX };

	fa_text_add(&text, "{\"time\":\"");
	fa_text_time(&text, unix_ms);
	fa_text_add(&text, "\",\"type\":\"platform.logsDropped\",\"record\":{\"reason\":"
			   "\"the function's budget of log bytes is used up\"");
	fa_member_int(&text, "droppedBytes", (int64_t)bytes);
	fa_text_add(&text, "}}");
	return text.len;
}
