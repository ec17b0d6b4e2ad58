/* SPDX-License-Identifier: MIT */
#include <support/stores.h>

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>
#include <support/fault_vfs.h>
#include <support/test.h>

void stores_folder(char out[64])
{
	strcpy(out, "/tmp/faas-store-XXXXXX");
	assert_non_null(mkdtemp(out));
}

void stores_remove(const char *folder)
{
	static const char *const names[] = { "lock", "ballast", "queue.db", "queue.db-wal",
					     "queue.db-journal", "queue.db-shm" };
	char path[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(folder), 0);
}

struct fa_store *stores_open(const char *folder, struct faas_error *err)
{
	return fa_store_open(&(struct fa_store_config){ .folder = folder,
							.mem = &fa_mem_libc,
							.ballast = 65536 },
			     err);
}

struct fa_store *stores_open_as(const char *folder, int log_pages, bool weak)
{
	return fa_store_open(&(struct fa_store_config){ .folder = folder,
							.mem = &fa_mem_libc,
							.ballast = 65536,
							.log_pages = log_pages,
							.weak = weak },
			     NULL);
}

struct fa_store *stores_begin(char folder[64], struct faas_error *err)
{
	fault_vfs_install(&(struct fault_plan){ .fault = FAULT_NONE });
	stores_folder(folder);
	return stores_open(folder, err);
}

void stores_end(struct fa_store *store, const char *folder)
{
	fault_vfs_fill(NULL);
	fa_store_close(store);
	stores_remove(folder);
}

struct fa_stored stores_event(const void *payload, size_t len, int64_t due_ms)
{
	return (struct fa_stored){ .accepted_ms = 1700000000000,
				   .due_ms = due_ms,
				   .request_id = "00000000-0000-4000-8000-000000000000",
				   .function = { "f", 1 },
				   .meta = { "meta", 4 },
				   .payload = { payload, len } };
}

enum fa_store_outcome stores_accept(struct fa_store *store, struct fa_stored *event, bool in_hand)
{
	struct fa_store_op op = { .verb = FA_STORE_ACCEPT, .event = *event, .in_hand = in_hand };
	enum fa_store_outcome outcome = fa_store_perform(store, &op);

	event->id = op.event.id;
	return outcome;
}

enum fa_store_outcome stores_complete(struct fa_store *store, int64_t id, enum fa_store_end end)
{
	return stores_complete_with(store, id, end, NULL);
}

enum fa_store_outcome stores_complete_with(struct fa_store *store, int64_t id,
					   enum fa_store_end end, struct fa_message *message)
{
	struct fa_store_op op = { .verb = FA_STORE_COMPLETE,
				  .event = { .id = id },
				  .end = end,
				  .messages = message,
				  .message_count = message != NULL };

	return fa_store_perform(store, &op);
}

enum fa_store_outcome stores_reschedule(struct fa_store *store, int64_t id, int64_t due_ms,
					int attempts)
{
	struct fa_store_op op = { .verb = FA_STORE_RESCHEDULE,
				  .event = { .id = id, .due_ms = due_ms, .attempts = attempts } };

	return fa_store_perform(store, &op);
}

int stores_claim(struct fa_store *store, int64_t now_ms, int max, struct fa_claimed **out,
		 int64_t *next_ms)
{
	struct fa_store_op op = { .verb = FA_STORE_CLAIM, .now_ms = now_ms, .max = max };
	struct fa_list *pos;
	int n = 0;

	if (fa_store_perform(store, &op) != FA_STORE_DONE)
		return -1;
	while ((pos = fa_list_pop(&op.claimed)))
		out[n++] = fa_container(pos, struct fa_claimed, link);
	if (next_ms)
		*next_ms = op.next_ms;
	return n;
}

static struct faas_bytes bytes_of(const char *text)
{
	return (struct faas_bytes){ text, strlen(text) };
}

struct fa_message stores_message(const char *address, const char *body, int64_t due_ms)
{
	return (struct fa_message){ .sent_ms = due_ms,
				    .due_ms = due_ms,
				    .outgoing = strncmp(address, "queue:", 6) != 0,
				    .address = bytes_of(address),
				    .source = bytes_of("arn:f"),
				    .attributes = bytes_of("{}"),
				    .body = bytes_of(body) };
}

static sem_t many_done;

static void count_down(struct fa_store_op *op)
{
	(void)op;
	sem_post(&many_done);
}

void stores_submit_all(struct fa_store *store, struct stores_many *many)
{
	sem_init(&many_done, 0, 0);
	for (int i = 0; i < many->count; i++) {
		many->ops[i].on_done = count_down;
		if (i < many->count - 1)
			fa_store_submit(store, &many->ops[i]);
		else
			fa_store_lead(store, &many->ops[i]);
	}
	for (int i = 0; i < many->count; i++)
		sem_wait(&many_done);
	sem_destroy(&many_done);
}

int stores_reap(struct fa_store_op *op, struct fa_fetched **out)
{
	struct fa_list *pos;
	int n = 0;

	while ((pos = fa_list_pop(&op->claimed)))
		out[n++] = fa_container(pos, struct fa_fetched, link);
	return n;
}

static int64_t ask(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	int64_t value = -1;

	if (!sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) && sqlite3_step(stmt) == SQLITE_ROW)
		value = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return value;
}

int64_t stores_rows(const char *folder, const char *table)
{
	char path[128], sql[64];
	sqlite3 *db = NULL;
	int64_t rows = -1;

	snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", table);
	snprintf(path, sizeof(path), "%s/queue.db", folder);
	if (!sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, "unix") &&
	    ask(db, "SELECT integrity_check = 'ok' FROM pragma_integrity_check") == 1)
		rows = ask(db, sql);
	sqlite3_close(db);
	return rows;
}
