/* SPDX-License-Identifier: MIT */
/*
 * The host says once which subnets and security groups there are, and versions name some of
 * them. As with file systems, a version out of the state_dir may name what this host does not
 * have (any more): it stays, and says so when it shall run.
 */
#include <model/vpc.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include <base/error.h>
#include <base/text.h>
#include <model/policy/value.h>

#define ID_MAX 64
#define SUBNET_BITS_MIN 16 /* as AWS has them */
#define SUBNET_BITS_MAX 28
#define DEFAULT_VPC "vpc-0"
#define LOWER "abcdefghijklmnopqrstuvwxyz0123456789"

static uint32_t mask(int bits)
{
	return bits ? ~0u << (32 - bits) : 0;
}

static bool holds(struct fa_range outer, uint32_t address)
{
	return !((outer.address ^ address) & mask(outer.bits));
}

/* As it is written in all configurations: no bits behind the prefix. */
static bool read_range(struct fa_range *out, const char *text)
{
	struct fa_network network;
	uint32_t address;

	if (!text || !fa_value_network(text, &network) || network.family != AF_INET)
		return false;
	memcpy(&address, network.address, sizeof(address));
	*out = (struct fa_range){ ntohl(address), network.bits };
	return !(out->address & ~mask(out->bits));
}

static bool is_id(const char *id, const char *prefix, const char *letters)
{
	const char *rest = id + strlen(prefix);

	return !strncmp(id, prefix, strlen(prefix)) && *rest && strlen(id) <= ID_MAX &&
	       !rest[strspn(rest, letters)];
}

static bool says(struct faas_bytes id, const char *text)
{
	return strlen(text) == id.len && !memcmp(text, id.data, id.len);
}

/* ---- subnets --------------------------------------------------------- */

static bool read_address(uint32_t *out, const char *text)
{
	struct in_addr in;

	*out = inet_pton(AF_INET, text, &in) == 1 ? ntohl(in.s_addr) : 0;
	return *out;
}

/* One of its addresses, but neither the first nor the last. */
static bool is_inside(const struct fa_subnet *s, uint32_t address)
{
	return holds(s->range, address) && address != s->range.address &&
	       address != (s->range.address | ~mask(s->range.bits));
}

static int read_addresses(struct fa_subnet *s, const struct faas_subnet *from,
			  struct faas_error *err)
{
	if (from->gateway &&
	    (!read_address(&s->gateway, from->gateway) || !is_inside(s, s->gateway)))
		return fa_error(err, FAAS_EINVAL,
				"subnets: the gateway of '%s' is no address in it: '%.100s'", s->id,
				from->gateway);
	if (from->resolver && !read_address(&s->resolver, from->resolver))
		return fa_error(err, FAAS_EINVAL,
				"subnets: the resolver of '%s' is no address: '%.100s'", s->id,
				from->resolver);
	return 0;
}

static int check_free(const struct fa_vpcs *before, const struct fa_subnet *s,
		      struct faas_error *err)
{
	for (size_t i = 0; i < before->subnet_count; i++) {
		const struct fa_subnet *other = &before->subnets[i];

		if (!strcmp(other->id, s->id))
			return fa_error(err, FAAS_EINVAL, "subnets: '%s' is there twice", s->id);
		if (holds(other->range, s->range.address) || holds(s->range, other->range.address))
			return fa_error(err, FAAS_EINVAL, "subnets: '%s' and '%s' overlap",
					other->id, s->id);
	}
	return 0;
}

static int read_subnet(struct fa_subnet *s, const struct faas_subnet *from, struct faas_error *err)
{
	if (!is_id(from->id, "subnet-", LOWER))
		return fa_error(err, FAAS_EINVAL,
				"subnets: an id is 'subnet-' and lower-case letters and digits, at "
				"most %d bytes: '%.100s'",
				ID_MAX, from->id);
	if (!read_range(&s->range, from->cidr) || s->range.bits < SUBNET_BITS_MIN ||
	    s->range.bits > SUBNET_BITS_MAX)
		return fa_error(err, FAAS_EINVAL,
				"subnets: the cidr of '%s' must be like 10.0.1.0/24, from /%d to "
				"/%d: '%.100s'",
				from->id, SUBNET_BITS_MIN, SUBNET_BITS_MAX,
				from->cidr ? from->cidr : "");
	if (!from->bridge || !*from->bridge || strlen(from->bridge) >= sizeof(s->bridge))
		return fa_error(err, FAAS_EINVAL,
				"subnets: the bridge of '%s' is the name of an interface, 1 to %zu "
				"bytes: '%.100s'",
				from->id, sizeof(s->bridge) - 1, from->bridge ? from->bridge : "");
	strcpy(s->bridge, from->bridge);
	return 0;
}

static int add_subnet(struct fa_vpcs *all, const struct fa_mem *mem, const struct faas_subnet *from,
		      struct faas_error *err)
{
	struct fa_subnet *s = &all->subnets[all->subnet_count];
	int rc = read_subnet(s, from, err);

	if (rc)
		return rc;
	s->id = fa_strdup(mem, from->id);
	s->vpc = fa_strdup(mem, from->vpc ? from->vpc : DEFAULT_VPC);
	rc = s->id && s->vpc ? check_free(all, s, err) : fa_error_nomem(err);
	all->subnet_count++; /* whatever came of it: its texts are there to be freed */
	return rc ? rc : read_addresses(s, from, err);
}

/* ---- groups ---------------------------------------------------------- */

static bool read_protocol(struct fa_egress *e, const char *text)
{
	static const struct {
		const char *name;
		uint8_t number;
	} known[] = { { "tcp", IPPROTO_TCP }, { "udp", IPPROTO_UDP }, { "icmp", IPPROTO_ICMP } };

	for (size_t i = 0; text && i < sizeof(known) / sizeof(*known); i++)
		if (!strcmp(known[i].name, text))
			e->protocol = known[i].number;
	return !text || e->protocol;
}

static bool read_ports(struct fa_egress *e, const struct faas_egress *from)
{
	int to = from->to_port ? from->to_port : from->from_port;

	e->from_port = (uint16_t)from->from_port;
	e->to_port = (uint16_t)to;
	if (e->protocol != IPPROTO_TCP && e->protocol != IPPROTO_UDP)
		return !from->from_port && !to;
	return (!from->from_port && !to) ||
	       (from->from_port > 0 && from->from_port <= to && to <= 65535);
}

static int read_egress(struct fa_egress *e, const char *group, const struct faas_egress *from,
		       struct faas_error *err)
{
	if (!read_range(&e->to, from->cidr))
		return fa_error(err, FAAS_EINVAL,
				"security_groups: a cidr in '%s' is not like 10.0.0.0/8: '%.100s'",
				group, from->cidr);
	if (!read_protocol(e, from->protocol))
		return fa_error(err, FAAS_EINVAL,
				"security_groups: a protocol in '%s' is none of tcp, udp, icmp: "
				"'%.100s'",
				group, from->protocol);
	if (!read_ports(e, from))
		return fa_error(err, FAAS_EINVAL,
				"security_groups: ports in '%s' are 1 to 65535, of tcp or udp: %d "
				"to %d",
				group, from->from_port, from->to_port);
	return 0;
}

static int read_group(struct fa_vpc_group *g, const struct fa_mem *mem,
		      const struct faas_security_group *from, struct faas_error *err)
{
	size_t count = 0;
	int rc = 0;

	while (from->egress && from->egress[count].cidr)
		count++;
	if (count > FA_VPC_RULES)
		return fa_error(err, FAAS_EINVAL,
				"security_groups: '%s' has %zu rules, more than %d", from->id,
				count, FA_VPC_RULES);
	g->egress = count ? fa_alloc(mem, count * sizeof(*g->egress)) : NULL;
	if (count && !g->egress)
		return fa_error_nomem(err);
	while (!rc && g->egress_count < count) {
		rc = read_egress(&g->egress[g->egress_count], from->id,
				 &from->egress[g->egress_count], err);
		g->egress_count++;
	}
	return rc;
}

static int add_group(struct fa_vpcs *all, const struct fa_mem *mem,
		     const struct faas_security_group *from, struct faas_error *err)
{
	struct fa_vpc_group *g = &all->groups[all->group_count];

	if (!is_id(from->id, "sg-", LOWER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
		return fa_error(err, FAAS_EINVAL,
				"security_groups: an id is 'sg-' and letters and digits, at most "
				"%d bytes: '%.100s'",
				ID_MAX, from->id);
	if (fa_vpc_group_find(all, fa_bytes_of(from->id)))
		return fa_error(err, FAAS_EINVAL, "security_groups: '%s' is there twice", from->id);
	g->id = fa_strdup(mem, from->id);
	all->group_count++;
	return g->id ? read_group(g, mem, from, err) : fa_error_nomem(err);
}

/* ---- all of them ----------------------------------------------------- */

int fa_vpcs_init(struct fa_vpcs *all, const struct fa_mem *mem, const struct faas_config *from,
		 struct faas_error *err)
{
	size_t subnets = 0, groups = 0;
	int rc = 0;

	*all = (struct fa_vpcs){ 0 };
	while (from->subnets && from->subnets[subnets].id)
		subnets++;
	while (from->security_groups && from->security_groups[groups].id)
		groups++;
	if (subnets)
		all->subnets = fa_alloc(mem, subnets * sizeof(*all->subnets));
	if (groups)
		all->groups = fa_alloc(mem, groups * sizeof(*all->groups));
	if ((subnets && !all->subnets) || (groups && !all->groups))
		rc = fa_error_nomem(err);
	while (!rc && all->subnet_count < subnets)
		rc = add_subnet(all, mem, &from->subnets[all->subnet_count], err);
	while (!rc && all->group_count < groups)
		rc = add_group(all, mem, &from->security_groups[all->group_count], err);
	if (rc)
		fa_vpcs_finish(all);
	return rc;
}

void fa_vpcs_finish(struct fa_vpcs *all)
{
	for (size_t i = 0; i < all->subnet_count; i++) {
		fa_free(all->subnets[i].id);
		fa_free(all->subnets[i].vpc);
	}
	for (size_t i = 0; i < all->group_count; i++) {
		fa_free(all->groups[i].id);
		fa_free(all->groups[i].egress);
	}
	fa_free(all->subnets);
	fa_free(all->groups);
	*all = (struct fa_vpcs){ 0 };
}

bool fa_vpc_next_id(const char **list, struct faas_bytes *id)
{
	if (!**list)
		return false;
	*id = (struct faas_bytes){ *list, strcspn(*list, ",") };
	*list += id->len + (id->len && (*list)[id->len] == ',');
	return id->len;
}

const struct fa_subnet *fa_subnet_find(const struct fa_vpcs *all, struct faas_bytes id)
{
	for (size_t i = 0; i < all->subnet_count; i++)
		if (says(id, all->subnets[i].id))
			return &all->subnets[i];
	return NULL;
}

const struct fa_vpc_group *fa_vpc_group_find(const struct fa_vpcs *all, struct faas_bytes id)
{
	for (size_t i = 0; i < all->group_count; i++)
		if (says(id, all->groups[i].id))
			return &all->groups[i];
	return NULL;
}

/* ---- of a function --------------------------------------------------- */

static int check_list(const char *list, const char *what, int most, struct faas_error *err)
{
	struct faas_bytes id;
	int count = 0;

	while (fa_vpc_next_id(&list, &id))
		count++;
	if (*list)
		return fa_error(err, FAAS_EINVAL, "%s: an id is empty", what);
	if (count > most)
		return fa_error(err, FAAS_EINVAL, "%s: %d of them, more than %d", what, count,
				most);
	return 0;
}

int fa_vpc_check(const struct faas_function_config *c, struct faas_error *err)
{
	int rc = check_list(c->subnets, "subnets", FA_VPC_SUBNETS, err);

	if (!rc)
		rc = check_list(c->security_groups, "security_groups", FA_VPC_GROUPS, err);
	if (rc)
		return rc;
	if (!*c->subnets != !*c->security_groups)
		return fa_error(err, FAAS_EINVAL,
				"SubnetIds and SecurityIds must coexist or be both empty list.");
	if (*c->subnets && c->isolation != FAAS_PROCESS)
		return fa_error(err, FAAS_EINVAL,
				"only a FAAS_PROCESS function can be in a VPC: a FAAS_THREAD one "
				"has the host's own network");
	if (*c->subnets && c->network)
		return fa_error(err, FAAS_EINVAL,
				"a function is in a VPC or has .network, the host's own; not both");
	return 0;
}

static int no_such(const char *kind, const char *code, const char *what, struct faas_bytes id,
		   struct faas_error *err)
{
	return fa_error(err, FAAS_EINVAL,
			"Error occurred while Describe%s. EC2 Error Code: %s. EC2 Error Message: "
			"The %s '%.*s' does not exist",
			kind, code, what, id.len < ID_MAX ? (int)id.len : ID_MAX,
			(const char *)id.data);
}

int fa_vpc_check_named(const struct fa_vpcs *all, const struct faas_function_config *c,
		       struct faas_error *err)
{
	const char *subnets = c->subnets ? c->subnets : "", *vpc = NULL;
	const char *groups = c->security_groups ? c->security_groups : "";
	struct faas_bytes id;

	while (fa_vpc_next_id(&subnets, &id)) {
		const struct fa_subnet *s = fa_subnet_find(all, id);

		if (!s)
			return no_such("Subnets", "InvalidSubnetID.NotFound", "subnet ID", id, err);
		if (vpc && strcmp(vpc, s->vpc))
			return fa_error(err, FAAS_EINVAL,
					"Subnets are required to be in the same VPC: %s and %s",
					vpc, s->vpc);
		vpc = s->vpc;
	}
	while (fa_vpc_next_id(&groups, &id))
		if (!fa_vpc_group_find(all, id))
			return no_such("SecurityGroups", "InvalidGroup.NotFound", "security group",
				       id, err);
	return 0;
}

const char *fa_vpc_id(const struct fa_vpcs *all, const struct faas_function_config *c)
{
	const char *list = c->subnets;
	const struct fa_subnet *first = NULL;
	struct faas_bytes id;

	if (all && fa_vpc_next_id(&list, &id))
		first = fa_subnet_find(all, id);
	return first ? first->vpc : NULL;
}

const char *fa_vpc_lack(int error)
{
	switch (error) {
	case EPERM:
		return "that takes root, with all of its rights";
	case ENOENT:
		return "there is no /usr/sbin/nft (Debian's nftables)";
	default:
		return strerrordesc_np(error);
	}
}

int fa_version_unconnected(const struct fa_version *v, struct faas_error *err)
{
	return fa_error_typed(err, FAAS_ESYSTEM, "InvalidSubnetIDException",
			      "Lambda was unable to set up VPC access for the Lambda function: "
			      "this host has not got all of %s and %s.",
			      v->config.subnets, v->config.security_groups);
}
