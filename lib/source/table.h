/* SPDX-License-Identifier: MIT */
#ifndef FA_SOURCE_TABLE_H
#define FA_SOURCE_TABLE_H

/*
 * Tables of items, each of whose changes is a record of the table's stream.
 *
 *   table.c   the kind "table" of sources with shards
 *   items.c   the doors: items that are put, deleted and looked at
 *   expiry.c  items whose time to live is over
 */
#include <model/item.h>
#include <source/source.h>

/* A write of an item: the operation of the store, and the record that tells of it. */
struct fa_item_write {
	struct fa_store_op op;
	struct fa_message record;
};

/*
 * Make op.message, which is the item with its key and the revision that it replaces, a write
 * of it. A table without a stream (or .table NULL, it is not there) is told nothing. FAAS_ENOMEM:
 * there is nothing to finish.
 */
int fa_item_write_init(struct fa_item_write *write, struct faas *rt,
		       const struct fa_change *change);
void fa_item_write_finish(struct fa_item_write *write);

/* ---- expiry.c --------------------------------------------------------------- */

int fa_expiry_create(struct fa_sources *all); /* FAAS_ENOMEM */
/* Any thread: an item was written that expires then; 0: there may be some. */
void fa_expiry_at(struct fa_sources *all, int64_t unix_ms);
/* [loop] Nothing begins any more; for each operation that is open comes fa_source_closed(). */
void fa_expiry_stop(struct fa_sources *all);

#endif
