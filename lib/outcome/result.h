/* SPDX-License-Identifier: MIT */
#ifndef FA_OUTCOME_RESULT_H
#define FA_OUTCOME_RESULT_H

#include <base/mem.h>
#include <faas/faas.h>
#include <model/job.h>
#include <outcome/outcome.h>

struct fa_version;

/* Numbers and borrowed strings of a result; payload and log tail are left to the caller. */
void fa_result_fill(struct faas_result *result, const struct fa_outcome *outcome,
		    const struct fa_job *job, const struct fa_version *version);

/*
 * One block with everything in it, for faas_free(). The payload is copied here,
 * once, out of the environment. NULL: out of memory.
 */
struct faas_result *fa_result_create(const struct fa_mem *mem, const struct fa_outcome *outcome,
				     const struct fa_job *job, const struct fa_version *version,
				     struct faas_bytes log_tail);

#endif
