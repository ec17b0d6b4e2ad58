/* SPDX-License-Identifier: MIT */
/* What is told of records that were given up, word for word as Lambda writes it. */
#include <source/shards.h>

#include <stdio.h>
#include <string.h>

#define FRAME_MAX 4096
#define SOURCE_MAX 192

static void put(struct fa_text *out, const char *before, const char *text)
{
	fa_text_add(out, before);
	fa_text_json(out, text, strlen(text));
	fa_text_add(out, "\"");
}

static void put_time(struct fa_text *out, const char *before, int64_t unix_ms, bool millis)
{
	fa_text_add(out, before);
	if (millis)
		fa_text_time(out, unix_ms);
	else
		fa_text_second(out, unix_ms);
	fa_text_add(out, "\"");
}

static void put_request(struct fa_text *out, const struct fa_lane *lane, const char *condition,
			int invokes)
{
	const char *function = lane->shard->of->mapping->config->function;
	const struct faas_config *config = &fa_lane_runtime(lane)->config;

	put(out, "{\"requestContext\":{\"requestId\":\"", lane->request_id);
	put(out, ",\"functionArn\":\"arn:aws:lambda:", config->region);
	out->len--;
	put(out, ":", config->account);
	out->len--;
	fa_text_add(out, ":function:");
	fa_text_bytes(out, function, strcspn(function, ":"));
	put(out, "\",\"condition\":\"", condition);
	fa_text_add(out, ",\"approximateInvokeCount\":");
	fa_text_int(out, invokes);
	fa_text_add(out, "}");
}

static void put_response(struct fa_text *out, const struct fa_lane *lane)
{
	put(out, ",\"responseContext\":{\"statusCode\":200,\"executedVersion\":\"", lane->version);
	fa_text_add(out, lane->failed ? ",\"functionError\":\"Unhandled\"}" :
					",\"functionError\":null}");
}

static void put_batch(struct fa_text *out, const struct fa_lane *lane,
		      const struct fa_message *first, const struct fa_message *last, int count)
{
	const struct fa_shards *s = lane->shard->of;
	char shard[FA_SHARD_ID], id[FA_RECORD_ID];

	put(out, ",\"", s->kind->info);
	fa_shard_id(shard, lane->shard->number);
	put(out, ":{\"shardId\":\"", shard);
	fa_sequence_write(s->kind, id, first->id);
	put(out, ",\"startSequenceNumber\":\"", id);
	fa_sequence_write(s->kind, id, last->id);
	put(out, ",\"endSequenceNumber\":\"", id);
	put_time(out, ",\"approximateArrivalOfFirstRecord\":\"", first->sent_ms, s->kind->millis);
	put_time(out, ",\"approximateArrivalOfLastRecord\":\"", last->sent_ms, s->kind->millis);
	fa_text_add(out, ",\"batchSize\":");
	fa_text_int(out, count);
	put(out, ",\"streamArn\":\"", s->mapping->config->arn);
	fa_text_add(out, "}}");
}

static void write_body(struct fa_text *out, const struct fa_lane *lane, int count,
		       const char *condition, int invokes)
{
	/* the last invocation of a window has no records: where it is */
	struct fa_message none = { .id = fa_lane_position(lane),
				   .sent_ms = lane->window.start_ms };
	const struct fa_message *first = &none, *last = &none;
	struct fa_list *pos = lane->buffer.next;

	if (count)
		first = &fa_item(pos)->message;
	for (int i = 1; i < count; i++)
		pos = pos->next;
	if (count)
		last = &fa_item(pos)->message;
	put_request(out, lane, condition, invokes);
	if (lane->ran && strcmp(condition, "RecordAgeExceeded") != 0)
		put_response(out, lane);
	put_time(out, ",\"version\":\"1.0\",\"timestamp\":\"", fa_lane_unix_ms(lane), true);
	put_batch(out, lane, first, last, count);
}

/* A file has the records themselves, too: the event that they were, as a text. */
static void put_payload(struct fa_text *out, const struct fa_text *event)
{
	out->len--; /* the brace at the end */
	fa_text_add(out, ",\"payload\":\"");
	fa_text_json(out, event->data, event->len);
	fa_text_add(out, "\"}");
}

/* Of what is JSON already at most every character is escaped. */
static size_t payload_room(const struct fa_text *event)
{
	return event->data ? 2 * event->len + 32 : 0;
}

static void write_source(char out[SOURCE_MAX], const struct fa_lane *lane)
{
	const struct faas_config *config = &fa_lane_runtime(lane)->config;

	snprintf(out, SOURCE_MAX, "arn:aws:lambda:%.64s:%.16s:event-source-mapping:%s",
		 config->region, config->account, lane->shard->of->uuid);
}

struct fa_told *fa_told_create(const struct fa_lane *lane, int count, const char *condition,
			       int invokes)
{
	const struct fa_shard_config *c = fa_lane_config(lane);
	bool whole = c->to.kind == FA_TO_DIRECTORY;
	struct fa_text event = { .data = NULL }, out = { .size = FRAME_MAX };
	size_t len = strlen(c->to.text);
	struct fa_told *told;

	if (whole && !fa_lane_write(lane, count, &event))
		return NULL;
	out.size += payload_room(&event);
	told = fa_alloc(&fa_lane_runtime(lane)->mem,
			sizeof(*told) + FA_ADDRESS_MAX + SOURCE_MAX + out.size);
	if (!told)
		return NULL;
	memcpy(told->bytes, c->to.text, len + 1);
	write_source(told->bytes + FA_ADDRESS_MAX, lane);
	out.data = told->bytes + FA_ADDRESS_MAX + SOURCE_MAX;
	write_body(&out, lane, count, condition, invokes);
	if (whole)
		put_payload(&out, &event);
	told->message.kind = FA_MESSAGE_PLAIN;
	told->message.source = (struct faas_bytes){ told->bytes + FA_ADDRESS_MAX,
						    strlen(told->bytes + FA_ADDRESS_MAX) };
	told->message.address = (struct faas_bytes){ told->bytes, len };
	told->message.outgoing = c->to.kind != FA_TO_QUEUE;
	told->message.attributes = (struct faas_bytes){ "{}", 2 };
	told->message.body = (struct faas_bytes){ out.data, out.len };
	told->message.sent_ms = told->message.due_ms = fa_lane_unix_ms(lane);
	return told;
}
