/* SPDX-License-Identifier: MIT */
/*
 * Whose turn it is. Who finds no environment free stands in a line of the version's
 * runner; whoever has waited longest goes first. An environment that the loop has
 * leased serves one after the other; when all are busy, the next ones are handed
 * over ahead, a few deep, as long as what stands before them is short.
 */
#include <invocation.h>

#define AHEAD_NS 50000 /* hand over ahead at most so much work */
#define AHEAD_AMONG 64 /* that are looked at, of a function without a limit of its own */
#define KEPT_MAX 128   /* events of the store that wait at hand, per function */

/* By the loop alone. The first is counted before anybody looks around, see fa_want_pump(). */
static void count_waiting(struct faas *rt, int n)
{
	int waiting = atomic_load_explicit(&rt->waiting, memory_order_relaxed);

	if (waiting)
		atomic_store_explicit(&rt->waiting, waiting + n, memory_order_relaxed);
	else
		atomic_store(&rt->waiting, n);
}

/* Of who does stand in it. */
static void leave_line(struct fa_invocation *inv)
{
	fa_list_remove(&inv->turn);
	inv->runner->load--;
	if (fa_list_empty(&inv->runner->waiting))
		fa_list_remove(&inv->runner->hungry);
	count_waiting(inv->rt, -1);
}

void fa_turn_stop(struct fa_invocation *inv)
{
	fa_loop_timer_stop(&inv->rt->loop, &inv->timer);
	if (!fa_list_empty(&inv->turn))
		leave_line(inv);
}

void fa_turn_mind(struct fa_runner *runner)
{
	if (runner->leases)
		fa_env_mind(fa_container(runner->leased.next, struct fa_env, lease));
}

/*
 * Nobody waits for ever. Events do it until they are too old: were they sent away, all of a
 * backlog would come again at the same time, for a few places, and later each time.
 */
static int64_t patience_ms(const struct fa_invocation *inv)
{
	if (fa_invocation_is_event(inv))
		return fa_ending_left_ms(inv);
	return inv->capacity_wait_ms ? inv->capacity_wait_ms : FA_HELD_MS;
}

void fa_turn_wait(struct fa_invocation *inv, bool in_front)
{
	struct faas *rt = inv->rt;
	struct fa_runner *runner = inv->runner;
	int64_t wait_ms = patience_ms(inv);

	inv->state = WAITING;
	count_waiting(rt, 1);
	runner->load++;
	if (fa_list_empty(&runner->waiting)) {
		fa_list_append(&rt->hungry, &runner->hungry);
		fa_want_pump(rt); /* capacity may have come before we were counted */
	}
	if (in_front)
		fa_list_push(&runner->waiting, &inv->turn);
	else
		fa_list_append(&runner->waiting, &inv->turn);
	fa_turn_mind(runner);
	if (fa_timer_start_behind(&runner->patience, &inv->timer,
				  fa_envs_now(&rt->envs) + wait_ms * 1000000) < 0)
		fa_invocation_throttle(inv, "", FAAS_ENOMEM);
}

/* A busy environment that may be given one more ahead. */
static struct fa_env *find_ahead(struct fa_runner *runner, const struct fa_invocation *inv)
{
	int reserved = fa_quota_reserved(runner->quota);
	int n = reserved > 0 ? reserved : AHEAD_AMONG;
	struct fa_list *pos = runner->leased.next;

	for (; n && pos != &runner->leased; n--) {
		struct fa_env *env = fa_container(pos, struct fa_env, lease);

		pos = pos->next;
		if (fa_runner_is_over(runner, env) ||
		    !fa_env_has_room(env, &inv->job, AHEAD_NS) || !fa_env_is_prompt(env))
			continue;
		fa_list_remove(&env->lease);
		fa_list_append(&runner->leased, &env->lease);
		return env;
	}
	return NULL;
}

static bool may_go_ahead(const struct fa_invocation *inv)
{
	return inv->capacity_wait_ms && !inv->log_tail && !inv->on_part;
}

/* Never past one that waits: the order of a function's events is kept. */
bool fa_turn_ahead(struct fa_invocation *inv)
{
	struct fa_env *env;

	if (!may_go_ahead(inv) || !fa_list_empty(&inv->runner->waiting))
		return false;
	env = find_ahead(inv->runner, inv);
	if (env)
		fa_invocation_submit(inv, env);
	return env;
}

/*
 * Short events are through sooner in the environments that are awake than another
 * one would wake up. Should one of them take long after all, the others are
 * taken back from behind it (fa_env_mind()).
 */
bool fa_turn_is_soon(const struct fa_runner *runner, const struct fa_invocation *inv)
{
	const struct fa_env *first = fa_container(runner->leased.next, struct fa_env, lease);
	int64_t service_ns = fa_pool_service_ns(runner->pool);

	return may_go_ahead(inv) && runner->leases && service_ns &&
	       runner->load * service_ns < AHEAD_NS * runner->leases &&
	       fa_env_is_prompt(first) && !fa_runner_is_over(runner, first);
}

/* So many are at hand when an environment is free; the others go back to the store. */
bool fa_turn_may_stay(const struct fa_invocation *inv)
{
	int waiting = (int)inv->runner->load - (int)inv->runner->leases;

	return waiting < KEPT_MAX && fa_durable_has_room(inv->rt);
}

/*
 * Who has waited longest; NULL: nobody waits. An event whose function became another one goes
 * to the end of that one's line, and all of this line do when their turn comes: so they keep
 * their order. It begins there when that is pumped, and not while this one is.
 */
static struct fa_invocation *first_in_line(struct fa_runner *runner)
{
	while (!fa_list_empty(&runner->waiting)) {
		struct fa_invocation *inv =
			fa_container(runner->waiting.next, struct fa_invocation, turn);

		if (!fa_invocation_is_event(inv) || !fa_invocation_follow(inv))
			return inv;
		fa_turn_wait(inv, false);
		fa_want_pump(inv->rt);
	}
	return NULL;
}

void fa_invocations_pump(struct fa_runner *runner)
{
	struct fa_invocation *inv;

	while ((inv = first_in_line(runner))) {
		fa_invocation_begin(inv);
		if (inv->state == WAITING)
			return;
	}
}

/*
 * Whoever waits longest goes first; the next ones ahead, as far as they may. Who is left is
 * looked at again if the environment is late: another one may have come free meanwhile, and
 * been given up because this one seemed to be through soon.
 */
static void top_up(struct fa_runner *runner, struct fa_env *env)
{
	bool prompt = fa_env_is_prompt(env);
	struct fa_invocation *next;

	while ((next = first_in_line(runner))) {
		if (fa_env_open_jobs(env) &&
		    !(prompt && may_go_ahead(next) &&
		      fa_env_has_room(env, &next->job, AHEAD_NS))) {
			fa_env_mind(env);
			return;
		}
		fa_turn_stop(next);
		fa_invocation_submit(next, env);
	}
}

void fa_turn_give_back(struct fa_runner *runner, struct fa_env *env, bool stays)
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

void fa_turn_pass(struct fa_runner *runner, struct fa_env *env, bool stays)
{
	if (stays && !is_surplus(runner, env) && !fa_runner_is_over(runner, env))
		top_up(runner, env);
	if (fa_env_open_jobs(env))
		return; /* it works on, for others */
	fa_turn_give_back(runner, env, stays);
}
