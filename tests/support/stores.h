/* SPDX-License-Identifier: MIT */
#ifndef TEST_STORES_H
#define TEST_STORES_H

/* Short words for tests of the durable queue: operations that are waited for. */
#include <model/store/store.h>

void stores_folder(char out[64]); /* a new one, of that name */
void stores_remove(const char *folder);

/* NULL: refused. The ballast is small, because tests open many. */
struct fa_store *stores_open(const char *folder, struct faas_error *err);
/* log_pages, weak: as in struct fa_store_config. */
struct fa_store *stores_open_as(const char *folder, int log_pages, bool weak);

/* A new folder and a store in it, on a disk that fails as fault_vfs.h says; and the end of both. */
struct fa_store *stores_begin(char folder[64], struct faas_error *err);
void stores_end(struct fa_store *store, const char *folder);

struct fa_stored stores_event(const void *payload, size_t len, int64_t due_ms);
enum fa_store_outcome stores_accept(struct fa_store *store, struct fa_stored *event, bool in_hand);
enum fa_store_outcome stores_complete(struct fa_store *store, int64_t id, enum fa_store_end end);
/* One message goes with it. */
enum fa_store_outcome stores_complete_with(struct fa_store *store, int64_t id,
					   enum fa_store_end end, struct fa_message *message);
enum fa_store_outcome stores_reschedule(struct fa_store *store, int64_t id, int64_t due_ms,
					int attempts);
/* How many; they are in `out`, to be fa_free()d. -1: it failed. next_ms may be NULL. */
int stores_claim(struct fa_store *store, int64_t now_ms, int max, struct fa_claimed **out,
		 int64_t *next_ms);

/* Due when it was sent; outgoing if the address is no queue. Borrows its texts. */
struct fa_message stores_message(const char *address, const char *body, int64_t due_ms);
/* What the operation fetched, to be fa_free()d; how many. */
int stores_reap(struct fa_store_op *op, struct fa_fetched **out);

/* Several at once: submitted together, the last as by who waits, then waited for. */
struct stores_many {
	struct fa_store_op ops[64];
	int count;
};

void stores_submit_all(struct fa_store *store, struct stores_many *many);

/* By a connection of its own: nobody else may have it open. -1: it is damaged. */
int64_t stores_rows(const char *folder, const char *table);

#endif
