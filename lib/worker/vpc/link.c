/* SPDX-License-Identifier: MIT */
#include <worker/vpc/link.h>

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_MAX 16384

/* A message that grows; what has parts is opened and closed again. */
struct request {
	union {
		struct nlmsghdr head;
		char bytes[512];
	};
};

static void *put(struct request *r, size_t len)
{
	void *at = r->bytes + NLMSG_ALIGN(r->head.nlmsg_len);

	r->head.nlmsg_len = NLMSG_ALIGN(r->head.nlmsg_len) + (uint32_t)len;
	return at;
}

static void *begin(struct request *r, int type, int flags, size_t len)
{
	memset(r, 0, sizeof(*r));
	r->head.nlmsg_len = NLMSG_HDRLEN;
	r->head.nlmsg_type = (uint16_t)type;
	r->head.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	return put(r, len);
}

static struct rtattr *open_part(struct request *r, int type)
{
	struct rtattr *attribute = put(r, sizeof(*attribute));

	attribute->rta_type = (uint16_t)type;
	return attribute;
}

static void close_part(struct request *r, struct rtattr *attribute)
{
	attribute->rta_len = (uint16_t)(r->bytes + r->head.nlmsg_len - (char *)attribute);
}

static void add(struct request *r, int type, const void *data, size_t len)
{
	struct rtattr *attribute = open_part(r, type);

	memcpy(put(r, len), data, len);
	close_part(r, attribute);
}

static void add_text(struct request *r, int type, const char *text)
{
	add(r, type, text, strlen(text) + 1);
}

static void add_number(struct request *r, int type, uint32_t number)
{
	add(r, type, &number, sizeof(number));
}

/* Send, and wait for the kernel's yes or no. */
static int ask(int sock, struct request *r)
{
	union {
		struct nlmsghdr head;
		char bytes[1024];
	} answer;
	const struct nlmsgerr *error = NLMSG_DATA(&answer.head);
	ssize_t n;

	r->head.nlmsg_flags |= NLM_F_ACK;
	if (send(sock, r, r->head.nlmsg_len, 0) < 0)
		return -errno;
	n = recv(sock, &answer, sizeof(answer), 0);
	if (n < 0)
		return -errno;
	if (n < (ssize_t)NLMSG_LENGTH(sizeof(error->error)) ||
	    answer.head.nlmsg_type != NLMSG_ERROR)
		return -EPROTO;
	return error->error;
}

int fa_link_open(void)
{
	int sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	return sock < 0 ? -errno : sock;
}

/*
 * The hardware address is made of the other: who gets an address after somebody else has its
 * hardware address, too, so that no neighbour asks for the dead one.
 */
int fa_link_pair(int sock, const char *name, int bridge, int namespace, uint32_t address)
{
	unsigned char hardware[6] = { 0x02, 0xfa };
	uint32_t net = htonl(address);
	struct request r;
	struct ifinfomsg *info = begin(&r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(*info));
	struct rtattr *link, *data, *peer;

	info->ifi_flags = info->ifi_change = IFF_UP;
	add_text(&r, IFLA_IFNAME, name);
	add_number(&r, IFLA_MASTER, (uint32_t)bridge);
	link = open_part(&r, IFLA_LINKINFO);
	add_text(&r, IFLA_INFO_KIND, "veth");
	data = open_part(&r, IFLA_INFO_DATA);
	peer = open_part(&r, VETH_INFO_PEER);
	put(&r, sizeof(*info));
	add_text(&r, IFLA_IFNAME, FA_LINK_NAME);
	add_number(&r, IFLA_NET_NS_FD, (uint32_t) namespace);
	memcpy(hardware + 2, &net, sizeof(net));
	add(&r, IFLA_ADDRESS, hardware, sizeof(hardware));
	close_part(&r, peer);
	close_part(&r, data);
	close_part(&r, link);
	return ask(sock, &r);
}

int fa_link_up(int sock, int index)
{
	struct request r;
	struct ifinfomsg *info = begin(&r, RTM_NEWLINK, 0, sizeof(*info));

	info->ifi_index = index;
	info->ifi_flags = info->ifi_change = IFF_UP;
	return ask(sock, &r);
}

int fa_link_address(int sock, int index, uint32_t address, uint32_t bits)
{
	struct request r;
	struct ifaddrmsg *message =
		begin(&r, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, sizeof(*message));
	uint32_t net = htonl(address), broadcast = htonl(address | ~(~0u << (32 - bits)));

	message->ifa_family = AF_INET;
	message->ifa_prefixlen = (uint8_t)bits;
	message->ifa_index = (uint32_t)index;
	add(&r, IFA_LOCAL, &net, sizeof(net));
	add(&r, IFA_ADDRESS, &net, sizeof(net));
	add(&r, IFA_BROADCAST, &broadcast, sizeof(broadcast));
	return ask(sock, &r);
}

int fa_link_gateway(int sock, uint32_t gateway)
{
	struct request r;
	struct rtmsg *message =
		begin(&r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, sizeof(*message));
	uint32_t net = htonl(gateway);

	message->rtm_family = AF_INET;
	message->rtm_table = RT_TABLE_MAIN;
	message->rtm_protocol = RTPROT_BOOT;
	message->rtm_type = RTN_UNICAST;
	add(&r, RTA_GATEWAY, &net, sizeof(net));
	return ask(sock, &r);
}

/* ---- what there is --------------------------------------------------- */

static void tell_address(const struct nlmsghdr *head, void (*each)(void *data, uint32_t address),
			 void *data)
{
	struct ifaddrmsg *message = NLMSG_DATA(head);
	int len = (int)IFA_PAYLOAD(head);

	for (struct rtattr *a = IFA_RTA(message); RTA_OK(a, len); a = RTA_NEXT(a, len)) {
		uint32_t net;

		if (a->rta_type != IFA_LOCAL || RTA_PAYLOAD(a) != sizeof(net))
			continue;
		memcpy(&net, RTA_DATA(a), sizeof(net));
		if (ntohl(net) >> 24 != 127)
			each(data, ntohl(net));
	}
}

int fa_link_addresses(int sock, void (*each)(void *data, uint32_t address), void *data)
{
	union {
		struct nlmsghdr head;
		char bytes[ANSWER_MAX];
	} answer;
	struct request r;
	struct ifaddrmsg *message = begin(&r, RTM_GETADDR, NLM_F_DUMP, sizeof(*message));

	message->ifa_family = AF_INET;
	if (send(sock, &r, r.head.nlmsg_len, 0) < 0)
		return -errno;
	for (;;) {
		ssize_t n = recv(sock, &answer, sizeof(answer), 0);
		unsigned len = n < 0 ? 0 : (unsigned)n;

		if (n < 0)
			return -errno;
		for (const struct nlmsghdr *h = &answer.head; NLMSG_OK(h, len);
		     h = NLMSG_NEXT(h, len)) {
			if (h->nlmsg_type == NLMSG_DONE)
				return 0;
			if (h->nlmsg_type == NLMSG_ERROR)
				return ((const struct nlmsgerr *)NLMSG_DATA(h))->error;
			tell_address(h, each, data);
		}
		if (!n)
			return -EPROTO;
	}
}
