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
	assert_int_equal(after.processes, before.processes + 1);
	assert_true(after.memory_kb - before.memory_kb >= 64 * 1024);
	assert_true(after.memory_kb - before.memory_kb < 128 * 1024);
	munmap(shared, 64 * MIB);
	close(ready[0]);
	close(ready[1]);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_that_processes_share_count_once),
	};

	return cmocka_run_group_tests_name("env/census", tests, NULL, NULL);
}
