/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_POLICY_H
#define FA_MODEL_POLICY_H

#include <base/document.h>
#include <model/policy/request.h>

/*
 * Policy documents in the language of IAM (semantics 10): compiled once, asked often. Asking
 * allocates nothing, takes no lock and looks at nothing but its arguments. Any thread.
 */
struct fa_policy;

enum fa_policy_kind {
	FA_IDENTITY_POLICY, /* of a role or user; boundaries and sessions have this form, too */
	FA_RESOURCE_POLICY, /* names principals */
	FA_TRUST_POLICY,    /* of a role: who may assume it */
};

/*
 * Judge a document and compile it. NULL: out of memory, or FAAS_EINVAL with
 * MalformedPolicyDocument, which says in the words of IAM what is wrong, and where.
 */
struct fa_policy *fa_policy_compile(const struct fa_mem *mem, const struct fa_document *document,
				    enum fa_policy_kind kind, struct faas_error *err);
struct fa_policy *fa_policy_parse(const struct fa_mem *mem, const char *text,
				  enum fa_policy_kind kind, struct faas_error *err);
/* Once more to be freed. Returns it. */
struct fa_policy *fa_policy_ref(struct fa_policy *policy);
void fa_policy_free(struct fa_policy *policy); /* NULL is fine */

/* ---- decisions --------------------------------------------------------- */

/* Several policies at one place: what one of them allows is allowed. */
struct fa_policy_set {
	const struct fa_policy *const *policies; /* NULL: there is no such place */
	size_t count;
};

/* Where a decision came from. */
enum fa_policy_place {
	FA_BY_NONE,
	FA_BY_IDENTITY,
	FA_BY_RESOURCE,
	FA_BY_BOUNDARY, /* permissions boundary */
	FA_BY_SESSION,
	FA_BY_CONTROL, /* service control policy */
};

/* All that bears on one request. A boundary, session or control that is there must allow, too. */
struct fa_policy_rules {
	struct fa_policy_set identity, boundary, session, control, resource;
	const char *owner;   /* account of the resource; NULL: the principal's own */
	bool resource_alone; /* trust and key policies: nothing is allowed but by `resource` */
};

struct fa_policy_decision {
	enum fa_effect { FA_IMPLICIT_DENY, FA_EXPLICIT_DENY, FA_ALLOW } effect;
	enum fa_policy_place place; /* that denied, explicitly or for want of an allow */
};

struct fa_policy_decision fa_policy_decide(const struct fa_policy_rules *rules,
					   const struct fa_policy_request *request);

/* "because no identity-based policy allows the lambda:InvokeFunction action", as AWS says it. */
void fa_policy_explain(char *out, size_t size, struct fa_policy_decision decision,
		       const struct fa_policy_request *request);

#endif
