/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_BUCKET_H
#define FA_MODEL_BUCKET_H

#include <model/address.h>
#include <model/named.h>

#define FA_BUCKET_PATH_MAX 255
#define FA_BUCKET_KEY_MAX 1024 /* bytes, as S3 has it */

/*
 * A directory that functions may put files into: one of which the host said so. It is to S3's
 * policies the bucket of that name, and a file below it the object whose key is its path there.
 */
struct fa_bucket {
	char path[FA_BUCKET_PATH_MAX + 1];
};

/* FAAS_EINVAL: absolute, but no plain path, which is what a policy can mean. */
int fa_bucket_check(const char *path, struct faas_error *err);
/* Of such a path. FAAS_EINVAL: an option; there are none. */
int fa_bucket_read(struct fa_bucket *bucket, const char *path, const char *options,
		   struct faas_error *err);
char *fa_bucket_print(const struct fa_bucket *bucket, const struct fa_mem *mem);
/*
 * Whether a file can have that key: names of 1 to 255 bytes of UTF-8 without control characters,
 * none of them "." or "..", with a "/" between each two.
 */
bool fa_bucket_key_fits(const char *key);

#endif
