/* SPDX-License-Identifier: MIT */
/*
 * THE CONDUCTOR: with invocation.c the only place that knows the order of the
 * stages.
 *
 *   door -> admit -> env -> outcome -> caller
 *
 * Two ways lead through it. faas_invoke_wait(), here, goes all the way on the
 * caller's thread: lease, hand over, wait, copy, give back; no loop, no queue,
 * no text. faas_invoke() makes an invocation of the loop.
 */
#include <conduct.h>

#include <errno.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <admit/admit.h>
#include <base/error.h>
#include <base/options.h>
#include <outcome/result.h>

#define TRIES 4

/* ---- the short way: on the caller's thread --------------------------- */

static int finish_here(struct faas *rt, struct fa_env *env, struct fa_job *job, bool log_tail,
		       struct faas_result **result, struct faas_error *err)
{
	struct fa_version *v = env->pool->version;
	struct faas_bytes tail = { NULL, 0 };
	struct fa_outcome outcome;
	char bytes[FA_LOG_TAIL];

	fa_outcome_judge(&outcome, job, v, rt->config.prices);
	fa_count(rt, &outcome, v);
	if (fa_told_wanted(rt, log_tail))
		fa_told_end(rt, env, job, &outcome, log_tail);
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
	if (fa_told_wanted(rt, log_tail))
		fa_told_start(rt, env, job, log_tail);
	fa_env_call(env, job);
	if (job->verdict == FA_INIT_TIMED_OUT || fa_verdict_is_init(job->verdict))
		fa_told_init_failed(rt, env, job);
	if (job->verdict == FA_INIT_TIMED_OUT || job->verdict == FA_UNSTARTED) {
		fa_runner_release(runner, env, false);
		return FAAS_ETIMEOUT;
	}
	rc = finish_here(rt, env, job, log_tail, result, err);
	if (fa_verdict_lasts(job->verdict))
		env->kind->taken(env, job);
	fa_runner_release(runner, env, fa_verdict_lasts(job->verdict));
	return rc;
}

static int wait_for_done(struct faas *rt, const struct faas_request *request,
			 struct faas_result **result, struct faas_error *err);

static int call_here(struct fa_runner *runner, const struct faas_request *request,
		     struct faas_result **result, struct faas_error *err)
{
	struct fa_version *v = runner->version;
	char meta[fa_meta_size(request, v)];
	struct fa_job job;
	int rc = FAAS_ETIMEOUT;
	bool late = false;
	const char *reason;

	if (!fa_runner_may_begin(runner, &reason)) {
		fa_told_throttle(runner->rt, v);
		return fa_admit_throttled(reason, err);
	}
	/*
	 * Again if init ran out of its own limit, which then counts, or if a pristine
	 * function's process could not be reset; the loop has more patience than we.
	 */
	for (int tries = 0; rc == FAAS_ETIMEOUT && tries < TRIES; tries++) {
		struct fa_env *env = fa_runner_lease(runner, &reason, &rc);

		if (!env && rc != FAAS_ENOMEM && (request->capacity_wait_ms || !rc))
			return wait_for_done(runner->rt, request, result, err);
		if (!env && rc == FAAS_ENOMEM)
			return fa_error_nomem(err);
		if (!env) {
			fa_told_throttle(runner->rt, v);
			return fa_admit_throttled(reason, err);
		}
		memset(&job, 0, sizeof(job));
		job.payload = request->payload;
		job.meta = meta;
		job.meta_len = fa_meta_put(meta, request, v);
		job.timeout_ns = (int64_t)v->config.timeout_ms * 1000000;
		job.unix_offset_ns = fa_unix_offset(runner->rt);
		job.late = late;
		rc = run_here(runner, env, &job, request->log_tail, result, err);
		late |= job.verdict == FA_INIT_TIMED_OUT;
	}
	return rc == FAAS_ETIMEOUT ? wait_for_done(runner->rt, request, result, err) : rc;
}

int faas_invoke_wait(struct faas *rt, const struct faas_request *request,
		     struct faas_result **result, struct faas_error *err)
{
	struct fa_version *version;
	struct faas_request r;
	int rc;

	if (!rt || !result)
		return fa_error(err, FAAS_EINVAL,
				"a runtime and a place for the result are required");
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
	else
		rc = fa_may_run(rt, version, r.trace_id, err);
	if (!rc && r.mode != FAAS_SYNC)
		rc = wait_for_done(rt, &r, result, err);
	else if (!rc)
		rc = call_here(version->runner, &r, result, err);
	fa_version_unref(version);
	fa_leave(rt);
	return rc;
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
	rc = fa_invoke_counted(rt, &r, NULL, err);
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
