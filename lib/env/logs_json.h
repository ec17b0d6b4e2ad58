/* SPDX-License-Identifier: MIT */
#ifndef FA_ENV_LOGS_JSON_H
#define FA_ENV_LOGS_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <env/logs.h>

/* A line of so many bytes, each of which may need six, and what is put around it. */
#define FA_LOG_JSON_MAX(len) (6 * (size_t)(len) + 256)

/*
 * A line of a function whose log format is JSON (semantics 11.2). One that is a JSON
 * object with a level of its own has that one; *level is -1 for plain output
 * and becomes what counts.
 */
struct fa_json_line {
	int64_t unix_ms;
	const char *request_id; /* "": outside an invocation */
	int *level;
	bool made; /* as JSON, by the runtime: the level is the record's, not of a text in it */
};

/* Returns the line to be delivered and its length: `text` itself, or it wrapped, in `room`. */
const char *fa_logs_json(const struct fa_json_line *line, const char *text, size_t *len,
			 char *room);

#endif
