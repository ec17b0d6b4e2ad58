/* SPDX-License-Identifier: MIT */
/* Provisioned environments of versions and aliases, by the operations of the API. */
#include "support/test.h"

#include <stdio.h>
#include <time.h>

#include "support/control.h"

#define INVALID "InvalidParameterValueException"
#define CONFLICT "ResourceConflictException"
#define ARN "arn:aws:lambda:local-1:000000000000:function:g"
#define WARM "\"initialised\""

static void add_g(const char *handler)
{
	flow_function(&flow, &(struct faas_function_config){ .name = "g", .handler = handler });
}

static void publish(int memory_mb)
{
	char request[64];

	snprintf(request, sizeof(request), "{\"FunctionName\":\"g\",\"MemorySize\":%d}",
		 memory_mb);
	perform("UpdateFunctionConfiguration", request);
	perform("PublishVersion", "{\"FunctionName\":\"g\"}");
}

static void lead(const char *operation, const char *version)
{
	char request[128];

	snprintf(request, sizeof(request),
		 "{\"FunctionName\":\"g\",\"Name\":\"live\",\"FunctionVersion\":\"%s\"}", version);
	perform(operation, request);
}

/* Two versions, and an alias that leads to the first. */
static int open_it(void **state)
{
	(void)state;
	control_open_with(FAAS_CONFIG(.max_concurrency = 20, .max_memory_mb = 4096,
				      .idle_ms = 600000), true);
	add_g("init.good");
	publish(128);
	publish(256);
	lead("CreateAlias", "1");
	return 0;
}

#define OF(qualifier) "{\"FunctionName\":\"g\",\"Qualifier\":\"" qualifier "\"}"
#define SO_MANY(qualifier, n) \
	"{\"FunctionName\":\"g\",\"Qualifier\":\"" qualifier \
	"\",\"ProvisionedConcurrentExecutions\":" #n "}"

static void put(const char *request)
{
	perform("PutProvisionedConcurrencyConfig", request);
}

/* Real time, bounded. */
static void await(const char *of, const char *text)
{
	for (int ms = 0; ms < 10000; ms++) {
		perform("GetProvisionedConcurrencyConfig", of);
		if (strstr(reply, text))
			return;
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	}
	fail_msg("%s has no %s", reply, text);
}

static void requested_is(const char *function, int requested)
{
	struct faas_function_info *info;

	assert_int_equal(faas_function_get(flow.rt, function, &info, &err), 0);
	assert_int_equal(info->provisioned_requested, requested);
	faas_free(info);
}

static void await_environments(const char *function, int idle)
{
	struct faas_function_info *info;
	int now = -1;

	for (int ms = 0; now != idle && ms < 10000; ms++) {
		assert_int_equal(faas_function_get(flow.rt, function, &info, &err), 0);
		now = info->environments_idle;
		faas_free(info);
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	}
	assert_int_equal(now, idle);
}

static uint64_t cold_starts(void)
{
	struct faas_stats stats = { .size = sizeof(stats) };

	assert_int_equal(faas_stats(flow.rt, &stats), 0);
	return stats.cold_starts;
}

static void is_ready(const char *function, const char *version)
{
	const struct faas_result *result = flow_call(&flow, function, "x");

	assert_true(flow_says(result, WARM));
	assert_string_equal(result->version, version);
	assert_true(result->init_ms == 0);
	assert_int_equal(cold_starts(), 0);
}

#define READY(requested, available) \
	"{\"RequestedProvisionedConcurrentExecutions\":" #requested \
	",\"AvailableProvisionedConcurrentExecutions\":" #available \
	",\"AllocatedProvisionedConcurrentExecutions\":" #available \
	",\"Status\":\"READY\",\"LastModified\":\"20"

/* ---- ready ------------------------------------------------------------ */

TEST(the_events_of_a_version_find_an_environment_that_is_ready)
{
	put(SO_MANY("1", 2));
	has("\"RequestedProvisionedConcurrentExecutions\":2,");
	await(OF("1"), READY(2, 2));
	is_ready("g:1", "1");
	requested_is("g", 0);
	requested_is("g:2", 0);
	for (int ms = 0; flow_metric(&flow, "ProvisionedConcurrencyInvocations") < 1 && ms < 10000;
	     ms++)
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	assert_true(flow_metric(&flow, "ProvisionedConcurrencyInvocations") == 1);
}

TEST(idle_time_does_not_end_them_and_a_crash_brings_another)
{
	flow_function(&flow, &(struct faas_function_config){ .name = "h", .handler = "life.act" });
	perform("PublishVersion", "{\"FunctionName\":\"h\"}");
	assert_int_equal(faas_version_provision(flow.rt, "h:1", 1, &err), 0);
	await("{\"FunctionName\":\"h\",\"Qualifier\":\"1\"}", READY(1, 1));
	flow_advance(&flow, 3600000);
	await_environments("h:1", 1);
	/* through the loop: a caller may spin until the real clock is where this one is */
	assert_int_equal(flow_call_async(&flow, "h:1", "segv")->code, FAAS_EFUNCTION);
	await("{\"FunctionName\":\"h\",\"Qualifier\":\"1\"}", READY(1, 1));
	assert_true(flow_says(flow_call(&flow, "h:1", "count"), "1"));
	assert_int_equal(cold_starts(), 0);
}

TEST(those_of_an_alias_follow_it_to_another_version)
{
	put(SO_MANY("live", 1));
	await(OF("live"), READY(1, 1));
	is_ready("g:live", "1");
	lead("UpdateAlias", "2");
	requested_is("g:1", 0);
	requested_is("g:live", 1);
	await(OF("live"), READY(1, 1));
	is_ready("g:live", "2");
	await_environments("g:1", 0);
}

TEST(an_alias_with_two_versions_divides_them_as_it_divides_events)
{
	perform("UpdateAlias", "{\"FunctionName\":\"g\",\"Name\":\"live\",\"RoutingConfig\":"
			       "{\"AdditionalVersionWeights\":{\"2\":0.25}}}");
	put(SO_MANY("live", 4));
	requested_is("g:1", 3);
	requested_is("g:2", 1);
	await(OF("live"), READY(4, 4));
	await_environments("g:1", 3);
	await_environments("g:2", 1);
}

TEST(one_whose_init_fails_is_reported_with_the_reason)
{
	flow_function(&flow,
		      &(struct faas_function_config){ .name = "h", .handler = "init.init_abort" });
	perform("PublishVersion", "{\"FunctionName\":\"h\"}");
	assert_int_equal(faas_version_provision(flow.rt, "h:1", 1, &err), 0);
	await("{\"FunctionName\":\"h\",\"Qualifier\":\"1\"}",
	      "\"Status\":\"FAILED\",\"StatusReason\":\"FUNCTION_ERROR_INIT_FAILURE: ");
}

/* ---- changed ---------------------------------------------------------- */

TEST(fewer_end_those_that_are_too_many_and_more_start_others)
{
	put(SO_MANY("1", 3));
	await(OF("1"), READY(3, 3));
	put(SO_MANY("1", 1));
	await_environments("g:1", 1);
	await(OF("1"), READY(1, 1));
	put(SO_MANY("1", 2));
	await(OF("1"), READY(2, 2));
	perform("DeleteProvisionedConcurrencyConfig", OF("1"));
	await_environments("g:1", 0);
	refused("GetProvisionedConcurrencyConfig", OF("1"),
		"ProvisionedConcurrencyConfigNotFoundException",
		"No Provisioned Concurrency Config found for this function");
}

TEST(fewer_while_all_are_starting_are_fewer_in_the_end)
{
	flow_function(&flow,
		      &(struct faas_function_config){ .name = "h", .handler = "init.init_slow" });
	perform("PublishVersion", "{\"FunctionName\":\"h\"}");
	assert_int_equal(faas_version_provision(flow.rt, "h:1", 4, &err), 0);
	assert_int_equal(faas_version_provision(flow.rt, "h:1", 1, &err), 0);
	await("{\"FunctionName\":\"h\",\"Qualifier\":\"1\"}", READY(1, 1));
	await_environments("h:1", 1);
}

TEST(they_go_with_their_version_and_their_alias)
{
	put(SO_MANY("live", 1));
	put(SO_MANY("2", 1));
	perform("DeleteAlias", "{\"FunctionName\":\"g\",\"Name\":\"live\"}");
	requested_is("g:1", 0);
	perform("DeleteFunction", "{\"FunctionName\":\"g\",\"Qualifier\":\"2\"}");
	assert_string_equal(perform("ListProvisionedConcurrencyConfigs",
				    "{\"FunctionName\":\"g\"}"),
			    "{\"ProvisionedConcurrencyConfigs\":[]}");
	perform("GetAccountSettings", "{}");
	has("\"UnreservedConcurrentExecutions\":20,");
	lead("CreateAlias", "1");
	requested_is("g:live", 0);
}

TEST(they_go_with_the_function_and_do_not_come_back_with_its_name)
{
	put(SO_MANY("live", 1));
	put(SO_MANY("2", 1));
	perform("DeleteFunction", "{\"FunctionName\":\"g\"}");
	add_g("init.good");
	assert_string_equal(perform("ListProvisionedConcurrencyConfigs",
				    "{\"FunctionName\":\"g\"}"),
			    "{\"ProvisionedConcurrencyConfigs\":[]}");
}

/* ---- told ------------------------------------------------------------- */

TEST(all_of_a_function_are_listed_page_by_page)
{
	put(SO_MANY("live", 1));
	put(SO_MANY("2", 2));
	perform("ListProvisionedConcurrencyConfigs", "{\"FunctionName\":\"g\",\"MaxItems\":1}");
	has("{\"NextMarker\":\"1\",\"ProvisionedConcurrencyConfigs\":[{\"FunctionArn\":\"" ARN
	    ":2\",\"RequestedProvisionedConcurrentExecutions\":2,");
	lacks("live");
	perform("ListProvisionedConcurrencyConfigs", "{\"FunctionName\":\"g\",\"Marker\":\"1\"}");
	has("[{\"FunctionArn\":\"" ARN
	    ":live\",\"RequestedProvisionedConcurrentExecutions\":1,");
}

/* ---- refused ----------------------------------------------------------- */

TEST(what_is_not_published_cannot_be_provisioned)
{
	refused("PutProvisionedConcurrencyConfig", SO_MANY("$LATEST", 1), INVALID,
		"Provisioned Concurrency Configs cannot be applied to unpublished function "
		"versions.");
	lead("UpdateAlias", "$LATEST");
	refused("PutProvisionedConcurrencyConfig", SO_MANY("live", 1), INVALID,
		"Provisioned Concurrency Configs cannot be applied to unpublished function "
		"versions.");
	assert_int_equal(faas_version_provision(flow.rt, "g", 1, &err), FAAS_EINVAL);
	assert_int_equal(faas_version_provision(flow.rt, "g:7", 1, &err), FAAS_ENOTFOUND);
	assert_int_equal(faas_version_provision(flow.rt, "g:none", 1, NULL), FAAS_ENOTFOUND);
	assert_int_equal(faas_version_provision(flow.rt, "g:1", -2, &err), FAAS_EINVAL);
	assert_int_equal(faas_version_provision(NULL, "g:1", 1, &err), FAAS_EINVAL);
}

TEST(a_version_is_provisioned_by_one_name_only)
{
	put(SO_MANY("live", 1));
	refused("PutProvisionedConcurrencyConfig", SO_MANY("1", 1), CONFLICT,
		"Version is pointed by a Provisioned Concurrency alias");
	perform("DeleteProvisionedConcurrencyConfig", OF("live"));
	put(SO_MANY("1", 1));
	refused("PutProvisionedConcurrencyConfig", SO_MANY("live", 1), CONFLICT,
		"Alias can't be used for Provisioned Concurrency configuration on an already "
		"Provisioned version");
	lead("UpdateAlias", "2");
	put(SO_MANY("live", 1));
	refused("UpdateAlias",
		"{\"FunctionName\":\"g\",\"Name\":\"live\",\"FunctionVersion\":\"1\"}", CONFLICT,
		"Alias can't be used for Provisioned Concurrency configuration on an already "
		"Provisioned version");
	requested_is("g:live", 1);
	requested_is("g:1", 1);
}

TEST(what_could_never_fit_changes_nothing)
{
	put(SO_MANY("1", 2));
	refused("PutProvisionedConcurrencyConfig", SO_MANY("1", 21), INVALID,
		"Specified ConcurrentExecutions for function is greater than account's unreserved "
		"concurrency [20].");
	refused("PutProvisionedConcurrencyConfig", SO_MANY("2", 17), INVALID,
		"provisioned is 17: with 256 MB each they need 4352 MB, more than the runtime's "
		"max_memory_mb, which is 4096");
	refused("PutProvisionedConcurrencyConfig", SO_MANY("1", 19), INVALID,
		"Specified ConcurrentExecutions for function decreases account's "
		"UnreservedConcurrentExecution below its minimum value of [2].");
	requested_is("g:1", 2);
	requested_is("g:2", 0);
	await(OF("1"), READY(2, 2));
	perform("GetAccountSettings", "{}");
	has("\"UnreservedConcurrentExecutions\":18,");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_it, control_close)
		CASE(the_events_of_a_version_find_an_environment_that_is_ready),
		CASE(idle_time_does_not_end_them_and_a_crash_brings_another),
		CASE(those_of_an_alias_follow_it_to_another_version),
		CASE(an_alias_with_two_versions_divides_them_as_it_divides_events),
		CASE(one_whose_init_fails_is_reported_with_the_reason),
		CASE(fewer_end_those_that_are_too_many_and_more_start_others),
		CASE(fewer_while_all_are_starting_are_fewer_in_the_end),
		CASE(they_go_with_their_version_and_their_alias),
		CASE(they_go_with_the_function_and_do_not_come_back_with_its_name),
		CASE(all_of_a_function_are_listed_page_by_page),
		CASE(what_is_not_published_cannot_be_provisioned),
		CASE(a_version_is_provisioned_by_one_name_only),
		CASE(what_could_never_fit_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
