/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_SETTINGS_H
#define FA_WORKER_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>
#include <faas/types.h>

/*
 * The strings of struct fa_nest_setup by name; `code`, `opt` (empty: no layers) and
 * `runtime_directory` (empty: none) are as the environment sees them. All borrowed from there.
 */
struct fa_settings {
	const char *code, *opt, *runtime_directory, *runtime, *file, *method, *prototype;
	const char *function, *version, *arn, *account, *region, *log_group;
	const char *log_format, *log_level;
	enum faas_level least_level; /* of log lines; what is below is not written */
	const char *initialization; /* "on-demand", or what is written over it */
	const char *variables; /* "NAME=value" each, then an empty string */
	/* Of an image; NULL: it is none. The arguments are one after the other up to the end. */
	const char *working_directory, *arguments, *end;
};

/* False if they are not as wire.h says. */
bool fa_settings_read(struct fa_settings *settings, const char *strings, uint32_t len);

/*
 * The environment variables of the function: its own, and those that Lambda
 * promises. Nothing of the program that started us is among them. One block of
 * malloc(), with room for a trace header and three of fa_settings_put(); NULL when out of memory.
 */
char **fa_settings_environ(const struct fa_settings *settings, uint32_t memory_mb);

/* "NAME=value", borrowed, instead of the variable of that name or behind the last. */
void fa_settings_put(char **variables, char *assignment);
/* The nest prepared what is the same for all; this is not. Both copy, into one place. */
void fa_settings_say_initialization(char **variables, const char *kind);
void fa_settings_say_stream(char **variables, const char *stream);

/* The value of a variable in such a block, or NULL. */
const char *fa_settings_getenv(char *const *variables, const char *name);

#endif
