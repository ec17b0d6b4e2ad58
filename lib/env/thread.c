/* SPDX-License-Identifier: MIT */
/*
 * The kind thread: functions inside this program, for code that the host trusts
 * like its own. Who waits for a result runs the handler on its own thread, with
 * nothing in between. For callbacks an environment gets a thread of its own at
 * its first event; in between it is parked, and the next event finds it warm.
 *
 * A thread cannot be killed. So nothing is ever taken from under a handler: an
 * environment that is condemned while its handler runs keeps all it has until
 * that returns, and only then reports its end. Which events had begun by then is
 * decided by one word, `turn`, that the thread advances and others can stop.
 */
#include <env/thread.h>

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <time.h>

#include <env/env.h>
#include <env/pool.h>
#include <model/function.h>

#define KEEP_SIZE 65536      /* larger buffers are not kept between events */
#define INIT_POLL_NS 5000000 /* an init past the function's own timeout is rare */
#define SOON_NS 100000       /* a verdict that is on its way */
#define NIBBLE 4             /* events that an awake thread is told of before the turn ends */

static struct fa_thread *thread_of(const struct fa_env *env)
{
	return env->thread;
}

/* ---- birth ----------------------------------------------------------- */

static void on_gone(struct fa_call *call)
{
	struct fa_thread *thread = fa_container(call, struct fa_thread, gone);
	struct fa_env *env = thread->env;
	struct fa_pool *pool = env->pool;

	pthread_join(thread->id, NULL); /* it is at its last instructions */
	pthread_mutex_lock(&pool->lock);
	fa_env_died(env);
	pthread_mutex_unlock(&pool->lock);
}

/* Under the pool's lock. */
static struct fa_thread_pool *share(struct fa_pool *pool)
{
	struct fa_thread_pool *shared = pool->plugin;

	if (shared)
		return shared;
	shared = fa_alloc(pool->envs->mem, sizeof(*shared));
	if (!shared)
		return NULL;
	pthread_mutex_init(&shared->lock, NULL);
	pool->plugin = shared;
	return shared;
}

static void forget_thread(struct fa_env *env)
{
	env->want = env->rung = env->done = 0;
	env->served = 0;
	env->fresh = true;
	env->exit_status = env->exit_error = 0;
	atomic_store(&env->fate, FA_ALIVE);
	env->suppressed = env->inited_before;
	env->inited_before = true;
	env->birth_ns = fa_now(env->pool->envs->clock);
}

/* Its lines are those of the cache. */
static struct fa_thread *make_thread(const struct fa_mem *mem)
{
	char *memory = fa_alloc(mem, sizeof(struct fa_thread) + FA_LINE_SIZE);
	struct fa_thread *thread;

	if (!memory)
		return NULL;
	thread = (struct fa_thread *)(memory + FA_LINE_SIZE - (uintptr_t)memory % FA_LINE_SIZE);
	thread->memory = memory;
	return thread;
}

static int birth(struct fa_env *env)
{
	struct fa_pool *pool = env->pool;
	struct fa_thread_pool *shared = share(pool);
	struct fa_thread *thread = shared ? make_thread(pool->envs->mem) : NULL;
	int rc;

	if (!thread)
		return -ENOMEM;
	forget_thread(env);
	thread->env = env;
	thread->envs = pool->envs;
	thread->version = pool->version;
	thread->shared = shared;
	thread->gone.run = on_gone;
	thread->gap_ns = FA_THREAD_GAP_MAX_NS;
	atomic_store(&thread->wake_ns, FA_THREAD_SPIN_NS);
	rc = fa_thread_context_init(thread);
	if (rc < 0) {
		fa_thread_context_finish(thread);
		fa_free(thread->memory);
		return rc;
	}
	env->thread = thread;
	if (env->state == FA_BUSY || !(env->provisioned || env->ahead))
		atomic_fetch_add_explicit(&pool->envs->cold_starts, 1, memory_order_relaxed);
	return 0;
}

/* ---- the request ----------------------------------------------------- */

static void fill_slot(struct fa_thread_slot *slot, const struct fa_job *job, unsigned flags)
{
	slot->event = job->payload;
	slot->meta = job->meta_len ? job->meta : NULL;
	slot->request_id = job->request_id;
	slot->flags = flags;
	slot->posted_ns = job->start_ns;
	slot->timeout_ns = job->timeout_ns;
	slot->unix_offset_ns = job->unix_offset_ns;
}

/* The job may be gone before the handler is done with it. */
static void own_slot(struct fa_thread *thread, struct fa_thread_slot *slot,
		     const struct fa_job *job)
{
	struct fa_thread_buffer *input = &slot->input;

	memcpy(slot->own_id, job->request_id, sizeof(slot->own_id));
	slot->request_id = slot->own_id;
	input->len = 0;
	slot->refused = !fa_thread_reserve(thread, input, job->payload.len + job->meta_len);
	if (slot->refused)
		return;
	if (job->payload.len)
		memcpy(input->data, job->payload.data, job->payload.len);
	slot->event.data = input->data;
	if (!job->meta_len)
		return;
	memcpy(input->data + job->payload.len, job->meta, job->meta_len);
	slot->meta = (const char *)input->data + job->payload.len;
}

/* The time of what was posted begins here: one look at the clock serves all of it. */
static void stamp(struct fa_env *env, int64_t now_ns)
{
	while (env->rung != env->want) {
		uint32_t index = ++env->rung & (FA_DEPTH - 1);

		env->jobs[index]->start_ns = thread_of(env)->slots[index].posted_ns = now_ns;
	}
}

/* It is awake and sees it; ring() follows, for it may fall asleep just now. */
static void tell(struct fa_env *env)
{
	stamp(env, fa_envs_now(env->pool->envs));
	atomic_store_explicit(&thread_of(env)->posted, env->want, memory_order_release);
}

static void ring(struct fa_env *env, int64_t now_ns)
{
	struct fa_thread *thread = thread_of(env);
	pthread_mutex_t *lock = &env->pool->lock;

	stamp(env, now_ns);
	atomic_store_explicit(&thread->loop_cpu, (uint32_t)sched_getcpu(), memory_order_relaxed);
	atomic_store(&thread->posted, env->want);
	if (thread->has_thread) {
		fa_thread_ring(thread);
		return;
	}
	pthread_mutex_lock(lock);
	if (!thread->ending) /* else it is dead, for it had no thread: see end() */
		fa_thread_start(thread);
	pthread_mutex_unlock(lock);
}

static void post(struct fa_env *env, struct fa_job *job, unsigned flags)
{
	struct fa_thread *thread = thread_of(env);
	struct fa_thread_slot *slot = &thread->inline_slot;

	job->cold = env->fresh;
	if (!(flags & (FA_REQ_ASYNC | FA_REQ_START))) {
		fill_slot(slot, job, flags); /* the caller stamped it a moment ago */
		return;
	}
	job->start_ns = 0;
	env->jobs[++env->want & (FA_DEPTH - 1)] = job;
	slot = &thread->slots[env->want & (FA_DEPTH - 1)];
	fill_slot(slot, job, flags);
	slot->seq = env->want;
	slot->lines.len = 0;
	own_slot(thread, slot, job);
	if (env->want - env->rung >= NIBBLE && fa_thread_is_awake(thread))
		tell(env);
}

/* ---- the response ---------------------------------------------------- */

static bool has_answer(enum fa_verdict verdict)
{
	return verdict == FA_REPLIED || verdict == FA_ERRED || verdict == FA_INIT_ERRED;
}

/* The slot's next event finds it empty. */
static void explain(struct fa_job *job, struct fa_thread_slot *slot)
{
	if (slot->error_type[0])
		memcpy(job->error_type, slot->error_type, sizeof(job->error_type));
	if (slot->why[0])
		memcpy(job->why, slot->why, sizeof(job->why));
	slot->error_type[0] = slot->why[0] = '\0';
}

static void conclude(struct fa_env *env, struct fa_job *job, struct fa_thread_slot *slot)
{
	job->verdict = slot->verdict;
	job->cold = slot->cold;
	job->start_ns = slot->start_ns;
	job->end_ns = slot->end_ns;
	job->init_ns = slot->init_ns;
	job->cpu_ns = slot->cpu_ns;
	job->peak_kb = env->peak_kb = slot->peak_kb;
	if (slot->verdict == FA_INIT_ERRED || slot->verdict == FA_INIT_TIMED_OUT)
		fa_env_fail_init(env, job);
	if (has_answer(slot->verdict))
		job->answer = (struct faas_bytes){ slot->answer.data, slot->answer.len };
	if (slot->verdict != FA_REPLIED)
		explain(job, slot);
	env->fresh = false;
	env->served++;
}

/* The caller runs the handler itself: a deadline can only be noticed afterwards. */
static void run_inline(struct fa_env *env, struct fa_job *job)
{
	struct fa_thread *thread = thread_of(env);

	fa_thread_run(thread, &thread->inline_slot);
	conclude(env, job, &thread->inline_slot);
	fa_env_note(env, job);
	if (job->end_ns - job->start_ns <= job->timeout_ns || job->verdict == FA_INIT_TIMED_OUT)
		return;
	job->verdict = FA_TIMED_OUT;
	job->answer = (struct faas_bytes){ NULL, 0 };
	job->error_type[0] = '\0';
}

/*
 * Let nothing begin after the oldest job. False if the one after it may have
 * begun already: then the oldest has its verdict by now.
 */
static bool stop(struct fa_env *env)
{
	struct fa_thread *thread = thread_of(env);
	uint32_t oldest = (env->done + 1) << 1, turn = atomic_load(&thread->turn);

	while (!(turn & FA_THREAD_STOP)) {
		if ((int32_t)(turn - oldest) > 0)
			return false;
		if (atomic_compare_exchange_weak(&thread->turn, &turn, turn | FA_THREAD_STOP))
			break;
	}
	return true;
}

static void learn_service(struct fa_pool *pool, int64_t took_ns)
{
	int64_t took = took_ns < INT32_MAX ? took_ns : INT32_MAX;
	int64_t known = atomic_load_explicit(&pool->service_ns, memory_order_relaxed);

	atomic_store_explicit(&pool->service_ns, (uint32_t)((known * 7 + took) / 8),
			      memory_order_relaxed);
}

/* That line of the cache comes from another CPU: once for all that has ended by then. */
static uint32_t finished(struct fa_env *env)
{
	if (env->seen == env->done)
		env->seen = atomic_load_explicit(&thread_of(env)->finished, memory_order_acquire);
	return env->seen;
}

static bool has_news(struct fa_env *env)
{
	return finished(env) != env->done || thread_of(env)->error ||
	       atomic_load_explicit(&env->fate, memory_order_relaxed) != FA_ALIVE;
}

/* It was written on another CPU: it may be on its way while we look at the one before. */
static void prefetch(const struct fa_thread_slot *slot)
{
	__builtin_prefetch(&slot->start_ns);
	__builtin_prefetch(slot->small_answer);
}

static bool poll_answer(struct fa_env *env, struct fa_job *job, int64_t now_ns)
{
	struct fa_thread *thread = thread_of(env);
	struct fa_thread_slot *slot = &thread->slots[(env->done + 1) & (FA_DEPTH - 1)];

	if (finished(env) != env->done) {
		if (env->seen != env->done + 1)
			prefetch(&thread->slots[(env->done + 2) & (FA_DEPTH - 1)]);
		conclude(env, job, slot);
		learn_service(env->pool, job->end_ns - job->start_ns);
		return true;
	}
	if (thread->error) {
		job->verdict = FA_NO_BIRTH;
		strncpy(job->why, strerrordesc_np(thread->error), sizeof(job->why) - 1);
	} else if (atomic_load(&env->fate) != FA_ALIVE && stop(env)) {
		job->verdict = FA_CANCELED;
	}
	job->end_ns = now_ns;
	return job->verdict != FA_OPEN;
}

static int64_t patience(struct fa_env *env)
{
	if (fa_pool_service_ns(env->pool) >= FA_THREAD_SPIN_NS)
		return 0;
	return atomic_load_explicit(&thread_of(env)->wake_ns, memory_order_relaxed);
}

static void trim(struct fa_thread_buffer *buffer, unsigned char *small)
{
	if (buffer->size > KEEP_SIZE)
		fa_thread_release(buffer, small);
}

static void taken(struct fa_env *env, const struct fa_job *job)
{
	struct fa_thread *thread = thread_of(env);
	struct fa_thread_slot *slot = &thread->slots[env->done & (FA_DEPTH - 1)];

	(void)job;
	trim(&thread->inline_slot.answer, thread->inline_slot.small_answer);
	if (env->want - env->done == FA_DEPTH)
		return; /* it is in use again */
	trim(&slot->input, slot->small_input);
	trim(&slot->lines, NULL);
	trim(&slot->answer, slot->small_answer);
}

/* ---- time ------------------------------------------------------------ */

/* As far as it got: the thread may be in the middle of its own books. */
static int64_t cpu_so_far(const struct fa_thread *thread, int64_t since_ns)
{
	struct timespec cpu;
	clockid_t clock;
	int64_t used;

	if (!thread->has_thread || pthread_getcpuclockid(thread->id, &clock) ||
	    clock_gettime(clock, &cpu))
		return 0;
	used = (int64_t)cpu.tv_sec * 1000000000 + cpu.tv_nsec -
	       atomic_load_explicit(&thread->cpu_from_ns, memory_order_relaxed);
	return used < 0 ? 0 : used < since_ns ? used : since_ns;
}

static int64_t time_out(struct fa_env *env, struct fa_job *job, enum fa_verdict verdict,
			int64_t now_ns)
{
	struct fa_thread *thread = thread_of(env);

	if (!stop(env))
		return now_ns + SOON_NS;
	job->verdict = verdict;
	if (verdict == FA_INIT_TIMED_OUT)
		fa_env_fail_init(env, job);
	job->end_ns = now_ns;
	job->peak_kb = env->peak_kb;
	job->cpu_ns = cpu_so_far(thread, now_ns - env->birth_ns);
	if (fa_env_has_init(env)) {
		int64_t done = atomic_load(&thread->init_done_ns);

		job->init_ns = (done ? done : now_ns) - env->birth_ns;
	}
	return INT64_MAX;
}

static int64_t check(struct fa_env *env, struct fa_job *job, int64_t now_ns)
{
	int64_t limit = job->start_ns + job->timeout_ns, init_done;

	if (atomic_load_explicit(&thread_of(env)->begun, memory_order_relaxed) != env->done + 1)
		fa_thread_begun(thread_of(env), env->done + 1);
	if (fa_env_has_init(env)) {
		init_done = atomic_load(&thread_of(env)->init_done_ns);
		if (!init_done && now_ns >= env->birth_ns + fa_env_init_limit(env, job))
			return time_out(env, job, FA_INIT_TIMED_OUT, now_ns);
		if (!init_done && now_ns >= limit)
			return now_ns + INIT_POLL_NS;
		if (init_done) {
			job->start_ns = init_done;
			limit = init_done + job->timeout_ns;
		}
	}
	return now_ns < limit ? limit : time_out(env, job, FA_TIMED_OUT, now_ns);
}

/* ---- the end --------------------------------------------------------- */

static void rung(struct fa_env *env)
{
	(void)env; /* a thread needs no bell */
}

static void end(struct fa_env *env, bool farewell)
{
	struct fa_thread *thread = thread_of(env);

	if (!thread) {
		fa_env_died(env);
		return;
	}
	if (thread->ending)
		return;
	thread->ending = true;
	if (farewell)
		atomic_store(&thread->farewell, true);
	atomic_fetch_or(&thread->turn, FA_THREAD_STOP);
	if (farewell && !thread->has_thread)
		fa_thread_start(thread);
	if (thread->has_thread)
		fa_thread_ring(thread);
	else
		fa_env_died(env);
}

/* The shutdown hook may take its time: a thread has no grace that could end. */
static void retire(struct fa_env *env)
{
	end(env, env->thread && fa_thread_has_shutdown(env->thread));
}

static void kill_thread(struct fa_env *env)
{
	end(env, false);
}

static void bury(struct fa_env *env)
{
	struct fa_thread *thread = thread_of(env);

	if (!thread)
		return;
	fa_thread_context_finish(thread);
	fa_free(thread->memory);
	env->thread = NULL;
}

static void finish(struct fa_env *env)
{
	(void)env; /* nothing outlives the threads */
}

const struct fa_env_kind fa_env_thread = {
	.name = "thread",
	.steady = true,
	.birth = birth,
	.post = post,
	.ring = ring,
	.wait = run_inline,
	.has_news = has_news,
	.poll = poll_answer,
	.patience = patience,
	.check = check,
	.stop = stop,
	.rung = rung,
	.give = fa_thread_give,
	.reply = fa_thread_reply,
	.taken = taken,
	.retire = retire,
	.kill = kill_thread,
	.bury = bury,
	.finish = finish,
};
