/* SPDX-License-Identifier: MIT */
#include "vpc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test.h"

const struct faas_subnet vpc_subnets[] = {
	{ .id = "subnet-a",
	  .cidr = "10.77.0.0/24",
	  .bridge = "br-a",
	  .gateway = VPC_HERE,
	  .resolver = VPC_HERE },
	{ .id = "subnet-b", .cidr = "10.78.0.0/28", .bridge = "br-b", .gateway = "10.78.0.1" },
	{ .id = "subnet-lost", .cidr = "10.79.0.0/24", .bridge = "br-lost" },
	{ .id = "subnet-other", .cidr = "10.76.0.0/24", .bridge = "br-a", .vpc = "vpc-1" },
	{ .id = NULL },
};

static const struct faas_egress one_port[] = { { VPC_HERE "/32", "tcp", 8001, 0 },
					       { .cidr = NULL } };
static const struct faas_egress ports[] = { { VPC_FAR "/32", "udp", 8000, 8001 },
					    { .cidr = NULL } };
static const struct faas_egress all[] = { { .cidr = "0.0.0.0/0" }, { .cidr = NULL } };
const struct faas_security_group vpc_groups[] = {
	{ "sg-port", one_port }, { "sg-udp", ports }, { "sg-all", all },
	{ "sg-none", NULL },     { NULL, NULL },
};

/* ---- the machine ----------------------------------------------------- */

static const char *why_not = "nobody made it";

static bool run(const char *command)
{
	int status = system(command);

	if (status)
		fprintf(stderr, "%s: %d\n", command, status);
	return !status;
}

#define NAMES_PORT 53

/* Of both namespaces; the last one is asked for names. */
static struct pollfd listeners[9];
static nfds_t listener_count;

static void listen_at(int type, int port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int sock = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(sock, (struct sockaddr *)&at, sizeof(at)), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(sock, 64), 0);
	listeners[listener_count++] = (struct pollfd){ .fd = sock, .events = POLLIN };
}

static void listen_here(void)
{
	for (int port = 8001; port <= 8002; port++) {
		listen_at(SOCK_STREAM, port);
		listen_at(SOCK_DGRAM, port);
	}
}

/* A question of DNS becomes an answer: VPC_FAR, for the type that an IPv4 address has. */
static ssize_t name(unsigned char *text, ssize_t n)
{
	static const unsigned char found[] = {
		0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 88, 0, 2
	};
	ssize_t end = 12;

	while (end < n && text[end])
		end += text[end] + 1;
	end += 5;
	if (end > n)
		return 0;
	text[2] = 0x81;
	text[3] = 0x80;
	memset(text + 6, 0, 6);
	text[7] = 1;
	memcpy(text + end, found, sizeof(found));
	return end + (ssize_t)sizeof(found);
}

static void answer(int sock, bool names)
{
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	unsigned char text[512];
	ssize_t n = recvfrom(sock, text, sizeof(text) - 32, MSG_DONTWAIT, (struct sockaddr *)&from,
			     &len);

	if (n < 0) /* it is one that is connected to */
		close(accept4(sock, NULL, NULL, SOCK_CLOEXEC));
	else if (names)
		sendto(sock, text, (size_t)name(text, n), 0, (struct sockaddr *)&from, len);
	else
		sendto(sock, text, (size_t)n, 0, (struct sockaddr *)&from, len);
}

/* By a process, which ends with us: tests fork, and a sanitizer minds threads then. */
static bool serve(void)
{
	pid_t pid = fork();

	if (pid)
		return pid > 0;
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	while (poll(listeners, listener_count, -1) >= 0)
		for (nfds_t i = 0; i < listener_count; i++)
			if (listeners[i].revents)
				answer(listeners[i].fd, i == listener_count - 1);
	_exit(1);
}

static bool make_far(void)
{
	int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC), far;
	char command[256];
	bool done;

	if (unshare(CLONE_NEWNET) < 0)
		return false;
	far = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	done = run("ip link set lo up");
	listen_here();
	assert_int_equal(setns(home, CLONE_NEWNET), 0);
	snprintf(command, sizeof(command),
		 "ip link add far type veth peer name eth0 netns /proc/%d/fd/%d &&"
		 "ip addr add 10.88.0.1/24 dev far && ip link set far up",
		 getpid(), far);
	done = done && run(command);
	assert_int_equal(setns(far, CLONE_NEWNET), 0);
	done = done && run("ip addr add " VPC_FAR "/24 dev eth0 && ip link set eth0 up &&"
			   "ip route add default via 10.88.0.1");
	assert_int_equal(setns(home, CLONE_NEWNET), 0);
	close(home);
	close(far);
	return done;
}

/* NULL, or what is missing; then those tests are skipped. */
static const char *make_machine(void)
{
	if (geteuid())
		return "root makes networks";
	if (access("/usr/sbin/nft", X_OK) < 0)
		return "nftables is not installed";
	if (system("ip -V >/dev/null 2>&1"))
		return "iproute2 is not installed";
	if (unshare(CLONE_NEWNET) < 0)
		return "no network namespace is to be had here";
	if (!run("ip link set lo up && ip link add br-a type bridge &&"
		 "ip addr add " VPC_HERE "/24 dev br-a && ip link set br-a up &&"
		 "ip link add br-b type bridge && ip addr add 10.78.0.1/28 dev br-b &&"
		 "ip link set br-b up && echo 1 >/proc/sys/net/ipv4/ip_forward") ||
	    !make_far())
		return "bridges and links are not to be had here";
	listen_here();
	listen_at(SOCK_DGRAM, NAMES_PORT);
	return serve() ? NULL : "no process can be made";
}

int vpc_open(void **state)
{
	(void)state;
	flow_open(&flow, FAAS_CONFIG(.subnets = vpc_subnets, .security_groups = vpc_groups), false);
	return 0;
}

int vpc_close(void **state)
{
	(void)state;
	flow_close(&flow);
	return 0;
}

void vpc_make_machine(void)
{
	why_not = make_machine();
	if (why_not)
		printf("skipped: %s\n", why_not);
}

bool vpc_has_machine(void)
{
	return !why_not;
}

void vpc_open_lasting(const char *state_dir)
{
	flow_open(&flow,
		  FAAS_CONFIG(.subnets = vpc_subnets, .security_groups = vpc_groups,
			      .state_dir = state_dir),
		  false);
}

void vpc_needs_machine(void)
{
	if (why_not)
		skip();
}

void vpc_function(const char *name, const char *handler, const char *subnet, const char *group)
{
	flow_function(&flow, FAAS_FUNCTION(.name = name, .handler = handler, .subnets = subnet,
					   .security_groups = group,
					   .timeout_ms = VPC_PATIENCE_MS));
}

int vpc_links(void)
{
	struct if_nameindex *all = if_nameindex();
	int count = 0;

	for (size_t i = 0; all && all[i].if_index; i++)
		count += !strncmp(all[i].if_name, "fa0a", 4);
	if_freenameindex(all);
	return count;
}

void vpc_await_links(int n)
{
	for (int i = 0; i < 6000 && vpc_links() != n; i++)
		usleep(10000);
	assert_int_equal(vpc_links(), n);
}
