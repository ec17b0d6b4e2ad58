/* SPDX-License-Identifier: MIT */
/*
 * What is said of queues, streams, tables and directories: kept in the model, and as documents in
 * the store. A kind of them is a row of the table.
 */
#include <faas/source.h>

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <base/error.h>
#include <base/text.h>
#include <messages.h>
#include <model/bucket.h>
#include <model/table.h>
#include <remember.h>

#define PAGE 64

union like {
	struct fa_queue queue;
	struct fa_stream stream;
	struct fa_table table;
	struct fa_bucket bucket;
};

static const struct kind {
	const char *scheme, *prefix;
	size_t all;                /* of struct fa_named in struct faas */
	size_t size;               /* of what is said of one */
	enum fa_store_held holds;
	int (*read)(union like *like, const char *name, const char *options,
		    struct faas_error *err);
	char *(*print)(const union like *like, const struct fa_mem *mem);
	void (*begin)(union like *like, int64_t unix_ms); /* a new one; or NULL */
	/* Whether it may become that, with what stays as it was; NULL: always. */
	int (*change)(const union like *old, union like *like, struct faas_error *err);
} kinds[];

/* ---- queues ------------------------------------------------------------ */

static int read_queue(union like *like, const char *name, const char *options,
		      struct faas_error *err)
{
	return fa_queue_read(&like->queue, name, options, err);
}

static char *print_queue(const union like *like, const struct fa_mem *mem)
{
	return fa_queue_print(&like->queue, mem);
}

/* ---- streams ----------------------------------------------------------- */

static int read_stream(union like *like, const char *name, const char *options,
		       struct faas_error *err)
{
	return fa_stream_read(&like->stream, name, options, err);
}

static char *print_stream(const union like *like, const struct fa_mem *mem)
{
	return fa_stream_print(&like->stream, mem);
}

/* Its records lie in the shards that it has. */
static int change_stream(const union like *old, union like *like, struct faas_error *err)
{
	if (old->stream.shards == like->stream.shards)
		return 0;
	return fa_error(err, FAAS_EEXIST, "stream:%s is there and has %d shards, which stay",
			old->stream.name, old->stream.shards);
}

/* ---- tables ------------------------------------------------------------ */

static int read_table(union like *like, const char *name, const char *options,
		      struct faas_error *err)
{
	return fa_table_read(&like->table, name, options, err);
}

static char *print_table(const union like *like, const struct fa_mem *mem)
{
	return fa_table_print(&like->table, mem);
}

static void begin_table(union like *like, int64_t unix_ms)
{
	struct fa_text label = FA_TEXT(like->table.label);

	fa_text_time(&label, unix_ms); /* cut before its "Z" */
}

/* Its items are known by their keys, and were told when they expire. */
static int change_table(const union like *old, union like *like, struct faas_error *err)
{
	const struct fa_table *was = &old->table;
	struct fa_table *is = &like->table;
	bool same = was->key_count == is->key_count && !strcmp(was->expires, is->expires);

	for (int i = 0; same && i < was->key_count; i++)
		same = was->keys[i].type == is->keys[i].type &&
		       !strcmp(was->keys[i].name, is->keys[i].name);
	memcpy(is->label, was->label, sizeof(is->label));
	return same ? 0 :
		      fa_error(err, FAAS_EEXIST,
			       "table:%s is there, and its keys and time to live stay as they are",
			       was->name);
}

/* ---- directories --------------------------------------------------------- */

static int read_bucket(union like *like, const char *name, const char *options,
		       struct faas_error *err)
{
	return fa_bucket_read(&like->bucket, name, options, err);
}

static char *print_bucket(const union like *like, const struct fa_mem *mem)
{
	return fa_bucket_print(&like->bucket, mem);
}

/* ---- the table of kinds --------------------------------------------------- */

enum { QUEUES, STREAMS, TABLES, BUCKETS, KINDS };

static const struct kind kinds[] = {
	[QUEUES] = { "queue:", ":queue:", offsetof(struct faas, queues),
		     sizeof(struct fa_queue), FA_STORE_MESSAGES, read_queue, print_queue, NULL, NULL },
	[STREAMS] = { "stream:", ":stream:", offsetof(struct faas, streams),
		      sizeof(struct fa_stream), FA_STORE_RECORDS, read_stream, print_stream, NULL,
		      change_stream },
	[TABLES] = { "table:", ":table:", offsetof(struct faas, tables),
		     sizeof(struct fa_table), FA_STORE_RECORDS, read_table, print_table,
		     begin_table, change_table },
	/* It keeps its files, and what is on its way to it goes there: that is the host's. */
	[BUCKETS] = { "dir:", ":directory:", offsetof(struct faas, buckets),
		      sizeof(struct fa_bucket), FA_STORE_NOTHING, read_bucket, print_bucket, NULL,
		      NULL },
};

/* ---- which one is meant ------------------------------------------------ */

/* Its address in the one form that it has here, its name in it, and what becomes of it. */
struct fa_resource {
	const struct kind *kind;
	const char *name;
	char text[FA_ADDRESS_MAX];
	void *draft;    /* NULL: it goes */
	bool was_there; /* then */
	int64_t held;   /* so much went with it */
};

static int find(struct fa_resource *meant, const char *text, struct faas_error *err)
{
	const char *name = text ? fa_stream_name(text) : NULL;
	char table[FA_TABLE_NAME_MAX + 1];
	struct fa_address address;

	*meant = (struct fa_resource){ .kind = &kinds[name ? STREAMS : QUEUES] };
	if (text && fa_table_name(table, text)) {
		meant->kind = &kinds[TABLES];
		name = table;
	} else if (!name) {
		if (fa_address_parse(&address, text, NULL) ||
		    (address.kind != FA_TO_QUEUE && address.kind != FA_TO_DIRECTORY))
			return fa_error(err, FAAS_EINVAL,
					"'%.80s' is no address: expected queue:NAME, stream:NAME, "
					"table:NAME or dir:/PATH",
					text ? text : "");
		name = address.name;
		if (address.kind == FA_TO_DIRECTORY)
			meant->kind = &kinds[BUCKETS];
	}
	snprintf(meant->text, sizeof(meant->text), "%s%s", meant->kind->scheme, name);
	meant->name = meant->text + strlen(meant->kind->scheme);
	return meant->kind == &kinds[BUCKETS] ? fa_bucket_check(meant->name, err) : 0;
}

static int enter(struct faas *rt, const char *text, struct fa_resource *meant,
		 struct faas_error *err)
{
	int rc;

	if (!rt)
		return fa_error(err, FAAS_EINVAL, "a runtime is required");
	rc = find(meant, text, err);
	return rc ? rc : fa_enter(rt, err);
}

static struct fa_named *all_of(struct faas *rt, const struct kind *kind)
{
	return (struct fa_named *)((char *)rt + kind->all);
}

void fa_resources_init(struct faas *rt)
{
	for (int i = 0; i < KINDS; i++)
		fa_named_init(all_of(rt, &kinds[i]), &rt->mem, kinds[i].size);
}

void fa_resources_finish(struct faas *rt)
{
	for (int i = 0; i < KINDS; i++)
		fa_named_finish(all_of(rt, &kinds[i]));
}

/* ---- as a family ---------------------------------------------------------- */

/* Without a state_dir nobody reads it, but what it holds lies in the store. */
static int write_resource(struct faas *rt, struct fa_pages *pages, struct faas_error *err)
{
	struct fa_resource *r = rt->resource;
	char name[FA_DOCUMENT_NAME], *text = NULL;
	struct fa_store_document *page;

	if (!r || (r->draft && !rt->durable.lasts))
		return 0;
	if (r->draft)
		text = r->kind->print(r->draft, &rt->mem);
	snprintf(name, sizeof(name), "%s%.*s", r->kind->prefix, FA_TABLE_NAME_MAX, r->name);
	page = r->draft && !text ? NULL : fa_pages_add(pages, name, text);
	if (!page)
		return fa_error_nomem(err);
	if (!r->draft) {
		page->holds = r->kind->holds;
		page->address = (struct faas_bytes){ r->text, strlen(r->text) };
		page->count = &r->held;
	}
	return 0;
}

static void settle_resource(struct faas *rt, int rc)
{
	struct fa_resource *r = rt->resource;

	rt->resource = NULL;
	if (!r)
		return;
	if (rc)
		fa_named_discard(r->draft);
	else if (r->draft)
		fa_named_adopt(all_of(rt, r->kind), r->draft);
	else
		r->was_there = fa_named_remove(all_of(rt, r->kind), r->name);
}

const struct fa_family fa_resource_family = { write_resource, settle_resource };

/* ---- the doors ------------------------------------------------------------ */

/* In a change. */
static int create(struct faas *rt, struct fa_resource *r, const char *options,
		  struct faas_error *err)
{
	struct fa_named *all = all_of(rt, r->kind);
	union like like, old;
	int rc = r->kind->read(&like, r->name, options, err);
	bool there = !rc && fa_named_get(all, r->name, &old);

	if (there && r->kind->change)
		rc = r->kind->change(&old, &like, err);
	if (rc)
		return rc;
	if (!there && r->kind->begin)
		r->kind->begin(&like, rt->clock->unix_ms(rt->clock));
	r->draft = fa_named_draft(all, &like);
	rt->resource = r;
	return r->draft ? 0 : fa_error_nomem(err);
}

int faas_resource_create(struct faas *rt, const char *text, const char *options,
			 struct faas_error *err)
{
	struct fa_resource r;
	int rc = enter(rt, text, &r, err);

	if (rc)
		return rc;
	rc = fa_change_prepare(rt, err);
	if (!rc) {
		rc = create(rt, &r, options, err);
		rc = fa_change_close(rt, rc, err);
	}
	fa_leave(rt);
	return rc;
}

int faas_resource_delete(struct faas *rt, const char *text, struct faas_error *err)
{
	struct fa_resource r;
	int rc = enter(rt, text, &r, err);

	if (rc)
		return rc;
	rc = fa_change_prepare(rt, err);
	if (!rc) {
		rt->resource = &r;
		rc = fa_change_close(rt, 0, err);
	}
	if (!rc && !r.was_there && !r.held)
		rc = fa_error(err, FAAS_ENOTFOUND, "there is no %s", r.text);
	fa_leave(rt);
	return rc;
}

/* ---- after a restart ------------------------------------------------------ */

static int recall(struct faas *rt, const struct fa_message *m, struct faas_error *err)
{
	const char *document = m->address.data;
	const struct kind *kind = kinds;
	union like like;
	int rc;

	while (strncmp(document, kind->prefix, strlen(kind->prefix)) != 0)
		kind++;
	rc = kind->read(&like, document + strlen(kind->prefix), m->body.data, err);
	return rc ? rc : fa_named_set(all_of(rt, kind), &like) ? fa_error_nomem(err) : 0;
}

int fa_resources_recall(struct faas *rt, struct faas_error *err)
{
	int rc = 0;

	for (int i = 0; i < KINDS && !rc; i++)
		rc = fa_documents_read(rt, kinds[i].prefix, recall, err);
	return rc;
}

int fa_documents_read(struct faas *rt, const char *prefix,
		      int (*each)(struct faas *rt, const struct fa_message *document,
				  struct faas_error *err),
		      struct faas_error *err)
{
	struct fa_store_op op = { .verb = FA_STORE_RECALL, .max = PAGE };
	struct faas_error own = { 0 };
	char name[FA_DOCUMENT_NAME];
	struct fa_list *pos;
	bool more = true;
	int rc = 0;

	if (!rt->durable.lasts)
		return 0;
	err = err ? err : &own;
	snprintf(name, sizeof(name), "%s", prefix);
	while (!rc && more) {
		op.message.address = (struct faas_bytes){ name, strlen(name) };
		if (fa_store_perform(rt->durable.store, &op) != FA_STORE_DONE)
			return fa_error(err, FAAS_ESYSTEM, "the state_dir cannot be read");
		more = !fa_list_empty(&op.claimed);
		while ((pos = fa_list_pop(&op.claimed))) {
			struct fa_fetched *f = fa_container(pos, struct fa_fetched, link);

			snprintf(name, sizeof(name), "%s", (const char *)f->message.address.data);
			more = more && !strncmp(name, prefix, strlen(prefix));
			if (more && !rc)
				rc = each(rt, &f->message, err);
			fa_free(f);
		}
	}
	return rc;
}
