/* SPDX-License-Identifier: MIT */
/* What a family of processes uses, of which this test is the first. */
#include <support/test.h>

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <env/census.h>

#define MIB (1 << 20)

static int64_t now_kb(const struct fa_census *census)
{
	return census->usage.own_kb + census->usage.files_kb;
}

TEST(pages_that_processes_share_count_once)
{
	char *shared = mmap(NULL, 64 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
			    0);
	struct fa_census before, after;
	int ready[2];
	pid_t child;
	char word;

	assert_ptr_not_equal(shared, MAP_FAILED);
	assert_int_equal(pipe(ready), 0);
	fa_census(&before, getpid());
	memset(shared, 'x', 64 * MIB);
	child = fork();
	if (!child) {
		for (int i = 0; i < 64 * MIB; i += 4096)
			((volatile char *)shared)[i] = 'y';
		(void)!write(ready[1], "", 1);
		for (;;)
			pause();
	}
	assert_int_equal(read(ready[0], &word, 1), 1);
	fa_census(&after, getpid());
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_int_equal(after.usage.processes, before.usage.processes + 1);
	assert_true(now_kb(&after) - now_kb(&before) >= 64 * 1024);
	assert_true(now_kb(&after) - now_kb(&before) < 128 * 1024);
	munmap(shared, 64 * MIB);
	close(ready[0]);
	close(ready[1]);
}

TEST(what_one_has_had_before_counts_though_it_gave_it_back)
{
	char *pages = mmap(NULL, 64 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			   0);
	struct fa_usage usage = { 0 };

	assert_ptr_not_equal(pages, MAP_FAILED);
	memset(pages, 'x', 64 * MIB);
	munmap(pages, 64 * MIB);
	assert_true(fa_usage_add(&usage, getpid()));
	assert_true(usage.peak_kb - usage.own_kb - usage.files_kb > 32 * 1024);
	assert_int_equal(fa_usage_kb(&usage), usage.peak_kb);
}

TEST(who_is_gone_is_not_counted)
{
	struct fa_usage usage = { 0 };
	pid_t child = fork();

	if (!child)
		_exit(0);
	waitpid(child, NULL, 0);
	assert_false(fa_usage_add(&usage, child));
	assert_int_equal(usage.processes, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_one_has_had_before_counts_though_it_gave_it_back),
		cmocka_unit_test(who_is_gone_is_not_counted),
		cmocka_unit_test(pages_that_processes_share_count_once),
	};

	return cmocka_run_group_tests_name("env/census", tests, NULL, NULL);
}
