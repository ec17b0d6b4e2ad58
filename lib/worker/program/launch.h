/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_PROGRAM_LAUNCH_H
#define FA_WORKER_PROGRAM_LAUNCH_H

#include <netinet/in.h>
#include <sys/types.h>
#include <worker/program/extensions.h>
#include <worker/program/tap.h>
#include <worker/run.h>

/* Where its Runtime API is to listen. */
struct sockaddr_in fa_launch_address(const struct fa_run *run);

/* Add to its variables what is of this environment alone. `frames_fd` (-1: none): for its log. */
void fa_launch_prepare(const struct fa_run *run, const struct sockaddr_in *api, int frames_fd);

/* What a process gets of us, -1 each: nothing. */
struct fa_launch_fds {
	int frames; /* for its log */
	int output; /* to be its standard output and error, which else are the log pipe */
};

/*
 * Start the command of the image, or the bootstrap: of the runtime, else of the code, else of
 * the layers. Its pid, or FAAS_EFUNCTION with the type Runtime.InvalidEntrypoint, or, where an
 * image has no such directory, Runtime.InvalidWorkingDir.
 */
pid_t fa_launch(const struct fa_run *run, const struct fa_launch_fds *fds, struct faas_error *err);

/*
 * Start all extensions of the layers, and open `output` for them if there are any. 0, or
 * FAAS_EFUNCTION with Extension.LaunchError.
 */
int fa_launch_extensions(const struct fa_run *run, struct fa_extensions *extensions,
			 struct fa_tap *output, struct faas_error *err);

#endif
