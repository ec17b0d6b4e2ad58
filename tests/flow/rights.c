/* SPDX-License-Identifier: MIT */
/* What sources need once there are roles: the function's role, or the function's own policy. */
#include "support/test.h"

#include <stdio.h>
#include <unistd.h>

#include <faas/source.h>

#include "support/control.h"
#include "support/stores.h"

#define ARN(service, rest) "arn:aws:" service ":local-1:000000000000:" rest
#define ROLE "arn:aws:iam::000000000000:role/r"
#define TRUST "{\"RoleName\":\"r\"," TRUST_OF_ALL "}"
#define TRUST_OF_ALL \
	"\"AssumeRolePolicyDocument\":\"{\\\"Version\\\":\\\"2012-10-17\\\"," \
	"\\\"Statement\\\":[{\\\"Effect\\\":\\\"Allow\\\",\\\"Principal\\\":{\\\"Service\\\":" \
	"\\\"lambda.amazonaws.com\\\"},\\\"Action\\\":\\\"sts:AssumeRole\\\"}]}\""
#define Q(text) "\\\"" text "\\\""
#define LOGS Q("logs:*")
#define ALLOW(actions, resource) \
	"{\"RoleName\":\"r\",\"PolicyName\":\"p\",\"PolicyDocument\":\"{\\\"Version\\\":" \
	"\\\"2012-10-17\\\",\\\"Statement\\\":[{\\\"Effect\\\":\\\"Allow\\\",\\\"Action\\\":[" \
	actions "],\\\"Resource\\\":\\\"" resource "\\\"},{\\\"Effect\\\":\\\"Allow\\\"," \
	"\\\"Action\\\":" LOGS ",\\\"Resource\\\":\\\"*\\\"}]}\"}"
#define SQS Q("sqs:ReceiveMessage") "," Q("sqs:DeleteMessage") "," Q("sqs:GetQueueAttributes")
#define PERMIT(service, arn) \
	"{\"FunctionName\":\"log\",\"StatementId\":\"" service "\",\"Action\":" \
	"\"lambda:InvokeFunction\",\"Principal\":\"" service ".amazonaws.com\",\"SourceArn\":\"" \
	arn "\"}"
#define ATTACH(name) \
	"{\"RoleName\":\"r\",\"PolicyArn\":\"arn:aws:iam::aws:policy/service-role/" name "\"}"

static int open_as(bool virtual_time)
{
	control_open_with(NULL, virtual_time);
	perform("CreateRole", TRUST);
	perform("PutRolePolicy", ALLOW(Q("none:None"), "*"));
	flow_function(&flow, &(struct faas_function_config){
				     .name = "log", .handler = "echo.log", .role = ROLE });
	return 0;
}

static int open_it(void **state)
{
	(void)state;
	return open_as(true);
}

static int open_in_real_time(void **state)
{
	(void)state;
	return open_as(false);
}

static int map(const char *source, const char *dead_letter)
{
	return faas_mapping_create(flow.rt,
				   FAAS_MAPPING(.source = source, .function = "log",
						.dead_letter = dead_letter),
				   NULL, &err);
}

static void is_refused(const char *source, const char *message)
{
	assert_int_equal(map(source, NULL), FAAS_EINVAL);
	assert_string_equal(err.type, "InvalidParameterValueException");
	assert_string_equal(err.message, message);
}

/* ---- polled ------------------------------------------------------------------ */

TEST(a_queue_is_mapped_when_the_role_may_do_all_three)
{
#define CANNOT(action) \
	"The provided execution role does not have permissions to call " action " on SQS"
	is_refused("queue:q", CANNOT("ReceiveMessage"));
	perform("PutRolePolicy", ALLOW(Q("sqs:ReceiveMessage"), ARN("sqs", "q")));
	is_refused("queue:q", CANNOT("DeleteMessage"));
	perform("PutRolePolicy",
		ALLOW(Q("sqs:ReceiveMessage") "," Q("sqs:DeleteMessage"), ARN("sqs", "q")));
	is_refused("queue:q", CANNOT("GetQueueAttributes"));
	perform("PutRolePolicy", ALLOW(SQS, ARN("sqs", "q")));
	assert_int_equal(map("queue:q", NULL), 0);
	is_refused("queue:other", CANNOT("ReceiveMessage"));
}

TEST(streams_and_tables_are_mapped_with_the_managed_policies)
{
	assert_int_equal(faas_resource_create(flow.rt, "stream:s", NULL, &err), 0);
	assert_int_equal(faas_resource_create(
				 flow.rt, "table:t",
				 "{\"KeySchema\":[{\"AttributeName\":\"Id\",\"KeyType\":\"HASH\"}],"
				 "\"AttributeDefinitions\":[{\"AttributeName\":\"Id\","
				 "\"AttributeType\":\"S\"}],\"StreamSpecification\":"
				 "{\"StreamEnabled\":true,\"StreamViewType\":\"NEW_IMAGE\"}}",
				 &err),
			 0);
	is_refused("stream:s",
		   "Cannot access stream " ARN("kinesis", "stream/s") ". Please ensure the role "
		   "can perform the GetRecords, GetShardIterator, DescribeStream, and ListStreams "
		   "Actions on your stream in IAM.");
	assert_int_equal(map("table:t", NULL), FAAS_EINVAL);
	assert_memory_equal(err.message, "Cannot access stream " ARN("dynamodb", "table/t/"), 60);
	perform("AttachRolePolicy", ATTACH("AWSLambdaKinesisExecutionRole"));
	assert_int_equal(map("stream:s", NULL), 0);
	assert_int_equal(map("table:t", NULL), FAAS_EINVAL);
	perform("AttachRolePolicy", ATTACH("AWSLambdaDynamoDBExecutionRole"));
	assert_int_equal(map("table:t", NULL), 0);
	perform("AttachRolePolicy", ATTACH("AWSLambdaSQSQueueExecutionRole"));
	assert_int_equal(map("queue:q", NULL), 0);
}

static uint64_t lying(const char *queue)
{
	struct faas_queue_stats stats = { .size = sizeof(stats) };

	assert_int_equal(faas_queue_stats(flow.rt, queue, &stats, &err), 0);
	return stats.visible;
}

/* The loop has heard of what was asked of it before. */
static void settle(void)
{
	for (int i = 0; i < 3; i++)
		flow_call_async(&flow, "f", "null");
}

TEST(a_role_that_loses_the_right_stops_its_mapping_until_it_is_back)
{
	perform("PutRolePolicy", ALLOW(SQS, "*"));
	assert_int_equal(map("queue:q", NULL), 0);
	assert_int_equal(faas_send(flow.rt, "queue:q", (struct faas_bytes){ "first", 5 }, &err), 0);
	flow_await_log(&flow, "first");
	perform("PutRolePolicy", ALLOW(Q("sqs:ReceiveMessage"), "*"));
	assert_int_equal(faas_send(flow.rt, "queue:q", (struct faas_bytes){ "second", 6 }, &err),
			 0);
	settle();
	assert_int_equal(lying("queue:q"), 1);
	assert_int_equal(flow_log_count(&flow, "second"), 0);
	perform("PutRolePolicy", ALLOW(SQS, "*"));
	flow_await_log(&flow, "second");
}

/* ---- pushed -------------------------------------------------------------------- */

static char folder[64], source[80], bucket[100];

static void permit_folder(const char *arn)
{
	char request[400];

	snprintf(request, sizeof(request), PERMIT("s3", "%s"), arn);
	perform("AddPermission", request);
}

static void put_file(const char *name)
{
	char path[120];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fclose(file);
}

static void drop_file(const char *name)
{
	char path[120];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(unlink(path), 0);
}

TEST(a_directory_needs_the_permission_of_the_function)
{
	stores_folder(folder);
	snprintf(source, sizeof(source), "dir:%s", folder);
	snprintf(bucket, sizeof(bucket), "arn:aws:s3:::%s", folder);
	is_refused(source, "Unable to validate the following destination configurations: Not "
			   "authorized to invoke function [log]");
	permit_folder("arn:aws:s3:::/another");
	assert_int_equal(map(source, NULL), FAAS_EINVAL);
	perform("RemovePermission", "{\"FunctionName\":\"log\",\"StatementId\":\"s3\"}");
	permit_folder(bucket);
	assert_int_equal(map(source, NULL), 0);
	put_file("first");
	flow_await_log(&flow, "\"key\":\"first\"");
	perform("RemovePermission", "{\"FunctionName\":\"log\",\"StatementId\":\"s3\"}");
	put_file("second");
	settle();
	assert_int_equal(flow_log_count(&flow, "\"key\":\"second\""), 0);
	permit_folder(bucket);
	flow_await_log(&flow, "\"key\":\"second\"");
	drop_file("first");
	drop_file("second");
	assert_int_equal(rmdir(folder), 0);
}

TEST(what_a_topic_may_not_invoke_gets_a_dead_letter)
{
	struct faas_message *letter = NULL;

	assert_int_equal(map("topic:t", "queue:dead"), 0);
	assert_int_equal(faas_send(flow.rt, "topic:t", (struct faas_bytes){ "first", 5 }, &err), 0);
	while (!letter) {
		usleep(1000);
		assert_int_equal(faas_take(flow.rt, "queue:dead", 0, &letter, &err), 0);
	}
	assert_non_null(strstr(letter->attributes,
			       "User: sns.amazonaws.com is not authorized to perform: "
			       "lambda:InvokeFunction on resource: " ARN("lambda", "function:log")
			       " because no resource-based policy allows the action"));
	faas_free(letter);
	assert_int_equal(flow_log_count(&flow, "first"), 0);
	perform("AddPermission", PERMIT("sns", ARN("sns", "t")));
	assert_int_equal(faas_send(flow.rt, "topic:t", (struct faas_bytes){ "second", 6 }, &err),
			 0);
	flow_await_log(&flow, "second");
}

TEST(a_bus_invokes_as_its_rule)
{
	static const char entry[] =
		"{\"Source\":\"me\",\"DetailType\":\"d\",\"Detail\":{\"a\":\"first\"}}";

	perform("AddPermission", PERMIT("events", ARN("events", "rule/b/*")));
	assert_int_equal(map("bus:b", "queue:dead"), 0);
	assert_int_equal(faas_send(flow.rt, "bus:b", (struct faas_bytes){ entry, strlen(entry) },
				   &err),
			 0);
	flow_await_log(&flow, "\"a\":\"first\"");
	assert_int_equal(lying("queue:dead"), 0);
}

TEST(a_schedule_invokes_as_either_of_its_services_or_leaves_a_dead_letter)
{
	assert_int_equal(map("schedule:rate(1 minute)", "queue:dead"), 0);
	while (!lying("queue:dead"))
		usleep(1000);
	assert_int_equal(flow_log_count(&flow, "Scheduled Event"), 0);
	perform("AddPermission", PERMIT("scheduler", ARN("events", "rule/*")));
	flow_advance(&flow, 60000);
	flow_await_log(&flow, "Scheduled Event");
	assert_int_equal(lying("queue:dead"), 1);
}

/* ---- told of events that end --------------------------------------------------- */

TEST(a_dead_letter_queue_needs_a_role_that_may_send_there)
{
	static const struct {
		const char *arn, *refusal, *allow;
	} rows[] = {
		{ ARN("sqs", "dead"),
		  "The provided execution role does not have permissions to call SendMessage on "
		  "SQS",
		  ALLOW(Q("sqs:SendMessage"), ARN("sqs", "dead")) },
		{ ARN("sns", "dead"),
		  "The provided execution role does not have permissions to call Publish on SNS",
		  ALLOW(Q("sns:Publish"), ARN("sns", "dead")) },
	};
	char request[200];

	for (size_t i = 0; i < 2; i++) {
		snprintf(request, sizeof(request),
			 "{\"FunctionName\":\"log\",\"DeadLetterConfig\":{\"TargetArn\":\"%s\"}}",
			 rows[i].arn);
		perform("PutRolePolicy", ALLOW(Q("none:None"), "*"));
		refused("UpdateFunctionConfiguration", request, "InvalidParameterValueException",
			rows[i].refusal);
		assert_int_equal(faas_function_create(
					 flow.rt,
					 FAAS_FUNCTION(.name = "other", .role = ROLE,
						       .code = TEST_PLUGINS "/echo.so",
						       .handler = "echo.log",
						       .dead_letter = rows[i].arn),
					 &err),
				 FAAS_EINVAL);
		assert_string_equal(err.message, rows[i].refusal);
		perform("PutRolePolicy", rows[i].allow);
		perform("UpdateFunctionConfiguration", request);
	}
}

TEST(a_dead_letter_that_is_no_queue_is_refused_by_its_own_name)
{
	perform("PutRolePolicy", ALLOW(Q("none:None"), "*"));
	assert_int_equal(faas_function_create(flow.rt,
					      FAAS_FUNCTION(.name = "other", .role = ROLE,
							    .code = TEST_PLUGINS "/echo.so",
							    .handler = "echo.log",
							    .dead_letter = "dir:/tmp/told"),
					      &err),
			 FAAS_EINVAL);
	assert_string_equal(err.message,
			    "The function's execution role does not have permissions to call "
			    "PutObject on arn:aws:s3:::/tmp/told/*");
}

/* Nor does it get a role that may not. */
TEST(a_role_that_may_not_send_dead_letters_takes_no_others_place)
{
	perform("CreateRole", "{\"RoleName\":\"weak\"," TRUST_OF_ALL "}");
	perform("PutRolePolicy", ALLOW(Q("sqs:SendMessage"), ARN("sqs", "dead")));
	perform("UpdateFunctionConfiguration", "{\"FunctionName\":\"log\",\"DeadLetterConfig\":"
					       "{\"TargetArn\":\"" ARN("sqs", "dead") "\"}}");
	refused("UpdateFunctionConfiguration",
		"{\"FunctionName\":\"log\",\"Role\":\"arn:aws:iam::000000000000:role/weak\"}",
		"InvalidParameterValueException",
		"The provided execution role does not have permissions to call SendMessage on SQS");
	perform("UpdateFunctionConfiguration",
		"{\"FunctionName\":\"log\",\"DeadLetterConfig\":{\"TargetArn\":\"\"},"
		"\"Role\":\"arn:aws:iam::000000000000:role/weak\"}");
}

TEST(a_destination_needs_a_role_that_may_send_there)
{
	static const struct {
		const char *to, *call, *arn, *allow;
	} rows[] = {
#define ROW(to, service, call, arn) { to, call, arn, ALLOW(Q(service ":" call), arn) }
		ROW("queue:q", "sqs", "SendMessage", ARN("sqs", "q")),
		ROW("topic:t", "sns", "Publish", ARN("sns", "t")),
		ROW("bus:b", "events", "PutEvents", ARN("events", "event-bus/b")),
		ROW("function:g:live", "lambda", "InvokeFunction",
		    ARN("lambda", "function:g:live")),
		ROW("dir:/tmp/told", "s3", "PutObject", "arn:aws:s3:::/tmp/told/*"),
#undef ROW
	};
	char request[200], refusal[200];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(request, sizeof(request),
			 "{\"FunctionName\":\"log\",\"DestinationConfig\":{\"OnFailure\":"
			 "{\"Destination\":\"%s\"}}}",
			 rows[i].to);
		snprintf(refusal, sizeof(refusal),
			 "The function's execution role does not have permissions to call %s on %s",
			 rows[i].call, rows[i].arn);
		perform("PutRolePolicy", ALLOW(Q("none:None"), "*"));
		refused("PutFunctionEventInvokeConfig", request, "InvalidParameterValueException",
			refusal);
		perform("PutRolePolicy", rows[i].allow);
		perform("PutFunctionEventInvokeConfig", request);
	}
	perform("PutRolePolicy", ALLOW(Q("none:None"), "*"));
	perform("PutFunctionEventInvokeConfig",
		"{\"FunctionName\":\"log\",\"DestinationConfig\":{\"OnFailure\":"
		"{\"Destination\":\"callback:mine\"}}}"); /* which is the host's own */
}

/* ---- told of records that are given up ---------------------------------------- */

#define KINESIS Q("kinesis:*")

static int map_stream(const char *on_failure)
{
	return faas_mapping_create(flow.rt,
				   FAAS_MAPPING(.source = "stream:s", .function = "fails",
						.max_retries = FAAS_NONE,
						.on_failure = on_failure),
				   NULL, &err);
}

static void make_stream(void)
{
	assert_int_equal(faas_resource_create(flow.rt, "stream:s", NULL, &err), 0);
	flow_function(&flow, &(struct faas_function_config){ .name = "fails",
							     .handler = "echo.fail",
							     .role = ROLE });
}

/* It is told behind the line of the log. */
static void is_counted_once(const char *metric)
{
	for (int i = 0; i < 10000 && flow_metric(&flow, metric) < 1; i++)
		usleep(1000);
	assert_true(flow_metric(&flow, metric) == 1);
}

TEST(a_destination_of_a_mapping_needs_a_role_that_may_send_there)
{
	static const struct {
		const char *to, *refusal, *allow;
	} rows[] = {
		{ "queue:told",
		  "The provided execution role does not have permissions to call SendMessage on "
		  "SQS",
		  ALLOW(KINESIS "," Q("sqs:SendMessage"), "*") },
		{ "topic:told",
		  "The provided execution role does not have permissions to call Publish on SNS",
		  ALLOW(KINESIS "," Q("sns:Publish"), "*") },
		{ "dir:/tmp/told",
		  "The function's execution role does not have permissions to call PutObject on "
		  "arn:aws:s3:::/tmp/told/*",
		  ALLOW(KINESIS "," Q("s3:PutObject"), "*") },
	};
	char request[200], uuid[64];

	make_stream();
	perform("PutRolePolicy", ALLOW(KINESIS, "*"));
	assert_int_equal(map_stream(NULL), 0);
	perform("ListEventSourceMappings", "{\"FunctionName\":\"fails\"}");
	member(uuid, "UUID");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(request, sizeof(request),
			 "{\"UUID\":\"%s\",\"DestinationConfig\":{\"OnFailure\":{"
			 "\"Destination\":\"%s\"}}}",
			 uuid, rows[i].to);
		perform("PutRolePolicy", ALLOW(KINESIS, "*"));
		refused("UpdateEventSourceMapping", request, "InvalidParameterValueException",
			rows[i].refusal);
		assert_int_equal(map_stream(rows[i].to), FAAS_EINVAL);
		assert_string_equal(err.message, rows[i].refusal);
		perform("PutRolePolicy", rows[i].allow);
		perform("UpdateEventSourceMapping", request);
	}
}

static void put_record(void)
{
	assert_int_equal(faas_put(flow.rt, "stream:s",
				  FAAS_MESSAGE(.body = { "r", 1 }, .group = "k"), NULL, &err),
			 0);
}

TEST(a_mapping_that_may_not_tell_any_more_tells_nobody_and_says_so)
{
	make_stream();
	perform("PutRolePolicy", ALLOW(KINESIS "," Q("sqs:SendMessage"), "*"));
	assert_int_equal(map_stream("queue:told"), 0);
	put_record();
	while (!lying("queue:told"))
		usleep(1000);
	perform("PutRolePolicy", ALLOW(KINESIS, "*"));
	put_record();
	flow_await_log(&flow, "DestinationDeliveryFailures: User: arn:aws:sts::000000000000:"
			      "assumed-role/r/fails is not authorized to perform: "
			      "sqs:SendMessage on resource: " ARN("sqs", "told"));
	is_counted_once("DestinationDeliveryFailures");
	perform("PutRolePolicy", ALLOW(KINESIS "," Q("sqs:SendMessage"), "*"));
	put_record(); /* behind the other, which is in nobody's way */
	while (lying("queue:told") < 2)
		usleep(1000);
	assert_int_equal(lying("queue:told"), 2);
}

/* ---- events that end ------------------------------------------------------------ */

static void fail_once(void)
{
	assert_int_equal(faas_invoke(flow.rt,
				     FAAS_REQUEST(.function = "fails", .payload = { "1", 1 },
						  .mode = FAAS_EVENT),
				     NULL, &err),
			 0);
}

TEST(who_may_not_send_any_more_sends_nothing_and_says_so)
{
	perform("PutRolePolicy", ALLOW(Q("sqs:SendMessage"), "*"));
	flow_function(&flow, &(struct faas_function_config){ .name = "fails",
							     .handler = "echo.fail",
							     .role = ROLE,
							     .max_retries = FAAS_NONE,
							     .on_failure = "queue:told",
							     .dead_letter = "queue:dead" });
	fail_once();
	while (!lying("queue:told") || !lying("queue:dead"))
		usleep(1000);
	perform("PutRolePolicy", ALLOW(Q("sqs:SendMessage"), ARN("sqs", "dead")));
	fail_once();
	while (lying("queue:dead") < 2)
		usleep(1000);
	flow_await_log(&flow, "DestinationDeliveryFailures: User: arn:aws:sts::000000000000:"
			      "assumed-role/r/fails is not authorized to perform: "
			      "sqs:SendMessage on resource: " ARN("sqs", "told")
			      " because no identity-based policy allows the sqs:SendMessage "
			      "action");
	assert_int_equal(lying("queue:told"), 1);
	is_counted_once("DestinationDeliveryFailures");
	perform("PutRolePolicy", ALLOW(Q("sqs:SendMessage"), ARN("sqs", "told")));
	fail_once();
	while (lying("queue:told") < 2)
		usleep(1000);
	flow_await_log(&flow, "DeadLetterErrors: User: ");
	assert_int_equal(lying("queue:dead"), 2);
	is_counted_once("DeadLetterErrors");
}

TEST(who_logs_as_json_is_told_of_it_as_json)
{
	perform("PutRolePolicy", ALLOW(Q("sqs:SendMessage"), "*"));
	flow_function(&flow, &(struct faas_function_config){ .name = "fails",
							     .handler = "echo.fail",
							     .role = ROLE,
							     .log_format = "JSON",
							     .max_retries = FAAS_NONE,
							     .dead_letter = "queue:dead" });
	perform("PutRolePolicy", ALLOW(Q("none:None"), "*"));
	fail_once();
	flow_await_log(&flow, ",\"level\":\"WARN\",\"requestId\":\"");
	flow_await_log(&flow, "\",\"message\":\"DeadLetterErrors: User: arn:aws:sts::");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define ROW(name) cmocka_unit_test_setup_teardown(name, open_it, control_close)
		ROW(a_queue_is_mapped_when_the_role_may_do_all_three),
		ROW(streams_and_tables_are_mapped_with_the_managed_policies),
		ROW(a_role_that_loses_the_right_stops_its_mapping_until_it_is_back),
		cmocka_unit_test_setup_teardown(a_directory_needs_the_permission_of_the_function,
						open_in_real_time, control_close),
		ROW(what_a_topic_may_not_invoke_gets_a_dead_letter),
		ROW(a_bus_invokes_as_its_rule),
		ROW(a_schedule_invokes_as_either_of_its_services_or_leaves_a_dead_letter),
		ROW(a_dead_letter_queue_needs_a_role_that_may_send_there),
		ROW(a_dead_letter_that_is_no_queue_is_refused_by_its_own_name),
		ROW(a_role_that_may_not_send_dead_letters_takes_no_others_place),
		ROW(a_destination_needs_a_role_that_may_send_there),
		ROW(a_destination_of_a_mapping_needs_a_role_that_may_send_there),
		ROW(a_mapping_that_may_not_tell_any_more_tells_nobody_and_says_so),
		ROW(who_may_not_send_any_more_sends_nothing_and_says_so),
		ROW(who_logs_as_json_is_told_of_it_as_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
