/* SPDX-License-Identifier: MIT */
/*
 * The order is the meaning: who is named alone comes before this machine and everybody at once,
 * which are refused, and ranges come after them. What no rule lets go is refused so that a
 * function hears of it at once. Nothing of IPv6 passes.
 */
#include <worker/vpc/rules.h>

#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static const char head[] = "table inet faas {\n"
			   "\tchain out {\n"
			   "\t\ttype filter hook output priority 0; policy drop;\n"
			   "\t\toif lo accept\n";
static const char tail[] = "\t\treject with icmpx admin-prohibited\n"
			   "\t}\n"
			   "\tchain in {\n"
			   "\t\ttype filter hook input priority 0; policy drop;\n"
			   "\t\tiif lo accept\n"
			   "\t\tct state established,related accept\n"
			   "\t}\n"
			   "}\n";

static void put_range(FILE *out, uint32_t address, unsigned bits)
{
	fprintf(out, "\t\tip daddr %u.%u.%u.%u/%u", address >> 24, address >> 16 & 255,
		address >> 8 & 255, address & 255, bits);
}

static void put_rule(FILE *out, const struct fa_vpc_rule *rule)
{
	const char *protocol = rule->protocol == IPPROTO_TCP   ? "tcp"
			       : rule->protocol == IPPROTO_UDP ? "udp"
							       : NULL;

	put_range(out, rule->address, rule->bits);
	if (protocol && rule->from_port)
		fprintf(out, " %s dport %u-%u", protocol, rule->from_port, rule->to_port);
	else if (rule->protocol)
		fprintf(out, " ip protocol %u", rule->protocol);
	fputs(" accept\n", out);
}

static void put_rules(FILE *out, const struct fa_vpc *vpc, bool single)
{
	for (uint32_t i = 0; i < vpc->rule_count; i++)
		if (single == (vpc->rules[i].bits == 32))
			put_rule(out, &vpc->rules[i]);
}

static void put_resolvers(FILE *out, const struct fa_vpc *vpc)
{
	for (uint32_t i = 0; i < vpc->subnet_count; i++) {
		if (!vpc->subnets[i].resolver)
			continue;
		put_range(out, vpc->subnets[i].resolver, 32);
		fputs(" udp dport 53 accept\n", out);
		put_range(out, vpc->subnets[i].resolver, 32);
		fputs(" tcp dport 53 accept\n", out);
	}
}

static void refuse(FILE *out, uint32_t address, unsigned bits)
{
	put_range(out, address, bits);
	fputs(" reject with icmpx admin-prohibited\n", out);
}

static void put_refused(FILE *out, const struct fa_vpc *vpc, const uint32_t *own, size_t own_count)
{
	for (size_t i = 0; i < own_count; i++)
		refuse(out, own[i], 32);
	refuse(out, INADDR_UNSPEC_GROUP, 4);
	refuse(out, INADDR_BROADCAST, 32);
	for (uint32_t i = 0; i < vpc->subnet_count; i++)
		refuse(out, vpc->subnets[i].address | ~(~0u << (32 - vpc->subnets[i].bits)), 32);
}

char *fa_rules_write(const struct fa_vpc *vpc, const uint32_t *own, size_t own_count)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	bool whole;

	if (!out)
		return NULL;
	fputs(head, out);
	put_resolvers(out, vpc);
	put_rules(out, vpc, true);
	put_refused(out, vpc, own, own_count);
	put_rules(out, vpc, false);
	fputs(tail, out);
	whole = !ferror(out);
	if (!fclose(out) && whole)
		return text;
	free(text);
	return NULL;
}
