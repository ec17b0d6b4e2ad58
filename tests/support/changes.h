/* SPDX-License-Identifier: MIT */
#ifndef TEST_CHANGES_H
#define TEST_CHANGES_H

/*
 * Every way to change what a runtime knows, as a table, for tests of what is left of a change
 * that fails: a state_dir with one of each thing in it, a row for each change of them, and all
 * that can be asked, as one text.
 */
#include <faas/faas.h>

#include <runtime.h>

struct changes_row {
	const char *name;
	const char *operation; /* faas_control()'s, with `request`; or */
	const char *request;
	int (*perform)(struct faas *rt, struct faas_error *err); /* a typed door */
	bool code;             /* packages come or go with it */
};

extern const struct changes_row changes_rows[];
extern const int changes_count;

/* Make the state_dir that all begin with; and remove it. Setup and teardown of a group. */
int changes_begin(void **state);
int changes_end(void **state);

/* A copy of it for this change, in place of the one before. */
const char *changes_folder(const struct changes_row *row);

/*
 * A runtime on this state_dir, or NULL. Its clock stands still; with a `realloc` that may fail,
 * changes_describe() has a second pass for mappings that are under way.
 */
struct faas *changes_open(const char *folder, void *(*realloc)(void *, void *, size_t, size_t),
			  void *data, struct faas_error *err);
int changes_perform(struct faas *rt, const struct changes_row *row, struct faas_error *err);

/* All that can be asked, when it has settled; free() it. */
char *changes_describe(struct faas *rt);
/* The same text without what is drawn by lot, so that two lives can be compared; in place. */
void changes_mask(char *text);

#endif
