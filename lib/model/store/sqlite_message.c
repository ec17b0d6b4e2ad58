/* SPDX-License-Identifier: MIT */
/*
 * Messages and documents in SQLite: a row per message that nobody has taken or got yet.
 * Outgoing ones are fetched without a mark: who fetches them is one program, and removes
 * or delays all of them before it fetches again.
 */
#include <model/store/sqlite.h>

#include <string.h>

static void bind_one(struct fa_engine *e, const struct fa_message *m)
{
	sqlite3_stmt *stmt = e->sql[FA_SQL_SEND];

	fa_sqlite_bind_text(stmt, 1, m->address);
	sqlite3_bind_int(stmt, 2, m->outgoing);
	sqlite3_bind_int64(stmt, 3, m->due_ms);
	sqlite3_bind_int64(stmt, 4, m->sent_ms);
	sqlite3_bind_int(stmt, 5, (int)m->kind);
	fa_sqlite_bind_text(stmt, 6, m->source);
	fa_sqlite_bind_text(stmt, 7, m->attributes);
	fa_sqlite_bind_bytes(stmt, 8, m->body);
	fa_sqlite_bind_text(stmt, 9, m->trace);
	fa_sqlite_bind_text(stmt, 10, m->group);
	fa_sqlite_bind_text(stmt, 11, m->dedup);
}

/* A second one is accepted, and is the first: nothing is added. */
static enum fa_engine_code send_one(struct fa_engine *e, struct fa_message *m)
{
	enum fa_engine_code code;
	bool first = true;

	if (m->dedup.len) {
		code = fa_sqlite_dedup(e, m, &first);
		if (code || !first)
			return code;
	}
	bind_one(e, m);
	code = fa_sqlite_run(e, FA_SQL_SEND);
	if (code)
		return code;
	m->id = sqlite3_last_insert_rowid(e->db);
	e->next.sent++;
	e->next.lying++;
	return m->dedup.len ? fa_sqlite_dedup(e, m, &first) : FA_ENGINE_OK;
}

enum fa_engine_code fa_sqlite_send(struct fa_engine *e, struct fa_store_op *op)
{
	enum fa_engine_code code = FA_ENGINE_OK;

	for (int i = 0; i < op->message_count && !code; i++)
		code = send_one(e, &op->messages[i]);
	return code;
}

/* Columns as in FA_SQL_FETCH. */
struct fa_list *fa_sqlite_read_message(struct fa_engine *e, sqlite3_stmt *row, size_t *bytes)
{
	struct faas_bytes address = fa_sqlite_column(row, 1), source = fa_sqlite_column(row, 7),
			  attributes = fa_sqlite_column(row, 8), body = fa_sqlite_column(row, 9),
			  trace = fa_sqlite_column(row, 10), group = fa_sqlite_column(row, 11),
			  dedup = fa_sqlite_column(row, 12), from = fa_sqlite_column(row, 13);
	struct fa_fetched *f =
		fa_alloc_dirty(e->mem, sizeof(*f) + address.len + source.len + attributes.len +
					       body.len + trace.len + group.len + dedup.len +
					       from.len + 8);
	char *at;

	if (!f)
		return NULL;
	memset(f, 0, sizeof(*f));
	at = f->bytes;
	f->message.id = sqlite3_column_int64(row, 0);
	f->message.address = fa_sqlite_keep(&at, address);
	f->message.outgoing = sqlite3_column_int(row, 2);
	f->message.due_ms = sqlite3_column_int64(row, 3);
	f->message.sent_ms = sqlite3_column_int64(row, 4);
	f->message.tries = sqlite3_column_int(row, 5);
	f->message.kind = (enum fa_message_kind)sqlite3_column_int(row, 6);
	f->message.source = fa_sqlite_keep(&at, source);
	f->message.attributes = fa_sqlite_keep(&at, attributes);
	f->message.body = fa_sqlite_keep(&at, body);
	f->message.trace = fa_sqlite_keep(&at, trace);
	f->message.group = fa_sqlite_keep(&at, group);
	f->message.dedup = fa_sqlite_keep(&at, dedup);
	f->message.came_from = fa_sqlite_keep(&at, from);
	f->message.first_ms = sqlite3_column_int64(row, 14);
	*bytes += body.len;
	return &f->link;
}

static enum fa_engine_code fetch(struct fa_engine *e, struct fa_store_op *op)
{
	enum fa_engine_code code;

	sqlite3_bind_int64(e->sql[FA_SQL_FETCH], 1, op->now_ms);
	sqlite3_bind_int(e->sql[FA_SQL_FETCH], 2, op->max);
	code = fa_sqlite_collect(e, FA_SQL_FETCH, op, fa_sqlite_read_message);
	if (!code)
		code = fa_sqlite_ask(e, FA_SQL_NEXT_MESSAGE, &op->next_ms, 1);
	if (op->next_ms < 0)
		op->next_ms = INT64_MAX;
	return code;
}

static enum fa_engine_code delay(struct fa_engine *e, struct fa_store_op *op)
{
	sqlite3_bind_int64(e->sql[FA_SQL_DELAY], 1, op->message.due_ms);
	sqlite3_bind_int64(e->sql[FA_SQL_DELAY], 2, op->message.id);
	return fa_sqlite_run(e, FA_SQL_DELAY);
}

static struct fa_list *read_address(struct fa_engine *e, struct faas_bytes address)
{
	struct fa_fetched *f = fa_alloc(e->mem, sizeof(*f) + address.len + 1);
	char *at;

	if (!f)
		return NULL;
	at = f->bytes;
	f->message.address = fa_sqlite_keep(&at, address);
	return &f->link;
}

/* The first address is enough, for all that one operation frees is of one queue. */
void fa_sqlite_freed(struct fa_engine *e, struct fa_store_op *op, struct faas_bytes address)
{
	struct fa_list *link;

	if (!address.len || op->verb == FA_STORE_TAKE || !fa_list_empty(&op->claimed))
		return;
	link = read_address(e, address);
	if (link) /* else whoever waits for it finds it when it, or one before it, is due */
		fa_list_append(&op->claimed, link);
}

/* Who goes a second time is not counted a second time. */
enum fa_engine_code fa_sqlite_remove(struct fa_engine *e, struct fa_store_op *op, int64_t id)
{
	sqlite3_stmt *stmt = e->sql[FA_SQL_REMOVE];
	enum fa_engine_code code;
	int rc;

	sqlite3_bind_int64(stmt, 1, id);
	rc = sqlite3_step(stmt);
	op->count = rc == SQLITE_ROW;
	if (op->count) {
		fa_sqlite_freed(e, op, fa_sqlite_column(stmt, 0));
		rc = sqlite3_step(stmt);
	}
	code = fa_sqlite_judge(e, rc);
	sqlite3_reset(stmt);
	if (code || !op->count)
		return code;
	e->next.gone[op->gone]++;
	e->next.lying--;
	return FA_ENGINE_OK;
}

/* Who goes a second time is not followed by anybody. */
static enum fa_engine_code remove_one(struct fa_engine *e, struct fa_store_op *op)
{
	enum fa_engine_code code = fa_sqlite_remove(e, op, op->message.id);

	return code || !op->count ? code : fa_sqlite_send(e, op);
}

static enum fa_engine_code peek(struct fa_engine *e, struct fa_store_op *op)
{
	sqlite3_stmt *stmt = e->sql[FA_SQL_PEEK];

	fa_sqlite_bind_text(stmt, 1, op->message.address);
	sqlite3_bind_int64(stmt, 2, op->message.id);
	sqlite3_bind_int(stmt, 3, op->max);
	return fa_sqlite_collect(e, FA_SQL_PEEK, op, fa_sqlite_read_message);
}

static enum fa_engine_code move(struct fa_engine *e, struct fa_store_op *op)
{
	enum fa_sql which = op->to ? FA_SQL_MOVE : FA_SQL_RETURN;
	sqlite3_stmt *stmt = e->sql[which];
	enum fa_engine_code code;

	fa_sqlite_bind_text(stmt, 1, op->message.address);
	sqlite3_bind_int64(stmt, 2, op->now_ms);
	sqlite3_bind_int(stmt, 3, op->max);
	if (op->to) {
		fa_sqlite_bind_text(stmt, 4, op->to->address);
		sqlite3_bind_int(stmt, 5, op->to->outgoing);
	}
	code = fa_sqlite_run(e, which);
	op->count = sqlite3_changes(e->db);
	return code;
}

static enum fa_engine_code purge(struct fa_engine *e, struct faas_bytes address, int64_t *count)
{
	enum fa_engine_code code;

	fa_sqlite_bind_text(e->sql[FA_SQL_PURGE], 1, address);
	code = fa_sqlite_run(e, FA_SQL_PURGE);
	if (code)
		return code;
	*count = sqlite3_changes(e->db);
	e->next.gone[FA_STORE_DROPPED] += *count;
	e->next.lying -= *count;
	return FA_ENGINE_OK;
}

static enum fa_engine_code sum(struct fa_engine *e, struct fa_store_op *op)
{
	int64_t row[3];
	enum fa_engine_code code;

	fa_sqlite_bind_text(e->sql[FA_SQL_SUM], 1, op->message.address);
	sqlite3_bind_int64(e->sql[FA_SQL_SUM], 2, op->now_ms);
	code = fa_sqlite_ask(e, FA_SQL_SUM, row, 3);
	if (code)
		return code;
	op->sum.visible = row[0];
	op->sum.hidden = row[1] - row[0];
	op->sum.oldest_ms = row[2] < 0 ? INT64_MAX : row[2];
	return FA_ENGINE_OK;
}

/* ---- documents ------------------------------------------------------- */

static enum fa_engine_code keep(struct fa_engine *e, struct faas_bytes name, struct faas_bytes body)
{
	fa_sqlite_bind_text(e->sql[FA_SQL_KEEP], 1, name);
	fa_sqlite_bind_bytes(e->sql[FA_SQL_KEEP], 2, body);
	return fa_sqlite_run(e, FA_SQL_KEEP);
}

enum fa_engine_code fa_sqlite_forget(struct fa_engine *e, struct faas_bytes name)
{
	if (!name.len)
		return FA_ENGINE_OK;
	fa_sqlite_bind_text(e->sql[FA_SQL_FORGET], 1, name);
	return fa_sqlite_run(e, FA_SQL_FORGET);
}

static enum fa_engine_code empty(struct fa_engine *e, const struct fa_store_document *d)
{
	enum fa_engine_code code = FA_ENGINE_OK;
	int64_t count = 0;

	if (d->holds == FA_STORE_MESSAGES)
		code = purge(e, d->address, &count);
	else if (d->holds == FA_STORE_RECORDS)
		code = fa_sqlite_cut(e, d->address, &count);
	if (d->count)
		*d->count = count;
	return code;
}

static enum fa_engine_code change_one(struct fa_engine *e, const struct fa_store_document *d)
{
	enum fa_engine_code code;

	if (d->body.data)
		return keep(e, d->name, d->body);
	code = fa_sqlite_forget(e, d->name);
	return code ? code : empty(e, d);
}

static enum fa_engine_code change(struct fa_engine *e, const struct fa_store_op *op)
{
	enum fa_engine_code code = FA_ENGINE_OK;

	for (int i = 0; i < op->document_count && !code; i++)
		code = change_one(e, &op->documents[i]);
	return code;
}

static enum fa_engine_code keep_and_send(struct fa_engine *e, struct fa_store_op *op)
{
	enum fa_engine_code code = keep(e, op->message.address, op->message.body);

	return code ? code : fa_sqlite_send(e, op);
}

struct fa_list *fa_sqlite_read_document(struct fa_engine *e, sqlite3_stmt *row, size_t *bytes)
{
	struct faas_bytes name = fa_sqlite_column(row, 0), body = fa_sqlite_column(row, 1);
	struct fa_fetched *f = fa_alloc(e->mem, sizeof(*f) + name.len + body.len + 2);
	char *at;

	if (!f)
		return NULL;
	at = f->bytes;
	f->message.address = fa_sqlite_keep(&at, name);
	f->message.body = fa_sqlite_keep(&at, body);
	*bytes += body.len;
	return &f->link;
}

static enum fa_engine_code recall(struct fa_engine *e, struct fa_store_op *op)
{
	fa_sqlite_bind_text(e->sql[FA_SQL_RECALL], 1, op->message.address);
	sqlite3_bind_int(e->sql[FA_SQL_RECALL], 2, op->max);
	return fa_sqlite_collect(e, FA_SQL_RECALL, op, fa_sqlite_read_document);
}

enum fa_engine_code fa_sqlite_message(struct fa_engine *e, struct fa_store_op *op)
{
	switch (op->verb) {
	case FA_STORE_SEND:
		return fa_sqlite_send(e, op);
	case FA_STORE_FETCH:
		return fetch(e, op);
	case FA_STORE_DELAY:
		return delay(e, op);
	case FA_STORE_REMOVE:
		return remove_one(e, op);
	case FA_STORE_TAKE:
		return fa_sqlite_take(e, op);
	case FA_STORE_SETTLE:
		return fa_sqlite_settle(e, op);
	case FA_STORE_RETURN:
		return fa_sqlite_return(e, op);
	case FA_STORE_PEEK:
		return peek(e, op);
	case FA_STORE_MOVE:
		return move(e, op);
	case FA_STORE_SUM:
		return sum(e, op);
	case FA_STORE_ON_WAY:
		fa_sqlite_bind_text(e->sql[FA_SQL_ON_WAY], 1, op->message.source);
		return fa_sqlite_ask(e, FA_SQL_ON_WAY, &op->count, 1);
	case FA_STORE_KEEP:
		return keep_and_send(e, op);
	case FA_STORE_FORGET:
		return fa_sqlite_forget(e, op->message.address);
	case FA_STORE_CHANGE:
		return change(e, op);
	case FA_STORE_RECALL:
		return recall(e, op);
	case FA_STORE_KNOWN:
		return fa_sqlite_known(e, op);
	case FA_STORE_NOTE:
		return fa_sqlite_note(e, op);
	case FA_STORE_LIST:
		return fa_sqlite_list(e, op);
	default:
		return op->verb < FA_STORE_ITEM ? fa_sqlite_stream(e, op) : fa_sqlite_item(e, op);
	}
}
