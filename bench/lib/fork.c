/* SPDX-License-Identifier: MIT */

/*
 * What a fork costs a process that has something in memory, on small pages
 * and on huge ones, and what a program start costs. The heap belongs to a
 * child that only forks, so that this program's own memory is not in it.
 */

#include "raw.h"
#include "word.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define PAGE 4096u

extern char **environ;

struct order {
	_Alignas(64) word command;
	_Alignas(64) word done;
};

struct bigfork {
	struct order *order;
	uint32_t turn;
	pid_t pid;
};

static unsigned char *touched_heap(size_t bytes, bool huge)
{
	unsigned char *heap = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (heap == MAP_FAILED)
		bench_die("mmap of %zu bytes: %s", bytes, strerror(errno));
	madvise(heap, bytes, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	memset(heap, 1, bytes);
	return heap;
}

__attribute__((noreturn)) static void fork_for_ever(struct order *o, size_t bytes, bool huge,
						    int pages)
{
	unsigned char *heap = touched_heap(bytes, huge);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGCHLD, SIG_IGN);
	for (uint32_t turn = 0;; turn++) {
		word_leave(&o->command, turn);
		if (syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) != 0)
			continue;
		for (int i = 0; i < pages; i++)
			heap[(size_t)i * PAGE] = 2;
		word_post(&o->done, turn + 1);
		_exit(0);
	}
}

struct bigfork *bigfork_open(size_t mb, bool huge, int pages)
{
	struct bigfork *b = calloc(1, sizeof(*b));

	if (!b)
		bench_die("no memory");
	b->order = shared_pages(PAGE);
	b->pid = fork();
	if (b->pid < 0)
		bench_die("fork: %s", strerror(errno));
	if (b->pid == 0)
		fork_for_ever(b->order, mb << 20, huge, pages);
	bench_sleep_us(100000);
	return b;
}

uint64_t bigfork_birth(struct bigfork *b)
{
	uint64_t start = bench_now();
	uint32_t turn = b->turn++;

	word_post(&b->order->command, turn + 1);
	if (word_leave_within(&b->order->done, turn, 5) < 0)
		bench_die("a raw fork did not answer within 5 s");
	return bench_now() - start;
}

void bigfork_close(struct bigfork *b)
{
	kill(b->pid, SIGKILL);
	waitpid(b->pid, NULL, 0);
	munmap(b->order, PAGE);
	free(b);
}

uint64_t spawn_true(void)
{
	char *argv[] = { "true", NULL };
	uint64_t start = bench_now();
	pid_t pid;
	int error = posix_spawn(&pid, "/bin/true", NULL, NULL, argv, environ);

	if (error)
		bench_die("/bin/true: %s", strerror(error));
	waitpid(pid, NULL, 0);
	return bench_now() - start;
}
