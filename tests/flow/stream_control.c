/* SPDX-License-Identifier: MIT */
/* What streams and their mappings are told, what they show, and what is refused. */
#include "support/control.h"

#include "support/test.h"

#include <stdio.h>

#include <faas/source.h>

#define ARN "arn:aws:kinesis:local-1:000000000000:stream/s"
#define INVALID "InvalidParameterValueException"
#define VALIDATION "ValidationException"
#define ERROR "1 validation error detected: Value "
#define CONSTRAINT " failed to satisfy constraint: Member must "

static int open_it(void **state)
{
	control_open(state);
	return faas_resource_create(flow.rt, "stream:s", "{\"ShardCount\":2}", &err);
}

static void refuses(const char *members, const char *type, const char *message)
{
	char request[512];

	snprintf(request, sizeof(request), "{\"FunctionName\":\"f\",%s}", members);
	refused("CreateEventSourceMapping", request, type, message);
}

#define OF_S(members) "\"EventSourceArn\":\"" ARN "\",\"StartingPosition\":\"LATEST\"," members

TEST(a_mapping_shows_what_it_was_told_and_what_goes_without_saying)
{
	perform("CreateEventSourceMapping",
		"{\"FunctionName\":\"f\",\"EventSourceArn\":\"" ARN "\",\"StartingPosition\":"
		"\"TRIM_HORIZON\",\"DestinationConfig\":{\"OnFailure\":{\"Destination\":"
		"\"arn:aws:sqs:local-1:000000000000:dead\"}}}");
	has("\"BatchSize\":100");
	has("\"ParallelizationFactor\":1");
	has("\"MaximumRetryAttempts\":-1");
	has("\"MaximumRecordAgeInSeconds\":-1");
	has("\"BisectBatchOnFunctionError\":false");
	has("\"TumblingWindowInSeconds\":0");
	has("\"StartingPosition\":\"TRIM_HORIZON\"");
	has("\"StateTransitionReason\":\"User action\"");
	has("\"LastProcessingResult\":\"No records processed\"");
	has("\"EventSourceArn\":\"" ARN "\"");
	has("\"Destination\":\"arn:aws:sqs:local-1:000000000000:dead\"");
	lacks("StartingId");
}

TEST(a_change_counts_for_streams_as_they_mean_it)
{
	char uuid[37], text[64];

	assert_int_equal(faas_mapping_create(flow.rt,
					     FAAS_MAPPING(.source = "stream:s", .function = "f"),
					     uuid, &err), 0);
	assert_int_equal(faas_mapping_update(flow.rt, uuid,
					     FAAS_MAPPING(.max_retries = 3, .max_age_s = 60), &err),
			 0);
	snprintf(text, sizeof(text), "{\"UUID\":\"%s\"}", uuid);
	perform("GetEventSourceMapping", text);
	has("\"MaximumRetryAttempts\":3");
	has("\"MaximumRecordAgeInSeconds\":60");
	has("\"StartingPosition\":\"TRIM_HORIZON\"");
}

TEST(what_a_mapping_of_a_stream_cannot_be_is_refused)
{
	refuses("\"EventSourceArn\":\"" ARN "\"", INVALID,
		ERROR "null at 'startingPosition'" CONSTRAINT "not be null.");
	refuses("\"EventSourceArn\":\"" ARN "\",\"StartingPosition\":\"NOW\"", VALIDATION,
		ERROR "'NOW' at 'startingPosition'" CONSTRAINT
		      "satisfy enum value set: [LATEST, AT_TIMESTAMP, TRIM_HORIZON]");
	refuses("\"EventSourceArn\":\"" ARN "\",\"StartingPosition\":\"AT_TIMESTAMP\"", INVALID,
		"AT_TIMESTAMP needs StartingPositionTimestamp, seconds of Unix time");
	refuses(OF_S("\"DestinationConfig\":{\"OnFailure\":{\"Destination\":\"queue:q.fifo\"}}"),
		INVALID,
		"'queue:q.fifo' is a FIFO queue, and what is sent there has no group: expected a "
		"queue that is none");
	refuses(OF_S("\"StartingPositionTimestamp\":1"), INVALID,
		"StartingPositionTimestamp is for AT_TIMESTAMP only");
	refuses(OF_S("\"ParallelizationFactor\":11"), VALIDATION,
		ERROR "'11' at 'parallelizationFactor'" CONSTRAINT
		      "have value less than or equal to 10");
	refuses(OF_S("\"MaximumRetryAttempts\":-2"), VALIDATION,
		ERROR "'-2' at 'maximumRetryAttempts'" CONSTRAINT
		      "have value greater than or equal to -1");
	refuses(OF_S("\"MaximumRecordAgeInSeconds\":59"), INVALID,
		"MaximumRecordAgeInSeconds is 59: must be -1, or from 60 to 604800");
	refuses(OF_S("\"BatchSize\":10001"), VALIDATION,
		ERROR "'10001' at 'batchSize'" CONSTRAINT "have value less than or equal to 10000");
	refuses(OF_S("\"MaximumBatchingWindowInSeconds\":301"), VALIDATION,
		ERROR "'301' at 'maximumBatchingWindowInSeconds'" CONSTRAINT
		      "have value less than or equal to 300");
	refuses(OF_S("\"ParallelizationFactor\":0"), VALIDATION,
		ERROR "'0' at 'parallelizationFactor'" CONSTRAINT
		      "have value greater than or equal to 1");
	refuses(OF_S("\"MaximumRetryAttempts\":10001"), VALIDATION,
		ERROR "'10001' at 'maximumRetryAttempts'" CONSTRAINT
		      "have value less than or equal to 10000");
	refuses(OF_S("\"MaximumRecordAgeInSeconds\":604801"), VALIDATION,
		ERROR "'604801' at 'maximumRecordAgeInSeconds'" CONSTRAINT
		      "have value less than or equal to 604800");
	refuses(OF_S("\"TumblingWindowInSeconds\":901"), VALIDATION,
		ERROR "'901' at 'tumblingWindowInSeconds'" CONSTRAINT
		      "have value less than or equal to 900");
	refuses(OF_S("\"ScalingConfig\":{\"MaximumConcurrency\":2}"), INVALID,
		"stream:s does nothing with 'ScalingConfig'");
	refuses(OF_S("\"DestinationConfig\":{\"OnSuccess\":{\"Destination\":\"queue:q\"}}"),
		INVALID, "Unsupported OnSuccess destination for an event source mapping");
	refuses("\"EventSourceArn\":\"queue:q\",\"ParallelizationFactor\":2", INVALID,
		"queue:q does nothing with 'ParallelizationFactor'");
	refuses("\"EventSourceArn\":\"arn:aws:kinesis:local-1:000000000000:stream/no\","
		"\"StartingPosition\":\"LATEST\"", INVALID,
		"Stream not found: arn:aws:kinesis:local-1:000000000000:stream/no");
}

static void put_refused(const struct faas_message *message, const char *text)
{
	assert_true(faas_put(flow.rt, "stream:s", message, NULL, &err) < 0);
	assert_string_equal(err.message, text);
}

TEST(what_is_no_record_is_refused)
{
	static char large[(1 << 20) + 1], key[258];
	struct faas_bytes body = { "x", 1 };

	memset(key, 'k', 257);
	put_refused(FAAS_MESSAGE(.body = body),
		    "a record needs a partition key, group, of 1 to 256 characters");
	put_refused(FAAS_MESSAGE(.body = body, .group = key),
		    "a record needs a partition key, group, of 1 to 256 characters");
	assert_int_equal(faas_put(flow.rt, "stream:s", FAAS_MESSAGE(.body = body, .group = key + 1),
				  NULL, &err), 0);
	put_refused(FAAS_MESSAGE(.body = body, .group = "k", .delay_s = 1),
		    "a record has a body and a group, and no delay_s, attributes or dedup");
	put_refused(FAAS_MESSAGE(.body = { large, sizeof(large) }, .group = "k"),
		    "a record has at most 1048576 bytes");
	assert_int_equal(faas_put(flow.rt, "stream:s",
				  FAAS_MESSAGE(.body = { large, 1 << 20 }, .group = "k"), NULL,
				  &err), 0);
	assert_int_equal(faas_put(flow.rt, "stream:no",
				  FAAS_MESSAGE(.body = body, .group = "k"), NULL, &err),
			 FAAS_ENOTFOUND);
	assert_string_equal(err.message, "Stream no under account 000000000000 not found.");
}

TEST(a_stream_keeps_its_shards_and_what_it_cannot_be_is_refused)
{
	assert_int_equal(faas_resource_create(flow.rt, "stream:s", "{\"ShardCount\":3}", &err),
			 FAAS_EEXIST);
	assert_string_equal(err.message, "stream:s is there and has 2 shards, which stay");
	assert_int_equal(faas_resource_create(flow.rt, "stream:t", "{\"ShardCount\":1001}", &err),
			 FAAS_EINVAL);
	assert_string_equal(err.message, "ShardCount must be a number from 1 to 1000");
	assert_int_equal(faas_resource_create(flow.rt, "stream:t", "{\"Mode\":1}", &err),
			 FAAS_EINVAL);
	assert_string_equal(err.message, "'Mode' is nothing that a stream has here: expected "
					 "ShardCount or RetentionPeriodHours");
	assert_int_equal(faas_resource_delete(flow.rt, "stream:s", &err), 0);
	assert_int_equal(faas_resource_delete(flow.rt, "stream:s", &err), FAAS_ENOTFOUND);
	assert_int_equal(faas_resource_create(flow.rt, "stream:s", "{\"ShardCount\":3}", &err), 0);
}

#define HERE(name) cmocka_unit_test_setup_teardown(name, open_it, control_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HERE(a_mapping_shows_what_it_was_told_and_what_goes_without_saying),
		HERE(a_change_counts_for_streams_as_they_mean_it),
		HERE(what_a_mapping_of_a_stream_cannot_be_is_refused),
		HERE(what_is_no_record_is_refused),
		HERE(a_stream_keeps_its_shards_and_what_it_cannot_be_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
