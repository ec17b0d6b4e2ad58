/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_OUTPUT_H
#define FA_WORKER_OUTPUT_H

#include <stdint.h>
#include <faas/types.h>

/* The log pipe, and standard output and error on it. */

/* Give both line buffers of ours; clones keep them. */
void fa_output_prepare(void);
/* Make the pipe descriptors 1 and 2. */
void fa_output_init(int log_fd);

/* One line of faas_log() as wire.h frames it; longer text is cut. The bytes written. */
uint32_t fa_output_log(int log_fd, enum faas_level level, const char *text);

/* Flush both streams, and guess how much went through them since the last time. */
uint32_t fa_output_flush(void);

/* What fa_output_flush() will look at is on its way, see warm.h. */
void fa_output_warm(void);

#endif
