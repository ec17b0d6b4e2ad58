/* SPDX-License-Identifier: MIT */
/* What a host may say of subnets and groups, and a function of those; see support/vpc.h. */
#include "support/test.h"

#include <unistd.h>

#include "support/stores.h"
#include "support/vpc.h"

/* ---- what may be said ------------------------------------------------ */

static void refuse(const struct faas_function_config *config, const char *why)
{
	struct faas_function_config c = *config;

	c.name = "f";
	c.code = TEST_PLUGINS;
	c.handler = "network.tcp";
	assert_int_equal(faas_function_create(flow.rt, &c, &err), FAAS_EINVAL);
	if (!strstr(err.message, why))
		fail_msg("%s lacks: %s", err.message, why);
}

#define BOTH "SubnetIds and SecurityIds must coexist or be both empty list."

TEST(a_function_names_subnets_and_groups_that_there_are_in_one_vpc)
{
	refuse(FAAS_FUNCTION(.security_groups = "sg-all"), BOTH);
	refuse(FAAS_FUNCTION(.subnets = "subnet-x", .security_groups = "sg-all"),
	       "EC2 Error Code: InvalidSubnetID.NotFound. EC2 Error Message: The subnet ID "
	       "'subnet-x' does not exist");
	refuse(FAAS_FUNCTION(.subnets = "subnet-a", .security_groups = "sg-all,sg-x"),
	       "EC2 Error Code: InvalidGroup.NotFound. EC2 Error Message: The security group "
	       "'sg-x' does not exist");
	refuse(FAAS_FUNCTION(.subnets = "subnet-a,subnet-other", .security_groups = "sg-all"),
	       "Subnets are required to be in the same VPC: vpc-0 and vpc-1");
}

TEST(lists_of_ids_have_an_end_and_no_gaps)
{
	vpc_needs_machine(); /* else it is refused for that */
	refuse(FAAS_FUNCTION(.subnets = "subnet-a"), BOTH);
	refuse(FAAS_FUNCTION(.subnets = "subnet-a,,subnet-b", .security_groups = "sg-all"),
	       "subnets: an id is empty");
	refuse(FAAS_FUNCTION(.subnets = "subnet-a",
			     .security_groups = "sg-all,sg-all,sg-all,sg-all,sg-all,sg-all"),
	       "security_groups: 6 of them, more than 5");
	refuse(FAAS_FUNCTION(.subnets = "subnet-a", .security_groups = "sg-all", .network = true),
	       "a function is in a VPC or has .network");
	refuse(FAAS_FUNCTION(.subnets = "subnet-a", .security_groups = "sg-all",
			     .isolation = FAAS_THREAD),
	       "only a FAAS_PROCESS function can be in a VPC");
}

static void refuse_subnet(struct faas_subnet subnet, const char *why)
{
	const struct faas_subnet list[] = { vpc_subnets[0], subnet, { .id = NULL } };
	struct faas *rt = faas_create(FAAS_CONFIG(.subnets = list), &err);

	assert_null(rt);
	assert_int_equal(err.code, FAAS_EINVAL);
	if (!strstr(err.message, why))
		fail_msg("%s lacks: %s", err.message, why);
}

#define SUBNET(...) ((struct faas_subnet){ __VA_ARGS__ })

TEST(a_subnet_of_the_hosts_is_whole)
{
	refuse_subnet(SUBNET(.id = "net-1", .cidr = "10.0.0.0/24", .bridge = "br"),
		      "an id is 'subnet-' and");
	refuse_subnet(SUBNET(.id = "subnet-", .cidr = "10.0.0.0/24", .bridge = "br"),
		      "an id is 'subnet-' and");
	refuse_subnet(SUBNET(.id = "subnet-1", .cidr = NULL, .bridge = "br"),
		      "must be like 10.0.1.0/24");
	refuse_subnet(SUBNET(.id = "subnet-1", .cidr = "10.0.0.1/24", .bridge = "br"),
		      "must be like 10.0.1.0/24");
	refuse_subnet(SUBNET(.id = "subnet-1", .cidr = "10.0.0.0/15", .bridge = "br"),
		      "from /16 to /28");
	refuse_subnet(SUBNET(.id = "subnet-1", .cidr = "10.0.0.0/29", .bridge = "br"),
		      "from /16 to /28");
	refuse_subnet(SUBNET(.id = "subnet-1", .cidr = "2001:db8::/64", .bridge = "br"),
		      "must be like 10.0.1.0/24");
	refuse_subnet(SUBNET(.id = "subnet-1", .cidr = "10.0.0.0/24", .bridge = NULL),
		      "the name of an interface");
	refuse_subnet(SUBNET(.id = "subnet-1", .cidr = "10.0.0.0/24", .bridge = "sixteen-letters-"),
		      "name of an interface");
	refuse_subnet(SUBNET(.id = "subnet-1", .cidr = "10.0.0.0/24", .bridge = "br",
			     .gateway = "10.0.1.1"),
		      "no address in it");
	refuse_subnet(SUBNET(.id = "subnet-1", .cidr = "10.0.0.0/24", .bridge = "br",
			     .gateway = "10.0.0.255"),
		      "no address in it");
	refuse_subnet(SUBNET(.id = "subnet-1", .cidr = "10.0.0.0/24", .bridge = "br",
			     .gateway = NULL, .resolver = "dns"),
		      "is no address: 'dns'");
	refuse_subnet(SUBNET(.id = "subnet-a", .cidr = "10.0.0.0/24", .bridge = "br"),
		      "'subnet-a' is there twice");
	refuse_subnet(SUBNET(.id = "subnet-1", .cidr = "10.77.0.128/28", .bridge = "br"),
		      "'subnet-a' and 'subnet-1' overlap");
}

static void refuse_group(const char *id, struct faas_egress egress, const char *why)
{
	const struct faas_egress rules[] = { egress, { .cidr = NULL } };
	const struct faas_security_group list[] = { { "sg-1", NULL },
						    { id, rules },
						    { NULL, NULL } };
	struct faas *rt = faas_create(FAAS_CONFIG(.security_groups = list), &err);

	assert_null(rt);
	assert_int_equal(err.code, FAAS_EINVAL);
	if (!strstr(err.message, why))
		fail_msg("%s lacks: %s", err.message, why);
}

#define EGRESS(...) ((struct faas_egress){ __VA_ARGS__ })

TEST(a_group_of_the_hosts_is_whole)
{
	struct faas_egress many[62];
	const struct faas_security_group list[] = { { "sg-many", many }, { NULL, NULL } };

	refuse_group("group", EGRESS(.cidr = "0.0.0.0/0"), "an id is 'sg-' and");
	refuse_group("sg-1", EGRESS(.cidr = "0.0.0.0/0"), "'sg-1' is there twice");
	refuse_group("sg-2", EGRESS(.cidr = "all"), "is not like 10.0.0.0/8: 'all'");
	refuse_group("sg-2", EGRESS(.cidr = "10.0.0.1/8"), "is not like 10.0.0.0/8");
	refuse_group("sg-2", EGRESS(.cidr = "0.0.0.0/0", .protocol = "sctp"),
		     "none of tcp, udp, icmp: 'sctp'");
	refuse_group("sg-2",
		     EGRESS(.cidr = "0.0.0.0/0", .protocol = "tcp", .from_port = 80, .to_port = 79),
		     "1 to 65535, of tcp or udp: 80 to 79");
	refuse_group("sg-2",
		     EGRESS(.cidr = "0.0.0.0/0", .protocol = "tcp", .from_port = 0, .to_port = 80),
		     "1 to 65535");
	refuse_group(
		"sg-2",
		EGRESS(.cidr = "0.0.0.0/0", .protocol = "tcp", .from_port = 1, .to_port = 65536),
		"1 to 65535");
	refuse_group("sg-2", EGRESS(.cidr = "0.0.0.0/0", .protocol = "icmp", .from_port = 8),
		     "1 to 65535");
	refuse_group("sg-2", EGRESS(.cidr = "0.0.0.0/0", .protocol = NULL, .from_port = 80),
		     "1 to 65535");
	for (int i = 0; i < 61; i++)
		many[i] = EGRESS(.cidr = "0.0.0.0/0", .protocol = "tcp", .from_port = 1 + i);
	many[61].cidr = NULL;
	assert_null(faas_create(FAAS_CONFIG(.security_groups = list), &err));
	assert_string_equal(err.message, "security_groups: 'sg-many' has 61 rules, more than 60");
}

/* ---- where it cannot be ---------------------------------------------- */

TEST(the_report_says_whether_it_can_be_and_if_not_it_is_refused)
{
	struct faas_isolation *report;
	bool can;

	assert_int_equal(faas_isolation_report(flow.rt, &report, &err), 0);
	can = strstr(report->text, "networks of VPCs: available\n");
	assert_true(can || strstr(report->text, "networks of VPCs: MISSING ("));
	faas_free(report);
	if (vpc_has_machine())
		assert_true(can);
	if (geteuid())
		assert_false(can);
	if (!can)
		refuse(FAAS_FUNCTION(.subnets = "subnet-a", .security_groups = "sg-all"),
		       "no function can be in a VPC here: ");
}

TEST(who_gave_no_subnets_hears_nothing_of_them)
{
	struct faas_isolation *report;

	flow_close(&flow);
	flow_open(&flow, FAAS_CONFIG(.region = NULL), false);
	assert_int_equal(faas_isolation_report(flow.rt, &report, &err), 0);
	assert_null(strstr(report->text, "VPC"));
	faas_free(report);
}

/* ---- the API, and a restart ------------------------------------------ */

#define CONFIG \
	"\"VpcConfig\":{\"SubnetIds\":[\"subnet-a\"],\"SecurityGroupIds\":[\"sg-udp\",\"sg-" \
	"port\"]"

TEST(the_api_sets_shows_and_drops_it)
{
	vpc_needs_machine();
	flow_function(&flow, FAAS_FUNCTION(.name = "tcp", .handler = "network.tcp",
					   .timeout_ms = VPC_PATIENCE_MS));
	flow_expect(&flow, "tcp", VPC_HERE ":8001", "EPERM");
	perform("UpdateFunctionConfiguration", "{\"FunctionName\":\"tcp\"," CONFIG "}}");
	has(CONFIG ",\"VpcId\":\"vpc-0\",\"Ipv6AllowedForDualStack\":false}");
	flow_expect(&flow, "tcp", VPC_HERE ":8001", "open");
	perform("UpdateFunctionConfiguration", "{\"FunctionName\":\"tcp\",\"Timeout\":90}");
	perform("GetFunctionConfiguration", "{\"FunctionName\":\"tcp\"}");
	has(CONFIG);
	perform("UpdateFunctionConfiguration", "{\"FunctionName\":\"tcp\",\"VpcConfig\":{"
					       "\"SubnetIds\":[],\"SecurityGroupIds\":[]}}");
	lacks("VpcConfig");
	flow_expect(&flow, "tcp", VPC_HERE ":8001", "EPERM");
}

TEST(the_api_refuses_what_cannot_be)
{
	flow_function(&flow, FAAS_FUNCTION(.name = "tcp", .handler = "network.tcp"));
	refused("UpdateFunctionConfiguration",
		"{\"FunctionName\":\"tcp\",\"VpcConfig\":{\"SubnetIds\":[\"subnet-x\"],"
		"\"SecurityGroupIds\":[\"sg-all\"]}}",
		"InvalidParameterValueException",
		"Error occurred while DescribeSubnets. EC2 Error Code: InvalidSubnetID.NotFound. "
		"EC2 "
		"Error Message: The subnet ID 'subnet-x' does not exist");
	refused("UpdateFunctionConfiguration",
		"{\"FunctionName\":\"tcp\",\"VpcConfig\":{\"SubnetIds\":[],"
		"\"SecurityGroupIds\":[\"sg-all\"]}}",
		"InvalidParameterValueException", BOTH);
	refused("UpdateFunctionConfiguration",
		"{\"FunctionName\":\"tcp\",\"VpcConfig\":{\"Ipv6AllowedForDualStack\":true}}",
		"InvalidParameterValueException",
		"Ipv6AllowedForDualStack must be false: subnets here are of IPv4");
	refused("UpdateFunctionConfiguration",
		"{\"FunctionName\":\"tcp\",\"VpcConfig\":{\"SubnetIds\":[\"subnet-a,subnet-b\"]}}",
		"InvalidParameterValueException", "'subnet-a,subnet-b' is no id in a VpcConfig");
}

TEST(after_a_restart_it_is_connected_again_if_the_host_has_its_subnet)
{
	char folder[64];
	struct faas_result *result;

	vpc_needs_machine();
	stores_folder(folder);
	flow_close(&flow);
	vpc_open_lasting(folder);
	vpc_function("tcp", "network.tcp", "subnet-a", "sg-port");
	flow_close(&flow);
	flow_open(&flow, FAAS_CONFIG(.state_dir = folder), false);
	assert_int_equal(faas_invoke_wait(flow.rt, FAAS_REQUEST(.function = "tcp"), &result, &err),
			 FAAS_ESYSTEM);
	assert_string_equal(err.type, "InvalidSubnetIDException");
	assert_string_equal(
		err.message,
		"Lambda was unable to set up VPC access for the Lambda function: this host "
		"has not got all of subnet-a and sg-port.");
	flow_close(&flow);
	vpc_open_lasting(folder);
	flow_expect(&flow, "tcp", VPC_HERE ":8001", "open");
	flow_close(&flow);
	stores_remove(folder);
	vpc_open(NULL);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, vpc_open, vpc_close)
	const struct CMUnitTest tests[] = {
		CASE(a_function_names_subnets_and_groups_that_there_are_in_one_vpc),
		CASE(lists_of_ids_have_an_end_and_no_gaps),
		CASE(a_subnet_of_the_hosts_is_whole),
		CASE(a_group_of_the_hosts_is_whole),
		CASE(the_report_says_whether_it_can_be_and_if_not_it_is_refused),
		CASE(who_gave_no_subnets_hears_nothing_of_them),
		CASE(the_api_sets_shows_and_drops_it),
		CASE(the_api_refuses_what_cannot_be),
		CASE(after_a_restart_it_is_connected_again_if_the_host_has_its_subnet),
	};

	vpc_make_machine();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
