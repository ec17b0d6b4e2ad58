/* SPDX-License-Identifier: MIT */
#include <env/vpc.h>

#include <errno.h>
#include <string.h>

#include <env/supervisor.h>
#include <model/vpc.h>

_Static_assert(FA_VPC_SUBNETS == FA_VPC_SUBNETS_MAX &&
		       FA_VPC_GROUPS * FA_VPC_RULES == FA_VPC_RULES_MAX,
	       "whatever a function may name goes into one message");

static void add_resolver(struct fa_nest_setup *setup, uint32_t address)
{
	for (size_t i = 0; i < sizeof(setup->resolvers) / sizeof(*setup->resolvers); i++) {
		if (setup->resolvers[i] == address)
			return;
		if (!setup->resolvers[i]) {
			setup->resolvers[i] = address;
			return;
		}
	}
}

void fa_vpc_announce(struct fa_nest_setup *setup, const struct fa_version *v)
{
	const char *list = v->config.subnets;
	struct faas_bytes id;

	setup->flags |= FA_NEST_VPC;
	while (fa_vpc_next_id(&list, &id)) {
		const struct fa_subnet *s = fa_subnet_find(v->code.vpcs, id);

		if (s && s->resolver)
			add_resolver(setup, s->resolver);
	}
}

static void add_subnet(struct fa_vpc *vpc, const struct fa_subnet *from)
{
	struct fa_vpc_subnet *to = &vpc->subnets[vpc->subnet_count++];

	to->address = from->range.address;
	to->bits = (uint32_t)from->range.bits;
	to->gateway = from->gateway;
	to->resolver = from->resolver;
	memcpy(to->bridge, from->bridge, sizeof(to->bridge));
}

static void add_group(struct fa_vpc *vpc, const struct fa_vpc_group *from)
{
	for (size_t i = 0; i < from->egress_count; i++) {
		const struct fa_egress *egress = &from->egress[i];

		vpc->rules[vpc->rule_count++] = (struct fa_vpc_rule){
			.address = egress->to.address,
			.bits = (uint8_t)egress->to.bits,
			.protocol = egress->protocol,
			.from_port = egress->from_port,
			.to_port = egress->to_port,
		};
	}
}

int fa_vpc_send(int supervisor, const struct fa_version *v, uint32_t nest)
{
	const char *subnets = v->config.subnets, *groups = v->config.security_groups;
	struct fa_vpc vpc = { .ctl.type = FA_VPC, .ctl.id = nest };
	struct faas_bytes id;

	if (v->unconnected)
		return -ENODEV;
	while (fa_vpc_next_id(&subnets, &id))
		add_subnet(&vpc, fa_subnet_find(v->code.vpcs, id));
	while (fa_vpc_next_id(&groups, &id))
		add_group(&vpc, fa_vpc_group_find(v->code.vpcs, id));
	return fa_ctl_send(supervisor, &vpc, sizeof(vpc), NULL, 0);
}
