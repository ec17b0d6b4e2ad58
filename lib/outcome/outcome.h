/* SPDX-License-Identifier: MIT */
#ifndef FA_OUTCOME_OUTCOME_H
#define FA_OUTCOME_OUTCOME_H

#include <faas/faas.h>
#include <model/job.h>

struct fa_version;

/*
 * From the verdict on a job to what the caller is told: the code, the error
 * type and the error body, letter for letter as Lambda writes it (semantics
 * 5.4). Pure; works into the caller's struct.
 */
struct fa_outcome {
	int code;               /* enum faas_code */
	char error_type[64];    /* also in the REPORT line */
	const char *status;     /* of the REPORT line: "success", "error", "timeout" */
	struct faas_bytes payload; /* the job's answer, or `body` */
	char body[512];
	int64_t billed_ms;
	double gb_seconds, cost;
};

void fa_outcome_judge(struct fa_outcome *outcome, const struct fa_job *job,
		      const struct fa_version *version, const struct faas_prices *prices);

/* Duration and init together, rounded up to the millisecond (semantics 11.4). */
int64_t fa_billed_ms(int64_t duration_ns, int64_t init_ns);
double fa_gb_seconds(int memory_mb, int64_t billed_ms);
double fa_cost(const struct faas_prices *prices, double gb_seconds);

#endif
