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
#define TRUST \
	"{\"RoleName\":\"r\",\"AssumeRolePolicyDocument\":\"{\\\"Version\\\":\\\"2012-10-17\\\"," \
	"\\\"Statement\\\":[{\\\"Effect\\\":\\\"Allow\\\",\\\"Principal\\\":{\\\"Service\\\":" \
	"\\\"lambda.amazonaws.com\\\"},\\\"Action\\\":\\\"sts:AssumeRole\\\"}]}\"}"
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
