/* SPDX-License-Identifier: MIT */
/*
 * Code that cannot be made while the disk is full, so that it cannot be written that it cannot.
 */
#include "states.h"

#include <fcntl.h>
#include <model/package/tree.h>

#include "support/fault_vfs.h"
#include "support/stores.h"

static char folder[64];

/* On a disk that may be full, and a clock that stands still. */
static int open_filling(void **state)
{
	(void)state;
	memset(&err, 0, sizeof(err));
	fault_vfs_install(&(struct fault_plan){ .fault = FAULT_NONE });
	stores_folder(folder);
	flow_open(&flow, &(struct faas_config){ .state_dir = folder }, true);
	return 0;
}

static void nap(long ms)
{
	nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000 }, NULL);
}

/* What was held ends, and that cannot be written. */
static void release_unwritten(void)
{
	fault_vfs_plan(&(struct fault_plan){ .fault = FAULT_FULL, .at = 1 });
	release();
	for (int ms = 0; !atomic_load(&flow.rt->rewrite.asked); ms++) {
		assert_true(ms < 20000);
		nap(1);
	}
}

static void be_well(void)
{
	fault_vfs_plan(&(struct fault_plan){ .fault = FAULT_NONE });
}

static int close_filling(void **state)
{
	be_well();
	close_released(state);
	assert_true(fa_tree_remove(AT_FDCWD, folder, NULL));
	return 0;
}

static void restart(void)
{
	flow_close(&flow);
	flow_open(&flow, &(struct faas_config){ .state_dir = folder }, false);
}

#define FAILED_UPDATE "\"LastUpdateStatus\":\"Failed\",\"LastUpdateStatusReason\":\"" BROKEN

TEST(that_a_build_failed_is_told_with_what_is_written_next_whatever_that_is)
{
	hold();
	create(",\"Publish\":true", broken_code());
	release_unwritten();
	get("f");
	has("\"State\":\"Pending\"");
	be_well();
	assert_int_equal(faas_function_create(flow.rt,
					      FAAS_FUNCTION(.name = "other", .code = TEST_PLUGINS,
							    .handler = "echo.context"),
					      &err),
			 0);
	get("f");
	has("\"State\":\"Failed\",\"StateReason\":\"" BROKEN);
	get("f:1");
	has("\"State\":\"Failed\"");
	restart();
	get("f:1");
	has("\"State\":\"Failed\"");
}

TEST(that_an_update_failed_is_written_without_anybody_who_asks)
{
	create("", code("one"));
	await_state("f", "Active");
	hold();
	update(broken_code());
	release_unwritten();
	get("f");
	has("\"LastUpdateStatus\":\"InProgress\"");
	says("f", "one");
	be_well();
	flow_advance(&flow, 999);
	get("f");
	has("\"LastUpdateStatus\":\"InProgress\"");
	for (int ms = 0; ms < 20000 && !strstr(reply, FAILED_UPDATE); ms++) {
		flow_advance(&flow, 1);
		nap(1);
		get("f");
	}
	has(FAILED_UPDATE);
	restart();
	get("f");
	has(FAILED_UPDATE);
	says("f", "one");
}

/*
 * Each time after twice the pause. What the store does meanwhile about a commit of which nobody
 * is sure, it does by itself.
 */
TEST(while_the_disk_stays_full_it_is_tried_less_and_less_often)
{
	hold();
	create("", broken_code());
	release_unwritten();
	for (int pause_ms = 1000; pause_ms <= 8000; pause_ms *= 2) {
		flow_advance(&flow, pause_ms - 1);
		nap(20); /* who would come too early comes now */
		assert_int_equal(flow.rt->rewrite.pause_ms, pause_ms);
		for (; flow.rt->rewrite.pause_ms == pause_ms; nap(1))
			flow_advance(&flow, 1); /* the pause may have begun a little late */
	}
	get("f");
	has("\"State\":\"Pending\"");
	be_well();
}

TEST(an_update_whose_end_was_never_written_ends_the_same_in_the_next_program)
{
	create("", code("one"));
	await_state("f", "Active");
	hold();
	update(broken_code());
	release_unwritten();
	flow_close(&flow);
	be_well();
	flow_open(&flow, &(struct faas_config){ .state_dir = folder }, false);
	get("f");
	has(FAILED_UPDATE);
	says("f", "one");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define FILLING(name) cmocka_unit_test_setup_teardown(name, open_filling, close_filling)
		FILLING(that_a_build_failed_is_told_with_what_is_written_next_whatever_that_is),
		FILLING(that_an_update_failed_is_written_without_anybody_who_asks),
		FILLING(while_the_disk_stays_full_it_is_tried_less_and_less_often),
		FILLING(an_update_whose_end_was_never_written_ends_the_same_in_the_next_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
