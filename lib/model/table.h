/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_TABLE_H
#define FA_MODEL_TABLE_H

#include <model/named.h>
#include <model/stream.h>

#define FA_TABLE_NAME_MAX 255
#define FA_TABLE_SHARDS 4     /* of its change stream, as a table that is new has partitions */
#define FA_TABLE_RETENTION_H 24
#define FA_TABLE_LABEL 24     /* "2026-11-27T10:04:05.678", with its NUL */

/* What of an item its change stream tells. */
enum fa_table_view {
	FA_VIEW_NONE,         /* there is no stream */
	FA_VIEW_KEYS,
	FA_VIEW_NEW,
	FA_VIEW_OLD,
	FA_VIEW_BOTH,
};

/* The name of an attribute that is part of the key, and its type: 'S', 'N' or 'B'. */
struct fa_table_key {
	char name[FA_TABLE_NAME_MAX + 1];
	char type;
};

struct fa_table {
	char name[FA_TABLE_NAME_MAX + 1];
	struct fa_table_key keys[2];         /* the partition key, and perhaps the sort key */
	int key_count;
	enum fa_table_view view;
	char expires[FA_TABLE_NAME_MAX + 1]; /* attribute with the time to live; "": none has */
	char label[FA_TABLE_LABEL];          /* of its stream: when the table was made */
};

/* The name behind "table:", or of an ARN of a table of DynamoDB or its stream; false: none. */
bool fa_table_name(char out[FA_TABLE_NAME_MAX + 1], const char *address);

/* Read what DynamoDB says of a table when it makes one, as JSON. FAAS_EINVAL. */
int fa_table_read(struct fa_table *table, const char *name, const char *options,
		  struct faas_error *err);
/* The other way, fa_free(); NULL: out of memory. */
char *fa_table_print(const struct fa_table *table, const struct fa_mem *mem);
/* "NEW_AND_OLD_IMAGES", ... */
const char *fa_table_view_name(enum fa_table_view view);

#endif
