/* SPDX-License-Identifier: MIT */
/*
 * The thread of an environment: it serves the slots in their order, one at a
 * time. With nothing to do it waits awake for as long as waking it up would take,
 * if events follow each other that closely and the loop is on another CPU, and
 * then parks on a futex until it is rung.
 */
#include <env/thread.h>

#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <env/env.h>
#include <env/pool.h>

#define SPIN_MAX_NS 64000 /* however slow waking up may be */

static inline void relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#endif
}

void fa_thread_ring(struct fa_thread *thread)
{
	if (!atomic_load(&thread->parked) || !atomic_exchange(&thread->parked, 0))
		return;
	atomic_fetch_add(&thread->bell, 1);
	syscall(SYS_futex, &thread->bell, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

bool fa_thread_is_awake(const struct fa_thread *thread)
{
	return thread->has_thread &&
	       !atomic_load_explicit(&thread->parked, memory_order_relaxed);
}

static bool has_news(struct fa_thread *thread)
{
	return atomic_load(&thread->posted) != atomic_load(&thread->finished) ||
	       atomic_load(&thread->turn) & FA_THREAD_STOP;
}

/* On the loop's CPU it would only keep that from what is waited for. */
static bool is_apart(const struct fa_thread *thread)
{
	return thread->envs->multiprocessor &&
	       atomic_load_explicit(&thread->loop_cpu, memory_order_relaxed) !=
		       (uint32_t)sched_getcpu();
}

/* One of a pool at most waits awake, and only while events follow each other closely. */
static void spin(struct fa_thread *thread)
{
	int64_t wake_ns = atomic_load_explicit(&thread->wake_ns, memory_order_relaxed);
	int64_t until = thread->rested_ns + wake_ns;

	if (!is_apart(thread) || thread->gap_ns > wake_ns)
		return;
	if (atomic_fetch_add(&thread->shared->spinning, 1) == 0) {
		do {
			for (int i = 0; i < 16 && !has_news(thread); i++)
				relax();
		} while (!has_news(thread) && fa_now(&fa_clock_real) < until);
	}
	atomic_fetch_sub(&thread->shared->spinning, 1);
}

static void park(struct fa_thread *thread)
{
	uint32_t bell;

	for (;;) {
		bell = atomic_load(&thread->bell);
		atomic_store(&thread->parked, 1);
		if (has_news(thread))
			break;
		syscall(SYS_futex, &thread->bell, FUTEX_WAIT_PRIVATE, bell, NULL, NULL, 0);
	}
	atomic_store_explicit(&thread->parked, 0, memory_order_relaxed);
}

/* Waiting awake pays for so long. */
static void learn_wake(struct fa_thread *thread, int64_t posted_ns)
{
	int64_t took = fa_now(thread->envs->clock) - posted_ns;
	int64_t known = atomic_load_explicit(&thread->wake_ns, memory_order_relaxed);

	took = took < FA_THREAD_SPIN_NS ? FA_THREAD_SPIN_NS :
	       took > SPIN_MAX_NS	? SPIN_MAX_NS :
					  took;
	atomic_store_explicit(&thread->wake_ns, known + (took - known) / 8, memory_order_relaxed);
}

/*
 * Of those gaps alone in which it had nothing to do: most events are there before. Where the loop
 * had to be woken, part of the gap was that, and awake it would be there sooner.
 */
static void learn_gap(struct fa_thread *thread, int64_t posted_ns)
{
	int64_t gap = posted_ns - thread->finished_ns;

	if (thread->woke)
		gap -= atomic_load_explicit(&thread->wake_ns, memory_order_relaxed);
	gap = gap < 0 ? 0 : gap > FA_THREAD_GAP_MAX_NS ? FA_THREAD_GAP_MAX_NS : gap;
	thread->gap_ns += (gap - thread->gap_ns) / 8;
}

static void await_news(struct fa_thread *thread, const struct fa_thread_slot *slot)
{
	if (has_news(thread))
		return;
	spin(thread);
	if (!has_news(thread)) {
		park(thread);
		if (!fa_thread_stopped(thread))
			learn_wake(thread, slot->posted_ns);
	}
	if (!fa_thread_stopped(thread))
		learn_gap(thread, slot->posted_ns);
}

/* Begin the event of this number, unless nothing more may begin. */
static bool claim(struct fa_thread *thread, uint32_t seq)
{
	uint32_t before = (seq - 1) << 1;

	return atomic_compare_exchange_strong(&thread->turn, &before, seq << 1);
}

/* Once per sleep of the loop, however many answers there are. Whether it sleeps. */
static bool ring_loop(struct fa_thread *thread)
{
	struct fa_loop *loop = thread->envs->loop;
	uint32_t epoch = atomic_load(loop->epoch);

	if (!(epoch & 1) || epoch == thread->rung)
		return epoch & 1;
	thread->rung = epoch;
	fa_loop_wake(loop);
	return true;
}

/* The loop wrote it on another CPU: it may be on its way while this one runs. */
static void prefetch(const struct fa_thread *thread, uint32_t seq)
{
	const struct fa_thread_slot *slot = &thread->slots[seq & (FA_DEPTH - 1)];

	__builtin_prefetch(slot);
	__builtin_prefetch(slot->own_id);
	__builtin_prefetch(slot->small_input);
}

static void *serve(void *data)
{
	struct fa_thread *thread = data;

	pthread_setname_np(pthread_self(), "faas-thread");
	for (;;) {
		uint32_t seq = atomic_load_explicit(&thread->finished, memory_order_relaxed) + 1;
		struct fa_thread_slot *slot = &thread->slots[seq & (FA_DEPTH - 1)];

		await_news(thread, slot);
		if (!claim(thread, seq))
			break;
		if (atomic_load_explicit(&thread->posted, memory_order_relaxed) != seq)
			prefetch(thread, seq + 1);
		fa_thread_run(thread, slot);
		thread->rested_ns = slot->end_ns;
		atomic_store(&thread->finished, seq);
		thread->woke = ring_loop(thread);
	}
	if (atomic_load(&thread->farewell))
		fa_thread_shutdown(thread);
	fa_loop_call(thread->envs->loop, &thread->gone);
	return NULL;
}

/* Signals are the host's; but what its own fault raises, a thread has to see. */
static void block_signals(sigset_t *set)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT };

	sigfillset(set);
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
		sigdelset(set, faults[i]);
}

void fa_thread_start(struct fa_thread *thread)
{
	pthread_attr_t attr;
	sigset_t blocked;

	thread->error = pthread_attr_init(&attr);
	if (thread->error)
		return;
	block_signals(&blocked);
	pthread_attr_setsigmask_np(&attr, &blocked);
	thread->error = pthread_create(&thread->id, &attr, serve, thread);
	thread->has_thread = !thread->error;
	pthread_attr_destroy(&attr);
}
