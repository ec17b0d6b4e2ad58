/* SPDX-License-Identifier: MIT */
/*
 * Results are one allocation: the struct, its strings, its bytes. What the
 * worker wrote is read here for the first and the last time.
 */
#include <outcome/result.h>

#include <string.h>

#include <model/function.h>

static double ms(int64_t ns)
{
	return (double)ns / 1e6;
}

void fa_result_fill(struct faas_result *r, const struct fa_outcome *outcome,
		    const struct fa_job *job, const struct fa_version *version)
{
	r->size = sizeof(*r);
	r->code = outcome->code;
	r->request_id = job->request_id;
	r->version = version->qualifier;
	r->error_type = outcome->error_type;
	r->reason = "";
	r->payload = (struct faas_bytes){ "", 0 };
	r->log_tail = (struct faas_bytes){ "", 0 };
	r->duration_ms = ms(job->end_ns - job->start_ns);
	r->init_ms = ms(job->init_ns);
	r->billed_ms = outcome->billed_ms;
	r->gb_seconds = outcome->gb_seconds;
	r->cost = outcome->cost;
	r->cpu_ms = ms(job->cpu_ns);
	r->memory_mb = version->config.memory_mb;
	r->memory_used_mb = (int)((job->peak_kb + 1023) / 1024);
}

static char *put(char **at, const void *data, size_t len)
{
	char *to = *at;

	if (len)
		memcpy(to, data, len);
	to[len] = '\0';
	*at += len + 1;
	return to;
}

struct faas_result *fa_result_create(const struct fa_mem *mem, const struct fa_outcome *outcome,
				     const struct fa_job *job, const struct fa_version *version,
				     struct faas_bytes log_tail)
{
	size_t type_len = strlen(outcome->error_type), version_len = strlen(version->qualifier);
	size_t size = sizeof(struct faas_result) + sizeof(job->request_id) + type_len +
		      version_len + outcome->payload.len + log_tail.len + 8;
	struct faas_result *r = fa_alloc_dirty(mem, size);
	char *at = (char *)(r + 1);

	if (!r)
		return NULL;
	fa_result_fill(r, outcome, job, version);
	r->request_id = memcpy(at, job->request_id, sizeof(job->request_id));
	at += sizeof(job->request_id);
	r->version = put(&at, version->qualifier, version_len);
	r->error_type = put(&at, outcome->error_type, type_len);
	r->payload.len = outcome->payload.len;
	r->payload.data = put(&at, outcome->payload.data, outcome->payload.len);
	r->log_tail.len = log_tail.len;
	r->log_tail.data = put(&at, log_tail.data ? log_tail.data : "", log_tail.len);
	return r;
}
