/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_VPC_H
#define FA_MODEL_VPC_H

#include <net/if.h>
#include <stdint.h>

#include <model/function.h>

/* The host's subnets and security groups, copied; they stay while the runtime lives. */

#define FA_VPC_SUBNETS 16 /* of a function, semantics 1.2 */
#define FA_VPC_GROUPS 5
#define FA_VPC_RULES 60 /* of a group */

/* When all addresses are taken. */
#define FA_NO_ADDRESS_TYPE "SubnetIPAddressLimitReachedException"
#define FA_NO_ADDRESS_TEXT \
	"Lambda was not able to set up VPC access for the Lambda function because one or more " \
	"configured subnets has no available IP addresses."

/* Addresses of IPv4 in the machine's byte order; 0: none. */
struct fa_range {
	uint32_t address;
	int bits;
};

struct fa_subnet {
	char *id, *vpc;
	struct fa_range range;
	uint32_t gateway, resolver;
	char bridge[IF_NAMESIZE];
};

struct fa_egress {
	struct fa_range to;
	uint8_t protocol;            /* IPPROTO_TCP, _UDP, _ICMP; 0: any */
	uint16_t from_port, to_port; /* 0: any */
};

struct fa_vpc_group {
	char *id;
	struct fa_egress *egress;
	size_t egress_count;
};

struct fa_vpcs {
	struct fa_subnet *subnets;
	struct fa_vpc_group *groups;
	size_t subnet_count, group_count;
};

/* FAAS_EINVAL: one of them cannot be. */
int fa_vpcs_init(struct fa_vpcs *all, const struct fa_mem *mem, const struct faas_config *from,
		 struct faas_error *err);
void fa_vpcs_finish(struct fa_vpcs *all);

/* Ids with commas between them, one after the other; false: there are no more. */
bool fa_vpc_next_id(const char **list, struct faas_bytes *id);
/* NULL: there is none. */
const struct fa_subnet *fa_subnet_find(const struct fa_vpcs *all, struct faas_bytes id);
const struct fa_vpc_group *fa_vpc_group_find(const struct fa_vpcs *all, struct faas_bytes id);

/* Whether a configuration may be so, as far as it alone can tell. */
int fa_vpc_check(const struct faas_function_config *config, struct faas_error *err);
/* Whether this host has all that it names, in one VPC. */
int fa_vpc_check_named(const struct fa_vpcs *all, const struct faas_function_config *config,
		       struct faas_error *err);
/* The subnets' VPC; NULL: this host has not got the first one. */
const char *fa_vpc_id(const struct fa_vpcs *all, const struct faas_function_config *config);
/* Why there can be no such network on this machine, by the errno that the worker told. */
const char *fa_vpc_lack(int error);
/* What a version is answered with whose subnets and groups this host has not got. */
int fa_version_unconnected(const struct fa_version *version, struct faas_error *err);

#endif
