/* SPDX-License-Identifier: MIT */
#ifndef FA_BASE_LOOP_H
#define FA_BASE_LOOP_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include <base/clock.h>
#include <base/mem.h>
#include <base/post.h>
#include <faas/types.h>

/*
 * The loop thread: one epoll descriptor with everything of ours in it, watched
 * by one uv_poll_t, so a host's own loop carries four handles of ours and no
 * more. Descriptors of environments never reach libuv itself.
 *
 * The page with `epoch` is shared, read-only, with all workers: odd means that
 * the loop sleeps and wants to be rung.
 */

/* A descriptor in the epoll set. Edge-triggered: read until EAGAIN or call fa_loop_rearm(). */
struct fa_watch {
	int fd;
	bool both; /* told, too, when it can be written, and when the other side ends */
	void (*on_ready)(struct fa_watch *watch, uint32_t events);
};

/* Something to do on the loop thread. Belongs to the loop until it runs. */
struct fa_call {
	struct fa_post_node node;
	void (*run)(struct fa_call *call);
};

struct fa_loop {
	const struct fa_mem *mem;
	const struct fa_clock *clock;
	uv_loop_t *uv;
	uv_poll_t poll;
	uv_prepare_t prepare;
	uv_check_t check;
	uv_idle_t hurry; /* while it is active libuv does not block */
	bool resting;    /* [loop] we will not look for calls again before libuv may block */
	int open_handles;
	int epoll, wake, timerfd, page_fd;
	_Atomic pthread_t thread;
	_Atomic uint32_t *epoch;
	struct fa_post posts;
	struct epoll_event *ready; /* what this turn has still to look at */
	int ready_count;
	struct fa_timers timers;
	int64_t armed_ns;
	bool multiprocessor;

	/* Look for answers without a system call; returns whether there were any. */
	bool (*on_scan)(void *data);
	/* How long waiting awake for an answer pays before the loop sleeps, ns; 0: not at all. */
	int64_t (*patience)(void *data);
	void *data;

	void (*on_closed)(void *data);
	void *closed_data;
};

/* [loop], or before the loop's thread starts. 0 or a code; on failure nothing stays open. */
int fa_loop_init(struct fa_loop *loop, uv_loop_t *uv, const struct fa_mem *mem,
		 const struct fa_clock *clock, struct faas_error *err);
/* [loop] Close our handles; on_closed runs last, when libuv has let go of them. */
void fa_loop_close(struct fa_loop *loop, void (*on_closed)(void *data), void *data);

/*
 * It runs on this thread from now on. That thread and the one that made it both
 * say so, because neither knows which of them is first to ask fa_loop_here().
 */
void fa_loop_adopt(struct fa_loop *loop, pthread_t thread);
static inline bool fa_loop_here(const struct fa_loop *loop)
{
	return pthread_equal(pthread_self(),
			     atomic_load_explicit(&loop->thread, memory_order_relaxed));
}

/* Any thread: run it on the loop. */
void fa_loop_call(struct fa_loop *loop, struct fa_call *call);
/* Any thread: make the loop turn once. */
void fa_loop_wake(struct fa_loop *loop);

/* [loop] Add a descriptor for reading. 0 or -errno. */
int fa_loop_watch(struct fa_loop *loop, struct fa_watch *watch);
/* [loop] Be told again of what was left unread. */
void fa_loop_rearm(struct fa_loop *loop, struct fa_watch *watch);
void fa_loop_unwatch(struct fa_loop *loop, struct fa_watch *watch);

/* [loop] 0 or FAAS_ENOMEM */
int fa_loop_timer(struct fa_loop *loop, struct fa_timer *timer, int64_t at_ns);
/* [loop] Cannot fail: for the timers that nobody could do without. */
void fa_loop_timer_sure(struct fa_loop *loop, struct fa_timer *timer, int64_t at_ns);
static inline void fa_loop_timer_stop(struct fa_loop *loop, struct fa_timer *timer)
{
	fa_timer_stop(&loop->timers, timer);
}

#endif
