/* SPDX-License-Identifier: MIT */
/* A source of the host's: it delivers what was wanted, and hears once what became of it. */
#include <faas/plugin.h> /* before cmocka, which makes a macro of fail() */
#include <faas/source.h>

#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <base/loop.h>
#include <runtime.h>

#include "support/flow.h"

static struct flow flow;
static struct faas_error err;
static char id[37], event[4096], opened[64];
static struct faas_source *source;
static _Atomic int wanted, calls, settled, done, unseen, closed, failures_left, twice, hold;
static bool was_settled[4096];

static void tick(void)
{
	nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
}

static int handler(struct faas_context *ctx, struct faas_bytes bytes)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

	pthread_mutex_lock(&lock); /* several batches run at a time */
	snprintf(event, sizeof(event), "%.*s", (int)bytes.len, (const char *)bytes.data);
	pthread_mutex_unlock(&lock);
	calls++;
	while (hold)
		tick();
	if (failures_left > 0) {
		failures_left--;
		return faas_fail(ctx, "Test.Failed", "as planned");
	}
	return faas_puts(ctx, "");
}

static int open_it(struct faas_source *s, const char *address, void **state,
		   struct faas_error *error)
{
	if (!strcmp(address, "test:broken")) {
		error->code = FAAS_ESYSTEM;
		return FAAS_ESYSTEM;
	}
	snprintf(opened, sizeof(opened), "%s", address);
	source = s;
	*state = &flow;
	return 0;
}

static void want(void *state, int n)
{
	assert_ptr_equal(state, &flow);
	wanted += n;
}

static void settle(void *state, const struct faas_settled *all, int count)
{
	assert_ptr_equal(state, &flow);
	for (int i = 0; i < count; i++) {
		twice += was_settled[all[i].id];
		was_settled[all[i].id] = true;
		done += all[i].done;
		unseen += !all[i].seen;
	}
	settled += count;
}

static void close_source(void *state)
{
	assert_ptr_equal(state, &flow);
	closed++;
}

static const struct faas_source_impl impl = { .size = sizeof(impl), .scheme = "test",
					      .open = open_it, .want = want, .settle = settle,
					      .close = close_source };

static int open_runtime(void **state)
{
	(void)state;
	wanted = calls = settled = done = unseen = closed = failures_left = twice = hold = 0;
	memset(was_settled, 0, sizeof(was_settled));
	*event = *opened = '\0';
	memset(&err, 0, sizeof(err));
	flow_open(&flow, NULL, true);
	flow_function(&flow, &(struct faas_function_config){ .name = "f", .native = handler });
	assert_int_equal(faas_source_register(flow.rt, &impl, &err), 0);
	return 0;
}

static int close_runtime(void **state)
{
	(void)state;
	hold = 0; /* of a test that failed in between */
	flow_close(&flow);
	return 0;
}

static void map(const struct faas_mapping_config *config)
{
	if (faas_mapping_create(flow.rt, config, id, &err))
		fail_msg("%s", err.message);
}

static void await(_Atomic int *value, int n)
{
	for (int i = 0; *value < n && i < 10000; i++)
		tick();
	assert_int_equal(*value, n);
}

struct delivery {
	struct fa_call call;
	struct faas_message message;
	int count, rc;
	_Atomic bool through;
};

static void on_deliver(struct fa_call *call)
{
	struct delivery *d = (struct delivery *)call;

	for (int i = 0; i < d->count; i++) {
		d->rc = faas_source_deliver(source, &d->message);
		if (!d->rc)
			wanted--;
		d->message.id++;
	}
	d->through = true;
}

/* On the loop, with ids from that of `m`. What the last one was answered. */
static int deliver(struct faas_message m, int count)
{
	struct delivery d = { .call.run = on_deliver, .message = m, .count = count };

	d.message.size = sizeof(m);
	fa_loop_call(&flow.rt->loop, &d.call);
	while (!d.through)
		tick();
	return d.rc;
}

TEST(what_was_delivered_is_invoked_and_settled_once)
{
	map(FAAS_MAPPING(.source = "test:x", .function = "f"));
	await(&wanted, 50); /* five batches of ten */
	assert_string_equal(opened, "test:x");
	assert_int_equal(deliver((struct faas_message){ .id = 7, .body = { "hi", 2 } }, 1), 0);
	await(&settled, 1);
	assert_int_equal(done, 1);
	assert_int_equal(calls, 1);
	assert_non_null(strstr(event, "\"body\":\"hi\""));
	assert_non_null(strstr(event, "\"eventSource\":\"test\",\"eventSourceARN\":\"test:x\""));
	await(&wanted, 50);
}

TEST(more_than_was_wanted_is_refused)
{
	map(FAAS_MAPPING(.source = "test:x", .function = "f", .batch_size = 20,
			 .batch_window_s = 300, .max_concurrency = 2));
	await(&wanted, 40);
	assert_int_equal(deliver((struct faas_message){ .id = 1, .body = { "m", 1 } }, 19), 0);
	assert_int_equal(wanted, 21);
	assert_int_equal(deliver((struct faas_message){ .id = 20, .body = { "m", 1 } }, 1), 0);
	await(&settled, 20);
	assert_int_equal(deliver((struct faas_message){ .id = 200, .body = { "m", 1 } }, 1000),
			 FAAS_EINVAL);
	assert_int_equal(twice, 0);
}

TEST(of_a_group_one_batch_runs_at_a_time_and_others_do_not_wait)
{
	hold = 1;
	map(FAAS_MAPPING(.source = "test:x", .function = "f", .batch_size = 1));
	await(&wanted, 5);
	deliver((struct faas_message){ .id = 1, .body = { "m", 1 }, .group = "A" }, 2);
	deliver((struct faas_message){ .id = 3, .body = { "m", 1 }, .group = "B" }, 1);
	await(&calls, 2);
	for (int i = 0; i < 20; i++)
		tick();
	assert_int_equal(calls, 2);
	hold = 0;
	await(&settled, 3);
	assert_int_equal(done, 3);
}

TEST(what_failed_is_settled_as_not_done)
{
	failures_left = 1;
	map(FAAS_MAPPING(.source = "test:x", .function = "f"));
	await(&wanted, 50);
	deliver((struct faas_message){ .id = 1, .body = { "m", 1 } }, 1);
	await(&settled, 1);
	assert_int_equal(done, 0);
	assert_int_equal(unseen, 0);
}

TEST(what_nobody_saw_is_settled_before_it_is_closed)
{
	map(FAAS_MAPPING(.source = "test:x", .function = "f", .batch_size = 20,
			 .batch_window_s = 300));
	await(&wanted, 100);
	deliver((struct faas_message){ .id = 1, .body = { "m", 1 } }, 3);
	assert_int_equal(faas_mapping_delete(flow.rt, id, &err), 0);
	await(&closed, 1);
	assert_int_equal(settled, 3);
	assert_int_equal(unseen, 3);
	assert_int_equal(done, 0);
	assert_int_equal(calls, 0);
}

TEST(a_source_that_does_not_open_is_disabled)
{
	char request[80], *reply = NULL;

	map(FAAS_MAPPING(.source = "test:broken", .function = "f"));
	snprintf(request, sizeof(request), "{\"UUID\":\"%s\"}", id);
	for (int i = 0; i < 10000; i++) {
		faas_free(reply);
		assert_int_equal(faas_control(flow.rt, "GetEventSourceMapping", request, &reply,
					      &err), 0);
		if (strstr(reply, "\"State\":\"Disabled\""))
			break;
		tick();
	}
	assert_non_null(strstr(reply, "\"State\":\"Disabled\""));
	faas_free(reply);
	assert_int_equal(closed, 0);
}

TEST(what_is_no_source_is_refused)
{
	struct faas_source_impl other = impl;

	assert_int_equal(faas_source_register(flow.rt, &impl, &err), FAAS_EEXIST);
	assert_string_equal(err.message, "the scheme 'test' is taken");
	other.scheme = "queue";
	assert_int_equal(faas_source_register(flow.rt, &other, &err), FAAS_EEXIST);
	other.scheme = "Redis";
	assert_int_equal(faas_source_register(flow.rt, &other, &err), FAAS_EINVAL);
	other.scheme = "redis";
	other.settle = NULL;
	assert_int_equal(faas_source_register(flow.rt, &other, &err), FAAS_EINVAL);
	assert_string_equal(err.message, "a source needs open, want, settle, close, and a scheme "
					 "of 1 to 15 letters and digits: [a-z][a-z0-9]*");
	assert_int_equal(faas_mapping_create(flow.rt,
					     FAAS_MAPPING(.source = "redis:x", .function = "f"), id,
					     &err), FAAS_EINVAL);
	assert_string_equal(err.message, "Unrecognized event source.");
}

#define HERE(name) cmocka_unit_test_setup_teardown(name, open_runtime, close_runtime)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HERE(what_was_delivered_is_invoked_and_settled_once),
		HERE(more_than_was_wanted_is_refused),
		HERE(of_a_group_one_batch_runs_at_a_time_and_others_do_not_wait),
		HERE(what_failed_is_settled_as_not_done),
		HERE(what_nobody_saw_is_settled_before_it_is_closed),
		HERE(a_source_that_does_not_open_is_disabled),
		HERE(what_is_no_source_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
