/* SPDX-License-Identifier: MIT */

/* The timing side of the raw cold start; see nursery_main.c for what is timed. */

#include "crib.h"
#include "raw.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define PATIENCE_S 5

extern char **environ;

struct nursery {
	struct crib *crib;
	pid_t pid;
	bool taken[CRIB_ZYGOTES];
};

struct zygote {
	struct nursery *nursery;
	uint32_t index;
};

static struct crib *map_crib(int fd)
{
	struct crib *crib;

	if (fd < 0 || ftruncate(fd, sizeof(*crib)) < 0)
		bench_die("memfd: %s", strerror(errno));
	crib = mmap(NULL, sizeof(*crib), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd,
		    0);
	if (crib == MAP_FAILED)
		bench_die("mmap: %s", strerror(errno));
	return crib;
}

struct nursery *nursery_open(const char *program, const char *plugin)
{
	char *argv[] = { (char *)program, (char *)plugin, NULL };
	struct nursery *n = calloc(1, sizeof(*n));
	posix_spawn_file_actions_t actions;
	int fd = memfd_create("crib", MFD_CLOEXEC);
	int error;

	if (!n)
		bench_die("no memory");
	n->crib = map_crib(fd);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fd, CRIB_FD);
	error = posix_spawn(&n->pid, program, &actions, NULL, argv, environ);
	if (error)
		bench_die("%s: %s", program, strerror(error));
	posix_spawn_file_actions_destroy(&actions);
	close(fd);
	return n;
}

void nursery_close(struct nursery *n)
{
	kill(n->pid, SIGKILL);
	waitpid(n->pid, NULL, 0);
	munmap(n->crib, sizeof(*n->crib));
	free(n);
}

static uint32_t take(struct nursery *n)
{
	for (uint32_t i = 0; i < CRIB_ZYGOTES; i++) {
		if (n->taken[i])
			continue;
		n->taken[i] = true;
		atomic_store(&n->crib->zygotes[i].command, 0);
		return i;
	}
	bench_die("the nursery has room for %d zygotes", CRIB_ZYGOTES);
}

static void order_zygote(struct nursery *n, uint32_t index, enum zygote_kind kind)
{
	n->crib->zygote = index;
	n->crib->kind = kind;
	word_post(&n->crib->command, atomic_load(&n->crib->command) + 1);
}

static void order_clones(struct nursery *n, uint32_t index, uint32_t clones)
{
	struct crib_zygote *z = &n->crib->zygotes[index];

	z->clones = clones;
	word_post(&z->command, atomic_load(&z->command) + 1);
}

struct zygote *zygote_open(struct nursery *n, enum zygote_kind kind)
{
	struct zygote *z = calloc(1, sizeof(*z));

	if (!z)
		bench_die("no memory");
	z->nursery = n;
	z->index = take(n);
	order_zygote(n, z->index, kind);
	bench_sleep_us(20000);
	return z;
}

static void prepare(struct crib *crib, uint32_t clones, uint32_t *seen)
{
	for (uint32_t i = 0; i < clones; i++) {
		struct crib_clone *c = &crib->clones[i];

		c->in_len = sizeof(c->in);
		memset(c->in, 'x', sizeof(c->in));
		memset(c->out, 0, sizeof(c->out));
		seen[i] = atomic_load(&c->done);
	}
}

static void await(struct crib *crib, uint32_t clones, const uint32_t *seen)
{
	for (uint32_t i = 0; i < clones; i++)
		if (word_leave_within(&crib->clones[i].done, seen[i], PATIENCE_S) < 0)
			bench_die("a raw clone did not answer within %d s", PATIENCE_S);
}

static void check(struct crib *crib, uint32_t clones)
{
	for (uint32_t i = 0; i < clones; i++) {
		const struct crib_clone *c = &crib->clones[i];

		if (c->out_len != c->in_len || memcmp(c->out, c->in, c->in_len) != 0)
			bench_die("a raw clone answered something else than it was sent");
	}
}

uint64_t zygote_burst(struct zygote *z, int clones)
{
	struct crib *crib = z->nursery->crib;
	uint32_t seen[CRIB_CLONES];
	uint64_t start, took;

	prepare(crib, (uint32_t)clones, seen);
	start = bench_now();
	order_clones(z->nursery, z->index, (uint32_t)clones);
	await(crib, (uint32_t)clones, seen);
	took = bench_now() - start;
	check(crib, (uint32_t)clones);
	return took;
}

uint64_t zygote_birth(struct zygote *z)
{
	return zygote_burst(z, 1);
}

uint64_t nursery_first(struct nursery *n)
{
	struct crib *crib = n->crib;
	uint32_t index = take(n), seen;
	uint64_t start, took;

	prepare(crib, 1, &seen);
	crib->zygotes[index].clones = 1;
	atomic_store(&crib->zygotes[index].command, 1);
	start = bench_now();
	order_zygote(n, index, ZYGOTE_LOADED);
	await(crib, 1, &seen);
	took = bench_now() - start;
	check(crib, 1);
	order_clones(n, index, 0);
	bench_sleep_us(2000);
	n->taken[index] = false;
	return took;
}

void zygote_close(struct zygote *z)
{
	order_clones(z->nursery, z->index, 0);
	bench_sleep_us(2000);
	z->nursery->taken[z->index] = false;
	free(z);
}
