/* SPDX-License-Identifier: MIT */
/*
 * The doors to the items of tables. Whoever writes one reads what is there, judges his
 * condition by it, and writes if it is still the same; who was overtaken begins again, and
 * somebody has got further then.
 */
#include <source/table.h>

#include <string.h>

#include <base/error.h>
#include <messages.h>
#include <source/pattern.h>

#define RETENTION_MS (FA_TABLE_RETENTION_H * INT64_C(3600000))
#define FORGOTTEN_S (5 * 365 * INT64_C(86400)) /* so long ago means never, as in DynamoDB */

int fa_item_write_init(struct fa_item_write *w, struct faas *rt, const struct fa_change *change)
{
	struct fa_message *r = &w->record;

	w->op.verb = FA_STORE_WRITE;
	if (!change->table || change->table->view == FA_VIEW_NONE)
		return 0;
	r->body = fa_change_write(change, &rt->mem);
	if (!r->body.data)
		return FAAS_ENOMEM;
	r->address = w->op.message.address;
	r->group = w->op.message.group;
	r->sent_ms = rt->clock->unix_ms(rt->clock);
	r->shard = fa_stream_shard(FA_TABLE_SHARDS, r->group.data, r->group.len, &r->hash);
	w->op.messages = r;
	w->op.message_count = 1;
	w->op.take.since_ms = r->sent_ms - RETENTION_MS;
	return 0;
}

void fa_item_write_finish(struct fa_item_write *w)
{
	fa_free((void *)w->record.body.data);
}

/* ---- one call --------------------------------------------------------------- */

struct visit {
	struct faas *rt;
	struct fa_table table;
	struct fa_item item;
	char address[FA_ADDRESS_MAX];
	struct fa_pattern *condition; /* NULL: none */
	struct fa_fetched *there;     /* NULL: no item is */
	char *old;                    /* a copy of it */
};

static int find_table(struct visit *v, const char *text, struct faas_error *err)
{
	char name[FA_TABLE_NAME_MAX + 1];
	struct fa_text address = FA_TEXT(v->address);

	if (!text || !fa_table_name(name, text))
		return fa_error(err, FAAS_EINVAL, "'%.80s' is no table: expected table:NAME",
				text ? text : "");
	fa_text_add(&address, "table:");
	fa_text_add(&address, name);
	if (fa_named_get(&v->rt->tables, name, &v->table))
		return 0;
	return fa_error(err, FAAS_ENOTFOUND, "Requested resource not found: there is no %s",
			v->address);
}

/* Enter the runtime with all that was given; then leave(). */
static int enter(struct visit *v, struct faas *rt, const char *table, const char *text,
		 bool whole, const char *condition, struct faas_error *err)
{
	int rc = rt ? fa_enter(rt, err) : fa_error(err, FAAS_EINVAL, "a runtime is required");

	if (rc)
		return rc;
	*v = (struct visit){ .rt = rt };
	rc = find_table(v, table, err);
	if (!rc)
		rc = whole ? fa_item_read(&v->item, &v->table, text, err) :
			     fa_item_read_key(&v->item, &v->table, text, err);
	if (!rc && condition) {
		v->condition = fa_pattern_create(&rt->mem, condition, err);
		rc = v->condition ? 0 : err && err->code ? err->code : FAAS_EINVAL;
	}
	if (rc)
		fa_leave(rt);
	return rc;
}

static void leave(struct visit *v)
{
	fa_pattern_destroy(v->condition);
	fa_free(v->there);
	fa_free(v->old);
	fa_leave(v->rt);
}

static void name_item(const struct visit *v, struct fa_message *m)
{
	m->address = (struct faas_bytes){ v->address, strlen(v->address) };
	m->group = (struct faas_bytes){ v->item.key.hash, v->item.key.hash_len };
	m->dedup = (struct faas_bytes){ v->item.key.range, v->item.key.range_len };
}

static int look(struct visit *v, struct faas_error *err)
{
	struct fa_store_op op = { .verb = FA_STORE_ITEM };
	struct fa_list *pos;
	int rc;

	fa_free(v->there);
	fa_free(v->old);
	v->there = NULL;
	v->old = NULL;
	name_item(v, &op.message);
	rc = fa_messages_perform(v->rt, &op, err);
	pos = rc ? NULL : fa_list_pop(&op.claimed);
	if (!pos)
		return rc;
	v->there = fa_container(pos, struct fa_fetched, link);
	v->old = fa_memdup(&v->rt->mem, v->there->message.body.data, v->there->message.body.len);
	return v->old ? 0 : fa_error_nomem(err);
}

static struct fa_json old_json(const struct visit *v)
{
	return (struct fa_json){ v->old, v->old ? v->there->message.body.len : 0 };
}

static int judge(const struct visit *v, struct faas_error *err)
{
	struct fa_json none = { "{}", 2 };

	if (!v->condition || fa_pattern_matches(v->condition, v->old ? old_json(v) : none))
		return 0;
	return fa_error_typed(err, FAAS_EPRECONDITION, "ConditionalCheckFailedException",
			      "The conditional request failed");
}

static int64_t due_ms(const struct visit *v)
{
	int64_t s = v->item.expires_s;

	return s > v->rt->clock->unix_ms(v->rt->clock) / 1000 - FORGOTTEN_S ? s * 1000 : INT64_MAX;
}

/* `to` .text NULL: it goes. *written: nobody was faster. */
static int write_it(struct visit *v, struct fa_json to, bool *written, struct faas_error *err)
{
	struct fa_item_write w = { .record = { 0 } };
	struct fa_message *m = &w.op.message;
	int rc;

	name_item(v, m);
	m->id = v->there ? v->there->message.id : 0;
	m->due_ms = due_ms(v);
	m->body = (struct faas_bytes){ to.text, to.len };
	if (fa_item_write_init(&w, v->rt,
			       &(struct fa_change){ .table = &v->table, .from = old_json(v),
						    .to = to }))
		return fa_error_nomem(err);
	rc = fa_messages_perform(v->rt, &w.op, err);
	*written = w.op.count;
	fa_item_write_finish(&w);
	if (!rc && *written && to.text && m->due_ms != INT64_MAX)
		fa_expiry_at(v->rt->sources, m->due_ms);
	return rc;
}

static bool is_there(const struct visit *v, struct fa_json to)
{
	struct fa_json old = old_json(v);

	return old.len == to.len && (!to.len || !memcmp(old.text, to.text, to.len));
}

/* What is as it is to be is not written once more, and nobody is told. */
static int change(struct visit *v, struct fa_json to, char **old, struct faas_error *err)
{
	bool written = false;
	int rc = 0;

	while (!rc && !written) {
		rc = look(v, err);
		if (!rc)
			rc = judge(v, err);
		if (!rc && is_there(v, to))
			written = true;
		else if (!rc)
			rc = write_it(v, to, &written, err);
	}
	if (!rc && old) {
		*old = v->old;
		v->old = NULL;
	}
	return rc;
}

/* ---- the doors --------------------------------------------------------------- */

int faas_item_put(struct faas *rt, const char *table, const char *item, const char *condition,
		  char **old, struct faas_error *err)
{
	struct faas_error own = { 0 };
	struct visit v;
	int rc = enter(&v, rt, table, item, true, condition, err ? err : &own);

	if (rc)
		return rc;
	rc = change(&v, v.item.json, old, err);
	leave(&v);
	return rc;
}

int faas_item_delete(struct faas *rt, const char *table, const char *key, const char *condition,
		     char **old, struct faas_error *err)
{
	struct faas_error own = { 0 };
	struct visit v;
	int rc = enter(&v, rt, table, key, false, condition, err ? err : &own);

	if (rc)
		return rc;
	rc = change(&v, (struct fa_json){ NULL, 0 }, old, err);
	leave(&v);
	return rc;
}

int faas_item_get(struct faas *rt, const char *table, const char *key, char **item,
		  struct faas_error *err)
{
	struct faas_error own = { 0 };
	struct visit v;
	int rc;

	if (!item)
		return fa_error(err, FAAS_EINVAL, "a place for the item is required");
	rc = enter(&v, rt, table, key, false, NULL, err ? err : &own);
	if (rc)
		return rc;
	rc = look(&v, err);
	if (!rc) {
		*item = v.old;
		v.old = NULL;
	}
	leave(&v);
	return rc;
}
