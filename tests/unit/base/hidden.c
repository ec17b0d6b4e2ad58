/* SPDX-License-Identifier: MIT */
#include <support/test.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <base/hidden.h>
#include <support/failing_mem.h>

static struct failing_mem mem;

/* Whether the kernel has been told this of it: "dd" not to be dumped, "dc" not to be forked. */
static bool is_told(const void *ptr, const char *flag)
{
	FILE *maps = fopen("/proc/self/smaps", "re");
	unsigned long from, to;
	bool here = false, told = false;
	char line[512];

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			here = (uintptr_t)ptr >= from && (uintptr_t)ptr < to;
		else if (here && !strncmp(line, "VmFlags:", 8))
			told = strstr(line, flag) != NULL;
	}
	fclose(maps);
	return told;
}

TEST(what_is_hidden_is_zeroed_and_neither_dumped_nor_copied_to_forks)
{
	char zero[5000] = { 0 }, *hidden;

	failing_mem_init(&mem);
	for (size_t size = 1; size <= sizeof(zero); size += 833) {
		hidden = fa_hidden_alloc(&mem.mem, size);
		assert_memory_equal(hidden, zero, size);
		assert_true(is_told(hidden, " dd") && is_told(hidden + size - 1, " dd"));
		assert_true(is_told(hidden, " dc") && is_told(hidden + size - 1, " dc"));
		fa_hidden_free(hidden);
	}
	assert_true(failing_mem_clean(&mem));
}

TEST(a_child_that_is_forked_has_it_not)
{
	char *hidden = fa_hidden_alloc(&fa_mem_libc, 1), *plain = fa_alloc(&fa_mem_libc, 1);
	int pipe_[2], status;
	pid_t pid;

	assert_int_equal(pipe(pipe_), 0);
	pid = fork();
	if (!pid)
		_exit((write(pipe_[1], plain, 1) == 1) +
		      2 * (write(pipe_[1], hidden, 1) < 0 && errno == EFAULT));
	waitpid(pid, &status, 0);
	assert_int_equal(WEXITSTATUS(status), 3);
	close(pipe_[0]);
	close(pipe_[1]);
	fa_hidden_free(hidden);
	fa_free(plain);
}

static bool wiped, ordinary;

/* Frees, and looks first. */
static void *look(void *data, void *ptr, size_t old_size, size_t new_size)
{
	(void)data;
	if (!new_size) {
		wiped = !memmem(ptr, old_size, "never seen", 10);
		ordinary = !is_told((char *)ptr + old_size / 2, " dd");
	}
	return fa_mem_libc.realloc(NULL, ptr, old_size, new_size);
}

TEST(when_it_goes_it_is_wiped_and_the_memory_is_like_any_other)
{
	const struct fa_mem looking = { .realloc = look };
	char *hidden = fa_hidden_alloc(&looking, 9000);

	strcpy(hidden, "never seen");
	strcpy(hidden + 8000, "never seen");
	fa_hidden_free(hidden);
	assert_true(wiped);
	assert_true(ordinary);
}

TEST(without_memory_there_is_none)
{
	failing_mem_init(&mem);
	mem.fail_at = mem.calls + 1;
	assert_null(fa_hidden_alloc(&mem.mem, 10));
	assert_null(fa_hidden_alloc(&mem.mem, SIZE_MAX));
	fa_hidden_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_hidden_is_zeroed_and_neither_dumped_nor_copied_to_forks),
		cmocka_unit_test(a_child_that_is_forked_has_it_not),
		cmocka_unit_test(when_it_goes_it_is_wiped_and_the_memory_is_like_any_other),
		cmocka_unit_test(without_memory_there_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
