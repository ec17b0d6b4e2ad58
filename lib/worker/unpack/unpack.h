/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_UNPACK_H
#define FA_WORKER_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Say what is in a ZIP in the words of base/unpacked.h, or only (`judge`) whether it is
 * one. False: nobody listens any more.
 */
bool fa_unpack(int out, const void *zip, size_t len, bool judge);
/* The same of a tar, or one in gzip or zstd, read from `in`: a layer of an image. */
bool fa_unpack_tar(int out, int in);

/*
 * For the rest of its life this process computes: it reads, and writes to what it has
 * open. No file, socket, process or signal is within its reach, nor more memory and time
 * than a package takes; of time, `cpu_s`. What the machine does not have of this is
 * left out, as it is for environments; the isolation report tells. `uid` 0: stay who you are.
 * 0 or -errno.
 */
int fa_unpack_confine(uint32_t uid, unsigned cpu_s);

#define FA_UNPACK_ZIP_S 60     /* the largest package takes two or three */
#define FA_UNPACK_TAR_S 600   /* forty times as large, and two or three times as slow */

/* A process that was asked for something it cannot do says so, once it can speak. */
void fa_unpack_refuse(int out, int code, const char *text);

#endif
