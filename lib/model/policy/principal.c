/* SPDX-License-Identifier: MIT */
/* The Principal element: "*", or an object of kinds of names. Names have no wildcards in them. */
#include <model/policy/statement.h>

#include <string.h>

#include <base/error.h>

#define ACCOUNT_DIGITS 12

static int invalid(struct faas_error *err, const char *kind, const char *text)
{
	return fa_error(err, FAAS_EINVAL, "Invalid principal in policy: \"%.20s\":\"%.120s\"", kind,
			text);
}

/* "arn:aws:iam::123456789012:root" is the account 123456789012. */
static const char *account_of_root(const char *arn)
{
	const char *account = arn;

	for (int colons = 0; colons < 4; colons++) {
		account = strchr(account, ':');
		if (!account++)
			return NULL;
	}
	return strspn(account, "0123456789") == ACCOUNT_DIGITS &&
			       !strcmp(account + ACCOUNT_DIGITS, ":root")
		       ? account
		       : NULL;
}

static bool read_aws(struct fa_principal_name *name, const char *text)
{
	const char *account = account_of_root(text);
	bool digits = strspn(text, "0123456789") == ACCOUNT_DIGITS && !text[ACCOUNT_DIGITS];

	name->kind = !strcmp(text, "*")  ? FA_PRINCIPAL_ANY
		     : account || digits ? FA_PRINCIPAL_ACCOUNT
					 : FA_PRINCIPAL_ARN;
	name->text = account ? account : text;
	return name->kind != FA_PRINCIPAL_ARN ||
	       (!strncmp(text, "arn:", 4) && !strpbrk(text, "*?"));
}

static bool read_name(struct fa_principal_name *name, const char *kind, const char *text)
{
	name->text = text;
	if (!strcmp(kind, "AWS"))
		return read_aws(name, text);
	name->kind = !strcmp(kind, "Service") ? FA_PRINCIPAL_SERVICE : FA_PRINCIPAL_FEDERATED;
	return *text && !strpbrk(text, "*?");
}

static size_t count_names(const struct fa_document *element)
{
	const struct fa_document *names;
	const char *kind = NULL;
	size_t count = 0;

	while ((kind = fa_document_next(element, kind, &names))) {
		size_t n = 0;

		while (fa_document_item(names, n))
			n++;
		count += fa_document_is_array(names) ? n : 1;
	}
	return count;
}

/* A text, or a list of them. */
static int read_kind(struct fa_arena *arena, struct fa_principal_name **at, const char *kind,
		     const struct fa_document *names, struct faas_error *err)
{
	bool list = fa_document_is_array(names);
	const struct fa_document *item = list ? fa_document_item(names, 0) : names;

	if (strcmp(kind, "AWS") != 0 && strcmp(kind, "Service") != 0 &&
	    strcmp(kind, "Federated") != 0)
		return invalid(err, kind, "");
	for (size_t i = 0; item; item = list ? fa_document_item(names, ++i) : NULL) {
		const char *text = fa_document_text(item);
		char *copy = text ? fa_arena_text(arena, text, strlen(text)) : NULL;

		if (!text)
			return invalid(err, kind, "not a string");
		if (!copy)
			return fa_error_nomem(err);
		if (!read_name((*at)++, kind, copy))
			return invalid(err, kind, text);
	}
	return 0;
}

/* What stands behind the account of a root's ARN is not part of it: cut it off. */
static void cut_roots(struct fa_principal_name *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (names[i].kind == FA_PRINCIPAL_ACCOUNT)
			((char *)names[i].text)[ACCOUNT_DIGITS] = '\0';
}

int fa_principals_compile(struct fa_arena *arena, const struct fa_document *element,
			  struct fa_statement *statement, struct faas_error *err)
{
	const char *all = fa_document_text(element), *kind = NULL;
	const struct fa_document *names;
	size_t count = all ? 1 : count_names(element);
	struct fa_principal_name *out = fa_arena_alloc(arena, (count + 1) * sizeof(*out)),
				 *at = out;
	int rc = 0;

	if (!out)
		return fa_error_nomem(err);
	if (all && strcmp(all, "*") != 0)
		return invalid(err, "*", all);
	if (!all && !count)
		return fa_error(err, FAAS_EINVAL, "Missing required field Principal");
	while (!rc && !all && (kind = fa_document_next(element, kind, &names)))
		rc = read_kind(arena, &at, kind, names, err);
	if (rc)
		return rc;
	cut_roots(out, count);
	statement->principals = out;
	statement->principal_count = count;
	return 0;
}

/* ---- meant? ------------------------------------------------------------ */

static bool same(const char *a, const char *b)
{
	return a && b && !strcmp(a, b);
}

static enum fa_closeness means(const struct fa_principal_name *name, const struct fa_principal *who)
{
	switch (name->kind) {
	case FA_PRINCIPAL_ANY:
		return FA_MEANT_DIRECTLY;
	case FA_PRINCIPAL_ACCOUNT:
		return same(name->text, who->account) ? FA_MEANT_BY_ACCOUNT : FA_NOT_MEANT;
	case FA_PRINCIPAL_ARN:
		if (same(name->text, who->arn))
			return FA_MEANT_DIRECTLY;
		return same(name->text, who->role) ? FA_MEANT_BY_ROLE : FA_NOT_MEANT;
	case FA_PRINCIPAL_SERVICE:
		return same(name->text, who->service) ? FA_MEANT_DIRECTLY : FA_NOT_MEANT;
	case FA_PRINCIPAL_FEDERATED:
		return same(name->text, who->federated) ? FA_MEANT_DIRECTLY : FA_NOT_MEANT;
	}
	return FA_NOT_MEANT;
}

enum fa_closeness fa_principals_mean(const struct fa_statement *statement,
				     const struct fa_principal *who)
{
	enum fa_closeness closest = FA_NOT_MEANT, now;

	if (!statement->principals)
		return FA_MEANT_DIRECTLY;
	for (size_t i = 0; i < statement->principal_count; i++) {
		now = means(&statement->principals[i], who);
		if (now > closest)
			closest = now;
	}
	if (statement->not_principal)
		return closest ? FA_NOT_MEANT : FA_MEANT_DIRECTLY;
	return closest;
}
