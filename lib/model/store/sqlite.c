/* SPDX-License-Identifier: MIT */
/*
 * The queue in SQLite: a row per event that has not ended. `due_ms` is NULL while the
 * event is in hand; one program owns the database, so that says it all. WAL with
 * synchronous=FULL: a commit is one sequential write and one sync. In exclusive
 * locking mode there is no -shm file, and nothing is mapped, so that no truncated file
 * can raise SIGBUS in the host. What has ended is only counted, in the same commit;
 * what was accepted is the sum of both.
 * Without a folder the same tables are in memory.
 *
 * A commit appends to the log the pages that it changed, each with a checksum over all before
 * it, and syncs. If that fails SQLite goes back to the end of the commit before, and the next
 * one writes over what is behind it: once that is synced nobody finds a chain of checksums to
 * the old pages, whatever of them came to the disk. It must change a page for that, so it
 * counts. It writes anew all that it relies on, so that it does not matter what the kernel takes
 * to be clean after a sync that failed; and what was synced before it does not write again.
 */
#include <model/store/sqlite.h>

#include <stdio.h>
#include <string.h>

#include <base/error.h>

#define LOG_PAGES 4000 /* 16 MB */
#define LOG_HEADER 32
#define LOG_PAGE (4096 + 24)
#define CLAIM_BYTES (16 << 20) /* handed out at once; one row may be on top */

#define MESSAGE_COLUMNS \
	"id, address, outgoing, due_ms, sent_ms, tries, kind, source, attributes, body, trace," \
	" grp, dedup, came_from, first_ms"
#define ITEM_COLUMNS "id, address, hash, range, due_ms, body"
/* What lies in a queue and is not hidden, oldest first: ?1, ?2. */
#define VISIBLE "WHERE address = ?1 AND outgoing = 0 AND due_ms <= ?2"
#define OLDEST_FIRST " ORDER BY due_ms, id"
/*
 * Of a queue with groups so many are looked at, as in SQS: behind them a group is found when
 * those before it are gone.
 */
#define LOOK_AHEAD "20000"

static const char *const text[FA_SQLS] = {
	[FA_SQL_BEGIN] = "BEGIN IMMEDIATE",
	[FA_SQL_COMMIT] = "COMMIT",
	[FA_SQL_ROLLBACK] = "ROLLBACK",
	[FA_SQL_TALLY] = "UPDATE tally SET succeeded = ?, dead = ?, expired = ?,"
			 " delivered = ?, dropped = ?",
	[FA_SQL_OVERWRITE] = "UPDATE tally SET overwritten = overwritten + 1",
	[FA_SQL_ACCEPT] = "INSERT INTO event(due_ms, accepted_ms, request_id, function, meta,"
			  " payload, id, attempts, throttles) VALUES(?, ?, ?, ?, ?, ?, ?, 0, 0)",
	[FA_SQL_CLAIM] = "SELECT id, due_ms, accepted_ms, request_id, function, meta, payload,"
			 " attempts, throttles FROM event WHERE due_ms <= ?" OLDEST_FIRST
			 " LIMIT ?",
	[FA_SQL_CLAIMED] = "UPDATE event SET due_ms = NULL WHERE id = ?",
	[FA_SQL_NEXT_EVENT] = "SELECT min(due_ms) FROM event WHERE due_ms IS NOT NULL",
	[FA_SQL_RESCHEDULE] =
		"UPDATE event SET due_ms = ?, attempts = ?, throttles = ? WHERE id = ?",
	[FA_SQL_COMPLETE] = "DELETE FROM event WHERE id = ?",
	[FA_SQL_SEND] = "INSERT INTO message(address, outgoing, due_ms, sent_ms, tries, kind,"
			" source, attributes, body, trace, grp, dedup, came_from, first_ms)"
			" VALUES(?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, '', 0)",
	[FA_SQL_FETCH] = "SELECT " MESSAGE_COLUMNS " FROM message"
			 " WHERE outgoing = 1 AND due_ms <= ?" OLDEST_FIRST " LIMIT ?",
	[FA_SQL_NEXT_MESSAGE] = "SELECT min(due_ms) FROM message WHERE outgoing = 1",
	[FA_SQL_DELAY] = "UPDATE message SET due_ms = ?, tries = tries + 1 WHERE id = ?",
	[FA_SQL_REMOVE] = "DELETE FROM message WHERE id = ? RETURNING"
			  " CASE WHEN outgoing = 0 AND grp <> '' THEN address END",
	[FA_SQL_OLDEST] = "SELECT " MESSAGE_COLUMNS " FROM message " VISIBLE OLDEST_FIRST
			  " LIMIT ?3",
	/* "+": not by that column, which would look at all of the queue and sort it */
	[FA_SQL_FIRST_OF_GROUPS] =
		"SELECT " MESSAGE_COLUMNS " FROM message AS m WHERE address = ?1 AND outgoing = 0"
		" AND id <= coalesce((SELECT id FROM message WHERE address = ?1 AND outgoing = 0"
		" ORDER BY id LIMIT 1 OFFSET " LOOK_AHEAD " - 1), 9223372036854775807)"
		" AND +due_ms <= ?2 AND grp NOT IN (SELECT grp FROM message WHERE address = ?1"
		" AND outgoing = 0 AND due_ms > ?2 AND tries > 0)"
		" AND NOT EXISTS (SELECT 1 FROM message AS o WHERE o.address = ?1"
		" AND o.outgoing = 0 AND o.grp = m.grp AND o.grp <> '' AND o.due_ms > ?2"
		" AND +o.id < m.id) ORDER BY id LIMIT ?3",
	[FA_SQL_HIDE] = "UPDATE message SET due_ms = ?1, tries = tries + 1,"
			" first_ms = iif(first_ms, first_ms, ?3) WHERE id = ?2",
	[FA_SQL_UNHIDE] = "UPDATE message SET due_ms = ?1, tries = tries - 1,"
			  " first_ms = iif(tries > 1, first_ms, 0)"
			  " WHERE id = ?2 AND tries > 0 AND due_ms > ?1 RETURNING address",
	[FA_SQL_NEXT_VISIBLE] = "SELECT min(due_ms) FROM message WHERE address = ?1"
				" AND outgoing = 0 AND due_ms > ?2",
	[FA_SQL_REDRIVE] = "UPDATE message SET address = ?1, outgoing = ?2, due_ms = ?3,"
			   " came_from = ?4, tries = 0, first_ms = 0 WHERE id = ?5",
	[FA_SQL_TOO_OLD] = "SELECT coalesce(max(id), 0) FROM (SELECT id, sent_ms FROM message"
			   " WHERE address = ?1 AND outgoing = 0 ORDER BY id LIMIT 1)"
			   " WHERE sent_ms < ?2",
	[FA_SQL_DEDUP] = "INSERT INTO dedup(address, key, until_ms, id) VALUES(?1, ?2, ?3, 0)"
			 " ON CONFLICT(address, key) DO UPDATE SET until_ms = ?3"
			 " WHERE until_ms <= ?4",
	[FA_SQL_DEDUP_FORGET] = "DELETE FROM dedup WHERE rowid IN (SELECT rowid FROM dedup"
				" WHERE until_ms <= ? ORDER BY until_ms LIMIT 4)",
	[FA_SQL_DUPLICATE] = "UPDATE dedup SET id = iif(?3, ?3, id) WHERE address = ?1"
			     " AND key = ?2 RETURNING id",
	[FA_SQL_PEEK] = "SELECT " MESSAGE_COLUMNS " FROM message WHERE address = ?"
			" AND outgoing = 0 AND id > ? ORDER BY id LIMIT ?",
	[FA_SQL_MOVE] = "UPDATE message SET address = ?4, outgoing = ?5, due_ms = ?2, tries = 0,"
			" trace = ''"
			" WHERE id IN (SELECT id FROM message " VISIBLE OLDEST_FIRST " LIMIT ?3)",
	[FA_SQL_RETURN] = "UPDATE message SET address = 'function:' || source, outgoing = 1,"
			  " due_ms = ?2, tries = 0, trace = '' WHERE id IN"
			  " (SELECT id FROM message " VISIBLE " AND kind = 2" OLDEST_FIRST
			  " LIMIT ?3)",
	[FA_SQL_PURGE] = "DELETE FROM message WHERE address = ? AND outgoing = 0",
	[FA_SQL_ON_WAY] = "SELECT EXISTS(SELECT 1 FROM message WHERE outgoing = 1 AND kind = 3"
			  " AND source = ?)",
	[FA_SQL_SUM] = "SELECT count(*) FILTER (WHERE due_ms <= ?2), count(*), min(sent_ms)"
		       " FROM message WHERE address = ?1 AND outgoing = 0",
	[FA_SQL_APPEND] = "INSERT INTO record(address, shard, hash, sent_ms, key, body)"
			  " VALUES(?, ?, ?, ?, ?, ?)",
	[FA_SQL_TRIM] = "DELETE FROM record WHERE id IN (SELECT id FROM record WHERE address = ?1"
			" AND shard = ?2 ORDER BY id LIMIT 4) AND sent_ms < ?3",
	[FA_SQL_READ] = "SELECT id, address, shard, hash, sent_ms, key, body FROM record"
			" WHERE address = ?1 AND shard = ?2 AND id > ?3 AND sent_ms >= ?4"
			" AND hash % ?5 = ?6 ORDER BY id LIMIT ?7",
	[FA_SQL_LAST] = "SELECT coalesce(max(id), 0) FROM record WHERE address = ?1 AND shard = ?2",
	[FA_SQL_TAIL] = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'record'",
	[FA_SQL_CUT] = "DELETE FROM record WHERE address = ?",
	[FA_SQL_CUT_ITEMS] = "DELETE FROM item WHERE address = ?",
	[FA_SQL_ITEM] = "SELECT " ITEM_COLUMNS " FROM item"
			" WHERE address = ? AND hash = ? AND range = ?",
	[FA_SQL_ITEM_GOES] = "DELETE FROM item WHERE id = ?",
	[FA_SQL_ITEM_COMES] = "INSERT INTO item(address, hash, range, due_ms, body)"
			      " VALUES(?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
	[FA_SQL_OVERDUE] = "SELECT " ITEM_COLUMNS " FROM item WHERE due_ms <= ?" OLDEST_FIRST
			   " LIMIT ?",
	[FA_SQL_NEXT_OVERDUE] = "SELECT min(due_ms) FROM item WHERE due_ms > ?",
	[FA_SQL_KEEP] = "INSERT OR REPLACE INTO document(name, body) VALUES(?, ?)",
	[FA_SQL_FORGET] = "DELETE FROM document WHERE name = ?1"
			  " OR (name > ?1 || ':' AND name < ?1 || ';')",
	[FA_SQL_RECALL] = "SELECT name, body FROM document WHERE name > ? ORDER BY name LIMIT ?",
	[FA_SQL_KNOWN] = "SELECT value FROM entry WHERE document = ? AND key = ?",
	[FA_SQL_NOTE] = "INSERT OR REPLACE INTO entry(document, key, value)"
			" SELECT name, ?2, ?3 FROM document WHERE name = ?1",
	[FA_SQL_NOTE_NONE] = "DELETE FROM entry WHERE document = ? AND key = ?",
	[FA_SQL_LIST] = "SELECT key, value FROM entry WHERE document = ? AND key > ?"
			" ORDER BY key LIMIT ?",
};

/* The n-th makes a database of version n into one of version n + 1. */
static const char *const steps[] = {
	"CREATE TABLE event(id INTEGER PRIMARY KEY AUTOINCREMENT, due_ms INTEGER,"
	" accepted_ms INTEGER NOT NULL, attempts INTEGER NOT NULL,"
	" throttles INTEGER NOT NULL, request_id TEXT NOT NULL, function TEXT NOT NULL,"
	" meta BLOB NOT NULL, payload BLOB NOT NULL);"
	"CREATE INDEX event_due ON event(due_ms);"
	"CREATE TABLE tally(accepted INTEGER NOT NULL, succeeded INTEGER NOT NULL,"
	" dead INTEGER NOT NULL, expired INTEGER NOT NULL);"
	"INSERT INTO tally VALUES(0, 0, 0, 0);",

	"CREATE TABLE message(id INTEGER PRIMARY KEY AUTOINCREMENT, address TEXT NOT NULL,"
	" outgoing INTEGER NOT NULL, due_ms INTEGER NOT NULL, sent_ms INTEGER NOT NULL,"
	" tries INTEGER NOT NULL, kind INTEGER NOT NULL, source TEXT NOT NULL,"
	" attributes TEXT NOT NULL, body BLOB NOT NULL);"
	"CREATE INDEX message_in_queue ON message(address, due_ms, sent_ms) WHERE outgoing = 0;"
	"CREATE INDEX message_due ON message(due_ms) WHERE outgoing = 1;"
	"ALTER TABLE tally ADD COLUMN sent INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE tally ADD COLUMN delivered INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE tally ADD COLUMN dropped INTEGER NOT NULL DEFAULT 0;",

	"CREATE TABLE document(name TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;",

	"ALTER TABLE message ADD COLUMN trace TEXT NOT NULL DEFAULT '';",

	"ALTER TABLE message ADD COLUMN grp TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE message ADD COLUMN dedup TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE message ADD COLUMN came_from TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE message ADD COLUMN first_ms INTEGER NOT NULL DEFAULT 0;"
	"DROP INDEX message_in_queue;" /* the second of two columns was never looked at */
	"CREATE INDEX message_visible ON message(address, due_ms) WHERE outgoing = 0;"
	"CREATE INDEX message_order ON message(address) WHERE outgoing = 0;"
	"CREATE INDEX message_group ON message(address, grp, due_ms)"
	" WHERE outgoing = 0 AND grp <> '';"
	"CREATE TABLE dedup(address TEXT NOT NULL, key TEXT NOT NULL,"
	" until_ms INTEGER NOT NULL, id INTEGER NOT NULL, UNIQUE(address, key));"
	"CREATE INDEX dedup_until ON dedup(until_ms);",

	"CREATE TABLE entry(document TEXT NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL,"
	" PRIMARY KEY(document, key)) WITHOUT ROWID;"
	"CREATE TRIGGER entries_go AFTER DELETE ON document BEGIN"
	" DELETE FROM entry WHERE document = old.name; END;",

	"CREATE TABLE record(id INTEGER PRIMARY KEY AUTOINCREMENT, address TEXT NOT NULL,"
	" shard INTEGER NOT NULL, hash INTEGER NOT NULL, sent_ms INTEGER NOT NULL,"
	" key TEXT NOT NULL, body BLOB NOT NULL);"
	"CREATE INDEX record_order ON record(address, shard);",

	"CREATE TABLE item(id INTEGER PRIMARY KEY AUTOINCREMENT, address TEXT NOT NULL,"
	" hash BLOB NOT NULL, range BLOB NOT NULL, due_ms INTEGER, body BLOB NOT NULL,"
	" UNIQUE(address, hash, range));"
	"CREATE INDEX item_due ON item(due_ms) WHERE due_ms IS NOT NULL;",

	"ALTER TABLE tally ADD COLUMN overwritten INTEGER NOT NULL DEFAULT 0;",

	/* what is accepted or sent writes down neither its number nor that it is one more */
	"DROP INDEX event_due;"
	"ALTER TABLE event RENAME TO old;"
	"CREATE TABLE event(id INTEGER PRIMARY KEY, due_ms INTEGER,"
	" accepted_ms INTEGER NOT NULL, attempts INTEGER NOT NULL,"
	" throttles INTEGER NOT NULL, request_id TEXT NOT NULL, function TEXT NOT NULL,"
	" meta BLOB NOT NULL, payload BLOB NOT NULL);"
	"INSERT INTO event SELECT * FROM old;"
	"DROP TABLE old;"
	"CREATE INDEX event_due ON event(due_ms);"
	"ALTER TABLE tally DROP COLUMN accepted;"
	"ALTER TABLE tally DROP COLUMN sent;"
};

#define SCHEMA ((int)(sizeof(steps) / sizeof(*steps)))

enum fa_engine_code fa_sqlite_judge(struct fa_engine *e, int rc)
{
	if (rc == SQLITE_OK || rc == SQLITE_DONE || rc == SQLITE_ROW)
		return FA_ENGINE_OK;
	rc = sqlite3_extended_errcode(e->db);
	return (rc & 0xff) == SQLITE_FULL ? FA_ENGINE_FULL : FA_ENGINE_FAILED;
}

enum fa_engine_code fa_sqlite_run(struct fa_engine *e, enum fa_sql which)
{
	enum fa_engine_code code = fa_sqlite_judge(e, sqlite3_step(e->sql[which]));

	sqlite3_reset(e->sql[which]);
	return code;
}

static void read_row(sqlite3_stmt *stmt, int64_t *out, int columns)
{
	for (int i = 0; i < columns; i++)
		out[i] = sqlite3_column_type(stmt, i) == SQLITE_NULL ?
				 -1 :
				 sqlite3_column_int64(stmt, i);
}

enum fa_engine_code fa_sqlite_ask(struct fa_engine *e, enum fa_sql which, int64_t *out,
				  int columns)
{
	sqlite3_stmt *stmt = e->sql[which];
	enum fa_engine_code code = fa_sqlite_judge(e, sqlite3_step(stmt));

	if (!code)
		read_row(stmt, out, columns);
	sqlite3_reset(stmt);
	return code;
}

enum fa_engine_code fa_sqlite_collect(struct fa_engine *e, enum fa_sql which,
				      struct fa_store_op *op,
				      struct fa_list *(*read)(struct fa_engine *engine,
							      sqlite3_stmt *row, size_t *bytes))
{
	sqlite3_stmt *stmt = e->sql[which];
	enum fa_engine_code code;
	struct fa_list *link;
	size_t bytes = 0;
	int rc = SQLITE_OK;

	while (bytes < CLAIM_BYTES && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		link = read(e, stmt, &bytes);
		if (!link)
			break;
		fa_list_append(&op->claimed, link);
	}
	code = rc == SQLITE_ROW && bytes < CLAIM_BYTES ? FA_ENGINE_FAILED :
							  fa_sqlite_judge(e, rc);
	sqlite3_reset(stmt);
	return code;
}

/* ---- open ------------------------------------------------------------ */

static int refuse(struct fa_engine *e, const char *what, struct faas_error *err)
{
	return fa_error(err, FAAS_ESYSTEM, "state_dir: %s: %s", what, sqlite3_errmsg(e->db));
}

static int ask_once(struct fa_engine *e, const char *sql, int64_t *out, int columns)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(e->db, sql, -1, &stmt, NULL);

	if (!rc)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		read_row(stmt, out, columns);
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
				       "PRAGMA secure_delete = ON;" /* as Debian's has it */
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

static int take_step(struct fa_engine *e, int64_t version)
{
	char sql[48];

	snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", (int)version + 1);
	return sqlite3_exec(e->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) ||
	       sqlite3_exec(e->db, steps[version], NULL, NULL, NULL) ||
	       sqlite3_exec(e->db, sql, NULL, NULL, NULL) ||
	       sqlite3_exec(e->db, "COMMIT", NULL, NULL, NULL);
}

static int make_tables(struct fa_engine *e, struct faas_error *err)
{
	int64_t version;

	if (ask_once(e, "PRAGMA user_version", &version, 1) < 0)
		return refuse(e, "cannot read the queue", err);
	if (version > SCHEMA)
		return fa_error(err, FAAS_ESYSTEM, "state_dir is of a newer libfaas");
	for (; version < SCHEMA; version++)
		if (take_step(e, version))
			return refuse(e, "cannot make the queue", err);
	return 0;
}

static int64_t sum(const int64_t *numbers, int count)
{
	int64_t all = 0;

	for (int i = 0; i < count; i++)
		all += numbers[i];
	return all;
}

/* Whoever had them in hand is gone. */
static int recover(struct fa_engine *e, struct faas_error *err)
{
	struct fa_store_counts *c = &e->counts;
	int64_t row[FA_STORE_ENDS + FA_STORE_GONES];

	if (sqlite3_exec(e->db, "UPDATE event SET due_ms = 0 WHERE due_ms IS NULL", NULL, NULL,
			 NULL))
		return refuse(e, "cannot recover the queue", err);
	if (ask_once(e, "SELECT succeeded, dead, expired, delivered, dropped FROM tally", row,
		     FA_STORE_ENDS + FA_STORE_GONES) < 0 ||
	    ask_once(e, "SELECT count(*) FROM event", &c->waiting, 1) < 0 ||
	    ask_once(e, "SELECT count(*) FROM message", &c->lying, 1) < 0 ||
	    ask_once(e, "SELECT coalesce(max(id), 0) FROM event", &e->last_event, 1) < 0)
		return refuse(e, "cannot read the queue", err);
	memcpy(c->ended, row, sizeof(c->ended));
	memcpy(c->gone, row + FA_STORE_ENDS, sizeof(c->gone));
	c->accepted = c->waiting + sum(c->ended, FA_STORE_ENDS);
	c->sent = c->lying + sum(c->gone, FA_STORE_GONES);
	return 0;
}

static int prepare(struct fa_engine *e, struct faas_error *err)
{
	for (int i = 0; i < FA_SQLS; i++)
		if (sqlite3_prepare_v3(e->db, text[i], -1, SQLITE_PREPARE_PERSISTENT, &e->sql[i],
				       NULL))
			return refuse(e, "cannot use the queue", err);
	return 0;
}

struct fa_engine *fa_engine_open(const struct fa_store_config *config, struct faas_error *err)
{
	struct fa_engine *e = fa_alloc(config->mem, sizeof(*e));
	char path[4096] = ":memory:";
	int len = 0;

	if (!e) {
		fa_error_nomem(err);
		return NULL;
	}
	e->mem = config->mem;
	e->max_pages = config->log_pages ? config->log_pages : LOG_PAGES;
	if (config->folder)
		len = snprintf(path, sizeof(path), "%s/queue.db", config->folder);
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
	for (int i = 0; i < FA_SQLS; i++)
		sqlite3_finalize(e->sql[i]);
	sqlite3_close(e->db);
	fa_free(e);
}

/* ---- operations ------------------------------------------------------ */

void fa_sqlite_bind_bytes(sqlite3_stmt *stmt, int at, struct faas_bytes bytes)
{
	sqlite3_bind_blob64(stmt, at, bytes.len ? bytes.data : "", bytes.len, SQLITE_STATIC);
}

void fa_sqlite_bind_text(sqlite3_stmt *stmt, int at, struct faas_bytes text)
{
	sqlite3_bind_text64(stmt, at, text.len ? text.data : "", text.len, SQLITE_STATIC,
			    SQLITE_UTF8);
}

/* What has failed leaves a gap: who has an old id shall not end another event by it. */
static enum fa_engine_code accept(struct fa_engine *e, struct fa_store_op *op)
{
	sqlite3_stmt *stmt = e->sql[FA_SQL_ACCEPT];
	struct fa_stored *event = &op->event;
	enum fa_engine_code code;

	event->id = ++e->last_event;

	if (op->in_hand)
		sqlite3_bind_null(stmt, 1);
	else
		sqlite3_bind_int64(stmt, 1, event->due_ms);
	sqlite3_bind_int64(stmt, 2, event->accepted_ms);
	sqlite3_bind_text(stmt, 3, event->request_id, -1, SQLITE_STATIC);
	fa_sqlite_bind_text(stmt, 4, event->function);
	fa_sqlite_bind_bytes(stmt, 5, event->meta);
	fa_sqlite_bind_bytes(stmt, 6, event->payload);
	sqlite3_bind_int64(stmt, 7, event->id);
	code = fa_sqlite_run(e, FA_SQL_ACCEPT);
	if (code)
		return code;
	e->next.accepted++;
	e->next.waiting++;
	return FA_ENGINE_OK;
}

struct faas_bytes fa_sqlite_column(sqlite3_stmt *stmt, int at)
{
	struct faas_bytes bytes = { sqlite3_column_blob(stmt, at), 0 };

	bytes.len = (size_t)sqlite3_column_bytes(stmt, at);
	return bytes;
}

struct faas_bytes fa_sqlite_keep(char **at, struct faas_bytes bytes)
{
	struct faas_bytes copy = { *at, bytes.len };

	if (bytes.len)
		memcpy(*at, bytes.data, bytes.len);
	(*at)[bytes.len] = '\0';
	*at += bytes.len + 1;
	return copy;
}

static struct fa_list *read_event(struct fa_engine *e, sqlite3_stmt *row, size_t *bytes)
{
	struct faas_bytes function = fa_sqlite_column(row, 4), meta = fa_sqlite_column(row, 5),
			  payload = fa_sqlite_column(row, 6), id = fa_sqlite_column(row, 3);
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
	c->event.function = fa_sqlite_keep(&at, function);
	c->event.meta = fa_sqlite_keep(&at, meta);
	c->event.payload = fa_sqlite_keep(&at, payload);
	c->event.attempts = sqlite3_column_int(row, 7);
	c->event.throttles = sqlite3_column_int(row, 8);
	*bytes += payload.len;
	return &c->link;
}

static enum fa_engine_code claim(struct fa_engine *e, struct fa_store_op *op)
{
	enum fa_engine_code code;
	struct fa_list *pos;

	sqlite3_bind_int64(e->sql[FA_SQL_CLAIM], 1, op->now_ms);
	sqlite3_bind_int(e->sql[FA_SQL_CLAIM], 2, op->max);
	code = fa_sqlite_collect(e, FA_SQL_CLAIM, op, read_event);
	if (code)
		return code;
	fa_list_for(pos, &op->claimed) {
		sqlite3_bind_int64(e->sql[FA_SQL_CLAIMED], 1,
				   fa_container(pos, struct fa_claimed, link)->event.id);
		code = fa_sqlite_run(e, FA_SQL_CLAIMED);
		if (code)
			return code;
	}
	code = fa_sqlite_ask(e, FA_SQL_NEXT_EVENT, &op->next_ms, 1);
	if (op->next_ms < 0)
		op->next_ms = INT64_MAX;
	return code;
}

static enum fa_engine_code reschedule(struct fa_engine *e, struct fa_store_op *op)
{
	sqlite3_stmt *stmt = e->sql[FA_SQL_RESCHEDULE];

	sqlite3_bind_int64(stmt, 1, op->event.due_ms);
	sqlite3_bind_int(stmt, 2, op->event.attempts);
	sqlite3_bind_int(stmt, 3, op->event.throttles);
	sqlite3_bind_int64(stmt, 4, op->event.id);
	return fa_sqlite_run(e, FA_SQL_RESCHEDULE);
}

/* Who ends a second time is not counted a second time, and nobody is told again. */
static enum fa_engine_code complete(struct fa_engine *e, struct fa_store_op *op)
{
	enum fa_engine_code code;

	sqlite3_bind_int64(e->sql[FA_SQL_COMPLETE], 1, op->event.id);
	code = fa_sqlite_run(e, FA_SQL_COMPLETE);
	if (code || !sqlite3_changes(e->db))
		return code;
	e->next.ended[op->end]++;
	e->next.waiting--;
	return fa_sqlite_send(e, op);
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
	case FA_STORE_SCRUB:
		e->scrub = true;
		return FA_ENGINE_OK;
	default:
		return fa_sqlite_message(e, op);
	}
}

/* ---- transactions ---------------------------------------------------- */

enum fa_engine_code fa_engine_begin(struct fa_engine *e)
{
	enum fa_engine_code code = fa_sqlite_run(e, FA_SQL_BEGIN);

	e->next = e->counts;
	return code || !e->unsure ? code : fa_sqlite_run(e, FA_SQL_OVERWRITE);
}

/* Only of what is gone: the rest is there to be counted. */
static enum fa_engine_code write_tally(struct fa_engine *e)
{
	sqlite3_stmt *stmt = e->sql[FA_SQL_TALLY];
	const struct fa_store_counts *c = &e->next;
	int at = 1;

	if (!memcmp(c->ended, e->counts.ended, sizeof(c->ended)) &&
	    !memcmp(c->gone, e->counts.gone, sizeof(c->gone)))
		return FA_ENGINE_OK;
	for (int i = 0; i < FA_STORE_ENDS; i++)
		sqlite3_bind_int64(stmt, at++, c->ended[i]);
	for (int i = 0; i < FA_STORE_GONES; i++)
		sqlite3_bind_int64(stmt, at++, c->gone[i]);
	return fa_sqlite_run(e, FA_SQL_TALLY);
}

enum fa_engine_code fa_engine_commit(struct fa_engine *e, struct fa_store_counts *counts)
{
	enum fa_engine_code code = write_tally(e);

	if (code)
		return code;
	code = fa_sqlite_run(e, FA_SQL_COMMIT);
	e->unsure = code != FA_ENGINE_OK;
	if (!code)
		*counts = e->counts = e->next;
	return code;
}

bool fa_engine_is_unsure(const struct fa_engine *e)
{
	return e->unsure;
}

void fa_engine_rollback(struct fa_engine *e)
{
	if (!sqlite3_get_autocommit(e->db))
		fa_sqlite_run(e, FA_SQL_ROLLBACK);
}

/*
 * What is deleted is overwritten, but the log has it as it was, until it is cut. If that
 * fails now, it is tried again after the next group.
 */
static void scrub(struct fa_engine *e)
{
	e->scrub = sqlite3_wal_checkpoint_v2(e->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL,
					     NULL) != SQLITE_OK;
}

/* One that fails leaves the log as it is, and all of it is brought home the next time. */
void fa_engine_tidy(struct fa_engine *e)
{
	if (e->scrub) {
		scrub(e);
	} else if (e->wal_pages >= e->max_pages) {
		e->wal_pages = 0;
		sqlite3_wal_checkpoint_v2(e->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	}
}

int64_t fa_engine_log(const struct fa_engine *e, int64_t *most)
{
	*most = LOG_HEADER + (int64_t)e->max_pages * LOG_PAGE;
	return e->wal_pages ? LOG_HEADER + (int64_t)e->wal_pages * LOG_PAGE : 0;
}

void fa_engine_counts(const struct fa_engine *e, struct fa_store_counts *counts)
{
	*counts = e->counts;
}
