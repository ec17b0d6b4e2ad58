/* SPDX-License-Identifier: MIT */
/* Functions in subnets of the host: whom they reach, and how they end; see support/vpc.h. */
#include "support/test.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <net/if.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <model/package/tree.h>

#include "support/images.h"
#include "support/kills.h"
#include "support/processes.h"
#include "support/vpc.h"

/* ---- where it is, and whom it reaches -------------------------------- */

TEST(an_environment_has_an_address_of_its_subnet_and_no_other)
{
	const struct faas_result *result;
	char text[64] = "";
	struct in_addr in;

	vpc_needs_machine();
	vpc_function("where", "network.addresses", "subnet-a", "sg-none");
	result = flow_call(&flow, "where", "");
	assert_in_range(result->payload.len, 1, sizeof(text) - 1);
	memcpy(text, result->payload.data, result->payload.len);
	assert_int_equal(inet_pton(AF_INET, text, &in), 1);
	assert_in_range(ntohl(in.s_addr), 0x0a4d0004, 0x0a4d00fe);
}

TEST(it_reaches_the_port_that_its_group_names_and_no_other)
{
	vpc_needs_machine();
	vpc_function("tcp", "network.tcp", "subnet-a", "sg-port");
	vpc_function("udp", "network.udp", "subnet-a", "sg-port");
	flow_expect(&flow, "tcp", VPC_HERE ":8001", "open");
	flow_expect(&flow, "tcp", VPC_HERE ":8002", "EHOSTUNREACH");
	flow_expect(&flow, "udp", VPC_HERE ":8001", "EPERM");
	flow_expect(&flow, "tcp", VPC_FAR ":8001", "EHOSTUNREACH");
}

TEST(what_is_far_away_is_reached_through_the_gateway)
{
	vpc_needs_machine();
	vpc_function("tcp", "network.tcp", "subnet-a", "sg-udp");
	vpc_function("udp", "network.udp", "subnet-a", "sg-udp");
	flow_expect(&flow, "udp", VPC_FAR ":8001", "open");
	flow_expect(&flow, "udp", VPC_FAR ":8002", "EPERM");
	flow_expect(&flow, "tcp", VPC_FAR ":8001", "EHOSTUNREACH");
}

TEST(of_several_groups_each_adds_to_what_is_reached)
{
	vpc_needs_machine();
	vpc_function("tcp", "network.tcp", "subnet-a", "sg-port,sg-udp");
	vpc_function("udp", "network.udp", "subnet-a", "sg-port,sg-udp");
	flow_expect(&flow, "tcp", VPC_HERE ":8001", "open");
	flow_expect(&flow, "udp", VPC_FAR ":8001", "open");
	flow_expect(&flow, "tcp", VPC_FAR ":8001", "EHOSTUNREACH");
}

TEST(whoever_may_reach_all_does_not_reach_this_machine)
{
	vpc_needs_machine();
	vpc_function("tcp", "network.tcp", "subnet-a", "sg-all");
	vpc_function("udp", "network.udp", "subnet-a", "sg-all");
	flow_expect(&flow, "tcp", VPC_FAR ":8001", "open");
	flow_expect(&flow, "tcp", VPC_HERE ":8001", "EHOSTUNREACH");
	flow_expect(&flow, "udp", VPC_HERE ":8001", "EPERM");
	flow_expect(&flow, "tcp", "10.78.0.1:8001", "EHOSTUNREACH");
	flow_expect(&flow, "tcp", "10.88.0.1:8001", "EHOSTUNREACH");
	flow_expect(&flow, "udp", "10.77.0.255:8001", "EPERM");
	flow_expect(&flow, "udp", "255.255.255.255:8001", "EPERM");
	flow_expect(&flow, "udp", "224.0.0.1:8001", "EPERM");
}

/* Whether this process, which no rules hold back, can send by IPv6 into the bridge. */
static bool has_ipv6(void)
{
	struct sockaddr_in6 all = { .sin6_family = AF_INET6, .sin6_port = htons(9),
				    .sin6_scope_id = if_nametoindex("br-a") };
	int sock = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool sent = false;

	inet_pton(AF_INET6, "ff02::1", &all.sin6_addr);
	for (int i = 0; sock >= 0 && !sent && i < 500; i++) {
		sent = sendto(sock, "ping", 4, 0, (struct sockaddr *)&all, sizeof(all)) == 4;
		if (!sent)
			usleep(10000);
	}
	close(sock);
	return sent;
}

TEST(whoever_may_reach_all_reaches_nobody_by_ipv6)
{
	const struct faas_result *result;

	vpc_needs_machine();
	vpc_function("ipv6", "network.ipv6", "subnet-a", "sg-all");
	result = flow_call(&flow, "ipv6", "");
	if (!has_ipv6()) { /* the bridge is up while there is an environment in it */
		print_message("there is no IPv6 here\n");
		skip();
	}
	assert_true(flow_says(result, "EPERM") || flow_says(result, "EADDRNOTAVAIL"));
}

TEST(another_subnet_is_not_reached_unless_a_group_says_so)
{
	vpc_needs_machine();
	vpc_function("tcp", "network.tcp", "subnet-b", "sg-port");
	flow_expect(&flow, "tcp", "10.78.0.1:8001", "EHOSTUNREACH");
	flow_expect(&flow, "tcp", VPC_HERE ":8001", "open");
}

TEST(names_are_asked_of_the_subnets_resolver_whatever_the_groups_say)
{
	vpc_needs_machine();
	vpc_function("resolve", "network.resolve", "subnet-a", "sg-none");
	vpc_function("get", "files.get", "subnet-a", "sg-none");
	flow_expect(&flow, "get", "/etc/resolv.conf", "nameserver " VPC_HERE "\n");
	flow_expect(&flow, "resolve", "far.test", VPC_FAR);
}

TEST(a_subnet_without_a_resolver_knows_no_names_and_asks_nobody_elses)
{
	vpc_needs_machine();
	vpc_function("resolve", "network.resolve", "subnet-b", "sg-port");
	vpc_function("get", "files.get", "subnet-b", "sg-port");
	flow_expect(&flow, "get", "/etc/resolv.conf", "");
	flow_expect(&flow, "resolve", "far.test", "Temporary failure in name resolution");
}

/* ---- who reaches it --------------------------------------------------- */

static void *listen_in(void *event)
{
	return (void *)flow_call(&flow, "listen", event);
}

/* Its own address out of what it logged. */
static struct sockaddr_in find_listener(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(7001) };
	char text[32] = "";

	flow_await_log(&flow, "listens at ");
	pthread_mutex_lock(&flow.lock);
	sscanf(strstr(flow.log, "listens at "), "listens at %31[0-9.]", text);
	pthread_mutex_unlock(&flow.lock);
	assert_int_equal(inet_pton(AF_INET, text, &at.sin_addr), 1);
	return at;
}

TEST(an_image_asks_that_resolver_too_whatever_it_says_itself)
{
	struct images_tar tar = { NULL, 0, 0 };
	char base[] = "/tmp/faas-vpc-image-XXXXXX", layout[64];
	static const char *const own[] = { "etc/resolv.conf", "other" };

	vpc_needs_machine();
	assert_non_null(mkdtemp(base));
	assert_int_equal(chmod(base, 0755), 0);
	snprintf(layout, sizeof(layout), "%s/image", base);
	for (int i = 0; i < 2; i++) {
		images_begin(&tar);
		images_file(&tar, own[i], "nameserver 192.0.2.1\n");
		images_program(&tar, "bootstrap", TEST_PROGRAMS "/bootstrap-static");
		images_write(layout, &tar, "{\"Cmd\":[\"/bootstrap\"]}");
		assert_int_equal(faas_function_create(
					 flow.rt,
					 FAAS_FUNCTION(.name = i ? "without" : "with",
						       .image = layout, .subnets = "subnet-a",
						       .security_groups = "sg-none",
						       .timeout_ms = VPC_PATIENCE_MS),
					 NULL),
				 0);
		flow_expect(&flow, i ? "without" : "with", "read /etc/resolv.conf",
			    "nameserver " VPC_HERE "\n");
	}
	assert_true(fa_tree_remove(-1, base, NULL));
}

TEST(nobody_reaches_what_listens_there)
{
	const struct faas_result *result;
	struct sockaddr_in at;
	pthread_t thread;
	int sock;

	vpc_needs_machine();
	vpc_function("listen", "network.listen_at", "subnet-a", "sg-all");
	assert_int_equal(pthread_create(&thread, NULL, listen_in, "0.0.0.0:7001"), 0);
	at = find_listener();
	sock = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(sock, (struct sockaddr *)&at, sizeof(at)), -1);
	assert_int_equal(errno, EINPROGRESS);
	assert_int_equal(pthread_join(thread, (void **)&result), 0);
	close(sock);
	assert_true(flow_says(result, "nobody came"));
	/* so that it is known to listen at all */
	flow_expect(&flow, "listen", "127.0.0.1:7001", "somebody came");
}

TEST(a_function_cannot_change_its_network_nor_leave_it)
{
	vpc_needs_machine();
	vpc_function("escape", "network.escape", "subnet-a", "sg-none");
	flow_expect(&flow, "escape", "10.77.0.200:8001", "nothing worked");
}

/* ---- how it ends ----------------------------------------------------- */

/* NULL: it fails, and its environment with it. */
static void expect(const char *event, const char *answer)
{
	const struct faas_request *request =
		FAAS_REQUEST(.function = "tcp", .payload = { event, strlen(event) });
	struct faas_result *result;

	assert_int_equal(faas_invoke_wait(flow.rt, request, &result, &err), 0);
	if (answer)
		assert_true(flow_says(result, answer));
	else
		assert_string_equal(result->error_type, "Runtime.ExitError");
	faas_free(result);
}

TEST(an_environment_that_ends_leaves_no_link_behind)
{
	vpc_needs_machine();
	vpc_await_links(0);
	vpc_function("tcp", "network.tcp", "subnet-a", "sg-port");
	flow_expect(&flow, "tcp", VPC_HERE ":8001", "open");
	assert_int_equal(vpc_links(), 1);
	assert_int_equal(faas_function_delete(flow.rt, "tcp", &err), 0);
	vpc_await_links(0);
}

TEST(one_that_crashes_leaves_none_either_and_the_next_has_an_address)
{
	vpc_needs_machine();
	vpc_await_links(0);
	vpc_function("tcp", "network.tcp", "subnet-a", "sg-port");
	flow_expect(&flow, "tcp", VPC_HERE ":8001", "open");
	expect("die", NULL);
	vpc_await_links(0);
	flow_expect(&flow, "tcp", VPC_HERE ":8001", "open");
	assert_int_equal(vpc_links(), 1);
}

/* FAAS_VPC_ENVIRONMENTS=1000 for many. */
TEST(environments_come_and_go_and_each_was_connected)
{
	const char *text = getenv("FAAS_VPC_ENVIRONMENTS");
	int count = text ? atoi(text) : 12;

	vpc_needs_machine();
	vpc_await_links(0);
	vpc_function("tcp", "network.tcp", "subnet-a", "sg-port");
	for (int i = 0; i < count; i++) {
		expect(VPC_HERE ":8001", "open");
		expect("die", NULL);
	}
	vpc_await_links(0);
}

/* A subnet of eleven addresses. */
TEST(without_a_free_address_it_is_told_so_and_with_one_it_goes_on)
{
	struct faas_result *result;

	vpc_needs_machine();
	vpc_await_links(0);
	vpc_function("last", "network.addresses", "subnet-b", "sg-none");
	flow_function(&flow, FAAS_FUNCTION(.name = "kept", .handler = "network.addresses",
					   .subnets = "subnet-b", .security_groups = "sg-none",
					   .provisioned = 11));
	vpc_await_links(11);
	assert_int_equal(faas_invoke_wait(flow.rt, FAAS_REQUEST(.function = "last"), &result, &err),
			 FAAS_ESYSTEM);
	assert_string_equal(err.type, "SubnetIPAddressLimitReachedException");
	assert_string_equal(
		err.message,
		"Lambda was not able to set up VPC access for the Lambda function because "
		"one or more configured subnets has no available IP addresses.");
	assert_int_equal(faas_function_delete(flow.rt, "kept", &err), 0);
	vpc_await_links(0);
	assert_int_equal(flow_call(&flow, "last", "")->code, 0);
}

TEST(of_several_subnets_one_with_an_address_is_found)
{
	const struct faas_result *result;

	vpc_needs_machine();
	vpc_await_links(0);
	flow_function(&flow, FAAS_FUNCTION(.name = "kept", .handler = "network.addresses",
					   .subnets = "subnet-b", .security_groups = "sg-none",
					   .provisioned = 11));
	vpc_await_links(11);
	vpc_function("last", "network.addresses", "subnet-b,subnet-a", "sg-none");
	result = flow_call(&flow, "last", "");
	assert_int_equal(result->code, 0);
	assert_memory_equal(result->payload.data, "10.77.0.", strlen("10.77.0."));
	vpc_await_links(12);
}

TEST(a_bridge_that_is_not_there_is_said_and_harms_nobody)
{
	struct faas_result *result;

	vpc_needs_machine();
	vpc_function("lost", "network.addresses", "subnet-lost", "sg-none");
	vpc_function("tcp", "network.tcp", "subnet-a", "sg-port");
	assert_int_equal(faas_invoke_wait(flow.rt, FAAS_REQUEST(.function = "lost"), &result, &err),
			 FAAS_ESYSTEM);
	assert_string_equal(err.message, "the environment could not be made: bridge of the subnet: "
					 "No such device");
	flow_expect(&flow, "tcp", VPC_HERE ":8001", "open");
}

/* ---- every kind of environment ---------------------------------------- */

TEST(two_environments_have_two_addresses)
{
	vpc_needs_machine();
	vpc_await_links(0);
	flow_function(&flow, FAAS_FUNCTION(.name = "kept", .handler = "network.addresses",
					   .subnets = "subnet-a", .security_groups = "sg-none",
					   .provisioned = 2));
	vpc_await_links(2);
}

TEST(two_runtimes_on_one_bridge_get_different_addresses)
{
	struct flow other;

	vpc_needs_machine();
	vpc_await_links(0);
	vpc_function("tcp", "network.tcp", "subnet-a", "sg-port");
	flow_expect(&flow, "tcp", VPC_HERE ":8001", "open");
	flow_open(&other, FAAS_CONFIG(.subnets = vpc_subnets, .security_groups = vpc_groups),
		  false);
	flow_function(&other,
		      FAAS_FUNCTION(.name = "tcp", .handler = "network.tcp", .subnets = "subnet-a",
				    .security_groups = "sg-port", .timeout_ms = VPC_PATIENCE_MS));
	flow_expect(&other, "tcp", VPC_HERE ":8001", "open");
	assert_int_equal(vpc_links(), 2);
	flow_close(&other);
	flow_expect(&flow, "tcp", VPC_HERE ":8001", "open");
	vpc_await_links(1);
}

TEST(a_program_has_its_api_there_and_the_network_besides)
{
	vpc_needs_machine();
	vpc_await_links(0);
	flow_function(&flow, FAAS_FUNCTION(.name = "p", .code = TEST_PROGRAMS,
					   .runtime = "provided.al2023", .handler = "any.string",
					   .subnets = "subnet-a", .security_groups = "sg-port",
					   .timeout_ms = VPC_PATIENCE_MS));
	flow_expect(&flow, "p", "echo {\"a\":1}", "{\"a\":1}");
	assert_int_equal(vpc_links(), 1);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* cannot be kept */
TEST(what_was_restored_or_put_back_has_a_network_too)
{
	vpc_needs_machine();
	flow_function(&flow, FAAS_FUNCTION(.name = "restored", .handler = "network.tcp",
					   .subnets = "subnet-a", .security_groups = "sg-port",
					   .timeout_ms = VPC_PATIENCE_MS, .snapshot = true));
	flow_function(&flow, FAAS_FUNCTION(.name = "pristine", .handler = "network.tcp",
					   .subnets = "subnet-a", .security_groups = "sg-port",
					   .timeout_ms = VPC_PATIENCE_MS, .pristine = true));
	flow_expect(&flow, "restored", VPC_HERE ":8001", "open");
	flow_expect(&flow, "restored", VPC_HERE ":8002", "EHOSTUNREACH");
	flow_expect(&flow, "pristine", VPC_HERE ":8001", "open");
	flow_expect(&flow, "pristine", VPC_HERE ":8001", "open");
	flow_expect(&flow, "pristine", VPC_HERE ":8002", "EHOSTUNREACH");
}
#endif

static _Atomic int *connected;

static void be_killed(void)
{
	vpc_open(NULL);
	vpc_function("tcp", "network.tcp", "subnet-a", "sg-port");
	flow_expect(&flow, "tcp", VPC_HERE ":8001", "open");
	atomic_fetch_add(connected, 1);
	pause();
}

TEST(a_host_that_is_killed_leaves_no_link_behind)
{
	vpc_needs_machine();
	flow_close(&flow);
	vpc_await_links(0);
	connected = kills_begin(sizeof(*connected));
	kills_one(be_killed, connected, 1, 0);
	vpc_await_links(0);
	kills_end(NULL);
	vpc_open(NULL);
}

/* An invocation takes what is there. */
/* Networks that a process has open, and the sum of their numbers. */
static int networks_of(pid_t pid, uint64_t *sum)
{
	char path[64], target[64];
	struct dirent *entry;
	int count = 0;
	DIR *dir;

	*sum = 0;
	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		ssize_t len = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);

		target[len > 0 ? len : 0] = '\0';
		if (strncmp(target, "net:[", 5) != 0)
			continue;
		*sum += strtoull(target + 5, NULL, 10);
		count++;
	}
	if (dir)
		closedir(dir);
	return count;
}

#define IN_NEST (4 + 1) /* made ahead, and its own */

/* Wait until the nest has made all that it makes ahead; which they are. */
static uint64_t await_networks(void)
{
	struct process all[64];
	uint64_t sum;

	for (int i = 0; i < 6000; i++) {
		int count = processes_below(getpid(), all, 64);

		for (int at = 0; at < count; at++)
			if (networks_of(all[at].pid, &sum) == IN_NEST)
				return sum;
		usleep(10000);
	}
	fail_msg("there are never %d networks", IN_NEST);
	return 0;
}

TEST(four_networks_are_made_ahead_and_none_for_an_event)
{
	uint64_t networks;

	vpc_needs_machine();
	vpc_function("tcp", "network.tcp", "subnet-a", "sg-port");
	expect(VPC_HERE ":8001", "open");
	networks = await_networks();
	for (int i = 0; i < 20; i++)
		expect(VPC_HERE ":8001", "open");
	assert_true(await_networks() == networks);
	expect("die", NULL);
	expect(VPC_HERE ":8001", "open"); /* by one of the four */
	assert_true(await_networks() != networks);
}

TEST(a_warm_environment_keeps_its_address)
{
	const struct faas_result *first;

	vpc_needs_machine();
	vpc_await_links(0);
	vpc_function("where", "network.addresses", "subnet-a", "sg-none");
	first = flow_call(&flow, "where", "");
	for (int i = 0; i < 20; i++) {
		const struct faas_result *next = flow_call(&flow, "where", "");

		assert_int_equal(next->payload.len, first->payload.len);
		assert_memory_equal(next->payload.data, first->payload.data, next->payload.len);
	}
	assert_int_equal(vpc_links(), 1);
}

static pid_t find_keeper(void)
{
	struct process found[64];
	int n = processes_below(getpid(), found, 64);

	for (int i = 0; i < n && i < 64; i++)
		if (!strcmp(found[i].name, "faas-networks") && found[i].state != 'Z')
			return found[i].pid;
	return 0;
}

TEST(a_keeper_that_was_killed_is_made_anew)
{
	pid_t keeper;

	vpc_needs_machine();
	vpc_await_links(0);
	vpc_function("tcp", "network.tcp", "subnet-a", "sg-port");
	flow_expect(&flow, "tcp", VPC_HERE ":8001", "open");
	keeper = find_keeper();
	assert_true(keeper > 0);
	assert_int_equal(kill(keeper, SIGKILL), 0);
	vpc_await_links(0); /* its nests end with it, as with their supervisor */
	flow_expect(&flow, "tcp", VPC_HERE ":8001", "open");
	assert_int_not_equal(find_keeper(), keeper);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, vpc_open, vpc_close)
	const struct CMUnitTest tests[] = {
		CASE(an_environment_has_an_address_of_its_subnet_and_no_other),
		CASE(it_reaches_the_port_that_its_group_names_and_no_other),
		CASE(what_is_far_away_is_reached_through_the_gateway),
		CASE(of_several_groups_each_adds_to_what_is_reached),
		CASE(whoever_may_reach_all_does_not_reach_this_machine),
		CASE(whoever_may_reach_all_reaches_nobody_by_ipv6),
		CASE(another_subnet_is_not_reached_unless_a_group_says_so),
		CASE(names_are_asked_of_the_subnets_resolver_whatever_the_groups_say),
		CASE(a_subnet_without_a_resolver_knows_no_names_and_asks_nobody_elses),
		CASE(an_image_asks_that_resolver_too_whatever_it_says_itself),
		CASE(nobody_reaches_what_listens_there),
		CASE(a_function_cannot_change_its_network_nor_leave_it),
		CASE(an_environment_that_ends_leaves_no_link_behind),
		CASE(one_that_crashes_leaves_none_either_and_the_next_has_an_address),
		CASE(environments_come_and_go_and_each_was_connected),
		CASE(without_a_free_address_it_is_told_so_and_with_one_it_goes_on),
		CASE(of_several_subnets_one_with_an_address_is_found),
		CASE(a_bridge_that_is_not_there_is_said_and_harms_nobody),
		CASE(two_environments_have_two_addresses),
		CASE(two_runtimes_on_one_bridge_get_different_addresses),
		CASE(a_program_has_its_api_there_and_the_network_besides),
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
		CASE(what_was_restored_or_put_back_has_a_network_too),
#endif
		CASE(a_host_that_is_killed_leaves_no_link_behind),
		CASE(four_networks_are_made_ahead_and_none_for_an_event),
		CASE(a_warm_environment_keeps_its_address),
		CASE(a_keeper_that_was_killed_is_made_anew),
	};

	vpc_make_machine();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
