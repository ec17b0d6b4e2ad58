/* SPDX-License-Identifier: MIT */
#include <support/test.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <base/loop.h>

static uv_loop_t uv;
static struct fa_loop loop;
static struct fa_clock_virtual fake;
static int runs, closed;

static int setup(void **state)
{
	(void)state;
	runs = closed = 0;
	fa_clock_virtual_init(&fake, 0);
	assert_int_equal(uv_loop_init(&uv), 0);
	assert_int_equal(fa_loop_init(&loop, &uv, &fa_mem_libc, &fake.clock, NULL), 0);
	return 0;
}

static void on_closed(void *data)
{
	(*(int *)data)++;
}

static int teardown(void **state)
{
	(void)state;
	if (!closed)
		fa_loop_close(&loop, on_closed, &closed);
	uv_run(&uv, UV_RUN_DEFAULT);
	assert_int_equal(closed, 1);
	return uv_loop_close(&uv);
}

static void turn(void)
{
	uv_run(&uv, UV_RUN_NOWAIT);
}

struct counted {
	struct fa_call call; /* first */
	int order;
};

static void count(struct fa_call *call)
{
	((struct counted *)call)->order = ++runs;
}

TEST(a_call_runs_on_the_next_turn_and_not_before)
{
	struct counted one = { .call.run = count };

	fa_loop_call(&loop, &one.call);
	assert_int_equal(runs, 0);
	turn();
	assert_int_equal(runs, 1);
	turn();
	assert_int_equal(runs, 1);
}

TEST(calls_run_in_the_order_they_were_made)
{
	struct counted calls[3] = { { .call.run = count }, { .call.run = count },
				    { .call.run = count } };

	for (int i = 0; i < 3; i++)
		fa_loop_call(&loop, &calls[i].call);
	turn();
	for (int i = 0; i < 3; i++)
		assert_int_equal(calls[i].order, i + 1);
}

static void call_again(struct fa_call *call)
{
	if (++runs < 3)
		fa_loop_call(&loop, call);
}

TEST(a_call_may_make_itself_again)
{
	struct fa_call call = { .run = call_again };

	fa_loop_call(&loop, &call);
	for (int i = 0; i < 3; i++)
		turn();
	assert_int_equal(runs, 3);
}

static void stop(struct fa_call *call)
{
	count(call);
	uv_stop(&uv);
}

static void *call_from_afar(void *arg)
{
	/* Odd: it sleeps, or is about to. */
	while (!(atomic_load(loop.epoch) & 1))
		sched_yield();
	fa_loop_call(&loop, arg);
	return NULL;
}

TEST(a_call_from_another_thread_wakes_a_sleeping_loop)
{
	struct counted one = { .call.run = stop };
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, call_from_afar, &one.call), 0);
	uv_run(&uv, UV_RUN_DEFAULT); /* for ever, unless it is woken */
	pthread_join(thread, NULL);
	assert_int_equal(runs, 1);
}

static void *is_here(void *arg)
{
	*(bool *)arg = fa_loop_here(&loop);
	return NULL;
}

static uv_prepare_t hosts_own;
static struct counted from_there = { .call.run = count };

static void call_once(uv_prepare_t *handle)
{
	uv_prepare_stop(handle);
	fa_loop_call(&loop, &from_there.call);
}

static void too_late(uv_timer_t *timer)
{
	*(bool *)timer->data = true;
	uv_stop(&uv);
}

/* libuv runs those that were started first last. */
static int setup_behind_another(void **state)
{
	(void)state;
	runs = closed = 0;
	fa_clock_virtual_init(&fake, 0);
	assert_int_equal(uv_loop_init(&uv), 0);
	uv_prepare_init(&uv, &hosts_own);
	uv_prepare_start(&hosts_own, call_once);
	assert_int_equal(fa_loop_init(&loop, &uv, &fa_mem_libc, &fake.clock, NULL), 0);
	return 0;
}

TEST(a_call_by_who_is_prepared_after_us_is_not_slept_over)
{
	bool late = false;
	uv_timer_t guard = { .data = &late };

	uv_timer_init(&uv, &guard);
	uv_timer_start(&guard, too_late, 5000, 0);
	while (!runs && !late)
		uv_run(&uv, UV_RUN_ONCE);
	assert_false(late);
	assert_int_equal(runs, 1);
	assert_false(uv_is_active((uv_handle_t *)&loop.hurry));
	uv_close((uv_handle_t *)&guard, NULL);
	uv_close((uv_handle_t *)&hosts_own, NULL);
	turn();
}

TEST(the_loop_knows_its_own_thread)
{
	bool elsewhere = true;
	pthread_t thread;

	assert_true(fa_loop_here(&loop));
	assert_int_equal(pthread_create(&thread, NULL, is_here, &elsewhere), 0);
	pthread_join(thread, NULL);
	assert_false(elsewhere);
}

static void on_due(struct fa_timer *timer)
{
	(void)timer;
	runs++;
}

TEST(a_timer_follows_the_clock_of_the_loop)
{
	struct fa_timer timer = { .on_due = on_due };

	assert_int_equal(fa_loop_timer(&loop, &timer, 100), 0);
	turn();
	assert_int_equal(runs, 0);
	fake.ns = 100;
	turn();
	assert_int_equal(runs, 1);
}

TEST(a_stopped_timer_never_comes)
{
	struct fa_timer timer = { .on_due = on_due };

	fa_loop_timer(&loop, &timer, 100);
	fa_loop_timer_stop(&loop, &timer);
	fake.ns = 1000;
	turn();
	assert_int_equal(runs, 0);
}

static void stop_when_due(struct fa_timer *timer)
{
	on_due(timer);
	uv_stop(&uv);
}

TEST(a_real_timer_wakes_a_sleeping_loop)
{
	struct fa_timer timer = { .on_due = stop_when_due };

	loop.clock = &fa_clock_real;
	fa_loop_timer(&loop, &timer, fa_now(&fa_clock_real) + 1000000);
	uv_run(&uv, UV_RUN_DEFAULT);
	assert_int_equal(runs, 1);
	assert_true(fa_now(&fa_clock_real) >= timer.at_ns);
}

TEST(a_real_timer_of_the_past_comes_at_once)
{
	struct fa_timer timer = { .on_due = stop_when_due };

	loop.clock = &fa_clock_real;
	fa_loop_timer(&loop, &timer, -5);
	uv_run(&uv, UV_RUN_DEFAULT);
	assert_int_equal(runs, 1);
}

/* ---- descriptors ---- */

struct pipe_end {
	struct fa_watch watch; /* first */
	int write_fd;
	size_t take; /* bytes to read per event */
	uint32_t events;
};

static void on_ready(struct fa_watch *watch, uint32_t events)
{
	struct pipe_end *end = (struct pipe_end *)watch;
	char buf[16];

	runs++;
	end->events = events;
	if (end->take)
		assert_int_equal(read(watch->fd, buf, end->take), (ssize_t)end->take);
}

static struct pipe_end open_pipe(size_t take)
{
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	return (struct pipe_end){ .watch = { .fd = fds[0], .on_ready = on_ready },
				  .write_fd = fds[1], .take = take };
}

static void close_pipe(struct pipe_end *end)
{
	fa_loop_unwatch(&loop, &end->watch);
	close(end->watch.fd);
	if (end->write_fd >= 0)
		close(end->write_fd);
}

TEST(a_watched_descriptor_tells_when_it_is_readable)
{
	struct pipe_end end = open_pipe(1);

	assert_int_equal(fa_loop_watch(&loop, &end.watch), 0);
	turn();
	assert_int_equal(runs, 0);
	assert_int_equal(write(end.write_fd, "x", 1), 1);
	turn();
	assert_int_equal(runs, 1);
	assert_true(end.events & EPOLLIN);
	close_pipe(&end);
}

TEST(what_was_called_before_a_descriptor_was_looked_at_runs_before_it_is_told)
{
	struct pipe_end end = open_pipe(1);

	assert_int_equal(fa_loop_watch(&loop, &end.watch), 0);
	assert_int_equal(write(end.write_fd, "x", 1), 1);
	turn();
	assert_int_equal(runs, 2);
	assert_int_equal(from_there.order, 1);
	close_pipe(&end);
	uv_close((uv_handle_t *)&hosts_own, NULL);
	turn();
}

TEST(what_is_left_unread_is_told_again_only_on_demand)
{
	struct pipe_end end = open_pipe(1);

	fa_loop_watch(&loop, &end.watch);
	assert_int_equal(write(end.write_fd, "xyz", 3), 3);
	turn();
	turn();
	assert_int_equal(runs, 1);
	fa_loop_rearm(&loop, &end.watch);
	turn();
	assert_int_equal(runs, 2);
	close_pipe(&end);
}

TEST(the_end_of_the_other_side_is_told)
{
	struct pipe_end end = open_pipe(0);

	fa_loop_watch(&loop, &end.watch);
	close(end.write_fd);
	end.write_fd = -1;
	turn();
	assert_int_equal(runs, 1);
	assert_true(end.events & EPOLLHUP);
	close_pipe(&end);
}

TEST(an_unwatched_descriptor_is_silent)
{
	struct pipe_end end = open_pipe(1);

	fa_loop_watch(&loop, &end.watch);
	fa_loop_unwatch(&loop, &end.watch);
	assert_int_equal(write(end.write_fd, "x", 1), 1);
	turn();
	assert_int_equal(runs, 0);
	close_pipe(&end);
}

static struct pipe_end *rivals[2];

static void unwatch_both(struct fa_watch *watch, uint32_t events)
{
	(void)watch;
	(void)events;
	runs++;
	fa_loop_unwatch(&loop, &rivals[0]->watch);
	fa_loop_unwatch(&loop, &rivals[1]->watch);
}

TEST(what_one_event_unwatches_another_of_the_same_turn_does_not_tell)
{
	struct pipe_end one = open_pipe(1), other = open_pipe(1);

	one.watch.on_ready = other.watch.on_ready = unwatch_both;
	rivals[0] = &one;
	rivals[1] = &other;
	fa_loop_watch(&loop, &one.watch);
	fa_loop_watch(&loop, &other.watch);
	assert_int_equal(write(one.write_fd, "x", 1), 1);
	assert_int_equal(write(other.write_fd, "x", 1), 1);
	turn();
	assert_int_equal(runs, 1);
	close_pipe(&one);
	close_pipe(&other);
}

TEST(a_descriptor_that_cannot_be_watched_is_refused)
{
	struct fa_watch watch = { .fd = -1, .on_ready = on_ready };

	assert_int_equal(fa_loop_watch(&loop, &watch), -EBADF);
	fa_loop_unwatch(&loop, &watch);
}

/* ---- sleep ---- */

static bool scan_once(void *data)
{
	int *left = data;

	return *left && (*left)--;
}

TEST(the_loop_scans_until_there_is_nothing_more)
{
	int answers = 5;

	loop.on_scan = scan_once;
	loop.data = &answers;
	turn();
	assert_int_equal(answers, 0);
}

/* An answer that comes after so many looks. */
static bool scan_late(void *data)
{
	int *looks = data;

	return *looks >= 0 && (*looks)-- == 0;
}

static int64_t while_due(void *data)
{
	return *(int *)data >= 0 ? 8000 : 0;
}

TEST(a_loop_that_expects_an_answer_any_moment_waits_for_it_awake)
{
	int looks = 3; /* the first is the one that every turn begins with */

	loop.multiprocessor = true;
	loop.on_scan = scan_late;
	loop.patience = while_due;
	loop.data = &looks;
	turn();
	assert_int_equal(looks, -1);
}

static bool scan_never(void *data)
{
	(void)data;
	return false;
}

static int64_t hot_thrice(void *data)
{
	return (*(int *)data)++ < 3 ? 8000 : 0;
}

TEST(a_loop_gives_up_waiting_awake_and_sleeps)
{
	int asked = 0;
	uint32_t before = *loop.epoch;

	loop.multiprocessor = true;
	loop.on_scan = scan_never;
	loop.patience = hot_thrice;
	loop.data = &asked;
	turn();
	assert_true(asked > 0);
	assert_int_equal(*loop.epoch, before + 2); /* asleep and awake again */
}

static struct counted late = { .call.run = count };

static bool scan_and_post(void *data)
{
	int *looks = data;

	if (++*looks == 5)
		fa_loop_call(&loop, &late.call);
	return false;
}

static int64_t until_run(void *data)
{
	(void)data;
	return runs == 0 ? 8000 : 0;
}

TEST(a_call_ends_the_waiting_awake)
{
	int looks = 0;

	loop.multiprocessor = true;
	loop.on_scan = scan_and_post;
	loop.patience = until_run;
	loop.data = &looks;
	turn();
	assert_int_equal(runs, 1);
}

TEST(on_one_processor_nobody_waits_awake)
{
	int asked = 0;

	loop.multiprocessor = false;
	loop.on_scan = scan_never;
	loop.patience = hot_thrice;
	loop.data = &asked;
	turn();
	assert_int_equal(asked, 0);
}

TEST(the_epoch_is_odd_in_sleep_and_even_awake)
{
	assert_int_equal(*loop.epoch & 1, 0);
	turn();
	assert_int_equal(*loop.epoch, 2);
}

TEST(the_page_of_the_loop_cannot_be_written_by_others)
{
	assert_ptr_equal(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, loop.page_fd, 0),
			 MAP_FAILED);
	void *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, loop.page_fd, 0);

	assert_ptr_not_equal(page, MAP_FAILED);
	assert_int_equal(mprotect(page, 4096, PROT_READ | PROT_WRITE), -1);
	munmap(page, 4096);
}

TEST(every_descriptor_closes_on_exec)
{
	int fds[] = { loop.epoll, loop.wake, loop.timerfd, loop.page_fd };

	for (int i = 0; i < 4; i++)
		assert_int_equal(fcntl(fds[i], F_GETFD), FD_CLOEXEC);
}

TEST(the_loop_of_the_host_holds_three_active_handles_of_ours_and_in_the_end_none)
{
	assert_int_equal(uv.active_handles, 3);
	fa_loop_close(&loop, on_closed, &closed);
	assert_int_equal(closed, 0);
	uv_run(&uv, UV_RUN_DEFAULT);
	assert_int_equal(closed, 1);
	assert_int_equal(uv.active_handles, 0);
}

TEST(a_call_made_before_closing_still_runs)
{
	struct counted one = { .call.run = count };

	fa_loop_call(&loop, &one.call);
	fa_loop_close(&loop, on_closed, &closed);
	uv_run(&uv, UV_RUN_DEFAULT);
	assert_int_equal(runs, 1);
}

static int free_fd(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

TEST(without_descriptors_left_there_is_no_loop_and_no_leak)
{
	struct rlimit old, tight;
	int first = free_fd();

	getrlimit(RLIMIT_NOFILE, &old);
	for (int more = 0; more < 4; more++) {
		struct fa_loop other;
		struct faas_error err = { 0 };

		tight = (struct rlimit){ (rlim_t)(first + more), old.rlim_max };
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
		int rc = fa_loop_init(&other, &uv, &fa_mem_libc, &fa_clock_real, &err);

		setrlimit(RLIMIT_NOFILE, &old);
		assert_int_equal(rc, FAAS_ESYSTEM);
		assert_non_null(strstr(err.message, "event loop"));
		assert_int_equal(free_fd(), first);
	}
}

#define LOOP(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOOP(a_call_runs_on_the_next_turn_and_not_before),
		LOOP(calls_run_in_the_order_they_were_made),
		LOOP(a_call_may_make_itself_again),
		LOOP(a_call_from_another_thread_wakes_a_sleeping_loop),
		cmocka_unit_test_setup_teardown(
			a_call_by_who_is_prepared_after_us_is_not_slept_over, setup_behind_another,
			teardown),
		LOOP(the_loop_knows_its_own_thread),
		LOOP(a_timer_follows_the_clock_of_the_loop),
		LOOP(a_stopped_timer_never_comes),
		LOOP(a_real_timer_wakes_a_sleeping_loop),
		LOOP(a_real_timer_of_the_past_comes_at_once),
		LOOP(a_watched_descriptor_tells_when_it_is_readable),
		cmocka_unit_test_setup_teardown(
			what_was_called_before_a_descriptor_was_looked_at_runs_before_it_is_told,
			setup_behind_another, teardown),
		LOOP(what_is_left_unread_is_told_again_only_on_demand),
		LOOP(the_end_of_the_other_side_is_told),
		LOOP(an_unwatched_descriptor_is_silent),
		LOOP(what_one_event_unwatches_another_of_the_same_turn_does_not_tell),
		LOOP(a_descriptor_that_cannot_be_watched_is_refused),
		LOOP(the_loop_scans_until_there_is_nothing_more),
		LOOP(a_loop_that_expects_an_answer_any_moment_waits_for_it_awake),
		LOOP(a_loop_gives_up_waiting_awake_and_sleeps),
		LOOP(a_call_ends_the_waiting_awake),
		LOOP(on_one_processor_nobody_waits_awake),
		LOOP(the_epoch_is_odd_in_sleep_and_even_awake),
		LOOP(the_page_of_the_loop_cannot_be_written_by_others),
		LOOP(every_descriptor_closes_on_exec),
		LOOP(the_loop_of_the_host_holds_three_active_handles_of_ours_and_in_the_end_none),
		LOOP(a_call_made_before_closing_still_runs),
		LOOP(without_descriptors_left_there_is_no_loop_and_no_leak),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
