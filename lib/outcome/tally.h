/* SPDX-License-Identifier: MIT */
#ifndef FA_OUTCOME_TALLY_H
#define FA_OUTCOME_TALLY_H

#include <faas/faas.h>
#include <outcome/record.h>

struct fa_version;

/*
 * Sums of metric points per version and name. It lives for one round of telling,
 * on the stack; what finds no place is told earlier instead, as a point of its
 * own: points are sums, so more of them say the same.
 */
#define FA_TALLY_ROWS 32
#define FA_TALLY_POINTS 8

struct fa_point {
	const char *name, *unit;
	double sum, minimum, maximum;
	uint64_t count;
	int64_t time_ms; /* of the first */
};

/* The metrics of invocations are whole numbers until they are told. */
enum fa_gauge_kind {
	FA_GAUGE_DURATION,
	FA_GAUGE_CONCURRENCY,
	FA_GAUGE_UNRESERVED,
	FA_GAUGE_CLAIMED,
	FA_GAUGES
};

struct fa_gauge {
	int64_t sum, minimum, maximum;
};

struct fa_tally_row {
	struct fa_version *version; /* one reference */
	uint64_t invocations, errors;
	int64_t time_ms; /* of the first invocation */
	struct fa_gauge gauges[FA_GAUGES];
	int used;
	struct fa_point points[FA_TALLY_POINTS];
};

struct fa_tally {
	void (*on_metric)(void *data, const struct faas_metric *metric);
	void *data;
	int used, last;
	struct fa_tally_row rows[FA_TALLY_ROWS];
};

void fa_tally_init(struct fa_tally *tally,
		   void (*on_metric)(void *data, const struct faas_metric *metric), void *data);
/* Count what a record means: FA_RECORD_END and FA_RECORD_THROTTLE. */
void fa_tally_record(struct fa_tally *tally, struct fa_version *version,
		     const struct fa_record *record);
void fa_tally_add(struct fa_tally *tally, struct fa_version *version, const char *name,
		  const char *unit, double value, int64_t time_ms);
/* Tell all and be empty. */
void fa_tally_tell(struct fa_tally *tally);

#endif
