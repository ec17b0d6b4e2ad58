/* SPDX-License-Identifier: MIT */
/*
 * Of messages an event, and of its answer what it says of them. Nothing here knows where they
 * come from but for the kind of their source, which writes one.
 */
#include <source/shards.h>

#include <stdlib.h>
#include <string.h>

#include <base/json.h>

#define AGAIN_MS 1000
#define AGAIN_MAX_MS 60000
#define FOOT "]}"

void fa_items_free(struct fa_list *items)
{
	struct fa_list *pos;

	while ((pos = fa_list_pop(items)))
		fa_free(fa_item(pos));
}

void fa_mapping_tell(struct fa_mapping *m, const char *name, const char *unit, double value)
{
	struct faas *rt = m->all->rt;
	struct fa_version *v;

	if (!m->config->function || !rt->tell.on_metric)
		return;
	v = fa_registry_find(&rt->registry, m->config->function, NULL);
	if (v)
		fa_tell_metric(&rt->tell, v, name, unit, value, rt->clock->unix_ms(rt->clock));
	fa_version_unref(v);
}

void fa_mapping_metric(struct fa_mapping *m, const char *name, int count)
{
	if (count && m->config->counted)
		fa_mapping_tell(m, name, "Count", count);
}

/* ---- what came of an invocation ------------------------------------------- */

enum fa_attempt fa_attempt_of(int code)
{
	switch (code) {
	case FAAS_OK:
		return FA_ATTEMPT_ANSWERED;
	case FAAS_EFUNCTION:
	case FAAS_ETIMEOUT:
	case FAAS_EPLUGIN:
	case FAAS_EINVAL:
	case FAAS_ETOOLARGE:
		return FA_ATTEMPT_FAILED;
	case FAAS_ECANCELED:
		return FA_ATTEMPT_ENDING;
	default:
		return FA_ATTEMPT_THROTTLED;
	}
}

int64_t fa_attempt_pause_ms(int times)
{
	int64_t ms = AGAIN_MS;

	for (int i = 0; i < times && ms < AGAIN_MAX_MS; i++)
		ms *= 2;
	return ms < AGAIN_MAX_MS ? ms : AGAIN_MAX_MS;
}

/* ---- the answer ---------------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
	const struct fa_fetched *x = *(struct fa_fetched *const *)a,
				*y = *(struct fa_fetched *const *)b;

	return (x->message.id > y->message.id) - (x->message.id < y->message.id);
}

static struct fa_fetched **sort_items(struct fa_mapping *m, struct fa_list *items, int count)
{
	struct fa_fetched **all = fa_alloc(&m->all->rt->mem,
					   (size_t)count * sizeof(struct fa_fetched *));
	struct fa_list *pos = items;
	int n = 0;

	if (!all)
		return NULL;
	while (n < count)
		all[n++] = fa_item(pos = pos->next);
	qsort(all, (size_t)n, sizeof(*all), by_id);
	return all;
}

static int64_t read_id(const struct fa_source_kind *kind, const char *id)
{
	return kind->shards ? fa_sequence_read(kind->shards, id) : fa_record_read_id(id);
}

/* False: it names none of these. */
static bool mark_one(struct fa_mapping *m, struct fa_fetched **all, int count,
		     struct fa_json failure)
{
	struct fa_json text = fa_json_get(failure, "itemIdentifier");
	struct fa_fetched wanted, *key = &wanted, **found;
	char id[FA_RECORD_ID];

	if (fa_json_kind(failure) != FA_JSON_OBJECT || fa_json_kind(text) != FA_JSON_STRING ||
	    fa_json_string(text, id, sizeof(id)) >= sizeof(id))
		return false;
	wanted.message.id = read_id(m->config->kind, id);
	found = bsearch(&key, all, (size_t)count, sizeof(struct fa_fetched *), by_id);
	if (found)
		(*found)->marked = true;
	return found;
}

/* What means that nothing failed, besides an answer that has no list: of streams two more. */
static bool says_nothing(struct fa_mapping *m, struct fa_json answer)
{
	if (fa_json_kind(answer) == FA_JSON_NULL)
		return true;
	return m->config->kind->shards && (fa_json_equals(answer, "") ||
					   (fa_json_kind(answer) == FA_JSON_ARRAY &&
					    !fa_json_count(answer)));
}

int fa_event_failures(struct fa_mapping *m, struct fa_list *items, int count,
		      struct faas_bytes answer)
{
	struct fa_fetched **all;
	struct fa_json whole, list, item;
	struct fa_json_iter iter;
	int n = 0;

	if (!answer.len)
		return 0;
	if (!fa_json_read(answer.data, answer.len, &whole))
		return -1;
	if (says_nothing(m, whole))
		return 0;
	list = fa_json_get(whole, "batchItemFailures");
	if (fa_json_kind(whole) != FA_JSON_OBJECT ||
	    (fa_json_kind(list) > FA_JSON_NULL && fa_json_kind(list) != FA_JSON_ARRAY))
		return -1;
	if (fa_json_kind(list) != FA_JSON_ARRAY)
		return 0;
	all = sort_items(m, items, count);
	fa_json_begin(&iter, list);
	while (n >= 0 && fa_json_next(&iter, NULL, &item))
		n = all && mark_one(m, all, count, item) ? n + 1 : -1;
	fa_free(all);
	return n;
}

/* ---- the event ------------------------------------------------------------ */

struct fa_text fa_event_room(struct fa_sources *all)
{
	struct fa_text out = { .size = FA_EVENT_MAX + 1 };

	if (!all->room)
		all->room = fa_alloc_dirty(&all->rt->mem, out.size);
	out.data = all->room;
	return out;
}

struct fa_text fa_event_begin(struct fa_mapping *m, const char *foot)
{
	struct fa_text out = fa_event_room(m->all);

	out.size -= strlen(foot ? foot : FOOT);
	if (out.data && !m->config->kind->write)
		fa_text_add(&out, "{\"Records\":[");
	return out;
}

void fa_event_finish(struct fa_mapping *m, struct fa_text *out, const char *foot)
{
	out->size = FA_EVENT_MAX + 1;
	if (!m->config->kind->write)
		fa_text_add(out, foot ? foot : FOOT);
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

bool fa_event_add(struct fa_mapping *m, struct fa_text *out, const struct fa_message *message,
		  bool first)
{
	size_t before = out->len;
	int rc;

	if (!first)
		fa_text_add(out, ",");
	rc = write_one(m, out, message);
	if (!rc && !out->cut)
		return true;
	out->len = before;
	out->cut = false;
	return false;
}

const char *fa_event_trace(const struct fa_list *items)
{
	struct fa_list *pos;

	fa_list_for(pos, items)
		if (fa_item(pos)->message.trace.len)
			return fa_item(pos)->message.trace.data;
	return NULL;
}

/* ---- filters --------------------------------------------------------------- */

bool fa_event_passes(struct fa_mapping *m, const struct fa_message *message)
{
	const struct fa_mapping_config *c = m->config;
	struct fa_text out = fa_event_begin(m, NULL);
	struct fa_json record, data = { NULL, 0 };
	bool matches = !c->filter_count;

	if (matches)
		return true;
	out.len = 0;
	if (!out.data || write_one(m, &out, message) || out.cut ||
	    !fa_json_read(out.data, out.len, &record))
		return true;
	if (c->kind->filtered)
		record = fa_json_get(record, c->kind->filtered);
	if (c->kind->data_key)
		fa_json_read(message->body.data, message->body.len, &data);
	for (int i = 0; i < c->filter_count && !matches; i++)
		matches = c->kind->data_key ?
				  fa_pattern_matches_data(c->filters[i], record,
							  c->kind->data_key, data) :
				  fa_pattern_matches(c->filters[i], record);
	return matches;
}
