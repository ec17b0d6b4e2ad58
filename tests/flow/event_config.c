/* SPDX-License-Identifier: MIT */
/* What becomes of asynchronous events, as operations of the Lambda API. */
#include "support/test.h"

#include "support/control.h"

#define ARN "arn:aws:lambda:local-1:000000000000:function:f"
#define INVALID "InvalidParameterValueException"
#define NOT_FOUND "ResourceNotFoundException"
#define NONE(qualifier) "The function " ARN ":" qualifier " doesn't have an EventInvokeConfig"

TEST(a_configuration_is_put_shown_and_deleted)
{
	perform("PutFunctionEventInvokeConfig",
		"{\"FunctionName\":\"f\",\"MaximumRetryAttempts\":1,"
		"\"MaximumEventAgeInSeconds\":60,\"DestinationConfig\":{\"OnSuccess\":"
		"{\"Destination\":\"queue:done\"},\"OnFailure\":{\"Destination\":"
		"\"arn:aws:sqs:local-1:000000000000:dead\"}}}");
	has("\"FunctionArn\":\"" ARN ":$LATEST\",\"MaximumRetryAttempts\":1,"
	    "\"MaximumEventAgeInSeconds\":60,\"DestinationConfig\":{\"OnSuccess\":"
	    "{\"Destination\":\"queue:done\"},\"OnFailure\":{\"Destination\":"
	    "\"arn:aws:sqs:local-1:000000000000:dead\"}}}");
	has("{\"LastModified\":17");
	perform("GetFunctionEventInvokeConfig", "{\"FunctionName\":\"f\"}");
	has("\"MaximumRetryAttempts\":1");
	assert_string_equal(perform("DeleteFunctionEventInvokeConfig", "{\"FunctionName\":\"f\"}"),
			    "{}");
	refused("GetFunctionEventInvokeConfig", "{\"FunctionName\":\"f\"}", NOT_FOUND,
		NONE("$LATEST"));
	refused("DeleteFunctionEventInvokeConfig", "{\"FunctionName\":\"f\"}", NOT_FOUND,
		NONE("$LATEST"));
}

TEST(a_put_replaces_and_an_update_merges)
{
	perform("PutFunctionEventInvokeConfig",
		"{\"FunctionName\":\"f\",\"MaximumRetryAttempts\":1,"
		"\"DestinationConfig\":{\"OnFailure\":{\"Destination\":\"queue:dead\"}}}");
	perform("UpdateFunctionEventInvokeConfig",
		"{\"FunctionName\":\"f\",\"MaximumEventAgeInSeconds\":90,"
		"\"DestinationConfig\":{\"OnSuccess\":{\"Destination\":\"queue:done\"}}}");
	has("\"MaximumRetryAttempts\":1,\"MaximumEventAgeInSeconds\":90,\"DestinationConfig\":"
	    "{\"OnSuccess\":{\"Destination\":\"queue:done\"},\"OnFailure\":{\"Destination\":"
	    "\"queue:dead\"}}");
	perform("PutFunctionEventInvokeConfig",
		"{\"FunctionName\":\"f\",\"MaximumEventAgeInSeconds\":70}");
	lacks("MaximumRetryAttempts");
	lacks("queue:dead");
	perform("UpdateFunctionEventInvokeConfig", "{\"FunctionName\":\"f\",\"DestinationConfig\":"
						   "{\"OnFailure\":{}}}");
	has("\"OnFailure\":{}");
}

TEST(an_update_needs_something_to_update)
{
	refused("UpdateFunctionEventInvokeConfig",
		"{\"FunctionName\":\"f\",\"MaximumRetryAttempts\":1}", NOT_FOUND, NONE("$LATEST"));
}

TEST(what_says_nothing_or_cannot_be_is_refused_in_the_words_of_lambda)
{
	refused("PutFunctionEventInvokeConfig", "{\"FunctionName\":\"f\"}", INVALID,
		"You must specify at least one of error handling or destination setting.");
	refused("PutFunctionEventInvokeConfig",
		"{\"FunctionName\":\"f\",\"DestinationConfig\":{\"OnFailure\":"
		"{\"Destination\":\"" ARN ":live\"}}}",
		INVALID, "You can't specify the function as a destination for itself.");
	refused("PutFunctionEventInvokeConfig",
		"{\"FunctionName\":\"f\",\"Qualifier\":\"7\",\"MaximumRetryAttempts\":1}",
		NOT_FOUND, "The function doesn't exist.");
	refused("PutFunctionEventInvokeConfig",
		"{\"FunctionName\":\"f\",\"MaximumRetryAttempts\":3}", "ValidationException",
		"1 validation error detected: Value '3' at 'maximumRetryAttempts' failed to "
		"satisfy constraint: Member must have value less than or equal to 2");
	refused("PutFunctionEventInvokeConfig",
		"{\"FunctionName\":\"f\",\"DestinationConfig\":{\"OnFailure\":{\"Destination\":"
		"\"nowhere:x\"}}}",
		INVALID,
		"'nowhere:x' is no address: expected queue:NAME, topic:NAME, bus:NAME, "
		"dir:/PATH, function:NAME[:QUALIFIER] or callback:NAME");
	refused("PutFunctionEventInvokeConfig",
		"{\"FunctionName\":\"f\",\"DestinationConfig\":{\"OnFailure\":\"queue:dead\"}}",
		"SerializationException",
		"OnFailure of DestinationConfig must be an object");
}

#define FIFO(name) \
	"'queue:" name ".fifo' is a FIFO queue, and what is sent there has no group: expected a " \
	"queue that is none"

TEST(a_fifo_queue_is_no_destination_and_no_dead_letter_queue)
{
	refused("PutFunctionEventInvokeConfig",
		"{\"FunctionName\":\"f\",\"DestinationConfig\":{\"OnSuccess\":{\"Destination\":"
		"\"arn:aws:sqs:local-1:000000000000:done.fifo\"}}}", INVALID, FIFO("done"));
	refused("UpdateFunctionConfiguration",
		"{\"FunctionName\":\"f\",\"DeadLetterConfig\":{\"TargetArn\":"
		"\"arn:aws:sqs:local-1:000000000000:dead.fifo\"}}", INVALID, FIFO("dead"));
	assert_int_equal(faas_function_update(flow.rt,
					      FAAS_FUNCTION(.name = "f",
							    .on_failure = "queue:bad.fifo"),
					      &err), FAAS_EINVAL);
	assert_string_equal(err.message, FIFO("bad"));
}

TEST(each_qualifier_has_its_own_and_it_goes_with_it)
{
	perform("PublishVersion", "{\"FunctionName\":\"f\"}");
	perform("CreateAlias", "{\"FunctionName\":\"f\",\"Name\":\"live\",\"FunctionVersion\":"
			       "\"$LATEST\"}");
	perform("PutFunctionEventInvokeConfig",
		"{\"FunctionName\":\"f:1\",\"MaximumRetryAttempts\":0}");
	perform("PutFunctionEventInvokeConfig",
		"{\"FunctionName\":\"f\",\"Qualifier\":\"live\",\"MaximumRetryAttempts\":1}");
	refused("GetFunctionEventInvokeConfig", "{\"FunctionName\":\"f\"}", NOT_FOUND,
		NONE("$LATEST"));
	perform("ListFunctionEventInvokeConfigs", "{\"FunctionName\":\"f\",\"MaxItems\":1}");
	has("{\"NextMarker\":\"1\",\"FunctionEventInvokeConfigs\":[{");
	has("\"FunctionArn\":\"" ARN ":1\",\"MaximumRetryAttempts\":0");
	lacks(ARN ":live");
	perform("DeleteAlias", "{\"FunctionName\":\"f\",\"Name\":\"live\"}");
	perform("DeleteFunction", "{\"FunctionName\":\"f\",\"Qualifier\":\"1\"}");
	perform("ListFunctionEventInvokeConfigs", "{\"FunctionName\":\"f\"}");
	has("\"FunctionEventInvokeConfigs\":[]");
}

TEST(what_the_typed_doors_say_is_the_configuration_of_latest)
{
	assert_int_equal(faas_function_update(flow.rt,
					      FAAS_FUNCTION(.name = "f", .max_retries = FAAS_NONE,
							    .on_failure = "queue:dead"),
					      NULL),
			 0);
	perform("GetFunctionEventInvokeConfig", "{\"FunctionName\":\"f\"}");
	has("\"MaximumRetryAttempts\":0,\"DestinationConfig\":{\"OnSuccess\":{},\"OnFailure\":"
	    "{\"Destination\":\"queue:dead\"}}");
	assert_int_equal(faas_function_update(flow.rt, FAAS_FUNCTION(.name = "f", .max_age_s = 60),
					      NULL),
			 0);
	perform("GetFunctionEventInvokeConfig", "{\"FunctionName\":\"f\"}");
	has("\"MaximumRetryAttempts\":0,\"MaximumEventAgeInSeconds\":60");
	assert_int_equal(faas_function_update(flow.rt,
					      FAAS_FUNCTION(.name = "f",
							    .on_failure = "function:f"),
					      &err),
			 FAAS_EINVAL);
}

TEST(a_dead_letter_queue_is_of_the_version)
{
	perform("UpdateFunctionConfiguration",
		"{\"FunctionName\":\"f\",\"DeadLetterConfig\":{\"TargetArn\":\"queue:dead\"}}");
	has("\"DeadLetterConfig\":{\"TargetArn\":\"queue:dead\"}");
	perform("PublishVersion", "{\"FunctionName\":\"f\"}");
	perform("UpdateFunctionConfiguration", "{\"FunctionName\":\"f\",\"DeadLetterConfig\":{}}");
	lacks("DeadLetterConfig");
	perform("GetFunctionConfiguration", "{\"FunctionName\":\"f:1\"}");
	has("\"DeadLetterConfig\":{\"TargetArn\":\"queue:dead\"}");
	refused("UpdateFunctionConfiguration",
		"{\"FunctionName\":\"f\",\"DeadLetterConfig\":{\"TargetArn\":7}}",
		"SerializationException", "TargetArn of DeadLetterConfig must be a string");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, control_open, control_close)
	const struct CMUnitTest tests[] = {
		CASE(a_configuration_is_put_shown_and_deleted),
		CASE(a_put_replaces_and_an_update_merges),
		CASE(an_update_needs_something_to_update),
		CASE(what_says_nothing_or_cannot_be_is_refused_in_the_words_of_lambda),
		CASE(a_fifo_queue_is_no_destination_and_no_dead_letter_queue),
		CASE(each_qualifier_has_its_own_and_it_goes_with_it),
		CASE(what_the_typed_doors_say_is_the_configuration_of_latest),
		CASE(a_dead_letter_queue_is_of_the_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
