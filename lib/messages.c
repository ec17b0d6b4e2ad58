/* SPDX-License-Identifier: MIT */
/* The typed doors to messages. Each is one operation of the store, waited for. */
#include <messages.h>

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <base/digest.h>
#include <base/error.h>
#include <base/json.h>
#include <base/options.h>
#include <base/text.h>
#include <faas/source.h>
#include <model/address.h>
#include <model/publish.h>
#include <model/stream.h>

#define BODY_MAX 1048576
#define ID_MAX 128          /* of a group, or what tells a second one */
#define ATTRIBUTES_MAX 10
#define DELAY_MAX_S 900
#define PAGE 64
#define HIDE_MAX_MS 43200000

void fa_message_show(struct faas_message *shown, const struct fa_message *m)
{
	*shown = (struct faas_message){ .size = sizeof(*shown),
					.id = m->id,
					.address = m->address.data,
					.source = m->source.data,
					.attributes = m->attributes.data,
					.body = m->body,
					.sent_ms = m->sent_ms,
					.tries = m->tries,
					.group = m->group.data ? m->group.data : "",
					.dedup = m->dedup.data ? m->dedup.data : "",
					.first_ms = m->first_ms,
					.came_from = m->came_from.data ? m->came_from.data : "" };
}

void fa_message_take(struct fa_store_op *op, const struct fa_queue *queue, int64_t now_ms,
		     struct fa_message *to)
{
	struct fa_address address;

	op->take.fifo = fa_queue_is_fifo(queue->name);
	op->take.most = queue->max_receives;
	if (queue->retention_s)
		op->take.since_ms = now_ms - queue->retention_s * INT64_C(1000);
	if (!queue->max_receives || fa_address_parse(&address, queue->dead_letter, NULL))
		return;
	to->address = (struct faas_bytes){ queue->dead_letter, strlen(queue->dead_letter) };
	to->outgoing = address.kind != FA_TO_QUEUE;
	op->to = to;
}

/* Enter the runtime for what is done to an address; with `queue` it has to be one. */
static int enter(struct faas *rt, const char *text, bool queue, struct fa_address *address,
		struct faas_error *err)
{
	int rc;

	if (!rt)
		return fa_error(err, FAAS_EINVAL, "a runtime is required");
	rc = fa_address_parse(address, text, err);
	if (!rc && queue && address->kind != FA_TO_QUEUE)
		rc = fa_error(err, FAAS_EINVAL, "'%.80s' is no queue", text);
	return rc ? rc : fa_enter(rt, err);
}

int fa_messages_perform(struct faas *rt, struct fa_store_op *op, struct faas_error *err)
{
	op->now_ms = rt->clock->unix_ms(rt->clock);
	switch (fa_store_perform(rt->durable.store, op)) {
	case FA_STORE_DONE:
		return 0;
	case FA_STORE_UNKNOWN:
		return fa_error(err, FAAS_EUNKNOWN, "%s", faas_strerror(FAAS_EUNKNOWN));
	default:
		return fa_error(err, FAAS_ESYSTEM, "the messages cannot be stored or read");
	}
}

/* ---- send ------------------------------------------------------------- */

static bool is_attribute(struct fa_json value)
{
	return fa_json_kind(value) == FA_JSON_OBJECT &&
	       fa_json_kind(fa_json_get(value, "DataType")) == FA_JSON_STRING &&
	       (fa_json_kind(fa_json_get(value, "StringValue")) == FA_JSON_STRING ||
		fa_json_kind(fa_json_get(value, "BinaryValue")) == FA_JSON_STRING);
}

static int check_attributes(const char *text, struct faas_error *err)
{
	struct fa_json all, value;
	struct fa_json_iter iter;
	int n = 0;
	bool good;

	good = fa_json_read(text, strlen(text), &all) && fa_json_kind(all) == FA_JSON_OBJECT;
	if (good)
		fa_json_begin(&iter, all);
	while (good && fa_json_next(&iter, NULL, &value))
		good = is_attribute(value) && ++n <= ATTRIBUTES_MAX;
	return good ? 0 :
		      fa_error(err, FAAS_EINVAL,
			       "attributes must be an object of at most %d objects with DataType, "
			       "and StringValue or BinaryValue",
			       ATTRIBUTES_MAX);
}

static bool fits_id(const char *id)
{
	return *id && strlen(id) <= ID_MAX;
}

/* Group and dedup of a message for a FIFO queue; `hash` is the place for a dedup of its body. */
static int order(struct fa_message *m, const struct faas_message *from,
		 const struct fa_queue *queue, char hash[2 * FA_SHA256 + 1],
		 struct faas_error *err)
{
	struct fa_text text = { .data = hash, .size = 2 * FA_SHA256 + 1 };
	uint8_t sum[FA_SHA256];

	if (!from->group || !fits_id(from->group))
		return fa_error_typed(err, FAAS_EINVAL, "MissingParameter",
				      "The request must contain the parameter MessageGroupId, of "
				      "at most %d characters.", ID_MAX);
	if (from->delay_s)
		return fa_error(err, FAAS_EINVAL,
				"a message for a FIFO queue has no delay of its own");
	if (from->dedup && *from->dedup) {
		if (!fits_id(from->dedup))
			return fa_error(err, FAAS_EINVAL, "dedup has at most %d characters",
					ID_MAX);
		m->dedup = fa_bytes_of(from->dedup);
	} else if (queue->content_dedup) {
		fa_sha256(sum, m->body.data, m->body.len);
		fa_text_hex(&text, sum, sizeof(sum));
		m->dedup = fa_bytes_of(hash);
	} else {
		return fa_error(err, FAAS_EINVAL,
				"The queue should either have ContentBasedDeduplication enabled "
				"or MessageDeduplicationId provided explicitly");
	}
	m->group = fa_bytes_of(from->group);
	return 0;
}

static int check_message(const struct faas_message *m, struct faas_error *err)
{
	if (m->body.len > BODY_MAX)
		return fa_error(err, FAAS_ETOOLARGE, "a message has at most %d bytes", BODY_MAX);
	if (m->delay_s < 0 || m->delay_s > DELAY_MAX_S)
		return fa_error(err, FAAS_EINVAL, "delay_s is %d: must be from 0 to %d", m->delay_s,
				DELAY_MAX_S);
	return m->attributes ? check_attributes(m->attributes, err) : 0;
}

static int send_one(struct faas *rt, struct fa_message *m, int64_t *id, struct faas_error *err)
{
	struct fa_store_op op = { .verb = FA_STORE_SEND, .messages = m, .message_count = 1 };
	int rc = fa_messages_perform(rt, &op, err);

	if (!rc && m->outgoing)
		fa_deliver_kick(rt);
	if (!rc && id)
		*id = m->id;
	return rc;
}

static int put_to_queue(struct faas *rt, const char *name, struct fa_message *m,
			const struct faas_message *from, int64_t *id, struct faas_error *err)
{
	char hash[2 * FA_SHA256 + 1];
	struct fa_queue queue;
	int rc = 0;

	fa_queue_get(&rt->queues, name, &queue);
	if (fa_queue_is_fifo(name))
		rc = order(m, from, &queue, hash, err);
	if (!from->delay_s)
		m->due_ms += queue.delay_s * INT64_C(1000);
	return rc ? rc : send_one(rt, m, id, err);
}

static int put_to_topic(struct faas *rt, struct fa_message *m, const struct faas_message *from,
			int64_t *id, struct faas_error *err)
{
	int rc = fa_topic_check(from, err);

	if (from->subject)
		m->group = fa_bytes_of(from->subject);
	return rc ? rc : send_one(rt, m, id, err);
}

static int put_to_bus(struct faas *rt, struct fa_message *m, int64_t *id, struct faas_error *err)
{
	struct fa_entry entry;
	int rc = fa_entry_read(&entry, &rt->mem, m->body, m->sent_ms, err);

	if (rc)
		return rc;
	m->body = (struct faas_bytes){ entry.text, entry.len };
	if (*entry.trace)
		m->trace = fa_bytes_of(entry.trace);
	rc = send_one(rt, m, id, err);
	fa_free(entry.text);
	return rc;
}

static int put_to_directory(struct faas *rt, struct fa_message *m, const struct faas_message *from,
			    int64_t *id, struct faas_error *err)
{
	if (from->attributes)
		return fa_error(err, FAAS_EINVAL,
				"a file has no attributes: %.80s gets a body alone",
				(const char *)m->address.data);
	return send_one(rt, m, id, err);
}

static int put(struct faas *rt, const struct fa_address *to, const struct faas_message *from,
	       const char *trace, int64_t *id, struct faas_error *err)
{
	const char *attributes = from->attributes ? from->attributes : "{}";
	struct fa_message m = { .attributes = fa_bytes_of(attributes),
				.body = from->body,
				.address = fa_bytes_of(to->text),
				.trace = fa_bytes_of(trace ? trace : ""),
				.outgoing = to->kind != FA_TO_QUEUE };

	m.sent_ms = rt->clock->unix_ms(rt->clock);
	m.due_ms = m.sent_ms + from->delay_s * INT64_C(1000);
	switch (to->kind) {
	case FA_TO_QUEUE:
		return put_to_queue(rt, to->name, &m, from, id, err);
	case FA_TO_TOPIC:
		return put_to_topic(rt, &m, from, id, err);
	case FA_TO_BUS:
		return put_to_bus(rt, &m, id, err);
	case FA_TO_DIRECTORY:
		return put_to_directory(rt, &m, from, id, err);
	default:
		return send_one(rt, &m, id, err);
	}
}

int fa_put(struct faas *rt, const char *address, const struct faas_message *message,
	   const char *trace, int64_t *id, struct faas_error *err)
{
	struct faas_message m;
	struct fa_address to;
	const char *stream = address ? fa_stream_name(address) : NULL;
	int rc = fa_options_copy(&m, sizeof(m), message, "FAAS_MESSAGE", err);

	if (!rc && !stream)
		rc = check_message(&m, err);
	if (!rc)
		rc = stream && rt ? fa_enter(rt, err) : enter(rt, address, false, &to, err);
	if (rc)
		return rc;
	rc = stream ? fa_stream_put(rt, stream, &m, id, err) : put(rt, &to, &m, trace, id, err);
	fa_leave(rt);
	return rc;
}

int faas_put(struct faas *rt, const char *address, const struct faas_message *message, int64_t *id,
	     struct faas_error *err)
{
	return fa_put(rt, address, message, NULL, id, err);
}

int faas_send(struct faas *rt, const char *address, struct faas_bytes body, struct faas_error *err)
{
	return faas_put(rt, address, FAAS_MESSAGE(.body = body), NULL, err);
}

/* ---- take ------------------------------------------------------------- */

/* One block, with its own copy of everything. */
static struct faas_message *copy_message(const struct fa_mem *mem, const struct fa_message *m)
{
	const struct faas_bytes *from[] = { &m->address, &m->source, &m->attributes, &m->group,
					    &m->dedup, &m->came_from, &m->body };
	struct faas_message *copy;
	const char *to[7];
	size_t size = sizeof(*copy);
	char *at;

	for (int i = 0; i < 7; i++)
		size += from[i]->len + 1;
	copy = fa_alloc_dirty(mem, size);
	if (!copy)
		return NULL;
	at = (char *)(copy + 1);
	for (int i = 0; i < 7; i++) {
		to[i] = memcpy(at, from[i]->data, from[i]->len + 1); /* its NUL, too */
		at += from[i]->len + 1;
	}
	fa_message_show(copy, m);
	copy->address = to[0];
	copy->source = to[1];
	copy->attributes = to[2];
	copy->group = to[3];
	copy->dedup = to[4];
	copy->came_from = to[5];
	copy->body.data = to[6];
	return copy;
}

static struct fa_fetched *pop(struct fa_store_op *op)
{
	struct fa_list *pos = fa_list_pop(&op->claimed);

	return pos ? fa_container(pos, struct fa_fetched, link) : NULL;
}

int faas_take(struct faas *rt, const char *queue, int hide_ms, struct faas_message **message,
	      struct faas_error *err)
{
	struct fa_store_op op = { .verb = FA_STORE_TAKE, .hide_ms = hide_ms };
	struct fa_message to = { .outgoing = false };
	struct fa_fetched *fetched;
	struct fa_address from;
	struct fa_queue q;
	int rc;

	if (!message || hide_ms < 0 || hide_ms > HIDE_MAX_MS)
		return fa_error(err, FAAS_EINVAL,
				"a place for the message is required, and hide_ms from 0 to %d",
				HIDE_MAX_MS);
	rc = enter(rt, queue, true, &from, err);
	if (rc)
		return rc;
	op.message.address = fa_bytes_of(from.text);
	fa_queue_get(&rt->queues, from.name, &q);
	fa_message_take(&op, &q, rt->clock->unix_ms(rt->clock), &to);
	rc = fa_messages_perform(rt, &op, err);
	if (!rc && op.count && to.outgoing)
		fa_deliver_kick(rt);
	fetched = rc ? NULL : pop(&op);
	if (!rc)
		*message = fetched ? copy_message(&rt->mem, &fetched->message) : NULL;
	if (fetched && !*message)
		rc = fa_error_nomem(err);
	fa_free(fetched);
	fa_leave(rt);
	return rc;
}

int faas_drop(struct faas *rt, int64_t id, struct faas_error *err)
{
	struct fa_store_op op = { .verb = FA_STORE_REMOVE,
				  .message.id = id,
				  .gone = FA_STORE_DELIVERED };
	int rc;

	if (!rt)
		return fa_error(err, FAAS_EINVAL, "a runtime is required");
	rc = fa_enter(rt, err);
	if (rc)
		return rc;
	rc = fa_messages_perform(rt, &op, err);
	if (!rc && !op.count)
		rc = fa_error(err, FAAS_ENOTFOUND, "there is no message %lld", (long long)id);
	fa_leave(rt);
	return rc;
}

/* Whether there may be more behind op->message.id. */
static bool show_page(struct fa_store_op *op,
		      bool (*each)(void *data, const struct faas_message *message), void *data)
{
	struct fa_fetched *fetched;
	struct faas_message shown;
	bool more = false, goes_on = true;

	while ((fetched = pop(op))) {
		more = true;
		op->message.id = fetched->message.id;
		fa_message_show(&shown, &fetched->message);
		if (goes_on)
			goes_on = each(data, &shown);
		fa_free(fetched);
	}
	return more && goes_on;
}

int faas_peek(struct faas *rt, const char *queue,
	      bool (*each)(void *data, const struct faas_message *message), void *data,
	      struct faas_error *err)
{
	struct fa_store_op op = { .verb = FA_STORE_PEEK, .max = PAGE };
	struct fa_address from;
	int rc;

	if (!each)
		return fa_error(err, FAAS_EINVAL, "somebody to show the messages to is required");
	rc = enter(rt, queue, true, &from, err);
	if (rc)
		return rc;
	op.message.address = fa_bytes_of(from.text);
	do
		rc = fa_messages_perform(rt, &op, err);
	while (!rc && show_page(&op, each, data));
	fa_leave(rt);
	return rc;
}

int faas_move(struct faas *rt, const char *queue, const char *to, int max, int *moved,
	      struct faas_error *err)
{
	struct fa_store_op op = { .verb = FA_STORE_MOVE, .max = max };
	struct fa_message target = { 0 };
	struct fa_address from, there;
	int rc;

	if (max <= 0)
		return fa_error(err, FAAS_EINVAL, "max must be positive");
	if (to && fa_address_parse_letter(&there, to, err) < 0)
		return FAAS_EINVAL;
	rc = enter(rt, queue, true, &from, err);
	if (rc)
		return rc;
	op.message.address = fa_bytes_of(from.text);
	if (to) {
		target.address = fa_bytes_of(there.text);
		target.outgoing = there.kind != FA_TO_QUEUE;
		op.to = &target;
	}
	rc = fa_messages_perform(rt, &op, err);
	if (!rc && moved)
		*moved = (int)op.count;
	if (!rc)
		fa_deliver_kick(rt);
	fa_leave(rt);
	return rc;
}

int faas_queue_stats(struct faas *rt, const char *queue, struct faas_queue_stats *stats,
		     struct faas_error *err)
{
	struct faas_queue_stats s = { .size = sizeof(s) };
	struct fa_store_op op = { .verb = FA_STORE_SUM };
	struct fa_address from;
	int rc;

	if (!stats || stats->size < offsetof(struct faas_queue_stats, hidden))
		return fa_error(err, FAAS_EINVAL, "a place for the numbers, with its size, is "
						  "required");
	rc = enter(rt, queue, true, &from, err);
	if (rc)
		return rc;
	op.message.address = fa_bytes_of(from.text);
	rc = fa_messages_perform(rt, &op, err);
	s.visible = (uint64_t)op.sum.visible;
	s.hidden = (uint64_t)op.sum.hidden;
	s.oldest_ms = op.sum.oldest_ms == INT64_MAX ? 0 : op.sum.oldest_ms;
	if (s.size > stats->size)
		s.size = stats->size;
	if (!rc)
		memcpy(stats, &s, s.size);
	fa_leave(rt);
	return rc;
}
