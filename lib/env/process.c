/* SPDX-License-Identifier: MIT */
/*
 * The kind process: the host's half of the hand-over with a hostile worker.
 * Every word of the response area is loaded once, checked, and the copy used;
 * a wait is bounded by a deadline, a private cancel word and a limit on
 * returns without an answer; whatever does not fit the protocol ends the
 * process. Nothing is repaired.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <env/answer.h>
#include <env/apart.h>
#include <env/bell.h>
#include <env/env.h>
#include <env/freeze.h>
#include <env/futex.h>
#include <env/meter.h>
#include <env/pool.h>
#include <env/process.h>
#include <env/request.h>
#include <env/stream.h>
#include <model/checks.h>
#include <model/function.h>

#define SPIN_NS 8000         /* one wake-up across CPUs, until a worker knows better */
#define SPIN_MAX_NS 64000    /* whatever it claims */
#define SLACK_NS 120000      /* a sleeping thread may be woken so late; half is the timer's slack */
#define PART_NS 360000       /* as much time again for a process to move, and one to wake up */
#define INIT_POLL_NS 5000000 /* an init past the function's own timeout is rare */
#define MEMORY_POLL_NS 50000000

#define LOAD(member) atomic_load_explicit(&(member), memory_order_relaxed)
#define STORE(member, value) atomic_store_explicit(&(member), value, memory_order_relaxed)

static inline void relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#endif
}

static bool checks(const struct fa_env *env, enum fa_host_check check)
{
	return !(env->pool->envs->weak_checks & check);
}

static bool pristine(const struct fa_env *env)
{
	return env->pool->version->config.pristine;
}

/* It ended after its last answer and before the next event was begun. */
static bool unstarted(const struct fa_env *env)
{
	return (pristine(env) || env->pool->version->program) && env->done &&
	       LOAD(env->kit->response->resetting) == env->done;
}

/* ---- the response ---------------------------------------------------- */

static bool violated(struct fa_job *job, const char *how)
{
	job->verdict = FA_VIOLATED;
	strncpy(job->why, how, sizeof(job->why) - 1);
	return true;
}

static bool read_status(const struct fa_env *env, struct fa_job *job, uint32_t status,
			const struct fa_response_slot *slot)
{
	if ((status == FA_STARTED) != (fa_env_is_start(env, job) && status != FA_INIT_FAILED))
		return false;
	if (env->only_template && status != FA_INIT_FAILED) /* its nest says that it is done */
		return false;
	switch (status) {
	case FA_STARTED:
	case FA_DONE:
		job->verdict = FA_REPLIED;
		return true;
	case FA_FAILED:
		job->verdict = FA_ERRED;
		break;
	case FA_INIT_FAILED:
		job->verdict = FA_INIT_ERRED;
		break;
	case FA_TOO_LARGE:
		job->verdict = FA_OVERSIZE;
		return true;
	default:
		return false;
	}
	fa_answer_type(job->error_type, slot->error_type, sizeof(job->error_type));
	return true;
}

static bool init_is_done(struct fa_env *env, int64_t now_ns)
{
	int64_t stamp;

	if (env->init_done_ns)
		return true;
	stamp = (int64_t)atomic_load(&env->kit->response->init_done_ns);
	if (!stamp)
		return false;
	/* hearsay: it can only shift time between init and duration, not lose any */
	env->init_done_ns = stamp < env->birth_ns ? env->birth_ns :
			    stamp > now_ns	  ? now_ns :
						    stamp;
	return true;
}

static void split_init(struct fa_env *env, struct fa_job *job)
{
	if (!env->fresh || env->suppressed)
		return;
	if (!init_is_done(env, job->end_ns))
		env->init_done_ns = job->end_ns;
	job->init_ns = env->init_done_ns - env->birth_ns;
	job->start_ns = env->init_done_ns;
}

/* How deep to hand over ahead depends on it; a lie costs only the liar's function. */
static void learn_service(struct fa_pool *pool, uint32_t claimed_ns)
{
	uint32_t known_ns = LOAD(pool->service_ns);

	STORE(pool->service_ns, known_ns + (uint32_t)((int32_t)(claimed_ns - known_ns) / 8));
}

/* The worker wrote it on another CPU: it may be on its way while we look at the one before. */
static void prefetch(const struct fa_env *env, uint32_t seq)
{
	const struct fa_response_slot *slot =
		fa_response_slot(env->kit->response, seq & (env->kit->request->depth - 1));

	__builtin_prefetch(slot);
	__builtin_prefetch(slot->data);
}

/* One answer is there: the next in order. Always ends with a verdict. */
static void take(struct fa_env *env, struct fa_job *job, int64_t now_ns)
{
	const struct fa_response_head *head = env->kit->response;
	uint32_t index = (env->done + 1) & (env->kit->request->depth - 1);
	const struct fa_response_slot *slot = fa_response_slot(head, index);
	const volatile struct fa_response_slot *once = slot;
	uint64_t token = once->token;
	uint32_t status = once->status, len = once->len, off = once->off;
	const void *answer;

	job->end_ns = now_ns;
	STORE(env->junk, 0);
	STORE(env->calls, 0);
	if (token != env->tokens[index] && checks(env, FA_CHECK_TOKEN)) {
		violated(job, "a response with a token that is not its request's");
		return;
	}
	answer = fa_answer_find(env, job, index, off, len);
	if (!answer) {
		violated(job, "a response of impossible length or place");
		return;
	}
	if (!read_status(env, job, status, slot)) {
		violated(job, "a response of unknown status");
		return;
	}
	job->answer = (struct faas_bytes){ answer, len };
	job->quiet = !once->logged;
	if (job->verdict == FA_INIT_ERRED)
		fa_env_fail_init(env, job);
	split_init(env, job);
	fa_meter(env, job);
	env->fresh = false;
	env->served++;
}

/* The process is gone without an answer. */
static void conclude_death(struct fa_env *env, struct fa_job *job, int64_t now_ns)
{
	int last_words = (int)LOAD(env->kit->response->last_words);
	int status = env->exit_status;
	bool initialised = init_is_done(env, now_ns);

	job->end_ns = now_ns;
	split_init(env, job);
	job->cpu_ns = env->exit_cpu_ns - env->cpu_seen_ns;
	job->peak_kb = env->exit_rss_kb;
	if (env->left_snapshot) {
		job->verdict = FA_REPLIED;
		return;
	}
	if (unstarted(env)) {
		job->verdict = FA_UNSTARTED;
		return;
	}
	if (env->exit_error) {
		job->verdict = FA_NO_BIRTH;
		job->birth_error = env->exit_error;
		memcpy(job->why, env->exit_step, sizeof(env->exit_step));
		return;
	}
	/* pid 1 cannot die of its own signals: it says which and exits with 128 + n */
	if (WIFEXITED(status) && last_words > 0 && last_words < 65 &&
	    WEXITSTATUS(status) == 128 + last_words)
		status = last_words;
	if (env->fresh && !initialised)
		fa_env_fail_init(env, job);
	job->wait_status = status;
	job->verdict = fa_meter_starved(env, status) ? FA_STARVED : FA_EXITED;
}

/* ---- time ------------------------------------------------------------ */

/* The pid is that of the environment: a template has none, and may be tried once more. */
static void init_timed_out(const struct fa_env *env, struct fa_job *job, int64_t now_ns)
{
	bool restoring = fa_version_is_copied(env->pool->version) && LOAD(env->pid);

	job->verdict = restoring ? FA_RESTORE_TIMED_OUT : FA_INIT_TIMED_OUT;
	fa_env_fail_init(env, job);
	job->again |= !restoring;
	job->end_ns = now_ns;
	job->init_ns = now_ns - env->birth_ns;
	if (restoring)
		job->start_ns = now_ns;
}

/* No time of the job's has passed; but once it is over, half of a timeout is to be noticed. */
static int64_t look_at_init(int64_t birth_ns, int64_t timeout_ns, int64_t init_limit,
			    int64_t now_ns)
{
	int64_t limit = birth_ns + init_limit, half = birth_ns + timeout_ns / 2;
	int64_t next = now_ns < half ? half : now_ns + INIT_POLL_NS;

	return limit < next ? limit : next;
}

/* When the time of the oldest job began: an init before it is not part of that. */
static int64_t begin_of(const struct fa_env *env, const struct fa_job *job)
{
	return fa_env_has_init(env) && env->init_done_ns ? env->init_done_ns : job->start_ns;
}

static int64_t check_time(struct fa_env *env, struct fa_job *job, int64_t now_ns)
{
	int64_t init_limit = fa_env_init_limit(env, job), limit;

	if (!checks(env, FA_CHECK_DEADLINE))
		return INT64_MAX;
	if (job->streams && env->kit && atomic_load(&env->kit->response->seq) != env->done)
		return INT64_MAX; /* it is through: the pace is that of who takes the parts */
	if (fa_env_has_init(env) && !init_is_done(env, now_ns)) {
		/* over at the last moment: the next look, which comes at once, sees it */
		if (now_ns < env->birth_ns + init_limit || !fa_request_hold_first(env))
			return look_at_init(env->birth_ns, job->timeout_ns, init_limit, now_ns);
		init_timed_out(env, job, now_ns);
		return INT64_MAX;
	}
	limit = fa_pool_next_look(env, job, begin_of(env, job), now_ns);
	if (limit)
		return limit;
	job->verdict = FA_TIMED_OUT;
	job->init_failed = env->fresh && !init_is_done(env, now_ns);
	job->end_ns = now_ns;
	split_init(env, job);
	fa_meter(env, job);
	return INT64_MAX;
}

/* What no limit of the kernel bounds is looked at: the memory of all its processes. */
static int64_t check(struct fa_env *env, struct fa_job *job, int64_t now_ns)
{
	int64_t next = check_time(env, job, now_ns);

	if (!fa_version_is_spacious(env->pool->version) || job->verdict)
		return next;
	if (fa_meter_over(env)) {
		job->verdict = FA_STARVED;
		job->end_ns = now_ns;
		split_init(env, job);
		fa_meter(env, job);
		return INT64_MAX;
	}
	return next < now_ns + MEMORY_POLL_NS ? next : now_ns + MEMORY_POLL_NS;
}

/* ---- waiting on the caller's thread ---------------------------------- */

/* Spinning pays when the worker is awake on another CPU and was quick last time. */
static bool worth_spinning(const struct fa_env *env)
{
	const struct fa_response_head *head = env->kit->response;

	return env->pool->envs->multiprocessor && !env->fresh && !LOAD(head->sleeping) &&
	       LOAD(head->cpu) != LOAD(env->kit->request->host_cpu) &&
	       LOAD(head->service_ns) < SPIN_NS;
}

/* As long as sleeping and being woken would take: longer does not pay. */
static int64_t spin_ns(const struct fa_env *env)
{
	int64_t wake_ns = LOAD(env->kit->response->wake_ns);

	return !wake_ns ? SPIN_NS : wake_ns > SPIN_MAX_NS ? SPIN_MAX_NS : wake_ns;
}

static bool spin(const struct fa_env *env, int64_t from_ns)
{
	const struct fa_response_head *head = env->kit->response;
	int64_t until_ns = from_ns + spin_ns(env);

	do {
		for (int i = 0; i < 32; i++) {
			if (atomic_load_explicit(&head->seq, memory_order_acquire) == env->want)
				return true;
			relax();
		}
	} while (fa_now(&fa_clock_real) < until_ns);
	return false;
}

static int sleep_once(struct fa_env *env, uint32_t seen, uint32_t cancel, int64_t until_ns)
{
	struct fa_request_head *request = env->kit->request;
	const struct fa_response_head *response = env->kit->response;
	int rc = 0;

	atomic_store(&request->sleeping, 1);
	if (atomic_load(&response->seq) == seen)
		rc = fa_futex_wait(&response->seq, seen, &env->cancel, cancel, until_ns);
	else
		rc = -EAGAIN;
	atomic_store_explicit(&request->sleeping, 0, memory_order_relaxed);
	return rc;
}

static void take_the_only(struct fa_env *env, struct fa_job *job)
{
	take(env, job, fa_now(env->pool->envs->clock));
	learn_service(env->pool, LOAD(env->kit->response->service_ns));
}

/* Returns whether the wait is over. */
static bool look(struct fa_env *env, struct fa_job *job)
{
	uint32_t seen = atomic_load(&env->kit->response->seq), fate;

	if (seen == env->want) {
		take_the_only(env, job);
		return true;
	}
	if (seen != env->done && checks(env, FA_CHECK_REPLY_SEQ))
		return violated(job, "a response to a request that was not made");
	fate = atomic_load(&env->fate);
	if (fate == FA_ALIVE)
		return false;
	if (atomic_load(&env->kit->response->seq) == env->want) /* its last deed */
		take_the_only(env, job);
	else if (fate == FA_DEAD)
		conclude_death(env, job, fa_now(env->pool->envs->clock));
	else
		job->verdict = FA_CANCELED;
	return true;
}

/* The kernel wakes us up to its timer slack late, and a deadline is a promise. */
static void watch_closely(const struct fa_env *env, int64_t until_ns)
{
	const struct fa_response_head *head = env->kit->response;

	while (atomic_load_explicit(&head->seq, memory_order_relaxed) == env->done &&
	       LOAD(env->fate) == FA_ALIVE && fa_now(env->pool->envs->clock) < until_ns &&
	       fa_now(&fa_clock_real) < until_ns)
		relax();
}

/* Late by then, it is killed, and an heir may be there. */
static bool ends(const struct fa_env *env, const struct fa_job *job, int64_t until_ns)
{
	return job->halfway && until_ns >= begin_of(env, job) + job->timeout_ns;
}

static void wait_for_answer(struct fa_env *env, struct fa_job *job)
{
	int64_t until = check(env, job, job->start_ns);
	bool parted = false;

	if (worth_spinning(env))
		spin(env, job->start_ns);
	while (!job->verdict) {
		/* read before the fate, else a cancel in between would not wake us */
		uint32_t cancel = atomic_load(&env->cancel);
		bool parts = !parted && ends(env, job, until);
		int rc;

		if (look(env, job))
			break;
		rc = sleep_once(env, env->done, cancel, until - (parts ? PART_NS : SLACK_NS));
		if (rc == -ETIMEDOUT && parts) {
			fa_env_part(env); /* and let the heir have this CPU for a moment */
			parted = true;
		} else if (rc == -ETIMEDOUT) {
			fa_meter_ahead(env); /* after its end nobody could */
			watch_closely(env, until);
			until = check(env, job, fa_now(env->pool->envs->clock));
		}
		if (rc != -ETIMEDOUT && atomic_load(&env->kit->response->seq) == env->done &&
		    atomic_load(&env->cancel) == cancel && ++env->junk > FA_JUNK_MAX &&
		    checks(env, FA_CHECK_JUNK))
			violated(job, "wake-ups without an answer");
	}
	if (!fa_verdict_lasts(job->verdict))
		fa_env_condemn(env);
	for (uint32_t seen; seen = atomic_load(&env->cancel), fa_env_lingers(env, job);)
		fa_futex_wait(&env->cancel, seen, &env->cancel, seen, INT64_MAX);
	if (!job->end_ns)
		job->end_ns = fa_now(env->pool->envs->clock);
	env->done = env->want;
	fa_env_note(env, job);
}

/* ---- the end --------------------------------------------------------- */

static void kill_process(struct fa_env *env)
{
	if (env->pidfd >= 0 && !env->doomed)
		syscall(SYS_pidfd_send_signal, env->pidfd, SIGKILL, NULL, 0);
	env->doomed = true;
}

/* ---- on the loop ----------------------------------------------------- */

static int64_t patience(struct fa_env *env)
{
	const struct fa_response_head *head = env->kit ? env->kit->response : NULL;

	if (!head || env->fresh || LOAD(head->cpu) == (uint32_t)sched_getcpu() ||
	    LOAD(head->service_ns) >= SPIN_NS)
		return 0;
	return spin_ns(env);
}

/* Of a process that died what it had put comes at its pace, if somebody takes it. */
static bool rests(const struct fa_env *env, const struct fa_job *job)
{
	uint32_t fate = LOAD(env->fate);

	return job->paused && (fate == FA_ALIVE ||
			       (fate == FA_DEAD && !(job->paused & FA_PAUSE_READER)));
}

/* That line of the cache comes from another CPU: once for all that is answered by then. */
static uint32_t answered(struct fa_env *env)
{
	const struct fa_response_head *head = env->kit->response;

	if (env->seen != env->done)
		return env->seen;
	env->seen = atomic_load_explicit(&head->seq, memory_order_acquire);
	if (env->seen != env->done)
		learn_service(env->pool, LOAD(head->service_ns));
	return env->seen;
}

static bool has_news(struct fa_env *env)
{
	const struct fa_job *oldest = env->jobs[(env->done + 1) & (FA_DEPTH - 1)];

	if (fa_env_open_jobs(env) && oldest->streams) {
		if (fa_stream_has_parts(env, oldest))
			return true;
		if (rests(env, oldest))
			return false;
	}
	return answered(env) != env->done || LOAD(env->fate) != FA_ALIVE;
}

/* Who says that it has begun the next, and has no answer to this one, lies: it may end. */
static bool stop(struct fa_env *env)
{
	return fa_env_open_jobs(env) < 2 || fa_request_hold(env) ||
	       atomic_load(&env->kit->response->seq) == env->done;
}

/*
 * While there are parts to take an answer is not whole yet, though its process be gone. One
 * that died without an answer ends at once if nobody takes them.
 */
static bool awaits_parts(const struct fa_env *env, const struct fa_job *job, uint32_t seen)
{
	uint32_t fate = LOAD(env->fate);
	bool reads = !(job->paused & FA_PAUSE_READER);

	return fate == FA_ALIVE || (fate == FA_DEAD && (seen != env->done || reads));
}

static bool poll_answer(struct fa_env *env, struct fa_job *job, int64_t now_ns)
{
	uint32_t seen = answered(env), fate;

	/* what it had put before it answered is seen if the answer is */
	if (job->streams && !fa_stream_pour(env, job)) {
		if (job->verdict != FA_OPEN || awaits_parts(env, job, seen))
			return job->verdict != FA_OPEN;
		seen = env->done; /* cut short, it is none */
	}
	if (seen == env->done) {
		fate = atomic_load(&env->fate);
		if (fate == FA_ALIVE)
			return false;
		if (fate == FA_DEAD)
			conclude_death(env, job, now_ns);
		else if (stop(env) || job->streams)
			job->verdict = FA_CANCELED;
		else
			return poll_answer(env, job, now_ns); /* it has answered just now */
		return true;
	}
	if (seen - env->done > env->want - env->done && checks(env, FA_CHECK_REPLY_SEQ))
		return violated(job, "a response to a request that was not made");
	if (seen - env->done > 1)
		prefetch(env, env->done + 2);
	take(env, job, now_ns);
	return true;
}

/* Only who answered in the one large place may wait until that is free again. */
static void taken(struct fa_env *env, const struct fa_job *job)
{
	struct fa_kit *kit = env->kit;

	if (job->streams || job->answer.data == (const char *)kit->response + FA_BIG_OFF) {
		atomic_store(&kit->request->consumed, env->done);
		fa_request_rouse(env, 2);
	}
}

static void retire_process(struct fa_env *env)
{
	struct fa_request_slot *slot;
	uint32_t seq = env->want + 1;

	if (!env->kit || !LOAD(env->kit->response->has_shutdown)) {
		kill_process(env);
		return;
	}
	slot = fa_request_slot(env->kit->request, seq & (env->kit->request->depth - 1));
	memset(slot, 0, offsetof(struct fa_request_slot, spare));
	slot->flags = FA_REQ_SHUTDOWN;
	slot->off = FA_BIG_OFF;
	env->want = env->rung = seq;
	fa_request_publish(env);
	fa_loop_call(env->pool->envs->loop, &env->grace_call);
}

static void bury(struct fa_env *env)
{
	fa_kit_bury(env->kit, env->pool->envs->loop);
	env->kit = NULL;
	if (pristine(env) && env->mount_ns >= 0) { /* its next process gets an empty /tmp */
		close(env->mount_ns);
		env->mount_ns = -1;
	}
}

static void finish(struct fa_env *env)
{
	if (env->mount_ns >= 0)
		close(env->mount_ns);
}

const struct fa_env_kind fa_env_process = {
	.name = "process",
	.birth = fa_process_birth,
	.prepare = fa_process_prepare,
	.post = fa_request_post,
	.ring = fa_request_ring,
	.recall = fa_request_recall,
	.wait = wait_for_answer,
	.has_news = has_news,
	.poll = poll_answer,
	.patience = patience,
	.check = check,
	.stop = stop,
	.rung = fa_bell_rung,
	.give = fa_bell_give,
	.reply = fa_bell_reply,
	.taken = taken,
	.freeze = fa_env_freeze,
	.retire = retire_process,
	.kill = kill_process,
	.bury = bury,
	.finish = finish,
};
