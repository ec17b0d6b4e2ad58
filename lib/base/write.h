/* SPDX-License-Identifier: MIT */
#ifndef FA_WRITE_H
#define FA_WRITE_H

#include <stddef.h>

/* All of them are written, or -1 and errno: a signal is no reason to stop. */
int fa_write_all(int fd, const void *data, size_t len);

#endif
