/* SPDX-License-Identifier: MIT */
/* Who waits and finds nobody writing commits by itself. */
#include <support/test.h>

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <support/fault_vfs.h>
#include <support/invariants.h>
#include <support/stores.h>

static char folder[64];
static struct fa_store *store;

static int setup(void **state)
{
	(void)state;
	store = stores_begin(folder, NULL);
	return store ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	stores_end(store, folder);
	return 0;
}

static void restart(void)
{
	fa_store_close(store);
	store = stores_open(folder, NULL);
	assert_non_null(store);
}

static int64_t must_accept(const char *payload)
{
	struct fa_stored event = stores_event(payload, strlen(payload), 1);

	assert_int_equal(stores_accept(store, &event, true), FA_STORE_DONE);
	return event.id;
}

static void assert_counts(int accepted, int ended)
{
	struct fa_store_counts c;

	fa_store_count(store, &c);
	assert_int_equal(c.accepted, accepted);
	assert_int_equal(c.ended[FA_STORE_SUCCEEDED], ended);
	assert_int_equal(c.waiting, accepted - ended);
}

/* One that is led, and one that comes while it is being answered. */
struct led {
	struct fa_store_op op, other;
	pthread_t by, other_by;
	int answers;
	sem_t other_answered;
	void (*meanwhile)(struct led *led);
};

static volatile sig_atomic_t handled;

static void on_signal(int sig)
{
	(void)sig;
	handled++;
}

static void on_other(struct fa_store_op *op)
{
	struct led *led = fa_container(op, struct led, other);

	led->other_by = pthread_self();
	sem_post(&led->other_answered);
}

static void on_led(struct fa_store_op *op)
{
	struct led *led = fa_container(op, struct led, op);

	led->by = pthread_self();
	led->answers++;
	if (led->meanwhile)
		led->meanwhile(led);
}

static struct fa_store_op to_accept(void (*on_done)(struct fa_store_op *))
{
	return (struct fa_store_op){ .verb = FA_STORE_ACCEPT,
				     .event = stores_event("e", 1, 1),
				     .on_done = on_done };
}

static void lead(struct led *led)
{
	led->op = to_accept(on_led);
	led->other = to_accept(on_other);
	sem_init(&led->other_answered, 0, 0);
	fa_store_lead(store, &led->op);
}

TEST(who_waits_and_finds_nobody_writing_writes_and_is_answered_inside_the_call)
{
	struct led led = { .meanwhile = NULL };
	long before = fault_vfs_syncs();

	lead(&led);
	assert_int_equal(led.answers, 1);
	assert_true(pthread_equal(led.by, pthread_self()));
	assert_int_equal(led.op.outcome, FA_STORE_DONE);
	assert_true(fault_vfs_syncs() > before);
	assert_counts(1, 0);
}

static void lead_another(struct led *led)
{
	fa_store_lead(store, &led->other);
}

static void submit_another(struct led *led)
{
	fa_store_submit(store, &led->other);
}

static void expect_the_thread(void (*meanwhile)(struct led *led))
{
	struct led led = { .meanwhile = meanwhile };

	for (int i = 1; i <= 5; i++) {
		usleep(1000); /* most likely the thread sleeps, and has to be woken */
		lead(&led);
		while (sem_wait(&led.other_answered))
			;
		assert_false(pthread_equal(led.other_by, pthread_self()));
		assert_int_equal(led.other.outcome, FA_STORE_DONE);
		assert_counts(2 * i, 0);
	}
}

TEST(who_comes_while_a_caller_writes_is_the_threads)
{
	expect_the_thread(submit_another);
}

TEST(two_do_not_write_at_once)
{
	expect_the_thread(lead_another);
}

/* An end is written whatever happens, and no caller may be kept for that. */
TEST(what_may_not_be_refused_is_never_a_callers)
{
	struct led led = { .meanwhile = NULL };

	led.other = (struct fa_store_op){ .verb = FA_STORE_COMPLETE,
					  .event = { .id = must_accept("e") },
					  .on_done = on_other };
	sem_init(&led.other_answered, 0, 0);
	fa_store_lead(store, &led.other);
	while (sem_wait(&led.other_answered))
		;
	assert_false(pthread_equal(led.other_by, pthread_self()));
	assert_counts(1, 1);
}

/* What the thread could not write waits for room, and nobody overtakes it. */
TEST(who_waits_does_not_overtake_an_end_that_waits_for_room)
{
	static struct led led, next;

	led.other = (struct fa_store_op){ .verb = FA_STORE_COMPLETE,
					  .event = { .id = must_accept("e") },
					  .on_done = on_other };
	sem_init(&led.other_answered, 0, 0);
	sem_init(&next.other_answered, 0, 0);
	fault_vfs_fill("/"); /* always there */
	fa_store_submit(store, &led.other);
	for (int i = 0; i < 20; i++) {
		next.other = (struct fa_store_op){ .verb = FA_STORE_TAIL, .on_done = on_other };
		fa_store_lead(store, &next.other);
		while (sem_wait(&next.other_answered))
			;
		assert_false(pthread_equal(next.other_by, pthread_self()));
		usleep(1000); /* between its attempts the thread sleeps */
	}
	fault_vfs_fill(NULL);
	must_accept("behind it");
	assert_int_equal(sem_trywait(&led.other_answered), 0);
	assert_int_equal(led.other.outcome, FA_STORE_DONE);
	assert_counts(2, 1);
}

static void raise_one(struct led *led)
{
	raise(SIGUSR1);
	led->answers += 10 * handled;
}

TEST(no_signal_is_handled_by_who_writes_until_he_is_through)
{
	struct sigaction action = { .sa_handler = on_signal }, old;
	struct led led = { .meanwhile = raise_one };

	handled = 0;
	sigaction(SIGUSR1, &action, &old);
	lead(&led);
	sigaction(SIGUSR1, &old, NULL);
	assert_int_equal(led.answers, 1); /* not inside, */
	assert_int_equal(handled, 1);	  /* but then */
}

static void come_to_a_cancellation(struct led *led)
{
	usleep(1);
	led->answers += 10;
}

static void *lead_canceled(void *data)
{
	pthread_cancel(pthread_self());
	lead(data);
	pthread_testcancel();
	return NULL;
}

TEST(who_is_canceled_while_he_writes_ends_behind_it_and_leaves_it_to_others)
{
	struct led led = { .meanwhile = come_to_a_cancellation };
	pthread_t thread;
	void *end = NULL;

	assert_int_equal(pthread_create(&thread, NULL, lead_canceled, &led), 0);
	assert_int_equal(pthread_join(thread, &end), 0);
	assert_ptr_equal(end, PTHREAD_CANCELED);
	assert_int_equal(led.answers, 11);
	must_accept("another");
	assert_counts(2, 0);
}

/* ---- what may come of it ------------------------------------------------ */

static struct fa_store *closed;

static void *close_it(void *data)
{
	(void)data;
	fa_store_close(closed);
	return NULL;
}

static pthread_t closer;

static void close_meanwhile(struct led *led)
{
	(void)led;
	closed = store;
	assert_int_equal(pthread_create(&closer, NULL, close_it, NULL), 0);
	usleep(1000); /* by then it most likely waits for us */
}

TEST(who_is_answered_may_close_the_store_before_the_call_has_returned)
{
	struct led led = { .meanwhile = close_meanwhile };

	for (int i = 0; i < 20; i++) {
		lead(&led);
		pthread_join(closer, NULL);
		store = stores_open(folder, NULL);
		assert_non_null(store);
		assert_counts(i + 1, 0);
	}
}

static void fork_meanwhile(struct led *led)
{
	pid_t pid = fork();
	int status;

	(void)led;
	assert_true(pid >= 0);
	if (!pid)
		_exit(0); /* its copies of our files are closed */
	assert_int_equal(waitpid(pid, &status, 0), pid);
}

TEST(a_host_that_forks_meanwhile_goes_on_and_still_has_the_folder)
{
	struct led led = { .meanwhile = fork_meanwhile };

	lead(&led);
	must_accept("another");
	assert_null(stores_open(folder, NULL));
	restart();
	assert_counts(2, 0);
}

static void *fork_again_and_again(void *data)
{
	atomic_bool *over = data;

	while (!*over) {
		pid_t pid = fork();

		if (!pid)
			_exit(0);
		waitpid(pid, NULL, 0);
	}
	return NULL;
}

TEST(a_thread_that_forks_beside_it_changes_nothing)
{
	atomic_bool over = false;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, fork_again_and_again, &over), 0);
	for (int i = 0; i < 100; i++)
		must_accept("e");
	over = true;
	pthread_join(thread, NULL);
	restart();
	assert_counts(100, 0);
}

/*
 * In a child, for the limit is a process's. Its writes raise SIGXFSZ, which ends who has no
 * handler for it.
 */
static void accept_too_much(void)
{
	static char much[1 << 20];
	struct rlimit limit = { .rlim_cur = 256 << 10, .rlim_max = RLIM_INFINITY };
	struct fa_stored event = stores_event(much, sizeof(much), 1);
	enum fa_store_outcome outcome;

	store = stores_open(folder, NULL);
	setrlimit(RLIMIT_FSIZE, &limit);
	outcome = stores_accept(store, &event, true);
	setrlimit(RLIMIT_FSIZE, &(struct rlimit){ RLIM_INFINITY, RLIM_INFINITY });
	event = stores_event("small", 5, 1);
	_exit(outcome != FA_STORE_DONE && stores_accept(store, &event, true) == FA_STORE_DONE ?
		      0 : 1);
}

TEST(a_limit_on_the_size_of_files_ends_no_host)
{
	int status;
	pid_t pid;

	fa_store_close(store);
	store = NULL;
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		accept_too_much();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	store = stores_open(folder, NULL);
	assert_non_null(store);
	assert_counts(1, 0);
}

/* As small as hosts make them; a sanitizer needs more. */
#define STACK (SANITIZED ? 512 << 10 : 16 << 10)

static void *write_all_kinds(void *data)
{
	static char much[300 << 10];
	struct fa_stored event = stores_event(much, sizeof(much), 1);

	(void)data;
	for (int i = 0; i < 100; i++)
		must_accept("e"); /* pages are split, and the log is brought home */
	assert_int_equal(stores_accept(store, &event, false), FA_STORE_DONE);
	fault_vfs_plan(&(struct fault_plan){ .fault = FAULT_FULL, .at = 1 });
	assert_int_equal(stores_accept(store, &event, false), FA_STORE_UNKNOWN);
	fault_vfs_plan(&(struct fault_plan){ .fault = FAULT_NONE });
	return NULL;
}

TEST(a_small_stack_is_enough_for_it)
{
	pthread_attr_t attr;
	pthread_t thread;

	fa_store_close(store);
	store = stores_open_as(folder, 8, false);
	pthread_attr_init(&attr);
	assert_int_equal(pthread_attr_setstacksize(&attr, STACK), 0);
	assert_int_equal(pthread_create(&thread, &attr, write_all_kinds, NULL), 0);
	pthread_join(thread, NULL);
	pthread_attr_destroy(&attr);
	assert_counts(101, 0);
}

/* ---- the three outcomes, whoever writes ---------------------------------- */

static struct fa_store_op answered;
static sem_t has_answer;
static pthread_t answered_by;

static void on_answer(struct fa_store_op *op)
{
	answered_by = pthread_self();
	(void)op;
	sem_post(&has_answer);
}

static enum fa_store_outcome accept_by(bool leads)
{
	answered = to_accept(on_answer);
	sem_init(&has_answer, 0, 0);
	if (leads)
		fa_store_lead(store, &answered);
	else
		fa_store_submit(store, &answered);
	while (sem_wait(&has_answer))
		;
	assert_int_equal(pthread_equal(answered_by, pthread_self()) != 0, leads);
	return answered.outcome;
}

static void expect_unknown(bool leads, const struct fault_plan *plan)
{
	assert_int_equal(accept_by(leads), FA_STORE_DONE);
	fault_vfs_plan(plan);
	assert_int_equal(accept_by(leads), FA_STORE_UNKNOWN);
	fault_vfs_plan(&(struct fault_plan){ .fault = FAULT_NONE });
	must_accept("behind it");
	restart();
	assert_counts(2, 0);
}

TEST(what_a_caller_cannot_sync_is_unknown_to_it_and_overwritten)
{
	expect_unknown(true, &(struct fault_plan){ .fault = FAULT_SYNC, .at = 1 });
}

TEST(what_the_thread_cannot_sync_is_so_too)
{
	expect_unknown(false, &(struct fault_plan){ .fault = FAULT_SYNC, .at = 1 });
}

TEST(what_a_caller_finds_no_room_for_is_not_accepted)
{
	expect_unknown(true, &(struct fault_plan){ .fault = FAULT_FULL, .at = 1 });
}

TEST(what_the_thread_finds_no_room_for_is_not_either)
{
	expect_unknown(false, &(struct fault_plan){ .fault = FAULT_FULL, .at = 1 });
}

/* There is no room for the ballast, so nothing new is written at all. */
static void expect_refusal(bool leads)
{
	struct fa_store_config config = { .folder = folder,
					  .mem = &fa_mem_libc,
					  .ballast = INT64_C(1) << 60 };
	long before;

	fa_store_close(store);
	store = fa_store_open(&config, NULL);
	assert_non_null(store);
	before = fault_vfs_ops();
	assert_int_equal(accept_by(leads), FA_STORE_REFUSED);
	assert_int_equal(fault_vfs_ops(), before);
	restart();
	assert_counts(0, 0);
}

TEST(a_caller_is_refused_what_would_take_the_room_of_ends)
{
	expect_refusal(true);
}

TEST(so_is_who_waits_for_the_thread)
{
	expect_refusal(false);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(who_waits_and_finds_nobody_writing_writes_and_is_answered_inside_the_call),
		CASE(who_comes_while_a_caller_writes_is_the_threads),
		CASE(two_do_not_write_at_once),
		CASE(what_may_not_be_refused_is_never_a_callers),
		CASE(who_waits_does_not_overtake_an_end_that_waits_for_room),
		CASE(no_signal_is_handled_by_who_writes_until_he_is_through),
		CASE(who_is_canceled_while_he_writes_ends_behind_it_and_leaves_it_to_others),
		CASE(who_is_answered_may_close_the_store_before_the_call_has_returned),
		CASE(a_host_that_forks_meanwhile_goes_on_and_still_has_the_folder),
		CASE(a_thread_that_forks_beside_it_changes_nothing),
		CASE(a_limit_on_the_size_of_files_ends_no_host),
		CASE(a_small_stack_is_enough_for_it),
		CASE(what_a_caller_cannot_sync_is_unknown_to_it_and_overwritten),
		CASE(what_the_thread_cannot_sync_is_so_too),
		CASE(what_a_caller_finds_no_room_for_is_not_accepted),
		CASE(what_the_thread_finds_no_room_for_is_not_either),
		CASE(a_caller_is_refused_what_would_take_the_room_of_ends),
		CASE(so_is_who_waits_for_the_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
