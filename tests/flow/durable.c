/* SPDX-License-Identifier: MIT */
/* Asynchronous events in a state_dir: kept, tried again, and back after a restart. */
#include <faas/plugin.h> /* before cmocka, which makes a macro of fail() */

#include "support/test.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support/flow.h"
#include "support/stores.h"

#define EVENTS 300

/* Shared with the programs that are killed. */
struct seen {
	_Atomic int calls, failures_left, accepted, refused;
	_Atomic int delivered[EVENTS];
	char id[3][40];
	_Atomic bool blocked;
};

static struct flow flow;
static struct seen *seen;
static char folder[64];

static void tick(void)
{
	nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
}

/* The event is its own number. */
static int handler(struct faas_context *ctx, struct faas_bytes event)
{
	int n = atoi((const char *)event.data), call = seen->calls++;

	if (call < 3)
		memcpy(seen->id[call], ctx->request_id, 37);
	while (seen->blocked)
		tick();
	if (seen->failures_left > 0) {
		seen->failures_left--;
		return faas_fail(ctx, "Test.Failed", "as planned");
	}
	seen->delivered[n]++;
	return faas_puts(ctx, "\"done\"");
}

static void open_runtime(bool virtual_time)
{
	flow_open(&flow, &(struct faas_config){ .state_dir = folder, .max_concurrency = 2 },
		  virtual_time);
}

static void create_function(void)
{
	flow_function(&flow, &(struct faas_function_config){ .name = "f",
							     .native = handler,
							     .timeout_ms = 900000 });
}

static int open_it(void **state)
{
	(void)state;
	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	stores_folder(folder);
	open_runtime(true);
	create_function();
	return 0;
}

static int close_it(void **state)
{
	(void)state;
	seen->blocked = false;
	flow_close(&flow);
	stores_remove(folder);
	munmap(seen, sizeof(*seen));
	return 0;
}

static void restart(void)
{
	seen->blocked = false;
	flow_close(&flow);
	open_runtime(true);
	create_function();
}

static void on_accepted(void *data, const struct faas_result *result)
{
	(void)data;
	if (result->code)
		seen->refused++;
	else
		seen->accepted++;
}

static void submit(int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", n) + 1;

	assert_int_equal(faas_invoke(flow.rt,
				     FAAS_REQUEST(.function = "f", .mode = FAAS_EVENT,
						  .payload = { text, (size_t)len },
						  .on_done = on_accepted),
				     NULL, NULL),
			 0);
}

static void await(_Atomic int *value, int n)
{
	for (int i = 0; *value < n && i < 10000; i++)
		tick();
	assert_int_equal(*value, n);
}

static void send(int n)
{
	int before = seen->accepted;

	submit(n);
	await(&seen->accepted, before + 1);
}

static struct faas_stats stats(void)
{
	struct faas_stats s = { .size = sizeof(s) };

	assert_int_equal(faas_stats(flow.rt, &s), 0);
	assert_int_equal(s.events_accepted,
			 s.events_succeeded + s.events_dead + s.events_expired +
				 (uint64_t)s.events_queued + (uint64_t)s.events_in_flight);
	return s;
}

static void await_waiting(int n)
{
	for (int i = 0; stats().queued != n && i < 10000; i++)
		tick();
	assert_int_equal(stats().queued, n);
}

/* The n-th call has ended, and what comes of it is on the disk. */
static void await_queued(int n)
{
	for (int i = 0; (stats().events_queued != n || stats().events_in_flight) && i < 10000; i++)
		tick();
	assert_int_equal(stats().events_queued, n);
}

static void await_flight(int n)
{
	for (int i = 0; stats().events_in_flight != n && i < 10000; i++)
		tick();
	assert_int_equal(stats().events_in_flight, n);
}

TEST(an_accepted_event_runs_once_and_is_counted)
{
	send(1);
	await_waiting(0);
	assert_int_equal(seen->delivered[1], 1);
	assert_int_equal(stats().events_accepted, 1);
	assert_int_equal(stats().events_succeeded, 1);
}

TEST(who_waits_for_an_event_is_told_its_id_when_it_is_on_the_disk)
{
	struct faas_result *result = NULL;
	char id[40];

	seen->blocked = true;
	assert_int_equal(faas_invoke_wait(flow.rt,
					  FAAS_REQUEST(.function = "f", .mode = FAAS_EVENT,
						       .payload = { "1", 2 }),
					  &result, NULL),
			 0);
	assert_int_equal(result->code, FAAS_OK);
	assert_int_equal(result->payload.len, 0);
	assert_string_equal(result->version, "$LATEST");
	strcpy(id, result->request_id);
	faas_free(result);
	assert_int_equal(stats().events_accepted, 1);
	await(&seen->calls, 1);
	assert_string_equal(seen->id[0], id);
	seen->blocked = false;
	await_waiting(0);
	assert_int_equal(seen->delivered[1], 1);
}

static sem_t may_go_on, is_held, was_told;

static void hold_the_loop(void *data, const struct faas_result *result)
{
	(void)data;
	(void)result;
	sem_post(&is_held);
	sem_wait(&may_go_on);
}

static void *accept_one_and_wait(void *data)
{
	struct faas_result *result = NULL;

	(void)data;
	if (!faas_invoke_wait(flow.rt,
			      FAAS_REQUEST(.function = "f", .mode = FAAS_EVENT,
					   .payload = { "1", 2 }),
			      &result, NULL) &&
	    !result->code)
		sem_post(&was_told);
	faas_free(result);
	return NULL;
}

static bool told_within(int seconds)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += seconds;
	return !sem_timedwait(&was_told, &until);
}

/* The control: whoever has a callback is told by the loop, which is held. */
TEST(who_waits_for_an_event_is_told_without_the_loop)
{
	pthread_t thread;
	bool told;

	sem_init(&may_go_on, 0, 0);
	sem_init(&is_held, 0, 0);
	sem_init(&was_told, 0, 0);
	assert_int_equal(faas_invoke(flow.rt,
				     FAAS_REQUEST(.function = "f", .mode = FAAS_DRY_RUN,
						  .on_done = hold_the_loop),
				     NULL, NULL),
			 0);
	sem_wait(&is_held);
	submit(2);
	assert_int_equal(pthread_create(&thread, NULL, accept_one_and_wait, NULL), 0);
	told = told_within(30);
	assert_int_equal(seen->accepted, 0);
	sem_post(&may_go_on);
	pthread_join(thread, NULL);
	assert_true(told);
	await_waiting(0);
	assert_int_equal(stats().events_succeeded, 2);
}

static void *accept_many_and_wait(void *data)
{
	struct faas_result *result;
	char text[16];
	int first = *(int *)data, len;

	for (int n = first; n < first + EVENTS / 4; n++) {
		result = NULL;
		len = snprintf(text, sizeof(text), "%d", n) + 1;
		if (!faas_invoke_wait(flow.rt,
				      FAAS_REQUEST(.function = "f", .mode = FAAS_EVENT,
						   .payload = { text, (size_t)len }),
				      &result, NULL) &&
		    !result->code)
			seen->accepted++;
		faas_free(result);
	}
	return NULL;
}

TEST(events_of_many_who_wait_and_of_those_who_do_not_run_once_each)
{
	int first[] = { 0, EVENTS / 4, EVENTS / 2 };
	pthread_t threads[3];

	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, accept_many_and_wait,
						&first[i]),
				 0);
	for (int n = 3 * EVENTS / 4; n < EVENTS; n++)
		submit(n);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	await(&seen->accepted, EVENTS);
	await_waiting(0);
	for (int n = 0; n < EVENTS; n++)
		assert_int_equal(seen->delivered[n], 1);
	assert_int_equal(stats().events_succeeded, EVENTS);
}

TEST(a_failed_event_comes_again_after_one_and_two_minutes_with_the_same_id)
{
	seen->failures_left = 5;
	send(1);
	await_queued(1);
	flow_advance(&flow, 59000);
	await_queued(1);
	assert_int_equal(seen->calls, 1);
	flow_advance(&flow, 1000);
	await(&seen->calls, 2);
	await_queued(1);
	flow_advance(&flow, 120000);
	await(&seen->calls, 3);
	await_waiting(0);
	assert_string_equal(seen->id[0], seen->id[1]);
	assert_string_equal(seen->id[0], seen->id[2]);
	assert_int_equal(stats().events_dead, 1);
	assert_true(flow_metric(&flow, "AsyncEventsDropped") == 1);
}

TEST(an_event_that_would_be_too_old_at_its_next_turn_expires)
{
	assert_int_equal(faas_function_update(flow.rt, FAAS_FUNCTION(.name = "f", .max_age_s = 90),
					      NULL),
			 0);
	seen->failures_left = 5;
	send(1);
	await_queued(1);
	flow_advance(&flow, 60000);
	await(&seen->calls, 2);
	await_waiting(0);
	assert_int_equal(stats().events_expired, 1);
}

TEST(an_event_that_waits_for_an_environment_expires_when_it_is_too_old)
{
	assert_int_equal(faas_function_update(flow.rt,
					      FAAS_FUNCTION(.name = "f", .max_age_s = 90,
							    .timeout_ms = 900000),
					      NULL),
			 0);
	seen->blocked = true;
	for (int n = 0; n < 3; n++) /* two run */
		send(n);
	await(&seen->calls, 2);
	flow_advance(&flow, 89000);
	assert_int_equal(stats().events_expired, 0);
	flow_advance(&flow, 2000);
	await_waiting(2);
	assert_int_equal(stats().events_expired, 1);
	seen->blocked = false;
	await_waiting(0);
	assert_int_equal(seen->calls, 2);
}

/* The clock runs until it was throttled so often, and is in the store again. */
static void await_throttles(int n)
{
	for (int i = 0; (int)stats().throttles < n && i < 1000; i++)
		flow_advance(&flow, 1000);
	assert_true((int)stats().throttles >= n);
	await_flight(130);
}

TEST(a_throttled_event_waits_and_uses_up_no_attempt)
{
	seen->blocked = true;
	for (int n = 0; n < 131; n++) /* two run, 128 may wait at hand */
		send(n);
	await(&seen->calls, 2);
	await_throttles(4); /* more often than there are retries */
	assert_int_equal(seen->calls, 2);
	seen->blocked = false;
	await_waiting(1);
	flow_advance(&flow, 300000);
	await_waiting(0);
	assert_int_equal(stats().events_succeeded, 131);
}

TEST(attempts_and_the_id_outlive_a_restart)
{
	seen->failures_left = 2;
	send(1);
	await_queued(1);
	restart();
	assert_int_equal(stats().events_queued, 1);
	flow_advance(&flow, 120000);
	await(&seen->calls, 2);
	await_queued(1);
	flow_advance(&flow, 59000 + 60000);
	await_queued(1);
	assert_int_equal(seen->calls, 2);
	flow_advance(&flow, 1000);
	await_waiting(0);
	assert_int_equal(seen->delivered[1], 1);
	assert_string_equal(seen->id[0], seen->id[1]);
	assert_string_equal(seen->id[0], seen->id[2]);
}

TEST(what_waits_for_a_function_waits_until_it_is_created)
{
	seen->failures_left = 1;
	send(1);
	await_queued(1);
	flow_close(&flow);
	open_runtime(true);
	flow_advance(&flow, 59999); /* until then nobody looks at it */
	assert_int_equal(stats().events_queued, 1);
	create_function();
	flow_advance(&flow, 1);
	await_waiting(0);
	assert_int_equal(seen->delivered[1], 1);
}

/* By then it has been found to have none, and comes again like one that was throttled. */
TEST(a_function_that_is_created_late_gets_its_events)
{
	seen->failures_left = 1;
	send(1);
	await_queued(1);
	flow_close(&flow);
	open_runtime(true);
	flow_advance(&flow, 120000);
	await_queued(1);
	create_function();
	flow_advance(&flow, 300000);
	await_waiting(0);
	assert_int_equal(seen->delivered[1], 1);
}

TEST(a_second_runtime_with_the_same_state_dir_is_refused)
{
	struct faas_error err;

	assert_null(faas_create(FAAS_CONFIG(.state_dir = folder, .worker = TEST_WORKER), &err));
	assert_int_equal(err.code, FAAS_EEXIST);
}

/* Another program: it accepts events and is killed while some of them run. */
static void be_killed(int accept)
{
	open_runtime(false);
	create_function();
	for (int n = 0; n < accept; n++)
		submit(n);
	for (;;)
		tick();
}

TEST(what_was_accepted_runs_although_the_program_was_killed)
{
	pid_t pid;
	int status, accepted;

	flow_close(&flow);
	seen->blocked = true; /* two are running when it dies, for good */
	fflush(NULL);
	pid = fork();
	if (!pid)
		be_killed(EVENTS);
	await(&seen->calls, 2);
	for (int i = 0; seen->accepted < EVENTS / 2 && i < 10000; i++)
		tick();
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	accepted = seen->accepted;
	assert_true(accepted >= EVENTS / 2);
	seen->blocked = false;
	open_runtime(false); /* on the clock of the one before */
	create_function();
	await_waiting(0);
	assert_true((int)stats().events_succeeded >= accepted);
	for (int n = 0; n < accepted; n++)
		assert_int_equal(seen->delivered[n], 1);
}

/* ---- whose function is gone ------------------------------------------- */

static void say_who_hears(void)
{
	assert_int_equal(faas_function_update(flow.rt,
					      FAAS_FUNCTION(.name = "f", .max_age_s = 120,
							    .on_failure = "queue:failed",
							    .dead_letter = "queue:dead"),
					      NULL),
			 0);
}

/* One that failed waits for its second attempt. */
static void leave_one(void)
{
	seen->failures_left = 1;
	send(1);
	await_queued(1);
	assert_int_equal(seen->calls, 1);
}

static int lying(const char *queue)
{
	struct faas_queue_stats s = { .size = sizeof(s) };

	assert_int_equal(faas_queue_stats(flow.rt, queue, &s, NULL), 0);
	return s.visible;
}

/* Its age ends it, and not before. */
static void expect_expired(int told)
{
	flow_advance(&flow, 100000);
	await_queued(1);
	assert_int_equal(lying("queue:dead"), 0);
	for (int i = 0; i < 3; i++) { /* it may have been claimed for the next look by now */
		flow_advance(&flow, 300000);
		for (int ms = 0; stats().queued && ms < 2000; ms++)
			tick();
	}
	assert_int_equal(stats().queued, 0);
	assert_int_equal(stats().events_expired, 1);
	assert_int_equal(lying("queue:dead"), told);
	assert_int_equal(lying("queue:failed"), told);
	assert_int_equal(seen->calls, 1);
}

static void expect_letters(void)
{
	static const char *const parts[] = { "\"condition\":\"EventAgeExceeded\"",
					     "\"approximateInvokeCount\":1",
					     ":function:f:$LATEST\"" };
	struct faas_message *dead, *failed;

	assert_int_equal(faas_take(flow.rt, "queue:dead", 0, &dead, NULL), 0);
	assert_int_equal(atoi(dead->body.data), 1);
	faas_free(dead);
	assert_int_equal(faas_take(flow.rt, "queue:failed", 0, &failed, NULL), 0);
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		if (!strstr(failed->body.data, parts[i]))
			fail_msg("%s: not in %s", parts[i], (const char *)failed->body.data);
	faas_free(failed);
}

TEST(an_event_left_by_a_deleted_function_is_told_of_when_it_is_too_old)
{
	say_who_hears();
	leave_one();
	assert_int_equal(faas_function_delete(flow.rt, "f", NULL), 0);
	expect_expired(1);
	expect_letters();
}

TEST(the_next_program_tells_of_events_whose_function_was_deleted)
{
	say_who_hears();
	leave_one();
	assert_int_equal(faas_function_delete(flow.rt, "f", NULL), 0);
	flow_close(&flow);
	open_runtime(true);
	expect_expired(1);
	expect_letters();
}

#define ROLE "arn:aws:iam::000000000000:role/r"

static void perform(const char *operation, const char *request)
{
	struct faas_error err;

	if (faas_control(flow.rt, operation, request, NULL, &err))
		fail_msg("%s: %s", operation, err.message);
}

static void allow(const char *action)
{
	char request[400];

	snprintf(request, sizeof(request),
		 "{\"RoleName\":\"r\",\"PolicyName\":\"p\",\"PolicyDocument\":\"{"
		 "\\\"Version\\\":\\\"2012-10-17\\\",\\\"Statement\\\":[{\\\"Effect\\\":"
		 "\\\"Allow\\\",\\\"Action\\\":\\\"%s\\\",\\\"Resource\\\":\\\"*\\\"}]}"
		 "\"}",
		 action);
	perform("PutRolePolicy", request);
}

static void leave_one_with_a_role(void)
{
	perform("CreateRole",
		"{\"RoleName\":\"r\",\"AssumeRolePolicyDocument\":\"{\\\"Version\\\":"
		"\\\"2012-10-17\\\",\\\"Statement\\\":[{\\\"Effect\\\":\\\"Allow\\\","
		"\\\"Principal\\\":{\\\"Service\\\":\\\"lambda.amazonaws.com\\\"},"
		"\\\"Action\\\":\\\"sts:AssumeRole\\\"}]}\"}");
	allow("sqs:SendMessage");
	perform("UpdateFunctionConfiguration", "{\"FunctionName\":\"f\",\"Role\":\"" ROLE "\"}");
	say_who_hears();
	leave_one();
}

TEST(the_role_of_a_deleted_function_has_to_let_it_tell)
{
	leave_one_with_a_role();
	assert_int_equal(faas_function_delete(flow.rt, "f", NULL), 0);
	expect_expired(1);
	expect_letters();
}

TEST(when_that_role_no_more_does_nobody_is_told)
{
	leave_one_with_a_role();
	assert_int_equal(faas_function_delete(flow.rt, "f", NULL), 0);
	allow("none:None");
	expect_expired(0);
}

TEST(nor_by_the_next_program)
{
	leave_one_with_a_role();
	assert_int_equal(faas_function_delete(flow.rt, "f", NULL), 0);
	flow_close(&flow);
	open_runtime(true);
	allow("none:None");
	expect_expired(0);
}

TEST(nor_of_one_that_the_next_program_does_not_make)
{
	leave_one_with_a_role();
	flow_close(&flow);
	open_runtime(true);
	allow("none:None");
	expect_expired(0);
}

/* A native function is made again by the host only, and this one does not. */
TEST(the_next_program_tells_of_events_whose_function_it_does_not_make)
{
	say_who_hears();
	leave_one();
	flow_close(&flow);
	open_runtime(true);
	expect_expired(1);
	expect_letters();
}

TEST(without_a_word_of_the_function_its_events_are_counted_and_told_to_nobody)
{
	leave_one();
	assert_int_equal(faas_function_delete(flow.rt, "f", NULL), 0);
	flow_advance(&flow, 21600000);
	for (int ms = 0; stats().queued && ms < 10000; ms++)
		tick();
	assert_int_equal(stats().events_expired, 1);
}

/* Nor does it inherit what the other one said. */
TEST(the_next_function_of_the_name_runs_the_events_that_were_left)
{
	say_who_hears();
	leave_one();
	assert_int_equal(faas_function_delete(flow.rt, "f", NULL), 0);
	create_function();
	send(2);
	seen->failures_left = 3;
	for (int i = 0; stats().queued && i < 20; i++) {
		flow_advance(&flow, 60000);
		for (int ms = 0; ms < 50; ms++)
			tick();
	}
	assert_int_equal(stats().events_dead + stats().events_succeeded, 2);
	assert_int_equal(lying("queue:dead") + lying("queue:failed"), 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_it, close_it)
	const struct CMUnitTest tests[] = {
		CASE(an_accepted_event_runs_once_and_is_counted),
		CASE(who_waits_for_an_event_is_told_its_id_when_it_is_on_the_disk),
		CASE(who_waits_for_an_event_is_told_without_the_loop),
		CASE(events_of_many_who_wait_and_of_those_who_do_not_run_once_each),
		CASE(a_failed_event_comes_again_after_one_and_two_minutes_with_the_same_id),
		CASE(an_event_that_would_be_too_old_at_its_next_turn_expires),
		CASE(an_event_that_waits_for_an_environment_expires_when_it_is_too_old),
		CASE(a_throttled_event_waits_and_uses_up_no_attempt),
		CASE(attempts_and_the_id_outlive_a_restart),
		CASE(what_waits_for_a_function_waits_until_it_is_created),
		CASE(a_function_that_is_created_late_gets_its_events),
		CASE(an_event_left_by_a_deleted_function_is_told_of_when_it_is_too_old),
		CASE(the_next_program_tells_of_events_whose_function_was_deleted),
		CASE(the_role_of_a_deleted_function_has_to_let_it_tell),
		CASE(when_that_role_no_more_does_nobody_is_told),
		CASE(nor_by_the_next_program),
		CASE(nor_of_one_that_the_next_program_does_not_make),
		CASE(the_next_program_tells_of_events_whose_function_it_does_not_make),
		CASE(without_a_word_of_the_function_its_events_are_counted_and_told_to_nobody),
		CASE(the_next_function_of_the_name_runs_the_events_that_were_left),
		CASE(a_second_runtime_with_the_same_state_dir_is_refused),
		CASE(what_was_accepted_runs_although_the_program_was_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
