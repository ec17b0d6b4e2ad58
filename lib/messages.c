/* SPDX-License-Identifier: MIT */
/* The typed doors to messages. Each is one operation of the store, waited for. */
#include <messages.h>

#include <stddef.h>
#include <string.h>

#include <base/error.h>
#include <model/address.h>

#define BODY_MAX 1048576
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
					.tries = m->tries };
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

static struct faas_bytes bytes_of(const char *text)
{
	return (struct faas_bytes){ text, strlen(text) };
}

static int perform(struct faas *rt, struct fa_store_op *op, struct faas_error *err)
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

int faas_send(struct faas *rt, const char *address, struct faas_bytes body, struct faas_error *err)
{
	struct fa_message message = { .attributes = { "{}", 2 }, .body = body };
	struct fa_store_op op = { .verb = FA_STORE_SEND, .messages = &message, .message_count = 1 };
	struct fa_address to;
	int rc;

	if (body.len > BODY_MAX)
		return fa_error(err, FAAS_ETOOLARGE, "a message has at most %d bytes", BODY_MAX);
	rc = enter(rt, address, false, &to, err);
	if (rc)
		return rc;
	message.address = bytes_of(to.text);
	message.outgoing = to.kind != FA_TO_QUEUE;
	message.sent_ms = message.due_ms = rt->clock->unix_ms(rt->clock);
	rc = perform(rt, &op, err);
	if (!rc && message.outgoing)
		fa_deliver_kick(rt);
	fa_leave(rt);
	return rc;
}

/* One block, with its own copy of everything. */
static struct faas_message *copy_message(const struct fa_mem *mem, const struct fa_message *m)
{
	struct faas_message *copy = fa_alloc_dirty(mem, sizeof(*copy) + m->address.len +
							 m->source.len + m->attributes.len +
							 m->body.len + 4);
	const struct faas_bytes *from[] = { &m->address, &m->source, &m->attributes, &m->body };
	const char *to[4];
	char *at = (char *)(copy + 1);

	if (!copy)
		return NULL;
	for (int i = 0; i < 4; i++) {
		to[i] = memcpy(at, from[i]->data, from[i]->len + 1); /* its NUL, too */
		at += from[i]->len + 1;
	}
	fa_message_show(copy, m);
	copy->address = to[0];
	copy->source = to[1];
	copy->attributes = to[2];
	copy->body.data = to[3];
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
	struct fa_fetched *fetched;
	struct fa_address from;
	int rc;

	if (!message || hide_ms < 0 || hide_ms > HIDE_MAX_MS)
		return fa_error(err, FAAS_EINVAL,
				"a place for the message is required, and hide_ms from 0 to %d",
				HIDE_MAX_MS);
	rc = enter(rt, queue, true, &from, err);
	if (rc)
		return rc;
	op.message.address = bytes_of(from.text);
	rc = perform(rt, &op, err);
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
	rc = perform(rt, &op, err);
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
	op.message.address = bytes_of(from.text);
	do
		rc = perform(rt, &op, err);
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
	if (to && fa_address_parse(&there, to, err) < 0)
		return FAAS_EINVAL;
	rc = enter(rt, queue, true, &from, err);
	if (rc)
		return rc;
	op.message.address = bytes_of(from.text);
	if (to) {
		target.address = bytes_of(there.text);
		target.outgoing = there.kind != FA_TO_QUEUE;
		op.to = &target;
	}
	rc = perform(rt, &op, err);
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
	op.message.address = bytes_of(from.text);
	rc = perform(rt, &op, err);
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
