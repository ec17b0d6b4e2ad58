/* SPDX-License-Identifier: MIT */
#include <worker/program/platform.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <base/member.h>
#include <base/proc.h>

#define RECORD 2048

static void put_status(struct fa_text *text, const char *error_type)
{
	fa_member_text(text, "status", error_type ? "error" : "success");
	if (error_type)
		fa_member_text(text, "errorType", error_type);
}

static bool is_wanted(const struct fa_platform *p)
{
	return fa_telemetry_wanted(p->telemetry, FA_TELEMETRY_PLATFORM | FA_TELEMETRY_LOGS);
}

static const char *error_of(const struct fa_platform *p)
{
	return *p->error_type ? p->error_type : NULL;
}

/* ---- init ----------------------------------------------------------------- */

static void put_phase(const struct fa_platform *p, struct fa_text *text)
{
	const char *kind = fa_settings_getenv(p->run->variables, "AWS_LAMBDA_INITIALIZATION_TYPE");

	fa_member_text(text, "initializationType", kind ? kind : "on-demand");
	fa_member_text(text, "phase", "init");
}

void fa_platform_init(struct fa_platform *p, struct fa_telemetry *telemetry,
		      const struct fa_run *run)
{
	char record[RECORD];
	struct fa_text text = FA_TEXT(record);

	memset(p, 0, sizeof(*p));
	p->telemetry = telemetry;
	p->run = run;
	p->init_start_ns = fa_telemetry_now().ns;
	fa_text_add(&text, "{");
	put_phase(p, &text);
	fa_member_text(&text, "functionName", run->settings.function);
	fa_member_text(&text, "functionVersion", run->settings.version);
	fa_text_add(&text, "}");
	fa_telemetry_event(telemetry, "platform.initStart", record);
}

void fa_platform_runtime_done(struct fa_platform *p, const char *error_type)
{
	char record[RECORD];
	struct fa_text text = FA_TEXT(record);

	if (p->initialized)
		return;
	p->initialized = true;
	fa_text_add(&text, "{");
	put_phase(p, &text);
	put_status(&text, error_type);
	fa_text_add(&text, "}");
	fa_telemetry_event(p->telemetry, "platform.initRuntimeDone", record);
}

static void tell_extension(const struct fa_platform *p, const struct fa_extension *extension)
{
	char record[RECORD];
	struct fa_text text = FA_TEXT(record);

	fa_text_add(&text, "{");
	fa_member_text(&text, "name", extension->name);
	fa_member_text(&text, "state", "Ready");
	fa_member(&text, "events");
	fa_text_add(&text, extension->invoke && extension->shutdown ? "[\"INVOKE\",\"SHUTDOWN\"]}"
			   : extension->invoke                      ? "[\"INVOKE\"]}"
			   : extension->shutdown                    ? "[\"SHUTDOWN\"]}"
								    : "[]}");
	fa_telemetry_event(p->telemetry, "platform.extension", record);
}

void fa_platform_init_done(struct fa_platform *p, const struct fa_extensions *extensions,
			   int64_t now_ns)
{
	char record[RECORD];
	struct fa_text text = FA_TEXT(record);

	p->init_ns = now_ns - p->init_start_ns;
	for (int i = 0; i < extensions->count; i++)
		if (extensions->at[i].state != FA_EXTENSION_STARTED)
			tell_extension(p, &extensions->at[i]);
	fa_text_add(&text, "{");
	put_phase(p, &text);
	fa_member_object(&text, "metrics");
	fa_member_ms(&text, "durationMs", p->init_ns);
	fa_text_add(&text, "}}");
	fa_telemetry_event(p->telemetry, "platform.initReport", record);
}

void fa_platform_restores(struct fa_platform *p, int64_t now_ns)
{
	char record[RECORD];
	struct fa_text text = FA_TEXT(record);

	p->restore_start_ns = now_ns;
	fa_text_add(&text, "{");
	fa_member_text(&text, "functionName", p->run->settings.function);
	fa_member_text(&text, "functionVersion", p->run->settings.version);
	fa_text_add(&text, "}");
	fa_telemetry_event(p->telemetry, "platform.restoreStart", record);
}

void fa_platform_restored(struct fa_platform *p, int64_t now_ns)
{
	char record[RECORD];
	struct fa_text text = FA_TEXT(record);

	if (!p->restore_start_ns)
		return;
	fa_telemetry_event(p->telemetry, "platform.restoreRuntimeDone", "{\"status\":\"success\"}");
	fa_text_add(&text, "{");
	put_status(&text, NULL);
	fa_member_object(&text, "metrics");
	fa_member_ms(&text, "durationMs", now_ns - p->restore_start_ns);
	fa_text_add(&text, "}}");
	fa_telemetry_event(p->telemetry, "platform.restoreReport", record);
	p->restore_start_ns = 0;
}

/* ---- what it uses --------------------------------------------------------- */

/* As REPORT has it (env/meter.c), of all that are in here and at the same times. */
static int64_t used_mb(struct fa_platform *p)
{
	struct fa_usage usage = { 0 };
	const struct dirent *entry;
	DIR *all = opendir("/proc");

	while (all && (entry = readdir(all)))
		if (*entry->d_name >= '1' && *entry->d_name <= '9')
			fa_usage_add(&usage, atoi(entry->d_name));
	if (all)
		closedir(all);
	if (fa_usage_kb(&usage) > p->used_kb)
		p->used_kb = fa_usage_kb(&usage);
	return (p->used_kb + 1023) / 1024;
}

/* ---- events --------------------------------------------------------------- */

static void put_tracing(struct fa_text *text, const struct faas_context *context)
{
	if (!context->trace_id)
		return;
	fa_member_object(text, "tracing");
	fa_member_text(text, "type", "X-Amzn-Trace-Id");
	fa_member_text(text, "value", context->trace_id);
	fa_text_add(text, "}");
}

void fa_platform_begin(struct fa_platform *p, const struct faas_context *context,
		       struct fa_instant now)
{
	char record[RECORD];
	struct fa_text text = FA_TEXT(record);

	fa_platform_all_wait(p, now.ns);
	if (!is_wanted(p))
		return;
	p->state = FA_PLATFORM_RUNNING;
	p->begun = now;
	p->responded_ns = 0;
	snprintf(p->request_id, sizeof(p->request_id), "%s", context->request_id);
	fa_text_add(&text, "{");
	fa_member_text(&text, "requestId", p->request_id);
	fa_member_text(&text, "version", p->run->settings.version);
	put_tracing(&text, context);
	if (context->tenant_id)
		fa_member_text(&text, "tenantId", context->tenant_id);
	fa_text_add(&text, "}");
	fa_telemetry_event(p->telemetry, "platform.start", record);
}

void fa_platform_responds(struct fa_platform *p, int64_t now_ns)
{
	p->responded_ns = now_ns;
}

void fa_platform_answered(struct fa_platform *p, const char *error_type, uint64_t produced,
			  int64_t now_ns)
{
	if (p->state != FA_PLATFORM_RUNNING)
		return;
	p->state = FA_PLATFORM_ANSWERED;
	p->answered_ns = now_ns;
	if (!p->responded_ns)
		p->responded_ns = now_ns;
	p->produced = produced;
	snprintf(p->error_type, sizeof(p->error_type), "%s", error_type ? error_type : "");
}

static void put_span(const struct fa_platform *p, struct fa_text *text, const char *name,
		     int64_t from_ns, int64_t to_ns)
{
	fa_text_add(text, text->data[text->len - 1] == '[' ? "{" : ",{");
	fa_member_text(text, "name", name);
	fa_member(text, "start");
	fa_text_add(text, "\"");
	fa_text_time(text, p->begun.unix_ms + (from_ns - p->begun.ns) / 1000000);
	fa_text_add(text, "\"");
	fa_member_ms(text, "durationMs", to_ns - from_ns);
	fa_text_add(text, "}");
}

void fa_platform_runtime_waits(struct fa_platform *p, int64_t now_ns)
{
	char record[RECORD];
	struct fa_text text = FA_TEXT(record);

	if (p->state != FA_PLATFORM_ANSWERED)
		return;
	p->state = FA_PLATFORM_DONE;
	fa_text_add(&text, "{");
	fa_member_text(&text, "requestId", p->request_id);
	put_status(&text, error_of(p));
	fa_member_object(&text, "metrics");
	fa_member_ms(&text, "durationMs", now_ns - p->begun.ns);
	fa_member_int(&text, "producedBytes", (int64_t)p->produced);
	fa_text_add(&text, "}");
	fa_member(&text, "spans");
	fa_text_add(&text, "[");
	put_span(p, &text, "responseLatency", p->begun.ns, p->responded_ns);
	put_span(p, &text, "responseDuration", p->responded_ns, p->answered_ns);
	put_span(p, &text, "runtimeOverhead", p->answered_ns, now_ns);
	fa_text_add(&text, "]}");
	fa_telemetry_event(p->telemetry, "platform.runtimeDone", record);
}

/* As it is billed on demand: with the init that this event had to wait for. */
static void put_metrics(struct fa_platform *p, struct fa_text *text)
{
	int64_t init_ns = p->run->provisioned ? 0 : p->init_ns;
	int64_t took_ns = p->answered_ns - p->begun.ns, used = used_mb(p);

	fa_member_object(text, "metrics");
	fa_member_ms(text, "durationMs", took_ns);
	fa_member_int(text, "billedDurationMs", (took_ns + init_ns + 999999) / 1000000);
	fa_member_int(text, "memorySizeMB", p->run->memory_mb);
	if (used)
		fa_member_int(text, "maxMemoryUsedMB", used);
	if (init_ns)
		fa_member_ms(text, "initDurationMs", init_ns);
	fa_text_add(text, "}");
}

static void tell_ended(const struct fa_platform *p)
{
	char record[RECORD];
	struct fa_text text = FA_TEXT(record);

	fa_text_add(&text, "{");
	fa_member_text(&text, "requestId", p->request_id);
	fa_text_add(&text, "}");
	fa_telemetry_ended(p->telemetry, record);
}

void fa_platform_all_wait(struct fa_platform *p, int64_t now_ns)
{
	char record[RECORD];
	struct fa_text text = FA_TEXT(record);

	fa_platform_runtime_waits(p, now_ns);
	if (p->state != FA_PLATFORM_DONE)
		return;
	p->state = FA_PLATFORM_QUIET;
	tell_ended(p);
	fa_text_add(&text, "{");
	fa_member_text(&text, "requestId", p->request_id);
	put_metrics(p, &text);
	put_status(&text, error_of(p));
	fa_text_add(&text, "}");
	p->init_ns = 0;
	fa_telemetry_event(p->telemetry, "platform.report", record);
}
