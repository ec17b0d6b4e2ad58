/* SPDX-License-Identifier: MIT */
/*
 * What is sealed is the variables one behind the other, each with its NUL, bound to
 * the ARN of their function.
 */
#include <model/sealed.h>

#include <stdint.h>
#include <string.h>

#include <base/error.h>
#include <base/hidden.h>
#include <model/fingerprint.h>

/* ---- errors ------------------------------------------------------------- */

static const struct {
	const char *type, *why;
	int code;
} troubles[] = {
	[FA_KMS_NOT_FOUND] = { "KMSNotFoundException",
			       "the KMS key was not found. Check the function's KMS key settings.",
			       FAAS_ENOTFOUND },
	[FA_KMS_DISABLED] = { "KMSDisabledException",
			      "the KMS key used is disabled. Check the Lambda function's KMS key "
			      "settings.",
			      FAAS_EDENIED },
	[FA_KMS_DENIED] = { "KMSAccessDeniedException",
			    "KMS access was denied. Check the Lambda function's KMS permissions.",
			    FAAS_EDENIED },
	[FA_KMS_INVALID] = { "KMSInvalidStateException",
			     "the state of the KMS key used is not valid for Decrypt. Check the "
			     "function's KMS key settings.",
			     FAAS_EDENIED },
};

int fa_version_unreadable(const struct fa_version *v, struct faas_error *err)
{
	return fa_error_typed(err, troubles[v->unreadable].code, troubles[v->unreadable].type,
			      "Lambda couldn't decrypt the environment variables because %s",
			      troubles[v->unreadable].why);
}

static int bad_key(const char *what, struct faas_error *err)
{
	return fa_error(err, FAAS_EINVAL,
			"Lambda was unable to configure access to your environment variables "
			"because the KMS key is invalid for CreateGrant. Please check your KMS key "
			"settings. KMS Exception: %s",
			what);
}

/* ---- seal ----------------------------------------------------------------- */

static size_t plain_size(const struct fa_version *v)
{
	size_t size = 0;

	for (size_t i = 0; i < v->environment_count; i++)
		size += strlen(v->config.environment[i]) + 1;
	return size;
}

static void put_plain(char *to, const struct fa_version *v)
{
	for (size_t i = 0; i < v->environment_count; i++)
		to = stpcpy(to, v->config.environment[i]) + 1;
}

static int seal(struct fa_version *v, const struct fa_key *key)
{
	size_t size = plain_size(v);
	char *plain = fa_hidden_alloc(v->mem, size + 1);
	int rc = FAAS_ENOMEM;

	v->sealed = fa_alloc_dirty(v->mem, size + FA_SEAL_MORE);
	if (plain && v->sealed) {
		put_plain(plain, v);
		rc = fa_seal(v->sealed, key->bytes, v->arn, plain, size);
	}
	fa_hidden_free(plain);
	v->sealed_len = size + FA_SEAL_MORE;
	return rc;
}

int fa_version_seal(struct fa_version *v, const struct fa_keys *keys, struct faas_error *err)
{
	const char *arn = v->config.kms_key_arn;
	const struct fa_key *key = fa_key_find(keys, arn);

	v->keys = keys;
	if (!key && *arn)
		return bad_key("NotFoundException", err);
	if (key && !key->enabled)
		return bad_key("DisabledException", err);
	if (!key || !v->environment_count)
		return 0;
	if (seal(v, key))
		return fa_error_nomem(err);
	fa_version_forget_variables(v);
	return 0;
}

/* ---- open ----------------------------------------------------------------- */

static size_t count_texts(const char *bytes, size_t size)
{
	size_t count = 0;

	for (size_t i = 0; i < size; i++)
		count += !bytes[i];
	return count;
}

static void point_at(const char **list, const char *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		list[i] = bytes;
		bytes += strlen(bytes) + 1;
	}
	list[count] = NULL;
}

/* Room for the bytes and as many pointers as there can be texts in them, "A=" at least. */
static int unseal(struct fa_variables *out, const struct fa_version *v, const struct fa_key *key)
{
	size_t size = v->sealed_len - FA_SEAL_MORE, most = size / 3 + 1;
	const char **list;
	char *bytes;
	int rc;

	out->owned = fa_hidden_alloc(v->mem, (most + 1) * sizeof(*list) + size);
	if (!out->owned)
		return FAAS_ENOMEM;
	list = out->owned;
	bytes = (char *)(list + most + 1);
	rc = fa_unseal(bytes, key->bytes, v->arn, v->sealed, v->sealed_len);
	if (rc)
		return rc;
	point_at(list, bytes, count_texts(bytes, size));
	out->list = list;
	return 0;
}

int fa_variables_open(struct fa_variables *out, const struct fa_version *v, struct faas_error *err)
{
	const struct fa_key *key;
	int rc;

	*out = (struct fa_variables){ .list = v->config.environment };
	if (v->unreadable)
		return fa_version_unreadable(v, err);
	if (!v->sealed)
		return 0;
	key = fa_key_find(v->keys, v->config.kms_key_arn);
	rc = unseal(out, v, key);
	if (!rc)
		return 0;
	fa_variables_close(out);
	return rc == FAAS_ENOMEM ? fa_error_nomem(err)
				 : fa_error_typed(err, rc, troubles[FA_KMS_DENIED].type,
						  "Lambda couldn't decrypt the environment "
						  "variables because %s",
						  troubles[FA_KMS_DENIED].why);
}

void fa_variables_close(struct fa_variables *variables)
{
	fa_hidden_free(variables->owned);
	*variables = (struct fa_variables){ NULL, NULL };
}

/* ---- adopt ---------------------------------------------------------------- */

/* One that was replaced: it reads what it encrypted, as long as the host gives it. */
static bool open_with_older(struct fa_version *v, const struct fa_keys *keys,
			    struct fa_variables *opened)
{
	const char *arn = v->config.kms_key_arn;

	for (size_t i = 0; i < keys->count && !v->resealed; i++) {
		const struct fa_key *key = &keys->list[i];

		if (!key->enabled || (*arn && strcmp(key->arn, arn) != 0))
			continue;
		v->resealed = !unseal(opened, v, key);
		if (!v->resealed)
			fa_variables_close(opened);
	}
	return v->resealed;
}

/* Their plain text is in config.environment. */
static int reseal(struct fa_version *v, const struct fa_key *key)
{
	void *old = v->sealed;
	size_t old_len = v->sealed_len;

	if (!seal(v, key)) {
		fa_free(old);
		return 0;
	}
	fa_free(v->sealed);
	v->sealed = old;
	v->sealed_len = old_len;
	v->unreadable = FA_KMS_DENIED;
	v->resealed = false;
	return FAAS_ENOMEM;
}

static enum fa_kms_trouble trouble_of(struct fa_version *v, const struct fa_keys *keys,
				      const struct fa_key *key, struct fa_variables *opened)
{
	if (v->sealed_len < FA_SEAL_MORE)
		return FA_KMS_INVALID;
	if (!key)
		return FA_KMS_NOT_FOUND;
	if (!key->enabled)
		return FA_KMS_DISABLED;
	if (!fa_variables_open(opened, v, NULL))
		return FA_KMS_FINE;
	return open_with_older(v, keys, opened) ? FA_KMS_FINE : FA_KMS_DENIED;
}

int fa_version_adopt(struct fa_version *v, const struct fa_keys *keys, const void *sealed,
		     size_t len, struct faas_error *err)
{
	const struct fa_key *key = fa_key_find(keys, v->config.kms_key_arn);
	struct fa_variables opened = { NULL, NULL };
	void *copy;
	int rc;

	fa_version_forget_variables(v);
	v->keys = keys;
	copy = fa_memdup(v->mem, sealed, len);
	if (!copy)
		return fa_error_nomem(err);
	fa_free(v->sealed);
	v->sealed = copy;
	v->sealed_len = len;
	v->unreadable = trouble_of(v, keys, key, &opened);
	for (v->environment_count = 0; opened.list && opened.list[v->environment_count];)
		v->environment_count++;
	v->config.environment = opened.list;
	rc = fa_fingerprint_config(v, v->config_sha256);
	if (v->resealed)
		rc |= reseal(v, key);
	v->config.environment = NULL;
	fa_variables_close(&opened);
	return rc ? fa_error_nomem(err) : 0;
}
