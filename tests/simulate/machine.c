/* SPDX-License-Identifier: MIT */
/*
 * A kind of environment without a process: a machine with timers. It is born late, is
 * initialised, works through what was posted to it one by one, and meets with all that a
 * process can meet with.
 */
#include "machine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <env/env.h>
#include <env/pool.h>
#include <env/wire.h>
#include <model/function.h>

#define BURST 8 /* unborn at a time: more shells are made from then on */

struct slot {
	struct request *request; /* NULL: a start */
	enum fa_verdict verdict;
	int64_t start_ns, end_ns;
};

enum stage { UNBORN, WAITS, INIT, READY, STUCK, DEAD }; /* WAITS: a shell, for its function */

/* Sequence numbers count jobs of this process from 1. */
struct machine {
	struct fa_env *env;
	enum stage stage;
	bool dying;
	bool starved;             /* the kernel ends it, for it has had too much memory */
	int64_t init_end_ns;      /* INT64_MAX: never */
	enum fa_verdict init_end; /* FA_EXITED: it crashes */
	uint32_t rung;            /* may be begun */
	uint32_t begun, finished;
	struct slot slots[FA_DEPTH];
	struct fa_timer birth, work, death, report;
	struct fa_list link; /* of all */
	struct fa_kit kit;   /* by it the library knows that there is a process */
	struct fa_request_head head;
	char answer[32];
};

static struct fa_list machines = { &machines, &machines };

static struct machine *machine_of(const struct fa_env *env)
{
	return env->thread;
}

static struct slot *slot_of(struct machine *m, uint32_t seq)
{
	return &m->slots[seq & (FA_DEPTH - 1)];
}

static void at(struct fa_timer *timer, int64_t at_ns)
{
	if (at_ns != INT64_MAX)
		fa_timer_start(&world.timers, timer, at_ns);
}

static void stop(struct machine *m)
{
	fa_timer_stop(&world.timers, &m->birth);
	fa_timer_stop(&world.timers, &m->work);
	fa_timer_stop(&world.timers, &m->death);
}

/* ---- the end ---------------------------------------------------------- */

static void report(struct fa_timer *timer)
{
	struct machine *m = fa_container(timer, struct machine, report);
	struct fa_env *env = m->env;
	struct fa_pool *pool = env->pool;
	bool crowded;

	note("e%u is reported dead", env->id);
	pthread_mutex_lock(&pool->lock);
	crowded = pool->unborn >= FA_UNBORN_MAX;
	pool->unborn -= env->unborn;
	env->unborn = false;
	crowded &= pool->unborn < FA_UNBORN_MAX;
	fa_loop_timer_stop(pool->envs->loop, &env->grace);
	fa_env_died(env);
	pthread_mutex_unlock(&pool->lock);
	if (crowded)
		pool->envs->on_capacity(pool->envs->data);
}

/* Nobody knows of it yet. */
static void perish(struct machine *m, int error)
{
	struct slot *slot = slot_of(m, m->begun);

	if (m->begun != m->finished && slot->request)
		slot->request->end = DIED;
	m->stage = DEAD;
	m->env->exit_error = error;
	m->env->exit_status = error ? 0 : 9;
	stop(m);
}

static void die(struct machine *m, int error)
{
	if (m->stage == DEAD)
		return;
	perish(m, error);
	at(&m->report, now() + draw_between(0, 5) * (MS / 5));
}

void machines_perish(const struct fa_pool *pool)
{
	const struct fa_list *pos;

	fa_list_for(pos, &machines)
	{
		struct machine *m = fa_container(pos, struct machine, link);

		if (m->env->pool == pool && m->stage != DEAD)
			perish(m, 0);
	}
}

static void on_death(struct fa_timer *timer)
{
	struct machine *m = fa_container(timer, struct machine, death);

	note("e%u ends", m->env->id);
	die(m, 0);
}

static void kill_machine(struct fa_env *env)
{
	struct machine *m = machine_of(env);

	if (!m) {
		fa_env_died(env);
		return;
	}
	env->doomed = m->stage == UNBORN;
	if (m->stage == DEAD || m->stage == UNBORN)
		return;
	/* A process has some microseconds left to end its init in and to begin: not played here. */
	if (m->stage == INIT)
		fa_timer_stop(&world.timers, &m->work);
	if (!m->death.index || m->death.at_ns > now())
		at(&m->death, now() + (int64_t)draw(3) * (MS / 10));
}

static void retire(struct fa_env *env)
{
	struct machine *m = machine_of(env);

	if (!m || m->stage != READY || !chance(world.dials.polite)) {
		kill_machine(env);
		return;
	}
	note("e%u says good-bye", env->id);
	at(&m->death, now() + draw_between(0, 3000) * MS);
	fa_loop_call(env->pool->envs->loop, &env->grace_call);
}

static void bury(struct fa_env *env)
{
	struct machine *m = machine_of(env);

	if (!m)
		return;
	if (m->stage != DEAD)
		broken("e%u is buried alive", env->id);
	stop(m);
	fa_timer_stop(&world.timers, &m->report);
	fa_list_remove(&m->link);
	free(m);
	env->thread = NULL;
	env->kit = NULL;
	world.machines--;
}

static void finish(struct fa_env *env)
{
	if (env->thread)
		broken("e%u is freed with its process", env->id);
}

/* ---- work ------------------------------------------------------------- */

static void begin_next(struct machine *m);

/* In the middle of its work, or soon behind it. */
static void starve(struct machine *m)
{
	if (m->env->kind->steady)
		return; /* it would end by itself */
	note("e%u has too much memory", m->env->id);
	m->starved = true;
	at(&m->death,
	   now() + (chance(500) ? draw_between(0, 20) * 1000 : draw_between(0, 500) * MS));
}

static int64_t work_ns(struct machine *m)
{
	static const int64_t some[] = { 2000, 5000, 20000, 2000, 10000, -1 };
	int64_t timeout = (int64_t)m->env->pool->version->config.timeout_ms * MS;

	if (chance(world.dials.hang))
		return INT64_MAX - now();
	if (!chance(world.dials.long_work))
		return draw_of(some);
	return chance(300) ? timeout - 2 * MS + draw_between(0, 4) * MS
			   : draw_between(1, 20) * (timeout / 24);
}

static void on_work_done(struct machine *m)
{
	struct slot *slot = slot_of(m, m->begun);

	if (slot->request && chance(world.dials.crash)) {
		note("r%d crashes e%u", slot->request->number, m->env->id);
		die(m, 0);
		return;
	}
	slot->verdict = slot->request && chance(world.dials.error) ? FA_ERRED : FA_REPLIED;
	slot->end_ns = now();
	if (slot->request) {
		slot->request->end = slot->verdict == FA_ERRED ? ERRED : REPLIED;
		note("r%d is %s by e%u", slot->request->number,
		     slot->verdict == FA_ERRED ? "failed" : "answered", m->env->id);
	}
	m->finished = m->begun;
	if (!m->env->kind->steady && chance(world.dials.idle_crash))
		at(&m->death, now() + draw_between(0, 200) * MS / 10);
	begin_next(m);
}

static void on_init_done(struct machine *m)
{
	m->env->init_done_ns = now();
	if (m->init_end == FA_REPLIED) {
		m->stage = READY;
		note("e%u is initialised", m->env->id);
		begin_next(m);
		return;
	}
	m->starved = m->init_end == FA_EXITED && chance(300);
	note("e%u %s in its init", m->env->id, m->init_end == FA_EXITED ? "crashes" : "fails");
	if (m->init_end == FA_EXITED) {
		die(m, 0);
		return;
	}
	m->stage = STUCK;
	m->begun++;
	slot_of(m, m->begun)->verdict = FA_INIT_ERRED;
	slot_of(m, m->begun)->end_ns = now();
	m->finished = m->begun;
}

static void on_work(struct fa_timer *timer)
{
	struct machine *m = fa_container(timer, struct machine, work);

	if (m->stage == INIT)
		on_init_done(m);
	else
		on_work_done(m);
}

static void begin_next(struct machine *m)
{
	struct slot *slot;
	struct request *r;

	if (m->stage != READY || m->begun != m->finished || m->begun == m->rung)
		return;
	slot = slot_of(m, ++m->begun);
	r = slot->request;
	if (r) {
		note("r%d begins in e%u", r->number, m->env->id);
		request_starts(r);
	}
	slot->start_ns = now();
	at(&m->work, now() + (r ? work_ns(m) : 0));
	if (r && chance(world.dials.starve))
		starve(m);
}

static void post(struct fa_env *env, struct fa_job *job, unsigned flags)
{
	struct machine *m = machine_of(env);
	struct slot *slot;

	if (env->state != FA_BUSY && env->state != FA_STARTING && env->state != FA_CRASHED)
		broken("e%u is given a job in state %d", env->id, (int)env->state);
	if (env->want - env->done >= FA_DEPTH ||
	    (!(flags & FA_REQ_ASYNC) && env->want != env->done))
		broken("e%u is given more than it holds", env->id);
	job->cold = env->fresh;
	job->start_ns = now();
	env->jobs[++env->want & (FA_DEPTH - 1)] = job;
	slot = slot_of(m, env->want);
	*slot = (struct slot){ .verdict = FA_OPEN };
	if (!(flags & FA_REQ_START))
		slot->request = request_posted(job, env);
	if (!(flags & FA_REQ_ASYNC) || chance(world.dials.awake)) {
		m->rung = env->want;
		begin_next(m);
	}
}

static void ring(struct fa_env *env, int64_t now_ns)
{
	struct machine *m = machine_of(env);

	(void)now_ns;
	if (!m)
		return;
	m->rung = env->want;
	begin_next(m);
}

/* Nothing behind the oldest job begins any more, unless it has. */
static bool hold(struct machine *m)
{
	uint32_t oldest = m->env->done + 1;

	if ((int32_t)(m->begun - oldest) > 0)
		return false;
	if ((int32_t)(m->rung - oldest) > 0)
		m->rung = oldest;
	return true;
}

static bool recall(struct fa_env *env)
{
	struct machine *m = machine_of(env);
	uint32_t most = env->done + 1;

	if (!hold(m))
		return false;
	note("e%u gives back %u", env->id, env->want - most);
	env->want = most;
	return true;
}

static bool stop_machine(struct fa_env *env)
{
	struct machine *m = machine_of(env);

	return !m || world.plant == BEGINS_TWICE || hold(m);
}

/* ---- what the library sees -------------------------------------------- */

static bool has_news(struct fa_env *env)
{
	return machine_of(env)->finished != env->done || atomic_load(&env->fate) != FA_ALIVE;
}

static void split_init(struct fa_env *env, struct fa_job *job)
{
	if (!env->fresh || env->suppressed)
		return;
	if (!env->init_done_ns)
		env->init_done_ns = job->end_ns;
	job->init_ns = env->init_done_ns - env->birth_ns;
	job->start_ns = env->init_done_ns;
}

static void take(struct fa_env *env, struct fa_job *job)
{
	struct machine *m = machine_of(env);
	const struct slot *slot = slot_of(m, env->done + 1);
	int64_t took = slot->end_ns - slot->start_ns;

	job->verdict = slot->verdict;
	job->end_ns = slot->end_ns;
	job->answer = (struct faas_bytes){ m->answer, 0 };
	if (slot->request)
		job->answer.len = (size_t)snprintf(m->answer, sizeof(m->answer), "r%d",
						   slot->request->number);
	if (slot->verdict != FA_REPLIED)
		strcpy(job->error_type, "Machine.Failed");
	if (slot->verdict == FA_INIT_ERRED)
		fa_env_fail_init(env, job);
	split_init(env, job);
	env->fresh = false;
	env->served++;
	if (slot->request && took < INT32_MAX)
		env->pool->service_ns += ((int32_t)took - (int32_t)env->pool->service_ns) / 8;
}

static bool poll_answer(struct fa_env *env, struct fa_job *job, int64_t now_ns)
{
	struct machine *m = machine_of(env);
	bool initialised = !env->fresh || env->init_done_ns;

	if (m->finished != env->done) {
		take(env, job);
		return true;
	}
	if (atomic_load(&env->fate) == FA_ALIVE)
		return false;
	job->end_ns = now_ns;
	split_init(env, job);
	if (atomic_load(&env->fate) == FA_CALLED_OFF && stop_machine(env))
		job->verdict = FA_CANCELED;
	else if (machine_of(env)->starved)
		job->verdict = FA_STARVED;
	else
		job->verdict = env->exit_error ? FA_NO_BIRTH : FA_EXITED;
	if (!initialised && job->verdict != FA_CANCELED && job->verdict != FA_NO_BIRTH)
		fa_env_fail_init(env, job);
	job->wait_status = env->exit_status;
	return true;
}

static int64_t check(struct fa_env *env, struct fa_job *job, int64_t now_ns)
{
	int64_t begin = job->start_ns, next;

	if (env->fresh && !env->suppressed && !env->done) {
		if (env->init_done_ns) {
			begin = env->init_done_ns;
		} else if (now_ns < env->birth_ns + fa_env_init_limit(env, job)) {
			return env->birth_ns + fa_env_init_limit(env, job);
		} else {
			job->verdict = FA_INIT_TIMED_OUT;
			fa_env_fail_init(env, job);
			job->end_ns = now_ns;
			job->init_ns = now_ns - env->birth_ns;
			return INT64_MAX;
		}
	}
	next = fa_pool_next_look(env, job, begin, now_ns);
	if (next)
		return next;
	job->verdict = FA_TIMED_OUT;
	job->end_ns = now_ns;
	split_init(env, job);
	return INT64_MAX;
}

struct look {
	struct fa_env *env;
	int64_t until_ns;
};

static bool is_over(const void *data)
{
	const struct look *look = data;

	return has_news(look->env) || now() >= look->until_ns;
}

static void on_wait_over(struct fa_timer *timer)
{
	(void)timer; /* it only makes the clock stop there */
}

static void wait_for_answer(struct fa_env *env, struct fa_job *job)
{
	struct fa_timer alarm = { .on_due = on_wait_over };

	while (!(has_news(env) && poll_answer(env, job, now()))) {
		struct look look = { .env = env, .until_ns = check(env, job, now()) };

		if (job->verdict != FA_OPEN)
			break;
		at(&alarm, look.until_ns);
		client_wait(is_over, &look);
		fa_timer_stop(&world.timers, &alarm);
	}
	env->done = env->want;
	fa_env_note(env, job);
}

static void taken(struct fa_env *env, const struct fa_job *job)
{
	struct slot *slot = slot_of(machine_of(env), env->done);

	(void)job;
	if (slot->request && slot->verdict == FA_REPLIED && slot->request->mode == FAAS_EVENT)
		slot->request->succeeded = true;
}

static int64_t patience(struct fa_env *env)
{
	(void)env;
	return 0;
}

static void rung(struct fa_env *env)
{
	(void)env;
}

/* ---- birth ------------------------------------------------------------ */

static void draw_init(struct machine *m)
{
	static const int64_t some[] = { 0, MS / 10, MS, 5 * MS, 50 * MS, -1 };
	int64_t limit = m->env->pool->envs->init_limit_ns;
	int64_t timeout = (int64_t)m->env->pool->version->config.timeout_ms * MS;

	m->init_end = FA_REPLIED;
	if (chance(world.dials.init_error))
		m->init_end = FA_INIT_ERRED;
	if (chance(world.dials.init_crash))
		m->init_end = FA_EXITED;
	m->init_end_ns = now() + draw_of(some);
	if (chance(world.dials.slow_init))
		m->init_end_ns = now() + draw_between(1, 12) * (limit / 10);
	if (m->env->heir_of && chance(500)) /* about when the late one is killed, or later */
		m->init_end_ns = now() + draw_between(1, 20) * (timeout / 16);
	if (chance(world.dials.init_hang))
		m->init_end_ns = INT64_MAX;
}

static void begin_init(struct machine *m)
{
	m->stage = INIT;
	draw_init(m);
	at(&m->work, m->init_end_ns);
}

static void on_birth(struct fa_timer *timer)
{
	struct machine *m = fa_container(timer, struct machine, birth);
	struct fa_env *env = m->env;
	struct fa_pool *pool = env->pool;
	bool crowded;

	if (env->doomed || chance(world.dials.stillbirth)) {
		note("e%u is stillborn", env->id);
		die(m, env->doomed ? 0 : EAGAIN);
		return;
	}
	pthread_mutex_lock(&pool->lock);
	crowded = pool->unborn >= FA_UNBORN_MAX;
	pool->unborn--;
	env->unborn = false;
	crowded &= pool->unborn < FA_UNBORN_MAX;
	pthread_mutex_unlock(&pool->lock);
	m->stage = WAITS;
	if (!env->shell)
		begin_init(m);
	if (crowded)
		pool->envs->on_capacity(pool->envs->data);
}

static void forget_process(struct fa_env *env)
{
	env->want = env->rung = env->done = 0;
	env->init_done_ns = 0;
	env->served = 0;
	env->fresh = true;
	env->doomed = env->shell = false;
	env->exit_status = env->exit_error = 0;
	atomic_store(&env->fate, FA_ALIVE);
	env->birth_ns = now();
}

static int spawn(struct fa_env *env, bool waits)
{
	static const int64_t some[] = { 0, MS / 10, MS, -1 };
	struct fa_pool *pool = env->pool;
	struct machine *m;
	bool alive;

	if (env->thread)
		broken("e%u gets a second process", env->id);
	forget_process(env);
	if (chance(world.dials.birth_error))
		return -EAGAIN;
	alive = nest_ensure(pool);
	m = calloc(1, sizeof(*m));
	m->env = env;
	m->kit.request = &m->head;
	fa_list_append(&machines, &m->link);
	m->birth.on_due = on_birth;
	m->work.on_due = on_work;
	m->death.on_due = on_death;
	m->report.on_due = report;
	env->thread = m;
	env->kit = &m->kit;
	env->shell = waits;
	if (waits)
		nest_has_shell(pool);
	env->unborn = true;
	pool->unborn++;
	pool->prepared |= pool->unborn >= BURST;
	world.machines++;
	note("e%u of f%s is made%s", env->id, pool->version->config.name, waits ? ", ahead" : "");
	if (!alive) {
		perish(m, 0);
		return 0;
	}
	at(&m->birth,
	   now() + (chance(world.dials.slow_birth) ? draw_between(1, 3000) * MS : draw_of(some)));
	if (!env->kind->steady && chance(world.dials.killed)) /* whatever it does by then */
		at(&m->death, now() + draw_between(0, 8000) * MS);
	return 0;
}

static int prepare(struct fa_env *env)
{
	return spawn(env, true);
}

static int birth(struct fa_env *env)
{
	int rc = env->shell ? 0 : spawn(env, false);

	if (rc)
		return rc;
	if (env->shell)
		note("e%u of f%s is needed", env->id, env->pool->version->config.name);
	env->birth_ns = now();
	env->shell = false;
	env->suppressed = env->inited_before;
	env->inited_before = true;
	if (machine_of(env)->stage == WAITS)
		begin_init(machine_of(env));
	if (!env->kind->steady)
		fa_shell_noted(env);
	atomic_fetch_add(&env->pool->envs->cold_starts, 1);
	return 0;
}

static const struct fa_env_kind machine_kind = {
	.name = "machine",
	.birth = birth,
	.prepare = prepare,
	.post = post,
	.ring = ring,
	.recall = recall,
	.wait = wait_for_answer,
	.has_news = has_news,
	.poll = poll_answer,
	.patience = patience,
	.check = check,
	.stop = stop_machine,
	.rung = rung,
	.taken = taken,
	.retire = retire,
	.kill = kill_machine,
	.bury = bury,
	.finish = finish,
};

const struct fa_env_kind *machine_kind_of(const char *function)
{
	static struct fa_env_kind steady;

	if (!world.steady || *function % 2 == 0)
		return &machine_kind;
	steady = machine_kind;
	steady.steady = true;
	steady.prepare = NULL;
	return &steady;
}
