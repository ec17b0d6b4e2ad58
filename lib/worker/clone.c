/* SPDX-License-Identifier: MIT */
/*
 * libc's fork() cannot make namespaces, and a bare clone() leaves the child
 * with libc's memory of its parent's thread id: raise() and pthread_kill() in
 * the function would then aim at a stranger. The kernel can store the new id
 * for us (CLONE_CHILD_SETTID) if we know where libc keeps it. That place is
 * found by experiment: it is the word whose change changes what libc says is
 * the CPU clock of this thread. It costs nothing per clone, unlike a fix
 * afterwards. The old system call is used because the filter, which cannot look
 * into the memory that clone3() takes its flags from, refuses that.
 *
 * A clone gets the page tables of a mapping only if that has private pages; code
 * has none, so each child would fault on every piece of libc and of the loader
 * that it touches, twenty times before the function runs. One byte written over
 * itself, the way a debugger does it, makes a mapping of a file such a one.
 */
#include <worker/clone.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SEARCH_BYTES 0x600 /* less than any libc's struct of a thread with its TLS head */

static int *libc_tid;

static clockid_t own_clock(void)
{
	clockid_t clock = 0;

	pthread_getcpuclockid(pthread_self(), &clock);
	return clock;
}

static int is_tid(volatile int *word)
{
	clockid_t before = own_clock(), after;
	int tid = *word;

	*word = tid ^ 0x55;
	after = own_clock();
	*word = tid;
	return before != after;
}

/* Fails where the kernel does not let us: then clones are slower, nothing else. */
static void share_page_tables(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	int mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	unsigned long start;
	char line[512], mode[8];

	while (maps && mem >= 0 && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%*x %7s", &start, mode) != 2 || mode[0] != 'r' ||
		    mode[1] == 'w' || mode[3] != 'p' ||
		    !strchr(line, '/'))
			continue;
		if (pwrite(mem, (const void *)start, 1, (off_t)start) != 1)
			break;
	}
	if (maps)
		fclose(maps);
	if (mem >= 0)
		close(mem);
}

__attribute__((no_sanitize("address"))) static void find_tid(void)
{
	int tid = (int)syscall(SYS_gettid);
	int *word = (int *)pthread_self();

	for (size_t i = 0; i < SEARCH_BYTES / sizeof(*word) && !libc_tid; i++)
		if (word[i] == tid && is_tid(&word[i]))
			libc_tid = &word[i];
}

void fa_clone_init(void)
{
	struct timespec now;

	find_tid();
	share_page_tables();
	clock_gettime(CLOCK_MONOTONIC, &now); /* the kernel's page of it is copied once seen */
}

void fa_clone_settle(void)
{
	if (libc_tid)
		*libc_tid = (int)syscall(SYS_gettid);
}

pid_t fa_clone(unsigned long namespaces, int *pidfd)
{
	unsigned long flags = namespaces | SIGCHLD;
	long pid;

	if (pidfd)
		flags |= CLONE_PIDFD;
	if (libc_tid)
		flags |= CLONE_CHILD_SETTID;
#if defined(__aarch64__) || defined(__riscv)
	pid = syscall(SYS_clone, flags, NULL, pidfd, NULL, libc_tid);
#else
	pid = syscall(SYS_clone, flags, NULL, pidfd, libc_tid, NULL);
#endif
	return pid < 0 ? -errno : (pid_t)pid;
}
