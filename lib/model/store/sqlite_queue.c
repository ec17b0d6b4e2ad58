/* SPDX-License-Identifier: MIT */
/*
 * Taking from queues. What is taken is hidden for a while, and comes back unless it is
 * settled. `due_ms` says both when a delayed message can be seen and when a hidden one comes
 * back; who was taken has tries. The order in a queue with groups is that of the ids.
 */
#include <model/store/sqlite.h>

#define DEDUP_MS 300000

/* ---- take ------------------------------------------------------------ */

static struct fa_message *message_of(struct fa_list *pos)
{
	return &fa_container(pos, struct fa_fetched, link)->message;
}

static enum fa_engine_code drop_old(struct fa_engine *e, struct fa_store_op *op)
{
	enum fa_engine_code code = FA_ENGINE_OK;
	int64_t id = op->take.since_ms > 0;

	op->gone = FA_STORE_DROPPED;
	while (!code && id) {
		fa_sqlite_bind_text(e->sql[FA_SQL_TOO_OLD], 1, op->message.address);
		sqlite3_bind_int64(e->sql[FA_SQL_TOO_OLD], 2, op->take.since_ms);
		code = fa_sqlite_ask(e, FA_SQL_TOO_OLD, &id, 1);
		if (!code && id)
			code = fa_sqlite_remove(e, op, id);
	}
	op->gone = FA_STORE_DELIVERED;
	op->count = 0;
	return code;
}

static enum fa_engine_code select_some(struct fa_engine *e, struct fa_store_op *op)
{
	enum fa_sql which = op->take.fifo ? FA_SQL_FIRST_OF_GROUPS : FA_SQL_OLDEST;

	fa_sqlite_bind_text(e->sql[which], 1, op->message.address);
	sqlite3_bind_int64(e->sql[which], 2, op->now_ms);
	sqlite3_bind_int(e->sql[which], 3, op->max ? op->max : 1);
	return fa_sqlite_collect(e, which, op, fa_sqlite_read_message);
}

static enum fa_engine_code redrive(struct fa_engine *e, struct fa_store_op *op, int64_t id)
{
	sqlite3_stmt *stmt = e->sql[FA_SQL_REDRIVE];

	fa_sqlite_bind_text(stmt, 1, op->to->address);
	sqlite3_bind_int(stmt, 2, op->to->outgoing);
	sqlite3_bind_int64(stmt, 3, op->now_ms);
	fa_sqlite_bind_text(stmt, 4, op->message.address);
	sqlite3_bind_int64(stmt, 5, id);
	return fa_sqlite_run(e, FA_SQL_REDRIVE);
}

/* Those that were taken too often go where such go. */
static enum fa_engine_code redrive_some(struct fa_engine *e, struct fa_store_op *op, int *moved)
{
	enum fa_engine_code code = FA_ENGINE_OK;
	struct fa_list *pos, *next;

	*moved = 0;
	if (!op->take.most || !op->to)
		return code;
	fa_list_for_safe(pos, next, &op->claimed) {
		if (message_of(pos)->tries < op->take.most)
			continue;
		code = redrive(e, op, message_of(pos)->id);
		if (code)
			break;
		fa_list_remove(pos);
		fa_free(pos);
		++*moved;
	}
	op->count += *moved;
	return code;
}

static enum fa_engine_code hide(struct fa_engine *e, struct fa_store_op *op, struct fa_message *m)
{
	sqlite3_stmt *stmt = e->sql[FA_SQL_HIDE];

	m->tries++;
	if (!m->first_ms)
		m->first_ms = op->now_ms;
	m->due_ms = op->now_ms + op->hide_ms;
	sqlite3_bind_int64(stmt, 1, m->due_ms);
	sqlite3_bind_int64(stmt, 2, m->id);
	sqlite3_bind_int64(stmt, 3, op->now_ms);
	return fa_sqlite_run(e, FA_SQL_HIDE);
}

static enum fa_engine_code find_next(struct fa_engine *e, struct fa_store_op *op)
{
	enum fa_engine_code code;

	fa_sqlite_bind_text(e->sql[FA_SQL_NEXT_VISIBLE], 1, op->message.address);
	sqlite3_bind_int64(e->sql[FA_SQL_NEXT_VISIBLE], 2, op->now_ms);
	code = fa_sqlite_ask(e, FA_SQL_NEXT_VISIBLE, &op->next_ms, 1);
	if (op->next_ms < 0)
		op->next_ms = INT64_MAX;
	return code;
}

static enum fa_engine_code take_all(struct fa_engine *e, struct fa_store_op *op)
{
	enum fa_engine_code code = FA_ENGINE_OK;
	int64_t moved = op->count;
	struct fa_list *pos;

	fa_list_for(pos, &op->claimed) {
		struct fa_message *m = message_of(pos);

		if (code)
			break;
		if (op->hide_ms) {
			code = hide(e, op, m);
		} else {
			m->tries++;
			code = fa_sqlite_remove(e, op, m->id);
		}
	}
	op->count = moved;
	return code ? code : find_next(e, op);
}

enum fa_engine_code fa_sqlite_take(struct fa_engine *e, struct fa_store_op *op)
{
	enum fa_engine_code code = drop_old(e, op);
	int moved = 1;

	while (!code && moved && fa_list_empty(&op->claimed)) {
		code = select_some(e, op);
		if (!code)
			code = redrive_some(e, op, &moved);
	}
	return code ? code : take_all(e, op);
}

/* ---- settle ----------------------------------------------------------- */

enum fa_engine_code fa_sqlite_settle(struct fa_engine *e, struct fa_store_op *op)
{
	enum fa_engine_code code = FA_ENGINE_OK;
	int64_t there = 0;

	for (int i = 0; i < op->id_count && !code; i++) {
		code = fa_sqlite_remove(e, op, op->ids[i]);
		there += op->count;
	}
	op->count = there;
	return code;
}

static enum fa_engine_code unhide(struct fa_engine *e, struct fa_store_op *op, int64_t id)
{
	sqlite3_stmt *stmt = e->sql[FA_SQL_UNHIDE];
	enum fa_engine_code code;
	int rc;

	sqlite3_bind_int64(stmt, 1, op->now_ms);
	sqlite3_bind_int64(stmt, 2, id);
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		fa_sqlite_freed(e, op, fa_sqlite_column(stmt, 0));
		rc = sqlite3_step(stmt);
	}
	code = fa_sqlite_judge(e, rc);
	sqlite3_reset(stmt);
	return code;
}

enum fa_engine_code fa_sqlite_return(struct fa_engine *e, struct fa_store_op *op)
{
	enum fa_engine_code code = FA_ENGINE_OK;

	for (int i = 0; i < op->id_count && !code; i++)
		code = unhide(e, op, op->ids[i]);
	return code;
}

/* ---- one and the same -------------------------------------------------- */

/* With the id of the message it notes that; without one it looks whether there is another. */
enum fa_engine_code fa_sqlite_dedup(struct fa_engine *e, struct fa_message *m, bool *first)
{
	sqlite3_stmt *stmt = e->sql[FA_SQL_DEDUP];
	enum fa_engine_code code = FA_ENGINE_OK;
	int64_t id = m->id;

	if (!id) {
		sqlite3_bind_int64(e->sql[FA_SQL_DEDUP_FORGET], 1, m->sent_ms);
		code = fa_sqlite_run(e, FA_SQL_DEDUP_FORGET);
		fa_sqlite_bind_text(stmt, 1, m->address);
		fa_sqlite_bind_text(stmt, 2, m->dedup);
		sqlite3_bind_int64(stmt, 3, m->sent_ms + DEDUP_MS);
		sqlite3_bind_int64(stmt, 4, m->sent_ms);
		if (!code)
			code = fa_sqlite_run(e, FA_SQL_DEDUP);
		*first = sqlite3_changes(e->db) > 0;
		if (code || *first)
			return code;
	}
	fa_sqlite_bind_text(e->sql[FA_SQL_DUPLICATE], 1, m->address);
	fa_sqlite_bind_text(e->sql[FA_SQL_DUPLICATE], 2, m->dedup);
	sqlite3_bind_int64(e->sql[FA_SQL_DUPLICATE], 3, id);
	return fa_sqlite_ask(e, FA_SQL_DUPLICATE, &m->id, 1);
}
