/* SPDX-License-Identifier: MIT */
/*
 * Policies compare texts, and the kernel resolves paths: so the only paths here are those of
 * which no two texts mean the same and none leads up.
 */
#include <model/bucket.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <base/document.h>
#include <base/error.h>
#include <base/text.h>

static bool fits_name(const char *name, size_t len)
{
	if (!len || len > NAME_MAX || (len <= 2 && !strncmp(name, "..", len)))
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)name[i] < ' ' || name[i] == 0x7f)
			return false;
	return true;
}

static bool fits(const char *path, size_t most)
{
	size_t all = strlen(path), len;

	for (const char *at = path;; at += len + 1) {
		len = strcspn(at, "/");
		if (!fits_name(at, len))
			return false;
		if (!at[len])
			return all <= most && fa_text_is_utf8(path, all);
	}
}

bool fa_bucket_key_fits(const char *key)
{
	return fits(key, FA_BUCKET_KEY_MAX);
}

int fa_bucket_check(const char *path, struct faas_error *err)
{
	if (*path == '/' && fits(path + 1, FA_BUCKET_PATH_MAX - 1))
		return 0;
	return fa_error(err, FAAS_EINVAL,
			"'%.100s' is no plain path of at most %d bytes: without '//', '.' and '..'",
			path, FA_BUCKET_PATH_MAX);
}

int fa_bucket_read(struct fa_bucket *bucket, const char *path, const char *options,
		   struct faas_error *err)
{
	struct fa_document *in = fa_document_parse(options ? options : "{}", err);
	const struct fa_document *value;
	const char *member = in ? fa_document_next(in, NULL, &value) : NULL;
	int rc = in ? 0 : FAAS_EINVAL;

	if (member)
		rc = fa_error(err, FAAS_EINVAL, "'%.80s' is nothing that a directory has here",
			      member);
	if (!rc)
		snprintf(bucket->path, sizeof(bucket->path), "%s", path);
	fa_document_free(in);
	return rc;
}

char *fa_bucket_print(const struct fa_bucket *bucket, const struct fa_mem *mem)
{
	(void)bucket;
	return fa_strdup(mem, "{}");
}
