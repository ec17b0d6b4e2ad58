/* SPDX-License-Identifier: MIT */
/*
 * The long way: an invocation is a small state machine of the loop.
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
#include <conduct.h>

#include <errno.h>
#include <string.h>

#include <admit/admit.h>
#include <base/error.h>
#include <base/options.h>
#include <base/text.h>
#include <outcome/result.h>
#include <queue/retry.h>

#define AHEAD_NS 50000  /* hand over ahead at most so much work */
#define SMALL 1024       /* room of an invocation that is kept for the next */
#define UNUSED_MAX 256
#define KEPT_MAX 128     /* events of the store that wait at hand, per function */

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
	struct fa_kept *kept;      /* an event that outlives the program */
	void (*on_done)(void *data, const struct faas_result *result);
	void *data;
	size_t room;
	struct fa_job job;
	char payload[]; /* of `room` bytes: context strings, then the event */
};

static bool is_event(const struct fa_invocation *inv)
{
	return inv->mode == FAAS_EVENT;
}

static void begin(struct fa_invocation *inv);
static void conclude(struct fa_invocation *inv);

static void stop_waiting(struct fa_invocation *inv)
{
	fa_loop_timer_stop(&inv->rt->loop, &inv->timer);
	if (fa_list_empty(&inv->turn))
		return;
	fa_list_remove(&inv->turn);
	inv->runner->load--;
	if (fa_list_empty(&inv->runner->waiting))
		fa_list_remove(&inv->runner->hungry);
	atomic_fetch_sub(&inv->rt->waiting, 1);
}

/* [loop] Small ones are kept for the next that a callback makes. */
static void recycle(struct faas *rt, struct fa_invocation *inv)
{
	if (inv->room != SMALL || rt->unused_count == UNUSED_MAX) {
		fa_free(inv);
		return;
	}
	fa_list_push(&rt->unused, &inv->link);
	rt->unused_count++;
}

static void free_invocation(struct fa_invocation *inv)
{
	struct faas *rt = inv->rt;

	stop_waiting(inv);
	fa_list_remove(&inv->link);
	if (inv->kept)
		fa_kept_let_go(inv->kept);
	else if (is_event(inv))
		atomic_fetch_sub(&rt->queued, 1);
	fa_version_unref(inv->runner->version);
	recycle(rt, inv);
	if (fa_is_closing(rt))
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

	if (inv->kept ? rt->finishing : inv->canceled || fa_is_closing(rt)) {
		free_invocation(inv);
		return;
	}
	end = ran ? fa_retry_after_error(&inv->retry, v->config.max_retries, v->config.max_age_s,
					 now, &delay) :
		    fa_retry_after_throttle(&inv->retry, v->config.max_age_s, now, &delay);
	if (end == FA_RETRY_AGAIN && !inv->kept) {
		pause_for(inv, delay);
		return;
	}
	if (inv->kept)
		fa_kept_settle(inv->kept, end, &inv->retry, delay);
	if (end != FA_RETRY_AGAIN)
		fa_tell_metric(&rt->tell, v, "AsyncEventsDropped", "Count", 1,
			       fa_unix_ms(rt, now));
	free_invocation(inv);
}

static void throttle(struct fa_invocation *inv, const char *reason, int code)
{
	if (code == FAAS_ETHROTTLED)
		fa_told_throttle(inv->rt, inv->runner->version);
	if (is_event(inv))
		settle_event(inv, false);
	else
		refuse(inv, code, reason);
}

static void hold(struct fa_invocation *inv, bool in_front)
{
	struct faas *rt = inv->rt;
	struct fa_runner *runner = inv->runner;
	int64_t wait_ms = inv->capacity_wait_ms;

	inv->state = WAITING;
	atomic_fetch_add(&rt->waiting, 1);
	runner->load++;
	if (fa_list_empty(&runner->waiting))
		fa_list_append(&rt->hungry, &runner->hungry);
	if (in_front)
		fa_list_push(&runner->waiting, &inv->turn);
	else
		fa_list_append(&runner->waiting, &inv->turn);
	if (runner->leases)
		fa_env_mind(fa_container(runner->leased.next, struct fa_env, lease));
	if (wait_ms && fa_loop_timer(&rt->loop, &inv->timer,
				     fa_now(rt->clock) + wait_ms * 1000000) < 0)
		throttle(inv, "", FAAS_ENOMEM);
}

static void submit(struct fa_invocation *inv, struct fa_env *env)
{
	struct fa_job *job = &inv->job;

	inv->state = RUNNING;
	inv->env = env;
	inv->runner->load++;
	job->verdict = FA_OPEN;
	job->init_ns = job->cpu_ns = job->end_ns = 0;
	job->error_type[0] = '\0';
	job->unix_offset_ns = fa_unix_offset_at(inv->rt, fa_envs_now(&inv->rt->envs));
	fa_env_submit(env, job);
}

static void on_begin(void *data, struct fa_env *env, struct fa_job *job)
{
	struct fa_invocation *inv = fa_container(job, struct fa_invocation, job);

	if (fa_told_wanted(data, inv->log_tail))
		fa_told_start(data, env, job, inv->log_tail);
}

/* A busy environment that may be given one more ahead. */
static struct fa_env *find_ahead(struct fa_runner *runner, const struct fa_invocation *inv)
{
	uint32_t n = runner->gate->limit ? (uint32_t)runner->gate->limit : 64;
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

static bool may_go_ahead(const struct fa_invocation *inv)
{
	return inv->capacity_wait_ms && !inv->log_tail;
}

/* Never past one that waits: the order of a function's events is kept. */
static bool try_ahead(struct fa_invocation *inv)
{
	struct fa_env *env;

	if (!may_go_ahead(inv) || !fa_list_empty(&inv->runner->waiting))
		return false;
	env = find_ahead(inv->runner, inv);
	if (env)
		submit(inv, env);
	return env;
}

/*
 * Short events are through sooner in the environments that are awake than another
 * one would wake up. Should one of them take long after all, the others are
 * taken back from behind it (fa_env_mind()).
 */
static bool is_soon(const struct fa_runner *runner, const struct fa_invocation *inv)
{
	int64_t service_ns = fa_pool_service_ns(runner->pool);

	return may_go_ahead(inv) && runner->leases && service_ns &&
	       runner->load * service_ns < AHEAD_NS * runner->leases &&
	       fa_env_is_prompt(fa_container(runner->leased.next, struct fa_env, lease));
}

/* So many are at hand when an environment is free; the others go back to the store. */
static bool may_stay(const struct fa_invocation *inv)
{
	int waiting = (int)inv->runner->load - (int)inv->runner->leases;

	return waiting < KEPT_MAX && fa_durable_has_room(inv->rt);
}

static void begin(struct fa_invocation *inv)
{
	struct fa_runner *runner = inv->runner;
	bool in_turn = fa_list_empty(&runner->waiting) || inv->state == WAITING;
	struct fa_env *env = NULL;
	const char *reason = "";
	int why = 0;

	if (in_turn && !is_soon(runner, inv))
		env = fa_runner_lease(runner, &reason, &why);
	if (env) {
		fa_list_append(&runner->leased, &env->lease);
		runner->leases++;
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
	else if (inv->kept ? may_stay(inv) : inv->capacity_wait_ms || !why)
		hold(inv, false);
	else
		throttle(inv, reason, FAAS_ETHROTTLED);
}

void fa_invocations_pump(struct fa_runner *runner)
{
	while (!fa_list_empty(&runner->waiting)) {
		struct fa_invocation *inv =
			fa_container(runner->waiting.next, struct fa_invocation, turn);

		begin(inv);
		if (inv->state == WAITING)
			return;
	}
}

/* Whoever waits longest goes first; the next ones ahead, as far as they may. */
static void top_up(struct fa_runner *runner, struct fa_env *env)
{
	while (!fa_list_empty(&runner->waiting)) {
		struct fa_invocation *next =
			fa_container(runner->waiting.next, struct fa_invocation, turn);

		if (fa_env_open_jobs(env) &&
		    !(may_go_ahead(next) && fa_env_accepts(env, &next->job, AHEAD_NS)))
			return;
		stop_waiting(next);
		submit(next, env);
	}
}

static void give_back(struct fa_runner *runner, struct fa_env *env, bool stays)
{
	fa_list_remove(&env->lease);
	runner->leases--;
	fa_runner_release(runner, env, stays);
}

/* The others are through with what waits in half the time that is too long. */
static bool is_surplus(const struct fa_runner *runner, const struct fa_env *env)
{
	int64_t service_ns = fa_pool_service_ns(runner->pool);

	return runner->leases > 1 && !fa_env_open_jobs(env) && service_ns &&
	       runner->load * service_ns < AHEAD_NS / 2 * (runner->leases - 1);
}

static void use_again(struct fa_runner *runner, struct fa_env *env, bool stays)
{
	if (stays && !is_surplus(runner, env))
		top_up(runner, env);
	if (fa_env_open_jobs(env))
		return; /* it works on, for others */
	give_back(runner, env, stays);
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
	struct faas *rt = inv->rt;
	struct fa_env *env = inv->env;

	if (inv->job.verdict == FA_INIT_TIMED_OUT) {
		fa_told_init_failed(rt, env, &inv->job);
		inv->job.late = true;
	}
	inv->env = NULL;
	if (!fa_env_open_jobs(env) && !fa_list_empty(&env->lease))
		give_back(inv->runner, env, false);
	if (rt->finishing)
		refuse(inv, FAAS_ECANCELED, "");
	else
		hold(inv, true);
	fa_want_pump(rt);
}

/* A large answer must not be paid for ever after. */
static void shrink_scratch(struct faas *rt)
{
	if (rt->scratch_size <= 16 * SMALL)
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
		char *larger = fa_alloc_dirty(&rt->mem, len + SMALL);

		if (!larger)
			return false;
		fa_free(rt->scratch);
		rt->scratch = larger;
		rt->scratch_size = len + SMALL;
	}
	if (len)
		memcpy(rt->scratch, outcome->payload.data, len);
	rt->scratch[len] = '\0';
	result->payload = (struct faas_bytes){ rt->scratch, len };
	return true;
}

static void conclude(struct fa_invocation *inv)
{
	struct faas *rt = inv->rt;
	struct fa_env *env = inv->env;
	struct fa_version *v = inv->runner->version;
	struct fa_outcome outcome;
	struct faas_result result;
	char tail[FA_LOG_TAIL];
	bool stays = fa_verdict_lasts(inv->job.verdict), ran = inv->job.verdict != FA_NO_BIRTH;

	inv->runner->load--;
	if (inv->job.verdict == FA_UNSTARTED || inv->job.verdict == FA_INIT_TIMED_OUT) {
		run_again(inv);
		return;
	}
	if (fa_verdict_is_init(inv->job.verdict))
		fa_told_init_failed(rt, env, &inv->job);
	fa_outcome_judge(&outcome, &inv->job, v, rt->config.prices);
	if (inv->job.birth_error == ENOMEM)
		outcome.code = FAAS_ENOMEM;
	fa_count(rt, &outcome, v);
	if (fa_told_wanted(rt, inv->log_tail))
		fa_told_end(rt, env, &inv->job, &outcome, inv->log_tail);
	if (inv->on_done) {
		struct faas_bytes bytes = { tail, inv->log_tail ? fa_logs_tail(env, tail) : 0 };

		if (!show(inv, &result, &outcome, bytes))
			result.code = FAAS_ENOMEM;
	}
	if (stays)
		env->kind->taken(env, &inv->job);
	use_again(inv->runner, env, stays);
	if (is_event(inv) && outcome.code != FAAS_OK) {
		settle_event(inv, ran);
		return;
	}
	if (inv->kept)
		fa_kept_succeed(inv->kept);
	answer(inv, &result);
	shrink_scratch(rt);
	free_invocation(inv);
}

/* ---- the door with a callback ---------------------------------------- */

static void say_accepted(struct fa_invocation *inv)
{
	struct faas *rt = inv->rt;
	struct faas_result accepted = { .size = sizeof(accepted),
					.request_id = inv->job.request_id,
					.version = inv->runner->version->qualifier,
					.error_type = "",
					.reason = "",
					.payload = { "", 0 },
					.log_tail = { "", 0 } };

	fa_tell_metric(&rt->tell, inv->runner->version, "AsyncEventsReceived", "Count", 1,
		       fa_unix_ms(rt, fa_now(rt->clock)));
	answer(inv, &accepted);
}

void fa_invocation_accepted(struct fa_invocation *inv, enum fa_store_outcome outcome, bool begins)
{
	if (outcome != FA_STORE_DONE) {
		refuse(inv, outcome == FA_STORE_UNKNOWN ? FAAS_EUNKNOWN : FAAS_ESYSTEM, "");
		return;
	}
	say_accepted(inv);
	if (begins && !inv->rt->finishing)
		begin(inv);
	else
		free_invocation(inv);
}

static void arrive(struct fa_call *call)
{
	struct fa_invocation *inv = fa_container(call, struct fa_invocation, arrive);
	struct faas *rt = inv->rt;

	fa_list_append(&rt->invocations, &inv->link);
	if (inv->mode == FAAS_DRY_RUN || inv->canceled || rt->finishing) {
		refuse(inv, inv->mode == FAAS_DRY_RUN ? FAAS_OK : FAAS_ECANCELED, "");
		return;
	}
	if (inv->kept) {
		fa_kept_accept(inv->kept, inv, &inv->job);
		return;
	}
	if (is_event(inv))
		say_accepted(inv);
	begin(inv);
}

static void init_invocation(struct fa_invocation *inv, struct fa_version *v, enum faas_mode mode)
{
	inv->arrive.run = arrive;
	inv->timer.on_due = on_next_attempt;
	inv->runner = v->runner;
	inv->rt = inv->runner->rt;
	inv->mode = mode;
	inv->id = atomic_fetch_add(&inv->rt->serial, 1) + 1;
	fa_list_init(&inv->link);
	fa_list_init(&inv->turn);
	inv->job.timeout_ns = (int64_t)v->config.timeout_ms * 1000000;
}

static void fill_invocation(struct fa_invocation *inv, struct faas *rt, struct fa_version *v,
			    const struct faas_request *r, size_t meta_max)
{
	init_invocation(inv, v, r->mode);
	inv->log_tail = r->log_tail;
	inv->capacity_wait_ms = r->capacity_wait_ms;
	inv->on_done = r->on_done;
	inv->data = r->data;
	inv->job.meta = inv->payload;
	inv->job.meta_len = fa_meta_put(inv->payload, r, v);
	inv->job.payload = (struct faas_bytes){ inv->payload + meta_max, r->payload.len };
	if (r->payload.len)
		memcpy(inv->payload + meta_max, r->payload.data, r->payload.len);
	if (r->mode == FAAS_EVENT) {
		/* known before it runs, and the same for every attempt */
		uint8_t bits[16];

		inv->retry.accepted_ns = fa_now(rt->clock);
		fa_random_bytes(bits, sizeof(bits));
		fa_uuid(inv->job.request_id, bits);
		if (!inv->kept)
			atomic_fetch_add(&rt->queued, 1);
	}
}

static struct fa_invocation *new_invocation(struct faas *rt, size_t room)
{
	struct fa_invocation *inv;

	if (room < SMALL)
		room = SMALL;
	if (room == SMALL && fa_loop_here(&rt->loop) && rt->unused_count) {
		inv = fa_container(fa_list_pop(&rt->unused), struct fa_invocation, link);
		rt->unused_count--;
	} else {
		inv = fa_alloc_dirty(&rt->mem, sizeof(*inv) + room);
	}
	if (inv) {
		memset(inv, 0, sizeof(*inv));
		inv->room = room;
	}
	return inv;
}

bool fa_invocation_resume(struct fa_version *version, struct fa_kept *kept,
			  const struct fa_stored *event, const struct fa_retry *retry)
{
	struct fa_runner *runner = version->runner;
	struct fa_invocation *inv = new_invocation(runner->rt, 0);

	if (!inv) {
		fa_version_unref(version);
		return false;
	}
	init_invocation(inv, version, FAAS_EVENT);
	inv->kept = kept;
	inv->retry = *retry;
	inv->job.meta = event->meta.data;
	inv->job.meta_len = (uint32_t)event->meta.len;
	inv->job.payload = event->payload;
	memcpy(inv->job.request_id, event->request_id, sizeof(inv->job.request_id));
	fa_list_append(&inv->rt->invocations, &inv->link);
	begin(inv);
	return true;
}

int faas_invoke(struct faas *rt, const struct faas_request *request, uint64_t *id,
		struct faas_error *err)
{
	struct fa_invocation *inv;
	struct fa_version *version;
	struct faas_request room;
	const struct faas_request *r;
	size_t meta_max;
	int rc;

	if (!rt)
		return fa_error(err, FAAS_EINVAL, "a runtime is required");
	r = fa_options_read(&room, sizeof(room), request, "FAAS_REQUEST", err);
	rc = !r ? FAAS_EINVAL : fa_admit_check(r, err);
	if (!rc)
		rc = fa_enter(rt, err);
	if (rc)
		return rc;
	version = fa_registry_find(&rt->registry, r->function, err);
	if (!version) {
		fa_leave(rt);
		return err ? err->code : FAAS_ENOTFOUND;
	}
	meta_max = fa_meta_size(r);
	inv = new_invocation(rt, meta_max + r->payload.len);
	if (inv && r->mode == FAAS_EVENT && fa_kept_create(rt, r->function, &inv->kept) < 0) {
		fa_free(inv);
		inv = NULL;
	}
	if (!inv) {
		fa_version_unref(version);
		fa_leave(rt);
		return fa_error_nomem(err);
	}
	fill_invocation(inv, rt, version, r, meta_max);
	if (id)
		*id = inv->id;
	fa_loop_call(&rt->loop, &inv->arrive);
	fa_leave(rt); /* it arrives before the runtime ends, and then the list keeps it */
	return 0;
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

/* An event that the store has accepted is not called off. */
void fa_invocation_cancel(struct faas *rt, uint64_t id)
{
	struct fa_list *pos;

	fa_list_for(pos, &rt->invocations) {
		struct fa_invocation *inv = fa_container(pos, struct fa_invocation, link);

		if (inv->id == id && !inv->kept) {
			cancel(inv);
			return;
		}
	}
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

void fa_invocations_init(struct faas *rt)
{
	rt->envs.on_begin = on_begin;
	rt->envs.on_verdict = on_verdict;
}

void fa_invoke_finish(struct faas *rt)
{
	struct fa_list *pos;

	while ((pos = fa_list_pop(&rt->unused)))
		fa_free(fa_container(pos, struct fa_invocation, link));
	fa_free(rt->scratch);
}
