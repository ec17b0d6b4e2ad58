/* SPDX-License-Identifier: MIT */
/*
 * The queue in SQLite: a row per event that has not ended. `due_ms` is NULL while the
 * event is in hand; one program owns the database, so that says it all. WAL with
 * synchronous=FULL: a commit is one sequential write and one sync. In exclusive
 * locking mode there is no -shm file, and nothing is mapped, so that no truncated file
 * can raise SIGBUS in the host. What has ended is only counted, in the same commit.
 */
#include <model/store/engine.h>

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include <base/error.h>

#define SCHEMA 1
#define LOG_PAGES 4000 /* 16 MB */

enum sql { BEGIN, COMMIT, ROLLBACK, ACCEPT, CLAIM, TAKE, NEXT, RESCHEDULE, COMPLETE, TALLY, SQLS };

static const char *const text[SQLS] = {
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
	[ACCEPT] = "INSERT INTO event(due_ms, accepted_ms, request_id, function, meta, payload,"
		   " attempts, throttles) VALUES(?, ?, ?, ?, ?, ?, 0, 0)",
	[CLAIM] = "SELECT id, due_ms, accepted_ms, request_id, function, meta, payload,"
		  " attempts, throttles FROM event WHERE due_ms <= ? ORDER BY due_ms, id LIMIT ?",
	[TAKE] = "UPDATE event SET due_ms = NULL WHERE id = ?",
	[NEXT] = "SELECT min(due_ms) FROM event WHERE due_ms IS NOT NULL",
	[RESCHEDULE] = "UPDATE event SET due_ms = ?, attempts = ?, throttles = ? WHERE id = ?",
	[COMPLETE] = "DELETE FROM event WHERE id = ?",
	[TALLY] = "UPDATE tally SET accepted = ?, succeeded = ?, dead = ?, expired = ?",
};

struct fa_engine {
	sqlite3 *db;
	const struct fa_mem *mem;
	sqlite3_stmt *sql[SQLS];
	struct fa_store_counts counts, next; /* committed, and with this transaction */
	int wal_pages, max_pages;
};

static enum fa_engine_code judge(struct fa_engine *e, int rc)
{
	if (rc == SQLITE_OK || rc == SQLITE_DONE || rc == SQLITE_ROW)
		return FA_ENGINE_OK;
	rc = sqlite3_extended_errcode(e->db);
	if (rc == SQLITE_IOERR_FSYNC || rc == SQLITE_IOERR_DIR_FSYNC)
		return FA_ENGINE_POISONED;
	return (rc & 0xff) == SQLITE_FULL ? FA_ENGINE_FULL : FA_ENGINE_FAILED;
}

static enum fa_engine_code run(struct fa_engine *e, enum sql which)
{
	enum fa_engine_code code = judge(e, sqlite3_step(e->sql[which]));

	sqlite3_reset(e->sql[which]);
	return code;
}

/* ---- open ------------------------------------------------------------ */

static int refuse(struct fa_engine *e, const char *what, struct faas_error *err)
{
	return fa_error(err, FAAS_ESYSTEM, "state_dir: %s: %s", what, sqlite3_errmsg(e->db));
}

static int first_int(struct fa_engine *e, const char *sql, int64_t *out, int columns)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(e->db, sql, -1, &stmt, NULL);

	if (!rc)
		rc = sqlite3_step(stmt);
	for (int i = 0; rc == SQLITE_ROW && i < columns; i++)
		out[i] = sqlite3_column_int64(stmt, i);
	sqlite3_finalize(stmt);
	return rc == SQLITE_ROW ? 0 : -1;
}

static int on_commit(void *data, sqlite3 *db, const char *name, int pages)
{
	struct fa_engine *e = data;

	(void)db;
	(void)name;
	e->wal_pages = pages;
	return SQLITE_OK;
}

static int settle_in(struct fa_engine *e, bool weak, struct faas_error *err)
{
	static const char settings[] = "PRAGMA locking_mode = EXCLUSIVE;"
				       "PRAGMA mmap_size = 0;"
				       "PRAGMA trusted_schema = OFF;"
				       "PRAGMA cell_size_check = ON;"
				       "PRAGMA journal_mode = WAL;";

	sqlite3_extended_result_codes(e->db, 1);
	sqlite3_db_config(e->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	if (sqlite3_exec(e->db, settings, NULL, NULL, NULL) ||
	    sqlite3_exec(e->db, weak ? "PRAGMA synchronous = NORMAL" : "PRAGMA synchronous = FULL",
			 NULL, NULL, NULL))
		return refuse(e, "cannot open the queue", err);
	sqlite3_wal_hook(e->db, on_commit, e); /* instead of checkpoints whose errors nobody sees */
	return 0;
}

static int make_tables(struct fa_engine *e, struct faas_error *err)
{
	static const char sql[] =
		"BEGIN IMMEDIATE;"
		"CREATE TABLE event(id INTEGER PRIMARY KEY AUTOINCREMENT, due_ms INTEGER,"
		" accepted_ms INTEGER NOT NULL, attempts INTEGER NOT NULL,"
		" throttles INTEGER NOT NULL, request_id TEXT NOT NULL, function TEXT NOT NULL,"
		" meta BLOB NOT NULL, payload BLOB NOT NULL);"
		"CREATE INDEX event_due ON event(due_ms);"
		"CREATE TABLE tally(accepted INTEGER NOT NULL, succeeded INTEGER NOT NULL,"
		" dead INTEGER NOT NULL, expired INTEGER NOT NULL);"
		"INSERT INTO tally VALUES(0, 0, 0, 0);"
		"PRAGMA user_version = 1;"
		"COMMIT";
	int64_t version;

	if (first_int(e, "PRAGMA user_version", &version, 1) < 0)
		return refuse(e, "cannot read the queue", err);
	if (version > SCHEMA)
		return fa_error(err, FAAS_ESYSTEM, "state_dir is of a newer libfaas");
	if (version == SCHEMA || !sqlite3_exec(e->db, sql, NULL, NULL, NULL))
		return 0;
	return refuse(e, "cannot make the queue", err);
}

/* Whoever had them in hand is gone. */
static int recover(struct fa_engine *e, struct faas_error *err)
{
	int64_t row[4];

	if (sqlite3_exec(e->db, "UPDATE event SET due_ms = 0 WHERE due_ms IS NULL", NULL, NULL,
			 NULL))
		return refuse(e, "cannot recover the queue", err);
	if (first_int(e, "SELECT accepted, succeeded, dead, expired FROM tally", row, 4) < 0 ||
	    first_int(e, "SELECT count(*) FROM event", &e->counts.waiting, 1) < 0)
		return refuse(e, "cannot read the queue", err);
	e->counts.accepted = row[0];
	for (int i = 0; i < FA_STORE_ENDS; i++)
		e->counts.ended[i] = row[1 + i];
	return 0;
}

static int prepare(struct fa_engine *e, struct faas_error *err)
{
	for (int i = 0; i < SQLS; i++)
		if (sqlite3_prepare_v3(e->db, text[i], -1, SQLITE_PREPARE_PERSISTENT, &e->sql[i],
				       NULL))
			return refuse(e, "cannot use the queue", err);
	return 0;
}

struct fa_engine *fa_engine_open(const struct fa_store_config *config, struct faas_error *err)
{
	struct fa_engine *e = fa_alloc(config->mem, sizeof(*e));
	char path[4096];
	int len = snprintf(path, sizeof(path), "%s/queue.db", config->folder);

	if (!e) {
		fa_error_nomem(err);
		return NULL;
	}
	e->mem = config->mem;
	e->max_pages = config->log_pages ? config->log_pages : LOG_PAGES;
	if (len >= (int)sizeof(path))
		fa_error(err, FAAS_EINVAL, "state_dir is too long");
	else if (sqlite3_open_v2(path, &e->db,
				 SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
				 NULL))
		refuse(e, "cannot open the queue", err);
	else if (!settle_in(e, config->weak, err) && !make_tables(e, err) && !recover(e, err) &&
		 !prepare(e, err))
		return e;
	fa_engine_close(e);
	return NULL;
}

void fa_engine_close(struct fa_engine *e)
{
	if (!e)
		return;
	for (int i = 0; i < SQLS; i++)
		sqlite3_finalize(e->sql[i]);
	sqlite3_close(e->db);
	fa_free(e);
}

/* ---- operations ------------------------------------------------------ */

static void bind_bytes(sqlite3_stmt *stmt, int at, struct faas_bytes bytes)
{
	sqlite3_bind_blob64(stmt, at, bytes.len ? bytes.data : "", bytes.len, SQLITE_STATIC);
}

static enum fa_engine_code accept(struct fa_engine *e, struct fa_store_op *op)
{
	sqlite3_stmt *stmt = e->sql[ACCEPT];
	const struct fa_stored *event = &op->event;
	enum fa_engine_code code;

	if (op->in_hand)
		sqlite3_bind_null(stmt, 1);
	else
		sqlite3_bind_int64(stmt, 1, event->due_ms);
	sqlite3_bind_int64(stmt, 2, event->accepted_ms);
	sqlite3_bind_text(stmt, 3, event->request_id, -1, SQLITE_STATIC);
	sqlite3_bind_text64(stmt, 4, event->function.data, event->function.len, SQLITE_STATIC,
			    SQLITE_UTF8);
	bind_bytes(stmt, 5, event->meta);
	bind_bytes(stmt, 6, event->payload);
	code = run(e, ACCEPT);
	if (code)
		return code;
	op->event.id = sqlite3_last_insert_rowid(e->db);
	e->next.accepted++;
	e->next.waiting++;
	return FA_ENGINE_OK;
}

static struct faas_bytes column(sqlite3_stmt *stmt, int at)
{
	struct faas_bytes bytes = { sqlite3_column_blob(stmt, at), 0 };

	bytes.len = (size_t)sqlite3_column_bytes(stmt, at);
	return bytes;
}

static struct faas_bytes keep(char **at, struct faas_bytes bytes)
{
	struct faas_bytes copy = { *at, bytes.len };

	if (bytes.len)
		memcpy(*at, bytes.data, bytes.len);
	(*at)[bytes.len] = '\0';
	*at += bytes.len + 1;
	return copy;
}

static struct fa_claimed *read_row(struct fa_engine *e, sqlite3_stmt *row)
{
	struct faas_bytes function = column(row, 4), meta = column(row, 5),
			  payload = column(row, 6), id = column(row, 3);
	struct fa_claimed *c =
		fa_alloc_dirty(e->mem, sizeof(*c) + function.len + meta.len + payload.len + 3);
	char *at;

	if (!c)
		return NULL;
	memset(c, 0, sizeof(*c));
	at = c->bytes;
	c->event.id = sqlite3_column_int64(row, 0);
	c->event.due_ms = sqlite3_column_int64(row, 1);
	c->event.accepted_ms = sqlite3_column_int64(row, 2);
	memcpy(c->event.request_id, id.data, id.len < 36 ? id.len : 36);
	c->event.function = keep(&at, function);
	c->event.meta = keep(&at, meta);
	c->event.payload = keep(&at, payload);
	c->event.attempts = sqlite3_column_int(row, 7);
	c->event.throttles = sqlite3_column_int(row, 8);
	return c;
}

static enum fa_engine_code read_due(struct fa_engine *e, struct fa_store_op *op)
{
	sqlite3_stmt *stmt = e->sql[CLAIM];
	struct fa_claimed *c = NULL;
	enum fa_engine_code code;
	int rc;

	sqlite3_bind_int64(stmt, 1, op->now_ms);
	sqlite3_bind_int(stmt, 2, op->max);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		c = read_row(e, stmt);
		if (!c)
			break;
		fa_list_append(&op->claimed, &c->link);
	}
	code = rc == SQLITE_ROW ? FA_ENGINE_FAILED : judge(e, rc);
	sqlite3_reset(stmt);
	return code;
}

static enum fa_engine_code claim(struct fa_engine *e, struct fa_store_op *op)
{
	enum fa_engine_code code = read_due(e, op);
	struct fa_list *pos;

	if (code)
		return code;
	fa_list_for(pos, &op->claimed) {
		sqlite3_bind_int64(e->sql[TAKE], 1,
				   fa_container(pos, struct fa_claimed, link)->event.id);
		code = run(e, TAKE);
		if (code)
			return code;
	}
	code = judge(e, sqlite3_step(e->sql[NEXT]));
	op->next_ms = sqlite3_column_type(e->sql[NEXT], 0) == SQLITE_NULL ?
			      INT64_MAX :
			      sqlite3_column_int64(e->sql[NEXT], 0);
	sqlite3_reset(e->sql[NEXT]);
	return code;
}

static enum fa_engine_code reschedule(struct fa_engine *e, struct fa_store_op *op)
{
	sqlite3_stmt *stmt = e->sql[RESCHEDULE];

	sqlite3_bind_int64(stmt, 1, op->event.due_ms);
	sqlite3_bind_int(stmt, 2, op->event.attempts);
	sqlite3_bind_int(stmt, 3, op->event.throttles);
	sqlite3_bind_int64(stmt, 4, op->event.id);
	return run(e, RESCHEDULE);
}

/* Who ends a second time is not counted a second time. */
static enum fa_engine_code complete(struct fa_engine *e, struct fa_store_op *op)
{
	enum fa_engine_code code;

	sqlite3_bind_int64(e->sql[COMPLETE], 1, op->event.id);
	code = run(e, COMPLETE);
	if (code || !sqlite3_changes(e->db))
		return code;
	e->next.ended[op->end]++;
	e->next.waiting--;
	return FA_ENGINE_OK;
}

enum fa_engine_code fa_engine_apply(struct fa_engine *e, struct fa_store_op *op)
{
	switch (op->verb) {
	case FA_STORE_ACCEPT:
		return accept(e, op);
	case FA_STORE_CLAIM:
		return claim(e, op);
	case FA_STORE_RESCHEDULE:
		return reschedule(e, op);
	case FA_STORE_COMPLETE:
		return complete(e, op);
	}
	return FA_ENGINE_FAILED;
}

/* ---- transactions ---------------------------------------------------- */

enum fa_engine_code fa_engine_begin(struct fa_engine *e)
{
	e->next = e->counts;
	return run(e, BEGIN);
}

static enum fa_engine_code write_tally(struct fa_engine *e)
{
	sqlite3_stmt *stmt = e->sql[TALLY];

	if (!memcmp(&e->next, &e->counts, sizeof(e->next)))
		return FA_ENGINE_OK;
	sqlite3_bind_int64(stmt, 1, e->next.accepted);
	for (int i = 0; i < FA_STORE_ENDS; i++)
		sqlite3_bind_int64(stmt, 2 + i, e->next.ended[i]);
	return run(e, TALLY);
}

enum fa_engine_code fa_engine_commit(struct fa_engine *e, struct fa_store_counts *counts)
{
	enum fa_engine_code code = write_tally(e);

	if (!code)
		code = run(e, COMMIT);
	if (!code)
		*counts = e->counts = e->next;
	return code;
}

void fa_engine_rollback(struct fa_engine *e)
{
	if (!sqlite3_get_autocommit(e->db))
		run(e, ROLLBACK);
}

enum fa_engine_code fa_engine_tidy(struct fa_engine *e)
{
	if (e->wal_pages < e->max_pages)
		return FA_ENGINE_OK;
	e->wal_pages = 0;
	return judge(e, sqlite3_wal_checkpoint_v2(e->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL,
						  NULL));
}

void fa_engine_counts(const struct fa_engine *e, struct fa_store_counts *counts)
{
	*counts = e->counts;
}
