/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_PROGRAM_TAP_H
#define FA_WORKER_PROGRAM_TAP_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Standard output and error of processes that somebody may listen to: a pipe to us. What comes
 * goes on to the host's log as it is, whole lines together, and each line to the listener.
 */

#define FA_TAP_LINE 16384 /* longer ones are told in pieces */

/* A line or a piece of one, without its end. */
typedef void fa_tap_line_fn(void *data, const char *line, size_t len);

struct fa_tap {
	int fd, writer; /* to read; for the processes to write, until they have it; -1: none */
	int log_fd;
	fa_tap_line_fn *line;
	void *data;
	char held[FA_TAP_LINE];
	size_t len;
};

/* Before it is opened, or if it cannot be, it has no descriptors. */
void fa_tap_init(struct fa_tap *tap, int log_fd, fa_tap_line_fn *line, void *data);
void fa_tap_open(struct fa_tap *tap);
/* The processes have their end. */
void fa_tap_given(struct fa_tap *tap);
/* What there is by now; whole lines of it are told. */
void fa_tap_read(struct fa_tap *tap);
/* The same, and the beginning of a line is told, too: an event ends here. */
void fa_tap_flush(struct fa_tap *tap);

#endif
