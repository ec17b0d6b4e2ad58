/* SPDX-License-Identifier: MIT */
/* Operations on resource policies. The statements are written as Lambda writes them. */
#include <control/control.h>

#include <string.h>

#include <base/error.h>
#include <base/text.h>
#include <model/permission.h>

/* ---- a statement ------------------------------------------------------- */

static bool ends_in(const char *text, const char *end)
{
	size_t len = strlen(text), n = strlen(end);

	return len > n && !strcmp(text + len - n, end);
}

static bool is_account(const char *text)
{
	return strlen(text) == 12 && strspn(text, "0123456789") == 12;
}

/* "s3.amazonaws.com", "123456789012", an ARN, or "*". NULL: none of these, or no memory. */
static struct fa_document *principal_of(const char *text)
{
	char root[40] = "arn:aws:iam::";
	struct fa_document *out;
	int rc;

	if (!strcmp(text, "*"))
		return fa_document_new_text(text);
	out = fa_document_object();
	if (is_account(text))
		rc = fa_document_put_text(out, "AWS", strcat(strcat(root, text), ":root"));
	else if (!strncmp(text, "arn:", 4))
		rc = fa_document_put_text(out, "AWS", text);
	else if (ends_in(text, ".amazonaws.com") || ends_in(text, ".amazon.com"))
		rc = fa_document_put_text(out, "Service", text);
	else
		rc = FAAS_EINVAL;
	if (!rc)
		return out;
	fa_document_free(out);
	return NULL;
}

/* What of the request becomes a condition, in the order that Lambda has. */
static const struct condition {
	const char *member, *operator, * key;
} conditions[] = {
	{ "FunctionUrlAuthType", "StringEquals", "lambda:FunctionUrlAuthType" },
	{ "PrincipalOrgID", "StringEquals", "aws:PrincipalOrgID" },
	{ "OrganizationId", "StringEquals", "aws:PrincipalOrgID" },
	{ "SourceAccount", "StringEquals", "AWS:SourceAccount" },
	{ "EventSourceToken", "StringEquals", "lambda:EventSourceToken" },
	{ "SourceArn", "ArnLike", "AWS:SourceArn" },
	{ "InvokedViaFunctionUrl", "Bool", "lambda:InvokedViaFunctionUrl" },
};

static const char *value_of(const struct fa_document *in, const struct condition *row)
{
	const struct fa_document *value = fa_document_get(in, row->member);
	bool flag;

	if (fa_document_boolean(value, &flag))
		return flag ? "true" : "false";
	return fa_document_text(value);
}

/* The keys of one operator; NULL: there are none, or no memory (*rc). */
static struct fa_document *keys_of(const struct fa_document *in, const char *operator, int * rc)
{
	struct fa_document *keys = NULL;

	for (size_t i = 0; i < sizeof(conditions) / sizeof(*conditions); i++) {
		const char *value = value_of(in, &conditions[i]);

		if (!value || strcmp(conditions[i].operator, operator) != 0)
			continue;
		if (!keys)
			keys = fa_document_object();
		*rc |= fa_document_put_text(keys, conditions[i].key, value);
	}
	return keys;
}

static int put_conditions(struct fa_document *statement, const struct fa_document *in)
{
	static const char *const operators[] = { "StringEquals", "ArnLike", "Bool" };
	struct fa_document *out = fa_document_object();
	int rc = 0;

	for (size_t i = 0; i < sizeof(operators) / sizeof(*operators); i++) {
		struct fa_document *keys = keys_of(in, operators[i], &rc);

		if (keys)
			rc |= fa_document_put(out, operators[i], keys);
	}
	if (fa_document_count(out))
		return fa_document_put(statement, "Condition", out) | rc;
	fa_document_free(out);
	return rc;
}

static struct fa_document *statement_of(const struct fa_document *in, const char *arn,
					struct faas_error *err)
{
	struct fa_document *principal = principal_of(fa_control_text(in, "Principal")), *out;
	int rc;

	if (!principal) {
		fa_error(err, FAAS_EINVAL,
			 "The provided principal was invalid. Please check the principal and try "
			 "again.");
		return NULL;
	}
	out = fa_document_object();
	rc = fa_document_put_text(out, "Sid", fa_control_text(in, "StatementId"));
	rc |= fa_document_put_text(out, "Effect", "Allow");
	rc |= fa_document_put(out, "Principal", principal);
	rc |= fa_document_put_text(out, "Action", fa_control_text(in, "Action"));
	rc |= fa_document_put_text(out, "Resource", arn);
	rc |= put_conditions(out, in);
	if (!rc)
		return out;
	fa_document_free(out);
	fa_error_nomem(err);
	return NULL;
}

/* ---- answers ----------------------------------------------------------- */

/* A document as a text in another one. */
static int put_printed(struct fa_document *out, const char *name, const struct fa_document *value,
		       const struct fa_mem *mem)
{
	char *text = value ? fa_document_print(value, mem) : NULL;
	int rc = text ? fa_document_put_text(out, name, text) : FAAS_ENOMEM;

	fa_free(text);
	return rc;
}

/* Takes `policy`; NULL: the error says why. */
static int tell(struct faas *rt, struct fa_document *out, struct fa_document *policy,
		struct faas_error *err)
{
	struct fa_document *whole;
	int rc;

	if (!policy)
		return err->code;
	whole = fa_permission_document(policy);
	rc = put_printed(out, "Policy", whole, &rt->mem);
	rc |= fa_document_put(out, "RevisionId",
			      fa_document_copy(fa_document_get(policy, "RevisionId")));
	fa_document_free(whole);
	fa_document_free(policy);
	return rc ? fa_error_nomem(err) : 0;
}

/* ---- functions --------------------------------------------------------- */

static int check_latest(const struct fa_control_split *target, struct faas_error *err)
{
	if (strcmp(target->qualifier, "$LATEST") != 0)
		return 0;
	return fa_error(err, FAAS_EINVAL,
			"We currently do not support adding policies for $LATEST.");
}

static void write_arn(char *out, size_t size, const struct faas *rt,
		      const struct fa_control_split *target)
{
	struct fa_text text = { .data = out, .size = size };

	fa_text_add(&text, "arn:aws:lambda:");
	fa_text_add(&text, rt->config.region);
	fa_text_add(&text, ":");
	fa_text_add(&text, rt->config.account);
	fa_text_add(&text, ":function:");
	fa_text_add(&text, target->function);
	fa_text_add(&text, *target->qualifier ? ":" : "");
	fa_text_add(&text, target->qualifier);
}

static int check_url(const struct fa_document *in, struct faas_error *err)
{
	if (!fa_document_get(in, "FunctionUrlAuthType") ||
	    !strcmp(fa_control_text(in, "Action"), "lambda:InvokeFunctionUrl"))
		return 0;
	return fa_error(
		err, FAAS_EINVAL,
		"FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action");
}

static int add(struct faas *rt, const struct fa_document *in, struct fa_document *out,
	       struct faas_error *err)
{
	struct fa_permission_change change = { .revision = fa_control_text(in, "RevisionId"),
					       .read_by = "GetPolicy" };
	struct fa_control_split target;
	char arn[FA_TARGET_MAX];
	int rc = fa_control_split(&target, rt, in, err);

	if (!rc)
		rc = check_latest(&target, err);
	if (!rc)
		rc = check_url(in, err);
	if (rc)
		return rc;
	write_arn(arn, sizeof(arn), rt, &target);
	change.statement = statement_of(in, arn, err);
	if (!change.statement)
		return err->code;
	if (put_printed(out, "Statement", change.statement, &rt->mem)) {
		fa_document_free(change.statement);
		return fa_error_nomem(err);
	}
	return fa_permission_change(&rt->registry, target.function, target.qualifier, &change, err);
}

static int remove_one(struct faas *rt, const struct fa_document *in, struct fa_document *out,
		      struct faas_error *err)
{
	struct fa_permission_change change = { .remove = fa_control_text(in, "StatementId"),
					       .revision = fa_control_text(in, "RevisionId"),
					       .read_by = "GetPolicy" };
	struct fa_control_split target;
	int rc = fa_control_split(&target, rt, in, err);

	(void)out;
	if (!rc)
		rc = check_latest(&target, err);
	return rc ? rc
		  : fa_permission_change(&rt->registry, target.function, target.qualifier, &change,
					 err);
}

static int get(struct faas *rt, const struct fa_document *in, struct fa_document *out,
	       struct faas_error *err)
{
	struct fa_control_split target;
	int rc = fa_control_split(&target, rt, in, err);

	if (!rc && !strcmp(target.qualifier, "$LATEST"))
		rc = fa_error(err, FAAS_ENOTFOUND, "The resource you requested does not exist.");
	return rc ? rc
		  : tell(rt, out,
			 fa_permission_get(&rt->registry, target.function, target.qualifier, err),
			 err);
}

/* ---- layers ------------------------------------------------------------ */

/* The version's ARN; it must be there. */
static int find_layer(struct faas *rt, const struct fa_document *in, char arn[FA_LAYER_ARN_MAX],
		      struct faas_error *err)
{
	struct fa_document *told = fa_layers_get(&rt->layers, fa_control_text(in, "LayerName"),
						 fa_control_number(in, "VersionNumber", 0), err);
	struct fa_text text = { .data = arn, .size = FA_LAYER_ARN_MAX };

	if (!told)
		return err->code;
	fa_text_add(&text, fa_control_text(told, "LayerVersionArn"));
	fa_document_free(told);
	return 0;
}

static int check_organization(const struct fa_document *in, struct faas_error *err)
{
	if (!fa_document_get(in, "OrganizationId") ||
	    !strcmp(fa_control_text(in, "Principal"), "*"))
		return 0;
	return fa_error(err, FAAS_EINVAL, "OrganizationId goes with the principal '*'");
}

static int add_to_layer(struct faas *rt, const struct fa_document *in, struct fa_document *out,
			struct faas_error *err)
{
	struct fa_permission_change change = { .revision = fa_control_text(in, "RevisionId"),
					       .read_by = "GetLayerPolicy" };
	struct fa_document *policy;
	char arn[FA_LAYER_ARN_MAX];
	int rc = find_layer(rt, in, arn, err);

	if (!rc)
		rc = check_organization(in, err);
	if (rc)
		return rc;
	change.statement = statement_of(in, arn, err);
	if (!change.statement)
		return err->code;
	rc = put_printed(out, "Statement", change.statement, &rt->mem);
	if (rc) {
		fa_document_free(change.statement);
		return fa_error_nomem(err);
	}
	rc = fa_permission_change_layer(&rt->registry, arn, &change, err);
	policy = rc ? NULL : fa_permission_get_layer(&rt->registry, arn, err);
	if (policy && fa_document_put(out, "RevisionId",
				      fa_document_copy(fa_document_get(policy, "RevisionId"))))
		rc = fa_error_nomem(err);
	fa_document_free(policy);
	return rc;
}

static int remove_from_layer(struct faas *rt, const struct fa_document *in, struct fa_document *out,
			     struct faas_error *err)
{
	struct fa_permission_change change = { .remove = fa_control_text(in, "StatementId"),
					       .revision = fa_control_text(in, "RevisionId"),
					       .read_by = "GetLayerPolicy" };
	char arn[FA_LAYER_ARN_MAX];
	int rc = find_layer(rt, in, arn, err);

	(void)out;
	return rc ? rc : fa_permission_change_layer(&rt->registry, arn, &change, err);
}

static int get_of_layer(struct faas *rt, const struct fa_document *in, struct fa_document *out,
			struct faas_error *err)
{
	char arn[FA_LAYER_ARN_MAX];
	int rc = find_layer(rt, in, arn, err);

	return rc ? rc : tell(rt, out, fa_permission_get_layer(&rt->registry, arn, err), err);
}

/* ---- the table --------------------------------------------------------- */

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define PATTERN FA_PATTERN

static bool is_sid(const char *text)
{
	return !text[strspn(text, LETTERS DIGITS "-_")];
}

/* There may have been others once. */
static bool is_any_sid(const char *text)
{
	return !text[strspn(text, LETTERS DIGITS "-_.")];
}

static bool is_action(const char *text)
{
	const char *name = strncmp(text, "lambda:", 7) ? NULL : text + 7;

	return !strcmp(text, "*") ||
	       (name && *name && (!strcmp(name, "*") || !name[strspn(name, LETTERS)]));
}

static bool is_layer_action(const char *text)
{
	return !strcmp(text, "lambda:GetLayerVersion");
}

static bool is_principal(const char *text)
{
	return !strpbrk(text, " \t\r\n");
}

static bool is_layer_principal(const char *text)
{
	size_t len = strlen(text);

	if (strncmp(text, "arn:aws", strlen("arn:aws")) != 0)
		return !strcmp(text, "*") || (len == 12 && !text[strspn(text, DIGITS)]);
	text = strstr(text, ":iam::");
	return text && strspn(text + 6, DIGITS) == 12 && !strcmp(text + 18, ":root");
}

static bool is_organization(const char *text)
{
	size_t len = strlen(text);

	return !strncmp(text, "o-", 2) && len >= 12 && len <= 34 &&
	       strspn(text + 2, "abcdefghijklmnopqrstuvwxyz" DIGITS) == len - 2;
}

static bool is_token(const char *text)
{
	return !text[strspn(text, LETTERS DIGITS "._-")];
}

#define FIELDS(...) \
	(const struct fa_field[]) \
	{ \
		__VA_ARGS__, FA_NO_FIELD \
	}
#define QUALIFIER FA_QUALIFIER_FIELD(false)
#define REVISION FA_TEXT_OF("RevisionId", 0)
#define SID \
	FA_FITTING("StatementId", true, 1, 100, is_sid, PATTERN "([a-zA-Z0-9-_]+)")
#define ANY_SID \
	FA_FITTING("StatementId", true, 1, 100, is_any_sid, PATTERN "([a-zA-Z0-9-_.]+)")
#define ORGANIZATION(name, least, pattern) \
	FA_FITTING(name, false, least, 34, is_organization, PATTERN pattern)
#define PRINCIPAL \
	FA_FITTING("Principal", true, 1, 256, is_principal, PATTERN "[^\\s]+")
#define LAYER FA_LAYER_FIELD
#define NUMBER \
	FA_INTEGER_OF("VersionNumber", true, INT32_MIN, INT32_MAX)

const struct fa_operation fa_permission_operations[] = {
	{ "AddPermission",
	  FIELDS(FA_FUNCTION_FIELD, SID, PRINCIPAL, QUALIFIER, REVISION,
		 FA_FITTING("Action", true, 0, 0, is_action,
		   PATTERN "(lambda:[*]|lambda:[a-zA-Z]+|[*])"),
		 FA_FITTING("SourceArn", false, 0, 0, fa_fits_arn, PATTERN FA_ARN_PATTERN),
		 FA_FITTING("SourceAccount", false, 0, 12, is_account, PATTERN "\\d{12}"),
		 FA_FITTING("EventSourceToken", false, 0, 256, is_token,
		   PATTERN "[a-zA-Z0-9._\\-]+"),
		 ORGANIZATION("PrincipalOrgID", 12, "^o-[a-z0-9]{10,32}$"),
		 FA_WORD_OF("FunctionUrlAuthType", false, "[NONE, AWS_IAM]"),
		 FA_BOOLEAN_OF("InvokedViaFunctionUrl")),
	  add },
	{ "RemovePermission", FIELDS(FA_FUNCTION_FIELD, ANY_SID, QUALIFIER, REVISION), remove_one },
	{ "GetPolicy", FIELDS(FA_ANY_FUNCTION_FIELD, QUALIFIER), get },
	{ "AddLayerVersionPermission",
	  FIELDS(LAYER, NUMBER, SID, REVISION,
		 FA_FITTING("Principal", true, 0, 0, is_layer_principal,
			    PATTERN "\\d{12}|\\*|arn:(aws[a-zA-Z-]*):iam::\\d{12}:root"),
		 FA_FITTING("Action", true, 0, 22, is_layer_action,
		   PATTERN "lambda:GetLayerVersion"),
		 ORGANIZATION("OrganizationId", 0, "o-[a-z0-9]{10,32}")),
	  add_to_layer },
	{ "RemoveLayerVersionPermission", FIELDS(LAYER, NUMBER, SID, REVISION), remove_from_layer },
	{ "GetLayerVersionPolicy", FIELDS(LAYER, NUMBER), get_of_layer },
	{ NULL, NULL, NULL },
};
