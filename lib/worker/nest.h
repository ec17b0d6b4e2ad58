/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_NEST_H
#define FA_WORKER_NEST_H

#include <worker/sandbox.h>

/*
 * The process that environments of one function are clones of. It enters the
 * sandbox, tells the supervisor so (struct fa_hello), waits until it is given a
 * function (FA_NEST_OPEN), and from then on serves the host. It never loads
 * function code. It ends with the supervisor, and with the host's end of its socket.
 */
_Noreturn void fa_nest_main(struct fa_birth *birth);

#endif
