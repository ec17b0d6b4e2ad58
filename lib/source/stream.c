/* SPDX-License-Identifier: MIT */
/* A stream as a source: records of Kinesis. */
#include <source/shards.h>

#include <stdio.h>
#include <string.h>

#include <base/digest.h>

static bool find(struct faas *rt, const char *address, struct fa_stream *like)
{
	return fa_named_get(&rt->streams, address + strlen("stream:"), like);
}

static void write_arn(char *out, size_t size, struct faas *rt, const char *address)
{
	snprintf(out, size, "arn:aws:kinesis:%s:%s:stream/%s", rt->config.region,
		 rt->config.account, address + strlen("stream:"));
}

static const struct fa_shard_kind kinesis = {
	.info = "KinesisBatchInfo",
	.millis = true,
	.by_time = true,
	.find = find,
	.write_arn = write_arn,
	.id_head = "4959033827149025660855", /* 56 digits, as those of Kinesis have */
	.id_digits = 34,
};

/* ---- a record -------------------------------------------------------------- */

static void put(struct fa_text *out, const char *before, const void *text, size_t len)
{
	fa_text_add(out, before);
	fa_text_json(out, text, len);
}

static void put_base64(struct fa_text *out, struct faas_bytes body)
{
	if (out->cut || out->size - out->len <= (body.len + 2) / 3 * 4) {
		out->cut = true;
		return;
	}
	out->len += fa_base64(out->data + out->len, body.data, body.len);
}

/* Who reads the stream: the function's role, or where it has none the account. */
static void put_reader(struct fa_text *out, const struct fa_mapping *m)
{
	const struct faas *rt = m->all->rt;
	struct fa_version *v = fa_registry_find(&m->all->rt->registry, m->config->function, NULL);
	const char *role = v ? v->config.role : NULL;

	if (role) {
		fa_text_json(out, role, strlen(role));
	} else {
		put(out, "arn:aws:iam::", rt->config.account, strlen(rt->config.account));
		fa_text_add(out, ":root");
	}
	fa_version_unref(v);
}

static int write_record(struct fa_text *out, const struct fa_mapping *mapping,
			const struct fa_message *m)
{
	const struct faas_config *config = &mapping->all->rt->config;
	const char *arn = mapping->config->arn;
	char id[FA_RECORD_ID], shard[FA_SHARD_ID];

	fa_sequence_write(mapping->config->kind->shards, id, m->id);
	fa_shard_id(shard, m->shard);
	put(out, "{\"kinesis\":{\"kinesisSchemaVersion\":\"1.0\",\"partitionKey\":\"",
	    m->group.data, m->group.len);
	put(out, "\",\"sequenceNumber\":\"", id, strlen(id));
	fa_text_add(out, "\",\"data\":\"");
	put_base64(out, m->body);
	fa_text_add(out, "\",\"approximateArrivalTimestamp\":");
	fa_text_fixed(out, m->sent_ms, 3);
	put(out, "},\"eventSource\":\"aws:kinesis\",\"eventVersion\":\"1.0\",\"eventID\":\"",
	    shard, strlen(shard));
	put(out, ":", id, strlen(id));
	fa_text_add(out, "\",\"eventName\":\"aws:kinesis:record\",\"invokeIdentityArn\":\"");
	put_reader(out, mapping);
	put(out, "\",\"awsRegion\":\"", config->region, strlen(config->region));
	put(out, "\",\"eventSourceARN\":\"", arn, strlen(arn));
	fa_text_add(out, "\"}");
	return 0;
}

const struct fa_source_kind fa_stream_source = {
	.impl = { .size = sizeof(struct faas_source_impl), .scheme = "stream",
		  .open = fa_shards_open, .close = fa_shards_close },
	.name = "aws:kinesis",
	.service = "Kinesis",
	.data_key = "data",
	.filtered = "kinesis",
	.batch_size = 100,
	.batch_most = 10000,
	.shards = &kinesis,
	.lingers = true,
	.fits = fa_shards_fit,
	.record = write_record,
	.members = fa_shard_members,
};
