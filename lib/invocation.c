/* SPDX-License-Identifier: MIT */
/*
 * The long way: an invocation is a small state machine of the loop.
 *
 *              START      CAPACITY   VERDICT    IMPATIENT  CANCEL
 *   ARRIVING   begin      -          -          -          -
 *   WAITING    -          begin      -          throttle   call off
 *   RUNNING    -          -          conclude   -          kill
 *   PAUSED     begin      -          -          -          call off   (an event between attempts)
 */
#include <invocation.h>

#include <errno.h>
#include <string.h>

#include <admit/admit.h>
#include <base/error.h>
#include <outcome/result.h>

#define SCRATCH_STEP 1024

static void conclude(struct fa_invocation *inv);

/* The one place that calls back, and does so once. */
void fa_invocation_answer(struct fa_invocation *inv, const struct faas_result *result)
{
	void (*on_done)(void *, const struct faas_result *) = inv->on_done;
	void *data = inv->data;

	inv->on_done = NULL;
	if (on_done)
		on_done(data, result);
}

void fa_invocation_answer_none(struct fa_invocation *inv, int code, const char *reason)
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

	fa_invocation_answer(inv, &result);
}

void fa_invocation_refuse(struct fa_invocation *inv, int code, const char *reason)
{
	fa_invocation_answer_none(inv, code, reason);
	fa_invocation_free(inv);
}

/* Who is next may not want to wait for the same. */
static void lose_patience(struct fa_invocation *inv)
{
	struct faas *rt = inv->rt;

	if (fa_invocation_is_event(inv))
		fa_invocation_throttle(inv, "", FAAS_ETHROTTLED);
	else
		fa_invocation_refuse(inv, FAAS_ETHROTTLED, fa_admit_reason(inv->runner->quota));
	fa_want_pump(rt);
}

bool fa_invocation_follow(struct fa_invocation *inv)
{
	struct fa_version *old = inv->runner->version, *v;
	const char *called = inv->job.meta_len ? inv->job.meta : old->config.name;
	uint32_t changes = atomic_load(&inv->rt->registry.changes);

	if (inv->changes == changes)
		return false;
	inv->changes = changes;
	v = fa_registry_find(&inv->rt->registry, called, NULL);
	if (!v || v == old || !fa_version_takes_events(v)) {
		fa_version_unref(v);
		return false;
	}
	fa_turn_stop(inv);
	inv->runner = v->runner;
	inv->job.timeout_ns = (int64_t)v->config.timeout_ms * 1000000;
	fa_version_unref(old);
	return true;
}

void fa_invocation_due(struct fa_timer *timer)
{
	struct fa_invocation *inv = fa_container(timer, struct fa_invocation, timer);

	if (inv->state == PAUSED) {
		fa_invocation_follow(inv);
		fa_invocation_begin(inv);
	} else if (inv->state == RUNNING) {
		fa_parts_resume(inv, FA_PAUSE_PACE);
	} else {
		lose_patience(inv);
	}
}

void fa_invocation_pause(struct fa_invocation *inv, int64_t delay_ns)
{
	struct faas *rt = inv->rt;

	fa_turn_stop(inv);
	inv->state = PAUSED;
	inv->job.told = inv->job.retold = inv->job.late = false;
	fa_loop_timer_sure(&rt->loop, &inv->timer, fa_now(rt->clock) + delay_ns);
}

/* The event could not run. */
static void settle(struct fa_invocation *inv)
{
	struct fa_ending ending;

	fa_ending_decide(&ending, inv, NULL);
	fa_ending_apply(&ending, inv);
}

void fa_invocation_throttle(struct fa_invocation *inv, const char *reason, int code)
{
	if (code == FAAS_ETHROTTLED)
		fa_told_throttle(inv->rt, inv->runner->version);
	if (fa_invocation_is_event(inv))
		settle(inv);
	else
		fa_invocation_refuse(inv, code, reason);
}

void fa_invocation_submit(struct fa_invocation *inv, struct fa_env *env)
{
	struct fa_job *job = &inv->job;

	inv->state = RUNNING;
	inv->env = env;
	inv->runner->load++;
	job->verdict = FA_OPEN;
	job->init_ns = job->cpu_ns = job->end_ns = 0;
	job->error_type[0] = '\0';
	job->retold |= job->told;
	job->told = job->quiet = job->init_failed = job->again = false;
	job->paused = 0;
	job->streamed = 0;
	inv->pace_full_ns = 0;
	job->unix_offset_ns = fa_unix_offset_at(inv->rt, fa_envs_now(&inv->rt->envs));
	fa_env_submit(env, job);
}

/* Its answer is there before its turn is noticed: its end tells of its start. */
static bool is_over(struct fa_env *env, const struct fa_invocation *inv)
{
	return !inv->log_tail && env->kit && !env->fresh && env->kind->has_news(env);
}

static void on_begin(void *data, struct fa_env *env, struct fa_job *job)
{
	struct fa_invocation *inv = fa_container(job, struct fa_invocation, job);

	if (!fa_told_wanted(data, inv->log_tail))
		return;
	if (!is_over(env, inv))
		fa_told_start(data, env, job, inv->log_tail);
	if (fa_invocation_is_event(inv))
		fa_told_age(data, inv->runner->version, inv->retry.accepted_ns);
}

/* Who came first goes first; and leaves a place, or there is none. */
static bool is_in_turn(struct fa_invocation *inv)
{
	struct fa_runner *runner = inv->runner;

	if (inv->state == WAITING)
		return true;
	if (!inv->capacity_wait_ms && !inv->kept)
		fa_invocations_pump(runner);
	return fa_list_empty(&runner->waiting);
}

/* Behind others it would wait; but not for what only somebody else's end can bring. */
static struct fa_env *lease(struct fa_invocation *inv, const char **reason, int *why)
{
	struct fa_runner *runner = inv->runner;
	struct fa_env *env;

	*why = 0;
	if (!is_in_turn(inv)) {
		*reason = fa_admit_reason(runner->quota);
		*why = runner->why ? FAAS_ETHROTTLED : 0;
		return NULL;
	}
	env = fa_turn_is_soon(runner, inv) ?
		      NULL : fa_runner_lease(runner, !inv->log_tail, reason, why);
	runner->why = *why;
	if (!env && !*why)
		fa_turn_mind(runner);
	return env;
}

/* An event does, unless many do and it lies in the store. `why`: 0, for an init. */
static bool may_wait(const struct fa_invocation *inv, int why)
{
	if (fa_invocation_is_event(inv))
		return !inv->kept || fa_turn_may_stay(inv);
	return inv->capacity_wait_ms || !why;
}

void fa_invocation_begin(struct fa_invocation *inv)
{
	struct fa_runner *runner = inv->runner;
	const char *reason = "";
	struct fa_env *env;
	int why;

	if (fa_invocation_is_event(inv) &&
	    (fa_ending_is_off(inv) || !fa_may_begin(runner->version))) {
		settle(inv);
		return;
	}
	env = lease(inv, &reason, &why);
	if (env) {
		fa_list_append(&runner->leased, &env->lease);
		runner->leases++;
		fa_turn_stop(inv);
		fa_invocation_submit(inv, env);
		return;
	}
	if (inv->state == WAITING)
		return;
	if (why == FAAS_ENOMEM)
		fa_invocation_throttle(inv, "", FAAS_ENOMEM);
	else if (fa_turn_ahead(inv))
		return;
	else if (may_wait(inv, why))
		fa_turn_wait(inv, false);
	else
		fa_invocation_throttle(inv, reason, FAAS_ETHROTTLED);
}

static void on_verdict(void *data, struct fa_env *env, struct fa_job *job)
{
	struct fa_invocation *inv = fa_container(job, struct fa_invocation, job);

	(void)data;
	(void)env;
	conclude(inv);
}

/* Never begun, or what failed was an init of its own: once more, in front of all others. */
static void run_again(struct fa_invocation *inv)
{
	struct faas *rt = inv->rt;
	struct fa_env *env = inv->env;

	if (inv->job.again) {
		fa_told_init_failed(rt, env, &inv->job);
		inv->job.late = true;
	}
	inv->env = NULL;
	if ((!fa_env_open_jobs(env) || fa_env_is_starting(env)) && !fa_list_empty(&env->lease))
		fa_turn_give_back(inv->runner, env, fa_env_open_jobs(env));
	if (rt->finishing || inv->canceled)
		fa_invocation_refuse(inv, FAAS_ECANCELED, "");
	else
		fa_turn_wait(inv, true);
	fa_want_pump(rt);
}

/* A large answer must not be paid for ever after. */
static void shrink_scratch(struct faas *rt)
{
	if (rt->scratch_size <= 16 * SCRATCH_STEP)
		return;
	fa_free(rt->scratch);
	rt->scratch = NULL;
	rt->scratch_size = 0;
}

/* What the callback is shown: copied once, into memory that the next one uses again. */
static bool show(struct fa_invocation *inv, struct faas_result *result,
		 const struct fa_outcome *outcome, struct faas_bytes tail)
{
	struct faas *rt = inv->rt;
	size_t len = outcome->payload.len;

	fa_result_fill(result, outcome, &inv->job, inv->runner->version);
	result->log_tail = tail;
	if (len + 1 > rt->scratch_size) {
		char *larger = fa_alloc_dirty(&rt->mem, len + SCRATCH_STEP);

		if (!larger)
			return false;
		fa_free(rt->scratch);
		rt->scratch = larger;
		rt->scratch_size = len + SCRATCH_STEP;
	}
	if (len)
		memcpy(rt->scratch, outcome->payload.data, len);
	rt->scratch[len] = '\0';
	result->payload = (struct faas_bytes){ rt->scratch, len };
	return true;
}

/* It is over; the environment still has the answer. */
static void judge(struct fa_invocation *inv, struct fa_outcome *outcome)
{
	struct faas *rt = inv->rt;
	struct fa_version *v = inv->runner->version;

	if (inv->job.init_failed)
		fa_told_init_failed(rt, inv->env, &inv->job);
	fa_outcome_judge(outcome, &inv->job, v, rt->config.prices);
	if (inv->job.birth_error == ENOMEM)
		outcome->code = FAAS_ENOMEM;
	fa_count(rt, &rt->loop_counts, outcome, v);
	if (fa_told_wanted(rt, inv->log_tail))
		fa_told_end(rt, inv->env, &inv->job, outcome, inv->log_tail);
}

/* The answer is copied: on to the next. */
static void free_environment(struct fa_invocation *inv)
{
	bool stays = fa_verdict_lasts(inv->job.verdict);

	if (stays)
		inv->env->kind->taken(inv->env, &inv->job);
	fa_turn_pass(inv->runner, inv->env, stays);
}

static void conclude_event(struct fa_invocation *inv)
{
	struct fa_outcome outcome;
	struct fa_ending ending;

	judge(inv, &outcome);
	fa_ending_decide(&ending, inv, inv->job.verdict == FA_NO_BIRTH ? NULL : &outcome);
	free_environment(inv);
	fa_ending_apply(&ending, inv);
}

static void conclude_call(struct fa_invocation *inv)
{
	struct faas *rt = inv->rt;
	struct fa_outcome outcome;
	struct faas_result result;
	char tail[FA_LOG_TAIL];

	judge(inv, &outcome);
	if (inv->on_done || inv->on_part) {
		struct faas_bytes bytes = { tail,
					    inv->log_tail ? fa_logs_tail(inv->env, tail) : 0 };

		if (!show(inv, &result, &outcome, bytes))
			result.code = FAAS_ENOMEM;
	}
	free_environment(inv);
	if (inv->on_part && !result.code && result.payload.len) {
		fa_parts_show(inv, result.payload, false);
		result.payload.len = 0;
	}
	fa_invocation_answer(inv, &result);
	shrink_scratch(rt);
	fa_invocation_free(inv);
}

static void conclude(struct fa_invocation *inv)
{
	inv->runner->load--;
	if (inv->job.streams)
		fa_loop_timer_stop(&inv->rt->loop, &inv->timer);
	if (inv->job.streamed && inv->job.verdict == FA_UNSTARTED)
		inv->job.verdict = FA_VIOLATED; /* it had begun, whatever it says */
	if (inv->job.verdict == FA_UNSTARTED || (inv->job.again && !inv->job.streamed))
		run_again(inv);
	else if (fa_invocation_is_event(inv))
		conclude_event(inv);
	else
		conclude_call(inv);
}

void fa_invocations_init(struct faas *rt)
{
	rt->envs.on_begin = on_begin;
	rt->envs.on_verdict = on_verdict;
	rt->envs.on_part = fa_parts_come;
}

void fa_invoke_finish(struct faas *rt)
{
	struct fa_list *pos;

	while ((pos = fa_list_pop(&rt->unused)))
		fa_free(fa_container(pos, struct fa_invocation, link));
	fa_free(rt->scratch);
}
