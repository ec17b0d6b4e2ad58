/* SPDX-License-Identifier: MIT */
/* A schedule that is over is written down by a thread: on the loop nobody waits for that. */
#include <faas/plugin.h> /* before cmocka, which makes a macro of fail() */
#include <faas/source.h>

#include "support/test.h"

#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include <model/change.h>
#include <runtime.h>

#include "support/fault_vfs.h"
#include "support/flow.h"
#include "support/stores.h"

#define MIDNIGHT_MS 1700006400000 /* 2023-11-15 */

static struct flow flow;
static struct faas_error err;
static char folder[64], id[37];
static _Atomic int calls;

struct busy {
	struct fa_chore chore;
	_Atomic bool over;
	sem_t go;
};

static struct busy busy[FA_CHORE_THREADS + 1];
static int busy_count;

static int handler(struct faas_context *ctx, struct faas_bytes bytes)
{
	(void)bytes;
	calls++;
	return faas_puts(ctx, "");
}

static int other(struct faas_context *ctx, struct faas_bytes bytes)
{
	(void)bytes;
	return faas_puts(ctx, "here");
}

static int open_it(void **state)
{
	(void)state;
	calls = busy_count = 0;
	fault_vfs_install(&(struct fault_plan){ .fault = FAULT_NONE });
	stores_folder(folder);
	flow_open_at(&flow, &(struct faas_config){ .state_dir = folder }, MIDNIGHT_MS);
	flow_function(&flow, &(struct faas_function_config){ .name = "f", .native = handler });
	flow_function(&flow, &(struct faas_function_config){ .name = "g", .native = other });
	return 0;
}

static int close_it(void **state)
{
	(void)state;
	fault_vfs_stand_still(false);
	for (int i = 0; i < busy_count; i++)
		sem_post(&busy[i].go);
	flow_close(&flow);
	stores_remove(folder);
	return 0;
}

/* "" when it is not there any more. */
static bool is_in_state(const char *state)
{
	char request[64], want[32], *reply = NULL;
	bool is;

	snprintf(request, sizeof(request), "{\"UUID\":\"%s\"}", id);
	snprintf(want, sizeof(want), "\"State\":\"%s\"", state);
	is = faas_control(flow.rt, "GetEventSourceMapping", request, &reply, &err) ?
		     !*state :
		     *state && strstr(reply, want);
	faas_free(reply);
	return is;
}

static void becomes(const char *state)
{
	for (int ms = 0; !is_in_state(state); ms++) {
		assert_true(ms < 20000);
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	}
}

static void map_once(bool delete_after)
{
	struct faas_mapping_config c = *FAAS_MAPPING(
		.source = "schedule:at(2023-11-15T00:01:00)", .function = "f",
		.delete_after = delete_after);

	if (faas_mapping_create(flow.rt, &c, id, &err))
		fail_msg("%s", err.message);
	becomes("Enabled");
}

/* Through the loop, a few times: what it is asked to do first, it has done by then. */
static void others_are_served(void)
{
	for (int i = 0; i < 3; i++)
		assert_true(flow_says(flow_call_async(&flow, "g", ""), "here"));
}

/* It had its one event. */
static void come_to_its_end(void)
{
	flow_advance(&flow, 60000);
	flow_await_count(&flow, &calls, 1);
}

TEST(while_a_change_takes_its_time_others_are_served)
{
	map_once(false);
	fa_change_begin(&flow.rt->registry);
	come_to_its_end();
	others_are_served();
	assert_true(is_in_state("Enabled"));
	fa_change_end(&flow.rt->registry);
	becomes("Disabled");
}

TEST(while_the_disk_stands_still_others_are_served)
{
	map_once(true);
	fa_change_begin(&flow.rt->registry);
	come_to_its_end();
	fault_vfs_stand_still(true);
	fa_change_end(&flow.rt->registry);
	others_are_served();
	assert_false(is_in_state(""));
	fault_vfs_stand_still(false);
	becomes("");
}

/* ---- threads that are busy otherwise ----------------------------------------- */

static void wait_to_go(struct fa_chore *chore)
{
	while (sem_wait(&fa_container(chore, struct busy, chore)->go))
		;
}

static void be_over(struct fa_chore *chore)
{
	fa_container(chore, struct busy, chore)->over = true;
}

static void keep_busy(int threads)
{
	while (threads--) {
		struct busy *b = &busy[busy_count++];

		*b = (struct busy){ .chore = { .run = wait_to_go, .done = be_over } };
		sem_init(&b->go, 0, 0);
		fa_chores_add(&flow.rt->chores, &b->chore);
	}
}

static void let_go(struct busy *b)
{
	sem_post(&b->go);
	for (int ms = 0; !b->over; ms++) {
		assert_true(ms < 20000);
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	}
}

/* And no thread is there that could write that down. */
static void come_to_its_end_unwritten(void)
{
	keep_busy(FA_CHORE_THREADS);
	map_once(false);
	come_to_its_end();
	others_are_served();
}

TEST(what_is_asked_for_before_it_is_written_counts)
{
	come_to_its_end_unwritten();
	assert_int_equal(faas_mapping_update(flow.rt, id, FAAS_MAPPING(.input = "{}"), &err), 0);
	becomes("Enabled");
	keep_busy(1);
	let_go(&busy[0]); /* one thread: so it is through when it comes to what is behind it */
	let_go(&busy[FA_CHORE_THREADS]);
	assert_true(is_in_state("Enabled"));
}

TEST(one_that_is_deleted_before_it_is_written_goes_behind_that)
{
	come_to_its_end_unwritten();
	assert_int_equal(faas_mapping_delete(flow.rt, id, &err), 0);
	others_are_served();
	assert_true(is_in_state("Deleting"));
	for (int i = 0; i < FA_CHORE_THREADS; i++)
		let_go(&busy[i]);
	becomes("");
	flow_close(&flow);
	flow_open_at(&flow, &(struct faas_config){ .state_dir = folder }, MIDNIGHT_MS);
	assert_true(is_in_state(""));
}

int main(void)
{
#define HERE(test) cmocka_unit_test_setup_teardown(test, open_it, close_it)
	const struct CMUnitTest tests[] = {
		HERE(while_a_change_takes_its_time_others_are_served),
		HERE(while_the_disk_stands_still_others_are_served),
		HERE(what_is_asked_for_before_it_is_written_counts),
		HERE(one_that_is_deleted_before_it_is_written_goes_behind_that),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
