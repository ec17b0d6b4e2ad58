/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_STREAM_H
#define FA_MODEL_STREAM_H

#include <model/address.h>
#include <model/named.h>

#define FA_STREAM_SHARDS_MAX 1000
#define FA_STREAM_KEY_MAX 256     /* characters of a partition key */
#define FA_STREAM_NAME_MAX 128

/* A stream has to be made before it is written to, as Kinesis has it. */
struct fa_stream {
	char name[FA_STREAM_NAME_MAX + 1];
	int shards;                    /* 1; 1..1000 */
	int retention_h;               /* 24; 24..8760 */
};

/* The name behind "stream:", or of an ARN of Kinesis; NULL: it is none. */
const char *fa_stream_name(const char *address);
bool fa_stream_fits(const char *name);

/* Read what Kinesis says of a stream when it makes one, as JSON; NULL: nothing. */
int fa_stream_read(struct fa_stream *stream, const char *name, const char *options,
		   struct faas_error *err);
/* The other way, fa_free(); NULL: out of memory. */
char *fa_stream_print(const struct fa_stream *stream, const struct fa_mem *mem);

/*
 * Where a partition key belongs: of the MD5 of the key as a number of 128 bits, each shard has
 * an equal range. `hash` is other bits of it, for those who divide a shard.
 */
int fa_stream_shard(int shards, const void *key, size_t len, uint32_t *hash);

/* "shardId-000000000007" */
#define FA_SHARD_ID 24
void fa_shard_id(char out[FA_SHARD_ID], int shard);

#endif
