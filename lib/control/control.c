/* SPDX-License-Identifier: MIT */
/* The door: from the name of an operation and its JSON to its row of a table, and back. */
#include <control/control.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/error.h>
#include <base/text.h>
#include <remember.h>

/* Bytes of a request: Lambda's limit where code is in it, and ours. */
#define CODE_MOST 70167211
#define MOST (6 << 20)

static const struct table {
	const struct fa_operation *rows;
	size_t most;
	bool whole; /* the operation is one change, which takes no time */
} tables[] = {
	{ fa_function_operations, MOST, false },
	{ fa_alias_operations, MOST, true },
	{ fa_code_operations, CODE_MOST, false },
	{ fa_layer_operations, CODE_MOST, false },
	{ fa_recursion_operations, MOST, true },
	{ fa_runtime_operations, MOST, true },
	{ fa_signing_operations, MOST, true },
	{ fa_permission_operations, MOST, true },
	{ fa_role_operations, MOST, true },
	{ fa_policy_operations, MOST, true },
	{ fa_tag_operations, MOST, true },
	{ fa_concurrency_operations, MOST, true },
	{ fa_event_operations, MOST, true },
	{ fa_mapping_operations, MOST, true },
	{ fa_bus_operations, MOST, false },
	{ fa_url_operations, MOST, true },
};

/* ---- what operations share ------------------------------------------- */

const char *fa_control_text(const struct fa_document *in, const char *name)
{
	return fa_document_text(fa_document_get(in, name));
}

int fa_control_number(const struct fa_document *in, const char *name, int otherwise)
{
	int64_t value;

	return fa_document_integer(fa_document_get(in, name), &value) ? (int)value : otherwise;
}

int fa_control_target(char out[FA_TARGET_MAX], const struct fa_document *in,
		      struct faas_error *err)
{
	const char *function = fa_control_text(in, "FunctionName");
	const char *qualifier = fa_control_text(in, "Qualifier");
	struct fa_text text = { .data = out, .size = FA_TARGET_MAX };
	struct fa_name name;
	int rc = fa_name_parse(&name, function, err);

	if (rc)
		return rc;
	if (qualifier && name.qualifier.data && strcmp(qualifier, name.qualifier.data))
		return fa_error(err, FAAS_EINVAL,
				"The derived qualifier from the function name does not match the "
				"specified qualifier.");
	fa_text_add(&text, function);
	if (qualifier && *qualifier && !name.qualifier.data) {
		fa_text_add(&text, ":");
		fa_text_add(&text, qualifier);
	}
	return 0;
}

int fa_control_split(struct fa_control_split *out, struct faas *rt, const struct fa_document *in,
		     struct faas_error *err)
{
	char whole[FA_TARGET_MAX];
	struct fa_name name;
	int rc = fa_control_target(whole, in, err);

	if (!rc)
		rc = fa_name_parse(&name, whole, err);
	if (!rc)
		rc = fa_registry_check_place(&rt->registry, &name, err);
	if (rc)
		return rc;
	snprintf(out->function, sizeof(out->function), "%.*s", (int)name.function.len,
		 (const char *)name.function.data);
	snprintf(out->qualifier, sizeof(out->qualifier), "%.*s", (int)name.qualifier.len,
		 name.qualifier.len ? (const char *)name.qualifier.data : "");
	return 0;
}

/* ---- the door -------------------------------------------------------- */

static const struct fa_operation *nth(size_t row, const struct table **table)
{
	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
		for (const struct fa_operation *o = tables[i].rows; o->name; o++)
			if (!row--) {
				*table = &tables[i];
				return o;
			}
	return NULL;
}

const struct fa_operation *fa_control_next(size_t *at, size_t *most)
{
	const struct table *table;
	const struct fa_operation *operation = nth((*at)++, &table);

	if (operation)
		*most = table->most;
	return operation;
}

static const struct fa_operation *find(const char *name, const struct table **table)
{
	const struct fa_operation *operation;
	size_t row = 0;

	while ((operation = nth(row++, table)) && strcmp(operation->name, name) != 0)
		;
	return operation;
}

size_t fa_control_most(const char *operation)
{
	const struct table *table;

	return find(operation, &table) ? table->most : 0;
}

/* The others may change something. */
static bool only_looks(const char *operation)
{
	return !strncmp(operation, "Get", 3) || !strncmp(operation, "List", 4);
}

static int perform_change(struct faas *rt, const struct fa_operation *operation,
			  const struct fa_document *in, struct fa_document *out,
			  struct faas_error *err)
{
	int rc = fa_change_prepare(rt, err);

	if (rc)
		return rc;
	rc = operation->perform(rt, in, out, err);
	return fa_change_close(rt, rc, err);
}

static int perform(struct faas *rt, const struct fa_operation *operation, bool whole,
		   const struct fa_document *in, struct fa_document *out, struct faas_error *err)
{
	int rc;

	if (only_looks(operation->name)) /* whether the disk can be written or not */
		return operation->perform(rt, in, out, err);
	if (whole)
		return perform_change(rt, operation, in, out, err);
	rc = fa_change_may(rt, err); /* before what takes its time */
	return rc ? rc : operation->perform(rt, in, out, err);
}

static int answer(struct faas *rt, const struct fa_operation *operation, bool whole,
		  const struct fa_document *in, char **response, struct faas_error *err)
{
	struct fa_document *out = fa_document_object();
	char *text = NULL;
	int rc = out ? fa_enter(rt, err) : fa_error_nomem(err);

	if (!rc) {
		rc = perform(rt, operation, whole, in, out, err);
		fa_leave(rt);
	}
	if (!rc) {
		text = fa_document_print(out, &rt->mem);
		rc = text ? 0 : fa_error(err, FAAS_ENOMEM,
					 "it is done, but there is no memory for the answer");
	}
	fa_document_free(out);
	if (!rc && response)
		*response = text;
	else
		fa_free(text);
	return rc;
}

static int unknown(const char *name, struct faas_error *err)
{
	return fa_error_typed(err, FAAS_ENOTFOUND, "UnknownOperationException",
			      "there is no operation '%.80s'", name);
}

int fa_control(struct faas *rt, const char *operation, const struct fa_document *in,
	       char **response, struct faas_error *err)
{
	const struct table *table;
	const struct fa_operation *row = find(operation, &table);
	int rc;

	if (!row)
		return unknown(operation, err);
	rc = fa_control_judge(row, in, err);
	return rc ? rc : answer(rt, row, table->whole, in, response, err);
}

int faas_control(struct faas *rt, const char *operation, const char *request, char **response,
		 struct faas_error *err)
{
	size_t len = request ? strlen(request) : 0;
	const struct table *table;
	struct faas_error own = { 0 };
	struct fa_document *in;
	int rc;

	if (!err)
		err = &own;
	if (!rt)
		return fa_error(err, FAAS_EINVAL, "a runtime is required");
	if (!operation || !find(operation, &table))
		return unknown(operation ? operation : "", err);
	if (len >= table->most)
		return fa_error_typed(err, FAAS_ETOOLARGE, "RequestEntityTooLargeException",
				      "Request must be smaller than %zu bytes for the %s operation",
				      table->most, operation);
	in = fa_document_parse(request ? request : "{}", err);
	if (!in)
		return err->code;
	rc = fa_control(rt, operation, in, response, err);
	fa_document_free(in);
	return rc;
}
