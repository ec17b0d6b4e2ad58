/* SPDX-License-Identifier: MIT */
/* Operations that bring code: in the request, as a ZIP in base64, or as the name of an image. */
#include <control/config.h>

#include <string.h>

#include <base/base64.h>
#include <base/error.h>
#include <images.h>
#include <model/attached.h>
#include <model/tags.h>
#include <remember.h>

#ifdef __aarch64__
#define ARCHITECTURE "arm64"
#else
#define ARCHITECTURE "x86_64"
#endif

/* ---- the ZIP ----------------------------------------------------------- */

static const char *const elsewhere[] = { "S3Bucket", "S3Key", "S3ObjectVersion" };
#define ELSEWHERE (sizeof(elsewhere) / sizeof(*elsewhere))

void *fa_control_zip(struct faas *rt, const struct fa_document *code, size_t *len,
		     struct faas_error *err)
{
	const char *zip = fa_control_text(code, "ZipFile");

	for (size_t i = 0; i < ELSEWHERE; i++)
		if (fa_document_get(code, elsewhere[i])) {
			fa_error(err, FAAS_EINVAL,
				 "%s leads nowhere here: a ZIP is taken as ZipFile",
				 elsewhere[i]);
			return NULL;
		}
	if (zip && *zip)
		return fa_base64_decode(&rt->mem, zip, "ZipFile", len, err);
	fa_error(err, FAAS_EINVAL, "Please provide a source for function code.");
	return NULL;
}

static struct fa_package *take_zip(struct faas *rt, const struct fa_document *code,
				   struct faas_error *err)
{
	size_t len;
	void *zip = fa_control_zip(rt, code, &len, err);
	struct fa_package *package = zip ? fa_packages_take(&rt->packages, zip, len, err) : NULL;

	fa_free(zip);
	return package;
}

static int check_zip(struct faas *rt, const struct fa_document *code, struct faas_error *err)
{
	char sha256[FA_DIGEST_TEXT];
	size_t len;
	void *zip = fa_control_zip(rt, code, &len, err);
	int rc = zip ? fa_packages_check(&rt->packages, zip, len, sha256, err) : err->code;

	fa_free(zip);
	return rc;
}

/* ---- or an image ---------------------------------------------------------- */

static bool has_zip(const struct fa_document *code)
{
	bool has = fa_document_get(code, "ZipFile");

	for (size_t i = 0; i < ELSEWHERE; i++)
		has |= fa_document_get(code, elsewhere[i]) != NULL;
	return has;
}

/* Whether a request brings what a function of that type is made of. */
static int check_source(const struct fa_document *code, bool image, const char *when,
			struct faas_error *err)
{
	bool uri = fa_document_get(code, "ImageUri");

	if (image && (!uri || has_zip(code)))
		return fa_error(err, FAAS_EINVAL, "Please provide ImageUri when %s Image.", when);
	if (!image && uri)
		return fa_error(err, FAAS_EINVAL, "Please don't provide ImageUri when %s Zip.",
				when);
	return 0;
}

/* What the code is, and where the configuration has it. */
static struct fa_package *take_package(struct faas *rt, const struct fa_document *code,
				       struct faas_function_config *config,
				       struct faas_error *err)
{
	const char *uri = fa_control_text(code, "ImageUri");
	struct fa_package *package;

	if (uri) {
		config->image = uri;
		return fa_images_take(rt, uri, false, err);
	}
	package = take_zip(rt, code, err);
	if (package)
		config->code = package->zip;
	return package;
}

static int check_package(struct faas *rt, const struct fa_document *code, struct faas_error *err)
{
	const char *uri = fa_control_text(code, "ImageUri");
	struct fa_package *package;

	if (!uri)
		return check_zip(rt, code, err);
	package = fa_images_take(rt, uri, false, err);
	fa_package_unref(package);
	return package ? 0 : err->code;
}

/* ---- create ------------------------------------------------------------ */

int fa_control_check_architectures(const struct fa_document *in, const char *name,
				   struct faas_error *err)
{
	const struct fa_document *list = fa_document_get(in, name), *item;

	for (size_t i = 0; (item = fa_document_item(list, i)); i++)
		if (!fa_document_text(item) || strcmp(fa_document_text(item), ARCHITECTURE) != 0)
			return fa_error(err, FAAS_EINVAL, "%s: this machine is " ARCHITECTURE,
					name);
	return 0;
}

/* Any form of the name, but of this region and account, and without a qualifier. */
static int read_name(struct faas *rt, const struct fa_document *in, char out[FA_NAME_MAX + 1],
		     struct faas_error *err)
{
	struct fa_name name;
	int rc = fa_name_parse(&name, fa_control_text(in, "FunctionName"), err);

	if (!rc)
		rc = fa_registry_check_place(&rt->registry, &name, err);
	if (!rc && name.qualifier.data)
		rc = fa_error(err, FAAS_EINVAL, "a new function's name has no qualifier");
	if (rc)
		return rc;
	memcpy(out, name.function.data, name.function.len);
	out[name.function.len] = '\0';
	return 0;
}

static int check_signing(struct faas *rt, const char *arn, struct faas_error *err)
{
	bool enforced = false;
	int rc = arn ? fa_control_find_signing(rt, arn, &enforced, err) : 0;

	return enforced ? fa_control_unsigned(err) : rc;
}

/* What can be said before anything is unpacked. */
static int check_creation(struct faas *rt, const struct fa_document *in, char *name,
			  struct faas_error *err)
{
	const char *type = fa_control_text(in, "PackageType");
	bool image = type && !strcmp(type, "Image");
	struct fa_version *there;
	int rc = read_name(rt, in, name, err);

	if (!rc)
		rc = check_source(fa_document_get(in, "Code"), image,
				  "creating a function with packageType", err);
	if (!rc && !image && (!fa_control_text(in, "Runtime") || !fa_control_text(in, "Handler")))
		rc = fa_error(err, FAAS_EINVAL,
			      "Runtime and Handler are mandatory parameters for functions created "
			      "with deployment packages.");
	if (!rc)
		rc = fa_control_check_architectures(in, "Architectures", err);
	if (!rc)
		rc = fa_tags_check(fa_document_get(in, "Tags"), err);
	if (!rc)
		rc = check_signing(rt, fa_control_text(in, FA_SIGNING), err);
	if (rc)
		return rc;
	there = fa_registry_find(&rt->registry, name, NULL);
	fa_version_unref(there);
	return there ? fa_error(err, FAAS_EEXIST, "Function already exist: %s", name) : 0;
}

/* What else is of the function, the answer, and the end of the change. */
static struct fa_build *end_creation(struct faas *rt, struct fa_build *build,
				     const struct fa_document *in, const char *name,
				     struct fa_document *out, struct faas_error *err)
{
	const struct fa_document *tags = fa_document_get(in, "Tags");
	const struct fa_document *signing = fa_document_get(in, FA_SIGNING);
	int rc = build ? 0 : err->code;

	if (!rc && tags)
		rc = fa_tags_add(&rt->registry, name, tags, err);
	if (!rc && signing)
		rc = fa_attached_set(&rt->registry, name, FA_SIGNING, fa_document_copy(signing),
				     err);
	if (!rc)
		rc = fa_control_tell_build(rt, build, out, err);
	rc = fa_change_close(rt, rc, err);
	if (!rc)
		return build;
	fa_build_drop(build);
	return NULL;
}

static struct fa_build *build_function(struct faas *rt, const struct fa_document *in,
				       const char *name, struct fa_document *out,
				       struct faas_error *err)
{
	struct fa_code code = { .package = NULL };
	struct faas_function_config config;
	struct fa_build *build = NULL;
	bool publish = false;

	if (fa_control_read_config(rt, in, &config, err) < 0)
		return NULL;
	fa_document_boolean(fa_document_get(in, "Publish"), &publish);
	code.package = take_package(rt, fa_document_get(in, "Code"), &config, err);
	if (code.package && !fa_change_prepare(rt, err)) {
		config.name = name;
		build = fa_build_create(rt, &config, &code, publish, err);
		build = end_creation(rt, build, in, name, out, err);
	}
	fa_package_unref(code.package);
	fa_control_release_config(&config);
	return build;
}

static int create(struct faas *rt, const struct fa_document *in, struct fa_document *out,
		  struct faas_error *err)
{
	struct fa_build *build = NULL;
	char name[FA_NAME_MAX + 1];

	if (!check_creation(rt, in, name, err))
		build = build_function(rt, in, name, out, err);
	if (!build)
		return err->code;
	fa_build_start(build);
	return 0;
}

/* ---- update ------------------------------------------------------------ */

/* With Publish it is waited for: a number is given to what is there, and the answer is it. */
static int publish_change(struct faas *rt, struct fa_version *old,
			  const struct faas_function_config *config, const struct fa_code *code,
			  const char *revision, struct fa_document *out, struct faas_error *err)
{
	struct fa_version *v = NULL;
	int rc = fa_function_change(rt, old, config, code, revision, &v, err);

	if (!rc)
		rc = fa_control_answer(out, rt, v, v->qualifier, err);
	fa_version_unref(v);
	return rc;
}

static int change(struct faas *rt, const struct fa_document *in, struct fa_version *old,
		  struct fa_document *out, struct faas_error *err)
{
	const char *revision = fa_control_text(in, "RevisionId");
	struct faas_function_config config = { .size = sizeof(config) };
	struct fa_code code = { .package = take_package(rt, in, &config, err) };
	bool publish = false;
	int rc;

	if (!code.package)
		return err->code;
	fa_document_boolean(fa_document_get(in, "Publish"), &publish);
	if (publish)
		rc = publish_change(rt, old, &config, &code, revision, out, err);
	else
		rc = fa_control_build(rt, fa_build_change(rt, old, &config, &code, revision, err),
				      out, err);
	fa_package_unref(code.package);
	return rc;
}

static int check_signature(struct faas *rt, const char *function, struct faas_error *err)
{
	return fa_signing_enforced(&rt->registry, function) ? fa_control_unsigned(err) : 0;
}

static int update(struct faas *rt, const struct fa_document *in, struct fa_document *out,
		  struct faas_error *err)
{
	const char *function = fa_control_text(in, "FunctionName");
	struct fa_version *old = fa_registry_latest(&rt->registry, function, err);
	bool dry = false;
	int rc;

	if (!old)
		return err->code;
	fa_document_boolean(fa_document_get(in, "DryRun"), &dry);
	rc = fa_function_check_revision(old, fa_control_text(in, "RevisionId"), err);
	if (!rc)
		rc = fa_control_check_architectures(in, "Architectures", err);
	if (!rc)
		rc = check_source(in, old->config.image, "updating a function with packageType",
				  err);
	if (!rc)
		rc = check_signature(rt, function, err);
	if (!rc && dry)
		rc = check_package(rt, in, err);
	if (!rc)
		rc = dry ? fa_control_answer(out, rt, old, NULL, err) :
			   change(rt, in, old, out, err);
	fa_version_unref(old);
	return rc;
}

/* ---- the table --------------------------------------------------------- */

#define FIELDS(...) (const struct fa_field[]){ FA_FUNCTION_FIELD, __VA_ARGS__, FA_NO_FIELD }

const struct fa_operation fa_code_operations[] = {
	{ "CreateFunction",
	  FIELDS(FA_ROLE_FIELD(true),
		 FA_OBJECT_OF("Code", true, FA_CODE_FIELDS, FA_TEXT_OF("ImageUri", 0)),
		 FA_CONFIG_FIELDS,
		 FA_WORD_OF("PackageType", false, "[Image, Zip]"),
		 FA_ARCHITECTURES_OF("Architectures", 1, 1),
		 FA_BOOLEAN_OF("Publish"),
		 FA_OPEN_OBJECT("Tags", false), FA_SIGNING_FIELD(false)),
	  create },
	{ "UpdateFunctionCode",
	  FIELDS(FA_CODE_FIELDS, FA_TEXT_OF("ImageUri", 0),
		 FA_ARCHITECTURES_OF("Architectures", 1, 1),
		 FA_BOOLEAN_OF("Publish"),
		 FA_BOOLEAN_OF("DryRun"),
		 FA_TEXT_OF("RevisionId", 0)),
	  update },
	{ NULL, NULL, NULL },
};
