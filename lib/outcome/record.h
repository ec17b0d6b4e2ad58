/* SPDX-License-Identifier: MIT */
#ifndef FA_OUTCOME_RECORD_H
#define FA_OUTCOME_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include <faas/types.h>

/*
 * What the data path leaves behind of an invocation: numbers, no text. The
 * lines START, END, REPORT, INIT_REPORT and RESTORE_REPORT are rendered from it, and metric
 * points are counted from it, only when somebody listens, on the loop.
 */
enum fa_record_kind {
	FA_RECORD_START = 1,
	FA_RECORD_END,         /* END and REPORT */
	FA_RECORD_INIT,        /* INIT_REPORT, RESTORE_REPORT: failed, or ahead of any event */
	FA_RECORD_THROTTLE,
};

/* Where an event of a function with provisioned environments ran. */
enum fa_place {
	FA_PLACE_ANY = 0,     /* it has none */
	FA_PLACE_PROVISIONED,
	FA_PLACE_SPILLOVER,   /* all of them were in use */
};

/*
 * What every line needs comes first, what only few have last: a record is kept
 * as far as it is filled in, see fa_record_size().
 */
struct fa_record {
	uint8_t kind;          /* enum fa_record_kind */
	uint8_t timed_out, failed, init_timed_out;
	uint8_t place;         /* enum fa_place */
	uint8_t restored;      /* what is called init was the restore of a snapshot */
	uint8_t cold;          /* of a start: init comes first */
	uint8_t ahead;         /* of an init: it belongs to no invocation */
	uint8_t suppressed;    /* of an init: it is a part of the invocation */
	int64_t unix_ms;
	char request_id[40];   /* zero behind its end */
	const char *trace;     /* its header, as the function saw it; NULL: it is not told of */

	/* not of FA_RECORD_START */
	int64_t start_ms;      /* of an end: START, too, is told by this record; 0: it was told */
	int32_t memory_mb;
	int32_t concurrency;   /* of the function, when it was made */
	int64_t duration_ns, init_ns;
	int64_t billed_ms;
	int64_t peak_kb;
	int32_t unreserved;    /* of all that reserve nothing, without what is provisioned */
	int32_t claimed;       /* of the account: by these, and what is reserved and provisioned */
	int32_t provisioned, provisioned_in_use;
	uint32_t produced;     /* bytes of the answer */
	char error_type[64];   /* "" on success and timeout, and then one byte of it is kept */
};

/* The bytes of a record of this kind whose error_type has so many. */
static inline size_t fa_record_size(enum fa_record_kind kind, size_t type_len)
{
	return kind == FA_RECORD_START ? offsetof(struct fa_record, memory_mb) :
					 offsetof(struct fa_record, error_type) + type_len + 1;
}

#define FA_REPORT_MAX 512
#define FA_LINE_VERSION_MAX 128
#define FA_LINE_MEMORY_MAX 96

/*
 * The lines of one version's events, one after the other. They differ in ids and numbers
 * alone, so what they share stays where it was written for the one before.
 */
struct fa_lines {
	char version[FA_LINE_VERSION_MAX + 1];
	size_t id_len;         /* of the ids that there is room for; SIZE_MAX: not laid out */
	size_t start_len, end_len, report_len; /* of a report as far as its first number */
	int64_t memory_mb, peak_mb;
	size_t memory_len;     /* of what `memory` says of these */
	char memory[FA_LINE_MEMORY_MAX];
	char start[FA_LINE_VERSION_MAX + 80], end[80];
	char report[FA_REPORT_MAX];
};

/* Before the first. */
void fa_lines_init(struct fa_lines *lines);
/* The next ones are of this version: copied, its first FA_LINE_VERSION_MAX bytes. */
void fa_lines_version(struct fa_lines *lines, const char *version);
/*
 * The lines of this record come next: its START, END and REPORT. Each is without the
 * newline at its end, but has a NUL behind it, and is shorter than FA_REPORT_MAX; they last
 * until the next record.
 */
void fa_lines_record(struct fa_lines *lines, const struct fa_record *record);
static inline struct faas_bytes fa_lines_start(const struct fa_lines *lines)
{
	return (struct faas_bytes){ lines->start, lines->start_len };
}
static inline struct faas_bytes fa_lines_end(const struct fa_lines *lines)
{
	return (struct faas_bytes){ lines->end, lines->end_len };
}
struct faas_bytes fa_lines_report(struct fa_lines *lines, const struct fa_record *record);
/* Written to `out`, which has FA_REPORT_MAX bytes; returns the length. */
size_t fa_render_init_report(char *out, const struct fa_record *record);
/* The type of its error as the platform names it. */
const char *fa_record_error_type(const struct fa_record *record);

#endif
