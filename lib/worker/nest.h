/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_NEST_H
#define FA_WORKER_NEST_H

#include <worker/sandbox.h>

/*
 * `faas-worker nest`: the process that environments of one function are clones
 * of. On its socket (FA_FD_HOST) the supervisor tells it what to be (struct
 * fa_birth). It enters the sandbox, says so (struct fa_hello), waits until it is
 * given a function (FA_NEST_OPEN), and from then on serves the host. It never
 * loads function code. It ends with the supervisor, and with the host's end of
 * its socket.
 */
_Noreturn void fa_nest_main(void);

#endif
