/* SPDX-License-Identifier: MIT */
/*
 * A document is judged element by element; the first thing that is wrong is told, first in
 * the words of IAM, then which statement and what in it. All that is kept is in one arena.
 */
#include <model/policy/statement.h>

#include <stdio.h>
#include <string.h>

#include <base/error.h>

struct compile {
	struct fa_policy *policy;
	enum fa_policy_kind kind;
	bool variables;
	size_t number; /* of the statement, from 1; 0: the document itself */
	struct faas_error *err;
};

/* In the words of IAM. `format` may have one "%s" for `what`. */
static int malformed(struct compile *c, const char *format, const char *what)
{
	char text[300];

	snprintf(text, sizeof(text), format, what);
	return fa_error_typed(c->err, FAAS_EINVAL, "MalformedPolicyDocument", "%s", text);
}

/* It is no language of policies at all: then IAM says no more than its first sentence. */
static int syntax(struct compile *c, const char *format, const char *what)
{
	char where[40] = "", detail[300];

	if (c->number)
		snprintf(where, sizeof(where), " Statement %zu:", c->number);
	snprintf(detail, sizeof(detail), format, what);
	return fa_error_typed(c->err, FAAS_EINVAL, "MalformedPolicyDocument",
			      "Syntax errors in policy.%s %s", where, detail);
}

/* ---- lists of texts ---------------------------------------------------- */

/* A text, or a list of them: the one at `index`; NULL at the end or if it is no text. */
static const char *text_at(const struct fa_document *element, size_t index)
{
	if (fa_document_is_array(element))
		return fa_document_text(fa_document_item(element, index));
	return index ? NULL : fa_document_text(element);
}

static int count_texts(struct compile *c, const struct fa_document *element, const char *name,
		       size_t *count)
{
	for (*count = 0; text_at(element, *count); ++*count)
		;
	if (fa_document_is_array(element) ? fa_document_item(element, *count) != NULL : !*count)
		return syntax(c, "%s must be a string or a list of strings", name);
	return 0;
}

/* ---- actions ----------------------------------------------------------- */

static int check_action(struct compile *c, const char *text)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-.";
	const char *colon = strchr(text, ':');
	char vendor[64];

	if (c->kind == FA_TRUST_POLICY && strncmp(text, "sts:", 4) != 0)
		return malformed(c, "AssumeRole policy may only specify STS AssumeRole actions.",
				 NULL);
	if (!strcmp(text, "*"))
		return 0;
	if (!colon)
		return malformed(c,
				 "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, "
				 "ec2, etc.",
				 NULL);
	if (strchr(colon + 1, ':'))
		return malformed(c, "Actions/Condition can contain only one colon.", NULL);
	if (strspn(text, letters) == (size_t)(colon - text) || !strncmp(text, "*:", 2))
		return 0;
	snprintf(vendor, sizeof(vendor), "%.*s", (int)(colon - text), text);
	return malformed(c, "Vendor %s is not valid", vendor);
}

static int compile_actions(struct compile *c, struct fa_statement *s, const struct fa_document *in)
{
	const struct fa_document *element = fa_document_get(in, "Action");
	struct fa_pattern *patterns;
	size_t count;
	int rc;

	s->not_action = !element;
	if (!element)
		element = fa_document_get(in, "NotAction");
	else if (fa_document_get(in, "NotAction"))
		return syntax(c, "Action and NotAction exclude each other", NULL);
	if (!element)
		return malformed(c, "Policy statement must contain actions.", NULL);
	rc = count_texts(c, element, s->not_action ? "NotAction" : "Action", &count);
	if (rc || !count)
		return rc ? rc : malformed(c, "Policy statement must contain actions.", NULL);
	patterns = fa_arena_alloc(&c->policy->arena, count * sizeof(*patterns));
	for (size_t i = 0; patterns && !rc && i < count; i++) {
		const char *text = text_at(element, i);

		rc = check_action(c, text);
		if (!rc && fa_pattern_compile(&patterns[i], &c->policy->arena, text, strlen(text),
					      FA_PATTERN_WILD | FA_PATTERN_FOLD))
			rc = fa_error_nomem(c->err);
	}
	s->actions = patterns;
	s->action_count = count;
	return patterns ? rc : fa_error_nomem(c->err);
}

/* ---- resources --------------------------------------------------------- */

static int check_resource(struct compile *c, const char *text)
{
	const char *partition, *service;
	size_t len;
	char name[24];

	if (!strcmp(text, "*"))
		return 0;
	if (strncmp(text, "arn:", 4) != 0)
		return malformed(c, "Resource %.90s must be in ARN format or \"*\".", text);
	partition = text + 4;
	len = strcspn(partition, ":");
	snprintf(name, sizeof(name), "%.*s", (int)(len < 20 ? len : 20), partition);
	if (strcmp(name, "aws") != 0 && strcmp(name, "aws-cn") != 0 &&
	    strcmp(name, "aws-us-gov") != 0 && strcmp(name, "*") != 0)
		return malformed(c, "Partition \"%s\" is not valid for a resource.", name);
	service = partition + len + (partition[len] == ':');
	len = strcspn(service, ":");
	if (!len || memchr(service, '*', len) || memchr(service, '?', len))
		return malformed(c,
				 "Resource vendor must be fully qualified and cannot contain "
				 "regexes.",
				 NULL);
	return 0;
}

static int compile_resource(struct compile *c, struct fa_arn_pattern *pattern, const char *text)
{
	unsigned form = FA_PATTERN_WILD | (c->variables ? FA_PATTERN_VARIABLE : 0);
	int rc = check_resource(c, text);

	if (rc)
		return rc;
	rc = fa_arn_pattern_compile(pattern, &c->policy->arena, text, form);
	if (rc == FAAS_EINVAL)
		return syntax(c, "a policy variable in '%.90s' is not well formed", text);
	return rc ? fa_error_nomem(c->err) : 0;
}

static int compile_resources(struct compile *c, struct fa_statement *s,
			     const struct fa_document *in)
{
	const struct fa_document *element = fa_document_get(in, "Resource"),
				 *others = fa_document_get(in, "NotResource");
	struct fa_arn_pattern *patterns;
	size_t count;
	int rc;

	if (c->kind == FA_TRUST_POLICY)
		return element || others ? malformed(c, "Has prohibited field Resource", NULL) : 0;
	if (element && others)
		return syntax(c, "Resource and NotResource exclude each other", NULL);
	s->not_resource = others;
	element = others ? others : element;
	if (!element)
		return malformed(c, "Policy statement must contain resources.", NULL);
	rc = count_texts(c, element, others ? "NotResource" : "Resource", &count);
	if (rc || !count)
		return rc ? rc : malformed(c, "Policy statement must contain resources.", NULL);
	patterns = fa_arena_alloc(&c->policy->arena, count * sizeof(*patterns));
	for (size_t i = 0; patterns && !rc && i < count; i++)
		rc = compile_resource(c, &patterns[i], text_at(element, i));
	s->resources = patterns;
	s->resource_count = count;
	return patterns ? rc : fa_error_nomem(c->err);
}

/* ---- a statement ------------------------------------------------------- */

static int compile_principals(struct compile *c, struct fa_statement *s,
			      const struct fa_document *in)
{
	const struct fa_document *element = fa_document_get(in, "Principal"),
				 *others = fa_document_get(in, "NotPrincipal");
	struct faas_error why = { 0 };
	int rc;

	if (c->kind == FA_IDENTITY_POLICY)
		return element || others
			       ? malformed(c, "Policy document should not specify a principal.",
					   NULL)
			       : 0;
	if (element && others)
		return syntax(c, "Principal and NotPrincipal exclude each other", NULL);
	if (!element && !others)
		return malformed(c, "Missing required field Principal", NULL);
	s->not_principal = others;
	rc = fa_principals_compile(&c->policy->arena, others ? others : element, s, &why);
	if (rc == FAAS_ENOMEM)
		return fa_error_nomem(c->err);
	return rc ? malformed(c, "%s", why.message) : 0;
}

static int check_members(struct compile *c, const struct fa_document *in, const char *const *known)
{
	const struct fa_document *value;
	const char *name = NULL;

	while ((name = fa_document_next(in, name, &value))) {
		const char *const *k = known;

		while (*k && strcmp(*k, name) != 0)
			k++;
		if (!*k)
			return syntax(c, "'%.60s' is no element of a policy there", name);
	}
	return 0;
}

static int check_sid(struct compile *c, const struct fa_document *in)
{
	const struct fa_document *sid = fa_document_get(in, "Sid");
	const char *text = fa_document_text(sid);
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789";

	if (sid && !text)
		return syntax(c, "Sid must be a string", NULL);
	if (text && c->kind != FA_RESOURCE_POLICY && text[strspn(text, letters)])
		return malformed(c,
				 "Statement IDs (SID) must be alpha-numeric. Check that your input "
				 "satisfies the regular expression [0-9A-Za-z]*",
				 NULL);
	return 0;
}

static int compile_statement(struct compile *c, struct fa_statement *s,
			     const struct fa_document *in)
{
	static const char *const known[] = { "Sid",       "Effect",       "Action",
					     "NotAction", "Resource",     "NotResource",
					     "Principal", "NotPrincipal", "Condition",
					     NULL };
	const char *effect = fa_document_text(fa_document_get(in, "Effect"));
	const struct fa_document *condition = fa_document_get(in, "Condition");
	struct faas_error why = { 0 };
	int rc;

	if (!fa_document_is_object(in))
		return syntax(c, "it must be an object", NULL);
	rc = check_members(c, in, known);
	if (!rc)
		rc = check_sid(c, in);
	if (rc)
		return rc;
	if (!effect || (strcmp(effect, "Allow") != 0 && strcmp(effect, "Deny") != 0))
		return syntax(c, "Effect must be Allow or Deny", NULL);
	s->deny = *effect == 'D';
	rc = compile_principals(c, s, in);
	if (!rc)
		rc = compile_actions(c, s, in);
	if (!rc)
		rc = compile_resources(c, s, in);
	if (rc || !condition)
		return rc;
	rc = fa_conditions_compile(&c->policy->arena, condition, c->variables, &s->conditions,
				   &s->condition_count, &why);
	if (rc == FAAS_ENOMEM)
		return fa_error_nomem(c->err);
	return rc ? syntax(c, "%s", why.message) : 0;
}

/* ---- the document ------------------------------------------------------ */

static const struct fa_document *statement_at(const struct fa_document *element, size_t index)
{
	if (fa_document_is_array(element))
		return fa_document_item(element, index);
	return index ? NULL : element;
}

static const char *sid_of(const struct fa_document *statement)
{
	const char *sid = fa_document_text(fa_document_get(statement, "Sid"));

	return sid && *sid ? sid : NULL;
}

static int check_sids(struct compile *c, const struct fa_document *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < i && sid_of(statement_at(list, i)); j++) {
			const char *other = sid_of(statement_at(list, j));

			if (other && !strcmp(other, sid_of(statement_at(list, i))))
				return malformed(
					c, "Statement IDs (SID) in a single policy must be unique.",
					NULL);
		}
	return 0;
}

static int compile_statements(struct compile *c, const struct fa_document *list)
{
	struct fa_policy *policy = c->policy;
	struct fa_statement *statements;
	int rc = 0;

	while (statement_at(list, policy->count))
		policy->count++;
	if (!policy->count)
		return syntax(c, "Statement must be an object or a list of them", NULL);
	statements = fa_arena_alloc(&policy->arena, policy->count * sizeof(*statements));
	if (!statements)
		return fa_error_nomem(c->err);
	policy->statements = statements;
	for (size_t i = 0; !rc && i < policy->count; i++) {
		c->number = i + 1;
		rc = compile_statement(c, &statements[i], statement_at(list, i));
	}
	c->number = 0;
	return rc ? rc : check_sids(c, list, policy->count);
}

static int compile(struct compile *c, const struct fa_document *in)
{
	static const char *const known[] = { "Version", "Id", "Statement", NULL };
	const struct fa_document *given = fa_document_get(in, "Version");
	const char *version = given ? fa_document_text(given) : "2008-10-17";
	int rc = check_members(c, in, known);

	if (rc)
		return rc;
	if (!version || (strcmp(version, "2012-10-17") != 0 && strcmp(version, "2008-10-17") != 0))
		return syntax(c, "Version must be 2012-10-17 or 2008-10-17", NULL);
	if (fa_document_get(in, "Id") && !fa_document_text(fa_document_get(in, "Id")))
		return syntax(c, "Id must be a string", NULL);
	c->variables = !strcmp(version, "2012-10-17");
	return compile_statements(c, fa_document_get(in, "Statement"));
}

struct fa_policy *fa_policy_compile(const struct fa_mem *mem, const struct fa_document *document,
				    enum fa_policy_kind kind, struct faas_error *err)
{
	struct fa_arena arena = { .mem = mem };
	struct compile c = { .policy = fa_arena_alloc(&arena, sizeof(*c.policy)),
			     .kind = kind,
			     .err = err };

	if (!c.policy) {
		fa_error_nomem(err);
		return NULL;
	}
	c.policy->arena = arena;
	atomic_init(&c.policy->refs, 1);
	if (!compile(&c, document))
		return c.policy;
	fa_policy_free(c.policy);
	return NULL;
}

struct fa_policy *fa_policy_parse(const struct fa_mem *mem, const char *text,
				  enum fa_policy_kind kind, struct faas_error *err)
{
	struct faas_error why = { 0 };
	struct fa_document *document = fa_document_parse(text, &why);
	struct compile c = { .err = err };
	struct fa_policy *policy;

	if (!document) {
		syntax(&c, "%s", why.message);
		return NULL;
	}
	policy = fa_policy_compile(mem, document, kind, err);
	fa_document_free(document);
	return policy;
}

struct fa_policy *fa_policy_ref(struct fa_policy *policy)
{
	atomic_fetch_add(&policy->refs, 1);
	return policy;
}

void fa_policy_free(struct fa_policy *policy)
{
	struct fa_arena arena;

	if (!policy || atomic_fetch_sub(&policy->refs, 1) != 1)
		return;
	arena = policy->arena; /* it lies in there itself */
	fa_arena_finish(&arena);
}
