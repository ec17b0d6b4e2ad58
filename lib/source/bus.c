/* SPDX-License-Identifier: MIT */
/*
 * A bus as a source: a rule with one target is a mapping of it, whose filters are event
 * patterns. PutEvents is here, too; what it takes is judged in model/publish.c. What came
 * onto a bus by another way than that, moved from a queue, is the detail of an event of ours.
 */
#include <source/fan.h>
#include <source/transform.h>

#include <stdio.h>
#include <string.h>

#include <base/error.h>
#include <base/json.h>
#include <base/text.h>
#include <control/control.h>

#define AGE_S 86400
#define RETRIES 185
#define ENTRIES_MOST 10
#define BYTES_MOST 1048576 /* of all entries of one request */

/* ---- the event --------------------------------------------------------------- */

static void put_json(struct fa_text *out, const char *before, struct fa_json value)
{
	fa_text_add(out, before);
	fa_text_bytes(out, value.text, value.len);
}

static void put_time(struct fa_text *out, const char *before, int64_t unix_ms)
{
	fa_text_add(out, before);
	fa_text_second(out, unix_ms);
	fa_text_add(out, "\"");
}

static bool is_event(struct fa_json all)
{
	return fa_json_kind(all) == FA_JSON_OBJECT &&
	       fa_json_kind(fa_json_get(all, "detail-type")) == FA_JSON_STRING &&
	       fa_json_kind(fa_json_get(all, "source")) == FA_JSON_STRING &&
	       fa_json_kind(fa_json_get(all, "resources")) == FA_JSON_ARRAY &&
	       fa_json_kind(fa_json_get(all, "detail")) == FA_JSON_OBJECT;
}

/* The members that say what happened; an event says it itself. */
static void put_what(struct fa_text *out, struct fa_json all)
{
	if (is_event(all)) {
		put_json(out, "\",\"detail-type\":", fa_json_get(all, "detail-type"));
		put_json(out, ",\"source\":", fa_json_get(all, "source"));
	} else {
		fa_text_add(out, "\",\"detail-type\":\"Message\",\"source\":\"libfaas\"");
	}
}

static void put_detail(struct fa_text *out, struct fa_json all, const struct fa_message *message)
{
	if (is_event(all)) {
		put_json(out, "\",\"resources\":", fa_json_get(all, "resources"));
		put_json(out, ",\"detail\":", fa_json_get(all, "detail"));
		return;
	}
	fa_text_add(out, "\",\"resources\":[],\"detail\":{\"message\":");
	if (fa_json_kind(all) != FA_JSON_NONE) {
		put_json(out, "", all);
	} else {
		fa_record_put(out, "\"", message->body);
		fa_text_add(out, "\"");
	}
	fa_text_add(out, "}");
}

static void write_event(struct fa_text *out, const struct fa_mapping *m,
			const struct fa_message *message)
{
	const struct faas_config *config = &m->all->rt->config;
	struct fa_json all = { NULL, 0 }, time;
	char id[37];

	fa_json_read(message->body.data, message->body.len, &all);
	time = is_event(all) ? fa_json_get(all, "time") : all;
	fa_record_id(id, message->id);
	fa_record_put(out, "{\"version\":\"0\",\"id\":\"", fa_bytes_of(id));
	put_what(out, all);
	fa_record_put(out, ",\"account\":\"", fa_bytes_of(config->account));
	if (fa_json_kind(time) == FA_JSON_STRING)
		put_json(out, "\",\"time\":", time);
	else
		put_time(out, "\",\"time\":\"", message->sent_ms);
	fa_record_put(out, ",\"region\":\"", fa_bytes_of(config->region));
	put_detail(out, all, message);
	fa_text_add(out, "}");
}

/* ---- what is sent ---------------------------------------------------------------- */

/* Of the default bus without its name, as AWS has it. */
static void write_arn(char out[FA_ADDRESS_ARN + 40], const struct fa_mapping *m)
{
	const struct faas_config *config = &m->all->rt->config;
	const char *bus = m->config->source + strlen("bus:");
	bool other = strcmp(bus, "default") != 0;

	snprintf(out, FA_ADDRESS_ARN + 40, "arn:aws:events:%s:%s:rule/%s%s%s", config->region,
		 config->account, other ? bus : "", other ? "/" : "", m->uuid);
}

/* The event lies in the middle third of the room, values on their way in the last. */
static void write_input(struct fa_text *out, const struct fa_mapping *m,
			const struct fa_message *message)
{
	size_t third = out->size / 3;
	struct fa_text event = { .data = out->data + third, .size = third };
	struct fa_text spare = { .data = out->data + 2 * third, .size = third };
	struct fa_text first = { .data = out->data, .size = third };
	char arn[FA_ADDRESS_ARN + 40];
	struct fa_transform t = { .rule_arn = arn,
				  .rule_name = m->uuid,
				  .came_ms = message->sent_ms };

	write_arn(arn, m);
	write_event(&event, m, message);
	if (!event.cut && fa_json_read(event.data, event.len, &t.event))
		fa_transform_write(&first, &spare, m->config->document, &t);
	out->len = first.len;
	out->cut = event.cut || first.cut;
}

/* ---- dead letters --------------------------------------------------------------------- */

static const char *name_error(int code)
{
	switch (code) {
	case FAAS_ENOTFOUND:
		return "RESOURCE_NOT_FOUND";
	case FAAS_EDENIED:
		return "NO_PERMISSIONS";
	case FAAS_ETHROTTLED:
		return "THROTTLING";
	case FAAS_ETOOLARGE:
	case FAAS_EINVAL:
		return "INVALID_PARAMETER";
	default:
		return "INTERNAL_ERROR";
	}
}

static void write_target(char out[FA_ADDRESS_ARN], const struct fa_mapping *m)
{
	const struct faas_config *config = &m->all->rt->config;

	if (m->config->function)
		snprintf(out, FA_ADDRESS_ARN, "arn:aws:lambda:%s:%s:function:%s", config->region,
			 config->account, m->config->function);
	else
		fa_address_arn(&m->config->push->target, config->region, config->account, out);
}

void fa_fan_explain_rule(struct fa_text *out, const struct fa_mapping *m,
			 const struct fa_message *message, const char *exhausted,
			 const struct faas_error *why)
{
	char rule[FA_ADDRESS_ARN + 40], target[FA_ADDRESS_ARN], tries[16];

	m->config->kind->fan->arn(rule, m);
	write_target(target, m);
	snprintf(tries, sizeof(tries), "%d", message->tries);
	fa_fan_attribute(out, "RULE_ARN", "String", rule);
	fa_fan_attribute(out, "TARGET_ARN", "String", target);
	fa_fan_attribute(out, "ERROR_CODE", "String", name_error(why->code));
	fa_fan_attribute(out, "ERROR_MESSAGE", "String", why->message);
	if (exhausted)
		fa_fan_attribute(out, "EXHAUSTED_RETRY_CONDITION", "String", exhausted);
	fa_fan_attribute(out, "RETRY_ATTEMPTS", "Number", tries);
}

/* ---- the source ------------------------------------------------------------------------- */

static int check(const struct fa_mem *mem, const struct fa_mapping_config *c,
		 struct faas_error *err)
{
	(void)mem;
	if (c->push->target.kind == FA_TO_BUS)
		return fa_error(
			err, FAAS_EINVAL,
			"the target of a bus is a function, a queue, a topic, a directory or a "
			"callback, not %.80s",
			c->push->target.text);
	return fa_transform_check(c->document, err);
}

const struct fa_source_kind fa_bus_source = {
	.impl = FA_FAN_IMPL("bus"),
	.name = "aws.events",
	.service = "EventBridge",
	.batch_size = 1,
	.batch_most = 1,
	.pushes = true,
	.check = check,
	.members = (const char *const[]){ "Target", "RetryPolicy", "DeadLetterConfig", "Input",
					  "InputPath", "InputTransformer", NULL },
	.fan =
		&(const struct fa_fan_kind){
			.retries = RETRIES,
			.age_s = AGE_S,
			.show = write_event,
			.write = write_input,
			.arn = write_arn,
			.explain = fa_fan_explain_rule,
		},
};

/* ---- PutEvents ------------------------------------------------------------------------------ */

static int put_entry(struct faas *rt, const struct fa_document *entry, const char *text,
		     char id[37], struct faas_error *err)
{
	const char *bus = fa_control_text(entry, "EventBusName");
	char address[FA_ADDRESS_MAX];
	struct fa_address to;
	int64_t number = 0;
	int rc;

	snprintf(address, sizeof(address), "%s%s",
		 bus && !strncmp(bus, "arn:", 4) ? "" : "bus:", bus ? bus : "default");
	if (!strncmp(address, "arn:", 4) &&
	    (fa_address_parse(&to, address, NULL) || to.kind != FA_TO_BUS))
		return fa_error_typed(err, FAAS_EINVAL, "InvalidArgument",
				      "Parameter EventBusName is not valid. Reason: it is no bus.");
	rc = faas_put(rt, address, FAAS_MESSAGE(.body = fa_bytes_of(text)), &number, err);
	fa_record_id(id, number);
	return rc;
}

static int add_result(struct fa_document *list, int rc, const char *id,
		      const struct faas_error *err)
{
	struct fa_document *one = fa_document_object();
	int failed;

	if (!rc) {
		failed = fa_document_put_text(one, "EventId", id);
	} else {
		failed = fa_document_put_text(one, "ErrorCode",
					      rc == FAAS_EINVAL ? err->type : "InternalFailure");
		failed |= fa_document_put_text(one, "ErrorMessage", err->message);
	}
	return fa_document_append(list, one) | failed;
}

static int check_count(size_t count, struct faas_error *err)
{
	if (count >= 1 && count <= ENTRIES_MOST)
		return 0;
	return fa_error_typed(err, FAAS_EINVAL, "ValidationException",
			      "1 validation error detected: Value '%s' at 'entries' failed to "
			      "satisfy constraint: Member must have length %s than or equal to %d",
			      count ? "[...]" : "[]", count ? "less" : "greater",
			      count ? ENTRIES_MOST : 1);
}

static int check_sizes(const struct fa_document *entries, const struct fa_mem *mem,
		       struct faas_error *err)
{
	const struct fa_document *entry;
	size_t bytes = 0, i;

	for (i = 0; (entry = fa_document_item(entries, i)); i++) {
		char *text = fa_document_print(entry, mem);

		if (!text)
			return fa_error_nomem(err);
		bytes += strlen(text);
		fa_free(text);
	}
	if (bytes <= BYTES_MOST)
		return check_count(i, err);
	return fa_error_typed(err, FAAS_EINVAL, "ValidationException",
			      "Total size of the entries in the request is over the limit.");
}

/* Each entry by itself: what is wrong with one says nothing of the others. */
static int put_events(struct faas *rt, const struct fa_document *in, struct fa_document *out,
		      struct faas_error *err)
{
	const struct fa_document *entries = fa_document_get(in, "Entries"), *entry;
	struct fa_document *list = fa_document_array();
	int failed = 0, lost = 0, rc = check_sizes(entries, &rt->mem, err);

	for (size_t i = 0; !rc && (entry = fa_document_item(entries, i)); i++) {
		char *text = fa_document_print(entry, &rt->mem), id[37] = "";
		struct faas_error why = { 0 };
		int code = text ? put_entry(rt, entry, text, id, &why) : fa_error_nomem(&why);

		fa_free(text);
		failed += code != 0;
		lost |= add_result(list, code, id, &why);
	}
	lost |= fa_document_put_integer(out, "FailedEntryCount", failed);
	lost |= fa_document_put(out, "Entries", list);
	return rc ? rc : lost ? fa_error_nomem(err) : 0;
}

const struct fa_operation fa_bus_operations[] = {
	{ "PutEvents",
	  (const struct fa_field[]){
		  FA_OPEN_LIST("Entries", true, 0, 0),
		  FA_NO_FIELD },
	  put_events },
	{ NULL, NULL, NULL },
};
