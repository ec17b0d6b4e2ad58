/* SPDX-License-Identifier: MIT */
/*
 * Items of tables. A write is of the revision that its writer saw, so nobody holds a lock while
 * he thinks about it: who was overtaken looks again. A revision is a row of its own, for then
 * none is ever there twice.
 */
#include <model/store/sqlite.h>

#include <string.h>

static struct fa_list *read_item(struct fa_engine *e, sqlite3_stmt *row, size_t *bytes)
{
	struct faas_bytes address = fa_sqlite_column(row, 1), hash = fa_sqlite_column(row, 2),
			  range = fa_sqlite_column(row, 3), body = fa_sqlite_column(row, 5);
	struct fa_fetched *f = fa_alloc_dirty(e->mem, sizeof(*f) + address.len + hash.len +
							      range.len + body.len + 4);
	char *at;

	if (!f)
		return NULL;
	memset(f, 0, sizeof(*f));
	at = f->bytes;
	f->message.id = sqlite3_column_int64(row, 0);
	f->message.address = fa_sqlite_keep(&at, address);
	f->message.group = fa_sqlite_keep(&at, hash);
	f->message.dedup = fa_sqlite_keep(&at, range);
	f->message.due_ms = sqlite3_column_type(row, 4) == SQLITE_NULL ?
				    INT64_MAX : sqlite3_column_int64(row, 4);
	f->message.body = fa_sqlite_keep(&at, body);
	*bytes += body.len + sizeof(*f);
	return &f->link;
}

static sqlite3_stmt *bind_key(struct fa_engine *e, enum fa_sql which, const struct fa_message *m)
{
	fa_sqlite_bind_text(e->sql[which], 1, m->address);
	fa_sqlite_bind_bytes(e->sql[which], 2, m->group);
	fa_sqlite_bind_bytes(e->sql[which], 3, m->dedup);
	return e->sql[which];
}

static enum fa_engine_code find_item(struct fa_engine *e, struct fa_store_op *op)
{
	bind_key(e, FA_SQL_ITEM, &op->message);
	return fa_sqlite_collect(e, FA_SQL_ITEM, op, read_item);
}

static enum fa_engine_code remove_old(struct fa_engine *e, struct fa_store_op *op)
{
	enum fa_engine_code code;

	if (!op->message.id) {
		op->count = 1;
		return FA_ENGINE_OK;
	}
	sqlite3_bind_int64(e->sql[FA_SQL_ITEM_GOES], 1, op->message.id);
	code = fa_sqlite_run(e, FA_SQL_ITEM_GOES);
	op->count = sqlite3_changes(e->db);
	return code;
}

static enum fa_engine_code put_new(struct fa_engine *e, struct fa_store_op *op)
{
	sqlite3_stmt *stmt = bind_key(e, FA_SQL_ITEM_COMES, &op->message);
	enum fa_engine_code code;

	if (op->message.due_ms == INT64_MAX)
		sqlite3_bind_null(stmt, 4);
	else
		sqlite3_bind_int64(stmt, 4, op->message.due_ms);
	fa_sqlite_bind_bytes(stmt, 5, op->message.body);
	code = fa_sqlite_run(e, FA_SQL_ITEM_COMES);
	op->count = sqlite3_changes(e->db);
	if (!code && op->count)
		op->message.id = sqlite3_last_insert_rowid(e->db);
	return code;
}

static enum fa_engine_code write_item(struct fa_engine *e, struct fa_store_op *op)
{
	enum fa_engine_code code = remove_old(e, op);

	if (!code && op->count && op->message.body.len)
		code = put_new(e, op);
	return code || !op->count ? code : fa_sqlite_append(e, op);
}

static enum fa_engine_code find_overdue(struct fa_engine *e, struct fa_store_op *op)
{
	enum fa_engine_code code;

	sqlite3_bind_int64(e->sql[FA_SQL_OVERDUE], 1, op->now_ms);
	sqlite3_bind_int(e->sql[FA_SQL_OVERDUE], 2, op->max);
	code = fa_sqlite_collect(e, FA_SQL_OVERDUE, op, read_item);
	if (code)
		return code;
	sqlite3_bind_int64(e->sql[FA_SQL_NEXT_OVERDUE], 1, op->now_ms);
	code = fa_sqlite_ask(e, FA_SQL_NEXT_OVERDUE, &op->next_ms, 1);
	if (op->next_ms < 0)
		op->next_ms = INT64_MAX;
	return code;
}

enum fa_engine_code fa_sqlite_item(struct fa_engine *e, struct fa_store_op *op)
{
	switch (op->verb) {
	case FA_STORE_ITEM:
		return find_item(e, op);
	case FA_STORE_WRITE:
		return write_item(e, op);
	case FA_STORE_OVERDUE:
		return find_overdue(e, op);
	default:
		return FA_ENGINE_FAILED;
	}
}
