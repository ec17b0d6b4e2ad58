/* SPDX-License-Identifier: MIT */
/*
 * What a change leaves when the disk fails under the code: the files outside of the database.
 * Each change of code meets a fault at its 1st, 2nd, ... N-th call that makes, writes, syncs,
 * names or removes something in the state_dir's directory for code, and from there on or only
 * there. Then it has happened, or it has not and says why, or it has failed later and its state
 * says why; no part of it is left; and the next program tells the same.
 *
 * The calls are those of the C library, which this program has in its stead.
 *
 * FAAS_FAULT_ALL=1: each call, not some of them; FAAS_FAULT_ROW: only of this change.
 */
#include "support/test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support/changes.h"

static struct {
	_Atomic int calls, fail_at; /* 0: none */
	_Atomic int failed;
	bool lasting;
	int error;
} disk;

/* Whether this one in that directory fails; only those of the code count. */
static bool fails(int fd)
{
	char link[32], path[512];
	ssize_t len;
	int n;

	if (!disk.fail_at)
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path) - 1);
	path[len > 0 ? len : 0] = '\0';
	if (!strstr(path, "/code"))
		return false;
	n = ++disk.calls;
	if (n < disk.fail_at || (n > disk.fail_at && !disk.lasting))
		return false;
	disk.failed++;
	errno = disk.error;
	return true;
}

int mkdirat(int fd, const char *path, mode_t mode)
{
	return fails(fd) ? -1 : (int)syscall(SYS_mkdirat, fd, path, mode);
}

int renameat(int from, const char *path, int to, const char *name)
{
	return fails(from) ? -1 : (int)syscall(SYS_renameat2, from, path, to, name, 0);
}

int linkat(int from, const char *path, int to, const char *name, int flags)
{
	return fails(to) ? -1 : (int)syscall(SYS_linkat, from, path, to, name, flags);
}

int fsync(int fd)
{
	return fails(fd) ? -1 : (int)syscall(SYS_fsync, fd);
}

int fchmod(int fd, mode_t mode)
{
	return fails(fd) ? -1 : (int)syscall(SYS_fchmod, fd, mode);
}

ssize_t write(int fd, const void *data, size_t len)
{
	return fails(fd) ? -1 : syscall(SYS_write, fd, data, len);
}

int openat64(int fd, const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list rest;

	if (flags & (O_CREAT | __O_TMPFILE)) {
		va_start(rest, flags);
		mode = va_arg(rest, mode_t);
		va_end(rest);
	}
	if ((flags & O_CREAT) && fails(fd))
		return -1;
	return (int)syscall(SYS_openat, fd, path, flags, mode);
}

static void fail_at(int n, int error, bool lasting)
{
	disk.fail_at = 0;
	disk.calls = disk.failed = 0;
	disk.error = error;
	disk.lasting = lasting;
	disk.fail_at = n;
}

static void be_well(void)
{
	disk.fail_at = 0;
}

/* ---- one change --------------------------------------------------------- */

static struct faas *open_runtime(const char *folder)
{
	struct faas_error err = { 0 };
	struct faas *rt = changes_open(folder, NULL, NULL, &err);

	if (!rt)
		fail_msg("%s", err.message);
	return rt;
}

/* Nothing in it was only begun. */
static void check_folder(const struct changes_row *row, const char *folder)
{
	struct dirent *entry;
	char path[256];
	DIR *stream;

	snprintf(path, sizeof(path), "%s/code", folder);
	stream = opendir(path);
	assert_non_null(stream);
	while ((entry = readdir(stream)))
		if (!strncmp(entry->d_name, "new-", 4) || !strncmp(entry->d_name, "gone-", 5))
			fail_msg("%s leaves %s", row->name, entry->d_name);
	closedir(stream);
}

/* Told now, or by the state that it came to. */
static void check_told(const struct changes_row *row, int n, int rc, const struct faas_error *err,
		       const char *before, const char *now)
{
	bool failed = strstr(now, "\"State\":\"Failed\"") ||
		      strstr(now, "\"LastUpdateStatus\":\"Failed\"");

	if (rc && (rc != FAAS_ESYSTEM || !*err->message))
		fail_msg("%s, call %d: %d, %s", row->name, n, rc, err->message);
	if (rc && strcmp(now, before) != 0)
		fail_msg("%s, call %d: %s, and something has changed", row->name, n, err->message);
	if (failed && !strstr(now, strerror(disk.error)))
		fail_msg("%s, call %d: failed, and nobody knows why", row->name, n);
}

/* The first line in which they differ. */
static void say_difference(const char *text, const char *like)
{
	while (*text && *text == *like)
		text++, like++;
	print_message("# %.300s\n# and not\n# %.300s\n", text, like);
}

/* False: the change makes fewer calls than that. */
static bool meet(const struct changes_row *row, int n, int error, bool lasting)
{
	const char *folder = changes_folder(row);
	struct faas *rt = open_runtime(folder);
	char *before = changes_describe(rt), *now, *next;
	struct faas_error err = { 0 };
	bool met;
	int rc;

	fail_at(n, error, lasting);
	rc = changes_perform(rt, row, &err);
	now = changes_describe(rt);
	met = disk.failed > 0;
	be_well();
	check_told(row, n, rc, &err, before, now);
	assert_int_equal(faas_destroy(rt), 0);
	rt = open_runtime(folder);
	next = changes_describe(rt);
	if (strcmp(next, now) != 0) {
		say_difference(next, now);
		fail_msg("%s, call %d: the next program says something else", row->name, n);
	}
	assert_int_equal(faas_destroy(rt), 0);
	check_folder(row, folder);
	free(before);
	free(now);
	free(next);
	return met;
}

#define STRIDE (4 * TEST_FEWER)

static int met;

static void meet_all(int error, bool lasting)
{
	const char *only = getenv("FAAS_FAULT_ROW");
	int stride = getenv("FAAS_FAULT_ALL") ? 1 : STRIDE;

	met = 0;
	for (int i = 0; i < changes_count; i++) {
		const struct changes_row *row = &changes_rows[i];

		if (!row->code || (only && strcmp(only, row->name) != 0))
			continue;
		for (int n = 1 + i % stride; meet(row, n, error, lasting); n += stride)
			met++;
	}
	print_message("# %d faults were met\n", met);
	assert_true(only || met > 60 / stride);
}

TEST(a_full_disk_leaves_no_half_of_a_change_of_code)
{
	meet_all(ENOSPC, true);
}

TEST(one_error_of_the_disk_leaves_no_half_of_a_change_of_code)
{
	meet_all(EIO, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_disk_leaves_no_half_of_a_change_of_code),
		cmocka_unit_test(one_error_of_the_disk_leaves_no_half_of_a_change_of_code),
	};

	return cmocka_run_group_tests(tests, changes_begin, changes_end);
}
