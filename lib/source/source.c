/* SPDX-License-Identifier: MIT */
/*
 * What there is one of: the kinds of source, and the door by which a runtime closes them.
 * First nothing is taken any more; it has ended when every source is closed.
 */
#include <source/fan.h>
#include <source/mapping.h>

#include <stddef.h>
#include <string.h>

#include <base/error.h>
#include <base/options.h>
#include <messages.h>
#include <source/table.h>

#define UNSETTLED_MS (6 * 3600000) /* how long a host's message may wait for a throttle to end */

static const struct fa_source_kind *const built_in[] = { &fa_queue_source, &fa_schedule_source,
							 &fa_topic_source, &fa_bus_source,
							 &fa_directory_source, &fa_stream_source,
							 &fa_table_source };

#define BUILT_IN (sizeof(built_in) / sizeof(*built_in))

/* ---- kinds ------------------------------------------------------------ */

static const struct fa_source_kind *find(struct fa_sources *all, const char *scheme, size_t len)
{
	struct fa_list *pos;

	for (size_t i = 0; i < BUILT_IN; i++)
		if (strlen(built_in[i]->impl.scheme) == len &&
		    !memcmp(built_in[i]->impl.scheme, scheme, len))
			return built_in[i];
	fa_list_for(pos, &all->kinds) {
		const struct fa_source_kind *kind = fa_container(pos, struct fa_source_kind, link);

		if (strlen(kind->scheme) == len && !memcmp(kind->scheme, scheme, len))
			return kind;
	}
	return NULL;
}

const struct fa_source_kind *fa_source_find(struct fa_sources *all, const char *address)
{
	size_t len = strcspn(address, ":");
	const struct fa_source_kind *kind = NULL;

	if (!address[len])
		return NULL;
	pthread_mutex_lock(&all->lock);
	kind = find(all, address, len);
	pthread_mutex_unlock(&all->lock);
	return kind;
}

static bool is_scheme(const char *text)
{
	size_t len = text ? strlen(text) : 0;

	return len >= 1 && len <= 15 && text[0] >= 'a' && text[0] <= 'z' &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789") == len;
}

static bool is_taken(struct fa_sources *all, const char *scheme)
{
	static const char *const others[] = { "function", "callback", "arn" };

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (!strcmp(others[i], scheme))
			return true;
	return find(all, scheme, strlen(scheme)) != NULL;
}

static int add_kind(struct fa_sources *all, const struct faas_source_impl *impl,
		    struct faas_error *err)
{
	struct fa_source_kind *kind = fa_alloc(&all->rt->mem, sizeof(*kind));
	int rc = 0;

	if (!kind)
		return fa_error_nomem(err);
	kind->impl = *impl;
	memcpy(kind->scheme, impl->scheme, strlen(impl->scheme));
	kind->impl.scheme = kind->scheme;
	kind->name = kind->service = kind->scheme;
	kind->data_key = "body";
	kind->batch_size = 10;
	kind->batch_most = 10000;
	pthread_mutex_lock(&all->lock);
	if (is_taken(all, kind->scheme))
		rc = fa_error(err, FAAS_EEXIST, "the scheme '%s' is taken", kind->scheme);
	else
		fa_list_append(&all->kinds, &kind->link);
	pthread_mutex_unlock(&all->lock);
	if (rc)
		fa_free(kind);
	return rc;
}

int faas_source_register(struct faas *rt, const struct faas_source_impl *impl,
			 struct faas_error *err)
{
	struct faas_source_impl i;
	int rc;

	if (!rt)
		return fa_error(err, FAAS_EINVAL, "a runtime is required");
	rc = fa_options_copy(&i, sizeof(i), impl, "struct faas_source_impl", err);
	if (rc)
		return rc;
	if (!is_scheme(i.scheme) || !i.open || !i.want || !i.settle || !i.close)
		return fa_error(err, FAAS_EINVAL,
				"a source needs open, want, settle, close, and a scheme of 1 to 15 "
				"letters and digits: [a-z][a-z0-9]*");
	rc = fa_enter(rt, err);
	if (rc)
		return rc;
	rc = add_kind(rt->sources, &i, err);
	fa_leave(rt);
	return rc;
}

/* ---- messages of a host's source ------------------------------------------ */

static struct faas_bytes keep(char **at, struct faas_bytes bytes)
{
	struct faas_bytes copy = { *at, bytes.len };

	if (bytes.len)
		memcpy(*at, bytes.data, bytes.len);
	(*at)[bytes.len] = '\0';
	*at += bytes.len + 1;
	return copy;
}

static struct faas_bytes bytes_of(const char *text, const char *otherwise)
{
	text = text ? text : otherwise;
	return (struct faas_bytes){ text, strlen(text) };
}

int faas_source_deliver(struct faas_source *source, const struct faas_message *message)
{
	struct faas *rt = source->mapping->all->rt;
	int64_t now_ms = rt->clock->unix_ms(rt->clock);
	struct faas_bytes attributes, group;
	struct faas_message m;
	struct fa_fetched *f;
	struct fa_list one;
	char *at;

	if (fa_options_copy(&m, sizeof(m), message, "FAAS_MESSAGE", NULL) || source->wanted <= 0)
		return FAAS_EINVAL;
	attributes = bytes_of(m.attributes, "{}");
	group = bytes_of(m.group, "");
	f = fa_alloc_dirty(&rt->mem, sizeof(*f) + attributes.len + group.len + m.body.len + 3);
	if (!f)
		return FAAS_ENOMEM;
	memset(f, 0, sizeof(*f));
	at = f->bytes;
	f->message.id = m.id;
	f->message.sent_ms = m.sent_ms ? m.sent_ms : now_ms;
	f->message.first_ms = now_ms;
	f->message.due_ms = now_ms + UNSETTLED_MS;
	f->message.tries = m.tries + 1;
	f->message.attributes = keep(&at, attributes);
	f->message.group = keep(&at, group);
	f->message.body = keep(&at, m.body);
	fa_list_init(&one);
	fa_list_append(&one, &f->link);
	fa_source_arrive(source, &one);
	return 0;
}

/* ---- the door --------------------------------------------------------------- */

void fa_source_closed(struct fa_sources *all)
{
	all->open--;
	if (!all->closing || all->open)
		return;
	all->door.ended = true;
	fa_check_closed(all->rt);
}

static void close_door(struct fa_door *door, bool hurry)
{
	struct fa_sources *all = fa_container(door, struct fa_sources, door);

	(void)hurry; /* what still runs is called off by the runtime */
	all->closing = true;
	fa_mappings_stop(all);
	fa_expiry_stop(all);
	door->ended = !all->open;
}

/* All of it is freed with the runtime: a control operation may be inside until then. */
static void leave_door(struct fa_door *door)
{
	(void)door;
}

int fa_sources_create(struct faas *rt)
{
	struct fa_sources *all = fa_alloc(&rt->mem, sizeof(*all));

	if (!all)
		return FAAS_ENOMEM;
	all->rt = rt;
	if (fa_expiry_create(all)) {
		fa_free(all);
		return FAAS_ENOMEM;
	}
	all->door.close = close_door;
	all->door.free = leave_door;
	pthread_mutex_init(&all->lock, NULL);
	fa_map_init(&all->mappings, &rt->mem);
	fa_map_init(&all->spots, &rt->mem);
	fa_list_init(&all->kinds);
	fa_mappings_init(all);
	fa_fan_init(all);
	fa_list_append(&rt->doors, &all->door.link);
	rt->sources = all;
	return 0;
}

static void free_kinds(struct fa_sources *all)
{
	struct fa_list *pos;

	while ((pos = fa_list_pop(&all->kinds)))
		fa_free(fa_container(pos, struct fa_source_kind, link));
}

void fa_sources_free(struct faas *rt)
{
	struct fa_sources *all = rt->sources;
	struct fa_mapping *m;
	uint32_t pos = 0;

	if (!all)
		return;
	while ((m = fa_map_next(&all->mappings, &pos)))
		fa_mapping_free(m);
	fa_map_finish(&all->mappings);
	fa_spots_free(all);
	free_kinds(all);
	pthread_mutex_destroy(&all->lock);
	fa_free(all->expiry);
	fa_free(all->room);
	fa_free(all);
}
