/* SPDX-License-Identifier: MIT */
/* Operations on aliases. */
#include <control/control.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/error.h>


/* ---- an alias as JSON ------------------------------------------------- */

static int put_number(struct fa_document *out, const char *name, int version)
{
	char text[12];

	snprintf(text, sizeof(text), "%d", version);
	return fa_document_put_text(out, name, version ? text : "$LATEST");
}

static int put_route(struct fa_document *out, const struct fa_alias_view *view)
{
	struct fa_document *weights = fa_document_object(), *route = fa_document_object();
	char number[12];
	int rc;

	snprintf(number, sizeof(number), "%d", view->second);
	rc = fa_document_put_number(weights, number, view->alias.weight);
	rc |= fa_document_put(route, "AdditionalVersionWeights", weights);
	return fa_document_put(out, "RoutingConfig", route) | rc;
}

static int put_alias(struct fa_document *out, const struct fa_alias_view *view)
{
	int rc = fa_document_put_text(out, "AliasArn", view->arn);

	rc |= fa_document_put_text(out, "Name", view->alias.name);
	rc |= put_number(out, "FunctionVersion", view->version);
	rc |= fa_document_put_text(out, "Description", view->alias.description);
	if (view->second)
		rc |= put_route(out, view);
	return fa_document_put_text(out, "RevisionId", view->alias.revision) | rc;
}

static int answer(struct fa_document *out, const struct fa_alias_view *view,
		  struct faas_error *err)
{
	return put_alias(out, view) ? fa_error_nomem(err) : 0;
}

/* ---- read what is asked for ------------------------------------------ */

static int read_number(const char *text, int otherwise)
{
	if (!text)
		return otherwise;
	if (!strcmp(text, "$LATEST"))
		return 0;
	return strlen(text) > 9 ? INT32_MAX : atoi(text);
}

static int read_weight(const char *number, const struct fa_document *value,
		       struct fa_alias_change *change, struct faas_error *err)
{
	if (!fa_fits_version(number) || !fa_document_number(value, &change->weight))
		return fa_error_typed(err, FAAS_EINVAL, "SerializationException",
				      "AdditionalVersionWeights must map versions to numbers");
	change->second = read_number(number, 0);
	if (!change->second)
		return fa_error(err, FAAS_EINVAL,
				"$LATEST is not supported for an alias pointing to more than 1 "
				"version");
	return 0;
}

/* No RoutingConfig: as it was. One without weights: no second version. */
static int read_route(const struct fa_document *in, struct fa_alias_change *change,
		      struct faas_error *err)
{
	const struct fa_document *route = fa_document_get(in, "RoutingConfig"), *weights, *value;
	const char *number;

	if (!route)
		return 0;
	change->second = 0;
	weights = fa_document_get(route, "AdditionalVersionWeights");
	if (fa_document_count(weights) > 1)
		return fa_error(err, FAAS_EINVAL,
				"Number of items in AdditionalVersionWeights cannot be greater "
				"than 1");
	number = fa_document_next(weights, NULL, &value);
	return number ? read_weight(number, value, change, err) : 0;
}

/* ---- operations ------------------------------------------------------ */

static int set(struct faas *rt, const struct fa_document *in, struct fa_document *out,
	       struct fa_alias_change *change, struct faas_error *err)
{
	struct fa_alias_view view;
	int rc;

	change->function = fa_control_text(in, "FunctionName");
	change->name = fa_control_text(in, "Name");
	change->description = fa_control_text(in, "Description");
	change->revision = fa_control_text(in, "RevisionId");
	change->version = read_number(fa_control_text(in, "FunctionVersion"), FA_KEEP);
	rc = read_route(in, change, err);
	if (!rc)
		rc = fa_function_set_alias(rt, change, &view, err);
	return rc ? rc : answer(out, &view, err);
}

static int create(struct faas *rt, const struct fa_document *in, struct fa_document *out,
		  struct faas_error *err)
{
	return set(rt, in, out, &(struct fa_alias_change){ .may_create = true }, err);
}

static int update(struct faas *rt, const struct fa_document *in, struct fa_document *out,
		  struct faas_error *err)
{
	struct fa_alias_change change = { .second = FA_KEEP, .may_update = true };

	return set(rt, in, out, &change, err);
}

static int get(struct faas *rt, const struct fa_document *in, struct fa_document *out,
	       struct faas_error *err)
{
	struct fa_alias_view view;
	int rc = fa_alias_get(&rt->registry, fa_control_text(in, "FunctionName"),
			      fa_control_text(in, "Name"), &view, err);

	return rc ? rc : answer(out, &view, err);
}

static int delete(struct faas *rt, const struct fa_document *in, struct fa_document *out,
		  struct faas_error *err)
{
	(void)out;
	return fa_function_delete_alias(rt, fa_control_text(in, "FunctionName"),
					fa_control_text(in, "Name"), err);
}

static int put_nth(const void *data, size_t nth, struct fa_document *item, struct faas_error *err)
{
	const struct fa_alias_view *views = data;

	(void)err;
	return put_alias(item, &views[nth]);
}

static int list(struct faas *rt, const struct fa_document *in, struct fa_document *out,
		struct faas_error *err)
{
	int version = read_number(fa_control_text(in, "FunctionVersion"), FA_KEEP);
	struct fa_alias_view *views;
	size_t count;
	int rc = fa_alias_list(&rt->registry, fa_control_text(in, "FunctionName"), version, &views,
			       &count, err);

	if (rc)
		return rc;
	rc = fa_control_list(in, out, "Aliases", count, put_nth, views, err);
	fa_free(views);
	return rc;
}

/* ---- the table ------------------------------------------------------- */

#define FIELDS(...) (const struct fa_field[]){ FA_FUNCTION_FIELD, __VA_ARGS__, FA_NO_FIELD }
#define NAME \
	FA_FITTING("Name", true, 1, 128, fa_fits_alias, \
		   FA_PATTERN "(?!^[0-9]+$)([a-zA-Z0-9-_]+)")
#define ROUTE \
	FA_OBJECT_OF("RoutingConfig", false, \
		     { .name = "AdditionalVersionWeights", .kind = FA_MAP_FIELD, \
		       .inner = (const struct fa_field[]){ \
			       FA_TEXT_ITEM(1, 1024, fa_fits_number, FA_PATTERN "[0-9]+"), \
			       FA_NUMBER_OF(NULL, false, 0, 1) } })

const struct fa_operation fa_alias_operations[] = {
	{ "CreateAlias",
	  FIELDS(NAME, FA_VERSION_FIELD(true), FA_TEXT_OF("Description", 256), ROUTE), create },
	{ "GetAlias", FIELDS(NAME), get },
	{ "UpdateAlias",
	  FIELDS(NAME, FA_VERSION_FIELD(false), FA_TEXT_OF("Description", 256), ROUTE,
		 FA_TEXT_OF("RevisionId", 0)),
	  update },
	{ "DeleteAlias", FIELDS(NAME), delete },
	{ "ListAliases", FIELDS(FA_VERSION_FIELD(false), FA_MARKER_FIELDS), list },
	{ NULL, NULL, NULL },
};
