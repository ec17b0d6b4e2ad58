/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_SUPERVISOR_H
#define FA_WORKER_SUPERVISOR_H

/*
 * `faas-worker supervise`: makes nests for the host on FA_SUPERVISOR_FD until
 * that closes or the host is gone, then ends everything below it and returns
 * the exit status. Has one thread and sleeps without a timeout.
 */
int fa_supervise(void);

#endif
