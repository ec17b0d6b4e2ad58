/* SPDX-License-Identifier: MIT */
/* What a stream is like, and which of its shards a record goes to. */
#include <model/stream.h>

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <base/digest.h>
#include <base/document.h>
#include <base/error.h>

#define SCHEME "stream:"
#define ARN "arn:aws:kinesis:"

static const struct member {
	const char *name;
	size_t at;
	int otherwise, min, max;
} members[] = {
	{ "ShardCount", offsetof(struct fa_stream, shards), 1, 1, FA_STREAM_SHARDS_MAX },
	{ "RetentionPeriodHours", offsetof(struct fa_stream, retention_h), 24, 24, 8760 },
};

#define MEMBERS (sizeof(members) / sizeof(*members))

bool fa_stream_fits(const char *name)
{
	size_t len = strlen(name);

	return len >= 1 && len <= FA_STREAM_NAME_MAX &&
	       strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			    "0123456789-_.") == len;
}

const char *fa_stream_name(const char *text)
{
	const char *name = NULL;

	if (!strncmp(text, SCHEME, strlen(SCHEME)))
		name = text + strlen(SCHEME);
	else if (!strncmp(text, ARN, strlen(ARN)) && (name = strstr(text, ":stream/")))
		name += strlen(":stream/");
	return name && fa_stream_fits(name) ? name : NULL;
}

/* ---- JSON ------------------------------------------------------------ */

static int read_member(struct fa_stream *s, const char *name, const struct fa_document *value,
		       struct faas_error *err)
{
	int64_t number;

	for (size_t i = 0; i < MEMBERS; i++) {
		const struct member *m = &members[i];

		if (strcmp(m->name, name) != 0)
			continue;
		if (!fa_document_integer(value, &number) || number < m->min || number > m->max)
			return fa_error(err, FAAS_EINVAL, "%s must be a number from %d to %d",
					name, m->min, m->max);
		*(int *)((char *)s + m->at) = (int)number;
		return 0;
	}
	return fa_error(err, FAAS_EINVAL,
			"'%.80s' is nothing that a stream has here: expected ShardCount or "
			"RetentionPeriodHours", name);
}

int fa_stream_read(struct fa_stream *stream, const char *name, const char *options,
		   struct faas_error *err)
{
	struct fa_stream s = { .shards = members[0].otherwise,
			       .retention_h = members[1].otherwise };
	struct fa_document *in = fa_document_parse(options ? options : "{}", err);
	const struct fa_document *value;
	const char *member = NULL;
	int rc = 0;

	if (!in)
		return FAAS_EINVAL;
	snprintf(s.name, sizeof(s.name), "%s", name);
	while (!rc && (member = fa_document_next(in, member, &value)))
		rc = read_member(&s, member, value, err);
	if (!rc)
		*stream = s;
	fa_document_free(in);
	return rc;
}

char *fa_stream_print(const struct fa_stream *s, const struct fa_mem *mem)
{
	struct fa_document *out = fa_document_object();
	char *text;
	int rc = 0;

	for (size_t i = 0; i < MEMBERS; i++)
		rc |= fa_document_put_integer(out, members[i].name,
					      *(const int *)((const char *)s + members[i].at));
	text = rc ? NULL : fa_document_print(out, mem);
	fa_document_free(out);
	return text;
}

/* ---- shards ------------------------------------------------------------ */

static uint32_t word(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

int fa_stream_shard(int shards, const void *key, size_t len, uint32_t *hash)
{
	uint8_t sum[FA_MD5];

	fa_md5(sum, key, len);
	*hash = word(sum + 12);
	return (int)((uint64_t)word(sum) * (uint64_t)shards >> 32);
}

void fa_shard_id(char out[FA_SHARD_ID], int shard)
{
	snprintf(out, FA_SHARD_ID, "shardId-%012d", shard);
}
