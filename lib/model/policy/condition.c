/* SPDX-License-Identifier: MIT */
/*
 * A comparison has three outcomes. What cannot be compared (a variable without a value, a
 * number that is none) meets neither an operator nor its negation: then the statement
 * does not apply. Values of a policy are read once, when it is compiled.
 */
#include <model/policy/condition.h>

#include <stdio.h>
#include <string.h>

#include <base/error.h>
#include <base/json.h>
#include <model/policy/pattern.h>
#include <model/policy/value.h>

enum family { STRING, NUMERIC, DATE, BOOLEAN, BINARY, IP, ARN, ABSENT };
enum order { SAME, LESS, LESS_OR_SAME, MORE, MORE_OR_SAME };

struct fa_operator {
	const char *name;
	enum family family;
	bool negated;
	enum order order;
	unsigned form; /* of patterns */
};

struct fa_operand {
	union {
		struct fa_pattern pattern;
		struct fa_arn_pattern arn;
		struct fa_network network;
		double number;
		int64_t date;
		bool flag;
	};
};

static const struct fa_operator operators[] = {
	{ "StringEquals", STRING, false, SAME, FA_PATTERN_VARIABLE },
	{ "StringNotEquals", STRING, true, SAME, FA_PATTERN_VARIABLE },
	{ "StringEqualsIgnoreCase", STRING, false, SAME, FA_PATTERN_VARIABLE | FA_PATTERN_FOLD },
	{ "StringNotEqualsIgnoreCase", STRING, true, SAME, FA_PATTERN_VARIABLE | FA_PATTERN_FOLD },
	{ "StringLike", STRING, false, SAME, FA_PATTERN_VARIABLE | FA_PATTERN_WILD },
	{ "StringNotLike", STRING, true, SAME, FA_PATTERN_VARIABLE | FA_PATTERN_WILD },
	{ "NumericEquals", NUMERIC, false, SAME, 0 },
	{ "NumericNotEquals", NUMERIC, true, SAME, 0 },
	{ "NumericLessThan", NUMERIC, false, LESS, 0 },
	{ "NumericLessThanEquals", NUMERIC, false, LESS_OR_SAME, 0 },
	{ "NumericGreaterThan", NUMERIC, false, MORE, 0 },
	{ "NumericGreaterThanEquals", NUMERIC, false, MORE_OR_SAME, 0 },
	{ "DateEquals", DATE, false, SAME, 0 },
	{ "DateNotEquals", DATE, true, SAME, 0 },
	{ "DateLessThan", DATE, false, LESS, 0 },
	{ "DateLessThanEquals", DATE, false, LESS_OR_SAME, 0 },
	{ "DateGreaterThan", DATE, false, MORE, 0 },
	{ "DateGreaterThanEquals", DATE, false, MORE_OR_SAME, 0 },
	{ "Bool", BOOLEAN, false, SAME, 0 },
	{ "BinaryEquals", BINARY, false, SAME, 0 },
	{ "IpAddress", IP, false, SAME, 0 },
	{ "NotIpAddress", IP, true, SAME, 0 },
	{ "ArnEquals", ARN, false, SAME, FA_PATTERN_VARIABLE | FA_PATTERN_WILD },
	{ "ArnLike", ARN, false, SAME, FA_PATTERN_VARIABLE | FA_PATTERN_WILD },
	{ "ArnNotEquals", ARN, true, SAME, FA_PATTERN_VARIABLE | FA_PATTERN_WILD },
	{ "ArnNotLike", ARN, true, SAME, FA_PATTERN_VARIABLE | FA_PATTERN_WILD },
	{ "Null", ABSENT, false, SAME, 0 },
};

/* ---- compile ----------------------------------------------------------- */

static bool strip(const char **text, size_t *len, const char *prefix)
{
	size_t n = strlen(prefix);

	if (*len <= n || strncmp(*text, prefix, n) != 0)
		return false;
	*text += n;
	*len -= n;
	return true;
}

static bool read_operator(struct fa_condition *c, const char *text)
{
	static const char suffix[] = "IfExists";
	size_t len = strlen(text), n = sizeof(suffix) - 1;

	c->quantifier = strip(&text, &len, "ForAllValues:")  ? FA_FOR_ALL_VALUES
			: strip(&text, &len, "ForAnyValue:") ? FA_FOR_ANY_VALUE
							     : FA_ONE_VALUE;
	c->if_exists = len > n && !strcmp(text + len - n, suffix);
	len -= c->if_exists ? n : 0;
	for (size_t i = 0; i < sizeof(operators) / sizeof(*operators); i++)
		if (strlen(operators[i].name) == len && !strncmp(operators[i].name, text, len))
			c->operator= & operators[i];
	if (c->operator&& c->operator->family == ABSENT)
		return !c->if_exists && c->quantifier == FA_ONE_VALUE;
	return c->operator;
}

/* Policies may write numbers and booleans as such. */
static const char *text_of(const struct fa_document *value, char *room, size_t size)
{
	int64_t integer;
	double number;
	bool flag;

	if (fa_document_integer(value, &integer))
		snprintf(room, size, "%lld", (long long)integer);
	else if (fa_document_number(value, &number))
		fa_json_print(room, number, false);
	else if (fa_document_boolean(value, &flag))
		snprintf(room, size, "%s", flag ? "true" : "false");
	else
		return fa_document_text(value);
	return room;
}

/* 0, FAAS_ENOMEM, FAAS_EINVAL. */
static int compile_value(struct fa_operand *operand, struct fa_arena *arena,
			 const struct fa_operator *operator, const char * text, bool variables)
{
	unsigned form = operator->form & ~(variables ? 0u : FA_PATTERN_VARIABLE);
	bool ok = true;

	switch (operator->family) {
	case STRING:
	case BINARY:
		return fa_pattern_compile(&operand->pattern, arena, text, strlen(text), form);
	case ARN:
		return fa_arn_pattern_compile(&operand->arn, arena, text, form);
	case NUMERIC:
		ok = fa_value_number(text, &operand->number);
		break;
	case DATE:
		ok = fa_value_date(text, &operand->date);
		break;
	case BOOLEAN:
	case ABSENT:
		ok = fa_value_boolean(text, &operand->flag);
		break;
	case IP:
		ok = fa_value_network(text, &operand->network);
	}
	return ok ? 0 : FAAS_EINVAL;
}

static int compile_values(struct fa_condition *c, struct fa_arena *arena,
			  const struct fa_document *values, bool variables, struct faas_error *err)
{
	bool list = fa_document_is_array(values);
	const struct fa_document *value;
	struct fa_operand *operands;
	char room[FA_JSON_DOUBLE];
	size_t count = list ? 0 : 1;
	int rc = 0;

	while (list && fa_document_item(values, count))
		count++;
	operands = fa_arena_alloc(arena, count * sizeof(*operands));
	if (!operands)
		return fa_error_nomem(err);
	for (size_t i = 0; !rc && i < count; i++) {
		const char *text;

		value = list ? fa_document_item(values, i) : values;
		text = text_of(value, room, sizeof(room));
		rc = text ? compile_value(&operands[i], arena, c->operator, text, variables)
			  : FAAS_EINVAL;
		if (rc == FAAS_EINVAL)
			return fa_error(err, rc, "'%.60s' cannot be a value of %s",
					text ? text : "that", c->operator->name);
	}
	c->values = operands;
	c->count = count;
	return rc ? fa_error_nomem(err) : 0;
}

static int compile_key(struct fa_condition *c, struct fa_arena *arena, const char *key,
		       const struct fa_document *values, bool variables, struct faas_error *err)
{
	if (!*key)
		return fa_error(err, FAAS_EINVAL, "a condition key is empty");
	c->key_len = strlen(key);
	c->key = fa_arena_text(arena, key, c->key_len);
	if (!c->key)
		return fa_error_nomem(err);
	return compile_values(c, arena, values, variables, err);
}

static size_t count_keys(const struct fa_document *element)
{
	const struct fa_document *keys;
	const char *name = NULL;
	size_t count = 0;

	while ((name = fa_document_next(element, name, &keys)))
		count += fa_document_count(keys);
	return count;
}

int fa_conditions_compile(struct fa_arena *arena, const struct fa_document *element, bool variables,
			  const struct fa_condition **out, size_t *count, struct faas_error *err)
{
	const struct fa_document *keys, *values;
	const char *name = NULL, *key;
	struct fa_condition *c;
	int rc = 0;

	if (!fa_document_is_object(element))
		return fa_error(err, FAAS_EINVAL, "Condition must be an object");
	c = fa_arena_alloc(arena, count_keys(element) * sizeof(*c));
	if (!c)
		return fa_error_nomem(err);
	*out = c;
	while (!rc && (name = fa_document_next(element, name, &keys))) {
		struct fa_condition row = { .operator = NULL };

		if (!read_operator(&row, name))
			return fa_error(err, FAAS_EINVAL, "'%.60s' is no condition operator", name);
		if (!fa_document_is_object(keys))
			return fa_error(err, FAAS_EINVAL, "%s must be an object", name);
		for (key = NULL; !rc && (key = fa_document_next(keys, key, &values)); c++) {
			*c = row;
			rc = compile_key(c, arena, key, values, variables, err);
		}
	}
	*count = (size_t)(c - *out);
	return rc;
}

/* ---- compare ----------------------------------------------------------- */

static enum fa_match in_order(enum order order, int sign)
{
	bool yes = order == SAME           ? !sign
		   : order == LESS         ? sign < 0
		   : order == LESS_OR_SAME ? sign <= 0
		   : order == MORE         ? sign > 0
					   : sign >= 0;

	return yes ? FA_MATCH_YES : FA_MATCH_NO;
}

#define SIGN(a, b) (((a) > (b)) - ((a) < (b)))

static enum fa_match compare_arn(const struct fa_arn_pattern *pattern, const char *text,
				 const struct fa_policy_request *request)
{
	int colons = 0;

	for (const char *at = text; *at; at++)
		colons += *at == ':';
	if (colons < 5 || strncmp(text, "arn:", 4) != 0)
		return FA_MATCH_VOID;
	if (pattern->count < 6)
		return FA_MATCH_NO; /* six segments are compared with six */
	return fa_arn_pattern_match(pattern, text, request);
}

static enum fa_match compare(const struct fa_operator *operator, const struct fa_operand * operand,
			     const char *text, const struct fa_policy_request *request)
{
	struct fa_network network;
	int64_t date;
	double number;
	bool flag;

	switch (operator->family) {
	case STRING:
	case BINARY:
		return fa_pattern_match(&operand->pattern, text, strlen(text), request);
	case ARN:
		return compare_arn(&operand->arn, text, request);
	case NUMERIC:
		return fa_value_number(text, &number)
			       ? in_order(operator->order, SIGN(number, operand->number))
			       : FA_MATCH_VOID;
	case DATE:
		return fa_value_date(text, &date)
			       ? in_order(operator->order, SIGN(date, operand->date))
			       : FA_MATCH_VOID;
	case BOOLEAN:
		return fa_value_boolean(text, &flag) ? in_order(SAME, flag - operand->flag)
						     : FA_MATCH_VOID;
	case IP:
		return fa_value_network(text, &network)
			       ? in_order(SAME, !fa_network_holds(&operand->network, &network))
			       : FA_MATCH_VOID;
	case ABSENT:
		break; /* is not about values */
	}
	return FA_MATCH_VOID;
}

/* One value of the request with all of the policy: any of them, or, negated, none. */
static bool holds_of(const struct fa_condition *c, const char *text,
		     const struct fa_policy_request *request)
{
	bool unclear = false;

	for (size_t i = 0; i < c->count; i++) {
		enum fa_match now = compare(c->operator, & c->values[i], text, request);

		if (now == FA_MATCH_YES)
			return !c->operator->negated;
		unclear |= now == FA_MATCH_VOID;
	}
	return c->operator->negated && !unclear;
}

static bool holds_of_all(const struct fa_condition *c, const struct fa_fact *fact,
			 const struct fa_policy_request *request)
{
	bool any = c->quantifier == FA_FOR_ANY_VALUE;

	for (size_t i = 0; i < fact->count; i++)
		if (holds_of(c, fact->values[i], request) == any)
			return any;
	return !any;
}

static bool is_absent_as_asked(const struct fa_condition *c, bool absent)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->values[i].flag == absent)
			return true;
	return false;
}

bool fa_condition_holds(const struct fa_condition *c, const struct fa_policy_request *request)
{
	const struct fa_fact *fact = fa_fact_find(request, c->key, c->key_len);

	if (c->operator->family == ABSENT)
		return is_absent_as_asked(c, !fact);
	if (!fact && c->quantifier != FA_ONE_VALUE)
		return c->quantifier == FA_FOR_ALL_VALUES; /* of no value, IfExists or not */
	if (!fact)
		return c->if_exists || c->operator->negated;
	if (c->quantifier != FA_ONE_VALUE)
		return holds_of_all(c, fact, request);
	return fact->count == 1 && holds_of(c, fact->values[0], request);
}
