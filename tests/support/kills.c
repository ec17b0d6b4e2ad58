/* SPDX-License-Identifier: MIT */
#include "kills.h"

#include "test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <plugins/killed.h>

#include "stores.h"

char kills_folder[64], kills_memory[64];

static void *shared;
static size_t shared_size;

static void path_of_memory(char out[96])
{
	snprintf(out, 96, "%s/" KILLED_FILE, kills_memory);
}

void *kills_begin(size_t size)
{
	char path[96];
	int file;

	stores_folder(kills_folder);
	stores_folder(kills_memory);
	path_of_memory(path);
	file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(fchmod(file, 0666) | chmod(kills_memory, 0755), 0);
	assert_int_equal(ftruncate(file, (off_t)size), 0);
	shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	shared_size = size;
	close(file);
	return shared == MAP_FAILED ? NULL : shared;
}

int kills_end(void **state)
{
	char path[96];

	(void)state;
	path_of_memory(path);
	unlink(path);
	rmdir(kills_memory);
	stores_remove(kills_folder);
	return munmap(shared, shared_size);
}

int kills_setting(const char *name, int otherwise)
{
	return getenv(name) ? atoi(getenv(name)) : otherwise;
}

static void pause_ms(unsigned ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000L }, NULL);
}

void kills_tick(void)
{
	pause_ms(1);
}

static _Noreturn void be_killed(void (*program)(void))
{
	program();
	for (;;)
		pause();
}

void kills_one(void (*program)(void), const _Atomic int *count, int by, unsigned ms)
{
	int before = *count, status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid)
		be_killed(program);
	assert_true(pid > 0);
	for (int i = 0; *count < before + by && i < 10000; i++)
		kills_tick();
	pause_ms(ms);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}
