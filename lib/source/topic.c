/* SPDX-License-Identifier: MIT */
/*
 * A topic as a source: who subscribes to one is a mapping of it. A function gets the event of
 * SNS, with one record; a queue or a callback what SNS would send it, or with
 * RawMessageDelivery the message as it is. Nothing is signed, for there is nobody to check.
 */
#include <source/fan.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <base/error.h>
#include <base/json.h>
#include <base/text.h>
#include <control/control.h>

#define AGE_S (23 * 86400)

static void write_arn(char out[FA_ADDRESS_ARN + 40], const struct fa_mapping *m)
{
	snprintf(out, FA_ADDRESS_ARN + 40, "%s:%s", m->config->arn, m->uuid);
}

static bool is_raw(const struct fa_mapping *m)
{
	bool raw = false;

	fa_document_boolean(fa_document_get(m->config->document, "RawMessageDelivery"), &raw);
	return raw;
}

static bool filters_body(const struct fa_mapping *m)
{
	const char *scope = fa_control_text(m->config->document, "FilterPolicyScope");

	return scope && !strcmp(scope, "MessageBody");
}

/* ---- attributes ---------------------------------------------------------- */

/* The members of SNS's attributes, in the words of SQS. */
struct attribute {
	struct fa_json name, type, value;
};

static bool next_attribute(struct fa_json_iter *iter, struct attribute *a)
{
	struct fa_json all;

	if (!fa_json_next(iter, &a->name, &all))
		return false;
	a->type = fa_json_get(all, "DataType");
	a->value = fa_json_get(all, "StringValue");
	if (fa_json_kind(a->value) != FA_JSON_STRING)
		a->value = fa_json_get(all, "BinaryValue");
	return true;
}

static bool begin_attributes(struct fa_json_iter *iter, const struct fa_message *message)
{
	struct fa_json all;

	if (!fa_json_read(message->attributes.data, message->attributes.len, &all) ||
	    fa_json_kind(all) != FA_JSON_OBJECT)
		return false;
	fa_json_begin(iter, all);
	return true;
}

static void put_json(struct fa_text *out, const char *before, struct fa_json value)
{
	fa_text_add(out, before);
	fa_text_bytes(out, value.text, value.len);
}

static int put_attributes(struct fa_text *out, const char *before, const struct fa_message *message)
{
	struct fa_json_iter iter;
	struct attribute a;
	int n = 0;

	if (!begin_attributes(&iter, message))
		return 0;
	for (; next_attribute(&iter, &a); n++) {
		put_json(out, n ? "," : before, a.name);
		put_json(out, ":{\"Type\":", a.type);
		put_json(out, ",\"Value\":", a.value);
		fa_text_add(out, "}");
	}
	return n;
}

/* A number and an array count as what they say, where they say one; all else is text. */
static void show_value(struct fa_text *out, const struct attribute *a)
{
	bool number = fa_json_equals(a->type, "Number");
	struct fa_json read = { NULL, 0 };
	size_t len = a->value.len;

	if ((number || fa_json_equals(a->type, "String.Array")) && out->len + len < out->size) {
		char *text = out->data + out->len;

		len = fa_json_string(a->value, text, len);
		fa_json_read(text, len, &read);
	}
	if (fa_json_kind(read) == (number ? FA_JSON_NUMBER : FA_JSON_ARRAY))
		out->len += len; /* it lies where it belongs */
	else
		put_json(out, "", a->value);
}

static void show(struct fa_text *out, const struct fa_mapping *m, const struct fa_message *message)
{
	struct fa_json_iter iter;
	struct attribute a;
	int n = 0;

	if (filters_body(m)) {
		fa_text_bytes(out, message->body.data, message->body.len);
		return;
	}
	fa_text_add(out, "{");
	if (begin_attributes(&iter, message))
		while (next_attribute(&iter, &a)) {
			if (fa_json_equals(a.type, "Binary"))
				continue;
			put_json(out, n++ ? "," : "", a.name);
			fa_text_add(out, ":");
			show_value(out, &a);
		}
	fa_text_add(out, "}");
}

static struct faas_bytes attributes(const struct fa_mapping *m, const struct fa_message *message)
{
	return is_raw(m) ? message->attributes : (struct faas_bytes){ "{}", 2 };
}

/* ---- what is sent ----------------------------------------------------------- */

static void put_time(struct fa_text *out, const struct fa_message *message)
{
	fa_text_add(out, "\",\"Timestamp\":\"");
	fa_text_time(out, message->sent_ms);
}

static void write_record(struct fa_text *out, const struct fa_mapping *m,
			 const struct fa_message *message)
{
	char arn[FA_ADDRESS_ARN + 40], id[37];

	write_arn(arn, m);
	fa_record_id(id, message->id);
	fa_record_put(out,
		      "{\"Records\":[{\"EventSource\":\"aws:sns\",\"EventVersion\":\"1.0\","
		      "\"EventSubscriptionArn\":\"",
		      fa_bytes_of(arn));
	fa_record_put(out, "\",\"Sns\":{\"Type\":\"Notification\",\"MessageId\":\"",
		      fa_bytes_of(id));
	fa_record_put(out, "\",\"TopicArn\":\"", fa_bytes_of(m->config->arn));
	if (message->group.len)
		fa_record_put(out, "\",\"Subject\":\"", message->group);
	else
		fa_text_add(out, "\",\"Subject\":null");
	fa_record_put(out, message->group.len ? "\",\"Message\":\"" : ",\"Message\":\"",
		      message->body);
	put_time(out, message);
	fa_text_add(out, "\",\"SignatureVersion\":\"1\",\"Signature\":\"\",\"SigningCertUrl\":\"\","
			 "\"UnsubscribeUrl\":\"\",\"MessageAttributes\":{");
	put_attributes(out, "", message);
	fa_text_add(out, "}}}]}");
}

/* As SNS sends it to a queue: no Subject and no attributes where there are none. */
static void write_envelope(struct fa_text *out, const struct fa_mapping *m,
			   const struct fa_message *message)
{
	char id[37];

	fa_record_id(id, message->id);
	fa_record_put(out, "{\"Type\":\"Notification\",\"MessageId\":\"", fa_bytes_of(id));
	fa_record_put(out, "\",\"TopicArn\":\"", fa_bytes_of(m->config->arn));
	if (message->group.len)
		fa_record_put(out, "\",\"Subject\":\"", message->group);
	fa_record_put(out, "\",\"Message\":\"", message->body);
	put_time(out, message);
	fa_text_add(out, "\",\"SignatureVersion\":\"1\",\"Signature\":\"\",\"SigningCertURL\":\"\","
			 "\"UnsubscribeURL\":\"\"");
	if (put_attributes(out, ",\"MessageAttributes\":{", message))
		fa_text_add(out, "}");
	fa_text_add(out, "}");
}

static void write_message(struct fa_text *out, const struct fa_mapping *m,
			  const struct fa_message *message)
{
	if (m->config->push->target.kind == FA_TO_FUNCTION)
		write_record(out, m, message);
	else if (is_raw(m))
		fa_text_bytes(out, message->body.data, message->body.len);
	else
		write_envelope(out, m, message);
}

static void explain(struct fa_text *out, const struct fa_mapping *m,
		    const struct fa_message *message, const char *exhausted,
		    const struct faas_error *why)
{
	char id[37];

	(void)m;
	(void)exhausted;
	fa_record_id(id, message->id);
	fa_fan_attribute(out, "RequestID", "String", id);
	fa_fan_attribute(out, "ErrorCode", "String", why->type);
	fa_fan_attribute(out, "ErrorMessage", "String", why->message);
}

/* ---- the source --------------------------------------------------------------- */

static int check(const struct fa_mem *mem, const struct fa_mapping_config *c,
		 struct faas_error *err)
{
	const char *scope = fa_control_text(c->document, "FilterPolicyScope");

	(void)mem;
	if (scope && strcmp(scope, "MessageBody") != 0 && strcmp(scope, "MessageAttributes") != 0)
		return fa_error(
			err, FAAS_EINVAL,
			"Invalid parameter: FilterPolicyScope: must be MessageAttributes or "
			"MessageBody");
	if (fa_document_get(c->document, "RawMessageDelivery") &&
	    c->push->target.kind == FA_TO_FUNCTION)
		return fa_error(
			err, FAAS_EINVAL,
			"Invalid parameter: RawMessageDelivery: is for queues and callbacks");
	if (c->push->target.kind == FA_TO_TOPIC || c->push->target.kind == FA_TO_BUS)
		return fa_error(err, FAAS_EINVAL,
				"the target of a topic is a function, a queue, a directory or a "
				"callback, not "
				"%.80s",
				c->push->target.text);
	return 0;
}

const struct fa_source_kind fa_topic_source = {
	.impl = FA_FAN_IMPL("topic"),
	.name = "aws:sns",
	.service = "SNS",
	.batch_size = 1,
	.batch_most = 1,
	.check = check,
	.members = (const char *const[]){ "Target", "RetryPolicy", "DeadLetterConfig",
					  "RawMessageDelivery", "FilterPolicyScope", NULL },
	.fan =
		&(const struct fa_fan_kind){
			.retries = INT_MAX,
			.age_s = AGE_S,
			.show = show,
			.write = write_message,
			.attributes = attributes,
			.arn = write_arn,
			.explain = explain,
		},
};
