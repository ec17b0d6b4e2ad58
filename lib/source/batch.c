/* SPDX-License-Identifier: MIT */
/*
 * A batch: from messages to an event, from the answer to what becomes of each message. It is
 * cut from the front of the buffer, as many as fit into one event, and holds the groups of
 * its messages until it is over. A throttle is no answer: the same batch is tried again, ever
 * later, until its messages would come back to others.
 */
#include <source/mapping.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/error.h>
#include <base/json.h>
#include <base/text.h>

#define EVENT_MAX 6291456
#define AGAIN_MS 1000
#define AGAIN_MAX_MS 60000
#define FOOT "]}"

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

static struct fa_fetched *item_of(struct fa_list *pos)
{
	return fa_container(pos, struct fa_fetched, link);
}

void fa_mapping_metric(struct fa_mapping *m, const char *name, int count)
{
	struct faas *rt = m->all->rt;
	struct fa_version *v;

	if (!count || !m->config->counted || !m->config->function || !rt->tell.on_metric)
		return;
	v = fa_registry_find(&rt->registry, m->config->function, NULL);
	if (v)
		fa_tell_metric(&rt->tell, v, name, "Count", count, rt->clock->unix_ms(rt->clock));
	fa_version_unref(v);
}

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

static void free_items(struct fa_list *items)
{
	struct fa_list *pos;

	while ((pos = fa_list_pop(items)))
		fa_free(item_of(pos));
}

/* `failed`: those that are marked are, else all are done. Memory being out, they come again. */
static void settle(struct fa_mapping *m, struct fa_list *items, int count, bool failed, bool seen)
{
	struct faas_settled *all = fa_alloc(&m->all->rt->mem, (size_t)count * sizeof(*all));
	struct fa_list *pos;
	int n = 0;

	if (all)
		fa_list_for(pos, items)
			all[n++] = (struct faas_settled){ .id = item_of(pos)->message.id,
							  .done = !failed || !item_of(pos)->marked,
							  .seen = seen };
	if (n)
		m->source.kind->impl.settle(m->source.state, all, n);
	fa_free(all);
	free_items(items);
}

static void mark_all(struct fa_list *items)
{
	struct fa_list *pos;

	fa_list_for(pos, items)
		item_of(pos)->marked = true;
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

static int by_id(const void *a, const void *b)
{
	const struct fa_fetched *x = *(struct fa_fetched *const *)a,
				*y = *(struct fa_fetched *const *)b;

	return (x->message.id > y->message.id) - (x->message.id < y->message.id);
}

static struct fa_fetched **sort_items(struct fa_batch *b)
{
	struct fa_fetched **all = fa_alloc(&b->mapping->all->rt->mem,
					   (size_t)b->count * sizeof(struct fa_fetched *));
	struct fa_list *pos;
	int n = 0;

	if (!all)
		return NULL;
	fa_list_for(pos, &b->items)
		all[n++] = item_of(pos);
	qsort(all, (size_t)n, sizeof(*all), by_id);
	return all;
}

/* False: it names none of these. */
static bool mark_one(struct fa_fetched **all, int count, struct fa_json failure)
{
	struct fa_json text = fa_json_get(failure, "itemIdentifier");
	struct fa_fetched wanted, *key = &wanted, **found;
	char id[40];

	if (fa_json_kind(failure) != FA_JSON_OBJECT || fa_json_kind(text) != FA_JSON_STRING ||
	    fa_json_string(text, id, sizeof(id)) != 36)
		return false;
	wanted.message.id = fa_record_read_id(id);
	found = bsearch(&key, all, (size_t)count, sizeof(struct fa_fetched *), by_id);
	if (found)
		(*found)->marked = true;
	return found;
}

/* How many the function names; -1: it says nothing that could be understood, all have failed. */
static int mark_failures(struct fa_batch *b, struct faas_bytes answer)
{
	struct fa_fetched **all;
	struct fa_json whole, list, item;
	struct fa_json_iter iter;
	int n = 0;

	if (!answer.len)
		return 0;
	if (!fa_json_read(answer.data, answer.len, &whole))
		return -1;
	if (fa_json_kind(whole) == FA_JSON_NULL)
		return 0;
	list = fa_json_get(whole, "batchItemFailures");
	if (fa_json_kind(whole) != FA_JSON_OBJECT ||
	    (fa_json_kind(list) > FA_JSON_NULL && fa_json_kind(list) != FA_JSON_ARRAY))
		return -1;
	if (fa_json_kind(list) != FA_JSON_ARRAY)
		return 0;
	all = sort_items(b);
	fa_json_begin(&iter, list);
	while (n >= 0 && fa_json_next(&iter, NULL, &item))
		n = all && mark_one(all, b->count, item) ? n + 1 : -1;
	fa_free(all);
	return n;
}

static void succeed(struct fa_batch *b, struct faas_bytes answer)
{
	int failures = b->partial ? mark_failures(b, answer) : 0;

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
	int64_t ms = AGAIN_MS, at;

	for (int i = 0; i < b->throttles && ms < AGAIN_MAX_MS; i++)
		ms *= 2;
	at = fa_now(rt->clock) + (ms < AGAIN_MAX_MS ? ms : AGAIN_MAX_MS) * 1000000;
	b->throttles++;
	fa_mapping_slow_down(m);
	if (m->stopping || at > b->until_ns || fa_loop_timer(&rt->loop, &b->again, at)) {
		mark_all(&b->items);
		end(b, true);
	}
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
	switch (code) {
	case FAAS_OK:
		succeed(b, answer);
		return;
	case FAAS_EFUNCTION:
	case FAAS_ETIMEOUT:
	case FAAS_EPLUGIN:
	case FAAS_EINVAL:
	case FAAS_ETOOLARGE:
		fail(b);
		return;
	case FAAS_ECANCELED:
		mark_all(&b->items);
		end(b, true);
		return;
	default:
		put_off(b);
	}
}

static void on_done(void *data, const struct faas_result *result)
{
	judge(data, result->code, result->payload);
}

struct fa_text fa_event_room(struct fa_sources *all)
{
	struct fa_text out = { .size = EVENT_MAX + 1 };

	if (!all->room)
		all->room = fa_alloc_dirty(&all->rt->mem, out.size);
	out.data = all->room;
	return out;
}

static struct fa_text begin_event(struct fa_mapping *m)
{
	struct fa_text out = fa_event_room(m->all);

	if (out.data && !m->config->kind->write)
		fa_text_add(&out, "{\"Records\":[");
	return out;
}

static void finish_event(struct fa_mapping *m, struct fa_text *out)
{
	if (!m->config->kind->write)
		fa_text_add(out, FOOT);
}

static int write_one(struct fa_mapping *m, struct fa_text *out, const struct fa_message *message)
{
	const struct fa_mapping_config *c = m->config;

	if (c->kind->write)
		return c->kind->write(out, m, message);
	if (c->kind->record)
		return c->kind->record(out, m, message);
	return fa_record_write(out, c->kind, c->arn, &m->all->rt->config, message);
}

/* ---- filters ----------------------------------------------------------------- */

/* What could not be looked at for want of memory is not filtered out. */
static bool passes(struct fa_mapping *m, const struct fa_message *message)
{
	const struct fa_mapping_config *c = m->config;
	struct fa_text out = begin_event(m);
	struct fa_json record, data = { NULL, 0 };
	bool matches = false;

	out.len = 0;
	if (!out.data || write_one(m, &out, message) || out.cut ||
	    !fa_json_read(out.data, out.len, &record))
		return true;
	fa_json_read(message->body.data, message->body.len, &data);
	for (int i = 0; i < c->filter_count && !matches; i++)
		matches = fa_pattern_matches_data(c->filters[i], record, c->kind->data_key, data);
	return matches;
}

void fa_batch_filter(struct fa_mapping *m, struct fa_list *fetched)
{
	struct fa_list out, *pos, *next;
	int n = 0;

	if (!m->config->filter_count)
		return;
	fa_list_init(&out);
	fa_list_for_safe(pos, next, fetched) {
		if (passes(m, &item_of(pos)->message))
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

/* False: it does not fit any more, and nothing of it is there. */
static bool add_record(struct fa_mapping *m, struct fa_text *out, const struct fa_message *message,
		       bool first)
{
	size_t before = out->len;
	int rc;

	if (!first)
		fa_text_add(out, ",");
	rc = write_one(m, out, message);
	if (!rc && !out->cut && out->len + strlen(FOOT) <= EVENT_MAX)
		return true;
	out->len = before;
	out->cut = false;
	return false;
}

static bool write_event(struct fa_batch *b, struct fa_text *out)
{
	struct fa_list *pos;
	bool first = true;

	*out = begin_event(b->mapping);
	if (!out->data)
		return false;
	fa_list_for(pos, &b->items) {
		if (!add_record(b->mapping, out, &item_of(pos)->message, first))
			return false;
		first = false;
	}
	finish_event(b->mapping, out);
	return true;
}

static const char *trace_of(struct fa_batch *b)
{
	struct fa_list *pos;

	fa_list_for(pos, &b->items)
		if (item_of(pos)->message.trace.len)
			return item_of(pos)->message.trace.data;
	return NULL;
}

static void invoke(struct fa_batch *b, const struct fa_text *event)
{
	struct faas_error err = { 0 };
	const struct fa_mapping_config *c = b->mapping->config;
	int rc = faas_invoke(b->mapping->all->rt,
			     FAAS_REQUEST(.function = c->function,
					  .mode = c->kind->pushes ? FAAS_EVENT : FAAS_SYNC,
					  .payload = { event->data, event->len },
					  .trace_id = trace_of(b), .on_done = on_done, .data = b),
			     NULL, &err);

	if (rc)
		judge(b, rc, (struct faas_bytes){ NULL, 0 });
}

static void run(struct fa_batch *b)
{
	struct fa_text event;

	b->partial = b->mapping->config->partial;
	if (write_event(b, &event))
		invoke(b, &event);
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
		struct fa_fetched *item = item_of(pos);

		if (b->count == m->config->batch_size)
			break;
		if (is_held_up(b, &item->message))
			continue;
		if (!add_record(m, event, &item->message, !b->count)) {
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
	int64_t due_ms = item_of(m->buffer.next)->message.due_ms;

	return fa_now(clock) + (due_ms - clock->unix_ms(clock)) * 1000000;
}

bool fa_batch_begin(struct fa_mapping *m)
{
	struct fa_text event = begin_event(m);
	struct fa_batch *b = event.data ? fa_alloc(&m->all->rt->mem, sizeof(*b)) : NULL;
	size_t head = event.len;

	if (!b)
		return false; /* what is buffered comes back to the queue in time */
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
	finish_event(m, &event);
	invoke(b, &event);
	return true;
}
