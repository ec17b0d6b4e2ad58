/* SPDX-License-Identifier: MIT */
/* --subnet and --egress: what functions may be in, and whom they reach from there. */
#include <stdlib.h>
#include <string.h>

#include "server.h"

#define SUBNETS 32
#define GROUPS 32
#define RULES 60 /* of a group */
#define SUBNET "a subnet is ID=CIDR,BRIDGE[,GATEWAY[,RESOLVER]], not"
#define EGRESS "an egress rule is GROUP=CIDR[,PROTOCOL[,FROM[,TO]]], not"

static struct faas_subnet subnets[SUBNETS + 1];
static struct faas_egress rules[GROUPS][RULES + 1];
static struct faas_security_group groups[GROUPS + 1];
static int subnet_count, group_count;

/* What is between commas; too many of them are refused. */
static void cut(char *text, char **parts, int most, const char *what)
{
	int count = 0;

	for (char *part = strtok(text, ","); part; part = strtok(NULL, ",")) {
		if (count == most)
			options_refuse(what, part);
		parts[count++] = part;
	}
}

void networks_subnet(char *text, struct faas_config *runtime)
{
	char *rest = options_split(text, SUBNET), *parts[4] = { NULL };

	if (subnet_count == SUBNETS)
		options_refuse("there may be 32 subnets, and not", text);
	cut(rest, parts, 4, SUBNET);
	if (!parts[1])
		options_refuse(SUBNET, rest);
	subnets[subnet_count++] = (struct faas_subnet){ .id = text,
							.cidr = parts[0],
							.bridge = parts[1],
							.gateway = parts[2],
							.resolver = parts[3] };
	runtime->subnets = subnets;
}

static int find_group(char *id)
{
	for (int i = 0; i < group_count; i++)
		if (!strcmp(groups[i].id, id))
			return i;
	if (group_count == GROUPS)
		options_refuse("there may be 32 security groups, and not", id);
	groups[group_count] = (struct faas_security_group){ id, rules[group_count] };
	return group_count++;
}

static int port_of(const char *text)
{
	char *end;
	long port = text ? strtol(text, &end, 10) : 0;

	if (text && (*end || port < 1 || port > 65535))
		options_refuse("a port is a number from 1 to 65535, not", text);
	return (int)port;
}

void networks_egress(char *text, struct faas_config *runtime)
{
	char *rest = options_split(text, EGRESS), *parts[4] = { NULL };
	struct faas_egress *list = rules[find_group(text)];
	int count = 0;

	while (list[count].cidr)
		count++;
	if (count == RULES)
		options_refuse("a group may have 60 rules, as AWS's, and not one more of", text);
	cut(rest, parts, 4, EGRESS);
	if (!parts[0])
		options_refuse(EGRESS, rest);
	list[count] = (struct faas_egress){ .cidr = parts[0],
					    .protocol = parts[1],
					    .from_port = port_of(parts[2]),
					    .to_port = port_of(parts[3]) };
	runtime->security_groups = groups;
}
