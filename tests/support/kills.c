/* SPDX-License-Identifier: MIT */
#include "kills.h"

#include "test.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "stores.h"

char kills_folder[64];

static void *shared;
static size_t shared_size;

void *kills_begin(size_t size)
{
	shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	shared_size = size;
	stores_folder(kills_folder);
	return shared == MAP_FAILED ? NULL : shared;
}

int kills_end(void **state)
{
	(void)state;
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

/* ---- keys that stay in order ------------------------------------------ */

static struct kills_seen *seen;
static const struct kills_writers *writers;
static int killed;
static pthread_t threads[KILLS_KEYS];

int kills_begin_keys(void **state)
{
	(void)state;
	seen = kills_begin(sizeof(*seen));
	return seen ? 0 : -1;
}

bool kills_fails(void)
{
	return ++seen->batches % 50 == 0;
}

void kills_see(int key, int n)
{
	if (n < seen->keys[key].done)
		seen->twice++;
	else if (n > seen->keys[key].done)
		seen->out_of_order++;
	else
		seen->keys[key].done++;
}

static void *write_key(void *data)
{
	struct kills_key *k = data;

	for (; k->next < writers->each; k->next++) {
		if (!writers->write((int)(k - seen->keys), k->next))
			return NULL;
		seen->accepted++;
	}
	return NULL;
}

static void open_and_write(void)
{
	writers->open();
	for (int i = 0; i < writers->keys; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, write_key, &seen->keys[i]), 0);
}

static int processed(void)
{
	int n = 0;

	for (int i = 0; i < writers->keys; i++)
		n += seen->keys[i].done;
	return n;
}

void kills_write(const struct kills_writers *w)
{
	writers = w;
	killed = kills_setting("FAAS_KILLS", 4);
	for (int i = 0; i < killed; i++)
		kills_one(open_and_write, &seen->accepted, w->by, (unsigned)(i + 1) * 37 % 50);
	open_and_write();
	for (int i = 0; i < w->keys; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; processed() < w->keys * w->each && i < 60000; i++)
		kills_tick();
}

void kills_check(const char *what)
{
	assert_int_equal(processed(), writers->keys * writers->each);
	assert_int_equal(seen->out_of_order, 0);
	print_message("# %d programs killed, %d %s, %d processed more than once\n", killed,
		      writers->keys * writers->each, what, seen->twice);
}
