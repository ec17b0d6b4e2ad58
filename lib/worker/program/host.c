/* SPDX-License-Identifier: MIT */
/* What the host is told: how an event ended, why there will be none, how the program ended. */
#include <worker/program/state.h>

#include <sched.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static void tell_answered(struct fa_program *p)
{
	const struct fa_context *call = &p->call;
	const char *error = call->outcome == FA_FAILED      ? call->failure.type
			    : call->outcome == FA_TOO_LARGE ? "Function.ResponseSizeTooLarge"
							    : NULL;

	fa_platform_answered(&p->platform, error, call->streams ? p->streamed : call->len,
			     p->finished_ns);
}

void fa_program_answer(struct fa_program *p)
{
	struct fa_response_head *head = p->areas.response;
	int64_t took_ns;

	fa_program_read_logs(p); /* what it logged of this event is before its end */
	p->finished_ns = fa_program_now_ns();
	tell_answered(p);
	took_ns = p->finished_ns - p->begun_ns;
	p->call.logged = 1; /* it writes by itself: who knows */
	fa_context_close(&p->call);
	p->open = false;
	p->done = p->seq;
	atomic_store_explicit(&head->cpu, (uint32_t)sched_getcpu(), memory_order_relaxed);
	atomic_store_explicit(&head->service_ns,
			      took_ns > UINT32_MAX ? UINT32_MAX : (uint32_t)took_ns,
			      memory_order_relaxed);
	atomic_store(&head->resetting, p->flags & FA_REQ_START ? 0 : p->seq);
	atomic_store(&head->seq, p->seq);
	if (p->flags & FA_REQ_ASYNC)
		fa_areas_ring(p->run, &p->rung);
	else
		fa_areas_wake_host(&p->areas);
}

/* As the host expects it of a process 1, which cannot die of a signal of its own. */
_Noreturn void fa_program_end(struct fa_program *p, int status)
{
	int sig = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

	if (!sig)
		_exit(WEXITSTATUS(status));
	atomic_store(&p->areas.response->last_words, (uint32_t)sig);
	_exit(128 + sig);
}

void fa_program_fail_event(struct fa_program *p, const char *type, const char *message)
{
	char text[256];

	snprintf(text, sizeof(text), "RequestId: %s Error: %s", p->call.context.request_id,
		 message);
	fa_context_fail(&p->call, FA_FAILED, type, text);
}

/* Of an answer that was passed on all is there but its end. */
void fa_program_finish(struct fa_program *p)
{
	const struct fa_runtime_result *result = &p->api.result;

	p->stream = NULL;
	fa_server_forget(&p->server, p->api.event);
	if (result->too_large)
		p->call.outcome = FA_TOO_LARGE;
	else if (result->message)
		fa_program_fail_event(p, result->type, result->message);
	else if (result->failed)
		fa_context_fail_body(&p->call, FA_FAILED, result->type, result->body);
	else if (faas_write(&p->call.context, result->body.data, result->body.len) == 0)
		p->call.outcome = FA_DONE;
	fa_program_answer(p);
	if (p->dead)
		fa_program_end(p, p->status);
}

_Noreturn void fa_program_report_broken(struct fa_program *p)
{
	char message[sizeof(p->call.failure.message) + 64], type[FA_RUNTIME_TYPE];

	if (p->error) {
		snprintf(type, sizeof(type), "%s", p->call.failure.type);
		fa_context_fail_body(&p->call, FA_INIT_FAILED, type,
				     (struct faas_bytes){ p->error, p->error_len });
	} else {
		snprintf(type, sizeof(type), "%s", p->call.failure.type);
		snprintf(message, sizeof(message), "RequestId: %s Error: %s",
			 p->call.context.request_id, p->call.failure.message);
		fa_context_fail(&p->call, FA_INIT_FAILED, type, message);
	}
	fa_program_answer(p);
	_exit(FA_RUN_INIT_FAILED);
}
