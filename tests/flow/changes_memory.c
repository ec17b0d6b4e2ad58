/* SPDX-License-Identifier: MIT */
/*
 * What a change leaves for which there is no memory. In each change of the table the 1st, the
 * 2nd, ... the N-th allocation fails, once or with all after it. Then what is told by the
 * runtime is what was before or what was to be, whole; an error says so; the next runtime tells
 * the same; and nothing leaks.
 *
 * FAAS_FAULT_ALL=1: each allocation, not some of them; FAAS_FAULT_ROW: only of this change.
 */
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "support/changes.h"
#include "support/failing_mem.h"

#define STRIDE (5 * TEST_FEWER)

static struct failing_mem mem;

static struct faas *open_runtime(const char *folder)
{
	struct faas_error err = { 0 };
	struct faas *rt;

	failing_mem_init(&mem);
	rt = changes_open(folder, failing_realloc, &mem, &err);
	if (!rt)
		fail_msg("%s", err.message);
	return rt;
}

static void close_runtime(struct faas *rt)
{
	assert_int_equal(faas_destroy(rt), 0);
	assert_true(failing_mem_clean(&mem));
}

/* 0: from now on all is there. */
static void fail_at(size_t n, bool and_all_after)
{
	pthread_mutex_lock(&mem.lock);
	mem.calls = mem.failed = 0;
	mem.and_all_after = and_all_after;
	mem.fail_at = n;
	pthread_mutex_unlock(&mem.lock);
}

static bool has_failed(void)
{
	bool failed;

	pthread_mutex_lock(&mem.lock);
	failed = mem.failed > 0;
	pthread_mutex_unlock(&mem.lock);
	return failed;
}

/* The first line in which they differ. */
static void say_difference(const char *text, const char *like)
{
	while (*text && *text == *like)
		text++, like++;
	print_message("# %.300s\n# and not\n# %.300s\n", text, like);
}

static bool is(const char *text, const char *like)
{
	char *copy = strdup(text);
	bool same;

	changes_mask(copy);
	same = !strcmp(copy, like);
	free(copy);
	return same;
}

/* Without how what takes its time has ended. */
static void mask_ends(char *text)
{
	static const char *const ends[] = { "\"State\":", "\"LastUpdateStatus\":",
					    "\"AvailableProvisioned" };

	changes_mask(text);
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		for (char *at = text; (at = strstr(at, ends[i]));)
			memmove(at, at + strcspn(at, "}"), strlen(at + strcspn(at, "}")) + 1);
}

static bool is_but_for_its_end(const char *text, const char *like)
{
	char *copy = strdup(text), *other = strdup(like);
	bool same;

	mask_ends(copy);
	mask_ends(other);
	same = !strcmp(copy, other);
	free(copy);
	free(other);
	return same;
}

/*
 * It was answered for, and what takes its time had no memory then: the state says so, with
 * the reason, and what serves is what was.
 */
static bool has_failed_later(const char *now, const char *before, const char *new)
{
	if (strstr(now, "\"LastUpdateStatus\":\"Failed\","
			"\"LastUpdateStatusReason\":\"out of memory\""))
		return is_but_for_its_end(now, before);
	if (strstr(now, "\"State\":\"Failed\",\"StateReason\":\"out of memory\"") ||
	    strstr(now, "\"Status\":\"FAILED\",\"StatusReason\":\"out of memory\"") ||
	    strstr(now, "\"Status\":\"FAILED\",\"StatusReason\":\"the environment could not be "
			"made: Cannot allocate memory\""))
		return is_but_for_its_end(now, new);
	return false;
}

/* An error says that nothing has changed, or that it has and only the answer is missing. */
static bool is_as_told(int rc, const struct faas_error *err, const char *now,
		       const char *before, const char *new)
{
	bool done = !rc || !strncmp(err->message, "it is done, but", 15);

	if (!done)
		return !strcmp(now, before);
	return is(now, new) || has_failed_later(now, before, new);
}

/* What is to come of it. */
static char *learn(const struct changes_row *row)
{
	struct faas *rt = open_runtime(changes_folder(row));
	struct faas_error err = { 0 };
	char *new;

	if (changes_perform(rt, row, &err))
		fail_msg("%s: %s", row->name, err.message);
	new = changes_describe(rt);
	changes_mask(new);
	close_runtime(rt);
	return new;
}

/* Closes it, and the next one tells the same. */
static void check_next(const struct changes_row *row, size_t n, struct faas *rt,
		       const char *folder, const char *now)
{
	char *next;

	close_runtime(rt);
	rt = open_runtime(folder);
	next = changes_describe(rt);
	if (strcmp(next, now) != 0 && !is_but_for_its_end(next, now)) {
		say_difference(next, now);
		fail_msg("%s, allocation %zu: the next program says something else", row->name, n);
	}
	close_runtime(rt);
	free(next);
}

/* Until it comes about: what failed changed nothing, so the same runtime is asked again. */
static size_t try_from(const struct changes_row *row, size_t n, size_t stride, bool and_all_after,
		       const char *new, bool *over)
{
	const char *folder = changes_folder(row);
	struct faas *rt = open_runtime(folder);
	char *before = changes_describe(rt), *now = strdup(before);
	int rc = FAAS_ENOMEM;

	for (; rc && !strcmp(now, before); n += stride) {
		struct faas_error err = { 0 };

		free(now);
		fail_at(n, and_all_after);
		rc = changes_perform(rt, row, &err);
		*over = !has_failed();
		fail_at(0, false);
		now = changes_describe(rt);
		if (rc && rc != FAAS_ENOMEM && rc != FAAS_ESYSTEM) /* the store says not why */
			fail_msg("%s, allocation %zu: %d, %s", row->name, n, rc, err.message);
		if (!is_as_told(rc, &err, now, before, new)) {
			say_difference(now, before);
			fail_msg("%s, allocation %zu: %d, %s, and half of it is there", row->name,
				 n, rc, err.message);
		}
		assert_true(n < 2000);
	}
	check_next(row, n - stride, rt, folder, now);
	free(now);
	free(before);
	return n;
}

static void try_all(bool and_all_after)
{
	const char *only = getenv("FAAS_FAULT_ROW");
	size_t stride = getenv("FAAS_FAULT_ALL") ? 1 : STRIDE;

	for (int i = 0; i < changes_count; i++) {
		const struct changes_row *row = &changes_rows[i];
		bool over = only && strcmp(only, row->name);
		char *new = over ? NULL : learn(row);

		for (size_t n = 1 + (size_t)i % stride; !over;)
			n = try_from(row, n, stride, and_all_after, new, &over);
		free(new);
	}
}

TEST(a_change_without_memory_for_one_thing_is_whole_or_has_not_happened)
{
	try_all(false);
}

TEST(a_change_without_memory_from_some_point_is_whole_or_has_not_happened)
{
	try_all(true);
}

/* ---- and the next program ------------------------------------------------ */

/* False: nothing failed. */
static bool is_refused_and_not_found(const struct changes_row *row, size_t n)
{
	const char *folder = changes_folder(row);
	struct faas *rt = open_runtime(folder);
	struct faas_error err = { 0 };
	char *now;
	bool failed;

	fail_at(n, false);
	changes_perform(rt, row, &err);
	failed = has_failed();
	fail_at(0, false);
	now = changes_describe(rt);
	check_next(row, n, rt, folder, now);
	free(now);
	return failed;
}

/* What fails last may fail behind the commit: a program of its own for each allocation. */
TEST(a_resource_for_which_there_was_no_memory_is_not_found_by_the_next_program)
{
	int resources = 0;

	for (int i = 0; i < changes_count; i++) {
		if (!changes_rows[i].perform)
			continue;
		resources++;
		for (size_t n = 1; is_refused_and_not_found(&changes_rows[i], n); n++)
			assert_true(n < 200);
	}
	assert_true(resources >= 3);
}

/* ---- a program begins ---------------------------------------------------- */

/* False: nothing failed any more. */
static bool begin_without(const char *folder, size_t n, bool and_all_after, const char *like)
{
	struct faas_error err = { 0 };
	struct faas *rt;
	char *text;
	bool failed;

	failing_mem_init(&mem);
	fail_at(n, and_all_after);
	rt = changes_open(folder, failing_realloc, &mem, &err);
	failed = has_failed();
	fail_at(0, false);
	if (!rt) {
		assert_true(failed);
		assert_string_not_equal(err.message, "");
		assert_true(failing_mem_clean(&mem));
		return true;
	}
	text = changes_describe(rt);
	if (strcmp(text, like) != 0) {
		say_difference(text, like);
		fail_msg("allocation %zu failed, and the program began with something else", n);
	}
	free(text);
	close_runtime(rt);
	return failed;
}

TEST(a_program_that_begins_without_memory_has_all_that_was_or_does_not_begin)
{
	size_t stride = getenv("FAAS_FAULT_ALL") ? 1 : STRIDE, n = 1;
	const char *folder = changes_folder(&changes_rows[0]);
	struct faas *rt = open_runtime(folder);
	char *like = changes_describe(rt);

	close_runtime(rt);
	while (begin_without(folder, n, n / stride % 2, like))
		n += stride;
	assert_true(n > 100);
	free(like);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_program_that_begins_without_memory_has_all_that_was_or_does_not_begin),
		cmocka_unit_test(
			a_change_without_memory_for_one_thing_is_whole_or_has_not_happened),
		cmocka_unit_test(
			a_change_without_memory_from_some_point_is_whole_or_has_not_happened),
		cmocka_unit_test(
			a_resource_for_which_there_was_no_memory_is_not_found_by_the_next_program),
	};

	return cmocka_run_group_tests(tests, changes_begin, changes_end);
}
