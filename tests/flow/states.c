/* SPDX-License-Identifier: MIT */
/*
 * What becomes of a function between the answer to a request and the end of what it asked
 * for: Pending, Active, Failed; updates in progress, successful, failed; and the end of the
 * program in between. The threads that make code are held for as long as a test looks.
 */
#include "states.h"

#include <fcntl.h>
#include <model/package/tree.h>
#include <remember.h>
#include <runtime.h>

#include "support/stores.h"

#define ARN "arn:aws:lambda:local-1:000000000000:function:"
#define CONFLICT "ResourceConflictException"
#define BUSY "The operation cannot be performed at this time. An update is in progress for " \
	     "resource: " ARN "f"
#define IN_STATE(state) \
	"The operation cannot be performed at this time. The function is currently in the " \
	"following state: " state

/* ---- in a state_dir ---------------------------------------------------- */

static char folder[64], copy[80];

static int open_lasting(void **state)
{
	(void)state;
	memset(&err, 0, sizeof(err));
	stores_folder(folder);
	snprintf(copy, sizeof(copy), "%s-copy", folder);
	flow_open(&flow, &(struct faas_config){ .state_dir = folder }, false);
	return 0;
}

static int close_lasting(void **state)
{
	close_released(state);
	assert_true(fa_tree_remove(AT_FDCWD, folder, NULL));
	fa_tree_remove(AT_FDCWD, copy, NULL);
	return 0;
}

/* What a program finds that was killed at this moment: all that is on the disk is in the copy. */
static void kill_and_restart(void)
{
	char command[256];

	snprintf(command, sizeof(command), "cp -a %s %s && rm -f %s/lock", folder, copy, copy);
	assert_int_equal(system(command), 0);
	release();
	flow_close(&flow);
	flow_open(&flow, &(struct faas_config){ .state_dir = copy }, false);
}

static void restart(void)
{
	flow_close(&flow);
	flow_open(&flow, &(struct faas_config){ .state_dir = folder }, false);
}

/* ---- requests ---------------------------------------------------------- */

static void lacks(const char *text)
{
	if (strstr(reply, text))
		fail_msg("%s has %s", reply, text);
}

static void cannot_be_invoked(const char *function, const char *message)
{
	static const enum faas_mode modes[] = { FAAS_SYNC, FAAS_EVENT };
	struct faas_result *result;

	for (int i = 0; i < 2; i++) {
		const struct faas_request r = { .size = sizeof(r), .function = function,
						.mode = modes[i] };

		assert_int_equal(faas_invoke_wait(flow.rt, &r, &result, &err), FAAS_EEXIST);
		assert_string_equal(err.type, CONFLICT);
		assert_string_equal(err.message, message);
	}
}

/* ---- new functions ----------------------------------------------------- */

TEST(a_new_function_is_pending_until_its_code_is_unpacked)
{
	hold();
	create("", code("one"));
	has("\"State\":\"Pending\",\"StateReason\":\"The function is being created.\","
	    "\"StateReasonCode\":\"Creating\"");
	lacks("LastUpdateStatus");
	get("f");
	has("\"State\":\"Pending\"");
	cannot_be_invoked("f", IN_STATE("Pending"));
	release();
	await_state("f", "Active");
	get("f");
	has("\"State\":\"Active\",\"LastUpdateStatus\":\"Successful\"");
	lacks("StateReason");
	says("f", "one");
}

TEST(nothing_is_changed_and_no_number_given_while_it_is_pending)
{
	hold();
	create("", code("one"));
	REQUEST("{\"FunctionName\":\"f\",\"MemorySize\":256}");
	refused("UpdateFunctionConfiguration", CONFLICT, BUSY);
	REQUEST("{\"FunctionName\":\"f\",\"ZipFile\":\"%s\"}", code("two"));
	refused("UpdateFunctionCode", CONFLICT, BUSY);
	REQUEST("{\"FunctionName\":\"f\"}");
	refused("PublishVersion", CONFLICT, BUSY);
	release();
	await_state("f", "Active");
	REQUEST("{\"FunctionName\":\"f\"}");
	perform("PublishVersion");
	has("\"Version\":\"1\"");
	says("f:1", "one");
}

TEST(code_that_cannot_be_unpacked_leaves_a_failed_function_and_the_reason)
{
	struct faas_function_info *info;

	create("", broken_code());
	await_state("f", "Failed");
	get("f");
	has("\"State\":\"Failed\",\"StateReason\":\"" BROKEN);
	has("\"StateReasonCode\":\"InvalidZipFileException\"");
	assert_int_equal(faas_function_get(flow.rt, "f", &info, &err), 0);
	assert_string_equal(info->state, "Failed");
	assert_memory_equal(info->state_reason, BROKEN, strlen(BROKEN));
	assert_string_equal(info->update_reason, "");
	faas_free(info);
	cannot_be_invoked("f", IN_STATE("Failed"));
	REQUEST("{\"FunctionName\":\"f\"}");
	refused("PublishVersion", CONFLICT, IN_STATE("Failed"));
	update(code("two"));
	await_state("f", "Active");
	says("f", "two");
}

TEST(a_number_that_was_given_at_once_shares_the_fate_of_its_function)
{
	hold();
	create(",\"Publish\":true", code("one"));
	has("\"FunctionArn\":\"" ARN "f:1\",\"Version\":\"1\"");
	has("\"State\":\"Pending\"");
	cannot_be_invoked("f:1", IN_STATE("Pending"));
	release();
	await_state("f:1", "Active");
	says("f:1", "one");
	assert_int_equal(faas_function_delete(flow.rt, "f", &err), 0);
	create(",\"Publish\":true", broken_code());
	has("\"Version\":\"2\"");
	await_state("f:2", "Failed");
	await_state("f", "Failed");
}

TEST(a_pending_function_can_be_deleted_and_does_not_come_back)
{
	hold();
	create("", code("one"));
	assert_int_equal(faas_function_delete(flow.rt, "f", &err), 0);
	create("", code("two"));
	release();
	await_state("f", "Active");
	says("f", "two");
	assert_int_equal(faas_function_delete(flow.rt, "f", &err), 0);
	hold();
	create("", code("one"));
	assert_int_equal(faas_function_delete(flow.rt, "f", &err), 0);
	release();
	REQUEST("{\"FunctionName\":\"f\"}");
	refused("GetFunction", "ResourceNotFoundException",
		"Function not found: " ARN "f:$LATEST");
}

static void write_zip(const char *path)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(zip.data, 1, zip.len, file), zip.len);
	assert_int_equal(fclose(file), 0);
}

TEST(who_creates_by_the_typed_door_has_waited)
{
	char path[128];
	struct faas_function_info *info;

	snprintf(path, sizeof(path), "/tmp/faas-states-%d.zip", (int)getpid());
	broken_code();
	write_zip(path);
	assert_int_equal(faas_function_create(flow.rt,
					      FAAS_FUNCTION(.name = "f", .code = path,
							    .handler = "package.content"),
					      &err),
			 FAAS_EINVAL);
	assert_memory_equal(err.message, BROKEN, strlen(BROKEN));
	assert_int_equal(faas_function_get(flow.rt, "f", &info, NULL), FAAS_ENOTFOUND);
	code("one");
	write_zip(path);
	hold();
	flow_function(&flow, &(struct faas_function_config){
				     .name = "f", .code = path, .handler = "package.content" });
	says("f", "one");
	unlink(path);
}

/* ---- updates ----------------------------------------------------------- */

TEST(while_an_update_is_in_progress_the_old_code_serves)
{
	create("", code("one"));
	await_state("f", "Active");
	hold();
	update(code("two"));
	has("\"LastUpdateStatus\":\"InProgress\",\"LastUpdateStatusReason\":\"The function is "
	    "being created.\",\"LastUpdateStatusReasonCode\":\"Creating\"");
	has("\"State\":\"Active\"");
	says("f", "one");
	REQUEST("{\"FunctionName\":\"f\",\"MemorySize\":256}");
	refused("UpdateFunctionConfiguration", CONFLICT, BUSY);
	REQUEST("{\"FunctionName\":\"f\"}");
	refused("PublishVersion", CONFLICT, BUSY);
	release();
	await_state("f", "Successful");
	says("f", "two");
}

TEST(an_update_that_fails_leaves_the_old_code_and_says_why)
{
	struct faas_function_info *info;

	create("", code("one"));
	await_state("f", "Active");
	update(broken_code());
	has("\"LastUpdateStatus\":\"InProgress\"");
	await_state("f", "Failed");
	get("f");
	has("\"State\":\"Active\",\"LastUpdateStatus\":\"Failed\",\"LastUpdateStatusReason\":\""
	    BROKEN);
	has("\"LastUpdateStatusReasonCode\":\"InvalidZipFileException\"");
	assert_int_equal(faas_function_get(flow.rt, "f", &info, &err), 0);
	assert_memory_equal(info->update_reason, BROKEN, strlen(BROKEN));
	faas_free(info);
	says("f", "one");
	update(code("two"));
	await_state("f", "Successful");
	get("f");
	lacks("Reason");
	says("f", "two");
}

TEST(layers_are_merged_while_the_old_ones_serve)
{
	create("", code("one"));
	await_state("f", "Active");
	zips_begin(&zip);
	zips_file(&zip, "text", "of the layer");
	REQUEST("{\"LayerName\":\"base\",\"Content\":{\"ZipFile\":\"%s\"}}", encoded());
	perform("PublishLayerVersion");
	hold();
	REQUEST("{\"FunctionName\":\"f\",\"Layers\":[\"arn:aws:lambda:local-1:000000000000:"
		"layer:base:1\"]}");
	perform("UpdateFunctionConfiguration");
	has("\"LastUpdateStatus\":\"InProgress\"");
	says("f", "one");
	release();
	await_state("f", "Successful");
	get("f");
	has("layer:base:1\"");
}

TEST(what_takes_no_time_is_done_when_it_is_answered)
{
	create("", code("one"));
	await_state("f", "Active");
	hold();
	REQUEST("{\"FunctionName\":\"f\",\"MemorySize\":256}");
	perform("UpdateFunctionConfiguration");
	has("\"LastUpdateStatus\":\"Successful\"");
	update(code("one")); /* which lies there already */
	has("\"LastUpdateStatus\":\"Successful\"");
}

TEST(a_change_that_waits_for_what_is_provisioned_is_answered_before)
{
	char path[128];

	snprintf(path, sizeof(path), "/tmp/faas-states-%d.zip", (int)getpid());
	code("one");
	write_zip(path);
	flow_function(&flow, &(struct faas_function_config){ .name = "f",
							     .code = path,
							     .handler = "package.content",
							     .provisioned = 1 });
	unlink(path);
	hold();
	REQUEST("{\"FunctionName\":\"f\",\"MemorySize\":256}");
	perform("UpdateFunctionConfiguration");
	has("\"LastUpdateStatus\":\"InProgress\"");
	release();
	await_state("f", "Successful");
}

TEST(a_function_that_is_deleted_takes_its_update_with_it)
{
	create("", code("one"));
	await_state("f", "Active");
	hold();
	update(code("two"));
	assert_int_equal(faas_function_delete(flow.rt, "f", &err), 0);
	create("", code("three"));
	release();
	await_state("f", "Active");
	says("f", "three");
}

TEST(a_function_that_is_created_again_has_had_no_update)
{
	create(",\"Publish\":true", code("one")); /* its number is kept when it is deleted */
	await_state("f", "Active");
	update(broken_code());
	await_state("f", "Failed");
	assert_int_equal(faas_function_delete(flow.rt, "f", &err), 0);
	create("", code("two"));
	await_state("f", "Active");
	get("f");
	has("\"LastUpdateStatus\":\"Successful\"");
	lacks("Reason");
}

/* ---- the end of the program in between --------------------------------- */

TEST(a_function_that_was_pending_is_made_by_the_next_program)
{
	hold();
	create(",\"Publish\":true", code("one"));
	kill_and_restart();
	get("f");
	has("\"State\":\"Active\",\"LastUpdateStatus\":\"Successful\"");
	says("f", "one");
	says("f:1", "one");
}

TEST(a_function_that_was_pending_fails_in_the_next_program_if_it_has_to)
{
	hold();
	create(",\"Publish\":true", broken_code());
	kill_and_restart();
	for (int i = 0; i < 2; i++) {
		get("f");
		has("\"State\":\"Failed\",\"StateReason\":\"" BROKEN);
		get("f:1");
		has("\"State\":\"Failed\"");
		flow_close(&flow);
		flow_open(&flow, &(struct faas_config){ .state_dir = copy }, false);
	}
}

TEST(what_has_failed_has_failed_after_a_restart)
{
	create("", broken_code());
	await_state("f", "Failed");
	restart();
	get("f");
	has("\"StateReasonCode\":\"InvalidZipFileException\"");
	cannot_be_invoked("f", IN_STATE("Failed"));
}

TEST(an_update_that_was_in_progress_comes_about_in_the_next_program)
{
	create("", code("one"));
	await_state("f", "Active");
	hold();
	update(code("two"));
	kill_and_restart();
	get("f");
	has("\"LastUpdateStatus\":\"Successful\"");
	says("f", "two");
}

TEST(an_update_that_was_in_progress_fails_in_the_next_program_if_it_has_to)
{
	create("", code("one"));
	await_state("f", "Active");
	hold();
	update(broken_code());
	kill_and_restart();
	get("f");
	has("\"State\":\"Active\",\"LastUpdateStatus\":\"Failed\",\"LastUpdateStatusReason\":\""
	    BROKEN);
	says("f", "one");
	flow_close(&flow);
	flow_open(&flow, &(struct faas_config){ .state_dir = copy }, false);
	get("f");
	has("\"LastUpdateStatus\":\"Failed\"");
}

static void is_closed(void *data)
{
	sem_post(data);
}

/* The builds find the runtime closing: what they were to do is done by the next. */
TEST(a_close_waits_for_no_build_and_loses_none)
{
	sem_t closed;

	create("", code("one"));
	await_state("f", "Active");
	hold();
	update(code("two"));
	REQUEST("{\"FunctionName\":\"g\",\"Role\":\"" ROLE "\",\"Runtime\":\"provided\","
		"\"Handler\":\"package.content\",\"Code\":{\"ZipFile\":\"%s\"}}",
		code("three"));
	perform("CreateFunction");
	sem_init(&closed, 0, 0);
	faas_close(flow.rt, 0, is_closed, &closed);
	for (int i = 0; i < FA_CHORE_THREADS; i++)
		sem_post(&released);
	held = false;
	sem_wait(&closed);
	flow_forget(&flow);
	flow_open(&flow, &(struct faas_config){ .state_dir = folder }, false);
	get("f");
	has("\"LastUpdateStatus\":\"Successful\"");
	says("f", "two");
	says("g", "three");
}

/* Who is inside at the end is too late to write, and does not write that all is gone. */
TEST(what_is_remembered_at_the_end_is_not_that_all_functions_are_gone)
{
	struct faas *rt = flow.rt;
	bool ending = false;
	sem_t closed;

	create("", code("one"));
	await_state("f", "Active");
	assert_int_equal(fa_enter(rt, &err), 0);
	sem_init(&closed, 0, 0);
	faas_close(rt, 0, is_closed, &closed);
	while (!ending) {
		pthread_rwlock_rdlock(&rt->registry.lock);
		ending = rt->registry.ending;
		pthread_rwlock_unlock(&rt->registry.lock);
	}
	fa_registry_touch(&rt->registry, "f");
	assert_int_equal(fa_remember(rt, &err), FAAS_ECANCELED);
	assert_string_equal(err.message, "the runtime is closing");
	fa_leave(rt);
	sem_wait(&closed);
	flow_forget(&flow);
	flow_open(&flow, &(struct faas_config){ .state_dir = folder }, false);
	says("f", "one");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define FLOW(name) cmocka_unit_test_setup_teardown(name, open_real, close_released)
#define LASTING(name) cmocka_unit_test_setup_teardown(name, open_lasting, close_lasting)
		FLOW(a_new_function_is_pending_until_its_code_is_unpacked),
		FLOW(nothing_is_changed_and_no_number_given_while_it_is_pending),
		FLOW(code_that_cannot_be_unpacked_leaves_a_failed_function_and_the_reason),
		FLOW(a_number_that_was_given_at_once_shares_the_fate_of_its_function),
		FLOW(a_pending_function_can_be_deleted_and_does_not_come_back),
		FLOW(who_creates_by_the_typed_door_has_waited),
		FLOW(while_an_update_is_in_progress_the_old_code_serves),
		FLOW(an_update_that_fails_leaves_the_old_code_and_says_why),
		FLOW(layers_are_merged_while_the_old_ones_serve),
		FLOW(what_takes_no_time_is_done_when_it_is_answered),
		FLOW(a_change_that_waits_for_what_is_provisioned_is_answered_before),
		FLOW(a_function_that_is_deleted_takes_its_update_with_it),
		FLOW(a_function_that_is_created_again_has_had_no_update),
		LASTING(a_function_that_was_pending_is_made_by_the_next_program),
		LASTING(a_function_that_was_pending_fails_in_the_next_program_if_it_has_to),
		LASTING(what_has_failed_has_failed_after_a_restart),
		LASTING(an_update_that_was_in_progress_comes_about_in_the_next_program),
		LASTING(an_update_that_was_in_progress_fails_in_the_next_program_if_it_has_to),
		LASTING(a_close_waits_for_no_build_and_loses_none),
		LASTING(what_is_remembered_at_the_end_is_not_that_all_functions_are_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
