/* SPDX-License-Identifier: MIT */
/*
 * Mappings that are open lie in buckets by their source, so that a message is shown to those
 * of its topic and to few others, and so that opening one cannot fail: a mapping that was
 * answered for misses nothing. What they send is written one after the other into the room of
 * the loop, and copied.
 */
#include <source/fan.h>

#include <string.h>

#include <base/error.h>
#include <base/json.h>
#include <base/text.h>

#define EXPLAIN_MAX 4096

/* ---- who is there ------------------------------------------------------ */

static struct fa_list *bucket_of(struct fa_sources *all, const char *address)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (; *address; address++)
		hash = (hash ^ (unsigned char)*address) * 16777619u;
	return &all->fans[hash % FA_FAN_BUCKETS];
}

void fa_fan_init(struct fa_sources *all)
{
	for (int i = 0; i < FA_FAN_BUCKETS; i++)
		fa_list_init(&all->fans[i]);
}

int fa_fan_open(struct faas_source *source, const char *address, void **state,
		struct faas_error *err)
{
	(void)err;
	fa_list_append(bucket_of(source->mapping->all, address), &source->fan);
	*state = source;
	return 0;
}

/* Messages come when there are any. */
void fa_fan_want(void *state, int n)
{
	(void)state;
	(void)n;
}

void fa_fan_settle(void *state, const struct faas_settled *settled, int count)
{
	(void)state;
	(void)settled;
	(void)count;
}

void fa_fan_close(void *state)
{
	struct faas_source *source = state;

	fa_list_remove(&source->fan);
}

/* ---- what goes on -------------------------------------------------------- */

void fa_onward_free(struct fa_onward *onward)
{
	for (int i = 0; i < onward->count; i++)
		fa_free((void *)onward->messages[i].body.data);
	fa_free(onward->messages);
	*onward = (struct fa_onward){ .count = 0 };
}

static struct fa_message *add_message(struct fa_onward *o, const struct fa_mem *mem)
{
	struct fa_message *more;
	int room;

	if (o->count < o->room)
		return &o->messages[o->count];
	room = o->room ? o->room * 2 : 4;
	more = fa_alloc(mem, (size_t)room * sizeof(*more));
	if (!more)
		return NULL;
	if (o->count)
		memcpy(more, o->messages, (size_t)o->count * sizeof(*more));
	fa_free(o->messages);
	o->messages = more;
	o->room = room;
	return &o->messages[o->count];
}

static void keep(char **at, struct faas_bytes *bytes)
{
	if (bytes->len)
		memcpy(*at, bytes->data, bytes->len);
	bytes->data = *at;
	*at += bytes->len;
}

/* Its bytes are copied, the body first. */
static int add(struct fa_onward *o, const struct fa_mem *mem, const struct fa_message *from)
{
	struct fa_message *m = add_message(o, mem);
	char *at;

	if (!m)
		return FAAS_ENOMEM;
	at = fa_alloc_dirty(mem, from->body.len + from->address.len + from->source.len +
					 from->attributes.len + from->trace.len + 1);
	if (!at)
		return FAAS_ENOMEM;
	*m = *from;
	keep(&at, &m->body);
	keep(&at, &m->address);
	keep(&at, &m->source);
	keep(&at, &m->attributes);
	keep(&at, &m->trace);
	o->count++;
	return 0;
}

/* ---- dead letters ----------------------------------------------------------- */

void fa_fan_attribute(struct fa_text *out, const char *name, const char *type, const char *value)
{
	fa_text_add(out, out->len > 1 ? ",\"" : "\"");
	fa_text_add(out, name);
	fa_text_add(out, "\":{\"StringValue\":\"");
	fa_text_json(out, value, strlen(value));
	fa_text_add(out, "\",\"DataType\":\"");
	fa_text_add(out, type);
	fa_text_add(out, "\"}");
}

static void count_dead(struct fa_mapping *m, bool told)
{
	fa_mapping_metric(
		m, told ? "OnFailureDestinationDeliveredEventCount" : "DroppedEventCount", 1);
}

/* That of a function can be moved back to it. */
static int write_dead_letter(struct fa_mapping *mapping, const struct fa_message *m,
			     const char *exhausted, const struct faas_error *why,
			     struct fa_onward *onward)
{
	const struct fa_push *p = mapping->config->push;
	struct fa_message out = *m;
	struct fa_address to;
	char space[EXPLAIN_MAX];
	struct fa_text text = FA_TEXT(space);

	if (fa_address_parse(&to, p->dead_letter, NULL))
		return 0;
	fa_text_add(&text, "{");
	mapping->config->kind->fan->explain(&text, mapping, m, exhausted, why);
	fa_text_add(&text, "}");
	out.address = fa_bytes_of(to.text);
	out.outgoing = to.kind != FA_TO_QUEUE;
	out.kind = FA_MESSAGE_PLAIN;
	if (!strncmp(m->address.data, "function:", 9)) {
		out.kind = FA_MESSAGE_DEAD_LETTER;
		out.source = fa_bytes_of((const char *)m->address.data + 9);
	}
	out.attributes = (struct faas_bytes){ text.data, text.len };
	out.sent_ms = out.due_ms = mapping->all->rt->clock->unix_ms(mapping->all->rt->clock);
	return add(onward, &mapping->all->rt->mem, &out);
}

/* ---- to each of them ------------------------------------------------------- */

/* What cannot be shown as JSON is not what a filter is for. */
static bool passes(const struct fa_mapping *m, const struct fa_message *message,
		   struct fa_text *room)
{
	const struct fa_mapping_config *c = m->config;
	bool matches = !c->filter_count;
	struct fa_json shown;

	if (matches)
		return true;
	room->len = 0;
	c->kind->fan->show(room, m, message);
	if (room->cut || !fa_json_read(room->data, room->len, &shown))
		return false;
	for (int i = 0; i < c->filter_count && !matches; i++)
		matches = fa_pattern_matches(c->filters[i], shown);
	return matches;
}

/* What its target would get is longer than anything can be. */
static int push_dead(struct fa_mapping *m, const struct fa_message *message,
		     struct fa_message *out, struct fa_onward *o)
{
	struct faas_error why = { 0 };
	int before = o->count, rc;

	fa_error(&why, FAAS_ETOOLARGE, "what is made of it is too large for its target");
	out->body = message->body;
	rc = write_dead_letter(m, out, NULL, &why, o);
	if (!rc)
		count_dead(m, o->count > before);
	return rc;
}

static int push(struct fa_mapping *m, const struct fa_message *message, struct fa_text *room,
		struct fa_onward *o)
{
	const struct fa_mapping_config *c = m->config;
	const struct fa_mem *mem = &m->all->rt->mem;
	char arn[FA_ADDRESS_ARN + 40];
	struct fa_message out = { .sent_ms = message->sent_ms,
				  .due_ms = m->all->rt->clock->unix_ms(m->all->rt->clock),
				  .kind = FA_MESSAGE_PUSHED,
				  .outgoing = c->push->target.kind != FA_TO_QUEUE,
				  .address = fa_bytes_of(c->push->target.text),
				  .attributes = { "{}", 2 },
				  .trace = message->trace };

	room->len = 0;
	room->cut = false;
	c->kind->fan->write(room, m, message);
	if (c->kind->fan->attributes)
		out.attributes = c->kind->fan->attributes(m, message);
	c->kind->fan->arn(arn, m);
	out.source = fa_bytes_of(arn);
	out.body = (struct faas_bytes){ room->data, room->len };
	return room->cut ? push_dead(m, message, &out, o) : add(o, mem, &out);
}

static int offer(struct fa_mapping *m, const struct fa_message *message, struct fa_onward *o)
{
	struct fa_text room = fa_event_room(m->all);

	if (!room.data)
		return FAAS_ENOMEM;
	fa_mapping_metric(m, "PolledEventCount", 1);
	if (!passes(m, message, &room)) {
		fa_mapping_metric(m, "FilteredOutEventCount", 1);
		return 0;
	}
	fa_mapping_metric(m, "InvokedEventCount", 1);
	return push(m, message, &room, o);
}

int fa_sources_fan(struct faas *rt, const struct fa_message *message, struct fa_onward *onward)
{
	struct fa_sources *all = rt->sources;
	struct fa_list *pos, *bucket = bucket_of(all, message->address.data);
	int rc = all->closing ? FAAS_ECANCELED : 0;

	*onward = (struct fa_onward){ .count = 0 };
	fa_list_for(pos, bucket) {
		struct faas_source *source = fa_container(pos, struct faas_source, fan);

		if (rc)
			break;
		if (!strcmp(source->mapping->config->source, message->address.data))
			rc = offer(source->mapping, message, onward);
	}
	if (rc)
		fa_onward_free(onward);
	return rc;
}

/* ---- where the target cannot be reached -------------------------------------- */

/* By the ARN that its messages carry. [locked] */
static struct fa_mapping *find(struct fa_sources *all, const struct fa_message *m)
{
	const char *source = m->source.data;

	return m->source.len < 36 ? NULL
				  : fa_map_get(&all->mappings, source + m->source.len - 36, 36);
}

/* A queue has what it was sent. */
bool fa_fan_has_sent(struct faas *rt, const char *arn)
{
	struct fa_store_op op = { .verb = FA_STORE_ON_WAY, .message.source = fa_bytes_of(arn) };

	return *arn && (fa_store_perform(rt->durable.store, &op) != FA_STORE_DONE || op.count);
}

void fa_sources_pushed(struct faas *rt, const struct fa_message *m)
{
	struct fa_mapping *mapping;

	pthread_mutex_lock(&rt->sources->lock);
	mapping = find(rt->sources, m);
	pthread_mutex_unlock(&rt->sources->lock);
	if (mapping && !mapping->config->enabled)
		fa_mapping_retire(mapping);
}

/* Why there is no other attempt at that time; NULL: there is one. */
static const char *exhausted(const struct fa_push *p, const struct fa_message *m, int64_t again_ms)
{
	if (again_ms - m->sent_ms > p->age_ms)
		return "MaximumEventAgeInSeconds";
	return m->tries >= p->retries ? "MaximumRetryAttempts" : NULL;
}

bool fa_sources_give_up(struct faas *rt, const struct fa_message *m, int64_t again_ms,
			const struct faas_error *why, struct fa_onward *onward)
{
	struct fa_sources *all = rt->sources;
	bool in_vain = again_ms == INT64_MAX;
	struct fa_mapping *mapping;
	const char *reason;

	pthread_mutex_lock(&all->lock);
	mapping = find(all, m);
	pthread_mutex_unlock(&all->lock);
	if (!mapping || !mapping->config->push) /* nobody is left to say how long */
		return in_vain || again_ms - m->sent_ms > FA_PUSH_AGE_MS;
	reason = in_vain ? NULL : exhausted(mapping->config->push, m, again_ms);
	if (!in_vain && !reason)
		return false;
	if (write_dead_letter(mapping, m, reason, why, onward))
		return false; /* for want of memory: later, then */
	count_dead(mapping, onward->count);
	return true;
}
