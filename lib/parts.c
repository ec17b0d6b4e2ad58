/* SPDX-License-Identifier: MIT */
/*
 * An answer in parts flows as fast as it is taken, and, where the host wants that, no
 * faster than Lambda's: a bucket of 6 MB, full in the beginning, that fills at the rate
 * asked for. Whoever has emptied it pauses, as if its reader did not want any more for now.
 */
#include <invocation.h>

#define BURST INT64_C(6291456)
#define NS INT64_C(1000000000)

static int64_t time_of(const struct faas *rt, int64_t bytes)
{
	return bytes * NS / (rt->config.max_stream_kb_per_s * INT64_C(1024));
}

static void charge(struct fa_invocation *inv, size_t len)
{
	struct faas *rt = inv->rt;
	int64_t now_ns = fa_now(rt->clock);

	if (inv->pace_full_ns < now_ns)
		inv->pace_full_ns = now_ns;
	inv->pace_full_ns += time_of(rt, (int64_t)len);
	if (inv->pace_full_ns - now_ns <= time_of(rt, BURST))
		return;
	inv->job.paused |= FA_PAUSE_PACE;
	fa_loop_timer_sure(&rt->loop, &inv->timer, inv->pace_full_ns - time_of(rt, BURST));
}

/* Whoever takes parts may want the next before it has said that it does not. */
void fa_parts_show(struct fa_invocation *inv, struct faas_bytes bytes, bool http)
{
	const struct faas_part part = { .size = sizeof(part),
					.bytes = bytes,
					.http = http,
					.request_id = inv->job.request_id,
					.version = inv->runner->version->qualifier };

	inv->job.paused |= FA_PAUSE_READER;
	if (inv->on_part(inv->data, &part))
		inv->job.paused &= ~FA_PAUSE_READER;
}

void fa_parts_come(void *data, struct fa_env *env, struct fa_job *job, struct faas_bytes part,
		   bool http)
{
	struct fa_invocation *inv = fa_container(job, struct fa_invocation, job);

	(void)data;
	(void)env;
	if (inv->rt->config.max_stream_kb_per_s)
		charge(inv, part.len);
	fa_parts_show(inv, part, http);
}

/* The scan takes what there is. */
void fa_parts_resume(struct fa_invocation *inv, unsigned why)
{
	if (!(inv->job.paused & why))
		return;
	inv->job.paused &= ~why;
	fa_loop_wake(&inv->rt->loop);
}
