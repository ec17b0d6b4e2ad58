/* SPDX-License-Identifier: MIT */
/* The typed doors to streams. */
#include <messages.h>

#include <string.h>

#include <base/error.h>
#include <base/text.h>
#include <model/stream.h>

#define RECORD_MAX 1048576

static size_t count_characters(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static int check(const struct faas_message *m, struct faas_error *err)
{
	size_t len = m->group ? count_characters(m->group) : 0;

	if (!len || len > FA_STREAM_KEY_MAX)
		return fa_error(err, FAAS_EINVAL,
				"a record needs a partition key, group, of 1 to %d characters",
				FA_STREAM_KEY_MAX);
	if (m->delay_s || m->attributes || m->dedup)
		return fa_error(err, FAAS_EINVAL,
				"a record has a body and a group, and no delay_s, attributes or "
				"dedup");
	if (m->body.len > RECORD_MAX)
		return fa_error(err, FAAS_ETOOLARGE, "a record has at most %d bytes", RECORD_MAX);
	return 0;
}

int fa_stream_put(struct faas *rt, const char *name, const struct faas_message *from, int64_t *id,
		  struct faas_error *err)
{
	char address[FA_ADDRESS_MAX];
	struct fa_text text = FA_TEXT(address);
	struct fa_message m = { .body = from->body };
	struct fa_store_op op = { .verb = FA_STORE_APPEND, .messages = &m, .message_count = 1 };
	struct fa_stream stream;
	int rc = check(from, err);

	if (rc)
		return rc;
	if (!fa_named_get(&rt->streams, name, &stream))
		return fa_error(err, FAAS_ENOTFOUND, "Stream %s under account %s not found.", name,
				rt->config.account);
	fa_text_add(&text, "stream:");
	fa_text_add(&text, name);
	m.address = (struct faas_bytes){ address, text.len };
	m.group = (struct faas_bytes){ from->group, strlen(from->group) };
	m.shard = fa_stream_shard(stream.shards, m.group.data, m.group.len, &m.hash);
	m.sent_ms = rt->clock->unix_ms(rt->clock);
	op.take.since_ms = m.sent_ms - stream.retention_h * INT64_C(3600000);
	rc = fa_messages_perform(rt, &op, err);
	if (!rc && id)
		*id = m.id;
	return rc;
}
