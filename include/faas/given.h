/* SPDX-License-Identifier: MIT */
#ifndef FAAS_GIVEN_H
#define FAAS_GIVEN_H

/* What a host program gives in struct faas_config and faas_function_config; all copied. */

#include <faas/types.h>

FAAS_BEGIN_DECLS

/*
 * Which idle environments stay. All let the least needed go when max_memory_mb is
 * reached; what differs is who that is, and what happens while there is room.
 */
enum faas_keep {
	/*
	 * Default: who saves the least cold start per MB and second, as measured; one that
	 * had to go is started again ahead of its next event if that can be told. While there
	 * is room, each stays for two hours, or twice as long as its events were ever apart; of
	 * those that compete for memory a dear one may stay longer, for at most eighteen.
	 */
	FAAS_KEEP_GREEDY = 0,
	FAAS_KEEP_LRU = 1,   /* who is idle longest, and only for room */
	FAAS_KEEP_FIXED = 2, /* the same, and everyone after five minutes */
};

/* Where a function runs. */
enum faas_isolation_kind {
	FAAS_PROCESS = 1, /* default: own process, sandboxed */
	FAAS_THREAD = 2,  /* inside this program: fast, for code you trust like your own */
};

/* What an invocation costs. Zero members: AWS's price for x86 in us-east-1. */
struct faas_prices {
	double per_request;    /* 0.0000002 */
	double per_gb_second;  /* 0.0000166667 */
};

/*
 * A key of yours: 32 bytes, copied, or a file that holds just these, is yours or root's, and can
 * be read by nobody else (`head -c 32 /dev/urandom > FILE; chmod 600 FILE`); it is read by
 * faas_create(). Neither: it is disabled, what it encrypted is unreadable.
 * To change a key, give the new one before the old one, both with its ARN (the first of all
 * is that of functions that name none, which every key is tried on): the new one encrypts.
 * What the old one encrypted, and what lies in the state_dir as plain text because there was
 * no key, is encrypted anew when faas_create() returns, and its former text is in no file of
 * the state_dir; then the old one may go. A function that is not there again by then
 * (see faas_function_create()) is encrypted anew when it is created.
 */
struct faas_key {
	const char *arn;
	const void *bytes;
	const char *file;
};

/*
 * A directory of yours that functions may mount (.file_system of a function, FileSystemConfigs
 * of the API), under the ARN of an access point or any other. What lies in it keeps its owners.
 * An environment acts there as others do, and as the directory's group unless that is root's:
 * `chgrp functions shared; chmod 2770 shared` is how functions share files, and what they make
 * can be written by the group. Let it be a group for this alone: in the machine's /usr and /etc
 * they may read what it may. If your program is not run by root, they act as its user. There are
 * no devices and no set-user-id in it, and what you mount below later is not seen. Do not trust
 * what they leave there: to open a FIFO waits for its other end.
 */
struct faas_file_system {
	const char *arn;  /* at most 200 bytes; NULL ends the list */
	const char *path; /* absolute; where links lead is looked at once */
	bool read_only;   /* for functions */
};

/*
 * A subnet of yours that functions may live in (.subnets of a function, VpcConfig of the API):
 * IPv4 addresses behind a bridge of yours. Each environment there has a network of its own, with
 * a veth in the bridge and a free address; when it ends, both are gone. As in AWS the first four
 * addresses and the last one are no environment's. What the bridge leads to, routes and NAT, is
 * yours; nothing of it is changed. Only if your program is root's, and needs /usr/sbin/nft.
 */
struct faas_subnet {
	const char *id;      /* "subnet-" and [0-9a-z]+, at most 64 bytes; NULL ends the list */
	const char *cidr;    /* "10.0.1.0/24", /16 to /28; no two may overlap */
	const char *bridge;  /* name of the interface */
	const char *gateway; /* an address of the subnet; NULL: nothing beyond it is reached */
	const char *resolver; /* in resolv.conf, reached at port 53 by all; NULL: no names */
	const char *vpc;     /* "vpc-0": subnets of one function are in one */
};

/*
 * Whom functions of a security group may speak to. Answers come back, and nothing else comes in.
 * An address of this machine's own is reached only if a rule names just that one (a /32), as are
 * broadcast and multicast; so are those alone that the machine had when the network was made.
 */
struct faas_egress {
	const char *cidr;     /* "10.0.0.0/8", IPv4; NULL ends the list */
	const char *protocol; /* "tcp", "udp", "icmp"; NULL: any */
	int from_port, to_port; /* of tcp and udp; 0: all; to_port 0: as from_port */
};

struct faas_security_group {
	const char *id;      /* "sg-" and [0-9a-zA-Z]+, at most 64 bytes; NULL ends the list */
	const struct faas_egress *egress; /* at most 60; NULL: nobody */
};

/*
 * A container image of yours by the name that it has as ImageUri in CreateFunction and
 * UpdateFunctionCode: "registry/repository", which then has any tag and digest that the image at
 * `path` has, or one with ":tag" or "@sha256:..." behind it. Who uses these operations
 * can name no others. `path` is as .image of a function has it, without "file://".
 */
struct faas_image {
	const char *name; /* at most 1024 bytes; NULL ends the list */
	const char *path; /* absolute */
};

/* As TagResource has them: up to 50, with keys of 1 to 128 bytes of UTF-8, none of "aws:". */
struct faas_tag {
	const char *key;   /* NULL ends the list */
	const char *value; /* at most 256 bytes; NULL: "" */
};

FAAS_END_DECLS

#endif
