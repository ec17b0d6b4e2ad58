/* SPDX-License-Identifier: MIT */
/*
 * Entries of documents in SQLite: a row each, in the order of their keys, which are bytes.
 * A trigger removes them with their document, and none comes to be without one.
 */
#include <model/store/sqlite.h>

#include <string.h>

static sqlite3_stmt *bind(struct fa_engine *e, enum fa_sql which, const struct fa_store_op *op,
			  const struct fa_store_entry *entry)
{
	fa_sqlite_bind_text(e->sql[which], 1, op->message.address);
	fa_sqlite_bind_bytes(e->sql[which], 2, entry->key);
	return e->sql[which];
}

static enum fa_engine_code know_one(struct fa_engine *e, struct fa_store_op *op,
				    struct fa_store_entry *entry)
{
	sqlite3_stmt *stmt = bind(e, FA_SQL_KNOWN, op, entry);
	int rc = sqlite3_step(stmt);
	enum fa_engine_code code = fa_sqlite_judge(e, rc);

	entry->len = 0;
	if (rc == SQLITE_ROW) {
		struct faas_bytes value = fa_sqlite_column(stmt, 0);

		entry->len = (int)(value.len < FA_ENTRY_VALUE ? value.len : FA_ENTRY_VALUE);
		memcpy(entry->value, value.data, (size_t)entry->len);
	}
	sqlite3_reset(stmt);
	return code;
}

enum fa_engine_code fa_sqlite_known(struct fa_engine *e, struct fa_store_op *op)
{
	enum fa_engine_code code = FA_ENGINE_OK;

	for (int i = 0; i < op->entry_count && !code; i++)
		code = know_one(e, op, &op->entries[i]);
	return code;
}

static enum fa_engine_code note_one(struct fa_engine *e, const struct fa_store_op *op,
				    const struct fa_store_entry *entry)
{
	enum fa_sql which = entry->len ? FA_SQL_NOTE : FA_SQL_NOTE_NONE;
	sqlite3_stmt *stmt = bind(e, which, op, entry);

	if (entry->len)
		fa_sqlite_bind_bytes(stmt, 3,
				     (struct faas_bytes){ entry->value, (size_t)entry->len });
	return fa_sqlite_run(e, which);
}

enum fa_engine_code fa_sqlite_note(struct fa_engine *e, struct fa_store_op *op)
{
	enum fa_engine_code code = FA_ENGINE_OK;

	for (int i = 0; i < op->entry_count && !code; i++)
		code = note_one(e, op, &op->entries[i]);
	return code;
}

enum fa_engine_code fa_sqlite_list(struct fa_engine *e, struct fa_store_op *op)
{
	sqlite3_stmt *stmt = bind(e, FA_SQL_LIST, op, &op->entries[0]);

	sqlite3_bind_int(stmt, 3, op->max);
	return fa_sqlite_collect(e, FA_SQL_LIST, op, fa_sqlite_read_document);
}
