/* SPDX-License-Identifier: MIT */
/*
 * A letter is written into one block that is large enough for it in any case: where a
 * payload is copied as it is that is nearly all of it, and where it has to be escaped the
 * block is soon given back.
 */
#include <outcome/letter.h>

#include <stdio.h>
#include <string.h>

#include <base/digest.h>
#include <base/json.h>
#include <base/text.h>

#define FRAME_MAX 4096    /* all of a record but its payloads */
#define ATTRIBUTES_MAX 8192
#define ERROR_MAX 1024    /* of the message in a dead letter */

/* ---- payloads -------------------------------------------------------- */

enum form { NOTHING, JSON, TEXT, BINARY };

static enum form form_of(struct faas_bytes bytes)
{
	if (!bytes.len)
		return NOTHING;
	if (fa_json_valid(bytes.data, bytes.len, NULL))
		return JSON;
	return fa_text_is_utf8(bytes.data, bytes.len) ? TEXT : BINARY;
}

static size_t room_of(struct faas_bytes bytes, enum form form)
{
	static const size_t factor[] = { [NOTHING] = 0, [JSON] = 1, [TEXT] = 6, [BINARY] = 2 };

	return bytes.len * factor[form] + 16;
}

static void put_base64(struct fa_text *out, struct faas_bytes bytes)
{
	out->len += fa_base64(out->data + out->len, bytes.data, bytes.len);
}

/* ,"NAME":VALUE */
static void put_payload(struct fa_text *out, const char *name, struct faas_bytes bytes,
			enum form form)
{
	fa_text_add(out, ",\"");
	fa_text_add(out, name);
	fa_text_add(out, form == TEXT || form == BINARY ? "\":\"" : "\":");
	switch (form) {
	case NOTHING:
		fa_text_add(out, "null");
		return;
	case JSON:
		fa_text_bytes(out, bytes.data, bytes.len);
		return;
	case TEXT:
		fa_text_json(out, bytes.data, bytes.len);
		break;
	case BINARY:
		put_base64(out, bytes);
		break;
	}
	fa_text_add(out, "\"");
	if (form != BINARY)
		return;
	fa_text_add(out, ",\"");
	fa_text_add(out, name);
	fa_text_add(out, "IsBase64Encoded\":true");
}

/* ---- the record ------------------------------------------------------ */

static void put_member(struct fa_text *out, const char *before, const char *value)
{
	fa_text_add(out, before);
	fa_text_json(out, value, strlen(value));
	fa_text_add(out, "\"");
}

static void put_request_context(struct fa_text *out, const struct fa_ended *e)
{
	put_member(out, ",\"requestContext\":{\"requestId\":\"", e->request_id);
	put_member(out, ",\"functionArn\":\"", e->arn);
	out->len--; /* the qualifier goes on in the same string */
	put_member(out, ":", e->qualifier);
	put_member(out, ",\"condition\":\"", e->condition);
	fa_text_add(out, ",\"approximateInvokeCount\":");
	fa_text_int(out, e->attempts);
	fa_text_add(out, "}");
}

static void put_response_context(struct fa_text *out, const struct fa_ended *e)
{
	put_member(out, ",\"responseContext\":{\"statusCode\":200,\"executedVersion\":\"",
		   e->version);
	if (e->failed)
		fa_text_add(out, ",\"functionError\":\"Unhandled\"");
	fa_text_add(out, "}");
}

static struct faas_bytes write_record(struct fa_text *out, const struct fa_ended *e,
				      enum form event, enum form answer)
{
	size_t begin = out->len;

	fa_text_add(out, "{\"version\":\"1.0\",\"timestamp\":\"");
	fa_text_time(out, e->now_ms);
	fa_text_add(out, "\"");
	put_request_context(out, e);
	put_payload(out, "requestPayload", e->event, event);
	if (e->ran) {
		put_response_context(out, e);
		put_payload(out, "responsePayload", e->answer, answer);
	}
	fa_text_add(out, "}");
	return (struct faas_bytes){ out->data + begin, out->len - begin };
}

/* For a bus: the event that has the record as its detail. */
static struct faas_bytes write_event(struct fa_text *out, const struct fa_ended *e,
				     const struct fa_address *bus, enum form event,
				     enum form answer)
{
	size_t begin = out->len;
	char arn[FA_ADDRESS_ARN];

	fa_address_arn(bus, e->region, e->account, arn);
	fa_text_add(out, "{\"detail-type\":\"Lambda Function Invocation Result - ");
	fa_text_add(out, e->failed ? "Failure" : "Success");
	put_member(out, "\",\"source\":\"lambda\",\"resources\":[\"", arn);
	put_member(out, ",\"", e->arn);
	out->len--;
	put_member(out, ":", e->qualifier);
	fa_text_add(out, "],\"detail\":");
	write_record(out, e, event, answer);
	fa_text_add(out, "}");
	return (struct faas_bytes){ out->data + begin, out->len - begin };
}

/* ---- the dead letter ------------------------------------------------- */

/* What a character is cut in two by goes, too. */
static size_t whole_characters(const char *text, size_t len)
{
	while (len && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	return len;
}

/* The error's own message, of which the first kilobyte is told. */
static size_t error_message(const struct fa_ended *e, char out[ERROR_MAX + 4])
{
	struct fa_json error;
	size_t len = 0;

	out[0] = '\0';
	if (!e->ran)
		len = (size_t)snprintf(out, ERROR_MAX, "%s", e->refusal);
	else if (fa_json_read(e->answer.data, e->answer.len, &error) &&
		 fa_json_kind(error) == FA_JSON_OBJECT)
		len = fa_json_string(fa_json_get(error, "errorMessage"), out, ERROR_MAX + 4);
	return len <= ERROR_MAX ? len : whole_characters(out, ERROR_MAX);
}

static void put_attribute(struct fa_text *out, const char *name, const char *type,
			  const char *value, size_t len)
{
	fa_text_add(out, name);
	fa_text_add(out, "{\"StringValue\":\"");
	fa_text_json(out, value, len);
	fa_text_add(out, "\",\"DataType\":\"");
	fa_text_add(out, type);
	fa_text_add(out, "\"}");
}

static struct faas_bytes write_attributes(struct fa_text *out, const struct fa_ended *e)
{
	char message[ERROR_MAX + 4];
	size_t begin = out->len, len = error_message(e, message);

	put_attribute(out, "{\"RequestID\":", "String", e->request_id, strlen(e->request_id));
	put_attribute(out, ",\"ErrorCode\":", "Number", e->ran ? "200" : "429", 3);
	put_attribute(out, ",\"ErrorMessage\":", "String", message, len);
	fa_text_add(out, "}");
	return (struct faas_bytes){ out->data + begin, out->len - begin };
}

/* ---- letters --------------------------------------------------------- */

static struct faas_bytes keep(struct fa_text *out, const char *first, const char *second)
{
	size_t begin = out->len;

	fa_text_add(out, first);
	fa_text_add(out, second);
	return (struct faas_bytes){ out->data + begin, out->len - begin };
}

static struct fa_message *add(struct fa_letters *letters, struct fa_text *out,
			      const struct fa_ended *e, const struct fa_address *address)
{
	struct fa_message *m = &letters->messages[letters->count++];
	size_t begin;

	m->sent_ms = m->due_ms = e->now_ms;
	m->outgoing = address->kind != FA_TO_QUEUE;
	m->address = keep(out, address->text, "");
	m->attributes = keep(out, "{}", "");
	m->trace = keep(out, e->trace, "");
	begin = out->len;
	keep(out, e->arn, ":");
	keep(out, e->qualifier, "");
	m->source = (struct faas_bytes){ out->data + begin, out->len - begin };
	return m;
}

struct fa_letters *fa_letters_create(const struct fa_mem *mem, const struct fa_ended *e,
				     const struct fa_address *destination,
				     const struct fa_address *dead_letter)
{
	enum form event = form_of(e->event), answer = e->ran ? form_of(e->answer) : NOTHING;
	size_t size = 2 * FRAME_MAX + ATTRIBUTES_MAX + room_of(e->event, event) +
		      room_of(e->answer, answer) + e->event.len;
	struct fa_letters *letters = fa_alloc_dirty(mem, sizeof(*letters) + size);
	struct fa_text out = { .size = size };
	struct fa_message *m;

	if (!letters)
		return NULL;
	memset(letters, 0, sizeof(*letters));
	out.data = (char *)(letters + 1);
	if (destination) {
		m = add(letters, &out, e, destination);
		m->kind = FA_MESSAGE_RECORD;
		m->body = destination->kind == FA_TO_BUS ?
				  write_event(&out, e, destination, event, answer) :
				  write_record(&out, e, event, answer);
	}
	if (dead_letter) {
		m = add(letters, &out, e, dead_letter);
		m->kind = FA_MESSAGE_DEAD_LETTER;
		m->attributes = write_attributes(&out, e);
		m->body.len = e->event.len;
		m->body.data = out.data + out.len;
		fa_text_bytes(&out, e->event.data, e->event.len);
	}
	return letters;
}
