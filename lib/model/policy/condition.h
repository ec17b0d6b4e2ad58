/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_POLICY_CONDITION_H
#define FA_MODEL_POLICY_CONDITION_H

#include <base/arena.h>
#include <base/document.h>
#include <model/policy/request.h>

/* One key of one operator of a Condition element, and the values it is compared with. */
struct fa_condition {
	const struct fa_operator *operator;
	enum fa_quantifier { FA_ONE_VALUE, FA_FOR_ALL_VALUES, FA_FOR_ANY_VALUE } quantifier;
	bool if_exists;
	const char *key;
	size_t key_len;
	const struct fa_operand *values;
	size_t count;
};

/*
 * The whole element, in the arena. 0, FAAS_ENOMEM or FAAS_EINVAL with what is wrong.
 * `variables`: the document's version has them.
 */
int fa_conditions_compile(struct fa_arena *arena, const struct fa_document *element, bool variables,
			  const struct fa_condition **out, size_t *count, struct faas_error *err);
/* Whether the request meets it. */
bool fa_condition_holds(const struct fa_condition *condition,
			const struct fa_policy_request *request);

#endif
