/* SPDX-License-Identifier: MIT */
#ifndef FA_BASE_TARBALL_H
#define FA_BASE_TARBALL_H

#include <sys/types.h>
#include <base/archive_entry.h>
#include <base/mem.h>

/*
 * A layer of a container image: a tar, or one in gzip or zstd, read from a descriptor entry
 * by entry. Nobody is trusted who made it: what comes out are plain relative names of files,
 * directories and links, or a refusal. Names may come twice, and links lead wherever the image
 * wants them to: whoever writes them follows none. Of whiteouts nothing is known here.
 * libarchive is behind it. Only faas-unpack has it.
 */
struct fa_tarball;

/* `fd` is read from where it stands, and stays the caller's. NULL: FAAS_EINVAL, FAAS_ENOMEM. */
struct fa_tarball *fa_tarball_open(const struct fa_mem *mem, int fd, struct faas_error *err);
void fa_tarball_close(struct fa_tarball *tar); /* NULL is fine */

/* 1: there is another entry, borrowed until the next call; 0: there is none; else an error. */
int fa_tarball_next(struct fa_tarball *tar, struct fa_archive_entry *entry, struct faas_error *err);
/* Bytes of the entry's file; 0 at its end, which came where it was announced; else an error. */
ssize_t fa_tarball_read(struct fa_tarball *tar, void *to, size_t len, struct faas_error *err);

#endif
