/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_CTL_H
#define FA_WORKER_CTL_H

#include <sys/types.h>

#include <env/wire.h>

#define FA_CTL_FDS (2 * FA_NEWS_MAX) /* the most that one message carries */

/* Both wait if they must. 0 or -errno; the descriptors stay the caller's. */
int fa_ctl_send(int sock, const void *msg, size_t len, const int *fds, int count);

/*
 * One message of at least struct fa_ctl. Returns its length, 0 at the end, or
 * -errno; descriptors (CLOEXEC) are handed out in fds[0..*count).
 */
ssize_t fa_ctl_recv(int sock, void *msg, size_t size, int fds[FA_CTL_FDS], int *count);

/* `text`, cut to what fits. */
void fa_ctl_set_text(struct fa_ctl *ctl, const char *text);

void fa_close_all(const int *fds, int count); /* -1 is fine */

#endif
