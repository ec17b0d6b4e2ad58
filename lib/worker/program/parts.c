/* SPDX-License-Identifier: MIT */
/*
 * An answer in parts: the body of a response goes to the host as it comes, and no more of it is
 * read than there is room for. Who cuts it short may have died, which is about to be known.
 */
#include <worker/program/state.h>

#include <worker/stream.h>

#define LAST_BREATH_NS 50000000 /* between a socket's end and that of its process */

bool fa_program_on_head(void *data, struct fa_connection *from,
			const struct fa_http_request *request)
{
	struct fa_program *p = data;

	if (!p->open || !fa_runtime_begin(&p->api, request, p->call.streams))
		return false;
	p->stream = from;
	p->streamed = 0;
	fa_platform_responds(&p->platform, fa_program_now_ns());
	if (p->api.http)
		fa_context_begin_http(&p->call);
	return true;
}

size_t fa_program_on_piece(void *data, struct fa_connection *from, struct faas_bytes piece)
{
	struct fa_program *p = data;
	bool fits = p->api.streaming || piece.len <= FA_RUNTIME_BODY_MAX - p->streamed;
	int64_t taken = fits ? fa_context_pour(&p->call, piece.data, piece.len) : -1;
	struct fa_runtime_answer reply;

	if (taken >= 0) {
		p->streamed += (size_t)taken;
		p->stalled = (size_t)taken < piece.len;
		return (size_t)taken;
	}
	fa_runtime_overflow(&p->api, &reply);
	fa_program_finish(p);
	fa_server_answer(from, reply.status, reply.fields, reply.field_count, reply.body);
	return piece.len;
}

void fa_program_finish_parts(struct fa_program *p, struct fa_connection *from,
			     const struct fa_http_request *request)
{
	struct fa_runtime_answer reply;

	fa_runtime_end(&p->api, request, &reply);
	fa_program_finish(p);
	fa_server_answer(from, reply.status, reply.fields, reply.field_count, reply.body);
}

/* Who died in the middle has an end of its own, and that is about to be known. */
void fa_program_lose_parts(struct fa_program *p)
{
	p->stream = NULL;
	p->stalled = false;
	if (p->dead)
		fa_program_end(p, p->status);
	p->cut_ns = fa_program_now_ns() + LAST_BREATH_NS;
}

void fa_program_cut_parts(struct fa_program *p)
{
	p->cut_ns = 0;
	fa_runtime_cut(&p->api);
	fa_program_finish(p);
}

void fa_program_go_on_with_parts(struct fa_program *p)
{
	if (p->cut_ns && fa_program_now_ns() >= p->cut_ns)
		fa_program_cut_parts(p);
	if (!p->stalled || !fa_stream_has_room(&p->call))
		return;
	p->stalled = false;
	fa_server_resume(p->stream);
}
