/* SPDX-License-Identifier: MIT */
/*
 * Records of streams. Their ids ascend over all streams, so one number says how far any reader
 * is, and where the end was at some time.
 */
#include <model/store/sqlite.h>

#include <string.h>

static enum fa_engine_code trim(struct fa_engine *e, const struct fa_message *m, int64_t since_ms)
{
	sqlite3_stmt *stmt = e->sql[FA_SQL_TRIM];

	if (!since_ms)
		return FA_ENGINE_OK;
	fa_sqlite_bind_text(stmt, 1, m->address);
	sqlite3_bind_int(stmt, 2, m->shard);
	sqlite3_bind_int64(stmt, 3, since_ms);
	return fa_sqlite_run(e, FA_SQL_TRIM);
}

static enum fa_engine_code append_one(struct fa_engine *e, struct fa_message *m)
{
	sqlite3_stmt *stmt = e->sql[FA_SQL_APPEND];
	enum fa_engine_code code;

	fa_sqlite_bind_text(stmt, 1, m->address);
	sqlite3_bind_int(stmt, 2, m->shard);
	sqlite3_bind_int64(stmt, 3, m->hash);
	sqlite3_bind_int64(stmt, 4, m->sent_ms);
	fa_sqlite_bind_text(stmt, 5, m->group);
	fa_sqlite_bind_bytes(stmt, 6, m->body);
	code = fa_sqlite_run(e, FA_SQL_APPEND);
	m->id = sqlite3_last_insert_rowid(e->db);
	return code;
}

/* Each of them makes room for itself: nobody else has to come by and clean up. */
enum fa_engine_code fa_sqlite_append(struct fa_engine *e, struct fa_store_op *op)
{
	enum fa_engine_code code = FA_ENGINE_OK;

	for (int i = 0; i < op->message_count && !code; i++) {
		code = trim(e, &op->messages[i], op->take.since_ms);
		if (!code)
			code = append_one(e, &op->messages[i]);
	}
	return code;
}

static struct fa_list *read_record(struct fa_engine *e, sqlite3_stmt *row, size_t *bytes)
{
	struct faas_bytes address = fa_sqlite_column(row, 1), key = fa_sqlite_column(row, 5),
			  body = fa_sqlite_column(row, 6);
	struct fa_fetched *f = fa_alloc_dirty(e->mem, sizeof(*f) + address.len + key.len +
							      body.len + 3);
	char *at;

	if (!f)
		return NULL;
	memset(f, 0, sizeof(*f));
	at = f->bytes;
	f->message.id = sqlite3_column_int64(row, 0);
	f->message.address = fa_sqlite_keep(&at, address);
	f->message.shard = sqlite3_column_int(row, 2);
	f->message.hash = (uint32_t)sqlite3_column_int64(row, 3);
	f->message.sent_ms = sqlite3_column_int64(row, 4);
	f->message.group = fa_sqlite_keep(&at, key);
	f->message.body = fa_sqlite_keep(&at, body);
	*bytes += body.len + sizeof(*f);
	return &f->link;
}

static int count_claimed(const struct fa_store_op *op)
{
	struct fa_list *pos;
	int n = 0;

	fa_list_for(pos, &op->claimed)
		n++;
	return n;
}

/* Who has all of his lane has read up to the end of the shard. */
static enum fa_engine_code find_end(struct fa_engine *e, struct fa_store_op *op, bool all)
{
	enum fa_engine_code code = FA_ENGINE_OK;
	int64_t end = op->message.id;

	if (all) {
		fa_sqlite_bind_text(e->sql[FA_SQL_LAST], 1, op->message.address);
		sqlite3_bind_int(e->sql[FA_SQL_LAST], 2, op->message.shard);
		code = fa_sqlite_ask(e, FA_SQL_LAST, &end, 1);
	} else {
		end = fa_container(op->claimed.prev, struct fa_fetched, link)->message.id;
	}
	if (end > op->message.id)
		op->message.id = end;
	return code;
}

static enum fa_engine_code read_some(struct fa_engine *e, struct fa_store_op *op)
{
	sqlite3_stmt *stmt = e->sql[FA_SQL_READ];
	enum fa_engine_code code;
	int n;

	fa_sqlite_bind_text(stmt, 1, op->message.address);
	sqlite3_bind_int(stmt, 2, op->message.shard);
	sqlite3_bind_int64(stmt, 3, op->message.id);
	sqlite3_bind_int64(stmt, 4, op->take.since_ms);
	sqlite3_bind_int(stmt, 5, op->lanes);
	sqlite3_bind_int(stmt, 6, op->lane);
	sqlite3_bind_int(stmt, 7, op->max);
	code = fa_sqlite_collect(e, FA_SQL_READ, op, read_record);
	n = count_claimed(op);
	op->count = n;
	return code ? code : find_end(e, op, !n);
}

enum fa_engine_code fa_sqlite_cut(struct fa_engine *e, struct faas_bytes address, int64_t *count)
{
	enum fa_engine_code code;

	fa_sqlite_bind_text(e->sql[FA_SQL_CUT], 1, address);
	code = fa_sqlite_run(e, FA_SQL_CUT);
	*count = sqlite3_changes(e->db);
	if (code)
		return code;
	fa_sqlite_bind_text(e->sql[FA_SQL_CUT_ITEMS], 1, address);
	code = fa_sqlite_run(e, FA_SQL_CUT_ITEMS);
	*count += sqlite3_changes(e->db);
	return code;
}

enum fa_engine_code fa_sqlite_stream(struct fa_engine *e, struct fa_store_op *op)
{
	switch (op->verb) {
	case FA_STORE_APPEND:
		return fa_sqlite_append(e, op);
	case FA_STORE_READ:
		return read_some(e, op);
	case FA_STORE_TAIL:
		return fa_sqlite_ask(e, FA_SQL_TAIL, &op->message.id, 1);
	default:
		return FA_ENGINE_FAILED;
	}
}
