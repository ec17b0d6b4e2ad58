/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_PROGRAM_LAUNCH_H
#define FA_WORKER_PROGRAM_LAUNCH_H

#include <netinet/in.h>
#include <sys/types.h>
#include <worker/run.h>

/* Where its Runtime API is to listen. */
struct sockaddr_in fa_launch_address(const struct fa_run *run);

/*
 * Start the bootstrap: of the runtime, else of the code, else of the layers. Its pid, or
 * FAAS_EFUNCTION with the type Runtime.InvalidEntrypoint. `frames_fd` (-1: none) is for its log.
 */
pid_t fa_launch(const struct fa_run *run, const struct sockaddr_in *api, int frames_fd,
		struct faas_error *err);

#endif
