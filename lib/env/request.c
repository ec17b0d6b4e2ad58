/* SPDX-License-Identifier: MIT */
/*
 * The request area of a process: the host alone writes it, the worker can only
 * read. A job is put into its slot first; it is told of later, with others if
 * there are more, and its time begins then. What was told of and has not begun
 * can be taken back.
 */
#include <env/request.h>

#include <sched.h>
#include <string.h>
#include <sys/socket.h>

#include <env/env.h>
#include <env/freeze.h>
#include <env/futex.h>
#include <env/pool.h>
#include <model/function.h>
#include <model/trace.h>

#define NIBBLE 4 /* events that an awake worker is told of before the turn ends */

#define LOAD(member) atomic_load_explicit(&(member), memory_order_relaxed)
#define STORE(member, value) atomic_store_explicit(&(member), value, memory_order_relaxed)

/* The bytes of an earlier event that this one's will not cover. */
static void clear_request(struct fa_env *env, struct fa_request_slot *slot, size_t total)
{
	size_t large = total > FA_INLINE ? total : 0;

	memset(slot, 0, sizeof(*slot));
	if (env->large > large)
		memset((char *)env->kit->request + FA_BIG_OFF + large, 0, env->large - large);
	env->large = large;
	memset((char *)env->kit->request + FA_REPLY_OFF, 0, atomic_exchange(&env->replied, 0));
}

static void fill_slot(struct fa_env *env, struct fa_request_slot *slot, struct fa_job *job,
		      unsigned flags)
{
	struct fa_request_head *head = env->kit->request;
	size_t total = job->payload.len + job->meta_len;
	char *to;

	if (env->pool->version->config.pristine)
		clear_request(env, slot, total);
	slot->flags = flags | (env->suppressed ? 0 : FA_REQ_INIT_FREE) |
		      (job->streams ? FA_REQ_STREAM : 0);
	slot->len = (uint32_t)job->payload.len;
	slot->meta_len = job->meta_len;
	slot->off = total <= FA_INLINE ? (uint32_t)((char *)slot->data - (char *)head) :
					 FA_BIG_OFF;
	to = (char *)head + slot->off;
	if (job->payload.len)
		memcpy(to, job->payload.data, job->payload.len);
	if (job->meta_len)
		memcpy(to + job->payload.len, job->meta, job->meta_len);
	memcpy(slot->request_id, job->request_id, sizeof(slot->request_id));
}

/* If it sleeps for this reason. Whatever else it may be up to, one of its threads is woken. */
void fa_request_rouse(struct fa_env *env, uint32_t reason)
{
	_Atomic uint32_t *sleeping = &env->kit->response->sleeping;
	uint32_t how = atomic_load(sleeping);
	bool polls = (how == 3 && reason == 1) || (how == 5 && reason == 4);

	if (how != reason && !polls)
		return;
	STORE(*sleeping, 0);
	if (polls)
		send(env->kit->bell, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	else
		fa_futex_wake(sleeping);
}

void fa_request_publish(struct fa_env *env)
{
	atomic_store(&env->kit->request->seq, env->want);
	if (env->frozen)
		fa_env_thaw(env);
	fa_request_rouse(env, 1);
}

/*
 * Who asks may lie about when: the thread that has the lease may be writing another event there.
 * So each number is looked at once, and what is found is a text whatever it is. A sanitizer of
 * threads sees the race even where nobody lies, for the worker between the two is none of its
 * threads.
 */
__attribute__((no_sanitize("thread")))
uint32_t fa_request_trace(const struct fa_env *env, char *out)
{
	struct fa_request_head *head = env->kit->request;
	uint32_t posted = atomic_load(&head->seq);
	uint32_t seq = fa_list_empty(&env->scan) ? posted : env->done + 1; /* whose lease it is */
	const volatile struct fa_request_slot *slot =
		fa_request_slot(head, seq & (head->depth - 1));
	size_t len = slot->meta_len, off = (size_t)slot->off + slot->len;
	const volatile char *meta = (const char *)head + off, *end = meta + len;

	out[0] = '\0';
	if (!len || len > FA_META_MAX || off > FA_REPLY_OFF - len)
		return seq;
	while (meta < end && *meta)
		meta++; /* behind the ARN */
	for (size_t i = 0; ++meta < end && i < FA_TRACE_MAX; i++) {
		out[i] = *meta;
		out[i + 1] = '\0';
		if (!out[i])
			break;
	}
	return seq;
}

static void stamp(struct fa_request_slot *slot, struct fa_job *job, int64_t now_ns)
{
	job->start_ns = now_ns;
	slot->deadline_ns = now_ns + job->timeout_ns;
	slot->deadline_ms = (slot->deadline_ns + job->unix_offset_ns) / 1000000;
}

/* The time of what was posted begins here: one look at the clock serves all of it. */
static void stamp_all(struct fa_env *env, int64_t now_ns)
{
	struct fa_request_head *head = env->kit->request;

	while (env->rung != env->want) {
		uint32_t seq = ++env->rung;

		stamp(fa_request_slot(head, seq & (head->depth - 1)),
		      env->jobs[seq & (FA_DEPTH - 1)], now_ns);
	}
	STORE(head->host_cpu, (uint32_t)sched_getcpu());
	STORE(head->posted_ns, (uint64_t)now_ns);
}

void fa_request_ring(struct fa_env *env, int64_t now_ns)
{
	stamp_all(env, now_ns);
	fa_request_publish(env);
}

/* It is awake and sees it; fa_request_ring() follows, for it may fall asleep just now. */
static void tell(struct fa_env *env)
{
	stamp_all(env, fa_envs_now(env->pool->envs));
	atomic_store_explicit(&env->kit->request->seq, env->want, memory_order_release);
}

/* It stores `begun` before it looks at `seq`, we the other way round: one of us sees the other. */
bool fa_request_hold(struct fa_env *env)
{
	uint32_t oldest = env->done + 1;

	atomic_store(&env->kit->request->seq, oldest);
	if ((int32_t)(atomic_load(&env->kit->response->begun) - oldest) <= 0)
		return true;
	atomic_store(&env->kit->request->seq, env->rung);
	fa_request_rouse(env, 1);
	return false;
}

/* It says that init is over before it looks for its first event, we the other way round. */
bool fa_request_hold_first(struct fa_env *env)
{
	atomic_store(&env->kit->request->seq, env->done);
	if (!atomic_load(&env->kit->response->init_done_ns))
		return true;
	atomic_store(&env->kit->request->seq, env->rung);
	fa_request_rouse(env, 1);
	return false;
}

bool fa_request_recall(struct fa_env *env)
{
	uint32_t first = env->done + 1;
	bool told = (int32_t)(env->rung - first) > 0; /* of one behind it */

	if (!env->kit || (told && !fa_request_hold(env)))
		return false;
	env->want = first;
	if (told)
		env->rung = first;
	return true;
}

/*
 * Who waits for an answer hands nothing over behind its event: all such events lie in the first
 * slot, and keep to one page on each side. Any other slot may be one that nobody has touched yet.
 */
static uint32_t depth_for(const struct fa_env *env, unsigned flags)
{
	return flags & FA_REQ_ASYNC && !env->pool->version->config.pristine ? FA_DEPTH : 1;
}

void fa_request_post(struct fa_env *env, struct fa_job *job, unsigned flags)
{
	struct fa_request_head *head = env->kit->request;
	uint32_t seq = env->want + 1, index;
	struct fa_request_slot *slot;

	if (!fa_env_open_jobs(env))
		head->depth = depth_for(env, flags);
	index = seq & (head->depth - 1);
	slot = fa_request_slot(head, index);
	job->cold = env->fresh;
	job->start_ns = 0;
	fill_slot(env, slot, job, flags);
	env->tokens[index] = slot->token = fa_env_random(env);
	env->jobs[seq & (FA_DEPTH - 1)] = job;
	env->want = seq;
	if (!(flags & FA_REQ_ASYNC))
		fa_request_ring(env, fa_now(env->pool->envs->clock));
	else if (seq - env->rung >= NIBBLE && !LOAD(env->kit->response->sleeping))
		tell(env);
}
