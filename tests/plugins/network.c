/* SPDX-License-Identifier: MIT */
/* Speaks to others as it is told, and says what came of it. */
#include <faas/plugin.h>

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define LONG_MS 20000 /* to reach somebody; who is refused hears of it at once */
#define SHORT_MS 300  /* to be reached */

static int say_errno(struct faas_context *ctx, int error)
{
	return faas_puts(ctx, error ? strerrorname_np(error) : "open");
}

/* The event is "address:port". */
static bool read_name(struct sockaddr_in *to, struct faas_bytes event)
{
	char text[64], *port;
	size_t len = event.len < sizeof(text) - 1 ? event.len : sizeof(text) - 1;

	memcpy(text, event.data, len);
	text[len] = '\0';
	port = strchr(text, ':');
	if (!port)
		return false;
	*port = '\0';
	*to = (struct sockaddr_in){ .sin_family = AF_INET,
				    .sin_port = htons((uint16_t)atoi(port + 1)) };
	return inet_pton(AF_INET, text, &to->sin_addr) == 1;
}

static int error_of(int sock)
{
	int error = 0;
	socklen_t len = sizeof(error);

	getsockopt(sock, SOL_SOCKET, SO_ERROR, &error, &len);
	return error;
}

static int reach(struct faas_context *ctx, struct faas_bytes event, int type)
{
	struct sockaddr_in to;
	struct pollfd wait = { .events = type == SOCK_STREAM ? POLLOUT : POLLIN };
	int error = 0, all = 1;

	if (!read_name(&to, event))
		abort();
	wait.fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (wait.fd < 0)
		return say_errno(ctx, errno);
	setsockopt(wait.fd, SOL_SOCKET, SO_BROADCAST, &all, sizeof(all));
	if (connect(wait.fd, (struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS)
		error = errno;
	if (!error && type == SOCK_DGRAM && send(wait.fd, "ping", 4, 0) < 0)
		error = errno;
	if (!error)
		error = poll(&wait, 1, LONG_MS) == 1 ? error_of(wait.fd) : ETIMEDOUT;
	close(wait.fd);
	return say_errno(ctx, error);
}

static int tcp(struct faas_context *ctx, struct faas_bytes event)
{
	return reach(ctx, event, SOCK_STREAM);
}

static int udp(struct faas_context *ctx, struct faas_bytes event)
{
	return reach(ctx, event, SOCK_DGRAM);
}

/* To whoever is on its link, by IPv6: "sent", or why it could not be. */
static int ipv6(struct faas_context *ctx, struct faas_bytes event)
{
	struct sockaddr_in6 all = { .sin6_family = AF_INET6, .sin6_port = htons(9) };
	int sock = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), error = 0;
	struct if_nameindex *links = if_nameindex();

	(void)event;
	inet_pton(AF_INET6, "ff02::1", &all.sin6_addr);
	for (struct if_nameindex *link = links; link && link->if_index; link++)
		if (strcmp(link->if_name, "lo") != 0)
			all.sin6_scope_id = link->if_index;
	if_freenameindex(links);
	for (int i = 0; i < 300; i++) { /* its address takes a while to be one */
		error = sendto(sock, "ping", 4, 0, (struct sockaddr *)&all, sizeof(all)) < 0 ?
				errno : 0;
		if (error != EADDRNOTAVAIL)
			break;
		poll(NULL, 0, 10);
	}
	if (sock >= 0)
		close(sock);
	return faas_puts(ctx, error ? strerrorname_np(error) : "sent");
}

/* Its addresses but that of lo. */
static void list_addresses(char *all, size_t size)
{
	struct ifaddrs *list = NULL;
	char text[INET_ADDRSTRLEN];
	size_t len = 0;

	*all = '\0';
	if (getifaddrs(&list) < 0)
		return;
	for (const struct ifaddrs *a = list; a; a = a->ifa_next) {
		struct sockaddr_in in;

		if (!a->ifa_addr || a->ifa_addr->sa_family != AF_INET || !strcmp(a->ifa_name, "lo"))
			continue;
		memcpy(&in, a->ifa_addr, sizeof(in));
		inet_ntop(AF_INET, &in.sin_addr, text, sizeof(text));
		len += (size_t)snprintf(all + len, size - len, "%s%s", len ? " " : "", text);
	}
	freeifaddrs(list);
}

static int addresses(struct faas_context *ctx, struct faas_bytes event)
{
	char all[256];

	(void)event;
	list_addresses(all, sizeof(all));
	return faas_puts(ctx, all);
}

/* Who is called so, by whoever is asked for names here. */
static int resolve(struct faas_context *ctx, struct faas_bytes event)
{
	struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM }, *found;
	char name[128], text[INET_ADDRSTRLEN];
	size_t len = event.len < sizeof(name) - 1 ? event.len : sizeof(name) - 1;
	struct sockaddr_in in;
	int rc;

	memcpy(name, event.data, len);
	name[len] = '\0';
	rc = getaddrinfo(name, NULL, &hints, &found);
	if (rc)
		return faas_puts(ctx, gai_strerror(rc));
	memcpy(&in, found->ai_addr, sizeof(in));
	freeaddrinfo(found);
	inet_ntop(AF_INET, &in.sin_addr, text, sizeof(text));
	return faas_puts(ctx, text);
}

/* Says on its log where it listens, and whether somebody came: to 127.0.0.1 it comes itself. */
static int listen_at(struct faas_context *ctx, struct faas_bytes event)
{
	struct pollfd wait = { .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
			       .events = POLLIN };
	int self = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), n = -1;
	struct sockaddr_in at;
	char all[256];

	if (!read_name(&at, event))
		abort();
	list_addresses(all, sizeof(all));
	if (bind(wait.fd, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(wait.fd, 1) == 0) {
		printf("listens at %s\n", all);
		fflush(stdout);
		if (ntohl(at.sin_addr.s_addr) == INADDR_LOOPBACK)
			connect(self, (struct sockaddr *)&at, sizeof(at));
		n = poll(&wait, 1, SHORT_MS);
	}
	close(wait.fd);
	close(self);
	return n < 0 ? say_errno(ctx, errno) : faas_puts(ctx, n ? "somebody came" : "nobody came");
}

/* ---- what must not be done -------------------------------------------- */

/* To speak in the name of another address, which is no device's. */
static bool speak_as(const struct sockaddr_in *other)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), yes = 1;
	bool done;

	inet_pton(AF_INET, "10.77.0.1", &to.sin_addr);
	setsockopt(sock, IPPROTO_IP, IP_FREEBIND, &yes, sizeof(yes));
	done = bind(sock, (const struct sockaddr *)other, sizeof(*other)) == 0 &&
	       sendto(sock, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)) == 1;
	close(sock);
	return done;
}

static bool take_address(const struct sockaddr_in *other)
{
	struct ifreq request = { .ifr_name = "eth0" };
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool done;

	memcpy(&request.ifr_addr, other, sizeof(*other));
	done = ioctl(sock, SIOCSIFADDR, &request) == 0;
	close(sock);
	return done;
}

static bool switch_off(void)
{
	struct ifreq request = { .ifr_name = "eth0" };
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool done = ioctl(sock, SIOCSIFFLAGS, &request) == 0;

	close(sock);
	return done;
}

static bool open_raw(int family, int type, int protocol)
{
	int sock = socket(family, type | SOCK_CLOEXEC, protocol);

	if (sock >= 0)
		close(sock);
	return sock >= 0;
}

/* The event is an address of somebody else. Names what worked. */
static int escape(struct faas_context *ctx, struct faas_bytes event)
{
	struct sockaddr_in other;
	char worked[256];
	bool done[] = { false, false, false, false, false, false, false };
	static const char *const names[] = { "speak as another", "take an address", "switch off",
					     "raw sockets",      "packets",         "rules",
					     "another network" };
	size_t len = 0;

	if (!read_name(&other, event))
		abort();
	done[0] = speak_as(&other);
	done[1] = take_address(&other);
	done[2] = switch_off();
	done[3] = open_raw(AF_INET, SOCK_RAW, IPPROTO_ICMP);
	done[4] = open_raw(AF_PACKET, SOCK_RAW, 0);
	done[5] = open_raw(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);
	done[6] = unshare(CLONE_NEWNET) == 0;
	worked[0] = '\0';
	for (size_t i = 0; i < sizeof(done) / sizeof(*done); i++)
		if (done[i])
			len += (size_t)snprintf(worked + len, sizeof(worked) - len, "%s; ",
						names[i]);
	return faas_puts(ctx, len ? worked : "nothing worked");
}

FAAS_PLUGIN("network", "1", FAAS_HANDLER(tcp), FAAS_HANDLER(udp), FAAS_HANDLER(ipv6),
	    FAAS_HANDLER(addresses),
	    FAAS_HANDLER(resolve), FAAS_HANDLER(listen_at), FAAS_HANDLER(escape));
