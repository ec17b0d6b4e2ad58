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

/* What a caller's thread goes through the stages with. */
struct visit {
	struct faas *rt;
	struct fa_seat *seat; /* or NULL: it entered as a caller */
	const struct faas_request *request;
	struct faas_result **result;
	struct faas_error *err;
};

static int finish_here(const struct visit *visit, struct fa_env *env, struct fa_job *job)
{
	struct faas *rt = visit->rt;
	bool log_tail = visit->request->log_tail;
	struct fa_version *v = env->pool->version;
	struct faas_bytes tail = { NULL, 0 };
	struct fa_outcome outcome;
	char bytes[FA_LOG_TAIL];

	fa_outcome_judge(&outcome, job, v, rt->config.prices);
	fa_count(rt, visit->seat ? &visit->seat->counts : NULL, &outcome, v);
	if (fa_told_wanted(rt, log_tail))
		fa_told_end(rt, env, job, &outcome, log_tail);
	if (log_tail)
		tail = (struct faas_bytes){ bytes, fa_logs_tail(env, bytes) };
	if (job->verdict == FA_NO_BIRTH && job->birth_error == ENOMEM)
		return fa_error_nomem(visit->err);
	if (job->verdict == FA_NO_BIRTH && job->birth_error == EADDRNOTAVAIL)
		return fa_error_typed(visit->err, FAAS_ESYSTEM, FA_NO_ADDRESS_TYPE, "%s",
				      FA_NO_ADDRESS_TEXT);
	if (job->verdict == FA_NO_BIRTH)
		return fa_error(visit->err, FAAS_ESYSTEM,
				"the environment could not be made: %s", job->why);
	*visit->result = fa_result_create(&rt->mem, &outcome, job, v, tail);
	return *visit->result ? 0 : fa_error_nomem(visit->err);
}

static void release(const struct visit *visit, struct fa_env *env, bool stays)
{
	if (visit->seat)
		fa_seat_release(visit->rt, visit->seat, env, stays);
	else
		fa_runner_release(env->pool->version->runner, env, stays);
}

static int run_here(const struct visit *visit, struct fa_env *env, struct fa_job *job)
{
	struct faas *rt = visit->rt;
	bool log_tail = visit->request->log_tail;
	int rc;

	fa_env_name(env, job);
	if (fa_told_wanted(rt, log_tail))
		fa_told_start(rt, env, job, log_tail);
	fa_env_call(env, job);
	if (job->init_failed)
		fa_told_init_failed(rt, env, job);
	if (job->again || job->verdict == FA_UNSTARTED) {
		release(visit, env, false);
		return FAAS_ETIMEOUT;
	}
	rc = finish_here(visit, env, job);
	if (fa_verdict_lasts(job->verdict))
		env->kind->taken(env, job);
	release(visit, env, fa_verdict_lasts(job->verdict));
	return rc;
}

static int wait_for_done(const struct visit *visit, const struct faas_request *request,
			 const struct fa_job *before);

static int wait_instead(const struct visit *visit, const struct fa_job *before)
{
	return wait_for_done(visit, visit->request, before);
}

/* It had a place, and another one is in it by now. */
static int wait_for_place(const struct visit *visit, const struct fa_job *before)
{
	struct faas_request r = *visit->request;

	if (!r.capacity_wait_ms)
		r.capacity_wait_ms = FA_HELD_MS;
	return wait_for_done(visit, &r, before);
}

/* A process is told when all is written; what the caller runs itself begins now. */
static void stamp(struct fa_job *job, struct faas *rt, const struct fa_env *env)
{
	if (env->kind->steady) {
		job->start_ns = fa_now(rt->clock);
		job->unix_offset_ns = fa_unix_offset_at(rt, job->start_ns);
	} else {
		job->unix_offset_ns = fa_unix_offset(rt);
	}
}

static int throttled(const struct visit *visit, struct fa_version *v, const char *reason)
{
	fa_told_throttle(visit->rt, v);
	return fa_admit_throttled(reason, visit->err);
}

/* NULL: it was refused, or went the other way, and this is what the caller is told. */
static struct fa_env *lease(const struct visit *visit, struct fa_runner *runner,
			    const struct fa_job *before, int *rc)
{
	const char *reason;
	struct fa_env *env = fa_runner_lease(runner, false, &reason, rc);

	if (env)
		return env;
	if (*rc != FAAS_ENOMEM && (visit->request->capacity_wait_ms || !*rc)) {
		*rc = wait_instead(visit, before);
	} else if (*rc == FAAS_ENOMEM) {
		*rc = fa_error_nomem(visit->err);
	} else if (before && before->late) {
		*rc = wait_for_place(visit, before);
	} else {
		*rc = throttled(visit, runner->version, reason);
	}
	return NULL;
}

/* Begin with the environment that was kept, if one was. */
static int call_here(const struct visit *visit, struct fa_runner *runner, struct fa_env *kept)
{
	const struct faas_request *request = visit->request;
	struct fa_version *v = runner->version;
	bool plain = kept && !request->client_context && !request->tenant_id;
	size_t room = plain ? 0 : fa_meta_size(request, v, false);
	char meta[room + 1];
	struct fa_job job, *before = NULL;
	int rc = FAAS_ETIMEOUT;
	bool late = false, told = false;
	const char *reason;

	if (!fa_runner_may_begin(runner, &reason))
		return throttled(visit, v, reason);
	/*
	 * Again if init failed in time of its own, which then counts, or if a pristine
	 * function's process could not be reset; the loop has more patience than we.
	 */
	for (int tries = 0; rc == FAAS_ETIMEOUT && tries < TRIES; tries++) {
		struct fa_env *env = kept ? kept : lease(visit, runner, before, &rc);

		if (!env)
			return rc;
		kept = NULL;
		fa_job_init(&job);
		job.payload = request->payload;
		job.meta = meta;
		job.meta_len = room ? fa_meta_put(meta, request, v) : 0;
		if (request->request_id)
			strcpy(job.request_id, request->request_id);
		job.timeout_ns = (int64_t)v->config.timeout_ms * 1000000;
		job.late = late;
		job.retold = told;
		stamp(&job, visit->rt, env);
		rc = run_here(visit, env, &job);
		late |= job.again;
		told |= job.told;
		job.late = late;
		job.retold = told;
		before = &job;
	}
	return rc == FAAS_ETIMEOUT ? wait_instead(visit, before) : rc;
}

static int find_and_call(const struct visit *visit)
{
	const struct faas_request *r = visit->request;
	struct fa_version *version;
	int rc;

	if (visit->seat)
		fa_seat_clear(visit->seat);
	version = fa_registry_find(&visit->rt->registry, r->function, visit->err);
	if (!version)
		rc = visit->err ? visit->err->code : FAAS_ENOTFOUND;
	else
		rc = fa_may_run(visit->rt, version, r, visit->err);
	if (!rc && r->mode != FAAS_SYNC)
		rc = wait_instead(visit, NULL);
	else if (!rc)
		rc = call_here(visit, version->runner, NULL);
	fa_version_unref(version);
	return rc;
}

static int call(const struct visit *visit)
{
	struct fa_env *kept = NULL;

	if (fa_loop_here(&visit->rt->loop))
		return fa_error(visit->err, FAAS_EDEADLK,
				"faas_invoke_wait() on the loop's thread would wait for itself: "
				"use faas_invoke()");
	if (visit->seat)
		kept = fa_seat_lease(visit->seat, visit->request);
	return kept ? call_here(visit, kept->pool->version->runner, kept) : find_and_call(visit);
}

int faas_invoke_wait(struct faas *rt, const struct faas_request *request,
		     struct faas_result **result, struct faas_error *err)
{
	struct visit visit = { .rt = rt, .result = result, .err = err };
	struct faas_request room;
	int rc;

	if (!rt || !result)
		return fa_error(err, FAAS_EINVAL,
				"a runtime and a place for the result are required");
	visit.request = fa_options_read(&room, sizeof(room), request, "FAAS_REQUEST", err);
	if (!visit.request)
		return FAAS_EINVAL;
	rc = fa_admit_check(visit.request, err);
	if (!rc && visit.request->on_part)
		rc = fa_error(err, FAAS_EINVAL,
			      "on_part is called on the loop: it is for faas_invoke()");
	if (rc)
		return rc;
	visit.seat = fa_seat_take(rt);
	if (!visit.seat)
		rc = fa_enter(rt, err);
	if (rc)
		return rc;
	rc = call(&visit);
	if (visit.seat)
		fa_seat_leave(rt, visit.seat);
	else
		fa_leave(rt);
	return rc;
}

/* ---- waiting for a callback ------------------------------------------ */

enum wait { AWAKE, ASLEEP, DONE };

struct waiter {
	_Atomic uint32_t done; /* enum wait */
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
	if (atomic_exchange(&waiter->done, DONE) == ASLEEP)
		syscall(SYS_futex, &waiter->done, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void await(struct waiter *waiter)
{
	uint32_t awake = AWAKE;

	atomic_compare_exchange_strong(&waiter->done, &awake, ASLEEP);
	while (atomic_load(&waiter->done) != DONE)
		syscall(SYS_futex, &waiter->done, FUTEX_WAIT_PRIVATE, ASLEEP, NULL, NULL, 0);
}

static bool did_not_run(int code)
{
	return code == FAAS_ETHROTTLED || code == FAAS_ENOMEM || code == FAAS_ESYSTEM ||
	       code == FAAS_ECANCELED;
}

static int wait_for_done(const struct visit *visit, const struct faas_request *request,
			 const struct fa_job *before)
{
	struct waiter waiter = { .mem = &visit->rt->mem };
	struct faas_request r = *request;
	struct faas_error *err = visit->err;
	int rc;

	r.on_done = on_waited;
	r.data = &waiter;
	rc = fa_invoke_waited(visit->rt, &r, before, err);
	if (rc)
		return rc;
	await(&waiter);
	if (waiter.code == FAAS_ETHROTTLED)
		rc = fa_admit_throttled(waiter.reason, err);
	else if (did_not_run(waiter.code))
		rc = fa_error(err, waiter.code, "%s", faas_strerror(waiter.code));
	else if (!waiter.result)
		rc = fa_error_nomem(err);
	if (rc)
		fa_free(waiter.result);
	else
		*visit->result = waiter.result;
	return rc;
}
