/* SPDX-License-Identifier: MIT */
/* The change stream of a table as a source: records of DynamoDB Streams. */
#include <source/shards.h>
#include <source/table.h>

#include <stdio.h>
#include <string.h>

#include <base/digest.h>

static bool find(struct faas *rt, const char *address, struct fa_stream *like)
{
	struct fa_table table;

	if (!fa_named_get(&rt->tables, address + strlen("table:"), &table) ||
	    table.view == FA_VIEW_NONE)
		return false;
	*like = (struct fa_stream){ .shards = FA_TABLE_SHARDS,
				    .retention_h = FA_TABLE_RETENTION_H };
	return true;
}

static void write_arn(char *out, size_t size, struct faas *rt, const char *address)
{
	const char *name = address + strlen("table:");
	struct fa_table table = { .label = "" };

	fa_named_get(&rt->tables, name, &table);
	snprintf(out, size, "arn:aws:dynamodb:%s:%s:table/%s/stream/%s", rt->config.region,
		 rt->config.account, name, table.label);
}

static const struct fa_shard_kind dynamodb = {
	.info = "DDBStreamBatchInfo",
	.find = find,
	.write_arn = write_arn,
	.id_head = "442158450",
	.id_digits = 19,
};

/* ---- a record -------------------------------------------------------------- */

static void put(struct fa_text *out, const char *before, const char *text)
{
	fa_text_add(out, before);
	fa_text_json(out, text, strlen(text));
}

static const char *name_of(char letter)
{
	return letter == 'I' ? "INSERT" : letter == 'M' ? "MODIFY" : "REMOVE";
}

/* Of all records of all streams none has the same. */
static void put_event_id(struct fa_text *out, const char *sequence)
{
	uint8_t sum[FA_MD5];

	fa_md5(sum, sequence, strlen(sequence));
	fa_text_add(out, "{\"eventID\":\"");
	fa_text_hex(out, sum, sizeof(sum));
}

static int write_record(struct fa_text *out, const struct fa_mapping *mapping,
			const struct fa_message *m)
{
	char letter = *(const char *)m->body.data, id[FA_RECORD_ID];

	fa_sequence_write(mapping->config->kind->shards, id, m->id);
	put_event_id(out, id);
	put(out, "\",\"eventName\":\"", name_of(letter));
	fa_text_add(out, "\",\"eventVersion\":\"1.1\",\"eventSource\":\"aws:dynamodb\"");
	put(out, ",\"awsRegion\":\"", mapping->all->rt->config.region);
	fa_text_add(out, "\",\"dynamodb\":{\"ApproximateCreationDateTime\":");
	fa_text_int(out, m->sent_ms / 1000);
	fa_text_add(out, ",");
	fa_text_bytes(out, (const char *)m->body.data + 1, m->body.len - 1);
	put(out, ",\"SequenceNumber\":\"", id);
	put(out, "\"},\"eventSourceARN\":\"", mapping->config->arn);
	fa_text_add(out, "\"");
	if (letter == 'T')
		fa_text_add(out, ",\"userIdentity\":{\"type\":\"Service\","
				 "\"principalId\":\"dynamodb.amazonaws.com\"}");
	fa_text_add(out, "}");
	return 0;
}

const struct fa_source_kind fa_table_source = {
	.impl = { .size = sizeof(struct faas_source_impl), .scheme = "table",
		  .open = fa_shards_open, .close = fa_shards_close },
	.name = "aws:dynamodb",
	.service = "DynamoDB",
	.batch_size = 100,
	.batch_most = 10000,
	.shards = &dynamodb,
	.lingers = true,
	.fits = fa_shards_fit,
	.record = write_record,
	.members = fa_shard_members,
};
