/* SPDX-License-Identifier: MIT */
#ifndef FA_OUTCOME_RECORD_JSON_H
#define FA_OUTCOME_RECORD_JSON_H

#include <faas/types.h>
#include <model/trace.h>
#include <outcome/record.h>

struct fa_version;

#define FA_JSON_RECORD_MAX (1024 + 6 * FA_TRACE_MAX) /* were all of a header escaped */

/*
 * What the platform says of a function whose log format is JSON (semantics 11.2):
 * the events that a record stands for, in their order, without those below the
 * function's level. `text` is valid until `line` returns.
 */
typedef void (*fa_json_line_fn)(void *data, enum faas_level level, const struct fa_record *record,
				const char *text, size_t len);

void fa_render_json(const struct fa_record *record, const struct fa_version *version,
		    fa_json_line_fn line, void *data);
/* platform.logsDropped; returns the length. */
size_t fa_render_json_dropped(char out[FA_JSON_RECORD_MAX], int64_t unix_ms, uint64_t bytes);

#endif
