/* SPDX-License-Identifier: MIT */
/*
 * What becomes of a trace header between a request and its handler, and of a chain of
 * invocations that goes round in a circle. Who neither traces nor is given a header
 * does none of this.
 */
#include <conduct.h>

#include <stdio.h>
#include <string.h>

#include <base/error.h>
#include <base/text.h>
#include <model/attached.h>
#include <model/trace.h>

#define ADDED_MAX 112   /* bytes that fa_trace_write() adds to a header at most */
#define TWENTIETH 3277  /* of 65536 */

size_t fa_trace_room(const struct fa_version *version, const char *given)
{
	if (!given && !version->traced)
		return 0;
	return (given ? strlen(given) : 0) + ADDED_MAX;
}

/* The first of each second, and a twentieth of the others (semantics: X-Ray's default rule). */
static bool is_sampled(struct fa_runner *runner, int64_t unix_ms, uint16_t random)
{
	int64_t second = unix_ms / 1000;

	return atomic_exchange(&runner->sampled_s, second) != second || random < TWENTIETH;
}

size_t fa_trace_begin(const struct fa_version *version, const char *given, char *out)
{
	struct fa_trace_change change = { .visits = version->trace_hash };
	struct fa_runner *runner = version->runner;
	char root[36], parent[17];
	uint8_t random[22];
	int64_t now;

	if (!given && !version->traced) {
		out[0] = '\0';
		return 0;
	}
	if (!version->traced)
		return fa_trace_write(out, given, &change);
	now = fa_unix_ms(runner->rt, fa_now(runner->rt->clock));
	fa_random_bytes(random, sizeof(random));
	fa_trace_root(root, now, random);
	fa_trace_id(parent, random + 12);
	change.root = root;
	change.parent = parent;
	change.sampled =
		is_sampled(runner, now, (uint16_t)(random[20] << 8 | random[21])) ? "1" : "0";
	return fa_trace_write(out, given, &change);
}

int fa_trace_admit(struct faas *rt, struct fa_version *version, const char *given,
		   struct faas_error *err)
{
	if (fa_trace_visits(given, version->trace_hash) < FA_TRACE_VISITS_MAX ||
	    fa_recursion_is_allowed(&rt->registry, version))
		return 0;
	fa_tell_metric(&rt->tell, version, "RecursiveInvocationsDropped", "Count", 1,
		       fa_unix_ms(rt, fa_now(rt->clock)));
	return fa_error_typed(err, FAAS_EINVAL, "RecursiveInvocationException",
			      "Lambda has detected your function being invoked in a recursive "
			      "loop with other Amazon Web Services resources and stopped your "
			      "function's invocation.");
}

const char *fa_trace_of(const struct fa_job *job)
{
	return job->meta_len ? job->meta + strlen(job->meta) + 1 : "";
}

size_t fa_trace_forward(const struct fa_version *version, const char *given,
			char out[FA_TRACE_MAX + 1])
{
	struct fa_trace_change change = { .visits = *given ? 0 : version->trace_hash };

	return fa_trace_write(out, given, &change);
}

void fa_trace_told(struct faas *rt, struct fa_env *env, const struct fa_job *job, bool log_tail)
{
	struct fa_version *v = env->pool->version;
	char root[40], parent[20], sampled[4], line[128];
	const char *header = fa_trace_of(job);
	int len;

	if (!v->traced || v->logging.json)
		return;
	fa_trace_field(sampled, sizeof(sampled), header, "Sampled");
	if (strcmp(sampled, "1"))
		return;
	fa_trace_field(root, sizeof(root), header, "Root");
	fa_trace_field(parent, sizeof(parent), header, "Parent");
	len = snprintf(line, sizeof(line), "XRAY TraceId: %s\tSegmentId: %s\tSampled: true\t", root,
		       parent);
	if (log_tail)
		fa_logs_add_tail(env, line, (size_t)len);
	fa_tell_line(&rt->tell, v, env->stream, job->request_id, FAAS_INFO, line, (size_t)len,
		     fa_unix_ms(rt, job->end_ns));
}
