/* SPDX-License-Identifier: MIT */
/* Operations on layers. */
#include <control/config.h>

#include <string.h>

#include <base/error.h>
#include <model/account.h>
#include <model/runtimes.h>
#include <remember.h>

/* Members of one object become members of another. Takes `from`. */
static int move(struct fa_document *out, struct fa_document *from, struct faas_error *err)
{
	const struct fa_document *value;
	const char *name = NULL;
	int rc = 0;

	while (!rc && (name = fa_document_next(from, name, &value)))
		rc = fa_document_put(out, name, fa_document_copy(value));
	fa_document_free(from);
	return rc ? fa_error_nomem(err) : 0;
}

/* ---- publish ----------------------------------------------------------- */

static int copy_if_there(struct fa_document *to, const struct fa_document *in, const char *name)
{
	const struct fa_document *value = fa_document_get(in, name);

	return value ? fa_document_put(to, name, fa_document_copy(value)) : 0;
}

/* What the API tells of every version, in its words. */
static struct fa_document *what_is_said(struct faas *rt, const struct fa_document *in,
					struct faas_error *err)
{
	const char *description = fa_control_text(in, "Description");
	struct fa_document *said = fa_document_object();
	int rc = fa_document_put_text(said, "Description", description ? description : "");

	rc |= fa_control_put_time(said, "CreatedDate", rt->clock->unix_ms(rt->clock));
	rc |= copy_if_there(said, in, "CompatibleRuntimes");
	rc |= copy_if_there(said, in, "CompatibleArchitectures");
	rc |= copy_if_there(said, in, "LicenseInfo");
	if (!rc)
		return said;
	fa_document_free(said);
	fa_error_nomem(err);
	return NULL;
}

/* Takes `said`. */
static int add(struct faas *rt, const struct fa_document *in, struct fa_package *package,
	       struct fa_document *said, struct fa_document *out, struct faas_error *err)
{
	struct fa_document *told;
	int rc = fa_change_prepare(rt, err);

	if (rc) {
		fa_document_free(said);
		return rc;
	}
	told = fa_layers_publish(&rt->layers, fa_control_text(in, "LayerName"), package, said,
				 err);
	rc = told ? move(out, told, err) : err->code;
	return fa_change_close(rt, rc, err);
}

static int publish(struct faas *rt, const struct fa_document *in, struct fa_document *out,
		   struct faas_error *err)
{
	struct fa_package *package = NULL;
	struct fa_document *said;
	void *zip = NULL;
	size_t len;
	int rc = fa_control_check_architectures(in, "CompatibleArchitectures", err);

	if (rc)
		return rc;
	zip = fa_control_zip(rt, fa_document_get(in, "Content"), &len, err);
	if (zip)
		package = fa_packages_add(&rt->packages, zip, len, err);
	fa_free(zip);
	said = package ? what_is_said(rt, in, err) : NULL;
	rc = said ? add(rt, in, package, said, out, err) : err->code;
	fa_package_unref(package);
	return rc;
}

/* ---- get, delete ------------------------------------------------------- */

static int get(struct faas *rt, const struct fa_document *in, struct fa_document *out,
	       struct faas_error *err)
{
	struct fa_document *told =
		fa_layers_get(&rt->layers, fa_control_text(in, "LayerName"),
			      fa_control_number(in, "VersionNumber", 0), err);

	return told ? move(out, told, err) : err->code;
}

static int get_by_arn(struct faas *rt, const struct fa_document *in, struct fa_document *out,
		      struct faas_error *err)
{
	struct fa_document *told = fa_layers_get_arn(&rt->layers, fa_control_text(in, "Arn"), err);

	return told ? move(out, told, err) : err->code;
}

/* In a change. */
static int drop(struct faas *rt, const struct fa_document *in, struct faas_error *err)
{
	const char *name = fa_control_text(in, "LayerName");
	int number = fa_control_number(in, "VersionNumber", 0);
	struct fa_document *told = fa_layers_get(&rt->layers, name, number, NULL);
	int rc = 0;

	if (told) /* nobody may use it any more */
		rc = fa_account_put(&rt->registry, FA_ACCOUNT_LAYER_POLICIES,
				    fa_control_text(told, "LayerVersionArn"), NULL, err);
	fa_document_free(told);
	return rc ? rc : fa_layers_delete(&rt->layers, name, number, err);
}

static int delete(struct faas *rt, const struct fa_document *in, struct fa_document *out,
		  struct faas_error *err)
{
	int rc = fa_change_prepare(rt, err);

	(void)out;
	return rc ? rc : fa_change_close(rt, drop(rt, in, err), err);
}

/* ---- lists ------------------------------------------------------------- */

/* Takes `all`. */
static int put_page(const struct fa_document *in, struct fa_document *out, const char *name,
		    struct fa_document *all, struct faas_error *err)
{
	int rc = fa_control_list_copies(in, out, name, all, err);

	fa_document_free(all);
	return rc;
}

static struct fa_layer_filter filter_of(const struct fa_document *in)
{
	return (struct fa_layer_filter){ fa_control_text(in, "CompatibleRuntime"),
					 fa_control_text(in, "CompatibleArchitecture") };
}

static int list(struct faas *rt, const struct fa_document *in, struct fa_document *out,
		struct faas_error *err)
{
	struct fa_layer_filter filter = filter_of(in);
	struct fa_document *all = fa_layers_list(&rt->layers, &filter, err);

	return all ? put_page(in, out, "Layers", all, err) : err->code;
}

static int list_versions(struct faas *rt, const struct fa_document *in, struct fa_document *out,
			 struct faas_error *err)
{
	struct fa_layer_filter filter = filter_of(in);
	struct fa_document *all = fa_layers_list_versions(
		&rt->layers, fa_control_text(in, "LayerName"), &filter, err);

	return all ? put_page(in, out, "LayerVersions", all, err) : err->code;
}

/* ---- the table --------------------------------------------------------- */

#define LAYER FA_LAYER_FIELD
#define NUMBER FA_INTEGER_OF("VersionNumber", true, INT32_MIN, INT32_MAX)
#define PAGE FA_PAGE_FIELDS(FA_PAGE_MOST)
#define FILTER \
	FA_FITTING("CompatibleRuntime", false, 0, 0, fa_runtime_known, \
		   FA_RUNTIME_CONSTRAINT), \
	FA_WORD_OF("CompatibleArchitecture", false, "[x86_64, arm64]")
#define FIELDS(...) (const struct fa_field[]){ __VA_ARGS__, FA_NO_FIELD }

const struct fa_operation fa_layer_operations[] = {
	{ "PublishLayerVersion",
	  FIELDS(LAYER, FA_OBJECT_OF("Content", true, FA_CODE_FIELDS),
		 FA_TEXT_OF("Description", 256), FA_TEXT_OF("LicenseInfo", 512),
		 FA_LIST_OF("CompatibleRuntimes", false, 0, 15,
			    FA_TEXT_ITEM(0, 0, fa_runtime_known, FA_RUNTIME_CONSTRAINT)),
		 FA_ARCHITECTURES_OF("CompatibleArchitectures", 0, 2)),
	  publish },
	{ "GetLayerVersion", FIELDS(LAYER, NUMBER), get },
	{ "GetLayerVersionByArn", FIELDS(FA_FITTING("Arn", true, 1, 140, fa_fits_layer_version,
					    FA_PATTERN FA_LAYER_VERSION_PATTERN)),
	  get_by_arn },
	{ "DeleteLayerVersion", FIELDS(LAYER, NUMBER), delete },
	{ "ListLayers", FIELDS(PAGE, FILTER), list },
	{ "ListLayerVersions", FIELDS(LAYER, PAGE, FILTER), list_versions },
	{ NULL, NULL, NULL },
};
