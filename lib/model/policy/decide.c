/* SPDX-License-Identifier: MIT */
/*
 * First whoever denies, at any place; then each place that limits has to allow; between them
 * identity and resource policies, one of which is enough within an account and both of which
 * are needed across two (semantics 10).
 */
#include <model/policy/statement.h>

#include <string.h>

#include <base/text.h>

/* ---- one statement ----------------------------------------------------- */

static bool acts(const struct fa_statement *s, const struct fa_policy_request *request)
{
	size_t len = strlen(request->action);
	bool found = false;

	for (size_t i = 0; !found && i < s->action_count; i++)
		found = fa_pattern_match(&s->actions[i], request->action, len, request) ==
			FA_MATCH_YES;
	return found != s->not_action;
}

static bool covers(const struct fa_statement *s, const struct fa_policy_request *request)
{
	bool unclear = false;

	if (!s->resources)
		return true;
	for (size_t i = 0; i < s->resource_count; i++) {
		enum fa_match now =
			fa_arn_pattern_match(&s->resources[i], request->resource, request);

		if (now == FA_MATCH_YES)
			return !s->not_resource;
		unclear |= now == FA_MATCH_VOID;
	}
	return s->not_resource && !unclear;
}

static bool holds(const struct fa_statement *s, const struct fa_policy_request *request)
{
	for (size_t i = 0; i < s->condition_count; i++)
		if (!fa_condition_holds(&s->conditions[i], request))
			return false;
	return true;
}

/* A NotPrincipal that denies knows no exception for who has a boundary: so it is with IAM. */
static enum fa_closeness applies(const struct fa_statement *s, bool bounded,
				 const struct fa_policy_request *request)
{
	enum fa_closeness meant;

	if (!acts(s, request) || !covers(s, request))
		return FA_NOT_MEANT;
	meant = bounded && s->deny && s->not_principal
			? FA_MEANT_DIRECTLY
			: fa_principals_mean(s, request->principal);
	return meant && holds(s, request) ? meant : FA_NOT_MEANT;
}

/* ---- one place --------------------------------------------------------- */

struct saying {
	bool denies;
	enum fa_closeness allows;
};

static struct saying ask(const struct fa_policy_set *set, bool bounded,
			 const struct fa_policy_request *request)
{
	struct saying said = { false, FA_NOT_MEANT };

	for (size_t i = 0; i < set->count; i++)
		for (size_t n = 0; n < set->policies[i]->count; n++) {
			const struct fa_statement *s = &set->policies[i]->statements[n];
			enum fa_closeness now;

			if (!s->deny && said.allows == FA_MEANT_DIRECTLY)
				continue;
			now = applies(s, bounded, request);
			if (s->deny && now) {
				said.denies = true;
				return said;
			}
			if (now > said.allows)
				said.allows = now;
		}
	return said;
}

/* ---- all of them ------------------------------------------------------- */

static struct fa_policy_decision denied(enum fa_policy_place place)
{
	return (struct fa_policy_decision){ FA_IMPLICIT_DENY, place };
}

static struct fa_policy_decision allowed(void)
{
	return (struct fa_policy_decision){ FA_ALLOW, FA_BY_NONE };
}

static bool is_own(const struct fa_policy_rules *rules, const struct fa_principal *who)
{
	return !rules->owner || !strcmp(rules->owner, who->account);
}

/* A role or user: what its own policies and those of the resource make together. */
static struct fa_policy_decision weigh(const struct fa_policy_rules *rules,
				       const struct fa_principal *who,
				       const struct saying *said /* by place */)
{
	enum fa_closeness resource = said[FA_BY_RESOURCE].allows;
	bool own = is_own(rules, who);

	if (resource == FA_NOT_MEANT && (rules->resource_alone || !own))
		return denied(FA_BY_RESOURCE);
	if (own && resource == FA_MEANT_DIRECTLY)
		return allowed();
	if (!said[FA_BY_IDENTITY].allows && !(own && resource == FA_MEANT_BY_ROLE))
		return denied(FA_BY_IDENTITY);
	if (rules->boundary.policies && !said[FA_BY_BOUNDARY].allows)
		return denied(FA_BY_BOUNDARY);
	if (rules->session.policies && !said[FA_BY_SESSION].allows)
		return denied(FA_BY_SESSION);
	return allowed();
}

struct fa_policy_decision fa_policy_decide(const struct fa_policy_rules *rules,
					   const struct fa_policy_request *request)
{
	const struct fa_policy_set *const sets[] = { [FA_BY_IDENTITY] = &rules->identity,
						     [FA_BY_RESOURCE] = &rules->resource,
						     [FA_BY_BOUNDARY] = &rules->boundary,
						     [FA_BY_SESSION] = &rules->session,
						     [FA_BY_CONTROL] = &rules->control };
	struct saying said[FA_BY_CONTROL + 1] = { { false, FA_NOT_MEANT } };
	const struct fa_principal *who = request->principal;

	for (enum fa_policy_place place = FA_BY_IDENTITY; place <= FA_BY_CONTROL; place++) {
		said[place] = ask(sets[place], rules->boundary.policies, request);
		if (said[place].denies)
			return (struct fa_policy_decision){ FA_EXPLICIT_DENY, place };
	}
	if (!who->account) /* a service, somebody of a provider, or nobody: has no policies */
		return said[FA_BY_RESOURCE].allows ? allowed() : denied(FA_BY_RESOURCE);
	if (rules->control.policies && !said[FA_BY_CONTROL].allows)
		return denied(FA_BY_CONTROL);
	return weigh(rules, who, said);
}

void fa_policy_explain(char *out, size_t size, struct fa_policy_decision decision,
		       const struct fa_policy_request *request)
{
	static const char *const names[] = { [FA_BY_NONE] = "policy",
					     [FA_BY_IDENTITY] = "identity-based policy",
					     [FA_BY_RESOURCE] = "resource-based policy",
					     [FA_BY_BOUNDARY] = "permissions boundary",
					     [FA_BY_SESSION] = "session policy",
					     [FA_BY_CONTROL] = "service control policy" };
	struct fa_text text = { .data = out, .size = size };

	out[0] = '\0';
	if (decision.effect == FA_ALLOW)
		return;
	if (decision.effect == FA_EXPLICIT_DENY) {
		fa_text_add(&text, decision.place == FA_BY_IDENTITY
					   ? "with an explicit deny in an "
					   : "with an explicit deny in a ");
		fa_text_add(&text, names[decision.place]);
		return;
	}
	fa_text_add(&text, "because no ");
	fa_text_add(&text, names[decision.place]);
	fa_text_add(&text, " allows the ");
	fa_text_add(&text, request->action);
	fa_text_add(&text, " action");
}
