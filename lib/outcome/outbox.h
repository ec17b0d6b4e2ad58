/* SPDX-License-Identifier: MIT */
#ifndef FA_OUTCOME_OUTBOX_H
#define FA_OUTCOME_OUTBOX_H

#include <model/store/store.h>

/*
 * A message as a file in a directory, under the key that Lambda gives it in a bucket of S3:
 *   aws/lambda/async/FUNCTION/2026/11/27/2026-11-27T18.40.00-ID   how an event of it ended
 *   aws/lambda/MAPPING/SHARD/2026/11/27/...                       records that were given up
 *   2026/11/27/2026-11-27T18.40.00-ID                             any other
 * ID is the request's, else one that is the same for the same message. So what is written once
 * more, because the program ended before it knew, has the same name and replaces the first.
 */
#define FA_OUTBOX_KEY 256

void fa_outbox_key(char out[FA_OUTBOX_KEY], const struct fa_message *message);
/*
 * It is there whole, and on the disk, or not at all. Waits for the disk. FAAS_ESYSTEM: the
 * directory is not there, or cannot be written.
 */
int fa_outbox_write(const char *directory, const struct fa_message *message,
		    struct faas_error *err);
/* The same under a key of the caller's that fa_bucket_key_fits(); one that is there is replaced. */
int fa_outbox_put(const char *directory, const char *key, struct faas_bytes body,
		  struct faas_error *err);

#endif
