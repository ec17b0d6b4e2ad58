/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_STORE_SQLITE_H
#define FA_MODEL_STORE_SQLITE_H

/* What sqlite.c (the database, events) and sqlite_message.c share. */
#include <model/store/engine.h>

#include <sqlite3.h>

enum fa_sql {
	FA_SQL_BEGIN,
	FA_SQL_COMMIT,
	FA_SQL_ROLLBACK,
	FA_SQL_TALLY,
	FA_SQL_OVERWRITE,
	/* events */
	FA_SQL_ACCEPT,
	FA_SQL_CLAIM,
	FA_SQL_CLAIMED,
	FA_SQL_NEXT_EVENT,
	FA_SQL_RESCHEDULE,
	FA_SQL_COMPLETE,
	/* messages */
	FA_SQL_SEND,
	FA_SQL_FETCH,
	FA_SQL_NEXT_MESSAGE,
	FA_SQL_DELAY,
	FA_SQL_REMOVE,
	FA_SQL_OLDEST,
	FA_SQL_FIRST_OF_GROUPS,
	FA_SQL_HIDE,
	FA_SQL_UNHIDE,
	FA_SQL_NEXT_VISIBLE,
	FA_SQL_REDRIVE,
	FA_SQL_TOO_OLD,
	FA_SQL_DEDUP,
	FA_SQL_DEDUP_FORGET,
	FA_SQL_DUPLICATE,
	FA_SQL_PEEK,
	FA_SQL_MOVE,
	FA_SQL_RETURN,
	FA_SQL_PURGE,
	FA_SQL_SUM,
	FA_SQL_ON_WAY,
	/* records */
	FA_SQL_APPEND,
	FA_SQL_TRIM,
	FA_SQL_READ,
	FA_SQL_LAST,
	FA_SQL_TAIL,
	FA_SQL_CUT,
	FA_SQL_CUT_ITEMS,
	/* items */
	FA_SQL_ITEM,
	FA_SQL_ITEM_GOES,
	FA_SQL_ITEM_COMES,
	FA_SQL_OVERDUE,
	FA_SQL_NEXT_OVERDUE,
	/* documents */
	FA_SQL_KEEP,
	FA_SQL_FORGET,
	FA_SQL_RECALL,
	/* their entries */
	FA_SQL_KNOWN,
	FA_SQL_NOTE,
	FA_SQL_NOTE_NONE,
	FA_SQL_LIST,
	FA_SQLS
};

struct fa_engine {
	sqlite3 *db;
	const struct fa_mem *mem;
	sqlite3_stmt *sql[FA_SQLS];
	struct fa_store_counts counts, next; /* committed, and with this transaction */
	int64_t last_event; /* the id that was given last */
	int wal_pages, max_pages;
	bool scrub;  /* once nothing is under way any more */
	bool unsure; /* the last commit may be found in the log */
};

enum fa_engine_code fa_sqlite_judge(struct fa_engine *engine, int rc);
enum fa_engine_code fa_sqlite_run(struct fa_engine *engine, enum fa_sql which);
/* The one row of a statement that always has one; -1 where it says NULL. Resets it. */
enum fa_engine_code fa_sqlite_ask(struct fa_engine *engine, enum fa_sql which, int64_t *out,
				  int columns);
/*
 * Every row through `read` into op->claimed, until there are megabytes of them; resets the
 * statement. `read` adds to *bytes, and returns NULL when memory is out.
 */
enum fa_engine_code fa_sqlite_collect(struct fa_engine *engine, enum fa_sql which,
				      struct fa_store_op *op,
				      struct fa_list *(*read)(struct fa_engine *engine,
							      sqlite3_stmt *row, size_t *bytes));

void fa_sqlite_bind_bytes(sqlite3_stmt *stmt, int at, struct faas_bytes bytes);
void fa_sqlite_bind_text(sqlite3_stmt *stmt, int at, struct faas_bytes text);
struct faas_bytes fa_sqlite_column(sqlite3_stmt *row, int at);
/* Copy it to *at with a NUL behind it, and move *at on. */
struct faas_bytes fa_sqlite_keep(char **at, struct faas_bytes bytes);

/* ---- sqlite_message.c ------------------------------------------------- */

enum fa_engine_code fa_sqlite_send(struct fa_engine *engine, struct fa_store_op *op);
/* The verbs of messages and documents. */
enum fa_engine_code fa_sqlite_message(struct fa_engine *engine, struct fa_store_op *op);
struct fa_list *fa_sqlite_read_message(struct fa_engine *engine, sqlite3_stmt *row,
				       size_t *bytes);
/* A document and those behind it; of no name: none. */
enum fa_engine_code fa_sqlite_forget(struct fa_engine *engine, struct faas_bytes name);
/* A name and a body. */
struct fa_list *fa_sqlite_read_document(struct fa_engine *engine, sqlite3_stmt *row,
					size_t *bytes);
/* Something can be taken there again, which the store tells of when it is committed. */
void fa_sqlite_freed(struct fa_engine *engine, struct fa_store_op *op, struct faas_bytes address);
/* op->count: whether it was there. */
enum fa_engine_code fa_sqlite_remove(struct fa_engine *engine, struct fa_store_op *op,
				     int64_t id);

/* ---- sqlite_entry.c --------------------------------------------------- */

enum fa_engine_code fa_sqlite_known(struct fa_engine *engine, struct fa_store_op *op);
enum fa_engine_code fa_sqlite_note(struct fa_engine *engine, struct fa_store_op *op);
enum fa_engine_code fa_sqlite_list(struct fa_engine *engine, struct fa_store_op *op);

/* ---- sqlite_queue.c --------------------------------------------------- */

enum fa_engine_code fa_sqlite_take(struct fa_engine *engine, struct fa_store_op *op);
enum fa_engine_code fa_sqlite_settle(struct fa_engine *engine, struct fa_store_op *op);
enum fa_engine_code fa_sqlite_return(struct fa_engine *engine, struct fa_store_op *op);
/* *first: nobody sent this one within five minutes; else m->id is that of the other. */
enum fa_engine_code fa_sqlite_dedup(struct fa_engine *engine, struct fa_message *m, bool *first);

/* ---- sqlite_stream.c --------------------------------------------------- */

/* The verbs of records. */
enum fa_engine_code fa_sqlite_stream(struct fa_engine *engine, struct fa_store_op *op);
/* All records and items of this address go; *count: how many. */
enum fa_engine_code fa_sqlite_cut(struct fa_engine *engine, struct faas_bytes address,
				  int64_t *count);
/* The messages of an operation, as records. */
enum fa_engine_code fa_sqlite_append(struct fa_engine *engine, struct fa_store_op *op);

/* ---- sqlite_item.c ----------------------------------------------------- */

/* The verbs of items. */
enum fa_engine_code fa_sqlite_item(struct fa_engine *engine, struct fa_store_op *op);

#endif
