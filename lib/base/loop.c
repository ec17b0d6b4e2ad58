/* SPDX-License-Identifier: MIT */
/*
 * The loop turns like this: before libuv blocks, scan for answers until there
 * are none, spin a little if some are due any moment, announce sleep by an odd
 * epoch, and scan once more, because a worker that answered just before saw the
 * loop awake and did not ring. After libuv woke: an even epoch. A ring that
 * comes while we still scan stays pending in the epoll set, so none is lost.
 *
 * A thread may call, and then send what another process answers at once: by the time that the
 * answer is seen here, the call is, too, and it runs first.
 *
 * On a loop of the host's somebody else may be prepared after us, and call: then an idle
 * handle lets libuv turn once more without blocking, which costs no system call.
 */
#include <base/loop.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <base/error.h>

#define PAGE 4096
#define EVENTS_PER_TURN 64
#define SCANS_PER_TURN 64

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

static inline void relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#endif
}

static void run_posts(struct fa_loop *loop)
{
	struct fa_post_node *node = fa_post_take(&loop->posts), *next;

	for (; node; node = next) {
		struct fa_call *call = (struct fa_call *)node;

		next = node->next;
		call->run(call);
	}
}

static void arm(struct fa_loop *loop)
{
	int64_t next = fa_timers_next(&loop->timers);
	struct itimerspec when = { 0 };

	if (next == loop->armed_ns || loop->clock != &fa_clock_real)
		return;
	loop->armed_ns = next;
	if (next != INT64_MAX) {
		when.it_value.tv_sec = next / 1000000000;
		when.it_value.tv_nsec = next % 1000000000;
		if (next <= 0)
			when.it_value.tv_nsec = 1;
	}
	timerfd_settime(loop->timerfd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void work(struct fa_loop *loop)
{
	for (int i = 0; i < SCANS_PER_TURN; i++) {
		int64_t due;

		run_posts(loop);
		due = fa_timers_next(&loop->timers);
		if (due != INT64_MAX && due <= fa_now(loop->clock))
			fa_timers_run(&loop->timers, fa_now(loop->clock));
		if ((!loop->on_scan || !loop->on_scan(loop->data)) &&
		    !fa_post_any(&loop->posts))
			return;
	}
	fa_loop_wake(loop); /* enough for one turn: others of the host's loop come first */
}

/* Returns whether something came up while spinning. */
static bool spin(struct fa_loop *loop)
{
	int64_t patience = loop->multiprocessor && loop->patience ? loop->patience(loop->data) : 0;
	int64_t until;

	if (!patience)
		return false;
	until = fa_now(&fa_clock_real) + patience;

	do {
		for (int i = 0; i < 16; i++) {
			if (fa_post_any(&loop->posts) || loop->on_scan(loop->data))
				return true;
			relax();
		}
	} while (fa_now(&fa_clock_real) < until);
	return false;
}

static void on_prepare(uv_prepare_t *handle)
{
	struct fa_loop *loop = handle->data;

	loop->resting = false;
	uv_idle_stop(&loop->hurry);
	work(loop);
	for (int i = 0; i < SCANS_PER_TURN && spin(loop); i++)
		work(loop);
	atomic_fetch_or(loop->epoch, 1);
	work(loop);
	arm(loop);
	loop->resting = true;
}

static void on_idle(uv_idle_t *handle)
{
	(void)handle; /* that there is one is enough */
}

static void on_check(uv_check_t *handle)
{
	struct fa_loop *loop = handle->data;

	loop->resting = false;
	if (atomic_load_explicit(loop->epoch, memory_order_relaxed) & 1)
		atomic_fetch_add(loop->epoch, 1);
}

static void drain(int fd)
{
	uint64_t count;
	ssize_t n = read(fd, &count, sizeof(count));

	(void)n; /* non-blocking and level-cleared: an empty one is as good */
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
	struct fa_loop *loop = handle->data;
	struct epoll_event ready[EVENTS_PER_TURN];
	int n;

	(void)status;
	(void)events;
	loop->resting = false;
	n = epoll_wait(loop->epoll, ready, EVENTS_PER_TURN, 0);
	loop->ready = ready;
	loop->ready_count = n;
	run_posts(loop); /* who called first, and then asked somebody, is called first */
	for (int i = 0; i < n; i++) {
		struct fa_watch *watch = ready[i].data.ptr;

		if (!ready[i].events)
			continue;
		if (watch)
			watch->on_ready(watch, ready[i].events);
		else
			drain(loop->wake), drain(loop->timerfd), loop->armed_ns = -1;
	}
	loop->ready_count = 0;
}

/* One event of a turn may end what another one is about; the rest of it may be gone then. */
static void forget_ready(struct fa_loop *loop, const struct fa_watch *watch)
{
	for (int i = 0; i < loop->ready_count; i++)
		if (loop->ready[i].data.ptr == watch)
			loop->ready[i].events = 0;
}

static int add(struct fa_loop *loop, int fd, uint32_t events, void *ptr)
{
	struct epoll_event event = { .events = events, .data.ptr = ptr };

	return epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static int map_page(struct fa_loop *loop)
{
	void *page;

	loop->page_fd = memfd_create("faas-loop", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (loop->page_fd < 0 || ftruncate(loop->page_fd, PAGE) < 0)
		return -errno;
	page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, loop->page_fd, 0);
	if (page == MAP_FAILED)
		return -errno;
	loop->epoch = page;
	madvise(page, PAGE, MADV_DONTFORK);
	if (fcntl(loop->page_fd, F_ADD_SEALS,
		  F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return -errno;
	return 0;
}

static void close_fds(struct fa_loop *loop)
{
	int fds[] = { loop->epoll, loop->wake, loop->timerfd, loop->page_fd };

	for (unsigned i = 0; i < sizeof(fds) / sizeof(*fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	if (loop->epoch)
		munmap(loop->epoch, PAGE);
	fa_timers_finish(&loop->timers);
}

static int open_fds(struct fa_loop *loop)
{
	cpu_set_t cpus;
	int rc;

	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	loop->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	loop->timerfd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (loop->epoll < 0 || loop->wake < 0 || loop->timerfd < 0)
		return -errno;
	rc = map_page(loop);
	if (!rc)
		rc = add(loop, loop->wake, EPOLLIN, NULL);
	if (!rc)
		rc = add(loop, loop->timerfd, EPOLLIN, NULL);
	loop->multiprocessor = sched_getaffinity(0, sizeof(cpus), &cpus) == 0 &&
			       CPU_COUNT(&cpus) > 1;
	return rc;
}

int fa_loop_init(struct fa_loop *loop, uv_loop_t *uv, const struct fa_mem *mem,
		 const struct fa_clock *clock, struct faas_error *err)
{
	int rc;

	memset(loop, 0, sizeof(*loop));
	loop->mem = mem;
	loop->clock = clock;
	loop->uv = uv;
	fa_loop_adopt(loop, pthread_self());
	loop->epoll = loop->wake = loop->timerfd = loop->page_fd = -1;
	loop->armed_ns = INT64_MAX;
	fa_timers_init(&loop->timers, mem);
	rc = open_fds(loop);
	if (!rc)
		rc = uv_poll_init(uv, &loop->poll, loop->epoll);
	if (rc) {
		close_fds(loop);
		return fa_error_errno(err, -rc, "cannot set up the event loop");
	}
	uv_prepare_init(uv, &loop->prepare);
	uv_check_init(uv, &loop->check);
	uv_idle_init(uv, &loop->hurry);
	loop->hurry.data = loop->poll.data = loop->prepare.data = loop->check.data = loop;
	uv_poll_start(&loop->poll, UV_READABLE, on_poll);
	uv_prepare_start(&loop->prepare, on_prepare);
	uv_check_start(&loop->check, on_check);
	return 0;
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct fa_loop *loop = handle->data;

	if (--loop->open_handles)
		return;
	run_posts(loop);
	close_fds(loop);
	loop->on_closed(loop->closed_data);
}

void fa_loop_close(struct fa_loop *loop, void (*on_closed)(void *data), void *data)
{
	loop->on_closed = on_closed;
	loop->closed_data = data;
	loop->resting = false; /* nobody is to start the idle handle any more */
	loop->open_handles = 4;
	uv_close((uv_handle_t *)&loop->poll, on_handle_closed);
	uv_close((uv_handle_t *)&loop->prepare, on_handle_closed);
	uv_close((uv_handle_t *)&loop->check, on_handle_closed);
	uv_close((uv_handle_t *)&loop->hurry, on_handle_closed);
}

void fa_loop_adopt(struct fa_loop *loop, pthread_t thread)
{
	atomic_store_explicit(&loop->thread, thread, memory_order_relaxed);
}

void fa_loop_wake(struct fa_loop *loop)
{
	uint64_t one = 1;
	ssize_t n = write(loop->wake, &one, sizeof(one));

	(void)n; /* full means that it is rung already */
}

void fa_loop_call(struct fa_loop *loop, struct fa_call *call)
{
	if (fa_loop_here(loop)) {
		fa_post_push_own(&loop->posts, &call->node);
		if (loop->resting)
			uv_idle_start(&loop->hurry, on_idle);
	} else if (fa_post_push(&loop->posts, &call->node) && atomic_load(loop->epoch) & 1) {
		fa_loop_wake(loop);
	}
}

static uint32_t events_of(const struct fa_watch *watch)
{
	return EPOLLIN | EPOLLET | (watch->both ? EPOLLOUT | EPOLLRDHUP : 0);
}

int fa_loop_watch(struct fa_loop *loop, struct fa_watch *watch)
{
	return add(loop, watch->fd, events_of(watch), watch);
}

void fa_loop_rearm(struct fa_loop *loop, struct fa_watch *watch)
{
	struct epoll_event event = { .events = events_of(watch), .data.ptr = watch };

	epoll_ctl(loop->epoll, EPOLL_CTL_MOD, watch->fd, &event);
}

void fa_loop_unwatch(struct fa_loop *loop, struct fa_watch *watch)
{
	if (watch->fd < 0)
		return;
	forget_ready(loop, watch);
	epoll_ctl(loop->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
}

int fa_loop_timer(struct fa_loop *loop, struct fa_timer *timer, int64_t at_ns)
{
	return fa_timer_start(&loop->timers, timer, at_ns);
}

void fa_loop_timer_sure(struct fa_loop *loop, struct fa_timer *timer, int64_t at_ns)
{
	fa_timer_start_sure(&loop->timers, timer, at_ns);
}
