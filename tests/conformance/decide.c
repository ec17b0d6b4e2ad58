/* SPDX-License-Identifier: MIT */
/*
 * Decisions for a script: a case per line, as policies.py writes it; an answer each: Allowed,
 * ExplicitlyDenied, ImplicitlyDenied, or "! " and what is wrong with a document.
 */
#include <stdio.h>
#include <stdlib.h>

#include <model/policy/policy.h>

#define FACTS 16
#define VALUES 8
#define PLACES 6

struct given {
	struct fa_policy *policies[PLACES];
	const char *values[FACTS][VALUES];
	struct fa_fact facts[FACTS];
	struct fa_principal who;
	struct fa_policy_request request;
	struct fa_policy_rules rules;
};

static const char *text(const struct fa_document *in, const char *name)
{
	return fa_document_text(fa_document_get(in, name));
}

static void read_facts(struct given *g, const struct fa_document *in)
{
	const struct fa_document *value, *item;
	const char *key = NULL;
	size_t n = 0;

	for (; n < FACTS && (key = fa_document_next(in, key, &value)); n++) {
		struct fa_fact *fact = &g->facts[n];

		*fact = (struct fa_fact){ key, g->values[n], 0 };
		if (fa_document_text(value))
			g->values[n][fact->count++] = fa_document_text(value);
		while ((item = fa_document_item(value, fact->count)) && fact->count < VALUES)
			g->values[n][fact->count++] = fa_document_text(item);
	}
	g->request.facts = g->facts;
	g->request.fact_count = n;
}

static bool read_policies(struct given *g, const struct fa_document *in, struct faas_error *err)
{
	struct fa_policy_rules *to = &g->rules;
	const struct {
		const char *name;
		enum fa_policy_kind kind;
		struct fa_policy_set *set;
	} places[PLACES] = {
		{ "identity", FA_IDENTITY_POLICY, &to->identity },
		{ "boundary", FA_IDENTITY_POLICY, &to->boundary },
		{ "session", FA_IDENTITY_POLICY, &to->session },
		{ "control", FA_IDENTITY_POLICY, &to->control },
		{ "resource_policy", FA_RESOURCE_POLICY, &to->resource },
		{ "trust", FA_TRUST_POLICY, &to->resource },
	};

	for (int i = 0; i < PLACES; i++) {
		const struct fa_document *document = fa_document_get(in, places[i].name);
		struct fa_policy **policy = &g->policies[i];

		if (!document)
			continue;
		*policy = fa_policy_compile(&fa_mem_libc, document, places[i].kind, err);
		if (!*policy)
			return false;
		*places[i].set =
			(struct fa_policy_set){ (const struct fa_policy *const *)policy, 1 };
		to->resource_alone |= places[i].kind == FA_TRUST_POLICY;
	}
	return true;
}

static void decide(const struct fa_document *in)
{
	static const char *const words[] = { "ImplicitlyDenied", "ExplicitlyDenied", "Allowed" };
	struct given g = { .request = { .action = text(in, "action"),
					.resource = text(in, "resource") } };
	struct faas_error err = { 0 };

	g.request.principal = &g.who;
	g.who = (struct fa_principal){ text(in, "account"), text(in, "arn"), text(in, "role"),
				       text(in, "service"), text(in, "federated") };
	g.rules.owner = text(in, "owner");
	read_facts(&g, fa_document_get(in, "facts"));
	if (read_policies(&g, in, &err))
		puts(words[fa_policy_decide(&g.rules, &g.request).effect]);
	else
		printf("! %s\n", err.message);
	for (int i = 0; i < PLACES; i++)
		fa_policy_free(g.policies[i]);
}

int main(void)
{
	static char line[65536];

	while (fgets(line, sizeof(line), stdin)) {
		struct fa_document *in = fa_document_parse(line, NULL);

		if (!in)
			return 1;
		decide(in);
		fa_document_free(in);
	}
	return 0;
}
