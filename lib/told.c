/* SPDX-License-Identifier: MIT */
/*
 * What is said of an invocation: its records, its lines, the counts. Nothing is
 * formatted here but the lines of a log tail that somebody asked for.
 */
#include <conduct.h>

#include <string.h>
#include <time.h>

#include <base/text.h>
#include <outcome/record_json.h>

#define OFFSET_AGE_NS 1000000000LL

/* Coarse will do to tell how old our idea of the wall clock is, and costs a few ns. */
static int64_t about_now(const struct faas *rt)
{
	struct timespec time;

	if (rt->clock != &fa_clock_real || clock_gettime(CLOCK_MONOTONIC_COARSE, &time))
		return fa_now(rt->clock);
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* The wall clock may jump; a second is how stale our idea of it may be. */
int64_t fa_unix_offset_at(struct faas *rt, int64_t now)
{
	if (now - atomic_load_explicit(&rt->offset_age_ns, memory_order_relaxed) >
	    OFFSET_AGE_NS) {
		int64_t offset = rt->clock->unix_ms(rt->clock) * 1000000 - fa_now(rt->clock);

		atomic_store_explicit(&rt->unix_offset_ns, offset, memory_order_relaxed);
		atomic_store_explicit(&rt->offset_age_ns, now, memory_order_relaxed);
	}
	return atomic_load_explicit(&rt->unix_offset_ns, memory_order_relaxed);
}

int64_t fa_unix_offset(struct faas *rt)
{
	return fa_unix_offset_at(rt, about_now(rt));
}

int64_t fa_unix_ms(struct faas *rt, int64_t at_ns)
{
	return (at_ns + fa_unix_offset(rt)) / 1000000;
}

static void add(_Atomic uint64_t *count, uint64_t n, bool shared)
{
	if (shared)
		atomic_fetch_add_explicit(count, n, memory_order_relaxed);
	else
		atomic_store_explicit(count,
				      atomic_load_explicit(count, memory_order_relaxed) + n,
				      memory_order_relaxed);
}

void fa_count(struct faas *rt, struct fa_counts *own, const struct fa_outcome *outcome,
	      const struct fa_version *v)
{
	struct fa_counts *counts = own ? own : &rt->counts;

	add(&counts->invoked, 1, !own);
	if (outcome->code)
		add(&counts->failed, 1, !own);
	add(&counts->billed_ms, (uint64_t)outcome->billed_ms, !own);
	add(&counts->memory_ms, (uint64_t)(outcome->billed_ms * v->config.memory_mb), !own);
}

/* ---- telling --------------------------------------------------------- */

bool fa_told_wanted(const struct faas *rt, bool log_tail)
{
	return log_tail || fa_tell_listening(&rt->tell);
}

static int64_t unix_ms_at(struct faas *rt, int64_t at_ns)
{
	return (at_ns + fa_unix_offset_at(rt, at_ns)) / 1000000;
}

/* What all records say. */
static void fill_record(struct fa_record *record, struct faas *rt, const struct fa_version *v,
			const struct fa_job *job, int64_t at_ns)
{
	record->unix_ms = unix_ms_at(rt, at_ns);
	memcpy(record->request_id, job->request_id, sizeof(record->request_id));
	if (record->kind == FA_RECORD_START)
		return;
	record->memory_mb = v->config.memory_mb;
	record->concurrency = fa_quota_in_use(((struct fa_runner *)v->runner)->quota);
	record->unreserved = fa_gate_in_use(&rt->account.unreserved);
	record->claimed = record->unreserved + rt->account.claimed;
}

/* Only JSON tells of it; NULL: there is nothing to tell. */
static const char *trace_told(const struct fa_version *v, const struct fa_job *job)
{
	const char *header = v->logging.json ? fa_trace_of(job) : "";

	return *header ? header : NULL;
}

/* fa_tell_record_end() follows. */
static struct fa_telling open_record(struct faas *rt, struct fa_version *v, const char *stream,
				     const struct fa_job *job, enum fa_record_kind kind,
				     int64_t at_ns, const char *error_type)
{
	struct fa_telling telling = fa_tell_record_begin(&rt->tell, v, stream, kind, error_type,
							 trace_told(v, job));

	if (telling.record)
		fill_record(telling.record, rt, v, job, at_ns);
	return telling;
}

static void on_tail_line(void *data, enum faas_level level, const struct fa_record *record,
			 const char *text, size_t len)
{
	(void)level;
	(void)record;
	fa_logs_add_tail(data, text, len);
}

static void add_bytes_to_tail(struct fa_env *env, struct faas_bytes text)
{
	fa_logs_add_tail(env, text.data, text.len);
}

/* What the platform says, as on_log would be told it. */
static void add_to_tail(struct fa_env *env, const struct fa_record *record)
{
	const struct fa_version *v = env->pool->version;
	struct fa_lines lines;

	if (v->logging.json) {
		fa_render_json(record, v, on_tail_line, env);
		return;
	}
	fa_lines_init(&lines);
	fa_lines_version(&lines, v->qualifier);
	fa_lines_record(&lines, record);
	if (record->kind == FA_RECORD_START) {
		add_bytes_to_tail(env, fa_lines_start(&lines));
	} else {
		add_bytes_to_tail(env, fa_lines_end(&lines));
		add_bytes_to_tail(env, fa_lines_report(&lines, record));
	}
}

static void fill_start(struct fa_record *record, const struct fa_env *env)
{
	record->cold = fa_env_is_cold(env);
	record->restored = fa_version_is_copied(env->pool->version);
}

static void add_start_to_tail(struct faas *rt, struct fa_env *env, const struct fa_job *job,
			      int64_t at_ns)
{
	struct fa_record record = { .kind = FA_RECORD_START,
				    .trace = trace_told(env->pool->version, job) };

	fill_record(&record, rt, env->pool->version, job, at_ns);
	fill_start(&record, env);
	add_to_tail(env, &record);
}

void fa_told_start(struct faas *rt, struct fa_env *env, struct fa_job *job, bool log_tail)
{
	int64_t at_ns = job->start_ns ? job->start_ns : fa_now(rt->clock);
	struct fa_telling telling;

	job->told = true;
	fa_logs_begin(env, job->request_id, log_tail);
	if (log_tail)
		add_start_to_tail(rt, env, job, at_ns);
	if (job->retold)
		return;
	telling = open_record(rt, env->pool->version, env->stream, job, FA_RECORD_START, at_ns,
			      NULL);
	if (telling.record)
		fill_start(telling.record, env);
	fa_tell_record_end(&rt->tell, &telling);
}

static void fill_place(struct fa_record *record, struct fa_env *env)
{
	int provisioned = fa_provision_target(&env->pool->provision);

	if (!provisioned)
		return;
	record->place = env->provisioned ? FA_PLACE_PROVISIONED : FA_PLACE_SPILLOVER;
	record->provisioned = provisioned;
	record->provisioned_in_use = fa_provision_in_use(env->pool);
}

/* The error_type of a failure is there already. */
static void fill_end(struct fa_record *record, struct fa_env *env, const struct fa_job *job,
		     const struct fa_outcome *outcome)
{
	record->duration_ns = job->end_ns - job->start_ns;
	record->init_ns = job->init_ns;
	record->restored = fa_version_is_copied(env->pool->version);
	record->billed_ms = outcome->billed_ms;
	record->peak_kb = job->peak_kb;
	record->timed_out = outcome->code == FAAS_ETIMEOUT;
	record->failed = outcome->code != FAAS_OK;
	record->produced = (uint32_t)outcome->payload.len;
	fill_place(record, env);
}

/* A timeout is no error with a type. */
static bool has_type(const struct fa_outcome *outcome)
{
	return outcome->code != FAAS_OK && outcome->code != FAAS_ETIMEOUT;
}

static void add_end_to_tail(struct faas *rt, struct fa_env *env, const struct fa_job *job,
			    const struct fa_outcome *outcome)
{
	struct fa_record record = { .kind = FA_RECORD_END,
				    .trace = trace_told(env->pool->version, job) };

	if (has_type(outcome))
		memcpy(record.error_type, outcome->error_type, sizeof(record.error_type));
	fill_record(&record, rt, env->pool->version, job, job->end_ns);
	fill_end(&record, env, job, outcome);
	add_to_tail(env, &record);
}

/* Whatever was printed comes between START and END; false: nothing was. */
static bool tell_what_was_printed(struct faas *rt, struct fa_env *env, struct fa_job *job,
				  bool log_tail)
{
	/* with more behind it, what it says it did not write is not looked for */
	bool drain = !job->quiet || !fa_env_open_jobs(env);

	if (!job->told && !drain && !log_tail) {
		fa_logs_begin(env, job->request_id, false);
		return false;
	}
	if (!job->told)
		fa_told_start(rt, env, job, log_tail);
	fa_logs_end(env, drain);
	return true;
}

void fa_told_end(struct faas *rt, struct fa_env *env, struct fa_job *job,
		     const struct fa_outcome *outcome, bool log_tail)
{
	const char *error_type = has_type(outcome) ? outcome->error_type : NULL;
	struct fa_version *v = env->pool->version;
	struct fa_telling telling;
	bool whole;

	whole = !tell_what_was_printed(rt, env, job, log_tail);
	if (log_tail)
		add_end_to_tail(rt, env, job, outcome);
	telling = open_record(rt, v, env->stream, job, FA_RECORD_END, job->end_ns, error_type);
	if (telling.record)
		fill_end(telling.record, env, job, outcome);
	if (telling.record && whole && !job->retold)
		telling.record->start_ms = unix_ms_at(rt, job->start_ns);
	fa_tell_record_end(&rt->tell, &telling);
	if (v->traced)
		fa_trace_told(rt, env, job, log_tail);
}

void fa_told_init_failed(struct faas *rt, struct fa_env *env, const struct fa_job *job)
{
	struct fa_version *v = env->pool->version;
	struct fa_outcome outcome;
	struct fa_telling telling;
	struct fa_record *record;

	fa_logs_end(env, true); /* what it printed comes before */
	fa_outcome_judge(&outcome, job, v, rt->config.prices);
	telling = open_record(rt, v, env->stream, job, FA_RECORD_INIT, job->end_ns,
			      has_type(&outcome) ? outcome.error_type : NULL);
	record = telling.record;
	if (!record)
		return;
	record->suppressed = env->suppressed;
	record->init_ns = env->suppressed ? job->end_ns - job->start_ns : job->init_ns;
	record->failed = true;
	record->init_timed_out = outcome.code == FAAS_ETIMEOUT;
	record->restored = fa_verdict_is_restore(job);
	fa_tell_record_end(&rt->tell, &telling);
}

/* Ahead of any event: no invocation will tell of it. */
static void on_started(void *data, struct fa_env *env, const struct fa_job *job)
{
	struct faas *rt = data;
	struct fa_version *v = env->pool->version;
	struct fa_job nameless = *job;
	struct fa_outcome outcome;
	struct fa_telling telling;

	if (!fa_tell_listening(&rt->tell))
		return;
	memset(nameless.request_id, 0, sizeof(nameless.request_id));
	fa_outcome_judge(&outcome, job, v, rt->config.prices);
	telling = open_record(rt, v, env->stream, &nameless, FA_RECORD_INIT, job->end_ns,
			      outcome.error_type);
	if (!telling.record)
		return;
	telling.record->init_ns = job->init_ns;
	telling.record->init_timed_out = job->verdict == FA_INIT_TIMED_OUT;
	telling.record->failed = job->verdict != FA_REPLIED;
	telling.record->ahead = true;
	fa_tell_record_end(&rt->tell, &telling);
}

void fa_told_throttle(struct faas *rt, struct fa_version *v)
{
	const struct fa_job none = { 0 };
	struct fa_telling telling;

	atomic_fetch_add_explicit(&rt->throttled, 1, memory_order_relaxed);
	telling = open_record(rt, v, "", &none, FA_RECORD_THROTTLE, fa_now(rt->clock), NULL);
	fa_tell_record_end(&rt->tell, &telling);
}

/* Of each attempt: what was throttled or failed before is older. */
void fa_told_age(struct faas *rt, struct fa_version *v, int64_t accepted_ns)
{
	int64_t now = fa_now(rt->clock);

	fa_tell_metric(&rt->tell, v, "AsyncEventAge", "Milliseconds",
		       (double)(now - accepted_ns) / 1000000, fa_unix_ms(rt, now));
}

/* ---- from the environments' logs ------------------------------------- */

static void on_line(void *data, struct fa_env *env, const char *request_id, int level,
		    const char *text, size_t len)
{
	struct faas *rt = data;

	fa_tell_line(&rt->tell, env->pool->version, env->stream, request_id, level, text, len,
		     fa_unix_ms(rt, fa_now(rt->clock)));
}

static void on_dropped(void *data, struct fa_env *env, const char *request_id, uint64_t bytes)
{
	struct faas *rt = data;
	int64_t unix_ms = fa_unix_ms(rt, fa_now(rt->clock));
	struct fa_version *v = env->pool->version;
	char line[FA_JSON_RECORD_MAX];
	struct fa_text text = FA_TEXT(line);

	atomic_fetch_add_explicit(&rt->dropped, bytes, memory_order_relaxed);
	if (v->logging.json) {
		text.len = fa_render_json_dropped(line, unix_ms, bytes);
	} else {
		fa_text_add(&text, "LOGS_DROPPED RequestId: ");
		fa_text_add(&text, request_id);
		fa_text_add(&text, "\tBytes: ");
		fa_text_int(&text, (int64_t)bytes);
	}
	fa_tell_line(&rt->tell, v, env->stream, request_id, FAAS_WARN, line, text.len, unix_ms);
}

void fa_told_init(struct faas *rt)
{
	rt->envs.on_line = on_line;
	rt->envs.on_dropped = on_dropped;
	rt->envs.on_started = on_started;
}
