/* SPDX-License-Identifier: MIT */
/* Requests of the program, which are of the one API or the other, and what comes of them. */
#include <worker/program/state.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <base/error.h>
#include <worker/program/launch.h>

#define RESTORE_NS INT64_C(10000000000)

void fa_program_init_is_over(struct fa_program *p, int phase)
{
	p->phase = phase;
	p->finished_ns = fa_program_now_ns();
	fa_platform_runtime_done(&p->platform,
				 phase == FA_PROGRAM_BROKEN ? p->call.failure.type : NULL);
	fa_platform_init_done(&p->platform, &p->extensions, p->finished_ns);
	fa_telemetry_close(&p->telemetry);
	atomic_store(&p->areas.response->init_done_ns, (uint64_t)p->finished_ns);
}

static void start_runtime(struct fa_program *p)
{
	struct fa_launch_fds fds = { .frames = p->frames.program_fd };

	if (p->extensions.count)
		fa_tap_open(&p->output);
	fds.output = p->output.writer;
	p->runtime = fa_launch(p->run, &fds, &p->call.failure);
	fa_frames_given(&p->frames);
	fa_tap_given(&p->output);
	if (p->runtime < 0)
		fa_program_init_is_over(p, FA_PROGRAM_BROKEN);
}

static void keep_error(struct fa_program *p)
{
	const struct fa_runtime_result *result = &p->api.result;

	p->error_len = result->too_large ? 0 : result->body.len;
	p->error = malloc(p->error_len + 1);
	if (p->error)
		memcpy(p->error, result->body.data, p->error_len);
	memcpy(p->call.failure.type, result->type, sizeof(result->type));
	fa_program_init_is_over(p, FA_PROGRAM_BROKEN);
}

/* Who asks again has given up what it asked before. */
static void wait_for_event(struct fa_program *p, struct fa_connection *from)
{
	if (p->waiter)
		fa_server_answer(p->waiter, 503, NULL, 0, (struct faas_bytes){ "", 0 });
	p->waiter = from;
}

/* The runtime waits for an event, and so does every extension. */
void fa_program_look_at_init(struct fa_program *p)
{
	if (p->phase != FA_PROGRAM_STARTING)
		return;
	if (p->runtime <= 0 && fa_extensions_registered(&p->extensions))
		start_runtime(p);
	else if (p->extensions.closed && fa_extensions_ready(&p->extensions))
		fa_program_init_is_over(p, FA_PROGRAM_SERVING);
}

/* No environment goes on without one of its extensions. */
void fa_program_fail(struct fa_program *p, const char *type, const char *message)
{
	if (p->open) {
		fa_program_fail_event(p, type, message);
		fa_program_answer(p);
	}
	if (p->phase != FA_PROGRAM_STARTING)
		_exit(1);
	fa_error_typed(&p->call.failure, FAAS_EFUNCTION, type, "%s", message);
	fa_program_init_is_over(p, FA_PROGRAM_BROKEN);
}

/* ---- restore --------------------------------------------------------------- */

/* A runtime that has lost its connection by now is told when it asks again. */
void fa_program_restore(struct fa_program *p)
{
	struct fa_connection *waiter = p->waiter;
	struct fa_runtime_answer reply;

	p->restore_ns = fa_program_now_ns() + RESTORE_NS;
	p->waiter = NULL;
	if (!waiter)
		return;
	fa_runtime_restore(&p->api, &reply);
	fa_server_answer(waiter, reply.status, reply.fields, reply.field_count, reply.body);
}

/* What is not restored serves no event: the next one begins with another process. */
static _Noreturn void end_unrestored(struct fa_program *p)
{
	fa_program_answer(p);
	_exit(FA_RUN_INIT_FAILED);
}

static _Noreturn void fail_restore(struct fa_program *p)
{
	const struct fa_runtime_result *result = &p->api.result;
	struct faas_bytes none = { "", 0 };

	fa_context_fail_body(&p->call, FA_INIT_FAILED, result->type,
			     result->too_large ? none : result->body);
	end_unrestored(p);
}

void fa_program_look_at_restore(struct fa_program *p)
{
	char text[128];

	if (!p->restore_ns || fa_program_now_ns() < p->restore_ns)
		return;
	snprintf(text, sizeof(text), "RequestId: %s Error: The runtime was not restored in time",
		 p->call.context.request_id);
	fa_context_fail(&p->call, FA_INIT_FAILED, "SnapStartTimeoutException", text);
	end_unrestored(p);
}

/* ---- requests of all kinds ------------------------------------------------ */

static void serve_extension(struct fa_program *p, struct fa_connection *from,
			    const struct fa_http_request *request)
{
	struct fa_runtime_answer reply;
	enum fa_runtime_step step = fa_extensions_take(&p->extensions, request, from, &reply);

	if (step != FA_RUNTIME_WAIT)
		fa_server_answer(from, reply.status, reply.fields, reply.field_count, reply.body);
	if (step == FA_RUNTIME_RESULT)
		fa_program_fail(p, p->extensions.error, "an extension gave up");
	else
		fa_program_look_at_init(p);
}

static void serve_telemetry(struct fa_program *p, struct fa_connection *from,
			    const struct fa_http_request *request)
{
	struct fa_runtime_answer reply;

	fa_telemetry_take(&p->telemetry, &p->extensions, request, &reply);
	fa_server_answer(from, reply.status, reply.fields, reply.field_count, reply.body);
}

/* It waits for an event, the first or the next one. */
static void runtime_waits(struct fa_program *p)
{
	fa_platform_runtime_done(&p->platform, NULL);
	fa_platform_runtime_waits(&p->platform, fa_program_now_ns());
}

static void event_is_taken(struct fa_program *p)
{
	atomic_store(&p->areas.response->resetting, 0);
	p->restore_ns = 0;
	fa_platform_restored(&p->platform, fa_program_now_ns());
}

void fa_program_on_request(void *data, struct fa_connection *from,
			   const struct fa_http_request *request)
{
	struct fa_program *p = data;
	struct fa_runtime_answer reply;
	enum fa_runtime_step step;

	if (fa_extensions_meant(request)) {
		serve_extension(p, from, request);
		return;
	}
	if (fa_telemetry_meant(request)) {
		serve_telemetry(p, from, request);
		return;
	}
	if (from == p->stream) {
		fa_program_finish_parts(p, from, request);
		return;
	}
	if (p->cut_ns)
		fa_program_cut_parts(p); /* whoever asks is not dead */
	step = fa_runtime_take(&p->api, request, &reply);
	if (step == FA_RUNTIME_RESULT && p->api.state == FA_RUNTIME_INIT_FAILED)
		keep_error(p);
	else if (step == FA_RUNTIME_RESULT && p->api.state == FA_RUNTIME_RESTORE_FAILED)
		fail_restore(p);
	else if (step == FA_RUNTIME_RESULT)
		fa_program_finish(p);
	else if (p->api.state == FA_RUNTIME_RUNNING)
		event_is_taken(p);
	if (p->api.state == FA_RUNTIME_READY || p->api.state == FA_RUNTIME_RESTORABLE)
		runtime_waits(p);
	p->extensions.closed = p->api.state != FA_RUNTIME_STARTED;
	fa_program_look_at_init(p);
	if (step == FA_RUNTIME_WAIT)
		wait_for_event(p, from);
	else
		fa_server_answer(from, reply.status, reply.fields, reply.field_count, reply.body);
}

void fa_program_on_gone(void *data, struct fa_connection *from)
{
	struct fa_program *p = data;

	if (p->waiter == from)
		p->waiter = NULL;
	if (p->stream == from)
		fa_program_lose_parts(p);
	fa_extensions_gone(&p->extensions, from);
}
