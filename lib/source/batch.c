/* SPDX-License-Identifier: MIT */
/*
 * A batch: from messages to an event, from the answer to what becomes of each message. It is
 * cut from the front of the buffer, as many as fit into one event, and holds the groups of
 * its messages until it is over. A throttle is no answer: the same batch is tried again, ever
 * later, until its messages would come back to others.
 */
#include <source/event.h>
#include <source/fan.h>

#include <string.h>
#include <base/text.h>

#define AGAIN_MS 1000 /* after memory was out */

struct fa_group {
	struct fa_batch *batch;
	struct fa_list link; /* in fa_batch.groups */
	char name[];
};

struct fa_batch {
	struct fa_list link;
	struct fa_mapping *mapping;
	struct fa_list items, groups;
	int count;
	int throttles;
	int64_t until_ns;    /* then its messages come back */
	bool partial;
	struct fa_timer again;
};

/* ---- groups ------------------------------------------------------------ */

/* Whether another batch has its group; else `b` has it from now on. */
static bool is_held_up(struct fa_batch *b, const struct fa_message *m)
{
	struct fa_map *groups = &b->mapping->groups;
	struct fa_group *g;

	if (!m->group.len)
		return false;
	g = fa_map_get(groups, m->group.data, m->group.len);
	if (g)
		return g->batch != b;
	g = fa_alloc(&b->mapping->all->rt->mem, sizeof(*g) + m->group.len + 1);
	if (!g)
		return true; /* later, then */
	memcpy(g->name, m->group.data, m->group.len);
	g->batch = b;
	if (fa_map_add(groups, g->name, g)) {
		fa_free(g);
		return true;
	}
	fa_list_append(&b->groups, &g->link);
	return false;
}

static void let_go(struct fa_batch *b)
{
	struct fa_list *pos;

	while ((pos = fa_list_pop(&b->groups))) {
		struct fa_group *g = fa_container(pos, struct fa_group, link);

		fa_map_remove(&b->mapping->groups, g->name);
		fa_free(g);
	}
}

/* ---- what becomes of its messages ---------------------------------------- */

/* `failed`: those that are marked are, else all are done. Memory being out, they come again. */
static void settle(struct fa_mapping *m, struct fa_list *items, int count, bool failed, bool seen)
{
	struct faas_settled *all = fa_alloc(&m->all->rt->mem, (size_t)count * sizeof(*all));
	struct fa_list *pos;
	int n = 0;

	if (all)
		fa_list_for(pos, items)
			all[n++] = (struct faas_settled){ .id = fa_item(pos)->message.id,
							  .done = !failed || !fa_item(pos)->marked,
							  .seen = seen };
	if (n)
		m->source.kind->impl.settle(m->source.state, all, n);
	fa_free(all);
	fa_items_free(items);
}

static void mark_all(struct fa_list *items)
{
	struct fa_list *pos;

	fa_list_for(pos, items)
		fa_item(pos)->marked = true;
}

void fa_batch_unseen(struct fa_mapping *m, struct fa_list *items)
{
	struct fa_list *pos;
	int n = 0;

	fa_list_for(pos, items)
		n++;
	mark_all(items);
	if (n)
		settle(m, items, n, true, false);
}

static void end(struct fa_batch *b, bool failed)
{
	struct fa_mapping *m = b->mapping;

	fa_loop_timer_stop(&m->all->rt->loop, &b->again);
	let_go(b);
	fa_list_remove(&b->link);
	settle(m, &b->items, b->count, failed, true);
	fa_free(b);
	fa_mapping_ended(m);
}

static void fail(struct fa_batch *b)
{
	fa_mapping_metric(b->mapping, "FailedInvokeEventCount", b->count);
	mark_all(&b->items);
	end(b, true);
}

/* ---- the answer ---------------------------------------------------------- */

static void succeed(struct fa_batch *b, struct faas_bytes answer)
{
	int failures = b->partial ? fa_event_failures(b->mapping, &b->items, b->count, answer) : 0;

	if (failures < 0)
		fail(b);
	else
		end(b, failures > 0);
}

/* ---- run ------------------------------------------------------------------ */

static void run(struct fa_batch *b);

/* It may run later, unless it ends or its messages are somebody else's by then. */
static void put_off(struct fa_batch *b)
{
	struct fa_mapping *m = b->mapping;
	struct faas *rt = m->all->rt;
	int64_t at = fa_now(rt->clock) + fa_attempt_pause_ms(b->throttles++) * 1000000;

	fa_mapping_slow_down(m);
	if (!m->stopping && at <= b->until_ns) {
		fa_loop_timer_sure(&rt->loop, &b->again, at);
		return;
	}
	mark_all(&b->items);
	end(b, true);
}

static void on_again(struct fa_timer *timer)
{
	run(fa_container(timer, struct fa_batch, again));
}

void fa_batches_give_up(struct fa_mapping *m)
{
	struct fa_list *pos, *next;

	fa_list_for_safe(pos, next, &m->batches) {
		struct fa_batch *b = fa_container(pos, struct fa_batch, link);

		if (!b->again.index)
			continue;
		mark_all(&b->items);
		end(b, true);
	}
}

static void judge(struct fa_batch *b, int code, struct faas_bytes answer)
{
	switch (fa_attempt_of(code)) {
	case FA_ATTEMPT_ANSWERED:
		succeed(b, answer);
		return;
	case FA_ATTEMPT_FAILED:
		fail(b);
		return;
	case FA_ATTEMPT_ENDING:
		mark_all(&b->items);
		end(b, true);
		return;
	case FA_ATTEMPT_THROTTLED:
		put_off(b);
	}
}

static void on_done(void *data, const struct faas_result *result)
{
	judge(data, result->code, result->payload);
}

/* ---- filters ----------------------------------------------------------------- */

void fa_batch_filter(struct fa_mapping *m, struct fa_list *fetched)
{
	struct fa_list out, *pos, *next;
	int n = 0;

	if (!m->config->filter_count)
		return;
	fa_list_init(&out);
	fa_list_for_safe(pos, next, fetched) {
		if (fa_event_passes(m, &fa_item(pos)->message))
			continue;
		fa_list_remove(pos);
		fa_list_append(&out, pos);
		n++;
	}
	fa_mapping_metric(m, "FilteredOutEventCount", n);
	if (n)
		settle(m, &out, n, false, false);
}

/* ---- the event -------------------------------------------------------------- */

static bool write_event(struct fa_batch *b, struct fa_text *out)
{
	struct fa_list *pos;
	bool first = true;

	*out = fa_event_begin(b->mapping, NULL);
	if (!out->data)
		return false;
	fa_list_for(pos, &b->items) {
		if (!fa_event_add(b->mapping, out, &fa_item(pos)->message, first))
			return false;
		first = false;
	}
	fa_event_finish(b->mapping, out, NULL);
	return true;
}

static void invoke(struct fa_batch *b, const struct fa_text *event)
{
	struct faas_error err = { 0 };
	const struct fa_mapping_config *c = b->mapping->config;
	int rc = faas_invoke(b->mapping->all->rt,
			     FAAS_REQUEST(.function = c->function,
					  .mode = c->kind->pushes ? FAAS_EVENT : FAAS_SYNC,
					  .payload = { event->data, event->len },
					  .trace_id = fa_event_trace(&b->items),
					  .on_done = on_done, .data = b),
			     NULL, &err);

	if (rc)
		judge(b, rc, (struct faas_bytes){ NULL, 0 });
}

/* An event as a message to its target, which is from then on tried as the mapping says. */
struct pushed {
	struct fa_store_op op;
	struct fa_call call;
	struct fa_batch *batch;
	struct fa_message message;
	char arn[FA_ADDRESS_ARN + 40], address[FA_ADDRESS_MAX];
	char bytes[];
};

static void on_pushed(struct fa_call *call)
{
	struct pushed *p = fa_container(call, struct pushed, call);
	bool sent = p->op.outcome == FA_STORE_DONE;
	struct fa_batch *b = p->batch;

	if (sent && p->message.outgoing)
		fa_deliver_kick(b->mapping->all->rt);
	fa_free(p);
	judge(b, sent ? FAAS_OK : FAAS_ESYSTEM, (struct faas_bytes){ NULL, 0 });
}

static void on_stored(struct fa_store_op *op)
{
	struct pushed *p = fa_container(op, struct pushed, op);

	fa_loop_call(&p->batch->mapping->all->rt->loop, &p->call);
}

static void push(struct fa_batch *b, const struct fa_text *event)
{
	struct fa_mapping *m = b->mapping;
	const struct fa_push *to = m->config->push;
	struct faas *rt = m->all->rt;
	struct pushed *p = fa_alloc(&rt->mem, sizeof(*p) + event->len);

	if (!p) {
		put_off(b);
		return;
	}
	p->batch = b;
	p->call.run = on_pushed;
	m->config->kind->fan->arn(p->arn, m);
	memcpy(p->address, to->target.text, sizeof(p->address));
	memcpy(p->bytes, event->data, event->len);
	p->message = (struct fa_message){ .sent_ms = rt->clock->unix_ms(rt->clock),
					  .kind = FA_MESSAGE_PUSHED,
					  .outgoing = to->target.kind != FA_TO_QUEUE,
					  .address = fa_bytes_of(p->address),
					  .source = fa_bytes_of(p->arn),
					  .attributes = { "{}", 2 },
					  .body = { p->bytes, event->len } };
	p->message.due_ms = p->message.sent_ms;
	p->op = (struct fa_store_op){ .verb = FA_STORE_SEND, .messages = &p->message,
				      .message_count = 1, .on_done = on_stored };
	fa_store_submit(rt->durable.store, &p->op);
}

static void hand_over(struct fa_batch *b, const struct fa_text *event)
{
	if (b->mapping->config->push)
		push(b, event);
	else
		invoke(b, event);
}

static void run(struct fa_batch *b)
{
	struct fa_text event;

	b->partial = b->mapping->config->partial;
	if (write_event(b, &event))
		hand_over(b, &event);
	else
		put_off(b);
}

/* ---- cut --------------------------------------------------------------------- */

static void take_item(struct fa_batch *b, struct fa_fetched *item)
{
	struct fa_mapping *m = b->mapping;

	fa_list_remove(&item->link);
	fa_list_append(&b->items, &item->link);
	m->buffered--;
	m->buffered_bytes -= item->message.body.len;
	b->count++;
}

/* One that is too long for any event is alone in its batch, which fails. */
static void cut(struct fa_batch *b, struct fa_text *event)
{
	struct fa_mapping *m = b->mapping;
	struct fa_list *pos, *next;

	fa_list_for_safe(pos, next, &m->buffer) {
		struct fa_fetched *item = fa_item(pos);

		if (b->count == m->config->batch_size)
			break;
		if (is_held_up(b, &item->message))
			continue;
		if (!fa_event_add(m, event, &item->message, !b->count)) {
			if (!b->count)
				take_item(b, item);
			break;
		}
		take_item(b, item);
	}
}

static int64_t comes_back_ns(struct fa_mapping *m)
{
	const struct fa_clock *clock = m->all->rt->clock;
	int64_t due_ms = fa_item(m->buffer.next)->message.due_ms;

	return fa_now(clock) + (due_ms - clock->unix_ms(clock)) * 1000000;
}

bool fa_batch_begin(struct fa_mapping *m)
{
	struct fa_text event = fa_event_begin(m, NULL);
	struct fa_batch *b = event.data ? fa_alloc(&m->all->rt->mem, sizeof(*b)) : NULL;
	size_t head = event.len;

	if (!b) { /* what is buffered waits for memory, or comes back to its queue in time */
		fa_mapping_arm(m, &m->growth, AGAIN_MS);
		return false;
	}
	b->mapping = m;
	b->again.on_due = on_again;
	b->partial = m->config->partial;
	b->until_ns = comes_back_ns(m);
	fa_list_init(&b->items);
	fa_list_init(&b->groups);
	cut(b, &event);
	if (!b->count) {
		fa_free(b);
		return false;
	}
	fa_list_append(&m->batches, &b->link);
	m->running++;
	fa_mapping_metric(m, "InvokedEventCount", b->count);
	if (event.len == head) {
		fail(b);
		return true;
	}
	fa_event_finish(m, &event, NULL);
	hand_over(b, &event);
	return true;
}
