/* SPDX-License-Identifier: MIT */
/*
 * What a change leaves when the disk fails under it. Each change of the table meets a fault at
 * its 1st, 2nd, ... N-th operation on the disk: it is killed there, the power fails, a write or
 * a sync fails. Then what is told by the runtime is what was before or what was to be, whole;
 * an error says so, and gives back what was claimed of the account; and the next runtime tells
 * the same, also if the power fails, once the disk has taken anything again.
 *
 * FAAS_FAULT_ALL=1: each fault at each operation, not some of them; see tests/crash.
 */
#include "support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support/changes.h"
#include "support/fault_vfs.h"

static const struct fault_plan healthy = { .fault = FAULT_NONE };

/* What all was, exactly, and what it is to be, without what is drawn by lot. */
static struct learned {
	char *before, *new;
	long ops; /* on the disk */
} learned[64];
static const char *before, *new; /* of the change that is tried */

static char *masked(const char *text)
{
	char *copy = strdup(text);

	changes_mask(copy);
	return copy;
}

/* It is like that, but for what is drawn by lot. */
static bool is(const char *text, const char *like)
{
	char *copy = masked(text);
	bool same = !strcmp(copy, like);

	free(copy);
	return same;
}

/* The first line in which they differ. */
static void say_difference(const char *text, const char *like)
{
	while (*text && *text == *like)
		text++, like++;
	print_message("# %.200s\n# and not\n# %.200s\n", text, like);
}

static struct faas *open_runtime(const char *folder)
{
	struct faas_error err = { 0 };
	struct faas *rt;

	fault_vfs_install(&healthy);
	rt = changes_open(folder, NULL, NULL, &err);
	if (!rt)
		fail_msg("%s", err.message);
	return rt;
}

/* Bytes of the account's code storage. */
static int64_t used_by(struct faas *rt)
{
	int64_t most;

	return fa_packages_used(&rt->packages, &most);
}

/* A thread or the loop may have some of it still. */
static void check_claim(const struct changes_row *row, struct faas *rt, int64_t used)
{
	for (int ms = 0; ms < 10000 && used_by(rt) != used; ms++)
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	if (used_by(rt) != used)
		fail_msg("%s: %lld bytes of code are claimed, and %lld are there", row->name,
			 (long long)used_by(rt), (long long)used);
}

static char *describe_next(const char *folder)
{
	struct faas *rt = open_runtime(folder);
	char *text = changes_describe(rt);

	assert_int_equal(faas_destroy(rt), 0);
	return text;
}

static void learn(const struct changes_row *row, struct learned *out)
{
	const char *folder = changes_folder(row);
	struct faas *rt = open_runtime(folder);
	struct faas_error err = { 0 };
	char *after, *next;

	out->before = changes_describe(rt);
	fault_vfs_plan(&healthy);
	if (changes_perform(rt, row, &err))
		fail_msg("%s: %s", row->name, err.message);
	after = changes_describe(rt);
	out->ops = fault_vfs_ops();
	out->new = masked(after);
	assert_int_equal(faas_destroy(rt), 0);
	next = describe_next(folder);
	if (strcmp(next, after) != 0) {
		say_difference(next, after);
		fail_msg("%s: the next program says something else", row->name);
	}
	if (!out->ops || is(out->before, out->new))
		fail_msg("%s: nothing that could be asked has changed", row->name);
	free(after);
	free(next);
}

/* How many operations on the disk it is. */
static long begin(int row)
{
	struct learned *l = &learned[row];

	assert_true(row < (int)(sizeof(learned) / sizeof(*learned)));
	if (!l->ops)
		learn(&changes_rows[row], l);
	before = l->before;
	new = l->new;
	return l->ops;
}

static int forget(void **state)
{
	for (int i = 0; i < changes_count; i++) {
		free(learned[i].before);
		free(learned[i].new);
	}
	return changes_end(state);
}

/* ---- an operation fails -------------------------------------------------- */

static void check_error(const struct changes_row *row, long n, int rc,
			const struct faas_error *err)
{
	if ((rc != FAAS_ESYSTEM && rc != FAAS_EUNKNOWN) || !strstr(err->message, "be written"))
		fail_msg("%s, %ld: %d, %s", row->name, n, rc, err->message);
}

/* The disk works again before the program ends: then it has what was told. */
static void check_next(const struct changes_row *row, const struct fault_plan *plan,
		       const char *folder, int rc, const char *now, int64_t used)
{
	struct faas *rt = open_runtime(folder);
	char *next = changes_describe(rt);

	if (rc)
		check_claim(row, rt, used);
	assert_int_equal(faas_destroy(rt), 0);
	if (strcmp(next, now) != 0) {
		say_difference(next, now);
		fail_msg("%s, fault %d at %ld: %d, and the next program says something else",
			 row->name, plan->fault, plan->at, rc);
	}
	free(next);
}

/* An error says that nothing has changed. */
static bool is_as_told(int rc, const char *now)
{
	return rc ? !strcmp(now, before) : is(now, new);
}

static void fail_once(const struct changes_row *row, const struct fault_plan *plan)
{
	const char *folder = changes_folder(row);
	struct faas *rt = open_runtime(folder);
	struct faas_error err = { 0 };
	int64_t used = used_by(rt);
	char *now;
	int rc;

	fault_vfs_plan(plan);
	rc = changes_perform(rt, row, &err);
	now = changes_describe(rt);
	if (rc && rc != FAAS_EUNKNOWN) /* else the next program may need it */
		check_claim(row, rt, used);
	fault_vfs_plan(&healthy);
	if (rc)
		check_error(row, plan->at, rc, &err);
	if (!is_as_told(rc, now)) {
		say_difference(now, rc ? before : new);
		fail_msg("%s, fault %d at %ld: %d, %s, and that is not so", row->name,
			 plan->fault, plan->at, rc, err.message);
	}
	assert_int_equal(faas_destroy(rt), 0);
	check_next(row, plan, folder, rc, now, used);
	free(now);
}

/* ---- the program ends ----------------------------------------------------- */

static long unsure; /* of these changes it was not known whether they had been written */

/* Shared with the child that is ended: what it was told, if the disk came back after that. */
static struct told {
	bool came_back;
	int rc;
} *told;

/* Something, anything, is on the disk: what was written before it is not unsure any more. */
static void come_back(struct faas *rt)
{
	struct fa_store_op op = { .verb = FA_STORE_TAIL };

	fault_vfs_plan(&healthy);
	assert_int_equal(fa_store_perform(rt->durable.store, &op), FA_STORE_DONE);
	told->came_back = true;
}

static void be_ended(const struct changes_row *row, const struct fault_plan *plan,
		     const char *folder)
{
	struct faas *rt = open_runtime(folder);
	struct faas_error err = { 0 };

	fault_vfs_plan(plan);
	told->rc = changes_perform(rt, row, &err);
	free(changes_describe(rt));
	if (plan->fault == FAULT_EIO)
		come_back(rt);
	fault_vfs_power_off();
}

static bool may_be_next(const char *next)
{
	if (told->came_back)
		return is_as_told(told->rc, next);
	return !strcmp(next, before) || is(next, new);
}

static void end_once(const struct changes_row *row, const struct fault_plan *plan)
{
	const char *folder = changes_folder(row);
	char *next;
	int status;
	pid_t pid;

	fflush(NULL);
	*told = (struct told){ .came_back = false };
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		be_ended(row, plan, folder);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	next = describe_next(folder);
	unsure += told->came_back && told->rc == FAAS_EUNKNOWN;
	if (!may_be_next(next)) {
		say_difference(next, before);
		fail_msg("%s, fault %d, ended at %ld: %d, and half of it is there, or another",
			 row->name, plan->fault, plan->at, told->rc);
	}
	free(next);
}

/* ---- all of them ------------------------------------------------------------ */

static const struct fault_plan failures[] = {
	{ .fault = FAULT_EIO, .once = true },
	{ .fault = FAULT_FULL },
	{ .fault = FAULT_SYNC },
	{ .fault = FAULT_EIO },
	{ .fault = FAULT_FULL, .once = true },
};
/* After one that fails the program goes on, until the power does; with EIO the disk is back. */
static const struct fault_plan ends[] = {
	{ .fault = FAULT_KILL },
	{ .fault = FAULT_FULL },
	{ .fault = FAULT_POWER },
	{ .fault = FAULT_EIO },
};

#define STRIDE (6 * TEST_FEWER)

static long met;

#define FAILURES (sizeof(failures) / sizeof(*failures))
#define ENDS (sizeof(ends) / sizeof(*ends))

/* One of them, at some operations; or all. */
static void try(const struct changes_row *row, const struct fault_plan *plans, size_t count,
		long at, size_t turn,
		void (*meet)(const struct changes_row *, const struct fault_plan *))
{
	bool all = getenv("FAAS_FAULT_ALL");

	if (!all && (turn + (size_t)at) % STRIDE)
		return;
	for (size_t i = 0; i < count; i++) {
		struct fault_plan plan = plans[i];

		plan.at = at;
		plan.seed = (uint32_t)(turn + (size_t)at);
		if (!all && i != (turn + (size_t)at) / STRIDE % count)
			continue;
		meet(row, &plan);
		met++;
	}
}

/* FAAS_FAULT_ROW: only of this change. */
static void try_all(const struct fault_plan *plans, size_t count,
		    void (*meet)(const struct changes_row *, const struct fault_plan *))
{
	const char *only = getenv("FAAS_FAULT_ROW");

	met = 0;
	for (int i = 0; i < changes_count; i++) {
		long ops = only && strcmp(only, changes_rows[i].name) ? 0 : begin(i);

		for (long n = 1; n <= ops; n++)
			try(&changes_rows[i], plans, count, n, (size_t)i, meet);
	}
	print_message("# %ld faults were met\n", met);
}

TEST(a_change_that_the_disk_refuses_is_whole_or_has_not_happened)
{
	try_all(failures, FAILURES, fail_once);
}

/* The sync of its commit, so nobody can say whether it is on the disk. */
static void fail_the_last_of(int i)
{
	struct fault_plan plan = { .fault = FAULT_EIO, .at = begin(i) };

	end_once(&changes_rows[i], &plan);
}

TEST(a_change_in_which_the_program_ends_is_whole_or_has_not_happened)
{
	told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(told, MAP_FAILED);
	unsure = 0;
	fail_the_last_of(0); /* whatever the sample is */
	assert_true(unsure);
	try_all(ends, ENDS, end_once);
	print_message("# of %ld nobody could say whether they were written\n", unsure);
	munmap(told, sizeof(*told));
}

/* The row of this name. */
static const struct changes_row *row_of(const char *name)
{
	const struct changes_row *row = changes_rows;

	while (strcmp(row->name, name) != 0)
		row++;
	return row;
}

static void is_refused(struct faas *rt, const char *change)
{
	struct faas_error err = { 0 };
	char *was = changes_describe(rt), *is;

	assert_int_equal(changes_perform(rt, row_of(change), &err), FAAS_ESYSTEM);
	assert_string_equal(err.message,
			    "nothing was changed, for the state_dir cannot be written now");
	is = changes_describe(rt);
	assert_string_equal(is, was);
	free(is);
	free(was);
}

static void is_done(struct faas *rt, const char *change)
{
	struct faas_error err = { 0 };

	if (changes_perform(rt, row_of(change), &err))
		fail_msg("%s: %s", change, err.message);
}

/* The room of the ballast is there for it; then for nothing that could be refused. */
TEST(on_a_full_disk_the_change_under_way_is_written_and_the_next_one_refused_at_once)
{
	const char *folder = changes_folder(row_of("tag"));
	struct faas *rt = open_runtime(folder);
	char ballast[128], *now, *next;

	snprintf(ballast, sizeof(ballast), "%s/ballast", folder);
	fault_vfs_fill(ballast);
	is_done(rt, "tag");
	while (mkdir(ballast, 0700) < 0) { /* there is no room for another */
		assert_int_equal(errno, EEXIST); /* the loop wrote, too */
		is_done(rt, "tag");
	}
	is_refused(rt, "delete a version");
	is_refused(rt, "publish");
	is_refused(rt, "create a function");
	assert_int_equal(rmdir(ballast), 0);
	fault_vfs_fill(NULL);
	is_done(rt, "delete a version");
	now = changes_describe(rt);
	assert_int_equal(faas_destroy(rt), 0);
	next = describe_next(folder);
	assert_string_equal(next, now);
	free(next);
	free(now);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			on_a_full_disk_the_change_under_way_is_written_and_the_next_one_refused_at_once),
		cmocka_unit_test(a_change_that_the_disk_refuses_is_whole_or_has_not_happened),
		cmocka_unit_test(a_change_in_which_the_program_ends_is_whole_or_has_not_happened),
	};

	return cmocka_run_group_tests(tests, changes_begin, forget);
}
