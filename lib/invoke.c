/* SPDX-License-Identifier: MIT */
/*
 * THE CONDUCTOR: the only file that knows the order of the stages.
 *
 *   door -> admit -> env -> outcome -> caller
 *
 * Two ways lead through it. faas_invoke_wait() goes all the way on the caller's
 * thread: lease, hand over, wait, copy, give back; no loop, no queue, no text.
 * faas_invoke() makes an invocation, a small state machine of the loop:
 *
 *              START      CAPACITY   VERDICT    IMPATIENT  CANCEL
 *   ARRIVING   begin      -          -          -          -
 *   WAITING    -          begin      -          throttle   call off
 *   RUNNING    -          -          conclude   -          kill
 *   PAUSED     begin      -          -          -          call off   (an event between attempts)
 *
 * An environment that is leased by the loop serves one invocation after the
 * other; when all are busy, the next ones are handed over ahead, a few deep.
 */
#include <invoke.h>

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/futex.h>

#include <admit/admit.h>
#include <base/error.h>
#include <base/options.h>
#include <base/text.h>
#include <outcome/result.h>
#include <queue/retry.h>
#include <testing.h>

#define AHEAD_NS 50000        /* hand over ahead at most so much work */
#define OFFSET_AGE_NS 1000000000LL

enum state { ARRIVING, WAITING, RUNNING, PAUSED };

struct fa_invocation {
	struct fa_call arrive;
	struct fa_list link;       /* in faas.invocations */
	struct fa_list turn;       /* in fa_runner.waiting */
	struct fa_timer timer;     /* patience, or the next attempt */
	enum state state;
	uint64_t id;
	struct faas *rt;
	struct fa_runner *runner;  /* with a reference to its version */
	struct fa_env *env;
	enum faas_mode mode;
	bool log_tail, canceled;
	int capacity_wait_ms;
	struct fa_retry retry;
	void (*on_done)(void *data, const struct faas_result *result);
	void *data;
	struct fa_job job;
	char meta[FA_ARN_MAX + 8];
	char payload[];
};

/* ---- small things both ways share ------------------------------------ */

static bool is_event(const struct fa_invocation *inv)
{
	return inv->mode == FAAS_EVENT;
}

static bool lasting(const struct fa_job *job)
{
	return job->verdict == FA_REPLIED || job->verdict == FA_ERRED ||
	       job->verdict == FA_OVERSIZE;
}

/* The wall clock may jump; a second is how stale our idea of it may be. */
static int64_t unix_offset(struct faas *rt)
{
	int64_t now = fa_now(rt->clock);

	if (now - atomic_load_explicit(&rt->offset_age_ns, memory_order_relaxed) >
	    OFFSET_AGE_NS) {
		atomic_store_explicit(&rt->unix_offset_ns,
				      rt->clock->unix_ms(rt->clock) * 1000000 - now,
				      memory_order_relaxed);
		atomic_store_explicit(&rt->offset_age_ns, now, memory_order_relaxed);
	}
	return atomic_load_explicit(&rt->unix_offset_ns, memory_order_relaxed);
}

static int64_t unix_ms(struct faas *rt, int64_t at_ns)
{
	return (at_ns + unix_offset(rt)) / 1000000;
}

static size_t put_string(char *to, const char *text)
{
	size_t len = text ? strlen(text) : 0;

	if (len)
		memcpy(to, text, len);
	to[len] = '\0';
	return len + 1;
}

static size_t meta_size(const struct faas_request *r)
{
	return (r->trace_id ? strlen(r->trace_id) : 0) +
	       (r->client_context ? strlen(r->client_context) : 0) +
	       (r->tenant_id ? strlen(r->tenant_id) : 0) + FA_ARN_MAX + FA_QUALIFIER_MAX + 8;
}

/* The ARN as the caller qualified it, and what else the context carries. */
static uint32_t put_meta(char *to, const struct faas_request *r, const struct fa_version *version)
{
	const char *colon = strrchr(r->function, ':');
	bool qualified = colon && !strcmp(colon + 1, "$LATEST");
	char *at = to;

	if (!qualified && !r->trace_id && !r->client_context && !r->tenant_id)
		return 0;
	at += put_string(at, version->arn);
	if (qualified)
		at += put_string(at - 1, ":$LATEST") - 1;
	at += put_string(at, r->trace_id);
	at += put_string(at, r->client_context);
	at += put_string(at, r->tenant_id);
	return (uint32_t)(at - to);
}

static void count(struct faas *rt, const struct fa_outcome *outcome, const struct fa_version *v)
{
	atomic_fetch_add_explicit(&rt->invoked, 1, memory_order_relaxed);
	if (outcome->code)
		atomic_fetch_add_explicit(&rt->failed, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&rt->billed_ms, (uint64_t)outcome->billed_ms,
				  memory_order_relaxed);
	atomic_fetch_add_explicit(&rt->memory_ms,
				  (uint64_t)(outcome->billed_ms * v->config.memory_mb),
				  memory_order_relaxed);
}

/* ---- telling --------------------------------------------------------- */

static bool tells(const struct faas *rt, bool log_tail)
{
	return log_tail || fa_tell_listening(&rt->tell);
}

static void fill_record(struct fa_record *record, struct faas *rt, const struct fa_version *v,
			const struct fa_job *job, enum fa_record_kind kind, int64_t at_ns)
{
	memset(record, 0, sizeof(*record));
	record->kind = (uint8_t)kind;
	record->memory_mb = v->config.memory_mb;
	record->unix_ms = unix_ms(rt, at_ns);
	record->concurrency = atomic_load_explicit(&rt->account.in_use, memory_order_relaxed);
	memcpy(record->request_id, job->request_id, sizeof(record->request_id));
}

static void tell_start(struct faas *rt, struct fa_env *env, const struct fa_job *job,
		       bool log_tail)
{
	struct fa_version *v = env->pool->version;
	struct fa_record record;
	char line[FA_REPORT_MAX];

	fa_logs_begin(env, job->request_id, log_tail);
	fill_record(&record, rt, v, job, FA_RECORD_START, fa_now(rt->clock));
	if (log_tail)
		fa_logs_add_tail(env, line, fa_render_start(line, &record, v->qualifier));
	fa_tell_record(&rt->tell, v, env->stream, &record);
}

static void tell_end(struct faas *rt, struct fa_env *env, const struct fa_job *job,
		     const struct fa_outcome *outcome, bool log_tail)
{
	struct fa_version *v = env->pool->version;
	struct fa_record record;
	char line[FA_REPORT_MAX];

	/* with more behind it, what it says it did not write is not looked for */
	if (!job->quiet || !fa_env_open_jobs(env))
		fa_logs_drain(env);
	fa_logs_end(env);
	fill_record(&record, rt, v, job, FA_RECORD_END, job->end_ns);
	record.duration_ns = job->end_ns - job->start_ns;
	record.init_ns = job->init_ns;
	record.billed_ms = outcome->billed_ms;
	record.peak_kb = job->peak_kb;
	record.timed_out = outcome->code == FAAS_ETIMEOUT;
	record.failed = outcome->code != FAAS_OK;
	if (record.failed && !record.timed_out && job->verdict != FA_ERRED)
		memcpy(record.error_type, outcome->error_type, sizeof(record.error_type));
	if (log_tail) {
		fa_logs_add_tail(env, line, fa_render_end(line, &record));
		fa_logs_add_tail(env, line, fa_render_report(line, &record));
	}
	fa_tell_record(&rt->tell, v, env->stream, &record);
}

static void tell_init_failed(struct faas *rt, struct fa_env *env, const struct fa_job *job)
{
	struct fa_record record;

	if (!fa_tell_listening(&rt->tell))
		return;
	fill_record(&record, rt, env->pool->version, job, FA_RECORD_INIT_FAILED, job->end_ns);
	record.init_ns = job->init_ns;
	record.init_timed_out = job->verdict == FA_INIT_TIMED_OUT;
	memcpy(record.error_type, job->error_type, sizeof(record.error_type));
	fa_tell_record(&rt->tell, env->pool->version, env->stream, &record);
}

static void tell_throttle(struct faas *rt, struct fa_version *v)
{
	struct fa_job none = { 0 };
	struct fa_record record;

	atomic_fetch_add_explicit(&rt->throttled, 1, memory_order_relaxed);
	if (!fa_tell_listening(&rt->tell))
		return;
	fill_record(&record, rt, v, &none, FA_RECORD_THROTTLE, fa_now(rt->clock));
	fa_tell_record(&rt->tell, v, "", &record);
}

/* ---- capacity -------------------------------------------------------- */

static void want_pump(struct faas *rt)
{
	if (atomic_load(&rt->waiting) && !atomic_exchange(&rt->pumping, true))
		fa_loop_call(&rt->loop, &rt->pump);
}

/* A place and an environment; NULL with the reason of the throttle or a code. */
static struct fa_env *lease(struct fa_runner *runner, const char **reason, int *why)
{
	struct faas *rt = runner->rt;
	struct fa_env *env;

	*why = FAAS_ETHROTTLED;
	*reason = fa_admit_enter(&rt->account, &runner->gate);
	if (*reason)
		return NULL;
	env = fa_pool_take(runner->pool, why);
	if (env)
		return env;
	*reason = "ConcurrentInvocationLimitExceeded";
	fa_admit_leave(&rt->account, &runner->gate);
	return NULL;
}

static void release(struct fa_runner *runner, struct fa_env *env, bool stays)
{
	struct faas *rt = runner->rt;

	fa_env_done(env, stays);
	fa_admit_leave(&rt->account, &runner->gate);
	want_pump(rt);
	if (atomic_load_explicit(&rt->closing, memory_order_relaxed))
		fa_check_closed(rt);
}

/* ---- the short way: on the caller's thread --------------------------- */

static int finish_here(struct faas *rt, struct fa_env *env, struct fa_job *job, bool log_tail,
		       struct faas_result **result, struct faas_error *err)
{
	struct fa_version *v = env->pool->version;
	struct faas_bytes tail = { NULL, 0 };
	struct fa_outcome outcome;
	char bytes[FA_LOG_TAIL];

	fa_outcome_judge(&outcome, job, v, rt->config.prices);
	count(rt, &outcome, v);
	if (tells(rt, log_tail))
		tell_end(rt, env, job, &outcome, log_tail);
	if (log_tail)
		tail = (struct faas_bytes){ bytes, fa_logs_tail(env, bytes) };
	if (job->verdict == FA_NO_BIRTH && job->birth_error == ENOMEM)
		return fa_error_nomem(err);
	if (job->verdict == FA_NO_BIRTH)
		return fa_error(err, FAAS_ESYSTEM, "the environment could not be made: %s",
				job->why);
	*result = fa_result_create(&rt->mem, &outcome, job, v, tail);
	return *result ? 0 : fa_error_nomem(err);
}

static int run_here(struct fa_runner *runner, struct fa_env *env, struct fa_job *job,
		    bool log_tail, struct faas_result **result, struct faas_error *err)
{
	struct faas *rt = runner->rt;
	int rc;

	fa_env_name(env, job);
	if (tells(rt, log_tail))
		tell_start(rt, env, job, log_tail);
	fa_env_call(env, job);
	if (job->verdict == FA_INIT_TIMED_OUT || job->verdict == FA_INIT_ERRED)
		tell_init_failed(rt, env, job);
	if (job->verdict == FA_INIT_TIMED_OUT) {
		release(runner, env, false);
		return FAAS_ETIMEOUT;
	}
	rc = finish_here(rt, env, job, log_tail, result, err);
	release(runner, env, lasting(job));
	return rc;
}

static int wait_for_done(struct faas *rt, const struct faas_request *request,
			 struct faas_result **result, struct faas_error *err);

static int call_here(struct fa_runner *runner, const struct faas_request *request,
		     struct faas_result **result, struct faas_error *err)
{
	struct fa_version *v = runner->version;
	char meta[meta_size(request)];
	struct fa_job job;
	int rc = FAAS_ETIMEOUT;

	/* a second time only if init ran out of its own limit: then it counts */
	for (int late = 0; rc == FAAS_ETIMEOUT && late < 2; late++) {
		const char *reason;
		struct fa_env *env = lease(runner, &reason, &rc);

		if (!env && rc != FAAS_ENOMEM && (request->capacity_wait_ms || !rc))
			return wait_for_done(runner->rt, request, result, err);
		if (!env && rc == FAAS_ENOMEM)
			return fa_error_nomem(err);
		if (!env) {
			tell_throttle(runner->rt, v);
			return fa_admit_throttled(reason, err);
		}
		memset(&job, 0, sizeof(job));
		job.payload = request->payload;
		job.meta = meta;
		job.meta_len = put_meta(meta, request, v);
		job.timeout_ns = (int64_t)v->config.timeout_ms * 1000000;
		job.unix_offset_ns = unix_offset(runner->rt);
		job.late = late;
		rc = run_here(runner, env, &job, request->log_tail, result, err);
	}
	return rc;
}

int faas_invoke_wait(struct faas *rt, const struct faas_request *request,
		     struct faas_result **result, struct faas_error *err)
{
	struct fa_version *version;
	struct faas_request r;
	int rc;

	if (!rt || !result)
		return fa_error(err, FAAS_EINVAL, "a runtime and a place for the result are required");
	rc = fa_options_copy(&r, sizeof(r), request, "FAAS_REQUEST", err);
	if (!rc)
		rc = fa_admit_check(&r, err);
	if (!rc)
		rc = fa_enter(rt, err);
	if (rc)
		return rc;
	if (fa_loop_here(&rt->loop)) {
		fa_leave(rt);
		return fa_error(err, FAAS_EDEADLK,
				"faas_invoke_wait() on the loop's thread would wait for itself: "
				"use faas_invoke()");
	}
	version = fa_registry_find(&rt->registry, r.function, err);
	if (!version)
		rc = err ? err->code : FAAS_ENOTFOUND;
	else if (r.mode != FAAS_SYNC)
		rc = wait_for_done(rt, &r, result, err);
	else
		rc = call_here(version->runner, &r, result, err);
	fa_version_unref(version);
	fa_leave(rt);
	return rc;
}

/* ---- the long way: invocations of the loop --------------------------- */

static void begin(struct fa_invocation *inv);
static void conclude(struct fa_invocation *inv);

static void stop_waiting(struct fa_invocation *inv)
{
	fa_loop_timer_stop(&inv->rt->loop, &inv->timer);
	if (fa_list_empty(&inv->turn))
		return;
	fa_list_remove(&inv->turn);
	atomic_fetch_sub(&inv->rt->waiting, 1);
}

static void free_invocation(struct fa_invocation *inv)
{
	struct faas *rt = inv->rt;

	stop_waiting(inv);
	fa_list_remove(&inv->link);
	if (is_event(inv))
		atomic_fetch_sub(&rt->queued, 1);
	fa_version_unref(inv->runner->version);
	fa_free(inv);
	if (atomic_load_explicit(&rt->closing, memory_order_relaxed))
		fa_check_closed(rt);
}

/* The one place that calls back; the invocation is over. */
static void answer(struct fa_invocation *inv, const struct faas_result *result)
{
	void (*on_done)(void *, const struct faas_result *) = inv->on_done;
	void *data = inv->data;

	inv->on_done = NULL;
	if (on_done)
		on_done(data, result);
}

/* It did not run: throttled, canceled, out of memory. */
static void refuse(struct fa_invocation *inv, int code, const char *reason)
{
	struct faas_result result = { .size = sizeof(result),
				      .code = code,
				      .request_id = inv->job.request_id,
				      .version = inv->runner->version->qualifier,
				      .error_type = faas_error_name(code),
				      .reason = reason,
				      .payload = { "", 0 },
				      .log_tail = { "", 0 },
				      .memory_mb = inv->runner->version->config.memory_mb };

	answer(inv, &result);
	free_invocation(inv);
}

static void on_next_attempt(struct fa_timer *timer)
{
	struct fa_invocation *inv = fa_container(timer, struct fa_invocation, timer);

	if (inv->state == PAUSED)
		begin(inv);
	else
		refuse(inv, FAAS_ETHROTTLED, "ConcurrentInvocationLimitExceeded");
}

static void pause_for(struct fa_invocation *inv, int64_t delay_ns)
{
	struct faas *rt = inv->rt;

	inv->state = PAUSED;
	if (fa_loop_timer(&rt->loop, &inv->timer, fa_now(rt->clock) + delay_ns) < 0)
		free_invocation(inv); /* it was accepted into memory, and memory is out */
}

/* An asynchronous event failed or could not run: again later, or dropped for good. */
static void settle_event(struct fa_invocation *inv, bool ran)
{
	struct faas *rt = inv->rt;
	struct fa_version *v = inv->runner->version;
	int64_t now = fa_now(rt->clock), delay = 0;
	enum fa_retry_end end;

	if (inv->canceled || atomic_load(&rt->closing)) {
		free_invocation(inv);
		return;
	}
	end = ran ? fa_retry_after_error(&inv->retry, v->config.max_retries, v->config.max_age_s,
					 now, &delay) :
		    fa_retry_after_throttle(&inv->retry, v->config.max_age_s, now, &delay);
	if (end == FA_RETRY_AGAIN) {
		pause_for(inv, delay);
		return;
	}
	fa_tell_metric(&rt->tell, v, "AsyncEventsDropped", "Count", 1, unix_ms(rt, now));
	free_invocation(inv);
}

static void throttle(struct fa_invocation *inv, const char *reason, int code)
{
	if (code == FAAS_ETHROTTLED)
		tell_throttle(inv->rt, inv->runner->version);
	if (is_event(inv))
		settle_event(inv, false);
	else
		refuse(inv, code, reason);
}

static void hold(struct fa_invocation *inv, bool in_front)
{
	struct faas *rt = inv->rt;
	int64_t wait_ms = inv->capacity_wait_ms;

	inv->state = WAITING;
	atomic_fetch_add(&rt->waiting, 1);
	if (in_front)
		fa_list_push(&inv->runner->waiting, &inv->turn);
	else
		fa_list_append(&inv->runner->waiting, &inv->turn);
	if (wait_ms && fa_loop_timer(&rt->loop, &inv->timer,
				     fa_now(rt->clock) + wait_ms * 1000000) < 0)
		throttle(inv, "", FAAS_ENOMEM);
}

static void submit(struct fa_invocation *inv, struct fa_env *env)
{
	struct fa_job *job = &inv->job;

	inv->state = RUNNING;
	inv->env = env;
	job->verdict = FA_OPEN;
	job->init_ns = job->cpu_ns = job->end_ns = 0;
	job->error_type[0] = '\0';
	job->unix_offset_ns = unix_offset(inv->rt);
	fa_env_submit(env, job);
}

static void on_begin(void *data, struct fa_env *env, struct fa_job *job)
{
	struct fa_invocation *inv = fa_container(job, struct fa_invocation, job);

	if (tells(data, inv->log_tail))
		tell_start(data, env, job, inv->log_tail);
}

/* A busy environment that may be given one more ahead. */
static struct fa_env *find_ahead(struct fa_runner *runner, const struct fa_invocation *inv)
{
	uint32_t n = runner->gate.limit ? (uint32_t)runner->gate.limit : 64;
	struct fa_list *pos = runner->leased.next;

	for (; n && pos != &runner->leased; n--) {
		struct fa_env *env = fa_container(pos, struct fa_env, lease);

		pos = pos->next;
		if (!fa_env_accepts(env, &inv->job, AHEAD_NS))
			continue;
		fa_list_remove(&env->lease);
		fa_list_append(&runner->leased, &env->lease);
		return env;
	}
	return NULL;
}

static bool try_ahead(struct fa_invocation *inv)
{
	struct fa_env *env;

	if (!inv->capacity_wait_ms || inv->log_tail)
		return false;
	env = find_ahead(inv->runner, inv);
	if (env)
		submit(inv, env);
	return env;
}

static void begin(struct fa_invocation *inv)
{
	struct fa_runner *runner = inv->runner;
	const char *reason;
	struct fa_env *env;
	int why;

	env = fa_list_empty(&runner->waiting) || inv->state == WAITING ?
		      lease(runner, &reason, &why) :
		      (why = 0, reason = "", NULL);
	if (env) {
		fa_list_append(&runner->leased, &env->lease);
		stop_waiting(inv);
		submit(inv, env);
		return;
	}
	if (inv->state == WAITING)
		return;
	if (why == FAAS_ENOMEM)
		throttle(inv, "", FAAS_ENOMEM);
	else if (try_ahead(inv))
		return;
	else if (inv->capacity_wait_ms || !why)
		hold(inv, false);
	else
		throttle(inv, reason, FAAS_ETHROTTLED);
}

static void pump_runner(struct fa_runner *runner)
{
	while (!fa_list_empty(&runner->waiting)) {
		struct fa_invocation *inv =
			fa_container(runner->waiting.next, struct fa_invocation, turn);

		begin(inv);
		if (inv->state == WAITING)
			return;
	}
}

static void pump(struct fa_call *call)
{
	struct faas *rt = fa_container(call, struct faas, pump);
	struct fa_list *pos, *next;

	atomic_store(&rt->pumping, false);
	fa_list_for_safe(pos, next, &rt->envs.pools) {
		struct fa_pool *pool = fa_container(pos, struct fa_pool, link);

		pump_runner(pool->version->runner);
	}
}

static void give_back(struct fa_invocation *inv, struct fa_env *env, bool stays)
{
	struct fa_runner *runner = inv->runner;

	if (fa_env_open_jobs(env))
		return; /* it works on what was handed over ahead */
	if (stays && !fa_list_empty(&runner->waiting)) {
		struct fa_invocation *next =
			fa_container(runner->waiting.next, struct fa_invocation, turn);

		stop_waiting(next);
		submit(next, env);
		return;
	}
	fa_list_remove(&env->lease);
	release(runner, env, stays);
}

static void on_verdict(void *data, struct fa_env *env, struct fa_job *job)
{
	struct fa_invocation *inv = fa_container(job, struct fa_invocation, job);

	(void)data;
	(void)env;
	conclude(inv);
}

/* Never begun, or init ran out of its own limit: once more, in front of all others. */
static void run_again(struct fa_invocation *inv)
{
	struct fa_env *env = inv->env;

	if (inv->job.verdict == FA_INIT_TIMED_OUT) {
		tell_init_failed(inv->rt, env, &inv->job);
		inv->job.late = true;
	}
	inv->env = NULL;
	hold(inv, true);
	if (!fa_env_open_jobs(env) && !fa_list_empty(&env->lease)) {
		fa_list_remove(&env->lease);
		release(inv->runner, env, false);
	}
	want_pump(inv->rt);
}

static void conclude(struct fa_invocation *inv)
{
	struct faas *rt = inv->rt;
	struct fa_env *env = inv->env;
	struct fa_version *v = inv->runner->version;
	struct fa_outcome outcome;
	struct faas_result *result = NULL, brief;
	char tail[FA_LOG_TAIL];
	bool stays = lasting(&inv->job), ran = inv->job.verdict != FA_NO_BIRTH;
	bool failed;

	if (inv->job.verdict == FA_UNSTARTED || inv->job.verdict == FA_INIT_TIMED_OUT) {
		run_again(inv);
		return;
	}
	if (inv->job.verdict == FA_INIT_ERRED)
		tell_init_failed(rt, env, &inv->job);
	fa_outcome_judge(&outcome, &inv->job, v, rt->config.prices);
	if (inv->job.birth_error == ENOMEM)
		outcome.code = FAAS_ENOMEM;
	failed = outcome.code != FAAS_OK;
	count(rt, &outcome, v);
	if (tells(rt, inv->log_tail))
		tell_end(rt, env, &inv->job, &outcome, inv->log_tail);
	if (inv->on_done) {
		struct faas_bytes bytes = { tail, inv->log_tail ? fa_logs_tail(env, tail) : 0 };

		result = fa_result_create(&rt->mem, &outcome, &inv->job, v, bytes);
		fa_result_fill(&brief, &outcome, &inv->job, v);
		brief.code = FAAS_ENOMEM;
	}
	if (stays)
		env->kind->taken(env);
	give_back(inv, env, stays);
	if (is_event(inv) && failed) {
		settle_event(inv, ran);
		return;
	}
	answer(inv, result ? result : &brief);
	fa_free(result);
	free_invocation(inv);
}

/* ---- the door with a callback ---------------------------------------- */

static void arrive(struct fa_call *call)
{
	struct fa_invocation *inv = fa_container(call, struct fa_invocation, arrive);
	struct faas *rt = inv->rt;

	fa_list_append(&rt->invocations, &inv->link);
	fa_leave(rt); /* from here on the list keeps the runtime */
	if (inv->mode == FAAS_DRY_RUN || inv->canceled || rt->finishing) {
		refuse(inv, inv->mode == FAAS_DRY_RUN ? FAAS_OK : FAAS_ECANCELED, "");
		return;
	}
	if (is_event(inv)) {
		struct faas_result accepted = { .size = sizeof(accepted),
						.request_id = inv->job.request_id,
						.version = inv->runner->version->qualifier,
						.error_type = "",
						.reason = "",
						.payload = { "", 0 },
						.log_tail = { "", 0 } };

		fa_tell_metric(&rt->tell, inv->runner->version, "AsyncEventsReceived", "Count", 1,
			       unix_ms(rt, fa_now(rt->clock)));
		answer(inv, &accepted);
	}
	begin(inv);
}

static void fill_invocation(struct fa_invocation *inv, struct faas *rt, struct fa_version *v,
			    const struct faas_request *r, size_t meta_max)
{
	inv->arrive.run = arrive;
	inv->timer.on_due = on_next_attempt;
	inv->rt = rt;
	inv->runner = v->runner;
	inv->mode = r->mode;
	inv->log_tail = r->log_tail;
	inv->capacity_wait_ms = r->capacity_wait_ms;
	inv->on_done = r->on_done;
	inv->data = r->data;
	inv->id = atomic_fetch_add(&rt->serial, 1) + 1;
	inv->retry.accepted_ns = fa_now(rt->clock);
	fa_list_init(&inv->link);
	fa_list_init(&inv->turn);
	inv->job.meta = inv->payload;
	inv->job.meta_len = put_meta(inv->payload, r, v);
	inv->job.payload = (struct faas_bytes){ inv->payload + meta_max, r->payload.len };
	if (r->payload.len)
		memcpy(inv->payload + meta_max, r->payload.data, r->payload.len);
	inv->job.timeout_ns = (int64_t)v->config.timeout_ms * 1000000;
	if (r->mode == FAAS_EVENT) {
		/* known before it runs, and the same for every attempt */
		uint8_t bits[16];

		fa_random_bytes(bits, sizeof(bits));
		fa_uuid(inv->job.request_id, bits);
		atomic_fetch_add(&rt->queued, 1);
	}
}

int faas_invoke(struct faas *rt, const struct faas_request *request, uint64_t *id,
		struct faas_error *err)
{
	struct fa_invocation *inv;
	struct fa_version *version;
	struct faas_request r;
	size_t meta_max;
	int rc;

	if (!rt)
		return fa_error(err, FAAS_EINVAL, "a runtime is required");
	rc = fa_options_copy(&r, sizeof(r), request, "FAAS_REQUEST", err);
	if (!rc)
		rc = fa_admit_check(&r, err);
	if (!rc)
		rc = fa_enter(rt, err);
	if (rc)
		return rc;
	version = fa_registry_find(&rt->registry, r.function, err);
	if (!version) {
		fa_leave(rt);
		return err ? err->code : FAAS_ENOTFOUND;
	}
	meta_max = meta_size(&r);
	inv = fa_alloc(&rt->mem, sizeof(*inv) + meta_max + r.payload.len);
	if (!inv) {
		fa_version_unref(version);
		fa_leave(rt);
		return fa_error_nomem(err);
	}
	fill_invocation(inv, rt, version, &r, meta_max);
	if (id)
		*id = inv->id;
	fa_loop_call(&rt->loop, &inv->arrive);
	return 0;
}

/* ---- waiting for a callback ------------------------------------------ */

struct waiter {
	_Atomic uint32_t done;
	const struct fa_mem *mem;
	struct faas_result *result;
	int code;
	char reason[64];
};

static void on_waited(void *data, const struct faas_result *result)
{
	struct waiter *waiter = data;
	struct fa_version version = { .qualifier = result->version,
				      .config.memory_mb = result->memory_mb };
	struct fa_outcome outcome = { .code = result->code, .payload = result->payload,
				      .billed_ms = result->billed_ms,
				      .gb_seconds = result->gb_seconds, .cost = result->cost };
	struct fa_job job = { 0 };

	strncpy(outcome.error_type, result->error_type, sizeof(outcome.error_type) - 1);
	strncpy(job.request_id, result->request_id, sizeof(job.request_id) - 1);
	strncpy(waiter->reason, result->reason, sizeof(waiter->reason) - 1);
	waiter->code = result->code;
	waiter->result = fa_result_create(waiter->mem, &outcome, &job, &version,
					  result->log_tail);
	if (waiter->result) {
		waiter->result->duration_ms = result->duration_ms;
		waiter->result->init_ms = result->init_ms;
		waiter->result->cpu_ms = result->cpu_ms;
		waiter->result->memory_used_mb = result->memory_used_mb;
	}
	atomic_store(&waiter->done, 1);
	syscall(SYS_futex, &waiter->done, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static bool did_not_run(int code)
{
	return code == FAAS_ETHROTTLED || code == FAAS_ENOMEM || code == FAAS_ESYSTEM ||
	       code == FAAS_ECANCELED;
}

static int wait_for_done(struct faas *rt, const struct faas_request *request,
			 struct faas_result **result, struct faas_error *err)
{
	struct waiter waiter = { .mem = &rt->mem };
	struct faas_request r = *request;
	int rc;

	r.on_done = on_waited;
	r.data = &waiter;
	rc = faas_invoke(rt, &r, NULL, err);
	if (rc)
		return rc;
	while (!atomic_load(&waiter.done))
		syscall(SYS_futex, &waiter.done, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
	if (waiter.code == FAAS_ETHROTTLED)
		rc = fa_admit_throttled(waiter.reason, err);
	else if (did_not_run(waiter.code))
		rc = fa_error(err, waiter.code, "%s", faas_strerror(waiter.code));
	else if (!waiter.result)
		rc = fa_error_nomem(err);
	if (rc)
		fa_free(waiter.result);
	else
		*result = waiter.result;
	return rc;
}

/* ---- cancel ---------------------------------------------------------- */

static void cancel(struct fa_invocation *inv)
{
	inv->canceled = true;
	if (inv->state == RUNNING)
		fa_env_cancel(inv->env, &inv->job);
	else if (inv->state != ARRIVING)
		refuse(inv, FAAS_ECANCELED, "");
}

struct cancel_call {
	struct fa_call call;
	struct faas *rt;
	uint64_t id;
};

static void cancel_one(struct fa_call *call)
{
	struct cancel_call *c = fa_container(call, struct cancel_call, call);
	struct fa_list *pos, *next;

	fa_list_for_safe(pos, next, &c->rt->invocations) {
		struct fa_invocation *inv = fa_container(pos, struct fa_invocation, link);

		if (inv->id == c->id) {
			cancel(inv);
			break;
		}
	}
	fa_leave(c->rt);
	fa_free(c);
}

void faas_cancel(struct faas *rt, uint64_t id)
{
	struct cancel_call *c;

	if (!rt || fa_enter(rt, NULL))
		return;
	c = fa_alloc(&rt->mem, sizeof(*c));
	if (!c) {
		fa_leave(rt);
		return;
	}
	c->call.run = cancel_one;
	c->rt = rt;
	c->id = id;
	fa_loop_call(&rt->loop, &c->call);
}

void fa_invoke_cancel_all(struct faas *rt)
{
	struct fa_list *pos, *next;

	fa_list_for_safe(pos, next, &rt->invocations) {
		struct fa_invocation *inv = fa_container(pos, struct fa_invocation, link);

		if (inv->state != RUNNING)
			cancel(inv);
	}
	fa_envs_call_off(&rt->envs);
}

/* ---- runners --------------------------------------------------------- */

static void end_runner(struct fa_call *call)
{
	struct fa_runner *runner = fa_container(call, struct fa_runner, end);

	fa_pool_retire(runner->pool);
	fa_list_append(&runner->rt->ending, &runner->link);
	fa_runners_reap(runner->rt);
}

static void on_unused(struct fa_version *version)
{
	struct fa_runner *runner = version->runner;

	fa_loop_call(&runner->rt->loop, &runner->end);
}

void fa_runners_reap(struct faas *rt)
{
	struct fa_list *pos, *next;

	fa_list_for_safe(pos, next, &rt->ending) {
		struct fa_runner *runner = fa_container(pos, struct fa_runner, link);

		if (runner->pool->alive)
			continue;
		fa_list_remove(pos);
		fa_pool_destroy(runner->pool);
		fa_version_free(runner->version);
		fa_free(runner);
	}
	if (atomic_load(&rt->closing))
		fa_check_closed(rt);
}

int fa_runner_create(struct faas *rt, struct fa_version *version, struct faas_error *err)
{
	struct fa_runner *runner = fa_alloc(&rt->mem, sizeof(*runner));

	if (!runner)
		return fa_error_nomem(err);
	runner->rt = rt;
	runner->version = version;
	runner->gate.limit = version->config.max_concurrency;
	runner->end.run = end_runner;
	fa_list_init(&runner->waiting);
	fa_list_init(&runner->leased);
	fa_list_init(&runner->link);
	runner->pool = fa_pool_create(&rt->envs, version);
	if (!runner->pool) {
		fa_free(runner);
		return fa_error_nomem(err);
	}
	version->runner = runner;
	version->on_unused = on_unused;
	return 0;
}

/* ---- wiring ---------------------------------------------------------- */

static void on_capacity(void *data)
{
	want_pump(data);
}

static void on_line(void *data, struct fa_env *env, const char *request_id, int level,
		    const char *text, size_t len)
{
	struct faas *rt = data;

	fa_tell_line(&rt->tell, env->pool->version, env->stream, request_id, level, text, len,
		     unix_ms(rt, fa_now(rt->clock)));
}

static void on_dropped(void *data, struct fa_env *env, const char *request_id, uint64_t bytes)
{
	struct faas *rt = data;
	char line[128];
	struct fa_text text = FA_TEXT(line);

	atomic_fetch_add_explicit(&rt->dropped, bytes, memory_order_relaxed);
	fa_text_add(&text, "LOGS_DROPPED RequestId: ");
	fa_text_add(&text, request_id);
	fa_text_add(&text, "\tBytes: ");
	fa_text_int(&text, (int64_t)bytes);
	fa_tell_line(&rt->tell, env->pool->version, env->stream, request_id, FAAS_WARN, line,
		     text.len, unix_ms(rt, fa_now(rt->clock)));
}

static void on_gone(void *data)
{
	fa_runners_reap(data);
}

static bool on_scan(void *data)
{
	return fa_envs_scan(data);
}

static bool is_hot(void *data)
{
	struct fa_envs *envs = data;

	return !fa_list_empty(&envs->scanned);
}

void fa_invoke_init(struct faas *rt)
{
	rt->pump.run = pump;
	rt->envs.on_begin = on_begin;
	rt->envs.on_verdict = on_verdict;
	rt->envs.on_capacity = on_capacity;
	rt->envs.on_line = on_line;
	rt->envs.on_dropped = on_dropped;
	rt->envs.on_gone = on_gone;
	rt->envs.data = rt;
	rt->loop.on_scan = on_scan;
	rt->loop.is_hot = is_hot;
	rt->loop.data = &rt->envs;
}
