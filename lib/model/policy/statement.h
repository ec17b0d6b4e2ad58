/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_POLICY_STATEMENT_H
#define FA_MODEL_POLICY_STATEMENT_H

/* What a document is compiled into, for the files of this folder. */
#include <stdint.h>
#include <model/policy/condition.h>
#include <model/policy/pattern.h>
#include <model/policy/policy.h>

/* One of the names in a Principal element. */
struct fa_principal_name {
	enum {
		FA_PRINCIPAL_ANY,
		FA_PRINCIPAL_ACCOUNT,
		FA_PRINCIPAL_ARN,
		FA_PRINCIPAL_SERVICE,
		FA_PRINCIPAL_FEDERATED
	} kind;
	const char *text;
};

struct fa_statement {
	bool deny;
	bool not_action, not_resource, not_principal;
	const struct fa_pattern *actions;
	const struct fa_arn_pattern *resources;     /* none: of no resource */
	const struct fa_principal_name *principals; /* none: whoever has the policy */
	const struct fa_condition *conditions;
	size_t action_count, resource_count, principal_count, condition_count;
};

struct fa_policy {
	_Atomic uint32_t refs;
	struct fa_arena arena; /* holds this, too */
	const struct fa_statement *statements;
	size_t count;
};

/* How closely a statement means somebody, from not at all to him alone. */
enum fa_closeness {
	FA_NOT_MEANT,
	FA_MEANT_BY_ACCOUNT, /* whose own policies say what its principals may do */
	FA_MEANT_BY_ROLE,
	FA_MEANT_DIRECTLY, /* boundaries and sessions do not take this away */
};

/* 0, FAAS_ENOMEM, FAAS_EINVAL with a text that ends as IAM's does. */
int fa_principals_compile(struct fa_arena *arena, const struct fa_document *element,
			  struct fa_statement *statement, struct faas_error *err);
enum fa_closeness fa_principals_mean(const struct fa_statement *statement,
				     const struct fa_principal *who);

#endif
