/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_ITEM_H
#define FA_MODEL_ITEM_H

#include <base/json.h>
#include <base/text.h>
#include <model/table.h>

/*
 * Items: objects of attributes, each an object of its type and a value, as DynamoDB writes
 * them: {"Id":{"N":"101"},"Tags":{"SS":["a","b"]}}. Types are S, N, B, BOOL, NULL, M, L, SS,
 * NS and BS.
 */
#define FA_ITEM_MAX 409600    /* bytes, by DynamoDB's count */
#define FA_ITEM_HASH_MAX 2048 /* bytes of a partition key's value */
#define FA_ITEM_RANGE_MAX 1024

/* What an item is known by: numbers are the same however they are written. */
struct fa_item_key {
	char hash[FA_ITEM_HASH_MAX + 1], range[FA_ITEM_RANGE_MAX + 1];
	size_t hash_len, range_len;
};

struct fa_item {
	struct fa_json json;    /* borrowed */
	struct fa_item_key key;
	size_t size;            /* by DynamoDB's count */
	int64_t expires_s;      /* Unix time; 0: it never does */
};

/* Of `text`, which stays: a whole item, or only the key of one. FAAS_EINVAL, FAAS_ETOOLARGE. */
int fa_item_read(struct fa_item *item, const struct fa_table *table, const char *text,
		 struct faas_error *err);
int fa_item_read_key(struct fa_item *item, const struct fa_table *table, const char *text,
		     struct faas_error *err);

/* ---- what is told of a change ------------------------------------------- */

/*
 * The body of a record: a letter, I, M or R, or T for what expired, and the members of
 * "dynamodb" that are known before it has a number. `from` or `to` with .text NULL: there
 * was none, or is none any more.
 */
struct fa_change {
	const struct fa_table *table;
	struct fa_json from, to;
	bool expired;
};

/* Allocated; .data NULL: out of memory. */
struct faas_bytes fa_change_write(const struct fa_change *change, const struct fa_mem *mem);

#endif
