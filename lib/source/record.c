/* SPDX-License-Identifier: MIT */
/*
 * A message as a record of an event, in the shape that SQS gives it. What is text in it is
 * escaped, and nothing else is done to it. An id is a number of the store, written as a UUID.
 */
#include <source/source.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/digest.h>
#include <base/json.h>
#include <base/text.h>

#define ATTRIBUTES_MAX 10
#define ID_HEAD "00000000-0000-4000-8000-"

void fa_record_id(char out[37], int64_t id)
{
	snprintf(out, 37, ID_HEAD "%012llx", (unsigned long long)id & 0xffffffffffff);
}

int64_t fa_record_read_id(const char *text)
{
	size_t head = strlen(ID_HEAD);
	char *end;
	long long id;

	if (strlen(text) != 36 || strncmp(text, ID_HEAD, head) != 0)
		return 0;
	id = strtoll(text + head, &end, 16);
	return *end ? 0 : id;
}

void fa_record_put(struct fa_text *out, const char *before, struct faas_bytes text)
{
	fa_text_add(out, before);
	fa_text_json(out, text.data, text.len);
}

static void put_string(struct fa_text *out, const char *before, const char *text)
{
	fa_record_put(out, before, (struct faas_bytes){ text, strlen(text) });
}

static void put_number(struct fa_text *out, const char *before, int64_t value)
{
	fa_text_add(out, before);
	fa_text_int(out, value);
}

static void put_md5(struct fa_text *out, const char *before, const void *data, size_t len)
{
	uint8_t sum[FA_MD5];

	fa_md5(sum, data, len);
	fa_text_add(out, before);
	fa_text_hex(out, sum, sizeof(sum));
}

static void put_attributes(struct fa_text *out, const struct faas_config *config,
			   const struct fa_message *m)
{
	put_number(out, "\",\"attributes\":{\"ApproximateReceiveCount\":\"", m->tries);
	put_number(out, "\",\"SentTimestamp\":\"", m->sent_ms);
	put_string(out, "\",\"SenderId\":\"", config->account);
	put_number(out, "\",\"ApproximateFirstReceiveTimestamp\":\"", m->first_ms);
	if (m->group.len) {
		char sequence[24];

		snprintf(sequence, sizeof(sequence), "%020lld", (long long)m->id);
		put_string(out, "\",\"SequenceNumber\":\"", sequence);
		fa_record_put(out, "\",\"MessageGroupId\":\"", m->group);
	}
	if (m->dedup.len)
		fa_record_put(out, "\",\"MessageDeduplicationId\":\"", m->dedup);
	if (m->trace.len)
		fa_record_put(out, "\",\"AWSTraceHeader\":\"", m->trace);
	if (m->came_from.len > 6) { /* "queue:" */
		put_string(out, "\",\"DeadLetterQueueSourceArn\":\"arn:aws:sqs:", config->region);
		put_string(out, ":", config->account);
		fa_record_put(out, ":", (struct faas_bytes){ (const char *)m->came_from.data + 6,
							m->came_from.len - 6 });
	}
	fa_text_add(out, "\"}");
}

/* ---- attributes of the sender ------------------------------------------ */

struct attribute {
	struct fa_json name, type, value;
	bool binary;
};

static int by_name(const void *a, const void *b)
{
	const struct fa_json *x = &((const struct attribute *)a)->name,
			     *y = &((const struct attribute *)b)->name;
	int order = memcmp(x->text, y->text, x->len < y->len ? x->len : y->len);

	return order ? order : (int)x->len - (int)y->len;
}

static int read_attributes(struct attribute list[ATTRIBUTES_MAX], struct faas_bytes text)
{
	struct fa_json all, key, value;
	struct fa_json_iter iter;
	int n = 0;

	if (text.len <= 2 || !fa_json_read(text.data, text.len, &all) ||
	    fa_json_kind(all) != FA_JSON_OBJECT)
		return 0;
	fa_json_begin(&iter, all);
	while (n < ATTRIBUTES_MAX && fa_json_next(&iter, &key, &value)) {
		struct attribute *a = &list[n++];

		a->name = key;
		a->type = fa_json_get(value, "DataType");
		a->value = fa_json_get(value, "StringValue");
		a->binary = fa_json_kind(a->value) != FA_JSON_STRING;
		if (a->binary)
			a->value = fa_json_get(value, "BinaryValue");
	}
	qsort(list, (size_t)n, sizeof(*list), by_name);
	return n;
}

/* Four bytes of length, and the text itself. */
static uint8_t *add_piece(uint8_t *at, struct fa_json text, bool binary)
{
	char *to = (char *)at + 4;
	size_t len = fa_json_string(text, to, text.len + 1);

	if (binary)
		len = fa_base64_read(to, to, len);
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(len >> (24 - 8 * i));
	return at + 4 + len;
}

/* The sum that clients of SQS make of them, too. */
static int put_attributes_md5(struct fa_text *out, const struct fa_mem *mem,
			      const struct attribute *list, int n, size_t len)
{
	uint8_t *bytes = fa_alloc_dirty(mem, len + (size_t)n * 16 + 16), *at = bytes;

	if (!bytes)
		return FAAS_ENOMEM;
	for (int i = 0; i < n; i++) {
		at = add_piece(at, list[i].name, false);
		at = add_piece(at, list[i].type, false);
		*at++ = list[i].binary ? 2 : 1;
		at = add_piece(at, list[i].value, list[i].binary);
	}
	put_md5(out, ",\"md5OfMessageAttributes\":\"", bytes, (size_t)(at - bytes));
	fa_text_add(out, "\"");
	fa_free(bytes);
	return 0;
}

static int put_message_attributes(struct fa_text *out, const struct fa_mem *mem,
				  const struct fa_message *m)
{
	struct attribute list[ATTRIBUTES_MAX];
	int n = read_attributes(list, m->attributes);

	fa_text_add(out, ",\"messageAttributes\":{");
	for (int i = 0; i < n; i++) {
		fa_text_add(out, i ? "," : "");
		fa_text_bytes(out, list[i].name.text, list[i].name.len);
		fa_text_add(out, list[i].binary ? ":{\"binaryValue\":" : ":{\"stringValue\":");
		fa_text_bytes(out, list[i].value.text, list[i].value.len);
		fa_text_add(out, ",\"stringListValues\":[],\"binaryListValues\":[],\"dataType\":");
		fa_text_bytes(out, list[i].type.text, list[i].type.len);
		fa_text_add(out, "}");
	}
	fa_text_add(out, "}");
	return n ? put_attributes_md5(out, mem, list, n, m->attributes.len) : 0;
}

int fa_record_write(struct fa_text *out, const struct fa_source_kind *kind, const char *arn,
		    const struct faas_config *config, const struct fa_message *m)
{
	const struct fa_mem mem = {
		.realloc = config->realloc ? config->realloc : fa_mem_libc.realloc,
		.data = config->data,
	};
	char id[37];
	int rc;

	fa_record_id(id, m->id);
	put_string(out, "{\"messageId\":\"", id);
	put_string(out, "\",\"receiptHandle\":\"", id);
	put_number(out, "#", m->tries);
	fa_record_put(out, "\",\"body\":\"", m->body);
	put_attributes(out, config, m);
	rc = put_message_attributes(out, &mem, m);
	put_md5(out, ",\"md5OfBody\":\"", m->body.data, m->body.len);
	put_string(out, "\",\"eventSource\":\"", kind->name ? kind->name : kind->scheme);
	put_string(out, "\",\"eventSourceARN\":\"", arn);
	put_string(out, "\",\"awsRegion\":\"", config->region);
	fa_text_add(out, "\"}");
	return rc;
}
