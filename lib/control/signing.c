/* SPDX-License-Identifier: MIT */
/*
 * Operations on code signing configurations. They are kept, shown and obeyed; since no
 * signature is looked at, one that says Enforce lets no new code pass.
 */
#include <control/config.h>

#include <stdio.h>
#include <string.h>

#include <base/error.h>
#include <base/text.h>
#include <model/attached.h>

#define ARN "CodeSigningConfigArn"
#define ARN_MAX FA_SIGNING_ARN_MAX

/* ---- what a request says ------------------------------------------------ */

/* What it names replaces what is there. */
static int read_config(struct faas *rt, const struct fa_document *in, struct fa_document *config,
		       struct faas_error *err)
{
	const struct fa_document *publishers = fa_document_get(in, "AllowedPublishers");
	const struct fa_document *policies = fa_document_get(in, "CodeSigningPolicies");
	const char *description = fa_control_text(in, "Description");
	int rc = 0;

	if (description)
		rc |= fa_document_put_text(config, "Description", description);
	if (publishers)
		rc |= fa_document_put(config, "AllowedPublishers", fa_document_copy(publishers));
	if (policies)
		rc |= fa_document_put(config, "CodeSigningPolicies", fa_document_copy(policies));
	rc |= fa_control_put_time(config, "LastModified", rt->clock->unix_ms(rt->clock));
	return rc ? fa_error_nomem(err) : 0;
}

/* ---- configurations ----------------------------------------------------- */

/* Takes `config`. */
static int keep(struct faas *rt, struct fa_document *config, struct fa_document *out,
		struct faas_error *err)
{
	const char *arn = fa_document_text(fa_document_get(config, ARN));
	char name[ARN_MAX + 1];

	snprintf(name, sizeof(name), "%s", arn ? arn : "");
	if (fa_document_put(out, "CodeSigningConfig", fa_document_copy(config))) {
		fa_document_free(config);
		return fa_error_nomem(err);
	}
	return fa_signing_put(&rt->registry, name, config, err);
}

static int put_new(const struct faas *rt, struct fa_document *config)
{
	char id[24] = "csc-0", arn[ARN_MAX + 1];
	struct fa_text text = { .data = id, .len = 5, .size = sizeof(id) };
	uint8_t random[8];

	fa_random_bytes(random, sizeof(random));
	fa_text_hex(&text, random, sizeof(random));
	snprintf(arn, sizeof(arn), "arn:aws:lambda:%s:%s:code-signing-config:%s", rt->config.region,
		 rt->config.account, id);
	return fa_document_put_text(config, "CodeSigningConfigId", id) |
	       fa_document_put_text(config, ARN, arn) |
	       fa_control_put_text_in(config, "CodeSigningPolicies",
				      "UntrustedArtifactOnDeployment", "Warn");
}

static int create(struct faas *rt, const struct fa_document *in, struct fa_document *out,
		  struct faas_error *err)
{
	struct fa_document *config = fa_document_object();
	int rc = put_new(rt, config) ? fa_error_nomem(err) : read_config(rt, in, config, err);

	if (!rc)
		return keep(rt, config, out, err);
	fa_document_free(config);
	return rc;
}

/* [registry.changing] Read, and put back changed. */
static int change(struct faas *rt, const struct fa_document *in, struct fa_document *out,
		  struct faas_error *err)
{
	struct fa_document *config = fa_signing_get(&rt->registry, fa_control_text(in, ARN), err);
	int rc;

	if (!config)
		return err->code;
	rc = read_config(rt, in, config, err);
	if (!rc)
		return keep(rt, config, out, err);
	fa_document_free(config);
	return rc;
}

static int update(struct faas *rt, const struct fa_document *in, struct fa_document *out,
		  struct faas_error *err)
{
	int rc;

	pthread_mutex_lock(&rt->registry.changing);
	rc = change(rt, in, out, err);
	pthread_mutex_unlock(&rt->registry.changing);
	return rc;
}

static int get(struct faas *rt, const struct fa_document *in, struct fa_document *out,
	       struct faas_error *err)
{
	struct fa_document *config = fa_signing_get(&rt->registry, fa_control_text(in, ARN), err);

	if (!config)
		return err->code;
	return fa_document_put(out, "CodeSigningConfig", config) ? fa_error_nomem(err) : 0;
}

static int delete (struct faas *rt, const struct fa_document *in, struct fa_document *out,
		   struct faas_error *err)
{
	int rc;

	(void)out;
	pthread_mutex_lock(&rt->registry.changing);
	rc = fa_signing_delete(&rt->registry, fa_control_text(in, ARN), err);
	pthread_mutex_unlock(&rt->registry.changing);
	return rc;
}

static int list_all(const struct fa_document *in, struct fa_document *out,
		    const struct fa_document *all, struct faas_error *err)
{
	struct fa_document *page = fa_document_array();
	const struct fa_document *config;
	size_t begin, end, i = 0;
	const char *name = NULL;
	int rc = fa_control_page(in, out, fa_document_count(all), FA_PAGE_MOST, &begin, &end, err);

	for (; !rc && (name = fa_document_next(all, name, &config)); i++)
		if (i >= begin && i < end && fa_document_append(page, fa_document_copy(config)))
			rc = fa_error_nomem(err);
	if (!rc && !fa_document_put(out, "CodeSigningConfigs", page))
		return 0;
	if (rc)
		fa_document_free(page);
	return rc ? rc : fa_error_nomem(err);
}

static int list(struct faas *rt, const struct fa_document *in, struct fa_document *out,
		struct faas_error *err)
{
	struct fa_document *all = fa_signing_all(&rt->registry);
	int rc = all ? list_all(in, out, all, err) : fa_error_nomem(err);

	fa_document_free(all);
	return rc;
}

/* ---- of functions -------------------------------------------------------- */

bool fa_fits_signing(const char *text)
{
	return !strncmp(text, "arn:", 4) && strstr(text, ":code-signing-config:csc-");
}

int fa_control_find_signing(struct faas *rt, const char *arn, bool *enforced,
			    struct faas_error *err)
{
	struct fa_document *config = fa_signing_get(&rt->registry, arn, NULL);

	if (!config)
		return fa_error_typed(err, FAAS_ENOTFOUND, "CodeSigningConfigNotFoundException",
				      "The code signing configuration cannot be found. Check that "
				      "the provided configuration is not deleted: %s.",
				      arn);
	*enforced = fa_signing_enforces(config);
	fa_document_free(config);
	return 0;
}

int fa_control_unsigned(struct faas_error *err)
{
	return fa_error_typed(err, FAAS_EINVAL, "CodeVerificationFailedException",
			      "The code signature failed one or more of the validation checks for "
			      "signature mismatch or expiry, and the code signing policy is set to "
			      "ENFORCE. Lambda blocks the deployment.");
}

static int put_use(struct faas *rt, const struct fa_document *in, struct fa_document *out,
		   struct faas_error *err)
{
	const char *arn = fa_control_text(in, ARN), *function = fa_control_text(in, "FunctionName");
	bool enforced;
	int rc = fa_control_find_signing(rt, arn, &enforced, err);

	if (!rc)
		rc = fa_attached_set(&rt->registry, function, FA_SIGNING, fa_document_new_text(arn),
				     err);
	if (rc)
		return rc;
	return fa_document_put_text(out, ARN, arn) |
			       fa_document_put_text(out, "FunctionName", function)
		       ? fa_error_nomem(err)
		       : 0;
}

static int get_use(struct faas *rt, const struct fa_document *in, struct fa_document *out,
		   struct faas_error *err)
{
	const char *function = fa_control_text(in, "FunctionName");
	struct fa_document *arn;
	int rc = fa_attached_get(&rt->registry, function, FA_SIGNING, &arn, err);

	if (rc || !arn)
		return rc;
	return fa_document_put(out, ARN, arn) | fa_document_put_text(out, "FunctionName", function)
		       ? fa_error_nomem(err)
		       : 0;
}

static int delete_use(struct faas *rt, const struct fa_document *in, struct fa_document *out,
		      struct faas_error *err)
{
	(void)out;
	return fa_attached_set(&rt->registry, fa_control_text(in, "FunctionName"), FA_SIGNING, NULL,
			       err);
}

static int list_users(struct faas *rt, const struct fa_document *in, struct fa_document *out,
		      struct faas_error *err)
{
	const char *arn = fa_control_text(in, ARN);
	struct fa_document *users, *config = fa_signing_get(&rt->registry, arn, err);
	int rc;

	if (!config)
		return err->code;
	fa_document_free(config);
	users = fa_signing_users(&rt->registry, arn);
	rc = users ? fa_control_list_copies(in, out, "FunctionArns", users, err) :
		     fa_error_nomem(err);
	fa_document_free(users);
	return rc;
}

/* ---- the table ------------------------------------------------------- */

#define ARN_FIELD FA_SIGNING_FIELD(true)
#define FIELDS(...) \
	(const struct fa_field[]) \
	{ \
		__VA_ARGS__, FA_NO_FIELD \
	}
#define SETTINGS(needed) \
	FA_TEXT_OF("Description", 256), \
		FA_OBJECT_OF("AllowedPublishers", needed, \
			     FA_LIST_OF("SigningProfileVersionArns", true, 1, 20, \
					FA_TEXT_ITEM(0, 0, fa_fits_arn, \
						     FA_PATTERN FA_ARN_PATTERN))), \
		FA_OBJECT_OF("CodeSigningPolicies", false, \
			     FA_WORD_OF("UntrustedArtifactOnDeployment", false, "[Enforce, Warn]"))

const struct fa_operation fa_signing_operations[] = {
	{ "CreateCodeSigningConfig", FIELDS(SETTINGS(true)), create },
	{ "UpdateCodeSigningConfig", FIELDS(ARN_FIELD, SETTINGS(false)), update },
	{ "GetCodeSigningConfig", FIELDS(ARN_FIELD), get },
	{ "ListCodeSigningConfigs", FIELDS(FA_MARKER_FIELDS), list },
	{ "DeleteCodeSigningConfig", FIELDS(ARN_FIELD), delete },
	{ "PutFunctionCodeSigningConfig", FIELDS(ARN_FIELD, FA_FUNCTION_FIELD), put_use },
	{ "GetFunctionCodeSigningConfig", FIELDS(FA_FUNCTION_FIELD), get_use },
	{ "DeleteFunctionCodeSigningConfig", FIELDS(FA_FUNCTION_FIELD), delete_use },
	{ "ListFunctionsByCodeSigningConfig", FIELDS(ARN_FIELD, FA_MARKER_FIELDS), list_users },
	{ NULL, NULL, NULL },
};
