/* SPDX-License-Identifier: MIT */
/* Mappings as operations of the Lambda API, and what of them outlives the program. */
#include <faas/source.h>

#include "support/test.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "support/control.h"

#define INVALID "InvalidParameterValueException"
#define VALIDATION "ValidationException"
#define NOT_FOUND "ResourceNotFoundException"
#define SQS "arn:aws:sqs:local-1:000000000000:"
#define GONE "The resource you requested does not exist."
#define CREATE "CreateEventSourceMapping"

static char uuid[64];

/* With the UUID of the last one that was created. */
static const char *with_uuid(const char *operation, const char *members)
{
	char request[256];

	snprintf(request, sizeof(request), "{\"UUID\":\"%s\"%s}", uuid, members);
	return perform(operation, request);
}

static void create(const char *members)
{
	char request[512];

	snprintf(request, sizeof(request), "{\"FunctionName\":\"f\",\"EventSourceArn\":\"%s\"%s}",
		 SQS "q", members);
	perform(CREATE, request);
	member(uuid, "UUID");
}

/* Wait (real time, bounded) until that is its state. */
static void becomes(const char *state)
{
	char now[64] = "";

	for (int i = 0; i < 10000 && strcmp(now, state) != 0; i++) {
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
		with_uuid("GetEventSourceMapping", "");
		member(now, "State");
	}
	assert_string_equal(now, state);
}

static void refuses(const char *members, const char *type, const char *message)
{
	char request[512];

	snprintf(request, sizeof(request), "{\"FunctionName\":\"f\",%s}", members);
	refused(CREATE, request, type, message);
	perform("ListEventSourceMappings", "{}");
	has("{\"EventSourceMappings\":[]}");
}

TEST(a_mapping_is_created_shown_changed_and_deleted)
{
	create("");
	has("\"BatchSize\":10,\"MaximumBatchingWindowInSeconds\":0,\"EventSourceArn\":\"" SQS
	    "q\",\"FunctionArn\":\"arn:aws:lambda:local-1:000000000000:function:f\","
	    "\"LastModified\":17");
	has("\"State\":\"Creating\",\"StateTransitionReason\":\"USER_INITIATED\"}");
	becomes("Enabled");
	with_uuid("UpdateEventSourceMapping",
		  ",\"BatchSize\":20,\"MaximumBatchingWindowInSeconds\":3,"
		  "\"FunctionResponseTypes\":[\"ReportBatchItemFailures\"],"
		  "\"ScalingConfig\":{\"MaximumConcurrency\":9}");
	has("\"BatchSize\":20,\"MaximumBatchingWindowInSeconds\":3");
	has("\"State\":\"Updating\"");
	has("\"FunctionResponseTypes\":[\"ReportBatchItemFailures\"],"
	    "\"ScalingConfig\":{\"MaximumConcurrency\":9}}");
	becomes("Enabled");
	has("\"BatchSize\":20");
	with_uuid("UpdateEventSourceMapping", ",\"Enabled\":false");
	has("\"State\":\"Disabling\"");
	becomes("Disabled");
	has("\"BatchSize\":20");
	with_uuid("DeleteEventSourceMapping", "");
	has("\"State\":\"Deleting\"");
}

TEST(provisioned_pollers_are_set_shown_and_switched_off)
{
	create("");
	becomes("Enabled");
	with_uuid("UpdateEventSourceMapping",
		  ",\"ProvisionedPollerConfig\":{\"MinimumPollers\":5}");
	has("\"ProvisionedPollerConfig\":{\"MinimumPollers\":5}");
	with_uuid("UpdateEventSourceMapping",
		  ",\"ProvisionedPollerConfig\":{},"
		  "\"ScalingConfig\":{\"MaximumConcurrency\":9}");
	has("\"ScalingConfig\":{\"MaximumConcurrency\":9},\"ProvisionedPollerConfig\":{}");
}

TEST(an_address_is_as_good_as_an_arn_and_a_qualifier_stays)
{
	perform("PublishVersion", "{\"FunctionName\":\"f\"}");
	perform(CREATE, "{\"FunctionName\":\"arn:aws:lambda:local-1:000000000000:function:f:1\","
			"\"EventSourceArn\":\"queue:q.fifo\"}");
	has("\"EventSourceArn\":\"" SQS "q.fifo\",\"FunctionArn\":"
	    "\"arn:aws:lambda:local-1:000000000000:function:f:1\"");
}

TEST(a_second_one_of_the_same_source_and_function_is_a_conflict)
{
	char message[256];

	create("");
	snprintf(message, sizeof(message),
		 "An event source mapping with SQS arn (\" " SQS "q \") and function (\" f \") "
		 "already exists. Please update or delete the existing mapping with UUID %s",
		 uuid);
	refused(CREATE, "{\"FunctionName\":\"f\",\"EventSourceArn\":\"queue:q\"}",
		"ResourceConflictException", message);
}

TEST(a_mapping_cannot_become_a_second_one_of_the_same)
{
	char message[256], request[128], first[64];

	flow_function(&flow, &(struct faas_function_config){ .name = "g",
							     .handler = "echo.context" });
	create("");
	memcpy(first, uuid, sizeof(first));
	perform(CREATE, "{\"FunctionName\":\"g\",\"EventSourceArn\":\"queue:q\"}");
	member(uuid, "UUID");
	snprintf(message, sizeof(message),
		 "An event source mapping with SQS arn (\" " SQS "q \") and function (\" f \") "
		 "already exists. Please update or delete the existing mapping with UUID %s",
		 first);
	snprintf(request, sizeof(request), "{\"UUID\":\"%s\",\"FunctionName\":\"f\"}", uuid);
	refused("UpdateEventSourceMapping", request, "ResourceConflictException", message);
	with_uuid("GetEventSourceMapping", "");
	has("function:g\"");
}

TEST(mappings_are_listed_by_source_and_function_in_pages)
{
	char text[64];

	flow_function(&flow, &(struct faas_function_config){ .name = "g",
							     .handler = "echo.context" });
	create("");
	perform(CREATE, "{\"FunctionName\":\"f\",\"EventSourceArn\":\"queue:p\"}");
	perform(CREATE, "{\"FunctionName\":\"g\",\"EventSourceArn\":\"queue:p\"}");
	perform("ListEventSourceMappings", "{\"FunctionName\":\"f\"}");
	has(SQS "q");
	has(SQS "p");
	lacks("function:g");
	perform("ListEventSourceMappings", "{\"EventSourceArn\":\"" SQS "p\","
					   "\"FunctionName\":\"g\"}");
	has("function:g");
	lacks("function:f");
	perform("ListEventSourceMappings", "{\"MaxItems\":2}");
	member(text, "NextMarker");
	assert_string_equal(text, "2");
	perform("ListEventSourceMappings", "{\"MaxItems\":2,\"Marker\":\"2\"}");
	lacks("NextMarker");
	member(text, "UUID");
}

TEST(what_a_mapping_cannot_be_is_refused_in_the_words_of_lambda)
{
	refuses("\"EventSourceArn\":\"" SQS "q\",\"BatchSize\":11", INVALID,
		"Maximum batch window in seconds must be greater than 0 if maximum batch size is "
		"greater than 10");
	refuses("\"EventSourceArn\":\"" SQS "q\",\"BatchSize\":10001", VALIDATION,
		"1 validation error detected: Value '10001' at 'batchSize' failed to satisfy "
		"constraint: Member must have value less than or equal to 10000");
	refuses("\"EventSourceArn\":\"" SQS "q.fifo\",\"BatchSize\":11", INVALID,
		"Maximum batch size for this event source is 10, not 11");
	refuses("\"EventSourceArn\":\"" SQS
		"q.fifo\",\"MaximumBatchingWindowInSeconds\":1",
		INVALID, "Batching window is not supported for FIFO queues");
	refuses("\"EventSourceArn\":\"" SQS
		"q\",\"ScalingConfig\":{\"MaximumConcurrency\":1}",
		VALIDATION,
		"1 validation error detected: Value '1' at 'scalingConfig.maximumConcurrency' "
		"failed to satisfy constraint: Member must have value greater than or equal to 2");
	refuses("\"EventSourceArn\":\"" SQS "q\",\"FunctionResponseTypes\":[\"Other\"]", VALIDATION,
		"1 validation error detected: Value '[Other]' at 'functionResponseTypes' failed to "
		"satisfy constraint: Member must satisfy constraint: [Member must satisfy enum "
		"value set: [ReportBatchItemFailures], "
		"Member must not be null]");
	refuses("\"EventSourceArn\":\"arn:aws:nothing:local-1:000000000000:q\"", INVALID,
		"Unrecognized event source.");
	refuses("\"EventSourceArn\":\"callback:c\"", INVALID, "Unrecognized event source.");
	refuses("\"EventSourceArn\":\"queue:q\",\"FilterCriteria\":{\"Filters\":[{\"Pattern\":"
		"\"{\\\"body\\\":1}\"}]}",
		INVALID, "Invalid filter pattern definition.");
	refuses("\"EventSourceArn\":\"queue:q\",\"FilterCriteria\":{\"Filters\":[{}]}", INVALID,
		"Invalid filter pattern definition.");
	refuses("\"BatchSize\":1", INVALID, "Unrecognized event source.");
	refuses("\"EventSourceArn\":\"queue:q\",\"ScalingConfig\":{\"MaximumConcurrency\":2},"
		"\"ProvisionedPollerConfig\":{\"MinimumPollers\":2}", INVALID,
		"a mapping has MaximumConcurrency or ProvisionedPollerConfig, not both");
	refuses("\"EventSourceArn\":\"queue:q\",\"ProvisionedPollerConfig\":{"
		"\"MinimumPollers\":3,\"MaximumPollers\":2}", INVALID,
		"ProvisionedPollerConfig: MinimumPollers must be from 2 to 200, and MaximumPollers "
		"from there to 2000");
	refuses("\"EventSourceArn\":\"queue:q\",\"ProvisionedPollerConfig\":{"
		"\"MinimumPollers\":201}", VALIDATION,
		"1 validation error detected: Value '201' at "
		"'provisionedPollerConfig.minimumPollers' failed to satisfy constraint: Member "
		"must have value less than or equal to 200");
	refuses("\"EventSourceArn\":\"topic:t\",\"ProvisionedPollerConfig\":{"
		"\"MinimumPollers\":2}", INVALID,
		"topic:t does nothing with 'ProvisionedPollerConfig'");
	refuses("\"EventSourceArn\":\"queue:q\",\"StartingPosition\":\"LATEST\"", INVALID,
		"queue:q does nothing with 'StartingPosition'");
}

/* A mapping of that queue, with filters whose patterns have so many characters. */
static const char *filters(const char *queue, int count, int length)
{
	static char text[16384];
	char *at = text;

	at += sprintf(at, "{\"FunctionName\":\"f\",\"EventSourceArn\":\"%s\","
			  "\"FilterCriteria\":{\"Filters\":[", queue);
	for (int i = 0; i < count; i++)
		at += sprintf(at, "%s{\"Pattern\":\"{\\\"body\\\":[\\\"%0*d\\\"]}\"}",
			      i ? "," : "", length - (int)strlen("{\"body\":[\"\"]}"), i);
	strcpy(at, "]}}");
	return text;
}

TEST(ten_filters_of_4096_characters_and_no_more)
{
	refused(CREATE, filters("queue:q", 11, 50), INVALID,
		"Maximum number of filters is 10");
	refused(CREATE, filters("queue:q", 1, 4097), VALIDATION,
		"1 validation error detected: Value '{\"body\":[\"0000000000000000000000000000000"
		"00000000000000000000...' at 'filterCriteria.filters.1.member.pattern' failed to "
		"satisfy constraint: Member must have length less than or equal to 4096");
	perform(CREATE, filters("queue:many", 10, 50));
	perform(CREATE, filters("queue:long", 1, 4096));
}

TEST(a_queue_that_hides_for_less_than_the_functions_timeout_is_refused)
{
	flow_function(&flow, &(struct faas_function_config){ .name = "slow",
							     .handler = "echo.context",
							     .timeout_ms = 60000 });
	refused(CREATE, "{\"FunctionName\":\"slow\",\"EventSourceArn\":\"queue:q\"}", INVALID,
		"Queue visibility timeout: 30 seconds is less than Function timeout: 60 seconds");
	assert_int_equal(faas_resource_create(flow.rt, "queue:q", "{\"VisibilityTimeout\":60}",
					      &err), 0);
	perform(CREATE, "{\"FunctionName\":\"slow\",\"EventSourceArn\":\"queue:q\"}");
}

TEST(who_is_not_there_is_not_found)
{
	refused(CREATE, "{\"FunctionName\":\"nobody\",\"EventSourceArn\":\"queue:q\"}", NOT_FOUND,
		"Function not found: arn:aws:lambda:local-1:000000000000:function:nobody:$LATEST");
	refused("GetEventSourceMapping", "{\"UUID\":\"nobody\"}", NOT_FOUND, GONE);
	refused("UpdateEventSourceMapping", "{\"UUID\":\"nobody\"}", NOT_FOUND, GONE);
	refused("DeleteEventSourceMapping", "{\"UUID\":\"nobody\"}", NOT_FOUND, GONE);
}

TEST(an_update_that_cannot_be_changes_nothing)
{
	char request[256];

	create("");
	becomes("Enabled");
	snprintf(request, sizeof(request), "{\"UUID\":\"%s\",\"BatchSize\":20}", uuid);
	refused("UpdateEventSourceMapping", request, INVALID,
		"Maximum batch window in seconds must be greater than 0 if maximum batch size is "
		"greater than 10");
	with_uuid("GetEventSourceMapping", "");
	has("\"BatchSize\":10");
	has("\"State\":\"Enabled\"");
}

TEST(mappings_outlive_the_program_and_deleted_ones_do_not)
{
	char kept[64];

	create(",\"BatchSize\":7");
	memcpy(kept, uuid, sizeof(kept));
	perform(CREATE, "{\"FunctionName\":\"f\",\"EventSourceArn\":\"queue:off\","
			"\"Enabled\":false}");
	perform(CREATE, "{\"FunctionName\":\"f\",\"EventSourceArn\":\"queue:deleted\"}");
	member(uuid, "UUID");
	with_uuid("DeleteEventSourceMapping", "");
	control_restart();
	perform("ListEventSourceMappings", "{}");
	lacks(SQS "deleted");
	has(SQS "off");
	memcpy(uuid, kept, sizeof(uuid));
	becomes("Enabled");
	has("\"BatchSize\":7");
	assert_int_equal(faas_send(flow.rt, "queue:q", (struct faas_bytes){ "m", 1 }, &err), 0);
	for (int i = 0; i < 10000; i++) {
		struct faas_queue_stats stats = { .size = sizeof(stats) };

		assert_int_equal(faas_queue_stats(flow.rt, "queue:q", &stats, &err), 0);
		if (!stats.visible && !stats.hidden)
			return;
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	}
	fail_msg("the message was never taken");
}

static void *update_until_it_is_gone(void *data)
{
	char request[128], *reply = NULL;
	int rc;

	snprintf(request, sizeof(request), "{\"UUID\":\"%s\",\"BatchSize\":3}", uuid);
	do {
		rc = faas_control(flow.rt, "UpdateEventSourceMapping", request, &reply, NULL);
		faas_free(reply);
		reply = NULL;
	} while (!rc);
	return data;
}

TEST(one_that_is_changed_while_it_is_deleted_is_deleted)
{
	pthread_t threads[3];

	for (int round = 0; round < 20; round++) {
		create("");
		for (int i = 0; i < 3; i++)
			assert_int_equal(pthread_create(&threads[i], NULL, update_until_it_is_gone,
							NULL), 0);
		nanosleep(&(struct timespec){ 0, 1000000L * (round % 5) }, NULL);
		with_uuid("DeleteEventSourceMapping", "");
		for (int i = 0; i < 3; i++)
			pthread_join(threads[i], NULL);
	}
	control_restart();
	perform("ListEventSourceMappings", "{}");
	has("{\"EventSourceMappings\":[]}");
}

/* ---- the typed door ------------------------------------------------------- */

TEST(the_typed_door_leads_to_the_same)
{
	char id[37];

	assert_int_equal(faas_mapping_create(flow.rt,
					     FAAS_MAPPING(.source = "queue:q", .function = "f",
							  .batch_size = 100, .batch_window_s = 2,
							  .max_concurrency = 3, .disabled = true,
							  .partial_failures = true),
					     id, &err),
			 0);
	memcpy(uuid, id, sizeof(id));
	becomes("Disabled");
	has("\"BatchSize\":100,\"MaximumBatchingWindowInSeconds\":2");
	has("\"FunctionResponseTypes\":[\"ReportBatchItemFailures\"],\"ScalingConfig\":"
	    "{\"MaximumConcurrency\":3},\"MetricsConfig\":{\"Metrics\":[\"EventCount\"]}}");
	assert_int_equal(faas_mapping_delete(flow.rt, id, &err), 0);
	assert_int_equal(faas_mapping_delete(flow.rt, "nobody", &err), FAAS_ENOTFOUND);
	assert_int_equal(faas_mapping_create(flow.rt, FAAS_MAPPING(.source = "queue:q"), id, &err),
			 FAAS_EINVAL);
	assert_string_equal(err.message, "a mapping needs a source and a function");
}

#define HERE(name) cmocka_unit_test_setup_teardown(name, control_open, control_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HERE(a_mapping_is_created_shown_changed_and_deleted),
		HERE(provisioned_pollers_are_set_shown_and_switched_off),
		HERE(an_address_is_as_good_as_an_arn_and_a_qualifier_stays),
		HERE(a_second_one_of_the_same_source_and_function_is_a_conflict),
		HERE(a_mapping_cannot_become_a_second_one_of_the_same),
		HERE(mappings_are_listed_by_source_and_function_in_pages),
		HERE(what_a_mapping_cannot_be_is_refused_in_the_words_of_lambda),
		HERE(ten_filters_of_4096_characters_and_no_more),
		HERE(a_queue_that_hides_for_less_than_the_functions_timeout_is_refused),
		HERE(who_is_not_there_is_not_found),
		HERE(an_update_that_cannot_be_changes_nothing),
		cmocka_unit_test_setup_teardown(
			mappings_outlive_the_program_and_deleted_ones_do_not, control_open_lasting,
			control_close_lasting),
		cmocka_unit_test_setup_teardown(one_that_is_changed_while_it_is_deleted_is_deleted,
						control_open_lasting, control_close_lasting),
		HERE(the_typed_door_leads_to_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
